/* SPDX-License-Identifier: Apache-2.0
 *
 * What others send: malformed, refused, unknown, twice. RFC 7252 §4 and RFC 7252 §5.4, one rule
 * per test. The test plays the other side by hand. */
#include "tests/coap/alone.h"

/* RFC 7252 §4.3: an Empty CON is a ping; the pong is a RST. */
static void test_ping_is_answered_with_reset(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_CON, .mid = 0xabcd);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.type == TSR_COAP_RST && m.mid == 0xabcd);
}

static void test_ping_of_ours_ends_with_reset(void **state)
{
    tsr_coap_id id;

    (void)state;
    assert_int_equal(tsr_coap_ping(c, 0, NOW, 9, &id), TSR_OK);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.type == TSR_COAP_CON && m.code == TSR_COAP_EMPTY && m.token.len == 0);
    LINK_FEED(c, NOW, .type = TSR_COAP_RST, .mid = m.mid);
    tsr_coap_event e = link_event(c, TSR_COAP_RESET);

    assert_true(e.id == id && e.user == 9);
}

static void test_malformed_con_is_reset_and_malformed_non_dropped(void **state)
{
    static const char *const tails[] = {
        "\x09\x01", "\x0f\x01",             /* token length 9 and 15, RFC 8974 is not offered */
        "\x08\x01",                         /* token cut off */
        "\x00\x20", "\x00\xc5", "\x00\xff", /* reserved classes */
        "\x01\x00",                         /* Empty with a token */
    };

    (void)state;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        uint8_t raw[5] = { (uint8_t)(0x40 | tails[i][0]), (uint8_t)tails[i][1], 0x12, (uint8_t)i,
                           0 };

        link_feed(c, tsr_view(raw, 5), NOW);
        tsr_coap_msg m = link_next(c, NOW);

        assert_true(m.type == TSR_COAP_RST && m.mid == (0x1200 | i));
        for (unsigned type = 1; type < 4; type++) {
            raw[0] = (uint8_t)(raw[0] & 0xcf) | (uint8_t)(type << 4);
            link_feed(c, tsr_view(raw, 5), NOW);
            link_silent(c, NOW);
        }
        link_no_event(c);
    }
    link_feed(c, tsr_view("\x40\x01\x12\x34\xff", 5), NOW); /* marker without payload */
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_RST);
    link_feed(c, tsr_view("\x40\x01\x12\x34\xf1\x00", 6), NOW); /* reserved nibble */
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_RST);
    assert_int_equal(c->stats.rejected, 9);
}

static void test_other_versions_and_crumbs_are_ignored(void **state)
{
    (void)state;
    link_feed(c, tsr_view("\x00\x01\x12\x34", 4), NOW);
    link_feed(c, tsr_view("\x80\x01\x12\x34", 4), NOW);
    link_feed(c, tsr_view("\xc0\x01\x12\x34", 4), NOW);
    link_feed(c, tsr_view("\x40\x01\x12", 3), NOW);
    link_feed(c, tsr_view("", 0), NOW);
    link_silent(c, NOW);
    link_no_event(c);
    assert_int_equal(c->stats.ignored, 5);
}

/* RFC 7252 §5.4.1. RFC 7252 §5.5.2 */
static void test_unknown_critical_option_in_con_request_gives_4_02(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 5, .token = "tok", .path = "/a", .extra = 2049);
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW);

    assert_true(m.type == TSR_COAP_ACK && m.code == TSR_COAP_BAD_OPTION && m.mid == 5);
    assert_true(tsr_same(m.token, TEXT("tok")));
    assert_true(tsr_same(m.payload, TEXT("2049")));
    LINK_FEED(c, NOW, .type = TSR_COAP_NON, .code = TSR_COAP_GET, .mid = 6, .path = "/a",
              .extra = 2049);
    link_no_event(c);
    link_silent(c, NOW);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 7, .path = "/a", .extra = 2050); /* elective */
    respond(link_event(c, TSR_COAP_REQUEST).id, "fine");
}

static void test_critical_options_of_the_application_pass(void **state)
{
    static const uint16_t critical[] = { TSR_COAP_OSCORE, 2049 };
    tsr_coap_config config = link_config(1);

    (void)state;
    config.critical = critical;
    config.critical_count = 2;
    with(&config);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 5, .path = "/a", .extra = 2049);
    respond(link_event(c, TSR_COAP_REQUEST).id, "fine");
    (void)link_next(c, NOW);
    LINK_FEED(c, NOW, .code = TSR_COAP_GET, .mid = 6, .path = "/a", .extra = 2051);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_OPTION);
    link_feed(c, tsr_view("\x40\x01\x00\x07\x90\xd0\x03", 7),
              NOW); /* 9, and 25, which nobody knows */
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_BAD_OPTION);
}

static void test_unknown_critical_option_in_response_is_rejected(void **state)
{
    (void)get("/a");
    tsr_coap_msg m = link_next(c, NOW);
    uint8_t raw[16] = { 0x48, TSR_COAP_CONTENT, 0x77, 0x02 };

    (void)state;
    memcpy(raw + 4, m.token.ptr, 8);
    raw[12] = 0xd0;
    raw[13] = 19 - 13; /* 19: unknown, critical */
    link_feed(c, tsr_view(raw, 14), NOW);
    assert_int_equal(link_next(c, NOW).type, TSR_COAP_RST);
    assert_int_equal(link_event(c, TSR_COAP_FAILED).err, TSR_E_UNSUPPORTED);

    (void)get("/b");
    m = link_next(c, NOW);
    raw[0] = 0x68;
    raw[2] = (uint8_t)(m.mid >> 8);
    raw[3] = (uint8_t)m.mid;
    memcpy(raw + 4, m.token.ptr, 8);
    link_feed(c, tsr_view(raw, 14), NOW);
    assert_int_equal(link_event(c, TSR_COAP_FAILED).err, TSR_E_UNSUPPORTED);
    link_silent(c, NOW + 300000);

    (void)get("/c"); /* but a 4.02 may repeat the option it refuses */
    m = link_next(c, NOW);
    raw[1] = TSR_COAP_BAD_OPTION;
    raw[2] = (uint8_t)(m.mid >> 8);
    raw[3] = (uint8_t)m.mid;
    memcpy(raw + 4, m.token.ptr, 8);
    link_feed(c, tsr_view(raw, 14), NOW);
    assert_int_equal(link_event(c, TSR_COAP_RESPONSE).msg->code, TSR_COAP_BAD_OPTION);
}

