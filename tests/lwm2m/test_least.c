/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest device: TLV alone, and an object 3 of a few resources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tessera/lwm2m/format/codec.h"
#include "tessera/lwm2m/objects/device_basic.h"
#include "tests/lwm2m/rig.h"
#include "tests/lwm2m/small_parts.h"
#include "tests/vectors.h"

const tsr_lwm2m_codec *const tsr_lwm2m_codecs[] = { &tsr_lwm2m_codec_tlv_plain, NULL };

enum { TLV = 11542, SENML_CBOR = 112, LINK = 40 };

static tsr_lwm2m_device_basic device;

static rig *start_with(const tsr_lwm2m_parts *parts)
{
    rig *r = rig_new_small(parts);

    device = (tsr_lwm2m_device_basic){ { "Tessera", "least", NULL, "1.0" }, 0, false };
    r->objects[1] = tsr_lwm2m_device_basic_object(&device);
    rig_register(r);
    return r;
}

static rig *start(void) { return start_with(&tsr_lwm2m_small_parts); }

static void assert_hex(const rig_message *m, const char *hex)
{
    uint8_t room[256];
    tsr_bytes want = from_hex(hex, room, sizeof room);

    assert_code(m, 2, 05);
    assert_int_equal(m->len, want.len);
    assert_memory_equal(m->text, want.ptr, want.len);
}

static void test_least_client_registers_with_its_format(void **state)
{
    rig *r = start();

    (void)state;
    assert_non_null(strstr(rig_last(r, 0)->text, "</>;rt=\"oma.lwm2m\";ct=11542,</1/0>"));
    rig_free(r);
}

static void test_least_client_is_read(void **state)
{
    rig *r = start();

    (void)state;
    assert_hex(rig_get(r, "/3/0", TLV),
               "c70054657373657261 c5016c65617374 c303312e30 830b410000 c11055");
    assert_hex(rig_get(r, "/3", TLV),
               "0800 1d c70054657373657261 c5016c65617374 c303312e30 830b410000 c11055");
    assert_hex(rig_get(r, "/3/0/1", -1), "c5016c65617374"); /* there is no text to answer with */
    device.error = 3;
    assert_hex(rig_get(r, "/3/0/11", TLV), "830b410003");
    assert_code(rig_get(r, "/3/0/2", TLV), 4, 04);
    assert_code(rig_get(r, "/3/0/4", TLV), 4, 05);
    assert_code(rig_get(r, "/3/0", SENML_CBOR), 4, 06);
    assert_text(rig_get(r, "/3/0/11", LINK), "</3/0/11>;dim=1,</3/0/11/0>");
    rig_free(r);
}

static void test_least_client_is_written_and_executed(void **state)
{
    static const struct {
        const char *at, *hex;
        unsigned cls, detail;
    } cases[] = {
        { "/1/0/1", "c10178", 2, 04 },
        { "/1/0/1", "c2010078", 2, 04 },
        { "/1/0/1", "c40101020304", 2, 04 },
        { "/1/0/1", "c8010800000000ffffffff", 2, 04 },
        { "/1/0/1", "c101ff", 4, 00 },                 /* -1 */
        { "/1/0/1", "c8010900000000000000000a", 4, 00 }, /* nine bytes */
        { "/1/0/1", "c001", 4, 00 },
        { "/1/0/1", "c10178c10179", 2, 04 },           /* the last one counts */
        { "/1/0/1", "c20178", 4, 00 },                 /* cut off */
        { "/1/0/2", "c10178", 4, 04 },                 /* of another one */
        { "/1/0/6", "c10600", 2, 04 },
        { "/1/0/6", "c10602", 4, 00 },
        { "/1/0/7", "c10755", 2, 04 },
        { "/1/0/7", "c2075551", 4, 00 },               /* another binding than U */
        { "/1/0/7", "c107ff", 4, 00 },                 /* no text */
        { "/3/0/0", "c10055", 4, 05 },
    };
    rig *r = start();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rig_message *m = rig_put_hex(r, TSR_COAP_PUT, cases[i].at, TLV, cases[i].hex);

        if (m->code != TSR_COAP_CODE(cases[i].cls, cases[i].detail))
            fail_msg("case %zu: %u.%02u", i, m->code >> 5, m->code & 31u);
    }
    assert_int_equal(tsr_lwm2m_server_get(&r->server_item[0], TSR_LWM2M_S_LIFETIME), 0x79);
    assert_code(rig_post(r, "/3/0/4", -1, "0='x'"), 4, 00);
    assert_code(rig_post(r, "/1/0/8", -1, "0"), 4, 00);
    assert_false(device.reboot);
    assert_code(rig_post(r, "/3/0/4", -1, ""), 2, 04);
    assert_true(device.reboot);
    rig_free(r);
}

