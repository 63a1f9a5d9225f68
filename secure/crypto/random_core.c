/* SPDX-License-Identifier: Apache-2.0
 *
 * What a core without random numbers of its own asks for them. */
#include "secure/crypto/random.h"

#if defined(MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG)
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                             uint8_t *output, size_t output_size,
                                             size_t *output_length)
{
    psa_status_t status = tsr_random_bytes(tsr_random_here(), output, output_size);

    (void)context;
    *output_length = status == PSA_SUCCESS ? output_size : 0;
    return status;
}
#endif
