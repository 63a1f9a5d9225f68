/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/material.h"

#include <stdio.h>
#include <stdlib.h>

#include <psa/crypto.h>

void material_die(const char *what)
{
    (void)fprintf(stderr, "dtls: %s\n", what);
    exit(1);
}

tsr_bytes material_file(const char *name, uint8_t bytes[MATERIAL_MAX])
{
    char path[512];
    FILE *f;
    size_t len;

    (void)snprintf(path, sizeof path, "%s/tests/vectors/dtls/%s", TSR_SOURCE_DIR, name);
    f = fopen(path, "rb");
    if (f == NULL)
        material_die(path);
    len = fread(bytes, 1, MATERIAL_MAX, f);
    (void)fclose(f);
    return tsr_view(bytes, len);
}

static uint32_t import(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t alg,
                       tsr_bytes key)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t id;

    psa_set_key_type(&a, type);
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    if (psa_import_key(&a, key.ptr, key.len, &id) != PSA_SUCCESS)
        material_die("psa_import_key");
    return id;
}

uint32_t material_psk(tsr_bytes key)
{
    return import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE,
                  PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256), key);
}

uint32_t material_ec(const char *name)
{
    uint8_t bytes[MATERIAL_MAX];

    return import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_SIGN_HASH,
                  PSA_ALG_ECDSA(PSA_ALG_ANY_HASH), material_file(name, bytes));
}
