/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/server/peer.h"

#include "tessera/lwm2m/format/format.h"

#include <netinet/in.h>
#include <poll.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static int open_socket(void)
{
    struct sockaddr_in me = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof me) != 0)
        abort();
    return fd;
}

void peer_send_raw(test_peer *p, tsr_bytes d)
{
    struct sockaddr_storage to;
    socklen_t len = tsr_address_to(&p->server, &to);

    memcpy(p->last_datagram, d.ptr, d.len);
    p->last_datagram_len = d.len;
    (void)!sendto(p->fd, d.ptr, d.len, 0, (struct sockaddr *)&to, len);
}

static uint32_t import_psk(const char *key)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    if (psa_import_key(&a, (const uint8_t *)key, strlen(key), &id) != PSA_SUCCESS)
        abort();
    return id;
}

static void open_coap(test_peer *p)
{
    tsr_coap_config c = { .peers = 1,
                          .exchanges = 16,
                          .exchange_len = 1280,
                          .bodies = 4,
                          .body_len = 8192,
                          .seen = 256,
                          .log_len = 16384,
                          .params = tsr_coap_params_default() };
    size_t len;

    if (getrandom(&c.seed, sizeof c.seed, 0) != sizeof c.seed)
        abort();
    len = tsr_coap_memory(&c);
    p->memory = calloc(1, len);
    if (tsr_coap_init(&p->coap, &c, p->memory, len) != TSR_OK)
        abort();
}

test_peer *peer_open(uint16_t port, const char *identity, const char *key)
{
    test_peer *p = calloc(1, sizeof *p);
    char server[32];

    snprintf(server, sizeof server, "127.0.0.1:%u", port);
    if (tsr_address_parse(server, &p->server) != TSR_OK)
        abort();
    p->fd = open_socket();
    p->battery = 100;
    open_coap(p);
    if (identity) {
        snprintf(p->identity, sizeof p->identity, "%s", identity);
        p->secure = true;
        p->key_id = import_psk(key);

        tsr_dtls_options o = { .role = TSR_DTLS_CLIENT,
                               .plain = p->plain,
                               .plain_cap = sizeof p->plain,
                               .psk_identity = tsr_text(p->identity),
                               .psk_key_id = p->key_id,
                               .cid = true };

        if (tsr_dtls_config_init(&p->config, &o) != TSR_OK)
            abort();
    }
    return p;
}

tsr_bytes peer_vector(const char *name)
{
    char path[512];
    uint8_t *bytes = malloc(4096);
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "%s/tests/vectors/dtls/%s", TSR_SOURCE_DIR, name);
    f = fopen(path, "rb");
    if (!f || !bytes)
        abort();
    n = fread(bytes, 1, 4096, f);
    fclose(f);
    return tsr_view(bytes, n);
}

static uint32_t import_ec(const char *name)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_bytes key = peer_vector(name);
    psa_key_id_t id = 0;

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    if (psa_import_key(&a, key.ptr, key.len, &id) != PSA_SUCCESS)
        abort();
    free((void *)(uintptr_t)key.ptr);
    return id;
}

test_peer *peer_open_certificate(uint16_t port)
{
    test_peer *p = peer_open(port, NULL, NULL);

    p->secure = true;
    p->key_id = import_ec("device.key");
    p->certificate = peer_vector("device.der");
    p->anchor = peer_vector("ca.der");

    tsr_dtls_options o = { .role = TSR_DTLS_CLIENT,
                           .plain = p->plain,
                           .plain_cap = sizeof p->plain,
                           .certificate = p->certificate,
                           .certificate_key_id = p->key_id,
                           .anchors = &p->anchor,
                           .anchor_count = 1,
                           .usage = TSR_DTLS_CERT_ANCHOR,
                           .server_name = "server.example",
                           .cid = true };

    if (tsr_dtls_config_init(&p->config, &o) != TSR_OK)
        abort();
    return p;
}

void peer_rebind(test_peer *p)
{
    int old = p->fd;

    p->fd = open_socket();
    close(old);
}

