/* SPDX-License-Identifier: Apache-2.0
 *
 * The bootstrap server's door: who may come in, and what each request starts. */
#include "server/bootstrap/role.h"

#include "server/bootstrap/authority.h"
#include "server/bootstrap/est.h"

#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum { SESSION_MS = 247000, SESSIONS = 512, RATE = 100, BUSY_S = 30 };

/* --- credentials ------------------------------------------------------------------------ */

static tsr_err credential(tsr_shard *shard, int mode, tsr_bytes identity,
                          tsr_store_document_fn *fn, void *arg)
{
    char alias[BS_ALIAS_MAX];

    if (identity.len >= OSCORE_IDENTITY)
        return TSR_E_NOT_FOUND;
    bs_credential_alias(mode, identity, alias);
    return tsr_store_documents(tsr_shard_reader(shard), TSR_STORE_BOOTSTRAP_CREDENTIAL,
                               TSR_STORE_BY_ALIAS, alias, 1, fn, arg);
}

static bool import_key(void *arg, const tsr_store_document *row)
{
    *(uint32_t *)arg = credential_import(row->body);
    return false;
}

static tsr_err psk(void *state, tsr_shard *shard, tsr_bytes identity, uint32_t *key_id)
{
    uint32_t id = 0;
    tsr_err err = credential(shard, TSR_SERVER_PSK, identity, import_key, &id);

    (void)state;
    if (err == TSR_OK && id == 0)
        err = TSR_E_CRYPTO;
    if (err == TSR_OK)
        *key_id = id;
    return err;
}

static bool take_name(void *arg, const tsr_store_document *row)
{
    (void)snprintf(arg, TSR_ENDPOINT_MAX + 1, "%s", row->name);
    return false;
}

/* What was issued here lets in too, so that it can be renewed. */
static tsr_err certificate(void *state, tsr_shard *shard, const char *common_name, tsr_bytes der)
{
    char endpoint[TSR_ENDPOINT_MAX + 1];

    if (certificate_is_revoked(tsr_shard_reader(shard), der))
        return TSR_E_DENIED;
    if (est_knows(state, shard, common_name, der))
        return TSR_OK;
    return credential(shard, TSR_SERVER_X509, tsr_text(common_name), take_name, endpoint);
}

typedef struct {
    tsr_server_row_fn *fn;
    void *arg;
} row_to;

static bool give_row(void *arg, const tsr_store_document *row)
{
    const row_to *to = arg;

    to->fn(to->arg, row->body);
    return false;
}

static tsr_err oscore(void *state, tsr_shard *shard, const char *identity, tsr_server_row_fn *fn,
                      void *arg)
{
    row_to to = { fn, arg };

    (void)state;
    return credential(shard, TSR_SERVER_OSCORE, tsr_text(identity), give_row, &to);
}

/* --- who may ask ------------------------------------------------------------------------ */

static uint8_t refuse(const char **why, uint8_t code, const char *text)
{
    *why = text;
    return code;
}

static uint8_t authorise_plain(bs_role *role, tsr_shard *shard, const char *endpoint,
                               const char **why)
{
    char owner[TSR_ENDPOINT_MAX + 1];

    if (!endpoint[0])
        return refuse(why, TSR_COAP_BAD_REQUEST, "ep is missing");
    if (!role->server->config.bootstrap_nosec)
        return refuse(why, TSR_COAP_FORBIDDEN, "this bootstrap server wants DTLS or OSCORE");
    if (tsr_store_documents(tsr_shard_reader(shard), TSR_STORE_BOOTSTRAP_CREDENTIAL,
                            TSR_STORE_BY_NAME, endpoint, 1, take_name, owner) != TSR_E_NOT_FOUND)
        return refuse(why, TSR_COAP_FORBIDDEN,
                      "this endpoint has a bootstrap credential and must use it");
    return 0;
}

