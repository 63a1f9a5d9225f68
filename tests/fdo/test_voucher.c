/* SPDX-License-Identifier: Apache-2.0
 *
 * Vouchers of three programs, whole and damaged; and our own, extended. FDO 1.1 Voucher */
#include "tests/fdo/trace.h"

#include "tessera/cbor/cbor.h"
#include "tessera/fdo/voucher.h"
#include "tessera/json/base64.h"

static uint8_t room[16384];

static tsr_bytes pem(const char *path)
{
    static char text[16384];
    tsr_bytes file = vector_file(path), out;
    const char *label = "-----BEGIN OWNERSHIP VOUCHER-----", *at;
    tsr_buf to = tsr_buf_over(room, sizeof room);
    size_t len = 0;

    assert_true(file.len < sizeof text);
    memcpy(text, file.ptr, file.len);
    text[file.len] = '\0';
    at = strstr(text, label);
    assert_non_null(at);
    for (at += strlen(label); *at != '-'; at++)
        if (*at != '\n' && *at != '\r')
            text[len++] = *at;
    while (len > 0 && text[len - 1] == '=')
        len--;
    assert_int_equal(tsr_base64_get(tsr_view(text, len), &to), TSR_OK);
    out = tsr_buf_view(&to);
    return out;
}

static tsr_cose_key_id hmac_key(const uint8_t *secret, size_t len, int32_t alg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_cose_key_id id;

    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_algorithm(&a, tsr_fdo_hash_psa(alg));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    assert_int_equal(psa_import_key(&a, secret, len, &id), PSA_SUCCESS);
    return id;
}

static tsr_err check(tsr_bytes in)
{
    tsr_fdo_voucher v;
    tsr_err err = tsr_fdo_voucher_read(in, &v);

    return err == TSR_OK ? tsr_fdo_voucher_verify(&v, NULL, NULL) : err;
}

/* A list of numbers */
static void secret_of(tsr_bytes in, uint8_t secret[32])
{
    uint64_t n;

    assert_int_equal(tsr_fdo_get_array(&in, 32), TSR_OK);
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(tsr_cbor_get_uint(&in, &n), TSR_OK);
        secret[i] = (uint8_t)n;
    }
}

/* go-fdo: no entries, HMAC-SHA384 with a known secret; and six entries of RSA */
static void test_voucher_of_go_fdo_verifies(void **state)
{
    tsr_bytes credential;
    uint8_t secret[32] = { 0 };
    trace_body b;
    tsr_fdo_voucher v;
    tsr_fdo_key owner, device;
    tsr_cose_key_id key;

    (void)state;
    assert_int_equal(tsr_fdo_voucher_read(pem("fdo/go-fdo/ov.pem"), &v), TSR_OK);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.header.manufacturer.type, TSR_FDO_SECP384R1);
    assert_int_equal(tsr_fdo_voucher_verify(&v, &owner, NULL), TSR_OK);
    assert_true(tsr_fdo_key_same(&owner, &v.header.manufacturer));
    assert_int_equal(tsr_fdo_voucher_device(&v, &device), TSR_OK);

    credential = trace_file("go-fdo", "dc.bin", &b);
    assert_int_equal(tsr_fdo_get_array(&credential, 7), TSR_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(tsr_cbor_skip(&credential), TSR_OK);
    tsr_fdo_hash key_hash;

    assert_int_equal(tsr_fdo_get_hash(&credential, &key_hash), TSR_OK);
    assert_int_equal(tsr_fdo_hash_check(&key_hash, &v.header.manufacturer.encoded, 1), TSR_OK);
    uint64_t pairs;

    assert_int_equal(tsr_cbor_get_map(&credential, &pairs), TSR_OK);
    assert_int_equal(tsr_cbor_skip(&credential), TSR_OK); /* "Plain" */
    assert_int_equal(tsr_cbor_get_map(&credential, &pairs), TSR_OK);
    for (; pairs > 0; pairs--) {
        tsr_bytes name;

        assert_int_equal(tsr_cbor_get_text(&credential, &name), TSR_OK);
        if (tsr_same(name, tsr_text("hmac_secret"))) {
            secret_of(credential, secret);
            break;
        }
        assert_int_equal(tsr_cbor_skip(&credential), TSR_OK);
    }
    key = hmac_key(secret, sizeof secret, v.hmac.alg);
    assert_int_equal(tsr_fdo_voucher_check_hmac(&v, key), TSR_OK);
    room[40] ^= 1; /* in the header */
    assert_int_equal(tsr_fdo_voucher_check_hmac(&v, key), TSR_E_CRYPTO);
    psa_destroy_key(key);

    assert_int_equal(tsr_fdo_voucher_read(pem("fdo/go-fdo/ov_extended.pem"), &v), TSR_OK);
    assert_int_equal(v.count, 6);
    assert_int_equal(tsr_fdo_voucher_verify(&v, &owner, NULL), TSR_OK);
    assert_int_equal(owner.type, TSR_FDO_RSA2048RESTR);
}

