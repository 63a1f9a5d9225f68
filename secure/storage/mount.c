/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the newest state on a device, and telling what a power cut leaves from damage. */
#include "secure/storage/log.h"

typedef struct { /* what the BLOCK record at the head of a block says */
    uint64_t number, tail;
    uint32_t previous_end;
} block_head;

static bool geometry_valid(const tsr_flash *f)
{
    if (f->unit < 1 || f->unit > TSR_FLASH_UNIT_MAX || (f->unit & (f->unit - 1)) != 0)
        return false;
    if (f->block < tsr_record_size(f, TSR_RECORD_BLOCK) + 3 * tsr_record_size(f, 0))
        return false;
    return f->block > 0 && f->block % f->unit == 0 && f->size % f->block == 0 &&
           f->size / f->block >= 3 && f->size / f->block < 1u << 24;
}

static void start(tsr_store *s, const tsr_flash *flash, tsr_store_entry *index, size_t index_cap,
                  size_t value_max)
{
    *s = (tsr_store){
        .report.name = flash->name,
        .flash = flash,
        .index = index,
        .index_cap = index_cap,
        .value_max = value_max < flash->block ? (uint32_t)value_max : flash->block,
        .blocks = flash->size / flash->block,
        .closed = true,
    };
}

tsr_err tsr_store_format(const tsr_flash *flash)
{
    tsr_store s;
    tsr_err err = TSR_OK;

    if (!geometry_valid(flash))
        return TSR_E_ARGUMENT;
    start(&s, flash, NULL, 0, 0);
    for (uint32_t i = 0; i < s.blocks && err == TSR_OK; i++)
        err = flash->erase(flash->self, i * flash->block);
    if (err == TSR_OK)
        err = flash->sync(flash->self);
    s.head = s.blocks - 1u; /* numbers begin with one full turn, so that none is ever negative */
    s.tail = s.blocks;
    s.tail_known = s.tail;
    if (err == TSR_OK)
        err = tsr_log_open_block(&s);
    if (err == TSR_OK)
        err = flash->sync(flash->self);
    if (err == TSR_OK)
        err = tsr_record_seal(flash, s.head, 0, TSR_RECORD_BLOCK);
    return err == TSR_OK ? flash->sync(flash->self) : err;
}

static tsr_err read_head(const tsr_flash *f, uint32_t physical, block_head *h)
{
    uint8_t value[TSR_RECORD_BLOCK];
    tsr_bytes in = { value, sizeof value };
    tsr_err err = tsr_record_read_block(f, physical, &h->number, value);

    if (err != TSR_OK)
        return err;
    (void)tsr_get_u64(&in, &h->tail);
    (void)tsr_get_u32(&in, &h->previous_end);
    return TSR_OK;
}

static tsr_err erased(const tsr_flash *f, uint32_t at, uint32_t limit)
{
    uint8_t chunk[TSR_RECORD_CHUNK];

    while (at < limit) {
        uint32_t n = limit - at < sizeof chunk ? limit - at : (uint32_t)sizeof chunk;
        tsr_err err = f->read(f->self, at, chunk, n);

        if (err != TSR_OK)
            return err;
        for (uint32_t i = 0; i < n; i++) {
            if (chunk[i] != 0xff)
                return TSR_END;
        }
        at += n;
    }
    return TSR_OK;
}

/* No block is recognised: blank (also after a format that was cut off), or destroyed. */
static tsr_err blank_or_destroyed(tsr_store *s)
{
    const tsr_flash *f = s->flash;
    uint32_t first = tsr_record_size(f, TSR_RECORD_BLOCK);
    tsr_record r;
    tsr_err err = tsr_record_read(f, s->blocks, 0, f->block, &r);

    if (err == TSR_E_IO)
        return err;
    if (err == TSR_END)
        err = erased(f, first, f->size);
    if (err == TSR_OK)
        return TSR_E_NOT_FOUND;
    if (err != TSR_END && err != TSR_E_MALFORMED)
        return err;
    return tsr_log_damage(s, "no block of the store is recognised", 0);
}

static tsr_err find_head(tsr_store *s, block_head *head)
{
    bool found = false;

    for (uint32_t i = 0; i < s->blocks; i++) {
        block_head h;
        tsr_err err = read_head(s->flash, i, &h);

        if (err == TSR_E_NOT_FOUND)
            continue;
        if (err != TSR_OK)
            return err;
        if (!found || h.number > head->number)
            *head = h;
        found = true;
    }
    return found ? TSR_OK : TSR_E_NOT_FOUND;
}

