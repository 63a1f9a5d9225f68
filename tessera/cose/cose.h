/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE messages with one signer or one recipient, read and written in place: COSE_Sign1,
 * COSE_Mac0 and COSE_Encrypt0 (RFC 9052), with the algorithms of RFC 9053 that a PSA key can do.
 * Keys are PSA key ids; this room never sees their bytes.
 *
 * The room is built three times from the same sources, since the type of a key id differs:
 *   tsr_cose         the normal world, on psa/client
 *   tsr_cose_secure  the secure world, where a key id carries its owner
 *   tsr_cose_full    programs with the PSA core in the process: server, tools, tests */
#ifndef TESSERA_COSE_COSE_H
#define TESSERA_COSE_COSE_H

#include "psa/crypto.h"
#include "tessera/base/bytes.h"

#if defined(MBEDTLS_PSA_CRYPTO_KEY_ID_ENCODES_OWNER)
typedef mbedtls_svc_key_id_t tsr_cose_key_id;
#else
typedef psa_key_id_t tsr_cose_key_id;
#endif

/** Algorithms (RFC 9053 §2.1, §3.1, §4.1, §4.2); values of IANA's registry. */
enum {
    TSR_COSE_ALG_NONE = 0, /* not said */
    TSR_COSE_A128GCM = 1,
    TSR_COSE_A192GCM = 2,
    TSR_COSE_A256GCM = 3,
    TSR_COSE_HMAC_256_64 = 4,
    TSR_COSE_HMAC_256 = 5,
    TSR_COSE_HMAC_384 = 6,
    TSR_COSE_HMAC_512 = 7,
    TSR_COSE_CCM_16_64_128 = 10,
    TSR_COSE_CCM_16_64_256 = 11,
    TSR_COSE_CCM_64_64_128 = 12,
    TSR_COSE_CCM_64_64_256 = 13,
    TSR_COSE_CCM_16_128_128 = 30,
    TSR_COSE_CCM_16_128_256 = 31,
    TSR_COSE_CCM_64_128_128 = 32,
    TSR_COSE_CCM_64_128_256 = 33,
    TSR_COSE_ES256 = -7,
    TSR_COSE_ES384 = -35,
    TSR_COSE_PS256 = -37, /* RFC 8230 §2 */
    TSR_COSE_PS384 = -38,
    TSR_COSE_RS256 = -257, /* RFC 8812 §2 */
    TSR_COSE_RS384 = -258,
};

/** Header parameters (RFC 9052 §3.1). */
enum {
    TSR_COSE_LABEL_ALG = 1,
    TSR_COSE_LABEL_CRIT = 2,
    TSR_COSE_LABEL_CONTENT_TYPE = 3,
    TSR_COSE_LABEL_KID = 4,
    TSR_COSE_LABEL_IV = 5,
    TSR_COSE_LABEL_PARTIAL_IV = 6,
};

enum {
    TSR_COSE_LABELS = 16,   /* header parameters a message may have, in both buckets together */
    TSR_COSE_AAD_MAX = 512, /* bytes of an Enc_structure: headers + external data + 17 at most */
};

/** What a message is; the values are the CBOR tags (RFC 9052 §2). */
typedef enum {
    TSR_COSE_ENCRYPT0 = 16,
    TSR_COSE_MAC0 = 17,
    TSR_COSE_SIGN1 = 18,
} tsr_cose_kind;

typedef struct tsr_cose_alg tsr_cose_alg; /* at the end of this file */

/* ---- reading ------------------------------------------------------------------------------ */

/** A message taken apart. Every slice points into the message; an absent parameter has a NULL
 *  pointer (alg: TSR_COSE_ALG_NONE). */
