/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 9, LwM2M Software Management 1.0: each instance is one piece of software beside the
 * firmware. A state machine between servers and a backend that stores, checks, installs and runs
 * packages; it does no I/O of its own:
 *
 *     Push  tsr_lwm2m_software_push() takes a package part by part, in order. A package that fits in
 *           one message comes by a plain Write.
 *     Pull  a server writes a URI, `fetch` is set: the host downloads and calls
 *           tsr_lwm2m_software_pull(), or tsr_lwm2m_software_fail().
 *     Then  the package is DOWNLOADED; tsr_lwm2m_software_step() has the backend check it.
 *           Install, Uninstall, Activate and Deactivate are calls of the backend, made at once;
 *           Install alone may take its time, and the state is DELIVERED until it has ended. The
 *           backend keeps a package until INSTALLED is saved, so that a cut between leaves DELIVERED.
 *
 * Whenever `changed` of an instance is set, the host clears it, tells the client (changed, save) and
 * only then sends what waits. Everything here is kept over restarts; what the backend found to be
 * there goes to tsr_lwm2m_software_resume(), because a restart may come between the two. */
#ifndef TESSERA_LWM2M_OBJECTS_SOFTWARE_H
#define TESSERA_LWM2M_OBJECTS_SOFTWARE_H

#include "tessera/lwm2m/model/object.h"

enum {
    TSR_LWM2M_SOFTWARE_URI = 255,
    TSR_LWM2M_SOFTWARE_TEXT = 63, /* bytes of a name, a version, a reason */
    TSR_LWM2M_SOFTWARE_ETAG = 64, /* as in firmware.h */
};

/** /9/x/7 */
typedef enum {
    TSR_LWM2M_SOFTWARE_INITIAL,
    TSR_LWM2M_SOFTWARE_STARTED,
    TSR_LWM2M_SOFTWARE_DOWNLOADED,
    TSR_LWM2M_SOFTWARE_DELIVERED,
    TSR_LWM2M_SOFTWARE_INSTALLED,
} tsr_lwm2m_software_state;

/** /9/x/9. As the answer of a backend, NONE means that it went well. */
typedef enum {
    TSR_LWM2M_SOFTWARE_NONE = 0,
    TSR_LWM2M_SOFTWARE_LOADING = 1,
    TSR_LWM2M_SOFTWARE_DONE = 2,     /* installed */
    TSR_LWM2M_SOFTWARE_VERIFIED = 3, /* downloaded, and it is good */
    TSR_LWM2M_SOFTWARE_NO_STORAGE = 50,
    TSR_LWM2M_SOFTWARE_NO_MEMORY = 51,
    TSR_LWM2M_SOFTWARE_CONNECTION_LOST = 52,
    TSR_LWM2M_SOFTWARE_INTEGRITY = 53,
    TSR_LWM2M_SOFTWARE_TYPE = 54,
    TSR_LWM2M_SOFTWARE_BAD_URI = 56, /* or a protocol that pull cannot do */
    TSR_LWM2M_SOFTWARE_OTHER = 57,
    TSR_LWM2M_SOFTWARE_NOT_INSTALLED = 58,
    TSR_LWM2M_SOFTWARE_NOT_REMOVED = 59,
} tsr_lwm2m_software_result;

/** One instance. */
typedef struct {
    /* read only, kept over restarts */
    uint16_t id;
    bool used;
    uint8_t state, result;
    bool active;   /* it is to run: /9/x/12 */
    bool replaces; /* installed software is in its place until the next Install */
    bool supported_objects; /* /9/x/8 */
    bool pushed;            /* what is on its way comes by Package */
    char uri[TSR_LWM2M_SOFTWARE_URI + 1];
    /* of the representation that is being pulled; set by the host */
    uint8_t etag[TSR_LWM2M_SOFTWARE_ETAG], etag_len;
    /* kept, too; set by the backend: what the package says, and why it was refused */
    char name[TSR_LWM2M_SOFTWARE_TEXT + 1], version[TSR_LWM2M_SOFTWARE_TEXT + 1];
    char reason[TSR_LWM2M_SOFTWARE_TEXT + 1];
    uint32_t offset; /* bytes taken so far; not kept */
    /* for the host, which clears them */
    bool changed;
    bool fetch; /* download `uri` from `offset` on; when it is not set any more while a download
                   runs, `state` says whether to go on */
    /* private */
    bool installing; /* not kept: what was cut off is DELIVERED */
    uint32_t source; /* of a push */
    uint64_t last_ms;
} tsr_lwm2m_software;

/** What stores and runs software, each instance by its id. Parts come in order; every part but the
 *  last is a multiple of 16 bytes long. */
