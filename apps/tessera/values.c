/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: from the command line to JSON of the resource's type, and from JSON to a table. */
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"
#include "tessera/lwm2m/model/path.h"

enum { PATH_MAX_LEN = 24 };

bool path_ok(const char *path, int min, int max)
{
    int depth = 0;
    const char *p = path;

    while (*p == '/') {
        size_t digits = strspn(p + 1, "0123456789");

        if (digits == 0 || digits > 5)
            break;
        p += digits + 1;
        depth++;
    }
    if (*p == '\0' && depth >= min && depth <= max)
        return true;
    static const char *const like[] = { "", "/3303", "/3303/0", "/3303/0/5700", "/3/0/6/0" };

    (void)fprintf(stderr, "tessera: %s is not a path of that kind; write it like %s\n", path,
                  like[min]);
    return false;
}

/* --- to JSON ------------------------------------------------------------------------------ */

/* The type that the server's model gives the resource; "" when it knows none. */
static int model_type(const options *o, const char *path, char *type, size_t cap)
{
    char where[32];
    tsr_lwm2m_path at = tsr_lwm2m_at_root();
    answer a;
    tsr_json list, item;
    uint64_t id;

    type[0] = '\0';
    if (o->type != NULL) {
        (void)snprintf(type, cap, "%s", o->type);
        return EXIT_DONE;
    }
    (void)tsr_lwm2m_path_parse(tsr_text(path), &at); /* path_ok has seen it */
    (void)snprintf(where, sizeof where, "/models/%u", (unsigned)at.object);

    /* The list first: an object without a model is no failure, JSON's own types serve then. */
    int code = http_call(o, "GET", "/models", NULL, &a);

    if (code != EXIT_DONE)
        return code;
    bool known = false;

    if (tsr_json_find(&a.json, "items", &list) == TSR_OK) {
        tsr_json_walk walk = tsr_json_items(&list);

        while (!known && tsr_json_next(&walk, NULL, &item))
            known = tsr_json_find_uint(&item, "id", &id) == TSR_OK && id == at.object;
    }
    http_free(&a);
    if (!known)
        return EXIT_DONE;
    code = http_call(o, "GET", where, NULL, &a);
    if (code == EXIT_DONE && tsr_json_find(&a.json, "resources", &list) == TSR_OK) {
        tsr_json_walk walk = tsr_json_items(&list);

        while (tsr_json_next(&walk, NULL, &item))
            if (tsr_json_find_uint(&item, "id", &id) == TSR_OK && id == at.resource)
                (void)tsr_json_find_cstring(&item, "type", type, cap);
    }
    http_free(&a);
    return code;
}

static bool is_number(const char *text)
{
    tsr_json v;

    return tsr_json_parse(tsr_text(text), &v, NULL) == TSR_OK && v.kind == TSR_JSON_NUMBER;
}

/* What has no type is what it looks like. */
static void put_guessed(tsr_json_out *j, const char *value)
{
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0 || is_number(value))
        tsr_json_put_raw(j, tsr_text(value));
    else
        tsr_json_put_cstring(j, value);
}

