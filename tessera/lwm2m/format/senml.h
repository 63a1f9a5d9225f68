/* SPDX-License-Identifier: Apache-2.0
 *
 * What SenML JSON and SenML CBOR share (RFC 8428 §4): names, times and base values. */
#ifndef TESSERA_LWM2M_FORMAT_SENML_H
#define TESSERA_LWM2M_FORMAT_SENML_H

#include "tessera/lwm2m/format/codec.h"

enum {
    TSR_SENML_VERSION = 10, /* RFC 8428 §4.4 */
    TSR_SENML_NAME = 80,    /* bytes of the longest name: a path, behind a prefix of 56 */
};

/* ---- writing ------------------------------------------------------------------------------- */

/** The fields of the next record that come from its place and time. */
typedef struct {
    uint8_t base[TSR_LWM2M_PATH_TEXT + 1], name[TSR_LWM2M_PATH_TEXT];
    size_t base_len, name_len; /* every record has a name */
    bool has_base;             /* it says the base name */
    bool has_time;             /* it says the base time, which is out->base_ms */
} tsr_senml_place;

/** Counts the record. Base names and base times are said when they change. */
void tsr_senml_place_next(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_senml_place *place);

/* ---- reading ------------------------------------------------------------------------------- */

/** One record as its format's reader collects it, before it is resolved. */
typedef struct {
    uint8_t name[TSR_SENML_NAME]; /* the base name, then the record's own name */
    size_t name_len;
    unsigned values;              /* how many value fields there were */
    tsr_lwm2m_value value;
    double time_s;
} tsr_senml_record;

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

/** True for a label that must be understood (RFC 8428 §4.4). */
static inline bool tsr_senml_is_critical(tsr_bytes label)
{
    return label.len != 0 && label.ptr[label.len - 1] == '_';
}

#endif
