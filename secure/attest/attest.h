/* SPDX-License-Identifier: Apache-2.0
 *
 * The attestation service: PSA tokens over what the factory, the launcher and the life of the
 * device say (RFC 9783), signed with a key that nobody can export.
 *
 * The key is a persistent P-256 key pair in the PSA core (secure/attest/settings.h). A device that
 * the factory gave none, and that is not secured yet, makes its own at first need: then whoever
 * verifies has to be told the public key (tsr_attest_public_key, `tessera-token --public-key`). */
#ifndef SECURE_ATTEST_ATTEST_H
#define SECURE_ATTEST_ATTEST_H

#include "psa/initial_attestation.h"
#include "secure/attest/boot.h"
#include "secure/attest/settings.h"
#include "secure/lifecycle/lifecycle.h"
#include "secure/spm/spm.h"

#define TSR_ATTEST_POINT    65u
#define TSR_ATTEST_INSTANCE 33u

typedef struct {
    tsr_its *its;                   /* settings: space TSR_ITS_ATTEST */
    const tsr_boot_record *boot;    /* at least one component: RFC 9783 §4.4.1 demands it */
    const tsr_lifecycle *lifecycle; /* a claim; and whether tokens and keys may be made */
    /* private */
    tsr_attest_settings settings;
    bool has_key;
    uint8_t point[TSR_ATTEST_POINT];       /* the public key */
    uint8_t instance[TSR_ATTEST_INSTANCE]; /* 01 || SHA-256(point) */
} tsr_attest;

/** Reads the settings, and the key if there is one. The PSA core must run.
 *  errors  PSA_ERROR_INVALID_ARGUMENT  no boot record, or one without components
 *          PSA_ERROR_DATA_INVALID      a setting or the key has another form than it should
 *          PSA_ERROR_STORAGE_FAILURE */
psa_status_t tsr_attest_open(tsr_attest *a);

/** Makes a token for a client.
 *
 *  units   client: as the transport says, never 0
 *  owner   appended to `out`; nothing on failure
 *  errors  as psa_initial_attest_get_token() */
psa_status_t tsr_attest_token(tsr_attest *a, int32_t client, tsr_bytes challenge, tsr_buf *out);

/** The exact size of what tsr_attest_token() would append for that client. */
psa_status_t tsr_attest_token_size(tsr_attest *a, int32_t client, size_t challenge_size,
                                   size_t *size);

/** Sees to it that there is a key, making one if the lifecycle lets it; then a->point and
 *  a->instance are filled in. errors PSA_ERROR_SERVICE_FAILURE */
psa_status_t tsr_attest_key(tsr_attest *a);

/** Puts a factory's key into the PSA core; it must be a P-256 private key of 32 bytes.
 *  errors  PSA_ERROR_ALREADY_EXISTS, PSA_ERROR_INVALID_ARGUMENT, those of psa_import_key() */
psa_status_t tsr_attest_import_key(const uint8_t *key, size_t len);

/** Makes the key inside the PSA core; it never leaves. errors PSA_ERROR_ALREADY_EXISTS, ... */
psa_status_t tsr_attest_make_key(void);

/** Answers one message (tsr_spm_service.call); `self` is a tsr_attest. Functions and their vectors
 *  are listed in psa/wire/attest.h.
 *  errors  as above, and PSA_ERROR_PROGRAMMER_ERROR for an unknown function or wrong vectors */
psa_status_t tsr_attest_call(void *self, tsr_spm_msg *msg);

#endif
