/* SPDX-License-Identifier: Apache-2.0
 *
 * The test plays the server, datagram by datagram, and owns the clock. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tessera/coap/download.h"

enum { NOW = 1000000, LEN = 3000, SZX = 5, BLOCK = 512 };

static tsr_coap_download d;
static uint8_t content[LEN];
static uint8_t datagram[1200];
static uint64_t now_ms;
static tsr_coap_msg asked;       /* the last request */
static uint8_t asked_room[1200];
static uint16_t mid;             /* for messages of the server's own */

static tsr_coap_download_config some(void)
{
    tsr_coap_download_config c = { .seed = 7, .ack_timeout_ms = 2000, .max_retransmit = 2,
                                   .szx = SZX, .tries = 2, .wait_ms = 1000, .wait_most_ms = 3000 };

    assert_int_equal(tsr_coap_uri_parse(tsr_text("coap://h/fw?v=2"), &c.uri), TSR_OK);
    return c;
}

static void begin(const tsr_coap_download_config *c)
{
    now_ms = NOW;
    mid = 100;
    for (size_t i = 0; i < LEN; i++)
        content[i] = (uint8_t)(i * 31 + i / 256);
    assert_int_equal(tsr_coap_download_begin(&d, c, now_ms), TSR_OK);
}

static bool polls(void)
{
    tsr_buf out = tsr_buf_over(asked_room, sizeof asked_room);

    if (tsr_coap_download_poll(&d, &out, now_ms) != TSR_OK)
        return false;
    assert_int_equal(tsr_coap_msg_parse(tsr_buf_view(&out), &asked), TSR_OK);
    return true;
}

/* The next message is a GET of this block. */
static void assert_asks(uint32_t num, uint8_t szx)
{
    assert_true(polls());
    assert_int_equal(asked.type, TSR_COAP_CON);
    assert_int_equal(asked.code, TSR_COAP_GET);
    assert_true(tsr_coap_msg_path_is(&asked, 0, "/fw"));
    assert_true(asked.block2.set);
    assert_false(asked.block2.more);
    assert_int_equal(asked.block2.num, num);
    assert_int_equal(asked.block2.szx, szx);
}

static void assert_silent(void) { assert_false(polls()); }

typedef struct {
    uint8_t type, code;
    const char *etag;
    tsr_coap_block block;
    tsr_bytes payload;
    uint16_t critical; /* an option that nobody knows */
} answer;

static void feed(const tsr_buf *out)
{
    assert_int_equal(out->err, TSR_OK);
    tsr_coap_download_feed(&d, tsr_buf_view(out), now_ms);
}

static void respond(answer a)
{
    tsr_buf out = tsr_buf_over(datagram, sizeof datagram);
    uint16_t last = 0;

    tsr_coap_put_header(&out, a.type, a.code, a.type == TSR_COAP_ACK ? asked.mid : ++mid,
                        asked.token);
    if (a.etag != NULL)
        tsr_coap_put_opt(&out, &last, TSR_COAP_ETAG, tsr_text(a.etag));
    if (a.block.set)
        tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK2, a.block);
    if (a.critical != 0)
        tsr_coap_put_opt(&out, &last, a.critical, tsr_text("x"));
    tsr_coap_put_payload(&out, a.payload);
    feed(&out);
}

static void empty(uint8_t type, uint16_t of)
{
    tsr_buf out = tsr_buf_over(datagram, sizeof datagram);

    tsr_coap_put_header(&out, type, TSR_COAP_EMPTY, of, tsr_view(NULL, 0));
    feed(&out);
}

static answer block_of(const char *etag, uint32_t num, uint8_t szx)
{
    size_t size = tsr_coap_block_len(szx), at = num * size;

    return (answer){ TSR_COAP_ACK, TSR_COAP_CONTENT, etag, { true, at + size < LEN, szx, num },
                     tsr_first(tsr_skip(tsr_view(content, LEN), at), size), 0 };
}

