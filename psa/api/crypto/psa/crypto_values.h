/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of PSA Crypto: key types, algorithms, lifetimes, usage, steps. A name that stands
 * here may still be answered with PSA_ERROR_NOT_SUPPORTED by the service (docs/PSA.md).
 * source  PSA Crypto API 1.2, appendix B (encodings), and 1.3 for the PAKE names
 *
 * An algorithm is a 32-bit number: vendor flag in bit 31, category in bits 24 to 30, and for most
 * that are built on a hash the hash's low byte in bits 0 to 7. A key type is a 16-bit number:
 * category in bits 12 to 14, block size as a power of two in bits 8 to 10 of a symmetric type,
 * curve or group family in the low byte of an asymmetric one. */
#ifndef PSA_CRYPTO_VALUES_H
#define PSA_CRYPTO_VALUES_H

#include "psa/crypto_types.h"

/* Status codes that only Crypto has. */
#define PSA_ERROR_INSUFFICIENT_ENTROPY ((psa_status_t)-148)
#define PSA_ERROR_INVALID_PADDING      ((psa_status_t)-150)

/* ---- key types ---- */

#define PSA_KEY_TYPE_NONE          ((psa_key_type_t)0x0000)
#define PSA_KEY_TYPE_RAW_DATA      ((psa_key_type_t)0x1001)
#define PSA_KEY_TYPE_HMAC          ((psa_key_type_t)0x1100)
#define PSA_KEY_TYPE_DERIVE        ((psa_key_type_t)0x1200)
#define PSA_KEY_TYPE_PASSWORD      ((psa_key_type_t)0x1203)
#define PSA_KEY_TYPE_PASSWORD_HASH ((psa_key_type_t)0x1205)
#define PSA_KEY_TYPE_PEPPER        ((psa_key_type_t)0x1206)
#define PSA_KEY_TYPE_ARC4          ((psa_key_type_t)0x2002)
#define PSA_KEY_TYPE_CHACHA20      ((psa_key_type_t)0x2004)
#define PSA_KEY_TYPE_XCHACHA20     ((psa_key_type_t)0x2007)
#define PSA_KEY_TYPE_DES           ((psa_key_type_t)0x2301)
#define PSA_KEY_TYPE_AES           ((psa_key_type_t)0x2400)
#define PSA_KEY_TYPE_CAMELLIA      ((psa_key_type_t)0x2403)
#define PSA_KEY_TYPE_SM4           ((psa_key_type_t)0x2405)
#define PSA_KEY_TYPE_ARIA          ((psa_key_type_t)0x2406)

#define PSA_KEY_TYPE_RSA_PUBLIC_KEY ((psa_key_type_t)0x4001)
#define PSA_KEY_TYPE_RSA_KEY_PAIR   ((psa_key_type_t)0x7001)

#define PSA_KEY_TYPE_VENDOR_FLAG         ((psa_key_type_t)0x8000)
#define PSA_KEY_TYPE_CATEGORY_MASK       ((psa_key_type_t)0x7000)
#define PSA_KEY_TYPE_CATEGORY_RAW        ((psa_key_type_t)0x1000)
#define PSA_KEY_TYPE_CATEGORY_SYMMETRIC  ((psa_key_type_t)0x2000)
#define PSA_KEY_TYPE_CATEGORY_PUBLIC_KEY ((psa_key_type_t)0x4000)
#define PSA_KEY_TYPE_CATEGORY_KEY_PAIR   ((psa_key_type_t)0x7000)
#define PSA_KEY_TYPE_CATEGORY_FLAG_PAIR  ((psa_key_type_t)0x3000)

#define TSR_PSA_KEY_CATEGORY(type)   ((type)&PSA_KEY_TYPE_CATEGORY_MASK)
#define TSR_PSA_KEY_FAMILY_MASK      0x007fu
#define TSR_PSA_KEY_OF(base, family) ((psa_key_type_t)((base) | ((family)&TSR_PSA_KEY_FAMILY_MASK)))
#define TSR_PSA_KEY_IS(type, base)   (((type)&0xff80u) == (base))

#define PSA_KEY_TYPE_IS_VENDOR_DEFINED(type) (((type)&PSA_KEY_TYPE_VENDOR_FLAG) != 0)
#define PSA_KEY_TYPE_IS_UNSTRUCTURED(type)                                                         \
    (TSR_PSA_KEY_CATEGORY(type) == PSA_KEY_TYPE_CATEGORY_RAW ||                                    \
     TSR_PSA_KEY_CATEGORY(type) == PSA_KEY_TYPE_CATEGORY_SYMMETRIC)
#define PSA_KEY_TYPE_IS_ASYMMETRIC(type) (((type)&0x4000u) != 0)
#define PSA_KEY_TYPE_IS_PUBLIC_KEY(type)                                                           \
    (TSR_PSA_KEY_CATEGORY(type) == PSA_KEY_TYPE_CATEGORY_PUBLIC_KEY)
#define PSA_KEY_TYPE_IS_KEY_PAIR(type)                                                             \
    (TSR_PSA_KEY_CATEGORY(type) == PSA_KEY_TYPE_CATEGORY_KEY_PAIR)
#define PSA_KEY_TYPE_KEY_PAIR_OF_PUBLIC_KEY(type)                                                  \
    ((psa_key_type_t)((type) | PSA_KEY_TYPE_CATEGORY_FLAG_PAIR))
