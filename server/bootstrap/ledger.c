/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/bootstrap/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/bootstrap/role.h"
#include "server/rest/moment.h"
#include "server/rest/put.h"
#include "tessera/json/base64.h"
#include "tessera/json/json.h"

enum { ROW_MAX = 8192 };

static void put_base64(tsr_json_out *j, const char *key, tsr_bytes der)
{
    char text[(BS_CERTIFICATE_MAX + 2) / 3 * 4];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    tsr_base64_put(&word, der);
    tsr_json_put_key(j, key);
    tsr_json_put_string(j, tsr_buf_view(&word));
}

static void serial_text(const bs_issued *issued, char out[2 * BS_SERIAL_LEN + 1])
{
    for (size_t i = 0; i < sizeof issued->serial; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", issued->serial[i]);
}

tsr_err ledger_put(tsr_store *store, const char *endpoint, const char *shown,
                   const bs_issued *issued, tsr_store_done *done, void *arg)
{
    char json[ROW_MAX], name[LEDGER_NAME_MAX + 1], serial[2 * BS_SERIAL_LEN + 1];
    tsr_buf out = tsr_buf_over(json, sizeof json);
    tsr_json_out j = tsr_json_to(&out);

    serial_text(issued, serial);
    (void)snprintf(name, sizeof name, "%s/%s", endpoint, serial);
    tsr_json_open_object(&j);
    rest_put_text(&j, "serial", serial);
    rest_put_text(&j, "endpoint", endpoint);
    rest_put_text(&j, "requested_by", shown);
    rest_put_moment(&j, "not_before", issued->from_s * 1000);
    rest_put_moment(&j, "not_after", issued->to_s * 1000);
    put_base64(&j, "certificate", tsr_view(issued->der, issued->der_len));
    tsr_json_close(&j);
    if (tsr_json_end(&j) != TSR_OK)
        return TSR_E_SPACE;

    tsr_store_document d = { .kind = TSR_STORE_CERTIFICATE, .name = name, .alias = serial,
                             .changed_ms = unix_now_ms(), .body = tsr_buf_view(&out) };

    return tsr_store_put_document(store, &d, done, arg);
}

/* --- what is there ---------------------------------------------------------------------- */

static int64_t end_of(tsr_bytes json)
{
    tsr_json root;
    char text[40];
    int64_t unix_ms = 0;

    if (tsr_json_parse(json, &root, NULL) == TSR_OK &&
        tsr_json_find_cstring(&root, "not_after", text, sizeof text) == TSR_OK)
        (void)rest_get_moment_ms(tsr_text(text), &unix_ms);
    return unix_ms / 1000;
}

typedef struct {
    const char *endpoint;
    int64_t now_s;
    size_t live;
} count;

static bool belongs(const tsr_store_document *row, const char *endpoint)
{
    size_t len = strlen(endpoint);

    return strncmp(row->name, endpoint, len) == 0 && row->name[len] == '/' &&
           strchr(row->name + len + 1, '/') == NULL;
}

static bool count_one(void *arg, const tsr_store_document *row)
{
    count *c = arg;

    if (strncmp(row->name, c->endpoint, strlen(c->endpoint)) != 0)
        return false;
    if (belongs(row, c->endpoint) && row->rank == 0 && end_of(row->body) > c->now_s)
        c->live++;
    return true;
}

size_t ledger_live(tsr_store_reader *reader, const char *endpoint, int64_t now_s)
{
    char after[LEDGER_NAME_MAX + 1];
    count c = { endpoint, now_s, 0 };

    (void)snprintf(after, sizeof after, "%s/", endpoint);
    (void)tsr_store_documents(reader, TSR_STORE_CERTIFICATE, TSR_STORE_AFTER, after, 10000,
                              count_one, &c);
    return c.live;
}

static bool count_this(void *arg, const tsr_store_document *row)
{
    count *c = arg;

    c->live = belongs(row, c->endpoint) && row->rank == 0 && end_of(row->body) > c->now_s;
    return false;
}

bool ledger_is_live(tsr_store_reader *reader, const char *serial, const char *endpoint,
                    int64_t now_s)
{
    count c = { endpoint, now_s, 0 };

    (void)tsr_store_documents(reader, TSR_STORE_CERTIFICATE, TSR_STORE_BY_ALIAS, serial, 1,
                              count_this, &c);
    return c.live != 0;
}

/* --- for operators ---------------------------------------------------------------------- */

typedef struct {
    tsr_bootstrap_profile_fn *fn;
    void *arg;
} give;

static bool give_row(void *arg, const tsr_store_document *row)
{
    give *g = arg;

    g->fn(g->arg, row->name, row->body, row->changed_ms);
    return true;
}

static tsr_err read_rows(tsr_server *s, tsr_store_lookup by, const char *key, size_t limit,
                         tsr_store_document_fn *fn, void *arg)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;
    tsr_err err;

    if (reader_take(s, &slot, &reader) != TSR_OK)
        return TSR_E_IO;
    err = tsr_store_documents(reader, TSR_STORE_CERTIFICATE, by, key, limit, fn, arg);
    reader_give(s, slot);
    return err;
}

