/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "fuzz/format_round.h"

enum { MOST = 512 };

typedef struct {
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
} entry;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static tsr_lwm2m_path base_of(uint8_t choice)
{
    static const tsr_lwm2m_path bases[] = {
        { 0, 0, 0, 0, 0 }, { 3, 0, 0, 0, 1 }, { 3, 0, 0, 0, 2 }, { 3, 0, 7, 0, 3 }, { 3, 0, 7, 1, 4 },
        { 3303, 65535, 0, 0, 2 },
    };

    return bases[choice % (sizeof bases / sizeof bases[0])];
}

/* Every conversion must be safe on every value; only the sanitizers look at the result. */
static void convert(const tsr_lwm2m_value *value, tsr_buf *scratch)
{
    for (int type = TSR_LWM2M_NONE; type <= TSR_LWM2M_RAW_BYTES; type++) {
        tsr_buf room = *scratch;
        tsr_lwm2m_value typed;

        if (tsr_lwm2m_value_as(value, (tsr_lwm2m_type)type, &room, &typed) == TSR_OK)
            require(typed.type == (tsr_lwm2m_type)type);
    }
}

static tsr_err decode(tsr_lwm2m_format format, tsr_lwm2m_path base, tsr_bytes payload,
                      tsr_buf *scratch, entry *entries, size_t *count, bool *timed)
{
    tsr_lwm2m_in in;
    tsr_err err = tsr_lwm2m_in_begin(&in, format, base, payload, scratch);

    *count = 0;
    while (err == TSR_OK && *count < MOST) {
        entry *e = &entries[*count];
        uint64_t ms;

        err = tsr_lwm2m_in_next(&in, &e->path, &e->value);
        if (err != TSR_OK)
            break;
        require(tsr_lwm2m_path_contains(base, e->path));
        *timed |= tsr_lwm2m_in_time(&in, 0, &ms);
        (*count)++;
    }
    return err;
}

static tsr_err encode(tsr_lwm2m_format format, tsr_lwm2m_path base, tsr_buf *body, entry *entries,
                      size_t *count)
{
    tsr_lwm2m_out out;
    size_t kept = 0;

    if (tsr_lwm2m_out_begin(&out, format, base, body) != TSR_OK)
        return out.err;
    for (size_t i = 0; i < *count; i++) {
        entry e = entries[i];

        if (e.value.type != TSR_LWM2M_NONE)
            tsr_lwm2m_put(&out, e.path, &e.value);
        else if (format == TSR_LWM2M_FORMAT_SENML_CBOR || format == TSR_LWM2M_FORMAT_SENML_JSON)
            tsr_lwm2m_put_name(&out, e.path);
        else
            continue; /* an empty container: written only where it makes a difference */
        entries[kept++] = e;
    }
    *count = kept;
    return tsr_lwm2m_out_end(&out);
}

/* JSON's -0 is the whole number 0, so the sign of a zero may get lost. */
static void compare(const entry *a, const entry *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tsr_lwm2m_value same = b[i].value;

        require(tsr_lwm2m_path_same(a[i].path, b[i].path));
        require(tsr_lwm2m_value_as(&b[i].value, a[i].value.type, NULL, &same) == TSR_OK);
        require(tsr_lwm2m_value_same(&a[i].value, &same)
                || (same.type == TSR_LWM2M_FLOAT && same.as.f == 0 && a[i].value.as.f == 0));
    }
}

void format_round(tsr_lwm2m_format format, tsr_bytes input)
{
    static entry first[MOST], second[MOST];
    tsr_lwm2m_path base = base_of(input.len == 0 ? 0 : input.ptr[0]);
    tsr_bytes payload = tsr_skip(input, 1);
    size_t cap = 64 * input.len + 256, counts[2];
    uint8_t *room = malloc(3 * cap);
    tsr_buf scratch = tsr_buf_over(room, cap), more = tsr_buf_over(room + cap, cap);
    tsr_buf body = tsr_buf_over(room + 2 * cap, cap);
    bool timed = false;

    require(room != NULL);
    if (decode(format, base, payload, &scratch, first, &counts[0], &timed) == TSR_END) {
        require(scratch.len <= payload.len); /* as the header promises */
        for (size_t i = 0; i < counts[0]; i++)
            convert(&first[i].value, &more);
        if (!timed && encode(format, base, &body, first, &counts[0]) == TSR_OK) {
            require(decode(format, base, tsr_buf_view(&body), &more, second, &counts[1], &timed)
                    == TSR_END);
            require(counts[0] == counts[1]);
            compare(first, second, counts[0]);
        }
    }
    free(room);
}
