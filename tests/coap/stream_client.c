/* SPDX-License-Identifier: Apache-2.0
 *
 * stream_client PORT SERVER [MAX-MESSAGE-SIZE]: our engine as a client over TCP of libcoap's
 * coap-server (SERVER libcoap, started with -d 10) or of interop/aiocoap_stream.py (SERVER
 * aiocoap) on loopback. Prints one line per step; exit code 0 only when every answer was right. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/coap/stream_host.h"

static stream_host host;
static host_link *server;

typedef struct {
    bool ended;
    tsr_coap_event_kind kind;
    uint8_t code;
    uint8_t body[65536];
    size_t len;
    bool observing;
    unsigned notifications, requests;
    uint8_t token[8];
    size_t token_len;
} outcome;

static outcome got;

static void on_event(host_link *l, const tsr_coap_event *e, uint64_t now_ms)
{
    if (e->kind == TSR_COAP_REQUEST) { /* the server may ask too. RFC 8323 §3.3 */
        got.requests++;
        (void)tsr_coap_stream_respond(
            &l->coap, e->id,
            &(tsr_coap_response){ .code = TSR_COAP_CONTENT, .payload = tsr_text("hello back") },
            now_ms);
        return;
    }
    if (e->kind == TSR_COAP_NOTIFICATION)
        got.notifications++;
    else
        got.ended = true;
    got.kind = e->kind;
    got.code = e->msg != NULL ? e->msg->code : 0;
    got.len = e->body.len;
    if (e->body.len != 0)
        memcpy(got.body, e->body.ptr, e->body.len);
    got.observing = e->observing;
    got.token_len = e->token.len;
    memcpy(got.token, e->token.ptr, e->token.len);
}

static bool wait_end(void)
{
    uint64_t end_ms = host_now_ms() + 60000;

    while (!got.ended && server->fd >= 0 && host_now_ms() < end_ms)
        host_turn(&host, end_ms);
    return got.ended;
}

/* Sends and waits for the end; true when the code is the one wanted. */
static bool ask(const char *what, const tsr_coap_request *r, uint8_t want)
{
    bool good;

    got = (outcome){ 0 };
    if (tsr_coap_stream_request(&server->coap, r, host_now_ms(), NULL) != TSR_OK) {
        printf("%-28s WRONG: not sent\n", what);
        return false;
    }
    good = wait_end() && got.kind == TSR_COAP_RESPONSE && got.code == want;
    printf("%-28s %s: %u.%02u, %zu bytes\n", what, good ? "ok" : "WRONG", got.code >> 5,
           got.code & 31u, got.len);
    return good;
}

static bool observe(const char *path)
{
    uint64_t end_ms;
    uint8_t token[8];
    tsr_coap_request r = { .method = TSR_COAP_GET, .path = path, .observe = { true, 0 } };
    bool good = ask("observe", &r, TSR_COAP_CONTENT) && got.observing;

    end_ms = host_now_ms() + 15000;
    while (good && got.notifications < 3 && host_now_ms() < end_ms)
        host_turn(&host, end_ms);
    good = good && got.notifications >= 3 && got.observing;
    printf("%-28s %s: %u notifications\n", "notifications", good ? "ok" : "WRONG",
           got.notifications);
    memcpy(token, got.token, sizeof token);
    r.observe.value = 1;
    r.token = tsr_view(token, got.token_len);
    return ask("cancel", &r, TSR_COAP_CONTENT) && good && !got.observing;
}

/* Longer than a message of either side; BERT when both can. RFC 8323 §6 */
static bool large(uint8_t code)
{
    static uint8_t body[30000];
    bool good;

    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)('a' + i % 26 + i / 1000 % 3);
    good = ask("PUT 30000 bytes",
               &(tsr_coap_request){ .method = TSR_COAP_PUT,
                                    .path = "/big",
                                    .content_format = { true, 42 },
                                    .payload = tsr_view(body, sizeof body) },
               code);
    good = ask("GET 30000 bytes", &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/big" },
               TSR_COAP_CONTENT) &&
           good;
    if (!tsr_same(tsr_view(got.body, got.len), tsr_view(body, sizeof body))) {
        printf("%-28s WRONG: the bytes differ\n", "");
        good = false;
    }
    return ask("DELETE", &(tsr_coap_request){ .method = TSR_COAP_DELETE, .path = "/big" },
               TSR_COAP_DELETED) &&
           good;
}

static bool refuses_options(void)
{
    const tsr_coap_opt critical = { 2049, { (const uint8_t *)"x", 1 } };

    return ask("unknown critical option",
               &(tsr_coap_request){ .method = TSR_COAP_GET,
                                    .path = "/.well-known/core",
                                    .extra = &critical,
                                    .extra_count = 1 },
               TSR_COAP_BAD_OPTION);
}

/* With or without a promise in the Pong: libcoap always makes one, aiocoap never. */
static bool ping(bool custody)
{
    bool good;

    got = (outcome){ 0 };
    good = tsr_coap_stream_ping(&server->coap, custody, host_now_ms(), 0, NULL) == TSR_OK &&
           wait_end() && (got.kind == TSR_COAP_ACKED || got.kind == TSR_COAP_RESET);
    printf("%-28s %s\n", custody ? "ping with custody" : "ping", good ? "ok" : "WRONG");
    return good;
}

/* RFC 8323 §5.5: the peer closes. */
static bool release(void)
{
    uint64_t end_ms = host_now_ms() + 20000;
    bool good;

    (void)tsr_coap_stream_release(&server->coap, NULL, (tsr_coap_num){ 0 }, host_now_ms());
    while (server->fd >= 0 && host_now_ms() < end_ms)
        host_turn(&host, end_ms);
    good = server->fd < 0;
    printf("%-28s %s\n", "release", good ? "ok" : "WRONG: the peer does not close");
    return good;
}

int main(int argc, char **argv)
{
    bool aiocoap, good;

    if (argc < 3)
        return 2;
    aiocoap = argv[2][0] == 'a';
    host_start(&host, argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : TSR_COAP_MESSAGE_BASE);
    host.on_event = on_event;
    server = host_connect(&host, (uint16_t)strtoul(argv[1], NULL, 10));
    good = ask("GET /.well-known/core",
               &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/.well-known/core" },
               TSR_COAP_CONTENT);
    printf("%-28s Max-Message-Size %u, blocks %d\n", "the peer's CSM",
           (unsigned)server->coap.peer_message_len, server->coap.peer_blocks);
    good = ask("GET /nothing", &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/nothing" },
               TSR_COAP_NOT_FOUND) &&
           good;
    good = (aiocoap || refuses_options()) && good; /* aiocoap 0.4 does not look at them */
    good = large(aiocoap ? TSR_COAP_CHANGED : TSR_COAP_CREATED) && good;
    good = observe("/time") && good;
    if (aiocoap) {
        good =
            ask("the server asks us", /* over the same connection */
                &(tsr_coap_request){ .method = TSR_COAP_POST, .path = "/ask" }, TSR_COAP_CONTENT) &&
            got.requests == 1 && tsr_same(tsr_view(got.body, got.len), tsr_text("hello back")) &&
            good;
    }
    good = ping(false) && good;
    good = (!aiocoap || ping(true)) && good; /* libcoap 4.3 gives no token back */
    good = release() && good;
    return good ? 0 : 1;
}
