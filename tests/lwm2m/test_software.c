/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 9, by itself: every transition of its state machine, every refusal, what is saved and what a
 * restart finds. The backend is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tessera/lwm2m/objects/protocol.h"
#include "tessera/lwm2m/objects/software.h"

enum { INITIAL, STARTED, DOWNLOADED, DELIVERED, INSTALLED, ITEMS = 3, ROOM = 4096 };
enum { PACKAGE = 2, URI = 3, INSTALL = 4, UNINSTALL = 6, ACTIVATE = 10, DEACTIVATE = 11 };

static struct {
    uint8_t bytes[ROOM];
    uint32_t len;
    unsigned begun, finished, aborted, installed, uninstalled, started, stopped;
    tsr_lwm2m_software_result begin, write, finish, install, uninstall;
    tsr_err activate;
} b;
static tsr_lwm2m_software items[ITEMS];
static tsr_lwm2m_softwares all;
static tsr_lwm2m_software *s;
static tsr_lwm2m_object object;

static tsr_lwm2m_software_result on_begin(void *user, tsr_lwm2m_software *item)
{
    (void)user;
    (void)item;
    b.begun++;
    b.len = 0;
    return b.begin;
}

static tsr_lwm2m_software_result on_write(void *user, tsr_lwm2m_software *item, uint32_t offset,
                                          tsr_bytes part)
{
    (void)user;
    (void)item;
    assert_int_equal(offset, b.len);
    if (part.len > ROOM - offset)
        return TSR_LWM2M_SOFTWARE_NO_STORAGE;
    memcpy(b.bytes + offset, part.ptr, part.len);
    b.len += (uint32_t)part.len;
    return b.write;
}

static tsr_lwm2m_software_result on_finish(void *user, tsr_lwm2m_software *item)
{
    (void)user;
    b.finished++;
    (void)snprintf(b.finish == 0 ? item->name : item->reason, 16, "app");
    return b.finish;
}

static void on_abort(void *user, tsr_lwm2m_software *item)
{
    (void)user;
    (void)item;
    b.aborted++;
}

static tsr_lwm2m_software_result on_install(void *user, tsr_lwm2m_software *item)
{
    (void)user;
    (void)item;
    b.installed++;
    return b.install;
}

static tsr_lwm2m_software_result on_uninstall(void *user, tsr_lwm2m_software *item)
{
    (void)user;
    assert_false(item->active);
    b.uninstalled++;
    return b.uninstall;
}

static tsr_err on_activate(void *user, tsr_lwm2m_software *item)
{
    (void)user;
    (void)item;
    b.started++;
    return b.activate;
}

static void on_deactivate(void *user, tsr_lwm2m_software *item)
{
    (void)user;
    (void)item;
    b.stopped++;
}

static const tsr_lwm2m_software_backend backend = { on_begin, on_write, on_finish, on_abort,
                                                    on_install, on_uninstall, on_activate,
                                                    on_deactivate };

static int fresh(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    memset(items, 0, sizeof items);
    all = (tsr_lwm2m_softwares){ .items = items, .count = ITEMS, .backend = &backend,
                                 .protocols = 1 << TSR_LWM2M_PROTOCOL_COAP, .push_wait_ms = 1000 };
    object = tsr_lwm2m_software_object(&all);
    s = tsr_lwm2m_software_add(&all, 7);
    return s == NULL;
}

static tsr_err write(uint16_t resource, tsr_bytes value)
{
    const tsr_lwm2m_content content = {
        resource == PACKAGE ? TSR_LWM2M_FORMAT_OCTETS : TSR_LWM2M_FORMAT_TEXT, value, { NULL, 0 } };
    uint8_t room[512];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);

    return tsr_lwm2m_object_write(&object, (tsr_lwm2m_path){ 9, 7, resource, 0, 3 },
                                  TSR_LWM2M_REPLACE, &content, &scratch);
}

static tsr_err run(uint16_t resource, const char *arguments)
{
    return tsr_lwm2m_object_execute(&object, (tsr_lwm2m_path){ 9, 7, resource, 0, 3 },
                                    tsr_text(arguments));
}

static void step(uint64_t now_ms) { tsr_lwm2m_software_step(&all, s, now_ms); }

