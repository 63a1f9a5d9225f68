/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration: Register, Update, De-register, and what happens when they fail (Core 6.2). */
#include "tests/lwm2m/rig.h"

/* Core 6.2.1: parameters and payload; conformance case 101: neither /0 nor /21 is told. Several
 * formats stand in quotes: RFC 7252 §7.2.1 */
static void test_int_101_register_tells_parameters_and_objects(void **state)
{
    rig *r = rig_new(1);
    const rig_message *m;

    (void)state;
    rig_register(r);
    m = rig_last(r, 0);
    assert_string_equal(m->path, "/rd");
    assert_string_equal(m->queries, "ep=urn:dev:test&lt=300&lwm2m=1.2&b=U");
    assert_int_equal(m->content_format.value, 40);
    assert_text(m, "</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542 11544\",</1/0>,</3/0>,</4/0>,</7/0>,"
                   "</16>,</3303>;ver=1.1,</3303/0>,</3303/5>,</3311/0>");
    assert_string_equal(r->accounts[0].location, "/rd/1");
    assert_int_equal(r->events[TSR_LWM2M_E_REGISTERED], 1);
    rig_free(r);
}

/* Core 6.2.2 */
static void test_int_102_update_comes_before_lifetime_ends(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    for (int i = 0; i < 5; i++) {
        size_t before = r->server[0].got_count;
        uint64_t from = r->now_ms;

        rig_wait(r, 300000);
        assert_true(r->server[0].got_count > before);
        assert_string_equal(rig_last(r, 0)->path, "/rd/1");
        assert_string_equal(rig_last(r, 0)->queries, "");
        assert_int_equal(rig_last(r, 0)->len, 0);
        assert_true(rig_last(r, 0)->at_ms - from <= 300000);
    }
    rig_free(r);
}

static void test_int_102_new_lifetime_is_told_at_once(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/1", 0, "20"), 2, 04);
    assert_string_equal(rig_last(r, 0)->path, "/rd/1");
    assert_string_equal(rig_last(r, 0)->queries, "lt=20");
    rig_wait(r, 20000);
    assert_string_equal(rig_last(r, 0)->queries, "");
    assert_true(r->now_ms - rig_last(r, 0)->at_ms <= 10000);
    rig_free(r);
}

/* Core E.2, Disable */
static void test_int_103_disable_deregisters_and_comes_back(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/5", 0, "600"), 2, 04);
    assert_code(rig_post(r, "/1/0/4", -1, ""), 2, 04);
    assert_int_equal(rig_last(r, 0)->code, TSR_COAP_DELETE);
    assert_string_equal(rig_last(r, 0)->path, "/rd/1");
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    rig_wait(r, 599000);
    assert_int_equal(r->server[0].number, 1);
    rig_wait(r, 2000);
    assert_int_equal(r->server[0].number, 2);
    rig_free(r);
}

static void test_int_104_trigger_updates(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/1/0/8", -1, ""), 2, 04);
    assert_string_equal(rig_last(r, 0)->path, "/rd/1");
    assert_code(rig_post(r, "/1/0/8", 0, "0='U'"), 2, 04);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 2);
    assert_code(rig_post(r, "/1/0/8", 0, "0='T'"), 4, 00);
    assert_code(rig_post(r, "/1/0/8", 0, "1"), 4, 00);
    rig_free(r);
}

static bool can(void *user, uint16_t short_id, char binding)
{
    return short_id == 101 && strchr(user, binding) != NULL;
}

