/* SPDX-License-Identifier: Apache-2.0
 *
 * What must not go wrong in a bootstrap: who may, half of it, keys, power, and bad input. */
#include "tests/lwm2m/boot_rig.h"

#include <string.h>

#include "psa/crypto.h"
#include "tests/vectors.h"

static const boot_account_values one = { .instance = 1, .short_id = 101, .uri = "coap://one",
                                         .mode = TSR_LWM2M_MODE_NOSEC };
static const boot_account_values two = { .instance = 2, .short_id = 102, .uri = "coap://two",
                                         .mode = TSR_LWM2M_MODE_NOSEC };
static const boot_account_values secret = { .instance = 1, .short_id = 101, .uri = "coaps://one",
                                            .mode = TSR_LWM2M_MODE_PSK, .identity = "dev",
                                            .key = "0123456789abcdef" };
static const boot_account_values four = { .instance = 4, .short_id = 104, .uri = "coaps://two",
                                          .mode = TSR_LWM2M_MODE_PSK, .identity = "dev",
                                          .key = "0123456789abcdef" };
static const tsr_bytes none = { NULL, 0 };

static boot_rig *begin_with(bool factory_server)
{
    boot_rig *r = boot_new();

    r->factory_server = factory_server;
    boot_start(r);
    boot_run(r);
    if (factory_server)
        assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_int_equal(r->boot.phase, TSR_LWM2M_BOOT_OPEN);
    return r;
}

static void test_other_servers_may_not_bootstrap(void **state)
{
    boot_rig *r = begin_with(true);

    (void)state;
    assert_code(boot_send(r, ONE, TSR_COAP_POST, "/bs", -1, -1, none), 4, 01);
    assert_code(boot_send(r, ONE, TSR_COAP_GET, "/bspack", -1, -1, none), 4, 01);
    assert_code(boot_send(r, ONE, TSR_COAP_GET, "/0", 40, -1, none), 4, 01);
    assert_code(boot_send(r, ONE, TSR_COAP_GET, "/3/0/0", -1, -1, none), 2, 05);
    assert_code(boot_send(r, ONE, TSR_COAP_PUT, "/1/0/1", -1, 0, tsr_text("5")), 5, 03);
    assert_code(boot_send(r, ONE, TSR_COAP_DELETE, "/", -1, -1, none), 5, 03);
    assert_code(boot_delete(r, "/0"), 2, 02);
    assert_code(boot_delete(r, "/1"), 2, 02);
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 1);
    assert_code(boot_finish(r), 2, 04);
    assert_code(boot_send(r, ONE, TSR_COAP_PUT, "/0/1/0", -1, 0, tsr_text("coap://x")), 4, 01);
    assert_code(boot_send(r, ONE, TSR_COAP_DELETE, "/", -1, -1, none), 4, 05);
    assert_code(boot_send(r, ONE, TSR_COAP_POST, "/1", -1, 11542, none), 4, 05);
    assert_code(boot_send(r, ONE, TSR_COAP_DELETE, "/1/1", -1, -1, none), 4, 05);
    assert_code(boot_send(r, ONE, TSR_COAP_PUT, "/1/1/1", -1, 0, tsr_text("5")), 2, 04);
    boot_free(r);
}

