/* SPDX-License-Identifier: Apache-2.0
 *
 * Which context and exchange a message belongs to: places that the engine names, and observers by
 * peer and token, since an observation has no exchange between two notifications. */
#include "tessera/oscore/guard.h"

#include "tessera/oscore/datagram.h"
#include "tessera/oscore/internal.h"

enum { DATAGRAM_LEAST = 128, DATAGRAM_MOST = 0xffff };

/* ---- memory: places, observers, then bytes ---- */

static size_t places_of(const tsr_oscore_guard_config *f)
{
    return (size_t)f->coap->exchanges + f->coap->watches + 1;
}

size_t tsr_oscore_guard_memory(const tsr_oscore_guard_config *f)
{
    if (f->datagram_len < DATAGRAM_LEAST || f->datagram_len > DATAGRAM_MOST ||
        f->coap->exchanges >= 1u << 24 || f->coap->watches >= 1u << 24 ||
        f->observers >= 1u << 24)
        return 0;
    return places_of(f) * sizeof(tsr_oscore_guard_place) +
           f->observers * sizeof(tsr_oscore_guard_observer) +
           (f->coap->exchanges + (size_t)2) * f->datagram_len;
}

tsr_err tsr_oscore_guard_init(tsr_oscore_guard *g, const tsr_oscore_guard_config *config,
                              void *memory, size_t memory_len)
{
    size_t len = tsr_oscore_guard_memory(config), tables;

    if (len == 0 || (uintptr_t)memory % _Alignof(uint64_t) != 0)
        return TSR_E_ARGUMENT;
    if (memory_len < len)
        return TSR_E_SPACE;
    memset(g, 0, sizeof *g);
    g->config = *config;
    g->exchanges = config->coap->exchanges;
    g->places = places_of(config);
    g->place = memory;
    g->observer = (void *)(g->place + g->places);
    g->sealed = (uint8_t *)(g->observer + config->observers);
    tables = (size_t)(g->sealed - (uint8_t *)memory);
    memset(memory, 0, tables);
    g->in = g->sealed + g->exchanges * config->datagram_len;
    g->out = g->in + config->datagram_len;
    return TSR_OK;
}

void tsr_oscore_guard_wipe(tsr_oscore_guard *g)
{
    tsr_wipe(g->in, g->config.datagram_len);
}

void tsr_oscore_guard_drop(tsr_oscore_guard *g, const tsr_oscore *context)
{
    for (size_t i = 0; i < g->places; i++)
        if (g->place[i].context == context)
            g->place[i] = (tsr_oscore_guard_place){ .lost = true };
    for (size_t i = 0; i < g->config.observers; i++)
        if (g->observer[i].context == context)
            g->observer[i].context = NULL;
}

void tsr_oscore_guard_move(tsr_oscore_guard *g, const tsr_oscore *from, tsr_oscore *to)
{
    for (size_t i = 0; i < g->places; i++)
        if (g->place[i].context == from)
            g->place[i].context = to;
    for (size_t i = 0; i < g->config.observers; i++)
        if (g->observer[i].context == from)
            g->observer[i].context = to;
}

/* ---- contexts ---- */

static tsr_err use(const tsr_oscore_guard *g, tsr_oscore *c)
{
    return g->config.host.use != NULL ? g->config.host.use(g->config.host.user, c) : TSR_OK;
}

static void done(const tsr_oscore_guard *g, tsr_oscore *c)
{
    if (g->config.host.done != NULL)
        g->config.host.done(g->config.host.user, c);
}

static void broken(const tsr_oscore_guard *g, tsr_oscore *c)
{
    if (g->config.host.broken != NULL)
        g->config.host.broken(g->config.host.user, c);
}

/* ---- requests that come in ---- */

static tsr_err option_of(tsr_bytes datagram, tsr_oscore_option *option)
{
    tsr_bytes body;
    tsr_err err = tsr_oscore_body(datagram, &body);

    return err == TSR_OK ? tsr_oscore_option_find(body, option) : err;
}

