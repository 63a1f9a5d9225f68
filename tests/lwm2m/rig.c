/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lwm2m/rig.h"

#include <stdio.h>

#include "tests/vectors.h"

void (*rig_attach)(rig *r);

static tsr_err save(void *user, tsr_bytes state)
{
    rig *r = user;

    r->saves++;
    if (r->save_err != TSR_OK)
        return r->save_err;
    assert_true(state.len <= sizeof r->saved);
    memcpy(r->saved, state.ptr, state.len);
    r->saved_len = state.len;
    return TSR_OK;
}

/* The values of the Core's example of Device, where they are ours to have. */
static void fill_device(rig *r)
{
    tsr_lwm2m_device *d = &r->device;

    tsr_lwm2m_device_init(d);
    strcpy(d->manufacturer, "Open Mobile Alliance");
    strcpy(d->model, "Lightweight M2M Client");
    strcpy(d->serial, "345000123");
    strcpy(d->firmware, "1.0");
    strcpy(d->host_offset, "+02:00");
    d->power_count = 2;
    d->power[0] = (tsr_lwm2m_power){ 1, 3800, 125 };
    d->power[1] = (tsr_lwm2m_power){ 5, 5000, 900 };
    d->battery_percent = 100;
    d->memory_free_kb = 15;
    d->host_unix_s = 1367491215;
}

static void fill_objects(rig *r)
{
    size_t n = 0;

    r->server_state = (tsr_lwm2m_servers){ .items = r->server_item, .count = r->servers };
    for (size_t i = 0; i < r->servers; i++)
        tsr_lwm2m_server_init(&r->server_item[i], (uint16_t)i, (uint16_t)(101 + i), 300);
    fill_device(r);
    r->monitoring = (tsr_lwm2m_monitoring){ .bearer = 41, .bearers = { 41 }, .bearer_count = 1,
                                            .link_quality = -1, .utilization_percent = 3,
                                            .addresses = { "192.0.2.7", "2001:db8::7" },
                                            .address_count = 2, .routers = { "192.0.2.1" },
                                            .router_count = 1 };
    memset(&r->statistics, 0, sizeof r->statistics);
    memset(r->portfolio, 0, sizeof r->portfolio);
    r->portfolios = (tsr_lwm2m_portfolios){ r->portfolio, 2 };
    r->sensor[0] = (tsr_lwm2m_sensor){ .id = 0, .units = "Cel" };
    r->sensor[1] = (tsr_lwm2m_sensor){ .id = 5, .units = "Cel" };
    (void)tsr_lwm2m_sensor_measure(&r->sensor[0], 20, 1367491215);
    r->sensors = (tsr_lwm2m_sensors){ r->sensor, 2 };
    r->light[0] = (tsr_lwm2m_light){ .id = 0, .dimmer = 100 };
    r->lights = (tsr_lwm2m_lights){ r->light, 1 };
    r->objects[n++] = tsr_lwm2m_server_object(&r->server_state);
    memset(r->access, 0, sizeof r->access);
    r->accesses = (tsr_lwm2m_accesses){ .items = r->access, .count = RIG_ACCESSES };
    if (r->has_access)
        r->objects[n++] = tsr_lwm2m_access_object(&r->accesses);
    r->objects[n++] = tsr_lwm2m_device_object(&r->device);
    r->objects[n++] = tsr_lwm2m_monitoring_object(&r->monitoring);
    r->objects[n++] = tsr_lwm2m_statistics_object(&r->statistics);
    r->objects[n++] = tsr_lwm2m_portfolio_object(&r->portfolios);
    r->objects[n++] = tsr_lwm2m_temperature_object(&r->sensors);
    r->objects[n++] = tsr_lwm2m_light_object(&r->lights);
    r->registry = (tsr_lwm2m_registry){ r->objects, n };
}

