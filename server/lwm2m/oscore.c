/* SPDX-License-Identifier: Apache-2.0
 *
 * OSCORE contexts: one for each identity, whatever shard its device comes to, since their numbers must
 * not be used twice; each has a lock of its own. Made of credential and stored state when they are
 * needed; a number is used only when the row that covers it is on the disk.
 *
 * A device may ask for new keys at any time (RFC 8613 §B.2). Of a run nothing is kept but one key for
 * each identity, by which an R2 is known again; it goes with the first run that is completed. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "tessera/oscore/datagram.h"
#include "tessera/oscore/renew.h"

enum {
    HEADS = 4096,
    DATAGRAM = 1600,
    MARGIN = 1024, /* numbers that one commit allows to use */
    MARK_AT = 2,   /* where a state has the mark of its keys (docs/WIRE.md) */
    MARK_LEN = 8,
    TRIES = 64,           /* of new keys for an identity at once, */
    TRY_MS = 20,          /* and one more in so many milliseconds */
    RUN_MS = 120 * 1000,  /* for which an R2 is known again: a request is repeated for 93 s */
};

enum { OTHER = '/' }; /* before the identities of the second service, which has credentials of its own */

typedef struct context {
    tsr_oscore oscore; /* first: the guard knows no more of it */
    struct context *next;
    tsr_server *server;
    pthread_mutex_t lock;
    bool made, marked;
    atomic_bool fresh;              /* the keys are of a run that was just completed */
    psa_key_id_t r2_key;            /* 0: no run is open */
    uint64_t r2_until_ms, tries_ms; /* when the bucket of tries was empty last, or would have been */
    uint8_t mark[MARK_LEN]; /* of the keys as the credential has them: names the row, also of renewed ones */
    char name[OSCORE_IDENTITY + 1]; /* identity, of the second service with its mark */
} context;

struct oscore_ring {
    pthread_mutex_t lock;
    context *heads[HEADS];
    struct oscore_desk *desks; /* one a shard */
    unsigned count;
};

struct oscore_desk {
    tsr_oscore_guard guard;
    void *memory;
};

tsr_err oscore_secret(tsr_bytes secret, psa_key_id_t *key)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    return psa_import_key(&a, secret.ptr, secret.len, key) == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

/* --- the table of contexts --------------------------------------------------------------- */

/* A context stays for good once it was there: exchanges name it, and its keys may come back. */
static const char *identity_of(const context *c) { return c->name + (c->name[0] == OTHER); }

static context *find_by(tsr_server *s, const char *name, bool make)
{
    struct oscore_ring *ring = s->oscore;
    context **head = &ring->heads[tsr_hash(s->hash_key, tsr_text(name)) % HEADS], *c;

    pthread_mutex_lock(&ring->lock);
    for (c = *head; c && strcmp(c->name, name) != 0;)
        c = c->next;
    if (!c && make && (c = calloc(1, sizeof *c)) != NULL) {
        c->server = s;
        (void)snprintf(c->name, sizeof c->name, "%s", name);
        pthread_mutex_init(&c->lock, NULL);
        c->next = *head;
        *head = c;
    }
    pthread_mutex_unlock(&ring->lock);
    return c;
}

static context *find(tsr_server *s, unsigned service, const char *identity, bool make)
{
    char name[OSCORE_IDENTITY + 1];

    (void)snprintf(name, sizeof name, "%s%s", service ? "/" : "", identity);
    return find_by(s, name, make);
}

static void end_run(context *c)
{
    if (c->r2_key)
        psa_destroy_key(c->r2_key);
    c->r2_key = 0;
}

static void unmake(context *c)
{
    end_run(c);
    if (c->made)
        tsr_oscore_free(&c->oscore);
    c->made = false;
}

void oscore_forget(tsr_server *s, unsigned service, const char *identity)
{
    context *c = find(s, service, identity, false);

    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    unmake(c);
    pthread_mutex_unlock(&c->lock);
}

/* --- making one --------------------------------------------------------------------------- */

static tsr_err put_state(const context *c, tsr_bytes state, tsr_store_done *done, void *arg)
{
    tsr_store_oscore row = { c->name, { c->mark, MARK_LEN }, state };

    return tsr_store_put_oscore(c->server->store, &row, done, arg);
}

