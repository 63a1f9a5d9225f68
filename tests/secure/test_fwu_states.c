/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware Update 1.0.1 §4.2 and appendix C: every state, every call, every variation of the state
 * model; and every pair of states of two components. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/secure/fwu_device.h"

enum { START, WRITE, FINISH, CANCEL, CLEAN, INSTALL, REJECT, ACCEPT, REBOOT, CALLS };

static const char letters[] = "RWCSFTJU"; /* PSA_FWU_READY to PSA_FWU_UPDATED */

/* The next state of each state under each call. '-': PSA_ERROR_BAD_STATE. NULL: not used. */
typedef struct {
    const char *name;
    uint32_t properties;
    const char *row[8];
} model;

/*                        S W F C C I R A R
 *                        t r i a l n e c e
 *                        a i n n e s j c b  */
static const model models[] = {
    { "reboot, trial",
      0,
      { "W-------R", "-WCF----W", "---F-S--C", "------F-T", "----R---F", "------JUF", "--------F",
        "----R---U" } },
    { "reboot, no trial",
      TSR_FWU_NO_TRIAL,
      { "W-------R", "-WCF----W", "---F-S--C", "------F-U", "----R---F", NULL, NULL,
        "----R---U" } },
    { "no reboot, trial",
      TSR_FWU_NO_REBOOT,
      { "W-------R", "-WCF----W", "---F-T--C", NULL, "----R---F", "------FUT", NULL,
        "----R---U" } },
    { "no reboot, no trial",
      TSR_FWU_NO_REBOOT | TSR_FWU_NO_TRIAL,
      { "W-------R", "-WCF----W", "---F-U--C", NULL, "----R---F", NULL, NULL, "----R---U" } },
    { "volatile, reboot, trial",
      TSR_FWU_VOLATILE,
      { "W-------R", "-WCF----R", "---F-S--R", "------F-T", "----R---R", "------JUR", "--------R",
        "----R---R" } },
    { "volatile, reboot, no trial",
      TSR_FWU_VOLATILE | TSR_FWU_NO_TRIAL,
      { "W-------R", "-WCF----R", "---F-S--R", "------F-R", "----R---R", NULL, NULL, NULL } },
    { "volatile, no reboot, trial",
      TSR_FWU_VOLATILE | TSR_FWU_NO_REBOOT,
      { "W-------R", "-WCF----R", "---F-T--R", NULL, "----R---R", "------FUR", NULL,
        "----R---R" } },
    { "volatile, no reboot, no trial",
      TSR_FWU_VOLATILE | TSR_FWU_NO_REBOOT | TSR_FWU_NO_TRIAL,
      { "W-------R", "-WCF----R", "---F-U--R", NULL, "----R---R", NULL, NULL, "----R---R" } },
};

static packed prepared[2];

static psa_status_t call(device *d, int what, size_t id)
{
    psa_fwu_component_t c = (psa_fwu_component_t)id;

    switch (what) {
    case START: return tsr_fwu_start(&d->fwu, c, tsr_view(NULL, 0));
    case WRITE: return tsr_fwu_write(&d->fwu, c, 0, tsr_view(prepared[id].bytes, 64));
    case FINISH: return tsr_fwu_finish(&d->fwu, c);
    case CANCEL: return tsr_fwu_cancel(&d->fwu, c);
    case CLEAN: return tsr_fwu_clean(&d->fwu, c);
    case INSTALL: return tsr_fwu_install(&d->fwu);
    case REJECT: return tsr_fwu_reject(&d->fwu, -777);
    case ACCEPT: return tsr_fwu_accept(&d->fwu);
    default: return device_boot(d, 0);
    }
}

static void write_image(device *d, size_t id, uint64_t sequence)
{
    package p = { .component = id, .sequence = sequence, .version = "2.0.0", .seed = 2 };

    assert_int_equal(device_write(d, &p, &prepared[id], 512), PSA_SUCCESS);
}

/* Brings the component from READY to a state, by the shortest way its model has. */
static void reach(device *d, const model *m, size_t id, uint8_t state)
{
    bool reboot = (m->properties & TSR_FWU_NO_REBOOT) == 0;
    psa_fwu_component_t c = (psa_fwu_component_t)id;

    if (state == PSA_FWU_READY)
        return;
    write_image(d, id, 2);
    if (state == PSA_FWU_WRITING)
        return;
    if (state == PSA_FWU_FAILED) {
        assert_int_equal(tsr_fwu_cancel(&d->fwu, c), PSA_SUCCESS);
        return;
    }
    assert_int_equal(tsr_fwu_finish(&d->fwu, c), PSA_SUCCESS);
    if (state == PSA_FWU_CANDIDATE)
        return;
    assert_int_equal(tsr_fwu_install(&d->fwu), reboot ? PSA_SUCCESS_REBOOT : PSA_SUCCESS);
    if (state == PSA_FWU_STAGED)
        return;
    if (reboot)
        assert_int_equal(device_boot(d, 0), PSA_SUCCESS);
    if (state == PSA_FWU_REJECTED)
        assert_int_equal(tsr_fwu_reject(&d->fwu, -777), PSA_SUCCESS_REBOOT);
    if (state == PSA_FWU_UPDATED && (m->properties & TSR_FWU_NO_TRIAL) == 0)
        assert_int_equal(tsr_fwu_accept(&d->fwu), PSA_SUCCESS);
}

