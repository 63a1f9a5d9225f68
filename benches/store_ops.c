/* SPDX-License-Identifier: Apache-2.0
 *
 * store_ops set FILE N     N acknowledged sets of 100 bytes over 50 keys, in a file
 * store_ops floor FILE N   N times the least that durability costs: pwrite of as many bytes,
 * fdatasync store_ops memory N       N sets and gets on a device in memory, for callgrind
 * (set_once, get_once) store_ops mount FILE     time to find the newest state of a file that `set`
 * left Prints name=value pairs; exit 1 on a wrong result. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/flash/flash.h"
#include "secure/storage/store.h"

enum { KEYS = 50, LEN = 100, VALUE_MAX = 2048, MEMORY = 1 << 18 };

tsr_err set_once(tsr_store *s, uint32_t i);
tsr_err get_once(tsr_store *s, uint32_t i);

static tsr_err (*volatile set)(tsr_store *, uint32_t) = set_once;
static tsr_err (*volatile get)(tsr_store *, uint32_t) = get_once;
static tsr_store_entry entries[256];
static uint8_t memory[MEMORY];

__attribute__((noinline)) tsr_err set_once(tsr_store *s, uint32_t i)
{
    uint8_t value[LEN];

    memset(value, (int)(i & 0xff), sizeof value);
    return tsr_store_set(s, (tsr_store_key){ 1, i % KEYS + 1 }, 0, tsr_view(value, sizeof value));
}

__attribute__((noinline)) tsr_err get_once(tsr_store *s, uint32_t i)
{
    uint8_t value[LEN];
    size_t len;
    tsr_err err = tsr_store_get(s, (tsr_store_key){ 1, i % KEYS + 1 }, 0, value, LEN, &len);

    return err == TSR_OK && len == LEN && value[7] == (uint8_t)i ? TSR_OK : TSR_E_MALFORMED;
}

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static tsr_err mount(tsr_store *s, const tsr_flash *flash)
{
    tsr_err err = tsr_store_mount(s, flash, entries, 256, VALUE_MAX);

    if (err == TSR_E_NOT_FOUND)
        err = tsr_store_format(flash);
    else
        return err;
    return err != TSR_OK ? err : tsr_store_mount(s, flash, entries, 256, VALUE_MAX);
}

static int sets_in_file(const char *path, uint32_t n)
{
    tsr_flash_file file;
    tsr_store store;
    double start;

    if (tsr_flash_file_open(&file, path, (tsr_flash_geometry){ 0 }) != TSR_OK ||
        mount(&store, &file.flash) != TSR_OK)
        return 1;
    start = seconds();
    for (uint32_t i = 0; i < n; i++) {
        if (set(&store, i) != TSR_OK)
            return 1;
    }
    (void)printf("us_per_set=%.2f\n", (seconds() - start) * 1e6 / n);
    tsr_flash_file_close(&file);
    return 0;
}

static int mount_file(const char *path)
{
    tsr_flash_file file;
    tsr_store store;
    double start;

    if (tsr_flash_file_open(&file, path, (tsr_flash_geometry){ 0 }) != TSR_OK)
        return 1;
    start = seconds();
    if (tsr_store_mount(&store, &file.flash, entries, 256, VALUE_MAX) != TSR_OK)
        return 1;
    (void)printf("ms_per_mount=%.3f\n", (seconds() - start) * 1e3);
    tsr_flash_file_close(&file);
    return 0;
}

static int floor_in_file(const char *path, uint32_t n)
{
    uint8_t block[152] = { 1 };
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    double start;

    if (fd < 0)
        return 1;
    for (unsigned i = 0; i < 1 << 20; i += sizeof block) { /* the same length, already there */
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
            return 1;
    }
    if (fsync(fd) != 0)
        return 1;
    start = seconds();
    for (uint32_t i = 0; i < n; i++) {
        if (pwrite(fd, block, sizeof block, (off_t)((size_t)i * sizeof block % 1000000)) !=
                (ssize_t)sizeof block ||
            fdatasync(fd) != 0)
            return 1;
    }
    (void)printf("us_per_set=%.2f\n", (seconds() - start) * 1e6 / n);
    return close(fd);
}

static tsr_err memory_read(void *self, uint32_t at, void *data, size_t len)
{
    (void)self;
    memcpy(data, memory + at, len);
    return TSR_OK;
}

static tsr_err memory_program(void *self, uint32_t at, const void *data, size_t len)
{
    (void)self;
    memcpy(memory + at, data, len);
    return TSR_OK;
}

static tsr_err memory_erase(void *self, uint32_t at)
{
    (void)self;
    memset(memory + at, 0xff, 16384);
    return TSR_OK;
}

static tsr_err memory_sync(void *self)
{
    (void)self;
    return TSR_OK;
}

static int in_memory(uint32_t n)
{
    const tsr_flash flash = { memory_read, memory_program, memory_erase, memory_sync, NULL,
                              "memory",    MEMORY,         16384,        8,           true };
    tsr_store store;

    memset(memory, 0xff, sizeof memory);
    if (mount(&store, &flash) != TSR_OK)
        return 1;
    for (uint32_t i = 0; i < n; i++) {
        if (set(&store, i) != TSR_OK || get(&store, i) != TSR_OK)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "set") == 0)
        return sets_in_file(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "floor") == 0)
        return floor_in_file(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "mount") == 0)
        return mount_file(argv[2]);
    if (argc == 3 && strcmp(argv[1], "memory") == 0)
        return in_memory((uint32_t)strtoul(argv[2], NULL, 10));
    return 2;
}
