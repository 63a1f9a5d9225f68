/* SPDX-License-Identifier: Apache-2.0
 *
 * What the factory says about the device in its attestation tokens. Kept in Internal Trusted
 * Storage, space TSR_ITS_ATTEST, so that no client can reach it; one asset each
 * (docs/WIRE.md, "Attestation settings"). The factory tool writes them; the service reads them
 * when it opens. The client id and the profile are no settings: the one is told by the transport,
 * the other is chosen by the build (TSR_ATTEST_PROFILE). */
#ifndef SECURE_ATTEST_SETTINGS_H
#define SECURE_ATTEST_SETTINGS_H

#include "secure/storage/its.h"

/* The attestation key in the PSA core: owner TSR_ITS_ATTEST, this id, P-256, ECDSA with SHA-256,
 * PSA_KEY_USAGE_SIGN_HASH and nothing else. Persistent. */
#define TSR_ATTEST_KEY_ID 1u

enum {                                    /* uids in space TSR_ITS_ATTEST */
       TSR_ATTEST_UID_IMPLEMENTATION = 1, /* 32 bytes */
       TSR_ATTEST_UID_CERTIFICATION = 2,  /* text: 13 digits, "-", 5 digits; absent: no claim */
       TSR_ATTEST_UID_VERIFICATION = 3,   /* text, mostly a URL; absent: no claim */
};

enum { TSR_ATTEST_CERTIFICATION = 19, TSR_ATTEST_VERIFICATION_MAX = 128 };

typedef struct {
    bool provisioned;           /* the implementation id was written; otherwise it is 32 zeros */
    uint8_t implementation[32]; /* RFC 9783 §4.2.2 */
    size_t certification_len, verification_len; /* 0: no claim */
    char certification[TSR_ATTEST_CERTIFICATION];
    char verification[TSR_ATTEST_VERIFICATION_MAX];
} tsr_attest_settings;

/** errors  PSA_ERROR_DATA_INVALID (an asset of another form), PSA_ERROR_STORAGE_FAILURE */
psa_status_t tsr_attest_settings_load(tsr_its *its, tsr_attest_settings *s);

/** Writes all of them, WRITE_ONCE (ITS lets the factory repeat it until the device is secured).
 *  errors  PSA_ERROR_INVALID_ARGUMENT  a certification reference that is not EAN-13 "-" 5 digits,
 *                                      a verification service that is no printable ASCII
 *          those of tsr_its_set */
psa_status_t tsr_attest_settings_store(tsr_its *its, const tsr_attest_settings *s);

#endif
