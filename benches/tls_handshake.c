/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS handshakes with both ends in this process: full without a ticket, full with the one that it
 * gives, resumed:
 *     bench_tls_handshake psk|cert full|first|resumed COUNT
 * prints server_us client_us bytes flights. `server_step` is what callgrind counts. */
#include <stdio.h>
#include <stdlib.h>

#include "benches/ends.h"
#include "server/engine/tickets.h"
#include "tessera/net/tls_kept.h"
#include "tessera/net/tls_tickets.h"

typedef struct {
    uint8_t bytes[8192];
    size_t len;
} way;

static uint8_t kept_room[TSR_TLS_KEPT_MAX];
static tsr_tls_kept kept;
static tsr_dtls_config client_config, server_config;
static tsr_tls client, server;
static ticket_keys *keys;
static size_t wire_bytes, flights;

static tsr_err seal(void *user, tsr_bytes bound, tsr_bytes plain, tsr_buf *ticket)
{
    (void)user;
    return ticket_seal(keys, 0, bound, plain, ticket);
}

static tsr_err open_ticket(void *user, tsr_bytes bound, tsr_bytes ticket, tsr_buf *plain)
{
    (void)user;
    return ticket_open(keys, 0, bound, ticket, plain);
}

static const tsr_tls_tickets tickets = { TICKET_LIFETIME_S, NULL, seal, open_ticket };

static void configure(bool cert)
{
    ends_configure(&client_config, &server_config, cert, (tsr_dtls_options){ .stream = true }, 0);
    keys = ticket_keys_new();
    if (keys == NULL || tsr_tls_tickets_use(&server_config, &tickets) != TSR_OK)
        material_die("the server's tickets");
}

static void step(tsr_tls *s, const way *in, way *out)
{
    uint8_t room[64];
    tsr_bytes bytes = tsr_view(in->bytes, in->len);
    tsr_buf plain = tsr_buf_over(room, sizeof room), buf = tsr_buf_over(out->bytes, sizeof out->bytes);
    size_t before;

    do {
        before = bytes.len;
        if (tsr_tls_take(s, &bytes, &plain, 0) == TSR_E_DENIED)
            material_die("a handshake failed");
        while (tsr_tls_poll(s, &buf, 0) == TSR_OK) {
        }
    } while (bytes.len != before);
    out->len = buf.len;
    wire_bytes += out->len;
    flights += out->len != 0;
}

void server_step(const way *in, way *out);

__attribute__((noinline)) void server_step(const way *in, way *out)
{
    if (!server.config && tsr_tls_begin(&server, &server_config, 0) != TSR_OK)
        material_die("tsr_tls_begin");
    step(&server, in, out);
}

static void handshake(double *server_us, double *client_us)
{
    static way up, down;
    double t = ends_cpu_us();

    tsr_tls_free(&client);
    tsr_tls_free(&server);
    down.len = 0;
    if (tsr_tls_begin(&client, &client_config, 0) != TSR_OK)
        material_die("tsr_tls_begin");
    (void)tsr_tls_offer(&client, &kept, 0);
    step(&client, &down, &up);
    *client_us += ends_cpu_us() - t;
    while (up.len != 0) {
        t = ends_cpu_us();
        server_step(&up, &down);
        *server_us += ends_cpu_us() - t;
        t = ends_cpu_us();
        step(&client, &down, &up);
        *client_us += ends_cpu_us() - t;
    }
    if (!tsr_tls_connected(&client) || !tsr_tls_connected(&server))
        material_die("the handshake stands still");
    tsr_tls_keep(&client, &kept, 0);
}

int main(int argc, char **argv)
{
    unsigned count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    double server_us = 0, client_us = 0, unused = 0;
    bool resumed = argc > 2 && argv[2][0] == 'r';

    if (count == 0)
        material_die("usage: psk|cert full|first|resumed COUNT");
    configure(argv[1][0] == 'c');
    if (argv[2][1] != 'u') /* but for `full` */
        kept = (tsr_tls_kept){ .room = kept_room, .cap = sizeof kept_room };
    if (resumed)
        handshake(&unused, &unused);
    wire_bytes = flights = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!resumed)
            tsr_tls_forget(&kept);
        handshake(&server_us, &client_us);
        if (tsr_tls_resumed(&server) != resumed)
            material_die("not the handshake that was asked for");
    }
    printf("server_us=%.2f\nclient_us=%.2f\nbytes=%.0f\nflights=%.0f\n", server_us / count,
           client_us / count, (double)wire_bytes / count, (double)flights / count);
    return 0;
}