static psa_status_t answer(int what, char next)
{
    if (next == '-')
        return PSA_ERROR_BAD_STATE;
    if ((what == INSTALL && next == 'S') || (what == REJECT && next == 'J'))
        return PSA_SUCCESS_REBOOT;
    return PSA_SUCCESS;
}

static void check_one(const model *m, uint8_t state, int what)
{
    static device d;
    char next = m->row[state][what];
    tsr_fwu_record before[TSR_FWU_COMPONENTS];

    device_make(&d, &m->properties, 1, true);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    reach(&d, m, 0, state);
    assert_int_equal(device_state(&d, 0), state);
    memcpy(before, d.fwu.records, sizeof before);
    if (call(&d, what, 0) != answer(what, next))
        fail_msg("%s: state %c, call %d: another answer", m->name, letters[state], what);
    if (next == '-') { /* Firmware Update 1.0.1 §4.2.4: nothing has changed */
        assert_memory_equal(before, d.fwu.records, sizeof before);
        next = letters[state];
    }
    if (letters[device_state(&d, 0)] != next)
        fail_msg("%s: state %c, call %d: became %c, not %c", m->name, letters[state], what,
                 letters[device_state(&d, 0)], next);
    uint8_t now = device_state(&d, 0);

    assert_int_equal(device_open(&d), PSA_SUCCESS); /* and it is the durable state */
    assert_int_equal(device_state(&d, 0), now);
    assert_null(device_manners(&d));
    device_end(&d);
}

/* Firmware Update 1.0.1 §4.2.3 */
static void test_states_every_call_in_every_model(void **state)
{
    unsigned checked = 0;

    (void)state;
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++)
        for (uint8_t s = 0; s < 8; s++)
            for (int what = 0; models[m].row[s] != NULL && what < CALLS; what++, checked++)
                check_one(&models[m], s, what);
    print_message("%u transitions and refusals in %zu models\n", checked,
                  sizeof models / sizeof models[0]);
}

/* ---- two components ---- */

static bool exclusive(uint8_t a, uint8_t b)
{
    return (a == PSA_FWU_STAGED && (b == PSA_FWU_TRIAL || b == PSA_FWU_REJECTED)) ||
           (a == PSA_FWU_TRIAL && b == PSA_FWU_REJECTED);
}

static bool installing(uint8_t s)
{
    return s == PSA_FWU_STAGED || s == PSA_FWU_TRIAL || s == PSA_FWU_REJECTED;
}

/* UPDATED first, then what goes through install() together, then the rest. */
static void reach_pair(device *d, const uint8_t want[2])
{
    for (size_t i = 0; i < 2; i++)
        if (want[i] == PSA_FWU_UPDATED)
            reach(d, &models[0], i, PSA_FWU_UPDATED);
    if (installing(want[0]) && installing(want[1])) {
        reach(d, &models[0], 0, PSA_FWU_CANDIDATE);
        reach(d, &models[0], 1, want[1]);
    } else if (installing(want[0]) || installing(want[1])) {
        size_t i = installing(want[0]) ? 0 : 1;

        reach(d, &models[0], i, want[i]);
    }
    for (size_t i = 0; i < 2; i++)
        if (!installing(want[i]) && want[i] != PSA_FWU_UPDATED)
            reach(d, &models[0], i, want[i]);
}

static uint8_t state_of(char letter) { return (uint8_t)(strchr(letters, letter) - letters); }

/* What the pair must become: calls on one component leave the other, the others are for all. */
static psa_status_t expect(const uint8_t have[2], int what, size_t id, uint8_t next[2])
{
    bool all = what == INSTALL || what == REJECT || what == ACCEPT || what == REBOOT;
    psa_status_t status = PSA_ERROR_BAD_STATE;

    next[0] = have[0];
    next[1] = have[1];
    if (what == INSTALL && (installing(have[0]) || installing(have[1])))
        return status;
    for (size_t i = 0; i < 2; i++) {
        char c = models[0].row[have[i]][what];

        if ((!all && i != id) || c == '-')
            continue;
        next[i] = state_of(c);
        status = answer(what, c);
    }
    return status;
}

/* A device as it was: the memory of the object and of its flashes. */
typedef struct {
    device d;
    uint8_t *memory[5], *used[5];
} snapshot;

