/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware update: the state machine of every component, and what may become its image.
 * source  PSA Firmware Update API 1.0.1; docs/WIRE.md, "Update packages" and "Update state"
 *
 * A component has two slots. One holds the active image; the other is where a new one is written.
 * Which is which, and in what state an update is, is one record in ITS (owner TSR_ITS_FWU), so each
 * transition, also one of several components together, has happened wholly or not at all whenever
 * the power fails. A slot is never believed: it is verified when an image is finished, installed,
 * and at every boot (boot.h).
 *
 * An image is a SUIT envelope with its payload (integrated, or right behind the envelope), a
 * payload whose envelope was given to start(), or a bare MCUboot image. */
#ifndef SECURE_FWU_FWU_H
#define SECURE_FWU_FWU_H

#include "psa/api/psa/update.h"
#include "secure/spm/spm.h"
#include "secure/storage/its.h"

enum {
    TSR_FWU_COMPONENTS = 4, /* of one device; ids are 0 to 3 */
    TSR_FWU_ANCHORS = 8,
    TSR_FWU_MANIFEST_MAX = 4096, /* bytes of an envelope without its integrated payload */
    TSR_FWU_NAME_MAX = 32,
    TSR_FWU_TAG = 16, /* bytes behind an encrypted payload (A128GCM) */
    TSR_FWU_WORK_MIN = TSR_FWU_MANIFEST_MAX + 1024,
};

/* Properties of a component (Firmware Update 1.0.1, appendix C: variations of the state model) */
#define TSR_FWU_NO_REBOOT 1u  /* install() starts the new image at once */
#define TSR_FWU_NO_TRIAL  2u  /* what is installed is accepted */
#define TSR_FWU_VOLATILE  4u  /* a reboot forgets what was prepared */
#define TSR_FWU_DETACHED  8u  /* start() must be given the manifest */
#define TSR_FWU_BUNDLED   16u /* start() must not be given one. Neither: both ways will do */
#define TSR_FWU_REWRITE   32u /* the slots are files or RAM: any byte may be written at any time */

typedef struct {
    char name[TSR_FWU_NAME_MAX + 1]; /* the SUIT component identifier is [name] */
    uint8_t vendor[16], class_id[16];
    uint32_t properties;
    /** Slots a and b; equal in size, block and unit. The unit is 16 at most. The last blocks that
     *  hold TSR_FWU_MANIFEST_MAX bytes are for a detached manifest. */
    const tsr_flash *slots[2];
    uint32_t progress; /* WRITING survives a reboot in steps of so many bytes, a multiple of the
                          block; 0: it starts over */
} tsr_fwu_component;

/** A key that may sign images: an uncompressed point of P-256. Its id, everywhere, is the SHA-256
 *  of these 65 bytes. */
typedef struct {
    uint8_t point[65];
    uint32_t components; /* bit n: it may sign component n */
    uint8_t id[32];      /* filled by tsr_fwu_open() */
    uint8_t spki_id[32]; /* the same of its SubjectPublicKeyInfo, which MCUboot names; filled */
} tsr_fwu_anchor;

struct tsr_fwu_work;

/** Cryptography of public things, and decryption; crypto.h has it on PSA Crypto, a boot loader may
 *  have its own.
 *  errors  TSR_E_CRYPTO  the signature is not the key's, or the engine failed */
typedef struct {
    void *self;
    tsr_err (*hash_begin)(void *self); /* SHA-256; an unfinished one is given up */
    tsr_err (*hash_more)(void *self, tsr_bytes in);
    tsr_err (*hash_end)(void *self, uint8_t out[32]);
    tsr_err (*verify)(void *self, const uint8_t point[65], const uint8_t hash[32],
                      const uint8_t signature[64]); /* ECDSA P-256, r || s */
    tsr_err (*sign1)(void *self, const uint8_t point[65], tsr_bytes cose,
                     tsr_bytes payload); /* COSE_Sign1, ES256, detached payload (RFC 9052 §4.4) */
    /** tsr_fwu_open_payload(); NULL: encrypted images are refused, no code for them is linked, and
     *  the three below are not needed. */
    tsr_err (*open_payload)(struct tsr_fwu_work *w, tsr_bytes info);
    /** Decryption of a payload in pieces.
     *  units   info: a COSE_Encrypt (RFC 9052 §5.1) whose ciphertext is apart
     *  errors  TSR_E_NOT_FOUND  for none of our keys, or in a way that is not ours */
    tsr_err (*decrypt_begin)(void *self, tsr_bytes info);
    /** `in` has a multiple of 16 bytes but at the end; `out` has room for as many.
     *  Nothing of it is to be believed before decrypt_end() said so. */
    tsr_err (*decrypt_more)(void *self, tsr_bytes in, tsr_buf *out);
    /** Every decrypt_begin() that went well has one; no key of an image is left after it.
     *  units   tag: TSR_FWU_TAG bytes; NULL: given up. out: what was held back, 16 bytes at most
     *  errors  TSR_E_CRYPTO  the tag is not theirs, or there was none */
    tsr_err (*decrypt_end)(void *self, const uint8_t *tag, tsr_buf *out);
} tsr_fwu_crypto;

