/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/storage/store.h"

#include "secure/storage/crc32.h"
#include "secure/storage/log.h"

uint32_t tsr_store_footprint(const tsr_store *s, size_t len)
{
    return tsr_record_size(s->flash, len < s->flash->block ? (uint32_t)len : s->flash->block);
}

/* A packed block wastes less than the longest record, since its next record did not fit; and one
 * block is always free. One removal is kept in reserve. */
uint32_t tsr_store_capacity(const tsr_store *s)
{
    uint32_t longest = tsr_record_size(s->flash, s->value_max);
    uint32_t packed = tsr_log_room(s->flash) - longest + s->flash->unit;

    return (s->blocks - 1) * packed - tsr_record_size(s->flash, 0);
}

uint32_t tsr_store_used(const tsr_store *s) { return s->live; }

/* Wiping what was replaced is best effort: the new state is already safe. */
static void scrub(tsr_store *s, const tsr_store_entry *old)
{
    tsr_err err = tsr_record_scrub(s->flash, tsr_log_number_of(s, old->at), old->at, old->len);

    if (err != TSR_OK)
        (void)tsr_log_fail(s, err);
}

tsr_err tsr_store_set(tsr_store *s, tsr_store_key key, uint32_t flags, tsr_bytes value)
{
    tsr_record r = { .kind = TSR_RECORD_IS_SET, .key = key, .flags = flags };
    const tsr_store_entry *e;
    tsr_store_entry old;
    uint32_t capacity = tsr_store_capacity(s);
    tsr_err err;

    if (value.len > s->value_max)
        return TSR_E_ARGUMENT;
    r.len = (uint32_t)value.len;
    if (tsr_store_footprint(s, r.len) > capacity - (s->live < capacity ? s->live : capacity))
        return TSR_E_SPACE;
    if (tsr_store_entry_of(s, key) == NULL && s->count == s->index_cap)
        return TSR_E_SPACE;
    err = tsr_log_append(s, &r, value.ptr);
    if (err != TSR_OK)
        return err;
    e = tsr_store_entry_of(s, key); /* a collection may have moved it */
    old = e != NULL ? *e : (tsr_store_entry){ 0 };
    (void)tsr_store_index_put(s, &r); /* room was seen to above */
    if (e != NULL)
        scrub(s, &old);
    return TSR_OK;
}

tsr_err tsr_store_remove(tsr_store *s, tsr_store_key key)
{
    tsr_record r = { .kind = TSR_RECORD_IS_REMOVE, .key = key };
    tsr_store_entry old;
    tsr_err err;

    if (tsr_store_entry_of(s, key) == NULL)
        return TSR_E_NOT_FOUND;
    err = tsr_log_append(s, &r, NULL);
    if (err != TSR_OK)
        return err;
    old = *tsr_store_entry_of(s, key);
    tsr_store_index_drop(s, key);
    scrub(s, &old);
    if (s->flash->overwrite && s->flash->sync(s->flash->self) != TSR_OK)
        s->failed = true; /* the removal itself is safe */
    return TSR_OK;
}

/* Copies what was asked for while the checksum runs over the whole value. */
static tsr_err read_verified(tsr_store *s, const tsr_record *r, size_t offset, uint8_t *out,
                             size_t n)
{
    uint8_t chunk[TSR_RECORD_CHUNK];
    uint32_t value_at = tsr_record_value_at(s->flash, r->at), crc = 0;
    tsr_err err = TSR_OK;

    for (size_t done = 0; done < r->len && err == TSR_OK;) {
        size_t step = r->len - done < sizeof chunk ? r->len - done : sizeof chunk;
        size_t from = offset > done ? offset - done : 0;
        size_t to = offset + n - done < step ? offset + n - done : step;

        err = s->flash->read(s->flash->self, value_at + (uint32_t)done, chunk, step);
        if (err != TSR_OK)
            break;
        crc = tsr_crc32(crc, chunk, step);
        if (offset + n > done && from < to)
            memcpy(out + (done + from - offset), chunk + from, to - from);
        done += step;
    }
    tsr_wipe(chunk, sizeof chunk);
    if (err == TSR_OK && crc != r->value_crc)
        err = tsr_log_damage(s, "a record no longer matches its checksum", r->at);
    return err;
}

tsr_err tsr_store_get(tsr_store *s, tsr_store_key key, size_t offset, void *out, size_t cap,
                      size_t *len)
{
    const tsr_store_entry *e = tsr_store_entry_of(s, key);
    tsr_record r;
    size_t n;
    tsr_err err;

    *len = 0;
    if (e == NULL)
        return TSR_E_NOT_FOUND;
    if (offset > e->len)
        return TSR_E_TYPE;
    n = e->len - offset < cap ? e->len - offset : cap;
    err = tsr_record_header(s->flash, tsr_log_number_of(s, e->at), e->at, &r);
    if (err == TSR_E_MALFORMED || (err == TSR_OK && r.len != e->len))
        return tsr_log_damage(s, "the header of a record is destroyed", e->at);
    if (err == TSR_OK)
        err = read_verified(s, &r, offset, out, n);
    if (err == TSR_OK)
        *len = n;
    else if (n > 0)
        tsr_wipe(out, n);
    return err;
}

tsr_err tsr_store_info_of(const tsr_store *s, tsr_store_key key, tsr_store_info *info)
{
    const tsr_store_entry *e = tsr_store_entry_of(s, key);

    if (e == NULL)
        return TSR_E_NOT_FOUND;
    *info = (tsr_store_info){ e->len, e->flags };
    return TSR_OK;
}

tsr_err tsr_store_next(const tsr_store *s, uint32_t space, uint64_t *uid)
{
    const tsr_store_entry *e = tsr_store_entry_from(s, (tsr_store_key){ space, *uid });

    if (e == NULL || e->key.space != space)
        return TSR_END;
    *uid = e->key.uid;
    return TSR_OK;
}
