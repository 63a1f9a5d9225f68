/* SPDX-License-Identifier: Apache-2.0
 *
 * Where Mbed TLS's PSA core keeps persistent keys: the ITS calls it makes, answered from the
 * store's space TSR_ITS_CRYPTO. Each set is durable before it returns.
 *
 * One bit is ours: the core refuses PSA_KEY_USAGE_CACHE, which the API has since 1.0. It is put
 * into the usage flags of the stored key and taken out again before the core sees them. */
#include "psa/internal_trusted_storage.h"
#include "secure/crypto/internal.h"

#define USAGE_AT 20u   /* where the core's format has the usage flags, little-endian */
#define CACHE    0x04u /* PSA_KEY_USAGE_CACHE, in their first byte */

static size_t length_of(const tsr_crypto *c, psa_storage_uid_t uid)
{
    tsr_store_key at = { (uint32_t)TSR_ITS_CRYPTO, uid };
    tsr_store_info info;

    return tsr_store_info_of(c->its->store, at, &info) == TSR_OK ? info.len : SIZE_MAX;
}

static mbedtls_svc_key_id_t key_of(uint64_t uid)
{
    return mbedtls_svc_key_id_make((mbedtls_key_owner_id_t)(uid >> 32), (psa_key_id_t)uid);
}

void tsr_passing_leave(tsr_crypto *c)
{
    while (c->passing_count > 0)
        (void)psa_purge_key(key_of(c->passing[--c->passing_count]));
}

/* PSA_KEY_USAGE_CACHE: without it a key's material leaves memory as soon as no call needs it. The
 * core keeps what it loads and what it makes, so it is told to forget. */
static void passes_by(tsr_crypto *c, uint64_t uid)
{
    if (c->passing_count == TSR_CRYPTO_PASSING)
        tsr_passing_leave(c); /* a call that uses many keys is done with these */
    c->passing[c->passing_count++] = uid;
}

static void note(tsr_crypto *c, psa_status_t status, psa_storage_uid_t uid, size_t old_len,
                 size_t len)
{
    if (status == PSA_SUCCESS)
        tsr_account_moved(c, uid, old_len, len);
    else
        c->storage = status;
}

psa_status_t psa_its_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags)
{
    tsr_crypto *c = tsr_crypto_here();
    size_t old = length_of(c, uid);
    uint8_t *usage = (uint8_t *)(uintptr_t)p_data + USAGE_AT; /* the core's own buffer */

    if (c->cache && data_length > USAGE_AT)
        *usage |= CACHE;

    psa_status_t status =
        tsr_its_set(c->its, TSR_ITS_CRYPTO, uid, data_length, p_data, create_flags);

    note(c, status, uid, old, data_length);
    if (status == PSA_SUCCESS && !c->cache)
        passes_by(c, uid);
    return status;
}

psa_status_t psa_its_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                         size_t *p_data_length)
{
    tsr_crypto *c = tsr_crypto_here();
    psa_status_t status =
        tsr_its_get(c->its, TSR_ITS_CRYPTO, uid, data_offset, data_size, p_data, p_data_length);

    if (status == PSA_SUCCESS && data_offset <= USAGE_AT &&
        *p_data_length > USAGE_AT - data_offset) {
        uint8_t *usage = (uint8_t *)p_data + (USAGE_AT - data_offset);

        if ((*usage & CACHE) == 0)
            passes_by(c, uid);
        *usage &= (uint8_t)~CACHE;
    }
    return status;
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    return tsr_its_get_info(tsr_crypto_here()->its, TSR_ITS_CRYPTO, uid, p_info);
}

psa_status_t psa_its_remove(psa_storage_uid_t uid)
{
    tsr_crypto *c = tsr_crypto_here();
    size_t old = length_of(c, uid);
    psa_status_t status = tsr_its_remove(c->its, TSR_ITS_CRYPTO, uid);

    note(c, status, uid, old, SIZE_MAX);
    return status;
}

bool tsr_stored_cache(tsr_crypto *c, mbedtls_svc_key_id_t key)
{
    uint64_t uid = (uint64_t)(uint32_t)MBEDTLS_SVC_KEY_ID_GET_OWNER_ID(key) << 32 |
                   MBEDTLS_SVC_KEY_ID_GET_KEY_ID(key);
    uint8_t usage = 0;
    size_t len;

    return tsr_its_get(c->its, TSR_ITS_CRYPTO, uid, USAGE_AT, 1, &usage, &len) == PSA_SUCCESS &&
           len == 1 && (usage & CACHE) != 0;
}
