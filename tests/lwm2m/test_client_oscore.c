/* SPDX-License-Identifier: Apache-2.0
 *
 * The client under OSCORE: keys by way of object 21, registration, management and observations
 * protected, restarts with and without a clean stop. PSA runs in the process. */
#include "tests/lwm2m/rig.h"

#include <psa/crypto.h>

#include "tessera/lwm2m/client/oscore_layer.h"
#include "tessera/oscore/datagram.h"
#include "tessera/oscore/renew.h"

enum { DATAGRAM = 1600 };

/* The client's end. */
static struct {
    tsr_lwm2m_oscore item[2];
    tsr_lwm2m_oscores all;
    tsr_lwm2m_oscore_account accounts[RIG_SERVERS];
    tsr_lwm2m_oscore_layer layer;
    void *memory;
    uint8_t kept[TSR_OSCORE_STATE_MAX];
    size_t kept_len, saves;
    tsr_err load_err, save_err;
    tsr_lwm2m_object objects[RIG_OBJECTS + 1];
    tsr_lwm2m_registry registry;
} near;

/* The server's. */
static struct {
    tsr_oscore context;
    tsr_oscore_guard guard;
    tsr_coap_config config;
    void *memory;
    uint32_t key_id;
    unsigned proved;
    bool knows; /* RFC 8613 §B.2 */
    psa_key_id_t r2_key;
    unsigned offers, runs;
    bool mute; /* offers nothing now */
} far;

static tsr_err load(void *user, tsr_buf *state)
{
    (void)user;
    if (near.load_err != TSR_OK)
        return near.load_err;
    if (near.kept_len == 0)
        return TSR_E_NOT_FOUND;
    tsr_put_bytes(state, tsr_view(near.kept, near.kept_len));
    return TSR_OK;
}

static tsr_err save(void *user, tsr_bytes state)
{
    (void)user;
    near.saves++;
    if (near.save_err != TSR_OK)
        return near.save_err;
    memcpy(near.kept, state.ptr, state.len);
    near.kept_len = state.len;
    return TSR_OK;
}

static void attach(rig *r)
{
    size_t len;

    near.layer.client = &r->client;
    near.layer.accounts = near.accounts;
    near.accounts[0].keys = &near.item[0];
    near.accounts[0].store = (tsr_lwm2m_oscore_store){ NULL, load, save };
    /* object 21 stands between 16 and 3303 */
    for (size_t i = 0, n = 0; i < r->registry.count; i++) {
        if (r->registry.objects[i].info->id > 21 && n == i)
            near.objects[n++] = tsr_lwm2m_oscore_object(&near.all);
        near.objects[n++] = r->registry.objects[i];
        near.registry = (tsr_lwm2m_registry){ near.objects, n };
    }
    r->client.config.registry = &near.registry;
    len = tsr_lwm2m_oscore_memory(&r->client, DATAGRAM);
    free(near.memory);
    near.memory = malloc(len);
    assert_int_equal(tsr_lwm2m_oscore_attach(&near.layer, &near.all, DATAGRAM, near.memory, len),
                     TSR_OK);
}

static void write_resource(uint16_t resource, tsr_lwm2m_value value)
{
    tsr_lwm2m_object object = tsr_lwm2m_oscore_object(&near.all);
    tsr_lwm2m_path at = tsr_lwm2m_at_resource(21, 0, resource);

    assert_int_equal(object.handlers->write(&near.all, at, &value, TSR_LWM2M_CHECK), TSR_OK);
    assert_int_equal(object.handlers->write(&near.all, at, &value, TSR_LWM2M_COMMIT), TSR_OK);
}

