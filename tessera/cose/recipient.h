/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE_Encrypt with detached ciphertext: one content key, wrapped for each recipient by AES Key
 * Wrap. What decrypts in pieces (firmware images) takes the content key from here.
 *
 * source  RFC 9052 §5.1, RFC 9053 §6.2.1 (A128KW), RFC 3394 §2.2 */
#ifndef TESSERA_COSE_RECIPIENT_H
#define TESSERA_COSE_RECIPIENT_H

#include "tessera/cose/cose.h"

enum {
    TSR_COSE_A128KW = -3,
    TSR_COSE_ENCRYPT = 96,    /* the tag */
    TSR_COSE_RECIPIENTS = 8,  /* that are tried; further ones are not looked at */
    TSR_COSE_CEK = 16,        /* bytes of a content key */
    TSR_COSE_WRAPPED = 24,    /* bytes of a wrapped one */
    TSR_COSE_KEK_NAME = 8,    /* bytes of a key's name */
    TSR_COSE_WRAP_MAX = 64,   /* bytes of a key that can be wrapped */
};

/** Wraps a key of 16 to TSR_COSE_WRAP_MAX bytes, a multiple of 8; appends 8 more than that.
 *
 *  units   kek: AES, PSA_ALG_ECB_NO_PADDING, PSA_KEY_USAGE_ENCRYPT
 *  errors  TSR_E_ARGUMENT (length), TSR_E_SPACE, TSR_E_TYPE (the key), TSR_E_CRYPTO */
tsr_err tsr_cose_wrap(tsr_cose_key_id kek, tsr_bytes key, tsr_buf *out);

/** The opposite; writes wrapped.len - 8 bytes, and nothing on failure.
 *
 *  units   kek: as above, with PSA_KEY_USAGE_DECRYPT
 *  owner   the key is the caller's to wipe
 *  errors  TSR_E_ARGUMENT (length), TSR_E_TYPE (the kek); TSR_E_CRYPTO  wrapped by another key, or
 *          changed */
tsr_err tsr_cose_unwrap(tsr_cose_key_id kek, tsr_bytes wrapped, uint8_t *key);

/** Type, size, algorithm and usage of a key that wraps and unwraps; its id is the caller's. */
psa_key_attributes_t tsr_cose_kek_attributes(void);

/** A key's public name: the first bytes of the zero block, encrypted.
 *  units   kek: with PSA_KEY_USAGE_ENCRYPT
 *  errors  TSR_E_TYPE, TSR_E_CRYPTO */
tsr_err tsr_cose_kek_name(tsr_cose_key_id kek, uint8_t name[TSR_COSE_KEK_NAME]);

typedef struct {
    tsr_cose_message body; /* protected_map, alg, iv */
    tsr_bytes recipients;  /* private: those that were not read yet */
    uint64_t count;
} tsr_cose_encrypted;

/** Takes a COSE_Encrypt apart; tagged or not. Its ciphertext is detached.
 *
 *  owner   e points into `in`
 *  errors  TSR_E_TYPE (another tag), TSR_E_MALFORMED; TSR_E_UNSUPPORTED  not A128GCM, or `crit` */
tsr_err tsr_cose_encrypted_read(tsr_bytes in, tsr_cose_encrypted *e);

/** The next recipient, in the shape of a COSE_Encrypt0: alg, kid, payload (the wrapped key). One of
 *  a structure that is not known has alg TSR_COSE_ALG_NONE.
 *  errors  TSR_END */
tsr_err tsr_cose_recipient_next(tsr_cose_encrypted *e, tsr_cose_message *r);

/** Imports the content key as a volatile key that decrypts; the caller destroys it.
 *
 *  units   keys: key encryption keys that may be the recipient's
 *  errors  TSR_E_NOT_FOUND  none of the recipients is one of these keys; TSR_E_CRYPTO */
tsr_err tsr_cose_encrypted_key(const tsr_cose_encrypted *e, const tsr_cose_key_id *keys,
                               size_t count, tsr_cose_key_id *cek);

/** What is authenticated beside the ciphertext (RFC 9052 §5.3, context "Encrypt"). */
void tsr_cose_encrypted_aad(tsr_buf *out, const tsr_cose_encrypted *e);

/** Appends a COSE_Encrypt, A128GCM, and wraps `cek` for each key.
 *  errors  as tsr_cose_wrap(); the same in out->err */
tsr_err tsr_cose_put_encrypted(tsr_buf *out, const uint8_t iv[12], const uint8_t cek[TSR_COSE_CEK],
                               const tsr_cose_key_id *keys, size_t count);

#endif
