/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include <psa/crypto.h>

#include "tests/net/world.h"

static world w;

static void fails_with(tsr_dtls_options *client, tsr_dtls_options *server)
{
    world_init(&w, client, server);
    world_start(&w);
    world_run(&w, w.now_ms + 300000);
    assert_false(w.client_connected && w.server_connected);
    assert_true(w.client_ended || w.server_ended);
}

/* RFC 7251 §2, RFC 7925 §4.4 */
static void test_cert_mutual_handshake(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    world_init(&w, &client, &server);
    world_connect(&w);
    assert_int_equal(tsr_dtls_suite(&w.client), 0xC0AE);
    assert_true(tsr_same(tsr_dtls_peer_certificate(&w.client), world_file("server.der")));
    assert_true(tsr_same(tsr_dtls_peer_certificate(&w.server), world_file("device.der")));
    assert_int_equal(tsr_dtls_peer_identity(&w.server).len, 0);
    world_send_up(&w, "signed, sealed");
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, "signed, sealed"));
    assert_true(w.got_may_move);
    world_free(&w);
}

/* Flights of more than one datagram, each of them lossy. */
static void test_cert_small_datagrams_over_a_bad_link(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.mtu = server.mtu = 400;
    for (uint32_t seed = 1; seed <= 8; seed++) {
        world_init(&w, &client, &server);
        w.seed = seed * 104729;
        w.loss = 15, w.dup = 10, w.reorder = 15;
        world_connect(&w);
        world_free(&w);
    }
}

/* RFC 7925 §13 */
static void test_cert_no_datagram_exceeds_the_mtu(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.mtu = server.mtu = 300;
    world_init(&w, &client, &server);
    world_start(&w);
    for (unsigned i = 0; i < 3000 && !(w.client_connected && w.server_connected); i++) {
        world_run(&w, w.now_ms);
        assert_true(w.up.last.len <= 300 && w.down.last.len <= 300);
        for (size_t k = 0; k < w.up.count; k++)
            assert_true(w.up.box[k].len <= 300);
        for (size_t k = 0; k < w.down.count; k++)
            assert_true(w.down.box[k].len <= 300);
        w.now_ms++;
    }
    assert_true(w.client_connected && w.server_connected);
    assert_true(w.down.sent > 3);
    world_free(&w);
}

static void test_cert_exact_pin_needs_no_path(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.usage = TSR_DTLS_CERT_EXACT;
    client.anchor_count = 0;
    client.pin = world_file("server.der");
    client.server_name = "another.name"; /* and no name either */
    world_init(&w, &client, &server);
    world_connect(&w);
    world_free(&w);
}

static void test_cert_exact_pin_by_digest(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();
    tsr_bytes der = world_file("server.der");
    uint8_t digest[32];
    size_t len;

    (void)state;
    assert_int_equal(
        psa_hash_compute(PSA_ALG_SHA_256, der.ptr, der.len, digest, sizeof(digest), &len), 0);
    client.usage = TSR_DTLS_CERT_EXACT;
    client.anchor_count = 0;
    client.pin_type = TSR_DTLS_PIN_SHA256;
    client.pin = tsr_view(digest, len);
    world_init(&w, &client, &server);
    world_connect(&w);
    world_free(&w);
    digest[0] ^= 1;
    fails_with(&client, &server);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_CERTIFICATE);
    world_free(&w);
}

static void test_cert_exact_pin_refuses_another(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.usage = TSR_DTLS_CERT_EXACT;
    client.anchor_count = 0;
    client.pin = world_file("server.der");
    server.certificate = world_file("other.der"); /* says the same name */
    server.certificate_key_id = world_ec_key("other.key");
    fails_with(&client, &server);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_CERTIFICATE);
    assert_int_equal(w.server_end.reason, TSR_DTLS_R_ALERT);
    assert_int_equal(tsr_dtls_alert_class(w.server_end.alert), TSR_DTLS_FAIL);
    world_free(&w);
}

/* A chain built by the impostor: its leaf is pinned nowhere, its issuer is the pinned certificate.
 */
static void test_cert_exact_pin_does_not_trust_what_the_pin_might_sign(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.usage = TSR_DTLS_CERT_EXACT;
    client.anchor_count = 0;
    client.pin = world_file("ca.der");
    fails_with(&client, &server);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_CERTIFICATE);
    world_free(&w);
}

static void test_cert_unknown_issuer_is_refused(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    server.certificate = world_file("other.der");
    server.certificate_key_id = world_ec_key("other.key");
    fails_with(&client, &server);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_CERTIFICATE);
    assert_int_equal(w.server_end.alert, 48); /* unknown_ca */
    world_free(&w);
}

static void test_cert_wrong_name_is_refused(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.server_name = "another.name";
    fails_with(&client, &server);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_CERTIFICATE);
    assert_int_equal(w.server_end.alert, 42); /* bad_certificate */
    world_free(&w);
}

