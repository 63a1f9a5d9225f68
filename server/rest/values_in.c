/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/rest/moment.h"
#include "server/rest/names.h"
#include "server/rest/room.h"
#include "tessera/json/base64.h"

static tsr_err refuse(rest_values *v, rest_problem_kind kind, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));

static tsr_err refuse(rest_values *v, rest_problem_kind kind, const char *detail, ...)
{
    va_list args;

    va_start(args, detail);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(v->detail, sizeof v->detail, detail, args);
    va_end(args);
    v->problem = (rest_problem){ .kind = kind, .detail = v->detail };
    return TSR_E_ARGUMENT;
}

static const char *kind_name(tsr_json_kind kind)
{
    static const char *const names[] = { "null",           "a boolean", "a boolean", "a number",
                                         "another string", "an array",  "an object" };

    return names[kind];
}

/* What to send for each type, in the words of the document. */
static const char *wanted(tsr_lwm2m_type type)
{
    switch (type) {
    case TSR_LWM2M_INTEGER: return "a whole number of 64 bits";
    case TSR_LWM2M_UNSIGNED: return "a whole number from 0 to 18446744073709551615";
    case TSR_LWM2M_FLOAT: return "a number, or \"NaN\", \"Infinity\" or \"-Infinity\"";
    case TSR_LWM2M_BOOLEAN: return "true or false";
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_RAW_BYTES: return "Base64 in a string";
    case TSR_LWM2M_TIME: return "a date-time like \"2026-01-31T12:00:00Z\" or whole Unix seconds";
    case TSR_LWM2M_OBJLNK: return "a string \"object:instance\" like \"3303:0\"";
    default: return "a string";
    }
}

static tsr_err text_of(rest_values *v, const tsr_json *item, tsr_bytes *text)
{
    /* The scratch is as large as the body: no string can outgrow it. */
    return tsr_json_string(item, &v->scratch, text);
}

static tsr_err opaque_of(rest_values *v, const tsr_json *item, tsr_bytes *bytes)
{
    tsr_bytes text;

    if (text_of(v, item, &text) != TSR_OK)
        return TSR_E_TYPE;
    size_t at = v->scratch.len;

    if (tsr_base64_get(text, &v->scratch) != TSR_OK)
        return TSR_E_TYPE;
    *bytes = tsr_view(v->scratch.ptr + at, v->scratch.len - at);
    return TSR_OK;
}

static tsr_err double_of(const tsr_json *item, double *f)
{
    if (tsr_json_is(item, "NaN"))
        *f = (double)NAN;
    else if (tsr_json_is(item, "Infinity"))
        *f = (double)INFINITY;
    else if (tsr_json_is(item, "-Infinity"))
        *f = -(double)INFINITY;
    else
        return tsr_json_double(item, f);
    return TSR_OK;
}

static tsr_err time_of(rest_values *v, const tsr_json *item, int64_t *unix_s)
{
    tsr_bytes text;
    int64_t ms;

    if (item->kind == TSR_JSON_NUMBER)
        return tsr_json_int(item, unix_s);
    if (text_of(v, item, &text) != TSR_OK || rest_get_moment_ms(text, &ms) != TSR_OK)
        return TSR_E_TYPE;
    *unix_s = ms / 1000 - (ms % 1000 < 0);
    return TSR_OK;
}

static tsr_err link_of(rest_values *v, const tsr_json *item, tsr_lwm2m_link *link)
{
    tsr_bytes text;
    uint64_t object, instance;

    if (text_of(v, item, &text) != TSR_OK)
        return TSR_E_TYPE;
    const uint8_t *colon = text.len > 0 ? memchr(text.ptr, ':', text.len) : NULL;

    if (colon == NULL)
        return TSR_E_TYPE;
    size_t left = (size_t)(colon - text.ptr);

    if (tsr_dec(tsr_first(text, left), &object) != TSR_OK || object > UINT16_MAX ||
        tsr_dec(tsr_skip(text, left + 1), &instance) != TSR_OK || instance > UINT16_MAX)
        return TSR_E_TYPE;
    *link = (tsr_lwm2m_link){ (uint16_t)object, (uint16_t)instance };
    return TSR_OK;
}

