/* SPDX-License-Identifier: Apache-2.0
 *
 * What the specification does not have, but programs written for Mbed TLS 3.6 use after including
 * "psa/crypto.h". New programs need nothing of this. */
#ifndef PSA_CRYPTO_EXTRA_H
#define PSA_CRYPTO_EXTRA_H

#include "psa/crypto_struct.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MBEDTLS_SVC_KEY_ID_INIT             ((psa_key_id_t)0)
#define MBEDTLS_SVC_KEY_ID_GET_KEY_ID(id)   (id)
#define MBEDTLS_SVC_KEY_ID_GET_OWNER_ID(id) (0)

static inline mbedtls_svc_key_id_t mbedtls_svc_key_id_make(unsigned int unused, psa_key_id_t key_id)
{
    (void)unused;
    return key_id;
}

static inline int mbedtls_svc_key_id_equal(mbedtls_svc_key_id_t id1, mbedtls_svc_key_id_t id2)
{
    return id1 == id2;
}

static inline int mbedtls_svc_key_id_is_null(mbedtls_svc_key_id_t key) { return key == 0; }

/** A second algorithm that the key may be used with. */
static inline void psa_set_key_enrollment_algorithm(psa_key_attributes_t *attributes,
                                                    psa_algorithm_t alg2)
{
    attributes->policy.alg2 = alg2;
}

static inline psa_algorithm_t
psa_get_key_enrollment_algorithm(const psa_key_attributes_t *attributes)
{
    return attributes->policy.alg2;
}

/** Whether hashes of this kind are to be had, now. 0 before psa_crypto_init(). */
int psa_can_do_hash(psa_algorithm_t hash_alg);

/** Ends this process's use of Crypto: its volatile keys and open operations are destroyed.
 *  psa_crypto_init() starts anew. */
void mbedtls_psa_crypto_free(void);

/* DSA has numbers in Mbed TLS, and no implementation anywhere. */
#define PSA_KEY_TYPE_DSA_PUBLIC_KEY    ((psa_key_type_t)0x4002)
#define PSA_KEY_TYPE_DSA_KEY_PAIR      ((psa_key_type_t)0x7002)
#define PSA_ALG_DSA_BASE               ((psa_algorithm_t)0x06000400)
#define PSA_ALG_DETERMINISTIC_DSA_BASE ((psa_algorithm_t)0x06000500)
#define PSA_KEY_TYPE_IS_DSA(type)                                                                  \
    (PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(type) == PSA_KEY_TYPE_DSA_PUBLIC_KEY)
#define PSA_ALG_DSA(hash_alg)               TSR_PSA_ALG_ON(PSA_ALG_DSA_BASE, hash_alg)
#define PSA_ALG_DETERMINISTIC_DSA(hash_alg) TSR_PSA_ALG_ON(PSA_ALG_DETERMINISTIC_DSA_BASE, hash_alg)
#define PSA_ALG_IS_RANDOMIZED_DSA(alg)      TSR_PSA_ALG_IS(alg, PSA_ALG_DSA_BASE)
#define PSA_ALG_IS_DETERMINISTIC_DSA(alg)   TSR_PSA_ALG_IS(alg, PSA_ALG_DETERMINISTIC_DSA_BASE)
#define PSA_ALG_IS_DSA(alg)                 (PSA_ALG_IS_RANDOMIZED_DSA(alg) || PSA_ALG_IS_DETERMINISTIC_DSA(alg))

#ifdef __cplusplus
}
#endif

#endif
