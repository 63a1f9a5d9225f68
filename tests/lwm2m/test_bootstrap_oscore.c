/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts under OSCORE that a bootstrap server writes: Object 21 and /0/x/17, held back and kept. */
#include "tests/lwm2m/boot_rig.h"

#include <stdio.h>
#include <string.h>

#include "psa/crypto.h"

static const boot_account_values one = { .instance = 1, .short_id = 101, .uri = "coap://one",
                                         .mode = TSR_LWM2M_MODE_NOSEC };
static const char secret[] = "a master secret!";

static boot_rig *begin(void)
{
    boot_rig *r = boot_new();

    r->oscore = &tsr_lwm2m_boot_oscore;
    r->oscore_object = tsr_lwm2m_oscore_object;
    boot_start(r);
    boot_run(r);
    return r;
}

static void end(boot_rig *r)
{
    for (size_t i = 0; i < r->oscores.key_count; i++) {
        if (r->oscore_keys[i] != 0)
            (void)psa_destroy_key(r->oscore_keys[i]);
    }
    boot_free(r);
}

static const boot_message *put(boot_rig *r, uint16_t instance, const char *key, const char *sender,
                               const char *recipient, int aead)
{
    uint8_t room[TEXT];
    char path[16];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_path at = tsr_lwm2m_at_instance(21, instance);
    tsr_lwm2m_out out;

    assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, at, &body), TSR_OK);
    if (key != NULL)
        (void)tsr_lwm2m_put_opaque(&out, tsr_lwm2m_at_resource(21, instance, 0), tsr_text(key));
    (void)tsr_lwm2m_put_opaque(&out, tsr_lwm2m_at_resource(21, instance, 1), tsr_text(sender));
    (void)tsr_lwm2m_put_opaque(&out, tsr_lwm2m_at_resource(21, instance, 2), tsr_text(recipient));
    (void)tsr_lwm2m_put_int(&out, tsr_lwm2m_at_resource(21, instance, 3), aead);
    (void)tsr_lwm2m_put_opaque(&out, tsr_lwm2m_at_resource(21, instance, 5), tsr_text("salt"));
    assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
    (void)snprintf(path, sizeof path, "/21/%u", instance);
    return boot_send(r, BS, TSR_COAP_PUT, path, -1, TSR_LWM2M_FORMAT_SENML_CBOR,
                     tsr_buf_view(&body));
}

static const boot_message *put_good(boot_rig *r, uint16_t instance)
{
    return put(r, instance, secret, "dev", "srv", 10);
}

static size_t keys(const boot_rig *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->oscores.key_count; i++) {
        psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

        n += r->oscore_keys[i] != 0 &&
             psa_get_key_attributes(r->oscore_keys[i], &attributes) == PSA_SUCCESS;
    }
    return n;
}

static bool holds(const void *memory, size_t len, const char *what)
{
    const uint8_t *bytes = memory;
    size_t n = strlen(what);

    for (size_t i = 0; i + n <= len; i++) {
        if (memcmp(bytes + i, what, n) == 0)
            return true;
    }
    return false;
}

