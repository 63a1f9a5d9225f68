/* SPDX-License-Identifier: Apache-2.0
 *
 * Internal Trusted Storage.
 * source  PSA Secure Storage API 1.0.4
 *
 * On the application's side of the wall these calls cross it, and an asset belongs to the client
 * that set it (secure/spm gives the client's number). Inside the secure world the same names are
 * what Mbed TLS's PSA core stores its persistent keys with (secure/crypto). */
#ifndef PSA_INTERNAL_TRUSTED_STORAGE_H
#define PSA_INTERNAL_TRUSTED_STORAGE_H

#include "psa/error.h"
#include "psa/storage_common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PSA_ITS_API_VERSION_MAJOR 1
#define PSA_ITS_API_VERSION_MINOR 0

/** Creates or replaces an asset; on success it survives a power cut.
 *
 *  units   data_length in bytes; 0 makes an empty asset
 *  errors  PSA_ERROR_INVALID_ARGUMENT      uid 0, or data that is not there
 *          PSA_ERROR_NOT_SUPPORTED         an unknown create flag
 *          PSA_ERROR_NOT_PERMITTED         the asset was set WRITE_ONCE
 *          PSA_ERROR_INSUFFICIENT_STORAGE  full, or this client's share is; the old content stays
 *          PSA_ERROR_STORAGE_FAILURE       the medium failed; the old content stays */
psa_status_t psa_its_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags);

/** Reads up to data_size bytes from data_offset on.
 *
 *  units   *p_data_length: bytes written to p_data, the lesser of data_size and what is left;
 *          0 whenever nothing is returned
 *  errors  PSA_ERROR_DOES_NOT_EXIST    no such asset
 *          PSA_ERROR_INVALID_ARGUMENT  uid 0, an offset beyond the size, or a data_size no buffer
 *                                      of a client can have
 *          PSA_ERROR_STORAGE_FAILURE   the medium failed, or the content is damaged */
psa_status_t psa_its_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                         size_t *p_data_length);

/** errors  PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_INVALID_ARGUMENT (uid 0), PSA_ERROR_STORAGE_FAILURE
 */
psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info);

/** errors  PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_NOT_PERMITTED (WRITE_ONCE),
 *          PSA_ERROR_INVALID_ARGUMENT (uid 0), PSA_ERROR_STORAGE_FAILURE */
psa_status_t psa_its_remove(psa_storage_uid_t uid);

#ifdef __cplusplus
}
#endif

#endif
