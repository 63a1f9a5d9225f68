/* SPDX-License-Identifier: Apache-2.0
 *
 * A registered client with real objects takes any datagrams, any time between them, and any saved
 * state. The input is a list of steps: kind, length, bytes.
 *
 *   0  a datagram as it is          2  time goes on by length squared milliseconds
 *   1  a request around these bytes 3  restart from the state saved last
 *      (method, path, format first) 4  restart from these bytes as the state
 *   5  Send of the path in here      6  these bytes are what was kept of the outbox
 */
#include <stdlib.h>

#include "tessera/lwm2m/client/client.h"
#include "tessera/lwm2m/objects/connectivity.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/light.h"
#include "tessera/lwm2m/objects/portfolio.h"
#include "tessera/lwm2m/objects/sensor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    tsr_lwm2m_client client;
    tsr_lwm2m_account account;
    tsr_lwm2m_observation observations[3];
    tsr_lwm2m_attachment attachments[3];
    tsr_lwm2m_composite_path paths[6];
    tsr_lwm2m_outbox outbox;
    tsr_lwm2m_sending sending;
    uint8_t outbox_memory[256];
    tsr_lwm2m_history history;
    uint8_t history_memory[256];
    uint8_t body[1024], state[2048], saved[2048];
    size_t saved_len;
    uint64_t coap_memory[4096];
    tsr_lwm2m_servers servers;
    tsr_lwm2m_server server;
    tsr_lwm2m_device device;
    tsr_lwm2m_monitoring monitoring;
    tsr_lwm2m_statistics statistics;
    tsr_lwm2m_portfolios portfolios;
    tsr_lwm2m_portfolio portfolio[2];
    tsr_lwm2m_sensors sensors;
    tsr_lwm2m_sensor sensor;
    tsr_lwm2m_lights lights;
    tsr_lwm2m_light light;
    tsr_lwm2m_object objects[7];
    tsr_lwm2m_registry registry;
    uint64_t now_ms;
    uint16_t mid;
} f;

static tsr_err save(void *user, tsr_bytes state)
{
    (void)user;
    if (state.len > sizeof f.saved)
        abort();
    memcpy(f.saved, state.ptr, state.len);
    f.saved_len = state.len;
    return f.now_ms % 17 == 3 ? TSR_E_IO : TSR_OK;
}

static void make_objects(void)
{
    tsr_lwm2m_server_init(&f.server, 0, 1, 300);
    f.servers = (tsr_lwm2m_servers){ .items = &f.server, .count = 1 };
    tsr_lwm2m_device_init(&f.device);
    memcpy(f.device.manufacturer, "Maker", 6);
    f.device.power_count = 2;
    f.device.battery_percent = 50;
    f.monitoring.address_count = 1;
    f.portfolios = (tsr_lwm2m_portfolios){ f.portfolio, 2 };
    f.sensors = (tsr_lwm2m_sensors){ &f.sensor, 1 };
    (void)tsr_lwm2m_sensor_measure(&f.sensor, 21.5, 1);
    f.lights = (tsr_lwm2m_lights){ &f.light, 1 };
    f.objects[0] = tsr_lwm2m_server_object(&f.servers);
    f.objects[1] = tsr_lwm2m_device_object(&f.device);
    f.objects[2] = tsr_lwm2m_monitoring_object(&f.monitoring);
    f.objects[3] = tsr_lwm2m_statistics_object(&f.statistics);
    f.objects[4] = tsr_lwm2m_portfolio_object(&f.portfolios);
    f.objects[5] = tsr_lwm2m_generic_sensor_object(&f.sensors);
    f.objects[6] = tsr_lwm2m_light_object(&f.lights);
    f.registry = (tsr_lwm2m_registry){ f.objects, 7 };
}

static void start(void)
{
    static tsr_coap_config coap;
    tsr_lwm2m_client_config c = {
        .endpoint = "fuzz", .registry = &f.registry, .servers = &f.servers,
        .accounts = &f.account, .account_count = 1,
        .observations = f.observations, .observation_count = 3,
        .attachments = f.attachments, .attachment_count = 3, .paths = f.paths, .path_count = 6,
        .outbox = &f.outbox, .history = &f.history,
        .body = f.body, .body_len = sizeof f.body, .state = f.state, .state_len = sizeof f.state,
        .coap = &coap, .coap_memory = f.coap_memory, .coap_memory_len = sizeof f.coap_memory,
        .version_minor = 2, .hooks = { NULL, save },
    };

    coap = (tsr_coap_config){ .peers = 1, .exchanges = 4, .exchange_len = 512, .bodies = 1,
                              .body_len = 1024, .seen = 8, .log_len = 2048, .seed = 1,
                              .params = tsr_coap_params_default() };
    f.account = (tsr_lwm2m_account){ .short_id = 1 };
    memset(f.observations, 0, sizeof f.observations);
    memset(f.attachments, 0, sizeof f.attachments);
    memset(f.paths, 0, sizeof f.paths);
    memset(&f.sending, 0, sizeof f.sending);
    f.outbox = (tsr_lwm2m_outbox){ .memory = f.outbox_memory, .memory_len = sizeof f.outbox_memory,
                                   .sendings = &f.sending };
    f.history = (tsr_lwm2m_history){ .memory = f.history_memory, .memory_len = sizeof f.history_memory };
    if (tsr_coap_memory(&coap) > sizeof f.coap_memory ||
        tsr_lwm2m_client_init(&f.client, &c) != TSR_OK)
        abort();
}

