/* SPDX-License-Identifier: Apache-2.0
 *
 * Two CoAP engines that speak OSCORE under a stream of steps: requests, answers now and later,
 * notifications, blocks; datagrams that are lost, doubled, changed, or made up; and new keys
 * (RFC 8613 §B.2), begun by either end as its first end is the client. Whatever the line does, the
 * application sees only what the other side said, and each answer answers its request. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "tessera/oscore/datagram.h"
#include "tessera/oscore/guard.h"
#include "tessera/oscore/renew.h"

enum { ROOM = 1400, FLIGHT = 8, LONGEST = 1500, TICKETS = 4 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    tsr_coap coap;
    tsr_coap_config config;
    tsr_oscore_guard guard;
    tsr_oscore context;
    void *coap_memory, *guard_memory;
    tsr_coap_id ticket[TICKETS];
    uint8_t asked[TICKETS];
    size_t tickets;
    unsigned turns;
    bool observed;
    uint8_t observed_tag;
    uint8_t token[TSR_COAP_TOKEN_MAX], token_len;
} side;

typedef struct {
    uint8_t bytes[ROOM];
    size_t len;
    int to;
} flight;

static tsr_oscore context0[2]; /* as they are before each input */
static tsr_oscore_params keys[2];
static psa_key_id_t r2_key;
static uint8_t text[LONGEST];  /* of every body: byte n is n, then the tag of its request */
static side ends[2];
static flight air[FLIGHT];
static size_t flying;
static uint64_t now_ms;
static uint32_t sequence;

static tsr_err to(void *user, tsr_coap_peer peer, tsr_oscore **context)
{
    (void)peer;
    *context = &((side *)user)->context;
    return TSR_OK;
}

static tsr_err from(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                    tsr_oscore **context)
{
    (void)peer;
    *context = &((side *)user)->context;
    return option == NULL ? TSR_E_DENIED : TSR_OK;
}

/* The keys that all inputs begin with stay. */
static void change_context(side *e, const tsr_oscore *next)
{
    if (e->context.sender_key != context0[e - ends].sender_key)
        tsr_oscore_free(&e->context);
    e->context = *next;
}

static tsr_err asked(void *user, tsr_oscore *context, const tsr_oscore_exchange *x,
                     tsr_bytes datagram, tsr_buf *scratch)
{
    side *e = user;
    tsr_oscore next = { .live = false };
    tsr_err err;

    if (e != &ends[0] || e->turns == 3)
        return TSR_E_STATE;
    err = tsr_oscore_renew_answered(context, x, &keys[0], datagram, scratch, &next);
    if (err != TSR_OK)
        return err;
    e->turns++;
    change_context(e, &next);
    return TSR_OK;
}

static tsr_err answered(void *user, tsr_oscore *context)
{
    ((side *)user)->turns = 0;
    return context->said_len != 0 ? tsr_oscore_renew_keep(context, &keys[0]) : TSR_OK;
}

static tsr_bytes said(tsr_bytes datagram)
{
    tsr_oscore_option option;
    tsr_bytes body;

    must(tsr_oscore_body(datagram, &body) == TSR_OK &&
         tsr_oscore_option_find(body, &option) == TSR_OK);
    return tsr_oscore_renew_said(option.kid_context);
}

static tsr_err accept(void *user, tsr_oscore *context, tsr_bytes datagram, tsr_buf *scratch)
{
    side *e = user;
    tsr_oscore next;

    (void)context;
    if (e != &ends[1] || !tsr_oscore_renew_is_r2(r2_key, said(datagram)) ||
        tsr_oscore_renew_accept(&next, &keys[1], said(datagram), datagram, scratch) != TSR_OK)
        return TSR_E_NOT_FOUND;
    change_context(e, &next);
    return TSR_OK;
}

static tsr_err offer(void *user, tsr_oscore *context, tsr_err why, tsr_bytes datagram, uint16_t mid,
                     tsr_buf *scratch, tsr_buf *out)
{
    uint8_t r2[TSR_OSCORE_R2_LEN];
    tsr_bytes id1 = tsr_view(context->has_id_context ? context->id_context : NULL,
                             context->id_context_len);

    if (user != &ends[1] || why == TSR_E_EXISTS || why == TSR_E_MALFORMED)
        return TSR_END;
    if (why == TSR_E_NOT_FOUND && said(datagram).ptr != NULL)
        id1 = said(datagram);
    else if (why == TSR_E_CRYPTO)
        id1 = tsr_view(NULL, 0);
    must(tsr_oscore_renew_r2(r2_key, r2) == TSR_OK);
    return tsr_oscore_renew_offer(&keys[1], id1, tsr_view(r2, sizeof r2), datagram, mid, scratch, out) ==
                   TSR_OK
               ? TSR_OK
               : TSR_END;
}

