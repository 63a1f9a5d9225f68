/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles, states and credentials in the store: what operators set and read. */
#define _GNU_SOURCE
#include "server/bootstrap/role.h"

#include "server/rest/pattern.h"
#include "server/rest/room.h"
#include "tessera/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATTERNS_MAX = 1000 }; /* each request walks them, until one fits */

/* --- documents -------------------------------------------------------------------------- */

static tsr_err put(tsr_server *s, const tsr_store_document *d)
{
    tsr_store_waiter w = TSR_STORE_WAITER;

    return tsr_store_wait(&w, tsr_store_put_document(s->store, d, tsr_store_wake, &w));
}

static bool is_there(void *arg, const tsr_store_document *row)
{
    (void)row;
    *(bool *)arg = true;
    return false;
}

static tsr_err read_documents(tsr_server *s, int kind, tsr_store_lookup by, const char *key,
                              size_t limit, tsr_store_document_fn *fn, void *arg)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;

    if (reader_take(s, &slot, &reader) != TSR_OK)
        return TSR_E_IO;

    tsr_err err = tsr_store_documents(reader, kind, by, key, limit, fn, arg);

    reader_give(s, slot);
    return err;
}

static tsr_err drop(tsr_server *s, int kind, const char *name)
{
    tsr_store_waiter w = TSR_STORE_WAITER;
    bool there = false;
    tsr_err err = read_documents(s, kind, TSR_STORE_BY_NAME, name, 1, is_there, &there);

    if (err != TSR_OK)
        return err;
    return tsr_store_wait(&w, tsr_store_delete_document(s->store, kind, name, tsr_store_wake, &w));
}

/* --- profiles --------------------------------------------------------------------------- */

typedef struct {
    tsr_bootstrap_profile_fn *fn;
    void *arg;
    bool redact;
    tsr_err err;
} give;

static bool give_document(void *arg, const tsr_store_document *row)
{
    give *g = arg;
    tsr_buf out = { 0 };

    if (!g->redact) {
        g->fn(g->arg, row->name, row->body, row->changed_ms);
        return true;
    }
    bs_profile_put(&out, row->body);
    if (out.err == TSR_OK)
        g->fn(g->arg, row->name, tsr_buf_view(&out), row->changed_ms);
    else
        g->err = TSR_E_SPACE;
    free(out.ptr);
    return g->err == TSR_OK;
}

static tsr_err give_all(tsr_server *s, int kind, tsr_store_lookup by, const char *key, size_t limit,
                        give *g)
{
    tsr_err err = read_documents(s, kind, by, key, limit, give_document, g);

    return err == TSR_OK ? g->err : err;
}

tsr_err tsr_bootstrap_profile_get(tsr_server *s, const char *name, tsr_bootstrap_profile_fn *fn,
                                  void *arg)
{
    give g = { fn, arg, true, TSR_OK };

    return give_all(s, TSR_STORE_BOOTSTRAP_PROFILE, TSR_STORE_BY_NAME, name, 1, &g);
}

tsr_err tsr_bootstrap_profile_list(tsr_server *s, const char *after, size_t limit,
                                   tsr_bootstrap_profile_fn *fn, void *arg)
{
    give g = { fn, arg, true, TSR_OK };

    return give_all(s, TSR_STORE_BOOTSTRAP_PROFILE, TSR_STORE_AFTER, after, limit ? limit : 100,
                    &g);
}

typedef struct {
    const char *endpoint;
    tsr_store_document_fn *fn;
    void *arg;
    bool found;
} match;

static bool match_one(void *arg, const tsr_store_document *row)
{
    match *m = arg;

    if (!rest_pattern_matches(row->name, m->endpoint))
        return true;
    m->found = true;
    m->fn(m->arg, row);
    return false;
}

tsr_err bs_profile_find(tsr_store_reader *reader, const char *endpoint, tsr_store_document_fn *fn,
                        void *arg)
{
    match m = { endpoint, fn, arg, false };
    tsr_err err = tsr_store_documents(reader, TSR_STORE_BOOTSTRAP_PROFILE, TSR_STORE_BY_NAME,
                                      endpoint, 1, fn, arg);

    if (err != TSR_E_NOT_FOUND)
        return err;
    err = tsr_store_documents(reader, TSR_STORE_BOOTSTRAP_PROFILE, TSR_STORE_BY_RANK, NULL, 0,
                              match_one, &m);
    return err == TSR_OK && !m.found ? TSR_E_NOT_FOUND : err;
}

tsr_err tsr_bootstrap_profile_for(tsr_server *s, const char *endpoint,
                                  tsr_bootstrap_profile_fn *fn, void *arg)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;
    give g = { fn, arg, true, TSR_OK };

    if (reader_take(s, &slot, &reader) != TSR_OK)
        return TSR_E_IO;

    tsr_err err = bs_profile_find(reader, endpoint, give_document, &g);

    reader_give(s, slot);
    return err == TSR_OK ? g.err : err;
}

