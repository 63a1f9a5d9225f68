/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier against every way a token can be wrong. The tokens are put together here, claim by
 * claim, so that nothing of the device's own code decides what they look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/attest/report.h"
#include "server/attest/verify.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"
#include "tests/vectors.h"

#define CLAIMS 12

typedef struct {
    size_t count;
    struct {
        int64_t label;
        uint8_t value[256];
        size_t len;
    } claim[CLAIMS];
} claims;

static psa_key_id_t key, other_key;
static uint8_t point[65], other_point[65], instance[33];
static uint8_t nonce[32], implementation[32], measurement[32], signer[32];
static tsr_attest_reference reference;
static tsr_attest_trust trust;
static tsr_attest_report report;
static unsigned refused;

static psa_key_id_t make_key(uint8_t public_key[65])
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;
    size_t len;

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH);
    assert_int_equal(psa_generate_key(&a, &id), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(id, public_key, 65, &len), PSA_SUCCESS);
    return id;
}

static int set_up(void **state)
{
    (void)state;
    if (psa_crypto_init() != PSA_SUCCESS)
        return -1;
    key = make_key(point);
    other_key = make_key(other_point);
    if (tsr_attest_trust_add(&trust, tsr_view(point, 65)) != TSR_OK)
        return -1;
    memcpy(instance, trust.anchor[0].instance, sizeof instance);
    memset(nonce, 0x11, sizeof nonce);
    memset(implementation, 0x22, sizeof implementation);
    memset(measurement, 0x33, sizeof measurement);
    memset(signer, 0x44, sizeof signer);
    reference = (tsr_attest_reference){ .profiles = 1, .lifecycles = 1u << 3 };
    reference.implementations.count = 1;
    memcpy(reference.implementations.value[0].bytes, implementation, 32);
    reference.implementations.value[0].len = 32;
    reference.component_count = 1;
    memcpy(reference.component[0].type, "PRoT", 5);
    reference.component[0].measurements.count = 1;
    memcpy(reference.component[0].measurements.value[0].bytes, measurement, 32);
    reference.component[0].measurements.value[0].len = 32;
    reference.component[0].signers.count = 1;
    memcpy(reference.component[0].signers.value[0].bytes, signer, 32);
    reference.component[0].signers.value[0].len = 32;
    reference.component[0].versions.count = 1;
    memcpy(reference.component[0].versions.value[0], "1.0.0", 6);
    return 0;
}

/* A claim to be written by the caller. */
static tsr_buf open_claim(claims *c, int64_t label)
{
    c->claim[c->count].label = label;
    return tsr_buf_over(c->claim[c->count].value, sizeof c->claim[0].value);
}

static void close_claim(claims *c, const tsr_buf *out)
{
    assert_int_equal(out->err, TSR_OK);
    c->claim[c->count++].len = out->len;
}

static void add_bytes(claims *c, int64_t label, const uint8_t *data, size_t len)
{
    tsr_buf out = open_claim(c, label);

    tsr_cbor_put_bytes(&out, tsr_view(data, len));
    close_claim(c, &out);
}

static void add_text(claims *c, int64_t label, const char *text)
{
    tsr_buf out = open_claim(c, label);

    tsr_cbor_put_text(&out, tsr_text(text));
    close_claim(c, &out);
}

static void add_int(claims *c, int64_t label, int64_t v)
{
    tsr_buf out = open_claim(c, label);

    tsr_cbor_put_int(&out, v);
    close_claim(c, &out);
}

static void put_component(tsr_buf *out, const char *type, const char *version)
{
    tsr_cbor_put_map(out, 4);
    tsr_cbor_put_uint(out, 1);
    tsr_cbor_put_text(out, tsr_text(type));
    tsr_cbor_put_uint(out, 2);
    tsr_cbor_put_bytes(out, tsr_view(measurement, 32));
    tsr_cbor_put_uint(out, 4);
    tsr_cbor_put_text(out, tsr_text(version));
    tsr_cbor_put_uint(out, 5);
    tsr_cbor_put_bytes(out, tsr_view(signer, 32));
}

