/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and digests of `tessera package`. */
#include "apps/tessera/package.h"

#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

static void require(psa_status_t status, const char *what)
{
    if (status == PSA_SUCCESS)
        return;
    (void)package_say(0, "%s failed inside the cryptography (status %d)", what, (int)status);
    exit(PACKAGE_FAILED);
}

void package_sha256(tsr_bytes in, uint8_t digest[32])
{
    size_t len;

    require(psa_crypto_init(), "the start");
    require(psa_hash_compute(PSA_ALG_SHA_256, in.ptr, in.len, digest, 32, &len), "a digest");
}

static int not_p256(const char *path)
{
    return package_say(PACKAGE_KEY,
                       "%s holds no P-256 key; make one with tessera package keygen", path);
}

static int random_bytes(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

/* Mbed TLS tells PEM by the zero at its end. */
static int parse_private(mbedtls_pk_context *pk, const package_bytes *file)
{
    bool pem = file->len > 10 && memcmp(file->ptr, "-----BEGIN", 10) == 0;

    return mbedtls_pk_parse_key(pk, file->ptr, file->len + pem, NULL, 0, random_bytes, NULL);
}

static int parse_public(mbedtls_pk_context *pk, const package_bytes *file)
{
    bool pem = file->len > 10 && memcmp(file->ptr, "-----BEGIN", 10) == 0;

    return mbedtls_pk_parse_public_key(pk, file->ptr, file->len + pem);
}

/* errors  -1: not on P-256, or not the half that `usage` takes */
static int import(const mbedtls_pk_context *pk, psa_key_usage_t usage, psa_algorithm_t alg,
                  psa_key_id_t *key)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    if (mbedtls_pk_get_psa_attributes(pk, usage, &attributes) != 0 ||
        PSA_KEY_TYPE_ECC_GET_FAMILY(psa_get_key_type(&attributes)) != PSA_ECC_FAMILY_SECP_R1 ||
        psa_get_key_bits(&attributes) != 256)
        return -1;
    psa_set_key_algorithm(&attributes, alg);
    return mbedtls_pk_import_into_psa(pk, &attributes, key);
}

int package_private_key(const char *path, psa_key_id_t *key)
{
    mbedtls_pk_context pk;
    package_bytes file;
    int code = package_read(path, &file);

    if (code != PACKAGE_DONE)
        return code;
    file.ptr[file.len] = 0; /* package_read left room for it */
    require(psa_crypto_init(), "the start");
    mbedtls_pk_init(&pk);
    if (parse_private(&pk, &file) != 0)
        code = parse_public(&pk, &file) == 0
                   ? package_say(PACKAGE_KEY, "%s is a public key; signing takes the private one", path)
                   : not_p256(path);
    else if (import(&pk, PSA_KEY_USAGE_SIGN_HASH,
                    PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256), key) != 0)
        code = not_p256(path);
    mbedtls_pk_free(&pk);
    tsr_wipe(file.ptr, file.len);
    free(file.ptr);
    return code;
}

int package_public_key(const char *path, psa_key_id_t *key)
{
    mbedtls_pk_context pk;
    package_bytes file;
    int code = package_read(path, &file);

    if (code != PACKAGE_DONE)
        return code;
    file.ptr[file.len] = 0;
    require(psa_crypto_init(), "the start");
    mbedtls_pk_init(&pk);
    int bad = parse_public(&pk, &file);

    if (bad != 0) {
        mbedtls_pk_free(&pk);
        mbedtls_pk_init(&pk);
        bad = parse_private(&pk, &file);
    }
    if (bad != 0 ||
        import(&pk, PSA_KEY_USAGE_VERIFY_HASH, PSA_ALG_ECDSA(PSA_ALG_SHA_256), key) != 0)
        code = not_p256(path);
    mbedtls_pk_free(&pk);
    tsr_wipe(file.ptr, file.len);
    free(file.ptr);
    return code;
}

int package_key_name(psa_key_id_t key, uint8_t id[32])
{
    uint8_t point[PACKAGE_POINT];
    size_t len = 0;

    require(psa_export_public_key(key, point, sizeof point, &len), "reading the public key");
    package_sha256(tsr_view(point, len), id);
    return PACKAGE_DONE;
}

int package_new_key(const char *private_path, const char *public_path)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    unsigned char pem[512];
    mbedtls_pk_context pk;
    psa_key_id_t key = PSA_KEY_ID_NULL;
    int code = PACKAGE_DONE;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    require(psa_crypto_init(), "the start");
    require(psa_generate_key(&attributes, &key), "making a key");
    mbedtls_pk_init(&pk);
    if (mbedtls_pk_copy_from_psa(key, &pk) != 0 || mbedtls_pk_write_key_pem(&pk, pem, sizeof pem) != 0)
        code = package_say(PACKAGE_FAILED, "the key could not be written as PEM");
    if (code == PACKAGE_DONE)
        code = package_write(private_path, tsr_text((const char *)pem), true);
    tsr_wipe(pem, sizeof pem);
    if (code == PACKAGE_DONE && public_path != NULL) {
        code = mbedtls_pk_write_pubkey_pem(&pk, pem, sizeof pem) == 0
                   ? package_write(public_path, tsr_text((const char *)pem), false)
                   : package_say(PACKAGE_FAILED, "the public key could not be written as PEM");
    }
    mbedtls_pk_free(&pk);
    (void)psa_destroy_key(key);
    return code;
}
