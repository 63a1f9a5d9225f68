/* SPDX-License-Identifier: Apache-2.0
 *
 * FDO's use of HTTP: paths, tokens, types, and answers that are none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>

#include "ports/linux/fdo/carrier.h"
#include "ports/linux/host/system.h"
#include "tests/fdohost/once.h"

enum { DEADLINE_MS = 30000, WAIT_MS = 60000 };

static tsr_carrier carrier;

static tsr_err wait_for(void)
{
    uint64_t end_ms = tsr_host_now_ms() + DEADLINE_MS;

    for (;;) {
        uint64_t now_ms = tsr_host_now_ms(), due_ms;
        tsr_err err = tsr_carrier_next(&carrier, now_ms);
        struct pollfd fd;

        if (err != TSR_END)
            return err;
        assert_true(now_ms < end_ms);
        fd = (struct pollfd){ tsr_fetch_fd(&carrier.fetch), tsr_fetch_watches(&carrier.fetch), 0 };
        due_ms = tsr_fetch_due_ms(&carrier.fetch);
        (void)poll(&fd, 1, due_ms <= now_ms ? 0 : (int)(due_ms - now_ms));
    }
}

/* One message, and the answer `text`; the request that came is compared in parts. */
static tsr_err exchange(uint8_t type, bool first, const char *base, const char *text, size_t len,
                        const char *wants, const char *wants_not)
{
    tsr_carrier_place place;
    char url[128];
    tsr_err err;
    once s;

    once_begin(&s, text, len);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", s.port, base);
    assert_int_equal(tsr_carrier_place_url(&place, tsr_text(url)), TSR_OK);
    assert_int_equal(tsr_carrier_send(&carrier, &place, type, first, tsr_text("body"), tsr_host_now_ms()),
                     TSR_OK);
    err = wait_for();
    tsr_fetch_end(&carrier.fetch);
    once_end(&s);
    assert_non_null(strstr(s.request, "\r\n\r\nbody"));
    assert_non_null(strstr(s.request, "Content-Type: application/cbor\r\n"));
    if (wants != NULL)
        assert_non_null(strstr(s.request, wants));
    if (wants_not != NULL)
        assert_null(strstr(s.request, wants_not));
    return err;
}

#define ANSWER(type, more) "HTTP/1.1 200 OK\r\nMessage-Type: " type "\r\n" more "Content-Length: 3\r\n\r\nabc"
#define EXCHANGE(type, first, base, text, wants, wants_not)                                        \
    exchange(type, first, base, text, sizeof text - 1, wants, wants_not)

/* A token comes with the first answer, goes with every request after it, and ends with the protocol. */
static void test_token_binds_a_protocol(void **state)
{
    (void)state;
    tsr_carrier_init(&carrier, WAIT_MS, NULL, 0);
    assert_int_equal(EXCHANGE(60, true, "", ANSWER("61", "authorization: Bearer one\r\n"),
                              "POST /fdo/101/msg/60 HTTP/1.1\r\n", "Authorization"),
                     TSR_OK);
    assert_int_equal(carrier.type, 61);
    assert_int_equal(carrier.len, 3);
    assert_memory_equal(carrier.body, "abc", 3);
    assert_int_equal(EXCHANGE(62, false, "/base/", ANSWER("63", ""), "Authorization: Bearer one\r\n", NULL),
                     TSR_OK);
    assert_int_equal(EXCHANGE(64, false, "/base", ANSWER("65", "Authorization: two\r\n"),
                              "POST /base/fdo/101/msg/64 HTTP/1.1\r\n", NULL),
                     TSR_OK);
    assert_int_equal(EXCHANGE(66, false, "", ANSWER("67", ""), "Authorization: two\r\n", NULL), TSR_OK);
    assert_int_equal(EXCHANGE(30, true, "", ANSWER("31", ""), NULL, "Authorization"), TSR_OK);
    tsr_carrier_end(&carrier);
}

static void test_message_61_needs_a_token(void **state)
{
    (void)state;
    tsr_carrier_init(&carrier, WAIT_MS, NULL, 0);
    assert_int_equal(EXCHANGE(60, true, "", ANSWER("61", ""), NULL, NULL), TSR_E_DENIED);
    assert_string_equal(carrier.cause, "no token came with message 61");
}

static void test_error_message_comes_with_any_status(void **state)
{
    (void)state;
    tsr_carrier_init(&carrier, WAIT_MS, NULL, 0);
    assert_int_equal(EXCHANGE(30, true, "", "HTTP/1.1 500 x\r\nMessage-Type: 255\r\nContent-Length: 1\r\n\r\n\x80",
                              NULL, NULL),
                     TSR_OK);
    assert_int_equal(carrier.type, 255);
    assert_int_equal(carrier.len, 1);
}

