/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls that are measured. Linked twice: with psa/client and the gate, and with the PSA core
 * in the process. */
#include "benches/psa_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "psa/crypto.h"
#include "psa/internal_trusted_storage.h"

static mbedtls_svc_key_id_t aes, mac, ecdsa;

static psa_status_t make(psa_key_type_t type, size_t bits, psa_algorithm_t alg, psa_key_usage_t use,
                         mbedtls_svc_key_id_t *key)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, use);
    return psa_generate_key(&a, key);
}

/* Goes across and does next to nothing there: a started core is not started again. */
static psa_status_t call_empty(void) { return psa_crypto_init(); }

static psa_status_t call_random(void)
{
    uint8_t out[16];

    return psa_generate_random(out, sizeof out);
}

static psa_status_t call_hash(void)
{
    static const uint8_t in[64] = { 1 };
    uint8_t out[32];
    size_t len;

    return psa_hash_compute(PSA_ALG_SHA_256, in, sizeof in, out, sizeof out, &len);
}

static psa_status_t call_aead(void)
{
    static const uint8_t in[40] = { 1 }, nonce[13] = { 2 }, aad[21] = { 3 };
    uint8_t out[48];
    size_t len;

    return psa_aead_encrypt(aes, PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8), nonce,
                            sizeof nonce, aad, sizeof aad, in, sizeof in, out, sizeof out, &len);
}

static psa_status_t call_mac(void)
{
    static const uint8_t in[64] = { 1 };
    uint8_t out[32];
    size_t len;

    return psa_mac_compute(mac, PSA_ALG_HMAC(PSA_ALG_SHA_256), in, sizeof in, out, sizeof out,
                           &len);
}

static const uint8_t stored[64] = { 1 };

static psa_status_t call_its_get(void)
{
    uint8_t out[sizeof stored];
    size_t len;

    return psa_its_get(77, 0, sizeof out, out, &len);
}

static psa_status_t call_import(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t key;

    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_CTR);
    psa_status_t status = psa_import_key(&a, stored, 16, &key);

    return status == PSA_SUCCESS ? psa_destroy_key(key) : status;
}

static psa_status_t call_sign(void)
{
    static const uint8_t digest[32] = { 1 };
    uint8_t out[64];
    size_t len;

    return psa_sign_hash(ecdsa, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, sizeof digest, out,
                         sizeof out, &len);
}

static const struct {
    const char *name;
    psa_status_t (*call)(void);
    unsigned share; /* calls in a block of a hundred */
} calls[] = {
    { "empty", call_empty, 100 }, { "hash", call_hash, 100 },     { "random", call_random, 100 },
    { "aead", call_aead, 100 },   { "mac", call_mac, 100 },       { "get", call_its_get, 100 },
    { "import", call_import, 50 }, { "sign", call_sign, 20 },
};

size_t psa_calls_count(void) { return sizeof calls / sizeof calls[0]; }

const char *psa_calls_name(size_t which) { return calls[which].name; }

unsigned psa_calls_share(size_t which, unsigned n) { return n * calls[which].share / 100u; }

bool psa_calls_prepare(void)
{
    psa_algorithm_t ccm = PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8);
    psa_status_t status = psa_crypto_init();

    if (status == PSA_SUCCESS)
        status = make(PSA_KEY_TYPE_AES, 128, ccm, PSA_KEY_USAGE_ENCRYPT, &aes);
    if (status == PSA_SUCCESS)
        status = make(PSA_KEY_TYPE_HMAC, 256, PSA_ALG_HMAC(PSA_ALG_SHA_256),
                      PSA_KEY_USAGE_SIGN_MESSAGE, &mac);
    if (status == PSA_SUCCESS)
        status = make(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
                      PSA_ALG_ECDSA(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_HASH, &ecdsa);
    if (status == PSA_SUCCESS)
        status = psa_its_set(77, sizeof stored, stored, 0);
    if (status != PSA_SUCCESS)
        (void)fprintf(stderr, "keys and an asset: status %ld\n", (long)status);
    return status == PSA_SUCCESS;
}

bool psa_calls_make(size_t which, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        psa_status_t status = calls[which].call();

        if (status != PSA_SUCCESS) {
            (void)fprintf(stderr, "%s: status %ld\n", calls[which].name, (long)status);
            return false;
        }
    }
    return true;
}

static double clock_us(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

psa_taken psa_calls_now(void)
{
    return (psa_taken){ clock_us(CLOCK_MONOTONIC), clock_us(CLOCK_PROCESS_CPUTIME_ID) };
}
