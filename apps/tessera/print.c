/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera/tessera.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

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

/* Visible text: controls (C0, DEL, C1) become a question mark. */
static const char *visible(tsr_bytes text)
{
    char *out = slot();
    size_t n = 0;

    for (size_t i = 0; i < text.len && n < 1000; i++) {
        uint8_t c = text.ptr[i];
        bool c1 = c == 0xc2 && i + 1 < text.len && text.ptr[i + 1] < 0xa0;

        if (c < 0x20 || c == 0x7f || c1)
            out[n++] = '?';
        else
            out[n++] = (char)c;
        i += c1;
    }
    out[n] = '\0';
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

void print_json(const answer *a)
{
    (void)fwrite(a->text, 1, a->len, stdout);
    (void)printf("\n");
}
