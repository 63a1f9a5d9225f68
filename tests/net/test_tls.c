/* SPDX-License-Identifier: Apache-2.0
 *
 * Two ends of TLS, and bytes between them in pieces of any size (tessera/net/tls.h). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/net/world.h"

#include "tessera/net/tls.h"

enum { NEAR, FAR };

/* What a wire tap sees of one direction: heads of records (RFC 5246 §6.2.1). */
typedef struct {
    uint8_t head[5];
    size_t head_len, left, most, records; /* most: the longest record's content */
    uint8_t first[512];                   /* of all bytes */
    size_t first_len;
} tap;

static struct {
    tap tap[2];
    tsr_dtls_config config[2];
    tsr_tls end[2];
    tsr_err err[2];       /* of the last take */
    uint8_t way[2][8192]; /* bytes on their way from that end */
    size_t way_len[2];
    size_t piece;         /* so many arrive at a time */
    uint8_t got[2][4096];
    size_t got_len[2];
    uint64_t now_ms;
} t;

static void begin(tsr_dtls_options client, tsr_dtls_options server)
{
    memset(&t, 0, sizeof t);
    t.piece = 8192;
    client.stream = server.stream = true;
    client.cid = server.cid = false;
    client.cid_len = server.cid_len = 0;
    assert_int_equal(tsr_dtls_config_init(&t.config[NEAR], &client), TSR_OK);
    assert_int_equal(tsr_dtls_config_init(&t.config[FAR], &server), TSR_OK);
    for (int i = NEAR; i <= FAR; i++)
        assert_int_equal(tsr_tls_begin(&t.end[i], &t.config[i], 0), TSR_OK);
}

static void end(void)
{
    for (int i = NEAR; i <= FAR; i++) {
        tsr_tls_free(&t.end[i]);
        tsr_tls_free(&t.end[i]);
        tsr_dtls_config_free(&t.config[i]);
    }
}

static void overhear(tap *p, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p->first_len < sizeof p->first)
            p->first[p->first_len++] = bytes[i];
        if (p->left != 0) {
            p->left--;
            continue;
        }
        p->head[p->head_len++] = bytes[i];
        if (p->head_len < sizeof p->head)
            continue;
        p->head_len = 0;
        p->records++;
        p->left = (size_t)p->head[3] << 8 | p->head[4];
        p->most = p->left > p->most ? p->left : p->most;
    }
}

/* What an end has to say, in writers of few bytes too. */
static bool say(int i)
{
    tsr_buf out = tsr_buf_over(t.way[i] + t.way_len[i], sizeof t.way[i] - t.way_len[i]);
    bool any = false;

    if (out.cap > t.piece)
        out.cap = t.piece;
    any = tsr_tls_poll(&t.end[i], &out, t.now_ms) == TSR_OK;
    overhear(&t.tap[i], out.ptr, out.len);
    t.way_len[i] += out.len;
    return any;
}

static bool hear(int i)
{
    int from = i == NEAR ? FAR : NEAR;
    size_t n = t.way_len[from] < t.piece ? t.way_len[from] : t.piece;
    tsr_bytes in = tsr_view(t.way[from], n);
    tsr_buf plain = tsr_buf_over(t.got[i] + t.got_len[i], sizeof t.got[i] - t.got_len[i]);

    if (n == 0)
        return false;
    t.err[i] = tsr_tls_take(&t.end[i], &in, &plain, t.now_ms);
    t.got_len[i] += plain.len;
    n -= in.len;
    t.way_len[from] -= n;
    memmove(t.way[from], t.way[from] + n, t.way_len[from]);
    return n != 0;
}

static void run(void)
{
    bool busy = true;

    for (int n = 0; busy; n++) {
        assert_true(n < 20000);
        busy = false;
        for (int i = NEAR; i <= FAR; i++) {
            busy |= say(i);
            busy |= hear(i);
        }
    }
}

static void send(int i, tsr_bytes bytes)
{
    tsr_buf out = tsr_buf_over(t.way[i] + t.way_len[i], sizeof t.way[i] - t.way_len[i]);

    assert_int_equal(tsr_tls_send(&t.end[i], bytes, &out), TSR_OK);
    assert_true(out.len <= bytes.len + TSR_TLS_MORE);
    overhear(&t.tap[i], out.ptr, out.len);
    t.way_len[i] += out.len;
}

