/* SPDX-License-Identifier: Apache-2.0
 *
 * Which requests came before: a sliding window. */
#ifndef TESSERA_OSCORE_WINDOW_H
#define TESSERA_OSCORE_WINDOW_H

#include "tessera/oscore/oscore.h"

enum { TSR_OSCORE_WINDOW = 64 };

/* RFC 8613 §7.4, RFC 6347 §4.1.2.6. Nothing was seen while `seen` is 0. */
static inline bool tsr_oscore_window_allows(const tsr_oscore *c, uint64_t number)
{
    if (c->seen == 0 || number > c->highest)
        return true;
    if (c->highest - number >= TSR_OSCORE_WINDOW)
        return false;
    return (c->seen >> (c->highest - number) & 1) == 0;
}

static inline void tsr_oscore_window_take(tsr_oscore *c, uint64_t number)
{
    uint64_t forward;

    if (c->seen == 0) {
        c->highest = number;
        c->seen = 1;
        return;
    }
    if (number <= c->highest) {
        c->seen |= (uint64_t)1 << (c->highest - number);
        return;
    }
    forward = number - c->highest;
    c->seen = forward < TSR_OSCORE_WINDOW ? c->seen << forward | 1 : 1;
    c->highest = number;
}

#endif
