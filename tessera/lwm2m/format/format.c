/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/format/codec.h"

/* Those that are asked for most come first. */
static const uint16_t known[] = {
    TSR_LWM2M_FORMAT_SENML_CBOR, TSR_LWM2M_FORMAT_TLV,  TSR_LWM2M_FORMAT_LWM2M_CBOR,
    TSR_LWM2M_FORMAT_SENML_JSON, TSR_LWM2M_FORMAT_TEXT, TSR_LWM2M_FORMAT_LINK,
    TSR_LWM2M_FORMAT_OCTETS,     TSR_LWM2M_FORMAT_CBOR, TSR_LWM2M_FORMAT_OMA_JSON,
};

static const char *const names[] = {
    "senml-cbor", "tlv", "lwm2m-cbor", "senml-json", "text", "link", "octets", "cbor", "oma-json",
};

enum { KNOWN = sizeof known / sizeof known[0], OLD_TEXT = 1541, OLD_TLV = 1542, OLD_JSON = 1543 };

tsr_err tsr_lwm2m_format_from(uint32_t number, tsr_lwm2m_format *format)
{
    if (number == OLD_TEXT)
        number = TSR_LWM2M_FORMAT_TEXT;
    if (number == OLD_TLV)
        number = TSR_LWM2M_FORMAT_TLV;
    if (number == OLD_JSON)
        number = TSR_LWM2M_FORMAT_OMA_JSON;
    for (size_t i = 0; i < KNOWN; i++) {
        if (known[i] == number) {
            *format = (tsr_lwm2m_format)number;
            return TSR_OK;
        }
    }
    return TSR_E_UNSUPPORTED;
}

bool tsr_lwm2m_format_is_multiple(tsr_lwm2m_format format)
{
    return format >= TSR_LWM2M_FORMAT_SENML_JSON; /* those of one value have lower numbers */
}

const char *tsr_lwm2m_format_name(tsr_lwm2m_format format)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i] == (unsigned)format)
            return names[i];
    return "unknown";
}

static const tsr_lwm2m_codec *codec_of(tsr_lwm2m_format format)
{
    for (const tsr_lwm2m_codec *const *c = tsr_lwm2m_codecs; *c != NULL; c++)
        if ((*c)->format == format)
            return *c;
    return NULL;
}

uint32_t tsr_lwm2m_format_above(uint32_t number)
{
    uint32_t best = 0x10000;

    for (const tsr_lwm2m_codec *const *c = tsr_lwm2m_codecs; *c != NULL; c++)
        if ((*c)->format > number && (*c)->format < best)
            best = (*c)->format;
    return best;
}

tsr_lwm2m_format tsr_lwm2m_format_or_other(tsr_lwm2m_format format)
{
    return codec_of(format) != NULL ? format : tsr_lwm2m_codecs[0]->format;
}

/* ---- writing ------------------------------------------------------------------------------ */

void tsr_lwm2m_out_begin_as(tsr_lwm2m_out *out, const tsr_lwm2m_codec *codec, tsr_lwm2m_path base,
                            tsr_buf *body)
{
    memset(out, 0, offsetof(tsr_lwm2m_out, open)); /* the rest is good up to `levels` only */
    out->codec = codec;
    out->body = body;
    out->base = out->last = base;
    out->start = body->len;
    out->quick_from = TSR_LWM2M_NOT_QUICK;
    out->err = body->err;
}

tsr_err tsr_lwm2m_out_begin(tsr_lwm2m_out *out, tsr_lwm2m_format format, tsr_lwm2m_path base,
                            tsr_buf *body)
{
    const tsr_lwm2m_codec *codec = codec_of(format);

    tsr_lwm2m_out_begin_as(out, codec, base, body);
    if (codec == NULL || (format == TSR_LWM2M_FORMAT_TLV && base.depth == 0))
        out->err = TSR_E_UNSUPPORTED;
    return out->err;
}

void tsr_lwm2m_out_stamp(tsr_lwm2m_out *out, uint64_t unix_ms)
{
    out->stamp_ms = unix_ms;
    out->quick_from = TSR_LWM2M_NOT_QUICK;
}

/* Keeps the first error. */
static tsr_err outcome(tsr_lwm2m_out *out, tsr_err err)
{
    if (out->err == TSR_OK)
        out->err = err;
    if (out->err != TSR_OK)
        out->quick_from = TSR_LWM2M_NOT_QUICK;
    return out->err;
}

static tsr_err put_at(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    tsr_err err = out->err;

    if (err == TSR_OK && !tsr_lwm2m_path_within(&out->base, &at))
        err = TSR_E_ARGUMENT;
    if (err == TSR_OK)
        err = out->codec->put(out, at, value);
    return outcome(out, err != TSR_OK ? err : out->body->err);
}

