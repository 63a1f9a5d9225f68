/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/lwm2m/model/path.h"

static void test_path_parses_and_prints(void **state)
{
    static const struct {
        const char *in, *out;
        uint8_t depth;
    } cases[] = {
        { "", "/", 0 },           { "/", "/", 0 },        { "/3", "/3", 1 },
        { "3/0", "/3/0", 2 },     { "/3/0/", "/3/0", 2 }, { "/3/0/9", "/3/0/9", 3 },
        { "/3/0/7/1", "/3/0/7/1", 4 }, { "/65535/65535/65535/65535", "/65535/65535/65535/65535", 4 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t room[TSR_LWM2M_PATH_TEXT];
        tsr_buf out = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_path path;

        assert_int_equal(tsr_lwm2m_path_parse(tsr_text(cases[i].in), &path), TSR_OK);
        assert_int_equal(path.depth, cases[i].depth);
        tsr_lwm2m_path_put(&out, path);
        assert_int_equal(out.err, TSR_OK);
        assert_true(tsr_same(tsr_buf_view(&out), tsr_text(cases[i].out)));
    }
}

static void test_path_refuses_what_is_none(void **state)
{
    static const char *const bad[] = { "//", "/3//0", "/3/0/9/1/2", "/65536", "/-1", "/03", "/3a",
                                       "/ 3", "/3/0/9/1//", "/123456", "a", "/3?" };
    tsr_lwm2m_path path = tsr_lwm2m_at_object(7);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(tsr_lwm2m_path_parse(tsr_text(bad[i]), &path), TSR_E_MALFORMED);
    assert_int_equal(path.object, 7);
}

static void test_path_orders_as_a_tree(void **state)
{
    static const char *const order[] = { "/", "/0", "/0/0", "/0/0/0", "/0/0/0/0", "/0/0/0/1",
                                         "/0/0/1", "/0/1", "/1", "/1/0/65535", "/1/1", "/65535" };
    enum { N = sizeof order / sizeof order[0] };

    (void)state;
    for (size_t a = 0; a < N; a++) {
        for (size_t b = 0; b < N; b++) {
            tsr_lwm2m_path x, y;

            assert_int_equal(tsr_lwm2m_path_parse(tsr_text(order[a]), &x), TSR_OK);
            assert_int_equal(tsr_lwm2m_path_parse(tsr_text(order[b]), &y), TSR_OK);

            int c = tsr_lwm2m_path_compare(x, y);

            assert_int_equal(c < 0 ? -1 : c > 0, a < b ? -1 : a > b);
            assert_int_equal(tsr_lwm2m_path_same(x, y), a == b);
        }
    }
}

static void test_path_contains_itself_and_below(void **state)
{
    tsr_lwm2m_path device = tsr_lwm2m_at_instance(3, 0);
    tsr_lwm2m_path stale = { 3, 0, 9, 9, 2 }; /* what is beyond the depth does not count */

    (void)state;
    assert_true(tsr_lwm2m_path_contains(tsr_lwm2m_at_root(), device));
    assert_true(tsr_lwm2m_path_contains(device, device));
    assert_true(tsr_lwm2m_path_contains(device, tsr_lwm2m_at_resource_instance(3, 0, 7, 1)));
    assert_false(tsr_lwm2m_path_contains(device, tsr_lwm2m_at_object(3)));
    assert_false(tsr_lwm2m_path_contains(device, tsr_lwm2m_at_resource(3, 1, 7)));
    assert_true(tsr_lwm2m_path_same(stale, device));
    assert_true(tsr_lwm2m_path_contains(stale, tsr_lwm2m_at_resource(3, 0, 1)));
}

static void test_path_goes_up_and_down(void **state)
{
    tsr_lwm2m_path full = tsr_lwm2m_at_resource_instance(3, 1, 7, 2);
    tsr_lwm2m_path up = tsr_lwm2m_path_up(full, 2);

    (void)state;
    assert_int_equal(up.depth, 2);
    assert_int_equal(up.resource, 0);
    assert_true(tsr_lwm2m_path_same(tsr_lwm2m_path_down(tsr_lwm2m_path_down(up, 7), 2), full));
    assert_int_equal(tsr_lwm2m_path_up(up, 4).depth, 2);
    assert_int_equal(tsr_lwm2m_path_push(&full, tsr_text("1")), TSR_E_MALFORMED);
    assert_int_equal(tsr_lwm2m_path_push(&up, tsr_text("")), TSR_E_MALFORMED);
    assert_int_equal(tsr_lwm2m_path_push(&up, tsr_text("65535")), TSR_OK);
    assert_int_equal(up.resource, 65535);
}

/* Transport 6.4.1, RFC 3986 §2.3 */
static void test_root_has_names_alone(void **state)
{
    static const char *const good[] = { "", "/lwm2m", "/a", "/app/v1.2/~x_y-Z", "/3x" };
    static const char *const bad[] = { "/", "lwm2m", "/lwm2m/", "//lwm2m", "/lwm2m//a", "/3", "/lwm2m/3", "/3/lwm2m", "/.", "/..",
                                       "/lw m2m", "/lw%6d2m", "/a\"b", "/a>b", "/a?b", "/a#b", "/\xc3\xa9",
                                       "/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcd" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(tsr_lwm2m_root_is_good(tsr_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(tsr_lwm2m_root_is_good(tsr_text(bad[i])));
    assert_false(tsr_lwm2m_root_is_good(tsr_view("/a\0b", 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root_has_names_alone),
        cmocka_unit_test(test_path_parses_and_prints),
        cmocka_unit_test(test_path_refuses_what_is_none),
        cmocka_unit_test(test_path_orders_as_a_tree),
        cmocka_unit_test(test_path_contains_itself_and_below),
        cmocka_unit_test(test_path_goes_up_and_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
