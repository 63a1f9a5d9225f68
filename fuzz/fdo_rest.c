/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator asks of the services of FIDO Device Onboard over REST: vouchers that are imported, extended and told,
 * plans, groups, devices, redirects, results and the audit log; over HTTP, on one connection. Two devices were made
 * here. The input is a row of requests: route, which name, what body, length (2 bytes), text; route 255: an owner
 * registers at the rendezvous service, with addresses that the text says.
 *
 * Answers are what docs/openapi.yaml promises. The files of a plan and private keys are never told; a change that was
 * answered stands in the audit log; a voucher that is told verifies as it is said to and can be taken in again, and so
 * can a plan, whose files stay. After an input that changed anything all is as it was. */
#include "fuzz/fdo_made.h"
#include "fuzz/keys.h"
#include "fuzz/rest_look.h"
#include "fuzz/server_house.h"
#include "server/audit/audit.h"
#include "server/fdo/redirect.h"
#include "server/fdo/vouchers.h"
#include "server/handover/handover.h"
#include "server/rest/rest.h"
#include "server/rest/room.h"
#include "server/rest/route.h"
#include "tessera/json/base64.h"
#include "tests/server/fdo_house.h"

#include <sys/socket.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 17, WAIT_MS = 15000, DEVICES = 2, ROUTES = 32, KEPT = 64 };

#define SECRET  "what-the-plan-says"
#define OWN_KEY "KEukK8zqW2s70kZ+" /* a part of fdo_house_key */

static const char plan[] = "{\"steps\":[{\"module\":\"fdo.download\",\"name\":\"n\",\"text\":\"" SECRET "\"}]}";

static fuzz_house house;
static fdo_house services;
static tsr_fdo_lwm2m beside;
static tsr_audit *audit;
static tsr_rest *rest;
static const rest_route *routes[ROUTES];
static unsigned route_count;

static struct {
    char guid[FDO_GUID_TEXT], result[FDO_GUID_TEXT + 8]; /* what it brought: GUID/brought */
    tsr_buf voucher, pem;
} devices[DEVICES];

static char own_pem[sizeof fdo_house_ca], other_pem[2048];

/* ---- all as it was ---- */

static const int kinds[] = { TSR_STORE_FDO_VOUCHER, TSR_STORE_FDO_DEVICE, TSR_STORE_FDO_PLAN, TSR_STORE_FDO_RESULT,
                             TSR_STORE_FDO_STAGE, TSR_STORE_FDO_REDIRECT };
static tsr_store_document kept[KEPT];
static unsigned kept_count;
static bool changed;

static bool keep_one(void *arg, const tsr_store_document *row)
{
    tsr_store_document *d = &kept[kept_count++];
    uint8_t *body = malloc(row->body.len + 1);

    (void)arg;
    must(kept_count < KEPT && body != NULL);
    memcpy(body, row->body.ptr, row->body.len);
    *d = *row;
    d->name = strdup(row->name);
    d->alias = strdup(row->alias);
    d->body.ptr = body;
    return true;
}

static void keep_all(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        must(fdo_list(services.fdo, kinds[i], "", 100, keep_one, NULL) == TSR_OK);
}

static void forget_kept(void)
{
    while (kept_count > 0) {
        kept_count--;
        free((void *)(uintptr_t)kept[kept_count].name);
        free((void *)(uintptr_t)kept[kept_count].alias);
        free((void *)(uintptr_t)kept[kept_count].body.ptr);
    }
}

static tsr_store_document *kept_of(const tsr_store_document *row)
{
    for (unsigned i = 0; i < kept_count; i++)
        if (kept[i].kind == row->kind && strcmp(kept[i].name, row->name) == 0)
            return &kept[i];
    return NULL;
}

