/* SPDX-License-Identifier: Apache-2.0
 *
 * Device management, request by request: the conformance cases that are in scope, and what
 * servers get wrong (Core 6.3). */
#include "tests/lwm2m/rig.h"
#include "tests/vectors.h"

/* Byte for byte: CON GET /3/0/0, token 2a; the answer is the ACK with 2.05, text/plain.
 * Core 7.5.1 */
static void test_int_201_read_in_plain_text(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_string_equal(rig_raw(r, "41011234 2a b133 0130 0130"),
                        "614512342ac0ff4f70656e204d6f62696c6520416c6c69616e6365");
    assert_text(rig_get(r, "/3/0/1", 0), "Lightweight M2M Client");
    assert_int_equal(r->server[0].answer.content_format.value, 0);
    assert_text(rig_get(r, "/3/0/2", 0), "345000123");
    rig_free(r);
}

static void test_int_203_read_device_in_tlv(void **state)
{
    rig *r = rig_new(1);
    const rig_message *m;
    static const uint8_t begin[] = { 0xc8, 0x00, 0x14, 'O', 'p', 'e', 'n' };

    (void)state;
    rig_register(r);
    m = rig_get(r, "/3/0", 11542);
    assert_code(m, 2, 05);
    assert_int_equal(m->content_format.value, 11542);
    assert_memory_equal(m->text, begin, sizeof begin);
    rig_free(r);
}

/* OMA JSON is not for 1.1 and later; asking for it is answered 4.06. */
static void test_int_204_oma_json_is_not_acceptable(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_get(r, "/3/0", 11543), 4, 06);
    rig_free(r);
}

/* RFC 7252 §5.5.1 */
static void test_int_205_write_in_plain_text(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/2", 0, "101"), 2, 04);
    assert_code(rig_put(r, "/1/0/3", 0, "1010"), 2, 04);
    assert_code(rig_put(r, "/1/0/5", 0, "2000"), 2, 04);
    assert_text(rig_get(r, "/1/0/2", 0), "101");
    assert_text(rig_get(r, "/1/0/3", 0), "1010");
    assert_text(rig_get(r, "/1/0/5", 0), "2000");
    rig_free(r);
}

/* Core 7.5.3 */
static void test_int_211_read_in_cbor(void **state)
{
    rig *r = rig_new(1);
    const rig_message *m;

    (void)state;
    rig_register(r);
    m = rig_get(r, "/1/0/0", 60);
    assert_int_equal(m->len, 2);
    assert_memory_equal(m->text, "\x18\x65", 2);
    m = rig_get(r, "/1/0/6", 60);
    assert_memory_equal(m->text, "\xf5", 2);
    m = rig_get(r, "/1/0/7", 60);
    assert_memory_equal(m->text, "\x61U", 3);
    rig_free(r);
}

static void test_int_212_write_in_cbor(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_PUT, "/1/0/2", 60, "1864"), 2, 04);
    assert_text(rig_get(r, "/1/0/2", 0), "100");
    assert_code(rig_put_hex(r, TSR_COAP_PUT, "/1/0/6", 60, "f4"), 2, 04);
    assert_text(rig_get(r, "/1/0/6", 0), "0");
    rig_free(r);
}

/* The bytes of the ETS: resources 2, 3, 5, 6, 7 by POST, then a Replace of the instance. */
static void test_int_215_partial_update_and_replace_in_tlv(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_POST, "/1/0", 11542, "c10265c20303f2c20507d0c10601c10755"), 2, 04);
    assert_text(rig_get(r, "/1/0", 110),
                "[{\"bn\":\"/1/0/\",\"n\":\"0\",\"v\":101},{\"n\":\"1\",\"v\":300},{\"n\":\"2\",\"v\":101},"
                "{\"n\":\"3\",\"v\":1010},{\"n\":\"5\",\"v\":2000},{\"n\":\"6\",\"vb\":true},"
                "{\"n\":\"7\",\"vs\":\"U\"}]");
    assert_code(rig_put_hex(r, TSR_COAP_PUT, "/1/0", 11542, "c20100c8c10601c10755"), 2, 04);
    assert_text(rig_get(r, "/1/0", 110),
                "[{\"bn\":\"/1/0/\",\"n\":\"0\",\"v\":101},{\"n\":\"1\",\"v\":200},{\"n\":\"6\",\"vb\":true},"
                "{\"n\":\"7\",\"vs\":\"U\"}]");
    rig_free(r);
}

