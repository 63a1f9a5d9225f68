/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share. */
#ifndef TESSERA_OSCORE_INTERNAL_H
#define TESSERA_OSCORE_INTERNAL_H

#include "tessera/coap/message.h"
#include "tessera/oscore/oscore.h"

#define TSR_OSCORE_PIV_END ((uint64_t)1 << 40) /* RFC 8613 §7.2.1 */

enum {
    TSR_OSCORE_PIV_MAX = 5,
    TSR_OSCORE_WINDOW = 64,
    TSR_OSCORE_AAD_MAX = 12 + 3 + 3 + 1 + TSR_OSCORE_ID_MAX + 1 + TSR_OSCORE_PIV_MAX + 1,
};

/** What stands in the option and, for a request, in the AAD. */
typedef struct {
    uint8_t bytes[TSR_OSCORE_PIV_MAX];
    uint8_t len;
} tsr_oscore_piv;

tsr_oscore_piv tsr_oscore_piv_of(uint64_t number, uint8_t len);
uint64_t tsr_oscore_piv_number(tsr_bytes piv);

/** The bytes that a number takes; 0 takes one. RFC 8613 §5 */
uint8_t tsr_oscore_piv_len(uint64_t number);

/** Takes the next sequence number, saving first when that is due. errors TSR_E_STATE, TSR_E_IO */
tsr_err tsr_oscore_number(tsr_oscore *c, uint64_t *number);

/** One AEAD call's nonce and additional data, for exchange `x`. */
typedef struct {
    uint8_t nonce[TSR_OSCORE_NONCE_MAX];
    uint8_t aad[TSR_OSCORE_AAD_MAX];
    size_t aad_len;
} tsr_oscore_seal;

/** `piv` was made by us, or by the peer. RFC 8613 §5.2, RFC 8613 §5.4 */
void tsr_oscore_seal_make(tsr_oscore_seal *s, const tsr_oscore *c, const tsr_oscore_exchange *x,
                          uint64_t piv, bool by_us);

/** Class U, and no E: these alone are taken from outside. RFC 8613 §4.1 */
bool tsr_oscore_is_outer(uint32_t number);

/** Writes an option's head and moves its value behind it, forward only: `at` must not be above the
 *  value's start minus the head. */
uint8_t *tsr_oscore_put_moved(uint8_t *at, uint16_t *last, uint16_t number, tsr_bytes value);

/** Appends the option itself. `piv` and `kid` may be absent. */
void tsr_oscore_option_put(tsr_buf *out, uint16_t *last, const tsr_oscore_option *option);

/** Whether a number may be taken, and taking it. RFC 8613 §7.4 */
bool tsr_oscore_window_allows(const tsr_oscore *c, uint64_t number);
void tsr_oscore_window_take(tsr_oscore *c, uint64_t number);

#endif
