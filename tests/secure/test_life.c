/* SPDX-License-Identifier: Apache-2.0
 *
 * Power cuts in the whole of the secure world: ITS, keys through the crypto service, Protected
 * Storage with its two media, the lifecycle, and an update with its two slots. PSA Secure Storage
 * 1.0.4, requirements PS 11 and ITS 12, and more: always the old or the new content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "psa/wire/params.h"
#include "secure/lifecycle/lifecycle.h"
#include "tests/secure/life.h"
#include "tests/secure/life_update.h"
#include "tests/secure/ps_rig.h"

/* Sanitizers make signatures many times slower: fewer chances then, and no limit of time. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#define CHANCES   1u
#else
#define SANITIZED false
#define CHANCES   4u
#endif

#define CLIENT    (-7)
#define NO_SECRET PSA_STORAGE_FLAG_NO_CONFIDENTIALITY
#define NO_REPLAY PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION

typedef struct {
    uint32_t size, block, unit;
    bool overwrite;
} shape;

static sim inner, outer, slots[2];
static const shape *inner_shape, *outer_shape;
static bool open_already;
static uint64_t chance; /* decides what becomes of writes that were not synced */
static tsr_lifecycle lifecycle;

static void fresh(uint64_t seed)
{
    if (open_already) {
        sim_close(&inner);
        sim_close(&outer);
        life_update_end(slots);
    }
    sim_open(&inner, inner_shape->size, inner_shape->block, inner_shape->unit,
             inner_shape->overwrite, seed + chance);
    sim_open(&outer, outer_shape->size, outer_shape->block, outer_shape->unit,
             outer_shape->overwrite, seed + chance + 77);
    outer.leader = &inner;
    life_update_fresh(slots, &inner, seed + chance + 770);
    open_already = true;
}

static bool restart(void);

/* As the ports do it: the boot decision is a part of recovery, with the active image verified. */
static bool power_on(void)
{
    return core_open(&inner.flash) == TSR_OK && rig_open(&outer.flash) == TSR_OK &&
           tsr_lifecycle_open(&lifecycle, &core_here()->its) == PSA_SUCCESS &&
           life_update_open(restart);
}

static bool restart(void)
{
    core_close();
    return power_on();
}

static const life_device device = {
    { &inner, &outer, &slots[0], &slots[1] }, 4, power_on, core_close
};

/* Internal Trusted Storage */
static bool its_set(const char *to)
{
    return tsr_its_set(&core_here()->its, CLIENT, 1, strlen(to), to, 0) == PSA_SUCCESS;
}

static bool its_remove(const char *to)
{
    (void)to;
    return tsr_its_remove(&core_here()->its, CLIENT, 1) == PSA_SUCCESS;
}

static bool its_holds(const char *value)
{
    char got[CORE_VALUE_MAX];
    size_t len;
    psa_status_t status = tsr_its_get(&core_here()->its, CLIENT, 1, 0, sizeof got, got, &len);

    if (value == NULL)
        return status == PSA_ERROR_DOES_NOT_EXIST;
    return status == PSA_SUCCESS && tsr_same(tsr_view(got, len), tsr_text(value));
}

/* Keys, by messages to the crypto service */
static psa_status_t crypto_call(int32_t type, const tsr_wire_params *p, const char *material,
                                psa_outvec *out)
{
    uint8_t block[TSR_WIRE_PARAMS];
    tsr_buf params = tsr_buf_over(block, sizeof block);
    tsr_spm_msg msg = { .caller = { CLIENT, 1 }, .type = type, .in_len = 1 };

    tsr_wire_params_write(&params, p);
    msg.in[0] = tsr_buf_view(&params);
    if (material != NULL)
        msg.in[msg.in_len++] = tsr_text(material);
    if (out != NULL)
        msg.out[msg.out_len++] = *out;
    psa_status_t status = tsr_crypto_call(&core_here()->crypto, &msg);
    if (out != NULL)
        *out = msg.out[0];
    return status;
}

static bool key_create(const char *to)
{
    uint8_t id[4];
    psa_outvec out = { id, sizeof id };
    tsr_wire_params p = { .attributes = { .type = PSA_KEY_TYPE_RAW_DATA,
                                          .lifetime = PSA_KEY_LIFETIME_PERSISTENT,
                                          .id = 9,
                                          .usage = PSA_KEY_USAGE_EXPORT } };

    return crypto_call(TSR_CRYPTO_IMPORT_KEY, &p, to, &out) == PSA_SUCCESS;
}