static void test_cert_service_wants_pin_and_path(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.usage = TSR_DTLS_CERT_SERVICE;
    client.pin = world_file("server.der");
    world_init(&w, &client, &server);
    world_connect(&w);
    world_free(&w);

    client.pin = world_file("other.der"); /* path good, pin wrong */
    fails_with(&client, &server);
    world_free(&w);

    server.certificate = world_file("other.der"); /* pin good, path wrong */
    server.certificate_key_id = world_ec_key("other.key");
    fails_with(&client, &server);
    world_free(&w);
}

static void test_cert_ca_must_lie_on_the_path(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.usage = TSR_DTLS_CERT_CA;
    client.pin = world_file("ca.der");
    world_init(&w, &client, &server);
    world_connect(&w);
    world_free(&w);

    client.anchor_count = 0; /* the pinned CA is anchor enough */
    world_init(&w, &client, &server);
    world_connect(&w);
    world_free(&w);

    client.anchor_count = 1;
    client.pin = world_file("other.der");
    fails_with(&client, &server);
    world_free(&w);
}

static tsr_err only_device(void *user, tsr_bytes der)
{
    (*(unsigned *)user)++;
    return tsr_same(der, world_file("device.der")) ? TSR_OK : TSR_E_DENIED;
}

static void test_cert_server_can_judge_clients_by_callback_alone(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();
    unsigned calls = 0;

    (void)state;
    server.usage = TSR_DTLS_CERT_EXACT;
    server.anchor_count = 0;
    server.cert_check = only_device;
    server.user = &calls;
    world_init(&w, &client, &server);
    world_connect(&w);
    assert_int_equal(calls, 1);
    world_free(&w);

    client.certificate = world_file("other.der");
    client.certificate_key_id = world_ec_key("other.key");
    fails_with(&client, &server);
    assert_int_equal(w.server_end.reason, TSR_DTLS_R_CERTIFICATE);
    assert_int_equal(w.client_end.reason, TSR_DTLS_R_ALERT);
    assert_int_equal(w.client_end.alert, 49); /* access_denied */
    assert_int_equal(calls, 2);
    world_free(&w);
}

/* The certificate is right, the key is not: CertificateVerify must not pass. */
static void test_cert_stolen_certificate_without_its_key(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    client.certificate_key_id = world_ec_key("other.key");
    fails_with(&client, &server);
    assert_false(w.server_connected);
    world_free(&w);
}

static void test_cert_one_server_takes_psk_and_certificates(void **state)
{
    tsr_dtls_options cert = world_client_cert(), psk = world_client_psk(),
                     server = world_server_cert();

    (void)state;
    server.psk_find = world_server_psk().psk_find;
    world_init(&w, &psk, &server);
    world_connect(&w);
    assert_int_equal(tsr_dtls_suite(&w.server), 0xC0A8);
    world_free(&w);
    world_init(&w, &cert, &server);
    world_connect(&w);
    assert_int_equal(tsr_dtls_suite(&w.server), 0xC0AE);
    world_free(&w);
}

static void test_cert_client_without_psk_meets_psk_only_server(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_psk();

    (void)state;
    fails_with(&client, &server);
    assert_int_equal(w.server_end.reason, TSR_DTLS_R_NO_SUITE);
    assert_int_equal(w.client_end.alert, 40); /* handshake_failure */
    world_free(&w);
}

static void test_config_rejects_bad_certificates(void **state)
{
    tsr_dtls_options o = world_client_cert();
    tsr_dtls_config c;
    tsr_bytes cut = o.certificate;

    (void)state;
    cut.len -= 10;
    o.certificate = cut;
    assert_int_equal(tsr_dtls_config_init(&c, &o), TSR_E_MALFORMED);
    o = world_client_cert();
    o.certificate_key_id = 0x777777;
    assert_int_equal(tsr_dtls_config_init(&c, &o), TSR_E_CRYPTO);
    o = world_client_cert();
    o.anchor_count = 0;
    assert_int_equal(tsr_dtls_config_init(&c, &o), TSR_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cert_mutual_handshake),
        cmocka_unit_test(test_cert_small_datagrams_over_a_bad_link),
        cmocka_unit_test(test_cert_no_datagram_exceeds_the_mtu),
        cmocka_unit_test(test_cert_exact_pin_needs_no_path),
        cmocka_unit_test(test_cert_exact_pin_by_digest),
        cmocka_unit_test(test_cert_exact_pin_refuses_another),
        cmocka_unit_test(test_cert_exact_pin_does_not_trust_what_the_pin_might_sign),
        cmocka_unit_test(test_cert_unknown_issuer_is_refused),
        cmocka_unit_test(test_cert_wrong_name_is_refused),
        cmocka_unit_test(test_cert_service_wants_pin_and_path),
        cmocka_unit_test(test_cert_ca_must_lie_on_the_path),
        cmocka_unit_test(test_cert_server_can_judge_clients_by_callback_alone),
        cmocka_unit_test(test_cert_stolen_certificate_without_its_key),
        cmocka_unit_test(test_cert_one_server_takes_psk_and_certificates),
        cmocka_unit_test(test_cert_client_without_psk_meets_psk_only_server),
        cmocka_unit_test(test_config_rejects_bad_certificates),
    };

    world_psa();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
