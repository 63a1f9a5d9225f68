/* SPDX-License-Identifier: Apache-2.0
 *
 * FDO 1.1 message.255 */
#include "tessera/fdo/error.h"
#include "tessera/cbor/cbor.h"

static tsr_err take_time(tsr_bytes *in, tsr_fdo_error *e)
{
    uint64_t tag;

    if (tsr_cbor_get_null(in) == TSR_OK)
        return TSR_OK;
    (void)tsr_cbor_get_tag(in, &tag);
    e->has_time = tsr_cbor_get_int(in, &e->unix_s) == TSR_OK;
    /* a date as text, or parts of a second: not read, so that no float code is linked */
    return e->has_time ? TSR_OK : tsr_cbor_skip(in);
}

static tsr_err take_field(size_t field, tsr_bytes *in, tsr_fdo_error *e)
{
    switch (field) {
    case 0: return tsr_cbor_get_uint(in, &e->code);
    case 1: return tsr_cbor_get_uint(in, &e->previous);
    case 2: return tsr_cbor_get_text(in, &e->text);
    case 3: return take_time(in, e);
    case 4:
        e->has_correlation = tsr_cbor_get_uint(in, &e->correlation) == TSR_OK;
        return e->has_correlation ? TSR_OK : tsr_cbor_skip(in);
    default: return tsr_cbor_skip(in);
    }
}

/* The names that one implementation sent its errors under. */
static size_t field_named(tsr_bytes name)
{
    static const char *const names[] = { "error_code", "previous_message_type", "error_string",
                                         "error_timestamp", "error_uuid" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (tsr_same(name, tsr_text(names[i])))
            return i;
    return SIZE_MAX;
}

static tsr_err read_map(tsr_bytes in, tsr_fdo_error *e)
{
    tsr_bytes name;
    uint64_t pairs;
    tsr_err err = tsr_cbor_get_map(&in, &pairs);

    for (; err == TSR_OK && pairs > 0; pairs--) {
        err = tsr_cbor_get_text(&in, &name);
        if (err == TSR_OK)
            err = take_field(field_named(name), &in, e);
    }
    return err == TSR_OK && in.len == 0 ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err tsr_fdo_error_read(tsr_bytes in, tsr_fdo_error *e)
{
    tsr_fdo_error got = { .text = { NULL, 0 } };
    tsr_bytes rest = in;
    uint64_t items;
    tsr_err err = tsr_cbor_get_array(&rest, &items);

    if (err == TSR_E_TYPE) {
        err = read_map(in, &got);
        rest.len = 0;
    } else if (err == TSR_OK) {
        for (size_t i = 0; err == TSR_OK && i < items; i++)
            err = take_field(i, &rest, &got);
        if (items < 3)
            err = TSR_E_MALFORMED;
    }
    if (err != TSR_OK || rest.len != 0)
        return TSR_E_MALFORMED;
    *e = got;
    return TSR_OK;
}

void tsr_fdo_error_write(tsr_buf *out, const tsr_fdo_error *e)
{
    tsr_cbor_put_array(out, 5);
    tsr_cbor_put_uint(out, e->code);
    tsr_cbor_put_uint(out, e->previous);
    tsr_cbor_put_text(out, e->text);
    if (e->has_time)
        tsr_cbor_put_int(out, e->unix_s);
    else
        tsr_cbor_put_null(out);
    if (e->has_correlation)
        tsr_cbor_put_uint(out, e->correlation);
    else
        tsr_cbor_put_null(out);
}

tsr_fdo_code tsr_fdo_code_of(tsr_err err)
{
    switch (err) {
    case TSR_E_MALFORMED:
    case TSR_E_TYPE: return TSR_FDO_BODY;
    case TSR_E_CRYPTO:
    case TSR_E_DENIED:
    case TSR_E_STATE:
    case TSR_E_UNSUPPORTED: return TSR_FDO_INVALID;
    case TSR_E_NOT_FOUND: return TSR_FDO_NOT_FOUND;
    default: return TSR_FDO_INTERNAL;
    }
}
