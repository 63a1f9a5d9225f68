/* SPDX-License-Identifier: Apache-2.0 */
#include "server/lwm2m/queue_codec.h"

#include "server/lwm2m/codec.h"
#include "server/lwm2m/internal.h"

#include <stdlib.h>

enum {
    VERSION = 1,      /* of results */
    REQUEST = 2,      /* of requests; 1 had no paths */
    PATH_LEN = 1 + TSR_PATH_KEY_MAX,
    RECORD_HEAD = 40, /* more than path, type, time and the longest number take */
};

/* --- pieces ----------------------------------------------------------------------------- */

static void put_string(tsr_buf *out, const char *text)
{
    size_t len = strlen(text);

    tsr_put_u32(out, (uint32_t)len);
    tsr_put_bytes(out, tsr_view(text, len));
    tsr_put_u8(out, 0); /* read where it stands */
}

static tsr_err get_string(tsr_bytes *in, const char **text)
{
    uint32_t len;
    uint8_t zero;
    tsr_bytes s;

    if (tsr_get_u32(in, &len) != TSR_OK || tsr_get_bytes(in, len, &s) != TSR_OK ||
        tsr_get_u8(in, &zero) != TSR_OK || zero != 0)
        return TSR_E_MALFORMED;
    *text = (const char *)s.ptr;
    return TSR_OK;
}

static size_t records_size(const tsr_server_record *records, size_t count)
{
    size_t size = count * RECORD_HEAD;

    for (size_t i = 0; i < count; i++) {
        const tsr_lwm2m_value *v = &records[i].value;

        if (v->type == TSR_LWM2M_STRING || v->type == TSR_LWM2M_OPAQUE ||
            v->type == TSR_LWM2M_CORELNK || v->type == TSR_LWM2M_RAW_TEXT ||
            v->type == TSR_LWM2M_RAW_BYTES)
            size += v->as.bytes.len;
    }
    return size;
}

static void put_records(tsr_buf *out, const tsr_server_record *records, size_t count)
{
    tsr_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        tsr_put_path(out, records[i].path);
        tsr_put_value(out, &records[i].value, records[i].unix_ms);
    }
}

/* A record takes eleven bytes at least, so a count that lies is found before memory is asked for.
 */
static tsr_err get_records(tsr_bytes *in, tsr_server_record **out, size_t *out_count)
{
    uint32_t count;

    if (tsr_get_u32(in, &count) != TSR_OK || count > in->len / 10)
        return TSR_E_MALFORMED;

    tsr_server_record *records = calloc(count ? count : 1, sizeof *records);

    if (!records)
        return TSR_E_SPACE;
    for (uint32_t i = 0; i < count; i++)
        if (tsr_get_path(in, &records[i].path) != TSR_OK ||
            tsr_get_value(in, &records[i].value, &records[i].unix_ms) != TSR_OK) {
            free(records);
            return TSR_E_MALFORMED;
        }
    *out = records;
    *out_count = count;
    return TSR_OK;
}

/* --- requests --------------------------------------------------------------------------- */

tsr_err tsr_put_request(tsr_buf *out, const tsr_server_request *r)
{
    size_t cap = 64 + (r->text ? strlen(r->text) : 0) + records_size(r->records, r->record_count) +
                 r->path_count * PATH_LEN;
    uint8_t *room = malloc(cap);

    if (!room)
        return TSR_E_SPACE;
    *out = tsr_buf_over(room, cap);
    tsr_put_u8(out, REQUEST);
    tsr_put_u16(out, r->format);
    tsr_put_u8(out, (uint8_t)(r->depth + 1));
    tsr_put_u8(out, r->text != NULL);
    if (r->text)
        put_string(out, r->text);
    put_records(out, r->records, r->record_count);
    tsr_put_u32(out, (uint32_t)r->path_count);
    for (size_t i = 0; i < r->path_count; i++)
        tsr_put_path(out, r->paths[i]);
    if (out->err == TSR_OK)
        return TSR_OK;
    tsr_wipe(room, cap);
    free(room);
    return TSR_E_SPACE;
}

