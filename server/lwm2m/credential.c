/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials: set by the operator, looked up in the store when a device shakes hands or registers,
 * never kept in memory in between. A PSK is handed to the PSA core of this process for the length
 * of a handshake and wiped from here at once. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>

/* --- handshakes ------------------------------------------------------------------------- */

uint32_t credential_import(tsr_bytes key)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    return psa_import_key(&attributes, key.ptr, key.len, &id) == PSA_SUCCESS ? id : 0;
}

static bool import_key(void *arg, const tsr_store_credential *c)
{
    *(uint32_t *)arg = credential_import(c->key);
    return false;
}

tsr_err credential_psk(void *user, tsr_shard *shard, tsr_bytes identity, uint32_t *key_id)
{
    uint32_t id = 0;
    tsr_err err = tsr_store_credential_key(tsr_shard_reader(shard), TSR_SERVER_PSK, identity,
                                           import_key, &id);

    (void)user;
    if (err == TSR_OK && id == 0)
        err = TSR_E_CRYPTO;
    if (err == TSR_OK)
        *key_id = id;
    return err;
}

static bool found(void *arg, const tsr_store_credential *c)
{
    (void)c;
    *(bool *)arg = true;
    return false;
}

tsr_err credential_certificate(void *user, tsr_shard *shard, const char *common_name,
                               tsr_bytes der)
{
    bool known = false;

    (void)user;
    if (certificate_is_revoked(tsr_shard_reader(shard), der))
        return TSR_E_DENIED;
    return tsr_store_credential_key(tsr_shard_reader(shard), TSR_SERVER_X509, tsr_text(common_name),
                                    found, &known);
}

/* --- registration ----------------------------------------------------------------------- */

static bool copy_endpoint(void *arg, const tsr_store_credential *c)
{
    (void)snprintf(arg, TSR_ENDPOINT_MAX + 1, "%s", c->endpoint);
    return false;
}

tsr_err credential_endpoint(desk *d, const tsr_peer *peer, char endpoint[TSR_ENDPOINT_MAX + 1])
{
    return tsr_store_credential_key(tsr_shard_reader(d->shard), (int)peer->security,
                                    tsr_text(peer->identity), copy_endpoint, endpoint);
}

static bool copy_needs(void *arg, const tsr_store_credential *c)
{
    credential_needs *needs = arg;

    needs->session = c->mode != TSR_SERVER_OSCORE;
    needs->required = c->oscore[0] && c->required;
    (void)snprintf(needs->oscore, sizeof needs->oscore, "%s", c->oscore);
    return false;
}

credential_needs credential_needs_of(desk *d, const char *endpoint)
{
    credential_needs needs = { 0 };
    tsr_err err = tsr_store_credential_get(tsr_shard_reader(d->shard), endpoint, copy_needs, &needs);

    needs.session = needs.session || err == TSR_E_IO; /* when in doubt, it must prove itself */
    return needs;
}

bool credential_fits(desk *d, const tsr_peer *peer, const char *oscore)
{
    char owner[TSR_ENDPOINT_MAX + 1], other[TSR_ENDPOINT_MAX + 1];

    return credential_endpoint(d, peer, owner) == TSR_OK &&
           tsr_store_credential_key(tsr_shard_reader(d->shard), TSR_SERVER_OSCORE, tsr_text(oscore),
                                    copy_endpoint, other) == TSR_OK &&
           strcmp(owner, other) == 0;
}

/* --- API -------------------------------------------------------------------------------- */

typedef struct {
    int mode;
    char identity[129];
    char oscore[OSCORE_IDENTITY];
} old_credential;

static bool copy_identity(void *arg, const tsr_store_credential *c)
{
    old_credential *old = arg;

    old->mode = c->mode;
    (void)snprintf(old->identity, sizeof old->identity, "%s", c->identity);
    (void)snprintf(old->oscore, sizeof old->oscore, "%s", c->oscore);
    return false;
}

static tsr_err find_old(tsr_server *s, const char *endpoint, old_credential *old)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    err = tsr_store_credential_get(reader, endpoint, copy_identity, old);
    reader_give(s, slot);
    return err;
}

static bool text_fits(const char *text, size_t max)
{
    size_t n = text ? strlen(text) : 0;

    return n >= 1 && n <= max;
}

static void drop_old(tsr_server *s, const old_credential *old)
{
    if (!old->identity[0])
        return;
    if (old->oscore[0]) {
        oscore_forget(s, 0, old->oscore);
        tsr_engine_drop_identity(s->engine, 0, TSR_PEER_OSCORE, old->oscore);
    }
    tsr_engine_drop_identity(s->engine, 0, (tsr_peer_security)old->mode, old->identity);
}

