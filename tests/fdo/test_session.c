/* SPDX-License-Identifier: Apache-2.0
 *
 * Encrypted messages: every suite, and those of the captured runs against go-fdo's own log. */
#include "tests/fdo/kat.h"

static const int64_t suites[] = {
    TSR_FDO_A128GCM,        TSR_FDO_A192GCM,        TSR_FDO_A256GCM,   TSR_FDO_CCM_16_128_128,
    TSR_FDO_CCM_16_128_256, TSR_FDO_CCM_64_128_128, TSR_FDO_CCM_64_128_256,
    TSR_FDO_AES128CBC,      TSR_FDO_AES128CTR,      TSR_FDO_AES256CBC, TSR_FDO_AES256CTR,
};

static const tsr_fdo_secret secret = { .shse = { 1, 2, 3 }, .len = 64 };

static void seals_and_opens(tsr_fdo_session *a, tsr_fdo_session *b, size_t len)
{
    uint8_t plain[600], sealed[800], opened[800];
    tsr_buf out = tsr_buf_over(sealed, sizeof sealed), back = tsr_buf_over(opened, sizeof opened);

    memset(plain, 0x5a, len);
    assert_int_equal(tsr_fdo_session_seal(a, &tsr_fdo_random_psa, tsr_view(plain, len), &out),
                     TSR_OK);
    assert_true(out.len <= len + a->cipher->overhead);
    assert_int_equal(tsr_fdo_session_unseal(b, tsr_buf_view(&out), &back), TSR_OK);
    assert_int_equal(back.len, len);
    assert_memory_equal(opened, plain, len);
}

/* FDO 1.1 Session; RFC 9459 §4, RFC 9459 §5 */
static void test_session_seals_and_opens_with_every_suite(void **state)
{
    static const size_t lengths[] = { 1, 3, 15, 16, 17, 23, 24, 200, 255, 256, 599 };

    (void)state;
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        for (int svk = 0; svk < 2; svk++) {
            const tsr_fdo_cipher *c = tsr_fdo_cipher_find(suites[i]);
            tsr_fdo_session a, b;

            assert_int_equal(tsr_fdo_session_open(&a, c, (tsr_fdo_svk)svk, &secret), TSR_OK);
            assert_int_equal(tsr_fdo_session_open(&b, c, (tsr_fdo_svk)svk, &secret), TSR_OK);
            for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
                seals_and_opens(&a, &b, lengths[n]);
                seals_and_opens(&b, &a, lengths[n]);
            }
            tsr_fdo_session_close(&a);
            tsr_fdo_session_close(&b);
            tsr_fdo_session_close(&b); /* harmless */
            assert_int_equal(tsr_fdo_session_seal(&a, &tsr_fdo_random_psa, tsr_text("x"),
                                                  &(tsr_buf){ 0 }),
                             TSR_E_STATE);
        }
    assert_null(tsr_fdo_cipher_find(4));
}

static void test_session_refuses_every_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        uint8_t sealed[256], opened[256];
        tsr_buf out = tsr_buf_over(sealed, sizeof sealed), back;
        tsr_fdo_session s;

        assert_int_equal(tsr_fdo_session_open(&s, tsr_fdo_cipher_find(suites[i]),
                                              TSR_FDO_SVK_FULL, &secret),
                         TSR_OK);
        assert_int_equal(
            tsr_fdo_session_seal(&s, &tsr_fdo_random_psa, tsr_text("service info"), &out), TSR_OK);
        for (size_t at = 0; at < out.len; at++) {
            sealed[at] ^= (uint8_t)(1u << at % 8);
            back = tsr_buf_over(opened, sizeof opened);
            if (tsr_fdo_session_unseal(&s, tsr_buf_view(&out), &back) == TSR_OK || back.len != 0)
                fail_msg("suite %d, byte %zu", (int)suites[i], at);
            sealed[at] ^= (uint8_t)(1u << at % 8);
            back = tsr_buf_over(opened, sizeof opened);
            assert_int_not_equal(tsr_fdo_session_unseal(&s, tsr_view(sealed, at), &back), TSR_OK);
        }
        back = tsr_buf_over(opened, 3); /* no room */
        assert_int_equal(tsr_fdo_session_unseal(&s, tsr_buf_view(&out), &back), TSR_E_SPACE);
        out.len = out.cap - 20;
        assert_int_equal(
            tsr_fdo_session_seal(&s, &tsr_fdo_random_psa, tsr_text("service info"), &out),
            TSR_E_SPACE);
        assert_int_equal(out.len, out.cap - 20);
        tsr_fdo_session_close(&s);
    }
}

