/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that brings an Mbed TLS of its own, in another configuration, and links libtessera-psa
 * too: each must use its own code. */
#include <stdio.h>
#include <string.h>

#include <psa/crypto.h>

#include "mbedtls/sha256.h"

int main(void)
{
    uint8_t theirs[32], ours[32];
    size_t len = 0;

    if (mbedtls_sha256((const unsigned char *)"abc", 3, theirs, 0) != 0 ||
        psa_crypto_init() != PSA_SUCCESS ||
        psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)"abc", 3, ours, 32, &len) != PSA_SUCCESS)
        return 1;
    (void)puts(memcmp(theirs, ours, 32) == 0 ? "the same" : "different");
    return memcmp(theirs, ours, 32) != 0;
}
