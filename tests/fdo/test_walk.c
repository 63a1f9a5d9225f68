/* SPDX-License-Identifier: Apache-2.0
 *
 * Rendezvous instructions: where the device goes, in which order, and how long it waits.
 * FDO 1.1 RendezvousInfo */
#include "tests/fdo/trace.h"

#include "tessera/cbor/cbor.h"
#include "tessera/fdo/device.h"

typedef struct {
    tsr_fdo_directive directives[6];
    size_t count;
} plan;

static uint8_t room[6][2048];
static tsr_fdo_device d;
static uint16_t drawn; /* what the jitter is made of */

static tsr_err fill(void *user, uint8_t *to, size_t len)
{
    (void)user;
    memset(to, 0, len);
    if (len == sizeof drawn)
        memcpy(to, &drawn, len);
    return TSR_OK;
}

static const tsr_fdo_random constant = { fill, NULL };
static const tsr_fdo_kex_method *const kex[] = { &tsr_fdo_ecdh256 };
static tsr_fdo_device_config config = {
    .device_alg = TSR_COSE_ES256,
    .kex = kex,
    .kex_count = 1,
    .cipher = &tsr_fdo_a128gcm,
    .random = &constant,
    .transports = 1u << TSR_FDO_OVER_HTTP | 1u << TSR_FDO_OVER_HTTPS,
};

static void make(const plan *p)
{
    static const uint8_t zeros[32] = { 0 };
    uint8_t info_room[512], credential_room[1024];
    tsr_buf info = tsr_buf_over(info_room, sizeof info_room);
    tsr_buf credential = tsr_buf_over(credential_room, sizeof credential_room);
    tsr_fdo_buffers b = { .part = { .len = 0 } };
    tsr_buf *all[] = { &b.credential, &b.next, &b.redirect, &b.message, &b.in, &b.out };
    tsr_fdo_credential c = { .active = true,
                             .device_info = tsr_text("w"),
                             .guid = { zeros, 16 },
                             .key_hash = { TSR_FDO_SHA256, { zeros, 32 } },
                             .key_type = TSR_FDO_SECP256R1,
                             .key_bits = 256 };

    tsr_cbor_put_array(&info, p->count);
    for (size_t i = 0; i < p->count; i++) {
        tsr_fdo_directive v = p->directives[i];

        v.medium = TSR_FDO_RV_NONE;
        tsr_fdo_put_directive(&info, &v);
    }
    c.rv_info = tsr_buf_view(&info);
    tsr_fdo_credential_write(&credential, &c);
    for (size_t i = 0; i < 6; i++)
        *all[i] = tsr_buf_over(room[i], sizeof room[i]);
    assert_int_equal(tsr_fdo_device_init(&d, &config, &b, tsr_buf_view(&credential)), TSR_OK);
    drawn = 250; /* in the middle: no jitter */
}

/* Waits for the next message, which must come after `wait_s`, and loses it. */
static void goes_to(uint64_t *now, uint64_t wait_s, const char *place, uint16_t port,
                    unsigned type)
{
    tsr_fdo_send send;
    uint64_t due = *now + wait_s * 1000;
    tsr_bytes at;

    assert_int_equal(tsr_fdo_device_due(&d), due);
    if (wait_s > 0)
        assert_int_equal(tsr_fdo_device_poll(&d, due - 1, &send), TSR_END);
    *now = due;
    assert_int_equal(tsr_fdo_device_poll(&d, *now, &send), TSR_OK);
    assert_int_equal(send.type, type);
    assert_true(send.first);
    at = send.to->dns.ptr != NULL ? send.to->dns : send.to->ip;
    assert_true(tsr_same(at, tsr_text(place)));
    assert_int_equal(send.to->port, port);
    tsr_fdo_device_lost(&d, *now);
}

#define NAMED(n) .protocol = TSR_FDO_RV_HTTP, .dns = { (const uint8_t *)(n), sizeof(n) - 1 }
#define AT(four) .ip = { (const uint8_t *)(four), 4 }

/* A delay counts when its directive has failed; after a pass without one it is two minutes. */
static void test_walk_follows_directives_and_delays(void **state)
{
    static const plan p = { {
                                { NAMED("a"), AT("1111"), .dev_port = 81 },
                                { NAMED("skipped"), .owner_only = true, .has_delay = true,
                                  .delay_s = 999 },
                                { NAMED("b"), .dev_only = true, .has_delay = true, .delay_s = 60 },
                                { .protocol = TSR_FDO_RV_COAP_UDP, AT("nope") },
                                { .protocol = TSR_FDO_RV_HTTPS, AT("2222") },
                            },
                            5 };
    uint64_t now = 1000;

    (void)state;
    make(&p);
    assert_int_equal(tsr_fdo_device_begin(&d, now), TSR_OK);
    goes_to(&now, 0, "a", 81, 30);
    goes_to(&now, 3, "1111", 81, 30);
    goes_to(&now, 0, "b", 80, 30);
    goes_to(&now, 60, "2222", 443, 30);
    goes_to(&now, 120, "a", 81, 30); /* and so on, for ever */
    goes_to(&now, 3, "1111", 81, 30);
    goes_to(&now, 0, "b", 80, 30);
}