/* TAIL records in the head move the tail further than its BLOCK record says. */
static tsr_err find_tail(tsr_store *s)
{
    uint32_t at = tsr_log_block_at(s, s->head), limit = at + s->flash->block;
    tsr_record r;

    for (;; at = r.next) {
        tsr_err err = tsr_record_read(s->flash, s->head, at, limit, &r);

        if (err == TSR_END)
            return TSR_OK;
        if (err == TSR_E_MALFORMED)
            continue;
        if (err != TSR_OK)
            return err;
        if (r.kind == TSR_RECORD_IS_TAIL && r.key.uid > s->tail && r.key.uid <= s->head)
            s->tail = r.key.uid;
    }
}

/* Newest blocks whose BLOCK records were destroyed still have records that are bound to their
 * numbers; a block that a power cut kept from being opened has none. */
static tsr_err look_past_head(tsr_store *s)
{
    for (uint32_t step = s->blocks - 1; step > 0; step--) {
        uint32_t at = tsr_log_block_at(s, s->head + step);
        tsr_record r;
        tsr_err err = tsr_record_read(s->flash, s->head + step, at, at + s->flash->block, &r);

        if (err == TSR_END)
            continue;
        if (err != TSR_OK && err != TSR_E_MALFORMED)
            return err;
        (void)tsr_log_damage(s, "the head of the newest block is destroyed", at);
        s->head += step;
        if (s->head - s->tail + 2 > s->blocks)
            s->tail = s->head + 2 - s->blocks; /* the lost BLOCK record said so */
        return TSR_OK;
    }
    return TSR_OK;
}

/* All blocks in use means that the newest was opened by a collection which never ended. It holds
 * only copies, and none is sealed. */
static tsr_err forget_unfinished(tsr_store *s)
{
    uint32_t at = tsr_log_block_at(s, s->head);
    tsr_record r;
    tsr_err err;

    if (s->head - s->tail + 1 < s->blocks)
        return TSR_OK;
    err = tsr_record_read(s->flash, s->head, at, at + s->flash->block, &r);
    if (err == TSR_E_IO)
        return err;
    if (!r.sealed) {
        s->head--;
        return TSR_OK;
    }
    (void)tsr_log_damage(s, "the record that ended a collection is destroyed", at);
    s->tail = s->head + 2 - s->blocks; /* sealed: the collection had ended, so one block is free */
    return TSR_OK;
}

static tsr_err replay_record(tsr_store *s, const tsr_record *r)
{
    if (r->kind == TSR_RECORD_IS_SET)
        return tsr_store_index_put(s, r);
    if (r->kind == TSR_RECORD_IS_REMOVE)
        tsr_store_index_drop(s, r->key);
    else if (!r->value_ok)
        (void)tsr_log_damage(s, "a record no longer matches its checksum", r->at);
    return TSR_OK;
}

static tsr_err replay_block(tsr_store *s, uint64_t number)
{
    uint32_t base = tsr_log_block_at(s, number), limit = base + s->flash->block, at = base;
    tsr_record r;

    for (;; at = r.next) {
        tsr_err err = tsr_record_read(s->flash, number, at, limit, &r);

        if (err == TSR_END)
            break;
        if (err == TSR_OK) {
            err = replay_record(s, &r);
        } else if (err == TSR_E_MALFORMED) {
            if (r.known)
                tsr_store_index_drop(s, r.key);
            (void)tsr_log_damage(s, "the header of a record is destroyed", at);
            err = TSR_OK;
        }
        if (err != TSR_OK)
            return err;
    }
    s->end = at - base;
    return TSR_OK;
}

static tsr_err replay(tsr_store *s)
{
    for (uint64_t n = s->tail; n <= s->head; n++) {
        uint32_t at = tsr_log_block_at(s, n);
        block_head h;
        tsr_err err = read_head(s->flash, at / s->flash->block, &h);

        if (err != TSR_OK && err != TSR_E_NOT_FOUND)
            return err;
        if (err == TSR_E_NOT_FOUND || h.number != n)
            (void)tsr_log_damage(s, "a block of the log is missing", at);
        else if (n > s->tail && s->end < h.previous_end)
            (void)tsr_log_damage(s, "records at the end of a block are missing",
                                 tsr_log_block_at(s, n - 1) + s->end);
        err = replay_block(s, n);
        if (err != TSR_OK)
            return err;
    }
    return TSR_OK;
}