/* 1.0 wrote so; we read it from anybody. */
static void test_int_220_write_in_oma_json(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0", 11543,
                        "{\"bn\":\"/1/0/\",\"e\":[{\"n\":\"1\",\"v\":200},{\"n\":\"6\",\"bv\":false},"
                        "{\"n\":\"7\",\"sv\":\"U\"}]}"), 2, 04);
    assert_text(rig_get(r, "/1/0/1", 0), "200");
    assert_text(rig_get(r, "/1/0/6", 0), "0");
    assert_code(rig_put(r, "/1/0", 11543, "{\"bn\":\"/1/0/\"}"), 4, 00);
    assert_code(rig_put(r, "/1/0", 11543, "{\"bn\":\"/3/0/\",\"e\":[{\"n\":\"1\",\"v\":1}]}"), 4, 04);
    assert_code(rig_put(r, "/1/0", 322, "\x80"), 4, 15);
    assert_code(rig_get(r, "/1/0", 322), 4, 06);
    rig_free(r);
}

/* No operation of a server reaches Security, whether it is there or not (Core 6.3, E.1). */
static void test_int_221_security_is_closed(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_get(r, "/0/0", 11542), 4, 01);
    assert_code(rig_get(r, "/0", -1), 4, 01);
    assert_code(rig_get(r, "/0/0/5", 0), 4, 01);
    assert_code(rig_get(r, "/0", 40), 4, 01);
    assert_code(rig_put(r, "/0/0/0", 0, "coap://x"), 4, 01);
    assert_code(rig_put(r, "/0/0?pmin=10", -1, ""), 4, 01);
    assert_code(rig_observe(r, "/0/0/0", -1), 4, 01);
    assert_code(rig_delete(r, "/0/0"), 4, 01);
    assert_code(rig_post(r, "/0", 11542, ""), 4, 01);
    assert_code(rig_get(r, "/21/0", -1), 4, 01);
    rig_free(r);
}

static void test_int_222_read_an_object(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(rig_get(r, "/1", 110),
                "[{\"bn\":\"/1/\",\"n\":\"0/0\",\"v\":101},{\"n\":\"0/1\",\"v\":300},"
                "{\"n\":\"0/6\",\"vb\":true},{\"n\":\"0/7\",\"vs\":\"U\"}]");
    assert_code(rig_get(r, "/16", 112), 2, 05);
    rig_free(r);
}

static void test_int_223_read_an_instance(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(rig_get(r, "/4/0", 110),
                "[{\"bn\":\"/4/0/\",\"n\":\"0\",\"v\":41},{\"n\":\"1/0\",\"v\":41},{\"n\":\"2\",\"v\":0},"
                "{\"n\":\"4/0\",\"vs\":\"192.0.2.7\"},{\"n\":\"4/1\",\"vs\":\"2001:db8::7\"},"
                "{\"n\":\"5/0\",\"vs\":\"192.0.2.1\"},{\"n\":\"6\",\"v\":3}]");
    rig_free(r);
}

static void test_int_224_read_a_resource(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(rig_get(r, "/3/0/9", 110), "[{\"n\":\"/3/0/9\",\"v\":100}]");
    assert_text(rig_get(r, "/3/0/6", 110), "[{\"bn\":\"/3/0/6/\",\"n\":\"0\",\"v\":1},{\"n\":\"1\",\"v\":5}]");
    rig_free(r);
}

static void test_int_225_read_a_resource_instance(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(rig_get(r, "/3/0/7/1", 0), "5000");
    assert_text(rig_get(r, "/3/0/11/0", -1), "0");
    assert_code(rig_get(r, "/3/0/7/2", 0), 4, 04);
    assert_code(rig_get(r, "/3/0/9/0", 0), 4, 04);
    rig_free(r);
}

static void test_int_226_partial_update_of_an_instance(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/1/0", 110, "[{\"bn\":\"/1/0/\",\"n\":\"1\",\"v\":600},{\"n\":\"2\",\"v\":5}]"), 2, 04);
    assert_string_equal(rig_last(r, 0)->queries, "lt=600");
    assert_text(rig_get(r, "/1/0/2", 0), "5");
    rig_free(r);
}

static void test_int_227_replace_a_resource(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/5", 110, "[{\"n\":\"/1/0/5\",\"v\":7}]"), 2, 04);
    assert_text(rig_get(r, "/1/0/5", 0), "7");
    rig_free(r);
}