/* Core E.2: a preferred transport is kept and used from the next trigger on, unless that names another */
static void test_trigger_goes_over_the_preferred_transport(void **state)
{
    rig *r = rig_new(1);
    char none[] = "", both[] = "UT";
    size_t count;

    (void)state;
    rig_register(r);
    assert_code(rig_get(r, "/1/0/22", 0), 4, 04);
    assert_code(rig_put(r, "/1/0/22", 0, "T"), 4, 00); /* the host knows of no other than U */
    r->server_state.can = can;
    r->server_state.user = both;
    assert_code(rig_put(r, "/1/0/22", 0, "T"), 2, 04);
    assert_code(rig_put(r, "/1/0/22", 0, "N"), 4, 00);
    assert_code(rig_put(r, "/1/0/22", 0, "UT"), 4, 00);
    assert_code(rig_put(r, "/1/0/22", 0, ""), 4, 00);
    assert_text(rig_get(r, "/1/0/22", 0), "T");
    assert_int_equal(tsr_lwm2m_client_binding(&r->client, 0), 0);

    count = r->server[0].got_count;
    assert_code(rig_post(r, "/1/0/8", -1, ""), 2, 04);
    assert_int_equal(tsr_lwm2m_client_binding(&r->client, 0), 'T');
    assert_int_equal(r->server[0].got_count, count); /* until the host has gone over to it */
    tsr_lwm2m_client_rebind(&r->client, 0, r->now_ms);
    assert_int_equal(tsr_lwm2m_client_binding(&r->client, 0), 0);
    rig_run(r);
    assert_int_equal(r->server[0].number, 2);

    assert_code(rig_post(r, "/1/0/8", 0, "0='N'"), 4, 00);
    assert_int_equal(tsr_lwm2m_client_binding(&r->client, 0), 0);
    assert_code(rig_post(r, "/1/0/8", 0, "0='U'"), 2, 04);
    assert_int_equal(tsr_lwm2m_client_binding(&r->client, 0), 'U');
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    assert_int_equal(tsr_lwm2m_client_binding(&r->client, 0), 0);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 1);
    assert_int_equal(tsr_lwm2m_server_preferred(&r->server_state, 101), 'T');

    rig_restart(r); /* and it is there after a restart, if the host still has it */
    r->server_state.can = can;
    r->server_state.user = none;
    assert_int_equal(tsr_lwm2m_server_preferred(&r->server_state, 101), 0);
    r->server_state.user = both;
    assert_int_equal(tsr_lwm2m_server_preferred(&r->server_state, 101), 'T');
    assert_int_equal(tsr_lwm2m_server_preferred(&r->server_state, 102), 0);
    rig_free(r);
}

/* Core 6.2.2: 4.04 leads to a new Register */
static void test_int_105_dropped_registration_is_made_anew(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    r->server[0].update_code = TSR_COAP_NOT_FOUND;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    assert_int_equal(r->server[0].number, 2);
    assert_string_equal(r->accounts[0].location, "/rd/2");
    assert_int_equal(r->events[TSR_LWM2M_E_REGISTERED], 2);
    rig_free(r);
}

/* A longer lifetime means a later Update. */
static void test_int_107_longer_lifetime_updates_later(void **state)
{
    rig *r = rig_new(1);
    size_t count;

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/1", 0, "4000"), 2, 04);
    count = r->server[0].got_count;
    rig_wait(r, 2800000);
    assert_int_equal(r->server[0].got_count, count);
    rig_wait(r, 1200000);
    assert_int_equal(r->server[0].got_count, count + 1);
    rig_free(r);
}

/* Core 6.2.1.1: 4.12 says that the version is not supported. Servers of 1.1 do this. Core 7.2.3: objects
 * of other versions than that enabler's say theirs. */
static void test_register_falls_back_to_the_version_a_server_takes(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    r->server[0].refuse[2] = TSR_COAP_PRECONDITION_FAILED;
    rig_register(r);
    assert_int_equal(r->accounts[0].version_minor, 1);
    assert_int_equal(r->server[0].got_count, 2);
    assert_string_equal(rig_last(r, 0)->queries, "ep=urn:dev:test&lt=300&lwm2m=1.1&b=U");
    assert_non_null(strstr(rig_last(r, 0)->text, "ct=\"60 110 112 11542\""));
    assert_non_null(strstr(rig_last(r, 0)->text, "</3>;ver=1.2,</3/0>"));
    rig_free(r);

    r = rig_new(1);
    r->server[0].refuse[2] = r->server[0].refuse[1] = TSR_COAP_PRECONDITION_FAILED;
    rig_register(r);
    assert_int_equal(r->accounts[0].version_minor, 0);
    assert_non_null(strstr(rig_last(r, 0)->text, "ct=11542"));
    assert_int_equal(rig_get(r, "/3/0", -1)->content_format.value, 11542);
    rig_free(r);
}

