/* SPDX-License-Identifier: Apache-2.0 */
#include "server/lwm2m/registration.h"

#include "tessera/base/utf8.h"
#include "tessera/json/link.h"
#include "tessera/lwm2m/format/format.h"

#include <stdalign.h>
#include <stdlib.h>

#define LINKS_MAX 4096u

/* --- parameters ------------------------------------------------------------------------- */

bool tsr_query_named(tsr_bytes query, const char *name, tsr_bytes *value)
{
    size_t n = strlen(name);

    if (query.len <= n || memcmp(query.ptr, name, n) != 0 || query.ptr[n] != '=')
        return false;
    *value = tsr_skip(query, n + 1);
    return true;
}

uint8_t tsr_request_refuse(const char **why, uint8_t code, const char *text)
{
    *why = text;
    return code;
}

uint8_t tsr_query_endpoint(tsr_bytes value, bool *has, tsr_bytes *endpoint, const char **why)
{
    if (*has)
        return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST, "ep is given twice");
    if (value.len == 0 || value.len > TSR_ENDPOINT_MAX || memchr(value.ptr, 0, value.len) ||
        !tsr_utf8_valid(value))
        return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST,
                                  "ep must be 1 to 255 bytes of UTF-8");
    *has = true;
    *endpoint = value;
    return 0;
}

static uint8_t take_lifetime(tsr_register_params *p, tsr_bytes v, const char **why)
{
    uint64_t n;

    if (p->has_lifetime)
        return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST, "lt is given twice");
    if (tsr_dec(v, &n) != TSR_OK || n > UINT32_MAX)
        return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST,
                                  "lt must be a number of seconds, 0 to 4294967295");
    p->has_lifetime = true;
    p->lifetime_s = (uint32_t)n;
    return 0;
}

/* LwM2M 1.0 wrote queue mode as a letter, "UQ"; later versions as the flag Q (Core 6.2.1). */
static uint8_t take_binding(tsr_register_params *p, tsr_bytes v, const char **why)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == 'Q') {
            p->queue_mode = true;
            continue;
        }
        if (v.ptr[i] == 0 || !strchr("UMHTSN", v.ptr[i]) || n + 1 >= sizeof p->binding)
            return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST,
                                      "b must be letters out of U M H T S N");
        p->binding[n++] = (char)v.ptr[i];
    }
    p->binding[n] = 0;
    p->has_binding = n > 0;
    return 0;
}

static uint8_t take_sms(tsr_register_params *p, tsr_bytes v, const char **why)
{
    for (size_t i = 0; i < v.len; i++)
        if ((v.ptr[i] < '0' || v.ptr[i] > '9') && v.ptr[i] != '+')
            return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST, "sms must be digits");
    if (v.len > 20)
        return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST, "sms must be at most 20 digits");
    p->has_sms = true;
    p->sms = v;
    return 0;
}

static uint8_t take_query(tsr_register_params *p, tsr_bytes query, const char **why)
{
    tsr_bytes v;

    if (tsr_query_named(query, "ep", &v))
        return tsr_query_endpoint(v, &p->has_endpoint, &p->endpoint, why);
    if (tsr_query_named(query, "lt", &v))
        return take_lifetime(p, v, why);
    if (tsr_query_named(query, "b", &v))
        return take_binding(p, v, why);
    if (tsr_query_named(query, "sms", &v))
        return take_sms(p, v, why);
    if (tsr_query_named(query, "lwm2m", &v)) {
        p->has_version = true;
        p->version = v;
    } else if (tsr_query_named(query, "pid", &v)) {
        p->has_profile = true;
        p->profile = v;
    } else if (tsr_same(query, tsr_text("Q"))) {
        p->queue_mode = true;
    }
    return 0; /* others: for a later version */
}

static uint8_t check_register(tsr_register_params *p, const char **why)
{
    if (!p->has_version)
        p->version = tsr_text("1.0");
    /* Core 5.2.1 */
    if (!tsr_same(p->version, tsr_text("1.0")) && !tsr_same(p->version, tsr_text("1.1")) &&
        !tsr_same(p->version, tsr_text("1.2")))
        return tsr_request_refuse(why, TSR_COAP_PRECONDITION_FAILED,
                                  "this server speaks LwM2M 1.0, 1.1, 1.2");
    if (!p->has_lifetime)
        p->lifetime_s = TSR_LIFETIME_DEFAULT_S;
    if (!p->has_binding)
        memcpy(p->binding, "U", 2);
    if (p->has_links || p->has_profile)
        return 0;
    return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST, "the object list is missing");
}

static bool is_link_format(tsr_bytes in)
{
    tsr_link link;
    tsr_err err;

    while ((err = tsr_link_next(&in, &link)) == TSR_OK) {
        tsr_link_param param;
        tsr_err param_err;

        while ((param_err = tsr_link_param_next(&link.params, &param)) == TSR_OK)
            ;
        if (param_err != TSR_END)
            return false;
    }
    return err == TSR_END;
}

