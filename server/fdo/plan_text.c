/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan's JSON for those who read it: the files that it gives to devices may hold keys and stay here. They are put
 * back for those who changed something else and send it again. */
#include "server/fdo/module.h"
#include "server/rest/room.h"

#include <stdio.h>
#include <stdlib.h>

/* The member of a step that is a file: `text`, or `data` in Base64. */
static bool find_file(const tsr_json *step, tsr_json *file, bool *coded)
{
    *coded = tsr_json_find(step, "data", file) == TSR_OK;
    return fdo_module_of(step) == &fdo_download && (*coded || tsr_json_find(step, "text", file) == TSR_OK) &&
           file->kind == TSR_JSON_STRING;
}

/* Bytes of the file on the device. */
static size_t length_of(const tsr_json *file, bool coded)
{
    tsr_buf scratch = { 0 };
    tsr_bytes text = { 0 };
    size_t n;

    rest_room(&scratch, file->text.len + 1);
    (void)tsr_json_string(file, &scratch, &text);
    n = text.len;
    if (coded)
        n = n / 4 * 3 - (n > 0 && text.ptr[n - 1] == '=') - (n > 1 && text.ptr[n - 2] == '=');
    rest_wipe(&scratch);
    return n;
}

static void put_key(tsr_json_out *j, const tsr_json *key)
{
    tsr_json_put_key_bytes(j, tsr_view(key->text.ptr + 1, key->text.len - 2));
}

/* --- what is read ----------------------------------------------------------------------- */

static void show_step(tsr_json_out *j, const tsr_json *step)
{
    tsr_json_walk walk = tsr_json_items(step);
    tsr_json key, item, file;
    bool coded, has_file = find_file(step, &file, &coded);

    if (step->kind != TSR_JSON_OBJECT) {
        tsr_json_put_raw(j, step->text);
        return;
    }
    tsr_json_open_object(j);
    while (tsr_json_next(&walk, &key, &item)) {
        if (has_file && (tsr_json_is(&key, "text") || tsr_json_is(&key, "data")))
            continue;
        put_key(j, &key);
        tsr_json_put_raw(j, item.text);
    }
    if (has_file) {
        tsr_json_put_key(j, "file_bytes");
        tsr_json_put_uint(j, length_of(&file, coded));
    }
    tsr_json_close(j);
}

typedef tsr_err step_fn(void *arg, tsr_json_out *j, const tsr_json *step, unsigned n);

/* The plan with each step as `fn` puts it. */
static tsr_err put_plan(tsr_json_out *j, const tsr_json *plan, step_fn *fn, void *arg)
{
    tsr_json_walk walk = tsr_json_items(plan), steps;
    tsr_json key, item, step;
    tsr_err err = TSR_OK;
    unsigned n = 0;

    tsr_json_open_object(j);
    while (err == TSR_OK && tsr_json_next(&walk, &key, &item)) {
        put_key(j, &key);
        if (!tsr_json_is(&key, "steps") || item.kind != TSR_JSON_ARRAY) {
            tsr_json_put_raw(j, item.text);
            continue;
        }
        tsr_json_open_array(j);
        for (steps = tsr_json_items(&item); err == TSR_OK && tsr_json_next(&steps, NULL, &step); n++)
            err = fn(arg, j, &step, n);
        tsr_json_close(j);
    }
    tsr_json_close(j);
    return err;
}

static tsr_err show_one(void *arg, tsr_json_out *j, const tsr_json *step, unsigned n)
{
    (void)arg;
    (void)n;
    show_step(j, step);
    return TSR_OK;
}

void fdo_plan_show(tsr_buf *out, tsr_bytes json)
{
    tsr_json plan;
    tsr_json_out j = tsr_json_to(out);

    rest_room(out, 2 * json.len + 64); /* `file_bytes` may be longer than the file */
    if (tsr_json_parse(json, &plan, NULL) == TSR_OK)
        (void)put_plan(&j, &plan, show_one, NULL);
}

/* --- what is sent again ----------------------------------------------------------------- */

typedef struct {
    tsr_json plan, stored; /* stored: an object, or null */
    char *why;
    size_t why_cap;
} keeping;