/* As a bootstrap server would write it. */
static void provision(const char *secret)
{
    tsr_lwm2m_object object = tsr_lwm2m_oscore_object(&near.all);

    assert_int_equal(object.handlers->create(&near.all, 0, TSR_LWM2M_CHECK), TSR_OK);
    assert_int_equal(object.handlers->create(&near.all, 0, TSR_LWM2M_COMMIT), TSR_OK);
    write_resource(0, tsr_lwm2m_opaque(tsr_text(secret)));
    write_resource(1, tsr_lwm2m_opaque(tsr_text("dev")));
    write_resource(2, tsr_lwm2m_opaque(tsr_text("srv")));
    write_resource(3, tsr_lwm2m_int(10));
    write_resource(4, tsr_lwm2m_int(5));
    write_resource(5, tsr_lwm2m_opaque(tsr_text("salt")));
}

static tsr_err far_to(void *user, tsr_coap_peer peer, tsr_oscore **context)
{
    (void)user, (void)peer;
    *context = &far.context;
    return TSR_OK;
}

static tsr_err far_from(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                        tsr_oscore **context)
{
    (void)user, (void)peer;
    *context = &far.context;
    return option != NULL && tsr_oscore_is_for(&far.context, option) ? TSR_OK : TSR_E_NOT_FOUND;
}

static tsr_err far_proved(void *user, tsr_coap_peer peer, tsr_oscore *context)
{
    (void)user, (void)peer, (void)context;
    far.proved++;
    return TSR_OK;
}

static tsr_oscore_params far_params(void)
{
    return (tsr_oscore_params){ .master_secret = far.key_id,
                                .salt = tsr_text("salt"),
                                .sender_id = tsr_text("srv"),
                                .recipient_id = tsr_text("dev"),
                                .challenge = true };
}

static void far_new_r2_key(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    if (far.r2_key != 0)
        assert_int_equal(psa_destroy_key(far.r2_key), PSA_SUCCESS);
    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_bits(&a, 256);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    assert_int_equal(psa_generate_key(&a, &far.r2_key), PSA_SUCCESS);
}

static tsr_bytes far_said(tsr_bytes request)
{
    tsr_oscore_option option;
    tsr_bytes body;

    assert_int_equal(tsr_oscore_body(request, &body), TSR_OK);
    assert_int_equal(tsr_oscore_option_find(body, &option), TSR_OK);
    return tsr_oscore_renew_said(option.kid_context);
}

static tsr_err far_accept(void *user, tsr_oscore *context, tsr_bytes request, tsr_buf *scratch)
{
    tsr_oscore_params p = far_params();
    tsr_oscore next;
    tsr_err err = TSR_E_NOT_FOUND;

    (void)user;
    if (far.knows && tsr_oscore_renew_is_r2(far.r2_key, far_said(request)))
        err = tsr_oscore_renew_accept(&next, &p, far_said(request), request, scratch);
    if (err != TSR_OK)
        return err;
    tsr_oscore_free(context);
    *context = next;
    far.runs++;
    far_new_r2_key();
    return TSR_OK;
}

static tsr_err far_offer(void *user, tsr_oscore *context, tsr_err why, tsr_bytes request, uint16_t mid,
                         tsr_buf *scratch, tsr_buf *out)
{
    tsr_oscore_params p = far_params();
    uint8_t r2[TSR_OSCORE_R2_LEN];
    tsr_bytes said = far_said(request);

    (void)user, (void)context;
    if (why != TSR_E_NOT_FOUND && why != TSR_E_CRYPTO)
        return TSR_END;
    if (!far.knows || far.mute)
        return far.mute ? TSR_E_STATE : TSR_END;
    assert_int_equal(tsr_oscore_renew_r2(far.r2_key, r2), TSR_OK);
    if (tsr_oscore_renew_offer(&p, said, tsr_view(r2, sizeof r2), request, mid, scratch, out) != TSR_OK)
        return TSR_END;
    far.offers++;
    return TSR_OK;
}

static const tsr_oscore_guard_renewal far_renewal = { .accept = far_accept, .offer = far_offer };

static tsr_err far_any(void *user, tsr_coap_peer peer, const tsr_oscore_option *option,
                       tsr_oscore **context)
{
    (void)user, (void)peer;
    *context = &far.context;
    return option != NULL ? TSR_OK : TSR_E_NOT_FOUND;
}

