/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <psa/crypto.h>

#include "tests/net/world.h"

uint8_t world_plain[TSR_DTLS_PLAIN_MAX];

static const uint8_t good_key[16] = { 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

void world_psa(void) { assert_int_equal(psa_crypto_init(), PSA_SUCCESS); }

uint32_t world_psk(const uint8_t *key, size_t len)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t id;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&attributes, key, len, &id), PSA_SUCCESS);
    return id;
}

tsr_bytes world_file(const char *file)
{
    static uint8_t kept[16][2048];
    static size_t lens[16];
    static char names[16][32];
    char path[256];
    size_t i = 0;
    FILE *f;

    for (; i < 16 && names[i][0] != 0; i++)
        if (strcmp(names[i], file) == 0)
            return tsr_view(kept[i], lens[i]);
    assert_true(i < 16);
    snprintf(path, sizeof(path), "%s/tests/vectors/dtls/%s", TSR_SOURCE_DIR, file);
    f = fopen(path, "rb");
    assert_non_null(f);
    lens[i] = fread(kept[i], 1, sizeof(kept[i]), f);
    fclose(f);
    snprintf(names[i], sizeof(names[i]), "%s", file);
    return tsr_view(kept[i], lens[i]);
}

uint32_t world_ec_key(const char *file)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    tsr_bytes key = world_file(file);
    mbedtls_svc_key_id_t id;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    assert_int_equal(psa_import_key(&attributes, key.ptr, key.len, &id), PSA_SUCCESS);
    return id;
}

static tsr_err find(void *user, tsr_bytes identity, uint32_t *key_id)
{
    (void)user;
    if (!tsr_same(identity, tsr_text("device-1")))
        return TSR_E_NOT_FOUND;
    *key_id = world_psk(good_key, sizeof(good_key)); /* volatile; goes with the process */
    return TSR_OK;
}

tsr_dtls_options world_client_psk(void)
{
    return (tsr_dtls_options){ .role = TSR_DTLS_CLIENT,
                               .plain = world_plain,
                               .plain_cap = sizeof(world_plain),
                               .psk_identity = tsr_text("device-1"),
                               .psk_key_id = world_psk(good_key, sizeof(good_key)),
                               .cid = true };
}

tsr_dtls_options world_server_psk(void)
{
    return (tsr_dtls_options){ .role = TSR_DTLS_SERVER,
                               .plain = world_plain,
                               .plain_cap = sizeof(world_plain),
                               .psk_find = find,
                               .cid = true,
                               .cid_len = 8 };
}

static tsr_bytes ca_list[1];

tsr_dtls_options world_client_cert(void)
{
    tsr_dtls_options o = { .role = TSR_DTLS_CLIENT,
                           .plain = world_plain,
                           .plain_cap = sizeof(world_plain),
                           .certificate = world_file("device.der"),
                           .certificate_key_id = world_ec_key("device.key"),
                           .anchors = ca_list,
                           .anchor_count = 1,
                           .usage = TSR_DTLS_CERT_ANCHOR,
                           .server_name = "server.example",
                           .cid = true };

    ca_list[0] = world_file("ca.der");
    return o;
}

tsr_dtls_options world_server_cert(void)
{
    tsr_dtls_options o = { .role = TSR_DTLS_SERVER,
                           .plain = world_plain,
                           .plain_cap = sizeof(world_plain),
                           .certificate = world_file("server.der"),
                           .certificate_key_id = world_ec_key("server.key"),
                           .anchors = ca_list,
                           .anchor_count = 1,
                           .usage = TSR_DTLS_CERT_ANCHOR,
                           .cid = true,
                           .cid_len = 8 };

    ca_list[0] = world_file("ca.der");
    return o;
}

void world_init(world *w, const tsr_dtls_options *client, const tsr_dtls_options *server)
{
    memset(w, 0, sizeof(*w));
    w->seed = 1;
    w->now_ms = 1000000;
    w->address = tsr_text("192.0.2.1:1");
    memcpy(w->cid, "\x01\x00\x00\x00\xca\xfe\xf0\x0d", 8);
    assert_int_equal(tsr_dtls_config_init(&w->client_config, client), TSR_OK);
    assert_int_equal(tsr_dtls_config_init(&w->server_config, server), TSR_OK);
}

