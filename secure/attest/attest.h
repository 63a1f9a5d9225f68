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
#include "secure/spm/spm.h"

/** What the tokens look like; the build picks one (TSR_ATTEST_PROFILE, secure/attest/profile_*.c).
 */
typedef struct {
    const char *name; /* the profile claim */
    /* labels of the claims */
    int32_t nonce, instance, profile, client, lifecycle, implementation, components, seed,
        certification, verification;
    bool short_certification; /* the EAN-13 alone */
} tsr_attest_profile;

extern const tsr_attest_profile tsr_attest_profile_here;

typedef struct {
    tsr_its *its;                /* settings: space TSR_ITS_ATTEST */
    const tsr_boot_record *boot; /* at least one component: RFC 9783 §4.4.1 demands it */
    /** The lifecycle claim (RFC 9783 §4.3.1) at this moment, whether tokens may be made at all,
     *  and whether this device may still make its own key. */
    uint16_t (*lifecycle)(void *life, bool *may_attest, bool *may_make_key);
    void *life;
    /* private */
    tsr_attest_settings settings;
    bool has_key;
    uint8_t point[65];    /* the public key */
    uint8_t instance[33]; /* 01 || SHA-256(point) */
    uint8_t claims[PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE];
} tsr_attest;

/** Reads the settings, and the key if there is one. The PSA core must run.
 *  errors  PSA_ERROR_INVALID_ARGUMENT  no boot record, one without components, or one so long that
 *                                      no token could hold it
 *          PSA_ERROR_DATA_INVALID      a setting or the key has another form than it should
 *          PSA_ERROR_STORAGE_FAILURE */
psa_status_t tsr_attest_open(tsr_attest *a);

/** Makes a token for a client.
 *
 *  units   client: as the transport says, never 0
 *  owner   appended to `out`; nothing on failure
 *  errors  as psa_initial_attest_get_token() */
psa_status_t tsr_attest_token(tsr_attest *a, int32_t client, tsr_bytes challenge, tsr_buf *out);

/** The exact size of what tsr_attest_token() would append. */
psa_status_t tsr_attest_token_size(tsr_attest *a, int32_t client, size_t challenge_size,
                                   size_t *size);

/** The public key, 65 bytes; makes the key if it may. errors PSA_ERROR_SERVICE_FAILURE */
psa_status_t tsr_attest_key(tsr_attest *a, const uint8_t **point);

/** Puts a factory's key into the PSA core; it must be a P-256 private key of 32 bytes.
 *  errors  PSA_ERROR_ALREADY_EXISTS, PSA_ERROR_INVALID_ARGUMENT, those of psa_import_key() */
psa_status_t tsr_attest_import_key(const uint8_t *key, size_t len);

/** Makes the key inside the PSA core; it never leaves. errors PSA_ERROR_ALREADY_EXISTS, ... */
psa_status_t tsr_attest_make_key(void);

/** Answers one message (tsr_spm_service.call); `self` is a tsr_attest.
 *  errors  as above, and PSA_ERROR_PROGRAMMER_ERROR for an unknown function or wrong vectors */
psa_status_t tsr_attest_call(void *self, tsr_spm_msg *msg);

#endif
