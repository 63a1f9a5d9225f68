/* SPDX-License-Identifier: Apache-2.0
 *
 * What the messages of FIDO Device Onboard (FDO 1.1) are made of, read and written in place.
 * Device and services share it.
 *
 * The room is built twice from the same sources: tsr_fdo on psa/client, tsr_fdo_full for programs
 * with the PSA core in the process (server, tools, tests).
 *
 * Readers named tsr_fdo_get_* take one item and move `in` behind it; on failure `in` and the result
 * are unchanged. What they give points into the input. Errors, unless said otherwise:
 *   TSR_E_MALFORMED    not this structure
 *   TSR_E_TYPE         an item of another kind
 *   TSR_E_UNSUPPORTED  a number that this house does not know (hash, key type, encoding)
 * Writers keep their first error in out->err. */
#ifndef TESSERA_FDO_TYPES_H
#define TESSERA_FDO_TYPES_H

#include "tessera/cose/cose.h"

enum {
    TSR_FDO_VERSION = 101,
    TSR_FDO_GUID = 16,
    TSR_FDO_NONCE = 16,
    TSR_FDO_HASH_MAX = 48,       /* bytes of a hash or HMAC */
    TSR_FDO_SIZE_DEFAULT = 1300, /* bytes of a message with service info when no size is said */
    TSR_FDO_SIZE_LEAST = 256,    /* the smallest size that may be asked for */
    TSR_FDO_DER_KEY_MAX = 422,   /* bytes of a SubjectPublicKeyInfo, RSA 3072 at most */
};

/** GUID or nonce: a byte string of exactly 16. */
tsr_err tsr_fdo_get_id(tsr_bytes *in, tsr_bytes *id);

/** A byte string of any length that holds one well-formed item. */
tsr_err tsr_fdo_get_wrapped(tsr_bytes *in, tsr_bytes *item);

/** An array of exactly `items`. */
tsr_err tsr_fdo_get_array(tsr_bytes *in, uint64_t items);

/** Null gives an empty slice with a NULL pointer. */
tsr_err tsr_fdo_get_bytes_or_null(tsr_bytes *in, tsr_bytes *v);
void tsr_fdo_put_bytes_or_null(tsr_buf *out, tsr_bytes v);

/** What a reader ends with: TSR_E_MALFORMED when bytes are left, else `err`. */
static inline tsr_err tsr_fdo_whole(tsr_bytes rest, tsr_err err)
{
    return err == TSR_OK && rest.len != 0 ? TSR_E_MALFORMED : err;
}

/** Makes what was appended since `from` the content of a byte string. */
void tsr_fdo_wrap(tsr_buf *out, size_t from);

/** One whole item, encoded. */
tsr_err tsr_fdo_get_item(tsr_bytes *in, tsr_bytes *item);

/* ---- hashes (hash.c) ---------------------------------------------------------------------- */

enum {
    TSR_FDO_SHA256 = -16,
    TSR_FDO_SHA384 = -43,
    TSR_FDO_HMAC256 = 5,
    TSR_FDO_HMAC384 = 6,
};

/** Hash or HMac: [type, bstr]. The length fits the type. */
typedef struct {
    int32_t alg; /* 0: none (null) */
    tsr_bytes value;
} tsr_fdo_hash;

tsr_err tsr_fdo_get_hash(tsr_bytes *in, tsr_fdo_hash *h);
tsr_err tsr_fdo_get_hash_or_null(tsr_bytes *in, tsr_fdo_hash *h);
void tsr_fdo_put_hash(tsr_buf *out, const tsr_fdo_hash *h); /* alg 0: null */

size_t tsr_fdo_hash_len(int32_t alg);             /* 0: unknown */
psa_algorithm_t tsr_fdo_hash_psa(int32_t alg);    /* of the hash, or of the HMAC */
static inline bool tsr_fdo_hash_is_mac(int32_t alg) { return alg > 0; }
static inline bool tsr_fdo_hash_same(const tsr_fdo_hash *a, const tsr_fdo_hash *b)
{
    return a->alg == b->alg && tsr_same(a->value, b->value);
}

/** Hashes slices behind one another.
 *  owner   h->value points into `room`
 *  errors  TSR_E_UNSUPPORTED (alg is no hash), TSR_E_CRYPTO */
tsr_err tsr_fdo_hash_make(int32_t alg, const tsr_bytes *parts, size_t count,
                          uint8_t room[TSR_FDO_HASH_MAX], tsr_fdo_hash *h);

/** Whether `want` is the hash of these slices.
 *  errors  TSR_E_UNSUPPORTED (want is no hash); TSR_E_CRYPTO  it is not */
tsr_err tsr_fdo_hash_check(const tsr_fdo_hash *want, const tsr_bytes *parts, size_t count);

/** The same for an HMAC with a PSA key. A TSR_E_TYPE says that the key is for another hash. */
tsr_err tsr_fdo_mac_make(int32_t alg, tsr_cose_key_id key, tsr_bytes in,
                         uint8_t room[TSR_FDO_HASH_MAX], tsr_fdo_hash *h);
tsr_err tsr_fdo_mac_check(const tsr_fdo_hash *want, tsr_cose_key_id key, tsr_bytes in);

/* ---- public keys (pubkey.c) --------------------------------------------------------------- */

typedef enum {
    TSR_FDO_RSA2048RESTR = 1,
    TSR_FDO_RSAPKCS = 5,
    TSR_FDO_RSAPSS = 6,
    TSR_FDO_SECP256R1 = 10,
    TSR_FDO_SECP384R1 = 11,
} tsr_fdo_key_type;

