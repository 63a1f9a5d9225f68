/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices of FIDO Device Onboard: how far they are, and what the steps of plans brought from them. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apps/tessera/tessera.h"
#include "tessera/json/base64.h"

enum { STAGES_MAX = 16 };

/* The stages of a device, the earliest first: moments are written so that they sort as text. */
static size_t stages_of(const tsr_json *device, tsr_json stages[STAGES_MAX])
{
    tsr_json list, stage;
    tsr_json_walk walk;
    size_t n = 0;

    if (tsr_json_find(device, "stages", &list) != TSR_OK)
        return 0;
    for (walk = tsr_json_items(&list); n < STAGES_MAX && tsr_json_next(&walk, NULL, &stage);) {
        size_t at = n++;

        for (; at > 0 && strcmp(text_of(&stages[at - 1], "at"), text_of(&stage, "at")) > 0; at--)
            stages[at] = stages[at - 1];
        stages[at] = stage;
    }
    return n;
}

/* --- lists ------------------------------------------------------------------------------ */

static void device_row(table *t, const tsr_json *item)
{
    tsr_json stages[STAGES_MAX];
    size_t n = stages_of(item, stages);
    char plan[160];

    plan_words(item, plan, sizeof plan);
    table_row(t, (const char *const[]){ text_of(item, "guid"), text_of(item, "state"),
                                        n > 0 ? text_of(&stages[n - 1], "stage") : "-", plan,
                                        ago(text_of(item, "changed_at")), text_of(item, "serial"),
                                        text_of(item, "device_info") });
}

static int list_devices(const options *o)
{
    table t = { .columns = 7 };

    table_row(&t, (const char *const[]){ "GUID", "STATE", "LAST STAGE", "PLAN", "CHANGED", "SERIAL", "DEVICE INFO" });
    return list_pages(o, "/fdo/devices", &t, device_row, "no device was made here, and no voucher imported");
}

static void redirect_row(table *t, const tsr_json *item)
{
    table_row(t, (const char *const[]){ text_of(item, "guid"), text_of(item, "owner"), text_of(item, "entries"),
                                        text_of(item, "ends_at"), text_of(item, "over") });
}

static int list_redirects(const options *o)
{
    table t = { .columns = 5 };

    table_row(&t, (const char *const[]){ "GUID", "OWNER IS AT", "ENTRIES", "ENDS", "OVER" });
    return list_pages(o, "/fdo/redirects", &t, redirect_row, "no owner is registered at this rendezvous server");
}

/* --- one device ------------------------------------------------------------------------- */

static void print_fact(const char *name, const char *text)
{
    if (text[0] != '\0')
        (void)printf("%-12s %s\n", name, text);
}

static void print_device(const tsr_json *d)
{
    static const char *const facts[][2] = {
        { "guid", "guid" }, { "state", "state" }, { "replaced by", "replaced_by" },
        { "made again", "made_again_as" }, { "serial", "serial" }, { "device info", "device_info" },
        { "endpoint", "endpoint" }, { "group", "group" }, { "entries", "entries" },
        { "known since", "since" }, { "next TO0", "registers_at" },
    };
    tsr_json stages[STAGES_MAX];
    size_t n = stages_of(d, stages);
    table t = { .columns = 3 };
    char plan[160];

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        print_fact(facts[i][0], text_of(d, facts[i][1]));
    plan_words(d, plan, sizeof plan);
    print_fact("plan", plan);
    (void)printf("\n");
    table_row(&t, (const char *const[]){ "STAGE", "WHEN", "WHAT" });
    for (size_t i = 0; i < n; i++)
        table_row(&t, (const char *const[]){ text_of(&stages[i], "stage"), text_of(&stages[i], "at"),
                                             text_of(&stages[i], "detail") });
    table_print_or(&t, "no stage is known");
}

