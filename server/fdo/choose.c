/* SPDX-License-Identifier: Apache-2.0
 *
 * Which plan is for a device: the one of its GUID; of its group, when the inventory names one; the one whose
 * `device_info` fits best; the one named "default". */
#define _GNU_SOURCE
#include "server/fdo/choose.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/rest/pattern.h"
#include "server/rest/room.h"
#include "tessera/json/json.h"

static const char nothing[] = "{\"steps\":[]}";

bool fdo_plan_name_good(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strlen(name);

    return n >= 1 && n <= FDO_GROUP_MAX && strspn(name, good) == n;
}

const char *fdo_plan_label(const char *name)
{
    bool is_guid = strlen(name) == FDO_GUID_TEXT - 1 && strspn(name, "0123456789abcdef") == FDO_GUID_TEXT - 1;

    return is_guid || strcmp(name, "default") == 0 ? "" : FDO_PLAN_OF_GROUP;
}

const char *fdo_plan_rank(const tsr_json *plan, int64_t *rank)
{
    char text[FDO_PATTERN_MAX + 1];
    tsr_json item;

    *rank = 0;
    if (tsr_json_find(plan, "device_info", &item) == TSR_E_NOT_FOUND)
        return NULL;
    if (tsr_json_cstring(&item, text, sizeof text) != TSR_OK || text[0] == 0)
        return "`device_info` is a text of 1 to 255 bytes, in which * stands for any characters";
    *rank = rest_pattern_rank(text);
    *rank = *rank != 0 ? *rank : (int64_t)FDO_PATTERN_MAX + 2; /* no star: before every pattern */
    return NULL;
}

/* --- what is known of the device -------------------------------------------------------- */

void fdo_known_read(tsr_fdo *f, const char *guid, fdo_known *k)
{
    tsr_buf body = { 0 };
    tsr_json root;

    *k = (fdo_known){ .group = "" };
    if (fdo_fetch(f, TSR_STORE_FDO_DEVICE, guid, &body) == TSR_OK &&
        tsr_json_parse(tsr_buf_view(&body), &root, NULL) == TSR_OK) {
        (void)tsr_json_find_cstring(&root, "group", k->group, sizeof k->group);
        (void)tsr_json_find_cstring(&root, "serial", k->serial, sizeof k->serial);
    }
    free(body.ptr);
}

/* --- by what the voucher says of the device --------------------------------------------- */

typedef struct {
    char info[FDO_PATTERN_MAX + 1];
    fdo_choice *choice;
    tsr_buf *out; /* or NULL */
    bool found;
} match;

static bool match_one(void *arg, const tsr_store_document *row)
{
    match *m = arg;
    char pattern[FDO_PATTERN_MAX + 1];
    tsr_json root;

    if (tsr_json_parse(row->body, &root, NULL) != TSR_OK ||
        tsr_json_find_cstring(&root, "device_info", pattern, sizeof pattern) != TSR_OK ||
        !rest_pattern_matches(pattern, m->info))
        return true;
    (void)snprintf(m->choice->name, sizeof m->choice->name, "%s", row->name);
    m->choice->by = "device_info";
    m->found = true;
    if (m->out != NULL) {
        rest_room(m->out, row->body.len + 1);
        tsr_put_bytes(m->out, row->body);
    }
    return false;
}

static tsr_err by_info(tsr_fdo *f, tsr_bytes info, fdo_choice *c, tsr_buf *out)
{
    match m = { .choice = c, .out = out };
    tsr_err err;

    if (info.len > FDO_PATTERN_MAX || (info.len > 0 && memchr(info.ptr, 0, info.len) != NULL))
        return TSR_E_NOT_FOUND;
    if (info.len > 0)
        memcpy(m.info, info.ptr, info.len);
    pthread_mutex_lock(&f->read_lock);
    err = tsr_store_documents(f->reader, TSR_STORE_FDO_PLAN, TSR_STORE_BY_RANK, NULL, 0, match_one, &m);
    pthread_mutex_unlock(&f->read_lock);
    if (err == TSR_OK && !m.found)
        return TSR_E_NOT_FOUND;
    return err == TSR_OK && out != NULL ? out->err : err;
}

/* --- the choice ------------------------------------------------------------------------- */

static tsr_err of_name(tsr_fdo *f, const char *name, const char *by, fdo_choice *c, tsr_buf *out)
{
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    c->by = by;
    return fdo_fetch(f, TSR_STORE_FDO_PLAN, name, out);
}

static tsr_err of_kind(tsr_fdo *f, tsr_bytes info, const char *group, fdo_choice *c, tsr_buf *out)
{
    tsr_err err;

    if (group[0] != 0) {
        err = of_name(f, group, "group", c, out);
        return err == TSR_E_NOT_FOUND ? TSR_E_STATE : err;
    }
    err = by_info(f, info, c, out);
    if (err == TSR_E_NOT_FOUND)
        err = of_name(f, "default", "default", c, out);
    if (err != TSR_E_NOT_FOUND)
        return err;
    *c = (fdo_choice){ .by = "none" };
    if (out == NULL)
        return TSR_OK;
    rest_room(out, sizeof nothing);
    tsr_put_text(out, nothing);
    return out->err;
}

tsr_err fdo_plan_choose(tsr_fdo *f, const char *guid, tsr_bytes info, const char *group, fdo_choice *c,
                        tsr_buf *out)
{
    tsr_err err = of_name(f, guid, "guid", c, out);

    return err == TSR_E_NOT_FOUND ? of_kind(f, info, group, c, out) : err;
}

tsr_err fdo_plan_choose_next(tsr_fdo *f, const char *guid, const char *info, const char *group, fdo_chosen *last,
                             fdo_choice *c)
{
    tsr_err err = of_name(f, guid, "guid", c, NULL);

    if (err != TSR_E_NOT_FOUND)
        return err;
    if (!last->known || strcmp(last->info, info) != 0 || strcmp(last->group, group) != 0) {
        *last = (fdo_chosen){ .known = true };
        (void)snprintf(last->info, sizeof last->info, "%s", info);
        (void)snprintf(last->group, sizeof last->group, "%s", group);
        last->err = of_kind(f, tsr_text(info), group, &last->choice, NULL);
    }
    *c = last->choice;
    return last->err;
}
