/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/storage/record.h"

#include "secure/storage/crc32.h"

/* "Ts"; version 1 of the format follows the kind. */
#define MAGIC_0 0x54u
#define MAGIC_1 0x73u
#define VERSION 1u

/* A block number above this cannot come from a store; so `number + blocks` never overflows. */
#define NUMBER_MAX ((uint64_t)1 << 62)

/* number % blocks, byte by byte: a small processor divides 32 bits and has no more. */
uint32_t tsr_record_physical(uint64_t number, uint32_t blocks)
{
    uint32_t rest = 0;

    for (unsigned shift = 64; shift > 0; shift -= 8)
        rest = (rest << 8 | (uint32_t)(number >> (shift - 8) & 0xffu)) % blocks;
    return rest;
}

static uint32_t round_up(uint32_t n, uint32_t unit) { return (n + unit - 1) & ~(unit - 1); }

static uint32_t seal_at(const tsr_flash *f, uint32_t at)
{
    return at + round_up(TSR_RECORD_HEADER, f->unit);
}

uint32_t tsr_record_value_at(const tsr_flash *f, uint32_t at)
{
    return seal_at(f, at) + round_up(TSR_RECORD_SEAL, f->unit);
}

uint32_t tsr_record_size(const tsr_flash *f, uint32_t len)
{
    return tsr_record_value_at(f, 0) + round_up(len, f->unit);
}

/* Header and seal are bound to the block's number and the offset in it: what an earlier life of
 * the block left behind is never taken for a record of this one. */
static uint32_t bound_crc(const tsr_flash *f, uint64_t number, uint32_t at, const uint8_t *data,
                          size_t len)
{
    uint8_t bind[12];
    tsr_buf b = tsr_buf_over(bind, sizeof bind);

    tsr_put_u64(&b, number);
    tsr_put_u32(&b, at % f->block);
    return tsr_crc32(tsr_crc32(0, bind, sizeof bind), data, len);
}

static void encode_header(const tsr_flash *f, uint64_t number, const tsr_record *r, uint8_t *out)
{
    tsr_buf b = tsr_buf_over(out, TSR_RECORD_HEADER);

    tsr_put_u8(&b, MAGIC_0);
    tsr_put_u8(&b, MAGIC_1);
    tsr_put_u8(&b, r->kind);
    tsr_put_u8(&b, VERSION);
    tsr_put_u32(&b, r->key.space);
    tsr_put_u64(&b, r->key.uid);
    tsr_put_u32(&b, r->flags);
    tsr_put_u32(&b, r->len);
    tsr_put_u32(&b, r->value_crc);
    tsr_put_u32(&b, bound_crc(f, number, r->at, out, 28));
}

static void decode_fields(const uint8_t *in, tsr_record *r)
{
    tsr_bytes b = { in + 4, TSR_RECORD_HEADER - 4 };

    r->kind = in[2];
    (void)tsr_get_u32(&b, &r->key.space);
    (void)tsr_get_u64(&b, &r->key.uid);
    (void)tsr_get_u32(&b, &r->flags);
    (void)tsr_get_u32(&b, &r->len);
    (void)tsr_get_u32(&b, &r->value_crc);
}

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool header_valid(const tsr_flash *f, uint64_t number, uint32_t at, const uint8_t *in)
{
    return in[0] == MAGIC_0 && in[1] == MAGIC_1 && in[3] == VERSION &&
           u32_at(in + 28) == bound_crc(f, number, at, in, 28);
}

static void encode_seal(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t len,
                        uint8_t *out)
{
    uint8_t text[8] = { 0, 0, 0, 0, 's', 'e', 'a', 'l' };
    tsr_buf b = tsr_buf_over(text, 4);
    tsr_buf o = tsr_buf_over(out, TSR_RECORD_SEAL);

    tsr_put_u32(&b, len);
    tsr_put_u32(&o, len);
    tsr_put_u32(&o, bound_crc(f, number, at, text, sizeof text));
}

/* A seal repeats the length, so that the next record is found behind a destroyed header. */
static bool seal_valid(const tsr_flash *f, uint64_t number, uint32_t at, const uint8_t *in,
                       uint32_t *len)
{
    uint8_t expected[TSR_RECORD_SEAL];

    encode_seal(f, number, at, u32_at(in), expected);
    *len = u32_at(in);
    return memcmp(expected, in, sizeof expected) == 0;
}

static bool fits(const tsr_flash *f, uint32_t at, uint32_t len, uint32_t limit)
{
    return len <= f->block && tsr_record_size(f, len) <= limit - at;
}

