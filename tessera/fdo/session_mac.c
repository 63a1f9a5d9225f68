/* SPDX-License-Identifier: Apache-2.0
 *
 * The suites that encrypt and then authenticate: a COSE_Mac0 around an untagged COSE_Encrypt0 whose
 * algorithm is unprotected. FDO 1.1 Session */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/session.h"

enum { BLOCK = 16 };

/* The counter behind 12 bytes of the session's own goes on from message to message. */
static tsr_err next_iv(tsr_fdo_session *s, const tsr_fdo_random *r, size_t len, uint8_t iv[BLOCK])
{
    bool counts = s->cipher->psa == PSA_ALG_CTR;
    size_t blocks = (len + BLOCK - 1) / BLOCK;
    tsr_err err = TSR_OK;

    if (!s->has_iv || !counts)
        err = r->fill(r->user, s->iv, counts ? 12 : BLOCK);
    s->has_iv = err == TSR_OK;
    memcpy(iv, s->iv, BLOCK);
    for (size_t i = BLOCK; counts && i > 12 && blocks > 0; i--) {
        blocks += s->iv[i - 1];
        s->iv[i - 1] = (uint8_t)blocks;
        blocks >>= 8;
    }
    return blocks > 0 && counts ? TSR_E_CRYPTO : err; /* the counter came round */
}

