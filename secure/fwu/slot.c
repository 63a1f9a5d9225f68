/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/fwu/internal.h"

#define CHUNK 256u

uint32_t tsr_fwu_capacity(const tsr_flash *slot)
{
    uint32_t blocks = (TSR_FWU_MANIFEST_MAX + slot->block - 1) / slot->block;

    return slot->size - blocks * slot->block;
}

/* From the end, so that a file may be cut off block by block instead of being written. */
tsr_err tsr_fwu_erase(const tsr_flash *slot, uint32_t at)
{
    tsr_err err = TSR_OK;

    for (uint32_t end = slot->size; err == TSR_OK && end > at; end -= slot->block)
        err = slot->erase(slot->self, end - slot->block);
    return err == TSR_OK ? slot->sync(slot->self) : err;
}

static bool all_ff(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != 0xff)
            return false;
    return true;
}

/* One unit at least, all of the same fate. */
static tsr_err program_some(const tsr_flash *slot, uint32_t at, const uint8_t *want, size_t len)
{
    uint8_t there[CHUNK];
    tsr_err err = slot->read(slot->self, at, there, len);

    if (err != TSR_OK)
        return err;
    if (memcmp(there, want, len) == 0)
        return TSR_OK; /* a part that came twice, or one that is all 0xff */
    if (all_ff(there, len))
        return slot->program(slot->self, at, want, len);
    return TSR_E_EXISTS;
}

/* A chunk that has both, from an interrupted call, goes unit by unit. */
static tsr_err program_chunk(const tsr_flash *slot, uint32_t at, const uint8_t *want, size_t len)
{
    tsr_err err = program_some(slot, at, want, len);

    if (err != TSR_E_EXISTS)
        return err;
    err = TSR_OK;
    for (size_t i = 0; err == TSR_OK && i < len; i += slot->unit)
        err = program_some(slot, at + (uint32_t)i, want + i, slot->unit);
    return err;
}

tsr_err tsr_fwu_program(const tsr_flash *slot, bool rewrite, uint32_t at, tsr_bytes bytes)
{
    uint8_t chunk[CHUNK];
    tsr_err err = TSR_OK;

    if (rewrite && slot->unit == 1)
        return slot->program(slot->self, at, bytes.ptr, bytes.len);
    while (err == TSR_OK && bytes.len > 0) {
        size_t part = bytes.len < CHUNK ? bytes.len : CHUNK;
        size_t whole = (part + slot->unit - 1) / slot->unit * slot->unit;

        memset(chunk, 0xff, sizeof chunk);
        memcpy(chunk, bytes.ptr, part);
        err = rewrite ? slot->program(slot->self, at, chunk, whole)
                      : program_chunk(slot, at, chunk, whole);
        at += (uint32_t)whole;
        bytes = tsr_skip(bytes, part);
    }
    return err;
}