/* The bootstrap server may speak while it has been asked, and not before or afterwards. */
static void test_bootstrap_server_may_write_only_when_it_was_asked(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    r->factory_server = true;
    boot_start(r);
    boot_run(r);
    assert_code(boot_put_text(r, "/1/0/1", "5"), 0, 00); /* no connection at all */
    boot_wait(r, 100000);
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(boot_put_text(r, "/1/0/1", "5"), 2, 04);
    assert_code(boot_send(r, BS, TSR_COAP_POST, "/1/0/8", -1, -1, none), 4, 05);
    assert_code(boot_send(r, BS, TSR_COAP_IPATCH, "/", -1, 112, none), 4, 05);
    assert_code(boot_send(r, BS, TSR_COAP_GET, "/bs", -1, -1, none), 4, 05);
    assert_code(boot_send(r, BS, TSR_COAP_GET, "/rd", -1, -1, none), 4, 04);
    assert_code(boot_finish(r), 2, 04);
    assert_code(boot_finish(r), 4, 05);
    assert_code(boot_put_text(r, "/1/0/1", "6"), 4, 05);
    assert_code(boot_get(r, BS, "/", 40), 4, 05);
    boot_wait(r, 46000);
    assert_code(boot_put_text(r, "/1/0/1", "6"), 0, 00);
    assert_int_equal(r->server[0].number[1], 5);
    boot_free(r);
}

/* Everything is as it was, until it is all there. */
static void test_changes_are_held_back_until_finish(void **state)
{
    boot_rig *r = begin_with(true);

    (void)state;
    assert_code(boot_delete(r, "/"), 2, 02);
    boot_write_account(r, &two, TSR_LWM2M_FORMAT_SENML_CBOR, 1);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    assert_code(boot_send(r, ONE, TSR_COAP_GET, "/1/0/1", -1, -1, none), 2, 05);
    assert_string_equal(r->far[ONE].answer.text, "300");
    boot_restart(r);
    boot_run(r);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    assert_null(boot_of(r, 102));
    boot_free(r);
}

/* Other objects are written at once, but what is stored meanwhile is what they were. */
static void test_other_objects_are_taken_back(void **state)
{
    boot_rig *r = begin_with(true);

    (void)state;
    assert_code(boot_send(r, BS, TSR_COAP_PUT, "/16/0", -1, 110,
                          tsr_text("[{\"n\":\"/16/0/0/0\",\"vs\":\"new\"}]")), 2, 04);
    assert_code(boot_put_text(r, "/3/0/14", "+07:00"), 2, 04);
    assert_code(boot_send(r, ONE, TSR_COAP_GET, "/3/0/14", -1, -1, none), 2, 05);
    assert_int_equal(tsr_lwm2m_client_save(&r->client), TSR_OK);
    boot_restart(r);
    assert_false(r->portfolio[0].used);
    assert_string_equal(r->device.utc_offset, "");
    boot_free(r);

    r = begin_with(true);
    assert_code(boot_send(r, BS, TSR_COAP_PUT, "/16", -1, 110,
                          tsr_text("[{\"n\":\"/16/0/0/0\",\"vs\":\"new\"}]")), 2, 04);
    boot_wait(r, 250000); /* no Finish */
    assert_false(r->portfolio[0].used);
    boot_free(r);

    r = begin_with(true);
    assert_code(boot_send(r, BS, TSR_COAP_PUT, "/16/0", -1, 110,
                          tsr_text("[{\"n\":\"/16/0/0/0\",\"vs\":\"new\"}]")), 2, 04);
    assert_code(boot_finish(r), 2, 04);
    boot_restart(r);
    assert_true(r->portfolio[0].used);
    boot_free(r);
}

static void test_finish_that_cannot_be_stored_changes_nothing(void **state)
{
    boot_rig *r = begin_with(true);

    (void)state;
    assert_code(boot_delete(r, "/0"), 2, 02);
    assert_code(boot_delete(r, "/1"), 2, 02);
    boot_write_account(r, &two, TSR_LWM2M_FORMAT_TLV, 1);
    r->fail_from = r->saves + 1;
    assert_code(boot_finish(r), 4, 06);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    assert_null(boot_of(r, 102));
    assert_int_equal(r->far[TWO].requests, 0);
    r->fail_from = 0;
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(boot_of(r, 102)->standing, TSR_LWM2M_REGISTERED);
    assert_null(boot_of(r, 101));
    boot_free(r);
}

/* Power is cut behind each save in turn: afterwards the device speaks with the old server or with the
 * new one, with a key that fits. */
