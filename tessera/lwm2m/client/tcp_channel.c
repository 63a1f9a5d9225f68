/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/tcp_channel.h"

#include "tessera/lwm2m/client/internal.h"

enum { CLOSED, WANTED, SECURING, UP, LINGERING };

static tsr_coap *coap_of(const tsr_lwm2m_tcp *t) { return &t->client->coap; }
static tsr_coap_peer peer_of(const tsr_lwm2m_tcp *t) { return t->stream.config.peer; }

/* ---- opening and closing ---- */

/* The link is the host's to close; what was polled has gone its way. */
static void let_go(tsr_lwm2m_tcp *t)
{
    if (t->layer != NULL && t->phase >= SECURING)
        t->layer->close(t->layer_state, NULL);
    t->phase = CLOSED;
    t->tell_up = t->full = t->last_word = false;
    t->in_len = t->plain_len = 0;
}

static void fall(tsr_lwm2m_tcp *t, const char *reason)
{
    if (!t->tell_down) {
        t->tell_down = true;
        t->reason = reason;
    }
}

/* What the layer has to say of its end goes out before the link does. */
static void fall_in(tsr_lwm2m_tcp *t)
{
    if (t->tell_down)
        return;
    fall(t, "its protection failed");
    t->last_word = true;
}

static tsr_err open(void *state, uint64_t now_ms)
{
    tsr_lwm2m_tcp *t = state;

    (void)now_ms;
    tsr_coap_stream_closed(&t->stream);
    let_go(t);
    t->tell_down = t->local = t->peer_closed = false;
    t->phase = WANTED;
    return TSR_OK;
}

static void up(tsr_lwm2m_tcp *t, uint64_t now_ms)
{
    t->phase = UP;
    t->tell_up = true;
    (void)tsr_coap_streams_open(coap_of(t), peer_of(t), now_ms);
}

void tsr_lwm2m_tcp_connected(tsr_lwm2m_tcp *t, uint64_t now_ms)
{
    if (t->phase != WANTED)
        return;
    if (t->layer == NULL) {
        up(t, now_ms);
        return;
    }
    t->phase = SECURING;
    if (t->layer->open(t->layer_state, now_ms) != TSR_OK) {
        t->local = true;
        fall(t, "secure service not there");
    }
}

void tsr_lwm2m_tcp_broken(tsr_lwm2m_tcp *t, const char *why, bool local)
{
    if (t->phase == CLOSED)
        return;
    if (t->phase == LINGERING) {
        tsr_coap_stream_closed(&t->stream);
        let_go(t);
        return;
    }
    t->local = local;
    t->peer_closed = why == NULL;
    fall(t, why != NULL ? why : "closed");
}

static void close(void *state, bool polite)
{
    tsr_lwm2m_tcp *t = state;

    if (polite && t->phase == UP &&
        tsr_coap_stream_release(&t->stream, NULL, (tsr_coap_num){ false, 0 }, t->client->now_ms) ==
            TSR_OK) {
        t->phase = LINGERING;
        return;
    }
    tsr_coap_stream_closed(&t->stream);
    let_go(t);
    t->tell_down = false;
}

static bool moved(void *state)
{
    (void)state;
    return false; /* a connection has one address */
}

/* ---- bytes in ---- */

static tsr_err feed(void *state, tsr_bytes bytes, uint64_t now_ms)
{
    tsr_lwm2m_tcp *t = state;

    (void)now_ms;
    if (t->phase < SECURING || t->phase > UP)
        return TSR_E_STATE;
    if (bytes.len > t->in_cap - t->in_len)
        return TSR_E_SPACE;
    memcpy(t->in + t->in_len, bytes.ptr, bytes.len);
    t->in_len += bytes.len;
    return TSR_OK;
}

static void keep_rest(uint8_t *room, size_t *len, tsr_bytes rest)
{
    if (rest.len != 0)
        memmove(room, rest.ptr, rest.len);
    *len = rest.len;
}

/* Opens what lies in `in` into `plain`; false: nothing came of it. */
static bool unwrap(tsr_lwm2m_tcp *t)
{
    tsr_bytes in = tsr_view(t->in, t->in_len);
    tsr_buf plain = tsr_buf_over(t->plain, sizeof t->plain);
    tsr_err err = t->layer->take(t->layer_state, &in, &plain, t->client->now_ms);

    keep_rest(t->in, &t->in_len, in);
    t->plain_len = plain.len;
    if (err != TSR_OK && err != TSR_END)
        fall_in(t);
    if (t->phase == SECURING && t->layer->is_up(t->layer_state))
        up(t, t->client->now_ms);
    return plain.len != 0;
}

