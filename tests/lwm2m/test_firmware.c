/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 5, by itself: every transition of its state machine and every refusal (Core E.6); and
 * through the client: packages in one message and in blocks, what is saved and what a restart finds. */
#include <stdio.h>

#include "tessera/lwm2m/client/stream.h"
#include "tessera/lwm2m/objects/firmware.h"
#include "tests/lwm2m/rig.h"

enum { IDLE, DOWNLOADING, DOWNLOADED, UPDATING, ROOM = 8192 };

/* A backend in memory that does what the test says. */
typedef struct {
    uint8_t bytes[ROOM];
    uint32_t len;
    unsigned begun, finished, aborted;
    tsr_lwm2m_firmware_result begin, write, finish;
    tsr_lwm2m_firmware firmware;
    tsr_lwm2m_object object;
} store;

static tsr_lwm2m_firmware_result begin(void *user)
{
    store *s = user;

    s->begun++;
    s->len = 0;
    return s->begin;
}

static tsr_lwm2m_firmware_result put(void *user, uint32_t offset, tsr_bytes part)
{
    store *s = user;

    assert_int_equal(offset, s->len);
    assert_int_equal(offset % 16, 0);
    if (part.len > ROOM - offset)
        return TSR_LWM2M_FIRMWARE_NO_FLASH;
    memcpy(s->bytes + offset, part.ptr, part.len);
    s->len += (uint32_t)part.len;
    return s->write;
}

static tsr_lwm2m_firmware_result finish(void *user)
{
    store *s = user;

    s->finished++;
    return s->finish;
}

static void give_up(void *user) { ((store *)user)->aborted++; }

static const tsr_lwm2m_firmware_backend backend = { begin, put, finish, give_up };

static store *fresh(void)
{
    static store s;

    s = (store){ 0 };
    tsr_lwm2m_firmware_init(&s.firmware, &backend, &s);
    s.firmware.protocols = 1 << TSR_LWM2M_PROTOCOL_COAP;
    s.object = tsr_lwm2m_firmware_object(&s.firmware);
    return &s;
}

static tsr_err write(store *s, uint16_t resource, tsr_bytes value)
{
    const tsr_lwm2m_content content = { resource == 0 ? TSR_LWM2M_FORMAT_OCTETS : TSR_LWM2M_FORMAT_TEXT, value, { NULL, 0 } };
    uint8_t room[512];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_path at = { 5, 0, resource, 0, 3 };

    return tsr_lwm2m_object_write(&s->object, at, TSR_LWM2M_REPLACE, &content, &scratch);
}

static tsr_err run(store *s, uint16_t resource)
{
    return tsr_lwm2m_object_execute(&s->object, (tsr_lwm2m_path){ 5, 0, resource, 0, 3 },
                                    tsr_text(""));
}

#define assert_stands(s, at, why)                     \
    do {                                              \
        assert_int_equal((s)->firmware.state, at);    \
        assert_int_equal((s)->firmware.result, why);  \
    } while (0)

static store *downloaded(void)
{
    store *s = fresh();

    assert_int_equal(write(s, 0, tsr_text("package")), TSR_OK);
    assert_stands(s, DOWNLOADED, 0);
    return s;
}

static store *updating(void)
{
    store *s = downloaded();

    assert_int_equal(run(s, 2), TSR_OK);
    assert_stands(s, UPDATING, 0);
    assert_true(s->firmware.install);
    return s;
}

static store *pulling(void)
{
    store *s = fresh();

    assert_int_equal(write(s, 1, tsr_text("coap://192.0.2.1/fw")), TSR_OK);
    assert_stands(s, DOWNLOADING, 0);
    assert_true(s->firmware.fetch);
    assert_int_equal(s->begun, 0);
    return s;
}

static void test_package_in_one_write(void **state)
{
    store *s = downloaded();

    (void)state;
    assert_memory_equal(s->bytes, "package", 7);
    assert_int_equal(s->begun, 1);
    assert_int_equal(s->finished, 1);
    assert_true(s->firmware.changed);
}