static bool key_destroy(const char *to)
{
    tsr_wire_params p = { .key = 9 };

    (void)to;
    return crypto_call(TSR_CRYPTO_DESTROY_KEY, &p, NULL, NULL) == PSA_SUCCESS;
}

static bool key_holds(const char *value)
{
    tsr_wire_params p = { .key = 9 };
    char got[64];
    psa_outvec out = { got, sizeof got };
    psa_status_t status = crypto_call(TSR_CRYPTO_EXPORT_KEY, &p, NULL, &out);

    if (value == NULL)
        return status == PSA_ERROR_INVALID_HANDLE;
    return status == PSA_SUCCESS && tsr_same(tsr_view(got, out.len), tsr_text(value));
}

/* Protected Storage: uid 1 with everything, uid 2 waiving what can be waived, uid 3 in pieces */
static bool ps_set(const char *to)
{
    return tsr_ps_set(&rig_here()->ps, CLIENT, 1, strlen(to), to, 0) == PSA_SUCCESS;
}

static bool ps_remove(const char *to)
{
    (void)to;
    return tsr_ps_remove(&rig_here()->ps, CLIENT, 1) == PSA_SUCCESS;
}

static bool ps_set_waived(const char *to)
{
    return tsr_ps_set(&rig_here()->ps, CLIENT, 2, strlen(to), to, NO_REPLAY | NO_SECRET) ==
           PSA_SUCCESS;
}

static bool ps_set_unwaived(const char *to)
{
    return tsr_ps_set(&rig_here()->ps, CLIENT, 2, strlen(to), to, 0) == PSA_SUCCESS;
}

static bool ps_remove_waived(const char *to)
{
    (void)to;
    return tsr_ps_remove(&rig_here()->ps, CLIENT, 2) == PSA_SUCCESS;
}

static bool ps_create(const char *to)
{
    (void)to;
    return tsr_ps_create(&rig_here()->ps, CLIENT, 3, 60, 0) == PSA_SUCCESS;
}

/* Appends, or overwrites from the third byte on, so that `to` is what results. */
static bool ps_append(const char *to)
{
    struct psa_storage_info_t info;

    return tsr_ps_get_info(&rig_here()->ps, CLIENT, 3, &info) == PSA_SUCCESS &&
           tsr_ps_set_extended(&rig_here()->ps, CLIENT, 3, info.size, strlen(to) - info.size,
                               to + info.size) == PSA_SUCCESS;
}

static bool ps_patch(const char *to)
{
    return tsr_ps_set_extended(&rig_here()->ps, CLIENT, 3, 2, 4, to + 2) == PSA_SUCCESS;
}

static bool ps_remove_extended(const char *to)
{
    (void)to;
    return tsr_ps_remove(&rig_here()->ps, CLIENT, 3) == PSA_SUCCESS;
}

static bool ps_holds(uint64_t uid, const char *value)
{
    char got[RIG_ASSET_MAX];
    size_t len;
    psa_status_t status = tsr_ps_get(&rig_here()->ps, CLIENT, uid, 0, sizeof got, got, &len);

    if (value == NULL)
        return status == PSA_ERROR_DOES_NOT_EXIST;
    return status == PSA_SUCCESS && tsr_same(tsr_view(got, len), tsr_text(value));
}

static bool ps_one_holds(const char *value) { return ps_holds(1, value); }
static bool ps_two_holds(const char *value) { return ps_holds(2, value); }
static bool ps_three_holds(const char *value) { return ps_holds(3, value); }

/* Lifecycle */
static bool advance(const char *to)
{
    tsr_lifecycle_state state;

    return tsr_lifecycle_of_name(tsr_text(to), &state) == TSR_OK &&
           tsr_lifecycle_advance(&lifecycle, state) == PSA_SUCCESS;
}

static bool lifecycle_holds(const char *value)
{
    const char *now = tsr_lifecycle_name(tsr_lifecycle_get(&lifecycle));

    return strcmp(now, value != NULL ? value : "psa-rot-provisioning") == 0;
}

static const life_object its = { "its", its_holds, NULL }, key = { "key", key_holds, NULL },
                         ps_one = { "ps", ps_one_holds, NULL },
                         ps_two = { "ps waived", ps_two_holds, NULL },
                         ps_three = { "ps extended", ps_three_holds, NULL },
                         state_of_life = { "lifecycle", lifecycle_holds, NULL };

#define LONG                                                                                       \
    "a long value a long value a long value a long value a long value a long value a long value "  \
    "a long value a long value a long value a long value a long value a long value a long value "

