/* SPDX-License-Identifier: Apache-2.0
 *
 * The launcher's children: programs in memory, run as their own user, that do not outlive it. */
#ifndef APPS_TESSERA_BOOT_CHILD_H
#define APPS_TESSERA_BOOT_CHILD_H

#include <sys/types.h>

#include "tessera/base/bytes.h"

enum { CHILD_ARGUMENTS = 48, CHILD_DESCRIPTORS = 4 };

/** How a program is to be started. Zeroed, then child_argument() and child_keep(). */
typedef struct {
    const char *name;
    int program;       /* a file in memory */
    const char *user;  /* "" or NULL: as we are */
    bool locks_memory; /* it needs no limit on locked memory */
    int last_signal;   /* sent to it when the launcher is gone */
    char *arguments[CHILD_ARGUMENTS + 1];
    size_t argument_count;
    int keep[CHILD_DESCRIPTORS]; /* descriptors it inherits under the same number */
    size_t keep_count;
} child_plan;

/** Adds an argument, printf-like; child_forget() gives the memory back. */
void child_argument(child_plan *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void child_keep(child_plan *p, int fd);
void child_forget(child_plan *p);

/** Whether there is such a user ("" and NULL: always). */
bool child_user_exists(const char *user);

/** Becomes that user for good. false: errno. */
bool child_become(const char *user);

/** Starts it in a process group of its own; -1: errno. What fails later is exit code 127.
 *
 *  It inherits standard input, output and error, what child_keep() named, a umask of 077, and the
 *  environment without what would make the loader take other code (LD_PRELOAD and its like). */
pid_t child_start(const child_plan *p);

/** How a process ended, for logs: "exit=1" or "signal=11". */
void child_end_text(int status, char text[32]);

#endif
