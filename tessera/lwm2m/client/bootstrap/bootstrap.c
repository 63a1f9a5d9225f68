/* SPDX-License-Identifier: Apache-2.0
 *
 * When a bootstrap begins, how it is asked for, and how it ends (Core 6.1.3 to Core 6.1.7). Its
 * account is stepped by register.c like any other: waiting, then connecting, then
 * tsr_lwm2m_account_connected(), which comes here. An account that waits while it is up waits for a
 * time only. */
#include "tessera/lwm2m/client/bootstrap/internal.h"

enum {
    TAG_BOOTSTRAP = 3,
    RETRY_COUNT = 5, RETRY_TIMER_S = 60, SEQUENCE_DELAY_S = 86400, /* Core 6.2.1.1, for want of others */
    LINGER_MS = 45000, /* MAX_TRANSMIT_SPAN of RFC 7252 §4.8.2: while the server may repeat itself */
    SAVE_RETRY_MS = 60000,
    COUNT_LEAST_S = 60, COUNT_MOST_S = 3600, /* of /0/x/12, between two saves */
    MOST_SHIFT = 16,
};

static const tsr_lwm2m_security *own_account(const tsr_lwm2m_client *c)
{
    return tsr_lwm2m_security_bootstrap(c->bootstrap->securities);
}

static void boot_event(tsr_lwm2m_client *c, tsr_lwm2m_client_event_kind kind, uint8_t code,
                       const char *reason)
{
    tsr_lwm2m_account_event(c, boot_account(c), kind, code)->reason = reason;
}

/* turn() is called then, whether there is a connection or not. */
static void alarm(tsr_lwm2m_account *a, tsr_lwm2m_standing standing, uint64_t at_ms)
{
    a->standing = standing;
    a->up = true;
    a->at_ms = at_ms;
}

/* An eighth of the time is counted again at most after a restart, or a minute. */
static uint32_t count_s(const tsr_lwm2m_security *own)
{
    uint32_t step_s = own->timeout_s / 8;

    step_s = step_s < COUNT_LEAST_S ? COUNT_LEAST_S : step_s > COUNT_MOST_S ? COUNT_MOST_S : step_s;
    return own->left_s < step_s ? own->left_s : step_s;
}

/* Core E.1, /0/x/12: the account of a bootstrap that succeeded ends some time later. */
static void rest(tsr_lwm2m_client *c)
{
    tsr_lwm2m_security *own = tsr_lwm2m_security_bootstrap(c->bootstrap->securities);
    tsr_lwm2m_account *a = boot_account(c);

    c->bootstrap->phase = TSR_LWM2M_BOOT_IDLE;
    a->up = false;
    a->standing = TSR_LWM2M_STOPPED;
    a->at_ms = UINT64_MAX;
    if (own == NULL || !own->proved || own->timeout_s == 0 || a->stopping)
        return;
    if (own->left_s == 0 || own->left_s > own->timeout_s)
        own->left_s = own->timeout_s;
    c->bootstrap->counted_ms = c->now_ms;
    alarm(a, TSR_LWM2M_WAITING, c->now_ms + (uint64_t)count_s(own) * 1000);
}

static void hang_up(tsr_lwm2m_client *c, bool polite)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    tsr_lwm2m_account *a = boot_account(c);

    a->request = 0;
    tsr_coap_peer_gone(&c->coap, account_peer(c, a));
    if (a->channel != NULL)
        a->channel->close(a->channel_state, polite && !b->reattach);
    a->up = false;
    if (b->reattach)
        (void)tsr_lwm2m_boot_attach(c);
}

static bool is_regular(const tsr_lwm2m_account *a)
{
    return a->short_id != 0;
}

static bool any_registered(const tsr_lwm2m_client *c, bool *any)
{
    bool registered = false;

    *any = false;
    for (size_t i = 0; i < c->config.account_count; i++) {
        const tsr_lwm2m_account *a = &c->config.accounts[i];

        *any |= is_regular(a);
        registered |= is_regular(a) && a->standing == TSR_LWM2M_REGISTERED;
    }
    return registered;
}

static uint8_t retry_count(const tsr_lwm2m_bootstrap *b)
{
    return b->retry_count != 0 ? b->retry_count : RETRY_COUNT;
}