static void test_power_cut_leaves_old_or_new(void **state)
{
    boot_account_values fresh = secret;
    bool seen_old = false, seen_new = false;

    (void)state;
    fresh.instance = fresh.short_id = 7;
    fresh.uri = "coaps://two";
    for (size_t cut = 1; cut < 12; cut++) {
        boot_rig *r = begin_with(true);

        r->fail_from = cut == 1 ? r->saves + 1 : r->saves + cut;
        assert_code(boot_delete(r, "/"), 2, 02);
        boot_write_account(r, &fresh, TSR_LWM2M_FORMAT_TLV, 2);
        (void)boot_finish(r);
        boot_wait(r, 1000);
        r->fail_from = 0;
        boot_restart(r);
        boot_run(r);
        if (boot_of(r, 101) != NULL) {
            seen_old = true;
            assert_null(boot_of(r, 7));
            assert_int_equal(boot_keys(r), 0);
            assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
        } else {
            seen_new = true;
            assert_non_null(boot_of(r, 7));
            assert_int_equal(boot_keys(r), 1);
            assert_int_equal(boot_of(r, 7)->standing, TSR_LWM2M_REGISTERED);
        }
        boot_free(r);
    }
    assert_true(seen_old && seen_new);
}

static void test_old_key_goes_with_the_old_account_and_not_before(void **state)
{
    boot_rig *r = begin_with(false);
    boot_account_values v = secret;
    uint32_t old;

    (void)state;
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 1);
    assert_code(boot_finish(r), 2, 04);
    old = r->security[1].key_id;
    assert_int_equal(boot_keys(r), 1);
    boot_wait(r, 60000);
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    v.key = "fedcba9876543210";
    for (int i = 0; i < 20; i++) /* more often than there are places for keys */
        boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 1);
    assert_int_equal(boot_keys(r), 2);
    assert_int_equal(r->security[1].key_id, old);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(boot_keys(r), 1);
    assert_int_not_equal(r->security[1].key_id, old);
    assert_int_equal(r->far[ONE].registers, 2); /* new keys, new session, new registration */
    boot_free(r);
}

/* A P-256 key as OpenSSL writes it: PKCS #8, then SEC 1; and one on another curve. */
static const char *const private_keys[] = {
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104205f117369"
    "6b5f66987138d03f09ad3592dadd940a93e1081a6191e5b9f3ead8e4a14403420004abc40e09c14f"
    "43e2d10c06eaf70b71617f938fd67f7c318d8e3355b5c63324118364247a34f85a6239cead90580b"
    "4888bcc3057d02f12a7166e967dc91a88380",
    "307702010104205f1173696b5f66987138d03f09ad3592dadd940a93e1081a6191e5b9f3ead8e4a0"
    "0a06082a8648ce3d030107a14403420004abc40e09c14f43e2d10c06eaf70b71617f938fd67f7c31"
    "8d8e3355b5c63324118364247a34f85a6239cead90580b4888bcc3057d02f12a7166e967dc91a883"
    "80",
    "3081b6020100301006072a8648ce3d020106052b8104002204819e30819b0201010430ea854fca00"
    "bc0351d73cc130c72207b4f3090eec7743c27be28d14b9b9ecb182a442976a5e61c5ea5511020170"
    "c7d278a164036200048bfeb7393d6382ea2e4f681fd9c0783b26f18af8c5bcc742d451dc03e2c212"
    "c477258df9affa1b369dcbb4a01b5c103cd9582c1f5ecd931a190a89308d540cc422838416cd45f9"
    "73214c3f824e6568d4e5c95865680db7756f73658c002e561b",
};

