/* SPDX-License-Identifier: Apache-2.0
 *
 * Published vectors of key derivation through the wall: the output at once, in pieces, as something
 * to compare with, and as a key.
 * source  RFC 4279 §2, RFC 4615, RFC 5246 §5, RFC 5869, RFC 6070, RFC 7914 §11, Wycheproof
 *         (tests/vectors/psa/README.md) */
#include "tests/psa/vectors.h"

static uint8_t out[1u << 14];

typedef struct {
    psa_algorithm_t alg;
    psa_key_type_t type; /* of the key that holds the secret */
    psa_key_derivation_step_t secret;
} derivation;

static derivation derivation_of(const vector *v)
{
    static const struct {
        const char *op;
        psa_algorithm_t alg; /* a hash is added */
        psa_key_type_t type;
        psa_key_derivation_step_t secret;
    } names[] = {
        { "hkdf", PSA_ALG_HKDF_BASE, PSA_KEY_TYPE_DERIVE, PSA_KEY_DERIVATION_INPUT_SECRET },
        { "extract", PSA_ALG_HKDF_EXTRACT_BASE, PSA_KEY_TYPE_DERIVE,
          PSA_KEY_DERIVATION_INPUT_SECRET },
        { "expand", PSA_ALG_HKDF_EXPAND_BASE, PSA_KEY_TYPE_DERIVE,
          PSA_KEY_DERIVATION_INPUT_SECRET },
        { "prf", PSA_ALG_TLS12_PRF_BASE, PSA_KEY_TYPE_DERIVE, PSA_KEY_DERIVATION_INPUT_SECRET },
        { "psk-to-ms", PSA_ALG_TLS12_PSK_TO_MS_BASE, PSA_KEY_TYPE_DERIVE,
          PSA_KEY_DERIVATION_INPUT_SECRET },
        { "pbkdf2", PSA_ALG_PBKDF2_HMAC_BASE, PSA_KEY_TYPE_PASSWORD,
          PSA_KEY_DERIVATION_INPUT_PASSWORD },
        { "pbkdf2-cmac", PSA_ALG_PBKDF2_AES_CMAC_PRF_128, PSA_KEY_TYPE_PASSWORD,
          PSA_KEY_DERIVATION_INPUT_PASSWORD },
        { "ecjpake-to-pms", PSA_ALG_TLS12_ECJPAKE_TO_PMS, PSA_KEY_TYPE_DERIVE,
          PSA_KEY_DERIVATION_INPUT_SECRET },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].op, v->op) != 0)
            continue;
        psa_algorithm_t hash = vector_has(v, "hash") ? vector_hash(v) : 0;

        return (derivation){ names[i].alg | (hash & PSA_ALG_HASH_MASK), names[i].type,
                             names[i].secret };
    }
    fail_msg("%s:%u: unknown derivation %s", v->file, v->line, v->op);
    return (derivation){ 0 };
}

static void input(const vector *v, psa_key_derivation_operation_t *op, const char *field,
                  psa_key_derivation_step_t step)
{
    tsr_bytes bytes = vector_bytes(v, field);

    if (vector_has(v, field))
        VOK(v, psa_key_derivation_input_bytes(op, step, bytes.ptr, bytes.len));
}

/* Every input, in the order that the algorithms want (PSA Crypto API 1.2, 10.5). The key that holds
 * the secret is destroyed at once: the operation has it. */
static void begin(const vector *v, psa_key_derivation_operation_t *op, psa_key_usage_t usage)
{
    derivation d = derivation_of(v);
    tsr_bytes secret =
        vector_bytes(v, d.secret == PSA_KEY_DERIVATION_INPUT_PASSWORD ? "password" : "secret");
    psa_status_t status;
    psa_key_id_t key = vector_key(d.type, usage, d.alg, secret, &status);

    vector_want(v, PSA_SUCCESS, status, "psa_import_key");
    *op = psa_key_derivation_operation_init();
    VOK(v, psa_key_derivation_setup(op, d.alg));
    if (vector_has(v, "cost"))
        VOK(v, psa_key_derivation_input_integer(op, PSA_KEY_DERIVATION_INPUT_COST,
                                                vector_number(v, "cost")));
    input(v, op, "salt", PSA_KEY_DERIVATION_INPUT_SALT);
    input(v, op, "seed", PSA_KEY_DERIVATION_INPUT_SEED);
    input(v, op, "other", PSA_KEY_DERIVATION_INPUT_OTHER_SECRET);
    VOK(v, psa_key_derivation_input_key(op, d.secret, key));
    VOK(v, psa_destroy_key(key));
    input(v, op, "label", PSA_KEY_DERIVATION_INPUT_LABEL);
    input(v, op, "info", PSA_KEY_DERIVATION_INPUT_INFO);
}

