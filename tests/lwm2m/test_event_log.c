/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lwm2m/objects.h"

#include "tessera/json/base64.h"
#include "tessera/lwm2m/objects/event_log.h"

enum { LOGS = 3, ROOM = 64 };

typedef struct {
    uint8_t memory[LOGS][ROOM];
    tsr_lwm2m_log item[LOGS];
    tsr_lwm2m_logs all;
    tsr_lwm2m_object object;
} bench;

/* Instance 0 collects everything. */
static bench *fresh(void)
{
    static bench b;

    memset(&b, 0, sizeof b);
    for (size_t i = 0; i < LOGS; i++) {
        b.item[i].data = b.memory[i];
        b.item[i].cap = ROOM;
    }
    b.item[0].used = b.item[0].running = true;
    b.all = (tsr_lwm2m_logs){ b.item, LOGS, 1000 };
    b.object = tsr_lwm2m_event_log_object(&b.all);
    return &b;
}

static void add(bench *b, uint8_t log_class, const char *line)
{
    tsr_lwm2m_logs_add(&b->all, log_class, tsr_text(line));
}

/* What LogData holds, out of its base64. */
static const char *data(bench *b, uint16_t instance)
{
    static char text[ROOM + 3];
    tsr_buf out = tsr_buf_over(text, sizeof text - 1);
    char path[32];
    const char *json, *from;

    snprintf(path, sizeof path, "/20/%u/4014", instance);
    json = object_read(&b->object, path);
    from = strstr(json, "\"vd\":\"");
    assert_non_null(from);
    from += 6;
    assert_int_equal(tsr_base64_get(tsr_view(from, strcspn(from, "\"")), &out), TSR_OK);
    text[out.len] = '\0';
    return text;
}

static int status(bench *b, uint16_t instance)
{
    char path[32];

    snprintf(path, sizeof path, "/20/%u/4013", instance);
    return atoi(strstr(object_read(&b->object, path), "\"v\":") + 4);
}

static bool changed(bench *b, uint16_t instance)
{
    uint16_t found;
    bool seen = false;

    while (tsr_lwm2m_logs_changed(&b->all, &found))
        seen = seen || found == instance;
    return seen;
}

/* LwM2M-1.1-int-2000: LogStart empties and runs, LogStop keeps what is there. */
static void test_event_log_starts_and_stops(void **state)
{
    bench *b = fresh();

    (void)state;
    assert_int_equal(status(b, 0), 0);
    add(b, TSR_LWM2M_LOG_EVENT, "one");
    assert_string_equal(data(b, 0), "one\n");
    assert_int_equal(status(b, 0), 2);
    assert_int_equal(object_execute(&b->object, "/20/0/4012", ""), TSR_OK);
    add(b, TSR_LWM2M_LOG_EVENT, "unheard");
    assert_string_equal(data(b, 0), "one\n");
    assert_int_equal(status(b, 0), 3);
    assert_int_equal(object_execute(&b->object, "/20/0/4011", "0='1'"), TSR_OK);
    add(b, TSR_LWM2M_LOG_EVENT, "two");
    assert_string_equal(data(b, 0), "one\ntwo\n");
    assert_int_equal(object_execute(&b->object, "/20/0/4011", ""), TSR_OK);
    assert_string_equal(data(b, 0), "");
    assert_int_equal(status(b, 0), 0);
    add(b, TSR_LWM2M_LOG_EVENT, "three");
    assert_int_equal(object_execute(&b->object, "/20/0/4012", "0='1'"), TSR_OK);
    assert_int_equal(status(b, 0), 1);
}

static void test_event_log_ends_after_its_duration(void **state)
{
    bench *b = fresh();

    (void)state;
    assert_int_equal(object_execute(&b->object, "/20/0/4011", "1='60'"), TSR_OK);
    assert_true(changed(b, 0));
    b->all.now_s += 59;
    add(b, TSR_LWM2M_LOG_EVENT, "in time");
    assert_true(changed(b, 0));
    assert_false(changed(b, 0));
    b->all.now_s += 1;
    assert_true(changed(b, 0));
    add(b, TSR_LWM2M_LOG_EVENT, "too late");
    assert_string_equal(data(b, 0), "in time\n");
    assert_int_equal(status(b, 0), 3);
}