/* Core 6.2.1.2 with the defaults of /1/x/17 to 20: 5 attempts 60 s, 120 s, ... apart (up to a
 * quarter more), and after a day the next sequence. */
static void test_register_backs_off_when_refused(void **state)
{
    static const uint64_t gap_s[] = { 60, 120, 240, 480, 86400, 60 };
    rig *r = rig_new(1);

    (void)state;
    r->server[0].refuse[2] = TSR_COAP_FORBIDDEN;
    rig_wait(r, 112000000);
    assert_true(r->server[0].got_count > sizeof gap_s / sizeof *gap_s);
    for (size_t i = 0; i < sizeof gap_s / sizeof *gap_s; i++) {
        uint64_t waited = r->server[0].got[i + 1].at_ms - r->server[0].got[i].at_ms;

        assert_in_range(waited, gap_s[i] * 1000, gap_s[i] * 1250);
    }
    assert_true(r->events[TSR_LWM2M_E_REGISTER_FAILED] >= 7);
    rig_free(r);
}

static void test_register_waits_as_the_server_object_says(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_INITIAL_DELAY, 30);
    tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_RETRY_COUNT, 1);
    tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_SEQUENCE_DELAY, UINT32_MAX);
    r->server[0].refuse[2] = TSR_COAP_FORBIDDEN;
    rig_wait(r, 29000);
    assert_int_equal(r->server[0].got_count, 0);
    rig_wait(r, 2000);
    assert_int_equal(r->server[0].got_count, 1);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_STOPPED);
    assert_int_equal(r->events[TSR_LWM2M_E_STOPPED], 1);
    rig_wait(r, 200000);
    assert_int_equal(r->server[0].got_count, 1);
    rig_free(r);
}

/* RFC 7252 §4.2: no answer after all retransmissions; then the back-off begins. */
static void test_register_survives_a_silent_server(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    r->server[0].silent = true;
    rig_wait(r, 100000);
    assert_int_equal(r->events[TSR_LWM2M_E_REGISTER_FAILED], 1);
    r->server[0].silent = false;
    rig_wait(r, 75000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    rig_free(r);
}

static void test_update_that_gets_no_answer_is_tried_again(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    r->server[0].silent = true;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 100000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    assert_string_equal(r->accounts[0].location, "/rd/1");
    r->server[0].silent = false;
    rig_wait(r, 80000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(r->server[0].number, 1);
    rig_free(r);
}

/* A request of the server shows that it is there again: no need to wait for the next try. */
static void test_request_ends_the_wait_for_the_next_update(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    r->server[0].silent = true;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 100000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    r->server[0].silent = false;
    assert_int_equal(tsr_lwm2m_client_feed(&r->client, 0, tsr_text("\x40\x01\x12\x34\xb1\x33"), r->now_ms),
                     TSR_OK);
    rig_run(r);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(r->server[0].number, 1);
    rig_free(r);
}

/* Core 6.2.2: a list in an Update is the whole list. */
static void test_update_tells_new_instances(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/3/0/0\",\"vs\":\"x\"}]"), 2, 01);
    assert_string_equal(rig_last(r, 0)->path, "/rd/1");
    assert_int_equal(rig_last(r, 0)->content_format.value, 40);
    assert_non_null(strstr(rig_last(r, 0)->text, "</16/3>"));
    assert_code(rig_delete(r, "/16/3"), 2, 02);
    assert_non_null(strstr(rig_last(r, 0)->text, "</16>,"));
    rig_free(r);
}

static void test_stop_deregisters_when_asked_to(void **state)
{
    rig *r = rig_new(2);

    (void)state;
    rig_register(r);
    tsr_lwm2m_client_stop(&r->client, true, r->now_ms);
    assert_false(tsr_lwm2m_client_stopped(&r->client));
    rig_run(r);
    assert_true(tsr_lwm2m_client_stopped(&r->client));
    assert_int_equal(rig_last(r, 0)->code, TSR_COAP_DELETE);
    assert_int_equal(rig_last(r, 1)->code, TSR_COAP_DELETE);
    assert_int_equal(tsr_lwm2m_client_due_ms(&r->client) > r->now_ms, 1);
    rig_free(r);
}

