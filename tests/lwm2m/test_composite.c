/* SPDX-License-Identifier: Apache-2.0
 *
 * Composite operations, request by request (Core 6.3.8, Core 6.3.9, Core 6.4.4, Core 6.4.5). */
#include "tests/lwm2m/rig.h"
#include "tests/vectors.h"

enum { JSON = 110, CBOR = 112, ETCH_JSON = 320, ETCH_CBOR = 322, LWM2M = 11544 };

static const rig_message *ask(rig *r, uint8_t method, const char *path, int format, int accept, int observe,
                              tsr_bytes body)
{
    return rig_send(r, 0, &(rig_request){ method, path, accept, format, observe, body, { NULL, 0 } });
}

static const rig_message *fetch(rig *r, int format, int accept, const char *names)
{
    return ask(r, TSR_COAP_FETCH, "/", format, accept, -1, tsr_text(names));
}

static const rig_message *observe(rig *r, const char *path, const char *names)
{
    return ask(r, TSR_COAP_FETCH, path, ETCH_JSON, JSON, 0, tsr_text(names));
}

static const rig_message *patch(rig *r, int format, const char *changes)
{
    return ask(r, TSR_COAP_IPATCH, "/", format, -1, -1, tsr_text(changes));
}

static const rig_message *last_note(const rig *r)
{
    assert_int_not_equal(r->server[0].note_count, 0);
    return &r->server[0].note[r->server[0].note_count - 1];
}

static void set_battery(rig *r, int8_t percent)
{
    r->device.battery_percent = percent;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0));
    rig_run(r);
}

static void test_int_280_read_composite_full(void **state)
{
    rig *r = rig_new(1);
    uint8_t room[64], want[] = { 0x83, 0xa3, 0x21, 0x61, '/', 0x00, 0x65, '3', '/', '0', '/', '0' };
    const rig_message *m;

    (void)state;
    rig_register(r);
    assert_text(fetch(r, JSON, JSON, "[{\"n\":\"/3/0/0\"},{\"n\":\"/3/0/9\"},{\"n\":\"/1/0/1\"}]"),
                "[{\"bn\":\"/\",\"n\":\"3/0/0\",\"vs\":\"Open Mobile Alliance\"},{\"n\":\"3/0/9\",\"v\":100},"
                "{\"n\":\"1/0/1\",\"v\":300}]");
    assert_int_equal(r->server[0].answer.content_format.value, JSON);
    /* the worked example of SenML-ETCH, byte for byte */
    m = ask(r, TSR_COAP_FETCH, "/", ETCH_CBOR, -1, -1,
            from_hex("83a100662f332f302f30a100662f332f302f39a100662f312f302f31", room, sizeof room));
    assert_code(m, 2, 05);
    assert_int_equal(m->content_format.value, CBOR);
    assert_memory_equal(m->text, want, sizeof want);
    rig_free(r);
}

static void test_int_229_read_composite_of_objects_and_instances(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(fetch(r, ETCH_JSON, -1, "[{\"n\":\"/3311/0\"},{\"n\":\"/3/0/7\"},{\"n\":\"/3/0/8/1\"}]"),
                "[{\"bn\":\"/\",\"n\":\"3311/0/5850\",\"vb\":false},{\"n\":\"3311/0/5851\",\"v\":100},"
                "{\"n\":\"3311/0/5852\",\"v\":0},"
                "{\"n\":\"3/0/7/0\",\"v\":3800},{\"n\":\"3/0/7/1\",\"v\":5000},{\"n\":\"3/0/8/1\",\"v\":900}]");
    rig_free(r);
}

static void test_int_281_read_composite_partial(void **state)
{
    rig *r = rig_new(1);
    const rig_message *m;

    (void)state;
    rig_register(r);
    m = fetch(r, ETCH_JSON, LWM2M, "[{\"n\":\"/3/0/9\"},{\"n\":\"/3/0/4711\"}]");
    assert_code(m, 2, 05);
    assert_int_equal(m->content_format.value, LWM2M);
    assert_int_equal(m->len, 7);
    assert_memory_equal(m->text, "\xa1\x83\x03\x00\x09\x18\x64", 7);
    rig_free(r);
}

