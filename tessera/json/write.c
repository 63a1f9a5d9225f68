/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/utf8.h"
#include "tessera/json/json.h"
#include "tessera/json/number.h"

tsr_json_out tsr_json_to(tsr_buf *out)
{
    return (tsr_json_out){ .out = out };
}

static void fail(tsr_json_out *j, tsr_err err)
{
    if (j->out->err == TSR_OK)
        j->out->err = err;
}

static bool top_is_object(const tsr_json_out *j)
{
    return j->depth != 0 && (j->objects >> (j->depth - 1) & 1u) != 0;
}

/* The comma before an item, if one stands before it. */
static void separate(tsr_json_out *j)
{
    uint32_t bit = UINT32_C(1) << (j->depth - 1);

    if ((j->filled & bit) != 0)
        tsr_put_u8(j->out, ',');
    j->filled |= bit;
}

/* A value may stand at the top once, in an array, or behind a key. */
static bool begin_value(tsr_json_out *j)
{
    if (j->out->err != TSR_OK)
        return false;
    if (j->depth == 0) {
        if (j->done)
            fail(j, TSR_E_STATE);
        j->done = true;
    } else if (!top_is_object(j)) {
        separate(j);
    } else if (!j->after_key) {
        fail(j, TSR_E_STATE);
    }
    j->after_key = false;
    return j->out->err == TSR_OK;
}

static void open_level(tsr_json_out *j, bool object)
{
    if (!begin_value(j))
        return;
    if (j->depth == TSR_JSON_DEPTH) {
        fail(j, TSR_E_UNSUPPORTED);
        return;
    }

    uint32_t bit = UINT32_C(1) << j->depth;

    j->filled &= ~bit;
    j->objects = object ? j->objects | bit : j->objects & ~bit;
    j->depth++;
    tsr_put_u8(j->out, object ? '{' : '[');
}

void tsr_json_open_object(tsr_json_out *j) { open_level(j, true); }
void tsr_json_open_array(tsr_json_out *j) { open_level(j, false); }

void tsr_json_close(tsr_json_out *j)
{
    if (j->depth == 0 || j->after_key) {
        fail(j, TSR_E_STATE);
        return;
    }
    tsr_put_u8(j->out, top_is_object(j) ? '}' : ']');
    j->depth--;
}

static void put_escaped(tsr_buf *out, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char meaning[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *known = c == 0 ? NULL : memchr(meaning, c, sizeof meaning - 1);

    tsr_put_u8(out, '\\');
    if (known != NULL) {
        tsr_put_u8(out, (uint8_t)letters[known - meaning]);
        return;
    }
    tsr_put_text(out, "u00");
    tsr_put_u8(out, (uint8_t)hex[c >> 4]);
    tsr_put_u8(out, (uint8_t)hex[c & 15]);
}

/* How many bytes from the front are one UTF-8 sequence; 0 if they are none. */
static size_t sequence_len(tsr_bytes text)
{
    for (size_t n = 2; n <= 4 && n <= text.len; n++)
        if (tsr_utf8_valid(tsr_first(text, n)))
            return n;
    return 0;
}

static void put_quoted(tsr_buf *out, tsr_bytes text)
{
    size_t i = 0, plain = 0;

    tsr_put_u8(out, '"');
    while (i < text.len) {
        uint8_t c = text.ptr[i];
        size_t len = 1;

        if (c >= 0x80) {
            len = sequence_len(tsr_skip(text, i));
        } else if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
            len = 0;
        }
        if (len != 0) {
            i += len;
            continue;
        }
        tsr_put_bytes(out, tsr_view(text.ptr + plain, i - plain));
        if (c >= 0x80)
            tsr_put_utf8(out, 0xfffd);
        else
            put_escaped(out, c);
        plain = ++i;
    }
    if (i != plain)
        tsr_put_bytes(out, tsr_view(text.ptr + plain, i - plain));
    tsr_put_u8(out, '"');
}

void tsr_json_put_key_bytes(tsr_json_out *j, tsr_bytes name)
{
    if (!top_is_object(j) || j->after_key) {
        fail(j, TSR_E_STATE);
        return;
    }
    separate(j);
    put_quoted(j->out, name);
    tsr_put_u8(j->out, ':');
    j->after_key = true;
}

void tsr_json_put_key(tsr_json_out *j, const char *name)
{
    tsr_json_put_key_bytes(j, tsr_text(name));
}

void tsr_json_put_string(tsr_json_out *j, tsr_bytes utf8)
{
    if (begin_value(j))
        put_quoted(j->out, utf8);
}

void tsr_json_put_cstring(tsr_json_out *j, const char *zero_terminated)
{
    tsr_json_put_string(j, tsr_text(zero_terminated));
}

void tsr_json_put_int(tsr_json_out *j, int64_t v)
{
    if (begin_value(j))
        tsr_put_sdec(j->out, v);
}

void tsr_json_put_uint(tsr_json_out *j, uint64_t v)
{
    if (begin_value(j))
        tsr_put_dec(j->out, v);
}

void tsr_json_put_double(tsr_json_out *j, double v)
{
    if (begin_value(j))
        tsr_number_put(j->out, v);
}

void tsr_json_put_raw(tsr_json_out *j, tsr_bytes json)
{
    if (begin_value(j))
        tsr_put_bytes(j->out, json);
}

void tsr_json_put_bool(tsr_json_out *j, bool v)
{
    tsr_json_put_raw(j, tsr_text(v ? "true" : "false"));
}

void tsr_json_put_null(tsr_json_out *j) { tsr_json_put_raw(j, tsr_text("null")); }

tsr_err tsr_json_end(tsr_json_out *j)
{
    if (j->depth != 0 || !j->done)
        fail(j, TSR_E_STATE);
    return j->out->err;
}
