/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware update.
 * source  PSA Firmware Update API 1.0.1
 *
 * A component is a piece of firmware with an active image and room for a second one. The states
 * below and the calls that lead from one to the next are in docs/PSA.md, "Firmware Update". */
#ifndef PSA_UPDATE_H
#define PSA_UPDATE_H

#include <stddef.h>
#include <stdint.h>

#include "psa/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PSA_FWU_API_VERSION_MAJOR 1
#define PSA_FWU_API_VERSION_MINOR 0

#define PSA_ERROR_DEPENDENCY_NEEDED  ((psa_status_t)-156)
#define PSA_ERROR_FLASH_ABUSE        ((psa_status_t)-160)
#define PSA_ERROR_INSUFFICIENT_POWER ((psa_status_t)-161)

#define PSA_SUCCESS_REBOOT  ((psa_status_t) + 1)
#define PSA_SUCCESS_RESTART ((psa_status_t) + 2)

typedef uint8_t psa_fwu_component_t;

typedef struct psa_fwu_image_version_t {
    uint8_t major;
    uint8_t minor;
    uint16_t patch;
    uint32_t build;
} psa_fwu_image_version_t;

#define PSA_FWU_READY     0u
#define PSA_FWU_WRITING   1u
#define PSA_FWU_CANDIDATE 2u
#define PSA_FWU_STAGED    3u
#define PSA_FWU_FAILED    4u
#define PSA_FWU_TRIAL     5u
#define PSA_FWU_REJECTED  6u
#define PSA_FWU_UPDATED   7u

#define PSA_FWU_FLAG_VOLATILE_STAGING 0x00000001u
#define PSA_FWU_FLAG_ENCRYPTION       0x00000002u

/* Tessera: why an image was refused, finer than the status (psa_fwu_impl_info_t.why). */
#define TSR_FWU_WHY_NONE       0u
#define TSR_FWU_WHY_CANCELLED  1u  /* psa_fwu_cancel() */
#define TSR_FWU_WHY_REJECTED   2u  /* psa_fwu_reject(); `error` is the application's */
#define TSR_FWU_WHY_FORMAT     3u  /* neither an envelope nor an image we read */
#define TSR_FWU_WHY_SIGNER     4u  /* no signature by a key that may sign this component */
#define TSR_FWU_WHY_VENDOR     5u  /* for another vendor's device */
#define TSR_FWU_WHY_CLASS      6u  /* for another kind of device */
#define TSR_FWU_WHY_COMPONENT  7u  /* for another component */
#define TSR_FWU_WHY_OLDER      8u  /* sequence number below the anti-rollback counter */
#define TSR_FWU_WHY_LENGTH     9u  /* shorter or longer than its manifest says */
#define TSR_FWU_WHY_DIGEST     10u /* other bytes than its manifest says */
#define TSR_FWU_WHY_DEPENDENCY 11u /* another component is too old */
#define TSR_FWU_WHY_TRIAL      12u /* restarted before psa_fwu_accept() */
#define TSR_FWU_WHY_STORAGE    13u /* the medium failed */
#define TSR_FWU_WHY_DAMAGED    14u /* the active image was damaged; the other one runs now */
#define TSR_FWU_WHY_ENCRYPTED  15u /* encrypted, and not for a key of this device */
#define TSR_FWU_WHY_SIGNATURES 16u /* more signatures than are looked at */

typedef struct {
    uint32_t written;  /* WRITING: bytes from 0 on that are stored; resume there, also after a
                          reboot */
    uint64_t sequence; /* anti-rollback counter: no lower sequence number is taken */
    uint8_t why;       /* TSR_FWU_WHY_... */
    uint8_t slot;      /* of the active image: 0 or 1 */
} psa_fwu_impl_info_t;

typedef struct psa_fwu_component_info_t {
    uint8_t state;      /* PSA_FWU_READY to PSA_FWU_UPDATED */
    psa_status_t error; /* FAILED, REJECTED: why; also what happened at boot */
    psa_fwu_image_version_t version; /* of the active image; all 0: there is none */
    uint32_t max_size;               /* bytes of an image with its manifest, if bundled */
    uint32_t flags;
    uint32_t location; /* of the active image: its slot, 0 or 1 */
    psa_fwu_impl_info_t impl;
} psa_fwu_component_info_t;

/** Tells how a component stands.
 *  errors  PSA_ERROR_DOES_NOT_EXIST  no such component
 *          PSA_ERROR_NOT_PERMITTED   this client may not update firmware */
psa_status_t psa_fwu_query(psa_fwu_component_t component, psa_fwu_component_info_t *info);

