/* SPDX-License-Identifier: Apache-2.0
 *
 * Encrypted payloads: in every layout they become an image, and whatever is wrong with one is
 * refused before it is activated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/secure/fwu_device.h"

static device d;

static void fresh(bool with_key)
{
    device_make(&d, NULL, 1, true);
    d.with_key = with_key;
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
}

/* The packed bytes as they are, however wrong they were made. */
static psa_status_t prepare(const packed *p)
{
    psa_status_t status = tsr_fwu_start(&d.fwu, 0, tsr_view(p->manifest, p->manifest_len));

    for (size_t at = 0; status == PSA_SUCCESS && at < p->len; at += 1024)
        status =
            tsr_fwu_write(&d.fwu, 0, at, tsr_first(tsr_view(p->bytes + at, p->len - at), 1024));
    return status == PSA_SUCCESS ? tsr_fwu_finish(&d.fwu, 0) : status;
}

typedef struct {
    uint8_t bytes[16384];
    tsr_buf to;
} taken;

static tsr_err put(void *self, tsr_bytes plain)
{
    tsr_put_bytes(&((taken *)self)->to, plain);
    return ((taken *)self)->to.err;
}

static void check_taken(const package *p, uint8_t slot)
{
    static taken t;
    tsr_fwu_sink sink = { &t, put };
    tsr_fwu_image image;
    uint8_t payload[16384], digest[32], why;
    size_t len;

    package_payload(p, payload);
    t.to = tsr_buf_over(t.bytes, sizeof t.bytes);
    assert_int_equal(tsr_fwu_decrypt(&d.fwu, 0, slot, &sink, &image, &why), PSA_SUCCESS);
    assert_true(image.encrypted);
    assert_int_equal(image.len, p->len + 16);
    assert_int_equal(t.to.len, p->len);
    assert_memory_equal(t.bytes, payload, p->len);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, payload, p->len, digest, 32, &len), 0);
    assert_memory_equal(image.digest, digest, 32);
    assert_memory_equal(d.choices[0].image.digest, digest, 32);
}

static bool contains(const uint8_t *in, size_t len, const uint8_t *what, size_t n)
{
    for (size_t at = 0; at + n <= len; at++)
        if (memcmp(in + at, what, n) == 0)
            return true;
    return false;
}

/* draft-ietf-suit-firmware-encryption: the payload in clear is in no slot, whatever its length. */
static void test_encrypted_image_is_taken_in_every_layout(void **state)
{
    static const size_t lengths[] = { 1, 15, 16, 17, 511, 512, 513, 3000, 12345 };
    static packed out;
    uint8_t payload[16384];

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (int layout = 0; layout < 3; layout++) {
            package p = { .sequence = 2, .version = "2.0.0", .seed = 4, .len = lengths[i],
                          .encrypted = true, .following = layout == 1, .detached = layout == 2 };

            fresh(true);
            assert_int_equal(device_info(&d, 0).flags, PSA_FWU_FLAG_ENCRYPTION);
            package_make(&p, &out);
            package_payload(&p, payload);
            if (p.len >= 16)
                assert_false(contains(out.bytes, out.len, payload, 16));
            assert_int_equal(prepare(&out), PSA_SUCCESS);
            assert_int_equal(tsr_fwu_install(&d.fwu), PSA_SUCCESS_REBOOT);
            assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
            assert_true(d.choices[0].there && d.choices[0].trial && d.choices[0].image.encrypted);
            assert_int_equal(tsr_fwu_accept(&d.fwu), PSA_SUCCESS);
            assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
            assert_int_equal(d.choices[0].slot, 1);
            check_taken(&p, 1);
            assert_null(device_manners(&d));
            device_end(&d);
        }
}

static void check_refused(psa_status_t got, psa_status_t status, uint8_t why)
{
    psa_fwu_component_info_t info = device_info(&d, 0);

    assert_int_equal(got, status);
    assert_int_equal(info.state, PSA_FWU_FAILED);
    assert_int_equal(info.impl.why, why);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_ERROR_BAD_STATE);
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_true(d.choices[0].there && d.choices[0].slot == 0);
    device_end(&d);
}

static void test_device_without_the_key_refuses(void **state)
{
    static packed out;
    package p = { .sequence = 2, .len = 3000, .encrypted = true };

    (void)state;
    package_make(&p, &out);
    fresh(false);
    assert_int_equal(device_info(&d, 0).flags, 0);
    check_refused(prepare(&out), PSA_ERROR_INVALID_ARGUMENT, TSR_FWU_WHY_ENCRYPTED);
    p.other_kek = true; /* wrapped for another device */
    package_make(&p, &out);
    fresh(true);
    check_refused(prepare(&out), PSA_ERROR_INVALID_ARGUMENT, TSR_FWU_WHY_ENCRYPTED);
    /* A manifest that comes apart is refused before anything is written. */
    p.detached = true;
    package_make(&p, &out);
    fresh(false);
    assert_int_equal(tsr_fwu_start(&d.fwu, 0, tsr_view(out.manifest, out.manifest_len)),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(device_state(&d, 0), PSA_FWU_READY);
    device_end(&d);
}

static void test_wrong_recipient_or_info_is_refused(void **state)
{
    static packed out;
    static const package_flaw flaws[] = { PACKAGE_FLIP_WRAPPED, PACKAGE_CUT_INFO,
                                          PACKAGE_OTHER_ALG };

    (void)state;
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++) {
        package p = { .sequence = 2, .len = 3000, .encrypted = true, .flaw = flaws[i] };

        package_make(&p, &out);
        fresh(true);
        check_refused(prepare(&out), PSA_ERROR_INVALID_ARGUMENT, TSR_FWU_WHY_ENCRYPTED);
    }
}

