/* SPDX-License-Identifier: Apache-2.0
 *
 * One server account: connect, Register, Update, De-register, and again (Core 6.2). */
#include "tessera/lwm2m/client/internal.h"

enum {
    MARGIN_S = 93,     /* MAX_TRANSMIT_WAIT of RFC 7252 §4.8.2: how long an Update may take */
    QUERY_LEN = 192,   /* all parameters of a Register but the endpoint name */
    QUERIES = 5,
    FOREVER_S = 86400 * 365,
};

tsr_lwm2m_server *account_server(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a)
{
    return tsr_lwm2m_server_find(c->config.servers, a->short_id);
}

static uint32_t server_number(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a,
                              tsr_lwm2m_server_resource r)
{
    const tsr_lwm2m_server *server = account_server(c, a);

    return server != NULL ? tsr_lwm2m_server_get(server, r) : 0;
}

/* Up to a quarter more, so that a thousand devices do not come back in one second. */
uint64_t with_jitter(tsr_lwm2m_client *c, uint64_t wait_ms)
{
    uint64_t draw = tsr_hash_u64(c->config.coap->seed, c->draws++);

    return wait_ms + (wait_ms / 4 != 0 ? draw % (wait_ms / 4) : 0);
}

/* A client that is to stop has nothing to wait for. */
void account_wait(tsr_lwm2m_client *c, tsr_lwm2m_account *a, uint64_t wait_ms)
{
    a->standing = a->stopping ? TSR_LWM2M_STOPPED : TSR_LWM2M_WAITING;
    a->at_ms = a->stopping ? UINT64_MAX : c->now_ms + wait_ms;
}

/* Ends what is open towards the server, without a word to it. */
void account_disconnect(tsr_lwm2m_client *c, tsr_lwm2m_account *a, bool forget)
{
    a->request = 0;
    if (a->up)
        tsr_coap_peer_gone(&c->coap, account_peer(c, a));
    if (a->channel != NULL && forget)
        a->channel->close(a->channel_state, false);
    a->up = false;
}

void account_stop(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const char *reason)
{
    a->standing = TSR_LWM2M_STOPPED;
    a->at_ms = UINT64_MAX;
    account_event(c, a, TSR_LWM2M_E_STOPPED, 0, reason);
}

/* Core 6.2.1.2 with /1/x/17 to 20. When all sequences are used up and there is nobody to bootstrap
 * from, a device that stopped would need a human: it goes on at the pace of sequences. */
void account_back_off(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    uint32_t delay_s = server_number(c, a, TSR_LWM2M_S_SEQUENCE_DELAY);

    if (a->attempts < UINT8_MAX)
        a->attempts++;
    if (a->attempts < server_number(c, a, TSR_LWM2M_S_RETRY_COUNT)) {
        unsigned shift = a->attempts - 1u < 16 ? a->attempts - 1u : 16;

        uint64_t wait_ms = (uint64_t)server_number(c, a, TSR_LWM2M_S_RETRY_TIMER) * 1000;

        account_wait(c, a, with_jitter(c, wait_ms << shift));
        return;
    }
    a->attempts = 0;
    if (a->sequences < UINT8_MAX)
        a->sequences++;
    if (delay_s == UINT32_MAX) {
        account_stop(c, a, "no further sequence (/1/x/19)");
        return;
    }
    account_wait(c, a, with_jitter(c, (uint64_t)delay_s * 1000));
}

void account_lost(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const char *reason)
{
    account_disconnect(c, a, true);
    account_event(c, a, TSR_LWM2M_E_REGISTER_FAILED, 0, reason);
    account_back_off(c, a);
}

static void put_version(tsr_buf *out, uint8_t minor)
{
    tsr_put_text(out, "lwm2m=1.");
    tsr_put_dec(out, minor);
}

/* Cuts what was written since `from` off as one query. */
static void query_end(const tsr_buf *out, size_t *from, tsr_bytes *queries, size_t *n)
{
    queries[(*n)++] = tsr_view(out->ptr + *from, out->len - *from);
    *from = out->len;
}

static uint32_t links_hash(tsr_bytes links)
{
    return (uint32_t)tsr_hash(0, links);
}

static tsr_bytes links_make(tsr_lwm2m_client *c, tsr_lwm2m_account *a, tsr_buf *body)
{
    *body = tsr_buf_over(c->config.body, c->config.body_len);
    links_put(c, a->version_minor, body);
    return tsr_buf_view(body);
}

