/* SPDX-License-Identifier: Apache-2.0
 *
 * The lower half of a secure world in one process, for tests: ITS, the PSA core, a root key. */
#ifndef TESTS_SECURE_CORE_H
#define TESTS_SECURE_CORE_H

#include "secure/crypto/service.h"
#include "secure/root/root.h"
#include "secure/storage/its.h"

#define CORE_ASSETS    512u
#define CORE_VALUE_MAX 500u

typedef struct {
    tsr_store store;
    tsr_store_entry index[CORE_ASSETS];
    tsr_its its;
    tsr_crypto crypto;
    tsr_crypto_key keys[32];
    tsr_crypto_op ops[8];
    tsr_root root;
    uint8_t huk[TSR_ROOT_BYTES]; /* the device's secret: what fuses would hold */
} core;

/** The one core of the process. */
core *core_here(void);

/** Power on: mounts (formats a blank device), starts the PSA core, loads the root key.
 *  Returns TSR_OK, or what the store or the core said. */
tsr_err core_open(const tsr_flash *flash);

/** Power off: what is in memory is forgotten. */
void core_close(void);

#endif
