/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a web client believes (tessera/net/web.h), against a server of Mbed TLS that asks for no
 * certificate. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <psa/crypto.h>

#include "tessera/net/dtls_impl.h"
#include "tessera/net/tls.h"
#include "tessera/net/web.h"
#include "tests/net/world.h"

enum { EARLY_S = 1795000000 /* 2026-11-18: days before the certificates begin */, VALID_S = 1900000000 };

static struct {
    mbedtls_ssl_context far;
    mbedtls_ssl_config far_config;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    tsr_dtls_config config;
    tsr_tls near;
    uint8_t up[8192], down[8192];
    size_t up_len, down_len;
    bool far_done;
} t;

static tsr_bytes anchors[1];

static int far_send(void *user, const unsigned char *bytes, size_t len)
{
    (void)user;
    assert_true(len <= sizeof t.down - t.down_len);
    memcpy(t.down + t.down_len, bytes, len);
    t.down_len += len;
    return (int)len;
}

static int far_receive(void *user, unsigned char *out, size_t cap)
{
    size_t n = t.up_len < cap ? t.up_len : cap;

    (void)user;
    if (n == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(out, t.up, n);
    t.up_len -= n;
    memmove(t.up, t.up + n, t.up_len);
    return (int)n;
}

static int far_random(void *user, unsigned char *out, size_t len)
{
    (void)user;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

static void add(const char *file)
{
    tsr_bytes der = world_file(file);

    assert_int_equal(mbedtls_x509_crt_parse_der(&t.chain, der.ptr, der.len), 0);
}

/* The server shows `own`, and its CA too if there is one. */
static void far_begin(const char *own, const char *key, const char *ca)
{
    memset(&t, 0, sizeof t);
    mbedtls_ssl_init(&t.far);
    mbedtls_ssl_config_init(&t.far_config);
    mbedtls_x509_crt_init(&t.chain);
    mbedtls_pk_init(&t.key);
    add(own);
    if (ca != NULL)
        add(ca);
    assert_int_equal(mbedtls_pk_setup_opaque(&t.key, world_ec_key(key)), 0);
    assert_int_equal(mbedtls_ssl_config_defaults(&t.far_config, MBEDTLS_SSL_IS_SERVER,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT), 0);
    mbedtls_ssl_conf_rng(&t.far_config, far_random, NULL);
    assert_int_equal(mbedtls_ssl_conf_own_cert(&t.far_config, &t.chain, &t.key), 0);
    assert_int_equal(mbedtls_ssl_setup(&t.far, &t.far_config), 0);
    mbedtls_ssl_set_bio(&t.far, NULL, far_send, far_receive, NULL);
}

static void end(void)
{
    tsr_tls_free(&t.near);
    tsr_dtls_config_free(&t.config);
    mbedtls_ssl_free(&t.far);
    mbedtls_ssl_config_free(&t.far_config);
    mbedtls_x509_crt_free(&t.chain);
    mbedtls_pk_free(&t.key);
}

static bool near_step(uint8_t *plain, size_t cap)
{
    tsr_buf out = tsr_buf_over(t.up + t.up_len, sizeof t.up - t.up_len), got = tsr_buf_over(plain, cap);
    tsr_bytes in = tsr_view(t.down, t.down_len);
    size_t before = t.down_len;

    (void)tsr_tls_poll(&t.near, &out, 0);
    t.up_len += out.len;
    (void)tsr_tls_take(&t.near, &in, &got, 0);
    memmove(t.down, t.down + t.down_len - in.len, in.len);
    t.down_len = in.len;
    return out.len != 0 || t.down_len != before;
}

static void run(tsr_web *w)
{
    uint8_t plain[64];

    assert_int_equal(tsr_web_config(&t.config, w), TSR_OK);
    assert_int_equal(tsr_tls_begin(&t.near, &t.config, 0), TSR_OK);
    for (int n = 0; n < 100 && (near_step(plain, sizeof plain) || t.up_len != 0); n++)
        if (!t.far_done)
            t.far_done = mbedtls_ssl_handshake(&t.far) == 0;
}

/* NULL: it is believed. */
static void expect(tsr_web w, const char *ca, const char *cause)
{
    far_begin("server.der", "server.key", ca);
    run(&w);
    assert_int_equal(tsr_tls_connected(&t.near), cause == NULL);
    assert_int_equal(t.far_done, cause == NULL);
    if (cause == NULL) {
        assert_null(tsr_web_cause(&w));
        assert_string_equal(tsr_tls_protocol(&t.near) == NULL ? "" : tsr_tls_protocol(&t.near), "");
    } else {
        assert_int_equal(tsr_tls_reason(&t.near), TSR_DTLS_R_CERTIFICATE);
        assert_non_null(strstr(tsr_web_cause(&w), cause));
    }
    end();
}

static tsr_web by_anchor(const char *name)
{
    anchors[0] = world_file("ca.der");
    return (tsr_web){ .anchors = anchors, .anchor_count = 1, .name = name, .unix_s = VALID_S };
}

static tsr_web_hash hash_of(const char *file, psa_algorithm_t alg, tsr_dtls_pin_type type)
{
    static uint8_t room[4][64];
    static size_t next;
    uint8_t *out = room[next++ % 4];
    tsr_bytes der = world_file(file);
    size_t len;

    assert_int_equal(psa_hash_compute(alg, der.ptr, der.len, out, 64, &len), PSA_SUCCESS);
    return (tsr_web_hash){ type, tsr_view(out, len) };
}

static tsr_web_hash sha256(const char *file)
{
    return hash_of(file, PSA_ALG_SHA_256, TSR_DTLS_PIN_SHA256);
}

/* RFC 9110 §4.3.4 */
static void test_web_goes_by_anchor_and_name(void **state)
{
    tsr_web w = by_anchor("server.example");

    (void)state;
    expect(w, NULL, NULL);
    w.name = "other.example";
    expect(w, NULL, "another name");
    w.name = NULL;
    w.address = tsr_view((const uint8_t *)"\x7f\0\0\1", 4);
    expect(w, NULL, "another name");
    anchors[0] = world_file("other.der");
    w = (tsr_web){ .anchors = anchors, .anchor_count = 1, .name = "server.example" };
    expect(w, NULL, "no CA that is trusted");
    expect(w, "ca.der", "no CA that is trusted");
}

/* RFC 5280 §4.1.2.5. Without a time nothing can be said. */
static void test_web_goes_by_the_time_that_it_is_told(void **state)
{
    tsr_web w = by_anchor("server.example");

    (void)state;
    w.unix_s = 0;
    expect(w, NULL, NULL);
    w.unix_s = EARLY_S;
    expect(w, NULL, "not valid yet");
    w.unix_s = 4128000000; /* 2100-10-23; the last second of both is 4128156358 */
    expect(w, NULL, NULL);
    w.unix_s = 4128156358;
    expect(w, NULL, NULL);
    w.unix_s++;
    expect(w, NULL, "expired");
}

static void test_web_goes_by_the_hash_of_the_server(void **state)
{
    tsr_web w = { .server = sha256("server.der"), .name = "any.example", .unix_s = 1 };

    (void)state;
    expect(w, NULL, NULL);
    w.server = hash_of("server.der", PSA_ALG_SHA_384, TSR_DTLS_PIN_SHA384);
    expect(w, NULL, NULL);
    w.server.value.len--;
    expect(w, NULL, "another hash");
    w.server = sha256("ca.der"); /* that of the CA is not its own */
    expect(w, "ca.der", "another hash");
}

static void test_web_goes_by_the_hash_of_a_ca(void **state)
{
    tsr_web w = { .ca = sha256("ca.der"), .name = "server.example", .unix_s = VALID_S };

    (void)state;
    expect(w, "ca.der", NULL);
    expect(w, NULL, "another hash"); /* nobody shows that CA */
    w.ca = sha256("other.der");
    expect(w, "ca.der", "another hash");
    expect(w, "other.der", "another hash"); /* shown, but it signed nothing here */
    w.ca = sha256("ca.der");
    w.name = "other.example";
    expect(w, "ca.der", "another name");
    w.name = "server.example";
    w.unix_s = EARLY_S;
    expect(w, "ca.der", "not valid yet");
    w.unix_s = VALID_S;
    w.server = sha256("server.der");
    expect(w, "ca.der", NULL);
    w.server = sha256("device.der");
    expect(w, "ca.der", "another hash");
    w.server = sha256("server.der");
    w.ca = sha256("device.der");
    expect(w, "ca.der", "another hash");
}

/* A certificate that signed itself is its own CA. */
static void test_web_takes_self_signed_by_hash_alone(void **state)
{
    tsr_web w = { .ca = sha256("other.der"), .name = "server.example" };

    (void)state;
    far_begin("other.der", "other.key", NULL);
    run(&w);
    assert_true(tsr_tls_connected(&t.near));
    end();
    w = by_anchor("server.example");
    far_begin("other.der", "other.key", NULL);
    run(&w);
    assert_false(tsr_tls_connected(&t.near));
    assert_int_equal(tsr_tls_alert(&t.near), MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
    end();
}

static void test_web_takes_anyone_when_told_so(void **state)
{
    tsr_web w = { .anyone = true, .name = "other.example", .unix_s = EARLY_S };

    (void)state;
    expect(w, NULL, NULL);
}

static void test_web_refuses_unsound_trust(void **state)
{
    static const tsr_bytes junk[1] = { { (const uint8_t *)"junk", 4 } };
    tsr_dtls_config config;
    tsr_web w = { .name = "a" };

    (void)state;
    assert_int_equal(tsr_web_config(&config, &w), TSR_E_ARGUMENT);
    w = by_anchor("a");
    w.anyone = true;
    assert_int_equal(tsr_web_config(&config, &w), TSR_E_ARGUMENT);
    w = by_anchor("a");
    w.address = tsr_text("12345");
    assert_int_equal(tsr_web_config(&config, &w), TSR_E_ARGUMENT);
    w = (tsr_web){ .anchors = junk, .anchor_count = 1 };
    assert_int_equal(tsr_web_config(&config, &w), TSR_E_MALFORMED);
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
        cmocka_unit_test(test_web_goes_by_anchor_and_name),
        cmocka_unit_test(test_web_goes_by_the_time_that_it_is_told),
        cmocka_unit_test(test_web_goes_by_the_hash_of_the_server),
        cmocka_unit_test(test_web_goes_by_the_hash_of_a_ca),
        cmocka_unit_test(test_web_takes_self_signed_by_hash_alone),
        cmocka_unit_test(test_web_takes_anyone_when_told_so),
        cmocka_unit_test(test_web_refuses_unsound_trust),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
