/* SPDX-License-Identifier: Apache-2.0
 *
 * The boot record: what the launcher measured, handed to the secure world once, before anyone can
 * talk to it (docs/WIRE.md, "Boot record"). One CBOR map, bounded, deterministic:
 *
 *   { 1: 1,                      ; format
 *     2: bytes .size 32,         ; boot seed, fresh at each start of the device
 *     3: [ 0*8 { 1: tstr type, 2: bytes measurement, ?4: tstr version, 5: bytes signer id,
 *                ?6: tstr description } ] }
 *
 * The inner maps are the software components of RFC 9783 §4.4.1 and go into the token as they are.
 */
#ifndef SECURE_ATTEST_BOOT_H
#define SECURE_ATTEST_BOOT_H

#include "tessera/base/bytes.h"

enum {
    TSR_BOOT_SEED = 32,
    TSR_BOOT_COMPONENTS = 8,
    TSR_BOOT_TEXT_MAX = 63, /* bytes of type, version and description */
    TSR_BOOT_RECORD_MAX = 2720,
};

/** One thing that was measured before it was started. */
typedef struct {
    tsr_bytes type;        /* "BL", "PRoT", "ARoT", "App", "TS", or with "_CONFIG" behind it */
    tsr_bytes measurement; /* 32, 48 or 64 bytes: a SHA-2 hash */
    tsr_bytes version;     /* NULL: none */
    tsr_bytes signer;      /* 32, 48 or 64 bytes; SHA-256 of the signer's uncompressed point */
    tsr_bytes description; /* of the measurement: "sha-256"; NULL: none */
} tsr_boot_component;

typedef struct {
    tsr_bytes seed; /* TSR_BOOT_SEED bytes */
    size_t count;
    tsr_boot_component component[TSR_BOOT_COMPONENTS];
} tsr_boot_record;

/** Appends the record. out->err: TSR_E_SPACE, or TSR_E_ARGUMENT for lengths outside the bounds.
 *  TSR_BOOT_RECORD_MAX bytes are always enough. */
void tsr_boot_record_write(tsr_buf *out, const tsr_boot_record *r);

/** Takes a record apart.
 *
 *  owner   r points into `in`
 *  errors  TSR_E_MALFORMED    not this map, lengths outside the bounds, bytes behind it, text that
 *                             is not UTF-8, labels that do not ascend
 *          TSR_E_UNSUPPORTED  another format number, or more than TSR_BOOT_COMPONENTS
 */
tsr_err tsr_boot_record_read(tsr_bytes in, tsr_boot_record *r);

/** Appends one component as the token's map. */
void tsr_boot_component_write(tsr_buf *out, const tsr_boot_component *c);

#endif
