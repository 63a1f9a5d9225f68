/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to this room: the step from one option to the next, for option.c and message.c alike. */
#ifndef TESSERA_COAP_OPTION_IN_H
#define TESSERA_COAP_OPTION_IN_H

#include "tessera/coap/option.h"

/* RFC 7252 §3.1: 13 takes one byte more, 14 two, 15 is reserved. */
static inline tsr_err tsr_coap_extended(tsr_bytes *in, uint32_t *v)
{
    if (*v < 13)
        return TSR_OK;
    if (*v == 13 && in->len >= 1) {
        *v = 13u + in->ptr[0];
        *in = tsr_skip(*in, 1);
        return TSR_OK;
    }
    if (*v == 14 && in->len >= 2) {
        *v = 269u + ((uint32_t)in->ptr[0] << 8 | in->ptr[1]);
        *in = tsr_skip(*in, 2);
        return TSR_OK;
    }
    return TSR_E_MALFORMED;
}

/* `in` starts with an option (it is neither empty nor at the payload marker) and moves past it. The caller
 * checks that *number stays within 16 bits: here it would cost something for every option. */
static inline tsr_err tsr_coap_option_step(tsr_bytes *in, uint32_t *number, tsr_bytes *value)
{
    tsr_bytes rest = { in->ptr + 1, in->len - 1 };
    uint32_t delta = in->ptr[0] >> 4;
    uint32_t length = in->ptr[0] & 15u;

    if (delta >= 13 || length >= 13) {
        if (tsr_coap_extended(&rest, &delta) != TSR_OK
            || tsr_coap_extended(&rest, &length) != TSR_OK || *number + delta > UINT16_MAX)
            return TSR_E_MALFORMED;
    }
    if (length > rest.len)
        return TSR_E_MALFORMED;

    *number += delta;
    *value = (tsr_bytes){ rest.ptr, length };
    *in = (tsr_bytes){ rest.ptr + length, rest.len - length };
    return TSR_OK;
}

#endif