/* The server of this test says yes to everything the client asks of it. */
static void agree(tsr_bytes datagram)
{
    uint8_t room[64];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;
    tsr_coap_msg msg;

    if (tsr_coap_msg_parse(datagram, &msg) != TSR_OK)
        abort(); /* the client must not send what cannot be parsed */
    if (msg.type != TSR_COAP_CON || !tsr_coap_is_request(msg.code))
        return;
    tsr_coap_put_header(&out, TSR_COAP_ACK,
                        tsr_coap_msg_path_is(&msg, 0, "/rd") ? TSR_COAP_CREATED : TSR_COAP_CHANGED,
                        msg.mid, msg.token);
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_LOCATION_PATH, "/rd/1", '/');
    (void)tsr_lwm2m_client_feed(&f.client, 0, tsr_buf_view(&out), f.now_ms);
}

static void drive(void)
{
    uint8_t room[2048];
    tsr_lwm2m_client_event event;
    size_t account;

    for (int n = 0; n < 200; n++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_lwm2m_client_poll(&f.client, &account, &out, f.now_ms) != TSR_OK)
            break;
        agree(tsr_buf_view(&out));
    }
    while (tsr_lwm2m_client_event_next(&f.client, &event)) {
    }
    (void)tsr_lwm2m_client_due_ms(&f.client);
}

static void feed(tsr_bytes datagram)
{
    uint8_t *copy = malloc(datagram.len + 1); /* so that a read beyond the end is seen */

    if (copy == NULL)
        return;
    if (datagram.len != 0)
        memcpy(copy, datagram.ptr, datagram.len);
    (void)tsr_lwm2m_client_feed(&f.client, 0, tsr_view(copy, datagram.len), f.now_ms);
    free(copy);
    drive();
}

/* A well-formed request, so that the payload is what the fuzzer works on. */
static void request(tsr_bytes in)
{
    static const uint16_t formats[] = { 0, 42, 60, 110, 112, 11542, 11544, 40, 320, 322 };
    uint8_t room[1024], what = 0, depth, format;
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0, id;

    if (tsr_get_u8(&in, &what) != TSR_OK || tsr_get_u8(&in, &depth) != TSR_OK ||
        tsr_get_u8(&in, &format) != TSR_OK)
        return;
    tsr_coap_put_header(&out, TSR_COAP_CON, (uint8_t)(1 + what % 7), ++f.mid, tsr_view("t", 1));
    if (what & 0x40)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, what >> 7);
    for (uint8_t i = 0; i < depth % 5 && tsr_get_u16(&in, &id) == TSR_OK; i++) {
        char text[8];
        tsr_buf number = tsr_buf_over(text, sizeof text);

        tsr_put_dec(&number, id);
        tsr_coap_put_opt(&out, &last, TSR_COAP_URI_PATH, tsr_buf_view(&number));
    }
    if (format & 0x10)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, formats[(format & 15) % 10]);
    if (format & 0x20) {
        tsr_bytes query = tsr_first(in, 20);

        in = tsr_skip(in, query.len);
        tsr_coap_put_opt(&out, &last, TSR_COAP_URI_QUERY, query);
    }
    if (format & 0x40)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_ACCEPT, formats[format & 7]);
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        feed(tsr_buf_view(&out));
}

/* Flags, object, instance and resource: their present values. */
static void send(tsr_bytes in)
{
    tsr_lwm2m_path at = { .depth = 3 };
    uint8_t flags = 0;

    (void)tsr_get_u8(&in, &flags);
    (void)tsr_get_u16(&in, &at.object);
    (void)tsr_get_u16(&in, &at.instance);
    (void)tsr_get_u16(&in, &at.resource);
    at.depth = flags & 3;
    tsr_lwm2m_server_set(&f.server, TSR_LWM2M_S_MUTE_SEND, 0);
    f.outbox.keep_oldest = (flags & 4) != 0;
    f.outbox.format = (flags & 8) != 0 ? TSR_LWM2M_FORMAT_SENML_JSON : TSR_LWM2M_FORMAT_SENML_CBOR;
    (void)tsr_lwm2m_send(&f.client, 0, &at, 1, (flags & 16) != 0, f.now_ms);
    drive();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size), step;
    uint8_t kind, len;

    memset(&f, 0, sizeof f);
    f.now_ms = 1000;
    make_objects();
    start();
    drive();
    while (tsr_get_u8(&in, &kind) == TSR_OK && tsr_get_u8(&in, &len) == TSR_OK) {
        step = tsr_first(in, len);
        in = tsr_skip(in, step.len);
        f.now_ms++;
        switch (kind % 7) {
        case 0: feed(step); break;
        case 1: request(step); break;
        case 2:
            f.now_ms += (uint64_t)len * len;
            f.device.battery_percent = (int8_t)(len % 101);
            tsr_lwm2m_client_changed(&f.client, tsr_lwm2m_at_instance(3, 0));
            drive();
            break;
        case 3:
            start();
            if (f.saved_len != 0 &&
                tsr_lwm2m_client_restore(&f.client, tsr_view(f.saved, f.saved_len)) != TSR_OK)
                abort(); /* what was saved can be taken back */
            drive();
            break;
        case 5: send(step); break;
        case 6:
            (void)tsr_lwm2m_outbox_restore(&f.client, step);
            if (f.outbox.used > sizeof f.outbox_memory)
                abort();
            drive();
            break;
        default:
            start();
            (void)tsr_lwm2m_client_restore(&f.client, step);
            drive();
            break;
        }
    }
    return 0;
}
