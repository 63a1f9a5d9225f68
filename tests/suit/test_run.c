/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest processor, command by command (SUIT 6.4 to 6.5, 8.4.8 to 8.4.10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tessera/cbor/cbor.h"
#include "tessera/suit/run.h"
#include "tests/vectors.h"

static char journal[512];

static tsr_err note(const char *what, size_t component, uint64_t number, tsr_err err)
{
    size_t n = strlen(journal);

    snprintf(journal + n, sizeof journal - n, "%s%zu:%llu ", what, component,
             (unsigned long long)number);
    return err;
}

/* Slot 7 is there; device ids never match; versions are always right. */
static tsr_err on_test(void *self, tsr_suit_condition what, size_t component,
                       const tsr_suit_params *p)
{
    (void)self;
    switch (what) {
    case TSR_SUIT_SLOT: return p->slot == 7 ? TSR_OK : TSR_E_DENIED;
    case TSR_SUIT_VERSION: return note("v", component, p->version.number[1], TSR_OK);
    case TSR_SUIT_CHECK_CONTENT: return note("k", component, p->content.len, TSR_OK);
    default: return TSR_E_DENIED;
    }
}

static tsr_err on_act(void *self, tsr_suit_directive what, size_t component,
                      const tsr_suit_params *p)
{
    (void)self;
    switch (what) {
    case TSR_SUIT_WRITE: return note("w", component, p->content.len, TSR_OK);
    case TSR_SUIT_COPY: return note("c", component, p->source, TSR_OK);
    case TSR_SUIT_SWAP: return note("s", component, p->source, TSR_OK);
    case TSR_SUIT_INVOKE: return note("i", component, 0, TSR_OK);
    case TSR_SUIT_FETCH: return note("f", component, p->uri.len, TSR_E_DENIED); /* refuses */
    default: return TSR_E_UNSUPPORTED;
    }
}

static const tsr_suit_device device = { NULL, on_test, on_act };

/* Runs sequences written in hex on a manifest with `components` components. */
static tsr_err run(size_t components, const char *shared, const char *sequence)
{
    uint8_t a[512], b[512];
    tsr_suit_manifest m = { .components = components };
    tsr_suit_run_state r;

    journal[0] = 0;
    m.shared = from_hex(shared, a, sizeof a);
    tsr_suit_begin(&r, &m, &device);
    return tsr_suit_run(&r, from_hex(sequence, b, sizeof b));
}

#define EXPECT(result, components, shared, sequence, text)                                         \
    do {                                                                                           \
        assert_int_equal(run(components, shared, sequence), result);                               \
        assert_string_equal(journal, text);                                                        \
    } while (0)

static void test_run_applies_to_one_list_or_all(void **state)
{
    (void)state;
    EXPECT(TSR_OK, 3, "", "82 17 02", "i0:0 ");                 /* the first one by default */
    EXPECT(TSR_OK, 3, "", "84 0c 02 17 02", "i2:0 ");           /* one */
    EXPECT(TSR_OK, 3, "", "84 0c 820200 17 02", "i2:0 i0:0 ");  /* a list, in its order */
    EXPECT(TSR_OK, 3, "", "84 0c f5 17 02", "i0:0 i1:0 i2:0 "); /* all */
    EXPECT(TSR_E_NOT_FOUND, 3, "", "84 0c 03 17 02", "");
    EXPECT(TSR_E_NOT_FOUND, 3, "", "84 0c 820003 17 02", "");
    EXPECT(TSR_E_MALFORMED, 3, "", "84 0c f4 17 02", "");
    EXPECT(TSR_E_MALFORMED, 3, "", "84 0c 80 17 02", "");
}

static void test_run_keeps_parameters_per_component(void **state)
{
    (void)state;
    /* content of 2 bytes for 0, of 1 byte for 1; then both are written */
    EXPECT(TSR_OK, 2, "", "8c 0c00 14a112420102 0c01 14a1124101 0c f5 1202", "w0:2 w1:1 ");
    EXPECT(TSR_E_NOT_FOUND, 2, "", "88 0c00 14a112420102 0c01 1202", ""); /* none for 1 */
    EXPECT(TSR_OK, 2, "84 0cf5 14a112420102", "82 1202", "w0:2 ");        /* index starts anew */
    EXPECT(TSR_OK, 1, "", "86 14a112420102 14a1124103 1202", "w0:1 ");    /* the last one counts */
}

static void test_run_copy_and_swap_name_a_source(void **state)
{
    (void)state;
    EXPECT(TSR_OK, 2, "", "86 14a11601 1602 181f02", "c0:1 s0:1 ");
    EXPECT(TSR_E_NOT_FOUND, 2, "", "84 14a11602 1602", ""); /* no such component */
    EXPECT(TSR_E_NOT_FOUND, 2, "", "82 1602", "");
}

/* SUIT 8.4.10.2 */
static void test_run_try_each_takes_the_first_that_holds(void **state)
{
    (void)state;
    /* [abort] / [write 1 byte] / [write 2 bytes] */
    EXPECT(TSR_OK, 1, "", "82 0f 83 43820e0f 48 84 14a1124101 1202 49 84 14a112420102 1202",
           "w0:1 ");
    EXPECT(TSR_E_DENIED, 1, "", "84 0f 82 43820e0f 43820e0f 1702", "");
    EXPECT(TSR_OK, 1, "", "84 0f 82 43820e0f f6 1702", "i0:0 "); /* nil: none need hold */
    EXPECT(TSR_E_MALFORMED, 1, "", "82 0f 82 f6 43820e0f", "");  /* nil is for the end */
    EXPECT(TSR_E_MALFORMED, 1, "", "82 0f 80", "");
}

static void test_run_try_each_for_every_component(void **state)
{
    (void)state;
    /* slot 7 for component 1 only; each component tries: slot? write : invoke */
    EXPECT(TSR_OK, 2, "", "8a 0c01 14a10507 0c f5 14a1124101 0f 82 45 84 050f 1202 43 82 1702",
           "i0:0 w1:1 ");
}

/* Soft failure set to false: a condition that fails ends the whole run. */
static void test_run_try_each_hard_failure_ends_all(void **state)
{
    (void)state;
    EXPECT(TSR_E_DENIED, 1, "", "84 0f 82 47 84 14a10df4 0e0f 43 821702 1702", "");
    EXPECT(TSR_E_DENIED, 1, "", /* also from inside another try-each */
           "82 0f 82 4d 82 0f 82 47 84 14a10df4 0e0f 41 80 43 821702", "");
    EXPECT(TSR_OK, 1, "", /* but a soft one goes on, outside too */
           "82 0f 82 4b 82 0f 82 43 820e0f 43 820e0f 43 821702", "i0:0 ");
}

/* SUIT 6.4: a directive that fails ends the run, however soft failures are. */
static void test_run_directive_failure_is_never_soft(void **state)
{
    (void)state;
    EXPECT(TSR_E_DENIED, 1, "", "82 0f 82 48 84 14a1156161 1502 43 821702", "f0:1 ");
}

/* SUIT 8.4.10.8 */
static void test_run_sequence_forwards_or_swallows(void **state)
{
    (void)state;
    EXPECT(TSR_OK, 1, "", "84 1820 43 821702 1702", "i0:0 i0:0 ");
    EXPECT(TSR_E_DENIED, 1, "", "84 1820 43 820e0f 1702", "");
    EXPECT(TSR_OK, 1, "", "84 1820 47 84 14a10df5 0e0f 1702", "i0:0 ");
    EXPECT(TSR_OK, 2, "", "84 0cf5 1820 43 821702", "i0:0 i1:0 "); /* once for each */
    EXPECT(TSR_OK, 2, "", "86 0cf5 1820 45 84 0c001702 1702",
           "i0:0 i0:0 i0:0 i1:0 "); /* the list is the outer one's again */
}

/* SUIT 8.4.8.15 */
static void test_run_soft_failure_only_inside(void **state)
{
    (void)state;
    EXPECT(TSR_E_MALFORMED, 1, "", "84 14a10df5 1702", "");
    EXPECT(TSR_OK, 1, "", "84 14a10cf4 1702", "i0:0 "); /* strict order may be set anywhere */
}

/* SUIT 8.4.9: what is unknown or lacks its parameter does not hold. */
static void test_run_condition_without_parameter_fails(void **state)
{
    static const uint8_t conditions[] = { 1, 2, 3, 5, 6, 14, 24, 28 };

    (void)state;
    for (size_t i = 0; i < sizeof conditions; i++) {
        char sequence[32];

        snprintf(sequence, sizeof sequence,
                 conditions[i] < 24 ? "84 %02x0f 1702" : "84 18%02x0f 1702", conditions[i]);
        EXPECT(TSR_E_DENIED, 1, "", sequence, "");
    }
}

static void test_run_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    EXPECT(TSR_E_UNSUPPORTED, 1, "", "84 190100 f6 1702", "");      /* an unknown command */
    EXPECT(TSR_E_UNSUPPORTED, 1, "", "84 39012c f6 1702", "");      /* a custom one */
    EXPECT(TSR_E_UNSUPPORTED, 1, "", "84 14a1181e00 1702", "");     /* an unknown parameter */
    EXPECT(TSR_E_UNSUPPORTED, 1, "", "84 14a139012c00 1702", "");   /* a custom one */
    EXPECT(TSR_E_UNSUPPORTED, 1, "", "84 14a101d87041aa 1702", ""); /* a vendor as PEN */
    EXPECT(TSR_E_MALFORMED, 1, "", "84 14a1014101 1702", "");       /* no UUID */
    EXPECT(TSR_E_MALFORMED, 1, "", "84 14a0 1702", "");             /* no parameter at all */
    EXPECT(TSR_E_MALFORMED, 1, "", "83 1702 17", "");
    EXPECT(TSR_E_MALFORMED, 1, "", "82 17 6161", "");      /* a policy is a number */
    EXPECT(TSR_E_MALFORMED, 1, "", "82 1702 00", "i0:0 "); /* something behind the sequence */
    EXPECT(TSR_E_MALFORMED, 1, "", "a1 1702", "");
}

