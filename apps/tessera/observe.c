/* SPDX-License-Identifier: Apache-2.0
 *
 * Observations and the event stream. */
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

typedef struct {
    const options *o;
    const char *path; /* only notifications of this observation; NULL: every event */
    uint64_t seen;
} follower;

static void print_one_line(const tsr_json *event)
{
    tsr_json list, item, value;
    const char *at = text_of(event, "at");

    (void)printf("%-24s  %-13s  %-20s", at, text_of(event, "type"), text_of(event, "endpoint"));
    const char *const words[] = { text_of(event, "operation"), text_of(event, "path"),
                                  text_of(event, "coap_code"), text_of(event, "detail") };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i][0] != '\0')
            (void)printf("  %s", words[i]);
    if (tsr_json_find(event, "values", &list) == TSR_OK) {
        tsr_json_walk walk = tsr_json_items(&list);

        while (tsr_json_next(&walk, NULL, &item))
            if (tsr_json_find(&item, "value", &value) == TSR_OK)
                (void)printf("  %s=%s", text_of(&item, "path"),
                             value_text(&value, text_of(&item, "type")));
    }
    (void)printf("\n");
}

static void print_notification(const tsr_json *event)
{
    tsr_json list, item, value;

    if (tsr_json_find(event, "values", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    while (tsr_json_next(&walk, NULL, &item))
        if (tsr_json_find(&item, "value", &value) == TSR_OK)
            (void)printf("%s  %s  %s  %s\n", text_of(event, "at"), text_of(&item, "path"),
                         text_of(&item, "name"), value_text(&value, text_of(&item, "type")));
}

static bool on_event(void *arg, const char *name, const tsr_json *event)
{
    follower *f = arg;

    if (f->path != NULL &&
        (strcmp(name, "notification") != 0 || strcmp(text_of(event, "path"), f->path) != 0))
        return true;
    if (f->o->json)
        (void)printf("%.*s\n", (int)event->text.len, (const char *)event->text.ptr);
    else if (strcmp(name, "gap") == 0)
        (void)printf("-- events were lost; the oldest kept is %s\n", text_of(event, "oldest"));
    else if (f->path != NULL)
        print_notification(event);
    else
        print_one_line(event);
    (void)fflush(stdout);
    return f->o->count == 0 || ++f->seen < f->o->count;
}

int cmd_events(const options *o)
{
    follower f = { .o = o };

    return http_stream(o, o->endpoint, o->after, on_event, &f);
}

static bool already_observed(const options *o, const char *path)
{
    answer a;
    tsr_json list, item;
    bool found = false;
    char *where = device_path(o->args[0], "/observations");

    if (http_call(o, "GET", where, NULL, &a) == EXIT_DONE &&
        tsr_json_find(&a.json, "items", &list) == TSR_OK) {
        tsr_json_walk walk = tsr_json_items(&list);

        while (!found && tsr_json_next(&walk, NULL, &item))
            found = strcmp(text_of(&item, "path"), path) == 0;
    }
    free(where);
    http_free(&a);
    return found;
}

/* The id to begin after, so that no notification falls between the answer and the stream. */
static int newest_event(const options *o, char *id, size_t cap)
{
    answer a;
    int code = http_call(o, "GET", "/events?limit=1", NULL, &a);

    if (code == EXIT_DONE)
        (void)snprintf(id, cap, "%s", text_of(&a.json, "latest"));
    http_free(&a);
    return code;
}

static int set_observation(const options *o, const char *method, bool print)
{
    answer a;
    char *where = device_path(o->args[0], "/observations%s", o->args[1]);
    int code = http_call(o, method, where, strcmp(method, "PUT") == 0 ? "{}" : NULL, &a);

    free(where);
    if (code == EXIT_DONE && print && o->json)
        print_json(&a);
    else if (code == EXIT_DONE && print)
        print_values(&a.json);
    (void)fflush(stdout);
    http_free(&a);
    return code;
}

/* Observes until it is interrupted, and leaves the device as it was found. */
int cmd_observe(const options *o)
{
    char after[24] = "";

    if (!path_ok(o->args[1], 1, 4))
        return EXIT_USAGE;
    int code = newest_event(o, after, sizeof after);

    if (code != EXIT_DONE)
        return code;
    bool before = already_observed(o, o->args[1]);

    code = set_observation(o, "PUT", true);
    if (code != EXIT_DONE)
        return code;
    follower f = { .o = o, .path = o->args[1] };

    code = http_stream(o, o->args[0], after, on_event, &f);
    if (!before && !o->keep) {
        int ended = set_observation(o, "DELETE", false);

        code = code != EXIT_DONE ? code : ended;
    }
    return code;
}

int cmd_cancel(const options *o)
{
    if (!path_ok(o->args[1], 1, 4))
        return EXIT_USAGE;
    int code = set_observation(o, "DELETE", false);

    if (code == EXIT_DONE && !o->json)
        (void)printf("%s: no longer observed\n", o->args[1]);
    return code;
}

/* One path, or those of a composite observation as far as they fit. */
static void put_paths(const tsr_json *item, char *text, size_t cap)
{
    tsr_json list, path;
    size_t n = 0;

    (void)snprintf(text, cap, "%s", text_of(item, "path"));
    if (tsr_json_find(item, "paths", &list) != TSR_OK)
        return;
    for (tsr_json_walk walk = tsr_json_items(&list); tsr_json_next(&walk, NULL, &path);) {
        int len = snprintf(text + n, cap - n, "%s%s", n != 0 ? " " : "", value_text(&path, ""));

        n += len > 0 ? (size_t)len : 0;
        if (n >= cap)
            return;
    }
}

static void print_observations(const tsr_json *page)
{
    table t = { .columns = 5 };
    tsr_json list, item;

    if (tsr_json_find(page, "items", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    table_row(&t, (const char *const[]){ "PATH", "NAME", "ACTIVE", "NOTIFICATIONS", "LAST" });
    while (tsr_json_next(&walk, NULL, &item)) {
        char paths[256];

        put_paths(&item, paths, sizeof paths);
        table_row(&t, (const char *const[]){
                          paths, text_of(&item, "name"), text_of(&item, "active"),
                          text_of(&item, "notifications"), ago(text_of(&item, "last_at")) });
    }
    table_print_or(&t, "nothing is observed");
}

int cmd_observations(const options *o)
{
    char *where = device_path(o->args[0], "/observations");
    int code = http_show(o, where, print_observations);

    free(where);
    return code;
}
