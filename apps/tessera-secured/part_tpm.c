/* SPDX-License-Identifier: Apache-2.0
 *
 * The TPM, if there is to be one. First of all parts: its relay is a fork of this process, and has
 * to be made while no secret is in memory. */
#include "apps/tessera-secured/world.h"
#include "ports/linux/secured/log.h"

tsr_err tsr_part_tpm_open(tsr_world *w)
{
    const char *tcti = w->options->tpm, *cause = "no process for it could be made";
    const char *remedy = "raise the limit of processes";
    tsr_err err;

    if (tcti == NULL)
        return TSR_OK;
    err = tsr_tpm_open(&w->tpm, tcti);
    if (err == TSR_OK)
        err = tsr_tpm_told(tsr_tpm_reach(&w->tpm), &cause, &remedy);
    if (err == TSR_OK) {
        tsr_log("info", "tpm.reached", "tcti=\"%s\"", tcti);
        return TSR_OK;
    }
    tsr_log("error", "tpm.failed", "tcti=\"%s\" cause=\"%s\" remedy=\"%s\"", tcti, cause, remedy);
    tsr_tpm_close(&w->tpm);
    return err;
}

void tsr_part_tpm_close(tsr_world *w) { tsr_tpm_close(&w->tpm); }
