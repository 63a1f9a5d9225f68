/* SPDX-License-Identifier: Apache-2.0
 *
 * From address to address: directives in their order, each with its DNS name and then its IP
 * address; after TO1 the owner's addresses in theirs. FDO 1.1 RendezvousInfo */
#include "tessera/fdo/device_in.h"

enum {
    PARTS = 2,      /* DNS, IP */
    ALL_PARTS = 4,  /* and both once more, over the second transport */
    JITTER_PERMILLE = 250,
};

/* REST, and no protocol at all, is HTTP over TLS, and then without it, unless certificates are named.
 * 0: none. */
static uint8_t transport_of(const tsr_fdo_device *d, const tsr_fdo_directive *v, bool second)
{
    bool tls = (d->c->transports >> TSR_FDO_OVER_HTTPS & 1u) != 0;

    if (v->protocol != TSR_FDO_RV_NONE && v->protocol != TSR_FDO_RV_REST)
        return second ? 0 : tsr_fdo_rv_transport(v->protocol);
    if (!second)
        return tls ? TSR_FDO_OVER_HTTPS : TSR_FDO_OVER_HTTP;
    return tls && v->server_cert.alg == 0 && v->ca_cert.alg == 0 ? TSR_FDO_OVER_HTTP : 0;
}

static uint16_t default_port(uint8_t transport)
{
    switch (transport) {
    case TSR_FDO_OVER_HTTP: return 80;
    case TSR_FDO_OVER_HTTPS: return 443;
    case TSR_FDO_OVER_COAP: return 5683;
    case TSR_FDO_OVER_COAPS: return 5684;
    default: return 0;
    }
}

/* One of DNS and IP, by w->part. */
static bool set_place(tsr_fdo_device *d, tsr_bytes dns, tsr_bytes ip, uint8_t transport,
                      uint16_t port)
{
    tsr_fdo_target *t = &d->target;
    bool named = d->walk.part % PARTS == 0;

    if (transport == 0 || transport > 31 || (d->c->transports >> transport & 1u) == 0 ||
        (named ? dns.ptr : ip.ptr) == NULL)
        return false;
    t->dns = named ? dns : tsr_view(NULL, 0);
    t->ip = named ? tsr_view(NULL, 0) : ip;
    t->transport = transport;
    t->port = port != 0 ? port : default_port(transport);
    return t->port != 0;
}

static bool to1d_of(const tsr_fdo_device *d, tsr_fdo_to1d *to1d)
{
    tsr_cose_message m;

    return tsr_cose_read(tsr_buf_view(&d->b.redirect), TSR_COSE_SIGN1, &m) == TSR_OK &&
           tsr_fdo_to1d_read(m.payload, to1d) == TSR_OK;
}

/* The owner's address at or behind the walk's place. */
static bool find_owner(tsr_fdo_device *d)
{
    tsr_fdo_walk *w = &d->walk;
    tsr_fdo_to1d to1d;
    tsr_fdo_addr a;

    if (!to1d_of(d, &to1d))
        return false;
    for (; tsr_fdo_addr_at(to1d.addrs, w->addr, &a) == TSR_OK; w->addr++, w->part = 0)
        for (; w->part < PARTS; w->part++) {
            d->target = (tsr_fdo_target){ .medium = TSR_FDO_RV_NONE };
            if (set_place(d, a.dns, a.ip, a.transport, a.port))
                return true;
        }
    return false;
}

static bool find_part(tsr_fdo_device *d, const tsr_fdo_directive *v)
{
    for (; d->walk.part < ALL_PARTS; d->walk.part++) {
        uint8_t transport = transport_of(d, v, d->walk.part >= PARTS);

        d->target = (tsr_fdo_target){
            .server_cert = v->server_cert,
            .ca_cert = v->ca_cert,
            .medium = v->medium,
            .user_input = v->user_input,
            .wifi_ssid = v->wifi_ssid,
            .wifi_pw = v->wifi_pw,
        };
        if (!v->owner_only && set_place(d, v->dns, v->ip, transport, v->dev_port))
            return true;
    }
    return false;
}

/* A directive that is not for the device says nothing about delays either. */
static void pass_directive(tsr_fdo_walk *w, const tsr_fdo_directive *v)
{
    if (!v->owner_only) {
        w->delayed = v->has_delay;
        if (v->has_delay)
            w->delay_s += v->delay_s;
    }
    w->directive++;
    w->part = 0;
}

/* The directive at or behind the walk's place, over the end of the list at most once. */
static bool find_directive(tsr_fdo_device *d)
{
    tsr_fdo_walk *w = &d->walk;
    tsr_fdo_directive v;

    for (;;) {
        if (tsr_fdo_rv_at(d->credential.rv_info, w->directive, &v) == TSR_OK) {
            if (find_part(d, &v)) {
                w->tried = true;
                return true;
            }
            pass_directive(w, &v);
            continue;
        }
        if (!w->tried) /* a whole pass, and nothing to try */
            return false;
        if (!w->delayed)
            w->delay_s += TSR_FDO_PASS_DELAY_S;
        w->directive = 0;
        w->tried = false;
    }
}

/* Not longer than an hour, and a quarter more or less, so that a fleet does not come at once. */
static uint64_t with_jitter(const tsr_fdo_device *d, uint64_t seconds)
{
    uint16_t r = 0;
    uint64_t ms = (seconds < TSR_FDO_DELAY_MAX_S ? seconds : TSR_FDO_DELAY_MAX_S) * 1000;

    (void)d->c->random->fill(d->c->random->user, (uint8_t *)&r, sizeof r);
    return ms * (1000 - JITTER_PERMILLE + r % (2 * JITTER_PERMILLE + 1)) / 1000;
}

bool tsr_fdo_walk_begin(tsr_fdo_device *d, uint64_t *wait_ms)
{
    bool found;

    d->walk = (tsr_fdo_walk){ .directive = 0 };
    found = find_directive(d);
    *wait_ms = with_jitter(d, d->walk.delay_s);
    d->walk.delay_s = 0;
    return found;
}

bool tsr_fdo_walk_next(tsr_fdo_device *d, uint64_t *wait_ms)
{
    tsr_fdo_walk *w = &d->walk;
    size_t before = w->directive;
    bool same, found;

    w->part++;
    if (w->redirected && find_owner(d)) {
        *wait_ms = with_jitter(d, TSR_FDO_ADDRESS_DELAY_S);
        return true;
    }
    if (w->redirected) /* the rendezvous server knew an owner, who cannot be reached */
        w->part = ALL_PARTS;
    w->redirected = false;
    w->delay_s = 0;
    w->delayed = false;
    found = find_directive(d);
    same = found && w->directive == before && w->part > 0;
    *wait_ms = with_jitter(d, same && w->delay_s == 0 ? TSR_FDO_ADDRESS_DELAY_S : w->delay_s);
    return found;
}

bool tsr_fdo_walk_redirect(tsr_fdo_device *d)
{
    d->walk.redirected = true;
    d->walk.addr = 0;
    d->walk.part = 0;
    return find_owner(d);
}

bool tsr_fdo_walk_is_owner(const tsr_fdo_device *d)
{
    tsr_fdo_directive v;

    return d->walk.redirected ||
           (tsr_fdo_rv_at(d->credential.rv_info, d->walk.directive, &v) == TSR_OK && v.bypass);
}
