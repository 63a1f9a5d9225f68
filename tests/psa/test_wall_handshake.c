/* SPDX-License-Identifier: Apache-2.0
 *
 * A DTLS 1.2 handshake of Mbed TLS's client half with an opaque PSK: it works through the wall, and
 * it crosses at most 20 times on the client's side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "mbedtls/ssl.h"
#include "mbedtls/ssl_cookie.h"
#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "tests/psa/secured.h"

#define DATAGRAMS 16

typedef struct { /* one direction */
    uint8_t at[DATAGRAMS][2048];
    size_t len[DATAGRAMS];
    size_t head, count;
} queue;

typedef struct {
    queue *in, *out;
    uint32_t interval_ms, final_ms;
    bool timer;
} side;

typedef struct {
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    side side;
} peer;

static secured service;
static queue to_server, to_client;
static peer client, server;
static mbedtls_ssl_cookie_ctx cookies;

static int send_datagram(void *ctx, const unsigned char *data, size_t len)
{
    queue *q = ((side *)ctx)->out;

    if (q->count == DATAGRAMS || len > sizeof q->at[0])
        return MBEDTLS_ERR_SSL_WANT_WRITE;

    size_t slot = (q->head + q->count++) % DATAGRAMS;

    memcpy(q->at[slot], data, len);
    q->len[slot] = len;
    return (int)len;
}

static int receive_datagram(void *ctx, unsigned char *data, size_t len)
{
    queue *q = ((side *)ctx)->in;

    if (q->count == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;

    size_t n = q->len[q->head] < len ? q->len[q->head] : len;

    memcpy(data, q->at[q->head], n);
    q->head = (q->head + 1) % DATAGRAMS;
    q->count--;
    return (int)n;
}

/* Nothing is lost here, so no timer ever ends. */
static void set_timer(void *ctx, uint32_t interval_ms, uint32_t final_ms)
{
    ((side *)ctx)->timer = final_ms != 0;
    ((side *)ctx)->interval_ms = interval_ms;
}

static int get_timer(void *ctx) { return ((side *)ctx)->timer ? 0 : -1; }

static int random_bytes(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

static const int suites[] = { MBEDTLS_TLS_PSK_WITH_AES_128_CCM_8, 0 };

static void prepare(peer *p, int endpoint, psa_key_id_t psk)
{
    mbedtls_ssl_config_init(&p->config);
    mbedtls_ssl_init(&p->ssl);
    assert_int_equal(mbedtls_ssl_config_defaults(&p->config, endpoint,
                                                 MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&p->config, random_bytes, NULL);
    mbedtls_ssl_conf_ciphersuites(&p->config, suites);
    assert_int_equal(mbedtls_ssl_conf_psk_opaque(&p->config, psk, (const uint8_t *)"device", 6), 0);
    assert_int_equal(mbedtls_ssl_conf_cid(&p->config, 6, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE), 0);
    if (endpoint == MBEDTLS_SSL_IS_SERVER)
        mbedtls_ssl_conf_dtls_cookies(&p->config, mbedtls_ssl_cookie_write,
                                      mbedtls_ssl_cookie_check, &cookies);
    assert_int_equal(mbedtls_ssl_setup(&p->ssl, &p->config), 0);
    assert_int_equal(
        mbedtls_ssl_set_cid(&p->ssl, MBEDTLS_SSL_CID_ENABLED, (const uint8_t *)"server", 6), 0);
    mbedtls_ssl_set_bio(&p->ssl, &p->side, send_datagram, receive_datagram, NULL);
    mbedtls_ssl_set_timer_cb(&p->ssl, &p->side, set_timer, get_timer);
}

/* One turn; what it crossed is added. */
static int turn(peer *p, uint64_t *crossed)
{
    uint64_t before = tsr_gate_crossings();
    int ret = mbedtls_ssl_handshake(&p->ssl);

    *crossed += tsr_gate_crossings() - before;
    if (ret == MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED) {
        assert_int_equal(mbedtls_ssl_session_reset(&p->ssl), 0);
        assert_int_equal(mbedtls_ssl_set_client_transport_id(&p->ssl, (const uint8_t *)"c", 1), 0);
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    return ret;
}

static uint64_t shake_hands(void)
{
    uint64_t crossed[2] = { 0, 0 };
    int a = -1, b = -1;

    assert_int_equal(mbedtls_ssl_set_client_transport_id(&server.ssl, (const uint8_t *)"c", 1), 0);
    for (int i = 0; i < 50 && (a != 0 || b != 0); i++) {
        if (a != 0)
            a = turn(&client, &crossed[0]);
        assert_true(a == 0 || a == MBEDTLS_ERR_SSL_WANT_READ);
        if (b != 0)
            b = turn(&server, &crossed[1]);
        assert_true(b == 0 || b == MBEDTLS_ERR_SSL_WANT_READ);
    }
    assert_int_equal(a, 0);
    assert_int_equal(b, 0);
    print_message("crossings of a PSK handshake: client %llu, server %llu\n",
                  (unsigned long long)crossed[0], (unsigned long long)crossed[1]);
    return crossed[0];
}

static psa_key_id_t provision(psa_key_id_t id)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0;

    psa_set_key_id(&a, id);
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&a, (const uint8_t *)"0123456789abcdef", 16, &key),
                     PSA_SUCCESS);
    return key;
}

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&service);
    return secured_start(&service, NULL) && psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

static void test_psk_handshake_crosses_at_most_20_times(void **state)
{
    psa_key_id_t psk = provision(3);
    uint8_t got[16];
    uint64_t before;

    (void)state;
    client.side = (side){ .in = &to_client, .out = &to_server };
    server.side = (side){ .in = &to_server, .out = &to_client };
    mbedtls_ssl_cookie_init(&cookies);
    assert_int_equal(mbedtls_ssl_cookie_setup(&cookies, random_bytes, NULL), 0);
    prepare(&client, MBEDTLS_SSL_IS_CLIENT, psk);
    prepare(&server, MBEDTLS_SSL_IS_SERVER, psk);
    assert_in_range(shake_hands(), 1, 20);

    before = tsr_gate_crossings();
    assert_int_equal(mbedtls_ssl_write(&client.ssl, (const uint8_t *)"ping", 4), 4);
    assert_int_equal(tsr_gate_crossings() - before, 1);
    assert_int_equal(mbedtls_ssl_read(&server.ssl, got, sizeof got), 4);
    assert_memory_equal(got, "ping", 4);
    assert_int_equal(mbedtls_ssl_write(&server.ssl, (const uint8_t *)"pong", 4), 4);
    before = tsr_gate_crossings();
    assert_int_equal(mbedtls_ssl_read(&client.ssl, got, sizeof got), 4);
    assert_memory_equal(got, "pong", 4);
    assert_int_equal(tsr_gate_crossings() - before, 1);

    mbedtls_ssl_free(&client.ssl);
    mbedtls_ssl_free(&server.ssl);
    mbedtls_ssl_config_free(&client.config);
    mbedtls_ssl_config_free(&server.config);
    mbedtls_ssl_cookie_free(&cookies);
    assert_int_equal(secured_figure(&service, "keys="), 0);
    assert_int_equal(secured_figure(&service, "operations="), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psk_handshake_crosses_at_most_20_times),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
