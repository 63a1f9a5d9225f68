/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/crypto/random.h"

static int ask(void *context, unsigned char *seed, size_t len)
{
    tsr_random *r = context;

    return r->seed(r->self, seed, len) == PSA_SUCCESS ? 0
                                                      : MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
}

static psa_status_t open(tsr_random *r)
{
    mbedtls_ctr_drbg_init(&r->drbg);
    r->ready = mbedtls_ctr_drbg_seed(&r->drbg, ask, r, NULL, 0) == 0;
    return r->ready ? PSA_SUCCESS : PSA_ERROR_INSUFFICIENT_ENTROPY;
}

psa_status_t tsr_random_bytes(tsr_random *r, uint8_t *out, size_t len)
{
    psa_status_t status = r->ready ? PSA_SUCCESS : open(r);

    for (size_t done = 0; status == PSA_SUCCESS && done < len;) {
        size_t n =
            len - done < MBEDTLS_CTR_DRBG_MAX_REQUEST ? len - done : MBEDTLS_CTR_DRBG_MAX_REQUEST;

        if (mbedtls_ctr_drbg_random(&r->drbg, out + done, n) != 0)
            status = PSA_ERROR_INSUFFICIENT_ENTROPY;
        done += n;
    }
    if (status != PSA_SUCCESS)
        tsr_wipe(out, len);
    return status;
}
