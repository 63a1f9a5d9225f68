/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffer sizes. What depends on the implementation is the largest that Tessera's service can offer:
 * hashes of 512 bits, RSA of 4,096, curves of 521, groups of 8,192. A buffer of these sizes fits
 * whatever the service was built with.
 * source  PSA Crypto API 1.2, the "support macros" of each chapter
 * units   bytes, unless a name says bits */
#ifndef PSA_CRYPTO_SIZES_H
#define PSA_CRYPTO_SIZES_H

#include "psa/crypto_values.h"

#define PSA_BITS_TO_BYTES(bits)  (((bits) + 7u) / 8u)
#define PSA_BYTES_TO_BITS(bytes) ((bytes)*8u)

#define PSA_VENDOR_RSA_MAX_KEY_BITS      4096u
#define PSA_VENDOR_ECC_MAX_CURVE_BITS    521u
#define PSA_VENDOR_FFDH_MAX_KEY_BITS     8192u
#define PSA_VENDOR_PBKDF2_MAX_ITERATIONS 0xffffffffu

/* Mentions what a size does not depend on, so that no caller has an unused variable; still a
 * constant expression, which a comma would not be. */
#define TSR_PSA_UNUSED(x)               (0u * (x))
#define TSR_PSA_ROUND_UP(block, length) (((length) + (block)-1u) / (block) * (block))

/* ---- hashes ---- */

#define PSA_HASH_MAX_SIZE            64u
#define PSA_HMAC_MAX_HASH_BLOCK_SIZE 144u /* SHA3-224 */

/** Also of an HMAC algorithm. 0: no hash that has a length here. */
#define PSA_HASH_LENGTH(alg)       TSR_PSA_HASH_LENGTH(PSA_ALG_GET_HASH(alg))
#define PSA_HASH_BLOCK_LENGTH(alg) TSR_PSA_HASH_BLOCK(PSA_ALG_GET_HASH(alg))
#define TSR_PSA_HASH_LENGTH(hash)                                                                  \
    ((hash) == PSA_ALG_MD2 || (hash) == PSA_ALG_MD4 || (hash) == PSA_ALG_MD5 ||                    \
             (hash) == PSA_ALG_AES_MMO_ZIGBEE                                                      \
         ? 16u                                                                                     \
     : (hash) == PSA_ALG_RIPEMD160 || (hash) == PSA_ALG_SHA_1 ? 20u                                \
     : (hash) == PSA_ALG_SHA_224 || (hash) == PSA_ALG_SHA_512_224 || (hash) == PSA_ALG_SHA3_224    \
         ? 28u                                                                                     \
     : (hash) == PSA_ALG_SHA_256 || (hash) == PSA_ALG_SHA_512_256 || (hash) == PSA_ALG_SHA3_256 || \
             (hash) == PSA_ALG_SM3                                                                 \
         ? 32u                                                                                     \
     : (hash) == PSA_ALG_SHA_384 || (hash) == PSA_ALG_SHA3_384 ? 48u                               \
     : (hash) == PSA_ALG_SHA_512 || (hash) == PSA_ALG_SHA3_512 || (hash) == PSA_ALG_SHAKE256_512   \
         ? 64u                                                                                     \
         : 0u)
#define TSR_PSA_HASH_BLOCK(hash)                                                                   \
    ((hash) == PSA_ALG_MD2 || (hash) == PSA_ALG_AES_MMO_ZIGBEE ? 16u                               \
     : (hash) == PSA_ALG_MD4 || (hash) == PSA_ALG_MD5 || (hash) == PSA_ALG_RIPEMD160 ||            \
             (hash) == PSA_ALG_SHA_1 || (hash) == PSA_ALG_SHA_224 || (hash) == PSA_ALG_SHA_256 ||  \
             (hash) == PSA_ALG_SM3                                                                 \
         ? 64u                                                                                     \
     : (hash) == PSA_ALG_SHA_384 || (hash) == PSA_ALG_SHA_512 || (hash) == PSA_ALG_SHA_512_224 ||  \
             (hash) == PSA_ALG_SHA_512_256                                                         \
         ? 128u                                                                                    \
     : (hash) == PSA_ALG_SHA3_224                                   ? 144u                         \
     : (hash) == PSA_ALG_SHA3_256 || (hash) == PSA_ALG_SHAKE256_512 ? 136u                         \
     : (hash) == PSA_ALG_SHA3_384                                   ? 104u                         \
     : (hash) == PSA_ALG_SHA3_512                                   ? 72u                          \
                                                                    : 0u)

