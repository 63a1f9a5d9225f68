/* SPDX-License-Identifier: Apache-2.0
 *
 * What the writer makes: always the same bytes, and what the reader and the processor understand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tessera/cbor/cbor.h"
#include "tessera/suit/write.h"
#include "tests/vectors.h"

static const tsr_suit_need needs[2] = { { { (const uint8_t *)"radio", 5 }, { 1, 2, 3, 4 } },
                                        { { (const uint8_t *)"boot", 4 }, { 0, 9, 0, 0 } } };

static tsr_suit_plan plan(void)
{
    tsr_suit_plan p = {
        .component = tsr_text("app"), .sequence = 1000, .size = 70000, .uri = tsr_text("#image")
    };

    memset(p.vendor, 0xaa, sizeof p.vendor);
    memset(p.class_id, 0xbb, sizeof p.class_id);
    memset(p.digest, 0xcc, sizeof p.digest);
    return p;
}

static tsr_bytes manifest(const tsr_suit_plan *p, uint8_t *room, size_t cap)
{
    tsr_buf out = tsr_buf_over(room, cap);

    tsr_suit_put_manifest(&out, p);
    assert_int_equal(out.err, TSR_OK);
    assert_int_equal(tsr_cbor_check(tsr_buf_view(&out)), TSR_OK);
    return tsr_buf_view(&out);
}

/* The encoding, written down once by hand (docs/WIRE.md, "SUIT envelopes"). */
static void test_write_manifest_bytes(void **state)
{
    static const char golden[] =
        "a6 0101 021903e8"
        " 03 5863 a2 02 81 81 43617070"
        "    04 5858 86 14 a4 0150aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
        "0250bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
        "       03 5824 822f5820 cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
        "       0e 1a00011170 010f 020f"
        " 07 43 82 030f"
        " 09 43 82 1702"
        " 14 4f 86 14 a1 15 66 23696d616765 1502 030f";
    uint8_t room[512], again[512], want[512];
    tsr_suit_plan p = plan();
    tsr_bytes made = manifest(&p, room, sizeof room);
    tsr_bytes golden_bytes = from_hex(golden, want, sizeof want);

    (void)state;
    assert_int_equal(made.len, golden_bytes.len);
    assert_memory_equal(made.ptr, golden_bytes.ptr, made.len);
    assert_true(tsr_same(made, manifest(&p, again, sizeof again)));
}

/* ---- read back and run ---- */

static char journal[128];

static tsr_err on_test(void *self, tsr_suit_condition what, size_t component,
                       const tsr_suit_params *p)
{
    size_t n = strlen(journal);

    (void)self;
    snprintf(journal + n, sizeof journal - n, "%d:%zu ", (int)what, component);
    if (what == TSR_SUIT_VERSION) {
        assert_int_equal(p->version.how, TSR_SUIT_AT_LEAST);
        assert_memory_equal(p->version.number, needs[component - 1].version, 16);
    }
    if (what == TSR_SUIT_IMAGE_MATCH)
        assert_true(p->size == 70000 && p->digest.ptr[0] == 0xcc && p->vendor.ptr[0] == 0xaa);
    return TSR_OK;
}

static tsr_err on_act(void *self, tsr_suit_directive what, size_t component,
                      const tsr_suit_params *p)
{
    size_t n = strlen(journal);

    (void)self;
    snprintf(journal + n, sizeof journal - n, "%d:%zu ", (int)what, component);
    if (what == TSR_SUIT_FETCH)
        assert_true(tsr_same(p->uri, tsr_text("#image")));
    return TSR_OK;
}

static tsr_err constant(void *self, tsr_bytes in, uint8_t out[TSR_SUIT_DIGEST])
{
    (void)self;
    (void)in;
    memset(out, 0xdd, TSR_SUIT_DIGEST);
    return TSR_OK;
}

