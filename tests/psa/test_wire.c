/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames and parameter blocks of the wall: what is written is read back, and no other bytes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "psa/wire/frame.h"
#include "psa/wire/params.h"

static size_t sample_request(uint8_t *frame, size_t cap)
{
    psa_invec in[2] = { { "abc", 3 }, { "", 0 } };
    psa_outvec out[2] = { { NULL, 16 }, { NULL, 4 } };
    tsr_buf buf = tsr_buf_over(frame, cap);

    tsr_wire_request_head(&buf, 3, 7, in, 2, out, 2);
    tsr_put_bytes(&buf, tsr_view("abc", 3));
    assert_int_equal(buf.err, TSR_OK);
    return buf.len;
}

static void test_request_is_documented_bytes(void **state)
{
    static const uint8_t want[] = { 'T', 1, 0, 7, 0, 0, 0, 3,  2, 2, 0, 0, 0,   0,   0,  3,
                                    0,   0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 4, 'a', 'b', 'c' };
    uint8_t frame[64];

    (void)state;
    assert_int_equal(sample_request(frame, sizeof frame), sizeof want);
    assert_memory_equal(frame, want, sizeof want);
}

static void test_request_round_trip(void **state)
{
    uint8_t frame[64];
    tsr_wire_request req;
    size_t len = sample_request(frame, sizeof frame);

    (void)state;
    assert_int_equal(tsr_wire_request_read(tsr_view(frame, len), &req), TSR_OK);
    assert_int_equal(req.handle, 3);
    assert_int_equal(req.type, 7);
    assert_int_equal(req.in_len, 2);
    assert_int_equal(req.out_len, 2);
    assert_int_equal(req.in[0].len, 3);
    assert_memory_equal(req.in[0].ptr, "abc", 3);
    assert_int_equal(req.in[1].len, 0);
    assert_int_equal(req.room[0], 16);
    assert_int_equal(req.room[1], 4);
}

static void test_request_refuses_every_other_length(void **state)
{
    uint8_t frame[64] = { 0 };
    tsr_wire_request req;
    size_t len = sample_request(frame, sizeof frame);

    (void)state;
    for (size_t n = 0; n < sizeof frame; n++)
        if (n != len)
            assert_int_equal(tsr_wire_request_read(tsr_view(frame, n), &req), TSR_E_MALFORMED);
}

static void refuses(size_t at, uint8_t value)
{
    uint8_t frame[64];
    tsr_wire_request req;
    size_t len = sample_request(frame, sizeof frame);

    frame[at] = value;
    assert_int_equal(tsr_wire_request_read(tsr_view(frame, len), &req), TSR_E_MALFORMED);
}

static void test_request_refuses_broken_head(void **state)
{
    (void)state;
    refuses(0, 'U');  /* mark */
    refuses(1, 2);    /* version */
    refuses(2, 0x80); /* type above INT16_MAX */
    refuses(4, 0x80); /* negative handle */
    refuses(8, 3);    /* five vectors */
    refuses(8, 1);    /* one input less than there are bytes for */
    refuses(8, 255);
    refuses(9, 3);
    refuses(11, 1); /* reserved */
    refuses(12, 1); /* a huge input */
    refuses(14, 0xff);
    refuses(15, 4);    /* one byte more than there is */
    refuses(15, 2);    /* one byte less */
    refuses(20, 0xff); /* a huge output */
    refuses(22, 0x60); /* outputs that no reply could carry */
}

static void test_reply_round_trip_moves_outputs_together(void **state)
{
    uint8_t frame[64], memory[64];
    tsr_buf reply = tsr_buf_over(memory, sizeof memory);
    tsr_wire_request req;
    psa_outvec out[PSA_MAX_IOVEC];
    tsr_bytes got[PSA_MAX_IOVEC];
    psa_status_t status;
    size_t len = sample_request(frame, sizeof frame);

    (void)state;
    assert_int_equal(tsr_wire_request_read(tsr_view(frame, len), &req), TSR_OK);
    assert_int_equal(tsr_wire_reply_open(&reply, &req, out), TSR_OK);
    assert_int_equal(out[0].len, 16);
    memcpy(out[0].base, "hello", 5);
    out[0].len = 5;
    memcpy(out[1].base, "xyz", 3);
    out[1].len = 3;
    tsr_wire_reply_close(&reply, &req, PSA_SUCCESS, out);
    assert_int_equal(reply.len, 8 + 8 + 8);
    assert_int_equal(tsr_wire_reply_read(tsr_buf_view(&reply), 2, &status, got), TSR_OK);
    assert_int_equal(status, PSA_SUCCESS);
    assert_int_equal(got[0].len, 5);
    assert_memory_equal(got[0].ptr, "hello", 5);
    assert_memory_equal(got[1].ptr, "xyz", 3);
    assert_int_equal(tsr_wire_reply_read(tsr_buf_view(&reply), 1, &status, got), TSR_E_MALFORMED);
    for (size_t n = 0; n < reply.len; n++)
        assert_int_equal(tsr_wire_reply_read(tsr_view(memory, n), 2, &status, got),
                         TSR_E_MALFORMED);
}

