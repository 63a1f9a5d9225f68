/* SPDX-License-Identifier: Apache-2.0
 *
 * Attestation across the wall: the API's rules, and tokens of a real service taken apart here. The
 * verifier of the server has its own tests; this one uses COSE on the client's side of the wall. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ports/linux/gate/gate.h"
#include "psa/client.h"
#include "psa/client/attest.h"
#include "psa/wire/attest.h"
#include "secure/attest/boot.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"
#include "tests/psa/secured.h"

static secured s;
static const uint8_t challenge[64] = { 1, 2, 3 };

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&s);
    return secured_start(&s, NULL) && psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&s);
    return 0;
}

typedef struct {
    uint8_t token[PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE];
    size_t len;
    tsr_bytes claims; /* the map */
} fetched;

/* Fetches a token and checks its signature with the service's public key. */
static void fetch(fetched *f, size_t challenge_size)
{
    static const tsr_bytes none = { NULL, 0 };
    uint8_t point[65];
    size_t size, len;
    tsr_cose_message m;
    psa_key_id_t key;

    assert_int_equal(psa_initial_attest_get_token_size(challenge_size, &size), PSA_SUCCESS);
    assert_int_equal(
        psa_initial_attest_get_token(challenge, challenge_size, f->token, size, &f->len),
        PSA_SUCCESS);
    assert_int_equal(f->len, size); /* the exact size, and it was enough */
    assert_int_equal(tsr_attest_public_key(point, sizeof point, &len), PSA_SUCCESS);
    assert_int_equal(tsr_cose_read(tsr_view(f->token, f->len), TSR_COSE_SIGN1, &m), TSR_OK);
    assert_true(m.tagged && m.alg == TSR_COSE_ES256 && m.alg_protected);
    assert_int_equal(tsr_cose_point_import(tsr_view(point, len), TSR_COSE_ES256, &key), TSR_OK);
    assert_int_equal(tsr_cose_sign1_verify(&m, key, none, none), TSR_OK);
    f->token[f->len - 1] ^= 1;
    assert_int_equal(tsr_cose_sign1_verify(&m, key, none, none), TSR_E_CRYPTO);
    f->token[f->len - 1] ^= 1;
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    f->claims = m.payload;
}

static tsr_bytes claim(const fetched *f, int64_t label)
{
    tsr_bytes value;

    if (tsr_cose_find(f->claims, label, &value) != TSR_OK)
        fail_msg("no claim %lld", (long long)label);
    return value;
}

static int64_t number(const fetched *f, int64_t label)
{
    tsr_bytes value = claim(f, label);
    int64_t n = 0;

    assert_int_equal(tsr_cbor_get_int(&value, &n), TSR_OK);
    return n;
}

static tsr_bytes bytes(const fetched *f, int64_t label)
{
    tsr_bytes value = claim(f, label), out;

    assert_int_equal(tsr_cbor_get_bytes(&value, &out), TSR_OK);
    return out;
}

static void test_token_has_the_claims_of_rfc9783(void **state)
{
    static fetched f;
    uint8_t point[65], hash[32];
    size_t len;
    tsr_bytes value, text;

    (void)state;
    for (size_t size = 32; size <= 64; size += 16) {
        fetch(&f, size);
        assert_true(tsr_same(bytes(&f, 10), tsr_view(challenge, size)));
    }
    assert_int_equal(tsr_attest_public_key(point, sizeof point, &len), PSA_SUCCESS);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, point, len, hash, sizeof hash, &len),
                     PSA_SUCCESS);
    assert_int_equal(bytes(&f, 256).len, 33);
    assert_int_equal(bytes(&f, 256).ptr[0], 1);
    assert_memory_equal(bytes(&f, 256).ptr + 1, hash, 32);
    value = claim(&f, 265);
    assert_int_equal(tsr_cbor_get_text(&value, &text), TSR_OK);
    assert_true(tsr_same(text, tsr_text("tag:psacertified.org,2023:psa#tfm")));
    assert_int_equal(bytes(&f, 268).len, 32);
    assert_int_equal(number(&f, 2394), -(int64_t)geteuid() - 1); /* as the kernel says */
    assert_int_equal(number(&f, 2395), 0x2000); /* a fresh store is being provisioned */
    assert_int_equal(bytes(&f, 2396).len, 32);
}