static tsr_err replace(tsr_server *s, const tsr_store_credential *row)
{
    tsr_store_waiter w = TSR_STORE_WAITER;
    old_credential old = { 0, "", "" };
    tsr_err err = find_old(s, row->endpoint, &old);

    if (err != TSR_OK && err != TSR_E_NOT_FOUND)
        return err;
    err = tsr_store_wait(&w, tsr_store_put_credential(s->store, row, tsr_store_wake, &w));
    if (err != TSR_OK)
        return err;
    drop_old(s, &old);
    if (row->mode == TSR_SERVER_OSCORE || row->oscore)
        oscore_forget(s, 0, row->oscore ? row->oscore : row->identity);
    emit_simple(s, row->endpoint, TSR_SERVER_EV_CREDENTIAL, "set");
    return TSR_OK;
}

static bool session_is_good(const char *endpoint, tsr_server_security mode, const char *identity,
                            tsr_bytes key)
{
    if (!text_fits(endpoint, TSR_ENDPOINT_MAX) || !text_fits(identity, TSR_DTLS_IDENTITY_MAX) ||
        (mode != TSR_SERVER_PSK && mode != TSR_SERVER_X509) ||
        (mode == TSR_SERVER_PSK && (key.len < 1 || key.len > 64)) ||
        (mode == TSR_SERVER_X509 && key.len != 0))
        return false;
    return true;
}

tsr_err tsr_server_credential_set(tsr_server *s, const char *endpoint, tsr_server_security mode,
                                  const char *identity, tsr_bytes key)
{
    tsr_store_credential row = { .endpoint = endpoint, .mode = (int)mode, .identity = identity,
                                 .key = key, .changed_ms = unix_now_ms() };

    return session_is_good(endpoint, mode, identity, key) ? replace(s, &row) : TSR_E_ARGUMENT;
}

/* --- OSCORE ------------------------------------------------------------------------------- */

enum { ROW = 1, ROW_NO_ECHO = 2, OSCORE_MAX = 64 }; /* the first byte */

static void put_hex(tsr_buf *out, tsr_bytes in)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < in.len; i++) {
        tsr_put_u8(out, (uint8_t)digits[in.ptr[i] >> 4]);
        tsr_put_u8(out, (uint8_t)digits[in.ptr[i] & 15]);
    }
}

void oscore_identity(tsr_bytes device_id, tsr_bytes id_context, char identity[OSCORE_IDENTITY])
{
    tsr_buf out = tsr_buf_over(identity, OSCORE_IDENTITY - 1);

    put_hex(&out, device_id);
    if (device_id.len == 0)
        tsr_put_text(&out, "-");
    if (id_context.ptr) {
        tsr_put_u8(&out, ':');
        put_hex(&out, id_context);
    }
    identity[out.len] = 0;
}

bool oscore_row_get(tsr_bytes row, oscore_row *out)
{
    uint8_t kind, id_len, salt_len, aead;

    if (tsr_get_u8(&row, &kind) != TSR_OK || (kind != ROW && kind != ROW_NO_ECHO) ||
        tsr_get_u8(&row, &aead) != TSR_OK || tsr_get_u8(&row, &id_len) != TSR_OK ||
        tsr_get_bytes(&row, id_len, &out->server_id) != TSR_OK ||
        tsr_get_u8(&row, &salt_len) != TSR_OK ||
        tsr_get_bytes(&row, salt_len, &out->salt) != TSR_OK || row.len == 0)
        return false;
    out->aead = aead;
    out->no_echo = kind == ROW_NO_ECHO;
    out->secret = row;
    return true;
}

static bool oscore_is_good(const tsr_server_oscore *o)
{
    return o->device_id.len <= TSR_OSCORE_ID_MAX && o->server_id.len <= TSR_OSCORE_ID_MAX &&
           !tsr_same(o->device_id, o->server_id) && o->secret.len >= 1 &&
           o->secret.len <= OSCORE_MAX && o->salt.len <= OSCORE_MAX &&
           o->id_context.len <= TSR_OSCORE_ID_CONTEXT_MAX && o->aead >= 0 && o->aead <= 255;
}

/* Derives once, so that what cannot work is refused now and not when the device comes. */
static tsr_err oscore_try(const tsr_server_oscore *o)
{
    tsr_oscore_params p = { .salt = o->salt,
                            .sender_id = o->server_id,
                            .recipient_id = o->device_id,
                            .id_context = o->id_context,
                            .aead = o->aead };
    tsr_oscore c;
    tsr_err err = oscore_secret(o->secret, &p.master_secret);

    if (err == TSR_OK)
        err = tsr_oscore_init(&c, &p, tsr_view(NULL, 0));
    if (err == TSR_OK)
        tsr_oscore_free(&c);
    psa_destroy_key(p.master_secret);
    return err;
}

