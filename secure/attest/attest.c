/* SPDX-License-Identifier: Apache-2.0
 *
 * Key and token. */
#include "secure/attest/attest.h"

#include "secure/attest/claims.h"
#include "tessera/cose/cose.h"

static mbedtls_svc_key_id_t key_id(void)
{
    return mbedtls_svc_key_id_make(TSR_ITS_ATTEST, TSR_ATTEST_KEY_ID);
}

static psa_key_attributes_t key_attributes(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_lifetime(&attributes, PSA_KEY_LIFETIME_PERSISTENT);
    psa_set_key_id(&attributes, key_id());
    return attributes;
}

psa_status_t tsr_attest_import_key(const uint8_t *key, size_t len)
{
    psa_key_attributes_t attributes = key_attributes();
    mbedtls_svc_key_id_t made;

    return psa_import_key(&attributes, key, len, &made);
}

psa_status_t tsr_attest_make_key(void)
{
    psa_key_attributes_t attributes = key_attributes();
    mbedtls_svc_key_id_t made;

    return psa_generate_key(&attributes, &made);
}

/* A key of the right id that could be exported, or do more than sign, is not the one we made. */
static psa_status_t check_key(void)
{
    psa_key_attributes_t is = PSA_KEY_ATTRIBUTES_INIT, should = key_attributes();
    psa_status_t status = psa_get_key_attributes(key_id(), &is);
    /* Permission to sign hashes lets messages be signed, too; the core says so (Mbed TLS 3.6). */
    psa_key_usage_t more = psa_get_key_usage_flags(&is) &
                           ~(PSA_KEY_USAGE_SIGN_HASH | (psa_key_usage_t)PSA_KEY_USAGE_SIGN_MESSAGE);

    if (status != PSA_SUCCESS)
        return status;
    if (psa_get_key_type(&is) != psa_get_key_type(&should) || psa_get_key_bits(&is) != 256 ||
        psa_get_key_algorithm(&is) != psa_get_key_algorithm(&should) || more != 0)
        return PSA_ERROR_DATA_INVALID;
    return PSA_SUCCESS;
}

/* RFC 9783 §4.2.1: the instance id is a UEID of type RAND: 01 and the hash of the public key. */
static psa_status_t load_key(tsr_attest *a)
{
    size_t len = 0;
    psa_status_t status = check_key();

    if (status == PSA_SUCCESS)
        status = psa_export_public_key(key_id(), a->point, sizeof a->point, &len);
    if (status == PSA_SUCCESS)
        status = psa_hash_compute(PSA_ALG_SHA_256, a->point, len, a->instance + 1,
                                  sizeof a->instance - 1, &len);
    a->instance[0] = 1;
    a->has_key = status == PSA_SUCCESS;
    return status;
}

psa_status_t tsr_attest_open(tsr_attest *a)
{
    psa_status_t status;

    a->has_key = false;
    if (a->boot == NULL || a->boot->count == 0 || a->boot->seed.len != TSR_BOOT_SEED)
        return PSA_ERROR_INVALID_ARGUMENT;
    status = tsr_attest_settings_load(a->its, &a->settings);
    if (status != PSA_SUCCESS)
        return status;
    status = load_key(a);
    /* No key yet is no failure: it comes with the factory or at first need. */
    return status == PSA_ERROR_INVALID_HANDLE || status == PSA_ERROR_DOES_NOT_EXIST ? PSA_SUCCESS
                                                                                    : status;
}

psa_status_t tsr_attest_key(tsr_attest *a)
{
    if (a->has_key)
        return PSA_SUCCESS;
    if (!tsr_lifecycle_allows(tsr_lifecycle_get(a->lifecycle), TSR_ALLOW_PROVISION) ||
        tsr_attest_make_key() != PSA_SUCCESS || load_key(a) != PSA_SUCCESS)
        return PSA_ERROR_SERVICE_FAILURE;
    return PSA_SUCCESS;
}

static bool challenge_size_ok(size_t size)
{
    return size == PSA_INITIAL_ATTEST_CHALLENGE_SIZE_32 ||
           size == PSA_INITIAL_ATTEST_CHALLENGE_SIZE_48 ||
           size == PSA_INITIAL_ATTEST_CHALLENGE_SIZE_64;
}

/* RFC 9783 §5.1.1: COSE_Sign1, tagged, ES256. */
static const tsr_cose_params params = { .alg = TSR_COSE_ES256 };

static psa_status_t ready(tsr_attest *a, int32_t client, size_t challenge_size)
{
    if (!challenge_size_ok(challenge_size) || client == 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (!tsr_lifecycle_allows(tsr_lifecycle_get(a->lifecycle), TSR_ALLOW_ATTEST))
        return PSA_ERROR_SERVICE_FAILURE;
    return tsr_attest_key(a);
}

static size_t token_size(const tsr_attest *a, int32_t client, size_t challenge_size, size_t *claims)
{
    const uint8_t zeros[PSA_INITIAL_ATTEST_CHALLENGE_SIZE_64] = { 0 };

    tsr_claims_write(a, client, tsr_view(zeros, challenge_size), NULL, claims);
    return tsr_cose_size(TSR_COSE_SIGN1, &params, *claims);
}

psa_status_t tsr_attest_token_size(tsr_attest *a, int32_t client, size_t challenge_size,
                                   size_t *size)
{
    psa_status_t status = ready(a, client, challenge_size);
    size_t claims;

    *size = 0;
    if (status == PSA_SUCCESS)
        *size = token_size(a, client, challenge_size, &claims);
    return status;
}

psa_status_t tsr_attest_token(tsr_attest *a, int32_t client, tsr_bytes challenge, tsr_buf *out)
{
    psa_status_t status = ready(a, client, challenge.len);
    tsr_cose_signing signing;
    size_t claims, written;

    if (status == PSA_SUCCESS && out->cap == out->len)
        status = PSA_ERROR_INVALID_ARGUMENT;
    if (status != PSA_SUCCESS)
        return status;
    if (token_size(a, client, challenge.len, &claims) > out->cap - out->len)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    if (tsr_cose_sign1_begin(out, &params, key_id(), claims, &signing) != TSR_OK)
        return PSA_ERROR_SERVICE_FAILURE;
    tsr_claims_write(a, client, challenge, out, &written);
    return tsr_cose_sign1_end(out, &signing, tsr_view(NULL, 0)) == TSR_OK
               ? PSA_SUCCESS
               : PSA_ERROR_SERVICE_FAILURE;
}
