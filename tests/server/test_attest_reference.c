/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "psa/crypto.h"
#include "server/attest/reference.h"
#include "server/attest/trust.h"

#define H32 "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"

static int set_up(void **state)
{
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static tsr_attest_reference r;

static tsr_err read_reference(const char *json, const char **why)
{
    static char room[256];

    return tsr_attest_reference_read(tsr_text(json), &r, room, sizeof room, why);
}

static void test_reference_reads_everything(void **state)
{
    const char *why;

    (void)state;
    assert_int_equal(
        read_reference(
            "{\"profiles\":[\"PSA_IOT_PROFILE_1\",\"tag:psacertified.org,2023:psa#tfm\"],"
            "\"implementation_id\":[\"" H32 "\"],\"lifecycle\":[\"secured\","
            "\"non-psa-rot-debug\"],\"certification_reference\":\"0604565272829-10010\","
            "\"verification_service\":\"https://example.org\",\"client_id\":-5,"
            "\"components\":[{\"type\":\"PRoT\",\"measurements\":\"" H32 "\","
            "\"signers\":[\"" H32 "\"],\"versions\":[\"1.0\",\"1.1\"]},"
            "{\"type\":\"App\",\"signers\":\"" H32 "\",\"optional\":true}],"
            "\"other_components\":true,\"comment\":\"anything\"}",
            &why),
        TSR_OK);
    assert_int_equal(r.profiles, 3);
    assert_int_equal(r.lifecycles, 1u << 3 | 1u << 4);
    assert_int_equal(r.implementations.count, 1);
    assert_int_equal(r.implementations.value[0].bytes[31], 0x20);
    assert_string_equal(r.certification, "0604565272829-10010");
    assert_true(r.client_given && r.client == -5 && r.other_components);
    assert_int_equal(r.component_count, 2);
    assert_int_equal(r.component[0].versions.count, 2);
    assert_true(r.component[1].optional && !r.component[0].optional);
}

static void test_reference_is_strict_by_default(void **state)
{
    const char *why;

    (void)state;
    assert_int_equal(read_reference("{\"implementation_id\":\"" H32 "\",\"components\":"
                                    "[{\"type\":\"PRoT\",\"signers\":\"" H32 "\"}]}",
                                    &why),
                     TSR_OK);
    assert_int_equal(r.profiles, 1);
    assert_int_equal(r.lifecycles, 1u << 3);
    assert_false(r.other_components);
}

static void test_reference_says_what_is_wrong(void **state)
{
#define GOOD_COMPONENT "{\"type\":\"PRoT\",\"signers\":\"" H32 "\"}"
#define ID             "\"implementation_id\":\"" H32 "\""
    static const struct {
        const char *json, *why;
    } cases[] = {
        { "[]", "object" },
        { "{", "byte 1" },
        { "{" ID "}", "components: missing" },
        { "{\"components\":[" GOOD_COMPONENT "]}", "implementation_id: missing" },
        { "{" ID ",\"components\":[]}", "empty list" },
        { "{" ID ",\"components\":[" GOOD_COMPONENT "],\"implementaton_id\":1}", "no such member" },
        { "{" ID ",\"components\":[{\"type\":\"PRoT\"}]}", "name measurements, signers" },
        { "{" ID ",\"components\":[{\"signers\":\"" H32 "\"}]}", "type: missing" },
        { "{" ID ",\"components\":[{\"type\":\"PRoT\",\"signer\":\"" H32 "\"}]}",
          "component PRoT: signer: no such" },
        { "{" ID ",\"components\":[" GOOD_COMPONENT "," GOOD_COMPONENT "]}", "already" },
        { "{" ID ",\"components\":[\"PRoT\"]}", "object for each" },
        { "{" ID ",\"components\":[" GOOD_COMPONENT "],\"lifecycle\":\"secure\"}", "not a state" },
        { "{" ID ",\"components\":[" GOOD_COMPONENT "],\"profiles\":\"x\"}", "not a profile" },
        { "{" ID ",\"components\":[" GOOD_COMPONENT "],\"client_id\":0}", "not 0" },
        { "{\"implementation_id\":\"0102\",\"components\":[" GOOD_COMPONENT "]}", "32, 48 or 64" },
        { "{\"implementation_id\":\"" H32 H32 "\",\"components\":[" GOOD_COMPONENT "]}",
          "of 32 bytes" },
        { "{" ID ",\"components\":[" GOOD_COMPONENT "],\"other_components\":1}", "true or false" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *why = NULL;

        assert_int_equal(read_reference(cases[i].json, &why), TSR_E_MALFORMED);
        if (strstr(why, cases[i].why) == NULL)
            fail_msg("%s: said \"%s\"", cases[i].json, why);
    }
}

/* The public key of RFC 9500 §2.3 (P-256 test key). */
#define PEM_BODY                                                                                   \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQiVI+I+3gv+17KN0RFLHKh5Vj71v\n"                           \
    "c75eSOkyMsxFxbFsTNEMTLjVuKFxOelIgsiZJXKZNCX0FBmrfpCkKklCcg==\n"
#define PEM "-----BEGIN PUBLIC KEY-----\n" PEM_BODY "-----END PUBLIC KEY-----\n"

static tsr_attest_trust trust;

static tsr_err read_trust(const char *file, const char **why)
{
    trust.count = 0;
    return tsr_attest_trust_read(tsr_text(file), &trust, why);
}

/* RFC 5480 §2, RFC 7468, RFC 7468 §13 */
static void test_trust_reads_pem_and_records(void **state)
{
    static const char record[] =
        "{\"serial\":\"7\",\"attestation_public_key\":\"-----BEGIN PUBLIC KEY-----\\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQiVI+I+3gv+17KN0RFLHKh5Vj71v\\n"
        "c75eSOkyMsxFxbFsTNEMTLjVuKFxOelIgsiZJXKZNCX0FBmrfpCkKklCcg==\\n"
        "-----END PUBLIC KEY-----\\n\"}";
    char text[2048];
    const char *why;

    (void)state;
    assert_int_equal(read_trust("a comment\n" PEM "\n" PEM, &why), TSR_OK);
    assert_int_equal(trust.count, 2);
    assert_int_equal(trust.anchor[0].point_len, 65);
    assert_int_equal(trust.anchor[0].point[1], 0x42);
    assert_int_equal(trust.anchor[0].instance[0], 1);
    assert_ptr_equal(tsr_attest_trust_find(&trust, tsr_view(trust.anchor[1].instance, 33)),
                     &trust.anchor[0]);
    assert_int_equal(read_trust(record, &why), TSR_OK);
    assert_int_equal(trust.count, 1);
    (void)snprintf(text, sizeof text, "%s\n%s\n\n", record, record);
    assert_int_equal(read_trust(text, &why), TSR_OK);
    assert_int_equal(trust.count, 2);
    (void)snprintf(text, sizeof text, "[%s,%s]", record, record);
    assert_int_equal(read_trust(text, &why), TSR_OK);
    assert_int_equal(trust.count, 2);
    (void)snprintf(text, sizeof text, "{\"instance_id\":\"01" H32 "\",%s", record + 1);
    assert_int_equal(read_trust(text, &why), TSR_OK);
    assert_int_equal(trust.anchor[0].instance[32], 0x20);
}

static void test_trust_refuses_what_is_no_key(void **state)
{
    static const struct {
        const char *file;
        tsr_err err;
    } cases[] = {
        { "[]", TSR_E_NOT_FOUND },
        { "", TSR_E_NOT_FOUND },
        { "hello", TSR_E_MALFORMED },
        { "{\"serial\":\"7\"}", TSR_E_MALFORMED },
        { "{\"attestation_public_key\":\"04zz\"}", TSR_E_MALFORMED },
        { "{\"attestation_public_key\":\"0400\"}", TSR_E_MALFORMED },
        { "-----BEGIN PUBLIC KEY-----\n" PEM_BODY, TSR_E_MALFORMED },
        { "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n", TSR_E_MALFORMED },
        { "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
          "\n-----END PUBLIC KEY-----\n",
          TSR_E_UNSUPPORTED }, /* Ed25519 (RFC 8410 §10.1) */
    };
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_trust(cases[i].file, &why), cases[i].err);
        assert_int_equal(trust.count, 0);
        assert_true(why[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_reads_everything),
        cmocka_unit_test(test_reference_is_strict_by_default),
        cmocka_unit_test(test_reference_says_what_is_wrong),
        cmocka_unit_test(test_trust_reads_pem_and_records),
        cmocka_unit_test(test_trust_refuses_what_is_no_key),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
