/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors are written in hexadecimal; spaces are for the eye. */
#ifndef TESTS_PSA_HEX_H
#define TESTS_PSA_HEX_H

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t at[512];
    size_t len;
} hex_bytes;

static inline hex_bytes hex(const char *text)
{
    hex_bytes out = { { 0 }, 0 };

    for (; *text != 0 && out.len < sizeof out.at; text++) {
        if (isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1])) {
            char pair[3] = { text[0], text[1], 0 };

            out.at[out.len++] = (uint8_t)strtoul(pair, NULL, 16);
            text++;
        }
    }
    return out;
}

#endif
