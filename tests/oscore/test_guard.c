/* SPDX-License-Identifier: Apache-2.0
 *
 * Two CoAP engines that speak OSCORE: what is repeated, cut into blocks, observed and refused. */
#include "tests/oscore/rig.h"

#include <stdlib.h>

#include "tessera/oscore/guard.h"
#include "tests/coap/link.h"

enum { TOKENS = 4 };

/* One end: an engine, its guard, the context and where its state is kept. */
typedef struct {
    tsr_coap *coap;
    tsr_coap_config config;
    tsr_oscore_guard guard;
    void *memory;
    tsr_oscore context;
    tsr_oscore_params params;
    rig_slot slot;
    bool client, plain_too, unready;
    unsigned requests, responses, notifications, failures;
    tsr_err failed_with;
    uint8_t code;
    uint8_t body[8192];
    size_t body_len;
    tsr_coap_id ticket;
    bool defer;
    tsr_coap_num observe; /* what to answer with */
    tsr_bytes answer;
    uint64_t key;
} side;

static side *ends[2];
static link_path path;
static uint8_t pattern[4000];

static tsr_err to(void *user, tsr_coap_peer peer, tsr_oscore **context)
{
    side *e = user;

    (void)peer;
    *context = &e->context;
    return e->unready ? TSR_E_CRYPTO : TSR_OK;
}

static tsr_err from(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                    tsr_oscore **context)
{
    side *e = user;

    (void)peer;
    if (option == NULL)
        return e->plain_too ? TSR_END : TSR_E_DENIED;
    if (!tsr_oscore_is_for(&e->context, option))
        return TSR_E_NOT_FOUND;
    *context = &e->context;
    return TSR_OK;
}

static void place_context(side *e, tsr_bytes state)
{
    e->params.master_secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    assert_int_equal(tsr_oscore_init(&e->context, &e->params, state), TSR_OK);
    assert_int_equal(psa_destroy_key(e->params.master_secret), PSA_SUCCESS);
}

static void place_engine(side *e, uint64_t seed)
{
    tsr_oscore_guard_config g;

    e->config = link_config(seed);
    e->coap = link_engine(&e->config);
    g = (tsr_oscore_guard_config){ &e->config, 1400, TOKENS, { .user = e, .to = to, .from = from } };
    e->memory = malloc(tsr_oscore_guard_memory(&g));
    assert_int_equal(
        tsr_oscore_guard_init(&e->guard, &g, e->memory, tsr_oscore_guard_memory(&g)), TSR_OK);
    tsr_coap_guard_set(e->coap, &tsr_oscore_guard_calls, &e->guard);
}

static side *side_new(bool client)
{
    side *e = calloc(1, sizeof *e);

    e->client = client;
    e->params = rig_params(client, 0);
    e->params.save = rig_save;
    e->params.user = &e->slot;
    place_context(e, tsr_view(NULL, 0));
    place_engine(e, client ? 1 : 2);
    return e;
}

static void side_free(side *e)
{
    link_free(e->coap);
    tsr_oscore_free(&e->context);
    free(e->memory);
    free(e);
}

static void answer(side *e, tsr_coap_id ticket)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT,
                            .observe = e->observe,
                            .content_format = { true, 0 },
                            .payload = e->answer };

    assert_int_equal(tsr_coap_respond(e->coap, ticket, &r, path.now_ms), TSR_OK);
}

