/* SPDX-License-Identifier: Apache-2.0
 *
 * One DTLS session. Mbed TLS sees one record at a time and sends one datagram at a time:
 *
 *  in    event_next cuts the datagram into records and offers them one by one, so that a bad record
 *        costs only itself and the number of every good one is known (RFC 9146 §6).
 *  out   Mbed TLS may send only while poll or send lends a buffer. Else it is told to wait and goes
 *        on in the next poll; alerts alone have a small place to wait in, as it sends them once. */
#include <mbedtls/version.h>

#include "tessera/net/dtls_impl.h"

_Static_assert(sizeof(mbedtls_ssl_context) <= sizeof(((tsr_dtls *)0)->room),
               "tsr_dtls.room is too small for this Mbed TLS");
_Static_assert(MBEDTLS_VERSION_MAJOR == 3, "the private fields used here are those of Mbed TLS 3");

static const uint64_t NEVER = UINT64_MAX;

/* Input and output, as Mbed TLS asks for them */

static int bio_recv(void *user, unsigned char *out, size_t cap)
{
    tsr_dtls *s = user;
    tsr_bytes record = s->record;

    s->record.len = 0;
    if (record.len == 0 || record.len > cap)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(out, record.ptr, record.len);
    return (int)record.len;
}

/* The last guard of the nonce rule (see "Saved sessions" in dtls.h): a protected record whose
 * number another copy of this session might use is never sent. */
static bool number_is_reserved(const tsr_dtls *s, tsr_bytes datagram)
{
    tsr_bytes at = tsr_skip(datagram, 3);
    uint64_t number;

    if (tsr_get_u64(&at, &number) != TSR_OK || number >> 48 == 0)
        return false;
    return (number & 0xffffffffffffULL) >= s->out_limit;
}

/* An alert in the clear tells why we gave up; protected ones stay private. */
static void note_alert(tsr_dtls *s, tsr_bytes datagram)
{
    if (datagram.len == REC_HEADER + 2 && datagram.ptr[0] == REC_ALERT && datagram.ptr[4] == 0)
        s->alert = datagram.ptr[REC_HEADER + 1];
}