/* RFC 7641 §4.1: who keeps no list of observers answers as if it were a GET. */
static void test_silent_client_is_asked(void **state)
{
    rig *r = start_with(&tsr_lwm2m_silent_parts);

    (void)state;
    assert_hex(rig_get(r, "/3/0/1", TLV), "c5016c65617374");
    assert_hex(rig_observe(r, "/3/0/1", TLV), "c5016c65617374");
    assert_false(r->server[0].answer.observing);
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_resource(3, 0, 1));
    rig_wait(r, 100000);
    assert_int_equal(r->server[0].note_count, 0);
    assert_code(rig_put(r, "/3/0/1?pmin=5", -1, ""), 4, 05);
    assert_text(rig_get(r, "/3/0/1", LINK), "</3/0/1>");
    assert_code(rig_put_hex(r, TSR_COAP_PUT, "/1/0/1", TLV, "c10178"), 2, 04);
    assert_code(rig_post(r, "/3/0/4", -1, ""), 2, 04);
    tsr_lwm2m_client_stop(&r->client, true, r->now_ms);
    rig_run(r);
    assert_true(tsr_lwm2m_client_stopped(&r->client));
    rig_free(r);
}

static void test_silent_client_has_no_observations(void **state)
{
    rig *r = start_with(&tsr_lwm2m_silent_parts);
    tsr_lwm2m_client_config config = r->client.config;

    (void)state;
    assert_int_equal(tsr_lwm2m_client_init_with(&r->client, &config, &tsr_lwm2m_silent_parts), TSR_OK);
    config.observation_count = 1;
    assert_int_equal(tsr_lwm2m_client_init_with(&r->client, &config, &tsr_lwm2m_silent_parts), TSR_E_ARGUMENT);
    config.observation_count = 0;
    config.attachment_count = 1;
    assert_int_equal(tsr_lwm2m_client_init_with(&r->client, &config, &tsr_lwm2m_silent_parts), TSR_E_ARGUMENT);
    rig_free(r);
}

/* What it writes and reads is what the full TLV writes and reads. */
static void test_least_format_is_the_full_one(void **state)
{
    static const int64_t numbers[] = { 0, -1, 127, 128, -129, 32768, INT32_MIN, INT64_MAX, INT64_MIN };
    const tsr_lwm2m_codec *codecs[] = { &tsr_lwm2m_codec_tlv, &tsr_lwm2m_codec_tlv_plain };
    uint8_t room[2][512];
    size_t len[2];

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        tsr_buf body = tsr_buf_over(room[k], sizeof room[k]);
        tsr_lwm2m_out out;

        tsr_lwm2m_out_begin_as(&out, codecs[k], tsr_lwm2m_at_object(9), &body);
        for (uint16_t i = 0; i < 9; i++)
            tsr_lwm2m_put_int(&out, tsr_lwm2m_at_resource(9, 0, (uint16_t)(40 * i)), numbers[i]);
        for (uint16_t i = 0; i < 9; i++)
            tsr_lwm2m_put_int(&out, tsr_lwm2m_at_resource_instance(9, 1, 4, i), numbers[i]);
        tsr_lwm2m_put_bool(&out, tsr_lwm2m_at_resource(9, 2, 1), true);
        tsr_lwm2m_put_opaque(&out, tsr_lwm2m_at_resource(9, 2, 300), tsr_view(numbers, 20));
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        len[k] = body.len;
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(room[0], room[1], len[0]);

    tsr_lwm2m_path path;
    tsr_lwm2m_value value, typed;
    tsr_lwm2m_in in;

    tsr_lwm2m_in_begin_as(&in, codecs[1], tsr_lwm2m_at_object(9), tsr_view(room[1], len[1]), NULL);
    for (size_t i = 0; i < 18; i++) {
        assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_OK);
        assert_int_equal(tsr_lwm2m_in_typed(&in, &value, TSR_LWM2M_INTEGER, &typed), TSR_OK);
        assert_int_equal(typed.as.i, numbers[i % 9]);
        assert_int_equal(tsr_lwm2m_in_typed(&in, &value, TSR_LWM2M_FLOAT, &typed), TSR_E_TYPE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_client_registers_with_its_format),
        cmocka_unit_test(test_least_client_is_read),
        cmocka_unit_test(test_least_client_is_written_and_executed),
        cmocka_unit_test(test_silent_client_is_asked),
        cmocka_unit_test(test_silent_client_has_no_observations),
        cmocka_unit_test(test_least_format_is_the_full_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
