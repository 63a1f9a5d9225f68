/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers in every split, the framing rules one by one, and what requests look like. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/http/http.h"

enum { WAIT_MS = 1000, TEXT = 4096 };

typedef struct {
    tsr_http http;
    uint8_t room[512];
    tsr_buf said; /* the events as text, in one form for all splits */
    uint8_t text[TEXT];
    bool in_body;
} world;

static const tsr_http_request get = { .method = "GET" };

static void drain(tsr_http *h, tsr_buf *out)
{
    while (tsr_http_poll(h, out, 0) == TSR_OK)
        ;
}

static void begin(world *w, const tsr_http_request *from)
{
    tsr_http_request r = *from;
    uint8_t sent[1024];
    tsr_buf out = tsr_buf_over(sent, sizeof sent);

    r.host = tsr_text("a");
    assert_int_equal(tsr_http_begin(&w->http, &r, 0), TSR_OK);
    drain(&w->http, &out);
}

static void place(world *w, const tsr_http_request *from)
{
    memset(w, 0, sizeof *w);
    tsr_http_init(&w->http, w->room, sizeof w->room, WAIT_MS);
    w->said = tsr_buf_over(w->text, sizeof w->text);
    begin(w, from);
}

static void say(world *w, const tsr_http_event *e)
{
    tsr_buf *o = &w->said;

    if (w->in_body && e->kind != TSR_HTTP_BODY)
        tsr_put_text(o, "|");
    w->in_body = e->kind == TSR_HTTP_BODY;
    switch (e->kind) {
    case TSR_HTTP_FIELD:
        tsr_put_bytes(o, e->field.name);
        tsr_put_text(o, "=");
        tsr_put_bytes(o, e->field.value);
        tsr_put_text(o, "|");
        break;
    case TSR_HTTP_HEAD:
        tsr_put_dec(o, w->http.status);
        tsr_put_text(o, ":");
        if (e->length == UINT64_MAX)
            tsr_put_text(o, "?");
        else
            tsr_put_dec(o, e->length);
        tsr_put_text(o, "|");
        break;
    case TSR_HTTP_BODY: tsr_put_bytes(o, e->body); break;
    case TSR_HTTP_DONE: tsr_put_text(o, w->http.keep ? "keep" : "close"); break;
    default:            fail();
    }
}

static tsr_err feed(world *w, tsr_bytes in)
{
    tsr_http_event e;
    tsr_err err;

    while ((err = tsr_http_feed(&w->http, &in, &e, 0)) == TSR_OK)
        say(w, &e);
    if (err == TSR_END)
        assert_int_equal(in.len, 0);
    return err;
}

/* Whole, byte by byte, and cut in two at every place: all the same. */
static void answers_as(const tsr_http_request *request, const char *answer, const char *expected,
                       bool closed)
{
    tsr_bytes in = tsr_text(answer);
    tsr_http_event e;
    world w;

    for (size_t cut = 0; cut <= in.len + 1; cut++) {
        place(&w, request);
        if (cut > in.len) {
            for (size_t i = 0; i < in.len; i++)
                assert_int_equal(feed(&w, tsr_view(in.ptr + i, 1)), TSR_END);
        } else {
            assert_int_equal(feed(&w, tsr_first(in, cut)), TSR_END);
            assert_int_equal(feed(&w, tsr_skip(in, cut)), TSR_END);
        }
        if (closed) {
            assert_int_equal(tsr_http_closed(&w.http, &e), TSR_OK);
            say(&w, &e);
        }
        tsr_put_u8(&w.said, 0);
        assert_string_equal((char *)w.text, expected);
        assert_true(tsr_http_due_ms(&w.http) == UINT64_MAX);
    }
}

