/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "ports/linux/host/log.h"
#include "ports/linux/host/system.h"

enum {
    EXCHANGES = 32, BODIES = 4,
    MESSAGE = 8 * 1024 + 256, /* blocks of 8 KiB, RFC 8323 §5.3.2 */
    TLS_MESSAGE = 1152,       /* so that a record of theirs fits ours (tessera/net/tls.h) */
    OUT = 2 * MESSAGE,
    ANSWER_MS = 93000, /* as long as a request over UDP may take: MAX_TRANSMIT_WAIT */
};

static tsr_err secure(stream *s, const tsr_udp_uri *uri, const tsr_lwm2m_security *security)
{
    tsr_err err;

    if (!uri->secure)
        return TSR_OK;
    err = tsr_lwm2m_tls_from(&s->tls, security);
    if (security->mode == TSR_LWM2M_MODE_CERTIFICATE && security->server_name[0] == '\0')
        s->tls.options.server_name = uri->host;
    s->tls.kept = (tsr_tls_kept){ .room = s->session, .cap = sizeof s->session };
    s->channel.layer = &tsr_lwm2m_tls_layer;
    s->channel.layer_state = &s->tls;
    return err;
}

tsr_err stream_begin(stream *s, tsr_lwm2m_client *client, size_t account, const tsr_udp_uri *uri,
                     const tsr_lwm2m_security *security, size_t body_len)
{
    tsr_coap_stream_config config = { .exchanges = EXCHANGES,
                                      .exchange_len = 1280,
                                      .bodies = BODIES,
                                      .body_len = (uint32_t)body_len,
                                      .message_len = uri->secure ? TLS_MESSAGE : MESSAGE,
                                      .out_len = OUT,
                                      .seed = tsr_host_random(),
                                      .response_wait_ms = ANSWER_MS };
    size_t len = tsr_coap_stream_memory(&config);
    tsr_err err;

    s->memory = calloc(1, len);
    if (s->memory == NULL)
        return TSR_E_SPACE;
    s->memory_len = len;
    s->tcp.link.fd = -1;
    s->channel.in = s->in;
    s->channel.in_cap = sizeof s->in;
    err = secure(s, uri, security);
    if (err == TSR_OK)
        err = tsr_lwm2m_tcp_init(&s->channel, client, account, &config, s->memory, len);
    s->uri = uri;
    s->server = security->bootstrap ? 0 : security->short_id;
    s->used = err == TSR_OK;
    return err;
}

void stream_end(stream *s)
{
    if (s->used) {
        tsr_lwm2m_tcp_drop(&s->channel);
        tsr_tcp_close(&s->tcp);
    }
    tsr_lwm2m_tls_free(&s->tls);
    if (s->memory != NULL)
        tsr_wipe(s->memory, s->memory_len);
    free(s->memory);
    tsr_wipe(s, sizeof *s);
    s->tcp.link.fd = -1;
}

short stream_watches(const stream *s)
{
    short events = 0;

    if (s->tcp.link.fd < 0)
        return 0;
    if (s->tcp.connecting || s->tcp.out_len != 0)
        events = POLLOUT;
    if (!s->tcp.connecting && tsr_lwm2m_tcp_room(&s->channel) != 0)
        events |= POLLIN;
    return events;
}

uint64_t stream_due_ms(const stream *s)
{
    return s->tcp.connecting ? s->tcp.give_up_ms : UINT64_MAX;
}

/* No route or no name is nothing that the server can help; a refusal counts as an attempt. */
static void failed(stream *s, tsr_err err)
{
    bool local = err == TSR_E_NOT_FOUND || errno == ENETUNREACH || errno == EADDRNOTAVAIL ||
                 errno == EMFILE || errno == ENFILE;
    const char *why = err == TSR_E_NOT_FOUND ? "the name does not resolve" : strerror(errno);

    if (!s->told)
        tsr_host_log(TSR_LOG_WARNING, "connect-failed", "server=%u host=\"%s\" port=%u cause=\"%s\" "
                     "remedy=\"trying again; check name, route and server\"", s->server, s->uri->host,
                     s->uri->port, why);
    s->told = true;
    tsr_tcp_close(&s->tcp);
    tsr_lwm2m_tcp_broken(&s->channel, "cannot connect", local);
}

