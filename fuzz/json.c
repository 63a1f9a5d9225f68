/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes: what parses can be walked to its last leaf, written again, and is then the same
 * document. */
#include <stdlib.h>

#include "tessera/json/base64.h"
#include "tessera/json/json.h"
#include "tessera/json/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void copy_value(const tsr_json *v, tsr_json_out *out, tsr_bytes room);

static void copy_items(const tsr_json *v, tsr_json_out *out, tsr_bytes room)
{
    tsr_json_walk walk = tsr_json_items(v);
    tsr_json key, item;

    while (tsr_json_next(&walk, &key, &item)) {
        if (v->kind == TSR_JSON_OBJECT) {
            tsr_buf scratch = tsr_buf_over((void *)(uintptr_t)room.ptr, room.len);
            tsr_bytes name;

            require(tsr_json_string(&key, &scratch, &name) == TSR_OK);
            tsr_json_put_key_bytes(out, name);
        }
        copy_value(&item, out, room);
    }
}

static void copy_number(const tsr_json *v, tsr_json_out *out)
{
    int64_t i;
    double d;

    if (tsr_json_int(v, &i) == TSR_OK && i != 0)
        tsr_json_put_int(out, i);
    else if (tsr_json_double(v, &d) == TSR_OK)
        tsr_json_put_double(out, d);
    else
        tsr_json_put_raw(out, v->text);
}

static void copy_value(const tsr_json *v, tsr_json_out *out, tsr_bytes room)
{
    tsr_buf scratch = tsr_buf_over((void *)(uintptr_t)room.ptr, room.len);
    tsr_bytes text;

    switch (v->kind) {
    case TSR_JSON_NULL:   tsr_json_put_null(out); return;
    case TSR_JSON_FALSE:  tsr_json_put_bool(out, false); return;
    case TSR_JSON_TRUE:   tsr_json_put_bool(out, true); return;
    case TSR_JSON_NUMBER: copy_number(v, out); return;
    case TSR_JSON_STRING:
        require(tsr_json_string(v, &scratch, &text) == TSR_OK);
        tsr_json_put_string(out, text);
        return;
    case TSR_JSON_ARRAY:
        tsr_json_open_array(out);
        copy_items(v, out, room);
        tsr_json_close(out);
        return;
    case TSR_JSON_OBJECT:
        tsr_json_open_object(out);
        copy_items(v, out, room);
        tsr_json_close(out);
        return;
    }
}

static tsr_bytes copy(const tsr_json *v, uint8_t *to, size_t cap, tsr_bytes room)
{
    tsr_buf out = tsr_buf_over(to, cap);
    tsr_json_out j = tsr_json_to(&out);

    copy_value(v, &j, room);
    require(tsr_json_end(&j) == TSR_OK);
    return tsr_buf_view(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    size_t cap = 24 * size + 64, at = 0;
    uint8_t *room = malloc(3 * cap);
    tsr_buf bytes = tsr_buf_over(room, cap);
    tsr_json root, again;
    double d;

    if (tsr_json_parse(in, &root, &at) == TSR_OK) {
        tsr_bytes scratch = tsr_view(room, cap);
        tsr_bytes once = copy(&root, room + cap, cap, scratch);

        require(tsr_json_parse(once, &again, NULL) == TSR_OK);
        require(tsr_same(once, copy(&again, room + 2 * cap, cap, scratch)));
    } else {
        require(at <= size);
    }
    (void)tsr_base64_get(in, &bytes);
    if (tsr_number_get(in, &d) == TSR_OK) {
        tsr_buf text = tsr_buf_over(room, cap);
        double back = 0;

        tsr_number_put(&text, d);
        require(tsr_number_get(tsr_buf_view(&text), &back) == TSR_OK);
        require(memcmp(&d, &back, sizeof d) == 0);
    }
    free(room);
    return 0;
}
