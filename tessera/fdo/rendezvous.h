/* SPDX-License-Identifier: Apache-2.0
 *
 * RendezvousInfo, where a device looks for its rendezvous server, and RVTO2Addr, where it then
 * finds its owner. */
#ifndef TESSERA_FDO_RENDEZVOUS_H
#define TESSERA_FDO_RENDEZVOUS_H

#include "tessera/fdo/types.h"

typedef enum {
    TSR_FDO_RV_DEV_ONLY = 0,
    TSR_FDO_RV_OWNER_ONLY = 1,
    TSR_FDO_RV_IP = 2,
    TSR_FDO_RV_DEV_PORT = 3,
    TSR_FDO_RV_OWNER_PORT = 4,
    TSR_FDO_RV_DNS = 5,
    TSR_FDO_RV_SERVER_CERT = 6,
    TSR_FDO_RV_CA_CERT = 7,
    TSR_FDO_RV_USER_INPUT = 8,
    TSR_FDO_RV_WIFI_SSID = 9,
    TSR_FDO_RV_WIFI_PW = 10,
    TSR_FDO_RV_MEDIUM = 11,
    TSR_FDO_RV_PROTOCOL = 12,
    TSR_FDO_RV_DELAY = 13,
    TSR_FDO_RV_BYPASS = 14,
    TSR_FDO_RV_EXT = 15,
} tsr_fdo_rv_var;

typedef enum { /* TSR_FDO_RV_PROTOCOL; not the numbers of tsr_fdo_transport */
    TSR_FDO_RV_REST = 0,
    TSR_FDO_RV_HTTP = 1,
    TSR_FDO_RV_HTTPS = 2,
    TSR_FDO_RV_TCP = 3,
    TSR_FDO_RV_TLS = 4,
    TSR_FDO_RV_COAP_TCP = 5,
    TSR_FDO_RV_COAP_UDP = 6,
} tsr_fdo_rv_protocol;

typedef enum {
    TSR_FDO_OVER_TCP = 1,
    TSR_FDO_OVER_TLS = 2,
    TSR_FDO_OVER_HTTP = 3,
    TSR_FDO_OVER_COAP = 4,
    TSR_FDO_OVER_HTTPS = 5,
    TSR_FDO_OVER_COAPS = 6,
} tsr_fdo_transport;

enum { TSR_FDO_RV_NONE = 0xff }; /* medium, protocol: not said */

/** One directive. What is absent is an empty slice with a NULL pointer, false, 0 or
 *  TSR_FDO_RV_NONE. A variable that is not known is skipped, its number is in `unknown`. */
typedef struct {
    bool dev_only, owner_only, bypass, user_input, has_delay;
    uint8_t medium;
    uint8_t protocol;
    uint16_t dev_port, owner_port; /* 0: that of the protocol */
    uint32_t delay_s;
    tsr_bytes ip;  /* 4 or 16 bytes; an IPv4 address in 16 is given as 4 */
    tsr_bytes dns; /* text */
    tsr_bytes wifi_ssid, wifi_pw;
    tsr_fdo_hash server_cert, ca_cert;
    tsr_bytes ext; /* [mechanism, arguments...], encoded */
    bool unknown;
} tsr_fdo_directive;

/** Checks a whole RendezvousInfo: every directive can be read. Each value is wrapped in a byte
 *  string (FDO 1.0 does not wrap them and is refused). An empty list is well formed. */
tsr_err tsr_fdo_rv_check(tsr_bytes info, size_t *directives);

/** The directive at a place. errors  TSR_E_NOT_FOUND  there are fewer; those of a reader */
tsr_err tsr_fdo_rv_at(tsr_bytes info, size_t index, tsr_fdo_directive *d);

/** Appends one directive: variables in rising order. Its list's head, tsr_cbor_put_array(), is the
 *  caller's. */
void tsr_fdo_put_directive(tsr_buf *out, const tsr_fdo_directive *d);

/** The port that a protocol has when none is said: 80, 443, 5683; 0: none. */
uint16_t tsr_fdo_rv_port(uint8_t protocol);

/** The transport that a protocol of RendezvousInfo is; REST is HTTP over TLS. 0: unknown */
uint8_t tsr_fdo_rv_transport(uint8_t protocol);

/** RVTO2Addr. At least one of ip and dns is there. */
typedef struct {
    tsr_bytes ip; /* as above */
    tsr_bytes dns;
    uint16_t port;
    uint8_t transport; /* tsr_fdo_transport; others are given as they are */
} tsr_fdo_addr;

/** errors  TSR_E_MALFORMED also when neither address is there */
tsr_err tsr_fdo_get_addr(tsr_bytes *in, tsr_fdo_addr *a);
void tsr_fdo_put_addr(tsr_buf *out, const tsr_fdo_addr *a);

/** The address at a place in an encoded array of them, as in to1d.
 *  errors  TSR_E_NOT_FOUND */
tsr_err tsr_fdo_addr_at(tsr_bytes addrs, size_t index, tsr_fdo_addr *a);

#endif
