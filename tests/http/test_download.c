/* SPDX-License-Identifier: Apache-2.0
 *
 * The test plays the server, byte by byte through the engine of HTTP, and owns the clock. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tessera/http/download.h"

enum { NOW = 1000000, LEN = 5000, PIECE = TSR_HTTP_DOWNLOAD_PIECE, PIECE_MS = 60000 };

static tsr_http_download d;
static uint8_t content[LEN], got[2 * LEN];
static uint32_t got_len;
static bool got_last;
static unsigned begun;  /* parts at 0 */
static char etag[80];   /* of the last part */
static uint64_t now_ms;
static tsr_http_field fields[TSR_HTTP_DOWNLOAD_FIELDS];
static tsr_http_download_event ended; /* how it was given up */
static bool is_ended;

static tsr_http_download_config some(void)
{
    return (tsr_http_download_config){ .tries = 2, .wait_ms = 1000, .wait_most_ms = 3000, .piece_ms = PIECE_MS };
}

static void begin(const tsr_http_download_config *c)
{
    now_ms = NOW;
    got_len = begun = 0;
    got_last = is_ended = false;
    for (size_t i = 0; i < LEN; i++)
        content[i] = (uint8_t)(i * 31 + i / 256);
    assert_int_equal(tsr_http_download_begin(&d, c, now_ms), TSR_OK);
}

static void take_events(void)
{
    tsr_http_download_event e;

    while (tsr_http_download_event_next(&d, &e)) {
        assert_false(got_last || is_ended);
        if (e.kind != TSR_HTTP_DOWNLOAD_PART) {
            ended = e;
            is_ended = true;
            assert_false(tsr_http_download_runs(&d));
            continue;
        }
        assert_true(e.offset == 0 || e.offset == got_len);
        assert_true(e.part.len == PIECE || e.last);
        begun += e.offset == 0;
        memcpy(got + e.offset, e.part.ptr, e.part.len);
        got_len = e.offset + (uint32_t)e.part.len;
        got_last = e.last;
        (void)snprintf(etag, sizeof etag, "%.*s", (int)e.etag.len, (const char *)e.etag.ptr);
        assert_int_equal(tsr_http_download_runs(&d), !e.last);
    }
}

static bool asks(void)
{
    tsr_err err = tsr_http_download_poll(&d, fields, now_ms);

    take_events();
    assert_int_equal(err == TSR_OK, tsr_http_download_hears(&d));
    return err == TSR_OK;
}

static void assert_field(size_t i, const char *name, const char *value)
{
    assert_true(tsr_same(fields[i].name, tsr_text(name)));
    assert_true(tsr_same(fields[i].value, tsr_text(value)));
}

/* RFC 9110 §12.5.3: each request wants the bytes as they are. */
static void assert_asks_plain(void)
{
    assert_true(asks());
    assert_field(0, "Accept-Encoding", "identity");
}

static void assert_asks_all(void)
{
    assert_asks_plain();
    assert_int_equal(fields[1].value.len, 0);
    assert_int_equal(fields[2].value.len, 0);
}

static void assert_asks_rest(const char *range, const char *tag)
{
    assert_asks_plain();
    assert_field(1, "Range", range);
    assert_field(2, "If-Range", tag);
}

/* The next request comes after just so long. */
static void assert_waits(uint64_t ms)
{
    assert_int_equal(tsr_http_download_due_ms(&d), now_ms + ms);
    if (ms != 0) {
        now_ms += ms - 1;
        assert_false(asks());
        now_ms++;
    }
}

static void feed(const tsr_http *h, tsr_http_event *e)
{
    do {
        tsr_http_download_feed(&d, h->status, e, now_ms);
        take_events();
    } while (e->kind == TSR_HTTP_BODY && e->body.len != 0 && tsr_http_download_hears(&d));
}