static void on_event(void *user, tsr_coap *c, const tsr_coap_event *event, uint64_t now_ms)
{
    side *e = ends[c == ends[1]->coap];

    (void)user, (void)now_ms;
    if (event->msg != NULL) {
        e->code = event->msg->code;
        assert_true(event->body.len <= sizeof e->body);
        memcpy(e->body, event->body.ptr, event->body.len);
        e->body_len = event->body.len;
    }
    switch (event->kind) {
    case TSR_COAP_REQUEST:
        e->requests++;
        e->ticket = event->id;
        e->key = event->key;
        if (!e->defer)
            answer(e, event->id);
        break;
    case TSR_COAP_RESPONSE: e->responses++; break;
    case TSR_COAP_NOTIFICATION: e->notifications++; break;
    case TSR_COAP_FAILED:
    case TSR_COAP_TIMEOUT:
        e->failures++;
        e->failed_with = event->err;
        break;
    default: break;
    }
}

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 7 + i / 251);
    ends[0] = side_new(true);
    ends[1] = side_new(false);
    ends[1]->answer = TEXT("21.5 C");
    link_init(&path, ends[0]->coap, ends[1]->coap, 7);
    path.on_event[0] = path.on_event[1] = on_event;
    return 0;
}

static int end(void **state)
{
    (void)state;
    side_free(ends[0]);
    side_free(ends[1]);
    return 0;
}

static tsr_coap_id ask(const tsr_coap_request *request)
{
    tsr_coap_id id;

    assert_int_equal(tsr_coap_request_send(ends[0]->coap, 0, request, path.now_ms, &id), TSR_OK);
    return id;
}

static const tsr_coap_request get = { .method = TSR_COAP_GET, .path = "/3303/0/5700" };

static void run(void) { link_run(&path, path.now_ms + 600000); }

static bool has_body(const side *e, tsr_bytes body)
{
    return tsr_same(body, tsr_view(e->body, e->body_len));
}

static bool holds(tsr_bytes whole, tsr_bytes part)
{
    for (size_t i = 0; i + part.len <= whole.len; i++)
        if (memcmp(whole.ptr + i, part.ptr, part.len) == 0)
            return true;
    return false;
}

static tsr_bytes copy_of(tsr_bytes in, uint8_t *room)
{
    memcpy(room, in.ptr, in.len);
    return tsr_view(room, in.len);
}

/* ---- what goes over the line ---- */

/* RFC 8613 §4.2, RFC 8613 §8.1, RFC 8613 §8.3: method, path, code and payload are not to be seen. */
static void test_guard_hides_request_and_response(void **state)
{
    uint8_t room[1400];
    tsr_coap_msg msg;
    tsr_bytes out;

    (void)state;
    (void)ask(&get);
    out = copy_of(link_poll(ends[0]->coap, path.now_ms), room);
    assert_int_equal(tsr_coap_msg_parse(out, &msg), TSR_OK);
    assert_int_equal(msg.code, TSR_COAP_POST);
    assert_int_equal(msg.path_count, 0);
    assert_int_equal(msg.bad_option, TSR_COAP_OSCORE);
    assert_false(holds(out, TEXT("3303")));
    link_feed(ends[1]->coap, out, path.now_ms);
    {
        tsr_coap_event e = link_event(ends[1]->coap, TSR_COAP_REQUEST);

        assert_int_equal(e.msg->code, TSR_COAP_GET);
        assert_true(tsr_coap_msg_path_is(e.msg, 0, "/3303/0/5700"));
        answer(ends[1], e.id);
    }
    out = copy_of(link_poll(ends[1]->coap, path.now_ms), room);
    assert_int_equal(tsr_coap_msg_parse(out, &msg), TSR_OK);
    assert_int_equal(msg.type, TSR_COAP_ACK);
    assert_int_equal(msg.code, TSR_COAP_CHANGED);
    assert_false(holds(out, TEXT("21.5")));
    link_feed(ends[0]->coap, out, path.now_ms);
    {
        tsr_coap_event e = link_event(ends[0]->coap, TSR_COAP_RESPONSE);

        assert_int_equal(e.msg->code, TSR_COAP_CONTENT);
        assert_true(tsr_same(e.body, TEXT("21.5 C")));
    }
}

