/* SPDX-License-Identifier: Apache-2.0
 *
 * Each message of the captured runs is read, and written again byte for byte. */
#include "tests/fdo/trace.h"

#include "tessera/cbor/cbor.h"
#include "tessera/fdo/error.h"
#include "tessera/fdo/message.h"

static const char *trace;
static trace_body body;
static uint8_t room[4096];
static tsr_buf out;

static tsr_bytes message(unsigned type)
{
    out = tsr_buf_over(room, sizeof room);
    return trace_message(trace, type, &body);
}

static void assert_written(tsr_bytes want)
{
    assert_int_equal(out.err, TSR_OK);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.ptr, want.ptr, want.len);
}

/* The payload of a signed message. */
static tsr_bytes payload(tsr_bytes in, tsr_cose_message *m)
{
    assert_int_equal(tsr_cose_read(in, TSR_COSE_SIGN1, m), TSR_OK);
    return m->payload;
}

/* FDO 1.1 message.10, FDO 1.1 message.11, FDO 1.1 message.12, FDO 1.1 message.13 */
static void di(void)
{
    tsr_fdo_mfg_info info;
    tsr_fdo_hash hmac;
    tsr_bytes in = message(10), header;

    assert_int_equal(tsr_fdo_app_start_read(in, &info), TSR_OK);
    assert_memory_equal(info.device_info.ptr, "gotest", 6);
    tsr_fdo_app_start_write(&out, &info);
    assert_written(in);

    in = message(11);
    assert_int_equal(tsr_fdo_set_credentials_read(in, &header), TSR_OK);
    tsr_fdo_set_credentials_write(&out, header);
    assert_written(in);

    in = message(12);
    assert_int_equal(tsr_fdo_set_hmac_read(in, &hmac), TSR_OK);
    tsr_fdo_set_hmac_write(&out, &hmac);
    assert_written(in);

    in = message(13);
    assert_int_equal(tsr_fdo_empty_read(in), TSR_OK);
    tsr_fdo_empty_write(&out);
    assert_written(in);
}

/* FDO 1.1 message.30, FDO 1.1 message.31, FDO 1.1 message.32, FDO 1.1 message.33 */
static void to1(void)
{
    tsr_fdo_hello_rv hello;
    tsr_cose_message m;
    tsr_fdo_eat eat;
    tsr_fdo_to1d to1d;
    tsr_fdo_addr addr;
    tsr_bytes in = message(30);
    uint8_t guid[16];

    assert_int_equal(tsr_fdo_hello_rv_read(in, &hello), TSR_OK);
    memcpy(guid, hello.id.ptr, sizeof guid);
    tsr_fdo_hello_rv_write(&out, &hello);
    assert_written(in);

    in = message(31);
    assert_int_equal(tsr_fdo_hello_rv_read(in, &hello), TSR_OK);
    tsr_fdo_hello_rv_write(&out, &hello);
    assert_written(in);

    in = payload(message(32), &m);
    assert_int_equal(tsr_fdo_eat_read(in, &eat), TSR_OK);
    assert_memory_equal(eat.guid.ptr, guid, sizeof guid);
    assert_null(eat.kex.ptr);
    tsr_fdo_eat_write(&out, &eat);
    assert_written(in);

    in = payload(message(33), &m);
    assert_int_equal(tsr_fdo_to1d_read(in, &to1d), TSR_OK);
    assert_int_equal(to1d.count, 1);
    assert_int_equal(tsr_fdo_addr_at(to1d.addrs, 0, &addr), TSR_OK);
    assert_int_equal(addr.transport, TSR_FDO_OVER_HTTP);
    assert_int_equal(tsr_fdo_addr_at(to1d.addrs, 1, &addr), TSR_E_NOT_FOUND);
    tsr_fdo_to1d_write(&out, &addr, 1, &to1d.to0d_hash);
    assert_written(in);
}