/* The state of a suspended hash: algorithm, length of the input, inner state, what fills no block.
 */
#define PSA_HASH_SUSPEND_ALGORITHM_FIELD_LENGTH ((size_t)4)
#define PSA_HASH_SUSPEND_INPUT_LENGTH_FIELD_LENGTH(alg)                                            \
    ((alg) == PSA_ALG_MD2 ? 1u                                                                     \
     : ((alg) >= PSA_ALG_MD4 && (alg) <= PSA_ALG_SHA_1) || (alg) == PSA_ALG_SHA_224 ||             \
             (alg) == PSA_ALG_SHA_256                                                              \
         ? 8u                                                                                      \
     : (alg) >= PSA_ALG_SHA_384 && (alg) <= PSA_ALG_SHA_512_256 ? 16u                              \
                                                                : 0u)
#define PSA_HASH_SUSPEND_HASH_STATE_FIELD_LENGTH(alg)                                              \
    ((alg) == PSA_ALG_MD2                                       ? 64u                              \
     : (alg) == PSA_ALG_MD4 || (alg) == PSA_ALG_MD5             ? 16u                              \
     : (alg) == PSA_ALG_RIPEMD160 || (alg) == PSA_ALG_SHA_1     ? 20u                              \
     : (alg) == PSA_ALG_SHA_224 || (alg) == PSA_ALG_SHA_256     ? 32u                              \
     : (alg) >= PSA_ALG_SHA_384 && (alg) <= PSA_ALG_SHA_512_256 ? 64u                              \
                                                                : 0u)
#define PSA_HASH_SUSPEND_OUTPUT_SIZE(alg)                                                          \
    (PSA_HASH_SUSPEND_ALGORITHM_FIELD_LENGTH + PSA_HASH_SUSPEND_INPUT_LENGTH_FIELD_LENGTH(alg) +   \
     PSA_HASH_SUSPEND_HASH_STATE_FIELD_LENGTH(alg) + PSA_HASH_BLOCK_LENGTH(alg) - 1u)
#define PSA_HASH_SUSPEND_OUTPUT_MAX_SIZE PSA_HASH_SUSPEND_OUTPUT_SIZE(PSA_ALG_SHA_512)

/* ---- MACs ---- */

#define PSA_MAC_MAX_SIZE PSA_HASH_MAX_SIZE
#define PSA_MAC_LENGTH(key_type, key_bits, alg)                                                    \
    (TSR_PSA_UNUSED(key_bits) +                                                                    \
     (((alg)&PSA_ALG_MAC_TRUNCATION_MASK) != 0 ? PSA_MAC_TRUNCATED_LENGTH(alg)                     \
      : PSA_ALG_IS_HMAC(alg)                   ? PSA_HASH_LENGTH(alg)                              \
      : PSA_ALG_IS_BLOCK_CIPHER_MAC(alg)       ? PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type)           \
                                               : 0u))

/* ---- ciphers ---- */

#define PSA_BLOCK_CIPHER_BLOCK_MAX_SIZE 16u
#define PSA_CIPHER_MAX_KEY_LENGTH       32u
#define PSA_CIPHER_IV_MAX_SIZE          16u

#define TSR_PSA_CBC(alg)     ((alg) == PSA_ALG_CBC_NO_PADDING || (alg) == PSA_ALG_CBC_PKCS7)
#define TSR_PSA_BLOCKED(alg) (TSR_PSA_CBC(alg) || (alg) == PSA_ALG_ECB_NO_PADDING)