static tsr_err unprotect(tsr_oscore_guard *g, tsr_coap_peer peer, tsr_oscore *c,
                         tsr_bytes datagram, tsr_bytes *inside)
{
    const tsr_oscore_guard_host *host = &g->config.host;
    tsr_oscore_guard_place *at = &g->place[g->places - 1];
    tsr_buf out = tsr_buf_over(g->in, g->config.datagram_len);
    tsr_err err;

    if (use(g, c) != TSR_OK)
        return TSR_E_IO;
    err = tsr_oscore_unprotect_request_datagram(c, &at->exchange, datagram, &out);
    done(g, c);
    at->context = c;
    if (err == TSR_E_IO)
        broken(g, c);
    if (err == TSR_OK && host->proved != NULL)
        err = host->proved(host->user, peer, c);
    *inside = tsr_buf_view(&out);
    return err;
}

/* RFC 8613 §B.2, step 4 */
static tsr_err accept(tsr_oscore_guard *g, tsr_oscore *c, tsr_err why, tsr_bytes datagram)
{
    const tsr_oscore_guard_host *host = &g->config.host;
    tsr_buf scratch = tsr_buf_over(g->in, g->config.datagram_len);

    if ((why != TSR_E_NOT_FOUND && why != TSR_E_CRYPTO) || host->renewal == NULL ||
        host->renewal->accept == NULL)
        return why;
    return host->renewal->accept(host->user, c, datagram, &scratch) == TSR_OK ? TSR_OK : why;
}

static tsr_err open_request(void *guard, tsr_coap_peer peer, tsr_bytes datagram, tsr_bytes *inside)
{
    tsr_oscore_guard *g = guard;
    const tsr_oscore_guard_host *host = &g->config.host;
    tsr_oscore_option option;
    tsr_oscore *c = NULL;
    tsr_err err = option_of(datagram, &option);

    g->place[g->places - 1] = (tsr_oscore_guard_place){ .context = NULL };
    if (err != TSR_OK && err != TSR_E_NOT_FOUND) {
        g->refused++;
        return err;
    }
    err = host->from(host->user, peer, err == TSR_OK ? &option : NULL, &c);
    if (err == TSR_END)
        return TSR_OK;
    if (err == TSR_OK) {
        err = unprotect(g, peer, c, datagram, inside);
        if (err != TSR_OK && accept(g, c, err, datagram) == TSR_OK)
            err = unprotect(g, peer, c, datagram, inside);
    }
    g->refused += err != TSR_OK;
    return err;
}

/* A plain request where none may be: there is no sentence for it in the RFC. */
static tsr_err refuse_plain(tsr_bytes datagram, uint16_t mid, tsr_buf *out)
{
    static const char text[] = "OSCORE is needed here";
    uint16_t last = 0;
    bool con = (datagram.ptr[0] >> 4 & 3) == TSR_COAP_CON;

    tsr_coap_put_header(out, con ? TSR_COAP_ACK : TSR_COAP_NON, TSR_COAP_UNAUTHORIZED, mid,
                        tsr_view(datagram.ptr + 4, datagram.ptr[0] & 15u));
    tsr_coap_put_opt_uint(out, &last, TSR_COAP_MAX_AGE, 0);
    tsr_coap_put_payload(out, tsr_text(text));
    return out->err;
}

/* RFC 8613 §B.2, step 2 */
static tsr_err offer(tsr_oscore_guard *g, tsr_oscore *c, tsr_err why, tsr_bytes datagram,
                     uint16_t mid, tsr_buf *out)
{
    const tsr_oscore_guard_host *host = &g->config.host;
    tsr_buf scratch = tsr_buf_over(g->in, g->config.datagram_len);

    if (c == NULL || host->renewal == NULL || host->renewal->offer == NULL ||
        !tsr_coap_is_request(datagram.ptr[1]))
        return TSR_END;
    return host->renewal->offer(host->user, c, why, datagram, mid, &scratch, out);
}

