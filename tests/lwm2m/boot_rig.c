/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lwm2m/boot_rig.h"

#include <stdio.h>
#include <string.h>

#include "psa/crypto.h"

static const char *const names[FARS] = { "coap://bs", "coap://one", "coap://two" };

static int far_of(const char *uri)
{
    for (int i = 0; i < FARS; i++) {
        if (strcmp(uri + (strncmp(uri, "coaps", 5) == 0 ? 5 : 4), names[i] + 4) == 0)
            return i;
    }
    return -1;
}

static bool usable(void *user, const tsr_lwm2m_security *s)
{
    (void)user;
    return far_of(s->uri) >= 0 &&
           (strncmp(s->uri, "coaps", 5) == 0) == (s->mode != TSR_LWM2M_MODE_NOSEC);
}

static tsr_err attach(void *user, size_t account, const tsr_lwm2m_security *s)
{
    boot_rig *r = user;

    r->attaches++;
    r->attached[account] = s != NULL ? far_of(s->uri) : -1;
    return TSR_OK;
}

static tsr_err save(void *user, tsr_bytes state)
{
    boot_rig *r = user;

    if (++r->saves >= r->fail_from && r->fail_from != 0)
        return TSR_E_IO;
    assert_true(state.len <= sizeof r->saved);
    memcpy(r->saved, state.ptr, state.len);
    r->saved_len = state.len;
    return TSR_OK;
}

static void fill_accounts(boot_rig *r)
{
    memset(r->security, 0, sizeof r->security);
    memset(r->server, 0, sizeof r->server);
    r->security[0] = (tsr_lwm2m_security){ .used = true, .bootstrap = true, .factory = true,
                                           .mode = TSR_LWM2M_MODE_NOSEC, .uri = "coap://bs",
                                           .hold_off_s = r->hold_off_s, .timeout_s = r->timeout_s };
    if (r->factory_server) {
        r->security[1] = (tsr_lwm2m_security){ .used = true, .id = 1, .short_id = 101,
                                               .factory = true, .mode = TSR_LWM2M_MODE_NOSEC,
                                               .uri = "coap://one" };
        tsr_lwm2m_server_init(&r->server[0], 0, 101, 300);
    }
    memset(r->keys, 0, sizeof r->keys);
    r->credentials = (tsr_lwm2m_credentials){ .keys = r->keys, .key_count = 3 * ACCOUNTS,
                                              .certificates = r->certificates,
                                              .certificate_len = CERTIFICATE };
    r->securities = (tsr_lwm2m_securities){ r->security, ACCOUNTS, &r->credentials };
    r->servers = (tsr_lwm2m_servers){ .items = r->server, .count = ACCOUNTS };
}

/* The bootstrap server's own keys are the host's. */
static void fill_oscore(boot_rig *r)
{
    memset(r->oscore_items, 0, sizeof r->oscore_items);
    r->oscore_items[0] = (tsr_lwm2m_oscore){ .used = true, .fixed = true, .sender_id_len = 1,
                                             .key_id = 1 };
    r->oscores = (tsr_lwm2m_oscores){ .items = r->oscore_items, .count = ACCOUNTS,
                                      .keys = r->oscore_keys, .key_count = 3 * ACCOUNTS };
    r->security[0].oscore = true;
}

static void fill_objects(boot_rig *r)
{
    size_t n = 0;

    fill_accounts(r);
    tsr_lwm2m_device_init(&r->device);
    strcpy(r->device.manufacturer, "Maker");
    memset(r->portfolio, 0, sizeof r->portfolio);
    r->portfolios = (tsr_lwm2m_portfolios){ r->portfolio, 2 };
    r->sensor = (tsr_lwm2m_sensor){ .id = 0, .units = "Cel" };
    r->sensors = (tsr_lwm2m_sensors){ &r->sensor, 1 };
    r->objects[n++] = tsr_lwm2m_security_object(&r->securities);
    r->objects[n++] = tsr_lwm2m_server_account(&r->servers);
    memset(r->access, 0, sizeof r->access);
    r->accesses = (tsr_lwm2m_accesses){ .items = r->access, .count = 12 };
    if (r->has_access)
        r->objects[n++] = tsr_lwm2m_access_object(&r->accesses);
    r->objects[n++] = tsr_lwm2m_device_object(&r->device);
    r->objects[n++] = tsr_lwm2m_portfolio_object(&r->portfolios);
    if (r->oscore != NULL) {
        fill_oscore(r);
        r->objects[n++] = r->oscore_object(&r->oscores);
    }
    r->objects[n++] = tsr_lwm2m_temperature_object(&r->sensors);
    r->registry = (tsr_lwm2m_registry){ r->objects, n };
}

