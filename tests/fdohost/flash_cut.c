/* SPDX-License-Identifier: Apache-2.0
 *
 * The secure service's files lose their power at the operation that TESSERA_CUT_AT names, counted over all of
 * them from the start of the process. What was not synced is there then wholly, in part, as rubbish or not at
 * all, each write on its own, as secure/storage/flash.h says; and the process is gone. Linked into
 * tessera-secured by --wrap=tsr_flash_file_open. */
#include "ports/linux/flash/flash.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES = 4, CUT = 77 /* exit code */ };

typedef struct {
    uint32_t at;
    size_t len;
    uint8_t *before, *data; /* what was there, what was to be there */
} write_op;

typedef struct {
    tsr_flash inner;
    write_op *pending;
    size_t count, cap;
} cutter;

static cutter cutters[FILES];
static size_t used;
static uint64_t operations, cut_at = UINT64_MAX, random_state = 88172645463325252u;

static uint32_t dice(void) /* xorshift64* */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 32);
}

static void remember(cutter *c, uint32_t at, const void *data, size_t len)
{
    write_op *op;

    if (c->count == c->cap) {
        c->cap = 2 * c->cap + 16;
        c->pending = realloc(c->pending, c->cap * sizeof *c->pending);
    }
    if (c->pending == NULL)
        abort();
    op = &c->pending[c->count++];
    *op = (write_op){ at, len, malloc(len), malloc(len) };
    if (op->before == NULL || op->data == NULL || c->inner.read(c->inner.self, at, op->before, len) != TSR_OK)
        abort();
    if (data != NULL)
        memcpy(op->data, data, len);
    else
        memset(op->data, 0xff, len);
}

static void forget(cutter *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->pending[i].before);
        free(c->pending[i].data);
    }
    c->count = 0;
}

/* A piece may have arrived, from its beginning or its end, or with bits on their way. */
static void land(cutter *c, const write_op *op)
{
    uint32_t how = dice() % 5;
    size_t part = op->len > 0 ? dice() % op->len : 0;

    if (c->inner.read(c->inner.self, op->at, op->before, op->len) != TSR_OK)
        abort();
    for (size_t i = 0; i < op->len; i++) {
        if (how == 0 || (how == 1 && i < part) || (how == 2 && i >= part))
            op->before[i] = op->data[i];
        else if (how == 3)
            op->before[i] ^= (uint8_t)((op->before[i] ^ op->data[i]) & dice());
    }
    (void)c->inner.program(c->inner.self, op->at, op->before, op->len);
}

static void power_cut(void)
{
    for (size_t f = 0; f < used; f++) {
        cutter *c = &cutters[f];

        for (size_t i = c->count; i-- > 0;)
            (void)c->inner.program(c->inner.self, c->pending[i].at, c->pending[i].before, c->pending[i].len);
        for (size_t i = 0; i < c->count; i++)
            land(c, &c->pending[i]);
        (void)c->inner.sync(c->inner.self);
    }
    (void)!write(STDERR_FILENO, "power cut\n", 10);
    _exit(CUT);
}

static void operate(void)
{
    if (operations++ == cut_at)
        power_cut();
}

static tsr_err cut_read(void *self, uint32_t at, void *data, size_t len)
{
    const cutter *c = self;

    return c->inner.read(c->inner.self, at, data, len);
}

static tsr_err cut_program(void *self, uint32_t at, const void *data, size_t len)
{
    cutter *c = self;

    remember(c, at, data, len);
    operate();
    return c->inner.program(c->inner.self, at, data, len);
}

static tsr_err cut_erase(void *self, uint32_t at)
{
    cutter *c = self;

    remember(c, at, NULL, c->inner.block);
    operate();
    return c->inner.erase(c->inner.self, at);
}

static tsr_err cut_sync(void *self)
{
    cutter *c = self;
    tsr_err err;

    operate();
    err = c->inner.sync(c->inner.self);
    if (err == TSR_OK)
        forget(c);
    return err;
}

static void read_environment(void)
{
    const char *at = getenv("TESSERA_CUT_AT"), *seed = getenv("TESSERA_CUT_SEED");

    if (at != NULL)
        cut_at = strtoull(at, NULL, 10);
    if (seed != NULL)
        random_state += strtoull(seed, NULL, 10) * 2654435761u;
}

tsr_err __real_tsr_flash_file_open(tsr_flash_file *file, const char *path, tsr_flash_geometry geometry);
tsr_err __wrap_tsr_flash_file_open(tsr_flash_file *file, const char *path, tsr_flash_geometry geometry);

tsr_err __wrap_tsr_flash_file_open(tsr_flash_file *file, const char *path, tsr_flash_geometry geometry)
{
    tsr_err err = __real_tsr_flash_file_open(file, path, geometry);
    cutter *c = &cutters[used];

    if (err != TSR_OK)
        return err;
    if (used == 0)
        read_environment();
    if (used == FILES)
        abort();
    used++;
    c->inner = file->flash;
    file->flash.self = c;
    file->flash.read = cut_read;
    file->flash.program = cut_program;
    file->flash.erase = cut_erase;
    file->flash.sync = cut_sync;
    return TSR_OK;
}
