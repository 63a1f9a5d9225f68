/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/put.h"

#include "server/rest/moment.h"

void rest_put_text(tsr_json_out *j, const char *key, const char *text)
{
    tsr_json_put_key(j, key);
    if (text != NULL)
        tsr_json_put_cstring(j, text);
    else
        tsr_json_put_null(j);
}

void rest_put_count(tsr_json_out *j, const char *key, uint64_t n)
{
    tsr_json_put_key(j, key);
    tsr_json_put_uint(j, n);
}

void rest_put_flag(tsr_json_out *j, const char *key, bool v)
{
    tsr_json_put_key(j, key);
    tsr_json_put_bool(j, v);
}

void rest_put_moment(tsr_json_out *j, const char *key, int64_t unix_ms)
{
    char text[40];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    rest_put_moment_ms(&word, unix_ms);
    tsr_json_put_key(j, key);
    tsr_json_put_string(j, tsr_buf_view(&word));
}

void rest_put_moment_or_null(tsr_json_out *j, const char *key, int64_t unix_ms)
{
    if (unix_ms == 0)
        rest_put_text(j, key, NULL);
    else
        rest_put_moment(j, key, unix_ms);
}

