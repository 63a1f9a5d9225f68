/* SPDX-License-Identifier: Apache-2.0
 *
 * What an owner does with a device in TO2: the steps of its plan, one after the other, over the modules
 * fdo.download, fdo.upload, fdo.command and tessera.lwm2m. Private to server/fdo. */
#ifndef SERVER_FDO_PLAN_H
#define SERVER_FDO_PLAN_H

#include "server/fdo/handover.h"
#include "tessera/json/json.h"

typedef struct {
    tsr_buf text;        /* the plan, JSON (docs/openapi.yaml, FdoPlan) */
    tsr_json plan;
    tsr_json_walk steps; /* those that are to come */
    tsr_json step;       /* the one under way */
    bool has_step, waits;
    unsigned phase; /* what of the step is said next */
    tsr_buf data;   /* download: what is sent; upload: what came */
    size_t at;
    int64_t length; /* upload: as the device announced it; -1: not yet */
    bool announced; /* devmod:modules came whole */
    bool failed;    /* the device said that the step went wrong, and it may */
    uint64_t modules, heard;
    char guid[FDO_GUID_TEXT];
    tsr_fdo *fdo;
    fdo_handover handover;
    const char *wrong; /* why what the plan says next cannot be said */
} fdo_plan_run;

/** The plan for a device (choose.h).
 *  errors TSR_E_STATE  its group has none;  TSR_E_MALFORMED, TSR_E_IO, TSR_E_SPACE, TSR_E_CRYPTO */
tsr_err fdo_plan_begin(tsr_fdo *f, fdo_plan_run *p, const fdo_subject *who);

/** All that the plan gave holds from now on. errors as fdo_handover_settle */
tsr_err fdo_plan_settle(fdo_plan_run *p);
void fdo_plan_end(fdo_plan_run *p);

/** Takes what the device says. NULL, or why TO2 cannot go on. */
const char *fdo_plan_take(tsr_fdo *f, fdo_plan_run *p, tsr_bytes module, tsr_bytes message,
                          tsr_bytes value);

/** Appends pairs until `pairs` is full or the device has to answer. True: there is more to say. */
bool fdo_plan_give(fdo_plan_run *p, tsr_buf *pairs, uint64_t *count);

/** Every step is done. */
bool fdo_plan_is_over(const fdo_plan_run *p);

/** Whether a plan can be used; `why` says what is wrong. `rank` as fdo_plan_rank. errors TSR_E_ARGUMENT */
tsr_err fdo_plan_check(tsr_bytes json, int64_t *rank, char *why, size_t why_cap);

/** The plan as operators may read it: of a file that devices are given, `file_bytes`, its length. */
void fdo_plan_show(tsr_buf *out, tsr_bytes json);

/** The other way: a step with `file_bytes` gets the file of that name and length which the stored plan gives.
 *  owner   out grows; what is no plan is copied as it is, for fdo_plan_check to say so
 *  errors  TSR_E_ARGUMENT  `why`: there is no such file;  TSR_E_SPACE */
tsr_err fdo_plan_keep_files(tsr_bytes json, tsr_bytes stored, tsr_buf *out, char *why, size_t why_cap);

#endif
