/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration by Profile ID: what is said and left out, and what follows a refusal (Core 6.2.1). */
#include "tests/lwm2m/rig.h"

static const char agreed[] = "6:27354b9a";
static const char list[] = "</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542 11544\",</1/0>,</3/0>,</4/0>,"
                           "</7/0>,</16>,</3303>;ver=1.1,</3303/0>,</3303/5>,</3311/0>";

static tsr_lwm2m_profile profile;

static rig *with_profile(const char *id, const char *covers)
{
    rig *r = rig_new(1);

    profile = (tsr_lwm2m_profile){ .id = id, .covers = covers };
    r->client.config.profile = &profile;
    return r;
}

/* LwM2M-1.1-int-110: the name alone, and nothing of a payload. */
static void test_profile_takes_the_place_of_the_list(void **state)
{
    rig *r = with_profile(agreed, NULL);
    const rig_message *m;

    (void)state;
    rig_register(r);
    m = rig_last(r, 0);
    assert_int_equal(r->server[0].got_count, 1);
    assert_string_equal(m->queries, "ep=urn:dev:test&lt=300&lwm2m=1.2&b=U&pid=6:27354b9a");
    assert_int_equal(m->len, 0);
    assert_false(m->content_format.set);
    rig_free(r);
}

/* LwM2M-1.1-int-111: what the name does not stand for is told beside it. */
static void test_profile_leaves_the_rest_of_the_list(void **state)
{
    rig *r = with_profile(agreed, "</1/0>,</3/0>,</3303/0>,</>");

    (void)state;
    rig_register(r);
    assert_non_null(strstr(rig_last(r, 0)->queries, "&pid=6:27354b9a"));
    assert_int_equal(rig_last(r, 0)->content_format.value, 40);
    assert_text(rig_last(r, 0), "</4/0>,</7/0>,</16>,</3303>;ver=1.1,</3303/5>,</3311/0>");
    rig_free(r);
}

/* Whoever covers everything sends nothing; a link with parameters is found by its target. */
static void test_profile_that_covers_everything(void **state)
{
    rig *r = with_profile("v:x", list);

    (void)state;
    rig_register(r);
    assert_int_equal(rig_last(r, 0)->len, 0);
    assert_false(rig_last(r, 0)->content_format.set);
    rig_free(r);
}

/* Core 6.2.1: 4.09, the server does not know the name. */
static void test_profile_that_is_refused_is_followed_by_the_list(void **state)
{
    rig *r = with_profile(agreed, "</1/0>,</3/0>");

    (void)state;
    r->server[0].refuse_profile = TSR_COAP_CONFLICT;
    rig_register(r);
    assert_int_equal(r->server[0].got_count, 2);
    assert_string_equal(rig_last(r, 0)->queries, "ep=urn:dev:test&lt=300&lwm2m=1.2&b=U");
    assert_text(rig_last(r, 0), list);
    assert_int_equal(r->server[0].got[1].at_ms, r->server[0].got[0].at_ms);
    assert_int_equal(r->events[TSR_LWM2M_E_REGISTERED], 1);
    /* The next time it may know it. */
    r->server[0].refuse_profile = 0;
    r->server[0].update_code = TSR_COAP_NOT_FOUND;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    assert_int_equal(r->server[0].number, 2);
    assert_non_null(strstr(rig_last(r, 0)->queries, "&pid=6:27354b9a"));
    rig_free(r);
}

/* A server that refuses the list as well is not asked for ever in one second. */
static void test_profile_and_list_refused_wait(void **state)
{
    rig *r = with_profile(agreed, NULL);

    (void)state;
    r->server[0].refuse[2] = TSR_COAP_FORBIDDEN;
    rig_run(r);
    assert_int_equal(r->server[0].got_count, 2);
    assert_text(rig_last(r, 0), list);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    r->server[0].refuse[2] = 0;
    rig_wait(r, 76000);
    assert_int_equal(r->server[0].got_count, 3);
    assert_non_null(strstr(rig_last(r, 0)->queries, "&pid="));
    rig_free(r);
}

/* 1.1 does not know the parameter. */
static void test_profile_is_not_told_to_a_1_1_server(void **state)
{
    rig *r = with_profile(agreed, NULL);

    (void)state;
    r->server[0].refuse[2] = TSR_COAP_PRECONDITION_FAILED;
    rig_register(r);
    assert_int_equal(r->server[0].got_count, 2);
    assert_string_equal(rig_last(r, 0)->queries, "ep=urn:dev:test&lt=300&lwm2m=1.1&b=U");
    assert_true(rig_last(r, 0)->len != 0);
    rig_free(r);
}

