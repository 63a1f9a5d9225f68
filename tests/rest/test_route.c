/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/rest/route.h"

static tsr_err find(const char *method, const char *path, rest_match *m)
{
    static char allow[64];

    memset(m, 0, sizeof *m);
    return rest_route_find(method, path, m, allow, sizeof allow);
}

static void test_route_takes_identifiers(void **state)
{
    rest_match m;

    (void)state;
    assert_int_equal(find("GET", "/devices/dev1/objects/3303/0/5700", &m), TSR_OK);
    assert_string_equal(m.endpoint, "dev1");
    assert_int_equal(m.path.depth, 3);
    assert_int_equal(m.path.object, 3303);
    assert_int_equal(m.path.resource, 5700);
    assert_string_equal(m.route->pattern,
                        "/devices/{endpoint}/objects/{object}/{instance}/{resource}");
}

static void test_route_tells_words_from_numbers(void **state)
{
    rest_match m;

    (void)state;
    assert_int_equal(find("POST", "/devices/d/objects/3/0/4/execute", &m), TSR_OK);
    assert_int_equal(m.path.depth, 3);
    assert_int_equal(find("GET", "/devices/d/objects/3/discover", &m), TSR_OK);
    assert_int_equal(m.path.depth, 1);
    assert_int_equal(find("PUT", "/devices/d/objects/3/0/6/1", &m), TSR_OK);
    assert_int_equal(m.path.depth, 4);
}

static void test_route_decodes_endpoint_after_splitting(void **state)
{
    rest_match m;

    (void)state;
    assert_int_equal(find("GET", "/devices/urn%3Adev%3aa%2Fb", &m), TSR_OK);
    assert_string_equal(m.endpoint, "urn:dev:a/b");
    assert_int_equal(find("GET", "/devices/gr%C3%BCn", &m), TSR_OK);
    assert_string_equal(m.endpoint, "gr\xc3\xbcn");
}

static void test_route_rejects_bad_encoding(void **state)
{
    static const char *const bad[] = { "/devices/a%",     "/devices/a%4", "/devices/a%zz",
                                       "/devices/a%00b",  "/devices/%c3", "/devices/%ed%a0%80",
                                       "/devices/%c0%af", "/devices/\xff" };
    rest_match m;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(find("GET", bad[i], &m), TSR_E_MALFORMED);
}

static void test_route_rejects_long_endpoint(void **state)
{
    char path[512] = "/devices/";
    rest_match m;

    (void)state;
    memset(path + 9, 'a', 255);
    path[9 + 255] = '\0';
    assert_int_equal(find("GET", path, &m), TSR_OK);
    path[9 + 255] = 'a';
    path[9 + 256] = '\0';
    assert_int_equal(find("GET", path, &m), TSR_E_MALFORMED);
}

static void test_route_rejects_unknown(void **state)
{
    static const char *const bad[] = { "/nothing",
                                       "/devices/",
                                       "/devices//",
                                       "/devices//objects/3",
                                       "/devices/d/",
                                       "/devices/d/objects",
                                       "/devices/d/objects/x",
                                       "/devices/d/objects/-1",
                                       "/devices/d/objects/65535",
                                       "/devices/d/objects/65536",
                                       "/devices/d/objects/3/",
                                       "/devices/d/objects/3/0/1/2/3",
                                       "/devices/d/objects/3/0/execute",
                                       "/models/three" };
    rest_match m;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(find("GET", bad[i], &m), TSR_E_NOT_FOUND);
}

static void test_route_names_allowed_methods(void **state)
{
    rest_match m;

    (void)state;
    assert_int_equal(find("PATCH", "/devices/d/objects/3/0", &m), TSR_E_UNSUPPORTED);
    assert_string_equal(m.allow, "GET, PUT, DELETE");
    assert_int_equal(find("POST", "/devices", &m), TSR_E_UNSUPPORTED);
    assert_string_equal(m.allow, "GET");
}

static void test_route_fits_its_own_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < rest_route_count; i++) {
        char path[256];
        tsr_buf out = tsr_buf_over(path, sizeof path - 1);
        bool inside = false;
        rest_match m;

        for (const char *p = rest_routes[i].pattern; *p != '\0'; p++) {
            if (*p == '{')
                tsr_put_text(&out, "7");
            inside = *p == '{' || (inside && *p != '}');
            if (!inside && *p != '}')
                tsr_put_u8(&out, (uint8_t)*p);
        }
        path[out.len] = '\0';
        assert_int_equal(find(rest_routes[i].method, path, &m), TSR_OK);
        assert_ptr_equal(m.route, &rest_routes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_takes_identifiers),
        cmocka_unit_test(test_route_tells_words_from_numbers),
        cmocka_unit_test(test_route_decodes_endpoint_after_splitting),
        cmocka_unit_test(test_route_rejects_bad_encoding),
        cmocka_unit_test(test_route_rejects_long_endpoint),
        cmocka_unit_test(test_route_rejects_unknown),
        cmocka_unit_test(test_route_names_allowed_methods),
        cmocka_unit_test(test_route_fits_its_own_pattern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
