/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/compose.h"

/* ---- out of a struct ---- */

/* Options in ascending order, with the caller's further ones between ours. */
typedef struct {
    tsr_buf *out;
    uint16_t last;
    const tsr_coap_opt *extra;
    size_t left;
} mixer;

static void upto(mixer *m, uint32_t number)
{
    while (m->left != 0 && m->extra->number < number) {
        tsr_coap_put_opt(m->out, &m->last, m->extra->number, m->extra->value);
        m->extra++;
        m->left--;
    }
}

static void mix(mixer *m, uint16_t number, tsr_bytes value)
{
    upto(m, number);
    tsr_coap_put_opt(m->out, &m->last, number, value);
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
    tsr_coap_put_opt_uint(m->out, &m->last, number, num.value);
}

static void mix_text(mixer *m, uint16_t number, const char *text)
{
    upto(m, number);
    tsr_coap_put_opt_text(m->out, &m->last, number, text, '/');
}

static void mix_list(mixer *m, uint16_t number, const tsr_bytes *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mix(m, number, list[i]);
}

tsr_err tsr_coap_put_request(tsr_buf *out, const tsr_coap_request *r)
{
    mixer m = { out, 0, r->extra, r->extra_count };

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
    upto(&m, UINT32_MAX);
    return out->err;
}

tsr_err tsr_coap_put_response(tsr_buf *out, const tsr_coap_response *r, tsr_bytes etag)
{
    mixer m = { out, 0, r->extra, r->extra_count };

    if (etag.len > 8)
        return TSR_E_ARGUMENT;
    mix_view(&m, TSR_COAP_ETAG, etag);
    if (r->location != NULL)
        mix_text(&m, TSR_COAP_LOCATION_PATH, r->location);
    mix_num(&m, TSR_COAP_CONTENT_FORMAT, r->content_format);
    mix_num(&m, TSR_COAP_MAX_AGE, r->max_age);
    upto(&m, UINT32_MAX);
    return out->err;
}

/* ---- together with what one message adds ---- */

/* Copies the kept options below a number. */
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

void tsr_coap_put_union(tsr_buf *out, tsr_bytes options, const tsr_coap_own *own)
{
    merger m = { .out = out, .it = { .rest = options } };

    if (!own->observe.set && !own->block1.set && !own->block2.set && !own->size1.set &&
        !own->size2.set && own->echo.len == 0) { /* most answers */
        tsr_put_bytes(out, options);
        return;
    }
    merge_num(&m, TSR_COAP_OBSERVE, own->observe);
    merge_block(&m, TSR_COAP_BLOCK2, own->block2);
    merge_block(&m, TSR_COAP_BLOCK1, own->block1);
    merge_num(&m, TSR_COAP_SIZE2, own->size2);
    merge_num(&m, TSR_COAP_SIZE1, own->size1);
    if (own->echo.len != 0) {
        copy_below(&m, TSR_COAP_ECHO);
        tsr_coap_put_opt(out, &m.last, TSR_COAP_ECHO, own->echo);
    }
    copy_below(&m, UINT32_MAX);
}
