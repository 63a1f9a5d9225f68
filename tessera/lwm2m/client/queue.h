/* SPDX-License-Identifier: Apache-2.0
 *
 * Queue mode of a device: it sleeps, and listens for a while after each message it sends. The client
 * says Q in its Registers (tsr_lwm2m_client_config.queue with the part tsr_lwm2m_queue_parameters); the
 * host tells of every datagram, and asks whether it may be deaf:
 *
 *     tsr_lwm2m_queue_traffic(&queue, now)             a datagram went or came
 *     if (tsr_lwm2m_queue_sleeps(&client, now, &until))
 *         radio off, until `until` at most             nothing is expected before
 *
 * A sleeping host polls at `until`, or when tsr_lwm2m_client_changed() or the like may have something
 * to send; what the poll gives wakes the radio. Over DTLS the session stays as it is, and with a
 * Connection ID it goes on whatever happened to the address meanwhile. */
#ifndef TESSERA_LWM2M_CLIENT_QUEUE_H
#define TESSERA_LWM2M_CLIENT_QUEUE_H

#include "tessera/base/bytes.h"

enum { TSR_LWM2M_AWAKE_MS = 93000 }; /* MAX_TRANSMIT_WAIT of RFC 7252 §4.8.2 */

/** The caller zeroes it and sets the first part.
 *  source  Core 6.2.1 (Q), Transport 6.5 */
typedef struct tsr_lwm2m_queue {
    uint32_t awake_ms; /* how long it listens after its last message; 0: TSR_LWM2M_AWAKE_MS */
    /* private */
    uint64_t awake_until_ms;
} tsr_lwm2m_queue;

struct tsr_lwm2m_client;

/** A datagram went to a server, or came from one: it listens from now on. */
void tsr_lwm2m_queue_traffic(tsr_lwm2m_queue *queue, uint64_t now_ms);

/** May the host be deaf now? Not while a server may still answer or ask, nor while one is being
 *  registered with.
 *  units   *until_ms: by then the client has to be polled, UINT64_MAX: never by itself. While false,
 *          when to ask again */
bool tsr_lwm2m_queue_sleeps(const struct tsr_lwm2m_client *c, uint64_t now_ms, uint64_t *until_ms);

#endif
