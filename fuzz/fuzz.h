/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzzers share. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdlib.h>

#include "tessera/base/bytes.h"

/** What has to hold whatever came in: the fuzzer stops where it does not. */
static inline void must(bool holds)
{
    if (!holds)
        abort();
}

/** The next byte of the input, which says what happens next; 0 at its end. */
static inline uint8_t take(tsr_bytes *in)
{
    uint8_t b = 0;

    (void)tsr_get_u8(in, &b);
    return b;
}

/** The next bytes of the input, `most` or what is left. */
static inline tsr_bytes take_some(tsr_bytes *in, size_t most)
{
    tsr_bytes out = tsr_view(in->ptr, most < in->len ? most : in->len);

    *in = tsr_skip(*in, out.len);
    return out;
}

#endif