tsr_err oscore_row_make(const tsr_server_oscore *o, tsr_buf *row, char identity[OSCORE_IDENTITY])
{
    tsr_err err = oscore_is_good(o) ? oscore_try(o) : TSR_E_ARGUMENT;

    if (err != TSR_OK)
        return err;
    oscore_identity(o->device_id, o->id_context, identity);
    tsr_put_u8(row, o->no_echo ? ROW_NO_ECHO : ROW);
    tsr_put_u8(row, (uint8_t)o->aead);
    tsr_put_u8(row, (uint8_t)o->server_id.len);
    tsr_put_bytes(row, o->server_id);
    tsr_put_u8(row, (uint8_t)o->salt.len);
    tsr_put_bytes(row, o->salt);
    tsr_put_bytes(row, o->secret);
    return row->err;
}

tsr_err tsr_server_credential_set_oscore(tsr_server *s, const char *endpoint,
                                         const tsr_server_oscore *o)
{
    uint8_t room[OSCORE_ROW_MAX];
    char identity[OSCORE_IDENTITY];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_store_credential row = { .endpoint = endpoint, .mode = TSR_SERVER_OSCORE, .identity = identity,
                                 .key = { room, 0 }, .changed_ms = unix_now_ms() };
    tsr_err err = TSR_E_ARGUMENT;

    if (text_fits(endpoint, TSR_ENDPOINT_MAX))
        err = oscore_row_make(o, &out, identity);
    row.key.len = out.len;
    if (err == TSR_OK)
        err = replace(s, &row);
    tsr_wipe(room, sizeof room);
    return err;
}

tsr_err tsr_server_credential_set_both(tsr_server *s, const char *endpoint, tsr_server_security mode,
                                       const char *identity, tsr_bytes key,
                                       const tsr_server_oscore *o, bool required)
{
    uint8_t room[OSCORE_ROW_MAX];
    char oscore[OSCORE_IDENTITY];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_store_credential row = { .endpoint = endpoint, .mode = (int)mode, .identity = identity,
                                 .key = key, .changed_ms = unix_now_ms(), .oscore = oscore,
                                 .oscore_key = { room, 0 }, .required = required };
    tsr_err err = TSR_E_ARGUMENT;

    if (session_is_good(endpoint, mode, identity, key))
        err = oscore_row_make(o, &out, oscore);
    row.oscore_key.len = out.len;
    if (err == TSR_OK)
        err = replace(s, &row);
    tsr_wipe(room, sizeof room);
    return err;
}

tsr_err tsr_server_credential_delete(tsr_server *s, const char *endpoint)
{
    tsr_store_waiter w = TSR_STORE_WAITER;
    old_credential old = { 0, "", "" };
    tsr_err err = find_old(s, endpoint, &old);

    if (err != TSR_OK)
        return err;
    err = tsr_store_wait(&w, tsr_store_delete_credential(s->store, endpoint, tsr_store_wake, &w));
    if (err != TSR_OK)
        return err;
    drop_old(s, &old);
    emit_simple(s, endpoint, TSR_SERVER_EV_CREDENTIAL, "deleted");
    return TSR_OK;
}

typedef struct {
    tsr_server_credential_fn *fn;
    void *arg;
    tsr_store_reader *reader;
} give;

static bool secret_len(void *arg, const tsr_store_credential *row)
{
    oscore_row r;

    *(size_t *)arg = oscore_row_get(row->key, &r) ? r.secret.len : 0;
    return false;
}

static bool give_one(void *arg, const tsr_store_credential *row)
{
    give *g = arg;
    tsr_server_credential c = { .endpoint = row->endpoint, .mode = (tsr_server_security)row->mode,
                                .identity = row->identity, .key_len = row->key_len,
                                .changed_unix_ms = row->changed_ms };
    size_t *len = row->mode == TSR_SERVER_OSCORE ? &c.key_len : &c.oscore_key_len;

    if (row->mode != TSR_SERVER_OSCORE && row->oscore[0]) {
        c.oscore = row->oscore;
        c.oscore_required = row->required;
    }
    if (row->oscore[0])
        (void)tsr_store_credential_key(g->reader, TSR_SERVER_OSCORE, tsr_text(row->oscore), secret_len, len);
    g->fn(g->arg, &c);
    return true;
}

tsr_err tsr_server_credential_get(tsr_server *s, const char *endpoint, tsr_server_credential_fn *fn,
                                  void *arg)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;
    give g = { fn, arg, NULL };
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    g.reader = reader;
    err = tsr_store_credential_get(reader, endpoint, give_one, &g);
    reader_give(s, slot);
    return err;
}

tsr_err tsr_server_credential_list(tsr_server *s, const char *after, size_t limit,
                                   tsr_server_credential_fn *fn, void *arg)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;
    give g = { fn, arg, NULL };
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    g.reader = reader;
    err = tsr_store_credentials(reader, after, limit ? limit : 100, give_one, &g);
    reader_give(s, slot);
    return err;
}
