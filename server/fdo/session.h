/* SPDX-License-Identifier: Apache-2.0
 *
 * Protocol runs under way: each has a token that the peer repeats, ends after a while, and takes its
 * messages in their order only. Private to server/fdo. */
#ifndef SERVER_FDO_SESSION_H
#define SERVER_FDO_SESSION_H

#include <pthread.h>

#include "tessera/base/bytes.h"

enum {
    FDO_TOKEN = 32, /* characters: 16 random bytes in hexadecimal digits */
    FDO_SESSION_HEADS = 1024,
};

typedef enum { FDO_DI, FDO_TO0, FDO_TO1, FDO_TO2 } fdo_protocol;

typedef struct fdo_session {
    struct fdo_session *next;
    struct fdo_session *namesake; /* the next in its chain of `subjects` */
    char token[FDO_TOKEN + 1];
    uint8_t subject[16]; /* the device's GUID, under the table's lock */
    bool named;
    bool overtaken; /* another run of that device ended well meanwhile */
    fdo_protocol protocol;
    uint8_t answered;     /* the last message sent; 0: none yet */
    bool busy;            /* a message is being worked on */
    uint64_t due_ms;      /* it ends then */
    char peer[48];        /* the address that began it; "": not known */
    char guid[33];        /* the device, once it is found; "": not yet */
    void *state;          /* of the protocol's own */
    void (*drop)(void *); /* frees it, wiped */
} fdo_session;

typedef struct {
    pthread_mutex_t lock;
    fdo_session *heads[FDO_SESSION_HEADS];    /* by token: all of them */
    fdo_session *subjects[FDO_SESSION_HEADS]; /* by device: those that are named */
    uint32_t count, max, life_ms;
    uint32_t sweep;             /* the next head that is looked through for what has ended */
    uint64_t swept_ms;          /* when all of them were */
    uint64_t tokens, tokens_ms; /* runs that may begin now, in thousandths */
    uint32_t rate;              /* runs a second */
} fdo_sessions;

void fdo_sessions_open(fdo_sessions *all, uint32_t max, uint32_t life_ms, uint32_t rate);
void fdo_sessions_close(fdo_sessions *all);

/** Which protocol a message begins; false: none. */
bool fdo_begins(uint8_t type, fdo_protocol *protocol);

/** Whether `type` may follow what was answered last. */
bool fdo_follows(fdo_protocol protocol, uint8_t answered, uint8_t type);

/** A new run with a token of its own, taken.
 *  errors  TSR_E_SPACE  too many runs, or too many a second; or out of memory
 *          TSR_E_CRYPTO no random numbers */
tsr_err fdo_session_begin(fdo_sessions *all, fdo_protocol protocol, uint64_t now_ms,
                          fdo_session **out);

/** The run of that token, taken: nobody else works on it until it is given back.
 *  errors  TSR_E_NOT_FOUND  no such token, or the run has ended
 *          TSR_E_STATE      another of its messages is being worked on */
tsr_err fdo_session_take(fdo_sessions *all, const char *token, uint64_t now_ms, fdo_session **out);

/** Gives it back; `over`: it ends and is freed. */
void fdo_session_give(fdo_sessions *all, fdo_session *s, bool over);

/** Whose run it is: 16 bytes, said once. */
void fdo_session_name(fdo_sessions *all, fdo_session *s, tsr_bytes guid);

/** The run, which has a name, is about to end well: others of the same device that are under way will not.
 *  errors  TSR_E_STATE  another one came first */
tsr_err fdo_session_settle(fdo_sessions *all, const fdo_session *s);

/** Runs under way; those that have ended are freed. */
uint32_t fdo_sessions_count(fdo_sessions *all, uint64_t now_ms);

#endif