/* RFC 7252 §4.2, RFC 8613 §8.1: a retransmission repeats the bytes, and takes no new number. */
static void test_guard_repeats_the_same_bytes(void **state)
{
    uint8_t first[1400], reply[1400];
    tsr_bytes out, back;
    uint64_t left;

    (void)state;
    (void)ask(&get);
    out = copy_of(link_poll(ends[0]->coap, path.now_ms), first);
    left = tsr_oscore_left(&ends[0]->context);
    path.now_ms += 4000;
    assert_true(tsr_same(out, link_poll(ends[0]->coap, path.now_ms)));
    assert_int_equal(tsr_oscore_left(&ends[0]->context), left);

    link_feed(ends[1]->coap, out, path.now_ms);
    answer(ends[1], link_event(ends[1]->coap, TSR_COAP_REQUEST).id);
    back = copy_of(link_poll(ends[1]->coap, path.now_ms), reply);
    link_feed(ends[1]->coap, out, path.now_ms); /* the second copy: a duplicate, no replay */
    link_no_event(ends[1]->coap);
    assert_true(tsr_same(back, link_poll(ends[1]->coap, path.now_ms)));
}

/* RFC 8613 §4.1.3.4.1: blocks are inside. */
static void test_guard_moves_bodies_in_blocks(void **state)
{
    tsr_coap_request put = { .method = TSR_COAP_PUT,
                             .path = "/16/0/0",
                             .payload = { pattern, sizeof pattern } };

    (void)state;
    ends[1]->answer = tsr_view(pattern, 3000);
    (void)ask(&put);
    run();
    assert_int_equal(ends[1]->requests, 1);
    assert_true(has_body(ends[1], put.payload));
    assert_int_equal(ends[0]->responses, 1);
    assert_true(has_body(ends[0], ends[1]->answer));
}

/* The next datagram of one end goes to the other; its events are taken. */
static void pass(int from)
{
    uint8_t room[1400];

    link_feed(ends[!from]->coap, copy_of(link_poll(ends[from]->coap, path.now_ms), room), path.now_ms);
    link_no_event(ends[!from]->coap);
}

/* The client's power goes, and comes back. */
static void restart_client(void)
{
    side *e = ends[0];
    rig_slot kept = e->slot;

    link_free(e->coap);
    free(e->memory);
    tsr_oscore_free(&e->context);
    place_context(e, tsr_view(kept.bytes, kept.len));
    place_engine(e, 3);
    path.end[0] = e->coap;
}

/* RFC 9175 §3.5.1: who held back a block of an upload that was given up cannot pass it off as one of the next
 * upload: their Request-Tags differ, and after a restart, which forgets them, its number is too old. */
static void test_guard_does_not_mix_uploads(void **state)
{
    static uint8_t other[sizeof pattern];
    tsr_coap_request put = { .method = TSR_COAP_PUT, .path = "/16/0/0", .payload = { pattern, 3000 } };
    uint8_t room[1400];
    tsr_bytes held;
    tsr_coap_id id;

    memset(other, 'o', sizeof other);
    for (unsigned how = 0; how < 2; how++) {
        (void)end(state);
        (void)begin(state);
        ends[0]->params.margin = 2; /* a restart comes where no number was left over */
        ends[0]->slot.len = 0;
        tsr_oscore_free(&ends[0]->context);
        place_context(ends[0], tsr_view(NULL, 0));

        id = ask(&put);
        pass(0);
        pass(1);
        held = copy_of(link_poll(ends[0]->coap, path.now_ms), room);
        if (how == 0)
            assert_int_equal(tsr_coap_cancel(ends[0]->coap, id), TSR_OK);
        else
            restart_client();
        (void)ask(&(tsr_coap_request){ .method = TSR_COAP_PUT,
                                       .path = "/16/0/0",
                                       .payload = { other, sizeof other } });
        pass(0);
        pass(1);
        link_feed(ends[1]->coap, held, path.now_ms);
        link_no_event(ends[1]->coap);
        (void)link_poll(ends[1]->coap, path.now_ms); /* its answer gets lost */
        run();
        assert_int_equal(ends[1]->requests, 1);
        assert_true(has_body(ends[1], tsr_view(other, sizeof other)));
        assert_int_equal(ends[0]->responses, 1);
        assert_int_equal(ends[0]->code, TSR_COAP_CONTENT);
    }
}

