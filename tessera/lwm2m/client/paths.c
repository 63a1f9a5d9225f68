/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool of paths for composite operations. A path whose observation is over is free: nobody has to
 * give it back. */
#include "tessera/lwm2m/client/internal.h"

static uint16_t owner_of(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    return (uint16_t)(1 + (o - c->config.observations));
}

bool tsr_lwm2m_pool_is_of(const tsr_lwm2m_client *c, const tsr_lwm2m_composite_path *p,
                          const tsr_lwm2m_observation *o)
{
    return p->owner == owner_of(c, o) && p->generation == o->generation;
}

bool tsr_lwm2m_pool_is_free(const tsr_lwm2m_client *c, const tsr_lwm2m_composite_path *p)
{
    const tsr_lwm2m_observation *o;

    if (p->owner == TSR_LWM2M_NO_ID)
        return false;
    if (p->owner == 0 || p->owner > c->config.observation_count)
        return true;
    o = &c->config.observations[p->owner - 1];
    return !o->used || o->at.depth != 0 || p->generation != o->generation;
}

tsr_lwm2m_composite_path *tsr_lwm2m_pool_add(const tsr_lwm2m_client *c, const tsr_lwm2m_path *at)
{
    for (size_t i = 0; i < c->config.path_count; i++) {
        tsr_lwm2m_composite_path *p = &c->config.paths[i];

        if (!tsr_lwm2m_pool_is_free(c, p))
            continue;
        memset(p, 0, sizeof *p);
        p->at = *at;
        p->owner = TSR_LWM2M_NO_ID;
        return p;
    }
    return NULL;
}

void tsr_lwm2m_pool_give(const tsr_lwm2m_client *c, tsr_lwm2m_composite_path *p,
                         const tsr_lwm2m_observation *o)
{
    p->owner = owner_of(c, o);
    p->generation = o->generation;
}
