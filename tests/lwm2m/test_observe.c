/* SPDX-License-Identifier: Apache-2.0
 *
 * Information reporting: Observe, Notify and Cancel with their attributes (Core 6.4, RFC 7641). */
#include "tests/lwm2m/rig.h"

static size_t notes(const rig *r)
{
    return r->server[0].note_count;
}

static const rig_message *last_note(const rig *r)
{
    assert_int_not_equal(notes(r), 0);
    return &r->server[0].note[notes(r) - 1];
}

static void set_battery(rig *r, int8_t percent)
{
    r->device.battery_percent = percent;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0));
    rig_run(r);
}

/* Conformance case 301: pmin and pmax on two resources. Core 6.4.1, Core 6.4.2 */
static void test_int_301_observe_with_pmin_and_pmax(void **state)
{
    rig *r = rig_new(1);
    uint64_t from;

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3/0/7?pmin=5&pmax=15", -1, ""), 2, 04);
    assert_code(rig_put(r, "/3/0/8?pmin=10&pmax=20", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/7", 110), 2, 05);
    assert_true(r->server[0].answer.observing);
    assert_code(rig_observe(r, "/3/0/8", 110), 2, 05);
    from = r->now_ms;
    r->device.power[0].voltage_mv = 3700;
    r->device.power[0].current_ma = 130;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0));
    rig_wait(r, 4900);
    assert_int_equal(notes(r), 0);
    rig_wait(r, 200);
    assert_int_equal(notes(r), 1);
    assert_text(last_note(r), "[{\"bn\":\"/3/0/7/\",\"n\":\"0\",\"v\":3700},{\"n\":\"1\",\"v\":5000}]");
    assert_int_equal(last_note(r)->at_ms - from, 5000);
    rig_wait(r, 5000);
    assert_int_equal(notes(r), 2);
    assert_text(last_note(r), "[{\"bn\":\"/3/0/8/\",\"n\":\"0\",\"v\":130},{\"n\":\"1\",\"v\":900}]");
    /* pmax: nothing has changed, and they come all the same */
    rig_wait(r, 10000);
    assert_int_equal(notes(r), 3);
    assert_int_equal(last_note(r)->at_ms - from, 20000);
    rig_free(r);
}

/* Conformance case 302: a RST to a notification ends the observation. */
static void test_int_302_cancel_by_reset(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    assert_int_equal(tsr_coap_observe_forget(&r->server[0].coap, 0,
                                             tsr_view(r->server[0].answer.token, r->server[0].answer.token_len)),
                     TSR_OK);
    set_battery(r, 50);
    assert_int_equal(notes(r), 0);
    assert_int_equal(r->events[TSR_LWM2M_E_OBSERVE_END], 1);
    assert_false(r->observations[0].used);
    set_battery(r, 40);
    assert_int_equal(r->events[TSR_LWM2M_E_NOTIFIED], 1);
    rig_free(r);
}

/* Conformance case 303: GET with Observe 1 is a Read that ends it. Core 6.4.3 */
static void test_int_303_cancel_by_observe_1(void **state)
{
    rig *r = rig_new(1);
    rig_request cancel = { TSR_COAP_GET, "/3/0/9", -1, -1, 1, { NULL, 0 }, { NULL, 0 } };
    uint8_t token[8];
    const rig_message *m;

    (void)state;
    rig_register(r);
    m = rig_observe(r, "/3/0/9", -1);
    memcpy(token, m->token, m->token_len);
    cancel.token = tsr_view(token, m->token_len);
    m = rig_send(r, 0, &cancel);
    assert_code(m, 2, 05);
    assert_text(m, "100");
    assert_false(m->observing);
    set_battery(r, 50);
    assert_int_equal(notes(r), 0);
    rig_free(r);
}

/* Conformance case 312: attributes in the query of the Observe (1.2). */
static void test_int_312_attributes_in_the_observe(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9?pmin=3&pmax=30&gt=90&lt=20", -1), 2, 05);
    assert_text(rig_get(r, "/3/0/9", 40), "</3/0/9>");
    set_battery(r, 95);
    rig_wait(r, 4000);
    assert_int_equal(notes(r), 0);
    set_battery(r, 50);
    assert_int_equal(notes(r), 1);
    set_battery(r, 30);
    rig_wait(r, 5000);
    assert_int_equal(notes(r), 1);
    set_battery(r, 10);
    assert_int_equal(notes(r), 2);
    assert_text(last_note(r), "10");
    rig_wait(r, 30000);
    assert_int_equal(notes(r), 3);
    assert_code(rig_observe(r, "/3/0/9?lt=90&gt=20", -1), 4, 00);
    assert_code(rig_observe(r, "/3/0/9?what=1", -1), 4, 00);
    assert_code(rig_observe(r, "/3/0?gt=5", 112), 4, 00);
    rig_free(r);
}