typedef struct {
    tsr_bytes json;
    tsr_buf *out;
    tsr_err err;
} keeping;

static bool keep_keys(void *arg, const tsr_store_document *row)
{
    keeping *k = arg;

    k->err = bs_profile_keep_keys(k->json, row->body, k->out);
    return false;
}

static bool count_one(void *arg, const tsr_store_document *row)
{
    (void)row;
    ++*(size_t *)arg;
    return true;
}

static tsr_err check_room(tsr_server *s, const char *name, char *why, size_t why_cap)
{
    size_t patterns = 0;
    bool there = false;
    tsr_err err;

    if (rest_pattern_rank(name) == 0)
        return TSR_OK;
    err = read_documents(s, TSR_STORE_BOOTSTRAP_PROFILE, TSR_STORE_BY_RANK, NULL, 0, count_one,
                         &patterns);
    if (err != TSR_OK || patterns < PATTERNS_MAX)
        return err;
    err = read_documents(s, TSR_STORE_BOOTSTRAP_PROFILE, TSR_STORE_BY_NAME, name, 1, is_there,
                         &there);
    if (err != TSR_E_NOT_FOUND)
        return err;
    (void)snprintf(why, why_cap, "there are %d patterns already: remove some", PATTERNS_MAX);
    return TSR_E_ARGUMENT;
}

static tsr_err check(tsr_bytes json, char *why, size_t why_cap)
{
    bs_profile *p = calloc(1, sizeof *p);
    tsr_err err = p ? bs_profile_read(json, p, why, why_cap) : TSR_E_SPACE;

    if (p)
        bs_profile_free(p);
    free(p);
    return err;
}

tsr_err tsr_bootstrap_profile_set(tsr_server *s, const char *name, tsr_bytes json, char *why,
                                  size_t why_cap)
{
    tsr_buf whole = { 0 };
    keeping k = { json, &whole, TSR_OK };
    size_t len = strlen(name);
    tsr_err err;

    (void)snprintf(why, why_cap, "the name must be 1 to 255 bytes of UTF-8");
    if (len < 1 || len > TSR_ENDPOINT_MAX || !tsr_utf8_valid(tsr_text(name)))
        return TSR_E_ARGUMENT;
    err = read_documents(s, TSR_STORE_BOOTSTRAP_PROFILE, TSR_STORE_BY_NAME, name, 1, keep_keys, &k);
    err = err == TSR_OK ? k.err : err == TSR_E_NOT_FOUND ? TSR_OK : err;
    if (err == TSR_OK && whole.len)
        json = tsr_buf_view(&whole);
    if (err == TSR_OK)
        err = check(json, why, why_cap);
    if (err == TSR_OK)
        err = check_room(s, name, why, why_cap);
    if (err == TSR_OK) {
        tsr_store_document d = { .kind = TSR_STORE_BOOTSTRAP_PROFILE, .name = name, .rank = rest_pattern_rank(name),
                                 .changed_ms = unix_now_ms(), .body = json };

        err = put(s, &d);
    }
    if (whole.ptr)
        tsr_wipe(whole.ptr, whole.cap);
    free(whole.ptr);
    return err;
}

tsr_err tsr_bootstrap_profile_delete(tsr_server *s, const char *name)
{
    return drop(s, TSR_STORE_BOOTSTRAP_PROFILE, name);
}

/* --- states ----------------------------------------------------------------------------- */

tsr_err tsr_bootstrap_state_get(tsr_server *s, const char *endpoint, tsr_bootstrap_profile_fn *fn,
                                void *arg)
{
    give g = { fn, arg, false, TSR_OK };

    return give_all(s, TSR_STORE_BOOTSTRAP_STATE, TSR_STORE_BY_NAME, endpoint, 1, &g);
}

tsr_err tsr_bootstrap_state_list(tsr_server *s, const char *after, size_t limit,
                                 tsr_bootstrap_profile_fn *fn, void *arg)
{
    give g = { fn, arg, false, TSR_OK };

    return give_all(s, TSR_STORE_BOOTSTRAP_STATE, TSR_STORE_AFTER, after, limit ? limit : 100, &g);
}

/* --- credentials: name = endpoint, alias = mode and identity, body = key ------------------- */

void bs_credential_alias(int mode, tsr_bytes identity, char out[BS_ALIAS_MAX])
{
    (void)snprintf(out, BS_ALIAS_MAX, "%d:%.*s", mode, (int)identity.len,
                   (const char *)identity.ptr);
}

typedef struct {
    tsr_server_credential_fn *fn;
    void *arg;
} give_credential;

static bool give_one(void *arg, const tsr_store_document *row)
{
    give_credential *g = arg;
    oscore_row keys;
    tsr_server_credential c = { .endpoint = row->name,
                                .mode = (tsr_server_security)(row->alias[0] - '0'),
                                .identity = row->alias + 2,
                                .key_len = row->body.len,
                                .changed_unix_ms = row->changed_ms };

    if (c.mode == TSR_SERVER_OSCORE)
        c.key_len = oscore_row_get(row->body, &keys) ? keys.secret.len : 0;
    if (row->alias[0] && row->alias[1] == ':')
        g->fn(g->arg, &c);
    return true;
}