/** What a verified slot holds. */
typedef struct {
    bool mcuboot;      /* else SUIT */
    bool encrypted;    /* the slot holds the payload encrypted, with its tag behind it */
    uint32_t at, len;  /* the payload, in bytes of the slot (MCUboot: the whole image) */
    uint32_t used;     /* bytes of the slot that belong to the image and its bundled manifest */
    uint64_t sequence; /* SUIT sequence number, MCUboot security counter */
    psa_fwu_image_version_t version;
    uint8_t digest[32]; /* SHA-256 of the payload in clear (MCUboot: of what it signs) */
    uint8_t signer[32]; /* the id of the anchor */
} tsr_fwu_image;

typedef struct { /* private: one component, as kept in ITS (docs/WIRE.md, "Update state") */
    uint8_t state, active, why;
    uint8_t attempts; /* boots of an image in TRIAL; 0: it was installed without a reboot */
    bool known;       /* the active slot was found good once */
    bool clean;       /* the other slot is erased */
    psa_status_t error;
    uint64_t counter; /* anti-rollback */
    uint32_t saved;   /* WRITING: bytes that survive */
    /* of the images in the slots */
    psa_fwu_image_version_t version[2];
    uint64_t sequence[2];
    uint32_t manifest[2]; /* bytes of a detached manifest; 0: bundled */
    uint32_t len[2];      /* bytes; 0: unknown */
} tsr_fwu_record;

typedef struct {
    tsr_its *its;
    const tsr_fwu_component *components;
    size_t count;
    tsr_fwu_anchor *anchors;
    size_t anchor_count;
    const tsr_fwu_crypto *crypto;
    uint8_t *work; /* TSR_FWU_WORK_MIN bytes at least; more makes verifying faster */
    size_t work_len;
    /** Who may call tsr_fwu_call(); NULL and 0: nobody. A client 0 in it is nobody, either. */
    const int32_t *clients;
    size_t client_count;
    /** Asks the platform to restart; NULL: it cannot. errors any: PSA_ERROR_NOT_SUPPORTED */
    tsr_err (*reboot)(void *self);
    void *reboot_self;
    /* private */
    tsr_fwu_record records[TSR_FWU_COMPONENTS];
    size_t recorded;                      /* components in ITS; never fewer than count */
    uint32_t written[TSR_FWU_COMPONENTS]; /* contiguous from 0 */
    uint32_t high[TSR_FWU_COMPONENTS];    /* end of the last byte */
    bool open;
} tsr_fwu;

/** Reads the record, or makes a fresh one. It decides nothing: after a reset tsr_fwu_boot()
 * (boot.h) has to run first, here or in the launcher.
 *
 *  errors  PSA_ERROR_INVALID_ARGUMENT  components, slots or work do not fit what is said above
 *          PSA_ERROR_DATA_CORRUPT      the record in ITS is not one of ours
 *          PSA_ERROR_STORAGE_FAILURE, PSA_ERROR_GENERIC_ERROR (crypto) */
psa_status_t tsr_fwu_open(tsr_fwu *f);

/* The API's functions, for callers inside; contracts as in psa/update.h. */
psa_status_t tsr_fwu_query(const tsr_fwu *f, psa_fwu_component_t id,
                           psa_fwu_component_info_t *info);
psa_status_t tsr_fwu_start(tsr_fwu *f, psa_fwu_component_t id, tsr_bytes manifest);
psa_status_t tsr_fwu_write(tsr_fwu *f, psa_fwu_component_t id, size_t at, tsr_bytes block);
psa_status_t tsr_fwu_finish(tsr_fwu *f, psa_fwu_component_t id);
psa_status_t tsr_fwu_cancel(tsr_fwu *f, psa_fwu_component_t id);
psa_status_t tsr_fwu_clean(tsr_fwu *f, psa_fwu_component_t id);
psa_status_t tsr_fwu_install(tsr_fwu *f);
psa_status_t tsr_fwu_reject(tsr_fwu *f, psa_status_t error);
psa_status_t tsr_fwu_accept(tsr_fwu *f);
psa_status_t tsr_fwu_request_reboot(tsr_fwu *f);

/** Answers one message (tsr_spm_service.call); `self` is a tsr_fwu. Functions and vectors are in
 *  psa/wire/fwu.h.
 *  errors  those of the functions; PSA_ERROR_NOT_PERMITTED for a client not in `clients`;
 *          PSA_ERROR_PROGRAMMER_ERROR for an unknown function or wrong vectors */
psa_status_t tsr_fwu_call(void *self, tsr_spm_msg *msg);

#endif