/* /0/x/11 before the first attempt; then as Core 6.2.1.1 does for servers. */
static uint64_t wait_ms(tsr_lwm2m_client *c)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;
    uint64_t timer_s = b->retry_timer_s != 0 ? b->retry_timer_s : RETRY_TIMER_S;
    uint64_t delay_s = b->sequence_delay_s != 0 ? b->sequence_delay_s : SEQUENCE_DELAY_S;
    unsigned in_row = b->attempts % retry_count(b);
    unsigned shift = in_row - 1u < MOST_SHIFT ? in_row - 1u : MOST_SHIFT;

    if (b->attempts == 0)
        return b->asked ? 0 : (uint64_t)own_account(c)->hold_off_s * 1000;
    return tsr_lwm2m_client_jitter(c, (in_row == 0 ? delay_s : timer_s << shift) * 1000);
}

static void wait_for_turn(tsr_lwm2m_client *c)
{
    tsr_lwm2m_account *a = boot_account(c);

    c->bootstrap->phase = TSR_LWM2M_BOOT_WAITING;
    a->up = false;
    a->started = true;
    tsr_lwm2m_account_wait(c, a, wait_ms(c));
}

/* A registration since the last time shows that the configuration was good: no reason to wait longer
 * and longer. */
static bool worked_since(const tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.account_count; i++) {
        const tsr_lwm2m_account *a = &c->config.accounts[i];

        if (is_regular(a) && a->told_ms > c->bootstrap->finished_ms)
            return true;
    }
    return false;
}

static void begin(tsr_lwm2m_client *c, bool asked, const char *reason)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;

    if (own_account(c) == NULL || boot_account(c)->stopping)
        return;
    if (b->phase == TSR_LWM2M_BOOT_LINGERING)
        hang_up(c, true);
    else if (b->phase != TSR_LWM2M_BOOT_IDLE && b->phase != TSR_LWM2M_BOOT_START)
        return;
    if (asked || worked_since(c))
        b->attempts = 0;
    b->asked = asked;
    boot_event(c, TSR_LWM2M_E_BOOTSTRAPPING, 0, reason);
    wait_for_turn(c);
}

void tsr_lwm2m_boot_failed(tsr_lwm2m_client *c, uint8_t code, const char *reason)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    bool any, registered;

    tsr_lwm2m_stage_drop(c);
    hang_up(c, false);
    b->plain = false;
    boot_event(c, TSR_LWM2M_E_BOOTSTRAP_FAILED, code, reason);
    if (b->attempts < UINT8_MAX)
        b->attempts++;
    registered = any_registered(c, &any);
    /* Servers that may be reached are no reason to go on for ever. */
    if (registered && (!b->asked || b->attempts % retry_count(b) == 0))
        rest(c);
    else
        wait_for_turn(c);
}

void tsr_lwm2m_boot_finished(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;

    boot_event(c, TSR_LWM2M_E_BOOTSTRAPPED, 0, "");
    b->finished_ms = c->now_ms;
    b->asked = b->plain = false;
    b->attempts = 1;
    b->phase = TSR_LWM2M_BOOT_LINGERING;
    alarm(boot_account(c), TSR_LWM2M_BOOTSTRAPPING, c->now_ms + LINGER_MS);
}

static uint64_t exchange_lifetime_ms(const tsr_lwm2m_client *c)
{
    uint32_t ms = c->config.coap->params.exchange_lifetime_ms;

    return ms != 0 ? ms : tsr_coap_params_default().exchange_lifetime_ms;
}

static void send(tsr_lwm2m_client *c, tsr_coap_request *request)
{
    tsr_lwm2m_account *a = boot_account(c);

    request->user = tag_make(TAG_BOOTSTRAP, 0, 0);
    alarm(a, TSR_LWM2M_BOOTSTRAPPING, c->now_ms + exchange_lifetime_ms(c));
    if (tsr_coap_request_send(&c->coap, account_peer(c, a), request, c->now_ms, &a->request) !=
        TSR_OK)
        tsr_lwm2m_boot_failed(c, 0, "no room for the request: raise coap exchange_len");
}

static uint16_t preferred_format(const tsr_lwm2m_bootstrap *b)
{
    return b->format != 0 ? b->format : TSR_LWM2M_FORMAT_SENML_CBOR;
}