/* Signed properly, but another nonce than the one it was encrypted under: the tag tells. */
static void test_wrong_nonce_is_refused(void **state)
{
    static packed out;
    package p = { .sequence = 2, .len = 3000, .encrypted = true, .flaw = PACKAGE_OTHER_IV };

    (void)state;
    package_make(&p, &out);
    fresh(true);
    check_refused(prepare(&out), PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_DIGEST);
}

static void test_flipped_ciphertext_or_tag_is_refused(void **state)
{
    static packed out;
    package p = { .sequence = 2, .len = 3000, .encrypted = true };

    (void)state;
    for (size_t back = 1; back <= 3016; back += back < 17 ? 1 : 333) {
        package_make(&p, &out);
        out.bytes[out.len - back] ^= 0x10;
        fresh(true);
        check_refused(prepare(&out), PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_DIGEST);
    }
}

static void test_other_digest_of_plaintext_is_refused(void **state)
{
    static packed out;
    package p = { .sequence = 2, .len = 3000, .encrypted = true, .other_digest = true };

    (void)state;
    package_make(&p, &out);
    fresh(true);
    check_refused(prepare(&out), PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_DIGEST);
}

static void test_truncated_is_refused(void **state)
{
    static packed out;

    (void)state;
    for (size_t less = 1; less <= 3016; less += less < 17 ? 1 : 500) {
        package p = { .sequence = 2, .len = 3000, .encrypted = true, .following = true };

        package_make(&p, &out);
        out.len -= less;
        fresh(true);
        check_refused(prepare(&out), PSA_ERROR_INVALID_SIGNATURE, TSR_FWU_WHY_LENGTH);
    }
}

/* Damaged on the medium after it was accepted: not started, and nothing is given to the sink as
 * good. */
static void test_damaged_later_is_not_started(void **state)
{
    static packed out;
    static taken t;
    tsr_fwu_sink sink = { &t, put };
    tsr_fwu_image image;
    uint8_t why;
    package p = { .sequence = 2, .len = 3000, .encrypted = true };
    device_part *part = &d.slot[0][1];

    (void)state;
    package_make(&p, &out);
    fresh(true);
    assert_int_equal(prepare(&out), PSA_SUCCESS);
    assert_int_equal(tsr_fwu_install(&d.fwu), PSA_SUCCESS_REBOOT);
    part->s.now[out.len - 100] ^= 1;
    part->s.durable[out.len - 100] ^= 1;
    assert_int_equal(device_boot(&d, 0), PSA_SUCCESS);
    assert_int_equal(d.choices[0].slot, 0);
    assert_int_equal(device_state(&d, 0), PSA_FWU_FAILED);
    t.to = tsr_buf_over(t.bytes, sizeof t.bytes);
    assert_int_equal(tsr_fwu_decrypt(&d.fwu, 0, 1, &sink, &image, &why),
                     PSA_ERROR_INVALID_SIGNATURE);
    /* The other one is not encrypted at all. */
    assert_int_equal(tsr_fwu_decrypt(&d.fwu, 0, 0, &sink, &image, &why), PSA_ERROR_NOT_SUPPORTED);
    device_end(&d);
}

static size_t volatile_keys(void)
{
    mbedtls_psa_stats_t stats;

    mbedtls_psa_get_stats(&stats);
    return stats.MBEDTLS_PRIVATE(volatile_slots);
}

/* A medium or a sink that fails halfway ends the decryption, too. */
static void test_no_content_key_stays_after_a_failure(void **state)
{
    static packed out;
    static taken t;
    tsr_fwu_sink sink = { &t, put };
    tsr_fwu_image image;
    uint8_t why;
    package p = { .sequence = 2, .len = 3000, .encrypted = true };
    size_t before;

    (void)state;
    package_make(&p, &out);
    fresh(true);
    before = volatile_keys();
    assert_int_equal(prepare(&out), PSA_SUCCESS);
    assert_int_equal(volatile_keys(), before);
    for (size_t room = 0; room < p.len; room += 500) {
        t.to = tsr_buf_over(t.bytes, room);
        assert_int_equal(tsr_fwu_decrypt(&d.fwu, 0, 1, &sink, &image, &why),
                         PSA_ERROR_STORAGE_FAILURE);
        assert_int_equal(why, TSR_FWU_WHY_STORAGE);
        assert_int_equal(volatile_keys(), before);
    }
    device_end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encrypted_image_is_taken_in_every_layout),
        cmocka_unit_test(test_device_without_the_key_refuses),
        cmocka_unit_test(test_wrong_recipient_or_info_is_refused),
        cmocka_unit_test(test_wrong_nonce_is_refused),
        cmocka_unit_test(test_flipped_ciphertext_or_tag_is_refused),
        cmocka_unit_test(test_other_digest_of_plaintext_is_refused),
        cmocka_unit_test(test_truncated_is_refused),
        cmocka_unit_test(test_damaged_later_is_not_started),
        cmocka_unit_test(test_no_content_key_stays_after_a_failure),
    };

    package_world();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
