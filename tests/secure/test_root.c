/* SPDX-License-Identifier: Apache-2.0
 *
 * The root key: derivation (RFC 5869 §2.3, §3.2) and the file that it is kept in. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ports/linux/root/sealed.h"
#include "tests/secure/core.h"
#include "tests/secure/flash_sim.h"

static sim flash;
static char dir[64], path[96];

static int power_on(void **state)
{
    (void)state;
    sim_open(&flash, 4 * 4096, 4096, 8, true, 1);
    memset(core_here()->huk, 0x0b, TSR_ROOT_BYTES);
    strcpy(dir, "/tmp/tessera-root-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/root.key", dir);
    return core_open(&flash.flash) == TSR_OK ? 0 : -1;
}

static int power_off(void **state)
{
    char extra[128];

    (void)state;
    core_close();
    sim_close(&flash);
    (void)unlink(path);
    (void)snprintf(extra, sizeof extra, "%s.new", path);
    (void)unlink(extra);
    return rmdir(dir);
}

static psa_key_attributes_t hmac_key(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_bits(&a, 256);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_SIGN_MESSAGE);
    return a;
}

static void export_key(const char *label, const char *context, uint8_t out[32])
{
    psa_key_attributes_t a = hmac_key();
    mbedtls_svc_key_id_t key;
    size_t len;

    assert_int_equal(tsr_root_key(&core_here()->root, label, tsr_text(context), &a, &key),
                     PSA_SUCCESS);
    assert_int_equal(psa_export_key(key, out, 32, &len), PSA_SUCCESS);
    assert_int_equal(len, 32);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* HKDF written out with HMAC alone: RFC 5869 §2.2 and §2.3 with one block of output. */
static void hmac(const uint8_t *key, size_t key_len, const uint8_t *in, size_t len, uint8_t *out)
{
    psa_key_attributes_t a = hmac_key();
    mbedtls_svc_key_id_t id;
    size_t n;

    psa_set_key_bits(&a, 0);
    assert_int_equal(psa_import_key(&a, key, key_len, &id), PSA_SUCCESS);
    assert_int_equal(psa_mac_compute(id, PSA_ALG_HMAC(PSA_ALG_SHA_256), in, len, out, 32, &n),
                     PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
}

/* RFC 5869 §3.2 */
static void test_root_key_is_hkdf_of_label_and_context(void **state)
{
    static const uint8_t zero_salt[32], info[] = "label\0context\x01";
    uint8_t prk[32], expected[32], got[32];

    (void)state;
    hmac(zero_salt, sizeof zero_salt, core_here()->huk, TSR_ROOT_BYTES, prk);
    hmac(prk, sizeof prk, info, sizeof info - 1, expected);
    export_key("label", "context", got);
    assert_memory_equal(got, expected, 32);
    assert_int_equal(tsr_root_bytes(&core_here()->root, "label", tsr_text("context"), got, 32),
                     PSA_SUCCESS);
    assert_memory_equal(got, expected, 32);
}

static void test_root_key_separates_label_from_context(void **state)
{
    uint8_t a[32], b[32], c[32];

    (void)state;
    export_key("ab", "c", a);
    export_key("a", "bc", b);
    export_key("abc", "", c);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, c, 32);
    assert_memory_not_equal(b, c, 32);
}

static void test_root_key_depends_on_device(void **state)
{
    uint8_t a[32], b[32];

    (void)state;
    export_key("x", "", a);
    core_close();
    core_here()->huk[31] ^= 1;
    assert_int_equal(core_open(&flash.flash), TSR_OK);
    export_key("x", "", b);
    assert_memory_not_equal(a, b, 32);
}

static void test_root_key_never_leaves(void **state)
{
    uint8_t out[64];
    size_t len;

    (void)state;
    assert_int_equal(psa_export_key(core_here()->root.huk, out, sizeof out, &len),
                     PSA_ERROR_NOT_PERMITTED);
    tsr_root_close(&core_here()->root);
    assert_int_equal(tsr_root_bytes(&core_here()->root, "x", tsr_text(""), out, 32),
                     PSA_ERROR_BAD_STATE);
}

static void test_root_rejects_overlong_context(void **state)
{
    static const char longer[200] = { 1 };
    uint8_t out[16];

    (void)state;
    assert_int_equal(
        tsr_root_bytes(&core_here()->root, "x", tsr_view(longer, sizeof longer), out, sizeof out),
        PSA_ERROR_INVALID_ARGUMENT);
}

