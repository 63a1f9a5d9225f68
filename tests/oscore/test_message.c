/* SPDX-License-Identifier: Apache-2.0
 *
 * What is inside and what outside, observations, and messages that were changed on the way. */
#include "tests/oscore/rig.h"

typedef struct {
    tsr_oscore client, server;
    tsr_oscore_exchange x, y; /* of the client and of the server */
    rig_message wire, plain;
} ends;

static void start(ends *e)
{
    memset(e, 0, sizeof *e);
    rig_pair(&e->client, &e->server);
}

static void stop(ends *e)
{
    tsr_oscore_free(&e->client);
    tsr_oscore_free(&e->server);
}

/* One request across. */
static void request(ends *e, const char *hex)
{
    assert_int_equal(rig_request(&e->client, &e->x, hex, &e->wire), TSR_OK);
    assert_int_equal(rig_take_request(&e->server, &e->y, &e->wire, &e->plain), TSR_OK);
    assert_true(rig_is(&e->plain, hex));
}

static void response(ends *e, const char *hex)
{
    assert_int_equal(rig_response(&e->server, &e->y, hex, &e->wire), TSR_OK);
    assert_int_equal(rig_take_response(&e->client, &e->x, &e->wire, &e->plain), TSR_OK);
}

static uint8_t outer_code(const ends *e) { return e->wire.bytes[1]; }

/* The numbers of the options outside, in their order. */
static size_t outer_numbers(const rig_message *m, uint16_t *numbers, size_t cap)
{
    tsr_bytes body;
    size_t n = 0;
    tsr_coap_opt opt;

    assert_int_equal(tsr_oscore_body(rig_view(m), &body), TSR_OK);

    tsr_coap_opts it = { .rest = body };

    while (tsr_coap_opt_next(&it, &opt) == TSR_OK) {
        assert_true(n < cap);
        numbers[n++] = opt.number;
    }
    return n;
}