/* Each row is a commit of its own, so only what differs is written. */
static bool mend_one(void *arg, const tsr_store_document *row)
{
    tsr_store_document *d = kept_of(row);
    bool *seen = arg;

    if (d == NULL) {
        must(tsr_store_delete_document(services.store, row->kind, row->name, NULL, NULL) == TSR_OK);
        return true;
    }
    seen[d - kept] = true;
    if (!tsr_same(d->body, row->body) || d->rank != row->rank || strcmp(d->alias, row->alias) != 0)
        must(tsr_store_put_document(services.store, d, NULL, NULL) == TSR_OK);
    return true;
}

static void put_back(void)
{
    bool seen[KEPT] = { false };

    if (!changed)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        must(fdo_list(services.fdo, kinds[i], "", 1000, mend_one, seen) == TSR_OK);
    for (unsigned i = 0; i < kept_count; i++)
        if (!seen[i])
            must(tsr_store_put_document(services.store, &kept[i], NULL, NULL) == TSR_OK);
    tsr_store_flush(services.store);
    changed = false;
}

/* ---- what there is ---- */

static void make_one(unsigned i)
{
    tsr_cose_key_id key;
    uint8_t guid[TSR_FDO_GUID];

    fdo_made(services.fdo, &key, guid, &devices[i].voucher);
    fdo_guid_text(tsr_view(guid, sizeof guid), devices[i].guid);
    must(tsr_fdo_voucher_export(services.fdo, devices[i].guid, &devices[i].pem) == TSR_OK);
    (void)snprintf(devices[i].result, sizeof devices[i].result, "%s/brought", devices[i].guid);
    must(fdo_keep(services.fdo, TSR_STORE_FDO_RESULT, devices[i].result, "", 0, tsr_text("result")) == TSR_OK);
}

/* Somebody else's certificate, as PEM. */
static void make_pem(void)
{
    uint8_t room[1024];
    tsr_bytes der = fuzz_file("dtls/device.der", room, sizeof room);
    tsr_buf out = tsr_buf_over(other_pem, sizeof other_pem - 1);

    tsr_put_text(&out, "-----BEGIN CERTIFICATE-----\n");
    for (; der.len > 0; der = tsr_skip(der, tsr_first(der, 48).len)) {
        tsr_base64_put(&out, tsr_first(der, 48));
        tsr_put_u8(&out, '\n');
    }
    tsr_put_text(&out, "-----END CERTIFICATE-----\n");
    must(out.err == TSR_OK);
    memcpy(own_pem, fdo_house_ca, sizeof own_pem);
}

static void leave(void)
{
    tsr_rest_stop(rest);
    tsr_audit_close(audit);
    forget_kept();
    for (unsigned i = 0; i < DEVICES; i++) {
        free(devices[i].voucher.ptr);
        free(devices[i].pem.ptr);
    }
    fdo_house_close(&services);
}

static void choose_routes(void)
{
    for (size_t i = 0; i < rest_route_count; i++)
        if (strncmp(rest_routes[i].pattern, "/fdo", 4) == 0 || strcmp(rest_routes[i].pattern, "/audit") == 0) {
            must(route_count < ROUTES);
            routes[route_count++] = &rest_routes[i];
        }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    tsr_rest_config config = { .body_max = 100000, .timeout_ms = 2000 };
    char why[400] = "";

    must(strstr(fdo_house_key, OWN_KEY) != NULL);
    fuzz_house_arguments(argc, argv);
    fuzz_house_open(&house);
    must(fdo_house_open(&services, 64, 100000));
    must(tsr_audit_open(services.store, 100, &audit) == TSR_OK);
    beside = tsr_handover_of(house.server);
    services.fdo->config.lwm2m = &beside;
    services.fdo->config.audit = audit;
    for (unsigned i = 0; i < DEVICES; i++)
        make_one(i);
    must(tsr_fdo_plan_set(services.fdo, "default", tsr_text(plan), why, sizeof why) == TSR_OK);
    must(tsr_fdo_plan_set(services.fdo, "lamps", tsr_text(plan), why, sizeof why) == TSR_OK);
    keep_all();
    make_pem();
    choose_routes();
    config.fdo = services.fdo;
    config.audit = audit;
    must(tsr_rest_start(&rest, house.server, &config, why, sizeof why) == TSR_OK);
    (void)atexit(leave);
    return 0;
}

