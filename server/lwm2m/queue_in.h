/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that survive the server: what the files queue*.c share. The store has all of them;
 * memory has those that are not over, one line per endpoint, and an operation carries the first of a
 * line while it is under way. What is durable when: "queued" before the caller hears of it, "sent"
 * before the message leaves, the outcome before anybody is told. */
#ifndef SERVER_LWM2M_QUEUE_IN_H
#define SERVER_LWM2M_QUEUE_IN_H

#include "server/lwm2m/internal.h"
#include "server/lwm2m/queue_codec.h"

enum { QUEUE_BUCKETS = 8192 };

typedef struct line line;

struct queued {
    queued *next, *expired_next;
    tsr_server *server;
    line *line; /* NULL: it left */
    uint64_t id;
    tsr_server_kind kind;
    tsr_lwm2m_path path;
    int64_t created_ms, expires_ms, sent_ms;
    uint32_t attempts;
    bool stored;               /* its row is there */
    bool active;               /* an operation carries it */
    bool rejected, cancelled;  /* no other try */
    tsr_store_waiter *canceller; /* to be woken once that is stored */
    tsr_buf request;
};

/** Those of one endpoint, oldest first. */
struct line {
    line *next;
    queued *first;
    unsigned count;
    char endpoint[];
};

/** An outcome on its way into the store; kept and tried again when that fails. */
typedef struct outcome {
    struct outcome *next;
    tsr_server *server;
    tsr_store_queued row;
    char *endpoint, *detail;
    tsr_buf result;
    tsr_store_waiter *canceller;
} outcome;

struct request_queue {
    pthread_mutex_t lock;
    line *lines[QUEUE_BUCKETS];
    size_t count, bytes; /* waiting, under way, or over and not stored yet */
    _Atomic uint64_t newest;
    outcome *unsaved; /* the store failed: again with the next tick */
    unsigned ticks;
    tsr_timer timer;
};

/* queue_lines.c: lines; the first four under the lock */
line **queue_line_at(tsr_server *s, const char *endpoint);
bool queue_append(tsr_server *s, const char *endpoint, queued *q);
/** Takes it out of its line; the line goes with its last one. The count stays until it is saved. */
void queue_leave(queued *q);
queued *queue_find(tsr_server *s, const char *endpoint, uint64_t id);
void queued_free(queued *q);
uint32_t queue_limit(uint32_t configured, uint32_t otherwise);

/* queue.c */
extern const char queue_doubt[]; /* what is said of one that may have been carried out */
/** Doing it twice is doing it once. */
bool queue_repeatable(tsr_server_kind kind);
void queue_emit(tsr_server *s, const char *endpoint, const tsr_store_queued *row,
                tsr_lwm2m_path path);
/** The row as it stands: queued again, or sent. */
tsr_err queue_put_state(queued *q, const char *endpoint, tsr_server_queue_state state,
                        tsr_store_done *done, void *arg);
/** It is over: out of its line, into the store. */
void queue_conclude(queued *q, tsr_server_queue_state state, const tsr_server_result *r,
                    const char *detail);
void queue_expire(queued *q);
void queue_outcome_put(outcome *o);
void queue_outcome_free(outcome *o);

#endif
