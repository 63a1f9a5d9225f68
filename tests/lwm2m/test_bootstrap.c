/* SPDX-License-Identifier: Apache-2.0
 *
 * The bootstrap interface: how it is asked for, what may be done there, how it ends. */
#include "tests/lwm2m/boot_rig.h"

#include <string.h>

#include "psa/crypto.h"
#include "tests/vectors.h"

static const boot_account_values one = { .instance = 1, .short_id = 101, .uri = "coap://one",
                                         .mode = TSR_LWM2M_MODE_NOSEC };
static const boot_account_values two = { .instance = 2, .short_id = 102, .uri = "coap://two",
                                         .mode = TSR_LWM2M_MODE_NOSEC };
static const boot_account_values secret = { .instance = 1, .short_id = 101, .uri = "coaps://one",
                                            .mode = TSR_LWM2M_MODE_PSK, .identity = "dev",
                                            .key = "0123456789abcdef" };

static boot_rig *blank(void)
{
    boot_rig *r = boot_new();

    boot_start(r);
    boot_run(r);
    return r;
}

static boot_rig *with_server(void)
{
    boot_rig *r = boot_new();

    r->factory_server = true;
    boot_start(r);
    boot_run(r);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    return r;
}

/* LwM2M-1.1-int-0. Core 6.1, Core 6.1.3 */
static void test_int_0_client_asks_and_is_configured(void **state)
{
    boot_rig *r = blank();

    (void)state;
    assert_int_equal(r->far[BS].bootstraps, 1);
    assert_string_equal(r->far[BS].last.queries, "ep=urn:dev:boot&pct=112");
    assert_int_equal(r->accounts[BOOT].standing, TSR_LWM2M_BOOTSTRAPPING);
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    assert_code(boot_get(r, BS, "/", TSR_LWM2M_FORMAT_LINK), 2, 05);
    assert_string_equal(r->far[BS].answer.text,
                        "</>;lwm2m=1.2,</0/0>,</0/1>;ssid=101;uri=\"coap://one\",</1/1>;ssid=101,"
                        "</3/0>,</16>,</3303>;ver=1.1,</3303/0>");
    assert_int_equal(r->far[ONE].registers, 0);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(r->far[ONE].registers, 1);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    assert_non_null(strstr(r->far[ONE].last.queries, "lt=600"));
    assert_null(strstr(r->far[ONE].last.text, "</0"));
    assert_int_equal(r->events[TSR_LWM2M_E_BOOTSTRAPPED], 1);
    boot_restart(r);
    boot_run(r);
    assert_int_equal(r->far[BS].bootstraps, 1);
    assert_int_equal(r->far[ONE].registers, 1);
    assert_int_equal(r->far[ONE].updates, 1);
    boot_free(r);
}

static void configure_again(boot_rig *r, bool with_account)
{
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    if (with_account)
        assert_code(boot_put_text(r, "/1/0/1", "300"), 2, 04);
    assert_code(boot_finish(r), 2, 04);
}

static unsigned long long last_bootstrapped(boot_rig *r)
{
    assert_code(boot_get(r, ONE, "/1/0/12", 0), 2, 05);
    return strtoull(r->far[ONE].answer.text, NULL, 10);
}

/* Core E.2, /1/x/12 */
static void test_accounts_say_when_they_were_bootstrapped(void **state)
{
    boot_rig *r = with_server();
    uint64_t then_ms;

    (void)state;
    assert_code(boot_get(r, ONE, "/1/0/12", 0), 4, 04); /* the factory's */
    r->boot.unix_zero_ms = 1700000000000;
    then_ms = r->boot.unix_zero_ms + r->now_ms;
    configure_again(r, true);
    assert_in_range(last_bootstrapped(r), then_ms / 1000, then_ms / 1000 + 2);
    r->now_ms += 100000;
    configure_again(r, false);
    assert_in_range(last_bootstrapped(r), then_ms / 1000, then_ms / 1000 + 2);
    boot_restart(r);
    boot_run(r);
    assert_in_range(last_bootstrapped(r), then_ms / 1000, then_ms / 1000 + 2);
    r->boot.unix_zero_ms = 0; /* the clock is not set */
    configure_again(r, true);
    assert_code(boot_get(r, ONE, "/1/0/12", 0), 4, 04);
    boot_free(r);
}

