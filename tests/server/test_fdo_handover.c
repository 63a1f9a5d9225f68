/* SPDX-License-Identifier: Apache-2.0
 *
 * What an onboarding gives holds when it is settled, and what an earlier one gave goes; broken off at every
 * operation and done again, it comes to the same, and nothing opens anything without a name that is claimed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/fdo/handover.h"
#include "tests/server/fdo_house.h"

enum { ENDPOINTS = 4, NEVER = 1000 };

/* A server beside, in memory; the operation that `fails_at` counts down to fails, and all after it. */
typedef struct {
    struct {
        char endpoint[64], identity[TSR_FDO_IDENTITY_MAX + 1];
        uint8_t key[64];
        size_t key_len;
    } doors[TSR_FDO_DOORS][ENDPOINTS];
    int fails_at;
    char revoked_but[64];
} beside;

static bool works(beside *b) { return b->fails_at > 0 && --b->fails_at > 0; }

static int place_of(beside *b, tsr_fdo_door door, const char *endpoint)
{
    int room = -1;

    for (int i = ENDPOINTS - 1; i >= 0; i--) {
        if (strcmp(b->doors[door][i].endpoint, endpoint) == 0)
            return i;
        room = b->doors[door][i].endpoint[0] == 0 ? i : room;
    }
    return room;
}

static tsr_err set(void *arg, tsr_fdo_door door, const char *endpoint, const char *identity, tsr_bytes key)
{
    beside *b = arg;
    int i = place_of(b, door, endpoint);

    if (!works(b))
        return TSR_E_IO;
    assert_true(i >= 0 && key.len <= 64);
    (void)snprintf(b->doors[door][i].endpoint, 64, "%s", endpoint);
    (void)snprintf(b->doors[door][i].identity, TSR_FDO_IDENTITY_MAX + 1, "%s", identity);
    if (key.len > 0)
        memcpy(b->doors[door][i].key, key.ptr, key.len);
    b->doors[door][i].key_len = key.len;
    return TSR_OK;
}

static bool has(beside *b, tsr_fdo_door door, const char *endpoint)
{
    int i = place_of(b, door, endpoint);

    return i >= 0 && strcmp(b->doors[door][i].endpoint, endpoint) == 0;
}

static tsr_err identity(void *arg, tsr_fdo_door door, const char *endpoint,
                        char text[TSR_FDO_IDENTITY_MAX + 1])
{
    beside *b = arg;

    if (!works(b))
        return TSR_E_IO;
    if (!has(b, door, endpoint))
        return TSR_E_NOT_FOUND;
    (void)snprintf(text, TSR_FDO_IDENTITY_MAX + 1, "%s",
                   b->doors[door][place_of(b, door, endpoint)].identity);
    return TSR_OK;
}

static tsr_err forget(void *arg, tsr_fdo_door door, const char *endpoint)
{
    beside *b = arg;

    if (!works(b))
        return TSR_E_IO;
    if (!has(b, door, endpoint))
        return TSR_E_NOT_FOUND;
    b->doors[door][place_of(b, door, endpoint)].endpoint[0] = 0;
    return TSR_OK;
}

static tsr_err revoke_others(void *arg, const char *endpoint, const char *but)
{
    beside *b = arg;

    (void)endpoint;
    (void)snprintf(b->revoked_but, sizeof b->revoked_but, "%s", but);
    return works(b) ? TSR_OK : TSR_E_IO;
}

/* --- devices ---------------------------------------------------------------------------- */

static fdo_house *house;
static beside b;
static tsr_fdo_lwm2m doors = { .arg = &b, .set = set, .identity = identity, .remove = forget,
                               .revoke_others = revoke_others };

static int open_house(void **state)
{
    (void)state;
    house = calloc(1, sizeof *house);
    b = (beside){ .fails_at = NEVER };
    if (house == NULL || !fdo_house_open(house, 10, 100))
        return -1;
    house->fdo->config.lwm2m = &doors;
    return 0;
}