static void add_components(claims *c, int64_t label, size_t count, const char *second)
{
    tsr_buf out = open_claim(c, label);

    tsr_cbor_put_array(&out, count);
    for (size_t i = 0; i < count; i++)
        put_component(&out, i == 0 ? "PRoT" : second, "1.0.0");
    close_claim(c, &out);
}

/* A good token's claims, in the order of their labels; components come last but one. */
static claims good_claims(void)
{
    static const uint8_t seed[32] = { 9 };
    claims c = { .count = 0 };

    add_bytes(&c, 10, nonce, 32);
    add_bytes(&c, 256, instance, 33);
    add_text(&c, 265, "tag:psacertified.org,2023:psa#tfm");
    add_bytes(&c, 268, seed, 32);
    add_int(&c, 2394, -17);
    add_int(&c, 2395, 0x3000);
    add_bytes(&c, 2396, implementation, 32);
    add_text(&c, 2398, "0604565272829-10010");
    add_components(&c, 2399, 1, NULL);
    add_text(&c, 2400, "https://verifier.example");
    return c;
}

static tsr_bytes sign_with(const claims *c, psa_key_id_t with)
{
    static uint8_t payload[2048], token[2560];
    tsr_buf map = tsr_buf_over(payload, sizeof payload), out = tsr_buf_over(token, sizeof token);
    tsr_cose_params p = { .alg = TSR_COSE_ES256 };

    tsr_cbor_put_map(&map, c->count);
    for (size_t i = 0; i < c->count; i++) {
        tsr_cbor_put_int(&map, c->claim[i].label);
        tsr_put_bytes(&map, tsr_view(c->claim[i].value, c->claim[i].len));
    }
    assert_int_equal(map.err, TSR_OK);
    assert_int_equal(tsr_cose_sign1(&out, &p, with, tsr_buf_view(&map), tsr_view(NULL, 0)), TSR_OK);
    return tsr_buf_view(&out);
}

static bool verify(tsr_bytes token)
{
    assert_int_equal(tsr_attest_verify(token, tsr_view(nonce, 32), &reference, &trust, &report),
                     TSR_OK);
    assert_true(report.count > 0);
    return report.passed;
}

static bool failed_at(const char *claim)
{
    for (size_t i = 0; i < report.count; i++)
        if (report.check[i].verdict == TSR_ATTEST_FAIL && strcmp(report.check[i].claim, claim) == 0)
            return true;
    return false;
}

static unsigned failures(void)
{
    unsigned n = 0;

    for (size_t i = 0; i < report.count; i++)
        n += report.check[i].verdict == TSR_ATTEST_FAIL;
    return n;
}

/* Exactly this check fails, and no other. */
static void expect_refused(tsr_bytes token, const char *at)
{
    if (verify(token) || failures() != 1 || !failed_at(at)) {
        for (size_t i = 0; i < report.count; i++)
            print_message("%s %s: %s\n", tsr_attest_verdict_name(report.check[i].verdict),
                          report.check[i].claim, report.check[i].text);
        fail_msg("expected to be refused at %s alone", at);
    }
    refused++;
}

/* RFC 9783 §4, RFC 9783 §8 */
static void test_good_token_passes_claim_by_claim(void **state)
{
    claims c = good_claims();
    static const char *const passed[] = { "envelope",
                                          "trust anchor",
                                          "signature",
                                          "profile",
                                          "instance id",
                                          "nonce",
                                          "implementation id",
                                          "security lifecycle",
                                          "component PRoT: measurement",
                                          "component PRoT: signer",
                                          "component PRoT: version" };

    (void)state;
    assert_true(verify(sign_with(&c, key)));
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        bool found = false;

        for (size_t k = 0; k < report.count; k++)
            found |= strcmp(report.check[k].claim, passed[i]) == 0 &&
                     report.check[k].verdict == TSR_ATTEST_PASS;
        if (!found)
            fail_msg("%s did not pass", passed[i]);
    }
}