/* By DTLS, or by its messages. */
static bool is_proved(const tsr_peer *peer)
{
    return peer->secure || peer->security == TSR_PEER_OSCORE;
}

/* Core 6.1.7.1: ep may be left out where the credential says it, and must not differ. */
static uint8_t authorise(bs_role *role, tsr_shard *shard, const tsr_peer *peer, const bs_asked *a,
                         char endpoint[TSR_ENDPOINT_MAX + 1], const char **why)
{
    char owner[TSR_ENDPOINT_MAX + 1] = "";

    endpoint[0] = 0;
    if (a->has_endpoint) {
        memcpy(endpoint, a->endpoint.ptr, a->endpoint.len);
        endpoint[a->endpoint.len] = 0;
    }
    if (!is_proved(peer))
        return authorise_plain(role, shard, endpoint, why);
    if (credential(shard, (int)peer->security, tsr_text(peer->identity), take_name, owner) !=
        TSR_OK)
        return refuse(why, TSR_COAP_FORBIDDEN,
                      "the credential of this session is no longer known");
    if (a->has_endpoint && strcmp(owner, endpoint) != 0)
        return refuse(why, TSR_COAP_BAD_REQUEST,
                      "the credential of this session belongs to another endpoint");
    memcpy(endpoint, owner, sizeof owner);
    return 0;
}

typedef struct {
    bs_profile *profile;
    char name[TSR_ENDPOINT_MAX + 1], why[400];
    tsr_err err;
} chosen;

static bool choose(void *arg, const tsr_store_document *row)
{
    chosen *c = arg;

    (void)snprintf(c->name, sizeof c->name, "%s", row->name);
    c->err = c->profile ? bs_profile_read(row->body, c->profile, c->why, sizeof c->why)
                        : TSR_E_SPACE;
    return false;
}

static uint8_t check_profile(const chosen *c, tsr_err err, const bs_asked *a, bool secure,
                             const char **why)
{
    if (err == TSR_E_NOT_FOUND)
        return refuse(why, a->pack ? TSR_COAP_NOT_FOUND : TSR_COAP_BAD_REQUEST,
                      "no bootstrap profile is for this endpoint");
    if (err != TSR_OK || c->err != TSR_OK)
        return refuse(why, TSR_COAP_UNAVAILABLE, "the profile cannot be read now; try again");
    if (!secure && !c->profile->plain)
        return refuse(why, TSR_COAP_FORBIDDEN, "the profile of this endpoint wants DTLS or OSCORE");
    if (a->pack && !c->profile->pack)
        return refuse(why, TSR_COAP_METHOD_NOT_ALLOWED,
                      "no pack for this endpoint; use Bootstrap-Request");
    return 0;
}

/* --- requests --------------------------------------------------------------------------- */

static void answer(tsr_shard *shard, tsr_coap_id ticket, uint8_t code, const char *text)
{
    tsr_coap_response r = { .code = code, .payload = tsr_text(text) };

    if (code == TSR_COAP_UNAVAILABLE)
        r.max_age = (tsr_coap_num){ true, BUSY_S };
    (void)tsr_coap_respond(tsr_shard_coap(shard), ticket, &r, tsr_shard_now(shard));
}

static void well_known(const bs_role *role, tsr_shard *shard, tsr_coap_id ticket)
{
    char links[320];
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .content_format = { true, 40 } };

    (void)snprintf(links, sizeof links, "</bs>,</bspack>%s%s", role->authority ? "," : "",
                   role->authority ? est_links : "");
    r.payload = tsr_text(links);

    (void)tsr_coap_respond(tsr_shard_coap(shard), ticket, &r, tsr_shard_now(shard));
}

