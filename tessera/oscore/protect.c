/* SPDX-License-Identifier: Apache-2.0
 *
 * Protecting: the plaintext is formed where the message stands, the rest goes out as it comes
 * by. */
#include "tessera/oscore/internal.h"

/* "Encrypt0" and the empty protected bucket: RFC 8613 §5.4, RFC 9052 §5.3. */
static const uint8_t enc_structure[] = { 0x83, 0x68, 'E', 'n', 'c', 'r', 'y', 'p', 't', '0', 0x40 };

/* RFC 8613 §5.4; a byte string's head has one byte, since nothing here reaches 24. */
static size_t put_aad(uint8_t *aad, const tsr_oscore *c, const tsr_oscore_exchange *x)
{
    const uint8_t *kid = x->ours ? c->sender_id : c->recipient_id;
    uint8_t kid_len = x->ours ? c->sender_id_len : c->recipient_id_len;
    uint8_t *at = aad + sizeof enc_structure, *length = at++;

    memcpy(aad, enc_structure, sizeof enc_structure);
    *at++ = 0x85;
    *at++ = 1; /* oscore_version */
    *at++ = 0x81;
    if (c->aead >= 24)
        *at++ = 0x18;
    *at++ = (uint8_t)c->aead;
    *at++ = (uint8_t)(0x40 | kid_len);
    for (uint8_t i = 0; i < kid_len; i++)
        *at++ = kid[i];
    *at++ = (uint8_t)(0x40 | x->piv_len);
    for (uint8_t i = x->piv_len; i > 0; i--)
        *at++ = (uint8_t)(x->request_piv >> (8u * (i - 1u)));
    *at++ = 0x40; /* no Class I options */
    *length = (uint8_t)(0x40 | (at - length - 1));
    return (size_t)(at - aad);
}

void tsr_oscore_seal_make(tsr_oscore_seal *s, const tsr_oscore *c, const tsr_oscore_exchange *x,
                          uint64_t piv, bool by_us)
{
    uint8_t *end = s->nonce + c->nonce_len;

    memcpy(s->nonce, by_us ? c->sender_nonce : c->recipient_nonce, sizeof s->nonce);
    for (; piv != 0; piv >>= 8)
        *--end ^= (uint8_t)piv;
    s->aad_len = put_aad(s->aad, c, x);
}

/* What goes outside besides the ciphertext, and what was found on the way. */
typedef struct {
    const tsr_oscore_option *option;
    bool response, observe;
    bool put;      /* the OSCORE option is there */
    bool moved;    /* inner options do not stand where they stood */
    uint16_t last; /* number of the last outer option */
} split;

/* An option that has to do with the outside: it goes there (TSR_END), stays inside (TSR_OK), or
 * both. Before the first one behind its number the OSCORE option is put. */
static tsr_err go_outside(split *s, tsr_coap_opt *opt, tsr_buf *out)
{
    if (opt->number > TSR_COAP_OSCORE && !s->put) {
        tsr_oscore_option_put(out, &s->last, s->option);
        s->put = true;
    }
    if (opt->number == TSR_COAP_OSCORE || opt->number == TSR_COAP_PROXY_URI)
        return TSR_E_UNSUPPORTED; /* RFC 8613 §4.1.3.7, RFC 8613 §4.1.3.3 */
    if (tsr_oscore_is_outer(opt->number)) {
        tsr_coap_put_opt(out, &s->last, opt->number, opt->value);
        s->moved = true;
        return TSR_END;
    }
    if (opt->number == TSR_COAP_OBSERVE) { /* RFC 8613 §4.1.3.5 */
        tsr_coap_put_opt(out, &s->last, opt->number, opt->value);
        s->observe = true;
        s->moved = s->moved || s->response;
        opt->value.len = s->response ? 0 : opt->value.len;
    }
    return TSR_OK;
}

/* RFC 8613 §4.1: makes the plaintext of `plain` and appends the outer options. Inner options only
 * ever move towards the start: what is left out makes more room than a longer delta takes. */
static tsr_err split_body(split *s, tsr_buf *plain, tsr_buf *out)
{
    tsr_coap_opts it = { .rest = { plain->ptr + 1, plain->len - 1 } };
    uint8_t *at = plain->ptr + 1;
    uint16_t inner = 0;
    tsr_coap_opt opt;
    tsr_err err;

    while ((err = tsr_oscore_opt_next(&it, &opt)) == TSR_OK) {
        if (!s->put || opt.number >= TSR_COAP_PROXY_URI) {
            err = go_outside(s, &opt, out);
            if (err < TSR_OK)
                return err;
            if (err == TSR_END)
                continue;
        }
        if (s->moved) {
            at = tsr_oscore_put_moved(at, &inner, opt.number, opt.value);
        } else {
            inner = opt.number;
            at = plain->ptr + (opt.value.ptr - plain->ptr) + opt.value.len;
        }
    }
    if (err != TSR_END)
        return err;
    if (!s->put)
        tsr_oscore_option_put(out, &s->last, s->option);
    if (it.payload.len > 0) {
        *at++ = 0xff;
        if (s->moved)
            memmove(at, it.payload.ptr, it.payload.len);
        at += it.payload.len;
    }
    plain->len = (size_t)(at - plain->ptr);
    return TSR_OK;
}

