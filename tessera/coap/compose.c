/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/coap/compose.h"

/* ---- in order ---- */

static void upto(tsr_coap_mixer *m, uint32_t number)
{
    for (; m->left != 0 && m->extra->number < number; m->extra++, m->left--)
        tsr_coap_put_opt(m->out, &m->last, m->extra->number, m->extra->value);
}

static void mix(tsr_coap_mixer *m, uint16_t number, const tsr_bytes *value)
{
    upto(m, number);
    tsr_coap_put_opt(m->out, &m->last, number, *value);
}

void tsr_coap_mix_view(tsr_coap_mixer *m, uint16_t number, const tsr_bytes *value)
{
    if (value->ptr != NULL)
        mix(m, number, value);
}

void tsr_coap_mix_num(tsr_coap_mixer *m, uint16_t number, const tsr_coap_num *num)
{
    if (!num->set)
        return;
    upto(m, number);
    tsr_coap_put_opt_uint(m->out, &m->last, number, num->value);
}

void tsr_coap_mix_path(tsr_coap_mixer *m, uint16_t number, const char *text)
{
    if (text == NULL)
        return;
    upto(m, number);
    tsr_coap_put_opt_text(m->out, &m->last, number, text, '/');
}

void tsr_coap_mix_rest(tsr_coap_mixer *m) { upto(m, UINT32_MAX); }

static void mix_list(tsr_coap_mixer *m, uint16_t number, const tsr_bytes *list, size_t count)
{
    for (; count > 0; count--)
        mix(m, number, list++);
}

/* ---- out of a struct ---- */

tsr_err tsr_coap_put_request(tsr_buf *out, const tsr_coap_request *r)
{
    tsr_coap_mixer m = { out, r->extra, r->extra_count, 0 };
    const tsr_coap_num none_match = { r->if_none_match, 0 }; /* as 0 it is empty */

    tsr_coap_mix_view(&m, TSR_COAP_IF_MATCH, &r->if_match);
    tsr_coap_mix_view(&m, TSR_COAP_ETAG, &r->etag);
    tsr_coap_mix_num(&m, TSR_COAP_IF_NONE_MATCH, &none_match);
    tsr_coap_mix_path(&m, TSR_COAP_URI_PATH, r->path);
    if (r->path == NULL)
        mix_list(&m, TSR_COAP_URI_PATH, r->segments, r->segment_count);
    tsr_coap_mix_num(&m, TSR_COAP_CONTENT_FORMAT, &r->content_format);
    mix_list(&m, TSR_COAP_URI_QUERY, r->queries, r->query_count);
    tsr_coap_mix_num(&m, TSR_COAP_ACCEPT, &r->accept);
    tsr_coap_mix_rest(&m);
    return out->err;
}

tsr_err tsr_coap_put_response(tsr_buf *out, const tsr_coap_response *r, tsr_bytes etag)
{
    tsr_coap_mixer m = { out, r->extra, r->extra_count, 0 };

    if (etag.len > 8)
        return TSR_E_ARGUMENT;
    tsr_coap_mix_view(&m, TSR_COAP_ETAG, &etag);
    tsr_coap_mix_path(&m, TSR_COAP_LOCATION_PATH, r->location);
    tsr_coap_mix_num(&m, TSR_COAP_CONTENT_FORMAT, &r->content_format);
    tsr_coap_mix_num(&m, TSR_COAP_MAX_AGE, &r->max_age);
    tsr_coap_mix_rest(&m);
    return out->err;
}

/* ---- together with what one message adds ---- */

/* What a message adds, as a list for the mixer. */
typedef struct {
    tsr_coap_opt list[7];
    uint8_t bytes[7][4];
    size_t count;
} additions;

static void add(additions *a, uint16_t number, tsr_coap_num num)
{
    tsr_buf value;

    if (!num.set)
        return;
    value = tsr_buf_over(a->bytes[a->count], sizeof a->bytes[0]);
    for (int shift = 24; shift >= 0; shift -= 8)
        if (num.value >> shift != 0)
            tsr_put_u8(&value, (uint8_t)(num.value >> shift));
    a->list[a->count++] = (tsr_coap_opt){ number, tsr_buf_view(&value) };
}

void tsr_coap_put_union(tsr_buf *out, tsr_bytes options, const tsr_coap_own *own)
{
    additions a;

    a.count = 0;
    add(&a, TSR_COAP_OBSERVE, own->observe);
    add(&a, TSR_COAP_BLOCK2, tsr_coap_block_num(&own->block2));
    add(&a, TSR_COAP_BLOCK1, tsr_coap_block_num(&own->block1));
    add(&a, TSR_COAP_SIZE2, own->size2);
    add(&a, TSR_COAP_SIZE1, own->size1);
    if (own->echo.len != 0)
        a.list[a.count++] = (tsr_coap_opt){ TSR_COAP_ECHO, own->echo };
    add(&a, TSR_COAP_REQUEST_TAG, own->tag);
    if (a.count == 0) { /* most answers */
        tsr_put_bytes(out, options);
        return;
    }

    tsr_coap_mixer m = { out, a.list, a.count, 0 };
    tsr_coap_opts it = { .rest = options };
    tsr_coap_opt opt;

    while (tsr_coap_opt_next(&it, &opt) == TSR_OK)
        mix(&m, opt.number, &opt.value);
    tsr_coap_mix_rest(&m);
}