uint8_t tsr_register_parse(const tsr_coap_msg *msg, tsr_bytes body, bool update,
                           tsr_register_params *out, const char **why)
{
    tsr_register_params p = { 0 };
    tsr_coap_opts it = { .rest = msg->options };
    tsr_bytes query;

    while (tsr_coap_query_next(&it, &query) == TSR_OK) {
        uint8_t code = take_query(&p, query, why);

        if (code)
            return code;
    }
    p.has_links = body.len > 0;
    p.links = body;
    if (p.has_links && msg->content_format.set &&
        msg->content_format.value != TSR_LWM2M_FORMAT_LINK)
        return tsr_request_refuse(why, TSR_COAP_UNSUPPORTED_FORMAT,
                                  "the object list must be link format (40)");
    if (p.has_links && !is_link_format(body))
        return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST,
                                  "the object list is no link format (RFC 6690)");

    uint8_t code = update ? 0 : check_register(&p, why);

    if (code == 0)
        *out = p;
    return code;
}

/* --- link lists ------------------------------------------------------------------------- */

/* Strings and attributes grow apart while reading and are joined at the end. */
typedef struct {
    tsr_server_link *links;
    size_t count, cap;
    tsr_server_attr *attrs;
    size_t attr_count, attr_cap;
    char *text;
    size_t text_len;
} builder;

static bool grow(void **array, size_t *cap, size_t count, size_t item)
{
    if (count < *cap)
        return true;

    size_t more = *cap ? *cap * 2 : 16;
    void *bigger = realloc(*array, more * item);

    if (!bigger)
        return false;
    *array = bigger;
    *cap = more;
    return true;
}

static const char *keep(builder *b, tsr_bytes text)
{
    char *at = b->text + b->text_len;

    if (text.len)
        memcpy(at, text.ptr, text.len);
    at[text.len] = 0;
    b->text_len += text.len + 1;
    return at;
}

static uint32_t format_bit(uint64_t number)
{
    switch (number) {
    case TSR_LWM2M_FORMAT_SENML_JSON: return TSR_FORMATS_SENML_JSON;
    case TSR_LWM2M_FORMAT_SENML_CBOR: return TSR_FORMATS_SENML_CBOR;
    case TSR_LWM2M_FORMAT_TLV: return TSR_FORMATS_TLV;
    case TSR_LWM2M_FORMAT_LWM2M_CBOR: return TSR_FORMATS_LWM2M_CBOR;
    case TSR_LWM2M_FORMAT_ETCH_JSON: return TSR_FORMATS_ETCH_JSON;
    case TSR_LWM2M_FORMAT_ETCH_CBOR: return TSR_FORMATS_ETCH_CBOR;
    default: return 0;
    }
}

static uint32_t read_formats(tsr_bytes list)
{
    uint32_t bits = 0;

    while (list.len) {
        size_t n = 0;
        uint64_t number;

        while (n < list.len && list.ptr[n] != ' ')
            n++;
        if (tsr_dec(tsr_first(list, n), &number) == TSR_OK)
            bits |= format_bit(number);
        list = tsr_skip(list, n + 1);
    }
    return bits;
}

/* Core 6.2.1: </lwm2m>;rt="oma.lwm2m";ct="110 112" */
static void read_root(const tsr_link *link, tsr_link_list *list)
{
    tsr_link_param rt, ct;
    bool marked = tsr_link_param_find(link->params, "rt", &rt) == TSR_OK && rt.has_value &&
                  tsr_same(rt.value, tsr_text("oma.lwm2m"));

    if (!marked && !tsr_same(link->target, tsr_text("/")))
        return;
    if (tsr_link_param_find(link->params, "ct", &ct) == TSR_OK && ct.has_value)
        list->formats = read_formats(ct.value);

    tsr_bytes root = link->target;

    if (root.len != 0 && root.ptr[root.len - 1] == '/')
        root.len--;
    if (marked && root.len != 0 && tsr_lwm2m_root_is_good(root)) {
        memcpy(list->root, root.ptr, root.len);
        list->root[root.len] = 0;
    }
}

static void find_root(tsr_bytes in, tsr_link_list *list)
{
    tsr_link link;

    while (tsr_link_next(&in, &link) == TSR_OK)
        read_root(&link, list);
}

static bool below_root(tsr_bytes *target, const char *root)
{
    size_t n = strlen(root);

    if (n == 0)
        return true;
    if (target->len <= n || memcmp(target->ptr, root, n) != 0 || target->ptr[n] != '/')
        return false;
    *target = tsr_skip(*target, n);
    return true;
}