/* The server may have made the registration that its answer, still on the way, tells of. */
static void test_stop_waits_for_the_answer_to_a_register(void **state)
{
    rig *r = rig_new(2);

    (void)state;
    r->server[0].deaf_client = true;
    r->server[1].refuse[2] = TSR_COAP_FORBIDDEN;
    r->server[1].deaf_client = true;
    rig_wait(r, 100);
    assert_int_equal(rig_last(r, 0)->code, TSR_COAP_POST);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERING);
    tsr_lwm2m_client_stop(&r->client, true, r->now_ms);
    assert_false(tsr_lwm2m_client_stopped(&r->client));
    r->server[0].deaf_client = r->server[1].deaf_client = false;
    rig_wait(r, 20000);
    assert_true(tsr_lwm2m_client_stopped(&r->client));
    assert_int_equal(rig_last(r, 0)->code, TSR_COAP_DELETE);
    assert_string_equal(rig_last(r, 0)->path, "/rd/1");
    assert_int_equal(rig_last(r, 1)->code, TSR_COAP_POST); /* refused: nothing to leave */
    rig_free(r);
}

static void test_stop_ends_when_nobody_answers_a_register(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    r->server[0].silent = true;
    rig_wait(r, 100);
    tsr_lwm2m_client_stop(&r->client, true, r->now_ms);
    assert_false(tsr_lwm2m_client_stopped(&r->client));
    rig_wait(r, 100000);
    assert_true(tsr_lwm2m_client_stopped(&r->client));
    rig_free(r);
}

/* Conformance case 950 */
static void test_int_950_two_servers_are_served_apart(void **state)
{
    rig *r = rig_new(2);

    (void)state;
    r->server[1].silent = true;
    rig_wait(r, 1000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(r->accounts[1].standing, TSR_LWM2M_REGISTERING);
    r->server[1].silent = false;
    rig_wait(r, 100000);
    assert_int_equal(r->accounts[1].standing, TSR_LWM2M_REGISTERED);
    assert_string_equal(r->server[1].got[0].queries, "ep=urn:dev:test&lt=300&lwm2m=1.2&b=U");
    rig_free(r);
}

/* RFC 7252 §5.10.7 */
static void test_register_without_location_is_no_registration(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    r->server[0].refuse[2] = TSR_COAP_CREATED;
    rig_run(r);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    assert_string_equal(r->accounts[0].location, "");
    rig_free(r);
}

static void test_moved_address_updates_at_once(void **state)
{
    rig *r = rig_new(1);
    size_t count;

    (void)state;
    rig_register(r);
    count = r->server[0].got_count;
    tsr_lwm2m_client_moved(&r->client, 0, r->now_ms);
    rig_run(r);
    assert_int_equal(r->server[0].got_count, count + 1);
    assert_string_equal(rig_last(r, 0)->path, "/rd/1");
    rig_free(r);
}

/* /1/x/13: lower first, whatever the order of the accounts; without a place in it, at once. */
static void test_registration_priority_order(void **state)
{
    rig *r = rig_new(2);

    (void)state;
    tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_ORDER, 5);
    tsr_lwm2m_server_set(&r->server_item[1], TSR_LWM2M_S_ORDER, 2);
    r->server[1].silent = true;
    rig_wait(r, 30000);
    assert_int_equal(r->server[0].got_count, 0);
    r->server[1].silent = false;
    rig_wait(r, 100000);
    assert_int_equal(r->accounts[1].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_true(r->server[0].got[0].at_ms > r->server[1].got[0].at_ms);
    rig_free(r);

    r = rig_new(2);
    tsr_lwm2m_server_set(&r->server_item[1], TSR_LWM2M_S_ORDER, 2);
    r->server[1].silent = true;
    rig_wait(r, 100);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    rig_free(r);
}

/* /1/x/15, Core 6.2.1.1: the next has its turn when this one has failed (/1/x/17 to 20), or never. */
static void test_registration_failure_block(void **state)
{
    (void)state;
    for (uint32_t block = 0; block < 2; block++) {
        rig *r = rig_new(2);

        tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_ORDER, 1);
        tsr_lwm2m_server_set(&r->server_item[1], TSR_LWM2M_S_ORDER, 2);
        tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_FAILURE_BLOCK, block);
        tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_RETRY_COUNT, 2);
        tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_RETRY_TIMER, 10);
        tsr_lwm2m_server_set(&r->server_item[0], TSR_LWM2M_S_SEQUENCE_DELAY, 3600);
        r->server[0].silent = true;
        rig_wait(r, 60000); /* the first attempt is still under way or has just failed */
        assert_int_equal(r->server[1].got_count, 0);
        rig_wait(r, 300000);
        assert_int_equal(r->accounts[1].standing == TSR_LWM2M_REGISTERED, block == 0);
        r->server[0].silent = false;
        rig_wait(r, 2 * 3600000);
        assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
        assert_int_equal(r->accounts[1].standing, TSR_LWM2M_REGISTERED);
        rig_free(r);
    }
}

