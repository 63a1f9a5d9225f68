/* SPDX-License-Identifier: Apache-2.0
 *
 * Composite operations: many paths of a device in one request. */
#include <stdlib.h>

#include "server/rest/handlers.h"
#include "server/rest/pending.h"
#include "server/rest/values.h"
#include "tessera/lwm2m/format/format.h"

/* The member "paths": an array of paths. NULL when it was answered already. */
static tsr_lwm2m_path *take_paths(rest_exchange *x, const tsr_json *body, size_t *count)
{
    static const char wrong[] = "`paths` must be an array of 1 to 256 paths like \"/3303/0/5700\"";
    tsr_json list, item;
    tsr_lwm2m_path *paths;

    if (tsr_json_find(body, "paths", &list) != TSR_OK || list.kind != TSR_JSON_ARRAY ||
        tsr_json_count(&list) == 0 || tsr_json_count(&list) > TSR_SERVER_PATHS_MAX) {
        rest_fail(x, REST_BAD_BODY, wrong);
        return NULL;
    }
    paths = calloc(tsr_json_count(&list), sizeof *paths);
    if (paths == NULL) {
        rest_fail(x, REST_INTERNAL, "free some memory and try again");
        return NULL;
    }
    *count = 0;
    for (tsr_json_walk walk = tsr_json_items(&list); tsr_json_next(&walk, NULL, &item);) {
        char text[TSR_LWM2M_PATH_TEXT + 8];
        tsr_lwm2m_path *p = &paths[(*count)++];
        bool good = tsr_json_cstring(&item, text, sizeof text) == TSR_OK && text[0] == '/' &&
                    tsr_lwm2m_path_parse(tsr_text(text), p) == TSR_OK;

        for (uint8_t level = 0; good && level < p->depth; level++)
            good = tsr_lwm2m_path_id(*p, level) != TSR_LWM2M_NO_ID;
        if (!good) {
            free(paths);
            rest_fail(x, REST_BAD_BODY, wrong);
            return NULL;
        }
    }
    return paths;
}

/* "attributes" of the body as the text of a query; false when it was answered already. */
static bool take_attributes(rest_exchange *x, const tsr_json *body, char *text, size_t cap)
{
    char detail[256];
    tsr_buf out = tsr_buf_over(text, cap);
    rest_problem problem = { 0 };
    tsr_json attributes;
    tsr_err err = tsr_json_find(body, "attributes", &attributes);

    text[0] = '\0';
    if (err == TSR_E_NOT_FOUND)
        return true;
    if (err == TSR_OK)
        err = rest_attributes(&attributes, &out, &problem, detail, sizeof detail);
    if (err == TSR_E_ARGUMENT)
        rest_fail_with(x, &problem);
    else if (err != TSR_OK)
        rest_fail(x, REST_BAD_BODY, "the attributes are too long together");
    return err == TSR_OK;
}

static void submit_paths(rest_exchange *x, tsr_server_kind kind, const char *more,
                         rest_answer *answer)
{
    tsr_server_request request = { .kind = kind, .path = tsr_lwm2m_at_root(), .depth = -1 };
    char text[512] = "";
    tsr_lwm2m_path *paths;
    tsr_json body;

    if (rest_body_json(x, &body) != TSR_OK || rest_body_only(x, &body, "paths", more) != TSR_OK)
        return;
    paths = take_paths(x, &body, &request.path_count);
    if (paths == NULL)
        return;
    request.paths = paths;
    if ((more == NULL || take_attributes(x, &body, text, sizeof text)) &&
        rest_want_format(x, &request.format) == TSR_OK) {
        request.text = text[0] != '\0' ? text : NULL;
        rest_submit(x, &request, answer);
    }
    free(paths);
}

void rest_read_composite(rest_exchange *x)
{
    submit_paths(x, TSR_SERVER_READ_COMPOSITE, NULL, rest_answer_values);
}

void rest_observe_composite(rest_exchange *x)
{
    submit_paths(x, TSR_SERVER_OBSERVE_COMPOSITE, "attributes", rest_answer_values);
}

void rest_cancel_composite(rest_exchange *x)
{
    submit_paths(x, TSR_SERVER_CANCEL_COMPOSITE, NULL, rest_answer_done);
}

void rest_write_composite(rest_exchange *x)
{
    rest_values values = { 0 };
    tsr_json body;

    if (rest_body_json(x, &body) != TSR_OK || rest_body_only(x, &body, "values", NULL) != TSR_OK)
        return;
    tsr_err err = rest_values_for_composite(&body, &values);

    rest_submit_values(x, TSR_SERVER_WRITE_COMPOSITE, &values, err, rest_answer_done);
}
