/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lwm2m/objects.h"

#include "tessera/lwm2m/objects/app_data.h"

typedef struct {
    tsr_lwm2m_app_data item[2];
    tsr_lwm2m_app_datas all;
    tsr_lwm2m_object object;
} bench;

static bench *fresh(void)
{
    static bench b;

    memset(&b, 0, sizeof b);
    b.all = (tsr_lwm2m_app_datas){ b.item, 2 };
    b.object = tsr_lwm2m_app_data_object(&b.all);
    return &b;
}

static const char meter[] = "[{\"bn\":\"/19/7/\",\"n\":\"0/0\",\"vd\":\"AAEC\"},"
                            "{\"n\":\"0/3\",\"vd\":\"_w\"},{\"n\":\"1\",\"v\":2},"
                            "{\"n\":\"2\",\"v\":1700000000},{\"n\":\"3\",\"vs\":\"meter reading\"},"
                            "{\"n\":\"4\",\"vs\":\"raw\"},{\"n\":\"5\",\"v\":65535}]";

static void test_app_data_is_created_read_and_deleted(void **state)
{
    bench *b = fresh();
    uint16_t instance = 0;

    (void)state;
    assert_int_equal(tsr_lwm2m_object_next(&b->object, 0), TSR_LWM2M_NO_INSTANCE);
    assert_int_equal(object_create(&b->object, meter, &instance), TSR_OK);
    assert_int_equal(instance, 7);
    assert_string_equal(object_read(&b->object, "/19/7"), meter);
    assert_int_equal(object_create(&b->object, meter, &instance), TSR_E_EXISTS);
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/19/2/0/0\",\"vd\":\"\"}]", &instance), TSR_OK);
    assert_int_equal(tsr_lwm2m_object_next(&b->object, 0), 2);
    assert_int_equal(tsr_lwm2m_object_next(&b->object, 3), 7);
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/19/3/0/0\",\"vd\":\"\"}]", &instance),
                     TSR_E_DENIED);
    assert_int_equal(b->object.handlers->remove(&b->all, 7), TSR_OK);
    assert_string_equal(object_read(&b->object, "/19/7"), tsr_err_name(TSR_E_NOT_FOUND));
    assert_string_equal(object_read(&b->object, "/19/2"),
                        "[{\"bn\":\"/19/2/\",\"n\":\"0/0\",\"vd\":\"\"}]");
}

static void test_app_data_needs_data(void **state)
{
    bench *b = fresh();
    uint16_t instance = 0;

    (void)state;
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/19/0/1\",\"v\":1}]", &instance),
                     TSR_E_ARGUMENT);
    assert_int_equal(tsr_lwm2m_object_next(&b->object, 0), TSR_LWM2M_NO_INSTANCE);
}

/* Nothing of a request with one bad value is done. */
static void test_app_data_refuses_what_does_not_fit(void **state)
{
    static const char *const bad[] = {
        "[{\"n\":\"/19/7/0/0\",\"vd\":\"AA\"},{\"n\":\"/19/7/0/4\",\"vd\":\"AA\"}]",
        "[{\"n\":\"/19/7/0/0\",\"vd\":\"AA\"},{\"n\":\"/19/7/1\",\"v\":256}]",
        "[{\"n\":\"/19/7/0/0\",\"vd\":\"AA\"},{\"n\":\"/19/7/1\",\"v\":-1}]",
        "[{\"n\":\"/19/7/0/0\",\"vd\":\"AA\"},{\"n\":\"/19/7/5\",\"v\":65536}]",
        "[{\"n\":\"/19/7/0/0\",\"vd\":\"AA\"},"
        "{\"n\":\"/19/7/3\",\"vs\":\"123456789012345678901234567890123\"}]",
        "[{\"n\":\"/19/7/0/0\",\"vd\":\"AA\"},"
        "{\"n\":\"/19/7/4\",\"vs\":\"123456789012345678901234567890123\"}]",
    };
    bench *b = fresh();
    uint16_t instance;
    char large[1024] = "[{\"n\":\"/19/7/0/0\",\"vd\":\"";

    (void)state;
    assert_int_equal(object_create(&b->object, meter, &instance), TSR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(object_write(&b->object, "/19/7", TSR_LWM2M_UPDATE, bad[i]), TSR_E_TYPE);
    memset(large + strlen(large), 'A', 684); /* 513 bytes */
    strcat(large, "\"}]");
    assert_int_equal(object_write(&b->object, "/19/7", TSR_LWM2M_UPDATE, large), TSR_E_TYPE);
    assert_string_equal(object_read(&b->object, "/19/7"), meter);
}

static void test_app_data_is_updated_and_replaced(void **state)
{
    bench *b = fresh();
    uint16_t instance;

    (void)state;
    assert_int_equal(object_create(&b->object, meter, &instance), TSR_OK);
    assert_int_equal(object_write(&b->object, "/19/7", TSR_LWM2M_UPDATE,
                                  "[{\"n\":\"/19/7/0/1\",\"vd\":\"qg\"},{\"n\":\"/19/7/1\",\"v\":0}]"),
                     TSR_OK);
    assert_string_equal(object_read(&b->object, "/19/7/0"),
                        "[{\"bn\":\"/19/7/0/\",\"n\":\"0\",\"vd\":\"AAEC\"},{\"n\":\"1\",\"vd\":\"qg\"},"
                        "{\"n\":\"3\",\"vd\":\"_w\"}]");
    assert_string_equal(object_read(&b->object, "/19/7/0/1"), "[{\"n\":\"/19/7/0/1\",\"vd\":\"qg\"}]");
    assert_string_equal(object_read(&b->object, "/19/7/0/2"), tsr_err_name(TSR_E_NOT_FOUND));
    assert_int_equal(object_write(&b->object, "/19/7", TSR_LWM2M_REPLACE,
                                  "[{\"n\":\"/19/7/0/2\",\"vd\":\"uw\"}]"), TSR_OK);
    assert_string_equal(object_read(&b->object, "/19/7"), "[{\"bn\":\"/19/7/\",\"n\":\"0/2\",\"vd\":\"uw\"}]");
}

static void test_app_data_outlives_a_restart(void **state)
{
    uint8_t saved[4096];
    tsr_buf out = tsr_buf_over(saved, sizeof saved);
    bench *b = fresh();
    uint16_t instance;

    (void)state;
    assert_int_equal(object_create(&b->object, meter, &instance), TSR_OK);
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/19/2/0/0\",\"vd\":\"\"}]", &instance), TSR_OK);
    b->object.handlers->save(&b->all, &out);
    assert_int_equal(out.err, TSR_OK);
    b = fresh();
    assert_int_equal(b->object.handlers->load(&b->all, tsr_buf_view(&out)), TSR_OK);
    assert_string_equal(object_read(&b->object, "/19/7"), meter);
    assert_int_equal(tsr_lwm2m_object_next(&b->object, 0), 2);
    for (size_t len = 1; len < out.len; len++) {
        tsr_err err = b->object.handlers->load(&b->all, tsr_view(saved, len));

        assert_true(err == TSR_E_MALFORMED || tsr_lwm2m_object_next(&b->object, 0) == 7);
        if (err != TSR_OK)
            assert_int_equal(tsr_lwm2m_object_next(&b->object, 0), TSR_LWM2M_NO_INSTANCE);
    }
    saved[2] = 0xff; /* parts that cannot be */
    assert_int_equal(b->object.handlers->load(&b->all, tsr_buf_view(&out)), TSR_E_MALFORMED);
}

