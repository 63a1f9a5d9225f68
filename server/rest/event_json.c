/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/event_json.h"

#include "server/rest/put.h"
#include "server/rest/room.h"
#include "server/rest/values.h"

const char *rest_operation_name(int kind)
{
    static const char *const names[] = {
        [TSR_SERVER_READ] = "read",
        [TSR_SERVER_DISCOVER] = "discover",
        [TSR_SERVER_WRITE_REPLACE] = "write-replace",
        [TSR_SERVER_WRITE_UPDATE] = "write-update",
        [TSR_SERVER_WRITE_ATTRIBUTES] = "write-attributes",
        [TSR_SERVER_EXECUTE] = "execute",
        [TSR_SERVER_CREATE] = "create",
        [TSR_SERVER_DELETE] = "delete",
        [TSR_SERVER_OBSERVE] = "observe",
        [TSR_SERVER_CANCEL_OBSERVE] = "cancel-observe",
        [TSR_SERVER_READ_COMPOSITE] = "read-composite",
        [TSR_SERVER_WRITE_COMPOSITE] = "write-composite",
        [TSR_SERVER_OBSERVE_COMPOSITE] = "observe-composite",
        [TSR_SERVER_CANCEL_COMPOSITE] = "cancel-composite",
    };

    return kind >= 0 && kind < (int)(sizeof names / sizeof names[0]) ? names[kind] : NULL;
}

void rest_put_event(tsr_json_out *j, tsr_buf *out, const tsr_server_event *e)
{
    char text[8];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    rest_room(out, 512 + 6 * (strlen(e->endpoint) + strlen(e->detail)));
    tsr_json_open_object(j);
    rest_put_count(j, "id", e->id);
    rest_put_moment(j, "at", e->unix_ms);
    rest_put_text(j, "type", tsr_server_event_name(e->type));
    rest_put_text(j, "endpoint", e->endpoint);
    if (e->detail[0] != '\0')
        rest_put_text(j, "detail", e->detail);
    if (e->has_path)
        rest_put_path(j, e->path);
    if (rest_operation_name(e->kind) != NULL)
        rest_put_text(j, "operation", rest_operation_name(e->kind));
    if (e->code != 0) {
        rest_put_coap_code(&word, e->code);
        tsr_json_put_key(j, "coap_code");
        tsr_json_put_string(j, tsr_buf_view(&word));
    }
    if (e->record_count > 0) {
        tsr_json_put_key(j, "values");
        tsr_json_open_array(j);
        for (size_t i = 0; i < e->record_count; i++)
            rest_put_record(j, out, &e->records[i], 0);
        rest_room(out, 16);
        tsr_json_close(j);
    }
    tsr_json_close(j);
}