static tsr_coap_download_event happened(void)
{
    tsr_coap_download_event e;

    assert_true(tsr_coap_download_event_next(&d, &e));
    assert_false(tsr_coap_download_event_next(&d, &(tsr_coap_download_event){ 0 }));
    return e;
}

static void assert_quiet(void)
{
    assert_false(tsr_coap_download_event_next(&d, &(tsr_coap_download_event){ 0 }));
}

static void assert_part(uint32_t offset, size_t len, bool last)
{
    tsr_coap_download_event e = happened();

    assert_int_equal(e.kind, TSR_COAP_DOWNLOAD_PART);
    assert_int_equal(e.offset, offset);
    assert_int_equal(e.part.len, len);
    assert_int_equal(e.last, last);
    assert_memory_equal(e.part.ptr, content + offset, len);
}

static void assert_over(tsr_coap_download_kind kind, uint8_t code)
{
    tsr_coap_download_event e = happened();

    assert_int_equal(e.kind, kind);
    assert_int_equal(e.code, code);
    assert_false(tsr_coap_download_runs(&d));
    assert_int_equal(tsr_coap_download_due_ms(&d), UINT64_MAX);
    now_ms += 10000000;
    assert_silent();
}

static void wait(void)
{
    assert_int_not_equal(tsr_coap_download_due_ms(&d), UINT64_MAX);
    assert_true(tsr_coap_download_due_ms(&d) >= now_ms);
    now_ms = tsr_coap_download_due_ms(&d);
}

/* Blocks `from` to the one before `to`. */
static void take(const char *etag, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n < to; n++) {
        assert_asks(n, SZX);
        respond(block_of(etag, n, SZX));
        assert_part(n * BLOCK, n * BLOCK + BLOCK < LEN ? BLOCK : LEN % BLOCK,
                    n * BLOCK + BLOCK >= LEN);
    }
}

/* RFC 7959 §2.4 */
static void test_download_takes_every_block_in_order(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    begin(&c);
    take("one", 0, LEN / BLOCK + 1);
    assert_false(tsr_coap_download_runs(&d));
    assert_silent();
    assert_int_equal(tsr_coap_download_due_ms(&d), UINT64_MAX);
}

static void test_download_takes_what_is_whole(void **state)
{
    tsr_coap_download_config c = some();
    answer a = { TSR_COAP_ACK, TSR_COAP_CONTENT, NULL, { 0 }, { content, 700 }, 0 };

    (void)state;
    begin(&c);
    assert_asks(0, SZX);
    respond(a);
    assert_part(0, 700, true);
    assert_false(tsr_coap_download_runs(&d));
}

static void test_download_takes_an_empty_resource(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    begin(&c);
    assert_asks(0, SZX);
    respond((answer){ TSR_COAP_ACK, TSR_COAP_CONTENT, NULL, { 0 }, { content, 0 }, 0 });
    assert_part(0, 0, true);
}

/* RFC 7959 §2.4: the server wants smaller blocks, and later ones are counted in them. */
static void test_download_follows_a_smaller_size(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    begin(&c);
    take("one", 0, 1);
    assert_asks(1, SZX);
    respond(block_of("one", 8, 2));
    assert_part(512, 64, false);
    for (uint32_t n = 9; n * 64 < LEN; n++) {
        assert_asks(n, 2);
        respond(block_of("one", n, 2));
        assert_part(n * 64, n * 64 + 64 < LEN ? 64 : LEN % 64, n * 64 + 64 >= LEN);
    }
    assert_false(tsr_coap_download_runs(&d));
}