/* ---- a request ---- */

/* NULL: the input says it. */
static const char *name_of(uint8_t which)
{
    switch (which >> 1 & 7) {
    case 0: return devices[which & 1].guid;
    case 1: return devices[which & 1].result;
    case 2: return "default";
    case 3: return "lamps";
    case 4: return "new";
    case 5: return "00000000000000000000000000000000";
    default: return NULL;
    }
}

static void put_name(tsr_buf *out, uint8_t which, tsr_bytes text)
{
    const char *name = name_of(which);

    fuzz_rest_put_text(out, name != NULL ? tsr_text(name) : tsr_first(text, 70));
}

/* "name":"text", with what JSON wants escaped. */
static void put_member(tsr_buf *out, const char *name, tsr_bytes text)
{
    tsr_put_text(out, "{\"");
    tsr_put_text(out, name);
    tsr_put_text(out, "\":\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            tsr_put_text(out, "\\n");
        else if (text.ptr[i] != '\r')
            tsr_put_u8(out, text.ptr[i]);
    }
    tsr_put_text(out, "\"}");
}

/* A voucher with one byte changed, or none. */
static void put_voucher(tsr_buf *out, uint8_t which, tsr_bytes in)
{
    tsr_bytes v = tsr_buf_view(&devices[which & 1].voucher);
    tsr_buf changed_voucher = { 0 }, pem = { 0 };
    size_t place = (size_t)take(&in) << 8;

    place |= take(&in);
    rest_room(&changed_voucher, v.len);
    tsr_put_bytes(&changed_voucher, v);
    changed_voucher.ptr[place % v.len] ^= take(&in);
    fdo_voucher_put_pem(&pem, tsr_buf_view(&changed_voucher));
    put_member(out, "voucher", tsr_buf_view(&pem));
    free(changed_voucher.ptr);
    free(pem.ptr);
}

static void put_body(tsr_buf *out, uint8_t how, tsr_bytes text)
{
    switch (how & 7) {
    case 0: tsr_put_bytes(out, text); break;
    case 1: put_voucher(out, how >> 3, text); break;
    case 2: put_member(out, "to", tsr_text(how & 8 ? own_pem : other_pem)); break;
    case 3: put_member(out, "to", text); break;
    case 4: put_member(out, "group", text); break;
    case 5: put_member(out, "voucher", tsr_buf_view(&devices[how >> 3 & 1].pem)); break;
    case 6: put_member(out, "group", tsr_text("lamps")); break;
    default: tsr_put_text(out, plan); break;
    }
}

static void put_request(tsr_buf *out, const rest_route *route, uint8_t name, tsr_bytes body, tsr_bytes text)
{
    char length[100];

    tsr_put_text(out, route->method);
    tsr_put_text(out, " /api/v1");
    for (const char *p = route->pattern; *p != '\0'; p++) {
        if (*p != '{') {
            tsr_put_u8(out, (uint8_t)*p);
            continue;
        }
        put_name(out, name, text);
        p = strchr(p, '}');
    }
    if (body.len == 0 && name & 0x80) {
        tsr_put_u8(out, '?');
        fuzz_rest_put_text(out, text);
    }
    (void)snprintf(length, sizeof length, " HTTP/1.1\r\nHost: localhost\r\n");
    tsr_put_text(out, length);
    if ((route->flags & (REST_BODY | REST_BODY_FREE)) != 0) {
        (void)snprintf(length, sizeof length, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.len);
        tsr_put_text(out, length);
    }
    tsr_put_text(out, "\r\n");
    tsr_put_bytes(out, body);
}

/* ---- its answer, on a connection that stays ---- */

