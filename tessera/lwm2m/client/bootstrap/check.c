/* SPDX-License-Identifier: Apache-2.0
 *
 * Can the device live with what it was told (Core 6.1.6)? */
#include "tessera/lwm2m/client/bootstrap/internal.h"

static bool is_short_id(uint32_t id)
{
    return id >= 1 && id <= 65534;
}

static const char *check_credentials(const tsr_lwm2m_security *s)
{
    switch (s->mode) {
    case TSR_LWM2M_MODE_NOSEC: return NULL;
    case TSR_LWM2M_MODE_PSK:
        return s->identity_len == 0 ? "a pre-shared key without its identity (/0/x/3)"
               : s->key_id == 0     ? "an identity without its pre-shared key (/0/x/5)"
               : s->private_key     ? "a private key in mode PSK (/0/x/2)"
                                    : NULL;
    case TSR_LWM2M_MODE_CERTIFICATE:
        return s->certificate.len == 0          ? "no certificate (/0/x/3)"
               : s->server_certificate.len == 0 ? "no server certificate (/0/x/4)"
               : s->key_id == 0                 ? "no private key (/0/x/5)"
               : !s->private_key && !s->factory ? "a key that is no private key (/0/x/5)"
                                                : NULL;
    case TSR_LWM2M_MODE_ENROL: /* Transport 5.2.4: /0/x/3 and /0/x/5 are not used */
        return s->bootstrap                     ? "a bootstrap account that is to be enrolled (/0/x/2)"
               : s->server_certificate.len == 0 ? "no server certificate (/0/x/4)"
                                                : NULL;
    default: return "a security mode that is not supported (/0/x/2)";
    }
}

static const char *check_security(const tsr_lwm2m_client *c, const tsr_lwm2m_security *s)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;
    const char *wrong = check_credentials(s);

    if (wrong == NULL && s->oscore)
        wrong = b->oscore != NULL ? b->oscore->check(b, s)
                                  : "an account under OSCORE, which this device has not (/0/x/17)";
    if (wrong != NULL)
        return wrong;
    if (!b->hooks.usable(b->hooks.user, s))
        return "a server URI that cannot be used, or not in its mode (/0/x/0)";
    return NULL;
}

/* Each account is a pair, and each Short Server ID stands once on either side. */
static const char *check_pairs(const tsr_lwm2m_client *c, size_t *accounts)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;

    *accounts = 0;
    for (size_t i = 0; i < b->stage.count; i++) {
        const tsr_lwm2m_security *s = &b->stage.items[i];

        if (!s->used || s->bootstrap)
            continue;
        if (!is_short_id(s->short_id))
            return "no Short Server ID in Security (/0/x/10)";
        if (tsr_lwm2m_security_find(&b->stage, s->short_id) != s)
            return "a Short Server ID that is there twice in Security (/0/x/10)";
        if (tsr_lwm2m_server_find(&b->stage_servers, s->short_id) == NULL)
            return "an instance of Security without its instance of Server";
        ++*accounts;
    }
    return *accounts == 0 ? "no server account" : NULL; /* Core 6.1.2 */
}

static const char *check_servers(const tsr_lwm2m_client *c)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;

    for (size_t i = 0; i < b->stage_servers.count; i++) {
        const tsr_lwm2m_server *s = &b->stage_servers.items[i];
        uint32_t id = s->number[TSR_LWM2M_S_SHORT_ID];

        if (!s->used)
            continue;
        if (!is_short_id(id))
            return "no Short Server ID in Server (/1/x/0)";
        if (tsr_lwm2m_server_find(&b->stage_servers, (uint16_t)id) != s)
            return "a Short Server ID that is there twice in Server (/1/x/0)";
        if ((s->set >> TSR_LWM2M_S_LIFETIME & 1) == 0)
            return "no lifetime (/1/x/1)";
        if (tsr_lwm2m_security_find(&b->stage, (uint16_t)id) == NULL)
            return "an instance of Server without its instance of Security";
    }
    return NULL;
}

/* A bootstrap account beside the one that is speaking takes its place. */
tsr_lwm2m_security *tsr_lwm2m_stage_successor(const tsr_lwm2m_client *c)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;
    const tsr_lwm2m_security *own = tsr_lwm2m_security_bootstrap(b->securities);

    for (size_t i = 0; i < b->stage.count; i++) {
        tsr_lwm2m_security *s = &b->stage.items[i];

        if (s->used && s->bootstrap && (own == NULL || s->id != own->id))
            return s;
    }
    return NULL;
}

/* Core 6.1.1: at most one bootstrap account, once the old one has gone. */
static const char *check_bootstrap_account(const tsr_lwm2m_client *c)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;
    const tsr_lwm2m_security *next = tsr_lwm2m_stage_successor(c);
    const tsr_lwm2m_security *own = tsr_lwm2m_security_bootstrap(b->securities);

    for (size_t i = 0; i < b->stage.count; i++) {
        const tsr_lwm2m_security *s = &b->stage.items[i];

        if (s->used && s->bootstrap && s != next && (own == NULL || s->id != own->id))
            return "more than one new bootstrap account (/0/x/1)";
    }
    return NULL;
}

static const char *check_each(const tsr_lwm2m_client *c)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;
    const char *wrong = NULL;

    for (size_t i = 0; wrong == NULL && i < b->stage.count; i++) {
        if (b->stage.items[i].used)
            wrong = check_security(c, &b->stage.items[i]);
    }
    return wrong;
}

static const char *check_access(const tsr_lwm2m_client *c)
{
    const tsr_lwm2m_accesses *all = c->config.accesses;

    for (size_t i = 0; all != NULL && i < all->count; i++) {
        if (all->items[i].used && all->items[i].object == 0)
            return "an instance of Access Control that is about no object (/2/x/0)";
    }
    return NULL;
}

const char *tsr_lwm2m_stage_check(const tsr_lwm2m_client *c)
{
    size_t accounts;
    const char *wrong = check_pairs(c, &accounts);

    if (wrong == NULL)
        wrong = check_servers(c);
    if (wrong == NULL)
        wrong = check_each(c);
    if (wrong == NULL)
        wrong = check_bootstrap_account(c);
    if (wrong == NULL)
        wrong = check_access(c);
    if (wrong == NULL && accounts > c->config.account_count - 1)
        wrong = "more server accounts than this device has room for";
    return wrong;
}