static const life_step script[] = {
    { "its set", &its, "first", its_set },
    { "key create", &key, "key material", key_create },
    { "update start", &life_update, life_update_written_0, life_update_to },
    { "ps set", &ps_one, "one", ps_set },
    { "update write", &life_update, life_update_written_1, life_update_to },
    { "ps set, waived", &ps_two, "first", ps_set_waived },
    { "ps create", &ps_three, "", ps_create },
    { "its overwrite", &its, LONG, its_set },
    { "update write again", &life_update, life_update_written_2, life_update_to },
    { "update write more", &life_update, life_update_written_3, life_update_to },
    { "ps overwrite", &ps_one, LONG, ps_set },
    { "update write the last", &life_update, life_update_written_4, life_update_to },
    { "ps append", &ps_three, "abcdef", ps_append },
    { "update finish", &life_update, life_update_candidate, life_update_to },
    { "ps overwrite, waived", &ps_two, "second " LONG, ps_set_waived },
    { "update install", &life_update, life_update_staged, life_update_to },
    { "key destroy", &key, NULL, key_destroy },
    { "update restart", &life_update, life_update_trial, life_update_to },
    { "lifecycle", &state_of_life, "secured", advance },
    { "update accept", &life_update, life_update_accepted, life_update_to },
    { "ps patch", &ps_three, "abCDEF", ps_patch },
    { "ps append again", &ps_three, "abCDEFghijklmnopqrstuvwxyz", ps_append },
    { "ps no longer waived", &ps_two, "third", ps_set_unwaived },
    { "ps waived again", &ps_two, "fourth", ps_set_waived },
    { "update clean", &life_update, life_update_cleaned, life_update_to },
    { "key create again", &key, "other material", key_create },
    { "ps remove", &ps_one, NULL, ps_remove },
    { "its remove", &its, NULL, its_remove },
    { "ps set again", &ps_one, "one again", ps_set },
    { "ps overwrite again", &ps_one, "one and again", ps_set },
    { "ps remove, waived", &ps_two, NULL, ps_remove_waived },
    { "ps remove, extended", &ps_three, NULL, ps_remove_extended },
    { "its set again", &its, "last", its_set },
    { "key destroy again", &key, NULL, key_destroy },
};

/* Small devices, so that the script goes round the ring several times and collections are cut too;
 * and one where nothing may be overwritten. */
static const shape shapes[][2] = {
    { { 6 * 1024, 1024, 1, true }, { 4 * 1536, 1536, 4, true } },
    { { 8 * 2048, 2048, 8, true }, { 8 * 2048, 2048, 8, true } },
    { { 6 * 2048, 2048, 32, false }, { 6 * 2048, 2048, 16, false } },
};

static void test_life_survives_a_cut_at_every_operation(void **state)
{
    life_result sum = { 0 };

    (void)state;
    for (size_t g = 0; g < CHANCES * sizeof shapes / sizeof *shapes; g++) {
        inner_shape = &shapes[g / CHANCES][0];
        outer_shape = &shapes[g / CHANCES][1];
        chance = g % CHANCES * 100003u;

        life_result r = life_run(&device, fresh, script, sizeof script / sizeof *script);

        sum.cuts += r.cuts;
        sum.second_cuts += r.second_cuts;
        sum.olds += r.olds;
        sum.news += r.news;
        sum.told += r.told;
        if (r.worst_us > sum.worst_us)
            sum.worst_us = r.worst_us;
    }
    assert_int_equal(sum.olds + sum.news + sum.told, sum.cuts);
    print_message("power cuts: %llu points, each tried %u time(s) and none left out; old %llu, new "
                  "%llu, acknowledged before %llu; %llu more cuts while recovering; longest "
                  "recovery %llu us\n",
                  (unsigned long long)sum.cuts / CHANCES, CHANCES, (unsigned long long)sum.olds,
                  (unsigned long long)sum.news, (unsigned long long)sum.told,
                  (unsigned long long)sum.second_cuts, (unsigned long long)sum.worst_us);
    assert_true(sum.cuts > 900 * CHANCES);
    assert_true(sum.olds > 300 * CHANCES && sum.told > 200 * CHANCES && sum.news > 10);
    if (!SANITIZED)
        assert_true(sum.worst_us < 50000);
    sim_close(&inner);
    sim_close(&outer);
    life_update_end(slots);
}

static int prepare(void **state)
{
    sim blank;

    (void)state;
    sim_open(&blank, 4 * 4096, 4096, 8, false, 1);
    if (core_open(&blank.flash) != TSR_OK)
        return -1;
    life_update_prepare();
    core_close();
    sim_close(&blank);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_survives_a_cut_at_every_operation),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
