/* SPDX-License-Identifier: Apache-2.0
 *
 * Vouchers as the services and the operator's tool judge, extend, read and print them. */
#ifndef SERVER_FDO_VOUCHERS_H
#define SERVER_FDO_VOUCHERS_H

#include "server/fdo/keys.h"
#include "tessera/fdo/voucher.h"

enum { FDO_VOUCHER_MAX = 60000 }; /* bytes: it has to fit into message 22 */

struct mbedtls_x509_crt;

/** Full verification: everything that can be told without the device's secret, and that the device's
 *  certificates lead to one of `roots` (NULL: any; the manufacturer vouches for them by the header).
 *  NULL: nothing is wrong, and *owner is the key that the voucher ends with. */
const char *fdo_voucher_wrong(struct mbedtls_x509_crt *roots, const tsr_fdo_voucher *v,
                              tsr_fdo_key *owner);

/** The device's certificate. errors TSR_E_NOT_FOUND, TSR_E_MALFORMED */
tsr_err fdo_voucher_leaf(const tsr_fdo_voucher *v, tsr_bytes *der);

/** The hash that a device and its owner both can do: the shorter of theirs. */
int32_t fdo_pair_hash(const tsr_fdo_key *device, const tsr_fdo_key *owner);

/** Puts an entry at the end of a voucher on the heap, by its owner, for the next one (a PublicKey,
 *  which gets the type and, where a key is enough for it, the encoding of the manufacturer's).
 *  errors  TSR_E_DENIED  the voucher is another's;  TSR_E_TYPE  the keys are of different types */
tsr_err fdo_voucher_extend(tsr_buf *voucher, const fdo_key *owner, tsr_bytes next);

/** Takes a voucher out of a file's content: PEM ("OWNERSHIP VOUCHER") or CBOR; onto the heap.
 *  errors  TSR_E_MALFORMED, TSR_E_SPACE */
tsr_err fdo_voucher_decode(tsr_bytes content, tsr_buf *out);

/** Appends it as PEM; `out` grows. */
void fdo_voucher_put_pem(tsr_buf *out, tsr_bytes voucher);

#endif
