/* SPDX-License-Identifier: Apache-2.0
 *
 * CoAP with OSCORE on loopback, for the test against another implementation. The keys are those of
 * RFC 8613 Appendix C.1; STATE is the file that the context's state is kept in.
 *
 *   oscore_peer server STATE         prints its port; /hello, /store (GET, PUT), /tick (observe)
 *   oscore_peer client STATE PORT    asks for /hello, writes and reads /store, asks for /none,
 *                                    observes /tick three times and cancels; one line an answer
 *
 * No engine: one message at a time, repeated byte for byte when there is no answer, and the last
 * answer repeated for the same message id, as RFC 7252 §4.2 and RFC 7252 §4.5 want. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tessera/coap/message.h"
#include "tessera/oscore/datagram.h"

enum { ROOM = 1500, TICK_MS = 300, TRIES = 20, WAIT_MS = 2000 };

typedef struct {
    uint8_t bytes[ROOM];
    size_t len;
} datagram;

static struct {
    const char *path;
    int fd;
    tsr_oscore c;
    uint16_t mid;
    uint8_t store[512];
    size_t store_len;
} host;

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "oscore_peer: %s (%s)\n", what, strerror(errno));
    exit(1);
}

/* ---- the context, kept in a file ---- */

static tsr_err save(void *user, tsr_bytes state)
{
    char next[512];
    FILE *f;
    bool good;

    (void)user;
    (void)snprintf(next, sizeof next, "%s.new", host.path);
    f = fopen(next, "wb");
    if (f == NULL)
        return TSR_E_IO;
    good = fwrite(state.ptr, 1, state.len, f) == state.len && fflush(f) == 0 &&
           fsync(fileno(f)) == 0;
    good = fclose(f) == 0 && good;
    return good && rename(next, host.path) == 0 ? TSR_OK : TSR_E_IO;
}