static void carries(void)
{
    static uint8_t most[TSR_TLS_SEND_MAX];

    memset(most, 'x', sizeof most);
    assert_true(tsr_tls_connected(&t.end[NEAR]));
    assert_true(tsr_tls_connected(&t.end[FAR]));
    assert_string_equal(tsr_tls_protocol(&t.end[NEAR]), "coap");
    assert_string_equal(tsr_tls_protocol(&t.end[FAR]), "coap");
    send(NEAR, tsr_text("up"));
    send(FAR, tsr_view(most, sizeof most));
    run();
    assert_int_equal(t.got_len[FAR], 2);
    assert_memory_equal(t.got[FAR], "up", 2);
    assert_int_equal(t.got_len[NEAR], sizeof most);
    assert_memory_equal(t.got[NEAR], most, sizeof most);
    assert_int_equal(tsr_tls_due_ms(&t.end[NEAR]), UINT64_MAX);
}

/* RFC 8323 §8.2, RFC 7301 §3.1, RFC 5246 §7: both ends have shaken hands, and carry data. */
static void test_tls_connects_with_a_shared_key(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    run();
    carries();
    assert_true(tsr_same(tsr_tls_peer_identity(&t.end[FAR]), tsr_text("device-1")));
    end();
}

/* RFC 5246 §6.2: records do not care how the stream is cut. */
static void test_tls_connects_byte_by_byte(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    t.piece = 1;
    run();
    carries();
    end();
}

static void test_tls_connects_with_certificates(void **state)
{
    (void)state;
    begin(world_client_cert(), world_server_cert());
    t.piece = 100;
    run();
    carries();
    assert_true(tsr_tls_peer_certificate(&t.end[FAR]).len != 0);
    end();
}

/* RFC 6066 §4: our client asks for 2^10 bytes, and a server then sends no longer record, be it of the
 * handshake or of data; protection adds 8 for the explicit nonce and 8 for the tag. */
static void test_tls_asks_for_short_records(void **state)
{
    static const uint8_t extension[] = { 0, 1, 0, 1, 2 };

    (void)state;
    begin(world_client_cert(), world_server_cert());
    run();
    carries();
    assert_non_null(memmem(t.tap[NEAR].first, t.tap[NEAR].first_len, extension, sizeof extension));
    assert_true(t.tap[FAR].records > 4);
    assert_in_range(t.tap[FAR].most, 1024, 1024 + 16);
    end();
}

static void test_tls_says_that_keys_differ(void **state)
{
    static const uint8_t other[16] = { 1 };
    tsr_dtls_options client = world_client_psk();

    (void)state;
    client.psk_key_id = world_psk(other, sizeof other);
    begin(client, world_server_psk());
    run();
    assert_false(tsr_tls_connected(&t.end[FAR]));
    assert_int_equal(tsr_tls_reason(&t.end[FAR]), TSR_DTLS_R_KEY);
    assert_int_equal(t.err[NEAR], TSR_E_DENIED);
    assert_int_equal(tsr_tls_reason(&t.end[NEAR]), TSR_DTLS_R_ALERT);
    assert_int_not_equal(tsr_tls_alert(&t.end[NEAR]), 0);
    end();
}

/* RFC 4279 §2 */
static void test_tls_refuses_an_unknown_identity(void **state)
{
    tsr_dtls_options client = world_client_psk();

    (void)state;
    client.psk_identity = tsr_text("nobody");
    begin(client, world_server_psk());
    run();
    assert_int_equal(tsr_tls_reason(&t.end[FAR]), TSR_DTLS_R_IDENTITY);
    assert_int_equal(tsr_tls_alert(&t.end[NEAR]), 115);
    end();
}

