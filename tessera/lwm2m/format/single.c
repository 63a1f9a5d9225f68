/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats that hold one value: text/plain, octet-stream and CBOR (Core 7.5.1,
 * Core 7.5.2, Core 7.5.3). */
#include "tessera/lwm2m/format/cbor_value.h"
#include "tessera/lwm2m/format/codec.h"

/* The value of the request's own path, and only one. */
static bool fits(tsr_lwm2m_out *out, tsr_lwm2m_path at)
{
    return at.depth == out->base.depth && at.depth >= 3 && out->count++ == 0;
}

static tsr_err single_end(tsr_lwm2m_out *out)
{
    return out->count == 0 ? TSR_E_NOT_FOUND : TSR_OK;
}

static bool take_all(tsr_lwm2m_in *in, tsr_bytes *all)
{
    if (in->started)
        return false;
    in->started = true;
    *all = in->payload;
    return true;
}

/* ---- text/plain ---------------------------------------------------------------------------- */

static tsr_err text_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    if (!fits(out, at))
        return TSR_E_UNSUPPORTED;
    if (value->type == TSR_LWM2M_RAW_BYTES)
        return TSR_E_TYPE;
    tsr_lwm2m_value_put_text(out->body, value);
    return TSR_OK;
}

static tsr_err text_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    (void)path; /* is the base already */
    value->type = TSR_LWM2M_RAW_TEXT;
    return take_all(in, &value->as.bytes) ? TSR_OK : TSR_END;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_text = {
    .format = TSR_LWM2M_FORMAT_TEXT,
    .put = text_put,
    .end = single_end,
    .next = text_next,
    .unique = tsr_lwm2m_in_unique,
    .parsed = tsr_lwm2m_value_as,
};

/* ---- octet-stream --------------------------------------------------------------------------- */

static tsr_err octets_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    if (!fits(out, at) || value->type != TSR_LWM2M_OPAQUE)
        return TSR_E_UNSUPPORTED;
    tsr_put_bytes(out->body, value->as.bytes);
    return TSR_OK;
}

static tsr_err octets_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    (void)path;
    value->type = TSR_LWM2M_OPAQUE;
    return take_all(in, &value->as.bytes) ? TSR_OK : TSR_END;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_octets = {
    .format = TSR_LWM2M_FORMAT_OCTETS,
    .put = octets_put,
    .end = single_end,
    .next = octets_next,
    .unique = tsr_lwm2m_in_unique,
    .typed = tsr_lwm2m_value_convert,
};

/* ---- CBOR ----------------------------------------------------------------------------------- */

static tsr_err cbor_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    return fits(out, at) ? tsr_lwm2m_cbor_put(out->body, value) : TSR_E_UNSUPPORTED;
}

static tsr_err cbor_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    tsr_bytes all;

    (void)path;
    if (!take_all(in, &all))
        return TSR_END;

    tsr_err err = tsr_lwm2m_cbor_get(&all, in->scratch, value);

    return err == TSR_OK && all.len != 0 ? TSR_E_MALFORMED : err;
}

const tsr_lwm2m_codec tsr_lwm2m_codec_cbor = {
    .format = TSR_LWM2M_FORMAT_CBOR,
    .put = cbor_put,
    .end = single_end,
    .next = cbor_next,
    .unique = tsr_lwm2m_in_unique,
    .typed = tsr_lwm2m_value_convert,
};