static void test_every_flipped_bit_is_refused(void **state)
{
    static uint8_t changed[2560];
    claims c = good_claims();
    tsr_bytes token = sign_with(&c, key);
    unsigned flips = 0;

    (void)state;
    for (size_t bit = 0; bit < token.len * 8; bit++, flips++) {
        memcpy(changed, token.ptr, token.len);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (verify(tsr_view(changed, token.len)))
            fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
    }
    print_message("%u flipped bits in %zu bytes refused\n", flips, token.len);
}

static void test_every_length_but_the_right_one_is_refused(void **state)
{
    static uint8_t longer[2560];
    claims c = good_claims();
    tsr_bytes token = sign_with(&c, key);

    (void)state;
    for (size_t len = 0; len < token.len; len++)
        assert_false(verify(tsr_view(token.ptr, len)));
    memcpy(longer, token.ptr, token.len);
    longer[token.len] = 0;
    expect_refused(tsr_view(longer, token.len + 1), "envelope");
    print_message("%zu truncations refused\n", token.len);
}

static bool is_optional(int64_t label) { return label == 268 || label == 2398 || label == 2400; }

static const char *name_of(int64_t label)
{
    switch (label) {
    case 10: return "nonce";
    case 256: return "trust anchor"; /* no instance id, no key */
    case 265: return "profile";
    case 2394: return "client id";
    case 2395: return "security lifecycle";
    case 2396: return "implementation id";
    default: return "software components";
    }
}

/* Even when the device's own key signed it. */
static void test_every_removed_claim_is_seen(void **state)
{
    claims good = good_claims();

    (void)state;
    for (size_t i = 0; i < good.count; i++) {
        claims c = good;

        memmove(&c.claim[i], &c.claim[i + 1], (c.count - i - 1) * sizeof c.claim[0]);
        c.count--;
        if (is_optional(good.claim[i].label))
            assert_true(verify(sign_with(&c, key)));
        else
            expect_refused(sign_with(&c, key), name_of(good.claim[i].label));
    }
}

static void test_every_doubled_claim_is_refused(void **state)
{
    claims good = good_claims();

    (void)state;
    for (size_t i = 0; i < good.count; i++) {
        claims c = good;

        c.claim[c.count++] = c.claim[i];
        expect_refused(sign_with(&c, key), "envelope");
    }
}

/* RFC 9783 §5.1.1 does not demand an order: signed by the device any order is good. Put into
 * another order by somebody else, the signature no longer fits. */
static void test_reordered_claims_need_a_new_signature(void **state)
{
    static uint8_t signature_of[2560];
    claims good = good_claims();

    (void)state;
    for (size_t i = 0; i + 1 < good.count; i++) {
        claims c = good;
        tsr_bytes genuine = sign_with(&good, key), reordered;

        memcpy(signature_of, genuine.ptr, genuine.len);
        c.claim[i] = good.claim[i + 1];
        c.claim[i + 1] = good.claim[i];
        reordered = sign_with(&c, key);
        assert_true(verify(reordered));
        assert_int_equal(reordered.len, genuine.len);
        /* the old signature under the new order */
        memcpy(signature_of, reordered.ptr, reordered.len - 64);
        expect_refused(tsr_view(signature_of, reordered.len), "signature");
    }
}

/* Each claim with a value of the wrong type or size, signed by the device: RFC 9783 §4.1.1 (nonce),
 * RFC 9783 §4.1.2 (client), RFC 9783 §4.2.1 (instance), RFC 9783 §4.2.2 (implementation),
 * RFC 9783 §4.2.3 (certification), RFC 9783 §4.3.2 (seed), RFC 9783 §4.4.1 (components),
 * RFC 9783 §4.5.1 (verification service). */
