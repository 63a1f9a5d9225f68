/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 5, Firmware Update, version 1.2: a state machine between servers and a small backend that stores,
 * checks and installs packages. It does no I/O of its own:
 *
 *     Push  tsr_lwm2m_firmware_push() takes a package part by part, in order. A package that fits in
 *           one message comes by a plain Write.
 *     Pull  a server writes a URI, `fetch` is set: the host downloads and calls
 *           tsr_lwm2m_firmware_pull(), or tsr_lwm2m_firmware_fail().
 *     Then  a server runs Update, `install` is set: the host answers first, installs, and says
 *           tsr_lwm2m_firmware_done(), perhaps after a restart.
 *
 * Whenever `changed` is set, the host clears it, tells the client (changed, save) and only then sends
 * what waits. */
#ifndef TESSERA_LWM2M_OBJECTS_FIRMWARE_H
#define TESSERA_LWM2M_OBJECTS_FIRMWARE_H

#include "tessera/lwm2m/model/object.h"
#include "tessera/lwm2m/objects/protocol.h"

enum {
    TSR_LWM2M_FIRMWARE_URI = 255,
    TSR_LWM2M_FIRMWARE_NAME = 63,
    TSR_LWM2M_FIRMWARE_ETAG = 64, /* that of HTTP without its quotes; that of CoAP has 8 at most */
    TSR_LWM2M_FIRMWARE_PUSH_MS = 247000, /* the longest pause within a push; see push_wait_ms */
};

/** /5/0/3 */
typedef enum {
    TSR_LWM2M_FIRMWARE_IDLE,
    TSR_LWM2M_FIRMWARE_DOWNLOADING,
    TSR_LWM2M_FIRMWARE_DOWNLOADED,
    TSR_LWM2M_FIRMWARE_UPDATING,
} tsr_lwm2m_firmware_state;

/** /5/0/5. As the answer of a backend, INITIAL means that it went well. */
typedef enum {
    TSR_LWM2M_FIRMWARE_INITIAL,
    TSR_LWM2M_FIRMWARE_SUCCESS,
    TSR_LWM2M_FIRMWARE_NO_FLASH,
    TSR_LWM2M_FIRMWARE_NO_RAM,
    TSR_LWM2M_FIRMWARE_CONNECTION_LOST,
    TSR_LWM2M_FIRMWARE_INTEGRITY,
    TSR_LWM2M_FIRMWARE_TYPE,
    TSR_LWM2M_FIRMWARE_BAD_URI,
    TSR_LWM2M_FIRMWARE_FAILED,
    TSR_LWM2M_FIRMWARE_PROTOCOL,
    TSR_LWM2M_FIRMWARE_CANCELLED,
    TSR_LWM2M_FIRMWARE_DEFERRED,
} tsr_lwm2m_firmware_result;

/** What stores packages. Calls come in this order; every part but the last is a multiple of 16
 *  bytes long. */
typedef struct {
    /** Makes room for a new package; a half one that was there goes. */
    tsr_lwm2m_firmware_result (*begin)(void *user);
    tsr_lwm2m_firmware_result (*write)(void *user, uint32_t offset, tsr_bytes part);
    /** The package is whole: is it good? */
    tsr_lwm2m_firmware_result (*finish)(void *user);
    /** Gives up what was begun, or finished and not installed. */
    void (*abort)(void *user);
} tsr_lwm2m_firmware_backend;

/** The state; the caller zeroes it and calls tsr_lwm2m_firmware_init(). */
typedef struct {
    const tsr_lwm2m_firmware_backend *backend;
    void *user;
    uint8_t protocols;     /* a bit for each that pull can do; 0: push only */
    uint64_t push_wait_ms; /* a push that pauses longer has failed */
    int64_t unix_s;        /* kept fresh by the host; 0: unknown */
    char name[TSR_LWM2M_FIRMWARE_NAME + 1], version[TSR_LWM2M_FIRMWARE_NAME + 1]; /* "": none */
    /* read only, kept over restarts */
    uint8_t state, result, severity;
    bool automatic, pushed; /* pushed: what is on its way comes by Package */
    uint32_t defer_s;
    int64_t changed_unix_s;
    uint32_t offset;        /* bytes taken so far */
    char uri[TSR_LWM2M_FIRMWARE_URI + 1];
    /* of the representation that is being pulled; set by the host */
    uint8_t etag[TSR_LWM2M_FIRMWARE_ETAG], etag_len;
    /* for the host, which clears them */
    bool changed;  /* something that servers can see */
    bool fetch;    /* download `uri` from `offset` on; when it is not set any more while a download
                      runs, `state` says whether to go on */
    bool install;
    /* private */
    uint32_t source; /* of a push */
    uint64_t last_ms;
} tsr_lwm2m_firmware;

void tsr_lwm2m_firmware_init(tsr_lwm2m_firmware *f, const tsr_lwm2m_firmware_backend *backend,
                             void *user);

/** Takes a part of a package that a server writes in blocks. `source` tells servers apart: two at a
 *  time are not possible, and offset 0 begins anew.
 *
 *  source  Core E.6 (Package)
 *  note    TSR_OK with `last` says that the package is here; whether it is good is in `result`
 *  errors  TSR_E_DENIED  not in this state, or another server's push runs
 *          TSR_E_STATE   the part does not follow the one before
 *          TSR_E_SPACE   larger than there is room for, now Idle with a result
 *          TSR_E_IO      it could not be stored, now Idle with a result */
tsr_err tsr_lwm2m_firmware_push(tsr_lwm2m_firmware *f, uint32_t source, uint32_t offset,
                                tsr_bytes part, bool last, uint64_t now_ms);

/** The same for what the host downloads; offset 0 begins anew.
 *  errors  TSR_E_DENIED  nothing is to be downloaded any more; the rest as push */
tsr_err tsr_lwm2m_firmware_pull(tsr_lwm2m_firmware *f, uint32_t offset, tsr_bytes part, bool last);

/** The download cannot be had: Idle with that result. Nothing when none is under way. */
void tsr_lwm2m_firmware_fail(tsr_lwm2m_firmware *f, tsr_lwm2m_firmware_result result);

/** What became of the installation: SUCCESS leads to Idle, and so does every failure. */
void tsr_lwm2m_firmware_done(tsr_lwm2m_firmware *f, tsr_lwm2m_firmware_result result);

/** After a restart, when the state was loaded: a push is over (result 4), a pull goes on at `stored`
 *  bytes (0: from the start), and what was downloaded is there or not. Updating stays: the host
 *  finds out what became of it. */
void tsr_lwm2m_firmware_resume(tsr_lwm2m_firmware *f, uint32_t stored, bool is_whole);

/** Ends a push that has paused too long; the second says when to look (UINT64_MAX: never). */
void tsr_lwm2m_firmware_step(tsr_lwm2m_firmware *f, uint64_t now_ms);
uint64_t tsr_lwm2m_firmware_due_ms(const tsr_lwm2m_firmware *f);

tsr_lwm2m_object tsr_lwm2m_firmware_object(tsr_lwm2m_firmware *firmware);

#endif
