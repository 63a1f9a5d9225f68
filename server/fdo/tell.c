/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known here, as JSON for operators: devices with their stages, vouchers entry by entry, what is
 * registered, and what this service is. */
#define _GNU_SOURCE
#include "server/fdo/choose.h"
#include "server/fdo/inventory.h"
#include "server/fdo/redirect.h"
#include "server/fdo/stage.h"
#include "server/fdo/to0.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/rest/put.h"
#include "server/rest/room.h"
#include "tessera/json/json.h"

/* --- devices ---------------------------------------------------------------------------- */

typedef struct row {
    struct row *next;
    char name[FDO_GUID_TEXT];
    tsr_buf body;
} row;

typedef struct {
    row *first, **end;
    tsr_err err;
} rows;

/* The reader is held while rows are given, so they are copied first. */
static bool copy_row(void *arg, const tsr_store_document *d)
{
    rows *all = arg;
    row *r = calloc(1, sizeof *r);

    if (r == NULL) {
        all->err = TSR_E_SPACE;
        return false;
    }
    (void)snprintf(r->name, sizeof r->name, "%s", d->name);
    rest_room(&r->body, d->body.len + 128);
    tsr_put_bytes(&r->body, d->body);
    *all->end = r;
    all->end = &r->next;
    return true;
}

/* Of a group, or of all (NULL). */
static tsr_err copy_rows(tsr_fdo *f, const char *group, const char *after, size_t limit, rows *all)
{
    tsr_err err;

    pthread_mutex_lock(&f->read_lock);
    err = group == NULL
              ? tsr_store_documents(f->reader, TSR_STORE_FDO_DEVICE, TSR_STORE_AFTER, after, limit, copy_row, all)
              : tsr_store_labelled(f->reader, TSR_STORE_FDO_DEVICE, group, after, limit, copy_row, all);
    pthread_mutex_unlock(&f->read_lock);
    return err == TSR_OK ? all->err : err;
}

/* Which plan the device gets when it comes, and why. */
static tsr_err put_plan(tsr_fdo *f, const char *guid, tsr_bytes device, fdo_chosen *last, tsr_buf *out)
{
    char info[FDO_PATTERN_MAX + 1] = "", group[FDO_GROUP_MAX + 1] = "";
    fdo_choice choice;
    tsr_json root;
    tsr_json_out j = tsr_json_to(out);
    tsr_err err;

    if (tsr_json_parse(device, &root, NULL) != TSR_OK)
        return TSR_E_IO;
    (void)tsr_json_find_cstring(&root, "device_info", info, sizeof info);
    (void)tsr_json_find_cstring(&root, "group", group, sizeof group);
    err = fdo_plan_choose_next(f, guid, info, group, last, &choice);
    if (err != TSR_OK && err != TSR_E_STATE)
        return err;
    tsr_json_open_object(&j);
    rest_put_text(&j, "name", choice.name[0] != 0 ? choice.name : NULL);
    rest_put_text(&j, "by", choice.by);
    if (err == TSR_E_STATE)
        rest_put_flag(&j, "missing", true);
    tsr_json_close(&j);
    return out->err;
}

/* The stages, its plan, and when it is registered next, become members of the document. */
static tsr_err give_device(tsr_fdo *f, const char *guid, tsr_buf *body, fdo_chosen *last, tsr_fdo_row_fn *fn,
                           void *arg)
{
    int64_t next_ms = fdo_to0_next(f, guid);
    uint8_t plan_room[2 * FDO_GROUP_MAX + 96];
    tsr_buf plan = tsr_buf_over(plan_room, sizeof plan_room);
    tsr_err err = TSR_OK;

    if (body->len == 0 || body->ptr[body->len - 1] != '}')
        return TSR_E_IO;
    if ((f->config.roles & TSR_FDO_OWNER) != 0)
        err = put_plan(f, guid, tsr_buf_view(body), last, &plan);
    if (err != TSR_OK)
        return err;
    body->len--;
    rest_room(body, 128);
    if (next_ms != 0) {
        uint8_t room[64];
        tsr_buf moment = tsr_buf_over(room, sizeof room);
        tsr_json_out j = tsr_json_to(&moment);

        tsr_json_open_object(&j);
        rest_put_moment(&j, "registers_at", next_ms);
        tsr_json_close(&j);
        tsr_put_text(body, ",");
        tsr_put_bytes(body, tsr_view(room + 1, moment.len - 2));
    }
    rest_room(body, plan.len + 128);
    if (plan.len > 0) {
        tsr_put_text(body, ",\"plan\":");
        tsr_put_bytes(body, tsr_buf_view(&plan));
    }
    tsr_put_text(body, ",\"stages\":");
    err = fdo_stages_put(f, guid, body);
    rest_room(body, 4);
    tsr_put_text(body, "}");
    if (err == TSR_OK)
        err = body->err;
    if (err == TSR_OK)
        fn(arg, guid, tsr_buf_view(body));
    return err;
}

