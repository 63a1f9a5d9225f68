/* SPDX-License-Identifier: Apache-2.0
 *
 * The security context: keys derived behind the wall, and what has to survive a restart. */
#include "tessera/cbor/cbor.h"
#include "tessera/cose/cose.h"
#include "tessera/oscore/internal.h"
#include "tessera/oscore/window.h"

enum {
    INFO_MAX = 1 + 1 + TSR_OSCORE_ID_MAX + 2 + TSR_OSCORE_ID_CONTEXT_MAX + 3 + 4 + 2,
    MARGIN = 256,
    STATE_VERSION = 1,
    STATE_RENEWED = 2, /* the ID Context stands at its end */
    STATE_CRASHED = 0, /* numbers below `next` may have been used; requests may have been seen */
    STATE_EXACT = 1,
};

/* ---- derivation: RFC 8613 §3.2.1 ---- */

typedef struct {
    const tsr_oscore_params *p;
    psa_algorithm_t hkdf;
    int32_t aead;
} source;

static void put_info(tsr_buf *out, const source *s, tsr_bytes id, const char *type, size_t len)
{
    tsr_cbor_put_array(out, 5);
    tsr_cbor_put_bytes(out, id);
    if (s->p->id_context.ptr != NULL)
        tsr_cbor_put_bytes(out, s->p->id_context);
    else
        tsr_cbor_put_null(out);
    tsr_cbor_put_int(out, s->aead);
    tsr_cbor_put_text(out, tsr_text(type));
    tsr_cbor_put_uint(out, len);
}

static psa_status_t begin(psa_key_derivation_operation_t *op, const source *s, tsr_bytes id,
                          const char *type, size_t len)
{
    uint8_t room[INFO_MAX];
    tsr_buf info = tsr_buf_over(room, sizeof room);
    psa_status_t status;

    put_info(&info, s, id, type, len);
    status = info.err == TSR_OK ? psa_key_derivation_setup(op, s->hkdf) : PSA_ERROR_BAD_STATE;
    if (status == PSA_SUCCESS)
        status = psa_key_derivation_input_bytes(op, PSA_KEY_DERIVATION_INPUT_SALT, s->p->salt.ptr,
                                                s->p->salt.len);
    if (status == PSA_SUCCESS)
        status = psa_key_derivation_input_key(op, PSA_KEY_DERIVATION_INPUT_SECRET,
                                              s->p->master_secret);
    if (status == PSA_SUCCESS)
        status =
            psa_key_derivation_input_bytes(op, PSA_KEY_DERIVATION_INPUT_INFO, info.ptr, info.len);
    return status;
}

static psa_status_t derive_key(const source *s, const tsr_cose_alg *alg, tsr_bytes id,
                               psa_key_usage_t usage, psa_key_id_t *key)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = begin(&op, s, id, "Key", alg->bits / 8u);

    psa_set_key_type(&a, alg->type);
    psa_set_key_bits(&a, alg->bits);
    psa_set_key_algorithm(&a, alg->psa);
    psa_set_key_usage_flags(&a, usage);
    if (status == PSA_SUCCESS)
        status = psa_key_derivation_output_key(&a, &op, key);
    (void)psa_key_derivation_abort(&op);
    return status;
}

static psa_status_t derive_iv(const source *s, size_t len, uint8_t *iv)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_status_t status = begin(&op, s, (tsr_bytes){ NULL, 0 }, "IV", len);

    if (status == PSA_SUCCESS)
        status = psa_key_derivation_output_bytes(&op, iv, len);
    (void)psa_key_derivation_abort(&op);
    return status;
}

/* RFC 8613 §5.2: all of a nonce but the Partial IV. */
static void nonce_base(uint8_t *base, const uint8_t *iv, size_t len, tsr_bytes id)
{
    memcpy(base, iv, len);
    base[0] ^= (uint8_t)id.len;
    for (size_t i = 0; i < id.len; i++)
        base[len - TSR_OSCORE_PIV_MAX - id.len + i] ^= id.ptr[i];
}