/* Every format that can hold an account, with the path of the object or of the instance.
 * Core 6.1.7.5 */
static void test_write_takes_every_format(void **state)
{
    static const tsr_lwm2m_format formats[] = { TSR_LWM2M_FORMAT_TLV, TSR_LWM2M_FORMAT_SENML_JSON,
                                                TSR_LWM2M_FORMAT_SENML_CBOR,
                                                TSR_LWM2M_FORMAT_LWM2M_CBOR };

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        boot_rig *r = blank();

        boot_write_account(r, &secret, formats[i / 2], (uint8_t)(1 + i % 2));
        assert_code(boot_finish(r), 2, 04);
        assert_int_equal(r->security[1].identity_len, 3);
        assert_memory_equal(r->security[1].identity, "dev", 3);
        assert_int_equal(boot_keys(r), 1);
        assert_int_not_equal(r->security[1].key_id, 0);
        assert_false(r->security[1].private_key);
        assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
        boot_free(r);
    }
}

static void test_write_takes_single_resources_as_text(void **state)
{
    boot_rig *r = blank();

    (void)state;
    assert_code(boot_put_text(r, "/0/7/0", "coap://one"), 2, 04);
    assert_code(boot_put_text(r, "/0/7/2", "3"), 2, 04);
    assert_code(boot_put_text(r, "/0/7/10", "101"), 2, 04);
    assert_code(boot_put_text(r, "/1/9/0", "101"), 2, 04);
    assert_code(boot_put_text(r, "/1/9/1", "77"), 2, 04);
    assert_code(boot_put_text(r, "/1/9/7", "U"), 2, 04);
    assert_code(boot_put_text(r, "/1/9/16", "1"), 2, 04);
    assert_code(boot_finish(r), 2, 04);
    assert_non_null(strstr(r->far[ONE].last.queries, "lt=77"));
    boot_free(r);
}

/* LwM2M-1.1-int-4. Core 6.1.7.6 */
static void test_int_4_delete_spares_the_bootstrap_account_and_the_device(void **state)
{
    boot_rig *r = with_server();

    (void)state;
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(boot_delete(r, "/"), 2, 02);
    assert_code(boot_get(r, BS, "/", TSR_LWM2M_FORMAT_LINK), 2, 05);
    assert_string_equal(r->far[BS].answer.text,
                        "</>;lwm2m=1.2,</0/0>,</1>,</3/0>,</16>,</3303>;ver=1.1,</3303/0>");
    assert_code(boot_delete(r, "/0"), 2, 02);
    assert_code(boot_delete(r, "/0/0"), 4, 00);
    assert_code(boot_delete(r, "/3/0"), 4, 00);
    assert_code(boot_delete(r, "/3"), 4, 00);
    assert_code(boot_delete(r, "/0/1"), 4, 00);
    assert_code(boot_delete(r, "/1/0/1"), 4, 00);
    assert_code(boot_delete(r, "/4711"), 4, 00);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED); /* held back */
    assert_code(boot_finish(r), 4, 06);
    boot_write_account(r, &two, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_finish(r), 2, 04);
    assert_null(boot_of(r, 101));
    assert_int_equal(r->far[TWO].registers, 1);
    boot_free(r);
}