/* The paths of a composite operation, behind the records in their allocation. */
static tsr_err get_paths(tsr_bytes *in, tsr_server_record **records, tsr_server_request *r)
{
    tsr_server_record *both;
    tsr_lwm2m_path *paths;
    uint32_t count;

    if (tsr_get_u32(in, &count) != TSR_OK || count > TSR_SERVER_PATHS_MAX)
        return TSR_E_MALFORMED;
    both = realloc(*records, (r->record_count + 1) * sizeof *both + count * sizeof *paths);
    if (!both)
        return TSR_E_SPACE;
    *records = both;
    paths = (tsr_lwm2m_path *)(void *)(both + r->record_count + 1);
    for (uint32_t i = 0; i < count; i++)
        if (tsr_get_path(in, &paths[i]) != TSR_OK)
            return TSR_E_MALFORMED;
    r->paths = count ? paths : NULL;
    r->path_count = count;
    return TSR_OK;
}

tsr_err tsr_get_request(tsr_bytes in, tsr_server_request *request, void **room)
{
    tsr_server_request r = *request;
    uint8_t version, depth, has_text;
    tsr_server_record *records;
    tsr_err err;

    if (tsr_get_u8(&in, &version) != TSR_OK || version < 1 || version > REQUEST ||
        tsr_get_u16(&in, &r.format) != TSR_OK || tsr_get_u8(&in, &depth) != TSR_OK ||
        tsr_get_u8(&in, &has_text) != TSR_OK || depth > 4)
        return TSR_E_MALFORMED;
    r.depth = (int)depth - 1;
    r.text = NULL;
    if (has_text && get_string(&in, &r.text) != TSR_OK)
        return TSR_E_MALFORMED;
    err = get_records(&in, &records, &r.record_count);
    if (err != TSR_OK)
        return err;
    if (version == REQUEST && (err = get_paths(&in, &records, &r)) != TSR_OK) {
        free(records);
        return err;
    }
    r.records = records;
    *room = records;
    *request = r;
    return TSR_OK;
}

/* --- the column `path` ------------------------------------------------------------------ */

static void put_one(tsr_buf *out, tsr_lwm2m_path path)
{
    tsr_put_u8(out, ' ');
    tsr_lwm2m_path_put(out, path);
}

/* What a plain Write names beside its path are values of it. */
tsr_err tsr_put_request_paths(tsr_buf *out, const tsr_server_request *r)
{
    bool composite = kind_is_composite(r->kind);
    size_t named = composite ? r->record_count + r->path_count : 0;
    size_t cap = (named + 1) * (TSR_LWM2M_PATH_TEXT + 1) + 1;
    char *room = malloc(cap);

    if (!room)
        return TSR_E_SPACE;
    *out = tsr_buf_over(room, cap);
    tsr_lwm2m_path_put(out, r->path);
    for (size_t i = 0; composite && i < r->record_count; i++)
        put_one(out, r->records[i].path);
    for (size_t i = 0; composite && i < r->path_count; i++)
        put_one(out, r->paths[i]);
    tsr_put_u8(out, 0);
    return TSR_OK;
}

/* Up to the space, which is taken too. */
static tsr_err get_one(const char **text, tsr_lwm2m_path *path)
{
    size_t len = strcspn(*text, " ");
    tsr_err err = tsr_lwm2m_path_parse(tsr_view(*text, len), path);

    *text += len + ((*text)[len] == ' ');
    return err;
}

tsr_err tsr_get_request_paths(const char *text, tsr_lwm2m_path *own, tsr_lwm2m_path **paths, size_t *count)
{
    tsr_lwm2m_path *list;
    size_t most = 0;
    tsr_err err = TSR_OK;

    *own = tsr_lwm2m_at_root();
    *count = 0;
    if (paths)
        *paths = NULL;
    for (const char *c = text; *c; c++)
        most += *c == ' ';
    if (get_one(&text, own) != TSR_OK)
        return TSR_E_MALFORMED;
    if (most == 0 || !paths)
        return TSR_OK;
    list = calloc(most, sizeof *list);
    if (!list)
        return TSR_E_SPACE;
    for (size_t i = 0; i < most && err == TSR_OK; i++)
        err = get_one(&text, &list[i]);
    if (err != TSR_OK) {
        free(list);
        return err;
    }
    *paths = list;
    *count = most;
    return TSR_OK;
}

/* --- results ---------------------------------------------------------------------------- */

static size_t links_size(const tsr_server_link *links, size_t count)
{
    size_t size = count * 16;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < links[i].attr_count; k++)
            size += 12 + strlen(links[i].attrs[k].name) +
                    (links[i].attrs[k].value ? strlen(links[i].attrs[k].value) : 0);
    return size;
}

