/* SPDX-License-Identifier: Apache-2.0
 *
 * One LwM2M value as one CBOR item; shared by CBOR, LwM2M CBOR and SenML CBOR. */
#ifndef TESSERA_LWM2M_FORMAT_CBOR_VALUE_H
#define TESSERA_LWM2M_FORMAT_CBOR_VALUE_H

#include "tessera/cbor/cbor.h"
#include "tessera/lwm2m/model/value.h"

/** Writes the item of Core table C-2: Objlnk as text "o:i", Time as a plain number.
 *  errors  TSR_E_TYPE  a RAW value; TSR_E_SPACE is in out->err */
tsr_err tsr_lwm2m_cbor_put(tsr_buf *out, const tsr_lwm2m_value *value);

/** Takes one item: whole number, float of any width, text, bytes, true, false, null. Tags 0 and 1
 *  are times, tag 4 a decimal fraction (RFC 8949 §3.4.4); other tags are looked through.
 *
 *  owner   value->as.bytes points into the input, or into scratch if it came in chunks
 *  errors  TSR_E_MALFORMED, TSR_E_SPACE
 *          TSR_E_TYPE  an array, a map, a simple value without meaning
 */
tsr_err tsr_lwm2m_cbor_get(tsr_bytes *in, tsr_buf *scratch, tsr_lwm2m_value *value);

#endif