static void test_values_of_the_wrong_form_are_refused(void **state)
{
    static const struct {
        int64_t label;
        const char *hex, *at;
    } cases[] = {
        { 10, "5821111111111111111111111111111111111111111111111111111111111111111111", "nonce" },
        { 10, "4111", "nonce" },
        { 10,
          "815820"
          "1111111111111111111111111111111111111111111111111111111111111111",
          "nonce" }, /* an array of nonces, as other profiles of EAT have it */
        { 10, "f6", "nonce" },
        { 10,
          "5f5820"
          "1111111111111111111111111111111111111111111111111111111111111111"
          "ff",
          "nonce" }, /* indefinite length */
        { 256, "4101", "trust anchor" },
        { 256, "01", "trust anchor" },
        { 265, "4101", "profile" },
        { 265, "6178", "profile" },
        { 268, "47ffffffffffffff", "boot seed" },
        { 268, "01", "boot seed" },
        { 2394, "00", "client id" },
        { 2394, "1a80000000", "client id" },
        { 2394, "1bffffffffffffffff", "client id" },
        { 2394, "6131", "client id" },
        { 2395, "193100", "security lifecycle" },
        { 2395, "197000", "security lifecycle" },
        { 2395, "20", "security lifecycle" },
        { 2395, "423000", "security lifecycle" },
        { 2396, "5821222222222222222222222222222222222222222222222222222222222222222222",
          "implementation id" },
        { 2396, "01", "implementation id" },
        { 2398, "01", "certification reference" },
        { 2400, "01", "verification service" },
        { 2399, "80", "software components" },
        { 2399, "01", "software components" },
        { 2399, "8101", "software components" },
        { 2399, "9fff", "software components" },
        { 2399, "81a0", "software components" },
        { 2399,
          "81a20250"
          "33333333333333333333333333333333"
          "0501",
          "software components" },
        { 2399, "81a3024133024133054144", "software components" },
        { 2399, "81a10258203333333333333333333333333333333333333333333333333333333333333333",
          "software components" }, /* no signer */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        claims c = good_claims();

        for (size_t k = 0; k < c.count; k++)
            if (c.claim[k].label == cases[i].label)
                c.claim[k].len =
                    from_hex(cases[i].hex, c.claim[k].value, sizeof c.claim[k].value).len;
        if (verify(sign_with(&c, key)) || !failed_at(cases[i].at))
            fail_msg("%s was not refused at %s", cases[i].hex, cases[i].at);
        refused++;
    }
}

/* The claim of that label becomes a byte string or number of another value. */
static claims with_changed_byte(int64_t label, size_t at)
{
    claims c = good_claims();

    for (size_t k = 0; k < c.count; k++)
        if (c.claim[k].label == label)
            c.claim[k].value[at] ^= 1;
    return c;
}

static void test_values_that_differ_are_refused(void **state)
{
    claims c;

    (void)state;
    c = with_changed_byte(10, 5);
    expect_refused(sign_with(&c, key), "nonce"); /* a replay, or a token for somebody else */
    c = with_changed_byte(256, 5);
    expect_refused(sign_with(&c, key), "trust anchor");
    c = with_changed_byte(2396, 5);
    expect_refused(sign_with(&c, key), "implementation id");
    c = with_changed_byte(2399, 12);
    expect_refused(sign_with(&c, key), "component PRoT: measurement");
    c = with_changed_byte(2399, 60);
    expect_refused(sign_with(&c, key), "component PRoT: signer");
    c = with_changed_byte(2399, 46);
    expect_refused(sign_with(&c, key), "component PRoT: version");
}

static void test_states_that_are_not_accepted_are_refused(void **state)
{
    static const int64_t states[] = { 0x0000, 0x1000, 0x2000, 0x4000, 0x5000, 0x6000 };

    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        claims c = good_claims();

        c.claim[5].len = 0;
        tsr_buf out = tsr_buf_over(c.claim[5].value, sizeof c.claim[5].value);

        tsr_cbor_put_int(&out, states[i]);
        c.claim[5].len = out.len;
        expect_refused(sign_with(&c, key), "security lifecycle");
    }
}

