/* SPDX-License-Identifier: Apache-2.0
 *
 * The log between records and the key-value interface: blocks in a ring, an index in memory.
 * Private to secure/storage. */
#ifndef SECURE_STORAGE_LOG_H
#define SECURE_STORAGE_LOG_H

#include "secure/storage/record.h"

/* Index: ordered by space, then uid. */
int tsr_store_compare(tsr_store_key a, tsr_store_key b);
tsr_store_entry *tsr_store_entry_of(const tsr_store *s, tsr_store_key key); /* or NULL */
/** The first entry whose key is not smaller; NULL: none. */
const tsr_store_entry *tsr_store_entry_from(const tsr_store *s, tsr_store_key key);
/* All entries, in no order; NULL where there is none. Who drops some goes from the last to the
 * first: entries behind the one that is dropped may move to the front. */
size_t tsr_store_slots(const tsr_store *s);
const tsr_store_entry *tsr_store_slot(const tsr_store *s, size_t i);
/** errors TSR_E_SPACE: the index is full */
tsr_err tsr_store_index_put(tsr_store *s, const tsr_record *r);
void tsr_store_index_drop(tsr_store *s, tsr_store_key key);

/* Geometry. */
uint32_t tsr_log_block_at(const tsr_store *s, uint64_t number);
uint64_t tsr_log_number_of(const tsr_store *s, uint32_t at);
/** Bytes of a block that values may fill: without its BLOCK record and a reserved TAIL record. */
uint32_t tsr_log_room(const tsr_flash *f);

/** Appends a SET or REMOVE record; on the medium and synced when TSR_OK is returned.
 *  The index is the caller's matter. */
tsr_err tsr_log_append(tsr_store *s, tsr_record *r, const void *value);

/** Empties the oldest block into the newest.
 *  errors  TSR_E_MALFORMED, TSR_E_IO, TSR_E_SPACE (of the device) */
tsr_err tsr_log_collect(tsr_store *s);

/** Makes the tail known to the next mount. */
tsr_err tsr_log_write_tail(tsr_store *s);

/** Opens block number head + 1. */
tsr_err tsr_log_open_block(tsr_store *s);

/** Notes damage; the first place stays. Returns TSR_E_MALFORMED. */
tsr_err tsr_log_damage(tsr_store *s, const char *cause, uint32_t at);

/** Notes that the device failed; further writes are refused. Returns `err`. */
tsr_err tsr_log_fail(tsr_store *s, tsr_err err);

#endif