static void refused(const char *answer, tsr_err expected)
{
    tsr_bytes in = tsr_text(answer);
    tsr_http_event e;
    world w;

    for (size_t cut = 0; cut <= in.len; cut++) {
        tsr_err err;

        place(&w, &get);
        err = feed(&w, tsr_first(in, cut));
        if (err == TSR_END)
            err = feed(&w, tsr_skip(in, cut));
        assert_int_equal(err, expected);
        assert_false(w.http.keep);
        in = tsr_text(answer);
        assert_int_equal(tsr_http_feed(&w.http, &in, &e, 0), TSR_E_STATE);
        in = tsr_text(answer);
    }
}

/* RFC 9112 §6.3, one rule after the other. */
static void test_answer_with_length(void **state)
{
    (void)state;
    answers_as(&get,
               "HTTP/1.1 200 OK\r\nMessage-Type: 11\r\nContent-Length: 5\r\n"
               "Authorization:Bearer a.b=\r\n\r\nhello",
               "Message-Type=11|Content-Length=5|Authorization=Bearer a.b=|200:5|hello|keep", false);
    answers_as(&get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "Content-Length=0|200:0|keep", false);
    answers_as(&get, "HTTP/1.1 500 \r\nContent-Length: 2, 2\r\ncontent-length:2\r\n\r\nab",
               "Content-Length=2, 2|content-length=2|500:2|ab|keep", false);
}

static void test_answer_in_chunks(void **state)
{
    (void)state;
    answers_as(&get,
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
               "5\r\nhello\r\n00A ; name=\"v\"\r\n, 10 bytes\r\n0\r\nExpires: never\r\n\r\n",
               "Transfer-Encoding=Chunked|200:?|hello, 10 bytes|keep", false);
    answers_as(&get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               "Transfer-Encoding=chunked|200:?|keep", false);
}

static void test_answer_without_body(void **state)
{
    const tsr_http_request head = { .method = "HEAD" };

    (void)state;
    answers_as(&get, "HTTP/1.1 204 No Content\r\n\r\n", "204:0|keep", false);
    answers_as(&get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
               "Content-Length=9|304:0|keep", false);
    answers_as(&head, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "Content-Length=9|200:0|keep", false);
}

static void test_answer_ends_with_the_stream(void **state)
{
    (void)state;
    answers_as(&get, "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nall of it", "Server=x|200:?|all of it|close", true);
    answers_as(&get, "HTTP/1.1 200 OK\r\n\r\n", "200:?|close", true);
}

/* RFC 9112 §9.3 */
static void test_answer_keeps_the_stream(void **state)
{
    const tsr_http_request last = { .method = "GET", .close = true };

    (void)state;
    answers_as(&get, "HTTP/1.1 200 OK\r\nConnection: foo, CLOSE\r\nContent-Length: 0\r\n\r\n",
               "Connection=foo, CLOSE|Content-Length=0|200:0|close", false);
    answers_as(&get, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "Content-Length=0|200:0|close", false);
    answers_as(&get, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
               "Connection=Keep-Alive|Content-Length=1|200:1|x|keep", false);
    answers_as(&last, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "Content-Length=0|200:0|close", false);
}

/* Interim answers (RFC 9110 §15.2), folded lines (RFC 9112 §5.2), lone LF (RFC 9112 §2.2), no reason
 * (RFC 9112 §4), lists (RFC 9110 §5.6.1). */
static void test_answer_leniently(void **state)
{
    (void)state;
    answers_as(&get,
               "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early\r\nContent-Length: 7\r\n\r\n"
               "HTTP/1.1 200\nA: b\n\tc\r\n  d\nE:\nContent-Length:\t1 \n\nz",
               "A=b\tc  d|E=|Content-Length=1|200:1|z|keep", false);
}

