/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring of blocks. Block `number` lies at physical block number % blocks; the numbers from tail
 * to head are in use. Between two calls at least one block is free, so that the oldest can always
 * be emptied: its records that count fit into what is left of the head and one fresh block.
 *
 * Order of writes, each step synced before the next (what makes every cut harmless):
 *   set      record -> seal (which only tells a torn write from damage)
 *   collect  copies -> TAIL record, when no block known to be free is left -> seals -> wiping
 *   open     a block that a mount already knows to be free is erased -> BLOCK record
 * A block opened by a collection that never reached its TAIL record holds only copies and no seal;
 * the next mount forgets it. */
#include "secure/storage/log.h"

#include "secure/storage/crc32.h"

uint32_t tsr_log_block_at(const tsr_store *s, uint64_t number)
{
    return tsr_record_physical(number, s->blocks) * s->flash->block;
}

uint64_t tsr_log_number_of(const tsr_store *s, uint32_t at)
{
    uint32_t physical = at / s->flash->block, head = tsr_record_physical(s->head, s->blocks);

    return s->head - (head + s->blocks - physical) % s->blocks;
}

uint32_t tsr_log_room(const tsr_flash *f)
{
    return f->block - tsr_record_size(f, TSR_RECORD_BLOCK) - tsr_record_size(f, 0);
}

static uint32_t free_blocks(const tsr_store *s, uint64_t tail)
{
    return s->blocks - (uint32_t)(s->head - tail + 1);
}

static bool fits_head(const tsr_store *s, uint32_t size)
{
    uint32_t reserved = tsr_record_size(s->flash, 0); /* for a TAIL record */

    return !s->closed && s->flash->block - s->end >= size + reserved;
}

tsr_err tsr_log_damage(tsr_store *s, const char *cause, uint32_t at)
{
    if (s->report.damaged == 0) {
        s->report.cause = cause;
        s->report.at = at;
        s->report.remedy = "restore it from a backup, or run the service once with its repair "
                           "option, which keeps every record that is still readable";
    }
    s->report.damaged++;
    return TSR_E_MALFORMED;
}

tsr_err tsr_log_fail(tsr_store *s, tsr_err err)
{
    s->failed = true;
    if (err != TSR_E_MALFORMED && s->report.damaged == 0) {
        s->report.cause = err == TSR_E_SPACE ? "the disk below the store is full"
                                             : "the device below the store failed";
        s->report.remedy = "see to the device, then restart the service; nothing that was "
                           "acknowledged is lost";
    }
    return err;
}

static tsr_err sync(tsr_store *s) { return s->flash->sync(s->flash->self); }

/* A worn cell programs without an error: what cannot be read back was not written. */
static tsr_err check_pending(const tsr_store *s)
{
    uint32_t base = tsr_log_block_at(s, s->head), at = base + s->sealed;
    tsr_record r;

    for (; at < base + s->end; at = r.next) {
        tsr_err err = tsr_record_read(s->flash, s->head, at, base + s->end, &r);

        if (err != TSR_OK || !r.value_ok)
            return TSR_E_IO;
    }
    return TSR_OK;
}

/* Seals what a sync completed and a check found good; a seal needs no sync of its own. From then on
 * the index goes by copies and no longer by their originals. */
static tsr_err seal_head(tsr_store *s, bool copies)
{
    uint32_t base = tsr_log_block_at(s, s->head);
    tsr_record r;
    tsr_err err = TSR_OK;

    while (s->sealed < s->end && err == TSR_OK) {
        err = tsr_record_header(s->flash, s->head, base + s->sealed, &r);
        if (err != TSR_OK)
            return TSR_E_IO;
        err = tsr_record_seal(s->flash, s->head, r.at, r.len);
        r.value_ok = true;
        if (copies && r.kind == TSR_RECORD_IS_SET)
            (void)tsr_store_index_put(s, &r); /* replaces, so it cannot be full */
        s->sealed += tsr_record_size(s->flash, r.len);
    }
    return err;
}

static tsr_err append_raw(tsr_store *s, tsr_record *r, const void *value)
{
    uint32_t base = tsr_log_block_at(s, s->head);

    r->at = base + s->end;
    r->value_ok = true;
    r->value_crc = tsr_crc32(0, value, r->len);
    s->end += tsr_record_size(s->flash, r->len);
    return tsr_record_write(s->flash, s->head, r, value);
}

tsr_err tsr_log_open_block(tsr_store *s)
{
    const tsr_flash *f = s->flash;
    uint8_t value[TSR_RECORD_BLOCK];
    tsr_buf b = tsr_buf_over(value, sizeof value);
    tsr_record r = tsr_record_block(f, s->head + 1);
    tsr_err err;

    if (free_blocks(s, s->tail_known) == 0) /* never in a store that was written here */
        return tsr_log_damage(s, "a block holds more records than a store puts there",
                              tsr_log_block_at(s, s->tail));
    err = f->erase(f->self, tsr_log_block_at(s, s->head + 1));
    if (err == TSR_OK)
        err = sync(s);
    if (err == TSR_OK && !s->closed)
        err = check_pending(s);
    if (err == TSR_OK && !s->closed)
        err = seal_head(s, true);
    if (err != TSR_OK)
        return err;
    tsr_put_u64(&b, s->tail);
    tsr_put_u32(&b, s->end);
    s->head++;
    s->end = 0;
    s->sealed = 0;
    s->closed = false;
    s->tail_known = s->tail;
    return append_raw(s, &r, value);
}