static void expect_outer(const rig_message *m, const uint16_t *want, size_t count)
{
    uint16_t numbers[16];

    assert_int_equal(outer_numbers(m, numbers, 16), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(numbers[i], want[i]);
}

typedef struct {
    uint16_t number;
    const char *value;
} option;

static void build(rig_message *m, uint8_t type, uint8_t code, const option *o, size_t count,
                  const char *payload)
{
    uint16_t last = 0;

    m->buf = tsr_buf_over(m->bytes, sizeof m->bytes);
    tsr_coap_put_header(&m->buf, type, code, 0x5d1f, tsr_view("tokn", 4));
    for (size_t i = 0; i < count; i++)
        tsr_coap_put_opt(&m->buf, &last, o[i].number, tsr_text(o[i].value));
    tsr_coap_put_payload(&m->buf, tsr_text(payload));
    assert_int_equal(m->buf.err, TSR_OK);
}

/* RFC 8613 §4.1, Figure 5: every option that we know, and two that nobody knows. RFC 9175 §3.2.1: Request-Tag
 * goes inside. */
static void test_options_are_split_by_class(void **state)
{
    static const option all[] = {
        { TSR_COAP_IF_MATCH, "abcd" },
        { TSR_COAP_URI_HOST, "host.example" },
        { TSR_COAP_ETAG, "e" },
        { TSR_COAP_URI_PORT, "\x16\x33" },
        { TSR_COAP_URI_PATH, "a" },
        { TSR_COAP_URI_PATH, "a-longer-segment-of-the-path" },
        { TSR_COAP_CONTENT_FORMAT, "p" },
        { TSR_COAP_URI_QUERY, "x=1" },
        { TSR_COAP_ACCEPT, "p" },
        { TSR_COAP_BLOCK2, "\x04" },
        { TSR_COAP_BLOCK1, "\x0e" },
        { TSR_COAP_SIZE2, "s" },
        { TSR_COAP_PROXY_SCHEME, "coap" },
        { TSR_COAP_SIZE1, "s" },
        { TSR_COAP_ECHO, "12345678" },
        { 258, "\x1a" }, /* No-Response */
        { TSR_COAP_REQUEST_TAG, "t" },
        { 2048, "elective" },
        { 65001, "critical" },
    };
    static const uint16_t outer[] = { TSR_COAP_URI_HOST, TSR_COAP_URI_PORT, TSR_COAP_OSCORE,
                                      TSR_COAP_PROXY_SCHEME };
    rig_message in, copy;
    ends e;

    (void)state;
    start(&e);
    build(&in, TSR_COAP_CON, TSR_COAP_PUT, all, sizeof all / sizeof all[0], "payload");
    copy = in;
    e.wire.buf = tsr_buf_over(e.wire.bytes, in.buf.len + TSR_OSCORE_OVERHEAD);
    assert_int_equal(
        tsr_oscore_protect_request_datagram(&e.client, &e.x, &in.buf, &e.wire.buf), TSR_OK);
    expect_outer(&e.wire, outer, 4);
    assert_int_equal(outer_code(&e), TSR_COAP_POST);
    assert_int_equal(rig_take_request(&e.server, &e.y, &e.wire, &e.plain), TSR_OK);
    assert_true(tsr_same(rig_view(&e.plain), rig_view(&copy)));
    stop(&e);
}

/* Any set of options, of any lengths, comes back as it was. */
static void test_options_come_back_whatever_they_are(void **state)
{
    static const uint16_t numbers[] = { 1, 3, 4, 6, 7, 11, 11, 12, 14, 15, 17, 23, 27, 39, 60, 252,
                                        258, 300, 2000, 60000 };
    static char values[400];
    uint32_t rng = 1;
    ends e;

    (void)state;
    memset(values, 'v', sizeof values - 1);
    start(&e);
    for (unsigned round = 0; round < 3000; round++) {
        option chosen[20];
        rig_message in, copy;
        size_t count = 0;

        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            rng = rng * 1103515245u + 12345u;
            if ((rng >> 16) % 3 != 0)
                continue;
            size_t len = (rng >> 20) % 4 == 0 ? (rng >> 8) % 300 : (rng >> 8) % 14;
            if (numbers[i] == TSR_COAP_BLOCK1 || numbers[i] == TSR_COAP_BLOCK2)
                len = 0;
            if (numbers[i] == TSR_COAP_OBSERVE)
                len %= 4;
            chosen[count++] = (option){ numbers[i], values + (sizeof values - 1 - len) };
        }
        build(&in, round & 1, TSR_COAP_GET, chosen, count, values + 399 - (rng >> 24) % 40);
        if (in.buf.len + TSR_OSCORE_OVERHEAD > RIG_ROOM)
            continue;
        copy = in;
        e.wire.buf = tsr_buf_over(e.wire.bytes, in.buf.len + TSR_OSCORE_OVERHEAD);
        assert_int_equal(
            tsr_oscore_protect_request_datagram(&e.client, &e.x, &in.buf, &e.wire.buf), TSR_OK);
        assert_int_equal(rig_take_request(&e.server, &e.y, &e.wire, &e.plain), TSR_OK);
        assert_true(tsr_same(rig_view(&e.plain), rig_view(&copy)));
    }
    stop(&e);
}

/* RFC 8613 §8.2, step 1: what a proxy or an attacker adds outside is dropped, if it is class E. */
static void test_outer_class_e_options_are_dropped(void **state)
{
    static const option added[] = { { TSR_COAP_ETAG, "evil" },     { TSR_COAP_OSCORE, "" },
                                    { TSR_COAP_URI_PATH, "evil" }, { TSR_COAP_MAX_AGE, "" },
                                    { TSR_COAP_URI_QUERY, "evil" } };
    rig_message forged;
    tsr_coap_msg msg;
    uint16_t last = 0;
    ends e;

    (void)state;
    start(&e);
    assert_int_equal(rig_request(&e.client, &e.x, RIG_GET, &e.wire), TSR_OK);
    assert_int_equal(tsr_coap_msg_parse(rig_view(&e.wire), &msg), TSR_OK);
    rig_hex(&forged, "44025d1f00003974");
    for (size_t i = 0; i < 5; i++)
        tsr_coap_put_opt(&forged.buf, &last, added[i].number,
                         added[i].number == TSR_COAP_OSCORE ? tsr_view("\x09\x00", 2)
                                                            : tsr_text(added[i].value));
    tsr_coap_put_payload(&forged.buf, msg.payload);
    assert_int_equal(rig_take_request(&e.server, &e.y, &forged, &e.plain), TSR_OK);
    assert_true(rig_is(&e.plain, RIG_GET));
    stop(&e);
}

/* ---- observation ---- */

#define OBSERVE_GET "44015d1f000039746053747631" /* CON GET /tv1, Observe 0 */

