/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages 65 to 71, encrypted. A device names the cipher suites that it links. */
#ifndef TESSERA_FDO_SESSION_H
#define TESSERA_FDO_SESSION_H

#include "tessera/fdo/kex.h"

enum {
    TSR_FDO_A128GCM = 1,
    TSR_FDO_A192GCM = 2,
    TSR_FDO_A256GCM = 3,
    TSR_FDO_CCM_16_128_128 = 30,
    TSR_FDO_CCM_16_128_256 = 31,
    TSR_FDO_CCM_64_128_128 = 32,
    TSR_FDO_CCM_64_128_256 = 33,
    TSR_FDO_AES128CBC = -17760703,
    TSR_FDO_AES128CTR = -17760704,
    TSR_FDO_AES256CBC = -17760705,
    TSR_FDO_AES256CTR = -17760706,
};

/** How long the MAC key of the CBC and CTR suites is: as long as the hash's block (32 bytes with
 *  SHA-256, 64 with SHA-384), or, as go-fdo has it, as long as the encryption key. */
typedef enum { TSR_FDO_SVK_FULL = 0, TSR_FDO_SVK_SHORT = 1 } tsr_fdo_svk;

typedef struct tsr_fdo_cipher tsr_fdo_cipher;

typedef struct { /* private */
    const tsr_fdo_cipher *cipher;
    tsr_cose_key_id sek, svk; /* volatile; AEAD: sek alone */
    uint8_t keys;             /* how many there are */
    bool has_iv;
    uint8_t iv[16];  /* CTR: of the next message */
    uint8_t heard[8]; /* the end of the last message that was taken: its tag */
} tsr_fdo_session;

struct tsr_fdo_cipher {
    int32_t id;
    int32_t hash; /* of the key derivation, and of the MAC */
    uint16_t key_bits;
    uint8_t svk; /* bytes of the MAC key; 0: AEAD */
    uint8_t iv;
    int32_t inner; /* COSE's number of the cipher within the Mac0 */
    psa_algorithm_t psa;
    /* private */
    tsr_err (*seal)(tsr_fdo_session *s, const tsr_fdo_random *r, tsr_bytes plain, tsr_buf *out);
    tsr_err (*open)(tsr_fdo_session *s, tsr_bytes message, tsr_buf *plain);
    size_t overhead; /* bytes that a message grows by, at most */
};

extern const tsr_fdo_cipher tsr_fdo_a128gcm, tsr_fdo_a192gcm, tsr_fdo_a256gcm;
extern const tsr_fdo_cipher tsr_fdo_ccm_16_128_128, tsr_fdo_ccm_16_128_256;
extern const tsr_fdo_cipher tsr_fdo_ccm_64_128_128, tsr_fdo_ccm_64_128_256;
extern const tsr_fdo_cipher tsr_fdo_aes128cbc, tsr_fdo_aes128ctr;
extern const tsr_fdo_cipher tsr_fdo_aes256cbc, tsr_fdo_aes256ctr;

/** Any of the suites above; NULL: none. Links them all. */
const tsr_fdo_cipher *tsr_fdo_cipher_find(int64_t id);

/** Derives the session's keys and puts them into PSA.
 *  errors  TSR_E_CRYPTO; TSR_E_UNSUPPORTED  PSA has not this cipher */
tsr_err tsr_fdo_session_open(tsr_fdo_session *s, const tsr_fdo_cipher *c, tsr_fdo_svk svk,
                             const tsr_fdo_secret *secret);

/** Destroys the keys; harmless on a zeroed session, or twice. */
void tsr_fdo_session_close(tsr_fdo_session *s);

/** Appends the encrypted message.
 *  errors  TSR_E_SPACE, TSR_E_CRYPTO; out->len is then as before */
tsr_err tsr_fdo_session_seal(tsr_fdo_session *s, const tsr_fdo_random *r, tsr_bytes plain,
                             tsr_buf *out);

/** Appends what a message holds.
 *  errors  TSR_E_MALFORMED  no such COSE message; TSR_E_CRYPTO  not from this session, or changed;
 *          TSR_E_TYPE  another algorithm; TSR_E_DENIED  the last message once more; TSR_E_SPACE */
tsr_err tsr_fdo_session_unseal(tsr_fdo_session *s, tsr_bytes message, tsr_buf *plain);

#endif
