/* SPDX-License-Identifier: Apache-2.0
 *
 * All attributes: those that judge by the value too (gt, lt, st, edge; Core 5.1.2). */
#include "tessera/lwm2m/client/internal.h"

/* A number or Boolean that a single path stands for: what gt, lt, st and edge are judged by. */
static bool scalar_read(const tsr_lwm2m_client *c, tsr_lwm2m_path at, tsr_lwm2m_value *value)
{
    const tsr_lwm2m_object *object = tsr_lwm2m_object_find(c->config.registry, at.object);
    const tsr_lwm2m_resource_info *info;
    uint8_t room[16];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out out;
    tsr_lwm2m_in in;
    tsr_lwm2m_path path;

    if (object == NULL || at.depth < 3)
        return false;
    info = tsr_lwm2m_object_resource(object, at.resource);
    if (info == NULL || ((info->flags & TSR_LWM2M_MULTIPLE) != 0) != (at.depth == 4))
        return false;
    if (info->type < TSR_LWM2M_INTEGER || info->type > TSR_LWM2M_BOOLEAN)
        return false;
    if (tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_CBOR, at, &body) != TSR_OK)
        return false;
    (void)tsr_lwm2m_object_read(object, at, &out);
    if (tsr_lwm2m_out_end(&out) != TSR_OK)
        return false;
    return tsr_lwm2m_in_begin(&in, TSR_LWM2M_FORMAT_CBOR, at, tsr_buf_view(&body), NULL) == TSR_OK &&
           tsr_lwm2m_in_next(&in, &path, value) == TSR_OK &&
           tsr_lwm2m_value_convert(value, (tsr_lwm2m_type)info->type, value) == TSR_OK;
}

static void reported(const tsr_lwm2m_client *c, tsr_lwm2m_observation *o)
{
    if (o->at.depth == 0)
        c->parts->composite->reported(c, o);
    else
        (void)scalar_read(c, o->at, &o->last);
}

/* epmin: not judged again before its time; what changed waits for it, but never past pmax. epmax is
 * kept by judging at each change, of which the host tells (tsr_lwm2m_client_changed). */
static bool is_too_early(const tsr_lwm2m_client *c, tsr_lwm2m_observation *o,
                         const tsr_lwm2m_attributes *a)
{
    uint64_t next_ms = o->judged_ms + (uint64_t)a->whole[2] * 1000;

    if (!tsr_lwm2m_attribute_has(a, TSR_LWM2M_EPMIN) || o->judged_ms == 0 ||
        c->now_ms >= next_ms) {
        o->judged_ms = c->now_ms;
        return false;
    }
    o->dirty = true;
    o->retry_ms = next_ms < o->pmax_due_ms ? next_ms : o->pmax_due_ms;
    return true;
}

static bool judge(const tsr_lwm2m_client *c, tsr_lwm2m_observation *o,
                  const tsr_lwm2m_attributes *a, bool *fires)
{
    tsr_lwm2m_value now;

    *fires = false;
    if (is_too_early(c, o, a))
        return true;
    if (o->at.depth == 0) {
        *fires = c->parts->composite->judge(c, o);
        return true;
    }
    if (o->last.type == TSR_LWM2M_NONE || !scalar_read(c, o->at, &now))
        return false;
    *fires = tsr_lwm2m_attributes_fire(a, &o->last, &now);
    return true;
}

const struct tsr_lwm2m_attribute_set tsr_lwm2m_all_attributes = {
    tsr_lwm2m_attribute_apply, tsr_lwm2m_attributes_check, tsr_lwm2m_attributes_put, reported,
    judge,
};
