/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats of one value, and paths. */
#include <stdlib.h>

#include "fuzz/format_round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes input = tsr_view(data, size);
    uint8_t room[TSR_LWM2M_PATH_TEXT];
    tsr_buf text = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_path path, again;

    format_round(TSR_LWM2M_FORMAT_TEXT, input);
    format_round(TSR_LWM2M_FORMAT_OCTETS, input);
    format_round(TSR_LWM2M_FORMAT_CBOR, input);
    if (tsr_lwm2m_path_parse(input, &path) == TSR_OK) {
        tsr_lwm2m_path_put(&text, path);
        if (tsr_lwm2m_path_parse(tsr_buf_view(&text), &again) != TSR_OK
            || !tsr_lwm2m_path_same(path, again))
            abort();
    }
    return 0;
}
