/* SPDX-License-Identifier: Apache-2.0
 *
 * What the specification promises of each call holds through the wall: statuses at the right call,
 * persistent keys, storage, quotas, threads and forks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/client/platform.h"
#include "psa/crypto.h"
#include "psa/internal_trusted_storage.h"
#include "tests/psa/secured.h"

#define PSK_ALG PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256)
#define PRF_ALG PSA_ALG_TLS12_PRF(PSA_ALG_SHA_256)
#define SEED    PSA_KEY_DERIVATION_INPUT_SEED
#define SECRET  PSA_KEY_DERIVATION_INPUT_SECRET
#define LABEL   PSA_KEY_DERIVATION_INPUT_LABEL

static secured service;
static const char *const extra[] = { "--keys", "40",      "--operations", "6", "--persistent",
                                     "20",     "--bytes", "150000",       NULL };

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

static psa_status_t provision(psa_key_id_t id, psa_algorithm_t alg, const char *material)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0;

    if (id != 0)
        psa_set_key_id(&a, id);
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, alg);

    psa_status_t status = psa_import_key(&a, (const uint8_t *)material, strlen(material), &key);

    assert_int_equal(key, status == PSA_SUCCESS ? id : 0);
    return status;
}

static const uint8_t *bytes(const char *text) { return (const uint8_t *)text; }

static void test_provisioned_psk_derives_and_cannot_be_read(void **state)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t out[64];
    size_t len = 99;
    psa_key_id_t copy = 0;

    (void)state;
    assert_int_equal(provision(5, PSK_ALG, "a pre-shared key"), PSA_SUCCESS);
    assert_int_equal(provision(5, PSK_ALG, "another"), PSA_ERROR_ALREADY_EXISTS);
    assert_int_equal(psa_export_key(5, out, sizeof out, &len), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(len, 0);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_EXPORT);
    assert_int_equal(psa_copy_key(5, &a, &copy), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_get_key_attributes(5, &a), PSA_SUCCESS);
    assert_int_equal(psa_get_key_id(&a), 5);
    assert_int_equal(psa_get_key_lifetime(&a), PSA_KEY_LIFETIME_PERSISTENT);
    assert_int_equal(psa_purge_key(5), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_setup(&op, PSK_ALG), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, bytes("s"), 1), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_key(&op, SECRET, 5), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, LABEL, bytes("l"), 1), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_set_capacity(&op, 48), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, 48), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(5), PSA_SUCCESS);
    assert_int_equal(psa_get_key_attributes(5, &a), PSA_ERROR_INVALID_HANDLE);
    assert_int_equal(psa_destroy_key(5), PSA_ERROR_INVALID_HANDLE);
}

static void test_key_ids_outside_the_users_range_are_refused(void **state)
{
    const psa_key_id_t bad[] = { PSA_KEY_ID_VENDOR_MIN, PSA_KEY_ID_VENDOR_MAX, 0x80000000u,
                                 0xffffff52u, UINT32_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(provision(bad[i], PSK_ALG, "key"), PSA_ERROR_INVALID_ARGUMENT);
}

/* Every step answers at its own call, though it crosses later. */
static void test_derivation_statuses_come_at_their_call(void **state)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t out[8];
    size_t left;

    (void)state;
    assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, bytes("s"), 1), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, 8), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_key_derivation_get_capacity(&op, &left), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_setup(&op, PSA_ALG_SHA_256), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_key_derivation_setup(&op, PSA_ALG_TLS12_PRF(PSA_ALG_MD5)),
                     PSA_ERROR_NOT_SUPPORTED);

    /* set up twice */
    assert_int_equal(psa_key_derivation_setup(&op, PRF_ALG), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_setup(&op, PRF_ALG), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);

    /* a wrong order */
    assert_int_equal(psa_key_derivation_setup(&op, PRF_ALG), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, LABEL, bytes("l"), 1),
                     PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, bytes("s"), 1), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);

    /* output before all inputs are there */
    assert_int_equal(psa_key_derivation_setup(&op, PRF_ALG), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, bytes("s"), 1), PSA_SUCCESS);
    assert_int_not_equal(psa_key_derivation_output_bytes(&op, out, 8), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);

    /* a key that is not there, and one whose policy is for something else */
    assert_int_equal(psa_key_derivation_setup(&op, PRF_ALG), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, bytes("s"), 1), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_key(&op, SECRET, 777), PSA_ERROR_INVALID_HANDLE);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_int_equal(provision(6, PSK_ALG, "for PSK only"), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_setup(&op, PRF_ALG), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, bytes("s"), 1), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_key(&op, SECRET, 6), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(6), PSA_SUCCESS);

    /* more than the capacity */
    assert_int_equal(psa_key_derivation_setup(&op, PRF_ALG), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, bytes("s"), 1), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, SECRET, bytes("k"), 1), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_input_bytes(&op, LABEL, bytes("l"), 1), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_set_capacity(&op, 4), PSA_SUCCESS);
    assert_int_equal(psa_key_derivation_set_capacity(&op, 5), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, 5), PSA_ERROR_INSUFFICIENT_DATA);
    assert_int_equal(psa_key_derivation_get_capacity(&op, &left), PSA_SUCCESS);
    assert_int_equal(left, 0);
    assert_int_equal(psa_key_derivation_output_bytes(&op, out, 1), PSA_ERROR_INSUFFICIENT_DATA);
    assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    assert_int_equal(secured_figure(&service, "operations="), 0);
}

