/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS sessions that go on in another connection (tessera/net/tls_kept.h, tls_tickets.h). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "tests/net/world.h"

#include "tessera/net/dtls_impl.h"
#include "tessera/net/tls_kept.h"
#include "tessera/net/tls_tickets.h"

enum { NEAR, FAR, NONCE = 12 };

static struct {
    tsr_dtls_config config[2];
    tsr_tls end[2];
    tsr_tls_kept kept;
    uint8_t room[TSR_TLS_KEPT_MAX];
    uint8_t way[2][8192];
    size_t way_len[2], carried; /* bytes, both ways */
    uint64_t now_ms;
    uint32_t ticket_key;
    uint8_t ticket[TSR_TLS_TICKET_MAX]; /* the last that was sealed */
    size_t ticket_len;
    unsigned sealed, opened; /* how often with success */
    bool no_tickets, unknown, revoked;
    uint32_t other_psk; /* what the identity has instead; 0: its key */
} t;

/* ---- the host's part: one key, AES-128-GCM behind a nonce ---- */

static tsr_err seal(void *user, tsr_bytes bound, tsr_bytes plain, tsr_buf *ticket)
{
    uint8_t *at = tsr_buf_claim(ticket, NONCE + plain.len + 16);
    size_t len = 0;

    (void)user;
    assert_int_equal(bound.len, TSR_TLS_BOUND);
    if (at == NULL || t.no_tickets)
        return TSR_E_SPACE;
    assert_int_equal(psa_generate_random(at, NONCE), PSA_SUCCESS);
    assert_int_equal(psa_aead_encrypt(t.ticket_key, PSA_ALG_GCM, at, NONCE, bound.ptr, bound.len,
                                      plain.ptr, plain.len, at + NONCE, plain.len + 16, &len),
                     PSA_SUCCESS);
    memcpy(t.ticket, at, NONCE + len);
    t.ticket_len = NONCE + len;
    t.sealed++;
    return TSR_OK;
}

static tsr_err open_ticket(void *user, tsr_bytes bound, tsr_bytes ticket, tsr_buf *plain)
{
    tsr_bytes in = tsr_skip(ticket, NONCE);

    (void)user;
    if (ticket.len < NONCE + 16 ||
        psa_aead_decrypt(t.ticket_key, PSA_ALG_GCM, ticket.ptr, NONCE, bound.ptr, bound.len, in.ptr,
                         in.len, plain->ptr, plain->cap, &plain->len) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    t.opened++;
    return TSR_OK;
}

static const tsr_tls_tickets tickets = { 3600, NULL, seal, open_ticket };

static uint32_t ticket_key(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t id;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&attributes, 128);
    psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    assert_int_equal(psa_generate_key(&attributes, &id), PSA_SUCCESS);
    return id;
}

static tsr_err find(void *user, tsr_bytes identity, uint32_t *key_id)
{
    if (t.unknown)
        return TSR_E_NOT_FOUND;
    if (t.other_psk != 0) {
        *key_id = t.other_psk;
        return TSR_OK;
    }
    return world_server_psk().psk_find(user, identity, key_id);
}

static tsr_err judge(void *user, tsr_bytes der)
{
    (void)user;
    (void)der;
    return t.revoked ? TSR_E_DENIED : TSR_OK;
}

/* ---- connections ---- */

static void configure(int i, tsr_dtls_options o)
{
    tsr_dtls_config_free(&t.config[i]);
    o.stream = true;
    o.cid = false;
    o.cid_len = 0;
    assert_int_equal(tsr_dtls_config_init(&t.config[i], &o), TSR_OK);
}

static void begin(tsr_dtls_options client, tsr_dtls_options server)
{
    memset(&t, 0, sizeof t);
    t.kept = (tsr_tls_kept){ .room = t.room, .cap = sizeof t.room };
    t.now_ms = 1000;
    t.ticket_key = ticket_key();
    if (server.psk_find != NULL)
        server.psk_find = find;
    if (server.certificate.len != 0)
        server.cert_check = judge;
    configure(NEAR, client);
    configure(FAR, server);
    assert_int_equal(tsr_tls_tickets_use(&t.config[FAR], &tickets), TSR_OK);
}

