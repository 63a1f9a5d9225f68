/* SPDX-License-Identifier: Apache-2.0
 *
 * Two ends with the keys of RFC 8613 §C.1, and messages as hex. */
#ifndef TESTS_OSCORE_RIG_H
#define TESTS_OSCORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tessera/coap/message.h"
#include "tessera/cose/cose.h"
#include "tessera/oscore/datagram.h"
#include "tests/vectors.h"

enum { RIG_ROOM = 1600 };

/* A slot of durable memory, as hooks.save sees it. */
typedef struct {
    uint8_t bytes[TSR_OSCORE_STATE_MAX];
    size_t len;
    unsigned saves;
    bool broken;
} rig_slot;

tsr_err rig_save(void *slot, tsr_bytes state);

typedef struct {
    uint8_t bytes[RIG_ROOM];
    tsr_buf buf;
} rig_message;

/* The master secret of RFC 8613 §C as a PSA key. */
psa_key_id_t rig_secret(psa_algorithm_t hkdf);

/* RFC 8613 §C.1; `client` says which end. */
tsr_oscore_params rig_params(bool client, psa_key_id_t secret);

void rig_pair(tsr_oscore *client, tsr_oscore *server);

void rig_hex(rig_message *m, const char *hex);
tsr_bytes rig_view(const rig_message *m);
bool rig_is(const rig_message *m, const char *hex);

/* Each of them calls the function of datagram.h and leaves the result in `out`. */
tsr_err rig_request(tsr_oscore *c, tsr_oscore_exchange *x, const char *hex, rig_message *out);
tsr_err rig_response(tsr_oscore *c, tsr_oscore_exchange *x, const char *hex, rig_message *out);
tsr_err rig_take_request(tsr_oscore *c, tsr_oscore_exchange *x, const rig_message *in,
                         rig_message *out);
tsr_err rig_take_response(tsr_oscore *c, tsr_oscore_exchange *x, const rig_message *in,
                          rig_message *out);

#define RIG_GET "44015d1f00003974b3747631" /* CON GET /tv1 */
#define RIG_HELLO "64455d1f00003974ff48656c6c6f20576f726c6421" /* ACK 2.05 "Hello World!" */

#endif