static void test_event_log_refuses_arguments_it_does_not_know(void **state)
{
    static const char *const bad[] = { "0", "0='2'", "0=''", "1='0'", "1='4294967296'", "1='x'", "2='1'" };
    bench *b = fresh();

    (void)state;
    add(b, TSR_LWM2M_LOG_EVENT, "kept");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(object_execute(&b->object, "/20/0/4011", bad[i]), TSR_E_ARGUMENT);
    assert_int_equal(object_execute(&b->object, "/20/0/4012", "1='5'"), TSR_E_ARGUMENT);
    assert_int_equal(status(b, 0), 2);
    assert_string_equal(data(b, 0), "kept\n");
}

static void test_event_log_takes_its_class(void **state)
{
    bench *b = fresh();
    uint16_t instance = 0;

    (void)state;
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/20/5/4010\",\"v\":2}]", &instance), TSR_OK);
    assert_int_equal(instance, 5);
    assert_int_equal(status(b, 5), 1);
    add(b, TSR_LWM2M_LOG_SECURITY, "before its start");
    assert_int_equal(object_execute(&b->object, "/20/5/4011", ""), TSR_OK);
    add(b, TSR_LWM2M_LOG_SYSTEM, "sys");
    add(b, TSR_LWM2M_LOG_SECURITY, "sec");
    assert_string_equal(data(b, 5), "sec\n");
    assert_string_equal(data(b, 0), "before its start\nsys\nsec\n");
    assert_int_equal(object_write(&b->object, "/20/5/4010", TSR_LWM2M_REPLACE,
                                  "[{\"n\":\"/20/5/4010\",\"v\":1}]"), TSR_OK);
    add(b, TSR_LWM2M_LOG_SYSTEM, "more");
    assert_string_equal(data(b, 5), "sec\nmore\n");
    assert_int_equal(object_write(&b->object, "/20/5/4010", TSR_LWM2M_REPLACE,
                                  "[{\"n\":\"/20/5/4010\",\"v\":7}]"), TSR_E_TYPE);
    assert_int_equal(object_write(&b->object, "/20/5/4015", TSR_LWM2M_REPLACE,
                                  "[{\"n\":\"/20/5/4015\",\"v\":1}]"), TSR_E_TYPE);
    assert_int_equal(object_write(&b->object, "/20/5/4015", TSR_LWM2M_REPLACE,
                                  "[{\"n\":\"/20/5/4015\",\"v\":0}]"), TSR_OK);
}

/* Never more than its memory, always whole lines, the last one always there. */
static void test_event_log_drops_its_oldest_lines(void **state)
{
    bench *b = fresh();
    char line[ROOM * 2];

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = i * 7 % 90;
        const char *text;

        memset(line, 'a' + (int)(i % 26), len);
        line[len] = '\0';
        add(b, TSR_LWM2M_LOG_EVENT, line);
        if (len >= ROOM)
            line[ROOM - 1] = '\0';
        text = data(b, 0);
        assert_in_range(strlen(text), 1, ROOM);
        assert_int_equal(text[strlen(text) - 1], '\n');
        assert_memory_equal(text + strlen(text) - 1 - strlen(line), line, strlen(line));
        if (strlen(text) > strlen(line) + 1)
            assert_int_equal(text[strlen(text) - strlen(line) - 2], '\n');
    }
}

static void test_event_log_fills_all_of_its_memory(void **state)
{
    bench *b = fresh();

    (void)state;
    for (int i = 0; i < 4; i++)
        add(b, TSR_LWM2M_LOG_EVENT, "fifteen bytes!!");
    assert_int_equal(strlen(data(b, 0)), ROOM);
    add(b, TSR_LWM2M_LOG_EVENT, "x");
    assert_string_equal(data(b, 0), "fifteen bytes!!\nfifteen bytes!!\nfifteen bytes!!\nx\n");
}

