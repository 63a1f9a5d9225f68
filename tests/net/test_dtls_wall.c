/* SPDX-License-Identifier: Apache-2.0
 *
 * The device half of DTLS with its keys behind a real wall (a tessera-secured process), against a
 * server in another process over loopback. Counts how often the wall is crossed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "tessera/net/dtls.h"
#include "tests/net/material.h"
#include "tests/psa/secured.h"

enum { PSK_ID = 0x1001, EC_ID = 0x1002 };

static secured service;
static uint8_t plain[TSR_DTLS_PLAIN_MAX];

static const uint8_t key[16] = { 0x5a, 0x17, 0xc3, 0x99, 0x0d, 0xe2, 0x71, 0x38,
                                 0xb4, 0x66, 0xf0, 0x2b, 0x8e, 0xa5, 0x41, 0xdc };
static const char key_hex[] = "5a17c3990de27138b466f02b8ea541dc";

typedef struct {
    pid_t pid;
    int out;
    uint16_t port;
} peer;

typedef struct {
    tsr_dtls_config config;
    tsr_dtls s;
    int fd;
    tsr_dtls_event end;
    bool connected, ended;
    unsigned data;
    char text[256];
    uint64_t crossings; /* of the handshake alone */
} device;

static device d;

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* A server of tests/net/dtls_host.c. */
static peer peer_start(const char *mode)
{
    int pipes[2];
    char line[64] = { 0 };
    peer p;

    assert_int_equal(pipe(pipes), 0);
    p.pid = fork();
    if (p.pid == 0) {
        dup2(pipes[1], 1);
        execl(TSR_DTLS_HOST_BIN, "dtls_host", "server", mode, "--key", key_hex, "--wait", "60000",
              (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    p.out = pipes[0];
    assert_true(read(p.out, line, sizeof(line) - 1) > 0);
    p.port = (uint16_t)atoi(line + 5); /* "port N" */
    assert_int_not_equal(p.port, 0);
    return p;
}

static void peer_stop(peer *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->out);
}

static tsr_dtls_options psk_options(void)
{
    return (tsr_dtls_options){ .role = TSR_DTLS_CLIENT,
                               .plain = plain,
                               .plain_cap = sizeof(plain),
                               .psk_identity = tsr_text("device-1"),
                               .psk_key_id = PSK_ID,
                               .cid = true };
}

static tsr_dtls_options cert_options(void)
{
    static uint8_t ca[MATERIAL_MAX], own[MATERIAL_MAX];
    static tsr_bytes anchors[1];

    anchors[0] = material_file("ca.der", ca);
    return (tsr_dtls_options){ .role = TSR_DTLS_CLIENT,
                               .plain = plain,
                               .plain_cap = sizeof(plain),
                               .certificate = material_file("device.der", own),
                               .certificate_key_id = EC_ID,
                               .anchors = anchors,
                               .anchor_count = 1,
                               .usage = TSR_DTLS_CERT_ANCHOR,
                               .server_name = "server.example",
                               .cid = true };
}

static void device_open(const tsr_dtls_options *o, uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_addr = { htonl(INADDR_LOOPBACK) },
                              .sin_port = htons(port) };

    memset(&d, 0, sizeof(d));
    assert_int_equal(tsr_dtls_config_init(&d.config, o), TSR_OK);
    d.fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(connect(d.fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

static void device_close(void)
{
    tsr_dtls_free(&d.s);
    tsr_dtls_config_free(&d.config);
    close(d.fd);
}

static void events(void)
{
    tsr_dtls_event e;

    while (tsr_dtls_event_next(&d.s, &e)) {
        if (e.type == TSR_DTLS_CONNECTED) {
            d.connected = true;
        } else if (e.type == TSR_DTLS_DATA) {
            d.data++;
            snprintf(d.text, sizeof(d.text), "%.*s", (int)e.data.len, (const char *)e.data.ptr);
        } else {
            d.ended = true;
            d.end = e;
        }
    }
}

static void work(void)
{
    uint8_t bytes[2048];
    tsr_err err;

    do {
        tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

        events();
        err = tsr_dtls_poll(&d.s, &out, now_ms());
        if (err == TSR_OK)
            (void)send(d.fd, bytes, out.len, 0);
    } while (err == TSR_OK);
    events();
}

/* Until `*flag` is set, or the session has ended, or 10 s are over. */
static void run_until(const bool *flag, const unsigned *count, unsigned goal)
{
    uint64_t end = now_ms() + 10000;
    uint8_t bytes[2048];

    work();
    while (now_ms() < end && !d.ended && !(flag && *flag) && !(count && *count >= goal)) {
        struct pollfd p = { d.fd, POLLIN, 0 };
        uint64_t now = now_ms(), due = tsr_dtls_due_ms(&d.s);
        ssize_t n;

        if (poll(&p, 1,
                 due <= now        ? 0
                 : due - now > 100 ? 100
                                   : (int)(due - now)) > 0 &&
            (n = recv(d.fd, bytes, sizeof(bytes), 0)) > 0)
            (void)tsr_dtls_feed(&d.s, tsr_view(bytes, (size_t)n), now_ms());
        work();
    }
}

static void handshake(void)
{
    uint64_t before = tsr_gate_crossings();

    assert_int_equal(tsr_dtls_start(&d.s, &d.config, NULL, now_ms()), TSR_OK);
    run_until(&d.connected, NULL, 0);
    if (d.ended)
        print_message("handshake: %s, %s, -0x%x\n", tsr_dtls_reason_name(d.end.reason),
                      tsr_dtls_alert_name(d.end.alert), (unsigned)-d.end.detail);
    assert_true(d.connected);
    d.crossings = tsr_gate_crossings() - before;
}

static tsr_err say(const char *text)
{
    uint8_t bytes[2048];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));
    tsr_err err = tsr_dtls_send(&d.s, tsr_text(text), &out);

    if (err == TSR_OK)
        (void)send(d.fd, bytes, out.len, 0);
    return err;
}

static void talk(const char *text)
{
    unsigned data = d.data;

    assert_int_equal(say(text), TSR_OK);
    run_until(NULL, &d.data, data + 1);
    assert_int_equal(d.data, data + 1);
    assert_string_equal(d.text + 5, text); /* behind "echo " */
}

static void test_psk_handshake_crosses_the_wall_at_most_20_times(void **state)
{
    tsr_dtls_options o = psk_options();
    peer p = peer_start("psk");

    (void)state;
    device_open(&o, p.port);
    handshake();
    print_message("[ FIGURE   ] PSK handshake: %u crossings\n", (unsigned)d.crossings);
    assert_true(d.crossings <= 20);
    assert_int_equal(tsr_dtls_suite(&d.s), 0xC0A8);
    talk("through the wall");
    device_close();
    peer_stop(&p);
}

static void test_record_crosses_the_wall_once(void **state)
{
    tsr_dtls_options o = psk_options();
    peer p = peer_start("psk");
    uint64_t before;

    (void)state;
    device_open(&o, p.port);
    handshake();
    talk("first");
    before = tsr_gate_crossings();
    for (unsigned i = 0; i < 10; i++)
        talk("ten times");
    assert_int_equal(tsr_gate_crossings() - before, 20); /* one for each record, each way */
    device_close();
    peer_stop(&p);
}

static void test_certificate_handshake_with_the_key_behind_the_wall(void **state)
{
    tsr_dtls_options o = cert_options();
    peer p = peer_start("cert");

    (void)state;
    device_open(&o, p.port);
    handshake();
    print_message("[ FIGURE   ] ECDHE-ECDSA handshake: %u crossings\n", (unsigned)d.crossings);
    assert_true(d.crossings <= 36);
    assert_int_equal(tsr_dtls_suite(&d.s), 0xC0AE);
    talk("signed behind the wall");
    device_close();
    peer_stop(&p);
}

/* Nothing stays behind over there: a device that reconnects for years must not fill the service. */
static void test_handshakes_leave_nothing_in_the_service(void **state)
{
    tsr_dtls_options o = psk_options();
    peer p = peer_start("psk");
    long keys, ops;

    (void)state;
    device_open(&o, p.port);
    keys = secured_figure(&service, "keys=");
    ops = secured_figure(&service, "operations=");
    for (unsigned i = 0; i < 10; i++) {
        handshake();
        talk("again");
        tsr_dtls_free(&d.s);
        d.connected = false;
    }
    assert_int_equal(secured_figure(&service, "keys="), keys);
    assert_int_equal(secured_figure(&service, "operations="), ops);
    device_close();
    peer_stop(&p);
}

static void test_wall_gone_ends_the_session_with_a_reason(void **state)
{
    tsr_dtls_options o = psk_options();
    peer p = peer_start("psk");

    (void)state;
    device_open(&o, p.port);
    handshake();
    talk("before");
    secured_kill(&service);
    assert_int_equal(say("into the void"), TSR_E_CRYPTO);
    events();
    assert_true(d.ended);
    assert_int_equal(d.end.type, TSR_DTLS_FAILED);
    assert_int_equal(d.end.reason, TSR_DTLS_R_CRYPTO);
    tsr_dtls_free(&d.s);
    d.connected = d.ended = false;

    /* while it is away: a handshake fails, and says why */
    assert_int_equal(tsr_dtls_start(&d.s, &d.config, NULL, now_ms()), TSR_OK);
    run_until(&d.connected, NULL, 0);
    assert_true(d.ended && !d.connected);
    assert_int_equal(d.end.reason, TSR_DTLS_R_CRYPTO);
    tsr_dtls_free(&d.s);
    d.ended = false;

    /* back again: the persistent key is still there */
    assert_true(secured_start(&service, NULL));
    handshake();
    talk("after");
    device_close();
    peer_stop(&p);
}

/* The record keys in the secure world die with it; the saved session makes them anew. */
static void test_saved_session_outlives_the_secure_process(void **state)
{
    uint8_t bytes[TSR_DTLS_SAVED_MAX];
    tsr_buf image = tsr_buf_over(bytes, sizeof(bytes));
    tsr_dtls_options o = psk_options();
    peer p = peer_start("psk");
    uint64_t before;

    (void)state;
    device_open(&o, p.port);
    handshake();
    talk("one");
    assert_int_equal(tsr_dtls_save(&d.s, 1000, &image), TSR_OK);
    tsr_dtls_stored(&d.s);
    talk("two");
    tsr_dtls_free(&d.s);
    assert_int_equal(secured_stop(&service), 0);
    assert_true(secured_start(&service, NULL));

    before = tsr_gate_crossings();
    assert_int_equal(tsr_dtls_load(&d.s, &d.config, &image, now_ms()), TSR_OK);
    tsr_dtls_stored(&d.s);
    print_message("[ FIGURE   ] saved session loaded: %u crossings\n",
                  (unsigned)(tsr_gate_crossings() - before));
    assert_true(tsr_gate_crossings() - before <= 5);
    talk("three, with no handshake");
    device_close();
    peer_stop(&p);
}

static void test_saved_session_holds_no_long_term_key(void **state)
{
    uint8_t bytes[TSR_DTLS_SAVED_MAX];
    tsr_buf image = tsr_buf_over(bytes, sizeof(bytes));
    tsr_dtls_options o = psk_options();
    peer p = peer_start("psk");

    (void)state;
    device_open(&o, p.port);
    handshake();
    talk("one");
    assert_int_equal(tsr_dtls_save(&d.s, 0, &image), TSR_OK);
    for (size_t i = 0; i + 4 <= image.len; i++)
        for (size_t k = 0; k + 4 <= sizeof(key); k += 4)
            assert_memory_not_equal(bytes + i, key + k, 4);
    device_close();
    peer_stop(&p);
}

static void import(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t alg, uint32_t id,
                   tsr_bytes bytes)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t got;

    psa_set_key_type(&a, type);
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_id(&a, id);
    psa_set_key_lifetime(&a, PSA_KEY_LIFETIME_PERSISTENT);
    assert_int_equal(psa_import_key(&a, bytes.ptr, bytes.len, &got), PSA_SUCCESS);
}

static int set_up(void **state)
{
    uint8_t ec[2048];

    (void)state;
    secured_prepare(&service);
    if (!secured_start(&service, NULL) || psa_crypto_init() != PSA_SUCCESS)
        return -1;
    import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256),
           PSK_ID, tsr_view(key, sizeof(key)));
    import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_SIGN_HASH,
           PSA_ALG_ECDSA(PSA_ALG_ANY_HASH), EC_ID, material_file("device.key", ec));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    secured_clean(&service);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psk_handshake_crosses_the_wall_at_most_20_times),
        cmocka_unit_test(test_record_crosses_the_wall_once),
        cmocka_unit_test(test_certificate_handshake_with_the_key_behind_the_wall),
        cmocka_unit_test(test_handshakes_leave_nothing_in_the_service),
        cmocka_unit_test(test_wall_gone_ends_the_session_with_a_reason),
        cmocka_unit_test(test_saved_session_outlives_the_secure_process),
        cmocka_unit_test(test_saved_session_holds_no_long_term_key),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
