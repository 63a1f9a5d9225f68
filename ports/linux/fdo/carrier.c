/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/fdo/carrier.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { HELLO_DEVICE = 60, PROVE_OV = 61, ERROR = 255, OK_STATUS = 200 };

/* ---- places ---- */

static tsr_err put_place(tsr_carrier_place *p, const char *host, uint16_t port)
{
    bool v6 = strchr(host, ':') != NULL;
    int n;

    *p = (tsr_carrier_place){ .secure = false };
    n = snprintf(p->authority, sizeof p->authority, v6 ? "[%s]:%u" : "%s:%u", host, port);

    return n < 0 || (size_t)n >= sizeof p->authority ? TSR_E_SPACE : TSR_OK;
}

tsr_err tsr_carrier_place_ip(tsr_carrier_place *p, tsr_bytes ip, uint16_t port)
{
    char host[INET6_ADDRSTRLEN];

    if ((ip.len != 4 && ip.len != 16) ||
        inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.ptr, host, sizeof host) == NULL)
        return TSR_E_MALFORMED;
    return put_place(p, host, port);
}

/* A name becomes a part of a request, so it has only what names have. */
tsr_err tsr_carrier_place_dns(tsr_carrier_place *p, tsr_bytes dns, uint16_t port)
{
    char host[TSR_UDP_HOST_LEN + 1];

    if (dns.len == 0)
        return TSR_E_MALFORMED;
    if (dns.len >= sizeof host)
        return TSR_E_SPACE;
    for (size_t i = 0; i < dns.len; i++) {
        uint8_t c = dns.ptr[i];

        if (c <= ' ' || c >= 0x7f || strchr("/?#@[]:\\", c) != NULL)
            return TSR_E_MALFORMED;
    }
    memcpy(host, dns.ptr, dns.len);
    host[dns.len] = '\0';
    return put_place(p, host, port);
}

tsr_err tsr_carrier_place_url(tsr_carrier_place *p, tsr_bytes url)
{
    tsr_http_url u;
    tsr_err err = tsr_http_url_parse(url, &u);

    if (err != TSR_OK)
        return err;
    *p = (tsr_carrier_place){ .secure = u.secure };
    while (u.target.len != 0 && u.target.ptr[u.target.len - 1] == '/')
        u.target.len--;
    if (u.authority.len >= sizeof p->authority || u.target.len >= sizeof p->path)
        return TSR_E_SPACE;
    (void)snprintf(p->authority, sizeof p->authority, "%.*s", (int)u.authority.len,
                   (const char *)u.authority.ptr);
    (void)snprintf(p->path, sizeof p->path, "%.*s", (int)u.target.len,
                   u.target.len != 0 ? (const char *)u.target.ptr : "");
    return TSR_OK;
}

/* ---- messages ---- */

void tsr_carrier_init(tsr_carrier *c, uint32_t wait_ms, const tsr_bytes *anchors, size_t anchor_count)
{
    const tsr_fetch_trust nobody = { .anyone = false };

    memset(c, 0, sizeof *c);
    c->cause = "";
    c->anchors = anchors;
    c->anchor_count = anchor_count;
    tsr_fetch_init(&c->fetch, wait_ms);
    c->fetch.once = true; /* a message that comes twice is another */
    tsr_fetch_secure_init(&c->tls, &nobody);
    tsr_fetch_use(&c->fetch, &tsr_fetch_secure_layer, &c->tls);
}

void tsr_carrier_end(tsr_carrier *c)
{
    tsr_fetch_end(&c->fetch);
    tsr_wipe(c->token, sizeof c->token);
}

/* A connection that is kept was judged for another place. */
static void set_trust(tsr_carrier *c, const tsr_carrier_place *to)
{
    const tsr_fetch_trust trust = { .anchors = c->anchors, .anchor_count = c->anchor_count,
                                    .server = to->server, .ca = to->ca, .anyone = true };

    tsr_fetch_end(&c->fetch);
    tsr_fetch_secure_trust(&c->tls, &trust);
}

tsr_err tsr_carrier_send(tsr_carrier *c, const tsr_carrier_place *to, uint8_t type, bool first,
                         tsr_bytes body, uint64_t now_ms)
{
    char text[sizeof to->authority + sizeof to->path + 64];
    tsr_http_field fields[2] = { { tsr_text("Content-Type"), tsr_text("application/cbor") } };
    tsr_http_request post = { .method = "POST", .fields = fields, .field_count = 1 };
    tsr_http_url url;
    tsr_err err;

    if (first) {
        tsr_wipe(c->token, sizeof c->token);
        set_trust(c, to);
    }
    if (c->token[0] != '\0') {
        fields[1] = (tsr_http_field){ tsr_text("Authorization"), tsr_text(c->token) };
        post.field_count = 2;
    }
    (void)snprintf(text, sizeof text, "http%s://%s%s/fdo/101/msg/%u", to->secure ? "s" : "",
                   to->authority, to->path, type);
    c->len = 0;
    c->has_type = false;
    c->sent = type;
    err = tsr_http_url_parse(tsr_text(text), &url);
    if (err == TSR_OK)
        err = tsr_fetch_begin(&c->fetch, &url, &post, &body, now_ms);
    c->cause = c->fetch.cause;
    return err;
}

static tsr_err take_field(tsr_carrier *c, const tsr_http_field *f)
{
    uint32_t type;

    if (tsr_http_is(f->name, "message-type")) {
        if (c->has_type || tsr_dec_upto(f->value, UINT8_MAX, &type) != TSR_OK)
            return TSR_E_MALFORMED;
        c->type = (uint8_t)type;
        c->has_type = true;
    }
    if (!tsr_http_is(f->name, "authorization"))
        return TSR_OK;
    if (f->value.len >= sizeof c->token)
        return TSR_E_SPACE;
    memset(c->token, 0, sizeof c->token);
    memcpy(c->token, f->value.ptr, f->value.len);
    return TSR_OK;
}

static tsr_err take_head(const tsr_carrier *c)
{
    if (!c->has_type || (c->fetch.http.status != OK_STATUS && c->type != ERROR))
        return TSR_E_MALFORMED;
    return c->sent == HELLO_DEVICE && c->type == PROVE_OV && c->token[0] == '\0' ? TSR_E_DENIED : TSR_OK;
}

static tsr_err take_body(tsr_carrier *c, tsr_bytes body)
{
    if (body.len > sizeof c->body - c->len)
        return TSR_E_SPACE;
    memcpy(c->body + c->len, body.ptr, body.len);
    c->len += body.len;
    return TSR_OK;
}

static const char *cause_of(tsr_err err)
{
    switch (err) {
    case TSR_E_MALFORMED: return "not the answer of an FDO service";
    case TSR_E_DENIED:    return "no token came with message 61";
    default:              return "the answer is too long";
    }
}

tsr_err tsr_carrier_next(tsr_carrier *c, uint64_t now_ms)
{
    tsr_http_event e;
    tsr_err err;

    while ((err = tsr_fetch_next(&c->fetch, &e, now_ms)) == TSR_OK) {
        if (e.kind == TSR_HTTP_DONE)
            return TSR_OK;
        if (e.kind == TSR_HTTP_FIELD)
            err = take_field(c, &e.field);
        else
            err = e.kind == TSR_HTTP_HEAD ? take_head(c) : take_body(c, e.body);
        if (err != TSR_OK) {
            tsr_fetch_end(&c->fetch);
            c->cause = cause_of(err);
            return err;
        }
    }
    c->cause = c->fetch.cause;
    return err;
}