#define PSA_CIPHER_IV_LENGTH(key_type, alg)                                                        \
    ((alg) == PSA_ALG_CCM_STAR_NO_TAG && PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) == 16u ? 13u      \
     : (alg) == PSA_ALG_STREAM_CIPHER && (key_type) == PSA_KEY_TYPE_CHACHA20            ? 12u      \
     : (alg) == PSA_ALG_STREAM_CIPHER && (key_type) == PSA_KEY_TYPE_XCHACHA20           ? 24u      \
     : PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) > 1u &&                                             \
             ((alg) == PSA_ALG_CTR || (alg) == PSA_ALG_CFB || (alg) == PSA_ALG_OFB ||              \
              (alg) == PSA_ALG_XTS || TSR_PSA_CBC(alg))                                            \
         ? PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type)                                                 \
         : 0u)
/* PKCS#7 always adds 1 byte to a whole block. */
#define PSA_CIPHER_ENCRYPT_OUTPUT_SIZE(key_type, alg, input_length)                                \
    (!PSA_ALG_IS_CIPHER(alg)      ? 0u                                                             \
     : (alg) != PSA_ALG_CBC_PKCS7 ? (input_length) + PSA_CIPHER_IV_LENGTH(key_type, alg)           \
     : PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) == 0u                                               \
         ? 0u                                                                                      \
         : ((input_length) / TSR_PSA_BLOCK(key_type) + 1u) * TSR_PSA_BLOCK(key_type) +             \
               PSA_CIPHER_IV_LENGTH(key_type, alg))
#define TSR_PSA_BLOCK(key_type) /* never 0, as it divides */                                       \
    (PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) | (PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) == 0u))
#define PSA_CIPHER_ENCRYPT_OUTPUT_MAX_SIZE(input_length)                                           \
    (TSR_PSA_ROUND_UP(PSA_BLOCK_CIPHER_BLOCK_MAX_SIZE, (input_length) + 1u) +                      \
     PSA_CIPHER_IV_MAX_SIZE)
#define PSA_CIPHER_DECRYPT_OUTPUT_SIZE(key_type, alg, input_length)                                \
    (PSA_ALG_IS_CIPHER(alg) && TSR_PSA_KEY_CATEGORY(key_type) == PSA_KEY_TYPE_CATEGORY_SYMMETRIC   \
         ? (input_length)                                                                          \
         : 0u)
#define PSA_CIPHER_DECRYPT_OUTPUT_MAX_SIZE(input_length) (input_length)
#define PSA_CIPHER_UPDATE_OUTPUT_SIZE(key_type, alg, input_length)                                 \
    (!PSA_ALG_IS_CIPHER(alg) || PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) == 0u ? 0u                 \
     : TSR_PSA_BLOCKED(alg) ? TSR_PSA_ROUND_UP(TSR_PSA_BLOCK(key_type), input_length)              \
                            : (input_length))
#define PSA_CIPHER_UPDATE_OUTPUT_MAX_SIZE(input_length)                                            \
    TSR_PSA_ROUND_UP(PSA_BLOCK_CIPHER_BLOCK_MAX_SIZE, input_length)
#define PSA_CIPHER_FINISH_OUTPUT_SIZE(key_type, alg)                                               \
    ((alg) == PSA_ALG_CBC_PKCS7 ? PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) : 0u)
#define PSA_CIPHER_FINISH_OUTPUT_MAX_SIZE PSA_BLOCK_CIPHER_BLOCK_MAX_SIZE

/* ---- authenticated encryption ---- */

#define PSA_AEAD_NONCE_MAX_SIZE 13u
#define PSA_AEAD_TAG_MAX_SIZE   16u

/** The length that psa_aead_generate_nonce() makes; 0 when key and algorithm do not go together. */
#define PSA_AEAD_NONCE_LENGTH(key_type, alg)                                                       \
    (PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) == 16u && TSR_PSA_AEAD_IS(alg, PSA_ALG_CCM)   ? 13u   \
     : PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type) == 16u && TSR_PSA_AEAD_IS(alg, PSA_ALG_GCM) ? 12u   \
     : (key_type) == PSA_KEY_TYPE_CHACHA20 && TSR_PSA_AEAD_IS(alg, PSA_ALG_CHACHA20_POLY1305)      \
         ? 12u                                                                                     \
     : (key_type) == PSA_KEY_TYPE_XCHACHA20 && TSR_PSA_AEAD_IS(alg, PSA_ALG_XCHACHA20_POLY1305)    \
         ? 24u                                                                                     \
         : 0u)
