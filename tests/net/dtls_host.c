/* SPDX-License-Identifier: Apache-2.0
 *
 * The DTLS engine with real sockets, for tests against other programs. One peer at a time.
 *
 *   dtls_host server MODE            prints "port N"; answers every record with "echo " and its
 * text dtls_host client MODE PORT TEXT  sends TEXT, prints what came back MODE: psk | cert, each
 * with options after it, in any order:
 *     --key HEX  --identity ID  --cbc  --no-cid  --save FILE  --load FILE  --local PORT  --wait MS
 * --rounds N
 *     --suite HEX (client: offer it; any number of times)
 *     --patience MS (longest retransmission)  --coap (the server answers CoAP requests) */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "tessera/coap/message.h"
#include "tessera/net/dtls.h"
#include "tests/net/material.h"

typedef struct {
    bool server, cert, cbc, no_cid, coap;
    const char *identity, *save, *load, *text;
    uint8_t key[64];
    size_t key_len;
    unsigned port, local, wait_ms, rounds, patience_ms;
    uint16_t suites[TSR_DTLS_SUITES];
    uint8_t suite_count;
} options;

typedef struct {
    options o;
    tsr_dtls_config config;
    tsr_dtls session, next; /* next: a handshake beside a live session */
    bool lives, next_lives, over;
    int fd;
    struct sockaddr_in peer;
    unsigned answers;
    uint32_t psk;
} host;

static uint8_t plain[TSR_DTLS_PLAIN_MAX];
static uint8_t files[2][MATERIAL_MAX];
static tsr_bytes anchors[1];

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static tsr_err find(void *user, tsr_bytes identity, uint32_t *key_id)
{
    host *h = user;

    if (!tsr_same(identity, tsr_text(h->o.identity)))
        return TSR_E_NOT_FOUND;
    *key_id = h->psk;
    return TSR_OK;
}

static void configure(host *h)
{
    tsr_dtls_options d = { .role = h->o.server ? TSR_DTLS_SERVER : TSR_DTLS_CLIENT,
                           .plain = plain,
                           .plain_cap = sizeof(plain),
                           .user = h,
                           .cbc = h->o.cbc,
                           .suites = h->o.suites,
                           .suite_count = h->o.suite_count,
                           .cid = !h->o.no_cid,
                           .cid_len = h->o.server ? 8 : 0,
                           .retry_ms = 300,
                           .retry_max_ms = h->o.patience_ms };

    if (psa_crypto_init() != PSA_SUCCESS)
        material_die("psa_crypto_init");
    if (!h->o.cert) {
        h->psk = material_psk(tsr_view(h->o.key, h->o.key_len));
        d.psk_key_id = h->psk;
        d.psk_identity = tsr_text(h->o.identity);
        d.psk_find = find;
    } else {
        anchors[0] = material_file("ca.der", files[0]);
        d.anchors = anchors;
        d.anchor_count = 1;
        d.usage = TSR_DTLS_CERT_ANCHOR;
        d.server_name = "server.example";
        d.certificate = material_file(h->o.server ? "server.der" : "device.der", files[1]);
        d.certificate_key_id = material_ec(h->o.server ? "server.key" : "device.key");
    }
    if (tsr_dtls_config_init(&h->config, &d) != TSR_OK)
        material_die("tsr_dtls_config_init");
}

static void transmit(host *h, tsr_bytes datagram)
{
    if (sendto(h->fd, datagram.ptr, datagram.len, 0, (struct sockaddr *)&h->peer, sizeof(h->peer)) <
        0)
        perror("dtls_host: sendto");
}

static void say(host *h, tsr_dtls *s, const char *head, tsr_bytes text)
{
    uint8_t bytes[2048], message[1500];
    tsr_buf m = tsr_buf_over(message, sizeof(message)), out = tsr_buf_over(bytes, sizeof(bytes));

    tsr_put_text(&m, head);
    tsr_put_bytes(&m, text);
    if (tsr_dtls_send(s, tsr_buf_view(&m), &out) == TSR_OK)
        transmit(h, tsr_buf_view(&out));
}

/* 2.05 with a greeting to every confirmable request (RFC 7252 §5.2.1). */
static void answer_coap(host *h, tsr_dtls *s, tsr_bytes data)
{
    uint8_t bytes[256];
    tsr_buf m = tsr_buf_over(bytes, sizeof(bytes));
    tsr_coap_msg request;

    if (tsr_coap_msg_parse(data, &request) != TSR_OK || !tsr_coap_is_request(request.code))
        return;
    tsr_coap_put_header(&m, 2, 0x45, request.mid, request.token);
    tsr_coap_put_payload(&m, tsr_text("coap over dtls"));
    say(h, s, "", tsr_buf_view(&m));
}

