/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists that the server gives page by page. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

int walk_pages(const options *o, const char *path, page_fn *fn, void *arg)
{
    char cursor[512] = "";
    int code;

    do {
        answer a;
        char *at = need(curl_easy_escape(NULL, cursor, 0));
        size_t cap = strlen(path) + strlen(at) + 40;
        char *page = need(malloc(cap));

        (void)snprintf(page, cap, "%s%climit=1000%s%s", path, strchr(path, '?') != NULL ? '&' : '?',
                       cursor[0] ? "&cursor=" : "", at);
        curl_free(at);
        code = http_call(o, "GET", page, NULL, &a);
        free(page);
        cursor[0] = '\0';
        if (code == EXIT_DONE) {
            (void)tsr_json_find_cstring(&a.json, "next", cursor, sizeof cursor);
            fn(arg, &a);
        }
        http_free(&a);
    } while (cursor[0] != '\0');
    return code;
}

typedef struct {
    const options *o;
    table *t;
    row_fn *fn;
} listing;

static void add_page(void *arg, const answer *a)
{
    const listing *l = arg;
    tsr_json items, item;

    if (l->o->json) {
        print_json(a);
        return;
    }
    if (tsr_json_find(&a->json, "items", &items) != TSR_OK)
        return;
    for (tsr_json_walk walk = tsr_json_items(&items); tsr_json_next(&walk, NULL, &item);)
        l->fn(l->t, &item);
}

int list_pages(const options *o, const char *path, table *t, row_fn *fn, const char *nothing)
{
    listing l = { o, t, fn };
    int code = walk_pages(o, path, add_page, &l);

    if (code != EXIT_DONE || o->json)
        table_free(t);
    else
        table_print_or(t, nothing);
    return code;
}
