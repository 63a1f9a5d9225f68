/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share. */
#ifndef SECURE_FWU_INTERNAL_H
#define SECURE_FWU_INTERNAL_H

#include "secure/fwu/boot.h"

/* ---- record.c ---- */

/** Reads the record from ITS into f->records; a fresh one if there is none.
 *  errors  PSA_ERROR_DATA_CORRUPT, PSA_ERROR_STORAGE_FAILURE */
psa_status_t tsr_fwu_load(tsr_fwu *f);

/** Makes `next` the record: in ITS, at once and wholly, and then in f->records.
 *  errors  PSA_ERROR_STORAGE_FAILURE: f->records are as before */
psa_status_t tsr_fwu_save(tsr_fwu *f, const tsr_fwu_record next[TSR_FWU_COMPONENTS]);

/* ---- step.c ---- */

/** TRIAL to UPDATED: the anti-rollback counter rises to the active image. */
void tsr_fwu_make_final(tsr_fwu_record *r);

/** The other slot becomes the active one: TRIAL, or UPDATED where there is no trial. */
void tsr_fwu_switch_over(const tsr_fwu_component *c, tsr_fwu_record *r);

/** READY, as if the second image had never been; its slot still has to be erased. */
void tsr_fwu_forget_second(tsr_fwu_record *r);

/* ---- slot.c ---- */

/** Bytes for an image; behind them is room for a detached manifest. */
uint32_t tsr_fwu_capacity(const tsr_flash *slot);

/** Erases from `at` (a multiple of the block) to the end, and syncs. errors TSR_E_IO, TSR_E_SPACE
 */
tsr_err tsr_fwu_erase(const tsr_flash *slot, uint32_t at);

/** Programs bytes; the last unit is filled up with 0xff. `at` is a multiple of 16. With `rewrite`
 *  whatever was there before goes; else it must be erased or the same.
 *  errors  TSR_E_EXISTS  other bytes are there; TSR_E_IO, TSR_E_SPACE */
tsr_err tsr_fwu_program(const tsr_flash *slot, bool rewrite, uint32_t at, tsr_bytes bytes);

/* ---- image.c ---- */

typedef enum {
    TSR_FWU_CHECK_MANIFEST, /* start(): signer, device, sequence number */
    TSR_FWU_CHECK_IMAGE,    /* finish(): and the payload, but no dependencies */
    TSR_FWU_CHECK_INSTALL,  /* install(), boot of a STAGED image: and dependencies */
    TSR_FWU_CHECK_BOOT,     /* what the manifest wants validated at every start */
} tsr_fwu_depth;

typedef struct {
    tsr_fwu_depth depth;
    size_t id;
    uint8_t slot;
    tsr_bytes detached; /* CHECK_MANIFEST: the envelope. Else the slot's own is read */
    uint32_t total;     /* bytes that were written; 0: not known, more may be there */
    const tsr_fwu_sink *sink; /* takes the payload of an encrypted image; may be NULL */
} tsr_fwu_check;

/** Verifies. errors as tsr_fwu_verify(), and PSA_ERROR_DEPENDENCY_NEEDED */
psa_status_t tsr_fwu_check_image(tsr_fwu *f, const tsr_fwu_check *check, tsr_fwu_image *image,
                                 uint8_t *why);

/** The status that goes with a reason. */
psa_status_t tsr_fwu_status(uint8_t why);

/** SHA-256 of bytes of a slot. errors TSR_E_IO, TSR_E_CRYPTO */
tsr_err tsr_fwu_hash_slot(tsr_fwu *f, const tsr_flash *slot, uint32_t at, uint32_t len,
                          uint8_t digest[32]);

/** Whether component `id` is at least (or whatever `how` says: tsr_suit_comparison) this version:
 *  the one that is to be installed with the others, or else the active one. */
bool tsr_fwu_version_holds(const tsr_fwu *f, size_t id, unsigned how, const uint32_t *number,
                           size_t count);

typedef struct tsr_fwu_work { /* one verification on its way */
    tsr_fwu *f;
    const tsr_fwu_check *check;
    const tsr_fwu_component *component;
    const tsr_flash *slot;
    tsr_fwu_record record;
    uint32_t limit; /* bytes of the slot that may be looked at */
    tsr_fwu_image image;
    uint8_t why;
    bool hashed; /* image.digest is there */
} tsr_fwu_work;

/* ---- payload.c ---- */

/** Decrypts the payload that w->image tells; w->image.digest becomes that of the plaintext.
 *  errors  any, with w->why set */
tsr_err tsr_fwu_open_payload(tsr_fwu_work *w, tsr_bytes info);

/* ---- suit.c, mcuboot.c: TSR_OK, or any error with w->why set ---- */
tsr_err tsr_fwu_check_suit(tsr_fwu_work *w, tsr_bytes window, uint64_t total);
tsr_err tsr_fwu_check_mcuboot(tsr_fwu_work *w, tsr_bytes window);

/** Sets the reason and gives an error, so that a check can end with it. */
static inline tsr_err tsr_fwu_refuse(tsr_fwu_work *w, uint8_t why)
{
    w->why = why;
    return TSR_E_DENIED;
}

#endif