/* fdo-rs: one hashes its certificates in another form, which must be refused; entries verify */
static void test_voucher_of_fdo_rs_verifies(void **state)
{
    tsr_fdo_voucher v;
    tsr_fdo_fault fault;
    tsr_fdo_ov_chain c;
    tsr_bytes entry;

    (void)state;
    assert_int_equal(check(pem("fdo/fdo-rs/v101-voucher2.pem")), TSR_OK);
    assert_int_equal(check(pem("fdo/fdo-rs/v101-voucher3.pem")), TSR_OK);

    assert_int_equal(tsr_fdo_voucher_read(pem("fdo/fdo-rs/v101-voucher1.pem"), &v), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_verify(&v, NULL, &fault), TSR_E_CRYPTO);
    assert_string_equal(fault.what, "hash of the device's certificates");
    assert_int_equal(v.header.chain_hash.alg, TSR_FDO_SHA384); /* beside ES256 */
    assert_int_equal(tsr_fdo_ov_begin(&c, &v.header, v.hmac_encoded), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_entry(&v, 0, &entry), TSR_OK);
    assert_int_equal(tsr_fdo_ov_next(&c, entry, NULL), TSR_OK);
    assert_int_equal(c.owner.type, TSR_FDO_SECP256R1);
    assert_int_equal(tsr_fdo_voucher_entry(&v, 1, &entry), TSR_E_NOT_FOUND);
}

/* FIDO_TEST_VOUCHER_BAD_PROT_VERSION */
static void test_voucher_of_version_100_is_refused(void **state)
{
    (void)state;
    assert_int_not_equal(check(pem("fdo/fdo-rs/v100-voucher1.pem")), TSR_OK);
    assert_int_not_equal(check(pem("fdo/fdo-rs/v100-voucher2.pem")), TSR_OK);
}

/* In each byte one bit and all bits; cut at every length. */
static void test_voucher_with_any_byte_changed_is_refused(void **state)
{
    tsr_bytes in = pem("fdo/fdo-rs/v101-voucher3.pem");

    (void)state;
    assert_int_equal(check(in), TSR_OK);
    for (size_t i = 0; i < in.len; i++) {
        uint8_t mask = (uint8_t)(1u << i % 8);

        room[i] ^= mask;
        if (check(in) == TSR_OK)
            fail_msg("byte %zu, bit %u", i, i % 8);
        room[i] ^= mask;
        if (i % 16 == 0)
            assert_int_not_equal(check(tsr_first(in, i)), TSR_OK);
    }
    assert_int_equal(check(in), TSR_OK);
    assert_int_not_equal(check(tsr_view(room, in.len + 1)), TSR_OK);
}

