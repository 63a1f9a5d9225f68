/* SPDX-License-Identifier: Apache-2.0
 *
 * The client interface of the PSA Firmware Framework for M 1.1, stateless services only.
 * One call carries up to four vectors across the wall; the platform (a port) defines psa_call(). */
#ifndef PSA_CLIENT_H
#define PSA_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "psa/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PSA_FRAMEWORK_VERSION 0x0101u
#define PSA_VERSION_NONE      0u
#define PSA_NULL_HANDLE       ((psa_handle_t)0)
#define PSA_MAX_IOVEC         4u
#define PSA_CALL_TYPE_MIN     0
#define PSA_CALL_TYPE_MAX     INT16_MAX

typedef int32_t psa_handle_t;

typedef struct psa_invec {
    const void *base;
    size_t len;
} psa_invec;

typedef struct psa_outvec {
    void *base;
    size_t len; /* in: room; out: bytes written by the service */
} psa_outvec;

/* Static handles of Tessera's stateless services; the numbers are those of TF-M's manifests. */
#define TSR_PSA_CRYPTO_HANDLE   ((psa_handle_t)1)
#define TSR_PSA_PS_HANDLE       ((psa_handle_t)2)
#define TSR_PSA_ITS_HANDLE      ((psa_handle_t)3)
#define TSR_PSA_ATTEST_HANDLE   ((psa_handle_t)4)
#define TSR_PSA_FWU_HANDLE      ((psa_handle_t)5)
#define TSR_PSA_PLATFORM_HANDLE ((psa_handle_t)6)

/** Calls a service of the secure world and waits for its answer.
 *
 *  source  FF-M 1.1, stateless services
 *  units   in_len + out_len at most PSA_MAX_IOVEC; type 0 to INT16_MAX
 *  owner   the vectors are the caller's; the service sees copies, taken once
 *  errors  the service's own status, and
 *          PSA_ERROR_PROGRAMMER_ERROR       too many vectors, an unknown handle, a broken message
 *          PSA_ERROR_COMMUNICATION_FAILURE  the secure world is absent or went away in mid-call;
 *                                           the next call tries again
 *          PSA_ERROR_CONNECTION_REFUSED     it is there and will not serve this client
 *          PSA_ERROR_CONNECTION_BUSY        this client holds all the connections it may have
 *          PSA_ERROR_INSUFFICIENT_MEMORY    more bytes than one call may carry */
psa_status_t psa_call(psa_handle_t handle, int32_t type, const psa_invec *in_vec, size_t in_len,
                      psa_outvec *out_vec, size_t out_len);

#ifdef __cplusplus
}
#endif

#endif
