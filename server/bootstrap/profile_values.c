/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that a profile writes, gathered as the JSON that REST takes for a Write. */
#include "server/bootstrap/profile_in.h"

#include "server/rest/room.h"

#include <stdlib.h>

void bs_begin_values(bs_values *v)
{
    rest_room(&v->text, 64);
    tsr_put_text(&v->text, "{\"values\":[");
}

void bs_put_value(bs_values *v, tsr_lwm2m_path path, tsr_bytes json)
{
    rest_room(&v->text, 80 + json.len);
    if (v->text.len && v->text.ptr[v->text.len - 1] == '}')
        tsr_put_u8(&v->text, ',');
    tsr_put_text(&v->text, "{\"path\":\"");
    tsr_lwm2m_path_put(&v->text, path);
    tsr_put_text(&v->text, "\",\"value\":");
    tsr_put_bytes(&v->text, json);
    tsr_put_u8(&v->text, '}');
}

void bs_put_number(bs_values *v, tsr_lwm2m_path path, uint64_t n)
{
    char text[24];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    tsr_put_dec(&word, n);
    bs_put_value(v, path, tsr_buf_view(&word));
}

tsr_err bs_end_values(const reading *r, bs_values *v, tsr_lwm2m_path base)
{
    tsr_json root;
    tsr_err err = TSR_E_SPACE;

    rest_room(&v->text, 8);
    tsr_put_text(&v->text, "]}");
    if (v->text.err == TSR_OK)
        err = tsr_json_parse(tsr_buf_view(&v->text), &root, NULL);
    if (err == TSR_OK)
        err = rest_values_for_write(&root, base, &v->values);
    if (err == TSR_E_ARGUMENT)
        return bs_bad(r, "%s", v->values.detail);
    return err;
}

void bs_free_values(bs_values *v)
{
    rest_values_free(&v->values);
    if (v->text.ptr)
        tsr_wipe(v->text.ptr, v->text.cap);
    free(v->text.ptr);
    *v = (bs_values){ 0 };
}
