/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a device's owner is, as the rendezvous service keeps it: an array in CBOR of
 * [entries, end in unix seconds, the device's key (SubjectPublicKeyInfo or certificate), to1d].
 * Private to server/fdo. */
#ifndef SERVER_FDO_REDIRECT_H
#define SERVER_FDO_REDIRECT_H

#include "server/fdo/service.h"

typedef struct {
    uint64_t entries; /* of the voucher: one that was sold further has more */
    int64_t ends_s;
    tsr_bytes device_key; /* the device's certificate, DER */
    tsr_bytes to1d;       /* as the owner signed it */
    tsr_fdo_key key;      /* reading: that of the certificate */
} fdo_redirect;

/** It is on the disk when this returns.
 *  errors  TSR_E_DENIED  one of a voucher with more entries is there: that owner is the newer one
 *          TSR_E_IO */
tsr_err fdo_redirect_keep(tsr_fdo *f, tsr_bytes guid, const fdo_redirect *redirect);

/** owner  *redirect points into `room`, which is on the heap and the caller's
 *  errors  TSR_E_NOT_FOUND (also when it has ended), TSR_E_IO, TSR_E_MALFORMED */
tsr_err fdo_redirect_find(tsr_fdo *f, tsr_bytes guid, tsr_buf *room, fdo_redirect *redirect);

/** errors TSR_E_MALFORMED */
tsr_err fdo_redirect_read(tsr_bytes in, fdo_redirect *redirect);

#endif