static tsr_bytes query(tsr_buf *text, const char *name, const char *value)
{
    size_t from = text->len;

    tsr_put_text(text, name);
    tsr_put_text(text, value);
    return tsr_view(text->ptr + from, text->len - from);
}

/* Core 6.1.7.1; the server may write from now on. `pct` is of 1.1. */
static void send_request(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    tsr_buf text = tsr_buf_over(c->config.state, c->config.state_len);
    tsr_bytes parameters[2];
    tsr_coap_request request = { .method = TSR_COAP_POST, .path = "/bs", .queries = parameters,
                                 .query_count = 1 };
    size_t from;

    tsr_lwm2m_stage_drop(c);
    tsr_lwm2m_stage_begin(c);
    b->phase = TSR_LWM2M_BOOT_OPEN;
    parameters[0] = query(&text, "ep=", c->config.endpoint);
    if (c->config.version_minor > 0 && !b->plain) {
        from = text.len;
        tsr_put_text(&text, "pct=");
        tsr_put_dec(&text, preferred_format(b));
        parameters[request.query_count++] = tsr_view(text.ptr + from, text.len - from);
    }
    send(c, &request);
}

/* Core 6.1.7.7. `acc` names the account that is speaking, so that the pack can leave it in peace. */
static void send_pack_request(tsr_lwm2m_client *c)
{
    tsr_buf text = tsr_buf_over(c->config.state, c->config.state_len);
    tsr_bytes parameters[2];
    tsr_coap_request request = { .method = TSR_COAP_GET, .path = "/bspack", .queries = parameters,
                                 .query_count = 2, .accept = { true, TSR_LWM2M_FORMAT_SENML_CBOR } };
    size_t from;

    c->bootstrap->phase = TSR_LWM2M_BOOT_PACK;
    if (c->bootstrap->format == TSR_LWM2M_FORMAT_SENML_JSON ||
        c->bootstrap->format == TSR_LWM2M_FORMAT_LWM2M_CBOR)
        request.accept.value = c->bootstrap->format;
    parameters[0] = query(&text, "ep=", c->config.endpoint);
    from = text.len;
    tsr_put_text(&text, "acc=</0/");
    tsr_put_dec(&text, own_account(c)->id);
    tsr_put_u8(&text, '>');
    parameters[1] = tsr_view(text.ptr + from, text.len - from);
    send(c, &request);
}

static void ask(tsr_lwm2m_client *c)
{
    tsr_lwm2m_bootstrap *b = c->bootstrap;
    bool any;

    if (own_account(c) == NULL) {
        rest(c);
    } else if (!b->asked && any_registered(c, &any)) {
        hang_up(c, true);
        rest(c);
    } else if (b->pack && c->config.version_minor >= 2) {
        send_pack_request(c);
    } else {
        send_request(c);
    }
}

static bool pack_is_taken(tsr_lwm2m_client *c, const tsr_coap_event *event, const char **reason)
{
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_SENML_CBOR;
    tsr_err err = TSR_OK;

    tsr_lwm2m_stage_begin(c);
    if (event->msg->content_format.set)
        err = tsr_lwm2m_format_from(event->msg->content_format.value, &format);
    if (err == TSR_OK)
        err = tsr_lwm2m_stage_pack(c, format, event->body);
    tsr_lwm2m_stage_delete_orphans(c);
    *reason = err == TSR_OK ? tsr_lwm2m_stage_check(c) : tsr_err_name(err);
    if (*reason == NULL && tsr_lwm2m_stage_commit(c) != TSR_OK)
        *reason = "the new accounts could not be stored";
    if (*reason != NULL)
        tsr_lwm2m_stage_drop(c);
    return *reason == NULL;
}

/* Core 6.1.7.7: after any error, and after a pack that cannot be used, the long way. */
static void pack_answer(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    const char *reason = "no Bootstrap-Pack";

    if (event->msg->code == TSR_COAP_CONTENT && pack_is_taken(c, event, &reason)) {
        tsr_lwm2m_boot_finished(c);
        return;
    }
    boot_event(c, TSR_LWM2M_E_BOOTSTRAP_FAILED, event->msg->code, reason);
    send_request(c);
}

static void request_answer(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    if (event->msg->code >> 5 == 2)
        return;
    if (event->msg->code == TSR_COAP_UNSUPPORTED_FORMAT && !c->bootstrap->plain) {
        c->bootstrap->plain = true; /* without `pct`, the server chooses */
        send_request(c);
        return;
    }
    tsr_lwm2m_boot_failed(c, event->msg->code, "the bootstrap server refused");
}