#define TSR_PSA_AEAD_FITS(key_type, alg) (PSA_AEAD_NONCE_LENGTH(key_type, alg) != 0u)

#define PSA_AEAD_TAG_LENGTH(key_type, key_bits, alg)                                               \
    (TSR_PSA_UNUSED(key_bits) +                                                                    \
     (TSR_PSA_AEAD_FITS(key_type, alg) ? PSA_ALG_AEAD_GET_TAG_LENGTH(alg) : 0u))
#define PSA_AEAD_ENCRYPT_OUTPUT_SIZE(key_type, alg, plaintext_length)                              \
    (TSR_PSA_AEAD_FITS(key_type, alg) ? (plaintext_length) + PSA_ALG_AEAD_GET_TAG_LENGTH(alg) : 0u)
#define PSA_AEAD_ENCRYPT_OUTPUT_MAX_SIZE(plaintext_length)                                         \
    ((plaintext_length) + PSA_AEAD_TAG_MAX_SIZE)
#define PSA_AEAD_DECRYPT_OUTPUT_SIZE(key_type, alg, ciphertext_length)                             \
    (TSR_PSA_AEAD_FITS(key_type, alg) && (ciphertext_length) > PSA_ALG_AEAD_GET_TAG_LENGTH(alg)    \
         ? (ciphertext_length)-PSA_ALG_AEAD_GET_TAG_LENGTH(alg)                                    \
         : 0u)
#define PSA_AEAD_DECRYPT_OUTPUT_MAX_SIZE(ciphertext_length) (ciphertext_length)
#define PSA_AEAD_UPDATE_OUTPUT_SIZE(key_type, alg, input_length)                                   \
    (!TSR_PSA_AEAD_FITS(key_type, alg) ? 0u                                                        \
     : PSA_ALG_IS_AEAD_ON_BLOCK_CIPHER(alg)                                                        \
         ? TSR_PSA_ROUND_UP(TSR_PSA_BLOCK(key_type), input_length)                                 \
         : (input_length))
#define PSA_AEAD_UPDATE_OUTPUT_MAX_SIZE(input_length)                                              \
    TSR_PSA_ROUND_UP(PSA_BLOCK_CIPHER_BLOCK_MAX_SIZE, input_length)
#define PSA_AEAD_FINISH_OUTPUT_SIZE(key_type, alg)                                                 \
    (TSR_PSA_AEAD_FITS(key_type, alg) && PSA_ALG_IS_AEAD_ON_BLOCK_CIPHER(alg)                      \
         ? PSA_BLOCK_CIPHER_BLOCK_LENGTH(key_type)                                                 \
         : 0u)
#define PSA_AEAD_FINISH_OUTPUT_MAX_SIZE            PSA_BLOCK_CIPHER_BLOCK_MAX_SIZE
#define PSA_AEAD_VERIFY_OUTPUT_SIZE(key_type, alg) PSA_AEAD_FINISH_OUTPUT_SIZE(key_type, alg)
#define PSA_AEAD_VERIFY_OUTPUT_MAX_SIZE            PSA_BLOCK_CIPHER_BLOCK_MAX_SIZE

/* ---- signatures and asymmetric encryption ---- */

#define PSA_SIGNATURE_MAX_SIZE PSA_BITS_TO_BYTES(PSA_VENDOR_RSA_MAX_KEY_BITS)

#define PSA_ECDSA_SIGNATURE_SIZE(curve_bits) (2u * PSA_BITS_TO_BYTES(curve_bits))
#define PSA_SIGN_OUTPUT_SIZE(key_type, key_bits, alg)                                              \
    (TSR_PSA_UNUSED(alg) + (PSA_KEY_TYPE_IS_RSA(key_type)   ? PSA_BITS_TO_BYTES(key_bits)          \
                            : PSA_KEY_TYPE_IS_ECC(key_type) ? PSA_ECDSA_SIGNATURE_SIZE(key_bits)   \
                                                            : 0u))

