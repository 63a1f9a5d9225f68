/* SPDX-License-Identifier: Apache-2.0
 *
 * A real software TPM for tests, on two ports of the loopback, with its state in a directory. */
#ifndef TESTS_PSA_SWTPM_H
#define TESTS_PSA_SWTPM_H

#include <sys/types.h>

typedef struct {
    char state[96]; /* made by swtpm_start */
    char tcti[64];  /* what --tpm wants */
    unsigned port;
    pid_t pid; /* 0: not running */
} swtpm;

/** Chooses ports. Ends the program with a message when swtpm is not installed. */
void swtpm_prepare(swtpm *t);

/** Starts it on `state`, a new TPM when the directory is not there, and waits until it listens. */
void swtpm_start(swtpm *t, const char *state);

/** SIGKILL, or another signal. */
void swtpm_kill(swtpm *t);
void swtpm_signal(const swtpm *t, int signal);

/** Removes a state. */
void swtpm_remove(const char *state);

#endif