static void linked(stream *s, uint64_t now_ms)
{
    s->told = false;
    tsr_host_log(TSR_LOG_INFO, "socket", "server=%u local=%s peer=%s transport=%s", s->server,
                 s->tcp.link.local, s->tcp.link.peer, s->uri->secure ? "tls" : "tcp");
    tsr_lwm2m_tcp_connected(&s->channel, now_ms);
}

static bool step_connecting(stream *s, short revents, uint64_t now_ms)
{
    tsr_err err;

    if (revents == 0 && now_ms < s->tcp.give_up_ms)
        return false;
    err = tsr_tcp_finish(&s->tcp, now_ms);
    if (err == TSR_OK)
        linked(s, now_ms);
    else if (err != TSR_END)
        failed(s, err);
    return err != TSR_END;
}

static bool step_linked(stream *s, short revents)
{
    if (s->tcp.out_len != 0 && (revents & (POLLOUT | POLLERR | POLLHUP)) != 0) {
        if (tsr_tcp_flush(&s->tcp) != TSR_OK) {
            tsr_tcp_close(&s->tcp);
            tsr_lwm2m_tcp_broken(&s->channel, "the connection broke", false);
            return true;
        }
        tsr_lwm2m_tcp_full(&s->channel, s->tcp.out_len != 0);
        return s->tcp.out_len == 0;
    }
    return false;
}

static bool step(stream *s, short revents, uint64_t now_ms)
{
    bool again = false;
    tsr_err err;
    bool wanted = tsr_lwm2m_tcp_wants(&s->channel, now_ms);

    /* An attempt that nobody waits for any more, or a link of which the last word is said; or need
     * not be, since there is to be another one. */
    if (s->tcp.connecting ? !wanted
                          : !tsr_lwm2m_tcp_holds(&s->channel) && (s->tcp.out_len == 0 || wanted))
        tsr_tcp_close(&s->tcp);
    if (s->tcp.connecting)
        again = step_connecting(s, revents, now_ms);
    else if (s->tcp.link.fd >= 0)
        again = step_linked(s, revents);
    if (s->tcp.link.fd >= 0 || !tsr_lwm2m_tcp_wants(&s->channel, now_ms))
        return again;
    err = tsr_tcp_connect(&s->tcp, s->uri, now_ms);
    if (err != TSR_OK)
        failed(s, err);
    return true;
}

bool stream_step(stream *s, short revents, uint64_t now_ms)
{
    return s->used && step(s, revents, now_ms);
}

tsr_err stream_receive(stream *s, tsr_buf *bytes)
{
    size_t room = tsr_lwm2m_tcp_room(&s->channel);
    tsr_err err;

    if (s->tcp.link.fd < 0 || s->tcp.connecting || room == 0)
        return TSR_END;
    if (room < bytes->cap)
        bytes->cap = room;
    err = tsr_tcp_receive(&s->tcp, bytes);
    if (err == TSR_OK || err == TSR_END)
        return err;
    tsr_tcp_close(&s->tcp);
    tsr_lwm2m_tcp_broken(&s->channel, err == TSR_E_NOT_FOUND ? NULL : "the connection broke", false);
    return TSR_END;
}

void stream_send(stream *s, tsr_bytes bytes)
{
    if (tsr_tcp_send(&s->tcp, bytes) != TSR_OK) {
        tsr_tcp_close(&s->tcp);
        tsr_lwm2m_tcp_broken(&s->channel, "the connection broke", false);
        return;
    }
    tsr_lwm2m_tcp_full(&s->channel, s->tcp.out_len != 0);
}
