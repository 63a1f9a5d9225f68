/* SPDX-License-Identifier: Apache-2.0
 *
 * A program as somebody else writes it: strict C99, one header, keys it cannot see. Every call is
 * checked; it ends with 0 only if all of them were right. */
#include <stdio.h>
#include <string.h>

#include <psa/crypto.h>
#include <psa/internal_trusted_storage.h>

static int fail(const char *what, psa_status_t status)
{
    (void)fprintf(stderr, "%s: %d\n", what, (int)status);
    return 1;
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        psa_status_t status_ = (call);                                                             \
        if (status_ != PSA_SUCCESS)                                                                \
            return fail(#call, status_);                                                           \
    } while (0)

/* FIPS 180-2, B.1 */
static const uint8_t abc[32] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };

static int hash(void)
{
    uint8_t out[PSA_HASH_LENGTH(PSA_ALG_SHA_256)];
    size_t len = 0;

    TRY(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)"abc", 3, out, sizeof out, &len));
    TRY(psa_hash_compare(PSA_ALG_SHA_256, (const uint8_t *)"abc", 3, abc, sizeof abc));
    return len == sizeof abc && memcmp(out, abc, len) == 0 ? 0 : fail("SHA-256", 0);
}

static int sign(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = PSA_KEY_ID_NULL;
    uint8_t signature[PSA_SIGN_OUTPUT_SIZE(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
                                           PSA_ALG_ECDSA(PSA_ALG_SHA_256))];
    uint8_t raw[PSA_EXPORT_KEY_PAIR_MAX_SIZE];
    size_t len = 0;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    TRY(psa_generate_key(&attributes, &key));
    TRY(psa_sign_message(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), (const uint8_t *)"abc", 3, signature,
                         sizeof signature, &len));
    TRY(psa_verify_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), abc, sizeof abc, signature, len));
    signature[5] ^= 1;
    if (psa_verify_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), abc, sizeof abc, signature, len) !=
        PSA_ERROR_INVALID_SIGNATURE)
        return fail("a changed signature", 0);
    if (psa_export_key(key, raw, sizeof raw, &len) != PSA_ERROR_NOT_PERMITTED)
        return fail("export of a key that must not leave", 0);
    TRY(psa_destroy_key(key));
    return 0;
}

static int store(void)
{
    uint8_t out[8];
    size_t len = 0;

    TRY(psa_its_set(7, 5, "hello", PSA_STORAGE_FLAG_NONE));
    TRY(psa_its_get(7, 1, sizeof out, out, &len));
    if (len != 4 || memcmp(out, "ello", 4) != 0)
        return fail("stored content", 0);
    TRY(psa_its_remove(7));
    return 0;
}

int main(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = PSA_KEY_ID_NULL;

    if (psa_generate_key(&attributes, &key) == PSA_SUCCESS)
        return fail("a key without attributes", 0);
    TRY(psa_crypto_init());
    if (hash() != 0 || sign() != 0 || store() != 0)
        return 1;
    mbedtls_psa_crypto_free();
    (void)puts("installed program: all well");
    return 0;
}
