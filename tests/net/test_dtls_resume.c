/* SPDX-License-Identifier: Apache-2.0
 *
 * A DTLS client that goes on with an earlier session (tessera/net/tls_kept.h); the server's end keeps
 * one by its session ID, as others do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/net/world.h"

#include "tessera/net/dtls_impl.h"
#include "tessera/net/tls_kept.h"
#include "tessera/net/tls_tickets.h"

static struct {
    world w;
    tsr_tls_kept kept;
    uint8_t room[TSR_TLS_KEPT_MAX];
    uint8_t id[32], session[TSR_TLS_KEPT_MAX]; /* the server's only entry */
    uint8_t bound[TSR_TLS_BOUND];
    size_t id_len, session_len;
    bool forgets, unknown, revoked;
    uint32_t other_psk; /* what the identity has instead; 0: its key */
    unsigned found;
} t;

static int find(void *user, const unsigned char *id, size_t id_len, mbedtls_ssl_session *session)
{
    (void)user;
    if (t.forgets || !tsr_same(tsr_view(id, id_len), tsr_view(t.id, t.id_len)) ||
        mbedtls_ssl_session_load(session, t.session, t.session_len) != 0)
        return MBEDTLS_ERR_SSL_CACHE_ENTRY_NOT_FOUND;
    t.found++;
    return 0;
}

static int put(void *user, const unsigned char *id, size_t id_len, const mbedtls_ssl_session *session)
{
    (void)user;
    memcpy(t.id, id, id_len);
    t.id_len = id_len;
    return mbedtls_ssl_session_save(session, t.session, sizeof t.session, &t.session_len);
}

/* The same as our server does it: tls_tickets.h. */

static void keep_plain(void *user, tsr_bytes id, tsr_bytes bound, tsr_bytes plain)
{
    (void)user;
    assert_int_equal(bound.len, TSR_TLS_BOUND);
    assert_true(id.len <= sizeof t.id && plain.len <= sizeof t.session);
    memcpy(t.id, id.ptr, id.len);
    memcpy(t.bound, bound.ptr, bound.len);
    memcpy(t.session, plain.ptr, plain.len);
    t.id_len = id.len;
    t.session_len = plain.len;
}

static tsr_err find_plain(void *user, tsr_bytes id, tsr_bytes bound, tsr_buf *plain)
{
    (void)user;
    if (t.forgets || !tsr_same(id, tsr_view(t.id, t.id_len)) ||
        !tsr_same(bound, tsr_view(t.bound, sizeof t.bound)))
        return TSR_E_NOT_FOUND;
    t.found++;
    tsr_put_bytes(plain, tsr_view(t.session, t.session_len));
    return plain->err;
}

static const tsr_dtls_cache cache = { NULL, keep_plain, find_plain };

static tsr_err find_psk(void *user, tsr_bytes identity, uint32_t *key_id)
{
    if (t.unknown)
        return TSR_E_NOT_FOUND;
    if (t.other_psk == 0)
        return world_server_psk().psk_find(user, identity, key_id);
    *key_id = t.other_psk;
    return TSR_OK;
}

static tsr_err judge(void *user, tsr_bytes der)
{
    (void)user;
    (void)der;
    return t.revoked ? TSR_E_DENIED : TSR_OK;
}

static void begin_ours(bool with_certificates)
{
    tsr_dtls_options client = with_certificates ? world_client_cert() : world_client_psk();
    tsr_dtls_options server = with_certificates ? world_server_cert() : world_server_psk();

    server.psk_find = server.psk_find != NULL ? find_psk : NULL;
    server.cert_check = with_certificates ? judge : NULL;
    memset(&t, 0, sizeof t);
    t.kept = (tsr_tls_kept){ .room = t.room, .cap = sizeof t.room };
    world_init(&t.w, &client, &server);
    assert_int_equal(tsr_dtls_cache_use(&t.w.server_config, &cache), TSR_OK);
    assert_int_equal(tsr_dtls_cache_use(&t.w.client_config, &cache), TSR_E_ARGUMENT);
}

