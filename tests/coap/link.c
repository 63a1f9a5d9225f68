/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/coap/link.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

tsr_coap_config link_config(uint64_t seed)
{
    return (tsr_coap_config){ .peers = 4,
                              .exchanges = 16,
                              .exchange_len = 1200,
                              .bodies = 8,
                              .body_len = 8192,
                              .seen = 256,
                              .log_len = 16384,
                              .watches = 8,
                              .watch_len = 64,
                              .seed = seed,
                              .params = tsr_coap_params_default() };
}

typedef struct {
    tsr_coap c;
    void *memory;
} placed;

tsr_coap *link_engine(const tsr_coap_config *config)
{
    placed *p = malloc(sizeof *p);
    size_t len = tsr_coap_memory(config);

    assert_non_null(p);
    assert_int_not_equal(len, 0);
    p->memory = malloc(len);
    memset(p->memory, 0xa5, len);
    assert_int_equal(link_place(&p->c, config, p->memory, len), TSR_OK);
    return &p->c;
}

void link_free(tsr_coap *c)
{
    placed *p = (placed *)(void *)c;

    free(p->memory);
    free(p);
}

/* On the heap and exact, so that a byte too far is seen. */
static uint8_t *kept;

void link_feed(tsr_coap *c, tsr_bytes datagram, uint64_t now_ms)
{
    free(kept);
    kept = malloc(datagram.len != 0 ? datagram.len : 1);
    if (datagram.len != 0)
        memcpy(kept, datagram.ptr, datagram.len);
    assert_int_equal(tsr_coap_feed(c, 0, tsr_view(kept, datagram.len), now_ms), TSR_OK);
}

tsr_bytes link_poll(tsr_coap *c, uint64_t now_ms)
{
    static uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_peer peer;
    tsr_err err = tsr_coap_poll(c, &peer, &out, now_ms);

    assert_true(err == TSR_OK || err == TSR_END);
    return err == TSR_OK ? tsr_buf_view(&out) : tsr_view(room, 0);
}

void link_init(link_path *l, tsr_coap *a, tsr_coap *b, uint32_t seed)
{
    memset(l, 0, sizeof *l);
    l->end[0] = a;
    l->end[1] = b;
    l->now_ms = 1000000;
    l->delay_ms = 20;
    l->random = seed;
    for (size_t i = 0; i < LINK_FLIGHT; i++)
        l->flight[i].to = -1;
}

static uint32_t chance(link_path *l)
{
    l->random = l->random * 1664525u + 1013904223u;
    return (l->random >> 8) % 1000;
}

static void put_in_flight(link_path *l, int to, tsr_bytes datagram)
{
    for (size_t i = 0; i < LINK_FLIGHT; i++) {
        link_datagram *d = &l->flight[i];

        if (d->to >= 0)
            continue;
        d->to = to;
        d->order = l->order++;
        d->at_ms =
            l->now_ms + l->delay_ms + (l->jitter_ms != 0 ? chance(l) * l->jitter_ms / 1000 : 0);
        d->len = datagram.len;
        memcpy(d->bytes, datagram.ptr, datagram.len);
        return;
    }
    fail_msg("more datagrams in flight than the test foresees");
}

static void events(link_path *l, int end)
{
    tsr_coap_event event;

    while (tsr_coap_event_next(l->end[end], &event))
        if (l->on_event[end] != NULL)
            l->on_event[end](l->user, l->end[end], &event, l->now_ms);
}

static void drain(link_path *l, int end)
{
    for (;;) {
        tsr_bytes out = link_poll(l->end[end], l->now_ms);

        events(l, end);
        if (out.len == 0) {
            if (tsr_coap_due_ms(l->end[end]) > l->now_ms)
                return;
            continue; /* an event handler caused something */
        }
        l->sent++;
        assert_true(out.len <= LINK_DATAGRAM);
        if (chance(l) >= l->loss)
            put_in_flight(l, !end, out);
        if (chance(l) < l->twice)
            put_in_flight(l, !end, out);
    }
}

