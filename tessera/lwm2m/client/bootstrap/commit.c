/* SPDX-License-Identifier: Apache-2.0
 *
 * From what was held back to what is: durable first, then in force. */
#include "tessera/lwm2m/client/bootstrap/internal.h"

static void swap(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;

    for (size_t i = 0; i < b->securities->count; i++) {
        tsr_lwm2m_security s = b->securities->items[i];

        b->securities->items[i] = b->staged_securities[i];
        b->staged_securities[i] = s;
    }
    for (size_t i = 0; i < c->config.servers->count; i++) {
        tsr_lwm2m_server s = c->config.servers->items[i];

        c->config.servers->items[i] = b->staged_servers[i];
        b->staged_servers[i] = s;
    }
    if (b->oscore != NULL)
        b->oscore->swap(b);
}

static bool same_oscore(const tsr_lwm2m_bootstrap *b, const tsr_lwm2m_security *now,
                        const tsr_lwm2m_security *old)
{
    if (!now->oscore || !old->oscore)
        return now->oscore == old->oscore;
    return now->oscore_id == old->oscore_id && b->oscore != NULL && b->oscore->is_same(b, now);
}

static bool same_transport(const tsr_lwm2m_security *a, const tsr_lwm2m_security *b)
{
    return strcmp(a->uri, b->uri) == 0 && a->mode == b->mode && a->key_id == b->key_id &&
           tsr_same(tsr_view(a->identity, a->identity_len), tsr_view(b->identity, b->identity_len)) &&
           tsr_same(a->certificate, b->certificate) &&
           tsr_same(a->server_certificate, b->server_certificate) &&
           a->certificate_usage == b->certificate_usage && a->matching_type == b->matching_type &&
           strcmp(a->server_name, b->server_name) == 0;
}

/* The same server, spoken with in the same way, at the same place (of which channels keep views). */
static bool is_same_account(const tsr_lwm2m_bootstrap *b, uint16_t short_id)
{
    const tsr_lwm2m_security *now = tsr_lwm2m_security_find(b->securities, short_id);
    const tsr_lwm2m_security *old = tsr_lwm2m_security_find(&b->stage, short_id);

    return now != NULL && old != NULL && now - b->securities->items == old - b->stage.items &&
           same_transport(now, old) && same_oscore(b, now, old);
}

static bool is_same_bootstrap(const tsr_lwm2m_bootstrap *b)
{
    const tsr_lwm2m_security *now = tsr_lwm2m_security_bootstrap(b->securities);
    const tsr_lwm2m_security *old = tsr_lwm2m_security_bootstrap(&b->stage);

    return now != NULL && old != NULL && now - b->securities->items == old - b->stage.items &&
           same_transport(now, old) && same_oscore(b, now, old);
}

/* Registrations with servers that are not the same any more must not come back after a restart. */
static void mark_renewed(tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.account_count; i++) {
        tsr_lwm2m_account *a = &c->config.accounts[i];

        a->renewed = a->short_id != 0 && !is_same_account(c->bootstrap, a->short_id);
    }
}

static void unmark_renewed(tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.account_count; i++)
        c->config.accounts[i].renewed = false;
}

/* Certificates that were written move to where the real ones are kept; views to others stay. */
static void settle(const tsr_lwm2m_bootstrap *b, size_t slot, tsr_bytes *view)
{
    const tsr_lwm2m_credentials *real = b->securities->credentials;
    uint8_t *to = real->certificates + slot * real->certificate_len;

    if (view->len == 0 || view->ptr != b->staged_certificates + slot * real->certificate_len)
        return;
    memcpy(to, view->ptr, view->len);
    view->ptr = to;
}

static void settle_certificates(const tsr_lwm2m_bootstrap *b)
{
    if (b->securities->credentials->certificates == NULL)
        return;
    for (size_t i = 0; i < b->securities->count; i++) {
        settle(b, 2 * i, &b->securities->items[i].certificate);
        settle(b, 2 * i + 1, &b->securities->items[i].server_certificate);
    }
}

/* The slot is free, without a word to the server that had it (Core 6.1.3.3); `forget`: nor will its
 * session be taken up again. */
void tsr_lwm2m_account_vacate(tsr_lwm2m_client *c, tsr_lwm2m_account *a, bool forget)
{
    size_t i = account_peer(c, a);

    observe_end_all(c, i, "the account is no more");
    for (size_t n = 0; n < c->config.attachment_count; n++) {
        if (c->config.attachments[n].account == i)
            c->config.attachments[n].used = false;
    }
    tsr_lwm2m_account_disconnect(c, a, forget);
    tsr_coap_peer_gone(&c->coap, account_peer(c, a));
    (void)c->bootstrap->hooks.attach(c->bootstrap->hooks.user, i, NULL);
    *a = (tsr_lwm2m_account){ .standing = TSR_LWM2M_STOPPED, .started = true,
                              .at_ms = UINT64_MAX,
                              .version_minor = c->config.version_minor };
}

