/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 and base64url (RFC 4648). */
#ifndef TESSERA_JSON_BASE64_H
#define TESSERA_JSON_BASE64_H

#include "tessera/base/bytes.h"

/** With padding, alphabet of RFC 4648 §4 (text/plain of an Opaque). */
void tsr_base64_put(tsr_buf *out, tsr_bytes in);

/** Without padding, alphabet of RFC 4648 §5 (SenML JSON, JOSE). */
void tsr_base64url_put(tsr_buf *out, tsr_bytes in);

/** Appends the bytes; takes both alphabets, with or without padding. Needs at most
 *  len / 4 * 3 + 2 bytes of room, which may be the text's own from its beginning on.
 *
 *  errors  TSR_E_MALFORMED  another character, an impossible length, or bits that are not zero
 *                           behind the last byte
 *          TSR_E_SPACE      out is full
 *          On failure out->len is as before; out->err is untouched
 */
tsr_err tsr_base64_get(tsr_bytes text, tsr_buf *out);

#endif