#define assert_stands(at, why)               \
    do {                                     \
        assert_int_equal(s->state, at);      \
        assert_int_equal(s->result, why);    \
    } while (0)

static void deliver(void)
{
    assert_int_equal(write(PACKAGE, tsr_text("package")), TSR_OK);
    assert_stands(DOWNLOADED, 1);
    assert_int_equal(tsr_lwm2m_software_due_ms(&all, s), 0);
    step(0);
    assert_stands(DELIVERED, 3);
}

static void install(void)
{
    deliver();
    assert_int_equal(run(INSTALL, ""), TSR_OK);
    assert_stands(INSTALLED, 2);
}

/* A backend may take its time: nothing but giving it up is possible meanwhile. */
static void test_software_is_installed_later(void **state)
{
    (void)state;
    tsr_lwm2m_software_installed(&all, s, TSR_LWM2M_SOFTWARE_NONE); /* of nothing */
    assert_stands(INITIAL, 0);
    deliver();
    b.install = TSR_LWM2M_SOFTWARE_LOADING;
    assert_int_equal(run(INSTALL, ""), TSR_OK);
    assert_stands(DELIVERED, 3);
    assert_int_equal(run(INSTALL, ""), TSR_E_DENIED);
    assert_int_equal(run(ACTIVATE, ""), TSR_E_DENIED);
    assert_int_equal(b.installed, 1);
    s->changed = false;
    tsr_lwm2m_software_installed(&all, s, TSR_LWM2M_SOFTWARE_NO_STORAGE);
    assert_true(s->changed);
    assert_stands(DELIVERED, 50);
    assert_int_equal(run(INSTALL, ""), TSR_OK);
    assert_stands(DELIVERED, 3); /* nothing of the try before */
    tsr_lwm2m_software_installed(&all, s, TSR_LWM2M_SOFTWARE_NONE);
    assert_stands(INSTALLED, 2);
    tsr_lwm2m_software_installed(&all, s, TSR_LWM2M_SOFTWARE_OTHER);
    assert_stands(INSTALLED, 2);
    assert_int_equal(run(UNINSTALL, ""), TSR_OK);
    deliver();
    assert_int_equal(run(INSTALL, ""), TSR_OK);
    assert_int_equal(run(UNINSTALL, ""), TSR_OK);
    assert_stands(INITIAL, 0);
    tsr_lwm2m_software_installed(&all, s, TSR_LWM2M_SOFTWARE_NONE); /* it was given up */
    assert_stands(INITIAL, 0);
    deliver();
    assert_int_equal(run(INSTALL, ""), TSR_OK);
    b.uninstall = TSR_LWM2M_SOFTWARE_NOT_REMOVED;
    assert_int_equal(run(UNINSTALL, ""), TSR_OK);
    assert_stands(DELIVERED, 59);
    assert_int_equal(run(INSTALL, ""), TSR_OK); /* it can be tried again */
}

static void activate(void)
{
    install();
    assert_int_equal(run(ACTIVATE, ""), TSR_OK);
    assert_true(s->active);
}

static void test_software_goes_its_way(void **state)
{
    (void)state;
    assert_stands(INITIAL, 0);
    activate();
    assert_true(tsr_same(tsr_view(b.bytes, b.len), tsr_text("package")));
    assert_string_equal(s->name, "app");
    assert_true(s->changed);
    assert_int_equal(run(ACTIVATE, ""), TSR_OK); /* once is enough */
    assert_int_equal(b.started, 1);
    assert_int_equal(run(DEACTIVATE, ""), TSR_OK);
    assert_false(s->active);
    assert_int_equal(run(DEACTIVATE, ""), TSR_OK);
    assert_int_equal(b.stopped, 1);
    assert_int_equal(run(ACTIVATE, ""), TSR_OK);
    assert_int_equal(run(UNINSTALL, ""), TSR_OK);
    assert_stands(INITIAL, 0);
    assert_false(s->active);
    assert_string_equal(s->name, "");
    assert_int_equal(b.stopped, 2);
    assert_int_equal(b.uninstalled, 1);
    assert_int_equal(b.aborted, 0);
    deliver(); /* and again */
}

