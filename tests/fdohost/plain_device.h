/* SPDX-License-Identifier: Apache-2.0
 *
 * A device of FDO on plain PSA keys, made on the spot, whose credential lives in the engine's buffer alone: what
 * the benchmark and the host without a daemon share. The device is never switched off. */
#ifndef TESTS_FDOHOST_PLAIN_DEVICE_H
#define TESTS_FDOHOST_PLAIN_DEVICE_H

#include <psa/crypto.h>

#include "tessera/fdo/device.h"
#include "tessera/net/csr.h"

static inline tsr_err plain_csr(void *device_key, tsr_buf *der)
{
    return tsr_csr_write_der(*(const psa_key_id_t *)device_key, "device", der);
}

static inline tsr_err plain_store(void *user, tsr_bytes credential)
{
    (void)user;
    (void)credential;
    return TSR_OK;
}

static inline psa_key_id_t plain_key(psa_key_type_t type, size_t bits, psa_algorithm_t alg,
                                     psa_key_usage_t usage)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, usage);
    return psa_generate_key(&a, &id) == PSA_SUCCESS ? id : 0;
}

/** `large`: P-384 with SHA-384, else P-256 with SHA-256; the key's type and encoding as X.509. The caller names
 *  key exchange and cipher. false: no keys could be made. */
static inline bool plain_device(tsr_fdo_device_config *c, bool large)
{
    static const tsr_fdo_devmod facts = { "Linux", "x86", "1", "host", ";", "x86", .serial = "7",
                                          .path_separator = "/" };
    static psa_key_id_t device_key;

    *c = (tsr_fdo_device_config){
        .secret = plain_key(PSA_KEY_TYPE_HMAC, 256, PSA_ALG_HMAC(large ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256),
                            PSA_KEY_USAGE_SIGN_MESSAGE),
        .device_alg = large ? TSR_COSE_ES384 : TSR_COSE_ES256,
        .mac = large ? TSR_FDO_HMAC384 : TSR_FDO_HMAC256,
        .random = &tsr_fdo_random_psa,
        .transports = 1u << TSR_FDO_OVER_HTTP,
        .devmod = &facts,
        .made = { .key_type = large ? TSR_FDO_SECP384R1 : TSR_FDO_SECP256R1, .key_encoding = TSR_FDO_X509,
                  .serial = tsr_text("7"), .device_info = tsr_text("host") },
        .csr = plain_csr,
        .store = plain_store,
        .user = &device_key,
    };
    device_key = plain_key(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), large ? 384 : 256,
                           PSA_ALG_ECDSA(PSA_ALG_ANY_HASH), PSA_KEY_USAGE_SIGN_HASH);
    c->device_key = device_key;
    return device_key != 0 && c->secret != 0;
}

#endif