/* LwM2M-1.1-int-5. Core 6.1.3.4 */
static void test_int_5_server_triggers_a_bootstrap(void **state)
{
    boot_rig *r = with_server();

    (void)state;
    assert_int_equal(r->far[BS].requests, 0);
    assert_code(boot_send(r, ONE, TSR_COAP_POST, "/1/0/9", -1, -1, (tsr_bytes){ NULL, 0 }), 2, 04);
    assert_int_equal(r->far[BS].bootstraps, 1);
    boot_write_account(r, &two, TSR_LWM2M_FORMAT_SENML_CBOR, 1);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(boot_of(r, 102)->standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(r->far[ONE].registers, 1); /* untouched */
    boot_free(r);
}

/* LwM2M-1.1-int-6 */
static void test_int_6_known_servers_come_first(void **state)
{
    boot_rig *r = with_server();

    (void)state;
    boot_wait(r, 3600000);
    assert_int_equal(r->far[BS].requests, 0);
    boot_free(r);
}

/* LwM2M-1.1-int-7. Core 6.1.4 */
static void test_int_7_failing_registration_leads_to_bootstrap(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    r->factory_server = true;
    boot_start(r);
    tsr_lwm2m_server_set(&r->server[0], TSR_LWM2M_S_RETRY_COUNT, 2);
    tsr_lwm2m_server_set(&r->server[0], TSR_LWM2M_S_RETRY_TIMER, 1);
    r->far[ONE].silent = true;
    boot_wait(r, 150000);
    assert_int_equal(r->far[BS].requests, 0);
    boot_wait(r, 150000);
    assert_int_equal(r->far[BS].bootstraps, 1);
    boot_write_account(r, &two, TSR_LWM2M_FORMAT_TLV, 1);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(boot_of(r, 102)->standing, TSR_LWM2M_REGISTERED);
    boot_free(r);
}

static void test_refused_registration_leads_to_bootstrap_unless_forbidden(void **state)
{
    (void)state;
    for (uint32_t allowed = 0; allowed < 2; allowed++) {
        boot_rig *r = boot_new();

        r->factory_server = true;
        boot_start(r);
        tsr_lwm2m_server_set(&r->server[0], TSR_LWM2M_S_BOOTSTRAP_ON_FAILURE, allowed);
        r->far[ONE].rd_code = TSR_COAP_FORBIDDEN;
        boot_run(r);
        assert_int_equal(r->far[BS].bootstraps, allowed);
        boot_free(r);
    }
}

/* The same configuration again and again would be a storm. */
static void test_useless_bootstraps_become_rare(void **state)
{
    boot_rig *r = blank();

    (void)state;
    r->far[ONE].rd_code = TSR_COAP_FORBIDDEN;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 1);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(r->far[BS].bootstraps, 1);
    boot_wait(r, 50000);
    assert_int_equal(r->far[BS].bootstraps, 1);
    boot_wait(r, 60000);
    assert_int_equal(r->far[BS].bootstraps, 2);
    boot_free(r);
}

/* LwM2M-1.1-int-8. Core 6.1.7.4 */
static void test_int_8_read_gives_servers_and_nothing_else(void **state)
{
    static const char expected[] = "[{\"bn\":\"/1/0/\",\"n\":\"0\",\"v\":101},{\"n\":\"1\",\"v\":300},"
                                   "{\"n\":\"6\",\"vb\":true},{\"n\":\"7\",\"vs\":\"U\"}]";
    boot_rig *r = with_server();

    (void)state;
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(boot_get(r, BS, "/1/0", TSR_LWM2M_FORMAT_SENML_JSON), 2, 05);
    assert_string_equal(r->far[BS].answer.text, expected);
    assert_code(boot_get(r, BS, "/1", TSR_LWM2M_FORMAT_TLV), 2, 05);
    assert_code(boot_get(r, BS, "/1", -1), 2, 05);
    assert_int_equal(r->far[BS].answer.content_format.value, TSR_LWM2M_FORMAT_SENML_CBOR);
    assert_code(boot_get(r, BS, "/1/5", -1), 4, 04);
    assert_code(boot_get(r, BS, "/1/0", TSR_LWM2M_FORMAT_TEXT), 4, 06);
    assert_code(boot_get(r, BS, "/1/0", 4711), 4, 06);
    assert_code(boot_get(r, BS, "/2", -1), 4, 04);
    assert_code(boot_get(r, BS, "/0", -1), 4, 05);
    assert_code(boot_get(r, BS, "/0/0/5", -1), 4, 05);
    assert_code(boot_get(r, BS, "/3/0", -1), 4, 05);
    assert_code(boot_get(r, BS, "/1/0/1", -1), 4, 05);
    boot_free(r);
}

