/* SPDX-License-Identifier: Apache-2.0
 *
 * A bundle: the files of one firmware version in one archive, as the slots of Linux hold it. The
 * archive is a ustar of POSIX.1-1988 with plain files (docs/WIRE.md). Reads memory, opens nothing. */
#ifndef PORTS_LINUX_BUNDLE_BUNDLE_H
#define PORTS_LINUX_BUNDLE_BUNDLE_H

#include "tessera/base/bytes.h"

enum {
    TSR_BUNDLE_BLOCK = 512,
    TSR_BUNDLE_NAME = 255, /* longest name with its directories */
};

/** A file of the bundle. */
typedef struct {
    char name[TSR_BUNDLE_NAME + 1]; /* "bin/tesserad": relative, without "." and ".." */
    uint32_t mode;                  /* permission bits, 0 to 0777 */
    tsr_bytes content;              /* within the archive */
} tsr_bundle_file;

/** Where a walk stands. Begin with { archive }. */
typedef struct {
    tsr_bytes rest;
} tsr_bundle;

/** The next plain file; directories are passed over.
 *
 *  source  POSIX.1-1988 ustar; docs/WIRE.md, "Bundle"
 *  owner   f->content lives as long as the archive
 *  errors  TSR_END            the archive's end (a block of zeros)
 *          TSR_E_MALFORMED    cut, a wrong checksum, or a number that is none
 *          TSR_E_DENIED       a name that leaves the bundle: absolute, or with ".."
 *          TSR_E_UNSUPPORTED  a link, a device, or a dialect other than ustar */
tsr_err tsr_bundle_next(tsr_bundle *b, tsr_bundle_file *f);

/** The file of that name.
 *  errors  TSR_E_NOT_FOUND  there is none; else those of tsr_bundle_next */
tsr_err tsr_bundle_find(tsr_bytes archive, const char *name, tsr_bundle_file *f);

/** Writes the head of a file of `len` bytes, its content to follow, padded to whole blocks. All
 *  that could differ from one machine to the next is zero: owner, time, names of users.
 *
 *  errors  TSR_E_ARGUMENT  a name that does not fit, or that tsr_bundle_next would refuse */
tsr_err tsr_bundle_put_head(tsr_buf *out, const char *name, uint32_t mode, uint64_t len);

/** Bytes of padding after a content of `len` bytes. */
static inline size_t tsr_bundle_padding(uint64_t len)
{
    return (size_t)((TSR_BUNDLE_BLOCK - len % TSR_BUNDLE_BLOCK) % TSR_BUNDLE_BLOCK);
}

#endif