/* FDO 1.1 message.60, FDO 1.1 message.61 */
static void to2_hello(void)
{
    tsr_fdo_hello_device hello;
    tsr_fdo_prove_ov prove;
    tsr_cose_message m;
    tsr_fdo_key owner;
    tsr_bytes in = message(60), nonce, header, parts[1];

    parts[0] = in;
    assert_int_equal(tsr_fdo_hello_device_read(in, &hello), TSR_OK);
    assert_int_equal(hello.max_message, 65535);
    tsr_fdo_hello_device_write(&out, &hello);
    assert_written(in);

    trace_body b61;

    in = payload(trace_message(trace, 61, &b61), &m);
    assert_int_equal(tsr_fdo_prove_ov_read(in, &prove), TSR_OK);
    assert_int_equal(prove.entries, 1);
    assert_int_equal(tsr_fdo_hash_check(&prove.hello_hash, parts, 1), TSR_OK);
    assert_true(tsr_same(prove.nonce, hello.nonce));
    out.len = 0;
    tsr_fdo_prove_ov_write(&out, &prove);
    assert_written(in);

    assert_int_equal(tsr_fdo_prove_ov_header_read(&m, &nonce, &owner), TSR_OK);
    assert_int_equal(tsr_fdo_verify(&m, &owner), TSR_OK);
    out.len = 0;
    tsr_cbor_put_map(&out, 2);
    tsr_fdo_prove_ov_header_write(&out, nonce, owner.encoded);
    header = m.unprotected_map;
    assert_written(header);
    b61.room[b61.len - 1] ^= 1; /* in the signature */
    assert_int_equal(tsr_fdo_verify(&m, &owner), TSR_E_CRYPTO);
}

/* FDO 1.1 message.62, FDO 1.1 message.63, FDO 1.1 message.64 */
static void to2_proof(void)
{
    tsr_cose_message m;
    tsr_fdo_eat eat;
    tsr_bytes in = message(62), entry, nonce;
    uint64_t n;

    assert_int_equal(tsr_fdo_number_read(in, 255, &n), TSR_OK);
    tsr_fdo_number_write(&out, n);
    assert_written(in);

    in = message(63);
    assert_int_equal(tsr_fdo_next_entry_read(in, &n, &entry), TSR_OK);
    assert_int_equal(n, 0);
    tsr_fdo_next_entry_write(&out, n, entry);
    assert_written(in);

    in = payload(message(64), &m);
    assert_int_equal(tsr_fdo_prove_device_header_read(&m, &nonce), TSR_OK);
    assert_int_equal(tsr_fdo_eat_read(in, &eat), TSR_OK);
    assert_non_null(eat.kex.ptr);
    tsr_fdo_eat_write(&out, &eat); /* the peer's order is another; both are read */
    assert_int_equal(out.len, in.len);
    assert_int_equal(tsr_fdo_eat_read(tsr_buf_view(&out), &eat), TSR_OK);
}

static void test_messages_of_runs_are_read_and_written_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRACES; i++) {
        trace = traces[i];
        di();
        to1();
        to2_hello();
        to2_proof();
    }
}

/* FDO 1.1 message.65, FDO 1.1 message.66, FDO 1.1 message.67: as the log of a run has them */
static void test_setup_messages_are_written_and_read(void **state)
{
    uint8_t in_room[512], mac[32] = { 7 };
    trace_body b;
    tsr_fdo_setup setup = { .guid = { mac, 16 }, .nonce = { mac, 16 } }, got;
    tsr_fdo_hash hmac = { TSR_FDO_HMAC256, { mac, 32 } }, none = { 0, { NULL, 0 } }, read;
    tsr_bytes header = trace_message(traces[0], 11, &b), in;
    uint64_t size;

    (void)state;
    out = tsr_buf_over(room, sizeof room);
    in = from_hex("82 81820d4100 83820c4101 82054a696c6f63616c686f7374 820343194e16", in_room,
                  sizeof in_room);
    setup.rv_info = in;
    setup.owner.encoded = tsr_skip(header, 0x3c);
    setup.owner.encoded.len = 0x60;
    tsr_fdo_setup_write(&out, &setup);
    assert_int_equal(tsr_fdo_setup_read(tsr_buf_view(&out), &got), TSR_OK);
    assert_int_equal(got.owner.type, TSR_FDO_SECP256R1);
    assert_true(tsr_same(got.rv_info, in));
    for (size_t n = 0; n < out.len; n++) /* cut anywhere */
        assert_int_not_equal(tsr_fdo_setup_read(tsr_view(out.ptr, n), &got), TSR_OK);

    out.len = 0;
    tsr_fdo_device_ready_write(&out, &hmac, 1300);
    assert_int_equal(tsr_fdo_device_ready_read(tsr_buf_view(&out), &read, &size), TSR_OK);
    assert_true(tsr_fdo_hash_same(&hmac, &read));
    assert_int_equal(size, 1300);
    out.len = 0;
    tsr_fdo_device_ready_write(&out, &none, 0);
    assert_written(from_hex("82f6f6", in_room, sizeof in_room));
    assert_int_equal(tsr_fdo_device_ready_read(tsr_buf_view(&out), &read, &size), TSR_OK);
    assert_int_equal(read.alg, 0);
    out.len = 0;
    tsr_fdo_owner_ready_write(&out, 0);
    assert_written(from_hex("81f6", in_room, sizeof in_room));
    assert_int_equal(tsr_fdo_owner_ready_read(tsr_buf_view(&out), &size), TSR_OK);
    assert_int_equal(size, 0);
}