static void test_guard_answers_later(void **state)
{
    (void)state;
    ends[1]->defer = true;
    (void)ask(&get);
    link_run(&path, path.now_ms + 5000);
    assert_int_equal(ends[1]->requests, 1);
    answer(ends[1], ends[1]->ticket);
    run();
    assert_int_equal(ends[0]->responses, 1);
    assert_true(has_body(ends[0], TEXT("21.5 C")));
}

/* What the engine answers by itself to a protected request is protected too. */
static void test_guard_protects_the_engines_answers(void **state)
{
    static uint8_t much[8500];
    tsr_coap_request put = { .method = TSR_COAP_PUT, .path = "/16/0/0", .payload = { much, 8100 } };

    (void)state;
    ends[1]->coap->config.body_len = 2048;
    (void)ask(&put);
    run();
    assert_int_equal(ends[1]->requests, 0);
    assert_int_equal(ends[0]->responses, 1);
    assert_int_equal(ends[0]->code, TSR_COAP_TOO_LARGE);
}

/* ---- observations: RFC 8613 §4.1.3.5 ---- */

static void observe(void)
{
    tsr_coap_request r = get;

    r.observe = (tsr_coap_num){ true, 0 };
    r.token = TEXT("obs");
    ends[1]->observe = (tsr_coap_num){ true, 0 };
    (void)ask(&r);
    link_run(&path, path.now_ms + 1000);
    assert_int_equal(ends[0]->responses, 1);
    ends[1]->observe.set = false;
}

static void notify(uint32_t sequence, bool con, const char *text)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .payload = TEXT(text) };
    tsr_coap_id id;

    assert_int_equal(tsr_coap_notify(ends[1]->coap, 0, TEXT("obs"), sequence, con, &r, path.now_ms, &id),
                     TSR_OK);
    link_run(&path, path.now_ms + 1000);
}

static void test_guard_carries_notifications(void **state)
{
    (void)state;
    observe();
    notify(1, true, "one");
    notify(2, false, "two");
    assert_int_equal(ends[0]->notifications, 2);
    assert_true(has_body(ends[0], TEXT("two")));

    tsr_coap_request stop = get;

    stop.observe = (tsr_coap_num){ true, 1 };
    stop.token = TEXT("obs");
    (void)ask(&stop);
    run();
    notify(3, false, "three");
    assert_int_equal(ends[0]->notifications, 2);
    assert_int_equal(ends[1]->guard.unsent, 1); /* nobody observes: not in the clear either */
}

static void test_guard_fetches_the_rest_of_a_long_notification(void **state)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .payload = { pattern, 2500 } };

    (void)state;
    ends[1]->answer = r.payload;
    observe();
    r.key = ends[1]->key;
    assert_int_equal(tsr_coap_notify(ends[1]->coap, 0, TEXT("obs"), 1, true, &r, path.now_ms,
                                     NULL),
                     TSR_OK);
    run();
    assert_int_equal(ends[0]->notifications, 1);
    assert_true(has_body(ends[0], r.payload));
}

/* A notification that was heard before, in a datagram of its own: RFC 8613 §7.4.1. */
static void test_guard_drops_an_old_notification(void **state)
{
    uint8_t room[1400];
    tsr_bytes out;
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .payload = TEXT("one") };

    (void)state;
    observe();
    assert_int_equal(tsr_coap_notify(ends[1]->coap, 0, TEXT("obs"), 1, false, &r, path.now_ms,
                                     NULL),
                     TSR_OK);
    out = copy_of(link_poll(ends[1]->coap, path.now_ms), room);
    link_feed(ends[0]->coap, out, path.now_ms);
    (void)link_event(ends[0]->coap, TSR_COAP_NOTIFICATION);
    room[3] ^= 0x55; /* another Message ID */
    link_feed(ends[0]->coap, out, path.now_ms);
    link_no_event(ends[0]->coap);
    assert_int_equal(ends[0]->guard.dropped, 1);
}

