/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole runs of the device: DI, TO1, TO2, and onboarding anew. */
#include "tests/fdo/rig.h"

static rig r;

static void whole_run(tsr_fdo_key_type type, bool p384, const tsr_fdo_kex_method *kex,
                      const tsr_fdo_cipher *cipher, tsr_fdo_svk svk)
{
    tsr_fdo_hash hmac;
    uint8_t header_room[2048];
    tsr_buf header = tsr_buf_over(header_room, sizeof header_room);
    tsr_fdo_ov_header h;

    rig_make(&r, type, p384, kex, cipher);
    r.svk = svk;
    r.chain = p384;
    rig_di(&r);
    assert_true(r.onboarded);
    assert_int_equal(r.stores, 1);
    rig_onboard(&r);
    if (r.failed)
        fail_msg("%s (%s) after %u", r.failure.what, tsr_err_name(r.failure.err), r.last);
    assert_true(r.onboarded);
    assert_int_equal(r.stores, 2);
    assert_int_equal(r.sent[62], RIG_ENTRIES);
    assert_true(tsr_fdo_device_idle(&r.device));
    assert_int_equal(tsr_fdo_device_due(&r.device), UINT64_MAX);

    /* FDO 1.1 message.66: the HMAC is over the header of the new voucher */
    const tsr_fdo_credential *c = tsr_fdo_device_credential(&r.device);
    uint8_t chain[32] = { 5 };

    assert_memory_equal(c->guid.ptr, r.new_guid, 16);
    h = (tsr_fdo_ov_header){ .guid = c->guid,
                             .rv_info = c->rv_info,
                             .device_info = tsr_text("rig"),
                             .manufacturer = { .encoded = r.owner[RIG_ENTRIES - 1].encoded } };
    if (p384)
        h.chain_hash = (tsr_fdo_hash){ TSR_FDO_SHA256, { chain, 32 } };
    tsr_fdo_ov_header_write(&header, &h);
    uint8_t mac_room[TSR_FDO_HASH_MAX];

    assert_int_equal(
        tsr_fdo_mac_make(r.config.mac, r.secret, tsr_buf_view(&header), mac_room, &hmac), TSR_OK);
    assert_true(tsr_fdo_hash_same(&hmac, &r.hmac));

    /* it is not onboarded again, until it is sold on */
    assert_int_equal(tsr_fdo_device_begin(&r.device, r.now), TSR_E_STATE);
    rig_restart(&r);
    assert_int_equal(tsr_fdo_device_begin(&r.device, r.now), TSR_E_STATE);
    assert_int_equal(tsr_fdo_device_resell(&r.device), TSR_OK);
    rig_restart(&r);
    assert_int_equal(tsr_fdo_device_begin(&r.device, r.now), TSR_OK);
    rig_drop(&r);
}

static void test_device_is_onboarded_with_every_key_and_suite(void **state)
{
    (void)state;
    whole_run(TSR_FDO_SECP256R1, false, &tsr_fdo_ecdh256, &tsr_fdo_a128gcm, 0);
    whole_run(TSR_FDO_SECP384R1, true, &tsr_fdo_ecdh384, &tsr_fdo_a256gcm, 0);
    whole_run(TSR_FDO_SECP256R1, true, &tsr_fdo_ecdh256, &tsr_fdo_ccm_64_128_128, 0);
    whole_run(TSR_FDO_RSA2048RESTR, false, &tsr_fdo_asymkex2048, &tsr_fdo_ccm_64_128_256, 0);
    whole_run(TSR_FDO_RSA2048RESTR, false, &tsr_fdo_dhkex14, &tsr_fdo_aes128cbc,
              TSR_FDO_SVK_SHORT);
    whole_run(TSR_FDO_SECP256R1, false, &tsr_fdo_ecdh256, &tsr_fdo_aes256ctr, TSR_FDO_SVK_FULL);
    whole_run(TSR_FDO_SECP256R1, false, &tsr_fdo_ecdh256, &tsr_fdo_aes128ctr, TSR_FDO_SVK_SHORT);
}

static void ready(void)
{
    rig_make(&r, TSR_FDO_SECP256R1, false, &tsr_fdo_ecdh256, &tsr_fdo_a128gcm);
    rig_di(&r);
    assert_true(r.onboarded);
}

