/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest processor: runs the command sequences of an authenticated manifest against a device
 * that the caller describes by two functions.
 * source  SUIT 6 (behaviour), 8.4.6 to 8.4.11 (commands) */
#ifndef TESSERA_SUIT_RUN_H
#define TESSERA_SUIT_RUN_H

#include "tessera/suit/suit.h"

enum {
    TSR_SUIT_DEPTH = 6,    /* sequences inside each other */
    TSR_SUIT_STEPS = 2048, /* commands of one tsr_suit_run() */
};

/* SUIT 11.4; version: draft-ietf-suit-update-management. */
typedef enum {
    TSR_SUIT_VENDOR_ID = 1,
    TSR_SUIT_CLASS_ID = 2,
    TSR_SUIT_IMAGE_MATCH = 3,
    TSR_SUIT_SLOT = 5,
    TSR_SUIT_CHECK_CONTENT = 6,
    TSR_SUIT_ABORT = 14,
    TSR_SUIT_DEVICE_ID = 24,
    TSR_SUIT_VERSION = 28,
} tsr_suit_condition;

typedef enum {
    TSR_SUIT_SET_INDEX = 12,
    TSR_SUIT_TRY_EACH = 15,
    TSR_SUIT_WRITE = 18,
    TSR_SUIT_OVERRIDE = 20,
    TSR_SUIT_FETCH = 21,
    TSR_SUIT_COPY = 22,
    TSR_SUIT_INVOKE = 23,
    TSR_SUIT_SWAP = 31,
    TSR_SUIT_RUN_SEQUENCE = 32,
} tsr_suit_directive;

/* SUIT 11.5; the bits of tsr_suit_params.set are 1u << these */
enum {
    TSR_SUIT_P_VENDOR = 1,
    TSR_SUIT_P_CLASS = 2,
    TSR_SUIT_P_DIGEST = 3,
    TSR_SUIT_P_SLOT = 5,
    TSR_SUIT_P_STRICT_ORDER = 12,
    TSR_SUIT_P_SOFT_FAILURE = 13,
    TSR_SUIT_P_SIZE = 14,
    TSR_SUIT_P_CONTENT = 18,
    TSR_SUIT_P_ENCRYPTION = 19, /* draft-ietf-suit-firmware-encryption */
    TSR_SUIT_P_URI = 21,
    TSR_SUIT_P_SOURCE = 22,
    TSR_SUIT_P_INVOKE_ARGS = 23,
    TSR_SUIT_P_DEVICE = 24,
    TSR_SUIT_P_FETCH_ARGS = 25,
    TSR_SUIT_P_VERSION = 28, /* draft-ietf-suit-update-management */
};

typedef enum {
    TSR_SUIT_GREATER = 1,
    TSR_SUIT_AT_LEAST,
    TSR_SUIT_EQUAL,
    TSR_SUIT_AT_MOST,
    TSR_SUIT_LESSER
} tsr_suit_comparison;

/** The parameters of one component; which are set is in `set`. */
typedef struct {
    uint32_t set;
    tsr_bytes vendor, class_id, device; /* TSR_SUIT_UUID bytes each */
    tsr_bytes digest;                   /* TSR_SUIT_DIGEST bytes, SHA-256 */
    tsr_bytes content, uri, invoke_args, fetch_args, encryption;
    uint64_t size, slot, source;
    struct {
        tsr_suit_comparison how;
        size_t count;
        uint32_t number[4];
    } version;
} tsr_suit_params;

static inline bool tsr_suit_has(const tsr_suit_params *p, unsigned parameter)
{
    return (p->set >> parameter & 1u) != 0;
}

/** The device, as the processor sees it. Components are indices into the manifest's list. */
typedef struct {
    void *self;
    /** Tests a condition. The parameter it needs is set; ABORT never comes here.
     *  errors  TSR_E_DENIED  it does not hold (a try-each goes on with its next sequence)
     *          any other     the run ends with it */
    tsr_err (*test)(void *self, tsr_suit_condition what, size_t component,
                    const tsr_suit_params *p);
    /** Carries out WRITE, FETCH, COPY, SWAP or INVOKE. The parameter it needs is set; p->source is
     *  a component of the manifest. errors  any: the run ends with it */
    tsr_err (*act)(void *self, tsr_suit_directive what, size_t component, const tsr_suit_params *p);
} tsr_suit_device;

/** The processor; placed by the caller, opened by tsr_suit_begin(). */
typedef struct {
    const tsr_suit_manifest *manifest;
    const tsr_suit_device *device;
    tsr_suit_params params[TSR_SUIT_COMPONENTS];
    uint8_t list[TSR_SUIT_COMPONENTS]; /* components that commands apply to */
    size_t listed;
    /* private */
    unsigned depth, steps;
    bool shared;  /* in the shared sequence: nothing may change the device */
    bool aborted; /* a try-each was told that a failure is final */
} tsr_suit_run_state;

/** Starts afresh: no parameter is set (SUIT 6.1). Both pointers outlive the processor. */
void tsr_suit_begin(tsr_suit_run_state *r, const tsr_suit_manifest *m, const tsr_suit_device *d);

/** Runs the shared sequence and then `sequence` (m->install.bytes and the like; empty: the shared
 *  one alone). Parameters stay set for the next run.
 *
 *  errors  TSR_E_DENIED       a condition did not hold, or lacked its parameter
 *          TSR_E_MALFORMED    no sequence; soft failure set where it must not be; a directive in
 *                             the shared sequence that changes the device
 *          TSR_E_UNSUPPORTED  an unknown command or parameter, a vendor that is no UUID, too deep,
 *                             too many steps
 *          TSR_E_NOT_FOUND    a directive lacks its parameter, or names no component
 *          any error of the device */
tsr_err tsr_suit_run(tsr_suit_run_state *r, tsr_bytes sequence);

#endif