static tsr_err typed(rest_values *v, const tsr_json *item, tsr_lwm2m_value *value)
{
    switch (value->type) {
    case TSR_LWM2M_INTEGER: return tsr_json_int(item, &value->as.i);
    case TSR_LWM2M_UNSIGNED: return tsr_json_uint(item, &value->as.u);
    case TSR_LWM2M_FLOAT: return double_of(item, &value->as.f);
    case TSR_LWM2M_BOOLEAN: return tsr_json_bool(item, &value->as.b);
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_RAW_BYTES: return opaque_of(v, item, &value->as.bytes);
    case TSR_LWM2M_TIME: return time_of(v, item, &value->as.i);
    case TSR_LWM2M_OBJLNK: return link_of(v, item, &value->as.link);
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_RAW_TEXT: return text_of(v, item, &value->as.bytes);
    case TSR_LWM2M_NONE: break;
    }
    return TSR_E_TYPE;
}

/* Of a resource that nobody described: JSON says what it is. */
static tsr_lwm2m_type guess(const tsr_json *item)
{
    int64_t whole;

    switch (item->kind) {
    case TSR_JSON_TRUE:
    case TSR_JSON_FALSE: return TSR_LWM2M_BOOLEAN;
    case TSR_JSON_NUMBER:
        return memchr(item->text.ptr, '.', item->text.len) == NULL &&
                       tsr_json_int(item, &whole) == TSR_OK
                   ? TSR_LWM2M_INTEGER
                   : TSR_LWM2M_FLOAT;
    case TSR_JSON_STRING: return TSR_LWM2M_STRING;
    default: return TSR_LWM2M_NONE;
    }
}

/* The type from the model, else from `holder`'s member "type", else from the value. */
static tsr_err type_for(rest_values *v, const tsr_json *holder, const tsr_json *item,
                        tsr_lwm2m_type *type)
{
    rest_resource_name known;
    char name[16];
    tsr_err err = tsr_json_find_cstring(holder, "type", name, sizeof name);
    bool modelled = rest_name_resource(v->where, &known) == TSR_OK;

    if (modelled) {
        *type = known.type;
        if (known.type != TSR_LWM2M_NONE)
            return TSR_OK;
        return refuse(v, REST_NOT_POSSIBLE, "%s is executed, not written: POST to its /execute",
                      known.name);
    }
    if (err == TSR_OK)
        err = tsr_lwm2m_type_named(tsr_text(name), type);
    else if (err == TSR_E_NOT_FOUND) {
        *type = guess(item);
        return TSR_OK;
    }
    if (err != TSR_OK || *type == TSR_LWM2M_NONE)
        return refuse(v, REST_BAD_BODY,
                      "`type` must be string, integer, unsigned, float, boolean, opaque, time, "
                      "objlnk or corelnk");
    return TSR_OK;
}

static tsr_err add(rest_values *v, const tsr_json *holder, tsr_lwm2m_path path)
{
    tsr_json item;
    tsr_lwm2m_value value = { 0 };
    char at[TSR_LWM2M_PATH_TEXT + 1] = "";
    tsr_buf word = tsr_buf_over(at, sizeof at - 1);

    v->where = path;
    tsr_lwm2m_path_put(&word, path);
    if (tsr_json_find(holder, "value", &item) != TSR_OK)
        return refuse(v, REST_BAD_BODY, "`value` is missing for %s", at);
    if (v->nulls && item.kind == TSR_JSON_NULL) {
        if (path.depth != 4)
            return refuse(v, REST_BAD_BODY, "null deletes a resource instance; %s is none", at);
        v->records[v->count++] = (tsr_server_record){ path, { TSR_LWM2M_NONE, { .u = 0 } }, 0 };
        return TSR_OK;
    }
    tsr_err err = type_for(v, holder, &item, &value.type);

    if (err != TSR_OK)
        return err;
    if (typed(v, &item, &value) != TSR_OK) {
        (void)refuse(v, REST_WRONG_TYPE, "%s holds %s: send %s; what came is %s", at,
                     value.type == TSR_LWM2M_NONE ? "one value" : tsr_lwm2m_type_name(value.type),
                     wanted(value.type), kind_name(item.kind));
        v->problem.expected = value.type;
        v->problem.path = &v->where;
        return TSR_E_ARGUMENT;
    }
    v->records[v->count++] = (tsr_server_record){ path, value, 0 };
    return TSR_OK;
}

