/* SPDX-License-Identifier: Apache-2.0
 *
 * A device whose clock, network and restarts belong to whoever writes on its standard input: the client
 * engine with objects 0, 1, 3, 3303 and a counting object of its own. Lines, each with the time first:
 *
 *     NOW run              nothing but time has passed
 *     NOW feed HEX         a datagram came
 *     NOW moved            the device has another address
 *     NOW value NUMBER     the thermometer shows something else
 *     NOW restart          power off and on again: what was saved is all there is
 *
 * After each it answers with lines `send HEX`, `execute ARGUMENTS` and `event NUMBER REASON`, and then
 * `done DUE`, the time by which it wants to be run again. */
#include <stdio.h>
#include <stdlib.h>

#include "tessera/base/hex.h"
#include "tessera/lwm2m/client.h"

enum { COUNTER = 26241, LINE = 8192 };

static tsr_lwm2m_security security = { .used = true, .factory = true, .short_id = 1,
                                       .mode = TSR_LWM2M_MODE_NOSEC, .uri = "coap://192.0.2.1" };
static tsr_lwm2m_securities securities = { .items = &security, .count = 1 };
static tsr_lwm2m_server server;
static tsr_lwm2m_servers servers = { .items = &server, .count = 1 };
static tsr_lwm2m_device device;
static tsr_lwm2m_sensor sensor;
static tsr_lwm2m_sensors sensors = { &sensor, 1 };
static tsr_lwm2m_account account;
static tsr_lwm2m_observation observations[8];
static tsr_lwm2m_attachment attachments[8];
static tsr_lwm2m_composite_path paths[16];
static uint8_t body[2048], state[8192], saved[8192], datagram[2048];
static uint8_t coap_memory[65536];
static size_t saved_len;
static tsr_lwm2m_client client;
static uint64_t restarts;

static tsr_err execute(void *user, tsr_lwm2m_path at, tsr_bytes arguments)
{
    (void)user;
    (void)at;
    (void)printf("execute %.*s\n", (int)arguments.len, (const char *)arguments.ptr);
    return TSR_OK;
}

static tsr_err save(void *user, tsr_bytes bytes)
{
    (void)user;
    if (bytes.len > sizeof saved)
        return TSR_E_SPACE;
    memcpy(saved, bytes.ptr, bytes.len);
    saved_len = bytes.len;
    return TSR_OK;
}

static void place_states(void)
{
    memset(&account, 0, sizeof account);
    memset(observations, 0, sizeof observations);
    memset(attachments, 0, sizeof attachments);
    memset(paths, 0, sizeof paths);
    account.short_id = 1;
    tsr_lwm2m_server_init(&server, 0, 1, 120);
    tsr_lwm2m_server_set(&server, TSR_LWM2M_S_RETRY_TIMER, 5);
    tsr_lwm2m_server_set(&server, TSR_LWM2M_S_RETRY_COUNT, 100);
    tsr_lwm2m_device_init(&device);
}

static void start(void)
{
    static const tsr_lwm2m_resource_info resources[] = { { 0, TSR_LWM2M_NONE, TSR_LWM2M_EXECUTE } };
    static const tsr_lwm2m_object_info counter = { .id = COUNTER, .version_major = 1,
                                                   .resource_count = 1, .resources = resources };
    static const tsr_lwm2m_handlers handlers = { .execute = execute };
    static tsr_lwm2m_object objects[5];
    static tsr_lwm2m_registry registry = { objects, 5 };
    static tsr_coap_config coap;
    tsr_lwm2m_client_config config = {
        .endpoint = "old-hand", .registry = &registry, .servers = &servers, .accounts = &account,
        .account_count = 1, .observations = observations, .observation_count = 8,
        .attachments = attachments, .attachment_count = 8, .paths = paths, .path_count = 16,
        .body = body, .body_len = sizeof body, .state = state, .state_len = sizeof state,
        .datagram = datagram, .datagram_len = sizeof datagram, .coap = &coap,
        .coap_memory = coap_memory, .version_minor = 2, .hooks = { NULL, save },
    };

    place_states();
    objects[0] = tsr_lwm2m_security_fixed(&securities);
    objects[1] = tsr_lwm2m_server_object(&servers);
    objects[2] = tsr_lwm2m_device_object(&device);
    objects[3] = tsr_lwm2m_temperature_object(&sensors);
    objects[4] = (tsr_lwm2m_object){ &counter, &handlers, NULL };
    coap = (tsr_coap_config){ .peers = 1, .exchanges = 8, .exchange_len = 512, .bodies = 2,
                              .body_len = 2048, .peer_bodies = 2, .seen = 256, .log_len = 8192,
                              .seed = 7 + restarts++, .params = tsr_coap_params_default() };
    config.coap_memory_len = tsr_coap_memory(&coap);
    if (config.coap_memory_len > sizeof coap_memory ||
        tsr_lwm2m_client_init(&client, &config) != TSR_OK ||
        (saved_len != 0 && tsr_lwm2m_client_restore(&client, tsr_view(saved, saved_len)) != TSR_OK))
        exit(1);
}

static void run(uint64_t now_ms)
{
    uint8_t room[1500];
    char digits[2 * sizeof room];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_client_event event;
    size_t to;

    for (; tsr_lwm2m_client_poll(&client, &to, &out, now_ms) == TSR_OK; out.len = 0) {
        tsr_buf text = tsr_buf_over(digits, sizeof digits);

        tsr_hex_put(&text, tsr_buf_view(&out));
        (void)printf("send %.*s\n", (int)text.len, digits);
    }
    while (tsr_lwm2m_client_event_next(&client, &event))
        (void)printf("event %d %s\n", event.kind, event.reason);
    (void)printf("done %llu\n", (unsigned long long)tsr_lwm2m_client_due_ms(&client));
    (void)fflush(stdout);
}

static void obey(const char *word, const char *rest, uint64_t now_ms)
{
    uint8_t room[2048];
    tsr_buf in = tsr_buf_over(room, sizeof room);

    if (strcmp(word, "feed") == 0 && tsr_hex_get(tsr_text(rest), &in) == TSR_OK)
        (void)tsr_lwm2m_client_feed(&client, 0, tsr_buf_view(&in), now_ms);
    else if (strcmp(word, "moved") == 0)
        tsr_lwm2m_client_moved(&client, 0, now_ms);
    else if (strcmp(word, "restart") == 0)
        start();
    else if (strcmp(word, "value") == 0 &&
             tsr_lwm2m_sensor_measure(&sensor, strtod(rest, NULL), (int64_t)(now_ms / 1000)))
        tsr_lwm2m_client_changed(&client, tsr_lwm2m_at_instance(3303, 0));
}

int main(void)
{
    static char line[LINE], word[16], rest[LINE];
    unsigned long long now_ms;

    start();
    while (fgets(line, sizeof line, stdin) != NULL) {
        rest[0] = '\0';
        if (sscanf(line, "%llu %15s %8191s", &now_ms, word, rest) < 2)
            return 2;
        obey(word, rest, now_ms);
        run(now_ms);
    }
    return 0;
}
