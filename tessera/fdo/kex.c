/* SPDX-License-Identifier: Apache-2.0
 *
 * What all exchanges share, and the derivation of keys. FDO 1.1 KeyExchange */
#include "tessera/fdo/kex.h"

static tsr_err from_psa(void *user, uint8_t *to, size_t len)
{
    (void)user;
    return psa_generate_random(to, len) == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

const tsr_fdo_random tsr_fdo_random_psa = { from_psa, NULL };

tsr_err tsr_fdo_kex_offer(tsr_fdo_kex *k, const tsr_fdo_kex_method *m, const tsr_fdo_random *r,
                          tsr_buf *xa)
{
    tsr_err err;

    *k = (tsr_fdo_kex){ .method = m };
    err = r->fill(r->user, k->own, m->random_len);
    if (err == TSR_OK)
        err = m->offer(k, r, xa);
    if (err == TSR_OK)
        err = xa->err;
    if (err != TSR_OK)
        tsr_fdo_kex_drop(k);
    return err;
}

tsr_err tsr_fdo_kex_accept(tsr_fdo_kex *k, tsr_bytes xb, tsr_cose_key_id owner, tsr_fdo_secret *s)
{
    tsr_err err = TSR_E_STATE;

    if (k->method != NULL)
        err = k->method->accept(k, xb, owner, s);
    tsr_fdo_kex_drop(k);
    if (err != TSR_OK)
        tsr_wipe(s, sizeof *s);
    return err;
}

void tsr_fdo_kex_drop(tsr_fdo_kex *k)
{
    if (k->has_key)
        (void)psa_destroy_key(k->key);
    tsr_wipe(k, sizeof *k);
}

tsr_err tsr_fdo_kex_answer(const tsr_fdo_kex_method *m, const tsr_fdo_random *r, tsr_bytes xa,
                           const tsr_fdo_key *owner, tsr_buf *xb, tsr_fdo_secret *s)
{
    tsr_err err = TSR_E_DENIED;

    if (tsr_fdo_kex_fits(m, owner))
        err = m->answer(m, r, xa, owner, xb, s);
    if (err == TSR_OK)
        err = xb->err;
    if (err != TSR_OK)
        tsr_wipe(s, sizeof *s);
    return err;
}

/* K(i) = HMAC(ShSe, i || "FIDO-KDF" || 0 || "AutomaticOnboardTunnel" || ContextRand || L) */
static void put_input(tsr_buf *in, uint8_t i, const tsr_fdo_secret *s, size_t len)
{
    tsr_put_u8(in, i);
    tsr_put_text(in, "FIDO-KDF");
    tsr_put_u8(in, 0);
    tsr_put_text(in, "AutomaticOnboardTunnel");
    tsr_put_bytes(in, tsr_view(s->context, s->context_len));
    tsr_put_u16(in, (uint16_t)(8 * len));
}

static tsr_err one_block(int32_t mac, tsr_cose_key_id key, tsr_bytes in, uint8_t *to, size_t len)
{
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_hash h;
    tsr_err err = tsr_fdo_mac_make(mac, key, in, room, &h);

    if (err == TSR_OK)
        memcpy(to, h.value.ptr, len < h.value.len ? len : h.value.len);
    tsr_wipe(room, sizeof room);
    return err;
}

tsr_err tsr_fdo_kdf(int32_t hash, const tsr_fdo_secret *s, uint8_t *to, size_t len)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t room[1 + 8 + 1 + 22 + TSR_FDO_KEX_RANDOM_MAX + 2];
    int32_t mac = tsr_fdo_mac_of(hash);
    size_t block = tsr_fdo_hash_len(mac);
    tsr_cose_key_id key;
    tsr_err err = TSR_OK;

    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_algorithm(&a, tsr_fdo_hash_psa(mac));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    if (psa_import_key(&a, s->shse, s->len, &key) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    for (size_t at = 0, i = 1; err == TSR_OK && at < len; at += block, i++) {
        tsr_buf in = tsr_buf_over(room, sizeof room);

        put_input(&in, (uint8_t)i, s, len);
        err = one_block(mac, key, tsr_buf_view(&in), to + at, len - at);
    }
    (void)psa_destroy_key(key);
    return err;
}
