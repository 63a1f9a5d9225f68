/* SPDX-License-Identifier: Apache-2.0
 *
 * The public-key operations of a protocol of FDO and nothing else:
 *     bench_fdo_bare 256|384 SIGN VERIFY ECDH PUBLIC RUNS
 * SIGN signatures, VERIFY verifications, ECDH key exchanges (a fresh pair, its public key, the secret) and PUBLIC times the
 * public key of a pair, RUNS times, of random hashes, with keys that are made before; prints us= of CPU per run. `bare_run` is what callgrind counts. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <psa/crypto.h>

enum { KINDS = 4 };

typedef struct {
    size_t bits, hash_len;
    psa_algorithm_t alg;
    psa_key_id_t key, public;
    uint8_t hash[48], peer[97], signature[96];
    size_t peer_len, signature_len;
} world;

static void must(psa_status_t status, const char *what)
{
    if (status == PSA_SUCCESS)
        return;
    (void)fprintf(stderr, "fdo_bare: %s: status %ld\n", what, (long)status);
    exit(1);
}

static double cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static psa_key_id_t fresh(const world *w, psa_algorithm_t alg, psa_key_usage_t usage)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, w->bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, usage);
    must(psa_generate_key(&a, &id), "psa_generate_key");
    return id;
}

static void public_of(world *w)
{
    must(psa_export_public_key(w->key, w->peer, sizeof w->peer, &w->peer_len), "psa_export_public_key");
}

static void make_world(world *w, size_t bits)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    must(psa_crypto_init(), "psa_crypto_init");
    w->bits = bits;
    w->hash_len = bits / 8;
    w->alg = PSA_ALG_ECDSA(bits == 384 ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256);
    w->key = fresh(w, w->alg, PSA_KEY_USAGE_SIGN_HASH);
    public_of(w);
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_algorithm(&a, w->alg);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_VERIFY_HASH);
    must(psa_import_key(&a, w->peer, w->peer_len, &w->public), "psa_import_key");
    must(psa_generate_random(w->hash, sizeof w->hash), "psa_generate_random");
}

static void sign(world *w)
{
    must(psa_sign_hash(w->key, w->alg, w->hash, w->hash_len, w->signature, sizeof w->signature,
                       &w->signature_len),
         "psa_sign_hash");
}

static void verify(world *w)
{
    must(psa_verify_hash(w->public, w->alg, w->hash, w->hash_len, w->signature, w->signature_len),
         "psa_verify_hash");
}

static void exchange(world *w)
{
    uint8_t mine[97], secret[48];
    size_t len;
    psa_key_id_t id = fresh(w, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE);

    must(psa_export_public_key(id, mine, sizeof mine, &len), "psa_export_public_key");
    must(psa_raw_key_agreement(PSA_ALG_ECDH, id, w->peer, w->peer_len, secret, sizeof secret, &len),
         "psa_raw_key_agreement");
    must(psa_destroy_key(id), "psa_destroy_key");
}

void bare_run(world *w, const int count[KINDS]);

__attribute__((noinline)) void bare_run(world *w, const int count[KINDS])
{
    for (int i = 0; i < count[0]; i++)
        sign(w);
    for (int i = 0; i < count[1]; i++)
        verify(w);
    for (int i = 0; i < count[2]; i++)
        exchange(w);
    for (int i = 0; i < count[3]; i++)
        public_of(w);
}

int main(int argc, char **argv)
{
    static world w;
    int count[KINDS] = { 0 }, runs = argc == 3 + KINDS ? atoi(argv[2 + KINDS]) : 0;
    double begun;

    if (runs <= 0) {
        (void)fputs("usage: 256|384 SIGN VERIFY ECDH PUBLIC RUNS\n", stderr);
        return 2;
    }
    for (int i = 0; i < KINDS; i++)
        count[i] = atoi(argv[2 + i]);
    make_world(&w, strcmp(argv[1], "384") == 0 ? 384 : 256);
    sign(&w);
    begun = cpu_us();
    for (int i = 0; i < runs; i++)
        bare_run(&w, count);
    (void)printf("us=%.3f\n", (cpu_us() - begun) / runs);
    return 0;
}
