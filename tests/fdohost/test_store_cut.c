/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a device's FDO credential with a power cut at every operation of both media: the device is
 * what it was or what it becomes, with the secret and the account keys that go with it and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "ports/linux/fdo/store.h"
#include "psa/protected_storage.h"
#include "psa/wire/params.h"
#include "tests/fdohost/keys.h"
#include "tests/secure/life.h"
#include "tests/secure/ps_rig.h"

#define CLIENT (-7)

enum { TEXTS = 16, MAC = 32 };

typedef struct {
    uint32_t size, block, unit;
    bool overwrite;
} shape;

static const shape shapes[][2] = {
    { { 16 * 1024, 1024, 1, true }, { 6 * 1536, 1536, 4, true } },
    { { 10 * 2048, 2048, 8, true }, { 8 * 2048, 2048, 8, true } },
    { { 10 * 2048, 2048, 32, false }, { 6 * 2048, 2048, 16, false } },
};

static sim inner, outer;
static const shape *now;
static bool open_already;
static tsr_fdo_store store;

/* ---- the secure world in this process ---- */

static psa_status_t call(int32_t type, const tsr_wire_params *p, const char *text, psa_outvec *out)
{
    uint8_t block[TSR_WIRE_PARAMS];
    tsr_buf params = tsr_buf_over(block, sizeof block);
    tsr_spm_msg msg = { .caller = { CLIENT, 1 }, .type = type, .in_len = 1 };
    psa_status_t status;

    tsr_wire_params_write(&params, p);
    msg.in[0] = tsr_buf_view(&params);
    if (text != NULL)
        msg.in[msg.in_len++] = tsr_text(text);
    if (out != NULL)
        msg.out[msg.out_len++] = *out;
    status = tsr_crypto_call(&core_here()->crypto, &msg);
    if (out != NULL)
        *out = msg.out[0];
    return status;
}

psa_status_t keys_generate(uint32_t id, uint16_t type, uint16_t bits, uint32_t usage, uint32_t alg)
{
    uint8_t made[4];
    psa_outvec out = { made, sizeof made };
    tsr_wire_params p = { .attributes = { type, bits, PSA_KEY_LIFETIME_PERSISTENT, id, usage, alg, 0 } };

    return call(TSR_CRYPTO_GENERATE_KEY, &p, NULL, &out);
}

psa_status_t keys_destroy(uint32_t id)
{
    return call(TSR_CRYPTO_DESTROY_KEY, &(tsr_wire_params){ .key = id }, NULL, NULL);
}

psa_status_t keys_bits(uint32_t id, uint16_t *bits)
{
    uint8_t block[TSR_WIRE_ATTRIBUTES];
    psa_outvec out = { block, sizeof block };
    tsr_wire_attributes a;
    psa_status_t status = call(TSR_CRYPTO_GET_ATTRIBUTES, &(tsr_wire_params){ .key = id }, NULL, &out);

    if (status == PSA_SUCCESS && tsr_wire_attributes_read(tsr_view(block, out.len), &a) == TSR_OK)
        *bits = a.bits;
    return status;
}

psa_status_t psa_ps_set(psa_storage_uid_t uid, size_t len, const void *data,
                        psa_storage_create_flags_t flags)
{
    return tsr_ps_set(&rig_here()->ps, CLIENT, uid, len, data, flags);
}

psa_status_t psa_ps_get(psa_storage_uid_t uid, size_t offset, size_t size, void *data, size_t *len)
{
    return tsr_ps_get(&rig_here()->ps, CLIENT, uid, offset, size, data, len);
}

psa_status_t psa_ps_remove(psa_storage_uid_t uid)
{
    return tsr_ps_remove(&rig_here()->ps, CLIENT, uid);
}

static bool is_there(uint32_t key)
{
    uint16_t bits;

    return keys_bits(key, &bits) == PSA_SUCCESS;
}

/* ---- power ---- */

static void fresh(uint64_t seed)
{
    if (open_already) {
        sim_close(&inner);
        sim_close(&outer);
    }
    sim_open(&inner, now[0].size, now[0].block, now[0].unit, now[0].overwrite, seed);
    sim_open(&outer, now[1].size, now[1].block, now[1].unit, now[1].overwrite, seed + 77);
    outer.leader = &inner;
    open_already = true;
}

