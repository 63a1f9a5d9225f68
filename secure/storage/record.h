/* SPDX-License-Identifier: Apache-2.0
 *
 * One record on the medium: header, seal, value (docs/WIRE.md, "Store format, byte by byte").
 * Private to secure/storage. */
#ifndef SECURE_STORAGE_RECORD_H
#define SECURE_STORAGE_RECORD_H

#include "secure/storage/store.h"

#define TSR_RECORD_HEADER 32u
#define TSR_RECORD_SEAL   8u
#define TSR_RECORD_BLOCK  12u /* length of the value of a BLOCK record */
#define TSR_RECORD_CHUNK  256u

typedef enum {
    TSR_RECORD_IS_BLOCK = 1, /* first in every block; uid is the block's number */
    TSR_RECORD_IS_SET = 2,
    TSR_RECORD_IS_REMOVE = 3,
    TSR_RECORD_IS_TAIL = 4, /* blocks before number uid are no longer needed */
} tsr_record_kind;

typedef struct {
    uint8_t kind;
    tsr_store_key key;
    uint32_t flags, len;
    uint32_t value_crc;
    uint32_t at, next; /* absolute offsets of this record and of the one behind it */
    bool known;        /* key, flags and len can be trusted */
    bool sealed;
    bool value_ok;
} tsr_record;

/** The physical place of block `number`, of `blocks` (below 2^24). */
uint32_t tsr_record_physical(uint64_t number, uint32_t blocks);

/* Where things are, from the device's unit. */
uint32_t tsr_record_value_at(const tsr_flash *f, uint32_t at);
uint32_t tsr_record_size(const tsr_flash *f, uint32_t len);

/** Reads the record at `at` in the block with this number, and verifies its value.
 *
 *  units   `limit`: absolute end of the block
 *  errors  TSR_END          nothing was ever completed from here to the end of the block (it is
 *                           erased, or holds what a power cut left of an unfinished write)
 *          TSR_E_MALFORMED  damage; out->known and out->next tell what can be said about it
 *          TSR_E_IO         the device cannot be read
 *  A value that does not match, in a record that was complete, is no error here:
 *  out->value_ok is false, and only the caller knows whether a later record replaces it. */
tsr_err tsr_record_read(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t limit,
                        tsr_record *out);

/** Reads and verifies only the header of a record that is known to begin at `at`.
 *  errors  TSR_E_MALFORMED  it does not match; TSR_E_IO */
tsr_err tsr_record_header(const tsr_flash *f, uint64_t number, uint32_t at, tsr_record *out);

/** A BLOCK record for this geometry; the rest is the caller's to fill in. */
tsr_record tsr_record_block(const tsr_flash *f, uint64_t number);

/** Reads and verifies only the BLOCK record of a physical block, whatever its number.
 *  units   value receives TSR_RECORD_BLOCK bytes
 *  errors  TSR_E_NOT_FOUND  there is none
 *          TSR_E_ARGUMENT   it was made with another geometry; TSR_E_IO */
tsr_err tsr_record_read_block(const tsr_flash *f, uint32_t physical, uint64_t *number,
                              uint8_t *value);

/** Looks for any complete record of this block number from `at` on.
 *  errors  TSR_END  none; TSR_E_IO */
tsr_err tsr_record_find(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t limit,
                        uint32_t *found);

/** Checksum of a value on the medium. errors TSR_E_IO */
tsr_err tsr_record_checksum(const tsr_flash *f, uint32_t value_at, uint32_t len, uint32_t *crc);

/** Programs header and value; the record counts from the next sync on. errors of program */
tsr_err tsr_record_write(const tsr_flash *f, uint64_t number, const tsr_record *r,
                         const void *value);

/** Programs header and value, the latter from another place of the device. */
tsr_err tsr_record_copy(const tsr_flash *f, uint64_t number, const tsr_record *r, uint32_t from);

/** Programs the seal of a record that a sync has completed. */
tsr_err tsr_record_seal(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t len);

/** Overwrites a value that no longer counts, where the device allows it. A record without a seal
 *  is left alone: nobody could tell it from an unfinished write afterwards. */
tsr_err tsr_record_scrub(const tsr_flash *f, uint64_t number, uint32_t at, uint32_t len);

#endif