tsr_err tsr_bootstrap_credential_get(tsr_server *s, const char *endpoint,
                                     tsr_server_credential_fn *fn, void *arg)
{
    give_credential g = { fn, arg };

    return read_documents(s, TSR_STORE_BOOTSTRAP_CREDENTIAL, TSR_STORE_BY_NAME, endpoint, 1,
                          give_one, &g);
}

tsr_err tsr_bootstrap_credential_list(tsr_server *s, const char *after, size_t limit,
                                      tsr_server_credential_fn *fn, void *arg)
{
    give_credential g = { fn, arg };

    return read_documents(s, TSR_STORE_BOOTSTRAP_CREDENTIAL, TSR_STORE_AFTER, after,
                          limit ? limit : 100, give_one, &g);
}

typedef struct {
    tsr_server_security mode;
    char identity[OSCORE_IDENTITY];
} old_credential;

static void keep_old(void *arg, const tsr_server_credential *c)
{
    old_credential *old = arg;

    old->mode = c->mode;
    (void)snprintf(old->identity, sizeof old->identity, "%s", c->identity);
}

static void drop_sessions(tsr_server *s, const old_credential *old)
{
    if (old->mode == TSR_SERVER_OSCORE)
        oscore_forget(s, 1, old->identity);
    if (old->identity[0])
        tsr_engine_drop_identity(s->engine, 1, (tsr_peer_security)old->mode, old->identity);
}

static bool text_fits(const char *text, size_t max)
{
    size_t n = text ? strlen(text) : 0;

    return n >= 1 && n <= max;
}

/* Sessions that came with the old one end. */
static tsr_err replace(tsr_server *s, const char *endpoint, int mode, const char *identity,
                       tsr_bytes key)
{
    old_credential old = { 0 };
    char alias[BS_ALIAS_MAX];
    tsr_store_document d = { .kind = TSR_STORE_BOOTSTRAP_CREDENTIAL, .name = endpoint, .alias = alias,
                             .changed_ms = unix_now_ms(), .body = key };
    tsr_err err = tsr_bootstrap_credential_get(s, endpoint, keep_old, &old);

    if (err != TSR_OK && err != TSR_E_NOT_FOUND)
        return err;
    bs_credential_alias(mode, tsr_text(identity), alias);
    if ((err = put(s, &d)) != TSR_OK)
        return err;
    drop_sessions(s, &old);
    emit_simple(s, endpoint, TSR_SERVER_EV_CREDENTIAL, "set at the bootstrap server");
    return TSR_OK;
}

tsr_err tsr_bootstrap_credential_set(tsr_server *s, const char *endpoint, tsr_server_security mode,
                                     const char *identity, tsr_bytes key)
{
    if (!text_fits(endpoint, TSR_ENDPOINT_MAX) || !text_fits(identity, TSR_DTLS_IDENTITY_MAX) ||
        (mode != TSR_SERVER_PSK && mode != TSR_SERVER_X509) ||
        (mode == TSR_SERVER_PSK && (key.len < 1 || key.len > BS_KEY_MAX)) ||
        (mode == TSR_SERVER_X509 && key.len != 0))
        return TSR_E_ARGUMENT;
    return replace(s, endpoint, (int)mode, identity, key);
}

tsr_err tsr_bootstrap_credential_set_oscore(tsr_server *s, const char *endpoint,
                                            const tsr_server_oscore *o)
{
    uint8_t room[OSCORE_ROW_MAX];
    char identity[OSCORE_IDENTITY];
    tsr_buf row = tsr_buf_over(room, sizeof room);
    tsr_err err = TSR_E_ARGUMENT;

    if (text_fits(endpoint, TSR_ENDPOINT_MAX))
        err = oscore_row_make(o, &row, identity);
    if (err == TSR_OK)
        err = replace(s, endpoint, TSR_SERVER_OSCORE, identity, tsr_buf_view(&row));
    if (err == TSR_OK)
        oscore_forget(s, 1, identity);
    tsr_wipe(room, sizeof room);
    return err;
}

tsr_err tsr_bootstrap_credential_delete(tsr_server *s, const char *endpoint)
{
    old_credential old = { 0 };
    tsr_err err = tsr_bootstrap_credential_get(s, endpoint, keep_old, &old);

    if (err == TSR_OK)
        err = drop(s, TSR_STORE_BOOTSTRAP_CREDENTIAL, endpoint);
    if (err != TSR_OK)
        return err;
    drop_sessions(s, &old);
    emit_simple(s, endpoint, TSR_SERVER_EV_CREDENTIAL, "deleted at the bootstrap server");
    return TSR_OK;
}
