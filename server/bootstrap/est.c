/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/bootstrap/est.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/bootstrap/ledger.h"
#include "tessera/net/certs_only.h"

/* RFC 9148 §8.1 */
enum { CERTS_ONLY = 281, ATTRIBUTES = 285, REQUEST = 286, CERTIFICATE = 287 };

enum { LIFETIME_S = 31536000, LIVE = 8, BUSY_S = 30, MANY_S = 3600,
       EARLY_S = 300 /* a device's clock may be behind */ };

const char est_links[] = "</est/crts>;rt=\"ace.est.crts\";ct=\"281 287\","
                         "</est/sen>;rt=\"ace.est.sen\";ct=\"281 287\","
                         "</est/sren>;rt=\"ace.est.sren\";ct=\"281 287\","
                         "</est/att>;rt=\"ace.est.att\";ct=285";

typedef enum { NONE, CRTS, SEN, SREN, ATT } function;

static function function_of(const tsr_coap_msg *msg)
{
    static const char *const roots[] = { "/est", "/.well-known/est" };
    static const char *const words[] = { "/crts", "/sen", "/sren", "/att" };
    char path[32];

    for (size_t r = 0; r < 2; r++) {
        for (size_t w = 0; w < 4; w++) {
            (void)snprintf(path, sizeof path, "%s%s", roots[r], words[w]);
            if (tsr_coap_msg_path_is(msg, 0, path))
                return (function)(CRTS + w);
        }
    }
    return NONE;
}

bool est_takes(const tsr_coap_msg *msg)
{
    return (msg->path_count > 0 && tsr_same(msg->path[0], tsr_text("est"))) ||
           (msg->path_count > 1 && tsr_same(msg->path[0], tsr_text(".well-known")) &&
            tsr_same(msg->path[1], tsr_text("est")));
}

static void reply(tsr_shard *shard, tsr_coap_id ticket, const tsr_coap_response *r)
{
    (void)tsr_coap_respond(tsr_shard_coap(shard), ticket, r, tsr_shard_now(shard));
}

static uint8_t refuse(const char **why, uint8_t code, const char *text)
{
    *why = text;
    return code;
}

/* --- certificates as they are sent ------------------------------------------------------ */

/* RFC 9148 §4.3: without a word, format 281. */
static bool format_of(const tsr_coap_msg *msg, uint32_t *format)
{
    *format = msg->accept.set ? msg->accept.value : CERTS_ONLY;
    return *format == CERTS_ONLY || *format == CERTIFICATE;
}

static void send_certificate(tsr_shard *shard, tsr_coap_id ticket, uint8_t code, uint32_t format,
                             tsr_bytes der)
{
    uint8_t room[BS_CERTIFICATE_MAX + 128];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_response r = { .code = code, .content_format = { true, format }, .payload = der };

    if (format == CERTS_ONLY) {
        tsr_certs_only_put(&out, &der, 1);
        r.payload = tsr_buf_view(&out);
    }
    if (out.err != TSR_OK)
        r = (tsr_coap_response){ .code = TSR_COAP_INTERNAL_ERROR };
    reply(shard, ticket, &r);
}

/* RFC 7030 §4.5.2: a key on P-256, and a signature by ECDSA with SHA-256. */
static void send_attributes(tsr_shard *shard, tsr_coap_id ticket)
{
    static const uint8_t der[] = { 0x30, 0x21, 0x30, 0x15, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x02, 0x01, 0x31, 0x0a, 0x06, 0x08, 0x2a,
                                   0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x06, 0x08,
                                   0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .content_format = { true, ATTRIBUTES },
                            .payload = tsr_view(der, sizeof der) };

    reply(shard, ticket, &r);
}

/* --- who may, and how often ------------------------------------------------------------- */

static bool has_enrolment(void *arg, const tsr_store_document *row)
{
    bs_profile *p = calloc(1, sizeof *p);
    char why[200];

    if (p && bs_profile_read(row->body, p, why, sizeof why) == TSR_OK) {
        for (size_t i = 0; i < p->server_count; i++)
            *(bool *)arg |= p->servers[i].mode == BS_EST;
    }
    if (p)
        bs_profile_free(p);
    free(p);
    return false;
}