/* RFC 5958, RFC 5958 §2, RFC 5915 */
static void test_private_key_goes_into_psa_to_sign_only(void **state)
{
    static uint8_t certificate[CERTIFICATE], key[300];

    (void)state;
    memset(certificate, 0x30, sizeof certificate);
    for (size_t i = 0; i < 2; i++) {
        boot_rig *r = begin_with(false);
        boot_account_values v = { .instance = 1, .short_id = 101, .uri = "coaps://one",
                                  .mode = TSR_LWM2M_MODE_CERTIFICATE };
        psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

        v.documents[0] = tsr_view(certificate, 500);
        v.documents[1] = tsr_view(certificate, CERTIFICATE);
        v.documents[2] = from_hex(private_keys[i], key, sizeof key);
        boot_write_account(r, &v, TSR_LWM2M_FORMAT_LWM2M_CBOR, 2);
        assert_code(boot_finish(r), 2, 04);
        assert_int_equal(psa_get_key_attributes(r->security[1].key_id, &attributes), PSA_SUCCESS);
        assert_int_equal(psa_get_key_usage_flags(&attributes) & PSA_KEY_USAGE_EXPORT, 0);
        assert_int_equal(r->security[1].certificate.len, 500);
        assert_true(r->security[1].certificate.ptr >= r->certificates &&
                    r->security[1].certificate.ptr < r->certificates + sizeof r->certificates);
        boot_restart(r);
        assert_int_equal(r->security[1].server_certificate.len, CERTIFICATE);
        assert_memory_equal(r->security[1].server_certificate.ptr, certificate, CERTIFICATE);
        assert_true(r->security[1].private_key);
        boot_free(r);
    }
}

/* It shows only when PSA looks at it, in the middle of the write: the whole bootstrap is off. */
static void test_key_that_psa_refuses_changes_nothing(void **state)
{
    static uint8_t key[300];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        boot_rig *r = begin_with(true);
        uint8_t room[TEXT];
        tsr_buf body = tsr_buf_over(room, sizeof room);
        boot_account_values v = { .instance = 5, .short_id = 5, .uri = "coaps://two",
                                  .mode = TSR_LWM2M_MODE_CERTIFICATE };
        tsr_lwm2m_out out;

        v.documents[2] = i == 0 ? from_hex(private_keys[2], key, sizeof key) : tsr_text("nonsense");
        assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_TLV, tsr_lwm2m_at_instance(0, 5), &body),
                         TSR_OK);
        boot_put_security(&out, &v);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        boot_write_account(r, &four, TSR_LWM2M_FORMAT_TLV, 2);
        assert_code(boot_send(r, BS, TSR_COAP_PUT, "/0/5", -1, 11542, tsr_buf_view(&body)), 4, 00);
        assert_int_equal(r->events[TSR_LWM2M_E_BOOTSTRAP_FAILED], 0);
        assert_int_equal(boot_keys(r), 1);
        assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
        assert_code(boot_finish(r), 2, 04);
        assert_int_equal(boot_keys(r), 1);
        assert_non_null(boot_of(r, 104));
        assert_null(tsr_lwm2m_security_find(&r->securities, 5));
        boot_free(r);
    }
}

/* Core 6.1.1 */
static void test_bootstrap_account_is_replaced(void **state)
{
    boot_rig *r = begin_with(false);
    boot_account_values v = { .instance = 4, .uri = "coap://two", .mode = TSR_LWM2M_MODE_NOSEC,
                              .bootstrap = true };

    (void)state;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 2);
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    v.instance = 5;
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_finish(r), 4, 06);
    assert_code(boot_delete(r, "/0/5"), 2, 02);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(r->attached[BOOT], BS); /* to repeat the answer, if need be */
    boot_wait(r, 50000);
    assert_int_equal(r->attached[BOOT], TWO);
    assert_null(tsr_lwm2m_security_find(&r->securities, 0));
    assert_int_equal(tsr_lwm2m_security_bootstrap(&r->securities)->id, 4);
    boot_restart(r);
    assert_int_equal(r->attached[BOOT], TWO);
    boot_free(r);
}