tsr_err tsr_bootstrap_certificate_get(tsr_server *s, const char *serial,
                                      tsr_bootstrap_profile_fn *fn, void *arg)
{
    give g = { fn, arg };

    return read_rows(s, TSR_STORE_BY_ALIAS, serial, 1, give_row, &g);
}

tsr_err tsr_bootstrap_certificate_list(tsr_server *s, const char *after, size_t limit,
                                       tsr_bootstrap_profile_fn *fn, void *arg)
{
    give g = { fn, arg };

    return read_rows(s, TSR_STORE_AFTER, after, limit ? limit : 100, give_row, &g);
}

typedef struct {
    char json[ROW_MAX], name[LEDGER_NAME_MAX + 1], endpoint[TSR_ENDPOINT_MAX + 1];
    tsr_buf out;
    bool already;
    tsr_err err;
} revocation;

/* The row as it is, and the moment behind it. */
static bool rewrite(void *arg, const tsr_store_document *row)
{
    revocation *r = arg;
    tsr_json root, key, value;
    tsr_json_out j = tsr_json_to(&r->out);

    r->already = row->rank != 0;
    (void)snprintf(r->name, sizeof r->name, "%s", row->name);
    r->err = tsr_json_parse(row->body, &root, NULL);
    if (r->err != TSR_OK)
        return false;
    (void)tsr_json_find_cstring(&root, "endpoint", r->endpoint, sizeof r->endpoint);
    tsr_json_open_object(&j);

    tsr_json_walk walk = tsr_json_items(&root);

    while (tsr_json_next(&walk, &key, &value)) {
        tsr_json_put_key_bytes(&j, tsr_view(key.text.ptr + 1, key.text.len - 2));
        tsr_json_put_raw(&j, value.text);
    }
    rest_put_moment(&j, "revoked_at", unix_now_ms());
    tsr_json_close(&j);
    r->err = tsr_json_end(&j);
    return false;
}

static tsr_err store_revocation(tsr_server *s, const char *serial, const revocation *r)
{
    tsr_store_waiter w = TSR_STORE_WAITER;
    char detail[80];
    tsr_store_document d = { .kind = TSR_STORE_CERTIFICATE, .name = r->name, .alias = serial, .rank = unix_now_ms(),
                             .changed_ms = unix_now_ms(), .body = tsr_buf_view(&r->out) };
    tsr_err err = tsr_store_wait(&w, tsr_store_put_document(s->store, &d, tsr_store_wake, &w));

    if (err != TSR_OK)
        return err;
    tsr_engine_drop_identity(s->engine, 0, TSR_PEER_X509, r->endpoint);
    tsr_engine_drop_identity(s->engine, 1, TSR_PEER_X509, r->endpoint);
    (void)snprintf(detail, sizeof detail, "certificate %s revoked", serial);
    emit_simple(s, r->endpoint, TSR_SERVER_EV_CREDENTIAL, detail);
    return TSR_OK;
}

tsr_err tsr_bootstrap_certificate_revoke(tsr_server *s, const char *serial)
{
    revocation *r = calloc(1, sizeof *r);
    tsr_err err = r ? TSR_OK : TSR_E_SPACE;

    if (err == TSR_OK) {
        r->out = tsr_buf_over(r->json, sizeof r->json);
        err = read_rows(s, TSR_STORE_BY_ALIAS, serial, 1, rewrite, r);
    }
    if (err == TSR_OK)
        err = r->err;
    if (err == TSR_OK && !r->already)
        err = store_revocation(s, serial, r);
    free(r);
    return err;
}