/* The runs: the entry of 63 after the header of 11 and the HMac of 12 */
static void test_entry_of_runs_follows_their_header(void **state)
{
    (void)state;
    for (size_t t = 0; t < TRACES; t++) {
        trace_body b[3];
        tsr_bytes header, entry, hmac, rest;
        tsr_fdo_ov_header h;
        tsr_fdo_ov_chain c;
        uint64_t n;

        assert_int_equal(
            tsr_fdo_set_credentials_read(trace_message(traces[t], 11, &b[0]), &header), TSR_OK);
        assert_int_equal(tsr_fdo_ov_header_read(header, &h), TSR_OK);
        hmac = tsr_skip(trace_message(traces[t], 12, &b[1]), 1);
        assert_int_equal(
            tsr_fdo_next_entry_read(trace_message(traces[t], 63, &b[2]), &n, &entry), TSR_OK);
        assert_int_equal(tsr_fdo_ov_begin(&c, &h, hmac), TSR_OK);
        assert_int_equal(tsr_fdo_ov_next(&c, entry, NULL), TSR_OK);
        assert_int_equal(tsr_fdo_ov_next(&c, entry, NULL), TSR_E_CRYPTO); /* twice: not */
        assert_int_equal(c.count, 1);

        uint8_t again[1024];
        tsr_buf out = tsr_buf_over(again, sizeof again);

        tsr_fdo_ov_header_write(&out, &h);
        rest = tsr_buf_view(&out);
        assert_true(tsr_same(rest, header));
    }
}

/* ---- our own ------------------------------------------------------------------------------ */

typedef struct {
    tsr_cose_key_id id;
    uint8_t room[512];
    tsr_bytes encoded;
} owner_key;

static void make_owner(owner_key *o, tsr_fdo_key_type type)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_buf out = tsr_buf_over(o->room, sizeof o->room);
    bool rsa = type == TSR_FDO_RSA2048RESTR, small = type == TSR_FDO_SECP256R1;

    psa_set_key_type(&a, rsa ? PSA_KEY_TYPE_RSA_KEY_PAIR
                             : PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, rsa ? 2048 : small ? 256 : 384);
    psa_set_key_algorithm(&a, rsa     ? PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256)
                              : small ? PSA_ALG_ECDSA(PSA_ALG_SHA_256)
                                      : PSA_ALG_ECDSA(PSA_ALG_SHA_384));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH);
    assert_int_equal(psa_generate_key(&a, &o->id), PSA_SUCCESS);
    assert_int_equal(tsr_fdo_put_key(&out, type, TSR_FDO_X509, o->id), TSR_OK);
    o->encoded = tsr_buf_view(&out);
}

static tsr_bytes new_voucher(const owner_key *maker, tsr_cose_key_id secret, tsr_buf *out)
{
    static const uint8_t guid[16] = { 0xaa, 1 }, rv[] = { 0x81, 0x81, 0x82, 0x0d, 0x41, 0 };
    const tsr_fdo_ov_header h = {
        .guid = { guid, 16 },
        .rv_info = { rv, sizeof rv },
        .device_info = tsr_text("sensor"),
        .manufacturer = { .encoded = maker->encoded },
    };
    uint8_t header_room[512], mac_room[TSR_FDO_HASH_MAX];
    tsr_buf header = tsr_buf_over(header_room, sizeof header_room);
    tsr_fdo_hash hmac;

    tsr_fdo_ov_header_write(&header, &h);
    assert_int_equal(
        tsr_fdo_mac_make(TSR_FDO_HMAC256, secret, tsr_buf_view(&header), mac_room, &hmac), TSR_OK);
    tsr_fdo_voucher_write(out, tsr_buf_view(&header), &hmac, tsr_view(NULL, 0));
    assert_int_equal(out->err, TSR_OK);
    return tsr_buf_view(out);
}