/* Keys and other servers' accounts are left out, and so is what cannot be read. */
static void test_int_235_read_composite_of_the_root(void **state)
{
    rig *r = rig_new(2);
    const rig_message *m;

    (void)state;
    rig_register(r);
    m = fetch(r, JSON, JSON, "[{\"n\":\"/\"}]");
    assert_code(m, 2, 05);
    assert_non_null(strstr(m->text, "\"n\":\"1/0/0\""));
    assert_non_null(strstr(m->text, "\"n\":\"3/0/0\""));
    assert_non_null(strstr(m->text, "\"n\":\"3311/0/5850\""));
    assert_null(strstr(m->text, "\"0/"));
    assert_null(strstr(m->text, "\"21/"));
    assert_null(strstr(m->text, "\"23/"));
    assert_null(strstr(m->text, "\"1/1/"));
    rig_free(r);
}

static void test_int_236_read_composite_with_missing_paths(void **state)
{
    rig *r = rig_new(2);

    (void)state;
    rig_register(r);
    assert_text(fetch(r, JSON, JSON, "[{\"n\":\"/9/0/1\"},{\"n\":\"/3/1\"},{\"n\":\"/3/0/9/0\"},{\"n\":\"/3/0/4\"},"
                                     "{\"n\":\"/0/0/1\"},{\"n\":\"/1/1/1\"},{\"n\":\"/3/0/9\"}]"),
                "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":100}]");
    assert_code(fetch(r, JSON, JSON, "[{\"n\":\"/9/0/1\"},{\"n\":\"/0\"}]"), 4, 04);
    /* there, but nothing to be read */
    assert_text(fetch(r, JSON, JSON, "[{\"n\":\"/3/0/4\"}]"), "[]");
    rig_free(r);
}

/* RFC 8790 §3.1: at most once, even if several records match it. */
static void test_read_composite_gives_every_value_once(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(fetch(r, ETCH_JSON, JSON, "[{\"n\":\"/3/0/7/1\"},{\"n\":\"/3/0/7\"},{\"n\":\"/3/0/7/0\"},{\"n\":\"/3/0/7\"}]"),
                "[{\"bn\":\"/\",\"n\":\"3/0/7/0\",\"v\":3800},{\"n\":\"3/0/7/1\",\"v\":5000}]");
    rig_free(r);
}

static void test_read_composite_refuses_what_it_cannot_do(void **state)
{
    rig *r = rig_new(1);
    char many[2048];
    size_t n = 0;

    (void)state;
    rig_register(r);
    assert_code(fetch(r, JSON, 60, "[{\"n\":\"/3/0/9\"}]"), 4, 06);
    assert_code(fetch(r, JSON, 11542, "[{\"n\":\"/3/0/9\"}]"), 4, 06);
    assert_code(fetch(r, JSON, ETCH_CBOR, "[{\"n\":\"/3/0/9\"}]"), 4, 06);
    assert_code(fetch(r, LWM2M, -1, "\xa1"), 4, 15);
    assert_code(fetch(r, -1, -1, "[{\"n\":\"/3/0/9\"}]"), 4, 15);
    assert_code(fetch(r, JSON, -1, ""), 4, 00);
    assert_code(fetch(r, JSON, -1, "[]"), 4, 00);
    assert_code(fetch(r, JSON, -1, "[{\"n\":\"/3/0/9\""), 4, 00);
    assert_code(fetch(r, JSON, -1, "[{\"n\":\"/3/0/9\",\"v\":1}]"), 4, 00);
    assert_code(fetch(r, ETCH_JSON, -1, "[{\"n\":\"/3/0/9\",\"x\":1}]"), 4, 00);
    assert_code(fetch(r, JSON, -1, "[{\"n\":\"/65535\"}]"), 4, 00); /* Core 7.3: MAX_ID names nothing */
    assert_code(fetch(r, JSON, -1, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), 4, 00);
    n += (size_t)snprintf(many + n, sizeof many - n, "[");
    for (int i = 0; i < 25; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "%s{\"n\":\"/3/0/%d\"}", i == 0 ? "" : ",", i);
    snprintf(many + n, sizeof many - n, "]");
    assert_code(fetch(r, JSON, -1, many), 4, 13);
    assert_code(fetch(r, JSON, -1, "[{\"n\":\"/3/0/9\"}]"), 2, 05); /* the places are free again */
    assert_code(rig_get(r, "/", -1), 4, 05);
    assert_code(rig_put(r, "/", JSON, "[]"), 4, 05);
    rig_free(r);
}

