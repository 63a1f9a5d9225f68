/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/model.h"
#include "tessera/base/utf8.h"

static void test_model_names_the_battery_level(void **state)
{
    const tsr_model_object *device = tsr_model_find(3);
    const tsr_model_resource *battery = tsr_model_at(tsr_lwm2m_at_resource(3, 0, 9));

    (void)state;
    assert_non_null(device);
    assert_string_equal(device->name, "Device");
    assert_string_equal(device->urn, "urn:oma:lwm2m:oma:3:1.2");
    assert_int_equal(device->version_minor, 2);
    assert_non_null(battery);
    assert_string_equal(battery->name, "Battery Level");
    assert_string_equal(battery->units, "/100");
    assert_string_equal(battery->range, "0..100");
    assert_int_equal(battery->type, TSR_LWM2M_INTEGER);
    assert_int_equal(battery->flags, TSR_LWM2M_READ);
    assert_ptr_equal(tsr_model_at(tsr_lwm2m_at_resource_instance(3, 0, 7, 1)),
                     tsr_model_resource_find(device, 7));
}

static void test_model_finds_nothing_where_nothing_is(void **state)
{
    (void)state;
    assert_null(tsr_model_find(65535));
    assert_null(tsr_model_resource_find(NULL, 0));
    assert_null(tsr_model_resource_find(tsr_model_find(3), 999));
    assert_null(tsr_model_at(tsr_lwm2m_at_instance(3, 0)));
    assert_null(tsr_model_at(tsr_lwm2m_at_resource(65000, 0, 0)));
}

static void check_text(const char *text)
{
    assert_non_null(text);
    assert_true(tsr_utf8_valid(tsr_text(text)));
}

static void test_model_is_ordered_and_whole(void **state)
{
    const tsr_model_object *o;
    size_t n = tsr_model_objects(&o);

    (void)state;
    assert_true(n >= 70);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(tsr_model_find(o[i].id), &o[i]);
        assert_true(i == 0 || o[i - 1].id < o[i].id);
        assert_true(o[i].name[0] != '\0' && o[i].resource_count > 0);
        check_text(o[i].description);
        for (size_t r = 0; r < o[i].resource_count; r++) {
            assert_ptr_equal(tsr_model_resource_find(&o[i], o[i].resources[r].id),
                             &o[i].resources[r]);
            assert_true(o[i].resources[r].name[0] != '\0');
            check_text(o[i].resources[r].description);
            check_text(o[i].resources[r].units);
            check_text(o[i].resources[r].range);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_names_the_battery_level),
        cmocka_unit_test(test_model_finds_nothing_where_nothing_is),
        cmocka_unit_test(test_model_is_ordered_and_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
