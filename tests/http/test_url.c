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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_parts),
        cmocka_unit_test(test_url_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
