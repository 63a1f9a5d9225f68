/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys at other locations (secure/crypto/location.h): their records, and calls to their drivers. */
#include "secure/crypto/internal.h"

const tsr_location *tsr_location_of(const tsr_crypto *c, psa_key_lifetime_t lifetime)
{
    for (size_t i = 0; i < c->location_count; i++)
        if (c->locations[i]->location == PSA_KEY_LIFETIME_GET_LOCATION(lifetime))
            return c->locations[i];
    return NULL;
}

/* A driver's output, written over `out`; out->len becomes what it wrote. */
static psa_status_t wrote(psa_status_t status, const tsr_buf *buf, psa_outvec *out)
{
    if (status == PSA_SUCCESS && buf->err != TSR_OK)
        status = PSA_ERROR_BUFFER_TOO_SMALL;
    out->len = status == PSA_SUCCESS ? buf->len : 0;
    return status;
}

/* What the core keeps of such a key, under the same id and persistence. */
static void record_attributes(const psa_key_attributes_t *a, psa_key_attributes_t *record)
{
    psa_key_lifetime_t lifetime = psa_get_key_lifetime(a);
    mbedtls_svc_key_id_t id = psa_get_key_id(a);

    *record = psa_key_attributes_init();
    psa_set_key_type(record, PSA_KEY_TYPE_RAW_DATA);
    psa_set_key_usage_flags(record, PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(record, TSR_ALG_HELD);
    psa_set_key_id(record, id);
    psa_set_key_lifetime(record, PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(
                                     PSA_KEY_LIFETIME_GET_PERSISTENCE(lifetime), 0));
}

static psa_status_t keep_record(const psa_key_attributes_t *a, tsr_bytes blob,
                                mbedtls_svc_key_id_t *key)
{
    uint8_t memory[TSR_WIRE_ATTRIBUTES + TSR_LOCATION_BLOB_MAX];
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    psa_key_attributes_t record;
    tsr_wire_attributes w = {
        .type = psa_get_key_type(a),
        .bits = (uint16_t)psa_get_key_bits(a),
        .lifetime = psa_get_key_lifetime(a),
        .usage = psa_get_key_usage_flags(a),
        .alg = psa_get_key_algorithm(a),
        .alg2 = psa_get_key_enrollment_algorithm(a),
    };

    tsr_wire_attributes_write(&out, &w);
    tsr_put_bytes(&out, blob);
    record_attributes(a, &record);

    psa_status_t status = out.err == TSR_OK ? psa_import_key(&record, memory, out.len, key)
                                            : PSA_ERROR_INSUFFICIENT_STORAGE;

    tsr_wipe(memory, sizeof memory);
    return status;
}

static bool taken(const psa_key_attributes_t *a)
{
    psa_key_attributes_t there = PSA_KEY_ATTRIBUTES_INIT;

    return !PSA_KEY_LIFETIME_IS_VOLATILE(psa_get_key_lifetime(a)) &&
           psa_get_key_attributes(psa_get_key_id(a), &there) != PSA_ERROR_INVALID_HANDLE;
}

/* The driver has made a key: its record is kept, or the key is undone. */
static psa_status_t settle(const tsr_location *at, const psa_key_attributes_t *a, psa_status_t made,
                           const tsr_buf *blob, mbedtls_svc_key_id_t *key)
{
    if (made != PSA_SUCCESS)
        return made;

    psa_status_t status = blob->err == TSR_OK ? keep_record(a, tsr_buf_view(blob), key)
                                              : PSA_ERROR_INSUFFICIENT_STORAGE;

    if (status != PSA_SUCCESS && at->destroy != NULL)
        (void)at->destroy(at->self, a, tsr_buf_view(blob));
    return status;
}

psa_status_t tsr_held_import(const tsr_new_key *n, tsr_bytes material, mbedtls_svc_key_id_t *key)
{
    uint8_t memory[TSR_LOCATION_BLOB_MAX];
    tsr_buf blob = tsr_buf_over(memory, sizeof memory);
    psa_key_attributes_t a = n->attributes;
    size_t bits = psa_get_key_bits(&a);

    if (n->at->import == NULL)
        return PSA_ERROR_NOT_SUPPORTED;
    if (taken(&a))
        return PSA_ERROR_ALREADY_EXISTS;

    psa_status_t status = n->at->import(n->at->self, &a, material, &blob, &bits);

    psa_set_key_bits(&a, bits);
    status = settle(n->at, &a, status, &blob, key);
    tsr_wipe(memory, sizeof memory);
    return status;
}

psa_status_t tsr_held_generate(const tsr_new_key *n, mbedtls_svc_key_id_t *key)
{
    uint8_t memory[TSR_LOCATION_BLOB_MAX];
    tsr_buf blob = tsr_buf_over(memory, sizeof memory);

    if (n->at->generate == NULL)
        return PSA_ERROR_NOT_SUPPORTED;
    if (taken(&n->attributes))
        return PSA_ERROR_ALREADY_EXISTS;

    psa_status_t status = n->at->generate(n->at->self, &n->attributes, &blob);

    status = settle(n->at, &n->attributes, status, &blob, key);
    tsr_wipe(memory, sizeof memory);
    return status;
}

psa_status_t tsr_held_open(const tsr_crypto *c, mbedtls_svc_key_id_t record, tsr_held *h)
{
    size_t len = 0;
    tsr_wire_attributes w;
    psa_status_t status = psa_export_key(record, h->record, sizeof h->record, &len);

    if (status != PSA_SUCCESS)
        return status;
    if (tsr_wire_attributes_read(tsr_first(tsr_view(h->record, len), TSR_WIRE_ATTRIBUTES), &w) !=
        TSR_OK)
        return PSA_ERROR_DATA_CORRUPT;
    h->attributes = psa_key_attributes_init();
    psa_set_key_type(&h->attributes, w.type);
    psa_set_key_bits(&h->attributes, w.bits);
    psa_set_key_usage_flags(&h->attributes, w.usage);
    psa_set_key_algorithm(&h->attributes, w.alg);
    psa_set_key_enrollment_algorithm(&h->attributes, w.alg2);
    psa_set_key_id(&h->attributes, record);
    psa_set_key_lifetime(&h->attributes, w.lifetime);
    h->blob = tsr_view(h->record + TSR_WIRE_ATTRIBUTES, len - TSR_WIRE_ATTRIBUTES);
    h->at = tsr_location_of(c, w.lifetime);
    return h->at != NULL ? PSA_SUCCESS : PSA_ERROR_NOT_SUPPORTED;
}

psa_status_t tsr_held_destroy(const tsr_held *h)
{
    return h->at->destroy != NULL ? h->at->destroy(h->at->self, &h->attributes, h->blob)
                                  : PSA_SUCCESS;
}

void tsr_held_forget(const tsr_crypto *c, mbedtls_svc_key_id_t record)
{
    tsr_held h;

    if (tsr_held_open(c, record, &h) == PSA_SUCCESS)
        (void)tsr_held_destroy(&h);
    tsr_wipe(&h, sizeof h);
}

psa_status_t tsr_held_export(const tsr_held *h, bool public_half, psa_outvec *out)
{
    psa_status_t (*fn)(void *, const psa_key_attributes_t *, tsr_bytes, tsr_buf *) =
        public_half ? h->at->export_public : h->at->export_key;
    tsr_buf buf = tsr_buf_over(out->base, out->len);

    if (public_half && !PSA_KEY_TYPE_IS_ASYMMETRIC(psa_get_key_type(&h->attributes)))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (!public_half && (psa_get_key_usage_flags(&h->attributes) & PSA_KEY_USAGE_EXPORT) == 0)
        return PSA_ERROR_NOT_PERMITTED;
    if (fn == NULL)
        return PSA_ERROR_NOT_SUPPORTED;
    return wrote(fn(h->at->self, &h->attributes, h->blob, &buf), &buf, out);
}

psa_status_t tsr_held_sign(const tsr_held *h, psa_algorithm_t alg, tsr_bytes hash, psa_outvec *out)
{
    tsr_buf buf = tsr_buf_over(out->base, out->len);

    if (!PSA_KEY_TYPE_IS_KEY_PAIR(psa_get_key_type(&h->attributes)))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (h->at->sign_hash == NULL)
        return PSA_ERROR_NOT_SUPPORTED;
    return wrote(h->at->sign_hash(h->at->self, &h->attributes, h->blob, alg, hash, &buf), &buf,
                 out);
}

psa_status_t tsr_held_agree(const tsr_held *h, psa_algorithm_t alg, tsr_bytes peer, psa_outvec *out)
{
    tsr_buf buf = tsr_buf_over(out->base, out->len);

    if (h->at->key_agreement == NULL)
        return PSA_ERROR_NOT_SUPPORTED;
    return wrote(h->at->key_agreement(h->at->self, &h->attributes, h->blob, alg, peer, &buf), &buf,
                 out);
}

psa_status_t tsr_held_decrypt(const tsr_held *h, psa_algorithm_t alg, tsr_bytes in, tsr_bytes salt,
                              psa_outvec *out)
{
    tsr_buf buf = tsr_buf_over(out->base, out->len);

    if (h->at->asymmetric_decrypt == NULL)
        return PSA_ERROR_NOT_SUPPORTED;
    return wrote(
        h->at->asymmetric_decrypt(h->at->self, &h->attributes, h->blob, alg, in, salt, &buf), &buf,
        out);
}

psa_status_t tsr_held_mac(const tsr_held *h, psa_algorithm_t alg, tsr_bytes in, psa_outvec *out)
{
    tsr_buf buf = tsr_buf_over(out->base, out->len);

    if (h->at->mac_compute == NULL)
        return PSA_ERROR_NOT_SUPPORTED;
    return wrote(h->at->mac_compute(h->at->self, &h->attributes, h->blob, alg, in, &buf), &buf,
                 out);
}

psa_status_t tsr_held_public(const tsr_held *h, psa_key_usage_t usage, psa_algorithm_t alg,
                             mbedtls_svc_key_id_t *key)
{
    uint8_t point[PSA_EXPORT_PUBLIC_KEY_MAX_SIZE];
    psa_outvec out = { point, sizeof point };
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = tsr_held_export(h, true, &out);

    if (status != PSA_SUCCESS)
        return status;
    psa_set_key_type(&a, (psa_key_type_t)(psa_get_key_type(&h->attributes) &
                                          ~(unsigned)PSA_KEY_TYPE_CATEGORY_FLAG_PAIR));
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    return psa_import_key(&a, point, out.len, key);
}