static const char read_device[] = "40010102b13301300130"; /* CON GET /3/0/0 */

/* Core 6.3: not even a Reset, so that the server cannot tell it from a lost datagram. */
static void test_requests_are_ignored_until_registered(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    r->server[0].refuse[2] = r->server[0].refuse[1] = r->server[0].refuse[0] = TSR_COAP_BAD_REQUEST;
    rig_run(r);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    assert_string_equal(rig_raw(r, read_device), "");
    assert_int_equal(r->events[TSR_LWM2M_E_REQUEST], 0);
    r->server[0].refuse[2] = 0;
    rig_wait(r, 100000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_memory_equal(rig_raw(r, read_device), "60450102", 8);
    rig_free(r);
}

/* A registration that is being updated, or left, is there until its end. */
static void test_requests_are_answered_while_an_update_is_under_way(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    r->server[0].silent = true;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    assert_int_not_equal(r->accounts[0].request, 0);
    assert_memory_equal(rig_raw(r, read_device), "60450102", 8);
    tsr_lwm2m_client_stop(&r->client, true, r->now_ms);
    rig_wait(r, 100000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_STOPPED);
    rig_free(r);
}

/* Core 6.2.2: after a 4.04 there is no registration, until there is a new one. */
static void test_requests_are_ignored_once_the_server_has_forgotten(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    r->server[0].update_code = TSR_COAP_NOT_FOUND;
    r->server[0].refuse[2] = r->server[0].refuse[1] = r->server[0].refuse[0] = TSR_COAP_BAD_REQUEST;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    assert_string_equal(rig_raw(r, read_device), "");
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int_101_register_tells_parameters_and_objects),
        cmocka_unit_test(test_int_102_update_comes_before_lifetime_ends),
        cmocka_unit_test(test_int_102_new_lifetime_is_told_at_once),
        cmocka_unit_test(test_int_103_disable_deregisters_and_comes_back),
        cmocka_unit_test(test_int_104_trigger_updates),
        cmocka_unit_test(test_trigger_goes_over_the_preferred_transport),
        cmocka_unit_test(test_int_105_dropped_registration_is_made_anew),
        cmocka_unit_test(test_int_107_longer_lifetime_updates_later),
        cmocka_unit_test(test_register_falls_back_to_the_version_a_server_takes),
        cmocka_unit_test(test_register_backs_off_when_refused),
        cmocka_unit_test(test_register_waits_as_the_server_object_says),
        cmocka_unit_test(test_register_survives_a_silent_server),
        cmocka_unit_test(test_update_that_gets_no_answer_is_tried_again),
        cmocka_unit_test(test_request_ends_the_wait_for_the_next_update),
        cmocka_unit_test(test_update_tells_new_instances),
        cmocka_unit_test(test_stop_deregisters_when_asked_to),
        cmocka_unit_test(test_stop_waits_for_the_answer_to_a_register),
        cmocka_unit_test(test_stop_ends_when_nobody_answers_a_register),
        cmocka_unit_test(test_int_950_two_servers_are_served_apart),
        cmocka_unit_test(test_register_without_location_is_no_registration),
        cmocka_unit_test(test_registration_priority_order),
        cmocka_unit_test(test_registration_failure_block),
        cmocka_unit_test(test_moved_address_updates_at_once),
        cmocka_unit_test(test_requests_are_ignored_until_registered),
        cmocka_unit_test(test_requests_are_answered_while_an_update_is_under_way),
        cmocka_unit_test(test_requests_are_ignored_once_the_server_has_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