/* The endpoint's profile decides: it must have an account with a certificate by enrolment. */
static uint8_t check_policy(bs_role *role, tsr_shard *shard, const char *endpoint, function f,
                            const char **why)
{
    tsr_store_reader *reader = tsr_shard_reader(shard);
    uint32_t most = role->server->config.enrol_live ? role->server->config.enrol_live : LIVE;
    bool allowed = false;
    size_t live;

    (void)bs_profile_find(reader, endpoint, has_enrolment, &allowed);
    if (!allowed)
        return refuse(why, TSR_COAP_FORBIDDEN,
                      "this endpoint's profile has no account with security est");
    live = ledger_live(reader, endpoint, unix_now_ms() / 1000);
    if (f == SREN && live == 0)
        return refuse(why, TSR_COAP_FORBIDDEN, "there is no certificate to renew; use sen");
    if (live >= most)
        return refuse(why, TSR_COAP_TOO_MANY_REQUESTS,
                      "this endpoint has too many certificates that have not ended");
    if (!table_admit(role, tsr_shard_now(shard)))
        return refuse(why, TSR_COAP_UNAVAILABLE, "too many devices enrol now; come again");
    return 0;
}

static uint8_t check_message(const tsr_coap_msg *msg, function f, uint32_t *format,
                             const char **why)
{
    bool post = f == SEN || f == SREN;

    if (msg->code != (post ? TSR_COAP_POST : TSR_COAP_GET))
        return refuse(why, TSR_COAP_METHOD_NOT_ALLOWED, "");
    if (f == ATT)
        return !msg->accept.set || msg->accept.value == ATTRIBUTES
                   ? 0
                   : refuse(why, TSR_COAP_NOT_ACCEPTABLE, "attributes come in format 285");
    if (!format_of(msg, format))
        return refuse(why, TSR_COAP_NOT_ACCEPTABLE, "certificates come in formats 281 and 287");
    if (post && msg->content_format.set && msg->content_format.value != REQUEST)
        return refuse(why, TSR_COAP_UNSUPPORTED_FORMAT, "a request comes in format 286");
    return 0;
}

/* --- enrolling -------------------------------------------------------------------------- */

typedef struct {
    tsr_message message;
    bs_role *role;
    tsr_shard *shard;
    tsr_coap_id ticket;
    uint32_t format;
    function function;
    char endpoint[TSR_ENDPOINT_MAX + 1];
    bs_issued issued;
    tsr_err stored;
} job;

static bool is_there(void *arg, const tsr_store_credential *c)
{
    (void)c;
    *(bool *)arg = true;
    return false;
}

/* The endpoint may register with what it got, unless it has another credential here. */
static void let_register(const job *b)
{
    tsr_server *s = b->role->server;
    tsr_store_credential row = { .endpoint = b->endpoint, .mode = TSR_SERVER_X509,
                                 .identity = b->endpoint, .changed_ms = unix_now_ms() };
    bool there = false;

    (void)tsr_store_credential_get(tsr_shard_reader(b->shard), b->endpoint, is_there, &there);
    if (!there)
        (void)tsr_store_put_credential(s->store, &row, NULL, NULL);
}

static void run_answer(tsr_shard *shard, tsr_message *m)
{
    job *b = (job *)(void *)m;
    tsr_coap_response again = { .code = TSR_COAP_UNAVAILABLE, .max_age = { true, BUSY_S } };
    char detail[64 + 2 * BS_SERIAL_LEN] = "certificate ";

    if (b->stored != TSR_OK) {
        reply(shard, b->ticket, &again);
        free(b);
        return;
    }
    for (size_t i = 0; i < BS_SERIAL_LEN; i++)
        (void)snprintf(detail + 12 + 2 * i, 3, "%02x", b->issued.serial[i]);
    (void)snprintf(detail + 12 + 2 * BS_SERIAL_LEN, 16, " %s",
                   b->function == SREN ? "renewed" : "issued");
    emit_simple(b->role->server, b->endpoint, TSR_SERVER_EV_CREDENTIAL, detail);
    send_certificate(shard, b->ticket, TSR_COAP_CHANGED, b->format,
                     tsr_view(b->issued.der, b->issued.der_len));
    free(b);
}

static void stored(void *arg, tsr_err err)
{
    job *b = arg;

    b->stored = err;
    tsr_shard_post(b->shard, &b->message);
}

