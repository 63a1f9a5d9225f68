/* SPDX-License-Identifier: Apache-2.0
 *
 * What Internal Trusted Storage and Protected Storage share.
 * source  PSA Secure Storage API 1.0.4 */
#ifndef PSA_STORAGE_COMMON_H
#define PSA_STORAGE_COMMON_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t psa_storage_uid_t; /* 0 is no asset */
typedef uint32_t psa_storage_create_flags_t;

#define PSA_STORAGE_FLAG_NONE                 0u
#define PSA_STORAGE_FLAG_WRITE_ONCE           (1u << 0)
#define PSA_STORAGE_FLAG_NO_CONFIDENTIALITY   (1u << 1)
#define PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION (1u << 2)

struct psa_storage_info_t {
    size_t capacity; /* bytes reserved; for ITS equal to size */
    size_t size;     /* bytes stored */
    psa_storage_create_flags_t flags;
};

#define PSA_STORAGE_SUPPORT_SET_EXTENDED (1u << 0)

#endif