/* A context that was never used asks for Echo all the same, as a server does for a Register. */
static void far_begin(rig *r, const char *secret)
{
    uint8_t room[64];
    tsr_buf copy = tsr_buf_over(room, sizeof room);
    tsr_oscore_params p;
    tsr_oscore_guard_config g = { &far.config, DATAGRAM, 0,
                                  { .to = far_to, .from = far.knows ? far_any : far_from,
                                    .proved = far_proved, .renewal = &far_renewal } };

    tsr_put_text(&copy, secret);
    far.key_id = 0;
    assert_int_equal(tsr_lwm2m_oscore_import(&far.key_id, room, copy.len), TSR_OK);
    p = far_params();
    assert_int_equal(tsr_oscore_init(&far.context, &p, (tsr_bytes){ NULL, 0 }), TSR_OK);
    far.config = (tsr_coap_config){ .exchanges = 16, .watches = 16 };
    far.memory = malloc(tsr_oscore_guard_memory(&g));
    assert_int_equal(tsr_oscore_guard_init(&far.guard, &g, far.memory, tsr_oscore_guard_memory(&g)),
                     TSR_OK);
    tsr_coap_guard_set(&r->server[0].coap, &tsr_oscore_guard_calls, &far.guard);
}

static rig *begin_with(const char *client_secret, const char *server_secret, bool knows)
{
    rig *r;

    memset(&near, 0, sizeof near);
    memset(&far, 0, sizeof far);
    far.knows = knows;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    near.all = (tsr_lwm2m_oscores){ .items = near.item, .count = 2 };
    provision(client_secret);
    rig_attach = attach;
    r = rig_new(1);
    far_new_r2_key();
    far_begin(r, server_secret);
    return r;
}

/* A server that does not know RFC 8613 §B.2. */
static rig *begin(const char *client_secret, const char *server_secret)
{
    return begin_with(client_secret, server_secret, false);
}

static void end(rig *r)
{
    rig_attach = NULL;
    tsr_lwm2m_oscore_park(&near.layer);
    tsr_oscore_free(&far.context);
    assert_int_equal(psa_destroy_key(far.key_id), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(far.r2_key), PSA_SUCCESS);
    for (size_t i = 0; i < 2; i++)
        if (near.item[i].key_id != 0)
            assert_int_equal(psa_destroy_key(near.item[i].key_id), PSA_SUCCESS);
    free(near.memory);
    free(far.memory);
    rig_free(r);
}

/* Everything works as without. The first request asked for keys that the server knows nothing of, and went out
 * again under those it has (Transport 5.5.3); then it had to repeat an Echo (RFC 9175 §2.3). */
static void test_client_oscore_registers_and_is_managed(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");

    (void)state;
    rig_register(r);
    assert_int_equal(far.guard.refused, 2);
    assert_false(near.accounts[0].context.renewed);
    assert_int_equal(r->events[TSR_LWM2M_E_REGISTER_FAILED], 0);
    assert_string_equal(rig_last(r, 0)->path, "/rd");
    assert_text(rig_get(r, "/3/0/0", 0), "Open Mobile Alliance");
    assert_code(rig_put(r, "/3311/0/5850", 0, "1"), 2, 04);
    assert_true(r->light[0].on);
    assert_code(rig_get(r, "/21", -1), 4, 01);
    assert_null(strstr(rig_last(r, 0)->text, "</21"));
    end(r);
}

/* Core 6.3: what comes too early does not move the replay window, so the same message counts later. */
static void test_client_oscore_takes_an_early_request_when_it_comes_again(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");
    rig_server *s = &r->server[0];
    tsr_coap_request read = { .method = TSR_COAP_GET, .path = "/3/0/0" };

    (void)state;
    rig_register(r);
    s->update_code = TSR_COAP_NOT_FOUND;
    s->refuse[2] = s->refuse[1] = s->refuse[0] = TSR_COAP_BAD_REQUEST;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_run(r);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    assert_int_equal(tsr_coap_request_send(&s->coap, 0, &read, r->now_ms, &s->asked), TSR_OK);
    rig_wait(r, 5000);
    assert_false(s->answered);
    strcpy(r->accounts[0].location, "/rd/1"); /* registered, in the middle of the repetitions */
    rig_wait(r, 10000);
    assert_true(s->answered);
    assert_text(&s->answer, "Open Mobile Alliance");
    assert_int_equal(near.layer.guard.refused, 0);
    end(r);
}

