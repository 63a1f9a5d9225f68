/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this directory share. */
#ifndef PORTS_LINUX_TPM_INTERNAL_H
#define PORTS_LINUX_TPM_INTERNAL_H

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include "ports/linux/tpm/tpm.h"

/* Work on the TPM, in one piece. It leaves nothing there, whatever it returns. It may be called a
 * second time, when the TPM had been restarted. */
typedef TSS2_RC (*tsr_tpm_work)(tsr_tpm *t, void *arg);

/** Does the work with the TPM reached and t->primary made. errors as tsr_tpm_reach(), and
 *  what the work's code means: PSA_ERROR_DATA_INVALID (wrapped by another TPM),
 *  PSA_ERROR_INVALID_ARGUMENT (a point off the curve), PSA_ERROR_INSUFFICIENT_MEMORY */
psa_status_t tsr_tpm_do(tsr_tpm *t, tsr_tpm_work work, void *arg);

/** A salted HMAC session that ends with the command it is used for.
 *  units  attributes: TPMA_SESSION_DECRYPT (first parameter in), _ENCRYPT (first one out) */
TSS2_RC tsr_tpm_session(tsr_tpm *t, TPMA_SESSION attributes, ESYS_TR *session);

/** Takes an object, or the session of a command that failed, out of the TPM. ESYS_TR_NONE: none. */
void tsr_tpm_flush(tsr_tpm *t, ESYS_TR *object);

/** Loads a wrapped object under the primary. */
TSS2_RC tsr_tpm_load(tsr_tpm *t, const TPM2B_PUBLIC *pub, const TPM2B_PRIVATE *private,
                     ESYS_TR *object);

/* The wrapped form: TPM2B_PUBLIC, TPM2B_PRIVATE (docs/WIRE.md). */
void tsr_tpm_put_wrapped(tsr_buf *out, const TPM2B_PUBLIC *pub, const TPM2B_PRIVATE *private);
tsr_err tsr_tpm_get_wrapped(tsr_bytes in, TPM2B_PUBLIC *pub, TPM2B_PRIVATE *private);

extern const TPM2B_DATA tsr_tpm_no_data;
extern const TPML_PCR_SELECTION tsr_tpm_no_pcr;

void tsr_tpm_keys_init(tsr_tpm *t); /* t->location */
void tsr_tpm_seal_init(tsr_tpm *t); /* t->wrap */

#endif
