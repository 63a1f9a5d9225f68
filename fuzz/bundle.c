/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a bundle: every file that is found lies within them, and its name stays inside. */
#include <stdlib.h>

#include "ports/linux/bundle/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bundle walk = { tsr_view(data, size) };
    tsr_bundle_file f;
    unsigned sum = 0;

    while (tsr_bundle_next(&walk, &f) == TSR_OK) {
        if (f.name[0] == '/' || strstr(f.name, "/../") != NULL || strncmp(f.name, "../", 3) == 0)
            abort();
        if (f.content.ptr < data || f.content.len > size - (size_t)(f.content.ptr - data))
            abort();
        for (size_t i = 0; i < f.content.len; i++)
            sum += f.content.ptr[i];
    }
    return sum == 0xffffffff ? -1 : 0;
}
