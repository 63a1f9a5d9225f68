/* SPDX-License-Identifier: Apache-2.0
 *
 * Where software lies: a directory of its own, one folder for each number.
 *
 *     DIR/3/part      a package on its way
 *     DIR/3/package   a whole one, found good
 *     DIR/3/app/      the software, as its package has it
 *     DIR/3/data/     its own; goes with it
 *
 * What takes several steps is made beside and put in place by one rename, synced before and after:
 * a power cut leaves the old or the new. No name of a package leads out of its folder. */
#ifndef PORTS_LINUX_SOFTWARE_STORE_H
#define PORTS_LINUX_SOFTWARE_STORE_H

#include "tessera/base/bytes.h"

enum { TSR_SOFTWARE_PATH = 256, TSR_SOFTWARE_FILES = 4096 /* of one package */ };

typedef struct {
    char path[TSR_SOFTWARE_PATH];
    uint32_t most; /* bytes of a package */
    /* private */
    int fd;
} tsr_software_store;

/** Makes the directory, if it is not there, and sees that it is ours alone.
 *  errors  TSR_E_IO  errno says why; TSR_E_DENIED  others may write there, or it is no directory */
tsr_err tsr_software_open(tsr_software_store *s, const char *path, uint32_t most);
void tsr_software_close(tsr_software_store *s);

/** An empty `part`.
 *  errors  (of all below) TSR_E_SPACE  the disk is full, or it is more than `most`; TSR_E_IO */
tsr_err tsr_software_begin(const tsr_software_store *s, uint16_t id);
tsr_err tsr_software_write(const tsr_software_store *s, uint16_t id, uint32_t offset,
                           tsr_bytes part);

/** A file of this number in memory, read only, until tsr_software_unmap(). `name` is "part" or
 *  "package".  errors  TSR_E_NOT_FOUND, TSR_E_SPACE, TSR_E_IO */
tsr_err tsr_software_map(const tsr_software_store *s, uint16_t id, const char *name,
                         tsr_bytes *content);
void tsr_software_unmap(tsr_bytes content);

/** `part` becomes `package`. */
tsr_err tsr_software_keep(const tsr_software_store *s, uint16_t id);

/** Puts the files of a bundle into `app`, in the place of what was there; all or nothing.
 *  errors  TSR_E_MALFORMED  no bundle, without a program `start`, or two files of one name */
tsr_err tsr_software_install(const tsr_software_store *s, uint16_t id, tsr_bytes bundle);

/** `part` and `package` go; with `app` everything. What is not there is gone already. */
tsr_err tsr_software_drop(const tsr_software_store *s, uint16_t id, bool app);

typedef struct {
    uint32_t part;  /* bytes; 0: none */
    bool package, app;
} tsr_software_stands;

/** What there is; remains of steps that were cut off go. */
void tsr_software_look(const tsr_software_store *s, uint16_t id, tsr_software_stands *stands);

#endif
