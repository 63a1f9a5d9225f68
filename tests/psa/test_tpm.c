/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys in a TPM, and the root key sealed to it: a real tessera-secured in its sandbox, and a real
 * software TPM, which is killed, stopped, restarted and exchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "psa/key_location.h"
#include "psa/protected_storage.h"
#include "tests/psa/hex.h"
#include "tests/psa/secured.h"
#include "tests/psa/software_end.h"
#include "tests/psa/swtpm.h"

#define WANT(status, call) assert_int_equal((call), (status))
#define OK(call)           WANT(PSA_SUCCESS, call)
#define TEXT(s)            (const uint8_t *)(s), sizeof(s) - 1

#define P256     PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1)
#define ECDSA256 PSA_ALG_ECDSA(PSA_ALG_SHA_256)
#define HKDF     PSA_ALG_HKDF(PSA_ALG_SHA_256)
#define AT(persistence, location)                                                                  \
    PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION((psa_key_persistence_t)(persistence), location)
#define CHIP 0u
#define TPM  TSR_KEY_LOCATION_TPM
#define SIGN                                                                                       \
    (PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH | PSA_KEY_USAGE_SIGN_MESSAGE |            \
     PSA_KEY_USAGE_VERIFY_MESSAGE)

static const psa_key_location_t places[] = { CHIP, TPM };

static secured service;
static swtpm tpm;
static char state[96], other_state[96];
static const char *with_tpm[] = { "--tpm", tpm.tcti, NULL };

static int set_up(void **unused)
{
    (void)unused;
    secured_prepare(&service);
    swtpm_prepare(&tpm);
    (void)snprintf(state, sizeof state, "%s/tpm", service.dir);
    (void)snprintf(other_state, sizeof other_state, "%s/other", service.dir);
    swtpm_start(&tpm, state);
    return secured_start(&service, with_tpm) && psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int tear_down(void **unused)
{
    (void)unused;
    (void)secured_stop(&service);
    swtpm_kill(&tpm);
    swtpm_remove(state);
    swtpm_remove(other_state);
    secured_clean(&service);
    return 0;
}

static psa_key_attributes_t attributes(psa_key_lifetime_t lifetime, psa_key_id_t id,
                                       psa_key_usage_t usage, psa_algorithm_t alg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, P256);
    psa_set_key_bits(&a, 256);
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    if (id != 0)
        psa_set_key_id(&a, id);
    psa_set_key_lifetime(&a, lifetime);
    return a;
}

static psa_key_id_t generate(psa_key_lifetime_t lifetime, psa_key_id_t id, psa_key_usage_t usage,
                             psa_algorithm_t alg)
{
    psa_key_attributes_t a = attributes(lifetime, id, usage, alg);
    psa_key_id_t key = 0;

    OK(psa_generate_key(&a, &key));
    return key;
}

static psa_status_t sign_once(psa_key_id_t key)
{
    uint8_t hash[32] = { 3 }, sig[64];
    size_t len;

    return psa_sign_hash(key, ECDSA256, hash, 32, sig, sizeof sig, &len);
}

static long now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void check_signatures(psa_key_id_t key)
{
    uint8_t point[65], hash[64], sig[64];
    size_t len;

    memset(hash, 0xa7, sizeof hash);
    OK(psa_export_public_key(key, point, sizeof point, &len));
    assert_int_equal(len, 65);
    OK(psa_sign_hash(key, ECDSA256, hash, 32, sig, sizeof sig, &len));
    assert_int_equal(len, 64);
    assert_true(software_verifies(point, hash, 32, sig));
    OK(psa_verify_hash(key, ECDSA256, hash, 32, sig, 64));
    hash[0] ^= 1;
    assert_false(software_verifies(point, hash, 32, sig));
    WANT(PSA_ERROR_INVALID_SIGNATURE, psa_verify_hash(key, ECDSA256, hash, 32, sig, 64));
    OK(psa_sign_message(key, ECDSA256, TEXT("message"), sig, sizeof sig, &len));
    OK(psa_verify_message(key, ECDSA256, TEXT("message"), sig, len));
    OK(psa_hash_compute(PSA_ALG_SHA_256, TEXT("message"), hash, sizeof hash, &len));
    assert_true(software_verifies(point, hash, 32, sig));
    /* a longer hash than the curve: its leftmost bits count */
    OK(psa_sign_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_384), hash, 48, sig, sizeof sig, &len));
    assert_true(software_verifies(point, hash, 48, sig));
}