/* FDO 1.1 message.68, FDO 1.1 message.69 */
static void test_service_info_gives_its_pairs(void **state)
{
    uint8_t in_room[128];
    tsr_bytes in = from_hex("83f4f4 82 82 6c66646f2e646f776e3a6c656e 41 0e 82 63613a62 42 8100",
                            in_room, sizeof in_room),
              module, message_name, value;
    tsr_fdo_info info;

    (void)state;
    assert_int_equal(tsr_fdo_info_read(in, true, &info), TSR_OK);
    assert_int_equal(tsr_fdo_info_next(&info, &module, &message_name, &value), TSR_OK);
    assert_true(tsr_same(module, tsr_text("fdo.down")));
    assert_true(tsr_same(message_name, tsr_text("len")));
    assert_int_equal(value.len, 1);
    assert_int_equal(tsr_fdo_info_next(&info, &module, &message_name, &value), TSR_OK);
    assert_int_equal(tsr_fdo_info_next(&info, &module, &message_name, &value), TSR_END);
    assert_int_equal(tsr_fdo_info_read(in, false, &info), TSR_E_MALFORMED);
    in_room[6] = 'f'; /* no colon is left in "a:b" when it is gone */
    in_room[23] = 'x';
    assert_int_equal(tsr_fdo_info_read(in, true, &info), TSR_E_MALFORMED);

    out = tsr_buf_over(room, sizeof room);
    tsr_fdo_put_info(&out, "devmod", "active", tsr_view("\xf5", 1));
    assert_written(from_hex("82 6d6465766d6f643a616374697665 41f5", in_room, sizeof in_room));
}

/* FDO 1.1 message.20, FDO 1.1 message.21, FDO 1.1 message.22, FDO 1.1 message.23 */
static void test_to0_is_written_and_read(void **state)
{
    uint8_t nonce[16] = { 1, 2, 3 }, voucher[] = { 0x81, 0x18, 0x65 }, to1d[] = { 0xd2, 0x80 };
    tsr_fdo_to0d d = { { voucher, 3 }, 3600, { nonce, 16 } }, got;
    tsr_bytes a, b, n;
    uint8_t inner[64];
    tsr_buf w = tsr_buf_over(inner, sizeof inner);
    uint64_t wait;

    (void)state;
    tsr_fdo_to0d_write(&w, &d);
    out = tsr_buf_over(room, sizeof room);
    tsr_fdo_owner_sign_write(&out, tsr_buf_view(&w), tsr_view(to1d, 2));
    assert_int_equal(tsr_fdo_owner_sign_read(tsr_buf_view(&out), &a, &b), TSR_OK);
    assert_int_equal(tsr_fdo_to0d_read(a, &got), TSR_OK);
    assert_int_equal(got.wait_s, 3600);
    assert_true(tsr_same(got.voucher, d.voucher) && tsr_same(got.nonce, d.nonce));
    assert_true(tsr_same(b, tsr_view(to1d, 2)));

    out.len = 0;
    tsr_fdo_nonce_write(&out, tsr_view(nonce, 16));
    assert_int_equal(tsr_fdo_nonce_read(tsr_buf_view(&out), &n), TSR_OK);
    assert_int_equal(tsr_fdo_nonce_read(tsr_view(out.ptr, out.len - 1), &n), TSR_E_MALFORMED);
    out.len = 0;
    tsr_fdo_number_write(&out, 3600);
    assert_int_equal(tsr_fdo_number_read(tsr_buf_view(&out), UINT32_MAX, &wait), TSR_OK);
    assert_int_equal(wait, 3600);
    assert_int_equal(tsr_fdo_number_read(tsr_buf_view(&out), 10, &wait), TSR_E_DENIED);
    /* -1 and 2^63 as an index */
    assert_int_equal(tsr_fdo_number_read(tsr_view("\x81\x20", 2), 255, &wait), TSR_E_TYPE);
    assert_int_equal(
        tsr_fdo_number_read(tsr_view("\x81\x1b\x80\0\0\0\0\0\0\0", 10), 255, &wait),
        TSR_E_DENIED);
}