static void test_components_must_be_known_and_complete(void **state)
{
    claims c = good_claims();

    (void)state;
    c.count = 8;
    add_components(&c, 2399, 2, "App");
    expect_refused(sign_with(&c, key), "component App: type");
    reference.other_components = true;
    assert_true(verify(sign_with(&c, key)));
    reference.other_components = false;

    reference.component_count = 2;
    memcpy(reference.component[1].type, "BL", 3);
    reference.component[1].signers = reference.component[0].signers;
    c = good_claims();
    expect_refused(sign_with(&c, key), "component BL: type");
    reference.component[1].optional = true;
    assert_true(verify(sign_with(&c, key)));
    memset(&reference.component[1], 0, sizeof reference.component[1]);
    reference.component_count = 1;
}

static void test_reference_values_may_ask_for_more(void **state)
{
    claims c = good_claims();

    (void)state;
    memcpy(reference.certification, "0604565272829-10010", 20);
    memcpy(reference.verification, "https://verifier.example", 25);
    reference.client_given = true;
    reference.client = -17;
    assert_true(verify(sign_with(&c, key)));
    reference.client = -18;
    expect_refused(sign_with(&c, key), "client id");
    reference.client = -17;
    reference.certification[0] = '1';
    expect_refused(sign_with(&c, key), "certification reference");
    reference.certification[0] = '0';
    reference.verification[0] = 'x';
    expect_refused(sign_with(&c, key), "verification service");
    reference.verification[0] = 'h';
    c.count = 9; /* without the verification service */
    expect_refused(sign_with(&c, key), "verification service");
    reference.verification[0] = reference.certification[0] = '\0';
    reference.client_given = false;
}

static void test_other_keys_are_refused(void **state)
{
    claims c = good_claims();
    tsr_attest_trust both = trust;

    (void)state;
    expect_refused(sign_with(&c, other_key), "signature");
    /* Another device that is trusted, too, may not speak for this one. */
    assert_int_equal(tsr_attest_trust_add(&both, tsr_view(other_point, 65)), TSR_OK);
    assert_int_equal(tsr_attest_verify(sign_with(&c, other_key), tsr_view(nonce, 32), &reference,
                                       &both, &report),
                     TSR_OK);
    assert_false(report.passed);
    assert_true(failed_at("signature"));
    refused++;
    /* A device that nobody knows. */
    memcpy(c.claim[1].value + 2, both.anchor[1].instance, 33);
    expect_refused(sign_with(&c, other_key), "trust anchor");
}

/* RFC 9783 §5.1.1: the same claims in other envelopes. */
static void test_other_envelopes_are_refused(void **state)
{
    static uint8_t token[2560];
    claims c = good_claims();
    tsr_bytes good = sign_with(&c, key), untagged = tsr_skip(good, 1);

    (void)state;
    expect_refused(untagged, "envelope");
    memcpy(token, good.ptr, good.len);
    token[0] = 0xd1; /* Mac0 */
    expect_refused(tsr_view(token, good.len), "envelope");
    token[0] = 0xd8;
    token[1] = 61; /* CWT tag in front */
    memcpy(token + 2, good.ptr, good.len);
    expect_refused(tsr_view(token, good.len + 2), "envelope");

    /* another algorithm, none, and one that is not protected */
    memcpy(token, good.ptr, good.len);
    assert_int_equal(token[5], 0x26); /* d2 84 43 a1 01 26 */
    token[5] = 0x27;
    expect_refused(tsr_view(token, good.len), "signature");
    token[4] = 0x18; /* a1 18 26: a label 38 without a value */
    expect_refused(tsr_view(token, good.len), "envelope");
    memcpy(token, "\xd2\x84\x40\xa1\x01\x26", 6);
    memcpy(token + 6, good.ptr + 7, good.len - 7);
    expect_refused(tsr_view(token, good.len - 1), "signature");
}

