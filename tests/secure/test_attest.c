/* SPDX-License-Identifier: Apache-2.0
 *
 * The attestation service in one process with the core: keys, settings, lifecycle, sizes. Built
 * once for each profile; what differs is looked up in the profile's own table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "secure/attest/claims.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"
#include "tests/secure/core.h"
#include "tests/secure/flash_sim.h"

static sim flash;
static tsr_lifecycle life;
static tsr_boot_record boot;
static tsr_attest attest;
static const uint8_t some[64] = { 7, 7, 7 };
static const tsr_bytes none = { NULL, 0 };

static void power_on(void)
{
    assert_int_equal(core_open(&flash.flash), TSR_OK);
    assert_int_equal(tsr_lifecycle_open(&life, &core_here()->its), PSA_SUCCESS);
    boot = (tsr_boot_record){ .seed = { some, 32 }, .count = 1 };
    boot.component[0] = (tsr_boot_component){ .type = tsr_text("PRoT"),
                                              .measurement = { some, 32 },
                                              .signer = { some + 1, 32 } };
    attest = (tsr_attest){ .its = &core_here()->its, .boot = &boot, .lifecycle = &life };
}

static int fresh(void **state)
{
    (void)state;
    sim_open(&flash, 32 * 4096, 4096, 8, true, 1);
    power_on();
    return 0;
}

static int gone(void **state)
{
    (void)state;
    core_close();
    sim_close(&flash);
    return 0;
}

typedef struct {
    uint8_t room[PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE];
    tsr_cose_message m;
} token;

/* A token whose signature was checked with the key that the service names. */
static void make_token(token *t, int32_t client, size_t challenge_size)
{
    tsr_buf out = tsr_buf_over(t->room, sizeof t->room);
    mbedtls_svc_key_id_t key;
    size_t size;

    assert_int_equal(tsr_attest_token_size(&attest, client, challenge_size, &size), PSA_SUCCESS);
    assert_int_equal(tsr_attest_token(&attest, client, tsr_view(some, challenge_size), &out),
                     PSA_SUCCESS);
    assert_int_equal(out.len, size);
    assert_int_equal(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_SIGN1, &t->m), TSR_OK);
    assert_int_equal(tsr_cose_point_import(tsr_view(attest.point, 65), TSR_COSE_ES256, &key),
                     TSR_OK);
    assert_int_equal(tsr_cose_sign1_verify(&t->m, key, none, none), TSR_OK);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static bool has(const token *t, tsr_claim claim, tsr_bytes *value)
{
    return tsr_cose_find(t->m.payload, tsr_attest_profile_here.label[claim], value) == TSR_OK;
}

static int64_t number(const token *t, tsr_claim claim)
{
    tsr_bytes value;
    int64_t n = 0;

    assert_true(has(t, claim, &value));
    assert_int_equal(tsr_cbor_get_int(&value, &n), TSR_OK);
    return n;
}

static void test_fresh_device_makes_its_key_once(void **state)
{
    static token t;
    uint8_t instance[33];

    (void)state;
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    assert_false(attest.has_key);
    make_token(&t, -1, 32);
    memcpy(instance, attest.instance, sizeof instance);
    core_close();
    power_on();
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    assert_true(attest.has_key);
    assert_memory_equal(attest.instance, instance, sizeof instance);
    make_token(&t, -1, 32);
}

static void test_key_cannot_be_exported_or_used_otherwise(void **state)
{
    mbedtls_svc_key_id_t id = mbedtls_svc_key_id_make(TSR_ITS_ATTEST, TSR_ATTEST_KEY_ID);
    uint8_t room[64];
    size_t len;

    (void)state;
    assert_int_equal(tsr_attest_make_key(), PSA_SUCCESS);
    assert_int_equal(tsr_attest_make_key(), PSA_ERROR_ALREADY_EXISTS);
    assert_int_equal(psa_export_key(id, room, sizeof room, &len), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_raw_key_agreement(PSA_ALG_ECDH, id, some, 65, room, sizeof room, &len),
                     PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), some, 32, some, 64),
                     PSA_ERROR_NOT_PERMITTED);
}

