/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts that an owner handed over, as sections of the configuration. */
#include "apps/tesserad/onboard.h"

#include <stdio.h>

#include "ports/linux/fdo/beneath.h"
#include "ports/linux/host/log.h"

enum { FILE_MOST = 8192 };

static bool copy(char *to, size_t cap, tsr_bytes from)
{
    to[0] = '\0';
    if (from.len == 0)
        return true;
    if (from.len >= cap || memchr(from.ptr, 0, from.len) != NULL)
        return false;
    memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
    return true;
}

/* Certificates are public. */
static tsr_err put_file(const config *c, const char *which, size_t n, tsr_bytes der, char path[CONFIG_PATH])
{
    tsr_beneath_file f;
    char name[32];
    tsr_err err;

    (void)snprintf(name, sizeof name, "fdo-%s-%zu.der", which, n);
    if (snprintf(path, CONFIG_PATH, "%s/%s", c->state, name) >= CONFIG_PATH)
        return TSR_E_SPACE;
    tsr_beneath_init(&f);
    err = tsr_beneath_begin(&f, c->state, tsr_text(name), FILE_MOST);
    if (err == TSR_OK)
        err = tsr_beneath_write(&f, der);
    if (err == TSR_OK)
        return tsr_beneath_commit(&f, tsr_view(NULL, 0));
    tsr_beneath_drop(&f);
    return err;
}

/* A section of the same number was written by hand: it stays, and the account is not used. */
static tsr_err add(config *c, const tsr_fdo_account *a, size_t n)
{
    config_server *s = config_add(c, a->bootstrap ? CONFIG_BOOTSTRAP : a->short_id);
    tsr_err err = TSR_OK;

    if (s == NULL) {
        tsr_host_log(TSR_LOG_WARNING, "account-not-used", "server=%u cause=\"the configuration has a section "
                     "of that number, or no room\" remedy=\"remove the section\"", a->short_id);
        return TSR_OK;
    }
    s->mode = a->mode;
    s->key = a->key_id;
    if (!copy(s->uri, sizeof s->uri, a->uri) || !copy(s->identity, sizeof s->identity, a->identity) ||
        !copy(s->server_name, sizeof s->server_name, a->server_name))
        return TSR_E_SPACE;
    if (a->endpoint.len != 0 && !copy(c->endpoint, sizeof c->endpoint, a->endpoint))
        return TSR_E_SPACE;
    if (a->lifetime_s != 0 && !a->bootstrap) {
        s->number[TSR_LWM2M_S_LIFETIME] = a->lifetime_s;
        s->set |= 1u << TSR_LWM2M_S_LIFETIME;
    }
    if (a->mode != TSR_LWM2M_MODE_CERTIFICATE)
        return TSR_OK;
    s->certificate_usage = a->usage;
    err = put_file(c, "own", n, a->certificate, s->certificate);
    return err == TSR_OK ? put_file(c, "server", n, a->server_certificate, s->server_certificate) : err;
}

tsr_err onboard_accounts(config *c, tsr_bytes accounts)
{
    tsr_err err = TSR_OK;

    for (size_t n = 1; err == TSR_OK && accounts.len != 0; n++) {
        tsr_fdo_account a;

        err = tsr_fdo_account_get(&accounts, &a);
        if (err == TSR_OK)
            err = add(c, &a, n);
    }
    return err;
}
