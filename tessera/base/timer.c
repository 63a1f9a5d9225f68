/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/timer.h"

void tsr_timers_init(tsr_timers *timers, tsr_timer **heap, uint32_t cap)
{
    *timers = (tsr_timers){ heap, 0, cap, 0 };
}

static bool before(const tsr_timer *a, const tsr_timer *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    return a->order - b->order > UINT32_MAX / 2; /* the counter may wrap between them */
}

static void put(tsr_timers *t, uint32_t at, tsr_timer *timer)
{
    t->heap[at] = timer;
    timer->place = at + 1;
}

/* Moves `timer`, for which place `at` is free, towards the root. */
static void rise(tsr_timers *t, uint32_t at, tsr_timer *timer)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;

        if (!before(timer, t->heap[parent]))
            break;
        put(t, at, t->heap[parent]);
        at = parent;
    }
    put(t, at, timer);
}

static void sink(tsr_timers *t, uint32_t at, tsr_timer *timer)
{
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= t->len)
            break;
        if (child + 1 < t->len && before(t->heap[child + 1], t->heap[child]))
            child++;
        if (!before(t->heap[child], timer))
            break;
        put(t, at, t->heap[child]);
        at = child;
    }
    put(t, at, timer);
}

static void settle(tsr_timers *t, uint32_t at, tsr_timer *timer)
{
    if (at > 0 && before(timer, t->heap[(at - 1) / 2]))
        rise(t, at, timer);
    else
        sink(t, at, timer);
}

tsr_err tsr_timer_set(tsr_timers *timers, tsr_timer *timer, uint64_t due_ms)
{
    if (timer->place == 0 && timers->len == timers->cap)
        return TSR_E_SPACE;
    timer->due_ms = due_ms;
    timer->order = timers->order++;
    if (timer->place == 0)
        rise(timers, timers->len++, timer);
    else
        settle(timers, timer->place - 1, timer);
    return TSR_OK;
}

void tsr_timer_stop(tsr_timers *timers, tsr_timer *timer)
{
    if (timer->place == 0)
        return;

    uint32_t at = timer->place - 1;
    tsr_timer *last = timers->heap[--timers->len];

    timer->place = 0;
    if (last != timer)
        settle(timers, at, last);
}

tsr_timer *tsr_timers_take(tsr_timers *timers, uint64_t now_ms)
{
    if (timers->len == 0 || timers->heap[0]->due_ms > now_ms)
        return NULL;

    tsr_timer *first = timers->heap[0];

    tsr_timer_stop(timers, first);
    return first;
}