/* RFC 9112 §5, RFC 9112 §5.1, RFC 9110 §5.5, RFC 9112 §6.1 */
static void test_answer_refused(void **state)
{
    static const struct {
        const char *answer;
        tsr_err err;
    } all[] = {
        { "HTTP/2.0 200 OK\r\n\r\n", TSR_E_MALFORMED },
        { "http/1.1 200 OK\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 20 OK\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 2000 OK\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 600 OK\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 099 OK\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 O\x01K\r\n\r\n", TSR_E_MALFORMED },
        { "\r\nHTTP/1.1 200 OK\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 101 Switching\r\n\r\n", TSR_E_UNSUPPORTED },
        { "HTTP/1.1 200 OK\r\n folded: first\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nName : v\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\n: v\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1,2\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", TSR_E_MALFORMED },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", TSR_E_UNSUPPORTED },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", TSR_E_UNSUPPORTED },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
          TSR_E_MALFORMED },
        { "HTTP/1.1 204 x\r\n\r\nrest", TSR_E_MALFORMED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        refused(all[i].answer, all[i].err);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* RFC 9112 §7.1, RFC 9112 §7.1.1, RFC 9112 §7.1.2 */
static void test_chunks_refused(void **state)
{
    static const char *const all[] = {
        CHUNKED "\r\n",          CHUNKED "x\r\n",        CHUNKED " 1\r\na\r\n", CHUNKED "-1\r\n",
        CHUNKED "1\na\r\n",      CHUNKED "1\r\nab\r\n",  CHUNKED "1\r\na\n",    CHUNKED "1 x\r\n",
        CHUNKED "1;\x01\r\n",    CHUNKED "0x1\r\na\r\n", CHUNKED "10000000000000000\r\n",
        CHUNKED "0\r\nbad\r\n\r\n", CHUNKED "0\r\n\r\nmore",
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        refused(all[i], TSR_E_MALFORMED);
}

static tsr_err feed_again(world *w, const char *text, size_t times)
{
    tsr_err err = TSR_END;

    while (err == TSR_END && times-- > 0)
        err = feed(w, tsr_text(text));
    return err;
}

/* RFC 9110 §5.4 asks for limits: lines, heads, interim answers, lines of chunks. */
static void test_limits(void **state)
{
    world w;

    (void)state;
    place(&w, &get);
    assert_int_equal(feed_again(&w, "HTTP/1.1 200 OK\r\n", 1), TSR_END);
    assert_int_equal(feed_again(&w, "a", 2 * sizeof w.room), TSR_E_SPACE);
    place(&w, &get);
    w.said.cap = 0; /* the text is of no interest */
    assert_int_equal(feed_again(&w, "HTTP/1.1 200 OK\r\n", 1), TSR_END);
    assert_int_equal(feed_again(&w, "a: b\r\n", TSR_HTTP_HEAD_MAX), TSR_E_SPACE);
    place(&w, &get);
    assert_int_equal(feed_again(&w, "HTTP/1.1 100 x\r\n\r\n", TSR_HTTP_INTERIM), TSR_END);
    assert_int_equal(feed_again(&w, "HTTP/1.1 100 x\r\n\r\n", 1), TSR_E_SPACE);
    place(&w, &get);
    assert_int_equal(feed_again(&w, CHUNKED "1;", 1), TSR_END);
    assert_int_equal(feed_again(&w, "x", TSR_HTTP_CHUNK_LINE), TSR_E_SPACE);
    place(&w, &get);
    assert_int_equal(feed_again(&w, CHUNKED "0\r\n", 1), TSR_END);
    assert_int_equal(feed_again(&w, "a: b\r\n", TSR_HTTP_HEAD_MAX), TSR_E_SPACE);
}

/* RFC 9112 §8, RFC 9112 §9.6: what is cut off is not whole. */
static void test_stream_cut_off(void **state)
{
    static const char *const all[] = {
        "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na",
        CHUNKED, CHUNKED "1\r\na", CHUNKED "1\r\na\r\n", CHUNKED "0\r\n", "HTTP/1.1 100 x\r\n\r\n",
    };
    tsr_http_event e;
    world w;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        place(&w, &get);
        assert_int_equal(feed(&w, tsr_text(all[i])), TSR_END);
        assert_int_equal(tsr_http_closed(&w.http, &e), TSR_E_MALFORMED);
        assert_true(tsr_http_due_ms(&w.http) == UINT64_MAX);
    }
    place(&w, &get); /* may be asked again on a fresh stream: RFC 9112 §9.3.1 */
    assert_int_equal(tsr_http_closed(&w.http, &e), TSR_E_IO);
    tsr_http_init(&w.http, w.room, sizeof w.room, WAIT_MS);
    assert_int_equal(tsr_http_closed(&w.http, &e), TSR_END);
}

static void test_request_after_request(void **state)
{
    world w;

    (void)state;
    place(&w, &get);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(feed(&w, tsr_text("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")), TSR_END);
        assert_true(w.http.keep);
        begin(&w, &get);
    }
    tsr_http_init(&w.http, w.room, sizeof w.room, WAIT_MS);
    assert_int_equal(feed(&w, tsr_text("HTTP/1.1 408 Timeout\r\n")), TSR_E_MALFORMED);
}

