/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon as an updated program: it says which version it is, and when that version is on trial,
 * keeps it only after a server has answered and the self-test has passed. Otherwise nobody accepts,
 * and the launcher goes back to the version before.
 *
 * All of this only under tessera-boot, which says so by the variable TESSERA_BOOT_COMPONENT. */
#ifndef APPS_TESSERAD_UPDATE_H
#define APPS_TESSERAD_UPDATE_H

#include <sys/types.h>

#include "apps/tesserad/config.h"

typedef struct {
    const config *config;
    /* private */
    bool launched, trial, registered;
    uint8_t component;
    char version[24]; /* of this program */
    pid_t test;       /* 0: the self-test does not run */
    bool tested;
    uint64_t retry_at_ms;
} update;

/** Asks the update service what runs. Harmless without launcher.
 *  errors  TSR_E_IO  under a launcher, but the service does not answer */
tsr_err update_begin(update *u, const config *c);

/** "2.1.0+7"; NULL: nobody told. */
const char *update_version(const update *u);

/** A server has taken our registration, or an update of it. */
void update_registered(update *u);

/** Goes on with the trial; the second says when it wants that again (UINT64_MAX: never). */
void update_step(update *u, uint64_t now_ms);
uint64_t update_due_ms(const update *u);

/** Ends a self-test that still runs. */
void update_end(update *u);

#endif
