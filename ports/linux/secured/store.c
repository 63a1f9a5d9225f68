/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/secured/store.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports/linux/secured/log.h"
#include "psa/wire/frame.h"

static tsr_err refuse(tsr_err err, const char *path, const char *cause, const char *remedy)
{
    tsr_log("error", "store.refused", "file=\"%s\" cause=\"%s\" remedy=\"%s\"", path, cause,
            remedy);
    return err;
}

/* Keys that others can read are not kept at all: better no service than a false promise. */
static tsr_err check_private(const char *path, bool directory)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? TSR_E_NOT_FOUND
                               : refuse(TSR_E_IO, path, strerror(errno), "see the path's parents");
    if (directory ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return refuse(TSR_E_DENIED, path, directory ? "not a directory" : "not a plain file",
                      "name another directory with --store");
    if (st.st_uid != geteuid())
        return refuse(TSR_E_DENIED, path, "it belongs to another user",
                      "chown it to the user that the service runs as");
    if ((st.st_mode & 077) != 0)
        return refuse(TSR_E_DENIED, path, "others have permissions on it",
                      directory ? "chmod 700, and replace keys that may have been read"
                                : "chmod 600, and replace keys that may have been read");
    return TSR_OK;
}

static tsr_err prepare(tsr_secured_store *s, const char *dir)
{
    tsr_err err;
    int n = snprintf(s->path, sizeof s->path, "%s/store.tsr", dir);

    if (n < 0 || (size_t)n >= sizeof s->path)
        return refuse(TSR_E_ARGUMENT, dir, "the path is too long", "name a shorter one");
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return refuse(TSR_E_IO, dir, strerror(errno), "make its parent directory");
    err = check_private(dir, true);
    if (err != TSR_OK)
        return err;
    err = check_private(s->path, false);
    return err == TSR_E_NOT_FOUND ? TSR_OK : err;
}

tsr_flash_geometry tsr_secured_geometry(const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0 && st.st_size == (off_t)(1u << 20))
        return (tsr_flash_geometry){ 1u << 20, 16u << 10, 8 };
    return (tsr_flash_geometry){ 4u << 20, 32u << 10, 8 };
}

static const char *file_remedy(tsr_err err)
{
    switch (err) {
    case TSR_E_SPACE: return "make room on the disk";
    case TSR_E_STATE: return "end the other process, or give this one another --store";
    case TSR_E_TYPE: return "this is no store of tessera-secured, or it was cut: restore a copy";
    case TSR_E_DENIED: return "check who owns the file and its directory";
    default: return "check the disk";
    }
}

static tsr_err mount(tsr_secured_store *s, bool repair)
{
    tsr_err err = tsr_store_mount(&s->store, &s->file.flash, s->index, TSR_SECURED_ASSETS,
                                  TSR_SECURED_ASSET_MAX);

    if (err == TSR_E_NOT_FOUND) {
        err = tsr_store_format(&s->file.flash);
        if (err == TSR_OK)
            err = tsr_store_mount(&s->store, &s->file.flash, s->index, TSR_SECURED_ASSETS,
                                  TSR_SECURED_ASSET_MAX);
        if (err == TSR_OK)
            tsr_log("info", "store.created", "file=\"%s\"", s->path);
    }
    if (err == TSR_E_MALFORMED && repair) {
        err = tsr_store_repair(&s->store, &s->file.flash, s->index, TSR_SECURED_ASSETS,
                               TSR_SECURED_ASSET_MAX);
        if (err == TSR_OK)
            tsr_log("warning", "store.repaired", "file=\"%s\" lost=%u", s->path,
                    s->store.report.damaged);
    }
    return err;
}

static const char *mount_remedy(const tsr_secured_store *s, tsr_err err)
{
    if (err == TSR_E_MALFORMED)
        return "restore a copy, or start once with --repair-store to keep what is readable";
    return s->store.report.remedy != NULL ? s->store.report.remedy : "check the disk";
}

tsr_err tsr_secured_store_open(tsr_secured_store *s, const char *dir, bool repair)
{
    tsr_err err = prepare(s, dir);

    if (err != TSR_OK)
        return err;
    err = tsr_flash_file_open(&s->file, s->path, tsr_secured_geometry(s->path));
    if (err != TSR_OK) {
        tsr_log("error", "store.refused", "file=\"%s\" cause=\"%s (%s)\" remedy=\"%s\"", s->path,
                s->file.cause != NULL ? s->file.cause : tsr_err_name(err),
                s->file.cause_errno != 0 ? strerror(s->file.cause_errno) : "no system error",
                file_remedy(err));
        return err;
    }
    err = mount(s, repair);
    if (err != TSR_OK) {
        tsr_log("error", "store.damaged",
                "error=\"%s\" file=\"%s\" at=%u places=%u cause=\"%s\" remedy=\"%s\"",
                tsr_err_name(err), s->path, s->store.report.at, s->store.report.damaged,
                s->store.report.cause != NULL ? s->store.report.cause : tsr_err_name(err),
                mount_remedy(s, err));
        tsr_flash_file_close(&s->file);
        return err;
    }
    s->told = s->store.report.cause;
    s->its = (tsr_its){ .store = &s->store,
                        .buffer_max = TSR_WIRE_MAX,
                        .quota = tsr_store_capacity(&s->store) / 4 };
    return TSR_OK;
}

void tsr_secured_store_watch(tsr_secured_store *s)
{
    const tsr_store_report *r = &s->store.report;

    if (r->cause == s->told)
        return;
    s->told = r->cause;
    if (r->cause != NULL)
        tsr_log("error", "store.damaged", "file=\"%s\" at=%u cause=\"%s\" remedy=\"%s\"", s->path,
                r->at, r->cause, mount_remedy(s, TSR_E_MALFORMED));
}

void tsr_secured_store_close(tsr_secured_store *s)
{
    tsr_flash_file_close(&s->file);
    tsr_wipe(s, sizeof *s);
}
