/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying: nothing outside is believed but Uri-Host, Uri-Port and the proxy's options. */
#include "tessera/oscore/internal.h"
#include "tessera/oscore/window.h"

enum { OUTERS = 4 };

/* A protected message taken apart. */
typedef struct {
    tsr_oscore_option option;
    bool has_option;
    tsr_coap_opt outer[OUTERS]; /* in their order */
    size_t outers, body_len;
    tsr_bytes ciphertext;
} envelope;

/* What OSCORE itself has to know of the inside. */
typedef struct {
    bool observe;
    tsr_bytes echo;
} inside;

/* RFC 8613 §4.1.3.4.2: true of a message that a proxy cut and nobody put together. */
static bool is_cut(const tsr_coap_opt *opt)
{
    uint32_t v;

    if (opt->number != TSR_COAP_BLOCK1 && opt->number != TSR_COAP_BLOCK2)
        return false;
    return tsr_coap_opt_uint(opt->value, &v) != TSR_OK || v >> 3 != 0;
}

/* Steps 1 and 2 of RFC 8613 §8.2 and RFC 8613 §8.4. */
static tsr_err take_outer(envelope *e, const tsr_coap_opt *opt)
{
    if (opt->number == TSR_COAP_OSCORE) {
        if (e->has_option)
            return TSR_E_MALFORMED;
        e->has_option = true;
        return tsr_oscore_option_read(opt->value, &e->option);
    }
    if (is_cut(opt))
        return TSR_E_UNSUPPORTED;
    if (tsr_oscore_is_outer(opt->number)) {
        if (e->outers == OUTERS)
            return TSR_E_MALFORMED; /* none of them may be repeated */
        e->outer[e->outers++] = *opt;
    }
    return TSR_OK;
}

static tsr_err envelope_read(envelope *e, tsr_bytes body)
{
    tsr_coap_opts it = { .rest = body };
    tsr_coap_opt opt;
    tsr_err err;

    e->has_option = false;
    e->outers = 0;
    e->body_len = body.len;
    while ((err = tsr_oscore_opt_next(&it, &opt)) == TSR_OK) {
        err = take_outer(e, &opt);
        if (err != TSR_OK)
            return err;
    }
    if (err != TSR_END)
        return err;
    e->ciphertext = it.payload;
    return e->has_option ? TSR_OK : TSR_E_NOT_FOUND;
}

static tsr_err decrypt(const tsr_oscore *c, const tsr_oscore_seal *seal, tsr_bytes in, uint8_t *to)
{
    size_t len = in.len - c->tag_len, got;
    psa_status_t status =
        psa_aead_decrypt(c->recipient_key, c->alg, seal->nonce, c->nonce_len, seal->aad,
                         seal->aad_len, in.ptr, in.len, to, len, &got);

    if (status == PSA_SUCCESS)
        return TSR_OK;
    tsr_wipe(to, len);
    return status == PSA_ERROR_INVALID_SIGNATURE ? TSR_E_CRYPTO : TSR_E_IO;
}

static tsr_err inspect(tsr_bytes body, inside *in)
{
    tsr_coap_opts it = { .rest = body };
    tsr_coap_opt opt;
    tsr_err err;

    *in = (inside){ false, { NULL, 0 } };
    while ((err = tsr_oscore_opt_next(&it, &opt)) == TSR_OK) {
        if (opt.number == TSR_COAP_ECHO)
            in->echo = opt.value;
        if (opt.number > TSR_COAP_OSCORE)
            continue;
        if (opt.number == TSR_COAP_OSCORE) /* RFC 8613 §4.1.3.7 */
            return TSR_E_MALFORMED;
        in->observe = in->observe || opt.number == TSR_COAP_OBSERVE;
    }
    return err == TSR_END ? TSR_OK : err;
}

/* A message on its way from `e` into `out`: either at its place already, or at the end of the room
 * that `out` has, when something must be put in front or between. */
typedef struct {
    bool in_place;
    uint8_t *plain, spare; /* the inner code stands at plain[0]; spare: what stood there */
    size_t len;
} opened;

