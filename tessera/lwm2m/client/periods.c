/* SPDX-License-Identifier: Apache-2.0
 *
 * pmin and pmax, for devices that need no other attribute (Core 5.1.2). */
#include "tessera/lwm2m/client/internal.h"

static const char names[2][5] = { "pmin", "pmax" };

/* "pmin=10"; "pmin" or "pmin=" takes it back. */
static tsr_err apply(tsr_lwm2m_attributes *attributes, uint8_t depth,
                     const tsr_lwm2m_resource_info *info, tsr_bytes query)
{
    unsigned which = query.len >= 4 && query.ptr[2] == 'a';
    (void)depth;
    (void)info;
    if (!tsr_same(tsr_first(query, 4), tsr_view(names[which], 4)) ||
        (query.len > 4 && query.ptr[4] != '='))
        return TSR_E_ARGUMENT;
    if (query.len <= 5) {
        attributes->set = (uint16_t)(attributes->set & ~(1u << which));
        return TSR_OK;
    }
    if (tsr_dec_upto(tsr_skip(query, 5), UINT32_MAX, &attributes->whole[which]) != TSR_OK)
        return TSR_E_ARGUMENT;
    attributes->set = (uint16_t)(attributes->set | 1u << which);
    return TSR_OK;
}

static void put(tsr_buf *out, const tsr_lwm2m_attributes *attributes)
{
    for (unsigned i = 0; i < 2; i++) {
        if ((attributes->set >> i & 1) == 0)
            continue;
        tsr_put_u8(out, ';');
        tsr_put_text(out, names[i]);
        tsr_put_u8(out, '=');
        tsr_put_dec(out, attributes->whole[i]);
    }
}

const struct tsr_lwm2m_attribute_set tsr_lwm2m_periods = { apply, NULL, put, NULL, NULL };