#define PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(type) ((psa_key_type_t)((type)&0xcfffu))
#define PSA_KEY_TYPE_IS_RSA(type)                                                                  \
    (PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(type) == PSA_KEY_TYPE_RSA_PUBLIC_KEY)

#define PSA_KEY_TYPE_ECC_PUBLIC_KEY_BASE     ((psa_key_type_t)0x4100)
#define PSA_KEY_TYPE_ECC_KEY_PAIR_BASE       ((psa_key_type_t)0x7100)
#define PSA_KEY_TYPE_ECC_PUBLIC_KEY(curve)   TSR_PSA_KEY_OF(PSA_KEY_TYPE_ECC_PUBLIC_KEY_BASE, curve)
#define PSA_KEY_TYPE_ECC_KEY_PAIR(curve)     TSR_PSA_KEY_OF(PSA_KEY_TYPE_ECC_KEY_PAIR_BASE, curve)
#define PSA_KEY_TYPE_IS_ECC_PUBLIC_KEY(type) TSR_PSA_KEY_IS(type, PSA_KEY_TYPE_ECC_PUBLIC_KEY_BASE)
#define PSA_KEY_TYPE_IS_ECC_KEY_PAIR(type)   TSR_PSA_KEY_IS(type, PSA_KEY_TYPE_ECC_KEY_PAIR_BASE)
#define PSA_KEY_TYPE_IS_ECC(type)                                                                  \
    PSA_KEY_TYPE_IS_ECC_PUBLIC_KEY(PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(type))
#define PSA_KEY_TYPE_ECC_GET_FAMILY(type)                                                          \
    ((psa_ecc_family_t)(PSA_KEY_TYPE_IS_ECC(type) ? (type)&TSR_PSA_KEY_FAMILY_MASK : 0u))

#define PSA_ECC_FAMILY_SECP_R1         ((psa_ecc_family_t)0x12)
#define PSA_ECC_FAMILY_SECP_K1         ((psa_ecc_family_t)0x17)
#define PSA_ECC_FAMILY_SECP_R2         ((psa_ecc_family_t)0x1b)
#define PSA_ECC_FAMILY_SECT_R1         ((psa_ecc_family_t)0x22)
#define PSA_ECC_FAMILY_SECT_K1         ((psa_ecc_family_t)0x27)
#define PSA_ECC_FAMILY_SECT_R2         ((psa_ecc_family_t)0x2b)
#define PSA_ECC_FAMILY_BRAINPOOL_P_R1  ((psa_ecc_family_t)0x30)
#define PSA_ECC_FAMILY_FRP             ((psa_ecc_family_t)0x33)
#define PSA_ECC_FAMILY_MONTGOMERY      ((psa_ecc_family_t)0x41)
#define PSA_ECC_FAMILY_TWISTED_EDWARDS ((psa_ecc_family_t)0x42)

#define PSA_KEY_TYPE_DH_PUBLIC_KEY_BASE     ((psa_key_type_t)0x4200)
#define PSA_KEY_TYPE_DH_KEY_PAIR_BASE       ((psa_key_type_t)0x7200)
#define PSA_KEY_TYPE_DH_PUBLIC_KEY(group)   TSR_PSA_KEY_OF(PSA_KEY_TYPE_DH_PUBLIC_KEY_BASE, group)
#define PSA_KEY_TYPE_DH_KEY_PAIR(group)     TSR_PSA_KEY_OF(PSA_KEY_TYPE_DH_KEY_PAIR_BASE, group)
#define PSA_KEY_TYPE_IS_DH_PUBLIC_KEY(type) TSR_PSA_KEY_IS(type, PSA_KEY_TYPE_DH_PUBLIC_KEY_BASE)
#define PSA_KEY_TYPE_IS_DH_KEY_PAIR(type)   TSR_PSA_KEY_IS(type, PSA_KEY_TYPE_DH_KEY_PAIR_BASE)
#define PSA_KEY_TYPE_IS_DH(type)                                                                   \
    PSA_KEY_TYPE_IS_DH_PUBLIC_KEY(PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(type))
#define PSA_KEY_TYPE_DH_GET_FAMILY(type)                                                           \
    ((psa_dh_family_t)(PSA_KEY_TYPE_IS_DH(type) ? (type)&TSR_PSA_KEY_FAMILY_MASK : 0u))

#define PSA_DH_FAMILY_RFC7919 ((psa_dh_family_t)0x03)

#define PSA_KEY_TYPE_SPAKE2P_PUBLIC_KEY(curve)   TSR_PSA_KEY_OF(0x4400u, curve)
#define PSA_KEY_TYPE_SPAKE2P_KEY_PAIR(curve)     TSR_PSA_KEY_OF(0x7400u, curve)
#define PSA_KEY_TYPE_IS_SPAKE2P_PUBLIC_KEY(type) TSR_PSA_KEY_IS(type, 0x4400u)
#define PSA_KEY_TYPE_IS_SPAKE2P_KEY_PAIR(type)   TSR_PSA_KEY_IS(type, 0x7400u)
#define PSA_KEY_TYPE_IS_SPAKE2P(type)                                                              \
    PSA_KEY_TYPE_IS_SPAKE2P_PUBLIC_KEY(PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(type))
#define PSA_KEY_TYPE_SPAKE2P_GET_FAMILY(type) ((psa_ecc_family_t)((type)&TSR_PSA_KEY_FAMILY_MASK))

/** Bytes in a block; 1 for a stream cipher's key, 0 for a key of no symmetric cipher. */
#define PSA_BLOCK_CIPHER_BLOCK_LENGTH(type)                                                        \
    (TSR_PSA_KEY_CATEGORY(type) == PSA_KEY_TYPE_CATEGORY_SYMMETRIC ? 1u << ((type) >> 8 & 7u) : 0u)

