/* SPDX-License-Identifier: Apache-2.0
 *
 * DTLS sessions of a shard: found by Connection ID or address, kept over restarts in the store
 * (session_keep.c), and parked as a few hundred bytes while they are idle. */
#define _GNU_SOURCE
#include "server/engine/shard_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void pump(tsr_shard *s, tsr_peer *p);
static void poll_out(tsr_shard *s, tsr_peer *p);

/* --- parking ---------------------------------------------------------------------------- */

void session_park(tsr_shard *s, tsr_peer *p)
{
    uint8_t image[TSR_DTLS_SAVED_MAX];
    tsr_buf out = tsr_buf_over(image, sizeof image);

    peer_touch(s, p); /* if it cannot be parked, do not ask again at once */
    if (!p->dtls || p->storing || p->pending || !p->connected)
        return;
    if (s->config->store && !p->stored_once)
        return;
    if (tsr_dtls_save(p->dtls, 0, &out) == TSR_OK) {
        uint8_t *kept = malloc(out.len);

        /* From here on the image is the session; without memory for it the device shakes hands. */
        tsr_dtls_free(p->dtls);
        free(p->dtls);
        p->dtls = NULL;
        if (kept) {
            memcpy(kept, image, out.len);
            p->parked = tsr_view(kept, out.len);
            p->parked_moved = true;
            peer_relist(s, p);
        } else {
            tsr_shard_close_peer(s, p);
        }
    }
    tsr_wipe(image, sizeof image);
}

static void drop_parked(tsr_peer *p)
{
    if (p->parked.ptr)
        tsr_wipe((void *)(uintptr_t)p->parked.ptr, p->parked.len);
    free((void *)(uintptr_t)p->parked.ptr);
    p->parked = tsr_view(NULL, 0);
}

static tsr_err wake(tsr_shard *s, tsr_peer *p)
{
    uint8_t image[TSR_DTLS_SAVED_MAX];
    tsr_buf in = tsr_buf_over(image, sizeof image);
    tsr_err err = TSR_E_STATE;

    if (p->dtls)
        return TSR_OK;
    tsr_put_bytes(&in, p->parked);
    p->dtls = calloc(1, sizeof *p->dtls);
    if (p->dtls && in.err == TSR_OK)
        err = tsr_dtls_load(p->dtls, &s->dtls, &in, s->now_ms);
    drop_parked(p);
    if (err == TSR_OK && !p->parked_moved)
        session_put_row(s, p, tsr_buf_view(&in)); /* moved on by its reserve: sends once this is stored */
    tsr_wipe(image, sizeof image);
    if (err != TSR_OK) {
        free(p->dtls);
        p->dtls = NULL;
        tsr_shard_close_peer(s, p);
        return err;
    }
    peer_relist(s, p);
    return TSR_OK;
}

void session_release(tsr_shard *s, tsr_peer *p)
{
    if (p->dying && p->dtls) { /* close_notify, so that the device does not wait for nothing */
        tsr_dtls_close(p->dtls);
        poll_out(s, p);
    }
    tsr_shard_timer_stop(s, &p->timer);
    session_forget_key(p);
    while (p->pending) {
        tsr_pending *d = p->pending;

        p->pending = d->next;
        free(d);
    }
    if (p->dtls) {
        if (!p->connected)
            s->handshakes--;
        tsr_dtls_free(p->dtls);
        free(p->dtls);
        p->dtls = NULL;
    }
    drop_parked(p);
    if (p->connected && p->secure)
        atomic_fetch_sub_explicit(&s->sessions, 1, memory_order_relaxed);
    if (p->dying && p->stored_once && s->config->store)
        (void)tsr_store_delete_session(s->config->store, tsr_view(p->cid, CID_LEN), NULL, NULL);
}

/* --- sending ---------------------------------------------------------------------------- */

static int secure_fd(const tsr_shard *s, const tsr_peer *p)
{
    return s->fds[TSR_ENGINE_LISTEN_MAX + p->socket];
}

