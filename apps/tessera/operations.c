/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

void query_of(const options *o, char *out, size_t cap, const char *more)
{
    char timeout[32] = "";

    if (o->timeout_s != 0)
        (void)snprintf(timeout, sizeof timeout, "&timeout=%u", o->timeout_s);
    (void)snprintf(out, cap, "%s%s%s%s", timeout, o->queue ? "&queue=true" : "",
                   more[0] != '\0' ? "&" : "", more);
    if (out[0] == '&')
        out[0] = '?';
}

/* Calls "/devices/EP/objects{path}{tail}?.."; the answer is printed as `print` likes it. */
static int operate(const options *o, const char *method, const char *path, const char *tail,
                   const char *more, const char *body,
                   void (*print)(const options *, const answer *))
{
    char query[128];
    answer a;

    query_of(o, query, sizeof query, more);
    char *where = device_path(o->args[0], "/objects%s%s%s", path, tail, query);
    int code = http_call(o, method, where, body, &a);

    free(where);
    if (code == EXIT_DONE && a.status == 202)
        return follow_request(o, &a);
    if (code == EXIT_DONE && o->json)
        print_json(&a);
    else if (code == EXIT_DONE)
        print(o, &a);
    http_free(&a);
    return code;
}

static void show_values(const options *o, const answer *a)
{
    (void)o;
    print_values(&a->json);
}

static void show_done(const options *o, const answer *a)
{
    (void)o;
    (void)printf("%s: done (%s)\n", text_of(&a->json, "path"), text_of(&a->json, "coap_code"));
}

int cmd_read(const options *o)
{
    if (!path_ok(o->args[1], 1, 4))
        return EXIT_USAGE;
    return operate(o, "GET", o->args[1], "", "", NULL, show_values);
}

/* The value from --file: without the line feed that editors add. */
static char *file_value(const char *name)
{
    enum { MAX = 1024 * 1024 };
    char *text = need(malloc(MAX + 1));
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");

    if (in == NULL) {
        (void)fprintf(stderr, "tessera: %s cannot be opened\n", name);
        free(text);
        return NULL;
    }
    size_t len = fread(text, 1, MAX, in);

    if (in != stdin)
        (void)fclose(in);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    text[len] = '\0';
    return text;
}

/* "/3303/0" from "/3303/0/5700" */
static void instance_of(const char *path, char *out, size_t cap)
{
    size_t len = 0;

    for (int slashes = 0; path[len] != '\0' && path[len] != '='; len++)
        if (path[len] == '/' && ++slashes == 3)
            break;
    (void)snprintf(out, cap, "%.*s", (int)(len < cap ? len : cap - 1), path);
}

/* write EP PATH VALUE, write EP PATH --file F, write EP PATH=VALUE ... */
int cmd_write(const options *o)
{
    char instance[32];
    char *body = NULL, *from_file = NULL;
    int code;
    bool pairs = strchr(o->args[1], '=') != NULL;

    if (!pairs && !path_ok(o->args[1], 3, 4))
        return EXIT_USAGE;
    if (!pairs && o->arg_count != (o->file != NULL ? 2 : 3)) {
        (void)fprintf(stderr, "tessera: write EP PATH VALUE, write EP PATH --file FILE, or "
                              "write EP PATH=VALUE ...\n");
        return EXIT_USAGE;
    }
    if (pairs) {
        instance_of(o->args[1], instance, sizeof instance);
        code = body_of_values(o, o->args + 1, o->arg_count - 1, instance, false, &body);
    } else {
        from_file = o->file != NULL ? file_value(o->file) : NULL;
        if (o->file != NULL && from_file == NULL)
            return EXIT_USAGE;
        code = body_of_value(o, o->args[1], from_file != NULL ? from_file : o->args[2], &body);
    }
    if (code == EXIT_DONE)
        code = operate(o, "PUT", pairs ? instance : o->args[1], "",
                       o->replace ? "mode=replace"
                       : pairs    ? "mode=update"
                                  : "",
                       body, show_done);
    free(body);
    free(from_file);
    return code;
}

int cmd_exec(const options *o)
{
    char room[8192];
    tsr_buf out = tsr_buf_over(room, sizeof room - 1);
    tsr_json_out j = tsr_json_to(&out);

    if (!path_ok(o->args[1], 3, 3))
        return EXIT_USAGE;
    tsr_json_open_object(&j);
    if (o->arg_count > 2) {
        tsr_json_put_key(&j, "arguments");
        tsr_json_put_cstring(&j, o->args[2]);
    }
    tsr_json_close(&j);
    if (tsr_json_end(&j) != TSR_OK) {
        (void)fprintf(stderr, "tessera: the arguments are longer than 1024 bytes\n");
        return EXIT_USAGE;
    }
    room[out.len] = '\0';
    return operate(o, "POST", o->args[1], "/execute", "", room, show_done);
}

static void show_created(const options *o, const answer *a)
{
    (void)o;
    (void)printf("%s: created\n", text_of(&a->json, "path"));
}

