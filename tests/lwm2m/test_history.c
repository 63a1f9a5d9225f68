/* SPDX-License-Identifier: Apache-2.0
 *
 * hqmax: what observations keep while their server is out of reach, and how it is told (Core 5.1.2). */
#include "tests/lwm2m/rig.h"

#include <stdio.h>

#include "tessera/lwm2m/format/format.h"

enum { JSON = 110, CBOR = 112, START_MS = 1000000 };
#define UNIX_ZERO_MS UINT64_C(1700000000000)

static tsr_lwm2m_history history;
static uint8_t memory[1024];

static rig *keeper(size_t memory_len)
{
    rig *r = rig_new(1);

    history = (tsr_lwm2m_history){ .memory = memory, .memory_len = memory_len,
                                   .unix_zero_ms = UNIX_ZERO_MS - START_MS };
    r->client.config.history = &history;
    rig_register(r);
    return r;
}

static const rig_message *last_note(const rig *r)
{
    assert_int_not_equal(r->server[0].note_count, 0);
    return &r->server[0].note[r->server[0].note_count - 1];
}

static void set_battery(rig *r, int8_t percent)
{
    r->device.battery_percent = percent;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0));
    rig_run(r);
}

/* The server is gone, and an Update that nobody answers shows it. */
static void lose_server(rig *r)
{
    r->server[0].silent = true;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    r->now_ms = (r->now_ms / 1000 + 1) * 1000;
}

