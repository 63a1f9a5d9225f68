/* SPDX-License-Identifier: Apache-2.0
 *
 * The object of docs/OBJECTS.md: tools/listing takes it out of the document, the build compiles it. */
#include "tests/lwm2m/objects.h"

tsr_lwm2m_object set_point_object(double *degrees);

static void test_own_object_is_read_and_written(void **state)
{
    double degrees = 20.5;
    tsr_lwm2m_object o = set_point_object(&degrees);

    (void)state;
    assert_string_equal(object_read(&o, "/3308/0"),
                        "[{\"bn\":\"/3308/0/\",\"n\":\"5900\",\"v\":20.5}]");
    assert_int_equal(object_write(&o, "/3308/0/5900", TSR_LWM2M_REPLACE,
                                  "[{\"n\":\"/3308/0/5900\",\"v\":22}]"), TSR_OK);
    assert_string_equal(object_read(&o, "/3308/0/5900"), "[{\"n\":\"/3308/0/5900\",\"v\":22}]");
    assert_int_equal(object_write(&o, "/3308/0/5900", TSR_LWM2M_REPLACE,
                                  "[{\"n\":\"/3308/0/5900\",\"v\":31}]"), TSR_E_TYPE);
    assert_string_equal(object_read(&o, "/3308/0/5900"), "[{\"n\":\"/3308/0/5900\",\"v\":22}]");
    assert_string_equal(object_read(&o, "/3308/1"), tsr_err_name(TSR_E_NOT_FOUND));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_own_object_is_read_and_written) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
