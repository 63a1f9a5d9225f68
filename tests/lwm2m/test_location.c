/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lwm2m/objects.h"

#include "tessera/lwm2m/objects/location.h"

static void test_location_is_not_there_before_somebody_knows_it(void **state)
{
    tsr_lwm2m_location l = { 0 };
    tsr_lwm2m_object o = tsr_lwm2m_location_object(&l);

    (void)state;
    assert_int_equal(tsr_lwm2m_object_next(&o, 0), TSR_LWM2M_NO_INSTANCE);
    assert_string_equal(object_read(&o, "/6/0"), tsr_err_name(TSR_E_NOT_FOUND));
}

static void test_location_says_what_is_known_and_no_more(void **state)
{
    tsr_lwm2m_location l = { .known = true, .latitude = -43.5723, .longitude = 153.2176,
                             .unix_s = 1700000000 };
    tsr_lwm2m_object o = tsr_lwm2m_location_object(&l);

    (void)state;
    assert_string_equal(object_read(&o, "/6/0"),
                        "[{\"bn\":\"/6/0/\",\"n\":\"0\",\"v\":-43.5723},{\"n\":\"1\",\"v\":153.2176},"
                        "{\"n\":\"5\",\"v\":1700000000}]");
    assert_string_equal(object_read(&o, "/6/0/2"), tsr_err_name(TSR_E_NOT_FOUND));
    l.has_altitude = l.has_radius = l.has_speed = true;
    l.altitude_m = 171;
    l.radius_m = 2.5;
    l.speed_m_s = 0.25;
    assert_string_equal(object_read(&o, "/6/0"),
                        "[{\"bn\":\"/6/0/\",\"n\":\"0\",\"v\":-43.5723},{\"n\":\"1\",\"v\":153.2176},"
                        "{\"n\":\"2\",\"v\":171},{\"n\":\"3\",\"v\":2.5},"
                        "{\"n\":\"5\",\"v\":1700000000},{\"n\":\"6\",\"v\":0.25}]");
    assert_int_equal(object_write(&o, "/6/0/0", TSR_LWM2M_REPLACE, "[{\"n\":\"/6/0/0\",\"v\":1}]"),
                     TSR_E_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_location_is_not_there_before_somebody_knows_it),
        cmocka_unit_test(test_location_says_what_is_known_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