/* What padding takes at least: RFC 8017 §7.1.1 (two hashes and 2), §7.2.1 (11). */
#define PSA_RSA_MINIMUM_PADDING_SIZE(alg)                                                          \
    (PSA_ALG_IS_RSA_OAEP(alg) ? 2u * PSA_HASH_LENGTH(PSA_ALG_RSA_OAEP_GET_HASH(alg)) + 2u : 11u)
#define PSA_ASYMMETRIC_ENCRYPT_OUTPUT_SIZE(key_type, key_bits, alg)                                \
    (TSR_PSA_UNUSED(alg) + (PSA_KEY_TYPE_IS_RSA(key_type) ? PSA_BITS_TO_BYTES(key_bits) : 0u))
#define PSA_ASYMMETRIC_ENCRYPT_OUTPUT_MAX_SIZE PSA_BITS_TO_BYTES(PSA_VENDOR_RSA_MAX_KEY_BITS)
#define PSA_ASYMMETRIC_DECRYPT_OUTPUT_SIZE(key_type, key_bits, alg)                                \
    (PSA_KEY_TYPE_IS_RSA(key_type)                                                                 \
         ? PSA_BITS_TO_BYTES(key_bits) - PSA_RSA_MINIMUM_PADDING_SIZE(alg)                         \
         : 0u)
#define PSA_ASYMMETRIC_DECRYPT_OUTPUT_MAX_SIZE PSA_BITS_TO_BYTES(PSA_VENDOR_RSA_MAX_KEY_BITS)

/* ---- keys ---- */

/* DER: RSAPublicKey has 2 integers in a sequence, RSAPrivateKey 9 of which 5 are of half the size
 * and 2 are small (RFC 8017 §A.1); an integer of n bits takes up to n / 8 + 5 bytes. */
#define TSR_PSA_DER_INTEGER(bits)                    ((bits) / 8u + 5u)
#define PSA_KEY_EXPORT_RSA_PUBLIC_KEY_MAX_SIZE(bits) (TSR_PSA_DER_INTEGER(bits) + 11u)
#define PSA_KEY_EXPORT_RSA_KEY_PAIR_MAX_SIZE(bits)                                                 \
    (9u * TSR_PSA_DER_INTEGER((bits) / 2u + 1u) + 14u)
#define PSA_KEY_EXPORT_ECC_PUBLIC_KEY_MAX_SIZE(bits)  (2u * PSA_BITS_TO_BYTES(bits) + 1u)
#define PSA_KEY_EXPORT_ECC_KEY_PAIR_MAX_SIZE(bits)    PSA_BITS_TO_BYTES(bits)
#define PSA_KEY_EXPORT_FFDH_PUBLIC_KEY_MAX_SIZE(bits) PSA_BITS_TO_BYTES(bits)
#define PSA_KEY_EXPORT_FFDH_KEY_PAIR_MAX_SIZE(bits)   PSA_BITS_TO_BYTES(bits)

#define PSA_EXPORT_PUBLIC_KEY_OUTPUT_SIZE(key_type, key_bits)                                      \
    (PSA_KEY_TYPE_IS_RSA(key_type)       ? PSA_KEY_EXPORT_RSA_PUBLIC_KEY_MAX_SIZE(key_bits)        \
     : PSA_KEY_TYPE_IS_ECC(key_type)     ? PSA_KEY_EXPORT_ECC_PUBLIC_KEY_MAX_SIZE(key_bits)        \
     : PSA_KEY_TYPE_IS_DH(key_type)      ? PSA_BITS_TO_BYTES(key_bits)                             \
     : PSA_KEY_TYPE_IS_SPAKE2P(key_type) ? 3u * PSA_BITS_TO_BYTES(key_bits) + 1u                   \
                                         : 0u)