static void begin(tsr_dtls_options client, tsr_dtls_options server)
{
    memset(&t, 0, sizeof t);
    t.kept = (tsr_tls_kept){ .room = t.room, .cap = sizeof t.room };
    world_init(&t.w, &client, &server);
    mbedtls_ssl_conf_session_cache(&config_room(&t.w.server_config)->ssl, NULL, find, put);
}

/* Another handshake of the two ends; false: the client did not come up. */
static bool connect_again(bool *offered)
{
    world *w = &t.w;

    tsr_dtls_free(&w->client);
    tsr_dtls_free(&w->server);
    w->server_lives = w->client_connected = w->server_connected = false;
    w->client_ended = w->server_ended = false;
    w->up.number_count = w->down.number_count = 0;
    w->up.sent = w->down.sent = 0;
    world_start(w);
    *offered = tsr_dtls_offer(&w->client, &t.kept);
    world_run(w, w->now_ms + 300000);
    tsr_dtls_keep(&w->client, &t.kept);
    return w->client_connected && w->server_connected;
}

static void carries_data(void)
{
    world_send_up(&t.w, "hello up");
    world_run(&t.w, t.w.now_ms + 100);
    assert_true(world_got(&t.w, "hello up"));
    world_send_down(&t.w, "hello down");
    world_run(&t.w, t.w.now_ms + 100);
    assert_true(world_got(&t.w, "hello down"));
}

/* RFC 5246 §7.3, §7.4.1.2; RFC 9146 §3: Connection IDs are agreed on anew */
static void test_session_goes_on(void **state)
{
    bool offered;
    size_t flights;

    (void)state;
    for (int with = 0; with < 2; with++) {
        begin(with ? world_client_cert() : world_client_psk(),
              with ? world_server_cert() : world_server_psk());
        assert_true(connect_again(&offered));
        assert_false(offered);
        assert_false(tsr_dtls_resumed(&t.w.client));
        flights = t.w.up.sent + t.w.down.sent;
        for (int n = 0; n < 3; n++) {
            assert_true(connect_again(&offered));
            assert_true(offered);
            assert_true(tsr_dtls_resumed(&t.w.client));
            assert_true(t.w.up.sent + t.w.down.sent < flights);
            assert_true(tsr_dtls_uses_cid(&t.w.server));
            carries_data();
        }
        assert_int_equal(t.found, 3);
        world_free(&t.w);
        tsr_tls_forget(&t.kept);
    }
}

/* ...through loss, which comes at other places of the shorter handshake: RFC 6347 §4.2.4 */
static void test_session_goes_on_over_a_bad_link(void **state)
{
    bool offered;

    (void)state;
    begin(world_client_psk(), world_server_psk());
    assert_true(connect_again(&offered));
    t.w.loss = 25;
    t.w.dup = 10;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        t.w.seed = seed;
        assert_true(connect_again(&offered));
        assert_true(offered && tsr_dtls_resumed(&t.w.client));
    }
    world_free(&t.w);
    tsr_tls_forget(&t.kept);
}

/* A full handshake, without anybody's help */
static void test_session_that_the_server_has_no_more(void **state)
{
    bool offered;

    (void)state;
    begin(world_client_cert(), world_server_cert());
    assert_true(connect_again(&offered));
    t.forgets = true;
    assert_true(connect_again(&offered));
    assert_true(offered);
    assert_false(tsr_dtls_resumed(&t.w.client));
    carries_data();
    t.forgets = false; /* and what it made then is the one that goes on */
    assert_true(connect_again(&offered));
    assert_true(tsr_dtls_resumed(&t.w.client));
    world_free(&t.w);
    tsr_tls_forget(&t.kept);
}

/* RFC 5246 §F.1.4, and bytes that are no session */
static void test_what_is_too_old_or_damaged_is_not_offered(void **state)
{
    bool offered;

    (void)state;
    begin(world_client_psk(), world_server_psk());
    assert_true(connect_again(&offered));
    t.w.now_ms += TSR_TLS_KEPT_MS;
    assert_true(connect_again(&offered));
    assert_false(offered);
    t.room[0] ^= 1;
    assert_true(connect_again(&offered));
    assert_false(offered);
    assert_true(t.kept.len != 0);
    tsr_tls_forget(&t.kept);
    assert_true(connect_again(&offered));
    assert_false(offered);
    tsr_tls_forget(&t.kept);
    for (size_t i = 0; i < sizeof t.room; i++)
        assert_int_equal(t.room[i], 0);
    world_free(&t.w);
}