static void test_int_228_write_a_resource_instance(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/0/0/0\",\"vs\":\"one\"},{\"n\":\"/16/0/0/1\",\"vs\":\"two\"}]"), 2, 01);
    assert_code(rig_put(r, "/16/0/0/1", 0, "deux"), 2, 04);
    assert_text(rig_get(r, "/16/0/0", 110),
                "[{\"bn\":\"/16/0/0/\",\"n\":\"0\",\"vs\":\"one\"},{\"n\":\"1\",\"vs\":\"deux\"}]");
    rig_free(r);
}

static void test_int_231_read_in_senml_json_at_every_level(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_get(r, "/3", 110), 2, 05);
    assert_code(rig_get(r, "/3/0", 110), 2, 05);
    assert_code(rig_get(r, "/3/0/0", 110), 2, 05);
    assert_text(rig_get(r, "/3/0/7/0", 110), "[{\"n\":\"/3/0/7/0\",\"v\":3800}]");
    rig_free(r);
}

/* /3/0 in the values of the Core's example, read back with the reader. */
static void test_int_232_read_in_senml_cbor_at_every_level(void **state)
{
    rig *r = rig_new(1);
    const rig_message *m;
    tsr_lwm2m_in in;
    tsr_lwm2m_path at;
    tsr_lwm2m_value v;
    size_t n = 0;

    (void)state;
    rig_register(r);
    m = rig_get(r, "/3/0", 112);
    assert_int_equal(tsr_lwm2m_in_begin(&in, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_instance(3, 0),
                                        tsr_view(m->text, m->len), NULL), TSR_OK);
    while (tsr_lwm2m_in_next(&in, &at, &v) == TSR_OK) {
        if (at.resource == 9)
            assert_int_equal(v.as.i, 100);
        n++;
    }
    assert_int_equal(n, 16);
    assert_code(rig_get(r, "/3", 112), 2, 05);
    m = rig_get(r, "/3/0/9", 112);
    assert_int_equal(m->len, 13);
    assert_memory_equal(m->text, "\x81\xa2\x00\x66/3/0/9\x02\x18\x64", 13);
    assert_code(rig_get(r, "/3/0/7/0", 112), 2, 05);
    rig_free(r);
}

static void test_int_233_write_in_senml_cbor(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_POST, "/1/0", 112, "82a321652f312f302f0061320218 65a2006133021903f2"), 2, 04);
    assert_text(rig_get(r, "/1/0/2", 0), "101");
    assert_text(rig_get(r, "/1/0/3", 0), "1010");
    rig_free(r);
}

/* Core 7.5 */
static void test_int_237_read_without_accept(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_int_equal(rig_get(r, "/3/0/0", -1)->content_format.value, 0);
    assert_int_equal(rig_get(r, "/3/0", -1)->content_format.value, 112);
    assert_int_equal(rig_get(r, "/3/0/6", -1)->content_format.value, 112);
    rig_free(r);
}

static void test_int_241_reboot_is_handed_to_the_host(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/3/0/4", -1, ""), 2, 04);
    assert_true(r->device.reboot);
    rig_free(r);
}

static void test_int_256_short_id_cannot_be_written(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/0", 0, "102"), 4, 05);
    assert_text(rig_get(r, "/1/0/0", 0), "101");
    assert_code(rig_put(r, "/3/0/0", 0, "x"), 4, 05);
    assert_code(rig_put(r, "/3/0/4", 0, "x"), 4, 05);
    rig_free(r);
}

/* Core 6.3.2, with the attributes of the Core's example. */
static void test_int_260_discover_with_attributes(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3?pmin=10", -1, ""), 2, 04);
    assert_code(rig_put(r, "/3/0?pmax=60", -1, ""), 2, 04);
    assert_code(rig_put(r, "/3/0/7?gt=50&lt=42.2", -1, ""), 2, 04);
    assert_text(rig_get(r, "/3/0", 40),
                "</3/0>;pmax=60,</3/0/0>,</3/0/1>,</3/0/2>,</3/0/3>,</3/0/4>,</3/0/6>;dim=2,"
                "</3/0/7>;dim=2;gt=50;lt=42.2,</3/0/8>;dim=2,</3/0/9>,</3/0/10>,</3/0/11>;dim=1,</3/0/12>,"
                "</3/0/13>,</3/0/14>,</3/0/16>");
    assert_text(rig_get(r, "/3/0/7", 40),
                "</3/0/7>;dim=2;pmin=10;pmax=60;gt=50;lt=42.2,</3/0/7/0>,</3/0/7/1>");
    assert_int_equal(r->server[0].answer.content_format.value, 40);
    assert_text(rig_get(r, "/3303?depth=1", 40), "</3303>;ver=1.1,</3303/0>,</3303/5>");
    rig_free(r);
}

