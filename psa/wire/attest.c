/* SPDX-License-Identifier: Apache-2.0 */
#include "psa/wire/attest.h"

void tsr_wire_attest_write(tsr_buf *out, uint32_t number) { tsr_put_u32(out, number); }

tsr_err tsr_wire_attest_read(tsr_bytes in, uint32_t *number)
{
    return in.len == TSR_WIRE_ATTEST ? tsr_get_u32(&in, number) : TSR_E_MALFORMED;
}
