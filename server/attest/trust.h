/* SPDX-License-Identifier: Apache-2.0
 *
 * Trust anchors of the verifier: the public halves of the devices' attestation keys. */
#ifndef SERVER_ATTEST_TRUST_H
#define SERVER_ATTEST_TRUST_H

#include "tessera/base/bytes.h"

enum {
    TSR_ATTEST_ANCHORS = 64, /* in one file; a server with a fleet looks one up and hands in that */
    TSR_ATTEST_POINT = 97,   /* P-384, uncompressed */
    TSR_ATTEST_INSTANCE = 33,
};

typedef struct {
    uint8_t point[TSR_ATTEST_POINT];       /* 04 || x || y */
    size_t point_len;                      /* 65 or 97 */
    uint8_t instance[TSR_ATTEST_INSTANCE]; /* 01 || SHA-256 of the point, if the file says none */
} tsr_attest_anchor;

typedef struct {
    size_t count;
    tsr_attest_anchor anchor[TSR_ATTEST_ANCHORS];
} tsr_attest_trust;

/** Adds the keys of a file: PEM "PUBLIC KEY" blocks (RFC 7468), one after another, or JSON
 *  records of tessera-factory: an object, an array, or one object a line, each with
 *  "attestation_public_key" (PEM, or hex of the uncompressed point) and optionally "instance_id"
 * (hex of 33 bytes), for devices whose id is not the hash of their key.
 *
 *  errors  TSR_E_MALFORMED    neither; *why says what is wrong, in English
 *          TSR_E_UNSUPPORTED  a key of another kind than P-256 or P-384
 *          TSR_E_SPACE        more than TSR_ATTEST_ANCHORS
 *          TSR_E_NOT_FOUND    no key in it
 */
tsr_err tsr_attest_trust_read(tsr_bytes file, tsr_attest_trust *trust, const char **why);

/** Adds one uncompressed point. errors TSR_E_MALFORMED, TSR_E_SPACE */
tsr_err tsr_attest_trust_add(tsr_attest_trust *trust, tsr_bytes point);

/** NULL: no such device. */
const tsr_attest_anchor *tsr_attest_trust_find(const tsr_attest_trust *trust, tsr_bytes instance);

#endif
