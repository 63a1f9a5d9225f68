/* SPDX-License-Identifier: Apache-2.0
 *
 * Vendor and class ids of packages: UUIDs made from names. */
#include "apps/tessera/package.h"

#include <stdio.h>

#include "tessera/base/hex.h"

const uint8_t package_uuid_dns[16] = { 0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                       0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };

/* SHA-1 (RFC 3174 §6.1), which makes names here and protects nothing: the cryptography that
 * packages rest on is built without it. */
static uint32_t turn(uint32_t v, unsigned n) { return v << n | v >> (32 - n); }

static void sha1_block(uint32_t h[5], const uint8_t *block)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    for (size_t t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (size_t t = 16; t < 80; t++)
        w[t] = turn(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    for (size_t t = 0; t < 80; t++) {
        uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                     : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = turn(a, 5) + f + e + w[t];

        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

/* `len` is at most SHA1_MAX: all that is hashed here is an id and a name. */
enum { NAME_MAX_LEN = 255, SHA1_MAX = 16 + NAME_MAX_LEN };

static void sha1(const uint8_t *in, size_t len, uint8_t digest[20])
{
    uint8_t padded[(SHA1_MAX + 9 + 63) / 64 * 64] = { 0 };
    size_t blocks = (len + 9 + 63) / 64;
    uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };

    memcpy(padded, in, len);
    padded[len] = 0x80;
    padded[blocks * 64 - 2] = (uint8_t)(len * 8 >> 8);
    padded[blocks * 64 - 1] = (uint8_t)(len * 8);
    for (size_t i = 0; i < blocks; i++)
        sha1_block(h, padded + 64 * i);
    for (size_t i = 0; i < 20; i++)
        digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* 8-4-4-4-12 digits (RFC 4122 §3). */
static bool uuid_from_text(const char *text, uint8_t uuid[16])
{
    size_t digits = 0;

    if (strlen(text) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        int v = tsr_hex_digit((uint8_t)text[i]);

        if (dash ? text[i] != '-' : v < 0)
            return false;
        if (dash)
            continue;
        uuid[digits / 2] = (uint8_t)(digits % 2 == 0 ? v << 4 : uuid[digits / 2] | v);
        digits++;
    }
    return true;
}

int package_uuid(const char *text, const uint8_t space[16], uint8_t uuid[16])
{
    uint8_t digest[20], input[SHA1_MAX];
    size_t len = strlen(text);

    if (uuid_from_text(text, uuid))
        return PACKAGE_DONE;
    if (len == 0 || len > NAME_MAX_LEN)
        return package_say(PACKAGE_USAGE, "'%s' is neither a UUID nor a name of 1 to 255 bytes", text);
    memcpy(input, space, 16);
    for (size_t i = 0; i < len; i++)
        input[16 + i] = (uint8_t)text[i];
    sha1(input, 16 + len, digest);
    memcpy(uuid, digest, 16);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x50);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    return PACKAGE_DONE;
}

void package_uuid_text(const uint8_t uuid[16], char text[37])
{
    for (size_t i = 0, n = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[n++] = '-';
        (void)snprintf(text + n, 3, "%02x", uuid[i]);
        n += 2;
    }
}
