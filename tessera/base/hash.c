/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/hash.h"

typedef struct {
    uint32_t v[4];
} state;

static inline uint32_t rotate(uint32_t x, unsigned n) { return x << n | x >> (32u - n); }

static void rounds(state *s, unsigned n)
{
    uint32_t a = s->v[0], b = s->v[1], c = s->v[2], d = s->v[3];

    while (n-- > 0) {
        a += b;
        b = rotate(b, 5) ^ a;
        a = rotate(a, 16);
        c += d;
        d = rotate(d, 8) ^ c;
        a += d;
        d = rotate(d, 7) ^ a;
        c += b;
        b = rotate(b, 13) ^ c;
        c = rotate(c, 16);
    }
    *s = (state){ { a, b, c, d } };
}

static void take(state *s, uint32_t word)
{
    s->v[3] ^= word;
    rounds(s, 2);
    s->v[0] ^= word;
}

static state start(uint64_t key)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    /* 0xee marks the 64-bit result */
    return (state){ { k0, k1 ^ 0xeeu, k0 ^ 0x6c796765u, k1 ^ 0x74656462u } };
}

static uint64_t finish(state *s)
{
    uint32_t low;

    s->v[2] ^= 0xeeu;
    rounds(s, 4);
    low = s->v[1] ^ s->v[3];
    s->v[1] ^= 0xddu;
    rounds(s, 4);
    return (uint64_t)(s->v[1] ^ s->v[3]) << 32 | low;
}

uint64_t tsr_hash(uint64_t key, tsr_bytes in)
{
    state s = start(key);
    uint32_t last = (uint32_t)in.len << 24;
    size_t i = 0;

    for (; in.len - i >= 4; i += 4)
        take(&s, (uint32_t)in.ptr[i] | (uint32_t)in.ptr[i + 1] << 8 |
                     (uint32_t)in.ptr[i + 2] << 16 | (uint32_t)in.ptr[i + 3] << 24);
    for (unsigned shift = 0; i < in.len; i++, shift += 8)
        last |= (uint32_t)in.ptr[i] << shift;
    take(&s, last);
    return finish(&s);
}

uint64_t tsr_hash_u64(uint64_t key, uint64_t in)
{
    state s = start(key);

    take(&s, (uint32_t)in);
    take(&s, (uint32_t)(in >> 32));
    take(&s, 8u << 24);
    return finish(&s);
}

tsr_err tsr_index_init(tsr_index *index, uint32_t *heads, uint32_t count)
{
    if (count == 0 || (count & (count - 1)) != 0)
        return TSR_E_ARGUMENT;
    for (uint32_t i = 0; i < count; i++)
        heads[i] = TSR_NONE;
    *index = (tsr_index){ heads, count - 1 };
    return TSR_OK;
}
