/* SPDX-License-Identifier: Apache-2.0
 *
 * What an owner of FIDO Device Onboard does with devices: plans, and the groups that have them. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

/* "/fdo/plans/NAME", and what follows. */
static char *path_to(const char *what, const char *name, const char *then)
{
    char *escaped = need(curl_easy_escape(NULL, name, 0));
    size_t cap = strlen(what) + strlen(escaped) + strlen(then) + 16;
    char *path = need(malloc(cap));

    (void)snprintf(path, cap, "/fdo/%s%s%s", what, escaped, then);
    curl_free(escaped);
    return path;
}

/* --- plans ------------------------------------------------------------------------------ */

static void plan_row(table *t, const tsr_json *item)
{
    char modules[400] = "";
    size_t len = 0;
    tsr_json steps, step;

    if (tsr_json_find(item, "steps", &steps) == TSR_OK)
        for (tsr_json_walk walk = tsr_json_items(&steps); len < sizeof modules && tsr_json_next(&walk, NULL, &step);)
            len += (size_t)snprintf(modules + len, sizeof modules - len, "%s%s", len > 0 ? ", " : "",
                                    value_text(&step, "string"));
    table_row(t, (const char *const[]){ text_of(item, "name"), text_of(item, "device_info"), text_of(item, "bytes"),
                                        modules });
}

static int list_plans(const options *o)
{
    table t = { .columns = 4 };

    table_row(&t, (const char *const[]){ "PLAN", "DEVICE INFO", "BYTES", "STEPS" });
    return list_pages(o, "/fdo/plans", &t, plan_row, "there is no plan: devices are onboarded and nothing more");
}

static int show_plan(const options *o, const char *name)
{
    char *path = path_to("plans/", name, "");
    int code = http_show(o, path, print_json_lines);

    free(path);
    return code;
}

/* Sends a file to a place of the plan. */
static int send_plan(const options *o, const char *method, const char *name, const char *then, const char *done)
{
    tsr_bytes text;
    answer a;
    uint8_t *data;
    char *path;
    int code;

    if (o->file == NULL) {
        (void)fprintf(stderr, "tessera: plans %s NAME --file FILE|- (a plan in JSON)\n", o->args[0]);
        return EXIT_USAGE;
    }
    data = read_file("plans", o->file, &text);
    if (data == NULL)
        return EXIT_USAGE;
    data[text.len] = '\0'; /* read_file has room for it */
    path = path_to("plans/", name, then);
    code = http_call_file(o, method, path, (const char *)data, o->file, &a);
    if (code == EXIT_DONE && !o->json)
        (void)printf("%s %s\n", name, done);
    http_free(&a);
    free(path);
    tsr_wipe(data, text.len); /* it may hold keys */
    free(data);
    return code;
}

static int remove_plan(const options *o, const char *name)
{
    answer a;
    char *path = path_to("plans/", name, "");
    int code = http_call(o, "DELETE", path, NULL, &a);

    free(path);
    if (code == EXIT_DONE && !o->json)
        (void)printf("%s is removed\n", name);
    http_free(&a);
    return code;
}

int cmd_plans(const options *o)
{
    const char *what = o->args[0], *name = o->arg_count == 2 ? o->args[1] : NULL;

    if (strcmp(what, "list") == 0 && !name)
        return list_plans(o);
    if (strcmp(what, "show") == 0 && name)
        return show_plan(o, name);
    if (strcmp(what, "set") == 0 && name)
        return send_plan(o, "PUT", name, "", "is set; devices get it from now on");
    if (strcmp(what, "check") == 0 && name)
        return send_plan(o, "POST", name, "/check", "would be taken");
    if (strcmp(what, "remove") == 0 && name)
        return remove_plan(o, name);
    (void)fprintf(stderr, "tessera: plans list | show NAME | set NAME --file FILE|- | check NAME --file FILE|- | "
                          "remove NAME\n");
    return EXIT_USAGE;
}

/* --- groups ----------------------------------------------------------------------------- */

static void group_row(table *t, const tsr_json *item)
{
    bool plan = false;

    (void)tsr_json_find_bool(item, "plan", &plan);
    table_row(t, (const char *const[]){ text_of(item, "name"), text_of(item, "devices"), plan ? "yes" : "missing",
                                        text_of(item, "device_info") });
}

static int list_groups(const options *o)
{
    table t = { .columns = 4 };

    table_row(&t, (const char *const[]){ "GROUP", "DEVICES", "PLAN", "DEVICE INFO" });
    return list_pages(o, "/fdo/groups", &t, group_row, "there is no group: one is there once it has a plan");
}

void plan_words(const tsr_json *device, char *out, size_t cap)
{
    tsr_json plan;
    bool missing = false;

    (void)snprintf(out, cap, "-");
    if (tsr_json_find(device, "plan", &plan) != TSR_OK)
        return;
    (void)tsr_json_find_bool(&plan, "missing", &missing);
    if (missing)
        (void)snprintf(out, cap, "group %s has none", text_of(&plan, "name"));
    else if (text_of(&plan, "name")[0] != '\0')
        (void)snprintf(out, cap, "%s (%s)", text_of(&plan, "name"), text_of(&plan, "by"));
    else
        (void)snprintf(out, cap, "none");
}