/* The head, then as much of the body as there is; in pieces of `step` bytes. `closed`: then the end. */
static void answer_in(size_t step, const char *head, tsr_bytes body, bool closed)
{
    const tsr_http_request get = { .method = "GET", .target = tsr_text("/"), .host = tsr_text("h") };
    uint8_t room[256], bytes[2 * LEN], out_room[256];
    tsr_buf all = tsr_buf_over(bytes, sizeof bytes), out = tsr_buf_over(out_room, sizeof out_room);
    tsr_err err = TSR_END;
    tsr_http_event e;
    tsr_http h;

    tsr_http_init(&h, room, sizeof room, 1000000);
    assert_int_equal(tsr_http_begin(&h, &get, now_ms), TSR_OK);
    assert_int_equal(tsr_http_poll(&h, &out, now_ms), TSR_OK);
    tsr_put_text(&all, "HTTP/1.1 ");
    tsr_put_text(&all, head);
    tsr_put_text(&all, "\r\n\r\n");
    tsr_put_bytes(&all, body);
    assert_int_equal(all.err, TSR_OK);
    for (tsr_bytes rest = tsr_buf_view(&all); rest.len != 0; rest = tsr_skip(rest, step)) {
        tsr_bytes in = tsr_first(rest, step);

        while ((err = tsr_http_feed(&h, &in, &e, now_ms)) == TSR_OK && e.kind != TSR_HTTP_DONE)
            feed(&h, &e);
        if (err == TSR_OK)
            break;
        assert_int_equal(err, TSR_END);
    }
    if (err != TSR_OK && closed)
        err = tsr_http_closed(&h, &e);
    if (err == TSR_OK)
        feed(&h, &e);
    else
        tsr_http_download_cut(&d, now_ms);
    take_events();
}

static void answer(const char *head, tsr_bytes body) { answer_in(700, head, body, false); }

static tsr_bytes from(size_t at, size_t len) { return tsr_view(content + at, len); }

static void assert_whole(void)
{
    assert_true(got_last);
    assert_int_equal(got_len, LEN);
    assert_memory_equal(got, content, LEN);
    assert_int_equal(tsr_http_download_due_ms(&d), UINT64_MAX);
    assert_false(asks());
}

#define ALL "200 OK\r\nETag: \"one\"\r\nContent-Length: 5000"

/* Cut after 2,500 bytes, two pieces were handed over. */
static void begin_and_cut(const char *head)
{
    tsr_http_download_config c = some();

    begin(&c);
    assert_asks_all();
    answer(head, from(0, 2500));
    assert_int_equal(got_len, 2 * PIECE);
    assert_false(got_last);
    assert_waits(1000);
}

static void test_download_hands_over_pieces(void **state)
{
    static const struct {
        size_t step;
        const char *head;
    } all[] = { { 1, ALL }, { 1024, ALL }, { 7000, ALL }, { 999, "200 OK\r\nETag: \"one\"" } };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tsr_http_download_config c = some();

        begin(&c);
        assert_asks_all();
        answer_in(all[i].step, all[i].head, from(0, LEN), true);
        assert_whole();
        assert_int_equal(begun, 1);
        assert_string_equal(etag, "one");
    }
}

static void test_download_ends_on_a_whole_piece(void **state)
{
    tsr_http_download_config c = some();

    (void)state;
    begin(&c);
    assert_asks_all();
    answer("200 OK\r\nContent-Length: 2048", from(0, 2 * PIECE));
    assert_true(got_last);
    assert_int_equal(got_len, 2 * PIECE);
    begin(&c);
    assert_asks_all();
    answer("200 OK\r\nContent-Length: 0", from(0, 0));
    assert_true(got_last);
    assert_int_equal(got_len, 0);
}

/* RFC 9110 §13.1.5, RFC 9110 §14.2, RFC 9110 §14.4, RFC 9110 §15.3.7 */
static void test_download_goes_on_where_it_was_cut(void **state)
{
    (void)state;
    begin_and_cut(ALL);
    assert_asks_rest("bytes=2048-", "\"one\"");
    answer("206 Partial Content\r\nETag: \"one\"\r\nContent-Range: bytes 2048-4999/5000\r\nContent-Length: 2952",
           from(2048, 2952));
    assert_whole();
    assert_int_equal(begun, 1);
}

static void test_download_goes_on_after_a_restart(void **state)
{
    tsr_http_download_config c = some();

    (void)state;
    c.offset = 3 * PIECE;
    c.etag = tsr_text("one");
    begin(&c);
    memcpy(got, content, c.offset);
    got_len = c.offset;
    assert_asks_rest("bytes=3072-", "\"one\"");
    answer("206 Partial Content\r\nContent-Range: Bytes 3072-4999/5000\r\nContent-Length: 1928", from(3072, 1928));
    assert_whole();
    assert_int_equal(begun, 0);
    c.etag = tsr_view(NULL, 0);
    begin(&c);
    assert_asks_all();
}