/* RFC 5246 §7.2.1 */
static void test_tls_closes_in_good_order(void **state)
{
    tsr_buf out;

    (void)state;
    begin(world_client_psk(), world_server_psk());
    run();
    out = tsr_buf_over(t.way[NEAR], sizeof t.way[NEAR]);
    tsr_tls_close(&t.end[NEAR], &out);
    assert_true(out.len != 0);
    t.way_len[NEAR] = out.len;
    run();
    assert_int_equal(t.err[FAR], TSR_E_STATE);
    assert_int_equal(tsr_tls_reason(&t.end[FAR]), TSR_DTLS_R_NONE);
    assert_int_equal(tsr_tls_send(&t.end[FAR], tsr_text("late"), &out), TSR_E_STATE);
    end();
}

/* RFC 5246 §6.2.3 */
static void test_tls_ends_at_a_damaged_record(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    run();
    send(NEAR, tsr_text("message"));
    t.way[NEAR][t.way_len[NEAR] - 1] ^= 1;
    run();
    assert_int_equal(t.err[FAR], TSR_E_DENIED);
    assert_int_equal(t.got_len[FAR], 0);
    end();
}

static void test_tls_gives_up_a_silent_peer(void **state)
{
    uint8_t room[512];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    begin(world_client_psk(), world_server_psk());
    assert_int_equal(tsr_tls_due_ms(&t.end[NEAR]), 0);
    assert_int_equal(tsr_tls_poll(&t.end[NEAR], &out, 0), TSR_OK);
    assert_int_equal(tsr_tls_due_ms(&t.end[NEAR]), TSR_TLS_HANDSHAKE_MS);
    assert_int_equal(tsr_tls_poll(&t.end[NEAR], &out, TSR_TLS_HANDSHAKE_MS), TSR_E_DENIED);
    assert_int_equal(tsr_tls_reason(&t.end[NEAR]), TSR_DTLS_R_TIMEOUT);
    end();
}

static void test_tls_takes_any_bytes(void **state)
{
    uint8_t noise[256], room[64];

    (void)state;
    for (unsigned seed = 1; seed < 40; seed++) {
        tsr_bytes in = tsr_view(noise, sizeof noise);
        tsr_buf plain = tsr_buf_over(room, sizeof room);
        uint32_t x = seed;

        for (size_t i = 0; i < sizeof noise; i++) {
            x = x * 1664525u + 1013904223u;
            noise[i] = (uint8_t)(x >> 24);
        }
        noise[0] = seed % 2 ? 22 : noise[0];
        begin(world_client_psk(), world_server_psk());
        (void)tsr_tls_take(&t.end[FAR], &in, &plain, 0);
        assert_int_equal(plain.len, 0);
        assert_false(tsr_tls_connected(&t.end[FAR]));
        end();
    }
}

static void test_tls_refuses_what_it_cannot_send(void **state)
{
    uint8_t room[TSR_TLS_SEND_MAX + 1] = { 0 };
    tsr_buf small = tsr_buf_over(room, 64);
    tsr_dtls_options datagrams = world_client_psk();
    tsr_dtls_config config;
    tsr_tls s;

    (void)state;
    begin(world_client_psk(), world_server_psk());
    run();
    assert_int_equal(tsr_tls_send(&t.end[NEAR], tsr_view(room, sizeof room), &small), TSR_E_SPACE);
    assert_int_equal(tsr_tls_send(&t.end[NEAR], tsr_text("a"), &small), TSR_E_SPACE);
    end();
    assert_int_equal(tsr_dtls_config_init(&config, &datagrams), TSR_OK);
    assert_int_equal(tsr_tls_begin(&s, &config, 0), TSR_E_ARGUMENT);
    tsr_dtls_config_free(&config);
}

static int prepare(void **state)
{
    (void)state;
    world_psa();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_connects_with_a_shared_key),
        cmocka_unit_test(test_tls_connects_byte_by_byte),
        cmocka_unit_test(test_tls_connects_with_certificates),
        cmocka_unit_test(test_tls_asks_for_short_records),
        cmocka_unit_test(test_tls_says_that_keys_differ),
        cmocka_unit_test(test_tls_refuses_an_unknown_identity),
        cmocka_unit_test(test_tls_closes_in_good_order),
        cmocka_unit_test(test_tls_ends_at_a_damaged_record),
        cmocka_unit_test(test_tls_gives_up_a_silent_peer),
        cmocka_unit_test(test_tls_takes_any_bytes),
        cmocka_unit_test(test_tls_refuses_what_it_cannot_send),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