/* The P-256 test key of RFC 9500 §2.3. */
static void test_factory_key_is_taken(void **state)
{
    static const uint8_t key[32] = { 0xe6, 0xcb, 0x5b, 0xdd, 0x80, 0xaa, 0x45, 0xae,
                                     0x9c, 0x95, 0xe8, 0xc1, 0x54, 0x76, 0x67, 0x9f,
                                     0xfe, 0xc9, 0x53, 0xc1, 0x68, 0x51, 0xe7, 0x11,
                                     0xe7, 0x43, 0x93, 0x95, 0x89, 0xc6, 0x4f, 0xc1 };
    static const uint8_t x[] = { 0x42, 0x25, 0x48, 0xf8, 0x8f, 0xb7, 0x82, 0xff };
    static token t;

    (void)state;
    assert_int_equal(tsr_attest_import_key(key, 31), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_attest_import_key(key, 32), PSA_SUCCESS);
    assert_int_equal(tsr_attest_import_key(key, 32), PSA_ERROR_ALREADY_EXISTS);
    assert_int_equal(tsr_lifecycle_advance(&life, TSR_LIFECYCLE_SECURED), PSA_SUCCESS);
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    assert_memory_equal(attest.point + 1, x, sizeof x);
    make_token(&t, -1, 64);
    assert_int_equal(number(&t, TSR_CLAIM_LIFECYCLE), 0x3000);
}

static void test_secured_device_makes_no_key(void **state)
{
    static token t;
    tsr_buf out = tsr_buf_over(t.room, sizeof t.room);
    size_t size = 7;

    (void)state;
    assert_int_equal(tsr_lifecycle_advance(&life, TSR_LIFECYCLE_SECURED), PSA_SUCCESS);
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    assert_int_equal(tsr_attest_key(&attest), PSA_ERROR_SERVICE_FAILURE);
    assert_int_equal(tsr_attest_token(&attest, -1, tsr_view(some, 32), &out),
                     PSA_ERROR_SERVICE_FAILURE);
    assert_int_equal(tsr_attest_token_size(&attest, -1, 32, &size), PSA_ERROR_SERVICE_FAILURE);
    assert_int_equal(size, 0);
    assert_int_equal(out.len, 0);
}

/* RFC 9783 §4.3.1: every state that gives tokens says itself in them; the others give none. */
static void test_token_says_the_state(void **state)
{
    static const tsr_lifecycle_state states[] = {
        TSR_LIFECYCLE_PSA_ROT_PROVISIONING, TSR_LIFECYCLE_SECURED,
        TSR_LIFECYCLE_NON_PSA_ROT_DEBUG,    TSR_LIFECYCLE_RECOVERABLE_PSA_ROT_DEBUG,
        TSR_LIFECYCLE_DECOMMISSIONED,
    };
    static token t;
    tsr_buf out = tsr_buf_over(t.room, sizeof t.room);

    (void)state;
    assert_int_equal(tsr_attest_make_key(), PSA_SUCCESS);
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (i > 0)
            assert_int_equal(tsr_lifecycle_advance(&life, states[i]), PSA_SUCCESS);
        if (tsr_lifecycle_allows(states[i], TSR_ALLOW_ATTEST)) {
            make_token(&t, -1, 32);
            assert_int_equal(number(&t, TSR_CLAIM_LIFECYCLE), states[i]);
        } else {
            assert_true(i > 2);
            assert_int_equal(tsr_attest_token(&attest, -1, tsr_view(some, 32), &out),
                             PSA_ERROR_SERVICE_FAILURE);
        }
    }
}

/* Somebody put another key under our number while the store was open to them. */
static void test_key_of_another_kind_is_not_taken(void **state)
{
    static const struct {
        psa_key_type_t type;
        size_t bits;
        psa_algorithm_t alg;
        psa_key_usage_t usage;
    } cases[] = {
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256, PSA_ALG_ECDSA(PSA_ALG_SHA_256),
          PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT },
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256, PSA_ALG_ECDSA(PSA_ALG_SHA_256),
          PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_COPY },
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH),
          PSA_KEY_USAGE_SIGN_HASH },
#if defined(PSA_WANT_ECC_SECP_R1_384) /* a small core makes no such key */
        { PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 384, PSA_ALG_ECDSA(PSA_ALG_SHA_384),
          PSA_KEY_USAGE_SIGN_HASH },
