/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole datagrams: the header and token of one become those of the other. */
#include "tessera/oscore/datagram.h"

#include "tessera/oscore/internal.h"

enum { HEAD_MAX = 4 + TSR_COAP_TOKEN_MAX };

typedef tsr_err protector(tsr_oscore *, tsr_oscore_exchange *, uint8_t *, tsr_buf *, tsr_buf *);
typedef tsr_err opener(tsr_oscore *, tsr_oscore_exchange *, uint8_t *, tsr_bytes, tsr_buf *);

tsr_err tsr_oscore_body(tsr_bytes datagram, tsr_bytes *body)
{
    size_t head;

    if (datagram.len < 4 || datagram.ptr[0] >> 6 != 1)
        return TSR_E_MALFORMED;
    head = 4u + (datagram.ptr[0] & 15u);
    if (head > 4 + TSR_COAP_TOKEN_MAX || head > datagram.len)
        return TSR_E_MALFORMED;
    *body = tsr_skip(datagram, head);
    return TSR_OK;
}

/* Copies header and token; the code is set at the end. As many bytes as the longest of them has are
 * copied at once, where there is room: what is too much is overwritten. */
static tsr_err carry(tsr_bytes in, tsr_bytes *body, tsr_buf *out)
{
    tsr_err err = tsr_oscore_body(in, body);

    if (err != TSR_OK)
        return err;
    if (out->len != 0 || out->err != TSR_OK)
        return TSR_E_ARGUMENT;
    if (in.len >= HEAD_MAX && out->cap >= HEAD_MAX) {
        memcpy(out->ptr, in.ptr, HEAD_MAX);
        out->len = in.len - body->len;
        return TSR_OK;
    }
    tsr_put_bytes(out, tsr_first(in, in.len - body->len));
    return out->err;
}

static tsr_err finish(tsr_err err, uint8_t code, tsr_buf *out)
{
    if (err == TSR_OK)
        out->ptr[1] = code;
    else
        out->len = 0;
    return err;
}

static tsr_err protect(protector *how, tsr_oscore *c, tsr_oscore_exchange *x, tsr_buf *in,
                       tsr_buf *out)
{
    tsr_bytes body;
    tsr_err err = carry(tsr_buf_view(in), &body, out);

    if (err != TSR_OK)
        return err;

    size_t head = in->len - body.len;
    uint8_t code = in->ptr[1];
    tsr_buf plain = { in->ptr + head - 1, body.len + 1, body.len + 1, TSR_OK };

    err = how(c, x, &code, &plain, out);
    return finish(err, code, out);
}

static tsr_err unprotect(opener *how, tsr_oscore *c, tsr_oscore_exchange *x, tsr_bytes in,
                         tsr_buf *out)
{
    uint8_t code = 0;
    tsr_bytes body;
    tsr_err err = carry(in, &body, out);

    if (err == TSR_OK)
        err = how(c, x, &code, body, out);
    return finish(err, code, out);
}

tsr_err tsr_oscore_protect_request_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_buf *in,
                                            tsr_buf *out)
{
    return protect(tsr_oscore_protect_request, c, x, in, out);
}

tsr_err tsr_oscore_protect_response_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_buf *in,
                                             tsr_buf *out)
{
    return protect(tsr_oscore_protect_response, c, x, in, out);
}

tsr_err tsr_oscore_unprotect_request_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_bytes in,
                                              tsr_buf *out)
{
    return unprotect(tsr_oscore_unprotect_request, c, x, in, out);
}

tsr_err tsr_oscore_unprotect_response_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_bytes in,
                                               tsr_buf *out)
{
    return unprotect(tsr_oscore_unprotect_response, c, x, in, out);
}

/* ---- refusals ---- */

static void put_answer_header(tsr_buf *out, uint8_t code, tsr_bytes request, uint16_t mid)
{
    bool con = (request.ptr[0] >> 4 & 3) == TSR_COAP_CON;
    size_t token_len = request.ptr[0] & 15u;

    if (con)
        mid = (uint16_t)(request.ptr[2] << 8 | request.ptr[3]);
    tsr_coap_put_header(out, con ? TSR_COAP_ACK : TSR_COAP_NON, code, mid,
                        tsr_view(request.ptr + 4, token_len));
}

tsr_err tsr_oscore_answer_bare(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t code,
                               tsr_bytes request, uint16_t mid, tsr_buf *out)
{
    uint8_t room[4 + TSR_COAP_TOKEN_MAX];
    tsr_buf plain = tsr_buf_over(room, sizeof room);

    put_answer_header(&plain, code, request, mid);
    return tsr_oscore_protect_response_datagram(c, x, &plain, out);
}

static tsr_err challenge(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t code, tsr_bytes request,
                         uint16_t mid, tsr_buf *out)
{
    uint8_t room[4 + TSR_COAP_TOKEN_MAX + 3 + TSR_OSCORE_ECHO_LEN];
    tsr_buf plain = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;
    tsr_bytes echo;
    tsr_err err = tsr_oscore_echo(c, &echo);

    if (err != TSR_OK)
        return err;
    put_answer_header(&plain, code, request, mid);
    tsr_coap_put_opt(&plain, &last, TSR_COAP_ECHO, echo);
    return tsr_oscore_protect_response_datagram(c, x, &plain, out);
}

tsr_err tsr_oscore_answer_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_err why,
                                   tsr_bytes request, uint16_t mid, tsr_buf *out)
{
    uint16_t last = 0;
    const char *text;
    tsr_bytes body;
    uint8_t code;

    if (tsr_oscore_body(request, &body) != TSR_OK || !tsr_coap_is_request(request.ptr[1]) ||
        tsr_oscore_refusal(why, &code, &text) != TSR_OK)
        return TSR_END;
    if (why == TSR_E_STATE)
        return challenge(c, x, code, request, mid, out);
    put_answer_header(out, code, request, mid);
    tsr_coap_put_opt_uint(out, &last, TSR_COAP_MAX_AGE, 0);
    tsr_coap_put_payload(out, tsr_text(text));
    return out->err;
}