static tsr_err add_attrs(builder *b, tsr_server_link *link, tsr_bytes params)
{
    tsr_link_param param;

    while (tsr_link_param_next(&params, &param) == TSR_OK) {
        tsr_buf plain = tsr_buf_over(b->text + b->text_len, param.value.len);
        tsr_bytes value = param.value;

        if (!grow((void **)&b->attrs, &b->attr_cap, b->attr_count, sizeof *b->attrs))
            return TSR_E_SPACE;
        if (param.has_value && tsr_link_param_text(&param, &plain, &value) != TSR_OK)
            value = param.value;

        tsr_server_attr *attr = &b->attrs[b->attr_count++];

        attr->value = NULL;
        if (plain.len) { /* its backslashes are gone, and it stands where keep() would put it */
            attr->value = b->text + b->text_len;
            b->text[b->text_len + plain.len] = 0;
            b->text_len += plain.len + 1;
        } else if (param.has_value) {
            attr->value = keep(b, value);
        }
        attr->name = keep(b, param.name);
        link->attr_count++;
    }
    return TSR_OK;
}

/* In an answer to a Discover all links are the device's objects, with the alternate path or without. */
static tsr_err add_link(builder *b, const tsr_link *link, const char *root, bool answers)
{
    tsr_bytes target = link->target;
    tsr_lwm2m_path path;

    if ((!below_root(&target, root) && !answers) || target.len == 0 || target.ptr[0] != '/' ||
        tsr_lwm2m_path_parse(target, &path) != TSR_OK || path.depth == 0)
        return TSR_OK;
    if (b->count == LINKS_MAX || !grow((void **)&b->links, &b->cap, b->count, sizeof *b->links))
        return TSR_E_SPACE;

    tsr_server_link *to = &b->links[b->count++];

    *to = (tsr_server_link){ .path = path };
    return add_attrs(b, to, link->params);
}

/* The attributes array has stopped moving: now the links may point into it. */
static void point_links(builder *b)
{
    size_t at = 0;

    for (size_t i = 0; i < b->count; i++) {
        b->links[i].attrs = b->attrs ? b->attrs + at : NULL;
        at += b->links[i].attr_count;
    }
}

tsr_err tsr_link_list_read(tsr_bytes in, const char *root, tsr_link_list *list)
{
    builder b = { 0 };
    tsr_link_list out = { 0 };
    tsr_link link;
    tsr_err err;

    if (!is_link_format(in))
        return TSR_E_MALFORMED;
    if (!root)
        find_root(in, &out);
    b.text = malloc(in.len * 2 + 1); /* each piece of text gets a zero, and is at least one byte */
    if (!b.text)
        return TSR_E_SPACE;
    while ((err = tsr_link_next(&in, &link)) == TSR_OK)
        if ((err = add_link(&b, &link, root ? root : out.root, root != NULL)) != TSR_OK)
            break;
    if (err == TSR_END) {
        size_t size = 0;

        point_links(&b);
        size = tsr_links_size(b.links, b.count);

        char *block = malloc(size ? size : 1), *at = block;

        err = block ? TSR_OK : TSR_E_SPACE;
        if (block) {
            out.links = tsr_links_copy(b.links, b.count, &at);
            out.count = b.count;
            *list = out;
        }
    }
    free(b.links);
    free(b.attrs);
    free(b.text);
    return err;
}

void tsr_link_list_free(tsr_link_list *list)
{
    free(list->links); /* the start of its allocation */
    list->links = NULL;
    list->count = 0;
}

static size_t aligned(size_t n)
{
    return (n + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

size_t tsr_links_size(const tsr_server_link *links, size_t count)
{
    size_t size = aligned(count * sizeof *links), attrs = 0, text = 0;

    for (size_t i = 0; i < count; i++) {
        attrs += links[i].attr_count;
        for (size_t k = 0; links[i].attrs && k < links[i].attr_count; k++)
            text += strlen(links[i].attrs[k].name) + 1 +
                    (links[i].attrs[k].value ? strlen(links[i].attrs[k].value) + 1 : 0);
    }
    return size + aligned(attrs * sizeof(tsr_server_attr)) + aligned(text);
}

static const char *copy_text(const char *text, char **at)
{
    size_t n = strlen(text) + 1;
    char *to = *at;

    memcpy(to, text, n);
    *at += n;
    return to;
}

tsr_server_link *tsr_links_copy(const tsr_server_link *links, size_t count, char **at)
{
    size_t attr_count = 0, size = tsr_links_size(links, count);

    for (size_t i = 0; i < count; i++)
        attr_count += links[i].attr_count;

    tsr_server_link *to = (tsr_server_link *)(void *)*at;
    tsr_server_attr *attrs = (tsr_server_attr *)(void *)(*at + aligned(count * sizeof *links));
    char *text = (char *)attrs + aligned(attr_count * sizeof *attrs);

    for (size_t i = 0; i < count; i++) {
        to[i] = links[i];
        to[i].attrs = attrs;
        for (size_t k = 0; links[i].attrs && k < links[i].attr_count; k++, attrs++) {
            const tsr_server_attr *from = &links[i].attrs[k];

            attrs->name = copy_text(from->name, &text);
            attrs->value = from->value ? copy_text(from->value, &text) : NULL;
        }
    }
    *at += size;
    return to;
}