static const tsr_oscore_guard_renewal renewal = {
    .asked = asked,
    .answered = answered,
    .accept = accept,
    .offer = offer,
};

static void place(side *e, uint64_t seed)
{
    tsr_oscore_guard_config g = { &e->config, ROOM, 2, { .user = e,
                                                    .to = to,
                                                    .from = from,
                                                    .renewal = &renewal } };

    e->config = (tsr_coap_config){ .peers = 1,
                                   .exchanges = 6,
                                   .exchange_len = 200,
                                   .bodies = 3,
                                   .body_len = LONGEST,
                                   .seen = 16,
                                   .log_len = 2048,
                                   .watches = 2,
                                   .watch_len = 32,
                                   .seed = seed,
                                   .params = tsr_coap_params_default() };
    e->config.params.szx = 2;
    if (e->coap_memory == NULL) {
        e->coap_memory = malloc(tsr_coap_memory(&e->config));
        e->guard_memory = malloc(tsr_oscore_guard_memory(&g));
    }
    must(e->coap_memory != NULL && e->guard_memory != NULL);
    must(tsr_coap_init(&e->coap, &e->config, e->coap_memory, tsr_coap_memory(&e->config)) ==
         TSR_OK);
    must(tsr_oscore_guard_init(&e->guard, &g, e->guard_memory, tsr_oscore_guard_memory(&g)) ==
         TSR_OK);
    tsr_coap_guard_set(&e->coap, &tsr_oscore_guard_calls, &e->guard);
    e->tickets = 0;
    e->turns = 0;
    e->observed = false;
}

static void init(size_t end, const char *sender, const char *recipient, psa_key_id_t secret)
{
    keys[end] = (tsr_oscore_params){ .master_secret = secret,
                            .sender_id = tsr_text(sender),
                            .recipient_id = tsr_text(recipient) };
    must(tsr_oscore_init(&context0[end], &keys[end], (tsr_bytes){ NULL, 0 }) == TSR_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t secret;

    (void)argc, (void)argv;
    for (size_t i = 0; i < LONGEST; i++)
        text[i] = (uint8_t)i;
    must(psa_crypto_init() == PSA_SUCCESS);
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    must(psa_import_key(&a, text, 16, &secret) == PSA_SUCCESS);
    init(0, "c", "s", secret);
    init(1, "s", "c", secret);
    a = (psa_key_attributes_t)PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_bits(&a, 256);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    must(psa_import_key(&a, text, 32, &r2_key) == PSA_SUCCESS);
    return 0;
}

/* A body's length and content follow from one byte. */
static tsr_bytes body_of(uint8_t tag) { return tsr_view(text + (tag & 15), (size_t)tag * 5); }

static bool is_body(uint8_t tag, tsr_bytes body)
{
    return tsr_same(body, body_of(tag));
}

static void answer(side *e, size_t i, bool more)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT,
                            .observe = { more, sequence },
                            .payload = body_of(e->asked[i]) };

    if (tsr_coap_respond(&e->coap, e->ticket[i], &r, now_ms) != TSR_OK)
        (void)tsr_coap_cancel(&e->coap, e->ticket[i]);
    e->tickets--;
    e->ticket[i] = e->ticket[e->tickets];
    e->asked[i] = e->asked[e->tickets];
}

/* "/t/NN": the tag is said in the path, and the body of a PUT must be its. */
static uint8_t tag_in(const tsr_coap_event *event)
{
    must(event->msg->path_count == 1 && event->msg->path[0].len == 1);
    return event->msg->path[0].ptr[0];
}

static void request_came(side *e, const tsr_coap_event *event)
{
    uint8_t tag = tag_in(event);

    must(event->msg->code == TSR_COAP_PUT ? is_body(tag, event->body) : event->body.len == 0);
    if (event->msg->observe.set) {
        e->observed = event->msg->observe.value == 0;
        e->observed_tag = tag;
        e->token_len = (uint8_t)event->token.len;
        memcpy(e->token, event->token.ptr, event->token.len);
    }
    if (e->tickets == TICKETS)
        answer(e, 0, false);
    e->ticket[e->tickets] = event->id;
    e->asked[e->tickets++] = tag;
}

