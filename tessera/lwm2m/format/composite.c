/* SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies of composite operations: lists of names, and lists of changes (Core 7.5.6). */
#include "tessera/lwm2m/format/codec.h"

/* SenML-ETCH is SenML under other rules. */
static tsr_err begin(tsr_lwm2m_in *in, uint32_t number, tsr_lwm2m_pack etch, tsr_bytes payload,
                     tsr_buf *scratch)
{
    tsr_lwm2m_format format = (tsr_lwm2m_format)number;
    tsr_err err;

    if (number == TSR_LWM2M_FORMAT_ETCH_JSON)
        format = TSR_LWM2M_FORMAT_SENML_JSON;
    else if (number == TSR_LWM2M_FORMAT_ETCH_CBOR)
        format = TSR_LWM2M_FORMAT_SENML_CBOR;
    err = tsr_lwm2m_in_begin(in, format, tsr_lwm2m_at_root(), payload, scratch);
    if ((uint32_t)format != number)
        in->pack = (uint8_t)etch;
    return err;
}

static bool is_senml(uint32_t number)
{
    return number == TSR_LWM2M_FORMAT_SENML_JSON || number == TSR_LWM2M_FORMAT_SENML_CBOR ||
           number == TSR_LWM2M_FORMAT_ETCH_JSON || number == TSR_LWM2M_FORMAT_ETCH_CBOR;
}

tsr_err tsr_lwm2m_in_begin_fetch(tsr_lwm2m_in *in, uint32_t number, tsr_bytes payload,
                                 tsr_buf *scratch)
{
    if (!is_senml(number))
        number = TSR_LWM2M_FORMAT_LINK; /* which holds no values */
    return begin(in, number, TSR_LWM2M_PACK_FETCH, payload, scratch);
}

tsr_err tsr_lwm2m_in_begin_patch(tsr_lwm2m_in *in, uint32_t number, tsr_bytes payload,
                                 tsr_buf *scratch)
{
    if (!is_senml(number) && number != TSR_LWM2M_FORMAT_LWM2M_CBOR)
        number = TSR_LWM2M_FORMAT_LINK;
    return begin(in, number, TSR_LWM2M_PACK_PATCH, payload, scratch);
}

/* A pack has one record at least (RFC 8790 §2). */
static tsr_err at_end(tsr_lwm2m_in *in, tsr_err err)
{
    if (err == TSR_END && in->seen == 0)
        in->err = TSR_E_MALFORMED;
    return in->err;
}

/* Core 7.3 */
static bool is_reserved(const tsr_lwm2m_path *path)
{
    for (uint8_t level = 0; level < path->depth; level++) {
        if (tsr_lwm2m_path_id(*path, level) == TSR_LWM2M_NO_ID)
            return true;
    }
    return false;
}

tsr_err tsr_lwm2m_in_next_name(tsr_lwm2m_in *in, tsr_lwm2m_path *path)
{
    tsr_lwm2m_value value;
    tsr_err err;

    while ((err = tsr_lwm2m_in_next(in, path, &value)) == TSR_OK) {
        if (value.type != TSR_LWM2M_NONE || in->valued || is_reserved(path))
            return in->err = TSR_E_MALFORMED;
        if (in->time_s == 0)
            return TSR_OK;
    }
    return at_end(in, err);
}

tsr_err tsr_lwm2m_in_next_change(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    tsr_err err = tsr_lwm2m_in_next(in, path, value);

    if (err != TSR_OK)
        return at_end(in, err);
    if (path->depth < 3 || is_reserved(path) ||
        (value->type == TSR_LWM2M_NONE && (!in->valued || path->depth != 4)))
        in->err = TSR_E_MALFORMED;
    return in->err;
}