static void test_tpm_same_calls_on_and_off_the_chip(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        psa_key_id_t key = generate(AT(0, places[i]), 0, SIGN, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
        psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

        for (int n = 0; n < 5; n++)
            check_signatures(key);
        OK(psa_get_key_attributes(key, &a));
        assert_int_equal(psa_get_key_lifetime(&a), AT(0, places[i]));
        assert_int_equal(psa_get_key_type(&a), P256);
        assert_int_equal(psa_get_key_bits(&a), 256);
        OK(psa_destroy_key(key));
        WANT(PSA_ERROR_INVALID_HANDLE, sign_once(key));
    }
}

static void test_tpm_policy_is_the_same_as_on_the_chip(void **unused)
{
    uint8_t hash[48] = { 1 }, out[128];
    size_t len;

    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        psa_key_id_t sign = generate(AT(0, places[i]), 0, PSA_KEY_USAGE_SIGN_HASH, ECDSA256);
        psa_key_id_t agree = generate(AT(0, places[i]), 0, PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH);
        psa_key_id_t none = generate(AT(0, places[i]), 0, 0, ECDSA256);

        OK(sign_once(sign));
        WANT(PSA_ERROR_NOT_PERMITTED, sign_once(none));
        WANT(PSA_ERROR_NOT_PERMITTED, sign_once(agree));
        WANT(PSA_ERROR_NOT_PERMITTED,
             psa_sign_hash(sign, PSA_ALG_ECDSA(PSA_ALG_SHA_384), hash, 48, out, sizeof out, &len));
        WANT(PSA_ERROR_NOT_PERMITTED, psa_verify_hash(sign, ECDSA256, hash, 32, out, 64));
        WANT(PSA_ERROR_NOT_PERMITTED, psa_export_key(sign, out, sizeof out, &len));
        WANT(PSA_ERROR_NOT_PERMITTED,
             psa_raw_key_agreement(PSA_ALG_ECDH, sign, out, 65, out, sizeof out, &len));
        WANT(PSA_ERROR_BUFFER_TOO_SMALL, psa_sign_hash(sign, ECDSA256, hash, 32, out, 63, &len));
        OK(psa_destroy_key(sign));
        OK(psa_destroy_key(agree));
        OK(psa_destroy_key(none));
    }
}

static void test_tpm_does_not_give_out_or_copy_keys(void **unused)
{
    psa_key_id_t key =
        generate(AT(0, TPM), 0, SIGN | PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_COPY, ECDSA256);
    psa_key_attributes_t a = attributes(AT(0, CHIP), 0, SIGN, ECDSA256);
    psa_key_id_t made = 0;
    uint8_t out[64];
    size_t len;

    (void)unused;
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_export_key(key, out, sizeof out, &len));
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_copy_key(key, &a, &made));
    a = attributes(AT(0, TPM), 0, SIGN, ECDSA256);
    psa_set_key_bits(&a, 384);
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_generate_key(&a, &made));
    a = attributes(AT(0, TPM), 0, PSA_KEY_USAGE_ENCRYPT, PSA_ALG_CTR);
    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_generate_key(&a, &made));
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_import_key(&a, TEXT("0123456789abcdef0123456789abcdef"), &made));
    a = attributes(AT(0, TSR_KEY_LOCATION_TPM + 1), 0, SIGN, ECDSA256);
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_generate_key(&a, &made));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_sign_hash(key, ECDSA256, out, 31, out, sizeof out, &len));
    OK(psa_destroy_key(key));
    key = generate(AT(0, TPM), 0, SIGN, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256));
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_sign_message(key, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256), TEXT("m"), out,
                          sizeof out, &len));
    OK(psa_destroy_key(key));
}

