/* SPDX-License-Identifier: Apache-2.0
 *
 * The server under OSCORE: who gets in, what is refused, and that keys, numbers and observations
 * survive a restart and a change of address. */
#define _GNU_SOURCE
#include "tests/server/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <psa/crypto.h>
#include <stdlib.h>
#include <time.h>

#include "tessera/oscore/guard.h"
#include "tessera/oscore/renew.h"

#define SECRET "0123456789abcdef"
#define REGISTER "ep=dev1&lt=300&lwm2m=1.1&b=U"

/* The device's end of OSCORE. */
typedef struct {
    test_peer *p;
    tsr_oscore context;
    tsr_oscore_guard guard;
    void *memory;
    uint8_t state[TSR_OSCORE_STATE_MAX];
    size_t state_len;
    char location[64];
    const char *id, *secret;
    bool knows; /* RFC 8613 §B.2 */
    unsigned runs;
} protection;

static tsr_err save(void *user, tsr_bytes state)
{
    protection *o = user;

    memcpy(o->state, state.ptr, state.len);
    o->state_len = state.len;
    return TSR_OK;
}

static tsr_err to(void *user, tsr_coap_peer peer, tsr_oscore **context)
{
    (void)peer;
    *context = &((protection *)user)->context;
    return TSR_OK;
}

static tsr_err from(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                    tsr_oscore **context)
{
    (void)peer;
    *context = &((protection *)user)->context;
    if (option == NULL)
        return TSR_E_DENIED;
    return tsr_oscore_is_for(*context, option) ? TSR_OK : TSR_E_NOT_FOUND;
}

static bool observes(void *user, tsr_coap_peer peer, tsr_bytes token)
{
    const test_peer *p = ((protection *)user)->p;

    (void)peer;
    return tsr_same(token, tsr_view(p->observe_token, p->observe_token_len));
}

static psa_key_id_t import(const char *secret)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;

    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    assert_int_equal(psa_import_key(&a, (const uint8_t *)secret, strlen(secret), &id), PSA_SUCCESS);
    return id;
}

static tsr_oscore_params params_of(protection *o)
{
    return (tsr_oscore_params){ .master_secret = import(o->secret),
                                .sender_id = tsr_text(o->id),
                                .recipient_id = tsr_text("srv"),
                                .save = save,
                                .user = o };
}

static void derive(protection *o, const char *id, const char *secret)
{
    tsr_oscore_params params;

    o->id = id;
    o->secret = secret;
    params = params_of(o);

    assert_int_equal(tsr_oscore_init(&o->context, &params, tsr_view(o->state, o->state_len)),
                     TSR_OK);
    assert_int_equal(psa_destroy_key(params.master_secret), PSA_SUCCESS);
}

static tsr_err asked(void *user, tsr_oscore *context, const tsr_oscore_exchange *x,
                     tsr_bytes datagram, tsr_buf *scratch)
{
    protection *o = user;
    tsr_oscore_params params = params_of(o);
    tsr_err err = o->knows ? tsr_oscore_renew_answered(context, x, &params, datagram, scratch, context)
                           : TSR_E_STATE;

    assert_int_equal(psa_destroy_key(params.master_secret), PSA_SUCCESS);
    return err;
}

static tsr_err answered(void *user, tsr_oscore *context)
{
    protection *o = user;
    tsr_oscore_params params = { .save = save, .user = o };

    if (context->said_len <= TSR_OSCORE_R_LEN) /* R1 */
        return TSR_OK;
    o->runs++;
    return tsr_oscore_renew_keep(context, &params);
}

static const tsr_oscore_guard_renewal renewal = { .asked = asked, .answered = answered };

/* The device begins a run with its next request. */
static void ask(protection *o)
{
    tsr_oscore_params params = params_of(o);

    tsr_oscore_free(&o->context);
    assert_int_equal(tsr_oscore_renew_ask(&o->context, &params), TSR_OK);
    assert_int_equal(psa_destroy_key(params.master_secret), PSA_SUCCESS);
    o->knows = true;
}

