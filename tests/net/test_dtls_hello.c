/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/net/world.h"

static world w;
static uint8_t hello_bytes[1024];
static size_t hello_len;

/* A ClientHello with the server's cookie for 192.0.2.1:1 in it, caught before it arrives. */
static tsr_bytes verified_hello(void)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    world_init(&w, &client, &server);
    world_start(&w);
    while (w.verifies == 0 || w.up.count == 0) {
        world_run(&w, w.now_ms);
        if (w.verifies == 0 || w.up.count == 0)
            w.now_ms++;
    }
    hello_len = w.up.box[0].len;
    memcpy(hello_bytes, w.up.box[0].bytes, hello_len);
    return tsr_view(hello_bytes, hello_len);
}

static tsr_dtls_verdict judge(tsr_bytes hello, const char *address, uint64_t now_ms)
{
    uint8_t bytes[TSR_DTLS_HELLO_ANSWER_MAX];
    tsr_buf answer = tsr_buf_over(bytes, sizeof(bytes));

    return tsr_dtls_hello(&w.server_config, tsr_text(address), hello, &answer, now_ms);
}

/* RFC 6347 §4.2.1 */
static void test_hello_with_our_cookie_is_accepted(void **state)
{
    tsr_bytes hello = verified_hello();

    (void)state;
    assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms), TSR_DTLS_ACCEPT);
    world_free(&w);
}

static void test_hello_cookie_is_bound_to_the_address(void **state)
{
    tsr_bytes hello = verified_hello();

    (void)state;
    assert_int_equal(judge(hello, "192.0.2.1:2", w.now_ms), TSR_DTLS_VERIFY);
    assert_int_equal(judge(hello, "192.0.2.66:1", w.now_ms), TSR_DTLS_VERIFY);
    world_free(&w);
}

static void test_hello_cookie_is_bound_to_the_random(void **state)
{
    tsr_bytes hello = verified_hello();

    (void)state;
    hello_bytes[13 + 12 + 2 + 5] ^= 1;
    assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms), TSR_DTLS_VERIFY);
    world_free(&w);
}

static void test_hello_cookie_grows_old(void **state)
{
    tsr_bytes hello = verified_hello();

    (void)state;
    assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms + 60000), TSR_DTLS_ACCEPT);
    assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms + 120000), TSR_DTLS_VERIFY);
    assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms + 256 * 60000), TSR_DTLS_VERIFY);
    world_free(&w);
}

static void test_hello_cookie_of_another_server_is_not_ours(void **state)
{
    tsr_bytes hello = verified_hello();
    tsr_dtls_options server = world_server_psk();

    (void)state;
    tsr_dtls_config_free(&w.server_config);
    assert_int_equal(tsr_dtls_config_init(&w.server_config, &server), TSR_OK);
    assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms), TSR_DTLS_VERIFY);
    world_free(&w);
}

static void test_hello_forged_cookie_bits(void **state)
{
    tsr_bytes hello = verified_hello();
    size_t at = 13 + 12 + 34;

    (void)state;
    at += 1u + hello_bytes[at]; /* session id */
    assert_int_equal(hello_bytes[at], 17);
    for (size_t bit = 0; bit < 17 * 8; bit++) {
        hello_bytes[at + 1 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms), TSR_DTLS_VERIFY);
        hello_bytes[at + 1 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms), TSR_DTLS_ACCEPT);
    world_free(&w);
}

/* The answer is no bigger than the question, so nobody is worth being hit with it. */
static void test_hello_answer_does_not_amplify(void **state)
{
    uint8_t bytes[TSR_DTLS_HELLO_ANSWER_MAX];
    tsr_buf answer = tsr_buf_over(bytes, sizeof(bytes));
    tsr_bytes hello = verified_hello();

    (void)state;
    assert_int_equal(tsr_dtls_hello(&w.server_config, tsr_text("else"), hello, &answer, w.now_ms),
                     TSR_DTLS_VERIFY);
    assert_true(answer.len <= hello.len);
    assert_int_equal(bytes[0], 22);
    assert_int_equal(bytes[13], 3);
    assert_memory_equal(bytes + 3, hello.ptr + 3, 8); /* the record number of the question */
    assert_int_equal(answer.len, 13 + 12 + 3 + 17);
    world_free(&w);
}

