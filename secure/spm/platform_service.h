/* SPDX-License-Identifier: Apache-2.0
 *
 * The platform service: the device's lifecycle, and what it forbids to the other services. */
#ifndef SECURE_SPM_PLATFORM_SERVICE_H
#define SECURE_SPM_PLATFORM_SERVICE_H

#include "secure/lifecycle/lifecycle.h"
#include "secure/spm/spm.h"

#define TSR_PLATFORM_MAINTAINERS 4u

typedef struct {
    tsr_lifecycle *lifecycle;
    int32_t maintainers[TSR_PLATFORM_MAINTAINERS]; /* clients that may advance it; 0: nobody */
    /** Told of every state that was entered, after it is durable; may be NULL. */
    void (*entered)(void *self, tsr_lifecycle_state state);
    void *entered_self;
} tsr_platform;

/** Answers one message (tsr_spm_service.call); `self` is a tsr_platform. Functions and their
 *  vectors are listed in psa/wire/platform.h.
 *  errors  PSA_ERROR_NOT_PERMITTED     advance: the caller is no maintainer, or the state is not
 *                                      later than the present one
 *          PSA_ERROR_INVALID_ARGUMENT  advance: no such state
 *          PSA_ERROR_PROGRAMMER_ERROR  unknown function, wrong vectors, broken block
 *          those of tsr_lifecycle_advance */
psa_status_t tsr_platform_call(void *self, tsr_spm_msg *msg);

/** Whether the present state lets a service be called (tsr_spm.admit); `self` is a tsr_platform.
 *  errors  PSA_ERROR_NOT_PERMITTED */
psa_status_t tsr_platform_admit(void *self, psa_handle_t handle);

#endif