static void postpone(tsr_peer *p, tsr_bytes plaintext)
{
    tsr_pending **at = &p->pending;
    int n = 0;

    while (*at && n < PENDING_MAX)
        at = &(*at)->next, n++;
    if (n == PENDING_MAX)
        return; /* CoAP repeats it */

    tsr_pending *d = malloc(sizeof *d + plaintext.len);

    if (!d)
        return;
    d->next = NULL;
    d->len = plaintext.len;
    memcpy(d->bytes, plaintext.ptr, plaintext.len);
    *at = d;
}

void session_send(tsr_shard *s, tsr_peer *p, tsr_bytes plaintext)
{
    if (p->dying || !p->connected || wake(s, p) != TSR_OK)
        return;

    tsr_buf out = tsr_outbound_begin(s->out);
    tsr_err err = TSR_E_STATE;

    if (p->sent_since_save < RESERVE_END || !session_is_kept(s, p))
        err = tsr_dtls_send(p->dtls, plaintext, &out);
    if (err == TSR_OK) {
        tsr_outbound_end(s->out, secure_fd(s, p), &p->address, out.len);
        atomic_fetch_add_explicit(&s->count_out, 1, memory_order_relaxed);
        if (++p->sent_since_save >= RESERVE_LOW && p->stored_once)
            session_save(s, p);
    } else if (err == TSR_E_STATE) {
        postpone(p, plaintext);
        session_save(s, p);
    } else {
        pump(s, p);
    }
}

/* --- handshake and records -------------------------------------------------------------- */

static void poll_out(tsr_shard *s, tsr_peer *p)
{
    for (;;) {
        tsr_buf out = tsr_outbound_begin(s->out);

        if (tsr_dtls_poll(p->dtls, &out, s->now_ms) != TSR_OK)
            break;
        tsr_outbound_end(s->out, secure_fd(s, p), &p->address, out.len);
        atomic_fetch_add_explicit(&s->count_out, 1, memory_order_relaxed);
    }

    uint64_t due = tsr_dtls_due_ms(p->dtls);

    if (due == UINT64_MAX)
        tsr_shard_timer_stop(s, &p->timer);
    else
        (void)tsr_shard_timer_set(s, &p->timer, due);
}

/* RFC 6347 §4.2.8: the old association ends only when the new one has proved itself. */
static void drop_others_at(tsr_shard *s, tsr_peer *winner)
{
    for (tsr_peer *p = peer_first_at(s, &winner->address, winner->service); p;
         p = peer_next_at(s, p))
        if (p != winner && p->secure && !p->dying)
            tsr_shard_close_peer(s, p);
}

static void connected(tsr_shard *s, tsr_peer *p)
{
    session_forget_key(p);
    s->handshakes--;
    p->connected = true;
    atomic_fetch_add_explicit(&s->sessions, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->handshakes_done, 1, memory_order_relaxed);
    if (session_name(p, tsr_dtls_peer_identity(p->dtls), tsr_dtls_peer_certificate(p->dtls)) !=
        TSR_OK)
        tsr_shard_close_peer(s, p);
    else
        drop_others_at(s, p);
}

void session_refused(tsr_shard *s, tsr_peer *p, tsr_dtls_reason reason, uint8_t alert)
{
    char why[160];

    atomic_fetch_add_explicit(&s->handshakes_failed, 1, memory_order_relaxed);
    (void)snprintf(why, sizeof why, "handshake failed: %s%s%s",
                   s->refusal[0] ? s->refusal : tsr_dtls_reason_name(reason),
                   reason == TSR_DTLS_R_ALERT ? ", alert " : "",
                   reason == TSR_DTLS_R_ALERT ? tsr_dtls_alert_name(alert) : "");
    if (reason == TSR_DTLS_R_KEY)
        (void)snprintf(why, sizeof why,
                       "handshake failed: the key of the device is not the one set here");
    s->hooks->refused(s->hooks->user, s, &p->address, why);
}

static void failed(tsr_shard *s, tsr_peer *p, const tsr_dtls_event *e)
{
    if (!p->connected)
        session_refused(s, p, e->reason, e->alert);
    tsr_shard_close_peer(s, p);
}