void peer_close(test_peer *p)
{
    if (!p)
        return;
    if (p->secure) {
        tsr_dtls_free(&p->dtls);
        tsr_dtls_config_free(&p->config);
        psa_destroy_key(p->key_id);
        free((void *)(uintptr_t)p->certificate.ptr);
        free((void *)(uintptr_t)p->anchor.ptr);
    }
    close(p->fd);
    free(p->memory);
    free(p);
}

/* --- the device ------------------------------------------------------------------------- */

static void write_values(test_peer *p, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    if (at.object == 1) {
        (void)tsr_lwm2m_put_int(out, tsr_lwm2m_at_resource(1, 0, 1), p->lifetime);
        return;
    }
    if (at.depth < 3 || at.resource == 0)
        (void)tsr_lwm2m_put_text(out, tsr_lwm2m_at_resource(3, 0, 0), tsr_text("Tessera"));
    if (at.depth < 3 || at.resource == 9)
        (void)tsr_lwm2m_put_int(out, tsr_lwm2m_at_resource(3, 0, 9), p->battery);
}

static uint8_t read_values(test_peer *p, tsr_lwm2m_path at, uint16_t accept, tsr_buf *body)
{
    tsr_lwm2m_format format;
    tsr_lwm2m_out out;

    if (p->only_format && accept != p->only_format)
        return TSR_COAP_NOT_ACCEPTABLE;
    if (at.object != 1 && at.object != 3)
        return TSR_COAP_NOT_FOUND;
    if (tsr_lwm2m_format_from(accept, &format) != TSR_OK ||
        tsr_lwm2m_out_begin(&out, format, at, body) != TSR_OK)
        return TSR_COAP_NOT_ACCEPTABLE;
    write_values(p, at, &out);
    return tsr_lwm2m_out_end(&out) == TSR_OK ? TSR_COAP_CONTENT : TSR_COAP_NOT_FOUND;
}

static tsr_lwm2m_path path_of(const tsr_coap_msg *msg)
{
    uint16_t ids[4] = { 0 };
    size_t n = 0;

    if (tsr_coap_msg_ids(msg, 0, ids, 4, &n) != TSR_OK)
        return tsr_lwm2m_at_root();
    return (tsr_lwm2m_path){ ids[0], ids[1], ids[2], ids[3], (uint8_t)n };
}

static uint8_t write_value(test_peer *p, tsr_lwm2m_path at, const tsr_coap_event *e)
{
    uint8_t room[256];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_in in;
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;

    if (e->body.len == 0 && e->msg->code == TSR_COAP_PUT) { /* Write-Attributes */
        tsr_coap_opts it = { .rest = e->msg->options };
        tsr_bytes q;

        p->attributes[0] = 0;
        while (tsr_coap_query_next(&it, &q) == TSR_OK)
            snprintf(p->attributes + strlen(p->attributes),
                     sizeof p->attributes - strlen(p->attributes), "%.*s;", (int)q.len, q.ptr);
        return TSR_COAP_CHANGED;
    }
    if (at.object != 1)
        return TSR_COAP_METHOD_NOT_ALLOWED;
    if (tsr_lwm2m_in_begin(&in, (tsr_lwm2m_format)e->msg->content_format.value, at, e->body,
                           &scratch) != TSR_OK)
        return TSR_COAP_UNSUPPORTED_FORMAT;
    while (tsr_lwm2m_in_next(&in, &path, &value) == TSR_OK)
        if (path.resource == 1 &&
            tsr_lwm2m_value_as(&value, TSR_LWM2M_INTEGER, &scratch, &value) == TSR_OK)
            p->lifetime = value.as.i;
    return TSR_COAP_CHANGED;
}

