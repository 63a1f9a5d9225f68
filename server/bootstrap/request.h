/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Bootstrap-Request or a Bootstrap-Pack-Request says. Works on any bytes. */
#ifndef SERVER_BOOTSTRAP_REQUEST_H
#define SERVER_BOOTSTRAP_REQUEST_H

#include "tessera/coap/message.h"

/** Views into the message. */
typedef struct {
    bool pack; /* GET /bspack, else POST /bs */
    bool has_endpoint, has_acc;
    tsr_bytes endpoint, acc;
    uint16_t format; /* pct, or what Accept of a pack stands for; 0: none named */
    uint16_t label;  /* pack: the Content-Format to answer with */
} bs_asked;

/** Takes a request apart.
 *
 *  source  Core 6.1.7.1 (Bootstrap-Request), Core 6.1.7.7 (Bootstrap-Pack-Request)
 *  result  0, or the CoAP code to refuse with; then *why says in English what is wrong */
uint8_t bs_request_parse(const tsr_coap_msg *msg, bs_asked *out, const char **why);

#endif