static tsr_err run(psa_cipher_operation_t *op, const uint8_t iv[BLOCK], tsr_bytes in, tsr_buf *out)
{
    size_t room = in.len + BLOCK, len = 0, last = 0;
    uint8_t *to = tsr_buf_claim(out, room);
    psa_status_t status;

    if (to == NULL)
        return out->err;
    status = psa_cipher_set_iv(op, iv, BLOCK);
    if (status == PSA_SUCCESS)
        status = psa_cipher_update(op, in.ptr, in.len, to, room, &len);
    if (status == PSA_SUCCESS)
        status = psa_cipher_finish(op, to + len, room - len, &last);
    out->len -= room - len - last;
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

static tsr_err put_inner(tsr_fdo_session *s, const tsr_fdo_random *r, tsr_bytes plain,
                         tsr_buf *out)
{
    psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;
    uint8_t iv[BLOCK];
    size_t from;
    tsr_err err = next_iv(s, r, plain.len, iv);

    if (err != TSR_OK)
        return err;
    tsr_cbor_put_array(out, 3);
    tsr_cbor_put_bytes(out, tsr_view(NULL, 0));
    tsr_cbor_put_map(out, 2);
    tsr_cbor_put_int(out, TSR_COSE_LABEL_ALG);
    tsr_cbor_put_int(out, s->cipher->inner);
    tsr_cbor_put_int(out, TSR_COSE_LABEL_IV);
    tsr_cbor_put_bytes(out, tsr_view(iv, BLOCK));
    from = out->len;
    if (out->err != TSR_OK)
        return out->err;
    if (psa_cipher_encrypt_setup(&op, s->sek, s->cipher->psa) != PSA_SUCCESS)
        err = TSR_E_CRYPTO;
    else
        err = run(&op, iv, plain, out);
    (void)psa_cipher_abort(&op);
    if (err == TSR_OK)
        tsr_fdo_wrap(out, from);
    return err == TSR_OK ? out->err : err;
}

static tsr_err put_tag(tsr_fdo_session *s, tsr_bytes protected_map, tsr_bytes payload,
                       tsr_buf *out)
{
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_algorithm_t alg = tsr_fdo_hash_psa(tsr_fdo_mac_of(s->cipher->hash));
    size_t len = tsr_fdo_hash_len(s->cipher->hash), got = 0;
    uint8_t room[32], *tag;
    tsr_buf head = tsr_buf_over(room, sizeof room);
    psa_status_t status;

    tsr_cbor_put_array(&head, 4); /* RFC 9052 §6.3 */
    tsr_cbor_put_text(&head, tsr_text("MAC0"));
    tsr_cbor_put_bytes(&head, protected_map);
    tsr_cbor_put_bytes(&head, tsr_view(NULL, 0));
    tsr_cbor_put_head(&head, TSR_CBOR_BYTES, payload.len);
    tsr_cbor_put_head(out, TSR_CBOR_BYTES, len);
    tag = tsr_buf_claim(out, len);
    if (tag == NULL || head.err != TSR_OK)
        return TSR_E_SPACE;
    status = psa_mac_sign_setup(&op, s->svk, alg);
    if (status == PSA_SUCCESS)
        status = psa_mac_update(&op, head.ptr, head.len);
    if (status == PSA_SUCCESS)
        status = psa_mac_update(&op, payload.ptr, payload.len);
    if (status == PSA_SUCCESS)
        status = psa_mac_sign_finish(&op, tag, len, &got);
    (void)psa_mac_abort(&op);
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

static tsr_err seal(tsr_fdo_session *s, const tsr_fdo_random *r, tsr_bytes plain, tsr_buf *out)
{
    const uint8_t map[] = { 0xa1, 0x01, (uint8_t)tsr_fdo_mac_of(s->cipher->hash) };
    size_t from, len;
    tsr_err err;

    tsr_cbor_put_tag(out, TSR_COSE_MAC0);
    tsr_cbor_put_array(out, 4);
    tsr_cbor_put_bytes(out, tsr_view(map, sizeof map));
    tsr_cbor_put_map(out, 0);
    from = out->len;
    err = put_inner(s, r, plain, out);
    len = out->len - from;
    if (err == TSR_OK) {
        tsr_fdo_wrap(out, from);
        err = out->err;
    }
    if (err == TSR_OK)
        err = put_tag(s, tsr_view(map, sizeof map), tsr_view(out->ptr + out->len - len, len), out);
    return err;
}

/* Tagged or not, the algorithm in either header, under COSE's number or the suite's. */
static tsr_err open_inner(tsr_fdo_session *s, tsr_bytes in, tsr_buf *plain)
{
    psa_cipher_operation_t op = PSA_CIPHER_OPERATION_INIT;
    tsr_cose_message m;
    size_t before = plain->len;
    tsr_err err = tsr_cose_read(in, TSR_COSE_ENCRYPT0, &m);

    if (err != TSR_OK)
        return err;
    if (m.alg != s->cipher->inner && m.alg != s->cipher->id)
        return TSR_E_TYPE;
    if (m.iv.len != BLOCK || m.detached)
        return TSR_E_MALFORMED;
    if (psa_cipher_decrypt_setup(&op, s->sek, s->cipher->psa) != PSA_SUCCESS)
        err = TSR_E_CRYPTO;
    else
        err = run(&op, m.iv.ptr, m.payload, plain);
    (void)psa_cipher_abort(&op);
    if (err != TSR_OK) {
        tsr_wipe(plain->ptr + before, plain->len - before);
        plain->len = before;
    }
    return err;
}

/* What is not authentic is not decrypted, so no padding is ever judged. */
static tsr_err open_outer(tsr_fdo_session *s, tsr_bytes message, tsr_buf *plain)
{
    const tsr_bytes none = { NULL, 0 };
    tsr_cose_message m;
    tsr_err err = tsr_cose_read(message, TSR_COSE_MAC0, &m);

    if (err == TSR_OK && m.alg != tsr_fdo_mac_of(s->cipher->hash))
        err = TSR_E_TYPE;
    if (err == TSR_OK)
        err = tsr_cose_mac0_verify(&m, s->svk, none, none);
    return err == TSR_OK ? open_inner(s, m.payload, plain) : err;
}

enum { COSE_A128CTR = -65534, COSE_A256CTR = -65532, COSE_A128CBC = -65531, COSE_A256CBC = -65529 };

#define CBC PSA_ALG_CBC_PKCS7
#define CTR PSA_ALG_CTR

/* RFC 9459 §4, RFC 9459 §5: COSE's numbers of CTR and CBC */
const tsr_fdo_cipher tsr_fdo_aes128cbc = {
    TSR_FDO_AES128CBC, TSR_FDO_SHA256, 128, 32, BLOCK, COSE_A128CBC, CBC, seal, open_outer, 112
};
const tsr_fdo_cipher tsr_fdo_aes128ctr = {
    TSR_FDO_AES128CTR, TSR_FDO_SHA256, 128, 32, BLOCK, COSE_A128CTR, CTR, seal, open_outer, 96
};
const tsr_fdo_cipher tsr_fdo_aes256cbc = {
    TSR_FDO_AES256CBC, TSR_FDO_SHA384, 256, 64, BLOCK, COSE_A256CBC, CBC, seal, open_outer, 128
};
const tsr_fdo_cipher tsr_fdo_aes256ctr = {
    TSR_FDO_AES256CTR, TSR_FDO_SHA384, 256, 64, BLOCK, COSE_A256CTR, CTR, seal, open_outer, 112
};
