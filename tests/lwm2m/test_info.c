/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "generated/lwm2m_objects.h"

static void test_info_says_what_the_device_object_has(void **state)
{
    const tsr_lwm2m_object_info *device = &tsr_lwm2m_object_3;
    const tsr_lwm2m_resource_info *r;

    (void)state;
    assert_int_equal(device->id, 3);
    assert_int_equal(device->version_major, 1);
    assert_int_equal(device->version_minor, 2);
    assert_int_equal(device->flags, TSR_LWM2M_MANDATORY);
    assert_int_equal(device->resource_count, 23);

    r = tsr_lwm2m_resource_find(device, TSR_LWM2M_3_CURRENT_TIME);
    assert_non_null(r);
    assert_int_equal(r->id, 13);
    assert_int_equal(r->type, TSR_LWM2M_TIME);
    assert_int_equal(r->flags, TSR_LWM2M_READ | TSR_LWM2M_WRITE);
    r = tsr_lwm2m_resource_find(device, TSR_LWM2M_3_REBOOT);
    assert_int_equal(r->type, TSR_LWM2M_NONE);
    assert_int_equal(r->flags, TSR_LWM2M_EXECUTE | TSR_LWM2M_MANDATORY);
    r = tsr_lwm2m_resource_find(device, TSR_LWM2M_3_POWER_SOURCE_VOLTAGE);
    assert_int_equal(r->flags, TSR_LWM2M_READ | TSR_LWM2M_MULTIPLE);
}

static void test_info_finds_every_resource_and_no_other(void **state)
{
    static const tsr_lwm2m_object_info *const objects[] = {
        &tsr_lwm2m_object_0, &tsr_lwm2m_object_1, &tsr_lwm2m_object_3, &tsr_lwm2m_object_4,
        &tsr_lwm2m_object_5, &tsr_lwm2m_object_7, &tsr_lwm2m_object_3300, &tsr_lwm2m_object_3303,
        &tsr_lwm2m_object_3311,
    };

    (void)state;
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        const tsr_lwm2m_resource_info *r = objects[i]->resources;

        for (size_t n = 0; n < objects[i]->resource_count; n++) {
            assert_ptr_equal(tsr_lwm2m_resource_find(objects[i], r[n].id), &r[n]);
            if (n + 1 < objects[i]->resource_count)
                assert_true(r[n].id < r[n + 1].id);
        }
        assert_null(tsr_lwm2m_resource_find(objects[i], 65535));
    }
}

/* The key material is not for servers to read: it has no operation at all. */
static void test_info_keeps_security_resources_from_servers(void **state)
{
    (void)state;
    for (size_t n = 0; n < tsr_lwm2m_object_0.resource_count; n++)
        assert_int_equal(tsr_lwm2m_object_0.resources[n].flags
                         & (TSR_LWM2M_READ | TSR_LWM2M_WRITE | TSR_LWM2M_EXECUTE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info_says_what_the_device_object_has),
        cmocka_unit_test(test_info_finds_every_resource_and_no_other),
        cmocka_unit_test(test_info_keeps_security_resources_from_servers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
