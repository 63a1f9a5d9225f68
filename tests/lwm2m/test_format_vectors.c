/* SPDX-License-Identifier: Apache-2.0
 *
 * The worked examples of the specifications (Core 7.5.4, Core 7.5.5, RFC 8428 §6): every value comes out, and where the example is
 * written as we write, every byte goes in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tessera/json/json.h"
#include "tessera/lwm2m/format/format.h"
#include "tests/vectors.h"

typedef struct {
    char id[64], base[32];
    tsr_lwm2m_format format;
    tsr_lwm2m_path path;
    uint8_t room[256];
    tsr_bytes payload;
    tsr_json expected;
} example;

static bool load(const tsr_json *json, example *e)
{
    char hex[512];
    uint64_t format;

    assert_int_equal(tsr_json_find_cstring(json, "id", e->id, sizeof e->id), TSR_OK);
    if (tsr_json_find_uint(json, "content_format", &format) != TSR_OK
        || tsr_lwm2m_format_from((uint32_t)format, &e->format) != TSR_OK)
        return false; /* MQTT, SMS, SenML-ETCH */
    e->path = tsr_lwm2m_at_root();
    if (tsr_json_find_cstring(json, "path", e->base, sizeof e->base) == TSR_OK)
        assert_int_equal(tsr_lwm2m_path_parse(tsr_text(e->base), &e->path), TSR_OK);
    assert_int_equal(tsr_json_find_cstring(json, "hex", hex, sizeof hex), TSR_OK);
    assert_int_equal(tsr_json_find(json, "expected", &e->expected), TSR_OK);
    e->payload = from_hex(hex, e->room, sizeof e->room);
    return true;
}

static void check_value(const example *e, const tsr_lwm2m_value *value, const tsr_json *want)
{
    uint8_t room[64];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_bytes text;
    int64_t i;

    switch (want->kind) {
    case TSR_JSON_STRING:
        assert_int_equal(tsr_json_string(want, &scratch, &text), TSR_OK);
        assert_int_equal(value->type, TSR_LWM2M_STRING);
        assert_true(tsr_same(value->as.bytes, text));
        return;
    case TSR_JSON_NUMBER:
        assert_int_equal(tsr_json_int(want, &i), TSR_OK);
        assert_int_equal(value->type, TSR_LWM2M_INTEGER);
        assert_true(value->as.i == i);
        return;
    case TSR_JSON_TRUE:
    case TSR_JSON_FALSE:
        assert_int_equal(value->type, TSR_LWM2M_BOOLEAN);
        assert_int_equal(value->as.b, want->kind == TSR_JSON_TRUE);
        return;
    default: fail_msg("%s: no such value", e->id);
    }
}

/* `expected` is an object of paths. */
static void check_flat(const example *e)
{
    uint8_t room[256];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_json_walk walk = tsr_json_items(&e->expected);
    tsr_json key, want;
    tsr_lwm2m_in in;
    tsr_lwm2m_value value;
    tsr_lwm2m_path path;

    assert_int_equal(tsr_lwm2m_in_begin(&in, e->format, e->path, e->payload, &scratch), TSR_OK);
    while (tsr_json_next(&walk, &key, &want)) {
        uint8_t text[TSR_LWM2M_PATH_TEXT + 1];
        tsr_buf printed = tsr_buf_over(text, sizeof text);
        tsr_err err = tsr_lwm2m_in_next(&in, &path, &value);

        if (err != TSR_OK)
            fail_msg("%s: %s", e->id, tsr_err_name(err));
        tsr_lwm2m_path_put(&printed, path);
        tsr_put_u8(&printed, 0);
        if (!tsr_json_is(&key, (char *)text))
            fail_msg("%s: path %s", e->id, text);
        check_value(e, &value, &want);
    }
    assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_END);
    assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_END);
}

/* `expected` is a tree of [kind, id, hex or list]. */
static void check_tree(const example *e, tsr_lwm2m_in *in, const tsr_json *list, tsr_lwm2m_path up)
{
    tsr_json_walk entries = tsr_json_items(list);
    tsr_json entry;

    while (tsr_json_next(&entries, NULL, &entry)) {
        tsr_json_walk parts = tsr_json_items(&entry);
        tsr_json kind, id, content;
        uint64_t number;

        assert_true(tsr_json_next(&parts, NULL, &kind));
        assert_true(tsr_json_next(&parts, NULL, &id));
        assert_true(tsr_json_next(&parts, NULL, &content));
        assert_int_equal(tsr_json_uint(&id, &number), TSR_OK);

        tsr_lwm2m_path at = tsr_lwm2m_path_down(up, (uint16_t)number), path;

        if (content.kind == TSR_JSON_ARRAY) {
            check_tree(e, in, &content, at);
            continue;
        }

        uint8_t room[64];
        char hex[128];
        tsr_lwm2m_value value;
        tsr_err err = tsr_lwm2m_in_next(in, &path, &value);

        if (err != TSR_OK)
            fail_msg("%s: %s", e->id, tsr_err_name(err));
        assert_true(tsr_lwm2m_path_same(path, at));
        assert_int_equal(value.type, TSR_LWM2M_RAW_BYTES);
        assert_int_equal(tsr_json_cstring(&content, hex, sizeof hex), TSR_OK);
        assert_true(tsr_same(value.as.bytes, from_hex(hex, room, sizeof room)));
    }
}