static tsr_err refuse(void *guard, tsr_coap_peer peer, tsr_err why, tsr_bytes datagram,
                      uint16_t mid, tsr_buf *out)
{
    tsr_oscore_guard *g = guard;
    tsr_oscore_guard_place *at = &g->place[g->places - 1];
    tsr_err err;

    (void)peer;
    if (why == TSR_E_DENIED)
        return refuse_plain(datagram, mid, out);
    err = offer(g, at->context, why, datagram, mid, out);
    if (err != TSR_END)
        return err == TSR_OK ? TSR_OK : TSR_END;
    if (why != TSR_E_STATE)
        return tsr_oscore_answer_datagram(NULL, NULL, why, datagram, mid, out);
    if (at->context == NULL || use(g, at->context) != TSR_OK)
        return TSR_END;
    err = tsr_oscore_answer_datagram(at->context, &at->exchange, why, datagram, mid, out);
    done(g, at->context);
    return err;
}

/* ---- responses that come in ---- */

static bool goes_plain(const tsr_oscore_guard *g, tsr_coap_peer peer)
{
    tsr_oscore *c;

    return g->config.host.to(g->config.host.user, peer, &c) == TSR_END;
}

/* What did not verify may mean that the server has other keys, or none. */
static tsr_err turn(tsr_oscore_guard *g, const tsr_oscore_guard_place *at, tsr_err err,
                    tsr_bytes datagram)
{
    const tsr_oscore_guard_renewal *renewal = g->config.host.renewal;
    tsr_buf scratch = tsr_buf_over(g->in, g->config.datagram_len);
    tsr_oscore_option option;
    tsr_err turned = TSR_END;

    if (renewal == NULL)
        return err;
    if (err == TSR_E_CRYPTO && renewal->asked != NULL)
        turned = renewal->asked(g->config.host.user, at->context, &at->exchange, datagram, &scratch);
    else if (renewal->refused != NULL && datagram.ptr[1] >> 5 == 4 &&
             option_of(datagram, &option) == TSR_E_NOT_FOUND)
        turned = at->exchange.epoch != at->context->epoch /* there are others since */
                     ? TSR_OK
                     : renewal->refused(g->config.host.user, at->context);
    return turned == TSR_OK ? TSR_END : err;
}

/* An observation that nobody bound to a request is one from before a restart. */
static tsr_err open_response(void *guard, tsr_coap_peer peer, size_t place, tsr_bytes datagram,
                             tsr_bytes *inside)
{
    tsr_oscore_guard *g = guard;
    const tsr_oscore_guard_host *host = &g->config.host;
    tsr_oscore_guard_place *at = &g->place[place];
    const tsr_oscore_exchange before = at->exchange;
    tsr_buf out = tsr_buf_over(g->in, g->config.datagram_len);
    tsr_err err;

    if (at->lost || (at->context == NULL && place >= g->exchanges && !goes_plain(g, peer)))
        return TSR_E_STATE;
    if (at->context == NULL)
        return TSR_OK;
    err = use(g, at->context);
    if (err != TSR_OK)
        return TSR_E_IO;
    err = tsr_oscore_unprotect_response_datagram(at->context, &at->exchange, datagram, &out);
    done(g, at->context);
    if (err == TSR_E_IO)
        broken(g, at->context);
    if (err != TSR_OK)
        err = turn(g, at, err, datagram);
    else if (host->renewal != NULL && host->renewal->answered != NULL)
        err = host->renewal->answered(host->user, at->context);
    if (err != TSR_OK)
        at->exchange = before; /* it may come again */
    g->dropped += err < TSR_OK;
    *inside = tsr_buf_view(&out);
    return err;
}

/* ---- what goes out ---- */

static tsr_err protect(tsr_oscore_guard *g, tsr_oscore_guard_place *at, bool request,
                       tsr_buf *datagram)
{
    tsr_buf plain = tsr_buf_over(g->out, g->config.datagram_len);
    tsr_err err;

    tsr_put_bytes(&plain, tsr_buf_view(datagram));
    if (plain.err != TSR_OK)
        return plain.err;
    datagram->len = 0;
    err = use(g, at->context);
    if (err != TSR_OK)
        return err;
    if (request)
        err = tsr_oscore_protect_request_datagram(at->context, &at->exchange, &plain, datagram);
    else
        err = tsr_oscore_protect_response_datagram(at->context, &at->exchange, &plain, datagram);
    done(g, at->context);
    tsr_wipe(plain.ptr, plain.len);
    if (err == TSR_E_CRYPTO)
        broken(g, at->context);
    return err;
}

