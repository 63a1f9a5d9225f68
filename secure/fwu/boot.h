/* SPDX-License-Identifier: Apache-2.0
 *
 * The boot decision: which slot of each component starts. Run once after every reset, by whoever
 * starts the images (tessera-boot on Linux, the boot stage on a microcontroller), before anything
 * else opens the store.
 *
 * source  Firmware Update 1.0.1 §4.6 (boot loader operation), appendix C
 *
 *     state before    verified well                   else
 *     STAGED          TRIAL in the new slot           FAILED, the old image starts
 *     TRIAL           FAILED, the old image starts: nobody accepted it
 *     REJECTED        FAILED, the old image starts
 *     other           unchanged                       the other slot, if it may be started
 *
 * Components that are STAGED together start together or not at all. The record is written before
 * the choice is told, so a trial that hangs or loses power has had its chance. */
#ifndef SECURE_FWU_BOOT_H
#define SECURE_FWU_BOOT_H

#include "secure/fwu/fwu.h"

typedef struct {
    bool there;          /* there is an image that may be started */
    bool trial;          /* it has to be accepted before the next reset */
    uint8_t slot;        /* 0: a, 1: b */
    tsr_fwu_image image; /* where the payload is, and its measurement */
} tsr_fwu_choice;

/** Decides, and keeps the decision. `f` is open (tsr_fwu_open).
 *
 *  units   cause: why the last trial ended, if the caller knows (kept in `error`); 0 is
 *          PSA_ERROR_GENERIC_ERROR. choices: one for each of f->count components
 *  errors  PSA_ERROR_DOES_NOT_EXIST   a component has no image that may be started: its choice has
 *                                     there = false; the others are valid
 *          PSA_ERROR_STORAGE_FAILURE  the record could not be written: start nothing that is new */
psa_status_t tsr_fwu_boot(tsr_fwu *f, psa_status_t cause, tsr_fwu_choice *choices);

/** Verifies one slot as it stands: signer, device, digest, sequence number against the counter.
 *
 *  units   *why: TSR_FWU_WHY_... when it fails
 *  errors  PSA_ERROR_INVALID_SIGNATURE, PSA_ERROR_INVALID_ARGUMENT, PSA_ERROR_NOT_PERMITTED,
 *          PSA_ERROR_STORAGE_FAILURE as psa_fwu_finish() */
psa_status_t tsr_fwu_verify(tsr_fwu *f, psa_fwu_component_t id, uint8_t slot, tsr_fwu_image *image,
                            uint8_t *why);

/** Takes the bytes of a payload in clear. errors any: the reading ends with it */
typedef struct {
    void *self;
    tsr_err (*put)(void *self, tsr_bytes plain);
} tsr_fwu_sink;

/** The same for an encrypted image, and its payload in clear to `sink` on the way.
 *
 *  owner   what the sink took is to be thrown away unless the answer is PSA_SUCCESS: only then was
 *          it authenticated
 *  errors  as tsr_fwu_verify(); PSA_ERROR_NOT_SUPPORTED  the image is not encrypted: its payload
 *          is in the slot */
psa_status_t tsr_fwu_decrypt(tsr_fwu *f, psa_fwu_component_t id, uint8_t slot,
                             const tsr_fwu_sink *sink, tsr_fwu_image *image, uint8_t *why);

/** "1.2.3+45", as a version is written in tokens and logs; at most TSR_FWU_VERSION_MAX bytes. */
#define TSR_FWU_VERSION_MAX 24u
void tsr_fwu_put_version(tsr_buf *out, const psa_fwu_image_version_t *version);

#endif
