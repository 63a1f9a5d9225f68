/* SPDX-License-Identifier: Apache-2.0
 *
 * The boot decision on Linux. It runs in a process of its own as the user of tessera-secured, the
 * only one who may read the store, and ends before anything is started. */
#ifndef APPS_TESSERA_BOOT_DECIDE_H
#define APPS_TESSERA_BOOT_DECIDE_H

#include "apps/tessera-boot/config.h"
#include "secure/fwu/boot.h"

typedef enum {
    DECIDE_READY,    /* start it */
    DECIDE_NO_IMAGE, /* no slot holds what may be started */
    DECIDE_FAILED,   /* store, slots or memory: the log says which */
} decide_result;

typedef struct {
    decide_result result;
    bool trial; /* of any component */
    uint8_t slot;
    char version[TSR_FWU_VERSION_MAX + 1];
    uint8_t measurement[32], signer[32]; /* of the bundle */
    /* descriptors of the caller's own, sealed; -1: none */
    int bundle; /* the payload of component 0, as it was measured */
    int record; /* the boot record for tessera-secured */
} decision;

/** Decides what starts.
 *
 *  units   cause: why the last trial ended, 0: unknown; `secured`: the program in memory that will
 *          be started, which is measured too
 *  owner   the caller closes d->bundle and d->record */
decide_result decide(const boot_config *c, psa_status_t cause, int secured, decision *d);

#endif
