/* SPDX-License-Identifier: Apache-2.0
 *
 * A TPM 2.0 as a place for keys (secure/crypto/location.h) and as the lock of the root key's file
 * (ports/linux/root/sealed.h).
 *
 * Nothing is kept in the TPM. Keys and the sealed root key are made under its storage primary (the
 * ECC template of the TCG's provisioning guidance, from the owner hierarchy's seed) and kept
 * outside as what the TPM wrapped: only this TPM, with this seed, can use them. Secrets (the root
 * key, a shared secret, an imported key) cross the way to the TPM encrypted, in a session that is
 * salted by the primary.
 *
 * A TPM that went away is asked again at each call; when it is back, everything works as before. */
#ifndef PORTS_LINUX_TPM_TPM_H
#define PORTS_LINUX_TPM_TPM_H

#include <tss2/tss2_tcti.h>

#include "ports/linux/root/sealed.h"
#include "ports/linux/tpm/relay.h"
#include "secure/crypto/location.h"

#define TSR_TPM_NAME 34u /* bytes of an object's name: algorithm, SHA-256; TPM 2.0 Part 1 §16 */

struct ESYS_CONTEXT;

typedef struct {
    tsr_location location; /* for tsr_crypto; the struct must not move */
    tsr_root_wrap wrap;    /* for tsr_root_sealed_open_wrapped() */
    /* private */
    struct { /* what tpm2-tss sends and receives through */
        TSS2_TCTI_CONTEXT_COMMON_V1 common;
        tsr_tpm_relay relay;
        tsr_tpm_outcome outcome; /* of the last command that failed to be answered */
    } way;
    struct ESYS_CONTEXT *esys; /* NULL: to be begun anew */
    uint32_t primary;
    uint8_t name[TSR_TPM_NAME]; /* of the primary, from the first time on; algorithm 0: none yet */
} tsr_tpm;

/** Starts the relay. Call it while no secret is in memory and the sandbox is open. Whether there is
 *  a TPM shows at the first use.
 *
 *  units   tcti: such as "device:/dev/tpmrm0" or "swtpm:host=127.0.0.1,port=2321"
 *  errors  TSR_E_IO */
tsr_err tsr_tpm_open(tsr_tpm *tpm, const char *tcti);

/** Reaches the TPM and makes its primary. The cryptography of this way is used once, so that
 *  whatever it opens or asks of the system is done before the sandbox closes.
 *
 *  errors  PSA_ERROR_COMMUNICATION_FAILURE  it cannot be reached, or does not answer
 *          PSA_ERROR_NOT_PERMITTED          its owner hierarchy wants a password
 *          PSA_ERROR_NOT_SUPPORTED          it has no P-256, SHA-256 or AES-128-CFB
 *          PSA_ERROR_HARDWARE_FAILURE       it failed, or is not the one of before */
psa_status_t tsr_tpm_reach(tsr_tpm *tpm);

/** A status of this header in words, and what to do about it. errors as a tsr_root_source's */
tsr_err tsr_tpm_told(psa_status_t status, const char **cause, const char **remedy);

/** Ends the relay. Harmless twice, and on a struct of zeros. */
void tsr_tpm_close(tsr_tpm *tpm);

#endif
