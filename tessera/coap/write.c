/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/compose.h"
#include "tessera/coap/engine_in.h"

/* What compose.c has written into the slot's bytes. */
static tsr_err composed(tsr_coap_slot *s, const tsr_buf *out, tsr_err err)
{
    if (err != TSR_OK)
        return err;
    s->options_len = (uint16_t)out->len;
    s->payload_len = s->echo_len = 0;
    return TSR_OK;
}

tsr_err tsr_coap_write_request(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r)
{
    tsr_buf out = tsr_buf_over(tsr_coap_slot_bytes(c, s), c->config.exchange_len);

    return composed(s, &out, tsr_coap_put_request(&out, r));
}

tsr_err tsr_coap_write_response(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_response *r,
                                tsr_bytes etag)
{
    tsr_buf out = tsr_buf_over(tsr_coap_slot_bytes(c, s), c->config.exchange_len);

    return composed(s, &out, tsr_coap_put_response(&out, r, etag));
}

/* Puts a part behind what the slot has, and its length to *len. Not inlined: twice is too much. */
__attribute__((noinline)) static tsr_err append(const tsr_coap *c, tsr_coap_slot *s, uint16_t *len,
                                                tsr_bytes part)
{
    size_t used = (size_t)s->options_len + s->payload_len + s->echo_len;

    if (part.len > c->config.exchange_len - used)
        return TSR_E_SPACE;
    if (part.len != 0)
        memcpy(tsr_coap_slot_bytes(c, s) + used, part.ptr, part.len);
    *len = (uint16_t)part.len;
    return TSR_OK;
}

tsr_err tsr_coap_write_payload(tsr_coap *c, tsr_coap_slot *s, tsr_bytes payload)
{
    return append(c, s, &s->payload_len, payload);
}

tsr_err tsr_coap_write_echo(tsr_coap *c, tsr_coap_slot *s, tsr_bytes echo)
{
    return append(c, s, &s->echo_len, echo);
}

static void put_plain(tsr_buf *out, tsr_bytes options, tsr_bytes payload)
{
    uint8_t *at = tsr_buf_claim(out, options.len + (payload.len != 0) + payload.len);

    if (at == NULL)
        return;
    if (options.len != 0)
        memcpy(at, options.ptr, options.len);
    at += options.len;
    if (payload.len != 0) {
        *at = 0xff;
        memcpy(at + 1, payload.ptr, payload.len);
    }
}

void tsr_coap_write_message(const tsr_coap *c, const tsr_coap_slot *s, uint8_t type,
                            tsr_bytes payload, tsr_buf *out)
{
    const uint8_t *bytes = tsr_coap_slot_bytes(c, s);
    tsr_bytes options = tsr_view(bytes, s->options_len);

    tsr_coap_put_header(out, type, s->code, s->mid, tsr_coap_slot_token(s));
    if (!s->observe.set && !s->block2.set && !s->block1.set && s->echo_len == 0 &&
        (s->flags & F_SIZE2) == 0) { /* nothing to add: most answers */
        put_plain(out, options, payload);
        return;
    }

    tsr_coap_own own = { .observe = s->observe, .block1 = s->block1, .block2 = s->block2 };

    own.size2 = (tsr_coap_num){ (s->flags & F_SIZE2) != 0, s->size2 };
    own.tag = (tsr_coap_num){ (s->flags & F_TAGGED) != 0, s->key };
    if ((s->flags & F_UPLOAD) != 0 && s->u.sent == 0)
        own.size1 = (tsr_coap_num){ true, c->bodies[s->body].len };
    own.echo = tsr_view(bytes + s->options_len + s->payload_len, s->echo_len);
    tsr_coap_put_union(out, options, &own);
    tsr_coap_put_payload(out, payload);
}

void tsr_coap_write_slot(const tsr_coap *c, const tsr_coap_slot *s, tsr_buf *out)
{
    tsr_bytes payload = { tsr_coap_slot_bytes(c, s) + s->options_len, s->payload_len };

    if ((s->flags & F_UPLOAD) != 0)
        payload = tsr_first(
            tsr_skip(tsr_view(tsr_coap_body_bytes(c, s->body), c->bodies[s->body].len), s->u.sent),
            tsr_coap_block_len(s->block1.szx));
    else if ((s->flags & F_COLLECT) != 0 && s->code != TSR_COAP_FETCH)
        payload.len = 0; /* RFC 7959 §3.3: later blocks are asked for without the payload */
    tsr_coap_write_message(c, s, (s->flags & F_CON) != 0 ? TSR_COAP_CON : TSR_COAP_NON, payload,
                           out);
}
