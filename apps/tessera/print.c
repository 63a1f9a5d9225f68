/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera/tessera.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tessera/base/utf8.h"
#include "tessera/json/base64.h"

void *need(void *memory)
{
    if (memory == NULL) {
        (void)fprintf(stderr, "tessera: out of memory\n");
        exit(EXIT_SERVER);
    }
    return memory;
}

void table_row(table *t, const char *const *cells)
{
    char **row = need(calloc(t->columns, sizeof *row));

    for (size_t i = 0; i < t->columns; i++)
        row[i] = need(strdup(cells[i] != NULL ? cells[i] : ""));
    t->rows = need(realloc(t->rows, (t->count + 1) * sizeof *t->rows));
    t->rows[t->count++] = row;
}

/* Characters, not bytes. */
static size_t width(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void print_row(const table *t, char *const *row, const size_t *widths)
{
    for (size_t i = 0; i < t->columns; i++) {
        size_t pad = i + 1 < t->columns ? widths[i] - width(row[i]) + 2 : 0;

        (void)printf("%s%*s", row[i], (int)pad, "");
    }
    (void)printf("\n");
}

void table_free(table *t)
{
    for (size_t r = 0; r < t->count; r++) {
        for (size_t i = 0; i < t->columns; i++)
            free(t->rows[r][i]);
        free(t->rows[r]);
    }
    free(t->rows);
    *t = (table){ 0 };
}

void table_print(table *t)
{
    size_t *widths = need(calloc(t->columns + 1, sizeof *widths));
    bool bold = isatty(STDOUT_FILENO) != 0;

    for (size_t r = 0; r < t->count; r++)
        for (size_t i = 0; i < t->columns; i++)
            if (width(t->rows[r][i]) > widths[i])
                widths[i] = width(t->rows[r][i]);
    for (size_t r = 0; r < t->count; r++) {
        if (r == 0 && bold)
            (void)printf("\033[1m");
        print_row(t, t->rows[r], widths);
        if (r == 0 && bold)
            (void)printf("\033[0m");
    }
    free(widths);
    table_free(t);
}

void table_print_or(table *t, const char *nothing)
{
    if (t->count > 1) {
        table_print(t);
        return;
    }
    (void)printf("%s\n", nothing);
    table_free(t);
}

/* Eight answers live side by side: enough for one row of a table. */
static char *slot(void)
{
    static char slots[8][1024];
    static unsigned next;

    return slots[next++ % 8];
}

/* Bytes of the first character; 0: it is no UTF-8. */
static size_t first_character(tsr_bytes text)
{
    for (size_t n = 1; n <= 4 && n <= text.len; n++)
        if (tsr_utf8_valid(tsr_first(text, n)))
            return n;
    return 0;
}

/* What a terminal shows and does not obey: no control (C0, DEL, C1), no other line (U+2028, U+2029),
 * and nothing that turns the direction of writing (U+061C, U+200E, U+202A and their like). */
static bool is_harmless(const uint8_t *c, size_t len)
{
    switch (len) {
    case 1: return c[0] >= 0x20 && c[0] != 0x7f;
    case 2: return !(c[0] == 0xc2 && c[1] < 0xa0) && !(c[0] == 0xd8 && c[1] == 0x9c);
    case 3:
        return !(c[0] == 0xe2 && c[1] == 0x80 &&
                 (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae))) &&
               !(c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
    default: return len == 4;
    }
}

void put_visible(tsr_buf *out, tsr_bytes text)
{
    while (text.len > 0 && out->err == TSR_OK) {
        size_t len = first_character(text);

        if (is_harmless(text.ptr, len))
            tsr_put_bytes(out, tsr_first(text, len));
        else
            tsr_put_u8(out, '?');
        text = tsr_skip(text, len > 0 ? len : 1);
    }
}

void print_visible(tsr_bytes text)
{
    tsr_buf out = tsr_buf_over(need(malloc(text.len + 1)), text.len + 1);

    put_visible(&out, text);
    (void)fwrite(out.ptr, 1, out.len, stdout);
    free(out.ptr);
}

static const char *visible(tsr_bytes text)
{
    char *out = slot();
    tsr_buf b = tsr_buf_over((uint8_t *)out, 1000);

    put_visible(&b, text);
    out[b.len] = '\0';
    return out;
}

static const char *string_text(const tsr_json *v)
{
    uint8_t *room = need(malloc(v->text.len + 1));
    tsr_buf scratch = tsr_buf_over(room, v->text.len);
    tsr_bytes text = { 0 };
    const char *out = tsr_json_string(v, &scratch, &text) == TSR_OK ? visible(text) : "";

    free(room);
    return out;
}

const char *value_text(const tsr_json *v, const char *type)
{
    if (v->kind == TSR_JSON_NULL)
        return "-";
    if (v->kind != TSR_JSON_STRING)
        return visible(v->text);
    const char *text = string_text(v);

    if (strcmp(type, "opaque") != 0 && strcmp(type, "bytes") != 0)
        return text;
    char *out = slot();
    uint8_t bytes[768];
    tsr_buf raw = tsr_buf_over(bytes, sizeof bytes);

    if (strlen(text) > 64 || tsr_base64_get(tsr_text(text), &raw) != TSR_OK)
        (void)snprintf(out, 1000, "%zu bytes", v->text.len / 4 * 3);
    else if (raw.len == 0)
        (void)snprintf(out, 1000, "(empty)");
    else
        for (size_t i = 0; i < raw.len; i++)
            (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return out;
}

const char *text_of(const tsr_json *object, const char *name)
{
    tsr_json v;

    if (tsr_json_find(object, name, &v) != TSR_OK || v.kind == TSR_JSON_NULL)
        return "";
    return v.kind == TSR_JSON_STRING ? string_text(&v) : visible(v.text);
}

const char *ago(const char *moment)
{
    struct tm tm = { 0 };
    char *out = slot();

    if (strptime(moment, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
        return "-";
    long long s = (long long)time(NULL) - (long long)timegm(&tm);

    if (s < 0)
        s = 0;
    if (s < 90)
        (void)snprintf(out, 64, "%lld s ago", s);
    else if (s < 90 * 60)
        (void)snprintf(out, 64, "%lld min ago", s / 60);
    else if (s < 36 * 3600)
        (void)snprintf(out, 64, "%lld h ago", s / 3600);
    else
        (void)snprintf(out, 64, "%lld d ago", s / 86400);
    return out;
}

static void print_lines(const tsr_json *v, int depth)
{
    tsr_json_walk walk = tsr_json_items(v);
    bool is_object = v->kind == TSR_JSON_OBJECT, any = false;
    tsr_json key, item;

    if ((!is_object && v->kind != TSR_JSON_ARRAY) || tsr_json_count(v) == 0) {
        (void)printf("%.*s", (int)v->text.len, (const char *)v->text.ptr);
        return;
    }
    (void)putchar(is_object ? '{' : '[');
    for (; tsr_json_next(&walk, is_object ? &key : NULL, &item); any = true) {
        (void)printf("%s\n%*s", any ? "," : "", 2 * depth + 2, "");
        if (is_object)
            (void)printf("%.*s: ", (int)key.text.len, (const char *)key.text.ptr);
        print_lines(&item, depth + 1);
    }
    (void)printf("\n%*s%c", 2 * depth, "", is_object ? '}' : ']');
}

void print_json_lines(const tsr_json *v)
{
    print_lines(v, 0);
    (void)printf("\n");
}

void print_json(const answer *a)
{
    (void)fwrite(a->text, 1, a->len, stdout);
    (void)printf("\n");
}
