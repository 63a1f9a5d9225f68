/* SPDX-License-Identifier: Apache-2.0
 *
 * One program that an owner may run: named by the configuration, started without a shell, for a time
 * and an output that are bounded. */
#ifndef PORTS_LINUX_FDO_CHILD_H
#define PORTS_LINUX_FDO_CHILD_H

#include <sys/types.h>

#include "tessera/base/bytes.h"

enum { TSR_CHILD_ARGS = 32, TSR_CHILD_TEXT = 4096 };

typedef struct {
    const char *program;   /* an absolute path */
    const char *directory; /* where it runs; NULL: "/" */
    const char *const *args; /* without the program's own name; TSR_CHILD_ARGS at most */
    size_t arg_count;
    uint32_t most_ms;      /* then it is killed, with whatever it started */
    uint32_t most_output;  /* bytes of each stream; what is more is dropped */
} tsr_child_how;

/** Zeroed memory with pid 0 is none. */
typedef struct {
    /* private */
    pid_t pid;
    int end[2]; /* of standard output and standard error; -1: over */
    uint32_t left[2];
    uint64_t kill_ms;
    int code;
    bool over, killed;
} tsr_child;

/** errors  TSR_E_IO  errno says why; a program that is not there ends with 127 */
tsr_err tsr_child_start(tsr_child *c, const tsr_child_how *how, uint64_t now_ms);

/** Some of a stream (0: output, 1: errors), as it came.
 *  errors  TSR_END  nothing now */
tsr_err tsr_child_read(tsr_child *c, int stream, tsr_buf *out);

/** Whether it has ended and all it said was read; then *code is its exit code, or 128 and the number
 *  of the signal that ended it. Kills it when its time is over. */
bool tsr_child_ended(tsr_child *c, uint64_t now_ms, int *code);

/** Sends a signal to it and whatever it started. */
void tsr_child_signal(const tsr_child *c, int number);

/** Kills it, if it is there. */
void tsr_child_drop(tsr_child *c);

static inline bool tsr_child_running(const tsr_child *c) { return c->pid != 0; }

#endif
