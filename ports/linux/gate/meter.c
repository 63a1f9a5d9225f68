/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/gate/meter.h"

#define ONE 1000000u /* a token; also the microseconds of a second */

tsr_meter *tsr_meter_join(tsr_meter *meters, size_t count, int32_t client, uint32_t rate,
                          uint64_t now_us)
{
    tsr_meter *oldest = NULL;

    for (size_t i = 0; i < count; i++) {
        tsr_meter *m = &meters[i];

        if (m->client == client)
            return m;
        if (m->connections == 0 && !m->waiting && (oldest == NULL || m->at_us < oldest->at_us))
            oldest = m;
    }
    if (oldest != NULL)
        *oldest = (tsr_meter){ .client = client, .tokens = (uint64_t)rate * ONE, .at_us = now_us };
    return oldest;
}

static void refill(tsr_meter *m, uint32_t rate, uint64_t now_us)
{
    uint64_t full = (uint64_t)rate * ONE;
    uint64_t since = now_us - m->at_us;

    m->at_us = now_us;
    if (since >= ONE || m->tokens + since * rate >= full)
        m->tokens = full;
    else
        m->tokens += since * rate;
}

bool tsr_meter_take(tsr_meter *m, uint32_t rate, uint64_t now_us)
{
    uint64_t wanted = (uint64_t)rate * (ONE / 100);

    if (rate == 0)
        return true;
    refill(m, rate, now_us);
    if (m->tokens >= ONE) {
        m->tokens -= ONE;
        return true;
    }
    if (wanted < ONE)
        wanted = ONE;
    m->due_us = now_us + (wanted - m->tokens + rate - 1) / rate;
    return false;
}
