/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/enrol.h"

#include <mbedtls/x509_crt.h>
#include <time.h>

#include "ports/linux/host/log.h"
#include "ports/linux/host/system.h"

enum {
    WAIT_MS = 5000, WAIT_MAX_MS = 3600000, /* between attempts that failed */
    LOOK_MS = 60000,                       /* how often dates are looked at */
};

static tsr_err open_when_enrolled(void *state, uint64_t now_ms)
{
    const tsr_lwm2m_dtls *dtls = state;

    return dtls->options.certificate.len == 0 ? TSR_OK : tsr_lwm2m_dtls_channel.open(state, now_ms);
}

void enrol_begin(enrol *e, device *d, const config *c)
{
    *e = (enrol){ .config = c, .device = d, .channel = tsr_lwm2m_dtls_channel, .udp.fd = -1 };
    e->channel.open = open_when_enrolled;
}

void enrol_hurry(enrol *e)
{
    if (!e->active)
        e->next_ms = 0;
    e->failures = 0;
}

static void hang_up(enrol *e)
{
    tsr_lwm2m_dtls_free(&e->dtls);
    tsr_udp_close(&e->udp);
    e->active = e->up = false;
}

void enrol_end(enrol *e)
{
    hang_up(e);
    tsr_wipe(e->plain, sizeof e->plain);
}

/* --- when ------------------------------------------------------------------------------- */

static int64_t unix_of(const mbedtls_x509_time *t)
{
    struct tm tm = { .tm_year = t->year - 1900, .tm_mon = t->mon - 1, .tm_mday = t->day,
                     .tm_hour = t->hour, .tm_min = t->min, .tm_sec = t->sec };

    return (int64_t)timegm(&tm);
}

typedef enum { MISSING, OVER, OLD, FRESH } age;

/* Two thirds of its life are a good time to ask for the next one; *left_s: until then. */
static age age_of(const tsr_lwm2m_security *s, int64_t *left_s)
{
    int64_t now_s = tsr_host_unix_s(), from_s, to_s;
    mbedtls_x509_crt crt;
    age a = MISSING;

    if (s->certificate.len == 0)
        return MISSING;
    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_der_nocopy(&crt, s->certificate.ptr, s->certificate.len) == 0) {
        from_s = unix_of(&crt.valid_from);
        to_s = unix_of(&crt.valid_to);
        *left_s = to_s - (to_s - from_s) / 3 - now_s;
        a = *left_s <= 0 ? OLD : FRESH;
        a = now_s >= to_s ? OVER : a;
    }
    mbedtls_x509_crt_free(&crt);
    return a;
}

/* NULL: nobody before *wait_ms. The clock may be set meanwhile, so a wait is never long. */
static tsr_lwm2m_security *who_is_due(const enrol *e, age *how, uint64_t *wait_ms)
{
    int64_t left_s = 0;
    const tsr_lwm2m_securities *all = &e->device->securities;

    for (size_t i = 0; i < all->count; i++) {
        tsr_lwm2m_security *s = &all->items[(i + e->turn) % all->count];

        if (!s->used || s->bootstrap || s->mode != TSR_LWM2M_MODE_ENROL)
            continue;
        *how = age_of(s, &left_s);
        if (*how != FRESH)
            return s;
        if ((uint64_t)left_s * 1000 < *wait_ms)
            *wait_ms = (uint64_t)left_s * 1000;
    }
    return NULL;
}

/* --- an attempt ------------------------------------------------------------------------- */

static void failed(enrol *e, const char *cause, uint8_t code, uint64_t now_ms)
{
    unsigned shift = e->failures < 10 ? e->failures : 10;
    uint64_t wait_ms = (uint64_t)WAIT_MS << shift;

    wait_ms = wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS;
    wait_ms += tsr_host_random() % (wait_ms / 4);
    e->failures++;
    e->turn++;
    e->next_ms = now_ms + wait_ms;
    tsr_host_log(TSR_LOG_WARNING, "enrol-failed", "server=%u cause=\"%s\" code=%u.%02u retry=%llu",
                 e->short_id, cause, code >> 5, code & 31u, (unsigned long long)(wait_ms / 1000));
    hang_up(e);
}

