/* SPDX-License-Identifier: Apache-2.0
 *
 * MCUboot images: header, image, and type-length-value records behind it.
 * source  MCUboot, docs/design.md and docs/signed_images.md; docs/WIRE.md says which part is read
 */
#ifndef TESSERA_SUIT_MCUBOOT_H
#define TESSERA_SUIT_MCUBOOT_H

#include "tessera/base/bytes.h"

enum {
    TSR_MCUBOOT_HEADER = 32,    /* bytes that are read of the header */
    TSR_MCUBOOT_TLV_MAX = 1024, /* bytes of all records together */
    TSR_MCUBOOT_NEEDS = 4,      /* dependencies */
};

typedef struct {
    uint32_t load_address, flags;
    uint32_t header_len; /* the image begins here */
    uint32_t image_len;
    uint32_t protected_len; /* bytes of the protected records, 0: none */
    uint32_t tlv_at;        /* where the records begin */
    uint32_t signed_len;    /* header, image and protected records: what the digest covers */
    uint8_t major, minor;
    uint16_t patch;
    uint32_t build;
} tsr_mcuboot_header;

typedef struct {
    uint8_t image; /* number of the image that must not be older */
    uint8_t major, minor;
    uint16_t patch;
    uint32_t build;
} tsr_mcuboot_need;

typedef struct {
    tsr_bytes sha256;    /* 32 bytes: digest over signed_len bytes */
    tsr_bytes key_hash;  /* 32 bytes: SHA-256 of the signer's SubjectPublicKeyInfo; or len 0 */
    tsr_bytes key;       /* the signer's SubjectPublicKeyInfo, if that is there instead */
    tsr_bytes signature; /* ECDSA-Sig-Value (DER); len 0: unsigned */
    bool counted;        /* there is a security counter */
    uint32_t counter;    /* the security counter */
    tsr_bytes vendor, class_id; /* 16 bytes each; or len 0 */
    tsr_mcuboot_need needs[TSR_MCUBOOT_NEEDS];
    size_t need_count;
    uint32_t len; /* bytes of all records: the file has tlv_at + len */
} tsr_mcuboot_tlvs;

/** True when a stream begins like an image; 4 bytes are enough to tell. */
bool tsr_mcuboot_is_image(tsr_bytes begin);

/** Reads the header.
 *  errors  TSR_E_MALFORMED    no image, sizes that overflow
 *          TSR_E_SPACE        fewer than TSR_MCUBOOT_HEADER bytes
 *          TSR_E_UNSUPPORTED  encrypted, compressed or not bootable */
tsr_err tsr_mcuboot_header_read(tsr_bytes begin, tsr_mcuboot_header *h);

/** Reads the records; `in` begins at h->tlv_at and has TSR_MCUBOOT_TLV_MAX bytes or all there are.
 *
 *  owner   slices point into `in`
 *  errors  TSR_E_MALFORMED    lengths that do not fit, no digest, a record twice; a counter,
 *                             dependency or id that is not protected
 *          TSR_E_SPACE        `in` ends too early
 *          TSR_E_UNSUPPORTED  another digest than SHA-256, or more than TSR_MCUBOOT_NEEDS */
tsr_err tsr_mcuboot_tlvs_read(const tsr_mcuboot_header *h, tsr_bytes in, tsr_mcuboot_tlvs *t);

/** The 64 bytes r || s of a signature in DER (P-256).
 *  errors  TSR_E_MALFORMED */
tsr_err tsr_mcuboot_signature(tsr_bytes der, uint8_t raw[64]);

#endif
