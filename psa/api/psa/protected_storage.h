/* SPDX-License-Identifier: Apache-2.0
 *
 * Protected Storage: assets on a medium that others can read and write. Unless waived, content is
 * encrypted; always it is authenticated; and an older content put back is noticed.
 * source  PSA Secure Storage API 1.0.4
 *
 * An asset belongs to the client that set it. Errors that every function below may give besides
 * its own: PSA_ERROR_INVALID_ARGUMENT (uid 0, or memory that cannot be the caller's),
 * PSA_ERROR_STORAGE_FAILURE (the medium failed), PSA_ERROR_NOT_PERMITTED (the device's lifecycle
 * does not allow it), PSA_ERROR_GENERIC_ERROR, and those of psa_call(). */
#ifndef PSA_PROTECTED_STORAGE_H
#define PSA_PROTECTED_STORAGE_H

#include "psa/error.h"
#include "psa/storage_common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PSA_PS_API_VERSION_MAJOR 1
#define PSA_PS_API_VERSION_MINOR 0

/** Creates or replaces an asset; on success it survives a power cut. Its capacity becomes
 *  data_length.
 *
 *  units   data_length in bytes; 0 makes an empty asset
 *  errors  PSA_ERROR_NOT_SUPPORTED         an unknown create flag
 *          PSA_ERROR_NOT_PERMITTED         the asset was set WRITE_ONCE
 *          PSA_ERROR_INSUFFICIENT_STORAGE  full, or this client's share is, or longer than any
 *                                          asset may be; the old content stays */
psa_status_t psa_ps_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                        psa_storage_create_flags_t create_flags);

/** Reads up to data_size bytes from data_offset on.
 *
 *  units   *p_data_length: bytes written to p_data, the lesser of data_size and what is left;
 *          0 whenever nothing is returned
 *  errors  PSA_ERROR_DOES_NOT_EXIST     no such asset
 *          PSA_ERROR_INVALID_ARGUMENT   also: an offset beyond the size, or a data_size no buffer
 *                                       of a client can have
 *          PSA_ERROR_INVALID_SIGNATURE  the content was altered, or is an older one put back
 *          PSA_ERROR_DATA_CORRUPT       the content is damaged or gone from the medium */
psa_status_t psa_ps_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                        size_t *p_data_length);

/** errors  PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_INVALID_SIGNATURE, PSA_ERROR_DATA_CORRUPT */
psa_status_t psa_ps_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info);

/** Also takes an asset away whose content is damaged.
 *  errors  PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_NOT_PERMITTED (WRITE_ONCE) */
psa_status_t psa_ps_remove(psa_storage_uid_t uid);

/** Makes an empty asset with room for `capacity` bytes, to be filled by psa_ps_set_extended().
 *
 *  errors  PSA_ERROR_ALREADY_EXISTS
 *          PSA_ERROR_NOT_SUPPORTED         WRITE_ONCE, or an unknown create flag
 *          PSA_ERROR_INSUFFICIENT_STORAGE  as psa_ps_set */
psa_status_t psa_ps_create(psa_storage_uid_t uid, size_t capacity,
                           psa_storage_create_flags_t create_flags);

/** Overwrites or appends a part of an asset; the old or the new content survives a power cut.
 *
 *  units   data_offset at most the size (no gaps); data_offset + data_length at most the capacity;
 *          data_length 0 changes nothing
 *  errors  PSA_ERROR_DOES_NOT_EXIST
 *          PSA_ERROR_INVALID_ARGUMENT      also: outside of these bounds
 *          PSA_ERROR_NOT_PERMITTED         the asset was set WRITE_ONCE
 *          PSA_ERROR_INSUFFICIENT_STORAGE  no room beside the old content, which stays
 *          PSA_ERROR_INVALID_SIGNATURE, PSA_ERROR_DATA_CORRUPT: the old content, see psa_ps_get */
psa_status_t psa_ps_set_extended(psa_storage_uid_t uid, size_t data_offset, size_t data_length,
                                 const void *p_data);

/** Which optional functions work: PSA_STORAGE_SUPPORT_SET_EXTENDED. */
uint32_t psa_ps_get_support(void);

#ifdef __cplusplus
}
#endif

#endif