/* Once per MARGIN messages of a device the shard waits for a commit. A context that is not made yet is
 * saved first under the keys of its credential. */
static tsr_err save(void *user, tsr_bytes state)
{
    tsr_store_waiter w = TSR_STORE_WAITER;
    context *c = user;

    if (!c->made && !c->marked)
        memcpy(c->mark, state.ptr + MARK_AT, MARK_LEN);

    return tsr_store_wait(&w, put_state(user, state, tsr_store_wake, &w));
}

typedef struct {
    context *c;
    tsr_shard *shard;
    tsr_oscore_params params;
    tsr_err err;
    const struct run *run;
} making;

/* Tries the state of each set of keys that the identity had; it is of these or of others. */
static bool try_state(void *arg, const tsr_store_oscore *row)
{
    making *m = arg;

    m->params.challenge = false; /* the state says whether the window is known */
    if (row->mark.len != MARK_LEN)
        return true;
    memcpy(m->c->mark, row->mark.ptr, MARK_LEN);
    m->c->marked = true;
    m->err = tsr_oscore_init(&m->c->oscore, &m->params, row->state);
    return m->err == TSR_E_MALFORMED;
}

static tsr_bytes after_colon(const char *identity, uint8_t *room, size_t cap)
{
    const char *hex = strchr(identity, ':');
    size_t n = 0;

    for (hex = hex ? hex + 1 : ""; hex[0] && hex[1] && n < cap; hex += 2) {
        unsigned byte;

        if (sscanf(hex, "%2x", &byte) != 1) /* NOLINT(cert-err34-c): two digits cannot overflow */
            break;
        room[n++] = (uint8_t)byte;
    }
    return tsr_view(strchr(identity, ':') ? room : NULL, n);
}

/* What is done with the keys of a credential, while its row is there. */
typedef void with_keys(making *m);

typedef struct {
    making *m;
    with_keys *what;
} keys_for;

static void use_keys(void *arg, tsr_bytes row)
{
    uint8_t id[TSR_OSCORE_ID_MAX], id_context[TSR_OSCORE_ID_CONTEXT_MAX];
    char text[OSCORE_IDENTITY + 1];
    const keys_for *to = arg;
    making *m = to->m;
    oscore_row keys;

    m->err = TSR_E_MALFORMED;
    if (!oscore_row_get(row, &keys))
        return;
    (void)snprintf(text, sizeof text, ":%s", identity_of(m->c));
    text[1 + strcspn(text + 1, ":")] = 0;
    m->params = (tsr_oscore_params){
        .salt = keys.salt,
        .sender_id = keys.server_id,
        .recipient_id = after_colon(text, id, sizeof id),
        .id_context = after_colon(identity_of(m->c), id_context, sizeof id_context),
        .aead = keys.aead,
        .challenge = !keys.no_echo, /* Transport 5.5.3: also the first must be fresh */
        .margin = MARGIN,
        .save = save,
        .user = m->c,
    };
    m->err = oscore_secret(keys.secret, &m->params.master_secret);
    if (m->err != TSR_OK)
        return;
    to->what(m);
    psa_destroy_key(m->params.master_secret);
}

static void take_up(making *m)
{
    bool challenge = m->params.challenge;

    m->err = TSR_E_MALFORMED;
    if (tsr_store_oscores(tsr_shard_reader(m->shard), m->c->name, try_state, m) != TSR_OK)
        m->err = TSR_E_IO;
    if (m->err == TSR_E_MALFORMED) { /* keys that were never here */
        m->c->marked = false;
        m->params.challenge = challenge;
        m->err = tsr_oscore_init(&m->c->oscore, &m->params, tsr_view(NULL, 0));
    }
}

typedef struct {
    tsr_server_row_fn *fn;
    void *arg;
} row_to;

static bool give_row(void *arg, const tsr_store_credential *row)
{
    const row_to *to = arg;

    to->fn(to->arg, row->key);
    return false;
}

