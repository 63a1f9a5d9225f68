/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of a device whose manufacture or onboarding was broken off and begun again: one voucher that
 * counts, and a trail to it. The device is one that go-fdo's client played (tests/vectors/fdo). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/fdo/inventory.h"
#include "server/rest/room.h"
#include "tests/server/fdo_house.h"

static tsr_bytes vector(const char *name, uint8_t *room, size_t cap)
{
    char path[300];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/tests/vectors/fdo/ec256-ecdh256-a128gcm/%s", TSR_SOURCE_DIR, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(room, 1, cap, f);
    (void)fclose(f);
    return tsr_view(room, n);
}

/* DI of the recorded device: always the same key, each time another GUID. */
static void make(fdo_house *h, uint8_t guid[TSR_FDO_GUID])
{
    uint8_t room[4096];
    char token[40];
    tsr_fdo_answer a;
    tsr_bytes header;
    tsr_fdo_ov_header ov;

    tsr_fdo_message(h->fdo, 10, NULL, vector("01-req-10.cbor", room, sizeof room), &a);
    assert_int_equal(tsr_fdo_set_credentials_read(tsr_buf_view(&a.body), &header), TSR_OK);
    assert_int_equal(tsr_fdo_ov_header_read(header, &ov), TSR_OK);
    memcpy(guid, ov.guid.ptr, TSR_FDO_GUID);
    memcpy(token, a.token, sizeof token);
    free(a.body.ptr);
    tsr_fdo_message(h->fdo, 12, token, vector("02-req-12.cbor", room, sizeof room), &a);
    assert_int_equal(a.type, 13);
    free(a.body.ptr);
}

static void expect(fdo_house *h, const uint8_t guid[TSR_FDO_GUID], const char *wants)
{
    char name[FDO_GUID_TEXT];
    tsr_buf body = { 0 };

    fdo_guid_text(tsr_view(guid, TSR_FDO_GUID), name);
    assert_int_equal(fdo_fetch(h->fdo, TSR_STORE_FDO_DEVICE, name, &body), TSR_OK);
    rest_room(&body, 1);
    body.ptr[body.len] = 0;
    if (strstr((const char *)body.ptr, wants) == NULL)
        fail_msg("no %s in %s", wants, (const char *)body.ptr);
    free(body.ptr);
}

static void expect_follower(fdo_house *h, const uint8_t guid[TSR_FDO_GUID], const char *key,
                            const uint8_t follower[TSR_FDO_GUID])
{
    char name[FDO_GUID_TEXT], wants[100];

    fdo_guid_text(tsr_view(follower, TSR_FDO_GUID), name);
    (void)snprintf(wants, sizeof wants, "\"%s\":\"%s\"", key, name);
    expect(h, guid, "\"state\":\"replaced\"");
    expect(h, guid, wants);
}

/* What the owner does with message 70 of a device that is given `guid`. */
static void replace(fdo_house *h, const uint8_t before[TSR_FDO_GUID], const uint8_t guid[TSR_FDO_GUID])
{
    static const fdo_device onboarded = { .state = "onboarded", .endpoint = "lamp-7" };
    tsr_buf room = { 0 }, header = { 0 }, voucher = { 0 };
    tsr_fdo_voucher old;
    tsr_fdo_ov_header next;

    assert_int_equal(fdo_inventory_voucher(h->fdo, tsr_view(before, TSR_FDO_GUID), &room), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_read(tsr_buf_view(&room), &old), TSR_OK);
    next = old.header;
    next.guid = tsr_view(guid, TSR_FDO_GUID);
    rest_room(&header, old.header.encoded.len + 64);
    tsr_fdo_ov_header_write(&header, &next);
    rest_room(&voucher, header.len + old.certificates.len + 128);
    tsr_fdo_voucher_write(&voucher, tsr_buf_view(&header), &old.hmac, old.certificates);
    assert_int_equal(voucher.err, TSR_OK);
    assert_int_equal(fdo_inventory_replace(h->fdo, &old, next.guid, tsr_buf_view(&voucher), &onboarded), TSR_OK);
    free(room.ptr);
    free(header.ptr);
    free(voucher.ptr);
}

