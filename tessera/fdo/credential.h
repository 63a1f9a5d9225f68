/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device keeps between DI and the end of its life: the credential. Its keys are in PSA, so
 * this holds nothing secret; but who could change it could give the device to another owner, so it
 * belongs into protected storage, and is replaced as one piece. */
#ifndef TESSERA_FDO_CREDENTIAL_H
#define TESSERA_FDO_CREDENTIAL_H

#include "tessera/fdo/rendezvous.h"

/** Encoded as [101, active, DeviceInfo, GUID, RendezvousInfo, hash of the manufacturer's PublicKey,
 *  type and bits of that key]. Slices point into it. */
typedef struct {
    bool active; /* onboarding is wanted */
    tsr_bytes device_info;
    tsr_bytes guid;
    tsr_bytes rv_info; /* encoded, checked */
    tsr_fdo_hash key_hash;
    tsr_fdo_key_type key_type; /* tells which key exchange fits the owner's key */
    uint16_t key_bits;
} tsr_fdo_credential;

/** errors  those of types.h */
tsr_err tsr_fdo_credential_read(tsr_bytes in, tsr_fdo_credential *c);
void tsr_fdo_credential_write(tsr_buf *out, const tsr_fdo_credential *c);

#endif
