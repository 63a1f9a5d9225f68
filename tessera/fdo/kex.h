/* SPDX-License-Identifier: Apache-2.0
 *
 * Key exchange in TO2: the owner sends xA in message 61, the device xB in 64; both then have the
 * same secret. A device names the methods that it links; those of finite fields need big numbers
 * in the process, so they are in tsr_fdo_full alone (DESIGN.md). */
#ifndef TESSERA_FDO_KEX_H
#define TESSERA_FDO_KEX_H

#include "tessera/fdo/types.h"

enum {
    TSR_FDO_X_MAX = 384,    /* bytes of xA or xB: DHKEXid15, ASYMKEX3072 */
    TSR_FDO_SHSE_MAX = 384, /* bytes of the shared secret */
    TSR_FDO_KEX_RANDOM_MAX = 96,
};

/** Where random bytes come from. */
typedef struct {
    tsr_err (*fill)(void *user, uint8_t *to, size_t len);
    void *user;
} tsr_fdo_random;

extern const tsr_fdo_random tsr_fdo_random_psa; /* psa_generate_random */

/** What an exchange ends with. Secret: wipe it. */
typedef struct {
    uint8_t shse[TSR_FDO_SHSE_MAX];
    size_t len;
    uint8_t context[TSR_FDO_KEX_RANDOM_MAX]; /* ContextRand */
    size_t context_len;
} tsr_fdo_secret;

typedef struct tsr_fdo_kex_method tsr_fdo_kex_method;

/** The owner's half, between 61 and 64. */
typedef struct { /* private */
    const tsr_fdo_kex_method *method;
    tsr_cose_key_id key; /* volatile, ECDH */
    bool has_key;
    uint8_t own[TSR_FDO_KEX_RANDOM_MAX];
} tsr_fdo_kex;

struct tsr_fdo_kex_method {
    const char *name;    /* as message 60 has it */
    uint16_t size;       /* of the method: of a curve, of a modulus */
    uint16_t random_len; /* bytes that each side draws */
    /* private: side A, and side B */
    tsr_err (*offer)(tsr_fdo_kex *k, const tsr_fdo_random *r, tsr_buf *xa);
    tsr_err (*accept)(tsr_fdo_kex *k, tsr_bytes xb, tsr_cose_key_id owner, tsr_fdo_secret *s);
    tsr_err (*answer)(const tsr_fdo_kex_method *m, const tsr_fdo_random *r, tsr_bytes xa,
                      const tsr_fdo_key *owner, tsr_buf *xb, tsr_fdo_secret *s);
    bool (*fits)(const tsr_fdo_kex_method *m, const tsr_fdo_key *owner);
};

extern const tsr_fdo_kex_method tsr_fdo_ecdh256, tsr_fdo_ecdh384;
extern const tsr_fdo_kex_method tsr_fdo_asymkex2048, tsr_fdo_asymkex3072;
extern const tsr_fdo_kex_method tsr_fdo_dhkex14, tsr_fdo_dhkex15; /* tsr_fdo_full alone */

/** The method of a name, of all that tsr_fdo_full has; NULL: none (tsr_fdo_full alone). */
const tsr_fdo_kex_method *tsr_fdo_kex_find(tsr_bytes name);

/** Whether a method may be used with an owner's key: ECDH256 with P-256, ECDH384 with P-384,
 *  DHKEXid14 and ASYMKEX2048 with RSA 2048, DHKEXid15 and ASYMKEX3072 with RSA 3072. */
static inline bool tsr_fdo_kex_fits(const tsr_fdo_kex_method *m, const tsr_fdo_key *owner)
{
    return m->fits(m, owner);
}

/** Owner: begins, and appends xA.
 *  errors  TSR_E_CRYPTO, TSR_E_SPACE */
tsr_err tsr_fdo_kex_offer(tsr_fdo_kex *k, const tsr_fdo_kex_method *m, const tsr_fdo_random *r,
                          tsr_buf *xa);

/** Owner: takes xB; the exchange is over, whatever comes out.
 *  units   owner: the owner's private key, with PSA_ALG_RSA_OAEP(PSA_ALG_SHA_256) as its algorithm
 *          or enrollment algorithm; ASYMKEX alone uses it
 *  errors  TSR_E_MALFORMED, TSR_E_CRYPTO */
tsr_err tsr_fdo_kex_accept(tsr_fdo_kex *k, tsr_bytes xb, tsr_cose_key_id owner,
                           tsr_fdo_secret *s);

/** Ends an exchange that comes to nothing; harmless on a zeroed one. */
void tsr_fdo_kex_drop(tsr_fdo_kex *k);

/** Device: takes xA and appends xB. The owner's key has to be verified before.
 *  errors  TSR_E_DENIED  the method is not for this key; TSR_E_MALFORMED, TSR_E_CRYPTO,
 *          TSR_E_SPACE */
tsr_err tsr_fdo_kex_answer(const tsr_fdo_kex_method *m, const tsr_fdo_random *r, tsr_bytes xa,
                           const tsr_fdo_key *owner, tsr_buf *xb, tsr_fdo_secret *s);

/** SP 800-108 in counter mode: `len` bytes of keys. `hash` TSR_FDO_SHA256 or TSR_FDO_SHA384.
 *  errors  TSR_E_CRYPTO */
tsr_err tsr_fdo_kdf(int32_t hash, const tsr_fdo_secret *s, uint8_t *to, size_t len);

#endif