static sim *flash_of(device *d, size_t i)
{
    return i == 0 ? &d->its_part.s : &d->slot[(i - 1) / 2][(i - 1) % 2].s;
}

static void take(snapshot *s, device *d)
{
    s->d = *d;
    for (size_t i = 0; i < 5; i++) {
        const sim *f = flash_of(d, i);

        s->memory[i] = malloc(f->flash.size);
        s->used[i] = malloc(f->flash.size / f->flash.unit);
        assert_non_null(s->memory[i]);
        assert_non_null(s->used[i]);
        memcpy(s->memory[i], f->now, f->flash.size);
        memcpy(s->used[i], f->used, f->flash.size / f->flash.unit);
    }
}

static void put_back(const snapshot *s, device *d)
{
    for (size_t i = 0; i < 5; i++) {
        sim *f = flash_of(d, i);

        assert_int_equal(f->flash.sync(f), TSR_OK); /* forgets what is pending */
        memcpy(f->now, s->memory[i], f->flash.size);
        memcpy(f->durable, s->memory[i], f->flash.size);
        memcpy(f->used, s->used[i], f->flash.size / f->flash.unit);
    }
    memcpy(d->fwu.records, s->d.fwu.records, sizeof d->fwu.records);
    memcpy(d->fwu.written, s->d.fwu.written, sizeof d->fwu.written);
    memcpy(d->fwu.high, s->d.fwu.high, sizeof d->fwu.high);
    d->store = s->d.store;
    memcpy(d->index, s->d.index, sizeof d->index);
}

static unsigned check_pair(const uint8_t have[2])
{
    static device d;
    static snapshot s;
    uint32_t properties[2] = { 0, 0 };
    unsigned checked = 0;

    device_make(&d, properties, 2, true);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    reach_pair(&d, have);
    assert_int_equal(device_state(&d, 0), have[0]);
    assert_int_equal(device_state(&d, 1), have[1]);
    take(&s, &d);
    for (int what = 0; what < CALLS; what++)
        for (size_t id = 0; id < (what <= CLEAN ? 2u : 1u); id++, checked++) {
            uint8_t next[2];
            psa_status_t wanted = expect(have, what, id, next);

            if (call(&d, what, id) != wanted || device_state(&d, 0) != next[0] ||
                device_state(&d, 1) != next[1])
                fail_msg("%c%c, call %d on %zu: became %c%c, not %c%c", letters[have[0]],
                         letters[have[1]], what, id, letters[device_state(&d, 0)],
                         letters[device_state(&d, 1)], letters[next[0]], letters[next[1]]);
            if (wanted == PSA_ERROR_BAD_STATE)
                assert_memory_equal(d.fwu.records, s.d.fwu.records, sizeof s.d.fwu.records);
            put_back(&s, &d);
        }
    for (size_t i = 0; i < 5; i++) {
        free(s.memory[i]);
        free(s.used[i]);
    }
    device_end(&d);
    return checked;
}

static void test_states_pairs_of_components(void **state)
{
    unsigned checked = 0, pairs = 0;

    (void)state;
    for (uint8_t a = 0; a < 8; a++)
        for (uint8_t b = 0; b < 8; b++) {
            const uint8_t have[2] = { a, b };

            if (exclusive(a, b) || exclusive(b, a))
                continue;
            checked += check_pair(have);
            pairs++;
        }
    print_message("%u calls on %u pairs of states\n", checked, pairs);
}

static void test_states_unknown_component(void **state)
{
    static device d;
    psa_fwu_component_info_t info;
    uint32_t properties = 0;

    (void)state;
    device_make(&d, &properties, 1, true);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    for (unsigned id = 1; id < 256; id += 127) {
        psa_fwu_component_t c = (psa_fwu_component_t)id;

        assert_int_equal(tsr_fwu_query(&d.fwu, c, &info), PSA_ERROR_DOES_NOT_EXIST);
        assert_int_equal(tsr_fwu_start(&d.fwu, c, tsr_view(NULL, 0)), PSA_ERROR_DOES_NOT_EXIST);
        assert_int_equal(tsr_fwu_write(&d.fwu, c, 0, tsr_text("0123456789abcdef")),
                         PSA_ERROR_DOES_NOT_EXIST);
        assert_int_equal(tsr_fwu_finish(&d.fwu, c), PSA_ERROR_DOES_NOT_EXIST);
        assert_int_equal(tsr_fwu_cancel(&d.fwu, c), PSA_ERROR_DOES_NOT_EXIST);
        assert_int_equal(tsr_fwu_clean(&d.fwu, c), PSA_ERROR_DOES_NOT_EXIST);
    }
    device_end(&d);
}

static int setup(void **state)
{
    (void)state;
    package_world();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_every_call_in_every_model),
        cmocka_unit_test(test_states_pairs_of_components),
        cmocka_unit_test(test_states_unknown_component),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
