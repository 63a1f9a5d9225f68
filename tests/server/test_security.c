/* SPDX-License-Identifier: Apache-2.0
 *
 * The server over DTLS with pre-shared keys: who gets in, what survives, what is dropped. */
#include "tests/server/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEY "0123456789abcdef"

static void credential(house *h, const char *endpoint, const char *identity, const char *key)
{
    assert_int_equal(
        tsr_server_credential_set(h->server, endpoint, TSR_SERVER_PSK, identity, tsr_text(key)),
        TSR_OK);
}

static test_peer *device(house *h, const char *identity)
{
    test_peer *p = peer_open(h->coaps, identity, KEY);

    assert_true(peer_connect(p, 5000));
    return p;
}

/* LwM2M-1.1-int-401: registration over DTLS with a pre-shared key. Transport 5.2.9.1 */
static void test_psk_registers_and_is_read(void **state)
{
    house *h = *state;
    test_peer *p;
    tsr_server_registration *r;

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1&b=U"), TSR_COAP_CREATED);
    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    assert_int_equal(r->security, TSR_SERVER_PSK);
    assert_string_equal(r->identity, "id1");
    tsr_server_registration_free(r);
    assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(h->first.value.as.i, 100);
    peer_close(p);
}

static void test_psk_endpoint_may_be_left_out(void **state)
{
    house *h = *state;
    test_peer *p;

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    assert_true(registered(h, "dev1"));
    peer_close(p);
}