static void start_client(boot_rig *r)
{
    tsr_lwm2m_client_config c = {
        .endpoint = "urn:dev:boot", .registry = &r->registry, .servers = &r->servers,
        .accounts = r->accounts, .account_count = ACCOUNTS,
        .observations = r->observations, .observation_count = 4,
        .attachments = r->attachments, .attachment_count = 4,
        .body = r->body, .body_len = sizeof r->body, .state = r->state, .state_len = sizeof r->state,
        .coap = &r->coap, .version_minor = 2, .hooks = { r, save },
        .accesses = r->has_access ? &r->accesses : NULL,
    };

    r->coap = (tsr_coap_config){ .peers = ACCOUNTS, .exchanges = 16, .exchange_len = 1280,
                                 .bodies = 4, .body_len = 8192, .seen = 64, .log_len = 16384,
                                 .seed = 42 + r->now_ms, .params = tsr_coap_params_default() };
    c.coap_memory_len = tsr_coap_memory(&r->coap);
    free(r->memory);
    r->memory = calloc(1, c.coap_memory_len);
    c.coap_memory = r->memory;
    memset(r->observations, 0, sizeof r->observations);
    memset(r->attachments, 0, sizeof r->attachments);
    r->boot = (tsr_lwm2m_bootstrap){ .securities = &r->securities,
                                     .staged_securities = r->staged_security,
                                     .staged_servers = r->staged_server,
                                     .staged_certificates = r->staged_certificates,
                                     .oscore = r->oscore, .oscores = &r->oscores,
                                     .staged_oscores = r->staged_oscores,
                                     .undo = r->undo, .undo_len = sizeof r->undo, .account = BOOT,
                                     .pack = r->pack, .hooks = { r, usable, attach } };
    assert_int_equal(tsr_lwm2m_client_init_bootstrap(&r->client, &c, &tsr_lwm2m_whole, &r->boot),
                     TSR_OK);
}

static void start_far(far_end *f, uint64_t seed)
{
    tsr_coap_config config = { .peers = 1, .exchanges = 16, .exchange_len = 1280, .bodies = 4,
                               .body_len = 8192, .seen = 64, .log_len = 16384, .seed = seed,
                               .params = tsr_coap_params_default() };
    size_t len = tsr_coap_memory(&config);

    f->memory = calloc(1, len);
    assert_int_equal(tsr_coap_init(&f->coap, &config, f->memory, len), TSR_OK);
}

boot_rig *boot_new(void)
{
    boot_rig *r = calloc(1, sizeof *r);

    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    r->now_ms = 1000000;
    for (size_t i = 0; i < FARS; i++)
        start_far(&r->far[i], 7 + i);
    return r;
}

void boot_start(boot_rig *r)
{
    fill_objects(r);
    start_client(r);
}

void boot_free(boot_rig *r)
{
    for (size_t i = 0; i < FARS; i++)
        free(r->far[i].memory);
    for (size_t i = 0; i < r->credentials.key_count; i++) {
        if (r->keys[i] != 0)
            (void)psa_destroy_key(r->keys[i]);
    }
    free(r->memory);
    free(r);
}

void boot_restart(boot_rig *r)
{
    uint32_t keys[3 * ACCOUNTS];

    memcpy(keys, r->keys, sizeof keys);
    r->now_ms += 1000;
    fill_objects(r);
    memcpy(r->keys, keys, sizeof keys); /* PSA has kept them */
    start_client(r);
    if (r->saved_len != 0)
        assert_int_equal(tsr_lwm2m_client_restore(&r->client, tsr_view(r->saved, r->saved_len)),
                         TSR_OK);
}

static void copy_message(boot_message *to, const tsr_coap_event *event, uint64_t now_ms)
{
    tsr_coap_opts it = { .rest = event->msg->options };
    tsr_buf path = tsr_buf_over(to->path, sizeof to->path - 1);
    tsr_buf queries = tsr_buf_over(to->queries, sizeof to->queries - 1);
    tsr_bytes query;

    memset(to, 0, sizeof *to);
    to->code = event->msg->code;
    to->content_format = event->msg->content_format;
    to->accept = event->msg->accept;
    to->at_ms = now_ms;
    for (uint16_t i = 0; i < event->msg->path_count; i++) {
        tsr_put_u8(&path, '/');
        tsr_put_bytes(&path, event->msg->path[i]);
    }
    while (tsr_coap_query_next(&it, &query) == TSR_OK) {
        if (queries.len != 0)
            tsr_put_u8(&queries, '&');
        tsr_put_bytes(&queries, query);
    }
    assert_true(event->body.len < TEXT);
    if (event->body.len != 0)
        memcpy(to->text, event->body.ptr, event->body.len);
    to->len = event->body.len;
}

static uint8_t or_else(uint8_t code, uint8_t usual)
{
    return code != 0 ? code : usual;
}

