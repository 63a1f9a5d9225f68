/* SPDX-License-Identifier: Apache-2.0
 *
 * What onboarding needs while it goes on; onboard.c and onboard_engine.c alone. */
#ifndef APPS_TESSERAD_ONBOARD_LIFE_H
#define APPS_TESSERAD_ONBOARD_LIFE_H

#include <sys/utsname.h>

#include "apps/tesserad/onboard.h"

/* What is encrypted goes through the secure service in one call, which takes 20 KB. */
enum { ONBOARD_CREDENTIAL = 2048, ONBOARD_REDIRECT = 4096, ONBOARD_MESSAGE = 16384,
       ONBOARD_PART = 4096 };

/* Beside the daemon's memory, and gone before it begins. */
typedef struct {
    onboard o;
    struct utsname system;
    uint8_t credential[ONBOARD_CREDENTIAL], next[ONBOARD_CREDENTIAL], redirect[ONBOARD_REDIRECT];
    uint8_t message[ONBOARD_MESSAGE], in[ONBOARD_MESSAGE], out[ONBOARD_MESSAGE - 128];
    uint8_t part[ONBOARD_PART];
    int signals;
    onboard_end end;
    bool over;
    uint64_t again_ms, di_wait_ms;
} onboard_life;

/** Places modules and the engine over what is stored.
 *  errors  those of tsr_fdo_device_init() */
tsr_err onboard_engine(onboard_life *l);

#endif