static void check_tlv(const example *e)
{
    tsr_lwm2m_in in;
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;

    assert_int_equal(tsr_lwm2m_in_begin(&in, e->format, e->path, e->payload, NULL), TSR_OK);
    check_tree(e, &in, &e->expected, e->path);
    assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_END);
}

/* Copies the payload value by value into a fresh one of the same format. */
static void check_rewrite(const example *e, bool same_bytes)
{
    uint8_t room[512], more[256], again[512];
    tsr_buf body = tsr_buf_over(room, sizeof room), scratch = tsr_buf_over(more, sizeof more);
    tsr_buf second = tsr_buf_over(again, sizeof again);
    tsr_bytes from = e->payload;

    for (int round = 0; round < 2; round++) {
        tsr_buf *to = round == 0 ? &body : &second;
        tsr_lwm2m_in in;
        tsr_lwm2m_out out;
        tsr_lwm2m_path path;
        tsr_lwm2m_value value;

        assert_int_equal(tsr_lwm2m_in_begin(&in, e->format, e->path, from, &scratch), TSR_OK);
        assert_int_equal(tsr_lwm2m_out_begin(&out, e->format, e->path, to), TSR_OK);
        while (tsr_lwm2m_in_next(&in, &path, &value) == TSR_OK)
            assert_int_equal(tsr_lwm2m_put(&out, path, &value), TSR_OK);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        from = tsr_buf_view(to);
        if (round == 0 && same_bytes && !tsr_same(from, e->payload))
            fail_msg("%s: written differently", e->id);
    }
    assert_true(tsr_same(tsr_buf_view(&body), tsr_buf_view(&second)));
}

/* Examples that spell the same content in another way than we do. */
static bool spelled_otherwise(const char *id)
{
    static const char *const others[] = {
        "lwcbor-3-0-0-nested",  /* maps where we use one array key */
        "lwcbor-composite",     /* shares a prefix; we spell each resource out */
        "lwcbor-create-2-5", "lwcbor-create-2-noid", /* array keys below an object */
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(id, others[i]) == 0)
            return true;
    return false;
}

static void test_format_reads_and_writes_the_worked_examples(void **state)
{
    static example e;
    tsr_json root, json;
    size_t done = 0;

    (void)state;
    assert_int_equal(tsr_json_parse(vector_file("lwm2m-worked-examples.json"), &root, NULL), TSR_OK);
    for (tsr_json_walk walk = tsr_json_items(&root); tsr_json_next(&walk, NULL, &json);) {
        if (!load(&json, &e))
            continue;
        if (strcmp(e.id, "lwcbor-gateway") == 0) { /* other people's devices: refused politely */
            tsr_lwm2m_in in;
            tsr_lwm2m_path path;
            tsr_lwm2m_value value;

            assert_int_equal(tsr_lwm2m_in_begin(&in, e.format, e.path, e.payload, NULL), TSR_OK);
            assert_int_equal(tsr_lwm2m_in_next(&in, &path, &value), TSR_E_UNSUPPORTED);
            done++;
            continue;
        }
        if (e.format == TSR_LWM2M_FORMAT_TLV)
            check_tlv(&e);
        else
            check_flat(&e);
        check_rewrite(&e, !spelled_otherwise(e.id));
        done++;
    }
    assert_int_equal(done, 20);
}

static void test_format_agrees_between_senml_and_lwm2m_cbor(void **state)
{
    (void)state;
    /* Same device, two formats: what is read from one and written in the other is the other. */
    static example senml, lwm2m;
    tsr_json root, json;
    char id[64];
    uint8_t room[256];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_in in;
    tsr_lwm2m_out out;
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;

    assert_int_equal(tsr_json_parse(vector_file("lwm2m-worked-examples.json"), &root, NULL), TSR_OK);
    for (tsr_json_walk walk = tsr_json_items(&root); tsr_json_next(&walk, NULL, &json);) {
        assert_int_equal(tsr_json_find_cstring(&json, "id", id, sizeof id), TSR_OK);
        if (strcmp(id, "senmlcbor-3-0") == 0)
            assert_true(load(&json, &senml));
        if (strcmp(id, "lwcbor-3-0") == 0)
            assert_true(load(&json, &lwm2m));
    }
    assert_int_equal(tsr_lwm2m_in_begin(&in, senml.format, senml.path, senml.payload, NULL), TSR_OK);
    assert_int_equal(tsr_lwm2m_out_begin(&out, lwm2m.format, lwm2m.path, &body), TSR_OK);
    while (tsr_lwm2m_in_next(&in, &path, &value) == TSR_OK)
        assert_int_equal(tsr_lwm2m_put(&out, path, &value), TSR_OK);
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&body), lwm2m.payload));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_reads_and_writes_the_worked_examples),
        cmocka_unit_test(test_format_agrees_between_senml_and_lwm2m_cbor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
