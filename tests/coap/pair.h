/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines for streams with a link between them, or one whose peer is the test. */
#ifndef TESTS_COAP_PAIR_H
#define TESTS_COAP_PAIR_H

#include "tessera/coap/stream.h"

#define BYTES(...)                                                                                 \
    tsr_view((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

typedef struct {
    tsr_coap_stream c;
    void *memory;
    uint8_t in[1 << 16]; /* what the link brings */
    size_t in_len;
    size_t most;      /* bytes the link takes at a time; 0: any number at random */
    tsr_coap_msg msg; /* of pair_next */
    uint8_t sent[1 << 16];
    tsr_coap_deframer reader;
    uint8_t room[1 << 16];
} end;

tsr_coap_stream_config pair_config(void);

/* An engine that was opened at time 0. */
end *pair_end(const tsr_coap_stream_config *config);
void pair_free(end *e);

/* The peer sends bytes; or a message of these parts, with Observe and Block options when set. */
void pair_feed(end *e, tsr_bytes bytes, uint64_t now_ms);
typedef struct {
    uint8_t code;
    const char *token, *path;
    tsr_coap_num observe, format, size1;
    tsr_coap_block block1, block2;
    tsr_bytes etag, echo, payload;
    const char *tag; /* Request-Tag; NULL: none */
    uint16_t extra; /* an empty option of this number */
} raw;
void pair_send(end *e, const raw *r, uint64_t now_ms);
void pair_csm(end *e, uint32_t max_message_size, bool blocks);

/* The next message that the engine sends; its code, or 0 when there is none. Requests and responses
 * are in e->msg, of signals only token and options. */
uint8_t pair_next(end *e, uint64_t now_ms);

tsr_coap_event pair_event(end *e, tsr_coap_event_kind kind);
void pair_no_event(end *e);

/* Opened on both sides, for a peer that takes messages of that size: as pair_config says; with
 * messages of 1152 bytes; with such that BERT is for. They fill pair_pattern. */
extern uint8_t pair_pattern[40000];
end *pair_open(const tsr_coap_stream_config *config, uint32_t peer_max, bool peer_blocks);
end *pair_open_plain(void);
end *pair_open_bert(void);

/* Sends a request, or an answer, at time 0. */
tsr_coap_id pair_ask(end *e, const tsr_coap_request *r);
void pair_say(end *e, tsr_coap_id id, const tsr_coap_response *r);

/* Moves bytes between both, in pieces, until nothing moves; `events` handles what happens. */
typedef void pair_events(end *e, const tsr_coap_event *event, void *user);
void pair_run(end *a, end *b, uint64_t now_ms, pair_events *events, void *user);

#endif
