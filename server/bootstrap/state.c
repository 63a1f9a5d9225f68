/* SPDX-License-Identifier: Apache-2.0
 *
 * How an endpoint's last bootstrap went, as the JSON that REST gives out. */
#define _GNU_SOURCE
#include "server/bootstrap/role.h"

#include "server/rest/moment.h"
#include "tessera/json/json.h"

#include <stdio.h>

static void put_text(tsr_json_out *j, const char *key, const char *text)
{
    tsr_json_put_key(j, key);
    tsr_json_put_cstring(j, text);
}

static void put_moment(tsr_json_out *j, const char *key, int64_t unix_ms)
{
    char text[40];
    tsr_buf word = tsr_buf_over(text, sizeof text);

    tsr_json_put_key(j, key);
    if (unix_ms == 0) {
        tsr_json_put_null(j);
        return;
    }
    rest_put_moment_ms(&word, unix_ms);
    tsr_json_put_string(j, tsr_buf_view(&word));
}

void state_note(const bs_run *r, const char *state, const char *cause, int64_t ended_ms)
{
    char json[4096];
    tsr_buf out = tsr_buf_over(json, sizeof json);
    tsr_json_out j = tsr_json_to(&out);

    tsr_json_open_object(&j);
    put_text(&j, "endpoint", r->session.endpoint);
    put_text(&j, "state", state);
    put_text(&j, "cause", cause);
    put_text(&j, "profile", r->profile_name);
    put_text(&j, "way", r->pack ? "pack" : "request");
    put_text(&j, "security", tsr_server_security_name(r->security));
    tsr_json_put_key(&j, "format");
    tsr_json_put_uint(&j, r->session.format);
    tsr_json_put_key(&j, "writes");
    tsr_json_put_uint(&j, r->written);
    put_moment(&j, "started_at", r->started_ms);
    put_moment(&j, "ended_at", ended_ms);
    tsr_json_close(&j);
    if (tsr_json_end(&j) != TSR_OK)
        return; /* names with thousands of escapes: the event says it too */

    tsr_store_document d = { TSR_STORE_BOOTSTRAP_STATE, r->session.endpoint, "", 0, unix_now_ms(),
                             tsr_buf_view(&out) };

    (void)tsr_store_put_document(r->role->server->store, &d, NULL, NULL);
}