static void test_download_begins_anew_when_all_of_it_comes(void **state)
{
    (void)state;
    begin_and_cut(ALL);
    assert_asks_rest("bytes=2048-", "\"one\"");
    content[0] ^= 1;
    answer("200 OK\r\nETag: \"two\"\r\nContent-Length: 5000", from(0, LEN));
    assert_whole();
    assert_int_equal(begun, 2);
    assert_string_equal(etag, "two");
}

/* The rest of another one, of another length, from another place, none at all; RFC 9110 §15.5.17 */
static void test_download_mixes_no_two(void **state)
{
    static const char *const all[] = {
        "206 Partial Content\r\nETag: \"two\"\r\nContent-Range: bytes 2048-4999/5000\r\nContent-Length: 2952",
        "206 Partial Content\r\nContent-Range: bytes 2048-4998/4999\r\nContent-Length: 2951",
        "206 Partial Content\r\nContent-Range: bytes 1024-4999/5000\r\nContent-Length: 3976",
        "206 Partial Content\r\nContent-Range: bytes 2048-4999/*\r\nContent-Length: 2952",
        "206 Partial Content\r\nContent-Range: bytes 2048-4999/5000\r\nContent-Length: 2951",
        "206 Partial Content\r\nContent-Range: bytes 2048-2047/5000\r\nContent-Length: 0",
        "206 Partial Content\r\nContent-Range: items 2048-4999/5000\r\nContent-Length: 2952",
        "206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=b\r\nContent-Length: 2952",
        "206 Partial Content\r\nContent-Length: 2952",
        "416 Range Not Satisfiable\r\nContent-Length: 0",
        "412 Precondition Failed\r\nContent-Length: 0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        begin_and_cut(ALL);
        assert_asks_rest("bytes=2048-", "\"one\"");
        answer(all[i], from(0, 0));
        assert_waits(0);
        assert_asks_all();
        answer(ALL, from(0, LEN));
        assert_whole();
        assert_int_equal(begun, 2);
    }
}

/* Three times; who changes it each time never ends. */
static void test_download_begins_anew_so_often(void **state)
{
    tsr_http_download_config c = some();

    (void)state;
    c.tries = 9;
    begin(&c);
    assert_asks_all();
    answer(ALL, from(0, 2500));
    now_ms += 1000;
    for (int i = 0; i < 3; i++) {
        assert_asks_rest("bytes=2048-", "\"one\"");
        answer("416 Range Not Satisfiable\r\nContent-Length: 0", from(0, 0));
        assert_asks_all();
        answer(ALL, from(0, 2500));
        now_ms += 3000;
    }
    assert_asks_rest("bytes=2048-", "\"one\"");
    answer("416 Range Not Satisfiable\r\nContent-Length: 0", from(0, 0));
    assert_true(is_ended);
    assert_int_equal(ended.kind, TSR_HTTP_DOWNLOAD_LOST);
}

/* RFC 9110 §8.8.1, RFC 9110 §8.8.3: weak, none, no tag, too long: nothing can be known again. */
static void test_download_begins_anew_without_a_strong_tag(void **state)
{
    static const char *const all[] = {
        "200 OK\r\nETag: W/\"one\"\r\nContent-Length: 5000", "200 OK\r\nContent-Length: 5000",
        "200 OK\r\nETag: one\r\nContent-Length: 5000",       "200 OK\r\nETag: \"\"\r\nContent-Length: 5000",
        "200 OK\r\nETag: \"a\"b\"\r\nContent-Length: 5000",  "200 OK\r\nETag: \"a b\"\r\nContent-Length: 5000",
        "200 OK\r\nETag: \"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd-\"\r\nContent-Length: 5000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        begin_and_cut(all[i]);
        assert_string_equal(etag, "");
        assert_asks_all();
        answer(all[i], from(0, LEN));
        assert_whole();
    }
    begin_and_cut("200 OK\r\nETag: \"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\"\r\nContent-Length: 5000");
    assert_asks_rest("bytes=2048-", "\"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\"");
}

