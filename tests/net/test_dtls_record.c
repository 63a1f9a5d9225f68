/* SPDX-License-Identifier: Apache-2.0
 *
 * What a network and its inhabitants may do to an established session. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/net/world.h"

static world w;

static void connected_world(void)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    world_init(&w, &client, &server);
    world_connect(&w);
    world_send_up(&w, "first");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "first"));
    world_send_down(&w, "answer");
    world_run(&w, w.now_ms + 100);
    w.got_len = 0;
    w.got_count = 0;
}

/* A protected record of the client, not yet on its way. */
static tsr_bytes record(uint8_t bytes[256], const char *text)
{
    tsr_buf out = tsr_buf_over(bytes, 256);

    assert_int_equal(tsr_dtls_send(&w.client, tsr_text(text), &out), TSR_OK);
    return tsr_buf_view(&out);
}

static void still_works(void)
{
    assert_false(w.server_ended || w.client_ended);
    world_send_up(&w, "still works");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "still works"));
    world_send_down(&w, "both ways");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "both ways"));
}

/* RFC 6347 §4.1.2.6 */
static void test_record_replayed_is_dropped(void **state)
{
    uint8_t bytes[256];
    tsr_bytes r;

    (void)state;
    connected_world();
    r = record(bytes, "pay 10");
    world_deliver(&w, &w.server, r);
    assert_true(world_got(&w, "pay 10"));
    for (unsigned i = 0; i < 5; i++)
        world_deliver(&w, &w.server, r);
    assert_int_equal(w.got_count, 1);
    still_works();
    world_free(&w);
}

static void test_record_reordered_is_taken_once(void **state)
{
    uint8_t a[256], b[256], c[256];
    tsr_bytes ra, rb, rc;

    (void)state;
    connected_world();
    ra = record(a, "a"), rb = record(b, "b"), rc = record(c, "c");
    world_deliver(&w, &w.server, rc);
    assert_true(world_got(&w, "c") && w.got_may_move);
    world_deliver(&w, &w.server, ra);
    assert_true(world_got(&w, "a"));
    assert_false(w.got_may_move); /* RFC 9146 §6: older than the newest */
    world_deliver(&w, &w.server, rb);
    assert_true(world_got(&w, "b"));
    assert_false(w.got_may_move);
    world_deliver(&w, &w.server, ra);
    assert_int_equal(w.got_count, 3);
    still_works();
    world_free(&w);
}

static void test_record_older_than_the_window_is_dropped(void **state)
{
    uint8_t old[256], bytes[256];
    tsr_bytes r;

    (void)state;
    connected_world();
    r = record(old, "old");
    for (unsigned i = 0; i < 70; i++)
        world_deliver(&w, &w.server, record(bytes, "new"));
    world_deliver(&w, &w.server, r);
    assert_int_equal(w.got_count, 70);
    still_works();
    world_free(&w);
}

/* RFC 6347 §4.1.2.7, RFC 9146 §6: every byte of the record is protected, and nothing is said about
 * it. */
static void test_record_forged_in_any_bit_is_dropped(void **state)
{
    uint8_t bytes[256], bad[256];
    tsr_bytes r;
    size_t down = 0;

    (void)state;
    connected_world();
    r = record(bytes, "unlock");
    down = w.down.sent;
    for (size_t bit = 0; bit < r.len * 8; bit++) {
        memcpy(bad, r.ptr, r.len);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        world_deliver(&w, &w.server, tsr_view(bad, r.len));
        assert_int_equal(w.got_count, 0);
        assert_false(w.server_ended);
    }
    assert_int_equal(w.down.sent, down);
    world_deliver(&w, &w.server, r);
    assert_true(world_got(&w, "unlock"));
    still_works();
    world_free(&w);
}

