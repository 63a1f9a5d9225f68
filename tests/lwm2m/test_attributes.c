/* SPDX-License-Identifier: Apache-2.0
 *
 * Notification attributes as tables: syntax, levels, sets that go together, and when they call for
 * a notification (Core 5.1.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tessera/lwm2m/client/attributes.h"

static const tsr_lwm2m_resource_info number = { 9, TSR_LWM2M_INTEGER, TSR_LWM2M_READ };
static const tsr_lwm2m_resource_info boolean = { 6, TSR_LWM2M_BOOLEAN, TSR_LWM2M_READ };
static const tsr_lwm2m_resource_info text = { 0, TSR_LWM2M_STRING, TSR_LWM2M_READ };

static void test_apply_takes_what_the_levels_allow(void **state)
{
    static const struct {
        const char *query;
        uint8_t depth;
        const tsr_lwm2m_resource_info *info;
        bool good;
    } cases[] = {
        { "pmin=0", 1, NULL, true },      { "pmin=10", 4, &text, true },
        { "pmax=4294967295", 2, NULL, true }, { "pmax=4294967296", 2, NULL, false },
        { "pmin=-1", 1, NULL, false },    { "pmin=1.5", 1, NULL, false },
        { "pmin=x", 1, NULL, false },     { "pmin", 1, NULL, true },
        { "pmin=", 1, NULL, true },       { "=5", 1, NULL, false },
        { "", 1, NULL, false },           { "PMIN=1", 1, NULL, false },
        { "gt=45", 3, &number, true },    { "gt=45.5", 3, &number, true },
        { "gt=-3.25", 4, &number, true }, { "gt=1e5", 3, &number, false },
        { "gt=", 3, &number, true },      { "gt=.", 3, &number, false },
        { "gt=--1", 3, &number, false },
        { "gt=1.", 3, &number, false },    { "gt=.5", 3, &number, false },
        { "gt=1.2.3", 3, &number, false }, { "gt=-", 3, &number, false },
        { "gt=1234567890123456", 3, &number, false }, { "gt=nan", 3, &number, false },  { "gt=45", 2, NULL, false },
        { "gt=45", 1, NULL, false },      { "gt=45", 3, &text, false },
        { "st=1", 3, &boolean, false },   { "lt=1", 3, &number, true },
        { "edge=1", 3, &boolean, true },  { "edge=0", 4, &boolean, true },
        { "edge=2", 3, &boolean, false }, { "edge=1", 3, &number, false },
        { "edge=1", 2, NULL, false },     { "con=1", 1, NULL, true },
        { "con=2", 1, NULL, false },      { "epmin=1", 3, &text, true },
        { "hqmax=5", 2, NULL, true },     { "nonsense=1", 3, &number, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tsr_lwm2m_attributes a = { 0 };
        tsr_err err = tsr_lwm2m_attribute_apply(&a, cases[i].depth, cases[i].info,
                                                tsr_text(cases[i].query));

        if ((err == TSR_OK) != cases[i].good)
            fail_msg("'%s' at depth %u gave %s", cases[i].query, cases[i].depth, tsr_err_name(err));
        if (err != TSR_OK)
            assert_int_equal(a.set, 0);
    }
}

static tsr_lwm2m_attributes parse(const tsr_lwm2m_resource_info *info, const char *queries)
{
    tsr_lwm2m_attributes a = { 0 };

    while (*queries != '\0') {
        size_t len = strcspn(queries, "&");

        assert_int_equal(tsr_lwm2m_attribute_apply(&a, 3, info, tsr_view(queries, len)), TSR_OK);
        queries += len + (queries[len] == '&');
    }
    return a;
}

/* lt < gt and lt + 2 st < gt; pmax below pmin is ignored, not refused. */
static void test_check_refuses_sets_that_cannot_stand(void **state)
{
    static const struct {
        const char *queries;
        bool good;
    } cases[] = {
        { "lt=20&gt=85&st=10", true }, { "lt=85&gt=20", false },
        { "lt=20&gt=20", false },      { "lt=20&gt=40&st=10", false },
        { "lt=20&gt=40.1&st=10", true }, { "gt=5&st=100", true },
        { "lt=5&st=100", true },       { "pmin=10&pmax=5", true },
        { "pmax=0", true },            { "epmin=5&epmax=5", false },
        { "epmin=4&epmax=5", true },   { "st=-1", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tsr_lwm2m_attributes a = parse(&number, cases[i].queries);

        if ((tsr_lwm2m_attributes_check(&a) == TSR_OK) != cases[i].good)
            fail_msg("%s", cases[i].queries);
    }
}

/* The worked cases: gt=45, st=10; and lt=20, gt=85, st=10. */
static void test_fire_on_crossings_steps_and_edges(void **state)
{
    static const struct {
        const char *queries;
        int64_t from, to;
        bool fires;
    } cases[] = {
        { "gt=45&st=10", 45, 50, true },  { "gt=45&st=10", 38, 49, true },
        { "gt=45&st=10", 48, 42, true },  { "gt=45&st=10", 48, 55, false },
        { "gt=45", 46, 45, false },       { "gt=45", 45, 44, true },
        { "gt=45", 44, 45, false },       { "gt=45", 60, 90, false },
        { "lt=20&gt=85&st=10", 87, 99, true }, { "lt=20&gt=85&st=10", 30, 35, false },
        { "lt=20&gt=85&st=10", 21, 19, true }, { "lt=20&gt=85&st=10", 19, 21, true },
        { "st=5", 10, 14, false },        { "st=5", 10, 15, true },
        { "st=5", 10, 5, true },          { "", 10, 11, true },
        { "", 10, 10, false },            { "pmin=5", 1, 2, true },
    };
    static const struct {
        const char *queries;
        bool from, to, fires;
    } edges[] = {
        { "edge=1", false, true, true },  { "edge=1", true, false, false },
        { "edge=0", true, false, true },  { "edge=0", false, true, false },
        { "edge=1", true, true, false },  { "", true, false, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tsr_lwm2m_attributes a = parse(&number, cases[i].queries);
        tsr_lwm2m_value from = tsr_lwm2m_int(cases[i].from), to = tsr_lwm2m_int(cases[i].to);

        if (tsr_lwm2m_attributes_fire(&a, &from, &to) != cases[i].fires)
            fail_msg("%s: %d to %d", cases[i].queries, (int)cases[i].from, (int)cases[i].to);
    }
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        tsr_lwm2m_attributes a = parse(&boolean, edges[i].queries);
        tsr_lwm2m_value from = tsr_lwm2m_bool(edges[i].from), to = tsr_lwm2m_bool(edges[i].to);

        if (tsr_lwm2m_attributes_fire(&a, &from, &to) != edges[i].fires)
            fail_msg("%s: %d to %d", edges[i].queries, edges[i].from, edges[i].to);
    }
}

static void test_inherit_keeps_the_inner_level(void **state)
{
    tsr_lwm2m_attributes inner = parse(&number, "pmin=1&gt=5");
    tsr_lwm2m_attributes outer = parse(&number, "pmin=9&pmax=60&lt=2.5");
    char room[96];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    tsr_lwm2m_attributes_inherit(&inner, &outer);
    tsr_lwm2m_attributes_put(&out, &inner);
    assert_true(tsr_same(tsr_buf_view(&out), tsr_text(";pmin=1;pmax=60;gt=5;lt=2.5")));
}

/* What was read is what is shown, to the last digit. */
static void test_thresholds_are_shown_as_they_were_written(void **state)
{
    static const char *const reals[] = { "0", "1", "42.2", "-3.25", "0.1", "0.001", "100", "123456789012345",
                                         "0.00000000000001", "99999.9999999999", "5.05", "0.3", "1000000.5" };
    char query[64], shown[64];

    (void)state;
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        tsr_lwm2m_attributes a = { 0 };
        tsr_buf out = tsr_buf_over(shown, sizeof shown - 1);

        snprintf(query, sizeof query, "gt=%s", reals[i]);
        assert_int_equal(tsr_lwm2m_attribute_apply(&a, 3, &number, tsr_text(query)), TSR_OK);
        assert_true(a.real[0] >= strtod(reals[i], NULL) && a.real[0] <= strtod(reals[i], NULL));
        tsr_lwm2m_attributes_put(&out, &a);
        shown[out.len] = '\0';
        assert_string_equal(shown + 1, query);
    }
}