/* The profile before: RFC 9783 §4.6. */
static claims old_claims(void)
{
    static const uint8_t seed[32] = { 9 };
    claims c = { .count = 0 };

    add_text(&c, -75000, "PSA_IOT_PROFILE_1");
    add_int(&c, -75001, -17);
    add_int(&c, -75002, 0x3000);
    add_bytes(&c, -75003, implementation, 32);
    add_bytes(&c, -75004, seed, 32);
    add_text(&c, -75005, "0604565272829");
    add_components(&c, -75006, 1, NULL);
    add_bytes(&c, -75008, nonce, 32);
    add_bytes(&c, -75009, instance, 33);
    return c;
}

/* RFC 9783 §5.2 */
static void test_both_profiles_are_read(void **state)
{
    claims c = old_claims();

    (void)state;
    expect_refused(sign_with(&c, key), "profile"); /* not accepted by the reference values */
    reference.profiles = 3;
    assert_true(verify(sign_with(&c, key)));
    memcpy(reference.certification, "0604565272829-10010", 20);
    assert_true(verify(sign_with(&c, key))); /* the EAN-13 alone counts */
    reference.certification[0] = '\0';

    for (size_t i = 0; i < c.count; i++) { /* the boot seed is not optional here, the name is */
        claims less = c;

        memmove(&less.claim[i], &less.claim[i + 1], (c.count - i - 1) * sizeof c.claim[0]);
        less.count--;
        if (c.claim[i].label == -75000 || c.claim[i].label == -75005)
            assert_true(verify(sign_with(&less, key)));
        else
            assert_false(verify(sign_with(&less, key)));
    }
    /* the name of one profile over the labels of the other */
    c = old_claims();
    c.count = 0;
    add_text(&c, -75000, "tag:psacertified.org,2023:psa#tfm");
    c.count = old_claims().count;
    expect_refused(sign_with(&c, key), "profile");
    reference.profiles = 2;
    c = good_claims();
    expect_refused(sign_with(&c, key), "profile");
    reference.profiles = 1;
}

static void test_unknown_claims_are_noted(void **state)
{
    claims c = good_claims();

    (void)state;
    add_text(&c, 4711, "from the future");
    assert_true(verify(sign_with(&c, key)));
    assert_string_equal(report.check[report.count - 1].claim, "other claims");
}

static void test_wrong_nonce_length_is_the_callers_fault(void **state)
{
    claims c = good_claims();
    tsr_bytes token = sign_with(&c, key);

    (void)state;
    assert_int_equal(tsr_attest_verify(token, tsr_view(nonce, 31), &reference, &trust, &report),
                     TSR_E_ARGUMENT);
}

static void test_show_believes_nothing(void **state)
{
    claims c = good_claims();

    (void)state;
    tsr_attest_show(sign_with(&c, other_key), &report);
    assert_false(report.passed);
    assert_int_equal(failures(), 0);
    for (size_t i = 1; i < report.count; i++)
        assert_int_equal(report.check[i].verdict, TSR_ATTEST_NOTED);
    tsr_attest_show(tsr_text("no token"), &report);
    assert_true(failed_at("envelope"));
}

/* What a device says ends up on terminals and in JSON. */
static void test_reports_are_harmless_text(void **state)
{
    static uint8_t json[1u << 16];
    tsr_buf out = tsr_buf_over(json, sizeof json - 1);
    claims c = good_claims();

    (void)state;
    c.count = 9;
    add_text(&c, 2400, "\x1b[2Jevil\"\n");
    assert_true(verify(sign_with(&c, key)));
    for (size_t i = 0; i < report.count; i++)
        for (const char *p = report.check[i].found; *p != '\0'; p++)
            assert_true(*p >= ' ' && *p <= '~');
    tsr_attest_report_json(&report, &out);
    assert_int_equal(out.err, TSR_OK);
    json[out.len] = 0;
    assert_non_null(strstr((char *)json, "\"claim\":\"verification service\""));
    assert_non_null(strstr((char *)json, "?[2Jevil\\\"?"));
}

/* The example of draft-tschofenig-rats-psa-token-24, the last draft before RFC 9783, with the key
 * that it names. Its instance id is no hash, so the trust anchor says it. */
