/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/net/world.h"

static world w;

static void psk_world(void)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    world_init(&w, &client, &server);
}

/* RFC 6347 §4.2.1, RFC 6655 §4, RFC 9146 §3 */
static void test_psk_connects_and_carries_data(void **state)
{
    (void)state;
    psk_world();
    world_connect(&w);
    assert_int_equal(w.verifies, 1);
    assert_int_equal(w.accepts, 1);
    assert_int_equal(tsr_dtls_suite(&w.client), 0xC0A8);
    assert_true(tsr_same(tsr_dtls_peer_identity(&w.server), tsr_text("device-1")));
    assert_true(tsr_dtls_uses_cid(&w.server));
    assert_true(tsr_same(tsr_dtls_cid(&w.server), tsr_view(w.cid, 8)));
    assert_false(tsr_dtls_uses_cid(&w.client)); /* it asked for none towards itself */

    world_send_up(&w, "hello up");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "hello up"));
    assert_true(w.got_may_move);
    world_send_down(&w, "hello down");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "hello down"));
    assert_int_equal(tsr_dtls_due_ms(&w.client), UINT64_MAX);
    assert_int_equal(tsr_dtls_due_ms(&w.server), UINT64_MAX);
    world_free(&w);
}

/* RFC 7925 §4.2 */
static void test_psk_record_length_is_as_short_as_ccm8_allows(void **state)
{
    (void)state;
    psk_world();
    world_connect(&w);
    world_send_up(&w, "0123456789");
    /* header, CID, explicit nonce, text, inner type, tag: RFC 6655 §3, RFC 9146 §4 */
    assert_int_equal(w.up.last.len, 13 + 8 + 8 + 10 + 1 + 8);
    world_send_down(&w, "0123456789");
    assert_int_equal(w.down.last.len, 13 + 8 + 10 + 8);
    world_free(&w);
}

static void test_psk_without_cid(void **state)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    (void)state;
    client.cid = false;
    world_init(&w, &client, &server);
    world_connect(&w);
    assert_false(tsr_dtls_uses_cid(&w.server));
    assert_int_equal(tsr_dtls_cid(&w.server).len, 0);
    world_send_up(&w, "plain record");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "plain record"));
    assert_false(w.got_may_move); /* RFC 9146 §6: only records with a CID move an address */
    world_free(&w);
}

/* RFC 6347 §4.2.4: the flights are repeated by our own timers until both are there. */
static void test_psk_connects_over_a_bad_link(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        psk_world();
        w.seed = seed * 7919;
        w.loss = 20, w.dup = 10, w.reorder = 20;
        world_connect(&w);
        w.loss = w.dup = w.reorder = 0;
        world_send_up(&w, "after all");
        world_run(&w, w.now_ms + 1000);
        assert_true(world_got(&w, "after all"));
        world_free(&w);
    }
}

static void test_psk_lost_hello_is_repeated_after_one_second(void **state)
{
    uint64_t begin;

    (void)state;
    psk_world();
    w.loss = 100;
    begin = w.now_ms;
    world_start(&w);
    world_run(&w, begin + 999);
    assert_int_equal(w.up.sent, 1);
    assert_int_equal(tsr_dtls_due_ms(&w.client), begin + 1000);
    world_run(&w, begin + 1000); /* RFC 6347 §4.2.4.1 */
    assert_int_equal(w.up.sent, 2);
    world_run(&w, begin + 2999);
    assert_int_equal(w.up.sent, 2);
    world_run(&w, begin + 3000); /* doubled */
    assert_int_equal(w.up.sent, 3);
    world_free(&w);
}

/* RFC 7925 §11 */
static void test_psk_retransmission_times_are_the_callers(void **state)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    (void)state;
    client.retry_ms = 9000;
    client.retry_max_ms = 18000;
    world_init(&w, &client, &server);
    w.loss = 100;
    world_start(&w);
    world_run(&w, w.now_ms + 8999);
    assert_int_equal(w.up.sent, 1);
    world_run(&w, w.now_ms + 9000 + 18000 - 1);
    assert_int_equal(w.up.sent, 2);
    assert_false(w.client_ended);
    world_run(&w, w.now_ms + 100000);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_TIMEOUT);
    assert_int_equal(w.up.sent, 2);
    world_free(&w);
}

