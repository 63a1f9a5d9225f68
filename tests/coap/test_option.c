/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tessera/coap/option.h"

#define BYTES(...)                                                                                 \
    tsr_view((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void test_option_reads_deltas_and_payload(void **state)
{
    tsr_coap_opts it = { .rest = BYTES(0x60, 0x51, '3', 0x01, '0', 0xff, 'p') };
    tsr_coap_opt opt;

    (void)state;
    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_OK);
    assert_int_equal(opt.number, TSR_COAP_OBSERVE);
    assert_int_equal(opt.value.len, 0);
    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_OK);
    assert_int_equal(opt.number, TSR_COAP_URI_PATH);
    assert_true(tsr_same(opt.value, tsr_text("3")));
    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_OK);
    assert_int_equal(opt.number, TSR_COAP_URI_PATH);
    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_END);
    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_END);
    assert_true(tsr_same(it.payload, tsr_text("p")));
}

/* RFC 7252 §3.1: extended deltas and lengths, at their borders. */
static void test_option_reads_extended_borders(void **state)
{
    static const uint16_t numbers[] = { 0, 12, 13, 268, 269, 65535 };
    static const size_t lengths[] = { 0, 12, 13, 268, 269, 65804 };
    static uint8_t room[65900], value[65804];

    (void)state;
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n < 6; n++) {
        for (size_t l = 0; l < 6; l++) {
            tsr_buf out = tsr_buf_over(room, sizeof room);
            uint16_t last = 0;
            tsr_coap_opt opt;

            tsr_coap_put_opt(&out, &last, numbers[n], tsr_view(value, lengths[l]));
            assert_int_equal(out.err, TSR_OK);

            tsr_coap_opts it = { .rest = tsr_buf_view(&out) };

            assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_OK);
            assert_int_equal(opt.number, numbers[n]);
            assert_true(tsr_same(opt.value, tsr_view(value, lengths[l])));
            assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_END);
        }
    }
}

static void malformed(tsr_bytes in)
{
    /* an exact copy on the heap, so that one byte too far is seen by the sanitizer */
    uint8_t *copy = malloc(in.len);
    tsr_coap_opt opt = { 77, { NULL, 0 } };

    memcpy(copy, in.ptr, in.len);

    tsr_coap_opts it = { .rest = tsr_view(copy, in.len) }, before = it;

    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_E_MALFORMED);
    assert_memory_equal(&it, &before, sizeof it);
    assert_int_equal(opt.number, 77);
    free(copy);
}

static void test_option_rejects_reserved_nibble(void **state)
{
    (void)state;
    malformed(BYTES(0xf0, 0, 0, 0));
    malformed(BYTES(0x0f, 0, 0, 0));
    malformed(BYTES(0xf1, 0, 0, 0));
}

static void test_option_rejects_what_is_cut_off(void **state)
{
    (void)state;
    malformed(BYTES(0x01));
    malformed(BYTES(0xd0));
    malformed(BYTES(0xe0, 0));
    malformed(BYTES(0x0d));
    malformed(BYTES(0x0e, 0));
    malformed(BYTES(0x0d, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    malformed(BYTES(0x0e, 0xff, 0xff, 0));
    malformed(BYTES(0xff));
}

static void test_option_rejects_number_above_65535(void **state)
{
    (void)state;
    malformed(BYTES(0xe0, 0xff, 0xff));

    tsr_coap_opts it = { .rest = BYTES(0xe0, 0xfe, 0xf2, 0x10) }; /* 65535, then one more */
    tsr_coap_opt opt;

    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_OK);
    assert_int_equal(opt.number, 65535);
    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_E_MALFORMED);
}