static void open_context(bool client)
{
    static const uint8_t secret[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
    static const uint8_t salt[] = { 0x9e, 0x7c, 0xa9, 0x22, 0x23, 0x78, 0x63, 0x40 };
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_bytes one = tsr_view("\x01", 1), none = tsr_view("", 0);
    tsr_oscore_params p = { .salt = tsr_view(salt, sizeof salt),
                            .sender_id = client ? none : one,
                            .recipient_id = client ? one : none,
                            .save = save };
    uint8_t state[TSR_OSCORE_STATE_MAX];
    FILE *f = fopen(host.path, "rb");
    size_t len = f != NULL ? fread(state, 1, sizeof state, f) : 0;

    if (f != NULL)
        (void)fclose(f);
    must(psa_crypto_init() == PSA_SUCCESS, "PSA");
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    must(psa_import_key(&a, secret, sizeof secret, &p.master_secret) == PSA_SUCCESS, "key");
    must(tsr_oscore_init(&host.c, &p, tsr_view(state, len)) == TSR_OK, "context");
    host.mid = (uint16_t)getpid();
}

/* ---- datagrams ---- */

static void open_socket(uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    host.fd = socket(AF_INET, SOCK_DGRAM, 0);
    must(host.fd >= 0, "socket");
    if (port != 0)
        must(connect(host.fd, (struct sockaddr *)&at, sizeof at) == 0, "connect");
    else
        must(bind(host.fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
}

static bool receive(datagram *in, struct sockaddr_in *from, int wait_ms)
{
    struct pollfd p = { .fd = host.fd, .events = POLLIN };
    socklen_t len = sizeof *from;
    ssize_t n;

    if (poll(&p, 1, wait_ms) != 1)
        return false;
    n = recvfrom(host.fd, in->bytes, ROOM, 0, (struct sockaddr *)from, &len);
    in->len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void send_to(const datagram *out, const struct sockaddr_in *to)
{
    (void)sendto(host.fd, out->bytes, out->len, 0, (const struct sockaddr *)to,
                 to != NULL ? sizeof *to : 0);
}

static void put_ack(datagram *out, uint16_t mid)
{
    tsr_buf buf = tsr_buf_over(out->bytes, ROOM);

    tsr_coap_put_header(&buf, TSR_COAP_ACK, TSR_COAP_EMPTY, mid, (tsr_bytes){ NULL, 0 });
    out->len = buf.len;
}

/* ---- server ---- */

typedef struct {
    bool on;
    struct sockaddr_in to;
    uint8_t token[TSR_COAP_TOKEN_MAX];
    size_t token_len;
    uint32_t count;
    tsr_oscore_exchange x;
} observer;

static observer watching;

static void respond_into(tsr_buf *out, const tsr_coap_msg *msg, const struct sockaddr_in *from,
                         const tsr_oscore_exchange *x)
{
    uint8_t code = TSR_COAP_CONTENT;
    tsr_bytes payload = { NULL, 0 };
    uint16_t last = 0;
    bool observe = false;

    if (tsr_coap_msg_path_is(msg, 0, "/hello")) {
        payload = tsr_text("hello from tessera");
    } else if (tsr_coap_msg_path_is(msg, 0, "/store") && msg->code == TSR_COAP_PUT) {
        host.store_len = msg->payload.len < sizeof host.store ? msg->payload.len : 0;
        if (host.store_len > 0)
            memcpy(host.store, msg->payload.ptr, host.store_len);
        code = TSR_COAP_CHANGED;
    } else if (tsr_coap_msg_path_is(msg, 0, "/store")) {
        payload = tsr_view(host.store, host.store_len);
    } else if (tsr_coap_msg_path_is(msg, 0, "/tick")) {
        observe = msg->observe.set && msg->observe.value == 0;
        watching = (observer){ .on = observe, .to = *from, .token_len = msg->token.len, .x = *x };
        memcpy(watching.token, msg->token.ptr, msg->token.len);
        payload = tsr_text("tick 0");
    } else {
        code = TSR_COAP_NOT_FOUND;
    }
    if (msg->type == TSR_COAP_CON)
        tsr_coap_put_header(out, TSR_COAP_ACK, code, msg->mid, msg->token);
    else
        tsr_coap_put_header(out, TSR_COAP_NON, code, host.mid++, msg->token);
    if (observe)
        tsr_coap_put_opt_uint(out, &last, TSR_COAP_OBSERVE, 0);
    tsr_coap_put_payload(out, payload);
}

/* An answer to a request that came for the first time; none: out->len is 0. */
static void answer(const datagram *in, const struct sockaddr_in *from, datagram *out)
{
    uint8_t room[ROOM], reply[ROOM];
    tsr_buf plain = tsr_buf_over(room, ROOM), buf = tsr_buf_over(out->bytes, ROOM);
    tsr_buf text = tsr_buf_over(reply, ROOM - TSR_OSCORE_OVERHEAD);
    tsr_bytes request = tsr_view(in->bytes, in->len);
    tsr_oscore_exchange x = { 0 };
    tsr_coap_msg msg;
    tsr_err err = tsr_oscore_unprotect_request_datagram(&host.c, &x, request, &plain);

    (void)printf("request %s\n", tsr_err_name(err));
    if (err != TSR_OK) {
        (void)tsr_oscore_answer_datagram(&host.c, &x, err, request, host.mid++, &buf);
        out->len = buf.len;
        return;
    }
    must(tsr_coap_msg_parse(tsr_buf_view(&plain), &msg) == TSR_OK, "inner message");
    respond_into(&text, &msg, from, &x);
    must(tsr_oscore_protect_response_datagram(&host.c, &x, &text, &buf) == TSR_OK, "protect");
    if (watching.on && msg.observe.set)
        watching.x = x; /* with its nonce used */
    out->len = buf.len;
}

static void notify(void)
{
    uint8_t room[64];
    char text[32];
    tsr_buf plain = tsr_buf_over(room, sizeof room), buf;
    uint16_t last = 0;
    datagram out;

    if (!watching.on)
        return;
    (void)snprintf(text, sizeof text, "tick %u", (unsigned)++watching.count);
    tsr_coap_put_header(&plain, TSR_COAP_NON, TSR_COAP_CONTENT, host.mid++,
                        tsr_view(watching.token, watching.token_len));
    tsr_coap_put_opt_uint(&plain, &last, TSR_COAP_OBSERVE, watching.count);
    tsr_coap_put_payload(&plain, tsr_text(text));
    buf = tsr_buf_over(out.bytes, ROOM);
    must(tsr_oscore_protect_response_datagram(&host.c, &watching.x, &plain, &buf) == TSR_OK,
         "notification");
    out.len = buf.len;
    send_to(&out, &watching.to);
}

static void serve(void)
{
    static datagram in, before, out;
    struct sockaddr_in from, here;
    socklen_t len = sizeof here;

    open_socket(0);
    must(getsockname(host.fd, (struct sockaddr *)&here, &len) == 0, "port");
    (void)printf("port %u\n", ntohs(here.sin_port));
    for (;;) {
        if (!receive(&in, &from, TICK_MS)) {
            notify();
            continue;
        }
        if (in.len >= 4 && (in.bytes[0] >> 4 & 3) == TSR_COAP_RST)
            watching.on = false;
        if (in.len < 4 || !tsr_coap_is_request(in.bytes[1]))
            continue;
        if (in.len != before.len || memcmp(in.bytes, before.bytes, in.len) != 0)
            answer(&in, &from, &out);
        before = in;
        if (out.len > 0)
            send_to(&out, &from);
    }
}

/* ---- client ---- */

typedef struct {
    uint8_t method;
    const char *path, *payload;
    tsr_coap_num observe;
    tsr_bytes echo; /* ptr NULL: none */
} question;

static uint8_t inner[ROOM];
static uint16_t token;

/* Waits for a response to `x`; `again` is repeated while there is none. */
static bool response(tsr_oscore_exchange *x, const datagram *again, tsr_coap_msg *msg)
{
    struct sockaddr_in from;
    datagram in, ack;

    for (unsigned i = 0; i < TRIES; i++) {
        tsr_buf plain = tsr_buf_over(inner, ROOM);

        if (!receive(&in, &from, WAIT_MS)) {
            if (again != NULL)
                send_to(again, NULL);
            continue;
        }
        if (tsr_coap_msg_parse(tsr_view(in.bytes, in.len), msg) != TSR_OK)
            continue;
        if (msg->type == TSR_COAP_CON) {
            put_ack(&ack, msg->mid);
            send_to(&ack, NULL);
        }
        if (tsr_coap_is_response(msg->code) &&
            tsr_oscore_unprotect_response_datagram(&host.c, x, tsr_view(in.bytes, in.len), &plain)
                == TSR_OK)
            return tsr_coap_msg_parse(tsr_buf_view(&plain), msg) == TSR_OK;
    }
    return false;
}

static void ask(const question *q, tsr_oscore_exchange *x, datagram *wire)
{
    uint8_t room[ROOM];
    tsr_buf plain = tsr_buf_over(room, ROOM), out = tsr_buf_over(wire->bytes, ROOM);
    uint16_t last = 0;

    host.mid++;
    if (!q->observe.set || q->observe.value == 0) /* RFC 7641 §3.6: a cancellation keeps it */
        token = host.mid;
    tsr_coap_put_header(&plain, TSR_COAP_CON, q->method, host.mid, tsr_view(&token, 2));
    if (q->observe.set)
        tsr_coap_put_opt_uint(&plain, &last, TSR_COAP_OBSERVE, q->observe.value);
    tsr_coap_put_opt_text(&plain, &last, TSR_COAP_URI_PATH, q->path, '/');
    if (q->echo.ptr != NULL)
        tsr_coap_put_opt(&plain, &last, TSR_COAP_ECHO, q->echo);
    tsr_coap_put_payload(&plain, tsr_text(q->payload));
    must(tsr_oscore_protect_request_datagram(&host.c, x, &plain, &out) == TSR_OK, "protect");
    wire->len = out.len;
    send_to(wire, NULL);
}

static void tell(const question *q, const tsr_coap_msg *msg)
{
    (void)printf("%s %u.%02u %.*s\n", q->path, msg->code >> 5, msg->code & 31u,
                 (int)msg->payload.len, (const char *)msg->payload.ptr);
}

/* Once more with the Echo, if the server asks for that (RFC 9175 §2.3). */
static void converse(question q, tsr_oscore_exchange *x)
{
    tsr_coap_msg msg;
    datagram wire;

    ask(&q, x, &wire);
    must(response(x, &wire, &msg), "no answer");
    if (msg.code == TSR_COAP_UNAUTHORIZED && msg.echo.ptr != NULL) {
        (void)printf("echo\n");
        q.echo = msg.echo;
        ask(&q, x, &wire);
        must(response(x, &wire, &msg), "no answer");
    }
    tell(&q, &msg);
}

static void converse_all(uint16_t port)
{
    const question all[] = {
        { TSR_COAP_GET, "/hello", "", { false, 0 }, { NULL, 0 } },
        { TSR_COAP_PUT, "/store", "kept by OSCORE", { false, 0 }, { NULL, 0 } },
        { TSR_COAP_GET, "/store", "", { false, 0 }, { NULL, 0 } },
        { TSR_COAP_GET, "/none", "", { false, 0 }, { NULL, 0 } },
        { TSR_COAP_GET, "/tick", "", { true, 0 }, { NULL, 0 } },
    };
    const question cancel = { TSR_COAP_GET, "/tick", "", { true, 1 }, { NULL, 0 } };
    const size_t count = sizeof all / sizeof all[0];
    tsr_oscore_exchange x;
    tsr_coap_msg msg;
    datagram wire;

    open_socket(port);
    for (size_t i = 0; i < count; i++)
        converse(all[i], &x);
    for (unsigned i = 0; i < 3; i++) {
        must(response(&x, NULL, &msg), "no notification");
        tell(&all[count - 1], &msg);
    }
    ask(&cancel, &x, &wire);
    must(response(&x, &wire, &msg) && !msg.observe.set, "no end of the observation");
    (void)printf("done\n");
}

int main(int argc, char **argv)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3 || (strcmp(argv[1], "client") == 0 && argc != 4)) {
        (void)fprintf(stderr, "oscore_peer server STATE | client STATE PORT\n");
        return 2;
    }
    host.path = argv[2];
    open_context(argv[1][0] == 'c');
    if (argv[1][0] == 'c')
        converse_all((uint16_t)strtoul(argv[3], NULL, 10));
    else
        serve();
    return 0;
}
