/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/server_channels.h"

#include "fuzz/keys.h"
#include "tessera/coap/frame.h"
#include "tessera/coap/message.h"
#include "tessera/net/dtls.h"
#include "tessera/oscore/datagram.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const fuzz_house *house;
channel channels[CHANNELS];
static tsr_dtls_config config;
static tsr_dtls session;
static bool session_up;
static tsr_oscore device; /* of "osc" */
static tsr_oscore_exchange own, theirs; /* its last request, and the server's */
uint8_t echo[40], echo_len;
static uint8_t plain[TSR_DTLS_PLAIN_MAX], stream_room[70000];
static tsr_coap_deframer deframer;
static int probe; /* a socket for pings alone */

/* Message IDs of the Registers in fuzz_house_register() are others. */
uint16_t next_mid(void)
{
    static uint16_t last;

    last = (last + 1) & 0x7fff;
    return last;
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static const tsr_address *target(int i)
{
    const tsr_server_config *c = &house->config;

    switch (i) {
    case TCP: return &c->coap_tcp[0];
    case BOOT: return &c->bootstrap_coap[0];
    case BOOT_DTLS: return &c->bootstrap_coaps[0];
    default: return &c->coap[0];
    }
}

/* ---- one channel ---- */

static void take_message(channel *c, const tsr_coap_msg *msg)
{
    if (!tsr_coap_is_request(msg->code) || msg->token.len > sizeof c->token)
        return;
    c->asked = true;
    c->mid = msg->mid;
    c->token_len = (uint8_t)msg->token.len;
    if (msg->token.len != 0)
        memcpy(c->token, msg->token.ptr, msg->token.len);
    if (!msg->observe.set || msg->observe.value != 0)
        return;
    c->watched = true;
    c->watch_len = c->token_len;
    memcpy(c->watch, c->token, c->token_len);
}

static void drain_session(void)
{
    uint8_t room[ROOM];

    for (;;) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_dtls_poll(&session, &out, now_ms()) != TSR_OK)
            return;
        (void)!send(channels[BOOT_DTLS].fd, room, out.len, 0);
    }
}

static bool connect_session(void)
{
    uint64_t end_ms = now_ms() + 1000;
    uint8_t room[ROOM];
    tsr_dtls_event e;

    if (session_up)
        return true;
    tsr_dtls_free(&session);
    must(tsr_dtls_start(&session, &config, NULL, now_ms()) == TSR_OK);
    while (!session_up && now_ms() < end_ms) {
        ssize_t n;

        drain_session();
        if (!fuzz_house_readable(channels[BOOT_DTLS].fd, 50))
            continue;
        n = recv(channels[BOOT_DTLS].fd, room, sizeof room, 0);
        if (n > 0)
            (void)tsr_dtls_feed(&session, tsr_view(room, (size_t)n), now_ms());
        while (tsr_dtls_event_next(&session, &e))
            session_up = session_up || e.type == TSR_DTLS_CONNECTED;
    }
    drain_session();
    return session_up;
}

void write_out(int i, tsr_bytes bytes)
{
    uint8_t room[ROOM + 256];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    if (i != BOOT_DTLS) {
        (void)!send(channels[i].fd, bytes.ptr, bytes.len, 0);
        return;
    }
    if (bytes.len <= 1200 && connect_session() && tsr_dtls_send(&session, bytes, &out) == TSR_OK)
        (void)!send(channels[i].fd, room, out.len, 0);
}

/* The one that the server wants to see again (RFC 9175 §2.3). */
static void keep_echo(const tsr_coap_msg *msg)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_coap_opt opt;

    while (tsr_coap_opt_next(&it, &opt) == TSR_OK) {
        if (opt.number != TSR_COAP_ECHO || opt.value.len > sizeof echo)
            continue;
        echo_len = (uint8_t)opt.value.len;
        if (echo_len != 0)
            memcpy(echo, opt.value.ptr, echo_len);
    }
}

static void send_protected(tsr_bytes message)
{
    uint8_t room[ROOM + 256], copy[ROOM];
    tsr_buf in = tsr_buf_over(copy, sizeof copy), out = tsr_buf_over(room, sizeof room);
    tsr_err err;

    tsr_put_bytes(&in, message);
    err = tsr_coap_is_request(message.ptr[1])
              ? tsr_oscore_protect_request_datagram(&device, &own, &in, &out)
              : tsr_oscore_protect_response_datagram(&device, &theirs, &in, &out);
    if (err == TSR_OK)
        write_out(OSCORE, tsr_buf_view(&out));
}

static void take_protected(tsr_bytes in, const tsr_coap_msg *outer)
{
    uint8_t room[ROOM];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_msg msg;
    bool asks = tsr_coap_is_request(outer->code);
    tsr_err err = asks ? tsr_oscore_unprotect_request_datagram(&device, &theirs, in, &out)
                       : tsr_oscore_unprotect_response_datagram(&device, &own, in, &out);

    if (err == TSR_OK && tsr_coap_msg_parse(tsr_buf_view(&out), &msg) == TSR_OK) {
        keep_echo(&msg);
        take_message(&channels[OSCORE], &msg);
    }
}

/* A message of CoAP over UDP as one over TCP (RFC 8323 §3.2), or as it is. */
void send_message(int i, tsr_bytes message)
{
    uint8_t room[ROOM + 16];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    size_t token_len, at;

    if (i == OSCORE)
        send_protected(message);
    if (i != TCP) {
        if (i != OSCORE)
            write_out(i, message);
        return;
    }
    token_len = message.ptr[0] & 15;
    at = tsr_coap_frame_begin(&out, message.ptr[1], tsr_view(message.ptr + 4, token_len));
    tsr_put_bytes(&out, tsr_skip(message, 4 + token_len));
    tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
    if (out.err == TSR_OK)
        write_out(i, tsr_buf_view(&out));
}

