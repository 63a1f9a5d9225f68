/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "secure/crypto/random.h"
#include "secure/crypto/service.h"

static tsr_crypto service;

tsr_crypto *tsr_crypto_here(void) { return &service; }

typedef struct {
    uint8_t next;
    unsigned asked;
    bool fails;
} source;

static psa_status_t seed(void *self, uint8_t *out, size_t len)
{
    source *s = self;

    s->asked++;
    if (s->fails)
        return PSA_ERROR_HARDWARE_FAILURE;
    for (size_t i = 0; i < len; i++)
        out[i] = s->next++;
    return PSA_SUCCESS;
}

static void test_random_depends_on_the_source_alone(void **state)
{
    source one = { .next = 1 }, other = { .next = 2 };
    tsr_random a = { .seed = seed, .self = &one }, b = { .seed = seed, .self = &other };
    uint8_t x[64], y[64], z[64];

    (void)state;
    assert_int_equal(tsr_random_bytes(&a, x, sizeof x), PSA_SUCCESS);
    assert_int_equal(tsr_random_bytes(&b, y, sizeof y), PSA_SUCCESS);
    assert_memory_not_equal(x, y, sizeof x);
    assert_int_equal(tsr_random_bytes(&a, y, sizeof y), PSA_SUCCESS);
    assert_memory_not_equal(x, y, sizeof x);
    one = (source){ .next = 1 };
    a = (tsr_random){ .seed = seed, .self = &one };
    assert_int_equal(tsr_random_bytes(&a, z, sizeof z), PSA_SUCCESS);
    assert_memory_equal(x, z, sizeof x);
}

static void test_random_fills_more_than_one_request(void **state)
{
    static uint8_t out[3 * MBEDTLS_CTR_DRBG_MAX_REQUEST + 7];
    source s = { .next = 9 };
    tsr_random r = { .seed = seed, .self = &s };
    unsigned seen[256] = { 0 };

    (void)state;
    assert_int_equal(tsr_random_bytes(&r, out, sizeof out), PSA_SUCCESS);
    for (size_t i = 0; i < sizeof out; i++)
        seen[out[i]]++;
    assert_true(seen[0] < 64); /* about 12 of 3079; a part left out would be far more */
    assert_int_equal(tsr_random_bytes(&r, out, 0), PSA_SUCCESS);
}

static void test_random_refuses_without_a_seed(void **state)
{
    static const uint8_t none[16];
    source s = { .fails = true };
    tsr_random r = { .seed = seed, .self = &s };
    uint8_t out[16];

    (void)state;
    memset(out, 0xaa, sizeof out);
    assert_int_equal(tsr_random_bytes(&r, out, sizeof out), PSA_ERROR_INSUFFICIENT_ENTROPY);
    assert_memory_equal(out, none, sizeof out);
    s.fails = false; /* it is asked again, and not taken for seeded */
    assert_int_equal(tsr_random_bytes(&r, out, sizeof out), PSA_SUCCESS);
    assert_memory_not_equal(out, none, sizeof out);
}

static void test_random_seeds_anew_and_stops_when_it_cannot(void **state)
{
    source s = { .next = 3 };
    tsr_random r = { .seed = seed, .self = &s };
    uint8_t byte;
    unsigned first;

    (void)state;
    assert_int_equal(tsr_random_bytes(&r, &byte, 1), PSA_SUCCESS);
    first = s.asked;
    for (int i = 0; i <= MBEDTLS_CTR_DRBG_RESEED_INTERVAL; i++)
        assert_int_equal(tsr_random_bytes(&r, &byte, 1), PSA_SUCCESS);
    assert_true(s.asked > first);
    s.fails = true;
    for (int i = 0; i < MBEDTLS_CTR_DRBG_RESEED_INTERVAL; i++)
        if (tsr_random_bytes(&r, &byte, 1) != PSA_SUCCESS)
            return;
    fail_msg("ten thousand more calls without a new seed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_depends_on_the_source_alone),
        cmocka_unit_test(test_random_fills_more_than_one_request),
        cmocka_unit_test(test_random_refuses_without_a_seed),
        cmocka_unit_test(test_random_seeds_anew_and_stops_when_it_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
