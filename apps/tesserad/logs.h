/* SPDX-License-Identifier: Apache-2.0
 *
 * What object 20 collects: the daemon's own lines and those of the kernel. */
#ifndef APPS_TESSERAD_LOGS_H
#define APPS_TESSERAD_LOGS_H

#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/event_log.h"

enum { LOGS = 3, LOGS_LEN = 8192 };

typedef struct {
    tsr_lwm2m_logs all;
    tsr_lwm2m_log item[LOGS];
    uint8_t memory[LOGS][LOGS_LEN];
    int kernel; /* the kernel's log, to be polled; below 0: not read */
} logs;

/** Instance 0 runs from here on and gets every line; with `kernel`, what the kernel still has. */
void logs_begin(logs *l, bool kernel);

/** Takes what the kernel has to say, but not without end. */
void logs_read_kernel(logs *l);

/** Ends what is over, and tells the client what has changed. */
void logs_tell(logs *l, tsr_lwm2m_client *client);

/** No line comes any more. Harmless before logs_begin(), if all is zero. */
void logs_end(logs *l);

#endif
