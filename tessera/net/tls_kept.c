/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/net/tls_kept.h"

#include "tessera/net/dtls_impl.h"

static bool offer(mbedtls_ssl_context *ssl, tsr_tls_kept *kept, uint64_t now_ms)
{
    mbedtls_ssl_session session;
    bool offered = false;

    if (kept->len == 0)
        return false;
    mbedtls_ssl_session_init(&session);
    if (now_ms < kept->until_ms && mbedtls_ssl_session_load(&session, kept->room, kept->len) == 0)
        offered = mbedtls_ssl_set_session(ssl, &session) == 0;
    mbedtls_ssl_session_free(&session);
    if (!offered)
        tsr_tls_forget(kept);
    return offered;
}

bool tsr_tls_offer(tsr_tls *s, tsr_tls_kept *kept, uint64_t now_ms)
{
    if (kept->cap == 0)
        return false;
    mbedtls_ssl_conf_session_tickets(&config_room(s->config)->ssl, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    return offer(stream_ssl(s), kept, now_ms);
}

bool tsr_dtls_offer(tsr_dtls *s, tsr_tls_kept *kept)
{
    return offer(session_ssl(s), kept, s->now_ms);
}

/* Mbed TLS does not say whether the server took it up: the master secret is the same then. */
static bool is_resumed(const tsr_tls_kept *kept, const mbedtls_ssl_session *fresh)
{
    mbedtls_ssl_session old;
    bool same;

    mbedtls_ssl_session_init(&old);
    same = kept->len != 0 && mbedtls_ssl_session_load(&old, kept->room, kept->len) == 0 &&
           tsr_same_secret(tsr_view(old.MBEDTLS_PRIVATE(master), sizeof old.MBEDTLS_PRIVATE(master)),
                           tsr_view(fresh->MBEDTLS_PRIVATE(master),
                                    sizeof fresh->MBEDTLS_PRIVATE(master)));
    mbedtls_ssl_session_free(&old);
    return same;
}

static uint64_t until(const mbedtls_ssl_session *fresh, uint64_t now_ms)
{
    uint64_t hint_ms = (uint64_t)fresh->MBEDTLS_PRIVATE(ticket_lifetime) * 1000;

    /* RFC 5077 §3.3: a hint of zero is none */
    return now_ms + (hint_ms != 0 && hint_ms < TSR_TLS_KEPT_MS ? hint_ms : TSR_TLS_KEPT_MS);
}

static void store(tsr_tls_kept *kept, const mbedtls_ssl_session *fresh)
{
    size_t len = 0;

    tsr_wipe(kept->room, kept->len);
    kept->len = 0;
    if (fresh->MBEDTLS_PRIVATE(ticket_len) == 0 && fresh->MBEDTLS_PRIVATE(id_len) == 0)
        return; /* the server will not know it again */
    if (mbedtls_ssl_session_save(fresh, kept->room, kept->cap, &len) == 0)
        kept->len = len;
    else
        tsr_wipe(kept->room, kept->cap); /* the part of it that had room */
}

/* True: it was resumed. */
static bool keep(const mbedtls_ssl_context *ssl, tsr_tls_kept *kept, uint64_t now_ms)
{
    mbedtls_ssl_session fresh;
    bool resumed = false;

    mbedtls_ssl_session_init(&fresh);
    if (mbedtls_ssl_get_session(ssl, &fresh) == 0) {
        resumed = is_resumed(kept, &fresh);
        store(kept, &fresh);
        if (!resumed)
            kept->until_ms = until(&fresh, now_ms);
    }
    mbedtls_ssl_session_free(&fresh);
    return resumed;
}

void tsr_tls_keep(tsr_tls *s, tsr_tls_kept *kept, uint64_t now_ms)
{
    if (kept->cap != 0 && s->state == ST_CONNECTED)
        s->again.resumed = keep(stream_ssl(s), kept, now_ms);
}

void tsr_dtls_keep(tsr_dtls *s, tsr_tls_kept *kept)
{
    if (kept->cap != 0 && s->state == ST_CONNECTED)
        s->again.resumed = keep(session_ssl(s), kept, s->now_ms);
}

void tsr_tls_forget(tsr_tls_kept *kept)
{
    if (kept->room != NULL)
        tsr_wipe(kept->room, kept->len);
    kept->len = 0;
    kept->until_ms = 0;
}
