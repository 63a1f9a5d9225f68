/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/secured/ps.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "ports/linux/secured/log.h"
#include "psa/wire/frame.h"

static tsr_err refuse(const tsr_secured_ps *s, tsr_err err, const char *cause, const char *remedy)
{
    tsr_log("error", "ps.refused", "file=\"%s\" cause=\"%s (%s)\" remedy=\"%s\"", s->path, cause,
            s->file.cause_errno != 0 ? strerror(s->file.cause_errno) : "no system error", remedy);
    return err;
}

static const char *remedy_of(tsr_err err)
{
    switch (err) {
    case TSR_E_SPACE: return "make room on the disk";
    case TSR_E_STATE: return "end the other process, or give this one another --ps";
    case TSR_E_DENIED: return "check who owns the file and its directory";
    default: return "check the disk";
    }
}

static tsr_err set_aside(tsr_secured_ps *s, const char *cause)
{
    char aside[sizeof s->path + 16];

    (void)snprintf(aside, sizeof aside, "%s.damaged", s->path);
    tsr_flash_file_close(&s->file);
    if (rename(s->path, aside) != 0) {
        s->file.cause_errno = errno;
        return refuse(s, TSR_E_IO, "a file beyond repair cannot be renamed",
                      "move it away by hand");
    }
    tsr_log("error", "ps.replaced",
            "file=\"%s\" cause=\"%s\" remedy=\"what was in it is reported as damaged; restore "
            "it from its applications\" kept=\"%s\"",
            s->path, cause, aside);
    return TSR_OK;
}

static tsr_err open_file(tsr_secured_ps *s)
{
    tsr_err err = tsr_flash_file_open(&s->file, s->path, tsr_secured_geometry(s->path));

    if (err == TSR_E_TYPE) {
        err = set_aside(s, "its length is not that of a store");
        if (err != TSR_OK)
            return err;
        err = tsr_flash_file_open(&s->file, s->path, tsr_secured_geometry(s->path));
    }
    if (err != TSR_OK)
        return refuse(s, err, s->file.cause != NULL ? s->file.cause : tsr_err_name(err),
                      remedy_of(err));
    return TSR_OK;
}

static tsr_err mount(tsr_secured_ps *s, tsr_ps_found *found)
{
    tsr_err err = tsr_ps_mount(&s->medium, &s->file.flash, s->index, TSR_SECURED_ASSETS,
                               TSR_SECURED_ASSET_MAX, found);

    if (err != TSR_E_MALFORMED && err != TSR_E_SPACE && err != TSR_E_ARGUMENT)
        return err;
    err = set_aside(s, s->medium.report.cause != NULL ? s->medium.report.cause
                                                      : "it is damaged beyond repair");
    if (err == TSR_OK)
        err = open_file(s);
    return err == TSR_OK ? tsr_ps_mount(&s->medium, &s->file.flash, s->index, TSR_SECURED_ASSETS,
                                        TSR_SECURED_ASSET_MAX, found)
                         : err;
}

static void tell(const tsr_secured_ps *s, const tsr_ps_found *found, uint32_t swept)
{
    if (found->made)
        tsr_log("info", "ps.created", "file=\"%s\"", s->path);
    if (found->repaired)
        tsr_log("warning", "ps.repaired",
                "file=\"%s\" lost=%u cause=\"%s\" remedy=\"what is lost is reported when it is "
                "asked for\"",
                s->path, found->lost, s->medium.report.cause);
    if (swept > 0)
        tsr_log("info", "ps.swept", "file=\"%s\" unfinished=%u", s->path, swept);
}

tsr_err tsr_secured_ps_open(tsr_secured_ps *s, const char *dir, const char *path,
                            uint32_t bytes_each, tsr_its *its, const tsr_root *root)
{
    tsr_ps_found found;
    tsr_err err;
    int n = path != NULL ? snprintf(s->path, sizeof s->path, "%s", path)
                         : snprintf(s->path, sizeof s->path, "%s/ps.tsr", dir);

    if (n < 0 || (size_t)n >= sizeof s->path)
        return refuse(s, TSR_E_ARGUMENT, "the path is too long", "name a shorter one");
    err = open_file(s);
    if (err != TSR_OK)
        return err;
    err = mount(s, &found);
    if (err != TSR_OK) {
        tsr_flash_file_close(&s->file);
        return refuse(s, err, "the file cannot be used", "check the disk");
    }
    s->ps = (tsr_ps){
        .its = its,
        .medium = &s->medium,
        .root = root,
        .work = s->work,
        .work_len = sizeof s->work,
        .buffer_max = TSR_WIRE_MAX,
        .quota = bytes_each > 0 ? bytes_each : tsr_store_capacity(&s->medium) / 4,
    };
    tell(s, &found, tsr_ps_open(&s->ps));
    s->told = s->medium.report.cause;
    return TSR_OK;
}

void tsr_secured_ps_watch(tsr_secured_ps *s)
{
    const tsr_store_report *r = &s->medium.report;

    if (r->cause == s->told)
        return;
    s->told = r->cause;
    if (r->cause != NULL)
        tsr_log("error", "ps.damaged", "file=\"%s\" at=%u cause=\"%s\" remedy=\"%s\"", s->path,
                r->at, r->cause, "see who can write to the file; a restart repairs it");
}

void tsr_secured_ps_close(tsr_secured_ps *s)
{
    tsr_flash_file_close(&s->file);
    tsr_wipe(s, sizeof *s);
}