static protection *protect(test_peer *p, const char *id, const char *secret)
{
    protection *o = calloc(1, sizeof *o);
    tsr_oscore_guard_config config = {
        .coap = &p->coap.config,
        .datagram_len = 1600,
        .observers = 4,
        .host = { .user = o, .to = to, .from = from, .observes = observes, .renewal = &renewal },
    };
    size_t len = tsr_oscore_guard_memory(&config);

    o->p = p;
    derive(o, id, secret);
    o->memory = malloc(len);
    assert_int_equal(tsr_oscore_guard_init(&o->guard, &config, o->memory, len), TSR_OK);
    tsr_coap_guard_set(&p->coap, &tsr_oscore_guard_calls, &o->guard);
    return o;
}

static void release(protection *o)
{
    test_peer *p = o->p;

    tsr_oscore_free(&o->context);
    free(o->memory);
    free(o);
    peer_close(p);
}

/* Whether its Update, without a location its Register, is answered so that it can tell. */
static bool is_heard(test_peer *p, const char *location)
{
    bool heard;

    p->impatient_ms = 2000;
    heard = (location != NULL ? peer_request(p, TSR_COAP_POST, location, "", NULL) : peer_register(p, REGISTER)) != 0;
    p->impatient_ms = 0;
    return heard;
}

static tsr_err credential(house *h, const char *endpoint, const char *id, const char *secret)
{
    const tsr_server_oscore keys = { .device_id = tsr_text(id),
                                     .server_id = tsr_text("srv"),
                                     .secret = tsr_text(secret) };

    return tsr_server_credential_set_oscore(h->server, endpoint, &keys);
}

static protection *device(house *h)
{
    protection *o;

    assert_int_equal(credential(h, "dev1", "dev", SECRET), TSR_OK);
    o = protect(peer_open(h->coap, NULL, NULL), "dev", SECRET);
    assert_int_equal(peer_register(o->p, REGISTER), TSR_COAP_CREATED);
    memcpy(o->location, o->p->location, sizeof o->location);
    return o;
}

static uint8_t update(const protection *o)
{
    return peer_request(o->p, TSR_COAP_POST, o->location, "", NULL);
}

/* Transport 5.5.3 */
static void test_oscore_registers_and_is_read(void **state)
{
    house *h = *state;
    protection *o = device(h);
    tsr_server_registration *r;

    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    assert_int_equal(r->security, TSR_SERVER_OSCORE);
    assert_string_equal(r->identity, "646576");
    tsr_server_registration_free(r);
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(h->first.value.as.i, 100);
    assert_int_equal(o->p->requests, 1);
    assert_int_equal(o->guard.dropped, 0);
    release(o);
}

/* Without its keys nobody is that endpoint, and at its address nobody speaks in the clear. */
/* Transport 5.5.5 */
static void test_oscore_endpoint_is_bound_to_its_keys(void **state)
{
    house *h = *state;
    test_peer *plain = peer_open(h->coap, NULL, NULL);
    protection *o, *other;

    assert_int_equal(credential(h, "dev1", "dev", SECRET), TSR_OK);
    assert_int_equal(peer_register(plain, REGISTER), TSR_COAP_UNAUTHORIZED);
    o = device(h);
    assert_int_equal(peer_request(plain, TSR_COAP_DELETE, o->location, "", NULL),
                     TSR_COAP_NOT_FOUND);
    other = protect(peer_open(h->coap, NULL, NULL), "two", SECRET);
    assert_false(is_heard(other->p, NULL)); /* no such keys: an answer in the clear */
    assert_int_equal(credential(h, "dev2", "two", SECRET), TSR_OK);
    assert_int_equal(peer_register(other->p, REGISTER), TSR_COAP_BAD_REQUEST);
    assert_int_equal(peer_request(other->p, TSR_COAP_DELETE, o->location, "", NULL),
                     TSR_COAP_NOT_FOUND);
    o->p->coap.guarding = NULL; /* the same address, without protection */
    assert_int_equal(peer_register(o->p, "ep=dev9&lt=300&lwm2m=1.1&b=U"), TSR_COAP_UNAUTHORIZED);
    assert_true(registered(h, "dev1"));
    assert_int_equal(tsr_server_count(h->server), 1);
    peer_close(plain);
    release(other);
    release(o);
}

