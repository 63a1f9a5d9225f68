/* SPDX-License-Identifier: Apache-2.0
 *
 * The secure service's store: one file in a directory that nobody else may read. */
#ifndef PORTS_LINUX_SECURED_STORE_H
#define PORTS_LINUX_SECURED_STORE_H

#include "ports/linux/flash/flash.h"
#include "secure/storage/its.h"

#define TSR_SECURED_ASSETS    16384u
#define TSR_SECURED_ASSET_MAX 8192u /* bytes of one asset or key */

typedef struct {
    tsr_store store;
    tsr_its its;
    /* private */
    const char *told; /* the last damage that was logged */
    tsr_flash_file file;
    char path[4096];
    tsr_store_entry index[TSR_SECURED_ASSETS];
} tsr_secured_store;

/** Opens DIR/store.tsr, or makes it. A failure is logged with the file, the cause and the remedy.
 *
 *  units   dir: at most 4,000 bytes; made (0700) when its parent is there and it is not
 *  owner   the struct must not move
 *  errors  TSR_E_DENIED     others may read the directory or the file, or it belongs to another
 *          TSR_E_MALFORMED  damage; `repair` keeps what is readable
 *          any error of tsr_flash_file_open and tsr_store_mount */
tsr_err tsr_secured_store_open(tsr_secured_store *s, const char *dir, bool repair);

/** What a store's file is made with: 4 MiB in blocks of 32 KiB. One of 1 MiB that is there already
 *  was made by an earlier version, in blocks of 16 KiB. */
tsr_flash_geometry tsr_secured_geometry(const char *path);

/** Logs damage or a failure of the medium that a call came upon, once. */
void tsr_secured_store_watch(tsr_secured_store *s);

void tsr_secured_store_close(tsr_secured_store *s);

#endif
