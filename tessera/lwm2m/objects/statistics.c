/* SPDX-License-Identifier: Apache-2.0 */
#include "generated/lwm2m_objects.h"
#include "tessera/lwm2m/objects/connectivity.h"

enum { TX_DATA = 2, RX_DATA = 3, AVERAGE_SIZE = 5, START = 6, STOP = 7, PERIOD = 8, KB = 1024 };

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_7_R2, TSR_LWM2M_7_R3, TSR_LWM2M_7_R5, TSR_LWM2M_7_R6, TSR_LWM2M_7_R7,
    TSR_LWM2M_7_R8,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_7_INFO(resources);

/* What has been counted since Start, up to now or to Stop. */
static tsr_lwm2m_traffic counted(const tsr_lwm2m_statistics *s)
{
    const tsr_lwm2m_traffic *end = s->running ? &s->now : &s->to;

    return (tsr_lwm2m_traffic){ end->tx_bytes - s->from.tx_bytes, end->rx_bytes - s->from.rx_bytes,
                                end->packets - s->from.packets };
}

static void stop(tsr_lwm2m_statistics *s)
{
    if (s->running)
        s->to = s->now;
    s->running = false;
}

void tsr_lwm2m_statistics_start(tsr_lwm2m_statistics *s)
{
    s->from = s->now;
    s->start_s = s->now_s;
    s->running = true;
}

/* Core E.8: a period of 0 does not end by itself. */
bool tsr_lwm2m_statistics_measure(tsr_lwm2m_statistics *s, const tsr_lwm2m_traffic *now,
                                  uint64_t now_s)
{
    tsr_lwm2m_traffic before = counted(s), after;

    s->now = *now;
    s->now_s = now_s;
    if (s->period_s != 0 && s->running && now_s - s->start_s >= s->period_s)
        stop(s);
    after = counted(s);
    return before.tx_bytes / KB != after.tx_bytes / KB || before.rx_bytes / KB != after.rx_bytes / KB;
}

/* Core 6.3.1. Message sizes are those of the interfaces' packets; a Linux host counts no other. */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_statistics *s = state;
    tsr_lwm2m_traffic t = counted(s);

    switch (at.resource) {
    case TX_DATA: return tsr_lwm2m_put_int(out, at, (int64_t)(t.tx_bytes / KB));
    case RX_DATA: return tsr_lwm2m_put_int(out, at, (int64_t)(t.rx_bytes / KB));
    case AVERAGE_SIZE:
        if (t.packets == 0)
            return TSR_E_NOT_FOUND;
        return tsr_lwm2m_put_int(out, at, (int64_t)((t.tx_bytes + t.rx_bytes) / t.packets));
    case PERIOD: return tsr_lwm2m_put_int(out, at, s->period_s);
    default:     return TSR_E_NOT_FOUND;
    }
}

static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_statistics *s = state;
    int64_t period_s = value != NULL ? value->as.i : 0;

    (void)at;
    if (period_s < 0 || period_s > UINT32_MAX)
        return TSR_E_TYPE;
    if (phase == TSR_LWM2M_COMMIT)
        s->period_s = (uint32_t)period_s;
    return TSR_OK;
}

static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    if (arguments.len != 0)
        return TSR_E_ARGUMENT;
    if (at.resource == START)
        tsr_lwm2m_statistics_start(state);
    else
        stop(state);
    return TSR_OK;
}

/* Counters begin anew with the process that keeps them; the period was set by a server. */
static void save(const void *state, tsr_buf *out)
{
    tsr_put_u32(out, ((const tsr_lwm2m_statistics *)state)->period_s);
}

static tsr_err load(void *state, tsr_bytes in)
{
    return in.len != 4 ? TSR_E_MALFORMED
                       : tsr_get_u32(&in, &((tsr_lwm2m_statistics *)state)->period_s);
}

tsr_lwm2m_object tsr_lwm2m_statistics_object(tsr_lwm2m_statistics *statistics)
{
    static const tsr_lwm2m_handlers handlers = { .read = read, .write = write, .execute = execute,
                                                 .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, statistics };
}