/* RFC 7252 §4.2: the same message again, after twice the time. */
static void test_download_repeats_what_was_lost(void **state)
{
    tsr_coap_download_config c = some();
    uint64_t sent_ms, waited_ms;
    uint16_t first;

    (void)state;
    begin(&c);
    take("one", 0, 2);
    assert_asks(2, SZX);
    first = asked.mid;
    sent_ms = now_ms;
    assert_silent();
    wait();
    waited_ms = now_ms - sent_ms;
    assert_in_range(waited_ms, 2000, 3000);
    assert_asks(2, SZX);
    assert_int_equal(asked.mid, first);
    sent_ms = now_ms;
    wait();
    assert_int_equal(now_ms - sent_ms, 2 * waited_ms);
    assert_asks(2, SZX);
    respond(block_of("one", 2, SZX));
    assert_part(2 * BLOCK, BLOCK, false);
    /* a duplicate of the answer is for nothing that is open */
    respond(block_of("one", 2, SZX));
    take("one", 3, LEN / BLOCK + 1);
}

static void exhaust(void)
{
    for (unsigned i = 0; i < 3; i++) {
        assert_true(polls());
        wait();
    }
    assert_silent();
}

static void test_download_goes_on_after_silence_then_gives_up(void **state)
{
    tsr_coap_download_config c = some();
    uint64_t paused_ms;

    (void)state;
    begin(&c);
    take("one", 0, 2);
    exhaust();
    paused_ms = now_ms;
    wait();
    assert_int_equal(now_ms - paused_ms, 1000);
    take("one", 2, 3); /* which forgets the failures */
    for (uint64_t pause_ms = 1000; pause_ms <= 2000; pause_ms *= 2) {
        exhaust();
        paused_ms = now_ms;
        wait();
        assert_int_equal(now_ms - paused_ms, pause_ms);
    }
    exhaust();
    assert_over(TSR_COAP_DOWNLOAD_LOST, 0);
}

static void test_download_waits_no_longer_than_told(void **state)
{
    tsr_coap_download_config c = some();
    uint64_t paused_ms = 0;

    (void)state;
    c.tries = 200;
    begin(&c);
    for (unsigned i = 0; i < 40; i++) {
        exhaust();
        paused_ms = now_ms;
        wait();
    }
    assert_int_equal(now_ms - paused_ms, 3000);
}

/* RFC 7252 §5.2.2 */
static void test_download_takes_a_separate_answer(void **state)
{
    tsr_coap_download_config c = some();
    answer a = block_of("one", 0, SZX);

    (void)state;
    begin(&c);
    assert_asks(0, SZX);
    empty(TSR_COAP_ACK, asked.mid);
    now_ms += 30000;
    assert_silent();
    a.type = TSR_COAP_CON;
    respond(a);
    assert_part(0, BLOCK, false);
    assert_true(polls());
    assert_int_equal(asked.type, TSR_COAP_ACK);
    assert_int_equal(asked.code, TSR_COAP_EMPTY);
    assert_int_equal(asked.mid, mid);
    assert_asks(1, SZX);
    empty(TSR_COAP_ACK, asked.mid);
    a = block_of("one", 1, SZX);
    a.type = TSR_COAP_NON;
    respond(a);
    assert_part(BLOCK, BLOCK, false);
    assert_asks(2, SZX);
}

static void test_download_does_not_wait_for_ever_for_a_promise(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    c.tries = 0;
    begin(&c);
    assert_asks(0, SZX);
    empty(TSR_COAP_ACK, asked.mid);
    wait();
    assert_silent();
    assert_over(TSR_COAP_DOWNLOAD_LOST, 0);
}

/* RFC 7959 §2.4: blocks of two representations must not be mixed. */
static void test_download_begins_anew_with_another_etag(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    begin(&c);
    take("one", 0, 3);
    assert_asks(3, SZX);
    respond(block_of("two", 3, SZX));
    assert_quiet();
    take("two", 0, 2);
    assert_asks(2, SZX);
    respond(block_of(NULL, 2, SZX));
    assert_quiet();
    take(NULL, 0, LEN / BLOCK + 1);
}

