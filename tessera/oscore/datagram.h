/* SPDX-License-Identifier: Apache-2.0
 *
 * OSCORE for whole datagrams (CoAP over UDP): header and token are carried over. */
#ifndef TESSERA_OSCORE_DATAGRAM_H
#define TESSERA_OSCORE_DATAGRAM_H

#include "tessera/oscore/oscore.h"

/* All four: the datagram goes in, the other one comes out.
 *  owner   protect: `in` is used up; `out` is an empty writer of in->len + TSR_OSCORE_OVERHEAD
 *          unprotect: `out` is an empty writer of in.len at least, any of it may be written to
 *  errors  as the functions of oscore.h, and TSR_E_MALFORMED for what is no CoAP datagram;
 *          out->len is 0 after any error
 *  source  RFC 8613 §4.2 */
tsr_err tsr_oscore_protect_request_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_buf *in,
                                            tsr_buf *out);
tsr_err tsr_oscore_protect_response_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_buf *in,
                                             tsr_buf *out);
tsr_err tsr_oscore_unprotect_request_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_bytes in,
                                              tsr_buf *out);
tsr_err tsr_oscore_unprotect_response_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_bytes in,
                                               tsr_buf *out);

/** The body of a datagram: what stands behind header and token.
 *  errors  TSR_E_MALFORMED  shorter than it says, another version, or a token above 8 bytes */
tsr_err tsr_oscore_body(tsr_bytes datagram, tsr_bytes *body);

/** The answer to a request that unprotect_request_datagram refused with `why`: piggybacked on the
 *  ACK of a CON, else a NON with message id `mid`.
 *
 *  source  RFC 8613 §8.2, RFC 8613 §7.4, RFC 8613 §B.1.2
 *  units   c and x: for TSR_E_STATE; else they may be NULL
 *  errors  TSR_END  nothing to say: drop the request
 *          as protect_response */
tsr_err tsr_oscore_answer_datagram(tsr_oscore *c, tsr_oscore_exchange *x, tsr_err why,
                                   tsr_bytes request, uint16_t mid, tsr_buf *out);

#endif