static tsr_err credential(tsr_server *s, tsr_shard *shard, unsigned service, const char *identity,
                          tsr_server_row_fn *fn, void *arg)
{
    row_to to = { fn, arg };

    if (service)
        return s->config.bootstrap->oscore(s->service, shard, identity, fn, arg);
    return tsr_store_credential_key(tsr_shard_reader(shard), TSR_SERVER_OSCORE, tsr_text(identity),
                                    give_row, &to);
}

static tsr_err with_credential(making *m, with_keys *what)
{
    keys_for to = { m, what };
    context *c = m->c;
    tsr_err err;

    m->err = TSR_E_NOT_FOUND;
    err = credential(c->server, m->shard, c->name[0] == OTHER, identity_of(c), use_keys, &to);
    return err == TSR_OK ? m->err : err;
}

static tsr_err make(context *c, tsr_shard *shard)
{
    making m = { .c = c, .shard = shard };
    tsr_err err = with_credential(&m, take_up);

    c->made = err == TSR_OK;
    return err;
}

/* --- what the guard asks ------------------------------------------------------------------ */

static tsr_err use(void *user, tsr_oscore *oscore)
{
    context *c = (context *)(void *)oscore;
    desk *d = user;
    tsr_err err = TSR_OK;

    pthread_mutex_lock(&c->lock);
    if (!c->made)
        err = make(c, d->shard);
    if (err != TSR_OK)
        pthread_mutex_unlock(&c->lock);
    return err;
}

static void done(void *user, tsr_oscore *oscore)
{
    (void)user;
    pthread_mutex_unlock(&((context *)(void *)oscore)->lock);
}

static void broken(void *user, tsr_oscore *oscore)
{
    context *c = (context *)(void *)oscore;

    (void)user;
    pthread_mutex_lock(&c->lock);
    unmake(c);
    pthread_mutex_unlock(&c->lock);
}

static tsr_err to(void *user, tsr_coap_peer peer, tsr_oscore **oscore)
{
    desk *d = user;
    context *c = tsr_shard_peer(d->shard, peer)->context;

    if (!c)
        return TSR_END;
    *oscore = &c->oscore;
    return TSR_OK;
}

static void found(void *arg, tsr_bytes row)
{
    (void)row;
    *(bool *)arg = true;
}

/* Only identities that have a credential get a context: strangers cannot fill the table. */
static context *find_known(desk *d, unsigned service, tsr_bytes kid, tsr_bytes kid_context)
{
    char identity[OSCORE_IDENTITY];
    bool known = false;
    context *c;

    oscore_identity(kid, kid_context, identity);
    c = find(d->server, service, identity, false);
    if (!c) {
        (void)credential(d->server, d->shard, service, identity, found, &known);
        c = known ? find(d->server, service, identity, true) : NULL;
    }
    return c;
}

/* A kid context that is no credential's may be one of new keys (RFC 8613 §B.2), wrapped or not. */
static tsr_err from(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                    tsr_oscore **oscore)
{
    desk *d = user;
    unsigned service = tsr_shard_peer(d->shard, peer)->service;
    context *c;

    if (!option)
        return tsr_shard_peer(d->shard, peer)->context ? TSR_E_DENIED : TSR_END;
    if (!option->kid.ptr || option->kid.len > TSR_OSCORE_ID_MAX)
        return TSR_E_NOT_FOUND;
    c = option->kid_context.len > TSR_OSCORE_ID_CONTEXT_MAX
            ? NULL
            : find_known(d, service, option->kid, option->kid_context);
    if (!c && option->kid_context.ptr)
        c = find_known(d, service, option->kid, tsr_view(NULL, 0));
    if (!c)
        return TSR_E_NOT_FOUND;
    *oscore = &c->oscore;
    return TSR_OK;
}

/* An address belongs to one context. When another device has it now, what is known of the old one
 * goes first; the new one sends its request again. */