static void test_record_truncated_at_any_length_is_dropped(void **state)
{
    uint8_t bytes[256], bad[256];
    tsr_bytes r;

    (void)state;
    connected_world();
    r = record(bytes, "truncated");
    for (size_t len = 0; len < r.len; len++) {
        size_t body = len < 23 ? 0 : len - 23;

        world_deliver(&w, &w.server, tsr_first(r, len));
        memcpy(bad, r.ptr, r.len);
        bad[19] = 0, bad[20] = 0; /* and with a fitting length field: CID records carry it at 19 */
        bad[19] = (uint8_t)(body >> 8), bad[20] = (uint8_t)body;
        if (len >= 21)
            world_deliver(&w, &w.server, tsr_view(bad, 21 + body));
        assert_int_equal(w.got_count, 0);
    }
    still_works();
    world_free(&w);
}

/* RFC 6347 §4.1.1: several records in a datagram; a bad one costs only itself. */
static void test_record_several_in_one_datagram(void **state)
{
    uint8_t a[256], b[256], c[256], all[1024];
    tsr_buf out = tsr_buf_over(all, sizeof(all));
    tsr_bytes rb;

    (void)state;
    connected_world();
    tsr_put_bytes(&out, record(a, "one"));
    rb = record(b, "two");
    tsr_put_bytes(&out, rb);
    tsr_put_bytes(&out, record(c, "three"));
    all[out.len / 3 + 30] ^= 1; /* inside the second */
    world_deliver(&w, &w.server, tsr_buf_view(&out));
    assert_int_equal(w.got_count, 2);
    assert_true(world_got(&w, "three"));
    world_deliver(&w, &w.server, rb);
    assert_int_equal(w.got_count, 3);
    still_works();
    world_free(&w);
}

/* RFC 6347 §4.1 */
static void test_record_plaintext_after_the_handshake_is_dropped(void **state)
{
    /* application data, alert (close_notify, fatal) and ChangeCipherSpec in the clear, epoch 0 */
    static const uint8_t data[] = { 23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 'h', 'i' };
    static const uint8_t close[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 1, 0 };
    static const uint8_t fatal[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40 };
    static const uint8_t epoch1[] = { 21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40 };
    static const uint8_t ccs[] = { 20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 1, 1 };
    const tsr_bytes all[] = { tsr_view(data, sizeof(data)), tsr_view(close, sizeof(close)),
                              tsr_view(fatal, sizeof(fatal)), tsr_view(epoch1, sizeof(epoch1)),
                              tsr_view(ccs, sizeof(ccs)) };

    (void)state;
    connected_world();
    for (size_t i = 0; i < 5; i++) {
        world_deliver(&w, &w.server, all[i]);
        world_deliver(&w, &w.client, all[i]);
    }
    assert_int_equal(w.got_count, 0);
    still_works();
    world_free(&w);
}

/* RFC 9146 §3: where a CID is expected, a record without one is invalid. */
static void test_record_without_the_cid_is_dropped(void **state)
{
    uint8_t bytes[256], bare[256];
    tsr_bytes r;

    (void)state;
    connected_world();
    r = record(bytes, "no cid");
    bare[0] = 23;
    memcpy(bare + 1, r.ptr + 1, 10);
    memcpy(bare + 11, r.ptr + 19, r.len - 19);
    world_deliver(&w, &w.server, tsr_view(bare, r.len - 8));
    assert_int_equal(w.got_count, 0);
    still_works();
    world_free(&w);
}

static void test_record_with_another_cid_is_dropped(void **state)
{
    uint8_t bytes[256], bad[256];
    tsr_bytes r;

    (void)state;
    connected_world();
    r = record(bytes, "not for you");
    memcpy(bad, r.ptr, r.len);
    bad[11] ^= 0x80;
    world_deliver(&w, &w.server, tsr_view(bad, r.len));
    assert_int_equal(w.got_count, 0);
    still_works();
    world_free(&w);
}

static void test_record_with_an_epoch_of_the_future_is_dropped(void **state)
{
    uint8_t bytes[256];
    tsr_bytes r;

    (void)state;
    connected_world();
    r = record(bytes, "epoch 7");
    bytes[4] = 7;
    world_deliver(&w, &w.server, r);
    assert_int_equal(w.got_count, 0);
    still_works();
    world_free(&w);
}

