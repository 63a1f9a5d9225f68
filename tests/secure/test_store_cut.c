/* SPDX-License-Identifier: Apache-2.0
 *
 * Power cuts. PSA Secure Storage 1.0.4, requirements PS 11 and ITS 12: a failed write leaves the
 * old content; here: the old or the new one, never a third, at whatever operation the cut falls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "secure/storage/log.h"
#include "tests/secure/flash_sim.h"
#include "tests/secure/store_model.h"

typedef struct {
    uint32_t size, block, unit, value_max;
    bool overwrite;
} shape;

static const shape shapes[] = {
    { 4 * 512, 512, 1, 96, true },       { 3 * 512, 512, 4, 100, false },
    { 5 * 1024, 1024, 8, 200, true },    { 8 * 1024, 1024, 16, 300, false },
    { 6 * 4096, 4096, 256, 700, false }, { 4 * 2048, 2048, 32, 512, true },
    { 6 * 2048, 2048, 4, 1100, false },
};

static tsr_store_entry index_memory[MODEL_KEYS];

static void check_mount(sim *flash, tsr_store *store, const shape *g, uint64_t seed, uint64_t cut)
{
    tsr_err err = tsr_store_mount(store, &flash->flash, index_memory, MODEL_KEYS, g->value_max);

    if (err != TSR_OK)
        print_error("mount: %s, %s at %u (block %u, seed %llu, cut %llu)\n", tsr_err_name(err),
                    store->report.cause, store->report.at, g->block, (unsigned long long)seed,
                    (unsigned long long)cut);
    assert_int_equal(err, TSR_OK);
}

/* After a cut the key in hand has its old or its new content; which one then becomes the model. */
static void settle(model *m, tsr_store *store, const model_op *op)
{
    if (model_holds(store, &op->after, op->key))
        m->values[op->key] = op->after;
    else
        assert_true(model_holds(store, &m->values[op->key], op->key));
    assert_true(model_equals(m, store, UINT32_MAX));
}

/* Runs operations until `n` were done or the power went; true: it went. */
static bool run(model *m, tsr_store *store, unsigned n, model_op *last)
{
    for (unsigned i = 0; i < n; i++) {
        model_op op = model_random_op(m);
        tsr_err err = model_run(store, &op);

        *last = op;
        if (err == TSR_OK)
            m->values[op.key] = op.after;
        else if (err != TSR_E_SPACE)
            return true;
    }
    return false;
}

static void test_cut_at_every_operation(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof shapes / sizeof *shapes; g++) {
        bool went = true;

        for (uint64_t cut = 0; went; cut++) {
            model m = { .value_max = shapes[g].value_max, .rng = 99 + g };
            tsr_store store;
            model_op op = { 0 };
            sim flash;

            sim_open(&flash, shapes[g].size, shapes[g].block, shapes[g].unit, shapes[g].overwrite,
                     cut + 1);
            assert_int_equal(tsr_store_format(&flash.flash), TSR_OK);
            check_mount(&flash, &store, &shapes[g], g, cut);
            flash.cut_at = flash.count + cut;
            went = run(&m, &store, 90, &op);
            sim_restore(&flash);
            check_mount(&flash, &store, &shapes[g], g, cut);
            if (went)
                settle(&m, &store, &op);
            assert_true(model_equals(&m, &store, UINT32_MAX));
            assert_false(run(&m, &store, 12, &op)); /* and it goes on working */
            check_mount(&flash, &store, &shapes[g], g, cut);
            assert_true(model_equals(&m, &store, UINT32_MAX));
            assert_null(flash.bad_manners);
            sim_close(&flash);
        }
    }
}

/* One medium, thousands of sets and removes, a cut every few operations, also while recovering. */
static void test_cuts_without_end(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof shapes / sizeof *shapes; g++) {
        model m = { .value_max = shapes[g].value_max, .rng = 4711 + g };
        uint64_t rng = 12345 + g;
        tsr_store store;
        sim flash;

        sim_open(&flash, shapes[g].size, shapes[g].block, shapes[g].unit, shapes[g].overwrite, g);
        assert_int_equal(tsr_store_format(&flash.flash), TSR_OK);
        for (unsigned round = 0; round < 700; round++) {
            model_op op = { 0 };

            check_mount(&flash, &store, &shapes[g], g, round);
            flash.cut_at = flash.count + sim_random(&rng) % 60;
            bool went = run(&m, &store, 20, &op);
            sim_restore(&flash);
            check_mount(&flash, &store, &shapes[g], g, round);
            if (went)
                settle(&m, &store, &op);
            assert_true(model_equals(&m, &store, UINT32_MAX));
            assert_null(flash.bad_manners);
        }
        sim_close(&flash);
    }
}

