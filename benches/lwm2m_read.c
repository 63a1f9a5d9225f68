/* SPDX-License-Identifier: Apache-2.0
 *
 * lwm2m_read FORMAT N [composite|notify|register]: a registered client answers N confirmable GETs of /3/0
 * with Accept FORMAT, one after the other; or FETCHes of ten resources of /1/0 and /3/0; or sends N
 * notifications of /3/0, of which one value changes each time; or registers N times, anew each time.
 * serve_once, notify_once and register_once are the whole of it, from datagram in to datagram out, without
 * socket and peer. For callgrind; prints datagram=... payload=... */
#include <stdio.h>
#include <stdlib.h>

#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/server.h"

size_t serve_once(tsr_bytes datagram, uint8_t *answer, size_t cap, uint64_t now_ms);
size_t notify_once(uint8_t *out, size_t cap, uint64_t now_ms);
size_t register_once(tsr_bytes datagram, uint8_t *out, size_t cap, uint64_t now_ms);

/* through volatile pointers, so that no compiler merges them into the loop */
static size_t (*volatile serve)(tsr_bytes, uint8_t *, size_t, uint64_t) = serve_once;
static size_t (*volatile notify)(uint8_t *, size_t, uint64_t) = notify_once;
static size_t (*volatile go_on)(tsr_bytes, uint8_t *, size_t, uint64_t) = register_once;

static tsr_lwm2m_server server[1];
static tsr_lwm2m_servers servers = { .items = server, .count = 1 };
static tsr_lwm2m_device device;
static tsr_lwm2m_object objects[2];
static const tsr_lwm2m_registry registry = { objects, 2 };
static tsr_lwm2m_account account;
static tsr_lwm2m_observation observations[10];
static tsr_lwm2m_attachment attachments[10];
static tsr_lwm2m_composite_path paths[16];
static tsr_lwm2m_client client;
static uint64_t coap_memory[2048];
static uint8_t body[1024], state[2048];

/* The values of the Core's example device: those that Wakaama's example client has, 17 in all. */
static void fill(tsr_lwm2m_device *d)
{
    tsr_lwm2m_device_init(d);
    strcpy(d->manufacturer, "Open Mobile Alliance");
    strcpy(d->model, "Lightweight M2M Client");
    strcpy(d->serial, "345000123");
    strcpy(d->firmware, "1.0");
    strcpy(d->binding, "U");
    strcpy(d->host_offset, "+02:00");
    strcpy(d->host_timezone, "Europe/Berlin");
    d->power[0] = (tsr_lwm2m_power){ 1, 3800, 125 };
    d->power[1] = (tsr_lwm2m_power){ 5, 5000, 900 };
    d->power_count = 2;
    d->battery_percent = 100;
    d->memory_free_kb = 15;
    d->host_unix_s = 1367491215;
}

static tsr_err start(void)
{
    static const tsr_coap_config coap = {
        .peers = 1,
        .exchanges = 4,
        .exchange_len = 1200,
        .seen = 16,
        .log_len = 4096,
        .seed = 1,
    };
    const tsr_lwm2m_client_config config = {
        .endpoint = "bench",
        .registry = &registry,
        .servers = &servers,
        .accounts = &account,
        .account_count = 1,
        .observations = observations,
        .observation_count = 10,
        .attachments = attachments,
        .attachment_count = 10,
        .paths = paths,
        .path_count = 16,
        .body = body,
        .body_len = sizeof body,
        .state = state,
        .state_len = sizeof state,
        .coap = &coap,
        .coap_memory = coap_memory,
        .coap_memory_len = sizeof coap_memory,
        .version_minor = 2,
    };

    tsr_lwm2m_server_init(&server[0], 0, 1, 86400);
    server[0].used = true;
    fill(&device);
    objects[0] = tsr_lwm2m_server_object(&servers);
    objects[1] = tsr_lwm2m_device_object(&device);
    account = (tsr_lwm2m_account){ .short_id = 1 };
    return tsr_lwm2m_client_init(&client, &config);
}

static void drop_events(void)
{
    tsr_lwm2m_client_event event;

    while (tsr_lwm2m_client_event_next(&client, &event)) {
    }
}

