/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the HTTP side. Private to server/rest. */
#ifndef SERVER_REST_DAEMON_H
#define SERVER_REST_DAEMON_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/rest/exchange.h"
#include "server/rest/guard.h"

enum {
    REST_URI_MAX = 2048,
    REST_STREAMS_MAX = 256,
    REST_HEARTBEAT_S = 15,
    REST_WAIT_S = 30, /* for a device, when the request does not say */
    REST_WAIT_MAX_S = 600,
};

typedef struct rest_stream rest_stream;

struct tsr_rest {
    tsr_server *server;
    struct tsr_fdo *fdo; /* NULL: none */
    struct tsr_audit *audit; /* NULL: none */
    struct MHD_Daemon *daemon;
    size_t body_max;
    uint32_t wait_max_s;
    char *token_file; /* NULL: nobody is asked for a token */

    pthread_mutex_t lock; /* guards all below */
    rest_operators operators;
    uint64_t operators_read; /* how often they were */
    pthread_cond_t changed;
    bool stopping;
    unsigned refs;          /* the owner, and each operation that has not come back */
    size_t exchanges;       /* requests that are not completed */
    unsigned finishing;     /* operations that build an answer right now */
    rest_exchange *waiting; /* exchanges that wait for a device */
    rest_stream *streams;   /* all event streams */
    size_t stream_count;
    uint64_t wakes; /* grows with every wake-up of the streams */
    tsr_server_subscription *subscription;
    pthread_t ticker;

    atomic_ullong answers[6]; /* by class of status, for the metrics */
};

/* pending.c */
void rest_pending_stop(tsr_rest *rest);
void rest_release(tsr_rest *rest);

/* events.c */
tsr_err rest_streams_start(tsr_rest *rest);
void rest_streams_stop(tsr_rest *rest);
/* Ends the streams of operators who are gone; with the lock held. Returns how many. */
unsigned rest_streams_revoke(tsr_rest *rest);

/* audit.c: a change that was answered; somebody without a token, or without the role for it, who was refused */
void rest_audit_answer(rest_exchange *x);
void rest_audit_refusal(rest_exchange *x, const char *what);

/* files.c: GET of anything outside /api */
void rest_get_file(rest_exchange *x, const char *path);

#endif
