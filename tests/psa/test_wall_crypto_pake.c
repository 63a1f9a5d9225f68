/* SPDX-License-Identifier: Apache-2.0
 *
 * J-PAKE across the wall, under the final names. source  PSA Crypto API 1.2 PAKE Extension */
#include "tests/psa/wall.h"

#define JPAKE PSA_ALG_JPAKE(PSA_ALG_SHA_256)
#define P256  PSA_PAKE_PRIMITIVE(PSA_PAKE_PRIMITIVE_TYPE_ECC, PSA_ECC_FAMILY_SECP_R1, 256)

static psa_pake_cipher_suite_t suite(psa_algorithm_t alg, psa_pake_primitive_t primitive,
                                     uint32_t confirmation)
{
    psa_pake_cipher_suite_t s = PSA_PAKE_CIPHER_SUITE_INIT;

    psa_pake_cs_set_algorithm(&s, alg);
    psa_pake_cs_set_primitive(&s, primitive);
    psa_pake_cs_set_key_confirmation(&s, confirmation);
    return s;
}

static psa_key_id_t password(const char *text)
{
    return wall_import(PSA_KEY_TYPE_PASSWORD, PSA_KEY_USAGE_DERIVE, JPAKE, (const uint8_t *)text,
                       strlen(text));
}

static void begin(psa_pake_operation_t *op, psa_key_id_t key, const char *user, const char *peer)
{
    psa_pake_cipher_suite_t s = suite(JPAKE, P256, PSA_PAKE_UNCONFIRMED_KEY);

    OK(psa_pake_setup(op, key, &s));
    OK(psa_pake_set_role(op, PSA_PAKE_ROLE_NONE));
    OK(psa_pake_set_user(op, (const uint8_t *)user, strlen(user)));
    OK(psa_pake_set_peer(op, (const uint8_t *)peer, strlen(peer)));
}

/* One message of `parts` triples from one side to the other; the status of its last input. */
static psa_status_t carry(psa_pake_operation_t *from, psa_pake_operation_t *to, int parts,
                          bool damage)
{
    uint8_t out[PSA_PAKE_OUTPUT_MAX_SIZE];
    psa_status_t status = PSA_SUCCESS;
    size_t len;

    for (int i = 0; i < parts; i++)
        for (psa_pake_step_t step = PSA_PAKE_STEP_KEY_SHARE; step <= PSA_PAKE_STEP_ZK_PROOF;
             step++) {
            OK(psa_pake_output(from, step, out, sizeof out, &len));
            assert_true(len > 0 && len <= PSA_PAKE_OUTPUT_SIZE(JPAKE, P256, step));
            if (damage && step == PSA_PAKE_STEP_ZK_PROOF)
                out[len - 1] ^= 1;
            if (status == PSA_SUCCESS)
                status = psa_pake_input(to, step, out, len);
        }
    return status;
}

static void exchange(psa_pake_operation_t *client, psa_pake_operation_t *server)
{
    OK(carry(client, server, 2, false));
    OK(carry(server, client, 2, false));
    OK(carry(server, client, 1, false));
    OK(carry(client, server, 1, false));
}

static psa_key_id_t secret_of(psa_pake_operation_t *op)
{
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_DERIVE, 0, PSA_KEY_USAGE_DERIVE, PSA_ALG_TLS12_ECJPAKE_TO_PMS);
    psa_key_id_t key = 0;

    OK(psa_pake_get_shared_key(op, &a, &key));
    OK(psa_get_key_attributes(key, &a));
    assert_int_equal(psa_get_key_bits(&a), 65 * 8);
    OK(psa_pake_abort(op)); /* over already: harmless */
    return key;
}

static void premaster(psa_key_id_t secret, uint8_t *out)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;

    OK(psa_key_derivation_setup(&op, PSA_ALG_TLS12_ECJPAKE_TO_PMS));
    OK(psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_SECRET, secret));
    OK(psa_key_derivation_output_bytes(&op, out, 32));
    OK(psa_key_derivation_abort(&op));
    OK(psa_destroy_key(secret));
}

static void run(const char *one, const char *two, uint8_t out[2][32])
{
    psa_pake_operation_t client = PSA_PAKE_OPERATION_INIT, server = PSA_PAKE_OPERATION_INIT;
    psa_key_id_t a = password(one), b = password(two);

    begin(&client, a, "client", "server");
    begin(&server, b, "server", "client");
    exchange(&client, &server);
    premaster(secret_of(&client), out[0]);
    premaster(secret_of(&server), out[1]);
    OK(psa_destroy_key(a));
    OK(psa_destroy_key(b));
}

