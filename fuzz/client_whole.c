/* SPDX-License-Identifier: Apache-2.0
 *
 * A device with all of its objects and two servers, one over UDP (under OSCORE, when the first byte
 * is odd) and one over TCP, with Access Control between them. The input goes on with steps: kind
 * and server, length, bytes.
 *
 *   0  bytes as they are            4  what the host does: measures, logs, gets a new address
 *   1  a request around them         5  the connection breaks, takes nothing, or takes again
 *      (method, path, format,        6  it stops, with a good-bye or without, and starts from what
 *      query), protected if need be     it saved last
 *   2  an answer to what it asked    7  these bytes as a part of a package, with Block1
 *   3  time goes on by length squared milliseconds */
#include "fuzz/keys.h"
#include "tessera/coap/frame.h"
#include "tessera/lwm2m/client/oscore_layer.h"
#include "tessera/lwm2m/client/stream.h"
#include "tessera/lwm2m/client/tcp_channel.h"
#include "tessera/lwm2m/objects/access.h"
#include "tessera/lwm2m/objects/app_data.h"
#include "tessera/lwm2m/objects/connectivity.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/event_log.h"
#include "tessera/lwm2m/objects/firmware.h"
#include "tessera/lwm2m/objects/light.h"
#include "tessera/lwm2m/objects/location.h"
#include "tessera/lwm2m/objects/portfolio.h"
#include "tessera/lwm2m/objects/sensor.h"
#include "tessera/lwm2m/objects/software.h"
#include "tessera/oscore/datagram.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UDP, TCP, SERVERS, OBJECTS = 16, MEMORY = 60000, DATAGRAM = 1600, ITEMS = 24 };

typedef struct {
    uint8_t code, token[8], token_len;
    uint16_t mid;
    bool asked; /* by the client, and not answered */
} last_request;

static struct {
    tsr_lwm2m_client client;
    tsr_lwm2m_account accounts[SERVERS];
    tsr_lwm2m_observation observations[4];
    tsr_lwm2m_attachment attachments[4];
    tsr_lwm2m_composite_path paths[6];
    tsr_lwm2m_outbox outbox;
    tsr_lwm2m_sending sendings[SERVERS];
    uint8_t outbox_memory[256], body[2048], datagram[DATAGRAM], state[8192], saved[8192];
    size_t saved_len;
    uint64_t memory[MEMORY / 8], stream_memory[MEMORY / 8], guard_memory[MEMORY / 8];
    tsr_coap_config coap;
    tsr_lwm2m_tcp tcp;
    tsr_coap_streams streams;
    uint8_t tcp_in[2048];
    bool linked;
    tsr_coap_deframer deframer;
    uint8_t deframed[4096];

    bool oscore;
    tsr_lwm2m_oscore keys;
    tsr_lwm2m_oscore_account protected[SERVERS];
    tsr_lwm2m_oscore_layer layer;
    uint8_t kept[TSR_OSCORE_STATE_MAX];
    size_t kept_len;
    tsr_oscore far;
    tsr_oscore_exchange asked_by_it; /* its last request, for the answer */

    tsr_lwm2m_servers servers;
    tsr_lwm2m_server server[SERVERS];
    tsr_lwm2m_accesses accesses;
    tsr_lwm2m_access access[ITEMS];
    tsr_lwm2m_device device;
    tsr_lwm2m_monitoring monitoring;
    tsr_lwm2m_firmware firmware;
    tsr_lwm2m_location location;
    tsr_lwm2m_statistics statistics;
    tsr_lwm2m_softwares softwares;
    tsr_lwm2m_software software[2];
    tsr_lwm2m_portfolios portfolios;
    tsr_lwm2m_portfolio portfolio[2];
    tsr_lwm2m_app_datas app_datas;
    tsr_lwm2m_app_data app_data[2];
    tsr_lwm2m_logs logs;
    tsr_lwm2m_log log[2];
    uint8_t log_memory[2][256];
    tsr_lwm2m_sensors sensors;
    tsr_lwm2m_sensor sensor[2];
    tsr_lwm2m_lights lights;
    tsr_lwm2m_light light[1];
    tsr_lwm2m_object objects[OBJECTS];
    tsr_lwm2m_registry registry;
    tsr_lwm2m_stream push[2];
    last_request last[SERVERS];
    uint64_t now_ms;
    uint16_t mid;
} f;