static void answered(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    tsr_lwm2m_account *a = boot_account(c);

    if (event->id != a->request || a->request == 0)
        return;
    a->request = 0;
    if (a->stopping) {
        tsr_lwm2m_stage_drop(c);
        hang_up(c, true);
        rest(c);
    } else if (event->kind != TSR_COAP_RESPONSE) {
        tsr_lwm2m_boot_failed(
            c, 0,
            event->kind == TSR_COAP_FAILED ? "the answer is too long, or malformed" : "no answer");
    } else if (c->bootstrap->phase == TSR_LWM2M_BOOT_PACK) {
        pack_answer(c, event);
    } else {
        request_answer(c, event);
    }
}

/* True: the time is not over yet. A save that fails costs no more than that a restart counts again. */
static bool counts_on(tsr_lwm2m_client *c, tsr_lwm2m_security *own)
{
    uint64_t passed_s = (c->now_ms - c->bootstrap->counted_ms) / 1000;

    if (passed_s >= own->left_s)
        return false;
    own->left_s -= (uint32_t)passed_s;
    (void)tsr_lwm2m_client_save(c);
    return true;
}

static void set_used(tsr_lwm2m_security *own, tsr_lwm2m_oscore *keys, bool used)
{
    own->used = used;
    if (keys != NULL)
        keys->used = used;
}

/* The account without which there is no bootstrap any more (/0/x/12). */
static void purge(tsr_lwm2m_client *c)
{
    const tsr_lwm2m_bootstrap *b = c->bootstrap;
    tsr_lwm2m_security *own = tsr_lwm2m_security_bootstrap(b->securities);
    tsr_lwm2m_oscore *keys;

    if (own == NULL || !own->proved || own->timeout_s == 0 || counts_on(c, own)) {
        rest(c);
        return;
    }
    keys = b->oscore != NULL ? b->oscore->of(b->oscores, own) : NULL;
    set_used(own, keys, false);
    if (tsr_lwm2m_client_save(c) != TSR_OK) {
        set_used(own, keys, true);
        alarm(boot_account(c), TSR_LWM2M_WAITING, c->now_ms + SAVE_RETRY_MS);
        return;
    }
    tsr_lwm2m_stage_sweep(c, false);
    (void)tsr_lwm2m_boot_attach(c);
    boot_event(c, TSR_LWM2M_E_BOOTSTRAP_END, 0, "its time is over (/0/x/12)");
    rest(c);
}

/* Keys that nobody names may be left from a bootstrap that a power cut ended. */
static void start(tsr_lwm2m_client *c)
{
    bool any;

    (void)any_registered(c, &any);
    tsr_lwm2m_stage_sweep(c, false);
    rest(c);
    if (!any)
        begin(c, false, "no server account");
}

/* Its time has come, or its connection is up. */
static void turn(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    bool connected = a->standing == TSR_LWM2M_CONNECTING;

    if (a->stopping) {
        hang_up(c, true);
        rest(c);
        return;
    }
    switch (c->bootstrap->phase) {
    case TSR_LWM2M_BOOT_START:   start(c); break;
    case TSR_LWM2M_BOOT_WAITING: ask(c); break;
    case TSR_LWM2M_BOOT_LINGERING:
        hang_up(c, true);
        rest(c);
        break;
    case TSR_LWM2M_BOOT_IDLE: purge(c); break;
    default:
        if (connected)
            ask(c); /* another address, another session */
        else
            tsr_lwm2m_boot_failed(c, 0, "no Bootstrap-Finish in time");
        break;
    }
}

static void down(tsr_lwm2m_client *c, const char *reason)
{
    switch (c->bootstrap->phase) {
    case TSR_LWM2M_BOOT_LINGERING:
        hang_up(c, false);
        rest(c);
        break;
    case TSR_LWM2M_BOOT_WAITING:
    case TSR_LWM2M_BOOT_PACK:
    case TSR_LWM2M_BOOT_OPEN: tsr_lwm2m_boot_failed(c, 0, reason); break;
    default: break;
    }
}

