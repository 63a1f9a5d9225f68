/* SPDX-License-Identifier: Apache-2.0
 *
 * ASYMKEX2048 and ASYMKEX3072: xA is the owner's random in clear, xB the device's random, encrypted
 * to the owner's RSA key with OAEP and SHA-256. FDO 1.1 KeyExchange */
#include "tessera/fdo/kex.h"

#define OAEP PSA_ALG_RSA_OAEP(PSA_ALG_SHA_256)

static tsr_err offer(tsr_fdo_kex *k, const tsr_fdo_random *r, tsr_buf *xa)
{
    (void)r;
    tsr_put_bytes(xa, tsr_view(k->own, k->method->random_len));
    return xa->err;
}

static void keep_context(tsr_fdo_secret *s, const uint8_t *xa, size_t len)
{
    memcpy(s->context, xa, len);
    s->context_len = len;
}

static tsr_err accept(tsr_fdo_kex *k, tsr_bytes xb, tsr_cose_key_id owner, tsr_fdo_secret *s)
{
    if (xb.len != k->method->size / 8)
        return TSR_E_MALFORMED;
    if (psa_asymmetric_decrypt(owner, OAEP, xb.ptr, xb.len, NULL, 0, s->shse, sizeof s->shse,
                               &s->len) != PSA_SUCCESS ||
        s->len != k->method->random_len)
        return TSR_E_CRYPTO;
    keep_context(s, k->own, k->method->random_len);
    return TSR_OK;
}

static tsr_err encrypt(const tsr_fdo_key *owner, tsr_bytes in, size_t len, tsr_buf *xb)
{
    tsr_cose_key_id key;
    size_t got = 0;
    uint8_t *to = tsr_buf_claim(xb, len);
    tsr_err err;

    if (to == NULL)
        return TSR_E_SPACE;
    err = tsr_fdo_key_import_oaep(owner, &key);
    if (err != TSR_OK)
        return err;
    if (psa_asymmetric_encrypt(key, OAEP, in.ptr, in.len, NULL, 0, to, len, &got) != PSA_SUCCESS ||
        got != len)
        err = TSR_E_CRYPTO;
    (void)psa_destroy_key(key);
    return err;
}

static tsr_err answer(const tsr_fdo_kex_method *m, const tsr_fdo_random *r, tsr_bytes xa,
                      const tsr_fdo_key *owner, tsr_buf *xb, tsr_fdo_secret *s)
{
    tsr_err err;

    if (xa.len != m->random_len)
        return TSR_E_MALFORMED;
    err = r->fill(r->user, s->shse, m->random_len);
    if (err == TSR_OK)
        err = encrypt(owner, tsr_view(s->shse, m->random_len), m->size / 8, xb);
    s->len = m->random_len;
    keep_context(s, xa.ptr, xa.len);
    return err;
}

static bool fits(const tsr_fdo_kex_method *m, const tsr_fdo_key *owner)
{
    return owner->rsa.ptr != NULL && owner->bits == m->size;
}

const tsr_fdo_kex_method tsr_fdo_asymkex2048 = { "ASYMKEX2048", 2048, 32,  offer,
                                                 accept,        answer, fits };
const tsr_fdo_kex_method tsr_fdo_asymkex3072 = { "ASYMKEX3072", 3072, 96,  offer,
                                                 accept,        answer, fits };
