/* SPDX-License-Identifier: Apache-2.0
 *
 * What a format is for the writer and the reader; private to this room except for the table,
 * which a small device may define itself. */
#ifndef TESSERA_LWM2M_FORMAT_CODEC_H
#define TESSERA_LWM2M_FORMAT_CODEC_H

#include "tessera/lwm2m/format/format.h"

struct tsr_lwm2m_fields;

/** Short ways for what most payloads consist of, with the path in registers (tsr_lwm2m_path_word);
 *  used where `put` has set out->quick_from, until there is an error or a new time stamp. */
struct tsr_lwm2m_quick {
    /** These may fall back to tsr_lwm2m_put_value_int() and tsr_lwm2m_put_value_text(), which go by
     *  `put`. */
    tsr_err (*number)(tsr_lwm2m_out *out, uint64_t word, unsigned depth, int64_t v);
    tsr_err (*text)(tsr_lwm2m_out *out, uint64_t word, unsigned depth, tsr_bytes utf8);
    /** Puts the fields from number `i` on of the instance that is the base, which `fields` says
     *  where to find in `state`; returns the first that it does not put. Only where the base is an
     *  instance. */
    size_t (*fields)(tsr_lwm2m_out *out, const struct tsr_lwm2m_fields *fields, size_t i,
                     const void *state);
};

/** `at` lies at or below the base; a value of NONE is a name (SenML) or, at depth 2, the notice
 *  that an instance exists. `next` gives any order; the caller looks for duplicates. */
typedef struct tsr_lwm2m_codec {
    tsr_lwm2m_format format;
    bool nests; /* has containers for instances */
    tsr_err (*put)(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value);
    tsr_err (*end)(tsr_lwm2m_out *out);
    tsr_err (*next)(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value);
    /** Looks for this path among the values before: TSR_E_MALFORMED if it was there. */
    tsr_err (*unique)(tsr_lwm2m_in *in, tsr_lwm2m_path path);
    /** Gives a value that `next` gave the type that the resource has. */
    tsr_err (*typed)(const tsr_lwm2m_value *value, tsr_lwm2m_type type, tsr_lwm2m_value *typed);
    /** The same for values that come without a type; one of the two is NULL. */
    tsr_err (*parsed)(const tsr_lwm2m_value *value, tsr_lwm2m_type type, tsr_buf *scratch,
                      tsr_lwm2m_value *typed);
    /** NULL where `put` never sets out->quick_from. */
    const struct tsr_lwm2m_quick *quick;
} tsr_lwm2m_codec;

/** By path and time; cheap where payloads are in order. */
tsr_err tsr_lwm2m_in_unique(tsr_lwm2m_in *in, tsr_lwm2m_path path);

enum { TSR_LWM2M_NOT_QUICK = 5 }; /* deeper than any path */

tsr_err tsr_lwm2m_put_value_int(tsr_lwm2m_out *out, tsr_lwm2m_path at, int64_t v);
tsr_err tsr_lwm2m_put_value_text(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes utf8);

/** Begin with a codec that need not be in the table. */
void tsr_lwm2m_in_begin_as(tsr_lwm2m_in *in, const tsr_lwm2m_codec *codec, tsr_lwm2m_path base,
                           tsr_bytes payload, tsr_buf *scratch);
void tsr_lwm2m_out_begin_as(tsr_lwm2m_out *out, const tsr_lwm2m_codec *codec, tsr_lwm2m_path base,
                            tsr_buf *body);

/** Ends with NULL. */
extern const tsr_lwm2m_codec *const tsr_lwm2m_codecs[];

extern const tsr_lwm2m_codec tsr_lwm2m_codec_text, tsr_lwm2m_codec_octets, tsr_lwm2m_codec_cbor,
    tsr_lwm2m_codec_tlv, tsr_lwm2m_codec_senml_json, tsr_lwm2m_codec_senml_cbor,
    tsr_lwm2m_codec_lwm2m_cbor, tsr_lwm2m_codec_oma_json;

/** The two that are read most, in fewer instructions and more flash: the same bytes. */
extern const tsr_lwm2m_codec tsr_lwm2m_codec_tlv_quick, tsr_lwm2m_codec_senml_cbor_quick;

/** SenML CBOR for a device that has neither Float nor Objlnk resources, in little flash: it writes
 *  the same bytes, in more instructions, and understands whole numbers, texts, bytes and Booleans;
 *  anything else in a payload (floats, fractions, dates, base values, text in chunks, labels of
 *  arrays and maps) is refused.
 *  Times are whole numbers, and ignored. */
extern const tsr_lwm2m_codec tsr_lwm2m_codec_senml_cbor_plain;

/** TLV for such a device, in less flash still. Unsigned numbers are as long as signed ones; of two
 *  values for one path the last one counts. */
extern const tsr_lwm2m_codec tsr_lwm2m_codec_tlv_plain;

#endif
