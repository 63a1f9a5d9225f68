/* SPDX-License-Identifier: Apache-2.0
 *
 * Profile ID: a name in the place of the object list, so that a Register is short (LwM2M 1.2). The
 * client says it in each Register (tsr_lwm2m_client_config.profile with the part
 * tsr_lwm2m_all_parameters). A server that refuses such a Register, as one does that does not know
 * the name (4.09), is sent the whole list at once, without the name; it may learn from it what the
 * name stands for. An Update that tells of a changed list has the list. */
#ifndef TESSERA_LWM2M_CLIENT_PROFILE_H
#define TESSERA_LWM2M_CLIENT_PROFILE_H

#include "tessera/base/bytes.h"

/** How much of SHA-256 a computed name has.
 *  source  RFC 6920 §9.4, Core 6.2.1 */
typedef enum {
    TSR_LWM2M_PROFILE_SHA256 = 1,
    TSR_LWM2M_PROFILE_SHA256_128 = 2,
    TSR_LWM2M_PROFILE_SHA256_120 = 3,
    TSR_LWM2M_PROFILE_SHA256_96 = 4,
    TSR_LWM2M_PROFILE_SHA256_64 = 5,
    TSR_LWM2M_PROFILE_SHA256_32 = 6,
} tsr_lwm2m_profile_suite;

/** Either a name that is agreed upon, or one that is computed from the list, so that devices with
 *  the same objects, versions and instances have the same name. */
typedef struct {
    const char *id; /* "oma:...", "v:..." or "6:27354b9a"; NULL: computed */
    /** Of the agreed name: the links that it stands for, "</1/0>,</3/0>"; the others are told beside
     *  it. NULL: it stands for all of them. */
    const char *covers;
    tsr_lwm2m_profile_suite suite; /* of the computed name; 0: TSR_LWM2M_PROFILE_SHA256_64 */
    /** For the computed name: the hash of the list. If it fails, the list is told as ever. */
    tsr_err (*sha256)(tsr_bytes list, uint8_t digest[32]);
} tsr_lwm2m_profile;

#endif