tsr_err tsr_log_write_tail(tsr_store *s)
{
    tsr_record r = { .kind = TSR_RECORD_IS_TAIL, .key.uid = s->tail };
    tsr_err err;

    if (s->closed || s->flash->block - s->end < tsr_record_size(s->flash, 0)) {
        err = tsr_log_open_block(s); /* its BLOCK record says it as well */
    } else {
        err = append_raw(s, &r, NULL);
    }
    if (err == TSR_OK)
        err = sync(s);
    if (err == TSR_OK)
        err = check_pending(s);
    if (err == TSR_OK)
        s->tail_known = s->tail;
    return err;
}

static tsr_err copy_record(tsr_store *s, const tsr_record *old)
{
    uint32_t size = tsr_record_size(s->flash, old->len);
    tsr_record r = *old;
    tsr_err err = TSR_OK;

    if (!fits_head(s, size))
        err = tsr_log_open_block(s);
    if (err != TSR_OK)
        return err;
    r.at = tsr_log_block_at(s, s->head) + s->end;
    s->end += size;
    return tsr_record_copy(s->flash, s->head, &r, old->at);
}

static bool counts(const tsr_store *s, const tsr_record *r)
{
    const tsr_store_entry *e = r->known ? tsr_store_entry_of(s, r->key) : NULL;

    if (r->known)
        return e != NULL && e->at == r->at;
    for (size_t i = 0; i < tsr_store_slots(s); i++) {
        e = tsr_store_slot(s, i);
        if (e != NULL && e->at == r->at)
            return true;
    }
    return false;
}

static tsr_err copy_block(tsr_store *s, uint64_t number)
{
    uint32_t at = tsr_log_block_at(s, number), limit = at + s->flash->block;
    tsr_record r;

    for (;; at = r.next) {
        tsr_err err = tsr_record_read(s->flash, number, at, limit, &r);

        if (err == TSR_END)
            return TSR_OK;
        if (err != TSR_OK && err != TSR_E_MALFORMED)
            return err;
        if (!counts(s, &r))
            continue;
        if (err == TSR_OK && r.value_ok)
            err = copy_record(s, &r);
        else
            err = tsr_log_damage(s, "a record no longer matches its checksum", r.at);
        if (err != TSR_OK)
            return err;
    }
}

static tsr_err scrub_block(tsr_store *s, uint64_t number)
{
    uint32_t at = tsr_log_block_at(s, number), limit = at + s->flash->block;
    tsr_record r;
    tsr_err err = TSR_OK;

    for (; err == TSR_OK; at = r.next) {
        err = tsr_record_read(s->flash, number, at, limit, &r);
        if (err == TSR_E_MALFORMED)
            err = TSR_OK;
        else if (err == TSR_OK && r.kind == TSR_RECORD_IS_SET)
            err = tsr_record_scrub(s->flash, number, r.at, r.len);
    }
    return err == TSR_END ? TSR_OK : err;
}

tsr_err tsr_log_collect(tsr_store *s)
{
    uint64_t old = s->tail;
    tsr_err err = copy_block(s, old);

    if (err == TSR_OK)
        err = sync(s);
    if (err == TSR_OK && !s->closed)
        err = check_pending(s);
    if (err != TSR_OK)
        return err;
    s->tail++;
    if (free_blocks(s, s->tail_known) == 0)
        err = tsr_log_write_tail(s);
    if (err == TSR_OK && !s->closed)
        err = seal_head(s, true);
    if (err == TSR_OK && s->flash->overwrite)
        err = scrub_block(s, old);
    return err;
}

/* Two rounds through the ring pack everything; tsr_store_capacity promises that this is enough. */
static tsr_err make_room(tsr_store *s, uint32_t size)
{
    tsr_err err = TSR_OK;

    for (uint32_t turn = 0; err == TSR_OK && !fits_head(s, size); turn++) {
        if (turn > 4 * s->blocks)
            return TSR_E_SPACE;
        if (free_blocks(s, s->tail) >= 2)
            err = tsr_log_open_block(s);
        else
            err = tsr_log_collect(s);
    }
    return err;
}

tsr_err tsr_log_append(tsr_store *s, tsr_record *r, const void *value)
{
    tsr_err err;

    if (s->failed)
        return TSR_E_IO;
    err = make_room(s, tsr_record_size(s->flash, r->len));
    if (err == TSR_OK)
        err = append_raw(s, r, value);
    if (err == TSR_OK)
        err = sync(s);
    if (err == TSR_OK)
        err = check_pending(s);
    if (err != TSR_OK)
        return tsr_log_fail(s, err);
    if (seal_head(s, false) != TSR_OK)
        s->failed = true; /* the record itself is safe */
    return TSR_OK;
}