/* Conformance case 313: they take the place of the attached ones, for that observation. */
static void test_int_313_attributes_in_the_observe_override(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3/0/9?pmin=100&pmax=200", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9?pmin=1", -1), 2, 05);
    rig_wait(r, 1000);
    set_battery(r, 50);
    assert_int_equal(notes(r), 1);
    rig_wait(r, 199000);
    assert_int_equal(notes(r), 1);
    rig_wait(r, 1000);
    assert_int_equal(notes(r), 2); /* pmax is still the attached one */
    assert_text(rig_get(r, "/3/0/9", 40), "</3/0/9>;pmin=100;pmax=200");
    rig_free(r);
}

/* Precedence: resource before instance before object before /1. */
static void test_pmin_of_the_nearest_level_counts(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/2", 0, "50"), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    set_battery(r, 1);
    rig_wait(r, 49000);
    assert_int_equal(notes(r), 0);
    rig_wait(r, 1001);
    assert_int_equal(notes(r), 1);
    assert_code(rig_put(r, "/3?pmin=20", -1, ""), 2, 04);
    set_battery(r, 2);
    rig_wait(r, 19000);
    assert_int_equal(notes(r), 1);
    rig_wait(r, 1001);
    assert_int_equal(notes(r), 2);
    assert_code(rig_put(r, "/3/0?pmin=10", -1, ""), 2, 04);
    set_battery(r, 3);
    rig_wait(r, 10001);
    assert_int_equal(notes(r), 3);
    assert_code(rig_put(r, "/3/0/9?pmin=0", -1, ""), 2, 04);
    rig_wait(r, 1);
    set_battery(r, 4);
    assert_int_equal(notes(r), 4);
    rig_free(r);
}

/* Core 5.1.2: attributes below the observed level are not looked at. */
static void test_attributes_below_the_observed_level_are_ignored(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3/0/9?pmin=1000&gt=200", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0", 112), 2, 05);
    rig_wait(r, 1);
    set_battery(r, 50);
    assert_int_equal(notes(r), 1);
    rig_free(r);
}

static void test_observe_at_every_level(void **state)
{
    static const char *const paths[] = { "/3303", "/3303/0", "/3303/0/5700", "/3/0/7/1" };
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_code(rig_observe(r, paths[i], 110), 2, 05);
    rig_wait(r, 1);
    (void)tsr_lwm2m_sensor_measure(&r->sensor[0], 21.5, 1367491300);
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3303, 0));
    rig_run(r);
    assert_int_equal(notes(r), 3);
    for (size_t i = 0; i < 3; i++)
        assert_non_null(strstr(r->server[0].note[i].text, "21.5"));
    r->device.power[1].voltage_mv = 4900;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_resource(3, 0, 7));
    rig_run(r);
    assert_int_equal(notes(r), 4);
    assert_text(last_note(r), "[{\"n\":\"/3/0/7/1\",\"v\":4900}]");
    rig_free(r);
}

static void test_nothing_is_sent_when_the_value_is_the_same(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    assert_code(rig_observe(r, "/3/0", 112), 2, 05);
    for (int i = 0; i < 10; i++) {
        rig_wait(r, 1000);
        set_battery(r, 100);
    }
    assert_int_equal(notes(r), 0);
    rig_free(r);
}

static void test_edge_reports_one_direction(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3311/0/5850?edge=1", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3311/0/5850", -1), 2, 05);
    assert_code(rig_put(r, "/3311/0/5850", 0, "1"), 2, 04);
    assert_int_equal(notes(r), 1);
    assert_code(rig_put(r, "/3311/0/5850", 0, "0"), 2, 04);
    assert_int_equal(notes(r), 1);
    rig_free(r);
}

/* Core 5.1.2: epmin between two evaluations; a change in between waits, and one that is taken back
 * is not seen. */
static void test_epmin_spaces_evaluations(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3/0/9?epmin=10&epmax=30", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    set_battery(r, 90); /* the first evaluation */
    assert_int_equal(notes(r), 1);
    rig_wait(r, 2000);
    set_battery(r, 80);
    rig_wait(r, 7999);
    assert_int_equal(notes(r), 1);
    rig_wait(r, 1);
    assert_int_equal(notes(r), 2);
    assert_text(last_note(r), "80");
    rig_wait(r, 1000);
    set_battery(r, 70);
    rig_wait(r, 1000);
    set_battery(r, 80);
    rig_wait(r, 60000);
    assert_int_equal(notes(r), 2);
    rig_free(r);
}