/* Core 6.3.4 */
static void test_int_261_attributes_of_a_resource_instance(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3/0/7/1?lt=4800&gt=5200", -1, ""), 2, 04);
    assert_text(rig_get(r, "/3/0/7", 40), "</3/0/7>;dim=2,</3/0/7/0>,</3/0/7/1>;gt=5200;lt=4800");
    assert_code(rig_put(r, "/3/0/7/1?lt&gt=", -1, ""), 2, 04);
    assert_text(rig_get(r, "/3/0/7", 40), "</3/0/7>;dim=2,</3/0/7/0>,</3/0/7/1>");
    rig_free(r);
}

static void test_int_264_266_discover_with_depth(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(rig_get(r, "/4?depth=0", 40), "</4>");
    assert_text(rig_get(r, "/4?depth=1", 40), "</4>,</4/0>");
    assert_text(rig_get(r, "/4?depth=2", 40),
                "</4>,</4/0>,</4/0/0>,</4/0/1>;dim=1,</4/0/2>,</4/0/4>;dim=2,</4/0/5>;dim=1,</4/0/6>");
    assert_text(rig_get(r, "/4?depth=3", 40),
                "</4>,</4/0>,</4/0/0>,</4/0/1>;dim=1,</4/0/1/0>,</4/0/2>,</4/0/4>;dim=2,</4/0/4/0>,"
                "</4/0/4/1>,</4/0/5>;dim=1,</4/0/5/0>,</4/0/6>");
    assert_code(rig_get(r, "/4?depth=4", 40), 4, 00);
    rig_free(r);
}

/* The bytes of the ETS (with the type byte corrected) write instance 1 of Portfolio. */
static void test_int_1630_create_a_portfolio(void **state)
{
    rig *r = rig_new(1);
    tsr_bytes file = vector_file("lwm2m-worked-examples.json");
    const char *at = strstr((const char *)file.ptr, "ets-1630-fixed");
    char hex[256];

    (void)state;
    assert_non_null(at);
    at = strstr(at, "\"hex\"");
    assert_int_equal(sscanf(at, "\"hex\": \"%255[0-9a-f]", hex), 1);
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_POST, "/16", 11542, hex), 2, 01);
    assert_text(rig_get(r, "/16/1/0", 110),
                "[{\"bn\":\"/16/1/0/\",\"n\":\"0\",\"vs\":\"Host Device ID #2\"},"
                "{\"n\":\"1\",\"vs\":\"Host Device Model #2\"}]");
    rig_free(r);
}

/* Core 6.3.7 */
static void test_int_1635_delete_a_portfolio(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/9/0/0\",\"vs\":\"x\"}]"), 2, 01);
    assert_code(rig_get(r, "/16/9/0/0", 0), 2, 05);
    assert_code(rig_put(r, "/16/9?pmin=3", -1, ""), 2, 04);
    assert_code(rig_delete(r, "/16/9"), 2, 02);
    assert_code(rig_get(r, "/16/9", 112), 4, 04);
    assert_code(rig_delete(r, "/16/9"), 4, 04);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/9/0/0\",\"vs\":\"x\"}]"), 2, 01);
    assert_text(rig_get(r, "/16/9", 40), "</16/9>,</16/9/0>;dim=1");
    rig_free(r);
}

/* Core 6.3.6 */
static void test_create_chooses_an_id_and_refuses_what_does_not_fit(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_POST, "/16", 11542, "8600 4100 61 4101 62"), 2, 01);
    assert_text(rig_get(r, "/16/0/0/1", 0), "b");
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/0/0/0\",\"vs\":\"again\"}]"), 4, 00);
    assert_text(rig_get(r, "/16/0/0/0", 0), "a");
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/4/0/9\",\"vs\":\"too many\"}]"), 4, 00);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/4/0/0\",\"vs\":\"a\"},{\"n\":\"/16/5/0/0\",\"vs\":\"b\"}]"), 4, 00);
    assert_code(rig_post(r, "/16", -1, ""), 4, 00);
    assert_code(rig_get(r, "/16/4", 112), 4, 04);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/4/0/0\",\"vs\":\"second\"}]"), 2, 01);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/5/0/0\",\"vs\":\"third\"}]"), 4, 05);
    assert_code(rig_post(r, "/16", 0, "text"), 4, 15);
    rig_free(r);
}

