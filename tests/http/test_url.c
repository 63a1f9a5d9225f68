/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/http/url.h"

typedef struct {
    const char *url;
    bool secure;
    const char *authority, *host;
    uint16_t port;
    const char *target;
} good;

/* RFC 9110 §4.2, RFC 3986 §3.2, RFC 3986 §3.2.3 */
static void test_url_parts(void **state)
{
    static const good all[] = {
        { "http://www.example.com/where?q=now", false, "www.example.com", "www.example.com", 80, "/where?q=now" },
        { "https://example.com", true, "example.com", "example.com", 443, "" },
        { "HTTP://EXAMPLE.com:8080?x#part", false, "EXAMPLE.com:8080", "EXAMPLE.com", 8080, "?x" },
        { "http://[2001:db8::7]:81/a", false, "[2001:db8::7]:81", "2001:db8::7", 81, "/a" },
        { "http://192.0.2.1:/", false, "192.0.2.1:", "192.0.2.1", 80, "/" },
        { "http://a#/b", false, "a", "a", 80, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tsr_http_url u;

        assert_int_equal(tsr_http_url_parse(tsr_text(all[i].url), &u), TSR_OK);
        assert_int_equal(u.secure, all[i].secure);
        assert_int_equal(u.port, all[i].port);
        assert_true(tsr_same(u.authority, tsr_text(all[i].authority)));
        assert_true(tsr_same(u.host, tsr_text(all[i].host)));
        assert_true(tsr_same(u.target, tsr_text(all[i].target)));
    }
}

/* RFC 9110 §4.2.4 */
static void test_url_refused(void **state)
{
    static const struct {
        const char *url;
        tsr_err err;
    } all[] = {
        { "ftp://a/", TSR_E_UNSUPPORTED },       { "http:/a", TSR_E_UNSUPPORTED },
        { "", TSR_E_UNSUPPORTED },               { "http://", TSR_E_MALFORMED },
        { "http:///a", TSR_E_MALFORMED },        { "http://u:p@a/", TSR_E_MALFORMED },
        { "http://a:0/", TSR_E_MALFORMED },      { "http://a:65536/", TSR_E_MALFORMED },
        { "http://a:8x/", TSR_E_MALFORMED },     { "http://[::1/", TSR_E_MALFORMED },
        { "http://[::1]8/", TSR_E_MALFORMED },   { "http://a/b c", TSR_E_MALFORMED },
        { "http://a/\r\nX: y", TSR_E_MALFORMED }, { "http://a\\b/", TSR_E_MALFORMED },
        { "http://[]/", TSR_E_MALFORMED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tsr_http_url u = { .port = 7 };

        assert_int_equal(tsr_http_url_parse(tsr_text(all[i].url), &u), all[i].err);
        assert_int_equal(u.port, 7); /* untouched */
    }
}

/* RFC 3986 §5.2, RFC 3986 §5.2.4: the examples of RFC 3986 §5.4, as far as HTTP is concerned */
static void test_url_references(void **state)
{
    static const char *const all[][2] = {
        { "g", "http://a/b/c/g" },         { "./g", "http://a/b/c/g" },       { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" },            { "//g", "http://g" },             { "?y", "http://a/b/c/d;p?y" },
        { "g?y", "http://a/b/c/g?y" },     { "#s", "http://a/b/c/d;p?q#s" },  { "", "http://a/b/c/d;p?q" },
        { "g?y#s", "http://a/b/c/g?y#s" }, { ";x", "http://a/b/c/;x" },       { ".", "http://a/b/c/" },
        { "..", "http://a/b/" },           { "../g", "http://a/b/g" },        { "../..", "http://a/" },
        { "../../g", "http://a/g" },       { "../../../g", "http://a/g" },    { "/./g", "http://a/g" },
        { "/../g", "http://a/g" },         { "g.", "http://a/b/c/g." },       { "..g", "http://a/b/c/..g" },
        { "./../g", "http://a/b/g" },      { "g/./h", "http://a/b/c/g/h" },   { "g/../h", "http://a/b/c/h" },
        { "g?y/../x", "http://a/b/c/g?y/../x" }, { "https://b:8/x", "https://b:8/x" },
    };
    uint8_t room[64];
    tsr_http_url base, lone;
    tsr_buf out;

    (void)state;
    assert_int_equal(tsr_http_url_parse(tsr_text("http://a/b/c/d;p?q"), &base), TSR_OK);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        out = tsr_buf_over(room, sizeof room);
        assert_int_equal(tsr_http_url_resolve(&base, tsr_text(all[i][0]), &out), TSR_OK);
        assert_true(tsr_same(tsr_buf_view(&out), tsr_text(all[i][1])));
    }
    assert_int_equal(tsr_http_url_parse(tsr_text("https://a:1"), &lone), TSR_OK);
    out = tsr_buf_over(room, sizeof room);
    assert_int_equal(tsr_http_url_resolve(&lone, tsr_text("g"), &out), TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&out), tsr_text("https://a:1/g")));
    out = tsr_buf_over(room, 12);
    assert_int_equal(tsr_http_url_resolve(&base, tsr_text("g"), &out), TSR_E_SPACE);
    assert_int_equal(tsr_http_url_resolve(&base, tsr_text("a b"), &out), TSR_E_MALFORMED);
    assert_int_equal(tsr_http_url_resolve(&base, tsr_text("a\r\nb"), &out), TSR_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_parts),
        cmocka_unit_test(test_url_refused),
        cmocka_unit_test(test_url_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
