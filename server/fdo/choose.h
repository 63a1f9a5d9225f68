/* SPDX-License-Identifier: Apache-2.0
 *
 * Which plan is for a device. Private to server/fdo. */
#ifndef SERVER_FDO_CHOOSE_H
#define SERVER_FDO_CHOOSE_H

#include "server/fdo/service.h"
#include "tessera/json/json.h"

enum { FDO_GROUP_MAX = 64, FDO_PATTERN_MAX = 255 };

/** What the inventory has of a device; "": nothing. */
typedef struct {
    char group[FDO_GROUP_MAX + 1], serial[FDO_PATTERN_MAX + 1];
} fdo_known;

void fdo_known_read(tsr_fdo *f, const char *guid, fdo_known *k);

/** Letters, digits and "._-", 1 to 64 of them. */
bool fdo_plan_name_good(const char *name);

/** The label of plans that are groups'. */
#define FDO_PLAN_OF_GROUP "group"
/** What the plan of that name is kept under: FDO_PLAN_OF_GROUP, or "" for a device's (a GUID) and the default. */
const char *fdo_plan_label(const char *name);

/** By how well its `device_info` says which devices it is for; 0: it has none. NULL, or what is wrong
 *  with that. */
const char *fdo_plan_rank(const tsr_json *plan, int64_t *rank);

/** Which plan, and what it was chosen by: "guid", "group", "device_info", "default" or "none". */
typedef struct {
    char name[FDO_GROUP_MAX + 1]; /* none: "" */
    const char *by;
} fdo_choice;

/** The plan, onto the heap; one without steps when there is none.
 *  group   "": none
 *  out     NULL: it is chosen, not read
 *  errors  TSR_E_STATE  `c` is a group that has no plan;  TSR_E_IO, TSR_E_SPACE */
tsr_err fdo_plan_choose(tsr_fdo *f, const char *guid, tsr_bytes info, const char *group, fdo_choice *c,
                        tsr_buf *out);

/** What was chosen last, but for a plan by GUID; { 0 }: nothing. */
typedef struct {
    bool known;
    char info[FDO_PATTERN_MAX + 1], group[FDO_GROUP_MAX + 1];
    fdo_choice choice;
    tsr_err err;
} fdo_chosen;

/** Chooses for one device after the other: of those alike in DeviceInfo and group the patterns are gone through once. */
tsr_err fdo_plan_choose_next(tsr_fdo *f, const char *guid, const char *info, const char *group, fdo_chosen *last,
                             fdo_choice *c);

#endif