/* Read-Composite, Observe-Composite and Cancel: what is there of the paths. */
static uint8_t fetch_values(test_peer *p, const tsr_coap_event *e, uint16_t accept, tsr_buf *body)
{
    tsr_lwm2m_format format;
    tsr_lwm2m_path path;
    tsr_lwm2m_out out;
    tsr_lwm2m_in in;

    p->body_format = (uint16_t)e->msg->content_format.value;
    if (p->only_body && p->body_format != p->only_body)
        return TSR_COAP_UNSUPPORTED_FORMAT;
    if (p->only_format && accept != p->only_format)
        return TSR_COAP_NOT_ACCEPTABLE;
    if (tsr_lwm2m_in_begin_fetch(&in, p->body_format, e->body, NULL) != TSR_OK)
        return TSR_COAP_UNSUPPORTED_FORMAT;
    if (tsr_lwm2m_format_from(accept, &format) != TSR_OK ||
        tsr_lwm2m_out_begin(&out, format, tsr_lwm2m_at_root(), body) != TSR_OK)
        return TSR_COAP_NOT_ACCEPTABLE;
    while (tsr_lwm2m_in_next_name(&in, &path) == TSR_OK)
        if (path.object == 1 || path.object == 3)
            write_values(p, path, &out);
    return tsr_lwm2m_out_end(&out) == TSR_OK ? TSR_COAP_CONTENT : TSR_COAP_BAD_REQUEST;
}

static uint8_t patch_values(test_peer *p, const tsr_coap_event *e)
{
    uint8_t room[256];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    int64_t lifetime = p->lifetime;
    tsr_lwm2m_value value;
    tsr_lwm2m_path path;
    tsr_lwm2m_in in;
    tsr_err err;

    p->body_format = (uint16_t)e->msg->content_format.value;
    if ((p->only_body && p->body_format != p->only_body) ||
        tsr_lwm2m_in_begin_patch(&in, p->body_format, e->body, &scratch) != TSR_OK)
        return TSR_COAP_UNSUPPORTED_FORMAT;
    while ((err = tsr_lwm2m_in_next_change(&in, &path, &value)) == TSR_OK) {
        if (value.type == TSR_LWM2M_NONE)
            p->deleted = path;
        else if (path.object != 1)
            return TSR_COAP_METHOD_NOT_ALLOWED;
        else if (path.resource == 1 && value.type == TSR_LWM2M_INTEGER)
            lifetime = value.as.i;
    }
    p->lifetime = err == TSR_END ? lifetime : p->lifetime;
    return err == TSR_END ? TSR_COAP_CHANGED : TSR_COAP_BAD_REQUEST;
}

static void serve(test_peer *p, const tsr_coap_event *e)
{
    uint8_t room[1024];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_path at = path_of(e->msg);
    uint16_t accept = e->msg->accept.set ? (uint16_t)e->msg->accept.value : 110;
    tsr_coap_response r = { 0 };

    p->requests++;
    if (p->on_request && p->on_request(p, e))
        return;
    if (p->silent) {
        (void)tsr_coap_cancel(&p->coap, e->id);
        return;
    }
    if (e->msg->code == TSR_COAP_GET && accept == 40) {
        r.code = TSR_COAP_CONTENT;
        r.content_format = (tsr_coap_num){ true, 40 };
        r.payload = tsr_text("</3/0>;pmin=10,</3/0/0>,</3/0/9>;pmax=60;dim=2");
    } else if (e->msg->code == TSR_COAP_IPATCH) {
        r.code = patch_values(p, e);
    } else if (e->msg->code == TSR_COAP_GET || e->msg->code == TSR_COAP_FETCH) {
        p->observes_composite = e->msg->code == TSR_COAP_FETCH;
        r.code = p->observes_composite ? fetch_values(p, e, accept, &body)
                                       : read_values(p, at, accept, &body);
        if (r.code == TSR_COAP_CONTENT) {
            r.content_format = (tsr_coap_num){ true, accept };
            r.payload = tsr_buf_view(&body);
        }
        if (r.code == TSR_COAP_CONTENT && e->msg->observe.set && e->msg->observe.value == 0) {
            p->observe_requests++;
            memcpy(p->observe_token, e->token.ptr, e->token.len);
            p->observe_token_len = (uint8_t)e->token.len;
            r.observe = (tsr_coap_num){ true, ++p->sequence };
        } else if (e->msg->observe.set && e->msg->observe.value == 1) {
            p->observe_token_len = 0;
        }
    } else if (e->msg->code == TSR_COAP_POST && at.depth == 3) {
        p->executed++;
        snprintf(p->arguments, sizeof p->arguments, "%.*s", (int)e->body.len, e->body.ptr);
        r.code = TSR_COAP_CHANGED;
    } else if (e->msg->code == TSR_COAP_POST && at.depth == 1) {
        r.code = TSR_COAP_CREATED;
    } else if (e->msg->code == TSR_COAP_DELETE) {
        r.code = TSR_COAP_DELETED;
    } else {
        r.code = write_value(p, at, e);
    }
    if (tsr_coap_respond(&p->coap, e->id, &r, now_ms()) != TSR_OK)
        abort();
}