static bool power_on(void)
{
    return core_open(&inner.flash) == TSR_OK && rig_open(&outer.flash) == TSR_OK &&
           tsr_fdo_store_load(&store) == TSR_OK;
}

static const life_device device = { { &inner, &outer }, 2, power_on, core_close };

/* ---- what the device is: "state credential accounts" ---- */

static struct {
    const char *value;
    uint8_t mac[MAC]; /* of a text, by the secret that goes with it */
} macs[TEXTS];

static bool mac_by(uint32_t key, uint8_t mac[MAC])
{
    psa_outvec out = { mac, MAC };
    tsr_wire_params p = { .key = key, .alg = PSA_ALG_HMAC(PSA_ALG_SHA_256) };

    return call(TSR_CRYPTO_MAC_COMPUTE, &p, "a header", &out) == PSA_SUCCESS && out.len == MAC;
}

static uint8_t *mac_of(const char *value)
{
    size_t i = 0;

    while (macs[i].value != NULL && strcmp(macs[i].value, value) != 0)
        i++;
    macs[i].value = value;
    return macs[i].mac;
}

/* Accounts are a text of one letter a key. */
static bool keys_fit(void)
{
    size_t count = store.accounts.len;
    uint32_t other = tsr_fdo_store_secret(&store) ^ 3u; /* numbers 1 and 2 behind the first */

    for (size_t n = 0; n < TSR_FDO_STORE_KEYS; n++) {
        if (is_there(tsr_fdo_store_account_key(&store, false, n)) != (n < count) ||
            is_there(tsr_fdo_store_account_key(&store, true, n)))
            return false;
    }
    return !is_there(other) &&
           is_there(tsr_fdo_store_secret(&store)) == (store.state != TSR_FDO_STORE_BLANK);
}

static bool device_holds(const char *value)
{
    char text[128];
    uint8_t mac[MAC];

    if (!keys_fit())
        return false;
    if (value == NULL)
        return store.state == TSR_FDO_STORE_BLANK;
    (void)snprintf(text, sizeof text, "%d %.*s %.*s", (int)store.state, (int)store.credential.len,
                   (const char *)store.credential.ptr, (int)store.accounts.len,
                   (const char *)store.accounts.ptr);
    return strcmp(text, value) == 0 && mac_by(tsr_fdo_store_secret(&store), mac) &&
           memcmp(mac, mac_of(value), MAC) == 0;
}

static const life_object fdo = { "credential", device_holds, NULL };

/* ---- steps ---- */

static tsr_fdo_change change_to(const char *to)
{
    tsr_bytes in = tsr_text(to);
    size_t n = strcspn(to + 2, " ");

    return (tsr_fdo_change){ .state = (tsr_fdo_store_state)(to[0] - '0'),
                             .credential = tsr_first(tsr_skip(in, 2), n),
                             .accounts = tsr_skip(in, 3 + n) };
}

static bool change(const char *to, bool new_secret, bool new_accounts)
{
    tsr_fdo_change c = change_to(to);
    uint32_t key = tsr_fdo_store_secret(&store);

    if (new_secret && tsr_fdo_store_make_secret(&store, 256, &key) != TSR_OK)
        return false;
    if (!mac_by(key, mac_of(to)))
        return false;
    if (new_accounts && tsr_fdo_store_clear_next(&store) != TSR_OK)
        return false;
    for (size_t n = 0; new_accounts && n < c.accounts.len; n++) {
        if (keys_generate(tsr_fdo_store_account_key(&store, true, n), PSA_KEY_TYPE_HMAC, 256,
                          PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_HMAC(PSA_ALG_SHA_256)) != PSA_SUCCESS)
            return false;
    }
    c.new_secret = new_secret;
    c.new_accounts = new_accounts;
    return tsr_fdo_store_commit(&store, &c) == TSR_OK;
}

static bool manufacture(const char *to)
{
    return tsr_fdo_store_make_device_key(256) == TSR_OK && change(to, true, true);
}

static bool onboard(const char *to) { return change(to, true, true); }
static bool reuse(const char *to) { return change(to, false, true); }
static bool mark(const char *to) { return change(to, false, false); }