#define PSA_EXPORT_KEY_OUTPUT_SIZE(key_type, key_bits)                                             \
    (PSA_KEY_TYPE_IS_PUBLIC_KEY(key_type) ? PSA_EXPORT_PUBLIC_KEY_OUTPUT_SIZE(key_type, key_bits)  \
     : (key_type) == PSA_KEY_TYPE_RSA_KEY_PAIR    ? PSA_KEY_EXPORT_RSA_KEY_PAIR_MAX_SIZE(key_bits) \
     : PSA_KEY_TYPE_IS_SPAKE2P_KEY_PAIR(key_type) ? 2u * PSA_BITS_TO_BYTES(key_bits)               \
                                                  : PSA_BITS_TO_BYTES(key_bits))

#define PSA_EXPORT_KEY_PAIR_MAX_SIZE                                                               \
    PSA_KEY_EXPORT_RSA_KEY_PAIR_MAX_SIZE(PSA_VENDOR_RSA_MAX_KEY_BITS)
#define PSA_EXPORT_PUBLIC_KEY_MAX_SIZE                                                             \
    PSA_KEY_EXPORT_FFDH_PUBLIC_KEY_MAX_SIZE(PSA_VENDOR_FFDH_MAX_KEY_BITS)
#define PSA_EXPORT_ASYMMETRIC_KEY_MAX_SIZE PSA_EXPORT_KEY_PAIR_MAX_SIZE

#define PSA_RAW_KEY_AGREEMENT_OUTPUT_SIZE(key_type, key_bits)                                      \
    (PSA_KEY_TYPE_IS_ECC_KEY_PAIR(key_type) || PSA_KEY_TYPE_IS_DH_KEY_PAIR(key_type)               \
         ? PSA_BITS_TO_BYTES(key_bits)                                                             \
         : 0u)
#define PSA_RAW_KEY_AGREEMENT_OUTPUT_MAX_SIZE PSA_BITS_TO_BYTES(PSA_VENDOR_FFDH_MAX_KEY_BITS)

/* ---- derivations and PAKEs ---- */

#define PSA_TLS12_PSK_TO_MS_PSK_MAX_SIZE     128u
#define PSA_TLS12_ECJPAKE_TO_PMS_INPUT_SIZE  65u
#define PSA_TLS12_ECJPAKE_TO_PMS_DATA_SIZE   32u
#define PSA_TLS12_ECJPAKE_TO_PMS_OUTPUT_SIZE 32u

/* On a curve: a share or commitment is an uncompressed point, J-PAKE's proof a scalar, SPAKE2+'s
 * confirmation a MAC. */
#define TSR_PSA_PAKE_SIZE(alg, primitive, step)                                                    \
    (PSA_PAKE_PRIMITIVE_GET_TYPE(primitive) != PSA_PAKE_PRIMITIVE_TYPE_ECC ||                      \
             !(PSA_ALG_IS_JPAKE(alg) || PSA_ALG_IS_SPAKE2P(alg))                                   \
         ? 0u                                                                                      \
     : (step) == PSA_PAKE_STEP_KEY_SHARE || (step) == PSA_PAKE_STEP_ZK_PUBLIC                      \
         ? 2u * PSA_BITS_TO_BYTES(PSA_PAKE_PRIMITIVE_GET_BITS(primitive)) + 1u                     \
     : (step) == PSA_PAKE_STEP_ZK_PROOF                                                            \
         ? PSA_BITS_TO_BYTES(PSA_PAKE_PRIMITIVE_GET_BITS(primitive))                               \
     : PSA_ALG_IS_SPAKE2P_CMAC(alg) ? 16u                                                          \
                                    : PSA_HASH_LENGTH(alg))
#define PSA_PAKE_OUTPUT_SIZE(alg, primitive, output_step)                                          \
    TSR_PSA_PAKE_SIZE(alg, primitive, output_step)
#define PSA_PAKE_INPUT_SIZE(alg, primitive, input_step)                                            \
    TSR_PSA_PAKE_SIZE(alg, primitive, input_step)
#define PSA_PAKE_OUTPUT_MAX_SIZE (2u * PSA_BITS_TO_BYTES(PSA_VENDOR_ECC_MAX_CURVE_BITS) + 1u)
#define PSA_PAKE_INPUT_MAX_SIZE  PSA_PAKE_OUTPUT_MAX_SIZE

#endif
