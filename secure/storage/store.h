/* SPDX-License-Identifier: Apache-2.0
 *
 * A key-value store as a log on a block device (docs/WIRE.md, "Store format, byte by byte").
 *
 * The blocks form a ring. Records are appended to the newest block; the oldest block is emptied
 * into the newest and then erased, so all blocks wear alike and a removal needs no clean-up of its
 * own. A set or remove has happened when its record is complete on the medium, and not before;
 * whatever moment the power fails at, the old or the new content is found, never a third.
 *
 * The index lives in memory that the caller hands in: one entry per key. */
#ifndef SECURE_STORAGE_STORE_H
#define SECURE_STORAGE_STORE_H

#include "secure/storage/flash.h"

/** Who owns a value (a client, or a service of the secure world) and its number there. */
typedef struct {
    uint32_t space;
    uint64_t uid;
} tsr_store_key;

typedef struct { /* private: one key and where its record begins */
    tsr_store_key key;
    uint32_t at, len;
    uint32_t flags;
    bool bad; /* seen while mounting: the newest record is damaged */
} tsr_store_entry;

#define TSR_STORE_SUMS 4u

typedef struct { /* private: what the keys of a space take */
    uint32_t space, bytes, assets;
    bool known;
} tsr_store_sum;

/** What is wrong with a medium; filled by mount, get and collect. */
typedef struct {
    const char *name;   /* the file or partition (tsr_flash.name) */
    const char *cause;  /* an English sentence; NULL: nothing is wrong */
    const char *remedy; /* what the operator can do */
    uint32_t at;        /* offset in bytes of the first damage */
    uint32_t damaged;   /* how many places; after a repair: how many records are lost */
} tsr_store_report;

typedef struct {
    size_t len;     /* bytes of the value */
    uint32_t flags; /* as given to set */
} tsr_store_info;

typedef struct {
    tsr_store_report report; /* readable at any time */
    /* private */
    const tsr_flash *flash;
    tsr_store_entry *index;
    size_t count, index_cap;
    size_t main, young, dead; /* parts of the index, see index.c */
    tsr_store_sum sums[TSR_STORE_SUMS];
    uint32_t value_max;
    uint32_t blocks;
    uint32_t live;       /* bytes of all records that count */
    uint64_t head, tail; /* numbers of the newest and the oldest block */
    uint64_t tail_known; /* the tail that a mount would find */
    uint32_t end;        /* where the next record goes in the head */
    uint32_t sealed;     /* records of the head before this are sealed */
    bool closed;         /* the head takes no more records */
    bool failed;         /* the medium failed: reads only, until mounted again */
} tsr_store;

/** Makes an empty store; whatever was there is gone.
 *
 *  errors  TSR_E_ARGUMENT  a geometry with fewer than 3 blocks, or blocks too small for a record
 *          TSR_E_IO, TSR_E_SPACE  from the device */
tsr_err tsr_store_format(const tsr_flash *flash);

/** Finds the newest state on the device and builds the index. Writes nothing.
 *  Cost: every block in use is read once.
 *
 *  units   value_max in bytes: no longer value is accepted or was ever stored
 *  owner   `flash` and `index` belong to the caller and must outlive the store
 *  errors  TSR_E_NOT_FOUND   the device is blank: call tsr_store_format
 *          TSR_E_MALFORMED   damage that a power cut cannot explain; s->report says where, and
 *                            that tsr_store_repair keeps what is readable
 *          TSR_E_SPACE       more keys than index_cap
 *          TSR_E_ARGUMENT    geometry, or value_max does not fit a block
 *          TSR_E_IO          the device cannot be read */
tsr_err tsr_store_mount(tsr_store *s, const tsr_flash *flash, tsr_store_entry *index,
                        size_t index_cap, size_t value_max);

/** As mount, but keeps every readable record of a damaged store and rewrites the log without the
 *  damage. A key whose newest record is lost may come back with older content or be absent.
 *  s->report.damaged tells how many records were lost. errors as mount, except TSR_E_MALFORMED,
 *  which here means that no block is recognised at all. */
tsr_err tsr_store_repair(tsr_store *s, const tsr_flash *flash, tsr_store_entry *index,
                         size_t index_cap, size_t value_max);

/** Creates or replaces a value; durable when TSR_OK is returned. On failure the old value stays
 *  what get returns; after TSR_E_IO the next mount finds the old or the new one.
 *
 *  units   flags are the caller's own, kept with the value
 *  note    a replacement needs room for the old and the new value at the same time
 *  errors  TSR_E_ARGUMENT   longer than value_max
 *          TSR_E_SPACE      the store (tsr_store_capacity) or the index is full
 *          TSR_E_IO         the device failed; only reads until the store is mounted again
 *          TSR_E_MALFORMED  damage found while collecting, see s->report; only reads as well */
tsr_err tsr_store_set(tsr_store *s, tsr_store_key key, uint32_t flags, tsr_bytes value);

/** Reads `cap` bytes at most from `offset` on. The whole value is verified each time.
 *
 *  units   *len: bytes written to `out`; 0 when offset is the value's length
 *  errors  TSR_E_NOT_FOUND  no such key
 *          TSR_E_TYPE       offset beyond the value's length
 *          TSR_E_MALFORMED  the value is damaged; `out` is wiped; s->report says where
 *          TSR_E_IO         the device cannot be read */
tsr_err tsr_store_get(tsr_store *s, tsr_store_key key, size_t offset, void *out, size_t cap,
                      size_t *len);

/** errors TSR_E_NOT_FOUND */
tsr_err tsr_store_info_of(const tsr_store *s, tsr_store_key key, tsr_store_info *info);

/** Forgets a key; durable when TSR_OK is returned. Always possible, also in a full store.
 *  errors  TSR_E_NOT_FOUND, TSR_E_IO, TSR_E_MALFORMED (as set) */
tsr_err tsr_store_remove(tsr_store *s, tsr_store_key key);

/** Steps through the keys of one space in ascending order: start with *uid = 0 and
 *  continue with the last uid + 1. *uid receives the first uid that is not smaller.
 *  errors  TSR_END  none left */
tsr_err tsr_store_next(const tsr_store *s, uint32_t space, uint64_t *uid);

/** Bytes on the medium that a value of `len` bytes takes. */
uint32_t tsr_store_footprint(const tsr_store *s, size_t len);

/** Bytes (in footprints) that certainly fit, whatever the history, and those in use. */
uint32_t tsr_store_capacity(const tsr_store *s);
uint32_t tsr_store_used(const tsr_store *s);
uint32_t tsr_store_used_by(tsr_store *s, uint32_t space);

/** Values of one space, and how many of them an owner may have who may use `quota` bytes (0: no
 *  limit): as large a part of the index as the quota is of the bytes, and no less than a quarter.
 *  Without it small values use up the index long before the bytes. */
uint32_t tsr_store_count_by(tsr_store *s, uint32_t space);
uint32_t tsr_store_share(const tsr_store *s, uint32_t quota);

#endif
