/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder that an owner may write to on a device, and what must not change around it: for the fuzzers of
 * the modules that do. In memory (/dev/shm). */
#ifndef FUZZ_FDO_FOLDER_H
#define FUZZ_FDO_FOLDER_H

#include "fuzz/fuzz.h"
#include "tests/fdohost/folder.h"

enum { FDO_FILE_MAX = 300 };

#define FDO_FOLDER_LONG "a file that an owner may ask for, in blocks if there is no room for it"

/** root/f, root/sub/long, and two links that lead out. */
static inline void fdo_folder_make(folder *here)
{
    char path[256];

    folder_make(here);
    folder_write(here, "root/f", "content");
    folder_write(here, "root/sub/long", FDO_FOLDER_LONG);
    folder_path(here, "root/up", path);
    must(symlink("..", path) == 0);
    folder_path(here, "root/way", path);
    must(symlink("../secret", path) == 0);
}

/* What was written goes again, and was no longer than it may be. */
static inline void fdo_folder_clear(const folder *here, const char *where, const char *keep, bool written)
{
    char name[256], path[600];
    struct stat st;
    DIR *dir;

    folder_path(here, where, name);
    dir = opendir(name);
    must(dir != NULL);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        (void)snprintf(path, sizeof path, "%s/%s", name, e->d_name);
        must(lstat(path, &st) == 0);
        must(!S_ISREG(st.st_mode) || st.st_size <= FDO_FILE_MAX);
        if (S_ISREG(st.st_mode) && strcmp(e->d_name, keep) != 0) {
            must(written);
            must(unlink(path) == 0);
        }
    }
    (void)closedir(dir);
}

/* It is what it was, or may be written to and is made so again. */
static inline void fdo_folder_restore(const folder *here, const char *name, const char *text, bool written)
{
    if (folder_holds(here, name, text))
        return;
    must(written);
    folder_write(here, name, text);
}

/** The root may be written to, if `written`; what is beside it may not. Afterwards it is as it was made. */
static inline void fdo_folder_look(const folder *here, bool written)
{
    unsigned count = 0;
    DIR *dir = opendir(here->top);

    must(folder_holds(here, "secret", "secret") && dir != NULL);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    must(count == 4); /* ".", "..", "root", "secret" */
    fdo_folder_clear(here, "root", "f", written);
    fdo_folder_clear(here, "root/sub", "long", written);
    fdo_folder_restore(here, "root/f", "content", written);
    fdo_folder_restore(here, "root/sub/long", FDO_FOLDER_LONG, written);
}

#endif
