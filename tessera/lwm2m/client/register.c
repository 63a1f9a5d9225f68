/* SPDX-License-Identifier: Apache-2.0
 *
 * One server account: connect, Register, Update, De-register, and again (Core 6.2). */
#include "tessera/lwm2m/client/internal.h"

enum {
    MARGIN_S = 93,     /* MAX_TRANSMIT_WAIT of RFC 7252 §4.8.2: how long an Update may take */
    FOREVER_S = 86400 * 365,
};

tsr_lwm2m_server *tsr_lwm2m_account_server(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a)
{
    return tsr_lwm2m_server_find(c->config.servers, a->short_id);
}

static uint32_t server_number(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a,
                              tsr_lwm2m_server_resource r)
{
    const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, a);

    return server != NULL ? tsr_lwm2m_server_get(server, r) : 0;
}

/* Up to a quarter more, so that a thousand devices do not come back in one second. */
uint64_t tsr_lwm2m_client_jitter(tsr_lwm2m_client *c, uint64_t wait_ms)
{
    uint64_t draw = tsr_hash(c->config.coap->seed, tsr_view(&c->draws, sizeof c->draws));
    uint32_t part = (uint16_t)draw; /* of 65536, in two steps, so that no product is too long */

    c->draws++;
    return wait_ms + ((wait_ms >> 16) * part + ((wait_ms & 0xffff) * part >> 16)) / 4;
}

/* A client that is to stop has nothing to wait for. */
void tsr_lwm2m_account_wait(tsr_lwm2m_client *c, tsr_lwm2m_account *a, uint64_t wait_ms)
{
    a->standing = a->stopping ? TSR_LWM2M_STOPPED : TSR_LWM2M_WAITING;
    a->at_ms = a->stopping ? UINT64_MAX : c->now_ms + wait_ms;
}

/* Ends what is open towards the server, without a word to it. */
void tsr_lwm2m_account_disconnect(tsr_lwm2m_client *c, tsr_lwm2m_account *a, bool forget)
{
    a->request = 0;
    if (a->up)
        tsr_coap_peer_gone(&c->coap, account_peer(c, a));
    if (a->channel != NULL && forget)
        a->channel->close(a->channel_state, false);
    a->up = false;
}

static void halt(tsr_lwm2m_account *a)
{
    a->standing = TSR_LWM2M_STOPPED;
    a->at_ms = UINT64_MAX;
}

void tsr_lwm2m_account_stop(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const char *reason)
{
    halt(a);
    tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_STOPPED, 0)->reason = reason;
}

/* Core 6.2.1.2 with /1/x/17 to 20. When all sequences are used up and there is nobody to bootstrap
 * from, a device that stopped would need a human: it goes on at the pace of sequences. */
static void back_off(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    uint32_t delay_s = server_number(c, a, TSR_LWM2M_S_SEQUENCE_DELAY);

    a->attempts++;
    if (a->attempts < server_number(c, a, TSR_LWM2M_S_RETRY_COUNT)) {
        unsigned shift = a->attempts - 1u < 16 ? a->attempts - 1u : 16;

        uint64_t wait_ms = (uint64_t)server_number(c, a, TSR_LWM2M_S_RETRY_TIMER) * 1000;

        tsr_lwm2m_account_wait(c, a, tsr_lwm2m_client_jitter(c, wait_ms << shift));
        return;
    }
    a->attempts = 0;
    a->sequences++;
    if (delay_s == UINT32_MAX) {
        tsr_lwm2m_account_stop(c, a, tsr_lwm2m_client_word(c, WORD_NO_SEQUENCE));
        return;
    }
    tsr_lwm2m_account_wait(c, a, tsr_lwm2m_client_jitter(c, (uint64_t)delay_s * 1000));
}

void tsr_lwm2m_account_back_off(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    back_off(c, a);
    (void)tsr_lwm2m_bootstrap_takes(c, BOOTSTRAP_FAILED, a);
}

void tsr_lwm2m_account_lost(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const char *reason)
{
    tsr_lwm2m_account_disconnect(c, a, true);
    tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_REGISTER_FAILED, 0)->reason = reason;
    tsr_lwm2m_account_back_off(c, a);
}

/* Each ends where the next one begins. */
static void queries_close(queries *q)
{
    const uint8_t *end = q->text.ptr + q->text.len;

    for (size_t i = q->count; i-- > 0; end = q->items[i].ptr)
        q->items[i].len = (size_t)(end - q->items[i].ptr);
}

/* What a server is told, as it is now: it becomes what was told when the server has accepted it.
 * The object list stands in config.body, of which it takes so many bytes. */
static size_t survey(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, a);
    tsr_buf links = tsr_buf_over(c->config.body, c->config.body_len);

    tsr_lwm2m_links_put(c, a->version_minor, &links);
    a->relink = false;
    a->sent.links = (uint32_t)tsr_hash(0, tsr_buf_view(&links));
    if (server != NULL) {
        a->sent.lifetime_s = tsr_lwm2m_server_get(server, TSR_LWM2M_S_LIFETIME);
        memcpy(a->sent.binding, server->binding, sizeof a->sent.binding);
    }
    return links.len;
}