/* Core 7.3.1: a name alone decides nothing */
/* Transport 5.2.6: 4.00 where the name is not that of the session. */
static void test_psk_of_another_endpoint_is_refused(void **state)
{
    house *h = *state;
    test_peer *p;

    credential(h, "dev1", "id1", KEY);
    credential(h, "dev2", "id2", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev2&lt=300&lwm2m=1.1"), TSR_COAP_BAD_REQUEST);
    assert_int_equal(peer_register(p, "ep=nobody&lt=300&lwm2m=1.1"), TSR_COAP_BAD_REQUEST);
    assert_int_equal(tsr_server_count(h->server), 0);
    peer_close(p);
}

/* Another's registration id is of no use, neither from another identity nor from plain CoAP. */
static void test_registration_belongs_to_its_identity(void **state)
{
    house *h = *state;
    test_peer *p, *thief, *plain;

    credential(h, "dev1", "id1", KEY);
    credential(h, "dev2", "id2", KEY);
    p = device(h, "id1");
    thief = device(h, "id2");
    plain = peer_open(h->coap, NULL, NULL);
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    assert_int_equal(peer_request(thief, TSR_COAP_POST, p->location, "lt=1", NULL),
                     TSR_COAP_NOT_FOUND);
    assert_int_equal(peer_request(thief, TSR_COAP_DELETE, p->location, "", NULL),
                     TSR_COAP_NOT_FOUND);
    assert_int_equal(peer_request(plain, TSR_COAP_DELETE, p->location, "", NULL),
                     TSR_COAP_NOT_FOUND);
    assert_true(registered(h, "dev1"));
    assert_int_equal(peer_request(p, TSR_COAP_POST, p->location, "", NULL), TSR_COAP_CHANGED);
    peer_close(p);
    peer_close(thief);
    peer_close(plain);
}

static void test_wrong_key_and_unknown_identity(void **state)
{
    house *h = *state;
    test_peer *p;

    credential(h, "dev1", "id1", "another key here");
    p = peer_open(h->coaps, "id1", KEY);
    assert_false(peer_connect(p, 3000));
    peer_close(p);
    house_expect(h, NULL, "", TSR_SERVER_EV_REFUSED, 0);
    p = peer_open(h->coaps, "nobody", KEY);
    assert_false(peer_connect(p, 3000));
    assert_int_equal(p->failed, TSR_DTLS_R_ALERT);
    peer_close(p);
    for (int i = 0; i < 1000 && house_count_events(h, "", TSR_SERVER_EV_REFUSED) < 2; i++)
        usleep(10000);
    assert_int_equal(house_count_events(h, "", TSR_SERVER_EV_REFUSED), 2);
}

static void test_credential_replaced_closes_the_session(void **state)
{
    house *h = *state;
    test_peer *p;

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    credential(h, "dev1", "id1", "another key here");
    peer_run(p, 10000, &p->closed);
    assert_true(p->closed);
    assert_false(peer_connect(p, 3000));
    assert_int_equal(tsr_server_credential_delete(h->server, "dev1"), TSR_OK);
    assert_int_equal(tsr_server_credential_delete(h->server, "dev1"), TSR_E_NOT_FOUND);
    assert_false(peer_connect(p, 3000));
    peer_close(p);
}

typedef struct {
    int count;
    size_t key_len;
} seen;

static void see(void *arg, const tsr_server_credential *c)
{
    seen *s = arg;

    s->count++;
    s->key_len = c->key_len;
}

/* Transport 5.2.9.1: identities up to 128 bytes, keys up to 64. */
static void test_credential_sizes_and_clashes(void **state)
{
    house *h = *state;
    char long_identity[131];
    uint8_t long_key[65] = { 1 };
    seen s = { 0, 0 };

    memset(long_identity, 'i', 130);
    long_identity[129] = 0;
    assert_int_equal(
        tsr_server_credential_set(h->server, "a", TSR_SERVER_PSK, long_identity, tsr_text(KEY)),
        TSR_E_ARGUMENT);
    long_identity[128] = 0;
    assert_int_equal(tsr_server_credential_set(h->server, "a", TSR_SERVER_PSK, long_identity,
                                               tsr_view(long_key, 64)),
                     TSR_OK);
    assert_int_equal(
        tsr_server_credential_set(h->server, "b", TSR_SERVER_PSK, "x", tsr_view(long_key, 65)),
        TSR_E_ARGUMENT);
    assert_int_equal(
        tsr_server_credential_set(h->server, "b", TSR_SERVER_PSK, "x", tsr_view(long_key, 0)),
        TSR_E_ARGUMENT);
    assert_int_equal(tsr_server_credential_set(h->server, "b", TSR_SERVER_NOSEC, "x", tsr_text("")),
                     TSR_E_ARGUMENT);
    assert_int_equal(
        tsr_server_credential_set(h->server, "b", TSR_SERVER_PSK, long_identity, tsr_text(KEY)),
        TSR_E_EXISTS);
    assert_int_equal(tsr_server_credential_get(h->server, "a", see, &s), TSR_OK);
    assert_int_equal(s.key_len, 64);
    assert_int_equal(tsr_server_credential_get(h->server, "b", see, &s), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_server_credential_list(h->server, NULL, 0, see, &s), TSR_OK);
    assert_int_equal(s.count, 2);
}

/* Transport 5.2.8, RFC 9146 §6: after NAT gave it another address the device goes on without a handshake, and the
 * server reaches it there. */
static void test_cid_survives_another_address(void **state)
{
    house *h = *state;
    test_peer *p;
    char location[64];

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    for (int i = 0; i < 8; i++) {
        peer_rebind(p);
        assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
        assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    }
    assert_int_equal(p->handshakes, 1);
    peer_close(p);
}

/* Transport 5.1, RFC 6347 §4.1.2.6: a record is taken once; from a strange address it also moves nobody. */
static void test_replayed_record_is_dropped(void **state)
{
    house *h = *state;
    test_peer *p;
    tsr_server_stats before, after;
    char location[64];
    uint8_t record[2048];
    size_t len;
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons(h->coaps) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct pollfd wait = { .fd = fd, .events = POLLIN };

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
    len = p->last_datagram_len;
    memcpy(record, p->last_datagram, len);
    tsr_server_stats_get(h->server, &before);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sendto(fd, record, len, 0, (struct sockaddr *)&to, sizeof to), len);
    assert_int_equal(poll(&wait, 1, 300), 0); /* nothing comes to whoever replays */
    tsr_server_stats_get(h->server, &after);
    assert_int_equal(after.datagrams_in, before.datagrams_in + 3);
    assert_int_equal(after.datagrams_out, before.datagrams_out);
    assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    close(fd);
    peer_close(p);
}

static void test_unknown_cid_is_dropped_without_a_word(void **state)
{
    house *h = *state;
    uint8_t record[60] = { 25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 9, 9, 9, 9, 0, 39 };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons(h->coaps) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct pollfd wait = { .fd = fd, .events = POLLIN };

    for (int i = 0; i < 256; i++) {
        record[11] = (uint8_t)i;
        assert_int_equal(sendto(fd, record, sizeof record, 0, (struct sockaddr *)&to, sizeof to),
                         sizeof record);
    }
    assert_int_equal(poll(&wait, 1, 300), 0);
    close(fd);
}