tsr_err tsr_fdo_device_list(tsr_fdo *f, const char *group, const char *after, size_t limit,
                            tsr_fdo_row_fn *fn, void *arg)
{
    rows all = { .end = &all.first };
    fdo_chosen last = { .known = false };
    tsr_err err = copy_rows(f, group, after, limit != 0 ? limit : 100, &all);

    while (all.first != NULL) {
        row *r = all.first;

        all.first = r->next;
        if (err == TSR_OK)
            err = give_device(f, r->name, &r->body, &last, fn, arg);
        free(r->body.ptr);
        free(r);
    }
    return err;
}

tsr_err tsr_fdo_device_get(tsr_fdo *f, const char *guid, tsr_fdo_row_fn *fn, void *arg)
{
    tsr_buf body = { 0 };
    fdo_chosen last = { .known = false };
    tsr_err err = fdo_fetch(f, TSR_STORE_FDO_DEVICE, guid, &body);

    if (err == TSR_OK)
        err = give_device(f, guid, &body, &last, fn, arg);
    free(body.ptr);
    return err;
}

/* --- addresses and keys ----------------------------------------------------------------- */

static void put_key(tsr_json_out *j, const char *name, const tsr_fdo_key *k)
{
    char mark[FDO_KEY_MARK];

    fdo_key_mark(k, mark);
    if (name != NULL)
        tsr_json_put_key(j, name);
    tsr_json_open_object(j);
    rest_put_text(j, "type", fdo_key_type_name(k));
    rest_put_text(j, "mark", mark);
    tsr_json_close(j);
}

static void put_texts(tsr_json_out *j, const char *name, const char *const *list, unsigned count)
{
    tsr_json_put_key(j, name);
    tsr_json_open_array(j);
    for (unsigned i = 0; i < count; i++)
        tsr_json_put_string(j, tsr_text(list[i]));
    tsr_json_close(j);
}

/* "rv.example 192.0.2.1 port 8040": what there is of it. */
static void put_place(tsr_json_out *j, tsr_bytes dns, tsr_bytes ip, unsigned port)
{
    char text[400], number[INET6_ADDRSTRLEN] = "";

    if (ip.len == 4 || ip.len == 16)
        (void)inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.ptr, number, sizeof number);
    dns = tsr_first(dns, 255);
    (void)snprintf(text, sizeof text, "%.*s%s%s port %u", (int)dns.len,
                   dns.len > 0 ? (const char *)dns.ptr : "", dns.len > 0 && number[0] ? " " : "", number,
                   port);
    tsr_json_put_string(j, tsr_text(text));
}

/* --- a voucher -------------------------------------------------------------------------- */

typedef struct {
    tsr_fdo_ov_chain chain;
    bool whole; /* so far */
} walk;

static void put_entry(tsr_json_out *j, walk *w, const tsr_fdo_voucher *v, size_t i)
{
    tsr_fdo_fault fault = { NULL, 0 };
    tsr_fdo_ov_entry e;
    tsr_bytes entry;
    bool readable = tsr_fdo_voucher_entry(v, i, &entry) == TSR_OK &&
                    tsr_fdo_ov_entry_read(entry, &e) == TSR_OK;
    bool reached = w->whole;

    w->whole = w->whole && readable && tsr_fdo_ov_next(&w->chain, entry, &fault) == TSR_OK;
    tsr_json_open_object(j);
    rest_put_flag(j, "verified", w->whole);
    if (readable)
        put_key(j, "owner", &e.next);
    if (!w->whole)
        rest_put_text(j, "why",
                      !reached            ? "an entry before it does not verify"
                      : fault.what != NULL ? fault.what
                                           : "it does not parse, or a check of it failed");
    tsr_json_close(j);
}

