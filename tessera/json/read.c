/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/utf8.h"
#include "tessera/json/json.h"
#include "tessera/json/number.h"

/* ---- checking a document ------------------------------------------------------------------ */

typedef struct {
    const uint8_t *ptr;
    size_t at, len;
    uint32_t objects; /* one bit for each open level */
    unsigned depth;
} scan;

static int byte_at(const scan *s) { return s->at < s->len ? s->ptr[s->at] : -1; }

static void skip_space(scan *s)
{
    while (s->at < s->len) {
        uint8_t c = s->ptr[s->at];

        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        s->at++;
    }
}

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static bool scan_digits(scan *s)
{
    size_t from = s->at;

    while (is_digit(byte_at(s)))
        s->at++;
    return s->at != from;
}

/* RFC 8259 §6 */
static bool scan_number(scan *s)
{
    if (byte_at(s) == '-')
        s->at++;
    if (byte_at(s) == '0')
        s->at++;
    else if (!scan_digits(s))
        return false;
    if (byte_at(s) == '.') {
        s->at++;
        if (!scan_digits(s))
            return false;
    }
    if (byte_at(s) == 'e' || byte_at(s) == 'E') {
        s->at++;
        if (byte_at(s) == '+' || byte_at(s) == '-')
            s->at++;
        return scan_digits(s);
    }
    return true;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four digits behind \u, or -1. */
static int32_t hex4(tsr_bytes text)
{
    int32_t v = 0;

    if (text.len < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(text.ptr[i]);

        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* RFC 8259 §7, §8.2: the escape behind a backslash; code points above U+FFFF are a pair of
 * surrogates. `used` is what it took. */
static bool take_escape(tsr_bytes text, uint32_t *code_point, size_t *used)
{
    static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";

    if (text.len == 0)
        return false;
    *used = 1;
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        if (text.ptr[0] == (uint8_t)letters[i]) {
            *code_point = (uint8_t)meaning[i];
            return true;
        }
    }

    int32_t unit = text.ptr[0] == 'u' ? hex4(tsr_skip(text, 1)) : -1;

    *used = 5;
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return false;
    *code_point = (uint32_t)unit;
    if (unit < 0xd800 || unit > 0xdbff)
        return true;
    if (text.len < 11 || text.ptr[5] != '\\' || text.ptr[6] != 'u')
        return false;

    int32_t low = hex4(tsr_skip(text, 7));

    *used = 11;
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *code_point = 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    return true;
}

/* `at` stands on the opening quote. */
static bool scan_string(scan *s)
{
    size_t plain = ++s->at;

    for (;;) {
        int c = byte_at(s);

        if (c < 0x20)
            return false;
        if (c != '"' && c != '\\') {
            s->at++;
            continue;
        }
        if (!tsr_utf8_valid(tsr_view(s->ptr + plain, s->at - plain)))
            return false;
        s->at++;
        if (c == '"')
            return true;

        uint32_t code_point;
        size_t used;

        if (!take_escape(tsr_view(s->ptr + s->at, s->len - s->at), &code_point, &used))
            return false;
        s->at += used;
        plain = s->at;
    }
}

static bool scan_word(scan *s, const char *word)
{
    size_t len = strlen(word);

    if (s->len - s->at < len || memcmp(s->ptr + s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

static bool scan_scalar(scan *s)
{
    switch (byte_at(s)) {
    case '"': return scan_string(s);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default:  return scan_number(s);
    }
}

static bool in_object(const scan *s) { return (s->objects >> (s->depth - 1) & 1u) != 0; }

static bool scan_key(scan *s)
{
    skip_space(s);
    if (byte_at(s) != '"' || !scan_string(s))
        return false;
    skip_space(s);
    if (byte_at(s) != ':')
        return false;
    s->at++;
    return true;
}

/* Stands behind a value: closes what ends here and stands on the next value afterwards. */
static bool scan_after_value(scan *s)
{
    while (s->depth != 0) {
        skip_space(s);

        int c = byte_at(s);

        if (c == ',') {
            s->at++;
            return in_object(s) ? scan_key(s) : true;
        }
        if (c != (in_object(s) ? '}' : ']'))
            return false;
        s->at++;
        s->depth--;
    }
    return true;
}

/* Stands on an opening bracket. `complete`: it was empty, so a value has ended. */
static tsr_err scan_open(scan *s, bool *complete)
{
    bool object = byte_at(s) == '{';

    if (s->depth == TSR_JSON_DEPTH)
        return TSR_E_UNSUPPORTED;
    s->objects &= ~(UINT32_C(1) << s->depth);
    s->objects |= (object ? UINT32_C(1) : 0) << s->depth;
    s->depth++;
    s->at++;
    skip_space(s);
    *complete = byte_at(s) == (object ? '}' : ']');
    if (*complete) {
        s->at++;
        s->depth--;
        return TSR_OK;
    }
    return !object || scan_key(s) ? TSR_OK : TSR_E_MALFORMED;
}

/* One value of any kind, without recursion. */
static tsr_err scan_value(scan *s)
{
    do {
        bool complete = true;

        skip_space(s);
        if (byte_at(s) == '{' || byte_at(s) == '[') {
            tsr_err err = scan_open(s, &complete);

            if (err != TSR_OK)
                return err;
        } else if (!scan_scalar(s)) {
            return TSR_E_MALFORMED;
        }
        if (complete && !scan_after_value(s))
            return TSR_E_MALFORMED;
    } while (s->depth != 0);
    return TSR_OK;
}

static tsr_json_kind kind_of(uint8_t first)
{
    switch (first) {
    case '{': return TSR_JSON_OBJECT;
    case '[': return TSR_JSON_ARRAY;
    case '"': return TSR_JSON_STRING;
    case 't': return TSR_JSON_TRUE;
    case 'f': return TSR_JSON_FALSE;
    case 'n': return TSR_JSON_NULL;
    default:  return TSR_JSON_NUMBER;
    }
}

tsr_err tsr_json_parse(tsr_bytes document, tsr_json *root, size_t *error_at)
{
    scan s = { document.ptr, 0, document.len, 0, 0 };

    skip_space(&s);

    size_t from = s.at;
    tsr_err err = scan_value(&s);
    size_t end = s.at;

    if (err == TSR_OK) {
        skip_space(&s);
        if (s.at != s.len)
            err = TSR_E_MALFORMED;
    }
    if (err != TSR_OK) {
        if (error_at != NULL)
            *error_at = s.at < s.len ? s.at : s.len;
        return err;
    }
    *root = (tsr_json){ kind_of(document.ptr[from]), { document.ptr + from, end - from } };
    return TSR_OK;
}

/* ---- walking a checked value -------------------------------------------------------------- */

/* From here on the text is known to be right, so the end of a value can be found by counting. */
static size_t string_len(tsr_bytes text)
{
    size_t i = 1;

    while (i < text.len && text.ptr[i] != '"')
        i += text.ptr[i] == '\\' ? 2 : 1;
    return i < text.len ? i + 1 : text.len;
}

static size_t nested_len(tsr_bytes text)
{
    size_t depth = 0, i = 0;

    while (i < text.len) {
        uint8_t c = text.ptr[i];

        if (c == '"') {
            i += string_len(tsr_skip(text, i));
            continue;
        }
        i++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return i;
    }
    return text.len;
}

static size_t scalar_len(tsr_bytes text)
{
    static const char ends[] = ",]} \t\n\r";
    size_t i = 0;

    while (i < text.len && memchr(ends, text.ptr[i], sizeof ends - 1) == NULL)
        i++;
    return i;
}

static tsr_bytes trim(tsr_bytes text)
{
    scan s = { text.ptr, 0, text.len, 0, 0 };

    skip_space(&s);
    return tsr_skip(text, s.at);
}

static tsr_json take_value(tsr_bytes *rest)
{
    size_t len;
    tsr_json v;

    *rest = trim(*rest);
    v.kind = kind_of(rest->ptr[0]);
    if (v.kind == TSR_JSON_STRING)
        len = string_len(*rest);
    else if (v.kind == TSR_JSON_OBJECT || v.kind == TSR_JSON_ARRAY)
        len = nested_len(*rest);
    else
        len = scalar_len(*rest);
    v.text = tsr_first(*rest, len);
    *rest = trim(tsr_skip(*rest, len));
    return v;
}

tsr_json_walk tsr_json_items(const tsr_json *container)
{
    bool pairs = container->kind == TSR_JSON_OBJECT;

    if (!pairs && container->kind != TSR_JSON_ARRAY)
        return (tsr_json_walk){ { NULL, 0 }, false };
    return (tsr_json_walk){ trim(tsr_skip(container->text, 1)), pairs };
}

bool tsr_json_next(tsr_json_walk *walk, tsr_json *key, tsr_json *item)
{
    if (walk->rest.len <= 1) /* only the closing bracket is left */
        return false;

    tsr_json value = take_value(&walk->rest);

    if (walk->pairs) {
        if (key != NULL)
            *key = value;
        walk->rest = tsr_skip(walk->rest, 1); /* the colon */
        value = take_value(&walk->rest);
    }
    if (item != NULL)
        *item = value;
    if (walk->rest.len != 0 && walk->rest.ptr[0] == ',')
        walk->rest = tsr_skip(walk->rest, 1);
    return true;
}

tsr_err tsr_json_find(const tsr_json *object, const char *name, tsr_json *item)
{
    tsr_json_walk walk = tsr_json_items(object);
    tsr_err found = TSR_E_NOT_FOUND;
    tsr_json key = { TSR_JSON_NULL, { NULL, 0 } }, value;

    if (object->kind != TSR_JSON_OBJECT)
        return TSR_E_TYPE;
    while (tsr_json_next(&walk, &key, &value)) {
        if (tsr_json_is(&key, name)) {
            *item = value;
            found = TSR_OK;
        }
    }
    return found;
}

size_t tsr_json_count(const tsr_json *container)
{
    tsr_json_walk walk = tsr_json_items(container);
    size_t n = 0;

    while (tsr_json_next(&walk, NULL, NULL))
        n++;
    return n;
}

/* ---- typed values ------------------------------------------------------------------------- */

static tsr_bytes inside(const tsr_json *string)
{
    return tsr_view(string->text.ptr + 1, string->text.len - 2);
}

/* Appends the content; an escape is never shorter than what it stands for. */
static void put_content(tsr_buf *out, tsr_bytes text)
{
    while (text.len != 0) {
        const uint8_t *slash = memchr(text.ptr, '\\', text.len);
        size_t plain = slash == NULL ? text.len : (size_t)(slash - text.ptr);
        uint32_t code_point;
        size_t used;

        tsr_put_bytes(out, tsr_first(text, plain));
        text = tsr_skip(text, plain);
        if (text.len == 0)
            return;
        text = tsr_skip(text, 1);
        if (!take_escape(text, &code_point, &used))
            return; /* cannot be in a checked document */
        tsr_put_utf8(out, code_point);
        text = tsr_skip(text, used);
    }
}

bool tsr_json_is(const tsr_json *string, const char *content)
{
    if (string->kind != TSR_JSON_STRING)
        return false;

    tsr_bytes text = inside(string);
    tsr_bytes want = tsr_text(content);

    if (memchr(string->text.ptr, '\\', string->text.len) == NULL)
        return tsr_same(text, want);
    while (text.len != 0) {
        uint8_t plain[4];
        tsr_buf one = tsr_buf_over(plain, sizeof plain);
        size_t used = 1;

        if (text.ptr[0] == '\\') {
            uint32_t code_point;

            if (!take_escape(tsr_skip(text, 1), &code_point, &used))
                return false;
            tsr_put_utf8(&one, code_point);
            used++;
        } else {
            tsr_put_u8(&one, text.ptr[0]);
        }
        if (!tsr_same(tsr_first(want, one.len), tsr_buf_view(&one)))
            return false;
        want = tsr_skip(want, one.len);
        text = tsr_skip(text, used);
    }
    return want.len == 0;
}

tsr_err tsr_json_string(const tsr_json *v, tsr_buf *scratch, tsr_bytes *out)
{
    if (v->kind != TSR_JSON_STRING)
        return TSR_E_TYPE;

    tsr_bytes text = inside(v);

    if (text.len == 0 || memchr(text.ptr, '\\', text.len) == NULL) {
        *out = text;
        return TSR_OK;
    }
    if (scratch == NULL || scratch->err != TSR_OK)
        return TSR_E_SPACE;

    tsr_buf room = *scratch;

    put_content(&room, text);
    if (room.err != TSR_OK)
        return TSR_E_SPACE;
    *out = tsr_view(room.ptr + scratch->len, room.len - scratch->len);
    *scratch = room;
    return TSR_OK;
}

tsr_err tsr_json_cstring(const tsr_json *v, char *out, size_t cap)
{
    if (v->kind != TSR_JSON_STRING)
        return TSR_E_TYPE;
    if (cap == 0)
        return TSR_E_SPACE;

    tsr_buf room = tsr_buf_over(out, cap - 1);

    put_content(&room, inside(v));
    if (room.err != TSR_OK) {
        out[0] = '\0';
        return TSR_E_SPACE;
    }
    out[room.len] = '\0';
    if (strlen(out) == room.len)
        return TSR_OK;
    out[0] = '\0';
    return TSR_E_TYPE;
}

tsr_err tsr_json_int(const tsr_json *v, int64_t *out)
{
    bool negative;
    uint64_t size;

    if (v->kind != TSR_JSON_NUMBER || tsr_number_get_whole(v->text, &negative, &size) != TSR_OK
        || size > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return TSR_E_TYPE;
    *out = negative ? (int64_t)(0 - size) : (int64_t)size;
    return TSR_OK;
}

tsr_err tsr_json_uint(const tsr_json *v, uint64_t *out)
{
    bool negative;
    uint64_t size;

    if (v->kind != TSR_JSON_NUMBER || tsr_number_get_whole(v->text, &negative, &size) != TSR_OK
        || (negative && size != 0))
        return TSR_E_TYPE;
    *out = size;
    return TSR_OK;
}

tsr_err tsr_json_double(const tsr_json *v, double *out)
{
    if (v->kind != TSR_JSON_NUMBER)
        return TSR_E_TYPE;
    return tsr_number_get(v->text, out) == TSR_OK ? TSR_OK : TSR_E_TYPE;
}

tsr_err tsr_json_bool(const tsr_json *v, bool *out)
{
    if (v->kind != TSR_JSON_TRUE && v->kind != TSR_JSON_FALSE)
        return TSR_E_TYPE;
    *out = v->kind == TSR_JSON_TRUE;
    return TSR_OK;
}

static tsr_err find_value(const tsr_json *object, const char *name, tsr_json *item)
{
    tsr_err err = tsr_json_find(object, name, item);

    if (err == TSR_OK && item->kind == TSR_JSON_NULL)
        return TSR_E_NOT_FOUND;
    return err;
}

tsr_err tsr_json_find_int(const tsr_json *object, const char *name, int64_t *out)
{
    tsr_json v;
    tsr_err err = find_value(object, name, &v);

    return err == TSR_OK ? tsr_json_int(&v, out) : err;
}

tsr_err tsr_json_find_uint(const tsr_json *object, const char *name, uint64_t *out)
{
    tsr_json v;
    tsr_err err = find_value(object, name, &v);

    return err == TSR_OK ? tsr_json_uint(&v, out) : err;
}

tsr_err tsr_json_find_double(const tsr_json *object, const char *name, double *out)
{
    tsr_json v;
    tsr_err err = find_value(object, name, &v);

    return err == TSR_OK ? tsr_json_double(&v, out) : err;
}

tsr_err tsr_json_find_bool(const tsr_json *object, const char *name, bool *out)
{
    tsr_json v;
    tsr_err err = find_value(object, name, &v);

    return err == TSR_OK ? tsr_json_bool(&v, out) : err;
}

tsr_err tsr_json_find_cstring(const tsr_json *object, const char *name, char *out, size_t cap)
{
    tsr_json v;
    tsr_err err = find_value(object, name, &v);

    return err == TSR_OK ? tsr_json_cstring(&v, out, cap) : err;
}
