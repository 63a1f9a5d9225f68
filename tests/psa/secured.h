/* SPDX-License-Identifier: Apache-2.0
 *
 * A real tessera-secured for tests: started, killed and started again, in a directory of its own.
 */
#ifndef TESTS_PSA_SECURED_H
#define TESTS_PSA_SECURED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {
    char dir[64];    /* a fresh directory, 0755 */
    char socket[96]; /* DIR/s */
    char store[96];  /* DIR/store */
    char log[96];    /* DIR/log: its standard error */
    pid_t pid;       /* 0: not running */
    int give;        /* a descriptor that the service gets as number 10; 0: none */
} secured;

/** Makes the directory and points this process's gate at the socket. Starts nothing. */
void secured_prepare(secured *s);

/** Starts the service and waits until it is ready (at most 20 s).
 *  `extra` are more command-line words, NULL-terminated; NULL for none.
 *  Returns false when it ended instead; then secured_log_has() tells why. */
bool secured_start(secured *s, const char *const *extra);

/** SIGTERM; returns the exit code, or 128 + the signal that ended it. */
int secured_stop(secured *s);

/** SIGKILL. */
void secured_kill(secured *s);

/** Ends it if need be and removes the directory. */
void secured_clean(secured *s);

/** Whether its log has this text by now (waits up to 2 s for it). */
bool secured_log_has(const secured *s, const char *text);

/** One figure out of the log line that SIGUSR1 makes, such as "keys=". */
long secured_figure(const secured *s, const char *name);

/** Open descriptors of the service. */
long secured_descriptors(const secured *s);

/** Runs `fn` in a child of user `uid` and returns its result, 0 to 255; 255 when it crashed, and
 *  -1 when this process may not change users (then the test is to be skipped). */
int secured_as_user(uid_t uid, int (*fn)(void *), void *arg);

#endif