/* The key pair of RFC 6979 §A.2.5 */
static void test_tpm_takes_a_key_in(void **unused)
{
    hex_bytes x = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    hex_bytes u = hex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                      "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    psa_key_attributes_t a = attributes(AT(1, TPM), 9, SIGN, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    uint8_t point[65], zeros[33] = { 0 };
    psa_key_id_t key;
    size_t len;

    (void)unused;
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_import_key(&a, zeros, 32, &key));
    WANT(PSA_ERROR_INVALID_ARGUMENT, psa_import_key(&a, x.at, 31, &key));
    psa_set_key_bits(&a, 0);
    OK(psa_import_key(&a, x.at, x.len, &key));
    WANT(PSA_ERROR_ALREADY_EXISTS, psa_import_key(&a, x.at, x.len, &key));
    OK(psa_export_public_key(9, point, sizeof point, &len));
    assert_int_equal(len, u.len);
    assert_memory_equal(point, u.at, len);
    check_signatures(9);
    OK(psa_get_key_attributes(9, &a));
    assert_int_equal(psa_get_key_bits(&a), 256);
    OK(psa_destroy_key(9));
}

static void derive(psa_key_id_t key, const uint8_t peer[65], uint8_t out[32])
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;

    OK(psa_key_derivation_setup(&op, PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, HKDF)));
    OK(psa_key_derivation_key_agreement(&op, PSA_KEY_DERIVATION_INPUT_SECRET, key, peer, 65));
    OK(psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_INFO, TEXT("info")));
    OK(psa_key_derivation_output_bytes(&op, out, 32));
    OK(psa_key_derivation_abort(&op));
}

static void test_tpm_agrees_with_a_software_end(void **unused)
{
    psa_key_id_t key = generate(AT(0, TPM), 0, PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH);
    psa_key_id_t mixed =
        generate(AT(0, TPM), 0, PSA_KEY_USAGE_DERIVE, PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, HKDF));
    psa_key_id_t near =
        generate(AT(0, CHIP), 0, PSA_KEY_USAGE_DERIVE, PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, HKDF));
    uint8_t point[65], peer[65], theirs[32], ours[32];
    size_t len;

    (void)unused;
    OK(psa_export_public_key(key, point, sizeof point, &len));
    for (int i = 0; i < 10; i++) {
        assert_true(software_agrees(point, peer, theirs));
        OK(psa_raw_key_agreement(PSA_ALG_ECDH, key, peer, 65, ours, sizeof ours, &len));
        assert_int_equal(len, 32);
        assert_memory_equal(ours, theirs, 32);
    }
    peer[64] ^= 1; /* off the curve */
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         psa_raw_key_agreement(PSA_ALG_ECDH, key, peer, 65, ours, sizeof ours, &len));
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         psa_raw_key_agreement(PSA_ALG_ECDH, key, peer, 64, ours, sizeof ours, &len));
    peer[0] = 2;
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         psa_raw_key_agreement(PSA_ALG_ECDH, key, peer, 65, ours, sizeof ours, &len));
    OK(psa_export_public_key(near, peer, sizeof peer, &len));
    OK(psa_export_public_key(mixed, point, sizeof point, &len));
    derive(mixed, peer, ours);
    derive(near, point, theirs);
    assert_memory_equal(ours, theirs, 32);
    OK(psa_destroy_key(key));
    OK(psa_destroy_key(mixed));
    OK(psa_destroy_key(near));
}

/* Every life of the service leaves the TPM as it found it, even one that was killed: without a
 * resource manager the TPM has room for three objects. */
