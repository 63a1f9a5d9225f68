/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests share to read vectors: files of the source tree, and hex. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stdio.h>
#include <stdlib.h>

#include "tessera/base/bytes.h"

/* The whole file; valid until the next call. */
static inline tsr_bytes vector_file(const char *name)
{
    static uint8_t data[1u << 18];
    char path[512];
    FILE *f;
    size_t len;

    snprintf(path, sizeof path, "%s/tests/vectors/%s", TSR_SOURCE_DIR, name);
    f = fopen(path, "rb");
    if (f == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        abort();
    }
    len = fread(data, 1, sizeof data, f);
    fclose(f);
    return tsr_view(data, len);
}

/* "a1 02ff" -> bytes; blanks are skipped. */
static inline tsr_bytes from_hex(const char *hex, uint8_t *room, size_t cap)
{
    size_t n = 0;

    for (; *hex != '\0'; hex++) {
        char pair[3] = { 0 };

        if (*hex == ' ')
            continue;
        pair[0] = hex[0];
        pair[1] = *++hex;
        if (n == cap || pair[1] == '\0')
            abort();
        room[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return tsr_view(room, n);
}

#endif
