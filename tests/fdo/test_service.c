/* SPDX-License-Identifier: Apache-2.0
 *
 * Service info of the device, in both directions. FDO 1.1 ServiceInfo */
#include "tests/fdo/rig.h"

enum { LIST_MAX = 40 };

static rig r;

/* What the owner heard of all rounds, as "module:message", and the values behind one another. */
static char heard[8192];
static uint8_t values[8192];
static size_t heard_len, values_len, named, empty_rounds;

static void note(tsr_fdo_info *info)
{
    tsr_bytes module, message, value;

    empty_rounds += info->left == 0;
    while (tsr_fdo_info_next(info, &module, &message, &value) == TSR_OK) {
        heard_len += (size_t)snprintf(heard + heard_len, sizeof heard - heard_len, "%.*s:%.*s ",
                                      (int)module.len, (const char *)module.ptr, (int)message.len,
                                      (const char *)message.ptr);
        assert_true(values_len + value.len <= sizeof values);
        memcpy(values + values_len, value.ptr, value.len);
        values_len += value.len;
        if (tsr_same(message, tsr_text("modules"))) {
            uint64_t items, start, count;

            assert_int_equal(tsr_cbor_get_array(&value, &items), TSR_OK);
            assert_int_equal(tsr_cbor_get_uint(&value, &start), TSR_OK);
            assert_int_equal(tsr_cbor_get_uint(&value, &count), TSR_OK);
            assert_int_equal(start, named);
            assert_int_equal(items, 2 + count);
            named += (size_t)count;
        }
    }
}

/* ---- modules of the device ---------------------------------------------------------------- */

typedef struct {
    unsigned received, busy, to_send, resets, done;
    size_t len; /* of what it sends */
    bool on;
    tsr_err err;
    char last[32];
} thing;

static tsr_err receive(void *state, tsr_bytes message, tsr_bytes value)
{
    thing *t = state;

    assert_int_equal(tsr_cbor_check(value), TSR_OK);
    if (t->busy > 0) {
        t->busy--;
        return TSR_END;
    }
    t->received++;
    snprintf(t->last, sizeof t->last, "%.*s", (int)message.len, (const char *)message.ptr);
    return t->err;
}

static tsr_err send(void *state, const char **message, tsr_buf *value)
{
    thing *t = state;

    if (t->to_send == 0)
        return TSR_END;
    if (value->cap < t->len + 3)
        return TSR_E_SPACE;
    *message = "data";
    tsr_cbor_put_head(value, TSR_CBOR_BYTES, t->len);
    memset(tsr_buf_claim(value, t->len), (int)t->to_send, t->len);
    t->to_send--;
    return TSR_OK;
}

static tsr_err activate(void *state, bool on)
{
    ((thing *)state)->on = on;
    return TSR_OK;
}

static void reset(void *state, bool done)
{
    thing *t = state;

    t->resets++;
    t->done += done;
}

static thing things[2];
static const tsr_fdo_module first = { "one.first", &things[0], receive, send, activate, reset };
static const tsr_fdo_module second = { "one.second", &things[1], receive, send, activate, reset };
static const tsr_fdo_module *const both[] = { &first, &second };

/* ---- what the owner says ------------------------------------------------------------------ */

typedef struct {
    const char *module, *message;
    const char *hex;
    bool ends_turn; /* the pairs behind it come in the next 69 */
    bool more;      /* and this 69 says so */
} line;

static const line *script;
static bool owner_had_more;

static tsr_err owner_says(void *user, unsigned round, tsr_fdo_info *said, tsr_buf *pairs,
                          uint64_t *count, bool *more, bool *done)
{
    bool waits = said->more;

    (void)user, (void)round;
    if (owner_had_more) { /* the device only listens */
        assert_int_equal(said->left, 0);
        assert_false(waits);
    }
    owner_had_more = false;
    note(said);
    if (waits) /* the device has more: nothing is said */
        return TSR_OK;
    for (; script != NULL && script->module != NULL; script++) {
        uint8_t room[64];

        tsr_fdo_put_info(pairs, script->module, script->message,
                         from_hex(script->hex, room, sizeof room));
        ++*count;
        if (script->ends_turn) {
            *more = owner_had_more = script->more;
            script++;
            return TSR_OK;
        }
    }
    *done = *count == 0 && things[0].to_send == 0 && things[1].to_send == 0;
    return TSR_OK;
}

