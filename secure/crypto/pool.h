/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of a core on a microcontroller: one fixed pool, first fit, what is free is joined
 * where it is looked for. Everything that is given back is wiped. */
#ifndef SECURE_CRYPTO_POOL_H
#define SECURE_CRYPTO_POOL_H

#include <stddef.h>
#include <stdint.h>

/** What memory is counted in, and what each piece costs besides its own: 8 bytes. Pieces lie back
 *  to back, each behind a unit that tells about it. */
typedef struct {
    _Alignas(8) uint32_t len; /* private: of the piece in units, this one included */
    uint32_t used;            /* private */
} tsr_pool_unit;

typedef struct { /* private */
    tsr_pool_unit *first, *end;
} tsr_pool;

/** Makes one free piece of `memory`.
 *
 *  units   count: of units, one at least
 *  owner   the memory belongs to the caller and outlives the pool */
void tsr_pool_open(tsr_pool *pool, tsr_pool_unit *memory, size_t count);

/** `count` times `size` bytes, all zero, aligned to 8; NULL: no piece is long enough, or nothing
 *  was asked for. */
void *tsr_pool_take(tsr_pool *pool, size_t count, size_t size);

/** Wipes a piece and takes it back. NULL, and what is no piece in use, is left alone. */
void tsr_pool_give(tsr_pool *pool, void *piece);

/** The pool of this world: one named object, placed and owned by the port, because the core asks
 *  for memory without a context. */
tsr_pool *tsr_pool_here(void);

/* What the core calls (MBEDTLS_PLATFORM_CALLOC_MACRO, MBEDTLS_PLATFORM_FREE_MACRO). */
void *tsr_pool_calloc(size_t count, size_t size);
void tsr_pool_free(void *piece);

#endif
