/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/gate/channel.h"

#include <sched.h>
#include <time.h>

#define LOOK_NS   50000u
#define LOOKS     32 /* at the word between two looks at the clock */

uint32_t tsr_channel_core(void) { return (uint32_t)(sched_getcpu() + 1); }

bool tsr_channel_apart(uint32_t core)
{
    uint32_t here = tsr_channel_core();

    return core != 0 && here != 0 && core != here;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Tells the core that this is a loop of looks, so that it neither speculates nor hurries. */
static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

bool tsr_channel_look(const _Atomic uint32_t *word, uint32_t old)
{
    uint64_t until = now_ns() + LOOK_NS;

    do {
        for (int i = 0; i < LOOKS; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != old)
                return true;
            relax();
        }
    } while (now_ns() < until);
    return false;
}