/** READY to WRITING.
 *
 *  units   manifest: a detached SUIT envelope of at most 4,096 bytes; or NULL and 0 when a bundled
 *          manifest (or a bare MCUboot image) comes with the first bytes of the image
 *  errors  PSA_ERROR_BAD_STATE          the component is not READY
 *          PSA_ERROR_INVALID_ARGUMENT   no envelope, or for another vendor, class or component; the
 *                                       component takes only the other kind of manifest
 *          PSA_ERROR_INVALID_SIGNATURE  not signed by a key that may sign this component
 *          PSA_ERROR_NOT_PERMITTED      older than the anti-rollback counter allows; or as query
 *          PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_STORAGE_FAILURE
 *          The component stays READY. */
psa_status_t psa_fwu_start(psa_fwu_component_t component, const void *manifest,
                           size_t manifest_size);

#define PSA_FWU_LOG2_WRITE_ALIGN 4
#ifdef TSR_FWU_MAX_WRITE_SIZE /* a small machine's build says less */
#define PSA_FWU_MAX_WRITE_SIZE TSR_FWU_MAX_WRITE_SIZE
#else
#define PSA_FWU_MAX_WRITE_SIZE 16384u
#endif

/** Stores a part of the image. Parts may come in any order; a part may come again with the same
 *  bytes. An interrupted transfer goes on at info.impl.written.
 *
 *  units   image_offset: a multiple of 16; block_size 1 to PSA_FWU_MAX_WRITE_SIZE. A size that is
 *          no multiple of 16 is filled up with 0xff (only the last part should have one)
 *  errors  PSA_ERROR_BAD_STATE         the component is not WRITING
 *          PSA_ERROR_INVALID_ARGUMENT  the rules above, or beyond max_size
 *          PSA_ERROR_STORAGE_FAILURE   the medium failed, or other bytes are there already and it
 *                                      cannot be written twice; the component stays WRITING
 *          PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_NOT_PERMITTED, PSA_ERROR_INSUFFICIENT_STORAGE */
psa_status_t psa_fwu_write(psa_fwu_component_t component, size_t image_offset, const void *block,
                           size_t block_size);

/** WRITING to CANDIDATE, after everything was checked but dependencies.
 *  errors  PSA_ERROR_BAD_STATE          the component is not WRITING
 *          these lead to FAILED, and are kept in query():
 *          PSA_ERROR_INVALID_SIGNATURE  signer, digest or length is wrong
 *          PSA_ERROR_INVALID_ARGUMENT   no image we know, or for another vendor, class, component
 *          PSA_ERROR_NOT_PERMITTED      older than the anti-rollback counter allows
 *          PSA_ERROR_STORAGE_FAILURE    what was written cannot be read */
psa_status_t psa_fwu_finish(psa_fwu_component_t component);

/** WRITING or CANDIDATE to FAILED. errors PSA_ERROR_BAD_STATE, PSA_ERROR_DOES_NOT_EXIST */
psa_status_t psa_fwu_cancel(psa_fwu_component_t component);

/** FAILED or UPDATED to READY: erases the image that does not run.
 *  errors  PSA_ERROR_BAD_STATE, PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_STORAGE_FAILURE */
psa_status_t psa_fwu_clean(psa_fwu_component_t component);

/** All CANDIDATEs together to STAGED (PSA_SUCCESS_REBOOT), or, when none of them needs a reboot,
 *  to TRIAL or UPDATED at once (PSA_SUCCESS).
 *
 *  errors  PSA_ERROR_BAD_STATE          no CANDIDATE; or a component is STAGED, TRIAL or REJECTED
 *          PSA_ERROR_DEPENDENCY_NEEDED  another component is too old; all stay CANDIDATE
 *          PSA_ERROR_INVALID_SIGNATURE, PSA_ERROR_INVALID_ARGUMENT, PSA_ERROR_NOT_PERMITTED
 *                                       an image is no longer good: it is FAILED, the others stay
 *                                       CANDIDATE */
psa_status_t psa_fwu_install(void);

/** Restarts the device into what was installed.
 *  errors  PSA_ERROR_NOT_SUPPORTED  nobody is there who could (tessera-secured without launcher) */
psa_status_t psa_fwu_request_reboot(void);

/** STAGED to FAILED; TRIAL to REJECTED (PSA_SUCCESS_REBOOT), or to FAILED without a reboot.
 *
 *  units   error: the application's reason, kept in query(); 0: none
 *  errors  PSA_ERROR_BAD_STATE  no component is STAGED or in TRIAL */
psa_status_t psa_fwu_reject(psa_status_t error);

/** All components in TRIAL to UPDATED; from now on nothing older is taken.
 *  errors  PSA_ERROR_BAD_STATE  no component is in TRIAL */
psa_status_t psa_fwu_accept(void);

#ifdef __cplusplus
}
#endif

#endif
