/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of a session, and the suites that encrypt and authenticate at once. FDO 1.1 Session */
#include "tessera/fdo/session.h"

enum { KEYS_MAX = 32 + 64 };

static tsr_err import(psa_key_type_t type, psa_algorithm_t alg, psa_key_usage_t usage,
                      const uint8_t *bytes, size_t len, tsr_cose_key_id *id)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status;

    psa_set_key_type(&a, type);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, usage);
    status = psa_import_key(&a, bytes, len, id);
    psa_reset_key_attributes(&a);
    if (status == PSA_ERROR_NOT_SUPPORTED)
        return TSR_E_UNSUPPORTED;
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

static size_t svk_len(const tsr_fdo_cipher *c, tsr_fdo_svk svk)
{
    return svk == TSR_FDO_SVK_FULL || c->svk == 0 ? c->svk : c->key_bits / 8u;
}

static tsr_err import_both(tsr_fdo_session *s, const uint8_t *bytes, size_t sek, size_t svk)
{
    const tsr_fdo_cipher *c = s->cipher;
    tsr_err err = import(PSA_KEY_TYPE_AES, c->psa, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT,
                         bytes, sek, &s->sek);

    if (err != TSR_OK)
        return err;
    s->keys = 1;
    if (svk == 0)
        return TSR_OK;
    err = import(PSA_KEY_TYPE_HMAC, tsr_fdo_hash_psa(tsr_fdo_mac_of(c->hash)),
                 PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE, bytes + sek, svk,
                 &s->svk);
    if (err == TSR_OK)
        s->keys = 2;
    return err;
}

tsr_err tsr_fdo_session_open(tsr_fdo_session *s, const tsr_fdo_cipher *c, tsr_fdo_svk svk,
                             const tsr_fdo_secret *secret)
{
    uint8_t bytes[KEYS_MAX];
    size_t sek = c->key_bits / 8u, mac = svk_len(c, svk);
    tsr_err err = tsr_fdo_kdf(c->hash, secret, bytes, sek + mac);

    *s = (tsr_fdo_session){ .cipher = c };
    if (err == TSR_OK)
        err = import_both(s, bytes, sek, mac);
    tsr_wipe(bytes, sizeof bytes);
    if (err != TSR_OK)
        tsr_fdo_session_close(s);
    return err;
}

void tsr_fdo_session_close(tsr_fdo_session *s)
{
    if (s->keys > 0)
        (void)psa_destroy_key(s->sek);
    if (s->keys > 1)
        (void)psa_destroy_key(s->svk);
    tsr_wipe(s, sizeof *s);
}

tsr_err tsr_fdo_session_seal(tsr_fdo_session *s, const tsr_fdo_random *r, tsr_bytes plain,
                             tsr_buf *out)
{
    size_t before = out->len;
    tsr_err err = s->cipher == NULL ? TSR_E_STATE : s->cipher->seal(s, r, plain, out);

    if (err != TSR_OK)
        out->len = before;
    return err;
}

tsr_err tsr_fdo_session_unseal(tsr_fdo_session *s, tsr_bytes message, tsr_buf *plain)
{
    size_t before = plain->len;
    tsr_err err = s->cipher == NULL ? TSR_E_STATE : s->cipher->open(s, message, plain);
    const uint8_t *tag;

    if (err != TSR_OK)
        return err;
    tag = message.ptr + message.len - sizeof s->heard; /* it is longer than that */
    if (memcmp(tag, s->heard, sizeof s->heard) == 0) {
        plain->len = before;
        return TSR_E_DENIED;
    }
    memcpy(s->heard, tag, sizeof s->heard);
    return TSR_OK;
}

/* One key serves both directions, so each message has a nonce of its own, drawn at random. */
static tsr_err aead_seal(tsr_fdo_session *s, const tsr_fdo_random *r, tsr_bytes plain,
                         tsr_buf *out)
{
    uint8_t iv[16];
    const tsr_cose_params p = { .alg = s->cipher->id, .iv = { iv, s->cipher->iv } };
    tsr_err err = r->fill(r->user, iv, s->cipher->iv);

    return err == TSR_OK ? tsr_cose_encrypt0(out, &p, s->sek, plain, tsr_view(NULL, 0), NULL)
                         : err;
}

static tsr_err aead_open(tsr_fdo_session *s, tsr_bytes message, tsr_buf *plain)
{
    const tsr_bytes none = { NULL, 0 };
    tsr_cose_message m;
    tsr_err err = tsr_cose_read(message, TSR_COSE_ENCRYPT0, &m);

    if (err == TSR_OK && m.alg != s->cipher->id)
        err = TSR_E_TYPE;
    return err == TSR_OK ? tsr_cose_encrypt0_open(&m, s->sek, none, none, none, plain) : err;
}

#define AEAD(name, number, bits, iv_len, alg)                                                      \
    const tsr_fdo_cipher name = { number, TSR_FDO_SHA256, bits, 0, iv_len, 0, alg,                 \
                                  aead_seal, aead_open, 48 }

AEAD(tsr_fdo_a128gcm, TSR_FDO_A128GCM, 128, 12, PSA_ALG_GCM);
AEAD(tsr_fdo_a192gcm, TSR_FDO_A192GCM, 192, 12, PSA_ALG_GCM);
AEAD(tsr_fdo_a256gcm, TSR_FDO_A256GCM, 256, 12, PSA_ALG_GCM);
AEAD(tsr_fdo_ccm_16_128_128, TSR_FDO_CCM_16_128_128, 128, 13, PSA_ALG_CCM);
AEAD(tsr_fdo_ccm_16_128_256, TSR_FDO_CCM_16_128_256, 256, 13, PSA_ALG_CCM);
AEAD(tsr_fdo_ccm_64_128_128, TSR_FDO_CCM_64_128_128, 128, 7, PSA_ALG_CCM);
AEAD(tsr_fdo_ccm_64_128_256, TSR_FDO_CCM_64_128_256, 256, 7, PSA_ALG_CCM);