tsr_err tsr_lwm2m_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    if (at.depth < 3 || value->type == TSR_LWM2M_NONE)
        return outcome(out, TSR_E_ARGUMENT);
    return put_at(out, at, value);
}

tsr_err tsr_lwm2m_put_name(tsr_lwm2m_out *out, tsr_lwm2m_path at)
{
    static const tsr_lwm2m_value none = { TSR_LWM2M_NONE, { .u = 0 } };

    if (out->err == TSR_OK && out->codec->format != TSR_LWM2M_FORMAT_SENML_CBOR
        && out->codec->format != TSR_LWM2M_FORMAT_SENML_JSON)
        return outcome(out, TSR_E_UNSUPPORTED);
    return put_at(out, at, &none);
}

tsr_err tsr_lwm2m_put_null(tsr_lwm2m_out *out, tsr_lwm2m_path at)
{
    tsr_err err;

    if (at.depth != 4)
        return outcome(out, TSR_E_ARGUMENT);
    out->null = true;
    err = tsr_lwm2m_put_name(out, at);
    out->null = false;
    return err;
}

tsr_err tsr_lwm2m_put_instance(tsr_lwm2m_out *out, tsr_lwm2m_path at)
{
    static const tsr_lwm2m_value none = { TSR_LWM2M_NONE, { .u = 0 } };

    if (at.depth != 2)
        return outcome(out, TSR_E_ARGUMENT);
    if (out->err == TSR_OK && !out->codec->nests)
        return TSR_OK;
    return put_at(out, at, &none);
}

tsr_err tsr_lwm2m_out_end(tsr_lwm2m_out *out)
{
    if (out->err == TSR_OK)
        out->err = out->codec->end(out);
    if (out->err == TSR_OK)
        out->err = out->body->err;
    if (out->err != TSR_OK) {
        out->body->len = out->start;
        out->body->err = TSR_OK;
    }
    return out->err;
}

/* Kept apart: what takes the address of a value needs a frame, and the short ways need none. */
__attribute__((noinline)) tsr_err tsr_lwm2m_put_value_text(tsr_lwm2m_out *out, tsr_lwm2m_path at,
                                                           tsr_bytes utf8)
{
    tsr_lwm2m_value v = tsr_lwm2m_text(utf8);

    return tsr_lwm2m_put(out, at, &v);
}

__attribute__((noinline)) tsr_err tsr_lwm2m_put_value_int(tsr_lwm2m_out *out, tsr_lwm2m_path at,
                                                          int64_t i)
{
    tsr_lwm2m_value v = tsr_lwm2m_int(i);

    return tsr_lwm2m_put(out, at, &v);
}

tsr_err tsr_lwm2m_put_text(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes utf8)
{
    if (at.depth >= out->quick_from)
        return out->codec->quick->text(out, tsr_lwm2m_path_word(at), at.depth, utf8);
    return tsr_lwm2m_put_value_text(out, at, utf8);
}

tsr_err tsr_lwm2m_put_int(tsr_lwm2m_out *out, tsr_lwm2m_path at, int64_t i)
{
    if (at.depth >= out->quick_from)
        return out->codec->quick->number(out, tsr_lwm2m_path_word(at), at.depth, i);
    return tsr_lwm2m_put_value_int(out, at, i);
}

tsr_err tsr_lwm2m_put_uint(tsr_lwm2m_out *out, tsr_lwm2m_path at, uint64_t u)
{
    tsr_lwm2m_value v = tsr_lwm2m_uint(u);

    return tsr_lwm2m_put(out, at, &v);
}

tsr_err tsr_lwm2m_put_float(tsr_lwm2m_out *out, tsr_lwm2m_path at, double f)
{
    tsr_lwm2m_value v = tsr_lwm2m_float(f);

    return tsr_lwm2m_put(out, at, &v);
}

tsr_err tsr_lwm2m_put_bool(tsr_lwm2m_out *out, tsr_lwm2m_path at, bool b)
{
    tsr_lwm2m_value v = tsr_lwm2m_bool(b);

    return tsr_lwm2m_put(out, at, &v);
}

tsr_err tsr_lwm2m_put_opaque(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes bytes)
{
    tsr_lwm2m_value v = tsr_lwm2m_opaque(bytes);

    return tsr_lwm2m_put(out, at, &v);
}

tsr_err tsr_lwm2m_put_time(tsr_lwm2m_out *out, tsr_lwm2m_path at, int64_t unix_s)
{
    tsr_lwm2m_value v = tsr_lwm2m_time(unix_s);

    if (at.depth >= out->quick_from) /* where there is no difference */
        return tsr_lwm2m_put_int(out, at, unix_s);
    return tsr_lwm2m_put(out, at, &v);
}