/* It is back, and the next Update comes through. */
static void find_server(rig *r)
{
    uint64_t end = r->now_ms + 600000;

    r->server[0].silent = false;
    while (r->now_ms < end && r->accounts[0].request != 0)
        rig_wait(r, 1000);
    rig_wait(r, 120000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
}

static void expect_times(const rig *r, const uint64_t *at_ms, size_t count, const char *rest)
{
    char text[RIG_TEXT] = "[", one[128];

    for (size_t i = 0; i < count; i++) {
        uint64_t ms = UNIX_ZERO_MS + at_ms[i] - START_MS;

        snprintf(one, sizeof one, "%s{\"bt\":%llu.%03llu,\"n\":\"/3/0/9\",\"v\":%c0}", i == 0 ? "" : ",",
                 (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000), rest[i]);
        strcat(text, one);
    }
    strcat(text, "]");
    assert_text(last_note(r), text);
}

/* Core 5.1.2: the newest hqmax values, the oldest first, at once when the server is back. */
static void test_history_is_told_when_the_server_is_back(void **state)
{
    rig *r = keeper(sizeof memory);
    uint64_t at_ms[5];

    (void)state;
    assert_code(rig_put(r, "/3/0/9?hqmax=3", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    lose_server(r);
    for (int8_t i = 0; i < 5; i++) {
        at_ms[i] = r->now_ms;
        set_battery(r, (int8_t)(90 - i * 10));
        assert_true(tsr_lwm2m_client_due_ms(&r->client) > r->now_ms);
        rig_wait(r, 1500);
    }
    assert_int_equal(r->server[0].note_count, 0);
    find_server(r);
    assert_int_equal(r->server[0].number, 1);
    assert_int_equal(r->server[0].note_count, 1);
    assert_true(last_note(r)->con);
    assert_int_equal(last_note(r)->content_format.value, JSON);
    expect_times(r, at_ms + 2, 3, "765");
    assert_int_equal(r->events[TSR_LWM2M_E_KEPT], 5);
    assert_int_equal(history.used, 0);
    assert_int_equal(history.dropped, 0);
    set_battery(r, 20); /* and on it goes */
    assert_int_equal(r->server[0].note_count, 2);
    assert_text(last_note(r), "[{\"n\":\"/3/0/9\",\"v\":20}]");
    rig_free(r);
}

/* A notification that nobody acknowledges is kept with what follows it. */
static void test_history_has_what_was_not_acknowledged(void **state)
{
    rig *r = keeper(sizeof memory);
    uint64_t at_ms[2];

    (void)state;
    assert_code(rig_put(r, "/3/0/9?hqmax=10&con=1", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    r->server[0].silent = true;
    r->now_ms += 1000;
    at_ms[0] = r->now_ms;
    set_battery(r, 80);
    rig_wait(r, 3000);
    at_ms[1] = r->now_ms;
    set_battery(r, 70);
    rig_wait(r, 200000);
    assert_int_equal(r->events[TSR_LWM2M_E_NOTIFIED], 1);
    find_server(r);
    assert_int_equal(r->server[0].note_count, 1);
    expect_times(r, at_ms, 2, "87");
    assert_int_equal(history.used, 0);
    rig_free(r);
}

/* One that is acknowledged leaves nothing behind. */
static void test_history_of_a_present_server_is_empty(void **state)
{
    rig *r = keeper(sizeof memory);

    (void)state;
    assert_code(rig_put(r, "/3/0/9?hqmax=10&con=1", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    for (int8_t i = 0; i < 10; i++) {
        set_battery(r, (int8_t)(90 - i));
        assert_int_equal(history.used, 0);
        assert_int_equal(r->server[0].note_count, i + 1);
        assert_null(strstr(last_note(r)->text, "bt"));
    }
    assert_int_equal(r->events[TSR_LWM2M_E_NOTIFIED], 10);
    rig_free(r);
}

/* The next message of the client comes through, and so does the answer; nothing after it. */
static void one_exchange(rig *r)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    size_t account;
    tsr_coap_peer peer;

    while (tsr_lwm2m_client_poll(&r->client, &account, &out, r->now_ms) != TSR_OK)
        r->now_ms += 100;
    rig_deliver(r, 0, tsr_buf_view(&out));
    out.len = 0;
    assert_int_equal(tsr_coap_poll(&r->server[0].coap, &peer, &out, r->now_ms), TSR_OK);
    assert_int_equal(tsr_lwm2m_client_feed(&r->client, 0, tsr_buf_view(&out), r->now_ms), TSR_OK);
}

/* The server is back for the Update alone: the same values come again, with those since then. */
static void test_history_is_told_again_when_it_is_not_acknowledged(void **state)
{
    rig *r = keeper(sizeof memory);
    uint64_t at_ms[2];

    (void)state;
    assert_code(rig_put(r, "/3/0/9?hqmax=10", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    lose_server(r);
    at_ms[0] = r->now_ms;
    set_battery(r, 80);
    one_exchange(r);
    rig_run(r);
    assert_int_equal(r->events[TSR_LWM2M_E_NOTIFIED], 1);
    assert_int_equal(r->server[0].note_count, 0);
    rig_wait(r, 1000);
    at_ms[1] = r->now_ms;
    set_battery(r, 70);
    rig_wait(r, 200000);
    assert_int_equal(r->server[0].note_count, 0);
    find_server(r);
    assert_int_equal(r->server[0].note_count, 1);
    expect_times(r, at_ms, 2, "87");
    assert_int_equal(history.used, 0);
    rig_free(r);
}

/* RFC 8428 §4.5.3: without a clock, how long ago. */
static void test_history_without_a_clock_tells_ages(void **state)
{
    rig *r = keeper(sizeof memory);
    char expected[64];
    uint64_t at_ms, age;

    (void)state;
    history.unix_zero_ms = 0;
    assert_code(rig_put(r, "/3/0?hqmax=1", -1, ""), 2, 04); /* of the instance: inherited */
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    lose_server(r);
    at_ms = r->now_ms;
    set_battery(r, 30);
    find_server(r);
    age = last_note(r)->at_ms - at_ms;
    snprintf(expected, sizeof expected, "[{\"bt\":-%llu.%03llu,\"n\":\"/3/0/9\",\"v\":30}]",
             (unsigned long long)(age / 1000), (unsigned long long)(age % 1000));
    assert_text(last_note(r), expected);
    rig_free(r);
}

/* A pack of several records for each time, as our reader has it. */
static void test_history_in_senml_cbor(void **state)
{
    rig *r = keeper(sizeof memory);
    const rig_message *m;
    uint64_t at_ms[2], unix_ms;
    tsr_lwm2m_in in;
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;

    (void)state;
    assert_code(rig_observe(r, "/3/0/7?hqmax=5", CBOR), 2, 05);
    lose_server(r);
    for (int i = 0; i < 2; i++) {
        at_ms[i] = r->now_ms;
        r->device.power[0].voltage_mv = 3700 - i;
        tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0));
        rig_wait(r, 1234);
    }
    find_server(r);
    assert_int_equal(r->server[0].note_count, 1);
    m = last_note(r);
    assert_int_equal(m->content_format.value, CBOR);
    assert_int_equal(tsr_lwm2m_in_begin(&in, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(),
                                        tsr_view(m->text, m->len), NULL), TSR_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_OK);
        assert_int_equal(path.resource_instance, i % 2);
        assert_int_equal(value.as.i, i % 2 == 1 ? 5000 : 3700 - i / 2);
        assert_true(tsr_lwm2m_in_time(&in, 0, &unix_ms));
        assert_in_range(unix_ms, UNIX_ZERO_MS + at_ms[i / 2] - START_MS - 1,
                        UNIX_ZERO_MS + at_ms[i / 2] - START_MS + 1);
    }
    assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_END);
    rig_free(r);
}

/* The caller's memory bounds it all. */
static void test_history_is_bounded_by_its_memory(void **state)
{
    rig *r = keeper(200);

    (void)state;
    assert_code(rig_put(r, "/3/0/9?hqmax=1000000", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    lose_server(r);
    for (int8_t i = 0; i < 20; i++) {
        set_battery(r, (int8_t)(90 - i));
        rig_wait(r, 1000);
        assert_true(history.used <= 200);
    }
    assert_true(history.dropped >= 10);
    find_server(r);
    assert_non_null(strstr(last_note(r)->text, "\"v\":71}]"));
    assert_null(strstr(last_note(r)->text, "\"v\":90"));
    rig_free(r);
}

/* What does not fit into one message comes in several, in order. */
static void test_history_in_several_notifications(void **state)
{
    static uint8_t much[8192];
    rig *r = keeper(sizeof memory);
    int expected = 90;

    (void)state;
    history.memory = much;
    history.memory_len = sizeof much;
    assert_code(rig_put(r, "/3/0/9?hqmax=60", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    lose_server(r);
    for (int8_t i = 0; i < 60; i++) {
        set_battery(r, (int8_t)(90 - i));
        rig_wait(r, 1000);
    }
    find_server(r);
    assert_in_range(r->server[0].note_count, 2, 8);
    for (size_t i = 0; i < r->server[0].note_count; i++) {
        const char *at = r->server[0].note[i].text;

        assert_true(r->server[0].note[i].len <= 1100);
        while ((at = strstr(at, "\"v\":")) != NULL) {
            assert_int_equal(atoi(at + 4), expected);
            expected--;
            at++;
        }
    }
    assert_int_equal(expected, 30);
    assert_int_equal(history.used, 0);
    rig_free(r);
}

/* Times of notifications hold for what is kept: pmin between two, pmax at most. */
static void test_history_keeps_pmin_and_pmax(void **state)
{
    rig *r = keeper(sizeof memory);
    unsigned count = 0;

    (void)state;
    assert_code(rig_put(r, "/3/0/9?hqmax=50&pmin=10&pmax=30", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    lose_server(r);
    for (int8_t i = 0; i < 30; i++) { /* three changes in 30 s by pmin */
        set_battery(r, (int8_t)(90 - i));
        rig_wait(r, 1000);
    }
    rig_wait(r, 65000); /* two more by pmax */
    for (size_t at = 0; at + 2 < history.used; count++)
        at += 2u + (size_t)(memory[at] << 8 | memory[at + 1]);
    assert_in_range(count, 5, 6);
    rig_free(r);
}

/* Thresholds too: what would not have been reported is not kept. */
static void test_history_keeps_what_would_be_reported(void **state)
{
    rig *r = keeper(sizeof memory);
    uint64_t at_ms[2];

    (void)state;
    assert_code(rig_put(r, "/3/0/9?hqmax=50&st=25", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    lose_server(r);
    set_battery(r, 90);
    at_ms[0] = r->now_ms;
    set_battery(r, 70);
    rig_wait(r, 1000);
    set_battery(r, 60);
    at_ms[1] = r->now_ms += 1000;
    set_battery(r, 40);
    find_server(r);
    expect_times(r, at_ms, 2, "74");
    rig_free(r);
}

static void expect_the_latest_only(rig *r, const char *text)
{
    lose_server(r);
    set_battery(r, 90);
    rig_wait(r, 1000);
    set_battery(r, 80);
    assert_int_equal(history.used, 0);
    find_server(r);
    assert_int_equal(r->server[0].note_count, 1);
    assert_text(last_note(r), text);
    rig_free(r);
}

/* Core 5.1.2: only with hqmax above 0 and Notification Storing; and only formats with times. */
static void test_history_is_only_for_who_asks(void **state)
{
    rig *r = keeper(sizeof memory);

    (void)state;
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    expect_the_latest_only(r, "[{\"n\":\"/3/0/9\",\"v\":80}]");
    r = keeper(sizeof memory);
    assert_code(rig_observe(r, "/3/0/9?hqmax=0", JSON), 2, 05);
    expect_the_latest_only(r, "[{\"n\":\"/3/0/9\",\"v\":80}]");
    r = keeper(sizeof memory);
    assert_code(rig_observe(r, "/3/0/9?hqmax=5", 0), 2, 05);
    expect_the_latest_only(r, "80");
    r = keeper(sizeof memory);
    assert_code(rig_put(r, "/1/0/6", 0, "0"), 2, 04);
    assert_code(rig_observe(r, "/3/0/9?hqmax=5", JSON), 2, 05);
    expect_the_latest_only(r, "[{\"n\":\"/3/0/9\",\"v\":80}]");
    r = keeper(0);
    assert_code(rig_observe(r, "/3/0/9?hqmax=5", JSON), 2, 05);
    expect_the_latest_only(r, "[{\"n\":\"/3/0/9\",\"v\":80}]");
}

/* What an observation kept ends with it: by a new one, a new registration, a restart. */
static void test_history_ends_with_its_observation(void **state)
{
    rig *r = keeper(sizeof memory);

    (void)state;
    assert_code(rig_observe(r, "/3/0/9?hqmax=5", JSON), 2, 05);
    lose_server(r);
    set_battery(r, 90);
    assert_int_not_equal(history.used, 0);
    r->server[0].update_code = TSR_COAP_NOT_FOUND;
    find_server(r);
    assert_int_equal(r->server[0].number, 2);
    assert_int_equal(history.used, 0);
    assert_int_equal(r->server[0].note_count, 0);
    rig_free(r);
}

/* An instance that is gone meanwhile: what was kept, then that it is gone. */
static void test_history_and_what_is_gone(void **state)
{
    rig *r = keeper(sizeof memory);

    (void)state;
    assert_code(rig_observe(r, "/3303/5?hqmax=5", JSON), 2, 05);
    lose_server(r);
    (void)tsr_lwm2m_sensor_measure(&r->sensor[1], 21, 1367491216);
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3303, 5));
    rig_wait(r, 1000);
    r->sensors.count = 1;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3303, 5));
    rig_run(r);
    assert_true(tsr_lwm2m_client_due_ms(&r->client) > r->now_ms);
    find_server(r);
    assert_int_equal(r->server[0].note_count, 2);
    assert_non_null(strstr(r->server[0].note[0].text, "\"bt\":"));
    assert_code(last_note(r), 4, 04);
    assert_int_equal(history.used, 0);
    rig_free(r);
}

/* Core 6.4.4: a composite one keeps as many as the path that wants most. */
static void test_history_of_a_composite_observation(void **state)
{
    rig *r = keeper(sizeof memory);
    rig_request fetch = { TSR_COAP_FETCH, "/", JSON, 320, 0,
                          tsr_text("[{\"n\":\"/3/0/9\"},{\"n\":\"/3303/0/5700\"}]"), { NULL, 0 } };

    (void)state;
    assert_code(rig_put(r, "/3/0/9?hqmax=2", -1, ""), 2, 04);
    assert_code(rig_send(r, 0, &fetch), 2, 05);
    lose_server(r);
    for (int8_t i = 0; i < 3; i++) {
        set_battery(r, (int8_t)(90 - i));
        rig_wait(r, 1000);
    }
    find_server(r);
    assert_int_equal(r->server[0].note_count, 1);
    assert_null(strstr(last_note(r)->text, "\"v\":90"));
    assert_non_null(strstr(last_note(r)->text, ",\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":89},{\"n\":\"3303/0/5700\",\"v\":20},{\"bt\":"));
    assert_non_null(strstr(last_note(r)->text, ",\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":88},{\"n\":\"3303/0/5700\",\"v\":20}]"));
    rig_free(r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_is_told_when_the_server_is_back),
        cmocka_unit_test(test_history_has_what_was_not_acknowledged),
        cmocka_unit_test(test_history_of_a_present_server_is_empty),
        cmocka_unit_test(test_history_is_told_again_when_it_is_not_acknowledged),
        cmocka_unit_test(test_history_without_a_clock_tells_ages),
        cmocka_unit_test(test_history_in_senml_cbor),
        cmocka_unit_test(test_history_is_bounded_by_its_memory),
        cmocka_unit_test(test_history_in_several_notifications),
        cmocka_unit_test(test_history_keeps_pmin_and_pmax),
        cmocka_unit_test(test_history_keeps_what_would_be_reported),
        cmocka_unit_test(test_history_is_only_for_who_asks),
        cmocka_unit_test(test_history_ends_with_its_observation),
        cmocka_unit_test(test_history_and_what_is_gone),
        cmocka_unit_test(test_history_of_a_composite_observation),
    };

    return cmocka_run_group_tests_name("lwm2m/history", tests, NULL, NULL);
}