static tsr_err keep(tsr_oscore_guard *g, size_t place, tsr_bytes datagram)
{
    if (datagram.len > g->config.datagram_len)
        return TSR_E_SPACE;
    memcpy(g->sealed + place * g->config.datagram_len, datagram.ptr, datagram.len);
    g->place[place].sealed_len = (uint16_t)datagram.len;
    return TSR_OK;
}

/* The context of a request is asked for anew; that of a response is the one of its request. */
static tsr_err choose(tsr_oscore_guard *g, tsr_coap_peer peer, tsr_oscore_guard_place *at,
                      bool request)
{
    const tsr_oscore_guard_host *host = &g->config.host;
    tsr_err err = TSR_OK;

    at->sealed_len = 0;
    if (!request)
        return at->lost ? TSR_E_STATE : TSR_OK;
    *at = (tsr_oscore_guard_place){ .context = NULL };
    err = host->to(host->user, peer, &at->context);
    if (err == TSR_OK)
        return TSR_OK;
    at->context = NULL;
    at->lost = err != TSR_END;
    return at->lost ? err : TSR_OK;
}

static tsr_err seal(void *guard, tsr_coap_peer peer, size_t place, bool again, tsr_buf *datagram)
{
    tsr_oscore_guard *g = guard;
    tsr_oscore_guard_place *at = &g->place[place];
    bool request = tsr_coap_is_request(datagram->ptr[1]);
    tsr_err err = choose(g, peer, at, request);

    if (err == TSR_OK && at->context != NULL) {
        err = protect(g, at, request, datagram);
        if (err == TSR_OK && again)
            err = keep(g, place, tsr_buf_view(datagram));
    }
    g->unsent += err != TSR_OK;
    return err;
}

static tsr_err repeat(void *guard, size_t place, tsr_buf *datagram)
{
    tsr_oscore_guard *g = guard;
    size_t len = g->place[place].sealed_len;

    if (len == 0)
        return TSR_E_NOT_FOUND;
    tsr_put_bytes(datagram, tsr_view(g->sealed + place * g->config.datagram_len, len));
    return datagram->err;
}

static void copy(void *guard, size_t from, size_t to)
{
    tsr_oscore_guard *g = guard;

    g->place[to] = g->place[from];
    g->place[to].sealed_len = 0;
}

static void clear(void *guard, size_t place)
{
    tsr_oscore_guard *g = guard;

    g->place[place] = (tsr_oscore_guard_place){ .context = NULL };
}

/* ---- observers ---- */

static tsr_oscore_guard_observer *observer_find(const tsr_oscore_guard *g, tsr_coap_peer peer,
                                                tsr_bytes token)
{
    for (size_t i = 0; i < g->config.observers; i++) {
        tsr_oscore_guard_observer *o = &g->observer[i];

        if (o->context != NULL && o->peer == peer &&
            tsr_same(token, tsr_view(o->token, o->token_len)))
            return o;
    }
    return NULL;
}

static tsr_oscore_guard_observer *observer_free(const tsr_oscore_guard *g)
{
    for (size_t i = 0; i < g->config.observers; i++)
        if (g->observer[i].context == NULL)
            return &g->observer[i];
    return NULL;
}

/* What the application has let go makes room. */
static tsr_oscore_guard_observer *observer_sweep(const tsr_oscore_guard *g)
{
    const tsr_oscore_guard_host *host = &g->config.host;
    tsr_oscore_guard_observer *found = NULL;

    for (size_t i = 0; host->observes != NULL && i < g->config.observers; i++) {
        tsr_oscore_guard_observer *o = &g->observer[i];

        if (host->observes(host->user, o->peer, tsr_view(o->token, o->token_len)))
            continue;
        o->context = NULL;
        found = o;
    }
    return found;
}

