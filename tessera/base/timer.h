/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines in a binary heap over the caller's storage: set, stop and take cost O(log n),
 * the earliest deadline O(1). Equal deadlines come in the order in which they were set. A timer
 * lies inside whatever it wakes. */
#ifndef TESSERA_BASE_TIMER_H
#define TESSERA_BASE_TIMER_H

#include "tessera/base/bytes.h"

typedef struct {
    uint64_t due_ms; /* read only */
    uint32_t id;     /* the caller's: what this timer wakes */
    uint32_t place;  /* private: 1-based place in the heap; 0: not set */
    uint32_t order;  /* private: among equal deadlines */
} tsr_timer;

typedef struct {
    /* private */
    tsr_timer **heap;
    uint32_t len, cap, order;
} tsr_timers;

/** Places an empty heap over `cap` pointers, which the caller owns. As many timers can be set at
 *  once. */
void tsr_timers_init(tsr_timers *timers, tsr_timer **heap, uint32_t cap);

/** Sets or moves a timer. A tsr_timer starts as { 0 } with its id.
 *  errors  TSR_E_SPACE  `cap` other timers are set */
tsr_err tsr_timer_set(tsr_timers *timers, tsr_timer *timer, uint64_t due_ms);

/** Stops a timer; harmless when it is not set. */
void tsr_timer_stop(tsr_timers *timers, tsr_timer *timer);

static inline bool tsr_timer_is_set(const tsr_timer *timer) { return timer->place != 0; }

/** Takes the earliest timer that is due at `now_ms` and stops it; NULL when none is. */
tsr_timer *tsr_timers_take(tsr_timers *timers, uint64_t now_ms);

/** The earliest deadline; UINT64_MAX when no timer is set. */
static inline uint64_t tsr_timers_due(const tsr_timers *timers)
{
    return timers->len != 0 ? timers->heap[0]->due_ms : UINT64_MAX;
}

#endif