static tsr_err proved(void *user, tsr_coap_peer index, tsr_oscore *oscore)
{
    context *c = (context *)(void *)oscore;
    desk *d = user;
    tsr_peer *peer = tsr_shard_peer(d->shard, index);

    if (atomic_exchange(&c->fresh, false)) /* notifications are bound to the keys with which they were asked for */
        for (device *dev = peer->service ? NULL : peer->user; dev; dev = dev->next_on_peer)
            observations_lost(dev);
    if (peer->context == c)
        return TSR_OK;
    if (peer->secure && peer->service == 0 && !credential_fits(d, peer, identity_of(c)))
        return TSR_E_DENIED; /* the keys of one device in the session of another */
    if (!peer->context && (!peer->user || peer->secure))
        return oscore_bind(d, peer, identity_of(c));
    tsr_shard_close_peer(d->shard, peer);
    return TSR_E_ARGUMENT;
}

tsr_err oscore_bind(desk *d, tsr_peer *peer, const char *identity)
{
    context *c = find(d->server, peer->service, identity, true);

    if (!c || (peer->context && peer->context != c))
        return TSR_E_SPACE;
    if (!peer->secure && tsr_shard_identify(d->shard, peer, TSR_PEER_OSCORE, identity) != TSR_OK)
        return TSR_E_SPACE;
    peer->context = c;
    return TSR_OK;
}

/* --- new keys: RFC 8613 §B.2 --------------------------------------------------------------- */

/* What the two steps need. */
struct run {
    tsr_bytes request, said; /* by its kid context; ptr NULL: nothing */
    uint16_t mid;
    tsr_buf *scratch, *out;
};

static tsr_bytes kid_context_of(tsr_bytes request)
{
    tsr_oscore_option option = { .piv = { NULL, 0 } };
    tsr_bytes body;

    if (tsr_oscore_body(request, &body) == TSR_OK)
        (void)tsr_oscore_option_find(body, &option);
    return option.kid_context;
}

/* Each try derives keys: a stranger must not make us do that as often as he likes. */
static bool may_try(context *c, uint64_t now_ms)
{
    if (c->tries_ms + (uint64_t)TRIES * TRY_MS < now_ms)
        c->tries_ms = now_ms - (uint64_t)TRIES * TRY_MS;
    if (c->tries_ms + TRY_MS > now_ms)
        return false;
    c->tries_ms += TRY_MS;
    return true;
}

static tsr_err begin_run(context *c, uint64_t now_ms)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    if (c->r2_key && now_ms < c->r2_until_ms)
        return TSR_OK;
    end_run(c);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_bits(&a, 256);
    c->r2_until_ms = now_ms + RUN_MS;
    return psa_generate_key(&a, &c->r2_key) == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

/* The keys in use stay until those of request #2 are verified and on the disk. */
static void take_second(making *m)
{
    const struct run *r = m->run;
    tsr_oscore next;

    m->err = tsr_oscore_renew_accept(&next, &m->params, r->said, r->request, r->scratch);
    if (m->err != TSR_OK)
        return;
    end_run(m->c);
    tsr_oscore_free(&m->c->oscore);
    m->c->oscore = next;
    m->c->fresh = true;
}

static tsr_err accept(void *user, tsr_oscore *oscore, tsr_bytes datagram, tsr_buf *scratch)
{
    context *c = (context *)(void *)oscore;
    desk *d = user;
    uint64_t now_ms = tsr_shard_now(d->shard);
    struct run r = { .request = datagram, .scratch = scratch };
    making m = { .c = c, .shard = d->shard, .run = &r };
    tsr_err err = TSR_E_NOT_FOUND;

    r.said = tsr_oscore_renew_said(kid_context_of(datagram));
    pthread_mutex_lock(&c->lock);
    if (c->made && c->r2_key && now_ms < c->r2_until_ms && tsr_oscore_renew_is_r2(c->r2_key, r.said) &&
        may_try(c, now_ms))
        err = with_credential(&m, take_second);
    pthread_mutex_unlock(&c->lock);
    return err;
}

static void answer_first(making *m)
{
    const struct run *r = m->run;
    uint8_t r2[TSR_OSCORE_R2_LEN];
    tsr_bytes id1 = r->said.ptr ? r->said : m->params.id_context;

    m->err = begin_run(m->c, tsr_shard_now(m->shard));
    if (m->err == TSR_OK)
        m->err = tsr_oscore_renew_r2(m->c->r2_key, r2);
    if (m->err == TSR_OK)
        m->err = tsr_oscore_renew_offer(&m->params, id1, tsr_view(r2, sizeof r2), r->request, r->mid,
                                        r->scratch, r->out);
    if (m->err == TSR_E_CRYPTO || m->err == TSR_E_NOT_FOUND)
        m->err = TSR_END; /* said as it is without §B.2 */
}

