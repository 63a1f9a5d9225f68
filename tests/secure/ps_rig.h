/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage on a core (tests/secure/core.h) and a medium of its own, for tests. */
#ifndef TESTS_SECURE_PS_RIG_H
#define TESTS_SECURE_PS_RIG_H

#include "secure/storage/ps.h"
#include "tests/secure/core.h"

#define RIG_ASSETS    512u
#define RIG_ASSET_MAX 400u

typedef struct {
    tsr_ps ps;
    tsr_ps_found found;
    uint32_t swept;
    tsr_store medium;
    tsr_store_entry index[RIG_ASSETS];
    uint8_t work[RIG_ASSET_MAX + TSR_PS_OVERHEAD];
} ps_rig;

ps_rig *rig_here(void);

/** Mounts the medium and opens PS; the core is open. */
tsr_err rig_open(const tsr_flash *medium);

#endif
