/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to this room: what tells requests, and bodies, apart. */
#ifndef TESSERA_COAP_KEY_H
#define TESSERA_COAP_KEY_H

#include "tessera/coap/message.h"

/** FNV-1a, never 0. */
uint32_t tsr_coap_hash(tsr_bytes in);

/** What names a request but its payload: method and options. The low 3 bits tell the block size
 *  asked for (7: none), for the notifications that may follow.
 *
 *  source  RFC 7252 §5.6 and RFC 7252 §5.4.2; RFC 7959 §2.4 and RFC 7959 §2.5
 *  owner   `msg` was parsed without an error */
uint32_t tsr_coap_msg_key(const tsr_coap_msg *msg);

/** Of the payload of a FETCH, which belongs to what names the request; 0: none. */
static inline uint32_t tsr_coap_fetch_hash(const tsr_coap_msg *msg)
{
    return msg->code == TSR_COAP_FETCH && msg->payload.len != 0 && !msg->block1.set
               ? tsr_coap_hash(msg->payload)
               : 0;
}

#endif
