/* SPDX-License-Identifier: Apache-2.0
 *
 * The index: entries sorted by space and uid. How they lie in the caller's memory is a file of its
 * own: index_young.c, or index_small.c where there are never many. */
#include "secure/storage/index.h"

int tsr_store_compare(tsr_store_key a, tsr_store_key b)
{
    if (a.space != b.space)
        return a.space < b.space ? -1 : 1;
    if (a.uid != b.uid)
        return a.uid < b.uid ? -1 : 1;
    return 0;
}

size_t tsr_index_lower(const tsr_store_entry *part, size_t count, tsr_store_key key)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (tsr_store_compare(part[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* whole * quota / capacity, bit by bit: a small processor divides 32 bits and has no more. */
static uint32_t portion(uint32_t whole, uint32_t quota, uint32_t capacity)
{
    uint32_t part = 0;
    uint64_t rest = 0;

    for (unsigned bit = 32; bit-- > 0;) {
        part <<= 1;
        rest = 2 * rest + (whole >> bit & 1u) * (uint64_t)quota;
        for (; rest >= capacity; rest -= capacity) /* quota < capacity: twice at most */
            part++;
    }
    return part;
}

uint32_t tsr_store_share(const tsr_store *s, uint32_t quota)
{
    uint32_t all = (uint32_t)s->index_cap, least = all / 4, part;

    if (quota == 0 || quota >= tsr_store_capacity(s))
        return all;
    part = portion(all, quota, tsr_store_capacity(s));
    return part > least ? part : least;
}

/* `add` and `take`: footprints of what comes and of what goes; 0: nothing does. */
static void moved(tsr_store *s, uint32_t space, uint32_t add, uint32_t take)
{
    s->live += add - take;
    tsr_index_moved(s, space, add, take);
}

tsr_err tsr_store_index_put(tsr_store *s, const tsr_record *r)
{
    tsr_store_entry *e = tsr_store_entry_of(s, r->key);
    uint32_t old = 0;

    if (e == NULL && s->count == s->index_cap)
        return TSR_E_SPACE;
    if (e != NULL) {
        old = tsr_store_footprint(s, e->len);
    } else {
        e = tsr_index_insert(s, r->key);
        s->count++;
    }
    *e = (tsr_store_entry){ r->key, r->at, r->len, r->flags, !r->value_ok };
    moved(s, r->key.space, tsr_store_footprint(s, r->len), old);
    return TSR_OK;
}

void tsr_store_index_drop(tsr_store *s, tsr_store_key key)
{
    tsr_store_entry *e = tsr_store_entry_of(s, key);

    if (e == NULL)
        return;
    moved(s, key.space, 0, tsr_store_footprint(s, e->len));
    tsr_index_delete(s, e);
    s->count--;
}