static void test_int_651_write_time_offset_and_zone(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_POST, "/3/0", 11542,
                            "c40d5182428fc60e2b30323a3030c80f0c4575726f70652f5061726973"), 2, 04);
    assert_text(rig_get(r, "/3/0/13", 0), "1367491215");
    assert_text(rig_get(r, "/3/0/14", 0), "+02:00");
    assert_text(rig_get(r, "/3/0/15", 0), "Europe/Paris");
    r->device.host_unix_s += 60;
    assert_text(rig_get(r, "/3/0/13", 0), "1367491275");
    rig_free(r);
}

static void test_int_652_read_firmware_version(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(rig_get(r, "/3/0/3", -1), "1.0");
    rig_free(r);
}

static void test_int_680_685_device_is_not_created_or_deleted(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_POST, "/3", 11542, "0802 c10055"), 4, 05);
    assert_code(rig_delete(r, "/3/0"), 4, 05);
    assert_code(rig_delete(r, "/3"), 4, 05);
    rig_free(r);
}

static void test_int_701_read_connectivity_monitoring(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(rig_get(r, "/4/0/0", 0), "41");
    assert_code(rig_get(r, "/4/0/3", 0), 4, 04);
    rig_free(r);
}

static void test_int_901_905_statistics_start_stop_and_period(void **state)
{
    rig *r = rig_new(1);
    tsr_lwm2m_traffic t = { 10240, 20480, 30 };

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/7/0/6", -1, ""), 2, 04);
    (void)tsr_lwm2m_statistics_measure(&r->statistics, &t, 100);
    assert_text(rig_get(r, "/7/0/2", 0), "10");
    assert_text(rig_get(r, "/7/0/3", 0), "20");
    assert_text(rig_get(r, "/7/0/5", 0), "1024");
    assert_code(rig_post(r, "/7/0/7", -1, ""), 2, 04);
    t.tx_bytes += 4096;
    (void)tsr_lwm2m_statistics_measure(&r->statistics, &t, 101);
    assert_text(rig_get(r, "/7/0/2", 0), "10");
    assert_code(rig_put(r, "/7/0/8", 0, "20"), 2, 04);
    assert_code(rig_post(r, "/7/0/6", -1, ""), 2, 04);
    assert_text(rig_get(r, "/7/0/2", 0), "0");
    t.tx_bytes += 2048;
    (void)tsr_lwm2m_statistics_measure(&r->statistics, &t, 122);
    t.tx_bytes += 2048;
    (void)tsr_lwm2m_statistics_measure(&r->statistics, &t, 123);
    assert_text(rig_get(r, "/7/0/2", 0), "2");
    rig_free(r);
}

/* Core 6.3.1: what is not there is 4.04 at every level, whatever is asked of it. */
static void test_read_of_what_is_not_there(void **state)
{
    static const char *const paths[] = { "/9", "/9/0", "/3/1", "/3/1/0", "/3/0/99", "/3/0/22", "/3303/1",
                                         "/3303/1/5700", "/3303/5/5700", "/16/0", "/notanumber", "/rd",
                                         "/3/0/0/0", "/65535", "/70000", "/3/00", "/3/0/0/0/0" };
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_code(rig_get(r, paths[i], -1), 4, 04);
        assert_int_equal(r->server[0].answer.len, 0);
    }
    assert_code(rig_get(r, "/", -1), 4, 05);
    assert_code(rig_get(r, "/3/0/4", -1), 4, 05);
    assert_code(rig_get(r, "/9", 40), 4, 04);
    assert_code(rig_observe(r, "/3303/1", -1), 4, 04);
    assert_code(rig_put(r, "/9/0/0", 0, "1"), 4, 04);
    assert_code(rig_put(r, "/3303/1/5750", 0, "x"), 4, 04);
    assert_code(rig_post(r, "/3/0/99", -1, ""), 4, 04);
    assert_code(rig_put(r, "/3303/1?pmin=1", -1, ""), 4, 04);
    rig_free(r);
}

static void test_read_in_a_format_that_cannot_hold_it(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_get(r, "/3/0", 0), 4, 06);
    assert_code(rig_get(r, "/3", 60), 4, 06);
    assert_code(rig_get(r, "/3/0/6", 0), 4, 06);
    assert_code(rig_get(r, "/3/0/0", 42), 4, 06);
    assert_code(rig_get(r, "/3/0/0", 999), 4, 06);
    assert_code(rig_observe(r, "/3/0/0", 999), 4, 06);
    rig_free(r);
}

/* Core 6.3.3, Core 6.3.6, Core 5.2.3: resources that the object does not have are passed over in a Write
 * of an instance and in a Create; but who asks for one alone is told. Read-only ones are the client's own. */
