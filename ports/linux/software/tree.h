/* SPDX-License-Identifier: Apache-2.0
 *
 * Trees of files below an open directory, by names of one part. */
#ifndef PORTS_LINUX_SOFTWARE_TREE_H
#define PORTS_LINUX_SOFTWARE_TREE_H

#include "tessera/base/bytes.h"

/** Makes the directory `name`, which is not there, from a bundle, and syncs it.
 *  errors  as tsr_software_install(); what was made before one stays */
tsr_err tsr_tree_unpack(int dir, const char *name, tsr_bytes bundle);

/** `from` takes the place of `to`, and the other way round if that is there; durable.
 *  errors  TSR_E_IO  errno says why */
tsr_err tsr_tree_swap(int dir, const char *from, const char *to);

/** Removes a file, or a directory with all that is in it. Follows no link. */
void tsr_tree_remove(int dir, const char *name);

/** How much is left of `most` bytes when what lies below a folder is taken from it, each name with 4,096
 *  at least; 0: nothing. What is removed meanwhile counts or not. What hides is too much: a folder that
 *  cannot be looked into, or is deeper than 64. */
uint64_t tsr_tree_measure(int dir, uint64_t most);

#endif
