/* SPDX-License-Identifier: Apache-2.0
 *
 * CoAP URIs, taken apart and put into options. */
#ifndef TESSERA_COAP_URI_H
#define TESSERA_COAP_URI_H

#include "tessera/coap/option.h"

/** The parts of a URI as they stand in it; views into the text. */
typedef struct {
    tsr_bytes scheme;
    tsr_bytes host;       /* without brackets */
    uint16_t port;        /* 0: the scheme's own */
    bool literal;         /* host is an address, no name */
    tsr_bytes path;       /* empty, or from its first '/' on */
    tsr_bytes query;      /* without '?' */
} tsr_coap_uri;

/** Takes a URI apart.
 *
 *  source  RFC 7252 §6.1 and RFC 7252 §6.4
 *  errors  TSR_E_MALFORMED  no scheme or host; user information, a fragment, a bad port, a bad
 *                           percent-encoding, a segment of more than 255 bytes or of dots alone */
tsr_err tsr_coap_uri_parse(tsr_bytes text, tsr_coap_uri *uri);

/** Writes Uri-Host (of a name), Uri-Path and Uri-Query. `uri` comes from tsr_coap_uri_parse().
 *  source  RFC 7252 §6.4 */
void tsr_coap_put_uri(tsr_buf *out, uint16_t *last, const tsr_coap_uri *uri);

#endif
