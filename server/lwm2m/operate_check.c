/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operation must name, and what it may leave open. */
#include "server/lwm2m/internal.h"

static const char *wrong_path(tsr_server_kind kind, tsr_lwm2m_path path)
{
    uint8_t depth = path.depth;

    switch (kind) {
    case TSR_SERVER_READ:
    case TSR_SERVER_OBSERVE:
    case TSR_SERVER_CANCEL_OBSERVE:
        return depth >= 1 ? NULL : "the path must name an object at least";
    case TSR_SERVER_DISCOVER:
        return depth >= 1 && depth <= 3 ? NULL : "Discover takes an object, instance or resource";
    case TSR_SERVER_WRITE_REPLACE:
        return depth >= 2 ? NULL : "Write takes an instance, resource or resource instance";
    case TSR_SERVER_WRITE_UPDATE:
        return depth == 2 || depth == 3 ? NULL : "a partial Write takes an instance or resource";
    case TSR_SERVER_WRITE_ATTRIBUTES:
        return depth >= 1 ? NULL : "the path must name an object at least";
    case TSR_SERVER_EXECUTE: return depth == 3 ? NULL : "Execute takes a resource";
    case TSR_SERVER_CREATE: return depth == 1 || depth == 2 ? NULL : "Create takes an object";
    case TSR_SERVER_DELETE:
        return depth == 2 || depth == 4 ? NULL : "Delete takes an instance or resource instance";
    case TSR_SERVER_READ_COMPOSITE:
    case TSR_SERVER_OBSERVE_COMPOSITE:
    case TSR_SERVER_CANCEL_COMPOSITE:
    case TSR_SERVER_WRITE_COMPOSITE: return depth == 0 ? NULL : "a composite operation is the root's";
    }
    return "unknown operation";
}

const char *operation_wrong(tsr_server_kind kind, tsr_lwm2m_path path, size_t named)
{
    const char *why = wrong_path(kind, path);

    if (!why && kind_is_composite(kind) && named == 0)
        why = "a composite operation takes a list of paths, or of values";
    return why;
}

/* Create without an instance: the lowest that the device has not announced, so that every format
 * can name it. */
void operation_choose_instance(const device *dev, operation *op)
{
    bool named = op->path.depth == 2;
    uint32_t id = 0;

    for (size_t i = 0; i < op->record_count && !named; i++)
        named = op->records[i].path.depth >= 2 && op->records[i].path.instance != TSR_LWM2M_NO_ID;
    if (op->kind != TSR_SERVER_CREATE || named)
        return;
    for (bool again = true; again && id < TSR_LWM2M_NO_ID;) {
        again = false;
        for (size_t i = 0; i < dev->info->link_count; i++) {
            tsr_lwm2m_path p = dev->info->links[i].path;

            if (p.depth == 2 && p.object == op->path.object && p.instance == id) {
                id++;
                again = true;
            }
        }
    }
    op->path = tsr_lwm2m_at_instance(op->path.object, (uint16_t)id);
    for (size_t i = 0; i < op->record_count; i++)
        op->records[i].path.instance = (uint16_t)id;
}
