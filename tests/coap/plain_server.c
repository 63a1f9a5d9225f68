/* SPDX-License-Identifier: Apache-2.0
 *
 * plain_server SECONDS [SZX [LOSS%]]: our engine as a CoAP server on loopback for other people's
 * clients. Prints its port, then lives for so long. /hello; /store (GET, PUT, POST appends, DELETE,
 * PATCH and iPATCH); /tags says how many Request-Tags a POST has; /fetch answers the payload of a FETCH; /late answers separately; /tick is
 * observable, with a body of TICK bytes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/coap/plain_host.h"

enum { TICK_LEN = 1500, OBSERVERS = 16, TICK_MS = 400 };

typedef struct {
    bool used;
    tsr_coap_peer peer;
    uint8_t token[8];
    size_t token_len;
    uint64_t key;
} observer;

static plain_host host;
static observer observers[OBSERVERS];
static uint8_t store[65536], tick[TICK_LEN];
static size_t store_len;
static uint32_t sequence;
static tsr_coap_id late;
static uint64_t late_ms;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void say(tsr_coap_id id, const tsr_coap_response *r, uint64_t now_ms)
{
    if (tsr_coap_respond(&host.coap, id, r, now_ms) == TSR_OK)
        return;
    (void)tsr_coap_respond(&host.coap, id, &(tsr_coap_response){ .code = TSR_COAP_INTERNAL_ERROR },
                           now_ms);
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

static bool watch_tick(const tsr_coap_event *e)
{
    observer *free_one = NULL;

    for (size_t i = 0; i < OBSERVERS; i++) {
        observer *o = &observers[i];

        if (o->used && o->peer == e->peer && tsr_same(e->token, tsr_view(o->token, o->token_len)))
            o->used = false;
        if (!o->used)
            free_one = o;
    }
    if (!e->msg->observe.set || e->msg->observe.value != 0 || free_one == NULL)
        return false;
    *free_one =
        (observer){ .used = true, .peer = e->peer, .token_len = e->token.len, .key = e->key };
    memcpy(free_one->token, e->token.ptr, e->token.len);
    return true;
}

static const char *count_tags(const tsr_coap_msg *msg)
{
    static char digit[2];
    tsr_coap_opts it = { .rest = msg->options };
    tsr_bytes tag;

    for (digit[0] = '0'; tsr_coap_opt_find(&it, TSR_COAP_REQUEST_TAG, &tag) == TSR_OK; digit[0]++) {
    }
    return digit;
}

static void on_request(const tsr_coap_event *e, uint64_t now_ms)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .content_format = { true, 0 } };

    if (tsr_coap_msg_path_is(e->msg, 0, "/hello")) {
        r.payload = tsr_text("hello from tessera");
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/fetch") && e->msg->code == TSR_COAP_FETCH) {
        r.payload = e->body;
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/tags")) {
        r.payload = tsr_view(count_tags(e->msg), 1);
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/late")) {
        late = e->id;
        late_ms = now_ms + 1000;
        return;
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/tick")) {
        if (watch_tick(e))
            r.observe = (tsr_coap_num){ true, sequence };
        r.payload = tsr_view(tick, TICK_LEN);
    } else if (tsr_coap_msg_path_is(e->msg, 0, "/store") && e->msg->code != TSR_COAP_FETCH) {
        if (e->msg->code == TSR_COAP_GET)
            r.payload = tsr_view(store, store_len);
        else
            r = (tsr_coap_response){ .code = change_store(e) };
    } else {
        r = (tsr_coap_response){ .code = TSR_COAP_NOT_FOUND,
                                 .payload = tsr_text("no such resource") };
    }
    say(e->id, &r, now_ms);
}

static void on_event(void *user, const tsr_coap_event *e, uint64_t now_ms)
{
    (void)user;
    if (e->kind == TSR_COAP_REQUEST)
        on_request(e, now_ms);
    else if (e->kind == TSR_COAP_RESET || e->kind == TSR_COAP_TIMEOUT)
        observers[e->user % OBSERVERS].used = false;
}

static void tick_on(uint64_t now_ms)
{
    sequence++;
    memset(tick, 'a' + (int)(sequence % 26), sizeof tick);
    for (size_t i = 0; i < OBSERVERS; i++) {
        const observer *o = &observers[i];

        if (o->used)
            (void)tsr_coap_notify(&host.coap, o->peer, tsr_view(o->token, o->token_len), sequence,
                                  sequence % 3 == 0,
                                  &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                        .content_format = { true, 0 },
                                                        .key = o->key,
                                                        .payload = tsr_view(tick, sizeof tick), .user = i },
                                  now_ms, NULL);
    }
}

int main(int argc, char **argv)
{
    uint64_t now_ms = plain_now_ms(), end_ms, tick_ms = now_ms + TICK_MS;

    if (argc < 2)
        return 2;
    signal(SIGTERM, on_signal);
    end_ms = now_ms + strtoul(argv[1], NULL, 10) * 1000u;
    plain_open(&host, 0, argc > 2 ? (uint8_t)strtoul(argv[2], NULL, 10) : 6);
    host.loss_percent = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    host.on_event = on_event;
    memset(tick, 'a', sizeof tick);
    printf("%u\n", (unsigned)plain_port(&host));
    fflush(stdout);
    while (!stopped && (now_ms = plain_now_ms()) < end_ms) {
        if (now_ms >= tick_ms) {
            tick_on(now_ms);
            tick_ms = now_ms + TICK_MS;
        }
        if (late != 0 && now_ms >= late_ms) {
            say(late,
                &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = tsr_text("at last") },
                now_ms);
            late = 0;
        }
        plain_turn(&host, tick_ms);
    }
    return 0;
}