/* The observed end starts anew: keys, numbers and the observation come from what was saved. */
static void test_guard_goes_on_notifying_after_a_restart(void **state)
{
    uint8_t room[TSR_OSCORE_OBSERVED_MAX];
    tsr_buf saved = tsr_buf_over(room, sizeof room);
    rig_slot slot;
    tsr_bytes in;

    (void)state;
    observe();
    notify(1, true, "before");
    assert_int_equal(
        tsr_oscore_guard_observed_save(&ends[1]->guard, 0, TEXT("obs"), &saved), TSR_OK);
    slot = ends[1]->slot;
    side_free(ends[1]);

    ends[1] = calloc(1, sizeof *ends[1]);
    ends[1]->params = rig_params(false, 0);
    ends[1]->params.save = rig_save;
    ends[1]->params.user = &ends[1]->slot;
    place_context(ends[1], tsr_view(slot.bytes, slot.len));
    place_engine(ends[1], 5);
    path.end[1] = ends[1]->coap;
    in = tsr_buf_view(&saved);
    assert_int_equal(tsr_oscore_guard_observed_load(&ends[1]->guard, 0, TEXT("obs"),
                                                    &ends[1]->context, &in),
                     TSR_OK);
    notify(9, true, "after");
    assert_int_equal(ends[0]->notifications, 2);
    assert_true(has_body(ends[0], TEXT("after")));
}

/* Forgotten observations make room; those that live do not. */
static bool knows;

static bool observes(void *user, tsr_coap_peer peer, tsr_bytes token)
{
    (void)user, (void)peer, (void)token;
    return knows;
}

static void test_guard_makes_room_for_observers(void **state)
{
    static const char *const tokens[] = { "a", "b", "c", "d", "e" };

    (void)state;
    ends[1]->guard.config.host.observes = observes;
    ends[1]->observe = (tsr_coap_num){ true, 0 };
    for (int round = 0; round < 2; round++) {
        knows = round == 0;
        for (size_t i = 0; i < 5; i++) {
            tsr_coap_request r = get;
            uint8_t room[TSR_OSCORE_OBSERVED_MAX];
            tsr_buf out = tsr_buf_over(room, sizeof room);

            r.observe = (tsr_coap_num){ true, 0 };
            r.token = TEXT(tokens[i]);
            (void)ask(&r);
            link_run(&path, path.now_ms + 1000);
            assert_int_equal(tsr_oscore_guard_observed_save(&ends[1]->guard, 0, r.token, &out),
                             i < TOKENS || round == 1 ? TSR_OK : TSR_E_NOT_FOUND);
        }
    }
}

/* ---- what is refused ---- */

/* RFC 8613 §7.4: a replay that is no duplicate. */
static void test_guard_refuses_a_replay(void **state)
{
    uint8_t room[1400];
    tsr_coap_msg msg;
    tsr_bytes out;

    (void)state;
    (void)ask(&get);
    out = copy_of(link_poll(ends[0]->coap, path.now_ms), room);
    link_feed(ends[1]->coap, out, path.now_ms);
    answer(ends[1], link_event(ends[1]->coap, TSR_COAP_REQUEST).id);
    (void)link_poll(ends[1]->coap, path.now_ms);
    room[2] ^= 0x55;
    link_feed(ends[1]->coap, out, path.now_ms);
    link_no_event(ends[1]->coap);
    msg = link_next(ends[1]->coap, path.now_ms);
    assert_int_equal(msg.code, TSR_COAP_UNAUTHORIZED);
    assert_true(tsr_same(msg.payload, TEXT("Replay detected")));
}

