/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage as a service: each client has its own assets. */
#ifndef SECURE_SPM_PS_SERVICE_H
#define SECURE_SPM_PS_SERVICE_H

#include "secure/spm/spm.h"

/** Answers one message (tsr_spm_service.call); `self` is a tsr_ps.
 *  errors  those of secure/storage/ps.h, and PSA_ERROR_PROGRAMMER_ERROR for an unknown function,
 *          wrong vectors or a broken block */
psa_status_t tsr_ps_call(void *self, tsr_spm_msg *msg);

#endif
