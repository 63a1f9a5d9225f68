/* SPDX-License-Identifier: Apache-2.0
 *
 * Below the core's public functions. Mbed TLS 3.6 lets nobody compare a password hash that may not
 * be exported, derive for verification alone, or hand a password to J-PAKE under its final name
 * (PSA Crypto API 1.2); its later versions do. Until then these few lines know its key slots. */
#include "psa_crypto_slot_management.h"
#include "secure/crypto/internal.h"

psa_status_t tsr_material_lock(mbedtls_svc_key_id_t key, tsr_material *m)
{
    psa_key_slot_t *slot = NULL;
    psa_status_t status = psa_get_and_lock_key_slot(key, &slot);

    if (status == PSA_SUCCESS)
        *m = (tsr_material){ slot, { slot->key.data, slot->key.bytes } };
    return status;
}

void tsr_material_unlock(tsr_material *m)
{
    (void)psa_unregister_read_under_mutex(m->slot);
    *m = (tsr_material){ 0 };
}