typedef enum {
    TSR_FDO_X509 = 1,    /* SubjectPublicKeyInfo */
    TSR_FDO_X5CHAIN = 2, /* certificates, leaf first */
    TSR_FDO_COSEKEY = 3, /* COSE_Key; elliptic curves only */
} tsr_fdo_key_encoding;

/** PublicKey: [type, encoding, body]. */
typedef struct {
    tsr_fdo_key_type type;
    tsr_fdo_key_encoding encoding;
    tsr_bytes body;    /* the encoded third item */
    tsr_bytes encoded; /* the whole array, as received */
    /* The key itself: the point 04 || x || y without the 04, or RSAPublicKey (DER). */
    tsr_bytes x, y;
    tsr_bytes rsa;
    uint16_t bits;
} tsr_fdo_key;

/** Takes a PublicKey, and the key out of its encoding. Certificates are not verified.
 *  errors  also TSR_E_UNSUPPORTED for a curve, an RSA size other than 2048 or 3072 bits, a
 *          compressed point; TSR_E_MALFORMED also when the body is of another type than said */
tsr_err tsr_fdo_get_key(tsr_bytes *in, tsr_fdo_key *k);

/** Takes the key out of a certificate or a SubjectPublicKeyInfo; type is by curve or size (RSA:
 *  TSR_FDO_RSAPKCS, 2048 bits: TSR_FDO_RSA2048RESTR); `encoded` and `body` stay empty. */
tsr_err tsr_fdo_key_of_certificate(tsr_bytes der, tsr_fdo_key *k);
tsr_err tsr_fdo_key_of_spki(tsr_bytes der, tsr_fdo_key *k);

/** The next certificate of an encoded array of byte strings (X5CHAIN, or that of a voucher), after
 *  tsr_cbor_get_array(); each is one DER SEQUENCE.
 *  errors  TSR_E_MALFORMED */
tsr_err tsr_fdo_get_certificate(tsr_bytes *in, tsr_bytes *der);

/** The same key, in whatever encodings. */
bool tsr_fdo_key_same(const tsr_fdo_key *a, const tsr_fdo_key *b);

/** By what it is known: the SHA-256 of what it consists of (the coordinates, or the DER of the RSA key).
 *  errors  TSR_E_CRYPTO */
tsr_err tsr_fdo_key_print(const tsr_fdo_key *k, uint8_t print[32]);

/** A volatile PSA key that verifies signatures of `alg` (TSR_COSE_ES256, ...).
 *  errors  TSR_E_TYPE  alg is not for this key; TSR_E_UNSUPPORTED  PSA has no such algorithm;
 *          TSR_E_CRYPTO  PSA refused the key */
tsr_err tsr_fdo_key_import(const tsr_fdo_key *k, int64_t alg, tsr_cose_key_id *id);

/** Imports a key for RSA-OAEP with SHA-256 (ASYMKEX). errors as above */
tsr_err tsr_fdo_key_import_oaep(const tsr_fdo_key *k, tsr_cose_key_id *id);

/** Whether a key of this type may sign with `alg`. */
bool tsr_fdo_key_signs(const tsr_fdo_key *k, int64_t alg);

/** What a key signs with: ES256, ES384, RS256, RS384 (3072 bits), PS256, PS384. */
int32_t tsr_fdo_key_alg(tsr_fdo_key_type type, uint16_t bits);

/** The hash that goes with a key: SHA-384 for P-384 and RSA 3072, else SHA-256. */
int32_t tsr_fdo_key_hash(tsr_fdo_key_type type, uint16_t bits);
static inline int32_t tsr_fdo_mac_of(int32_t hash)
{
    return hash == TSR_FDO_SHA384 ? TSR_FDO_HMAC384 : TSR_FDO_HMAC256;
}

/** Appends the PublicKey of a PSA key pair or public key, as X509 or COSEKEY.
 *  errors  (also in out->err) TSR_E_TYPE  no key of such a type; TSR_E_UNSUPPORTED  RSA as COSEKEY;
 *          TSR_E_CRYPTO; TSR_E_SPACE */
tsr_err tsr_fdo_put_key(tsr_buf *out, tsr_fdo_key_type type, tsr_fdo_key_encoding encoding,
                        tsr_cose_key_id key);

/** Appends a PublicKey as X5CHAIN: `chain` is an encoded array of byte strings, leaf first. */
void tsr_fdo_put_key_chain(tsr_buf *out, tsr_fdo_key_type type, tsr_bytes chain);

/** Appends the SubjectPublicKeyInfo of a PSA key. errors as tsr_fdo_put_key */
tsr_err tsr_fdo_put_spki(tsr_buf *out, tsr_fdo_key_type type, tsr_cose_key_id key);

/** Verifies a COSE_Sign1 with a PublicKey.
 *  errors  of tsr_cose_sign1_verify and tsr_fdo_key_import */
tsr_err tsr_fdo_verify(const tsr_cose_message *m, const tsr_fdo_key *k);

/* ---- signature information ---------------------------------------------------------------- */

/** SigInfo: [type, bstr]. ES256 -7, ES384 -35, ... (COSE numbers); EPID is told as any number. */
typedef struct {
    int64_t type;
    tsr_bytes info;
} tsr_fdo_sig_info;

tsr_err tsr_fdo_get_sig_info(tsr_bytes *in, tsr_fdo_sig_info *s);
void tsr_fdo_put_sig_info(tsr_buf *out, const tsr_fdo_sig_info *s);

#endif
