/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the sources of the device only. */
#ifndef TESSERA_FDO_DEVICE_IN_H
#define TESSERA_FDO_DEVICE_IN_H

#include "tessera/fdo/device.h"

typedef enum {
    TSR_FDO_IDLE = 0,
    TSR_FDO_WAITS, /* for due_ms, then the target is tried */
    TSR_FDO_RUNS,  /* a protocol */
    TSR_FDO_ENDS,  /* message 255 is to go out */
} tsr_fdo_state;

/** Takes an answer and makes the next message; `what` says on failure what was checked. */
typedef tsr_err tsr_fdo_handler(tsr_fdo_device *d, tsr_bytes in, const char **what);

tsr_fdo_handler tsr_fdo_on_11, tsr_fdo_on_13, tsr_fdo_on_31, tsr_fdo_on_33, tsr_fdo_on_61,
    tsr_fdo_on_63, tsr_fdo_on_65, tsr_fdo_on_67, tsr_fdo_on_69, tsr_fdo_on_71;

/** An empty writer over the message to be sent. */
tsr_buf *tsr_fdo_out(tsr_fdo_device *d);

/** What is in it goes out as `type`. */
tsr_err tsr_fdo_say(tsr_fdo_device *d, uint8_t type);

/** The same, encrypted. */
tsr_err tsr_fdo_say_sealed(tsr_fdo_device *d, uint8_t type, tsr_bytes plain);

/** Decrypts an answer into b.in. */
tsr_err tsr_fdo_unsealed(tsr_fdo_device *d, tsr_bytes in, tsr_bytes *plain);

tsr_err tsr_fdo_nonce(tsr_fdo_device *d, uint8_t nonce[TSR_FDO_NONCE]);
bool tsr_fdo_nonce_is(tsr_bytes got, const uint8_t nonce[TSR_FDO_NONCE]);

/** Signs a payload with the device key as the message to be sent. */
tsr_err tsr_fdo_prove(tsr_fdo_device *d, uint8_t type, const tsr_cose_params *more,
                      const tsr_fdo_eat *eat);

void tsr_fdo_tell(tsr_fdo_device *d, tsr_fdo_event_kind kind);

/** Makes b.next the credential, by the hook. */
tsr_err tsr_fdo_replace(tsr_fdo_device *d);

tsr_err tsr_fdo_begin_to1(tsr_fdo_device *d); /* 30 */
tsr_err tsr_fdo_begin_to2(tsr_fdo_device *d); /* 60 */

/** Writes into b.next a credential like another, for the owner's key. */
tsr_err tsr_fdo_make_credential(tsr_fdo_device *d, const tsr_fdo_credential *like,
                                const tsr_fdo_key *owner, int32_t hash);

/** A protocol ended in good order: tells it, and rests. */
void tsr_fdo_finished(tsr_fdo_device *d, tsr_fdo_event_kind kind);

/** walk.c: the first target; or the next, and how long to wait for it. false: there is nowhere. */
bool tsr_fdo_walk_begin(tsr_fdo_device *d, uint64_t *wait_ms);
bool tsr_fdo_walk_next(tsr_fdo_device *d, uint64_t *wait_ms);
/** The addresses of to1d in b.redirect come next. */
bool tsr_fdo_walk_redirect(tsr_fdo_device *d);
/** Whether the target is an owner, not a rendezvous server. */
bool tsr_fdo_walk_is_owner(const tsr_fdo_device *d);

/** service.c */
void tsr_fdo_service_begin(tsr_fdo_device *d, size_t limit);
void tsr_fdo_service_end(tsr_fdo_device *d, bool done);
/** Delivers what is left of a 69. errors  TSR_END  a module is busy */
tsr_err tsr_fdo_service_take(tsr_fdo_device *d, const char **what);
/** Both, or message 70; a module may be busy first. */
tsr_err tsr_fdo_service_go_on(tsr_fdo_device *d, const char **what);
/** Makes the next 68. */
tsr_err tsr_fdo_service_say(tsr_fdo_device *d, const char **what);

/** devmod.c: the next of its messages. errors as tsr_fdo_module.send */
tsr_err tsr_fdo_devmod_send(tsr_fdo_device *d, const char **message, tsr_buf *value);

#endif
