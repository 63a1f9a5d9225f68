/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_LINUX_DEVICE_INTERNAL_H
#define PORTS_LINUX_DEVICE_INTERNAL_H

#include "ports/linux/device/device.h"
#include "ports/linux/host/state.h"
#include "ports/linux/host/udp.h"

enum {
    OBSERVATIONS = 32, ATTACHMENTS = 32, PATHS = 64, BODY = 16384, STATE = 65536, OUTBOX = 4096,
};

struct tsr_linux_device {
    tsr_linux_config config;
    tsr_lwm2m_security security;
    tsr_lwm2m_securities securities;
    tsr_lwm2m_server server;
    tsr_lwm2m_servers servers;
    tsr_lwm2m_device about;
    tsr_lwm2m_object objects[TSR_LINUX_OBJECTS + 3];
    tsr_lwm2m_registry registry;
    tsr_lwm2m_account account;
    tsr_lwm2m_observation observations[OBSERVATIONS];
    tsr_lwm2m_attachment attachments[ATTACHMENTS];
    tsr_lwm2m_composite_path paths[PATHS];
    tsr_lwm2m_sending sending;
    tsr_lwm2m_outbox outbox;
    uint8_t body[BODY], state[STATE], stored[STATE + TSR_HOST_STATE_HEAD], queue[OUTBOX];
    uint8_t message[TSR_UDP_DATAGRAM];
    tsr_coap_config coap;
    void *coap_memory;
    tsr_lwm2m_client client;
    tsr_udp_uri uri;
    tsr_udp udp;
    uint64_t open_at_ms; /* when a socket that could not be opened is tried again */
    tsr_lwm2m_dtls dtls;
    uint8_t plain[TSR_DTLS_PLAIN_MAX];
    int signals, watch;
    uint64_t refreshed_ms;
    uint64_t stop_by_ms; /* 0: running */
};

/** The log line of an event. */
void linux_log(const tsr_lwm2m_client_event *event);

/** Brings the key of the file into the secure service.
 *  errors  the cause was logged */
tsr_err linux_key(const tsr_linux_config *config, uint32_t key);

#endif
