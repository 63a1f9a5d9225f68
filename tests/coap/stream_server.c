/* SPDX-License-Identifier: Apache-2.0
 *
 * stream_server SECONDS [MAX-MESSAGE-SIZE]: our engine as a CoAP server over TCP on loopback for
 * other people's clients. Prints its port, then lives for so long. /hello; /store (GET, PUT, POST
 * appends, DELETE, PATCH and iPATCH); /fetch answers the payload of a FETCH; /late answers a second
 * later; /tick is observable, with a body of TICK bytes; /ask sends a GET /hello back over the same
 * connection and answers what came; /release answers and releases the connection. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/coap/stream_host.h"

enum { TICK_LEN = 1500, TICK_MS = 400, ASKED = 1 };

typedef struct {
    tsr_coap_id late, asking; /* tickets */
    uint64_t late_ms;
    bool release;
    uint8_t token[8]; /* of its observation of /tick */
    size_t token_len;
    uint64_t key;
    bool observing;
} session;

static stream_host host;
static session sessions[HOST_LINKS];
static uint8_t store[65536], tick[TICK_LEN];
static size_t store_len;
static uint32_t sequence;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static session *session_of(const host_link *l) { return &sessions[l - host.link]; }

static void say(host_link *l, tsr_coap_id id, const tsr_coap_response *r, uint64_t now_ms)
{
    if (tsr_coap_stream_respond(&l->coap, id, r, now_ms) != TSR_OK)
        (void)tsr_coap_stream_respond(
            &l->coap, id, &(tsr_coap_response){ .code = TSR_COAP_INTERNAL_ERROR }, now_ms);
}

static uint8_t change_store(const tsr_coap_event *e)
{
    switch (e->msg->code) {
    case TSR_COAP_DELETE: store_len = 0; return TSR_COAP_DELETED;
    case TSR_COAP_PUT: store_len = 0; break;
    default: /* POST, PATCH and iPATCH append */ break;
    }
    if (e->body.len > sizeof store - store_len)
        return TSR_COAP_TOO_LARGE;
    memcpy(store + store_len, e->body.ptr, e->body.len);
    store_len += e->body.len;
    return TSR_COAP_CHANGED;
}

static void watch_tick(session *s, const tsr_coap_event *e, tsr_coap_response *r)
{
    s->observing = e->msg->observe.set && e->msg->observe.value == 0;
    if (s->observing) {
        s->key = e->key;
        s->token_len = e->token.len;
        memcpy(s->token, e->token.ptr, e->token.len);
        r->observe = (tsr_coap_num){ true, sequence };
    }
    r->payload = tsr_view(tick, TICK_LEN);
}

static bool answered_later(host_link *l, session *s, const tsr_coap_event *e, uint64_t now_ms)
{
    if (tsr_coap_msg_path_is(e->msg, 0, "/late")) {
        s->late = e->id;
        s->late_ms = now_ms + 1000;
        return true;
    }
    if (!tsr_coap_msg_path_is(e->msg, 0, "/ask"))
        return false;
    s->asking = e->id;
    return tsr_coap_stream_request(
               &l->coap,
               &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/hello", .user = ASKED },
               now_ms, NULL) == TSR_OK;
}

static void on_request(host_link *l, const tsr_coap_event *e, uint64_t now_ms)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .content_format = { true, 0 } };
    session *s = session_of(l);

    if (answered_later(l, s, e, now_ms))
        return;
    if (tsr_coap_msg_path_is(e->msg, 0, "/hello")) {
        r.payload = tsr_text("hello from tessera");
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/fetch") && e->msg->code == TSR_COAP_FETCH) {
        r.payload = e->body;
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/tick")) {
        watch_tick(s, e, &r);
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/release")) {
        s->release = true;
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/store") && e->msg->code != TSR_COAP_FETCH) {
        if (e->msg->code == TSR_COAP_GET)
            r.payload = tsr_view(store, store_len);
        else
            r = (tsr_coap_response){ .code = change_store(e) };
    } else {
        r = (tsr_coap_response){ .code = TSR_COAP_NOT_FOUND,
                                 .payload = tsr_text("no such resource") };
    }
    say(l, e->id, &r, now_ms);
}

static void on_event(host_link *l, const tsr_coap_event *e, uint64_t now_ms)
{
    session *s = session_of(l);

    if (e->kind == TSR_COAP_REQUEST)
        on_request(l, e, now_ms);
    else if (e->user == ASKED && s->asking != 0)
        say(l, s->asking,
            &(tsr_coap_response){ .code = e->kind == TSR_COAP_RESPONSE ? TSR_COAP_CONTENT
                                                                       : TSR_COAP_BAD_GATEWAY,
                                  .payload = e->body },
            now_ms);
}

static void on_closed(host_link *l) { *session_of(l) = (session){ 0 }; }

static void tick_on(uint64_t now_ms)
{
    sequence++;
    memset(tick, 'a' + (int)(sequence % 26), sizeof tick);
    for (size_t i = 0; i < HOST_LINKS; i++) {
        const session *s = &sessions[i];

        if (s->observing)
            (void)tsr_coap_stream_notify(&host.link[i].coap, tsr_view(s->token, s->token_len),
                                         sequence, false,
                                         &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                               .content_format = { true, 0 },
                                                               .key = s->key,
                                                               .payload = { tick, sizeof tick } },
                                         now_ms, NULL);
    }
}

static void what_is_due(uint64_t now_ms)
{
    for (size_t i = 0; i < HOST_LINKS; i++) {
        session *s = &sessions[i];

        if (s->late != 0 && now_ms >= s->late_ms) {
            say(&host.link[i], s->late,
                &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = tsr_text("at last") },
                now_ms);
            s->late = 0;
        }
        if (s->release)
            (void)tsr_coap_stream_release(&host.link[i].coap, NULL, (tsr_coap_num){ true, 5 },
                                          now_ms);
        s->release = false;
    }
}

int main(int argc, char **argv)
{
    uint64_t now_ms = host_now_ms(), end_ms, tick_ms = now_ms + TICK_MS;

    if (argc < 2)
        return 2;
    signal(SIGTERM, on_signal);
    end_ms = now_ms + strtoul(argv[1], NULL, 10) * 1000u;
    host_start(&host, argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : TSR_COAP_MESSAGE_BASE);
    host.on_event = on_event;
    host.on_closed = on_closed;
    memset(tick, 'a', sizeof tick);
    printf("%u\n", (unsigned)host_listen(&host));
    fflush(stdout);
    while (!stopped && (now_ms = host_now_ms()) < end_ms) {
        if (now_ms >= tick_ms) {
            tick_on(now_ms);
            tick_ms = now_ms + TICK_MS;
        }
        what_is_due(now_ms);
        host_turn(&host, tick_ms < now_ms + 100 ? tick_ms : now_ms + 100);
    }
    return 0;
}