/* Keys of an attempt that fails before the end go with the next power on, or the next attempt. */
static bool attempt(const char *to)
{
    uint32_t key;

    (void)to;
    return tsr_fdo_store_make_secret(&store, 256, &key) == TSR_OK &&
           keys_generate(tsr_fdo_store_account_key(&store, true, 3), PSA_KEY_TYPE_HMAC, 256,
                         PSA_KEY_USAGE_SIGN_MESSAGE, PSA_ALG_HMAC(PSA_ALG_SHA_256)) == PSA_SUCCESS &&
           tsr_fdo_store_load(&store) == TSR_OK;
}

static bool erase(const char *to)
{
    (void)to;
    return tsr_fdo_store_erase(&store) == TSR_OK && !is_there(tsr_fdo_store_device_key());
}

static const life_step script[] = {
    { "DI", &fdo, "1 made ", manufacture },
    { "TO2 that fails", &fdo, "1 made ", attempt },
    { "TO2", &fdo, "2 owned ab", onboard },
    { "power on", &fdo, "2 owned ab", attempt },
    { "reset", &fdo, "1 owned ", reuse },
    { "TO2 again, reuse", &fdo, "2 owned c", reuse },
    { "state alone", &fdo, "1 owned c", mark },
    { "resale", &fdo, "2 sold def", onboard },
    { "erase", &fdo, NULL, erase },
    { "DI again", &fdo, "1 remade ", manufacture },
    { "TO2 of the new life", &fdo, "2 new g", onboard },
};

static void test_store_survives_a_cut_at_every_operation(void **state)
{
    life_result sum = { 0 };

    (void)state;
    for (size_t g = 0; g < sizeof shapes / sizeof *shapes; g++) {
        life_result r;

        now = shapes[g];
        r = life_run(&device, fresh, script, sizeof script / sizeof *script);
        sum.cuts += r.cuts;
        sum.second_cuts += r.second_cuts;
        sum.olds += r.olds;
        sum.news += r.news;
        sum.told += r.told;
    }
    assert_int_equal(sum.olds + sum.news + sum.told, sum.cuts);
    print_message("power cuts: %llu points and none left out; old %llu, new %llu, acknowledged before "
                  "%llu; %llu more cuts while recovering\n",
                  (unsigned long long)sum.cuts, (unsigned long long)sum.olds,
                  (unsigned long long)sum.news, (unsigned long long)sum.told,
                  (unsigned long long)sum.second_cuts);
    assert_true(sum.cuts > 100 && sum.olds > 50 && sum.told > 10);
}

/* What is damaged is told, and an erased device begins anew. */
static void test_store_that_is_damaged(void **state)
{
    static const uint8_t junk[] = { 0x86, 0x01, 0x01 };

    (void)state;
    now = shapes[1];
    fresh(5);
    assert_true(power_on());
    assert_true(manufacture("1 made "));
    assert_int_equal(psa_ps_set(TSR_FDO_STORE_UID, sizeof junk, junk, 0), PSA_SUCCESS);
    assert_int_equal(tsr_fdo_store_load(&store), TSR_E_MALFORMED);
    assert_int_equal(store.state, TSR_FDO_STORE_BLANK);
    assert_int_equal(tsr_fdo_store_erase(&store), TSR_OK);
    assert_int_equal(tsr_fdo_store_load(&store), TSR_OK);
    assert_true(manufacture("1 made "));
    core_close();
}

/* A full store refuses, and nothing is changed. */
static void test_store_that_is_full(void **state)
{
    char long_text[RIG_ASSET_MAX + 1] = "2 ";

    (void)state;
    fresh(6);
    assert_true(power_on());
    assert_true(manufacture("1 made "));
    memset(long_text + 2, 'x', sizeof long_text - 4);
    assert_false(onboard(long_text));
    assert_int_equal(tsr_fdo_store_load(&store), TSR_OK);
    assert_true(device_holds("1 made "));
    core_close();
    sim_close(&inner);
    sim_close(&outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_survives_a_cut_at_every_operation),
        cmocka_unit_test(test_store_that_is_damaged),
        cmocka_unit_test(test_store_that_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
