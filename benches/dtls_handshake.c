/* SPDX-License-Identifier: Apache-2.0
 *
 * DTLS handshakes and records with both ends in this process, each end's CPU time added up apart:
 *     bench_dtls_handshake psk|cert COUNT [RECORDS]
 * prints server_us client_us bytes seal_us open_us. `server_step` is what callgrind counts. */
#include <stdio.h>
#include <stdlib.h>

#include "benches/ends.h"

typedef struct {
    uint8_t bytes[2048];
    size_t len;
} datagram;

typedef struct {
    datagram at[16];
    size_t count;
} flight;

static uint8_t plain[TSR_DTLS_PLAIN_MAX];
static tsr_dtls_config client_config, server_config;
static tsr_dtls client, server;
static bool server_lives, client_up, server_up;
static size_t wire_bytes;

static void configure(bool cert)
{
    ends_configure(&client_config, &server_config, cert,
                   (tsr_dtls_options){ .plain = plain, .plain_cap = sizeof plain, .cid = true }, 8);
}

static void drain(tsr_dtls *s, bool *up, flight *out)
{
    tsr_dtls_event e;
    tsr_err err;

    do {
        datagram *d = &out->at[out->count];
        tsr_buf buf = tsr_buf_over(d->bytes, sizeof(d->bytes));

        while (tsr_dtls_event_next(s, &e)) {
            if (e.type == TSR_DTLS_CONNECTED)
                *up = true;
            else if (e.type != TSR_DTLS_DATA)
                material_die("a session ended");
        }
        err = tsr_dtls_poll(s, &buf, 0);
        d->len = buf.len;
        if (err == TSR_OK)
            out->count++;
    } while (err == TSR_OK);
}

void server_step(const datagram *in, flight *out);

__attribute__((noinline)) void server_step(const datagram *in, flight *out)
{
    static const uint8_t cid[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    tsr_bytes bytes = tsr_view(in->bytes, in->len), found;

    if (tsr_dtls_peek(bytes, 8, &found) == TSR_DTLS_IS_HELLO) {
        datagram *d = &out->at[out->count];
        tsr_buf answer = tsr_buf_over(d->bytes, sizeof(d->bytes));

        if (tsr_dtls_hello(&server_config, tsr_text("192.0.2.1"), bytes, &answer, 0) ==
            TSR_DTLS_VERIFY) {
            d->len = answer.len;
            out->count++;
            return;
        }
        if (tsr_dtls_accept(&server, &server_config, cid, bytes, 0) != TSR_OK)
            material_die("tsr_dtls_accept");
        server_lives = true;
    } else if (tsr_dtls_feed(&server, bytes, 0) != TSR_OK) {
        material_die("tsr_dtls_feed");
    }
    drain(&server, &server_up, out);
}

static void client_step(const datagram *in, flight *out)
{
    if (in == NULL) {
        if (tsr_dtls_start(&client, &client_config, NULL, 0) != TSR_OK)
            material_die("tsr_dtls_start");
    } else if (tsr_dtls_feed(&client, tsr_view(in->bytes, in->len), 0) != TSR_OK) {
        material_die("tsr_dtls_feed");
    }
    drain(&client, &client_up, out);
}

static void handshake(double *server_us, double *client_us)
{
    static flight up, down;
    double t = ends_cpu_us();

    up.count = 0;
    client_up = server_up = false;
    client_step(NULL, &up);
    *client_us += ends_cpu_us() - t;
    while (!client_up || !server_up) {
        if (up.count == 0)
            material_die("the handshake stands still");
        down.count = 0;
        t = ends_cpu_us();
        for (size_t i = 0; i < up.count; wire_bytes += up.at[i++].len)
            server_step(&up.at[i], &down);
        *server_us += ends_cpu_us() - t;
        up.count = 0;
        t = ends_cpu_us();
        for (size_t i = 0; i < down.count; wire_bytes += down.at[i++].len)
            client_step(&down.at[i], &up);
        *client_us += ends_cpu_us() - t;
    }
}

/* 64 bytes to the server, as a request; then the other way. */
static void records(unsigned count, double *seal_us, double *open_us)
{
    uint8_t text[64] = { 0 }, bytes[256];

    for (unsigned i = 0; i < count; i++) {
        tsr_dtls *from = i % 2 ? &server : &client, *to = i % 2 ? &client : &server;
        tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));
        tsr_dtls_event e;
        double t = ends_cpu_us(), u;

        if (tsr_dtls_send(from, tsr_view(text, sizeof(text)), &out) != TSR_OK)
            material_die("tsr_dtls_send");
        u = ends_cpu_us();
        *seal_us += u - t;
        if (tsr_dtls_feed(to, tsr_buf_view(&out), 0) != TSR_OK || !tsr_dtls_event_next(to, &e) ||
            e.type != TSR_DTLS_DATA || e.data.len != sizeof(text))
            material_die("a record did not arrive");
        (void)tsr_dtls_event_next(to, &e);
        *open_us += ends_cpu_us() - u;
    }
}

int main(int argc, char **argv)
{
    unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) : 1,
             n = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
    double server_us = 0, client_us = 0, seal_us = 0, open_us = 0;

    if (argc < 3 || count == 0)
        material_die("usage: psk|cert COUNT [RECORDS]");
    configure(argv[1][0] == 'c');
    for (unsigned i = 0; i < count; i++) {
        tsr_dtls_free(&client);
        tsr_dtls_free(&server);
        handshake(&server_us, &client_us);
    }
    records(n, &seal_us, &open_us);
    printf("server_us=%.2f\nclient_us=%.2f\nbytes=%.0f\n", server_us / count, client_us / count,
           (double)wire_bytes / count);
    if (n > 0)
        printf("seal_us=%.3f\nopen_us=%.3f\n", seal_us / n, open_us / n);
    return 0;
}