static void serve(boot_rig *r, far_end *f, const tsr_coap_event *event)
{
    tsr_coap_response response = { .code = TSR_COAP_CHANGED };
    char location[32];

    copy_message(&f->last, event, r->now_ms);
    f->requests++;
    if (strcmp(f->last.path, "/bs") == 0) {
        f->bootstraps++;
        response.code = or_else(f->bs_code, TSR_COAP_CHANGED);
    } else if (strcmp(f->last.path, "/bspack") == 0) {
        f->packs++;
        response.code = or_else(f->pack_code, TSR_COAP_CONTENT);
        if (response.code == TSR_COAP_CONTENT) {
            response.content_format = (tsr_coap_num){ true, f->pack_format };
            response.payload = f->pack;
        }
    } else if (strcmp(f->last.path, "/rd") == 0) {
        response.code = or_else(f->rd_code, TSR_COAP_CREATED);
        (void)snprintf(location, sizeof location, "/rd/%u", ++f->registers);
        if (response.code == TSR_COAP_CREATED)
            response.location = location;
    } else if (f->last.code == TSR_COAP_DELETE) {
        response.code = TSR_COAP_DELETED;
    } else {
        f->updates++;
    }
    assert_int_equal(tsr_coap_respond(&f->coap, event->id, &response, r->now_ms), TSR_OK);
}

static void far_events(boot_rig *r, far_end *f)
{
    tsr_coap_event event;

    while (tsr_coap_event_next(&f->coap, &event)) {
        if (event.kind == TSR_COAP_REQUEST) {
            serve(r, f, &event);
        } else if (event.kind == TSR_COAP_RESPONSE && event.id == f->asked) {
            copy_message(&f->answer, &event, r->now_ms);
            f->answered = true;
        }
    }
}

static void client_events(boot_rig *r)
{
    tsr_lwm2m_client_event event;

    while (tsr_lwm2m_client_event_next(&r->client, &event)) {
        r->events[event.kind]++;
        if (event.kind == TSR_LWM2M_E_BOOTSTRAP_FAILED)
            r->last_failure = event;
        if (event.kind == TSR_LWM2M_E_REQUEST)
            r->last_request = event;
    }
}

static bool to_far(boot_rig *r)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    size_t account;
    far_end *f;

    if (tsr_lwm2m_client_poll(&r->client, &account, &out, r->now_ms) != TSR_OK)
        return false;
    client_events(r);
    assert_true(account < ACCOUNTS && r->attached[account] >= 0);
    f = &r->far[r->attached[account]];
    if (f->silent)
        return true;
    assert_int_equal(tsr_coap_feed(&f->coap, 0, tsr_buf_view(&out), r->now_ms), TSR_OK);
    far_events(r, f);
    return true;
}

static bool from_far(boot_rig *r, int i)
{
    uint8_t room[2048];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_coap_peer peer;

    if (tsr_coap_poll(&r->far[i].coap, &peer, &out, r->now_ms) != TSR_OK) {
        far_events(r, &r->far[i]);
        return false;
    }
    for (size_t account = 0; account < ACCOUNTS; account++) {
        if (r->attached[account] == i && !r->far[i].silent)
            assert_int_equal(tsr_lwm2m_client_feed(&r->client, account, tsr_buf_view(&out), r->now_ms),
                             TSR_OK);
    }
    client_events(r);
    return true;
}

void boot_run(boot_rig *r)
{
    bool busy = true;

    for (int n = 0; busy; n++) {
        assert_true(n < 1000);
        busy = to_far(r);
        for (int i = 0; i < FARS; i++)
            busy |= from_far(r, i);
    }
    client_events(r);
}

void boot_wait(boot_rig *r, uint64_t ms)
{
    uint64_t end = r->now_ms + ms;

    boot_run(r);
    for (int n = 0; r->now_ms < end; n++) {
        uint64_t due = tsr_lwm2m_client_due_ms(&r->client);

        assert_true(n < 20000);
        for (size_t i = 0; i < FARS; i++) {
            uint64_t other = tsr_coap_due_ms(&r->far[i].coap);

            due = other < due ? other : due;
        }
        if (due <= r->now_ms)
            due = r->now_ms + 1;
        r->now_ms = due < end ? due : end;
        boot_run(r);
    }
}

static tsr_coap_num maybe(int n)
{
    return (tsr_coap_num){ n >= 0, n >= 0 ? (uint32_t)n : 0 };
}

const boot_message *boot_send(boot_rig *r, int far, uint8_t method, const char *path, int accept,
                              int content_format, tsr_bytes payload)
{
    far_end *f = &r->far[far];
    tsr_coap_request q = { .method = method, .path = path, .accept = maybe(accept),
                           .content_format = maybe(content_format), .payload = payload };

    f->answered = false;
    memset(&f->answer, 0, sizeof f->answer);
    assert_int_equal(tsr_coap_request_send(&f->coap, 0, &q, r->now_ms, &f->asked), TSR_OK);
    boot_run(r);
    return &f->answer;
}