#endif
        { PSA_KEY_TYPE_HMAC, 256, PSA_ALG_HMAC(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_MESSAGE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
        mbedtls_svc_key_id_t id = mbedtls_svc_key_id_make(TSR_ITS_ATTEST, TSR_ATTEST_KEY_ID);

        psa_set_key_type(&a, cases[i].type);
        psa_set_key_bits(&a, cases[i].bits);
        psa_set_key_algorithm(&a, cases[i].alg);
        psa_set_key_usage_flags(&a, cases[i].usage);
        psa_set_key_lifetime(&a, PSA_KEY_LIFETIME_PERSISTENT);
        psa_set_key_id(&a, id);
        assert_int_equal(psa_generate_key(&a, &id), PSA_SUCCESS);
        assert_int_equal(tsr_attest_open(&attest), PSA_ERROR_DATA_INVALID);
        assert_false(attest.has_key);
        assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    }
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
}

static tsr_attest_settings full_settings(void)
{
    tsr_attest_settings s = { .certification_len = 19, .verification_len = 24 };

    memset(s.implementation, 0xab, sizeof s.implementation);
    memcpy(s.certification, "0604565272829-10010", 19);
    memcpy(s.verification, "https://verifier.example", 24);
    return s;
}

static void test_settings_become_claims(void **state)
{
    tsr_attest_settings s = full_settings();
    static token t;
    tsr_bytes value, text;

    (void)state;
    assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s), PSA_SUCCESS);
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    assert_true(attest.settings.provisioned);
    make_token(&t, -1, 32);
    assert_true(has(&t, TSR_CLAIM_IMPLEMENTATION, &value));
    assert_int_equal(tsr_cbor_get_bytes(&value, &text), TSR_OK);
    assert_true(tsr_same(text, tsr_view(s.implementation, 32)));
    assert_true(has(&t, TSR_CLAIM_CERTIFICATION, &value));
    assert_int_equal(tsr_cbor_get_text(&value, &text), TSR_OK);
    assert_int_equal(text.len, tsr_attest_profile_here.certification_len);
    assert_memory_equal(text.ptr, "0604565272829-10010", text.len);
    assert_true(has(&t, TSR_CLAIM_VERIFICATION, &value));
    assert_true(has(&t, TSR_CLAIM_PROFILE, &value));
    assert_int_equal(tsr_cbor_get_text(&value, &text), TSR_OK);
    assert_true(tsr_same(text, tsr_text(tsr_attest_profile_here.name)));
}

static void test_settings_of_a_wrong_form_are_refused(void **state)
{
    static const char *const bad[] = { "0604565272829-1001x", "060456527282x-10010",
                                       "0604565272829_10010" };
    static const size_t lengths[] = { 0, 1, 31, 33, 32 };
    tsr_attest_settings s;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        s = full_settings();
        memcpy(s.certification, bad[i], 19);
        assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s),
                         PSA_ERROR_INVALID_ARGUMENT);
        assert_int_equal(tsr_its_set(&core_here()->its, TSR_ITS_ATTEST,
                                     TSR_ATTEST_UID_CERTIFICATION, 19, bad[i], 0),
                         PSA_SUCCESS);
        assert_int_equal(tsr_attest_open(&attest), PSA_ERROR_DATA_INVALID);
    }
    s = full_settings();
    s.certification_len = 18;
    assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s), PSA_ERROR_INVALID_ARGUMENT);
    s = full_settings();
    s.verification[3] = '\n';
    assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(
        tsr_its_remove(&core_here()->its, TSR_ITS_ATTEST, TSR_ATTEST_UID_CERTIFICATION),
        PSA_SUCCESS);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t id[33] = { 0 };

        assert_int_equal(tsr_its_set(&core_here()->its, TSR_ITS_ATTEST,
                                     TSR_ATTEST_UID_IMPLEMENTATION, lengths[i], id, 0),
                         PSA_SUCCESS);
        assert_int_equal(tsr_attest_open(&attest),
                         lengths[i] == 32 ? PSA_SUCCESS : PSA_ERROR_DATA_INVALID);
    }
}

/* Once secured, what the factory said stays said. */
static void test_settings_are_fixed_when_secured(void **state)
{
    tsr_attest_settings s = full_settings();

    (void)state;
    assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s), PSA_SUCCESS);
    s.implementation[0] = 1;
    assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s), PSA_SUCCESS);
    assert_int_equal(tsr_lifecycle_advance(&life, TSR_LIFECYCLE_SECURED), PSA_SUCCESS);
    s.implementation[0] = 2;
    assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    assert_int_equal(attest.settings.implementation[0], 1);
}