static tsr_lwm2m_account *account_for(const tsr_lwm2m_client *c, uint16_t short_id)
{
    for (size_t i = 0; i < c->config.account_count; i++) {
        if (i != c->bootstrap->account && c->config.accounts[i].short_id == short_id)
            return &c->config.accounts[i];
    }
    return NULL;
}

/* Gives each account of a server that has none yet a slot. */
tsr_err tsr_lwm2m_accounts_assign(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    tsr_err first = TSR_OK;

    for (size_t i = 0; i < b->securities->count; i++) {
        const tsr_lwm2m_security *s = &b->securities->items[i];
        tsr_lwm2m_account *a;
        tsr_err err;

        if (!s->used || s->bootstrap || s->short_id == 0 || account_for(c, s->short_id) != NULL)
            continue;
        a = account_for(c, 0);
        if (a == NULL)
            return TSR_E_ARGUMENT;
        *a = (tsr_lwm2m_account){ .short_id = s->short_id,
                                  .version_minor = c->config.version_minor };
        err = b->hooks.attach(b->hooks.user, account_peer(c, a), s);
        first = first == TSR_OK ? err : first;
    }
    return first;
}

tsr_err tsr_lwm2m_boot_attach(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;

    b->reattach = false;
    boot_account(c)->channel = NULL;
    boot_account(c)->channel_state = NULL;
    return b->hooks.attach(b->hooks.user, b->account, tsr_lwm2m_security_bootstrap(b->securities));
}

/* Core 6.1.3.3: deleted accounts are de-registered, modified ones begin anew, and those that are the
 * same tell their servers what has changed. Who waited for another attempt tries again now. */
static void bring_into_force(tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.account_count; i++) {
        tsr_lwm2m_account *a = &c->config.accounts[i];

        if (a->short_id == 0)
            continue;
        if (a->renewed) {
            tsr_lwm2m_account_vacate(c, a, true);
            continue;
        }
        a->relink = true;
        if (a->standing == TSR_LWM2M_WAITING || a->standing == TSR_LWM2M_STOPPED) {
            a->attempts = a->sequences = 0;
            tsr_lwm2m_account_wait(c, a, 0);
            a->started = a->location[0] != '\0';
        }
    }
    settle_certificates(c->bootstrap);
    (void)tsr_lwm2m_accounts_assign(c);
    tsr_lwm2m_client_changed(c, tsr_lwm2m_at_root());
}

/* The account that a new bootstrap account takes the place of goes, and its keys with it. */
typedef struct {
    tsr_lwm2m_security *account;
    tsr_lwm2m_oscore *keys;
} replaced;

static replaced replace(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    const tsr_lwm2m_security *own = tsr_lwm2m_security_bootstrap(b->securities);
    const tsr_lwm2m_security *next = tsr_lwm2m_stage_successor(c);
    replaced r = { NULL, NULL };

    for (size_t i = 0; next != NULL && own != NULL && i < b->stage.count; i++) {
        tsr_lwm2m_security *s = &b->stage.items[i];

        if (!s->used || !s->bootstrap || s->id != own->id)
            continue;
        r.account = s;
        if (b->oscore != NULL && !(next->oscore && next->oscore_id == s->oscore_id))
            r.keys = b->oscore->of(&b->stage_oscores, s);
        s->used = false;
        if (r.keys != NULL)
            r.keys->used = false;
    }
    return r;
}

static void put_back(const replaced *r)
{
    if (r->account != NULL)
        r->account->used = true;
    if (r->keys != NULL)
        r->keys->used = true;
}

/* Core E.2, /1/x/12. What it was before is no more where the time is not known. */
static void stamp(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;

    for (size_t i = 0; i < b->stage_servers.count; i++) {
        tsr_lwm2m_server *s = &b->stage_servers.items[i];

        if (!s->used || !s->written)
            continue;
        s->set &= ~((uint32_t)1 << TSR_LWM2M_S_LAST_BOOTSTRAPPED);
        if (b->unix_zero_ms != 0)
            tsr_lwm2m_server_set(s, TSR_LWM2M_S_LAST_BOOTSTRAPPED,
                                 (uint32_t)((b->unix_zero_ms + c->now_ms) / 1000));
    }
}

/* Nothing has happened, if this fails. */
tsr_err tsr_lwm2m_stage_commit(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    replaced old = replace(c);
    tsr_lwm2m_security *own;
    tsr_err err = TSR_OK;

    tsr_lwm2m_security_settle(&b->stage);
    stamp(c);
    swap(c);
    own = tsr_lwm2m_security_bootstrap(b->securities);
    if (own != NULL) {
        own->proved = true;
        own->left_s = 0;
    }
    mark_renewed(c);
    b->staging = false;
    if (c->parts->keeping != NULL)
        err = c->parts->keeping->save(c, 0);
    if (err != TSR_OK) {
        swap(c);
        b->staging = true;
        unmark_renewed(c);
        put_back(&old);
        return err;
    }
    b->reattach = !is_same_bootstrap(b);
    bring_into_force(c);
    if (c->parts->access != NULL)
        c->parts->access->settle(c, true);
    tsr_lwm2m_stage_sweep(c, false);
    return TSR_OK;
}