__attribute__((noinline)) size_t serve_once(tsr_bytes datagram, uint8_t *answer, size_t cap,
                                            uint64_t now_ms)
{
    tsr_buf out = tsr_buf_over(answer, cap);
    size_t to;

    if (tsr_lwm2m_client_feed(&client, 0, datagram, now_ms) != TSR_OK)
        return 0;
    drop_events();
    return tsr_lwm2m_client_poll(&client, &to, &out, now_ms) == TSR_OK ? out.len : 0;
}

/* A value has changed: judges the observation and sends what it says. */
__attribute__((noinline)) size_t notify_once(uint8_t *out, size_t cap, uint64_t now_ms)
{
    tsr_buf datagram = tsr_buf_over(out, cap);
    size_t to;

    tsr_lwm2m_client_changed(&client, tsr_lwm2m_at_resource(3, 0, 9));
    return tsr_lwm2m_client_poll(&client, &to, &datagram, now_ms) == TSR_OK ? datagram.len : 0;
}

/* Twice per registration: sends the Register; takes its answer, and has nothing to send then. */
__attribute__((noinline)) size_t register_once(tsr_bytes datagram, uint8_t *out, size_t cap,
                                               uint64_t now_ms)
{
    tsr_buf next = tsr_buf_over(out, cap);
    size_t to;

    if (datagram.len != 0)
        (void)tsr_lwm2m_client_feed(&client, 0, datagram, now_ms);
    return tsr_lwm2m_client_poll(&client, &to, &next, now_ms) == TSR_OK ? next.len : 0;
}

/* Answers the Register as a server does. The length of the Register, or 0: not registered. */
static size_t register_it(uint64_t now_ms, tsr_coap_msg *msg)
{
    static uint8_t out[1400];
    uint8_t in[64], none[1400];
    tsr_buf reply = tsr_buf_over(in, sizeof in);
    uint16_t last = 0;
    size_t len = go_on(tsr_view(NULL, 0), out, sizeof out, now_ms);

    if (tsr_coap_msg_parse(tsr_view(out, len), msg) != TSR_OK)
        return 0;
    tsr_coap_put_header(&reply, TSR_COAP_ACK, TSR_COAP_CREATED, msg->mid, msg->token);
    tsr_coap_put_opt(&reply, &last, TSR_COAP_LOCATION_PATH, tsr_view("rd", 2));
    tsr_coap_put_opt(&reply, &last, TSR_COAP_LOCATION_PATH, tsr_view("1", 1));
    (void)go_on(tsr_buf_view(&reply), none, sizeof none, now_ms + 10);
    drop_events();
    return account.standing == TSR_LWM2M_REGISTERED ? len : 0;
}

/* The names of ten resources in SenML CBOR. */
static tsr_bytes ten_names(void)
{
    static const tsr_lwm2m_path ten[] = {
        { 1, 0, 0, 0, 3 }, { 1, 0, 1, 0, 3 }, { 1, 0, 6, 0, 3 }, { 1, 0, 7, 0, 3 },  { 3, 0, 0, 0, 3 },
        { 3, 0, 1, 0, 3 }, { 3, 0, 2, 0, 3 }, { 3, 0, 9, 0, 3 }, { 3, 0, 10, 0, 3 }, { 3, 0, 13, 0, 3 },
    };
    static uint8_t room[256];
    tsr_buf names = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_out writer;

    (void)tsr_lwm2m_out_begin(&writer, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(), &names);
    for (size_t i = 0; i < 10; i++)
        (void)tsr_lwm2m_put_name(&writer, ten[i]);
    (void)tsr_lwm2m_out_end(&writer);
    return tsr_buf_view(&names);
}

static size_t fetch(uint8_t *out, size_t cap, uint16_t format, uint32_t number)
{
    static const uint8_t senml_cbor = TSR_LWM2M_FORMAT_SENML_CBOR;
    uint8_t token[4] = { 0xde, 0xad, (uint8_t)(number >> 8), (uint8_t)number };
    tsr_buf b = tsr_buf_over(out, cap);
    uint16_t last = 0;

    tsr_coap_put_header(&b, TSR_COAP_CON, TSR_COAP_FETCH, (uint16_t)number, tsr_view(token, 4));
    tsr_coap_put_opt(&b, &last, TSR_COAP_CONTENT_FORMAT, tsr_view(&senml_cbor, 1));
    tsr_coap_put_opt_uint(&b, &last, TSR_COAP_ACCEPT, format);
    tsr_coap_put_payload(&b, ten_names());
    return b.err == TSR_OK ? b.len : 0;
}