/* Through owners of all kinds of keys; a stranger cannot extend. */
static void test_voucher_is_extended_to_the_next_owner(void **state)
{
    static const tsr_fdo_key_type types[] = { TSR_FDO_SECP256R1, TSR_FDO_SECP384R1,
                                              TSR_FDO_RSA2048RESTR, TSR_FDO_SECP256R1 };
    static uint8_t a[8192], b[8192];
    static const uint8_t secret[32] = { 3 };
    tsr_buf from = tsr_buf_over(a, sizeof a), to = tsr_buf_over(b, sizeof b), swap;
    tsr_cose_key_id key = hmac_key(secret, 32, TSR_FDO_HMAC256);
    owner_key owners[4];
    tsr_fdo_voucher v;
    tsr_fdo_key owner;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        make_owner(&owners[i], types[i]);
    new_voucher(&owners[0], key, &from);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tsr_fdo_voucher_read(tsr_buf_view(&from), &v), TSR_OK);
        to.len = 0;
        assert_int_not_equal(tsr_fdo_voucher_extend(&to, &v, owners[i + 1].id,
                                                    owners[i].encoded, tsr_view(NULL, 0)),
                             TSR_OK);
        assert_int_equal(to.len, 0);
        to.err = TSR_OK;
        assert_int_equal(tsr_fdo_voucher_extend(&to, &v, owners[i].id, owners[i + 1].encoded,
                                                i == 1 ? tsr_view("\xa0", 1) : tsr_view(NULL, 0)),
                         TSR_OK);
        assert_int_equal(tsr_fdo_voucher_read(tsr_buf_view(&to), &v), TSR_OK);
        assert_int_equal(v.count, i + 1);
        assert_int_equal(tsr_fdo_voucher_verify(&v, &owner, NULL), TSR_OK);
        assert_true(tsr_same(owner.encoded, owners[i + 1].encoded));
        assert_int_equal(tsr_fdo_voucher_check_hmac(&v, key), TSR_OK);
        swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < 4; i++)
        psa_destroy_key(owners[i].id);
    psa_destroy_key(key);
}

/* FIDO_TEST_VOUCHER_ENTRY_BAD_PREV_HASH, _BAD_SIGNATURE, _BAD_HDR_HMAC: entries in another order,
 * the HMac exchanged */
static void test_voucher_with_entries_exchanged_is_refused(void **state)
{
    static uint8_t bad[16384];
    tsr_bytes in = pem("fdo/go-fdo/ov_extended.pem"), first, second;
    tsr_buf out = tsr_buf_over(bad, sizeof bad);
    tsr_fdo_voucher v;
    tsr_fdo_fault fault;

    (void)state;
    assert_int_equal(tsr_fdo_voucher_read(in, &v), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_entry(&v, 0, &first), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_entry(&v, 1, &second), TSR_OK);
    tsr_put_bytes(&out, v.front);
    tsr_cbor_put_array(&out, 2);
    tsr_put_bytes(&out, second);
    tsr_put_bytes(&out, first);
    assert_int_equal(tsr_fdo_voucher_read(tsr_buf_view(&out), &v), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_verify(&v, NULL, &fault), TSR_E_CRYPTO);
    assert_string_equal(fault.what, "hash of what stands before the entry");
    assert_int_equal(fault.entry, 0);

    assert_int_equal(tsr_fdo_voucher_read(pem("fdo/go-fdo/ov_extended.pem"), &v), TSR_OK);
    room[(size_t)(v.hmac.value.ptr - room)] ^= 1;
    assert_int_equal(tsr_fdo_voucher_verify(&v, NULL, &fault), TSR_E_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_voucher_of_go_fdo_verifies),
        cmocka_unit_test(test_voucher_of_fdo_rs_verifies),
        cmocka_unit_test(test_voucher_of_version_100_is_refused),
        cmocka_unit_test(test_voucher_with_any_byte_changed_is_refused),
        cmocka_unit_test(test_entry_of_runs_follows_their_header),
        cmocka_unit_test(test_voucher_is_extended_to_the_next_owner),
        cmocka_unit_test(test_voucher_with_entries_exchanged_is_refused),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
