/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a key into PSA. */
#include "psa/crypto.h"
#include "tessera/base/der.h"
#include "tessera/lwm2m/objects/security.h"

enum { P256_LEN = 32 };

static bool element(tsr_bytes *in, uint8_t tag, tsr_bytes *content)
{
    return tsr_der_get(in, tag, content) == TSR_OK;
}

/* The policy that DTLS needs, and nothing more: derive a TLS 1.2 master secret (no export). */
static psa_status_t import(uint32_t *key_id, const uint8_t *key, size_t key_len)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    if (*key_id != 0)
        psa_set_key_id(&attributes, *key_id);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    return psa_import_key(&attributes, key, key_len, key_id);
}

/* The policy of the ECDHE-ECDSA suites: sign, and nothing more (no export). */
static psa_key_attributes_t signing(uint32_t key_id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    if (key_id != 0)
        psa_set_key_id(&attributes, key_id);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 8 * P256_LEN);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    return attributes;
}

static psa_status_t import_private(uint32_t *key_id, tsr_bytes scalar)
{
    psa_key_attributes_t attributes = signing(*key_id);

    return psa_import_key(&attributes, scalar.ptr, scalar.len, key_id);
}

tsr_err tsr_lwm2m_security_generate(uint32_t *key_id)
{
    psa_key_attributes_t attributes = signing(*key_id);

    return psa_generate_key(&attributes, key_id) == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

/* RFC 5915 §3: version 1 and the number; what may follow is not needed. */
static bool scalar_of(tsr_bytes in, tsr_bytes *scalar)
{
    tsr_bytes body, version;

    return element(&in, TSR_DER_SEQUENCE, &body) && element(&body, TSR_DER_INTEGER, &version) &&
           version.len == 1 && version.ptr[0] == 1 && element(&body, TSR_DER_OCTETS, scalar) &&
           scalar->len == P256_LEN;
}

/* RFC 5958 §2: version, algorithm with its curve, and the former in an octet string. */
static bool wrapped_scalar_of(tsr_bytes in, tsr_bytes *scalar)
{
    static const uint8_t p256[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
    tsr_bytes body, version, algorithm, key;

    return element(&in, TSR_DER_SEQUENCE, &body) && element(&body, TSR_DER_INTEGER, &version) &&
           element(&body, TSR_DER_SEQUENCE, &algorithm) &&
           tsr_same(algorithm, tsr_view(p256, sizeof p256)) &&
           element(&body, TSR_DER_OCTETS, &key) && scalar_of(key, scalar);
}

bool tsr_lwm2m_security_is_private(tsr_bytes key)
{
    tsr_bytes scalar;

    return wrapped_scalar_of(key, &scalar) || scalar_of(key, &scalar);
}

tsr_err tsr_lwm2m_security_import_private(uint32_t *key_id, uint8_t *der, size_t der_len)
{
    tsr_bytes in = tsr_view(der, der_len), scalar;
    tsr_err err = TSR_E_TYPE;

    if (wrapped_scalar_of(in, &scalar) || scalar_of(in, &scalar)) {
        err = TSR_E_CRYPTO;
        if ((*key_id == 0 || tsr_lwm2m_security_forget(*key_id) == TSR_OK) &&
            import_private(key_id, scalar) == PSA_SUCCESS)
            err = TSR_OK;
    }
    tsr_wipe(der, der_len);
    return err;
}

tsr_err tsr_lwm2m_security_forget(uint32_t key_id)
{
    psa_status_t status = psa_destroy_key(key_id);

    return status == PSA_SUCCESS || status == PSA_ERROR_INVALID_HANDLE ||
                   status == PSA_ERROR_DOES_NOT_EXIST
               ? TSR_OK
               : TSR_E_CRYPTO;
}

tsr_err tsr_lwm2m_security_import(uint32_t *key_id, uint8_t *key, size_t key_len)
{
    psa_status_t status = PSA_ERROR_INVALID_ARGUMENT;

    if (key_len == 0 || key_len > TSR_LWM2M_PSK_MAX) {
        tsr_wipe(key, key_len);
        return TSR_E_TYPE;
    }
    if (*key_id == 0 || tsr_lwm2m_security_forget(*key_id) == TSR_OK)
        status = import(key_id, key, key_len);
    tsr_wipe(key, key_len);
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}
