/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "ports/linux/bundle/bundle.h"

static uint8_t room[16 * 1024];

static tsr_buf begin(void)
{
    memset(room, 0xa5, sizeof room);
    return tsr_buf_over(room, sizeof room);
}

static void add(tsr_buf *out, const char *name, uint32_t mode, const char *content)
{
    static const uint8_t zeros[TSR_BUNDLE_BLOCK];

    assert_int_equal(tsr_bundle_put_head(out, name, mode, strlen(content)), TSR_OK);
    tsr_put_text(out, content);
    tsr_put_bytes(out, tsr_view(zeros, tsr_bundle_padding(strlen(content))));
}

static tsr_bytes end(tsr_buf *out)
{
    uint8_t *tail = tsr_buf_claim(out, 2 * TSR_BUNDLE_BLOCK);

    assert_non_null(tail);
    memset(tail, 0, 2 * TSR_BUNDLE_BLOCK);
    return tsr_buf_view(out);
}

static void fix_sum(uint8_t *head)
{
    uint32_t sum = 0;
    char text[8];

    memset(head + 148, ' ', 8);
    for (size_t i = 0; i < TSR_BUNDLE_BLOCK; i++)
        sum += head[i];
    (void)snprintf(text, sizeof text, "%06o", (unsigned)sum);
    memcpy(head + 148, text, 7);
}

static void test_bundle_reads_what_it_wrote(void **state)
{
    tsr_buf out = begin();
    tsr_bundle_file f;

    (void)state;
    add(&out, "bin/tesserad", 0755, "program");
    add(&out, "etc/empty", 0644, "");
    tsr_bundle walk = { end(&out) };

    assert_int_equal(tsr_bundle_next(&walk, &f), TSR_OK);
    assert_string_equal(f.name, "bin/tesserad");
    assert_int_equal(f.mode, 0755);
    assert_true(tsr_same(f.content, tsr_text("program")));
    assert_int_equal(tsr_bundle_next(&walk, &f), TSR_OK);
    assert_string_equal(f.name, "etc/empty");
    assert_int_equal(f.content.len, 0);
    assert_int_equal(tsr_bundle_next(&walk, &f), TSR_END);
    assert_int_equal(tsr_bundle_next(&walk, &f), TSR_END);
}

static void test_bundle_finds_by_name(void **state)
{
    tsr_buf out = begin();
    tsr_bundle_file f;

    (void)state;
    add(&out, "bin/other", 0755, "other");
    add(&out, "bin/tesserad", 0755, "program");
    tsr_bytes archive = end(&out);

    assert_int_equal(tsr_bundle_find(archive, "bin/tesserad", &f), TSR_OK);
    assert_true(tsr_same(f.content, tsr_text("program")));
    assert_int_equal(tsr_bundle_find(archive, "bin/tessera", &f), TSR_E_NOT_FOUND);
}

static void test_bundle_cuts_a_long_name_at_a_slash(void **state)
{
    tsr_buf out = begin();
    tsr_bundle_file f;
    char name[240], solid[140];

    (void)state;
    memset(name, 'd', sizeof name);
    name[150] = '/';
    name[sizeof name - 1] = 0;
    add(&out, name, 0644, "x");
    assert_int_equal(tsr_bundle_find(end(&out), name, &f), TSR_OK);
    memset(solid, 's', sizeof solid);
    solid[sizeof solid - 1] = 0;
    assert_int_equal(tsr_bundle_put_head(&out, solid, 0644, 0), TSR_E_ARGUMENT);
}

static void test_bundle_refuses_names_that_leave_it(void **state)
{
    static const char *const names[] = { "/etc/passwd", "../x", "a/../b", "a//b", ".", "a/", "" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tsr_buf out = begin();
        tsr_bundle_file f;

        assert_int_equal(tsr_bundle_put_head(&out, names[i], 0644, 0), TSR_E_ARGUMENT);
        add(&out, "harmless", 0644, "x");
        tsr_bytes archive = end(&out);

        memset(room, 0, 100);
        memcpy(room, names[i], strlen(names[i]));
        fix_sum(room);
        assert_int_equal(tsr_bundle_find(archive, "harmless", &f), TSR_E_DENIED);
    }
}

