/* SPDX-License-Identifier: Apache-2.0
 *
 * Bootstrap profiles, and how the bootstraps of devices went. What is secret in a profile goes in
 * and never comes out. */
#include "server/bootstrap/bootstrap.h"

#include "server/rest/handlers.h"
#include "server/rest/page.h"

typedef tsr_err lister(tsr_server *s, const char *after, size_t limit,
                       tsr_bootstrap_profile_fn *fn, void *arg);

typedef struct {
    rest_page page;
    bool named; /* the name and time of the row come first */
} list;

/* The row's own members behind its name. */
static void put_row(list *l, const char *name, tsr_bytes json, int64_t changed_ms)
{
    tsr_json_out *j = &l->page.j;
    tsr_json root, key, value;

    rest_room(&l->page.out, json.len + 6 * strlen(name) + 256);
    if (tsr_json_parse(json, &root, NULL) != TSR_OK)
        return;
    tsr_json_open_object(j);
    if (l->named) {
        rest_put_text(j, "name", name);
        rest_put_moment(j, "changed_at", changed_ms);
    }

    tsr_json_walk walk = tsr_json_items(&root);

    while (tsr_json_next(&walk, &key, &value)) {
        if (l->named && (tsr_json_is(&key, "name") || tsr_json_is(&key, "changed_at")))
            continue; /* as they were sent along with what had been read */
        tsr_json_put_key_bytes(j, tsr_view(key.text.ptr + 1, key.text.len - 2));
        tsr_json_put_raw(j, value.text);
    }
    tsr_json_close(j);
}

static void put_listed(void *arg, const char *name, tsr_bytes json, int64_t changed_ms)
{
    list *l = arg;

    if (rest_page_takes(&l->page, name))
        put_row(l, name, json, changed_ms);
}

static void give_list(rest_exchange *x, lister *from, bool named)
{
    list l = { .named = named };

    if (!rest_page_open(&l.page, x))
        return;
    rest_page_give(&l.page, x,
                   from(rest_server(x), rest_query(x, "cursor"), rest_page_asks(&l.page),
                        put_listed, &l));
}

static void put_one(void *arg, const char *name, tsr_bytes json, int64_t changed_ms)
{
    put_row(arg, name, json, changed_ms);
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
    rest_row_open(&l.page);
    err = (effective ? tsr_bootstrap_profile_for
                     : tsr_bootstrap_profile_get)(rest_server(x), x->endpoint, put_one, &l);
    rest_row_give(&l.page, x, err, REST_UNKNOWN_PROFILE,
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

    rest_row_open(&l.page);
    rest_row_give(&l.page, x, tsr_bootstrap_state_get(rest_server(x), x->endpoint, put_one, &l),
                  REST_UNKNOWN_PROFILE, "it has not come to the bootstrap server yet");
}

/* --- certificates that were issued ------------------------------------------------------ */

void rest_list_certificates(rest_exchange *x)
{
    give_list(x, tsr_bootstrap_certificate_list, false);
}

void rest_get_certificate(rest_exchange *x)
{
    list l = { 0 };

    rest_row_open(&l.page);
    rest_row_give(&l.page, x,
                  tsr_bootstrap_certificate_get(rest_server(x), x->endpoint, put_one, &l),
                  REST_UNKNOWN_PROFILE, "no certificate with this serial number was issued here");
}

void rest_revoke_certificate(rest_exchange *x)
{
    tsr_err err = tsr_bootstrap_certificate_revoke(rest_server(x), x->endpoint);

    if (err == TSR_OK)
        rest_reply_empty(x);
    else if (err == TSR_E_NOT_FOUND)
        rest_fail(x, REST_UNKNOWN_PROFILE,
                  "%s: no certificate with this serial number was issued here", x->endpoint);
    else
        rest_fail_err(x, err, x->endpoint);
}