static int connection = -1;
static char answer[ROOM];

/* How long it is; 0: not known yet. */
static size_t whole(size_t len)
{
    const char *end = strstr(answer, "\r\n\r\n"), *field;
    size_t body = 0;

    if (end == NULL || len == 0)
        return 0;
    field = strcasestr(answer, "\r\nContent-Length: ");
    if (field != NULL && field < end)
        body = strtoul(field + 18, NULL, 10);
    return (size_t)(end + 4 - answer) + body;
}

static size_t exchange(tsr_bytes request)
{
    tsr_address to = { 0 };
    size_t len = 0;

    to.port = tsr_rest_port(rest);
    if (connection < 0)
        connection = fuzz_house_connect(&to, true);
    must(send(connection, request.ptr, request.len, MSG_NOSIGNAL) == (ssize_t)request.len);
    answer[0] = '\0';
    while (whole(len) == 0 || len < whole(len)) {
        ssize_t n;

        must(len < ROOM - 1 && fuzz_house_readable(connection, WAIT_MS));
        n = recv(connection, answer + len, ROOM - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        answer[len] = '\0';
    }
    if (strcasestr(answer, "\r\nConnection: close") != NULL || len == 0 || len < whole(len)) {
        (void)close(connection);
        connection = -1;
    }
    return len;
}

/* ---- what must hold ---- */

static void keep_cursor(void *arg, const char *cursor, tsr_bytes json)
{
    (void)json;
    (void)snprintf(arg, 40, "%s", cursor);
}

static void newest(char cursor[40])
{
    cursor[0] = '\0';
    must(tsr_audit_list(audit, TSR_AUDIT_DONE, NULL, 1, keep_cursor, cursor) == TSR_OK);
}

/* The voucher that is told is the one that is here, and can be taken in again when it is ours and whole. */
static void look_at_voucher(const char *guid)
{
    tsr_json root, item;
    char why[400] = "", name[33] = "", *text = malloc(ROOM);
    bool is_ours = false;

    must(text != NULL && tsr_json_parse(tsr_text(strstr(answer, "\r\n\r\n") + 4), &root, NULL) == TSR_OK);
    must(tsr_json_find(&root, "wrong", &item) == TSR_OK && tsr_json_find_bool(&root, "ours", &is_ours) == TSR_OK);
    must(tsr_json_find_cstring(&root, "voucher", text, ROOM) == TSR_OK);
    if (item.kind == TSR_JSON_NULL && is_ours) {
        fuzz_rest_promised(tsr_fdo_voucher_import(services.fdo, tsr_text(text), name, why, sizeof why) == TSR_OK, answer);
        must(strcmp(name, guid) == 0);
        changed = true;
    }
    free(text);
}

static void copy_text(void *arg, const char *name, tsr_bytes json)
{
    tsr_buf *out = arg;

    (void)name;
    rest_room(out, json.len + 1);
    tsr_put_bytes(out, json);
}

/* A plan that is told can be sent again as it is, keeps what was not told, and is told as the same. */
static void look_at_plan(const char *name)
{
    tsr_bytes said = tsr_text(strstr(answer, "\r\n\r\n") + 4);
    tsr_buf before = { 0 }, kept_now = { 0 }, again = { 0 };
    char why[400] = "";

    must(fdo_fetch(services.fdo, TSR_STORE_FDO_PLAN, name, &before) == TSR_OK);
    if (tsr_fdo_plan_set(services.fdo, name, said, why, sizeof why) != TSR_OK)
        fuzz_rest_promised(false, why);
    changed = true;
    must(fdo_fetch(services.fdo, TSR_STORE_FDO_PLAN, name, &kept_now) == TSR_OK);
    must(tsr_fdo_plan_get(services.fdo, name, copy_text, &again) == TSR_OK);
    fuzz_rest_promised(tsr_same(said, tsr_buf_view(&again)), answer);
    must((memmem(before.ptr, before.len, SECRET, sizeof SECRET - 1) == NULL) ==
         (memmem(kept_now.ptr, kept_now.len, SECRET, sizeof SECRET - 1) == NULL));
    free(before.ptr);
    free(kept_now.ptr);
    free(again.ptr);
}

static bool told; /* the input knows a secret, and may have written it elsewhere */

static void look(const rest_route *route, size_t len, const char *before)
{
    unsigned status = fuzz_rest_look(answer, len, false);
    char after[40];
    bool reads = strcmp(route->method, "GET") == 0 || strstr(route->pattern, "/check") != NULL;

    fuzz_rest_promised(status != 503 && status != 501, answer);
    if (strcmp(route->pattern, "/audit") != 0) /* which has what earlier inputs said */
        fuzz_rest_promised(told || (strstr(answer, SECRET) == NULL && strstr(answer, OWN_KEY) == NULL), answer);
    if (reads)
        return;
    newest(after);
    changed = changed || status / 100 == 2;
    fuzz_rest_promised(status / 100 != 2 || strcmp(before, after) != 0, answer);
}

/* An owner registered at this rendezvous service, with addresses that the input says. */
static void register_owner(uint8_t which, tsr_bytes payload)
{
    static uint8_t room[ROOM], der_room[1024];
    const fdo_redirect redirect = { .entries = 1, .ends_s = 4000000000,
                                    .device_key = fuzz_file("dtls/device.der", der_room, sizeof der_room) };
    tsr_buf out = tsr_buf_over(room, sizeof room);
    fdo_redirect told_now = redirect;
    tsr_fdo_voucher v;
    tsr_fdo_to1d to1d;

    if (tsr_fdo_to1d_read(payload, &to1d) != TSR_OK) /* TO0 takes no other */
        return;
    must(fdo_sign(&out, services.fdo->owners.list[0], payload, tsr_view(NULL, 0), 0) == TSR_OK);
    told_now.to1d = tsr_buf_view(&out);
    must(tsr_fdo_voucher_read(tsr_buf_view(&devices[which & 1].voucher), &v) == TSR_OK);
    must(fdo_redirect_keep(services.fdo, v.header.guid, &told_now) == TSR_OK);
    changed = true;
}

static void ask(tsr_bytes *in)
{
    static uint8_t line[ROOM], body_room[ROOM];
    tsr_buf out = tsr_buf_over(line, sizeof line), body = tsr_buf_over(body_room, sizeof body_room);
    uint8_t which = take(in), name = take(in), how = take(in);
    const rest_route *route = routes[which % route_count];
    uint16_t text_len = 0;
    tsr_bytes text;
    char before[40];
    size_t len;

    (void)tsr_get_u16(in, &text_len);
    text = take_some(in, text_len);
    if (which == 0xff) {
        register_owner(name, text);
        return;
    }
    if ((route->flags & (REST_BODY | REST_BODY_FREE)) != 0)
        put_body(&body, how, text);
    put_request(&out, route, name, tsr_buf_view(&body), text);
    must(out.err == TSR_OK && body.err == TSR_OK);
    newest(before);
    len = exchange(tsr_buf_view(&out));
    if (len == 0)
        return; /* the connection had been closed */
    look(route, len, before);
    if (name_of(name) == NULL || strcmp(route->method, "GET") != 0 || strncmp(answer, "HTTP/1.1 200", 12) != 0)
        return;
    if (strcmp(route->pattern, "/fdo/devices/{endpoint}/voucher") == 0)
        look_at_voucher(name_of(name));
    if (strcmp(route->pattern, "/fdo/plans/{endpoint}") == 0)
        look_at_plan(name_of(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);

    if (size > 4000)
        return 0;
    told = memmem(data, size, SECRET, 8) != NULL || memmem(data, size, OWN_KEY, 8) != NULL;
    for (int i = 0; i < 6 && in.len > 4; i++)
        ask(&in);
    put_back();
    return 0;
}