const boot_message *boot_get(boot_rig *r, int far, const char *path, int accept)
{
    return boot_send(r, far, TSR_COAP_GET, path, accept, -1, (tsr_bytes){ NULL, 0 });
}

const boot_message *boot_put_text(boot_rig *r, const char *path, const char *text)
{
    return boot_send(r, BS, TSR_COAP_PUT, path, -1, TSR_LWM2M_FORMAT_TEXT, tsr_text(text));
}

const boot_message *boot_delete(boot_rig *r, const char *path)
{
    return boot_send(r, BS, TSR_COAP_DELETE, path, -1, -1, (tsr_bytes){ NULL, 0 });
}

const boot_message *boot_finish(boot_rig *r)
{
    return boot_send(r, BS, TSR_COAP_POST, "/bs", -1, -1, (tsr_bytes){ NULL, 0 });
}

static void put_opaque(tsr_lwm2m_out *out, uint16_t instance, uint16_t resource, const char *text,
                       tsr_bytes document)
{
    tsr_bytes bytes = text != NULL ? tsr_text(text) : document;

    (void)tsr_lwm2m_put_opaque(out, tsr_lwm2m_at_resource(0, instance, resource), bytes);
}

void boot_put_security(tsr_lwm2m_out *out, const boot_account_values *v)
{
    (void)tsr_lwm2m_put_text(out, tsr_lwm2m_at_resource(0, v->instance, 0), tsr_text(v->uri));
    (void)tsr_lwm2m_put_bool(out, tsr_lwm2m_at_resource(0, v->instance, 1), v->bootstrap);
    (void)tsr_lwm2m_put_int(out, tsr_lwm2m_at_resource(0, v->instance, 2), v->mode);
    put_opaque(out, v->instance, 3, v->identity, v->documents[0]);
    put_opaque(out, v->instance, 4, NULL, v->documents[1]);
    put_opaque(out, v->instance, 5, v->key, v->documents[2]);
    if (v->short_id != 0)
        (void)tsr_lwm2m_put_int(out, tsr_lwm2m_at_resource(0, v->instance, 10), v->short_id);
}

void boot_put_server(tsr_lwm2m_out *out, const boot_account_values *v)
{
    uint32_t lifetime_s = v->lifetime_s != 0 ? v->lifetime_s : 600;

    (void)tsr_lwm2m_put_int(out, tsr_lwm2m_at_resource(1, v->instance, 0), v->short_id);
    (void)tsr_lwm2m_put_int(out, tsr_lwm2m_at_resource(1, v->instance, 1), lifetime_s);
    (void)tsr_lwm2m_put_bool(out, tsr_lwm2m_at_resource(1, v->instance, 6), true);
    (void)tsr_lwm2m_put_text(out, tsr_lwm2m_at_resource(1, v->instance, 7), tsr_text("U"));
}

void boot_write_account(boot_rig *r, const boot_account_values *v, tsr_lwm2m_format format,
                        uint8_t level)
{
    uint8_t room[TEXT];
    char path[16];

    for (uint16_t object = 0; object < (v->bootstrap ? 1 : 2); object++) {
        tsr_lwm2m_path at = tsr_lwm2m_path_up(tsr_lwm2m_at_instance(object, v->instance), level);
        tsr_buf body = tsr_buf_over(room, sizeof room);
        tsr_lwm2m_out out;

        assert_int_equal(tsr_lwm2m_out_begin(&out, format, at, &body), TSR_OK);
        if (format == TSR_LWM2M_FORMAT_TLV || format == TSR_LWM2M_FORMAT_LWM2M_CBOR)
            (void)tsr_lwm2m_put_instance(&out, tsr_lwm2m_at_instance(object, v->instance));
        if (object == 0)
            boot_put_security(&out, v);
        else
            boot_put_server(&out, v);
        assert_int_equal(tsr_lwm2m_out_end(&out), TSR_OK);
        (void)snprintf(path, sizeof path, level == 1 ? "/%u" : "/%u/%u", object, v->instance);
        assert_code(boot_send(r, BS, TSR_COAP_PUT, path, -1, (int)format, tsr_buf_view(&body)), 2, 04);
    }
}

size_t boot_keys(const boot_rig *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->credentials.key_count; i++) {
        psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

        n += r->keys[i] != 0 && psa_get_key_attributes(r->keys[i], &attributes) == PSA_SUCCESS;
    }
    return n;
}

tsr_lwm2m_account *boot_of(boot_rig *r, uint16_t short_id)
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        if (i != BOOT && r->accounts[i].short_id == short_id)
            return &r->accounts[i];
    }
    return NULL;
}