/* Writes an envelope around the plan's manifest and opens it again. */
static void round_trip(const tsr_suit_plan *p, uint8_t *room, size_t cap, tsr_suit_manifest *m)
{
    static uint8_t inner[1024], digest[64];
    tsr_buf d = tsr_buf_over(digest, sizeof digest), out = tsr_buf_over(room, cap);
    const tsr_suit_crypto crypto = { NULL, constant, NULL };
    tsr_suit_parts parts = { .manifest = manifest(p, inner, sizeof inner),
                             .cose = tsr_text("signature"),
                             .text = p->sever_text ? p->text : tsr_view(NULL, 0),
                             .payload_name = tsr_text("#image"),
                             .payload_len = 70000 };
    tsr_suit_envelope e;
    uint8_t dd[32];

    memset(dd, 0xdd, sizeof dd);
    tsr_suit_put_digest(&d, dd);
    parts.signed_digest = tsr_buf_view(&d);
    tsr_suit_put_envelope(&out, &parts);
    assert_int_equal(out.err, TSR_OK);
    assert_int_equal(tsr_suit_open(tsr_buf_view(&out), out.len + 70000, &e), TSR_OK);
    assert_int_equal(e.payload_count, 1);
    assert_int_equal(e.payloads[0].at, out.len);
    assert_int_equal(e.payloads[0].len, 70000);
    assert_int_equal(e.len, out.len + 70000);
    assert_int_equal(e.block_count, 1);
    assert_int_equal(tsr_suit_open(tsr_buf_view(&out), out.len + 69999, &e), TSR_E_SPACE);
    assert_int_equal(tsr_suit_open(tsr_buf_view(&out), out.len + 70000, &e), TSR_OK);
    assert_int_equal(tsr_suit_read(&e, &crypto, m), TSR_OK);
    assert_int_equal(m->sequence, 1000);
}

static void run_all(const tsr_suit_manifest *m, const char *log)
{
    const tsr_suit_device device = { NULL, on_test, on_act };
    tsr_suit_run_state r;

    journal[0] = 0;
    tsr_suit_begin(&r, m, &device);
    assert_int_equal(tsr_suit_run(&r, m->install.bytes), TSR_OK);
    assert_int_equal(tsr_suit_run(&r, m->validate), TSR_OK);
    assert_int_equal(tsr_suit_run(&r, m->invoke), TSR_OK);
    assert_string_equal(journal, log);
}

static void test_write_runs_as_it_reads(void **state)
{
    static uint8_t room[1024];
    tsr_suit_plan p = plan();
    tsr_suit_manifest m;

    (void)state;
    round_trip(&p, room, sizeof room, &m);
    assert_true(tsr_suit_named(&m, 0, tsr_text("app")));
    assert_false(tsr_suit_named(&m, 0, tsr_text("ap")));
    run_all(&m, "1:0 2:0 21:0 3:0 1:0 2:0 3:0 1:0 2:0 23:0 ");
}

static void test_write_needs_are_asked_for(void **state)
{
    static uint8_t room[1024];
    tsr_suit_plan p = plan();
    tsr_suit_manifest m;

    (void)state;
    p.needs = needs;
    p.need_count = 2;
    round_trip(&p, room, sizeof room, &m);
    assert_int_equal(m.components, 3);
    assert_true(tsr_suit_named(&m, 2, tsr_text("boot")));
    run_all(&m, "1:0 2:0 21:0 3:0 28:1 28:2 1:0 2:0 3:0 1:0 2:0 23:0 ");
}

