/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.csr with an authority, and accounts that are handed over with and without it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mbedtls/x509_csr.h"
#include "ports/linux/fdo/handover.h"
#include "ports/linux/host/log.h"
#include "psa/crypto.h"
#include "tessera/base/hex.h"
#include "tessera/json/base64.h"
#include "tessera/net/certs_only.h"
#include "tests/fdohost/owner.h"
#include "tests/net/issuer.h"

static mbedtls_pk_context ca, other;
static uint8_t ca_der[ISSUER_DER];
static size_t ca_len;
static tsr_info_csr csr;
static tsr_info_lwm2m lwm2m;

static int make(void **state)
{
    (void)state;
    if (psa_crypto_init() != PSA_SUCCESS)
        return -1;
    tsr_host_log_level(TSR_LOG_ERROR);
    issuer_pk(&ca, issuer_key());
    issuer_pk(&other, issuer_key());
    ca_len = issuer_sign(&ca, "CN=authority", &ca, true, ca_der);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    mbedtls_pk_free(&ca);
    mbedtls_pk_free(&other);
    return 0;
}

static tsr_err payload(const tsr_info *i, const char *message, tsr_bytes der)
{
    char room[3000];
    tsr_buf out = tsr_buf_over(room, sizeof room - 1);

    tsr_base64_put(&out, der);
    room[out.len] = '\0';
    uint8_t cbor[3100];
    tsr_buf b = tsr_buf_over(cbor, sizeof cbor);
    tsr_cbor_put_text(&b, tsr_buf_view(&out));
    return put(i, message, &b);
}

/* The device asks for the authority, and is told. */
static void begin(tsr_info *i)
{
    uint8_t room[64], bag_room[1200];
    tsr_buf value = tsr_buf_over(room, sizeof room), bag = tsr_buf_over(bag_room, sizeof bag_room);
    tsr_bytes in, der = tsr_view(ca_der, ca_len);
    const char *message;
    uint64_t format;

    tsr_info_csr_init(&csr, 0, "lamp", i);
    assert_int_equal(i->begin(i->self), TSR_OK);
    assert_int_equal(next(i, &message, &value), TSR_OK);
    assert_string_equal(message, "cacerts-req");
    in = tsr_buf_view(&value);
    assert_int_equal(tsr_cbor_get_uint(&in, &format), TSR_OK);
    assert_int_equal(format, 281);
    assert_int_equal(next(i, &message, &value), TSR_END);
    tsr_certs_only_put(&bag, &der, 1);
    assert_int_equal(payload(i, "cacerts-res", tsr_buf_view(&bag)), TSR_OK);
}

/* Its request, and the certificate that an authority makes of it. */
static size_t issue(const tsr_info *i, mbedtls_pk_context *by, bool for_other, uint8_t leaf[ISSUER_DER])
{
    uint8_t room[1300], der[1000];
    tsr_buf value = tsr_buf_over(room, sizeof room), out = tsr_buf_over(der, sizeof der);
    tsr_bytes in, text;
    mbedtls_x509_csr request;
    const char *message;
    char name[64];
    size_t len;

    assert_int_equal(next(i, &message, &value), TSR_OK);
    assert_string_equal(message, "simpleenroll-req");
    in = tsr_buf_view(&value);
    assert_int_equal(tsr_cbor_get_text(&in, &text), TSR_OK);
    assert_int_equal(tsr_base64_get(text, &out), TSR_OK);
    mbedtls_x509_csr_init(&request);
    assert_int_equal(mbedtls_x509_csr_parse_der(&request, der, out.len), 0);
    assert_true(mbedtls_x509_dn_gets(name, sizeof name, &request.subject) > 0);
    assert_string_equal(name, "CN=lamp");
    len = issuer_sign(for_other ? &other : &request.pk, "CN=lamp", by, false, leaf);
    mbedtls_x509_csr_free(&request);
    return len;
}

static void test_csr_enrols(void **state)
{
    uint8_t leaf[ISSUER_DER];
    const char *message;
    tsr_buf none = { 0 };
    tsr_info i;
    size_t len;

    (void)state;
    begin(&i);
    len = issue(&i, &ca, false, leaf);
    assert_int_equal(payload(&i, "simpleenroll-res", tsr_view(leaf, len)), TSR_OK);
    assert_true(tsr_same(csr.certificate, tsr_view(leaf, len)));
    assert_true(tsr_same(csr.authorities, tsr_view(ca_der, ca_len)));
    assert_int_equal(next(&i, &message, &none), TSR_END);
    assert_int_equal(payload(&i, "simpleenroll-res", tsr_view(leaf, len)), TSR_E_STATE);
    i.drop(i.self);
    assert_int_equal(csr.certificate.len, 0);
    assert_int_equal(i.begin(i.self), TSR_OK); /* another try, with another key */
    assert_int_equal(next(&i, &message, &(tsr_buf){ .ptr = leaf, .cap = sizeof leaf }), TSR_OK);
    i.drop(i.self);
}

