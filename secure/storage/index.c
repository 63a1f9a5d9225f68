/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/storage/log.h"

int tsr_store_compare(tsr_store_key a, tsr_store_key b)
{
    if (a.space != b.space)
        return a.space < b.space ? -1 : 1;
    if (a.uid != b.uid)
        return a.uid < b.uid ? -1 : 1;
    return 0;
}

size_t tsr_store_lower_bound(const tsr_store *s, tsr_store_key key)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (tsr_store_compare(s->index[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

tsr_store_entry *tsr_store_entry_of(const tsr_store *s, tsr_store_key key)
{
    size_t i = tsr_store_lower_bound(s, key);

    if (i < s->count && tsr_store_compare(s->index[i].key, key) == 0)
        return &s->index[i];
    return NULL;
}

tsr_err tsr_store_index_put(tsr_store *s, const tsr_record *r)
{
    size_t i = tsr_store_lower_bound(s, r->key);
    tsr_store_entry *e = &s->index[i];

    if (i < s->count && tsr_store_compare(e->key, r->key) == 0) {
        s->live -= tsr_store_footprint(s, e->len);
    } else {
        if (s->count == s->index_cap)
            return TSR_E_SPACE;
        memmove(e + 1, e, (s->count - i) * sizeof *e);
        s->count++;
    }
    *e = (tsr_store_entry){ r->key, r->at, r->len, r->flags, !r->value_ok };
    s->live += tsr_store_footprint(s, r->len);
    return TSR_OK;
}

void tsr_store_index_drop(tsr_store *s, tsr_store_key key)
{
    tsr_store_entry *e = tsr_store_entry_of(s, key);

    if (e == NULL)
        return;
    s->live -= tsr_store_footprint(s, e->len);
    s->count--;
    memmove(e, e + 1, (size_t)(s->index + s->count - e) * sizeof *e);
}
