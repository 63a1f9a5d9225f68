/* SPDX-License-Identifier: Apache-2.0
 *
 * Content-Formats: one writer and one reader for all of them. A handler puts typed values and
 * gets typed values; TLV, SenML and the rest exist in this room only. */
#ifndef TESSERA_LWM2M_FORMAT_FORMAT_H
#define TESSERA_LWM2M_FORMAT_FORMAT_H

#include "tessera/lwm2m/model/path.h"
#include "tessera/lwm2m/model/value.h"

/** CoAP Content-Format numbers (Core 7.5, RFC 7252 §12.3). */
typedef enum {
    TSR_LWM2M_FORMAT_TEXT = 0,
    TSR_LWM2M_FORMAT_LINK = 40,
    TSR_LWM2M_FORMAT_OCTETS = 42,
    TSR_LWM2M_FORMAT_CBOR = 60,
    TSR_LWM2M_FORMAT_SENML_JSON = 110,
    TSR_LWM2M_FORMAT_SENML_CBOR = 112,
    TSR_LWM2M_FORMAT_ETCH_JSON = 320, /* these two: request bodies of composite operations only */
    TSR_LWM2M_FORMAT_ETCH_CBOR = 322,
    TSR_LWM2M_FORMAT_TLV = 11542,
    TSR_LWM2M_FORMAT_OMA_JSON = 11543, /* of 1.0; read, never written */
    TSR_LWM2M_FORMAT_LWM2M_CBOR = 11544,
} tsr_lwm2m_format;

/** Maps an Accept or Content-Format number to one the writer and reader below know.
 *  The numbers 1541 to 1543 of old clients become 0, 11542 and 11543.
 *  errors  TSR_E_UNSUPPORTED  any other number, and SenML-ETCH (the caller answers 4.06 or 4.15) */
tsr_err tsr_lwm2m_format_from(uint32_t number, tsr_lwm2m_format *format);

/** True for the formats that can hold more than one value (TLV, SenML, LwM2M CBOR). */
bool tsr_lwm2m_format_is_multiple(tsr_lwm2m_format format);

/** The lowest number above `number` that is linked; 65536: there is none. */
uint32_t tsr_lwm2m_format_above(uint32_t number);

/** The format itself if it is linked, else the first one that is. */
tsr_lwm2m_format tsr_lwm2m_format_or_other(tsr_lwm2m_format format);

/** "text", "link", "octets", "cbor", "senml-json", "senml-cbor", "tlv", "lwm2m-cbor", "oma-json". */
const char *tsr_lwm2m_format_name(tsr_lwm2m_format format);

/** What can be written and read is a table, tsr_lwm2m_codecs (format/codec.h). This room's own has
 *  every format; a program that defines the table itself links only the formats it lists. */

/** A payload and what it takes to read it. */
typedef struct {
    tsr_lwm2m_format format;
    tsr_bytes payload;
    tsr_bytes prefix; /* may stand before names; empty: none does (tsr_lwm2m_in_prefix) */
} tsr_lwm2m_content;

/* ---- writing ------------------------------------------------------------------------------ */

/** Writes the payload of a Read, Observe, Send, Write, Create or Write-Composite.
 *  begin, then put values in tree order (instance by instance, resource by resource), then end. */
typedef struct {
    /* private */
    const struct tsr_lwm2m_codec *codec;
    tsr_buf *body;
    tsr_lwm2m_path base, last; /* of the request; of the value before (TLV, LwM2M CBOR) */
    uint64_t base_word;        /* the identifiers of base, */
    uint64_t base_mask;        /* and which of its bits a path below has too */
    size_t start;              /* of the payload in body */
    uint32_t count;            /* values put */
    uint32_t next;             /* TLV: the least that may follow, as it orders them */
    uint64_t stamp_ms;         /* for the next values; 0: none */
    uint64_t base_ms;          /* what the SenML base time is at the moment */
    uint8_t levels;            /* how many containers are open */
    uint8_t quick_from;        /* the codec's short ways are good from this depth on */
    bool based;                /* the SenML base name is the base */
    bool null;                 /* SenML: the record being put has the value null */
    tsr_err err;
    tsr_bytes prefix;          /* SenML: before each name */
    size_t open[4];            /* where those that are open begin */
    uint16_t items[4];         /* how many entries they have */
    uint8_t depth[4];          /* how many identifiers are known inside of them */
} tsr_lwm2m_out;

/** Starts a payload at the end of `body`.
 *
 *  base    the path of the request; the root for composite operations and Send. Values must lie
 *          at or below it. It decides the nesting of TLV and the base name of SenML
 *  owner   body and its memory belong to the caller and must stay until end
 *  errors  TSR_E_UNSUPPORTED  the format holds no values (link format, OMA JSON), or it is TLV
 *                             and the base is the root
 */
tsr_err tsr_lwm2m_out_begin(tsr_lwm2m_out *out, tsr_lwm2m_format format, tsr_lwm2m_path base,
                            tsr_buf *body);

