/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's steps of RFC 8613 §B.2, and what both ends do. */
#include "tessera/oscore/renew.h"

#include "tessera/oscore/datagram.h"
#include "tessera/oscore/internal.h"

tsr_bytes tsr_oscore_renew_said(tsr_bytes kid_context) { return tsr_oscore_unwrap(kid_context); }

tsr_err tsr_oscore_renew_make(tsr_oscore *c, const tsr_oscore_params *params, tsr_bytes id,
                              size_t said_len)
{
    tsr_oscore_params p = *params;
    tsr_err err;

    p.id_context = id;
    p.save = NULL;
    err = tsr_oscore_init(c, &p, (tsr_bytes){ NULL, 0 });
    if (err != TSR_OK)
        return err;
    c->renewed = true;
    c->said_len = (uint8_t)said_len;
    return TSR_OK;
}

tsr_err tsr_oscore_renew_ask(tsr_oscore *c, const tsr_oscore_params *params)
{
    uint8_t r1[TSR_OSCORE_R_LEN];

    if (psa_generate_random(r1, sizeof r1) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    return tsr_oscore_renew_make(c, params, tsr_view(r1, sizeof r1), sizeof r1);
}

static tsr_err find_r2(tsr_bytes datagram, tsr_bytes *r2)
{
    tsr_oscore_option option;
    tsr_bytes body;
    tsr_err err = tsr_oscore_body(datagram, &body);

    if (err == TSR_OK)
        err = tsr_oscore_option_find(body, &option);
    if (err != TSR_OK)
        return err;
    *r2 = tsr_oscore_unwrap(option.kid_context);
    if (option.kid_context.ptr == NULL || r2->len == 0)
        return TSR_E_NOT_FOUND;
    return r2->len + TSR_OSCORE_R_LEN <= TSR_OSCORE_ID_CONTEXT_MAX ? TSR_OK : TSR_E_UNSUPPORTED;
}

/* With the keys of R2 || ID1, which are used for this one message. Without a Partial IV of its own it
 * has the nonce of the request, which was made with other keys (RFC 8613 §8.4). */
static tsr_err verify(const tsr_oscore *c, const tsr_oscore_exchange *x,
                      const tsr_oscore_params *params, tsr_bytes id2, tsr_bytes datagram,
                      tsr_buf *scratch)
{
    tsr_oscore_exchange y = *x;
    tsr_oscore second;
    tsr_err err = tsr_oscore_renew_make(&second, params, id2, 0);

    if (err != TSR_OK)
        return err;
    y.epoch = second.epoch;
    memcpy(second.sender_nonce, c->sender_nonce, sizeof second.sender_nonce);
    err = tsr_oscore_unprotect_response_datagram(&second, &y, datagram, scratch);
    tsr_oscore_free(&second);
    if (err == TSR_OK && scratch->ptr[1] != TSR_COAP_UNAUTHORIZED)
        err = TSR_E_MALFORMED;
    tsr_wipe(scratch->ptr, scratch->cap);
    return err;
}

tsr_err tsr_oscore_renew_answered(const tsr_oscore *c, const tsr_oscore_exchange *x,
                                  const tsr_oscore_params *params, tsr_bytes datagram,
                                  tsr_buf *scratch, tsr_oscore *next)
{
    uint8_t room[TSR_OSCORE_ID_CONTEXT_MAX];
    tsr_buf id = tsr_buf_over(room, sizeof room);
    tsr_oscore third;
    tsr_bytes r2;
    tsr_err err = find_r2(datagram, &r2);

    if (err != TSR_OK)
        return err;
    if (!c->live || x->epoch != c->epoch)
        return TSR_E_STATE;
    tsr_put_bytes(&id, r2);
    tsr_put_bytes(&id, tsr_view(c->id_context, c->id_context_len));
    if (id.err != TSR_OK)
        return TSR_E_UNSUPPORTED;
    err = verify(c, x, params, tsr_buf_view(&id), datagram, scratch);
    if (err != TSR_OK)
        return err;
    if (psa_generate_random(room + r2.len, TSR_OSCORE_R_LEN) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    id.len = r2.len + TSR_OSCORE_R_LEN;
    err = tsr_oscore_renew_make(&third, params, tsr_buf_view(&id), id.len);
    if (err != TSR_OK)
        return err;
    tsr_oscore_free(next);
    *next = third;
    return TSR_OK;
}

tsr_err tsr_oscore_renew_keep(tsr_oscore *c, const tsr_oscore_params *params)
{
    tsr_err err;

    c->save = params->save;
    c->user = params->user;
    err = tsr_oscore_extend(c);
    if (err == TSR_OK)
        c->said_len = 0;
    else
        c->save = NULL;
    return err;
}