static void device_row(table *t, const tsr_json *item)
{
    char plan[160];

    plan_words(item, plan, sizeof plan);
    table_row(t, (const char *const[]){ text_of(item, "guid"), text_of(item, "state"), plan, text_of(item, "serial"),
                                        text_of(item, "device_info") });
}

/* A group without devices and without a plan is not there. */
static int show_group(const options *o, const char *name)
{
    table t = { .columns = 5 };
    answer a;
    char *plan = path_to("plans/", name, ""), *path = path_to("devices?group=", name, "");
    int code;

    table_row(&t, (const char *const[]){ "GUID", "STATE", "PLAN", "SERIAL", "DEVICE INFO" });
    code = http_call(o, "GET", path, NULL, &a);
    if (code == EXIT_DONE) {
        tsr_json items;
        bool any = tsr_json_find(&a.json, "items", &items) == TSR_OK && tsr_json_count(&items) > 0;

        http_free(&a);
        code = any ? EXIT_DONE : http_call(o, "GET", plan, NULL, &a);
    }
    http_free(&a);
    if (code == EXIT_DONE)
        code = list_pages(o, path, &t, device_row, "no device is in this group");
    else
        table_free(&t);
    free(plan);
    free(path);
    return code;
}

/* Puts a device into a group; "": into none. */
static int put_into(const options *o, const char *guid, const char *group)
{
    char room[600], digits[33];
    tsr_buf body = tsr_buf_over(room, sizeof room - 1);
    tsr_json_out j = tsr_json_to(&body);
    answer a;
    char *path;
    int code;

    if (!guid_of(guid, digits)) {
        (void)fprintf(stderr, "tessera: %s: a GUID has 32 hexadecimal digits\n", guid);
        return EXIT_USAGE;
    }
    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "group");
    if (group[0] != '\0')
        tsr_json_put_cstring(&j, group);
    else
        tsr_json_put_null(&j);
    tsr_json_close(&j);
    if (tsr_json_end(&j) != TSR_OK) {
        (void)fprintf(stderr, "tessera: a group is named by 1 to 64 letters, digits and ._-\n");
        return EXIT_USAGE;
    }
    room[body.len] = '\0';
    path = path_to("devices/", digits, "/group");
    code = http_call(o, "PUT", path, room, &a);
    free(path);
    if (code == EXIT_DONE && o->json)
        print_json(&a);
    else if (code == EXIT_DONE && group[0] != '\0')
        (void)printf("%s is in %s\n", digits, group);
    else if (code == EXIT_DONE)
        (void)printf("%s is in no group\n", digits);
    http_free(&a);
    return code;
}

/* All of them, whatever becomes of one. Returns the first failure. */
static int put_all(const options *o, int from, const char *group)
{
    int code = EXIT_DONE;

    for (int i = from; i < o->arg_count; i++) {
        int now = put_into(o, o->args[i], group);

        code = code == EXIT_DONE ? now : code;
    }
    return code;
}

typedef struct {
    char (*guids)[33];
    size_t count;
} members;

static void add_members(void *arg, const answer *page)
{
    members *m = arg;
    tsr_json items, item;

    if (tsr_json_find(&page->json, "items", &items) != TSR_OK)
        return;
    m->guids = need(realloc(m->guids, (m->count + tsr_json_count(&items) + 1) * sizeof *m->guids));
    for (tsr_json_walk walk = tsr_json_items(&items); tsr_json_next(&walk, NULL, &item);)
        if (tsr_json_find_cstring(&item, "guid", m->guids[m->count], sizeof *m->guids) == TSR_OK)
            m->count++;
}

/* Its devices first: one that is in a group without a plan cannot be onboarded. */
static int delete_group(const options *o, const char *name)
{
    members m = { 0 };
    char *path = path_to("devices?group=", name, "");
    int code = walk_pages(o, path, add_members, &m);

    for (size_t i = 0; code == EXIT_DONE && i < m.count; i++)
        code = put_into(o, m.guids[i], "");
    if (code == EXIT_DONE)
        code = remove_plan(o, name);
    free(m.guids);
    free(path);
    return code;
}

int cmd_groups(const options *o)
{
    const char *what = o->args[0];
    int n = o->arg_count;

    if (strcmp(what, "list") == 0 && n == 1)
        return list_groups(o);
    if (strcmp(what, "show") == 0 && n == 2)
        return show_group(o, o->args[1]);
    if (strcmp(what, "add") == 0 && n >= 3 && o->args[1][0] != '\0')
        return put_all(o, 2, o->args[1]);
    if (strcmp(what, "remove") == 0 && n >= 2)
        return put_all(o, 1, "");
    if (strcmp(what, "delete") == 0 && n == 2)
        return delete_group(o, o->args[1]);
    (void)fprintf(stderr, "tessera: groups list | show NAME | add NAME GUID ... | remove GUID ... | delete NAME\n");
    return EXIT_USAGE;
}