static tsr_err begin_exchange(enrol *e, const tsr_lwm2m_security *s, uint64_t now_ms)
{
    tsr_est_config c = { .common_name = e->config->endpoint, .key_id = s->key_id,
                         .renew = e->renewing, .room = e->room, .room_len = sizeof e->room,
                         .coap = &e->coap, .coap_memory = e->memory,
                         .coap_memory_len = sizeof e->memory };
    tsr_err err;

    e->coap = (tsr_coap_config){ .peers = 1, .exchanges = 4, .exchange_len = 1280, .bodies = 2,
                                 .body_len = TSR_EST_BODY, .seen = 16, .log_len = 4096,
                                 .seed = tsr_host_random(), .params = tsr_coap_params_default() };
    e->coap.params.ack_timeout_ms = e->config->ack_timeout_ms;
    e->coap.params.max_retransmit = (uint8_t)e->config->max_retransmit;
    while (e->coap.params.szx > 0 && (16u << e->coap.params.szx) > e->config->block_size)
        e->coap.params.szx--;
    err = tsr_est_init(&e->est, &c);
    return err == TSR_OK ? tsr_est_begin(&e->est, now_ms) : err;
}

/* RFC 7030 §3.3.2: a certificate is renewed in its own name. If that is refused, or the bootstrap server
 * speaks with pre-shared keys, the bootstrap account's credentials have to do. */
static tsr_err open_session(enrol *e, const tsr_lwm2m_security *own, const tsr_lwm2m_security *s)
{
    tsr_err err = tsr_udp_uri_parse(tsr_text(own->uri), &e->uri);

    e->dtls = (tsr_lwm2m_dtls){ .configured = false };
    if (err == TSR_OK)
        err = tsr_lwm2m_dtls_from(&e->dtls, own, e->plain, sizeof e->plain);
    if (err != TSR_OK)
        return TSR_E_UNSUPPORTED;
    if (own->mode == TSR_LWM2M_MODE_CERTIFICATE && own->server_name[0] == '\0')
        e->dtls.options.server_name = e->uri.host;
    if (e->renewing && own->mode == TSR_LWM2M_MODE_CERTIFICATE && e->failures % 2 == 0) {
        e->dtls.options.certificate = s->certificate;
        e->dtls.options.certificate_key_id = s->key_id;
    }
    e->dtls.options.retry_ms = e->config->handshake_ms;
    return tsr_udp_open(&e->udp, &e->uri);
}

static void attempt(enrol *e, tsr_lwm2m_security *s, age how, uint64_t now_ms)
{
    const tsr_lwm2m_security *own = tsr_lwm2m_security_bootstrap(&e->device->securities);

    e->short_id = s->short_id;
    e->renewing = how == OLD;
    if (own == NULL) {
        failed(e, "there is no bootstrap account to enrol with (any more)", 0, now_ms);
        return;
    }
    if (tsr_lwm2m_security_key_pair(&e->device->securities, s) != TSR_OK) {
        failed(e, "the secure service makes no key", 0, now_ms);
        return;
    }
    if (open_session(e, own, s) != TSR_OK ||
        tsr_lwm2m_dtls_channel.open(&e->dtls, now_ms) != TSR_OK) {
        failed(e, "no session with the bootstrap server can be opened", 0, now_ms);
        return;
    }
    e->active = true;
    e->key_id = s->key_id;
    tsr_host_log(TSR_LOG_INFO, "enrolling", "server=%u key=%u with=%s renewal=%d", s->short_id,
                 s->key_id, own->uri, e->renewing);
}

/* --- what goes out ---------------------------------------------------------------------- */

static void flush_session(enrol *e, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    while (tsr_lwm2m_dtls_channel.poll(&e->dtls, &out, now_ms) == TSR_OK) {
        (void)tsr_udp_send(&e->udp, tsr_buf_view(&out));
        out.len = 0;
    }
}

static void flush(enrol *e, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM], plain[TSR_UDP_DATAGRAM];
    tsr_buf out = tsr_buf_over(room, sizeof room), message = tsr_buf_over(plain, sizeof plain);

    if (!e->active)
        return;
    flush_session(e, now_ms);
    while (e->up && tsr_est_poll(&e->est, &message, now_ms) == TSR_OK) {
        out.len = 0;
        if (tsr_lwm2m_dtls_channel.send(&e->dtls, tsr_buf_view(&message), &out) == TSR_OK)
            (void)tsr_udp_send(&e->udp, tsr_buf_view(&out));
        message.len = 0;
    }
}

/* --- what happens ----------------------------------------------------------------------- */