/* NON 2.05 with the Observe option of value n and one byte of payload. */
static void notify(ends *e, unsigned n)
{
    char hex[64];

    (void)snprintf(hex, sizeof hex, "544500%02x0000397461%02xff%02x", n, n, n);
    assert_int_equal(rig_response(&e->server, &e->y, hex, &e->wire), TSR_OK);
}

static uint32_t observe_of(const rig_message *m)
{
    tsr_coap_msg msg;

    assert_int_equal(tsr_coap_msg_parse(rig_view(m), &msg), TSR_OK);
    assert_true(msg.observe.set);
    return msg.observe.value;
}

/* RFC 8613 §4.1.3.5, RFC 8613 §8.3.1: FETCH and 2.05 outside; a Partial IV in all but the first. */
static void test_notifications_are_numbered(void **state)
{
    static const uint16_t outer[] = { TSR_COAP_OBSERVE, TSR_COAP_OSCORE };
    tsr_oscore_option o;
    tsr_bytes body;
    ends e;

    (void)state;
    start(&e);
    request(&e, OBSERVE_GET);
    assert_int_equal(outer_code(&e), TSR_COAP_FETCH);
    expect_outer(&e.wire, outer, 2);
    for (unsigned n = 0; n < 300; n++) {
        notify(&e, n & 0x7f);
        assert_int_equal(outer_code(&e), TSR_COAP_CONTENT);
        expect_outer(&e.wire, outer, 2);
        assert_int_equal(tsr_oscore_body(rig_view(&e.wire), &body), TSR_OK);
        assert_int_equal(tsr_oscore_option_find(body, &o), TSR_OK);
        assert_int_equal(o.piv.ptr == NULL, n == 0);
        assert_null(o.kid.ptr);
        assert_int_equal(rig_take_response(&e.client, &e.x, &e.wire, &e.plain), TSR_OK);
        assert_int_equal(observe_of(&e.plain), n);
    }
    stop(&e);
}

/* RFC 8613 §7.4.1: each at most once, older ones never after newer ones. RFC 8613 §8.4.2 */
static void test_notifications_never_go_back(void **state)
{
    rig_message sent[6];
    ends e;

    (void)state;
    start(&e);
    request(&e, OBSERVE_GET);
    for (unsigned n = 0; n < 6; n++) {
        notify(&e, n);
        sent[n] = e.wire;
    }
    assert_int_equal(rig_take_response(&e.client, &e.x, &sent[2], &e.plain), TSR_OK);
    assert_int_equal(rig_take_response(&e.client, &e.x, &sent[2], &e.plain), TSR_E_EXISTS);
    assert_int_equal(rig_take_response(&e.client, &e.x, &sent[1], &e.plain), TSR_E_EXISTS);
    assert_int_equal(rig_take_response(&e.client, &e.x, &sent[0], &e.plain), TSR_E_EXISTS);
    assert_int_equal(e.plain.buf.len, 0);
    assert_int_equal(rig_take_response(&e.client, &e.x, &sent[5], &e.plain), TSR_OK);
    assert_int_equal(rig_take_response(&e.client, &e.x, &sent[4], &e.plain), TSR_E_EXISTS);
    stop(&e);
}

static void test_first_notification_counts_once(void **state)
{
    ends e;

    (void)state;
    start(&e);
    request(&e, OBSERVE_GET);
    notify(&e, 0);
    assert_int_equal(rig_take_response(&e.client, &e.x, &e.wire, &e.plain), TSR_OK);
    assert_int_equal(rig_take_response(&e.client, &e.x, &e.wire, &e.plain), TSR_E_EXISTS);
    stop(&e);
}

/* RFC 8613 §4.1.3.5.2: a plain request gets no notification, a plain response ends it all. */
static void test_observe_must_have_been_asked_for(void **state)
{
    ends e;

    (void)state;
    start(&e);
    request(&e, RIG_GET);
    notify(&e, 1);
    assert_int_equal(rig_take_response(&e.client, &e.x, &e.wire, &e.plain), TSR_E_MALFORMED);
    assert_int_equal(e.plain.buf.len, 0);
    request(&e, OBSERVE_GET);
    response(&e, "64845d1f00003974"); /* 4.04, no Observe */
    assert_true(rig_is(&e.plain, "64845d1f00003974"));
    assert_int_equal(e.wire.bytes[1], TSR_COAP_CHANGED);
    notify(&e, 1);
    assert_int_equal(rig_take_response(&e.client, &e.x, &e.wire, &e.plain), TSR_E_EXISTS);
    stop(&e);
}