/* Whether a step of a plan gives, or keeps, a file of this name and length. */
static bool is_file(const tsr_json *step, const char *name, uint64_t bytes)
{
    char here[FDO_NAME_MAX + 1];
    tsr_json file;
    uint64_t n;
    bool coded;

    if (!fdo_step_text(step, "name", here) || strcmp(here, name) != 0)
        return false;
    if (tsr_json_find_uint(step, "file_bytes", &n) == TSR_OK)
        return n == bytes;
    return find_file(step, &file, &coded) && length_of(&file, coded) == bytes;
}

/* The `nth` stored file of that name and length. */
static bool stored_file(const keeping *k, const char *name, uint64_t bytes, unsigned nth, tsr_json *step)
{
    tsr_json steps;
    tsr_json_walk walk;

    if (tsr_json_find(&k->stored, "steps", &steps) != TSR_OK)
        return false;
    for (walk = tsr_json_items(&steps); tsr_json_next(&walk, NULL, step);)
        if (is_file(step, name, bytes) && nth-- == 0)
            return true;
    return false;
}

/* How many steps before this one keep a file of that name and length: two of them keep two files. */
static unsigned kept_before(const keeping *k, unsigned n, const char *name, uint64_t bytes)
{
    tsr_json steps, step, item;
    tsr_json_walk walk;
    unsigned count = 0;

    (void)tsr_json_find(&k->plan, "steps", &steps);
    for (walk = tsr_json_items(&steps); n > 0 && tsr_json_next(&walk, NULL, &step); n--)
        count += tsr_json_find(&step, "file_bytes", &item) == TSR_OK && is_file(&step, name, bytes);
    return count;
}

static void put_filled(const keeping *k, tsr_json_out *j, const tsr_json *step, const tsr_json *old)
{
    tsr_json_walk walk = tsr_json_items(step);
    tsr_json key, item, file;
    bool coded;

    tsr_json_open_object(j);
    while (tsr_json_next(&walk, &key, &item))
        if (!tsr_json_is(&key, "file_bytes")) {
            put_key(j, &key);
            tsr_json_put_raw(j, item.text);
        }
    if (find_file(old, &file, &coded)) {
        rest_room(j->out, file.text.len + k->plan.text.len + 64); /* and all that follows */
        tsr_json_put_key(j, coded ? "data" : "text");
        tsr_json_put_raw(j, file.text);
    }
    tsr_json_close(j);
}

static tsr_err keep_one(void *arg, tsr_json_out *j, const tsr_json *step, unsigned n)
{
    keeping *k = arg;
    char name[FDO_NAME_MAX + 1];
    tsr_json item, old;
    uint64_t bytes;
    bool coded;

    if (step->kind != TSR_JSON_OBJECT || tsr_json_find(step, "file_bytes", &item) != TSR_OK ||
        find_file(step, &item, &coded)) { /* a file that is sent is meant */
        put_filled(k, j, step, &(tsr_json){ 0 });
        return TSR_OK;
    }
    if (fdo_step_text(step, "name", name) && tsr_json_uint(&item, &bytes) == TSR_OK &&
        stored_file(k, name, bytes, kept_before(k, n, name, bytes), &old)) {
        put_filled(k, j, step, &old);
        return TSR_OK;
    }
    (void)snprintf(k->why, k->why_cap, "steps[%u]: `file_bytes` keeps a file of that name and length, and the plan "
                                       "that is here has none: send its `text` or `data`", n);
    return TSR_E_ARGUMENT;
}

tsr_err fdo_plan_keep_files(tsr_bytes json, tsr_bytes stored, tsr_buf *out, char *why, size_t why_cap)
{
    keeping k = { .why = why, .why_cap = why_cap };
    tsr_json_out j = tsr_json_to(out);
    tsr_err err = TSR_OK;

    rest_room(out, json.len + 64);
    if (tsr_json_parse(json, &k.plan, NULL) != TSR_OK || k.plan.kind != TSR_JSON_OBJECT) {
        tsr_put_bytes(out, json);
        return out->err;
    }
    if (tsr_json_parse(stored, &k.stored, NULL) != TSR_OK)
        k.stored = (tsr_json){ 0 };
    err = put_plan(&j, &k.plan, keep_one, &k);
    return err == TSR_OK ? out->err : err;
}
