/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/values.h"

#include <math.h>
#include <stdlib.h>

#include "server/rest/moment.h"
#include "server/rest/names.h"
#include "server/rest/room.h"
#include "tessera/json/base64.h"

void rest_put_path(tsr_json_out *j, tsr_lwm2m_path path)
{
    char text[TSR_LWM2M_PATH_TEXT];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    tsr_lwm2m_path_put(&word, path);
    tsr_json_put_key(j, "path");
    tsr_json_put_string(j, tsr_buf_view(&word));
}

/* Straight between quotes: neither Base64 nor a date holds anything to escape. */
static void put_base64(tsr_json_out *j, tsr_bytes bytes)
{
    tsr_buf quoted = { 0 };

    rest_room(&quoted, bytes.len / 3 * 4 + 8);
    tsr_put_u8(&quoted, '"');
    tsr_base64_put(&quoted, bytes);
    tsr_put_u8(&quoted, '"');
    if (quoted.err == TSR_OK)
        tsr_json_put_raw(j, tsr_buf_view(&quoted));
    else
        j->out->err = quoted.err;
    free(quoted.ptr);
}

static void put_double(tsr_json_out *j, double v)
{
    if (isnan(v))
        tsr_json_put_cstring(j, "NaN");
    else if (isinf(v))
        tsr_json_put_cstring(j, v < 0 ? "-Infinity" : "Infinity");
    else
        tsr_json_put_double(j, v);
}

static void put_time(tsr_json_out *j, int64_t unix_s)
{
    char text[32];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    if (!rest_moment_fits(unix_s)) {
        tsr_json_put_int(j, unix_s);
        return;
    }
    rest_put_moment_s(&word, unix_s);
    tsr_json_put_string(j, tsr_buf_view(&word));
}

static void put_value(tsr_json_out *j, const tsr_lwm2m_value *v)
{
    char text[16];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    switch (v->type) {
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_RAW_TEXT: tsr_json_put_string(j, v->as.bytes); return;
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_RAW_BYTES: put_base64(j, v->as.bytes); return;
    case TSR_LWM2M_INTEGER: tsr_json_put_int(j, v->as.i); return;
    case TSR_LWM2M_UNSIGNED: tsr_json_put_uint(j, v->as.u); return;
    case TSR_LWM2M_FLOAT: put_double(j, v->as.f); return;
    case TSR_LWM2M_BOOLEAN: tsr_json_put_bool(j, v->as.b); return;
    case TSR_LWM2M_TIME: put_time(j, v->as.i); return;
    case TSR_LWM2M_OBJLNK:
        tsr_put_dec(&word, v->as.link.object);
        tsr_put_u8(&word, ':');
        tsr_put_dec(&word, v->as.link.instance);
        tsr_json_put_string(j, tsr_buf_view(&word));
        return;
    case TSR_LWM2M_NONE: break;
    }
    tsr_json_put_null(j);
}

static size_t bytes_in(const tsr_lwm2m_value *v)
{
    switch (v->type) {
    case TSR_LWM2M_STRING:
    case TSR_LWM2M_CORELNK:
    case TSR_LWM2M_RAW_TEXT:
    case TSR_LWM2M_OPAQUE:
    case TSR_LWM2M_RAW_BYTES: return v->as.bytes.len;
    default: return 0;
    }
}

static void put_moment(tsr_json_out *j, const char *key, int64_t unix_ms)
{
    char text[40];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    if (unix_ms == 0)
        return;
    rest_put_moment_ms(&word, unix_ms);
    tsr_json_put_key(j, key);
    tsr_json_put_string(j, tsr_buf_view(&word));
}

void rest_put_record(tsr_json_out *j, tsr_buf *out, const tsr_server_record *record,
                     int64_t received_unix_ms)
{
    rest_resource_name known = { "", "", TSR_LWM2M_NONE };
    tsr_buf scratch = { 0 };
    tsr_lwm2m_value value = record->value;
    size_t len = bytes_in(&value);

    if (rest_name_resource(record->path, &known) == TSR_OK && value.type != TSR_LWM2M_NONE) {
        rest_room(&scratch, len + 8);
        if (scratch.err == TSR_OK)
            (void)tsr_lwm2m_value_as(&record->value, known.type, &scratch, &value);
    }
    /* a byte of text takes six at most ("\u0000") */
    rest_room(out, 512 + 6 * (len + strlen(known.name) + strlen(known.units)));
    tsr_json_open_object(j);
    rest_put_path(j, record->path);
    if (known.name[0] != '\0') {
        tsr_json_put_key(j, "name");
        tsr_json_put_cstring(j, known.name);
    }
    tsr_json_put_key(j, "type");
    tsr_json_put_cstring(j, tsr_lwm2m_type_name(value.type));
    if (known.units[0] != '\0') {
        tsr_json_put_key(j, "units");
        tsr_json_put_cstring(j, known.units);
    }
    tsr_json_put_key(j, "value");
    put_value(j, &value);
    put_moment(j, "measured_at", record->unix_ms);
    put_moment(j, "received_at", received_unix_ms);
    tsr_json_close(j);
    free(scratch.ptr);
}
