/* SPDX-License-Identifier: Apache-2.0
 *
 * PSA Internal Trusted Storage on the store.
 * source  PSA Secure Storage API 1.0.4
 *
 * Every client has a name space of its own. Who calls is told by the wall, from what the kernel or
 * the TrustZone border says, never by the request: normal-world clients are negative, partitions
 * of the secure world positive (FF-M), so no client can reach TSR_ITS_CRYPTO. */
#ifndef SECURE_STORAGE_ITS_H
#define SECURE_STORAGE_ITS_H

#include "psa/api/psa/error.h"
#include "psa/api/psa/storage_common.h"
#include "secure/storage/store.h"

/* Name spaces of partitions. PS also owns the 65,535 numbers behind its own (secure/storage/ps.h).
 */
#define TSR_ITS_CRYPTO   ((int32_t)0x43525950) /* the crypto service's own keys */
#define TSR_ITS_PS       ((int32_t)0x50530000) /* replay protection of Protected Storage */
#define TSR_ITS_ATTEST   ((int32_t)0x41545354) /* attestation: settings */
#define TSR_ITS_FWU      ((int32_t)0x46575500) /* firmware update: components, counters */
#define TSR_ITS_PLATFORM ((int32_t)0x504c4154) /* the lifecycle */

typedef struct {
    tsr_store *store;
    size_t buffer_max; /* no client has a buffer this long or longer; longer gets are refused */
    uint32_t quota;    /* bytes (footprints) one normal-world client may hold; 0: no limit */
    bool provisioning; /* lifecycle PSA_ROT_PROVISIONING: WRITE_ONCE is not enforced yet */
} tsr_its;

/** Creates or replaces an asset; durable on success.
 *
 *  units   client: negative for the normal world, positive for partitions, 0 is nobody
 *  errors  PSA_ERROR_INVALID_ARGUMENT      uid 0, or no data where len is not 0
 *          PSA_ERROR_NOT_SUPPORTED         an unknown create flag
 *          PSA_ERROR_NOT_PERMITTED         the asset is WRITE_ONCE; or client 0
 *          PSA_ERROR_INSUFFICIENT_STORAGE  full, over the quota, or longer than any value may be;
 *                                          the old content stays
 *          PSA_ERROR_STORAGE_FAILURE       the medium failed; store->report says more */
psa_status_t tsr_its_set(tsr_its *its, int32_t client, psa_storage_uid_t uid, size_t len,
                         const void *data, psa_storage_create_flags_t flags);

/** Reads up to `size` bytes from `offset` on.
 *
 *  units   *len: bytes written; 0 whenever nothing is returned
 *  errors  PSA_ERROR_INVALID_ARGUMENT  uid 0, offset beyond the asset, size above buffer_max,
 *                                      or no buffer where size is not 0
 *          PSA_ERROR_DOES_NOT_EXIST
 *          PSA_ERROR_STORAGE_FAILURE   the medium failed, or the asset is damaged */
psa_status_t tsr_its_get(tsr_its *its, int32_t client, psa_storage_uid_t uid, size_t offset,
                         size_t size, void *data, size_t *len);

/** errors  PSA_ERROR_INVALID_ARGUMENT (uid 0, no info), PSA_ERROR_DOES_NOT_EXIST */
psa_status_t tsr_its_get_info(const tsr_its *its, int32_t client, psa_storage_uid_t uid,
                              struct psa_storage_info_t *info);

/** errors  PSA_ERROR_INVALID_ARGUMENT (uid 0), PSA_ERROR_DOES_NOT_EXIST,
 *          PSA_ERROR_NOT_PERMITTED (WRITE_ONCE), PSA_ERROR_STORAGE_FAILURE */
psa_status_t tsr_its_remove(tsr_its *its, int32_t client, psa_storage_uid_t uid);

/** Removes every asset of everybody but `keep`, WRITE_ONCE or not: the end of a device's life. What
 *  a power cut leaves is removed by the next call. Values are overwritten where the medium allows.
 *  errors  PSA_ERROR_STORAGE_FAILURE */
psa_status_t tsr_its_wipe(tsr_its *its, int32_t keep);

#endif