static void keep_answer(test_peer *p, const tsr_coap_event *e)
{
    tsr_coap_opts it = { .rest = e->msg->options };
    tsr_bytes segment;

    p->answered = true;
    p->code = e->msg->code;
    p->format = e->msg->content_format.set ? (uint16_t)e->msg->content_format.value : 0xffff;
    p->payload_len = e->body.len < sizeof p->payload - 1 ? e->body.len : sizeof p->payload - 1;
    memcpy(p->payload, e->body.ptr ? e->body.ptr : (const uint8_t *)"", p->payload_len);
    p->payload[p->payload_len] = 0;
    p->location[0] = 0;
    while (tsr_coap_opt_find(&it, TSR_COAP_LOCATION_PATH, &segment) == TSR_OK)
        snprintf(p->location + strlen(p->location), sizeof p->location - strlen(p->location),
                 "/%.*s", (int)segment.len, segment.ptr);
}

static void take_events(test_peer *p)
{
    tsr_coap_event e;

    while (tsr_coap_event_next(&p->coap, &e)) {
        switch (e.kind) {
        case TSR_COAP_REQUEST: serve(p, &e); break;
        case TSR_COAP_RESPONSE: keep_answer(p, &e); break;
        case TSR_COAP_RESET: p->notify_rejected++; break;
        case TSR_COAP_ACKED: p->notify_acked = true; break;
        case TSR_COAP_TIMEOUT:
        case TSR_COAP_FAILED: p->timed_out = p->answered = true; break;
        default: break;
        }
    }
}

/* --- datagrams -------------------------------------------------------------------------- */

static void dtls_events(test_peer *p)
{
    tsr_dtls_event e;

    while (tsr_dtls_event_next(&p->dtls, &e)) {
        switch (e.type) {
        case TSR_DTLS_CONNECTED:
            p->connected = true;
            p->handshakes++;
            break;
        case TSR_DTLS_DATA:
            (void)tsr_coap_feed(&p->coap, 0, e.data, now_ms());
            take_events(p);
            break;
        case TSR_DTLS_CLOSED: p->closed = true; break;
        case TSR_DTLS_FAILED: p->failed = e.reason; break;
        }
    }
}

static void receive(test_peer *p)
{
    uint8_t bytes[2048];
    ssize_t n;

    while ((n = recv(p->fd, bytes, sizeof bytes, 0)) >= 0) {
        if (!p->secure) {
            (void)tsr_coap_feed(&p->coap, 0, tsr_view(bytes, (size_t)n), now_ms());
            take_events(p);
        } else if (tsr_dtls_feed(&p->dtls, tsr_view(bytes, (size_t)n), now_ms()) == TSR_OK) {
            dtls_events(p);
        }
    }
}

static void transmit(test_peer *p)
{
    uint8_t bytes[2048], record[2304];

    for (;;) {
        tsr_buf out = tsr_buf_over(record, sizeof record);

        if (!p->secure || tsr_dtls_poll(&p->dtls, &out, now_ms()) != TSR_OK)
            break;
        peer_send_raw(p, tsr_buf_view(&out));
    }
    if (p->secure)
        dtls_events(p);
    for (;;) {
        tsr_buf out = tsr_buf_over(bytes, sizeof bytes),
                wrapped = tsr_buf_over(record, sizeof record);
        tsr_coap_peer to;

        if (tsr_coap_poll(&p->coap, &to, &out, now_ms()) != TSR_OK)
            break;
        if (!p->secure)
            peer_send_raw(p, tsr_buf_view(&out));
        else if (tsr_dtls_send(&p->dtls, tsr_buf_view(&out), &wrapped) == TSR_OK)
            peer_send_raw(p, tsr_buf_view(&wrapped));
    }
    take_events(p);
}

