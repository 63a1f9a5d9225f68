/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted life of a device, with a power cut at every program, erase and sync of every medium.
 *
 * The script is a list of steps; each takes one object from one value to the next. After a cut in a
 * step, power comes back, everything is opened again, and then the object of that step has its old
 * or its new value, and every other object has the value that was acknowledged last; or what a
 * reset, as it is specified, makes of that value (an image on trial is not on trial any more). */
#ifndef TESTS_SECURE_LIFE_H
#define TESTS_SECURE_LIFE_H

#include "tests/secure/flash_sim.h"

typedef struct { /* something that has a value: an asset, a key, the state of a component */
    const char *name;
    /** Whether it has this value now; NULL: it is absent. */
    bool (*holds)(const char *value);
    /** What a reset makes of a value that was kept; NULL: it is the same. */
    const char *(*after_reset)(const char *value);
} life_object;

typedef struct {
    const char *what;
    const life_object *object;
    const char *to; /* the value afterwards; NULL: absent */
    /** Does it; true: it was acknowledged. */
    bool (*run)(const char *to);
} life_step;

typedef struct {   /* a device */
    sim *media[4]; /* media[0] is the leader of the others */
    size_t media_count;
    /** Power on: everything is opened anew, as after a reset; false: it cannot be. */
    bool (*open)(void);
    void (*close)(void);
} life_device;

typedef struct {
    uint64_t cuts;        /* cut points in the script, every one of them tried */
    uint64_t second_cuts; /* cuts while recovering from one */
    uint64_t olds, news;  /* after how many the object had its old or its new value, */
    uint64_t told;        /* and in how many the step had been acknowledged before the cut */
    uint64_t worst_us;    /* longest recovery, from power on until everything is open */
} life_result;

/** Runs the script once for each cut point, on media that `fresh` makes blank; asserts (cmocka).
 *  units   step_count at most 64, objects at most 16 */
life_result life_run(const life_device *device, void (*fresh)(uint64_t seed),
                     const life_step *steps, size_t step_count);

#endif
