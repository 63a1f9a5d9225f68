/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, reading and destroying keys. */
#include "secure/crypto/internal.h"

/* Values of PSA Crypto API 1.2 that Mbed TLS 3.6 has not. */
#define USAGE_CACHE          0x00000004u
#define ALG_CCM_STAR_ANY_TAG ((psa_algorithm_t)0x04c09300)

#define KEY_HEAD 64u /* bytes that the core stores with a key, at most */

/* Whether a client may store one more key of `len` bytes: by number, and by bytes on the medium. */
static bool has_room(tsr_crypto *c, int32_t client, size_t len)
{
    const tsr_crypto_account *a = tsr_account_of(c, client);
    uint64_t bytes = a->bytes + tsr_store_footprint(c->its->store, len + KEY_HEAD);

    return a->persistent < c->persistent_each && (c->its->quota == 0 || bytes <= c->its->quota);
}

static psa_status_t prepare_volatile(tsr_crypto_request *r, tsr_new_key *n)
{
    if (r->p.attributes.id != 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    mbedtls_set_key_owner_id(&n->attributes, r->msg->caller.client);
    psa_set_key_lifetime(&n->attributes, r->p.attributes.lifetime);
    n->slot = tsr_key_slot(r);
    if (n->slot == NULL)
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    n->slot->held = tsr_elsewhere(n);
    n->slot->cache = (r->p.attributes.usage & USAGE_CACHE) != 0;
    return PSA_SUCCESS;
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
    r->c->cache = (r->p.attributes.usage & USAGE_CACHE) != 0;
    return PSA_SUCCESS;
}

/* PSA Crypto API 1.2, PSA_ALG_CCM_STAR_ANY_TAG: CCM* without a tag, and CCM with any. The core
 * knows it as these two; no tag has 1 byte, so nobody else means the second one. */
#define CCM_ANY_TAG PSA_ALG_AEAD_WITH_AT_LEAST_THIS_LENGTH_TAG(PSA_ALG_CCM, 1)

static psa_status_t set_algorithms(psa_key_attributes_t *a, psa_algorithm_t alg,
                                   psa_algorithm_t alg2)
{
    if (alg == TSR_ALG_HELD || alg2 == TSR_ALG_HELD)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (alg2 == ALG_CCM_STAR_ANY_TAG || (alg == ALG_CCM_STAR_ANY_TAG && alg2 != 0))
        return PSA_ERROR_NOT_SUPPORTED;
    if (alg == ALG_CCM_STAR_ANY_TAG) {
        alg = PSA_ALG_CCM_STAR_NO_TAG;
        alg2 = CCM_ANY_TAG;
    }
    psa_set_key_algorithm(a, alg);
    psa_set_key_enrollment_algorithm(a, alg2);
    return PSA_SUCCESS;
}

static psa_status_t choose_location(const tsr_crypto *c, psa_key_lifetime_t lifetime,
                                    tsr_new_key *n)
{
    if (PSA_KEY_LIFETIME_GET_LOCATION(lifetime) == PSA_KEY_LOCATION_LOCAL_STORAGE)
        return PSA_SUCCESS;
    n->at = TSR_CAN_LOCATE ? tsr_location_of(c, lifetime) : NULL;
    return tsr_elsewhere(n) ? PSA_SUCCESS : PSA_ERROR_NOT_SUPPORTED;
}

psa_status_t tsr_key_prepare(tsr_crypto_request *r, tsr_new_key *n)
{
    const tsr_wire_attributes *a = &r->p.attributes;

    *n = (tsr_new_key){ PSA_KEY_ATTRIBUTES_INIT, NULL, NULL };
    r->c->storage = PSA_SUCCESS;
    r->c->cache = false;
    if (r->msg->out[0].len < 4) /* a key whose number cannot be told must not be made */
        return PSA_ERROR_PROGRAMMER_ERROR;
    psa_set_key_type(&n->attributes, a->type);
    psa_set_key_bits(&n->attributes, a->bits);
    psa_set_key_usage_flags(&n->attributes, a->usage & ~USAGE_CACHE);

    psa_status_t status = set_algorithms(&n->attributes, a->alg, a->alg2);

    if (status == PSA_SUCCESS)
        status = choose_location(r->c, a->lifetime, n);
    if (status != PSA_SUCCESS)
        return status;
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
    r->c->cache = false;
    if (n->slot == NULL)
        return status == PSA_SUCCESS ? tsr_answer_u32(r, r->p.attributes.id) : reason(r->c, status);
    if (status != PSA_SUCCESS) {
        tsr_key_release(r->c, n->slot);
        return status;
    }
    n->slot->key = key;
    return tsr_answer_u32(r, n->slot->id);
}

psa_status_t tsr_key_from(tsr_crypto_request *r, tsr_new_key *n, tsr_bytes material)
{
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;
    psa_status_t status = tsr_elsewhere(n)
                              ? tsr_held_import(n, material, &key)
                              : psa_import_key(&n->attributes, material.ptr, material.len, &key);

    return tsr_key_made(r, n, status, key);
}

psa_status_t tsr_do_import(tsr_crypto_request *r)
{
    tsr_new_key n;
    psa_status_t status = tsr_key_prepare(r, &n);

    return status == PSA_SUCCESS ? tsr_key_from(r, &n, tsr_input(r, 0)) : status;
}

/* RFC 8017 §3.1: an RSA exponent is odd. With an even one the core would look for primes for ever.
 */
static bool exponent_is_even(const tsr_wire_attributes *a, tsr_bytes data)
{
    return a->type == PSA_KEY_TYPE_RSA_KEY_PAIR && data.len > 0 &&
           (data.ptr[data.len - 1] & 1u) == 0;
}

static psa_status_t generate(tsr_crypto_request *r, const psa_custom_key_parameters_t *custom,
                             tsr_bytes data)
{
    tsr_new_key n;
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;
    psa_status_t status = exponent_is_even(&r->p.attributes, data) ? PSA_ERROR_INVALID_ARGUMENT
                                                                   : tsr_key_prepare(r, &n);

    if (status != PSA_SUCCESS)
        return status;
    if (!tsr_elsewhere(&n))
        status = psa_generate_key_custom(&n.attributes, custom, data.ptr, data.len, &key);
    else if (custom->flags != 0 || data.len != 0)
        status = PSA_ERROR_NOT_SUPPORTED;
    else
        status = tsr_held_generate(&n, &key);
    return tsr_key_made(r, &n, status, key);
}

psa_status_t tsr_do_generate(tsr_crypto_request *r)
{
    psa_custom_key_parameters_t custom = PSA_CUSTOM_KEY_PARAMETERS_INIT;

    return generate(r, &custom, (tsr_bytes){ NULL, 0 });
}

psa_status_t tsr_do_generate_custom(tsr_crypto_request *r)
{
    psa_custom_key_parameters_t custom = { .flags = (uint32_t)r->p.number };

    return r->p.number > UINT32_MAX ? PSA_ERROR_INVALID_ARGUMENT
                                    : generate(r, &custom, tsr_input(r, 0));
}

/* Whether a key of this caller permits PSA_KEY_USAGE_CACHE. */
static bool caches(const tsr_crypto_request *r, uint32_t id, mbedtls_svc_key_id_t key)
{
    const tsr_crypto_key *slot = tsr_key_find(r, id);

    return slot != NULL ? slot->cache : tsr_stored_cache(r->c, key);
}

psa_status_t tsr_do_copy(tsr_crypto_request *r)
{
    tsr_new_key n;
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;
    psa_status_t status;

    if (!caches(r, r->p.key, r->key)) /* a copy's policy is what both permit */
        r->p.attributes.usage &= ~USAGE_CACHE;
    status = tsr_key_prepare(r, &n);
    if (status != PSA_SUCCESS)
        return status;
    status =
        !tsr_elsewhere(&n) ? psa_copy_key(r->key, &n.attributes, &key) : PSA_ERROR_NOT_SUPPORTED;
    return tsr_key_made(r, &n, status, key);
}

/* The key ends at its own location first: what is left of it then opens nothing. */
static psa_status_t destroy_held(const tsr_crypto *c, mbedtls_svc_key_id_t key)
{
    tsr_held h;
    psa_status_t status = tsr_held_open(c, key, &h);

    if (status == PSA_SUCCESS)
        status = tsr_held_destroy(&h);
    tsr_wipe(&h, sizeof h);
    return status;
}

psa_status_t tsr_do_destroy(tsr_crypto_request *r)
{
    mbedtls_svc_key_id_t key;
    bool held = false;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);
    tsr_crypto_key *slot = tsr_key_find(r, r->p.key);

    if (status == PSA_SUCCESS && tsr_is_held(held))
        status = destroy_held(r->c, key);
    else if (status == PSA_ERROR_DATA_CORRUPT || status == PSA_ERROR_DATA_INVALID ||
             status == PSA_ERROR_STORAGE_FAILURE)
        status = PSA_SUCCESS; /* a damaged key cannot be used, but it can be removed */
    if (status != PSA_SUCCESS)
        return status;
    r->c->storage = PSA_SUCCESS;
    status = psa_destroy_key(key);
    if (slot != NULL)
        tsr_key_release(r->c, slot);
    return reason(r->c, status);
}

