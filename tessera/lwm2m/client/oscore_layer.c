/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/oscore_layer.h"

#include "tessera/lwm2m/client/internal.h"
#include "tessera/oscore/renew.h"

enum { RUN_NONE, RUN_ASKED, RUN_DERIVED }; /* request #1 and request #2 of RFC 8613 §B.2 */
enum { TURNS = 4, UNANSWERED = 3 };

/* ---- contexts ---- */

/* The run's context, or NULL: a run for keys in use ends when another account begins one. */
static tsr_oscore *running(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscore_account *a)
{
    if (a->run == RUN_NONE || (a->made && layer->renewing != a))
        return NULL;
    return a->made ? &layer->next : &a->context;
}

static void stop(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscore_account *a)
{
    if (layer->renewing == a) {
        tsr_oscore_free(&layer->next);
        layer->renewing = NULL;
    }
    if (!a->made)
        tsr_oscore_free(&a->context);
    a->run = RUN_NONE;
}

static void forget(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscore_account *a)
{
    stop(layer, a);
    tsr_oscore_free(&a->context);
    a->made = a->proven = false;
    a->turns = a->unanswered = 0;
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
static tsr_err take_up(tsr_lwm2m_oscore_account *a, const tsr_oscore_params *params)
{
    uint8_t room[TSR_OSCORE_STATE_MAX];
    tsr_buf state = tsr_buf_over(room, sizeof room);
    tsr_err err = a->store.load(a->store.user, &state);

    if (err == TSR_OK && state.len != 0) {
        err = tsr_oscore_init(&a->context, params, tsr_buf_view(&state));
        a->proven = err == TSR_OK;
        if (err != TSR_E_MALFORMED)
            return err;
    }
    if (err != TSR_OK && err != TSR_E_NOT_FOUND && err != TSR_E_MALFORMED)
        return err;
    if (!a->as_they_are && !a->keys->has_id_context)
        return TSR_E_NOT_FOUND;
    return tsr_oscore_init(&a->context, params, (tsr_bytes){ NULL, 0 });
}

/* What was made of earlier keys goes. errors TSR_E_STATE, TSR_E_CRYPTO: there are none to use */
static tsr_err check_keys(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscore_account *a)
{
    if (a->version != a->keys->version) {
        forget(layer, a);
        a->as_they_are = false;
        a->version = a->keys->version;
    }
    if (!a->keys->used || a->keys->key_id == 0)
        return TSR_E_STATE;
    return psa_crypto_init() == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

/* errors  TSR_E_NOT_FOUND  the keys are new: §B.2 has to come before their first use */
static tsr_err make(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscore_account *a)
{
    tsr_oscore_params params = params_of(a);
    tsr_err err = check_keys(layer, a);

    if (err != TSR_OK || a->made)
        return err;
    stop(layer, a);
    err = take_up(a, &params);
    a->made = err == TSR_OK;
    return err;
}

void tsr_lwm2m_oscore_set(tsr_lwm2m_oscore_layer *layer, size_t account,
                          const tsr_lwm2m_oscore *keys)
{
    tsr_lwm2m_oscore_account *a = &layer->accounts[account];

    if (layer->guard.place != NULL)
        tsr_oscore_guard_drop(&layer->guard, &a->context);
    forget(layer, a);
    a->as_they_are = false;
    a->keys = NULL;
    if (keys == NULL)
        return;
    a->own = *keys;
    a->version = keys->version;
    a->keys = &a->own;
}

void tsr_lwm2m_oscore_park(tsr_lwm2m_oscore_layer *layer)
{
    for (size_t i = 0; i < layer->client->config.account_count; i++) {
        tsr_lwm2m_oscore_account *a = &layer->accounts[i];
        uint8_t room[TSR_OSCORE_STATE_MAX];
        tsr_buf state = tsr_buf_over(room, sizeof room);

        if (a->made && tsr_oscore_park(&a->context, &state) == TSR_OK)
            (void)a->store.save(a->store.user, tsr_buf_view(&state)); /* else it counts as a crash */
        forget(layer, a);
    }
}

static tsr_lwm2m_oscore_account *owner_of(tsr_lwm2m_oscore_layer *layer, const tsr_oscore *context)
{
    if (context == &layer->next)
        return layer->renewing;
    for (size_t i = 0; i < layer->client->config.account_count; i++)
        if (&layer->accounts[i].context == context)
            return &layer->accounts[i];
    return NULL;
}

/* ---- new keys: RFC 8613 §B.2 ---- */

/* Where the next context of a run stands: beside the one in use, if there is one. */
static tsr_oscore *room_for(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscore_account *a)
{
    if (!a->made)
        return &a->context;
    if (layer->renewing != a) {
        if (layer->renewing != NULL)
            stop(layer, layer->renewing);
        layer->renewing = a;
    }
    return &layer->next;
}

static tsr_err ask(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscore_account *a)
{
    tsr_oscore_params params = params_of(a);
    tsr_oscore *next = room_for(layer, a);
    tsr_err err;

    tsr_oscore_free(next);
    err = tsr_oscore_renew_ask(next, &params);
    a->run = err == TSR_OK ? RUN_ASKED : RUN_NONE;
    return err;
}

/* A request goes out again so many times, whatever comes; the next one may again. */
static bool may_turn(tsr_lwm2m_oscore_account *a)
{
    a->turns = a->turns < TURNS ? (uint8_t)(a->turns + 1) : 0;
    return a->turns != 0;
}

/* Request #2 goes out under keys that are as good as proven here: response #1 came from the server. */
static tsr_err asked(void *user, tsr_oscore *context, const tsr_oscore_exchange *x,
                     tsr_bytes datagram, tsr_buf *scratch)
{
    tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = owner_of(layer, context);
    tsr_oscore_params params;
    tsr_oscore next = { .live = false };
    tsr_err err;

    if (a == NULL || !may_turn(a) ||
        (a->run == RUN_DERIVED && running(layer, a) != NULL && running(layer, a) != context))
        return TSR_E_STATE;
    params = params_of(a);
    err = tsr_oscore_renew_answered(context, x, &params, datagram, scratch, &next);
    if (err != TSR_OK)
        return err;
    context = room_for(layer, a);
    tsr_oscore_free(context);
    *context = next;
    a->run = RUN_DERIVED;
    a->unanswered = 0;
    return TSR_OK;
}

/* The server has the new keys. They are in use when they are durable, and not before. */
static tsr_err answered(void *user, tsr_oscore *context)
{
    tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = owner_of(layer, context);
    tsr_oscore_params params;
    tsr_err err;

    if (a == NULL)
        return TSR_E_STATE;
    a->turns = a->unanswered = 0;
    a->proven = a->proven || (a->made && context == &a->context);
    if (a->run != RUN_DERIVED || context != running(layer, a))
        return TSR_OK;
    params = params_of(a);
    err = tsr_oscore_renew_keep(context, &params);
    if (err != TSR_OK)
        return err;
    a->run = RUN_NONE;
    a->made = a->proven = true;
    if (context != &layer->next)
        return TSR_OK;
    tsr_oscore_free(&a->context);
    a->context = layer->next;
    tsr_wipe(&layer->next, sizeof layer->next);
    layer->renewing = NULL;
    tsr_oscore_guard_move(&layer->guard, &layer->next, &a->context);
    return TSR_OK;
}

static tsr_err proved(void *user, tsr_coap_peer peer, tsr_oscore *context)
{
    (void)peer;
    return answered(user, context);
}

/* Nothing came back: a server that does not know §B.2 need not say so. Keys that nobody has answered to yet
 * and a run take turns; keys in use are silent for other reasons too, and stay. */
static void give_up(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscore_account *a)
{
    bool runs = running(layer, a) != NULL;

    if (a->unanswered < (runs && a->made ? UNANSWERED : 1))
        return;
    if (runs) {
        a->as_they_are = a->as_they_are || (a->run == RUN_ASKED && !a->made);
        stop(layer, a);
    } else if (a->made && !a->proven && !a->keys->has_id_context) {
        (void)ask(layer, a);
    }
    a->unanswered = 0;
}

/* New keys are used as they are after a refusal; keys in use stay, and a run is tried beside them.
 * Anybody can send a refusal: it costs a request more, and never the keys. */
static tsr_err refused(void *user, tsr_oscore *context)
{
    tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = owner_of(layer, context);
    bool runs = a != NULL && context == running(layer, a), first;

    if (a == NULL || a->keys->has_id_context || !may_turn(a))
        return TSR_E_DENIED;
    a->unanswered = 0;
    if (!runs)
        return ask(layer, a);
    first = a->run == RUN_ASKED && !a->made;
    stop(layer, a);
    if (first)
        a->as_they_are = true;
    else
        a->turns = 0;
    return first ? TSR_OK : TSR_E_DENIED;
}

static const tsr_oscore_guard_renewal renewal = {
    .asked = asked,
    .answered = answered,
    .refused = refused,
};

/* ---- what the guard asks ---- */

static tsr_err to(void *user, tsr_coap_peer peer, tsr_oscore **context)
{
    tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = &layer->accounts[peer];
    tsr_err err;

    if (a->keys == NULL)
        return TSR_END;
    err = check_keys(layer, a);
    if (err != TSR_OK)
        return err;
    give_up(layer, a);
    *context = running(layer, a);
    if (*context == NULL) {
        *context = &a->context;
        err = make(layer, a);
    }
    if (err == TSR_E_NOT_FOUND)
        err = ask(layer, a);
    if (a->unanswered < UNANSWERED)
        a->unanswered++;
    return err;
}

/* While a run waits for its end the server has the new keys, or none. */
static tsr_err from(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                    tsr_oscore **context)
{
    tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = &layer->accounts[peer];
    tsr_err err;

    if (option == NULL)
        return a->keys == NULL ? TSR_END : TSR_E_DENIED;
    if (a->keys == NULL)
        return TSR_E_NOT_FOUND;
    err = check_keys(layer, a);
    if (err != TSR_OK)
        return TSR_E_IO;
    *context = running(layer, a);
    if (*context == NULL || a->run != RUN_DERIVED) {
        if (!a->made && *context != NULL)
            return TSR_E_NOT_FOUND;
        *context = &a->context;
        err = make(layer, a);
        if (err != TSR_OK)
            return err == TSR_E_NOT_FOUND ? err : TSR_E_IO;
    }
    return tsr_oscore_is_for(*context, option) ? TSR_OK : TSR_E_NOT_FOUND;
}

/* The keys that were derived are gone with the secure service; the master secret is not. */
static void broken(void *user, tsr_oscore *context)
{
    tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = owner_of(layer, context);

    if (a != NULL && context == &layer->next)
        stop(layer, a);
    else if (a != NULL)
        forget(layer, a);
}

static tsr_err use(void *user, tsr_oscore *context)
{
    tsr_lwm2m_oscore_layer *layer = user;
    tsr_lwm2m_oscore_account *a = owner_of(layer, context);

    if (a == NULL)
        return TSR_E_STATE;
    if (a->keys != NULL && context == running(layer, a))
        return TSR_OK;
    return context == &a->context && a->keys != NULL ? make(layer, a) : TSR_E_STATE;
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
        .user = layer, .to = to, .from = from, .proved = proved, .broken = broken,
        .observes = observes, .use = use, .renewal = &renewal
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