static void events(side *e)
{
    tsr_coap_event event;

    while (tsr_coap_event_next(&e->coap, &event)) {
        if (event.kind == TSR_COAP_REQUEST)
            request_came(e, &event);
        else if (event.kind == TSR_COAP_RESPONSE && event.msg->code == TSR_COAP_CONTENT)
            must(is_body((uint8_t)event.user, event.body));
        else if (event.kind == TSR_COAP_NOTIFICATION && !event.partial)
            must(event.msg->code != TSR_COAP_CONTENT || is_body((uint8_t)event.user, event.body));
    }
}

static void send_all(int from_end)
{
    side *e = &ends[from_end];

    for (;;) {
        flight *f = &air[flying < FLIGHT ? flying : FLIGHT - 1];
        tsr_buf out = tsr_buf_over(f->bytes, ROOM);
        tsr_coap_peer peer;
        tsr_err err = tsr_coap_poll(&e->coap, &peer, &out, now_ms);

        events(e);
        if (err == TSR_END)
            return;
        must(err == TSR_OK && out.len >= 4);
        f->len = out.len;
        f->to = !from_end;
        if (flying < FLIGHT)
            flying++;
    }
}

static void feed(int end, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len != 0 ? len : 1);

    must(copy != NULL);
    if (len != 0)
        memcpy(copy, bytes, len);
    must(tsr_coap_feed(&ends[end].coap, 0, tsr_view(copy, len), now_ms) == TSR_OK);
    events(&ends[end]);
    free(copy);
}

static void ask(side *e, uint8_t how, uint8_t tag)
{
    tsr_bytes segment = { &tag, 1 };
    tsr_coap_request r = { .method = (how & 8) != 0 ? TSR_COAP_PUT : TSR_COAP_GET,
                           .non = (how & 4) != 0,
                           .segments = &segment,
                           .segment_count = 1,
                           .user = tag };

    if (r.method == TSR_COAP_PUT)
        r.payload = body_of(tag);
    else if ((how & 2) != 0)
        r.observe = (tsr_coap_num){ true, 0 };
    (void)tsr_coap_request_send(&e->coap, 0, &r, now_ms, NULL);
}

static void notify(side *e, uint8_t how)
{
    tsr_coap_response r = { .code = TSR_COAP_CONTENT, .payload = body_of(e->observed_tag) };

    if (e->observed)
        (void)tsr_coap_notify(&e->coap, 0, tsr_view(e->token, e->token_len), ++sequence,
                              (how & 2) != 0, &r, now_ms, NULL);
}

static void line(uint8_t how, uint8_t which)
{
    flight *f;

    if (flying == 0)
        return;
    f = &air[which % flying];
    if ((how & 1) == 0) /* changed on the way */
        f->bytes[(how * 7u + which) % f->len] ^= (uint8_t)(1u << (which & 7));
    feed(f->to, f->bytes, f->len);
    if ((how & 2) == 0)
        *f = air[--flying];
}

static void step(uint8_t what, uint8_t which, const uint8_t **data, size_t *size)
{
    side *e = &ends[what & 1];
    uint8_t how = what >> 4;

    switch (what >> 1 & 7) {
    case 0: ask(e, how, which); break;
    case 1:
        if (e->tickets != 0)
            answer(e, which % e->tickets, (how & 1) != 0);
        break;
    case 2: notify(e, how); break;
    case 3: line(how | 1, which); break;
    case 4: line(how, which); break;
    case 5: now_ms += (uint64_t)which << how; break;
    case 6: /* made up */
        feed(what & 1, *data, which < *size ? which : *size);
        break;
    default:
        if (how == 0)
            tsr_oscore_demand_echo(&e->context);
        else if (how == 1)
            flying = 0;
        else if (how == 2) { /* the server lost its keys, or the client its own */
            change_context(&ends[1], &context0[1]);
        } else if (how == 3) {
            tsr_oscore asks;

            must(tsr_oscore_renew_ask(&asks, &keys[0]) == TSR_OK);
            change_context(&ends[0], &asks);
        }
    }
    send_all(0);
    send_all(1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    flying = 0;
    now_ms = 1000;
    sequence = 1;
    for (int i = 0; i < 2; i++) {
        ends[i].context = context0[i];
        place(&ends[i], (uint64_t)i + 1);
    }
    while (size >= 2) {
        uint8_t what = data[0], which = data[1];

        data += 2;
        size -= 2;
        step(what, which, &data, &size);
    }
    for (int i = 0; i < 2; i++)
        change_context(&ends[i], &context0[i]);
    return 0;
}
