/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/client_rig.h"

fuzz_client f;
static uint32_t secret;

void rig_open(void)
{
    must(psa_crypto_init() == PSA_SUCCESS);
    secret = fuzz_key(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_HKDF(PSA_ALG_SHA_256),
                      tsr_text("0123456789abcdef"));
}

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
    if (f.now_ms % 19 == 3)
        return TSR_E_IO;
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

static bool can(void *user, uint16_t short_id, char binding)
{
    (void)user;
    return binding == 'U' || (binding == 'T' && short_id == 1);
}

static void make_objects(void)
{
    size_t n = 0;

    for (uint16_t i = 0; i < SERVERS; i++) {
        tsr_lwm2m_server_init(&f.server[i], i, (uint16_t)(1 + i), 300);
        tsr_lwm2m_server_set(&f.server[i], TSR_LWM2M_S_MUTE_SEND, 0);
    }
    memcpy(f.server[TCP].binding, "T", 2);
    f.servers = (tsr_lwm2m_servers){ .items = f.server, .count = SERVERS, .can = can };
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

void rig_start(void)
{
    tsr_lwm2m_client_config c = {
        .endpoint = "fuzz",
        .root = tsr_text("/r"), /* requests may come below it or not */
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

tsr_oscore_params rig_far_keys(void)
{
    return (tsr_oscore_params){ .master_secret = secret,
                                .sender_id = tsr_text("s"),
                                .recipient_id = tsr_text("d") };
}

void rig_begin(bool oscore)
{
    const tsr_oscore_params p = rig_far_keys();

    memset(&f, 0, sizeof f);
    f.now_ms = 1000;
    f.oscore = oscore;
    if (oscore)
        must(tsr_oscore_init(&f.far, &p, tsr_view(NULL, 0)) == TSR_OK);
    make_objects();
    furnish_access();
    rig_start();
}

void rig_lose_contexts(void)
{
    tsr_oscore_free(&f.protected[UDP].context);
    tsr_oscore_free(&f.layer.next);
}

void rig_end(void)
{
    tsr_lwm2m_tcp_drop(&f.tcp);
    if (!f.oscore)
        return;
    tsr_lwm2m_oscore_park(&f.layer);
    tsr_oscore_free(&f.far);
}
