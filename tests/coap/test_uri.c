/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tessera/coap/uri.h"

static tsr_coap_uri parsed(const char *text)
{
    tsr_coap_uri uri;

    assert_int_equal(tsr_coap_uri_parse(tsr_text(text), &uri), TSR_OK);
    return uri;
}

/* The options as "number=value;". */
static void assert_options(const char *text, const char *expected)
{
    tsr_coap_uri uri = parsed(text);
    uint8_t room[600], shown[600];
    tsr_buf out = tsr_buf_over(room, sizeof room), list = tsr_buf_over(shown, sizeof shown);
    uint16_t last = 0;
    tsr_coap_opt opt;

    tsr_coap_put_uri(&out, &last, &uri);
    assert_int_equal(out.err, TSR_OK);

    tsr_coap_opts it = { .rest = tsr_buf_view(&out) };

    while (tsr_coap_opt_next(&it, &opt) == TSR_OK) {
        tsr_put_dec(&list, opt.number);
        tsr_put_u8(&list, '=');
        tsr_put_bytes(&list, opt.value);
        tsr_put_u8(&list, ';');
    }
    tsr_put_u8(&list, 0);
    assert_int_equal(list.err, TSR_OK);
    assert_string_equal((const char *)shown, expected);
}

/* RFC 7252 §6.1 */
static void test_uri_takes_parts(void **state)
{
    tsr_coap_uri uri = parsed("coap://example.net:5685/a/b?x=1&y");

    (void)state;
    assert_true(tsr_same(uri.scheme, tsr_text("coap")));
    assert_true(tsr_same(uri.host, tsr_text("example.net")));
    assert_true(tsr_same(uri.path, tsr_text("/a/b")));
    assert_true(tsr_same(uri.query, tsr_text("x=1&y")));
    assert_int_equal(uri.port, 5685);
    assert_false(uri.literal);
    uri = parsed("coaps+tcp://[2001:db8::1]");
    assert_true(tsr_same(uri.scheme, tsr_text("coaps+tcp")));
    assert_true(tsr_same(uri.host, tsr_text("2001:db8::1")));
    assert_int_equal(uri.port, 0);
    assert_int_equal(uri.path.len, 0);
    assert_true(uri.literal);
    uri = parsed("coap://127.0.0.1:/"); /* RFC 3986 §3.2.3: an empty port */
    assert_int_equal(uri.port, 0);
    assert_true(uri.literal);
    assert_true(tsr_same(parsed("coap://h?q").query, tsr_text("q")));
}

/* RFC 7252 §6.3: the three of its examples that are the same, and what they become by §6.4. */
static void test_uri_puts_same_options_for_equal_uris(void **state)
{
    (void)state;
    assert_int_equal(parsed("coap://example.com:5683/~sensors/temp.xml").port, 5683);
    assert_options("coap://example.com:5683/~sensors/temp.xml",
                   "3=example.com;11=~sensors;11=temp.xml;");
    assert_options("coap://EXAMPLE.com/%7Esensors/temp.xml",
                   "3=example.com;11=~sensors;11=temp.xml;");
    assert_options("coap://EXAMPLE.com:/%7esensors/temp.xml",
                   "3=example.com;11=~sensors;11=temp.xml;");
}

/* RFC 7252 §6.4. RFC 7252 §5.10.1 */
static void test_uri_puts_options(void **state)
{
    (void)state;
    assert_options("coap://127.0.0.1", "");
    assert_options("coap://127.0.0.1/", "");
    assert_options("coap://[::1]:9/fw", "11=fw;");
    assert_options("coap://127.0.0.1/a/", "11=a;11=;");
    assert_options("coap://127.0.0.1//", "11=;11=;");
    assert_options("coap://127.0.0.1/a%2Fb/c%20d", "11=a/b;11=c d;");
    assert_options("coap://127.0.0.1/?a%26b&c", "15=a&b;15=c;");
    assert_options("coap://127.0.0.1/...", "11=...;");
    assert_options("coap://ex%61mple", "3=example;");
}

/* RFC 7252, Appendix B: the examples of URIs and requests. */
static void test_uri_puts_options_of_appendix_b(void **state)
{
    (void)state;
    assert_options("coap://example.net/", "3=example.net;");
    assert_options("coap://example.net/.well-known/core", "3=example.net;11=.well-known;11=core;");
    assert_options("coap://xn--18j4d.example/%E3%81%93%E3%82%93%E3%81%AB%E3%81%A1%E3%81%AF",
                   "3=xn--18j4d.example;11=\xe3\x81\x93\xe3\x82\x93\xe3\x81\xab\xe3\x81\xa1\xe3\x81"
                   "\xaf;");
    assert_options("coap://198.51.100.1:61616//%2F//?%2F%2F&?%26",
                   "11=;11=/;11=;11=;15=//;15=?&;");
}

static void test_uri_rejects_what_is_none(void **state)
{
    static const char *const bad[] = {
        "", "coap", "coap:", "coap:/", "coap://", "coap:///a", "://h", "fw", "/fw", "coap:h/a",
        "coap://u@h/", "coap://:5683/a", "coap://h:0/", "coap://h:65536/", "coap://h:x/",
        "coap://h:5683a", "coap://[::1", "coap://[]/", "coap://[::1]x/", "coap://h/a#b",
        "coap://h?q#b", "coap://h/%", "coap://h/%4", "coap://h/%g0", "coap://h/%0g", "coap://h?%zz",
        "coap://h%/", "coap://h/a/../b", "coap://h/.", "coap://h/%2e%2E/b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tsr_coap_uri uri = { .port = 77 };

        if (tsr_coap_uri_parse(tsr_text(bad[i]), &uri) != TSR_E_MALFORMED || uri.port != 77)
            fail_msg("taken: %s", bad[i]);
    }
    assert_int_equal(tsr_coap_uri_parse(tsr_view("coap://h/\0a", 11), &(tsr_coap_uri){ 0 }),
                     TSR_E_MALFORMED);
}

/* RFC 7252 §5.10: Uri-Host, Uri-Path and Uri-Query have 255 bytes at most, decoded. */
static void test_uri_bounds_each_option(void **state)
{
    static const char *const before[] = { "coap://", "coap://h/", "coap://h/?" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char text[800];
        size_t head = strlen(before[i]);
        tsr_coap_uri uri;

        memcpy(text, before[i], head);
        for (size_t n = 0; n < 255; n++)
            memcpy(text + head + 3 * n, "%61", 3);
        text[head + 3 * 255] = 'a';
        assert_int_equal(tsr_coap_uri_parse(tsr_view(text, head + 765), &uri), TSR_OK);
        assert_int_equal(tsr_coap_uri_parse(tsr_view(text, head + 766), &uri), TSR_E_MALFORMED);
    }
}

static void test_uri_says_when_room_is_short(void **state)
{
    tsr_coap_uri uri = parsed("coap://h/abcdef");
    uint8_t room[8];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    (void)state;
    tsr_coap_put_uri(&out, &last, &uri);
    assert_int_equal(out.err, TSR_E_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uri_takes_parts),
        cmocka_unit_test(test_uri_puts_same_options_for_equal_uris),
        cmocka_unit_test(test_uri_puts_options),
        cmocka_unit_test(test_uri_puts_options_of_appendix_b),
        cmocka_unit_test(test_uri_rejects_what_is_none),
        cmocka_unit_test(test_uri_bounds_each_option),
        cmocka_unit_test(test_uri_says_when_room_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
