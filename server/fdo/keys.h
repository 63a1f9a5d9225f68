/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of manufacturer and owner, and keys from files. Private to server/fdo. */
#ifndef SERVER_FDO_KEYS_H
#define SERVER_FDO_KEYS_H

#include "server/fdo/fdo.h"
#include "tessera/fdo/types.h"

/** A key pair: its private half is in PSA. */
typedef struct {
    psa_key_id_t sign, decrypt; /* decrypt: RSA-OAEP; 0: not an RSA key */
    int32_t alg;                /* what it signs with */
    tsr_fdo_key public;         /* points to `room`; encoding X509 */
    uint8_t room[TSR_FDO_DER_KEY_MAX + 16];
    uint8_t chain[2048]; /* an encoded array of one certificate, signed by the key itself */
    size_t chain_len;
} fdo_key;

typedef struct {
    fdo_key *list[TSR_FDO_KEYS_MAX];
    unsigned count;
} fdo_keys;

/** Reads private keys: P-256, P-384, RSA 2048 or 3072; one of a type.
 *  errors  TSR_E_ARGUMENT  `why` names file, cause and remedy;  TSR_E_SPACE */
tsr_err fdo_keys_open(fdo_keys *keys, const char *const *files, unsigned count, char *why,
                      size_t why_cap);
void fdo_keys_close(fdo_keys *keys);

/** Reads one. */
tsr_err fdo_key_open(const char *file, fdo_key *key, char *why, size_t why_cap);
void fdo_key_close(fdo_key *key);

/** NULL: none of that type. */
const fdo_key *fdo_key_of_type(const fdo_keys *keys, tsr_fdo_key_type type);
/** The pair of a public key. NULL: it is somebody else's */
const fdo_key *fdo_key_of(const fdo_keys *keys, const tsr_fdo_key *public);

/** Appends the PublicKey, as a peer asks for it. errors TSR_E_UNSUPPORTED, TSR_E_SPACE */
tsr_err fdo_key_put(tsr_buf *out, const fdo_key *key, tsr_fdo_key_encoding encoding);

enum {
    FDO_KEY_WORDS = 64,
    FDO_KEY_DIGITS = 2 * 32 + 1,
    FDO_KEY_MARK = 2 * 8 + 1,
};

/** Its print (tsr_fdo_key_print) in hexadecimal digits. errors TSR_E_CRYPTO */
tsr_err fdo_key_digits(const tsr_fdo_key *k, char digits[FDO_KEY_DIGITS]);

/** "P-256 0123456789abcdef": its type, and the beginning of its print. */
void fdo_key_words(const tsr_fdo_key *k, char words[FDO_KEY_WORDS]);
const char *fdo_key_type_name(const tsr_fdo_key *k);
void fdo_key_mark(const tsr_fdo_key *k, char mark[FDO_KEY_MARK]);

/** Reads a public key (PEM or DER), or that of a certificate, as PublicKey.
 *  errors  TSR_E_ARGUMENT  `why` */
tsr_err fdo_public_read(const char *file, tsr_buf *out, char *why, size_t why_cap);

/** The same from a file's content. errors TSR_E_ARGUMENT, TSR_E_SPACE */
tsr_err fdo_public_parse(tsr_bytes content, tsr_buf *out);

/** Signs a payload: a tagged COSE_Sign1, with `more` (encoded pairs) in its unprotected bucket. */
tsr_err fdo_sign(tsr_buf *out, const fdo_key *key, tsr_bytes payload, tsr_bytes more,
                 uint8_t more_count);

#endif
