/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups: a device may be in one, which is the name of a plan. */
#define _GNU_SOURCE
#include "server/fdo/choose.h"
#include "server/fdo/inventory.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/rest/put.h"
#include "server/rest/room.h"
#include "tessera/json/json.h"

enum { CHUNK = 256 }; /* rows read at a time */

tsr_err tsr_fdo_device_group(tsr_fdo *f, const char *guid, const char *group, char *why, size_t why_cap)
{
    fdo_device device = { .group = group };
    tsr_err err = TSR_OK;

    if (group[0] != 0)
        err = fdo_plan_name_good(group) ? fdo_fetch(f, TSR_STORE_FDO_PLAN, group, NULL) : TSR_E_NOT_FOUND;
    if (err != TSR_E_NOT_FOUND)
        return err == TSR_OK ? fdo_inventory_note(f, guid, &device) : err;
    (void)snprintf(why, why_cap, "there is no group %.64s: a group is there once it has a plan", group);
    return TSR_E_ARGUMENT;
}

/* --- the list --------------------------------------------------------------------------- */

typedef struct {
    char name[FDO_GROUP_MAX + 1], info[FDO_PATTERN_MAX + 1];
    bool plan; /* there is one */
    uint64_t devices;
} group;

typedef struct {
    group *at; /* by name */
    size_t count, room;
    size_t rows; /* of this chunk */
    char last[FDO_GROUP_MAX + 1];
    tsr_err err;
} groups;

/* The group of that name, which is there from now on. NULL: no memory. */
static group *take(groups *all, const char *name)
{
    size_t low = 0, high = all->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(all->at[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < all->count && strcmp(all->at[low].name, name) == 0)
        return &all->at[low];
    if (all->count == all->room) {
        size_t room = all->room != 0 ? 2 * all->room : 64;
        group *grown = realloc(all->at, room * sizeof *grown);

        if (grown == NULL) {
            all->err = TSR_E_SPACE;
            return NULL;
        }
        all->at = grown;
        all->room = room;
    }
    memmove(&all->at[low + 1], &all->at[low], (all->count - low) * sizeof *all->at);
    all->at[low] = (group){ .name = "" };
    (void)snprintf(all->at[low].name, sizeof all->at[low].name, "%s", name);
    all->count++;
    return &all->at[low];
}

static bool is_guid(const char *name) { return strlen(name) == 32 && strspn(name, "0123456789abcdef") == 32; }

static void begin_row(groups *all, const tsr_store_document *row)
{
    all->rows++;
    (void)snprintf(all->last, sizeof all->last, "%s", row->name);
}

static bool take_plan(void *arg, const tsr_store_document *row)
{
    groups *all = arg;
    group *g;
    tsr_json root;

    begin_row(all, row);
    if (is_guid(row->name) || strcmp(row->name, "default") == 0)
        return true;
    g = take(all, row->name);
    if (g == NULL)
        return false;
    g->plan = true;
    if (tsr_json_parse(row->body, &root, NULL) == TSR_OK)
        (void)tsr_json_find_cstring(&root, "device_info", g->info, sizeof g->info);
    return true;
}

static bool take_device(void *arg, const tsr_store_document *row)
{
    groups *all = arg;
    char name[FDO_GROUP_MAX + 1], state[16];
    group *g;
    tsr_json root;

    begin_row(all, row);
    if (tsr_json_parse(row->body, &root, NULL) != TSR_OK ||
        tsr_json_find_cstring(&root, "group", name, sizeof name) != TSR_OK || name[0] == 0)
        return true;
    g = take(all, name);
    if (g == NULL)
        return false;
    if (tsr_json_find_cstring(&root, "state", state, sizeof state) != TSR_OK || strcmp(state, "replaced") != 0)
        g->devices++;
    return true;
}

static tsr_err take_all(tsr_fdo *f, int kind, tsr_store_document_fn *fn, groups *all)
{
    tsr_err err = TSR_OK;

    all->last[0] = 0;
    do {
        char after[sizeof all->last];

        memcpy(after, all->last, sizeof after);
        all->rows = 0;
        err = fdo_list(f, kind, after, CHUNK, fn, all);
    } while (err == TSR_OK && all->err == TSR_OK && all->rows == CHUNK);
    return err == TSR_OK ? all->err : err;
}

static void give(const group *g, tsr_fdo_row_fn *fn, void *arg)
{
    uint8_t room[64 + 6 * (sizeof g->name + sizeof g->info)];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    rest_put_text(&j, "name", g->name);
    rest_put_flag(&j, "plan", g->plan);
    rest_put_count(&j, "devices", g->devices);
    if (g->info[0] != 0)
        rest_put_text(&j, "device_info", g->info);
    tsr_json_close(&j);
    fn(arg, g->name, tsr_buf_view(&out));
}

tsr_err tsr_fdo_group_list(tsr_fdo *f, const char *after, size_t limit, tsr_fdo_row_fn *fn, void *arg)
{
    groups all = { 0 };
    tsr_err err = take_all(f, TSR_STORE_FDO_PLAN, take_plan, &all);
    size_t given = 0;

    if (err == TSR_OK)
        err = take_all(f, TSR_STORE_FDO_DEVICE, take_device, &all);
    for (size_t i = 0; err == TSR_OK && i < all.count && given < limit; i++)
        if (after == NULL || strcmp(all.at[i].name, after) > 0) {
            give(&all.at[i], fn, arg);
            given++;
        }
    free(all.at);
    return err;
}
