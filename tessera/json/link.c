/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/json/link.h"
#include "tessera/json/number.h"

/* ---- reading ------------------------------------------------------------------------------ */

static tsr_bytes trim(tsr_bytes in)
{
    while (in.len != 0 && (in.ptr[0] == ' ' || in.ptr[0] == '\t' || in.ptr[0] == '\r'
                           || in.ptr[0] == '\n'))
        in = tsr_skip(in, 1);
    return in;
}

/* RFC 2616 §2.2, as RFC 6690 §2 uses it: a backslash takes away the meaning of what follows.
 * `in` stands on the quote; the length includes both quotes, 0 if the string does not end. */
static size_t quoted_len(tsr_bytes in)
{
    for (size_t i = 1; i < in.len; i++) {
        if (in.ptr[i] == '\\')
            i++;
        else if (in.ptr[i] == '"')
            return i + 1;
    }
    return 0;
}

static bool ends_token(uint8_t c)
{
    return c <= ' ' || c == ';' || c == ',' || c == '=' || c == '"' || c == '<' || c == '>'
           || c == 0x7f;
}

static size_t name_len(tsr_bytes in)
{
    size_t i = 0;

    while (i < in.len && !ends_token(in.ptr[i]))
        i++;
    return i;
}

/* RFC 6690 §2 (ptoken): more may stand in a bare value than in a name. */
static size_t value_len(tsr_bytes in)
{
    size_t i = 0;

    while (i < in.len && in.ptr[i] > ' ' && in.ptr[i] != ';' && in.ptr[i] != ','
           && in.ptr[i] != '"' && in.ptr[i] != 0x7f)
        i++;
    return i;
}

static tsr_err take_value(tsr_bytes *in, tsr_link_param *param)
{
    param->has_value = true;
    if (in->len != 0 && in->ptr[0] == '"') {
        size_t len = quoted_len(*in);

        if (len == 0)
            return TSR_E_MALFORMED;
        param->quoted = true;
        param->value = tsr_view(in->ptr + 1, len - 2);
        *in = tsr_skip(*in, len);
        return TSR_OK;
    }
    param->value = tsr_first(*in, value_len(*in));
    *in = tsr_skip(*in, param->value.len);
    return TSR_OK;
}

