/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/engine_in.h"

/* Options in ascending order, with the caller's further ones between ours. */
typedef struct {
    tsr_buf out;
    uint16_t last;
    const tsr_coap_opt *extra;
    size_t left;
} mixer;

static void upto(mixer *m, uint32_t number)
{
    while (m->left != 0 && m->extra->number < number) {
        tsr_coap_put_opt(&m->out, &m->last, m->extra->number, m->extra->value);
        m->extra++;
        m->left--;
    }
}

static void mix(mixer *m, uint16_t number, tsr_bytes value)
{
    upto(m, number);
    tsr_coap_put_opt(&m->out, &m->last, number, value);
}

static void mix_view(mixer *m, uint16_t number, tsr_bytes value)
{
    if (value.ptr != NULL)
        mix(m, number, value);
}

static void mix_num(mixer *m, uint16_t number, tsr_coap_num num)
{
    if (!num.set)
        return;
    upto(m, number);
    tsr_coap_put_opt_uint(&m->out, &m->last, number, num.value);
}

static void mix_text(mixer *m, uint16_t number, const char *text)
{
    upto(m, number);
    tsr_coap_put_opt_text(&m->out, &m->last, number, text, '/');
}

static void mix_list(mixer *m, uint16_t number, const tsr_bytes *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mix(m, number, list[i]);
}

static mixer mixer_over(const tsr_coap *c, const tsr_coap_slot *s, const tsr_coap_opt *extra,
                        size_t count)
{
    return (mixer){ tsr_buf_over(tsr_coap_slot_bytes(c, s), c->config.exchange_len), 0, extra,
                    count };
}

static tsr_err mixed(mixer *m, tsr_coap_slot *s)
{
    upto(m, UINT32_MAX);
    if (m->out.err != TSR_OK)
        return m->out.err;
    s->options_len = (uint16_t)m->out.len;
    s->payload_len = s->echo_len = 0;
    return TSR_OK;
}

tsr_err tsr_coap_write_request(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_request *r)
{
    mixer m = mixer_over(c, s, r->extra, r->extra_count);

    mix_view(&m, TSR_COAP_IF_MATCH, r->if_match);
    mix_view(&m, TSR_COAP_ETAG, r->etag);
    if (r->if_none_match)
        mix(&m, TSR_COAP_IF_NONE_MATCH, tsr_view("", 0));
    if (r->path != NULL)
        mix_text(&m, TSR_COAP_URI_PATH, r->path);
    else
        mix_list(&m, TSR_COAP_URI_PATH, r->segments, r->segment_count);
    mix_num(&m, TSR_COAP_CONTENT_FORMAT, r->content_format);
    mix_list(&m, TSR_COAP_URI_QUERY, r->queries, r->query_count);
    mix_num(&m, TSR_COAP_ACCEPT, r->accept);
    return mixed(&m, s);
}

tsr_err tsr_coap_write_response(tsr_coap *c, tsr_coap_slot *s, const tsr_coap_response *r,
                                tsr_bytes etag)
{
    mixer m = mixer_over(c, s, r->extra, r->extra_count);

    if (etag.len > 8)
        return TSR_E_ARGUMENT;
    mix_view(&m, TSR_COAP_ETAG, etag);
    if (r->location != NULL)
        mix_text(&m, TSR_COAP_LOCATION_PATH, r->location);
    mix_num(&m, TSR_COAP_CONTENT_FORMAT, r->content_format);
    mix_num(&m, TSR_COAP_MAX_AGE, r->max_age);
    return mixed(&m, s);
}

static tsr_err append(const tsr_coap *c, const tsr_coap_slot *s, tsr_bytes part)
{
    size_t used = (size_t)s->options_len + s->payload_len + s->echo_len;

    if (part.len > c->config.exchange_len - used)
        return TSR_E_SPACE;
    if (part.len != 0)
        memcpy(tsr_coap_slot_bytes(c, s) + used, part.ptr, part.len);
    return TSR_OK;
}

tsr_err tsr_coap_write_payload(tsr_coap *c, tsr_coap_slot *s, tsr_bytes payload)
{
    if (append(c, s, payload) != TSR_OK)
        return TSR_E_SPACE;
    s->payload_len = (uint16_t)payload.len;
    return TSR_OK;
}

tsr_err tsr_coap_write_echo(tsr_coap *c, tsr_coap_slot *s, tsr_bytes echo)
{
    if (append(c, s, echo) != TSR_OK)
        return TSR_E_SPACE;
    s->echo_len = (uint16_t)echo.len;
    return TSR_OK;
}

/* Copies the slot's stored options below `number`. */
typedef struct {
    tsr_buf *out;
    uint16_t last;
    tsr_coap_opts it;
    tsr_coap_opt opt; /* taken and not written yet */
    bool held;
} merger;

static void copy_below(merger *m, uint32_t number)
{
    for (;;) {
        if (!m->held && tsr_coap_opt_next(&m->it, &m->opt) != TSR_OK)
            return;
        m->held = m->opt.number >= number;
        if (m->held)
            return;
        tsr_coap_put_opt(m->out, &m->last, m->opt.number, m->opt.value);
    }
}

static void merge_num(merger *m, uint16_t number, tsr_coap_num num)
{
    if (!num.set)
        return;
    copy_below(m, number);
    tsr_coap_put_opt_uint(m->out, &m->last, number, num.value);
}

static void merge_block(merger *m, uint16_t number, tsr_coap_block block)
{
    if (!block.set)
        return;
    copy_below(m, number);
    tsr_coap_put_block(m->out, &m->last, number, block);
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
    merger m = { .out = out, .it = { .rest = { bytes, s->options_len } } };

    tsr_coap_put_header(out, type, s->code, s->mid, tsr_coap_slot_token(s));
    if (!s->observe.set && !s->block2.set && !s->block1.set && s->echo_len == 0 &&
        (s->flags & F_SIZE2) == 0) { /* nothing to merge: most answers */
        put_plain(out, m.it.rest, payload);
        return;
    }
    merge_num(&m, TSR_COAP_OBSERVE, s->observe);
    merge_block(&m, TSR_COAP_BLOCK2, s->block2);
    merge_block(&m, TSR_COAP_BLOCK1, s->block1);
    merge_num(&m, TSR_COAP_SIZE2, (tsr_coap_num){ (s->flags & F_SIZE2) != 0, s->size2 });
    if ((s->flags & F_UPLOAD) != 0 && s->u.sent == 0)
        merge_num(&m, TSR_COAP_SIZE1, (tsr_coap_num){ true, c->bodies[s->body].len });
    if (s->echo_len != 0) {
        copy_below(&m, TSR_COAP_ECHO);
        tsr_coap_put_opt(out, &m.last, TSR_COAP_ECHO,
                         tsr_view(bytes + s->options_len + s->payload_len, s->echo_len));
    }
    copy_below(&m, UINT32_MAX);
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
