/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may have a session: keys by identity, certificates by the authorities that are trusted. */
#define _GNU_SOURCE
#include "server/engine/shard_in.h"

#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>

static tsr_err find_psk(void *user, tsr_bytes identity, uint32_t *key_id)
{
    tsr_shard *s = user;
    tsr_err err = TSR_E_NOT_FOUND;

    if (s->current) /* a ticket may have asked before, in vain */
        session_forget_key(s->current);
    /* An identity is also a text in rows and logs; a zero in it could make it look like another. */
    if (identity.len == 0 || memchr(identity.ptr, 0, identity.len) == NULL)
        err = s->hooks->psk(s->hooks->user, s, identity, key_id);
    if (err == TSR_OK && s->current)
        s->current->key_id = *key_id;
    if (err != TSR_OK)
        (void)snprintf(s->refusal, sizeof s->refusal, "unknown PSK identity \"%.*s\"",
                       (int)(identity.len < 48 ? identity.len : 48), (const char *)identity.ptr);
    return err;
}

static tsr_err common_name(tsr_bytes der, char out[129])
{
    mbedtls_x509_crt crt;
    tsr_err err = TSR_E_NOT_FOUND;

    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_der(&crt, der.ptr, der.len) == 0) {
        static const uint8_t cn[] = { 0x55, 0x04, 0x03 };

        for (const mbedtls_x509_name *n = &crt.subject; n; n = n->next) {
            if (!tsr_same(tsr_view(n->oid.p, n->oid.len), tsr_view(cn, sizeof cn)) ||
                n->val.len > 128 || memchr(n->val.p, 0, n->val.len))
                continue;
            memcpy(out, n->val.p, n->val.len);
            out[n->val.len] = 0;
            err = TSR_OK;
            break;
        }
    }
    mbedtls_x509_crt_free(&crt);
    return err;
}

static tsr_err check_certificate(void *user, tsr_bytes der)
{
    tsr_shard *s = user;
    char name[129];

    if (common_name(der, name) != TSR_OK) {
        (void)snprintf(s->refusal, sizeof s->refusal, "certificate without a common name");
        return TSR_E_DENIED;
    }

    tsr_err err = s->hooks->certificate(s->hooks->user, s, name, der);

    if (err != TSR_OK)
        (void)snprintf(s->refusal, sizeof s->refusal, "certificate of \"%.48s\" is not known",
                       name);
    return err;
}

void session_forget_key(tsr_peer *p)
{
    if (p->key_id)
        psa_destroy_key(p->key_id);
    p->key_id = 0;
}

/* To what a ticket is bound beside what net binds it to: the service whose door it is for. */
static tsr_bytes bind_ticket(const tsr_shard *s, tsr_bytes bound, uint8_t room[1 + TSR_TLS_BOUND])
{
    tsr_buf all = tsr_buf_over(room, 1 + TSR_TLS_BOUND);

    tsr_put_u8(&all, s->current->service);
    tsr_put_bytes(&all, bound);
    return tsr_buf_view(&all);
}

static tsr_err seal_ticket(void *user, tsr_bytes bound, tsr_bytes plain, tsr_buf *ticket)
{
    tsr_shard *s = user;
    uint8_t room[1 + TSR_TLS_BOUND];

    if (!s->current)
        return TSR_E_STATE;
    return ticket_seal(s->engine->tickets, s->now_ms, bind_ticket(s, bound, room), plain, ticket);
}

static tsr_err open_ticket(void *user, tsr_bytes bound, tsr_bytes ticket, tsr_buf *plain)
{
    tsr_shard *s = user;
    uint8_t room[1 + TSR_TLS_BOUND];

    if (!s->current)
        return TSR_E_STATE;
    return ticket_open(s->engine->tickets, s->now_ms, bind_ticket(s, bound, room), ticket, plain);
}

static void keep_session(void *user, tsr_bytes id, tsr_bytes bound, tsr_bytes plain)
{
    tsr_shard *s = user;
    uint8_t room[1 + TSR_TLS_BOUND];

    if (s->current)
        session_ids_keep(s->engine->ids, s->now_ms, id, bind_ticket(s, bound, room), plain);
}

static tsr_err find_session(void *user, tsr_bytes id, tsr_bytes bound, tsr_buf *plain)
{
    tsr_shard *s = user;
    uint8_t room[1 + TSR_TLS_BOUND];

    if (!s->current)
        return TSR_E_STATE;
    return session_ids_find(s->engine->ids, s->now_ms, id, bind_ticket(s, bound, room), plain);
}

/* RFC 5246 §7.3: over DTLS it goes on by its ID. */
static tsr_err dtls_init(tsr_shard *s, const tsr_dtls_options *o)
{
    tsr_err err = tsr_dtls_config_init(&s->dtls, o);

    s->dtls_ready = err == TSR_OK;
    s->cache = (tsr_dtls_cache){ s, keep_session, find_session };
    return err == TSR_OK ? tsr_dtls_cache_use(&s->dtls, &s->cache) : err;
}

/* RFC 5077: over TLS a device goes on with its session. */
static tsr_err tls_init(tsr_shard *s, const tsr_dtls_options *o)
{
    tsr_err err = tsr_dtls_config_init(&s->tls, o);

    s->tls_ready = err == TSR_OK;
    s->tickets = (tsr_tls_tickets){ TICKET_LIFETIME_S, s, seal_ticket, open_ticket };
    return err == TSR_OK ? tsr_tls_tickets_use(&s->tls, &s->tickets) : err;
}

tsr_err sessions_init(tsr_shard *s, char *why, size_t why_cap)
{
    const tsr_engine_config *c = s->config;
    tsr_dtls_options o = {
        .role = TSR_DTLS_SERVER,
        .plain = s->plain,
        .plain_cap = sizeof s->plain,
        .psk_find = find_psk,
        .certificate = c->certificate,
        .certificate_key_id = c->certificate_key_id,
        .anchors = c->anchors,
        .anchor_count = c->anchor_count,
        .usage = TSR_DTLS_CERT_ANCHOR,
        .cert_check = c->certificate.len ? check_certificate : NULL,
        .user = s,
        .cbc = true, /* Transport 5.2.9.1, Transport 5.2.9.3: a server must know AES_128_CBC_SHA256 too */
        .cid = !c->no_cid,
        .cid_len = c->no_cid ? 0 : CID_LEN,
    };
    tsr_err err = dtls_init(s, &o);

    o.stream = true;
    if (err == TSR_OK && c->coaps_tcp_count)
        err = tls_init(s, &o);
    if (err != TSR_OK)
        (void)snprintf(why, why_cap,
                       "DTLS cannot be set up (%s): check the server's certificate, its key "
                       "and the trust anchors",
                       tsr_err_name(err));
    return err;
}

void sessions_free(tsr_shard *s)
{
    if (s->dtls_ready)
        tsr_dtls_config_free(&s->dtls);
    if (s->tls_ready)
        tsr_dtls_config_free(&s->tls);
}

tsr_err session_name(tsr_peer *p, tsr_bytes identity, tsr_bytes certificate)
{
    char name[129] = "";

    if (identity.len && identity.len < sizeof name) {
        p->security = TSR_PEER_PSK;
        memcpy(name, identity.ptr, identity.len);
    } else if (common_name(certificate, name) == TSR_OK) {
        p->security = TSR_PEER_X509;
    } else {
        return TSR_E_DENIED;
    }
    p->identity = strdup(name);
    return p->identity ? TSR_OK : TSR_E_SPACE;
}
