/* SPDX-License-Identifier: Apache-2.0
 *
 * A block device in memory that forgets what was not synced, tears writes and erases, and fails at
 * the operation it is told to. It also watches the store's manners: no unit is programmed twice. */
#ifndef TESTS_SECURE_FLASH_SIM_H
#define TESTS_SECURE_FLASH_SIM_H

#include "secure/storage/flash.h"

typedef struct {
    bool erase;
    uint32_t at;
    size_t len;
    uint8_t *data;
} sim_op;

typedef struct sim {
    tsr_flash flash;
    struct sim *leader;     /* not NULL: one power supply, so `count`, `cut_at`, `off` are its */
    uint8_t *now, *durable; /* what reads see; what a power cut leaves */
    bool *used;             /* per unit: must be erased before it is programmed */
    uint32_t *erases;       /* per block */
    sim_op *pending;
    size_t pending_count, pending_cap;
    uint64_t count;   /* program, erase and sync calls so far */
    uint64_t cut_at;  /* the call with this number fails and the power is off; UINT64_MAX: never */
    uint64_t weak_at; /* the program call with this number leaves one bit unwritten, silently */
    tsr_err refuse;   /* not TSR_OK: every write fails with it, but the power stays on */
    bool off;
    uint64_t rng;
    const char *bad_manners; /* what the store should never have done */
} sim;

void sim_open(sim *s, uint32_t size, uint32_t block, uint32_t unit, bool overwrite, uint64_t seed);
void sim_close(sim *s);
/** Power comes back: every unsynced write is there, in part, as rubbish, or not. */
void sim_restore(sim *s);
uint32_t sim_random(uint64_t *state);

#endif
