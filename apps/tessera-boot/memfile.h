/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed files in memory: what was verified and measured is what runs, since nobody can change it
 * in between. */
#ifndef APPS_TESSERA_BOOT_MEMFILE_H
#define APPS_TESSERA_BOOT_MEMFILE_H

#include "tessera/base/bytes.h"

/** An empty file in memory, close-on-exec. -1: errno says why. */
int memfile_new(const char *name, bool program);

/** Appends a part of a file. false: errno; EIO when the file is shorter. */
bool memfile_fill(int fd, int from, uint64_t at, uint64_t len);

/** A sealed copy of a file by its path. -1: errno. */
int memfile_load(const char *name, bool program, const char *path);

/** A sealed file with this content. -1: errno. */
int memfile_of(const char *name, bool program, tsr_bytes content);

/** Back to its beginning, and no write, no growth, no shrinking and no unsealing from now on. */
bool memfile_seal(int fd);

/** Its content, mapped for reading; munmap(ptr, len). NULL: errno, or it is empty. */
tsr_bytes memfile_map(int fd);

#endif
