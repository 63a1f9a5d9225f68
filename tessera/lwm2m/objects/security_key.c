/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a pre-shared key into PSA. */
#include "psa/crypto.h"
#include "tessera/lwm2m/objects/security.h"

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
