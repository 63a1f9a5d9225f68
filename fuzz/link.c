/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes: a list of links that can be read is written again and reads the same. */
#include <stdlib.h>

#include "tessera/json/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void put_param(tsr_link_out *out, const tsr_link_param *param, tsr_bytes room)
{
    tsr_buf scratch = tsr_buf_over((void *)(uintptr_t)room.ptr, room.len);
    char name[64];
    tsr_bytes value;

    require(param->name.len != 0);
    if (param->name.len >= sizeof name)
        return;
    memcpy(name, param->name.ptr, param->name.len);
    name[param->name.len] = '\0';
    if (!param->has_value) {
        tsr_link_put_flag(out, name);
        return;
    }
    require(tsr_link_param_text(param, &scratch, &value) == TSR_OK);
    if (param->quoted)
        tsr_link_put_string(out, name, value);
    else
        tsr_link_put_token(out, name, value);
}

static tsr_bytes copy(tsr_bytes in, uint8_t *to, size_t cap, tsr_bytes room)
{
    tsr_buf out = tsr_buf_over(to, cap);
    tsr_link_out l = tsr_link_to(&out);
    tsr_link_param param;
    tsr_link link;

    while (tsr_link_next(&in, &link) == TSR_OK) {
        tsr_link_put(&l, link.target);

        tsr_err err;

        while ((err = tsr_link_param_next(&link.params, &param)) == TSR_OK)
            put_param(&l, &param, room);
        require(err == TSR_END);
    }
    require(out.err == TSR_OK);
    return tsr_buf_view(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cap = 2 * size + 16;
    uint8_t *room = malloc(3 * cap);
    tsr_bytes scratch = tsr_view(room, cap);
    tsr_bytes once = copy(tsr_view(data, size), room + cap, cap, scratch);

    require(tsr_same(once, copy(once, room + 2 * cap, cap, scratch)));
    free(room);
    return 0;
}