static void test_int_230_write_composite_in_one_request(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(patch(r, ETCH_JSON, "[{\"n\":\"/1/0/2\",\"v\":5},{\"n\":\"/3311/0/5850\",\"vb\":true},"
                                    "{\"n\":\"/3303/5/5750\",\"vs\":\"boiler\"}]"), 2, 04);
    assert_text(rig_get(r, "/1/0/2", 0), "5");
    assert_text(rig_get(r, "/3311/0/5850", 0), "1");
    assert_text(rig_get(r, "/3303/5/5750", 0), "boiler");
    assert_int_equal(r->last_event.operation, TSR_LWM2M_OP_READ);
    rig_restart(r);
    rig_register(r);
    assert_text(rig_get(r, "/3303/5/5750", 0), "boiler");
    assert_text(rig_get(r, "/1/0/2", 0), "5");
    rig_free(r);
}

/* The bytes of the ETS, over Server and Device. */
static void test_int_257_write_composite_on_server_and_device(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_IPATCH, "/", CBOR,
                            "83a321612f0065312f302f32021865a20065312f302f3604f5a20066332f302f31330200"), 2, 04);
    assert_text(rig_get(r, "/1/0/2", 0), "101");
    assert_text(rig_get(r, "/1/0/6", 0), "1");
    assert_text(rig_get(r, "/3/0/13", 0), "0");
    rig_free(r);
}

static void test_write_composite_in_lwm2m_cbor(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put_hex(r, TSR_COAP_IPATCH, "/", LWM2M, "a2 8301000207 83190cef00 1916da f5"), 2, 04);
    assert_text(rig_get(r, "/1/0/2", 0), "7");
    rig_free(r);
}

/* null takes away a resource instance; one that is not there is no error (RFC 8790 §3.2). */
static void test_write_composite_deletes_resource_instances(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/16", JSON, "[{\"n\":\"/16/0/0/1\",\"vs\":\"b\"},{\"n\":\"/16/0/0/2\",\"vs\":\"c\"}]"), 2, 01);
    assert_code(rig_put_hex(r, TSR_COAP_IPATCH, "/", ETCH_CBOR, "81a200692f31362f302f302f3102f6"), 2, 04);
    assert_text(rig_get(r, "/16/0/0", JSON), "[{\"bn\":\"/16/0/0/\",\"n\":\"2\",\"vs\":\"c\"}]");
    assert_code(rig_put_hex(r, TSR_COAP_IPATCH, "/", ETCH_CBOR, "81a200692f31362f302f302f3102f6"), 2, 04);
    assert_code(patch(r, ETCH_JSON, "[{\"n\":\"/16/0/0/2\",\"v\":null},{\"n\":\"/16/0/0/3\",\"vs\":\"d\"}]"), 2, 04);
    assert_text(rig_get(r, "/16/0/0", JSON), "[{\"bn\":\"/16/0/0/\",\"n\":\"3\",\"vs\":\"d\"}]");
    assert_code(patch(r, ETCH_JSON, "[{\"n\":\"/1/0/2\",\"v\":null}]"), 4, 00);
    assert_code(patch(r, ETCH_JSON, "[{\"n\":\"/3/0/7/0\",\"v\":null}]"), 4, 05);
    rig_free(r);
}