tsr_err tsr_record_checksum(const tsr_flash *f, uint32_t value_at, uint32_t len, uint32_t *crc)
{
    uint8_t chunk[TSR_RECORD_CHUNK];
    uint32_t sum = 0;
    tsr_err err = TSR_OK;

    for (uint32_t done = 0; done < len && err == TSR_OK;) {
        uint32_t n = len - done < sizeof chunk ? len - done : (uint32_t)sizeof chunk;

        err = f->read(f->self, value_at + done, chunk, n);
        if (err == TSR_OK)
            sum = tsr_crc32(sum, chunk, n);
        done += n;
    }
    tsr_wipe(chunk, sizeof chunk);
    *crc = sum;
    return err;
}

static tsr_err read_edges(const tsr_flash *f, uint32_t at, uint8_t *header, uint8_t *seal)
{
    tsr_err err = f->read(f->self, at, header, TSR_RECORD_HEADER);

    return err != TSR_OK ? err : f->read(f->self, seal_at(f, at), seal, TSR_RECORD_SEAL);
}

static tsr_err complete_at(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t limit)
{
    uint8_t header[TSR_RECORD_HEADER], seal[TSR_RECORD_SEAL];
    uint32_t len;
    tsr_err err = read_edges(f, at, header, seal);

    if (err != TSR_OK)
        return err;
    if (header_valid(f, number, at, header) && seal_valid(f, number, at, seal, &len) &&
        fits(f, at, len, limit))
        return TSR_OK;
    return TSR_END;
}

tsr_err tsr_record_find(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t limit,
                        uint32_t *found)
{
    uint8_t chunk[TSR_RECORD_CHUNK];
    uint32_t least = tsr_record_size(f, 0);

    while (at + least <= limit) {
        uint32_t n = limit - at < sizeof chunk ? limit - at : (uint32_t)sizeof chunk;
        tsr_err err = f->read(f->self, at, chunk, n);

        if (err != TSR_OK)
            return err;
        for (uint32_t i = 0; i < n && at + i + least <= limit; i += f->unit) {
            if (chunk[i] != MAGIC_0)
                continue;
            err = complete_at(f, number, at + i, limit);
            if (err == TSR_OK)
                *found = at + i;
            if (err != TSR_END)
                return err;
        }
        at += n;
    }
    return TSR_END;
}

/* No record begins at `at`: either the log ends here, or what follows was lost. */
static tsr_err end_or_damage(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t limit,
                             tsr_record *out)
{
    tsr_err err = tsr_record_find(f, number, at + f->unit, limit, &out->next);

    return err == TSR_OK ? TSR_E_MALFORMED : err;
}

tsr_err tsr_record_read(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t limit,
                        tsr_record *out)
{
    uint8_t header[TSR_RECORD_HEADER], seal[TSR_RECORD_SEAL];
    uint32_t sealed_len, crc;
    tsr_err err;

    *out = (tsr_record){ .at = at, .next = limit };
    if (limit - at < tsr_record_size(f, 0))
        return TSR_END;
    err = read_edges(f, at, header, seal);
    if (err != TSR_OK)
        return err;
    out->sealed = seal_valid(f, number, at, seal, &sealed_len) && fits(f, at, sealed_len, limit);
    if (!header_valid(f, number, at, header)) {
        if (!out->sealed)
            return end_or_damage(f, number, at, limit, out);
        out->next = at + tsr_record_size(f, sealed_len);
        return TSR_E_MALFORMED;
    }
    decode_fields(header, out);
    if (!fits(f, at, out->len, limit))
        return TSR_E_MALFORMED;
    out->known = true;
    out->next = at + tsr_record_size(f, out->len);
    err = tsr_record_checksum(f, tsr_record_value_at(f, at), out->len, &crc);
    if (err != TSR_OK)
        return err;
    out->value_ok = crc == out->value_crc;
    if (out->value_ok || out->sealed)
        return TSR_OK;
    return end_or_damage(f, number, at, limit, out);
}

tsr_err tsr_record_header(const tsr_flash *f, uint64_t number, uint32_t at, tsr_record *out)
{
    uint8_t header[TSR_RECORD_HEADER];
    tsr_err err = f->read(f->self, at, header, sizeof header);

    if (err != TSR_OK)
        return err;
    if (!header_valid(f, number, at, header))
        return TSR_E_MALFORMED;
    *out = (tsr_record){ .at = at, .known = true };
    decode_fields(header, out);
    return TSR_OK;
}

/* The geometry stands in the header, where it is found whatever the geometry is. */
tsr_record tsr_record_block(const tsr_flash *f, uint64_t number)
{
    uint32_t unit_log2 = 0;

    while (f->unit >> unit_log2 > 1)
        unit_log2++;
    return (tsr_record){
        .kind = TSR_RECORD_IS_BLOCK,
        .key = { .space = f->block, .uid = number },
        .flags = unit_log2 << 24 | f->size / f->block,
        .len = TSR_RECORD_BLOCK,
    };
}