/* An older record may be damaged, or wiped on purpose; the newest one of a key may not. */
static void settle_bad(tsr_store *s)
{
    for (size_t i = tsr_store_slots(s); i-- > 0;) {
        const tsr_store_entry *e = tsr_store_slot(s, i);

        if (e == NULL || !e->bad)
            continue;
        (void)tsr_log_damage(s, "a record no longer matches its checksum", e->at);
        tsr_store_index_drop(s, e->key);
    }
}

static tsr_err mount(tsr_store *s)
{
    block_head head = { 0 };
    tsr_err err = s->flash->sync(s->flash->self); /* what is seen now must not vanish later */

    if (err == TSR_OK)
        err = find_head(s, &head);
    if (err == TSR_E_NOT_FOUND)
        return blank_or_destroyed(s);
    if (err == TSR_E_ARGUMENT) {
        s->report.cause = "the store was made with another size, block or unit";
        s->report.remedy = "give the size, block and unit that it was made with";
    }
    if (err != TSR_OK)
        return err;
    s->head = head.number;
    s->tail = head.tail;
    if (s->tail > s->head || s->head - s->tail >= s->blocks)
        return tsr_log_damage(s, "the newest block contradicts itself",
                              tsr_log_block_at(s, s->head));
    err = find_tail(s);
    if (err == TSR_OK)
        err = look_past_head(s);
    if (err == TSR_OK)
        err = forget_unfinished(s);
    if (err == TSR_OK)
        err = replay(s);
    if (err != TSR_OK)
        return err;
    settle_bad(s);
    s->tail_known = s->tail;
    return TSR_OK;
}

static tsr_err prepare(tsr_store *s, const tsr_flash *flash, tsr_store_entry *index,
                       size_t index_cap, size_t value_max)
{
    *s = (tsr_store){ .report.name = flash->name };
    if (!geometry_valid(flash) || value_max >= flash->block)
        return TSR_E_ARGUMENT;
    start(s, flash, index, index_cap, value_max);
    if (tsr_record_size(flash, s->value_max) > tsr_log_room(flash) ||
        tsr_store_capacity(s) < tsr_record_size(flash, s->value_max))
        return TSR_E_ARGUMENT;
    return TSR_OK;
}

static tsr_err explain(tsr_store *s, tsr_err err)
{
    if (err == TSR_OK)
        return err;
    s->failed = true;
    if (s->report.cause != NULL)
        return err;
    if (err == TSR_E_NOT_FOUND) {
        s->report.cause = "there is no store yet";
        s->report.remedy = "format it";
    } else if (err == TSR_E_SPACE) {
        s->report.cause = "more keys in the store than the index has room for";
        s->report.remedy = "start with a larger index";
    } else if (err == TSR_E_ARGUMENT) {
        s->report.cause = "the geometry of the device, or the longest value, cannot work";
        s->report.remedy = "use three blocks or more, each with room for several values";
    } else {
        s->report.cause = "the device below the store cannot be read";
        s->report.remedy = "see to the device, then start again";
    }
    return err;
}

tsr_err tsr_store_mount(tsr_store *s, const tsr_flash *flash, tsr_store_entry *index,
                        size_t index_cap, size_t value_max)
{
    tsr_err err = prepare(s, flash, index, index_cap, value_max);

    if (err == TSR_OK)
        err = mount(s);
    if (err == TSR_OK && s->report.damaged > 0)
        err = TSR_E_MALFORMED;
    return explain(s, err);
}

/* What the damaged log left in blocks that are free now must not be met again. */
static tsr_err erase_free_blocks(tsr_store *s)
{
    tsr_err err = TSR_OK;

    for (uint64_t n = s->head + 1; n < s->tail + s->blocks && err == TSR_OK; n++)
        err = s->flash->erase(s->flash->self, tsr_log_block_at(s, n));
    return err == TSR_OK ? s->flash->sync(s->flash->self) : err;
}

tsr_err tsr_store_repair(tsr_store *s, const tsr_flash *flash, tsr_store_entry *index,
                         size_t index_cap, size_t value_max)
{
    tsr_err err = prepare(s, flash, index, index_cap, value_max);
    uint64_t last;

    if (err == TSR_OK)
        err = mount(s);
    if (err != TSR_OK || s->report.damaged == 0)
        return explain(s, err);
    for (last = s->head; s->tail <= last && err == TSR_OK;)
        err = tsr_log_collect(s);
    if (err == TSR_OK && s->tail_known != s->tail)
        err = tsr_log_write_tail(s); /* two blocks or more are free, so it may open one */
    if (err == TSR_OK)
        err = erase_free_blocks(s);
    return explain(s, err);
}
