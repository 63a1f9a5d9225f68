/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of composite requests: whatever is read as a list of changes can be written and read again. */
#include <stdlib.h>

#include "tessera/lwm2m/format/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void fetch(uint32_t number, tsr_bytes payload, tsr_buf *scratch)
{
    tsr_lwm2m_path path;
    tsr_lwm2m_in in;
    tsr_err err = tsr_lwm2m_in_begin_fetch(&in, number, payload, scratch);
    size_t count = 0;

    while (err == TSR_OK && (err = tsr_lwm2m_in_next_name(&in, &path)) == TSR_OK) {
        require(path.depth <= 4);
        count++;
    }
    require(err != TSR_OK && tsr_lwm2m_in_next_name(&in, &path) == err);
    require(count <= payload.len);
}

static tsr_err copy(uint32_t number, tsr_bytes payload, tsr_buf *scratch, tsr_lwm2m_out *out, size_t *count)
{
    tsr_lwm2m_value value;
    tsr_lwm2m_path path;
    tsr_lwm2m_in in;
    tsr_err err = tsr_lwm2m_in_begin_patch(&in, number, payload, scratch);

    while (err == TSR_OK && (err = tsr_lwm2m_in_next_change(&in, &path, &value)) == TSR_OK) {
        require(path.depth == 4 || (path.depth == 3 && value.type != TSR_LWM2M_NONE));
        ++*count;
        if (out == NULL)
            continue;
        if (value.type == TSR_LWM2M_NONE)
            tsr_lwm2m_put_null(out, path);
        else
            tsr_lwm2m_put(out, path, &value);
    }
    return err;
}

static void patch(uint32_t number, tsr_bytes payload, tsr_buf *scratch, tsr_buf *body)
{
    bool json = number == TSR_LWM2M_FORMAT_SENML_JSON || number == TSR_LWM2M_FORMAT_ETCH_JSON;
    tsr_lwm2m_format format = json ? TSR_LWM2M_FORMAT_SENML_JSON : TSR_LWM2M_FORMAT_SENML_CBOR;
    size_t first = 0, second = 0;
    tsr_lwm2m_out out;

    require(tsr_lwm2m_out_begin(&out, format, tsr_lwm2m_at_root(), body) == TSR_OK);
    if (copy(number, payload, scratch, &out, &first) != TSR_END || tsr_lwm2m_out_end(&out) != TSR_OK)
        return;
    scratch->len = 0;

    tsr_err err = copy(json ? TSR_LWM2M_FORMAT_ETCH_JSON : TSR_LWM2M_FORMAT_ETCH_CBOR, tsr_buf_view(body),
                       scratch, NULL, &second);

    /* Of several times of one path only the time tells them apart, and that is not written here. */
    require(err == TSR_E_MALFORMED || (err == TSR_END && first == second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t numbers[] = { 110, 112, 320, 322, 11544 };
    size_t cap = 64 * size + 256;
    uint8_t *room = malloc(2 * cap);
    tsr_buf scratch = tsr_buf_over(room, cap), body = tsr_buf_over(room + cap, cap);
    uint32_t number = numbers[size != 0 ? data[0] % 5 : 0];
    tsr_bytes payload = tsr_skip(tsr_view(data, size), 1);

    require(room != NULL);
    fetch(number, payload, &scratch);
    scratch = tsr_buf_over(room, cap);
    patch(number, payload, &scratch, &body);
    free(room);
    return 0;
}
