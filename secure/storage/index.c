/* SPDX-License-Identifier: Apache-2.0
 *
 * The index: entries sorted by space and uid, in two parts, so that ten thousand keys cost about
 * what ten cost. `main` begins at the front of the caller's memory and `young` lies at its end. A
 * new key goes to young, which is short; when young is full it is merged into main, in one pass and
 * in place. An entry that leaves main stays there as a dead one until there are enough of them for
 * a pass of their own. A key is in one part only. A small index, or one that is nearly full, has no
 * young part: its entries are moved one by one. */
#include "secure/storage/log.h"

#define SMALL     256u       /* entries; below it moving them is cheaper than anything else */
#define YOUNG_MAX 128u       /* entries */
#define DEAD      UINT32_MAX /* no record begins there */

int tsr_store_compare(tsr_store_key a, tsr_store_key b)
{
    if (a.space != b.space)
        return a.space < b.space ? -1 : 1;
    if (a.uid != b.uid)
        return a.uid < b.uid ? -1 : 1;
    return 0;
}

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

static size_t lower_bound(const tsr_store_entry *part, size_t count, tsr_store_key key)
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

/* The entry of a key, a dead one too. */
static tsr_store_entry *find(const tsr_store *s, tsr_store_key key)
{
    tsr_store_entry *young = young_part(s);
    size_t i = lower_bound(s->index, s->main, key);

    if (i < s->main && tsr_store_compare(s->index[i].key, key) == 0)
        return &s->index[i];
    i = lower_bound(young, s->young, key);
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
    size_t i = lower_bound(s->index, s->main, key), j = lower_bound(young, s->young, key);

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
 * parts for all of young (see insert). */
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
    size_t i = lower_bound(part, *count, key);

    memmove(part + i + 1, part + i, (*count - i) * sizeof *part);
    (*count)++;
    return part + i;
}

static tsr_store_entry *insert(tsr_store *s, tsr_store_key key)
{
    size_t reserved = young_max(s);

    if (s->young == reserved)
        merge(s);
    if (s->young < reserved && s->main + s->young + 1 <= s->index_cap - reserved)
        return open_gap(young_part(s), &s->young, key);
    merge(s);
    compact(s);
    return open_gap(s->index, &s->main, key);
}

/* What a space holds is asked for by each set of a client with a quota, so it is kept for the
 * spaces that were asked about last. */
static void account(tsr_store *s, uint32_t space, uint32_t add, uint32_t take)
{
    tsr_store_sum *sum = &s->sums[space % TSR_STORE_SUMS];

    s->live += add - take;
    if (!sum->known || sum->space != space)
        return;
    sum->bytes += add - take;
    sum->assets += (add != 0) - (uint32_t)(take != 0);
}

static void count_space(const tsr_store *s, const tsr_store_entry *part, size_t count,
                        tsr_store_sum *sum)
{
    for (size_t i = lower_bound(part, count, (tsr_store_key){ sum->space, 0 });
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

uint32_t tsr_store_share(const tsr_store *s, uint32_t quota)
{
    uint64_t part = (uint64_t)s->index_cap * quota / tsr_store_capacity(s);
    uint64_t least = s->index_cap / 4;

    if (quota == 0 || part > s->index_cap)
        return (uint32_t)s->index_cap;
    return (uint32_t)(part > least ? part : least);
}

tsr_err tsr_store_index_put(tsr_store *s, const tsr_record *r)
{
    tsr_store_entry *e = find(s, r->key);
    uint32_t old = 0;

    if (e == NULL && s->count == s->index_cap)
        return TSR_E_SPACE;
    if (e == NULL) {
        e = insert(s, r->key);
        s->count++;
    } else if (e->at == DEAD) {
        s->dead--;
        s->count++;
    } else {
        old = tsr_store_footprint(s, e->len);
    }
    *e = (tsr_store_entry){ r->key, r->at, r->len, r->flags, !r->value_ok };
    account(s, r->key.space, tsr_store_footprint(s, r->len), old);
    return TSR_OK;
}

void tsr_store_index_drop(tsr_store *s, tsr_store_key key)
{
    tsr_store_entry *e = tsr_store_entry_of(s, key), *young = young_part(s);

    if (e == NULL)
        return;
    account(s, key.space, 0, tsr_store_footprint(s, e->len));
    s->count--;
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
