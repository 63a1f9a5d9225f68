/* SPDX-License-Identifier: Apache-2.0
 *
 * How packages are fetched: the numbers of /5/0/8, and which of them a URI names. */
#ifndef TESSERA_LWM2M_OBJECTS_PROTOCOL_H
#define TESSERA_LWM2M_OBJECTS_PROTOCOL_H

typedef enum {
    TSR_LWM2M_PROTOCOL_COAP,
    TSR_LWM2M_PROTOCOL_COAPS,
    TSR_LWM2M_PROTOCOL_HTTP,
    TSR_LWM2M_PROTOCOL_HTTPS,
    TSR_LWM2M_PROTOCOL_COAP_TCP,
    TSR_LWM2M_PROTOCOL_COAPS_TCP,
    TSR_LWM2M_PROTOCOLS, /* another one */
} tsr_lwm2m_protocol;

/** The protocol of a URI; -1: it is none. source  RFC 3986 §3.1 */
int tsr_lwm2m_protocol_of(const char *uri);

#endif
