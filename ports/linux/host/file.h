/* SPDX-License-Identifier: Apache-2.0
 *
 * The state directory: whole files, each replaced at once and checked when it is read. */
#ifndef PORTS_LINUX_HOST_FILE_H
#define PORTS_LINUX_HOST_FILE_H

#include "tessera/base/bytes.h"

/** Makes the directory (mode 0700, one level) if it is not there, and sees that it is ours alone.
 *  errors  TSR_E_IO  errno says why; TSR_E_DENIED  others may write there, or it is no directory */
tsr_err tsr_host_directory(const char *path);

/** Puts `content` in the place of directory/name: written beside it, synced, renamed, directory
 *  synced. A power cut leaves the old or the new content.
 *  errors  TSR_E_IO  errno says why (ENOSPC: the disk is full); the old content stays */
tsr_err tsr_host_store(const char *directory, const char *name, tsr_bytes content);

/** Reads it back.
 *  errors  TSR_E_NOT_FOUND  there is none
 *          TSR_E_MALFORMED  it is not as it was stored: cut short, or with other bytes
 *          TSR_E_SPACE      `content` is too small; TSR_E_IO */
tsr_err tsr_host_load(const char *directory, const char *name, tsr_buf *content);

/** Moves a damaged file aside, to name.damaged, for whoever wants to look at it. */
void tsr_host_set_aside(const char *directory, const char *name);

#endif
