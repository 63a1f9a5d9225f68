/* SPDX-License-Identifier: Apache-2.0
 *
 * What a resource can hold, independent of the format it travels in. */
#ifndef TESSERA_LWM2M_MODEL_VALUE_H
#define TESSERA_LWM2M_MODEL_VALUE_H

#include "tessera/base/bytes.h"

/** The data types of Core table C-2, and two for formats that carry bytes without their type. */
typedef enum {
    TSR_LWM2M_NONE,      /* no value: an executable resource, a null, a name without a value */
    TSR_LWM2M_STRING,    /* as.bytes, UTF-8 */
    TSR_LWM2M_INTEGER,   /* as.i */
    TSR_LWM2M_UNSIGNED,  /* as.u */
    TSR_LWM2M_FLOAT,     /* as.f */
    TSR_LWM2M_BOOLEAN,   /* as.b */
    TSR_LWM2M_OPAQUE,    /* as.bytes */
    TSR_LWM2M_TIME,      /* as.i, seconds since 1970, signed */
    TSR_LWM2M_OBJLNK,    /* as.link; 65535:65535 is the null link */
    TSR_LWM2M_CORELNK,   /* as.bytes, RFC 6690 text */
    TSR_LWM2M_RAW_TEXT,  /* as.bytes, a value of unknown type in its text/plain form */
    TSR_LWM2M_RAW_BYTES, /* as.bytes, a value of unknown type in its TLV form */
} tsr_lwm2m_type;

typedef struct {
    uint16_t object, instance;
} tsr_lwm2m_link;

/** One value. `as.bytes` is a view: into the payload, the reader's scratch, or the object. */
typedef struct {
    tsr_lwm2m_type type;
    union {
        tsr_bytes bytes;
        int64_t i;
        uint64_t u;
        double f;
        bool b;
        tsr_lwm2m_link link;
    } as;
} tsr_lwm2m_value;

static inline tsr_lwm2m_value tsr_lwm2m_text(tsr_bytes text)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_STRING, { .bytes = text } };
}

static inline tsr_lwm2m_value tsr_lwm2m_int(int64_t i)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_INTEGER, { .i = i } };
}

static inline tsr_lwm2m_value tsr_lwm2m_uint(uint64_t u)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_UNSIGNED, { .u = u } };
}

static inline tsr_lwm2m_value tsr_lwm2m_float(double f)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_FLOAT, { .f = f } };
}

static inline tsr_lwm2m_value tsr_lwm2m_bool(bool b)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_BOOLEAN, { .b = b } };
}

static inline tsr_lwm2m_value tsr_lwm2m_opaque(tsr_bytes bytes)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_OPAQUE, { .bytes = bytes } };
}

static inline tsr_lwm2m_value tsr_lwm2m_time(int64_t unix_s)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_TIME, { .i = unix_s } };
}

static inline tsr_lwm2m_value tsr_lwm2m_objlnk(uint16_t object, uint16_t instance)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_OBJLNK, { .link = { object, instance } } };
}

static inline tsr_lwm2m_value tsr_lwm2m_corelnk(tsr_bytes links)
{
    return (tsr_lwm2m_value){ TSR_LWM2M_CORELNK, { .bytes = links } };
}

/** Turns a value as it was received into one of the type that the object model asks for.
 *
 *  Numbers convert where nothing is lost (42 and 42.0 are the same Integer, 3 is a Float);
 *  text converts to Objlnk and Corelnk; RAW values are parsed as that type's text or TLV form.
 *
 *  source   Core table C-2 (encodings of each type)
 *  scratch  room for the bytes of an Opaque that came as Base64 text (three quarters of the
 *           text); it is appended to. NULL is allowed, then such a value gives TSR_E_SPACE
 *  owner    typed->as.bytes points where value->as.bytes points, or into scratch
 *  errors   TSR_E_TYPE   the value is not of that type, or out of its range
 *           TSR_E_SPACE  scratch is too small
 *           `typed` is untouched on failure; `value` and `typed` may be the same
 */
tsr_err tsr_lwm2m_value_as(const tsr_lwm2m_value *value, tsr_lwm2m_type type, tsr_buf *scratch,
                           tsr_lwm2m_value *typed);

/** The same for values that have a type already: not RAW. */
tsr_err tsr_lwm2m_value_convert(const tsr_lwm2m_value *value, tsr_lwm2m_type type,
                                tsr_lwm2m_value *typed);

/** The same without Float and Objlnk, for devices that have neither. */
tsr_err tsr_lwm2m_value_plain(const tsr_lwm2m_value *value, tsr_lwm2m_type type,
                              tsr_lwm2m_value *typed);


/** True when both have the same type and content (floats: same bits; NaN equals itself). */
bool tsr_lwm2m_value_same(const tsr_lwm2m_value *a, const tsr_lwm2m_value *b);

/** Writes the value in its text/plain form (Core table C-2); nothing for NONE. */
void tsr_lwm2m_value_put_text(tsr_buf *out, const tsr_lwm2m_value *value);

/** "string", "integer", "unsigned", "float", "boolean", "opaque", "time", "objlnk", "corelnk",
 *  "none", "text" and "bytes" (the RAW kinds); never NULL. */
const char *tsr_lwm2m_type_name(tsr_lwm2m_type type);

/** The type of that name; TSR_E_NOT_FOUND. */
tsr_err tsr_lwm2m_type_named(tsr_bytes name, tsr_lwm2m_type *type);

#endif
