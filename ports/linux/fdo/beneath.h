/* SPDX-License-Identifier: Apache-2.0
 *
 * Files below a root, named by somebody who is not trusted to stay there. A name is relative; it has
 * no "..", and no part of it may be a symbolic link. What is written becomes the file at once, when
 * all of it is there. */
#ifndef PORTS_LINUX_FDO_BENEATH_H
#define PORTS_LINUX_FDO_BENEATH_H

#include "psa/crypto.h"
#include "tessera/base/bytes.h"

enum { TSR_BENEATH_NAME = 512, TSR_BENEATH_SHA384 = 48 };

/** Opens a file to read.
 *
 *  units   *len: bytes of the file, which must be a plain one
 *  errors  TSR_E_DENIED     the name leads out of the root, through a link, or to no plain file
 *          TSR_E_NOT_FOUND  there is none; TSR_E_IO  errno says why */
tsr_err tsr_beneath_read(const char *root, tsr_bytes name, int *fd, uint64_t *len);

/** A file on its way. Zeroed memory with fd -1 holds none. */
typedef struct {
    /* private */
    int folder, fd;
    char name[TSR_BENEATH_NAME]; /* within its folder */
    char temporary[32];
    uint64_t len, most;
    psa_hash_operation_t hash;
} tsr_beneath_file;

void tsr_beneath_init(tsr_beneath_file *f);

/** Begins to write beside what may be there; an earlier one is given up. Folders of the name must be
 *  there.
 *  errors  as above; TSR_E_SPACE  the name is too long; TSR_E_CRYPTO */
tsr_err tsr_beneath_begin(tsr_beneath_file *f, const char *root, tsr_bytes name, uint64_t most);

/** errors  TSR_E_SPACE  more than `most`; TSR_E_IO, TSR_E_CRYPTO, TSR_E_STATE (none is begun) */
tsr_err tsr_beneath_write(tsr_beneath_file *f, tsr_bytes data);

/** Puts it in its place: synced, renamed, folder synced. Whatever comes back, it is over.
 *
 *  sha384  what it must hash to; empty: not told
 *  errors  TSR_E_CRYPTO  another hash; TSR_E_IO */
tsr_err tsr_beneath_commit(tsr_beneath_file *f, tsr_bytes sha384);

/** Takes back what was written. Harmless when none is begun. */
void tsr_beneath_drop(tsr_beneath_file *f);

static inline bool tsr_beneath_open(const tsr_beneath_file *f) { return f->fd >= 0; }

#endif
