/* SPDX-License-Identifier: Apache-2.0
 *
 * Bootstrap profiles, and how the bootstraps of devices went. What is secret in a profile goes in
 * and never comes out. */
#include "server/bootstrap/bootstrap.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/rest/handlers.h"
#include "server/rest/put.h"

typedef tsr_err lister(tsr_server *s, const char *after, size_t limit,
                       tsr_bootstrap_profile_fn *fn, void *arg);

typedef struct {
    tsr_json_out j;
    tsr_buf out;
    bool named; /* the name and time of the row come first */
    size_t count, limit;
    char last[256];
    bool more;
} list;

/* The row's own members behind its name. */
static void put_row(list *l, const char *name, tsr_bytes json, int64_t changed_ms)
{
    tsr_json root, key, value;

    rest_room(&l->out, json.len + 6 * strlen(name) + 256);
    if (tsr_json_parse(json, &root, NULL) != TSR_OK)
        return;
    tsr_json_open_object(&l->j);
    if (l->named) {
        rest_put_text(&l->j, "name", name);
        rest_put_moment(&l->j, "changed_at", changed_ms);
    }

    tsr_json_walk walk = tsr_json_items(&root);

    while (tsr_json_next(&walk, &key, &value)) {
        if (l->named && (tsr_json_is(&key, "name") || tsr_json_is(&key, "changed_at")))
            continue; /* as they were sent along with what had been read */
        tsr_json_put_key_bytes(&l->j, tsr_view(key.text.ptr + 1, key.text.len - 2));
        tsr_json_put_raw(&l->j, value.text);
    }
    tsr_json_close(&l->j);
}

static void put_listed(void *arg, const char *name, tsr_bytes json, int64_t changed_ms)
{
    list *l = arg;

    if (l->count == l->limit) {
        l->more = true;
        return;
    }
    l->count++;
    (void)snprintf(l->last, sizeof l->last, "%s", name);
    put_row(l, name, json, changed_ms);
}

static void give_list(rest_exchange *x, lister *from, bool named)
{
    uint64_t limit;
    list l = { .named = named };

    if (rest_query_number(x, "limit", 1, 1000, 100, &limit) != TSR_OK)
        return;
    l.limit = (size_t)limit;
    l.j = tsr_json_to(&l.out);
    rest_room(&l.out, 64);
    tsr_json_open_object(&l.j);
    tsr_json_put_key(&l.j, "items");
    tsr_json_open_array(&l.j);

    tsr_err err = from(rest_server(x), rest_query(x, "cursor"), l.limit + 1, put_listed, &l);

    if (err != TSR_OK) {
        free(l.out.ptr);
        rest_fail_err(x, err, "the list");
        return;
    }
    tsr_json_close(&l.j);
    rest_room(&l.out, 64 + 6 * strlen(l.last));
    rest_put_text(&l.j, "next", l.more ? l.last : NULL);
    tsr_json_close(&l.j);
    rest_reply(x, MHD_HTTP_OK, "application/json", &l.out);
}

static void put_one(void *arg, const char *name, tsr_bytes json, int64_t changed_ms)
{
    put_row(arg, name, json, changed_ms);
}

static void give_one(rest_exchange *x, tsr_err err, list *l, const char *remedy)
{
    if (err == TSR_OK) {
        rest_reply(x, MHD_HTTP_OK, "application/json", &l->out);
        return;
    }
    free(l->out.ptr);
    if (err == TSR_E_NOT_FOUND)
        rest_fail(x, REST_UNKNOWN_PROFILE, "%s: %s", x->endpoint, remedy);
    else
        rest_fail_err(x, err, x->endpoint);
}

/* --- profiles --------------------------------------------------------------------------- */

void rest_list_profiles(rest_exchange *x) { give_list(x, tsr_bootstrap_profile_list, true); }

void rest_get_profile(rest_exchange *x)
{
    list l = { .named = true };
    bool effective = false;
    tsr_err err;

    if (rest_query_bool(x, "effective", &effective) != TSR_OK)
        return;
    l.j = tsr_json_to(&l.out);
    err = (effective ? tsr_bootstrap_profile_for
                     : tsr_bootstrap_profile_get)(rest_server(x), x->endpoint, put_one, &l);
    give_one(x, err, &l,
             effective ? "no profile is for it; set one for its name or for a pattern"
                       : "there is no profile of this name; with ?effective=true the pattern "
                         "that applies is looked for");
}

void rest_set_profile(rest_exchange *x)
{
    tsr_json body;
    char why[400] = "";
    tsr_err err;

    if (rest_body_json(x, &body) != TSR_OK)
        return;
    err = tsr_bootstrap_profile_set(rest_server(x), x->endpoint, body.text, why, sizeof why);
    tsr_wipe(x->body.ptr, x->body.len);
    if (err == TSR_OK)
        rest_get_profile(x);
    else if (err == TSR_E_ARGUMENT)
        rest_fail(x, REST_BAD_BODY, "%s", why);
    else
        rest_fail_err(x, err, x->endpoint);
}

void rest_delete_profile(rest_exchange *x)
{
    tsr_err err = tsr_bootstrap_profile_delete(rest_server(x), x->endpoint);

    if (err == TSR_OK)
        rest_reply_empty(x);
    else if (err == TSR_E_NOT_FOUND)
        rest_fail(x, REST_UNKNOWN_PROFILE, "%s: there is no profile of this name", x->endpoint);
    else
        rest_fail_err(x, err, x->endpoint);
}

/* --- states ----------------------------------------------------------------------------- */

void rest_list_bootstraps(rest_exchange *x) { give_list(x, tsr_bootstrap_state_list, false); }

void rest_get_bootstrap(rest_exchange *x)
{
    list l = { 0 };

    l.j = tsr_json_to(&l.out);
    give_one(x, tsr_bootstrap_state_get(rest_server(x), x->endpoint, put_one, &l), &l,
             "it has not come to the bootstrap server yet");
}
