/* SPDX-License-Identifier: Apache-2.0
 *
 * A small keyed hash (HalfSipHash-2-4, 64-bit result) and a chained index over the caller's
 * storage. With a secret key nobody outside can choose inputs that fall into one bucket. */
#ifndef TESSERA_BASE_HASH_H
#define TESSERA_BASE_HASH_H

#include "tessera/base/bytes.h"

/** Hashes bytes under a 64-bit key; the same on every machine.
 *
 *  source  HalfSipHash-2-4 with 64-bit output (Aumasson, Bernstein: SipHash)
 *  note    guards hash tables and makes unpredictable tokens; it is no MAC for secrets */
uint64_t tsr_hash(uint64_t key, tsr_bytes in);

/** The same for one 64-bit number, read as 8 bytes in little-endian order. */
uint64_t tsr_hash_u64(uint64_t key, uint64_t in);

/** No entry; also what an empty bucket or the end of a chain holds. */
#define TSR_NONE UINT32_MAX

/** Heads of chains. The caller keeps one uint32_t `next` per entry, at a fixed stride. */
typedef struct {
    uint32_t *heads; /* a power of two of them, owned by the caller */
    uint32_t mask;   /* how many, minus one */
} tsr_index;

/** Places an index over `count` heads and empties it.
 *  errors  TSR_E_ARGUMENT  count is zero or no power of two */
tsr_err tsr_index_init(tsr_index *index, uint32_t *heads, uint32_t count);

static inline uint32_t *tsr_index_head(const tsr_index *index, uint64_t hash)
{
    return &index->heads[(uint32_t)hash & index->mask];
}

#endif