static void test_tpm_persistent_key_outlives_the_service(void **unused)
{
    uint8_t before[65], after[65];
    size_t len;

    (void)unused;
    (void)generate(AT(1, TPM), 5, SIGN, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    OK(psa_export_public_key(5, before, sizeof before, &len));
    assert_int_equal(secured_stop(&service), 0);
    assert_true(secured_start(&service, with_tpm));
    check_signatures(5);
    for (int i = 0; i < 5; i++) {
        secured_kill(&service);
        assert_true(secured_start(&service, with_tpm));
        OK(sign_once(5));
    }
    OK(psa_export_public_key(5, after, sizeof after, &len));
    assert_memory_equal(before, after, 65);
    OK(psa_destroy_key(5));
    assert_int_equal(secured_stop(&service), 0);
    assert_true(secured_start(&service, with_tpm));
    WANT(PSA_ERROR_INVALID_HANDLE, sign_once(5));
}

/* Another user has the same identifiers, and other keys under them. */
static int as_other(void *arg)
{
    psa_key_attributes_t a = attributes(AT(1, TPM), 5, SIGN, ECDSA256);
    const uint8_t *not_this = arg;
    uint8_t point[65];
    psa_key_id_t key;
    size_t len;

    tsr_gate_close();
    if (psa_crypto_init() != PSA_SUCCESS || sign_once(5) != PSA_ERROR_INVALID_HANDLE ||
        psa_destroy_key(5) != PSA_ERROR_INVALID_HANDLE)
        return 1;
    if (psa_generate_key(&a, &key) != PSA_SUCCESS || sign_once(5) != PSA_SUCCESS ||
        psa_export_public_key(5, point, 65, &len) != PSA_SUCCESS)
        return 2;
    return memcmp(point, not_this, 65) == 0 ? 3 : 0;
}

static void test_tpm_keys_are_apart_by_client(void **unused)
{
    uint8_t point[65], again[65];
    size_t len;
    int result;

    (void)unused;
    (void)generate(AT(1, TPM), 5, SIGN, ECDSA256);
    OK(psa_export_public_key(5, point, sizeof point, &len));
    result = secured_as_user(1001, as_other, point);
    if (result < 0)
        skip();
    assert_int_equal(result, 0);
    OK(psa_export_public_key(5, again, sizeof again, &len));
    assert_memory_equal(point, again, 65);
    OK(sign_once(5));
}

static void test_tpm_absent_is_not_supported(void **unused)
{
    psa_key_attributes_t a = attributes(AT(0, TPM), 0, SIGN, ECDSA256);
    psa_key_id_t key;
    secured bare;

    (void)unused;
    tsr_gate_close();
    secured_prepare(&bare);
    assert_true(secured_start(&bare, NULL));
    WANT(PSA_ERROR_NOT_SUPPORTED, psa_generate_key(&a, &key));
    WANT(PSA_ERROR_NOT_SUPPORTED,
         psa_import_key(&a, TEXT("0123456789abcdef0123456789abcdef"), &key));
    key = generate(AT(0, CHIP), 0, SIGN, ECDSA256);
    OK(sign_once(key));
    secured_clean(&bare);
    assert_int_equal(tsr_gate_socket(service.socket), PSA_SUCCESS);
}

static void test_tpm_killed_and_back(void **unused)
{
    psa_key_id_t far = generate(AT(1, TPM), 5, SIGN, ECDSA256);
    psa_key_id_t near = generate(AT(0, CHIP), 0, SIGN, ECDSA256);
    psa_key_attributes_t a = attributes(AT(0, TPM), 0, SIGN, ECDSA256);
    uint8_t point[65];
    psa_key_id_t key;
    size_t len;

    (void)unused;
    for (int i = 0; i < 3; i++) {
        swtpm_kill(&tpm);
        WANT(PSA_ERROR_COMMUNICATION_FAILURE, sign_once(far));
        WANT(PSA_ERROR_COMMUNICATION_FAILURE, psa_generate_key(&a, &key));
        OK(sign_once(near));
        OK(psa_export_public_key(far, point, sizeof point, &len)); /* needs no TPM */
        swtpm_start(&tpm, state);
        OK(sign_once(far));
        OK(psa_generate_key(&a, &key));
        OK(psa_destroy_key(key));
    }
    swtpm_kill(&tpm); /* a restart that nobody looked at costs no call */
    swtpm_start(&tpm, state);
    OK(sign_once(far));
    assert_true(secured_figure(&service, "keys=") >= 1);
}

static int sign_stored(void *unused)
{
    psa_status_t status;

    (void)unused;
    tsr_gate_close();
    status = psa_crypto_init() == PSA_SUCCESS ? sign_once(5) : PSA_ERROR_GENERIC_ERROR;
    return (int)-status; /* 0 to 255 */
}

static pid_t sign_in_a_child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(sign_stored(NULL));
    return pid;
}