static void test_hello_truncated_or_fragmented_is_dropped(void **state)
{
    tsr_bytes hello = verified_hello();

    (void)state;
    for (size_t len = 0; len < hello.len; len++)
        assert_int_equal(judge(tsr_first(hello, len), "192.0.2.1:1", w.now_ms), TSR_DTLS_DROP);
    hello_bytes[13 + 8] = 1; /* fragment_offset */
    assert_int_equal(judge(hello, "192.0.2.1:1", w.now_ms), TSR_DTLS_DROP);
    world_free(&w);
}

static void test_hello_buffer_too_small_is_dropped(void **state)
{
    uint8_t bytes[20];
    tsr_buf answer = tsr_buf_over(bytes, sizeof(bytes));
    tsr_bytes hello = verified_hello();

    (void)state;
    assert_int_equal(tsr_dtls_hello(&w.server_config, tsr_text("else"), hello, &answer, w.now_ms),
                     TSR_DTLS_DROP);
    world_free(&w);
}

/* RFC 9146 §4 */
static void test_peek_tells_what_came(void **state)
{
    static const uint8_t cid_record[] = { 25, 0xfe, 0xfd, 0, 1, 0, 0, 0,    0,   0,
                                          9,  1,    2,    3, 4, 0, 2, 0xaa, 0xbb };
    static const uint8_t data[] = { 23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0xaa };
    static const uint8_t tls[] = { 22, 3, 3, 0, 5, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 };
    tsr_bytes hello = verified_hello(), cid = { NULL, 0 };

    (void)state;
    assert_int_equal(tsr_dtls_peek(hello, 8, &cid), TSR_DTLS_IS_HELLO);
    assert_int_equal(tsr_dtls_peek(tsr_view(data, sizeof(data)), 8, &cid), TSR_DTLS_IS_RECORD);
    assert_int_equal(tsr_dtls_peek(tsr_view(tls, sizeof(tls)), 8, &cid), TSR_DTLS_IS_JUNK);
    assert_int_equal(tsr_dtls_peek(tsr_text("GET /"), 8, &cid), TSR_DTLS_IS_JUNK);
    assert_int_equal(tsr_dtls_peek(tsr_view(NULL, 0), 8, &cid), TSR_DTLS_IS_JUNK);
    assert_int_equal(tsr_dtls_peek(tsr_view(cid_record, sizeof(cid_record)), 4, &cid),
                     TSR_DTLS_IS_CID);
    assert_true(tsr_same(cid, tsr_view("\1\2\3\4", 4)));
    for (size_t len = 0; len < sizeof(cid_record); len++)
        assert_int_equal(tsr_dtls_cid_peek(tsr_view(cid_record, len), 4, &cid), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_dtls_cid_peek(tsr_view(data, sizeof(data)), 4, &cid), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_dtls_cid_peek(tsr_view(cid_record, sizeof(cid_record)), 0, &cid),
                     TSR_E_NOT_FOUND);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_with_our_cookie_is_accepted),
        cmocka_unit_test(test_hello_cookie_is_bound_to_the_address),
        cmocka_unit_test(test_hello_cookie_is_bound_to_the_random),
        cmocka_unit_test(test_hello_cookie_grows_old),
        cmocka_unit_test(test_hello_cookie_of_another_server_is_not_ours),
        cmocka_unit_test(test_hello_forged_cookie_bits),
        cmocka_unit_test(test_hello_answer_does_not_amplify),
        cmocka_unit_test(test_hello_truncated_or_fragmented_is_dropped),
        cmocka_unit_test(test_hello_buffer_too_small_is_dropped),
        cmocka_unit_test(test_peek_tells_what_came),
    };

    world_psa();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
