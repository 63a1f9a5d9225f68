/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device has to refuse: the cases of FIDO's conformance tool for devices, by their ids, and
 * our own. After each the credential is as it was, and the next attempt succeeds. */
#include "tests/fdo/rig.h"

typedef struct {
    const char *id;
    unsigned message; /* the answer that is damaged */
    rig_damage damage;
    unsigned never; /* the message that must not be sent then */
} refusal;

#define FIDO(id) "FIDO_LISTENER_DEVICE_" id

static const refusal cases[] = {
    { FIDO("30_BAD_ENCODING"), 31, RIG_ENCODING, 32 },
    { FIDO("32_BAD_ENCODING"), 33, RIG_ENCODING, 60 },
    { FIDO("32_BAD_TO1D"), 33, RIG_SIGNATURE, 64 },
    { FIDO("60_BAD_OVHDR_OVHEADER"), 61, RIG_HEADER, 62 },
    { FIDO("60_BAD_NONCE_TO2PROVEOV"), 61, RIG_NONCE, 62 },
    { FIDO("60_BAD_EBSIGNINFO"), 61, RIG_SIG_INFO, 62 },
    { FIDO("60_BAD_HELLODEVICEHASH"), 61, RIG_HASH, 62 },
    { FIDO("60_BAD_COSE_SIGNATURE"), 61, RIG_SIGNATURE, 62 },
    { FIDO("60_BAD_HELLOACK_PAYLOAD_ENCODING"), 61, RIG_PAYLOAD, 62 },
    { FIDO("60_BAD_HELLOACK_ENCODING"), 61, RIG_ENCODING, 62 },
    { FIDO("60_MISSING_AUTHZ_HEADER"), 61, RIG_LOST, 62 }, /* which its host tells the engine */
    { FIDO("62_BAD_OVENTRY_COSE_SIGNATURE"), 63, RIG_SIGNATURE, 64 },
    { FIDO("62_BAD_OVNEXTENTRY_PAYLOAD"), 63, RIG_PAYLOAD, 64 },
    { FIDO("62_BAD_OVENTRYNUM"), 63, RIG_NUMBER, 64 },
    { FIDO("64_BAD_NONCE_TO2SETUPDV"), 65, RIG_NONCE, 66 },
    { FIDO("64_BAD_SETUPDEVICE_PAYLOAD"), 65, RIG_PAYLOAD, 66 },
    { FIDO("64_BAD_SETUPDEVICE_COSE_SIGNATURE"), 65, RIG_SIGNATURE, 66 },
    { FIDO("64_BAD_SETUPDEVICE_BYTES"), 65, RIG_BYTES, 66 },
    { FIDO("64_BAD_ENC_WRAPPING"), 65, RIG_WRAPPING, 66 },
    { FIDO("64_BAD_SETUPDEVICE_ENCODING"), 65, RIG_ENCODING, 66 },
    { FIDO("66_BAD_ENCODING"), 67, RIG_ENCODING, 68 },
    { FIDO("66_BAD_ENC_WRAPPING"), 67, RIG_WRAPPING, 68 },
    { FIDO("68_BAD_ENCODING"), 69, RIG_ENCODING, 70 },
    { FIDO("68_BAD_ENC_WRAPPING"), 69, RIG_WRAPPING, 70 },
    { FIDO("70_BAD_NONCE_TO2SETUPDV64"), 71, RIG_NONCE, 0 },
    { FIDO("70_BAD_DONE71_ENCODING"), 71, RIG_ENCODING, 0 },
    { FIDO("70_BAD_ENC_WRAPPING"), 71, RIG_WRAPPING, 0 },

    { "TSR_31_SIGINFO_OF_ANOTHER_KIND", 31, RIG_SIG_INFO, 32 },
    { "TSR_33_REDIRECT_BY_A_STRANGER", 33, RIG_STRANGER, 64 },
    { "TSR_33_BAD_PAYLOAD", 33, RIG_PAYLOAD, 60 },
    { "TSR_61_OWNER_KEY_NOT_THE_VOUCHERS", 61, RIG_STRANGER, 64 },
    { "TSR_61_NO_ENTRIES", 61, RIG_NUMBER, 62 },
    { "TSR_61_HEADER_HMAC", 61, RIG_HMAC, 62 },
    { "TSR_65_BY_ANOTHER_KEY_THAN_IT_SAYS", 65, RIG_STRANGER, 66 },
    { "TSR_67_SIZE_255", 67, RIG_SIZE, 68 },
    { "TSR_69_DONE_AND_MORE", 69, RIG_SIZE, 70 },
    { "TSR_67_BAD_BYTES", 67, RIG_BYTES, 68 },
    { "TSR_69_BAD_BYTES", 69, RIG_BYTES, 70 },
    { "TSR_71_BAD_BYTES", 71, RIG_BYTES, 0 },
};

