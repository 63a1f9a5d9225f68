/* SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies: any bytes as the JSON of a Write, a Create or attributes, and what was taken out
 * of them as JSON again. The first byte chooses the target. */
#include <stdlib.h>

#include "server/rest/room.h"
#include "server/rest/values.h"

static const tsr_lwm2m_path targets[] = {
    { 3, 0, 0, 0, 2 }, { 3, 0, 13, 0, 3 },   { 3303, 0, 5700, 0, 3 }, { 5, 0, 0, 0, 3 },
    { 1, 0, 1, 0, 3 }, { 3311, 0, 0, 0, 2 }, { 60000, 0, 1, 0, 3 },   { 60000, 0, 1, 2, 4 },
    { 3, 0, 6, 0, 3 }, { 9, 0, 0, 0, 2 },
};

static void give_back(const rest_values *values)
{
    tsr_buf out = { 0 };
    tsr_json_out j = tsr_json_to(&out);
    tsr_json root;

    rest_room(&out, 64);
    tsr_json_open_array(&j);
    for (size_t i = 0; i < values->count; i++)
        rest_put_record(&j, &out, &values->records[i], (int64_t)i);
    rest_room(&out, 8);
    tsr_json_close(&j);
    if (tsr_json_end(&j) != TSR_OK || tsr_json_parse(tsr_buf_view(&out), &root, NULL) != TSR_OK)
        abort();
    free(out.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[512], detail[256];
    tsr_buf query = tsr_buf_over(text, sizeof text);
    rest_values values = { 0 };
    rest_problem problem;
    tsr_json root;

    if (size < 1)
        return 0;
    tsr_lwm2m_path at = targets[data[0] % (sizeof targets / sizeof targets[0])];

    if (tsr_json_parse(tsr_view(data + 1, size - 1), &root, NULL) != TSR_OK)
        return 0;
    if (rest_values_for_write(&root, at, &values) == TSR_OK)
        give_back(&values);
    rest_values_free(&values);
    at = tsr_lwm2m_path_up(at, 1);
    if (rest_values_for_create(&root, &at, &values) == TSR_OK)
        give_back(&values);
    rest_values_free(&values);
    (void)rest_attributes(&root, &query, &problem, detail, sizeof detail);
    return 0;
}
