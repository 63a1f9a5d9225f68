/* SPDX-License-Identifier: Apache-2.0
 *
 * The way to the TPM: a process of its own that opens the connection, and opens it again when it
 * broke. The secure service itself can open nothing any more once its sandbox is closed; it has one
 * end of a socket pair, on which it sends commands and receives answers. The relay sees what a
 * probe on the TPM's bus sees; secrets cross it encrypted (tpm.c).
 *
 * Frames of the pair: sequence (4, in the machine's order) and a command; sequence (4), outcome
 * (1) and an answer. */
#ifndef PORTS_LINUX_TPM_RELAY_H
#define PORTS_LINUX_TPM_RELAY_H

#include "tessera/base/bytes.h"

#define TSR_TPM_FRAME_MAX 4096u /* bytes of a command or an answer, TPM 2.0 Part 2 Table 4 and up  \
                                 */

typedef enum {
    TSR_TPM_ANSWERED = 0,
    TSR_TPM_UNREACHABLE, /* no connection can be made */
    TSR_TPM_LOST,        /* the connection broke under this command; a new one may be made */
    TSR_TPM_LATE,        /* no answer in time; until it is there, every command ends so, at once */
    TSR_TPM_GONE,        /* the relay itself has ended */
} tsr_tpm_outcome;

typedef struct {
    /* private */
    int fd;
    uint32_t sequence;
    bool waiting; /* a command went out whose answer did not come */
} tsr_tpm_relay;

/** Starts the relay. It opens nothing before the first command.
 *
 *  units   tcti: a TCTI and its configuration as tpm2-tss has it, such as "device:/dev/tpmrm0";
 *          timeout_ms: what receive waits
 *  owner   tcti is copied
 *  errors  TSR_E_IO  no socket pair or process could be made */
tsr_err tsr_tpm_relay_open(tsr_tpm_relay *relay, const char *tcti, unsigned timeout_ms);

/** Sends one command. */
tsr_tpm_outcome tsr_tpm_relay_send(tsr_tpm_relay *relay, tsr_bytes command);

/** Receives its answer, *len bytes at most; *len becomes what there is. */
tsr_tpm_outcome tsr_tpm_relay_receive(tsr_tpm_relay *relay, uint8_t *answer, size_t *len);

/** Ends the relay. Harmless twice. */
void tsr_tpm_relay_close(tsr_tpm_relay *relay);

#endif