static void put_entries(tsr_json_out *j, tsr_buf *out, const tsr_fdo_voucher *v)
{
    walk w;

    w.whole = tsr_fdo_ov_begin(&w.chain, &v->header, v->hmac_encoded) == TSR_OK;
    tsr_json_put_key(j, "entries");
    tsr_json_open_array(j);
    for (size_t i = 0; i < v->count; i++) {
        rest_room(out, 600);
        put_entry(j, &w, v, i);
    }
    rest_room(out, 16);
    tsr_json_close(j);
}

static void put_rendezvous(tsr_json_out *j, tsr_buf *out, const tsr_fdo_voucher *v)
{
    tsr_fdo_directive d;

    tsr_json_put_key(j, "rendezvous");
    tsr_json_open_array(j);
    for (size_t i = 0; tsr_fdo_rv_at(v->header.rv_info, i, &d) == TSR_OK; i++) {
        rest_room(out, 2500);
        put_place(j, d.dns, d.ip, d.dev_port);
    }
    rest_room(out, 16);
    tsr_json_close(j);
}

static void put_voucher(tsr_fdo *f, tsr_json_out *j, tsr_buf *out, const tsr_fdo_voucher *v)
{
    tsr_buf pem = { 0 };
    tsr_fdo_key owner, device;
    const char *wrong = fdo_voucher_wrong(f->roots, v, &owner);
    bool has_owner = tsr_fdo_voucher_owner(v, &owner) == TSR_OK;

    fdo_voucher_put_pem(&pem, v->encoded);
    rest_room(out, 2 * pem.len + 6 * v->header.device_info.len + 4000);
    rest_put_text(j, "wrong", wrong);
    rest_put_flag(j, "ours",
                  has_owner && (fdo_key_of(&f->owners, &owner) != NULL ||
                                fdo_key_of(&f->makers, &owner) != NULL));
    put_key(j, "manufacturer", &v->header.manufacturer);
    if (tsr_fdo_voucher_device(v, &device) == TSR_OK)
        put_key(j, "device", &device);
    put_rendezvous(j, out, v);
    put_entries(j, out, v);
    rest_room(out, 2 * pem.len + 64);
    tsr_json_put_key(j, "voucher");
    tsr_json_put_string(j, tsr_buf_view(&pem));
    free(pem.ptr);
}

tsr_err tsr_fdo_voucher_tell(tsr_fdo *f, const char *guid, tsr_buf *json)
{
    tsr_buf room = { 0 };
    tsr_json_out j = tsr_json_to(json);
    tsr_fdo_voucher v;
    tsr_err err = fdo_fetch(f, TSR_STORE_FDO_VOUCHER, guid, &room);

    if (err == TSR_OK)
        err = tsr_fdo_voucher_read(tsr_buf_view(&room), &v);
    if (err == TSR_OK) {
        rest_room(json, 256);
        tsr_json_open_object(&j);
        rest_put_text(&j, "guid", guid);
        put_voucher(f, &j, json, &v);
        rest_room(json, 16);
        tsr_json_close(&j);
        err = tsr_json_end(&j) == TSR_OK ? json->err : TSR_E_SPACE;
    }
    free(room.ptr);
    return err;
}

/* --- what is registered here ------------------------------------------------------------ */

typedef struct {
    tsr_fdo_row_fn *fn;
    void *arg;
} give;

