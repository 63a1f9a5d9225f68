/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that the tools read whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

enum { FILE_MAX = 1 << 20 };

uint8_t *read_file(const char *tool, const char *path, tsr_bytes *out)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rb");
    uint8_t *data = need(malloc(FILE_MAX + 1));
    size_t len = f != NULL ? fread(data, 1, FILE_MAX + 1, f) : 0;
    bool good = f != NULL && ferror(f) == 0;
    int why = errno;

    if (!standard && f != NULL)
        (void)fclose(f);
    *out = tsr_view(data, len);
    if (good && len <= FILE_MAX)
        return data;
    (void)fprintf(stderr, "tessera %s: %s: %s\n", tool, path,
                  good ? "longer than 1 MiB" : strerror(why));
    free(data);
    return NULL;
}
