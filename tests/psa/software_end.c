/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/psa/software_end.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>

static EVP_PKEY *public_key(const uint8_t point[65])
{
    char curve[] = "prime256v1";
    OSSL_PARAM p[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, 65),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    if (EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, p) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

bool software_verifies(const uint8_t point[65], const uint8_t *hash, size_t hash_len,
                       const uint8_t signature[64])
{
    EVP_PKEY *key = public_key(point);
    EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    unsigned char *der = NULL;
    int len;
    bool good;

    (void)ECDSA_SIG_set0(sig, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL));
    len = i2d_ECDSA_SIG(sig, &der);
    good = ctx != NULL && len > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
           EVP_PKEY_verify(ctx, der, (size_t)len, hash, hash_len) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return good;
}

bool software_agrees(const uint8_t point[65], uint8_t own[65], uint8_t secret[32])
{
    EVP_PKEY *mine = EVP_EC_gen("prime256v1"), *theirs = public_key(point);
    EVP_PKEY_CTX *ctx = mine != NULL ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
    size_t own_len = 0, len = 32;
    bool good =
        ctx != NULL && theirs != NULL &&
        EVP_PKEY_get_octet_string_param(mine, OSSL_PKEY_PARAM_PUB_KEY, own, 65, &own_len) == 1 &&
        own_len == 65 && EVP_PKEY_derive_init(ctx) == 1 &&
        EVP_PKEY_derive_set_peer(ctx, theirs) == 1 && EVP_PKEY_derive(ctx, secret, &len) == 1 &&
        len == 32;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    return good;
}