/* RFC 8613 §7.4: what was recorded does nothing again, from the same address or from another. */
static void test_oscore_replay_is_refused(void **state)
{
    house *h = *state;
    protection *o = device(h);
    test_peer *thief = peer_open(h->coap, NULL, NULL);
    uint8_t recorded[2048];
    size_t len;
    unsigned updates;

    assert_int_equal(update(o), TSR_COAP_CHANGED);
    (void)house_expect(h, o->p, "dev1", TSR_SERVER_EV_UPDATED, 0);
    len = o->p->last_datagram_len;
    memcpy(recorded, o->p->last_datagram, len);
    updates = house_count_events(h, "dev1", TSR_SERVER_EV_UPDATED);
    recorded[2] ^= 0x55; /* another Message ID: no duplicate */
    peer_send_raw(o->p, tsr_view(recorded, len));
    peer_send_raw(thief, tsr_view(recorded, len));
    peer_run(o->p, 300, NULL);
    assert_int_equal(house_count_events(h, "dev1", TSR_SERVER_EV_UPDATED), updates);
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    peer_close(thief);
    release(o);
}

/* One that knows no Echo: its keys are taken at once when they were never here, and only then. */
static void test_oscore_device_without_echo(void **state)
{
    house *h = *state;
    const tsr_server_oscore keys = { .device_id = tsr_text("dev"),
                                     .server_id = tsr_text("srv"),
                                     .secret = tsr_text(SECRET),
                                     .no_echo = true };
    protection *o;
    uint64_t left;

    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &keys), TSR_OK);
    o = protect(peer_open(h->coap, NULL, NULL), "dev", SECRET);
    left = tsr_oscore_left(&o->context);
    assert_int_equal(peer_register(o->p, REGISTER), TSR_COAP_CREATED);
    assert_int_equal(left - tsr_oscore_left(&o->context), 1);
    memcpy(o->location, o->p->location, sizeof o->location);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    assert_int_equal(tsr_server_credential_delete(h->server, "dev1"), TSR_OK);
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &keys), TSR_OK);
    left = tsr_oscore_left(&o->context);
    assert_int_equal(peer_register(o->p, REGISTER), TSR_COAP_CREATED);
    assert_int_equal(left - tsr_oscore_left(&o->context), 2); /* these keys were here before */
    release(o);
}

/* The device comes from another port, and mostly to another shard: same keys, same window. */
static void test_oscore_device_may_move(void **state)
{
    house *h = *state;
    protection *o = device(h);
    const tsr_server_request observe = { .kind = TSR_SERVER_OBSERVE,
                                         .endpoint = "dev1",
                                         .path = at("/3/0/9") };
    uint64_t seen = 0;

    assert_int_equal(house_operate(h, o->p, observe), TSR_SERVER_ANSWERED);
    for (unsigned i = 0; i < 6; i++) {
        peer_rebind(o->p);
        assert_int_equal(update(o), TSR_COAP_CHANGED);
        assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
        house_run_until(o->p, &o->p->observe_requests, i + 2); /* the observation is asked for anew */
        peer_notify(o->p, true);
        seen = house_expect(h, o->p, "dev1", TSR_SERVER_EV_NOTIFICATION, seen);
    }
    assert_int_equal(o->guard.refused, 0);
    release(o);
}

/* A clean stop keeps the window: nobody is challenged. Observations are asked for anew. */
static void test_oscore_survives_a_restart(void **state)
{
    house *h = *state;
    protection *o = device(h);
    const tsr_server_request observe = { .kind = TSR_SERVER_OBSERVE,
                                         .endpoint = "dev1",
                                         .path = at("/3/0/9") };
    uint64_t seen, left;

    assert_int_equal(house_operate(h, o->p, observe), TSR_SERVER_ANSWERED);
    peer_notify(o->p, true);
    seen = house_expect(h, o->p, "dev1", TSR_SERVER_EV_NOTIFICATION, 0);
    peer_run(o->p, PEER_PATIENCE_MS, &o->p->notify_acked); /* or it would be repeated, and nothing else sent */
    house_stop(h);
    house_start(h);
    left = tsr_oscore_left(&o->context);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    assert_int_equal(left - tsr_oscore_left(&o->context), 1); /* one request, no Echo */
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(o->guard.refused, 0);
    house_run_until(o->p, &o->p->observe_requests, 2);
    peer_notify(o->p, true);
    (void)house_expect(h, o->p, "dev1", TSR_SERVER_EV_NOTIFICATION, seen);
    release(o);
}

/* New keys under the same id: the old ones are nothing, and when they come back their numbers are
 * still used. */
