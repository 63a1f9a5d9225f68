/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of FDO over HTTP and HTTPS: one request each, and the token that binds those of one protocol. */
#ifndef PORTS_LINUX_FDO_CARRIER_H
#define PORTS_LINUX_FDO_CARRIER_H

#include "ports/linux/http/fetch.h"
#include "ports/linux/http/secure.h"

enum {
    TSR_CARRIER_BODY = 65535,
    TSR_CARRIER_TOKEN = 2048,
};

/** Where messages go. */
typedef struct {
    char authority[TSR_UDP_HOST_LEN + 16]; /* "name:port" */
    char path[256];                        /* in front of /fdo/101/msg/; mostly empty */
    bool secure;                           /* https */
    tsr_web_hash server, ca;               /* of its certificates, if they are known */
} tsr_carrier_place;

/** A place by its URL. errors  TSR_E_UNSUPPORTED (neither http nor https), TSR_E_MALFORMED, TSR_E_SPACE */
tsr_err tsr_carrier_place_url(tsr_carrier_place *p, tsr_bytes url);

/** A place by its address: 4 or 16 bytes, or by its name; over HTTP, unless `secure` is set then.
 *  errors  TSR_E_MALFORMED, TSR_E_SPACE */
tsr_err tsr_carrier_place_ip(tsr_carrier_place *p, tsr_bytes ip, uint16_t port);
tsr_err tsr_carrier_place_dns(tsr_carrier_place *p, tsr_bytes dns, uint16_t port);

typedef struct {
    uint8_t type; /* of the answer */
    const char *cause; /* after an error */
    size_t len;
    uint8_t body[TSR_CARRIER_BODY];
    /* private */
    tsr_fetch fetch;
    tsr_fetch_secure tls;
    const tsr_bytes *anchors;
    size_t anchor_count;
    bool has_type;
    uint8_t sent;
    char token[TSR_CARRIER_TOKEN];
} tsr_carrier;

/** units    wait_ms: for one answer
 *  anchors  CA certificates by which those servers are judged whose place has no hashes; none: anybody
 *           may answer, since FDO proves by itself who does. They outlive the carrier */
void tsr_carrier_init(tsr_carrier *c, uint32_t wait_ms, const tsr_bytes *anchors, size_t anchor_count);

/** Sends a message; `first` ones forget the token of the protocol before.
 *  owner   body must stay until the answer is there, and hashes of the place too
 *  errors  as of tsr_fetch_begin(); `cause` says more */
tsr_err tsr_carrier_send(tsr_carrier *c, const tsr_carrier_place *to, uint8_t type, bool first,
                         tsr_bytes body, uint64_t now_ms);

/** TSR_OK: the answer is in type, body and len.
 *  errors  TSR_END          not yet
 *          TSR_E_MALFORMED  no answer of FDO: no Message-Type, or a status that does not go with it
 *          TSR_E_SPACE      longer than the body may be
 *          TSR_E_DENIED     61 without a token, which 60 has to bring
 *          others           as of tsr_fetch_next() */
tsr_err tsr_carrier_next(tsr_carrier *c, uint64_t now_ms);

void tsr_carrier_end(tsr_carrier *c);

#endif