static void hang_up(void)
{
    tsr_tls_free(&t.end[NEAR]);
    tsr_tls_free(&t.end[FAR]);
    t.way_len[NEAR] = t.way_len[FAR] = 0;
}

static void end(void)
{
    hang_up();
    tsr_dtls_config_free(&t.config[NEAR]);
    tsr_dtls_config_free(&t.config[FAR]);
    psa_destroy_key(t.ticket_key);
}

static bool say(int i)
{
    tsr_buf out = tsr_buf_over(t.way[i] + t.way_len[i], sizeof t.way[i] - t.way_len[i]);
    bool any = tsr_tls_poll(&t.end[i], &out, t.now_ms) == TSR_OK;

    t.way_len[i] += out.len;
    t.carried += out.len;
    return any;
}

static bool hear(int i)
{
    int from = i == NEAR ? FAR : NEAR;
    tsr_bytes in = tsr_view(t.way[from], t.way_len[from]);
    uint8_t room[64];
    tsr_buf plain = tsr_buf_over(room, sizeof room);
    size_t taken;

    if (in.len == 0)
        return false;
    (void)tsr_tls_take(&t.end[i], &in, &plain, t.now_ms);
    assert_int_equal(plain.len, 0);
    taken = t.way_len[from] - in.len;
    t.way_len[from] = in.len;
    memmove(t.way[from], t.way[from] + taken, in.len);
    return taken != 0;
}

static void run(void)
{
    bool busy = true;

    for (int n = 0; busy; n++) {
        assert_true(n < 1000);
        busy = false;
        for (int i = NEAR; i <= FAR; i++) {
            busy |= say(i);
            busy |= hear(i);
        }
    }
}

/* One connection; true: it was offered to go on. */
static bool connect(void)
{
    bool offered;

    hang_up();
    t.carried = 0;
    for (int i = NEAR; i <= FAR; i++)
        assert_int_equal(tsr_tls_begin(&t.end[i], &t.config[i], t.now_ms), TSR_OK);
    offered = tsr_tls_offer(&t.end[NEAR], &t.kept, t.now_ms);
    run();
    if (tsr_tls_connected(&t.end[NEAR]))
        tsr_tls_keep(&t.end[NEAR], &t.kept, t.now_ms);
    else
        tsr_tls_forget(&t.kept);
    return offered;
}

static void carries(void)
{
    uint8_t wire[512], room[64];
    tsr_buf out = tsr_buf_over(wire, sizeof wire), plain = tsr_buf_over(room, sizeof room);
    tsr_bytes in;

    assert_true(tsr_tls_connected(&t.end[NEAR]) && tsr_tls_connected(&t.end[FAR]));
    assert_string_equal(tsr_tls_protocol(&t.end[FAR]), "coap");
    assert_int_equal(tsr_tls_send(&t.end[NEAR], tsr_text("up"), &out), TSR_OK);
    in = tsr_buf_view(&out);
    assert_int_equal(tsr_tls_take(&t.end[FAR], &in, &plain, t.now_ms), TSR_END);
    assert_true(tsr_same(tsr_buf_view(&plain), tsr_text("up")));
}

static bool both(bool resumed)
{
    return tsr_tls_connected(&t.end[NEAR]) && tsr_tls_connected(&t.end[FAR]) &&
           tsr_tls_resumed(&t.end[NEAR]) == resumed && tsr_tls_resumed(&t.end[FAR]) == resumed;
}

static void first(void)
{
    assert_false(connect());
    assert_true(both(false));
    assert_int_equal(t.sealed, 1);
    assert_true(t.kept.len != 0);
    carries();
}

/* Offered, declined, and a full handshake all the same. */
static void declined(void)
{
    assert_true(connect());
    assert_true(both(false));
    carries();
}

static uint8_t *in_kept(const void *what, size_t len)
{
    uint8_t *at = memmem(t.room, t.kept.len, what, len);

    assert_non_null(at);
    return at;
}

/* ---- what resumes ---- */

/* RFC 5077 §3, RFC 5077 §3.1: the ticket of a full handshake, kept by the client, makes the next ones
 * abbreviated, under the same identity. */
