/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tessera/coap/frame.h"

#define BYTES(...)                                                                                 \
    tsr_view((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static uint8_t room[1 << 17], built[1 << 17], body[70000];

static tsr_coap_deframer reader(size_t largest)
{
    tsr_coap_deframer d;

    assert_int_equal(tsr_coap_deframer_init(&d, room, largest + TSR_COAP_FRAME_SPARE), TSR_OK);
    return d;
}

static tsr_bytes build(uint8_t code, tsr_bytes token, tsr_bytes payload)
{
    tsr_buf out = tsr_buf_over(built, sizeof built);

    tsr_coap_frame_end(&out, tsr_coap_frame_begin(&out, code, token), payload);
    assert_int_equal(out.err, TSR_OK);
    return tsr_buf_view(&out);
}

/* RFC 8323 §3.2, Figure 5: 2.03 with Token 7f, no options, no payload. */
static void test_frame_reads_and_writes_figure_5(void **state)
{
    tsr_coap_deframer d = reader(30);
    tsr_bytes wire = BYTES(0x01, 0x43, 0x7f), in = wire;
    tsr_coap_frame f;
    tsr_coap_msg msg;

    (void)state;
    assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_OK);
    assert_int_equal(in.len, 0);
    assert_int_equal(f.code, TSR_COAP_VALID);
    assert_true(tsr_same(f.token, BYTES(0x7f)));
    assert_int_equal(f.rest.len, 0);
    assert_int_equal(tsr_coap_msg_parse(f.datagram, &msg), TSR_OK);
    assert_int_equal(msg.code, TSR_COAP_VALID);
    assert_true(tsr_same(build(TSR_COAP_VALID, BYTES(0x7f), tsr_view(NULL, 0)), wire));
}

/* RFC 8323 §5.7, Figures 11 and 12: Ping and Pong with Token 42. */
static void test_frame_reads_and_writes_figures_11_and_12(void **state)
{
    tsr_coap_deframer d = reader(30);
    tsr_bytes in = BYTES(0x01, 0xe2, 0x42, 0x01, 0xe3, 0x42);
    tsr_coap_frame f;

    (void)state;
    assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_OK);
    assert_int_equal(f.code, TSR_COAP_PING);
    assert_true(tsr_coap_is_signal(f.code));
    assert_true(tsr_same(f.token, BYTES(0x42)));
    assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_OK);
    assert_int_equal(f.code, TSR_COAP_PONG);
    assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_END);
    assert_true(
        tsr_same(build(TSR_COAP_PING, BYTES(0x42), tsr_view(NULL, 0)), BYTES(1, 0xe2, 0x42)));
    assert_true(
        tsr_same(build(TSR_COAP_PONG, BYTES(0x42), tsr_view(NULL, 0)), BYTES(1, 0xe3, 0x42)));
}

/* The message of RFC 8323 §3.1, Figure 2, with options: GET /temperature, Token 71. */
static void test_frame_carries_a_request(void **state)
{
    tsr_buf out = tsr_buf_over(built, sizeof built);
    tsr_coap_deframer d = reader(64);
    uint16_t last = 0;
    tsr_coap_frame f;
    tsr_coap_msg msg;
    size_t at = tsr_coap_frame_begin(&out, TSR_COAP_GET, BYTES(0x71));
    tsr_bytes in;

    (void)state;
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, "/temperature", '/');
    tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
    assert_int_equal(out.err, TSR_OK);
    in = tsr_buf_view(&out);
    assert_true(tsr_same(tsr_first(in, 4), BYTES(0xc1, 0x01, 0x71, 0xbb)));
    assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_OK);
    assert_int_equal(tsr_coap_msg_parse(f.datagram, &msg), TSR_OK);
    assert_int_equal(msg.type, TSR_COAP_CON);
    assert_true(tsr_coap_msg_path_is(&msg, 0, "/temperature"));
    assert_true(tsr_same(msg.token, BYTES(0x71)));
}

/* RFC 8323 §3.2: 12 and 13, 268 and 269, 65804 and 65805 bytes are where the forms change. */
static void test_frame_length_has_four_forms(void **state)
{
    static const struct {
        size_t length, head;
        uint8_t first, ext[4];
    } forms[] = {
        { 0, 2, 0x08, { 0 } },
        { 12, 2, 0xc8, { 0 } },
        { 13, 3, 0xd8, { 0 } },
        { 268, 3, 0xd8, { 255 } },
        { 269, 4, 0xe8, { 0, 0 } },
        { 65804, 4, 0xe8, { 255, 255 } },
        { 65805, 6, 0xf8, { 0, 0, 0, 0 } },
        { 65805 + 258, 6, 0xf8, { 0, 0, 1, 2 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t payload = forms[i].length != 0 ? forms[i].length - 1 : 0;
        tsr_bytes token = tsr_view("12345678", 8);
        tsr_bytes wire = build(TSR_COAP_CONTENT, token, tsr_view(body, payload)), in = wire;
        tsr_coap_deframer d = reader(wire.len < 30 ? 30 : wire.len);
        tsr_coap_frame f;

        assert_int_equal(wire.len, forms[i].head + 8 + forms[i].length);
        assert_int_equal(wire.ptr[0], forms[i].first);
        assert_memory_equal(wire.ptr + 1, forms[i].ext, forms[i].head - 2);
        assert_int_equal(wire.ptr[forms[i].head - 1], TSR_COAP_CONTENT);
        assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_OK);
        assert_int_equal(f.rest.len, forms[i].length);
        assert_true(tsr_same(f.token, token));
        if (wire.len > 30) { /* one byte less room is too little, and the head tells */
            d = reader(wire.len - 1);
            in = tsr_first(wire, forms[i].head);
            assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_E_SPACE);
        }
    }
}