static tsr_err derive(tsr_oscore *c, const source *s, const tsr_cose_alg *alg)
{
    uint8_t iv[TSR_OSCORE_NONCE_MAX];
    psa_status_t status = derive_iv(s, alg->nonce, iv);

    if (status == PSA_SUCCESS)
        status = derive_key(s, alg, s->p->sender_id, PSA_KEY_USAGE_ENCRYPT, &c->sender_key);
    if (status == PSA_SUCCESS)
        status = derive_key(s, alg, s->p->recipient_id, PSA_KEY_USAGE_DECRYPT, &c->recipient_key);
    if (status != PSA_SUCCESS)
        return status == PSA_ERROR_NOT_SUPPORTED ? TSR_E_UNSUPPORTED : TSR_E_CRYPTO;
    nonce_base(c->sender_nonce, iv, alg->nonce, s->p->sender_id);
    nonce_base(c->recipient_nonce, iv, alg->nonce, s->p->recipient_id);
    for (size_t i = 0; i < 7; i++) /* it differs when any of the parameters does */
        c->epoch = c->epoch << 8 | c->sender_nonce[i];
    return TSR_OK;
}

/* ---- the state (docs/WIRE.md) ---- */

static void put_state(tsr_buf *out, const tsr_oscore *c, uint8_t kind, uint64_t next)
{
    tsr_put_u8(out, c->renewed ? STATE_RENEWED : STATE_VERSION);
    tsr_put_u8(out, kind);
    tsr_put_u64(out, c->epoch);
    tsr_put_u64(out, next);
    if (kind == STATE_EXACT) {
        tsr_put_u8(out, c->window_known);
        tsr_put_u64(out, c->highest);
        tsr_put_u64(out, c->seen);
    }
    if (c->renewed) {
        tsr_put_u8(out, c->id_context_len);
        tsr_put_bytes(out, tsr_view(c->id_context, c->id_context_len));
    }
}

/* Takes the ID Context off the end of a state of renewed keys; ptr NULL: it is none. */
static tsr_bytes state_context(tsr_bytes *state)
{
    size_t at;

    if (state->len < 2 || state->ptr[0] != STATE_RENEWED)
        return (tsr_bytes){ NULL, 0 };
    at = state->ptr[1] == STATE_EXACT ? 1 + 1 + 8 + 8 + 1 + 8 + 8 : 1 + 1 + 8 + 8;
    if (state->len <= at || state->ptr[at] != state->len - at - 1)
        return (tsr_bytes){ NULL, 0 };

    tsr_bytes id = tsr_skip(*state, at + 1);

    state->len = at;
    return id;
}