/* What each bad record is answered with; the good one before it changes nothing. */
static void test_write_composite_happens_whole_or_not_at_all(void **state)
{
    static const struct {
        const char *bad;
        int detail;
    } cases[] = {
        { "{\"n\":\"/3/0/0\",\"vs\":\"x\"}", 05 },      /* not writable */
        { "{\"n\":\"/3/0/4\",\"vs\":\"x\"}", 05 },      /* executable */
        { "{\"n\":\"/9/0/0\",\"vs\":\"x\"}", 04 },      /* no such object */
        { "{\"n\":\"/16/9/0/0\",\"vs\":\"x\"}", 04 },   /* no such instance */
        { "{\"n\":\"/3/0/4711\",\"vs\":\"x\"}", 04 },   /* no such resource */
        { "{\"n\":\"/1/0/3\",\"vs\":\"x\"}", 00 },      /* wrong type */
        { "{\"n\":\"/1/0/3\",\"v\":-1}", 00 },          /* out of range */
        { "{\"n\":\"/1/0/3/0\",\"v\":1}", 00 },         /* not multiple */
        { "{\"n\":\"/1/0/2\",\"v\":1}", 00 },           /* twice */
        { "{\"n\":\"/1/0/3\"}", 00 },                   /* no value */
        { "{\"n\":\"/1/0\",\"v\":1}", 00 },
        { "{\"n\":\"/1/0/65535\",\"v\":1}", 00 },
        { "{\"n\":\"/0/0/5\",\"vd\":\"AA\"}", 01 },     /* keys */
        { "{\"n\":\"/1/1/2\",\"v\":1}", 01 },           /* of another server */
        { "{\"n\":\"/1/0/3\",\"v\":1", 00 },
        { "7", 00 },
    };
    rig *r = rig_new(2);
    size_t saves;

    (void)state;
    rig_register(r);
    assert_code(patch(r, ETCH_JSON, "[{\"n\":\"/1/0/2\",\"v\":33}]"), 2, 04);
    saves = r->saves;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[256];
        const rig_message *m;

        snprintf(body, sizeof body, "[{\"n\":\"/1/0/2\",\"v\":44},%s]", cases[i].bad);
        m = patch(r, ETCH_JSON, body);
        if (m->code != (4 << 5 | cases[i].detail))
            fail_msg("%s: %d.%02d", cases[i].bad, m->code >> 5, m->code & 31);
        assert_text(rig_get(r, "/1/0/2", 0), "33");
    }
    assert_int_equal(r->saves, saves);
    assert_code(patch(r, 60, "1"), 4, 15);
    assert_code(patch(r, -1, "[]"), 4, 15);
    assert_code(patch(r, ETCH_JSON, "[]"), 4, 00);
    assert_code(ask(r, 0x06 /* PATCH */, "/", ETCH_JSON, -1, -1, tsr_text("[]")), 4, 05);
    rig_free(r);
}

/* A store that fails, or an object that fails when it comes to the point: all is as it was. */
static tsr_err failing_write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value, tsr_lwm2m_phase phase)
{
    (void)state;
    (void)at;
    (void)value;
    return phase == TSR_LWM2M_COMMIT ? TSR_E_SPACE : TSR_OK;
}

static void test_write_composite_that_fails_half_way_changes_nothing(void **state)
{
    rig *r = rig_new(1);
    tsr_lwm2m_handlers broken;
    tsr_lwm2m_object *light = &r->objects[6];

    (void)state;
    rig_register(r);
    r->save_err = TSR_E_IO;
    assert_code(patch(r, ETCH_JSON, "[{\"n\":\"/1/0/2\",\"v\":44},{\"n\":\"/3311/0/5850\",\"vb\":true}]"), 5, 00);
    r->save_err = TSR_OK;
    assert_code(rig_get(r, "/1/0/2", 0), 4, 04);
    assert_text(rig_get(r, "/3311/0/5850", 0), "0");
    assert_int_equal(light->info->id, 3311);
    broken = *light->handlers;
    broken.write = failing_write;
    light->handlers = &broken;
    assert_code(patch(r, ETCH_JSON, "[{\"n\":\"/1/0/2\",\"v\":44},{\"n\":\"/3311/0/5850\",\"vb\":true}]"), 5, 00);
    assert_code(rig_get(r, "/1/0/2", 0), 4, 04);
    rig_free(r);
}

static void test_int_304_observe_composite(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(observe(r, "/", "[{\"n\":\"/3/0/9\"},{\"n\":\"/3303/0/5700\"}]"),
                "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":100},{\"n\":\"3303/0/5700\",\"v\":20}]");
    assert_true(r->server[0].answer.observing);
    set_battery(r, 50);
    assert_int_equal(r->server[0].note_count, 1);
    assert_text(last_note(r), "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":50},{\"n\":\"3303/0/5700\",\"v\":20}]");
    (void)tsr_lwm2m_sensor_measure(&r->sensor[0], 21, 1367491216);
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3303, 0));
    rig_run(r);
    assert_text(last_note(r), "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":50},{\"n\":\"3303/0/5700\",\"v\":21}]");
    assert_int_equal(r->server[0].note_count, 2);
    /* something else of the same object is not observed */
    r->device.memory_free_kb = 1;
    set_battery(r, 50);
    assert_int_equal(r->server[0].note_count, 2);
    rig_free(r);
}