/* What is the host's own: servers write it, and it tells what they wrote; they do not delete it. */
static void test_app_data_of_the_host_stays(void **state)
{
    static const char *const write = "[{\"n\":\"/19/5/0/0\",\"vd\":\"AA\"},{\"n\":\"/19/5/0/2\",\"vd\":\"AQ\"}]";
    uint8_t saved[4096];
    tsr_buf out = tsr_buf_over(saved, sizeof saved);
    bench *b = fresh();
    tsr_lwm2m_app_data *c = tsr_lwm2m_app_data_add(&b->all, 5);

    (void)state;
    assert_non_null(c);
    assert_ptr_equal(tsr_lwm2m_app_data_find(&b->all, 5), c);
    assert_null(tsr_lwm2m_app_data_add(&b->all, 5));
    c->mark = 0x01020304;
    assert_int_equal(b->object.handlers->remove(&b->all, 5), TSR_E_DENIED);
    assert_int_equal(object_write(&b->object, "/19/5", TSR_LWM2M_UPDATE, write), TSR_OK);
    assert_int_equal(c->changed, 5);
    c->changed = 0;
    assert_int_equal(object_write(&b->object, "/19/5", TSR_LWM2M_UPDATE, write), TSR_OK);
    assert_int_equal(c->changed, 0); /* nothing that was not there */
    assert_int_equal(object_write(&b->object, "/19/5", TSR_LWM2M_REPLACE,
                                  "[{\"n\":\"/19/5/0/0\",\"vd\":\"AA\"}]"), TSR_OK);
    assert_int_equal(c->there, 1);
    assert_true((c->changed & 4) != 0);
    b->object.handlers->save(&b->all, &out);
    b = fresh();
    assert_int_equal(b->object.handlers->load(&b->all, tsr_buf_view(&out)), TSR_OK);
    c = tsr_lwm2m_app_data_find(&b->all, 5);
    assert_non_null(c);
    assert_int_equal(c->mark, 0x01020304);
    assert_int_equal(c->changed, 0);
    for (size_t len = 1; len < out.len; len++)
        assert_int_equal(b->object.handlers->load(&b->all, tsr_view(saved, len)), TSR_E_MALFORMED);
    assert_non_null(tsr_lwm2m_app_data_add(&b->all, 1));
    assert_non_null(tsr_lwm2m_app_data_add(&b->all, 2));
    assert_null(tsr_lwm2m_app_data_add(&b->all, 3)); /* no room */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_app_data_is_created_read_and_deleted),
        cmocka_unit_test(test_app_data_needs_data),
        cmocka_unit_test(test_app_data_refuses_what_does_not_fit),
        cmocka_unit_test(test_app_data_is_updated_and_replaced),
        cmocka_unit_test(test_app_data_outlives_a_restart),
        cmocka_unit_test(test_app_data_of_the_host_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