/* RFC 8613 §7.1: a response belongs to its request, and each request to one response. */
static void test_response_is_bound_to_its_request(void **state)
{
    tsr_oscore_exchange first;
    rig_message reply;
    ends e;

    (void)state;
    start(&e);
    request(&e, RIG_GET);
    first = e.x;
    assert_int_equal(rig_response(&e.server, &e.y, RIG_HELLO, &reply), TSR_OK);
    request(&e, RIG_GET);
    assert_int_equal(rig_take_response(&e.client, &e.x, &reply, &e.plain), TSR_E_CRYPTO);
    assert_int_equal(rig_take_response(&e.client, &first, &reply, &e.plain), TSR_OK);
    assert_int_equal(rig_take_response(&e.client, &first, &reply, &e.plain), TSR_E_EXISTS);
    stop(&e);
}

/* The second response to one request must not share a nonce with the first. */
static void test_second_response_has_its_own_nonce(void **state)
{
    tsr_oscore_option o;
    tsr_bytes body;
    ends e;

    (void)state;
    start(&e);
    request(&e, RIG_GET);
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(rig_response(&e.server, &e.y, RIG_HELLO, &e.wire), TSR_OK);
        assert_int_equal(tsr_oscore_body(rig_view(&e.wire), &body), TSR_OK);
        assert_int_equal(tsr_oscore_option_find(body, &o), TSR_OK);
        assert_int_equal(o.piv.len, n == 0 ? 0 : 1);
        assert_true(n == 0 || o.piv.ptr[0] == n - 1);
    }
    stop(&e);
}

/* ---- changed, cut and wrong ---- */

enum { HEADER_BITS = 64 }; /* header and token: not protected (RFC 8613 §4.2) */

/* Every bit behind the token of a request and of a response. */
static void test_tampering_is_found(void **state)
{
    tsr_oscore_exchange y;
    rig_message request_wire, reply, bad;
    ends e;

    (void)state;
    start(&e);
    assert_int_equal(rig_request(&e.client, &e.x, RIG_GET, &request_wire), TSR_OK);
    for (size_t bit = HEADER_BITS; bit < request_wire.buf.len * 8; bit++) {
        bad = request_wire;
        bad.bytes[bit / 8] ^= (uint8_t)(1u << (bit & 7));
        if (rig_take_request(&e.server, &y, &bad, &e.plain) == TSR_OK)
            fail_msg("request, bit %zu", bit);
        assert_int_equal(e.plain.buf.len, 0);
    }
    for (size_t len = 8; len < request_wire.buf.len; len++) {
        bad = request_wire;
        bad.buf.len = len;
        assert_int_not_equal(rig_take_request(&e.server, &y, &bad, &e.plain), TSR_OK);
    }
    assert_int_equal(rig_take_request(&e.server, &e.y, &request_wire, &e.plain), TSR_OK);
    assert_int_equal(rig_response(&e.server, &e.y, RIG_HELLO, &reply), TSR_OK);
    for (size_t bit = HEADER_BITS; bit < reply.buf.len * 8; bit++) {
        bad = reply;
        bad.bytes[bit / 8] ^= (uint8_t)(1u << (bit & 7));
        if (rig_take_response(&e.client, &e.x, &bad, &e.plain) == TSR_OK)
            fail_msg("response, bit %zu", bit);
    }
    assert_int_equal(rig_take_response(&e.client, &e.x, &reply, &e.plain), TSR_OK);
    stop(&e);
}

static void test_other_keys_do_not_open(void **state)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    tsr_oscore_params p = rig_params(false, secret);
    tsr_bytes fresh = { NULL, 0 };
    tsr_oscore other;
    ends e;

    (void)state;
    start(&e);
    p.salt = tsr_text("other");
    assert_int_equal(tsr_oscore_init(&other, &p, fresh), TSR_OK);
    assert_int_equal(rig_request(&e.client, &e.x, RIG_GET, &e.wire), TSR_OK);
    assert_int_equal(rig_take_request(&other, &e.y, &e.wire, &e.plain), TSR_E_CRYPTO);
    tsr_oscore_free(&other);
    p = rig_params(false, secret);
    p.recipient_id = tsr_text("b");
    assert_int_equal(tsr_oscore_init(&other, &p, fresh), TSR_OK);
    assert_int_equal(rig_take_request(&other, &e.y, &e.wire, &e.plain), TSR_E_NOT_FOUND);
    tsr_oscore_free(&other);
    /* a message of our own, sent back to us */
    assert_int_equal(rig_take_request(&e.client, &e.y, &e.wire, &e.plain), TSR_E_NOT_FOUND);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
    stop(&e);
}