static bool is_exhausted(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a)
{
    const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, a);

    return a->standing == TSR_LWM2M_STOPPED || server == NULL ||
           a->sequences >= tsr_lwm2m_server_get(server, TSR_LWM2M_S_SEQUENCE_COUNT);
}

/* The last thing that was told is why the account failed. */
static bool was_rejected(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a)
{
    const tsr_lwm2m_client_event *last =
        &c->events[(size_t)(c->event_first + c->event_count - 1) % TSR_LWM2M_EVENTS];

    return c->event_count != 0 && last->kind == TSR_LWM2M_E_REGISTER_FAILED &&
           last->account == account_peer(c, a) && last->code >> 5 == 4;
}

/* Core 6.1.4, step 4, and /1/x/16: nobody takes us. */
static void failed(tsr_lwm2m_client *c, const tsr_lwm2m_account *a)
{
    const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, a);
    bool rejected = was_rejected(c, a);

    if (server == NULL || !is_regular(a) ||
        tsr_lwm2m_server_get(server, TSR_LWM2M_S_BOOTSTRAP_ON_FAILURE) == 0)
        return;
    if (!rejected && !is_exhausted(c, a))
        return;
    for (size_t i = 0; i < c->config.account_count; i++) {
        const tsr_lwm2m_account *other = &c->config.accounts[i];

        if (other != a && is_regular(other) && !is_exhausted(c, other))
            return;
    }
    begin(c, false, rejected ? "a server refused the registration" : "no server can be reached");
}

static void refuse(tsr_lwm2m_client *c, const tsr_coap_event *event, uint8_t code)
{
    tsr_coap_response response = { .code = code };

    (void)tsr_coap_respond(&c->coap, event->id, &response, c->now_ms);
    (void)tsr_lwm2m_client_tell(c, TSR_LWM2M_E_REQUEST, (uint8_t)event->peer, code);
}

static bool is_trigger(const tsr_coap_msg *msg)
{
    uint16_t ids[3];
    size_t depth;

    return msg->code == TSR_COAP_POST && tsr_coap_msg_ids(msg, 0, ids, 3, &depth) == TSR_OK &&
           depth == 3 && ids[0] == 1 && ids[2] == TSR_LWM2M_S_BOOTSTRAP;
}

/* Core 6.1.3.4: a server that may execute /1/x/9 makes us ask the bootstrap server. */
static void trigger(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    const tsr_lwm2m_client_event *told;

    if (own_account(c) == NULL) {
        refuse(c, event, TSR_COAP_METHOD_NOT_ALLOWED);
        return;
    }
    tsr_lwm2m_manage_request(c, event);
    told = &c->events[(size_t)(c->event_first + c->event_count - 1) % TSR_LWM2M_EVENTS];
    if (told->operation == TSR_LWM2M_OP_EXECUTE && told->code == TSR_COAP_CHANGED)
        begin(c, true, "a server asked for it (/1/x/9)");
}

/* Other servers may read while a bootstrap is under way; what they would change is being replaced. */
static bool from_server(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    const tsr_coap_msg *msg = event->msg;

    if (tsr_coap_msg_path_is(msg, 0, "/bs") || tsr_coap_msg_path_is(msg, 0, "/bspack")) {
        refuse(c, event, TSR_COAP_UNAUTHORIZED);
    } else if (c->bootstrap->staging && msg->code != TSR_COAP_GET && msg->code != TSR_COAP_FETCH) {
        refuse(c, event, TSR_COAP_UNAVAILABLE);
    } else if (is_trigger(msg)) {
        trigger(c, event);
    } else {
        return false;
    }
    return true;
}

static bool coap_event(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    bool request = event->kind == TSR_COAP_REQUEST;

    if (event->peer != c->bootstrap->account)
        return request && from_server(c, event);
    if (request)
        tsr_lwm2m_boot_request(c, event);
    else
        answered(c, event);
    return true;
}

static bool takes(tsr_lwm2m_client *c, enum bootstrap_matter matter, const void *what)
{
    const tsr_lwm2m_account *a = what;

    if (matter == BOOTSTRAP_EVENT)
        return coap_event(c, what);
    if (matter == BOOTSTRAP_FAILED)
        failed(c, a);
    else if (a == boot_account(c))
        turn(c, boot_account(c));
    return a == boot_account(c);
}