static uint32_t secret;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    secret = fuzz_key(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_HKDF(PSA_ALG_SHA_256),
                      tsr_text("0123456789abcdef"));
    return 0;
}

/* ---- what the host has ---- */

static tsr_err save(void *user, tsr_bytes state)
{
    (void)user;
    must(state.len <= sizeof f.saved);
    memcpy(f.saved, state.ptr, state.len);
    f.saved_len = state.len;
    return f.now_ms % 17 == 3 ? TSR_E_IO : TSR_OK;
}

static tsr_err load_oscore(void *user, tsr_buf *state)
{
    (void)user;
    if (f.kept_len == 0)
        return TSR_E_NOT_FOUND;
    tsr_put_bytes(state, tsr_view(f.kept, f.kept_len));
    return TSR_OK;
}

static tsr_err save_oscore(void *user, tsr_bytes state)
{
    (void)user;
    must(state.len <= sizeof f.kept);
    memcpy(f.kept, state.ptr, state.len);
    f.kept_len = state.len;
    return TSR_OK;
}

static tsr_lwm2m_firmware_result fw_begin(void *user)
{
    (void)user;
    return TSR_LWM2M_FIRMWARE_INITIAL;
}

static tsr_lwm2m_firmware_result fw_write(void *user, uint32_t offset, tsr_bytes part)
{
    (void)user;
    return offset + part.len > 3000 ? TSR_LWM2M_FIRMWARE_NO_FLASH : TSR_LWM2M_FIRMWARE_INITIAL;
}

static void fw_abort(void *user) { (void)user; }

static tsr_lwm2m_software_result sw_begin(void *user, tsr_lwm2m_software *s)
{
    (void)user, (void)s;
    return TSR_LWM2M_SOFTWARE_NONE;
}

static tsr_lwm2m_software_result sw_write(void *user, tsr_lwm2m_software *s, uint32_t offset,
                                          tsr_bytes part)
{
    (void)user, (void)s;
    return offset + part.len > 3000 ? TSR_LWM2M_SOFTWARE_NO_STORAGE : TSR_LWM2M_SOFTWARE_NONE;
}

static void sw_end(void *user, tsr_lwm2m_software *s) { (void)user, (void)s; }

static tsr_err sw_activate(void *user, tsr_lwm2m_software *s)
{
    (void)user, (void)s;
    return TSR_OK;
}

static tsr_err push_firmware(void *user, uint32_t source, uint32_t offset, tsr_bytes part,
                             bool last, uint64_t now_ms)
{
    (void)user;
    return tsr_lwm2m_firmware_push(&f.firmware, source, offset, part, last, now_ms);
}

static tsr_err push_software(void *user, uint32_t source, uint32_t offset, tsr_bytes part,
                             bool last, uint64_t now_ms)
{
    tsr_lwm2m_software *s = tsr_lwm2m_software_find(&f.softwares, 0);

    (void)user;
    return s == NULL ? TSR_E_DENIED
                     : tsr_lwm2m_software_push(&f.softwares, s, source, offset, part, last, now_ms);
}

