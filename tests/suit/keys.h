/* SPDX-License-Identifier: Apache-2.0
 *
 * What the SUIT room wants of cryptography, on tessera/cose and one public key. */
#ifndef TESTS_SUIT_KEYS_H
#define TESTS_SUIT_KEYS_H

#include "tessera/cose/key.h"
#include "tessera/suit/suit.h"

typedef struct {
    uint8_t point[65];
    unsigned asked; /* how many blocks were shown to it */
} suit_key;

static tsr_err key_sha256(void *self, tsr_bytes in, uint8_t out[TSR_SUIT_DIGEST])
{
    size_t len;

    (void)self;
    return psa_hash_compute(PSA_ALG_SHA_256, in.ptr, in.len, out, TSR_SUIT_DIGEST, &len) ==
                   PSA_SUCCESS
               ? TSR_OK
               : TSR_E_CRYPTO;
}

static tsr_err key_verify(void *self, tsr_bytes cose, tsr_bytes payload,
                          uint8_t signer[TSR_SUIT_DIGEST])
{
    suit_key *k = self;
    tsr_cose_message m;
    tsr_cose_key_id id;
    tsr_err err = tsr_cose_read(cose, TSR_COSE_SIGN1, &m);

    k->asked++;
    if (err != TSR_OK)
        return err;
    err = tsr_cose_point_import(tsr_view(k->point, 65), TSR_COSE_ES256, &id);
    if (err != TSR_OK)
        return err;
    err = tsr_cose_sign1_verify(&m, id, payload, tsr_view(NULL, 0));
    (void)psa_destroy_key(id);
    if (err == TSR_OK)
        err = key_sha256(NULL, tsr_view(k->point, 65), signer);
    return err;
}

static inline tsr_suit_crypto suit_crypto(suit_key *k)
{
    return (tsr_suit_crypto){ k, key_sha256, key_verify };
}

#endif