/* ---- algorithms: categories ---- */

#define PSA_ALG_NONE                           ((psa_algorithm_t)0)
#define PSA_ALG_VENDOR_FLAG                    ((psa_algorithm_t)0x80000000)
#define PSA_ALG_CATEGORY_MASK                  ((psa_algorithm_t)0x7f000000)
#define PSA_ALG_CATEGORY_HASH                  ((psa_algorithm_t)0x02000000)
#define PSA_ALG_CATEGORY_MAC                   ((psa_algorithm_t)0x03000000)
#define PSA_ALG_CATEGORY_CIPHER                ((psa_algorithm_t)0x04000000)
#define PSA_ALG_CATEGORY_AEAD                  ((psa_algorithm_t)0x05000000)
#define PSA_ALG_CATEGORY_SIGN                  ((psa_algorithm_t)0x06000000)
#define PSA_ALG_CATEGORY_ASYMMETRIC_ENCRYPTION ((psa_algorithm_t)0x07000000)
#define PSA_ALG_CATEGORY_KEY_DERIVATION        ((psa_algorithm_t)0x08000000)
#define PSA_ALG_CATEGORY_KEY_AGREEMENT         ((psa_algorithm_t)0x09000000)
#define PSA_ALG_CATEGORY_PAKE                  ((psa_algorithm_t)0x0a000000)
#define PSA_ALG_HASH_MASK                      ((psa_algorithm_t)0x000000ff)

#define TSR_PSA_ALG_IN(alg, category)  (((alg)&PSA_ALG_CATEGORY_MASK) == (category))
#define TSR_PSA_ALG_ON(base, hash_alg) ((psa_algorithm_t)((base) | ((hash_alg)&PSA_ALG_HASH_MASK)))
#define TSR_PSA_ALG_IS(alg, base)      (((alg)&0xffffff00u) == (base))

#define PSA_ALG_IS_VENDOR_DEFINED(alg) (((alg)&PSA_ALG_VENDOR_FLAG) != 0)
#define PSA_ALG_IS_HASH(alg)           TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_HASH)
#define PSA_ALG_IS_MAC(alg)            TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_MAC)
#define PSA_ALG_IS_CIPHER(alg)         TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_CIPHER)
#define PSA_ALG_IS_AEAD(alg)           TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_AEAD)
#define PSA_ALG_IS_SIGN(alg)           TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_SIGN)
#define PSA_ALG_IS_KEY_DERIVATION(alg) TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_KEY_DERIVATION)
#define PSA_ALG_IS_KEY_AGREEMENT(alg)  TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_KEY_AGREEMENT)
#define PSA_ALG_IS_PAKE(alg)           TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_PAKE)
#define PSA_ALG_IS_ASYMMETRIC_ENCRYPTION(alg)                                                      \
    TSR_PSA_ALG_IN(alg, PSA_ALG_CATEGORY_ASYMMETRIC_ENCRYPTION)

/** The hash inside a composite algorithm; 0 when there is none. */
#define PSA_ALG_GET_HASH(alg)                                                                      \
    (((alg)&PSA_ALG_HASH_MASK) == 0 ? PSA_ALG_NONE : TSR_PSA_ALG_ON(PSA_ALG_CATEGORY_HASH, alg))

/* ---- hashes ---- */

#define PSA_ALG_MD2            ((psa_algorithm_t)0x02000001)
#define PSA_ALG_MD4            ((psa_algorithm_t)0x02000002)
#define PSA_ALG_MD5            ((psa_algorithm_t)0x02000003)
#define PSA_ALG_RIPEMD160      ((psa_algorithm_t)0x02000004)
#define PSA_ALG_SHA_1          ((psa_algorithm_t)0x02000005)
#define PSA_ALG_AES_MMO_ZIGBEE ((psa_algorithm_t)0x02000007)
#define PSA_ALG_SHA_224        ((psa_algorithm_t)0x02000008)
#define PSA_ALG_SHA_256        ((psa_algorithm_t)0x02000009)
#define PSA_ALG_SHA_384        ((psa_algorithm_t)0x0200000a)
#define PSA_ALG_SHA_512        ((psa_algorithm_t)0x0200000b)
#define PSA_ALG_SHA_512_224    ((psa_algorithm_t)0x0200000c)
#define PSA_ALG_SHA_512_256    ((psa_algorithm_t)0x0200000d)
#define PSA_ALG_SHA3_224       ((psa_algorithm_t)0x02000010)
#define PSA_ALG_SHA3_256       ((psa_algorithm_t)0x02000011)
#define PSA_ALG_SHA3_384       ((psa_algorithm_t)0x02000012)
#define PSA_ALG_SHA3_512       ((psa_algorithm_t)0x02000013)
#define PSA_ALG_SM3            ((psa_algorithm_t)0x02000014)
#define PSA_ALG_SHAKE256_512   ((psa_algorithm_t)0x02000015)
#define PSA_ALG_ANY_HASH       ((psa_algorithm_t)0x020000ff) /* in the policy of a signature key */

/* ---- MACs: bits 16 to 21 hold the length of a truncated one, bit 15 makes it a minimum ---- */

#define PSA_ALG_HMAC_BASE       ((psa_algorithm_t)0x03800000)
#define PSA_ALG_CIPHER_MAC_BASE ((psa_algorithm_t)0x03c00000)
#define PSA_ALG_CBC_MAC         ((psa_algorithm_t)0x03c00100)
#define PSA_ALG_CMAC            ((psa_algorithm_t)0x03c00200)