static void on_data(host *h, tsr_dtls *s, tsr_bytes data)
{
    if (h->o.coap) {
        answer_coap(h, s, data);
        return;
    }
    if (h->o.server) {
        say(h, s, "echo ", data);
        return;
    }
    printf("got %.*s\n", (int)data.len, (const char *)data.ptr);
    if (++h->answers < h->o.rounds)
        say(h, s, "", tsr_text(h->o.text));
    else
        h->over = true;
}

static void on_event(host *h, tsr_dtls *s, const tsr_dtls_event *e)
{
    switch (e->type) {
    case TSR_DTLS_CONNECTED:
        printf("connected %04x cid %d\n", tsr_dtls_suite(s), tsr_dtls_uses_cid(s));
        if (!h->o.server)
            say(h, s, "", tsr_text(h->o.text));
        break;
    case TSR_DTLS_DATA: on_data(h, s, e->data); break;
    case TSR_DTLS_CLOSED:
        printf("closed\n");
        h->over = !h->o.server;
        break;
    case TSR_DTLS_FAILED:
        printf("failed %s, alert %u %s\n", tsr_dtls_reason_name(e->reason), e->alert,
               tsr_dtls_alert_name(e->alert));
        h->over = !h->o.server;
        break;
    }
}

static void work(host *h, tsr_dtls *s)
{
    uint8_t bytes[2048];
    tsr_dtls_event e;
    tsr_err err;

    do {
        tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

        while (tsr_dtls_event_next(s, &e))
            on_event(h, s, &e);
        err = tsr_dtls_poll(s, &out, now_ms());
        if (err == TSR_OK)
            transmit(h, tsr_buf_view(&out));
    } while (err == TSR_OK);
    while (tsr_dtls_event_next(s, &e))
        on_event(h, s, &e);
}

