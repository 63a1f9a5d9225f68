/* SPDX-License-Identifier: Apache-2.0
 *
 * How an endpoint's last bootstrap went, as the JSON that REST gives out. */
#define _GNU_SOURCE
#include "server/bootstrap/role.h"

#include "server/rest/put.h"
#include "tessera/json/json.h"

#include <stdio.h>

void state_note(const bs_run *r, const char *state, const char *cause, int64_t ended_ms)
{
    char json[4096];
    tsr_buf out = tsr_buf_over(json, sizeof json);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    rest_put_text(&j, "endpoint", r->session.endpoint);
    rest_put_text(&j, "state", state);
    rest_put_text(&j, "cause", cause);
    rest_put_text(&j, "profile", r->profile_name);
    rest_put_text(&j, "way", r->pack ? "pack" : "request");
    rest_put_text(&j, "security", tsr_server_security_name(r->security));
    rest_put_count(&j, "format", r->session.format);
    rest_put_count(&j, "writes", r->written);
    rest_put_moment(&j, "started_at", r->started_ms);
    rest_put_moment_or_null(&j, "ended_at", ended_ms);
    tsr_json_close(&j);
    if (tsr_json_end(&j) != TSR_OK)
        return; /* names with thousands of escapes: the event says it too */

    tsr_store_document d = { .kind = TSR_STORE_BOOTSTRAP_STATE, .name = r->session.endpoint,
                             .changed_ms = unix_now_ms(), .body = tsr_buf_view(&out) };

    (void)tsr_store_put_document(r->role->server->store, &d, NULL, NULL);
}