static void test_example_of_the_draft_passes(void **state)
{
    static const char token_hex[] =
        "d28443a10126a0590100a8190100582101020202020202020202020202020202020202020202020202020202"
        "020202020219095c582000000000000000000000000000000000000000000000000000000000000000000a58"
        "20010101010101010101010101010101010101010101010101010101010101010119095a1a7fffffff19095b"
        "19300019010978217461673a7073616365727469666965642e6f72672c323032333a7073612374666d19010c"
        "48000000000000000019095f81a3055820040404040404040404040404040404040404040404040404040404"
        "0404040404025820030303030303030303030303030303030303030303030303030303030303030301645052"
        "6f545840786e937a4c42667af3847399319ca95c7e7dbabdc9b50fdb8de3f6bff4ab82ff80c42140e2a48800"
        "0219e3e10663193da69c75f52b798ea10b2f7041a90e8e5a";
    static const char anchor[] =
        "{\"instance_id\":\"010202020202020202020202020202020202020202020202020202020202020202\","
        "\"attestation_public_key\":\"04"
        "4e5e22099e3bceb45b446d1355fd1dc3b545947b6fd7c1c89d886798c3726e8f"
        "80d70b840b256aac34a62ede1043364f044095f003474b91e0182092afb13f2e\"}";
    static const char values[] =
        "{\"implementation_id\":\"00000000000000000000000000000000000000000000000000000000"
        "00000000\",\"components\":[{\"type\":\"PRoT\",\"measurements\":\"0303030303030303030303"
        "030303030303030303030303030303030303030303\",\"signers\":\"0404040404040404040404040404"
        "040404040404040404040404040404040404\"}]}";
    uint8_t room[400], challenge[32];
    tsr_attest_trust theirs = { .count = 0 };
    static tsr_attest_reference expected;
    char reason[128];
    const char *why;
    tsr_bytes token = from_hex(token_hex, room, sizeof room);

    (void)state;
    assert_int_equal(token.len, 332);
    memset(challenge, 1, sizeof challenge);
    assert_int_equal(tsr_attest_trust_read(tsr_text(anchor), &theirs, &why), TSR_OK);
    assert_int_equal(
        tsr_attest_reference_read(tsr_text(values), &expected, reason, sizeof reason, &why),
        TSR_OK);
    assert_int_equal(tsr_attest_verify(token, tsr_view(challenge, 32), &expected, &theirs, &report),
                     TSR_OK);
    assert_true(report.passed);
    challenge[31] = 0;
    assert_int_equal(tsr_attest_verify(token, tsr_view(challenge, 32), &expected, &theirs, &report),
                     TSR_OK);
    assert_false(report.passed);
}

static int tear_down(void **state)
{
    (void)state;
    print_message("%u tokens refused for the one reason that each had\n", refused);
    return refused >= 70 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_token_passes_claim_by_claim),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_length_but_the_right_one_is_refused),
        cmocka_unit_test(test_every_removed_claim_is_seen),
        cmocka_unit_test(test_every_doubled_claim_is_refused),
        cmocka_unit_test(test_reordered_claims_need_a_new_signature),
        cmocka_unit_test(test_values_of_the_wrong_form_are_refused),
        cmocka_unit_test(test_values_that_differ_are_refused),
        cmocka_unit_test(test_states_that_are_not_accepted_are_refused),
        cmocka_unit_test(test_components_must_be_known_and_complete),
        cmocka_unit_test(test_reference_values_may_ask_for_more),
        cmocka_unit_test(test_other_keys_are_refused),
        cmocka_unit_test(test_other_envelopes_are_refused),
        cmocka_unit_test(test_both_profiles_are_read),
        cmocka_unit_test(test_unknown_claims_are_noted),
        cmocka_unit_test(test_wrong_nonce_length_is_the_callers_fault),
        cmocka_unit_test(test_show_believes_nothing),
        cmocka_unit_test(test_reports_are_harmless_text),
        cmocka_unit_test(test_example_of_the_draft_passes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