static link_datagram *earliest(link_path *l)
{
    link_datagram *first = NULL;

    for (size_t i = 0; i < LINK_FLIGHT; i++) {
        link_datagram *d = &l->flight[i];

        if (d->to >= 0 && (first == NULL || d->at_ms < first->at_ms ||
                           (d->at_ms == first->at_ms && d->order < first->order)))
            first = d;
    }
    return first;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

void link_run(link_path *l, uint64_t until_ms)
{
    for (;;) {
        drain(l, 0);
        drain(l, 1);

        link_datagram *d = earliest(l);
        uint64_t next = least(tsr_coap_due_ms(l->end[0]), tsr_coap_due_ms(l->end[1]));

        next = d != NULL ? least(next, d->at_ms) : next;
        if (next > until_ms || next == UINT64_MAX) {
            if (until_ms != UINT64_MAX)
                l->now_ms = until_ms;
            return;
        }
        if (next > l->now_ms)
            l->now_ms = next;
        if (d != NULL && d->at_ms <= l->now_ms) {
            link_feed(l->end[d->to], tsr_view(d->bytes, d->len), l->now_ms);
            int to = d->to;

            d->to = -1;
            events(l, to);
        }
    }
}

static void put_num(tsr_buf *out, uint16_t *last, uint16_t number, tsr_coap_num num)
{
    if (num.set)
        tsr_coap_put_opt_uint(out, last, number, num.value);
}

static void put_view(tsr_buf *out, uint16_t *last, uint16_t number, tsr_bytes view)
{
    if (view.ptr != NULL)
        tsr_coap_put_opt(out, last, number, view);
}

tsr_bytes link_build(const link_raw *raw)
{
    static uint8_t room[4096];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    tsr_coap_put_header(&out, raw->type, raw->code, raw->mid,
                        raw->token != NULL ? tsr_text(raw->token) : raw->same_token);
    put_view(&out, &last, TSR_COAP_ETAG, raw->etag);
    put_num(&out, &last, TSR_COAP_OBSERVE, raw->observe);
    if (raw->path != NULL)
        tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, raw->path, '/');
    put_num(&out, &last, TSR_COAP_CONTENT_FORMAT, raw->format);
    if (raw->query != NULL)
        tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_QUERY, raw->query, '&');
    put_num(&out, &last, TSR_COAP_ACCEPT, raw->accept);
    if (raw->block2.set)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK2, raw->block2);
    if (raw->block1.set)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK1, raw->block1);
    put_num(&out, &last, TSR_COAP_SIZE2, raw->size2);
    put_num(&out, &last, TSR_COAP_SIZE1, raw->size1);
    put_view(&out, &last, TSR_COAP_ECHO, raw->echo);
    for (unsigned i = 0; i < 2 && raw->tag[i] != NULL; i++)
        tsr_coap_put_opt(&out, &last, TSR_COAP_REQUEST_TAG, tsr_text(raw->tag[i]));
    if (raw->extra != 0)
        tsr_coap_put_opt(&out, &last, raw->extra, tsr_view("", 0));
    tsr_coap_put_payload(&out, raw->payload);
    assert_int_equal(out.err, TSR_OK);
    return tsr_buf_view(&out);
}

const char *link_tags(const tsr_coap_msg *m)
{
    static char text[64];
    tsr_coap_opts it = { .rest = m->options };
    tsr_buf out = tsr_buf_over((uint8_t *)text, sizeof text - 1);
    tsr_bytes value;
    uint8_t count = '0';

    tsr_put_u8(&out, count);
    tsr_put_u8(&out, ':');
    for (; tsr_coap_opt_find(&it, TSR_COAP_REQUEST_TAG, &value) == TSR_OK; count++)
        tsr_put_bytes(&out, value);
    assert_int_equal(out.err, TSR_OK);
    text[0] = (char)count;
    text[out.len] = '\0';
    return text;
}

tsr_coap_msg link_next(tsr_coap *c, uint64_t now_ms)
{
    tsr_coap_msg msg;
    tsr_bytes out = link_poll(c, now_ms);

    assert_int_not_equal(out.len, 0);
    assert_int_equal(tsr_coap_msg_parse(out, &msg), TSR_OK);
    return msg;
}

void link_silent(tsr_coap *c, uint64_t now_ms) { assert_int_equal(link_poll(c, now_ms).len, 0); }

tsr_coap_event link_event(tsr_coap *c, tsr_coap_event_kind kind)
{
    tsr_coap_event event;

    assert_true(tsr_coap_event_next(c, &event));
    assert_int_equal(event.kind, kind);
    return event;
}

void link_no_event(tsr_coap *c)
{
    tsr_coap_event event;

    assert_false(tsr_coap_event_next(c, &event));
}
