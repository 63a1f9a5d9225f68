/* SPDX-License-Identifier: Apache-2.0
 *
 * What the three codecs of TLV share (Core 7.5.5). Not for others. */
#ifndef TESSERA_LWM2M_FORMAT_TLV_H
#define TESSERA_LWM2M_FORMAT_TLV_H

#include "tessera/lwm2m/format/codec.h"

enum { TSR_TLV_WHOLE = 8 }; /* bytes of the longest number */

/* Bits 7 and 6 of the type byte. */
enum { TSR_TLV_OBJECT_INSTANCE, TSR_TLV_RESOURCE_INSTANCE, TSR_TLV_MULTIPLE, TSR_TLV_RESOURCE };

enum { TSR_TLV_HEADER = 2 }; /* bytes of the shortest header */

/* The containers there are; a bit of out->levels says that one is open, out->open where. */
enum { TSR_TLV_INSTANCE, TSR_TLV_RESOURCES };

/** Writes a number in as few of 1, 2, 4 and 8 bytes as hold it, and says how many. */
static inline size_t tsr_tlv_whole(uint8_t bytes[TSR_TLV_WHOLE], int64_t i)
{
    size_t n = i == (int8_t)i ? 1 : i == (int16_t)i ? 2 : i == (int32_t)i ? 4 : 8;

    for (size_t k = n; k-- > 0; i >>= 8)
        bytes[k] = (uint8_t)i;
    return n;
}

/** Puts one entry and the containers around it; no bytes at depth 2. */
tsr_err tsr_tlv_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, tsr_bytes bytes);

/** Closes one that is open. */
tsr_err tsr_tlv_close(tsr_lwm2m_out *out, unsigned which);

/* As in tsr_lwm2m_codec. */
tsr_err tsr_tlv_put_value(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value);
tsr_err tsr_tlv_end(tsr_lwm2m_out *out);
tsr_err tsr_tlv_next(tsr_lwm2m_in *in, tsr_lwm2m_path *path, tsr_lwm2m_value *value);

#endif
