/* SPDX-License-Identifier: Apache-2.0
 *
 * A device with all of its objects and two servers, one over UDP, with OSCORE or without, and one
 * over TCP, and what its host has: storage that takes little, saves that fail at times. */
#ifndef FUZZ_CLIENT_RIG_H
#define FUZZ_CLIENT_RIG_H

#include "fuzz/keys.h"
#include "tessera/coap/frame.h"
#include "tessera/lwm2m/client/oscore_layer.h"
#include "tessera/lwm2m/client/stream.h"
#include "tessera/lwm2m/client/tcp_channel.h"
#include "tessera/lwm2m/objects/access.h"
#include "tessera/lwm2m/objects/app_data.h"
#include "tessera/lwm2m/objects/connectivity.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/event_log.h"
#include "tessera/lwm2m/objects/firmware.h"
#include "tessera/lwm2m/objects/light.h"
#include "tessera/lwm2m/objects/location.h"
#include "tessera/lwm2m/objects/portfolio.h"
#include "tessera/lwm2m/objects/sensor.h"
#include "tessera/lwm2m/objects/software.h"
#include "tessera/oscore/datagram.h"
#include "tessera/oscore/renew.h"

enum { UDP, TCP, SERVERS, OBJECTS = 16, MEMORY = 60000, DATAGRAM = 1600, ITEMS = 24 };

typedef struct {
    uint8_t code, token[8], token_len;
    uint16_t mid;
    bool asked; /* by the client, and not answered */
} last_request;

typedef struct {
    tsr_lwm2m_client client;
    tsr_lwm2m_account accounts[SERVERS];
    tsr_lwm2m_observation observations[4];
    tsr_lwm2m_attachment attachments[4];
    tsr_lwm2m_composite_path paths[6];
    tsr_lwm2m_outbox outbox;
    tsr_lwm2m_sending sendings[SERVERS];
    uint8_t outbox_memory[256], body[2048], datagram[DATAGRAM], state[8192], saved[8192];
    size_t saved_len;
    uint64_t memory[MEMORY / 8], stream_memory[MEMORY / 8], guard_memory[MEMORY / 8];
    tsr_coap_config coap;
    tsr_lwm2m_tcp tcp;
    tsr_coap_streams streams;
    uint8_t tcp_in[2048];
    bool linked;
    tsr_coap_deframer deframer;
    uint8_t deframed[4096];

    bool oscore;
    tsr_lwm2m_oscore keys;
    tsr_lwm2m_oscore_account protected[SERVERS];
    tsr_lwm2m_oscore_layer layer;
    uint8_t kept[TSR_OSCORE_STATE_MAX];
    size_t kept_len;
    tsr_oscore far;
    bool renews; /* the server knows RFC 8613 §B.2 */
    tsr_oscore_exchange asked_by_it; /* its last request, for the answer */

    tsr_lwm2m_servers servers;
    tsr_lwm2m_server server[SERVERS];
    tsr_lwm2m_accesses accesses;
    tsr_lwm2m_access access[ITEMS];
    tsr_lwm2m_device device;
    tsr_lwm2m_monitoring monitoring;
    tsr_lwm2m_firmware firmware;
    tsr_lwm2m_location location;
    tsr_lwm2m_statistics statistics;
    tsr_lwm2m_softwares softwares;
    tsr_lwm2m_software software[2];
    tsr_lwm2m_portfolios portfolios;
    tsr_lwm2m_portfolio portfolio[2];
    tsr_lwm2m_app_datas app_datas;
    tsr_lwm2m_app_data app_data[2];
    tsr_lwm2m_logs logs;
    tsr_lwm2m_log log[2];
    uint8_t log_memory[2][256];
    tsr_lwm2m_sensors sensors;
    tsr_lwm2m_sensor sensor[2];
    tsr_lwm2m_lights lights;
    tsr_lwm2m_light light[1];
    tsr_lwm2m_object objects[OBJECTS];
    tsr_lwm2m_registry registry;
    tsr_lwm2m_stream push[2];
    last_request last[SERVERS];
    uint64_t now_ms;
    uint16_t mid;
} fuzz_client;

/** The one of this process. */
extern fuzz_client f;

/** The master secret, and PSA; once. */
void rig_open(void);

/** A device that knows nothing yet. */
void rig_begin(bool oscore);

/** Places it anew over what it has: as after a restart, before what it saved is taken back. */
void rig_start(void);

/** What the server has to know of the keys, by which it makes contexts. */
tsr_oscore_params rig_far_keys(void);

/** The contexts go without a word. */
void rig_lose_contexts(void);

/** Gives back what it holds. */
void rig_end(void);

#endif
