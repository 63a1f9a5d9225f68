/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/fwu/crypto.h"

#include "secure/fwu/internal.h"
#include "tessera/cose/key.h"

static tsr_err result(psa_status_t status) { return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO; }

static tsr_err hash_begin(void *self)
{
    tsr_fwu_psa *c = self;

    (void)psa_hash_abort(&c->hash);
    return result(psa_hash_setup(&c->hash, PSA_ALG_SHA_256));
}

static tsr_err hash_more(void *self, tsr_bytes in)
{
    tsr_fwu_psa *c = self;

    return in.len == 0 ? TSR_OK : result(psa_hash_update(&c->hash, in.ptr, in.len));
}

static tsr_err hash_end(void *self, uint8_t out[32])
{
    tsr_fwu_psa *c = self;
    size_t len;

    return result(psa_hash_finish(&c->hash, out, 32, &len));
}

static tsr_err verify(void *self, const uint8_t point[65], const uint8_t hash[32],
                      const uint8_t signature[64])
{
    tsr_cose_key_id key;
    tsr_err err = tsr_cose_point_import(tsr_view(point, 65), TSR_COSE_ES256, &key);

    (void)self;
    if (err != TSR_OK)
        return err;
    err = result(psa_verify_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, 32, signature, 64));
    (void)psa_destroy_key(key);
    return err;
}

static tsr_err sign1(void *self, const uint8_t point[65], tsr_bytes cose, tsr_bytes payload)
{
    tsr_cose_message m;
    tsr_cose_key_id key;
    tsr_err err = tsr_cose_read(cose, TSR_COSE_SIGN1, &m);

    (void)self;
    if (err == TSR_OK && !m.detached)
        err = TSR_E_CRYPTO; /* SUIT 8.3 */
    if (err == TSR_OK)
        err = tsr_cose_point_import(tsr_view(point, 65), TSR_COSE_ES256, &key);
    if (err != TSR_OK)
        return err;
    err = tsr_cose_sign1_verify(&m, key, payload, tsr_view(NULL, 0));
    (void)psa_destroy_key(key);
    return err;
}

static void decrypt_stop(tsr_fwu_psa *c)
{
    (void)psa_aead_abort(&c->aead);
    if (c->decrypting)
        (void)psa_destroy_key(c->cek);
    c->decrypting = false;
}

/* An error ends the decryption, so that no key of an image stays behind. */
static tsr_err decrypted(tsr_fwu_psa *c, psa_status_t status)
{
    if (status != PSA_SUCCESS)
        decrypt_stop(c);
    return result(status);
}

static tsr_err decrypt_begin(void *self, tsr_bytes info)
{
    tsr_fwu_psa *c = self;
    uint8_t room[TSR_COSE_AAD_MAX];
    tsr_buf aad = tsr_buf_over(room, sizeof room);
    tsr_cose_encrypted e;
    psa_status_t status;

    decrypt_stop(c);
    if (tsr_cose_encrypted_read(info, &e) != TSR_OK)
        return TSR_E_NOT_FOUND;
    tsr_cose_encrypted_aad(&aad, &e);
    if (aad.err != TSR_OK || tsr_cose_encrypted_key(&e, &c->kek, 1, &c->cek) != TSR_OK)
        return TSR_E_NOT_FOUND;
    c->decrypting = true;
    c->aead = psa_aead_operation_init();
    status = psa_aead_decrypt_setup(&c->aead, c->cek, PSA_ALG_GCM);
    if (status == PSA_SUCCESS)
        status = psa_aead_set_nonce(&c->aead, e.body.iv.ptr, e.body.iv.len);
    if (status == PSA_SUCCESS)
        status = psa_aead_update_ad(&c->aead, aad.ptr, aad.len);
    return decrypted(c, status);
}

static tsr_err decrypt_more(void *self, tsr_bytes in, tsr_buf *out)
{
    tsr_fwu_psa *c = self;
    size_t len = 0;
    psa_status_t status = psa_aead_update(&c->aead, in.ptr, in.len, out->ptr + out->len,
                                          out->cap - out->len, &len);

    out->len += len;
    return decrypted(c, status);
}

static tsr_err decrypt_end(void *self, const uint8_t *tag, tsr_buf *out)
{
    tsr_fwu_psa *c = self;
    size_t len = 0;
    psa_status_t status = PSA_ERROR_INVALID_SIGNATURE;

    if (tag != NULL)
        status = psa_aead_verify(&c->aead, out->ptr + out->len, out->cap - out->len, &len, tag,
                                 TSR_FWU_TAG);
    if (status == PSA_SUCCESS)
        out->len += len;
    decrypt_stop(c);
    return result(status);
}

void tsr_fwu_psa_open(tsr_fwu_psa *c)
{
    *c = (tsr_fwu_psa){ .hash = psa_hash_operation_init(), .aead = psa_aead_operation_init() };
    c->crypto = (tsr_fwu_crypto){ .self = c,
                                  .hash_begin = hash_begin,
                                  .hash_more = hash_more,
                                  .hash_end = hash_end,
                                  .verify = verify,
                                  .sign1 = sign1 };
}

bool tsr_fwu_psa_decrypts(tsr_fwu_psa *c, tsr_cose_key_id kek)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    bool there = psa_get_key_attributes(kek, &a) == PSA_SUCCESS;

    psa_reset_key_attributes(&a);
    if (!there)
        return false;
    c->kek = kek;
    c->crypto.open_payload = tsr_fwu_open_payload;
    c->crypto.decrypt_begin = decrypt_begin;
    c->crypto.decrypt_more = decrypt_more;
    c->crypto.decrypt_end = decrypt_end;
    return true;
}
