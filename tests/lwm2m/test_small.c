/* SPDX-License-Identifier: Apache-2.0
 *
 * A small device: a client with few parts, one format, objects that keep nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tessera/lwm2m/format/codec.h"
#include "tests/lwm2m/rig.h"
#include "tests/lwm2m/small_parts.h"
#include "tests/vectors.h"

/* As in a small device: no other format is linked. */
const tsr_lwm2m_codec *const tsr_lwm2m_codecs[] = { &tsr_lwm2m_codec_senml_cbor_plain, NULL };

enum { SENML_CBOR = 112, LINK = 40, TLV = 11542 };

static rig *start(void)
{
    rig *r = rig_new_small(&tsr_lwm2m_small_parts);

    rig_register(r);
    return r;
}

static void assert_hex(const rig_message *m, const char *hex)
{
    uint8_t room[1024];
    tsr_bytes want = from_hex(hex, room, sizeof room);

    assert_int_equal(m->len, want.len);
    assert_memory_equal(m->text, want.ptr, want.len);
}

static void test_small_client_registers_and_is_read(void **state)
{
    rig *r = start();
    uint8_t room[512];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out out;
    const rig_message *m;

    (void)state;
    assert_hex(rig_get(r, "/3/0/9", SENML_CBOR), "81a200662f332f302f39021864");
    m = rig_get(r, "/3/0", SENML_CBOR);
    assert_code(m, 2, 05);
    /* byte by byte what the full format says */
    tsr_lwm2m_out_begin_as(&out, &tsr_lwm2m_codec_senml_cbor, tsr_lwm2m_at_instance(3, 0), &body);
    assert_int_equal(tsr_lwm2m_object_read(&r->objects[1], tsr_lwm2m_at_instance(3, 0), &out),
                     TSR_OK);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    assert_int_equal(m->len, body.len);
    assert_memory_equal(m->text, room, body.len);
    assert_code(rig_get(r, "/3/0", TLV), 4, 06);
    assert_code(rig_get(r, "/3/0/99", SENML_CBOR), 4, 04);
    assert_code(rig_get(r, "/0/0", SENML_CBOR), 4, 01);
    rig_free(r);
}

static void test_small_client_discovers_with_dimensions(void **state)
{
    rig *r = start();
    const rig_message *m;

    (void)state;
    assert_code(rig_put(r, "/3/0/7?pmin=5", -1, ""), 2, 04);
    m = rig_get(r, "/3/0/7", LINK);
    assert_code(m, 2, 05);
    assert_text(m, "</3/0/7>;dim=2;pmin=5,</3/0/7/0>,</3/0/7/1>");
    rig_free(r);
}

static void test_small_client_is_written_and_executed(void **state)
{
    rig *r = start();

    (void)state;
    /* [{-2: "/3/0/", 0: "14", 3: "+01:00"}] */
    assert_code(rig_put_hex(r, TSR_COAP_POST, "/3/0", SENML_CBOR,
                            "81a3 21652f332f302f 00623134 03662b30313a3030"), 2, 04);
    assert_string_equal(r->device.utc_offset, "+01:00");
    /* [{0: "/1/0/1", 2: 120}] */
    assert_code(rig_put_hex(r, TSR_COAP_PUT, "/1/0/1", SENML_CBOR, "81a200662f312f302f31021878"),
                2, 04);
    assert_int_equal(tsr_lwm2m_server_get(&r->server_item[0], TSR_LWM2M_S_LIFETIME), 120);
    assert_code(rig_post(r, "/3/0/4", -1, ""), 2, 04);
    assert_true(r->device.reboot);
    rig_free(r);
}