static void test_bundle_refuses_links_and_dialects(void **state)
{
    tsr_bundle_file f;

    (void)state;
    for (const char *type = "123467Lxg"; *type != 0; type++) {
        tsr_buf out = begin();

        add(&out, "file", 0644, "x");
        tsr_bytes archive = end(&out);

        room[156] = (uint8_t)*type;
        fix_sum(room);
        assert_int_equal(tsr_bundle_find(archive, "file", &f), TSR_E_UNSUPPORTED);
    }
    tsr_buf out = begin();

    add(&out, "file", 0644, "x");
    tsr_bytes archive = end(&out);

    memcpy(room + 257, "ustar  ", 8); /* the old GNU dialect */
    fix_sum(room);
    assert_int_equal(tsr_bundle_find(archive, "file", &f), TSR_E_UNSUPPORTED);
}

static void test_bundle_passes_over_directories(void **state)
{
    tsr_buf out = begin();
    tsr_bundle_file f;

    (void)state;
    add(&out, "bin", 0755, "");
    room[156] = '5';
    memcpy(room, "bin/", 4);
    fix_sum(room);
    add(&out, "bin/tesserad", 0755, "program");
    assert_int_equal(tsr_bundle_find(end(&out), "bin/tesserad", &f), TSR_OK);
}

static void test_bundle_refuses_every_cut(void **state)
{
    tsr_buf out = begin();
    tsr_bundle_file f;

    (void)state;
    add(&out, "a", 0644, "content of a");
    size_t whole = out.len;

    for (size_t n = 0; n < whole; n++)
        assert_int_equal(tsr_bundle_find(tsr_view(room, n), "b", &f), TSR_E_MALFORMED);
}

static void test_bundle_refuses_every_flipped_bit_of_a_head(void **state)
{
    tsr_buf out = begin();
    tsr_bundle_file f;
    unsigned passed = 0;

    (void)state;
    add(&out, "a", 0644, "content of a");
    tsr_bytes archive = end(&out);

    for (size_t i = 0; i < TSR_BUNDLE_BLOCK; i++) {
        if (i == 155) /* the checksum's last byte means nothing */
            continue;
        for (unsigned bit = 0; bit < 8; bit++) {
            room[i] ^= (uint8_t)(1u << bit);
            passed += tsr_bundle_find(archive, "a", &f) == TSR_OK;
            room[i] ^= (uint8_t)(1u << bit);
        }
    }
    /* In the checksum alone: a leading zero may be a space, and the end either of both. */
    assert_in_range(passed, 1, 2);
}

static void test_bundle_refuses_a_size_beyond_its_end(void **state)
{
    tsr_buf out = begin();
    tsr_bundle_file f;

    (void)state;
    assert_int_equal(tsr_bundle_put_head(&out, "huge", 0644, 0x1ffffffffu), TSR_OK);
    tsr_bytes archive = end(&out);

    assert_int_equal(tsr_bundle_find(archive, "huge", &f), TSR_E_MALFORMED);
    memcpy(room + 124, "777777777777", 12); /* without the zero at its end */
    fix_sum(room);
    assert_int_equal(tsr_bundle_find(archive, "huge", &f), TSR_E_MALFORMED);
    memcpy(room + 124, "-1         ", 12);
    fix_sum(room);
    assert_int_equal(tsr_bundle_find(archive, "huge", &f), TSR_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle_reads_what_it_wrote),
        cmocka_unit_test(test_bundle_finds_by_name),
        cmocka_unit_test(test_bundle_cuts_a_long_name_at_a_slash),
        cmocka_unit_test(test_bundle_refuses_names_that_leave_it),
        cmocka_unit_test(test_bundle_refuses_links_and_dialects),
        cmocka_unit_test(test_bundle_passes_over_directories),
        cmocka_unit_test(test_bundle_refuses_every_cut),
        cmocka_unit_test(test_bundle_refuses_every_flipped_bit_of_a_head),
        cmocka_unit_test(test_bundle_refuses_a_size_beyond_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