/** Names in SenML begin with this text: the alternate path that a client registered ("/lwm2m"), which is good
 *  (tsr_lwm2m_root_is_good()). Other formats ignore it. Call after begin.
 *  errors  TSR_E_ARGUMENT from put and end: it is longer than TSR_LWM2M_ROOT_MAX */
static inline void tsr_lwm2m_out_prefix(tsr_lwm2m_out *out, tsr_bytes prefix)
{
    if (prefix.len <= TSR_LWM2M_ROOT_MAX)
        out->prefix = prefix;
    else
        out->err = TSR_E_ARGUMENT;
}

/** Values put from now on were measured at this time (SenML only; other formats carry no time
 *  and ignore it). units: milliseconds since 1970; 0 means no time. */
void tsr_lwm2m_out_stamp(tsr_lwm2m_out *out, uint64_t unix_ms);

/** Puts one value at a resource (depth 3) or a resource instance (depth 4: the resource is
 *  multiple). Every put returns the writer's first error, so handlers can simply return it.
 *
 *  source  Core 7.5 and table C-2; RFC 8428 §4 and §6
 *  errors  TSR_E_ARGUMENT     `at` is not at or below the base, or not 3 or 4 deep
 *          TSR_E_UNSUPPORTED  a second value in text, octets or CBOR, or one not at the base; a
 *                             type that the format cannot hold (octets hold Opaque only); a
 *                             path out of order in TLV or LwM2M CBOR. The caller answers 4.06
 *          TSR_E_TYPE         a RAW value in a format that needs a type, or a Float that is
 *                             not finite in text or JSON
 *          TSR_E_SPACE        the body is full
 */
tsr_err tsr_lwm2m_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value);

tsr_err tsr_lwm2m_put_text(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes utf8);
tsr_err tsr_lwm2m_put_int(tsr_lwm2m_out *out, tsr_lwm2m_path at, int64_t v);
tsr_err tsr_lwm2m_put_uint(tsr_lwm2m_out *out, tsr_lwm2m_path at, uint64_t v);
tsr_err tsr_lwm2m_put_float(tsr_lwm2m_out *out, tsr_lwm2m_path at, double v);
tsr_err tsr_lwm2m_put_bool(tsr_lwm2m_out *out, tsr_lwm2m_path at, bool v);
tsr_err tsr_lwm2m_put_opaque(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes v);
tsr_err tsr_lwm2m_put_time(tsr_lwm2m_out *out, tsr_lwm2m_path at, int64_t unix_s);
tsr_err tsr_lwm2m_put_objlnk(tsr_lwm2m_out *out, tsr_lwm2m_path at, uint16_t object,
                             uint16_t instance);
tsr_err tsr_lwm2m_put_corelnk(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes links);

/** Puts only the name of something, at any depth: the request body of a Read-Composite or
 *  Observe-Composite. SenML only, else TSR_E_UNSUPPORTED. */
tsr_err tsr_lwm2m_put_name(tsr_lwm2m_out *out, tsr_lwm2m_path at);

/** Puts `null` at a resource instance, which a Write-Composite deletes by it. SenML only, else
 *  TSR_E_UNSUPPORTED.  source  RFC 8790 §3.2 */
tsr_err tsr_lwm2m_put_null(tsr_lwm2m_out *out, tsr_lwm2m_path at);

/** Notes that an instance is there even if no resource of it follows (depth 2). TLV and LwM2M
 *  CBOR write an empty container for it; other formats have none and write nothing. */
tsr_err tsr_lwm2m_put_instance(tsr_lwm2m_out *out, tsr_lwm2m_path at);

/** Closes what is open. Returns the writer's first error; on error `body` is cut back to where
 *  begin found it, and its err is cleared, so that an error response can be written there.
 *
 *  errors  those of put; TSR_E_NOT_FOUND when nothing was put and the format cannot say so
 *          (text, octets, CBOR)
 */
tsr_err tsr_lwm2m_out_end(tsr_lwm2m_out *out);

/* ---- reading ------------------------------------------------------------------------------ */

/** Takes a payload apart: a Write, Create or composite request in the device, a response or
 *  notification in the server. Works on any bytes. The context may be copied to look ahead. */
typedef struct {
    /* private */
    const struct tsr_lwm2m_codec *codec;
    tsr_lwm2m_path base;
    tsr_bytes payload, rest, prefix;
    tsr_buf *scratch;
    uint32_t seen, rescanned;  /* values given; work done to find duplicates */
    tsr_lwm2m_path greatest;   /* of the values so far, with its time */
    double greatest_s;
    double time_s;             /* of the value just given */
    double base_time_s, base_value;
    tsr_bytes base_name;       /* SenML, as it stands in the payload */
    tsr_lwm2m_path at[4];      /* containers that are open */
    uint64_t left[4];          /* their remaining entries or bytes; UINT64_MAX: indefinite */
    uint8_t levels;
    bool started, names_only;
    bool valued;               /* SenML: the record just given has a value, which may be null */
    uint8_t pack;              /* a tsr_lwm2m_pack */
    tsr_err err;
} tsr_lwm2m_in;

