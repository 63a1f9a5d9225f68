/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/model/slots.h"

static void *at(tsr_lwm2m_slots s, size_t i) { return (uint8_t *)s.items + i * s.size; }

static uint16_t id_of(const void *slot) { return *(const uint16_t *)slot; }

static bool used(const void *slot)
{
    return *(const bool *)((const uint8_t *)slot + sizeof(uint16_t));
}

void *tsr_lwm2m_slot_find(tsr_lwm2m_slots s, uint16_t id)
{
    for (size_t i = 0; i < s.count; i++) {
        if (used(at(s, i)) && id_of(at(s, i)) == id)
            return at(s, i);
    }
    return NULL;
}

void *tsr_lwm2m_slot_empty(tsr_lwm2m_slots s)
{
    for (size_t i = 0; i < s.count; i++) {
        if (!used(at(s, i)))
            return at(s, i);
    }
    return NULL;
}

uint32_t tsr_lwm2m_slot_next(tsr_lwm2m_slots s, uint32_t from)
{
    uint32_t best = TSR_LWM2M_NO_INSTANCE;

    for (size_t i = 0; i < s.count; i++) {
        uint16_t id = id_of(at(s, i));

        if (used(at(s, i)) && id >= from && id < best)
            best = id;
    }
    return best;
}