static void test_guard_refuses_a_plain_request(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    LINK_FEED(ends[1]->coap, 0, .type = TSR_COAP_CON, .code = TSR_COAP_GET, .mid = 77,
              .token = "t", .path = "/3/0");
    link_no_event(ends[1]->coap);
    msg = link_next(ends[1]->coap, 0);
    assert_int_equal(msg.type, TSR_COAP_ACK);
    assert_int_equal(msg.mid, 77);
    assert_int_equal(msg.code, TSR_COAP_UNAUTHORIZED);
    assert_true(msg.max_age.set);
    LINK_FEED(ends[1]->coap, 0, .type = TSR_COAP_NON, .code = TSR_COAP_GET, .mid = 78,
              .token = "t", .path = "/3/0");
    link_no_event(ends[1]->coap);
    msg = link_next(ends[1]->coap, 0);
    assert_int_equal(msg.type, TSR_COAP_NON);
    assert_int_equal(msg.code, TSR_COAP_UNAUTHORIZED);
}

static void test_guard_takes_a_plain_request_where_it_may(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    ends[1]->plain_too = true;
    LINK_FEED(ends[1]->coap, 0, .type = TSR_COAP_CON, .code = TSR_COAP_GET, .mid = 77,
              .token = "t", .path = "/3/0");
    answer(ends[1], link_event(ends[1]->coap, TSR_COAP_REQUEST).id);
    msg = link_next(ends[1]->coap, 0);
    assert_int_equal(msg.code, TSR_COAP_CONTENT);
    assert_true(tsr_same(msg.payload, TEXT("21.5 C")));
}

/* A stranger's message with the Message ID of one to come does not stand for it. */
static void test_guard_forgets_what_it_refused(void **state)
{
    uint8_t room[1400];
    tsr_bytes out;

    (void)state;
    (void)ask(&get);
    out = copy_of(link_poll(ends[0]->coap, path.now_ms), room);
    LINK_FEED(ends[1]->coap, 0, .type = TSR_COAP_CON, .code = TSR_COAP_GET,
              .mid = (uint16_t)(room[2] << 8 | room[3]), .token = "t", .path = "/3/0");
    (void)link_next(ends[1]->coap, 0);
    link_feed(ends[1]->coap, out, path.now_ms);
    (void)link_event(ends[1]->coap, TSR_COAP_REQUEST);
}

/* RFC 8613 §8.2: another master salt, so other keys under the same ids. */
static void test_guard_fails_with_the_wrong_keys(void **state)
{
    (void)state;
    tsr_oscore_free(&ends[1]->context);
    ends[1]->params.salt = TEXT("another");
    place_context(ends[1], tsr_view(NULL, 0));
    (void)ask(&get);
    run();
    assert_int_equal(ends[1]->requests, 0);
    assert_int_equal(ends[0]->responses, 0);
    assert_int_equal(ends[0]->failures, 1);
    assert_int_equal(ends[0]->failed_with, TSR_E_DENIED);
}

/* RFC 8613 §8.4: an answer that is not protected says nothing, and stops nothing. */
static void test_guard_ignores_a_plain_answer(void **state)
{
    uint8_t room[1400];
    tsr_bytes out;

    (void)state;
    (void)ask(&get);
    out = copy_of(link_poll(ends[0]->coap, path.now_ms), room);
    LINK_FEED(ends[0]->coap, path.now_ms, .type = TSR_COAP_ACK, .code = TSR_COAP_CONTENT,
              .mid = (uint16_t)(room[2] << 8 | room[3]),
              .same_token = tsr_view(room + 4, room[0] & 15u), .payload = TEXT("forged"));
    link_no_event(ends[0]->coap);
    link_feed(ends[1]->coap, out, path.now_ms);
    answer(ends[1], link_event(ends[1]->coap, TSR_COAP_REQUEST).id);
    out = copy_of(link_poll(ends[1]->coap, path.now_ms), room);
    room[out.len - 1] ^= 1;
    link_feed(ends[0]->coap, out, path.now_ms);
    link_no_event(ends[0]->coap);
    room[out.len - 1] ^= 1;
    link_feed(ends[0]->coap, out, path.now_ms);
    assert_true(tsr_same(link_event(ends[0]->coap, TSR_COAP_RESPONSE).body, TEXT("21.5 C")));
}

