/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates in a CMS message: whatever comes, what is taken out lies inside of it, and put in again
 * it comes out again. */
#include <stdint.h>
#include <stdlib.h>

#include "tessera/net/certs_only.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[70000];
    tsr_bytes list[8], bag, der, again;
    size_t count = 0;
    tsr_buf out = tsr_buf_over(room, sizeof room);

    if (tsr_certs_only_open(tsr_view(data, size), &bag) != TSR_OK)
        return 0;
    while (count < 8 && tsr_certs_only_next(&bag, &der) == TSR_OK) {
        if (der.ptr < data || der.ptr + der.len > data + size)
            abort();
        list[count++] = der;
    }
    if (count == 0)
        return 0;
    tsr_certs_only_put(&out, list, count);
    if (out.err != TSR_OK)
        return 0; /* as long as lengths may be */
    if (tsr_certs_only_open(tsr_buf_view(&out), &again) != TSR_OK)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (tsr_certs_only_next(&again, &der) != TSR_OK || !tsr_same(der, list[i]))
            abort();
    }
    return 0;
}