static void make_storage(void)
{
    static const tsr_lwm2m_firmware_backend fw = { fw_begin, fw_write, fw_begin, fw_abort };
    static const tsr_lwm2m_software_backend sw = { sw_begin, sw_write, sw_begin,    sw_end,
                                                   sw_begin, sw_begin, sw_activate, sw_end };

    tsr_lwm2m_firmware_init(&f.firmware, &fw, NULL);
    f.firmware.protocols = 1;
    f.softwares = (tsr_lwm2m_softwares){
        .items = f.software, .count = 2, .backend = &sw, .protocols = 1, .push_wait_ms = 5000
    };
    must(tsr_lwm2m_software_add(&f.softwares, 0) != NULL);
    for (size_t i = 0; i < 2; i++)
        f.log[i] = (tsr_lwm2m_log){ .id = (uint16_t)i,
                                    .used = i == 0,
                                    .running = true,
                                    .data = f.log_memory[i],
                                    .cap = sizeof f.log_memory[i] };
    f.logs = (tsr_lwm2m_logs){ .items = f.log, .count = 2 };
    f.app_datas = (tsr_lwm2m_app_datas){ f.app_data, 2 };
}

static void make_objects(void)
{
    size_t n = 0;

    for (uint16_t i = 0; i < SERVERS; i++) {
        tsr_lwm2m_server_init(&f.server[i], i, (uint16_t)(1 + i), 300);
        tsr_lwm2m_server_set(&f.server[i], TSR_LWM2M_S_MUTE_SEND, 0);
    }
    memcpy(f.server[TCP].binding, "T", 2);
    f.servers = (tsr_lwm2m_servers){ f.server, SERVERS };
    tsr_lwm2m_device_init(&f.device);
    f.device.power_count = 2;
    f.monitoring.address_count = 1;
    f.location = (tsr_lwm2m_location){ .known = true, .latitude = 48.2, .longitude = 16.4 };
    make_storage();
    f.portfolios = (tsr_lwm2m_portfolios){ f.portfolio, 2 };
    f.sensors = (tsr_lwm2m_sensors){ f.sensor, 2 };
    (void)tsr_lwm2m_sensor_measure(&f.sensor[0], 21.5, 1);
    f.lights = (tsr_lwm2m_lights){ f.light, 1 };
    f.accesses = (tsr_lwm2m_accesses){ .items = f.access, .count = ITEMS };
    f.objects[n++] = tsr_lwm2m_server_object(&f.servers);
    f.objects[n++] = tsr_lwm2m_access_object(&f.accesses);
    f.objects[n++] = tsr_lwm2m_device_object(&f.device);
    f.objects[n++] = tsr_lwm2m_monitoring_object(&f.monitoring);
    f.objects[n++] = tsr_lwm2m_firmware_object(&f.firmware);
    f.objects[n++] = tsr_lwm2m_location_object(&f.location);
    f.objects[n++] = tsr_lwm2m_statistics_object(&f.statistics);
    f.objects[n++] = tsr_lwm2m_software_object(&f.softwares);
    f.objects[n++] = tsr_lwm2m_portfolio_object(&f.portfolios);
    f.objects[n++] = tsr_lwm2m_app_data_object(&f.app_datas);
    f.objects[n++] = tsr_lwm2m_event_log_object(&f.logs);
    f.objects[n++] = tsr_lwm2m_temperature_object(&f.sensors);
    f.objects[n++] = tsr_lwm2m_light_object(&f.lights);
    must(n <= OBJECTS);
    f.registry = (tsr_lwm2m_registry){ f.objects, n };
}

static void furnish_access(void)
{
    static const tsr_lwm2m_acl acl[] = { { 1, TSR_LWM2M_MAY_ALL }, { 2, TSR_LWM2M_MAY_READ } };

    must(tsr_lwm2m_access_furnish(&f.accesses, &f.registry, &f.servers, 1, acl, 2) == TSR_OK);
}

