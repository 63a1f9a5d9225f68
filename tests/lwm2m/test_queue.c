/* SPDX-License-Identifier: Apache-2.0
 *
 * Queue mode of the device: what it tells, when it may sleep, and for how long (Core 6.2.1,
 * Transport 6.5). */
#include "tests/lwm2m/rig.h"

static tsr_lwm2m_queue queue;

static rig *sleeper(uint32_t awake_ms)
{
    rig *r = rig_new(1);

    queue = (tsr_lwm2m_queue){ .awake_ms = awake_ms };
    r->client.config.queue = &queue;
    return r;
}

static bool sleeps(rig *r, uint64_t *for_ms)
{
    uint64_t until_ms;
    bool yes = tsr_lwm2m_queue_sleeps(&r->client, r->now_ms, &until_ms);

    if (for_ms != NULL)
        *for_ms = until_ms == UINT64_MAX ? UINT64_MAX : until_ms - r->now_ms;
    return yes;
}

static void test_queue_mode_is_told(void **state)
{
    rig *r = sleeper(0);

    (void)state;
    rig_register(r);
    assert_string_equal(rig_last(r, 0)->queries, "ep=urn:dev:test&lt=300&lwm2m=1.2&b=U&Q");
    /* An Update without a new binding says nothing of it, one with a new one says it again. */
    assert_code(rig_put(r, "/1/0/1", 0, "200"), 2, 04);
    assert_string_equal(rig_last(r, 0)->queries, "lt=200");
    rig_free(r);
}

/* LwM2M 1.0 knows no flag: the letter stands in the binding. */
static void test_queue_mode_is_told_to_a_1_0_server(void **state)
{
    rig *r = sleeper(0);

    (void)state;
    r->server[0].refuse[1] = r->server[0].refuse[2] = TSR_COAP_PRECONDITION_FAILED;
    r->client.config.sms = "436641234567";
    rig_register(r);
    assert_string_equal(rig_last(r, 0)->queries, "ep=urn:dev:test&lt=300&lwm2m=1.0&b=UQ&sms=436641234567");
    rig_free(r);
}

/* Transport 6.5: awake for MAX_TRANSMIT_WAIT after its last message. */
static void test_queue_mode_sleeps_after_max_transmit_wait(void **state)
{
    rig *r = sleeper(0);
    uint64_t for_ms;

    (void)state;
    assert_false(sleeps(r, NULL));
    rig_register(r);
    assert_false(sleeps(r, &for_ms));
    assert_int_equal(for_ms, 93000);
    rig_wait(r, 92999);
    assert_false(sleeps(r, NULL));
    rig_wait(r, 1);
    assert_true(sleeps(r, &for_ms));
    assert_true(for_ms > 60000 && for_ms <= 300000 - 93000 - 93000);
    /* It wakes for its Update, and the time begins anew. */
    rig_wait(r, for_ms);
    assert_string_equal(rig_last(r, 0)->path, "/rd/1");
    assert_false(sleeps(r, &for_ms));
    assert_int_equal(for_ms, 93000);
    rig_free(r);
}

/* Each request extends the time; an answer is given whatever the time was. */
static void test_queue_mode_stays_awake_while_asked(void **state)
{
    rig *r = sleeper(10000);
    uint64_t for_ms;

    (void)state;
    rig_register(r);
    for (int i = 0; i < 4; i++) {
        rig_wait(r, 9000);
        assert_false(sleeps(r, NULL));
        assert_text(rig_get(r, "/3/0/0", 0), "Open Mobile Alliance");
        assert_false(sleeps(r, &for_ms));
        assert_int_equal(for_ms, 10000);
    }
    rig_wait(r, 10000);
    assert_true(sleeps(r, NULL));
    rig_free(r);
}

/* What is not answered yet keeps it awake, longer than its time. */
static void test_queue_mode_does_not_sleep_on_a_request(void **state)
{
    rig *r = sleeper(1000);
    uint64_t for_ms;

    (void)state;
    rig_register(r);
    r->server[0].silent = true;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    for (int i = 0; i < 20; i++) {
        rig_wait(r, 1500);
        assert_false(sleeps(r, &for_ms));
    }
    r->server[0].silent = false;
    rig_wait(r, 60000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    rig_wait(r, 1000);
    assert_true(sleeps(r, NULL));
    rig_free(r);
}

/* A notification wakes it: pmax is the longest sleep, a change the shortest; a CON one waits for its
 * ACK. */
static void test_queue_mode_wakes_for_notifications(void **state)
{
    rig *r = sleeper(5000);
    uint64_t for_ms;

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3303/0/5700?pmax=60&con=1", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3303/0/5700", -1), 2, 05);
    rig_wait(r, 5000);
    assert_true(sleeps(r, &for_ms));
    assert_int_equal(for_ms, 55000);
    (void)tsr_lwm2m_sensor_measure(&r->sensor[0], 25, 1367491300);
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_resource(3303, 0, 5700));
    r->server[0].silent = true;
    rig_run(r);
    rig_wait(r, 5000);
    assert_false(sleeps(r, NULL));
    r->server[0].silent = false;
    rig_wait(r, 10000);
    assert_int_equal(r->server[0].note_count, 1);
    rig_wait(r, 5000);
    assert_true(sleeps(r, NULL));
    rig_free(r);
}

/* A client without queue mode never sleeps. */
static void test_queue_mode_is_off(void **state)
{
    rig *r = rig_new(1);
    uint64_t until_ms;

    (void)state;
    rig_register(r);
    rig_wait(r, 100000);
    assert_false(tsr_lwm2m_queue_sleeps(&r->client, r->now_ms, &until_ms));
    assert_true(until_ms > r->now_ms);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_mode_is_told),
        cmocka_unit_test(test_queue_mode_is_told_to_a_1_0_server),
        cmocka_unit_test(test_queue_mode_sleeps_after_max_transmit_wait),
        cmocka_unit_test(test_queue_mode_stays_awake_while_asked),
        cmocka_unit_test(test_queue_mode_does_not_sleep_on_a_request),
        cmocka_unit_test(test_queue_mode_wakes_for_notifications),
        cmocka_unit_test(test_queue_mode_is_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
