/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/secure/fwu_package.h"

#include <stdio.h>
#include <stdlib.h>

#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"
#include "tessera/cose/recipient.h"
#include "tessera/suit/suit.h"

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static tsr_cose_key_id keys[PACKAGE_KEYS];
static uint8_t points[PACKAGE_KEYS][65];

const uint8_t package_vendor[16] = { 'v', 'e', 'n', 'd', 'o', 'r' };
const uint8_t package_class[16] = { 'c', 'l', 'a', 's', 's' };

static tsr_cose_key_id keks[2];

tsr_cose_key_id package_kek(void) { return keks[0]; }

void package_world(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT, kek = tsr_cose_kek_attributes();
    size_t len;

    MUST(psa_crypto_init() == PSA_SUCCESS);
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    for (size_t i = 0; i < 2; i++)
        MUST(psa_generate_key(&kek, &keks[i]) == PSA_SUCCESS);
    for (size_t i = 0; i < PACKAGE_KEYS; i++) {
        MUST(psa_generate_key(&a, &keys[i]) == PSA_SUCCESS);
        MUST(psa_export_public_key(keys[i], points[i], 65, &len) == PSA_SUCCESS);
    }
}

void package_payload(const package *p, uint8_t *payload)
{
    size_t len = p->len > 0 ? p->len : 3000;

    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(p->seed + i * 7 + i / 251);
}

static void spoil(tsr_buf *info, package_flaw flaw)
{
    if (flaw == PACKAGE_FLIP_WRAPPED)
        info->ptr[info->len - 1] ^= 1;
    else if (flaw == PACKAGE_CUT_INFO)
        info->len--;
    else if (flaw == PACKAGE_OTHER_ALG)
        info->ptr[6] = 3; /* A256GCM, in the protected map */
    else if (flaw == PACKAGE_OTHER_IV)
        info->ptr[10] ^= 1;
}

/* In place; `payload` has room for the tag. */
static size_t encrypt(const package *p, uint8_t *payload, size_t len, tsr_buf *info)
{
    static uint8_t sealed[16384 + 16];
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t cek[TSR_COSE_CEK], iv[12], room[64];
    tsr_buf aad = tsr_buf_over(room, sizeof room);
    tsr_cose_encrypted e;
    tsr_cose_key_id key;
    size_t n;

    MUST(psa_generate_random(cek, sizeof cek) == PSA_SUCCESS);
    MUST(psa_generate_random(iv, sizeof iv) == PSA_SUCCESS);
    MUST(tsr_cose_put_encrypted(info, iv, cek, &keks[p->other_kek], 1) == TSR_OK);
    MUST(tsr_cose_encrypted_read(tsr_buf_view(info), &e) == TSR_OK);
    tsr_cose_encrypted_aad(&aad, &e);
    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_GCM);
    MUST(psa_import_key(&a, cek, sizeof cek, &key) == PSA_SUCCESS);
    MUST(psa_aead_encrypt(key, PSA_ALG_GCM, iv, sizeof iv, aad.ptr, aad.len, payload, len, sealed,
                          sizeof sealed, &n) == PSA_SUCCESS);
    MUST(psa_destroy_key(key) == PSA_SUCCESS);
    memcpy(payload, sealed, n);
    spoil(info, p->flaw);
    return n;
}

const uint8_t *package_point(unsigned key) { return points[key]; }

static void sha256(tsr_bytes in, uint8_t out[32])
{
    size_t len;

    MUST(psa_hash_compute(PSA_ALG_SHA_256, in.ptr, in.len, out, 32, &len) == PSA_SUCCESS);
}

static void wrapped_sha256(tsr_bytes in, uint8_t out[32])
{
    uint8_t room[PACKAGE_MANIFEST_MAX];
    tsr_buf b = tsr_buf_over(room, sizeof room);

    tsr_suit_put_wrapped(&b, in);
    MUST(b.err == TSR_OK);
    sha256(tsr_buf_view(&b), out);
}