/* LwM2M-1.1-int-11 */
static void test_int_11_oscore_account_is_written_and_kept(void **state)
{
    boot_rig *r = begin();
    const tsr_lwm2m_oscore *o;

    (void)state;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    assert_code(boot_put_text(r, "/0/1/17", "21:5"), 2, 04);
    assert_code(put_good(r, 5), 2, 04);
    assert_null(tsr_lwm2m_oscore_find(&r->oscores, 5)); /* held back */
    assert_false(holds(&r->client, sizeof r->client, secret));
    assert_false(holds(r->body, sizeof r->body, secret));
    assert_false(holds(r->state, sizeof r->state, secret));
    assert_code(boot_get(r, BS, "/21", TSR_LWM2M_FORMAT_LINK), 2, 05);
    assert_string_equal(r->far[BS].answer.text,
                        "</>;lwm2m=1.2,</21>;ver=2.0,</21/0>,</21/5>;ssid=101");
    assert_code(boot_get(r, BS, "/21/5", TSR_LWM2M_FORMAT_SENML_CBOR), 4, 05);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(keys(r), 1);
        assert_true(r->security[1].oscore);
        assert_int_equal(r->security[1].oscore_id, 5);
        o = tsr_lwm2m_oscore_find(&r->oscores, 5);
        assert_non_null(o);
        assert_memory_equal(o->sender_id, "dev", 3);
        assert_memory_equal(o->recipient_id, "srv", 3);
        assert_memory_equal(o->salt, "salt", 4);
        assert_int_equal(o->aead, 10);
        assert_int_not_equal(o->key_id, 0);
        assert_true(tsr_lwm2m_oscore_find(&r->oscores, 0)->fixed); /* the host's own */
        assert_false(holds(r->saved, r->saved_len, secret));
        boot_restart(r);
        boot_run(r);
        assert_int_equal(boot_of(r, 101)->standing, TSR_LWM2M_REGISTERED);
    }
    end(r);
}

static void finish_refused(boot_rig *r, const char *reason)
{
    assert_code(boot_finish(r), 4, 06);
    assert_non_null(strstr(r->last_request.reason, reason));
}

static void test_oscore_that_cannot_work_is_refused(void **state)
{
    boot_rig *r = begin();

    (void)state;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_TLV, 2);
    assert_code(boot_put_text(r, "/0/1/17", "3:0"), 4, 00);
    assert_code(boot_put_text(r, "/0/1/17", "21:5"), 2, 04);
    finish_refused(r, "without its instance");
    assert_code(put(r, 5, NULL, "dev", "srv", 10), 2, 04);
    finish_refused(r, "no Master Secret");
    assert_code(put(r, 5, secret, "same", "same", 10), 2, 04);
    finish_refused(r, "are the same");
    assert_code(put(r, 5, secret, "dev", "srv", 4), 2, 04); /* HMAC */
    finish_refused(r, "AEAD");
    assert_code(put(r, 5, secret, "seven77", "srv", 3), 2, 04); /* a nonce of 12 bytes */
    finish_refused(r, "too long");
    assert_code(put(r, 5, secret, "eight888", "srv", 10), 4, 00);
    assert_code(put(r, 5, "", "dev", "srv", 10), 4, 00);
    assert_code(boot_put_text(r, "/0/1/17", "21:0"), 2, 04); /* the bootstrap server's */
    finish_refused(r, "two accounts");
    assert_code(boot_put_text(r, "/0/1/17", "65535:65535"), 2, 04);
    assert_code(boot_finish(r), 2, 04);
    assert_false(r->security[1].oscore);
    assert_int_equal(keys(r), 1); /* of /21/5, which was written and is named by no account */
    end(r);
}

static void test_device_without_oscore_refuses_such_accounts(void **state)
{
    boot_rig *r = boot_new();

    (void)state;
    boot_start(r);
    boot_run(r);
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    assert_code(put_good(r, 5), 4, 00);
    assert_code(boot_put_text(r, "/0/1/17", "21:5"), 2, 04);
    finish_refused(r, "which this device has not");
    boot_free(r);
}

static void test_delete_spares_the_keys_of_the_bootstrap_server(void **state)
{
    boot_rig *r = begin();

    (void)state;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    assert_code(put_good(r, 5), 2, 04);
    assert_code(boot_put_text(r, "/0/1/17", "21:5"), 2, 04);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(boot_delete(r, "/21/0"), 4, 00);
    assert_code(boot_delete(r, "/21"), 2, 02);
    assert_code(boot_get(r, BS, "/21", TSR_LWM2M_FORMAT_LINK), 2, 05);
    assert_string_equal(r->far[BS].answer.text, "</>;lwm2m=1.2,</21>;ver=2.0,</21/0>");
    finish_refused(r, "without its instance");
    assert_non_null(tsr_lwm2m_oscore_find(&r->oscores, 5)); /* the real one is still there */
    assert_int_equal(keys(r), 1);
    assert_code(boot_delete(r, "/"), 2, 02);
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(keys(r), 0);
    boot_restart(r);
    boot_run(r);
    assert_null(tsr_lwm2m_oscore_find(&r->oscores, 5));
    assert_non_null(tsr_lwm2m_oscore_find(&r->oscores, 0));
    end(r);
}