static void test_update_then_success_or_failure(void **state)
{
    store *s = updating();

    (void)state;
    tsr_lwm2m_firmware_done(&s->firmware, TSR_LWM2M_FIRMWARE_SUCCESS);
    assert_stands(s, IDLE, 1);
    assert_false(s->firmware.install);
    assert_int_equal(s->aborted, 0);
    assert_int_equal(run(s, 10), TSR_E_DENIED); /* it is done: too late to cancel */
    s = updating();
    tsr_lwm2m_firmware_done(&s->firmware, TSR_LWM2M_FIRMWARE_FAILED);
    assert_stands(s, IDLE, 8);
}

static void test_update_only_when_downloaded(void **state)
{
    store *s = fresh();

    (void)state;
    assert_int_equal(run(s, 2), TSR_E_DENIED);
    assert_stands(s, IDLE, 0);
    s = pulling();
    assert_int_equal(run(s, 2), TSR_E_DENIED);
    assert_stands(s, DOWNLOADING, 0);
    s = updating();
    s->firmware.install = false;
    assert_int_equal(run(s, 2), TSR_E_DENIED);
    assert_false(s->firmware.install);
    s = downloaded();
    assert_int_equal(tsr_lwm2m_object_execute(&s->object, (tsr_lwm2m_path){ 5, 0, 2, 0, 3 },
                                              tsr_text("0='x'")), TSR_E_ARGUMENT);
    assert_stands(s, DOWNLOADED, 0);
}

static void test_reset_by_empty_package_and_empty_uri(void **state)
{
    static const uint8_t nul[1];
    const struct { uint16_t resource; tsr_bytes value; } resets[] = {
        { 0, { nul, 1 } }, { 0, { nul, 0 } }, { 1, { nul, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        store *s = downloaded();

        assert_int_equal(write(s, resets[i].resource, resets[i].value), TSR_OK);
        assert_stands(s, IDLE, 0);
        assert_int_equal(s->aborted, 1);
        s = pulling();
        assert_int_equal(write(s, resets[i].resource, resets[i].value), TSR_OK);
        assert_stands(s, IDLE, 0);
        assert_string_equal(s->firmware.uri, "");
        assert_false(s->firmware.fetch);
        s = fresh();
        s->finish = TSR_LWM2M_FIRMWARE_INTEGRITY;
        (void)write(s, 0, tsr_text("bad"));
        assert_stands(s, IDLE, 5);
        assert_int_equal(write(s, resets[i].resource, resets[i].value), TSR_OK);
        assert_stands(s, IDLE, 0);
        s = updating();
        assert_int_equal(write(s, resets[i].resource, resets[i].value), TSR_E_DENIED);
        assert_stands(s, UPDATING, 0);
    }
}

static void test_new_package_only_when_idle(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        store *s = i == 0 ? downloaded() : i == 1 ? pulling() : updating();
        unsigned begun = s->begun, was = s->firmware.state;

        assert_int_equal(write(s, 0, tsr_text("another")), TSR_E_DENIED);
        assert_int_equal(write(s, 1, tsr_text("coap://a/b")), TSR_E_DENIED);
        assert_int_equal(tsr_lwm2m_firmware_push(&s->firmware, 1, 0, tsr_text("x"), true, 5),
                         TSR_E_DENIED);
        assert_int_equal(s->begun, begun);
        assert_int_equal(s->firmware.state, was);
    }
}

static void test_cancel(void **state)
{
    store *s = fresh();

    (void)state;
    assert_int_equal(run(s, 10), TSR_E_DENIED);
    s = pulling();
    assert_int_equal(run(s, 10), TSR_OK);
    assert_stands(s, IDLE, 10);
    assert_int_equal(tsr_lwm2m_firmware_pull(&s->firmware, 0, tsr_text("late"), false), TSR_E_DENIED);
    s = downloaded();
    assert_int_equal(run(s, 10), TSR_OK);
    assert_stands(s, IDLE, 10);
    assert_int_equal(s->aborted, 1);
    s = updating();
    assert_int_equal(run(s, 10), TSR_E_DENIED);
    assert_stands(s, UPDATING, 0);
}

/* RFC 3986 §3.1 */
static void test_uri_that_cannot_be(void **state)
{
    static const struct { const char *uri; int result; } cases[] = {
        { "http://a/b", 9 },  { "coaps://a/b", 9 }, { "https://a", 9 }, { "ftp://a/b", 9 },
        { "coap+tcp://a", 9 }, { "coap:/a", 7 },    { "coap://", 7 },   { "coap:///b", 7 },
        { "/fw", 7 },          { "x", 7 },          { "://a", 7 },
    };
    char longest[300];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store *s = fresh();

        assert_int_equal(write(s, 1, tsr_text(cases[i].uri)), TSR_OK);
        assert_stands(s, IDLE, cases[i].result);
        assert_false(s->firmware.fetch);
        assert_int_equal(write(s, 1, tsr_text("coap://a/b")), TSR_OK); /* the next try */
        assert_stands(s, DOWNLOADING, 0);
    }
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "coap://", 7);
    assert_int_equal(write(fresh(), 1, tsr_view(longest, 255)), TSR_OK);
    assert_int_equal(write(fresh(), 1, tsr_view(longest, 256)), TSR_E_TYPE);
    longest[20] = '\0';
    assert_int_equal(write(fresh(), 1, tsr_view(longest, 40)), TSR_E_TYPE);
}