static int close_house(void **state)
{
    (void)state;
    fdo_house_close(house);
    free(house);
    return 0;
}

/* A run of a device, known by one byte, that was handed accounts at these doors. NULL: its name is refused. */
static fdo_handover *run(uint8_t device, const char *plan_text, bool bootstrap, bool management)
{
    static fdo_handover h;
    const tsr_fdo_key key = { .x = tsr_view(&device, 1) };
    const fdo_subject who = { tsr_view("0123456789abcdef", 16), tsr_text("lamp"), &key };
    const bool given[TSR_FDO_DOORS] = { bootstrap, management };
    tsr_json plan;

    assert_int_equal(tsr_json_parse(tsr_text(plan_text), &plan, NULL), TSR_OK);
    assert_int_equal(fdo_handover_begin(&h, &who, "serial-1"), TSR_OK);
    if (fdo_handover_name(house->fdo, &h, &plan) != NULL) {
        assert_non_null(fdo_handover_name(house->fdo, &h, &plan)); /* and is, when it is asked again */
        return NULL;
    }
    for (tsr_fdo_door door = 0; door < TSR_FDO_DOORS; door++) {
        if (given[door])
            assert_null(fdo_handover_grant(&h, door, true));
        h.grants[door].given = given[door];
    }
    return &h;
}

static bool count_claim(void *arg, const tsr_store_document *row)
{
    assert_true(strlen(row->alias) > 0);
    ++*(unsigned *)arg;
    return true;
}

static unsigned claims(void)
{
    unsigned n = 0;

    assert_int_equal(fdo_list(house->fdo, TSR_STORE_FDO_ACCOUNT, "", 100, count_claim, &n), TSR_OK);
    return n;
}

static bool opens(tsr_fdo_door door, const char *endpoint, const fdo_handover *h)
{
    int i = place_of(&b, door, endpoint);

    return h != NULL && has(&b, door, endpoint) &&
           strcmp(b.doors[door][i].identity, h->grants[door].identity) == 0 &&
           memcmp(b.doors[door][i].key, h->grants[door].key, FDO_PSK) == 0;
}

/* --- tests ------------------------------------------------------------------------------ */