/* Inputs too long to wait on the near side cross at once, with the same result. */
static void test_derivation_long_inputs_agree_with_short_way(void **state)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    uint8_t seed[400], out[2][32];

    (void)state;
    memset(seed, 0x5a, sizeof seed);
    for (int way = 0; way < 2; way++) {
        assert_int_equal(psa_key_derivation_setup(&op, PRF_ALG), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, seed, way == 0 ? 400 : 100),
                         PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_input_bytes(&op, SECRET, bytes("key"), 3), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_input_bytes(&op, LABEL, bytes("l"), 1), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_output_bytes(&op, out[way], 32), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
    }
    assert_memory_not_equal(out[0], out[1], 32); /* the long seed was not cut */
}

/* A pre-shared key longer than PSK-to-MS takes is refused where it is put in, however long the
 * steps would have waited. */
static void test_derivation_refuses_overlong_psk_at_its_input(void **state)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t material[129] = { 1 };
    psa_key_id_t key;

    (void)state;
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSK_ALG);
    for (size_t len = 128; len <= 129; len++) {
        assert_int_equal(psa_import_key(&a, material, len, &key), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_setup(&op, PSK_ALG), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_input_bytes(&op, SEED, bytes("s"), 1), PSA_SUCCESS);
        assert_int_equal(psa_key_derivation_input_key(&op, SECRET, key),
                         len == 128 ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT);
        assert_int_equal(psa_key_derivation_abort(&op), PSA_SUCCESS);
        assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
    }
}