void world_free(world *w)
{
    tsr_dtls_free(&w->client);
    tsr_dtls_free(&w->server);
    tsr_dtls_config_free(&w->client_config);
    tsr_dtls_config_free(&w->server_config);
}

static unsigned dice(world *w)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return (w->seed >> 16) % 100;
}

/* No protected record number may ever be sent twice in one direction (the AEAD nonce). */
static void check_numbers(line *l, tsr_bytes datagram, size_t cid_len)
{
    while (datagram.len >= 13) {
        const uint8_t *p = datagram.ptr;
        size_t at = 11 + (p[0] == 25 ? cid_len : 0);
        uint64_t number = 0;
        size_t len;

        assert_true(datagram.len >= at + 2);
        len = at + 2 + (size_t)(p[at] << 8 | p[at + 1]);
        assert_true(datagram.len >= len);
        for (size_t i = 3; i < 11; i++)
            number = number << 8 | p[i];
        if (number >> 48 != 0) {
            for (size_t i = 0; i < l->number_count; i++)
                assert_true(l->numbers[i] != number);
            assert_true(l->number_count < WORLD_NUMBERS);
            l->numbers[l->number_count++] = number;
        }
        datagram = tsr_skip(datagram, len);
    }
    assert_int_equal(datagram.len, 0);
}

void world_put(world *w, line *l, tsr_bytes datagram)
{
    packet *p = &l->box[l->count];

    assert_true(l->count < WORLD_BOX && datagram.len <= sizeof(p->bytes));
    memcpy(p->bytes, datagram.ptr, datagram.len);
    p->len = datagram.len;
    p->at_ms = w->now_ms + 10;
    l->count++;
}

static void give(world *w, line *l, tsr_bytes datagram)
{
    size_t cid_len = l == &w->up ? 8 : 0;
    unsigned copies = 1;

    check_numbers(l, datagram, cid_len);
    l->sent++;
    memcpy(l->last.bytes, datagram.ptr, datagram.len);
    l->last.len = datagram.len;
    if (dice(w) < w->loss)
        copies = 0;
    if (dice(w) < w->dup)
        copies *= 2;
    for (; copies > 0; copies--) {
        world_put(w, l, datagram);
        if (dice(w) < w->reorder)
            l->box[l->count - 1].at_ms += 200;
    }
}

static void note(world *w, tsr_dtls *s, const tsr_dtls_event *e)
{
    bool client = s == &w->client;

    switch (e->type) {
    case TSR_DTLS_CONNECTED: *(client ? &w->client_connected : &w->server_connected) = true; break;
    case TSR_DTLS_DATA:
        memcpy(w->got, e->data.ptr, e->data.len);
        w->got_len = e->data.len;
        w->got_count++;
        w->got_may_move = e->may_move;
        break;
    case TSR_DTLS_CLOSED:
    case TSR_DTLS_FAILED:
        *(client ? &w->client_end : &w->server_end) = *e;
        *(client ? &w->client_ended : &w->server_ended) = true;
        break;
    }
}

void world_drain(world *w, tsr_dtls *s)
{
    line *l = s == &w->client ? &w->up : &w->down;
    uint8_t bytes[2048];
    tsr_dtls_event e;
    tsr_err err;

    do {
        tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

        while (tsr_dtls_event_next(s, &e))
            note(w, s, &e);
        err = tsr_dtls_poll(s, &out, w->now_ms);
        if (err == TSR_OK)
            give(w, l, tsr_buf_view(&out));
    } while (err == TSR_OK);
    assert_int_equal(err, TSR_END);
    while (tsr_dtls_event_next(s, &e))
        note(w, s, &e);
}

void world_deliver(world *w, tsr_dtls *s, tsr_bytes datagram)
{
    if (tsr_dtls_feed(s, datagram, w->now_ms) == TSR_OK)
        world_drain(w, s);
}