/* What arrives when the timer has just run out is read, not thrown away for a retransmission. */
static void test_psk_answer_at_the_last_moment_counts(void **state)
{
    uint8_t bytes[TSR_DTLS_HELLO_ANSWER_MAX];
    tsr_buf answer = tsr_buf_over(bytes, sizeof(bytes));

    (void)state;
    psk_world();
    world_start(&w);
    world_drain(&w, &w.client);
    assert_int_equal(tsr_dtls_hello(&w.server_config, w.address,
                                    tsr_view(w.up.last.bytes, w.up.last.len), &answer, w.now_ms),
                     TSR_DTLS_VERIFY);
    w.now_ms += 1500;
    world_deliver(&w, &w.client, tsr_buf_view(&answer));
    assert_int_equal(w.up.sent, 2);
    assert_int_equal(w.up.last.bytes[13 + 12 + 34 + 1], 17); /* the second hello has the cookie */
    world_free(&w);
}

static void test_psk_silence_ends_in_timeout(void **state)
{
    (void)state;
    psk_world();
    w.loss = 100;
    world_start(&w);
    world_run(&w, w.now_ms + 400000);
    assert_true(w.client_ended);
    assert_int_equal(w.client_end.type, TSR_DTLS_FAILED);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_TIMEOUT);
    assert_int_equal(tsr_dtls_due_ms(&w.client), UINT64_MAX);
    assert_int_equal(tsr_dtls_feed(&w.client, tsr_text("x"), w.now_ms), TSR_E_STATE);
    world_free(&w);
}

/* RFC 5246 §7.2.2 */
static void test_psk_wrong_key_fails_on_both_sides(void **state)
{
    static const uint8_t wrong[16] = { 9 };
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    (void)state;
    client.psk_key_id = world_psk(wrong, sizeof(wrong));
    world_init(&w, &client, &server);
    world_start(&w);
    world_run(&w, w.now_ms + 300000);
    assert_false(w.client_connected || w.server_connected);
    assert_int_equal(w.server_end.reason, TSR_DTLS_R_KEY);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_ALERT);
    assert_int_equal(w.client_end.alert, 20); /* bad_record_mac */
    assert_int_equal(tsr_dtls_alert_class(w.client_end.alert), TSR_DTLS_RETRY);
    world_free(&w);
}

/* RFC 4279 §2. RFC 4279 §4 */
static void test_psk_unknown_identity_is_refused(void **state)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    (void)state;
    client.psk_identity = tsr_text("nobody");
    world_init(&w, &client, &server);
    world_start(&w);
    world_run(&w, w.now_ms + 300000);
    assert_int_equal(w.server_end.reason, TSR_DTLS_R_IDENTITY);
    assert_int_equal(w.server_end.alert, 115);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_ALERT);
    assert_int_equal(w.client_end.alert, 115);
    assert_int_equal(tsr_dtls_alert_class(115), TSR_DTLS_FAIL);
    world_free(&w);
}

static void test_psk_close_notify_reaches_the_peer(void **state)
{
    (void)state;
    psk_world();
    world_connect(&w);
    tsr_dtls_close(&w.client);
    world_run(&w, w.now_ms + 100);
    assert_true(w.server_ended);
    assert_int_equal(w.server_end.type, TSR_DTLS_CLOSED);
    world_free(&w);
}

/* RFC 6347 §4.2.4: a lost Finished makes the client repeat its flight, and the server its own. */
static void test_psk_lost_last_flight_is_repeated(void **state)
{
    (void)state;
    psk_world();
    world_start(&w);
    for (uint64_t end = w.now_ms + 60000; !w.server_connected && w.now_ms < end;)
        world_run(&w, w.now_ms + 1), w.now_ms++;
    assert_true(w.server_connected);
    assert_false(w.client_connected);
    w.down.count = 0; /* there it went */
    world_run(&w, w.now_ms + 5000);
    assert_true(w.client_connected);
    world_send_up(&w, "still here");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "still here"));
    world_free(&w);
}

/* RFC 4279 §5.3 */
static void test_config_rejects_what_cannot_work(void **state)
{
    tsr_dtls_options o = world_client_psk();
    tsr_dtls_config c;
    uint8_t long_identity[TSR_DTLS_IDENTITY_MAX + 1] = { 'x' };

    (void)state;
    o.psk_key_id = 0;
    assert_int_equal(tsr_dtls_config_init(&c, &o), TSR_E_ARGUMENT);
    o = world_client_psk();
    o.psk_identity = tsr_view(long_identity, sizeof(long_identity));
    assert_int_equal(tsr_dtls_config_init(&c, &o), TSR_E_ARGUMENT);
    o = world_client_psk();
    o.plain = NULL;
    assert_int_equal(tsr_dtls_config_init(&c, &o), TSR_E_ARGUMENT);
    o = world_client_psk();
    o.cid_len = TSR_DTLS_CID_MAX + 1;
    assert_int_equal(tsr_dtls_config_init(&c, &o), TSR_E_ARGUMENT);
    o = world_server_psk();
    o.psk_find = NULL;
    assert_int_equal(tsr_dtls_config_init(&c, &o), TSR_E_ARGUMENT);
}

