/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's security lifecycle, from the normal world. The states and their values are those of
 * RFC 9783 §4.3.1 (secure/lifecycle/lifecycle.h). */
#ifndef PSA_CLIENT_PLATFORM_H
#define PSA_CLIENT_PLATFORM_H

#include "psa/client.h"

/** Anyone may ask.
 *  errors  those of psa_call(); *state is untouched on failure */
psa_status_t tsr_platform_lifecycle(uint32_t *state);

/** Moves the device on to a later state, durably. There is no way back.
 *
 *  errors  PSA_ERROR_NOT_PERMITTED     this client is no maintainer (on Linux: neither root nor the
 *                                      service's own user), or the state is not later
 *          PSA_ERROR_INVALID_ARGUMENT  no such state
 *          PSA_ERROR_STORAGE_FAILURE, and those of psa_call() */
psa_status_t tsr_platform_advance(uint32_t state);

#endif