static void test_pull_part_by_part(void **state)
{
    store *s = pulling();

    (void)state;
    assert_int_equal(tsr_lwm2m_firmware_pull(&s->firmware, 16, tsr_text("x"), false), TSR_E_STATE);
    assert_int_equal(tsr_lwm2m_firmware_pull(&s->firmware, 0, tsr_text("0123456789abcdef"), false),
                     TSR_OK);
    assert_int_equal(s->firmware.offset, 16);
    assert_int_equal(tsr_lwm2m_firmware_push(&s->firmware, 1, 16, tsr_text("x"), true, 5),
                     TSR_E_DENIED);
    assert_int_equal(tsr_lwm2m_firmware_pull(&s->firmware, 16, tsr_text("end"), true), TSR_OK);
    assert_stands(s, DOWNLOADED, 0);
    assert_memory_equal(s->bytes, "0123456789abcdefend", 19);
    assert_string_equal(s->firmware.uri, "coap://192.0.2.1/fw");
    for (int result = 2; result <= 9; result++) {
        s = pulling();
        tsr_lwm2m_firmware_fail(&s->firmware, (tsr_lwm2m_firmware_result)result);
        assert_stands(s, IDLE, result);
        tsr_lwm2m_firmware_fail(&s->firmware, TSR_LWM2M_FIRMWARE_FAILED); /* nothing runs */
        assert_stands(s, IDLE, result);
    }
}

/* LwM2M-1.1-int-774: out of RAM is 3, as the object says (the case says 2); the rest is real in
 * conformance/test_device_firmware.py. */
static void test_what_the_backend_refuses(void **state)
{
    store *s = fresh();

    (void)state;
    s->begin = TSR_LWM2M_FIRMWARE_NO_RAM;
    assert_int_equal(tsr_lwm2m_firmware_push(&s->firmware, 1, 0, tsr_text("x"), false, 5), TSR_E_SPACE);
    assert_stands(s, IDLE, 3);
    s->begin = TSR_LWM2M_FIRMWARE_FAILED;
    assert_int_equal(tsr_lwm2m_firmware_push(&s->firmware, 1, 0, tsr_text("x"), false, 5), TSR_E_IO);
    assert_stands(s, IDLE, 8);
    s = fresh();
    s->write = TSR_LWM2M_FIRMWARE_NO_FLASH;
    assert_int_equal(tsr_lwm2m_firmware_push(&s->firmware, 1, 0, tsr_text("x"), false, 5), TSR_E_SPACE);
    assert_stands(s, IDLE, 2);
    s = fresh();
    s->finish = TSR_LWM2M_FIRMWARE_TYPE;
    assert_int_equal(tsr_lwm2m_firmware_push(&s->firmware, 1, 0, tsr_text("x"), true, 5), TSR_OK);
    assert_stands(s, IDLE, 6);
    assert_int_equal(s->aborted, 1);
}

