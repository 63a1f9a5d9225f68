/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the role share. */
#ifndef SERVER_BOOTSTRAP_ROLE_H
#define SERVER_BOOTSTRAP_ROLE_H

#include "server/bootstrap/bootstrap.h"
#include "server/bootstrap/request.h"
#include "server/bootstrap/session.h"
#include "server/lwm2m/internal.h"

enum {
    BS_ALIAS_MAX = OSCORE_IDENTITY + 16,
    BS_HEADS = 256,
    BS_TIMER = TSR_TIMER_SERVICE,
};

typedef struct bs_role bs_role;

/** A session under way. Its shard's thread alone touches it, but for `next` and `endpoint`, by
 *  which others find it under the role's lock. */
typedef struct bs_run {
    tsr_message message; /* its credential is stored, or not */
    struct bs_run *next; /* in the role's table */
    bs_role *role;
    tsr_shard *shard;
    uint32_t peer;
    uint64_t peer_serial, serial;
    bs_session session;
    char profile_name[TSR_ENDPOINT_MAX + 1];
    tsr_coap_id exchange; /* our request under way, or 0 */
    tsr_coap_id ticket;   /* pack: the device's request */
    bool pack, storing, ended;
    uint16_t label;
    tsr_err stored;
    tsr_server_security security;
    int64_t started_ms;
    unsigned written;
    tsr_timer timer;
} bs_run;

struct bs_role {
    tsr_server *server;
    pthread_mutex_t lock;
    bs_run *heads[BS_HEADS];
    uint32_t count, max;
    uint64_t serial;
    uint64_t tokens, tokens_ms; /* sessions that may start now, in thousandths */
    uint32_t rate;
    uint32_t session_ms;
    struct bs_authority *authority; /* NULL: nobody enrols here */
};

/* keep.c */
/** The profile of an endpoint. errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err bs_profile_find(tsr_store_reader *reader, const char *endpoint, tsr_store_document_fn *fn,
                        void *arg);
void bs_credential_alias(int mode, tsr_bytes identity, char out[BS_ALIAS_MAX]);

/* run.c */
/** Starts a session for a request that was let in. `*profile` goes with it, in every case.
 *  result  0, or the code to refuse with */
uint8_t run_start(bs_role *role, tsr_shard *shard, tsr_peer *peer, const bs_asked *asked,
                  tsr_coap_id ticket, const char *endpoint, const char *profile_name,
                  bs_profile *profile, const char **why);
void run_event(bs_run *r, const tsr_coap_event *event);
void run_end(bs_run *r, const char *cause); /* NULL: by what the session says */
void run_expired(tsr_timer *timer);
void runs_close(bs_role *role);

/* table.c */
/** A place for one more. false: too many, or too fast */
bool table_admit(bs_role *role, uint64_t now_ms);
void table_add(bs_run *r);
void table_take(bs_run *r);
/** Ends the endpoint's session if one is under way, on whichever shard. */
void table_supersede(bs_role *role, tsr_shard *here, const char *endpoint);

/* state.c */
void state_note(const bs_run *r, const char *state, const char *cause, int64_t ended_ms);

#endif