/* Everything that is no DTLS, and DTLS cut at every length. */
static void test_malformed_datagrams_harm_nobody(void **state)
{
    house *h = *state;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    test_peer *p;
    uint8_t junk[1500];

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    srand(1);
    for (int i = 0; i < 3000; i++) {
        size_t len = (size_t)rand() % sizeof junk;

        for (size_t k = 0; k < len; k++)
            junk[k] = (uint8_t)rand();
        if (i % 3 == 1 && p->last_datagram_len) { /* a true record, cut and bent */
            len = (size_t)i % (p->last_datagram_len + 1);
            memcpy(junk, p->last_datagram, len);
            if (i % 2 && len)
                junk[(size_t)rand() % len] ^= 0x10;
        } else if (i % 3 == 2 && len > 13) {
            static const uint8_t head[] = { 22, 0xfe, 0xfd, 0, 0 };

            memcpy(junk, head, sizeof head);
        }
        to.sin_port = htons(i % 2 ? h->coap : h->coaps);
        (void)!sendto(fd, junk, len, 0, (struct sockaddr *)&to, sizeof to);
        if (i % 64 == 0)
            usleep(2000);
    }
    assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(p->handshakes, 1);
    close(fd);
    peer_close(p);
}

/* RFC 6347 §4.2.8: the device rebooted and shakes hands from the same address. */
static void test_handshake_from_the_same_address_replaces(void **state)
{
    house *h = *state;
    test_peer *p;

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    for (int i = 0; i < 3; i++) {
        tsr_server_stats s;

        assert_true(peer_connect(p, 5000));
        assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
        assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
        tsr_server_stats_get(h->server, &s);
        assert_int_equal(s.sessions, 1);
    }
    peer_close(p);
}

/* The session is in the store: neither a clean stop nor its absence costs the device a handshake.
 */
static void test_restart_keeps_sessions_and_observations(void **state)
{
    house *h = *state;
    test_peer *p;
    char location[64];

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    assert_int_equal(house_operate(h, p,
                                   (tsr_server_request){ .kind = TSR_SERVER_OBSERVE,
                                                         .endpoint = "dev1",
                                                         .path = at("/3/0/9") }),
                     TSR_SERVER_ANSWERED);
    for (int i = 0; i < 4; i++) {
        uint64_t after;

        house_stop(h);
        house_start(h);
        after = tsr_server_event_last(h->server);
        if (i == 1) { /* the server speaks first */
            assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
        } else if (i == 2) { /* and the address changed meanwhile */
            peer_rebind(p);
            assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
        } else {
            assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
        }
        p->battery = 50 - i;
        peer_notify(p, true);
        house_expect(h, p, "dev1", TSR_SERVER_EV_NOTIFICATION, after);
        peer_run(p, PEER_PATIENCE_MS, &p->notify_acked); /* or it would be repeated, and nothing else sent */
    }
    assert_int_equal(p->handshakes, 1);
    assert_int_equal(p->notify_rejected, 0);
    peer_close(p);
}

/* A session that the server lost: its records are dropped in silence, the device shakes hands again
 * by itself, and an Update under the new session is enough. */
static void test_lost_session_recovers_by_handshake(void **state)
{
    house *h = *state;
    test_peer *p;
    char location[64];

    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    house_stop(h);
    h->config.no_cid = true; /* sessions with Connection IDs cannot be loaded any more */
    house_start(h);
    h->config.no_cid = false;
    assert_true(peer_connect(p, 5000));
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
    assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    peer_close(p);
}

/* An idle session is a few hundred bytes, and wakes with the first record in either direction. */
static void test_idle_session_is_parked_and_wakes(void **state)
{
    house *h = *state;
    test_peer *p;

    house_stop(h);
    h->config.park_ms = 200;
    house_start(h);
    credential(h, "dev1", "id1", KEY);
    p = device(h, "id1");
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    for (int i = 0; i < 3; i++) {
        peer_run(p, 1500, NULL);
        if (i % 2)
            peer_rebind(p);
        if (i != 0)
            assert_int_equal(peer_request(p, TSR_COAP_GET, "/.well-known/core", "", NULL),
                             TSR_COAP_CONTENT);
        assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    }
    assert_int_equal(p->handshakes, 1);
    peer_close(p);
}