static void start_client(rig *r)
{
    tsr_lwm2m_client_config c = {
        .endpoint = "urn:dev:test",
        .registry = &r->registry,
        .servers = &r->server_state,
        .accounts = r->accounts,
        .account_count = r->servers,
        .observations = r->observations,
        .observation_count = sizeof r->observations / sizeof *r->observations,
        .attachments = r->attachments,
        .attachment_count = sizeof r->attachments / sizeof *r->attachments,
        .body = r->body,
        .body_len = sizeof r->body,
        .state = r->state,
        .state_len = sizeof r->state,
        .coap = &r->coap,
        .version_minor = 2,
        .hooks = { r, save },
        .paths = r->paths,
        .path_count = sizeof r->paths / sizeof *r->paths,
        .outbox = &r->outbox,
        .accesses = r->has_access ? &r->accesses : NULL,
    };

    r->coap = (tsr_coap_config){ .peers = RIG_SERVERS, .exchanges = 16, .exchange_len = 1280,
                                 .bodies = 2, .body_len = 4096, .seen = 64, .log_len = 16384,
                                 .seed = 42 + r->now_ms, .params = tsr_coap_params_default() };
    c.coap_memory_len = tsr_coap_memory(&r->coap);
    assert_int_not_equal(c.coap_memory_len, 0);
    free(r->memory);
    r->memory = calloc(1, c.coap_memory_len);
    c.coap_memory = r->memory;
    memset(r->accounts, 0, sizeof r->accounts);
    memset(r->observations, 0, sizeof r->observations);
    memset(r->attachments, 0, sizeof r->attachments);
    memset(r->paths, 0, sizeof r->paths);
    memset(r->sendings, 0, sizeof r->sendings);
    r->outbox.memory = r->outbox_memory;
    r->outbox.memory_len = sizeof r->outbox_memory;
    r->outbox.sendings = r->sendings;
    r->outbox.used = 0;
    for (size_t i = 0; i < r->servers; i++) {
        r->accounts[i].short_id = (uint16_t)(101 + i);
        r->accounts[i].channel = r->channel;
        r->accounts[i].channel_state = r->channel_state;
    }
    if (r->channel != NULL) {
        c.datagram = r->datagram;
        c.datagram_len = sizeof r->datagram;
    }
    if (r->parts != NULL)
        c.hooks.save = NULL;
    if (r->parts != NULL && r->parts->reporting == NULL)
        c.observation_count = c.attachment_count = 0;
    assert_int_equal(r->parts != NULL ? tsr_lwm2m_client_init_with(&r->client, &c, r->parts)
                                      : tsr_lwm2m_client_init(&r->client, &c),
                     TSR_OK);
    if (rig_attach != NULL)
        rig_attach(r);
}

static void start_server(rig_server *s, uint64_t seed)
{
    tsr_coap_config config = { .peers = 1, .exchanges = 16, .exchange_len = 1280, .bodies = 2,
                               .body_len = 4096, .seen = 64, .log_len = 16384, .watches = 16,
                               .seed = seed, .params = tsr_coap_params_default() };
    size_t len = tsr_coap_memory(&config);

    s->memory = calloc(1, len);
    assert_int_equal(tsr_coap_init(&s->coap, &config, s->memory, len), TSR_OK);
}

static void keep_small_objects(rig *r)
{
    r->objects[0] = tsr_lwm2m_server_volatile(&r->server_state);
    r->objects[1] = tsr_lwm2m_device_volatile(&r->device);
    r->registry.count = 2;
}

static rig *make(size_t servers, const tsr_lwm2m_channel *channel, void *channel_state,
                 const tsr_lwm2m_parts *parts, bool access)
{
    rig *r = calloc(1, sizeof *r);

    r->has_access = access;
    r->servers = servers;
    r->now_ms = 1000000;
    r->channel = channel;
    r->channel_state = channel_state;
    r->parts = parts;
    fill_objects(r);
    if (parts != NULL)
        keep_small_objects(r);
    start_client(r);
    for (size_t i = 0; i < servers; i++)
        start_server(&r->server[i], 7 + i);
    return r;
}