static void test_answers_that_are_none(void **state)
{
    static const char *const all[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 500 No\r\nMessage-Type: 31\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 302 No\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nMessage-Type: 256\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nMessage-Type: x\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nMessage-Type: 31\r\nMessage-Type: 31\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nMessage-Type: 31\r\nContent-Length: 4\r\n\r\nabc",
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tsr_carrier_init(&carrier, WAIT_MS, NULL, 0);
        assert_int_equal(exchange(30, true, "", all[i], strlen(all[i]), NULL, NULL), TSR_E_MALFORMED);
    }
}

/* A message that comes twice is another, so one that a kept connection swallowed is given up. */
static void test_no_message_is_sent_twice(void **state)
{
    static const char answer[] = ANSWER("61", "Authorization: Bearer one\r\n");
    tsr_carrier_place place;
    char url[64];
    once s;

    (void)state;
    tsr_carrier_init(&carrier, WAIT_MS, NULL, 0);
    once_begin(&s, answer, sizeof answer - 1);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", s.port);
    assert_int_equal(tsr_carrier_place_url(&place, tsr_text(url)), TSR_OK);
    assert_int_equal(tsr_carrier_send(&carrier, &place, 60, true, tsr_text("body"), tsr_host_now_ms()), TSR_OK);
    assert_int_equal(wait_for(), TSR_OK);
    assert_int_equal(tsr_carrier_send(&carrier, &place, 62, false, tsr_text("body"), tsr_host_now_ms()), TSR_OK);
    assert_int_equal(wait_for(), TSR_E_IO);
    assert_string_equal(carrier.cause, "the peer closed without an answer");
    tsr_carrier_end(&carrier);
    once_end(&s);
}

static void test_answer_that_is_too_long(void **state)
{
    static const char head[] = "HTTP/1.0 200 OK\r\nMessage-Type: 31\r\n\r\n";
    size_t len = sizeof head - 1 + TSR_CARRIER_BODY;
    char *text = malloc(len + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', len + 1);
    memcpy(text, head, sizeof head - 1);
    tsr_carrier_init(&carrier, WAIT_MS, NULL, 0);
    assert_int_equal(exchange(30, true, "", text, len, NULL, NULL), TSR_OK);
    assert_int_equal(carrier.len, TSR_CARRIER_BODY);
    assert_int_equal(exchange(30, true, "", text, len + 1, NULL, NULL), TSR_E_SPACE);
    free(text);
}

static void test_places(void **state)
{
    static const uint8_t ip[16] = { 0x20, 1, 0xd, 0xb8, [15] = 7 };
    static const char *const bad[] = { "", "a/b", "a:80", "a b", "a@b", "a\r\nb", "[::1]", "a?b" };
    tsr_carrier_place p;

    (void)state;
    assert_int_equal(tsr_carrier_place_ip(&p, tsr_view(ip, 16), 80), TSR_OK);
    assert_string_equal(p.authority, "[2001:db8::7]:80");
    assert_int_equal(tsr_carrier_place_ip(&p, tsr_view("\x7f\0\0\1", 4), 8040), TSR_OK);
    assert_string_equal(p.authority, "127.0.0.1:8040");
    assert_int_equal(tsr_carrier_place_ip(&p, tsr_view(ip, 5), 80), TSR_E_MALFORMED);
    assert_int_equal(tsr_carrier_place_dns(&p, tsr_text("rv.example"), 443), TSR_OK);
    assert_string_equal(p.authority, "rv.example:443");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tsr_carrier_place_dns(&p, tsr_text(bad[i]), 80), TSR_E_MALFORMED);
    assert_false(p.secure);
    assert_int_equal(tsr_carrier_place_url(&p, tsr_text("ftp://a")), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_carrier_place_url(&p, tsr_text("https://a/b/")), TSR_OK);
    assert_true(p.secure);
    assert_string_equal(p.authority, "a");
    assert_string_equal(p.path, "/b");
    assert_int_equal(tsr_carrier_place_url(&p, tsr_text("http://a//")), TSR_OK);
    assert_string_equal(p.path, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_binds_a_protocol),
        cmocka_unit_test(test_message_61_needs_a_token),
        cmocka_unit_test(test_error_message_comes_with_any_status),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_no_message_is_sent_twice),
        cmocka_unit_test(test_answer_that_is_too_long),
        cmocka_unit_test(test_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
