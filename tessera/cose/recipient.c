/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE_Encrypt and its recipients (RFC 9052 §5.1). */
#include "tessera/cose/recipient.h"

#include "tessera/cbor/cbor.h"
#include "tessera/cose/internal.h"

static tsr_err take_frame(tsr_bytes *in, tsr_cose_encrypted *e)
{
    static const uint8_t empty_map[] = { 0xa0 };
    tsr_cose_message *m = &e->body;
    uint64_t items;
    tsr_err err = tsr_cbor_get_array(in, &items);

    if (err == TSR_OK && items != 4)
        return TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_cbor_get_bytes(in, &m->protected_map);
    if (tsr_same(m->protected_map, tsr_view(empty_map, 1)))
        m->protected_map.len = 0;
    m->unprotected_map = *in;
    if (err == TSR_OK)
        err = tsr_cbor_skip(in);
    m->unprotected_map.len -= in->len;
    if (err == TSR_OK)
        err = tsr_cbor_get_null(in);
    if (err == TSR_OK)
        err = tsr_cbor_get_array(in, &e->count);
    e->recipients = *in;
    for (uint64_t i = 0; err == TSR_OK && i < e->count; i++)
        err = tsr_cbor_skip(in);
    e->recipients.len -= in->len;
    return err == TSR_OK && in->len == 0 ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err tsr_cose_encrypted_read(tsr_bytes in, tsr_cose_encrypted *e)
{
    tsr_cose_encrypted got = { .body = { .kind = TSR_COSE_ENCRYPT0, .detached = true } };
    static const uint8_t elsewhere;
    const tsr_cose_alg *alg;
    tsr_bytes ciphertext;
    uint64_t tag;
    tsr_err err = tsr_cbor_get_tag(&in, &tag);

    got.body.tagged = err == TSR_OK;
    if (err == TSR_OK && tag != TSR_COSE_ENCRYPT)
        return TSR_E_TYPE;
    err = take_frame(&in, &got);
    if (err == TSR_OK)
        err = tsr_cose_read_headers(&got.body);
    if (err == TSR_OK)
        err = tsr_cose_ready(&got.body, TSR_COSE_ENCRYPT0, tsr_view(&elsewhere, 1), &ciphertext,
                             &alg);
    if (err == TSR_OK && alg->id != TSR_COSE_A128GCM)
        err = TSR_E_UNSUPPORTED;
    if (err == TSR_OK && got.body.iv.len != alg->nonce)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        *e = got;
    return err == TSR_E_DENIED ? TSR_E_UNSUPPORTED : err;
}

tsr_err tsr_cose_recipient_next(tsr_cose_encrypted *e, tsr_cose_message *r)
{
    tsr_bytes begin = e->recipients;

    if (e->count == 0 || tsr_cbor_skip(&e->recipients) != TSR_OK)
        return TSR_END;
    e->count--;
    if (tsr_cose_read(tsr_first(begin, begin.len - e->recipients.len), TSR_COSE_ENCRYPT0, r) !=
        TSR_OK)
        *r = (tsr_cose_message){ .alg = TSR_COSE_ALG_NONE };
    return TSR_OK;
}

/* RFC 9053 §6.2.1: nothing is protected, as key wrap authenticates no more than the key. */
static bool is_wrapped(const tsr_cose_message *r)
{
    return r->alg == TSR_COSE_A128KW && r->protected_map.len == 0 && !r->tagged && !r->detached &&
           r->payload.len == TSR_COSE_WRAPPED;
}

static tsr_err import(const uint8_t key[TSR_COSE_CEK], tsr_cose_key_id *cek)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&a, 128);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DECRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_GCM);
    return tsr_cose_status(psa_import_key(&a, key, TSR_COSE_CEK, cek));
}

tsr_err tsr_cose_encrypted_key(const tsr_cose_encrypted *e, const tsr_cose_key_id *keys,
                               size_t count, tsr_cose_key_id *cek)
{
    tsr_cose_encrypted left = *e;
    tsr_cose_message r;
    uint8_t key[TSR_COSE_CEK];
    tsr_err err = TSR_E_NOT_FOUND;

    for (size_t n = 0; n < TSR_COSE_RECIPIENTS && err == TSR_E_NOT_FOUND &&
                       tsr_cose_recipient_next(&left, &r) == TSR_OK;
         n++)
        for (size_t i = 0; is_wrapped(&r) && i < count && err == TSR_E_NOT_FOUND; i++)
            if (tsr_cose_unwrap(keys[i], r.payload, key) == TSR_OK)
                err = import(key, cek);
    tsr_wipe(key, sizeof key);
    return err;
}

void tsr_cose_encrypted_aad(tsr_buf *out, const tsr_cose_encrypted *e)
{
    tsr_cose_enc_structure(out, "Encrypt", e->body.protected_map, tsr_view(NULL, 0));
}

static tsr_err put_recipient(tsr_buf *out, const uint8_t cek[TSR_COSE_CEK], tsr_cose_key_id kek)
{
    uint8_t name[TSR_COSE_KEK_NAME], room[TSR_COSE_WRAPPED];
    tsr_buf wrapped = tsr_buf_over(room, sizeof room);
    tsr_err err = tsr_cose_kek_name(kek, name);

    if (err == TSR_OK)
        err = tsr_cose_wrap(kek, tsr_view(cek, TSR_COSE_CEK), &wrapped);
    tsr_cbor_put_array(out, 3);
    tsr_cbor_put_bytes(out, tsr_view(NULL, 0));
    tsr_cbor_put_map(out, 2);
    tsr_cbor_put_uint(out, TSR_COSE_LABEL_ALG);
    tsr_cbor_put_int(out, TSR_COSE_A128KW);
    tsr_cbor_put_uint(out, TSR_COSE_LABEL_KID);
    tsr_cbor_put_bytes(out, tsr_view(name, sizeof name));
    tsr_cbor_put_bytes(out, tsr_buf_view(&wrapped));
    return err;
}

tsr_err tsr_cose_put_encrypted(tsr_buf *out, const uint8_t iv[12], const uint8_t cek[TSR_COSE_CEK],
                               const tsr_cose_key_id *keys, size_t count)
{
    static const uint8_t protected_map[] = { 0xa1, TSR_COSE_LABEL_ALG, TSR_COSE_A128GCM };
    tsr_err err = out->err;

    tsr_cbor_put_tag(out, TSR_COSE_ENCRYPT);
    tsr_cbor_put_array(out, 4);
    tsr_cbor_put_bytes(out, tsr_view(protected_map, sizeof protected_map));
    tsr_cbor_put_map(out, 1);
    tsr_cbor_put_uint(out, TSR_COSE_LABEL_IV);
    tsr_cbor_put_bytes(out, tsr_view(iv, 12));
    tsr_cbor_put_null(out);
    tsr_cbor_put_array(out, count);
    for (size_t i = 0; err == TSR_OK && i < count; i++)
        err = put_recipient(out, cek, keys[i]);
    if (out->err == TSR_OK)
        out->err = err;
    return out->err;
}