/* ---- starts and stops ---- */

/* RFC 8613 §B.1.2, RFC 9175 §2.3: the window is lost, so the client has to say that it is there. */
static void test_guard_challenges_after_a_restart(void **state)
{
    rig_slot slot;

    (void)state;
    (void)ask(&get);
    run();
    slot = ends[1]->slot;
    tsr_oscore_free(&ends[1]->context);
    place_context(ends[1], tsr_view(slot.bytes, slot.len));
    (void)ask(&get);
    run();
    assert_int_equal(ends[1]->guard.refused, 1);
    assert_int_equal(ends[1]->requests, 2);
    assert_int_equal(ends[0]->responses, 2);
    assert_int_equal(ends[0]->code, TSR_COAP_CONTENT);
}

/* Long bodies survive the challenge in their middle. */
static void test_guard_challenges_an_upload(void **state)
{
    tsr_coap_request put = { .method = TSR_COAP_PUT,
                             .path = "/16/0/0",
                             .payload = { pattern, sizeof pattern } };

    (void)state;
    (void)ask(&put);
    link_run(&path, path.now_ms + 50);
    tsr_oscore_demand_echo(&ends[1]->context);
    run();
    assert_int_equal(ends[1]->requests, 1);
    assert_true(has_body(ends[1], put.payload));
    assert_int_equal(ends[0]->responses, 1);
}

/* Without a durable number nothing goes out; with one again, the same request does. */
static void test_guard_sends_nothing_it_cannot_number(void **state)
{
    (void)state;
    ends[0]->unready = true;
    (void)ask(&get);
    link_silent(ends[0]->coap, path.now_ms);
    assert_int_equal(ends[0]->guard.unsent, 1);
    ends[0]->unready = false;
    ends[0]->slot.broken = true;
    ends[0]->context.limit = ends[0]->context.next;
    path.now_ms += 3001;
    link_silent(ends[0]->coap, path.now_ms);
    ends[0]->slot.broken = false;
    run();
    assert_int_equal(ends[0]->responses, 1);
}

static void test_guard_forgets_a_context(void **state)
{
    (void)state;
    observe();
    tsr_oscore_guard_drop(&ends[1]->guard, &ends[1]->context);
    notify(1, false, "one");
    assert_int_equal(ends[0]->notifications, 0);
}

/* Every request is carried out once, every answer is its own. */
static void test_guard_holds_on_a_lossy_line(void **state)
{
    (void)state;
    path.loss = 200;
    path.twice = 200;
    path.jitter_ms = 400;
    for (unsigned i = 1; i <= 60; i++) {
        ends[1]->defer = i % 3 == 0;
        (void)ask(&get);
        if (ends[1]->defer) {
            link_run(&path, path.now_ms + 60000);
            if (ends[1]->requests == i)
                answer(ends[1], ends[1]->ticket);
        }
        link_run(&path, path.now_ms + 300000);
        assert_int_equal(ends[1]->requests, i);
    }
    assert_int_equal(ends[0]->responses + ends[0]->failures, 60);
    assert_true(ends[0]->responses >= 58);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_guard_hides_request_and_response, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_repeats_the_same_bytes, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_moves_bodies_in_blocks, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_does_not_mix_uploads, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_answers_later, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_protects_the_engines_answers, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_carries_notifications, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_fetches_the_rest_of_a_long_notification, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_guard_drops_an_old_notification, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_goes_on_notifying_after_a_restart, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_makes_room_for_observers, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_refuses_a_replay, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_refuses_a_plain_request, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_takes_a_plain_request_where_it_may, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_forgets_what_it_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_fails_with_the_wrong_keys, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_ignores_a_plain_answer, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_challenges_after_a_restart, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_challenges_an_upload, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_sends_nothing_it_cannot_number, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_forgets_a_context, begin, end),
        cmocka_unit_test_setup_teardown(test_guard_holds_on_a_lossy_line, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