static void test_manufacture_that_begins_again_leaves_one_that_counts(void **state)
{
    fdo_house *h = *state;
    uint8_t first[TSR_FDO_GUID], second[TSR_FDO_GUID], third[TSR_FDO_GUID], next[TSR_FDO_GUID] = { 9 };
    char name[FDO_GUID_TEXT];

    make(h, first);
    expect(h, first, "\"state\":\"manufactured\"");
    make(h, second);
    expect_follower(h, first, "made_again_as", second);
    expect(h, second, "\"state\":\"manufactured\"");
    fdo_guid_text(tsr_view(first, TSR_FDO_GUID), name);
    assert_false(fdo_inventory_is_over(h->fdo, name, INT64_MAX)); /* whoever replays 10 puts nobody out */
    replace(h, second, next);
    make(h, third); /* what was onboarded is no lost manufacture */
    expect_follower(h, second, "replaced_by", next);
    expect(h, next, "\"state\":\"onboarded\"");
    expect(h, third, "\"state\":\"manufactured\"");
}

typedef struct {
    fdo_house *house;
    uint8_t guid[TSR_FDO_GUID];
} attempt;

static void *try_at_once(void *arg)
{
    attempt *a = arg;

    make(a->house, a->guid);
    return NULL;
}

/* A device that was killed begins again while its last message is still on its way. */
static void test_manufactures_at_once_leave_one_that_counts(void **state)
{
    enum { AT_ONCE = 8 };
    static const char word[] = "\"manufactured\"";
    attempt all[AT_ONCE];
    pthread_t threads[AT_ONCE];
    char name[FDO_GUID_TEXT];
    unsigned counting = 0;

    for (int i = 0; i < AT_ONCE; i++) {
        all[i] = (attempt){ .house = *state };
        assert_int_equal(pthread_create(&threads[i], NULL, try_at_once, &all[i]), 0);
    }
    for (int i = 0; i < AT_ONCE; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < AT_ONCE; i++) {
        tsr_buf body = { 0 };

        fdo_guid_text(tsr_view(all[i].guid, TSR_FDO_GUID), name);
        assert_int_equal(fdo_fetch(all[i].house->fdo, TSR_STORE_FDO_DEVICE, name, &body), TSR_OK);
        rest_room(&body, 1);
        body.ptr[body.len] = 0;
        counting += strstr((const char *)body.ptr, word) != NULL;
        free(body.ptr);
    }
    assert_int_equal(counting, 1);
}

static void test_device_that_comes_again_is_given_the_same(void **state)
{
    static const fdo_device sold = { .state = "extended" };
    fdo_house *h = *state;
    uint8_t before[TSR_FDO_GUID], next[TSR_FDO_GUID] = { 9 }, found[TSR_FDO_GUID];
    char name[FDO_GUID_TEXT];

    make(h, before);
    assert_int_equal(fdo_inventory_next(h->fdo, tsr_view(before, TSR_FDO_GUID), found), TSR_E_NOT_FOUND);
    replace(h, before, next);
    expect_follower(h, before, "replaced_by", next);
    expect(h, next, "\"endpoint\":\"lamp-7\"");
    assert_int_equal(fdo_inventory_next(h->fdo, tsr_view(before, TSR_FDO_GUID), found), TSR_OK);
    assert_memory_equal(found, next, TSR_FDO_GUID);
    fdo_guid_text(tsr_view(next, TSR_FDO_GUID), name);
    assert_int_equal(fdo_inventory_note(h->fdo, name, &sold), TSR_OK);
    replace(h, before, next); /* as it was: it stays sold */
    expect(h, next, "\"state\":\"extended\"");
    assert_int_equal(fdo_forget(h->fdo, TSR_STORE_FDO_DEVICE, name), TSR_OK);
    replace(h, before, next); /* a kill came between voucher and device */
    expect(h, next, "\"state\":\"onboarded\"");
}

static void test_replaced_voucher_is_registered_for_a_bounded_time(void **state)
{
    fdo_house *h = *state;
    uint8_t before[TSR_FDO_GUID], next[TSR_FDO_GUID] = { 9 };
    char name[FDO_GUID_TEXT];
    int64_t now_ms = fdo_now_ms();

    make(h, before);
    replace(h, before, next);
    fdo_guid_text(tsr_view(before, TSR_FDO_GUID), name);
    assert_false(fdo_inventory_is_over(h->fdo, name, now_ms + FDO_COME_AGAIN_MS - 1));
    assert_true(fdo_inventory_is_over(h->fdo, name, fdo_now_ms() + 1000 + FDO_COME_AGAIN_MS));
    fdo_guid_text(tsr_view(next, TSR_FDO_GUID), name);
    assert_false(fdo_inventory_is_over(h->fdo, name, INT64_MAX));
}

/* --- groups ----------------------------------------------------------------------------- */

typedef struct {
    char text[1000];
} told;

static void tell(void *arg, const char *name, tsr_bytes body)
{
    told *t = arg;
    size_t at = strlen(t->text);

    (void)name;
    (void)snprintf(t->text + at, sizeof t->text - at, "%.*s", (int)body.len, (const char *)body.ptr);
}