static void test_int_305_cancel_observe_composite(void **state)
{
    rig *r = rig_new(1);
    const rig_message *m;
    uint8_t token[8];
    size_t len;

    (void)state;
    rig_register(r);
    m = observe(r, "/", "[{\"n\":\"/3/0/9\"},{\"n\":\"/3303/0/5700\"}]");
    len = m->token_len;
    memcpy(token, m->token, len);
    m = rig_send(r, 0, &(rig_request){ TSR_COAP_FETCH, "/", JSON, ETCH_JSON, 1, tsr_text("[{\"n\":\"/3/0/9\"}]"),
                                       tsr_view(token, len) });
    assert_code(m, 2, 05);
    assert_int_equal(r->events[TSR_LWM2M_E_OBSERVE_END], 1);
    set_battery(r, 50);
    assert_int_equal(r->server[0].note_count, 0);
    rig_free(r);
}

static void test_int_308_observe_composite_with_create(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_text(observe(r, "/", "[{\"n\":\"/16\"},{\"n\":\"/3/0/9\"}]"), "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":100}]");
    assert_code(rig_post(r, "/16", JSON, "[{\"n\":\"/16/0/0/1\",\"vs\":\"b\"}]"), 2, 01);
    rig_run(r);
    assert_text(last_note(r), "[{\"bn\":\"/\",\"n\":\"16/0/0/1\",\"vs\":\"b\"},{\"n\":\"3/0/9\",\"v\":100}]");
    rig_free(r);
}

/* What goes is left out from then on; the observation stays. */
static void test_int_309_observe_composite_with_delete(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_post(r, "/16", JSON, "[{\"n\":\"/16/0/0/1\",\"vs\":\"b\"}]"), 2, 01);
    assert_code(observe(r, "/", "[{\"n\":\"/16/0\"},{\"n\":\"/3/0/9\"}]"), 2, 05);
    assert_code(rig_delete(r, "/16/0"), 2, 02);
    rig_run(r);
    assert_text(last_note(r), "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":100}]");
    set_battery(r, 50);
    assert_text(last_note(r), "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":50}]");
    rig_free(r);
}

/* Attributes that are attached to one of the paths hold for the whole: the longest pmin, the shortest
 * pmax, and a threshold for its own path. */
static void test_int_310_observe_composite_with_attribute_change(void **state)
{
    rig *r = rig_new(1);
    uint64_t from;

    (void)state;
    rig_register(r);
    assert_code(observe(r, "/", "[{\"n\":\"/3/0/9\"},{\"n\":\"/3303/0/5700\"}]"), 2, 05);
    assert_code(rig_put(r, "/3/0/9?pmin=5&pmax=60&lt=30", -1, ""), 2, 04);
    assert_code(rig_put(r, "/3303/0/5700?pmin=10&pmax=40", -1, ""), 2, 04);
    from = r->now_ms;
    set_battery(r, 50); /* no crossing */
    rig_wait(r, 15000);
    assert_int_equal(r->server[0].note_count, 0);
    set_battery(r, 20);
    assert_int_equal(r->server[0].note_count, 1);
    assert_text(last_note(r), "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":20},{\"n\":\"3303/0/5700\",\"v\":20}]");
    set_battery(r, 60);
    rig_wait(r, 9000);
    assert_int_equal(r->server[0].note_count, 1);
    rig_wait(r, 2000);
    assert_int_equal(r->server[0].note_count, 2);
    assert_int_equal(last_note(r)->at_ms - from, 25000);
    rig_wait(r, 41000);
    assert_int_equal(r->server[0].note_count, 3);
    assert_int_equal(last_note(r)->at_ms - from, 65000);
    rig_free(r);
}

/* Core 6.4.4: parameters of the observation replace attached ones; only those of objects are allowed. */
static void test_observe_composite_takes_attributes_in_its_query(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    assert_code(rig_put(r, "/3/0/9?pmin=50", -1, ""), 2, 04);
    assert_code(observe(r, "/?pmin=3&pmax=30&con=1", "[{\"n\":\"/3/0/9\"},{\"n\":\"/3/0/4711\"}]"), 2, 05);
    set_battery(r, 50);
    rig_wait(r, 2900);
    assert_int_equal(r->server[0].note_count, 0);
    rig_wait(r, 200);
    assert_int_equal(r->server[0].note_count, 1);
    assert_true(last_note(r)->con);
    rig_wait(r, 30000);
    assert_int_equal(r->server[0].note_count, 2);
    assert_code(observe(r, "/?gt=3", "[{\"n\":\"/3/0/9\"}]"), 4, 00);
    assert_code(observe(r, "/?hqmax=3", "[{\"n\":\"/3/0/9\"}]"), 4, 00);
    assert_code(observe(r, "/?x=3", "[{\"n\":\"/3/0/9\"}]"), 4, 00);
    rig_free(r);
}

