/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/compose.h"
#include "tessera/coap/small/small.h"

tsr_err tsr_small_put_request(const tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r)
{
    tsr_buf out = tsr_buf_over(tsr_small_slot_bytes(c, s), c->config.exchange_len);

    (void)tsr_coap_put_request(&out, r);
    s->options_len = (uint16_t)out.len;
    tsr_coap_put_payload(&out, r->payload);
    s->len = (uint16_t)out.len;
    return out.err;
}

enum { OURS = 32 }; /* our own options and the marker at most, but a Location-Path */

tsr_err tsr_small_put_response(const tsr_coap *c, const tsr_coap_slot *s,
                               const tsr_coap_response *r, tsr_coap_num observe, size_t room,
                               tsr_buf *out, uint8_t *code)
{
    static const tsr_coap_block whole = { .szx = 7 };
    const tsr_coap_block *asked =
        tsr_coap_is_success(r->code) && s->block2.set ? &s->block2 : &whole;
    tsr_coap_mixer m = { out, r->extra, r->extra_count, 0 };
    tsr_coap_num block1 = { s->block1.set, s->block1.szx }, block2;
    uint8_t szx = asked->szx < c->config.params.szx ? asked->szx : c->config.params.szx;
    size_t offset = (size_t)asked->num << (asked->szx + 4), len = r->payload.len, size = len;
    tsr_bytes etag = r->etag;
    uint32_t hash;

    if (etag.len > 8)
        return TSR_E_ARGUMENT;
    if (offset != 0 && offset >= len) { /* RFC 7959 §2.2 */
        *code = TSR_COAP_BAD_REQUEST;
        return TSR_OK;
    }
    block2.set = offset != 0 || len > tsr_coap_block_len(szx) || len + OURS > room;
    if (block2.set) {
        while (szx > 0 && tsr_coap_block_len(szx) + OURS > room)
            szx--;
        size = tsr_coap_block_len(szx);
        if (etag.ptr == NULL) {
            hash = (uint32_t)tsr_hash(0, r->payload);
            etag = tsr_view(&hash, sizeof hash);
        }
    }
    block2.value = (uint32_t)(offset >> szx) | szx;
    if (len - offset > size) {
        if (s->code != TSR_COAP_GET && s->code != TSR_COAP_FETCH)
            return TSR_E_SPACE; /* asking again would do it again */
        block2.value |= 8; /* more */
    }
    *code = r->code; /* which may be s->code */
    tsr_coap_mix_view(&m, TSR_COAP_ETAG, &etag);
    tsr_coap_mix_num(&m, TSR_COAP_OBSERVE, &observe);
    tsr_coap_mix_path(&m, TSR_COAP_LOCATION_PATH, r->location);
    tsr_coap_mix_num(&m, TSR_COAP_CONTENT_FORMAT, &r->content_format);
    tsr_coap_mix_num(&m, TSR_COAP_MAX_AGE, &r->max_age);
    tsr_coap_mix_num(&m, TSR_COAP_BLOCK2, &block2);
    tsr_coap_mix_num(&m, TSR_COAP_BLOCK1, &block1);
    tsr_coap_mix_rest(&m);
    tsr_coap_put_payload(out, tsr_first(tsr_skip(r->payload, offset), size));
    return out->err;
}
