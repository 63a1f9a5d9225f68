/* SPDX-License-Identifier: Apache-2.0
 *
 * The vouchers that are here, and what is known of their devices. Private to server/fdo. */
#ifndef SERVER_FDO_INVENTORY_H
#define SERVER_FDO_INVENTORY_H

#include "server/fdo/service.h"

enum { FDO_TEXT_MAX = 255 };

/** What is told of a device; NULL: as it was. */
typedef struct {
    const char *state; /* manufactured, imported, extended, onboarded, replaced */
    const char *serial, *info;
    const char *group;
    const char *endpoint; /* that an account was handed over for */
    const char *next; /* of one that was replaced: the GUID of the device now */
} fdo_device;

/** Stores a voucher and what is known of its device; on the disk when this returns.
 *  errors TSR_E_IO, TSR_E_SPACE */
tsr_err fdo_inventory_add(tsr_fdo *f, tsr_bytes guid, tsr_bytes voucher, const fdo_device *device);

/** The same for the voucher that a device of that GUID has next: what is known of it goes along. */
tsr_err fdo_inventory_follow(tsr_fdo *f, tsr_bytes old, tsr_bytes guid, tsr_bytes voucher,
                             const fdo_device *device);

/** Changes what is known of a device that is here; its state and its voucher stay.
 *  errors TSR_E_NOT_FOUND, TSR_E_IO, TSR_E_SPACE */
tsr_err fdo_inventory_note(tsr_fdo *f, const char *guid, const fdo_device *device);

/** Whether that is the state of a device. */
bool fdo_inventory_is(tsr_fdo *f, const char *guid, const char *state);

/** The voucher of a device, on the heap. errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err fdo_inventory_voucher(tsr_fdo *f, tsr_bytes guid, tsr_buf *voucher);

#endif
