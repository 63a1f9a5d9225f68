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

static bool import_key(void *arg, const tsr_store_credential *c)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    if (psa_import_key(&attributes, c->key.ptr, c->key.len, &id) == PSA_SUCCESS)
        *(uint32_t *)arg = id;
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

tsr_err credential_certificate(void *user, tsr_shard *shard, const char *common_name)
{
    bool known = false;

    (void)user;
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

bool credential_exists(desk *d, const char *endpoint)
{
    bool known = false;
    tsr_err err = tsr_store_credential_get(tsr_shard_reader(d->shard), endpoint, found, &known);

    return known || err == TSR_E_IO; /* when in doubt, it must prove itself */
}

/* --- API -------------------------------------------------------------------------------- */

typedef struct {
    int mode;
    char identity[129];
} old_credential;

static bool copy_identity(void *arg, const tsr_store_credential *c)
{
    old_credential *old = arg;

    old->mode = c->mode;
    (void)snprintf(old->identity, sizeof old->identity, "%s", c->identity);
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

tsr_err tsr_server_credential_set(tsr_server *s, const char *endpoint, tsr_server_security mode,
                                  const char *identity, tsr_bytes key)
{
    waiter w = WAITER;
    old_credential old = { 0, "" };
    tsr_store_credential row = { endpoint, (int)mode, identity, key, 0, unix_now_ms() };
    tsr_err err;

    if (!text_fits(endpoint, TSR_ENDPOINT_MAX) || !text_fits(identity, TSR_DTLS_IDENTITY_MAX) ||
        (mode != TSR_SERVER_PSK && mode != TSR_SERVER_X509) ||
        (mode == TSR_SERVER_PSK && (key.len < 1 || key.len > 64)) ||
        (mode == TSR_SERVER_X509 && key.len != 0))
        return TSR_E_ARGUMENT;
    err = find_old(s, endpoint, &old);
    if (err != TSR_OK && err != TSR_E_NOT_FOUND)
        return err;
    err = waiter_wait(&w, tsr_store_put_credential(s->store, &row, waiter_wake, &w));
    if (err != TSR_OK)
        return err;
    if (old.identity[0])
        tsr_engine_drop_identity(s->engine, 0, (tsr_peer_security)old.mode, old.identity);
    emit_simple(s, endpoint, TSR_SERVER_EV_CREDENTIAL, "set");
    return TSR_OK;
}

tsr_err tsr_server_credential_delete(tsr_server *s, const char *endpoint)
{
    waiter w = WAITER;
    old_credential old = { 0, "" };
    tsr_err err = find_old(s, endpoint, &old);

    if (err != TSR_OK)
        return err;
    err = waiter_wait(&w, tsr_store_delete_credential(s->store, endpoint, waiter_wake, &w));
    if (err != TSR_OK)
        return err;
    tsr_engine_drop_identity(s->engine, 0, (tsr_peer_security)old.mode, old.identity);
    emit_simple(s, endpoint, TSR_SERVER_EV_CREDENTIAL, "deleted");
    return TSR_OK;
}

typedef struct {
    tsr_server_credential_fn *fn;
    void *arg;
} give;

static bool give_one(void *arg, const tsr_store_credential *row)
{
    give *g = arg;
    tsr_server_credential c = { row->endpoint, (tsr_server_security)row->mode, row->identity,
                                row->key_len, row->changed_ms };

    g->fn(g->arg, &c);
    return true;
}

tsr_err tsr_server_credential_get(tsr_server *s, const char *endpoint, tsr_server_credential_fn *fn,
                                  void *arg)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;
    give g = { fn, arg };
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    err = tsr_store_credential_get(reader, endpoint, give_one, &g);
    reader_give(s, slot);
    return err;
}

tsr_err tsr_server_credential_list(tsr_server *s, const char *after, size_t limit,
                                   tsr_server_credential_fn *fn, void *arg)
{
    struct reader_slot *slot;
    tsr_store_reader *reader;
    give g = { fn, arg };
    tsr_err err = reader_take(s, &slot, &reader);

    if (err != TSR_OK)
        return TSR_E_IO;
    err = tsr_store_credentials(reader, after, limit ? limit : 100, give_one, &g);
    reader_give(s, slot);
    return err;
}
