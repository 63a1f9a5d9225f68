/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors in files of hexadecimal lines. */
#ifndef TESTS_VECTORS_HEXFILE_H
#define TESTS_VECTORS_HEXFILE_H

#include "tests/vectors.h"

/* The bytes of tests/vectors/NAME. */
static inline tsr_bytes hex_file(const char *name, uint8_t *room, size_t cap)
{
    tsr_bytes file = vector_file(name);
    size_t n = 0;

    for (size_t i = 0; i + 1 < file.len; i += 2) {
        char pair[3] = { (char)file.ptr[i], (char)file.ptr[i + 1], 0 };

        if (file.ptr[i] == '\n') {
            i--;
            continue;
        }
        if (n == cap)
            abort();
        room[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return tsr_view(room, n);
}

#endif
