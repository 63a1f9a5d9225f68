/* SPDX-License-Identifier: Apache-2.0
 *
 * Object identifiers that reading and writing of keys share (RFC 3279 §2.3.1, RFC 5480 §2.1.1). */
#ifndef TESSERA_FDO_PUBKEY_H
#define TESSERA_FDO_PUBKEY_H

#include "tessera/fdo/types.h"

extern const uint8_t tsr_fdo_oid_ec[7];   /* id-ecPublicKey */
extern const uint8_t tsr_fdo_oid_p256[8]; /* secp256r1 */
extern const uint8_t tsr_fdo_oid_p384[5]; /* secp384r1 */
extern const uint8_t tsr_fdo_oid_rsa[9];  /* rsaEncryption */

#endif