static void test_csr_refuses_what_is_not_its_own(void **state)
{
    uint8_t leaf[ISSUER_DER];
    tsr_info i;
    size_t len;

    (void)state;
    begin(&i);
    len = issue(&i, &ca, true, leaf);
    assert_int_equal(payload(&i, "simpleenroll-res", tsr_view(leaf, len)), TSR_E_DENIED);
    i.drop(i.self);
    begin(&i);
    len = issue(&i, &other, false, leaf);
    assert_int_equal(payload(&i, "simpleenroll-res", tsr_view(leaf, len)), TSR_E_CRYPTO);
    i.drop(i.self);
    begin(&i);
    (void)issue(&i, &ca, false, leaf);
    assert_int_equal(payload(&i, "simpleenroll-res", tsr_text("no certificate")), TSR_E_MALFORMED);
    assert_int_equal(text(&i, "simpleenroll-res", "not base64!"), TSR_E_MALFORMED);
    assert_int_equal(number(&i, "error", 2), TSR_E_DENIED);
    assert_int_equal(number(&i, "other", 2), TSR_E_UNSUPPORTED);
    assert_int_equal(csr.certificate.len, 0);
    i.drop(i.self);
    tsr_info_csr_init(&csr, 0, "lamp", &i);
    assert_int_equal(payload(&i, "cacerts-res", tsr_text("x")), TSR_E_STATE); /* nobody asked */
}

/* ---- tessera.lwm2m ---- */

static const tsr_fdo_account psk = {
    .uri = { (const uint8_t *)"coaps://lwm2m.example", 21 }, .short_id = 7, .mode = 0, .usage = 255,
    .lifetime_s = 300, .identity = { (const uint8_t *)"lamp-1", 6 },
    .endpoint = { (const uint8_t *)"urn:dev:ops:1", 13 },
};

/* As an owner writes it: with the key. */
static tsr_err hand_over(const tsr_info *i, const tsr_fdo_account *a, const char *key)
{
    uint8_t room[3000];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_fdo_account_put(&out, a);
    if (key != NULL) {
        assert_true(room[0] >= 0xa0 && room[0] < 0xb7);
        room[0]++;
        tsr_cbor_put_int(&out, TSR_FDO_ACCOUNT_KEY);
        tsr_cbor_put_bytes(&out, tsr_text(key));
    }
    return put(i, "account", &out);
}

static void answers_one(const tsr_info *i, const char *error, uint64_t count)
{
    uint8_t room[200];
    tsr_buf value = tsr_buf_over(room, sizeof room);
    const char *message;
    tsr_bytes in, v;
    uint64_t n;

    assert_int_equal(next(i, &message, &value), TSR_OK);
    in = tsr_buf_view(&value);
    if (error != NULL) {
        assert_int_equal(tsr_cbor_get_text(&in, &v), TSR_OK);
        assert_true(tsr_same(v, tsr_text(error)));
        assert_string_equal(message, "error");
    } else {
        assert_int_equal(tsr_cbor_get_uint(&in, &n), TSR_OK);
        assert_int_equal(n, count);
        assert_string_equal(message, "done");
    }
}

static void answers(const tsr_info *i, const char *error, uint64_t count)
{
    uint8_t room[200];
    tsr_buf value = tsr_buf_over(room, sizeof room);
    const char *message;

    answers_one(i, error, count);
    assert_int_equal(next(i, &message, &value), TSR_END);
}

