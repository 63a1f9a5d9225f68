/* SPDX-License-Identifier: Apache-2.0
 *
 * A file as block device: what the secure service keeps its store in on Linux.
 *
 * The file is written whole, with its directory synced, when it is made, so that later writes need
 * no space of the disk; sync is fdatasync. An exclusive lock keeps a second process out. */
#ifndef PORTS_LINUX_FLASH_FLASH_H
#define PORTS_LINUX_FLASH_FLASH_H

#include "secure/storage/flash.h"

#define TSR_FLASH_AHEAD 16384u /* bytes that are read at once where reading goes on in order */

typedef struct {
    tsr_flash flash;   /* hand &file->flash to the store; the struct must not move */
    const char *cause; /* after a failure: an English sentence, and the errno behind it */
    int cause_errno;
    /* private */
    int fd;
    uint32_t last_end; /* of the last read: one that goes on there is read ahead */
    uint32_t ahead_at, ahead_len;
    uint8_t ahead[TSR_FLASH_AHEAD];
} tsr_flash_file;

typedef struct {
    uint32_t size, block, unit; /* as in tsr_flash; 0: 1 MiB, 16 KiB, 8 bytes */
} tsr_flash_geometry;

/** Opens the file, or makes it (mode 0600) when there is none.
 *
 *  owner   `path` must outlive the file; it is the name in reports
 *  errors  TSR_E_SPACE   the disk is full; no partial file is left
 *          TSR_E_STATE   another process holds the file
 *          TSR_E_TYPE    its length is not that of the geometry
 *          TSR_E_DENIED  no permission
 *          TSR_E_IO      anything else; see cause and cause_errno */
tsr_err tsr_flash_file_open(tsr_flash_file *file, const char *path, tsr_flash_geometry geometry);

void tsr_flash_file_close(tsr_flash_file *file);

#endif