static void test_record_larger_than_the_buffer_is_dropped_whole(void **state)
{
    static uint8_t small[64];
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();
    char big[201];

    (void)state;
    server.plain = small;
    server.plain_cap = sizeof(small);
    world_init(&w, &client, &server);
    world_connect(&w);
    memset(big, 'x', 200);
    big[200] = 0;
    world_send_up(&w, big);
    world_run(&w, w.now_ms + 100);
    assert_int_equal(w.got_count, 0);
    still_works();
    world_free(&w);
}

/* A client that has lost its state comes back from the same address: the old session lives on until
 * the new one stands (RFC 6347 §4.2.8). */
static void test_hello_from_a_live_address_leaves_the_session_alone(void **state)
{
    tsr_dtls_options client = world_client_psk();
    tsr_dtls_config config;
    tsr_dtls reborn;
    uint8_t bytes[2048];
    tsr_buf hello = tsr_buf_over(bytes, sizeof(bytes));

    (void)state;
    connected_world();
    assert_int_equal(tsr_dtls_config_init(&config, &client), TSR_OK);
    assert_int_equal(tsr_dtls_start(&reborn, &config, NULL, w.now_ms), TSR_OK);
    assert_int_equal(tsr_dtls_poll(&reborn, &hello, w.now_ms), TSR_OK);
    assert_false(tsr_dtls_knows_hello(&w.server, tsr_buf_view(&hello)));
    world_deliver(&w, &w.server, tsr_buf_view(&hello)); /* even when fed by mistake */
    assert_true(tsr_dtls_connected(&w.server));
    still_works();
    tsr_dtls_free(&reborn);
    tsr_dtls_config_free(&config);
    world_free(&w);
}

static void test_record_random_bytes_change_nothing(void **state)
{
    uint8_t bytes[300];
    uint32_t x = 12345;

    (void)state;
    connected_world();
    for (unsigned n = 0; n < 20000; n++) {
        size_t len = n % sizeof(bytes);

        for (size_t i = 0; i < len; i++) {
            x = x * 1664525u + 1013904223u;
            bytes[i] = (uint8_t)(x >> 24);
        }
        if (n % 2 == 0 && len > 13) { /* half of them look like records */
            bytes[0] = (uint8_t)(20 + n / 2 % 6);
            bytes[1] = 0xfe, bytes[2] = 0xfd, bytes[3] = 0, bytes[4] = (uint8_t)(n / 12 % 2);
            if (bytes[0] == 25)
                memcpy(bytes + 11, w.cid, len > 19 ? 8 : 0);
        }
        world_deliver(&w, n % 4 < 2 ? &w.server : &w.client, tsr_view(bytes, len));
    }
    assert_int_equal(w.got_count, 0);
    still_works();
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_replayed_is_dropped),
        cmocka_unit_test(test_record_reordered_is_taken_once),
        cmocka_unit_test(test_record_older_than_the_window_is_dropped),
        cmocka_unit_test(test_record_forged_in_any_bit_is_dropped),
        cmocka_unit_test(test_record_truncated_at_any_length_is_dropped),
        cmocka_unit_test(test_record_several_in_one_datagram),
        cmocka_unit_test(test_record_plaintext_after_the_handshake_is_dropped),
        cmocka_unit_test(test_record_without_the_cid_is_dropped),
        cmocka_unit_test(test_record_with_another_cid_is_dropped),
        cmocka_unit_test(test_record_with_an_epoch_of_the_future_is_dropped),
        cmocka_unit_test(test_record_larger_than_the_buffer_is_dropped_whole),
        cmocka_unit_test(test_hello_from_a_live_address_leaves_the_session_alone),
        cmocka_unit_test(test_record_random_bytes_change_nothing),
    };

    world_psa();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
