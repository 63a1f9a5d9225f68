/* SPDX-License-Identifier: Apache-2.0 */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* a saved state is made of its context's fields */
#include "psa/client/digest.h"

/* Two functions in two sizes each: 32-bit words and blocks of 64, 64-bit words and blocks of 128.
 */
static bool narrow(psa_algorithm_t alg) { return alg == PSA_ALG_SHA_224 || alg == PSA_ALG_SHA_256; }

static bool shortened(psa_algorithm_t alg)
{
    return alg == PSA_ALG_SHA_224 || alg == PSA_ALG_SHA_384;
}

bool tsr_digest_known(psa_algorithm_t alg)
{
    return narrow(alg) || alg == PSA_ALG_SHA_384 || alg == PSA_ALG_SHA_512;
}

static psa_status_t done(int bad) { return bad ? PSA_ERROR_GENERIC_ERROR : PSA_SUCCESS; }

psa_status_t tsr_digest_start(tsr_psa_digest *d, psa_algorithm_t alg)
{
    if (narrow(alg)) {
        mbedtls_sha256_init(&d->sha256);
        return done(mbedtls_sha256_starts(&d->sha256, shortened(alg)));
    }
    mbedtls_sha512_init(&d->sha512);
    return done(mbedtls_sha512_starts(&d->sha512, shortened(alg)));
}

psa_status_t tsr_digest_update(tsr_psa_digest *d, psa_algorithm_t alg, const uint8_t *input,
                               size_t len)
{
    if (len == 0)
        return PSA_SUCCESS;
    return done(narrow(alg) ? mbedtls_sha256_update(&d->sha256, input, len)
                            : mbedtls_sha512_update(&d->sha512, input, len));
}

psa_status_t tsr_digest_finish(tsr_psa_digest *d, psa_algorithm_t alg, uint8_t *out, size_t size,
                               size_t *len)
{
    size_t want = PSA_HASH_LENGTH(alg);
    uint8_t digest[TSR_DIGEST_MAX]; /* the longer function may write all of its bytes */

    if (size < want)
        return PSA_ERROR_BUFFER_TOO_SMALL;

    psa_status_t status = done(narrow(alg) ? mbedtls_sha256_finish(&d->sha256, digest)
                                           : mbedtls_sha512_finish(&d->sha512, digest));

    if (status == PSA_SUCCESS) {
        memcpy(out, digest, want);
        *len = want;
    }
    tsr_wipe(digest, sizeof digest);
    return status;
}

psa_status_t tsr_digest_save(const tsr_psa_digest *d, psa_algorithm_t alg, tsr_buf *out)
{
    tsr_put_u32(out, alg);
    if (narrow(alg)) {
        const mbedtls_sha256_context *h = &d->sha256;

        tsr_put_u32(out, h->total[1]);
        tsr_put_u32(out, h->total[0]);
        for (size_t i = 0; i < 8; i++)
            tsr_put_u32(out, h->state[i]);
        tsr_put_bytes(out, tsr_view(h->buffer, h->total[0] % 64u));
    } else {
        const mbedtls_sha512_context *h = &d->sha512;

        tsr_put_u64(out, h->total[1]);
        tsr_put_u64(out, h->total[0]);
        for (size_t i = 0; i < 8; i++)
            tsr_put_u64(out, h->state[i]);
        tsr_put_bytes(out, tsr_view(h->buffer, (size_t)(h->total[0] % 128u)));
    }
    return out->err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_BUFFER_TOO_SMALL;
}

static tsr_err load_narrow(mbedtls_sha256_context *h, tsr_bytes in)
{
    tsr_err err = tsr_get_u32(&in, &h->total[1]);

    if (err == TSR_OK)
        err = tsr_get_u32(&in, &h->total[0]);
    for (size_t i = 0; i < 8 && err == TSR_OK; i++)
        err = tsr_get_u32(&in, &h->state[i]);
    if (err != TSR_OK || in.len != h->total[0] % 64u)
        return TSR_E_MALFORMED;
    if (in.len > 0)
        memcpy(h->buffer, in.ptr, in.len);
    return TSR_OK;
}

static tsr_err load_wide(mbedtls_sha512_context *h, tsr_bytes in)
{
    tsr_err err = tsr_get_u64(&in, &h->total[1]);

    if (err == TSR_OK)
        err = tsr_get_u64(&in, &h->total[0]);
    for (size_t i = 0; i < 8 && err == TSR_OK; i++)
        err = tsr_get_u64(&in, &h->state[i]);
    if (err != TSR_OK || in.len != h->total[0] % 128u)
        return TSR_E_MALFORMED;
    if (in.len > 0)
        memcpy(h->buffer, in.ptr, in.len);
    return TSR_OK;
}

psa_status_t tsr_digest_load(tsr_psa_digest *d, psa_algorithm_t alg, tsr_bytes state)
{
    psa_status_t status = tsr_digest_start(d, alg);
    tsr_err err;

    if (status != PSA_SUCCESS)
        return status;
    err = narrow(alg) ? load_narrow(&d->sha256, state) : load_wide(&d->sha512, state);
    return err == TSR_OK ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT;
}