static void test_software_refuses_what_is_not_its_turn(void **state)
{
    static const uint16_t executes[] = { INSTALL, UNINSTALL, ACTIVATE, DEACTIVATE };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(run(executes[i], ""), TSR_E_DENIED);
    deliver();
    assert_int_equal(run(ACTIVATE, ""), TSR_E_DENIED);
    assert_int_equal(run(DEACTIVATE, ""), TSR_E_DENIED);
    assert_int_equal(run(UNINSTALL, "1"), TSR_E_DENIED); /* there is nothing to be replaced */
    assert_int_equal(write(PACKAGE, tsr_text("other")), TSR_E_DENIED);
    assert_int_equal(write(URI, tsr_text("coap://h/a")), TSR_E_DENIED);
    assert_int_equal(write(URI, tsr_text("")), TSR_E_DENIED);
    assert_int_equal(run(INSTALL, ""), TSR_OK);
    assert_int_equal(run(INSTALL, ""), TSR_E_DENIED);
    assert_int_equal(write(PACKAGE, tsr_text("other")), TSR_E_DENIED);
    assert_int_equal(write(URI, tsr_text("coap://h/a")), TSR_E_DENIED);
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 0, tsr_text("x"), true, 0), TSR_E_DENIED);
    assert_int_equal(tsr_lwm2m_software_pull(&all, s, 0, tsr_text("x"), true), TSR_E_DENIED);
    assert_stands(INSTALLED, 2);
}

static void test_software_takes_the_arguments_of_uninstall(void **state)
{
    static const char *const bad[] = { "2", "0,1", "1='x'", "0='1'" };

    (void)state;
    activate();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(run(UNINSTALL, bad[i]), TSR_E_ARGUMENT);
    assert_int_equal(run(INSTALL, "0"), TSR_E_ARGUMENT);
    assert_int_equal(run(DEACTIVATE, "0"), TSR_E_ARGUMENT);
    assert_true(s->active);
    assert_int_equal(run(UNINSTALL, "0"), TSR_OK);
    assert_stands(INITIAL, 0);
}

/* Argument 1: the software stays until a newer one takes its place. */
static void test_software_makes_way_for_an_update(void **state)
{
    (void)state;
    activate();
    assert_int_equal(run(UNINSTALL, "1"), TSR_OK);
    assert_stands(INITIAL, 0);
    assert_true(s->replaces);
    assert_false(s->active);
    assert_int_equal(b.uninstalled, 0);
    b.finish = TSR_LWM2M_SOFTWARE_INTEGRITY;
    assert_int_equal(write(PACKAGE, tsr_text("bad")), TSR_OK);
    step(0);
    assert_stands(INITIAL, 53);
    assert_true(s->replaces);
    b.finish = TSR_LWM2M_SOFTWARE_NONE;
    install();
    assert_false(s->replaces);
    assert_int_equal(run(UNINSTALL, "1"), TSR_OK);
    assert_int_equal(run(UNINSTALL, ""), TSR_OK); /* no update after all */
    assert_false(s->replaces);
    assert_int_equal(b.uninstalled, 1);
}

static void test_software_says_what_went_wrong(void **state)
{
    static const tsr_lwm2m_software_result found[] = { TSR_LWM2M_SOFTWARE_INTEGRITY,
                                                       TSR_LWM2M_SOFTWARE_TYPE,
                                                       TSR_LWM2M_SOFTWARE_OTHER };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        b.finish = found[i];
        assert_int_equal(write(PACKAGE, tsr_text("package")), TSR_OK);
        assert_string_equal(s->reason, "");
        step(0);
        assert_stands(INITIAL, found[i]);
        assert_string_equal(s->reason, "app");
        assert_int_equal(b.aborted, i + 1);
    }
    b.finish = TSR_LWM2M_SOFTWARE_NONE;
    b.begin = TSR_LWM2M_SOFTWARE_NO_MEMORY;
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 0, tsr_text("x"), false, 0), TSR_E_SPACE);
    assert_stands(INITIAL, 51);
    b.begin = TSR_LWM2M_SOFTWARE_NONE;
    b.write = TSR_LWM2M_SOFTWARE_OTHER;
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 0, tsr_text("x"), false, 0), TSR_E_IO);
    assert_stands(INITIAL, 57);
    b.write = TSR_LWM2M_SOFTWARE_NONE;
    deliver();
    b.install = TSR_LWM2M_SOFTWARE_NOT_INSTALLED;
    assert_int_equal(run(INSTALL, ""), TSR_OK);
    assert_stands(DELIVERED, 58); /* it stays there */
    b.install = TSR_LWM2M_SOFTWARE_NONE;
    assert_int_equal(run(INSTALL, ""), TSR_OK);
    b.activate = TSR_E_IO;
    assert_int_equal(run(ACTIVATE, ""), TSR_E_IO);
    assert_false(s->active);
    b.uninstall = TSR_LWM2M_SOFTWARE_NOT_REMOVED;
    assert_int_equal(run(UNINSTALL, ""), TSR_OK);
    assert_stands(INSTALLED, 59);
}

