/* SPDX-License-Identifier: Apache-2.0
 *
 * The instances of an object that come and go: an array placed by the caller, in no order. Each
 * begins with its id and whether it is used. */
#ifndef TESSERA_LWM2M_MODEL_SLOTS_H
#define TESSERA_LWM2M_MODEL_SLOTS_H

#include <stddef.h>

#include "tessera/lwm2m/model/object.h"

typedef struct {
    void *items;
    size_t count;
    size_t size; /* bytes of one */
} tsr_lwm2m_slots;

/** The slots of `all`, which has `items` and `count`. Its items are of `type`. */
#define TSR_LWM2M_SLOTS(all, type) \
    ((tsr_lwm2m_slots){ (all)->items, (all)->count, sizeof(type) })

/** What every `type` in slots has to be. */
#define TSR_LWM2M_SLOT(type)                                                                       \
    _Static_assert(offsetof(type, id) == 0 && sizeof(((type *)0)->id) == sizeof(uint16_t) &&       \
                       offsetof(type, used) == sizeof(uint16_t) &&                                 \
                       sizeof(((type *)0)->used) == sizeof(bool),                                  \
                   "a slot begins with uint16_t id; bool used")

/** The instance of that id, or NULL. */
void *tsr_lwm2m_slot_find(tsr_lwm2m_slots slots, uint16_t id);

/** One that is not used, or NULL. */
void *tsr_lwm2m_slot_empty(tsr_lwm2m_slots slots);

/** As tsr_lwm2m_handlers.next_instance. */
uint32_t tsr_lwm2m_slot_next(tsr_lwm2m_slots slots, uint32_t from);

#endif