static uint32_t lifetime_of(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a)
{
    return server_number(c, a, TSR_LWM2M_S_LIFETIME);
}

/* Core 6.2.1: the parameters of a Register. `text` holds their bytes. */
static size_t register_queries(tsr_lwm2m_client *c, const tsr_lwm2m_account *a, tsr_buf *text,
                               tsr_bytes *queries)
{
    const tsr_lwm2m_server *server = account_server(c, a);
    size_t n = 0, from = 0;

    tsr_put_text(text, "ep=");
    tsr_put_text(text, c->config.endpoint);
    query_end(text, &from, queries, &n);
    tsr_put_text(text, "lt=");
    tsr_put_dec(text, lifetime_of(c, a));
    query_end(text, &from, queries, &n);
    put_version(text, a->version_minor);
    query_end(text, &from, queries, &n);
    tsr_put_text(text, "b=");
    tsr_put_text(text, server != NULL ? server->binding : "U");
    query_end(text, &from, queries, &n);
    return n;
}

/* What this request tells; it becomes what was told when the server has accepted it. */
static void note_sent(tsr_lwm2m_client *c, tsr_lwm2m_account *a, tsr_bytes links)
{
    const tsr_lwm2m_server *server = account_server(c, a);

    a->update = a->relink = a->relifetime = false;
    a->sent_lifetime_s = lifetime_of(c, a);
    a->sent_links = links_hash(links);
    if (server != NULL)
        memcpy(a->sent_binding, server->binding, sizeof a->sent_binding);
}

static void request_send(tsr_lwm2m_client *c, tsr_lwm2m_account *a, tsr_coap_request *request)
{
    request->user = tag_make(TAG_REQUEST, 0, 0);
    if (tsr_coap_request_send(&c->coap, account_peer(c, a), request, c->now_ms, &a->request) !=
        TSR_OK)
        account_lost(c, a, "no room for the request: raise coap exchange_len or bodies");
}

static void send_register(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    tsr_buf text = tsr_buf_over(c->config.state, c->config.state_len);
    tsr_bytes queries[QUERIES];
    tsr_buf body;
    tsr_coap_request request = {
        .method = TSR_COAP_POST,
        .path = "/rd",
        .queries = queries,
        .query_count = register_queries(c, a, &text, queries),
        .content_format = { true, TSR_LWM2M_FORMAT_LINK },
        .payload = links_make(c, a, &body),
    };

    a->standing = TSR_LWM2M_REGISTERING;
    note_sent(c, a, request.payload);
    request_send(c, a, &request);
}

/* Core 6.2.2: only what changed, and then the object list as a whole. */
static void send_update(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    char room[32];
    tsr_buf text = tsr_buf_over(room, sizeof room);
    tsr_bytes queries[2];
    size_t from = 0;
    tsr_buf body;
    tsr_bytes links = links_make(c, a, &body);
    tsr_coap_request request = { .method = TSR_COAP_POST, .path = a->location, .queries = queries };

    note_sent(c, a, links);
    if (a->sent_lifetime_s != a->told_lifetime_s) {
        tsr_put_text(&text, "lt=");
        tsr_put_dec(&text, a->sent_lifetime_s);
        query_end(&text, &from, queries, &request.query_count);
    }
    if (strcmp(a->sent_binding, a->told_binding) != 0) {
        tsr_put_text(&text, "b=");
        tsr_put_text(&text, a->sent_binding);
        query_end(&text, &from, queries, &request.query_count);
    }
    if (a->sent_links != a->told_links) {
        request.payload = links;
        request.content_format = (tsr_coap_num){ true, TSR_LWM2M_FORMAT_LINK };
    }
    request_send(c, a, &request);
}

static void send_deregister(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    tsr_coap_request request = { .method = TSR_COAP_DELETE,
                                 .path = a->location };

    a->standing = TSR_LWM2M_DEREGISTERING;
    request_send(c, a, &request);
}

static bool links_changed(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    tsr_buf body;

    return links_hash(links_make(c, a, &body)) != a->told_links;
}

/* Core 6.2.2: in time before the lifetime ends, and a little early rather than a little late. */
static void schedule_update(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    uint64_t lifetime_s = a->told_lifetime_s;
    uint64_t margin_s = lifetime_s / 2 < MARGIN_S ? lifetime_s / 2 : MARGIN_S;
    uint64_t wait_ms;

    a->told_ms = c->now_ms;
    if (lifetime_s == 0 || lifetime_s > FOREVER_S) {
        a->at_ms = UINT64_MAX;
        return;
    }
    wait_ms = (lifetime_s - margin_s) * 1000;
    a->at_ms = c->now_ms + wait_ms - (with_jitter(c, wait_ms) - wait_ms) / 4;
}