static void test_observe_composite_survives_a_restart(void **state)
{
    rig *r = rig_new(1);
    const rig_message *m;
    uint8_t token[8];
    size_t len;

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9", JSON), 2, 05);
    m = observe(r, "/?pmin=2", "[{\"n\":\"/3/0/9\"},{\"n\":\"/3303/0/5700\"}]");
    assert_code(m, 2, 05);
    len = m->token_len;
    memcpy(token, m->token, len);
    for (int i = 0; i < 3; i++) {
        rig_restart(r);
        rig_wait(r, 10000);
    }
    m = last_note(r);
    for (size_t i = 0; i < r->server[0].note_count; i++) {
        if (r->server[0].note[i].token_len == len && memcmp(r->server[0].note[i].token, token, len) == 0)
            m = &r->server[0].note[i];
    }
    assert_memory_equal(m->token, token, len);
    assert_text(m, "[{\"bn\":\"/\",\"n\":\"3/0/9\",\"v\":100},{\"n\":\"3303/0/5700\",\"v\":20}]");
    rig_free(r);
}

/* A server that has forgotten asks again: the same paths take the old place, others a new one. */
static void test_observe_composite_again_takes_the_old_place(void **state)
{
    rig *r = rig_new(1);
    size_t used = 0;

    (void)state;
    rig_register(r);
    for (int i = 0; i < 12; i++)
        assert_code(observe(r, "/", "[{\"n\":\"/3/0/9\"},{\"n\":\"/3303/0/5700\"}]"), 2, 05);
    assert_true(r->server[0].answer.observing);
    assert_code(observe(r, "/", "[{\"n\":\"/3303/0/5700\"}]"), 2, 05);
    assert_true(r->server[0].answer.observing);
    for (size_t i = 0; i < 8; i++)
        used += r->observations[i].used;
    assert_int_equal(used, 2);
    assert_int_equal(r->client.observed, 2);
    rig_free(r);
}

static void test_observe_composite_without_room_is_a_read(void **state)
{
    rig *r = rig_new(1);
    char names[64];

    (void)state;
    rig_register(r);
    for (int i = 0; i < 8; i++) {
        snprintf(names, sizeof names, "[{\"n\":\"/3/0/%d\"},{\"n\":\"/3/0/9\"}]", i);
        assert_code(observe(r, "/", names), 2, 05);
        assert_true(r->server[0].answer.observing);
    }
    assert_code(observe(r, "/", "[{\"n\":\"/3/0/10\"}]"), 2, 05);
    assert_false(r->server[0].answer.observing);
    rig_free(r);
}

static void test_observe_composite_that_cannot_be_kept_is_refused(void **state)
{
    rig *r = rig_new(1);

    (void)state;
    rig_register(r);
    r->save_err = TSR_E_IO;
    assert_code(observe(r, "/", "[{\"n\":\"/3/0/9\"}]"), 5, 00);
    r->save_err = TSR_OK;
    assert_int_equal(r->client.observed, 0);
    set_battery(r, 50);
    assert_int_equal(r->server[0].note_count, 0);
    rig_free(r);
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        T(test_int_229_read_composite_of_objects_and_instances),
        T(test_int_230_write_composite_in_one_request),
        T(test_int_235_read_composite_of_the_root),
        T(test_int_236_read_composite_with_missing_paths),
        T(test_int_257_write_composite_on_server_and_device),
        T(test_int_280_read_composite_full),
        T(test_int_281_read_composite_partial),
        T(test_read_composite_gives_every_value_once),
        T(test_read_composite_refuses_what_it_cannot_do),
        T(test_write_composite_in_lwm2m_cbor),
        T(test_write_composite_deletes_resource_instances),
        T(test_write_composite_happens_whole_or_not_at_all),
        T(test_write_composite_that_fails_half_way_changes_nothing),
        T(test_int_304_observe_composite),
        T(test_int_305_cancel_observe_composite),
        T(test_int_308_observe_composite_with_create),
        T(test_int_309_observe_composite_with_delete),
        T(test_int_310_observe_composite_with_attribute_change),
        T(test_observe_composite_takes_attributes_in_its_query),
        T(test_observe_composite_survives_a_restart),
        T(test_observe_composite_again_takes_the_old_place),
        T(test_observe_composite_without_room_is_a_read),
        T(test_observe_composite_that_cannot_be_kept_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