static void request_send(tsr_lwm2m_client *c, tsr_lwm2m_account *a, tsr_coap_request *request)
{
    request->user = tag_make(TAG_REQUEST, 0, 0);
    if (tsr_coap_request_send(&c->coap, account_peer(c, a), request, c->now_ms, &a->request) !=
        TSR_OK)
        tsr_lwm2m_account_lost(c, a, tsr_lwm2m_client_word(c, WORD_NO_ROOM));
}

/* Core 6.2.1, or 6.2.2 where there is a registration: then only what changed is told, and the
 * object list as a whole if it did. */
static void tell(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    bool anew = a->location[0] == '\0';
    queries q = { .text = tsr_buf_over(c->config.state, c->config.state_len) };
    size_t links_len = survey(c, a);
    tsr_coap_request request = { .method = TSR_COAP_POST, .path = a->location, .queries = q.items };

    a->update = false;
    if (anew) {
        /* Now, not with the 2.01: by then the server may have forgotten them for long. */
        observe_end_all(c, account_peer(c, a), tsr_lwm2m_client_word(c, WORD_ANEW));
        a->standing = TSR_LWM2M_REGISTERING;
        request.path = "/rd";
        query_open(&q, "ep=");
        tsr_put_text(&q.text, c->config.endpoint);
    }
    if (anew || a->sent.lifetime_s != a->told.lifetime_s) {
        query_open(&q, "lt=");
        tsr_put_dec(&q.text, a->sent.lifetime_s);
    }
    if (anew) {
        query_open(&q, "lwm2m=1.");
        tsr_put_dec(&q.text, a->version_minor);
    }
    if (anew || strcmp(a->sent.binding, a->told.binding) != 0) {
        query_open(&q, "b=");
        tsr_put_text(&q.text, a->sent.binding);
    }
    if (anew || a->sent.links != a->told.links) {
        request.payload = tsr_view(c->config.body, links_len);
        request.content_format = (tsr_coap_num){ true, TSR_LWM2M_FORMAT_LINK };
    }
    if (c->parts->parameters != NULL)
        c->parts->parameters(c, a, &request, &q);
    queries_close(&q);
    request.query_count = q.count;
    request_send(c, a, &request);
}

static void send_deregister(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    tsr_coap_request request = { .method = TSR_COAP_DELETE, .path = a->location };

    a->standing = TSR_LWM2M_DEREGISTERING;
    request_send(c, a, &request);
}

/* Core 6.2.2: in time before the lifetime ends, and a little early rather than a little late. */
static void schedule_update(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    uint32_t lifetime_s = a->told.lifetime_s;
    uint32_t margin_s = lifetime_s / 2 < MARGIN_S ? lifetime_s / 2 : MARGIN_S;
    uint64_t wait_ms = (uint64_t)(lifetime_s - margin_s) * 1000;

    a->told_ms = c->now_ms;
    a->at_ms = UINT64_MAX;
    if (lifetime_s - 1 < FOREVER_S) /* 0 is for ever too */
        a->at_ms = c->now_ms + wait_ms - (tsr_lwm2m_client_jitter(c, wait_ms) - wait_ms) / 4;
}

static void registered(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    a->standing = TSR_LWM2M_REGISTERED;
    a->attempts = a->sequences = 0;
    a->told = a->sent;
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
    if (out.err != TSR_OK || memchr(location, 0, out.len) != NULL)
        out.len = 0;
    location[out.len] = '\0';
    return out.len != 0;
}

/* Is there another way to say it? Core 6.2.1.1: 4.12 says that the version is not supported; any
 * other refusal may be due to what stood for the object list. */
static bool can_say_otherwise(tsr_lwm2m_account *a, uint8_t code)
{
    uint8_t *ways = code == TSR_COAP_PRECONDITION_FAILED ? &a->version_minor : &a->brief;

    if (*ways == 0)
        return false;
    --*ways;
    return true;
}

static void register_answer(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const tsr_coap_msg *answer)
{
    enum client_words reason = WORD_REFUSED;

    if (answer->code == TSR_COAP_CREATED) {
        if (location_read(answer, a->location)) {
            registered(c, a);
            tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_REGISTERED, answer->code);
            return;
        }
        reason = WORD_NO_LOCATION;
    }
    tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_REGISTER_FAILED, answer->code)->reason =
        tsr_lwm2m_client_word(c, reason);
    if (can_say_otherwise(a, answer->code)) {
        tell(c, a);
        return;
    }
    a->version_minor = c->config.version_minor;
    tsr_lwm2m_account_back_off(c, a);
}

static void update_answer(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const tsr_coap_msg *answer)
{
    if (answer->code == TSR_COAP_CHANGED) {
        registered(c, a);
        tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_UPDATED, answer->code);
        return;
    }
    tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_REGISTER_FAILED, answer->code)->reason =
        tsr_lwm2m_client_word(c, WORD_UPDATE_REFUSED);
    a->location[0] = '\0'; /* Core 6.2.2: 4.04, the server does not know us; any other code: alike */
    tell(c, a);
}