/* /0/x/12 */
static void test_bootstrap_account_is_purged_when_its_time_is_over(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    r->timeout_s = 100;
    boot_start(r);
    boot_wait(r, 200000);
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_finish(r), 2, 04);
    boot_wait(r, 140000);
    assert_non_null(tsr_lwm2m_security_bootstrap(&r->securities));
    boot_wait(r, 10000);
    assert_null(tsr_lwm2m_security_bootstrap(&r->securities));
    assert_int_equal(r->events[TSR_LWM2M_E_BOOTSTRAP_END], 1);
    assert_int_equal(r->attached[BOOT], -1);
    assert_code(boot_send(r, ONE, TSR_COAP_POST, "/1/1/9", -1, -1, none), 4, 05);
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_E_NOT_FOUND);
    boot_restart(r);
    assert_null(tsr_lwm2m_security_bootstrap(&r->securities));
    boot_run(r);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    boot_free(r);
}

/* What has passed is kept: a restart does not begin anew. */
static void test_time_of_the_bootstrap_account_counts_over_restarts(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    r->timeout_s = 100;
    boot_start(r);
    boot_run(r);
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_finish(r), 2, 04);
    boot_wait(r, 106000); /* 45 s to repeat the last answer, then 61 of the 100 */
    boot_restart(r);
    boot_wait(r, 35000);
    assert_non_null(tsr_lwm2m_security_bootstrap(&r->securities));
    boot_wait(r, 10000);
    assert_null(tsr_lwm2m_security_bootstrap(&r->securities));
    boot_free(r);
}

/* Keys and certificates before the mode, as well as after it. */
static void test_single_resources_come_in_any_order(void **state)
{
    static const char *const psk[4][2] = { { "/0/7/5", "MDEyMzQ1Njc4OWFiY2RlZg==" },
                                           { "/0/7/3", "ZGV2" }, { "/0/7/4", "" }, { "/0/7/2", "0" } };
    static uint8_t key[300];
    static const char certificate[] = "a certificate that is longer than any identity of a key that two "
                                      "ends share may be, since those end at one hundred and twenty-eight";

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        boot_rig *r = begin_with(false);
        tsr_bytes made[4] = { from_hex(private_keys[0], key, sizeof key), tsr_text(certificate),
                              tsr_text("their certificate"), tsr_text("2") };

        assert_code(boot_put_text(r, "/0/7/0", "coaps://two"), 2, 04);
        for (size_t n = 0; n < 4; n++) {
            size_t at = (n + i) % 4;

            if (i < 4)
                assert_code(boot_put_text(r, psk[at][0], psk[at][1]), 2, 04);
            else
                assert_code(boot_send(r, BS, TSR_COAP_PUT,
                                      (const char *[]){ "/0/7/5", "/0/7/3", "/0/7/4", "/0/7/2" }[at], -1,
                                      at == 3 ? TSR_LWM2M_FORMAT_TEXT : TSR_LWM2M_FORMAT_OCTETS,
                                      made[at]), 2, 04);
        }
        assert_code(boot_put_text(r, "/0/7/10", "107"), 2, 04);
        assert_code(boot_put_text(r, "/1/9/0", "107"), 2, 04);
        assert_code(boot_put_text(r, "/1/9/1", "77"), 2, 04);
        assert_code(boot_finish(r), 2, 04);
        const tsr_lwm2m_security *s = tsr_lwm2m_security_find(&r->securities, 107);

        assert_int_equal(s->private_key, i >= 4);
        assert_int_equal(s->identity_len, i < 4 ? 3 : 0);
        assert_int_equal(s->certificate.len, i < 4 ? 0 : sizeof certificate - 1);
        assert_int_equal(s->server_certificate.len, i < 4 ? 0 : 17);
        assert_int_equal(boot_keys(r), 1);
        boot_free(r);
    }
}