static void test_names(void **state)
{
    static const struct {
        const char *plan, *endpoint;
    } good[] = {
        { "{\"endpoint\":\"a-{device_info}-{serial}\"}", "a-lamp-serial-1" },
        { "{\"endpoint\":\"{guid}\"}", "30313233343536373839616263646566" },
        /* RFC 9562 §5.8; SHA-256 of 01 begins with 4bf5122f344554c5 3bde2ebb8cd2b7e3 */
        { "{}", "urn:uuid:4bf5122f-3445-84c5-abde-2ebb8cd2b7e3" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        fdo_handover *h = run(1, good[i].plan, false, false);

        assert_non_null(h);
        assert_string_equal(h->endpoint, good[i].endpoint);
    }
}

static void test_nothing_is_stored_before_the_end(void **state)
{
    fdo_handover *h = run(1, "{\"endpoint\":\"e\"}", true, true);

    (void)state;
    assert_int_equal(claims(), 0);
    assert_false(has(&b, TSR_FDO_BOOTSTRAP, "e") || has(&b, TSR_FDO_MANAGEMENT, "e"));
    fdo_handover_drop(house->fdo, h);
    assert_int_equal(claims(), 0);
    for (size_t i = 0; i < sizeof *h; i++)
        assert_int_equal(((const uint8_t *)h)[i], 0); /* the key is wiped */
}

static void test_name_belongs_to_its_device(void **state)
{
    fdo_handover *h = run(1, "{\"endpoint\":\"e\"}", false, true);

    (void)state;
    assert_int_equal(fdo_handover_settle(house->fdo, h), TSR_OK);
    assert_null(run(2, "{\"endpoint\":\"e\"}", false, true));
    assert_non_null(run(1, "{\"endpoint\":\"e\"}", false, true));
    h = run(2, "{\"endpoint\":\"e\",\"replace\":true}", false, true);
    assert_int_equal(fdo_handover_settle(house->fdo, h), TSR_OK);
    assert_true(opens(TSR_FDO_MANAGEMENT, "e", h));
    assert_int_equal(claims(), 1);
    assert_null(run(1, "{\"endpoint\":\"e\"}", false, true)); /* now it is the other's */
}

static void test_name_with_an_operators_credential(void **state)
{
    fdo_handover *h;

    (void)state;
    assert_int_equal(set(&b, TSR_FDO_MANAGEMENT, "e", "by-hand", tsr_text("key")), TSR_OK);
    assert_null(run(1, "{\"endpoint\":\"e\"}", true, false));
    h = run(1, "{\"endpoint\":\"e\",\"replace\":true}", true, false);
    assert_int_equal(fdo_handover_settle(house->fdo, h), TSR_OK);
    assert_true(opens(TSR_FDO_BOOTSTRAP, "e", h));
    assert_true(has(&b, TSR_FDO_MANAGEMENT, "e")); /* by hand: it is not this service's to take back */
}

/* Two runs for one name at a time, of different devices: the store lets one of them have it. */
static void test_two_that_want_one_name(void **state)
{
    fdo_handover first = *run(1, "{\"endpoint\":\"e\"}", false, true);
    fdo_handover second = *run(2, "{\"endpoint\":\"e\"}", false, true);

    (void)state;
    assert_int_equal(fdo_handover_settle(house->fdo, &first), TSR_OK);
    assert_int_not_equal(fdo_handover_settle(house->fdo, &second), TSR_OK);
    assert_true(opens(TSR_FDO_MANAGEMENT, "e", &first));
}

/* Given at both doors as "old"; then at one of them, as "new". */
static void test_broken_off_at_every_operation(void **state)
{
    int operations = 0;

    (void)state;
    for (int at = 1; operations == 0; at++) {
        fdo_handover *h = run(1, "{\"endpoint\":\"old\"}", true, true);
        tsr_err err;

        assert_non_null(h);
        assert_int_equal(fdo_handover_settle(house->fdo, h), TSR_OK);
        assert_true(opens(TSR_FDO_BOOTSTRAP, "old", h) && opens(TSR_FDO_MANAGEMENT, "old", h));
        assert_int_equal(claims(), 1);

        h = run(1, "{\"endpoint\":\"new\"}", false, true);
        b.fails_at = at;
        err = fdo_handover_settle(house->fdo, h);
        operations = b.fails_at > 0 ? at : 0;
        b.fails_at = NEVER;
        assert_true((err == TSR_OK) == (operations != 0));
        if (has(&b, TSR_FDO_MANAGEMENT, "new"))
            assert_null(run(2, "{\"endpoint\":\"new\"}", false, true)); /* it has an owner */

        h = run(1, "{\"endpoint\":\"new\"}", false, true); /* it comes again, and gets another key */
        assert_non_null(h);
        assert_int_equal(fdo_handover_settle(house->fdo, h), TSR_OK);
        assert_true(opens(TSR_FDO_MANAGEMENT, "new", h));
        assert_false(has(&b, TSR_FDO_BOOTSTRAP, "new") || has(&b, TSR_FDO_BOOTSTRAP, "old") ||
                     has(&b, TSR_FDO_MANAGEMENT, "old"));
        assert_int_equal(claims(), 1);
    }
    assert_in_range(operations, 6, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_nothing_is_stored_before_the_end, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_name_belongs_to_its_device, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_name_with_an_operators_credential, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_two_that_want_one_name, open_house, close_house),
        cmocka_unit_test_setup_teardown(test_broken_off_at_every_operation, open_house, close_house),
    };

    return psa_crypto_init() == PSA_SUCCESS ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