static void test_client_oscore_moves_long_bodies(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");

    (void)state;
    r->client.coap.config.params.szx = 2;
    rig_register(r);
    assert_code(rig_get(r, "/3/0", 110), 2, 05);
    assert_true(r->server[0].answer.len > 300);
    end(r);
}

static void change(rig *r, double celsius)
{
    (void)tsr_lwm2m_sensor_measure(&r->sensor[0], celsius, 1367491300);
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3303, 0));
    rig_wait(r, 100);
}

static void test_client_oscore_notifies(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3303/0/5700", 0), 2, 05);
    change(r, 21.5);
    assert_int_equal(r->server[0].note_count, 1);
    assert_text(&r->server[0].note[0], "21.5");
    end(r);
}

/* Transport 5.7. Power lost: numbers go on above all that may have been used, the server has to say that it is
 * there, and the observation lives. */
static void test_client_oscore_survives_a_crash(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");
    uint64_t used;

    (void)state;
    rig_register(r);
    assert_code(rig_observe(r, "/3303/0/5700", 0), 2, 05);
    used = tsr_oscore_left(&near.accounts[0].context);
    near.accounts[0].made = false;
    tsr_oscore_free(&near.accounts[0].context);
    rig_restart(r);
    rig_wait(r, 1000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(r->server[0].number, 1); /* no new registration */
    assert_true(tsr_oscore_left(&near.accounts[0].context) < used);
    assert_int_equal(r->server[0].note_count, 1); /* each observation reports once */
    assert_text(rig_get(r, "/3/0/0", 0), "Open Mobile Alliance");
    assert_int_equal(near.layer.guard.refused, 1); /* the Read was sent again with our Echo */
    change(r, 30);
    assert_int_equal(r->server[0].note_count, 2);
    end(r);
}

/* After a clean stop nobody is asked for anything. */
static void test_client_oscore_goes_on_after_a_clean_stop(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");

    (void)state;
    rig_register(r);
    tsr_lwm2m_oscore_park(&near.layer);
    rig_restart(r);
    rig_wait(r, 1000);
    assert_text(rig_get(r, "/3/0/0", 0), "Open Mobile Alliance");
    assert_int_equal(near.layer.guard.refused, 0);
    end(r);
}

/* The secure service forgot the derived keys: they are made again, and no number is used twice. */
static void test_client_oscore_makes_lost_keys_again(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");
    tsr_oscore *c = &near.accounts[0].context;
    uint64_t left;

    (void)state;
    rig_register(r);
    left = tsr_oscore_left(c);
    assert_int_equal(psa_destroy_key(c->sender_key), PSA_SUCCESS);
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 10000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 1);
    assert_true(tsr_oscore_left(c) < left);
    end(r);
}