/* A write in blocks lies in the memory of CoAP for a while. */
static void test_key_that_came_in_blocks_leaves_no_trace(void **state)
{
    enum { NUMBER_AT = 36, NUMBER_LEN = 32 }; /* in a PrivateKeyInfo of P-256 */
    static uint8_t key[300];
    static uint8_t document[590];
    boot_rig *r = begin_with(false);
    boot_account_values v = { .instance = 5, .short_id = 105, .uri = "coaps://two",
                              .mode = TSR_LWM2M_MODE_CERTIFICATE };
    size_t len = tsr_coap_memory(&r->coap);
    const uint8_t *memory = r->memory;

    (void)state;
    v.documents[0] = v.documents[1] = tsr_view(document, sizeof document);
    v.documents[2] = from_hex(private_keys[0], key, sizeof key);
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    assert_int_equal(boot_keys(r), 1);
    for (size_t i = 0; i + NUMBER_LEN <= len; i++)
        assert_memory_not_equal(memory + i, v.documents[2].ptr + NUMBER_AT, NUMBER_LEN);
    for (size_t i = 0; i + NUMBER_LEN <= sizeof r->body; i++)
        assert_memory_not_equal(r->body + i, v.documents[2].ptr + NUMBER_AT, NUMBER_LEN);
    boot_free(r);
}

/* Core 6.1.3.3 */
static void test_changed_account_begins_anew_at_its_new_address(void **state)
{
    boot_rig *r = begin_with(true);
    boot_account_values v = one;

    (void)state;
    v.uri = "coap://two";
    v.instance = 1;
    boot_write_account(r, &v, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_delete(r, "/1/0"), 2, 02);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(r->far[TWO].registers, 1);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    boot_free(r);
}

/* What could hold an account, broken in every way: 4.00 (or 4.15), and nothing is staged. */
static void test_malformed_writes_change_nothing(void **state)
{
    static const struct {
        const char *path;
        int format;
        const char *hex;
    } cases[] = {
        { "/0/1", 11542, "c8" },                       /* TLV cut off */
        { "/0/1", 11542, "c8000b636f6170" },           /* longer than the payload */
        { "/0", 11542, "c00162" },                     /* a resource without an instance */
        { "/0/1", 11542, "c10163" },                   /* Boolean 0x63 */
        { "/0/1", 11542, "c10209" },                   /* mode 9 */
        { "/0/1", 112, "81" },                         /* SenML CBOR cut off */
        { "/0/1", 112, "81a200692f302f322f30" },       /* no value */
        { "/0/1", 112, "81a200662f302f322f30036161" }, /* another instance than the path's */
        { "/0/1", 110, "5b7b226e" },                   /* SenML JSON cut off */
        { "/0/1", 11544, "a100a101" },                 /* LwM2M CBOR cut off */
        { "/0/1", 11544, "a101a101a1000a" },           /* another object */
        { "/0/1", 11544, "a100a101a200636162630063646566" }, /* twice the same */
        { "/0/1/10", 0, "61" },                        /* no number */
        { "/0/1/4711", 0, "61" },                      /* no such resource */
        { "/1/1/8", 0, "61" },                         /* not to be written, but executed */
        { "/1/1/7", 0, "58" },                         /* no such binding */
        { "/4711/0", 11542, "c00162" },                /* no such object */
        { "/3303/0/5601", 0, "31" },                   /* read-only */
        { "/3303/7", 11542, "c00162" },                /* nobody can make a sensor */
        { "/16/0/0/0", 0, "61" },                      /* too deep for this interface */
        { "/", 112, "80" },                            /* and not deep enough */
        { "/0/1", 0, "61" },                           /* text cannot hold an instance */
        { "/0/1", 60, "01" },
        { "/0/1", 11543, "7b7d" },                     /* OMA JSON without entries */
        { "/0/1", 4711, "00" },
    };
    uint8_t room[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        boot_rig *r;
        uint8_t code;

        r = begin_with(true);
        code = boot_send(r, BS, TSR_COAP_PUT, cases[i].path, -1, cases[i].format,
                         from_hex(cases[i].hex, room, sizeof room))->code;
        if (cases[i].format == 4711 || i == 21 || i == 22)
            assert_int_equal(code, TSR_COAP_CODE(4, 15));
        else if (code != TSR_COAP_CODE(4, 00))
            fail_msg("case %zu: %u.%02u", i, code >> 5, code & 31u);
        assert_code(boot_get(r, BS, "/", 40), 2, 05);
        assert_string_equal(r->far[BS].answer.text,
                            "</>;lwm2m=1.2,</0/0>,</0/1>;ssid=101;uri=\"coap://one\",</1/0>;ssid=101,"
                            "</3/0>,</16>,</3303>;ver=1.1,</3303/0>");
        assert_int_equal(r->server[0].number[1], 300);
        boot_free(r);
    }
}