static void test_size_is_exact_for_every_client_and_room(void **state)
{
    static const int32_t clients[] = { -1, -24, -25, -256, -257, -65536, -65537, INT32_MIN,
                                       1,  23,  24,  255,  256,  65535,  65536,  INT32_MAX };
    static token t;
    size_t size, refused = 0;

    (void)state;
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        make_token(&t, clients[i], 32 + 16 * (i % 3));
        assert_int_equal(number(&t, TSR_CLAIM_CLIENT), clients[i]);
    }
    assert_int_equal(tsr_attest_token_size(&attest, -1, 32, &size), PSA_SUCCESS);
    for (size_t cap = 0; cap < size; cap++, refused++) {
        tsr_buf out = tsr_buf_over(t.room, cap);

        assert_int_equal(tsr_attest_token(&attest, -1, tsr_view(some, 32), &out),
                         cap == 0 ? PSA_ERROR_INVALID_ARGUMENT : PSA_ERROR_BUFFER_TOO_SMALL);
        assert_int_equal(out.len, 0);
    }
    assert_int_equal(tsr_attest_token_size(&attest, 0, 32, &size), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_attest_token_size(&attest, -1, 33, &size), PSA_ERROR_INVALID_ARGUMENT);
    print_message("%zu rooms too small, each refused\n", refused);
}

static void test_longest_token_keeps_the_promise(void **state)
{
    static char text[TSR_BOOT_TEXT_MAX];
    tsr_attest_settings s = full_settings();
    static token t;

    (void)state;
    memset(text, 'x', sizeof text);
    memset(s.verification, 'v', sizeof s.verification);
    s.verification_len = sizeof s.verification;
    assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s), PSA_SUCCESS);
    boot.count = TSR_BOOT_COMPONENTS;
    for (size_t i = 0; i < boot.count; i++)
        boot.component[i] = (tsr_boot_component){ .type = tsr_view(text, sizeof text),
                                                  .measurement = tsr_view(some, 64),
                                                  .version = tsr_view(text, sizeof text),
                                                  .signer = tsr_view(some, 64),
                                                  .description = tsr_view(text, sizeof text) };
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    make_token(&t, INT32_MIN, 64); /* its room is PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE */
}

/* RFC 9783 §4.4.1: at least one component. */
static void test_service_needs_a_boot_record(void **state)
{
    (void)state;
    boot.count = 0;
    assert_int_equal(tsr_attest_open(&attest), PSA_ERROR_INVALID_ARGUMENT);
    attest.boot = NULL;
    assert_int_equal(tsr_attest_open(&attest), PSA_ERROR_INVALID_ARGUMENT);
}

/* RFC 8949 §4.2.1: the labels of either profile stand in the order of their encoding. */
static void test_claims_are_in_deterministic_order(void **state)
{
    tsr_attest_settings s = full_settings();
    static token t;
    uint8_t before[9] = { 0 }, at[9];
    uint64_t pairs;
    tsr_bytes in;

    (void)state;
    assert_int_equal(tsr_attest_settings_store(&core_here()->its, &s), PSA_SUCCESS);
    assert_int_equal(tsr_attest_open(&attest), PSA_SUCCESS);
    make_token(&t, -1, 32);
    in = t.m.payload;
    assert_int_equal(tsr_cbor_get_map(&in, &pairs), TSR_OK);
    assert_int_equal(pairs, TSR_CLAIMS);
    for (; pairs > 0; pairs--) {
        tsr_bytes label = in;

        assert_int_equal(tsr_cbor_skip(&in), TSR_OK);
        memset(at, 0, sizeof at);
        memcpy(at, label.ptr, label.len - in.len);
        assert_true(memcmp(at, before, sizeof at) > 0);
        memcpy(before, at, sizeof at);
        assert_int_equal(tsr_cbor_skip(&in), TSR_OK);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fresh_device_makes_its_key_once),
        TEST(test_key_cannot_be_exported_or_used_otherwise),
        TEST(test_factory_key_is_taken),
        TEST(test_secured_device_makes_no_key),
        TEST(test_token_says_the_state),
        TEST(test_key_of_another_kind_is_not_taken),
        TEST(test_settings_become_claims),
        TEST(test_settings_of_a_wrong_form_are_refused),
        TEST(test_settings_are_fixed_when_secured),
        TEST(test_size_is_exact_for_every_client_and_room),
        TEST(test_longest_token_keeps_the_promise),
        TEST(test_service_needs_a_boot_record),
        TEST(test_claims_are_in_deterministic_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
