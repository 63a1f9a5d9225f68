/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of a message (RFC 9052 §4.2, §5.2, §6.2) and the structures that are authenticated
 * (RFC 9052 §4.4, §5.3, §6.3). */
#include "tessera/cbor/cbor.h"
#include "tessera/cose/internal.h"

static tsr_err take_payload(tsr_bytes *in, tsr_cose_message *m)
{
    m->detached = tsr_cbor_get_null(in) == TSR_OK;
    return m->detached ? TSR_OK : tsr_cbor_get_bytes(in, &m->payload);
}

static tsr_err take_frame(tsr_bytes *in, tsr_cose_message *m)
{
    static const uint8_t empty_map[] = { 0xa0 };
    uint64_t items;
    tsr_err err = tsr_cbor_get_array(in, &items);

    if (err == TSR_OK && items != (m->kind == TSR_COSE_ENCRYPT0 ? 3 : 4))
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_cbor_get_bytes(in, &m->protected_map);
    /* RFC 9052 §3: both spellings of an empty bucket are taken, and one is authenticated. */
    if (err == TSR_OK && tsr_same(m->protected_map, tsr_view(empty_map, 1)))
        m->protected_map.len = 0;
    m->unprotected_map = *in;
    if (err == TSR_OK)
        err = tsr_cbor_skip(in);
    m->unprotected_map.len -= in->len;
    if (err == TSR_OK)
        err = take_payload(in, m);
    if (err == TSR_OK && m->kind != TSR_COSE_ENCRYPT0)
        err = tsr_cbor_get_bytes(in, &m->proof);
    return err;
}

tsr_err tsr_cose_read(tsr_bytes in, tsr_cose_kind kind, tsr_cose_message *m)
{
    tsr_cose_message got = { .kind = kind };
    uint64_t tag;
    tsr_err err = tsr_cbor_get_tag(&in, &tag);

    got.tagged = err == TSR_OK;
    if (err == TSR_OK && tag != (uint64_t)kind)
        return TSR_E_TYPE;
    if (take_frame(&in, &got) != TSR_OK || in.len != 0)
        return TSR_E_MALFORMED;
    err = tsr_cose_read_headers(&got);
    if (err == TSR_OK)
        *m = got;
    return err;
}

void tsr_cose_structure_make(tsr_cose_structure *s, const char *context, tsr_bytes protected_map,
                             tsr_bytes external_aad, const tsr_bytes *payload)
{
    tsr_buf heads = tsr_buf_over(s->heads, sizeof s->heads);
    size_t from = 0;

    s->count = s->total = 0;
    tsr_cbor_put_array(&heads, payload != NULL ? 4 : 3);
    tsr_cbor_put_text(&heads, tsr_text(context));
    const tsr_bytes field[3] = { protected_map, external_aad,
                                 payload != NULL ? *payload : tsr_view(NULL, 0) };

    for (size_t i = 0; i < (payload != NULL ? 3u : 2u); i++) {
        tsr_cbor_put_head(&heads, TSR_CBOR_BYTES, field[i].len);
        s->slice[s->count++] = tsr_view(heads.ptr + from, heads.len - from);
        s->slice[s->count++] = field[i];
        s->total += heads.len - from + field[i].len;
        from = heads.len;
    }
}

tsr_err tsr_cose_structure_join(const tsr_cose_structure *s, tsr_buf *out)
{
    for (size_t i = 0; i < s->count; i++)
        tsr_put_bytes(out, s->slice[i]);
    return out->err;
}

void tsr_cose_enc_structure(tsr_buf *out, const char *context, tsr_bytes protected_map,
                            tsr_bytes external_aad)
{
    tsr_cose_structure s;

    tsr_cose_structure_make(&s, context, protected_map, external_aad, NULL);
    (void)tsr_cose_structure_join(&s, out);
}
