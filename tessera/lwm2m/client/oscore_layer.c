/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/oscore_layer.h"

#include "tessera/lwm2m/client/internal.h"

/* ---- contexts ---- */

static void forget(tsr_lwm2m_oscore_account *a)
{
    if (a->made)
        tsr_oscore_free(&a->context);
    a->made = false;
}

static tsr_oscore_params params_of(const tsr_lwm2m_oscore_account *a)
{
    const tsr_lwm2m_oscore *k = a->keys;

    return (tsr_oscore_params){
        .master_secret = k->key_id,
        .salt = tsr_view(k->salt, k->salt_len),
        .sender_id = tsr_view(k->sender_id, k->sender_id_len),
        .recipient_id = tsr_view(k->recipient_id, k->recipient_id_len),
        .id_context = { k->has_id_context ? k->id_context : NULL, k->id_context_len },
        .send_id_context = k->has_id_context,
        .aead = k->aead,
        .save = a->store.save,
        .user = a->store.user,
    };
}

/* A sound state that is not of these keys is one of earlier keys: these are new. */
static tsr_err make(tsr_lwm2m_oscore_account *a)
{
    uint8_t room[TSR_OSCORE_STATE_MAX];
    tsr_buf state = tsr_buf_over(room, sizeof room);
    tsr_oscore_params params = params_of(a);
    tsr_err err;

    if (a->made && a->version == a->keys->version)
        return TSR_OK;
    forget(a);
    if (!a->keys->used || a->keys->key_id == 0)
        return TSR_E_STATE;
    if (psa_crypto_init() != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    err = a->store.load(a->store.user, &state);
    if (err == TSR_E_NOT_FOUND)
        state.len = 0;
    else if (err != TSR_OK)
        return err;
    err = tsr_oscore_init(&a->context, &params, tsr_buf_view(&state));
    if (err == TSR_E_MALFORMED && state.len != 0)
        err = tsr_oscore_init(&a->context, &params, (tsr_bytes){ NULL, 0 });
    a->made = err == TSR_OK;
    a->version = a->keys->version;
    return err;
}

void tsr_lwm2m_oscore_set(tsr_lwm2m_oscore_layer *layer, size_t account,
                          const tsr_lwm2m_oscore *keys)
{
    tsr_lwm2m_oscore_account *a = &layer->accounts[account];

    if (layer->guard.place != NULL)
        tsr_oscore_guard_drop(&layer->guard, &a->context);
    forget(a);
    a->keys = NULL;
    if (keys == NULL)
        return;
    a->own = *keys;
    a->keys = &a->own;
}

void tsr_lwm2m_oscore_park(tsr_lwm2m_oscore_layer *layer)
{
    for (size_t i = 0; i < layer->client->config.account_count; i++) {
        tsr_lwm2m_oscore_account *a = &layer->accounts[i];
        uint8_t room[TSR_OSCORE_STATE_MAX];
        tsr_buf state = tsr_buf_over(room, sizeof room);

        if (!a->made)
            continue;
        if (tsr_oscore_park(&a->context, &state) == TSR_OK)
            (void)a->store.save(a->store.user, tsr_buf_view(&state)); /* else it counts as a crash */
        forget(a);
    }
}

/* ---- what the guard asks ---- */

static tsr_err to(void *user, tsr_coap_peer peer, tsr_oscore **context)
{
    const tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = &layer->accounts[peer];

    if (a->keys == NULL)
        return TSR_END;
    *context = &a->context;
    return make(a);
}

static tsr_err from(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                    tsr_oscore **context)
{
    const tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = &layer->accounts[peer];
    tsr_err err;

    if (option == NULL)
        return a->keys == NULL ? TSR_END : TSR_E_DENIED;
    if (a->keys == NULL)
        return TSR_E_NOT_FOUND;
    err = make(a);
    if (err != TSR_OK)
        return TSR_E_IO;
    *context = &a->context;
    return tsr_oscore_is_for(&a->context, option) ? TSR_OK : TSR_E_NOT_FOUND;
}

/* The keys that were derived are gone with the secure service; the master secret is not. */
static void broken(void *user, tsr_oscore *context)
{
    const tsr_lwm2m_oscore_layer *layer = user;

    for (size_t i = 0; i < layer->client->config.account_count; i++) {
        if (&layer->accounts[i].context == context)
            forget(&layer->accounts[i]);
    }
}

static tsr_err use(void *user, tsr_oscore *context)
{
    const tsr_lwm2m_oscore_layer *layer = user;

    for (size_t i = 0; i < layer->client->config.account_count; i++) {
        if (&layer->accounts[i].context == context)
            return make(&layer->accounts[i]);
    }
    return TSR_E_STATE;
}

static bool observes(void *user, tsr_coap_peer peer, tsr_bytes token)
{
    const tsr_lwm2m_oscore_layer *layer = user;

    return tsr_lwm2m_observe_find(layer->client, peer, token) != NULL;
}

/* ---- observations over restarts: docs/WIRE.md ---- */

static void observed_save(const void *more, tsr_buf *out)
{
    const tsr_lwm2m_oscore_layer *layer = more;
    const tsr_lwm2m_client *c = layer->client;

    for (size_t i = 0; i < c->config.observation_count; i++) {
        const tsr_lwm2m_observation *o = &c->config.observations[i];
        tsr_bytes token = { o->token, o->token_len };
        uint8_t room[TSR_OSCORE_OBSERVED_MAX];
        tsr_buf kept = tsr_buf_over(room, sizeof room);

        if (!o->used ||
            tsr_oscore_guard_observed_save(&layer->guard, o->account, token, &kept) != TSR_OK)
            continue;
        tsr_put_u16(out, c->config.accounts[o->account].short_id);
        tsr_put_u8(out, o->token_len);
        tsr_put_bytes(out, token);
        tsr_put_bytes(out, tsr_buf_view(&kept));
    }
    tsr_put_u16(out, 0);
}

static tsr_lwm2m_oscore_account *account_of(const tsr_lwm2m_oscore_layer *layer, uint16_t short_id,
                                            tsr_coap_peer *peer)
{
    const tsr_lwm2m_client_config *c = &layer->client->config;

    for (size_t i = 0; i < c->account_count; i++) {
        if (c->accounts[i].short_id == short_id && layer->accounts[i].keys != NULL) {
            *peer = (tsr_coap_peer)i;
            return &layer->accounts[i];
        }
    }
    return NULL;
}

static tsr_err observed_load(void *more, tsr_bytes in)
{
    tsr_lwm2m_oscore_layer *layer = more;

    for (;;) {
        tsr_lwm2m_oscore_account *a;
        tsr_coap_peer peer = 0;
        tsr_bytes token;
        uint16_t short_id;
        uint8_t len;
        tsr_err err;

        if (tsr_get_u16(&in, &short_id) != TSR_OK)
            return TSR_E_MALFORMED;
        if (short_id == 0)
            return in.len == 0 ? TSR_OK : TSR_E_MALFORMED;
        if (tsr_get_u8(&in, &len) != TSR_OK || tsr_get_bytes(&in, len, &token) != TSR_OK)
            return TSR_E_MALFORMED;
        a = account_of(layer, short_id, &peer);
        err = tsr_oscore_guard_observed_load(&layer->guard, peer, token,
                                             a != NULL ? &a->context : NULL, &in);
        if (err == TSR_E_MALFORMED)
            return err;
    }
}

/* ---- attaching ---- */

static tsr_oscore_guard_config guard_config(const tsr_lwm2m_client *c, size_t datagram_len)
{
    return (tsr_oscore_guard_config){ .coap = c->config.coap,
                                      .datagram_len = datagram_len,
                                      .observers = c->config.observation_count };
}

size_t tsr_lwm2m_oscore_memory(const tsr_lwm2m_client *client, size_t datagram_len)
{
    tsr_oscore_guard_config config = guard_config(client, datagram_len);

    return tsr_oscore_guard_memory(&config);
}

tsr_err tsr_lwm2m_oscore_attach(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscores *oscores,
                                size_t datagram_len, void *memory, size_t memory_len)
{
    tsr_oscore_guard_config config = guard_config(layer->client, datagram_len);
    tsr_err err;

    config.host = (tsr_oscore_guard_host){
        .user = layer, .to = to, .from = from, .broken = broken, .observes = observes, .use = use
    };
    err = tsr_oscore_guard_init(&layer->guard, &config, memory, memory_len);
    if (err != TSR_OK)
        return err;
    tsr_coap_guard_set(&layer->client->coap, &tsr_oscore_guard_calls, &layer->guard);
    if (oscores != NULL) {
        oscores->more = layer;
        oscores->more_save = observed_save;
        oscores->more_load = observed_load;
    }
    return TSR_OK;
}