/* RFC 8949 §4.2.1: what the device sends is deterministic, so its labels ascend. */
static void test_token_is_deterministic_and_its_seed_lasts(void **state)
{
    static fetched f, g;
    tsr_bytes in;
    uint64_t pairs, before = 0, label;

    (void)state;
    fetch(&f, 32);
    fetch(&g, 32);
    assert_true(tsr_same(f.claims, g.claims));
    in = f.claims;
    assert_int_equal(tsr_cbor_get_map(&in, &pairs), TSR_OK);
    for (; pairs > 0; pairs--, before = label) {
        assert_int_equal(tsr_cbor_get_uint(&in, &label), TSR_OK);
        assert_true(label > before);
        assert_int_equal(tsr_cbor_skip(&in), TSR_OK);
    }
    assert_int_equal(in.len, 0);
}

static void test_key_lasts_and_seed_does_not(void **state)
{
    static fetched f, g;

    (void)state;
    fetch(&f, 32);
    assert_int_equal(secured_stop(&s), 0);
    assert_true(secured_start(&s, NULL));
    fetch(&g, 32);
    assert_true(tsr_same(bytes(&f, 256), bytes(&g, 256)));
    assert_false(tsr_same(bytes(&f, 268), bytes(&g, 268)));
}

/* Without a launcher the service measures itself: the hash of the program that runs. */
static void test_component_is_this_program(void **state)
{
    static fetched f;
    static uint8_t block[1u << 16];
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;
    FILE *program = fopen(TSR_SECURED_BIN, "rb");
    uint8_t hash[32];
    size_t len;
    tsr_bytes list, value, measured;
    uint64_t count;

    (void)state;
    assert_non_null(program);
    assert_int_equal(psa_hash_setup(&op, PSA_ALG_SHA_256), PSA_SUCCESS);
    while ((len = fread(block, 1, sizeof block, program)) > 0)
        assert_int_equal(psa_hash_update(&op, block, len), PSA_SUCCESS);
    assert_int_equal(psa_hash_finish(&op, hash, sizeof hash, &len), PSA_SUCCESS);
    (void)fclose(program);
    fetch(&f, 32);
    list = claim(&f, 2399);
    assert_int_equal(tsr_cbor_get_array(&list, &count), TSR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(tsr_cose_find(list, 2, &value), TSR_OK);
    assert_int_equal(tsr_cbor_get_bytes(&value, &measured), TSR_OK);
    assert_true(tsr_same(measured, tsr_view(hash, 32)));
}

/* PSA Attestation API: the errors of both calls. */
static void test_errors_are_those_of_the_api(void **state)
{
    uint8_t room[PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE];
    size_t len = 7, size;

    (void)state;
    for (size_t n = 0; n <= 80; n++) {
        bool good = n == 32 || n == 48 || n == 64;
        uint8_t longer[80] = { 0 };

        len = 7;
        assert_int_equal(psa_initial_attest_get_token(longer, n, room, sizeof room, &len),
                         good ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT);
        assert_true(good == (len > 0));
        len = 7;
        assert_int_equal(psa_initial_attest_get_token_size(n, &len),
                         good ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT);
        assert_true(good == (len > 0));
    }
    assert_int_equal(psa_initial_attest_get_token_size(32, &size), PSA_SUCCESS);
    assert_int_equal(psa_initial_attest_get_token(challenge, 32, room, 0, &len),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_initial_attest_get_token(challenge, 32, NULL, 10, &len),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_initial_attest_get_token(NULL, 32, room, sizeof room, &len),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_initial_attest_get_token(challenge, 32, room, sizeof room, NULL),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_initial_attest_get_token_size(32, NULL), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_initial_attest_get_token(challenge, 32, room, 1, &len),
                     PSA_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(psa_initial_attest_get_token(challenge, 32, room, 31, &len),
                     PSA_ERROR_BUFFER_TOO_SMALL);
    memset(room, 0x55, sizeof room);
    assert_int_equal(psa_initial_attest_get_token(challenge, 32, room, size - 1, &len),
                     PSA_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 0);
    for (size_t i = 0; i < sizeof room; i++)
        assert_int_equal(room[i], 0x55);
}

/* The same rules hold when a client skips our library. */
static void test_service_checks_for_itself(void **state)
{
    uint8_t block[TSR_WIRE_ATTEST] = { 0, 0, 0, 32 }, room[1024];
    psa_invec in[3] = { { block, sizeof block }, { challenge, 32 }, { challenge, 32 } };
    psa_outvec out[2] = { { room, sizeof room }, { room, 0 } };

    (void)state;
#define CALL(type, n_in, n_out) psa_call(TSR_PSA_ATTEST_HANDLE, type, in, n_in, out, n_out)
    assert_int_equal(CALL(0, 1, 1), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(CALL(99, 1, 1), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 0, 1), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 1, 1), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 3, 1), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 2, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 2, 2), PSA_ERROR_PROGRAMMER_ERROR);
    in[0].len = 3;
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 2, 1), PSA_ERROR_PROGRAMMER_ERROR);
    in[0].len = 4;
    in[1].len = 31;
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 2, 1), PSA_ERROR_INVALID_ARGUMENT);
    in[1].len = 32;
    out[0].len = 0;
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 2, 1), PSA_ERROR_INVALID_ARGUMENT);
    out[0].len = 40;
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN, 2, 1), PSA_ERROR_BUFFER_TOO_SMALL);
    out[0].len = 64;
    assert_int_equal(CALL(TSR_ATTEST_GET_KEY, 1, 1), PSA_ERROR_BUFFER_TOO_SMALL);
    out[0].len = 3;
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN_SIZE, 1, 1), PSA_ERROR_PROGRAMMER_ERROR);
    block[3] = 33;
    out[0].len = 4;
    assert_int_equal(CALL(TSR_ATTEST_GET_TOKEN_SIZE, 1, 1), PSA_ERROR_INVALID_ARGUMENT);
