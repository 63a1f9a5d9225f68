/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that wait on the server for their device. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "apps/tessera/tessera.h"

enum { IN_A_ROW = 3 }; /* paths of a composite operation */

static bool id_ok(const char *text)
{
    uint64_t id;

    if (tsr_dec(tsr_text(text), &id) == TSR_OK && id > 0)
        return true;
    (void)fprintf(stderr, "tessera: %s is not the number of a request\n", text);
    return false;
}

static size_t count_of(const tsr_json *list)
{
    tsr_json_walk walk = tsr_json_items(list);
    size_t count = 0;

    while (tsr_json_next(&walk, NULL, NULL))
        count++;
    return count;
}

char *paths_of(const tsr_json *item, size_t most)
{
    enum { PATH_ROOM = 32 };
    tsr_json list, path;

    if (tsr_json_find(item, "paths", &list) != TSR_OK)
        return need(strdup(text_of(item, "path")));
    size_t count = count_of(&list), cap = (count + 1) * PATH_ROOM;
    char *text = need(malloc(cap)), one[PATH_ROOM - 1];
    tsr_buf out = tsr_buf_over(text, cap - PATH_ROOM);
    tsr_json_walk walk = tsr_json_items(&list);

    for (size_t i = 0; tsr_json_next(&walk, NULL, &path) && (most == 0 || i < most); i++) {
        if (i > 0)
            tsr_put_u8(&out, ' ');
        if (tsr_json_cstring(&path, one, sizeof one) == TSR_OK)
            put_visible(&out, tsr_text(one));
    }
    text[out.len] = '\0';
    if (most != 0 && count > most)
        (void)snprintf(text + out.len, cap - out.len, " +%zu", count - most);
    return text;
}

static void show_request(const tsr_json *r)
{
    char *paths = paths_of(r, 0);

    (void)printf("request %s: %s %s %s: %s", text_of(r, "id"), text_of(r, "endpoint"),
                 text_of(r, "operation"), paths, text_of(r, "state"));
    free(paths);
    if (text_of(r, "coap_code")[0] != '\0')
        (void)printf(" (%s)", text_of(r, "coap_code"));
    if (text_of(r, "location")[0] != '\0')
        (void)printf(" at %s", text_of(r, "location"));
    if (text_of(r, "detail")[0] != '\0')
        (void)printf(": %s", text_of(r, "detail"));
    (void)printf("\n");
    print_values(r);
    print_links(r);
}

static bool is_over(const tsr_json *r)
{
    const char *state = text_of(r, "state");

    return strcmp(state, "queued") != 0 && strcmp(state, "sent") != 0;
}

static int code_of(const tsr_json *r)
{
    const char *state = text_of(r, "state");

    if (strcmp(state, "failed") == 0)
        return EXIT_DEVICE;
    if (strcmp(state, "expired") == 0)
        return EXIT_TIMEOUT;
    return strcmp(state, "cancelled") == 0 ? EXIT_SERVER : EXIT_DONE;
}

/* Takes `a` over: prints it, or first asks again until the request is over. */
int follow_request(const options *o, answer *a)
{
    char path[64];
    int code = EXIT_DONE;

    (void)snprintf(path, sizeof path, "/requests/%s", text_of(&a->json, "id"));
    for (unsigned asked = 0; o->wait && code == EXIT_DONE && !is_over(&a->json); asked++) {
        http_free(a);
        (void)nanosleep(&(struct timespec){ asked < 10 ? 0 : 2, asked < 10 ? 200000000 : 0 }, NULL);
        code = http_call(o, "GET", path, NULL, a);
    }
    if (code == EXIT_DONE && o->json)
        print_json(a);
    else if (code == EXIT_DONE)
        show_request(&a->json);
    if (code == EXIT_DONE && is_over(&a->json))
        code = code_of(&a->json);
    http_free(a);
    return code;
}

/* request ID, request ID --wait, request cancel ID */
int cmd_request(const options *o)
{
    bool cancel = o->arg_count == 2;
    const char *id = o->args[o->arg_count - 1];
    char path[64];
    answer a;

    if (cancel && strcmp(o->args[0], "cancel") != 0) {
        (void)fprintf(stderr, "usage: tessera request ID [--wait] | cancel ID\n");
        return EXIT_USAGE;
    }
    if (!id_ok(id))
        return EXIT_USAGE;
    (void)snprintf(path, sizeof path, "/requests/%.24s", id);

    int code = http_call(o, cancel ? "DELETE" : "GET", path, NULL, &a);

    if (code != EXIT_DONE) {
        http_free(&a);
        return code;
    }
    code = follow_request(o, &a);
    return cancel && code == EXIT_SERVER ? EXIT_DONE : code;
}

static void add_requests(table *t, const tsr_json *page)
{
    tsr_json list, item;

    if (tsr_json_find(page, "items", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    while (tsr_json_next(&walk, NULL, &item)) {
        char *paths = paths_of(&item, IN_A_ROW);

        table_row(t, (const char *const[]){ text_of(&item, "id"), text_of(&item, "endpoint"),
                                            text_of(&item, "operation"), paths,
                                            text_of(&item, "state"), text_of(&item, "coap_code"),
                                            ago(text_of(&item, "created_at")) });
        free(paths);
    }
}

int cmd_requests(const options *o)
{
    table t = { .columns = 7 };
    char *name = o->arg_count > 0 ? need(curl_easy_escape(NULL, o->args[0], 0)) : NULL;
    size_t cap = 128 + (name != NULL ? strlen(name) : 0);
    char *path = need(malloc(cap));
    uint64_t limit = o->limit == 0 ? 100 : o->limit > 1000 ? 1000 : o->limit;
    answer a;

    (void)snprintf(path, cap, "/requests?limit=%llu%s%s%s", (unsigned long long)limit,
                   o->waiting ? "&waiting=true" : "", name != NULL ? "&endpoint=" : "",
                   name != NULL ? name : "");
    int code = http_call(o, "GET", path, NULL, &a);

    table_row(&t, (const char *const[]){ "ID", "ENDPOINT", "OPERATION", "PATH", "STATE", "CODE",
                                         "CREATED" });
    if (code == EXIT_DONE && o->json) {
        print_json(&a);
        table_free(&t);
    } else if (code == EXIT_DONE) {
        add_requests(&t, &a.json);
        table_print_or(&t, o->waiting ? "nothing waits" : "no request was queued");
    } else {
        table_free(&t);
    }
    free(path);
    curl_free(name);
    http_free(&a);
    return code;
}
