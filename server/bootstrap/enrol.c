/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates for devices that come by another way than EST over coaps, from the same authority and in the
 * same book. */
#define _GNU_SOURCE
#include "server/bootstrap/ledger.h"
#include "server/bootstrap/role.h"

#include <stdio.h>

#include "tessera/json/json.h"

enum { YEAR_S = 31536000, EARLY_S = 300, LIST = 64 };

static bs_authority *authority_of(const tsr_server *s)
{
    const bs_role *role = s->service;

    return role != NULL ? role->authority : NULL;
}

tsr_bytes tsr_bootstrap_authority(tsr_server *s)
{
    return authority_of(s) != NULL ? bs_authority_certificate(authority_of(s)) : tsr_view(NULL, 0);
}

static tsr_err issue(tsr_server *s, const char *endpoint, tsr_bytes request, bs_issued *issued,
                     const char **why)
{
    uint32_t lifetime_s = s->config.enrol_lifetime_s ? s->config.enrol_lifetime_s : YEAR_S;
    tsr_err err;

    *why = bs_authority_wrong(request, NULL);
    if (*why != NULL)
        return TSR_E_DENIED;
    issued->from_s = unix_now_ms() / 1000;
    issued->to_s = issued->from_s + lifetime_s;
    issued->from_s -= lifetime_s > 10 * EARLY_S ? EARLY_S : 0;
    err = bs_authority_issue(authority_of(s), request, endpoint, issued);
    if (err != TSR_E_ARGUMENT && err != TSR_E_SPACE)
        return err;
    *why = "the endpoint's name is no common name: it has more than 64 bytes, or control characters";
    return TSR_E_DENIED;
}

tsr_err tsr_bootstrap_enrol(tsr_server *s, const char *endpoint, const char *by, tsr_bytes request,
                            tsr_buf *der, char serial[33], const char **why)
{
    tsr_store_waiter w = TSR_STORE_WAITER;
    bs_issued issued = { 0 };
    char detail[64];
    tsr_err err;

    if (authority_of(s) == NULL)
        return TSR_E_STATE;
    err = issue(s, endpoint, request, &issued, why);
    if (err == TSR_OK)
        err = tsr_store_wait(&w, ledger_put(s->store, endpoint, by, &issued, tsr_store_wake, &w));
    if (err != TSR_OK)
        return err;
    for (size_t i = 0; i < sizeof issued.serial; i++)
        (void)snprintf(serial + 2 * i, 3, "%02x", issued.serial[i]);
    (void)snprintf(detail, sizeof detail, "certificate %s issued", serial);
    emit_simple(s, endpoint, TSR_SERVER_EV_CREDENTIAL, detail);
    tsr_put_bytes(der, tsr_view(issued.der, issued.der_len));
    return der->err;
}

typedef struct {
    const char *endpoint, *by, *but;
    char after[LEDGER_NAME_MAX + 1];
    char serials[LIST][2 * BS_SERIAL_LEN + 1];
    size_t count, seen;
} wanted;

/* Those that are not revoked yet. */
static void want(void *arg, const char *name, tsr_bytes json, int64_t changed_ms)
{
    wanted *w = arg;
    char by[160] = "", serial[2 * BS_SERIAL_LEN + 1] = "", endpoint[TSR_ENDPOINT_MAX + 1] = "";
    tsr_json root, item;

    (void)changed_ms;
    w->seen++;
    (void)snprintf(w->after, sizeof w->after, "%s", name);
    if (tsr_json_parse(json, &root, NULL) != TSR_OK ||
        tsr_json_find(&root, "revoked_at", &item) == TSR_OK)
        return;
    (void)tsr_json_find_cstring(&root, "requested_by", by, sizeof by);
    (void)tsr_json_find_cstring(&root, "serial", serial, sizeof serial);
    (void)tsr_json_find_cstring(&root, "endpoint", endpoint, sizeof endpoint);
    if (strcmp(endpoint, w->endpoint) == 0 && strncmp(by, w->by, strlen(w->by)) == 0 &&
        strcmp(serial, w->but) != 0)
        memcpy(w->serials[w->count++], serial, sizeof serial);
}

/* Page for page: an endpoint's stand together, and names that sort behind them end it. */
tsr_err tsr_bootstrap_certificates_revoke(tsr_server *s, const char *endpoint, const char *by,
                                          const char *but)
{
    wanted w = { .endpoint = endpoint, .by = by, .but = but };
    tsr_err err;

    (void)snprintf(w.after, sizeof w.after, "%s/", endpoint);
    do {
        w.count = w.seen = 0;
        err = tsr_bootstrap_certificate_list(s, w.after, LIST, want, &w);
        for (size_t i = 0; err == TSR_OK && i < w.count; i++)
            err = tsr_bootstrap_certificate_revoke(s, w.serials[i]);
    } while (err == TSR_OK && w.seen == LIST && strncmp(w.after, endpoint, strlen(endpoint)) == 0);
    return err;
}
