/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log: order, paging, bounds, what is left out, and that it is there after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/audit/audit.h"
#include "tessera/json/json.h"

enum { SEEN = 64 };

typedef struct {
    char folder[64];
    tsr_store *store;
    tsr_audit *audit;
    size_t count;
    uint64_t ids[SEEN], left_out;
    char cursor[20], what[100], last_detail[1000];
} room;

static void see(void *arg, const char *cursor, tsr_bytes text)
{
    room *r = arg;
    tsr_json json;
    int64_t n = 0;

    assert_true(r->count < SEEN);
    assert_int_equal(tsr_json_parse(text, &json, NULL), TSR_OK);
    assert_int_equal(tsr_json_find_int(&json, "id", &n), TSR_OK);
    r->ids[r->count++] = (uint64_t)n;
    if (tsr_json_find_int(&json, "left_out", &n) == TSR_OK)
        r->left_out += (uint64_t)n;
    assert_int_equal(tsr_json_find_cstring(&json, "what", r->what, sizeof r->what), TSR_OK);
    assert_int_equal(tsr_json_find_cstring(&json, "detail", r->last_detail, sizeof r->last_detail),
                     TSR_OK);
    (void)snprintf(r->cursor, sizeof r->cursor, "%s", cursor);
}

static void list(room *r, tsr_audit_book book, const char *after, size_t limit)
{
    tsr_store_flush(r->store);
    r->count = 0;
    r->left_out = 0;
    assert_int_equal(tsr_audit_list(r->audit, book, after, limit, see, r), TSR_OK);
}

static void open_store(room *r, uint64_t keep)
{
    char why[400] = "";

    assert_int_equal(tsr_store_open_sqlite(&(tsr_store_config){ .directory = r->folder }, &r->store,
                                           why, sizeof why), TSR_OK);
    assert_int_equal(tsr_audit_open(r->store, keep, &r->audit), TSR_OK);
}

static void close_store(room *r)
{
    tsr_audit_close(r->audit);
    tsr_store_close(r->store);
}

static int open_room(void **state)
{
    room *r = calloc(1, sizeof *r);

    *state = r;
    (void)snprintf(r->folder, sizeof r->folder, "/tmp/tessera-audit-XXXXXX");
    if (mkdtemp(r->folder) == NULL)
        return -1;
    open_store(r, 20);
    return 0;
}

static int close_room(void **state)
{
    room *r = *state;
    char command[128];

    close_store(r);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", r->folder);
    (void)!system(command);
    free(r);
    return 0;
}

static void put(room *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(tsr_audit_put(r->audit, &(tsr_audit_entry){ .who = "operator", .what = "done" }),
                         TSR_OK);
}

static void test_audit_gives_newest_first_in_pages(void **state)
{
    room *r = *state;

    put(r, 5);
    list(r, TSR_AUDIT_DONE, NULL, 3);
    assert_int_equal(r->count, 3);
    assert_true(r->ids[0] == 5 && r->ids[1] == 4 && r->ids[2] == 3);
    list(r, TSR_AUDIT_DONE, r->cursor, 3);
    assert_int_equal(r->count, 2);
    assert_true(r->ids[0] == 2 && r->ids[1] == 1);
}

static void test_audit_is_bounded_and_stays_over_a_restart(void **state)
{
    room *r = *state;

    put(r, 50);
    list(r, TSR_AUDIT_DONE, NULL, 60);
    assert_int_equal(r->count, 20);
    assert_true(r->ids[0] == 50 && r->ids[19] == 31);
    close_store(r);
    open_store(r, 7); /* fewer are kept from now on */
    list(r, TSR_AUDIT_DONE, NULL, 60);
    assert_int_equal(r->count, 7);
    put(r, 1);
    list(r, TSR_AUDIT_DONE, NULL, 60);
    assert_int_equal(r->count, 7);
    assert_true(r->ids[0] == 51 && r->ids[6] == 45);
}

static void test_audit_of_refusals_pushes_out_nothing_that_was_done(void **state)
{
    room *r = *state;
    const tsr_audit_entry refused = { .who = "peer 192.0.2.1", .what = "refused", .about = "x" };

    put(r, 1);
    for (int i = 0; i < 1000; i++)
        tsr_audit_note(r->audit, TSR_AUDIT_REFUSED, &refused);
    list(r, TSR_AUDIT_DONE, NULL, 60);
    assert_int_equal(r->count, 1);
    list(r, TSR_AUDIT_REFUSED, NULL, 60);
    assert_in_range(r->count, TSR_AUDIT_PER_SECOND, 20);
    (void)sleep(1); /* the next second says how many were left out; so does one that began meanwhile */
    tsr_audit_note(r->audit, TSR_AUDIT_REFUSED, &refused);
    list(r, TSR_AUDIT_REFUSED, NULL, 60);
    assert_int_equal(r->ids[0] + r->left_out, 1001); /* of those that were written the newest has the number */
}

static void test_audit_cuts_what_is_long_or_no_text(void **state)
{
    room *r = *state;
    char text[2001];

    memset(text, 'x', sizeof text - 1);
    text[2000] = 0;
    assert_int_equal(tsr_audit_put(r->audit, &(tsr_audit_entry){ .who = "a", .what = "b",
                                                                 .detail = text }), TSR_OK);
    list(r, TSR_AUDIT_DONE, NULL, 1);
    assert_int_equal(strlen(r->last_detail), 400);
    assert_int_equal(tsr_audit_put(r->audit, &(tsr_audit_entry){ .who = "a", .what = "b",
                                                                 .detail = "<b>\"\x01\xff!" }), TSR_OK);
    list(r, TSR_AUDIT_DONE, NULL, 1);
    assert_string_equal(r->last_detail, "<b>\"\x01");
    assert_int_equal(tsr_audit_put(NULL, &(tsr_audit_entry){ .who = "a" }), TSR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_audit_gives_newest_first_in_pages, open_room, close_room),
        cmocka_unit_test_setup_teardown(test_audit_is_bounded_and_stays_over_a_restart, open_room,
                                        close_room),
        cmocka_unit_test_setup_teardown(test_audit_of_refusals_pushes_out_nothing_that_was_done,
                                        open_room, close_room),
        cmocka_unit_test_setup_teardown(test_audit_cuts_what_is_long_or_no_text, open_room,
                                        close_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