/* Core 6.1.7.3 */
static void test_discover_shows_one_object(void **state)
{
    boot_rig *r = blank();

    (void)state;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 1);
    assert_code(boot_get(r, BS, "/0", TSR_LWM2M_FORMAT_LINK), 2, 05);
    assert_string_equal(r->far[BS].answer.text,
                        "</>;lwm2m=1.2,</0/0>,</0/1>;ssid=101;uri=\"coap://one\"");
    assert_code(boot_get(r, BS, "/", -1), 2, 05);
    assert_code(boot_get(r, BS, "/77", TSR_LWM2M_FORMAT_LINK), 4, 04);
    assert_code(boot_get(r, BS, "/0/0", TSR_LWM2M_FORMAT_LINK), 4, 00);
    boot_free(r);
}

/* Transport 6.4.1: the objects of a bootstrap stand at the root, wherever those of the registration do. */
static void test_bootstrap_knows_no_alternate_path(void **state)
{
    boot_rig *r = with_server();

    (void)state;
    r->client.config.root = tsr_text("/lwm2m");
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(boot_get(r, BS, "/1/0", TSR_LWM2M_FORMAT_SENML_JSON), 2, 05);
    assert_memory_equal(r->far[BS].answer.text, "[{\"bn\":\"/1/0/\"", 14);
    assert_code(boot_get(r, BS, "/1", TSR_LWM2M_FORMAT_LINK), 2, 05);
    assert_non_null(strstr(r->far[BS].answer.text, "</1/0>"));
    assert_code(boot_finish(r), 2, 04);
    boot_run(r);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    boot_free(r);
}

/* LwM2M-1.1-int-9; each time the server mends what was wrong. Core 6.1.6, Core 6.1.2 (at least one account) */
static void test_int_9_inconsistent_accounts_are_refused(void **state)
{
    boot_rig *r = blank();
    boot_account_values v = one;

    (void)state;
    assert_code(boot_finish(r), 4, 06);
    assert_string_equal(r->last_request.reason, "no server account");
    assert_code(boot_put_text(r, "/0/1/0", "coap://one"), 2, 04);
    assert_code(boot_finish(r), 4, 06);
    assert_code(boot_delete(r, "/0/1"), 2, 02);

    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_delete(r, "/1/1"), 2, 02);
    assert_code(boot_finish(r), 4, 06);
    assert_string_equal(r->last_request.reason,
                        "an instance of Security without its instance of Server");
    v.uri = "coap://unknown";
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_finish(r), 4, 06);
    v.uri = "coap://one";
    v.mode = TSR_LWM2M_MODE_RPK;
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_finish(r), 4, 06);
    v = secret;
    v.key = NULL;
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_finish(r), 4, 06);
    assert_string_equal(r->last_request.reason, "an identity without its pre-shared key (/0/x/5)");
    v = one;
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    v.instance = 2;
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_finish(r), 4, 06);
    assert_string_equal(r->last_request.reason,
                        "a Short Server ID that is there twice in Security (/0/x/10)");
    assert_code(boot_delete(r, "/0/2"), 2, 02);
    assert_code(boot_finish(r), 4, 06);
    assert_code(boot_delete(r, "/1/2"), 2, 02);
    assert_int_equal(r->events[TSR_LWM2M_E_BOOTSTRAPPED], 0);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    boot_free(r);
}

static tsr_bytes make_pack(tsr_lwm2m_format format, const boot_account_values *v, uint8_t *room,
                           size_t cap)
{
    tsr_buf body = tsr_buf_over(room, cap);
    tsr_lwm2m_out out;

    assert_int_equal(tsr_lwm2m_out_begin(&out, format, tsr_lwm2m_at_root(), &body), TSR_OK);
    boot_put_security(&out, v);
    boot_put_server(&out, v);
    (void)tsr_lwm2m_put_text(&out, tsr_lwm2m_at_resource(3, 0, 14), tsr_text("+05:00"));
    (void)tsr_lwm2m_put_int(&out, tsr_lwm2m_at_resource(4711, 0, 1), 5); /* unknown here */
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    return tsr_buf_view(&body);
}