/** Which rules a SenML pack is held against. */
typedef enum {
    TSR_LWM2M_PACK_ANY,   /* RFC 8428 */
    TSR_LWM2M_PACK_FETCH, /* RFC 8790 §3.1: nothing but names, times and units */
    TSR_LWM2M_PACK_PATCH, /* RFC 8790 §3.2: fields that are not known are no error */
} tsr_lwm2m_pack;

/** Starts reading.
 *
 *  base     the path of the request; the root for composite operations and Send
 *  scratch  where values go that do not stand in the payload as they are (JSON escapes, base64,
 *           strings in CBOR chunks, joined names); appended to. As large as the payload is
 *           always enough. NULL is allowed; then such a value gives TSR_E_SPACE
 *  owner    payload and scratch must stay as long as the values are used
 *  errors   TSR_E_UNSUPPORTED  the format holds no values
 *           TSR_E_ARGUMENT     text, octets and CBOR need a base 3 or 4 deep
 */
tsr_err tsr_lwm2m_in_begin(tsr_lwm2m_in *in, tsr_lwm2m_format format, tsr_lwm2m_path base,
                           tsr_bytes payload, tsr_buf *scratch);

/** Names in SenML may start with this text, which is dropped: the alternate path that a client
 *  registered ("/lwm2m"). They need not. Call after begin. */
void tsr_lwm2m_in_prefix(tsr_lwm2m_in *in, tsr_bytes prefix);

/** Gives the next value with its full path, at or below the base.
 *
 *  - Depth 3 is a single resource, depth 4 one instance of a multiple resource. A TLV or LwM2M
 *    CBOR instance without resources is given once, as depth 2 with NONE. A multiple resource
 *    without instances is given once, as depth 3 with NONE.
 *  - In a Create without an instance id the instance is TSR_LWM2M_NO_ID.
 *  - SenML names without a value and SenML null values have type NONE; a request body of
 *    Read-Composite is a list of such, at any depth.
 *  - Text gives RAW_TEXT, TLV gives RAW_BYTES: tsr_lwm2m_value_as() makes them typed.
 *
 *  source  Core 7.5; RFC 8428 §4 and §6; RFC 8949 §3
 *  errors  TSR_END            no value left
 *          TSR_E_MALFORMED    the bytes break the format, or the same path (and time) came before
 *          TSR_E_NOT_FOUND    a path outside the base
 *          TSR_E_UNSUPPORTED  a SenML field or version that must be understood and is not; out
 *                             of order in a payload too large to be checked for duplicates
 *          TSR_E_SPACE        scratch is too small
 *          After an error every further call returns it again.
 */
tsr_err tsr_lwm2m_in_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value);

/** Starts reading the request body of a Read-Composite or Observe-Composite.
 *
 *  number   the Content-Format: SenML or SenML-ETCH, JSON or CBOR
 *  source   Core 6.3.8, Core 7.5.6, RFC 8790 §3.1
 *  errors   TSR_E_UNSUPPORTED  any other number, or a format that is not linked */
tsr_err tsr_lwm2m_in_begin_fetch(tsr_lwm2m_in *in, uint32_t number, tsr_bytes payload,
                                 tsr_buf *scratch);

/** The next path of such a body, at any depth; paths may repeat. A record that asks for a time is
 *  stepped over, since the values here are those of now.
 *
 *  errors   TSR_END, and those of tsr_lwm2m_in_next(); TSR_E_MALFORMED also for a record with a
 *           value, an identifier of 65535, and for a pack without records. In SenML-ETCH, fields other than name, time and
 *           unit are malformed too */
tsr_err tsr_lwm2m_in_next_name(tsr_lwm2m_in *in, tsr_lwm2m_path *path);

/** Starts reading the request body of a Write-Composite.
 *
 *  number   as above, or LwM2M CBOR
 *  source   Core 6.3.9, Core 7.5.6, RFC 8790 §3.2
 *  errors   TSR_E_UNSUPPORTED */
tsr_err tsr_lwm2m_in_begin_patch(tsr_lwm2m_in *in, uint32_t number, tsr_bytes payload,
                                 tsr_buf *scratch);

/** The next change: a value at a resource or resource instance, or NONE at a resource instance
 *  that is to go.
 *
 *  errors   TSR_END, and those of tsr_lwm2m_in_next(); TSR_E_MALFORMED also for a record without
 *           value, for one that is less than three deep, for an identifier of 65535, for a null
 *           elsewhere, and for a body without records */
tsr_err tsr_lwm2m_in_next_change(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value);

/** Gives the value just given the type of its resource, as tsr_lwm2m_value_as() does, by way of what
 *  this format needs for it. */
tsr_err tsr_lwm2m_in_typed(const tsr_lwm2m_in *in, const tsr_lwm2m_value *value,
                           tsr_lwm2m_type type, tsr_lwm2m_value *typed);

/** When the value just given was measured: false if it carries no time. SenML times below 2^28
 *  are relative to now (RFC 8428 §4.5.3), which is why the caller says what time it is. */
bool tsr_lwm2m_in_time(const tsr_lwm2m_in *in, uint64_t now_unix_ms, uint64_t *unix_ms);

#endif