/* A state that cannot be read is not a new one: nothing goes out until it can. */
static void test_client_oscore_waits_for_its_state(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");

    (void)state;
    near.load_err = TSR_E_IO;
    rig_wait(r, 1000);
    assert_int_equal(r->server[0].got_count, 0);
    assert_int_equal(far.guard.refused, 0);
    near.load_err = TSR_OK;
    near.save_err = TSR_E_IO;
    rig_wait(r, 3000);
    assert_int_equal(far.proved, 0);
    assert_int_equal(near.kept_len, 0);
    near.save_err = TSR_OK;
    rig_wait(r, 200000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    end(r);
}

static void test_client_oscore_refuses_a_plain_request(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");
    const char *answer;

    (void)state;
    rig_register(r);
    answer = rig_raw(r, "4401123454455354b13301300130");
    assert_memory_equal(answer, "6481123454455354", 16);
    assert_int_equal(near.layer.guard.refused, 1);
    end(r);
}

static void test_client_oscore_fails_with_the_wrong_secret(void **state)
{
    rig *r = begin("0123456789abcdef", "another secret!!");

    (void)state;
    rig_wait(r, 10000);
    assert_int_equal(far.proved, 0);
    assert_int_equal(r->server[0].got_count, 0);
    assert_true(r->events[TSR_LWM2M_E_REGISTER_FAILED] >= 1);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    end(r);
}

/* New keys by bootstrap: the old context goes, and its numbers with it. */
static void test_client_oscore_takes_new_keys(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");

    (void)state;
    rig_register(r);
    write_resource(0, tsr_lwm2m_opaque(tsr_text("another secret!!")));
    tsr_oscore_free(&far.context);
    free(far.memory);
    assert_int_equal(psa_destroy_key(far.key_id), PSA_SUCCESS);
    far_begin(r, "another secret!!");
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 1000);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 1);
    end(r);
}

/* ---- new keys: RFC 8613 §B.2 ---- */

static const char secret[] = "0123456789abcdef";

static rig *begin_renewed(void)
{
    rig *r = begin_with(secret, secret, true);

    rig_register(r);
    assert_int_equal(far.runs, 1);
    assert_true(near.accounts[0].context.renewed);
    return r;
}

static void manage(rig *r)
{
    assert_text(rig_get(r, "/3/0/0", 0), "Open Mobile Alliance");
    assert_code(rig_put(r, "/3311/0/5850", 0, "1"), 2, 04);
}

static void updates(rig *r)
{
    size_t before = r->events[TSR_LWM2M_E_UPDATED];

    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 20000);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], before + 1);
}

/* Transport 5.5.3: keys are used for the first time by way of it, and Echo is repeated. The keys themselves
 * never protected a message. */
static void test_client_oscore_begins_with_new_keys(void **state)
{
    rig *r = begin_renewed();

    (void)state;
    assert_int_equal(far.offers, 1);
    assert_int_equal(far.guard.refused, 2); /* request #1, and request #2 without Echo */
    assert_int_equal(r->server[0].got_count, 1);
    manage(r);
    updates(r);
    assert_int_equal(far.runs, 1);
    end(r);
}

static void crash(rig *r)
{
    near.accounts[0].made = false;
    tsr_oscore_free(&near.accounts[0].context);
    rig_restart(r);
    rig_wait(r, 1000);
}

/* RFC 8613 §B.1.1: they are there after a restart, so they are not made again. */
static void test_client_oscore_keeps_new_keys_over_a_crash(void **state)
{
    rig *r = begin_renewed();

    (void)state;
    assert_code(rig_observe(r, "/3303/0/5700", 0), 2, 05);
    crash(r);
    assert_int_equal(far.runs, 1);
    assert_int_equal(r->server[0].note_count, 1);
    manage(r);
    tsr_lwm2m_oscore_park(&near.layer);
    rig_restart(r);
    rig_wait(r, 1000);
    manage(r);
    assert_int_equal(far.runs, 1);
    end(r);
}

/* The device lost its state and does not know it: to its server that is a new run and no number used twice. */
static void test_client_oscore_may_lose_its_state(void **state)
{
    rig *r = begin_renewed();

    (void)state;
    near.kept_len = 0;
    crash(r);
    assert_int_equal(far.runs, 2);
    assert_int_equal(r->server[0].number, 1); /* an Update was enough */
    manage(r);
    end(r);
}

static void far_loses(void)
{
    tsr_oscore_params p = far_params();

    tsr_oscore_free(&far.context);
    assert_int_equal(tsr_oscore_init(&far.context, &p, (tsr_bytes){ NULL, 0 }), TSR_OK);
}