tsr_err tsr_lwm2m_put_objlnk(tsr_lwm2m_out *out, tsr_lwm2m_path at, uint16_t object,
                             uint16_t instance)
{
    tsr_lwm2m_value v = tsr_lwm2m_objlnk(object, instance);

    return tsr_lwm2m_put(out, at, &v);
}

tsr_err tsr_lwm2m_put_corelnk(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes links)
{
    tsr_lwm2m_value v = tsr_lwm2m_corelnk(links);

    return tsr_lwm2m_put(out, at, &v);
}

/* ---- reading ------------------------------------------------------------------------------ */

void tsr_lwm2m_in_begin_as(tsr_lwm2m_in *in, const tsr_lwm2m_codec *codec, tsr_lwm2m_path base,
                           tsr_bytes payload, tsr_buf *scratch)
{
    memset(in, 0, sizeof *in);
    in->codec = codec;
    in->base = base;
    in->payload = in->rest = payload;
    in->scratch = scratch;
}

tsr_err tsr_lwm2m_in_begin(tsr_lwm2m_in *in, tsr_lwm2m_format format, tsr_lwm2m_path base,
                           tsr_bytes payload, tsr_buf *scratch)
{
    const tsr_lwm2m_codec *codec = codec_of(format);

    tsr_lwm2m_in_begin_as(in, codec, base, payload, scratch);
    if (codec == NULL || (format == TSR_LWM2M_FORMAT_TLV && base.depth == 0))
        in->err = TSR_E_UNSUPPORTED;
    else if (!tsr_lwm2m_format_is_multiple(format) && base.depth < 3)
        in->err = TSR_E_ARGUMENT;
    return in->err;
}

tsr_err tsr_lwm2m_in_typed(const tsr_lwm2m_in *in, const tsr_lwm2m_value *value,
                           tsr_lwm2m_type type, tsr_lwm2m_value *typed)
{
    if (in->codec->parsed != NULL)
        return in->codec->parsed(value, type, in->scratch, typed);
    return in->codec->typed(value, type, typed);
}

void tsr_lwm2m_in_prefix(tsr_lwm2m_in *in, tsr_bytes prefix) { in->prefix = prefix; }

enum { MOST_RESCANNED = 65536 };

/* Whether one of the values before has this path and time. Most payloads are in order, and then
 * nobody has to look; the others are read again from the start, within limits. */
tsr_err tsr_lwm2m_in_unique(tsr_lwm2m_in *in, tsr_lwm2m_path path)
{
    int order = tsr_lwm2m_path_compare(path, in->greatest);

    if (order == 0)
        order = in->time_s > in->greatest_s ? 1 : in->time_s < in->greatest_s ? -1 : 0;
    if (order == 0)
        return TSR_E_MALFORMED;
    if (order > 0) {
        in->greatest = path;
        in->greatest_s = in->time_s;
        return TSR_OK;
    }

    tsr_lwm2m_in before;
    tsr_err err = TSR_OK;

    tsr_lwm2m_in_begin_as(&before, in->codec, in->base, in->payload, NULL);
    before.prefix = in->prefix;
    before.names_only = true;
    if (in->seen > MOST_RESCANNED - in->rescanned)
        return TSR_E_UNSUPPORTED;
    in->rescanned += in->seen;
    for (uint32_t i = 0; err == TSR_OK && i < in->seen; i++) {
        tsr_lwm2m_value ignored;
        tsr_lwm2m_path other = in->base;

        err = in->codec->next(&before, &other, &ignored);
        if (err == TSR_OK && before.time_s == in->time_s && tsr_lwm2m_path_is(&other, &path))
            return TSR_E_MALFORMED;
    }
    return err;
}

tsr_err tsr_lwm2m_in_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value)
{
    tsr_lwm2m_path at = in->base;
    tsr_lwm2m_value got = { TSR_LWM2M_NONE, { .u = 0 } };

    if (in->err != TSR_OK)
        return in->err;
    in->err = in->codec->next(in, &at, &got);
    if (in->err == TSR_OK && !tsr_lwm2m_path_within(&in->base, &at))
        in->err = TSR_E_NOT_FOUND;
    if (in->err == TSR_OK && got.type != TSR_LWM2M_NONE) /* a name may well be said twice */
        in->err = in->codec->unique(in, at);
    if (in->err != TSR_OK)
        return in->err;
    in->seen++;
    *path = at;
    *value = got;
    return TSR_OK;
}

bool tsr_lwm2m_in_time(const tsr_lwm2m_in *in, uint64_t now_unix_ms, uint64_t *unix_ms)
{
    double s = in->time_s;

    if (s == 0)
        return false;
    if (s < 268435456.0) /* RFC 8428 §4.5.3: 2^28 */
        s += (double)now_unix_ms / 1000;
    *unix_ms = s <= 0 ? 0 : s > 1e15 ? UINT64_MAX : (uint64_t)(s * 1000 + 0.5);
    return true;
}