static int bio_send(void *user, const unsigned char *data, size_t len)
{
    tsr_dtls *s = user;
    tsr_bytes datagram = tsr_view(data, len);

    if (number_is_reserved(s, datagram))
        return (int)len;
    if (s->out != NULL && s->out->len == 0 && s->outbox_len == 0) {
        if (len > s->out->cap) {
            s->small = true;
            return MBEDTLS_ERR_SSL_WANT_WRITE;
        }
        tsr_put_bytes(s->out, datagram);
    } else if (s->outbox_len == 0 && len <= sizeof(s->outbox)) {
        memcpy(s->outbox, data, len);
        s->outbox_len = (uint8_t)len;
    } else {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    note_alert(s, datagram);
    return (int)len;
}

static void timer_set(void *user, uint32_t mid_ms, uint32_t end_ms)
{
    tsr_dtls *s = user;

    s->timer_mid_ms = s->now_ms + mid_ms;
    s->timer_end_ms = end_ms == 0 ? NEVER : s->now_ms + end_ms;
}

/* Mbed TLS throws away what it was about to read once the time is over, so it learns that in poll
 * only, where there is nothing to read. */
static int timer_get(void *user)
{
    const tsr_dtls *s = user;

    if (s->timer_end_ms == NEVER)
        return -1;
    if (s->now_ms >= s->timer_end_ms && s->out != NULL)
        return 2;
    return s->now_ms >= s->timer_mid_ms ? 1 : 0;
}

/* Events */

static void emit(tsr_dtls *s, tsr_dtls_event event)
{
    s->event = event;
    s->event_waits = true;
}

void tsr_dtls_fail(tsr_dtls *s, tsr_dtls_reason reason, int detail)
{
    if (reason == TSR_DTLS_R_ALERT)
        s->alert = dtls_alert_received(s);
    s->state = ST_OVER;
    s->poke = false;
    s->timer_end_ms = NEVER;
    emit(s, (tsr_dtls_event){
                .type = TSR_DTLS_FAILED, .reason = reason, .alert = s->alert, .detail = detail });
}

/* RFC 9146 §6: an address may move on a verified record with a CID that is newer than all others.
 */
static void emit_data(tsr_dtls *s, size_t len)
{
    bool newer = s->record_type != 0 && s->record.len == 0 && s->record_number > s->in_newest;

    if (newer)
        s->in_newest = s->record_number;
    emit(s, (tsr_dtls_event){ .type = TSR_DTLS_DATA,
                              .data = tsr_view(s->config->opt.plain, len),
                              .may_move = newer && s->record_type == REC_CID });
}

static void connected(tsr_dtls *s)
{
    s->state = ST_CONNECTED;
    emit(s, (tsr_dtls_event){ .type = TSR_DTLS_CONNECTED });
}

/* The steps */

/* Mbed TLS leaves some failures of a handshake unsaid; RFC 5246 §7.2.2 wants the peer to know. */
static void tell(tsr_dtls *s, tsr_dtls_reason reason)
{
    bool ours =
        reason == TSR_DTLS_R_CRYPTO || reason == TSR_DTLS_R_MEMORY || reason == TSR_DTLS_R_INTERNAL;

    if (s->state != ST_HANDSHAKE || s->alert != 0 || s->outbox_len != 0 ||
        reason == TSR_DTLS_R_ALERT || reason == TSR_DTLS_R_TIMEOUT)
        return;
    (void)mbedtls_ssl_send_alert_message(session_ssl(s), MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                         ours ? MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR
                                              : MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
}

static void over(tsr_dtls *s, int ret)
{
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        s->state = ST_OVER;
        s->timer_end_ms = NEVER;
        emit(s, (tsr_dtls_event){ .type = TSR_DTLS_CLOSED });
        return;
    }
    tell(s, tsr_dtls_reason_of(ret));
    tsr_dtls_fail(s, tsr_dtls_reason_of(ret), ret);
}

/* A record that does not fit options.plain is dropped whole: half a CoAP message helps nobody. */
static void discard_rest(tsr_dtls *s)
{
    uint8_t *plain = s->config->opt.plain;

    while (mbedtls_ssl_get_bytes_avail(session_ssl(s)) > 0)
        if (mbedtls_ssl_read(session_ssl(s), plain, s->config->opt.plain_cap) <= 0)
            return;
}

static int step_connected(tsr_dtls *s)
{
    mbedtls_ssl_context *ssl = session_ssl(s);
    int ret = mbedtls_ssl_read(ssl, s->config->opt.plain, s->config->opt.plain_cap);

    if (ret <= 0)
        return ret;
    if (mbedtls_ssl_get_bytes_avail(ssl) > 0)
        discard_rest(s);
    else
        emit_data(s, (size_t)ret);
    return 0;
}

static void step(tsr_dtls *s)
{
    int ret;

    s->poke = false;
    if (s->state == ST_HANDSHAKE) {
        tsr_turn turn = { session_ssl(s), s->config, &s->identity, &s->again };

        s->config->turn = &turn;
        ret = mbedtls_ssl_handshake(turn.ssl);
        s->config->turn = NULL;
        if (ret == 0)
            connected(s);
    } else {
        ret = step_connected(s);
    }
    if (s->record.len != 0)
        s->record.len = 0; /* output stood in the way; the peer will repeat it */
    if (ret == MBEDTLS_ERR_SSL_WANT_WRITE)
        s->poke = true;
    else if (ret != 0 && ret != MBEDTLS_ERR_SSL_WANT_READ)
        over(s, ret);
    s->record_type = 0;
}

static bool is_live(const tsr_dtls *s)
{
    return s->state == ST_HANDSHAKE || s->state == ST_CONNECTED;
}

/* Takes the next record of the datagram that is worth showing to Mbed TLS. In a live session
 * nothing in the clear is: RFC 6347 §4.1 (epochs), and a ClientHello from anyone must not disturb
 * it. */
static bool next_record(tsr_dtls *s)
{
    size_t cid_len = s->config->opt.cid ? s->config->opt.cid_len : 0;
    dtls_record record;

    while (s->in.len != 0) {
        if (tsr_dtls_record_read(s->in, cid_len, &record) != TSR_OK) {
            s->in.len = 0;
            return false;
        }
        s->record = tsr_first(s->in, record.len);
        s->record_type = record.type;
        s->record_number = record.number;
        s->in = tsr_skip(s->in, record.len);
        if (s->state == ST_HANDSHAKE || record.number >> 48 != 0)
            return true;
    }
    s->record.len = 0;
    return false;
}

/* The verbs */

tsr_err tsr_dtls_feed(tsr_dtls *s, tsr_bytes datagram, uint64_t now_ms)
{
    if (!is_live(s))
        return TSR_E_STATE;
    s->now_ms = now_ms;
    s->in = datagram;
    return TSR_OK;
}

bool tsr_dtls_event_next(tsr_dtls *s, tsr_dtls_event *event)
{
    while (!s->event_waits && is_live(s) && next_record(s))
        step(s);
    if (!s->event_waits)
        return false;
    s->event_waits = false;
    *event = s->event;
    return true;
}

static bool timer_is_over(const tsr_dtls *s)
{
    return s->timer_end_ms != NEVER && s->now_ms >= s->timer_end_ms;
}

tsr_err tsr_dtls_poll(tsr_dtls *s, tsr_buf *datagram, uint64_t now_ms)
{
    s->now_ms = now_ms;
    if (s->outbox_len != 0) {
        if (datagram->cap - datagram->len < s->outbox_len)
            return TSR_E_SPACE;
        tsr_put_bytes(datagram, tsr_view(s->outbox, s->outbox_len));
        s->outbox_len = 0;
        return TSR_OK;
    }
    if (!is_live(s) || s->event_waits || !(s->poke || timer_is_over(s)))
        return TSR_END;
    s->small = false;
    s->out = datagram;
    step(s);
    s->out = NULL;
    if (datagram->len != 0)
        return TSR_OK;
    return s->small ? TSR_E_SPACE : TSR_END;
}

uint64_t tsr_dtls_due_ms(const tsr_dtls *s)
{
    if (s->outbox_len != 0 || (is_live(s) && s->poke))
        return 0;
    return is_live(s) ? s->timer_end_ms : NEVER;
}

tsr_err tsr_dtls_send(tsr_dtls *s, tsr_bytes plaintext, tsr_buf *datagram)
{
    mbedtls_ssl_context *ssl = session_ssl(s);
    int ret;

    if (s->state != ST_CONNECTED || s->poke || s->outbox_len != 0)
        return TSR_E_STATE;
    if (dtls_out_next(s) >= s->out_limit)
        return TSR_E_STATE;
    ret = mbedtls_ssl_get_max_out_record_payload(ssl);
    if (ret < 0 || plaintext.len > (size_t)ret || datagram->len != 0 ||
        datagram->cap < plaintext.len + TSR_DTLS_OVERHEAD)
        return TSR_E_SPACE;
    s->out = datagram;
    ret = mbedtls_ssl_write(ssl, plaintext.ptr, plaintext.len);
    s->out = NULL;
    if (ret >= 0 && datagram->len != 0)
        return TSR_OK;
    tsr_dtls_fail(s, ret < 0 ? tsr_dtls_reason_of(ret) : TSR_DTLS_R_INTERNAL, ret);
    return TSR_E_CRYPTO;
}

/* Begin and end */

tsr_err tsr_dtls_prepare(tsr_dtls *s, tsr_dtls_config *config, uint64_t now_ms)
{
    mbedtls_ssl_context *ssl = session_ssl(s);
    int ret;

    *s = (tsr_dtls){ .config = config,
                     .now_ms = now_ms,
                     .timer_end_ms = NEVER,
                     .out_limit = UINT64_MAX,
                     .state = ST_HANDSHAKE };
    mbedtls_ssl_init(ssl);
    ret = mbedtls_ssl_setup(ssl, &config_room(config)->ssl);
    if (ret == 0 && config->opt.role == TSR_DTLS_CLIENT)
        ret = mbedtls_ssl_set_hostname(ssl, config->opt.server_name);
    if (ret != 0) {
        tsr_dtls_free(s);
        return tsr_dtls_error(ret);
    }
    mbedtls_ssl_set_user_data_p(ssl, &s->identity);
    mbedtls_ssl_set_bio(ssl, s, bio_send, bio_recv, NULL);
    mbedtls_ssl_set_timer_cb(ssl, s, timer_set, timer_get);
    mbedtls_ssl_set_mtu(ssl, config->opt.mtu);
    return TSR_OK;
}

static tsr_err begin(tsr_dtls *s, tsr_dtls_config *config, const uint8_t *cid, uint64_t now_ms)
{
    const tsr_dtls_options *o = &config->opt;
    tsr_err err = tsr_dtls_prepare(s, config, now_ms);
    int ret = 0;

    if (err != TSR_OK || !o->cid)
        return err;
    s->cid_len = o->cid_len;
    if (o->cid_len != 0)
        memcpy(s->cid, cid, o->cid_len);
    ret = mbedtls_ssl_set_cid(session_ssl(s), MBEDTLS_SSL_CID_ENABLED, s->cid, o->cid_len);
    if (ret != 0)
        tsr_dtls_free(s);
    return tsr_dtls_error(ret);
}

tsr_err tsr_dtls_start(tsr_dtls *s, tsr_dtls_config *config, const uint8_t *cid, uint64_t now_ms)
{
    tsr_err err;

    if (config->opt.role != TSR_DTLS_CLIENT)
        return TSR_E_ARGUMENT;
    err = begin(s, config, cid, now_ms);
    if (err == TSR_OK)
        s->poke = true;
    return err;
}

/* Of a ClientHello: record and handshake headers, version, then the random. */
static tsr_bytes hello_random(tsr_bytes hello)
{
    return tsr_first(tsr_skip(hello, REC_HEADER + 12 + 2), 16);
}

tsr_err tsr_dtls_accept(tsr_dtls *s, tsr_dtls_config *config, const uint8_t *cid, tsr_bytes hello,
                        uint64_t now_ms)
{
    tsr_bytes random = hello_random(hello);
    tsr_err err;

    if (config->opt.role != TSR_DTLS_SERVER || random.len != sizeof(s->hello))
        return TSR_E_ARGUMENT;
    err = begin(s, config, cid, now_ms);
    if (err != TSR_OK)
        return err;
    memcpy(s->hello, random.ptr, sizeof(s->hello));
    s->in = hello;
    return TSR_OK;
}

bool tsr_dtls_knows_hello(const tsr_dtls *s, tsr_bytes hello)
{
    return is_live(s) && s->config->opt.role == TSR_DTLS_SERVER &&
           tsr_same(hello_random(hello), tsr_view(s->hello, sizeof(s->hello)));
}

void tsr_dtls_close(tsr_dtls *s)
{
    if (s->state == ST_CONNECTED && !s->poke)
        (void)mbedtls_ssl_close_notify(session_ssl(s));
    if (is_live(s))
        s->state = ST_OVER;
}

void tsr_dtls_free(tsr_dtls *s)
{
    if (s->config != NULL)
        mbedtls_ssl_free(session_ssl(s));
    tsr_wipe(s, sizeof(*s));
}

/* Questions */

bool tsr_dtls_connected(const tsr_dtls *s) { return s->state == ST_CONNECTED; }
bool tsr_dtls_resumed(const tsr_dtls *s) { return s->again.resumed; }

tsr_bytes tsr_dtls_peer_identity(const tsr_dtls *s)
{
    return tsr_view(s->identity.bytes, s->identity.len);
}

tsr_bytes tsr_dtls_peer_certificate(const tsr_dtls *s)
{
    const mbedtls_x509_crt *crt = NULL;

    if (s->state == ST_CONNECTED)
        crt = mbedtls_ssl_get_peer_cert(session_ssl(s));
    return crt != NULL ? tsr_view(crt->raw.p, crt->raw.len) : tsr_view(NULL, 0);
}

bool tsr_dtls_uses_cid(const tsr_dtls *s)
{
    int enabled = MBEDTLS_SSL_CID_DISABLED;

    if (s->state != ST_CONNECTED || s->cid_len == 0)
        return false;
    if (mbedtls_ssl_get_peer_cid(session_ssl(s), &enabled, NULL, NULL) != 0)
        return false;
    return enabled == MBEDTLS_SSL_CID_ENABLED;
}

tsr_bytes tsr_dtls_cid(const tsr_dtls *s)
{
    return tsr_view(s->cid, tsr_dtls_uses_cid(s) ? s->cid_len : 0);
}

uint16_t tsr_dtls_suite(const tsr_dtls *s)
{
    if (s->state != ST_CONNECTED)
        return 0;
    return (uint16_t)mbedtls_ssl_get_ciphersuite_id_from_ssl(session_ssl(s));
}