static tsr_oscore_guard_observer *observer_take(tsr_oscore_guard *g, tsr_coap_peer peer,
                                                tsr_bytes token)
{
    tsr_oscore_guard_observer *o = observer_find(g, peer, token);

    if (o == NULL)
        o = observer_free(g);
    if (o == NULL)
        o = observer_sweep(g);
    if (o == NULL)
        return NULL;
    o->peer = peer;
    o->token_len = (uint8_t)token.len;
    if (token.len != 0)
        memcpy(o->token, token.ptr, token.len);
    return o;
}

/* Notifications never use the request's nonce, which may serve the first response
 * (RFC 8613 §8.3.1). */
static void observed(void *guard, tsr_coap_peer peer, tsr_bytes token, bool on)
{
    tsr_oscore_guard *g = guard;
    const tsr_oscore_guard_place *at = &g->place[g->places - 1];
    tsr_oscore_guard_observer *o =
        on && at->context != NULL ? observer_take(g, peer, token) : observer_find(g, peer, token);

    if (o == NULL)
        return;
    o->context = on ? at->context : NULL;
    o->exchange = at->exchange;
    o->exchange.nonce_used = true;
}

static void notice(void *guard, tsr_coap_peer peer, tsr_bytes token, size_t place)
{
    tsr_oscore_guard *g = guard;
    const tsr_oscore_guard_observer *o = observer_find(g, peer, token);
    tsr_oscore *c;

    g->place[place] = (tsr_oscore_guard_place){ .context = NULL };
    if (o != NULL) {
        g->place[place].context = o->context;
        g->place[place].exchange = o->exchange;
    } else {
        g->place[place].lost = g->config.host.from(g->config.host.user, peer, NULL, &c) != TSR_END;
    }
}

tsr_err tsr_oscore_guard_observed_save(const tsr_oscore_guard *g, tsr_coap_peer peer,
                                       tsr_bytes token, tsr_buf *out)
{
    const tsr_oscore_guard_observer *o = observer_find(g, peer, token);
    tsr_oscore_piv piv;

    if (o == NULL)
        return TSR_E_NOT_FOUND;
    piv = tsr_oscore_piv_of(o->exchange.request_piv, o->exchange.piv_len);
    tsr_put_u8(out, piv.len);
    tsr_put_bytes(out, tsr_view(piv.bytes, piv.len));
    tsr_put_u64(out, o->exchange.epoch);
    return out->err;
}

tsr_err tsr_oscore_guard_observed_load(tsr_oscore_guard *g, tsr_coap_peer peer, tsr_bytes token,
                                       tsr_oscore *context, tsr_bytes *in)
{
    tsr_oscore_guard_observer *o;
    tsr_bytes rest = *in, piv;
    uint64_t epoch;
    uint8_t len;

    if (tsr_get_u8(&rest, &len) != TSR_OK || len == 0 || len > TSR_OSCORE_PIV_MAX ||
        tsr_get_bytes(&rest, len, &piv) != TSR_OK || tsr_get_u64(&rest, &epoch) != TSR_OK ||
        token.len > TSR_COAP_TOKEN_MAX)
        return TSR_E_MALFORMED;
    *in = rest;
    if (context == NULL)
        return TSR_OK;
    o = observer_take(g, peer, token);
    if (o == NULL)
        return TSR_E_SPACE;
    o->context = context;
    o->exchange = (tsr_oscore_exchange){ .request_piv = tsr_oscore_piv_number(piv),
                                         .epoch = epoch,
                                         .piv_len = len,
                                         .observe = true,
                                         .nonce_used = true };
    return TSR_OK;
}

const tsr_coap_guard_calls tsr_oscore_guard_calls = {
    .more = TSR_OSCORE_OVERHEAD,
    .open_request = open_request,
    .refuse = refuse,
    .open_response = open_response,
    .seal = seal,
    .repeat = repeat,
    .copy = copy,
    .clear = clear,
    .observed = observed,
    .notice = notice,
};