static void test_software_is_pushed_in_parts(void **state)
{
    static const uint8_t much[ROOM];

    (void)state;
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 16, tsr_text("x"), false, 0), TSR_E_STATE);
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 0, tsr_text("0123456789abcdef"), false, 0),
                     TSR_OK);
    assert_stands(STARTED, 1);
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 2, 0, tsr_text("x"), false, 0), TSR_E_DENIED);
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 32, tsr_text("x"), false, 0), TSR_E_STATE);
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 0, tsr_text("0123456789abcdef"), false, 5),
                     TSR_OK);
    assert_int_equal(b.begun, 2);
    assert_int_equal(tsr_lwm2m_software_due_ms(&all, s), 1005);
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 16, tsr_view(much, ROOM), false, 6),
                     TSR_E_SPACE);
    assert_stands(INITIAL, 50);
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 0, tsr_text("x"), false, 10), TSR_OK);
    step(1009);
    assert_stands(STARTED, 1);
    step(1010);
    assert_stands(INITIAL, 52);
    assert_int_equal(tsr_lwm2m_software_due_ms(&all, s), UINT64_MAX);
}

static void test_software_is_pulled(void **state)
{
    static const char *const bad[] = { "coap", "coap://", "http://h/a", "coaps://h/a", "x://h" };

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(write(URI, tsr_text(bad[i])), TSR_OK);
        assert_stands(INITIAL, 56);
        assert_false(s->fetch);
    }
    assert_int_equal(write(URI, tsr_text("CoAP://192.0.2.1/app")), TSR_OK);
    assert_stands(STARTED, 1);
    assert_true(s->fetch);
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 0, tsr_text("x"), true, 0), TSR_E_DENIED);
    assert_int_equal(write(URI, tsr_text("coap://192.0.2.1/b")), TSR_E_DENIED);
    assert_int_equal(tsr_lwm2m_software_pull(&all, s, 0, tsr_text("0123456789abcdef"), false), TSR_OK);
    assert_int_equal(tsr_lwm2m_software_pull(&all, s, 32, tsr_text("x"), false), TSR_E_STATE);
    assert_int_equal(write(URI, tsr_text("")), TSR_OK); /* no more */
    assert_stands(INITIAL, 0);
    assert_int_equal(tsr_lwm2m_software_pull(&all, s, 16, tsr_text("x"), true), TSR_E_DENIED);
    assert_int_equal(write(URI, tsr_text("coap://192.0.2.1/app")), TSR_OK);
    tsr_lwm2m_software_fail(&all, s, TSR_LWM2M_SOFTWARE_CONNECTION_LOST);
    assert_stands(INITIAL, 52);
    assert_int_equal(write(URI, tsr_text("coap://192.0.2.1/app")), TSR_OK);
    assert_int_equal(tsr_lwm2m_software_pull(&all, s, 0, tsr_text("package"), true), TSR_OK);
    assert_stands(DOWNLOADED, 1);
    step(0);
    assert_stands(DELIVERED, 3);
    tsr_lwm2m_software_fail(&all, s, TSR_LWM2M_SOFTWARE_CONNECTION_LOST);
    assert_stands(DELIVERED, 3);
}

