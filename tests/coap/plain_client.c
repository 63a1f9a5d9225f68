/* SPDX-License-Identifier: Apache-2.0
 *
 * plain_client PORT [SZX [LOSS% [uploads]]]: our engine as a client of libcoap's coap-server (started
 * with -d 10) on loopback; with `uploads` of any server, and nothing but uploads of /big at the same time.
 * Prints one line per step; exit code 0 only when every answer was right. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/coap/plain_host.h"

static plain_host host;
static tsr_coap_peer server;

typedef struct {
    bool ended;
    unsigned changed; /* answers 2.04 */
    tsr_coap_event_kind kind;
    uint8_t code;
    uint8_t body[65536];
    size_t len;
    bool observing;
    unsigned notifications;
    uint8_t token[8];
    size_t token_len;
} outcome;

static outcome got;

static void on_event(void *user, const tsr_coap_event *e, uint64_t now_ms)
{
    (void)user;
    (void)now_ms;
    if (e->kind == TSR_COAP_NOTIFICATION)
        got.notifications++;
    else
        got.ended = true;
    got.kind = e->kind;
    got.code = e->msg != NULL ? e->msg->code : 0;
    got.changed += got.code == TSR_COAP_CHANGED;
    got.len = e->body.len;
    if (e->body.len != 0)
        memcpy(got.body, e->body.ptr, e->body.len);
    got.observing = e->observing;
    got.token_len = e->token.len;
    memcpy(got.token, e->token.ptr, e->token.len);
}

/* Sends and waits for the end; true when the code is the one wanted. */
static bool ask(const char *what, const tsr_coap_request *r, uint8_t want)
{
    uint64_t end_ms = plain_now_ms() + 60000;

    got = (outcome){ 0 };
    if (tsr_coap_request_send(&host.coap, server, r, plain_now_ms(), NULL) != TSR_OK)
        return false;
    while (!got.ended && plain_now_ms() < end_ms)
        plain_turn(&host, end_ms);

    bool good = got.ended && got.kind == TSR_COAP_RESPONSE && got.code == want;

    printf("%-28s %s: %u.%02u, %zu bytes\n", what, good ? "ok" : "WRONG", got.code >> 5,
           got.code & 31u, got.len);
    return good;
}

static bool observe(void)
{
    uint64_t end_ms;
    bool good =
        ask("observe /time",
            &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/time", .observe = { true, 0 } },
            TSR_COAP_CONTENT) &&
        got.observing;

    end_ms = plain_now_ms() + 8000;
    while (good && got.notifications < 3 && plain_now_ms() < end_ms)
        plain_turn(&host, end_ms);
    good = good && got.notifications >= 3 && got.observing;
    printf("%-28s %s: %u notifications\n", "notifications", good ? "ok" : "WRONG",
           got.notifications);

    uint8_t token[8];
    size_t len = got.token_len;

    memcpy(token, got.token, sizeof token);
    return ask("cancel /time",
               &(tsr_coap_request){ .method = TSR_COAP_GET,
                                    .path = "/time",
                                    .observe = { true, 1 },
                                    .token = tsr_view(token, len) },
               TSR_COAP_CONTENT) &&
           good && !got.observing;
}

/* RFC 9175 §3.5.2: three to one resource at the same time, told apart by their Request-Tags; one of them is
 * whole there in the end. */
static bool uploads(void)
{
    static uint8_t body[3][5000];
    bool good = true, whole = false;
    uint64_t end_ms = plain_now_ms() + 60000;

    got = (outcome){ 0 };
    for (unsigned i = 0; i < 3; i++) {
        memset(body[i], 'a' + (int)i, sizeof body[i]);
        good = tsr_coap_request_send(&host.coap, server,
                                     &(tsr_coap_request){ .method = TSR_COAP_PUT,
                                                          .path = "/big",
                                                          .content_format = { true, 42 },
                                                          .payload = tsr_view(body[i], sizeof body[i]) },
                                     plain_now_ms(), NULL) == TSR_OK &&
               good;
    }
    while (good && got.changed < 3 && plain_now_ms() < end_ms)
        plain_turn(&host, end_ms);
    good = good && got.changed == 3;
    good = ask("GET 5000 bytes", &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/big" },
               TSR_COAP_CONTENT) &&
           good;
    for (unsigned i = 0; i < 3; i++)
        whole = whole || tsr_same(tsr_view(got.body, got.len), tsr_view(body[i], sizeof body[i]));
    printf("%-28s %s\n", "uploads at the same time", good && whole ? "ok" : "WRONG");
    return good && whole;
}

static bool large(void)
{
    static uint8_t body[10000];
    bool good;

    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)('a' + i % 26 + i / 1000 % 3);
    good = ask("PUT 10000 bytes",
               &(tsr_coap_request){ .method = TSR_COAP_PUT,
                                    .path = "/big",
                                    .content_format = { true, 42 },
                                    .payload = tsr_view(body, sizeof body) },
               TSR_COAP_CREATED);
    good = ask("GET 10000 bytes", &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/big" },
               TSR_COAP_CONTENT) &&
           good;
    if (!tsr_same(tsr_view(got.body, got.len), tsr_view(body, sizeof body))) {
        printf("%-28s WRONG: the bytes differ\n", "");
        good = false;
    }
    good = uploads() && good;
    return ask("DELETE", &(tsr_coap_request){ .method = TSR_COAP_DELETE, .path = "/big" },
               TSR_COAP_DELETED) &&
           good;
}

int main(int argc, char **argv)
{
    const tsr_coap_opt critical = { 2049, { (const uint8_t *)"x", 1 } };
    const tsr_bytes two_seconds[] = { tsr_text("2") };
    bool good;

    if (argc < 2)
        return 2;
    plain_open(&host, 0, argc > 2 ? (uint8_t)strtoul(argv[2], NULL, 10) : 6);
    host.loss_percent = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    host.on_event = on_event;
    server = plain_peer(&host, (uint16_t)strtoul(argv[1], NULL, 10));
    if (argc > 4)
        return uploads() ? 0 : 1;
    good =
        ask("GET /", &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/" }, TSR_COAP_CONTENT);
    good = ask("GET /.well-known/core",
               &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/.well-known/core" },
               TSR_COAP_CONTENT) &&
           good;
    good = ask("GET / as NON",
               &(tsr_coap_request){
                   .method = TSR_COAP_GET, .path = "/", .non = host.loss_percent == 0 },
               TSR_COAP_CONTENT) &&
           good;
    good = ask("GET /none", &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/none" },
               TSR_COAP_NOT_FOUND) &&
           good;
    good = ask("unknown critical option",
               &(tsr_coap_request){
                   .method = TSR_COAP_GET, .path = "/", .extra = &critical, .extra_count = 1 },
               TSR_COAP_BAD_OPTION) &&
           good;
    good = ask("GET /async (separate)",
               &(tsr_coap_request){ .method = TSR_COAP_GET,
                                    .path = "/async",
                                    .queries = two_seconds,
                                    .query_count = 1 },
               TSR_COAP_CONTENT) &&
           good;
    good = large() && good;
    good = observe() && good;
    return good ? 0 : 1;
}
