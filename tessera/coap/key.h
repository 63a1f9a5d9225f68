/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to this room: what tells requests, and bodies, apart. */
#ifndef TESSERA_COAP_KEY_H
#define TESSERA_COAP_KEY_H

#include "tessera/coap/message.h"

/* FNV-1a */
#define TSR_COAP_MIX UINT32_C(0x811c9dc5)

static inline uint32_t tsr_coap_mix_byte(uint32_t h, uint32_t v) { return (h ^ v) * 0x01000193u; }

static inline uint32_t tsr_coap_mix_bytes(uint32_t h, tsr_bytes in)
{
    for (size_t i = 0; i < in.len; i++)
        h = tsr_coap_mix_byte(h, in.ptr[i]);
    return h;
}

static inline uint32_t tsr_coap_hash(tsr_bytes in)
{
    return tsr_coap_mix_bytes(TSR_COAP_MIX, in) | 1u;
}

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