static void test_event_log_says_that_lines_were_lost(void **state)
{
    bench *b = fresh();

    (void)state;
    tsr_lwm2m_logs_lost(&b->all, TSR_LWM2M_LOG_SYSTEM);
    assert_int_equal(status(b, 0), 4);
    assert_true(changed(b, 0));
    assert_int_equal(object_execute(&b->object, "/20/0/4011", "0='1'"), TSR_OK);
    assert_int_equal(status(b, 0), 0);
}

static void test_event_log_keeps_its_settings_over_a_restart(void **state)
{
    uint8_t saved[64];
    tsr_buf out = tsr_buf_over(saved, sizeof saved);
    bench *b = fresh();
    uint16_t instance;

    (void)state;
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/20/5/4010\",\"v\":2}]", &instance), TSR_OK);
    assert_int_equal(object_execute(&b->object, "/20/5/4011", "1='60'"), TSR_OK);
    assert_int_equal(object_execute(&b->object, "/20/0/4012", ""), TSR_OK);
    b->object.handlers->save(&b->all, &out);
    assert_int_equal(out.err, TSR_OK);
    b = fresh();
    b->all.now_s = 50;
    assert_int_equal(b->object.handlers->load(&b->all, tsr_buf_view(&out)), TSR_OK);
    assert_int_equal(status(b, 0), 1);
    assert_int_equal(status(b, 5), 0);
    add(b, TSR_LWM2M_LOG_SECURITY, "sec");
    assert_string_equal(data(b, 5), "sec\n");
    b->all.now_s = 110;
    add(b, TSR_LWM2M_LOG_SECURITY, "late");
    assert_string_equal(data(b, 5), "sec\n");
    assert_int_equal(b->object.handlers->load(&b->all, tsr_view(saved, 7)), TSR_E_MALFORMED);
    assert_string_equal(data(b, 5), "sec\n");
}

/* A change that could not be made durable is taken back by a load; what was collected stays. */
static void test_event_log_load_keeps_lines(void **state)
{
    uint8_t saved[64];
    tsr_buf out = tsr_buf_over(saved, sizeof saved);
    bench *b = fresh();
    uint16_t instance;

    (void)state;
    add(b, TSR_LWM2M_LOG_EVENT, "kept");
    b->object.handlers->save(&b->all, &out);
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/20/5/4010\",\"v\":2}]", &instance), TSR_OK);
    assert_int_equal(b->object.handlers->load(&b->all, tsr_buf_view(&out)), TSR_OK);
    assert_string_equal(data(b, 0), "kept\n");
    assert_int_equal(tsr_lwm2m_object_next(&b->object, 1), TSR_LWM2M_NO_INSTANCE);
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/20/5/4010\",\"v\":2}]", &instance), TSR_OK);
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/20/6/4010\",\"v\":2}]", &instance), TSR_OK);
    assert_int_equal(object_create(&b->object, "[{\"n\":\"/20/7/4010\",\"v\":2}]", &instance),
                     TSR_E_DENIED);
    assert_int_equal(b->object.handlers->remove(&b->all, 0), TSR_OK);
    assert_int_equal(object_create(&b->object, "", &instance), TSR_OK);
    assert_int_equal(instance, 0);
    assert_string_equal(data(b, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_log_starts_and_stops),
        cmocka_unit_test(test_event_log_ends_after_its_duration),
        cmocka_unit_test(test_event_log_refuses_arguments_it_does_not_know),
        cmocka_unit_test(test_event_log_takes_its_class),
        cmocka_unit_test(test_event_log_drops_its_oldest_lines),
        cmocka_unit_test(test_event_log_fills_all_of_its_memory),
        cmocka_unit_test(test_event_log_says_that_lines_were_lost),
        cmocka_unit_test(test_event_log_keeps_its_settings_over_a_restart),
        cmocka_unit_test(test_event_log_load_keeps_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
