/* SPDX-License-Identifier: Apache-2.0
 *
 * Software runs below a keeper: a small process of the same program, started anew so that it has
 * nothing of its parent's memory. The keeper becomes the software's user, starts DIR/app/start in a
 * sandbox, and ends when that ends. When it is told to end, or its parent is gone (kill -9, too),
 * nothing of the software is left behind.
 *
 * The sandbox: no new privileges, no capability; files are seen in the program's own folder, its data
 * folder (the only one it can write to) and the system's programs and libraries (Landlock); no
 * sockets, or those of the Internet alone; no call that reaches other processes or the kernel's
 * configuration (seccomp); bounded memory. Where the kernel lacks one of these it is logged.
 *
 * What its data folder and those that it shares hold is measured by the keeper, before it starts and every other
 * second: that needs no quota of the file system. A file has its bound from the kernel; software whose files are
 * found to be too large together is ended. With a user of its own the number of processes is bounded, and its priority
 * is low, so that who spins takes no more of the processor than others leave. */
#ifndef PORTS_LINUX_SOFTWARE_RUN_H
#define PORTS_LINUX_SOFTWARE_RUN_H

#include <sys/types.h>

#include "ports/linux/software/store.h"

#define TSR_SOFTWARE_WORD "keep-software" /* the first argument of a keeper */

enum { TSR_SOFTWARE_SHARED = 4 /* folders */ };
enum { TSR_SOFTWARE_END_MS = 2000 /* from SIGTERM to SIGKILL */ };

typedef struct {
    const char *folder; /* DIR/N of a store */
    const char *user;   /* "": as we are */
    uint32_t memory_mb; /* address space of each of its processes */
    uint32_t data_mb;   /* of its data folder and `shared` together; every name there counts 4 KB at least */
    bool network;
    const char *const *shared; /* folders that it may read and write beside its own, then NULL; NULL: none */
} tsr_software_how;

/** Starts a keeper: /proc/self/exe, whose main() calls tsr_software_keeper() for that word.
 *
 *  units   *end: a descriptor that becomes readable when it has ended; the caller's
 *  errors  TSR_E_IO  errno says why; software that cannot be started ends its keeper instead */
tsr_err tsr_software_start(const tsr_software_how *how, pid_t *keeper, int *end);

/** Puts the files of a bundle in their place (tsr_software_install()) in a child, which ends with us; the
 *  bundle may be unmapped then.
 *
 *  units   *end: a descriptor that becomes readable when it is done; the caller's
 *  errors  TSR_E_IO  errno says why */
tsr_err tsr_software_install_begin(const tsr_software_store *s, uint16_t id, tsr_bytes bundle, pid_t *child, int *end);

/** How it ended, and waits for that if it has not. errno as it was there.
 *  errors  as tsr_software_install() */
tsr_err tsr_software_install_end(pid_t child, int end);

/** Ends a keeper and all below it, and waits for that. */
void tsr_software_stop(pid_t keeper, int end);

/** What became of a keeper that has ended: its exit status as of waitpid().
 *  *too_much: it was ended, or not started, because its folders hold more than they may */
int tsr_software_ended(pid_t keeper, int end, bool *too_much);

/** The keeper's life. Returns its exit code: that of the software, 128 and the signal's number, or
 *  126 when it could not be started. */
int tsr_software_keeper(int argc, char **argv);

/** Gives up what software must not have; for the process that becomes it.
 *  shared  folders, then NULL
 *  errors  TSR_E_IO  do not start it */
tsr_err tsr_software_cage(const char *folder, bool network, char *const *shared);

#endif