static void test_small_client_refuses_what_it_does_not_have(void **state)
{
    static const struct {
        const char *hex;
        unsigned cls, detail;
    } cases[] = {
        { "81a200662f312f302f3102fa42f00000", 4, 15 },                       /* 120.0 */
        { "81a200662f312f302f310361 78", 4, 00 },                            /* a text */
        { "82a200662f312f302f31021878 a200662f312f302f31021879", 4, 00 },    /* twice */
        { "81a200662f312f302f31021878 00", 4, 00 },                          /* a byte too many */
        { "81a300662f312f302f31021878 615f00", 4, 15 },                      /* label "_" */
        { "81a300662f312f302f310218782400", 4, 15 },                         /* base value */
        { "81a300662f312f302f310218782002", 2, 04 },                         /* version 2 */
        { "81a300662f312f302f31021878200b", 4, 15 },                         /* version 11 */
        { "81a300662f312f302f310218780605", 2, 04 },                         /* a time */
        { "81a300662f312f302f310218780661 73", 4, 15 },                      /* no time */
        { "81a300662f312f302f310218783bffffffffffffffff00", 4, 00 },         /* no label */
        { "9fbf00662f312f302f31021878ffff", 2, 04 },                         /* indefinite */
        { "81a2007f622f31642f302f31ff021878", 4, 15 },                       /* name in chunks */
        { "81a300662f312f302f310218780161 73", 2, 04 },                      /* a unit */
        { "81a300662f312f302f310218781901f4f4", 2, 04 },                     /* label 500 */
        { "81a300662f312f302f310218781901f48101", 4, 15 },                   /* of an array */
        { "81a300662f312f302f310218781901f4a0", 4, 15 },                     /* of a map */
        { "81a300662f312f302f310218781901f4c100", 4, 15 },                   /* of a tag */
        { "81a300662f312f302f310218781901f461ff", 4, 00 },                   /* of no text */
        { "81a300662f312f302f310218782f00", 2, 04 },                         /* label -16 */
        { "", 4, 00 },
        { "80", 2, 04 },                                                     /* nothing to write */
        { "81a200662f312f302f31", 4, 00 },                                   /* cut off */
    };
    rig *r = start();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rig_message *m =
            rig_put_hex(r, TSR_COAP_PUT, "/1/0/1", SENML_CBOR, cases[i].hex);

        if (m->code != TSR_COAP_CODE(cases[i].cls, cases[i].detail))
            fail_msg("case %zu: %u.%02u", i, m->code >> 5, m->code & 31u);
    }
    assert_code(rig_put(r, "/3/0/9?gt=5", -1, ""), 4, 00);
    assert_code(rig_put(r, "/3/0/9?pmin=x", -1, ""), 4, 00);
    assert_code(rig_put(r, "/3/0/9?pmins=5", -1, ""), 4, 00);
    assert_code(rig_put_hex(r, TSR_COAP_POST, "/3", SENML_CBOR, "80"), 4, 05);
    rig_free(r);
}

/* Core 5.1.2 */
static void test_small_client_notifies_between_pmin_and_pmax(void **state)
{
    rig *r = start();
    rig_server *s = &r->server[0];
    uint64_t from;

    (void)state;
    assert_code(rig_put(r, "/3/0/9?pmin=5&pmax=20", -1, ""), 2, 04);
    assert_code(rig_observe(r, "/3/0/9", SENML_CBOR), 2, 05);
    from = r->now_ms;
    r->device.battery_percent = 50;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0));
    rig_wait(r, 4900);
    assert_int_equal(s->note_count, 0);
    rig_wait(r, 200);
    assert_int_equal(s->note_count, 1);
    assert_int_equal(s->note[0].at_ms - from, 5000);
    assert_hex(&s->note[0], "81a200662f332f302f39021832");
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0)); /* it has not, in fact */
    rig_wait(r, 19000);
    assert_int_equal(s->note_count, 1);
    rig_wait(r, 1100);
    assert_int_equal(s->note_count, 2);
    assert_code(rig_put(r, "/3/0/9?pmax=", -1, ""), 2, 04);
    rig_wait(r, 60000);
    assert_int_equal(s->note_count, 2);
    rig_free(r);
}

static void test_small_client_says_that_parts_are_missing(void **state)
{
    rig *r = start();
    tsr_lwm2m_client_config config = r->client.config;

    (void)state;
    assert_int_equal(tsr_lwm2m_client_init_with(&r->client, &config, &tsr_lwm2m_small_parts), TSR_OK);
    config.hooks.save = (tsr_err (*)(void *, tsr_bytes))1;
    assert_int_equal(tsr_lwm2m_client_init_with(&r->client, &config, &tsr_lwm2m_small_parts), TSR_E_ARGUMENT);
    config.hooks.save = NULL;
    r->accounts[0].channel = (const tsr_lwm2m_channel *)1;
    config.datagram = r->datagram;
    assert_int_equal(tsr_lwm2m_client_init_with(&r->client, &config, &tsr_lwm2m_small_parts), TSR_E_ARGUMENT);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_client_registers_and_is_read),
        cmocka_unit_test(test_small_client_discovers_with_dimensions),
        cmocka_unit_test(test_small_client_is_written_and_executed),
        cmocka_unit_test(test_small_client_refuses_what_it_does_not_have),
        cmocka_unit_test(test_small_client_notifies_between_pmin_and_pmax),
        cmocka_unit_test(test_small_client_says_that_parts_are_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