static void registered(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    a->standing = TSR_LWM2M_REGISTERED;
    a->attempts = a->sequences = 0;
    a->told_lifetime_s = a->sent_lifetime_s;
    a->told_links = a->sent_links;
    memcpy(a->told_binding, a->sent_binding, sizeof a->told_binding);
    schedule_update(c, a);
    c->save_owed = true;
}

/* RFC 7252 §5.10.7: Location-Path options as one text. False: none, or too long. */
static bool location_read(const tsr_coap_msg *msg, char *location)
{
    tsr_buf out = tsr_buf_over(location, TSR_LWM2M_LOCATION_LEN);
    tsr_coap_opts it = { .rest = msg->options };
    tsr_bytes segment;

    while (tsr_coap_opt_find(&it, TSR_COAP_LOCATION_PATH, &segment) == TSR_OK) {
        tsr_put_u8(&out, '/');
        tsr_put_bytes(&out, segment);
    }
    if (out.err != TSR_OK || out.len == 0 || memchr(location, 0, out.len) != NULL)
        return false;
    location[out.len] = '\0';
    return true;
}

static void register_answer(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const tsr_coap_event *event)
{
    uint8_t code = event->msg->code;
    char location[TSR_LWM2M_LOCATION_LEN + 1];

    if (code == TSR_COAP_CREATED && location_read(event->msg, location)) {
        memcpy(a->location, location, sizeof location);
        observe_end_all(c, account_peer(c, a), "registered anew");
        registered(c, a);
        account_event(c, a, TSR_LWM2M_E_REGISTERED, code, "");
        return;
    }
    account_event(c, a, TSR_LWM2M_E_REGISTER_FAILED, code,
                  code == TSR_COAP_CREATED ? "no usable Location-Path in the answer" : "refused");
    if (code == TSR_COAP_PRECONDITION_FAILED && a->version_minor > 0) {
        a->version_minor--; /* Core 6.2.1.1: 4.12 says that the version is not supported */
        send_register(c, a);
        return;
    }
    a->version_minor = c->config.version_minor;
    account_back_off(c, a);
}

static void update_answer(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const tsr_coap_event *event)
{
    if (event->msg->code == TSR_COAP_CHANGED) {
        registered(c, a);
        account_event(c, a, TSR_LWM2M_E_UPDATED, event->msg->code, "");
        return;
    }
    account_event(c, a, TSR_LWM2M_E_REGISTER_FAILED, event->msg->code, "update refused");
    a->location[0] = '\0'; /* Core 6.2.2: 4.04, the server does not know us; any other code: alike */
    send_register(c, a);
}

static void gone(tsr_lwm2m_client *c, tsr_lwm2m_account *a, uint8_t code)
{
    bool stopping = a->stopping;

    a->location[0] = '\0';
    a->stopping = a->disabling = false;
    observe_end_all(c, account_peer(c, a), "de-registered");
    account_event(c, a, TSR_LWM2M_E_DEREGISTERED, code, "");
    c->save_owed = true;
    if (stopping) {
        if (a->channel != NULL)
            a->channel->close(a->channel_state, true);
        a->standing = TSR_LWM2M_STOPPED;
        a->at_ms = UINT64_MAX;
        return;
    }
    account_disconnect(c, a, false);
    account_wait(c, a, (uint64_t)a->disable_s * 1000);
}

void account_answer(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    tsr_lwm2m_account *a = &c->config.accounts[event->peer];
    if (event->id != a->request || a->request == 0)
        return;
    a->request = 0;
    if (a->standing == TSR_LWM2M_DEREGISTERING) {
        /* Core 6.2.3: a client that leaves does not wait for a server that is silent. */
        gone(c, a, event->kind == TSR_COAP_RESPONSE ? event->msg->code : 0);
    } else if (event->kind != TSR_COAP_RESPONSE) {
        account_lost(c, a, "no answer");
    } else if (a->standing == TSR_LWM2M_REGISTERING) {
        register_answer(c, a, event);
    } else {
        update_answer(c, a, event);
    }
}

void account_connected(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    a->local_tries = 0;
    if (a->channel != NULL && !a->up)
        account_event(c, a, TSR_LWM2M_E_CONNECTED, 0, "");
    a->up = true;
    if (a->location[0] == '\0') {
        send_register(c, a);
        return;
    }
    a->standing = TSR_LWM2M_REGISTERED;
    a->update = true;
    a->at_ms = c->now_ms;
}

