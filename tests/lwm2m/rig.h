/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole client with objects of known content, and a scripted server on the other side: our CoAP
 * engine, told by the test what to ask and to answer. Everything in memory; time is a number. */
#ifndef TESTS_LWM2M_RIG_H
#define TESTS_LWM2M_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/connectivity.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/light.h"
#include "tessera/lwm2m/objects/portfolio.h"
#include "tessera/lwm2m/objects/sensor.h"

enum { RIG_SERVERS = 3, RIG_OBJECTS = 10, RIG_ACCESSES = 24, RIG_TEXT = 4096, RIG_KEPT = 16 };

/* A message that the server got, copied. */
typedef struct {
    uint8_t code;
    bool con, observing;
    uint32_t observe;
    tsr_coap_num content_format;
    char path[64], queries[256]; /* path: of an answer, its location */
    char text[RIG_TEXT]; /* payload, zero-terminated */
    size_t len;
    uint64_t at_ms;
    uint8_t token[8];
    size_t token_len;
} rig_message;

/* One server: what it does with registrations is set by the test. */
typedef struct {
    tsr_coap coap;
    void *memory;
    bool silent;           /* datagrams to it are lost */
    bool deaf_client;      /* and so are those from it */
    uint8_t refuse[3];     /* code for a Register with lwm2m=1.x; 0: 2.01 */
    uint8_t refuse_profile; /* code for a Register with pid=; 0: as any */
    uint8_t update_code;   /* 0: 2.04 */
    unsigned number;       /* of registrations so far: location /rd/NUMBER */
    rig_message got[RIG_KEPT]; /* requests of the client, the oldest first */
    size_t got_count;
    rig_message note[RIG_KEPT]; /* notifications */
    size_t note_count;
    rig_message answer;    /* to the last rig_send */
    bool answered;
    tsr_coap_id asked;
    /* a layer under CoAP, set by the test */
    struct rig_layer *layer;
} rig_server;

struct rig;

/* What lies between a server's CoAP and its datagrams; test_client_dtls.c has one. */
typedef struct rig_layer {
    void (*from_client)(struct rig *r, size_t server, tsr_bytes datagram); /* calls rig_deliver */
    tsr_err (*to_client)(struct rig *r, size_t server, tsr_bytes message, tsr_buf *datagram);
    bool (*own)(struct rig *r, size_t server, tsr_buf *datagram); /* handshake; false: none */
    uint64_t (*due_ms)(struct rig *r, size_t server);
} rig_layer;

typedef struct rig {
    uint64_t now_ms;
    const tsr_lwm2m_channel *channel; /* for the next start of the client */
    void *channel_state;
    const tsr_lwm2m_parts *parts; /* NULL: all */
    tsr_lwm2m_client client;
    tsr_lwm2m_account accounts[RIG_SERVERS];
    tsr_lwm2m_observation observations[8];
    tsr_lwm2m_attachment attachments[8];
    tsr_lwm2m_composite_path paths[24];
    tsr_lwm2m_outbox outbox;
    tsr_lwm2m_sending sendings[RIG_SERVERS];
    uint8_t outbox_memory[512];
    uint8_t body[4096], state[8192], datagram[2048];
    tsr_coap_config coap;
    void *memory;
    size_t servers;
    rig_server server[RIG_SERVERS];
    /* the objects */
    tsr_lwm2m_servers server_state;
    tsr_lwm2m_server server_item[RIG_SERVERS];
    tsr_lwm2m_device device;
    tsr_lwm2m_monitoring monitoring;
    tsr_lwm2m_statistics statistics;
    tsr_lwm2m_portfolios portfolios;
    tsr_lwm2m_portfolio portfolio[2];
    tsr_lwm2m_sensors sensors;
    tsr_lwm2m_sensor sensor[2];
    tsr_lwm2m_lights lights;
    tsr_lwm2m_light light[1];
    bool has_access; /* object 2 is there, without instances */
    tsr_lwm2m_accesses accesses;
    tsr_lwm2m_access access[RIG_ACCESSES];
    tsr_lwm2m_object objects[RIG_OBJECTS];
    tsr_lwm2m_registry registry;
    /* what was made durable */
    uint8_t saved[8192];
    size_t saved_len, saves;
    tsr_err save_err; /* what the hook answers */
    size_t events[TSR_LWM2M_E_KEPT + 1]; /* how many of each kind */
    tsr_lwm2m_client_event last_event;
} rig;

/* A message that the layer took out of a datagram. */
void rig_deliver(rig *r, size_t server, tsr_bytes message);

/* What a layer that is a stream gave the server's CoAP. */
void rig_server_events(rig *r, size_t server);

/* Called when a client was placed and has not said anything yet; NULL: nothing. */
extern void (*rig_attach)(rig *r);

/* A fresh device that has not said anything yet. */
rig *rig_new(size_t servers);
rig *rig_new_access(size_t servers); /* with object 2 */
rig *rig_new_over(const tsr_lwm2m_channel *channel, void *channel_state); /* one server */
rig *rig_new_small(const tsr_lwm2m_parts *parts); /* one server, nothing kept, objects 1 and 3 */
void rig_free(rig *r);

/* Ends the client without a word and starts another from what was saved last. Objects begin with
 * their defaults. */
void rig_restart(rig *r);

/* Moves datagrams both ways until nobody has anything to say at this time. */
void rig_run(rig *r);

/* The same while time goes on by `ms`, stopping wherever something is due. */
void rig_wait(rig *r, uint64_t ms);

/* rig_run() and then registered with all servers. */
void rig_register(rig *r);

/* Sends a request and runs until its answer is here: server[0].answer. `path` may hold a query.
 * `accept`, `content_format` and `observe` below 0 are left out. */
typedef struct {
    uint8_t method;
    const char *path;
    int accept, content_format, observe;
    tsr_bytes payload;
    tsr_bytes token;
} rig_request;
const rig_message *rig_send(rig *r, size_t server, const rig_request *request);

const rig_message *rig_get(rig *r, const char *path, int accept);
const rig_message *rig_put(rig *r, const char *path, int content_format, const char *text);
const rig_message *rig_post(rig *r, const char *path, int content_format, const char *text);
const rig_message *rig_put_hex(rig *r, uint8_t method, const char *path, int content_format,
                               const char *hex);
const rig_message *rig_delete(rig *r, const char *path);
const rig_message *rig_observe(rig *r, const char *path, int accept);

/* Sends one datagram as it is, in hex, and says what came back, in hex ("" for nothing). */
const char *rig_raw(rig *r, const char *hex);

/* The last request the client made of the server. */
const rig_message *rig_last(const rig *r, size_t server);

#define assert_code(message, cls, detail) \
    assert_int_equal((message)->code, TSR_COAP_CODE(cls, detail))
#define assert_text(message, expected) assert_string_equal((message)->text, expected)

#endif