static tsr_err open_envelope(const tsr_oscore *c, const tsr_oscore_seal *seal, const envelope *e,
                             bool in_place, const tsr_buf *out, opened *o)
{
    tsr_err err;

    if (e->ciphertext.len <= c->tag_len)
        return TSR_E_CRYPTO;
    if (e->body_len > out->cap - out->len)
        return TSR_E_SPACE;
    o->len = e->ciphertext.len - c->tag_len;
    o->in_place = in_place && e->outers == 0;
    o->plain = o->in_place ? out->ptr + out->len - 1 : out->ptr + out->cap - o->len;
    o->spare = *o->plain;
    err = decrypt(c, seal, e->ciphertext, o->plain);
    if (err != TSR_OK)
        *o->plain = o->spare;
    return err;
}

static void discard(const opened *o)
{
    tsr_wipe(o->plain, o->len);
    *o->plain = o->spare;
}

/* Appends outer and inner options in their order, and the payload. Everything moves towards the
 * start: the tag, the code and the OSCORE option leave at least 11 bytes between what was read and
 * what is written; a new Observe value takes 3 of them, longer heads of outer options 4. */
static void merge(const opened *o, const envelope *e, tsr_bytes observe, tsr_buf *out)
{
    tsr_coap_opts it = { .rest = { o->plain + 1, o->len - 1 } };
    uint8_t *at = out->ptr + out->len;
    uint16_t last = 0;
    size_t next = 0;
    tsr_coap_opt opt;

    while (tsr_oscore_opt_next(&it, &opt) == TSR_OK) {
        for (; next < e->outers && e->outer[next].number <= opt.number; next++)
            at = tsr_oscore_put_moved(at, &last, e->outer[next].number, e->outer[next].value);
        if (opt.number == TSR_COAP_OBSERVE && observe.ptr != NULL)
            opt.value = observe;
        at = tsr_oscore_put_moved(at, &last, opt.number, opt.value);
    }
    for (; next < e->outers; next++)
        at = tsr_oscore_put_moved(at, &last, e->outer[next].number, e->outer[next].value);
    if (it.payload.len > 0) {
        *at++ = 0xff;
        memmove(at, it.payload.ptr, it.payload.len);
        at += it.payload.len;
    }
    out->len = (size_t)(at - out->ptr);
}

static void deliver(const opened *o, const envelope *e, tsr_bytes observe, uint8_t *code,
                    tsr_buf *out)
{
    *code = o->plain[0];
    *o->plain = o->spare;
    if (o->in_place)
        out->len += o->len - 1;
    else
        merge(o, e, observe, out);
}

/* ---- requests: RFC 8613 §8.2 ---- */

/* RFC 8613 §B.1.2: a request with our Echo was made after the restart. */
static bool settle_window(tsr_oscore *c, uint64_t number, tsr_bytes echo)
{
    if (c->window_known) {
        tsr_oscore_window_take(c, number);
        return true;
    }
    if (!c->echo_made || !tsr_same_secret(echo, tsr_view(c->echo, sizeof c->echo)))
        return false;
    c->window_known = true;
    c->echo_made = false;
    c->highest = number;
    c->seen = UINT64_MAX;
    return true;
}

static tsr_err judge_request(tsr_oscore *c, tsr_oscore_exchange *fresh, const opened *o)
{
    inside in;
    tsr_err err = inspect(tsr_view(o->plain + 1, o->len - 1), &in);

    if (!settle_window(c, fresh->request_piv, in.echo)) {
        fresh->own_nonce = true;
        return TSR_E_STATE;
    }
    if (err != TSR_OK || !tsr_coap_is_request(o->plain[0]))
        return TSR_E_MALFORMED;
    fresh->observe = in.observe;
    return TSR_OK;
}