static void connect(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    if (a->channel == NULL || a->up)
        account_connected(c, a);
    else
        c->parts->channels->open(c, a);
}

static void step_registered(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    if (a->request != 0 || !a->up)
        return;
    if (a->stopping || a->disabling) {
        send_deregister(c, a);
        return;
    }
    if (a->relink) {
        a->relink = false;
        a->update |= links_changed(c, a);
    }
    if (a->relifetime) {
        a->relifetime = false;
        a->update |= lifetime_of(c, a) != a->told_lifetime_s ||
                     strcmp(account_server(c, a)->binding, a->told_binding) != 0;
    }
    if (a->update || c->now_ms >= a->at_ms)
        send_update(c, a);
}

/* The first step starts the clock of an account: /1/x/14 for a new registration. */
static void step_first(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    uint32_t delay_s = a->location[0] == '\0' ? server_number(c, a, TSR_LWM2M_S_INITIAL_DELAY) : 0;

    a->started = true;
    a->at_ms = c->now_ms + (uint64_t)delay_s * 1000;
}

void account_step(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    if (!a->started)
        step_first(c, a);
    if (a->standing == TSR_LWM2M_WAITING && c->now_ms >= a->at_ms)
        connect(c, a);
    else if (a->standing == TSR_LWM2M_REGISTERED)
        step_registered(c, a);
}

uint64_t account_due_ms(const tsr_lwm2m_account *a)
{
    if (!a->started)
        return 0;
    if (a->standing == TSR_LWM2M_WAITING)
        return a->at_ms;
    if (a->standing != TSR_LWM2M_REGISTERED || a->request != 0 || !a->up)
        return UINT64_MAX;
    return a->update || a->relink || a->relifetime || a->stopping || a->disabling ? 0 : a->at_ms;
}

/* What an Execute on Server means (Core E.2). The answer is on its way already. */
void account_executed(tsr_lwm2m_client *c, tsr_lwm2m_path at)
{
    for (size_t i = 0; i < c->config.account_count; i++) {
        tsr_lwm2m_account *a = &c->config.accounts[i];
        const tsr_lwm2m_server *server = account_server(c, a);

        if (server == NULL || server->id != at.instance)
            continue;
        if (at.resource == TSR_LWM2M_S_UPDATE) {
            a->update = true;
        } else if (at.resource == TSR_LWM2M_S_DISABLE) {
            a->disabling = true;
            a->disable_s = tsr_lwm2m_server_get(server, TSR_LWM2M_S_DISABLE_TIMEOUT);
        }
    }
}

void tsr_lwm2m_client_update(tsr_lwm2m_client *c, size_t account)
{
    if (account < c->config.account_count)
        c->config.accounts[account].update = true;
}

void tsr_lwm2m_client_moved(tsr_lwm2m_client *c, size_t account, uint64_t now_ms)
{
    tsr_lwm2m_account *a;

    if (account >= c->config.account_count)
        return;
    a = &c->config.accounts[account];
    if (a->standing == TSR_LWM2M_STOPPED)
        return;
    c->now_ms = now_ms;
    a->attempts = 0;
    if (a->channel != NULL && a->standing != TSR_LWM2M_WAITING &&
        !(a->up && a->channel->moved(a->channel_state)))
        account_disconnect(c, a, true);
    if (!a->up)
        account_wait(c, a, 0);
    a->update = true;
}

/* A Register whose answer is still to come may have made a registration, so it is waited for. */
static bool has_to_leave(const tsr_lwm2m_account *a)
{
    return a->up && a->standing != TSR_LWM2M_STOPPED && (a->location[0] != '\0' || a->request != 0);
}

void tsr_lwm2m_client_stop(tsr_lwm2m_client *c, bool deregister, uint64_t now_ms)
{
    (void)now_ms;
    for (size_t i = 0; i < c->config.account_count; i++) {
        tsr_lwm2m_account *a = &c->config.accounts[i];

        if (deregister && has_to_leave(a)) {
            a->stopping = true;
            continue;
        }
        account_disconnect(c, a, false);
        a->standing = TSR_LWM2M_STOPPED;
        a->at_ms = UINT64_MAX;
    }
}

bool tsr_lwm2m_client_stopped(const tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.account_count; i++) {
        if (c->config.accounts[i].standing != TSR_LWM2M_STOPPED)
            return false;
    }
    return true;
}