/* Core 6.2.2: a list that changed is told as a whole; one that did not is not told. */
static void test_profile_and_updates(void **state)
{
    rig *r = with_profile(agreed, NULL);

    (void)state;
    rig_register(r);
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    assert_string_equal(rig_last(r, 0)->queries, "");
    assert_int_equal(rig_last(r, 0)->len, 0);
    r->sensor[1].id = 6;
    tsr_lwm2m_client_relink(&r->client);
    rig_run(r);
    assert_string_equal(rig_last(r, 0)->path, "/rd/1");
    assert_string_equal(rig_last(r, 0)->queries, "");
    assert_non_null(strstr(rig_last(r, 0)->text, "</1/0>,</3/0>"));
    assert_non_null(strstr(rig_last(r, 0)->text, "</3303/6>"));
    rig_restart(r); /* objects are as before */
    r->client.config.profile = &profile;
    rig_run(r);
    assert_int_equal(r->server[0].number, 1);
    assert_non_null(strstr(rig_last(r, 0)->text, "</3303/5>"));
    rig_free(r);
}

static tsr_err list_seen(tsr_bytes in, uint8_t digest[32])
{
    assert_true(tsr_same(in, tsr_text(list)));
    for (uint8_t i = 0; i < 32; i++)
        digest[i] = (uint8_t)(0xa0 + i);
    return TSR_OK;
}

static tsr_err no_hash(tsr_bytes in, uint8_t digest[32])
{
    (void)in;
    (void)digest;
    return TSR_E_IO;
}

/* Core 6.2.1, RFC 6920 §9.4: a suite, and so much of the hash. */
static void test_profile_is_computed_from_the_list(void **state)
{
    static const struct {
        tsr_lwm2m_profile_suite suite;
        const char *says;
    } cases[] = {
        { 0, "&pid=5:a0a1a2a3a4a5a6a7" },
        { TSR_LWM2M_PROFILE_SHA256_32, "&pid=6:a0a1a2a3" },
        { TSR_LWM2M_PROFILE_SHA256_96, "&pid=4:a0a1a2a3a4a5a6a7a8a9aaab" },
        { TSR_LWM2M_PROFILE_SHA256,
          "&pid=1:a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig *r = with_profile(NULL, NULL);

        profile.suite = cases[i].suite;
        profile.sha256 = list_seen;
        rig_register(r);
        assert_string_equal(strstr(rig_last(r, 0)->queries, "&pid="), cases[i].says);
        assert_int_equal(rig_last(r, 0)->len, 0);
        rig_free(r);
    }
}

static void test_profile_that_cannot_be_computed_is_not_told(void **state)
{
    rig *r = with_profile(NULL, NULL);

    (void)state;
    profile.sha256 = no_hash;
    rig_register(r);
    assert_string_equal(rig_last(r, 0)->queries, "ep=urn:dev:test&lt=300&lwm2m=1.2&b=U");
    assert_text(rig_last(r, 0), list);
    rig_free(r);
}

/* All six parameters at once. */
static void test_profile_and_queue_mode(void **state)
{
    static tsr_lwm2m_queue queue;
    rig *r = with_profile(agreed, NULL);

    (void)state;
    r->client.config.queue = &queue;
    rig_register(r);
    assert_string_equal(rig_last(r, 0)->queries,
                        "ep=urn:dev:test&lt=300&lwm2m=1.2&b=U&Q&pid=6:27354b9a");
    rig_free(r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_takes_the_place_of_the_list),
        cmocka_unit_test(test_profile_leaves_the_rest_of_the_list),
        cmocka_unit_test(test_profile_that_covers_everything),
        cmocka_unit_test(test_profile_that_is_refused_is_followed_by_the_list),
        cmocka_unit_test(test_profile_and_list_refused_wait),
        cmocka_unit_test(test_profile_is_not_told_to_a_1_1_server),
        cmocka_unit_test(test_profile_and_updates),
        cmocka_unit_test(test_profile_is_computed_from_the_list),
        cmocka_unit_test(test_profile_that_cannot_be_computed_is_not_told),
        cmocka_unit_test(test_profile_and_queue_mode),
    };

    return cmocka_run_group_tests_name("lwm2m/profile", tests, NULL, NULL);
}