#define PSA_ALG_MAC_TRUNCATION_MASK           ((psa_algorithm_t)0x003f0000)
#define PSA_ALG_MAC_AT_LEAST_THIS_LENGTH_FLAG ((psa_algorithm_t)0x00008000)
#define TSR_PSA_ALG_LENGTH_BITS               0x003f8000u
#define TSR_PSA_ALG_WITH_LENGTH(alg, length)                                                       \
    ((psa_algorithm_t)(((alg) & ~TSR_PSA_ALG_LENGTH_BITS) |                                        \
                       ((psa_algorithm_t)((length)&0x3fu) << 16)))

#define PSA_ALG_HMAC(hash_alg)                     TSR_PSA_ALG_ON(PSA_ALG_HMAC_BASE, hash_alg)
#define PSA_ALG_HMAC_GET_HASH(hmac_alg)            TSR_PSA_ALG_ON(PSA_ALG_CATEGORY_HASH, hmac_alg)
#define PSA_ALG_IS_HMAC(alg)                       (((alg)&0x7fc0ff00u & ~TSR_PSA_ALG_LENGTH_BITS) == PSA_ALG_HMAC_BASE)
#define PSA_ALG_IS_BLOCK_CIPHER_MAC(alg)           (((alg)&0x7fc00000u) == PSA_ALG_CIPHER_MAC_BASE)
#define PSA_ALG_FULL_LENGTH_MAC(mac_alg)           ((psa_algorithm_t)((mac_alg) & ~TSR_PSA_ALG_LENGTH_BITS))
#define PSA_MAC_TRUNCATED_LENGTH(mac_alg)          (((mac_alg)&PSA_ALG_MAC_TRUNCATION_MASK) >> 16)
#define PSA_ALG_TRUNCATED_MAC(mac_alg, mac_length) TSR_PSA_ALG_WITH_LENGTH(mac_alg, mac_length)
#define PSA_ALG_AT_LEAST_THIS_LENGTH_MAC(mac_alg, min_mac_length)                                  \
    (PSA_ALG_TRUNCATED_MAC(mac_alg, min_mac_length) | PSA_ALG_MAC_AT_LEAST_THIS_LENGTH_FLAG)

/* ---- ciphers without authentication ---- */

#define PSA_ALG_STREAM_CIPHER    ((psa_algorithm_t)0x04800100)
#define PSA_ALG_CTR              ((psa_algorithm_t)0x04c01000)
#define PSA_ALG_CFB              ((psa_algorithm_t)0x04c01100)
#define PSA_ALG_OFB              ((psa_algorithm_t)0x04c01200)
#define PSA_ALG_CCM_STAR_NO_TAG  ((psa_algorithm_t)0x04c01300)
#define PSA_ALG_CCM_STAR_ANY_TAG ((psa_algorithm_t)0x04c09300) /* in a policy: CCM and CCM* */
#define PSA_ALG_CBC_NO_PADDING   ((psa_algorithm_t)0x04404000)
#define PSA_ALG_CBC_PKCS7        ((psa_algorithm_t)0x04404100)
#define PSA_ALG_ECB_NO_PADDING   ((psa_algorithm_t)0x04404400)
#define PSA_ALG_XTS              ((psa_algorithm_t)0x0440ff00)

#define PSA_ALG_CIPHER_STREAM_FLAG    ((psa_algorithm_t)0x00800000)
#define PSA_ALG_IS_STREAM_CIPHER(alg) (((alg)&0x7f800000u) == 0x04800000u)

/* ---- authenticated encryption: the tag's length stands where a MAC's does ---- */

#define PSA_ALG_CCM                ((psa_algorithm_t)0x05500100)
#define PSA_ALG_GCM                ((psa_algorithm_t)0x05500200)
#define PSA_ALG_CHACHA20_POLY1305  ((psa_algorithm_t)0x05100500)
#define PSA_ALG_XCHACHA20_POLY1305 ((psa_algorithm_t)0x05100600)

#define PSA_ALG_AEAD_TAG_LENGTH_MASK           ((psa_algorithm_t)0x003f0000)
#define PSA_ALG_AEAD_AT_LEAST_THIS_LENGTH_FLAG ((psa_algorithm_t)0x00008000)

#define PSA_ALG_IS_AEAD_ON_BLOCK_CIPHER(alg)  (((alg)&0x7f400000u) == 0x05400000u)
#define PSA_ALG_AEAD_GET_TAG_LENGTH(aead_alg) (((aead_alg)&PSA_ALG_AEAD_TAG_LENGTH_MASK) >> 16)
#define PSA_ALG_AEAD_WITH_SHORTENED_TAG(aead_alg, tag_length)                                      \
    TSR_PSA_ALG_WITH_LENGTH(aead_alg, tag_length)
#define PSA_ALG_AEAD_WITH_AT_LEAST_THIS_LENGTH_TAG(aead_alg, min_tag_length)                       \
    (PSA_ALG_AEAD_WITH_SHORTENED_TAG(aead_alg, min_tag_length) |                                   \
     PSA_ALG_AEAD_AT_LEAST_THIS_LENGTH_FLAG)

/* Every AEAD that the API knows has a tag of 16 bytes when whole. */
#define TSR_PSA_AEAD_IS(alg, aead)                                                                 \
    (PSA_ALG_AEAD_WITH_SHORTENED_TAG(alg, 0u) == PSA_ALG_AEAD_WITH_SHORTENED_TAG(aead, 0u))
