/* SPDX-License-Identifier: Apache-2.0
 *
 * OSCORE for accounts of a client, alone or over DTLS (RFC 8613; Core 8.1). A client that does not
 * call this links nothing of it.
 *
 * Keys are used for the first time by way of RFC 8613 §B.2, as Transport 5.5.3 wants it, and renewed so
 * when the server says that it lost its part or does not take ours any more; but not those with an ID
 * Context of their own, which names them to the server. A server that does not know §B.2 refuses the
 * first request (4.xx) or does not answer it: then the keys are used as they are. Once used they are not new
 * any more.
 *
 *     tsr_lwm2m_client_init(...)
 *     tsr_lwm2m_oscore_attach(&layer, &client, ...)    before restore and the first poll
 *     ...
 *     tsr_lwm2m_oscore_park(&layer)                    at a clean stop */
#ifndef TESSERA_LWM2M_CLIENT_OSCORE_LAYER_H
#define TESSERA_LWM2M_CLIENT_OSCORE_LAYER_H

#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/oscore.h"
#include "tessera/oscore/guard.h"

/** Where sequence numbers and replay window are kept, TSR_OSCORE_STATE_MAX bytes. Both must be
 *  there. What is lost or damaged must not be mistaken for new: nonces would be used twice. */
typedef struct {
    void *user;
    /** errors  TSR_E_NOT_FOUND  these keys were never used; any other: not now, nothing is sent */
    tsr_err (*load)(void *user, tsr_buf *state);
    /** Makes it durable before it returns. */
    tsr_err (*save)(void *user, tsr_bytes state);
} tsr_lwm2m_oscore_store;

/** One account's part; zeroed, then the first two set by the caller. */
typedef struct {
    const tsr_lwm2m_oscore *keys; /* NULL: this account has no OSCORE; or tsr_lwm2m_oscore_set() */
    tsr_lwm2m_oscore_store store;
    /* private */
    tsr_oscore context;
    tsr_lwm2m_oscore own; /* a copy: in a bootstrap the instance changes before the last answer is out */
    uint32_t version; /* of the keys that the context was made of */
    bool made;        /* the context may be used, also after a restart */
    bool as_they_are; /* keys that are new are used without §B.2 */
    uint8_t run;      /* of §B.2: none, asked, derived; in `context` while that is not made */
    uint8_t turns;    /* requests that went out again within the run */
    bool proven;      /* the server has answered under the context's keys */
    uint8_t unanswered; /* requests since it answered last */
} tsr_lwm2m_oscore_account;

typedef struct {
    tsr_lwm2m_client *client;
    tsr_lwm2m_oscore_account *accounts; /* as many as the client has */
    /* private */
    tsr_oscore_guard guard;
    tsr_oscore next; /* keys that may take the place of others: one run at a time */
    tsr_lwm2m_oscore_account *renewing; /* whose; NULL: nobody's */
} tsr_lwm2m_oscore_layer;

/** Bytes of memory that attach needs.
 *  units   datagram_len: of the longest message, 1,400 for blocks of 1,024 */
size_t tsr_lwm2m_oscore_memory(const tsr_lwm2m_client *client, size_t datagram_len);

/** Puts OSCORE between the client and its accounts. From then on an account with keys takes no
 *  request without it. Contexts are made when they are needed first.
 *
 *  oscores  object 21, whose saved form then holds what observations need; or NULL
 *  owner    layer (its first two fields set) and memory outlive the client
 *  errors   those of tsr_oscore_guard_init */
tsr_err tsr_lwm2m_oscore_attach(tsr_lwm2m_oscore_layer *layer, tsr_lwm2m_oscores *oscores,
                                size_t datagram_len, void *memory, size_t memory_len);

/** Gives an account keys of which it makes a copy, or takes them away (NULL); for a host whose accounts
 *  are bootstrapped, in hooks.attach. Also before attach, once layer->accounts is set.
 *  keys  tsr_lwm2m_oscore_find() of what security->oscore_id says */
void tsr_lwm2m_oscore_set(tsr_lwm2m_oscore_layer *layer, size_t account,
                          const tsr_lwm2m_oscore *keys);

/** Keeps the exact state of all contexts and frees them. They are made again when they are needed. */
void tsr_lwm2m_oscore_park(tsr_lwm2m_oscore_layer *layer);

#endif
