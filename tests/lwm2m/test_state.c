/* SPDX-License-Identifier: Apache-2.0
 *
 * Restarts: what a server was told is still so afterwards, and a damaged state costs no more than a
 * new registration. */
#include <stdio.h>

#include "tests/lwm2m/rig.h"

static void test_restart_goes_on_with_the_same_registration(void **state)
{
    rig *r = rig_new(2);

    (void)state;
    rig_register(r);
    for (int i = 0; i < 10; i++) {
        rig_restart(r);
        rig_run(r);
        assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
        assert_int_equal(r->server[0].number, 1);
        assert_int_equal(r->server[1].number, 1);
        assert_string_equal(rig_last(r, 0)->path, "/rd/1");
        assert_string_equal(rig_last(r, 0)->queries, "");
        assert_int_equal(rig_last(r, 0)->len, 0);
    }
    rig_free(r);
}

static void test_restart_keeps_what_servers_wrote(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/1", 0, "1234"), 2, 04);
    assert_code(rig_put(r, "/1/0/3", 0, "60"), 2, 04);
    assert_code(rig_put(r, "/3/0/15", 0, "Asia/Tokyo"), 2, 04);
    assert_code(rig_put(r, "/3/0/13", 0, "1367491000"), 2, 04);
    assert_code(rig_put(r, "/7/0/8", 0, "99"), 2, 04);
    assert_code(rig_put(r, "/3303/5/5750", 0, "boiler"), 2, 04);
    assert_code(rig_put(r, "/3311/0/5850", 0, "1"), 2, 04);
    assert_code(rig_put(r, "/3311/0/5851", 0, "33"), 2, 04);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/7/0/2\",\"vs\":\"kept\"}]"), 2, 01);
    assert_code(rig_put(r, "/3303?pmin=7", -1, ""), 2, 04);
    rig_restart(r);
    rig_register(r);
    assert_string_equal(rig_last(r, 0)->queries, "");
    assert_text(rig_get(r, "/1/0/1", 0), "1234");
    assert_text(rig_get(r, "/1/0/3", 0), "60");
    assert_text(rig_get(r, "/3/0/15", 0), "Asia/Tokyo");
    assert_text(rig_get(r, "/3/0/13", 0), "1367491000");
    assert_text(rig_get(r, "/7/0/8", 0), "99");
    assert_text(rig_get(r, "/3303/5/5750", 0), "boiler");
    assert_text(rig_get(r, "/3311/0/5850", 0), "1");
    assert_true(r->light[0].changed); /* the lamp has to be set again */
    assert_text(rig_get(r, "/3311/0/5851", 0), "33");
    assert_text(rig_get(r, "/16/7/0/2", 0), "kept");
    assert_text(rig_get(r, "/3303?depth=0", 40), "</3303>;ver=1.1;pmin=7");
    rig_free(r);
}

static void test_restart_keeps_observations(void **state)
{
    rig *r = rig_new(1);
    const rig_message *m;
    uint8_t token[8];
    size_t len;

    (void)state;
    rig_register(r);
    m = rig_observe(r, "/3/0/9?pmin=2", 110);
    memcpy(token, m->token, m->token_len);
    len = m->token_len;
    rig_restart(r);
    rig_wait(r, 10000);
    assert_int_equal(r->server[0].note_count, 1);
    assert_int_equal(r->server[0].note[0].token_len, len);
    assert_memory_equal(r->server[0].note[0].token, token, len);
    assert_text(&r->server[0].note[0], "[{\"n\":\"/3/0/9\",\"v\":100}]");
    r->device.battery_percent = 80;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_resource(3, 0, 9));
    rig_run(r);
    assert_int_equal(r->server[0].note_count, 2);
    rig_free(r);
}

