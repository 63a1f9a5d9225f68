/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/room.h"

#include <stdlib.h>

void rest_room(tsr_buf *out, size_t n)
{
    if (out->err != TSR_OK || n <= out->cap - out->len)
        return;
    size_t cap = out->cap < 512 ? 1024 : out->cap * 2;

    if (cap < out->len + n)
        cap = out->len + n;
    uint8_t *grown = realloc(out->ptr, cap);

    if (grown == NULL) {
        out->err = TSR_E_SPACE;
        return;
    }
    out->ptr = grown;
    out->cap = cap;
}

void rest_wipe(tsr_buf *out)
{
    if (out->ptr != NULL)
        tsr_wipe(out->ptr, out->cap);
    free(out->ptr);
    *out = (tsr_buf){ 0 };
}