static void test_account_with_a_key(void **state)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    tsr_fdo_account got, boot = psk;
    tsr_bytes in;
    tsr_info i;

    (void)state;
    tsr_info_lwm2m_init(&lwm2m, NULL, 0, &i);
    assert_int_equal(hand_over(&i, &psk, "0123456789abcdef"), TSR_OK);
    answers(&i, NULL, 1);
    boot.bootstrap = true;
    boot.short_id = 0;
    assert_int_equal(hand_over(&i, &boot, "fedcba9876543210"), TSR_OK);
    answers(&i, NULL, 2);

    in = tsr_buf_view(&lwm2m.accounts);
    assert_int_equal(tsr_fdo_account_get(&in, &got), TSR_OK);
    assert_true(tsr_same(got.uri, psk.uri) && tsr_same(got.identity, psk.identity));
    assert_true(tsr_same(got.endpoint, psk.endpoint));
    assert_int_equal(got.short_id, 7);
    assert_int_equal(got.lifetime_s, 300);
    assert_int_equal(got.key.len, 0);
    assert_int_equal(psa_get_key_attributes(got.key_id, &attributes), PSA_SUCCESS);
    assert_int_equal(psa_get_key_usage_flags(&attributes), PSA_KEY_USAGE_DERIVE);
    assert_int_equal(tsr_fdo_account_get(&in, &got), TSR_OK);
    assert_true(got.bootstrap);
    assert_int_equal(in.len, 0);
    /* The key stands nowhere in what will be kept. */
    for (size_t at = 0; at + 16 <= lwm2m.accounts.len; at++)
        assert_memory_not_equal(lwm2m.accounts.ptr + at, "0123456789abcdef", 16);
    i.drop(i.self);
    assert_int_equal(lwm2m.accounts.len, 0);
}

static void test_account_with_the_enrolled_certificate(void **state)
{
    const tsr_fdo_account a = { .uri = tsr_text("coaps://lwm2m.example"), .short_id = 1, .mode = 2,
                                .usage = 255 };
    uint8_t leaf[ISSUER_DER];
    tsr_fdo_account got;
    tsr_bytes in;
    tsr_info enrol, i;
    size_t len;

    (void)state;
    begin(&enrol);
    len = issue(&enrol, &ca, false, leaf);
    tsr_info_lwm2m_init(&lwm2m, &csr, 0, &i);
    assert_int_equal(hand_over(&i, &a, NULL), TSR_OK);
    answers(&i, "no certificate with its key: neither handed over nor enrolled by fdo.csr", 0);
    assert_int_equal(payload(&enrol, "simpleenroll-res", tsr_view(leaf, len)), TSR_OK);
    assert_int_equal(hand_over(&i, &a, NULL), TSR_OK);
    answers(&i, NULL, 1);
    in = tsr_buf_view(&lwm2m.accounts);
    assert_int_equal(tsr_fdo_account_get(&in, &got), TSR_OK);
    assert_true(tsr_same(got.certificate, tsr_view(leaf, len)));
    assert_true(tsr_same(got.server_certificate, tsr_view(ca_der, ca_len)));
    assert_int_equal(got.usage, 2); /* the authority is the anchor */
    assert_int_equal(got.key_id, csr.key_id);
}

/* A server's certificate in blocks, ahead of the account. */
static void test_account_with_certificates_ahead(void **state)
{
    const tsr_fdo_account a = { .uri = tsr_text("coaps://lwm2m.example"), .short_id = 1, .mode = 2,
                                .usage = 255 };
    uint8_t leaf[ISSUER_DER];
    tsr_fdo_account got;
    tsr_bytes in;
    tsr_info enrol, i;
    size_t len;

    (void)state;
    begin(&enrol);
    len = issue(&enrol, &ca, false, leaf);
    assert_int_equal(payload(&enrol, "simpleenroll-res", tsr_view(leaf, len)), TSR_OK);
    tsr_info_lwm2m_init(&lwm2m, &csr, 0, &i);
    for (size_t at = 0; at < ca_len; at += 100)
        assert_int_equal(bytes(&i, "server-certificate", tsr_first(tsr_skip(tsr_view(ca_der, ca_len), at), 100)),
                         TSR_OK);
    assert_int_equal(hand_over(&i, &a, NULL), TSR_OK);
    answers(&i, NULL, 1);
    in = tsr_buf_view(&lwm2m.accounts);
    assert_int_equal(tsr_fdo_account_get(&in, &got), TSR_OK);
    assert_true(tsr_same(got.server_certificate, tsr_view(ca_der, ca_len)));
    assert_int_equal(got.usage, 3);
}