static void test_cut_while_formatting(void **state)
{
    (void)state;
    for (uint64_t cut = 0; cut < 12; cut++) {
        for (uint64_t seed = 0; seed < 40; seed++) {
            tsr_store store;
            sim flash;

            sim_open(&flash, 4 * 1024, 1024, 8, false, seed);
            flash.cut_at = cut;
            tsr_err formatted = tsr_store_format(&flash.flash);
            sim_restore(&flash);
            tsr_err err = tsr_store_mount(&store, &flash.flash, index_memory, MODEL_KEYS, 100);
            assert_true(err == TSR_OK || (err == TSR_E_NOT_FOUND && formatted != TSR_OK));
            if (err == TSR_E_NOT_FOUND) {
                assert_int_equal(tsr_store_format(&flash.flash), TSR_OK);
                check_mount(&flash, &store, &(shape){ .value_max = 100 }, seed, cut);
            }
            assert_null(flash.bad_manners);
            sim_close(&flash);
        }
    }
}

/* A repair that is cut off is simply repeated; it loses nothing but the damaged key. */
static void test_cut_while_repairing(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof shapes / sizeof *shapes; g++) {
        bool went = true;

        for (uint64_t cut = 0; went; cut++) {
            model m = { .value_max = shapes[g].value_max, .rng = 7 + g };
            tsr_store store;
            model_op op;
            uint32_t victim = 0;
            sim flash;

            sim_open(&flash, shapes[g].size, shapes[g].block, shapes[g].unit, shapes[g].overwrite,
                     cut + 3);
            assert_int_equal(tsr_store_format(&flash.flash), TSR_OK);
            check_mount(&flash, &store, &shapes[g], g, cut);
            assert_false(run(&m, &store, 70, &op));
            check_mount(&flash, &store, &shapes[g], g, cut);
            while (tsr_store_compare(model_key(victim), index_memory[0].key) != 0)
                victim++;
            flash.now[index_memory[0].at + 17] ^= 0x40; /* in the flags, so in the header */
            flash.durable[index_memory[0].at + 17] ^= 0x40;
            flash.cut_at = flash.count + cut;
            went = tsr_store_repair(&store, &flash.flash, index_memory, MODEL_KEYS,
                                    shapes[g].value_max) != TSR_OK;
            sim_restore(&flash);
            assert_int_equal(tsr_store_repair(&store, &flash.flash, index_memory, MODEL_KEYS,
                                              shapes[g].value_max),
                             TSR_OK);
            assert_true(model_equals(&m, &store, victim));
            check_mount(&flash, &store, &shapes[g], g, cut);
            assert_true(model_equals(&m, &store, victim));
            assert_null(flash.bad_manners);
            sim_close(&flash);
        }
    }
}

/* A cell that keeps one bit to itself, at every second call in turn: the store notices before it
 * says "done", and nothing that was acknowledged suffers, in that record or by a collection. */
static void test_weak_cell_at_every_program(void **state)
{
    unsigned noticed = 0;

    (void)state;
    for (size_t g = 0; g < sizeof shapes / sizeof *shapes; g++) {
        for (uint64_t at = 0; at < 600; at += 2) {
            model m = { .value_max = shapes[g].value_max, .rng = 23 + g };
            tsr_store store;
            model_op op = { 0 };
            sim flash;

            sim_open(&flash, shapes[g].size, shapes[g].block, shapes[g].unit, shapes[g].overwrite,
                     at);
            assert_int_equal(tsr_store_format(&flash.flash), TSR_OK);
            check_mount(&flash, &store, &shapes[g], g, at);
            flash.weak_at = flash.count + at;
            if (run(&m, &store, 120, &op)) {
                noticed++;
                assert_true(model_equals(&m, &store, UINT32_MAX)); /* the old content */
            }
            flash.weak_at = UINT64_MAX;
            check_mount(&flash, &store, &shapes[g], g, at);
            settle(&m, &store, &op);
            assert_false(run(&m, &store, 15, &op)); /* and it goes on working */
            check_mount(&flash, &store, &shapes[g], g, at);
            assert_true(model_equals(&m, &store, UINT32_MAX));
            assert_null(flash.bad_manners);
            sim_close(&flash);
        }
    }
    assert_true(noticed > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_operation),
        cmocka_unit_test(test_cuts_without_end),
        cmocka_unit_test(test_cut_while_formatting),
        cmocka_unit_test(test_cut_while_repairing),
        cmocka_unit_test(test_weak_cell_at_every_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
