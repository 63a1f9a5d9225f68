/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.wget in an owner's plan, modules that a device may not have, and what of it all is in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/fdo/plan.h"
#include "tests/server/fdo_house.h"

static const tsr_fdo_key some_key = { .x = { (const uint8_t *)"x", 1 } };

static const char *say(fdo_house *h, fdo_plan_run *p, const char *module, const char *message,
                       const char *cbor, size_t len)
{
    return fdo_plan_take(h->fdo, p, tsr_text(module), tsr_text(message), tsr_view(cbor, len));
}

static void test_plan_tells_an_optional_module_once_it_is_active(void **state)
{
    static const char text[] = "{\"steps\":[{\"module\":\"fdo.upload\",\"name\":\"u\","
                               "\"optional\":true}]}";
    fdo_house *h = *state;
    fdo_plan_run p = { 0 };
    uint8_t guid[16] = { 3 }, room[1000];
    const fdo_subject who = { tsr_view(guid, 16), tsr_text("lamp"), &some_key };
    char why[200];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint64_t count = 0;

    assert_int_equal(tsr_fdo_plan_set(h->fdo, "default", tsr_text(text), why, sizeof why), TSR_OK);
    assert_int_equal(fdo_plan_begin(h->fdo, &p, &who), TSR_OK);
    assert_null(say(h, &p, "devmod", "nummodules", "\x00", 1));
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_int_equal(count, 1);
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_int_equal(count, 1);
    assert_null(say(h, &p, "fdo.upload", "active", "\xf5", 1));
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_int_equal(count, 3); /* need-sha, name */
    fdo_plan_end(&p);
}

static const char *plan_wrong(fdo_house *h, const char *step)
{
    static char why[200];
    char text[600];

    (void)snprintf(text, sizeof text, "{\"steps\":[{\"module\":\"fdo.wget\",%s}]}", step);
    why[0] = 0;
    if (tsr_fdo_plan_set(h->fdo, "default", tsr_text(text), why, sizeof why) == TSR_OK)
        return NULL;
    return why;
}

static void test_wget_of_a_plan(void **state)
{
    static const char hash[] =
        "\"name\":\"n\",\"url\":\"http://a/b\",\"sha384\":\"00112233445566778899aabbccddeeff"
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"";
    fdo_house *h = *state;
    fdo_plan_run p = { 0 };
    uint8_t guid[16] = { 4 }, room[1000];
    const fdo_subject who = { tsr_view(guid, 16), tsr_text("lamp"), &some_key };
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint64_t count = 0;

    assert_non_null(plan_wrong(h, "\"name\":\"n\""));
    assert_non_null(plan_wrong(h, "\"name\":\"n\",\"url\":\"file:///etc/passwd\""));
    assert_non_null(plan_wrong(h, "\"url\":\"http://a/b\""));
    assert_non_null(plan_wrong(h, "\"name\":\"n\",\"url\":\"http://a/b\",\"sha384\":\"00\""));
    assert_null(plan_wrong(h, "\"name\":\"n\",\"url\":\"http://a/b\""));
    assert_null(plan_wrong(h, hash));
    assert_int_equal(fdo_plan_begin(h->fdo, &p, &who), TSR_OK);
    assert_null(say(h, &p, "devmod", "nummodules", "\x00", 1));
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_int_equal(count, 4); /* active, sha-384, name, url */
    assert_null(say(h, &p, "fdo.wget", "progress", "\x01", 1));
    assert_non_null(say(h, &p, "fdo.wget", "done", "\x61x", 2));
    assert_non_null(say(h, &p, "fdo.wget", "error", "\x01", 1));
    assert_non_null(say(h, &p, "fdo.wget", "error", "\x61x", 2));
    assert_false(fdo_plan_is_over(&p));
    assert_null(say(h, &p, "fdo.wget", "done", "\x03", 1));
    assert_true(fdo_plan_is_over(&p));
    fdo_plan_end(&p);
}

static void keep_line(void *arg, bool bad, const char *text)
{
    assert_true(bad);
    (void)snprintf(arg, 200, "%s", text);
}

/* What a device says is no line of its own in the log. */
static void test_log_has_no_control_characters(void **state)
{
    static const char text[] = "{\"steps\":[{\"module\":\"tessera.lwm2m\",\"account\":\"bootstrap\",\"uri\":"
                               "\"coap://a\",\"security\":\"none\"}]}";
    fdo_house *h = *state;
    fdo_plan_run p = { 0 };
    uint8_t guid[16] = { 5 };
    const fdo_subject who = { tsr_view(guid, 16), tsr_text("lamp"), &some_key };
    char why[200], line[200] = "";
    uint8_t room[100];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint64_t count = 0;

    h->fdo->config.log = keep_line;
    h->fdo->config.log_arg = line;
    assert_int_equal(tsr_fdo_plan_set(h->fdo, "default", tsr_text(text), why, sizeof why), TSR_OK);
    assert_int_equal(fdo_plan_begin(h->fdo, &p, &who), TSR_OK);
    assert_null(say(h, &p, "devmod", "nummodules", "\x00", 1));
    (void)fdo_plan_give(&p, &out, &count);
    assert_non_null(say(h, &p, "tessera.lwm2m", "error", "\x69no\ntime=\x1b", 10));
    h->fdo->config.log = NULL;
    fdo_plan_end(&p);
    assert_non_null(strstr(line, "no?time=?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plan_tells_an_optional_module_once_it_is_active,
                                        fdo_house_enter, fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_wget_of_a_plan, fdo_house_enter, fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_log_has_no_control_characters, fdo_house_enter, fdo_house_leave),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