/* The head must be gone before an answer to it can come. */
static void test_answer_before_question(void **state)
{
    tsr_http_request r = get;
    world w;

    (void)state;
    place(&w, &get);
    r.host = tsr_text("a");
    assert_int_equal(tsr_http_begin(&w.http, &r, 0), TSR_OK);
    assert_int_equal(feed(&w, tsr_text("HTTP/1.1 200 OK\r\n")), TSR_E_MALFORMED);
}

static void send_in_pieces(tsr_http *h, tsr_buf *out, size_t piece, tsr_bytes body, size_t body_piece)
{
    tsr_err err = TSR_OK;

    while (err == TSR_OK) {
        uint8_t room[64];
        tsr_buf part = tsr_buf_over(room, piece);

        if (tsr_http_body_gone(h) && body.len != 0) {
            assert_int_equal(tsr_http_body(h, tsr_first(body, body_piece)), TSR_OK);
            body = tsr_skip(body, body_piece);
        }
        err = tsr_http_poll(h, &part, 0);
        tsr_put_bytes(out, tsr_buf_view(&part));
    }
    assert_int_equal(err, TSR_END);
    assert_int_equal(out->err, TSR_OK);
}

/* RFC 9112 §3, RFC 9112 §3.2, RFC 9110 §8.6 */
static void test_request_as_it_is_sent(void **state)
{
    static const char expected[] = "POST /fdo/101/msg/30 HTTP/1.1\r\nHost: [::1]:8080\r\n"
                                   "Content-Type: application/cbor\r\nAuthorization: Bearer x\r\n"
                                   "Content-Length: 7\r\nConnection: close\r\n\r\n1234567";
    const tsr_http_field fields[] = { { tsr_text("Content-Type"), tsr_text("application/cbor") },
                                      { tsr_text("Authorization"), tsr_text("Bearer x") } };
    const tsr_http_request r = { .method = "POST", .target = tsr_text("/fdo/101/msg/30"),
                                 .host = tsr_text("[::1]:8080"), .fields = fields, .field_count = 2,
                                 .has_body = true, .body_len = 7, .close = true };
    uint8_t room[256], sent[256];
    tsr_http h;

    (void)state;
    for (size_t piece = 1; piece < 64; piece++) {
        tsr_buf out = tsr_buf_over(sent, sizeof sent);

        tsr_http_init(&h, room, sizeof room, WAIT_MS);
        assert_int_equal(tsr_http_begin(&h, &r, 0), TSR_OK);
        send_in_pieces(&h, &out, piece, tsr_text("1234567"), piece % 7 + 1);
        assert_true(tsr_same(tsr_buf_view(&out), tsr_text(expected)));
        assert_int_equal(tsr_http_body(&h, tsr_text("8")), TSR_E_ARGUMENT);
    }
}