/* RFC 8613 §6.1, RFC 8613 §5: what the option must and must not hold. */
static void test_bad_options_are_malformed(void **state)
{
    static const char *const bad[] = {
        "44025d1f000039749109ff00112233445566778899aabb",     /* Partial IV missing */
        "44025d1f00003974922900ff00112233445566778899aabb",   /* reserved bit */
        "44025d1f00003974970e010203040506ff0011223344556677", /* 6 bytes of Partial IV */
        "44025d1f0000397491 08ff00112233445566778899aabb",    /* no Partial IV */
        "44025d1f00003974920100ff00112233445566778899aabb",   /* no kid */
        "44025d1f0000397493190005ff00112233445566778899aabb", /* kid context longer than that */
        "44025d1f0000397492090002 0900ff00112233445566778899aabb", /* two OSCORE options */
        "44025d1f0000397492 0900",                            /* nothing encrypted: as below */
    };
    ends e;

    (void)state;
    start(&e);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig_message m;
        tsr_err err;

        rig_hex(&m, bad[i]);
        err = rig_take_request(&e.server, &e.y, &m, &e.plain);
        if (err != (i == 7 ? TSR_E_CRYPTO : TSR_E_MALFORMED))
            fail_msg("%zu: %s", i, tsr_err_name(err));
    }
    stop(&e);
}

/* RFC 8613 §4.1.3.7, RFC 8613 §4.1.3.3, and calls that make no sense. */
static void test_protecting_refuses(void **state)
{
    tsr_oscore_exchange x;
    rig_message m;
    ends e;

    (void)state;
    start(&e);
    assert_int_equal(rig_request(&e.client, &x, "44025d1f0000397490", &m), TSR_E_UNSUPPORTED);
    assert_int_equal(rig_request(&e.client, &x, "44015d1f00003974d11641", &m), TSR_E_UNSUPPORTED);
    assert_int_equal(rig_request(&e.client, &x, RIG_HELLO, &m), TSR_E_ARGUMENT);
    assert_int_equal(rig_request(&e.client, &x, "40005d1f", &m), TSR_E_ARGUMENT);
    assert_int_equal(rig_request(&e.client, &x, "44015d1f00003974f0", &m), TSR_E_MALFORMED);
    assert_int_equal(rig_request(&e.client, &x, "49015d1f", &m), TSR_E_MALFORMED);
    request(&e, RIG_GET);
    assert_int_equal(rig_response(&e.server, &e.y, RIG_GET, &m), TSR_E_ARGUMENT);
    assert_int_equal(rig_response(&e.client, &e.x, RIG_HELLO, &m), TSR_E_ARGUMENT);
    assert_int_equal(rig_take_response(&e.server, &e.y, &e.wire, &m), TSR_E_ARGUMENT);
    stop(&e);
}

/* One byte of room less than it takes, in both directions. */
static void test_no_byte_beyond_the_room(void **state)
{
    ends e;
    size_t len;

    (void)state;
    start(&e);
    assert_int_equal(rig_request(&e.client, &e.x, RIG_GET, &e.wire), TSR_OK);
    len = e.wire.buf.len;
    for (size_t cap = 0; cap < len; cap++) {
        rig_message in;
        uint8_t *room = malloc(cap > 0 ? cap : 1); /* so that ASan sees the end */
        tsr_buf out = tsr_buf_over(room, cap);

        rig_hex(&in, RIG_GET);
        assert_int_equal(
            tsr_oscore_protect_request_datagram(&e.client, &e.x, &in.buf, &out), TSR_E_SPACE);
        out = tsr_buf_over(room, cap);
        assert_int_equal(
            tsr_oscore_unprotect_request_datagram(&e.server, &e.y, rig_view(&e.wire), &out),
            TSR_E_SPACE);
        free(room);
    }
    assert_int_equal(rig_take_request(&e.server, &e.y, &e.wire, &e.plain), TSR_OK);
    stop(&e);
}

