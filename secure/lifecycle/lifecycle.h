/* SPDX-License-Identifier: Apache-2.0
 *
 * The security lifecycle of the device, kept in ITS, and what each state allows.
 * source  RFC 9783 §4.3.1 (states and values); PSA Secure Storage 1.0.4, requirement ITS 14
 *
 * A state is left for a later one only. There is no way back from a debug state to SECURED: who
 * could have looked into the device may have changed it. */
#ifndef SECURE_LIFECYCLE_LIFECYCLE_H
#define SECURE_LIFECYCLE_LIFECYCLE_H

#include "secure/storage/its.h"

typedef enum { /* values of the attestation claim; the low byte is ours and 0 */
               TSR_LIFECYCLE_UNKNOWN = 0x0000,
               TSR_LIFECYCLE_ASSEMBLY_AND_TEST = 0x1000,
               TSR_LIFECYCLE_PSA_ROT_PROVISIONING = 0x2000,
               TSR_LIFECYCLE_SECURED = 0x3000,
               TSR_LIFECYCLE_NON_PSA_ROT_DEBUG = 0x4000,
               TSR_LIFECYCLE_RECOVERABLE_PSA_ROT_DEBUG = 0x5000,
               TSR_LIFECYCLE_DECOMMISSIONED = 0x6000,
} tsr_lifecycle_state;

/* Assets in the name space TSR_ITS_PLATFORM. */
#define TSR_PLATFORM_STATE ((psa_storage_uid_t)1) /* 4 bytes: the state; private to this file */
#define TSR_PLATFORM_ROOT  ((psa_storage_uid_t)2) /* empty: this store had a root key once */

/* What a state may allow.
 *
 *                                PROVISION  DEBUG  SERVE  SECRETS  ATTEST
 *   ASSEMBLY_AND_TEST                x        x      x       x        x
 *   PSA_ROT_PROVISIONING             x               x       x        x
 *   SECURED                                          x       x        x
 *   NON_PSA_ROT_DEBUG                                x       x        x
 *   RECOVERABLE_PSA_ROT_DEBUG                 x
 *   DECOMMISSIONED
 *
 * NON_PSA_ROT_DEBUG is about what is outside this service, so the service itself stays closed. In
 * RECOVERABLE_PSA_ROT_DEBUG a debugger may look into the service; therefore no root key is loaded
 * and nothing is answered but the state. Verifiers decide what a token of each state is worth. */
enum {
    TSR_ALLOW_PROVISION = 1 << 0, /* root-of-trust settings and keys; WRITE_ONCE is not enforced */
    TSR_ALLOW_DEBUG = 1 << 1,     /* core dumps and debuggers of the secure world */
    TSR_ALLOW_SERVE = 1 << 2,     /* crypto, storage, update for clients */
    TSR_ALLOW_SECRETS = 1 << 3,   /* the root key may be loaded */
    TSR_ALLOW_ATTEST = 1 << 4,    /* tokens (the state is a claim in them) */
};

typedef struct {
    /* private */
    tsr_its *its;
    tsr_lifecycle_state state;
} tsr_lifecycle;

/** Reads the state; a store that has none is in PSA_ROT_PROVISIONING. Sets its->provisioning.
 *
 *  owner   `its` must outlive the lifecycle
 *  errors  PSA_ERROR_DATA_CORRUPT, PSA_ERROR_STORAGE_FAILURE: the state cannot be told; it is
 *          TSR_LIFECYCLE_UNKNOWN then, which allows nothing */
psa_status_t tsr_lifecycle_open(tsr_lifecycle *l, tsr_its *its);

tsr_lifecycle_state tsr_lifecycle_get(const tsr_lifecycle *l);

/** Moves on to a later state, durably.
 *
 *  errors  PSA_ERROR_INVALID_ARGUMENT  no such state
 *          PSA_ERROR_NOT_PERMITTED     the state is not later than the present one
 *          PSA_ERROR_STORAGE_FAILURE, PSA_ERROR_INSUFFICIENT_STORAGE  the old state stays */
psa_status_t tsr_lifecycle_advance(tsr_lifecycle *l, tsr_lifecycle_state next);

/** Whether a state allows everything in `what`, a set of TSR_ALLOW_ bits. */
bool tsr_lifecycle_allows(tsr_lifecycle_state state, unsigned what);

/** A name as in RFC 9783, in lower case with hyphens ("psa-rot-provisioning"); never NULL. */
const char *tsr_lifecycle_name(tsr_lifecycle_state state);

/** The state of such a name. errors TSR_E_NOT_FOUND */
tsr_err tsr_lifecycle_of_name(tsr_bytes name, tsr_lifecycle_state *state);

#endif
