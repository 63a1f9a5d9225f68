/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

static const char *state_of(const tsr_json *device)
{
    bool online = false, queue = false;

    (void)tsr_json_find_bool(device, "online", &online);
    (void)tsr_json_find_bool(device, "queue_mode", &queue);
    return online ? "online" : queue ? "asleep" : "silent";
}

static void add_devices(table *t, const tsr_json *page)
{
    tsr_json list, item;

    if (tsr_json_find(page, "items", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    while (tsr_json_next(&walk, NULL, &item))
        table_row(t, (const char *const[]){
                         text_of(&item, "endpoint"), state_of(&item), text_of(&item, "security"),
                         text_of(&item, "version"), text_of(&item, "address"),
                         text_of(&item, "observations"), ago(text_of(&item, "seen_at")) });
}

/* "/devices?limit=..&q=..&cursor=.." */
static char *list_path(const options *o, uint64_t limit, const char *cursor)
{
    char *q = o->query != NULL ? need(curl_easy_escape(NULL, o->query, 0)) : NULL;
    char *c = cursor[0] != '\0' ? need(curl_easy_escape(NULL, cursor, 0)) : NULL;
    size_t cap = 128 + (q != NULL ? strlen(q) : 0) + (c != NULL ? strlen(c) : 0);
    char *path = need(malloc(cap));

    (void)snprintf(path, cap, "/devices?limit=%llu%s%s%s%s%s", (unsigned long long)limit,
                   q != NULL ? "&q=" : "", q != NULL ? q : "", o->online ? "&online=true" : "",
                   c != NULL ? "&cursor=" : "", c != NULL ? c : "");
    curl_free(q);
    curl_free(c);
    return path;
}

int cmd_devices(const options *o)
{
    table t = { .columns = 7 };
    uint64_t left = o->limit != 0 ? o->limit : UINT64_MAX;
    char cursor[512] = "";
    int code;

    table_row(&t, (const char *const[]){ "ENDPOINT", "STATE", "SECURITY", "LWM2M", "ADDRESS",
                                         "OBSERVED", "SEEN" });
    do {
        uint64_t page = left < 1000 ? left : 1000;
        char *path = list_path(o, page, cursor);
        answer a;

        code = http_call(o, "GET", path, NULL, &a);
        free(path);
        if (code != EXIT_DONE) {
            table_free(&t);
            return code;
        }
        cursor[0] = '\0';
        (void)tsr_json_find_cstring(&a.json, "next", cursor, sizeof cursor);
        if (o->json)
            print_json(&a);
        else
            add_devices(&t, &a.json);
        http_free(&a);
        left -= page;
    } while (cursor[0] != '\0' && left > 0);
    if (o->json)
        table_free(&t);
    else
        table_print_or(&t, o->query != NULL || o->online ? "no device matches"
                                                         : "no device is registered");
    return code;
}

static void print_objects(const tsr_json *device)
{
    table t = { .columns = 4 };
    tsr_json list, item, instances, instance;

    if (tsr_json_find(device, "objects", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    table_row(&t, (const char *const[]){ "OBJECT", "NAME", "VERSION", "INSTANCES" });
    while (tsr_json_next(&walk, NULL, &item)) {
        char all[512] = "";
        size_t len = 0;

        (void)tsr_json_find(&item, "instances", &instances);
        tsr_json_walk inner = tsr_json_items(&instances);

        while (tsr_json_next(&inner, NULL, &instance) && len + instance.text.len + 3 < sizeof all) {
            len += (size_t)snprintf(all + len, sizeof all - len, "%s%.*s", len > 0 ? ", " : "",
                                    (int)instance.text.len, (const char *)instance.text.ptr);
        }
        table_row(&t, (const char *const[]){ text_of(&item, "object"), text_of(&item, "name"),
                                             text_of(&item, "version"), len > 0 ? all : "none" });
    }
    table_print(&t);
}

static void print_device(const tsr_json *d)
{
    (void)printf("%s\n", text_of(d, "endpoint"));
    (void)printf("  state       %s\n", state_of(d));
    (void)printf("  security    %s%s%s\n", text_of(d, "security"),
                 text_of(d, "identity")[0] != '\0' ? ", identity " : "", text_of(d, "identity"));
    (void)printf("  address     %s\n", text_of(d, "address"));
    (void)printf("  protocol    LwM2M %s, binding %s\n", text_of(d, "version"),
                 text_of(d, "binding"));
    (void)printf("  registered  %s\n", ago(text_of(d, "registered_at")));
    (void)printf("  updated     %s\n", ago(text_of(d, "updated_at")));
    (void)printf("  seen        %s\n", ago(text_of(d, "seen_at")));
    (void)printf("  lifetime    %s s\n\n", text_of(d, "lifetime_s"));
    print_objects(d);
}

int cmd_show(const options *o)
{
    char *path = device_path(o->args[0], "%s", "");
    int code = http_show(o, path, print_device);

    free(path);
    return code;
}

int cmd_drop(const options *o)
{
    char *path = device_path(o->args[0], "%s", "");
    answer a;
    int code = http_call(o, "DELETE", path, NULL, &a);

    free(path);
    http_free(&a);
    if (code == EXIT_DONE && !o->json)
        (void)printf("the registration of %s was ended\n", o->args[0]);
    return code;
}

static void print_health(const tsr_json *health)
{
    (void)printf("%s, version %s, started %s, %s devices\n", text_of(health, "status"), text_of(health, "version"),
                 ago(text_of(health, "started_at")), text_of(health, "devices"));
}

int cmd_health(const options *o) { return http_show(o, "/health", print_health); }

/* The objects that have a model, or one of them with its resources. */
static void print_models(const tsr_json *answer_json)
{
    table t = { .columns = 5 };
    tsr_json list, item;
    bool resources = tsr_json_find(answer_json, "resources", &list) == TSR_OK;

    if (!resources && tsr_json_find(answer_json, "items", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    table_row(&t, (const char *const[]){ resources ? "RESOURCE" : "OBJECT", "NAME", resources ? "OPERATIONS" : "VERSION",
                                         resources ? "TYPE" : "", resources ? "UNITS" : "" });
    while (tsr_json_next(&walk, NULL, &item))
        table_row(&t, (const char *const[]){ text_of(&item, "id"), text_of(&item, "name"),
                                             text_of(&item, resources ? "operations" : "version"),
                                             resources ? text_of(&item, "type") : "",
                                             resources ? text_of(&item, "units") : "" });
    table_print(&t);
}

int cmd_models(const options *o)
{
    char path[64] = "/models";

    if (o->arg_count > 0)
        (void)snprintf(path, sizeof path, "/models/%.5s", o->args[0]);
    return http_show(o, path, print_models);
}
