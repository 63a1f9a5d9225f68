/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of the keys that a bootstrap server wrote, for objects 0 and 21. A key in use is never
 * written over, since the account that it belongs to may yet stay as it is; what nobody names any
 * more is swept. */
#ifndef TESSERA_LWM2M_OBJECTS_KEY_TABLE_H
#define TESSERA_LWM2M_OBJECTS_KEY_TABLE_H

#include "tessera/lwm2m/objects/security.h"

typedef bool tsr_lwm2m_key_named(const void *owners, uint32_t key_id);

/* NULL: the table is full. */
static inline uint32_t *tsr_lwm2m_key_place(uint32_t *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i] == 0)
            return &keys[i];
    }
    return NULL;
}

/* Removes those that neither `a` nor `b` names. What cannot be removed now stays in the table for the
 * next time. */
static inline void tsr_lwm2m_keys_sweep(uint32_t *keys, size_t count, tsr_lwm2m_key_named *named,
                                        const void *a, const void *b)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i] == 0 || named(a, keys[i]) || named(b, keys[i]))
            continue;
        if (tsr_lwm2m_security_forget(keys[i]) != TSR_OK)
            return;
        keys[i] = 0;
    }
}

#endif