static tsr_err create_of(tsr_bytes tlv, uint16_t *id)
{
    const tsr_lwm2m_content content = { TSR_LWM2M_FORMAT_TLV, tlv, { NULL, 0 } };
    uint8_t room[256];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);

    return tsr_lwm2m_object_create(&object, &content, &scratch, id);
}

static void test_software_is_created_and_deleted_by_servers(void **state)
{
    static const uint8_t uri[] = { 0xc3, 3, 'f', 'o', 'o' };
    uint16_t id;

    (void)state;
    assert_int_equal(create_of(tsr_view(uri, 5), &id), TSR_OK);
    assert_int_equal(id, 0);
    assert_int_equal(tsr_lwm2m_software_find(&all, 0)->result, 56);
    assert_int_equal(create_of(tsr_view(NULL, 0), &id), TSR_OK);
    assert_int_equal(create_of(tsr_view(NULL, 0), &id), TSR_E_DENIED);
    activate();
    assert_int_equal(object.handlers->remove(object.state, 7), TSR_OK);
    assert_int_equal(b.stopped, 1);
    assert_int_equal(b.uninstalled, 1);
    assert_null(tsr_lwm2m_software_find(&all, 7));
    assert_int_equal(tsr_lwm2m_object_next(&object, 2), TSR_LWM2M_NO_INSTANCE);
    s = tsr_lwm2m_software_add(&all, 7);
    install();
    b.uninstall = TSR_LWM2M_SOFTWARE_NOT_REMOVED;
    assert_int_equal(object.handlers->remove(object.state, 7), TSR_E_IO);
    assert_non_null(tsr_lwm2m_software_find(&all, 7));
}

/* What save wrote is all that is left; `there` is what the backend has. */
static void restart(tsr_lwm2m_software_there there)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    object.handlers->save(object.state, &out);
    assert_int_equal(out.err, TSR_OK);
    memset(items, 0, sizeof items);
    assert_int_equal(object.handlers->load(object.state, tsr_buf_view(&out)), TSR_OK);
    s = tsr_lwm2m_software_find(&all, 7);
    assert_non_null(s);
    tsr_lwm2m_software_resume(&all, s, &there);
}

static void test_software_finds_itself_after_a_restart(void **state)
{
    const tsr_lwm2m_software_there nothing = { 0 }, whole = { .whole = true },
                                   app = { .installed = true },
                                   failed = { .installed = true, .failed = true };

    (void)state;
    restart(nothing);
    assert_stands(INITIAL, 0);
    assert_int_equal(write(PACKAGE, tsr_text("package")), TSR_OK);
    restart(nothing);
    assert_stands(DOWNLOADED, 1); /* and is checked by the next step */
    step(0);
    assert_stands(DELIVERED, 3);
    restart(whole);
    assert_stands(DELIVERED, 3);
    assert_string_equal(s->name, "app");
    restart(nothing);
    assert_stands(INITIAL, 53);
    activate();
    restart(app);
    assert_stands(INSTALLED, 2);
    assert_true(s->active);
    restart(failed);
    assert_stands(INSTALLED, 2);
    assert_false(s->active);
    assert_int_equal(run(UNINSTALL, "1"), TSR_OK);
    restart(app);
    assert_true(s->replaces);
    restart(nothing);
    assert_false(s->replaces);
    install();
    restart(nothing); /* cut off in Uninstall */
    assert_stands(INITIAL, 0);
    assert_string_equal(s->name, "");
}

static void test_software_goes_on_with_a_pull_after_a_restart(void **state)
{
    const tsr_lwm2m_software_there some = { .stored = 2048 };

    (void)state;
    assert_int_equal(tsr_lwm2m_software_push(&all, s, 1, 0, tsr_text("x"), false, 0), TSR_OK);
    restart(some);
    assert_stands(INITIAL, 52); /* a push is over */
    assert_int_equal(write(URI, tsr_text("coap://192.0.2.1/app")), TSR_OK);
    restart(some);
    assert_true(s->fetch);
    assert_int_equal(s->offset, 0); /* without an ETag nobody knows of what it is */
    s->etag_len = 1;
    restart(some);
    assert_true(s->fetch);
    assert_int_equal(s->offset, 2048);
    assert_string_equal(s->uri, "coap://192.0.2.1/app");
    assert_stands(STARTED, 1);
}