static void put_redirect(tsr_json_out *j, const char *guid, const fdo_redirect *r)
{
    tsr_cose_message m;
    tsr_fdo_to1d to1d;
    tsr_fdo_addr a;

    tsr_json_open_object(j);
    rest_put_text(j, "guid", guid);
    rest_put_count(j, "entries", r->entries);
    rest_put_moment(j, "ends_at", r->ends_s * 1000);
    rest_put_flag(j, "over", r->ends_s <= fdo_now_ms() / 1000);
    put_key(j, "device", &r->key);
    tsr_json_put_key(j, "owner");
    tsr_json_open_array(j);
    if (tsr_cose_read(r->to1d, TSR_COSE_SIGN1, &m) == TSR_OK &&
        tsr_fdo_to1d_read(m.payload, &to1d) == TSR_OK)
        for (size_t i = 0; tsr_fdo_addr_at(to1d.addrs, i, &a) == TSR_OK && i < 8; i++)
            put_place(j, a.dns, a.ip, a.port);
    tsr_json_close(j);
    tsr_json_close(j);
}

static bool give_redirect(void *arg, const tsr_store_document *d)
{
    const give *g = arg;
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);
    fdo_redirect r;

    if (fdo_redirect_read(d->body, &r) != TSR_OK)
        return true;
    rest_room(&out, 24000); /* eight addresses of names that need every byte escaped */
    put_redirect(&j, d->name, &r);
    if (tsr_json_end(&j) == TSR_OK && out.err == TSR_OK)
        g->fn(g->arg, d->name, tsr_buf_view(&out));
    free(out.ptr);
    return true;
}

tsr_err tsr_fdo_redirect_list(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn,
                              void *arg)
{
    give g = { fn, arg };

    return fdo_list(f, TSR_STORE_FDO_REDIRECT, after, limit != 0 ? limit : 100, give_redirect, &g);
}

/* --- the service ------------------------------------------------------------------------ */

static void put_keys(tsr_json_out *j, const char *name, const fdo_keys *keys)
{
    tsr_json_put_key(j, name);
    tsr_json_open_array(j);
    for (unsigned i = 0; i < keys->count; i++)
        put_key(j, NULL, &keys->list[i]->public);
    tsr_json_close(j);
}

static void put_roles(tsr_json_out *j, unsigned roles)
{
    static const char *const names[] = { "manufacturer", "rendezvous", "owner" };

    tsr_json_put_key(j, "roles");
    tsr_json_open_array(j);
    for (unsigned i = 0; i < 3; i++)
        if ((roles & 1u << i) != 0)
            tsr_json_put_string(j, tsr_text(names[i]));
    tsr_json_close(j);
}

static void put_trusted(const tsr_fdo *f, tsr_json_out *j)
{
    tsr_bytes keys = tsr_buf_view(&f->trusted);
    tsr_fdo_key k;

    tsr_json_put_key(j, "trusted");
    tsr_json_open_array(j);
    while (keys.len > 0 && tsr_fdo_get_key(&keys, &k) == TSR_OK)
        put_key(j, NULL, &k);
    tsr_json_close(j);
}

tsr_err tsr_fdo_service_tell(tsr_fdo *f, tsr_buf *json)
{
    const tsr_fdo_config *c = &f->config;
    tsr_json_out j = tsr_json_to(json);

    rest_room(json, 32000); /* 8 places of 255 bytes, 31 keys */
    tsr_json_open_object(&j);
    put_roles(&j, c->roles);
    rest_put_count(&j, "port", tsr_fdo_port(f));
    put_keys(&j, "manufacturer_keys", &f->makers);
    put_keys(&j, "owner_keys", &f->owners);
    put_texts(&j, "rendezvous", c->rendezvous, c->rendezvous_count);
    put_texts(&j, "owner_places", c->owner_places, c->owner_place_count);
    rest_put_flag(&j, "any_owner", c->any_owner);
    put_trusted(f, &j);
    rest_put_flag(&j, "device_anchors", f->roots != NULL);
    rest_put_flag(&j, "reuse", c->reuse);
    rest_put_count(&j, "wait_max_s", c->wait_max_s);
    rest_put_count(&j, "rate", c->rate);
    rest_put_count(&j, "peer_rate", c->peer_rate);
    rest_put_count(&j, "running", tsr_fdo_runs(f));
    rest_put_count(&j, "running_max", c->sessions);
    tsr_json_close(&j);
    return tsr_json_end(&j) == TSR_OK ? json->err : TSR_E_SPACE;
}