/* FDO 1.1 message.255 */
static void test_error_is_read_in_every_form(void **state)
{
    static const struct {
        const char *hex;
        bool timed;
    } forms[] = {
        { "85 1865 183d 6162 1a65000000 f6", true },          /* a number */
        { "85 1865 183d 6162 c11a65000000 07", true },        /* a tagged time */
        { "85 1865 183d 6162 f6 f6", false },                 /* null */
        { "85 1865 183d 6162 c0 6474657874 f6", false },      /* a date as text */
        { "85 1865 183d 6162 c1 f97bff f6", false },          /* a float */
        { "83 1865 183d 6162", false },                       /* nothing more */
        { "a3 6a6572726f725f636f6465 1865 75 70726576696f75735f6d6573736167655f74797065 183d"
          " 6c6572726f725f737472696e67 6162",
          false }, /* a map */
    };
    tsr_fdo_error e = { 101, 61, { (const uint8_t *)"b", 1 }, true, 1700000000, false, 0 }, got;
    uint8_t in_room[128];

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_int_equal(
            tsr_fdo_error_read(from_hex(forms[i].hex, in_room, sizeof in_room), &got), TSR_OK);
        assert_int_equal(got.code, 101);
        assert_int_equal(got.previous, 61);
        assert_memory_equal(got.text.ptr, "b", 1);
        assert_int_equal(got.has_time, forms[i].timed);
    }
    out = tsr_buf_over(room, sizeof room);
    tsr_fdo_error_write(&out, &e);
    assert_int_equal(tsr_fdo_error_read(tsr_buf_view(&out), &got), TSR_OK);
    assert_int_equal(got.unix_s, 1700000000);
    assert_int_equal(tsr_fdo_error_read(tsr_view("\x80", 1), &got), TSR_E_MALFORMED);
    assert_int_equal(tsr_fdo_error_read(tsr_view("\x01", 1), &got), TSR_E_MALFORMED);
    assert_int_equal(tsr_fdo_code_of(TSR_E_MALFORMED), TSR_FDO_BODY);
    assert_int_equal(tsr_fdo_code_of(TSR_E_CRYPTO), TSR_FDO_INVALID);
}

/* Every prefix of every message is refused, and nothing is read behind it. */
static void test_messages_cut_short_are_refused(void **state)
{
    tsr_fdo_mfg_info info;
    tsr_fdo_hello_device hello;
    tsr_fdo_hello_rv rv;
    tsr_bytes in, v;
    uint64_t n;

    (void)state;
    trace = traces[1];
    in = message(10);
    for (size_t i = 0; i < in.len; i++)
        assert_int_not_equal(tsr_fdo_app_start_read(tsr_view(in.ptr, i), &info), TSR_OK);
    in = message(30);
    for (size_t i = 0; i < in.len; i++)
        assert_int_not_equal(tsr_fdo_hello_rv_read(tsr_view(in.ptr, i), &rv), TSR_OK);
    in = message(60);
    for (size_t i = 0; i < in.len; i++)
        assert_int_not_equal(tsr_fdo_hello_device_read(tsr_view(in.ptr, i), &hello), TSR_OK);
    in = message(63);
    for (size_t i = 0; i < in.len; i++)
        assert_int_not_equal(tsr_fdo_next_entry_read(tsr_view(in.ptr, i), &n, &v), TSR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_runs_are_read_and_written_alike),
        cmocka_unit_test(test_setup_messages_are_written_and_read),
        cmocka_unit_test(test_service_info_gives_its_pairs),
        cmocka_unit_test(test_to0_is_written_and_read),
        cmocka_unit_test(test_error_is_read_in_every_form),
        cmocka_unit_test(test_messages_cut_short_are_refused),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
