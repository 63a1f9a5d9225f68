/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance that a table describes, put in one go, is the same bytes as value by value, whatever
 * room there is (Core 6.3.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tessera/lwm2m/format/codec.h"
#include "tessera/lwm2m/model/fields.h"
#include "tessera/lwm2m/objects/device.h"

enum { ROOM = 4096, ITEMS = 200 };

/* The instance in `format`, or with `plain`, which has no short way, in `cap` bytes. */
static tsr_err read_in(const tsr_lwm2m_codec *plain, tsr_lwm2m_format format,
                       const tsr_lwm2m_object *object, uint8_t *to, size_t cap, size_t *len)
{
    tsr_lwm2m_path at = tsr_lwm2m_at_instance(object->info->id, 0);
    tsr_buf body = tsr_buf_over(to, cap);
    tsr_lwm2m_out out;
    tsr_err err;

    if (plain != NULL)
        tsr_lwm2m_out_begin_as(&out, plain, at, &body);
    else
        (void)tsr_lwm2m_out_begin(&out, format, at, &body);
    (void)tsr_lwm2m_object_read(object, at, &out);
    err = tsr_lwm2m_out_end(&out);
    *len = body.len;
    return err;
}

static void same_in(const tsr_lwm2m_codec *plain, const tsr_lwm2m_object *object, size_t step)
{
    static uint8_t expected[ROOM], room[ROOM + 1];
    size_t len, got;

    assert_int_equal(read_in(plain, plain->format, object, expected, ROOM, &len), TSR_OK);
    assert_true(len > 0);
    for (size_t cap = 0; cap <= ROOM; cap += cap < len + 200 ? step : 97) {
        tsr_err err;

        room[cap] = 0x5a;
        err = read_in(NULL, plain->format, object, room, cap, &got);
        assert_int_equal(room[cap], 0x5a);
        if (cap < len) {
            assert_int_equal(err, TSR_E_SPACE);
            continue;
        }
        assert_int_equal(err, TSR_OK);
        assert_int_equal(got, len);
        assert_memory_equal(room, expected, len);
    }
}

static void same(const tsr_lwm2m_object *object, size_t step)
{
    same_in(&tsr_lwm2m_codec_tlv, object, step);
    same_in(&tsr_lwm2m_codec_tlv_plain, object, step);
    same_in(&tsr_lwm2m_codec_senml_cbor, object, step);
    same_in(&tsr_lwm2m_codec_senml_cbor_plain, object, step);
}

static void set(char *to, size_t cap, char ch)
{
    memset(to, ch, cap - 1);
    to[cap - 1] = '\0';
}

static void test_device_is_the_same_in_one_go(void **state)
{
    static tsr_lwm2m_device d;
    tsr_lwm2m_object object = tsr_lwm2m_device_object(&d);

    (void)state;
    tsr_lwm2m_device_init(&d);
    same(&object, 1);
    d.host_unix_s = INT64_C(1) << 40; /* the long way amid the short one */
    d.memory_free_kb = INT32_MAX;
    d.memory_total_kb = INT64_C(1) << 33;
    d.battery_percent = 100;
    set(d.manufacturer, sizeof d.manufacturer, 'm');
    set(d.serial, 8, 's'); /* the longest with the shortest header, and one more */
    set(d.model, 9, 'l');
    set(d.host_timezone, sizeof d.host_timezone, 'z');
    for (unsigned n = 0; n <= TSR_LWM2M_POWER_SOURCES; n++) {
        d.power_count = (uint8_t)n;
        for (unsigned i = 0; i < n; i++)
            d.power[i] = (tsr_lwm2m_power){ (int32_t)i, i == 1 ? -1 : 70000,
                                            i == 2 ? INT32_MIN : -40000 };
        same(&object, 1);
    }
    for (unsigned code = 1; code <= TSR_LWM2M_ERRORS; code++) {
        (void)tsr_lwm2m_device_error(&d, (uint8_t)code);
        same(&object, 7);
    }
}

static void test_without_errors_there_is_error_0(void **state)
{
    static const uint8_t none[] = { 0x83, 11, 0x41, 0, 0 };
    static tsr_lwm2m_device d;
    tsr_lwm2m_object object = tsr_lwm2m_device_volatile(&d);
    tsr_lwm2m_path at = tsr_lwm2m_at_resource(3, 0, 11);
    uint8_t room[16];

    (void)state;
    tsr_lwm2m_device_init(&d);
    for (int round = 0; round < 2; round++) {
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;

        assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_TLV, at, &body), TSR_OK);
        assert_int_equal(tsr_lwm2m_object_read(&object, at, &out), TSR_OK);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        assert_int_equal(body.len, sizeof none);
        assert_memory_equal(room, none, sizeof none);
        assert_true(tsr_lwm2m_device_error(&d, 7));
        assert_int_equal(object.handlers->execute(&d, tsr_lwm2m_at_resource(3, 0, 12),
                                                  tsr_view(NULL, 0)),
                         TSR_OK); /* Reset Error Code */
    }
}

/* Lists whose headers take one and two bytes more. */
typedef struct {
    uint8_t count;
    int32_t items[ITEMS];
    char last[300];
} long_state;

static const tsr_lwm2m_field long_items[] = {
    { 3, TSR_LWM2M_FIELD_LIST, 0 },
    { 250, TSR_LWM2M_FIELD_TEXT, offsetof(long_state, last) },
};
static const tsr_lwm2m_field_list long_list = {
    offsetof(long_state, count), offsetof(long_state, items), 0, false, sizeof(int32_t), INT32_MIN
};
static const tsr_lwm2m_fields long_fields = { long_items, 2, &long_list, NULL, NULL };

static tsr_err long_read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    return tsr_lwm2m_fields_read(&long_fields, state, at, out);
}

static tsr_err long_read_all(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    return tsr_lwm2m_fields_read_all(&long_fields, state, at, out);
}

static void test_long_lists_are_the_same_in_one_go(void **state)
{
    static const tsr_lwm2m_resource_info resources[] = {
        { 3, TSR_LWM2M_INTEGER, TSR_LWM2M_READ | TSR_LWM2M_MULTIPLE },
        { 250, TSR_LWM2M_STRING, TSR_LWM2M_READ },
    };
    static const tsr_lwm2m_object_info info = { .id = 30000, .resources = resources,
                                                .resource_count = 2 };
    static const tsr_lwm2m_handlers handlers = { .read = long_read, .read_all = long_read_all };
    static long_state s = { .last = "end" };
    const tsr_lwm2m_object object = { &info, &handlers, &s };

    (void)state;
    for (int i = 0; i < ITEMS; i++)
        s.items[i] = i % 3 == 0 ? i : i % 3 == 1 ? -300 : 100000;
    for (unsigned n = 0; n <= ITEMS; n += n < 4 ? 1 : 49) {
        s.count = (uint8_t)n;
        same(&object, 5);
    }
    set(s.last, sizeof s.last, 'x'); /* too long for the short way */
    same(&object, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_is_the_same_in_one_go),
        cmocka_unit_test(test_without_errors_there_is_error_0),
        cmocka_unit_test(test_long_lists_are_the_same_in_one_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
