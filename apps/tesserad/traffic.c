/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/tesserad.h"

enum { FRESH_MS = 500 }; /* a request sees values no older than this */

/* What came while nobody listened was not heard. */
static void wake(tesserad *d)
{
    uint8_t room[TSR_UDP_DATAGRAM];

    d->asleep = false;
    for (size_t i = 0; i < d->link_count; i++) {
        tsr_buf in = tsr_buf_over(room, sizeof room);

        while (d->links[i].udp.fd >= 0 && tsr_udp_receive(&d->links[i].udp, &in) == TSR_OK)
            in.len = 0;
    }
    tsr_host_log(TSR_LOG_INFO, "awake", "for=%u", d->config->awake_s);
}

void traffic_fall_asleep(tesserad *d, uint64_t now_ms)
{
    uint64_t until_ms;

    if (d->asleep || d->stop_by_ms != 0 ||
        !tsr_lwm2m_queue_sleeps(&d->client, now_ms, &until_ms))
        return;
    d->asleep = true;
    tsr_host_log(TSR_LOG_INFO, "asleep", "until=%llu",
                 until_ms == UINT64_MAX ? 0ull : (unsigned long long)((until_ms - now_ms) / 1000));
}

bool traffic_streams(tesserad *d, const struct pollfd *fds, uint64_t now_ms)
{
    bool again = false;

    for (size_t i = 0; i < d->link_count; i++)
        again |= stream_step(&d->links[i].stream, fds != NULL ? fds[i].revents : 0, now_ms);
    return again;
}

static void send_all(tesserad *d, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    size_t account;

    for (;;) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_lwm2m_client_poll(&d->client, &account, &out, now_ms) != TSR_OK)
            break;
        if (d->asleep)
            wake(d);
        tsr_lwm2m_queue_traffic(&d->queue, now_ms);
        if (d->links[account].stream.used)
            stream_send(&d->links[account].stream, tsr_buf_view(&out));
        else if (tsr_udp_send(&d->links[account].udp, tsr_buf_view(&out)) != TSR_OK)
            tsr_host_log(TSR_LOG_DEBUG, "not-sent", "server=%u bytes=%zu",
                         d->links[account].short_id, out.len);
    }
}

void traffic_drive(tesserad *d, uint64_t now_ms)
{
    tsr_lwm2m_client_event event;

    device_show_lights(&d->device);
    firmware_tell(&d->firmware);
    software_tell(&d->software);
    logs_tell(&d->device.logs, &d->client);
    do
        send_all(d, now_ms);
    while (traffic_streams(d, NULL, now_ms));
    while (tsr_lwm2m_client_event_next(&d->client, &event)) {
        log_event(d, &event);
        links_judge(d, &event, now_ms);
        if (event.kind == TSR_LWM2M_E_REGISTERED || event.kind == TSR_LWM2M_E_UPDATED)
            update_registered(&d->update);
    }
    if (d->stop_by_ms == 0)
        links_rebind(d, now_ms);
}

static tsr_err link_receive(uplink *l, tsr_buf *in)
{
    return l->stream.used ? stream_receive(&l->stream, in) : tsr_udp_receive(&l->udp, in);
}

/* What a bootstrap server writes may be a key, which is in the secure service by now. */
static void forget_message(tesserad *d, size_t i, uint8_t *datagram, size_t len)
{
    tsr_wipe(datagram, len);
    tsr_wipe(d->links[i].plain, sizeof d->links[i].plain);
    if (d->links[i].stream.used)
        tsr_lwm2m_tcp_wipe(&d->links[i].stream.channel);
    oscore_wipe(&d->oscore);
}

void traffic_receive(tesserad *d, size_t i, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf in = tsr_buf_over(room, sizeof room);

    for (int n = 0; n < 64 && link_receive(&d->links[i], &in) == TSR_OK; n++) {
        if (now_ms - d->device.refreshed_ms > FRESH_MS)
            device_refresh(&d->device, &d->client, now_ms);
        tsr_lwm2m_queue_traffic(&d->queue, now_ms);
        (void)tsr_lwm2m_client_feed(&d->client, i, tsr_buf_view(&in), now_ms);
        in = tsr_buf_over(room, sizeof room);
        traffic_drive(d, now_ms);
    }
    traffic_drive(d, now_ms); /* of a connection that ended */
    if (i == CONFIG_SERVERS)
        forget_message(d, i, room, sizeof room);
}
