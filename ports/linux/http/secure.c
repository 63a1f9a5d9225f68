/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/http/secure.h"

#include <arpa/inet.h>

#include "ports/linux/host/system.h"

_Static_assert((int)TSR_FETCH_PLAIN <= (int)TSR_TLS_SEND_MAX &&
                   (int)TSR_FETCH_PROTECTED >= (int)TSR_FETCH_PLAIN + (int)TSR_TLS_MORE,
               "what fetch.h sends at once is too much for one record");

void tsr_fetch_secure_init(tsr_fetch_secure *s, const tsr_fetch_trust *trust)
{
    memset(s, 0, sizeof *s);
    s->cause = "";
    s->trust = *trust;
}

void tsr_fetch_secure_trust(tsr_fetch_secure *s, const tsr_fetch_trust *trust) { s->trust = *trust; }

/* ---- whom it is to be ---- */

static tsr_bytes address_of(tsr_fetch_secure *s)
{
    if (inet_pton(AF_INET, s->name, s->address) == 1)
        return tsr_view(s->address, 4);
    return tsr_view(s->address, inet_pton(AF_INET6, s->name, s->address) == 1 ? 16 : 0);
}

static int64_t time_now(void)
{
    int64_t now_s = tsr_host_unix_s();

    return now_s >= TSR_FETCH_HAS_CLOCK ? now_s : 0;
}

static void set_trust(tsr_fetch_secure *s)
{
    const tsr_fetch_trust *t = &s->trust;
    bool hashes = t->server.value.len != 0 || t->ca.value.len != 0;
    tsr_bytes address = address_of(s);

    s->web = (tsr_web){ .server = t->server, .ca = t->ca, .anchors = t->anchors,
                        .anchor_count = t->anchor_count, .name = address.len == 0 ? s->name : NULL,
                        .address = hashes ? tsr_view(NULL, 0) : address, .unix_s = time_now() };
    s->web.anyone = !hashes && t->anchor_count == 0 && t->anyone;
}

/* ---- the layer ---- */

static void secure_end(void *self, tsr_buf *out)
{
    tsr_fetch_secure *s = self;

    if (out != NULL)
        tsr_tls_close(&s->tls, out);
    tsr_tls_free(&s->tls);
    tsr_dtls_config_free(&s->config);
}

static tsr_err secure_begin(void *self, tsr_bytes host, uint64_t now_ms)
{
    tsr_fetch_secure *s = self;
    tsr_err err;

    secure_end(s, NULL);
    s->cause = "no such host";
    if (host.len >= sizeof s->name)
        return TSR_E_SPACE;
    memcpy(s->name, host.ptr, host.len);
    s->name[host.len] = '\0';
    set_trust(s);
    err = tsr_web_config(&s->config, &s->web);
    s->cause = err == TSR_E_ARGUMENT    ? "nobody is trusted: no CA certificates are configured"
               : err == TSR_E_MALFORMED ? "none of the CA certificates can be read"
                                        : "TLS cannot begin; see the secure service's log";
    if (err == TSR_OK)
        err = tsr_tls_begin(&s->tls, &s->config, now_ms);
    if (err != TSR_OK)
        secure_end(s, NULL);
    return err;
}

static tsr_err note(tsr_fetch_secure *s, tsr_err err)
{
    const char *why = tsr_web_cause(&s->web);

    if (err != TSR_E_DENIED)
        return err;
    if (why == NULL && tsr_tls_reason(&s->tls) == TSR_DTLS_R_ALERT)
        why = tsr_dtls_alert_name(tsr_tls_alert(&s->tls));
    s->cause = why != NULL ? why : tsr_dtls_reason_name(tsr_tls_reason(&s->tls));
    return err;
}

static tsr_err secure_take(void *self, tsr_bytes *in, tsr_buf *plain, uint64_t now_ms)
{
    tsr_fetch_secure *s = self;

    return note(s, tsr_tls_take(&s->tls, in, plain, now_ms));
}

static tsr_err secure_poll(void *self, tsr_buf *out, uint64_t now_ms)
{
    tsr_fetch_secure *s = self;

    return note(s, tsr_tls_poll(&s->tls, out, now_ms));
}

static tsr_err secure_send(void *self, tsr_bytes plain, tsr_buf *out)
{
    tsr_fetch_secure *s = self;

    return note(s, tsr_tls_send(&s->tls, plain, out));
}

static bool secure_is_up(const void *self)
{
    return tsr_tls_connected(&((const tsr_fetch_secure *)self)->tls);
}

static uint64_t secure_due_ms(const void *self)
{
    return tsr_tls_due_ms(&((const tsr_fetch_secure *)self)->tls);
}

static const char *secure_cause(const void *self) { return ((const tsr_fetch_secure *)self)->cause; }

const tsr_fetch_layer tsr_fetch_secure_layer = {
    secure_begin, secure_take, secure_poll, secure_send, secure_is_up, secure_due_ms, secure_end, secure_cause,
};
