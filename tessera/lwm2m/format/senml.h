/* SPDX-License-Identifier: Apache-2.0
 *
 * What SenML JSON and SenML CBOR share (RFC 8428 §4): names, times and base values. */
#ifndef TESSERA_LWM2M_FORMAT_SENML_H
#define TESSERA_LWM2M_FORMAT_SENML_H

#include "tessera/json/json.h"
#include "tessera/lwm2m/format/codec.h"

enum {
    TSR_SENML_VERSION = 10, /* RFC 8428 §4.4 */
    TSR_SENML_NAME = TSR_LWM2M_ROOT_MAX + 24, /* bytes of the longest name: a path behind its prefix */
};

/* ---- writing ------------------------------------------------------------------------------- */

/** What a record says besides its value. RFC 8428 §4.5.1: base name and name are joined as they
 *  stand, so the base name ends in a slash. The request's own path has no slash behind it: it is
 *  said in full, without a base name. */
typedef struct {
    bool below;    /* the value lies below the base: its name is relative to it */
    bool has_base; /* the base name changes: to the base, or to nothing */
    bool has_time; /* the base time changes, to out->base_ms */
} tsr_senml_fields;

/** Counts the record. Base names and base times are said when they change. */
static inline tsr_senml_fields tsr_senml_next(tsr_lwm2m_out *out, uint8_t depth)
{
    bool below = depth > out->base.depth;
    tsr_senml_fields fields = { below, below != out->based, out->stamp_ms != out->base_ms };

    out->based = below;
    out->base_ms = out->stamp_ms;
    out->count++;
    return fields;
}

static inline uint8_t *tsr_senml_put_id(uint8_t *text, unsigned id)
{
    unsigned divisor = 10000;

    if (id < 10) {
        text[0] = (uint8_t)('0' + id);
        return text + 1;
    }
    if (id < 100) {
        text[0] = (uint8_t)('0' + id / 10);
        text[1] = (uint8_t)('0' + id % 10);
        return text + 2;
    }
    while (id < divisor)
        divisor /= 10;
    for (; divisor != 0; id %= divisor, divisor /= 10)
        *text++ = (uint8_t)('0' + id / divisor);
    return text;
}

/** Writes the identifiers from `level` on, "7/1"; there must be one. Returns where they end. */
uint8_t *tsr_senml_put_ids(uint8_t *text, const tsr_lwm2m_path *path, uint8_t level);

/** Writes "/3/0/7/1", at most TSR_LWM2M_PATH_TEXT bytes, behind the prefix. */
uint8_t *tsr_senml_put_full(uint8_t *text, tsr_bytes prefix, const tsr_lwm2m_path *path);

/** Writes the base name: "/3/0/", or "/" for the root, behind the prefix; what is below a base leaves at most 19
 *  bytes for it. */
uint8_t *tsr_senml_put_base(uint8_t *text, const tsr_lwm2m_out *out);

/* RFC 8428 §6, table 4: the labels of most records. */
enum { TSR_SENML_LABEL_NAME = 0, TSR_SENML_LABEL_VALUE = 2, TSR_SENML_LABEL_STRING = 3 };

/* The longest record of SenML CBOR without the bytes of a string: array head, map head, base name,
 * base time, name, label "vlo" and an object link, with a little to spare. */
enum { TSR_SENML_RECORD = 96 };

enum { TSR_SENML_PREFIXED = TSR_SENML_RECORD + TSR_LWM2M_ROOT_MAX }; /* the same with a prefix, or in JSON */

/* As in tsr_lwm2m_codec. */
tsr_err tsr_senml_cbor_put(tsr_lwm2m_out *out, tsr_lwm2m_path path, const tsr_lwm2m_value *value);
tsr_err tsr_senml_cbor_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value);

/** Ends SenML CBOR: the byte at out->start becomes the head of an array of out->count records. */
tsr_err tsr_senml_cbor_end(tsr_lwm2m_out *out);

static inline uint8_t *tsr_senml_put_name(uint8_t *text, const tsr_lwm2m_out *out,
                                          const tsr_lwm2m_path *path, bool below)
{
    return below ? tsr_senml_put_ids(text, path, out->base.depth) : tsr_senml_put_full(text, out->prefix, path);
}

/* ---- reading ------------------------------------------------------------------------------- */

/** One record as its format's reader collects it, before it is resolved. */
typedef struct {
    uint8_t name[TSR_SENML_NAME]; /* the base name, then the record's own name */
    size_t name_len;
    unsigned values;              /* how many value fields there were */
    tsr_lwm2m_value value;
    double time_s;
} tsr_senml_record;

static inline void tsr_senml_record_begin(tsr_senml_record *record)
{
    record->name_len = 0;
    record->values = 0;
    record->value = (tsr_lwm2m_value){ TSR_LWM2M_NONE, { .u = 0 } };
    record->time_s = 0;
}

/** Appends to the name; false if it becomes too long to be a path. */
bool tsr_senml_name_add(tsr_senml_record *record, tsr_bytes text);

/** Applies the base fields, in->base_value, in->base_time_s, to the record, and drops the
 *  prefix.
 *
 *  source  RFC 8428 §4.6
 *  errors  TSR_E_MALFORMED  the name is no path, there are two values, or a base value but no
 *                           number
 */
tsr_err tsr_senml_resolve(tsr_lwm2m_in *in, tsr_senml_record *record, tsr_lwm2m_path *path,
                          tsr_lwm2m_value *value);

/** An object link ("1:2") and a boolean of JSON, as SenML JSON and OMA's older JSON have them.
 *  errors TSR_E_MALFORMED */
tsr_err tsr_senml_json_link(const tsr_json *item, tsr_lwm2m_value *value);
tsr_err tsr_senml_json_bool(const tsr_json *item, tsr_lwm2m_value *value);

/** True for a label that must be understood (RFC 8428 §4.4). */
static inline bool tsr_senml_is_critical(tsr_bytes label)
{
    return label.len != 0 && label.ptr[label.len - 1] == '_';
}

#endif