void peer_run(test_peer *p, uint64_t ms, const bool *until)
{
    uint64_t end = now_ms() + ms;

    for (;;) {
        struct pollfd fd = { .fd = p->fd, .events = POLLIN };

        transmit(p);
        if ((until && __atomic_load_n(until, __ATOMIC_ACQUIRE)) || now_ms() >= end)
            return;
        poll(&fd, 1, 5);
        receive(p);
    }
}

bool peer_connect(test_peer *p, uint64_t ms)
{
    bool failed = false;
    uint64_t end = now_ms() + ms;

    tsr_dtls_free(&p->dtls);
    p->connected = p->closed = false;
    p->failed = TSR_DTLS_R_NONE;
    if (tsr_dtls_start(&p->dtls, &p->config, NULL, now_ms()) != TSR_OK)
        return false;
    while (!p->connected && !failed && now_ms() < end) {
        peer_run(p, 20, &p->connected);
        failed = p->failed != TSR_DTLS_R_NONE;
    }
    return p->connected;
}

static uint8_t ask(test_peer *p, const tsr_coap_request *r)
{
    tsr_coap_id id;

    p->answered = p->timed_out = false;
    p->code = 0;
    if (tsr_coap_request_send(&p->coap, 0, r, now_ms(), &id) != TSR_OK)
        abort();
    peer_run(p, p->impatient_ms ? p->impatient_ms : PEER_PATIENCE_MS, &p->answered);
    if (!p->answered)
        (void)tsr_coap_cancel(&p->coap, id);
    return p->timed_out ? 0 : p->code;
}

uint8_t peer_dp(test_peer *p, uint16_t format, tsr_bytes payload, bool non)
{
    return ask(p, &(tsr_coap_request){ .method = TSR_COAP_POST,
                                       .path = "/dp",
                                       .content_format = { true, format },
                                       .payload = payload,
                                       .non = non });
}

uint8_t peer_request(test_peer *p, uint8_t method, const char *path, const char *queries,
                     const char *payload)
{
    tsr_bytes list[16];
    tsr_coap_request r = { .method = method, .path = path, .queries = list };

    while (queries && *queries && r.query_count < 16) {
        size_t n = strcspn(queries, "&");

        list[r.query_count++] = tsr_view(queries, n);
        queries += n + (queries[n] == '&');
    }
    if (payload) {
        r.payload = tsr_text(payload);
        r.content_format = (tsr_coap_num){ true, 40 };
    }
    return ask(p, &r);
}

uint8_t peer_register(test_peer *p, const char *queries)
{
    return peer_request(p, TSR_COAP_POST, "/rd", queries, "</1/0>,</3/0>");
}

void peer_notify(test_peer *p, bool con)
{
    uint8_t room[256];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .content_format = { true, 112 } };
    tsr_coap_id id;

    p->notify_acked = false;
    if (p->observes_composite) {
        tsr_lwm2m_out out;

        (void)tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(), &body);
        write_values(p, tsr_lwm2m_at_resource(3, 0, 9), &out);
        write_values(p, tsr_lwm2m_at_resource(1, 0, 1), &out);
        if (tsr_lwm2m_out_end(&out) != TSR_OK)
            abort();
    } else if (read_values(p, tsr_lwm2m_at_resource(3, 0, 9), 112, &body) != TSR_COAP_CONTENT) {
        abort();
    }
    r.payload = tsr_buf_view(&body);
    r.observe = (tsr_coap_num){ true, ++p->sequence };
    r.user = 7;
    if (tsr_coap_notify(&p->coap, 0, tsr_view(p->observe_token, p->observe_token_len), p->sequence,
                        con, &r, now_ms(), &id) != TSR_OK)
        abort();
    transmit(p);
}