typedef struct {
    tsr_cose_kind kind;
    bool tagged;
    tsr_bytes protected_map;   /* content of the protected bucket's byte string; a0 is made empty */
    tsr_bytes unprotected_map; /* the encoded map */
    int64_t alg;               /* a caller whose protocol fixes it may set it when it is absent */
    bool alg_protected;
    tsr_bytes kid;
    tsr_bytes iv, partial_iv;
    tsr_bytes crit;    /* the encoded array */
    bool detached;     /* the payload is nil: the caller has it from elsewhere */
    tsr_bytes payload; /* Encrypt0: ciphertext and tag */
    tsr_bytes proof;   /* signature or MAC; Encrypt0: none */
    /* What the caller may say between reading and verifying: */
    bool allow_unprotected_alg; /* RFC 9052 §3.1 wants it authenticated, so default is refusal */
    const int64_t *understood;  /* further labels that `crit` may name */
    size_t understood_count;
} tsr_cose_message;

/** Takes a message apart; tagged or not. Nothing is verified yet.
 *
 *  source  RFC 9052 §3, §4.2, §5.2, §6.2
 *  owner   m points into `in`
 *  errors  TSR_E_TYPE         a tag of another kind
 *          TSR_E_MALFORMED    not this structure, or one of indefinite length; a label twice, in
 *                             one bucket or in both; IV and Partial IV together; `crit`
 *                             unprotected, empty, or naming a label that is not protected; bytes
 *                             behind the message
 *          TSR_E_UNSUPPORTED  more than TSR_COSE_LABELS parameters, or alg as text
 */
tsr_err tsr_cose_read(tsr_bytes in, tsr_cose_kind kind, tsr_cose_message *m);

/** The encoded value of an integer label in an encoded map (an empty slice is an empty map).
 *  errors  TSR_E_NOT_FOUND, TSR_E_MALFORMED */
tsr_err tsr_cose_find(tsr_bytes map, int64_t label, tsr_bytes *value);

/** Checks a signature.
 *
 *  source  RFC 9052 §4.4; RFC 9053 §2.1
 *  units   detached: the payload if m->detached, else empty with a NULL pointer
 *  errors  TSR_E_CRYPTO       the signature is not by this key over these bytes
 *          TSR_E_TYPE         alg and key do not fit each other (curve, hash, policy)
 *          TSR_E_DENIED       alg is not protected (see allow_unprotected_alg)
 *          TSR_E_UNSUPPORTED  an algorithm not in the list, or `crit` names an unknown label
 *          TSR_E_ARGUMENT     not a Sign1; or payload and detached payload both, or neither
 */
tsr_err tsr_cose_sign1_verify(const tsr_cose_message *m, tsr_cose_key_id key, tsr_bytes detached,
                              tsr_bytes external_aad);

/** Checks a MAC. source RFC 9052 §6.3; RFC 9053 §3.1. errors as for tsr_cose_sign1_verify */
tsr_err tsr_cose_mac0_verify(const tsr_cose_message *m, tsr_cose_key_id key, tsr_bytes detached,
                             tsr_bytes external_aad);

/** Decrypts.
 *
 *  source  RFC 9052 §5.3; RFC 9053 §4.1, §4.2
 *  units   iv: NULL unless the protocol fixes it (then the message has none)
 *  owner   appends the plaintext to `out`, which must not overlap the message;
 *          on failure out->len is as before and out->err untouched
 *  errors  as for tsr_cose_sign1_verify, and
 *          TSR_E_SPACE      `out` is too small, or headers and external data exceed
 *                           TSR_COSE_AAD_MAX
 *          TSR_E_MALFORMED  an IV of the wrong length, or none
 */
tsr_err tsr_cose_encrypt0_open(const tsr_cose_message *m, tsr_cose_key_id key, tsr_bytes detached,
                               tsr_bytes external_aad, tsr_bytes iv, tsr_buf *out);

/* ---- writing ------------------------------------------------------------------------------ */

/** What goes into the headers beside the algorithm. Zeroed is a good start. */
typedef struct {
    int32_t alg;     /* protected */
    tsr_bytes kid;   /* unprotected; NULL: none */
    tsr_bytes iv;    /* unprotected; Encrypt0: the nonce, never the same twice under one key */
    bool implied_iv; /* the receiver knows the IV: it is used but not sent */
    /* Further parameters: `count` encoded pairs, in order, with labels that sort behind ours. */
    tsr_bytes protected_more, unprotected_more;
    uint8_t protected_count, unprotected_count;
    bool untagged;
    bool detached; /* the payload (Encrypt0: the ciphertext) is written as nil */
} tsr_cose_params;