/* What could not be saved is taken back by load(), in the midst of whatever goes on. */
static void test_software_goes_on_when_a_request_is_taken_back(void **state)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_software *other;

    (void)state;
    (void)tsr_lwm2m_software_add(&all, 8);
    other = tsr_lwm2m_software_add(&all, 9);
    tsr_lwm2m_software_find(&all, 8)->used = false; /* a server deleted it */
    assert_int_equal(write(URI, tsr_text("coap://192.0.2.1/app")), TSR_OK);
    s->fetch = s->changed = false;
    assert_int_equal(tsr_lwm2m_software_pull(&all, s, 0, tsr_text("first"), false), TSR_OK);
    other->state = DELIVERED;
    b.install = TSR_LWM2M_SOFTWARE_LOADING;
    assert_int_equal(tsr_lwm2m_object_execute(&object, (tsr_lwm2m_path){ 9, 9, INSTALL, 0, 3 }, tsr_text("")), TSR_OK);

    object.handlers->save(object.state, &out);
    assert_int_equal(object.handlers->load(object.state, tsr_buf_view(&out)), TSR_OK);
    assert_ptr_equal(tsr_lwm2m_software_find(&all, 7), s);
    assert_ptr_equal(tsr_lwm2m_software_find(&all, 9), other);
    assert_null(tsr_lwm2m_software_find(&all, 8));
    assert_false(s->fetch);
    assert_int_equal(tsr_lwm2m_software_pull(&all, s, 5, tsr_text("second"), true), TSR_OK);
    assert_stands(DOWNLOADED, 1);
    assert_true(other->changed);
    tsr_lwm2m_software_installed(&all, other, TSR_LWM2M_SOFTWARE_NONE);
    assert_int_equal(other->state, INSTALLED);

    assert_int_equal(run(UNINSTALL, ""), TSR_OK); /* what it had has gone: it is fetched anew */
    assert_int_equal(object.handlers->load(object.state, tsr_buf_view(&out)), TSR_OK);
    assert_stands(STARTED, 1);
    assert_true(s->fetch);
    assert_int_equal(s->offset, 0);
}

static void test_software_load_survives_any_bytes(void **state)
{
    uint8_t room[2048], broken[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    activate();
    (void)tsr_lwm2m_software_add(&all, 8);
    object.handlers->save(object.state, &out);
    for (size_t len = 1; len < out.len; len++) {
        tsr_err err = object.handlers->load(object.state, tsr_view(room, len));

        assert_true(err == TSR_OK || err == TSR_E_MALFORMED);
    }
    for (size_t i = 0; i < out.len * 8; i++) {
        memcpy(broken, room, out.len);
        broken[i / 8] = (uint8_t)(broken[i / 8] ^ 1u << i % 8);
        (void)object.handlers->load(object.state, tsr_view(broken, out.len));
        for (size_t k = 0; k < ITEMS; k++)
            assert_true(!items[k].used || items[k].state <= INSTALLED);
    }
    memcpy(broken, room, out.len);
    memcpy(broken + out.len, room, out.len); /* each twice */
    assert_int_equal(object.handlers->load(object.state, tsr_view(broken, 2 * out.len)),
                     TSR_E_MALFORMED);
    assert_null(tsr_lwm2m_software_find(&all, 7));
}

#define SOFTWARE(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SOFTWARE(test_software_goes_its_way),
        SOFTWARE(test_software_refuses_what_is_not_its_turn),
        SOFTWARE(test_software_takes_the_arguments_of_uninstall),
        SOFTWARE(test_software_is_installed_later),
        SOFTWARE(test_software_makes_way_for_an_update),
        SOFTWARE(test_software_says_what_went_wrong),
        SOFTWARE(test_software_is_pushed_in_parts),
        SOFTWARE(test_software_is_pulled),
        SOFTWARE(test_software_is_created_and_deleted_by_servers),
        SOFTWARE(test_software_finds_itself_after_a_restart),
        SOFTWARE(test_software_goes_on_with_a_pull_after_a_restart),
        SOFTWARE(test_software_goes_on_when_a_request_is_taken_back),
        SOFTWARE(test_software_load_survives_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