/* Thresholds are judged as rarely; pmax is kept all the same. */
static void test_epmin_holds_thresholds_but_not_pmax(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3/0/9?epmin=20&gt=50&pmax=15", -1, ""), 2, 04);
    set_battery(r, 40);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    rig_wait(r, 1000);
    set_battery(r, 45); /* judged: nothing was crossed */
    rig_wait(r, 1000);
    set_battery(r, 60); /* crossed, too early */
    rig_wait(r, 12999);
    assert_int_equal(notes(r), 0);
    rig_wait(r, 1);
    assert_int_equal(notes(r), 1); /* by pmax */
    assert_text(last_note(r), "60");
    assert_code(rig_put(r, "/3/0/9?pmax", -1, ""), 2, 04);
    set_battery(r, 40);
    rig_wait(r, 30000);
    assert_int_equal(notes(r), 2); /* crossed again, once it was time */
    rig_free(r);
}

/* con=1 or /1/x/26 = 1: notifications are confirmable. */
static void test_con_says_how_a_notification_goes(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    rig_wait(r, 1);
    set_battery(r, 50);
    assert_false(last_note(r)->con);
    assert_code(rig_put(r, "/3?con=1", -1, ""), 2, 04);
    set_battery(r, 51);
    assert_true(last_note(r)->con);
    assert_code(rig_put(r, "/3?con", -1, ""), 2, 04);
    assert_code(rig_put(r, "/1/0/26", 0, "1"), 2, 04);
    set_battery(r, 52);
    assert_true(last_note(r)->con);
    assert_int_equal(notes(r), 3);
    rig_free(r);
}

/* RFC 7641 §4.5: at least one CON a day, to learn whether anybody still listens. */
static void test_one_notification_a_day_is_confirmable(void **state)
{
    rig *r = rig_new(1);
    size_t con = 0;

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/1", 0, "0"), 2, 04);
    assert_code(rig_put(r, "/3/0/9?pmax=7200", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    rig_wait(r, 27u * 3600 * 1000);
    for (size_t i = 0; i < notes(r); i++)
        con += r->server[0].note[i].con;
    assert_int_equal(notes(r), 13);
    assert_int_equal(con, 1);
    rig_free(r);
}

/* An observed instance that goes is reported once, as 4.04 (RFC 7641 §4.2). */
static void test_observation_ends_with_its_target(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/1/0/0\",\"vs\":\"x\"}]"), 2, 01);
    assert_code(rig_observe(r, "/16/1", 110), 2, 05);
    assert_code(rig_delete(r, "/16/1"), 2, 02);
    assert_int_equal(r->events[TSR_LWM2M_E_OBSERVE_END], 1);
    assert_false(r->observations[0].used);
    rig_free(r);
}