static tsr_err add_listed(rest_values *v, const tsr_json *item, tsr_lwm2m_path target)
{
    char text[TSR_LWM2M_PATH_TEXT + 8];
    tsr_lwm2m_path path;

    if (item->kind != TSR_JSON_OBJECT ||
        tsr_json_find_cstring(item, "path", text, sizeof text) != TSR_OK ||
        tsr_lwm2m_path_parse(tsr_text(text), &path) != TSR_OK || path.depth < 3)
        return refuse(v, REST_BAD_BODY,
                      "every item of `values` needs a `path` to a resource, like \"/3303/0/5700\"");
    if (!tsr_lwm2m_path_contains(target, path)) {
        return refuse(v, REST_BAD_BODY, "%s lies outside of what the request writes to", text);
    }
    for (size_t i = 0; i < v->count; i++)
        if (tsr_lwm2m_path_same(v->records[i].path, path))
            return refuse(v, REST_BAD_BODY, "%s is there twice; give each path once", text);
    return add(v, item, path);
}

static tsr_err make_room(rest_values *v, const tsr_json *body, size_t count)
{
    if (count > REST_RECORDS_MAX)
        return refuse(v, REST_BAD_BODY, "%zu values are too many; send at most %d at once", count,
                      REST_RECORDS_MAX);
    v->records = calloc(count > 0 ? count : 1, sizeof *v->records);
    /* Twice the body: a string loses its escapes there, and then its Base64. */
    rest_room(&v->scratch, body->text.len * 2 + 16);
    return v->records == NULL || v->scratch.err != TSR_OK ? TSR_E_SPACE : TSR_OK;
}

static int by_path(const void *a, const void *b)
{
    const tsr_server_record *left = a, *right = b;

    return tsr_lwm2m_path_compare(left->path, right->path);
}

static tsr_err add_list(rest_values *v, const tsr_json *body, const tsr_json *list,
                        tsr_lwm2m_path target)
{
    tsr_json item;
    tsr_json_walk walk = tsr_json_items(list);
    tsr_err err;

    if (list->kind != TSR_JSON_ARRAY)
        return refuse(v, REST_BAD_BODY, "`values` must be an array of {\"path\", \"value\"}");
    err = make_room(v, body, tsr_json_count(list));
    while (err == TSR_OK && tsr_json_next(&walk, NULL, &item))
        err = add_listed(v, &item, target);
    /* the formats want tree order */
    if (err == TSR_OK)
        qsort(v->records, v->count, sizeof *v->records, by_path);
    return err;
}

tsr_err rest_values_for_write(const tsr_json *body, tsr_lwm2m_path target, rest_values *v)
{
    tsr_json item;
    bool one = body->kind == TSR_JSON_OBJECT && tsr_json_find(body, "value", &item) == TSR_OK;
    bool list = body->kind == TSR_JSON_OBJECT && tsr_json_find(body, "values", &item) == TSR_OK;

    if (one == list)
        return refuse(v, REST_BAD_BODY,
                      "the body must be an object with either `value` or `values`");
    if (list) {
        tsr_err err = add_list(v, body, &item, target);

        if (err == TSR_OK && v->count == 0)
            return refuse(v, REST_BAD_BODY, "`values` is empty; name at least one");
        return err;
    }
    if (target.depth < 3)
        return refuse(v, REST_BAD_BODY, "an instance takes `values`, each with its `path`");
    tsr_err err = make_room(v, body, 1);

    return err != TSR_OK ? err : add(v, body, target);
}

tsr_err rest_values_for_create(const tsr_json *body, tsr_lwm2m_path *target, rest_values *v)
{
    tsr_json list;
    uint64_t instance = 0;
    tsr_lwm2m_path at = tsr_lwm2m_path_down(*target, TSR_LWM2M_NO_ID);

    if (body->kind != TSR_JSON_OBJECT)
        return refuse(v, REST_BAD_BODY, "the body must be an object; {} creates with defaults");
    tsr_err named = tsr_json_find_uint(body, "instance", &instance);

    if (named != TSR_E_NOT_FOUND) {
        if (named != TSR_OK || instance >= TSR_LWM2M_NO_ID)
            return refuse(v, REST_BAD_BODY, "`instance` must be a whole number from 0 to 65534");
        at = tsr_lwm2m_path_down(*target, (uint16_t)instance);
        *target = at;
    }
    if (tsr_json_find(body, "values", &list) != TSR_OK)
        return TSR_OK;
    return add_list(v, body, &list, at);
}