/** Bytes that the three writers below append for a payload of `len` bytes; 0: alg is unknown.
 *  For Encrypt0 `len` is that of the plaintext. With RSA the signature, as long as the key, and its
 *  head come on top. */
size_t tsr_cose_size(tsr_cose_kind kind, const tsr_cose_params *p, size_t len);

/** Signs and appends a COSE_Sign1.
 *
 *  source  RFC 9052 §4.2, §4.4
 *  owner   on failure out->len is as before
 *  errors  TSR_E_SPACE, TSR_E_TYPE (alg and key do not fit), TSR_E_UNSUPPORTED (alg),
 *          TSR_E_CRYPTO (a PSA call failed); the same is kept in out->err
 */
tsr_err tsr_cose_sign1(tsr_buf *out, const tsr_cose_params *p, tsr_cose_key_id key,
                       tsr_bytes payload, tsr_bytes external_aad);

typedef struct { /* private */
    const tsr_cose_alg *alg;
    tsr_cose_key_id key;
    psa_algorithm_t policy;
    size_t before, protected_at, protected_len, payload_at, payload_len;
} tsr_cose_signing;

/** The same in two steps, for a payload that is written where it is to stand: between them the
 *  caller appends exactly `payload_len` bytes to `out`. Not with p->detached.
 *
 *  owner   on failure of either step out->len is as before the first
 *  errors  as tsr_cose_sign1, and TSR_E_ARGUMENT when another number of bytes was appended */
tsr_err tsr_cose_sign1_begin(tsr_buf *out, const tsr_cose_params *p, tsr_cose_key_id key,
                             size_t payload_len, tsr_cose_signing *s);
tsr_err tsr_cose_sign1_end(tsr_buf *out, const tsr_cose_signing *s, tsr_bytes external_aad);

/** MACs and appends a COSE_Mac0. source RFC 9052 §6.2, §6.3. errors as tsr_cose_sign1 */
tsr_err tsr_cose_mac0(tsr_buf *out, const tsr_cose_params *p, tsr_cose_key_id key,
                      tsr_bytes payload, tsr_bytes external_aad);

/** Encrypts and appends a COSE_Encrypt0. With p->detached the ciphertext goes to `ciphertext`
 *  (NULL otherwise). source RFC 9052 §5.2, §5.3.
 *  errors  as tsr_cose_sign1, and TSR_E_ARGUMENT for an IV of the wrong length */
tsr_err tsr_cose_encrypt0(tsr_buf *out, const tsr_cose_params *p, tsr_cose_key_id key,
                          tsr_bytes plaintext, tsr_bytes external_aad, tsr_buf *ciphertext);

/** Appends the Enc_structure (RFC 9052 §5.3), for callers that decrypt in pieces with psa_aead_*
 *  themselves. `context` is "Encrypt0", "Encrypt", "Enc_Recipient", ... */
void tsr_cose_enc_structure(tsr_buf *out, const char *context, tsr_bytes protected_map,
                            tsr_bytes external_aad);

/* ---- algorithms --------------------------------------------------------------------------- */

struct tsr_cose_alg {
    int32_t id;
    tsr_cose_kind kind;
    psa_algorithm_t psa;
    psa_key_type_t type; /* PSA_KEY_TYPE_ECC_PUBLIC_KEY(...) for signatures */
    uint16_t bits;       /* of the key; 0: any */
    uint8_t proof;       /* bytes of signature, MAC or AEAD tag; 0: as long as the key (RSA) */
    uint8_t nonce;       /* bytes; AEAD only */
};

/** NULL: not one of ours. */
const tsr_cose_alg *tsr_cose_alg_find(int64_t id);

#endif