static void gone(tsr_lwm2m_client *c, tsr_lwm2m_account *a, uint8_t code)
{
    bool stopping = a->stopping;

    a->location[0] = '\0';
    a->stopping = a->disabling = false;
    observe_end_all(c, account_peer(c, a), tsr_lwm2m_client_word(c, WORD_DEREGISTERED));
    tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_DEREGISTERED, code);
    c->save_owed = true;
    if (stopping) {
        if (a->channel != NULL)
            a->channel->close(a->channel_state, true);
        halt(a);
        return;
    }
    tsr_lwm2m_account_disconnect(c, a, false);
    tsr_lwm2m_account_wait(c, a, (uint64_t)a->disable_s * 1000);
}

void tsr_lwm2m_account_answer(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    tsr_lwm2m_account *a = &c->config.accounts[event->peer];
    if (event->id != a->request || a->request == 0)
        return;
    a->request = 0;
    if (a->standing == TSR_LWM2M_DEREGISTERING) {
        /* Core 6.2.3: a client that leaves does not wait for a server that is silent. */
        gone(c, a, event->kind == TSR_COAP_RESPONSE ? event->msg->code : 0);
    } else if (event->kind != TSR_COAP_RESPONSE) {
        tsr_lwm2m_account_lost(c, a, tsr_lwm2m_client_word(c, WORD_NO_ANSWER));
    } else if (a->standing == TSR_LWM2M_REGISTERING) {
        register_answer(c, a, event->msg);
    } else {
        update_answer(c, a, event->msg);
    }
}

void tsr_lwm2m_account_connected(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    a->local_tries = 0;
    if (a->channel != NULL && !a->up)
        tsr_lwm2m_account_event(c, a, TSR_LWM2M_E_CONNECTED, 0);
    a->up = true;
    if (tsr_lwm2m_bootstrap_takes(c, BOOTSTRAP_TURN, a))
        return;
    if (a->location[0] == '\0') {
        tell(c, a);
        return;
    }
    a->standing = TSR_LWM2M_REGISTERED;
    a->update = true; /* at once */
}

static void connect(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    if (a->channel == NULL || a->up)
        tsr_lwm2m_account_connected(c, a);
    else
        c->parts->channels->open(c, a);
}

static void step_registered(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    if (a->stopping || a->disabling) {
        send_deregister(c, a);
        return;
    }
    if (a->relink) {
        (void)survey(c, a);
        a->update |= memcmp(&a->sent, &a->told, sizeof a->sent) != 0;
    }
    if (a->update || c->now_ms >= a->at_ms)
        tell(c, a);
}

/* The first step starts the clock of an account: /1/x/14 for a new registration. */
static void step_first(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    uint32_t delay_s = a->location[0] == '\0' ? server_number(c, a, TSR_LWM2M_S_INITIAL_DELAY) : 0;

    a->started = true;
    a->at_ms = c->now_ms + (uint64_t)delay_s * 1000;
}

/* Called when tsr_lwm2m_account_due_ms() says so: nothing is under way then. */
void tsr_lwm2m_account_step(tsr_lwm2m_client *c, tsr_lwm2m_account *a)
{
    if (!a->started) {
        step_first(c, a);
    } else if (a->standing == TSR_LWM2M_REGISTERED) {
        step_registered(c, a);
    } else if (c->parts->turn == NULL || c->parts->turn(c, a)) {
        connect(c, a); /* its time to wait is over: nothing else is due */
    }
}

uint64_t tsr_lwm2m_account_due_ms(const tsr_lwm2m_account *a)
{
    if (!a->started)
        return 0;
    if (a->standing <= TSR_LWM2M_BOOTSTRAPPING)
        return a->at_ms;
    if (a->standing != TSR_LWM2M_REGISTERED || a->request != 0 || !a->up)
        return UINT64_MAX;
    return a->update || a->relink || a->stopping || a->disabling ? 0 : a->at_ms;
}

/* What an Execute on the account's own Server means (Core E.2). The answer is on its way. */
void tsr_lwm2m_account_executed(const tsr_lwm2m_client *c, tsr_lwm2m_account *a, uint16_t resource)
{
    if (resource == TSR_LWM2M_S_UPDATE) {
        a->update = c->parts->binding == NULL || !c->parts->binding(c, a);
    } else if (resource == TSR_LWM2M_S_DISABLE) {
        a->disabling = true;
        a->disable_s = server_number(c, a, TSR_LWM2M_S_DISABLE_TIMEOUT);
    }
}

void tsr_lwm2m_client_update(tsr_lwm2m_client *c, size_t account)
{
    if (account < c->config.account_count) {
        c->config.accounts[account].update = true;
        c->config.accounts[account].binding = 0;
    }
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
    if (a->channel != NULL &&
        (a->up ? !a->channel->moved(a->channel_state) : a->standing != TSR_LWM2M_WAITING))
        tsr_lwm2m_account_disconnect(c, a, true);
    if (!a->up)
        tsr_lwm2m_account_wait(c, a, 0);
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
        tsr_lwm2m_account_disconnect(c, a, false);
        halt(a);
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
