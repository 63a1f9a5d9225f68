/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes at both ends of an established session: it must live on, and nothing must come out of
 * it. Even first byte: the rest is one datagram. Odd: the rest is plaintext that the peer really
 * protects, then one byte of the record is changed. */
#include <stdlib.h>

#include <psa/crypto.h>

#include "tessera/net/dtls.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t plain[TSR_DTLS_PLAIN_MAX];
static tsr_dtls_config client_config, server_config;
static tsr_dtls client, server;
static uint32_t psk;

static tsr_err find(void *user, tsr_bytes identity, uint32_t *key_id)
{
    (void)user, (void)identity;
    *key_id = psk;
    return TSR_OK;
}

static uint32_t make_psk(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t id;

    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    if (psa_import_key(&a, (const uint8_t *)"0123456789abcdef", 16, &id) != PSA_SUCCESS)
        abort();
    return id;
}

/* Moves everything that waits in `from` to `to`; the number of plaintexts that came out there. */
static unsigned pump(tsr_dtls *from, tsr_dtls *to)
{
    uint8_t bytes[2048];
    tsr_dtls_event e;
    unsigned data = 0;

    for (;;) {
        tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

        while (tsr_dtls_event_next(from, &e))
            if (e.type >= TSR_DTLS_CLOSED)
                abort();
        if (tsr_dtls_poll(from, &out, 0) != TSR_OK)
            return data;
        if (to->config == NULL &&
            tsr_dtls_accept(to, &server_config, (const uint8_t *)"\1\2\3\4\5\6\7\10",
                            tsr_buf_view(&out), 0) != TSR_OK)
            abort();
        else
            (void)tsr_dtls_feed(to, tsr_buf_view(&out), 0);
        while (tsr_dtls_event_next(to, &e))
            data += e.type == TSR_DTLS_DATA;
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    tsr_dtls_options c = { .role = TSR_DTLS_CLIENT,
                           .plain = plain,
                           .plain_cap = sizeof(plain),
                           .psk_identity = tsr_text("fuzz"),
                           .cid = true,
                           .cid_len = 3 };
    tsr_dtls_options s = { .role = TSR_DTLS_SERVER,
                           .plain = plain,
                           .plain_cap = sizeof(plain),
                           .psk_find = find,
                           .cid = true,
                           .cid_len = 8 };

    (void)argc, (void)argv;
    if (psa_crypto_init() != PSA_SUCCESS)
        abort();
    psk = c.psk_key_id = make_psk();
    if (tsr_dtls_config_init(&client_config, &c) != TSR_OK ||
        tsr_dtls_config_init(&server_config, &s) != TSR_OK ||
        tsr_dtls_start(&client, &client_config, (const uint8_t *)"abc", 0) != TSR_OK)
        abort();
    for (unsigned i = 0; i < 6; i++) {
        pump(&client, &server);
        pump(&server, &client);
    }
    if (!tsr_dtls_connected(&client) || !tsr_dtls_connected(&server))
        abort();
    return 0;
}

static void feed(tsr_dtls *s, tsr_bytes datagram)
{
    uint8_t bytes[2048];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));
    tsr_dtls_event e;

    if (tsr_dtls_feed(s, datagram, 0) != TSR_OK || tsr_dtls_event_next(s, &e))
        abort();
    if (tsr_dtls_poll(s, &out, 0) != TSR_END) /* RFC 9146 §6: silently */
        abort();
}

static void change_one_byte(tsr_dtls *from, tsr_dtls *to, tsr_bytes text)
{
    uint8_t bytes[2048];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

    if (text.len < 3 || tsr_dtls_send(from, tsr_skip(text, 3), &out) != TSR_OK)
        return;
    bytes[(text.ptr[0] * 256u + text.ptr[1]) % out.len] ^= text.ptr[2] == 0 ? 1 : text.ptr[2];
    feed(to, tsr_buf_view(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in;

    if (size < 1)
        return 0;
    in = tsr_view(data + 1, size - 1);
    if (data[0] & 1) {
        change_one_byte(&client, &server, in);
        change_one_byte(&server, &client, in);
    } else {
        feed(&server, in);
        feed(&client, in);
    }
    return 0;
}