static void test_unknown_resources_are_no_error(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/1/0", 110, "[{\"bn\":\"/1/0/\",\"n\":\"99\",\"vs\":\"?\"},{\"n\":\"2\",\"v\":9}]"), 2, 04);
    assert_text(rig_get(r, "/1/0/2", 0), "9");
    assert_code(rig_put(r, "/1/0/99", 0, "1"), 4, 04);
    assert_code(rig_post(r, "/1/0", 110, "[{\"bn\":\"/1/0/\",\"n\":\"0\",\"v\":5}]"), 4, 05);
    assert_code(rig_post(r, "/16", 110, "[{\"bn\":\"/16/3/\",\"n\":\"0/0\",\"vs\":\"a\"},{\"n\":\"77\",\"v\":1}]"), 2, 01);
    assert_text(rig_get(r, "/16/3/0/0", 0), "a");
    assert_code(rig_get(r, "/16/3/77", 0), 4, 04);
    rig_free(r);
}

/* Core 7.1 */
static void test_write_of_the_wrong_type_is_refused(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/1/0/1", 0, "soon"), 4, 00);
    assert_code(rig_put(r, "/1/0/1", 0, "-1"), 4, 00);
    assert_code(rig_put(r, "/1/0/1", 0, "4294967296"), 4, 00);
    assert_code(rig_put(r, "/1/0/1", 0, ""), 4, 00);
    assert_code(rig_put(r, "/1/0/6", 0, "maybe"), 4, 00);
    assert_code(rig_put(r, "/1/0/7", 0, "X"), 4, 00);
    assert_code(rig_put(r, "/1/0/7", 0, "UU"), 4, 00);
    assert_code(rig_put(r, "/3/0/14", 0, "two hours"), 4, 00);
    assert_code(rig_put(r, "/3311/0/5851", 0, "101"), 4, 00);
    assert_code(rig_put_hex(r, TSR_COAP_PUT, "/1/0/1", 60, "6461626364"), 4, 00);
    assert_code(rig_put_hex(r, TSR_COAP_PUT, "/1/0/1", 60, "ff"), 4, 00);
    assert_code(rig_put_hex(r, TSR_COAP_PUT, "/1/0/1", 112, "8100"), 4, 00);
    assert_code(rig_put(r, "/1/0/1", 999, "1"), 4, 15);
    assert_code(rig_put(r, "/1/0", 0, "1"), 4, 15);
    assert_text(rig_get(r, "/1/0/1", 0), "300");
    rig_free(r);
}

/* Core 6.3.3: a Write with one bad value changes nothing. */
static void test_write_happens_as_a_whole_or_not_at_all(void **state)
{
    rig *r = rig_new(1);
    char before[RIG_TEXT];

    (void)state;
    rig_register(r);
    strcpy(before, rig_get(r, "/1/0", 110)->text);
    assert_code(rig_post(r, "/1/0", 110, "[{\"bn\":\"/1/0/\",\"n\":\"2\",\"v\":9},{\"n\":\"7\",\"vs\":\"?\"}]"), 4, 00);
    assert_code(rig_post(r, "/1/0", 110, "[{\"bn\":\"/1/0/\",\"n\":\"2\",\"v\":9},{\"n\":\"0\",\"v\":5}]"), 4, 05);
    assert_code(rig_post(r, "/1/0", 110, "[{\"bn\":\"/1/0/\",\"n\":\"2\",\"v\":9},{\"n\":\"2\",\"v\":5}]"), 4, 00);
    assert_code(rig_post(r, "/1/0", 110, "[{\"bn\":\"/1/0/\",\"n\":\"2\",\"v\":9}"), 4, 00);
    assert_code(rig_post(r, "/1/0", 110, "[{\"bn\":\"/3/0/\",\"n\":\"2\",\"v\":9}]"), 4, 04);
    assert_code(rig_put(r, "/1/0", 110, "[{\"bn\":\"/1/0/\",\"n\":\"2\",\"v\":9},{\"n\":\"7\",\"vs\":\"?\"}]"), 4, 00);
    assert_text(rig_get(r, "/1/0", 110), before);
    rig_free(r);
}