static void test_accounts_refused(void **state)
{
    tsr_fdo_account a = psk;
    uint8_t room[64];
    tsr_buf b = tsr_buf_over(room, sizeof room);
    tsr_info i;

    (void)state;
    tsr_info_lwm2m_init(&lwm2m, NULL, 0, &i);
    assert_int_equal(hand_over(&i, &psk, NULL), TSR_OK);
    answers(&i, "no key of 1 to 64 bytes", 0);
    a.uri = tsr_text("coap://lwm2m.example");
    assert_int_equal(hand_over(&i, &a, "0123456789abcdef"), TSR_OK);
    answers(&i, "the URI's scheme and the security disagree", 0);
    a.uri = tsr_text("http://lwm2m.example");
    assert_int_equal(hand_over(&i, &a, "0123456789abcdef"), TSR_OK);
    answers(&i, "no such URI", 0);
    a = psk;
    a.short_id = 0;
    assert_int_equal(hand_over(&i, &a, "0123456789abcdef"), TSR_OK);
    answers(&i, "no short id of 1 to 65534", 0);
    a = psk;
    a.identity.len = 0;
    assert_int_equal(hand_over(&i, &a, "0123456789abcdef"), TSR_OK);
    answers(&i, "no identity of 1 to 128 bytes", 0);
    a = psk;
    a.mode = 2;
    assert_int_equal(hand_over(&i, &a, "0123456789abcdef"), TSR_OK);
    answers(&i, "no such key", 0);
    a = psk;
    a.key_id = 2; /* another's */
    assert_int_equal(hand_over(&i, &a, NULL), TSR_OK);
    answers(&i, "no key of 1 to 64 bytes", 0);
    assert_int_equal(hand_over(&i, &psk, "0123456789abcdef"), TSR_OK);
    answers(&i, NULL, 1);
    assert_int_equal(hand_over(&i, &psk, "0123456789abcdef"), TSR_OK);
    answers(&i, "there is an account of that short id", 1);
    for (unsigned n = 1; n <= TSR_HANDOVER_ACCOUNTS; n++) {
        a = psk;
        a.short_id = (uint16_t)(100 + n);
        assert_int_equal(hand_over(&i, &a, "0123456789abcdef"), TSR_OK);
        answers(&i, n == TSR_HANDOVER_ACCOUNTS ? "too many accounts" : NULL, n + 1u);
    }
    assert_int_equal(text(&i, "account", "x"), TSR_E_MALFORMED);
    tsr_cbor_put_map(&b, 1);
    tsr_cbor_put_int(&b, TSR_FDO_ACCOUNT_SHORT_ID);
    tsr_cbor_put_uint(&b, 65535);
    assert_int_equal(put(&i, "account", &b), TSR_E_MALFORMED);
    assert_int_equal(text(&i, "other", "x"), TSR_E_UNSUPPORTED);
    assert_int_equal(text(&i, "certificate", "x"), TSR_E_MALFORMED);
}

/* Accounts in a row, as several in one message are: an answer for each, in their order. */
static void test_accounts_in_a_row(void **state)
{
    tsr_fdo_account a = psk;
    tsr_info i;

    (void)state;
    tsr_info_lwm2m_init(&lwm2m, NULL, 0, &i);
    assert_int_equal(hand_over(&i, &psk, NULL), TSR_OK);
    assert_int_equal(hand_over(&i, &psk, "0123456789abcdef"), TSR_OK);
    a.short_id = 8;
    assert_int_equal(hand_over(&i, &a, "0123456789abcdef"), TSR_OK);
    answers_one(&i, "no key of 1 to 64 bytes", 0);
    answers_one(&i, NULL, 1);
    answers(&i, NULL, 2);
    for (int n = 0; n < TSR_HANDOVER_ANSWERS; n++)
        assert_int_equal(hand_over(&i, &psk, NULL), TSR_OK);
    assert_int_equal(hand_over(&i, &psk, NULL), TSR_E_STATE);
    i.drop(i.self);
}

/* The example of docs/FDO.md. */
static void test_account_of_the_document(void **state)
{
    static const char hex[] = "a6017563" "6f6170733a2f2f6c776d326d2e6578616d706c65" "02010300"
                              "04466c616d702d31" "0550000102030405060708090a0b0c0d0e0f" "0919012c";
    uint8_t room[128];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_fdo_account a;
    tsr_bytes in;

    (void)state;
    assert_int_equal(tsr_hex_get(tsr_text(hex), &out), TSR_OK);
    in = tsr_buf_view(&out);
    assert_int_equal(tsr_fdo_account_get(&in, &a), TSR_OK);
    assert_int_equal(in.len, 0);
    assert_true(tsr_same(a.uri, tsr_text("coaps://lwm2m.example")));
    assert_true(tsr_same(a.identity, tsr_text("lamp-1")));
    assert_int_equal(a.key.len, 16);
    assert_int_equal(a.lifetime_s, 300);
    assert_int_equal(a.short_id, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csr_enrols),
        cmocka_unit_test(test_csr_refuses_what_is_not_its_own),
        cmocka_unit_test(test_account_with_a_key),
        cmocka_unit_test(test_account_with_the_enrolled_certificate),
        cmocka_unit_test(test_account_with_certificates_ahead),
        cmocka_unit_test(test_accounts_refused),
        cmocka_unit_test(test_accounts_in_a_row),
        cmocka_unit_test(test_account_of_the_document),
    };

    return cmocka_run_group_tests(tests, make, clean);
}
