/* SPDX-License-Identifier: Apache-2.0
 *
 * The small items that many messages have. */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/types.h"

tsr_err tsr_fdo_get_id(tsr_bytes *in, tsr_bytes *id)
{
    tsr_bytes rest = *in, got;
    tsr_err err = tsr_cbor_get_bytes(&rest, &got);

    if (err == TSR_OK && got.len != TSR_FDO_GUID)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK) {
        *in = rest;
        *id = got;
    }
    return err;
}

tsr_err tsr_fdo_get_wrapped(tsr_bytes *in, tsr_bytes *item)
{
    tsr_bytes rest = *in, got;
    tsr_err err = tsr_cbor_get_bytes(&rest, &got);

    if (err == TSR_OK && tsr_cbor_check(got) != TSR_OK)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK) {
        *in = rest;
        *item = got;
    }
    return err;
}

tsr_err tsr_fdo_get_array(tsr_bytes *in, uint64_t items)
{
    tsr_bytes rest = *in;
    uint64_t got;
    tsr_err err = tsr_cbor_get_array(&rest, &got);

    if (err == TSR_OK && got != items)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        *in = rest;
    return err;
}

tsr_err tsr_fdo_get_bytes_or_null(tsr_bytes *in, tsr_bytes *v)
{
    if (tsr_cbor_get_null(in) != TSR_OK)
        return tsr_cbor_get_bytes(in, v);
    *v = tsr_view(NULL, 0);
    return TSR_OK;
}

void tsr_fdo_put_bytes_or_null(tsr_buf *out, tsr_bytes v)
{
    if (v.ptr == NULL)
        tsr_cbor_put_null(out);
    else
        tsr_cbor_put_bytes(out, v);
}

void tsr_fdo_wrap(tsr_buf *out, size_t from)
{
    uint8_t room[9];
    tsr_buf head = tsr_buf_over(room, sizeof room);
    size_t len = out->len - from;

    tsr_cbor_put_head(&head, TSR_CBOR_BYTES, len);
    if (tsr_buf_claim(out, head.len) == NULL)
        return;
    memmove(out->ptr + from + head.len, out->ptr + from, len);
    memcpy(out->ptr + from, room, head.len);
}

tsr_err tsr_fdo_get_item(tsr_bytes *in, tsr_bytes *item)
{
    tsr_bytes from = *in;
    tsr_err err = tsr_cbor_skip(in);

    if (err == TSR_OK)
        *item = tsr_first(from, from.len - in->len);
    return err;
}

tsr_err tsr_fdo_get_sig_info(tsr_bytes *in, tsr_fdo_sig_info *s)
{
    tsr_bytes rest = *in;
    tsr_fdo_sig_info got;
    tsr_err err = tsr_fdo_get_array(&rest, 2);

    if (err == TSR_OK)
        err = tsr_cbor_get_int(&rest, &got.type);
    if (err == TSR_OK)
        err = tsr_cbor_get_bytes(&rest, &got.info);
    if (err == TSR_OK) {
        *in = rest;
        *s = got;
    }
    return err;
}

void tsr_fdo_put_sig_info(tsr_buf *out, const tsr_fdo_sig_info *s)
{
    tsr_cbor_put_array(out, 2);
    tsr_cbor_put_int(out, s->type);
    tsr_cbor_put_bytes(out, s->info);
}