typedef struct {
    /** Makes room for a new package; a half one that was there goes. */
    tsr_lwm2m_software_result (*begin)(void *user, tsr_lwm2m_software *s);
    tsr_lwm2m_software_result (*write)(void *user, tsr_lwm2m_software *s, uint32_t offset,
                                       tsr_bytes part);
    /** The package is whole: is it good? Sets name and version, or reason. */
    tsr_lwm2m_software_result (*finish)(void *user, tsr_lwm2m_software *s);
    /** Gives up a package that is not installed; what is installed stays. */
    void (*abort)(void *user, tsr_lwm2m_software *s);
    /** From the package that was found good, in the place of what was there; all or nothing. LOADING:
     *  it goes on; tsr_lwm2m_software_installed() says how it ended, unless abort or uninstall are
     *  called before, which give it up. */
    tsr_lwm2m_software_result (*install)(void *user, tsr_lwm2m_software *s);
    /** Package and installed software go; what runs was deactivated before. */
    tsr_lwm2m_software_result (*uninstall)(void *user, tsr_lwm2m_software *s);
    /** Runs it; and ends it, before it returns.  errors  any: Activate answers 5.00 */
    tsr_err (*activate)(void *user, tsr_lwm2m_software *s);
    void (*deactivate)(void *user, tsr_lwm2m_software *s);
} tsr_lwm2m_software_backend;

/** All instances; the caller zeroes items and sets the rest. */
typedef struct {
    tsr_lwm2m_software *items; /* in no order */
    size_t count;
    const tsr_lwm2m_software_backend *backend;
    void *user;
    uint8_t protocols;     /* a bit for each that pull can do, as in /5/0/8; 0: push only */
    uint64_t push_wait_ms; /* a push that pauses longer has failed */
} tsr_lwm2m_softwares;

/** The instance of that id; NULL: none. */
tsr_lwm2m_software *tsr_lwm2m_software_find(const tsr_lwm2m_softwares *all, uint16_t id);

/** Makes an instance, as a server's Create does. NULL: no room, or it is there. */
tsr_lwm2m_software *tsr_lwm2m_software_add(const tsr_lwm2m_softwares *all, uint16_t id);

/** Takes a part of a package that a server writes in blocks. `source` tells servers apart: two at a
 *  time are not possible, and offset 0 begins anew.
 *
 *  note    TSR_OK with `last` says that the package is here; whether it is good is in `result`, after
 *          the next step
 *  errors  TSR_E_DENIED  not in this state, or another server's push runs
 *          TSR_E_STATE   the part does not follow the one before
 *          TSR_E_SPACE   larger than there is room for, now INITIAL with a result
 *          TSR_E_IO      it could not be stored, now INITIAL with a result */
tsr_err tsr_lwm2m_software_push(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                                uint32_t source, uint32_t offset, tsr_bytes part, bool last,
                                uint64_t now_ms);

/** The same for what the host downloads; offset 0 begins anew.
 *  errors  TSR_E_DENIED  nothing is to be downloaded any more; the rest as push */
tsr_err tsr_lwm2m_software_pull(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                                uint32_t offset, tsr_bytes part, bool last);

/** The download cannot be had: INITIAL with that result. Nothing when none is under way. */
void tsr_lwm2m_software_fail(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                             tsr_lwm2m_software_result result);

/** How an install that the backend answered with LOADING has ended: INSTALLED, or DELIVERED with that
 *  result. Nothing when it was given up. */
void tsr_lwm2m_software_installed(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                                  tsr_lwm2m_software_result result);

/** What the backend has of an instance after a restart. */
typedef struct {
    uint32_t stored; /* bytes of a package that is not whole, a multiple of the largest block */
    bool whole;      /* a package that was found good and is not installed yet */
    bool installed;  /* software in its place, whole */
    bool failed;     /* and it cannot be started again */
} tsr_lwm2m_software_there;

/** After a restart, when the state was loaded: a push is over (result 52), a pull goes on, and what
 *  the state says is brought in line with what is there. The host has started again what is active,
 *  or says `failed`. */
void tsr_lwm2m_software_resume(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                               const tsr_lwm2m_software_there *there);

/** Checks what is downloaded, ends a push that has paused too long; the second says when to look
 *  (UINT64_MAX: never). */
void tsr_lwm2m_software_step(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s,
                             uint64_t now_ms);
uint64_t tsr_lwm2m_software_due_ms(const tsr_lwm2m_softwares *all, const tsr_lwm2m_software *s);

tsr_lwm2m_object tsr_lwm2m_software_object(tsr_lwm2m_softwares *all);

#endif
