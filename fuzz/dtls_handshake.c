/* SPDX-License-Identifier: Apache-2.0
 *
 * A handshake with a peer that says anything at all. First byte: even, we are the client; odd, the
 * server. Then datagrams, each behind its length in two bytes. The peer knows no key, so it must
 * never get as far as CONNECTED. */
#include "fuzz/sessions.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tsr_dtls_config client_config, server_config;

static uint8_t plain[TSR_DTLS_PLAIN_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    tsr_dtls_options o = { .plain = plain, .plain_cap = sizeof(plain), .cid = true };

    (void)argc, (void)argv;
    fuzz_credentials(&o);
    if (tsr_dtls_config_init(&client_config, &o) != TSR_OK)
        abort();
    o.role = TSR_DTLS_SERVER;
    o.cid_len = 8;
    o.cbc = true;
    if (tsr_dtls_config_init(&server_config, &o) != TSR_OK)
        abort();
    return 0;
}

static void drain(tsr_dtls *s, uint64_t now_ms)
{
    uint8_t bytes[2048];
    tsr_dtls_event e;
    tsr_err err;

    for (unsigned i = 0; i < 20; i++) {
        tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

        while (tsr_dtls_event_next(s, &e))
            if (e.type == TSR_DTLS_CONNECTED || e.type == TSR_DTLS_DATA)
                abort();
        err = tsr_dtls_poll(s, &out, now_ms);
        if (err != TSR_OK)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t cid[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    tsr_bytes in = tsr_view(data, size), datagram;
    tsr_dtls s = { 0 };
    uint64_t now_ms = 0;
    uint16_t len;
    uint8_t role;

    if (tsr_get_u8(&in, &role) != TSR_OK)
        return 0;
    if ((role & 1) == 0 && tsr_dtls_start(&s, &client_config, NULL, 0) != TSR_OK)
        abort();
    drain(&s, 0);
    while (tsr_get_u16(&in, &len) == TSR_OK) {
        datagram = tsr_first(in, len);
        in = tsr_skip(in, len);
        if (s.config == NULL) {
            if (tsr_dtls_accept(&s, &server_config, cid, datagram, now_ms) != TSR_OK)
                return 0;
        } else if (tsr_dtls_feed(&s, datagram, now_ms) != TSR_OK) {
            break;
        }
        drain(&s, now_ms);
        now_ms += 300;
    }
    tsr_dtls_free(&s);
    return 0;
}