static int set_up(void **state)
{
    (void)state;
    if (psa_crypto_init() != PSA_SUCCESS)
        return -1;
    rig_make(&r, TSR_FDO_SECP256R1, false, &tsr_fdo_ecdh256, &tsr_fdo_a128gcm);
    rig_di(&r);
    r.reuse = true;
    r.owner_says = owner_says;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_drop(&r);
    return 0;
}

static void play(const line *lines, const tsr_fdo_module *const *modules, size_t count)
{
    script = lines;
    heard_len = values_len = named = empty_rounds = 0;
    heard[0] = '\0';
    r.longest = 0;
    memset(r.sent, 0, sizeof r.sent);
    r.config.modules = modules;
    r.config.module_count = count;
    rig_restart(&r);
    rig_onboard(&r);
}

/* ---- tests -------------------------------------------------------------------------------- */

static void test_service_begins_with_devmod(void **state)
{
    (void)state;
    memset(things, 0, sizeof things);
    play(NULL, both, 2);
    assert_true(r.onboarded);
    assert_string_equal(heard, "devmod:active devmod:os devmod:arch devmod:version devmod:device "
                               "devmod:sep devmod:bin devmod:sn devmod:pathsep devmod:nummodules "
                               "devmod:modules ");
    assert_int_equal(values[0], 0xf5);
    assert_int_equal(named, 3);
    assert_int_equal(r.sent[68], 1);
    assert_int_equal(things[0].resets, 2); /* at the begin and at the end */
    assert_int_equal(things[0].done, 1);
}

/* As small as it may be: every message keeps to it, nothing is lost. */
static void test_service_splits_what_does_not_fit(void **state)
{
    static char names[TSR_FDO_MODULES_MAX][40];
    static tsr_fdo_module many[TSR_FDO_MODULES_MAX];
    static const tsr_fdo_module *list[TSR_FDO_MODULES_MAX];

    (void)state;
    for (size_t i = 0; i < TSR_FDO_MODULES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "org.example.a-module-of-name-%02zu", i);
        many[i] = (tsr_fdo_module){ .name = names[i], .receive = receive, .state = &things[0] };
        list[i] = &many[i];
    }
    r.owner_limit = TSR_FDO_SIZE_LEAST;
    play(NULL, list, TSR_FDO_MODULES_MAX);
    r.owner_limit = 0;
    assert_true(r.onboarded);
    assert_int_equal(named, TSR_FDO_MODULES_MAX + 1);
    assert_in_range(r.longest, 200, TSR_FDO_SIZE_LEAST);
    assert_true(r.sent[68] > 5);
}

static void test_service_answers_for_modules(void **state)
{
    static const line lines[] = {
        { "one.first", "early", "01", false, false }, /* not switched on yet: not heard */
        { "no.such", "active", "f5", false, false },
        { "no.such", "data", "41aa", false, false },
        { "one.first", "active", "f5", false, false },
        { "one.first", "go", "820102", true, true }, /* the owner has more */
        { "one.second", "active", "f5", true, false },
        { "one.second", "active", "f4", false, false },
        { "one.second", "late", "01", false, false },
        { NULL, NULL, NULL, false, false },
    };

    (void)state;
    memset(things, 0, sizeof things);
    play(lines, both, 2);
    assert_true(r.onboarded);
    assert_non_null(strstr(heard, "no.such:active one.first:active one.second:active "));
    assert_int_equal(values[values_len - 1], 0xf4);
    assert_int_equal(values[values_len - 2], 0xf5);
    assert_int_equal(things[0].received, 1);
    assert_string_equal(things[0].last, "go");
    assert_int_equal(things[1].received, 0);
    assert_false(things[1].on);
}

/* Ten messages that fill one each: none is lost, none comes twice, and the turn is kept. */
static void test_service_sends_more_than_one_message_holds(void **state)
{
    static const line lines[] = {
        { "one.first", "active", "f5", false, false },
        { "one.second", "active", "f5", false, false },
        { NULL, NULL, NULL, false, false },
    };
    size_t at;

    (void)state;
    memset(things, 0, sizeof things);
    things[0].to_send = 10;
    things[0].len = 180;
    things[1].to_send = 4;
    things[1].len = 10;
    r.owner_limit = TSR_FDO_SIZE_LEAST;
    play(lines, both, 2);
    r.owner_limit = 0;
    assert_true(r.onboarded);
    assert_true(r.longest <= TSR_FDO_SIZE_LEAST);
    at = values_len - 4 * 11 - 10 * 182;
    for (unsigned i = 10; i > 0; i--, at += 182)
        assert_int_equal(values[at + 2], i);
    assert_true(r.sent[68] >= 11);
}