#define PSA_ALG_AEAD_WITH_DEFAULT_LENGTH_TAG(aead_alg)                                             \
    (TSR_PSA_AEAD_IS(aead_alg, PSA_ALG_CCM) || TSR_PSA_AEAD_IS(aead_alg, PSA_ALG_GCM) ||           \
             TSR_PSA_AEAD_IS(aead_alg, PSA_ALG_CHACHA20_POLY1305) ||                               \
             TSR_PSA_AEAD_IS(aead_alg, PSA_ALG_XCHACHA20_POLY1305)                                 \
         ? PSA_ALG_AEAD_WITH_SHORTENED_TAG(aead_alg, 16u)                                          \
         : PSA_ALG_NONE)

/* ---- signatures ---- */

#define PSA_ALG_RSA_PKCS1V15_SIGN_BASE   ((psa_algorithm_t)0x06000200)
#define PSA_ALG_RSA_PKCS1V15_SIGN_RAW    ((psa_algorithm_t)0x06000200)
#define PSA_ALG_RSA_PSS_BASE             ((psa_algorithm_t)0x06000300)
#define PSA_ALG_RSA_PSS_ANY_SALT_BASE    ((psa_algorithm_t)0x06001300)
#define PSA_ALG_ECDSA_BASE               ((psa_algorithm_t)0x06000600)
#define PSA_ALG_ECDSA_ANY                ((psa_algorithm_t)0x06000600)
#define PSA_ALG_DETERMINISTIC_ECDSA_BASE ((psa_algorithm_t)0x06000700)
#define PSA_ALG_PURE_EDDSA               ((psa_algorithm_t)0x06000800)
#define PSA_ALG_HASH_EDDSA_BASE          ((psa_algorithm_t)0x06000900)
#define PSA_ALG_ED25519PH                ((psa_algorithm_t)0x0600090b)
#define PSA_ALG_ED448PH                  ((psa_algorithm_t)0x06000915)

#define PSA_ALG_RSA_PKCS1V15_SIGN(hash_alg) TSR_PSA_ALG_ON(PSA_ALG_RSA_PKCS1V15_SIGN_BASE, hash_alg)
#define PSA_ALG_RSA_PSS(hash_alg)           TSR_PSA_ALG_ON(PSA_ALG_RSA_PSS_BASE, hash_alg)
#define PSA_ALG_RSA_PSS_ANY_SALT(hash_alg)  TSR_PSA_ALG_ON(PSA_ALG_RSA_PSS_ANY_SALT_BASE, hash_alg)
#define PSA_ALG_ECDSA(hash_alg)             TSR_PSA_ALG_ON(PSA_ALG_ECDSA_BASE, hash_alg)
#define PSA_ALG_DETERMINISTIC_ECDSA(hash_alg)                                                      \
    TSR_PSA_ALG_ON(PSA_ALG_DETERMINISTIC_ECDSA_BASE, hash_alg)

#define PSA_ALG_IS_RSA_PKCS1V15_SIGN(alg)     TSR_PSA_ALG_IS(alg, PSA_ALG_RSA_PKCS1V15_SIGN_BASE)
#define PSA_ALG_IS_RSA_PSS_STANDARD_SALT(alg) TSR_PSA_ALG_IS(alg, PSA_ALG_RSA_PSS_BASE)
#define PSA_ALG_IS_RSA_PSS_ANY_SALT(alg)      TSR_PSA_ALG_IS(alg, PSA_ALG_RSA_PSS_ANY_SALT_BASE)
#define PSA_ALG_IS_RSA_PSS(alg)                                                                    \
    (PSA_ALG_IS_RSA_PSS_STANDARD_SALT(alg) || PSA_ALG_IS_RSA_PSS_ANY_SALT(alg))
#define PSA_ALG_IS_RANDOMIZED_ECDSA(alg)    TSR_PSA_ALG_IS(alg, PSA_ALG_ECDSA_BASE)
#define PSA_ALG_IS_DETERMINISTIC_ECDSA(alg) TSR_PSA_ALG_IS(alg, PSA_ALG_DETERMINISTIC_ECDSA_BASE)
#define PSA_ALG_IS_ECDSA(alg)                                                                      \
    (PSA_ALG_IS_RANDOMIZED_ECDSA(alg) || PSA_ALG_IS_DETERMINISTIC_ECDSA(alg))
#define PSA_ALG_IS_HASH_EDDSA(alg) TSR_PSA_ALG_IS(alg, PSA_ALG_HASH_EDDSA_BASE)

/** Signs a hash that the caller computed: psa_sign_hash() takes it. */
#define PSA_ALG_IS_SIGN_HASH(alg)                                                                  \
    (PSA_ALG_IS_RSA_PKCS1V15_SIGN(alg) || PSA_ALG_IS_RSA_PSS(alg) || PSA_ALG_IS_ECDSA(alg) ||      \
     PSA_ALG_IS_HASH_EDDSA(alg))
/** Names the hash it signs. */
#define PSA_ALG_IS_HASH_AND_SIGN(alg) (PSA_ALG_IS_SIGN_HASH(alg) && ((alg)&PSA_ALG_HASH_MASK) != 0)
/** psa_sign_message() takes it. */
#define PSA_ALG_IS_SIGN_MESSAGE(alg)                                                               \
    (PSA_ALG_IS_SIGN(alg) && (alg) != PSA_ALG_ECDSA_ANY && (alg) != PSA_ALG_RSA_PKCS1V15_SIGN_RAW)