/* --- certificates ----------------------------------------------------------------------- */

#define COMMON_NAME "urn:dev:ops:32473-test-1"

static char key_file[128];

/* The vectors hold raw keys; a server is given SEC 1 (RFC 5915 §3) or PKCS #8 files. */
static void write_key_file(house *h)
{
    static const uint8_t head[] = { 0x30, 0x31, 2, 1, 1, 4, 32 };
    static const uint8_t curve[] = { 0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    tsr_bytes raw = peer_vector("server.key");
    FILE *f;

    snprintf(key_file, sizeof key_file, "%s/server.key", h->dir);
    f = fopen(key_file, "wb");
    assert_non_null(f);
    fwrite(head, 1, sizeof head, f);
    fwrite(raw.ptr, 1, raw.len, f);
    fwrite(curve, 1, sizeof curve, f);
    fclose(f);
    free((void *)(uintptr_t)raw.ptr);
}

static void with_certificates(house *h)
{
    house_stop(h);
    write_key_file(h);
    h->config.certificate = TSR_SOURCE_DIR "/tests/vectors/dtls/server.der";
    h->config.key = key_file;
    h->config.trust = TSR_SOURCE_DIR "/tests/vectors/dtls/ca.der";
    house_start(h);
}

/* LwM2M-1.1-int-402: registration with certificates on both sides. Transport 5.2.9.3 */
static void test_certificate_registers_and_is_read(void **state)
{
    house *h = *state;
    test_peer *p;
    tsr_server_registration *r;

    with_certificates(h);
    assert_int_equal(tsr_server_credential_set(h->server, COMMON_NAME, TSR_SERVER_X509, COMMON_NAME,
                                               tsr_text("")),
                     TSR_OK);
    p = peer_open_certificate(h->coaps);
    assert_true(peer_connect(p, PEER_PATIENCE_MS));
    assert_int_equal(peer_register(p, "ep=other&lt=300&lwm2m=1.1"), TSR_COAP_BAD_REQUEST);
    assert_int_equal(peer_register(p, "ep=" COMMON_NAME "&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    assert_int_equal(tsr_server_find(h->server, COMMON_NAME, &r), TSR_OK);
    assert_int_equal(r->security, TSR_SERVER_X509);
    assert_string_equal(r->identity, COMMON_NAME);
    tsr_server_registration_free(r);
    assert_int_equal(house_read(h, p, COMMON_NAME, "/3/0/9"), TSR_SERVER_ANSWERED);
    house_stop(h);
    house_start(h);
    assert_int_equal(house_read(h, p, COMMON_NAME, "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(p->handshakes, 1);
    peer_close(p);
}

/* A good chain is not enough: the operator has to have named the device. */
static void test_certificate_without_credential_is_refused(void **state)
{
    house *h = *state;
    test_peer *p;

    with_certificates(h);
    p = peer_open_certificate(h->coaps);
    assert_false(peer_connect(p, 3000));
    house_expect(h, NULL, "", TSR_SERVER_EV_REFUSED, 0);
    peer_close(p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, house_up, house_down)
    const struct CMUnitTest tests[] = {
        T(test_psk_registers_and_is_read),
        T(test_psk_endpoint_may_be_left_out),
        T(test_psk_of_another_endpoint_is_refused),
        T(test_registration_belongs_to_its_identity),
        T(test_wrong_key_and_unknown_identity),
        T(test_credential_replaced_closes_the_session),
        T(test_credential_sizes_and_clashes),
        T(test_cid_survives_another_address),
        T(test_replayed_record_is_dropped),
        T(test_unknown_cid_is_dropped_without_a_word),
        T(test_malformed_datagrams_harm_nobody),
        T(test_handshake_from_the_same_address_replaces),
        T(test_restart_keeps_sessions_and_observations),
        T(test_lost_session_recovers_by_handshake),
        T(test_idle_session_is_parked_and_wakes),
        T(test_certificate_registers_and_is_read),
        T(test_certificate_without_credential_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
