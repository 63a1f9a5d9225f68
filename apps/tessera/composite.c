/* SPDX-License-Identifier: Apache-2.0
 *
 * Composite operations: many paths of a device in one request. */
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

enum { PATH_ROOM = 32 };

/* Calls "/devices/EP/composite/{what}"; prints values or a line. */
static int operate(const options *o, const char *what, const char *body, bool values)
{
    char query[64];
    answer a;

    query_of(o, query, sizeof query, "");
    char *where = device_path(o->args[0], "/composite/%s%s", what, query);
    int code = http_call(o, "POST", where, body, &a);

    free(where);
    if (code == EXIT_DONE && a.status == 202)
        return follow_request(o, &a);
    if (code == EXIT_DONE && o->json)
        print_json(&a);
    else if (code == EXIT_DONE && values)
        print_values(&a.json);
    else if (code == EXIT_DONE)
        (void)printf("%s: done (%s)\n", what, text_of(&a.json, "coap_code"));
    http_free(&a);
    return code;
}

static int with_paths(const options *o, const char *what, bool values)
{
    size_t cap = 64 + (size_t)o->arg_count * PATH_ROOM;
    char *room = need(malloc(cap));
    tsr_buf out = tsr_buf_over(room, cap - 1);
    tsr_json_out j = tsr_json_to(&out);
    int code = EXIT_DONE;

    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "paths");
    tsr_json_open_array(&j);
    for (int i = 1; i < o->arg_count && code == EXIT_DONE; i++) {
        if (strcmp(o->args[i], "/") != 0 && !path_ok(o->args[i], 1, 4))
            code = EXIT_USAGE;
        else
            tsr_json_put_cstring(&j, o->args[i]);
    }
    tsr_json_close(&j);
    tsr_json_close(&j);
    if (code == EXIT_DONE && tsr_json_end(&j) != TSR_OK)
        code = EXIT_USAGE;
    room[out.len] = '\0';
    if (code == EXIT_DONE)
        code = operate(o, what, room, values);
    free(room);
    return code;
}

int cmd_read_composite(const options *o) { return with_paths(o, "read", true); }
int cmd_observe_composite(const options *o) { return with_paths(o, "observe", true); }
int cmd_cancel_composite(const options *o) { return with_paths(o, "cancel", false); }

/* PATH=VALUE sets, PATH alone deletes a resource instance. */
int cmd_write_composite(const options *o)
{
    char *body = NULL;
    int code = body_of_changes(o, o->args + 1, o->arg_count - 1, &body);

    if (code == EXIT_DONE)
        code = operate(o, "write", body, false);
    free(body);
    return code;
}