static void attach_tcp(void)
{
    const tsr_coap_stream_config config = { .exchanges = 4,
                                            .exchange_len = 512,
                                            .bodies = 1,
                                            .body_len = 2048,
                                            .message_len = 2304,
                                            .out_len = 4096,
                                            .seed = 5,
                                            .response_wait_ms = 20000 };

    must(tsr_coap_stream_memory(&config) <= sizeof f.stream_memory);
    f.tcp = (tsr_lwm2m_tcp){ .in = f.tcp_in, .in_cap = sizeof f.tcp_in };
    f.streams = (tsr_coap_streams){ 0 };
    f.linked = false;
    must(tsr_lwm2m_tcp_init(&f.tcp, &f.client, TCP, &config, f.stream_memory,
                            sizeof f.stream_memory) == TSR_OK);
    must(tsr_lwm2m_tcp_use(&f.client, &f.streams) == TSR_OK);
}

static void attach_oscore(void)
{
    f.keys = (tsr_lwm2m_oscore){ .used = true,
                                 .fixed = true,
                                 .sender_id = "d",
                                 .sender_id_len = 1,
                                 .recipient_id = "s",
                                 .recipient_id_len = 1,
                                 .key_id = secret,
                                 .version = 1 };
    f.layer = (tsr_lwm2m_oscore_layer){ .client = &f.client, .accounts = f.protected };
    memset(f.protected, 0, sizeof f.protected);
    f.protected[UDP].keys = &f.keys;
    f.protected[UDP].store = (tsr_lwm2m_oscore_store){ NULL, load_oscore, save_oscore };
    must(tsr_lwm2m_oscore_memory(&f.client, DATAGRAM) <= sizeof f.guard_memory);
    must(tsr_lwm2m_oscore_attach(&f.layer, NULL, DATAGRAM, f.guard_memory, sizeof f.guard_memory) ==
         TSR_OK);
}

static void start(void)
{
    tsr_lwm2m_client_config c = {
        .endpoint = "fuzz",
        .registry = &f.registry,
        .servers = &f.servers,
        .accounts = f.accounts,
        .account_count = SERVERS,
        .observations = f.observations,
        .observation_count = 4,
        .attachments = f.attachments,
        .attachment_count = 4,
        .paths = f.paths,
        .path_count = 6,
        .outbox = &f.outbox,
        .accesses = &f.accesses,
        .body = f.body,
        .body_len = sizeof f.body,
        .state = f.state,
        .state_len = sizeof f.state,
        .datagram = f.datagram,
        .datagram_len = sizeof f.datagram,
        .coap = &f.coap,
        .coap_memory = f.memory,
        .coap_memory_len = sizeof f.memory,
        .version_minor = 2,
        .hooks = { NULL, save },
    };

    f.coap = (tsr_coap_config){ .peers = SERVERS,
                                .exchanges = 6,
                                .exchange_len = 512,
                                .bodies = 2,
                                .body_len = 2048,
                                .seen = 8,
                                .log_len = 4096,
                                .seed = 1,
                                .params = tsr_coap_params_default() };
    memset(f.accounts, 0, sizeof f.accounts);
    memset(f.observations, 0, sizeof f.observations);
    memset(f.attachments, 0, sizeof f.attachments);
    memset(f.paths, 0, sizeof f.paths);
    memset(f.sendings, 0, sizeof f.sendings);
    memset(f.last, 0, sizeof f.last);
    for (uint16_t i = 0; i < SERVERS; i++)
        f.accounts[i].short_id = (uint16_t)(1 + i);
    f.accounts[TCP].channel = &tsr_lwm2m_tcp_channel;
    f.accounts[TCP].channel_state = &f.tcp;
    f.outbox = (tsr_lwm2m_outbox){ .memory = f.outbox_memory,
                                   .memory_len = sizeof f.outbox_memory,
                                   .sendings = f.sendings };
    must(tsr_lwm2m_client_init(&f.client, &c) == TSR_OK);
    attach_tcp();
    if (f.oscore)
        attach_oscore();
    f.push[0] = (tsr_lwm2m_stream){ .at = { 5, 0, 0, 0, 3 }, .part = push_firmware };
    f.push[1] = (tsr_lwm2m_stream){ .at = { 9, 0, 2, 0, 3 }, .part = push_software };
    for (size_t i = 0; i < 2; i++)
        tsr_lwm2m_client_stream(&f.client, &f.push[i]);
}