static void test_jpake_same_password_same_secret(void **state)
{
    uint8_t first[2][32], second[2][32], zero[32] = { 0 };

    (void)state;
    run("threadjpaketest", "threadjpaketest", first);
    assert_memory_equal(first[0], first[1], 32);
    assert_memory_not_equal(first[0], zero, 32);
    run("threadjpaketest", "threadjpaketest", second);
    assert_memory_not_equal(first[0], second[0], 32); /* fresh each time */
}

static void test_jpake_other_password_other_secret(void **state)
{
    uint8_t out[2][32];

    (void)state;
    run("threadjpaketest", "threadjpaketesu", out);
    assert_memory_not_equal(out[0], out[1], 32);
}

static void test_jpake_refuses_a_wrong_proof(void **state)
{
    psa_pake_operation_t client = PSA_PAKE_OPERATION_INIT, server = PSA_PAKE_OPERATION_INIT;
    psa_key_id_t key = password("secret");
    uint8_t out[65];
    size_t len = 1;

    (void)state;
    begin(&client, key, "client", "server");
    begin(&server, key, "server", "client");
    WANT(PSA_ERROR_INVALID_SIGNATURE, carry(&client, &server, 2, true));
    WANT(PSA_ERROR_BAD_STATE,
         psa_pake_output(&server, PSA_PAKE_STEP_KEY_SHARE, out, sizeof out, &len));
    assert_int_equal(len, 0);
    OK(psa_pake_abort(&client));
    OK(psa_pake_abort(&server));
    OK(psa_pake_abort(&server));
    OK(psa_destroy_key(key));
}

static void test_jpake_steps_have_an_order(void **state)
{
    psa_pake_operation_t op = PSA_PAKE_OPERATION_INIT;
    psa_pake_cipher_suite_t s = suite(JPAKE, P256, PSA_PAKE_UNCONFIRMED_KEY);
    psa_key_attributes_t a = wall_attributes(PSA_KEY_TYPE_DERIVE, 0, 0, 0);
    psa_key_id_t key = password("secret"), made = 1;
    uint8_t out[65];
    size_t len;

    (void)state;
    WANT(PSA_ERROR_BAD_STATE, psa_pake_set_user(&op, TEXT("client")));
    WANT(PSA_ERROR_BAD_STATE, psa_pake_output(&op, PSA_PAKE_STEP_KEY_SHARE, out, sizeof out, &len));
    OK(psa_pake_abort(&op));

    OK(psa_pake_setup(&op, key, &s)); /* no names yet */
    WANT(PSA_ERROR_BAD_STATE, psa_pake_setup(&op, key, &s));
    WANT(PSA_ERROR_BAD_STATE, psa_pake_output(&op, PSA_PAKE_STEP_KEY_SHARE, out, sizeof out, &len));
    OK(psa_pake_abort(&op));

    begin(&op, key, "client", "server");
    WANT(PSA_ERROR_BAD_STATE, psa_pake_get_shared_key(&op, &a, &made)); /* too early */
    assert_int_equal(made, PSA_KEY_ID_NULL);
    OK(psa_pake_abort(&op));

    begin(&op, key, "client", "server");
    WANT(PSA_ERROR_BAD_STATE, psa_pake_output(&op, PSA_PAKE_STEP_ZK_PROOF, out, sizeof out, &len));
    OK(psa_pake_abort(&op));
    begin(&op, key, "client", "server");
    OK(psa_pake_output(&op, PSA_PAKE_STEP_KEY_SHARE, out, sizeof out, &len));
    WANT(PSA_ERROR_BAD_STATE, psa_pake_set_user(&op, TEXT("client")));
    OK(psa_pake_abort(&op));

    OK(psa_pake_setup(&op, key, &s));
    OK(psa_pake_set_user(&op, TEXT("client")));
    WANT(PSA_ERROR_BAD_STATE, psa_pake_set_user(&op, TEXT("client")));
    OK(psa_pake_abort(&op));
    OK(psa_pake_setup(&op, key, &s));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_pake_set_user(&op, NULL, 0));
    OK(psa_pake_abort(&op));
    OK(psa_pake_setup(&op, key, &s));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_pake_set_role(&op, PSA_PAKE_ROLE_CLIENT));
    OK(psa_pake_abort(&op));
    OK(psa_pake_setup(&op, key, &s));
    WANT(PSA_ERROR_BAD_STATE, psa_pake_set_context(&op, TEXT("none in J-PAKE")));
    OK(psa_pake_abort(&op));
    begin(&op, key, "client", "server");
    WANT(PSA_ERROR_BUFFER_TOO_SMALL, psa_pake_output(&op, PSA_PAKE_STEP_KEY_SHARE, out, 64, &len));
    OK(psa_pake_abort(&op));
    begin(&op, key, "alice", "bob"); /* names that the back end does not have */
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_pake_output(&op, PSA_PAKE_STEP_KEY_SHARE, out, sizeof out, &len));
    OK(psa_pake_abort(&op));
    OK(psa_destroy_key(key));
}

