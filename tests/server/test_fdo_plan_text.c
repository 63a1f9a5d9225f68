/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans as operators read them: without the files in them, which are put back when the plan is sent again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/fdo/plan.h"
#include "server/rest/room.h"

#define FILE_STEP(content) "{\"module\":\"fdo.download\",\"name\":\"f\"," content "}"
#define PLAN(steps) "{\"endpoint\":\"e\",\"steps\":[" steps "]}"

static void expect(tsr_buf *out, const char *want)
{
    rest_room(out, 1);
    tsr_put_u8(out, 0);
    assert_string_equal((const char *)out->ptr, want);
    free(out->ptr);
}

static void shows(const char *plan, const char *want)
{
    tsr_buf out = { 0 };

    fdo_plan_show(&out, tsr_text(plan));
    assert_int_equal(out.err, TSR_OK);
    expect(&out, want);
}

static void test_plan_is_shown_without_its_files(void **state)
{
    (void)state;
    shows(PLAN(FILE_STEP("\"text\":\"a\\u00e9\\n\"")), PLAN(FILE_STEP("\"file_bytes\":4")));
    shows(PLAN(FILE_STEP("\"data\":\"AAE=\"")), PLAN(FILE_STEP("\"file_bytes\":2")));
    shows(PLAN(FILE_STEP("\"data\":\"\"")), PLAN(FILE_STEP("\"file_bytes\":0")));
    shows(PLAN(FILE_STEP("\"text\":\"x\",\"data\":\"AAEC\"")), PLAN(FILE_STEP("\"file_bytes\":3")));
    shows(PLAN("{\"module\":\"fdo.command\",\"command\":\"c\",\"args\":[\"x\"]}"),
          PLAN("{\"module\":\"fdo.command\",\"command\":\"c\",\"args\":[\"x\"]}"));
}

static void keeps(const char *sent, const char *stored, const char *want)
{
    tsr_buf out = { 0 };
    char why[400];

    assert_int_equal(fdo_plan_keep_files(tsr_text(sent), tsr_text(stored), &out, why, sizeof why), TSR_OK);
    expect(&out, want);
}

static void test_files_stay_where_only_their_length_is_sent(void **state)
{
    (void)state;
    keeps(PLAN(FILE_STEP("\"file_bytes\":1")), PLAN(FILE_STEP("\"text\":\"x\"")), PLAN(FILE_STEP("\"text\":\"x\"")));
    keeps(PLAN(FILE_STEP("\"file_bytes\":2")), PLAN("{\"module\":\"fdo.csr\"}," FILE_STEP("\"data\":\"AAE=\"")),
          PLAN(FILE_STEP("\"data\":\"AAE=\"")));
    keeps(PLAN(FILE_STEP("\"file_bytes\":1,\"text\":\"new\"")), PLAN(FILE_STEP("\"text\":\"x\"")),
          PLAN(FILE_STEP("\"text\":\"new\"")));
    /* two of one name and length are two files */
    keeps(PLAN(FILE_STEP("\"file_bytes\":1") "," FILE_STEP("\"file_bytes\":1")),
          PLAN(FILE_STEP("\"text\":\"x\"") "," FILE_STEP("\"text\":\"y\"")),
          PLAN(FILE_STEP("\"text\":\"x\"") "," FILE_STEP("\"text\":\"y\"")));
    keeps("[1, 2]", "", "[1, 2]"); /* for the check to refuse */
}

/* What is put in makes the text longer than what was sent. */
static void test_long_file_stays(void **state)
{
    enum { LONG = 100000 };
    char *file = malloc(LONG + 1), *stored = malloc(LONG + 200);

    (void)state;
    memset(file, 'x', LONG);
    file[LONG] = 0;
    (void)snprintf(stored, LONG + 200, PLAN(FILE_STEP("\"text\":\"%s\"") ",{\"module\":\"fdo.csr\"}"), file);
    keeps(PLAN(FILE_STEP("\"file_bytes\":100000") ",{\"module\":\"fdo.csr\"}"), stored, stored);
    free(file);
    free(stored);
}

static void test_file_that_is_not_here_is_refused(void **state)
{
    static const struct {
        const char *sent, *stored;
    } bad[] = {
        { FILE_STEP("\"file_bytes\":1"), FILE_STEP("\"text\":\"xy\"") },
        { FILE_STEP("\"file_bytes\":1"), "{\"module\":\"fdo.download\",\"name\":\"g\",\"text\":\"x\"}" },
        { FILE_STEP("\"file_bytes\":1"), "{\"module\":\"fdo.upload\",\"name\":\"f\",\"text\":\"x\"}" },
        { FILE_STEP("\"file_bytes\":\"1\""), FILE_STEP("\"text\":\"x\"") },
        { FILE_STEP("\"file_bytes\":-1"), FILE_STEP("\"text\":\"x\"") },
        { FILE_STEP("\"file_bytes\":1") "," FILE_STEP("\"file_bytes\":1"), FILE_STEP("\"text\":\"x\"") },
    };
    char sent[400], stored[400], why[400];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tsr_buf out = { 0 };

        (void)snprintf(sent, sizeof sent, "{\"steps\":[%s]}", bad[i].sent);
        (void)snprintf(stored, sizeof stored, "{\"steps\":[%s]}", bad[i].stored);
        why[0] = 0;
        assert_int_equal(fdo_plan_keep_files(tsr_text(sent), tsr_text(stored), &out, why, sizeof why),
                         TSR_E_ARGUMENT);
        assert_non_null(strstr(why, "]: `file_bytes`"));
        free(out.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_is_shown_without_its_files),
        cmocka_unit_test(test_files_stay_where_only_their_length_is_sent),
        cmocka_unit_test(test_long_file_stays),
        cmocka_unit_test(test_file_that_is_not_here_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