static tsr_err get_state(tsr_oscore *c, tsr_bytes in)
{
    uint8_t version, kind, known = 0;
    uint64_t epoch;

    if (tsr_get_u8(&in, &version) != TSR_OK ||
        version != (c->renewed ? STATE_RENEWED : STATE_VERSION) ||
        tsr_get_u8(&in, &kind) != TSR_OK || kind > STATE_EXACT ||
        tsr_get_u64(&in, &epoch) != TSR_OK || epoch != c->epoch ||
        tsr_get_u64(&in, &c->next) != TSR_OK || c->next > TSR_OSCORE_PIV_END)
        return TSR_E_MALFORMED;
    if (kind == STATE_EXACT &&
        (tsr_get_u8(&in, &known) != TSR_OK || known > 1 ||
         tsr_get_u64(&in, &c->highest) != TSR_OK || tsr_get_u64(&in, &c->seen) != TSR_OK))
        return TSR_E_MALFORMED;
    c->window_known = known == 1;
    if (TSR_OSCORE_PIV_END - c->next > TSR_OSCORE_WINDOW)
        c->next += TSR_OSCORE_WINDOW; /* RFC 9175 §3.5.1: what is still on its way is too old now */
    c->limit = c->next;
    return in.len == 0 ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err tsr_oscore_extend(tsr_oscore *c)
{
    uint8_t room[TSR_OSCORE_STATE_MAX];
    tsr_buf state = tsr_buf_over(room, sizeof room);
    uint64_t limit = TSR_OSCORE_PIV_END;

    if (c->save == NULL) {
        c->limit = limit;
        return TSR_OK;
    }
    if (limit - c->next > c->margin)
        limit = c->next + c->margin;
    put_state(&state, c, STATE_CRASHED, limit);
    if (c->save(c->user, tsr_buf_view(&state)) != TSR_OK)
        return TSR_E_IO;
    c->limit = limit;
    return TSR_OK;
}

tsr_err tsr_oscore_number(tsr_oscore *c, uint64_t *number)
{
    if (c->next >= c->limit) {
        tsr_err err = c->next >= TSR_OSCORE_PIV_END ? TSR_E_STATE : tsr_oscore_extend(c);

        if (err != TSR_OK)
            return err;
    }
    *number = c->next++;
    return TSR_OK;
}

uint64_t tsr_oscore_left(const tsr_oscore *c) { return TSR_OSCORE_PIV_END - c->next; }

/* A new context is saved before its first use: what was never saved was never used. An exact state
 * is good once. One from a crash stays true until more numbers are needed. */
static tsr_err take_up(tsr_oscore *c, tsr_bytes state, bool challenge)
{
    tsr_err err = TSR_OK;

    c->window_known = true;
    if (state.len > 0)
        err = get_state(c, state);
    if (err == TSR_OK && (state.len == 0 || state.ptr[1] == STATE_EXACT))
        err = c->next < TSR_OSCORE_PIV_END ? tsr_oscore_extend(c) : TSR_OK;
    if (challenge)
        c->window_known = false;
    return err;
}

/* ---- init and free ---- */

static psa_algorithm_t hkdf_of(int32_t number)
{
    switch (number) {
    case 0:
    case 5:
    case TSR_OSCORE_HKDF_SHA256: return PSA_ALG_HKDF(PSA_ALG_SHA_256);
    case 7:
    case TSR_OSCORE_HKDF_SHA512: return PSA_ALG_HKDF(PSA_ALG_SHA_512);
    default: return PSA_ALG_NONE;
    }
}

/* RFC 8613 §3.3: the IDs are unique, and at most nonce length minus 6 long. */
static bool ids_good(const tsr_oscore_params *p, size_t nonce_len)
{
    return p->sender_id.len <= nonce_len - 6 && p->recipient_id.len <= nonce_len - 6 &&
           !tsr_same(p->sender_id, p->recipient_id) &&
           p->id_context.len <= TSR_OSCORE_ID_CONTEXT_MAX;
}

static void keep(uint8_t *to, uint8_t *len, tsr_bytes from)
{
    *len = (uint8_t)from.len;
    if (from.ptr != NULL)
        memcpy(to, from.ptr, from.len);
}

static void configure(tsr_oscore *c, const tsr_oscore_params *p, const tsr_cose_alg *alg)
{
    *c = (tsr_oscore){ .alg = alg->psa,
                       .aead = alg->id,
                       .nonce_len = alg->nonce,
                       .tag_len = alg->proof,
                       .has_id_context = p->id_context.ptr != NULL,
                       .send_id_context = p->send_id_context && p->id_context.ptr != NULL,
                       .margin = p->margin > 0 ? p->margin : MARGIN,
                       .save = p->save,
                       .user = p->user,
                       .live = true };
    keep(c->sender_id, &c->sender_id_len, p->sender_id);
    keep(c->recipient_id, &c->recipient_id_len, p->recipient_id);
    keep(c->id_context, &c->id_context_len, p->id_context);
}

tsr_err tsr_oscore_init(tsr_oscore *c, const tsr_oscore_params *params, tsr_bytes state)
{
    int32_t aead = params->aead != 0 ? params->aead : TSR_COSE_CCM_16_64_128;
    const tsr_cose_alg *alg = tsr_cose_alg_find(aead);
    tsr_bytes renewed = state_context(&state);
    tsr_oscore_params p = *params;
    const source s = { &p, hkdf_of(p.hkdf), aead };
    tsr_err err;

    if (alg == NULL || alg->kind != TSR_COSE_ENCRYPT0 || s.hkdf == PSA_ALG_NONE)
        return TSR_E_UNSUPPORTED;
    if (renewed.ptr != NULL)
        p.id_context = renewed;
    if (!ids_good(&p, alg->nonce))
        return renewed.ptr != NULL ? TSR_E_MALFORMED : TSR_E_ARGUMENT;
    configure(c, &p, alg);
    c->renewed = renewed.ptr != NULL;
    err = derive(c, &s, alg);
    if (err == TSR_OK)
        err = take_up(c, state, p.challenge);
    if (err != TSR_OK)
        tsr_oscore_free(c);
    return err;
}

void tsr_oscore_free(tsr_oscore *c)
{
    if (c->live) {
        (void)psa_destroy_key(c->sender_key); /* 0 stands for none and is no error */
        (void)psa_destroy_key(c->recipient_key);
    }
    tsr_wipe(c, sizeof *c);
}

tsr_err tsr_oscore_park(tsr_oscore *c, tsr_buf *state)
{
    tsr_buf out = *state;

    put_state(&out, c, STATE_EXACT, c->next);
    if (out.err != TSR_OK)
        return out.err;
    *state = out;
    tsr_oscore_free(c);
    return TSR_OK;
}