static void begin(bool oscore)
{
    const tsr_oscore_params p = { .master_secret = secret,
                                  .sender_id = tsr_text("s"),
                                  .recipient_id = tsr_text("d") };

    memset(&f, 0, sizeof f);
    f.now_ms = 1000;
    f.oscore = oscore;
    if (oscore)
        must(tsr_oscore_init(&f.far, &p, tsr_view(NULL, 0)) == TSR_OK);
    make_objects();
    furnish_access();
    start();
}

static void end(void)
{
    tsr_lwm2m_tcp_drop(&f.tcp);
    if (!f.oscore)
        return;
    tsr_lwm2m_oscore_park(&f.layer);
    tsr_oscore_free(&f.far);
}

/* ---- what it sends ---- */

static void note(size_t server, uint8_t code, uint16_t mid, tsr_bytes token)
{
    last_request *l = &f.last[server];

    if (!tsr_coap_is_request(code))
        return;
    must(token.len <= sizeof l->token);
    *l = (last_request){ .code = code, .mid = mid, .token_len = (uint8_t)token.len, .asked = true };
    if (token.len != 0)
        memcpy(l->token, token.ptr, token.len);
}

static void take_datagram(tsr_bytes in)
{
    uint8_t room[DATAGRAM];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_msg msg;

    must(tsr_coap_msg_parse(in, &msg) ==
         TSR_OK); /* the client must not send what cannot be parsed */
    if (f.oscore && tsr_coap_is_request(msg.code)) {
        /* what it asks is protected, and meant for us: but a context that was lost starts anew */
        if (tsr_oscore_unprotect_request_datagram(&f.far, &f.asked_by_it, in, &out) != TSR_OK)
            return;
        must(tsr_coap_msg_parse(tsr_buf_view(&out), &msg) == TSR_OK);
    }
    note(UDP, msg.code, msg.mid, msg.token);
}

static void take_stream(tsr_bytes in)
{
    tsr_coap_frame frame;
    tsr_err err;

    while ((err = tsr_coap_deframe(&f.deframer, &in, &frame)) == TSR_OK)
        note(TCP, frame.code, 0, frame.token);
    must(err == TSR_END);
}

static void look(void)
{
    tsr_lwm2m_client_event event;
    uint16_t instance;

    while (tsr_lwm2m_client_event_next(&f.client, &event))
        must(event.account < SERVERS);
    while (tsr_lwm2m_logs_changed(&f.logs, &instance))
        tsr_lwm2m_client_changed(&f.client, tsr_lwm2m_at_instance(20, instance));
    tsr_lwm2m_firmware_step(&f.firmware, f.now_ms);
    for (size_t i = 0; i < 2; i++)
        if (f.software[i].used)
            tsr_lwm2m_software_step(&f.softwares, &f.software[i], f.now_ms);
    (void)tsr_lwm2m_client_due_ms(&f.client);
}

static void tend_link(void)
{
    if (f.linked && !tsr_lwm2m_tcp_holds(&f.tcp))
        f.linked = false;
    if (!tsr_lwm2m_tcp_wants(&f.tcp, f.now_ms))
        return;
    f.linked = true;
    must(tsr_coap_deframer_init(&f.deframer, f.deframed, sizeof f.deframed) == TSR_OK);
    tsr_lwm2m_tcp_connected(&f.tcp, f.now_ms);
}

static void drive(void)
{
    uint8_t room[2048];
    size_t account;

    tend_link();
    for (int n = 0; n < 200; n++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_lwm2m_client_poll(&f.client, &account, &out, f.now_ms) != TSR_OK)
            break;
        if (account == TCP)
            take_stream(tsr_buf_view(&out));
        else
            take_datagram(tsr_buf_view(&out));
    }
    look();
    tend_link();
}