static void serve_hello(host *h, tsr_bytes datagram)
{
    static const uint8_t cid[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    uint8_t bytes[TSR_DTLS_HELLO_ANSWER_MAX];
    tsr_buf answer = tsr_buf_over(bytes, sizeof(bytes));
    tsr_bytes address = tsr_view(&h->peer, sizeof(h->peer));

    if (h->lives && tsr_dtls_knows_hello(&h->session, datagram)) {
        (void)tsr_dtls_feed(&h->session, datagram, now_ms());
        return;
    }
    switch (tsr_dtls_hello(&h->config, address, datagram, &answer, now_ms())) {
    case TSR_DTLS_VERIFY: transmit(h, tsr_buf_view(&answer)); return;
    case TSR_DTLS_DROP: return;
    case TSR_DTLS_ACCEPT: break;
    }
    tsr_dtls_free(&h->session); /* one peer at a time */
    h->lives = tsr_dtls_accept(&h->session, &h->config, cid, datagram, now_ms()) == TSR_OK;
}

static void receive(host *h)
{
    uint8_t bytes[2048];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    ssize_t n = recvfrom(h->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);
    tsr_bytes cid, datagram = tsr_view(bytes, n > 0 ? (size_t)n : 0);

    if (n <= 0)
        return;
    if (h->o.server)
        h->peer = from;
    if (h->o.server && tsr_dtls_peek(datagram, 8, &cid) == TSR_DTLS_IS_HELLO)
        serve_hello(h, datagram);
    else if (h->lives)
        (void)tsr_dtls_feed(&h->session, datagram, now_ms());
    if (h->lives)
        work(h, &h->session);
}

static void save(host *h)
{
    uint8_t bytes[TSR_DTLS_SAVED_MAX];
    tsr_buf image = tsr_buf_over(bytes, sizeof(bytes));
    FILE *f;

    if (tsr_dtls_save(&h->session, 1000, &image) != TSR_OK) {
        printf("not saved\n");
        return;
    }
    f = fopen(h->o.save, "wb");
    if (f == NULL || fwrite(bytes, 1, image.len, f) != image.len || fclose(f) != 0)
        material_die("cannot save");
    printf("saved\n");
}

static void load(host *h)
{
    uint8_t bytes[TSR_DTLS_SAVED_MAX];
    tsr_buf image = tsr_buf_over(bytes, sizeof(bytes));
    FILE *f = fopen(h->o.load, "rb");

    if (f == NULL)
        material_die("nothing to load");
    image.len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    if (tsr_dtls_load(&h->session, &h->config, &image, now_ms()) != TSR_OK)
        material_die("cannot load");
    f = fopen(h->o.load, "wb");
    if (f == NULL || fwrite(bytes, 1, image.len, f) != image.len || fclose(f) != 0)
        material_die("cannot store");
    tsr_dtls_stored(&h->session);
    h->lives = true;
    printf("loaded\n");
    say(h, &h->session, "", tsr_text(h->o.text));
}

static void open_socket(host *h)
{
    struct sockaddr_in local = { .sin_family = AF_INET,
                                 .sin_addr = { htonl(INADDR_LOOPBACK) },
                                 .sin_port = htons((uint16_t)h->o.local) };
    socklen_t len = sizeof(local);

    h->fd = socket(AF_INET, SOCK_DGRAM, 0);
    /* a port whose owner was killed a moment ago may still be the kernel's to free */
    for (unsigned tries = 0; bind(h->fd, (struct sockaddr *)&local, sizeof(local)) != 0; tries++) {
        if (errno != EADDRINUSE || tries == 100)
            material_die(strerror(errno));
        poll(NULL, 0, 100);
    }
    (void)getsockname(h->fd, (struct sockaddr *)&local, &len);
    h->peer = (struct sockaddr_in){ .sin_family = AF_INET,
                                    .sin_addr = { htonl(INADDR_LOOPBACK) },
                                    .sin_port = htons((uint16_t)h->o.port) };
    printf("port %u\n", ntohs(local.sin_port));
}

static void run(host *h)
{
    uint64_t end = now_ms() + h->o.wait_ms;

    while (!h->over && now_ms() < end) {
        struct pollfd p = { h->fd, POLLIN, 0 };
        uint64_t due = h->lives ? tsr_dtls_due_ms(&h->session) : UINT64_MAX, now = now_ms();
        uint64_t wait = due <= now ? 0 : due - now;

        if (poll(&p, 1, wait > 100 ? 100 : (int)wait) > 0)
            receive(h);
        else if (h->lives)
            work(h, &h->session);
    }
}

static void read_key(options *o, const char *hex)
{
    for (; hex[0] != 0 && hex[1] != 0 && o->key_len < sizeof(o->key); hex += 2) {
        const char two[3] = { hex[0], hex[1], 0 };

        o->key[o->key_len++] = (uint8_t)strtoul(two, NULL, 16);
    }
}

static void read_options(options *o, int argc, char **argv)
{
    int plain_args = 0;

    *o = (options){ .identity = "device-1", .wait_ms = 8000, .rounds = 1, .text = "" };
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(a, "--cbc") == 0)
            o->cbc = true;
        else if (strcmp(a, "--coap") == 0)
            o->coap = true;
        else if (strcmp(a, "--no-cid") == 0)
            o->no_cid = true;
        else if (strcmp(a, "--key") == 0)
            read_key(o, v), i++;
        else if (strcmp(a, "--identity") == 0)
            o->identity = v, i++;
        else if (strcmp(a, "--suite") == 0 && o->suite_count < TSR_DTLS_SUITES)
            o->suites[o->suite_count++] = (uint16_t)strtoul(v, NULL, 16), i++;
        else if (strcmp(a, "--save") == 0)
            o->save = v, i++;
        else if (strcmp(a, "--load") == 0)
            o->load = v, i++;
        else if (strcmp(a, "--local") == 0)
            o->local = (unsigned)atoi(v), i++;
        else if (strcmp(a, "--wait") == 0)
            o->wait_ms = (unsigned)atoi(v), i++;
        else if (strcmp(a, "--patience") == 0)
            o->patience_ms = (unsigned)atoi(v), i++;
        else if (strcmp(a, "--rounds") == 0)
            o->rounds = (unsigned)atoi(v), i++;
        else if (++plain_args == 1)
            o->server = strcmp(a, "server") == 0;
        else if (plain_args == 2)
            o->cert = strcmp(a, "cert") == 0;
        else if (plain_args == 3)
            o->port = (unsigned)atoi(a);
        else
            o->text = a;
    }
}

int main(int argc, char **argv)
{
    static host h;

    setvbuf(stdout, NULL, _IOLBF, 0);
    read_options(&h.o, argc, argv);
    configure(&h);
    open_socket(&h);
    if (!h.o.server && h.o.load != NULL) {
        load(&h);
    } else if (!h.o.server) {
        if (tsr_dtls_start(&h.session, &h.config, NULL, now_ms()) != TSR_OK)
            material_die("tsr_dtls_start");
        h.lives = true;
        work(&h, &h.session);
    }
    run(&h);
    if (h.o.save != NULL && h.lives)
        save(&h);
    else if (h.lives && tsr_dtls_connected(&h.session))
        tsr_dtls_close(&h.session), work(&h, &h.session);
    tsr_dtls_free(&h.session);
    tsr_dtls_config_free(&h.config);
    return h.o.server || h.answers > 0 ? 0 : 1;
}