tsr_err tsr_record_read_block(const tsr_flash *f, uint32_t physical, uint64_t *number,
                              uint8_t *value)
{
    uint8_t header[TSR_RECORD_HEADER];
    uint32_t at = physical * f->block;
    tsr_record r = { .at = at }, expected;
    tsr_err err = f->read(f->self, at, header, sizeof header);

    if (err != TSR_OK)
        return err;
    decode_fields(header, &r);
    if (!header_valid(f, r.key.uid, at, header) || r.kind != TSR_RECORD_IS_BLOCK ||
        r.len != TSR_RECORD_BLOCK || r.key.uid > NUMBER_MAX)
        return TSR_E_NOT_FOUND;
    expected = tsr_record_block(f, r.key.uid);
    if (r.key.space != expected.key.space || r.flags != expected.flags)
        return TSR_E_ARGUMENT;
    if (tsr_record_physical(r.key.uid, f->size / f->block) != physical)
        return TSR_E_NOT_FOUND;
    err = f->read(f->self, tsr_record_value_at(f, at), value, TSR_RECORD_BLOCK);
    if (err != TSR_OK)
        return err;
    if (tsr_crc32(0, value, TSR_RECORD_BLOCK) != r.value_crc)
        return TSR_E_NOT_FOUND;
    *number = r.key.uid;
    return TSR_OK;
}

/* Programs `len` bytes at a unit's edge, the last unit filled up with 0xff. */
static tsr_err program_padded(const tsr_flash *f, uint32_t at, const uint8_t *data, size_t len)
{
    uint8_t last[TSR_FLASH_UNIT_MAX];
    size_t whole = len & ~(size_t)(f->unit - 1);
    tsr_err err = whole > 0 ? f->program(f->self, at, data, whole) : TSR_OK;

    if (err != TSR_OK || whole == len)
        return err;
    memset(last, 0xff, f->unit);
    memcpy(last, data + whole, len - whole);
    err = f->program(f->self, at + (uint32_t)whole, last, f->unit);
    tsr_wipe(last, sizeof last);
    return err;
}

tsr_err tsr_record_write(const tsr_flash *f, uint64_t number, const tsr_record *r,
                         const void *value)
{
    uint8_t header[TSR_RECORD_HEADER];
    tsr_err err;

    encode_header(f, number, r, header);
    err = program_padded(f, r->at, header, sizeof header);
    if (err != TSR_OK || r->len == 0)
        return err;
    return program_padded(f, tsr_record_value_at(f, r->at), value, r->len);
}

tsr_err tsr_record_copy(const tsr_flash *f, uint64_t number, const tsr_record *r, uint32_t from)
{
    uint8_t chunk[TSR_RECORD_CHUNK];
    uint32_t to = tsr_record_value_at(f, r->at), source = tsr_record_value_at(f, from);
    tsr_err err;

    encode_header(f, number, r, chunk);
    err = program_padded(f, r->at, chunk, TSR_RECORD_HEADER);
    for (uint32_t done = 0; done < r->len && err == TSR_OK;) {
        uint32_t n = r->len - done < sizeof chunk ? r->len - done : (uint32_t)sizeof chunk;

        err = f->read(f->self, source + done, chunk, n);
        if (err == TSR_OK)
            err = program_padded(f, to + done, chunk, n);
        done += n;
    }
    tsr_wipe(chunk, sizeof chunk);
    return err;
}

tsr_err tsr_record_seal(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t len)
{
    uint8_t seal[TSR_RECORD_SEAL];

    encode_seal(f, number, at, len, seal);
    return program_padded(f, seal_at(f, at), seal, sizeof seal);
}

tsr_err tsr_record_scrub(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t len)
{
    uint8_t zeros[TSR_RECORD_CHUNK] = { 0 }; /* not in flash, where it would be all of this */
    uint8_t seal[TSR_RECORD_SEAL];
    uint32_t to = tsr_record_value_at(f, at), padded = round_up(len, f->unit), sealed_len;
    tsr_err err = TSR_OK;

    if (!f->overwrite || len == 0)
        return TSR_OK;
    err = f->read(f->self, seal_at(f, at), seal, sizeof seal);
    if (err != TSR_OK || !seal_valid(f, number, at, seal, &sealed_len))
        return err;
    for (uint32_t done = 0; done < padded && err == TSR_OK;) {
        uint32_t n = padded - done < sizeof zeros ? padded - done : (uint32_t)sizeof zeros;

        err = f->program(f->self, to + done, zeros, n);
        done += n;
    }
    return err;
}