static void end(const vector *v, psa_key_derivation_operation_t *op)
{
    VOK(v, psa_key_derivation_abort(op));
    vector_want(v, PSA_ERROR_BAD_STATE, psa_key_derivation_output_bytes(op, out, 1),
                "output after abort");
}

static void too_much(const vector *v)
{
    psa_key_derivation_operation_t op;
    size_t size = vector_number(v, "size"), left;

    begin(v, &op, PSA_KEY_USAGE_DERIVE);
    VOK(v, psa_key_derivation_get_capacity(&op, &left));
    assert_true(left < size);
    vector_want(v, PSA_ERROR_INVALID_ARGUMENT, psa_key_derivation_set_capacity(&op, size),
                "a capacity above the algorithm's");
    vector_want(v, PSA_ERROR_INSUFFICIENT_DATA, psa_key_derivation_output_bytes(&op, out, size),
                "more output than there is");
    VOK(v, psa_key_derivation_get_capacity(&op, &left));
    assert_int_equal(left, 0);
    end(v, &op);
}

/* What is as slow as its cost says is done once; TLS12_ECJPAKE_TO_PMS is read at once (PSA Crypto
 * API 1.2, 10.5). */
static bool slow(const vector *v) { return vector_number(v, "cost") > 100; }

static bool may_split(const vector *v) { return !slow(v) && strcmp(v->op, "ecjpake-to-pms") != 0; }

static void as_bytes(const vector *v, tsr_bytes want)
{
    psa_key_derivation_operation_t op;
    size_t third = want.len / 3;

    begin(v, &op, PSA_KEY_USAGE_DERIVE);
    VOK(v, psa_key_derivation_output_bytes(&op, out, want.len));
    vector_same(v, want, out, want.len, "at once");
    end(v, &op);

    if (!may_split(v))
        return;
    begin(v, &op, PSA_KEY_USAGE_DERIVE);
    VOK(v, psa_key_derivation_output_bytes(&op, out, third));
    VOK(v, psa_key_derivation_output_bytes(&op, out + third, want.len - third));
    vector_same(v, want, out, want.len, "in pieces");
    end(v, &op);
}

static void as_comparison(const vector *v, tsr_bytes want)
{
    psa_key_derivation_operation_t op;

    begin(v, &op, PSA_KEY_USAGE_VERIFY_DERIVATION);
    VOK(v, psa_key_derivation_verify_bytes(&op, want.ptr, want.len));
    end(v, &op);

    memcpy(out, want.ptr, want.len);
    out[want.len - 1] ^= 0x80;
    begin(v, &op, PSA_KEY_USAGE_VERIFY_DERIVATION);
    vector_want(v, PSA_ERROR_INVALID_SIGNATURE, psa_key_derivation_verify_bytes(&op, out, want.len),
                "other bytes");
    end(v, &op);

    begin(v, &op, PSA_KEY_USAGE_VERIFY_DERIVATION);
    vector_want(v, PSA_ERROR_NOT_PERMITTED, psa_key_derivation_output_bytes(&op, out, want.len),
                "output of a key that may only be compared with");
    VOK(v, psa_key_derivation_abort(&op));
}

static void as_key(const vector *v, tsr_bytes want)
{
    psa_key_attributes_t a =
        wall_attributes(PSA_KEY_TYPE_RAW_DATA, 8 * want.len, PSA_KEY_USAGE_EXPORT, 0);
    psa_key_derivation_operation_t op;
    psa_key_id_t key;
    size_t len;

    if (want.len > PSA_MAX_KEY_BITS / 8) /* no key is that long */
        return;
    begin(v, &op, PSA_KEY_USAGE_DERIVE);
    VOK(v, psa_key_derivation_output_key(&a, &op, &key));
    end(v, &op);
    VOK(v, psa_export_key(key, out, sizeof out, &len));
    vector_same(v, want, out, len, "as a key");
    VOK(v, psa_destroy_key(key));
}

static void test_derivation(void **state)
{
    vector v = vector_open("derive.txt");

    (void)state;
    while (vector_next(&v)) {
        tsr_bytes want = vector_bytes(&v, "out");

        if (vector_is(&v, "refused")) {
            too_much(&v);
            continue;
        }
        as_bytes(&v, want);
        if (!slow(&v)) {
            as_key(&v, want);
            as_comparison(&v, want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derivation),
        cmocka_unit_test(wall_left_nothing),
    };

    return cmocka_run_group_tests(tests, wall_open, wall_close);
}
