/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes: skipping and walking agree on what is one item, and what was read, written again
 * and read again stays the same. */
#include <stdlib.h>

#include "tessera/cbor/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Every head on the way through, written in its shortest form. */
static void recode(tsr_bytes in, tsr_buf *out)
{
    tsr_cbor_item item;

    while (in.len != 0) {
        uint8_t first = in.ptr[0];

        require(tsr_cbor_next(&in, &item) == TSR_OK);
        if (item.indefinite || item.kind == TSR_CBOR_BREAK)
            tsr_put_u8(out, first);
        else if (item.kind == TSR_CBOR_FLOAT)
            tsr_cbor_put_float(out, tsr_cbor_float(&item));
        else if (item.kind == TSR_CBOR_SIMPLE)
            tsr_cbor_put_simple(out, (uint8_t)item.n);
        else
            tsr_cbor_put_head(out, item.kind, item.n);
        if (!item.indefinite && (item.kind == TSR_CBOR_BYTES || item.kind == TSR_CBOR_TEXT))
            tsr_put_bytes(out, item.bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size), rest = in, text;
    uint8_t *room = malloc(2 * (size + 1));
    tsr_buf out = tsr_buf_over(room, size), again = tsr_buf_over(room + size, size + 1);
    tsr_err err = tsr_cbor_skip(&rest);
    uint64_t u;
    int64_t i;
    double d;
    bool b;

    if (err == TSR_OK) {
        recode(tsr_first(in, size - rest.len), &out); /* never longer than it was */
        require(out.err == TSR_OK && tsr_cbor_check(tsr_buf_view(&out)) == TSR_OK);
        recode(tsr_buf_view(&out), &again);
        require(tsr_same(tsr_buf_view(&out), tsr_buf_view(&again)));
    } else {
        require(rest.len == size && rest.ptr == data);
    }

    again = tsr_buf_over(room, size);
    rest = in;
    (void)tsr_cbor_get_string(&rest, TSR_CBOR_TEXT, &again, &text);
    rest = in;
    (void)tsr_cbor_get_uint(&rest, &u);
    rest = in;
    (void)tsr_cbor_get_int(&rest, &i);
    rest = in;
    (void)tsr_cbor_get_float(&rest, &d);
    rest = in;
    (void)tsr_cbor_get_bool(&rest, &b);
    free(room);
    return 0;
}
