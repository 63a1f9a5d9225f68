/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fdo/trace.h"

#include "tessera/cbor/cbor.h"
#include "tessera/fdo/rendezvous.h"

static uint8_t in_room[256], room[512];

/* FDO 1.1 RendezvousInfo: that of a captured run */
static void test_rendezvous_reads_directives_in_order(void **state)
{
    tsr_bytes in = from_hex("82 81820d4100 83820c4101 82054a696c6f63616c686f7374 820343194e16",
                            in_room, sizeof in_room);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_fdo_directive d;
    size_t count;

    (void)state;
    assert_int_equal(tsr_fdo_rv_check(in, &count), TSR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(tsr_fdo_rv_at(in, 0, &d), TSR_OK);
    assert_true(d.has_delay);
    assert_int_equal(d.delay_s, 0);
    assert_int_equal(tsr_fdo_rv_at(in, 1, &d), TSR_OK);
    assert_int_equal(d.protocol, TSR_FDO_RV_HTTP);
    assert_int_equal(d.dev_port, 19990);
    assert_true(tsr_same(d.dns, tsr_text("localhost")));
    assert_int_equal(tsr_fdo_rv_at(in, 2, &d), TSR_E_NOT_FOUND);
    (void)out;
}

static void test_rendezvous_writes_what_it_reads(void **state)
{
    static const uint8_t ip6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, hash[32] = { 9 };
    static const uint8_t ext[] = { 0x81, 0x61, 'x' };
    const tsr_fdo_directive full = {
        .dev_only = true,
        .owner_only = true,
        .bypass = true,
        .user_input = true,
        .has_delay = true,
        .medium = 21,
        .protocol = TSR_FDO_RV_HTTPS,
        .dev_port = 443,
        .owner_port = 8443,
        .delay_s = 3600,
        .ip = { ip6, 16 },
        .dns = tsr_text("rv.example"),
        .wifi_ssid = tsr_text("s"),
        .wifi_pw = tsr_text("p"),
        .server_cert = { TSR_FDO_SHA256, { hash, 32 } },
        .ca_cert = { TSR_FDO_SHA256, { hash, 32 } },
        .ext = { ext, 3 },
    };
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_fdo_directive d;
    size_t count;

    (void)state;
    tsr_cbor_put_array(&out, 1);
    tsr_fdo_put_directive(&out, &full);
    assert_int_equal(out.err, TSR_OK);
    assert_int_equal(tsr_fdo_rv_check(tsr_buf_view(&out), &count), TSR_OK);
    assert_int_equal(tsr_fdo_rv_at(tsr_buf_view(&out), 0, &d), TSR_OK);
    assert_true(d.dev_only && d.owner_only && d.bypass && d.user_input && d.has_delay);
    assert_int_equal(d.medium, 21);
    assert_int_equal(d.protocol, TSR_FDO_RV_HTTPS);
    assert_int_equal(d.dev_port, 443);
    assert_int_equal(d.owner_port, 8443);
    assert_int_equal(d.delay_s, 3600);
    assert_true(tsr_same(d.ip, full.ip) && tsr_same(d.dns, full.dns));
    assert_true(tsr_same(d.wifi_ssid, full.wifi_ssid) && tsr_same(d.wifi_pw, full.wifi_pw));
    assert_true(tsr_fdo_hash_same(&d.server_cert, &full.server_cert));
    assert_true(tsr_fdo_hash_same(&d.ca_cert, &full.ca_cert));
    assert_true(tsr_same(d.ext, full.ext));
    assert_false(d.unknown);
    for (size_t i = 0; i < out.len; i++)
        assert_int_not_equal(tsr_fdo_rv_check(tsr_view(out.ptr, i), &count), TSR_OK);
}

static void test_rendezvous_takes_odd_and_refuses_bad(void **state)
{
    static const struct {
        const char *hex;
        tsr_err err;
    } cases[] = {
        { "80", TSR_OK },                      /* none */
        { "8180", TSR_OK },                    /* a directive of nothing */
        { "8181 82 1820 4100", TSR_OK },       /* an unknown variable */
        { "8181 82 00 41f5", TSR_OK },         /* a flag with a value */
        { "8181 82 02 5100", TSR_E_MALFORMED },
        { "8181 82 02 44 43000000", TSR_E_MALFORMED }, /* 3 bytes of an address */
        { "8181 82 03 43 1affff", TSR_E_MALFORMED },
        { "8181 82 03 45 1a00010000", TSR_E_MALFORMED }, /* port 65536 */
        { "8181 82 05 41 60", TSR_E_MALFORMED },         /* no name */
        { "8181 82 0d 42 00 00", TSR_E_MALFORMED },      /* bytes behind the value */
        { "8181 83 0d 41 00 00", TSR_E_MALFORMED },
        { "8181 81 0d", TSR_E_MALFORMED }, /* a delay without a value */
        { "8181 82 06 45 8238 63 4100", TSR_E_UNSUPPORTED },
        /* FDO 1.0 does not wrap the values */
        { "8181 82 05 696c6f63616c686f7374", TSR_E_TYPE },
        { "81858205696c6f63616c686f73748203191f68820c018202447f00000182041920fb", TSR_E_TYPE },
        { "a0", TSR_E_TYPE },
        { "80 00", TSR_E_MALFORMED },
    };
    size_t count;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(
            tsr_fdo_rv_check(from_hex(cases[i].hex, in_room, sizeof in_room), &count),
            cases[i].err);
}

/* go-fdo writes IPv4 addresses mapped into 16 bytes (RFC 4291 §2.5.5.2). */
static void test_rendezvous_gives_mapped_addresses_as_ipv4(void **state)
{
    tsr_fdo_directive d;
    tsr_fdo_addr a;
    tsr_bytes in = from_hex("8181 82 02 51 50 00000000000000000000ffff7f000001", in_room,
                            sizeof in_room);

    (void)state;
    assert_int_equal(tsr_fdo_rv_at(in, 0, &d), TSR_OK);
    assert_int_equal(d.ip.len, 4);
    assert_memory_equal(d.ip.ptr, "\x7f\0\0\1", 4);
    in = from_hex("84 50 00000000000000000000ffff7f000001 f6 1950 03", in_room, sizeof in_room);
    assert_int_equal(tsr_fdo_get_addr(&in, &a), TSR_E_MALFORMED);
    in = from_hex("84 50 00000000000000000000ffff7f000001 f6 191f90 03", in_room, sizeof in_room);
    assert_int_equal(tsr_fdo_get_addr(&in, &a), TSR_OK);
    assert_int_equal(a.ip.len, 4);
    assert_int_equal(a.port, 8080);
    in = from_hex("84 f6 f6 1950 03", in_room, sizeof in_room); /* nowhere */
    assert_int_equal(tsr_fdo_get_addr(&in, &a), TSR_E_MALFORMED);
}

static void test_rendezvous_knows_default_ports(void **state)
{
    (void)state;
    assert_int_equal(tsr_fdo_rv_port(TSR_FDO_RV_HTTP), 80);
    assert_int_equal(tsr_fdo_rv_port(TSR_FDO_RV_HTTPS), 443);
    assert_int_equal(tsr_fdo_rv_port(TSR_FDO_RV_COAP_UDP), 5683);
    assert_int_equal(tsr_fdo_rv_port(TSR_FDO_RV_TCP), 0);
    assert_int_equal(tsr_fdo_rv_transport(TSR_FDO_RV_REST), TSR_FDO_OVER_HTTPS);
    assert_int_equal(tsr_fdo_rv_transport(TSR_FDO_RV_HTTP), TSR_FDO_OVER_HTTP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rendezvous_reads_directives_in_order),
        cmocka_unit_test(test_rendezvous_writes_what_it_reads),
        cmocka_unit_test(test_rendezvous_takes_odd_and_refuses_bad),
        cmocka_unit_test(test_rendezvous_gives_mapped_addresses_as_ipv4),
        cmocka_unit_test(test_rendezvous_knows_default_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