/* `observe`: not a Read but an Observe. */
static size_t request(uint8_t *out, size_t cap, uint16_t format, uint32_t number, bool observe)
{
    uint8_t token[4] = { 0xde, 0xad, (uint8_t)(number >> 8), (uint8_t)number };
    uint8_t accept[2] = { (uint8_t)(format >> 8), (uint8_t)format };
    tsr_buf b = tsr_buf_over(out, cap);
    uint16_t last = 0;

    tsr_coap_put_header(&b, TSR_COAP_CON, TSR_COAP_GET, (uint16_t)number, tsr_view(token, 4));
    if (observe)
        tsr_coap_put_opt_uint(&b, &last, TSR_COAP_OBSERVE, 0);
    tsr_coap_put_opt(&b, &last, TSR_COAP_URI_PATH, tsr_view("3", 1));
    tsr_coap_put_opt(&b, &last, TSR_COAP_URI_PATH, tsr_view("0", 1));
    tsr_coap_put_opt(&b, &last, TSR_COAP_ACCEPT,
                     tsr_view(accept + (format < 256), format < 256 ? 1 : 2));
    return b.err == TSR_OK ? b.len : 0;
}

/* One answer; its length, or 0. */
static size_t answered(tsr_bytes in, unsigned number, uint64_t now_ms, tsr_coap_msg *msg)
{
    static uint8_t out[1400];
    size_t len = serve(in, out, sizeof out, now_ms);

    drop_events();
    if (tsr_coap_msg_parse(tsr_view(out, len), msg) != TSR_OK || msg->code != TSR_COAP_CONTENT ||
        msg->mid != number) {
        (void)fprintf(stderr, "answer %u: code %u.%02u\n", number, msg->code >> 5, msg->code & 31u);
        return 0;
    }
    return len;
}

/* One notification, NON as they mostly are; its length, or 0. */
static size_t notified(unsigned number, uint64_t now_ms, tsr_coap_msg *msg)
{
    static uint8_t out[1400];
    size_t len;

    device.battery_percent = (int16_t)(number % 90 + 10);
    len = notify(out, sizeof out, now_ms);
    drop_events();
    if (tsr_coap_msg_parse(tsr_view(out, len), msg) == TSR_OK && msg->observe.set)
        return len;
    (void)fprintf(stderr, "notification %u does not come\n", number);
    return 0;
}

static size_t once(const char *what, uint16_t format, unsigned i, tsr_coap_msg *msg)
{
    uint8_t in[320];
    uint64_t now_ms = 2000 + i * 50u;

    if (strcmp(what, "register") == 0)
        return start() == TSR_OK ? register_it(now_ms, msg) : 0;
    if (strcmp(what, "notify") == 0 && i > 1)
        return notified(i, now_ms, msg);
    if (strcmp(what, "composite") == 0)
        return answered(tsr_view(in, fetch(in, sizeof in, format, i)), i, now_ms, msg);
    return answered(tsr_view(in, request(in, sizeof in, format, i, *what == 'n')), i, now_ms, msg);
}

int main(int argc, char **argv)
{
    uint16_t format = argc >= 3 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
    unsigned n = argc >= 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    const char *what = argc == 4 ? argv[3] : "read";
    size_t len = 0;
    tsr_coap_msg msg = { 0 };

    if (n == 0)
        return 2;
    if (start() != TSR_OK || register_it(1000, &msg) == 0) {
        (void)fputs("the client does not register\n", stderr);
        return 1;
    }
    for (unsigned i = 1; i <= n; i++)
        if ((len = once(what, format, i, &msg)) == 0)
            return 1;
    (void)printf("datagram=%zu payload=%zu\n", len, msg.payload.len);
    return 0;
}