/* Bypass: the owner is there, TO1 is left out. */
static void test_walk_bypasses_rendezvous(void **state)
{
    static const plan p = { { { NAMED("owner"), .bypass = true, .dev_port = 8043 },
                              { NAMED("rv") } },
                            2 };
    uint64_t now = 0;

    (void)state;
    make(&p);
    assert_int_equal(tsr_fdo_device_begin(&d, now), TSR_OK);
    goes_to(&now, 0, "owner", 8043, 60);
    goes_to(&now, 0, "rv", 80, 30);
    goes_to(&now, 120, "owner", 8043, 60);
}

/* A delay in front, an own delay at the end, an hour at most, a quarter more or less */
static void test_walk_limits_and_scatters_delays(void **state)
{
    static const plan p = { { { .has_delay = true, .delay_s = 40, .protocol = TSR_FDO_RV_NONE },
                              { NAMED("a"), .has_delay = true, .delay_s = 100000 } },
                            2 };
    uint64_t now = 0;

    (void)state;
    make(&p);
    assert_int_equal(tsr_fdo_device_begin(&d, now), TSR_OK);
    goes_to(&now, 40, "a", 80, 30);
    goes_to(&now, TSR_FDO_DELAY_MAX_S, "a", 80, 30);
    drawn = 0;
    tsr_fdo_device_stop(&d);
    assert_int_equal(tsr_fdo_device_begin(&d, now), TSR_OK);
    assert_int_equal(tsr_fdo_device_due(&d), now + 30000);
    drawn = 500;
    tsr_fdo_device_stop(&d);
    assert_int_equal(tsr_fdo_device_begin(&d, now), TSR_OK);
    assert_int_equal(tsr_fdo_device_due(&d), now + 50000);
}

static void test_walk_tells_when_there_is_nowhere(void **state)
{
    static const plan p = { { { NAMED("a"), .owner_only = true },
                              { .protocol = TSR_FDO_RV_TCP, AT("nope"), .dev_port = 1 },
                              { .has_delay = true, .delay_s = 5, .protocol = TSR_FDO_RV_NONE } },
                            3 };
    tsr_fdo_event e;

    (void)state;
    make(&p);
    assert_int_equal(tsr_fdo_device_begin(&d, 0), TSR_OK);
    assert_true(tsr_fdo_device_event(&d, &e));
    assert_int_equal(e.kind, TSR_FDO_EV_FAILED);
    assert_int_equal(e.err, TSR_E_NOT_FOUND);
    assert_true(tsr_fdo_device_idle(&d));
    assert_int_equal(tsr_fdo_device_due(&d), UINT64_MAX);
}

/* REST and no protocol at all are HTTPS and then HTTP; no TLS: HTTP. IPv6 as well as IPv4 */
static void test_walk_chooses_the_transport(void **state)
{
    static const uint8_t ip6[16] = { 0x20, 1, [15] = 1 }, digest[32] = { 1 };
    static const plan p = { { { .protocol = TSR_FDO_RV_REST, .ip = { ip6, 16 } } }, 1 };
    static const plan both = { { { NAMED("b"), AT("2222") }, { NAMED("a"), AT("1111") } }, 2 };
    plan q = both;
    uint64_t now = 0;
    tsr_fdo_send send;

    (void)state;
    make(&p);
    assert_int_equal(tsr_fdo_device_begin(&d, 0), TSR_OK);
    assert_int_equal(tsr_fdo_device_poll(&d, 0, &send), TSR_OK);
    assert_int_equal(send.to->transport, TSR_FDO_OVER_HTTPS);
    assert_int_equal(send.to->port, 443);
    assert_int_equal(send.to->ip.len, 16);
    config.transports = 1u << TSR_FDO_OVER_HTTP;
    make(&p);
    assert_int_equal(tsr_fdo_device_begin(&d, 0), TSR_OK);
    assert_int_equal(tsr_fdo_device_poll(&d, 0, &send), TSR_OK);
    assert_int_equal(send.to->transport, TSR_FDO_OVER_HTTP);
    assert_int_equal(send.to->port, 80);
    config.transports |= 1u << TSR_FDO_OVER_HTTPS;
    q.directives[0].protocol = TSR_FDO_RV_NONE;
    make(&q);
    assert_int_equal(tsr_fdo_device_begin(&d, now), TSR_OK);
    goes_to(&now, 0, "b", 443, 30);
    goes_to(&now, 3, "2222", 443, 30);
    goes_to(&now, 3, "b", 80, 30);
    goes_to(&now, 3, "2222", 80, 30);
    goes_to(&now, 0, "a", 80, 30);
    goes_to(&now, 3, "1111", 80, 30);
    q.directives[0].server_cert = (tsr_fdo_hash){ TSR_FDO_SHA256, { digest, sizeof digest } };
    make(&q);
    assert_int_equal(tsr_fdo_device_begin(&d, now), TSR_OK);
    goes_to(&now, 0, "b", 443, 30);
    goes_to(&now, 3, "2222", 443, 30);
    goes_to(&now, 0, "a", 80, 30); /* never without TLS */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_follows_directives_and_delays),
        cmocka_unit_test(test_walk_bypasses_rendezvous),
        cmocka_unit_test(test_walk_limits_and_scatters_delays),
        cmocka_unit_test(test_walk_tells_when_there_is_nowhere),
        cmocka_unit_test(test_walk_chooses_the_transport),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