rig *rig_new(size_t servers)
{
    return make(servers, NULL, NULL, NULL, false);
}

rig *rig_new_access(size_t servers)
{
    return make(servers, NULL, NULL, NULL, true);
}

rig *rig_new_over(const tsr_lwm2m_channel *channel, void *channel_state)
{
    return make(1, channel, channel_state, NULL, false);
}

rig *rig_new_small(const tsr_lwm2m_parts *parts)
{
    return make(1, NULL, NULL, parts, false);
}

void rig_free(rig *r)
{
    for (size_t i = 0; i < r->servers; i++)
        free(r->server[i].memory);
    free(r->memory);
    free(r);
}

void rig_restart(rig *r)
{
    r->now_ms += 1000;
    fill_objects(r);
    start_client(r);
    assert_int_equal(tsr_lwm2m_client_restore(&r->client, tsr_view(r->saved, r->saved_len)), TSR_OK);
}

static void copy_message(rig_message *to, const tsr_coap_event *event, uint64_t now_ms)
{
    tsr_coap_opts it = { .rest = event->msg->options };
    tsr_buf path = tsr_buf_over(to->path, sizeof to->path - 1);
    tsr_buf queries = tsr_buf_over(to->queries, sizeof to->queries - 1);
    tsr_bytes segment, query;

    memset(to, 0, sizeof *to);
    to->code = event->msg->code;
    to->con = event->msg->type == TSR_COAP_CON;
    to->observing = event->observing || event->msg->observe.set;
    to->observe = event->msg->observe.value;
    to->content_format = event->msg->content_format;
    for (uint16_t i = 0; i < event->msg->path_count; i++) {
        tsr_put_u8(&path, '/');
        tsr_put_bytes(&path, event->msg->path[i]);
    }
    while (tsr_coap_opt_find(&it, TSR_COAP_LOCATION_PATH, &segment) == TSR_OK) {
        tsr_put_u8(&path, '/');
        tsr_put_bytes(&path, segment);
    }
    it = (tsr_coap_opts){ .rest = event->msg->options };
    while (tsr_coap_query_next(&it, &query) == TSR_OK) {
        if (queries.len != 0)
            tsr_put_u8(&queries, '&');
        tsr_put_bytes(&queries, query);
    }
    assert_true(event->body.len < RIG_TEXT);
    if (event->body.len != 0)
        memcpy(to->text, event->body.ptr, event->body.len);
    to->len = event->body.len;
    to->at_ms = now_ms;
    to->token_len = event->token.len;
    if (event->token.len != 0)
        memcpy(to->token, event->token.ptr, event->token.len);
}

static rig_message *keep(rig_message *list, size_t *count)
{
    if (*count == RIG_KEPT) {
        memmove(list, list + 1, (RIG_KEPT - 1) * sizeof *list);
        --*count;
    }
    return &list[(*count)++];
}

static void serve(rig *r, rig_server *s, const tsr_coap_event *event)
{
    rig_message *got = keep(s->got, &s->got_count);
    tsr_coap_response response = { .code = TSR_COAP_CHANGED };
    char location[32];

    copy_message(got, event, r->now_ms);
    if (got->code == TSR_COAP_DELETE) {
        response.code = TSR_COAP_DELETED;
    } else if (strcmp(got->path, "/rd") == 0) {
        const char *version = strstr(got->queries, "lwm2m=1.");

        assert_non_null(version);
        response.code = s->refuse[version[8] - '0'];
        if (response.code == 0 && strstr(got->queries, "pid=") != NULL)
            response.code = s->refuse_profile;
        if (response.code == 0) {
            response.code = TSR_COAP_CREATED;
            snprintf(location, sizeof location, "/rd/%u", ++s->number);
            response.location = location;
        }
    } else if (s->update_code != 0) {
        response.code = s->update_code;
    }
    assert_int_equal(tsr_coap_respond(&s->coap, event->id, &response, r->now_ms), TSR_OK);
}