/* ---- what it gets ---- */

static void feed(size_t server, tsr_bytes bytes)
{
    uint8_t *copy;

    if (server == TCP)
        bytes = tsr_first(bytes, f.linked ? tsr_lwm2m_tcp_room(&f.tcp) : 0);
    if (server == TCP && bytes.len == 0)
        return;
    copy = malloc(bytes.len + 1); /* so that a read beyond the end is seen */
    must(copy != NULL);
    if (bytes.len != 0)
        memcpy(copy, bytes.ptr, bytes.len);
    (void)tsr_lwm2m_client_feed(&f.client, server, tsr_view(copy, bytes.len), f.now_ms);
    free(copy);
    drive();
}

/* As the server's way has it: protected, or in a frame. */
static void send(size_t server, tsr_buf *message, bool is_answer)
{
    uint8_t room[DATAGRAM + 256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_oscore_exchange x = { 0 };
    size_t token_len = message->ptr[0] & 15u, at;
    tsr_err err = TSR_OK;

    if (server == TCP) {
        at = tsr_coap_frame_begin(&out, message->ptr[1], tsr_view(message->ptr + 4, token_len));
        tsr_put_bytes(&out, tsr_skip(tsr_buf_view(message), 4 + token_len));
        tsr_coap_frame_end(&out, at, tsr_view(NULL, 0));
        feed(TCP, tsr_buf_view(&out));
        return;
    }
    if (!f.oscore) {
        feed(UDP, tsr_buf_view(message));
        return;
    }
    err = is_answer ? tsr_oscore_protect_response_datagram(&f.far, &f.asked_by_it, message, &out)
                    : tsr_oscore_protect_request_datagram(&f.far, &x, message, &out);
    if (err == TSR_OK)
        feed(UDP, tsr_buf_view(&out));
}

static const uint16_t formats[] = { 0, 42, 60, 110, 112, 11542, 11544, 40, 320, 322 };
static const uint16_t objects[] = { 1, 2, 3, 4, 5, 6, 7, 9, 16, 19, 20, 3303, 3311, 0, 21, 65535 };

static void request(size_t server, tsr_bytes in)
{
    uint8_t room[1400], what = take(&in), path = take(&in), where = take(&in), format = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0, numbers[] = { objects[path & 15], where & 3, where >> 2, take(&in) & 3 };

    if (numbers[2] == 63)
        numbers[2] = 5700;
    tsr_coap_put_header(&out, what & 0x20 ? TSR_COAP_NON : TSR_COAP_CON, (uint8_t)(1 + what % 7),
                        ++f.mid, tsr_view("t", 1));
    if (what & 0x40)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, what >> 7);
    for (uint8_t i = 0; i < (path >> 4) % 5; i++) {
        char text[8];
        tsr_buf number = tsr_buf_over(text, sizeof text);

        tsr_put_dec(&number, numbers[i]);
        tsr_coap_put_opt(&out, &last, TSR_COAP_URI_PATH, tsr_buf_view(&number));
    }
    if (format & 0x10)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, formats[(format & 15) % 10]);
    if (format & 0x20)
        tsr_coap_put_opt(&out, &last, TSR_COAP_URI_QUERY, take_some(&in, take(&in) & 31));
    if (format & 0x40)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_ACCEPT, formats[(format & 15) % 10]);
    if (format & 0x80)
        tsr_coap_put_opt_uint(&out, &last, TSR_COAP_BLOCK2, take(&in));
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        send(server, &out, false);
}