#define PSA_ALG_SIGN_GET_HASH(alg)                                                                 \
    (PSA_ALG_IS_HASH_AND_SIGN(alg) ? PSA_ALG_GET_HASH(alg) : PSA_ALG_NONE)

/* ---- asymmetric encryption ---- */

#define PSA_ALG_RSA_PKCS1V15_CRYPT ((psa_algorithm_t)0x07000200)
#define PSA_ALG_RSA_OAEP_BASE      ((psa_algorithm_t)0x07000300)
#define PSA_ALG_RSA_OAEP(hash_alg) TSR_PSA_ALG_ON(PSA_ALG_RSA_OAEP_BASE, hash_alg)
#define PSA_ALG_IS_RSA_OAEP(alg)   TSR_PSA_ALG_IS(alg, PSA_ALG_RSA_OAEP_BASE)
#define PSA_ALG_RSA_OAEP_GET_HASH(alg)                                                             \
    (PSA_ALG_IS_RSA_OAEP(alg) ? PSA_ALG_GET_HASH(alg) : PSA_ALG_NONE)

/* ---- key derivation: bit 23 marks the slow ones, for passwords ---- */

#define PSA_ALG_HKDF_BASE                      ((psa_algorithm_t)0x08000100)
#define PSA_ALG_TLS12_PRF_BASE                 ((psa_algorithm_t)0x08000200)
#define PSA_ALG_TLS12_PSK_TO_MS_BASE           ((psa_algorithm_t)0x08000300)
#define PSA_ALG_HKDF_EXTRACT_BASE              ((psa_algorithm_t)0x08000400)
#define PSA_ALG_HKDF_EXPAND_BASE               ((psa_algorithm_t)0x08000500)
#define PSA_ALG_TLS12_ECJPAKE_TO_PMS           ((psa_algorithm_t)0x08000609)
#define PSA_ALG_SP800_108_COUNTER_HMAC_BASE    ((psa_algorithm_t)0x08000700)
#define PSA_ALG_SP800_108_COUNTER_CMAC         ((psa_algorithm_t)0x08000800)
#define PSA_ALG_PBKDF2_HMAC_BASE               ((psa_algorithm_t)0x08800100)
#define PSA_ALG_PBKDF2_AES_CMAC_PRF_128        ((psa_algorithm_t)0x08800200)
#define PSA_ALG_KEY_DERIVATION_STRETCHING_FLAG ((psa_algorithm_t)0x00800000)

#define PSA_ALG_HKDF(hash_alg)            TSR_PSA_ALG_ON(PSA_ALG_HKDF_BASE, hash_alg)
#define PSA_ALG_HKDF_EXTRACT(hash_alg)    TSR_PSA_ALG_ON(PSA_ALG_HKDF_EXTRACT_BASE, hash_alg)
#define PSA_ALG_HKDF_EXPAND(hash_alg)     TSR_PSA_ALG_ON(PSA_ALG_HKDF_EXPAND_BASE, hash_alg)
#define PSA_ALG_TLS12_PRF(hash_alg)       TSR_PSA_ALG_ON(PSA_ALG_TLS12_PRF_BASE, hash_alg)
#define PSA_ALG_TLS12_PSK_TO_MS(hash_alg) TSR_PSA_ALG_ON(PSA_ALG_TLS12_PSK_TO_MS_BASE, hash_alg)
#define PSA_ALG_PBKDF2_HMAC(hash_alg)     TSR_PSA_ALG_ON(PSA_ALG_PBKDF2_HMAC_BASE, hash_alg)
#define PSA_ALG_SP800_108_COUNTER_HMAC(hash_alg)                                                   \
    TSR_PSA_ALG_ON(PSA_ALG_SP800_108_COUNTER_HMAC_BASE, hash_alg)

#define PSA_ALG_IS_HKDF(alg)         TSR_PSA_ALG_IS(alg, PSA_ALG_HKDF_BASE)
#define PSA_ALG_IS_HKDF_EXTRACT(alg) TSR_PSA_ALG_IS(alg, PSA_ALG_HKDF_EXTRACT_BASE)
#define PSA_ALG_IS_HKDF_EXPAND(alg)  TSR_PSA_ALG_IS(alg, PSA_ALG_HKDF_EXPAND_BASE)
#define PSA_ALG_IS_ANY_HKDF(alg)                                                                   \
    (PSA_ALG_IS_HKDF(alg) || PSA_ALG_IS_HKDF_EXTRACT(alg) || PSA_ALG_IS_HKDF_EXPAND(alg))
#define PSA_ALG_IS_TLS12_PRF(alg)       TSR_PSA_ALG_IS(alg, PSA_ALG_TLS12_PRF_BASE)
#define PSA_ALG_IS_TLS12_PSK_TO_MS(alg) TSR_PSA_ALG_IS(alg, PSA_ALG_TLS12_PSK_TO_MS_BASE)
#define PSA_ALG_IS_PBKDF2_HMAC(alg)     TSR_PSA_ALG_IS(alg, PSA_ALG_PBKDF2_HMAC_BASE)
#define PSA_ALG_IS_SP800_108_COUNTER_HMAC(alg)                                                     \
    TSR_PSA_ALG_IS(alg, PSA_ALG_SP800_108_COUNTER_HMAC_BASE)