static uint8_t issue(job *b, const tsr_peer *peer, tsr_bytes request, const char **why)
{
    tsr_server *s = b->role->server;
    uint32_t lifetime_s = s->config.enrol_lifetime_s ? s->config.enrol_lifetime_s : LIFETIME_S;
    char shown[160];

    b->issued.from_s = unix_now_ms() / 1000;
    b->issued.to_s = b->issued.from_s + lifetime_s;
    b->issued.from_s -= lifetime_s > 10 * EARLY_S ? EARLY_S : 0;
    if (bs_authority_issue(b->role->authority, request, b->endpoint, &b->issued) != TSR_OK)
        return refuse(why, TSR_COAP_INTERNAL_ERROR,
                      "the authority cannot sign; has its own certificate ended?");
    (void)snprintf(shown, sizeof shown, "%s:%s", tsr_server_security_name(
                   (tsr_server_security)peer->security), peer->identity);
    let_register(b);
    if (ledger_put(s->store, b->endpoint, shown, &b->issued, stored, b) != TSR_OK)
        return refuse(why, TSR_COAP_UNAVAILABLE, "the store is busy; come again");
    return 0;
}

static uint8_t enrol(bs_role *role, tsr_shard *shard, const tsr_peer *peer,
                     const tsr_coap_event *event, const char *endpoint, function f,
                     uint32_t format, const char **why)
{
    uint8_t code = check_policy(role, shard, endpoint, f, why);
    const char *wrong = code == 0 ? bs_authority_wrong(event->body, endpoint) : NULL;
    job *b;

    if (wrong != NULL)
        return refuse(why, TSR_COAP_BAD_REQUEST, wrong);
    if (code != 0)
        return code;
    b = calloc(1, sizeof *b);
    if (!b)
        return refuse(why, TSR_COAP_UNAVAILABLE, "");
    b->message.run = run_answer;
    b->role = role;
    b->shard = shard;
    b->ticket = event->id;
    b->format = format;
    b->function = f;
    (void)snprintf(b->endpoint, sizeof b->endpoint, "%s", endpoint);
    code = issue(b, peer, event->body, why);
    if (code != 0)
        free(b);
    return code;
}

/* --- requests --------------------------------------------------------------------------- */

bool est_knows(const bs_role *role, tsr_shard *shard, const char *common_name, tsr_bytes der)
{
    char serial[SERIAL_TEXT];

    if (!role->authority)
        return false;
    certificate_serial(der, serial);
    return ledger_is_live(tsr_shard_reader(shard), serial, common_name, unix_now_ms() / 1000);
}

/* RFC 9148 §3: with a certificate; with a pre-shared key if the operator says so. */
static uint8_t check_peer(const bs_role *role, const tsr_peer *peer, const char *endpoint,
                          const char **who, const char **why)
{
    if (!peer->secure)
        return refuse(why, TSR_COAP_UNAUTHORIZED, "enrolment wants DTLS");
    if (peer->security != TSR_PEER_X509 && !role->server->config.enrol_psk)
        return refuse(why, TSR_COAP_UNAUTHORIZED, "enrolment wants a certificate in the session");
    *who = endpoint[0] ? endpoint : peer->identity;
    return 0;
}

static uint8_t answer(bs_role *role, tsr_shard *shard, const tsr_peer *peer,
                      const tsr_coap_event *event, const char *endpoint, const char **why)
{
    function f = function_of(event->msg);
    uint32_t format = CERTS_ONLY;
    const char *who = endpoint;
    uint8_t code;

    if (!role->authority || f == NONE)
        return refuse(why, TSR_COAP_NOT_FOUND, "");
    code = check_peer(role, peer, endpoint, &who, why);
    if (code == 0)
        code = check_message(event->msg, f, &format, why);
    if (code != 0)
        return code;
    switch (f) {
    case CRTS:
        send_certificate(shard, event->id, TSR_COAP_CONTENT, format,
                         bs_authority_certificate(role->authority));
        return 0;
    case ATT: send_attributes(shard, event->id); return 0;
    default:  return enrol(role, shard, peer, event, who, f, format, why);
    }
}

void est_request(bs_role *role, tsr_shard *shard, tsr_peer *peer, const tsr_coap_event *event,
                 const char *endpoint)
{
    const char *why = "";
    uint8_t code = answer(role, shard, peer, event, endpoint, &why);
    tsr_coap_response r = { .code = code, .payload = tsr_text(why) };
    char detail[160];

    if (code == 0)
        return;
    if (code == TSR_COAP_UNAVAILABLE)
        r.max_age = (tsr_coap_num){ true, BUSY_S };
    if (code == TSR_COAP_TOO_MANY_REQUESTS)
        r.max_age = (tsr_coap_num){ true, MANY_S };
    reply(shard, event->id, &r);
    if (!why[0])
        return;
    (void)snprintf(detail, sizeof detail, "enrolment: %s", why);
    emit_refused(&role->server->desks[tsr_shard_index(shard)],
                 endpoint[0] ? endpoint : peer->identity ? peer->identity : "", detail);
}
