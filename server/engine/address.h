/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses, small enough to keep a million of them. */
#ifndef SERVER_ENGINE_ADDRESS_H
#define SERVER_ENGINE_ADDRESS_H

#include "tessera/base/bytes.h"

struct sockaddr_storage;

typedef struct {
    uint8_t ip[16];  /* IPv4: the first four, the rest zero */
    uint32_t scope;  /* IPv6 link-local only */
    uint16_t port;   /* host order */
    uint8_t v6;
    uint8_t stream; /* 1: of TCP. No padding, so that addresses compare as bytes */
} tsr_address;

enum { TSR_ADDRESS_TEXT = 64 };

static inline bool tsr_address_same(const tsr_address *a, const tsr_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/** Reads "127.0.0.1:5683", "[::1]:5684", "*:5683" (any IPv4), "127.0.0.1:5683/tcp"; numeric only.
 *  errors  TSR_E_MALFORMED */
tsr_err tsr_address_parse(const char *text, tsr_address *out);

/** Prints in the same form. */
void tsr_address_print(const tsr_address *a, char out[TSR_ADDRESS_TEXT]);

/** errors  TSR_E_UNSUPPORTED  a family other than IPv4 and IPv6 */
tsr_err tsr_address_from(const struct sockaddr_storage *from, tsr_address *out);

/** Gives the length of the sockaddr. */
unsigned tsr_address_to(const tsr_address *a, struct sockaddr_storage *to);

/** Spreads addresses over shards exactly as the kernel's filter of socket.c does. */
uint32_t tsr_address_spread(const tsr_address *a);

#endif
