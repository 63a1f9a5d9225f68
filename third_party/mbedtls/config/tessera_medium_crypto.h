/* SPDX-License-Identifier: Apache-2.0
 *
 * The algorithms of the secure world on a microcontroller: those of TF-M's profile Medium, and
 * AES-GCM if Protected Storage asks for it. */
#ifndef TESSERA_MEDIUM_CRYPTO_H
#define TESSERA_MEDIUM_CRYPTO_H

#define PSA_WANT_ALG_CCM             1
#define PSA_WANT_ALG_ECDH            1
#define PSA_WANT_ALG_ECDSA           1
#define PSA_WANT_ALG_HKDF            1
#define PSA_WANT_ALG_HMAC            1
#define PSA_WANT_ALG_SHA_256         1
#define PSA_WANT_ALG_TLS12_PRF       1
#define PSA_WANT_ALG_TLS12_PSK_TO_MS 1
#define PSA_WANT_ECC_SECP_R1_256     1
#define PSA_WANT_KEY_TYPE_AES        1
#define PSA_WANT_KEY_TYPE_HMAC       1
#define PSA_WANT_KEY_TYPE_DERIVE     1
#define PSA_WANT_KEY_TYPE_RAW_DATA   1
#define PSA_WANT_KEY_TYPE_ECC_PUBLIC_KEY        1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_BASIC    1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_GENERATE 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_IMPORT   1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_EXPORT   1

#endif