static void test_tpm_dies_in_mid_call(void **unused)
{
    struct timespec moment = { 0, 300000000 };
    long begun;
    int code;

    (void)unused;
    (void)generate(AT(1, TPM), 5, SIGN, ECDSA256);
    swtpm_signal(&tpm, SIGSTOP);
    begun = now_ms();

    pid_t pid = sign_in_a_child();

    (void)nanosleep(&moment, NULL);
    swtpm_kill(&tpm);
    (void)waitpid(pid, &code, 0);
    assert_true(WIFEXITED(code));
    assert_int_equal(-WEXITSTATUS(code), PSA_ERROR_COMMUNICATION_FAILURE);
    assert_true(now_ms() - begun < 4000); /* the end is seen, not waited out */
    swtpm_start(&tpm, state);
    OK(sign_once(5));
}

/* One that hangs is waited for once; then everybody else is served as if it were away. */
static void test_tpm_hangs_and_comes_back(void **unused)
{
    psa_key_id_t near = generate(AT(0, CHIP), 0, SIGN, ECDSA256);
    psa_status_t status = PSA_ERROR_GENERIC_ERROR;
    struct timespec moment = { 0, 50000000 };
    long begun;

    (void)unused;
    (void)generate(AT(1, TPM), 5, SIGN, ECDSA256);
    swtpm_signal(&tpm, SIGSTOP);
    begun = now_ms();
    WANT(PSA_ERROR_COMMUNICATION_FAILURE, sign_once(5));
    assert_in_range(now_ms() - begun, 4000, 15000);
    for (int i = 0; i < 20; i++) {
        begun = now_ms();
        WANT(PSA_ERROR_COMMUNICATION_FAILURE, sign_once(5));
        OK(sign_once(near));
        assert_true(now_ms() - begun < 3000); /* one that is waited for takes 4000 and more */
    }
    swtpm_signal(&tpm, SIGCONT);
    for (int i = 0; i < 400 && status != PSA_SUCCESS; i++) {
        status = sign_once(5);
        (void)nanosleep(&moment, NULL);
    }
    OK(status);
    for (int i = 0; i < 5; i++)
        OK(sign_once(5));
}

static void test_tpm_exchanged_under_the_service(void **unused)
{
    (void)unused;
    (void)generate(AT(1, TPM), 5, SIGN, ECDSA256);
    swtpm_kill(&tpm);
    swtpm_start(&tpm, other_state);
    WANT(PSA_ERROR_HARDWARE_FAILURE, sign_once(5));
    WANT(PSA_ERROR_HARDWARE_FAILURE, sign_once(5));
    swtpm_kill(&tpm);
    swtpm_start(&tpm, state);
    OK(sign_once(5));
}

/* ---- the root key ---- */

static size_t read_root(const char *store, uint8_t *out, size_t cap)
{
    char path[160];
    int fd;
    ssize_t n;

    (void)snprintf(path, sizeof path, "%s/root.key", store);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    n = read(fd, out, cap);
    (void)close(fd);
    assert_true(n > 0);
    return (size_t)n;
}

static void expect_secret(void)
{
    uint8_t got[16];
    size_t len = 0;

    OK(psa_ps_get(7, 0, sizeof got, got, &len));
    assert_int_equal(len, 6);
    assert_memory_equal(got, "secret", 6);
}

