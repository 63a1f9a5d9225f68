/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and certificates of the tests, for fuzzers of what needs them. */
#ifndef FUZZ_KEYS_H
#define FUZZ_KEYS_H

#include <fcntl.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

static inline uint32_t fuzz_key(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t alg,
                                tsr_bytes bytes)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t id;

    psa_set_key_type(&a, type);
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    must(psa_import_key(&a, bytes.ptr, bytes.len, &id) == PSA_SUCCESS);
    return id;
}

static inline uint32_t fuzz_psk(const char *key)
{
    return fuzz_key(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE,
                    PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256), tsr_text(key));
}

/** A file below tests/vectors, whole. */
static inline tsr_bytes fuzz_file(const char *name, uint8_t *bytes, size_t cap)
{
    char path[512];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/tests/vectors/%s", TSR_SOURCE_DIR, name);
    f = fopen(path, "rb");
    must(f != NULL);
    n = fread(bytes, 1, cap, f);
    must(n != 0 && n < cap);
    (void)fclose(f);
    return tsr_view(bytes, n);
}

/** A private key below tests/vectors as a file of DER. They have keys as their 32 bytes:
 *  ECPrivateKey (RFC 5915 §3) around them. */
static inline void fuzz_write_key(const char *path, const char *name)
{
    static const uint8_t head[] = { 0x30, 0x31, 2, 1, 1, 4, 32 };
    static const uint8_t tail[] = { 0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    uint8_t room[64];
    tsr_bytes key = fuzz_file(name, room, sizeof room);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    must(key.len == 32 && fd >= 0);
    must(write(fd, head, sizeof head) == sizeof head && write(fd, key.ptr, key.len) == 32 &&
         write(fd, tail, sizeof tail) == sizeof tail);
    (void)close(fd);
}

/** The key of dtls/device.der. */
static inline uint32_t fuzz_device_key(void)
{
    uint8_t room[64];

    return fuzz_key(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_KEY_USAGE_SIGN_HASH,
                    PSA_ALG_ECDSA(PSA_ALG_ANY_HASH),
                    fuzz_file("dtls/device.key", room, sizeof room));
}

#endif