/* A place that is too small keeps nothing, and none asks for nothing. */
static void test_small_places(void **state)
{
    bool offered;

    (void)state;
    for (size_t cap = 0; cap < 64; cap += 63) {
        begin(world_client_psk(), world_server_psk());
        t.kept.cap = cap;
        for (int n = 0; n < 2; n++) {
            assert_true(connect_again(&offered));
            assert_false(offered);
            assert_int_equal(t.kept.len, 0);
        }
        world_free(&t.w);
    }
}

static bool goes_on(void)
{
    bool offered;

    assert_true(connect_again(&offered));
    assert_true(offered);
    assert_int_equal(tsr_dtls_resumed(&t.w.client), tsr_dtls_resumed(&t.w.server));
    return tsr_dtls_resumed(&t.w.server);
}

static void test_our_server_judges_again(void **state)
{
    bool offered;
    static const uint8_t key[16] = { 1 };

    (void)state;
    begin_ours(false);
    assert_true(connect_again(&offered));
    assert_true(goes_on());
    assert_true(tsr_same(tsr_dtls_peer_identity(&t.w.server), tsr_text("device-1")));
    carries_data();
    t.other_psk = world_psk(key, sizeof key); /* it has another key now */
    assert_false(connect_again(&offered));
    assert_false(tsr_dtls_resumed(&t.w.server));
    t.other_psk = 0;
    assert_true(goes_on());
    t.unknown = true;
    assert_false(connect_again(&offered));
    world_free(&t.w);
    tsr_tls_forget(&t.kept);

    begin_ours(true);
    assert_true(connect_again(&offered));
    assert_true(goes_on());
    assert_true(tsr_dtls_peer_certificate(&t.w.server).len != 0);
    t.revoked = true;
    assert_false(connect_again(&offered));
    assert_false(tsr_dtls_resumed(&t.w.server));
    world_free(&t.w);
    tsr_tls_forget(&t.kept);
}

/* RFC 6066 §3, RFC 5246 §7.4.1.3: not under another name, not with another suite; nor what is no session */
static void test_our_server_passes_over_what_does_not_fit(void **state)
{
    static const uint16_t gcm[] = { 0x00a8 };
    bool offered;

    (void)state;
    begin_ours(true);
    assert_true(connect_again(&offered));
    t.bound[3] ^= 1;
    assert_false(goes_on());
    assert_true(goes_on());
    for (size_t i = 0; i < t.session_len; i += 7) {
        size_t len = t.session_len;

        t.session_len = i;
        assert_false(goes_on()); /* and what was made then is whole */
        assert_int_equal(t.session_len, len);
    }
    world_free(&t.w);
    tsr_tls_forget(&t.kept);

    begin_ours(false);
    assert_true(connect_again(&offered));
    tsr_dtls_free(&t.w.client);
    tsr_dtls_config_free(&t.w.client_config);
    tsr_dtls_options client = world_client_psk();
    client.suites = gcm;
    client.suite_count = 1;
    assert_int_equal(tsr_dtls_config_init(&t.w.client_config, &client), TSR_OK);
    assert_true(connect_again(&offered));
    assert_false(tsr_dtls_resumed(&t.w.client) || tsr_dtls_resumed(&t.w.server));
    assert_int_equal(tsr_dtls_suite(&t.w.client), 0x00a8);
    world_free(&t.w);
    tsr_tls_forget(&t.kept);
}

static int once(void **state)
{
    (void)state;
    world_psa();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_goes_on),
        cmocka_unit_test(test_session_goes_on_over_a_bad_link),
        cmocka_unit_test(test_session_that_the_server_has_no_more),
        cmocka_unit_test(test_what_is_too_old_or_damaged_is_not_offered),
        cmocka_unit_test(test_small_places),
        cmocka_unit_test(test_our_server_judges_again),
        cmocka_unit_test(test_our_server_passes_over_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, once, NULL);
}
