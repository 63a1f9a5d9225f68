/* SPDX-License-Identifier: Apache-2.0
 *
 * One end of a J-PAKE exchange, for test_jpake.py: `jpake_end USER PEER PASSWORD`. It writes its
 * values in hex, one a line, reads the peer's, and in the end writes what the shared key derives:
 * 32 bytes of HKDF-SHA-256 with the info "tessera", and the TLS 1.2 premaster secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

static void must(psa_status_t status, const char *what)
{
    if (status == PSA_SUCCESS)
        return;
    (void)printf("%s: %d\n", what, (int)status);
    exit(1);
}

#define MUST(call) must((call), #call)

static void say(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)printf("%02x", bytes[i]);
    (void)printf("\n");
    (void)fflush(stdout);
}

static size_t hear(uint8_t *bytes, size_t size)
{
    char line[256];
    size_t len = 0;
    unsigned value;

    if (fgets(line, sizeof line, stdin) == NULL)
        exit(2);
    while (len < size && sscanf(line + 2 * len, "%2x", &value) == 1)
        bytes[len++] = (uint8_t)value;
    return len;
}

/* One round: so many triples of key share, public value and proof, out and in. */
static void go_round(psa_pake_operation_t *op, int triples)
{
    uint8_t value[PSA_PAKE_OUTPUT_MAX_SIZE];
    size_t len;

    for (int i = 0; i < triples; i++)
        for (int step = PSA_PAKE_STEP_KEY_SHARE; step <= PSA_PAKE_STEP_ZK_PROOF; step++) {
            MUST(psa_pake_output(op, (psa_pake_step_t)step, value, sizeof value, &len));
            say(value, len);
        }
    for (int i = 0; i < triples; i++)
        for (int step = PSA_PAKE_STEP_KEY_SHARE; step <= PSA_PAKE_STEP_ZK_PROOF; step++) {
            len = hear(value, sizeof value);
            MUST(psa_pake_input(op, (psa_pake_step_t)step, value, len));
        }
}

static void derive(psa_key_id_t key, psa_algorithm_t alg)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t out[32];

    MUST(psa_key_derivation_setup(&op, alg));
    MUST(psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_SECRET, key));
    if (PSA_ALG_IS_HKDF(alg))
        MUST(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO,
                                            (const uint8_t *)"tessera", 7));
    MUST(psa_key_derivation_output_bytes(&op, out, sizeof out));
    MUST(psa_key_derivation_abort(&op));
    say(out, sizeof out);
}

/* The whole exchange, and a key for `alg` out of it. */
static void exchange(char **words, psa_algorithm_t alg)
{
    psa_pake_cipher_suite_t suite = PSA_PAKE_CIPHER_SUITE_INIT;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_pake_operation_t op = PSA_PAKE_OPERATION_INIT;
    psa_key_id_t password, shared;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_PASSWORD);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_JPAKE(PSA_ALG_SHA_256));
    MUST(psa_import_key(&attributes, (const uint8_t *)words[3], strlen(words[3]), &password));
    psa_pake_cs_set_algorithm(&suite, PSA_ALG_JPAKE(PSA_ALG_SHA_256));
    psa_pake_cs_set_primitive(
        &suite, PSA_PAKE_PRIMITIVE(PSA_PAKE_PRIMITIVE_TYPE_ECC, PSA_ECC_FAMILY_SECP_R1, 256));
    psa_pake_cs_set_key_confirmation(&suite, PSA_PAKE_UNCONFIRMED_KEY);
    MUST(psa_pake_setup(&op, password, &suite));
    MUST(psa_pake_set_user(&op, (const uint8_t *)words[1], strlen(words[1])));
    MUST(psa_pake_set_peer(&op, (const uint8_t *)words[2], strlen(words[2])));
    go_round(&op, 2);
    go_round(&op, 1);

    psa_reset_key_attributes(&attributes);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, alg);
    MUST(psa_pake_get_shared_key(&op, &attributes, &shared));
    derive(shared, alg);
    MUST(psa_destroy_key(shared));
    MUST(psa_destroy_key(password));
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    MUST(psa_crypto_init());
    exchange(argv, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    exchange(argv, PSA_ALG_TLS12_ECJPAKE_TO_PMS);
    return 0;
}