/* PSA Crypto API 1.2, psa_purge_key: success when nothing is cached, an error only for no such key.
 * The core knows cached keys only, so the key is looked up first. */
psa_status_t tsr_do_purge(tsr_crypto_request *r)
{
    mbedtls_svc_key_id_t key;
    bool held = false;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    return status == PSA_SUCCESS ? psa_purge_key(key) : status;
}

static psa_status_t true_attributes(tsr_crypto_request *r, psa_key_attributes_t *a, bool *cache)
{
    mbedtls_svc_key_id_t key;
    bool held = false;
    tsr_held h;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    if (status != PSA_SUCCESS)
        return status;
    *cache = caches(r, r->p.key, key);
    if (!tsr_is_held(held))
        return psa_get_key_attributes(key, a);
    status = tsr_held_open(r->c, key, &h);
    *a = h.attributes;
    tsr_wipe(&h, sizeof h);
    return status == PSA_ERROR_NOT_SUPPORTED ? PSA_SUCCESS : status; /* its driver is not needed */
}

psa_status_t tsr_do_attributes(tsr_crypto_request *r)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_buf out = tsr_buf_over(r->msg->out[0].base, r->msg->out[0].len);
    bool cache = false;
    psa_status_t status = true_attributes(r, &a, &cache);

    if (status != PSA_SUCCESS)
        return status;

    tsr_wire_attributes w = {
        .type = psa_get_key_type(&a),
        .bits = (uint16_t)psa_get_key_bits(&a),
        .lifetime = psa_get_key_lifetime(&a),
        .id = r->p.key,
        .usage = psa_get_key_usage_flags(&a) | (cache ? USAGE_CACHE : 0),
        .alg = psa_get_key_algorithm(&a),
        .alg2 = psa_get_key_enrollment_algorithm(&a),
    };

    if (w.alg == PSA_ALG_CCM_STAR_NO_TAG && w.alg2 == CCM_ANY_TAG) {
        w.alg = ALG_CCM_STAR_ANY_TAG;
        w.alg2 = 0;
    }
    tsr_wire_attributes_write(&out, &w);
    r->msg->out[0].len = out.len;
    return out.err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_PROGRAMMER_ERROR;
}

typedef psa_status_t export_fn(mbedtls_svc_key_id_t key, uint8_t *data, size_t size, size_t *len);

static psa_status_t export(tsr_crypto_request *r, export_fn *fn, bool public_half)
{
    mbedtls_svc_key_id_t key;
    psa_outvec *out = &r->msg->out[0];
    bool held = false;
    tsr_held h;
    psa_status_t status = tsr_key_any(r, r->p.key, &key, &held);

    if (status != PSA_SUCCESS)
        return status;
    if (!tsr_is_held(held))
        return fn(key, out->base, out->len, &out->len);
    status = tsr_held_open(r->c, key, &h);
    if (status == PSA_SUCCESS)
        status = tsr_held_export(&h, public_half, out);
    tsr_wipe(&h, sizeof h);
    return status;
}

psa_status_t tsr_do_export(tsr_crypto_request *r) { return export(r, psa_export_key, false); }

psa_status_t tsr_do_export_public(tsr_crypto_request *r)
{
    return export(r, psa_export_public_key, true);
}