static void server_events(rig *r, rig_server *s)
{
    tsr_coap_event event;

    while (tsr_coap_event_next(&s->coap, &event)) {
        switch (event.kind) {
        case TSR_COAP_REQUEST: serve(r, s, &event); break;
        case TSR_COAP_NOTIFICATION:
            copy_message(keep(s->note, &s->note_count), &event, r->now_ms);
            break;
        case TSR_COAP_RESPONSE:
            if (event.id == s->asked) {
                copy_message(&s->answer, &event, r->now_ms);
                s->answered = true;
            }
            break;
        default: break;
        }
    }
}

static void client_events(rig *r)
{
    while (tsr_lwm2m_client_event_next(&r->client, &r->last_event))
        r->events[r->last_event.kind]++;
}

void rig_deliver(rig *r, size_t server, tsr_bytes message)
{
    assert_int_equal(tsr_coap_feed(&r->server[server].coap, 0, message, r->now_ms), TSR_OK);
    server_events(r, &r->server[server]);
}

void rig_server_events(rig *r, size_t server)
{
    server_events(r, &r->server[server]);
}

static bool client_to_server(rig *r)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    size_t account;

    if (tsr_lwm2m_client_poll(&r->client, &account, &out, r->now_ms) != TSR_OK)
        return false;
    client_events(r);
    assert_true(account < r->servers && out.len != 0);
    if (r->client.config.queue != NULL)
        tsr_lwm2m_queue_traffic(r->client.config.queue, r->now_ms);
    if (r->server[account].silent)
        return true;
    if (r->server[account].layer != NULL)
        r->server[account].layer->from_client(r, account, tsr_buf_view(&out));
    else
        rig_deliver(r, account, tsr_buf_view(&out));
    return true;
}

/* The next datagram of a server: its layer's own, or a message under its layer. */
static tsr_err server_poll(rig *r, size_t i, tsr_buf *out)
{
    rig_server *s = &r->server[i];
    uint8_t room[2048];
    tsr_buf message = tsr_buf_over(room, sizeof room);
    tsr_coap_peer peer;
    tsr_err err;

    if (s->layer == NULL)
        return tsr_coap_poll(&s->coap, &peer, out, r->now_ms);
    if (s->layer->own(r, i, out))
        return TSR_OK;
    err = tsr_coap_poll(&s->coap, &peer, &message, r->now_ms);
    if (err != TSR_OK)
        return err;
    if (s->layer->to_client(r, i, tsr_buf_view(&message), out) != TSR_OK)
        out->len = 0;
    return TSR_OK;
}

static bool server_to_client(rig *r, size_t i)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    if (server_poll(r, i, &out) != TSR_OK) {
        server_events(r, &r->server[i]);
        return false;
    }
    if (r->client.config.queue != NULL && !r->server[i].deaf_client && out.len != 0)
        tsr_lwm2m_queue_traffic(r->client.config.queue, r->now_ms);
    if (!r->server[i].deaf_client && out.len != 0)
        assert_int_equal(tsr_lwm2m_client_feed(&r->client, i, tsr_buf_view(&out), r->now_ms), TSR_OK);
    client_events(r);
    return true;
}

void rig_run(rig *r)
{
    bool busy = true;

    for (int n = 0; busy; n++) {
        assert_true(n < 1000);
        busy = client_to_server(r);
        for (size_t i = 0; i < r->servers; i++)
            busy |= server_to_client(r, i);
    }
    client_events(r);
}

void rig_wait(rig *r, uint64_t ms)
{
    uint64_t end = r->now_ms + ms;

    rig_run(r);
    for (int n = 0; r->now_ms < end; n++) {
        uint64_t due = tsr_lwm2m_client_due_ms(&r->client);

        assert_true(n < 20000);
        for (size_t i = 0; i < r->servers; i++) {
            uint64_t other = tsr_coap_due_ms(&r->server[i].coap);

            due = other < due ? other : due;
            if (r->server[i].layer != NULL) {
                other = r->server[i].layer->due_ms(r, i);
                due = other < due ? other : due;
            }
        }
        if (due <= r->now_ms)
            due = r->now_ms + 1;
        r->now_ms = due < end ? due : end;
        rig_run(r);
    }
}

