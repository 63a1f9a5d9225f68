/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage, the root key and the lifecycle, across the wall: a real tessera-secured, real
 * files, other users. Rules of PSA Secure Storage 1.0.4 that need no wall are in tests/secure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/client/platform.h"
#include "psa/crypto.h"
#include "psa/internal_trusted_storage.h"
#include "psa/protected_storage.h"
#include "psa/wire/platform.h"
#include "psa/wire/ps.h"
#include "tests/psa/secured.h"

#define ALICE          1001
#define BOB            1002
#define SECURED        0x3000u
#define DECOMMISSIONED 0x6000u

static secured service;
static const char *const extra[] = { "--bytes", "40000", NULL };

static int set_up(void **state)
{
    (void)state;
    secured_prepare(&service);
    return secured_start(&service, extra) && psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

static void restart(void)
{
    assert_int_equal(secured_stop(&service), 0);
    assert_true(secured_start(&service, extra));
}

static const char *file_of(const char *name)
{
    static char path[160];

    (void)snprintf(path, sizeof path, "%s/%s", service.store, name);
    return path;
}

static void *slurp(const char *name, size_t *len)
{
    int fd = open(file_of(name), O_RDONLY);
    struct stat st;
    char *data;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    *len = (size_t)st.st_size;
    data = malloc(*len);
    assert_non_null(data);
    assert_int_equal(read(fd, data, *len), st.st_size);
    (void)close(fd);
    return data;
}

static void spill(const char *name, const void *data, size_t len)
{
    int fd = open(file_of(name), O_WRONLY | O_TRUNC | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    (void)close(fd);
}

static void holds(uint64_t uid, const char *text)
{
    char got[64] = "";
    size_t len = 0;

    assert_int_equal(psa_ps_get(uid, 0, sizeof got - 1, got, &len), PSA_SUCCESS);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(got, text, len);
}

static psa_status_t get(uint64_t uid)
{
    char got[64];
    size_t len = 77;
    psa_status_t status = psa_ps_get(uid, 0, sizeof got, got, &len);

    if (status != PSA_SUCCESS)
        assert_int_equal(len, 0);
    return status;
}

static void test_ps_follows_the_specification(void **state)
{
    struct psa_storage_info_t info;
    char out[16] = "################";
    size_t len = 7;

    (void)state;
    assert_int_equal(psa_ps_set(0, 1, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_ps_get(0, 0, 1, out, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    assert_int_equal(psa_ps_get(1, 0, 1, out, &len), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_ps_get_info(1, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_ps_remove(1), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_ps_set_extended(1, 0, 1, "x"), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_ps_set(1, 5, "hello", 8), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_ps_set(1, 5, NULL, 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_ps_set(1, 5, "hello", 0), PSA_SUCCESS);
    assert_int_equal(psa_ps_get(1, 1, 15, out, &len), PSA_SUCCESS);
    assert_int_equal(len, 4);
    assert_memory_equal(out, "ello####", 8);
    assert_int_equal(psa_ps_get(1, 5, 1, out, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(psa_ps_get(1, 0, 0, NULL, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(psa_ps_get(1, 6, 1, out, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_ps_get(1, 0, UINT32_MAX, out, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_ps_get(1, 0, 1, NULL, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_memory_equal(out, "ello####", 8);
    assert_int_equal(psa_ps_create(1, 10, 0), PSA_ERROR_ALREADY_EXISTS);
    assert_int_equal(psa_ps_create(2, 10, PSA_STORAGE_FLAG_WRITE_ONCE), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_ps_create(2, SIZE_MAX, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_ps_create(2, 10, PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION), PSA_SUCCESS);
    assert_int_equal(psa_ps_set_extended(2, 1, 1, "x"), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_ps_set_extended(2, 0, 11, "0123456789a"), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_ps_set_extended(2, SIZE_MAX, 1, "x"), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_ps_set_extended(2, 0, 4, "0123"), PSA_SUCCESS);
    assert_int_equal(psa_ps_set_extended(2, 2, 4, "abcd"), PSA_SUCCESS);
    restart();
    holds(1, "hello");
    holds(2, "01abcd");
    assert_int_equal(psa_ps_get_info(2, &info), PSA_SUCCESS);
    assert_int_equal(info.capacity, 10);
    assert_int_equal(info.size, 6);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION);
    assert_int_equal(psa_ps_get_support(), PSA_STORAGE_SUPPORT_SET_EXTENDED);
    assert_int_equal(psa_its_get_info(1, &info), PSA_ERROR_DOES_NOT_EXIST); /* another room */
    assert_int_equal(psa_ps_remove(1), PSA_SUCCESS);
    assert_int_equal(psa_ps_remove(2), PSA_SUCCESS);
    assert_int_equal(get(1), PSA_ERROR_DOES_NOT_EXIST);
}

static void test_ps_longest_asset_crosses(void **state)
{
    static char big[8193], out[8193];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 256);
    assert_int_equal(psa_ps_set(3, 8192, big, 0), PSA_SUCCESS);
    assert_int_equal(psa_ps_get(3, 0, sizeof out, out, &len), PSA_SUCCESS);
    assert_int_equal(len, 8192);
    assert_memory_equal(out, big, len);
    assert_int_equal(psa_ps_set(3, 8193, big, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_ps_set(3, SIZE_MAX, big, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_ps_remove(3), PSA_SUCCESS);
}

/* Short requests leave the gate in one piece and longer ones in several. */
static void every_length(tsr_gate_way way)
{
    static uint8_t in[600], out[600];
    size_t len;

    tsr_gate_close();
    tsr_gate_use(way);
    for (size_t n = 440; n <= sizeof in; n += n < 540 ? 1 : 20) {
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(i * 5 + n);
        memset(out, 0xa5, sizeof out);
        assert_int_equal(psa_its_set(4, n, in, 0), PSA_SUCCESS);
        assert_int_equal(psa_its_get(4, 0, sizeof out, out, &len), PSA_SUCCESS);
        assert_int_equal(len, n);
        assert_memory_equal(out, in, n);
        assert_true(n == sizeof out || out[n] == 0xa5);
    }
    assert_int_equal(tsr_gate_used(), way);
    assert_int_equal(psa_its_remove(4), PSA_SUCCESS);
}

static void test_its_every_length_crosses(void **state)
{
    (void)state;
    every_length(TSR_GATE_SHARED);
    every_length(TSR_GATE_SOCKET);
}

static void test_ps_refuses_broken_calls(void **state)
{
    uint8_t block[TSR_WIRE_PS + 1] = { 0, 0, 0, 0, 0, 0, 0, 5 }, room[16];
    psa_invec in[3] = { { block, TSR_WIRE_PS }, { "x", 1 }, { "y", 1 } };
    psa_outvec out[2] = { { room, sizeof room }, { room, sizeof room } };

    (void)state;
    for (int32_t type = 0; type < 12; type++) {
        for (size_t n = 0; n <= 3; n++)
            for (size_t m = 0; m + n <= 4 && m <= 2; m++) {
                bool data = type == TSR_PS_SET || type == TSR_PS_SET_EXTENDED;
                bool answers =
                    type == TSR_PS_GET || type == TSR_PS_GET_INFO || type == TSR_PS_GET_SUPPORT;

                out[0].len = out[1].len = sizeof room;
                if (type >= TSR_PS_SET && type <= TSR_PS_GET_SUPPORT && n == (data ? 2u : 1u) &&
                    m == (answers ? 1u : 0u))
                    continue;
                assert_int_equal(psa_call(TSR_PSA_PS_HANDLE, type, in, n, out, m),
                                 PSA_ERROR_PROGRAMMER_ERROR);
            }
        for (size_t len = 0; len <= TSR_WIRE_PS + 1; len++) {
            in[0].len = len;
            if (len != TSR_WIRE_PS)
                assert_int_equal(psa_call(TSR_PSA_PS_HANDLE, type, in, 1, out, 1),
                                 PSA_ERROR_PROGRAMMER_ERROR);
        }
        in[0].len = TSR_WIRE_PS;
    }
    out[0].len = 3; /* no room for the answer */
    assert_int_equal(psa_call(TSR_PSA_PS_HANDLE, TSR_PS_GET_SUPPORT, in, 1, out, 1),
                     PSA_ERROR_PROGRAMMER_ERROR);
    out[0].len = 4;
    assert_int_equal(psa_call(TSR_PSA_PS_HANDLE, TSR_PS_GET_SUPPORT, in, 1, out, 1), PSA_SUCCESS);
    assert_int_equal(room[3], PSA_STORAGE_SUPPORT_SET_EXTENDED);
    assert_int_equal(psa_call(TSR_PSA_PLATFORM_HANDLE, 3, in, 1, NULL, 0),
                     PSA_ERROR_PROGRAMMER_ERROR);
    in[0].len = 4;
    assert_int_equal(psa_call(TSR_PSA_PLATFORM_HANDLE, TSR_PLATFORM_LIFECYCLE_GET, in, 1, NULL, 0),
                     PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(get(5), PSA_ERROR_DOES_NOT_EXIST);
}

/* In a child: the number of the check that failed. */
static int as_alice(void *arg)
{
    static char big[8000];
    uint32_t lifecycle = 0;
    uint64_t uid = 100;

    (void)arg;
    if (get(7) != PSA_ERROR_DOES_NOT_EXIST)
        return 1;
    if (psa_ps_remove(7) != PSA_ERROR_DOES_NOT_EXIST)
        return 2;
    if (psa_ps_set(7, 5, "alice", 0) != PSA_SUCCESS)
        return 3;
    while (psa_ps_set(uid, sizeof big, big, 0) == PSA_SUCCESS)
        uid++;
    if (uid < 103 || uid > 105) /* --bytes 40000 */
        return 4;
    if (tsr_platform_lifecycle(&lifecycle) != PSA_SUCCESS || lifecycle != 0x2000)
        return 5;
    if (tsr_platform_advance(SECURED) != PSA_ERROR_NOT_PERMITTED)
        return 6;
    return tsr_platform_lifecycle(&lifecycle) == PSA_SUCCESS && lifecycle == 0x2000 ? 0 : 7;
}

static int as_bob(void *arg)
{
    static char big[8000];

    (void)arg;
    if (get(7) != PSA_ERROR_DOES_NOT_EXIST || get(100) != PSA_ERROR_DOES_NOT_EXIST)
        return 1;
    if (psa_ps_set(100, sizeof big, big, 0) != PSA_SUCCESS) /* Alice's share is not his */
        return 2;
    return psa_ps_remove(100) == PSA_SUCCESS ? 0 : 3;
}

/* Requirements PS 7 and 8; and one client cannot take what is others'. */
static void test_ps_clients_do_not_meet(void **state)
{
    int result;

    (void)state;
    assert_int_equal(psa_ps_set(7, 4, "mine", 0), PSA_SUCCESS);
    result = secured_as_user(ALICE, as_alice, NULL);
    if (result < 0)
        skip(); /* this process may not change users */
    assert_int_equal(result, 0);
    assert_int_equal(secured_as_user(BOB, as_bob, NULL), 0);
    holds(7, "mine");
}

/* Requirements PS 2, 4, 6: the file as somebody with access to the medium leaves it. */
static void test_ps_file_put_back_or_altered_is_noticed(void **state)
{
    size_t len;
    char *before, *after;

    (void)state;
    assert_int_equal(psa_ps_set(20, 5, "older", 0), PSA_SUCCESS);
    assert_int_equal(psa_ps_set(21, 4, "same", 0), PSA_SUCCESS);
    assert_int_equal(psa_ps_set(22, 4, "gone", 0), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);
    before = slurp("ps.tsr", &len);
    assert_true(secured_start(&service, extra));
    assert_int_equal(psa_ps_set(20, 5, "newer", 0), PSA_SUCCESS);
    assert_int_equal(psa_ps_remove(22), PSA_SUCCESS);
    assert_int_equal(psa_ps_set(23, 3, "new", 0), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);
    after = slurp("ps.tsr", &len);

    spill("ps.tsr", before, len); /* everything as it was */
    assert_true(secured_start(&service, extra));
    assert_int_equal(get(20), PSA_ERROR_INVALID_SIGNATURE);
    holds(21, "same");
    assert_int_equal(get(22), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(get(23), PSA_ERROR_DATA_CORRUPT);
    assert_int_equal(secured_stop(&service), 0);

    spill("ps.tsr", after, len - 1); /* cut short */
    assert_true(secured_start(&service, extra));
    assert_true(secured_log_has(&service, "event=ps.replaced"));
    for (uint64_t uid = 20; uid <= 21; uid++)
        assert_int_equal(get(uid), PSA_ERROR_DATA_CORRUPT);
    assert_int_equal(psa_ps_set(20, 6, "healed", 0), PSA_SUCCESS);
    holds(20, "healed");
    assert_int_equal(psa_ps_remove(21), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);
    assert_int_equal(unlink(file_of("ps.tsr.damaged")), 0);

    assert_int_equal(unlink(file_of("ps.tsr")), 0); /* taken away */
    assert_true(secured_start(&service, extra));
    assert_int_equal(get(20), PSA_ERROR_DATA_CORRUPT);
    assert_int_equal(get(21), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_ps_remove(20), PSA_SUCCESS);
    assert_int_equal(psa_ps_remove(23), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);

    memset(after, 0x5a, len); /* rubbish from end to end */
    spill("ps.tsr", after, len);
    assert_true(secured_start(&service, extra));
    assert_int_equal(psa_ps_set(20, 2, "ok", 0), PSA_SUCCESS);
    restart();
    holds(20, "ok");
    (void)unlink(file_of("ps.tsr.damaged"));
    free(before);
    free(after);
}

static void test_root_key_file_must_be_private_and_there(void **state)
{
    size_t len;
    char *key;

    (void)state;
    assert_int_equal(psa_ps_set(30, 6, "secret", 0), PSA_SUCCESS);
    assert_int_equal(secured_stop(&service), 0);
    key = slurp("root.key", &len);
    assert_int_equal(chmod(file_of("root.key"), 0640), 0);
    assert_false(secured_start(&service, extra));
    assert_true(secured_log_has(&service, "event=root.refused"));
    assert_true(secured_log_has(&service, "others have permissions"));
    assert_true(secured_log_has(&service, "chmod 600"));
    assert_int_equal(unlink(file_of("root.key")), 0);
    assert_false(secured_start(&service, extra)); /* and none is made in its place */
    assert_true(secured_log_has(&service, "there is no root key"));
    key[20] ^= 1;
    spill("root.key", key, len);
    assert_false(secured_start(&service, extra));
    key[20] ^= 1;
    spill("root.key", key, len);
    assert_true(secured_start(&service, extra));
    holds(30, "secret");
    free(key);
}

static void test_lifecycle_moves_forward_for_maintainers(void **state)
{
    uint32_t lifecycle = 0;

    (void)state;
    assert_int_equal(tsr_platform_lifecycle(&lifecycle), PSA_SUCCESS);
    assert_int_equal(lifecycle, 0x2000);
    assert_int_equal(psa_ps_set(40, 1, "a", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(psa_ps_set(40, 1, "b", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(tsr_platform_advance(0x1000), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(tsr_platform_advance(0x3001), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tsr_platform_advance(SECURED), PSA_SUCCESS);
    assert_int_equal(tsr_platform_advance(SECURED), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_ps_set(40, 1, "c", 0), PSA_ERROR_NOT_PERMITTED);
    restart();
    assert_int_equal(tsr_platform_lifecycle(&lifecycle), PSA_SUCCESS);
    assert_int_equal(lifecycle, SECURED);
    assert_int_equal(psa_ps_remove(40), PSA_ERROR_NOT_PERMITTED);
    holds(40, "b");
}

/* The last state: nothing is served, nothing can be read again, not even with the old files. */
static void test_lifecycle_decommissioned_destroys(void **state)
{
    static const uint8_t zeros[64];
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;
    uint32_t lifecycle = 0;
    size_t len, size;
    char *file, out[8];

    (void)state;
    psa_set_key_id(&a, 50);
    psa_set_key_type(&a, PSA_KEY_TYPE_RAW_DATA);
    assert_int_equal(psa_import_key(&a, (const uint8_t *)"needle-in-the-store", 19, &key),
                     PSA_SUCCESS);
    assert_int_equal(psa_its_set(50, 20, "needle-in-the-ITS-it", 0), PSA_SUCCESS);
    assert_int_equal(psa_ps_set(50, 6, "secret", 0), PSA_SUCCESS);
    assert_int_equal(tsr_platform_advance(DECOMMISSIONED), PSA_SUCCESS);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(get(50), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(psa_ps_set(51, 1, "x", 0), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(psa_its_get(50, 0, 8, out, &len), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(psa_get_key_attributes(50, &a), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(psa_destroy_key(50), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(tsr_platform_lifecycle(&lifecycle), PSA_SUCCESS);
        assert_int_equal(lifecycle, DECOMMISSIONED);
        assert_int_equal(tsr_platform_advance(SECURED), PSA_ERROR_NOT_PERMITTED);
        if (round == 0)
            restart();
    }
    file = slurp("root.key", &size);
    assert_true(size <= sizeof zeros);
    assert_memory_equal(file, zeros, size);
    free(file);
    file = slurp("store.tsr", &size);
    assert_null(memmem(file, size, "needle-in-the", 13));
    free(file);
}

/* A state in which a debugger may look: then there is nothing to see. RFC 9783 §4.3.1. */
static void test_lifecycle_debug_opens_and_serves_nothing(void **state)
{
    uint32_t lifecycle = 0;
    size_t len;
    char out[8];

    (void)state;
    secured_clean(&service);
    secured_prepare(&service);
    assert_true(secured_start(&service, extra));
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(psa_ps_set(60, 6, "secret", 0), PSA_SUCCESS);
    assert_int_equal(psa_its_set(60, 6, "secret", 0), PSA_SUCCESS);
    assert_int_equal(tsr_platform_advance(0x4000), PSA_SUCCESS);
    holds(60, "secret"); /* that one is about what is outside the service */
    restart();
    assert_false(secured_log_has(&service, "event=debug.open"));
    holds(60, "secret");
    assert_int_equal(tsr_platform_advance(0x5000), PSA_SUCCESS);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(get(60), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(psa_its_get(60, 0, 8, out, &len), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(tsr_platform_lifecycle(&lifecycle), PSA_SUCCESS);
        assert_int_equal(lifecycle, 0x5000);
        assert_int_equal(tsr_platform_advance(SECURED), PSA_ERROR_NOT_PERMITTED);
        if (round == 0)
            restart();
    }
    assert_true(secured_log_has(&service, "event=debug.open"));
    assert_int_equal(tsr_platform_advance(DECOMMISSIONED), PSA_SUCCESS);
    restart();
    assert_int_equal(psa_crypto_init(), PSA_ERROR_NOT_PERMITTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ps_follows_the_specification),
        cmocka_unit_test(test_ps_longest_asset_crosses),
        cmocka_unit_test(test_its_every_length_crosses),
        cmocka_unit_test(test_ps_refuses_broken_calls),
        cmocka_unit_test(test_ps_clients_do_not_meet),
        cmocka_unit_test(test_ps_file_put_back_or_altered_is_noticed),
        cmocka_unit_test(test_root_key_file_must_be_private_and_there),
        cmocka_unit_test(test_lifecycle_moves_forward_for_maintainers),
        cmocka_unit_test(test_lifecycle_decommissioned_destroys),
        cmocka_unit_test(test_lifecycle_debug_opens_and_serves_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
