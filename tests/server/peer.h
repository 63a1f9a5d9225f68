/* SPDX-License-Identifier: Apache-2.0
 *
 * A device for the server's tests: a UDP socket, the CoAP engine, and DTLS when wanted. It answers
 * as a small real device would: objects 1 and 3, observation of /3/0/9. */
#ifndef TESTS_SERVER_PEER_H
#define TESTS_SERVER_PEER_H

#include "server/engine/address.h"
#include "tessera/coap/engine.h"
#include "tessera/lwm2m/model/path.h"
#include "tessera/net/dtls.h"

/* A lost datagram comes again after 3, 6 and 12 s at most (RFC 7252 §4.2). */
enum { PEER_PATIENCE_MS = 30000 };

typedef struct test_peer {
    int fd;
    tsr_address server;
    tsr_coap coap;
    void *memory;
    bool secure;
    uint32_t key_id;
    tsr_bytes certificate, anchor;
    tsr_dtls_config config;
    tsr_dtls dtls;
    uint8_t plain[TSR_DTLS_PLAIN_MAX];
    char identity[128];
    tsr_dtls_reason failed;
    bool connected, closed;

    /* the last answer to a request of ours */
    bool answered, timed_out;
    uint8_t code;
    char location[64];
    uint8_t payload[2048];
    size_t payload_len;
    uint16_t format;

    /* the device's state */
    int64_t battery, lifetime;
    unsigned requests, executed, observe_requests;
    char arguments[64], attributes[128];
    uint8_t observe_token[8], observe_token_len;
    uint32_t sequence;
    uint16_t only_format;  /* 0: any; else every other Accept is answered 4.06 */
    uint16_t only_body;    /* 0: any; else a composite body in another is answered 4.15 */
    uint16_t body_format;  /* of the last composite request */
    tsr_lwm2m_path deleted; /* by the last Write-Composite */
    bool observes_composite;
    bool silent;           /* do not answer requests */
    /* Looks at each request first; true: it has been answered. */
    bool (*on_request)(struct test_peer *p, const tsr_coap_event *event);
    void *on_request_arg;
    uint64_t impatient_ms; /* give a request up after so long; 0: PEER_PATIENCE_MS */
    unsigned notify_rejected, handshakes;
    bool notify_acked;
    uint8_t last_datagram[2048]; /* as it was sent last, for replays */
    size_t last_datagram_len;
} test_peer;

/** Plain with identity NULL. */
test_peer *peer_open(uint16_t port, const char *identity, const char *key);
/** With the device certificate of tests/vectors/dtls. */
test_peer *peer_open_certificate(uint16_t port);
/** A new socket, so a new source port, with the same CoAP and DTLS state. */
void peer_rebind(test_peer *p);
/** Restart of the device: everything is lost but the server's address. */
void peer_close(test_peer *p);

/** Runs for so long, or until *until is true. */
void peer_run(test_peer *p, uint64_t ms, const bool *until);
/** Shakes hands. */
bool peer_connect(test_peer *p, uint64_t ms);
/** Sends a request and waits for its answer; gives the code, 0 for none. queries: "ep=a&lt=60" */
uint8_t peer_request(test_peer *p, uint8_t method, const char *path, const char *queries,
                     const char *payload);
/** The same for a Send to /dp; `non`: as NON. */
uint8_t peer_dp(test_peer *p, uint16_t format, tsr_bytes payload, bool non);
/** POST /rd with </1/0>,</3/0>. */
uint8_t peer_register(test_peer *p, const char *queries);
void peer_notify(test_peer *p, bool con);
/** A file of tests/vectors/dtls; on the heap. */
tsr_bytes peer_vector(const char *name);
void peer_send_raw(test_peer *p, tsr_bytes datagram);

#endif