static void test_write_text_severed_and_not(void **state)
{
    const tsr_suit_texts texts = { tsr_text("Acme"), tsr_text("Lamp"), tsr_text("The daemon"),
                                   tsr_text("1.2.3") };
    uint8_t map[128];
    tsr_buf t = tsr_buf_over(map, sizeof map);

    (void)state;
    tsr_suit_put_text(&t, tsr_text("app"), &texts);
    for (int sever = 0; sever < 2; sever++) {
        static uint8_t room[1024];
        tsr_suit_plan p = plan();
        tsr_suit_manifest m;
        tsr_bytes text;

        p.text = tsr_buf_view(&t);
        p.sever_text = sever != 0;
        memset(p.text_digest, 0xdd, sizeof p.text_digest);
        round_trip(&p, room, sizeof room, &m);
        assert_int_equal(m.text.severed, sever);
        assert_int_equal(tsr_suit_text(&m, 0, 1, &text), TSR_OK);
        assert_true(tsr_same(text, tsr_text("Acme")));
        assert_int_equal(tsr_suit_text(&m, 0, 6, &text), TSR_OK);
        assert_true(tsr_same(text, tsr_text("1.2.3")));
        assert_int_equal(tsr_suit_text(&m, 0, 3, &text), TSR_E_NOT_FOUND);
    }
}

/* A payload larger than the window on the stream: only its head is read, and only where it is the
 * last member. Every package above the size of the service's window depends on it. */
static void test_write_payload_ends_beyond_the_window(void **state)
{
    static uint8_t room[1024], inner[512];
    const uint64_t lens[] = { 1, 4096, 4097, 65536, 70000, 1u << 30 };
    tsr_suit_plan p = plan();
    uint8_t digest[64];
    tsr_buf d = tsr_buf_over(digest, sizeof digest);

    (void)state;
    tsr_suit_put_digest(&d, p.digest);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        tsr_suit_parts parts = { .manifest = manifest(&p, inner, sizeof inner),
                                 .signed_digest = tsr_buf_view(&d),
                                 .cose = tsr_text("signature"),
                                 .payload_name = tsr_text("#image"),
                                 .payload_len = lens[i] };
        tsr_buf out = tsr_buf_over(room, sizeof room - 64);
        tsr_suit_envelope e;

        tsr_suit_put_envelope(&out, &parts);
        assert_int_equal(out.err, TSR_OK);

        uint64_t total = out.len + lens[i];

        memset(room + out.len, 0x5a, 64); /* the payload's first bytes */
        for (size_t seen = 0; seen <= 64 && seen <= lens[i]; seen++) {
            assert_int_equal(tsr_suit_open(tsr_view(room, out.len + seen), total, &e), TSR_OK);
            assert_int_equal(e.payload_count, 1);
            assert_true(e.payloads[0].at == out.len && e.payloads[0].len == lens[i]);
            assert_true(e.len == total);
            assert_true(tsr_same(e.manifest, parts.manifest));
        }
        if (lens[i] > 64) { /* one member more is said to come, and is where nobody can see it */
            room[0] == 0xd8 ? room[2]++ : room[0]++;
            assert_int_equal(tsr_suit_open(tsr_view(room, out.len + 64), total + 9, &e),
                             TSR_E_SPACE);
        }
    }
}

static void test_write_says_when_there_is_no_room(void **state)
{
    uint8_t room[1024];
    tsr_suit_plan p = plan();
    tsr_suit_need many[TSR_SUIT_COMPONENTS];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    p.needs = needs;
    p.need_count = 2;

    size_t len = manifest(&p, room, sizeof room).len;

    for (size_t cap = 0; cap < len; cap++) {
        out = tsr_buf_over(room, cap);
        room[cap] = 0x77;
        tsr_suit_put_manifest(&out, &p);
        assert_int_equal(out.err, TSR_E_SPACE);
        assert_int_equal(room[cap], 0x77);
    }
    for (size_t i = 0; i < TSR_SUIT_COMPONENTS; i++)
        many[i] = needs[0];
    p.needs = many;
    p.need_count = TSR_SUIT_COMPONENTS;
    out = tsr_buf_over(room, sizeof room);
    tsr_suit_put_manifest(&out, &p);
    assert_int_equal(out.err, TSR_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_manifest_bytes),
        cmocka_unit_test(test_write_runs_as_it_reads),
        cmocka_unit_test(test_write_needs_are_asked_for),
        cmocka_unit_test(test_write_text_severed_and_not),
        cmocka_unit_test(test_write_payload_ends_beyond_the_window),
        cmocka_unit_test(test_write_says_when_there_is_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