#define PSA_ALG_IS_PBKDF2(alg)                                                                     \
    (PSA_ALG_IS_PBKDF2_HMAC(alg) || (alg) == PSA_ALG_PBKDF2_AES_CMAC_PRF_128)
#define PSA_ALG_IS_KEY_DERIVATION_STRETCHING(alg) (((alg)&0x7f800000u) == 0x08800000u)

#define PSA_ALG_HKDF_GET_HASH(alg)            TSR_PSA_ALG_ON(PSA_ALG_CATEGORY_HASH, alg)
#define PSA_ALG_TLS12_PRF_GET_HASH(alg)       TSR_PSA_ALG_ON(PSA_ALG_CATEGORY_HASH, alg)
#define PSA_ALG_TLS12_PSK_TO_MS_GET_HASH(alg) TSR_PSA_ALG_ON(PSA_ALG_CATEGORY_HASH, alg)
#define PSA_ALG_PBKDF2_HMAC_GET_HASH(alg)     TSR_PSA_ALG_ON(PSA_ALG_CATEGORY_HASH, alg)

#define PSA_KEY_DERIVATION_INPUT_SECRET       ((psa_key_derivation_step_t)0x0101)
#define PSA_KEY_DERIVATION_INPUT_PASSWORD     ((psa_key_derivation_step_t)0x0102)
#define PSA_KEY_DERIVATION_INPUT_OTHER_SECRET ((psa_key_derivation_step_t)0x0103)
#define PSA_KEY_DERIVATION_INPUT_LABEL        ((psa_key_derivation_step_t)0x0201)
#define PSA_KEY_DERIVATION_INPUT_SALT         ((psa_key_derivation_step_t)0x0202)
#define PSA_KEY_DERIVATION_INPUT_INFO         ((psa_key_derivation_step_t)0x0203)
#define PSA_KEY_DERIVATION_INPUT_SEED         ((psa_key_derivation_step_t)0x0204)
#define PSA_KEY_DERIVATION_INPUT_COST         ((psa_key_derivation_step_t)0x0205)
#define PSA_KEY_DERIVATION_INPUT_CONTEXT      ((psa_key_derivation_step_t)0x0206)

#define PSA_KEY_DERIVATION_UNLIMITED_CAPACITY ((size_t)(-1))

/* ---- key agreement: the agreement in bits 16 to 22, a derivation, or none, below ---- */

#define PSA_ALG_FFDH                             ((psa_algorithm_t)0x09010000)
#define PSA_ALG_ECDH                             ((psa_algorithm_t)0x09020000)
#define PSA_ALG_KEY_AGREEMENT(ka_alg, kdf_alg)   ((ka_alg) | (kdf_alg))
#define PSA_ALG_KEY_AGREEMENT_GET_KDF(alg)       ((psa_algorithm_t)((alg)&0xfe80ffffu))
#define PSA_ALG_KEY_AGREEMENT_GET_BASE(alg)      ((psa_algorithm_t)((alg)&0xff7f0000u))
#define PSA_ALG_IS_STANDALONE_KEY_AGREEMENT(alg) (((alg)&0x7f00ffffu) == 0x09000000u)
#define PSA_ALG_IS_RAW_KEY_AGREEMENT(alg)        PSA_ALG_IS_STANDALONE_KEY_AGREEMENT(alg)
#define PSA_ALG_IS_KEY_DERIVATION_OR_AGREEMENT(alg)                                                \
    (PSA_ALG_IS_KEY_DERIVATION(alg) || PSA_ALG_IS_KEY_AGREEMENT(alg))
#define PSA_ALG_IS_FFDH(alg) (((alg)&0x7fff0000u) == PSA_ALG_FFDH)
#define PSA_ALG_IS_ECDH(alg) (((alg)&0x7fff0000u) == PSA_ALG_ECDH)

/* ---- password-authenticated key exchange ---- */

#define PSA_ALG_JPAKE(hash_alg)        TSR_PSA_ALG_ON(0x0a000100u, hash_alg)
#define PSA_ALG_IS_JPAKE(alg)          TSR_PSA_ALG_IS(alg, 0x0a000100u)
#define PSA_ALG_SPAKE2P_HMAC(hash_alg) TSR_PSA_ALG_ON(0x0a000400u, hash_alg)
#define PSA_ALG_SPAKE2P_CMAC(hash_alg) TSR_PSA_ALG_ON(0x0a000500u, hash_alg)
#define PSA_ALG_SPAKE2P_MATTER         ((psa_algorithm_t)0x0a000609)
#define PSA_ALG_IS_SPAKE2P_HMAC(alg)   TSR_PSA_ALG_IS(alg, 0x0a000400u)
#define PSA_ALG_IS_SPAKE2P_CMAC(alg)   TSR_PSA_ALG_IS(alg, 0x0a000500u)
#define PSA_ALG_IS_SPAKE2P(alg)        (((alg)&0xfffffc00u) == 0x0a000400u)

#define PSA_PAKE_PRIMITIVE_TYPE_ECC ((psa_pake_primitive_type_t)0x01)
#define PSA_PAKE_PRIMITIVE_TYPE_DH  ((psa_pake_primitive_type_t)0x02)
#define PSA_PAKE_PRIMITIVE(pake_type, pake_family, pake_bits)                                      \
    (((pake_bits)&0xffffu) != (pake_bits)                                                          \
         ? (psa_pake_primitive_t)0                                                                 \
         : (psa_pake_primitive_t)((psa_pake_primitive_t)(pake_type) << 24 |                        \
                                  (psa_pake_primitive_t)(pake_family) << 16 |                      \
                                  (psa_pake_primitive_t)(pake_bits)))