static void test_operation_error_state_needs_abort(void **state)
{
    psa_mac_operation_t mac = PSA_MAC_OPERATION_INIT;
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;
    uint8_t out[32];
    size_t len;

    (void)state;
    assert_int_equal(psa_mac_update(&mac, bytes("x"), 1), PSA_ERROR_BAD_STATE);
    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&a, bytes("key"), 3, &key), PSA_SUCCESS);
    assert_int_equal(psa_mac_verify_setup(&mac, key, PSA_ALG_HMAC(PSA_ALG_SHA_256)),
                     PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_mac_sign_setup(&mac, key, PSA_ALG_HMAC(PSA_ALG_SHA_256)), PSA_SUCCESS);
    assert_int_equal(psa_mac_sign_setup(&mac, key, PSA_ALG_HMAC(PSA_ALG_SHA_256)),
                     PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_mac_sign_finish(&mac, out, 4, &len), PSA_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(psa_mac_update(&mac, bytes("x"), 1), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_mac_abort(&mac), PSA_SUCCESS);
    assert_int_equal(psa_mac_abort(&mac), PSA_SUCCESS);
    assert_int_equal(psa_mac_sign_setup(&mac, key, PSA_ALG_HMAC(PSA_ALG_SHA_256)), PSA_SUCCESS);
    assert_int_equal(psa_mac_abort(&mac), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);

    assert_int_equal(psa_hash_setup(&hash, PSA_ALG_SHA_512_256), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_hash_setup(&hash, PSA_ALG_CCM), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_hash_setup(&hash, PSA_ALG_SHA_256), PSA_SUCCESS);
    assert_int_equal(psa_hash_setup(&hash, PSA_ALG_SHA_256), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_hash_finish(&hash, out, 31, &len), PSA_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(psa_hash_update(&hash, bytes("x"), 1), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_hash_abort(&hash), PSA_SUCCESS);
    assert_int_equal(psa_hash_abort(&hash), PSA_SUCCESS);
    assert_int_equal(secured_figure(&service, "operations="), 0);
}

static void test_hash_table_full_and_stale_copies(void **state)
{
    psa_hash_operation_t op[256], stale;
    size_t n = 0;

    (void)state;
    memset(op, 0, sizeof op);
    while (n < 256 && psa_hash_setup(&op[n], PSA_ALG_SHA_256) == PSA_SUCCESS)
        n++;
    assert_in_range(n, 8, 255);
    assert_int_equal(psa_hash_setup(&op[n], PSA_ALG_SHA_256), PSA_ERROR_INSUFFICIENT_MEMORY);
    stale = op[0];
    for (size_t i = 0; i < n; i++)
        assert_int_equal(psa_hash_abort(&op[i]), PSA_SUCCESS);
    assert_int_equal(psa_hash_setup(&op[0], PSA_ALG_SHA_256), PSA_SUCCESS);
    assert_int_equal(psa_hash_update(&stale, bytes("x"), 1), PSA_ERROR_BAD_STATE);
    assert_int_equal(psa_hash_abort(&op[0]), PSA_SUCCESS);
}

static void test_quota_of_volatile_keys_and_operations(void **state)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key[41] = { 0 };
    psa_mac_operation_t op[7];

    (void)state;
    memset(op, 0, sizeof op);
    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    for (int i = 0; i < 40; i++)
        assert_int_equal(psa_import_key(&a, bytes("key"), 3, &key[i]), PSA_SUCCESS);
    assert_int_equal(psa_import_key(&a, bytes("key"), 3, &key[40]), PSA_ERROR_INSUFFICIENT_MEMORY);
    for (int i = 0; i < 6; i++)
        assert_int_equal(psa_mac_sign_setup(&op[i], key[0], PSA_ALG_HMAC(PSA_ALG_SHA_256)),
                         PSA_SUCCESS);
    assert_int_equal(psa_mac_sign_setup(&op[6], key[0], PSA_ALG_HMAC(PSA_ALG_SHA_256)),
                     PSA_ERROR_INSUFFICIENT_MEMORY);
    for (int i = 0; i < 6; i++)
        assert_int_equal(psa_mac_abort(&op[i]), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(key[0]), PSA_SUCCESS);
    assert_int_equal(psa_import_key(&a, bytes("key"), 3, &key[0]), PSA_SUCCESS);
    for (int i = 0; i < 40; i++)
        assert_int_equal(psa_destroy_key(key[i]), PSA_SUCCESS);
    assert_int_equal(secured_figure(&service, "keys="), 0);
}

static void test_quota_of_persistent_keys(void **state)
{
    (void)state;
    for (psa_key_id_t id = 100; id < 120; id++)
        assert_int_equal(provision(id, PSK_ALG, "key"), PSA_SUCCESS);
    assert_int_equal(provision(120, PSK_ALG, "key"), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_destroy_key(100), PSA_SUCCESS);
    assert_int_equal(provision(120, PSK_ALG, "key"), PSA_SUCCESS);
    for (psa_key_id_t id = 101; id <= 120; id++)
        assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
}