static void test_push_that_pauses_is_lost(void **state)
{
    store *s = fresh();
    tsr_lwm2m_firmware *f = &s->firmware;
    const tsr_bytes part = tsr_text("0123456789abcdef");

    (void)state;
    f->push_wait_ms = 1000;
    assert_true(tsr_lwm2m_firmware_due_ms(f) == UINT64_MAX);
    assert_int_equal(tsr_lwm2m_firmware_push(f, 1, 0, part, false, 5000), TSR_OK);
    assert_int_equal(tsr_lwm2m_firmware_push(f, 2, 0, part, false, 5000), TSR_E_DENIED);
    assert_int_equal(tsr_lwm2m_firmware_push(f, 1, 32, part, false, 5500), TSR_E_STATE);
    assert_int_equal(tsr_lwm2m_firmware_push(f, 1, 16, part, false, 5900), TSR_OK);
    tsr_lwm2m_firmware_step(f, 6899);
    assert_stands(s, DOWNLOADING, 0);
    tsr_lwm2m_firmware_step(f, tsr_lwm2m_firmware_due_ms(f));
    assert_stands(s, IDLE, 4);
    assert_int_equal(tsr_lwm2m_firmware_push(f, 1, 32, part, true, 7000), TSR_E_STATE);
    assert_int_equal(tsr_lwm2m_firmware_push(f, 2, 0, part, false, 7000), TSR_OK);
    assert_int_equal(tsr_lwm2m_firmware_push(f, 2, 0, part, true, 7000), TSR_OK); /* begun anew */
    assert_stands(s, DOWNLOADED, 0);
    assert_int_equal(s->len, 16);
}

static void test_automatic_upgrade(void **state)
{
    store *s = fresh();

    (void)state;
    assert_int_equal(write(s, 14, tsr_text("1")), TSR_OK);
    assert_int_equal(write(s, 0, tsr_text("package")), TSR_OK);
    assert_stands(s, UPDATING, 0);
    assert_true(s->firmware.install);
}

static tsr_lwm2m_firmware kept(store *s, tsr_err expected)
{
    uint8_t room[512];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_firmware *f = &s->firmware;

    s->object.handlers->save(f, &out);
    assert_int_equal(out.err, TSR_OK);
    tsr_lwm2m_firmware_init(f, &backend, s);
    assert_int_equal(s->object.handlers->load(f, tsr_buf_view(&out)), expected);
    return *f;
}

static void test_restart_in_every_state(void **state)
{
    store *s = fresh();

    (void)state;
    (void)tsr_lwm2m_firmware_push(&s->firmware, 1, 0, tsr_text("0123456789abcdef"), false, 5);
    (void)kept(s, TSR_OK);
    tsr_lwm2m_firmware_resume(&s->firmware, 16, false);
    assert_stands(s, IDLE, 4);
    s = downloaded();
    (void)kept(s, TSR_OK);
    tsr_lwm2m_firmware_resume(&s->firmware, 0, true);
    assert_stands(s, DOWNLOADED, 0);
    tsr_lwm2m_firmware_resume(&s->firmware, 0, false);
    assert_stands(s, IDLE, 5);
    s = updating();
    (void)kept(s, TSR_OK);
    tsr_lwm2m_firmware_resume(&s->firmware, 0, false);
    assert_stands(s, UPDATING, 0);
    assert_false(s->firmware.install); /* the host finds out */
    s = pulling();
    (void)kept(s, TSR_OK);
    tsr_lwm2m_firmware_resume(&s->firmware, 64, false);
    assert_stands(s, DOWNLOADING, 0);
    assert_true(s->firmware.fetch);
    assert_int_equal(s->firmware.offset, 0); /* without ETag nobody knows whether it is the same */
    s->firmware.etag_len = 4;
    (void)kept(s, TSR_OK);
    tsr_lwm2m_firmware_resume(&s->firmware, 64, false);
    assert_int_equal(s->firmware.offset, 64);
    assert_string_equal(s->firmware.uri, "coap://192.0.2.1/fw");
    assert_int_equal(tsr_lwm2m_firmware_pull(&s->firmware, 0, tsr_text("x"), true), TSR_OK);
}

/* What could not be saved is taken back by load(), in the midst of a download. */
static void test_download_goes_on_when_a_request_is_taken_back(void **state)
{
    store *s = pulling();
    tsr_lwm2m_firmware *f = &s->firmware;
    uint8_t room[512];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    s->object.handlers->save(f, &out);
    assert_int_equal(s->object.handlers->load(f, tsr_buf_view(&out)), TSR_OK);
    assert_true(f->fetch); /* nobody has begun it yet */
    f->fetch = false;
    assert_int_equal(tsr_lwm2m_firmware_pull(f, 0, tsr_text("0123456789abcdef"), false), TSR_OK);
    assert_int_equal(s->object.handlers->load(f, tsr_buf_view(&out)), TSR_OK);
    assert_false(f->fetch);
    assert_int_equal(tsr_lwm2m_firmware_pull(f, 16, tsr_text("x"), false), TSR_OK);
    assert_int_equal(run(s, 10), TSR_OK); /* what it had is gone: it is fetched anew */
    assert_int_equal(s->object.handlers->load(f, tsr_buf_view(&out)), TSR_OK);
    assert_stands(s, DOWNLOADING, 0);
    assert_true(f->fetch);
    assert_int_equal(f->offset, 0);
}