static tsr_err encrypt(const tsr_oscore *c, const tsr_oscore_seal *seal, tsr_bytes plain,
                       tsr_buf *out)
{
    uint8_t *room = tsr_buf_claim(out, 1 + plain.len + c->tag_len);
    size_t got;

    if (room == NULL)
        return out->err;
    *room++ = 0xff;
    return psa_aead_encrypt(c->sender_key, c->alg, seal->nonce, c->nonce_len, seal->aad,
                            seal->aad_len, plain.ptr, plain.len, room, plain.len + c->tag_len,
                            &got) == PSA_SUCCESS
               ? TSR_OK
               : TSR_E_CRYPTO;
}

/* The part that requests and responses share; `out` moves on success only. */
static tsr_err protect(const tsr_oscore *c, split *s, const tsr_oscore_seal *seal, uint8_t code,
                       tsr_buf *plain, tsr_buf *out)
{
    tsr_buf work = *out;
    tsr_err err = split_body(s, plain, &work);

    if (err != TSR_OK)
        return err;
    plain->ptr[0] = code;
    err = encrypt(c, seal, tsr_buf_view(plain), &work);
    if (err == TSR_OK)
        *out = work;
    return err;
}

enum { WRAPPED_MAX = 2 + TSR_OSCORE_ID_CONTEXT_MAX };

/* RFC 8613 §B.2: R1, R2 or both, in a CBOR byte string. */
static tsr_bytes wrap(const tsr_oscore *c, uint8_t room[WRAPPED_MAX])
{
    uint8_t *at = room;

    if (c->said_len < 24) {
        *at++ = (uint8_t)(0x40 | c->said_len);
    } else {
        *at++ = 0x58;
        *at++ = c->said_len;
    }
    memcpy(at, c->id_context, c->said_len);
    return tsr_view(room, (size_t)(at - room) + c->said_len);
}

tsr_err tsr_oscore_protect_request(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t *code,
                                   tsr_buf *plain, tsr_buf *out)
{
    uint8_t room[WRAPPED_MAX];
    tsr_oscore_exchange fresh = { .epoch = c->epoch, .ours = true };
    tsr_oscore_seal seal;
    tsr_err err;

    if (!c->live || !tsr_coap_is_request(*code) || plain->len == 0 || out->err != TSR_OK)
        return TSR_E_ARGUMENT;
    err = tsr_oscore_number(c, &fresh.request_piv);
    if (err != TSR_OK)
        return err;
    fresh.piv_len = tsr_oscore_piv_len(fresh.request_piv);

    tsr_oscore_piv piv = tsr_oscore_piv_of(fresh.request_piv, fresh.piv_len);
    tsr_oscore_option option = { .piv = tsr_view(piv.bytes, piv.len),
                                 .kid = tsr_view(c->sender_id, c->sender_id_len) };
    split s = { .option = &option };

    if (c->said_len > 0)
        option.kid_context = wrap(c, room);
    else if (c->send_id_context)
        option.kid_context = tsr_view(c->id_context, c->id_context_len);
    tsr_oscore_seal_make(&seal, c, &fresh, fresh.request_piv, true);
    err = protect(c, &s, &seal, *code, plain, out);
    if (err != TSR_OK)
        return err;
    fresh.observe = s.observe;
    *x = fresh;
    *code = s.observe ? TSR_COAP_FETCH : TSR_COAP_POST; /* RFC 8613 §4.2, RFC 8613 §4.1.3.5 */
    return TSR_OK;
}

tsr_err tsr_oscore_protect_response(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t *code,
                                    tsr_buf *plain, tsr_buf *out)
{
    bool own = x->own_nonce || x->nonce_used;
    uint64_t number = x->request_piv;
    tsr_oscore_option option = { .piv = { NULL, 0 } };
    split s = { .option = &option, .response = true };
    uint8_t room[WRAPPED_MAX];
    tsr_oscore_piv piv;
    tsr_oscore_seal seal;
    tsr_err err;

    if (!c->live || x->ours || !tsr_coap_is_response(*code) || plain->len == 0 ||
        out->err != TSR_OK)
        return TSR_E_ARGUMENT;
    if (x->epoch != c->epoch)
        return TSR_E_STATE;
    if (own) {
        err = tsr_oscore_number(c, &number);
        if (err != TSR_OK)
            return err;
        piv = tsr_oscore_piv_of(number, tsr_oscore_piv_len(number));
        option.piv = tsr_view(piv.bytes, piv.len);
    }
    if (c->said_len > 0)
        option.kid_context = wrap(c, room);
    tsr_oscore_seal_make(&seal, c, x, number, own);
    x->nonce_used = true; /* whatever comes of it: never the same nonce again */
    err = protect(c, &s, &seal, *code, plain, out);
    if (err == TSR_OK)
        *code = s.observe ? TSR_COAP_CONTENT : TSR_COAP_CHANGED;
    return err;
}