/* The server lost its keys and says so, in the clear: new ones are made, and the request is answered. */
static void test_client_oscore_renews_what_the_server_lost(void **state)
{
    rig *r = begin_renewed();

    (void)state;
    far_loses();
    updates(r);
    assert_int_equal(far.runs, 2);
    manage(r);
    crash(r);
    manage(r);
    assert_int_equal(far.runs, 2);
    end(r);
}

/* The next request of the server comes with keys that it does not have: nothing changes for that. */
static void test_client_oscore_changes_nothing_for_a_stranger(void **state)
{
    rig *r = begin_renewed();
    rig_server *s = &r->server[0];
    tsr_coap_request read = { .method = TSR_COAP_GET, .path = "/3/0/0" };
    tsr_oscore good = far.context;
    tsr_oscore_params p = far_params();

    (void)state;
    assert_int_equal(tsr_oscore_init(&far.context, &p, (tsr_bytes){ NULL, 0 }), TSR_OK);
    assert_int_equal(tsr_coap_request_send(&s->coap, 0, &read, r->now_ms, &s->asked), TSR_OK);
    rig_wait(r, 5000);
    assert_false(s->answered && s->answer.code == TSR_COAP_CONTENT);
    tsr_oscore_free(&far.context);
    far.context = good;
    manage(r);
    assert_int_equal(far.runs, 1);
    end(r);
}

/* Whoever can only say "4.01" in the clear costs requests, never the keys in use. */
static void test_client_oscore_keeps_its_keys_over_refusals(void **state)
{
    rig *r = begin_renewed();
    uint64_t epoch = near.accounts[0].context.epoch;
    uint8_t kept[TSR_OSCORE_STATE_MAX];
    size_t len = near.kept_len;
    tsr_oscore good = far.context;
    tsr_oscore_params p = far_params();

    (void)state;
    memcpy(kept, near.kept, len);
    far.knows = false;
    assert_int_equal(tsr_oscore_init(&far.context, &p, (tsr_bytes){ NULL, 0 }), TSR_OK);
    for (unsigned i = 0; i < 6; i++) {
        unsigned refused = far.guard.refused;

        tsr_lwm2m_client_update(&r->client, 0);
        rig_wait(r, 100);
        assert_true(far.guard.refused - refused <= 2); /* the request, and request #1 */
    }
    assert_true(epoch == near.accounts[0].context.epoch);
    assert_true(tsr_same(tsr_view(kept, len), tsr_view(near.kept, near.kept_len)));
    tsr_oscore_free(&far.context);
    far.context = good;
    far.knows = true;
    rig_wait(r, 400000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_true(epoch == near.accounts[0].context.epoch);
    manage(r);
    end(r);
}

/* Power goes between request #2 and the save: the server has the new keys, the device the old ones. */
static void test_client_oscore_survives_a_cut_before_the_save(void **state)
{
    rig *r = begin_renewed();

    (void)state;
    far_loses();
    near.save_err = TSR_E_IO;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 3000);
    assert_int_equal(far.runs, 2);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 0); /* nothing is in use that is not kept */
    near.save_err = TSR_OK;
    near.layer.renewing = NULL;
    near.accounts[0].run = 0;
    tsr_oscore_free(&near.layer.next);
    crash(r);
    assert_int_equal(far.runs, 3);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    manage(r);
    end(r);
}

/* A save that works a moment later is enough: the answer comes again, and counts then. */
static void test_client_oscore_takes_the_answer_when_it_can_save(void **state)
{
    rig *r = begin_renewed();

    (void)state;
    far_loses();
    near.save_err = TSR_E_IO;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 1000);
    near.save_err = TSR_OK;
    rig_wait(r, 20000);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 1);
    assert_int_equal(far.runs, 2);
    manage(r);
    end(r);
}

