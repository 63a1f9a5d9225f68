/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder for tests, with something beside it that nobody may reach. */
#ifndef TESTS_FDOHOST_FOLDER_H
#define TESTS_FDOHOST_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char top[64], root[80]; /* TOP, TOP/root */
} folder;

static inline void folder_path(const folder *f, const char *name, char path[256])
{
    (void)snprintf(path, 256, "%s/%s", f->top, name);
}

static inline void folder_write(const folder *f, const char *name, const char *text)
{
    char path[256];
    FILE *out;

    folder_path(f, name, path);
    out = fopen(path, "w");
    if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
        abort();
}

/* The file holds that text; NULL: there is none. */
static inline int folder_holds(const folder *f, const char *name, const char *text)
{
    char path[256], got[4096] = "";
    FILE *in;

    folder_path(f, name, path);
    in = fopen(path, "r");
    if (in == NULL)
        return text == NULL;
    got[fread(got, 1, sizeof got - 1, in)] = '\0';
    (void)fclose(in);
    return text != NULL && strcmp(got, text) == 0;
}

/* How many names lie in the root. */
static inline int folder_count(const folder *f)
{
    DIR *dir = opendir(f->root);
    int n = -2;

    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

static inline void folder_make(folder *f)
{
    char path[256];

    (void)snprintf(f->top, sizeof f->top, "/dev/shm/tessera-fdohost-XXXXXX");
    if (mkdtemp(f->top) == NULL)
        abort();
    (void)snprintf(f->root, sizeof f->root, "%s/root", f->top);
    folder_path(f, "root/sub", path);
    if (mkdir(f->root, 0700) != 0 || mkdir(path, 0700) != 0)
        abort();
    folder_write(f, "secret", "secret");
}

static inline void folder_remove(const folder *f)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", f->top);
    if (system(command) != 0)
        abort();
}

#endif
