/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's root key, and the keys that are derived from it.
 *
 * One secret of 32 bytes per device (HUK, hardware unique key) comes from a source of the platform:
 * a sealed file, a TPM, fuses. It goes into the PSA core as a key that can only derive, and its
 * bytes are wiped. Every other key that belongs to the device, and not to a client, is
 * HKDF-SHA-256 of it: without salt, info = label, one zero byte, context (RFC 5869 §3.2). */
#ifndef SECURE_ROOT_ROOT_H
#define SECURE_ROOT_ROOT_H

#include "psa/crypto.h"
#include "tessera/base/bytes.h"

#define TSR_ROOT_BYTES     32u
#define TSR_ROOT_LABEL_MAX 32u /* bytes of a label */

/** Where the platform keeps the secret. */
typedef struct {
    void *self;
    /** Writes the secret, the same in every life of the device.
     *  errors  TSR_E_DENIED     others could have read it: it is not given out
     *          TSR_E_NOT_FOUND  there is none
     *          TSR_E_IO, TSR_E_MALFORMED, TSR_E_CRYPTO  it cannot be read, or not be unsealed */
    tsr_err (*unseal)(void *self, uint8_t huk[TSR_ROOT_BYTES]);
    /** Makes the secret unrecoverable, for good (lifecycle DECOMMISSIONED). Harmless twice. */
    tsr_err (*destroy)(void *self);
    const char *name; /* for reports: a path, or the name of the device */
} tsr_root_source;

typedef struct { /* zeroed: not open */
    /* private */
    mbedtls_svc_key_id_t huk;
    bool open;
} tsr_root;

/** Takes the secret from the source into the PSA core (volatile, usage DERIVE alone).
 *
 *  errors  PSA_ERROR_DOES_NOT_EXIST, PSA_ERROR_NOT_PERMITTED, PSA_ERROR_STORAGE_FAILURE: what the
 *          source said (TSR_E_NOT_FOUND, TSR_E_DENIED, anything else); or the core's own */
psa_status_t tsr_root_open(tsr_root *root, const tsr_root_source *source);

/** Makes the key of a label and context. The same inputs give the same key on this device.
 *
 *  units   label: 1 to TSR_ROOT_LABEL_MAX bytes of ASCII, one per purpose, never reused
 *  owner   *key is the caller's to destroy; its type and bits must be such that any bytes will do
 *          (AES, HMAC, DERIVE, ...) or an elliptic curve that the core derives for
 *  errors  PSA_ERROR_BAD_STATE  the root is not open; else the core's own */
psa_status_t tsr_root_key(const tsr_root *root, const char *label, tsr_bytes context,
                          const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *key);

/** Bytes of a label and context, for identifiers that may be public. Never for keys.
 *  errors  as tsr_root_key; `out` is wiped on failure */
psa_status_t tsr_root_bytes(const tsr_root *root, const char *label, tsr_bytes context,
                            uint8_t *out, size_t len);

/** Forgets the secret in the core. Harmless twice. */
void tsr_root_close(tsr_root *root);

#endif