/* RFC 9110 §15.5.9, RFC 6585 §4, RFC 8470 §5.2, and any 5xx: what may pass is asked for again. */
static void test_download_asks_again_ever_more_slowly(void **state)
{
    tsr_http_download_config c = some();

    (void)state;
    c.tries = 5;
    begin(&c);
    assert_asks_all();
    tsr_http_download_cut(&d, now_ms);
    assert_waits(1000);
    assert_asks_all();
    answer("503 Service Unavailable\r\nContent-Length: 0", from(0, 0));
    assert_waits(2000);
    assert_asks_all();
    answer("429 Too Many Requests\r\nContent-Length: 0", from(0, 0));
    assert_waits(3000);
    assert_asks_all();
    answer("408 Request Timeout\r\nContent-Length: 0", from(0, 0));
    assert_waits(3000);
    assert_asks_all();
    answer("425 Too Early\r\nContent-Length: 0", from(0, 0));
    assert_waits(3000);
    assert_asks_all();
    answer("500 Internal Server Error\r\nContent-Length: 0", from(0, 0));
    assert_true(is_ended);
    assert_int_equal(ended.kind, TSR_HTTP_DOWNLOAD_LOST);
    assert_int_equal(ended.status, 500);
    assert_int_equal(tsr_http_download_due_ms(&d), UINT64_MAX);
}

/* Progress counts anew, and only what was never there is progress. */
static void test_download_gives_up_what_is_always_cut_at_one_place(void **state)
{
    (void)state;
    begin_and_cut(ALL);
    for (size_t at = 2 * PIECE; at < 4 * PIECE; at += PIECE) {
        char head[160];

        (void)snprintf(head, sizeof head, "206 Partial Content\r\nContent-Range: bytes %zu-4999/5000\r\n"
                       "Content-Length: %zu", at, LEN - at);
        assert_true(asks());
        answer(head, from(at, PIECE + 1));
        assert_waits(1000);
    }
    begin_and_cut("200 OK\r\nContent-Length: 5000");
    assert_asks_all();
    answer("200 OK\r\nContent-Length: 5000", from(0, 2500));
    assert_waits(2000);
    assert_asks_all();
    answer("200 OK\r\nContent-Length: 5000", from(0, 2500));
    assert_true(is_ended);
    assert_int_equal(ended.kind, TSR_HTTP_DOWNLOAD_LOST);
}

/* A byte now and then keeps a connection, not a download. */
static void test_download_does_not_wait_for_drops(void **state)
{
    tsr_http_download_config c = some();
    tsr_http_event e = { .kind = TSR_HTTP_HEAD, .length = LEN };

    (void)state;
    begin(&c);
    assert_asks_all();
    tsr_http_download_feed(&d, 200, &e, now_ms);
    for (int i = 0; i < 60; i++) {
        now_ms += 999;
        e = (tsr_http_event){ .kind = TSR_HTTP_BODY, .body = from(0, 1) };
        assert_false(tsr_http_download_poll(&d, fields, now_ms) == TSR_OK);
        assert_true(tsr_http_download_hears(&d));
        tsr_http_download_feed(&d, 200, &e, now_ms);
    }
    now_ms += 60;
    assert_false(asks());
    assert_false(tsr_http_download_hears(&d));
    assert_waits(1000);
    assert_asks_all();
}

/* RFC 9110 §14.4: some of the rest is as good as a cut, without its wait. */
static void test_download_takes_less_than_it_asked_for(void **state)
{
    (void)state;
    begin_and_cut(ALL);
    assert_asks_rest("bytes=2048-", "\"one\"");
    answer("206 Partial Content\r\nContent-Range: bytes 2048-3071/5000\r\nContent-Length: 1024", from(2048, 1024));
    assert_waits(0);
    assert_asks_rest("bytes=3072-", "\"one\"");
    answer("206 Partial Content\r\nContent-Range: bytes 3072-3171/5000\r\nContent-Length: 100", from(3072, 100));
    assert_waits(1000);
    assert_asks_rest("bytes=3072-", "\"one\"");
    answer("206 Partial Content\r\nContent-Range: bytes 3072-4999/5000\r\nContent-Length: 1928", from(3072, 1928));
    assert_whole();
}