static void expect_groups(fdo_house *h, const char *after, size_t limit, const char *wants)
{
    told t = { "" };

    assert_int_equal(tsr_fdo_group_list(h->fdo, after, limit, tell, &t), TSR_OK);
    assert_string_equal(t.text, wants);
}

static void tell_name(void *arg, const char *name, tsr_bytes body)
{
    told *t = arg;
    size_t at = strlen(t->text);

    (void)body;
    (void)snprintf(t->text + at, sizeof t->text - at, "%.4s ", name);
}

static void expect_members(fdo_house *h, const char *group, const char *after, size_t limit, const char *wants)
{
    told t = { "" };

    assert_int_equal(tsr_fdo_device_list(h->fdo, group, after, limit, tell_name, &t), TSR_OK);
    assert_string_equal(t.text, wants);
}

/* What the inventory keeps of a device, without its voucher. */
static void keep_device(fdo_house *h, const char *name, const char *group)
{
    char body[200];

    (void)snprintf(body, sizeof body, "{\"guid\":\"%s\",\"state\":\"imported\",\"entries\":0}", name);
    assert_int_equal(fdo_keep(h->fdo, TSR_STORE_FDO_DEVICE, name, "", 0, tsr_text(body)), TSR_OK);
    assert_int_equal(fdo_inventory_note(h->fdo, name, &(fdo_device){ .group = group }), TSR_OK);
}

static void set_plan(fdo_house *h, const char *name, const char *plan)
{
    char why[200];

    assert_int_equal(tsr_fdo_plan_set(h->fdo, name, tsr_text(plan), why, sizeof why), TSR_OK);
}

/* Groups are those of plans and those of devices, page by page; a device that moves is in its new group alone. */
static void test_groups_are_read_by_the_page(void **state)
{
    static const char *const guids[] = { "0001000000000000000000000000000a", "0002000000000000000000000000000a",
                                         "0003000000000000000000000000000a", "0004000000000000000000000000000a" };
    fdo_house *h = *state;

    set_plan(h, "clocks", "{\"steps\":[],\"device_info\":\"c*\"}");
    set_plan(h, "lamps", "{\"steps\":[]}");
    set_plan(h, "default", "{\"steps\":[]}");
    set_plan(h, guids[0], "{\"steps\":[]}");
    keep_device(h, guids[0], "lamps");
    keep_device(h, guids[1], "lamps");
    keep_device(h, guids[2], "lamps");
    keep_device(h, guids[3], "gone");
    expect_groups(h, NULL, 0, "{\"name\":\"clocks\",\"plan\":true,\"devices\":0,\"device_info\":\"c*\"}"
                              "{\"name\":\"gone\",\"plan\":false,\"devices\":1}"
                              "{\"name\":\"lamps\",\"plan\":true,\"devices\":3}");
    expect_groups(h, NULL, 1, "{\"name\":\"clocks\",\"plan\":true,\"devices\":0,\"device_info\":\"c*\"}");
    expect_groups(h, "clocks", 1, "{\"name\":\"gone\",\"plan\":false,\"devices\":1}");
    expect_groups(h, "gone", 1, "{\"name\":\"lamps\",\"plan\":true,\"devices\":3}");
    expect_groups(h, "lamps", 1, "");
    expect_members(h, "lamps", NULL, 2, "0001 0002 ");
    expect_members(h, "lamps", guids[1], 2, "0003 ");
    assert_int_equal(fdo_inventory_note(h->fdo, guids[1], &(fdo_device){ .group = "gone" }), TSR_OK);
    assert_int_equal(fdo_inventory_note(h->fdo, guids[0], &(fdo_device){ .endpoint = "lamp-1" }), TSR_OK); /* in it */
    assert_int_equal(fdo_forget(h->fdo, TSR_STORE_FDO_DEVICE, guids[3]), TSR_OK);
    expect_members(h, "lamps", NULL, 0, "0001 0003 ");
    expect_members(h, "gone", NULL, 0, "0002 ");
    expect_members(h, "clocks", NULL, 0, "");
    expect_members(h, NULL, NULL, 0, "0001 0002 0003 ");
    assert_int_equal(tsr_fdo_plan_delete(h->fdo, "clocks"), TSR_OK);
    assert_int_equal(fdo_inventory_note(h->fdo, guids[1], &(fdo_device){ .group = "" }), TSR_OK);
    expect_groups(h, NULL, 0, "{\"name\":\"lamps\",\"plan\":true,\"devices\":2}");
}