/* An answer that does not wait for the body: what is left of it cannot be followed by a request. */
static void test_answer_in_the_middle_of_a_body(void **state)
{
    tsr_http_request r = { .method = "POST", .has_body = true, .body_len = 10 };
    world w;

    (void)state;
    place(&w, &r);
    assert_int_equal(tsr_http_body(&w.http, tsr_text("1234")), TSR_OK);
    assert_int_equal(tsr_http_body(&w.http, tsr_text("5")), TSR_E_STATE);
    assert_int_equal(feed(&w, tsr_text("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")), TSR_END);
    assert_int_equal(w.http.status, 413);
    assert_false(w.http.keep);
}

static void cannot_begin(const tsr_http_request *r, tsr_err expected)
{
    uint8_t room[64];
    tsr_http h;

    tsr_http_init(&h, room, sizeof room, WAIT_MS);
    assert_int_equal(tsr_http_begin(&h, r, 0), expected);
    assert_true(tsr_http_due_ms(&h) == UINT64_MAX);
}

/* RFC 9110 §5.1, RFC 9110 §5.6.2 */
static void test_request_refused(void **state)
{
    static const char *const names[] = { "A B", "", "A:", "Host", "content-LENGTH", "Connection",
                                         "Transfer-Encoding", "A\r\nB" };
    static const char *const targets[] = { "a", "/a b", "/a\r\nX: y", "*" };
    tsr_http_request r = { .method = "GET", .host = tsr_text("a") };
    tsr_http_field f = { .value = tsr_text("v") };

    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        r.target = tsr_text(targets[i]);
        cannot_begin(&r, TSR_E_ARGUMENT);
    }
    r.target = tsr_text("/");
    r.fields = &f;
    r.field_count = 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        f.name = tsr_text(names[i]);
        cannot_begin(&r, TSR_E_ARGUMENT);
    }
    f = (tsr_http_field){ tsr_text("A"), tsr_text("v\r\nB: w") };
    cannot_begin(&r, TSR_E_ARGUMENT);
    r.field_count = 0;
    r.body_len = 1;
    cannot_begin(&r, TSR_E_ARGUMENT);
    r = (tsr_http_request){ .method = "GET" };
    cannot_begin(&r, TSR_E_ARGUMENT);
    r.host = tsr_text("a-name-that-is-too-long-for-a-room-of-64-bytes.example");
    cannot_begin(&r, TSR_E_SPACE);
}

static void test_time(void **state)
{
    tsr_bytes in = tsr_text("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n");
    uint8_t out_room[8];
    tsr_buf out = tsr_buf_over(out_room, sizeof out_room);
    tsr_http_event e;
    world w;

    (void)state;
    place(&w, &get);
    assert_int_equal(tsr_http_due_ms(&w.http), WAIT_MS);
    assert_int_equal(tsr_http_feed(&w.http, &in, &e, 700), TSR_END);
    assert_int_equal(tsr_http_due_ms(&w.http), 700 + WAIT_MS);
    assert_int_equal(tsr_http_poll(&w.http, &out, 699 + WAIT_MS), TSR_END);
    assert_int_equal(tsr_http_poll(&w.http, &out, 700 + WAIT_MS), TSR_E_IO);
    in = tsr_text("\r\nx");
    assert_int_equal(tsr_http_feed(&w.http, &in, &e, 701 + WAIT_MS), TSR_E_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_with_length),
        cmocka_unit_test(test_answer_in_chunks),
        cmocka_unit_test(test_answer_without_body),
        cmocka_unit_test(test_answer_ends_with_the_stream),
        cmocka_unit_test(test_answer_keeps_the_stream),
        cmocka_unit_test(test_answer_leniently),
        cmocka_unit_test(test_answer_refused),
        cmocka_unit_test(test_chunks_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_stream_cut_off),
        cmocka_unit_test(test_request_after_request),
        cmocka_unit_test(test_answer_before_question),
        cmocka_unit_test(test_request_as_it_is_sent),
        cmocka_unit_test(test_answer_in_the_middle_of_a_body),
        cmocka_unit_test(test_request_refused),
        cmocka_unit_test(test_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