static void test_download_gives_up_what_changes_always(void **state)
{
    static const char *const etags[] = { "1", "2", "3", "4", "5", "6" };
    tsr_coap_download_config c = some();

    (void)state;
    begin(&c);
    for (unsigned i = 0; i < 3; i++) {
        take(etags[i], 0, 1);
        assert_asks(1, SZX);
        respond(block_of(etags[i + 1], 1, SZX));
        assert_quiet();
    }
    take(etags[3], 0, 1);
    assert_asks(1, SZX);
    respond(block_of(etags[4], 1, SZX));
    assert_over(TSR_COAP_DOWNLOAD_LOST, 0);
}

static void test_download_begins_anew_when_it_became_shorter(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    begin(&c);
    take("one", 0, 3);
    assert_asks(3, SZX);
    respond((answer){ .type = TSR_COAP_ACK, .code = TSR_COAP_BAD_REQUEST });
    assert_quiet();
    take("two", 0, 1);
}

static void test_download_resumes_where_it_was(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    c.offset = 4 * BLOCK;
    c.etag = tsr_text("one");
    begin(&c);
    take("one", 4, LEN / BLOCK + 1);
    begin(&c);
    assert_asks(4, SZX);
    respond(block_of("two", 4, SZX));
    assert_quiet();
    take("two", 0, LEN / BLOCK + 1);
}

/* Damage that CoAP can see: another block, an ill length, a reserved size, an option it must know. */
static void test_download_asks_again_for_what_does_not_fit(void **state)
{
    tsr_coap_download_config c = some();
    answer good = block_of("one", 2, SZX), bad[7];

    (void)state;
    for (size_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].block.num = 3;
    bad[1].payload.len--;
    bad[2].block.szx = 7;
    bad[3].critical = 65001;
    bad[4].block.set = false;
    bad[5].code = TSR_COAP_UNAVAILABLE;
    bad[6].code = TSR_COAP_TOO_MANY_REQUESTS;
    for (size_t i = 0; i < 6; i++) {
        begin(&c);
        take("one", 0, 2);
        assert_asks(2, SZX);
        respond(bad[i]);
        assert_quiet();
        assert_silent();
        wait();
        take("one", 2, 4);
    }
    begin(&c);
    assert_asks(0, SZX);
    respond(bad[6]);
    assert_quiet();
    wait();
    take("one", 0, 2);
}

static void test_download_is_refused(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    begin(&c);
    assert_asks(0, SZX);
    respond((answer){ .type = TSR_COAP_ACK, .code = TSR_COAP_NOT_FOUND });
    assert_over(TSR_COAP_DOWNLOAD_REFUSED, TSR_COAP_NOT_FOUND);
}

/* RFC 7252 §4.2 and RFC 7252 §4.3: what is not ours is rejected, or nothing. */
static void test_download_heeds_no_strangers(void **state)
{
    tsr_coap_download_config c = some();
    answer a = block_of("one", 0, SZX);
    tsr_coap_msg request;

    (void)state;
    begin(&c);
    assert_asks(0, SZX);
    request = asked;
    asked.token = tsr_text("stranger");
    respond(a); /* our Message ID with another token */
    a.type = TSR_COAP_NON;
    respond(a);
    a.type = TSR_COAP_CON;
    respond(a);
    assert_quiet();
    assert_true(polls());
    assert_int_equal(asked.type, TSR_COAP_RST);
    assert_int_equal(asked.mid, mid);
    asked = request;
    asked.mid++;
    respond(block_of("one", 0, SZX)); /* our token in an ACK of something else */
    empty(TSR_COAP_ACK, asked.mid);
    empty(TSR_COAP_RST, asked.mid);
    assert_quiet();
    assert_silent();
    empty(TSR_COAP_CON, 4711); /* a ping */
    assert_true(polls());
    assert_int_equal(asked.type, TSR_COAP_RST);
    assert_int_equal(asked.mid, 4711);
    asked = request;
    respond(block_of("one", 0, SZX));
    assert_part(0, BLOCK, false);
}