static void test_oscore_keys_may_be_replaced(void **state)
{
    house *h = *state;
    protection *o = device(h);
    uint8_t old[TSR_OSCORE_STATE_MAX];
    size_t old_len = o->state_len;

    memcpy(old, o->state, old_len);
    assert_int_equal(credential(h, "dev1", "dev", "another secret"), TSR_OK);
    assert_false(is_heard(o->p, NULL));
    tsr_oscore_free(&o->context);
    o->state_len = 0;
    derive(o, "dev", "another secret");
    assert_int_equal(peer_register(o->p, REGISTER), TSR_COAP_CREATED);

    assert_int_equal(credential(h, "dev1", "dev", SECRET), TSR_OK);
    tsr_oscore_free(&o->context);
    memcpy(o->state, old, old_len);
    o->state_len = old_len;
    derive(o, "dev", SECRET);
    assert_int_equal(peer_register(o->p, REGISTER), TSR_COAP_CREATED);
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    release(o);
}

/* ---- new keys: RFC 8613 §B.2 ---- */

/* Transport 5.5.3: for their first use; the Register is request #2, and has to be fresh by Echo too. */
static void test_oscore_begins_with_new_keys(void **state)
{
    house *h = *state;
    protection *o;

    assert_int_equal(credential(h, "dev1", "dev", SECRET), TSR_OK);
    o = protect(peer_open(h->coap, NULL, NULL), "dev", SECRET);
    ask(o);
    assert_int_equal(peer_register(o->p, REGISTER), TSR_COAP_CREATED);
    assert_int_equal(o->runs, 1);
    assert_true(registered(h, "dev1"));
    memcpy(o->location, o->p->location, sizeof o->location);
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    for (unsigned i = 0; i < 3; i++) { /* and again, with others in use */
        peer_rebind(o->p);
        ask(o);
        assert_int_equal(update(o), TSR_COAP_CHANGED);
        assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    }
    assert_int_equal(o->runs, 4);
    release(o);
}

/* At the same address nothing else says that notifications have to be asked for anew. */
static void test_oscore_observes_under_new_keys(void **state)
{
    house *h = *state;
    protection *o = device(h);
    const tsr_server_request observe = { .kind = TSR_SERVER_OBSERVE,
                                         .endpoint = "dev1",
                                         .path = at("/3/0/9") };
    uint64_t seen;

    assert_int_equal(house_operate(h, o->p, observe), TSR_SERVER_ANSWERED);
    peer_notify(o->p, true);
    seen = house_expect(h, o->p, "dev1", TSR_SERVER_EV_NOTIFICATION, 0);
    ask(o);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    house_run_until(o->p, &o->p->observe_requests, 2);
    peer_notify(o->p, true);
    (void)house_expect(h, o->p, "dev1", TSR_SERVER_EV_NOTIFICATION, seen);
    release(o);
}

/* The renewed keys are what the server has after a restart, and their numbers too. */
static void test_oscore_new_keys_survive_a_restart(void **state)
{
    house *h = *state;
    protection *o = device(h);
    uint64_t left;

    ask(o);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    ask(o);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    house_stop(h);
    house_start(h);
    left = tsr_oscore_left(&o->context);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    assert_int_equal(left - tsr_oscore_left(&o->context), 1); /* without Echo: it was a clean stop */
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(o->runs, 2);
    release(o);
}

/* Who knows the id of a device and not its secret changes nothing, and neither does a replay of its run. */
static void test_oscore_run_is_nobody_elses(void **state)
{
    house *h = *state;
    protection *o = device(h), *stranger;
    test_peer *thief = peer_open(h->coap, NULL, NULL);
    uint8_t first[2048];
    size_t first_len;
    unsigned updates;

    ask(o);
    o->knows = false; /* response #1 gets lost */
    peer_run(o->p, 0, NULL);
    assert_false(is_heard(o->p, o->location));
    first_len = o->p->last_datagram_len;
    memcpy(first, o->p->last_datagram, first_len);
    o->knows = true;
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    (void)house_expect(h, o->p, "dev1", TSR_SERVER_EV_UPDATED, 0);
    updates = house_count_events(h, "dev1", TSR_SERVER_EV_UPDATED);

    stranger = protect(peer_open(h->coap, NULL, NULL), "dev", "not that secret");
    ask(stranger);
    assert_false(is_heard(stranger->p, NULL));
    first[2] ^= 0x55;
    peer_send_raw(thief, tsr_view(first, first_len));
    peer_send_raw(o->p, tsr_view(first, first_len));
    peer_run(o->p, 300, NULL);
    assert_int_equal(house_count_events(h, "dev1", TSR_SERVER_EV_UPDATED), updates);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    peer_close(thief);
    release(stranger);
    release(o);
}