static void test_jpake_setup_checks_suite_and_key(void **state)
{
    psa_key_id_t key = password("secret");
    psa_key_id_t idle = wall_import(PSA_KEY_TYPE_PASSWORD, PSA_KEY_USAGE_EXPORT, JPAKE, TEXT("x"));
    psa_key_id_t raw = wall_import(PSA_KEY_TYPE_RAW_DATA, PSA_KEY_USAGE_DERIVE, JPAKE, TEXT("x"));
    psa_key_id_t other = wall_import(PSA_KEY_TYPE_PASSWORD, PSA_KEY_USAGE_DERIVE,
                                     PSA_ALG_JPAKE(PSA_ALG_SHA_384), TEXT("x"));
    psa_key_id_t zero =
        wall_import_hex(PSA_KEY_TYPE_PASSWORD, PSA_KEY_USAGE_DERIVE, JPAKE, "0000000000");
    psa_pake_primitive_t p384 =
        PSA_PAKE_PRIMITIVE(PSA_PAKE_PRIMITIVE_TYPE_ECC, PSA_ECC_FAMILY_SECP_R1, 384);
    const struct {
        psa_key_id_t key;
        psa_algorithm_t alg;
        psa_pake_primitive_t primitive;
        uint32_t confirmation;
        psa_status_t want;
    } cases[] = {
        { 4711, JPAKE, P256, 1, PSA_ERROR_INVALID_HANDLE },
        { key, PSA_ALG_SHA_256, P256, 1, PSA_ERROR_INVALID_ARGUMENT },
        { key, PSA_ALG_SPAKE2P_HMAC(PSA_ALG_SHA_256), P256, 1, PSA_ERROR_NOT_SUPPORTED },
        { key, PSA_ALG_JPAKE(PSA_ALG_SHA_384), P256, 1, PSA_ERROR_NOT_SUPPORTED },
        { key, JPAKE, p384, 1, PSA_ERROR_NOT_SUPPORTED },
        { key, JPAKE, P256, PSA_PAKE_CONFIRMED_KEY, PSA_ERROR_INVALID_ARGUMENT },
        { idle, JPAKE, P256, 1, PSA_ERROR_NOT_PERMITTED },
        { other, JPAKE, P256, 1, PSA_ERROR_NOT_PERMITTED },
        { raw, JPAKE, P256, 1, PSA_ERROR_INVALID_ARGUMENT },
        { zero, JPAKE, P256, 1, PSA_ERROR_INVALID_ARGUMENT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psa_pake_operation_t op = PSA_PAKE_OPERATION_INIT;
        psa_pake_cipher_suite_t s = suite(cases[i].alg, cases[i].primitive, cases[i].confirmation);

        WANT(cases[i].want, psa_pake_setup(&op, cases[i].key, &s));
        WANT(PSA_ERROR_BAD_STATE, psa_pake_set_user(&op, TEXT("client"))); /* still idle */
        OK(psa_pake_abort(&op));
    }
    OK(psa_destroy_key(key));
    OK(psa_destroy_key(idle));
    OK(psa_destroy_key(raw));
    OK(psa_destroy_key(other));
    OK(psa_destroy_key(zero));
}

static void test_jpake_secret_is_no_cipher_key(void **state)
{
    psa_pake_operation_t client = PSA_PAKE_OPERATION_INIT, server = PSA_PAKE_OPERATION_INIT;
    psa_key_id_t key = password("secret"), made = 1;
    psa_key_attributes_t aes = wall_attributes(PSA_KEY_TYPE_AES, 0, 0, PSA_ALG_CTR);
    psa_key_attributes_t small = wall_attributes(PSA_KEY_TYPE_DERIVE, 256, 0, 0);

    (void)state;
    begin(&client, key, "client", "server");
    begin(&server, key, "server", "client");
    exchange(&client, &server);
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_pake_get_shared_key(&client, &aes, &made));
    assert_int_equal(made, PSA_KEY_ID_NULL);
    WANT(PSA_ERROR_BAD_STATE, psa_pake_get_shared_key(&client, &aes, &made));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_pake_get_shared_key(&server, &small, &made));
    OK(psa_pake_abort(&client));
    OK(psa_pake_abort(&server));
    OK(psa_destroy_key(key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpake_same_password_same_secret),
        cmocka_unit_test(test_jpake_other_password_other_secret),
        cmocka_unit_test(test_jpake_refuses_a_wrong_proof),
        cmocka_unit_test(test_jpake_steps_have_an_order),
        cmocka_unit_test(test_jpake_setup_checks_suite_and_key),
        cmocka_unit_test(test_jpake_secret_is_no_cipher_key),
        cmocka_unit_test(wall_left_nothing),
    };

    return cmocka_run_group_tests(tests, wall_open, wall_close);
}
