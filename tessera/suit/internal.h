/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESSERA_SUIT_INTERNAL_H
#define TESSERA_SUIT_INTERNAL_H

#include "tessera/suit/suit.h"

enum { TSR_SUIT_SHA256 = -16 }; /* RFC 9054 */

/** The bytes of an encoded SUIT_Digest (SUIT 10).
 *  errors  TSR_E_MALFORMED; TSR_E_UNSUPPORTED  another algorithm than SHA-256 */
tsr_err tsr_suit_digest_read(tsr_bytes in, tsr_bytes *digest);

#endif