/* RFC 8613 §8.2: a server need not say that it has no context, so silence is no reason to go on for ever. */
static void test_client_oscore_takes_silence_for_a_refusal(void **state)
{
    rig *r = begin_with(secret, secret, true);

    (void)state;
    far.mute = true;
    rig_wait(r, 80000);
    assert_int_equal(near.kept_len, 0); /* within one request all are the same */
    rig_wait(r, 600000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_false(near.accounts[0].context.renewed);
    assert_int_equal(far.runs, 0);
    end(r);
}

/* A server that was not there at all is asked in both ways, until it answers to one of them. */
static void test_client_oscore_asks_in_turns_while_nobody_answers(void **state)
{
    rig *r = begin_with(secret, secret, true);

    (void)state;
    far.mute = true;
    far.context.recipient_id_len = 0; /* it does not know the device */
    rig_wait(r, 500000);
    assert_int_equal(r->server[0].got_count, 0);
    far.mute = false;
    rig_wait(r, 3000000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(far.runs, 1);
    assert_true(near.accounts[0].context.renewed);
    end(r);
}

/* An ID Context of the account's own is what its server knows it by. */
static void test_client_oscore_leaves_an_id_context_alone(void **state)
{
    rig *r = begin_with(secret, secret, true);

    (void)state;
    write_resource(6, tsr_lwm2m_opaque(tsr_text("ctx")));
    rig_wait(r, 5000);
    assert_int_equal(far.offers, 0);
    assert_true(near.kept_len != 0);
    assert_false(near.accounts[0].context.renewed);
    end(r);
}

/* The secure service forgets the keys of a run, before and after they are proven. */
static void test_client_oscore_makes_lost_new_keys_again(void **state)
{
    rig *r = begin_renewed();

    (void)state;
    assert_int_equal(psa_destroy_key(near.accounts[0].context.sender_key), PSA_SUCCESS);
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 10000);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 1);
    assert_int_equal(far.runs, 1);
    far_loses();
    far.mute = true;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 200);
    far.mute = false;
    rig_wait(r, 400000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    manage(r);
    end(r);
}

/* Core E.9, Transport 5.5.7.1: what object 21 takes and what not; nothing of it is ever given out. */
static void test_oscore_object_checks_values(void **state)
{
    static const uint8_t long_bytes[65] = { 1 };
    tsr_lwm2m_object object;
    const struct {
        tsr_lwm2m_value value;
        tsr_err err;
        uint16_t resource;
    } cases[] = {
        { tsr_lwm2m_opaque(tsr_view(long_bytes, 0)), TSR_E_TYPE, 0 },
        { tsr_lwm2m_opaque(tsr_view(long_bytes, 65)), TSR_E_TYPE, 0 },
        { tsr_lwm2m_opaque(tsr_view(long_bytes, 8)), TSR_E_TYPE, 1 },
        { tsr_lwm2m_opaque(tsr_view(long_bytes, 0)), TSR_OK, 1 },
        { tsr_lwm2m_opaque(tsr_view(long_bytes, 8)), TSR_E_TYPE, 2 },
        { tsr_lwm2m_int(0), TSR_E_TYPE, 3 },
        { tsr_lwm2m_int(256), TSR_E_TYPE, 3 },
        { tsr_lwm2m_int(7), TSR_E_TYPE, 4 },
        { tsr_lwm2m_int(-10), TSR_OK, 4 },
        { tsr_lwm2m_opaque(tsr_view(long_bytes, 65)), TSR_E_TYPE, 5 },
        { tsr_lwm2m_opaque(tsr_view(long_bytes, 65)), TSR_E_TYPE, 6 },
        { tsr_lwm2m_opaque(tsr_view(long_bytes, 64)), TSR_OK, 6 },
    };

    (void)state;
    memset(&near, 0, sizeof near);
    near.all = (tsr_lwm2m_oscores){ .items = near.item, .count = 2 };
    near.item[0] = (tsr_lwm2m_oscore){ .used = true, .fixed = true, .id = 1 };
    object = tsr_lwm2m_oscore_object(&near.all);
    assert_int_equal(object.handlers->create(&near.all, 0, TSR_LWM2M_COMMIT), TSR_OK);
    assert_int_equal(object.handlers->create(&near.all, 2, TSR_LWM2M_CHECK), TSR_E_DENIED);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(object.handlers->write(&near.all,
                                                tsr_lwm2m_at_resource(21, 0, cases[i].resource),
                                                &cases[i].value, TSR_LWM2M_CHECK),
                         cases[i].err);
    assert_int_equal(object.handlers->write(&near.all, tsr_lwm2m_at_resource(21, 1, 3),
                                            &cases[8].value, TSR_LWM2M_CHECK),
                     TSR_E_DENIED);
    assert_int_equal(object.handlers->read(&near.all, tsr_lwm2m_at_resource(21, 0, 1), NULL),
                     TSR_E_DENIED);
    assert_int_equal(object.handlers->remove(&near.all, 1), TSR_E_DENIED);
    assert_int_equal(object.handlers->remove(&near.all, 0), TSR_OK);
    assert_int_equal(object.handlers->remove(&near.all, 0), TSR_E_NOT_FOUND);
}

