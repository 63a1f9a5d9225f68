/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/format_round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    format_round(TSR_LWM2M_FORMAT_OMA_JSON, tsr_view(data, size));
    return 0;
}