static void test_resume_goes_on_under_a_shared_key(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    first();
    assert_true(t.kept.len <= TSR_TLS_KEPT_PSK);
    for (int i = 0; i < 3; i++) {
        assert_true(connect());
        assert_true(both(true));
        carries();
        assert_true(tsr_same(tsr_tls_peer_identity(&t.end[FAR]), tsr_text("device-1")));
    }
    assert_int_equal(t.sealed, 1); /* a session ends: no ticket follows on a ticket */
    end();
}

static void test_resume_goes_on_with_certificates(void **state)
{
    size_t full;

    (void)state;
    begin(world_client_cert(), world_server_cert());
    first();
    full = t.carried;
    assert_true(connect());
    assert_true(both(true));
    carries();
    assert_true(tsr_same(tsr_tls_peer_certificate(&t.end[FAR]), world_file("device.der")));
    assert_int_equal(tsr_tls_peer_identity(&t.end[FAR]).len, 0);
    assert_true(tsr_same(tsr_tls_peer_certificate(&t.end[NEAR]), world_file("server.der")));
    assert_true(t.carried * 2 < full);
    end();
}

/* A client that keeps nothing asks for nothing: not even for the extension. */
static void test_resume_is_not_asked_for_without_a_place(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    t.kept.cap = 0;
    assert_false(connect());
    assert_false(connect());
    assert_true(both(false));
    assert_int_equal(t.sealed, 0);
    t.kept.cap = 100; /* what does not fit */
    assert_false(connect());
    assert_int_equal(t.sealed, 1);
    assert_int_equal(t.kept.len, 0);
    assert_false(connect());
    assert_true(both(false));
    for (size_t i = 0; i < sizeof t.room; i++)
        assert_int_equal(t.room[i], 0);
    end();
}

/* RFC 5246 §F.1.4, RFC 5077 §3.3: no longer than the hint; and a session does not grow younger. */
static void test_resume_ends_with_time(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    first();
    t.now_ms += 3000 * 1000;
    assert_true(connect());
    assert_true(both(true));
    t.now_ms += 700 * 1000;
    assert_false(connect());
    assert_true(both(false));
    assert_int_equal(t.sealed, 2);
    end();
}

/* RFC 5246 §7.3: the suite of the session, though the server likes another better. */
static void test_resume_keeps_the_suite(void **state)
{
    static const uint16_t gcm[] = { 0x00A8 }, gcm_first[] = { 0x00A8, 0xC0A8 }, ccm[] = { 0xC0A8 };
    tsr_dtls_options client = world_client_psk();

    (void)state;
    client.suites = gcm;
    client.suite_count = 1;
    begin(client, world_server_psk());
    first();
    client.suites = gcm_first;
    client.suite_count = 2;
    configure(NEAR, client);
    assert_true(connect());
    assert_true(both(true));
    assert_int_equal(mbedtls_ssl_get_ciphersuite_id_from_ssl(stream_ssl(&t.end[FAR])), 0x00A8);
    /* A full handshake after it is free again. */
    tsr_tls_forget(&t.kept);
    assert_false(connect());
    assert_true(both(false));
    assert_int_equal(mbedtls_ssl_get_ciphersuite_id_from_ssl(stream_ssl(&t.end[FAR])), 0xC0A8);
    /* RFC 5246 §7.4.1.2: a hello must have the suite of the session that it offers. */
    client.suites = gcm;
    client.suite_count = 1;
    configure(NEAR, client);
    assert_true(connect());
    assert_false(tsr_tls_connected(&t.end[FAR]));
    assert_false(connect());
    assert_true(both(false));
    client.suites = ccm;
    configure(NEAR, client);
    tsr_tls_forget(&t.kept);
    assert_false(connect());
    assert_true(both(false));
    end();
}

/* ---- what does not ---- */

/* RFC 5077 §3.2, §4: any byte, and any length. */
static void test_resume_is_refused_to_a_changed_ticket(void **state)
{
    uint8_t good[TSR_TLS_KEPT_MAX];
    size_t len, at;

    (void)state;
    begin(world_client_psk(), world_server_psk());
    first();
    len = t.kept.len;
    memcpy(good, t.room, len);
    at = (size_t)(in_kept(t.ticket, t.ticket_len) - t.room);
    for (size_t i = 0, ticket_len = t.ticket_len; i < ticket_len; i++) {
        memcpy(t.room, good, len);
        t.kept.len = len;
        t.room[at + i] ^= (uint8_t)(1u << i % 8);
        declined();
    }
    assert_int_equal(t.opened, 0);
    end();
}

