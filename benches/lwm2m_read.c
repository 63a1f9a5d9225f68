/* SPDX-License-Identifier: Apache-2.0
 *
 * lwm2m_read FORMAT N [composite]: a registered client answers N confirmable GETs of /3/0 with Accept
 * FORMAT, one after the other; or FETCHes of ten resources of /1/0 and /3/0. serve_once is the whole of it: datagram in, answer out. For callgrind;
 * prints values=... datagram=... */
#include <stdio.h>
#include <stdlib.h>

#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/server.h"

size_t serve_once(tsr_bytes datagram, uint8_t *answer, size_t cap, uint64_t now_ms);

static size_t (*volatile serve)(tsr_bytes, uint8_t *, size_t, uint64_t) = serve_once;

static tsr_lwm2m_server server[1];
static tsr_lwm2m_servers servers = { server, 1 };
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
    account.short_id = 1;
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

/* Answers the Register as a server does. */
static bool register_it(uint64_t now_ms)
{
    uint8_t out[1400], in[64];
    tsr_buf datagram = tsr_buf_over(out, sizeof out), reply = tsr_buf_over(in, sizeof in);
    tsr_coap_msg msg;
    uint16_t last = 0;
    size_t to;

    if (tsr_lwm2m_client_poll(&client, &to, &datagram, now_ms) != TSR_OK ||
        tsr_coap_msg_parse(tsr_buf_view(&datagram), &msg) != TSR_OK)
        return false;
    tsr_coap_put_header(&reply, TSR_COAP_ACK, TSR_COAP_CREATED, msg.mid, msg.token);
    tsr_coap_put_opt(&reply, &last, TSR_COAP_LOCATION_PATH, tsr_view("rd", 2));
    tsr_coap_put_opt(&reply, &last, TSR_COAP_LOCATION_PATH, tsr_view("1", 1));
    (void)tsr_lwm2m_client_feed(&client, 0, tsr_buf_view(&reply), now_ms + 10);
    drop_events();
    datagram = tsr_buf_over(out, sizeof out);
    while (tsr_lwm2m_client_poll(&client, &to, &datagram, now_ms + 20) == TSR_OK)
        datagram = tsr_buf_over(out, sizeof out);
    drop_events();
    return account.standing == TSR_LWM2M_REGISTERED;
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

static size_t request(uint8_t *out, size_t cap, uint16_t format, uint32_t number)
{
    uint8_t token[4] = { 0xde, 0xad, (uint8_t)(number >> 8), (uint8_t)number };
    uint8_t accept[2] = { (uint8_t)(format >> 8), (uint8_t)format };
    tsr_buf b = tsr_buf_over(out, cap);
    uint16_t last = 0;

    tsr_coap_put_header(&b, TSR_COAP_CON, TSR_COAP_GET, (uint16_t)number, tsr_view(token, 4));
    tsr_coap_put_opt(&b, &last, TSR_COAP_URI_PATH, tsr_view("3", 1));
    tsr_coap_put_opt(&b, &last, TSR_COAP_URI_PATH, tsr_view("0", 1));
    tsr_coap_put_opt(&b, &last, TSR_COAP_ACCEPT,
                     tsr_view(accept + (format < 256), format < 256 ? 1 : 2));
    return b.err == TSR_OK ? b.len : 0;
}

int main(int argc, char **argv)
{
    uint16_t format = argc >= 3 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
    unsigned n = argc >= 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    bool composite = argc == 4 && strcmp(argv[3], "composite") == 0;
    uint8_t in[320], out[1400];
    size_t len = 0;
    tsr_coap_msg msg = { 0 };

    if (n == 0)
        return 2;
    if (start() != TSR_OK || !register_it(1000)) {
        (void)fputs("the client does not register\n", stderr);
        return 1;
    }
    for (unsigned i = 0; i < n; i++) {
        size_t in_len = composite ? fetch(in, sizeof in, format, i + 1)
                                  : request(in, sizeof in, format, i + 1);

        len = serve(tsr_view(in, in_len), out, sizeof out, 2000 + i * 50u);
        if (tsr_coap_msg_parse(tsr_view(out, len), &msg) != TSR_OK ||
            msg.code != TSR_COAP_CONTENT || msg.mid != i + 1) {
            (void)fprintf(stderr, "answer %u: code %u.%02u\n", i, msg.code >> 5, msg.code & 31u);
            return 1;
        }
        drop_events();
    }
    (void)printf("datagram=%zu payload=%zu\n", len, msg.payload.len);
    return 0;
}