/* A stream of messages of every form comes out the same, however it is cut. */
static void test_frame_any_chunking(void **state)
{
    static const size_t payloads[] = { 0, 11, 12, 40, 267, 268, 3000, 0, 1 };
    enum { COUNT = sizeof payloads / sizeof payloads[0] };
    static uint8_t stream[8000];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < COUNT; i++) {
        tsr_bytes one = build((uint8_t)(0x41 + i), tsr_first(tsr_text("tokentok"), i % 9),
                              tsr_view(body, payloads[i]));

        memcpy(stream + len, one.ptr, one.len);
        len += one.len;
    }
    srand(1);
    for (unsigned round = 0; round < 400; round++) {
        tsr_coap_deframer d = reader(3100);
        size_t at = 0, count = 0;

        while (at < len) {
            size_t n = round < 20 ? round + 1 : 1 + (size_t)rand() % (round < 200 ? 9 : 900);
            uint8_t *exact = malloc(n); /* so that a byte too far is seen */
            tsr_bytes in = { exact, n < len - at ? n : len - at };
            tsr_coap_frame f;
            tsr_err err;

            memcpy(exact, stream + at, in.len);
            at += in.len;
            while ((err = tsr_coap_deframe(&d, &in, &f)) == TSR_OK) {
                assert_int_equal(f.code, 0x41 + count);
                assert_int_equal(f.token.len, count % 9);
                assert_int_equal(f.rest.len, payloads[count] + (payloads[count] != 0));
                if (payloads[count] != 0)
                    assert_memory_equal(f.rest.ptr + 1, body, payloads[count]);
                count++;
            }
            assert_int_equal(err, TSR_END);
            assert_int_equal(in.len, 0);
            free(exact);
        }
        assert_int_equal(count, COUNT);
    }
}

/* RFC 7252 §3: token lengths 9 to 15 are reserved, also in a stream (RFC 8323 §3.2). */
static void test_frame_rejects_reserved_token_length(void **state)
{
    (void)state;
    for (uint8_t n = 9; n < 16; n++) {
        tsr_coap_deframer d = reader(100);
        uint8_t bytes[20] = { n, TSR_COAP_GET };
        tsr_bytes in = { bytes, sizeof bytes };
        tsr_coap_frame f;

        assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_E_MALFORMED);
    }
}

/* A length near 2^32 must neither wrap nor be waited for. */
static void test_frame_rejects_lengths_that_would_wrap(void **state)
{
    static const uint8_t lasts[] = { 0xff, 0xfe, 0x00 };

    (void)state;
    for (size_t i = 0; i < sizeof lasts; i++) {
        for (size_t largest = 30; largest < 100000; largest = largest * 3 + i) {
            tsr_coap_deframer d = reader(largest);
            tsr_bytes in = BYTES(0xf8, 0xff, lasts[i], 0xff, lasts[i], TSR_COAP_GET);
            tsr_coap_frame f;

            assert_int_equal(tsr_coap_deframe(&d, &in, &f), TSR_E_SPACE);
        }
    }
}

static void test_frame_rejects_bad_arguments(void **state)
{
    tsr_buf out = tsr_buf_over(built, 64);
    tsr_coap_deframer d;

    (void)state;
    assert_int_equal(tsr_coap_deframer_init(&d, room, 31), TSR_E_ARGUMENT);
    (void)tsr_coap_frame_begin(&out, TSR_COAP_GET, tsr_text("123456789"));
    assert_int_equal(out.err, TSR_E_ARGUMENT);
}

/* A writer that is one byte too short fails at every place, and writes nothing beyond. */
static void test_frame_writer_keeps_its_error(void **state)
{
    tsr_bytes whole = build(TSR_COAP_CONTENT, tsr_text("ab"), tsr_view(body, 300));

    (void)state;
    for (size_t cap = 0; cap < whole.len; cap++) {
        uint8_t *exact = malloc(cap != 0 ? cap : 1);
        tsr_buf out = tsr_buf_over(exact, cap);

        tsr_coap_frame_end(&out, tsr_coap_frame_begin(&out, TSR_COAP_CONTENT, tsr_text("ab")),
                           tsr_view(body, 300));
        assert_int_equal(out.err, TSR_E_SPACE);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_reads_and_writes_figure_5),
        cmocka_unit_test(test_frame_reads_and_writes_figures_11_and_12),
        cmocka_unit_test(test_frame_carries_a_request),
        cmocka_unit_test(test_frame_length_has_four_forms),
        cmocka_unit_test(test_frame_any_chunking),
        cmocka_unit_test(test_frame_rejects_reserved_token_length),
        cmocka_unit_test(test_frame_rejects_lengths_that_would_wrap),
        cmocka_unit_test(test_frame_rejects_bad_arguments),
        cmocka_unit_test(test_frame_writer_keeps_its_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