/* A restarted server must find the peer where it is now. */
static void moved(tsr_shard *s, tsr_peer *p, const tsr_address *from, unsigned socket)
{
    peer_move(s, p, from, socket);
    p->row_is_old = true;
    session_save(s, p);
}

static const uint64_t THERE = UINT64_MAX; /* the `user` of a Ping, and of nothing else */

/* A session from the store does not know what came after its copy was made, which may be all of its life.
 * What the peer sends by itself is dropped (a CON comes again) until its answer to something of ours shows
 * that it is the peer now; a Ping asks for one, since every endpoint answers it (RFC 7252 §4.3), and
 * not all of them know Echo (RFC 9175 §2.3). */
bool session_believes(tsr_shard *s, tsr_peer *p, tsr_bytes message)
{
    if (!tsr_dtls_doubts(p->dtls) || message.len < 4 || (message.ptr[0] >> 4 & 3) >= TSR_COAP_ACK)
        return true;
    if (!p->asked)
        p->asked = tsr_coap_ping(&s->coap, p->index, s->now_ms, THERE, NULL) == TSR_OK;
    return false;
}

bool session_answers(tsr_peer *p, const tsr_coap_event *e)
{
    bool asked = p->asked && e->user == THERE && e->kind != TSR_COAP_REQUEST;

    if (p->dtls && (e->kind == TSR_COAP_RESPONSE || (asked && e->kind == TSR_COAP_RESET)))
        tsr_dtls_fresh(p->dtls);
    if (asked)
        p->asked = false;
    return asked;
}

static void events(tsr_shard *s, tsr_peer *p, const tsr_address *from, unsigned socket)
{
    tsr_dtls_event e;

    while (!p->dying && tsr_dtls_event_next(p->dtls, &e)) {
        switch (e.type) {
        case TSR_DTLS_CONNECTED: connected(s, p); break;
        case TSR_DTLS_DATA:
            /* RFC 9146 §6: only a verified record that is newer than all others moves the peer. */
            if (from && e.may_move && !tsr_address_same(from, &p->address))
                moved(s, p, from, socket);
            peer_touch(s, p);
            if (session_believes(s, p, e.data))
                shard_received(s, p, e.data);
            break;
        case TSR_DTLS_CLOSED: tsr_shard_close_peer(s, p); break;
        case TSR_DTLS_FAILED: failed(s, p, &e); break;
        }
    }
}

static void pump(tsr_shard *s, tsr_peer *p)
{
    s->current = p;
    s->refusal[0] = 0;
    if (!p->dying)
        events(s, p, NULL, 0); /* a record that accept handed in is opened here */
    if (p->dtls)
        poll_out(s, p); /* of a failed session too: an alert may wait */
    if (!p->dying)
        events(s, p, NULL, 0);
    s->current = NULL;
}

static void feed(tsr_shard *s, tsr_peer *p, const tsr_address *from, unsigned socket,
                 tsr_bytes datagram)
{
    if (p->dying || wake(s, p) != TSR_OK)
        return;

    s->current = p;
    s->refusal[0] = 0;
    if (tsr_dtls_feed(p->dtls, datagram, s->now_ms) == TSR_OK)
        events(s, p, from, socket);
    if (p->dtls)
        poll_out(s, p);
    if (!p->dying)
        events(s, p, NULL, 0);
    s->current = NULL;
    /* Stored as soon as it can be: the peer's first record has shown that the handshake is over. */
    if (!p->dying && p->connected && !p->stored_once && !p->storing && p->dtls)
        session_save(s, p);
}

void session_timer(tsr_shard *s, tsr_peer *p)
{
    if (p->dtls && !p->dying)
        pump(s, p);
}

static void make_cid(tsr_shard *s, tsr_peer *p)
{
    p->cid[0] = (uint8_t)s->index;
    p->cid[1] = (uint8_t)(p->index >> 16);
    p->cid[2] = (uint8_t)(p->index >> 8);
    p->cid[3] = (uint8_t)p->index;
    if (getrandom(p->cid + 4, 4, 0) != 4)
        abort(); /* Linux gives this many without fail once it is up */
}

