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

static bool take_plan(void *arg, const tsr_store_document *row)
{
    groups *all = arg;
    group *g = take(all, row->name);
    tsr_json root;

    if (g == NULL)
        return false;
    g->plan = true;
    if (tsr_json_parse(row->body, &root, NULL) == TSR_OK)
        (void)tsr_json_find_cstring(&root, "device_info", g->info, sizeof g->info);
    return true;
}

static bool take_label(void *arg, const char *label, uint64_t counted)
{
    group *g = take(arg, label);

    if (g != NULL)
        g->devices = counted;
    return g != NULL;
}

/* The first `limit` of both together are among the first of each. */
static tsr_err take_page(tsr_fdo *f, const char *after, size_t limit, groups *all)
{
    tsr_err err;

    pthread_mutex_lock(&f->read_lock);
    err = tsr_store_labelled(f->reader, TSR_STORE_FDO_PLAN, FDO_PLAN_OF_GROUP, after, limit, take_plan, all);
    if (err == TSR_OK)
        err = tsr_store_labels(f->reader, TSR_STORE_FDO_DEVICE, after, limit, take_label, all);
    pthread_mutex_unlock(&f->read_lock);
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
    tsr_err err;

    limit = limit != 0 ? limit : 100;
    err = take_page(f, after, limit, &all);
    for (size_t i = 0; err == TSR_OK && i < all.count && i < limit; i++)
        give(&all.at[i], fn, arg);
    free(all.at);
    return err;
}
