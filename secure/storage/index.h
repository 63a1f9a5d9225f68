/* SPDX-License-Identifier: Apache-2.0
 *
 * What index.c asks of the way entries lie in memory: index_young.c or index_small.c, which also
 * have tsr_store_entry_of(), _entry_from(), _slots(), _slot() (log.h), _used_by() and _count_by()
 * (store.h). Private to the index. */
#ifndef SECURE_STORAGE_INDEX_H
#define SECURE_STORAGE_INDEX_H

#include "secure/storage/log.h"

/** The first of `count` sorted entries whose key is not smaller. */
size_t tsr_index_lower(const tsr_store_entry *part, size_t count, tsr_store_key key);

/** A place for a key that is not there; s->count does not have it yet, and is below index_cap. */
tsr_store_entry *tsr_index_insert(tsr_store *s, tsr_store_key key);

/** Takes an entry out; s->count still has it. */
void tsr_index_delete(tsr_store *s, tsr_store_entry *e);

/** A space holds `add` bytes more and `take` fewer; one asset more where take is 0, one fewer where
 *  add is. */
void tsr_index_moved(tsr_store *s, uint32_t space, uint32_t add, uint32_t take);

#endif
