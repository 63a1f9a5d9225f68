/* SPDX-License-Identifier: Apache-2.0
 *
 * The device half of DTLS, its keys behind the wall, against a server in another process:
 *     bench_dtls_wall SECURED_SOCKET psk|cert PORT COUNT RECORDS
 * prints, per handshake and per record, the crossings and the time spent inside the engine (with
 * the crossings, without the waiting for the server). */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "ports/linux/gate/gate.h"
#include "tessera/net/dtls.h"
#include "tests/net/material.h"

static uint8_t plain[TSR_DTLS_PLAIN_MAX];
static tsr_dtls_config config;
static tsr_dtls s;
static int fd;
static bool connected;
static unsigned data;
static double engine_us;

static double clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static uint64_t now_ms(void) { return (uint64_t)(clock_us() / 1000); }

static void configure(bool cert)
{
    static uint8_t ca[MATERIAL_MAX], own[MATERIAL_MAX];
    static tsr_bytes anchors[1];
    tsr_dtls_options o = { .plain = plain, .plain_cap = sizeof(plain), .cid = true };

    if (psa_crypto_init() != PSA_SUCCESS)
        material_die("psa_crypto_init");
    if (cert) {
        anchors[0] = material_file("ca.der", ca);
        o.anchors = anchors;
        o.anchor_count = 1;
        o.usage = TSR_DTLS_CERT_ANCHOR;
        o.server_name = "server.example";
        o.certificate = material_file("device.der", own);
        o.certificate_key_id = material_ec("device.key");
    } else {
        o.psk_identity = tsr_text("device-1");
        o.psk_key_id = material_psk(tsr_text("0123456789abcdef"));
    }
    if (tsr_dtls_config_init(&config, &o) != TSR_OK)
        material_die("tsr_dtls_config_init");
}

static void work(void)
{
    uint8_t bytes[2048];
    tsr_dtls_event e;
    tsr_err err;

    do {
        tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));
        double t = clock_us();

        while (tsr_dtls_event_next(&s, &e)) {
            if (e.type == TSR_DTLS_CONNECTED)
                connected = true;
            else if (e.type == TSR_DTLS_DATA)
                data++;
            else
                material_die(tsr_dtls_reason_name(e.reason));
        }
        err = tsr_dtls_poll(&s, &out, now_ms());
        engine_us += clock_us() - t;
        if (err == TSR_OK)
            (void)send(fd, bytes, out.len, 0);
    } while (err == TSR_OK);
}

static void receive(void)
{
    uint8_t bytes[2048];
    struct pollfd p = { fd, POLLIN, 0 };
    ssize_t n;

    if (poll(&p, 1, 2000) > 0 && (n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
        (void)tsr_dtls_feed(&s, tsr_view(bytes, (size_t)n), now_ms());
        work();
    } else {
        work();
    }
}

static void handshake(void)
{
    double t = clock_us();

    connected = false;
    if (tsr_dtls_start(&s, &config, NULL, now_ms()) != TSR_OK)
        material_die("tsr_dtls_start");
    engine_us += clock_us() - t;
    work();
    while (!connected)
        receive();
}

static void record(void)
{
    uint8_t text[64] = { 0 }, bytes[256];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));
    unsigned before = data;
    double t = clock_us();

    if (tsr_dtls_send(&s, tsr_view(text, sizeof(text)), &out) != TSR_OK)
        material_die("tsr_dtls_send");
    engine_us += clock_us() - t;
    (void)send(fd, bytes, out.len, 0);
    while (data == before)
        receive();
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    unsigned count, n;
    uint64_t before, handshakes = 0, ends = 0;

    if (argc != 6)
        material_die("usage: SECURED_SOCKET psk|cert PORT COUNT RECORDS");
    count = (unsigned)atoi(argv[4]), n = (unsigned)atoi(argv[5]);
    to.sin_port = htons((uint16_t)atoi(argv[3]));
    (void)tsr_gate_socket(argv[1]);
    configure(argv[2][0] == 'c');
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        material_die("connect");
    handshake(); /* the first one opens the connection to the secure process */
    engine_us = 0;
    for (unsigned i = 0; i < count; i++) {
        before = tsr_gate_crossings();
        tsr_dtls_free(&s);
        ends += tsr_gate_crossings() - before;
        before = tsr_gate_crossings();
        handshake();
        handshakes += tsr_gate_crossings() - before;
    }
    printf("handshake_us=%.1f\nhandshake_crossings=%.2f\nend_crossings=%.2f\n", engine_us / count,
           (double)handshakes / count, (double)ends / count);
    record();
    engine_us = 0;
    before = tsr_gate_crossings();
    for (unsigned i = 0; i < n; i++)
        record();
    printf("record_us=%.2f\nrecord_crossings=%.2f\n", engine_us / n / 2,
           (double)(tsr_gate_crossings() - before) / n / 2);
    return 0;
}
