/* SPDX-License-Identifier: Apache-2.0
 *
 * Internal Trusted Storage as a service: each client has its own assets. */
#ifndef SECURE_SPM_ITS_SERVICE_H
#define SECURE_SPM_ITS_SERVICE_H

#include "secure/spm/spm.h"

/** Answers one message (tsr_spm_service.call); `self` is a tsr_its.
 *  errors  those of secure/storage/its.h, and PSA_ERROR_PROGRAMMER_ERROR for an unknown function,
 *          wrong vectors or a broken block */
psa_status_t tsr_its_call(void *self, tsr_spm_msg *msg);

#endif
