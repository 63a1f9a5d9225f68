/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts whose messages go through a channel: opening it, what it tells, its own datagrams.
 * Reached through a table only, so that a device without DTLS is linked without it. */
#include "tessera/lwm2m/client/internal.h"

enum { LOCAL_TRIES = 6 }; /* 250 ms times 2^6: at most 16 s between tries for a cause here */

/* Something on this side is missing, as the secure service: no server is the worse for asking again
 * soon, and no attempt of Core 6.2.1.2 is used up. */
static void back_off_locally(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    tsr_lwm2m_account_wait(c, a, tsr_lwm2m_client_jitter(c, (uint64_t)250 << a->local_tries));
    if (a->local_tries < LOCAL_TRIES)
        a->local_tries++;
}

static void stop_for_good(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const char *reason)
{
    if (a->short_id == 0) {
        c->parts->bootstrap->down(c, reason);
        return;
    }
    tsr_lwm2m_account_stop(c, a, reason);
    (void)tsr_lwm2m_bootstrap_takes(c, BOOTSTRAP_FAILED, a);
}

/* A session that ended in good order or by accident is opened again. */
static void channel_down(tsr_lwm2m_client *c, tsr_lwm2m_account *a,
                         const tsr_lwm2m_channel_event *event)
{
    tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, a);

    if (event->alert != 0 && server != NULL)
        tsr_lwm2m_server_set(server, TSR_LWM2M_S_ALERT, event->alert);
    tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_DISCONNECTED, event->alert)->reason = event->reason;
    tsr_lwm2m_account_disconnect(c, a, false);
    if (a->standing == TSR_LWM2M_STOPPED)
        return;
    if (event->final)
        stop_for_good(c, a, event->reason);
    else if (event->local)
        back_off_locally(c, a);
    else if (a->short_id == 0)
        c->parts->bootstrap->down(c, event->reason);
    else if (event->peer_closed && a->proved)
        tsr_lwm2m_account_wait(c, a, tsr_lwm2m_client_jitter(c, 1000));
    else
        tsr_lwm2m_account_back_off(c, a);
    a->proved = false;
}

/* RFC 8323 §7.4 and Transport 6.4.3: with a connection or security context its observations end, so
 * what the server has of this client is made anew as a whole. */
static void channel_up(tsr_lwm2m_client *c, tsr_lwm2m_account *a,
                       const tsr_lwm2m_channel_event *event)
{
    if (event->anew) {
        observe_end_all(c, account_peer(c, a), "a new connection or session");
        a->location[0] = '\0';
    }
    if (a->standing == TSR_LWM2M_CONNECTING)
        tsr_lwm2m_account_connected(c, a);
}

/* Nothing overtakes on a stream, and nothing comes again: a request that is early is dropped. */
static void pump_stream(tsr_lwm2m_client *c)
{
    while (tsr_coap_event_waits(&c->coap)) {
        const tsr_coap_event *event = tsr_coap_event_take(&c->coap);

        if (event->kind == TSR_COAP_REQUEST && account_ignores(&c->config.accounts[event->peer]))
            (void)tsr_coap_cancel(&c->coap, event->id);
        else
            tsr_lwm2m_client_coap_event(c, event);
    }
}

/* The session was kept over a restart, and does not know all that came before: requests are dropped, since
 * they may be old ones, until the answer to one of ours, by its random token, is not. The Update that goes
 * first brings it; a CON that was fresh comes again. RFC 9175 §2.3 would ask the server to take part. */
static void feed_doubted(tsr_lwm2m_client *c, const tsr_lwm2m_account *a, tsr_bytes message)
{
    if (message.len > 1 && tsr_coap_is_request(message.ptr[1]))
        return;
    client_coap_pump(c);
    client_coap_feed(c, a, message);
    while (tsr_coap_event_waits(&c->coap)) {
        const tsr_coap_event *event = tsr_coap_event_take(&c->coap);

        if (event->kind == TSR_COAP_RESPONSE && event->peer == account_peer(c, a))
            a->channel->fresh(a->channel_state);
        tsr_lwm2m_client_coap_event(c, event);
    }
}

