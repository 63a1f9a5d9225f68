/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/fwu/crypto.h"

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

void tsr_fwu_psa_open(tsr_fwu_psa *c)
{
    *c = (tsr_fwu_psa){ .hash = psa_hash_operation_init() };
    c->crypto = (tsr_fwu_crypto){ c, hash_begin, hash_more, hash_end, verify, sign1 };
}