/* Its group goes along; the one that it was is listed, and not counted. */
static void test_replaced_device_is_not_counted(void **state)
{
    fdo_house *h = *state;
    uint8_t before[TSR_FDO_GUID], next[TSR_FDO_GUID] = { 9 };
    char name[FDO_GUID_TEXT];

    set_plan(h, "lamps", "{\"steps\":[]}");
    make(h, before);
    fdo_guid_text(tsr_view(before, TSR_FDO_GUID), name);
    assert_int_equal(fdo_inventory_note(h->fdo, name, &(fdo_device){ .group = "lamps" }), TSR_OK);
    replace(h, before, next);
    expect(h, next, "\"group\":\"lamps\"");
    expect_groups(h, NULL, 0, "{\"name\":\"lamps\",\"plan\":true,\"devices\":1}");
    assert_int_equal(fdo_inventory_note(h->fdo, name, &(fdo_device){ .group = "" }), TSR_OK);
    expect_members(h, "lamps", NULL, 0, "0900 ");
    expect_groups(h, NULL, 0, "{\"name\":\"lamps\",\"plan\":true,\"devices\":1}");
}

/* A voucher that is imported again, by whoever had it meanwhile, leaves the device where it was; one that was replaced
 * counts again. */
static void test_imported_again_it_is_in_its_group(void **state)
{
    static const fdo_device imported = { .state = "imported" };
    fdo_house *h = *state;
    uint8_t guid[TSR_FDO_GUID], next[TSR_FDO_GUID] = { 9 };
    char name[FDO_GUID_TEXT];
    tsr_buf voucher = { 0 };

    set_plan(h, "lamps", "{\"steps\":[]}");
    make(h, guid);
    fdo_guid_text(tsr_view(guid, TSR_FDO_GUID), name);
    assert_int_equal(fdo_inventory_note(h->fdo, name, &(fdo_device){ .group = "lamps" }), TSR_OK);
    assert_int_equal(fdo_inventory_voucher(h->fdo, tsr_view(guid, TSR_FDO_GUID), &voucher), TSR_OK);
    assert_int_equal(fdo_inventory_add(h->fdo, tsr_view(guid, TSR_FDO_GUID), tsr_buf_view(&voucher), &imported), TSR_OK);
    expect_groups(h, NULL, 0, "{\"name\":\"lamps\",\"plan\":true,\"devices\":1}");
    replace(h, guid, next);
    expect_groups(h, NULL, 0, "{\"name\":\"lamps\",\"plan\":true,\"devices\":1}");
    assert_int_equal(fdo_inventory_add(h->fdo, tsr_view(guid, TSR_FDO_GUID), tsr_buf_view(&voucher), &imported), TSR_OK);
    expect_groups(h, NULL, 0, "{\"name\":\"lamps\",\"plan\":true,\"devices\":2}");
    free(voucher.ptr);
}

static void *move_about(void *arg)
{
    const attempt *a = arg;
    char name[FDO_GUID_TEXT];

    fdo_guid_text(tsr_view(a->guid, TSR_FDO_GUID), name);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(fdo_inventory_note(a->house->fdo, name, &(fdo_device){ .group = i % 2 ? "lamps" : "pumps" }),
                         TSR_OK);
    return NULL;
}

/* An operator moves a device that is onboarded meanwhile: neither undoes the other. */
static void test_group_that_is_set_while_a_device_onboards(void **state)
{
    fdo_house *h = *state;

    for (uint8_t round = 1; round <= 20; round++) {
        attempt a = { .house = h };
        uint8_t next[TSR_FDO_GUID] = { 9, round };
        pthread_t thread;

        make(h, a.guid);
        assert_int_equal(pthread_create(&thread, NULL, move_about, &a), 0);
        replace(h, a.guid, next);
        assert_int_equal(pthread_join(thread, NULL), 0);
        expect_follower(h, a.guid, "replaced_by", next);
        expect(h, a.guid, "\"group\":\"lamps\"");
        expect(h, next, "\"state\":\"onboarded\"");
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fdo_house_enter, fdo_house_leave)
    const struct CMUnitTest tests[] = {
        TEST(test_manufacture_that_begins_again_leaves_one_that_counts),
        TEST(test_manufactures_at_once_leave_one_that_counts),
        TEST(test_device_that_comes_again_is_given_the_same),
        TEST(test_replaced_voucher_is_registered_for_a_bounded_time),
        TEST(test_groups_are_read_by_the_page),
        TEST(test_replaced_device_is_not_counted),
        TEST(test_imported_again_it_is_in_its_group),
        TEST(test_group_that_is_set_while_a_device_onboards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
