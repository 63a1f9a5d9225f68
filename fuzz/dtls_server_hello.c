/* SPDX-License-Identifier: Apache-2.0
 *
 * Any datagram at a server that knows nobody yet. Bytes 0..1: what to do with the rest. */
#include <stdlib.h>

#include <psa/crypto.h>

#include "tessera/net/dtls.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t plain[TSR_DTLS_PLAIN_MAX];
static tsr_dtls_config server;

static tsr_err find(void *user, tsr_bytes identity, uint32_t *key_id)
{
    (void)user, (void)identity, (void)key_id;
    return TSR_E_NOT_FOUND;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    tsr_dtls_options o = { .role = TSR_DTLS_SERVER,
                           .plain = plain,
                           .plain_cap = sizeof(plain),
                           .psk_find = find,
                           .cid = true,
                           .cid_len = 8 };

    (void)argc, (void)argv;
    if (psa_crypto_init() != PSA_SUCCESS || tsr_dtls_config_init(&server, &o) != TSR_OK)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t cid[8] = { 1 };
    uint8_t answer_bytes[TSR_DTLS_HELLO_ANSWER_MAX], out_bytes[2048];
    tsr_buf answer = tsr_buf_over(answer_bytes, sizeof(answer_bytes));
    tsr_bytes datagram, found = { NULL, 0 };
    tsr_dtls session;
    tsr_dtls_event e;

    if (size < 2)
        return 0;
    datagram = tsr_view(data + 2, size - 2);
    if (tsr_dtls_peek(datagram, data[0] % 17, &found) == TSR_DTLS_IS_CID &&
        found.len != data[0] % 17)
        abort();
    if (tsr_dtls_hello(&server, tsr_text("192.0.2.1"), datagram, &answer, data[1] * 1000u) ==
            TSR_DTLS_VERIFY &&
        answer.len > datagram.len)
        abort(); /* an amplifier */
    if (tsr_dtls_accept(&session, &server, cid, datagram, 0) != TSR_OK)
        return 0;
    for (unsigned i = 0; i < 6; i++) {
        tsr_buf out = tsr_buf_over(out_bytes, sizeof(out_bytes));

        while (tsr_dtls_event_next(&session, &e))
            if (e.type == TSR_DTLS_CONNECTED || e.type == TSR_DTLS_DATA)
                abort(); /* nobody has a key here */
        if (tsr_dtls_poll(&session, &out, i * 500u) != TSR_OK)
            break;
    }
    tsr_dtls_free(&session);
    return 0;
}
