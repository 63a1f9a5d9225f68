/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, reading and destroying keys. */
#include "secure/crypto/internal.h"

static uint64_t storage_uid(int32_t client, uint32_t id)
{
    return (uint64_t)(uint32_t)client << 32 | id; /* as Mbed TLS's core names a key's file */
}

#define KEY_HEAD 64u /* bytes that the core stores with a key, at most */

/* Whether a client may store one more key of `len` bytes: by number, and by bytes on the medium. */
static bool has_room(const tsr_crypto *c, int32_t client, size_t len)
{
    const tsr_store *store = c->its->store;
    tsr_store_key at = { (uint32_t)TSR_ITS_CRYPTO, storage_uid(client, 0) };
    uint64_t bytes = tsr_store_footprint(store, len + KEY_HEAD);
    uint32_t held = 0;
    tsr_store_info info;

    while (tsr_store_next(store, at.space, &at.uid) == TSR_OK &&
           at.uid <= storage_uid(client, UINT32_MAX)) {
        if (tsr_store_info_of(store, at, &info) == TSR_OK)
            bytes += tsr_store_footprint(store, info.len);
        held++;
        at.uid++;
    }
    return held < c->persistent_each && (c->its->quota == 0 || bytes <= c->its->quota);
}

static psa_status_t prepare_volatile(tsr_crypto_request *r, tsr_new_key *n)
{
    if (r->p.attributes.id != 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    mbedtls_set_key_owner_id(&n->attributes, r->msg->caller.client);
    psa_set_key_lifetime(&n->attributes, r->p.attributes.lifetime);
    n->slot = tsr_key_slot(r);
    return n->slot != NULL ? PSA_SUCCESS : PSA_ERROR_INSUFFICIENT_MEMORY;
}

static psa_status_t prepare_persistent(tsr_crypto_request *r, tsr_new_key *n)
{
    uint32_t id = r->p.attributes.id;
    size_t len = (r->p.attributes.bits + 7u) / 8u;

    if (r->msg->type == TSR_CRYPTO_IMPORT_KEY)
        len = tsr_input(r, 0).len;

    if (id < PSA_KEY_ID_USER_MIN || id > PSA_KEY_ID_USER_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (!has_room(r->c, r->msg->caller.client, len))
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    psa_set_key_id(&n->attributes, mbedtls_svc_key_id_make(r->msg->caller.client, id));
    psa_set_key_lifetime(&n->attributes, r->p.attributes.lifetime);
    return PSA_SUCCESS;
}

psa_status_t tsr_key_prepare(tsr_crypto_request *r, tsr_new_key *n)
{
    const tsr_wire_attributes *a = &r->p.attributes;

    *n = (tsr_new_key){ PSA_KEY_ATTRIBUTES_INIT, NULL };
    if (r->msg->out[0].len < 4) /* a key whose number cannot be told must not be made */
        return PSA_ERROR_PROGRAMMER_ERROR;
    psa_set_key_type(&n->attributes, a->type);
    psa_set_key_bits(&n->attributes, a->bits);
    psa_set_key_usage_flags(&n->attributes, a->usage);
    psa_set_key_algorithm(&n->attributes, a->alg);
    psa_set_key_enrollment_algorithm(&n->attributes, a->alg2);
    r->c->storage = PSA_SUCCESS;
    return PSA_KEY_LIFETIME_IS_VOLATILE(a->lifetime) ? prepare_volatile(r, n)
                                                     : prepare_persistent(r, n);
}

/* The core answers DATA_INVALID for whatever its storage said; the true reason is worth more. */
static psa_status_t reason(const tsr_crypto *c, psa_status_t status)
{
    return status != PSA_SUCCESS && c->storage != PSA_SUCCESS ? c->storage : status;
}

psa_status_t tsr_key_made(tsr_crypto_request *r, tsr_new_key *n, psa_status_t status,
                          mbedtls_svc_key_id_t key)
{
    if (n->slot == NULL)
        return status == PSA_SUCCESS ? tsr_answer_u32(r, r->p.attributes.id) : reason(r->c, status);
    if (status != PSA_SUCCESS) {
        tsr_wipe(n->slot, sizeof *n->slot);
        return status;
    }
    n->slot->key = key;
    return tsr_answer_u32(r, n->slot->id);
}

psa_status_t tsr_do_import(tsr_crypto_request *r)
{
    tsr_new_key n;
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;
    tsr_bytes material = tsr_input(r, 0);
    psa_status_t status = tsr_key_prepare(r, &n);

    if (status != PSA_SUCCESS)
        return status;
    status = psa_import_key(&n.attributes, material.ptr, material.len, &key);
    return tsr_key_made(r, &n, status, key);
}

psa_status_t tsr_do_generate(tsr_crypto_request *r)
{
    tsr_new_key n;
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;
    psa_status_t status = tsr_key_prepare(r, &n);

    if (status != PSA_SUCCESS)
        return status;
    status = psa_generate_key(&n.attributes, &key);
    return tsr_key_made(r, &n, status, key);
}

psa_status_t tsr_do_copy(tsr_crypto_request *r)
{
    tsr_new_key n;
    mbedtls_svc_key_id_t source, key = MBEDTLS_SVC_KEY_ID_INIT;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &source);

    if (status == PSA_SUCCESS)
        status = tsr_key_prepare(r, &n);
    if (status != PSA_SUCCESS)
        return status;
    status = psa_copy_key(source, &n.attributes, &key);
    return tsr_key_made(r, &n, status, key);
}

psa_status_t tsr_do_destroy(tsr_crypto_request *r)
{
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);
    tsr_crypto_key *slot = tsr_key_find(r, r->p.key);

    if (status != PSA_SUCCESS)
        return status;
    r->c->storage = PSA_SUCCESS;
    status = psa_destroy_key(key);
    if (slot != NULL)
        tsr_wipe(slot, sizeof *slot);
    return reason(r->c, status);
}