/* RFC 8613 §4.1.3.4.2: what a proxy cut is the CoAP layer's; our own blocks travel inside. */
static void test_blocks_of_a_proxy_are_left_alone(void **state)
{
    rig_message m;
    ends e;

    (void)state;
    start(&e);
    rig_hex(&m, "44025d1f00003974920900d1050eff00112233445566778899aabb"); /* Block1 0, more */
    assert_int_equal(rig_take_request(&e.server, &e.y, &m, &e.plain), TSR_E_UNSUPPORTED);
    request(&e, "44035d1f00003974b3747631d1031eff61"); /* PUT, Block1 1, more, inside */
    stop(&e);
}

/* ---- answers to what was refused: RFC 8613 §8.2, RFC 8613 §7.4 ---- */

/* RFC 8613 §4.1.3.1 */
static void test_refusals_have_their_answers(void **state)
{
    static const struct {
        tsr_err why;
        const char *hex; /* to CON 5d1f, token tokn */
    } answers[] = {
        { TSR_E_MALFORMED, "64825d1f746f6b6ed001ff4661696c656420746f206465636f646520434f5345" },
        { TSR_E_NOT_FOUND,
          "64815d1f746f6b6ed001ff536563757269747920636f6e74657874206e6f7420666f756e64" },
        { TSR_E_EXISTS, "64815d1f746f6b6ed001ff5265706c6179206465746563746564" },
        { TSR_E_CRYPTO, "64805d1f746f6b6ed001ff44656372797074696f6e206661696c6564" },
    };
    rig_message in, out;

    (void)state;
    build(&in, TSR_COAP_CON, TSR_COAP_POST, NULL, 0, "");
    for (size_t i = 0; i < 4; i++) {
        out.buf = tsr_buf_over(out.bytes, sizeof out.bytes);
        assert_int_equal(
            tsr_oscore_answer_datagram(NULL, NULL, answers[i].why, rig_view(&in), 7, &out.buf),
            TSR_OK);
        assert_true(rig_is(&out, answers[i].hex));
    }
    build(&in, TSR_COAP_NON, TSR_COAP_POST, NULL, 0, "");
    out.buf = tsr_buf_over(out.bytes, sizeof out.bytes);
    assert_int_equal(
        tsr_oscore_answer_datagram(NULL, NULL, TSR_E_EXISTS, rig_view(&in), 7, &out.buf), TSR_OK);
    assert_int_equal(out.bytes[0], 0x54);
    assert_int_equal(out.bytes[3], 7);
    out.buf = tsr_buf_over(out.bytes, sizeof out.bytes);
    assert_int_equal(
        tsr_oscore_answer_datagram(NULL, NULL, TSR_OK, rig_view(&in), 7, &out.buf), TSR_END);
    in.buf.len = 3;
    assert_int_equal(
        tsr_oscore_answer_datagram(NULL, NULL, TSR_E_EXISTS, rig_view(&in), 7, &out.buf), TSR_END);
}

/* An unprotected error is not taken for a response of the peer. */
static void test_unprotected_response_is_told_apart(void **state)
{
    rig_message m;
    ends e;

    (void)state;
    start(&e);
    request(&e, RIG_GET);
    rig_hex(&m, "64815d1f00003974");
    assert_int_equal(rig_take_response(&e.client, &e.x, &m, &e.plain), TSR_E_NOT_FOUND);
    response(&e, RIG_HELLO); /* and the true one still counts */
    stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_split_by_class),
        cmocka_unit_test(test_options_come_back_whatever_they_are),
        cmocka_unit_test(test_outer_class_e_options_are_dropped),
        cmocka_unit_test(test_notifications_are_numbered),
        cmocka_unit_test(test_notifications_never_go_back),
        cmocka_unit_test(test_first_notification_counts_once),
        cmocka_unit_test(test_observe_must_have_been_asked_for),
        cmocka_unit_test(test_response_is_bound_to_its_request),
        cmocka_unit_test(test_second_response_has_its_own_nonce),
        cmocka_unit_test(test_tampering_is_found),
        cmocka_unit_test(test_other_keys_do_not_open),
        cmocka_unit_test(test_bad_options_are_malformed),
        cmocka_unit_test(test_protecting_refuses),
        cmocka_unit_test(test_no_byte_beyond_the_room),
        cmocka_unit_test(test_blocks_of_a_proxy_are_left_alone),
        cmocka_unit_test(test_refusals_have_their_answers),
        cmocka_unit_test(test_unprotected_response_is_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