static void test_download_is_refused(void **state)
{
    static const unsigned all[] = { 204, 206, 300, 304, 400, 401, 403, 404, 410, 412, 416 };
    tsr_http_download_config c = some();

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char head[64];

        begin(&c);
        assert_asks_all();
        (void)snprintf(head, sizeof head, "%u No%s", all[i], all[i] == 204 || all[i] == 304 ? "" : "\r\nContent-Length: 0");
        answer(head, from(0, 0));
        if (all[i] == 206) { /* nobody asked for a range: nonsense, and another try */
            assert_waits(0);
            continue;
        }
        assert_true(is_ended);
        assert_int_equal(ended.kind, TSR_HTTP_DOWNLOAD_REFUSED);
        assert_int_equal(ended.status, all[i]);
    }
    begin(&c);
    assert_asks_all();
    tsr_http_download_refuse(&d, 301);
    take_events();
    assert_int_equal(ended.kind, TSR_HTTP_DOWNLOAD_REFUSED);
    assert_int_equal(ended.status, 301);
}

static void test_download_is_too_long(void **state)
{
    tsr_http_download_config c = some();

    (void)state;
    begin(&c);
    assert_asks_all();
    answer("200 OK\r\nContent-Length: 4294967296", from(0, LEN));
    assert_int_equal(ended.kind, TSR_HTTP_DOWNLOAD_TOO_LONG);
    assert_int_equal(got_len, 0);
    c.etag = tsr_text("one");
    c.offset = 1024;
    begin(&c);
    assert_true(asks());
    answer("206 Partial Content\r\nContent-Range: bytes 1024-4294967295/4294967296\r\nContent-Length: 4294966272",
           from(0, 1));
    assert_int_equal(ended.kind, TSR_HTTP_DOWNLOAD_TOO_LONG);
}

/* A chunked answer to a range has no length beside that of the range. */
static void test_download_counts_what_came(void **state)
{
    static const char tail[] = "206 Partial Content\r\nContent-Range: bytes 2048-4999/5000\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0";

    (void)state;
    begin_and_cut(ALL);
    assert_asks_rest("bytes=2048-", "\"one\"");
    answer(tail, from(0, 0));
    assert_waits(0);
    assert_asks_all();
    assert_int_equal(got_len, 2 * PIECE);
}

/* What no head came before is dropped, so that it does not wait for ever. */
static void test_download_drops_a_body_without_a_head(void **state)
{
    tsr_http_download_config c = some();
    tsr_http_event e = { .kind = TSR_HTTP_BODY, .body = from(0, LEN) };

    (void)state;
    begin(&c);
    assert_asks_all();
    tsr_http_download_feed(&d, 200, &e, now_ms);
    take_events();
    assert_int_equal(e.body.len, 0);
    answer(ALL, from(0, LEN));
    assert_whole();
}

static void test_download_refuses_to_begin(void **state)
{
    tsr_http_download_config c = some();
    char text[TSR_HTTP_DOWNLOAD_ETAG + 2];

    (void)state;
    memset(text, 'a', sizeof text);
    c.etag = tsr_view(text, sizeof text - 1);
    assert_int_equal(tsr_http_download_begin(&d, &c, NOW), TSR_E_ARGUMENT);
    c.etag = tsr_text("a\"b");
    assert_int_equal(tsr_http_download_begin(&d, &c, NOW), TSR_E_ARGUMENT);
    c.etag = tsr_text("ab");
    c.offset = 100;
    assert_int_equal(tsr_http_download_begin(&d, &c, NOW), TSR_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_download_hands_over_pieces),
        cmocka_unit_test(test_download_ends_on_a_whole_piece),
        cmocka_unit_test(test_download_goes_on_where_it_was_cut),
        cmocka_unit_test(test_download_goes_on_after_a_restart),
        cmocka_unit_test(test_download_begins_anew_when_all_of_it_comes),
        cmocka_unit_test(test_download_mixes_no_two),
        cmocka_unit_test(test_download_begins_anew_so_often),
        cmocka_unit_test(test_download_begins_anew_without_a_strong_tag),
        cmocka_unit_test(test_download_asks_again_ever_more_slowly),
        cmocka_unit_test(test_download_gives_up_what_is_always_cut_at_one_place),
        cmocka_unit_test(test_download_does_not_wait_for_drops),
        cmocka_unit_test(test_download_takes_less_than_it_asked_for),
        cmocka_unit_test(test_download_is_refused),
        cmocka_unit_test(test_download_is_too_long),
        cmocka_unit_test(test_download_counts_what_came),
        cmocka_unit_test(test_download_drops_a_body_without_a_head),
        cmocka_unit_test(test_download_refuses_to_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
