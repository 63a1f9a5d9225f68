/* SPDX-License-Identifier: Apache-2.0
 *
 * An index of a few hundred entries at most: s->count of them in order, moved one by one, and
 * counted when somebody asks. */
#include "secure/storage/index.h"

tsr_store_entry *tsr_store_entry_of(const tsr_store *s, tsr_store_key key)
{
    size_t i = tsr_index_lower(s->index, s->count, key);

    return i < s->count && tsr_store_compare(s->index[i].key, key) == 0 ? &s->index[i] : NULL;
}

const tsr_store_entry *tsr_store_entry_from(const tsr_store *s, tsr_store_key key)
{
    size_t i = tsr_index_lower(s->index, s->count, key);

    return i < s->count ? &s->index[i] : NULL;
}

size_t tsr_store_slots(const tsr_store *s) { return s->count; }

const tsr_store_entry *tsr_store_slot(const tsr_store *s, size_t i) { return &s->index[i]; }

tsr_store_entry *tsr_index_insert(tsr_store *s, tsr_store_key key)
{
    size_t i = tsr_index_lower(s->index, s->count, key);

    memmove(s->index + i + 1, s->index + i, (s->count - i) * sizeof *s->index);
    return s->index + i;
}

void tsr_index_delete(tsr_store *s, tsr_store_entry *e)
{
    memmove(e, e + 1, (size_t)(s->index + s->count - (e + 1)) * sizeof *e);
}

void tsr_index_moved(tsr_store *s, uint32_t space, uint32_t add, uint32_t take)
{
    (void)s, (void)space, (void)add, (void)take; /* nothing is kept */
}

static tsr_store_sum sum_of(const tsr_store *s, uint32_t space)
{
    tsr_store_sum sum = { .space = space };

    for (size_t i = 0; i < s->count; i++)
        if (s->index[i].key.space == space) {
            sum.bytes += tsr_store_footprint(s, s->index[i].len);
            sum.assets++;
        }
    return sum;
}

uint32_t tsr_store_used_by(tsr_store *s, uint32_t space) { return sum_of(s, space).bytes; }

uint32_t tsr_store_count_by(tsr_store *s, uint32_t space) { return sum_of(s, space).assets; }
