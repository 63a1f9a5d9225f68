/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/model/path.h"

/* The identifiers lie one behind the other. */
_Static_assert(offsetof(tsr_lwm2m_path, resource_instance) == 3 * sizeof(uint16_t), "no gaps");

static uint16_t id_at(const tsr_lwm2m_path *path, unsigned level)
{
    uint16_t id;

    memcpy(&id, (const uint8_t *)path + level * sizeof id, sizeof id);
    return id;
}

static void put_id(tsr_lwm2m_path *path, unsigned level, uint16_t id)
{
    memcpy((uint8_t *)path + level * sizeof id, &id, sizeof id);
}

tsr_lwm2m_path tsr_lwm2m_path_up(tsr_lwm2m_path path, uint8_t depth)
{
    while (path.depth > depth)
        put_id(&path, --path.depth, 0);
    return path;
}

tsr_lwm2m_path tsr_lwm2m_path_down(tsr_lwm2m_path path, uint16_t id)
{
    if (path.depth < 4)
        put_id(&path, path.depth++, id);
    return path;
}

tsr_err tsr_lwm2m_path_push(tsr_lwm2m_path *path, tsr_bytes segment)
{
    uint32_t id = 0;

    if (path->depth >= 4 || segment.len - 1 > 4 || (segment.ptr[0] == '0' && segment.len > 1))
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < segment.len; i++) {
        unsigned digit = segment.ptr[i] - (unsigned)'0';

        if (digit > 9)
            return TSR_E_MALFORMED;
        id = id * 10 + digit;
    }
    if (id > UINT16_MAX)
        return TSR_E_MALFORMED;
    put_id(path, path->depth++, (uint16_t)id);
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

static bool is_letter(uint8_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

/* RFC 3986 §2.3 */
static bool is_unreserved(uint8_t c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

bool tsr_lwm2m_root_is_good(tsr_bytes root)
{
    bool named = true; /* the segment so far */

    if (root.len > TSR_LWM2M_ROOT_MAX || (root.len != 0 && root.ptr[0] != '/'))
        return false;
    for (size_t i = 0; i < root.len; i++) {
        uint8_t c = root.ptr[i];

        if (c == '/' ? !named : !is_unreserved(c))
            return false;
        named = c != '/' && (named || is_letter(c));
    }
    return named;
}

void tsr_lwm2m_path_put(tsr_buf *out, tsr_lwm2m_path path)
{
    if (path.depth == 0)
        tsr_put_u8(out, '/');
    for (unsigned level = 0; level < path.depth; level++) {
        tsr_put_u8(out, '/');
        tsr_put_dec(out, id_at(&path, level));
    }
}

bool tsr_lwm2m_path_within(const tsr_lwm2m_path *outer, const tsr_lwm2m_path *inner)
{
    if (outer->depth > inner->depth)
        return false;
    for (unsigned level = 0; level < outer->depth; level++)
        if (id_at(outer, level) != id_at(inner, level))
            return false;
    return true;
}

int tsr_lwm2m_path_compare(tsr_lwm2m_path a, tsr_lwm2m_path b)
{
    for (unsigned level = 0; level < a.depth && level < b.depth; level++)
        if (id_at(&a, level) != id_at(&b, level))
            return (int)id_at(&a, level) - (int)id_at(&b, level);
    return (int)a.depth - (int)b.depth;
}