/* A client's keys may take no more than its share of the store, so others always have room. */
static void test_quota_of_key_bytes(void **state)
{
    static uint8_t big[8000];
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = PSA_SUCCESS;
    psa_key_id_t key, id = 200;
    long before = secured_figure(&service, "store_used=");

    (void)state;
    psa_set_key_type(&a, PSA_KEY_TYPE_RAW_DATA);
    for (; status == PSA_SUCCESS; id++) {
        psa_set_key_id(&a, id);
        status = psa_import_key(&a, big, sizeof big, &key);
    }
    assert_int_equal(status, PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_in_range(id - 200, 10, 19); /* before the number of keys is used up */
    assert_in_range(secured_figure(&service, "store_used="), 140000, 151000);
    for (psa_key_id_t i = 200; i < id - 1; i++)
        assert_int_equal(psa_destroy_key(i), PSA_SUCCESS);
    assert_int_equal(secured_figure(&service, "store_used="), before);
}

static void test_calls_too_large_for_the_wire_are_refused_here(void **state)
{
    static uint8_t big[64 * 1024], out[64 * 1024];
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;
    size_t len;

    (void)state;
    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_GCM);
    assert_int_equal(psa_import_key(&a, bytes("0123456789abcdef"), 16, &key), PSA_SUCCESS);
    assert_int_equal(psa_aead_encrypt(key, PSA_ALG_GCM, bytes("123456789012"), 12, NULL, 0, big,
                                      sizeof big, out, sizeof out, &len),
                     PSA_ERROR_INSUFFICIENT_MEMORY);
    /* one whole TLS record fits, and a large output buffer does no harm */
    assert_int_equal(psa_aead_encrypt(key, PSA_ALG_GCM, bytes("123456789012"), 12, NULL, 0, big,
                                      16384, out, sizeof out, &len),
                     PSA_SUCCESS);
    assert_int_equal(len, 16384 + 16);
    /* a nonce longer than the wire carries */
    assert_int_equal(
        psa_aead_encrypt(key, PSA_ALG_GCM, big, 129, NULL, 0, big, 1, out, sizeof out, &len),
        PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static void test_psa_call_refuses_programmer_errors(void **state)
{
    psa_invec in[5] = { { "x", 1 }, { "x", 1 }, { "x", 1 }, { "x", 1 }, { "x", 1 } };
    uint8_t byte;
    psa_outvec out[5] = { { &byte, 1 }, { &byte, 1 }, { &byte, 1 }, { &byte, 1 }, { &byte, 1 } };

    (void)state;
    assert_int_equal(psa_call(1, 1, in, 5, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(1, 1, in, 3, out, 2), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(1, -1, in, 1, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(1, 32768, in, 1, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(0, 1, in, 1, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(77, 1, in, 1, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(1, 1, in, 1, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(1, 9999, in, 1, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_call(3, 9, in, 1, NULL, 0), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS); /* and the connection is still good */
}

/* PSA Secure Storage API 1.0.4 */
static void test_its_follows_the_specification(void **state)
{
    struct psa_storage_info_t info;
    uint8_t out[32] = { 0 };
    size_t len = 7;

    (void)state;
    assert_int_equal(psa_its_set(0, 1, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_get(0, 0, 1, out, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(len, 0);
    assert_int_equal(psa_its_get(9, 0, 1, out, &len), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_get_info(9, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_remove(9), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_set(9, 5, "hello", 8), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_its_set(9, 5, NULL, 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(9, 5, "hello", 0), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(9, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 5);
    assert_int_equal(info.flags, 0);
    assert_int_equal(psa_its_get(9, 1, 32, out, &len), PSA_SUCCESS);
    assert_int_equal(len, 4);
    assert_memory_equal(out, "ello\0", 5);
    assert_int_equal(psa_its_get(9, 5, 1, out, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(psa_its_get(9, 6, 1, out, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_get(9, 0, UINT32_MAX, out, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(9, 0, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_its_get(9, 0, 0, NULL, &len), PSA_SUCCESS);
    assert_int_equal(psa_its_remove(9), PSA_SUCCESS);
    /* binding once the device has left provisioning: requirement ITS 14 */
    assert_int_equal(psa_its_set(10, 1, "w", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(psa_its_set(10, 1, "x", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(tsr_platform_advance(0x3000), PSA_SUCCESS);
    assert_int_equal(psa_its_set(10, 1, "y", 0), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_remove(10), PSA_ERROR_NOT_PERMITTED);
}

/* A persistent key is no asset of its client, nor an asset a key. */
static void test_its_cannot_reach_keys(void **state)
{
    struct psa_storage_info_t info;

    (void)state;
    assert_int_equal(provision(20, PSK_ALG, "key material"), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(20, &info), PSA_ERROR_DOES_NOT_EXIST);
    for (uint64_t owner = 0; owner < 4; owner++) /* as the core names the key's file */
        assert_int_equal(psa_its_get_info((UINT64_C(0xffffffff) - owner) << 32 | 20, &info),
                         PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_set(20, 1, "x", 0), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(20), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(20, &info), PSA_SUCCESS);
    assert_int_equal(psa_its_remove(20), PSA_SUCCESS);
}

/* The share of one client is used up: the old content stays, room comes back with a removal. */
static void test_storage_full_keeps_old_content(void **state)
{
    static uint8_t big[8000 + 1000], out[8000];
    uint64_t uid = 1000;
    size_t len;
    psa_status_t status;

    (void)state;
    memset(big, 'a', sizeof big);
    while ((status = psa_its_set(uid, sizeof out, big, 0)) == PSA_SUCCESS)
        uid++;
    assert_int_equal(status, PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_true(uid > 1004);
    memset(big, 'b', sizeof big);
    assert_int_equal(psa_its_set(1000, sizeof big, big, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_its_get(1000, 0, sizeof out, out, &len), PSA_SUCCESS);
    assert_int_equal(len, sizeof out);
    assert_int_equal(out[0], 'a');
    assert_int_equal(psa_its_set(uid, sizeof out, big, 0), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_its_set(1000, sizeof out, big, 0), PSA_SUCCESS); /* replacing needs none */
    assert_int_equal(psa_its_remove(1001), PSA_SUCCESS);
    assert_int_equal(psa_its_set(uid, sizeof out, big, 0), PSA_SUCCESS);
    for (uint64_t i = 1000; i <= uid; i++)
        (void)psa_its_remove(i);
}

static void *use_the_wall(void *arg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t out[32], again[32];
    size_t len;

    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    for (int i = 0; i < 200; i++) {
        psa_key_id_t key;
        uint8_t material[16];

        memset(material, i + (int)(intptr_t)arg * 13, sizeof material);
        if (psa_import_key(&a, material, sizeof material, &key) != PSA_SUCCESS ||
            psa_mac_compute(key, PSA_ALG_HMAC(PSA_ALG_SHA_256), material, 16, out, 32, &len) !=
                PSA_SUCCESS ||
            psa_generate_random(again, 8) != PSA_SUCCESS ||
            psa_hash_compute(PSA_ALG_SHA_256, material, 16, again, 32, &len) != PSA_SUCCESS ||
            psa_destroy_key(key) != PSA_SUCCESS)
            return (void *)1;
    }
    return NULL;
}

static void test_threads_share_the_gate(void **state)
{
    pthread_t t[4];
    void *bad;

    (void)state;
    for (intptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, use_the_wall, (void *)i), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(t[i], &bad), 0);
        assert_null(bad);
    }
    assert_int_equal(secured_figure(&service, "keys="), 0);
}

/* A forked child has a connection of its own, and other random bytes. */
static void test_fork_gets_its_own_connection(void **state)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key;
    uint8_t mine[16], theirs[16];
    int pipes[2], status;

    (void)state;
    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    assert_int_equal(psa_import_key(&a, bytes("key"), 3, &key), PSA_SUCCESS);
    assert_int_equal(psa_generate_random(mine, 1), PSA_SUCCESS);
    assert_int_equal(pipe(pipes), 0);

    pid_t pid = fork();

    if (pid == 0) {
        psa_key_attributes_t got = PSA_KEY_ATTRIBUTES_INIT;
        bool good = psa_generate_random(theirs, 16) == PSA_SUCCESS &&
                    psa_get_key_attributes(key, &got) == PSA_ERROR_INVALID_HANDLE &&
                    write(pipes[1], theirs, 16) == 16;

        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(pipes[0], theirs, 16), 16);
    assert_int_equal(psa_generate_random(mine, 16), PSA_SUCCESS);
    assert_memory_not_equal(mine, theirs, 16);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS); /* the parent's key lived on */
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_provisioned_psk_derives_and_cannot_be_read),
        cmocka_unit_test(test_key_ids_outside_the_users_range_are_refused),
        cmocka_unit_test(test_derivation_statuses_come_at_their_call),
        cmocka_unit_test(test_derivation_long_inputs_agree_with_short_way),
        cmocka_unit_test(test_derivation_refuses_overlong_psk_at_its_input),
        cmocka_unit_test(test_operation_error_state_needs_abort),
        cmocka_unit_test(test_hash_table_full_and_stale_copies),
        cmocka_unit_test(test_quota_of_volatile_keys_and_operations),
        cmocka_unit_test(test_quota_of_persistent_keys),
        cmocka_unit_test(test_quota_of_key_bytes),
        cmocka_unit_test(test_calls_too_large_for_the_wire_are_refused_here),
        cmocka_unit_test(test_psa_call_refuses_programmer_errors),
        cmocka_unit_test(test_its_follows_the_specification),
        cmocka_unit_test(test_its_cannot_reach_keys),
        cmocka_unit_test(test_storage_full_keeps_old_content),
        cmocka_unit_test(test_threads_share_the_gate),
        cmocka_unit_test(test_fork_gets_its_own_connection),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