static void test_resume_is_refused_under_an_old_key(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    first();
    psa_destroy_key(t.ticket_key);
    t.ticket_key = ticket_key();
    declined();
    assert_true(connect()); /* with the ticket that it got in the place of the old one */
    assert_true(both(true));
    end();
}

static void test_resume_is_refused_when_the_key_was_replaced(void **state)
{
    static const uint8_t other[16] = { 9 };
    tsr_dtls_options client = world_client_psk();

    (void)state;
    begin(client, world_server_psk());
    first();
    t.other_psk = world_psk(other, sizeof other);
    assert_true(connect());
    assert_int_equal(t.opened, 1); /* the ticket was good, what stood behind it is not */
    assert_false(tsr_tls_connected(&t.end[FAR]) || tsr_tls_resumed(&t.end[FAR]));
    assert_int_equal(tsr_tls_reason(&t.end[FAR]), TSR_DTLS_R_KEY);
    assert_int_equal(t.kept.len, 0);
    client.psk_key_id = t.other_psk;
    configure(NEAR, client);
    assert_false(connect());
    assert_true(both(false));
    end();
}

static void test_resume_is_refused_when_the_identity_is_gone(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    first();
    t.unknown = true;
    assert_true(connect());
    assert_int_equal(t.opened, 1);
    assert_false(tsr_tls_connected(&t.end[FAR]) || tsr_tls_resumed(&t.end[FAR]));
    assert_int_equal(tsr_tls_reason(&t.end[FAR]), TSR_DTLS_R_IDENTITY);
    assert_int_equal(tsr_tls_peer_identity(&t.end[FAR]).len, 0);
    end();
}

static void test_resume_is_refused_to_a_revoked_certificate(void **state)
{
    (void)state;
    begin(world_client_cert(), world_server_cert());
    first();
    t.revoked = true;
    assert_true(connect());
    assert_int_equal(t.opened, 1);
    assert_false(tsr_tls_connected(&t.end[FAR]) || tsr_tls_resumed(&t.end[FAR]));
    assert_int_equal(tsr_tls_reason(&t.end[FAR]), TSR_DTLS_R_CERTIFICATE);
    end();
}

/* RFC 5246 §F.1.4: whoever has the ticket and not the master secret comes as far as Finished. */
static void test_resume_needs_the_master_secret(void **state)
{
    mbedtls_ssl_session session;

    (void)state;
    begin(world_client_psk(), world_server_psk());
    first();
    mbedtls_ssl_session_init(&session);
    assert_int_equal(mbedtls_ssl_session_load(&session, t.room, t.kept.len), 0);
    in_kept(session.MBEDTLS_PRIVATE(master), 48)[47] ^= 1;
    mbedtls_ssl_session_free(&session);
    assert_true(connect());
    assert_int_equal(t.opened, 1);
    assert_false(tsr_tls_connected(&t.end[NEAR]) || tsr_tls_connected(&t.end[FAR]));
    assert_false(connect()); /* and it was forgotten */
    assert_true(both(false));
    end();
}

/* RFC 6066 §3 */
static void test_resume_is_refused_under_another_server_name(void **state)
{
    tsr_dtls_options client = world_client_psk();

    (void)state;
    client.server_name = "one.example";
    begin(client, world_server_psk());
    first();
    assert_true(connect());
    assert_true(both(true));
    client.server_name = "two.example";
    configure(NEAR, client);
    declined();
    client.server_name = NULL;
    configure(NEAR, client);
    declined();
    end();
}

static void without_ems(void)
{
    mbedtls_ssl_conf_extended_master_secret(&config_room(&t.config[NEAR])->ssl,
                                            MBEDTLS_SSL_EXTENDED_MS_DISABLED);
}

/* RFC 7627 §5.1, RFC 7627 §5.3: its extension in the hello tells; neither is a session without it resumed,
 * nor one with it by a hello without it. */
