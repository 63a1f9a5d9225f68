/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts for LwM2M that a run of TO2 hands over. What they open is put on the disk when the device
 * says that it is done, before it is told so: a device uses nothing that it was given before that, and
 * what it had before holds until then. A run that ends otherwise leaves nothing. Private to server/fdo. */
#ifndef SERVER_FDO_HANDOVER_H
#define SERVER_FDO_HANDOVER_H

#include "server/fdo/service.h"
#include "tessera/json/json.h"

enum {
    FDO_ENDPOINT_MAX = 127, /* as devices take it */
    FDO_PSK = 32,
};

typedef struct {
    bool given; /* the device has taken it */
    char identity[TSR_FDO_IDENTITY_MAX + 1];
    uint8_t key[FDO_PSK];
    size_t key_len; /* 0: it shows a certificate */
} fdo_grant;

typedef struct {
    char device[FDO_KEY_DIGITS]; /* the print of its key, which it has for life */
    char guid[FDO_GUID_TEXT];
    char info[FDO_ENDPOINT_MAX + 1], serial[FDO_ENDPOINT_MAX + 1]; /* "": unknown, or too long */
    char endpoint[FDO_ENDPOINT_MAX + 1]; /* "": no step has named it yet */
    bool replace;                        /* whoever has that name loses it */
    fdo_grant grants[TSR_FDO_DOORS];
    char certificate[TSR_FDO_SERIAL_TEXT]; /* serial number of what fdo.csr gave; "": nothing */
} fdo_handover;

/** Whose run it is, as the voucher says. */
typedef struct {
    tsr_bytes guid, info;
    const tsr_fdo_key *key;
} fdo_subject;

/** `serial` is the inventory's. errors TSR_E_CRYPTO */
tsr_err fdo_handover_begin(fdo_handover *h, const fdo_subject *who, const char *serial);

/** NULL, or what is wrong with a plan's `endpoint`. */
const char *fdo_endpoint_wrong(const tsr_json *plan);

/** Names the device as the plan's `endpoint` says, once per run. NULL, or why it cannot have that name. */
const char *fdo_handover_name(tsr_fdo *f, fdo_handover *h, const tsr_json *plan);

/** What holds, once the device has taken it and the run is settled: a fresh key, or a certificate. NULL,
 *  or why there is none. */
const char *fdo_handover_grant(fdo_handover *h, tsr_fdo_door door, bool psk);

/** Makes all grants hold, and what the device had before not. Repeated, it does the same.
 *  errors  TSR_E_EXISTS  the name became another device's meanwhile;  TSR_E_IO */
tsr_err fdo_handover_settle(tsr_fdo *f, fdo_handover *h);

/** The run ended otherwise. */
void fdo_handover_drop(tsr_fdo *f, fdo_handover *h);

#endif