/* One step of the bytes towards CoAP; false: there is none now. */
static bool step_in(tsr_lwm2m_tcp *t)
{
    uint8_t *room = t->layer != NULL ? t->plain : t->in;
    size_t *len = t->layer != NULL ? &t->plain_len : &t->in_len;
    tsr_bytes rest;
    tsr_err err;

    if (t->layer != NULL && t->plain_len == 0 && !unwrap(t))
        return false;
    if (*len == 0 && !t->stream.held)
        return false;
    rest = tsr_view(room, *len);
    err = tsr_coap_streams_feed(coap_of(t), peer_of(t), &rest, t->client->now_ms);
    keep_rest(room, len, rest);
    return err == TSR_OK;
}

/* ---- what happened ---- */

/* RFC 8323 §5.5: whoever is told so comes back later. */
static void ended(tsr_lwm2m_tcp *t)
{
    const char *reason = "closed";

    switch (t->stream.why) {
    case TSR_E_DENIED:    reason = "aborted by the server"; break;
    case TSR_E_MALFORMED: reason = "what came is no CoAP over TCP"; break;
    case TSR_E_SPACE:     reason = "a message above what we take"; break;
    case TSR_E_IO:        reason = "the link takes nothing, or no CSM came"; break;
    default:              t->peer_closed = true; break;
    }
    if (t->stream.hold_off_s.set)
        t->hold_ms = t->client->now_ms + (uint64_t)t->stream.hold_off_s.value * 1000;
    fall(t, reason);
}

static bool told_down(tsr_lwm2m_tcp *t, tsr_lwm2m_channel_event *event)
{
    if (!t->tell_down || t->last_word)
        return false;
    *event = (tsr_lwm2m_channel_event){ .kind = TSR_LWM2M_CHANNEL_DOWN,
                                        .peer_closed = t->peer_closed,
                                        .local = t->local,
                                        .reason = t->reason };
    if (t->layer != NULL && t->phase >= SECURING)
        t->layer->down(t->layer_state, event);
    t->tell_down = false;
    let_go(t); /* the stream goes with the account's exchanges */
    return true;
}

static bool told_up(tsr_lwm2m_tcp *t, tsr_lwm2m_channel_event *event)
{
    bool tell = t->tell_up;

    t->tell_up = false;
    if (tell)
        *event = (tsr_lwm2m_channel_event){ .kind = TSR_LWM2M_CHANNEL_UP, .anew = true };
    return tell;
}

/* Also of a connection that is over: what it leaves unanswered. */
static bool told_coap(tsr_lwm2m_tcp *t, tsr_lwm2m_channel_event *event)
{
    if (!tsr_coap_event_waits(coap_of(t)) && !tsr_coap_streams_event(coap_of(t), peer_of(t)))
        return false;
    *event = (tsr_lwm2m_channel_event){ .kind = TSR_LWM2M_CHANNEL_COAP };
    return true;
}

/* What came is taken to its end before a broken link is told. */
static bool next(void *state, tsr_lwm2m_channel_event *event)
{
    tsr_lwm2m_tcp *t = state;

    do {
        if (told_up(t, event) || told_coap(t, event))
            return true;
        if (t->phase == UP && t->stream.state == TSR_COAP_STREAM_IDLE)
            let_go(t); /* the account gave it up */
    } while ((t->phase == SECURING || t->phase == UP) && (step_in(t) || t->tell_up));
    if (t->phase == UP && tsr_coap_stream_over(&t->stream))
        ended(t);
    return told_down(t, event);
}

/* ---- bytes out ---- */

static tsr_err poll_stream(tsr_lwm2m_tcp *t, tsr_buf *out, uint64_t now_ms)
{
    uint8_t room[TSR_LWM2M_TCP_PLAIN];
    tsr_buf plain = tsr_buf_over(room, sizeof room);
    tsr_err err;

    if (t->layer == NULL)
        return tsr_coap_streams_poll(coap_of(t), peer_of(t), out, now_ms);
    if (out->cap - out->len <= t->layer->more)
        return TSR_END;
    if (plain.cap > out->cap - out->len - t->layer->more)
        plain.cap = out->cap - out->len - t->layer->more;
    err = tsr_coap_streams_poll(coap_of(t), peer_of(t), &plain, now_ms);
    if (err == TSR_OK && t->layer->seal(t->layer_state, tsr_buf_view(&plain), out) != TSR_OK)
        fall_in(t);
    tsr_wipe(room, plain.len);
    return err;
}

static void end_lingering(tsr_lwm2m_tcp *t, tsr_buf *out)
{
    tsr_coap_stream_closed(&t->stream);
    if (t->layer != NULL)
        t->layer->close(t->layer_state, out);
    let_go(t);
}