/* Resources that this client does not know are none of its business. */
static void test_unknown_resources_are_passed_over(void **state)
{
    boot_rig *r = begin_with(false);
    static const char security[] =
        "[{\"bn\":\"/0/1/\",\"n\":\"0\",\"vs\":\"coap://one\"},{\"n\":\"1\",\"vb\":false},"
        "{\"n\":\"2\",\"v\":3},{\"n\":\"6\",\"v\":3},{\"n\":\"10\",\"v\":101},{\"n\":\"16/0\",\"v\":49320},"
        "{\"n\":\"9999\",\"vs\":\"x\"}]";
    static const char server[] =
        "[{\"bn\":\"/1/1/\",\"n\":\"0\",\"v\":101},{\"n\":\"1\",\"v\":60},{\"n\":\"6\",\"vb\":true},"
        "{\"n\":\"7\",\"vs\":\"U\"},{\"n\":\"22\",\"vs\":\"U\"},{\"n\":\"25/0\",\"vs\":\"1.2\"}]";

    (void)state;
    assert_code(boot_send(r, BS, TSR_COAP_PUT, "/0/1", -1, 110, tsr_text(security)), 2, 04);
    assert_code(boot_send(r, BS, TSR_COAP_PUT, "/1/1", -1, 110, tsr_text(server)), 2, 04);
    assert_code(boot_finish(r), 2, 04);
    boot_free(r);
}

/* An instance that is written again has what the last write says, and nothing from before. */
static void test_write_replaces_the_instance(void **state)
{
    boot_rig *r = begin_with(true);

    (void)state;
    assert_code(boot_put_text(r, "/1/0/2", "17"), 2, 04);
    assert_code(boot_send(r, BS, TSR_COAP_PUT, "/1/0", -1, 110,
                          tsr_text("[{\"bn\":\"/1/0/\",\"n\":\"0\",\"v\":101},{\"n\":\"1\",\"v\":60}]")),
                2, 04);
    assert_code(boot_get(r, BS, "/1/0", 110), 2, 05);
    assert_string_equal(r->far[BS].answer.text, "[{\"bn\":\"/1/0/\",\"n\":\"0\",\"v\":101},"
                                                "{\"n\":\"1\",\"v\":60},{\"n\":\"7\",\"vs\":\"U\"}]");
    assert_code(boot_finish(r), 2, 04);
    boot_free(r);
}

/* More instances than there is room for, in one request and in many. */
static void test_too_many_instances_are_refused(void **state)
{
    static char text[16384];
    boot_rig *r = begin_with(false);
    size_t len = 1;

    (void)state;
    text[0] = '[';
    for (int i = 0; i < 255; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s{\"n\":\"/1/%d/1\",\"v\":60}",
                                i != 0 ? "," : "", i);
    (void)snprintf(text + len, sizeof text - len, "]");
    assert_code(boot_send(r, BS, TSR_COAP_PUT, "/1", -1, 110, tsr_text(text)), 4, 00);
    assert_false(r->staged_server[0].used);
    for (unsigned i = 0; i < 255; i++) {
        char path[16];

        (void)snprintf(path, sizeof path, "/1/%u/1", i);
        assert_int_equal(boot_put_text(r, path, "60")->code,
                         i < ACCOUNTS ? TSR_COAP_CHANGED : TSR_COAP_BAD_REQUEST);
    }
    assert_code(boot_delete(r, "/1"), 2, 02);
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 1);
    assert_code(boot_finish(r), 2, 04);
    boot_free(r);
}