/* SUIT 8.4.6, CDDL: the shared sequence changes nothing on the device. */
static void test_run_shared_sequence_changes_nothing(void **state)
{
    static const char *const changing[] = { "82 1702", "84 14a1124101 1202", "82 1820 43 821702",
                                            "82 0f 82 43 821702 f6" };

    (void)state;
    for (size_t i = 0; i < sizeof changing / sizeof changing[0]; i++)
        EXPECT(TSR_E_MALFORMED, 1, changing[i], "82 1702", "");
}

/* draft-ietf-suit-update-management: [at least, [1, 5]] */
static void test_run_reads_wanted_version(void **state)
{
    (void)state;
    EXPECT(TSR_OK, 1, "", "84 14a1181c 45 8202820105 181c0f", "v0:5 ");
    EXPECT(TSR_E_UNSUPPORTED, 1, "", "82 14a1181c 45 8206820105", "");
    EXPECT(TSR_E_MALFORMED, 1, "", "82 14a1181c 43 820280", "");
    EXPECT(TSR_E_UNSUPPORTED, 1, "", "82 14a1181c 45 8202820120", ""); /* a pre-release */
}

/* Sequences inside each other. */
static void test_run_is_bounded(void **state)
{
    uint8_t bytes[256] = { 0x82, 0x17, 0x02 };
    tsr_bytes in = tsr_view(bytes, 3);
    tsr_suit_manifest m = { .components = TSR_SUIT_COMPONENTS };
    tsr_suit_run_state r;

    (void)state;
    for (unsigned depth = 0; depth < 12; depth++) { /* run-sequence around it, again and again */
        uint8_t next[256];
        tsr_buf out = tsr_buf_over(next, sizeof next);

        journal[0] = 0;
        tsr_suit_begin(&r, &m, &device);
        assert_int_equal(tsr_suit_run(&r, in),
                         depth <= TSR_SUIT_DEPTH ? TSR_OK : TSR_E_UNSUPPORTED);
        tsr_cbor_put_array(&out, 2);
        tsr_cbor_put_uint(&out, TSR_SUIT_RUN_SEQUENCE);
        tsr_cbor_put_bytes(&out, in);
        memcpy(bytes, next, out.len);
        in = tsr_view(bytes, out.len);
    }
}