static void test_damaged_state_is_refused(void **state)
{
    store *s = pulling();
    uint8_t room[512];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    s->firmware.etag_len = 64;
    s->object.handlers->save(&s->firmware, &out);
    for (size_t len = 0; len < 17 + 64; len++) {
        tsr_lwm2m_firmware before = s->firmware;

        assert_int_equal(s->object.handlers->load(&s->firmware, tsr_view(room, len)), TSR_E_MALFORMED);
        assert_memory_equal(&before, &s->firmware, sizeof before);
    }
    for (size_t i = 0; i < 4; i++) {
        uint8_t was = room[i];

        room[i] = 0xff;
        assert_int_equal(s->object.handlers->load(&s->firmware, tsr_buf_view(&out)), TSR_E_MALFORMED);
        room[i] = was;
    }
}

/* ---- through the client ---- */

static store *placed;
static tsr_lwm2m_stream stream;

static tsr_err part(void *user, uint32_t source, uint32_t offset, tsr_bytes bytes, bool last,
                    uint64_t now_ms)
{
    return tsr_lwm2m_firmware_push(user, source, offset, bytes, last, now_ms);
}

/* Places the object between Monitoring (4) and Statistics (7). */
static void attach(rig *r)
{
    memmove(&r->objects[4], &r->objects[3], 4 * sizeof r->objects[0]);
    r->objects[3] = placed->object;
    r->registry.count = 8;
    stream = (tsr_lwm2m_stream){ .at = { 5, 0, 0, 0, 3 }, .part = part, .user = &placed->firmware };
    tsr_lwm2m_client_stream(&r->client, &stream);
}

static rig *device(void)
{
    rig *r;

    placed = fresh();
    rig_attach = attach;
    r = rig_new(2);
    rig_register(r);
    return r;
}

static void end(rig *r)
{
    rig_free(r);
    rig_attach = NULL;
}

/* Transport 6.1. CON PUT /5/0/0, Block1 with blocks of 1,024 bytes; returns the code of the answer. `tag`: a
 * Request-Tag of one byte; 0: none. */
static unsigned put_tagged(rig *r, uint8_t tag, uint32_t num, bool more, size_t len, uint8_t fill)
{
    static uint16_t mid = 0x1000;
    static char hex[2 * 1024 + 64];
    char reply[64];
    unsigned code;
    int n = snprintf(hex, sizeof hex, "4103%04x2a b135 0130 0130 112a d102%02x ", mid++,
                     (unsigned)(num << 4 | (unsigned)more << 3 | 6));

    assert_true(num < 16);
    if (tag != 0)
        n += snprintf(hex + n, sizeof hex - (size_t)n, "d1fc%02x ", tag);
    n += snprintf(hex + n, sizeof hex - (size_t)n, " ff");
    for (size_t i = 0; i < len; i++)
        n += snprintf(hex + n, sizeof hex - (size_t)n, "%02x", fill);
    if (len == 0)
        hex[n - 3] = '\0';
    (void)snprintf(reply, sizeof reply, "%s", rig_raw(r, hex));
    assert_int_equal(sscanf(reply, "61%2x", &code), 1);
    return code;
}

static unsigned put_block(rig *r, uint32_t num, bool more, size_t len, uint8_t fill)
{
    return put_tagged(r, 0, num, more, len, fill);
}