static void answer(size_t server, tsr_bytes in)
{
    last_request *l = &f.last[server];
    uint8_t room[512], code = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    if (!l->asked)
        return;
    l->asked = false;
    tsr_coap_put_header(&out, TSR_COAP_ACK, code < 0x40 ? code & 1 ? 0x44 : 0x41 : code, l->mid,
                        tsr_view(l->token, l->token_len));
    if (code < 0x40)
        tsr_coap_put_opt_text(&out, &last, TSR_COAP_LOCATION_PATH, "/rd/1", '/');
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        send(server, &out, true);
}

static void push(size_t server, tsr_bytes in)
{
    uint8_t room[1400], number = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    tsr_coap_put_header(&out, TSR_COAP_CON, TSR_COAP_PUT, ++f.mid, tsr_view("b", 1));
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, number & 1 ? "/9/0/2" : "/5/0/0", '/');
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, 42);
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_BLOCK1,
                          (uint32_t)(number >> 4) << 4 | (number & 8) | (number >> 1 & 3));
    tsr_coap_put_payload(&out, in);
    if (out.err == TSR_OK)
        send(server, &out, false);
}

static void host(size_t server, tsr_bytes in)
{
    static const tsr_lwm2m_path values[] = { { 3, 0, 9, 0, 3 },
                                             { 3303, 0, 5700, 0, 3 },
                                             { 20, 0, 0, 0, 2 } };
    uint8_t what = take(&in);

    switch (what & 7) {
    case 0: tsr_lwm2m_logs_add(&f.logs, what >> 4, in); break;
    case 1:
        (void)tsr_lwm2m_sensor_measure(&f.sensor[0], (double)(int8_t)take(&in) / 4, 1);
        tsr_lwm2m_client_changed(&f.client, tsr_lwm2m_at_instance(3303, 0));
        break;
    case 2: (void)tsr_lwm2m_send(&f.client, server, values, 3, (what & 8) != 0, f.now_ms); break;
    case 3: tsr_lwm2m_client_moved(&f.client, UDP, f.now_ms); break;
    case 4: tsr_lwm2m_client_update(&f.client, server); break;
    case 5: tsr_lwm2m_client_relink(&f.client); break;
    case 6: (void)tsr_lwm2m_client_save(&f.client); break;
    default: tsr_lwm2m_firmware_done(&f.firmware, (tsr_lwm2m_firmware_result)(1 + (what >> 4) % 8));
    }
    drive();
}

static void break_link(uint8_t how)
{
    if (how & 4)
        tsr_lwm2m_tcp_full(&f.tcp, how & 1);
    else if (f.linked) {
        f.linked = false;
        tsr_lwm2m_tcp_broken(&f.tcp, how & 1 ? "reset" : NULL, how & 2);
    }
    drive();
}

static void restart(uint8_t how)
{
    if (how & 1) {
        tsr_lwm2m_client_stop(&f.client, how & 2, f.now_ms);
        drive();
    }
    tsr_lwm2m_tcp_drop(&f.tcp);
    if (f.oscore)
        tsr_lwm2m_oscore_park(&f.layer);
    start();
    if (f.saved_len != 0 && (how & 4) == 0)
        must(tsr_lwm2m_client_restore(&f.client, tsr_view(f.saved, f.saved_len)) == TSR_OK);
    drive();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size), step;
    uint8_t kind, len;

    begin(take(&in) & 1);
    drive();
    while (tsr_get_u8(&in, &kind) == TSR_OK && tsr_get_u8(&in, &len) == TSR_OK) {
        size_t server = kind >> 3 & 1;

        step = take_some(&in, len);
        f.now_ms++;
        f.logs.now_s = f.now_ms / 1000;
        switch (kind & 7) {
        case 0: feed(server, step); break;
        case 1: request(server, step); break;
        case 2: answer(server, step); break;
        case 3:
            f.now_ms += (uint64_t)len * len;
            drive();
            break;
        case 4: host(server, step); break;
        case 5: break_link(len); break;
        case 6: restart(len); break;
        default: push(server, step); break;
        }
    }
    end();
    return 0;
}