/* The device went back to the keys of its credential, which are not in use any more: new ones are offered. */
static void test_oscore_offers_new_keys_to_one_that_went_back(void **state)
{
    house *h = *state;
    protection *o = device(h);

    ask(o);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    tsr_oscore_free(&o->context);
    o->state_len = 0;
    derive(o, "dev", SECRET);
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    assert_int_equal(o->runs, 2);
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    release(o);
}

static uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A flood of replays that would each begin a run: 64 at once are answered, then one in 20 ms, and nothing is
 * said to the others. The device gets through again. */
static void test_oscore_runs_are_bounded(void **state)
{
    enum { FLOOD = 600 };
    house *h = *state;
    protection *o = device(h);
    uint8_t first[2048];
    size_t len;
    uint64_t since;
    uint32_t before;

    ask(o);
    o->knows = false;
    assert_false(is_heard(o->p, o->location));
    len = o->p->last_datagram_len;
    memcpy(first, o->p->last_datagram, len);
    before = o->p->coap.stats.ignored;
    since = clock_ms();
    for (unsigned i = 0; i < FLOOD; i++) {
        first[2] = (uint8_t)(i >> 8);
        first[3] = (uint8_t)i;
        peer_send_raw(o->p, tsr_view(first, len));
        if (i % 20 == 19)
            peer_run(o->p, 5, NULL);
    }
    peer_run(o->p, 300, NULL);
    assert_true(o->p->coap.stats.ignored - before > 20);
    assert_true(o->p->coap.stats.ignored - before < 70 + (clock_ms() - since) / 20);
    o->knows = true;
    assert_int_equal(update(o), TSR_COAP_CHANGED);
    assert_int_equal(house_read(h, o->p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    release(o);
}

static void keep_length(void *arg, const tsr_server_credential *c)
{
    *(size_t *)arg = c->key_len;
    assert_int_equal(c->mode, TSR_SERVER_OSCORE);
}

static void test_oscore_credential_is_checked(void **state)
{
    static const uint8_t many[65] = { 1 };
    house *h = *state;
    tsr_server_oscore good = { .device_id = tsr_text("dev"),
                               .server_id = tsr_text("srv"),
                               .secret = tsr_text(SECRET) };
    tsr_server_oscore bad = good;
    size_t len = 0;

    bad.server_id = bad.device_id;
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &bad), TSR_E_ARGUMENT);
    bad = good;
    bad.device_id = tsr_view(many, 8);
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &bad), TSR_E_ARGUMENT);
    bad = good;
    bad.secret = tsr_view(many, 0);
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &bad), TSR_E_ARGUMENT);
    bad.secret = tsr_view(many, 65);
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &bad), TSR_E_ARGUMENT);
    bad = good;
    bad.salt = bad.id_context = tsr_view(many, 65);
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &bad), TSR_E_ARGUMENT);
    bad = good;
    bad.aead = 200;
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &bad), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev1", &good), TSR_OK);
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev2", &good), TSR_E_EXISTS);
    good.id_context = tsr_text("ctx");
    assert_int_equal(tsr_server_credential_set_oscore(h->server, "dev2", &good), TSR_OK);
    assert_int_equal(tsr_server_credential_get(h->server, "dev1", keep_length, &len), TSR_OK);
    assert_int_equal(len, strlen(SECRET));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, house_up, house_down)
    const struct CMUnitTest tests[] = {
        T(test_oscore_registers_and_is_read),
        T(test_oscore_endpoint_is_bound_to_its_keys),
        T(test_oscore_replay_is_refused),
        T(test_oscore_device_without_echo),
        T(test_oscore_device_may_move),
        T(test_oscore_survives_a_restart),
        T(test_oscore_keys_may_be_replaced),
        T(test_oscore_begins_with_new_keys),
        T(test_oscore_observes_under_new_keys),
        T(test_oscore_new_keys_survive_a_restart),
        T(test_oscore_run_is_nobody_elses),
        T(test_oscore_offers_new_keys_to_one_that_went_back),
        T(test_oscore_runs_are_bounded),
        T(test_oscore_credential_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