static void test_device_keeps_its_credential_for_reuse(void **state)
{
    uint8_t before[sizeof r.stored];

    (void)state;
    ready();
    memcpy(before, r.stored, r.stored_len);
    r.reuse = true;
    rig_onboard(&r);
    assert_true(r.onboarded);
    assert_int_equal(r.stores, 1);
    assert_memory_equal(before, r.stored, r.stored_len);
    rig_onboard(&r); /* and once more */
    assert_true(r.onboarded);

    r.config.refuse_reuse = true;
    rig_onboard(&r);
    assert_true(r.failed);
    assert_int_equal(r.failure.code, TSR_FDO_REUSE_REFUSED);
    assert_int_equal(r.last, TSR_FDO_ERROR);
    rig_drop(&r);
}

/* The owner's first address is not one of ours; the second's name, then its IP address. */
static void test_device_goes_from_address_to_address(void **state)
{
    tsr_fdo_send send;

    (void)state;
    ready();
    r.damaged = 61;
    r.damage = RIG_LOST;
    rig_onboard(&r);
    assert_true(r.failed);
    assert_true(tsr_same(r.device.target.ip, tsr_view("\x0a\0\0\2", 4)));
    assert_int_equal(r.device.target.port, 8080);
    assert_int_equal(tsr_fdo_device_poll(&r.device, r.now, &send), TSR_END);
    assert_in_range(tsr_fdo_device_due(&r.device), r.now + 2250, r.now + 3750);
    rig_onboard(&r); /* that one too: back to the rendezvous server, after a pass */
    assert_true(r.failed);
    assert_in_range(tsr_fdo_device_due(&r.device), r.now + 90000, r.now + 150000);
    r.damage = RIG_WHOLE;
    rig_onboard(&r);
    assert_true(r.onboarded);
    assert_int_equal(r.sent[30], 2);
    rig_drop(&r);
}

static void test_device_survives_a_store_that_fails(void **state)
{
    uint8_t before[sizeof r.stored];
    size_t len;

    (void)state;
    ready();
    len = r.stored_len;
    memcpy(before, r.stored, len);
    r.store_err = TSR_E_IO;
    rig_onboard(&r);
    assert_true(r.failed);
    assert_int_equal(r.failure.code, TSR_FDO_INTERNAL);
    assert_int_equal(r.stored_len, len);
    assert_memory_equal(before, r.stored, len);
    r.store_err = TSR_OK;
    rig_onboard(&r);
    assert_true(r.onboarded);
    rig_drop(&r);
}

static void test_device_in_di_refuses_what_it_cannot_use(void **state)
{
    (void)state;
    rig_make(&r, TSR_FDO_SECP256R1, false, &tsr_fdo_ecdh256, &tsr_fdo_a128gcm);
    r.damaged = 11;
    r.damage = RIG_HEADER; /* FIDO_TEST_VOUCHER_HEADER_BAD_RVINFO_EMPTY */
    rig_di(&r);
    assert_true(r.failed);
    assert_int_equal(r.last, TSR_FDO_ERROR);
    assert_int_equal(r.stores, 0);
    assert_true(tsr_fdo_device_idle(&r.device));
    r.damage = RIG_ENCODING;
    rig_di(&r);
    assert_true(r.failed);
    r.damaged = 13;
    rig_di(&r);
    assert_true(r.failed);
    assert_int_equal(r.stores, 0);
    r.damage = RIG_WHOLE;
    rig_di(&r);
    assert_true(r.onboarded);
    assert_int_equal(r.stores, 1);
    rig_drop(&r);
}

static void test_device_answers_only_what_it_awaits(void **state)
{
    tsr_fdo_send send;

    (void)state;
    ready();
    assert_int_equal(tsr_fdo_device_feed(&r.device, 31, tsr_text("x"), 0), TSR_E_STATE);
    assert_int_equal(tsr_fdo_device_begin(&r.device, 0), TSR_OK);
    assert_int_equal(tsr_fdo_device_begin(&r.device, 0), TSR_E_STATE);
    assert_int_equal(tsr_fdo_device_begin_di(&r.device), TSR_E_STATE);
    assert_int_equal(tsr_fdo_device_resell(&r.device), TSR_E_STATE);
    assert_int_equal(tsr_fdo_device_poll(&r.device, 0, &send), TSR_OK);
    assert_int_equal(send.type, 30);
    assert_true(send.first);
    assert_true(tsr_same(send.to->dns, tsr_text("rv")));
    assert_int_equal(send.to->port, 80);
    assert_int_equal(tsr_fdo_device_poll(&r.device, 0, &send), TSR_END);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_is_onboarded_with_every_key_and_suite),
        cmocka_unit_test(test_device_keeps_its_credential_for_reuse),
        cmocka_unit_test(test_device_goes_from_address_to_address),
        cmocka_unit_test(test_device_survives_a_store_that_fails),
        cmocka_unit_test(test_device_in_di_refuses_what_it_cannot_use),
        cmocka_unit_test(test_device_answers_only_what_it_awaits),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
