/* SPDX-License-Identifier: Apache-2.0
 *
 * Items in the values of service info: one in each, several in one, one in several.
 * FDO 1.1 ServiceInfo */
#include "tests/fdo/kat.h"

#include "tessera/fdo/message.h"

static uint8_t memory[16];
static tsr_fdo_values v;

static void begin(size_t cap) { tsr_fdo_values_begin(&v, tsr_buf_over(memory, cap)); }

/* What a message gives: "key=hex " for each item, then how it ends. */
static const char *said_by(bool more, const char *pairs)
{
    static char said[256];
    uint8_t room[128], head[] = { 0x83, (uint8_t)(more ? 0xf5 : 0xf4), 0xf4 };
    tsr_bytes module, message, value, list = from_hex(pairs, room + 3, sizeof room - 3);
    size_t at = 0;
    tsr_fdo_info i;
    tsr_err err;

    memcpy(room, head, sizeof head);
    assert_int_equal(tsr_fdo_info_read(tsr_view(room, 3 + list.len), true, &i), TSR_OK);
    while ((err = tsr_fdo_values_next(&v, &i, &module, &message, &value)) == TSR_OK) {
        at += (size_t)snprintf(said + at, sizeof said - at, "%.*s:%.*s=", (int)module.len,
                               (const char *)module.ptr, (int)message.len,
                               (const char *)message.ptr);
        for (size_t n = 0; n < value.len; n++)
            at += (size_t)snprintf(said + at, sizeof said - at, "%02x", value.ptr[n]);
        at += (size_t)snprintf(said + at, sizeof said - at, " ");
    }
    (void)snprintf(said + at, sizeof said - at, "%s",
                   err == TSR_END ? "end" : err == TSR_E_MALFORMED ? "malformed" : "?");
    return said;
}

static void test_values_give_one_item_each(void **state)
{
    (void)state;
    begin(0);
    assert_string_equal(said_by(false, "82 82 63613a62 41 01 82 63613a63 43 820203"),
                        "a:b=01 a:c=820203 end");
    assert_string_equal(said_by(false, "80"), "end");
}

static void test_values_give_several_items_of_one(void **state)
{
    (void)state;
    begin(0);
    assert_string_equal(said_by(false, "81 82 63613a62 45 41aa f5 4107"),
                        "a:b=41aa a:b=f5 a:b=4107 end");
}

static void test_values_join_the_parts_of_an_item(void **state)
{
    (void)state;
    begin(sizeof memory);
    assert_string_equal(said_by(false, "83 82 63613a62 42 4401 82 63613a62 41 02"
                                       "82 63613a62 44 0304 07 41"),
                        "a:b=4401020304 a:b=07 malformed");
    begin(sizeof memory);
    assert_string_equal(said_by(true, "82 82 63613a62 41 01 82 63613a62 42 4301"),
                        "a:b=01 end");
    assert_string_equal(said_by(true, "80"), "end");
    assert_string_equal(said_by(true, "81 82 63613a62 41 02"), "end");
    assert_string_equal(said_by(false, "82 82 63613a62 42 0308 82 63613a63 41 f6"),
                        "a:b=43010203 a:b=08 a:c=f6 end");
}

static void test_values_refuse_what_does_not_follow(void **state)
{
    (void)state;
    begin(sizeof memory);
    assert_string_equal(said_by(false, "81 82 63613a62 41 41"), "malformed");
    begin(sizeof memory);
    assert_string_equal(said_by(true, "81 82 63613a62 41 41"), "end");
    assert_string_equal(said_by(true, "81 82 63613a63 41 07"), "malformed"); /* of another key */
    begin(sizeof memory);
    assert_string_equal(said_by(true, "81 82 63613a62 41 41"), "end");
    assert_string_equal(said_by(true, "81 82 6461613a62 41 07"), "malformed");
    begin(sizeof memory); /* a byte that begins no item is one whose rest never comes */
    assert_string_equal(said_by(false, "81 82 63613a62 41 1c"), "malformed");
}

static void test_values_keep_to_their_memory(void **state)
{
    (void)state;
    begin(0);
    assert_string_equal(said_by(true, "81 82 63613a62 41 41"), "malformed");
    begin(3);
    assert_string_equal(said_by(true, "81 82 63613a62 43 430102"), "end");
    assert_string_equal(said_by(true, "81 82 63613a62 41 03"), "malformed");
    begin(4);
    assert_string_equal(said_by(true, "81 82 63613a62 43 430102"), "end");
    assert_string_equal(said_by(true, "81 82 63613a62 41 03"), "a:b=43010203 end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_give_one_item_each),
        cmocka_unit_test(test_values_give_several_items_of_one),
        cmocka_unit_test(test_values_join_the_parts_of_an_item),
        cmocka_unit_test(test_values_refuse_what_does_not_follow),
        cmocka_unit_test(test_values_keep_to_their_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