static void test_option_find_skips_others(void **state)
{
    tsr_coap_opts it = { .rest = BYTES(0xb1, 'a', 0x41, 'q', 0x01, 'r', 0x20) };
    tsr_bytes value;

    (void)state;
    assert_int_equal(tsr_coap_opt_find(&it, TSR_COAP_URI_QUERY, &value), TSR_OK);
    assert_true(tsr_same(value, tsr_text("q")));
    assert_int_equal(tsr_coap_opt_find(&it, TSR_COAP_URI_QUERY, &value), TSR_OK);
    assert_true(tsr_same(value, tsr_text("r")));
    assert_int_equal(tsr_coap_opt_find(&it, TSR_COAP_URI_QUERY, &value), TSR_END);
}

/* RFC 7252 §3.2: leading zeros are read, never written. */
static void test_option_uint_is_shortest_when_written(void **state)
{
    static const struct {
        uint32_t v;
        size_t len;
    } cases[] = { { 0, 0 }, { 1, 1 }, { 255, 1 }, { 256, 2 }, { 65536, 3 }, { UINT32_MAX, 4 } };
    uint32_t v = 9;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        uint8_t room[8];
        tsr_buf out = tsr_buf_over(room, sizeof room);
        uint16_t last = 0;

        tsr_coap_put_opt_uint(&out, &last, 6, cases[i].v);
        assert_int_equal(out.len, 1 + cases[i].len);
        assert_int_equal(tsr_coap_opt_uint(tsr_skip(tsr_buf_view(&out), 1), &v), TSR_OK);
        assert_int_equal(v, cases[i].v);
    }
    assert_int_equal(tsr_coap_opt_uint(BYTES(0, 0, 0, 5), &v), TSR_OK);
    assert_int_equal(v, 5);
    assert_int_equal(tsr_coap_opt_uint(BYTES(0, 0, 0, 0, 5), &v), TSR_E_MALFORMED);
    assert_int_equal(v, 5);
}

static void test_option_writer_rejects_descending_numbers(void **state)
{
    uint8_t room[8];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 12;

    (void)state;
    tsr_coap_put_opt(&out, &last, 11, tsr_view("", 0));
    assert_int_equal(out.err, TSR_E_ARGUMENT);
    assert_int_equal(out.len, 0);
    assert_int_equal(last, 12);
}

static void test_option_writer_writes_whole_or_nothing(void **state)
{
    uint8_t room[4];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    (void)state;
    tsr_coap_put_opt(&out, &last, 11, tsr_text("abcd"));
    assert_int_equal(out.err, TSR_E_SPACE);
    assert_int_equal(out.len, 0);
}

static void text_is(const char *text, char separator, tsr_bytes want)
{
    uint8_t room[32];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, text, separator);
    assert_int_equal(out.err, TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&out), want));
}

/* RFC 7252 §6.4: "/" and "" have no Uri-Path; an empty last segment counts. */
static void test_option_text_splits_a_path(void **state)
{
    (void)state;
    text_is("/3/0/9", '/', BYTES(0xb1, '3', 0x01, '0', 0x01, '9'));
    text_is("rd", '/', BYTES(0xb2, 'r', 'd'));
    text_is("/", '/', tsr_view("", 0));
    text_is("", '/', tsr_view("", 0));
    text_is("/a/", '/', BYTES(0xb1, 'a', 0x00));
    text_is("//a", '/', BYTES(0xb0, 0x01, 'a'));
    text_is("a=1&b", '&', BYTES(0xb3, 'a', '=', '1', 0x01, 'b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_option_reads_deltas_and_payload),
        cmocka_unit_test(test_option_reads_extended_borders),
        cmocka_unit_test(test_option_rejects_reserved_nibble),
        cmocka_unit_test(test_option_rejects_what_is_cut_off),
        cmocka_unit_test(test_option_rejects_number_above_65535),
        cmocka_unit_test(test_option_find_skips_others),
        cmocka_unit_test(test_option_uint_is_shortest_when_written),
        cmocka_unit_test(test_option_writer_rejects_descending_numbers),
        cmocka_unit_test(test_option_writer_writes_whole_or_nothing),
        cmocka_unit_test(test_option_text_splits_a_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