/* RFC 7252 §4.2: a reset says that there is nobody for it, now. */
static void test_download_tries_again_after_a_reset(void **state)
{
    tsr_coap_download_config c = some();

    (void)state;
    begin(&c);
    assert_asks(0, SZX);
    empty(TSR_COAP_RST, asked.mid);
    assert_silent();
    wait();
    take("one", 0, 1);
}

/* RFC 7959 §2.2: a number has 20 bits. */
static void test_download_ends_where_numbers_end(void **state)
{
    tsr_coap_download_config c = some();
    answer a = { TSR_COAP_ACK, TSR_COAP_CONTENT, "one", { true, true, 0, (1u << 20) - 1 },
                 { content, 16 }, 0 };

    (void)state;
    c.szx = 0;
    c.offset = ((1u << 20) - 1) * 16;
    c.etag = tsr_text("one");
    begin(&c);
    assert_asks((1u << 20) - 1, 0);
    respond(a);
    assert_over(TSR_COAP_DOWNLOAD_TOO_LONG, TSR_COAP_CONTENT);
    begin(&c);
    assert_asks((1u << 20) - 1, 0);
    a.block.more = false;
    respond(a);
    assert_int_equal(happened().last, true);
    /* the same with blocks that the server makes smaller on the way */
    c.szx = 6;
    c.offset = 1u << 24;
    begin(&c);
    assert_asks(1u << 14, 6);
    a.block = (tsr_coap_block){ true, true, 5, 1u << 15 };
    a.payload.len = 512;
    respond(a);
    assert_int_equal(happened().offset, 1u << 24);
    assert_asks((1u << 15) + 1, 5);
}

static void test_download_begin_checks(void **state)
{
    tsr_coap_download_config good = some(), bad[5];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        bad[i] = good;
    bad[0].szx = 7;
    bad[1].offset = BLOCK / 2;
    bad[2].etag = tsr_text("ninebytes");
    bad[3].max_retransmit = 17;
    bad[4].offset = 1u << 29;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(tsr_coap_download_begin(&d, &bad[i], NOW), TSR_E_ARGUMENT);
    assert_int_equal(tsr_coap_download_begin(&d, &good, NOW), TSR_OK);
}

static void test_download_needs_room_for_its_request(void **state)
{
    tsr_coap_download_config c = some();
    uint8_t room[12];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    begin(&c);
    assert_int_equal(tsr_coap_download_poll(&d, &out, now_ms), TSR_E_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_download_takes_every_block_in_order),
        cmocka_unit_test(test_download_takes_what_is_whole),
        cmocka_unit_test(test_download_takes_an_empty_resource),
        cmocka_unit_test(test_download_follows_a_smaller_size),
        cmocka_unit_test(test_download_repeats_what_was_lost),
        cmocka_unit_test(test_download_goes_on_after_silence_then_gives_up),
        cmocka_unit_test(test_download_waits_no_longer_than_told),
        cmocka_unit_test(test_download_takes_a_separate_answer),
        cmocka_unit_test(test_download_does_not_wait_for_ever_for_a_promise),
        cmocka_unit_test(test_download_begins_anew_with_another_etag),
        cmocka_unit_test(test_download_gives_up_what_changes_always),
        cmocka_unit_test(test_download_begins_anew_when_it_became_shorter),
        cmocka_unit_test(test_download_resumes_where_it_was),
        cmocka_unit_test(test_download_asks_again_for_what_does_not_fit),
        cmocka_unit_test(test_download_is_refused),
        cmocka_unit_test(test_download_heeds_no_strangers),
        cmocka_unit_test(test_download_tries_again_after_a_reset),
        cmocka_unit_test(test_download_ends_where_numbers_end),
        cmocka_unit_test(test_download_begin_checks),
        cmocka_unit_test(test_download_needs_room_for_its_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