static void test_failed_reply_carries_no_bytes(void **state)
{
    uint8_t frame[64], memory[64];
    tsr_buf reply = tsr_buf_over(memory, sizeof memory);
    tsr_wire_request req;
    psa_outvec out[PSA_MAX_IOVEC];
    tsr_bytes got[PSA_MAX_IOVEC];
    psa_status_t status;
    size_t len = sample_request(frame, sizeof frame);

    (void)state;
    assert_int_equal(tsr_wire_request_read(tsr_view(frame, len), &req), TSR_OK);
    assert_int_equal(tsr_wire_reply_open(&reply, &req, out), TSR_OK);
    memcpy(out[0].base, "secret", 6);
    tsr_wire_reply_close(&reply, &req, PSA_ERROR_INVALID_SIGNATURE, out);
    assert_int_equal(tsr_wire_reply_read(tsr_buf_view(&reply), 2, &status, got), TSR_OK);
    assert_int_equal(status, PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(got[0].len, 0);
    for (size_t i = 0; i + 6 <= sizeof memory; i++)
        assert_memory_not_equal(memory + i, "secret", 6);
}

static void test_reply_needs_its_room(void **state)
{
    uint8_t frame[64], memory[35];
    tsr_buf reply = tsr_buf_over(memory, sizeof memory);
    tsr_wire_request req;
    psa_outvec out[PSA_MAX_IOVEC];
    size_t len = sample_request(frame, sizeof frame);

    (void)state;
    assert_int_equal(tsr_wire_request_read(tsr_view(frame, len), &req), TSR_OK);
    assert_int_equal(tsr_wire_reply_open(&reply, &req, out), TSR_E_SPACE); /* wants 16 + 20 */
}

static void test_hello_round_trip(void **state)
{
    uint8_t memory[TSR_WIRE_HELLO + 1] = { 0 };
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    tsr_wire_hello hello = { PSA_ERROR_CONNECTION_BUSY, -1001, TSR_WIRE_MAX }, got;

    (void)state;
    tsr_wire_hello_write(&out, &hello);
    assert_int_equal(out.len, TSR_WIRE_HELLO);
    assert_int_equal(tsr_wire_hello_read(tsr_buf_view(&out), &got), TSR_OK);
    assert_int_equal(got.status, PSA_ERROR_CONNECTION_BUSY);
    assert_int_equal(got.client, -1001);
    assert_int_equal(got.frame_max, TSR_WIRE_MAX);
    for (size_t n = 0; n <= sizeof memory; n++)
        if (n != TSR_WIRE_HELLO)
            assert_int_equal(tsr_wire_hello_read(tsr_view(memory, n), &got), TSR_E_MALFORMED);
}

static void test_params_round_trip(void **state)
{
    uint8_t memory[TSR_WIRE_PARAMS + TSR_WIRE_NONCE_MAX + 1] = { 0 };
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    tsr_wire_params p = {
        1, 2, 3, 4, 5, 6, { 7, 8, 9, 10, 11, 12, 13 }, { (const uint8_t *)"nonce", 5 }
    };
    tsr_wire_params got;

    (void)state;
    tsr_wire_params_write(&out, &p);
    assert_int_equal(out.len, TSR_WIRE_PARAMS + 5);
    assert_int_equal(tsr_wire_params_read(tsr_buf_view(&out), &got), TSR_OK);
    assert_int_equal(got.key, 1);
    assert_int_equal(got.alg, 2);
    assert_int_equal(got.operation, 3);
    assert_int_equal(got.step, 4);
    assert_int_equal(got.number, 5);
    assert_int_equal(got.extra, 6);
    assert_int_equal(got.attributes.type, 7);
    assert_int_equal(got.attributes.bits, 8);
    assert_int_equal(got.attributes.lifetime, 9);
    assert_int_equal(got.attributes.id, 10);
    assert_int_equal(got.attributes.usage, 11);
    assert_int_equal(got.attributes.alg, 12);
    assert_int_equal(got.attributes.alg2, 13);
    assert_int_equal(got.nonce.len, 5);
    for (size_t n = 0; n <= sizeof memory; n++)
        assert_int_equal(tsr_wire_params_read(tsr_view(memory, n), &got),
                         n >= TSR_WIRE_PARAMS && n < sizeof memory ? TSR_OK : TSR_E_MALFORMED);
}

static void test_params_refuse_long_nonce(void **state)
{
    uint8_t memory[TSR_WIRE_PARAMS + TSR_WIRE_NONCE_MAX], nonce[TSR_WIRE_NONCE_MAX + 1] = { 0 };
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    tsr_wire_params p = { .nonce = { nonce, sizeof nonce } };

    (void)state;
    tsr_wire_params_write(&out, &p);
    assert_int_equal(out.err, TSR_E_SPACE);
}

static void test_steps_round_trip(void **state)
{
    uint8_t memory[64];
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    tsr_wire_step a = { TSR_STEP_BYTES, 0x0204, { (const uint8_t *)"seed", 4 }, 0 }, got;
    tsr_wire_step b = { TSR_STEP_KEY, 0x0101, { NULL, 0 }, 77 };
    tsr_wire_step c = { TSR_STEP_INTEGER, 0x0205, { NULL, 0 }, 1ull << 40 };

    (void)state;
    tsr_wire_step_write(&out, &a);
    tsr_wire_step_write(&out, &b);
    tsr_wire_step_write(&out, &c);
    assert_int_equal(out.err, TSR_OK);

    tsr_bytes in = tsr_buf_view(&out);

    assert_int_equal(tsr_wire_step_read(&in, &got), TSR_OK);
    assert_int_equal(got.kind, TSR_STEP_BYTES);
    assert_int_equal(got.step, 0x0204);
    assert_memory_equal(got.bytes.ptr, "seed", 4);
    assert_int_equal(tsr_wire_step_read(&in, &got), TSR_OK);
    assert_int_equal(got.kind, TSR_STEP_KEY);
    assert_int_equal(got.integer, 77);
    assert_int_equal(tsr_wire_step_read(&in, &got), TSR_OK);
    assert_int_equal(got.integer, 1ull << 40);
    assert_int_equal(tsr_wire_step_read(&in, &got), TSR_END);
}

static void test_steps_refuse_rubbish(void **state)
{
    static const uint8_t kind[] = { 9, 0, 0, 0, 0 }, short_head[] = { 1, 0, 0, 0 };
    static const uint8_t long_value[] = { 1, 0, 0, 0, 2, 'a' },
                         bad_key[] = { 2, 0, 0, 0, 3, 1, 2, 3 };
    const tsr_bytes bad[] = { { kind, sizeof kind },
                              { short_head, sizeof short_head },
                              { long_value, sizeof long_value },
                              { bad_key, sizeof bad_key } };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tsr_bytes in = bad[i];
        tsr_wire_step got;

        assert_int_equal(tsr_wire_step_read(&in, &got), TSR_E_MALFORMED);
        assert_int_equal(in.len, bad[i].len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_is_documented_bytes),
        cmocka_unit_test(test_request_round_trip),
        cmocka_unit_test(test_request_refuses_every_other_length),
        cmocka_unit_test(test_request_refuses_broken_head),
        cmocka_unit_test(test_reply_round_trip_moves_outputs_together),
        cmocka_unit_test(test_failed_reply_carries_no_bytes),
        cmocka_unit_test(test_reply_needs_its_room),
        cmocka_unit_test(test_hello_round_trip),
        cmocka_unit_test(test_params_round_trip),
        cmocka_unit_test(test_params_refuse_long_nonce),
        cmocka_unit_test(test_steps_round_trip),
        cmocka_unit_test(test_steps_refuse_rubbish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