#undef CALL
}

/* No client can use or export the attestation key by its number. */
static void test_key_is_out_of_reach(void **state)
{
    uint8_t room[128], hash[32] = { 0 };
    size_t len;

    (void)state;
    assert_int_not_equal(psa_export_key(1, room, sizeof room, &len), PSA_SUCCESS);
    assert_int_not_equal(psa_sign_hash(1, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof hash, room,
                                       sizeof room, &len),
                         PSA_SUCCESS);
}

static int sealed_record(const tsr_boot_record *r, size_t more)
{
    static uint8_t room[TSR_BOOT_RECORD_MAX + 64];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    int fd = memfd_create("boot-record", MFD_ALLOW_SEALING);

    tsr_boot_record_write(&out, r);
    assert_int_equal(out.err, TSR_OK);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, room, out.len + more), (ssize_t)(out.len + more));
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    return fd;
}

static tsr_boot_record record_of(size_t count)
{
    static const uint8_t hashes[3][32] = { { 1 }, { 2 }, { 3 } };
    static const uint8_t seed[32] = { 0x5e, 0xed };
    static const char *const types[] = { "BL", "PRoT", "App" };
    tsr_boot_record r = { .seed = tsr_view(seed, 32), .count = count };

    for (size_t i = 0; i < count; i++)
        r.component[i] = (tsr_boot_component){ .type = tsr_text(types[i]),
                                               .measurement = tsr_view(hashes[i], 32),
                                               .version = tsr_text("2.0.0"),
                                               .signer = tsr_view(hashes[2 - i], 32),
                                               .description = tsr_text("sha-256") };
    return r;
}

static bool start_with_record(const tsr_boot_record *r, size_t more)
{
    int fd = sealed_record(r, more);
    bool up;

    s.give = fd;
    up = secured_start(&s, (const char *const[]){ "--boot-record-fd", "10", NULL });
    s.give = 0;
    (void)close(fd);
    return up;
}

static void test_launchers_record_is_in_the_token(void **state)
{
    static fetched f;
    static uint8_t room[1024];
    tsr_boot_record r = record_of(3);
    tsr_buf expected = tsr_buf_over(room, sizeof room);

    (void)state;
    assert_int_equal(secured_stop(&s), 0);
    assert_true(start_with_record(&r, 0));
    fetch(&f, 48);
    tsr_cbor_put_array(&expected, 3);
    for (size_t i = 0; i < 3; i++)
        tsr_boot_component_write(&expected, &r.component[i]);
    assert_true(tsr_same(claim(&f, 2399), tsr_buf_view(&expected)));
    assert_true(tsr_same(bytes(&f, 268), r.seed));
}

static void test_bad_record_is_no_start(void **state)
{
    tsr_boot_record r = record_of(1), none = record_of(0);

    (void)state;
    assert_int_equal(secured_stop(&s), 0);
    assert_false(start_with_record(&r, 1));
    assert_true(secured_log_has(&s, "boot-record.failed"));
    assert_false(start_with_record(&none, 0));
    assert_true(secured_log_has(&s, "names no component"));
    assert_false(secured_start(&s, (const char *const[]){ "--boot-record-fd", "40", NULL }));
    assert_true(secured_start(&s, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_has_the_claims_of_rfc9783),
        cmocka_unit_test(test_token_is_deterministic_and_its_seed_lasts),
        cmocka_unit_test(test_key_lasts_and_seed_does_not),
        cmocka_unit_test(test_component_is_this_program),
        cmocka_unit_test(test_errors_are_those_of_the_api),
        cmocka_unit_test(test_service_checks_for_itself),
        cmocka_unit_test(test_key_is_out_of_reach),
        cmocka_unit_test(test_launchers_record_is_in_the_token),
        cmocka_unit_test(test_bad_record_is_no_start),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
