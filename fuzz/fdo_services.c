/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages to manufacturer, rendezvous and owner, and what a device says within an encrypted session. The
 * first byte chooses: even, a row of [number, length (2 bytes), body], each with the token of the answer
 * before; odd, a row of the same form to a plan under way, whose number names module and message. */
#include "server/fdo/plan.h"
#include "tests/server/fdo_house.h"

#include "fuzz/fuzz.h"
#include "server/rest/room.h"

static const char plan[] =
    "{\"steps\":[{\"module\":\"fdo.download\",\"name\":\"n\",\"text\":\"some text\"},"
    "{\"module\":\"fdo.upload\",\"name\":\"u\"},"
    "{\"module\":\"fdo.command\",\"command\":\"c\",\"args\":[\"a\"],\"save\":\"s\"},"
    "{\"module\":\"fdo.csr\"},"
    "{\"module\":\"tessera.lwm2m\",\"account\":\"bootstrap\",\"uri\":\"coaps://a\",\"security\":\"psk\"}]}";

/* A server beside that has nothing and takes everything. */
static tsr_err set(void *arg, tsr_fdo_door door, const char *endpoint, const char *identity, tsr_bytes key)
{
    (void)arg;
    must(door < TSR_FDO_DOORS && endpoint[0] != 0 && identity[0] != 0 && key.len <= 64);
    return TSR_OK;
}

static tsr_err identity(void *arg, tsr_fdo_door door, const char *endpoint,
                        char text[TSR_FDO_IDENTITY_MAX + 1])
{
    (void)arg;
    (void)door;
    (void)endpoint;
    text[0] = 0;
    return TSR_E_NOT_FOUND;
}

static tsr_err forget(void *arg, tsr_fdo_door door, const char *endpoint)
{
    (void)arg;
    (void)door;
    (void)endpoint;
    return TSR_E_NOT_FOUND;
}

static tsr_bytes authority(void *arg)
{
    (void)arg;
    return tsr_text("0\x03\x02\x01\x01");
}

static tsr_err enrol(void *arg, const char *endpoint, const char *device, tsr_bytes request, tsr_buf *der,
                     char serial[TSR_FDO_SERIAL_TEXT], const char **why)
{
    (void)arg;
    must(endpoint[0] != 0 && strlen(device) == 64);
    if (request.len < 4) {
        *why = "too short";
        return TSR_E_DENIED;
    }
    memcpy(serial, "01", 3);
    tsr_put_bytes(der, request);
    return der->err;
}

static tsr_err revoke_one(void *arg, const char *serial)
{
    (void)arg;
    must(strcmp(serial, "01") == 0);
    return TSR_OK;
}

static tsr_err revoke_others(void *arg, const char *endpoint, const char *but)
{
    (void)arg;
    (void)endpoint;
    (void)but;
    return TSR_OK;
}

static const tsr_fdo_lwm2m beside = { NULL, set, identity, forget, authority, enrol, revoke_one, revoke_others };

static fdo_house only;

static void close_house(void) { fdo_house_close(&only); }

static fdo_house *house(void)
{
    static bool opened;
    char why[100];

    if (!opened) {
        must(fdo_house_open(&only, 64, 100000));
        only.fdo->config.lwm2m = &beside;
        must(tsr_fdo_plan_set(only.fdo, "default", tsr_text(plan), why, sizeof why) == TSR_OK);
        (void)atexit(close_house); /* its folder */
        opened = true;
    }
    return &only;
}

static bool next(tsr_bytes *in, uint8_t *number, tsr_bytes *body)
{
    uint16_t len;

    if (tsr_get_u8(in, number) != TSR_OK || tsr_get_u16(in, &len) != TSR_OK)
        return false;
    *body = tsr_first(*in, len);
    *in = tsr_skip(*in, len);
    return true;
}

static void as_messages(fdo_house *h, tsr_bytes in)
{
    char token[40] = "";
    tsr_fdo_answer a;
    tsr_fdo_error e;
    tsr_bytes body;
    uint8_t number;

    for (int i = 0; i < 8 && next(&in, &number, &body); i++) {
        tsr_fdo_message(h->fdo, number, token, body, &a);
        must(number != 255 || (a.type == 0 && a.body.len == 0));
        must(number == 255 || a.type == number + 1 || a.type == 255);
        if (a.type == 255)
            must(tsr_fdo_error_read(tsr_buf_view(&a.body), &e) == TSR_OK && e.previous == number);
        if (a.token[0] != 0)
            memcpy(token, a.token, sizeof token);
        free(a.body.ptr);
    }
}

static void as_plan(fdo_house *h, tsr_bytes in)
{
    static const char *const names[][2] = {
        { "devmod", "nummodules" },  { "devmod", "modules" },     { "fdo.download", "active" },
        { "fdo.download", "done" },  { "fdo.upload", "active" },  { "fdo.upload", "length" },
        { "fdo.upload", "data" },    { "fdo.upload", "sha-384" }, { "fdo.command", "active" },
        { "fdo.command", "stdout" }, { "fdo.command", "exitcode" },
        { "fdo.csr", "cacerts-req" }, { "fdo.csr", "simpleenroll-req" }, { "tessera.lwm2m", "done" },
        { "tessera.lwm2m", "error" },
    };
    static const tsr_fdo_key key = { .x = { (const uint8_t *)"x", 1 } };
    uint8_t room[400], guid[16] = { 0 }, number;
    const fdo_subject who = { tsr_view(guid, sizeof guid), tsr_text("lamp"), &key };
    fdo_plan_run p = { 0 };
    tsr_bytes body;

    must(fdo_plan_begin(h->fdo, &p, &who) == TSR_OK);
    while (next(&in, &number, &body)) {
        const char *const *name = names[number % (sizeof names / sizeof *names)];
        tsr_buf out = tsr_buf_over(room, sizeof room);
        uint64_t count = 0;

        if (fdo_plan_take(h->fdo, &p, tsr_text(name[0]), tsr_text(name[1]), body) != NULL)
            break;
        (void)fdo_plan_give(&p, &out, &count);
        must(out.err == TSR_OK && (count > 0) == (out.len > 0));
    }
    fdo_plan_end(&p);
}

static void as_voucher(fdo_house *h, tsr_bytes in)
{
    char guid[33] = "", why[400] = "";

    if (tsr_fdo_voucher_import(h->fdo, in, guid, why, sizeof why) != TSR_OK)
        must(why[0] != 0 && guid[0] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fdo_house *h = house();
    tsr_bytes in = tsr_view(data, size);
    uint8_t kind;

    as_voucher(h, in);
    if (tsr_get_u8(&in, &kind) != TSR_OK)
        return 0;
    if (kind % 2 == 0)
        as_messages(h, in);
    else
        as_plan(h, in);
    return 0;
}