/* PSA Crypto API 1.2, psa_purge_key: success when nothing is cached, an error only for no such key.
 * The core knows cached keys only, so the key is looked up first. */
psa_status_t tsr_do_purge(tsr_crypto_request *r)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    if (status == PSA_SUCCESS)
        status = psa_get_key_attributes(key, &a);
    return status == PSA_SUCCESS ? psa_purge_key(key) : status;
}

psa_status_t tsr_do_attributes(tsr_crypto_request *r)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_buf out = tsr_buf_over(r->msg->out[0].base, r->msg->out[0].len);
    mbedtls_svc_key_id_t key;
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    if (status == PSA_SUCCESS)
        status = psa_get_key_attributes(key, &a);
    if (status != PSA_SUCCESS)
        return status;

    tsr_wire_attributes w = {
        .type = psa_get_key_type(&a),
        .bits = (uint16_t)psa_get_key_bits(&a),
        .lifetime = psa_get_key_lifetime(&a),
        .id = r->p.key,
        .usage = psa_get_key_usage_flags(&a),
        .alg = psa_get_key_algorithm(&a),
        .alg2 = psa_get_key_enrollment_algorithm(&a),
    };

    tsr_wire_attributes_write(&out, &w);
    r->msg->out[0].len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

typedef psa_status_t export_fn(mbedtls_svc_key_id_t key, uint8_t *data, size_t size, size_t *len);

static psa_status_t export(tsr_crypto_request *r, export_fn *fn)
{
    mbedtls_svc_key_id_t key;
    psa_outvec *out = &r->msg->out[0];
    psa_status_t status = tsr_key_resolve(r, r->p.key, &key);

    return status == PSA_SUCCESS ? fn(key, out->base, out->len, &out->len) : status;
}

psa_status_t tsr_do_export(tsr_crypto_request *r) { return export(r, psa_export_key); }

psa_status_t tsr_do_export_public(tsr_crypto_request *r)
{
    return export(r, psa_export_public_key);
}