/* What the network brings twice is taken once. */
static void test_session_refuses_a_message_that_comes_again(void **state)
{
    static const int32_t three[] = { TSR_FDO_A128GCM, TSR_FDO_AES128CBC, TSR_FDO_AES256CTR };
    uint8_t sealed[256], opened[256];

    (void)state;
    for (size_t i = 0; i < sizeof three / sizeof three[0]; i++) {
        tsr_buf out = tsr_buf_over(sealed, sizeof sealed), back = tsr_buf_over(opened, sizeof opened);
        tsr_fdo_session s;

        assert_int_equal(tsr_fdo_session_open(&s, tsr_fdo_cipher_find(three[i]),
                                              TSR_FDO_SVK_FULL, &secret),
                         TSR_OK);
        assert_int_equal(tsr_fdo_session_seal(&s, &tsr_fdo_random_psa, tsr_text("once"), &out),
                         TSR_OK);
        assert_int_equal(tsr_fdo_session_unseal(&s, tsr_buf_view(&out), &back), TSR_OK);
        assert_int_equal(tsr_fdo_session_unseal(&s, tsr_buf_view(&out), &back), TSR_E_DENIED);
        assert_int_equal(back.len, 4);
        tsr_fdo_session_close(&s);
    }
}

/* The counter of CTR goes on where the last message ended, and never comes back. */
static void test_session_ctr_counts_on(void **state)
{
    uint8_t room[256];
    tsr_fdo_session s;

    (void)state;
    assert_int_equal(tsr_fdo_session_open(&s, &tsr_fdo_aes128ctr, TSR_FDO_SVK_FULL, &secret),
                     TSR_OK);
    for (size_t i = 0; i < 3; i++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        assert_int_equal(tsr_fdo_session_seal(&s, &tsr_fdo_random_psa, /* two blocks */
                                              tsr_text("seventeen bytes.."), &out),
                         TSR_OK);
        assert_int_equal(s.iv[15], 2 * (i + 1));
        assert_int_equal(s.iv[12] | s.iv[13] | s.iv[14], 0);
    }
    memset(s.iv + 12, 0xff, 4);

    tsr_buf out = tsr_buf_over(room, sizeof room);

    assert_int_equal(tsr_fdo_session_seal(&s, &tsr_fdo_random_psa, tsr_text("over"), &out),
                     TSR_E_CRYPTO);
    tsr_fdo_session_close(&s);
}

/* ---- the runs ----------------------------------------------------------------------------- */