static enrol_news enrolled(enrol *e, const tsr_est_event *event, uint64_t now_ms)
{
    const tsr_lwm2m_security *s = tsr_lwm2m_security_find(&e->device->securities, e->short_id);

    if (s == NULL || s->mode != TSR_LWM2M_MODE_ENROL || s->key_id != e->key_id ||
        event->certificate.len > e->device->credentials.certificate_len) {
        failed(e, "the account has changed, or the certificate is too long", 0, now_ms);
        return (enrol_news){ 0 };
    }
    e->failures = 0;
    e->next_ms = 0; /* perhaps there is another account */
    tsr_host_log(TSR_LOG_INFO, "enrolled", "server=%u bytes=%zu renewal=%d", e->short_id,
                 event->certificate.len, e->renewing);
    flush(e, now_ms);
    tsr_lwm2m_dtls_channel.close(&e->dtls, true);
    flush(e, now_ms);
    hang_up(e);
    return (enrol_news){ e->short_id, event->certificate };
}

static enrol_news take_events(enrol *e, uint64_t now_ms)
{
    tsr_est_event event;

    while (e->up && tsr_est_event_next(&e->est, &event)) {
        switch (event.kind) {
        case TSR_EST_WAITING:
            tsr_host_log(TSR_LOG_INFO, "enrol-waiting", "server=%u seconds=%u", e->short_id,
                         event.wait_s);
            break;
        case TSR_EST_FAILED: failed(e, event.reason, event.code, now_ms); break;
        case TSR_EST_ENROLLED: return enrolled(e, &event, now_ms);
        }
    }
    return (enrol_news){ 0 };
}

static void take_channel(enrol *e, uint64_t now_ms)
{
    const tsr_lwm2m_security *s = tsr_lwm2m_security_find(&e->device->securities, e->short_id);
    tsr_lwm2m_channel_event event;

    while (e->active && tsr_lwm2m_dtls_channel.next(&e->dtls, &event)) {
        switch (event.kind) {
        case TSR_LWM2M_CHANNEL_UP:
            e->up = s != NULL && begin_exchange(e, s, now_ms) == TSR_OK;
            if (!e->up)
                failed(e, "the request cannot be made; see the service's log", 0, now_ms);
            break;
        case TSR_LWM2M_CHANNEL_DATA:
            if (e->up)
                (void)tsr_est_feed(&e->est, event.data, now_ms);
            break;
        case TSR_LWM2M_CHANNEL_COAP: break; /* of streams alone */
        case TSR_LWM2M_CHANNEL_DOWN: failed(e, event.reason, 0, now_ms); break;
        }
    }
}

static void receive(enrol *e, uint64_t now_ms)
{
    uint8_t room[TSR_UDP_DATAGRAM];
    tsr_buf in = tsr_buf_over(room, sizeof room);

    while (e->active && tsr_udp_receive(&e->udp, &in) == TSR_OK) {
        (void)tsr_lwm2m_dtls_channel.feed(&e->dtls, tsr_buf_view(&in), now_ms);
        take_channel(e, now_ms);
        in.len = 0;
    }
}

/* Channel first: what it says may end the attempt, or begin the exchange. */
static void send(enrol *e, uint64_t now_ms)
{
    flush(e, now_ms);
    take_channel(e, now_ms);
    flush(e, now_ms);
}

enrol_news enrol_step(enrol *e, uint64_t now_ms)
{
    uint64_t wait_ms = LOOK_MS;
    tsr_lwm2m_security *s;
    enrol_news news;
    age how;

    if (!e->active) {
        if (!e->config->has_bootstrap || now_ms < e->next_ms)
            return (enrol_news){ 0 };
        s = who_is_due(e, &how, &wait_ms);
        e->next_ms = now_ms + wait_ms;
        if (s == NULL)
            return (enrol_news){ 0 };
        attempt(e, s, how, now_ms);
    }
    receive(e, now_ms);
    send(e, now_ms);
    news = take_events(e, now_ms);
    if (news.short_id == 0 && e->active)
        send(e, now_ms); /* what the events asked for */
    return news;
}

int enrol_descriptor(const enrol *e) { return e->active ? e->udp.fd : -1; }

uint64_t enrol_due_ms(const enrol *e)
{
    uint64_t due_ms;

    if (!e->config->has_bootstrap)
        return UINT64_MAX;
    if (!e->active)
        return e->next_ms;
    due_ms = tsr_lwm2m_dtls_channel.due_ms(&e->dtls);
    if (e->up && tsr_est_due_ms(&e->est) < due_ms)
        due_ms = tsr_est_due_ms(&e->est);
    return due_ms;
}
