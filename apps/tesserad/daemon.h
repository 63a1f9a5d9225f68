/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's life: sockets, signals, the client, and the event loop. */
#ifndef APPS_TESSERAD_DAEMON_H
#define APPS_TESSERAD_DAEMON_H

#include "apps/tesserad/config.h"

typedef enum {
    DAEMON_ENDED,   /* by a signal, in good order */
    DAEMON_RELOAD,  /* SIGHUP, and the new configuration is good: run again */
    DAEMON_REBOOT,  /* a server asked for it */
    DAEMON_FAILED,  /* cannot run; the log says why */
} daemon_end;

/** Runs until there is a reason to end. `path` is the configuration's, for SIGHUP. */
daemon_end daemon_run(const config *c, const char *path);

/** Blocks TERM, INT, HUP and USR1, and gives a descriptor to read them from; -1: none. */
int daemon_signals(void);

/** `tesserad provision`: brings a pre-shared key, or an OSCORE master secret, from a file or standard input into PSA under the
 *  key id of the server's section, wipes every copy it made, and empties and removes the file.
 *
 *  format  "hex", "base64" or "raw"
 *  returns the exit code; says the cause and the remedy on standard error */
int daemon_provision(const config *c, uint32_t short_id, const char *key_file, const char *format,
                     bool oscore, bool replace);

#endif