/* LwM2M-1.1-int-12. Core 6.1.7.7 */
static void test_int_12_pack_configures_at_once(void **state)
{
    static const tsr_lwm2m_format formats[] = { TSR_LWM2M_FORMAT_SENML_CBOR,
                                                TSR_LWM2M_FORMAT_SENML_JSON,
                                                TSR_LWM2M_FORMAT_LWM2M_CBOR };
    uint8_t room[TEXT];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        boot_rig *r = boot_new();

        r->pack = true;
        r->far[BS].pack = make_pack(formats[i], &secret, room, sizeof room);
        r->far[BS].pack_format = formats[i];
        boot_start(r);
        boot_run(r);
        assert_string_equal(r->far[BS].last.queries, "ep=urn:dev:boot&acc=</0/0>");
        assert_int_equal(r->far[BS].last.accept.value, TSR_LWM2M_FORMAT_SENML_CBOR);
        assert_int_equal(r->far[BS].packs, 1);
        assert_int_equal(r->far[BS].bootstraps, 0);
        assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
        assert_string_equal(r->device.utc_offset, "+05:00");
        assert_int_equal(boot_keys(r), 1);
        assert_true(r->security[0].bootstrap);
        boot_free(r);
    }
}

/* The objects that a pack has are replaced whole; others stay. */
static void test_pack_replaces_the_accounts_that_were(void **state)
{
    uint8_t room[TEXT];
    boot_rig *r = boot_new();

    (void)state;
    r->factory_server = r->pack = true;
    r->far[BS].pack = make_pack(TSR_LWM2M_FORMAT_SENML_CBOR, &two, room, sizeof room);
    r->far[BS].pack_format = TSR_LWM2M_FORMAT_SENML_CBOR;
    boot_start(r);
    boot_run(r);
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_null(boot_of(r, 101));
    assert_int_equal(boot_of(r, 102)->standing, TSR_LWM2M_REGISTERED);
    boot_free(r);
}

static void test_pack_that_is_no_good_is_followed_by_a_request(void **state)
{
    static const uint8_t codes[] = { TSR_COAP_NOT_FOUND, TSR_COAP_METHOD_NOT_ALLOWED,
                                     TSR_COAP_CODE(5, 1), TSR_COAP_NOT_ACCEPTABLE, 0 };
    static const char *const packs[] = { "", "", "", "", "[{\"n\":\"/0/1/0\",\"vs\":\"coap://one\"}]" };

    (void)state;
    for (size_t i = 0; i < sizeof codes; i++) {
        boot_rig *r = boot_new();

        r->pack = true;
        r->far[BS].pack_code = codes[i];
        r->far[BS].pack = tsr_text(packs[i]);
        r->far[BS].pack_format = TSR_LWM2M_FORMAT_SENML_JSON;
        boot_start(r);
        boot_run(r);
        assert_int_equal(r->far[BS].packs, 1);
        assert_int_equal(r->far[BS].bootstraps, 1);
        boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 1);
        assert_code(boot_finish(r), 2, 04);
        assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
        boot_free(r);
    }
}

static void test_hold_off_is_waited_for(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    r->hold_off_s = 30;
    boot_start(r);
    boot_wait(r, 29000);
    assert_int_equal(r->far[BS].requests, 0);
    boot_wait(r, 1100);
    assert_int_equal(r->far[BS].bootstraps, 1);
    boot_free(r);
}

/* 4.15 says that the server cannot write in that format; it may choose then. */
static void test_request_without_preference_when_it_is_refused(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    r->far[BS].bs_code = TSR_COAP_UNSUPPORTED_FORMAT;
    boot_start(r);
    boot_run(r);
    assert_int_equal(r->far[BS].bootstraps, 2);
    assert_string_equal(r->far[BS].last.queries, "ep=urn:dev:boot");
    boot_free(r);
}