/* A saved state that is damaged anywhere is refused, or is one that could have been saved. */
static void test_damaged_state_does_no_harm(void **state)
{
    boot_rig *r = begin_with(false);
    uint8_t good[16384];
    size_t len;

    (void)state;
    boot_write_account(r, &secret, TSR_LWM2M_FORMAT_TLV, 1);
    boot_write_account(r, &two, TSR_LWM2M_FORMAT_TLV, 1);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(tsr_lwm2m_client_save(&r->client), TSR_OK);
    len = r->saved_len;
    memcpy(good, r->saved, len);
    for (size_t i = 0; i < len; i++) {
        uint8_t bad[16384];

        memcpy(bad, good, len);
        bad[i] ^= 0x81;
        (void)tsr_lwm2m_client_restore(&r->client, tsr_view(bad, len));
        (void)tsr_lwm2m_client_restore(&r->client, tsr_view(good, i));
    }
    assert_int_equal(tsr_lwm2m_client_restore(&r->client, tsr_view(good, len)), TSR_OK);
    assert_non_null(boot_of(r, 102));
    boot_free(r);
}

/* The rights of several servers have to be told apart; those of one and its bootstrap server not. */
static void test_one_server_needs_no_access_control(void **state)
{
    boot_rig *r = boot_new();
    tsr_lwm2m_parts parts = tsr_lwm2m_whole;
    tsr_lwm2m_client_config config;

    (void)state;
    boot_start(r);
    config = r->client.config;
    parts.access = NULL;
    assert_int_equal(tsr_lwm2m_client_init_bootstrap(&r->client, &config, &parts, &r->boot),
                     TSR_E_ARGUMENT);
    config.account_count = 2;
    r->boot.account = 1;
    assert_int_equal(tsr_lwm2m_client_init_bootstrap(&r->client, &config, &parts, &r->boot),
                     TSR_OK);
    boot_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_servers_may_not_bootstrap),
        cmocka_unit_test(test_bootstrap_server_may_write_only_when_it_was_asked),
        cmocka_unit_test(test_changes_are_held_back_until_finish),
        cmocka_unit_test(test_other_objects_are_taken_back),
        cmocka_unit_test(test_finish_that_cannot_be_stored_changes_nothing),
        cmocka_unit_test(test_power_cut_leaves_old_or_new),
        cmocka_unit_test(test_old_key_goes_with_the_old_account_and_not_before),
        cmocka_unit_test(test_private_key_goes_into_psa_to_sign_only),
        cmocka_unit_test(test_key_that_psa_refuses_changes_nothing),
        cmocka_unit_test(test_bootstrap_account_is_replaced),
        cmocka_unit_test(test_bootstrap_account_is_purged_when_its_time_is_over),
        cmocka_unit_test(test_time_of_the_bootstrap_account_counts_over_restarts),
        cmocka_unit_test(test_single_resources_come_in_any_order),
        cmocka_unit_test(test_key_that_came_in_blocks_leaves_no_trace),
        cmocka_unit_test(test_changed_account_begins_anew_at_its_new_address),
        cmocka_unit_test(test_malformed_writes_change_nothing),
        cmocka_unit_test(test_unknown_resources_are_passed_over),
        cmocka_unit_test(test_write_replaces_the_instance),
        cmocka_unit_test(test_too_many_instances_are_refused),
        cmocka_unit_test(test_damaged_state_does_no_harm),
        cmocka_unit_test(test_one_server_needs_no_access_control),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