/* A Write that cannot be made durable has not happened. */
static void test_write_is_undone_when_it_cannot_be_saved(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    r->save_err = TSR_E_IO;
    assert_code(rig_put(r, "/1/0/5", 0, "77"), 5, 00);
    assert_code(rig_put(r, "/3311/0/5850", 0, "1"), 5, 00);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/4/0/0\",\"vs\":\"x\"}]"), 5, 00);
    assert_code(rig_put(r, "/3?pmin=10", -1, ""), 5, 00);
    assert_code(rig_observe(r, "/3/0/9", -1), 5, 00);
    r->save_err = TSR_OK;
    assert_code(rig_get(r, "/1/0/5", 0), 4, 04);
    assert_text(rig_get(r, "/3311/0/5850", 0), "0");
    assert_code(rig_get(r, "/16/4", 112), 4, 04);
    assert_text(rig_get(r, "/3?depth=0", 40), "</3>");
    assert_false(r->observations[0].used);
    rig_free(r);
}

static void test_execute_takes_arguments_of_the_core(void **state)
{
    static const char *const bad[] = { "0=", "0='", "0='a", "a", "0,", ",0", "0,0", "0='a',0", "00", "0 ", "10",
                                       "0=5", "0='a'1" };
    rig *r = rig_new(1);
    tsr_bytes in = tsr_text("5,0='some \"text\"',9=''");
    tsr_lwm2m_argument a;

    (void)state;
    assert_int_equal(tsr_lwm2m_argument_next(&in, &a), TSR_OK);
    assert_int_equal(a.digit, 5);
    assert_false(a.has_value);
    assert_int_equal(tsr_lwm2m_argument_next(&in, &a), TSR_OK);
    assert_int_equal(a.digit, 0);
    assert_true(tsr_same(a.value, tsr_text("some \"text\"")));
    assert_int_equal(tsr_lwm2m_argument_next(&in, &a), TSR_OK);
    assert_true(a.has_value);
    assert_int_equal(a.value.len, 0);
    assert_int_equal(tsr_lwm2m_argument_next(&in, &a), TSR_END);
    rig_register(r);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_code(rig_post(r, "/1/0/8", 0, bad[i]), 4, 00);
    assert_code(rig_post(r, "/3/0/12", 0, "0"), 4, 00);
    assert_code(rig_post(r, "/3/0/9", -1, ""), 4, 05);
    assert_code(rig_post(r, "/3/0/12", -1, ""), 2, 04);
    rig_free(r);
}

static void test_int_657_error_codes_are_listed_and_reset(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    assert_true(tsr_lwm2m_device_error(&r->device, 1));
    assert_true(tsr_lwm2m_device_error(&r->device, 8));
    assert_false(tsr_lwm2m_device_error(&r->device, 1));
    rig_register(r);
    assert_text(rig_get(r, "/3/0/11", 110), "[{\"bn\":\"/3/0/11/\",\"n\":\"0\",\"v\":1},{\"n\":\"1\",\"v\":8}]");
    assert_code(rig_post(r, "/3/0/12", -1, ""), 2, 04);
    assert_text(rig_get(r, "/3/0/11", 110), "[{\"bn\":\"/3/0/11/\",\"n\":\"0\",\"v\":0}]");
    for (uint8_t i = 1; i < 12; i++)
        assert_true(tsr_lwm2m_device_error(&r->device, i));
    assert_int_equal(r->device.error_count, TSR_LWM2M_ERRORS);
    assert_int_equal(r->device.errors[TSR_LWM2M_ERRORS - 1], 11);
    rig_free(r);
}

static void test_light_is_switched_and_counts_its_time(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3311/0/5850", 0, "1"), 2, 04);
    assert_true(r->light[0].on && r->light[0].changed);
    r->light[0].now_s += 30;
    assert_text(rig_get(r, "/3311/0/5852", 0), "30");
    assert_code(rig_put(r, "/3311/0/5852", 0, "5"), 4, 00);
    assert_code(rig_put(r, "/3311/0/5852", 0, "0"), 2, 04);
    assert_text(rig_get(r, "/3311/0/5852", 0), "0");
    assert_code(rig_put(r, "/3311/0/5851", 0, "40"), 2, 04);
    assert_code(rig_put(r, "/3311/0", 110, "[{\"n\":\"/3311/0/5850\",\"vb\":false}]"), 2, 04);
    assert_text(rig_get(r, "/3311/0/5851", 0), "100");
    assert_false(r->light[0].on);
    rig_free(r);
}

