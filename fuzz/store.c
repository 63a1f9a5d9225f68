/* SPDX-License-Identifier: Apache-2.0
 *
 * Mounts whatever an image says, then works with it. The input first composes records (with
 * right checksums, so that the fuzzer gets past them), then pokes bytes, then runs operations;
 * what was stored must be there, and must still be there after mounting again. */
#include "fuzz/fuzz.h"
#include "secure/storage/record.h"
#include "tests/secure/flash_sim.h"

#define KEYS 24u

static void compose(sim *flash, tsr_bytes *in)
{
    const tsr_flash *f = &flash->flash;
    uint32_t blocks = f->size / f->block;

    for (uint32_t b = 0; b < blocks && in->len > 0; b++) {
        uint64_t number = b + (uint64_t)blocks * (1u + take(in) % 3u);
        uint32_t at = b * f->block, limit = at + f->block;
        uint8_t count = take(in) % 16;

        for (unsigned i = 0; i < count && in->len > 0; i++) {
            uint8_t how = take(in), value[256];
            tsr_record r = { .kind = how % 6, .at = at, .key = { take(in) % 2u, take(in) % 8u } };
            bool sealed = (how & 0x80) == 0;

            r.len = r.kind == TSR_RECORD_IS_REMOVE || r.kind == TSR_RECORD_IS_TAIL ? 0 : take(in);
            if (r.kind == TSR_RECORD_IS_BLOCK) {
                uint32_t at_now = r.at;
                r = tsr_record_block(f, number);
                r.at = at_now;
            } else if (r.kind == TSR_RECORD_IS_TAIL) {
                r.key.uid = number - take(in) % 8u;
            }
            if (tsr_record_size(f, r.len) > limit - at)
                break;
            memset(value, take(in), sizeof value);
            if (r.kind == TSR_RECORD_IS_BLOCK) {
                tsr_buf out = tsr_buf_over(value, sizeof value);

                tsr_put_u64(&out, number - take(in) % 8u);
                tsr_put_u32(&out, (uint32_t)take(in) * 8u);
            }
            (void)tsr_record_checksum(f, at, 0, &r.value_crc);
            memcpy(flash->now + tsr_record_value_at(f, at), value, r.len); /* for the checksum */
            (void)tsr_record_checksum(f, tsr_record_value_at(f, at), r.len, &r.value_crc);
            (void)tsr_record_write(f, number, &r, value);
            if (sealed)
                (void)tsr_record_seal(f, number, at, r.len);
            at += tsr_record_size(f, r.len);
        }
    }
}

static void poke(sim *flash, tsr_bytes *in)
{
    for (uint8_t n = take(in) % 8; n > 0 && in->len >= 3; n--) {
        uint32_t at = ((uint32_t)take(in) << 8 | take(in)) % flash->flash.size;

        flash->now[at] = take(in);
    }
    for (uint32_t i = 0; i < flash->flash.size; i++)
        flash->used[i / flash->flash.unit] |= flash->now[i] != 0xff;
    memcpy(flash->durable, flash->now, flash->flash.size);
}

static void operate(tsr_store *s, tsr_bytes *in)
{
    uint8_t value[128], got[256];

    for (unsigned i = 0; i < 60 && in->len > 0; i++) {
        uint8_t what = take(in);
        tsr_store_key key = { what >> 7, what & 7u };
        size_t len = take(in) % sizeof value, n;
        tsr_err err;

        memset(value, (int)i, len);
        err = (what & 8) != 0 ? tsr_store_remove(s, key)
                              : tsr_store_set(s, key, i, tsr_view(value, len));
        if (err != TSR_OK)
            continue;
        err = tsr_store_get(s, key, 0, got, sizeof got, &n);
        if ((what & 8) != 0)
            must(err == TSR_E_NOT_FOUND);
        else
            must(err == TSR_OK && n == len && memcmp(got, value, n) == 0);
    }
}

/* Everything readable in `s` must be the same in a store mounted anew. */
static void compare(tsr_store *s, const tsr_flash *f)
{
    tsr_store_entry index[KEYS];
    tsr_store again;
    bool writable = !s->failed;

    if (tsr_store_mount(&again, f, index, KEYS, 128) != TSR_OK) {
        must(!writable);
        return;
    }
    must(!writable || again.count == s->count);
    for (size_t i = 0; writable && i < s->count; i++) {
        uint8_t a[512], b[512];
        size_t la = 0, lb = 0;
        tsr_store_key key = s->index[i].key;
        tsr_err ea = tsr_store_get(s, key, 0, a, sizeof a, &la);
        tsr_err eb = tsr_store_get(&again, key, 0, b, sizeof b, &lb);

        must(ea == eb && la == lb && memcmp(a, b, la) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t shapes[][3] = { { 4, 512, 1 }, { 3, 512, 8 }, { 5, 1024, 16 } };
    tsr_bytes in = tsr_view(data, size);
    uint8_t choice = take(&in);
    const uint32_t *shape = shapes[choice % 3];
    tsr_store_entry index[KEYS];
    tsr_store store;
    sim flash;

    sim_open(&flash, shape[0] * shape[1], shape[1], shape[2], (choice & 4) != 0, 1);
    compose(&flash, &in);
    poke(&flash, &in);
    if ((choice & 8) != 0) { /* the rest of the input is the image itself */
        memcpy(flash.now, in.ptr, in.len < flash.flash.size ? in.len : flash.flash.size);
        poke(&flash, &(tsr_bytes){ in.ptr, 0 });
    }
    flash.bad_manners = NULL;
    tsr_err err = tsr_store_mount(&store, &flash.flash, index, KEYS, 128);
    if (err == TSR_E_MALFORMED)
        err = tsr_store_repair(&store, &flash.flash, index, KEYS, 128);
    must(err == TSR_OK || store.report.cause != NULL);
    if (err == TSR_OK) {
        operate(&store, &in);
        compare(&store, &flash.flash);
    }
    must(flash.bad_manners == NULL);
    sim_close(&flash);
    return 0;
}