/* What came over UDP or DTLS; true: the Reset that was waited for. */
static bool take_datagram(int i, tsr_bytes in, uint16_t mid)
{
    tsr_coap_msg msg;

    if (tsr_coap_msg_parse(in, &msg) != TSR_OK)
        return false;
    if (i == OSCORE && msg.code != 0)
        take_protected(in, &msg);
    else
        take_message(&channels[i], &msg);
    return msg.type == TSR_COAP_RST && msg.mid == mid;
}

static bool take_secure(tsr_bytes in, uint16_t mid)
{
    tsr_dtls_event e;
    bool found = false;

    (void)tsr_dtls_feed(&session, in, now_ms());
    while (tsr_dtls_event_next(&session, &e)) {
        if (e.type == TSR_DTLS_DATA)
            found |= take_datagram(BOOT_DTLS, e.data, mid);
        else
            session_up = false;
    }
    drain_session();
    return found || !session_up;
}

/* True: the Pong, or the end of what can be read. */
static bool take_stream(channel *c, tsr_bytes in)
{
    tsr_coap_frame frame;
    tsr_coap_msg msg;
    tsr_err err;

    while ((err = tsr_coap_deframe(&deframer, &in, &frame)) == TSR_OK) {
        if (frame.code == TSR_COAP_PONG)
            return true;
        if (!tsr_coap_is_signal(frame.code) && tsr_coap_msg_parse(frame.datagram, &msg) == TSR_OK)
            take_message(c, &msg);
    }
    must(err == TSR_END); /* the server's own */
    return false;
}

static void connect_stream(void)
{
    channels[TCP] = (channel){ .fd = fuzz_house_connect(target(TCP), true) };
    must(tsr_coap_deframer_init(&deframer, stream_room, sizeof stream_room) == TSR_OK);
}

/* Takes what one read gives; TSR_END: there is nothing. `*found`: the answer to a ping is among it, or the
 * connection went. */
static tsr_err receive(int i, uint16_t mid, bool *found)
{
    uint8_t room[ROOM];
    ssize_t n;

    if (!fuzz_house_readable(channels[i].fd, 0))
        return TSR_END;
    n = recv(channels[i].fd, room, sizeof room, 0);
    if (i == TCP && n <= 0) { /* the server has ended it */
        (void)close(channels[TCP].fd);
        connect_stream();
        *found = true;
        return TSR_END;
    }
    if (n > 0)
        *found |= i == TCP         ? take_stream(&channels[i], tsr_view(room, (size_t)n))
                  : i == BOOT_DTLS ? take_secure(tsr_view(room, (size_t)n), mid)
                                   : take_datagram(i, tsr_view(room, (size_t)n), mid);
    return TSR_OK;
}

/* Until the server's loop has gone round: it has then taken in what was sent before on any channel, and what it said to
 * that can be read. The first ping may be answered in the round that began before; it must answer. */
static void go_round(void)
{
    uint8_t room[ROOM];

    for (int n = 0; n < 2; n++) {
        uint16_t mid = next_mid();
        const uint8_t ping[] = { 0x40, 0, (uint8_t)(mid >> 8), (uint8_t)mid };

        must(send(probe, ping, sizeof ping, 0) == sizeof ping);
        must(fuzz_house_readable(probe, ANSWER_MS));
        must(recv(probe, room, sizeof room, 0) == 4 && room[0] == 0x70);
    }
}

void settle(int i)
{
    uint16_t mid = next_mid(); /* a CoAP ping (RFC 7252 §4.3), whose answer comes after all that was sent before */
    const uint8_t ping[] = { 0x40, 0, (uint8_t)(mid >> 8), (uint8_t)mid };
    const uint8_t tcp_ping[] = { 0x00, TSR_COAP_PING };
    static int silent;
    bool found = false;

    write_out(i, i == TCP ? tsr_view(tcp_ping, 2) : tsr_view(ping, sizeof ping));
    go_round();
    while (receive(i, mid, &found) == TSR_OK)
        continue;
    if (i == TCP && !found) { /* it waits for more of a message */
        (void)close(channels[TCP].fd);
        connect_stream();
    }
    if (i != BOOT_DTLS)
        return;
    silent = found || !session_up ? 0 : silent + 1; /* one: a Message ID that it remembers from a request */
    must(silent < 5); /* a session does not go without a word */
}

/* The server may have something to ask yet: a bootstrap goes on by itself. */
void await_request(int i)
{
    bool found = false;

    go_round();
    while (!channels[i].asked && receive(i, 0, &found) == TSR_OK)
        continue;
}

void channels_open(const fuzz_house *h)
{
    tsr_dtls_options o = { .plain = plain, .plain_cap = sizeof plain, .cid = true };
    tsr_oscore_params p = { .sender_id = tsr_text("d"), .recipient_id = tsr_text("s") };

    house = h;
    o.psk_identity = tsr_text("lamp");
    o.psk_key_id = fuzz_psk(FUZZ_PSK);
    must(tsr_dtls_config_init(&config, &o) == TSR_OK);
    for (int i = 0; i < CHANNELS; i++)
        if (i != TCP)
            channels[i].fd = fuzz_house_connect(target(i), false);
    probe = fuzz_house_connect(target(UDP), false);
    connect_stream();
    p.master_secret = fuzz_key(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE,
                               PSA_ALG_HKDF(PSA_ALG_SHA_256), tsr_text(FUZZ_PSK));
    must(tsr_oscore_init(&device, &p, tsr_view(NULL, 0)) == TSR_OK);
}
