/* SPDX-License-Identifier: Apache-2.0
 *
 * Places, other than the secure service's own memory and store, where a key can live. Give one to
 * PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(); every call on the key then stays as it is.
 *
 * source  Crypto 1.2 §9.3 (PSA_KEY_LOCATION_VENDOR_FLAG: values of a vendor's own) */
#ifndef PSA_KEY_LOCATION_H
#define PSA_KEY_LOCATION_H

/** The TPM 2.0 that the service was started with (tessera-secured --tpm). Without one, calls on
 *  such a key answer PSA_ERROR_NOT_SUPPORTED. Keys of this place: docs/PSA.md. */
#define TSR_KEY_LOCATION_TPM 0x805450u

#endif