static void test_save_and_load_give_the_same(void **state)
{
    tsr_lwm2m_attributes a = parse(&number, "pmin=1&pmax=2&epmin=3&epmax=4&con=1&hqmax=6&gt=7.25&lt=-8&st=9");
    tsr_lwm2m_attributes b = { 0 };
    uint8_t room[96];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes in;

    (void)state;
    tsr_lwm2m_attributes_save(&out, &a);
    in = tsr_buf_view(&out);
    assert_int_equal(tsr_lwm2m_attributes_load(&in, &b), TSR_OK);
    assert_int_equal(in.len, 0);
    assert_int_equal(a.set, b.set);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(a.whole[i], b.whole[i]);
    assert_memory_equal(a.real, b.real, sizeof a.real);
    for (size_t cut = 0; cut < out.len; cut++) {
        in = tsr_view(room, cut);
        assert_int_equal(tsr_lwm2m_attributes_load(&in, &b), TSR_E_MALFORMED);
    }
    room[0] = 0xff;
    in = tsr_buf_view(&out);
    assert_int_equal(tsr_lwm2m_attributes_load(&in, &b), TSR_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply_takes_what_the_levels_allow),
        cmocka_unit_test(test_check_refuses_sets_that_cannot_stand),
        cmocka_unit_test(test_fire_on_crossings_steps_and_edges),
        cmocka_unit_test(test_inherit_keeps_the_inner_level),
        cmocka_unit_test(test_thresholds_are_shown_as_they_were_written),
        cmocka_unit_test(test_save_and_load_give_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