static void take_data(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const tsr_lwm2m_channel_event *event)
{
    a->proved = true;
    if (event->doubted) {
        feed_doubted(c, a, event->data);
        return;
    }
    client_coap_feed(c, a, event->data);
    client_coap_pump(c);
}

static void pump(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    tsr_lwm2m_channel_event event;

    while (a->channel != NULL && a->channel->next(a->channel_state, &event)) {
        switch (event.kind) {
        case TSR_LWM2M_CHANNEL_UP:
            channel_up(c, a, &event);
            break;
        case TSR_LWM2M_CHANNEL_COAP:
            a->proved = a->up;
            pump_stream(c);
            break;
        case TSR_LWM2M_CHANNEL_DOWN:
            channel_down(c, a, &event);
            break;
        case TSR_LWM2M_CHANNEL_DATA:
            take_data(c, a, &event);
            break;
        }
    }
}

static void open(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    tsr_err err;

    a->standing = TSR_LWM2M_CONNECTING;
    a->at_ms = UINT64_MAX;
    err = a->channel->open(a->channel_state, c->now_ms);
    if (err == TSR_OK) {
        pump(c, a);
        return;
    }
    tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_DISCONNECTED, 0)->reason =
        err == TSR_E_CRYPTO ? "secure service not there" : tsr_err_name(err);
    back_off_locally(c, a);
}

static void feed(tsr_lwm2m_client *c, tsr_lwm2m_account *a, tsr_bytes datagram)
{
    if (a->channel->feed(a->channel_state, datagram, c->now_ms) == TSR_OK)
        pump(c, a);
}

/* One datagram of a channel's own: handshake, alert, close. Turn by turn, so that no account
 * waits for another. */
static tsr_err poll_own(tsr_lwm2m_client *c, size_t *account, tsr_buf *datagram)
{
    for (size_t n = 0; n < c->config.account_count; n++) {
        size_t i = (c->turn + n) % c->config.account_count;
        tsr_lwm2m_account *a = &c->config.accounts[i];
        tsr_err err;

        if (a->channel == NULL)
            continue;
        datagram->len = 0;
        err = a->channel->poll(a->channel_state, datagram, c->now_ms);
        pump(c, a);
        if (err == TSR_OK && datagram->len != 0) {
            c->turn = (uint8_t)(i + 1);
            *account = i;
            return TSR_OK;
        }
        datagram->err = TSR_OK;
    }
    return TSR_END;
}

/* A message of CoAP, through its channel. One that the channel cannot take now is lost too. */
static tsr_err poll_coap(tsr_lwm2m_client *c, size_t *account, tsr_buf *datagram)
{
    tsr_buf message = tsr_buf_over(c->config.datagram, c->config.datagram_len);

    while (client_coap_poll(c, account, &message) == TSR_OK) {
        const tsr_lwm2m_account *a = &c->config.accounts[*account];
        tsr_err err = TSR_OK;

        datagram->len = 0;
        datagram->err = TSR_OK;
        if (a->channel != NULL)
            err = a->channel->send(a->channel_state, tsr_buf_view(&message), datagram);
        else
            tsr_put_bytes(datagram, tsr_buf_view(&message));
        if (err == TSR_OK && datagram->err == TSR_OK && datagram->len != 0)
            return TSR_OK;
    }
    return TSR_END;
}

static tsr_err poll(tsr_lwm2m_client *c, size_t *account, tsr_buf *datagram)
{
    if (poll_own(c, account, datagram) == TSR_OK || poll_coap(c, account, datagram) == TSR_OK)
        return TSR_OK;
    client_coap_pump(c);
    for (size_t i = 0; i < c->config.account_count; i++)
        pump(c, &c->config.accounts[i]);
    return TSR_END;
}

const struct tsr_lwm2m_channels tsr_lwm2m_channels = { open, feed, poll };