/* A save that fails at Finish leaves the keys that were, and so does a cut before it. */
static void test_keys_stay_when_finish_cannot_be_stored(void **state)
{
    boot_rig *r = begin();
    uint32_t key;

    (void)state;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    assert_code(put_good(r, 5), 2, 04);
    assert_code(boot_put_text(r, "/0/1/17", "21:5"), 2, 04);
    assert_code(boot_finish(r), 2, 04);
    key = tsr_lwm2m_oscore_find(&r->oscores, 5)->key_id;
    assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
    boot_run(r);
    assert_code(put(r, 5, "another secret", "dev", "srv", 10), 2, 04);
    assert_int_equal(keys(r), 2);
    r->fail_from = r->saves + 1;
    assert_code(boot_finish(r), 4, 06);
    assert_int_equal(tsr_lwm2m_oscore_find(&r->oscores, 5)->key_id, key);
    r->fail_from = 0;
    boot_restart(r);
    boot_run(r);
    assert_int_equal(tsr_lwm2m_oscore_find(&r->oscores, 5)->key_id, key);
    assert_int_equal(keys(r), 1); /* the other one was swept */
    end(r);
}

/* Other keys: another session, another registration. The same ones: nothing happens. */
static void test_new_keys_renew_the_account(void **state)
{
    boot_rig *r = begin();

    (void)state;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    assert_code(put_good(r, 5), 2, 04);
    assert_code(boot_put_text(r, "/0/1/17", "21:5"), 2, 04);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(r->far[ONE].registers, 1);
    for (unsigned renewed = 0; renewed < 2; renewed++) {
        assert_int_equal(tsr_lwm2m_bootstrap_begin(&r->client, r->now_ms), TSR_OK);
        boot_run(r);
        if (renewed == 1)
            assert_code(put(r, 5, "another secret", "dev", "srv", 10), 2, 04);
        assert_code(boot_finish(r), 2, 04);
        assert_int_equal(r->far[ONE].registers, 1 + renewed);
    }
    assert_int_equal(keys(r), 1);
    end(r);
}

/* A new bootstrap account: the old one goes, with its keys. */
static void test_new_bootstrap_account_brings_its_keys(void **state)
{
    static const boot_account_values next = { .instance = 7, .uri = "coap://two",
                                              .mode = TSR_LWM2M_MODE_NOSEC, .bootstrap = true };
    boot_rig *r = begin();

    (void)state;
    boot_write_account(r, &one, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    boot_write_account(r, &next, TSR_LWM2M_FORMAT_SENML_CBOR, 2);
    assert_code(put_good(r, 9), 2, 04);
    assert_code(boot_put_text(r, "/0/7/17", "21:9"), 2, 04);
    assert_code(boot_finish(r), 2, 04);
    assert_int_equal(tsr_lwm2m_security_bootstrap(&r->securities)->id, 7);
    assert_null(tsr_lwm2m_oscore_find(&r->oscores, 0));
    assert_non_null(tsr_lwm2m_oscore_find(&r->oscores, 9));
    boot_restart(r);
    boot_run(r);
    assert_null(tsr_lwm2m_oscore_find(&r->oscores, 0));
    assert_int_equal(tsr_lwm2m_security_bootstrap(&r->securities)->oscore_id, 9);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int_11_oscore_account_is_written_and_kept),
        cmocka_unit_test(test_oscore_that_cannot_work_is_refused),
        cmocka_unit_test(test_device_without_oscore_refuses_such_accounts),
        cmocka_unit_test(test_delete_spares_the_keys_of_the_bootstrap_server),
        cmocka_unit_test(test_keys_stay_when_finish_cannot_be_stored),
        cmocka_unit_test(test_new_keys_renew_the_account),
        cmocka_unit_test(test_new_bootstrap_account_brings_its_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
