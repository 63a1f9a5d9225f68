/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators change is written down before they are told that it is done, and the log is read here. */
#include "server/audit/audit.h"

#include <stdio.h>

#include "server/rest/daemon.h"
#include "server/rest/handlers.h"
#include "server/rest/listen.h"
#include "server/rest/page.h"

enum { WHO = 128 };

/* Operations on devices are not among them: they are events. */
static const struct {
    rest_handler *handler;
    const char *what;
} audited[] = {
    { rest_set_credential, "credential-set" },
    { rest_delete_credential, "credential-deleted" },
    { rest_set_profile, "profile-set" },
    { rest_delete_profile, "profile-deleted" },
    { rest_revoke_certificate, "certificate-revoked" },
    { rest_drop_device, "registration-dropped" },
    { rest_import_voucher, "voucher-imported" },
    { rest_extend_voucher, "voucher-extended" },
    { rest_set_fdo_plan, "plan-set" },
    { rest_delete_fdo_plan, "plan-deleted" },
    { rest_set_fdo_group, "device-group-set" },
};

static const char *what_of(const rest_exchange *x)
{
    for (size_t i = 0; i < sizeof audited / sizeof *audited; i++)
        if (x->route != NULL && x->route->handler == audited[i].handler)
            return audited[i].what;
    return NULL;
}

/* "operator anna 192.0.2.7"; "operator 192.0.2.7" where tokens have no names; "peer 192.0.2.7" without a token. */
static void name_client(const rest_exchange *x, const char *as, char who[WHO])
{
    char text[REST_PEER_TEXT];
    const char *name = x->operator != NULL ? x->operator->name : "";

    (void)snprintf(who, WHO, "%s%s%s %s", as, name[0] != '\0' ? " " : "", name, rest_peer(x->connection, text));
}

void rest_audit_answer(rest_exchange *x)
{
    const char *what = what_of(x);
    char who[WHO], detail[320] = "";

    if (what == NULL || x->rest->audit == NULL)
        return;
    name_client(x, "operator", who);
    if (x->status / 100 != 2)
        (void)snprintf(detail, sizeof detail, "refused with %u: %s", x->status, x->why);
    else if (strncmp(x->route->pattern, "/bootstrap/credentials", 22) == 0)
        (void)snprintf(detail, sizeof detail, "at the bootstrap server");
    if (tsr_audit_put(x->rest->audit,
                      &(tsr_audit_entry){ who, what,
                                          x->about[0] != '\0'     ? x->about
                                          : x->endpoint != NULL ? x->endpoint
                                                                : "",
                                          detail }) != TSR_OK &&
        x->status / 100 == 2) {
        MHD_destroy_response(x->response);
        x->response = NULL;
        rest_fail(x, REST_UNAVAILABLE,
                  "it was done, but could not be written into the audit log: the store failed");
    }
}

void rest_audit_refusal(rest_exchange *x, const char *what)
{
    char who[WHO];

    name_client(x, x->operator != NULL ? "operator" : "peer", who);
    (void)tsr_audit_note(x->rest->audit, TSR_AUDIT_REFUSED, &(tsr_audit_entry){ who, what, x->uri, x->why });
}

/* --- reading ---------------------------------------------------------------------------- */

static void put_entry(void *arg, const char *cursor, tsr_bytes json)
{
    rest_page *p = arg;

    if (!rest_page_takes(p, cursor))
        return;
    rest_room(&p->out, json.len + 16);
    tsr_json_put_raw(&p->j, json);
}

void rest_list_audit(rest_exchange *x)
{
    bool refused = false;
    rest_page page = { 0 };

    if (x->rest->audit == NULL)
        rest_fail(x, REST_NOT_POSSIBLE, "this server keeps no audit log");
    else if (rest_query_bool(x, "refused", &refused) == TSR_OK && rest_page_open(&page, x))
        rest_page_give(&page, x,
                       tsr_audit_list(x->rest->audit, refused ? TSR_AUDIT_REFUSED : TSR_AUDIT_DONE,
                                      rest_query(x, "cursor"), rest_page_asks(&page), put_entry,
                                      &page));
}