static void accept_hello(tsr_shard *s, const tsr_address *from, unsigned socket, tsr_bytes hello)
{
    if (s->handshakes >= HANDSHAKES_MAX)
        return; /* it tries again */

    tsr_peer *p = peer_new(s, from, socket, true);

    if (!p)
        return;
    make_cid(s, p);
    s->handshakes++;
    p->dtls = calloc(1, sizeof *p->dtls);
    s->current = p;
    if (!p->dtls || tsr_dtls_accept(p->dtls, &s->dtls, p->cid, hello, s->now_ms) != TSR_OK) {
        if (!p->dtls)
            s->handshakes--;
        tsr_shard_close_peer(s, p);
        return;
    }
    pump(s, p);
}

static void hello(tsr_shard *s, const tsr_address *from, unsigned socket, tsr_bytes datagram)
{
    uint8_t service = peer_service_of(s, socket, true);
    tsr_peer *old = NULL;

    for (tsr_peer *p = peer_first_at(s, from, service); p; p = peer_next_at(s, p)) {
        if (!p->secure || p->dying || p->connected || !p->dtls)
            continue;
        if (tsr_dtls_knows_hello(p->dtls, datagram)) {
            feed(s, p, from, socket, datagram);
            return;
        }
        old = p;
    }

    tsr_buf out = tsr_outbound_begin(s->out);

    switch (tsr_dtls_hello(&s->dtls, tsr_view(from, sizeof *from), datagram, &out, s->now_ms)) {
    case TSR_DTLS_DROP: break;
    case TSR_DTLS_VERIFY:
        tsr_outbound_end(s->out, s->fds[TSR_ENGINE_LISTEN_MAX + socket], from, out.len);
        break;
    case TSR_DTLS_ACCEPT:
        if (old) /* one handshake per address */
            tsr_shard_close_peer(s, old);
        accept_hello(s, from, socket, datagram);
        break;
    }
}

static tsr_peer *by_cid(tsr_shard *s, tsr_bytes cid)
{
    uint32_t i = (uint32_t)cid.ptr[1] << 16 | (uint32_t)cid.ptr[2] << 8 | cid.ptr[3];

    if (i >= s->peer_fresh || !s->peers[i].used || !s->peers[i].secure || s->peers[i].dying)
        return NULL;
    return memcmp(s->peers[i].cid, cid.ptr, CID_LEN) == 0 ? &s->peers[i] : NULL;
}

/* At one address there may be a session and the handshake that is to replace it. */
static void by_address(tsr_shard *s, const tsr_address *from, unsigned socket, tsr_bytes datagram)
{
    uint8_t service = peer_service_of(s, socket, true);

    for (int pass = 0; pass < 2; pass++)
        for (tsr_peer *p = peer_first_at(s, from, service); p; p = peer_next_at(s, p))
            if (p->secure && !p->dying && p->connected == (pass == 1))
                feed(s, p, from, socket, datagram);
}

void session_datagram(tsr_shard *s, const tsr_address *from, unsigned socket, tsr_bytes datagram)
{
    tsr_bytes cid;
    tsr_peer *p;

    switch (tsr_dtls_peek(datagram, s->config->no_cid ? 0 : CID_LEN, &cid)) {
    case TSR_DTLS_IS_HELLO: hello(s, from, socket, datagram); break;
    case TSR_DTLS_IS_CID:
        p = cid.len == CID_LEN ? by_cid(s, cid) : NULL;
        if (p && p->service == peer_service_of(s, socket, true)) /* RFC 9146 §4: an unknown Connection ID is dropped without a word */
            feed(s, p, from, socket, datagram);
        else
            atomic_fetch_add_explicit(&s->dropped, 1, memory_order_relaxed);
        break;
    case TSR_DTLS_IS_RECORD: by_address(s, from, socket, datagram); break;
    case TSR_DTLS_IS_JUNK: atomic_fetch_add_explicit(&s->dropped, 1, memory_order_relaxed); break;
    }
}
