/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared secrets and session keys of the captured runs. */
#ifndef TESTS_FDO_KAT_H
#define TESTS_FDO_KAT_H

#include "tests/fdo/trace.h"

#include "tessera/cbor/cbor.h"
#include "tessera/fdo/message.h"
#include "tessera/fdo/session.h"

typedef struct {
    tsr_fdo_secret secret;
    uint8_t sek[32], svk[32];
    size_t sek_len, svk_len;
} kat;

static inline size_t kat_hex(const char **at, uint8_t *to, size_t cap)
{
    char hex[1024];
    size_t len = strcspn(*at, " \n");

    assert_true(len < sizeof hex);
    memcpy(hex, *at, len);
    hex[len] = '\0';
    *at += len;
    if (**at == ' ')
        ++*at;
    return from_hex(hex, to, cap).len;
}

/* "KATKDF method ShSe SEK SVK"; ContextRand is the xA of message 61 with ASYMKEX. */
static inline void kat_read(const char *folder, kat *k)
{
    static trace_body text, b61;
    tsr_bytes in = trace_file(folder, "kdf-kat.txt", &text);
    const char *at = (const char *)text.room;
    tsr_fdo_prove_ov p;
    tsr_cose_message m;

    text.room[in.len] = '\0';
    memset(k, 0, sizeof *k);
    at = strchr(at, ' ') + 1;
    at = strchr(at, ' ') + 1;
    k->secret.len = kat_hex(&at, k->secret.shse, sizeof k->secret.shse);
    k->sek_len = kat_hex(&at, k->sek, sizeof k->sek);
    k->svk_len = kat_hex(&at, k->svk, sizeof k->svk);
    if (strncmp((const char *)text.room, "KATKDF oaep", 11) != 0)
        return;
    assert_int_equal(tsr_cose_read(trace_message(folder, 61, &b61), TSR_COSE_SIGN1, &m), TSR_OK);
    assert_int_equal(tsr_fdo_prove_ov_read(m.payload, &p), TSR_OK);
    memcpy(k->secret.context, p.kex.ptr, p.kex.len);
    k->secret.context_len = p.kex.len;
}

static inline const tsr_fdo_cipher *kat_cipher(const char *folder)
{
    static trace_body b60;
    tsr_fdo_hello_device hello;

    assert_int_equal(tsr_fdo_hello_device_read(trace_message(folder, 60, &b60), &hello), TSR_OK);
    return tsr_fdo_cipher_find(hello.cipher);
}

/* Message `type` of exchange `n`; false: there is none. */
static inline bool kat_exchange(const char *folder, unsigned n, unsigned *type, trace_body *b,
                                bool response)
{
    static const unsigned requests[] = { 64, 66, 68, 70 };
    char path[160];

    for (size_t i = 0; i < 4; i++) {
        unsigned t = requests[i] + (response ? 1 : 0);
        FILE *f;

        snprintf(path, sizeof path, "%s/tests/vectors/fdo/%s/%02u-%s-%u.cbor", TSR_SOURCE_DIR,
                 folder, n, response ? "resp" : "req", t);
        f = fopen(path, "rb");
        if (f == NULL)
            continue;
        b->len = fread(b->room, 1, sizeof b->room, f);
        fclose(f);
        *type = t;
        return true;
    }
    return false;
}

#endif