static void test_tpm_seals_the_root_key(void **unused)
{
    uint8_t file[1024];

    (void)unused;
    assert_true(secured_log_has(&service, "event=root.created"));
    OK(psa_ps_set(7, 6, "secret", 0));
    assert_int_equal(secured_stop(&service), 0);
    assert_true(read_root(service.store, file, sizeof file) > 100);
    assert_memory_equal(file, "TsrRoot2", 8);

    assert_true(secured_start(&service, with_tpm));
    assert_true(secured_log_has(&service, "event=root.loaded"));
    expect_secret();

    swtpm_kill(&tpm); /* the machine is restarted */
    assert_int_equal(secured_stop(&service), 0);
    swtpm_start(&tpm, state);
    assert_true(secured_start(&service, with_tpm));
    expect_secret();
}

static void test_tpm_of_another_machine_opens_nothing(void **unused)
{
    (void)unused;
    OK(psa_ps_set(7, 6, "secret", 0));
    assert_int_equal(secured_stop(&service), 0);
    swtpm_kill(&tpm);
    swtpm_start(&tpm, other_state);
    assert_false(secured_start(&service, with_tpm));
    assert_true(secured_log_has(&service, "sealed to another TPM"));
    assert_false(secured_start(&service, NULL));
    assert_true(secured_log_has(&service, "remedy=\"name the TPM with --tpm\""));
    swtpm_kill(&tpm);
    assert_false(secured_start(&service, with_tpm));
    assert_true(secured_log_has(&service, "the TPM cannot be reached"));
    swtpm_start(&tpm, state);
    assert_true(secured_start(&service, with_tpm));
    expect_secret();
}

/* The name in the file can be forged; what the TPM wrapped cannot. */
static void test_tpm_refuses_a_changed_root_file(void **unused)
{
    uint8_t file[1024], broken[1024];
    char path[160];
    size_t len;

    (void)unused;
    assert_int_equal(secured_stop(&service), 0);
    len = read_root(service.store, file, sizeof file);
    (void)snprintf(path, sizeof path, "%s/root.key", service.store);
    for (size_t at = 0; at < len; at += 23) {
        int fd = open(path, O_WRONLY);

        memcpy(broken, file, len);
        broken[at] ^= 0x10;
        assert_int_equal(write(fd, broken, len), (ssize_t)len);
        (void)close(fd);
        assert_false(secured_start(&service, with_tpm));
    }

    int fd = open(path, O_WRONLY);

    assert_int_equal(write(fd, file, len), (ssize_t)len);
    (void)close(fd);
    assert_true(secured_start(&service, with_tpm));
}

static void test_tpm_does_not_take_a_plain_root_file(void **unused)
{
    secured plain;

    (void)unused;
    secured_prepare(&plain);
    assert_true(secured_start(&plain, NULL));
    assert_int_equal(secured_stop(&plain), 0);
    assert_int_equal(secured_stop(&service), 0);
    assert_false(secured_start(&plain, with_tpm));
    assert_true(secured_log_has(&plain, "not sealed to a TPM"));
    secured_clean(&plain);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tpm_same_calls_on_and_off_the_chip),
        TEST(test_tpm_policy_is_the_same_as_on_the_chip),
        TEST(test_tpm_does_not_give_out_or_copy_keys),
        TEST(test_tpm_takes_a_key_in),
        TEST(test_tpm_agrees_with_a_software_end),
        TEST(test_tpm_persistent_key_outlives_the_service),
        TEST(test_tpm_keys_are_apart_by_client),
        TEST(test_tpm_absent_is_not_supported),
        TEST(test_tpm_killed_and_back),
        TEST(test_tpm_dies_in_mid_call),
        TEST(test_tpm_hangs_and_comes_back),
        TEST(test_tpm_exchanged_under_the_service),
        TEST(test_tpm_seals_the_root_key),
        TEST(test_tpm_of_another_machine_opens_nothing),
        TEST(test_tpm_refuses_a_changed_root_file),
        TEST(test_tpm_does_not_take_a_plain_root_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