tsr_err rest_values_for_composite(const tsr_json *body, rest_values *v)
{
    tsr_json list;
    tsr_err err;

    v->nulls = true;
    if (body->kind != TSR_JSON_OBJECT || tsr_json_find(body, "values", &list) != TSR_OK)
        return refuse(v, REST_BAD_BODY, "the body must be an object with `values`");
    err = add_list(v, body, &list, tsr_lwm2m_at_root());
    if (err == TSR_OK && v->count == 0)
        return refuse(v, REST_BAD_BODY, "`values` is empty; name at least one");
    return err;
}

void rest_values_free(rest_values *v)
{
    if (v->scratch.ptr != NULL)
        tsr_wipe(v->scratch.ptr, v->scratch.len);
    free(v->scratch.ptr);
    free(v->records);
    *v = (rest_values){ 0 };
}

/* --- attributes --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool whole;
    double max;
} attributes[] = {
    { "pmin", true, 4294967295.0 },
    { "pmax", true, 4294967295.0 },
    { "epmin", true, 4294967295.0 },
    { "epmax", true, 4294967295.0 },
    { "gt", false, 0 },
    { "lt", false, 0 },
    { "st", false, 0 },
    { "edge", true, 1 },
    { "con", true, 1 },
    { "hqmax", true, 4294967295.0 },
};

static bool attribute_ok(const tsr_json *value, size_t i)
{
    double n;
    uint64_t whole;

    if (value->kind == TSR_JSON_NULL)
        return true;
    if (tsr_json_double(value, &n) != TSR_OK)
        return false;
    if (attributes[i].whole)
        return tsr_json_uint(value, &whole) == TSR_OK && (double)whole <= attributes[i].max;
    return fabs(n) < 1e15 && (strcmp(attributes[i].name, "st") != 0 || n >= 0);
}

/* Core 5.1.2: digits and a point; there is no exponent. */
static void put_decimal(tsr_buf *out, const tsr_json *value)
{
    char text[64];
    double n = 0;

    (void)tsr_json_double(value, &n);
    if (memchr(value->text.ptr, 'e', value->text.len) != NULL ||
        memchr(value->text.ptr, 'E', value->text.len) != NULL || value->text.len >= sizeof text)
        (void)snprintf(text, sizeof text, "%.9f", n);
    else
        (void)snprintf(text, sizeof text, "%.*s", (int)value->text.len,
                       (const char *)value->text.ptr);
    tsr_put_text(out, text);
}

static tsr_err put_attribute(const tsr_json *key, const tsr_json *value, tsr_buf *out)
{
    uint64_t whole;

    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        if (!tsr_json_is(key, attributes[i].name))
            continue;
        if (!attribute_ok(value, i))
            return TSR_E_TYPE;
        if (out->len > 0)
            tsr_put_u8(out, '&');
        tsr_put_text(out, attributes[i].name);
        if (value->kind == TSR_JSON_NULL)
            return TSR_OK;
        tsr_put_u8(out, '=');
        if (attributes[i].whole && tsr_json_uint(value, &whole) == TSR_OK)
            tsr_put_dec(out, whole);
        else
            put_decimal(out, value);
        return TSR_OK;
    }
    return TSR_E_NOT_FOUND;
}

tsr_err rest_attributes(const tsr_json *body, tsr_buf *out, rest_problem *problem, char *detail,
                        size_t detail_cap)
{
    tsr_json key, value;
    tsr_json_walk walk = tsr_json_items(body);
    const char *why = "name at least one attribute, like {\"pmin\": 5}";
    tsr_err err = TSR_E_ARGUMENT;

    while (body->kind == TSR_JSON_OBJECT && tsr_json_next(&walk, &key, &value)) {
        err = put_attribute(&key, &value, out);
        if (err == TSR_E_TYPE)
            why = "pmin, pmax, epmin, epmax and hqmax take whole numbers, edge and con 0 or 1, gt, "
                  "lt and st numbers; null clears";
        if (err == TSR_E_NOT_FOUND)
            why = "the attributes are pmin, pmax, epmin, epmax, gt, lt, st, edge, con and hqmax";
        if (err != TSR_OK)
            break;
    }
    if (err != TSR_OK) {
        (void)snprintf(detail, detail_cap, "%s", why);
        *problem = (rest_problem){ .kind = REST_BAD_BODY, .detail = detail };
        return TSR_E_ARGUMENT;
    }
    tsr_put_u8(out, 0);
    return out->err;
}
