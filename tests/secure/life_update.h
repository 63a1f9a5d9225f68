/* SPDX-License-Identifier: Apache-2.0
 *
 * An update as a part of a scripted life (life.h): one component with two slots on media of their
 * own, and each step of the way from version 1 to an accepted version 2. */
#ifndef TESTS_SECURE_LIFE_UPDATE_H
#define TESTS_SECURE_LIFE_UPDATE_H

#include "tests/secure/life.h"

/** Makes the packages; once, on a core that is open. */
void life_update_prepare(void);

/** Blank slots, and what the factory puts there; `leader` has the power supply. */
void life_update_fresh(sim slots[2], sim *leader, uint64_t seed);
void life_update_end(sim slots[2]);

/** Power on, once the core is open: the service opens, and decides what starts. `restart` is what a
 *  reboot does to the whole device. */
bool life_update_open(bool (*restart)(void));

/* The component: its version and state; NULL is "1 ready". */
extern const life_object life_update;

extern const char life_update_written_0[], life_update_written_1[], life_update_written_2[],
    life_update_written_3[], life_update_written_4[], life_update_candidate[], life_update_staged[],
    life_update_trial[], life_update_accepted[], life_update_cleaned[];

/** The step to any of them: start, write, finish, install, restart, accept, clean. After a cut it
 *  goes from wherever the component is, if need be from the beginning. */
bool life_update_to(const char *to);

#endif
