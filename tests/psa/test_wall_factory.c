/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera-factory, and a tessera-secured that starts with what it left: the real programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "psa/client/platform.h"
#include "psa/crypto.h"
#include "psa/initial_attestation.h"
#include "psa/internal_trusted_storage.h"
#include "psa/protected_storage.h"
#include "tests/psa/secured.h"
#include "tests/psa/swtpm.h"

#define IMPLEMENTATION "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"

static secured service;
static swtpm tpm;
static char tpm_state[96];
static char record[8192], errors[4096];

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&service);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    swtpm_kill(&tpm);
    if (tpm_state[0] != 0)
        swtpm_remove(tpm_state);
    tpm_state[0] = 0;
    secured_clean(&service);
    return 0;
}

static void start_tpm(void)
{
    if (tpm_state[0] == 0)
        swtpm_prepare(&tpm);
    (void)snprintf(tpm_state, sizeof tpm_state, "%s/tpm", service.dir);
    swtpm_start(&tpm, tpm_state);
}

static const char *in_dir(const char *name)
{
    static char path[4][160];
    static int next;
    char *p = path[next++ % 4];

    (void)snprintf(p, sizeof path[0], "%s/%s", service.dir, name);
    return p;
}

static void put_file(const char *name, const char *text)
{
    int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void slurp(const char *name, char *out, size_t cap)
{
    int fd = open(in_dir(name), O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, out, cap - 1) : 0;

    out[n > 0 ? n : 0] = 0;
    if (fd >= 0)
        (void)close(fd);
}

/* Runs the tool on the service's store; returns its exit code. */
static int factory(const char *const *words)
{
    const char *argv[40] = { TSR_FACTORY_BIN, "--store", service.store };
    int status = 0;
    size_t n = 3;

    while (*words != NULL)
        argv[n++] = *words++;

    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int out = open(in_dir("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int err = open(in_dir("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

        (void)dup2(out, 1);
        (void)dup2(err, 2);
        (void)execv(TSR_FACTORY_BIN, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)waitpid(pid, &status, 0);
    slurp("out", record, sizeof record);
    slurp("err", errors, sizeof errors);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void secret_of_user(char *out, size_t cap, const char *id, const char *file)
{
    (void)snprintf(out, cap, "%u:%s=%s", geteuid(), id, in_dir(file));
}

static void test_factory_refuses_wrong_words(void **state)
{
    static const char *const wrong[][5] = {
        { "--implementation", "00", NULL },
        { "--state", "keep", NULL }, /* no implementation id */
        { "--implementation", IMPLEMENTATION, "--certification", "1234", NULL },
        { "--implementation", IMPLEMENTATION, "--psk", "0:1=/nowhere/file", NULL },
        { "--implementation", IMPLEMENTATION, "--root-secret", "/dev/null", NULL },
        { "--implementation", IMPLEMENTATION, "--attest-key", "/dev/zero", NULL },
        { "--psk", "1001", NULL },
        { "--state", "sold", NULL },
        { "--update", "x.conf", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_not_equal(factory(wrong[i]), 0);
        assert_non_null(strstr(errors, "tessera-factory: "));
        assert_string_equal(record, "");
    }
}

/* The private key 1 has the generator of P-256 as its public key (SEC 2 §2.4.2). */
static void test_factory_provisions_and_closes(void **state)
{
    static const char generator[] =
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\\n"
        "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\\n";
    char psk[200], asset[200], key[200], out[32];
    const char *const words[] = { "--implementation",
                                  IMPLEMENTATION,
                                  "--certification",
                                  "0123456789012-12345",
                                  "--verification",
                                  "https://verify.example/a\"b",
                                  "--attest-key",
                                  key,
                                  "--psk",
                                  psk,
                                  "--secret",
                                  asset,
                                  NULL };
    const char *const none[] = { NULL };
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t challenge[32] = { 1 }, token[1024];
    uint32_t lifecycle = 0;
    size_t len = 0;

    (void)state;
    put_file("one.hex", "00000000000000000000000000000000 00000000000000000000000000000001\n");
    put_file("psk.hex", "00112233445566778899aabbccddeeff\n");
    put_file("asset", "first secret");
    (void)strcpy(key, in_dir("one.hex"));
    secret_of_user(psk, sizeof psk, "77", "psk.hex");
    secret_of_user(asset, sizeof asset, "78", "asset");
    assert_int_equal(factory(words), 0);
    assert_non_null(strstr(record, generator));
    assert_non_null(strstr(record, "\"implementation_id\":\"" IMPLEMENTATION "\""));
    assert_non_null(strstr(record, "\"certification_reference\":\"0123456789012-12345\""));
    assert_non_null(strstr(record, "https://verify.example/a\\\"b"));
    assert_non_null(strstr(record, "\"lifecycle\":\"secured\""));
    assert_non_null(strstr(record, "\"kind\":\"psk\""));
    assert_null(strstr(record, "0011223344")); /* no secret */
    assert_null(strstr(record, "first secret"));

    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(tsr_platform_lifecycle(&lifecycle), PSA_SUCCESS);
    assert_int_equal(lifecycle, 0x3000);
    assert_int_equal(psa_get_key_attributes(77, &a), PSA_SUCCESS);
    assert_int_equal(psa_get_key_type(&a), PSA_KEY_TYPE_DERIVE);
    assert_int_equal(psa_get_key_bits(&a), 128);
    assert_int_equal(psa_export_key(77, token, sizeof token, &len), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_get(78, 0, sizeof out, out, &len), PSA_SUCCESS);
    assert_int_equal(len, 12);
    assert_memory_equal(out, "first secret", 12);
    assert_int_equal(psa_its_remove(78), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_initial_attest_get_token(challenge, 32, token, sizeof token, &len),
                     PSA_SUCCESS);
    assert_non_null(memmem(token, len, "0123456789012-12345", 19));

    assert_int_not_equal(factory(none), 0); /* the service has the store */
    assert_non_null(strstr(errors, "another process"));
    assert_int_equal(secured_stop(&service), 0);
    assert_int_not_equal(factory(words), 0); /* and now the device is closed */
    assert_non_null(strstr(errors, "not provisioned any more"));
}

/* The key that nobody imported was made inside: two devices, two identities. */
static void test_factory_makes_keys_inside(void **state)
{
    static const char *const first[] = { "--implementation", IMPLEMENTATION, "--state", "keep",
                                         NULL };
    static const char *const again[] = { "--state", "secured", NULL };
    static const char *const show[] = { "--show", NULL };
    static const char *const last[] = { "--state", "decommissioned", NULL };
    char kept[100];
    const char *id;

    (void)state;
    assert_int_equal(factory(first), 0);
    assert_non_null(strstr(record, "\"lifecycle\":\"psa-rot-provisioning\""));
    id = strstr(record, "\"instance_id\":\"01");
    assert_non_null(id);
    memcpy(kept, id, 82);
    kept[82] = 0;
    assert_null(strstr(kept, "698bea63dc44a344")); /* that of the private key 1 */
    assert_int_equal(factory(again), 0);           /* a second run keeps what is there */
    assert_non_null(strstr(record, kept));
    assert_non_null(strstr(record, "\"lifecycle\":\"secured\""));
    assert_int_equal(factory(show), 0);
    assert_non_null(strstr(record, kept));
    assert_int_equal(factory(last), 0);
    assert_true(secured_start(&service, NULL));
    assert_int_equal(psa_crypto_init(), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(secured_stop(&service), 0);
    assert_int_equal(factory(show), 0);
    assert_null(strstr(record, "instance_id")); /* the start destroyed it */
    assert_non_null(strstr(record, "\"lifecycle\":\"decommissioned\""));
}

static void check_asset(void)
{
    uint8_t got[16];
    size_t len = 0;

    assert_int_equal(psa_ps_get(7, 0, sizeof got, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 6);
    assert_memory_equal(got, "secret", 6);
}

/* The disk of a device made so is of no use without its TPM. */
static void test_factory_seals_the_root_key_to_a_tpm(void **state)
{
    const char *const words[] = { "--implementation", IMPLEMENTATION, "--tpm", tpm.tcti, NULL };
    const char *const with_tpm[] = { "--tpm", tpm.tcti, NULL };
    char file[1200];

    (void)state;
    start_tpm();
    assert_int_equal(factory(words), 0);
    assert_non_null(strstr(record, "\"lifecycle\":\"secured\""));
    slurp("store/root.key", file, sizeof file);
    assert_memory_equal(file, "TsrRoot2", 8);
    assert_true(secured_start(&service, with_tpm));
    assert_true(secured_log_has(&service, "event=root.loaded"));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_ps_set(7, 6, "secret", 0), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);

    assert_false(secured_start(&service, NULL));
    assert_true(secured_log_has(&service, "remedy=\"name the TPM with --tpm\""));
    swtpm_kill(&tpm);
    assert_false(secured_start(&service, with_tpm));
    assert_true(secured_log_has(&service, "the TPM cannot be reached"));
    start_tpm();
    assert_true(secured_start(&service, with_tpm));
    check_asset();
}

static void test_factory_takes_no_root_key_of_the_other_kind(void **state)
{
    char secret[200];
    const char *const sealed[] = { "--implementation", IMPLEMENTATION, "--state",     "keep",
                                   "--root-secret",    secret,         "--tpm", tpm.tcti, NULL };
    const char *const plain[] = { "--state", "keep", NULL };
    const char *const with_tpm[] = { "--state", "keep", "--tpm", tpm.tcti, NULL };
    char file[1200];

    (void)state;
    put_file("root.hex", "6b6579206b6579206b6579206b6579206b6579206b6579206b6579206b657920\n");
    (void)strcpy(secret, in_dir("root.hex"));
    start_tpm();
    swtpm_kill(&tpm);
    assert_int_not_equal(factory(sealed), 0); /* no TPM, and nothing was made */
    assert_non_null(strstr(errors, "the TPM cannot be reached"));
    assert_int_not_equal(access(in_dir("store/root.key"), F_OK), 0);
    start_tpm();
    assert_int_equal(factory(sealed), 0);
    slurp("store/root.key", file, sizeof file);
    assert_memory_equal(file, "TsrRoot2", 8);
    assert_null(memmem(file, sizeof file, "key key ", 8)); /* the secret */
    assert_int_not_equal(factory(sealed), 0);
    assert_non_null(strstr(errors, "there is a root key"));
    assert_int_not_equal(factory(plain), 0);
    assert_non_null(strstr(errors, "remedy: name the TPM with --tpm"));
    assert_int_equal(factory(with_tpm), 0); /* what was done is kept */

    assert_int_equal(unlink(in_dir("store/root.key")), 0);
    assert_int_equal(factory(plain), 0);
    assert_int_not_equal(factory(with_tpm), 0);
    assert_non_null(strstr(errors, "not sealed to a TPM"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_factory_refuses_wrong_words),
        T(test_factory_provisions_and_closes),
        T(test_factory_makes_keys_inside),
        T(test_factory_seals_the_root_key_to_a_tpm),
        T(test_factory_takes_no_root_key_of_the_other_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