/* EXCHANGE_LIFETIME without a Finish, then a pause, then another attempt from the beginning. */
static void test_bootstrap_without_finish_fails_and_is_tried_again(void **state)
{
    boot_rig *r = blank();

    (void)state;
    boot_write_account(r, &secret, TSR_LWM2M_FORMAT_TLV, 1);
    assert_int_equal(boot_keys(r), 1);
    boot_wait(r, 246000);
    assert_int_equal(r->events[TSR_LWM2M_E_BOOTSTRAP_FAILED], 0);
    boot_wait(r, 2000);
    assert_int_equal(r->events[TSR_LWM2M_E_BOOTSTRAP_FAILED], 1);
    assert_int_equal(boot_keys(r), 0);
    assert_code(boot_finish(r), 0, 00); /* nobody listens */
    boot_wait(r, 80000);
    assert_int_equal(r->far[BS].bootstraps, 2);
    assert_code(boot_finish(r), 4, 06); /* what was staged is gone */
    boot_free(r);
}

static void test_silent_bootstrap_server_is_asked_ever_more_slowly(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    r->far[BS].silent = true;
    boot_start(r);
    boot_wait(r, 3600000);
    assert_in_range(r->events[TSR_LWM2M_E_BOOTSTRAP_FAILED], 4, 5);
    boot_wait(r, 23 * 3600000);
    assert_int_equal(r->events[TSR_LWM2M_E_BOOTSTRAP_FAILED], 5);
    r->far[BS].silent = false;
    boot_wait(r, 8 * 3600000);
    assert_in_range(r->far[BS].bootstraps, 1, 5);
    boot_free(r);
}

static void test_refused_request_is_tried_again(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    r->far[BS].bs_code = TSR_COAP_BAD_REQUEST;
    boot_start(r);
    boot_run(r);
    assert_int_equal(r->last_failure.code, TSR_COAP_BAD_REQUEST);
    r->far[BS].bs_code = 0;
    boot_wait(r, 80000);
    assert_int_equal(r->accounts[BOOT].standing, TSR_LWM2M_BOOTSTRAPPING);
    boot_free(r);
}

/* A server that may be reached again ends the search for another. */
static void test_registered_client_does_not_go_on_asking(void **state)
{
    boot_rig *r = with_server();

    (void)state;
    r->far[BS].silent = true;
    assert_code(boot_send(r, ONE, TSR_COAP_POST, "/1/0/9", -1, -1, (tsr_bytes){ NULL, 0 }), 2, 04);
    boot_wait(r, 30 * 3600000);
    assert_int_equal(r->events[TSR_LWM2M_E_BOOTSTRAP_FAILED], 5);
    boot_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int_0_client_asks_and_is_configured),
        cmocka_unit_test(test_accounts_say_when_they_were_bootstrapped),
        cmocka_unit_test(test_write_takes_every_format),
        cmocka_unit_test(test_write_takes_single_resources_as_text),
        cmocka_unit_test(test_int_4_delete_spares_the_bootstrap_account_and_the_device),
        cmocka_unit_test(test_int_5_server_triggers_a_bootstrap),
        cmocka_unit_test(test_int_6_known_servers_come_first),
        cmocka_unit_test(test_int_7_failing_registration_leads_to_bootstrap),
        cmocka_unit_test(test_refused_registration_leads_to_bootstrap_unless_forbidden),
        cmocka_unit_test(test_useless_bootstraps_become_rare),
        cmocka_unit_test(test_int_8_read_gives_servers_and_nothing_else),
        cmocka_unit_test(test_discover_shows_one_object),
        cmocka_unit_test(test_bootstrap_knows_no_alternate_path),
        cmocka_unit_test(test_int_9_inconsistent_accounts_are_refused),
        cmocka_unit_test(test_int_12_pack_configures_at_once),
        cmocka_unit_test(test_pack_replaces_the_accounts_that_were),
        cmocka_unit_test(test_pack_that_is_no_good_is_followed_by_a_request),
        cmocka_unit_test(test_hold_off_is_waited_for),
        cmocka_unit_test(test_request_without_preference_when_it_is_refused),
        cmocka_unit_test(test_bootstrap_without_finish_fails_and_is_tried_again),
        cmocka_unit_test(test_silent_bootstrap_server_is_asked_ever_more_slowly),
        cmocka_unit_test(test_refused_request_is_tried_again),
        cmocka_unit_test(test_registered_client_does_not_go_on_asking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