static tsr_err poll(void *state, tsr_buf *out, uint64_t now_ms)
{
    tsr_lwm2m_tcp *t = state;
    tsr_err err = TSR_END;

    if (t->phase < SECURING || (t->full && !t->last_word))
        return TSR_END;
    if (t->last_word) {
        t->last_word = false;
        return t->full ? TSR_END : t->layer->poll(t->layer_state, out, now_ms);
    }
    if (t->layer != NULL) {
        err = t->layer->poll(t->layer_state, out, now_ms);
        if (err != TSR_OK && err != TSR_END)
            fall_in(t);
    }
    if (err == TSR_END && t->phase >= UP && t->stream.state != TSR_COAP_STREAM_IDLE)
        err = poll_stream(t, out, now_ms);
    if (err == TSR_END && t->phase == LINGERING) {
        end_lingering(t, out);
        err = out->len != 0 ? TSR_OK : TSR_END;
    }
    return err == TSR_OK ? TSR_OK : TSR_END;
}

static tsr_err send(void *state, tsr_bytes message, tsr_buf *datagram)
{
    (void)state;
    (void)message;
    (void)datagram;
    return TSR_E_STATE; /* no datagram is meant for a stream */
}

static uint64_t due_ms(const void *state)
{
    const tsr_lwm2m_tcp *t = state;
    uint64_t due = UINT64_MAX;

    if (t->tell_up || t->tell_down)
        return 0;
    if (t->phase == LINGERING && !t->full)
        return 0;
    if (t->phase >= UP && tsr_coap_stream_waits(&t->stream) && !t->full)
        return 0;
    if (t->phase >= UP)
        due = tsr_coap_stream_due_ms(&t->stream);
    if (t->phase >= SECURING && t->layer != NULL && t->layer->due_ms(t->layer_state) < due)
        due = t->layer->due_ms(t->layer_state);
    if (t->phase == WANTED && t->client->now_ms < t->hold_ms)
        due = t->hold_ms;
    return due;
}

const tsr_lwm2m_channel tsr_lwm2m_tcp_channel = { .open = open, .feed = feed, .next = next,
                                                  .poll = poll, .due_ms = due_ms, .send = send,
                                                  .close = close, .moved = moved };

/* ---- the host's calls ---- */

tsr_err tsr_lwm2m_tcp_init(tsr_lwm2m_tcp *t, tsr_lwm2m_client *client, size_t account,
                           const tsr_coap_stream_config *config, void *memory, size_t memory_len)
{
    tsr_coap_stream_config own = *config;

    if (t->in == NULL || own.exchanges > TSR_COAP_STREAMS_EXCHANGES)
        return TSR_E_ARGUMENT;
    own.peer = (tsr_coap_peer)account;
    t->client = client;
    t->phase = CLOSED;
    return tsr_coap_stream_init_device(&t->stream, &own, memory, memory_len);
}

static tsr_coap_stream *stream_at(void *user, tsr_coap_peer peer)
{
    const tsr_lwm2m_client *c = user;
    const tsr_lwm2m_account *a;

    if (peer >= c->config.account_count)
        return NULL;
    a = &c->config.accounts[peer];
    return a->channel == &tsr_lwm2m_tcp_channel ? &((tsr_lwm2m_tcp *)a->channel_state)->stream
                                                : NULL;
}

tsr_err tsr_lwm2m_tcp_use(tsr_lwm2m_client *client, tsr_coap_streams *streams)
{
    streams->at = stream_at;
    streams->user = client;
    return tsr_coap_streams_set(&client->coap, streams);
}

void tsr_lwm2m_tcp_drop(tsr_lwm2m_tcp *t)
{
    tsr_coap_stream_closed(&t->stream);
    let_go(t);
    t->tell_down = false;
    if (coap_of(t)->streams != NULL)
        tsr_coap_streams_forget(coap_of(t), &t->stream);
}

bool tsr_lwm2m_tcp_wants(const tsr_lwm2m_tcp *t, uint64_t now_ms)
{
    return t->phase == WANTED && !t->tell_down && now_ms >= t->hold_ms;
}

bool tsr_lwm2m_tcp_holds(const tsr_lwm2m_tcp *t) { return t->phase >= SECURING; }

size_t tsr_lwm2m_tcp_room(const tsr_lwm2m_tcp *t)
{
    return t->phase == SECURING || t->phase == UP ? t->in_cap - t->in_len : 0;
}

void tsr_lwm2m_tcp_full(tsr_lwm2m_tcp *t, bool full) { t->full = full; }

void tsr_lwm2m_tcp_wipe(tsr_lwm2m_tcp *t)
{
    tsr_wipe(t->in + t->in_len, t->in_cap - t->in_len);
    tsr_wipe(t->plain + t->plain_len, sizeof t->plain - t->plain_len);
    tsr_coap_stream_wipe(&t->stream);
}
