/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/model/path.h"

static uint16_t *slot(tsr_lwm2m_path *path, uint8_t level)
{
    switch (level) {
    case 0:  return &path->object;
    case 1:  return &path->instance;
    case 2:  return &path->resource;
    default: return &path->resource_instance;
    }
}

uint16_t tsr_lwm2m_path_id(tsr_lwm2m_path path, uint8_t level)
{
    return *slot(&path, level);
}

tsr_lwm2m_path tsr_lwm2m_path_up(tsr_lwm2m_path path, uint8_t depth)
{
    for (uint8_t level = depth; level < path.depth; level++)
        *slot(&path, level) = 0;
    if (path.depth > depth)
        path.depth = depth;
    return path;
}

tsr_lwm2m_path tsr_lwm2m_path_down(tsr_lwm2m_path path, uint16_t id)
{
    if (path.depth < 4)
        *slot(&path, path.depth++) = id;
    return path;
}

tsr_err tsr_lwm2m_path_push(tsr_lwm2m_path *path, tsr_bytes segment)
{
    uint32_t id = 0;

    if (path->depth >= 4 || segment.len == 0 || segment.len > 5)
        return TSR_E_MALFORMED;
    if (segment.ptr[0] == '0' && segment.len > 1)
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < segment.len; i++) {
        if (segment.ptr[i] < '0' || segment.ptr[i] > '9')
            return TSR_E_MALFORMED;
        id = id * 10 + (uint32_t)(segment.ptr[i] - '0');
    }
    if (id > UINT16_MAX)
        return TSR_E_MALFORMED;
    *path = tsr_lwm2m_path_down(*path, (uint16_t)id);
    return TSR_OK;
}

tsr_err tsr_lwm2m_path_parse(tsr_bytes text, tsr_lwm2m_path *path)
{
    tsr_lwm2m_path got = tsr_lwm2m_at_root();
    size_t from = text.len != 0 && text.ptr[0] == '/' ? 1 : 0;

    while (from < text.len) {
        size_t end = from;

        while (end < text.len && text.ptr[end] != '/')
            end++;
        if (tsr_lwm2m_path_push(&got, tsr_view(text.ptr + from, end - from)) != TSR_OK)
            return TSR_E_MALFORMED;
        from = end + 1;
    }
    *path = got;
    return TSR_OK;
}

void tsr_lwm2m_path_put(tsr_buf *out, tsr_lwm2m_path path)
{
    if (path.depth == 0)
        tsr_put_u8(out, '/');
    for (uint8_t level = 0; level < path.depth; level++) {
        tsr_put_u8(out, '/');
        tsr_put_dec(out, tsr_lwm2m_path_id(path, level));
    }
}

/* By the first `depth` identifiers. */
static inline int compare(const tsr_lwm2m_path *a, const tsr_lwm2m_path *b, uint8_t depth)
{
    int order = depth < 1 ? 0 : (int)a->object - (int)b->object;

    if (order == 0 && depth >= 2)
        order = (int)a->instance - (int)b->instance;
    if (order == 0 && depth >= 3)
        order = (int)a->resource - (int)b->resource;
    if (order == 0 && depth >= 4)
        order = (int)a->resource_instance - (int)b->resource_instance;
    return order;
}

bool tsr_lwm2m_path_contains(tsr_lwm2m_path outer, tsr_lwm2m_path inner)
{
    return outer.depth <= inner.depth && compare(&outer, &inner, outer.depth) == 0;
}

int tsr_lwm2m_path_compare(tsr_lwm2m_path a, tsr_lwm2m_path b)
{
    int order = compare(&a, &b, a.depth < b.depth ? a.depth : b.depth);

    return order != 0 ? order : (int)a.depth - (int)b.depth;
}
