/* SPDX-License-Identifier: Apache-2.0
 *
 * What the small reader of SenML CBOR takes, the full one takes alike; and it writes it alike. */
#include <stdlib.h>

#include "tessera/lwm2m/format/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static tsr_err encode(const tsr_lwm2m_codec *codec, tsr_lwm2m_path base, tsr_bytes payload,
                      tsr_buf *body)
{
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
    tsr_lwm2m_out out;
    tsr_lwm2m_in in;

    tsr_lwm2m_out_begin_as(&out, codec, base, body);
    tsr_lwm2m_in_begin_as(&in, &tsr_lwm2m_codec_senml_cbor_plain, base, payload, NULL);
    while (tsr_lwm2m_in_next(&in, &path, &value) == TSR_OK) {
        if (value.type == TSR_LWM2M_NONE)
            (void)tsr_lwm2m_put_name(&out, path);
        else
            (void)tsr_lwm2m_put(&out, path, &value);
    }
    return tsr_lwm2m_out_end(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[3][1u << 18];
    tsr_buf scratch = tsr_buf_over(room[0], sizeof room[0]);
    tsr_buf plain = tsr_buf_over(room[1], sizeof room[1]);
    tsr_buf full = tsr_buf_over(room[2], sizeof room[2]);
    tsr_bytes payload = tsr_view(data, size);
    tsr_lwm2m_path base = size % 2 != 0 ? tsr_lwm2m_at_root() : tsr_lwm2m_at_instance(3, 0);
    tsr_lwm2m_path paths[2] = { base, base };
    tsr_lwm2m_value values[2];
    tsr_lwm2m_in a, b;

    if (size > 4096)
        return 0;
    tsr_lwm2m_in_begin_as(&a, &tsr_lwm2m_codec_senml_cbor_plain, base, payload, NULL);
    tsr_lwm2m_in_begin_as(&b, &tsr_lwm2m_codec_senml_cbor, base, payload, &scratch);
    for (;;) {
        tsr_err err = tsr_lwm2m_in_next(&a, &paths[0], &values[0]);

        if (err != TSR_OK && err != TSR_END)
            return 0; /* it is allowed to know less */
        require(tsr_lwm2m_in_next(&b, &paths[1], &values[1]) == err);
        if (err == TSR_END)
            break;
        require(tsr_lwm2m_path_same(paths[0], paths[1]));
        require(tsr_lwm2m_value_same(&values[0], &values[1]));
    }
    require(encode(&tsr_lwm2m_codec_senml_cbor_plain, base, payload, &plain) ==
            encode(&tsr_lwm2m_codec_senml_cbor, base, payload, &full));
    require(tsr_same(tsr_buf_view(&plain), tsr_buf_view(&full)));
    return 0;
}
