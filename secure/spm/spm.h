/* SPDX-License-Identifier: Apache-2.0
 *
 * The secure partition manager: which service answers a call, and in whose name it is made.
 * source  FF-M 1.1: stateless services in the secure-function model (a service is a function) */
#ifndef SECURE_SPM_SPM_H
#define SECURE_SPM_SPM_H

#include "psa/client.h"
#include "psa/wire/frame.h"

/** Who calls. Both numbers come from the transport, never from the request. */
typedef struct {
    int32_t client;      /* owner of persistent things; negative: normal world (FF-M) */
    uint32_t connection; /* owner of volatile things: handles die with it; 0 is no connection */
} tsr_spm_caller;

typedef struct {
    tsr_spm_caller caller;
    int32_t type;
    size_t in_len, out_len;
    tsr_bytes in[PSA_MAX_IOVEC];
    psa_outvec out[PSA_MAX_IOVEC]; /* len in: room; the service sets it to what it wrote */
} tsr_spm_msg;

typedef struct {
    psa_handle_t handle;
    void *self;
    /** Answers one message. It checks every count and length itself. */
    psa_status_t (*call)(void *self, tsr_spm_msg *msg);
    /** A connection ended: whatever it held is destroyed. May be NULL. */
    void (*gone)(void *self, uint32_t connection);
} tsr_spm_service;

typedef struct {
    const tsr_spm_service *services;
    size_t count;
    /** Whether a service may be called at all, such as by the device's lifecycle
     *  (secure/spm/platform_service.h); NULL: always. An error is the answer to the call. */
    psa_status_t (*admit)(void *self, psa_handle_t handle);
    void *admit_self;
} tsr_spm;

/** Calls the service behind a static handle.
 *  errors  PSA_ERROR_PROGRAMMER_ERROR  no such service, or the service says so */
psa_status_t tsr_spm_call(const tsr_spm *spm, psa_handle_t handle, tsr_spm_msg *msg);

/** The same for one frame; always leaves a reply in `reply`.
 *
 *  units   reply->cap at least TSR_WIRE_MAX
 *  owner   the request is wiped by the caller, the reply too once it is sent
 *  errors  TSR_E_MALFORMED  not a frame: the reply says PSA_ERROR_PROGRAMMER_ERROR, and the
 *                           connection is to be closed after it was sent */
tsr_err tsr_spm_frame(const tsr_spm *spm, tsr_spm_caller caller, tsr_bytes request, tsr_buf *reply);

/** Tells every service that a connection has ended. */
void tsr_spm_gone(const tsr_spm *spm, uint32_t connection);

#endif