static void put_links(tsr_buf *out, const tsr_server_link *links, size_t count)
{
    uint32_t attrs = 0;

    for (size_t i = 0; i < count; i++)
        attrs += (uint32_t)links[i].attr_count;
    tsr_put_u32(out, (uint32_t)count);
    tsr_put_u32(out, attrs);
    for (size_t i = 0; i < count; i++) {
        tsr_put_path(out, links[i].path);
        tsr_put_u32(out, (uint32_t)links[i].attr_count);
        for (size_t k = 0; k < links[i].attr_count; k++) {
            put_string(out, links[i].attrs[k].name);
            tsr_put_u8(out, links[i].attrs[k].value != NULL);
            if (links[i].attrs[k].value)
                put_string(out, links[i].attrs[k].value);
        }
    }
}

static tsr_err get_attr(tsr_bytes *in, tsr_server_attr *attr)
{
    uint8_t has_value;

    attr->value = NULL;
    if (get_string(in, &attr->name) != TSR_OK || tsr_get_u8(in, &has_value) != TSR_OK)
        return TSR_E_MALFORMED;
    return has_value ? get_string(in, &attr->value) : TSR_OK;
}

static tsr_err get_link(tsr_bytes *in, tsr_server_link *link, tsr_server_attr **at, uint32_t *left)
{
    uint32_t n;

    if (tsr_get_path(in, &link->path) != TSR_OK || tsr_get_u32(in, &n) != TSR_OK || n > *left)
        return TSR_E_MALFORMED;
    link->attrs = *at;
    link->attr_count = n;
    *left -= n;
    for (uint32_t i = 0; i < n; i++)
        if (get_attr(in, (*at)++) != TSR_OK)
            return TSR_E_MALFORMED;
    return TSR_OK;
}

/* Links, with their attributes behind them in the same allocation. */
static tsr_err get_links(tsr_bytes *in, tsr_server_link **out, size_t *out_count)
{
    uint32_t count, attr_count;

    if (tsr_get_u32(in, &count) != TSR_OK || tsr_get_u32(in, &attr_count) != TSR_OK ||
        count > in->len / 5 || attr_count > in->len / 6)
        return TSR_E_MALFORMED;

    tsr_server_link *links =
        calloc(1, (count + (size_t)1) * sizeof *links + attr_count * sizeof(tsr_server_attr));
    tsr_server_attr *attrs = links ? (tsr_server_attr *)(void *)(links + count + 1) : NULL;

    if (!links)
        return TSR_E_SPACE;
    for (uint32_t i = 0; i < count; i++)
        if (get_link(in, &links[i], &attrs, &attr_count) != TSR_OK) {
            free(links);
            return TSR_E_MALFORMED;
        }
    *out = links;
    *out_count = count;
    return TSR_OK;
}

tsr_err tsr_put_result(tsr_buf *out, const tsr_server_result *r)
{
    size_t cap = 64 + strlen(r->location) + records_size(r->records, r->record_count) +
                 links_size(r->links, r->link_count);
    uint8_t *room = malloc(cap);

    if (!room)
        return TSR_E_SPACE;
    *out = tsr_buf_over(room, cap);
    tsr_put_u8(out, VERSION);
    tsr_put_u16(out, r->format);
    tsr_put_u32(out, r->round_trip_ms);
    put_string(out, r->location);
    tsr_put_u8(out, r->link_count > 0);
    if (r->link_count > 0)
        put_links(out, r->links, r->link_count);
    else
        put_records(out, r->records, r->record_count);
    if (out->err == TSR_OK)
        return TSR_OK;
    free(room);
    return TSR_E_SPACE;
}

tsr_err tsr_get_result(tsr_bytes in, tsr_server_result *result, void **room)
{
    tsr_server_result r = *result;
    tsr_server_record *records = NULL;
    tsr_server_link *links = NULL;
    uint8_t version, has_links;
    tsr_err err;

    if (tsr_get_u8(&in, &version) != TSR_OK || version != VERSION ||
        tsr_get_u16(&in, &r.format) != TSR_OK || tsr_get_u32(&in, &r.round_trip_ms) != TSR_OK ||
        get_string(&in, &r.location) != TSR_OK || tsr_get_u8(&in, &has_links) != TSR_OK)
        return TSR_E_MALFORMED;
    err = has_links ? get_links(&in, &links, &r.link_count)
                    : get_records(&in, &records, &r.record_count);
    if (err != TSR_OK)
        return err;
    r.records = records;
    r.links = links;
    *room = has_links ? (void *)links : (void *)records;
    *result = r;
    return TSR_OK;
}
