/* SPDX-License-Identifier: Apache-2.0
 *
 * psa_calls SOCKET N [PID]: CPU of PSA calls, N of each, and how often each goes across the wall;
 * with PID, that of the service is counted too. Linked twice: with psa/client and the gate, and
 * with the PSA core in the process. Prints "call us=... crossings=..." lines. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "benches/psa_calls.h"
#include "psa/crypto.h"

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

static int measure(const char *name, psa_status_t (*call)(void), unsigned n)
{
    uint64_t crossings = psa_calls_crossings();
    double start = microseconds();

    for (unsigned i = 0; i < n; i++) {
        psa_status_t status = call();

        if (status != PSA_SUCCESS) {
            (void)fprintf(stderr, "%s: status %ld\n", name, (long)status);
            return 1;
        }
    }
    (void)printf("%s us=%.3f crossings=%.3f\n", name, (microseconds() - start) / n,
                 (double)(psa_calls_crossings() - crossings) / n);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned n = argc >= 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    char path[64];

    if (n == 0)
        return 2;
    if (argc > 3) {
        (void)snprintf(path, sizeof path, "/proc/%.20s/schedstat", argv[3]);
        service = path;
    }
    psa_calls_start(argv[1]);
    if (psa_crypto_init() != PSA_SUCCESS) {
        (void)fputs("psa_crypto_init failed\n", stderr);
        return 1;
    }
    aes = make(PSA_KEY_TYPE_AES, 128, PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8),
               PSA_KEY_USAGE_ENCRYPT);
    mac = make(PSA_KEY_TYPE_HMAC, 256, PSA_ALG_HMAC(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_MESSAGE);
    ecdsa = make(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
                 PSA_ALG_ECDSA(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_HASH);
    return measure("hash", call_hash, n) + measure("random", call_random, n) +
           measure("aead", call_aead, n) + measure("mac", call_mac, n) +
           measure("sign", call_sign, n / 20 + 1);
}
