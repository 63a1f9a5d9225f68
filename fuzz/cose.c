/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE messages and keys of any bytes. What is read is checked with keys that nobody else has, so
 * nothing may verify; and a message of our own with one part replaced must not either. */
#include "fuzz/fuzz.h"
#include "tessera/cose/key.h"

static psa_key_id_t signer, mac, aead;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static psa_key_id_t make(psa_key_type_t type, size_t bits, psa_algorithm_t alg, psa_key_usage_t use)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, use);
    must(psa_generate_key(&a, &id) == PSA_SUCCESS);
    return id;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    signer =
        make(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256, PSA_ALG_ECDSA(PSA_ALG_SHA_256),
             PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH);
    mac = make(PSA_KEY_TYPE_HMAC, 256, PSA_ALG_HMAC(PSA_ALG_SHA_256),
               PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE);
    aead = make(PSA_KEY_TYPE_AES, 128, PSA_ALG_GCM, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    return 0;
}

static void inside(tsr_bytes part, tsr_bytes whole)
{
    must(part.ptr == NULL || part.len == 0 ||
         (part.ptr >= whole.ptr && part.len <= whole.len &&
          (size_t)(part.ptr - whole.ptr) <= whole.len - part.len));
}

static void read_as(tsr_bytes in, tsr_cose_kind kind)
{
    static uint8_t room[4096];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes none = { NULL, 0 }, value;
    tsr_cose_message m;
    tsr_err err;

    if (tsr_cose_read(in, kind, &m) != TSR_OK)
        return;
    inside(m.protected_map, in);
    inside(m.unprotected_map, in);
    inside(m.payload, in);
    inside(m.proof, in);
    inside(m.kid, in);
    inside(m.iv, in);
    if (tsr_cose_find(m.unprotected_map, 33, &value) == TSR_OK)
        inside(value, in);
    m.allow_unprotected_alg = true;
    if (kind == TSR_COSE_SIGN1)
        err = tsr_cose_sign1_verify(&m, signer, m.detached ? in : none, none);
    else if (kind == TSR_COSE_MAC0)
        err = tsr_cose_mac0_verify(&m, mac, m.detached ? in : none, none);
    else
        err = tsr_cose_encrypt0_open(&m, aead, m.detached ? in : none, none, none, &out);
    must(err != TSR_OK);
}

static void read_key(tsr_bytes in)
{
    static uint8_t room[4096];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_key k, again;
    psa_key_id_t id;

    if (tsr_cose_key_read(in, &k) != TSR_OK)
        return;
    tsr_cose_key_write(&out, &k);
    if (out.err == TSR_OK) {
        must(tsr_cose_key_read(tsr_buf_view(&out), &again) == TSR_OK);
        must(again.kty == k.kty && again.alg == k.alg && tsr_same(again.k, k.k) &&
             tsr_same(again.x, k.x) && tsr_same(again.d, k.d));
    }
    if (tsr_cose_key_import(&k, TSR_COSE_ES256, TSR_COSE_OP_VERIFY, &id) == TSR_OK)
        must(psa_destroy_key(id) == PSA_SUCCESS);
    if (tsr_cose_key_import(&k, TSR_COSE_HMAC_256, TSR_COSE_OP_MAC_VERIFY, &id) == TSR_OK)
        must(psa_destroy_key(id) == PSA_SUCCESS);
}

/* What we write of any payload, external data and kid, we read back. */
static void round_trip(tsr_bytes in)
{
    static uint8_t room[8192];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes kid = tsr_first(in, in.len % 9), aad = tsr_skip(in, in.len / 2);
    tsr_cose_params p = { .alg = TSR_COSE_HMAC_256, .kid = kid, .untagged = in.len % 2 == 1 };
    tsr_bytes none = { NULL, 0 };
    tsr_cose_message m;

    if (in.len > 4096)
        return;
    must(tsr_cose_mac0(&out, &p, mac, in, aad) == TSR_OK);
    must(out.len == tsr_cose_size(TSR_COSE_MAC0, &p, in.len));
    must(tsr_cose_read(tsr_buf_view(&out), TSR_COSE_MAC0, &m) == TSR_OK);
    must(tsr_same(m.payload, in) && tsr_same(m.kid, kid));
    must(tsr_cose_mac0_verify(&m, mac, none, aad) == TSR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = { data, size };

    read_as(in, TSR_COSE_SIGN1);
    read_as(in, TSR_COSE_MAC0);
    read_as(in, TSR_COSE_ENCRYPT0);
    read_key(in);
    round_trip(in);
    return 0;
}