static uint8_t start(bs_role *role, tsr_shard *shard, tsr_peer *peer, const tsr_coap_event *event,
                     char endpoint[TSR_ENDPOINT_MAX + 1], const char **why)
{
    bs_asked asked = { 0 };
    chosen c = { NULL, "", "", TSR_OK };
    uint8_t code = bs_request_parse(event->msg, &asked, why);
    tsr_err err;

    if (code == 0)
        code = authorise(role, shard, peer, &asked, endpoint, why);
    if (code != 0)
        return code;
    c.profile = calloc(1, sizeof *c.profile);
    err = bs_profile_find(tsr_shard_reader(shard), endpoint, choose, &c);
    code = check_profile(&c, err, &asked, is_proved(peer), why);
    if (code == 0 && !table_admit(role, tsr_shard_now(shard)))
        code = refuse(why, TSR_COAP_UNAVAILABLE, "too many devices bootstrap now; try again");
    if (code == 0)
        return run_start(role, shard, peer, &asked, event->id, endpoint, c.name, c.profile, why);
    if (c.profile)
        bs_profile_free(c.profile);
    free(c.profile);
    return code;
}

static void request(bs_role *role, tsr_shard *shard, tsr_peer *peer, const tsr_coap_event *event)
{
    char endpoint[TSR_ENDPOINT_MAX + 1] = "";
    const char *why = "";
    uint8_t code;

    if (event->msg->code == TSR_COAP_GET &&
        tsr_coap_msg_path_is(event->msg, 0, "/.well-known/core")) {
        well_known(role, shard, event->id);
        return;
    }
    if (est_takes(event->msg)) {
        if (peer->secure)
            (void)credential(shard, (int)peer->security, tsr_text(peer->identity), take_name,
                             endpoint);
        est_request(role, shard, peer, event, endpoint);
        return;
    }
    code = start(role, shard, peer, event, endpoint, &why);
    if (code == 0)
        return;
    answer(shard, event->id, code, why);
    if (why[0])
        emit_refused(&role->server->desks[tsr_shard_index(shard)], endpoint, why);
}

/* --- the service ------------------------------------------------------------------------ */

static tsr_err open_role(tsr_server *s, void **state, char *why, size_t why_cap)
{
    const tsr_server_config *c = &s->config;
    bs_role *role = calloc(1, sizeof *role);
    tsr_err err = role ? TSR_OK : TSR_E_SPACE;

    if (err == TSR_OK && c->enrol_certificate)
        err = bs_authority_open(c->enrol_certificate, c->enrol_key ? c->enrol_key : "",
                                &role->authority, why, why_cap);
    if (err != TSR_OK) {
        free(role);
        return err;
    }
    role->server = s;
    role->max = s->config.bootstrap_sessions ? s->config.bootstrap_sessions : SESSIONS;
    role->rate = s->config.bootstrap_rate ? s->config.bootstrap_rate : RATE;
    role->session_ms = s->config.bootstrap_ms ? s->config.bootstrap_ms : SESSION_MS;
    pthread_mutex_init(&role->lock, NULL);
    *state = role;
    return TSR_OK;
}

static void close_role(void *state)
{
    bs_role *role = state;

    runs_close(role);
    bs_authority_close(role->authority);
    pthread_mutex_destroy(&role->lock);
    free(role);
}

static void coap(void *state, tsr_shard *shard, tsr_peer *peer, const tsr_coap_event *event)
{
    if (event->kind == TSR_COAP_REQUEST) {
        if (!peer->dying)
            request(state, shard, peer, event);
    } else if (event->user && event->user == (uint64_t)(uintptr_t)peer->user) {
        run_event(peer->user, event);
    }
}

static void gone(void *state, tsr_shard *shard, tsr_peer *peer)
{
    (void)state, (void)shard;
    run_end(peer->user, "its session ended");
    peer->user = NULL;
}

static void timer(void *state, tsr_shard *shard, tsr_timer *t)
{
    (void)state, (void)shard;
    run_expired(t);
}

const tsr_server_service tsr_bootstrap_service = { open_role, close_role, psk, certificate,
                                                   coap,      gone,       timer,
                                                   oscore };
