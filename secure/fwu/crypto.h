/* SPDX-License-Identifier: Apache-2.0
 *
 * The cryptography of updates on PSA Crypto: SHA-256, ECDSA P-256 with public keys, and A128GCM
 * under a content key that was wrapped for this device. */
#ifndef SECURE_FWU_CRYPTO_H
#define SECURE_FWU_CRYPTO_H

#include "psa/crypto.h"
#include "secure/fwu/fwu.h"
#include "tessera/cose/recipient.h"

typedef struct {
    tsr_fwu_crypto crypto; /* give this to tsr_fwu.crypto */
    /* private */
    psa_hash_operation_t hash;
    psa_aead_operation_t aead;
    tsr_cose_key_id kek, cek; /* cek: of the image that is decrypted, while it is */
    bool decrypting;
} tsr_fwu_psa;

/** The key that images for this device (or its class) are encrypted to: id, and owner TSR_ITS_FWU
 *  where a key id has one. tessera-factory puts it there; it never leaves the PSA core. */
#define TSR_FWU_KEY_ID ((psa_key_id_t)1)

/** psa_crypto_init() has to have run. The struct must not move. */
void tsr_fwu_psa_open(tsr_fwu_psa *c);

/** From now on images are decrypted, too: by key encryption key `kek` (tessera/cose/recipient.h).
 *  false: there is no such key, and encrypted images are refused as before */
bool tsr_fwu_psa_decrypts(tsr_fwu_psa *c, tsr_cose_key_id kek);

#endif