static void server_gets(world *w, tsr_bytes datagram)
{
    uint8_t bytes[TSR_DTLS_HELLO_ANSWER_MAX];
    tsr_buf answer = tsr_buf_over(bytes, sizeof(bytes));
    tsr_bytes cid;

    switch (tsr_dtls_peek(datagram, 8, &cid)) {
    case TSR_DTLS_IS_HELLO:
        if (w->server_lives && tsr_dtls_knows_hello(&w->server, datagram))
            break;
        switch (tsr_dtls_hello(&w->server_config, w->address, datagram, &answer, w->now_ms)) {
        case TSR_DTLS_VERIFY:
            w->verifies++;
            give(w, &w->down, tsr_buf_view(&answer));
            return;
        case TSR_DTLS_ACCEPT:
            w->accepts++;
            tsr_dtls_free(&w->server);
            assert_int_equal(
                tsr_dtls_accept(&w->server, &w->server_config, w->cid, datagram, w->now_ms),
                TSR_OK);
            w->server_lives = true;
            world_drain(w, &w->server);
            return;
        case TSR_DTLS_DROP: return;
        }
        return;
    case TSR_DTLS_IS_CID:
        if (!tsr_same(cid, tsr_view(w->cid, 8)))
            return;
        break;
    case TSR_DTLS_IS_RECORD: break;
    case TSR_DTLS_IS_JUNK: return;
    }
    if (w->server_lives)
        world_deliver(w, &w->server, datagram);
}

static bool take(line *l, uint64_t now_ms, packet *p)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->box[i].at_ms > now_ms)
            continue;
        *p = l->box[i];
        l->count--;
        memmove(&l->box[i], &l->box[i + 1], (l->count - i) * sizeof(packet));
        return true;
    }
    return false;
}

static uint64_t next_due(const world *w)
{
    uint64_t due = tsr_dtls_due_ms(&w->client);

    if (w->server_lives && tsr_dtls_due_ms(&w->server) < due)
        due = tsr_dtls_due_ms(&w->server);
    for (size_t i = 0; i < w->up.count; i++)
        due = w->up.box[i].at_ms < due ? w->up.box[i].at_ms : due;
    for (size_t i = 0; i < w->down.count; i++)
        due = w->down.box[i].at_ms < due ? w->down.box[i].at_ms : due;
    return due;
}

void world_run(world *w, uint64_t until_ms)
{
    for (unsigned guard = 0; guard < 100000; guard++) {
        uint64_t due;
        packet p;

        while (take(&w->up, w->now_ms, &p))
            server_gets(w, tsr_view(p.bytes, p.len));
        while (take(&w->down, w->now_ms, &p))
            world_deliver(w, &w->client, tsr_view(p.bytes, p.len));
        world_drain(w, &w->client);
        if (w->server_lives)
            world_drain(w, &w->server);
        due = next_due(w);
        if (due > until_ms)
            return;
        if (due > w->now_ms)
            w->now_ms = due;
    }
    fail_msg("the two ends never come to rest");
}

void world_start(world *w)
{
    assert_int_equal(tsr_dtls_start(&w->client, &w->client_config, w->cid, w->now_ms), TSR_OK);
}

void world_connect(world *w)
{
    world_start(w);
    world_run(w, w->now_ms + 300000);
    assert_true(w->client_connected && w->server_connected);
    assert_false(w->client_ended || w->server_ended);
}

static void send_on(world *w, tsr_dtls *s, line *l, const char *text)
{
    uint8_t bytes[2048];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

    assert_int_equal(tsr_dtls_send(s, tsr_text(text), &out), TSR_OK);
    give(w, l, tsr_buf_view(&out));
}

void world_send_up(world *w, const char *text) { send_on(w, &w->client, &w->up, text); }

void world_send_down(world *w, const char *text) { send_on(w, &w->server, &w->down, text); }

bool world_got(const world *w, const char *text)
{
    return tsr_same(tsr_view(w->got, w->got_len), tsr_text(text));
}