/* The envelope again, with `count` blocks whose signatures are wrong in front of its own one. */
static void add_strangers(tsr_buf *envelope, unsigned count)
{
    static uint8_t inner_room[4096], room[sizeof((packed *)0)->bytes];
    tsr_buf inner = tsr_buf_over(inner_room, sizeof inner_room);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_suit_envelope e;
    tsr_bytes after;

    MUST(tsr_suit_open(tsr_buf_view(envelope), UINT32_MAX, &e) == TSR_OK);
    tsr_cbor_put_array(&inner, count + 2);
    tsr_cbor_put_bytes(&inner, e.signed_digest);
    for (unsigned i = 0; i <= count; i++) {
        tsr_put_bytes(&inner, e.blocks);
        inner.ptr[inner.len - 1] ^= i < count;
    }
    tsr_put_bytes(&out, tsr_first(tsr_buf_view(envelope), 4)); /* tag, map, the member's key */
    tsr_cbor_put_bytes(&out, tsr_buf_view(&inner));
    after = tsr_skip(tsr_buf_view(envelope), (size_t)(e.blocks.ptr - envelope->ptr) + e.blocks.len);
    tsr_put_bytes(&out, after);
    MUST(inner.err == TSR_OK && out.err == TSR_OK);
    envelope->len = 0;
    tsr_put_bytes(envelope, tsr_buf_view(&out));
}

void package_make(const package *p, packed *out)
{
    uint8_t payload[16384 + 16], info_room[256], text[256], manifest[2048];
    uint8_t digest[64], cose[256], hash[32];
    size_t len = p->len > 0 ? p->len : 3000;
    char name[4] = { 'c', (char)('0' + p->component), 0 };
    tsr_buf t = tsr_buf_over(text, sizeof text), m = tsr_buf_over(manifest, sizeof manifest);
    tsr_buf d = tsr_buf_over(digest, sizeof digest), c = tsr_buf_over(cose, sizeof cose);
    tsr_buf info = tsr_buf_over(info_room, sizeof info_room);
    tsr_buf envelope = tsr_buf_over(out->bytes, sizeof out->bytes);
    tsr_cose_params how = { .alg = TSR_COSE_ES256, .detached = true };
    tsr_suit_texts texts = { .version =
                                 p->version != NULL ? tsr_text(p->version) : tsr_view(NULL, 0) };
    tsr_suit_plan plan = {
        .component = tsr_text(name),
        .sequence = p->sequence,
        .size = (uint64_t)((int64_t)len + p->size_off),
        .uri = tsr_text("#image"),
        .sever_text = p->sever,
        .needs = p->needs,
        .need_count = p->need_count,
    };

    package_payload(p, payload);
    memcpy(plan.vendor, package_vendor, 16);
    memcpy(plan.class_id, package_class, 16);
    plan.vendor[9] ^= p->other_vendor;
    plan.class_id[9] ^= p->other_class;
    sha256(tsr_view(payload, len), plan.digest);
    plan.digest[31] ^= p->other_digest;
    if (p->encrypted) {
        len = encrypt(p, payload, len, &info);
        plan.encryption = tsr_buf_view(&info);
    }
    if (p->version != NULL) {
        tsr_suit_put_text(&t, plan.component, &texts);
        plan.text = tsr_buf_view(&t);
        wrapped_sha256(plan.text, plan.text_digest);
    }
    tsr_suit_put_manifest(&m, &plan);
    wrapped_sha256(tsr_buf_view(&m), hash);
    tsr_suit_put_digest(&d, hash);
    MUST(tsr_cose_sign1(&c, &how, keys[p->key], tsr_buf_view(&d), tsr_view(NULL, 0)) == TSR_OK);

    bool inside = !p->following && !p->detached;
    tsr_suit_parts parts = {
        .manifest = tsr_buf_view(&m),
        .signed_digest = tsr_buf_view(&d),
        .cose = tsr_buf_view(&c),
        .text = p->sever ? plan.text : tsr_view(NULL, 0),
        .payload_name = inside ? tsr_text("#image") : tsr_view(NULL, 0),
        .payload_len = len,
    };

    tsr_suit_put_envelope(&envelope, &parts);
    if (p->strangers > 0)
        add_strangers(&envelope, p->strangers);
    out->manifest_len = 0;
    if (p->detached) {
        MUST(envelope.len <= sizeof out->manifest);
        memcpy(out->manifest, out->bytes, envelope.len);
        out->manifest_len = envelope.len;
        envelope.len = 0;
    }
    tsr_put_bytes(&envelope, tsr_view(payload, len));
    MUST(envelope.err == TSR_OK && m.err == TSR_OK && t.err == TSR_OK);
    out->len = envelope.len;
}