static void test_unknown_method_gives_4_05(void **state)
{
    (void)state;
    for (uint8_t method = 8; method < 32; method++) {
        LINK_FEED(c, NOW, .code = method, .mid = method, .path = "/a");
        assert_int_equal(link_next(c, NOW).code, TSR_COAP_METHOD_NOT_ALLOWED);
    }
    for (uint8_t method = 1; method < 8;
         method++) { /* RFC 8132: FETCH, PATCH and iPATCH are known */
        LINK_FEED(c, NOW, .code = method, .mid = method, .path = "/a");
        respond(link_event(c, TSR_COAP_REQUEST).id, "ok");
        assert_int_equal(link_next(c, NOW).code, TSR_COAP_CONTENT);
    }
}

static void test_proxy_options_give_5_05(void **state)
{
    (void)state;
    link_feed(c, tsr_view("\x40\x01\x00\x07\xd3\x16uri", 9), NOW);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_PROXYING_NOT_SUPPORTED);
    link_feed(c,
              tsr_view("\x40\x01\x00\x08\xd4\x1a"
                       "coap",
                       10),
              NOW);
    assert_int_equal(link_next(c, NOW).code, TSR_COAP_PROXYING_NOT_SUPPORTED);
    link_no_event(c);
}

/* RFC 7252 §4.5: a duplicate is answered as before and not handled twice. */
static void test_duplicate_request_gets_the_same_answer(void **state)
{
    uint8_t before[64];

    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = 5, .token = "tok", .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "once");
    tsr_bytes out = link_poll(c, NOW);
    size_t len = out.len;

    memcpy(before, out.ptr, len);
    for (unsigned i = 1; i < 5; i++) {
        LINK_FEED(c, NOW + i * 1000, .code = TSR_COAP_POST, .mid = 5, .token = "tok", .path = "/a");
        link_no_event(c);
        assert_true(tsr_same(link_poll(c, NOW + i * 1000), tsr_view(before, len)));
        link_silent(c, NOW + i * 1000);
    }
    assert_int_equal(c->stats.duplicates, 4);

    /* other peer, same Message ID: another message */
    assert_int_equal(
        tsr_coap_feed(c, 1, link_build(&(link_raw){ .code = TSR_COAP_POST, .mid = 5 }), NOW),
        TSR_OK);
    respond(link_event(c, TSR_COAP_REQUEST).id, "other");
    (void)link_next(c, NOW);

    /* after EXCHANGE_LIFETIME it is a new one */
    LINK_FEED(c, NOW + 249000, .code = TSR_COAP_POST, .mid = 5, .token = "tok", .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "twice");
}

static void test_duplicate_of_an_open_request_is_not_handled_twice(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    tsr_coap_event e = link_event(c, TSR_COAP_REQUEST);

    LINK_FEED(c, NOW + 10, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    link_no_event(c);
    link_silent(c, NOW + 10); /* the answer will come */
    assert_int_equal(tsr_coap_defer(c, e.id), TSR_OK);
    assert_int_equal(link_next(c, NOW + 20).type, TSR_COAP_ACK);
    LINK_FEED(c, NOW + 30, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    link_no_event(c);
    tsr_coap_msg m = link_next(c, NOW + 30);

    assert_true(m.type == TSR_COAP_ACK && m.code == TSR_COAP_EMPTY);
    respond(e.id, "done");
    assert_int_equal(link_next(c, NOW + 40).type, TSR_COAP_CON);
}

static void test_duplicate_non_is_dropped(void **state)
{
    (void)state;
    LINK_FEED(c, NOW, .type = TSR_COAP_NON, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "once");
    tsr_coap_msg m = link_next(c, NOW);

    assert_int_equal(m.type, TSR_COAP_NON);
    LINK_FEED(c, NOW + 100, .type = TSR_COAP_NON, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    link_no_event(c);
    link_silent(c, NOW + 100);
    /* RFC 7252 §4.8.2: NON_LIFETIME is 145 s */
    LINK_FEED(c, NOW + 148000, .type = TSR_COAP_NON, .code = TSR_COAP_POST, .mid = 5, .path = "/a");
    respond(link_event(c, TSR_COAP_REQUEST).id, "twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_ping_is_answered_with_reset),
        ALONE(test_ping_of_ours_ends_with_reset),
        ALONE(test_malformed_con_is_reset_and_malformed_non_dropped),
        ALONE(test_other_versions_and_crumbs_are_ignored),
        ALONE(test_unknown_critical_option_in_con_request_gives_4_02),
        ALONE(test_critical_options_of_the_application_pass),
        ALONE(test_unknown_critical_option_in_response_is_rejected),
        ALONE(test_unknown_method_gives_4_05),
        ALONE(test_proxy_options_give_5_05),
        ALONE(test_duplicate_request_gets_the_same_answer),
        ALONE(test_duplicate_of_an_open_request_is_not_handled_twice),
        ALONE(test_duplicate_non_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