/* Longer than the 4,096 bytes of a body, and so than anything the client holds. */
static void test_client_streams_a_package_longer_than_its_bodies(void **state)
{
    rig *r = device();
    size_t saves = r->saves;

    (void)state;
    assert_text(rig_get(r, "/5/0/3", 0), "0");
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(put_block(r, i, true, 1024, (uint8_t)i), TSR_COAP_CONTINUE);
        assert_text(rig_get(r, "/5/0/3", 0), "1");
    }
    assert_int_equal(r->saves, saves + 1); /* that it began, and no more: flash wears */
    assert_int_equal(put_block(r, 5, false, 77, 5), TSR_COAP_CHANGED);
    assert_text(rig_get(r, "/5/0/3", 0), "2");
    assert_int_equal(placed->len, 5 * 1024 + 77);
    for (uint32_t i = 0; i < placed->len; i++)
        assert_int_equal(placed->bytes[i], i / 1024);
    assert_int_equal(r->saves, saves + 2);
    end(r);
}

static void test_client_refuses_blocks_that_do_not_follow(void **state)
{
    rig *r = device();

    (void)state;
    assert_int_equal(put_block(r, 3, true, 1024, 1), TSR_COAP_INCOMPLETE);
    assert_text(rig_get(r, "/5/0/3", 0), "0");
    assert_int_equal(put_block(r, 0, true, 1024, 1), TSR_COAP_CONTINUE);
    assert_int_equal(put_block(r, 2, true, 1024, 1), TSR_COAP_INCOMPLETE);
    assert_int_equal(put_block(r, 1, true, 1000, 1), TSR_COAP_BAD_REQUEST);
    assert_int_equal(put_block(r, 0, true, 1024, 2), TSR_COAP_CONTINUE); /* from the start again */
    assert_int_equal(put_block(r, 1, false, 16, 3), TSR_COAP_CHANGED);
    assert_int_equal(placed->len, 1040);
    assert_int_equal(placed->bytes[1023], 2);
    assert_int_equal(put_block(r, 0, true, 1024, 4), TSR_COAP_METHOD_NOT_ALLOWED);
    end(r);
}

/* RFC 9175 §3.3: blocks with different Request-Tags are of different packages. */
static void test_client_does_not_mix_packages(void **state)
{
    rig *r = device();

    (void)state;
    assert_int_equal(put_tagged(r, 'a', 0, true, 1024, 1), TSR_COAP_CONTINUE);
    assert_int_equal(put_tagged(r, 'b', 1, true, 1024, 9), TSR_COAP_INCOMPLETE);
    assert_int_equal(put_tagged(r, 0, 1, true, 1024, 9), TSR_COAP_INCOMPLETE);
    assert_int_equal(put_tagged(r, 'a', 1, true, 1024, 1), TSR_COAP_CONTINUE);
    assert_int_equal(put_tagged(r, 'b', 0, true, 1024, 2), TSR_COAP_CONTINUE); /* another begins */
    assert_int_equal(put_tagged(r, 'a', 2, true, 1024, 1), TSR_COAP_INCOMPLETE);
    assert_int_equal(put_tagged(r, 'b', 1, false, 7, 2), TSR_COAP_CHANGED);
    assert_int_equal(placed->len, 1031);
    for (uint32_t i = 0; i < placed->len; i++)
        assert_int_equal(placed->bytes[i], 2);
    end(r);
}

static void test_client_says_when_there_is_no_room(void **state)
{
    rig *r = device();
    uint32_t i = 0;

    (void)state;
    while (i < ROOM / 1024)
        assert_int_equal(put_block(r, i++, true, 1024, 1), TSR_COAP_CONTINUE);
    assert_int_equal(put_block(r, i, true, 1024, 1), TSR_COAP_TOO_LARGE);
    assert_text(rig_get(r, "/5/0/3", 0), "0");
    assert_text(rig_get(r, "/5/0/5", 0), "2");
    end(r);
}

/* Other formats and other resources are bodies as ever. */
static void test_client_streams_octets_of_package_only(void **state)
{
    static char text[1601];
    rig *r = device();

    (void)state;
    memset(text, 'A', sizeof text - 1);
    assert_code(rig_put(r, "/5/0/0", 0, text), 2, 04); /* Base64 */
    assert_int_equal(placed->len, 1200);
    assert_int_equal(placed->bytes[7], 0);
    assert_text(rig_get(r, "/5/0/3", 0), "2");
    assert_code(rig_put(r, "/5/0/0", 42, ""), 2, 04);
    assert_text(rig_get(r, "/5/0/3", 0), "0");
    assert_code(rig_put(r, "/5/0/3", 0, "1"), 4, 05);
    assert_code(rig_get(r, "/5/0/0", 0), 4, 05);
    end(r);
}

