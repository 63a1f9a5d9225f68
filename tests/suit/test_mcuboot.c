/* SPDX-License-Identifier: Apache-2.0
 *
 * MCUboot images made by imgtool (tests/vectors/mcuboot). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "psa/crypto.h"
#include "tessera/suit/mcuboot.h"
#include "tests/vectors/hexfile.h"

static uint8_t room[1024];

static tsr_err read_image(tsr_bytes in, tsr_mcuboot_header *h, tsr_mcuboot_tlvs *t)
{
    tsr_err err = tsr_mcuboot_header_read(in, h);

    if (err == TSR_OK && h->tlv_at > in.len)
        err = TSR_E_SPACE;
    return err == TSR_OK ? tsr_mcuboot_tlvs_read(h, tsr_skip(in, h->tlv_at), t) : err;
}

static void load(const char *name, tsr_bytes *in, tsr_mcuboot_header *h, tsr_mcuboot_tlvs *t)
{
    *in = hex_file(name, room, sizeof room);
    assert_true(tsr_mcuboot_is_image(*in));
    assert_int_equal(read_image(*in, h, t), TSR_OK);
    assert_int_equal(h->tlv_at + t->len, in->len);
}

static void test_mcuboot_header_and_records(void **state)
{
    tsr_mcuboot_header h;
    tsr_mcuboot_tlvs t;
    tsr_bytes in;

    (void)state;
    load("mcuboot/v2.hex", &in, &h, &t);
    assert_int_equal(h.header_len, 32);
    assert_int_equal(h.image_len, 300);
    assert_int_equal(h.major, 2);
    assert_int_equal(h.minor, 1);
    assert_int_equal(h.patch, 3);
    assert_int_equal(h.build, 77);
    assert_int_equal(h.protected_len, 12);
    assert_true(t.counted);
    assert_int_equal(t.counter, 2);
    assert_int_equal(t.key_hash.len, 32);
    load("mcuboot/v1-full.hex", &in, &h, &t);
    assert_int_equal(t.key.len, 91);
    assert_int_equal(t.key_hash.len, 0);
    load("mcuboot/uncounted.hex", &in, &h, &t);
    assert_false(t.counted);
    load("mcuboot/needs.hex", &in, &h, &t);
    assert_int_equal(t.need_count, 1);
    assert_int_equal(t.needs[0].image, 1);
    assert_int_equal(t.needs[0].major, 2);
    load("mcuboot/ids.hex", &in, &h, &t);
    assert_memory_equal(t.vendor.ptr, "vendor", 7);
    assert_memory_equal(t.class_id.ptr, "class", 6);
}

/* Digest and signature of all that one key signed; and not of the other one's. */
static void test_mcuboot_digest_and_signature(void **state)
{
    static const char *const names[] = { "mcuboot/v2.hex",    "mcuboot/v1-full.hex",
                                         "mcuboot/needs.hex", "mcuboot/uncounted.hex",
                                         "mcuboot/ids.hex",   "mcuboot/foreign.hex" };
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t spki[128], digest[32], raw[64];
    psa_key_id_t key;
    size_t len;

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(hex_file("mcuboot/key.hex", spki, sizeof spki).len, 91);
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&a, spki + 26, 65, &key), PSA_SUCCESS);
    for (size_t i = 0; i < 6; i++) {
        tsr_mcuboot_header h;
        tsr_mcuboot_tlvs t;
        tsr_bytes in;

        load(names[i], &in, &h, &t);
        assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, in.ptr, h.signed_len, digest, 32, &len),
                         PSA_SUCCESS);
        assert_memory_equal(digest, t.sha256.ptr, 32);
        assert_int_equal(tsr_mcuboot_signature(t.signature, raw), TSR_OK);
        assert_int_equal(psa_verify_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, raw, 64),
                         i < 5 ? PSA_SUCCESS : PSA_ERROR_INVALID_SIGNATURE);
    }
    psa_destroy_key(key);
}

static void test_mcuboot_cut_short(void **state)
{
    tsr_bytes in = hex_file("mcuboot/ids.hex", room, sizeof room);
    tsr_mcuboot_header h;
    tsr_mcuboot_tlvs t;

    (void)state;
    for (size_t len = 0; len < in.len; len++)
        assert_int_equal(read_image(tsr_first(in, len), &h, &t), TSR_E_SPACE);
}

/* One byte at a place of v2.hex becomes another. */
static tsr_err with(size_t at, uint8_t byte)
{
    tsr_bytes in = hex_file("mcuboot/v2.hex", room, sizeof room);
    tsr_mcuboot_header h;
    tsr_mcuboot_tlvs t;

    room[at] = byte;
    return read_image(in, &h, &t);
}

static void test_mcuboot_refuses_what_is_not_ours(void **state)
{
    (void)state;
    assert_int_equal(with(0, 0), TSR_E_MALFORMED);        /* no mark */
    assert_int_equal(with(8, 31), TSR_E_MALFORMED);       /* a header too short */
    assert_int_equal(with(15, 0xff), TSR_E_SPACE);        /* an image longer than the file */
    assert_int_equal(with(16, 0x04), TSR_E_UNSUPPORTED);  /* encrypted */
    assert_int_equal(with(16, 0x10), TSR_E_UNSUPPORTED);  /* not bootable */
    assert_int_equal(with(17, 0x02), TSR_E_UNSUPPORTED);  /* compressed */
    assert_int_equal(with(332, 0x07), TSR_E_MALFORMED);   /* protected records unmarked */
    assert_int_equal(with(334, 0x0b), TSR_E_MALFORMED);   /* and shorter than the header says */
    assert_int_equal(with(338, 0x05), TSR_E_MALFORMED);   /* a record beyond its list */
    assert_int_equal(with(10, 0), TSR_E_MALFORMED);       /* a counter without protection */
    assert_int_equal(with(348, 0x11), TSR_E_UNSUPPORTED); /* another digest */
    assert_int_equal(with(348, 0x99), TSR_E_MALFORMED);   /* none */
    assert_int_equal(with(384, 0x10), TSR_E_MALFORMED);   /* two */
    assert_int_equal(with(336, 0x51), TSR_OK);            /* an unknown record is left alone */
}

/* ECDSA-Sig-Value in DER */
static void test_mcuboot_signature_numbers(void **state)
{
    uint8_t raw[64], buffer[80];

    (void)state;
    assert_int_equal(tsr_mcuboot_signature(from_hex("3006 0201 05 0201 7f", buffer, 80), raw),
                     TSR_OK);
    assert_int_equal(raw[31], 5);
    assert_int_equal(raw[63], 0x7f);
    assert_int_equal(raw[0], 0);
    assert_int_equal(tsr_mcuboot_signature(from_hex("3007 0202 0085 0201 7f", buffer, 80), raw),
                     TSR_OK);
    assert_int_equal(raw[31], 0x85);
    static const char *const bad[] = {
        "",
        "30",
        "3000",
        "3106 0201 05 0201 7f",
        "3006 0201 85 0201 7f" /* negative */,
        "3005 0200 0201 7f",
        "3006 0201 05 0202 7f",
        "3007 0201 05 0201 7f 00",
        "3006 0301 05 0201 7f",
        "3003 0201 05",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(tsr_mcuboot_signature(from_hex(bad[i], buffer, 80), raw), TSR_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mcuboot_header_and_records),
        cmocka_unit_test(test_mcuboot_digest_and_signature),
        cmocka_unit_test(test_mcuboot_cut_short),
        cmocka_unit_test(test_mcuboot_refuses_what_is_not_ours),
        cmocka_unit_test(test_mcuboot_signature_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