/* name [ "=" value ], with what stands behind it left in `in` */
static tsr_err take_param(tsr_bytes *in, tsr_link_param *param)
{
    tsr_link_param got = { .has_value = false };
    tsr_bytes at = trim(*in);

    got.name = tsr_first(at, name_len(at));
    if (got.name.len == 0)
        return TSR_E_MALFORMED;
    at = trim(tsr_skip(at, got.name.len));
    if (at.len != 0 && at.ptr[0] == '=') {
        at = trim(tsr_skip(at, 1));
        if (take_value(&at, &got) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    *in = trim(at);
    *param = got;
    return TSR_OK;
}

static tsr_err take_target(tsr_bytes *in, tsr_bytes *target)
{
    if (in->len == 0 || in->ptr[0] != '<')
        return TSR_E_MALFORMED;
    for (size_t i = 1; i < in->len; i++) {
        uint8_t c = in->ptr[i];

        if (c == '>') {
            *target = tsr_view(in->ptr + 1, i - 1);
            *in = tsr_skip(*in, i + 1);
            return TSR_OK;
        }
        if (c <= ' ' || c == '<' || c == '"' || c == 0x7f)
            return TSR_E_MALFORMED;
    }
    return TSR_E_MALFORMED;
}

tsr_err tsr_link_next(tsr_bytes *in, tsr_link *link)
{
    tsr_bytes at = trim(*in);
    tsr_link got = { { NULL, 0 }, { NULL, 0 } };
    tsr_link_param param;

    if (at.len == 0)
        return TSR_END;
    if (take_target(&at, &got.target) != TSR_OK)
        return TSR_E_MALFORMED;
    at = trim(at);

    tsr_bytes params = tsr_skip(at, 1);

    while (at.len != 0 && at.ptr[0] == ';') {
        at = tsr_skip(at, 1);
        if (take_param(&at, &param) != TSR_OK)
            return TSR_E_MALFORMED;
        got.params = tsr_first(params, params.len - at.len);
    }
    if (at.len != 0) {
        if (at.ptr[0] != ',')
            return TSR_E_MALFORMED;
        at = trim(tsr_skip(at, 1));
        if (at.len == 0)
            return TSR_E_MALFORMED;
    }
    *in = at;
    *link = got;
    return TSR_OK;
}

tsr_err tsr_link_param_next(tsr_bytes *params, tsr_link_param *param)
{
    tsr_bytes at = trim(*params);
    tsr_link_param got;

    if (at.len == 0)
        return TSR_END;
    if (take_param(&at, &got) != TSR_OK)
        return TSR_E_MALFORMED;
    if (at.len != 0) {
        if (at.ptr[0] != ';')
            return TSR_E_MALFORMED;
        at = tsr_skip(at, 1);
        if (trim(at).len == 0)
            return TSR_E_MALFORMED;
    }
    *params = at;
    *param = got;
    return TSR_OK;
}

tsr_err tsr_link_param_find(tsr_bytes params, const char *name, tsr_link_param *param)
{
    tsr_link_param got;
    tsr_err err;

    while ((err = tsr_link_param_next(&params, &got)) == TSR_OK) {
        if (tsr_same(got.name, tsr_text(name))) {
            *param = got;
            return TSR_OK;
        }
    }
    return err == TSR_END ? TSR_E_NOT_FOUND : err;
}

tsr_err tsr_link_param_text(const tsr_link_param *param, tsr_buf *scratch, tsr_bytes *out)
{
    tsr_bytes in = param->value;

    if (!param->quoted || in.len == 0 || memchr(in.ptr, '\\', in.len) == NULL) {
        *out = in;
        return TSR_OK;
    }
    if (scratch == NULL || scratch->err != TSR_OK)
        return TSR_E_SPACE;

    tsr_buf room = *scratch;

    for (size_t i = 0; i < in.len; i++) {
        if (in.ptr[i] == '\\' && i + 1 < in.len)
            i++;
        tsr_put_u8(&room, in.ptr[i]);
    }
    if (room.err != TSR_OK)
        return TSR_E_SPACE;
    *out = tsr_view(room.ptr + scratch->len, room.len - scratch->len);
    *scratch = room;
    return TSR_OK;
}

/* ---- writing ------------------------------------------------------------------------------ */

void tsr_link_put(tsr_link_out *l, tsr_bytes target)
{
    tsr_put_text(l->out, l->started ? ",<" : "<");
    l->started = true;
    tsr_put_bytes(l->out, target);
    tsr_put_u8(l->out, '>');
}

void tsr_link_put_flag(tsr_link_out *l, const char *name)
{
    tsr_put_u8(l->out, ';');
    tsr_put_text(l->out, name);
}

void tsr_link_put_token(tsr_link_out *l, const char *name, tsr_bytes v)
{
    tsr_link_put_flag(l, name);
    tsr_put_u8(l->out, '=');
    tsr_put_bytes(l->out, v);
}

void tsr_link_put_uint(tsr_link_out *l, const char *name, uint64_t v)
{
    tsr_link_put_token(l, name, (tsr_bytes){ NULL, 0 });
    tsr_put_dec(l->out, v);
}

void tsr_link_put_double(tsr_link_out *l, const char *name, double v)
{
    tsr_link_put_token(l, name, (tsr_bytes){ NULL, 0 });
    tsr_number_put(l->out, v);
}

void tsr_link_put_string(tsr_link_out *l, const char *name, tsr_bytes v)
{
    tsr_link_put_token(l, name, tsr_text("\""));
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '"' || v.ptr[i] == '\\')
            tsr_put_u8(l->out, '\\');
        tsr_put_u8(l->out, v.ptr[i]);
    }
    tsr_put_u8(l->out, '"');
}