void rig_register(rig *r)
{
    rig_run(r);
    for (size_t i = 0; i < r->servers; i++)
        assert_int_equal(r->accounts[i].standing, TSR_LWM2M_REGISTERED);
}

static tsr_coap_num maybe(int n)
{
    return (tsr_coap_num){ n >= 0, n >= 0 ? (uint32_t)n : 0 };
}

const rig_message *rig_send(rig *r, size_t server, const rig_request *request)
{
    rig_server *s = &r->server[server];
    char path[128], *query, *next;
    tsr_bytes queries[8];
    tsr_coap_request q = { .method = request->method, .path = path, .queries = queries,
                           .accept = maybe(request->accept), .observe = maybe(request->observe),
                           .content_format = maybe(request->content_format),
                           .payload = request->payload, .token = request->token };

    snprintf(path, sizeof path, "%s", request->path);
    query = strchr(path, '?');
    if (query != NULL)
        *query++ = '\0';
    for (; query != NULL; query = next) {
        next = strchr(query, '&');
        if (next != NULL)
            *next++ = '\0';
        queries[q.query_count++] = tsr_text(query);
    }
    s->answered = false;
    assert_int_equal(tsr_coap_request_send(&s->coap, 0, &q, r->now_ms, &s->asked), TSR_OK);
    rig_run(r);
    assert_true(s->answered);
    return &s->answer;
}

const rig_message *rig_get(rig *r, const char *path, int accept)
{
    return rig_send(r, 0, &(rig_request){ TSR_COAP_GET, path, accept, -1, -1, { NULL, 0 }, { NULL, 0 } });
}

const rig_message *rig_observe(rig *r, const char *path, int accept)
{
    return rig_send(r, 0, &(rig_request){ TSR_COAP_GET, path, accept, -1, 0, { NULL, 0 }, { NULL, 0 } });
}

const rig_message *rig_put(rig *r, const char *path, int content_format, const char *text)
{
    return rig_send(r, 0, &(rig_request){ TSR_COAP_PUT, path, -1, content_format, -1, tsr_text(text),
                                          { NULL, 0 } });
}

const rig_message *rig_post(rig *r, const char *path, int content_format, const char *text)
{
    return rig_send(r, 0, &(rig_request){ TSR_COAP_POST, path, -1, content_format, -1, tsr_text(text),
                                          { NULL, 0 } });
}

const rig_message *rig_put_hex(rig *r, uint8_t method, const char *path, int content_format,
                               const char *hex)
{
    uint8_t room[1024];
    tsr_bytes payload = from_hex(hex, room, sizeof room);

    return rig_send(r, 0, &(rig_request){ method, path, -1, content_format, -1, payload, { NULL, 0 } });
}

const rig_message *rig_delete(rig *r, const char *path)
{
    return rig_send(r, 0, &(rig_request){ TSR_COAP_DELETE, path, -1, -1, -1, { NULL, 0 }, { NULL, 0 } });
}

const char *rig_raw(rig *r, const char *hex)
{
    static char text[4096];
    uint8_t in[2048], room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    size_t account;

    assert_int_equal(tsr_lwm2m_client_feed(&r->client, 0, from_hex(hex, in, sizeof in), r->now_ms), TSR_OK);
    text[0] = '\0';
    if (tsr_lwm2m_client_poll(&r->client, &account, &out, r->now_ms) == TSR_OK) {
        for (size_t i = 0; i < out.len; i++)
            sprintf(text + 2 * i, "%02x", room[i]);
    }
    client_events(r);
    return text;
}

const rig_message *rig_last(const rig *r, size_t server)
{
    assert_int_not_equal(r->server[server].got_count, 0);
    return &r->server[server].got[r->server[server].got_count - 1];
}
