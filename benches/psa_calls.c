/* SPDX-License-Identifier: Apache-2.0
 *
 * psa_calls SOCKET WAY N [PID]: what PSA calls cost, N of each, and how often each goes across the
 * wall; WAY is socket or shm. Calls take turns in batches with each other and with a bare
 * ping-pong of the same way. With PID, the CPU of that service is counted too. Linked twice: with
 * psa/client and the gate, and with the PSA core in the process.
 * Prints "call trip=... us=... crossings=...": microseconds of a call, the lower
 * quartile of the batches, as a batch may be interrupted by what else the machine does;
 * CPU microseconds; messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "benches/psa_calls.h"
#include "psa/crypto.h"
#include "psa/internal_trusted_storage.h"

static psa_key_id_t aes, mac, ecdsa;

static psa_key_id_t make(psa_key_type_t type, size_t bits, psa_algorithm_t alg, psa_key_usage_t use)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, use);
    return psa_generate_key(&a, &key) == PSA_SUCCESS ? key : 0;
}

static psa_status_t call_ping(void)
{
    return psa_calls_ping() ? PSA_SUCCESS : PSA_ERROR_COMMUNICATION_FAILURE;
}

/* Goes across and does next to nothing there: a started core is not started again. */
static psa_status_t call_empty(void) { return psa_crypto_init(); }

static psa_status_t call_random(void)
{
    uint8_t out[16];

    return psa_generate_random(out, sizeof out);
}

static psa_status_t call_hash(void)
{
    static const uint8_t in[64] = { 1 };
    uint8_t out[32];
    size_t len;

    return psa_hash_compute(PSA_ALG_SHA_256, in, sizeof in, out, sizeof out, &len);
}

static psa_status_t call_aead(void)
{
    static const uint8_t in[40] = { 1 }, nonce[13] = { 2 }, aad[21] = { 3 };
    uint8_t out[48];
    size_t len;

    return psa_aead_encrypt(aes, PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8), nonce,
                            sizeof nonce, aad, sizeof aad, in, sizeof in, out, sizeof out, &len);
}

static psa_status_t call_mac(void)
{
    static const uint8_t in[64] = { 1 };
    uint8_t out[32];
    size_t len;

    return psa_mac_compute(mac, PSA_ALG_HMAC(PSA_ALG_SHA_256), in, sizeof in, out, sizeof out,
                           &len);
}

static const uint8_t stored[64] = { 1 };

static psa_status_t call_its_get(void)
{
    uint8_t out[sizeof stored];
    size_t len;

    return psa_its_get(77, 0, sizeof out, out, &len);
}

static psa_status_t call_import(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;

    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_CTR);
    psa_status_t status = psa_import_key(&a, stored, 16, &key);

    return status == PSA_SUCCESS ? psa_destroy_key(key) : status;
}

static psa_status_t call_sign(void)
{
    static const uint8_t digest[32] = { 1 };
    uint8_t out[64];
    size_t len;

    return psa_sign_hash(ecdsa, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, sizeof digest, out,
                         sizeof out, &len);
}

static const char *service = "";

/* CPU of this process and of the service; waiting for a core does not count. */
static double microseconds(void)
{
    double other = 0;
    struct timespec t;
    FILE *f = *service != '\0' ? fopen(service, "r") : NULL;

    if (f != NULL) {
        if (fscanf(f, "%lf", &other) != 1) /* nanoseconds on a core */
            exit(1);
        (void)fclose(f);
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3 + other * 1e-3;
}

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

#define TURNS 25u

typedef struct {
    const char *name;
    psa_status_t (*call)(void);
    unsigned less; /* one in so many of N */
    double trip[TURNS], cpu, crossings;
    unsigned calls;
} item;

static item items[] = {
    { .name = "ping", .call = call_ping, .less = 1 },
    { .name = "empty", .call = call_empty, .less = 1 },
    { .name = "hash", .call = call_hash, .less = 1 },
    { .name = "random", .call = call_random, .less = 1 },
    { .name = "aead", .call = call_aead, .less = 1 },
    { .name = "mac", .call = call_mac, .less = 1 },
    { .name = "get", .call = call_its_get, .less = 1 },
    { .name = "import", .call = call_import, .less = 2 },
    { .name = "sign", .call = call_sign, .less = 20 },
};
#define ITEMS (sizeof items / sizeof items[0])

static bool measure(item *it, unsigned turn, unsigned n)
{
    uint64_t crossings = psa_calls_crossings();
    double cpu = microseconds(), begun = now_us();

    for (unsigned i = 0; i < n; i++) {
        psa_status_t status = it->call();

        if (status != PSA_SUCCESS) {
            (void)fprintf(stderr, "%s: status %ld\n", it->name, (long)status);
            return false;
        }
    }
    it->trip[turn] = (now_us() - begun) / n;
    it->cpu += microseconds() - cpu;
    it->crossings += (double)(psa_calls_crossings() - crossings);
    it->calls += n;
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static bool measure_all(unsigned n)
{
    for (unsigned turn = 0; turn < TURNS; turn++)
        for (size_t i = 0; i < ITEMS; i++)
            if (!measure(&items[i], turn, n / items[i].less / TURNS + 1))
                return false;
    for (size_t i = 0; i < ITEMS; i++) {
        item *it = &items[i];

        qsort(it->trip, TURNS, sizeof it->trip[0], by_value);
        (void)printf("%s trip=%.3f us=%.3f crossings=%.3f\n", it->name, it->trip[TURNS / 4],
                     it->cpu / it->calls, it->crossings / it->calls);
    }
    return true;
}

int main(int argc, char **argv)
{
    unsigned n = argc >= 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    char path[64];

    if (n == 0)
        return 2;
    if (argc > 4) {
        (void)snprintf(path, sizeof path, "/proc/%.20s/schedstat", argv[4]);
        service = path;
    }
    if (!psa_calls_start(argv[1], strcmp(argv[2], "shm") == 0) ||
        psa_crypto_init() != PSA_SUCCESS) {
        (void)fputs("psa_crypto_init failed\n", stderr);
        return 1;
    }
    aes = make(PSA_KEY_TYPE_AES, 128, PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8),
               PSA_KEY_USAGE_ENCRYPT);
    mac = make(PSA_KEY_TYPE_HMAC, 256, PSA_ALG_HMAC(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_MESSAGE);
    ecdsa = make(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
                 PSA_ALG_ECDSA(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_HASH);

    bool done = psa_its_set(77, sizeof stored, stored, 0) == PSA_SUCCESS && measure_all(n) &&
                psa_calls_end();

    return done ? 0 : 1;
}