/* All 8 components, and for each of them all 8, 5 levels deep: 8^5 commands. */
static void test_run_work_is_bounded(void **state)
{
    uint8_t bytes[256] = { 0x82, 0x17, 0x02 };
    tsr_bytes in = tsr_view(bytes, 3);
    tsr_suit_manifest m = { .components = TSR_SUIT_COMPONENTS };
    tsr_suit_run_state r;

    (void)state;
    for (unsigned depth = 0; depth < 5; depth++) {
        uint8_t next[256];
        tsr_buf out = tsr_buf_over(next, sizeof next);

        tsr_cbor_put_array(&out, 4);
        tsr_cbor_put_uint(&out, TSR_SUIT_SET_INDEX);
        tsr_cbor_put_bool(&out, true);
        tsr_cbor_put_uint(&out, TSR_SUIT_RUN_SEQUENCE);
        tsr_cbor_put_bytes(&out, in);
        memcpy(bytes, next, out.len);
        in = tsr_view(bytes, out.len);
    }
    tsr_suit_begin(&r, &m, &device);
    assert_int_equal(tsr_suit_run(&r, in), TSR_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_applies_to_one_list_or_all),
        cmocka_unit_test(test_run_keeps_parameters_per_component),
        cmocka_unit_test(test_run_copy_and_swap_name_a_source),
        cmocka_unit_test(test_run_try_each_takes_the_first_that_holds),
        cmocka_unit_test(test_run_try_each_for_every_component),
        cmocka_unit_test(test_run_try_each_hard_failure_ends_all),
        cmocka_unit_test(test_run_directive_failure_is_never_soft),
        cmocka_unit_test(test_run_sequence_forwards_or_swallows),
        cmocka_unit_test(test_run_soft_failure_only_inside),
        cmocka_unit_test(test_run_condition_without_parameter_fails),
        cmocka_unit_test(test_run_refuses_what_it_does_not_know),
        cmocka_unit_test(test_run_shared_sequence_changes_nothing),
        cmocka_unit_test(test_run_reads_wanted_version),
        cmocka_unit_test(test_run_is_bounded),
        cmocka_unit_test(test_run_work_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