/* A CON notification that nobody confirms makes the client ask whether the server is there. */
static void test_unconfirmed_notification_leads_to_an_update(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/26", 0, "1"), 2, 04);
    assert_code(rig_put(r, "/1/0/1", 0, "86400"), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    r->server[0].silent = true;
    rig_wait(r, 1);
    set_battery(r, 50);
    rig_wait(r, 95000);
    assert_true(r->accounts[0].request != 0 || r->accounts[0].standing != TSR_LWM2M_REGISTERED);
    r->server[0].silent = false;
    rig_wait(r, 200000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_true(notes(r) >= 1);
    assert_text(last_note(r), "50");
    rig_free(r);
}

/* Sequence numbers grow, from one observation to the next and over restarts (RFC 7641 §3.4). */
static void test_sequence_numbers_grow(void **state)
{
    rig *r = rig_new(1);
    uint32_t last;

    (void)state;
    rig_register(r);
    last = rig_observe(r, "/3/0/9", -1)->observe;
    for (int i = 0; i < 5; i++) {
        rig_wait(r, 1);
        set_battery(r, (int8_t)i);
        assert_true(last_note(r)->observe > last);
        last = last_note(r)->observe;
    }
    for (int i = 0; i < 3; i++) {
        rig_restart(r);
        rig_wait(r, 1000);
        assert_true(last_note(r)->observe > last);
        last = last_note(r)->observe;
    }
    rig_free(r);
}

static void test_same_target_again_takes_the_same_place(void **state)
{
    rig *r = rig_new(1);
    size_t used = 0;

    (void)state;
    rig_register(r);
    for (int i = 0; i < 12; i++)
        assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    for (size_t i = 0; i < 8; i++)
        used += r->observations[i].used;
    assert_int_equal(used, 1);
    rig_free(r);
}

/* When all places are taken the answer is a Read: it carries no Observe option (RFC 7641 §4.1). */
static void test_observe_without_room_is_a_read(void **state)
{
    static const char *const paths[] = { "/3/0/0", "/3/0/1", "/3/0/2", "/3/0/3", "/3/0/9", "/3/0/10",
                                         "/3/0/13", "/3/0/14", "/3/0/16" };
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    for (size_t i = 0; i < 9; i++) {
        assert_code(rig_observe(r, paths[i], -1), 2, 05);
        assert_int_equal(r->server[0].answer.observing, i < 8);
    }
    rig_free(r);
}

/* Conformance case 951: attributes are per server. */
static void test_int_951_attributes_are_per_server(void **state)
{
    rig *r = rig_new(2);
    rig_request other = { TSR_COAP_GET, "/3/0/9", -1, -1, 0, { NULL, 0 }, { NULL, 0 } };

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3/0/9?pmin=60", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    assert_code(rig_send(r, 1, &other), 2, 05);
    rig_wait(r, 1);
    set_battery(r, 50);
    assert_int_equal(notes(r), 0);
    assert_int_equal(r->server[1].note_count, 1);
    other.observe = -1;
    other.accept = 40;
    assert_text(rig_send(r, 1, &other), "</3/0/9>");
    rig_free(r);
}

static void test_new_registration_ends_observations(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    r->server[0].update_code = TSR_COAP_NOT_FOUND;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    assert_int_equal(r->server[0].number, 2);
    assert_false(r->observations[0].used);
    rig_free(r);
}

/* Core 6.4: a server that asks before its 2.01 has got through is not heard; its CON comes again. */
static void test_observe_before_the_answer_to_a_register_waits_for_it(void **state)
{
    rig *r = rig_new(1);
    tsr_coap_request observe = { .method = TSR_COAP_GET, .path = "/3/0/9", .observe = { true, 0 } };
    rig_server *s = &r->server[0];

    (void)state;
    s->deaf_client = true;
    rig_run(r);
    assert_int_equal(s->number, 1);
    s->deaf_client = false;
    assert_int_equal(tsr_coap_request_send(&s->coap, 0, &observe, r->now_ms, &s->asked), TSR_OK);
    rig_run(r);
    assert_false(s->answered);
    assert_false(r->observations[0].used);
    rig_wait(r, 5000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(s->number, 1);
    assert_true(s->answered);
    assert_code(&s->answer, 2, 05);
    set_battery(r, 41);
    assert_string_equal(last_note(r)->text, "41");
    rig_free(r);
}

/* RFC 7641 §3.6: a server that does not know the address would answer with a Reset. */
static void test_notifications_wait_until_a_new_address_is_known(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    r->server[0].silent = true;
    tsr_lwm2m_client_moved(&r->client, 0, r->now_ms);
    r->device.battery_percent = 42;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_resource(3, 0, 9));
    rig_run(r);
    r->server[0].silent = false;
    r->server[0].got_count = r->server[0].note_count = 0;
    rig_wait(r, 5000);
    assert_int_equal(r->server[0].got_count, 1);
    assert_string_equal(r->server[0].got[0].path, "/rd/1");
    assert_int_equal(r->server[0].note_count, 1);
    assert_true(r->server[0].note[0].at_ms >= r->server[0].got[0].at_ms);
    assert_string_equal(r->server[0].note[0].text, "42");
    rig_free(r);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_int_301_observe_with_pmin_and_pmax),
        T(test_int_302_cancel_by_reset),
        T(test_int_303_cancel_by_observe_1),
        T(test_int_312_attributes_in_the_observe),
        T(test_int_313_attributes_in_the_observe_override),
        T(test_pmin_of_the_nearest_level_counts),
        T(test_attributes_below_the_observed_level_are_ignored),
        T(test_observe_at_every_level),
        T(test_nothing_is_sent_when_the_value_is_the_same),
        T(test_edge_reports_one_direction),
        T(test_epmin_spaces_evaluations),
        T(test_epmin_holds_thresholds_but_not_pmax),
        T(test_con_says_how_a_notification_goes),
        T(test_one_notification_a_day_is_confirmable),
        T(test_observation_ends_with_its_target),
        T(test_unconfirmed_notification_leads_to_an_update),
        T(test_sequence_numbers_grow),
        T(test_same_target_again_takes_the_same_place),
        T(test_observe_without_room_is_a_read),
        T(test_int_951_attributes_are_per_server),
        T(test_new_registration_ends_observations),
        T(test_observe_before_the_answer_to_a_register_waits_for_it),
        T(test_notifications_wait_until_a_new_address_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
