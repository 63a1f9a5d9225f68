/* SPDX-License-Identifier: Apache-2.0
 *
 * psa_world SOCKET volatile N     N keys made, found and destroyed, and whether the last ones cost
 * psa_world SOCKET persistent N   more than the first ones did: medians of a thousand calls each
 * psa_world SOCKET token N        N attestation tokens
 * psa_world SOCKET update N       an image of N bytes written, in the largest blocks
 * Prints name=value pairs, microseconds or bytes a second. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/initial_attestation.h"
#include "psa/update.h"

#define SOME 1000u

static psa_key_id_t *keys;
static double *took;

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of `n` times from `from` on. */
static double middle(size_t from, size_t n)
{
    qsort(took + from, n, sizeof took[0], by_value);
    return took[from + n / 2];
}

static psa_status_t create(size_t i, bool persistent)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t material[16] = { (uint8_t)i, (uint8_t)(i >> 8) };

    if (persistent)
        psa_set_key_id(&a, (psa_key_id_t)(i + 1));
    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_CTR);
    return psa_import_key(&a, material, sizeof material, &keys[i]);
}

static psa_status_t find(size_t i)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    return psa_get_key_attributes(keys[i], &a);
}

/* A thousand keys found at random among the first `among`. */
static bool find_some(size_t among)
{
    for (size_t i = 0; i < SOME; i++) {
        double begun = now_us();

        if (find((size_t)random() % among) != PSA_SUCCESS)
            return false;
        took[i] = now_us() - begun;
    }
    return true;
}

static bool create_range(size_t from, size_t to, bool persistent)
{
    for (size_t i = from; i < to; i++) {
        double begun = now_us();
        psa_status_t status = create(i, persistent);

        took[i - from] = now_us() - begun;
        if (status != PSA_SUCCESS) {
            (void)fprintf(stderr, "key %zu: status %ld\n", i + 1, (long)status);
            return false;
        }
    }
    return true;
}

static bool destroy_range(size_t from, size_t to)
{
    for (size_t i = to; i > from; i--) {
        double begun = now_us();

        if (psa_destroy_key(keys[i - 1]) != PSA_SUCCESS)
            return false;
        took[to - i] = now_us() - begun;
    }
    return true;
}

static int many_keys(size_t n, bool persistent)
{
    double first[3], last[3];

    keys = calloc(n, sizeof *keys);
    took = calloc(n, sizeof *took);
    if (keys == NULL || took == NULL || n < 2 * SOME || !create_range(0, SOME, persistent))
        return 1;
    first[0] = middle(0, SOME);
    if (!find_some(SOME))
        return 1;
    first[1] = middle(0, SOME);
    if (!create_range(SOME, n, persistent))
        return 1;
    last[0] = middle(n - 2 * SOME, SOME);
    if (!find_some(n))
        return 1;
    last[1] = middle(0, SOME);
    if (!destroy_range(SOME, n))
        return 1;
    last[2] = middle(0, SOME); /* the first ones destroyed: all others were there */
    if (!destroy_range(0, SOME))
        return 1;
    first[2] = middle(0, SOME);
    (void)printf("create_few=%.3f create_many=%.3f find_few=%.3f find_many=%.3f destroy_few=%.3f "
                 "destroy_many=%.3f\n",
                 first[0], last[0], first[1], last[1], first[2], last[2]);
    return 0;
}

static int tokens(size_t n)
{
    static const uint8_t challenge[32] = { 1 };
    uint8_t token[PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE];
    size_t len = 0;

    took = calloc(n, sizeof *took);
    for (size_t i = 0; took != NULL && i < n; i++) {
        double begun = now_us();
        psa_status_t status =
            psa_initial_attest_get_token(challenge, sizeof challenge, token, sizeof token, &len);

        took[i] = now_us() - begun;
        if (status != PSA_SUCCESS) {
            (void)fprintf(stderr, "token: status %ld\n", (long)status);
            return 1;
        }
    }
    (void)printf("token=%.3f bytes=%zu\n", middle(0, n), len);
    return 0;
}

static int update(size_t n)
{
    static uint8_t block[PSA_FWU_MAX_WRITE_SIZE];
    double begun = now_us();
    psa_status_t status = psa_fwu_start(0, NULL, 0);

    for (size_t at = 0; status == PSA_SUCCESS && at < n; at += sizeof block) {
        memset(block, (int)(at >> 14), sizeof block);
        status = psa_fwu_write(0, at, block, sizeof block);
    }

    double seconds = (now_us() - begun) * 1e-6;

    if (status != PSA_SUCCESS || psa_fwu_cancel(0) != PSA_SUCCESS ||
        psa_fwu_clean(0) != PSA_SUCCESS) {
        (void)fprintf(stderr, "update: status %ld\n", (long)status);
        return 1;
    }
    (void)printf("update_rate=%.0f\n", (double)n / seconds);
    return 0;
}

int main(int argc, char **argv)
{
    size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (n == 0 || tsr_gate_socket(argv[1]) != PSA_SUCCESS || psa_crypto_init() != PSA_SUCCESS)
        return 2;
    switch (argv[2][0]) {
    case 'v': return many_keys(n, false);
    case 'p': return many_keys(n, true);
    case 't': return tokens(n);
    case 'u': return update(n);
    default: return 2;
    }
}