static void test_psk_key_that_is_not_there_is_a_crypto_failure(void **state)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    (void)state;
    client.psk_key_id = 0x12345;
    world_init(&w, &client, &server);
    world_start(&w);
    world_run(&w, w.now_ms + 300000);
    assert_true(w.client_ended);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_CRYPTO);
    world_free(&w);
}

static void test_poll_asks_for_a_bigger_buffer(void **state)
{
    uint8_t bytes[2048];
    tsr_buf small = tsr_buf_over(bytes, 50), big = tsr_buf_over(bytes, sizeof(bytes));

    (void)state;
    psk_world();
    world_start(&w);
    assert_int_equal(tsr_dtls_poll(&w.client, &small, w.now_ms), TSR_E_SPACE);
    assert_int_equal(tsr_dtls_poll(&w.client, &big, w.now_ms), TSR_OK);
    assert_true(big.len > 50);
    world_free(&w);
}

static void test_send_refuses_what_does_not_fit(void **state)
{
    static uint8_t big[4000], bytes[5000];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes)), tiny = tsr_buf_over(bytes, 20);

    (void)state;
    psk_world();
    world_start(&w);
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("x"), &out), TSR_E_STATE);
    world_run(&w, w.now_ms + 1000);
    assert_int_equal(tsr_dtls_send(&w.client, tsr_view(big, sizeof(big)), &out), TSR_E_SPACE);
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("x"), &tiny), TSR_E_SPACE);
    world_send_up(&w, "fits");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "fits"));
    world_free(&w);
}

/* RFC 5246 §7.2, RFC 6066 §9, RFC 7301 §3.2 */
static void test_alert_table_is_the_one_of_lwm2m(void **state)
{
    static const uint8_t retry[] = {
        0, 10, 20, 21, 22, 40, 47, 50, 51, 70, 71, 80, 86, 90, 100, 111
    };
    static const uint8_t fail[] = { 42, 43, 44, 45, 46, 48, 49, 112, 113, 114, 115 };
    static const uint8_t ignore[] = { 30, 41, 60, 110 };

    (void)state;
    for (size_t i = 0; i < sizeof(retry); i++)
        assert_int_equal(tsr_dtls_alert_class(retry[i]), TSR_DTLS_RETRY);
    for (size_t i = 0; i < sizeof(fail); i++)
        assert_int_equal(tsr_dtls_alert_class(fail[i]), TSR_DTLS_FAIL);
    for (size_t i = 0; i < sizeof(ignore); i++)
        assert_int_equal(tsr_dtls_alert_class(ignore[i]), TSR_DTLS_IGNORE);
    assert_int_equal(tsr_dtls_alert_class(200), TSR_DTLS_RETRY);
    assert_string_equal(tsr_dtls_alert_name(115), "unknown_psk_identity");
    assert_string_equal(tsr_dtls_alert_name(200), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psk_connects_and_carries_data),
        cmocka_unit_test(test_psk_record_length_is_as_short_as_ccm8_allows),
        cmocka_unit_test(test_psk_without_cid),
        cmocka_unit_test(test_psk_connects_over_a_bad_link),
        cmocka_unit_test(test_psk_lost_hello_is_repeated_after_one_second),
        cmocka_unit_test(test_psk_retransmission_times_are_the_callers),
        cmocka_unit_test(test_psk_answer_at_the_last_moment_counts),
        cmocka_unit_test(test_psk_silence_ends_in_timeout),
        cmocka_unit_test(test_psk_wrong_key_fails_on_both_sides),
        cmocka_unit_test(test_psk_unknown_identity_is_refused),
        cmocka_unit_test(test_psk_close_notify_reaches_the_peer),
        cmocka_unit_test(test_psk_lost_last_flight_is_repeated),
        cmocka_unit_test(test_config_rejects_what_cannot_work),
        cmocka_unit_test(test_psk_key_that_is_not_there_is_a_crypto_failure),
        cmocka_unit_test(test_poll_asks_for_a_bigger_buffer),
        cmocka_unit_test(test_send_refuses_what_does_not_fit),
        cmocka_unit_test(test_alert_table_is_the_one_of_lwm2m),
    };

    world_psa();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
