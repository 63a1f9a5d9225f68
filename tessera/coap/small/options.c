/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/small/small.h"

/* Options in ascending order, with the caller's further ones between ours. */
typedef struct {
    tsr_buf *out;
    const tsr_coap_opt *extra;
    size_t left;
    uint16_t last;
} mixer;

static void upto(mixer *m, uint32_t number)
{
    for (; m->left != 0 && m->extra->number < number; m->extra++, m->left--)
        tsr_coap_put_opt(m->out, &m->last, m->extra->number, m->extra->value);
}

static void mix(mixer *m, uint16_t number, const tsr_bytes *value)
{
    if (value->ptr == NULL)
        return;
    upto(m, number);
    tsr_coap_put_opt(m->out, &m->last, number, *value);
}

static void mix_list(mixer *m, uint16_t number, const tsr_bytes *list, size_t count)
{
    for (; count > 0; count--)
        mix(m, number, list++);
}

static void mix_num(mixer *m, uint16_t number, tsr_coap_num num)
{
    if (!num.set)
        return;
    upto(m, number);
    tsr_coap_put_opt_uint(m->out, &m->last, number, num.value);
}

static void mix_path(mixer *m, uint16_t number, const char *text)
{
    upto(m, number);
    tsr_coap_put_opt_text(m->out, &m->last, number, text, '/');
}

static tsr_coap_num block_value(const tsr_coap_block *b)
{
    return (tsr_coap_num){ b->set, b->num << 4 | (b->more ? 8u : 0u) | b->szx };
}

tsr_err tsr_small_put_request(const tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r)
{
    static const tsr_bytes nothing = { (const uint8_t *)"", 0 };
    tsr_buf out = tsr_buf_over(tsr_small_slot_bytes(c, s), c->config.exchange_len);
    mixer m = { &out, r->extra, r->extra_count, 0 };

    mix(&m, TSR_COAP_IF_MATCH, &r->if_match);
    mix(&m, TSR_COAP_ETAG, &r->etag);
    if (r->if_none_match)
        mix(&m, TSR_COAP_IF_NONE_MATCH, &nothing);
    if (r->path != NULL)
        mix_path(&m, TSR_COAP_URI_PATH, r->path);
    else
        mix_list(&m, TSR_COAP_URI_PATH, r->segments, r->segment_count);
    mix_num(&m, TSR_COAP_CONTENT_FORMAT, r->content_format);
    mix_list(&m, TSR_COAP_URI_QUERY, r->queries, r->query_count);
    mix_num(&m, TSR_COAP_ACCEPT, r->accept);
    upto(&m, UINT32_MAX);
    s->options_len = (uint16_t)out.len;
    s->last_option = m.last;
    tsr_coap_put_payload(&out, r->payload);
    s->len = (uint16_t)out.len;
    return out.err;
}

enum { OURS = 32 }; /* our own options and the marker at most, but a Location-Path */

tsr_err tsr_small_put_response(const tsr_coap *c, const tsr_coap_slot *s,
                               const tsr_coap_response *r, tsr_coap_num observe, size_t room,
                               tsr_buf *out, uint8_t *code)
{
    mixer m = { out, r->extra, r->extra_count, 0 };
    tsr_coap_block block = tsr_coap_is_success(r->code) ? s->block2 : (tsr_coap_block){ 0 };
    size_t offset = (size_t)block.num << (block.szx + 4), len = r->payload.len, size;
    tsr_bytes etag = r->etag;
    uint32_t hash;

    if (etag.len > 8)
        return TSR_E_ARGUMENT;
    if (offset != 0 && offset >= len) { /* RFC 7959 §2.2 */
        *code = TSR_COAP_BAD_REQUEST;
        return TSR_OK;
    }
    if (!block.set || block.szx > c->config.params.szx)
        block.szx = c->config.params.szx;
    block.set = offset != 0 || len > tsr_coap_block_len(block.szx) || len + OURS > room;
    while (block.set && block.szx > 0 && tsr_coap_block_len(block.szx) + OURS > room)
        block.szx--;
    size = block.set ? tsr_coap_block_len(block.szx) : len;
    block.num = (uint32_t)(offset >> (block.szx + 4));
    block.more = len - offset > size;
    if (block.more && s->code != TSR_COAP_GET && s->code != TSR_COAP_FETCH)
        return TSR_E_SPACE; /* asking again would do it again */
    if (block.set && etag.ptr == NULL) {
        hash = (uint32_t)tsr_hash(0, r->payload);
        etag = tsr_view(&hash, sizeof hash);
    }
    *code = r->code;
    mix(&m, TSR_COAP_ETAG, &etag);
    mix_num(&m, TSR_COAP_OBSERVE, observe);
    if (r->location != NULL)
        mix_path(&m, TSR_COAP_LOCATION_PATH, r->location);
    mix_num(&m, TSR_COAP_CONTENT_FORMAT, r->content_format);
    mix_num(&m, TSR_COAP_MAX_AGE, r->max_age);
    mix_num(&m, TSR_COAP_BLOCK2, block_value(&block));
    mix_num(&m, TSR_COAP_BLOCK1, (tsr_coap_num){ s->block1.set, s->block1.szx });
    upto(&m, UINT32_MAX);
    tsr_coap_put_payload(out, tsr_first(tsr_skip(r->payload, offset), size));
    return out->err;
}