static int show_device(const options *o, const char *text)
{
    char guid[33], path[80];

    if (!guid_of(text, guid)) {
        (void)fprintf(stderr, "tessera: %s: a GUID has 32 hexadecimal digits\n", text);
        return EXIT_USAGE;
    }
    (void)snprintf(path, sizeof path, "/fdo/devices/%s", guid);
    return http_show(o, path, print_device);
}

/* --- results ---------------------------------------------------------------------------- */

typedef struct {
    const options *o;
    const char *guid; /* "": any */
    table t;
} results;

static void add_results(void *arg, const answer *page)
{
    results *r = arg;
    tsr_json items, item;

    if (r->o->json)
        print_json(page);
    else if (tsr_json_find(&page->json, "items", &items) == TSR_OK)
        for (tsr_json_walk walk = tsr_json_items(&items); tsr_json_next(&walk, NULL, &item);)
            if (strncmp(text_of(&item, "name"), r->guid, strlen(r->guid)) == 0)
                table_row(&r->t, (const char *const[]){ text_of(&item, "name"), text_of(&item, "bytes") });
}

static int list_results(const options *o, const char *text)
{
    char guid[33] = "";
    results r = { .o = o, .guid = guid, .t = { .columns = 2 } };
    int code;

    if (text != NULL && !guid_of(text, guid)) {
        (void)fprintf(stderr, "tessera: %s: a GUID has 32 hexadecimal digits\n", text);
        return EXIT_USAGE;
    }
    table_row(&r.t, (const char *const[]){ "RESULT", "BYTES" });
    code = walk_pages(o, "/fdo/results", add_results, &r);
    if (code != EXIT_DONE || o->json)
        table_free(&r.t);
    else
        table_print_or(&r.t, "no step of a plan brought anything");
    return code;
}

/* The bytes as they are; a terminal gets what cannot drive it. */
static int print_result(const answer *a)
{
    tsr_buf bytes = tsr_buf_over(need(malloc(a->len + 1)), a->len + 1);
    tsr_buf scratch = tsr_buf_over(need(malloc(a->len + 1)), a->len + 1);
    tsr_json data;
    tsr_bytes text;
    int code = EXIT_DONE;

    if (tsr_json_find(&a->json, "data", &data) != TSR_OK || tsr_json_string(&data, &scratch, &text) != TSR_OK ||
        tsr_base64_get(text, &bytes) != TSR_OK) {
        (void)fprintf(stderr, "tessera: the server's answer is no result\n");
        code = EXIT_SERVER;
    } else if (isatty(STDOUT_FILENO) != 0) {
        print_visible(tsr_buf_view(&bytes));
        (void)printf("\n");
    } else {
        (void)fwrite(bytes.ptr, 1, bytes.len, stdout);
    }
    free(scratch.ptr);
    free(bytes.ptr);
    return code;
}

static int show_result(const options *o, const char *name)
{
    char *escaped = need(curl_easy_escape(NULL, name, 0));
    size_t cap = strlen(escaped) + 32;
    char *path = need(malloc(cap));
    answer a;
    int code;

    (void)snprintf(path, cap, "/fdo/results/%s", escaped);
    curl_free(escaped);
    code = http_call(o, "GET", path, NULL, &a);
    free(path);
    if (code == EXIT_DONE && o->json)
        print_json(&a);
    else if (code == EXIT_DONE)
        code = print_result(&a);
    http_free(&a);
    return code;
}

int cmd_onboarding(const options *o)
{
    const char *what = o->args[0], *name = o->arg_count == 2 ? o->args[1] : NULL;

    if (strcmp(what, "list") == 0 && !name)
        return list_devices(o);
    if (strcmp(what, "show") == 0 && name)
        return show_device(o, name);
    if (strcmp(what, "results") == 0)
        return list_results(o, name);
    if (strcmp(what, "result") == 0 && name)
        return show_result(o, name);
    if (strcmp(what, "redirects") == 0 && !name)
        return list_redirects(o);
    (void)fprintf(stderr, "tessera: onboarding list | show GUID | results [GUID] | result GUID/NAME | redirects\n");
    return EXIT_USAGE;
}