static const unsigned answers[] = { 31, 33, 61, 63, 65, 67, 69, 71 };

static const struct {
    rig_damage damage;
    const char *name;
} anywhere[] = {
    { RIG_TYPE, "ANOTHER_MESSAGE" }, { RIG_ERROR, "ERROR_255" },   { RIG_LOST, "NO_ANSWER" },
    { RIG_TRUNCATED, "CUT_SHORT" },  { RIG_OVERLONG, "OVERLONG" },
};

static rig r;
static uint8_t credential[sizeof r.stored];

static int set_up(void **state)
{
    (void)state;
    if (psa_crypto_init() != PSA_SUCCESS)
        return -1;
    rig_make(&r, TSR_FDO_SECP256R1, false, &tsr_fdo_ecdh256, &tsr_fdo_a128gcm);
    rig_di(&r);
    memcpy(credential, r.stored, r.stored_len);
    return r.onboarded ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rig_drop(&r);
    return 0;
}

static void test_device_refuses(void **state)
{
    const refusal *c = *state;
    bool told = c->damage != RIG_LOST && c->damage != RIG_ERROR;
    size_t len = r.stored_len;
    unsigned stores = r.stores;

    rig_restart(&r);
    memset(r.sent, 0, sizeof r.sent);
    r.reuse = false;
    r.damaged = c->message;
    r.damage = c->damage;
    rig_onboard(&r);
    assert_true(r.failed);
    assert_false(r.onboarded);
    assert_int_equal(r.sent[c->never], 0);
    assert_int_equal(r.sent[TSR_FDO_ERROR], told ? 1 : 0);
    assert_int_not_equal(r.failure.err, TSR_OK);
    assert_true(r.failure.what[0] != '\0');
    assert_int_equal(r.stores, stores);
    assert_int_equal(r.stored_len, len);
    assert_memory_equal(r.stored, credential, len);
    assert_int_equal(r.device.session.keys, 0); /* nothing of the run is left */
    assert_false(tsr_fdo_device_idle(&r.device));

    r.damage = RIG_WHOLE; /* the same engine tries again, and succeeds */
    r.reuse = true;
    rig_onboard(&r);
    if (r.failed)
        fail_msg("%s after message %u", r.failure.what, r.last);
    assert_true(r.onboarded);
}

int main(void)
{
    enum { COUNT = sizeof cases / sizeof cases[0], ANSWERS = sizeof answers / sizeof answers[0],
           KINDS = sizeof anywhere / sizeof anywhere[0] };
    static refusal all[COUNT + ANSWERS * KINDS];
    static char names[ANSWERS * KINDS][48];
    static struct CMUnitTest tests[COUNT + ANSWERS * KINDS];
    size_t n = 0;

    for (size_t i = 0; i < COUNT; i++)
        all[n++] = cases[i];
    for (size_t i = 0; i < ANSWERS * KINDS; i++) {
        unsigned message = answers[i / KINDS];

        snprintf(names[i], sizeof names[i], "TSR_%u_%s", message, anywhere[i % KINDS].name);
        all[n++] = (refusal){ names[i], message, anywhere[i % KINDS].damage, 0 };
    }
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){ all[i].id, test_device_refuses, NULL, NULL, &all[i] };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