/* Each step is followed by a crash: what was acknowledged is there, what was not is not. */
static void test_crash_after_every_answer_loses_nothing(void **state)
{
    rig *r = rig_new(1);
    char text[16];

    (void)state;
    rig_register(r);
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "%d", 1000 + i);
        r->save_err = i % 3 == 2 ? TSR_E_IO : TSR_OK;
        if (i % 3 == 2) {
            assert_code(rig_put(r, "/1/0/5", 0, text), 5, 00);
            snprintf(text, sizeof text, "%d", 1000 + i - 1);
        } else {
            assert_code(rig_put(r, "/1/0/5", 0, text), 2, 04);
        }
        r->save_err = TSR_OK;
        rig_restart(r);
        rig_register(r);
        assert_text(rig_get(r, "/1/0/5", 0), text);
        assert_int_equal(r->server[0].number, 1);
    }
    rig_free(r);
}

/* A full disk at registration: it is tried again until it works. */
static void test_registration_is_saved_later_when_the_disk_is_full(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    r->save_err = TSR_E_IO;
    rig_register(r);
    assert_true(r->events[TSR_LWM2M_E_SAVE_FAILED] >= 1);
    assert_int_equal(r->saved_len, 0);
    rig_wait(r, 15000);
    r->save_err = TSR_OK;
    rig_wait(r, 15000);
    assert_int_not_equal(r->saved_len, 0);
    rig_restart(r);
    rig_run(r);
    assert_int_equal(r->server[0].number, 1);
    rig_free(r);
}

static void rich_state(rig *r)
{
    rig_register(r);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/7/0/2\",\"vs\":\"kept\"}]"), 2, 01);
    assert_code(rig_put(r, "/3/0/7?pmin=7&st=2.5", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9?pmin=2", 110), 2, 05);
    assert_code(rig_put(r, "/3/0/15", 0, "Asia/Tokyo"), 2, 04);
}

/* Cut anywhere, or with any byte changed: refused or understood, never a crash, and the client works. */
static void test_damaged_state_is_survived(void **state)
{
    rig *r = rig_new(1);
    uint8_t good[8192];
    size_t len;

    (void)state;
    rich_state(r);
    len = r->saved_len;
    memcpy(good, r->saved, len);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(tsr_lwm2m_client_restore(&r->client, tsr_view(good, cut)), TSR_E_MALFORMED);
        assert_string_equal(r->accounts[0].location, "");
        assert_false(r->observations[0].used);
    }
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            uint8_t bad[8192];

            memcpy(bad, good, len);
            bad[i] ^= (uint8_t)(1 << bit);
            (void)tsr_lwm2m_client_restore(&r->client, tsr_view(bad, len));
        }
    }
    assert_int_equal(tsr_lwm2m_client_restore(&r->client, tsr_view(good, len)), TSR_OK);
    assert_string_equal(r->accounts[0].location, "/rd/1");
    rig_free(r);
}

/* The configuration has changed: a server that is gone is not brought back. */
static void test_state_of_a_removed_server_is_left_out(void **state)
{
    rig *r = rig_new(2);

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    free(r->server[1].memory);
    r->servers = 1;
    rig_restart(r);
    rig_register(r);
    assert_int_equal(r->server[0].number, 1);
    assert_true(r->observations[0].used);
    rig_free(r);
}

static void test_nothing_is_written_when_nothing_changed(void **state)
{
    rig *r = rig_new(1);
    size_t saves;

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3311/0/5851", 0, "50"), 2, 04);
    saves = r->saves;
    assert_code(rig_put(r, "/3311/0/5851", 0, "50"), 2, 04);
    assert_code(rig_get(r, "/3/0", 112), 2, 05);
    assert_code(rig_post(r, "/3/0/12", -1, ""), 2, 04);
    assert_int_equal(r->saves, saves);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart_goes_on_with_the_same_registration),
        cmocka_unit_test(test_restart_keeps_what_servers_wrote),
        cmocka_unit_test(test_restart_keeps_observations),
        cmocka_unit_test(test_crash_after_every_answer_loses_nothing),
        cmocka_unit_test(test_registration_is_saved_later_when_the_disk_is_full),
        cmocka_unit_test(test_damaged_state_is_survived),
        cmocka_unit_test(test_state_of_a_removed_server_is_left_out),
        cmocka_unit_test(test_nothing_is_written_when_nothing_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
