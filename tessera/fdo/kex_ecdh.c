/* SPDX-License-Identifier: Apache-2.0
 *
 * ECDH256 and ECDH384: x is len || x || len || y || len || random; the secret is the shared
 * coordinate, the device's random, the owner's random. FDO 1.1 KeyExchange */
#include "tessera/fdo/kex.h"

enum { POINT_MAX = 97 };

typedef struct {
    tsr_bytes x, y, random;
} part;

static tsr_err take_part(tsr_bytes *in, size_t want, tsr_bytes *v)
{
    uint16_t len;

    return tsr_get_u16(in, &len) == TSR_OK && len == want ? tsr_get_bytes(in, len, v)
                                                          : TSR_E_MALFORMED;
}

static tsr_err take(const tsr_fdo_kex_method *m, tsr_bytes in, part *p)
{
    size_t field = m->size / 8;

    if (take_part(&in, field, &p->x) != TSR_OK || take_part(&in, field, &p->y) != TSR_OK ||
        take_part(&in, m->random_len, &p->random) != TSR_OK || in.len != 0)
        return TSR_E_MALFORMED;
    return TSR_OK;
}

static tsr_err generate(const tsr_fdo_kex_method *m, tsr_cose_key_id *key)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, m->size);
    psa_set_key_algorithm(&a, PSA_ALG_ECDH);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    return psa_generate_key(&a, key) == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

static tsr_err put(const tsr_fdo_kex_method *m, tsr_cose_key_id key, tsr_bytes random,
                   tsr_buf *out)
{
    uint8_t point[POINT_MAX];
    size_t len, field = m->size / 8;

    if (psa_export_public_key(key, point, sizeof point, &len) != PSA_SUCCESS ||
        len != 1 + 2 * field)
        return TSR_E_CRYPTO;
    tsr_put_u16(out, (uint16_t)field);
    tsr_put_bytes(out, tsr_view(point + 1, field));
    tsr_put_u16(out, (uint16_t)field);
    tsr_put_bytes(out, tsr_view(point + 1 + field, field));
    tsr_put_u16(out, (uint16_t)random.len);
    tsr_put_bytes(out, random);
    return out->err;
}

/* A point that is not on the curve is refused by PSA. */
static tsr_err agree(const tsr_fdo_kex_method *m, tsr_cose_key_id key, const part *peer,
                     tsr_bytes device_random, tsr_bytes owner_random, tsr_fdo_secret *s)
{
    uint8_t point[POINT_MAX];
    tsr_buf at = tsr_buf_over(point, sizeof point), out;
    size_t len = 0;

    tsr_put_u8(&at, 4);
    tsr_put_bytes(&at, peer->x);
    tsr_put_bytes(&at, peer->y);
    if (psa_raw_key_agreement(PSA_ALG_ECDH, key, point, at.len, s->shse, sizeof s->shse, &len) !=
            PSA_SUCCESS ||
        len != m->size / 8)
        return TSR_E_CRYPTO;
    out = tsr_buf_over(s->shse, sizeof s->shse);
    out.len = len;
    tsr_put_bytes(&out, device_random);
    tsr_put_bytes(&out, owner_random);
    s->len = out.len;
    s->context_len = 0;
    return out.err;
}

static tsr_err offer(tsr_fdo_kex *k, const tsr_fdo_random *r, tsr_buf *xa)
{
    tsr_err err = generate(k->method, &k->key);

    (void)r;
    k->has_key = err == TSR_OK;
    return err == TSR_OK ? put(k->method, k->key, tsr_view(k->own, k->method->random_len), xa)
                         : err;
}

static tsr_err accept(tsr_fdo_kex *k, tsr_bytes xb, tsr_cose_key_id owner, tsr_fdo_secret *s)
{
    part peer;
    tsr_err err = take(k->method, xb, &peer);

    (void)owner;
    if (err == TSR_OK)
        err = agree(k->method, k->key, &peer, peer.random,
                    tsr_view(k->own, k->method->random_len), s);
    return err;
}

static tsr_err answer(const tsr_fdo_kex_method *m, const tsr_fdo_random *r, tsr_bytes xa,
                      const tsr_fdo_key *owner, tsr_buf *xb, tsr_fdo_secret *s)
{
    uint8_t random[48];
    tsr_cose_key_id key;
    part peer;
    tsr_err err = take(m, xa, &peer);

    (void)owner;
    if (err == TSR_OK)
        err = r->fill(r->user, random, m->random_len);
    if (err == TSR_OK)
        err = generate(m, &key);
    if (err != TSR_OK)
        return err;
    err = put(m, key, tsr_view(random, m->random_len), xb);
    if (err == TSR_OK)
        err = agree(m, key, &peer, tsr_view(random, m->random_len), peer.random, s);
    (void)psa_destroy_key(key);
    return err;
}

static bool fits(const tsr_fdo_kex_method *m, const tsr_fdo_key *owner)
{
    return owner->rsa.ptr == NULL && owner->bits == m->size;
}

const tsr_fdo_kex_method tsr_fdo_ecdh256 = { "ECDH256", 256, 16, offer, accept, answer, fits };
const tsr_fdo_kex_method tsr_fdo_ecdh384 = { "ECDH384", 384, 48, offer, accept, answer, fits };
