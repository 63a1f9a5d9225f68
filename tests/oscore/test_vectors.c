/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 8613 §C, byte for byte, through a real PSA core. Derived keys cannot be exported, so
 * C.1 to C.3 prove them by what they encrypt: the RFC's key, imported, has to open it, and ours has
 * to open what the RFC's key made. */
#include "tests/oscore/rig.h"

/* ---- key derivation ---- */

typedef struct {
    const char *section, *salt, *sender_id, *recipient_id, *id_context; /* NULL: none */
    const char *sender_key, *recipient_key, *sender_nonce, *recipient_nonce; /* Partial IV 0 */
} derivation;

static const derivation derivations[] = {
    { "C.1.1", "9e7ca92223786340", "", "01", NULL, "f0910ed7295e6ad4b54fc793154302ff",
      "ffb14e093c94c9cac9471648b4f98710", "4622d4dd6d944168eefb54987c",
      "4722d4dd6d944169eefb54987c" },
    { "C.1.2", "9e7ca92223786340", "01", "", NULL, "ffb14e093c94c9cac9471648b4f98710",
      "f0910ed7295e6ad4b54fc793154302ff", "4722d4dd6d944169eefb54987c",
      "4622d4dd6d944168eefb54987c" },
    { "C.2.1", "", "00", "01", NULL, "321b26943253c7ffb6003b0b64d74041",
      "e57b5635815177cd679ab4bcec9d7dda", "bf35ae297d2dace910c52e99f9",
      "bf35ae297d2dace810c52e99f9" },
    { "C.2.2", "", "01", "00", NULL, "e57b5635815177cd679ab4bcec9d7dda",
      "321b26943253c7ffb6003b0b64d74041", "bf35ae297d2dace810c52e99f9",
      "bf35ae297d2dace910c52e99f9" },
    { "C.3.1", "9e7ca92223786340", "", "01", "37cbf3210017a2d3",
      "af2a1300a5e95788b356336eeecd2b92", "e39a0c7c77b43f03b4b39ab9a268699f",
      "2ca58fb85ff1b81c0b7181b85e", "2da58fb85ff1b81d0b7181b85e" },
    { "C.3.2", "9e7ca92223786340", "01", "", "37cbf3210017a2d3",
      "e39a0c7c77b43f03b4b39ab9a268699f", "af2a1300a5e95788b356336eeecd2b92",
      "2da58fb85ff1b81d0b7181b85e", "2ca58fb85ff1b81c0b7181b85e" },
};

static void init_from(tsr_oscore *c, const derivation *d, uint8_t room[64], bool send_context)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    tsr_oscore_params p = { .master_secret = secret, .send_id_context = send_context };

    p.salt = from_hex(d->salt, room, 16);
    p.sender_id = from_hex(d->sender_id, room + 16, 16);
    p.recipient_id = from_hex(d->recipient_id, room + 32, 16);
    if (d->id_context != NULL)
        p.id_context = from_hex(d->id_context, room + 48, 16);
    assert_int_equal(tsr_oscore_init(c, &p, (tsr_bytes){ NULL, 0 }), TSR_OK);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

static psa_key_id_t import(const char *hex, psa_key_usage_t usage)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t bytes[32];
    tsr_bytes key = from_hex(hex, bytes, sizeof bytes);
    psa_key_id_t id;

    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_algorithm(&a, PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8));
    psa_set_key_usage_flags(&a, usage);
    assert_int_equal(psa_import_key(&a, key.ptr, key.len, &id), PSA_SUCCESS);
    return id;
}

/* The AAD of a request with Partial IV 0: RFC 8613 §5.4 */
static size_t aad_of(const char *kid, uint8_t aad[64])
{
    char hex[128];
    size_t kid_len = strlen(kid) / 2;

    (void)snprintf(hex, sizeof hex, "8368456e63727970743040%02x8501810a%02x%s410040",
                   (unsigned)(0x40 + 8 + kid_len), (unsigned)(0x40 + kid_len), kid);
    return from_hex(hex, aad, 64).len;
}