/* The owner waits while a module is busy; its next message comes after the one that waits. */
static void test_service_lets_the_owner_wait(void **state)
{
    static const line lines[] = {
        { "one.first", "active", "f5", false, false },
        { "one.first", "block", "4101", false, false },
        { "one.first", "end", "f6", false, false },
        { NULL, NULL, NULL, false, false },
    };
    uint64_t before;

    (void)state;
    memset(things, 0, sizeof things);
    things[0].busy = 7;
    before = r.now;
    play(lines, both, 2);
    assert_true(r.onboarded);
    assert_int_equal(things[0].busy, 0);
    assert_int_equal(things[0].received, 2);
    assert_string_equal(things[0].last, "end");
    assert_int_equal(r.now - before, 7 * TSR_FDO_BUSY_MS);
}

/* go-fdo's owner: arguments in parts, of one 69 or of two; and two items in one value */
static void test_service_joins_what_an_owner_splits(void **state)
{
    static const line lines[] = {
        { "one.first", "active", "f5", false, false },
        { "one.first", "go", "8201", true, true },
        { "one.first", "go", "02", false, false },
        { "one.first", "two", "0102", false, false },
        { "one.first", "bytes", "43", false, false },
        { "one.first", "bytes", "0102", false, false },
        { "one.first", "bytes", "03", false, false },
        { NULL, NULL, NULL, false, false },
    };

    (void)state;
    memset(things, 0, sizeof things);
    play(lines, both, 2);
    assert_true(r.onboarded);
    assert_int_equal(things[0].received, 4);
    assert_string_equal(things[0].last, "bytes");
}

static void test_service_ends_when_a_part_is_missing(void **state)
{
    static const line cut[] = {
        { "one.first", "active", "f5", false, false },
        { "one.first", "go", "8201", true, false }, /* and the owner says that this is all */
        { NULL, NULL, NULL, false, false },
    };
    static const line other[] = {
        { "one.first", "active", "f5", false, false },
        { "one.first", "go", "8201", false, false },
        { "one.first", "stop", "02", false, false },
        { NULL, NULL, NULL, false, false },
    };

    (void)state;
    memset(things, 0, sizeof things);
    play(cut, both, 2);
    assert_true(r.failed);
    assert_int_equal(r.failure.err, TSR_E_MALFORMED);
    play(other, both, 2);
    assert_true(r.failed);
    assert_int_equal(things[0].received, 0);
}

static void test_service_ends_when_a_module_fails(void **state)
{
    static const line lines[] = {
        { "one.first", "active", "f5", false, false },
        { "one.first", "bad", "01", false, false },
        { NULL, NULL, NULL, false, false },
    };

    (void)state;
    memset(things, 0, sizeof things);
    things[0].err = TSR_E_DENIED;
    play(lines, both, 2);
    assert_true(r.failed);
    assert_int_equal(r.last, TSR_FDO_ERROR);
    assert_int_equal(r.sent[70], 0);
    assert_int_equal(things[0].done, 0);
    assert_int_equal(things[0].resets, 2);

    memset(things, 0, sizeof things); /* one that is longer than an empty message */
    things[0].to_send = 1;
    things[0].len = 2000;
    play(lines, both, 2);
    assert_true(r.failed);
    assert_int_equal(r.failure.err, TSR_E_SPACE);
}

static tsr_err never_done(void *user, unsigned round, tsr_fdo_info *said, tsr_buf *pairs,
                          uint64_t *count, bool *more, bool *done)
{
    (void)user, (void)round, (void)said, (void)pairs, (void)count, (void)done;
    *more = true;
    return TSR_OK;
}

static void test_service_ends_a_flood(void **state)
{
    (void)state;
    r.owner_says = never_done;
    r.config.rounds_max = 30;
    play(NULL, both, 2);
    r.owner_says = owner_says;
    r.config.rounds_max = 0;
    assert_true(r.failed);
    assert_int_equal(r.sent[68], 31);
    assert_int_equal(r.last, TSR_FDO_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_begins_with_devmod),
        cmocka_unit_test(test_service_splits_what_does_not_fit),
        cmocka_unit_test(test_service_answers_for_modules),
        cmocka_unit_test(test_service_sends_more_than_one_message_holds),
        cmocka_unit_test(test_service_lets_the_owner_wait),
        cmocka_unit_test(test_service_joins_what_an_owner_splits),
        cmocka_unit_test(test_service_ends_when_a_part_is_missing),
        cmocka_unit_test(test_service_ends_when_a_module_fails),
        cmocka_unit_test(test_service_ends_a_flood),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