static void vacate_all(tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.account_count; i++) {
        if (is_regular(&c->config.accounts[i]))
            tsr_lwm2m_account_vacate(c, &c->config.accounts[i], false);
    }
}

/* Objects 0 and 1 have come from what was saved: accounts follow. */
static void restored(tsr_lwm2m_client *c)
{
    (void)tsr_lwm2m_boot_attach(c);
    (void)tsr_lwm2m_accounts_assign(c);
}

static const struct tsr_lwm2m_bootstrap_part part = { takes, down, vacate_all, restored,
                                                      tsr_lwm2m_stage_held };

static bool is_complete(const tsr_lwm2m_client_config *config, const tsr_lwm2m_bootstrap *b)
{
    const tsr_lwm2m_object *server;

    if (b->securities == NULL || b->staged_securities == NULL || b->staged_servers == NULL ||
        b->undo == NULL || b->hooks.usable == NULL || b->hooks.attach == NULL)
        return false;
    if (b->securities->count > UINT8_MAX || b->account >= config->account_count ||
        b->securities->credentials == NULL || b->securities->credentials->keys == NULL ||
        (b->securities->credentials->certificates != NULL && b->staged_certificates == NULL))
        return false;
    if (b->oscore != NULL &&
        (b->oscores == NULL || b->oscores->keys == NULL || b->staged_oscores == NULL))
        return false;
    server = tsr_lwm2m_object_find(config->registry, 1);
    return server != NULL && server->handlers == tsr_lwm2m_server_account(NULL).handlers;
}

/* Which of them are there is not known yet. */
static void adopt_keys(const tsr_lwm2m_credentials *all)
{
    for (size_t i = 0; i < all->key_count && all->first_key_id != 0; i++)
        all->keys[i] = all->first_key_id + (uint32_t)i;
}

/* Accounts have no servers as yet; a stand-in lets that pass where servers are looked for. */
static tsr_err place(tsr_lwm2m_client *c, const tsr_lwm2m_client_config *config,
                     const tsr_lwm2m_bootstrap *b)
{
    tsr_lwm2m_server nobody = { .used = true };
    tsr_lwm2m_servers servers = { .items = &nobody, .count = 1 };
    tsr_lwm2m_client_config with = *config;
    tsr_err err;

    with.servers = &servers;
    err = tsr_lwm2m_client_init_with(c, &with, &b->parts);
    c->config.servers = config->servers;
    return err;
}

tsr_err tsr_lwm2m_client_init_bootstrap(tsr_lwm2m_client *c, const tsr_lwm2m_client_config *config,
                                        const tsr_lwm2m_parts *parts, tsr_lwm2m_bootstrap *b)
{
    tsr_err err;

    if (config->accounts == NULL || config->account_count < 2 || config->registry == NULL ||
        config->servers == NULL || !is_complete(config, b))
        return TSR_E_ARGUMENT;
    if (parts->access == NULL && config->account_count > 2) /* one server beside this one */
        return TSR_E_ARGUMENT;
    for (size_t i = 0; i < config->account_count; i++)
        config->accounts[i] = (tsr_lwm2m_account){ .standing = TSR_LWM2M_STOPPED, .started = true,
                                                   .at_ms = UINT64_MAX };
    b->staging = b->reattach = false;
    b->parts = *parts;
    b->parts.bootstrap = &part;
    err = place(c, config, b);
    if (err != TSR_OK)
        return err;
    c->bootstrap = b;
    b->phase = TSR_LWM2M_BOOT_START;
    alarm(boot_account(c), TSR_LWM2M_WAITING, 0);
    adopt_keys(b->securities->credentials);
    if (b->oscore != NULL)
        b->oscore->adopt(b);
    return tsr_lwm2m_bootstrap_reset(c);
}

tsr_err tsr_lwm2m_bootstrap_reset(tsr_lwm2m_client *c)
{
    tsr_err err;

    vacate_all(c);
    err = tsr_lwm2m_boot_attach(c);
    return err == TSR_OK ? tsr_lwm2m_accounts_assign(c) : err;
}

tsr_err tsr_lwm2m_bootstrap_begin(tsr_lwm2m_client *c, uint64_t now_ms)
{
    c->now_ms = now_ms;
    if (own_account(c) == NULL)
        return TSR_E_NOT_FOUND;
    begin(c, true, "the host asked for it");
    return TSR_OK;
}