static void check_sender(tsr_oscore *c, const derivation *d)
{
    uint8_t nonce[13], aad[64], plain[64];
    psa_key_id_t key = import(d->sender_key, PSA_KEY_USAGE_DECRYPT);
    tsr_oscore_exchange x;
    tsr_coap_msg msg;
    rig_message m;
    size_t len, aad_len = aad_of(d->sender_id, aad);

    assert_int_equal(rig_request(c, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(tsr_coap_msg_parse(rig_view(&m), &msg), TSR_OK);
    from_hex(d->sender_nonce, nonce, sizeof nonce);
    assert_int_equal(psa_aead_decrypt(key, PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8), nonce,
                                      13, aad, aad_len, msg.payload.ptr, msg.payload.len, plain,
                                      sizeof plain, &len),
                     PSA_SUCCESS);
    assert_int_equal(len, 5);
    assert_memory_equal(plain, "\x01\xb3tv1", 5);
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

static void check_recipient(tsr_oscore *c, const derivation *d)
{
    uint8_t nonce[13], aad[64], room[64], kid[16];
    psa_key_id_t key = import(d->recipient_key, PSA_KEY_USAGE_ENCRYPT);
    tsr_bytes id = from_hex(d->recipient_id, kid, sizeof kid);
    rig_message m, out;
    tsr_oscore_exchange x;
    size_t len, aad_len = aad_of(d->recipient_id, aad);

    from_hex(d->recipient_nonce, nonce, sizeof nonce);
    assert_int_equal(psa_aead_encrypt(key, PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8), nonce,
                                      13, aad, aad_len, (const uint8_t *)"\x01\xb3tv1", 5, room,
                                      sizeof room, &len),
                     PSA_SUCCESS);
    rig_hex(&m, "44025d1f00003974");
    tsr_put_u8(&m.buf, (uint8_t)(0x90 | (2 + id.len))); /* option 9: flags, Partial IV 0, kid */
    tsr_put_u16(&m.buf, 0x0900);
    tsr_put_bytes(&m.buf, id);
    tsr_put_u8(&m.buf, 0xff);
    tsr_put_bytes(&m.buf, tsr_view(room, len));
    assert_int_equal(rig_take_request(c, &x, &m, &out), TSR_OK);
    assert_true(rig_is(&out, RIG_GET));
    assert_int_equal(psa_destroy_key(key), PSA_SUCCESS);
}

/* RFC 8613 §3.2, RFC 8613 §3.2.1 */
static void test_keys_of_c1_to_c3(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof derivations / sizeof derivations[0]; i++) {
        uint8_t room[64], exported[32];
        size_t len;
        tsr_oscore c;

        init_from(&c, &derivations[i], room, false);
        check_sender(&c, &derivations[i]);
        check_recipient(&c, &derivations[i]);
        assert_int_equal(psa_export_key(c.sender_key, exported, sizeof exported, &len),
                         PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(psa_export_key(c.recipient_key, exported, sizeof exported, &len),
                         PSA_ERROR_NOT_PERMITTED);
        tsr_oscore_free(&c);
    }
}

/* ---- messages ---- */

typedef struct {
    const char *section;
    int keys; /* of `derivations` */
    bool send_context;
    const char *plain, *protected;
} request;

static const request requests[] = {
    { "C.4", 0, false, "44015d1f00003974396c6f63616c686f737483747631",
      "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e" },
    { "C.5", 2, false, "440171c30000b932396c6f63616c686f737483747631",
      "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0" },
    { "C.6", 4, true, "44012f8eef9bbf7a396c6f63616c686f737483747631",
      "44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3" },
};

static void twenty(tsr_oscore *c)
{
    tsr_oscore_exchange x;
    rig_message m;

    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(rig_request(c, &x, RIG_GET, &m), TSR_OK);
}

/* RFC 8613 §5.2 */
static void test_requests_of_c4_to_c6(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const request *r = &requests[i];
        tsr_oscore_exchange x, y;
        uint8_t room[64];
        tsr_oscore client, server;
        rig_message m, out;

        init_from(&client, &derivations[r->keys], room, r->send_context);
        init_from(&server, &derivations[r->keys + 1], room, false);
        twenty(&client);
        assert_int_equal(rig_request(&client, &x, r->plain, &m), TSR_OK);
        if (!rig_is(&m, r->protected))
            fail_msg("%s", r->section);
        assert_int_equal(rig_take_request(&server, &y, &m, &out), TSR_OK);
        assert_true(rig_is(&out, r->plain));
        tsr_oscore_free(&client);
        tsr_oscore_free(&server);
    }
}

/* C.7: with the request's nonce; C.8: with a Partial IV of the server's own. */
static void test_responses_of_c7_and_c8(void **state)
{
    static const char *const wire[] = {
        "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106",
        "64445d1f00003974920100ff4d4c13669384b67354b2b6175ff4b8658c666a6cf88e"
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        tsr_oscore client, server;
        tsr_oscore_exchange x, y;
        rig_message m, out;

        rig_pair(&client, &server);
        twenty(&client);
        assert_int_equal(rig_request(&client, &x, requests[0].plain, &m), TSR_OK);
        assert_int_equal(rig_take_request(&server, &y, &m, &out), TSR_OK);
        y.own_nonce = i == 1;
        assert_int_equal(rig_response(&server, &y, RIG_HELLO, &m), TSR_OK);
        assert_true(rig_is(&m, wire[i]));
        assert_int_equal(rig_take_response(&client, &x, &m, &out), TSR_OK);
        assert_true(rig_is(&out, RIG_HELLO));
        tsr_oscore_free(&client);
        tsr_oscore_free(&server);
    }
}

/* RFC 8613 §6.3: five compressed COSE objects. RFC 8613 §2 */
static void test_option_examples(void **state)
{
    static const struct {
        const char *value, *piv, *kid, *kid_context;
    } examples[] = {
        { "090525", "05", "25", NULL },           { "0900", "00", "", NULL },
        { "19050544616c656b", "05", "", "44616c656b" }, { "", NULL, NULL, NULL },
        { "0107", "07", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const char *want[3] = { examples[i].piv, examples[i].kid, examples[i].kid_context };
        uint8_t room[32], part[32];
        tsr_oscore_option o;

        assert_int_equal(tsr_oscore_option_read(from_hex(examples[i].value, room, 32), &o), TSR_OK);
        const tsr_bytes got[3] = { o.piv, o.kid, o.kid_context };
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(got[k].ptr == NULL, want[k] == NULL);
            assert_true(want[k] == NULL || tsr_same(got[k], from_hex(want[k], part, 32)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_c1_to_c3),
        cmocka_unit_test(test_requests_of_c4_to_c6),
        cmocka_unit_test(test_responses_of_c7_and_c8),
        cmocka_unit_test(test_option_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
