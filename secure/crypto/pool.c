/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/crypto/pool.h"

#include "tessera/base/bytes.h"

#define UNIT (sizeof(tsr_pool_unit))

void tsr_pool_open(tsr_pool *pool, tsr_pool_unit *memory, size_t count)
{
    *pool = (tsr_pool){ memory, memory + count };
    *memory = (tsr_pool_unit){ (uint32_t)count, false };
}

/* A free piece takes in the free ones behind it. */
static void join(tsr_pool_unit *head, const tsr_pool_unit *end)
{
    const tsr_pool_unit *next = head + head->len;

    for (; next != end && !next->used; next = head + head->len)
        head->len += next->len;
}

void *tsr_pool_take(tsr_pool *pool, size_t count, size_t size)
{
    size_t most = (size_t)(pool->end - pool->first) * UNIT;
    uint32_t need;

    if (count == 0 || size == 0 || size > most / count)
        return NULL;
    need = (uint32_t)((count * size + UNIT - 1) / UNIT + 1);
    for (tsr_pool_unit *head = pool->first; head != pool->end; head += head->len) {
        if (head->used)
            continue;
        join(head, pool->end);
        if (head->len < need)
            continue;
        if (head->len > need)
            head[need] = (tsr_pool_unit){ head->len - need, false };
        *head = (tsr_pool_unit){ need, true };
        return memset(head + 1, 0, (need - 1) * UNIT);
    }
    return NULL;
}

void tsr_pool_give(tsr_pool *pool, void *piece)
{
    for (tsr_pool_unit *head = pool->first; head != pool->end; head += head->len)
        if (head + 1 == piece && head->used) {
            head->used = false;
            tsr_wipe(piece, (head->len - 1) * UNIT);
        }
}

void *tsr_pool_calloc(size_t count, size_t size)
{
    return tsr_pool_take(tsr_pool_here(), count, size);
}

void tsr_pool_free(void *piece) { tsr_pool_give(tsr_pool_here(), piece); }
