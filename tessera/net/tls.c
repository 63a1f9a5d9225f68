/* SPDX-License-Identifier: Apache-2.0
 *
 * Mbed TLS reads from what `take` lends and writes into what `poll` or `send` lend. What it wants to
 * say in between waits in a small place, or makes it wait until the next poll. */
#include "tessera/net/tls.h"

#include "tessera/net/dtls_impl.h"

_Static_assert(sizeof(mbedtls_ssl_context) <= sizeof(((tsr_tls *)0)->room),
               "tsr_tls.room is too small for this Mbed TLS");

/* ---- input and output, as Mbed TLS asks for them ---- */

static int bio_recv(void *user, unsigned char *out, size_t cap)
{
    tsr_tls *s = user;
    size_t n = s->in.len < cap ? s->in.len : cap;

    if (n == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(out, s->in.ptr, n);
    s->in = tsr_skip(s->in, n);
    return (int)n;
}

/* An alert in the clear tells why we gave up; protected ones stay private. */
static void note_alert(tsr_tls *s, const unsigned char *data, size_t len)
{
    if (len == 7 && data[0] == REC_ALERT && s->state == ST_HANDSHAKE)
        s->alert = data[6];
}

static int bio_send(void *user, const unsigned char *data, size_t len)
{
    tsr_tls *s = user;
    size_t n = len;

    if (s->out != NULL) {
        if (n > s->out->cap - s->out->len)
            n = s->out->cap - s->out->len;
        tsr_put_bytes(s->out, tsr_view(data, n));
    } else if (len <= sizeof s->outbox - s->outbox_len) {
        memcpy(s->outbox + s->outbox_len, data, len);
        s->outbox_len = (uint8_t)(s->outbox_len + len);
    } else {
        n = 0;
    }
    note_alert(s, data, len);
    return n != 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* ---- steps ---- */

/* Mbed TLS leaves some failures of a handshake unsaid; RFC 5246 §7.2.2 wants the peer to know. */
static void tell(tsr_tls *s)
{
    bool ours = s->reason == TSR_DTLS_R_CRYPTO || s->reason == TSR_DTLS_R_MEMORY ||
                s->reason == TSR_DTLS_R_INTERNAL;

    if (s->state == ST_HANDSHAKE && s->alert == 0 && s->reason != TSR_DTLS_R_ALERT)
        (void)mbedtls_ssl_send_alert_message(stream_ssl(s), MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                             ours ? MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR
                                                  : MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
}

static tsr_err over(tsr_tls *s, int ret)
{
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        s->state = ST_OVER;
        return TSR_E_STATE;
    }
    s->reason = tsr_dtls_reason_of(ret);
    if (s->reason == TSR_DTLS_R_ALERT)
        s->alert = stream_ssl(s)->MBEDTLS_PRIVATE(in_msg)[1];
    tell(s);
    s->state = ST_OVER;
    return TSR_E_DENIED;
}

/* TSR_OK: the handshake is over, or some plaintext is there. */
static tsr_err step(tsr_tls *s, tsr_buf *plain)
{
    int ret;

    s->poke = false;
    if (s->state == ST_HANDSHAKE) {
        tsr_turn turn = { stream_ssl(s), s->config, &s->identity, &s->again };

        s->config->turn = &turn;
        ret = mbedtls_ssl_handshake(turn.ssl);
        s->config->turn = NULL;
        if (ret == 0)
            s->state = ST_CONNECTED;
    } else if (plain == NULL || plain->len == plain->cap) {
        return TSR_END;
    } else {
        ret = mbedtls_ssl_read(stream_ssl(s), plain->ptr + plain->len, plain->cap - plain->len);
        if (ret == 0) /* the end of the link without close_notify, which we never tell it */
            ret = MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY;
        plain->len += ret > 0 ? (size_t)ret : 0;
    }
    if (ret == MBEDTLS_ERR_SSL_WANT_WRITE)
        s->poke = true;
    if (ret == MBEDTLS_ERR_SSL_WANT_WRITE || ret == MBEDTLS_ERR_SSL_WANT_READ)
        return TSR_END;
    return ret < 0 ? over(s, ret) : TSR_OK;
}

static bool is_live(const tsr_tls *s)
{
    return s->state == ST_HANDSHAKE || s->state == ST_CONNECTED;
}

tsr_err tsr_tls_take(tsr_tls *s, tsr_bytes *in, tsr_buf *plain, uint64_t now_ms)
{
    tsr_err err = TSR_OK;

    (void)now_ms;
    if (!is_live(s))
        return TSR_E_STATE;
    if (s->poke) /* what it has to say comes first */
        return TSR_END;
    s->in = *in;
    while (err == TSR_OK)
        err = step(s, plain);
    *in = s->in;
    s->in = tsr_view(NULL, 0);
    return err;
}

static void put_outbox(tsr_tls *s, tsr_buf *out)
{
    size_t n = out->cap - out->len;

    if (n > s->outbox_len)
        n = s->outbox_len;
    tsr_put_bytes(out, tsr_view(s->outbox, n));
    memmove(s->outbox, s->outbox + n, s->outbox_len - n);
    s->outbox_len = (uint8_t)(s->outbox_len - n);
}

/* The first poll of a client finds nothing sent: the handshake begins with it. */
tsr_err tsr_tls_poll(tsr_tls *s, tsr_buf *out, uint64_t now_ms)
{
    size_t before = out->len;
    tsr_err err = TSR_END;

    put_outbox(s, out);
    if (s->state == ST_HANDSHAKE && now_ms >= s->give_up_ms)
        return over(s, MBEDTLS_ERR_SSL_TIMEOUT);
    if (is_live(s) && s->poke && s->outbox_len == 0 && out->len < out->cap) {
        s->out = out;
        err = step(s, NULL);
        s->out = NULL;
    }
    if (err != TSR_OK && err != TSR_END && out->len == before)
        return err;
    return out->len != before ? TSR_OK : TSR_END;
}

tsr_err tsr_tls_send(tsr_tls *s, tsr_bytes plain, tsr_buf *out)
{
    tsr_err err = TSR_OK;

    if (s->state != ST_CONNECTED || s->poke || s->outbox_len != 0)
        return TSR_E_STATE;
    if (plain.len > TSR_TLS_SEND_MAX || out->cap - out->len < plain.len + TSR_TLS_MORE)
        return TSR_E_SPACE;
    s->out = out;
    while (err == TSR_OK && plain.len != 0) {
        int ret = mbedtls_ssl_write(stream_ssl(s), plain.ptr, plain.len);

        if (ret > 0)
            plain = tsr_skip(plain, (size_t)ret);
        else
            err = over(s, ret < 0 ? ret : MBEDTLS_ERR_SSL_INTERNAL_ERROR);
    }
    s->out = NULL;
    return err;
}

/* ---- begin and end ---- */

tsr_err tsr_tls_begin(tsr_tls *s, tsr_dtls_config *config, uint64_t now_ms)
{
    mbedtls_ssl_context *ssl = stream_ssl(s);
    int ret;

    if (!config->opt.stream)
        return TSR_E_ARGUMENT;
    *s = (tsr_tls){ .config = config,
                    .state = ST_HANDSHAKE,
                    .give_up_ms = now_ms + TSR_TLS_HANDSHAKE_MS,
                    .poke = config->opt.role == TSR_DTLS_CLIENT };
    mbedtls_ssl_init(ssl);
    ret = mbedtls_ssl_setup(ssl, &config_room(config)->ssl);
    if (ret == 0 && config->opt.role == TSR_DTLS_CLIENT)
        ret = mbedtls_ssl_set_hostname(ssl, config->opt.server_name);
    if (ret != 0) {
        tsr_tls_free(s);
        return tsr_dtls_error(ret);
    }
    mbedtls_ssl_set_user_data_p(ssl, &s->identity);
    mbedtls_ssl_set_bio(ssl, s, bio_send, bio_recv, NULL);
    return TSR_OK;
}

void tsr_tls_close(tsr_tls *s, tsr_buf *out)
{
    if (s->state == ST_CONNECTED && !s->poke && s->outbox_len == 0) {
        s->out = out;
        (void)mbedtls_ssl_close_notify(stream_ssl(s));
        s->out = NULL;
    }
    if (is_live(s))
        s->state = ST_OVER;
}

void tsr_tls_free(tsr_tls *s)
{
    if (s->config != NULL)
        mbedtls_ssl_free(stream_ssl(s));
    tsr_wipe(s, sizeof *s);
}

/* ---- questions ---- */

uint64_t tsr_tls_due_ms(const tsr_tls *s)
{
    if (s->outbox_len != 0 || (is_live(s) && s->poke))
        return 0;
    return s->state == ST_HANDSHAKE ? s->give_up_ms : UINT64_MAX;
}

bool tsr_tls_connected(const tsr_tls *s) { return s->state == ST_CONNECTED; }
tsr_dtls_reason tsr_tls_reason(const tsr_tls *s) { return s->reason; }
uint8_t tsr_tls_alert(const tsr_tls *s) { return s->alert; }
bool tsr_tls_resumed(const tsr_tls *s) { return s->again.resumed; }

tsr_bytes tsr_tls_peer_identity(const tsr_tls *s)
{
    return tsr_view(s->identity.bytes, s->identity.len);
}

tsr_bytes tsr_tls_peer_certificate(const tsr_tls *s)
{
    const mbedtls_x509_crt *crt = NULL;

    if (s->state == ST_CONNECTED)
        crt = mbedtls_ssl_get_peer_cert(stream_ssl(s));
    return crt != NULL ? tsr_view(crt->raw.p, crt->raw.len) : tsr_view(NULL, 0);
}

const char *tsr_tls_protocol(const tsr_tls *s)
{
    return s->state == ST_CONNECTED ? mbedtls_ssl_get_alpn_protocol(stream_ssl(s)) : NULL;
}
