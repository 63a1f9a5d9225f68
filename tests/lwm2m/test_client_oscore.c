/* SPDX-License-Identifier: Apache-2.0
 *
 * The client under OSCORE: keys by way of object 21, registration, management and observations
 * protected, restarts with and without a clean stop. PSA runs in the process. */
#include "tests/lwm2m/rig.h"

#include <psa/crypto.h>

#include "tessera/lwm2m/client/oscore_layer.h"

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

/* A context that was never used asks for Echo all the same, as a server does for a Register. */
static void far_begin(rig *r, const char *secret)
{
    uint8_t room[64];
    tsr_buf copy = tsr_buf_over(room, sizeof room);
    tsr_oscore_params p = { .salt = tsr_text("salt"),
                            .sender_id = tsr_text("srv"),
                            .recipient_id = tsr_text("dev"),
                            .challenge = true };
    tsr_oscore_guard_config g = { &far.config, DATAGRAM, 0, { .to = far_to, .from = far_from,
                                                              .proved = far_proved } };

    tsr_put_text(&copy, secret);
    far.key_id = 0;
    assert_int_equal(tsr_lwm2m_oscore_import(&far.key_id, room, copy.len), TSR_OK);
    p.master_secret = far.key_id;
    assert_int_equal(tsr_oscore_init(&far.context, &p, (tsr_bytes){ NULL, 0 }), TSR_OK);
    far.config = (tsr_coap_config){ .exchanges = 16, .watches = 16 };
    far.memory = malloc(tsr_oscore_guard_memory(&g));
    assert_int_equal(tsr_oscore_guard_init(&far.guard, &g, far.memory, tsr_oscore_guard_memory(&g)),
                     TSR_OK);
    tsr_coap_guard_set(&r->server[0].coap, &tsr_oscore_guard_calls, &far.guard);
}

static rig *begin(const char *client_secret, const char *server_secret)
{
    rig *r;

    memset(&near, 0, sizeof near);
    memset(&far, 0, sizeof far);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    near.all = (tsr_lwm2m_oscores){ .items = near.item, .count = 2 };
    provision(client_secret);
    rig_attach = attach;
    r = rig_new(1);
    far_begin(r, server_secret);
    return r;
}

static void end(rig *r)
{
    rig_attach = NULL;
    tsr_lwm2m_oscore_park(&near.layer);
    tsr_oscore_free(&far.context);
    assert_int_equal(psa_destroy_key(far.key_id), PSA_SUCCESS);
    for (size_t i = 0; i < 2; i++)
        if (near.item[i].key_id != 0)
            assert_int_equal(psa_destroy_key(near.item[i].key_id), PSA_SUCCESS);
    free(near.memory);
    free(far.memory);
    rig_free(r);
}

/* Everything works as without, and the first request had to repeat an Echo (RFC 9175 §2.3). */
static void test_client_oscore_registers_and_is_managed(void **state)
{
    rig *r = begin("0123456789abcdef", "0123456789abcdef");

    (void)state;
    rig_register(r);
    assert_int_equal(far.guard.refused, 1);
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
    assert_int_equal(far.guard.refused, 0);
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
        cmocka_unit_test(test_oscore_object_checks_values),
        cmocka_unit_test(test_oscore_object_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
