/* SPDX-License-Identifier: Apache-2.0
 *
 * psa_world SOCKET volatile N     N keys made, found and destroyed, and whether the last ones cost
 * psa_world SOCKET persistent N   more than the first ones did: medians of a thousand calls each
 * psa_world SOCKET assets N FEW   N assets in Protected Storage, beside a thousand in the service
 *                                 at the socket FEW: the two take turns in blocks of twenty calls
 * psa_world SOCKET token N        N attestation tokens
 * psa_world SOCKET update N       an image of N bytes written, in the largest blocks
 * Prints name=value pairs: microseconds, or bytes a second; of keys, empty calls and what one of
 * them takes. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/initial_attestation.h"
#include "psa/protected_storage.h"
#include "psa/update.h"

#define SOME 1000u

static psa_key_id_t *keys;
static double *took, *pace; /* of each call, and of an empty one before it */

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

static double middle_of(double *times, size_t n)
{
    qsort(times, n, sizeof times[0], by_value);
    return times[n / 2];
}

/* The median of `n` times from `from` on. */
static double middle(size_t from, size_t n) { return middle_of(took + from, n); }

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

/* The machine is not as fast in one minute as in the next: what a call takes is counted in empty
 * calls made between. */
static double after_empty(size_t at)
{
    double begun = now_us(), now;

    (void)psa_crypto_init();
    now = now_us();
    pace[at] = now - begun;
    return now;
}

static double paced(size_t from)
{
    return middle(from, SOME) / middle_of(pace + from, SOME);
}

/* A thousand keys found at random among the first `among`. */
static bool find_some(size_t among)
{
    for (size_t i = 0; i < SOME; i++) {
        double begun = after_empty(i);

        if (find((size_t)random() % among) != PSA_SUCCESS)
            return false;
        took[i] = now_us() - begun;
    }
    return true;
}

static bool create_range(size_t from, size_t to, bool persistent)
{
    for (size_t i = from; i < to; i++) {
        double begun = after_empty(i - from);
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
        double begun = after_empty(to - i);

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
    pace = calloc(n, sizeof *pace);
    if (keys == NULL || took == NULL || pace == NULL || n < 2 * SOME ||
        !create_range(0, SOME, persistent))
        return 1;
    first[0] = paced(0);
    if (!find_some(SOME))
        return 1;
    first[1] = paced(0);
    if (!create_range(SOME, n, persistent))
        return 1;
    last[0] = paced(n - 2 * SOME);
    if (!find_some(n))
        return 1;
    last[1] = paced(0);
    if (!destroy_range(SOME, n))
        return 1;
    last[2] = paced(0); /* the first ones destroyed: all others were there */
    if (!destroy_range(0, SOME))
        return 1;
    first[2] = paced(0);
    (void)printf("empty=%.3f create_few=%.3f create_many=%.3f find_few=%.3f find_many=%.3f "
                 "destroy_few=%.3f destroy_many=%.3f\n",
                 middle_of(pace, SOME), first[0], last[0], first[1], last[1], first[2], last[2]);
    return 0;
}

/* Each asset holds its own number, so that another one's content would be seen. */
static psa_status_t asset_set(size_t i)
{
    uint64_t data[8] = { i, 1 };

    return psa_ps_set(i + 1, sizeof data, data, PSA_STORAGE_FLAG_NONE);
}

static psa_status_t asset_get(size_t i)
{
    uint64_t data[8] = { 0 };
    size_t len = 0;
    psa_status_t status = psa_ps_get(i + 1, 0, sizeof data, data, &len);

    if (status == PSA_SUCCESS && (len != sizeof data || data[0] != i))
        return PSA_ERROR_DATA_CORRUPT;
    return status;
}

static psa_status_t asset_remove(size_t i) { return psa_ps_remove(i + 1); }

#define BLOCK  20u
#define BLOCKS 50u

enum { SET, REPLACE, GET, REMOVE, VERBS };

typedef struct { /* a service, and its assets [0, count) */
    const char *socket;
    size_t count;
    double took[VERBS][BLOCK * BLOCKS];
    size_t calls[VERBS];
} side;

static void timed(side *s, int verb, psa_status_t (*call)(size_t), size_t which)
{
    double begun = now_us();
    psa_status_t status = call(which);

    s->took[verb][s->calls[verb]++] = now_us() - begun;
    if (status == PSA_SUCCESS)
        return;
    (void)fprintf(stderr, "asset %zu: status %ld\n", which + 1, (long)status);
    exit(1);
}

/* Assets are its client's and not its connection's, so they stay. */
static bool turn_to(const side *s)
{
    tsr_gate_close();
    return tsr_gate_socket(s->socket) == PSA_SUCCESS && psa_crypto_init() == PSA_SUCCESS;
}

static bool fill(const side *s)
{
    if (!turn_to(s))
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (asset_set(i) != PSA_SUCCESS)
            return false;
    return true;
}

static bool asset_block(side *s)
{
    if (!turn_to(s) || asset_get(0) != PSA_SUCCESS)
        return false;
    for (size_t i = 0; i < BLOCK; i++)
        timed(s, REPLACE, asset_set, (size_t)random() % s->count);
    for (size_t i = 0; i < BLOCK; i++)
        timed(s, GET, asset_get, (size_t)random() % s->count);
    for (size_t i = 0; i < BLOCK; i++)
        timed(s, SET, asset_set, s->count + i);
    for (size_t i = 0; i < BLOCK; i++)
        timed(s, REMOVE, asset_remove, s->count + i);
    return true;
}

static int many_assets(const char *socket, size_t n, const char *few_socket)
{
    static const char *names[VERBS] = { "set", "replace", "get", "remove" };
    static side few, many;

    few = (side){ .socket = few_socket, .count = SOME };
    many = (side){ .socket = socket, .count = n };
    if (!fill(&few) || !fill(&many)) {
        (void)fputs("the services do not take that many assets\n", stderr);
        return 1;
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (!asset_block(&few) || !asset_block(&many))
            return 1;
    for (int verb = 0; verb < VERBS; verb++)
        (void)printf("%s_few=%.3f %s_many=%.3f ", names[verb],
                     middle_of(few.took[verb], BLOCK * BLOCKS), names[verb],
                     middle_of(many.took[verb], BLOCK * BLOCKS));
    (void)puts("");
    return 0;
}

static int tokens(size_t n)
{
    static const uint8_t challenge[32] = { 1 };
    uint8_t token[PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE];
    size_t len = 0;

    took = calloc(n, sizeof *took);
    if (took == NULL)
        return 1;
    for (size_t i = 0; i < n; i++) {
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
    size_t n = argc >= 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (n == 0 || tsr_gate_socket(argv[1]) != PSA_SUCCESS || psa_crypto_init() != PSA_SUCCESS)
        return 2;
    switch (argv[2][0]) {
    case 'v': return many_keys(n, false);
    case 'p': return many_keys(n, true);
    case 'a': return argc == 5 ? many_assets(argv[1], n, argv[4]) : 2;
    case 't': return tokens(n);
    case 'u': return update(n);
    default: return 2;
    }
}