/* An item in CBOR's diagnostic notation, as the log has it. */
static void diagnose(tsr_bytes *in, tsr_buf *out)
{
    tsr_cbor_item item;

    assert_int_equal(tsr_cbor_next(in, &item), TSR_OK);
    switch (item.kind) {
    case TSR_CBOR_UINT: tsr_put_dec(out, item.n); break;
    case TSR_CBOR_NINT: tsr_put_sdec(out, -1 - (int64_t)item.n); break;
    case TSR_CBOR_BYTES:
        tsr_put_text(out, "h'");
        for (size_t i = 0; i < item.bytes.len; i++) {
            char hex[3];

            snprintf(hex, sizeof hex, "%02x", item.bytes.ptr[i]);
            tsr_put_text(out, hex);
        }
        tsr_put_text(out, "'");
        break;
    case TSR_CBOR_TEXT:
        tsr_put_text(out, "\"");
        tsr_put_bytes(out, item.bytes);
        tsr_put_text(out, "\"");
        break;
    case TSR_CBOR_ARRAY:
        tsr_put_text(out, "[");
        for (uint64_t i = 0; i < item.n; i++) {
            tsr_put_text(out, i > 0 ? ", " : "");
            diagnose(in, out);
        }
        tsr_put_text(out, "]");
        break;
    case TSR_CBOR_MAP:
        assert_int_equal(item.n, 0);
        tsr_put_text(out, "{}");
        break;
    case TSR_CBOR_TAG:
        tsr_put_dec(out, item.n);
        tsr_put_text(out, "(");
        diagnose(in, out);
        tsr_put_text(out, ")");
        break;
    case TSR_CBOR_SIMPLE:
        tsr_put_text(out, item.n == 20 ? "false" : item.n == 21 ? "true" : "null");
        break;
    default: fail();
    }
}

/* The body of the log's next line, without its quotes. */
static const char *logged(const char *at, unsigned *type, char *body)
{
    at = strstr(at, " msg=");
    while (at != NULL && (at[5] < '0' || at[5] > '9'))
        at = strstr(at + 5, " msg=");
    assert_non_null(at);
    *type = (unsigned)strtoul(at + 5, NULL, 10);
    at = strstr(at, "body=") + 5;
    bool quoted = *at == '"';

    for (at += quoted; *at != (quoted ? '"' : '\n'); at++) {
        if (*at == '\\')
            at++;
        *body++ = *at;
    }
    *body = '\0';
    return at;
}

static void opens_run(const char *folder)
{
    static char log[1 << 16], body[1 << 14], mine[1 << 14];
    const tsr_fdo_cipher *cipher = kat_cipher(folder);
    char path[128];
    const char *at = log;
    tsr_fdo_session s;
    unsigned count = 0;
    tsr_bytes file;
    kat k;

    kat_read(folder, &k);
    snprintf(path, sizeof path, "fdo/%s/to2-plaintext-server.log", folder);
    file = vector_file(path);
    assert_true(file.len < sizeof log);
    memcpy(log, file.ptr, file.len);
    log[file.len] = '\0';
    assert_int_equal(tsr_fdo_session_open(&s, cipher, TSR_FDO_SVK_SHORT, &k.secret), TSR_OK);
    for (unsigned n = 7; n < 30; n++)
        for (int response = n == 7 ? 1 : 0; response < 2; response++) {
            unsigned type = 0, want = 0;
            trace_body b;
            uint8_t room[4096];
            tsr_buf plain = tsr_buf_over(room, sizeof room);
            tsr_buf text = tsr_buf_over(mine, sizeof mine - 1);
            tsr_bytes in;

            if (!kat_exchange(folder, n, &type, &b, response == 1))
                continue;
            assert_int_equal(tsr_fdo_session_unseal(&s, tsr_view(b.room, b.len), &plain), TSR_OK);
            in = tsr_buf_view(&plain);
            diagnose(&in, &text);
            assert_int_equal(in.len, 0);
            mine[text.len] = '\0';
            at = logged(at, &want, body);
            assert_int_equal(type, want);
            assert_string_equal(mine, body);
            count++;
        }
    assert_true(count >= 9);
    assert_null(strstr(at, "body="));
    tsr_fdo_session_close(&s);
}

static void test_session_opens_every_message_of_the_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRACES; i++)
        opens_run(traces[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_seals_and_opens_with_every_suite),
        cmocka_unit_test(test_session_refuses_every_change),
        cmocka_unit_test(test_session_refuses_a_message_that_comes_again),
        cmocka_unit_test(test_session_ctr_counts_on),
        cmocka_unit_test(test_session_opens_every_message_of_the_runs),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