tsr_err tsr_oscore_unprotect_request(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t *code,
                                     tsr_bytes body, tsr_buf *out)
{
    tsr_oscore_exchange fresh = { .epoch = c->epoch };
    tsr_oscore_seal seal;
    envelope e;
    opened o;
    tsr_err err;

    if (!c->live || out->err != TSR_OK || out->len == 0)
        return TSR_E_ARGUMENT;
    err = envelope_read(&e, body);
    if (err != TSR_OK)
        return err;
    if (e.option.kid.ptr == NULL || e.option.piv.len == 0) /* RFC 8613 §5 */
        return TSR_E_MALFORMED;
    if (!tsr_oscore_is_for(c, &e.option))
        return TSR_E_NOT_FOUND;
    fresh.request_piv = tsr_oscore_piv_number(e.option.piv);
    fresh.piv_len = (uint8_t)e.option.piv.len;
    if (c->window_known && !tsr_oscore_window_allows(c, fresh.request_piv))
        return TSR_E_EXISTS;
    tsr_oscore_seal_make(&seal, c, &fresh, fresh.request_piv, false);
    err = open_envelope(c, &seal, &e, true, out, &o);
    if (err != TSR_OK)
        return err;
    err = judge_request(c, &fresh, &o);
    if (err == TSR_OK)
        deliver(&o, &e, (tsr_bytes){ NULL, 0 }, code, out);
    else
        discard(&o);
    if (err == TSR_OK || err == TSR_E_STATE)
        *x = fresh;
    return err;
}

/* ---- responses: RFC 8613 §8.4 ---- */

/* RFC 8613 §7.4.1: at most one with the request's nonce, and that the oldest; then only newer
 * ones. */
static bool is_news(const tsr_oscore_exchange *x, tsr_bytes piv)
{
    if (x->over)
        return false;
    if (piv.len == 0)
        return !x->nonce_used && !x->notified;
    return !x->notified || tsr_oscore_piv_number(piv) > x->newest;
}

/* RFC 8613 §8.4.2, and what becomes of the exchange. */
static tsr_err judge_response(tsr_oscore_exchange *x, tsr_bytes piv, const opened *o)
{
    inside in;

    if (inspect(tsr_view(o->plain + 1, o->len - 1), &in) != TSR_OK ||
        !tsr_coap_is_response(o->plain[0]) || (in.observe && !x->observe))
        return TSR_E_MALFORMED;
    if (!in.observe) {
        x->over = true;
    } else if (piv.len > 0) {
        x->notified = true;
        x->newest = tsr_oscore_piv_number(piv);
    } else {
        x->nonce_used = true;
    }
    return TSR_OK;
}

/* The Observe value of a notification, as an uint: it grows with each one taken, whatever the
 * distance of their Partial IVs. RFC 8613 §4.1.3.5.2 leaves the choice. */
static tsr_bytes observe_value(tsr_oscore *c, uint8_t room[3])
{
    uint32_t v = c->arrivals++;
    size_t zeros = 0;

    room[0] = (uint8_t)(v >> 16);
    room[1] = (uint8_t)(v >> 8);
    room[2] = (uint8_t)v;
    while (zeros < 3 && room[zeros] == 0)
        zeros++;
    return tsr_view(room + zeros, 3 - zeros);
}

tsr_err tsr_oscore_unprotect_response(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t *code,
                                      tsr_bytes body, tsr_buf *out)
{
    tsr_oscore_seal seal;
    uint8_t observe[3];
    envelope e;
    opened o;
    tsr_err err;

    if (!c->live || !x->ours || out->err != TSR_OK || out->len == 0)
        return TSR_E_ARGUMENT;
    if (x->epoch != c->epoch)
        return TSR_E_STATE;
    err = envelope_read(&e, body);
    if (err != TSR_OK)
        return err;
    if (!is_news(x, e.option.piv))
        return TSR_E_EXISTS;
    if (e.option.piv.len > 0)
        tsr_oscore_seal_make(&seal, c, x, tsr_oscore_piv_number(e.option.piv), false);
    else
        tsr_oscore_seal_make(&seal, c, x, x->request_piv, true);
    err = open_envelope(c, &seal, &e, !x->observe, out, &o);
    if (err != TSR_OK)
        return err;
    err = judge_response(x, e.option.piv, &o);
    if (err == TSR_OK)
        deliver(&o, &e, x->observe ? observe_value(c, observe) : (tsr_bytes){ NULL, 0 }, code, out);
    else
        discard(&o);
    return err;
}
