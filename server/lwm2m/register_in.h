/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the registration interface share. Private to server/lwm2m/register*.c.
 *
 * Each request becomes a job, because its answer waits for the store and, when the device came to
 * another shard than the one that has its registration, for a move. */
#ifndef SERVER_LWM2M_REGISTER_IN_H
#define SERVER_LWM2M_REGISTER_IN_H

#include "server/lwm2m/internal.h"

typedef enum { JOB_REGISTER, JOB_UPDATE, JOB_DEREGISTER } job_kind;

typedef struct {
    tsr_message message;
    job_kind kind;
    desk *desk; /* where the request came in */
    tsr_coap_id ticket;
    uint32_t peer;
    uint64_t peer_serial;
    char id[ID_LEN + 1]; /* Update, De-register */
    device *device;      /* Register: the new one; else the one on its way from another shard */
    info *info;          /* Update: what it will say */
    bool moved;
    tsr_err err;                /* of the store */
    tsr_register_params params; /* Update; views into bytes */
    uint8_t bytes[];
} job;

/* register_job.c */

job *job_new(desk *d, job_kind kind, const tsr_peer *peer, tsr_coap_id ticket, size_t extra);
void job_free(job *j);
tsr_peer *job_peer(const job *j); /* that asked; NULL: it is gone */

/** Puts the registration's row; j->message follows on the job's shard when it is on the disk. */
tsr_err job_store(job *j, device *dev, const info *i);
void job_stored(void *j, tsr_err err); /* what the store calls */

void register_answer(desk *d, tsr_coap_id ticket, uint8_t code, const char *text,
                     const char *location);
void register_answer_store_failed(desk *d, tsr_coap_id ticket);

/** From now on the lifetime counts anew. */
void register_start_lifetime(device *dev);

/* register.c */

/** Core 6.2.1: the list that a pid stands for takes the place of what was sent; *room keeps it.
 *  result  0, or the CoAP code to refuse with; 4.09: the client sends the whole list */
uint8_t register_use_profile(desk *d, const char *endpoint, tsr_register_params *p, tsr_buf *room,
                             const char **why);

/* register_takeover.c */

/** The endpoint's older registrations end. false: there is a newer one, so this one is too late. */
bool register_supersede(desk *d, device *dev);

/* register_update.c */

/** An Update or a De-register. */
void register_update(desk *d, tsr_peer *peer, const tsr_coap_event *event, job_kind kind);

#endif
