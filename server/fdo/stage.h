/* SPDX-License-Identifier: Apache-2.0
 *
 * How far each device is: kept with its times, told to whoever watches, written into the audit log.
 * Private to server/fdo. */
#ifndef SERVER_FDO_STAGE_H
#define SERVER_FDO_STAGE_H

#include "server/fdo/service.h"

/** Keeps and tells it, by the operator or by this service itself. */
void fdo_reach(tsr_fdo *f, const char *guid, tsr_fdo_stage stage, const char *detail);

/** The same in a protocol, and into the audit log: the session says which peer and which device. What
 *  is said of it is as in printf. */
void fdo_reach_by(tsr_fdo *f, const fdo_session *s, tsr_fdo_stage stage, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** A message was refused. */
void fdo_refused_by(tsr_fdo *f, const fdo_session *s, const char *peer, uint8_t type,
                    const fdo_reply *r);

/** What this service does by itself: `what` for the audit log. */
void fdo_write_down(tsr_fdo *f, bool refused, const char *what, const char *guid,
                    const char *detail);

/** The next GUID of a device begins with the stages of the one before. */
void fdo_stages_follow(tsr_fdo *f, const char *from, const char *to);

/** Appends the array of a device's stages; `out` grows. errors TSR_E_IO, TSR_E_SPACE */
tsr_err fdo_stages_put(tsr_fdo *f, const char *guid, tsr_buf *out);

#endif
