/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 8613 §B.1.1 on the store that devices have: the power goes at every operation on the
 * medium, one after the other, and no Partial IV is ever used twice; nor when new keys are made
 * meanwhile (RFC 8613 §B.2), of which the last that were proven are there afterwards or those
 * before. */
#include "secure/storage/its.h"
#include "tessera/oscore/renew.h"
#include "tests/oscore/rig.h"
#include "tests/secure/flash_sim.h"

enum { CLIENT = -1001, UID = 7, MARGIN = 4, SETS = 64, RUN_EACH = 3 };

typedef struct {
    sim flash;
    tsr_store store;
    tsr_store_entry index[8];
    tsr_its its;
    psa_key_id_t secret;
    tsr_oscore c;
    struct {
        uint64_t epoch, used; /* all numbers below were used, or may have been */
    } set[SETS]; /* of keys */
    unsigned sets, sent;
    uint64_t old, now; /* which keys may be found after a cut */
} device;

static uint64_t *used_of(device *d, uint64_t epoch)
{
    for (unsigned i = 0; i < d->sets; i++)
        if (d->set[i].epoch == epoch)
            return &d->set[i].used;
    assert_true(d->sets < SETS);
    d->set[d->sets].epoch = epoch;
    return &d->set[d->sets++].used;
}

static tsr_err save(void *user, tsr_bytes state)
{
    device *d = user;

    return tsr_its_set(&d->its, CLIENT, UID, state.len, state.ptr, 0) == PSA_SUCCESS ? TSR_OK
                                                                                      : TSR_E_IO;
}

/* TSR_E_IO: the power is off. */
static tsr_err boot(device *d)
{
    tsr_oscore_params p = rig_params(true, d->secret);
    uint8_t state[TSR_OSCORE_STATE_MAX];
    psa_status_t status;
    size_t len;

    if (tsr_store_mount(&d->store, &d->flash.flash, d->index, 8, 64) != TSR_OK)
        return TSR_E_IO;
    d->its = (tsr_its){ .store = &d->store, .buffer_max = 4096 };
    status = tsr_its_get(&d->its, CLIENT, UID, 0, sizeof state, state, &len);
    assert_true(status == PSA_SUCCESS || status == PSA_ERROR_DOES_NOT_EXIST);
    /* no state: nothing was ever sent, or this would be a second first time */
    assert_true(status == PSA_SUCCESS || d->sent == 0);
    p.margin = MARGIN;
    p.save = save;
    p.user = d;
    tsr_err err = tsr_oscore_init(&d->c, &p, tsr_view(state, status == PSA_SUCCESS ? len : 0));

    if (err == TSR_OK && d->now != 0)
        assert_true(d->c.epoch == d->now || d->c.epoch == d->old);
    if (err == TSR_OK)
        d->now = d->old = d->c.epoch;
    return err;
}

static tsr_err send(device *d)
{
    tsr_oscore_exchange x;
    tsr_oscore_option o;
    tsr_bytes body;
    rig_message m;
    uint64_t number = 0;
    tsr_err err = rig_request(&d->c, &x, RIG_GET, &m);
    uint64_t *used = used_of(d, d->c.epoch);

    if (err != TSR_OK)
        return err;
    assert_int_equal(tsr_oscore_body(rig_view(&m), &body), TSR_OK);
    assert_int_equal(tsr_oscore_option_find(body, &o), TSR_OK);
    for (size_t i = 0; i < o.piv.len; i++)
        number = number << 8 | o.piv.ptr[i];
    assert_true(number >= *used);
    *used = number + 1;
    d->sent++;
    return TSR_OK;
}

/* A run with a server that has all it needs; its last answer says that it has the new keys. */
static tsr_err renew(device *d)
{
    tsr_oscore_params p = rig_params(true, d->secret), server = rig_params(false, d->secret);
    uint8_t room[RIG_ROOM], r2[TSR_OSCORE_R2_LEN];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_oscore next = { .live = false };
    tsr_oscore_exchange x;
    rig_message m, answer;
    tsr_err err = rig_request(&d->c, &x, RIG_GET, &m);

    if (err != TSR_OK)
        return err;
    *used_of(d, d->c.epoch) = x.request_piv + 1;
    assert_int_equal(psa_generate_random(r2, sizeof r2), PSA_SUCCESS);
    answer.buf = tsr_buf_over(answer.bytes, sizeof answer.bytes);
    assert_int_equal(tsr_oscore_renew_offer(&server,
                                            d->c.has_id_context
                                                ? tsr_view(d->c.id_context, d->c.id_context_len)
                                                : tsr_view(NULL, 0),
                                            tsr_view(r2, sizeof r2), rig_view(&m), 1, &scratch,
                                            &answer.buf),
                     TSR_OK);
    assert_int_equal(tsr_oscore_renew_answered(&d->c, &x, &p, rig_view(&answer), &scratch, &next),
                     TSR_OK);
    p.margin = next.margin = MARGIN;
    p.save = save;
    p.user = d;
    err = rig_request(&next, &x, RIG_GET, &m);
    if (err == TSR_OK) {
        *used_of(d, next.epoch) = x.request_piv + 1;
        d->now = next.epoch;
        err = tsr_oscore_renew_keep(&next, &p);
    }
    if (err != TSR_OK) {
        tsr_oscore_free(&next);
        return err;
    }
    tsr_oscore_free(&d->c);
    d->c = next;
    d->old = d->now;
    return TSR_OK;
}

/* Boots and sends until the power goes; false: it lasted. */
static bool live(device *d, unsigned messages, bool renews)
{
    tsr_err err = boot(d);

    for (unsigned i = 0; err == TSR_OK && i < messages; i++)
        err = renews && i % RUN_EACH == RUN_EACH - 1 ? renew(d) : send(d);
    if (err != TSR_OK && !d->flash.off)
        fail_msg("%s with the power on; store: %s", tsr_err_name(err), d->store.report.cause);
    tsr_oscore_free(&d->c);
    return err != TSR_OK;
}

static void cut_everywhere(bool renews)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    unsigned cuts = 0;

    for (bool went = true; went; cuts++) {
        device d = { .secret = secret };

        sim_open(&d.flash, 3 * 512, 512, 8, true, cuts + 1);
        assert_int_equal(tsr_store_format(&d.flash.flash), TSR_OK);
        d.flash.cut_at = d.flash.count + cuts;
        went = live(&d, renews ? 20 : 40, renews);
        for (unsigned again = 0; again < 3; again++) { /* and cuts while it comes back */
            sim_restore(&d.flash);
            d.flash.cut_at = d.flash.count + (cuts * 7 + again * 13) % 40;
            (void)live(&d, 10, renews);
        }
        sim_restore(&d.flash);
        assert_false(live(&d, 10, renews));
        assert_true(d.sent >= 10);
        assert_null(d.flash.bad_manners);
        sim_close(&d.flash);
    }
    print_message("%u places to cut\n", cuts);
    assert_true(cuts > 40);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

static void test_no_number_twice_wherever_the_power_goes(void **state)
{
    (void)state;
    cut_everywhere(false);
}

static void test_no_number_twice_while_keys_are_renewed(void **state)
{
    (void)state;
    cut_everywhere(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_number_twice_wherever_the_power_goes),
        cmocka_unit_test(test_no_number_twice_while_keys_are_renewed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