static bool put_typed(tsr_json_out *j, const char *value, const char *type)
{
    bool number = strcmp(type, "integer") == 0 || strcmp(type, "unsigned") == 0;
    bool moment = strcmp(type, "time") == 0;

    if (type[0] == '\0') {
        put_guessed(j, value);
    } else if (number || strcmp(type, "float") == 0) {
        if (is_number(value))
            tsr_json_put_raw(j, tsr_text(value));
        else if (!number && strpbrk(value, "Nn") != NULL)
            tsr_json_put_cstring(j, value); /* NaN, Infinity: the server judges */
        else
            return false;
    } else if (strcmp(type, "boolean") == 0) {
        bool on = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;

        if (!on && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
            return false;
        tsr_json_put_bool(j, on);
    } else if (moment && is_number(value)) {
        tsr_json_put_raw(j, tsr_text(value));
    } else {
        tsr_json_put_cstring(j, value);
    }
    return true;
}

static int put_value(const options *o, tsr_json_out *j, const char *path, const char *value)
{
    char type[16];
    int code = model_type(o, path, type, sizeof type);

    if (code != EXIT_DONE)
        return code;
    tsr_json_put_key(j, "value");
    if (!put_typed(j, value, type)) {
        (void)fprintf(stderr, "tessera: %s holds %s; \"%s\" is none\n", path, type, value);
        return EXIT_USAGE;
    }
    if (o->type != NULL) {
        tsr_json_put_key(j, "type");
        tsr_json_put_cstring(j, o->type);
    }
    return EXIT_DONE;
}

static char *finish(tsr_buf *out)
{
    tsr_put_u8(out, 0);
    return (char *)out->ptr;
}

/* Room for JSON of these arguments: a byte takes six at most. */
static tsr_buf room_for(char **args, int count)
{
    size_t cap = 256;

    for (int i = 0; i < count; i++)
        cap += 6 * strlen(args[i]) + 128;
    return tsr_buf_over(need(malloc(cap)), cap);
}

int body_of_value(const options *o, const char *path, const char *value, char **body)
{
    char *copy = (char *)(uintptr_t)value;
    tsr_buf out = room_for(&copy, 1);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    int code = put_value(o, &j, path, value);

    tsr_json_close(&j);
    *body = finish(&out);
    return code;
}

/* "5700=1" or "/3303/0/5700=1"; the former below `instance`. */
static int put_pair(const options *o, tsr_json_out *j, const char *pair, const char *instance)
{
    const char *equals = strchr(pair, '=');
    char path[PATH_MAX_LEN + 32];
    int len = equals != NULL ? (int)(equals - pair) : 0;

    if (equals == NULL || len == 0 || len > PATH_MAX_LEN) {
        (void)fprintf(stderr, "tessera: %s is not PATH=VALUE\n", pair);
        return EXIT_USAGE;
    }
    if (pair[0] == '/')
        (void)snprintf(path, sizeof path, "%.*s", len, pair);
    else
        (void)snprintf(path, sizeof path, "%s/%.*s", instance, len, pair);
    if (!path_ok(path, 3, 4))
        return EXIT_USAGE;
    tsr_json_open_object(j);
    tsr_json_put_key(j, "path");
    tsr_json_put_cstring(j, path);
    int code = put_value(o, j, path, equals + 1);

    tsr_json_close(j);
    return code;
}

int body_of_values(const options *o, char **args, int count, const char *instance, bool named,
                   char **body)
{
    tsr_buf out = room_for(args, count);
    tsr_json_out j = tsr_json_to(&out);
    const char *last = strrchr(instance, '/');
    int code = EXIT_DONE;

    tsr_json_open_object(&j);
    if (named) {
        tsr_json_put_key(&j, "instance");
        tsr_json_put_raw(&j, tsr_text(last + 1));
    }
    if (count > 0) {
        tsr_json_put_key(&j, "values");
        tsr_json_open_array(&j);
        for (int i = 0; i < count && code == EXIT_DONE; i++)
            code = put_pair(o, &j, args[i], instance);
        tsr_json_close(&j);
    }
    tsr_json_close(&j);
    *body = finish(&out);
    return code;
}

static int put_change(const options *o, tsr_json_out *j, const char *change)
{
    if (strchr(change, '=') != NULL)
        return put_pair(o, j, change, "");
    if (!path_ok(change, 4, 4))
        return EXIT_USAGE;
    tsr_json_open_object(j);
    tsr_json_put_key(j, "path");
    tsr_json_put_cstring(j, change);
    tsr_json_put_key(j, "value");
    tsr_json_put_null(j);
    tsr_json_close(j);
    return EXIT_DONE;
}

int body_of_changes(const options *o, char **args, int count, char **body)
{
    tsr_buf out = room_for(args, count);
    tsr_json_out j = tsr_json_to(&out);
    int code = EXIT_DONE;

    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "values");
    tsr_json_open_array(&j);
    for (int i = 0; i < count && code == EXIT_DONE; i++)
        code = put_change(o, &j, args[i]);
    tsr_json_close(&j);
    tsr_json_close(&j);
    *body = finish(&out);
    return code;
}

/* --- from JSON ---------------------------------------------------------------------------- */

static const char *unit_text(const char *unit)
{
    if (strcmp(unit, "Cel") == 0)
        return "°C";
    return strcmp(unit, "/100") == 0 ? "%" : unit;
}

void print_values(const tsr_json *values)
{
    table t = { .columns = 4 };
    tsr_json list, item, value;

    if (tsr_json_find(values, "values", &list) != TSR_OK)
        return;
    tsr_json_walk walk = tsr_json_items(&list);

    table_row(&t, (const char *const[]){ "PATH", "NAME", "VALUE", "TYPE" });
    while (tsr_json_next(&walk, NULL, &item)) {
        const char *type = text_of(&item, "type"), *unit = unit_text(text_of(&item, "units"));
        char shown[1100];

        if (tsr_json_find(&item, "value", &value) != TSR_OK)
            continue;
        (void)snprintf(shown, sizeof shown, "%s%s%s", value_text(&value, type),
                       unit[0] != '\0' ? " " : "", unit);
        table_row(&t, (const char *const[]){ text_of(&item, "path"), text_of(&item, "name"), shown,
                                             type });
    }
    table_print_or(&t, "nothing there");
}