static void test_client_keeps_the_state_over_a_restart(void **state)
{
    rig *r = device();

    (void)state;
    assert_code(rig_put(r, "/5/0/11", 0, "0"), 2, 04);
    assert_code(rig_put(r, "/5/0/11", 0, "3"), 4, 00);
    assert_code(rig_put(r, "/5/0/13", 0, "3600"), 2, 04);
    assert_code(rig_put(r, "/5/0/0", 42, "a package"), 2, 04);
    assert_code(rig_post(r, "/5/0/2", -1, ""), 2, 04);
    tsr_lwm2m_firmware_init(&placed->firmware, &backend, placed);
    rig_restart(r);
    rig_register(r);
    assert_text(rig_get(r, "/5/0/3", 0), "3");
    assert_text(rig_get(r, "/5/0/11", 0), "0");
    assert_text(rig_get(r, "/5/0/13", 0), "3600");
    assert_code(rig_post(r, "/5/0/2", -1, ""), 4, 05);
    assert_code(rig_put(r, "/5/0/0", 42, "another"), 4, 05);
    end(r);
}

/* What cannot be kept has not happened. */
static void test_client_takes_back_what_it_cannot_save(void **state)
{
    rig *r = device();

    (void)state;
    assert_code(rig_put(r, "/5/0/0", 42, "a package"), 2, 04);
    r->save_err = TSR_E_IO;
    assert_code(rig_post(r, "/5/0/2", -1, ""), 5, 00);
    assert_int_equal(placed->firmware.state, DOWNLOADED);
    assert_false(placed->firmware.install);
    end(r);
}

static void test_client_shows_what_it_has(void **state)
{
    rig *r = device();

    (void)state;
    assert_text(rig_get(r, "/5?depth=0", 40), "</5>;ver=1.2");
    assert_text(rig_get(r, "/5/0/9", 0), "2");
    assert_text(rig_get(r, "/5/0/8/0", 0), "0");
    assert_text(rig_get(r, "/5/0/11", 0), "1");
    assert_code(rig_get(r, "/5/0/7", 0), 4, 04);
    assert_code(rig_get(r, "/5/0/12", 0), 4, 04);
    strcpy(placed->firmware.version, "2.1.0");
    placed->firmware.unix_s = 1700000000;
    assert_text(rig_get(r, "/5/0/7", 0), "2.1.0");
    assert_code(rig_put(r, "/5/0/1", 0, "coap://192.0.2.1/a"), 2, 04);
    assert_text(rig_get(r, "/5/0/12", 0), "1700000000");
    assert_text(rig_get(r, "/5/0/1", 0), "coap://192.0.2.1/a");
    assert_code(rig_delete(r, "/5/0"), 4, 05);
    placed->firmware.protocols = 0;
    assert_text(rig_get(r, "/5/0/9", 0), "1");
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_package_in_one_write),
        cmocka_unit_test(test_update_then_success_or_failure),
        cmocka_unit_test(test_update_only_when_downloaded),
        cmocka_unit_test(test_reset_by_empty_package_and_empty_uri),
        cmocka_unit_test(test_new_package_only_when_idle),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_uri_that_cannot_be),
        cmocka_unit_test(test_pull_part_by_part),
        cmocka_unit_test(test_what_the_backend_refuses),
        cmocka_unit_test(test_push_that_pauses_is_lost),
        cmocka_unit_test(test_automatic_upgrade),
        cmocka_unit_test(test_restart_in_every_state),
        cmocka_unit_test(test_download_goes_on_when_a_request_is_taken_back),
        cmocka_unit_test(test_damaged_state_is_refused),
        cmocka_unit_test(test_client_streams_a_package_longer_than_its_bodies),
        cmocka_unit_test(test_client_refuses_blocks_that_do_not_follow),
        cmocka_unit_test(test_client_says_when_there_is_no_room),
        cmocka_unit_test(test_client_does_not_mix_packages),
        cmocka_unit_test(test_client_streams_octets_of_package_only),
        cmocka_unit_test(test_client_keeps_the_state_over_a_restart),
        cmocka_unit_test(test_client_takes_back_what_it_cannot_save),
        cmocka_unit_test(test_client_shows_what_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
