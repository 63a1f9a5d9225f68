/* SPDX-License-Identifier: Apache-2.0
 *
 * An index of any length, in two parts, so that ten thousand keys cost about what ten cost. `main`
 * begins at the front of the caller's memory and `young` lies at its end. A new key goes to young,
 * which is short; when young is full it is merged into main, in one pass and in place. An entry
 * that leaves main stays there as a dead one until there are enough of them for a pass of their
 * own. A key is in one part only. A small index, or one that is nearly full, has no young part:
 * its entries are moved one by one. */
#include "secure/storage/index.h"

#define SMALL     256u       /* entries; below it moving them is cheaper than anything else */
#define YOUNG_MAX 128u       /* entries */
#define DEAD      UINT32_MAX /* no record begins there */

static size_t young_max(const tsr_store *s)
{
    if (s->index_cap < SMALL)
        return 0;
    return s->index_cap / 8 < YOUNG_MAX ? s->index_cap / 8 : YOUNG_MAX;
}

static tsr_store_entry *young_part(const tsr_store *s)
{
    return s->index + (s->index_cap - young_max(s));
}

/* The entry of a key, a dead one too. */
static tsr_store_entry *find(const tsr_store *s, tsr_store_key key)
{
    tsr_store_entry *young = young_part(s);
    size_t i = tsr_index_lower(s->index, s->main, key);

    if (i < s->main && tsr_store_compare(s->index[i].key, key) == 0)
        return &s->index[i];
    i = tsr_index_lower(young, s->young, key);
    return i < s->young && tsr_store_compare(young[i].key, key) == 0 ? &young[i] : NULL;
}

tsr_store_entry *tsr_store_entry_of(const tsr_store *s, tsr_store_key key)
{
    tsr_store_entry *e = find(s, key);

    return e != NULL && e->at != DEAD ? e : NULL;
}

size_t tsr_store_slots(const tsr_store *s) { return s->main + s->young; }

const tsr_store_entry *tsr_store_slot(const tsr_store *s, size_t i)
{
    const tsr_store_entry *e = i < s->main ? &s->index[i] : &young_part(s)[i - s->main];

    return e->at != DEAD ? e : NULL;
}

const tsr_store_entry *tsr_store_entry_from(const tsr_store *s, tsr_store_key key)
{
    const tsr_store_entry *young = young_part(s);
    size_t i = tsr_index_lower(s->index, s->main, key), j = tsr_index_lower(young, s->young, key);

    while (i < s->main && s->index[i].at == DEAD)
        i++;
    if (i == s->main)
        return j < s->young ? &young[j] : NULL;
    if (j < s->young && tsr_store_compare(young[j].key, s->index[i].key) < 0)
        return &young[j];
    return &s->index[i];
}

static void compact(tsr_store *s)
{
    size_t to = 0;

    for (size_t i = 0; s->dead > 0 && i < s->main; i++)
        if (s->index[i].at != DEAD)
            s->index[to++] = s->index[i];
    if (s->dead > 0)
        s->main = to;
    s->dead = 0;
}

/* From the back, so that nothing is written over before it was read: there is room between the
 * parts for all of young (see tsr_index_insert). */
static void merge(tsr_store *s)
{
    const tsr_store_entry *young = young_part(s);
    size_t i = s->main, to = s->main + s->young;

    s->main = to;
    while (s->young > 0) {
        if (i > 0 && tsr_store_compare(s->index[i - 1].key, young[s->young - 1].key) > 0)
            s->index[--to] = s->index[--i];
        else
            s->index[--to] = young[--s->young];
    }
}

static tsr_store_entry *open_gap(tsr_store_entry *part, size_t *count, tsr_store_key key)
{
    size_t i = tsr_index_lower(part, *count, key);

    memmove(part + i + 1, part + i, (*count - i) * sizeof *part);
    (*count)++;
    return part + i;
}

tsr_store_entry *tsr_index_insert(tsr_store *s, tsr_store_key key)
{
    size_t reserved = young_max(s);
    tsr_store_entry *dead = find(s, key);

    if (dead != NULL) {
        s->dead--;
        return dead;
    }
    if (s->young == reserved)
        merge(s);
    if (s->young < reserved && s->main + s->young + 1 <= s->index_cap - reserved)
        return open_gap(young_part(s), &s->young, key);
    merge(s);
    compact(s);
    return open_gap(s->index, &s->main, key);
}

void tsr_index_delete(tsr_store *s, tsr_store_entry *e)
{
    tsr_store_entry *young = young_part(s);

    if (young_max(s) > 0 && e >= young) { /* main may reach into an empty young part */
        if (s->young > 0) {
            s->young--;
            memmove(e, e + 1, (size_t)(young + s->young - e) * sizeof *e);
            return;
        }
    }
    e->at = DEAD;
    if (++s->dead > young_max(s))
        compact(s);
}

/* What a space holds is asked for by each set of a client with a quota, so it is kept for the
 * spaces that were asked about last. */
void tsr_index_moved(tsr_store *s, uint32_t space, uint32_t add, uint32_t take)
{
    tsr_store_sum *sum = &s->sums[space % TSR_STORE_SUMS];

    if (!sum->known || sum->space != space)
        return;
    sum->bytes += add - take;
    sum->assets += (add != 0) - (uint32_t)(take != 0);
}

static void count_space(const tsr_store *s, const tsr_store_entry *part, size_t count,
                        tsr_store_sum *sum)
{
    for (size_t i = tsr_index_lower(part, count, (tsr_store_key){ sum->space, 0 });
         i < count && part[i].key.space == sum->space; i++)
        if (part[i].at != DEAD) {
            sum->bytes += tsr_store_footprint(s, part[i].len);
            sum->assets++;
        }
}

static const tsr_store_sum *sum_of(tsr_store *s, uint32_t space)
{
    tsr_store_sum *sum = &s->sums[space % TSR_STORE_SUMS];

    if (sum->known && sum->space == space)
        return sum;
    *sum = (tsr_store_sum){ .space = space, .known = true };
    count_space(s, s->index, s->main, sum);
    count_space(s, young_part(s), s->young, sum);
    return sum;
}

uint32_t tsr_store_used_by(tsr_store *s, uint32_t space) { return sum_of(s, space)->bytes; }

uint32_t tsr_store_count_by(tsr_store *s, uint32_t space) { return sum_of(s, space)->assets; }