/* What bootstrap wrote is there after a restart; damage is not taken for it. */
static void test_oscore_object_is_kept(void **state)
{
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_oscore before;
    tsr_lwm2m_object object;

    (void)state;
    memset(&near, 0, sizeof near);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    near.all = (tsr_lwm2m_oscores){ .items = near.item, .count = 2 };
    provision("0123456789abcdef");
    write_resource(6, tsr_lwm2m_opaque(tsr_text("context")));
    before = near.item[0];
    object = tsr_lwm2m_oscore_object(&near.all);
    object.handlers->save(&near.all, &out);
    memset(near.item, 0, sizeof near.item);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(object.handlers->load(&near.all, tsr_view(room, len)), TSR_E_MALFORMED);
    memset(near.item, 0, sizeof near.item);
    assert_int_equal(object.handlers->load(&near.all, tsr_buf_view(&out)), TSR_OK);
    near.item[0].version = before.version;
    assert_memory_equal(&near.item[0], &before, sizeof before);
    assert_int_equal(psa_destroy_key(before.key_id), PSA_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_oscore_registers_and_is_managed),
        cmocka_unit_test(test_client_oscore_takes_an_early_request_when_it_comes_again),
        cmocka_unit_test(test_client_oscore_moves_long_bodies),
        cmocka_unit_test(test_client_oscore_notifies),
        cmocka_unit_test(test_client_oscore_survives_a_crash),
        cmocka_unit_test(test_client_oscore_goes_on_after_a_clean_stop),
        cmocka_unit_test(test_client_oscore_makes_lost_keys_again),
        cmocka_unit_test(test_client_oscore_waits_for_its_state),
        cmocka_unit_test(test_client_oscore_refuses_a_plain_request),
        cmocka_unit_test(test_client_oscore_fails_with_the_wrong_secret),
        cmocka_unit_test(test_client_oscore_takes_new_keys),
        cmocka_unit_test(test_client_oscore_begins_with_new_keys),
        cmocka_unit_test(test_client_oscore_keeps_new_keys_over_a_crash),
        cmocka_unit_test(test_client_oscore_may_lose_its_state),
        cmocka_unit_test(test_client_oscore_renews_what_the_server_lost),
        cmocka_unit_test(test_client_oscore_changes_nothing_for_a_stranger),
        cmocka_unit_test(test_client_oscore_keeps_its_keys_over_refusals),
        cmocka_unit_test(test_client_oscore_survives_a_cut_before_the_save),
        cmocka_unit_test(test_client_oscore_takes_the_answer_when_it_can_save),
        cmocka_unit_test(test_client_oscore_takes_silence_for_a_refusal),
        cmocka_unit_test(test_client_oscore_asks_in_turns_while_nobody_answers),
        cmocka_unit_test(test_client_oscore_leaves_an_id_context_alone),
        cmocka_unit_test(test_client_oscore_makes_lost_new_keys_again),
        cmocka_unit_test(test_oscore_object_checks_values),
        cmocka_unit_test(test_oscore_object_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
