/* SPDX-License-Identifier: Apache-2.0
 *
 * DTLS sessions by their IDs (server/engine/session_ids.h). RFC 5246 §7.4.1.2 */
#include "server/engine/session_ids.h"

#include "tessera/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, ROOM = 64 };

static session_ids *ids;

/* IDs as random ones are, from a number. */
static tsr_bytes id_of(uint32_t n, uint8_t room[SESSION_ID_LEN])
{
    uint64_t h = tsr_hash(7, tsr_view(&n, sizeof n));

    memset(room, 0, SESSION_ID_LEN);
    memcpy(room, &h, sizeof h);
    memcpy(room + sizeof h, &n, sizeof n);
    return tsr_view(room, SESSION_ID_LEN);
}

static void keep(uint32_t n, uint64_t now_ms, const char *bound, const char *plain)
{
    uint8_t room[SESSION_ID_LEN];

    session_ids_keep(ids, now_ms, id_of(n, room), tsr_text(bound), tsr_text(plain));
}

static bool finds(uint32_t n, uint64_t now_ms, const char *bound, const char *plain)
{
    uint8_t room[SESSION_ID_LEN], bytes[ROOM];
    tsr_buf out = tsr_buf_over(bytes, sizeof bytes);

    return session_ids_find(ids, now_ms, id_of(n, room), tsr_text(bound), &out) == TSR_OK &&
           tsr_same(tsr_buf_view(&out), tsr_text(plain));
}

static void test_finds_what_it_kept(void **state)
{
    (void)state;
    keep(1, 0, "door", "one");
    keep(2, 0, "door", "two");
    assert_true(finds(1, 5, "door", "one"));
    assert_true(finds(2, 5, "door", "two"));
    assert_true(finds(1, 5, "door", "one"));
    assert_false(finds(3, 5, "door", ""));
    assert_false(finds(1, 5, "window", "one"));
    assert_false(finds(1, 5, "doo", "one"));
    keep(1, 6, "door", "one again");
    assert_true(finds(1, 7, "door", "one again"));
}

/* The clock of another shard may be a turn behind. */
static void test_nothing_is_kept_for_longer_than_it_should(void **state)
{
    (void)state;
    keep(1, 10, "", "one");
    assert_true(finds(1, 5, "", "one"));
    assert_true(finds(1, 10 + 12 * (uint64_t)HOUR_MS - 1, "", "one"));
    assert_false(finds(1, 10 + 12 * (uint64_t)HOUR_MS, "", "one"));
    assert_false(finds(1, 10, "", "one")); /* it went with that */
}

static void test_oldest_go_first(void **state)
{
    unsigned old = 0, fresh = 0;

    (void)state;
    for (uint32_t n = 0; n < 2 * SESSION_IDS; n++)
        keep(n, n, "", "one");
    for (uint32_t n = 0; n < 2 * SESSION_IDS; n++)
        *(n < SESSION_IDS ? &old : &fresh) += finds(n, n, "", "one");
    assert_true(fresh > SESSION_IDS * 3 / 4);
    assert_true(old < SESSION_IDS / 4);
    assert_true(finds(2 * SESSION_IDS - 1, 0, "", "one"));
}

static void test_odd_sizes(void **state)
{
    static const uint8_t zeros[SESSION_BOUND_MAX + 1];
    static uint8_t large[UINT16_MAX + 1];
    uint8_t room[SESSION_ID_LEN], bytes[2];
    tsr_buf out = tsr_buf_over(bytes, sizeof bytes);

    (void)state;
    for (size_t n = 0; n < SESSION_ID_LEN; n++) {
        session_ids_keep(ids, 0, tsr_view(zeros, n), tsr_text(""), tsr_text("x"));
        assert_int_equal(session_ids_find(ids, 0, tsr_view(zeros, n), tsr_text(""), &out), TSR_E_NOT_FOUND);
    }
    session_ids_keep(ids, 0, id_of(1, room), tsr_view(zeros, sizeof zeros), tsr_text("x"));
    session_ids_keep(ids, 0, id_of(1, room), tsr_text(""), tsr_text(""));
    session_ids_keep(ids, 0, id_of(1, room), tsr_text(""), tsr_view(large, sizeof large));
    assert_int_equal(session_ids_find(ids, 0, id_of(1, room), tsr_text(""), &out), TSR_E_NOT_FOUND);
    keep(1, 0, "", "too long");
    assert_int_equal(session_ids_find(ids, 0, id_of(1, room), tsr_text(""), &out), TSR_E_SPACE);
}

static void *busy(void *arg)
{
    uint32_t first = *(uint32_t *)arg;

    for (uint32_t n = 0; n < 20000; n++) {
        keep(n % 500, n, "", "one");
        (void)finds((n + first) % 500, n, "", "one");
    }
    return NULL;
}

static void test_from_several_threads(void **state)
{
    pthread_t thread[4];
    uint32_t first[4] = { 0, 100, 200, 300 };

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, busy, &first[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (uint32_t n = 0; n < 500; n++)
        assert_true(finds(n, 20000, "", "one"));
}

static int begin(void **state)
{
    (void)state;
    ids = session_ids_new();
    return ids == NULL;
}

static int end(void **state)
{
    (void)state;
    session_ids_free(ids);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_finds_what_it_kept), TEST(test_nothing_is_kept_for_longer_than_it_should),
        TEST(test_oldest_go_first),    TEST(test_odd_sizes),
        TEST(test_from_several_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