static void test_resume_needs_the_extended_master_secret(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    without_ems();
    assert_false(connect());
    assert_true(both(false));
    assert_int_equal(t.sealed, 0);
    assert_false(connect());
    configure(NEAR, world_client_psk());
    assert_false(connect());
    assert_int_equal(t.sealed, 1);
    without_ems();
    declined();
    assert_int_equal(t.opened, 0);
    end();
}

static void test_resume_of_one_proof_is_none_of_the_other(void **state)
{
    tsr_dtls_options server = world_server_cert();

    (void)state;
    server.psk_find = find;
    begin(world_client_psk(), server);
    first();
    server.psk_find = NULL; /* the server has put shared keys away; the keys of tickets stay */
    server.cert_check = judge;
    configure(FAR, server);
    assert_int_equal(tsr_tls_tickets_use(&t.config[FAR], &tickets), TSR_OK);
    assert_true(connect());
    assert_int_equal(t.opened, 1);
    assert_false(tsr_tls_connected(&t.end[FAR]) || tsr_tls_resumed(&t.end[FAR]));
    end();
}

/* RFC 5077 §3.3: an empty ticket is no error. */
static void test_resume_does_without_a_ticket(void **state)
{
    (void)state;
    begin(world_client_psk(), world_server_psk());
    t.no_tickets = true;
    assert_false(connect());
    assert_true(both(false));
    carries();
    assert_int_equal(t.kept.len, 0);
    end();
}

/* No ticket before the client's Finished was found good: RFC 5077 §3.3. */
static void test_resume_gives_nothing_to_who_fails(void **state)
{
    static const uint8_t other[16] = { 1 };
    tsr_dtls_options client = world_client_psk();

    (void)state;
    client.psk_key_id = world_psk(other, sizeof other);
    begin(client, world_server_psk());
    assert_false(connect());
    assert_false(tsr_tls_connected(&t.end[FAR]));
    assert_int_equal(t.sealed, 0);
    t.revoked = true;
    end();
    begin(world_client_cert(), world_server_cert());
    t.revoked = true;
    assert_false(connect());
    assert_int_equal(t.sealed, 0);
    end();
}

static void test_resume_is_of_a_server_over_streams(void **state)
{
    tsr_dtls_options o = world_server_psk();
    tsr_dtls_config config;

    (void)state;
    assert_int_equal(tsr_dtls_config_init(&config, &o), TSR_OK);
    assert_int_equal(tsr_tls_tickets_use(&config, &tickets), TSR_E_ARGUMENT);
    tsr_dtls_config_free(&config);
    o = world_client_psk();
    o.stream = true;
    assert_int_equal(tsr_dtls_config_init(&config, &o), TSR_OK);
    assert_int_equal(tsr_tls_tickets_use(&config, &tickets), TSR_E_ARGUMENT);
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
        cmocka_unit_test(test_resume_goes_on_under_a_shared_key),
        cmocka_unit_test(test_resume_goes_on_with_certificates),
        cmocka_unit_test(test_resume_is_not_asked_for_without_a_place),
        cmocka_unit_test(test_resume_ends_with_time),
        cmocka_unit_test(test_resume_keeps_the_suite),
        cmocka_unit_test(test_resume_is_refused_to_a_changed_ticket),
        cmocka_unit_test(test_resume_is_refused_under_an_old_key),
        cmocka_unit_test(test_resume_is_refused_when_the_key_was_replaced),
        cmocka_unit_test(test_resume_is_refused_when_the_identity_is_gone),
        cmocka_unit_test(test_resume_is_refused_to_a_revoked_certificate),
        cmocka_unit_test(test_resume_needs_the_master_secret),
        cmocka_unit_test(test_resume_is_refused_under_another_server_name),
        cmocka_unit_test(test_resume_needs_the_extended_master_secret),
        cmocka_unit_test(test_resume_of_one_proof_is_none_of_the_other),
        cmocka_unit_test(test_resume_does_without_a_ticket),
        cmocka_unit_test(test_resume_gives_nothing_to_who_fails),
        cmocka_unit_test(test_resume_is_of_a_server_over_streams),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
