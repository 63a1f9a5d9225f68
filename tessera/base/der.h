/* SPDX-License-Identifier: Apache-2.0
 *
 * The one part of ASN.1's distinguished encoding (DER) that keys, requests and certificates share:
 * an element is a tag, a length and content. */
#ifndef TESSERA_BASE_DER_H
#define TESSERA_BASE_DER_H

#include "tessera/base/bytes.h"

enum {
    TSR_DER_INTEGER = 0x02,
    TSR_DER_OCTETS = 0x04,
    TSR_DER_OID = 0x06,
    TSR_DER_SEQUENCE = 0x30,
    TSR_DER_SET = 0x31,
    TSR_DER_CONTEXT_0 = 0xa0, /* [0], constructed */
    TSR_DER_HEAD_MAX = 4,     /* bytes of tag and length, for content up to 65535 */
};

/** Takes the next element, which must have that tag.
 *
 *  source  ITU-T X.690 §8.1, §10.1; lengths up to 65535
 *  owner   *content points into `in`
 *  errors  TSR_E_MALFORMED  another tag, an indefinite or longer length, or past the end; `in` is
 *                           unchanged */
tsr_err tsr_der_get(tsr_bytes *in, uint8_t tag, tsr_bytes *content);

/** Takes the next element whole, with its head.
 *  errors  as above */
tsr_err tsr_der_get_whole(tsr_bytes *in, uint8_t tag, tsr_bytes *element);

/** Writes tag and length; `content_len` bytes follow.
 *  errors  (in out->err) TSR_E_SPACE, also for more than 65535 bytes */
void tsr_der_put_head(tsr_buf *out, uint8_t tag, size_t content_len);

/** How long an element with so much content is. */
size_t tsr_der_len(size_t content_len);

#endif