/* Transport 6.4.4, Transport 6.7 */
static void test_methods_and_options_that_have_no_meaning(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    /* FETCH and iPATCH are for the root only */
    assert_code(rig_put_hex(r, TSR_COAP_FETCH, "/3", 112, "81a100662f332f302f30"), 4, 05);
    assert_code(rig_put_hex(r, TSR_COAP_IPATCH, "/3/0", 112, "81a100662f332f302f30"), 4, 05);
    assert_code(rig_put(r, "/3", 0, "x"), 4, 05);
    assert_code(rig_put(r, "/3/0", -1, ""), 4, 15);
    assert_code(rig_post(r, "/3/0/7/0", 0, "x"), 4, 05);
    assert_code(rig_delete(r, "/3/0/7"), 4, 05);
    /* unknown critical option 9 (RFC 7252 §5.4.1): CON GET /3 with it is
     * 4.02, and the diagnostic names the option */
    assert_string_equal(rig_raw(r, "40010001 9100 2133"), "60820001ff39");
    rig_free(r);
}

/* Two servers: none sees or changes the account of the other (Core 8.1). */
static void test_a_server_cannot_touch_the_account_of_another(void **state)
{
    rig *r = rig_new(2);

    (void)state;
    rig_register(r);
    assert_code(rig_get(r, "/1/1/1", 0), 4, 01);
    assert_code(rig_put(r, "/1/1/1", 0, "5"), 4, 01);
    assert_code(rig_post(r, "/1/1/4", -1, ""), 4, 01);
    assert_null(strstr(rig_get(r, "/1", 110)->text, "102"));
    assert_non_null(strstr(r->server[0].answer.text, "101"));
    assert_text(rig_get(r, "/1?depth=1", 40), "</1>,</1/0>");
    assert_code(rig_send(r, 1, &(rig_request){ TSR_COAP_GET, "/1/1/0", 0, -1, -1, { NULL, 0 }, { NULL, 0 } }), 2, 05);
    rig_free(r);
}

/* A long answer goes block by block (RFC 7959); the engine does it, this is the whole way. */
static void test_long_values_travel_in_blocks(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    r->server[0].coap.config.params.szx = 2; /* the server asks for blocks of 64 bytes */
    rig_register(r);
    assert_true(rig_get(r, "/3", 110)->len > 64);
    assert_code(rig_post(r, "/16", 110, "[{\"n\":\"/16/1/0/0\",\"vs\":\"a name that is somewhat longer than it should\"},"
                                        "{\"n\":\"/16/1/0/1\",\"vs\":\"a name that is somewhat longer than it should\"}]"), 2, 01);
    rig_free(r);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_int_201_read_in_plain_text),
        T(test_int_203_read_device_in_tlv),
        T(test_int_204_oma_json_is_not_acceptable),
        T(test_int_205_write_in_plain_text),
        T(test_int_211_read_in_cbor),
        T(test_int_212_write_in_cbor),
        T(test_int_215_partial_update_and_replace_in_tlv),
        T(test_int_220_write_in_oma_json),
        T(test_int_221_security_is_closed),
        T(test_int_222_read_an_object),
        T(test_int_223_read_an_instance),
        T(test_int_224_read_a_resource),
        T(test_int_225_read_a_resource_instance),
        T(test_int_226_partial_update_of_an_instance),
        T(test_int_227_replace_a_resource),
        T(test_int_228_write_a_resource_instance),
        T(test_int_231_read_in_senml_json_at_every_level),
        T(test_int_232_read_in_senml_cbor_at_every_level),
        T(test_int_233_write_in_senml_cbor),
        T(test_int_237_read_without_accept),
        T(test_int_241_reboot_is_handed_to_the_host),
        T(test_int_256_short_id_cannot_be_written),
        T(test_int_260_discover_with_attributes),
        T(test_int_261_attributes_of_a_resource_instance),
        T(test_int_264_266_discover_with_depth),
        T(test_int_1630_create_a_portfolio),
        T(test_int_1635_delete_a_portfolio),
        T(test_create_chooses_an_id_and_refuses_what_does_not_fit),
        T(test_int_651_write_time_offset_and_zone),
        T(test_int_652_read_firmware_version),
        T(test_int_657_error_codes_are_listed_and_reset),
        T(test_int_680_685_device_is_not_created_or_deleted),
        T(test_int_701_read_connectivity_monitoring),
        T(test_int_901_905_statistics_start_stop_and_period),
        T(test_read_of_what_is_not_there),
        T(test_read_in_a_format_that_cannot_hold_it),
        T(test_unknown_resources_are_no_error),
        T(test_write_of_the_wrong_type_is_refused),
        T(test_write_happens_as_a_whole_or_not_at_all),
        T(test_write_is_undone_when_it_cannot_be_saved),
        T(test_execute_takes_arguments_of_the_core),
        T(test_light_is_switched_and_counts_its_time),
        T(test_methods_and_options_that_have_no_meaning),
        T(test_a_server_cannot_touch_the_account_of_another),
        T(test_long_values_travel_in_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