#define PSA_PAKE_PRIMITIVE_GET_TYPE(primitive)   ((psa_pake_primitive_type_t)((primitive) >> 24))
#define PSA_PAKE_PRIMITIVE_GET_FAMILY(primitive) ((psa_pake_family_t)((primitive) >> 16 & 0xffu))
#define PSA_PAKE_PRIMITIVE_GET_BITS(primitive)   ((size_t)((primitive)&0xffffu))

#define PSA_PAKE_CONFIRMED_KEY   0u
#define PSA_PAKE_UNCONFIRMED_KEY 1u

#define PSA_PAKE_ROLE_NONE   ((psa_pake_role_t)0x00)
#define PSA_PAKE_ROLE_FIRST  ((psa_pake_role_t)0x01)
#define PSA_PAKE_ROLE_SECOND ((psa_pake_role_t)0x02)
#define PSA_PAKE_ROLE_CLIENT ((psa_pake_role_t)0x11)
#define PSA_PAKE_ROLE_SERVER ((psa_pake_role_t)0x12)

#define PSA_PAKE_STEP_KEY_SHARE ((psa_pake_step_t)0x01)
#define PSA_PAKE_STEP_ZK_PUBLIC ((psa_pake_step_t)0x02)
#define PSA_PAKE_STEP_ZK_PROOF  ((psa_pake_step_t)0x03)
#define PSA_PAKE_STEP_CONFIRM   ((psa_pake_step_t)0x04)

/** May stand in a key's policy, but names no one algorithm. */
#define PSA_ALG_IS_WILDCARD(alg)                                                                   \
    (PSA_ALG_GET_HASH(alg) == PSA_ALG_ANY_HASH || ((alg)&0x7f008000u) == 0x03008000u ||            \
     ((alg)&0x7f008000u) == 0x05008000u || (alg) == PSA_ALG_CCM_STAR_ANY_TAG)

/* ---- lifetimes, locations, identifiers ---- */

#define PSA_KEY_LIFETIME_VOLATILE   ((psa_key_lifetime_t)0x00000000)
#define PSA_KEY_LIFETIME_PERSISTENT ((psa_key_lifetime_t)0x00000001)

#define PSA_KEY_PERSISTENCE_VOLATILE  ((psa_key_persistence_t)0x00)
#define PSA_KEY_PERSISTENCE_DEFAULT   ((psa_key_persistence_t)0x01)
#define PSA_KEY_PERSISTENCE_READ_ONLY ((psa_key_persistence_t)0xff)

#define PSA_KEY_LOCATION_LOCAL_STORAGE          ((psa_key_location_t)0x000000)
#define PSA_KEY_LOCATION_PRIMARY_SECURE_ELEMENT ((psa_key_location_t)0x000001)
#define PSA_KEY_LOCATION_VENDOR_FLAG            ((psa_key_location_t)0x800000)

#define PSA_KEY_LIFETIME_GET_PERSISTENCE(lifetime) ((psa_key_persistence_t)((lifetime)&0xffu))
#define PSA_KEY_LIFETIME_GET_LOCATION(lifetime)    ((psa_key_location_t)((lifetime) >> 8))
#define PSA_KEY_LIFETIME_IS_VOLATILE(lifetime)                                                     \
    (PSA_KEY_LIFETIME_GET_PERSISTENCE(lifetime) == PSA_KEY_PERSISTENCE_VOLATILE)
#define PSA_KEY_LIFETIME_IS_READ_ONLY(lifetime)                                                    \
    (PSA_KEY_LIFETIME_GET_PERSISTENCE(lifetime) == PSA_KEY_PERSISTENCE_READ_ONLY)
#define PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(persistence, location)                      \
    ((psa_key_lifetime_t)((psa_key_lifetime_t)(location) << 8 | (persistence)))

#define PSA_KEY_ID_NULL       ((psa_key_id_t)0)
#define PSA_KEY_ID_USER_MIN   ((psa_key_id_t)0x00000001)
#define PSA_KEY_ID_USER_MAX   ((psa_key_id_t)0x3fffffff)
#define PSA_KEY_ID_VENDOR_MIN ((psa_key_id_t)0x40000000)
#define PSA_KEY_ID_VENDOR_MAX ((psa_key_id_t)0x7fffffff)

/* ---- usage ---- */

#define PSA_KEY_USAGE_EXPORT            ((psa_key_usage_t)0x00000001)
#define PSA_KEY_USAGE_COPY              ((psa_key_usage_t)0x00000002)
#define PSA_KEY_USAGE_CACHE             ((psa_key_usage_t)0x00000004)
#define PSA_KEY_USAGE_ENCRYPT           ((psa_key_usage_t)0x00000100)
#define PSA_KEY_USAGE_DECRYPT           ((psa_key_usage_t)0x00000200)
#define PSA_KEY_USAGE_SIGN_MESSAGE      ((psa_key_usage_t)0x00000400)
#define PSA_KEY_USAGE_VERIFY_MESSAGE    ((psa_key_usage_t)0x00000800)
#define PSA_KEY_USAGE_SIGN_HASH         ((psa_key_usage_t)0x00001000)
#define PSA_KEY_USAGE_VERIFY_HASH       ((psa_key_usage_t)0x00002000)
#define PSA_KEY_USAGE_DERIVE            ((psa_key_usage_t)0x00004000)
#define PSA_KEY_USAGE_VERIFY_DERIVATION ((psa_key_usage_t)0x00008000)

#endif