/* New keys are due where the request says its ID Context; or when others than the credential's own are in use, where
 * its number may look like a replay. */
static tsr_err offer(void *user, tsr_oscore *oscore, tsr_err why, tsr_bytes datagram, uint16_t mid,
                     tsr_buf *scratch, tsr_buf *out)
{
    context *c = (context *)(void *)oscore;
    desk *d = user;
    struct run r = { .request = datagram, .mid = mid, .scratch = scratch, .out = out };
    making m = { .c = c, .shard = d->shard, .run = &r };
    tsr_err err = TSR_END;

    if (why != TSR_E_NOT_FOUND && why != TSR_E_CRYPTO && why != TSR_E_EXISTS)
        return TSR_END;
    if (why == TSR_E_NOT_FOUND)
        r.said = tsr_oscore_renew_said(kid_context_of(datagram));
    pthread_mutex_lock(&c->lock);
    if (c->made && (r.said.ptr || c->oscore.renewed))
        err = may_try(c, tsr_shard_now(d->shard)) ? with_credential(&m, answer_first) : TSR_E_SPACE;
    pthread_mutex_unlock(&c->lock);
    return err;
}

static const tsr_oscore_guard_renewal renewal = { .accept = accept, .offer = offer };

/* --- life --------------------------------------------------------------------------------- */

static tsr_err open_desk(desk *d, struct oscore_desk *o)
{
    tsr_coap *coap = tsr_shard_coap(d->shard);
    tsr_oscore_guard_config config = {
        .coap = &coap->config,
        .datagram_len = DATAGRAM,
        .host = { .user = d,
                  .to = to,
                  .from = from,
                  .proved = proved,
                  .broken = broken,
                  .use = use,
                  .done = done,
                  .renewal = &renewal },
    };
    size_t len = tsr_oscore_guard_memory(&config);

    o->memory = malloc(len);
    if (!o->memory || tsr_oscore_guard_init(&o->guard, &config, o->memory, len) != TSR_OK)
        return TSR_E_SPACE;
    tsr_coap_guard_set(coap, &tsr_oscore_guard_calls, &o->guard);
    return TSR_OK;
}

tsr_err oscore_open(tsr_server *s)
{
    tsr_err err = TSR_OK;

    s->oscore = calloc(1, sizeof *s->oscore);
    if (!s->oscore)
        return TSR_E_SPACE;
    pthread_mutex_init(&s->oscore->lock, NULL);
    s->oscore->desks = calloc(s->count, sizeof *s->oscore->desks);
    if (!s->oscore->desks)
        return TSR_E_SPACE;
    s->oscore->count = s->count;
    for (unsigned i = 0; err == TSR_OK && i < s->count; i++)
        err = open_desk(&s->desks[i], &s->oscore->desks[i]);
    return err;
}

void oscore_park(tsr_server *s)
{
    for (size_t i = 0; s->oscore && i < HEADS; i++)
        for (context *c = s->oscore->heads[i]; c; c = c->next) {
            uint8_t room[TSR_OSCORE_STATE_MAX];
            tsr_buf state = tsr_buf_over(room, sizeof room);

            if (c->made && tsr_oscore_park(&c->oscore, &state) == TSR_OK)
                (void)put_state(c, tsr_buf_view(&state), NULL, NULL);
            unmake(c);
        }
}

void oscore_close(tsr_server *s)
{
    for (unsigned i = 0; s->oscore && i < s->oscore->count; i++)
        free(s->oscore->desks[i].memory);
    for (size_t i = 0; s->oscore && i < HEADS; i++)
        while (s->oscore->heads[i]) {
            context *c = s->oscore->heads[i];

            s->oscore->heads[i] = c->next;
            unmake(c);
            pthread_mutex_destroy(&c->lock);
            free(c);
        }
    if (s->oscore) {
        pthread_mutex_destroy(&s->oscore->lock);
        free(s->oscore->desks);
    }
    free(s->oscore);
    s->oscore = NULL;
}