static void test_sealed_file_is_made_once_and_kept(void **state)
{
    uint8_t first[TSR_ROOT_BYTES], again[TSR_ROOT_BYTES];
    tsr_root_sealed s;
    struct stat st;

    (void)state;
    assert_int_equal(tsr_root_sealed_open(&s, path, false), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_OK);
    assert_true(s.made);
    assert_int_equal(s.source.unseal(s.source.self, first), TSR_OK);
    tsr_root_sealed_close(&s);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_OK);
    assert_false(s.made);
    assert_int_equal(s.source.unseal(s.source.self, again), TSR_OK);
    assert_memory_equal(first, again, TSR_ROOT_BYTES);
    tsr_root_sealed_close(&s);
    assert_int_equal(tsr_root_sealed_make(&s, path, first), TSR_E_EXISTS);
}

/* A power cut after the temporary file was made, before it got its name. */
static void test_sealed_file_survives_unfinished_making(void **state)
{
    tsr_root_sealed s;
    char extra[128];
    int fd;

    (void)state;
    (void)snprintf(extra, sizeof extra, "%s.new", path);
    fd = open(extra, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "TsrRoo", 6), 6);
    (void)close(fd);
    assert_int_equal(tsr_root_sealed_open(&s, path, false), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_OK);
    tsr_root_sealed_close(&s);
    assert_int_equal(access(extra, F_OK), -1);
}

static void test_sealed_file_refuses_what_others_may_touch(void **state)
{
    static const mode_t wrong[] = { 0640, 0604, 0620, 0602, 0610, 0666, 0777 };
    tsr_root_sealed s;
    char other[128];

    (void)state;
    assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_OK);
    tsr_root_sealed_close(&s);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(chmod(path, wrong[i]), 0);
        assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_E_DENIED);
        assert_non_null(strstr(s.cause, "others have permissions"));
        assert_non_null(strstr(s.remedy, "chmod 600"));
    }
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_E_DENIED);
    assert_int_equal(chmod(dir, 0700), 0);

    (void)snprintf(other, sizeof other, "%s/link", dir);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(tsr_root_sealed_open(&s, other, true), TSR_E_DENIED);
    assert_non_null(strstr(s.cause, "symbolic link"));
    (void)unlink(other);

    assert_int_equal(mkfifo(other, 0600), 0);
    assert_int_equal(tsr_root_sealed_open(&s, other, true), TSR_E_DENIED);
    (void)unlink(other);

    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_E_DENIED);
        assert_non_null(strstr(s.cause, "another user"));
    }
}

static void test_sealed_file_detects_every_flipped_byte(void **state)
{
    uint8_t byte;
    tsr_root_sealed s;
    struct stat st;
    int fd;

    (void)state;
    assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_OK);
    tsr_root_sealed_close(&s);
    fd = open(path, O_RDWR);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 0; at < st.st_size; at++) {
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= (uint8_t)(1u << (at % 8));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_E_MALFORMED);
        byte ^= (uint8_t)(1u << (at % 8));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    for (off_t len = 0; len < st.st_size; len++) {
        assert_int_equal(ftruncate(fd, len), 0);
        assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_E_MALFORMED);
    }
    (void)close(fd);
}

static void test_sealed_file_destroyed_stays_destroyed(void **state)
{
    uint8_t secret[TSR_ROOT_BYTES], file[64], huk[TSR_ROOT_BYTES];
    tsr_root_sealed s;
    int fd;

    (void)state;
    memset(secret, 0xa5, sizeof secret);
    assert_int_equal(tsr_root_sealed_make(&s, path, secret), TSR_OK);
    assert_int_equal(s.source.destroy(s.source.self), TSR_OK);
    assert_int_equal(s.source.destroy(s.source.self), TSR_OK);
    assert_int_equal(s.source.unseal(s.source.self, huk), TSR_E_MALFORMED);
    tsr_root_sealed_close(&s);
    fd = open(path, O_RDONLY);
    ssize_t n = read(fd, file, sizeof file);
    (void)close(fd);
    assert_true(n > 0);
    for (ssize_t i = 0; i < n; i++)
        assert_int_not_equal(file[i], 0xa5);
    assert_int_equal(tsr_root_sealed_open(&s, path, true), TSR_E_MALFORMED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_root_key_is_hkdf_of_label_and_context),
        T(test_root_key_separates_label_from_context),
        T(test_root_key_depends_on_device),
        T(test_root_key_never_leaves),
        T(test_root_rejects_overlong_context),
        T(test_sealed_file_is_made_once_and_kept),
        T(test_sealed_file_survives_unfinished_making),
        T(test_sealed_file_refuses_what_others_may_touch),
        T(test_sealed_file_detects_every_flipped_byte),
        T(test_sealed_file_destroyed_stays_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