int cmd_create(const options *o)
{
    char object[16], instance[32];
    char *body = NULL;

    if (!path_ok(o->args[1], 1, 2))
        return EXIT_USAGE;
    bool named = strchr(o->args[1] + 1, '/') != NULL;

    (void)snprintf(object, sizeof object, "/%.*s", (int)strcspn(o->args[1] + 1, "/"),
                   o->args[1] + 1);
    (void)snprintf(instance, sizeof instance, "%.20s%s", o->args[1], named ? "" : "/65535");
    int code = body_of_values(o, o->args + 2, o->arg_count - 2, instance, named, &body);

    if (code == EXIT_DONE)
        code = operate(o, "POST", object, "", "", body, show_created);
    free(body);
    return code;
}

int cmd_delete(const options *o)
{
    if (!path_ok(o->args[1], 2, 4))
        return EXIT_USAGE;
    return operate(o, "DELETE", o->args[1], "", "", NULL, show_done);
}

void print_links(const tsr_json *links)
{
    table t = { .columns = 3 };
    tsr_json list, item, attributes, key, value;

    if (tsr_json_find(links, "links", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    table_row(&t, (const char *const[]){ "PATH", "NAME", "ATTRIBUTES" });
    while (tsr_json_next(&walk, NULL, &item)) {
        char all[512] = "";
        size_t len = 0;

        if (tsr_json_find(&item, "attributes", &attributes) != TSR_OK)
            continue;
        tsr_json_walk inner = tsr_json_items(&attributes);

        while (tsr_json_next(&inner, &key, &value) && len < sizeof all - 1) {
            bool flag = value.kind == TSR_JSON_TRUE;
            int n =
                snprintf(all + len, sizeof all - len, "%s%s%s%s", len > 0 ? " " : "",
                         value_text(&key, ""), flag ? "" : "=", flag ? "" : value_text(&value, ""));

            len += n > 0 ? (size_t)n : 0;
        }
        table_row(&t, (const char *const[]){ text_of(&item, "path"), text_of(&item, "name"), all });
    }
    table_print(&t);
}

static void show_links(const options *o, const answer *a)
{
    (void)o;
    print_links(&a->json);
}

int cmd_discover(const options *o)
{
    if (!path_ok(o->args[1], 1, 3))
        return EXIT_USAGE;
    return operate(o, "GET", o->args[1], "/discover", "", NULL, show_links);
}

/* attributes EP PATH pmin=5 gt= : a name without a value clears */
int cmd_attributes(const options *o)
{
    char room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room - 1);
    tsr_json_out j = tsr_json_to(&out);

    if (!path_ok(o->args[1], 1, 4))
        return EXIT_USAGE;
    tsr_json_open_object(&j);
    for (int i = 2; i < o->arg_count; i++) {
        const char *pair = o->args[i];
        size_t len = strcspn(pair, "=");
        tsr_json number;

        tsr_json_put_key_bytes(&j, tsr_view(pair, len));
        if (pair[len] == '\0' || pair[len + 1] == '\0')
            tsr_json_put_null(&j);
        else if (tsr_json_parse(tsr_text(pair + len + 1), &number, NULL) == TSR_OK &&
                 number.kind == TSR_JSON_NUMBER)
            tsr_json_put_raw(&j, number.text);
        else {
            (void)fprintf(stderr, "tessera: %s is not NAME=NUMBER\n", pair);
            return EXIT_USAGE;
        }
    }
    tsr_json_close(&j);
    if (tsr_json_end(&j) != TSR_OK)
        return EXIT_USAGE;
    room[out.len] = '\0';
    return operate(o, "PUT", o->args[1], "/attributes", "", room, show_done);
}

int cmd_values(const options *o)
{
    const char *path = o->arg_count > 1 ? o->args[1] : "/";

    if (o->arg_count > 1 && !path_ok(path, 1, 4))
        return EXIT_USAGE;
    char *where = device_path(o->args[0], "/values?path=%s", path);
    int code = http_show(o, where, print_values);

    free(where);
    return code;
}

static void print_history(const tsr_json *values)
{
    table t = { .columns = 2 };
    tsr_json list, item, value;

    if (tsr_json_find(values, "values", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    table_row(&t, (const char *const[]){ "RECEIVED", "VALUE" });
    while (tsr_json_next(&walk, NULL, &item))
        if (tsr_json_find(&item, "value", &value) == TSR_OK)
            table_row(&t, (const char *const[]){ text_of(&item, "received_at"),
                                                 value_text(&value, text_of(&item, "type")) });
    table_print(&t);
}

int cmd_history(const options *o)
{
    if (!path_ok(o->args[1], 3, 4))
        return EXIT_USAGE;
    char *where = device_path(o->args[0], "/history?path=%s&limit=%llu", o->args[1],
                              (unsigned long long)(o->limit != 0 ? o->limit : 100));
    int code = http_show(o, where, print_history);

    free(where);
    return code;
}
