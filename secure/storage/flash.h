/* SPDX-License-Identifier: Apache-2.0
 *
 * The block device below the store: a table of four calls. Back ends: a file (ports/linux/flash),
 * on-chip flash, and in the tests RAM and a device that fails where it is told to.
 *
 * What the store relies on:
 *   - erase makes all bytes of one block 0xff; program writes bytes of an erased area once;
 *   - what was programmed or erased before a sync that succeeded survives a power cut;
 *   - whatever came after the last sync may be there wholly, in part, as rubbish, or not at all,
 *     each call on its own and in no order;
 *   - a power cut does not harm bytes outside the areas that were being programmed or erased. */
#ifndef SECURE_STORAGE_FLASH_H
#define SECURE_STORAGE_FLASH_H

#include "tessera/base/bytes.h"

#define TSR_FLASH_UNIT_MAX 256u

typedef struct {
    /** Reads; `at + len` never exceeds `size`. errors TSR_E_IO */
    tsr_err (*read)(void *self, uint32_t at, void *data, size_t len);
    /** Programs whole units; `at` and `len` are multiples of `unit`.
     *  errors  TSR_E_IO     the medium refused
     *          TSR_E_SPACE  the host's disk is full */
    tsr_err (*program)(void *self, uint32_t at, const void *data, size_t len);
    /** Erases the block that begins at `at`. errors as program */
    tsr_err (*erase)(void *self, uint32_t at);
    /** Returns when all of the above has reached the medium. errors as program */
    tsr_err (*sync)(void *self);

    void *self;
    const char *name; /* for reports: the file's path, or the name of the partition */
    uint32_t size;    /* bytes; a multiple of `block` */
    uint32_t block;   /* bytes that one erase covers; a multiple of `unit` */
    uint32_t unit;    /* smallest area that is programmed; a power of two, 1 to 256 */
    bool overwrite;   /* a programmed area may be programmed again with zeros: old values are
                         then wiped at once; else they stay until their block is erased */
} tsr_flash;

#endif
