/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys off the chip: what the crypto service needs of a place other than its own memory and store,
 * such as a TPM or a secure element.
 *
 * A key's location is in its lifetime (PSA_KEY_LIFETIME_GET_LOCATION). The driver turns a key into
 * an opaque blob: a handle, a slot number, or the key wrapped by a secret that only the device has.
 * The service keeps that blob with the key's attributes in one record, next to its other keys, so
 * identifiers, owners, policies, lifetimes, quotas and power cuts are the same for every location.
 * The service checks the policy before it asks a driver; what needs the public key alone (verify,
 * encrypt) it does itself.
 *
 * source  Crypto 1.2 §9.3 (key lifetimes: location) */
#ifndef SECURE_CRYPTO_LOCATION_H
#define SECURE_CRYPTO_LOCATION_H

#include "psa/crypto.h"
#include "tessera/base/bytes.h"

#define TSR_LOCATION_BLOB_MAX 1024u /* bytes; an RSA 2048 pair wrapped by a TPM has about 600 */

/* One location. A function that is NULL makes the calls that need it answer
 * PSA_ERROR_NOT_SUPPORTED. Every function gets `self`, and the key's true attributes: type, bits,
 * usage, algorithms, lifetime and id (its owner included). Outputs are written to a tsr_buf that
 * the service places; too little room is PSA_ERROR_BUFFER_TOO_SMALL. */
typedef struct {
    psa_key_location_t location; /* not 0, which is the service's own memory and store */
    void *self;

    /** Makes a key on the device. `attributes` says type and bits.
     *  owner   the blob is written to `blob`, TSR_LOCATION_BLOB_MAX bytes at most */
    psa_status_t (*generate)(void *self, const psa_key_attributes_t *attributes, tsr_buf *blob);

    /** Takes a key in. *bits is the attributes' size (0: not given); it leaves as the true size.
     *  errors  PSA_ERROR_INVALID_ARGUMENT  the material does not fit type or bits */
    psa_status_t (*import)(void *self, const psa_key_attributes_t *attributes, tsr_bytes material,
                           tsr_buf *blob, size_t *bits);

    /** Ends a key on the device. It is called before the record goes, and again if the record
     *  stayed after a power cut: a key that is no longer there is a success. NULL: the blob is all
     *  there is of the key. */
    psa_status_t (*destroy)(void *self, const psa_key_attributes_t *attributes, tsr_bytes blob);

    /** The public half, in the format of psa_export_public_key(). */
    psa_status_t (*export_public)(void *self, const psa_key_attributes_t *attributes,
                                  tsr_bytes blob, tsr_buf *out);

    /** The key itself, in the format of psa_export_key(), when its policy permits that.
     *  Most devices have none. */
    psa_status_t (*export_key)(void *self, const psa_key_attributes_t *attributes, tsr_bytes blob,
                               tsr_buf *out);

    /** A signature over a hash (psa_sign_hash). `alg` is never a wildcard. */
    psa_status_t (*sign_hash)(void *self, const psa_key_attributes_t *attributes, tsr_bytes blob,
                              psa_algorithm_t alg, tsr_bytes hash, tsr_buf *signature);

    /** The raw shared secret (psa_raw_key_agreement); the service wipes it after use. */
    psa_status_t (*key_agreement)(void *self, const psa_key_attributes_t *attributes,
                                  tsr_bytes blob, psa_algorithm_t alg, tsr_bytes peer,
                                  tsr_buf *secret);

    /** psa_asymmetric_decrypt(); `salt` is the label of OAEP. */
    psa_status_t (*asymmetric_decrypt)(void *self, const psa_key_attributes_t *attributes,
                                       tsr_bytes blob, psa_algorithm_t alg, tsr_bytes input,
                                       tsr_bytes salt, tsr_buf *out);

    /** psa_mac_compute(), always of the algorithm's full length; the service cuts and compares. */
    psa_status_t (*mac_compute)(void *self, const psa_key_attributes_t *attributes, tsr_bytes blob,
                                psa_algorithm_t alg, tsr_bytes message, tsr_buf *mac);
} tsr_location;

#endif
