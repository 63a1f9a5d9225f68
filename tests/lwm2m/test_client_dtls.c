/* SPDX-License-Identifier: Apache-2.0
 *
 * The client over DTLS-PSK: keys by way of Security, sessions over restarts, and servers that have
 * forgotten them (Transport 5.2). PSA runs in the process; the wall has its own tests. */
#include "tests/lwm2m/rig.h"

#include <psa/crypto.h>

#include "tessera/lwm2m/client/dtls_channel.h"

enum { CID_LEN = 8 };

/* The server's end of DTLS: one session, the newest. */
static struct {
    tsr_dtls_config config;
    tsr_dtls next;
    bool next_live;
    uint32_t key_id;
    bool knows;      /* the identity */
    bool busy;       /* what comes in over a session waits for ever */
    unsigned hellos; /* handshakes begun */
    uint8_t plain[TSR_DTLS_PLAIN_MAX];
    uint64_t numbers[8192]; /* of protected records from the client; none may come twice */
    size_t number_count;
    uint8_t last[512]; /* the record that went to the client last */
    size_t last_len;
} far;

/* The client's end. */
static struct {
    tsr_lwm2m_dtls dtls;
    tsr_lwm2m_security item[1];
    tsr_lwm2m_securities all;
    uint8_t plain[TSR_DTLS_PLAIN_MAX], image[TSR_DTLS_SAVED_MAX];
    uint8_t stored[TSR_DTLS_SAVED_MAX];
    size_t stored_len, stores;
    unsigned fails; /* so many times it cannot be stored */
} near;

static tsr_err find(void *user, tsr_bytes identity, uint32_t *key_id)
{
    (void)user;
    if (!far.knows || !tsr_same(identity, tsr_text("dev")))
        return TSR_E_NOT_FOUND;
    *key_id = far.key_id;
    return TSR_OK;
}

static tsr_err load(void *user, tsr_buf *image)
{
    (void)user;
    if (near.stored_len == 0)
        return TSR_E_NOT_FOUND;
    tsr_put_bytes(image, tsr_view(near.stored, near.stored_len));
    return TSR_OK;
}

static tsr_err save(void *user, tsr_bytes image)
{
    (void)user;
    near.stores++;
    if (near.fails != 0) {
        near.fails--;
        return TSR_E_IO;
    }
    if (image.len != 0)
        memcpy(near.stored, image.ptr, image.len);
    near.stored_len = image.len;
    return TSR_OK;
}

/* Epoch and number of each protected record: used once, whatever crashed (the AEAD nonce). */
static void check_numbers(tsr_bytes datagram)
{
    while (datagram.len >= 13) {
        const uint8_t *p = datagram.ptr;
        size_t at = 11 + (p[0] == 25 ? (size_t)CID_LEN : 0);
        uint64_t number = 0;

        for (size_t i = 3; i < 11; i++)
            number = number << 8 | p[i];
        if (number >> 48 != 0) {
            for (size_t i = 0; i < far.number_count; i++)
                assert_true(far.numbers[i] != number);
            assert_true(far.number_count < 8192);
            far.numbers[far.number_count++] = number;
        }
        datagram = tsr_skip(datagram, at + 2 + (size_t)(p[at] << 8 | p[at + 1]));
    }
}

/* One more handshake: from then on the numbers of the old keys do not matter. */
static void hello(rig *r, tsr_bytes datagram)
{
    static uint8_t cid[CID_LEN] = { 1 };
    uint8_t room[64];
    tsr_buf answer = tsr_buf_over(room, sizeof room);

    switch (tsr_dtls_hello(&far.config, tsr_text("peer"), datagram, &answer, r->now_ms)) {
    case TSR_DTLS_VERIFY:
        assert_int_equal(tsr_lwm2m_client_feed(&r->client, 0, tsr_buf_view(&answer), r->now_ms), TSR_OK);
        break;
    case TSR_DTLS_ACCEPT:
        if (far.next_live)
            tsr_dtls_free(&far.next);
        cid[0]++;
        far.number_count = 0;
        far.hellos++;
        assert_int_equal(tsr_dtls_accept(&far.next, &far.config, cid, datagram, r->now_ms), TSR_OK);
        far.next_live = true;
        break;
    default: break;
    }
}

static void take_events(rig *r, size_t i, tsr_dtls *s)
{
    tsr_dtls_event event;

    while (tsr_dtls_event_next(s, &event)) {
        if (event.type == TSR_DTLS_DATA && !far.busy)
            rig_deliver(r, i, event.data);
    }
}

static void from_client(rig *r, size_t i, tsr_bytes datagram)
{
    tsr_bytes cid;

    check_numbers(datagram);
    if (tsr_dtls_peek(datagram, CID_LEN, &cid) == TSR_DTLS_IS_HELLO) {
        hello(r, datagram);
        return;
    }
    if (far.next_live && tsr_dtls_feed(&far.next, datagram, r->now_ms) == TSR_OK)
        take_events(r, i, &far.next);
}

static tsr_dtls *current(void)
{
    return far.next_live ? &far.next : NULL;
}

static tsr_err to_client(rig *r, size_t i, tsr_bytes message, tsr_buf *datagram)
{
    tsr_err err = current() != NULL ? tsr_dtls_send(current(), message, datagram) : TSR_E_STATE;

    (void)r;
    (void)i;
    if (err == TSR_OK && datagram->len <= sizeof far.last) {
        memcpy(far.last, datagram->ptr, datagram->len);
        far.last_len = datagram->len;
    }
    return err;
}

static bool own(rig *r, size_t i, tsr_buf *datagram)
{
    bool any = current() != NULL && tsr_dtls_poll(current(), datagram, r->now_ms) == TSR_OK;

    if (current() != NULL)
        take_events(r, i, current());
    return any && datagram->len != 0;
}

static uint64_t due_ms(rig *r, size_t i)
{
    (void)r;
    (void)i;
    return current() != NULL ? tsr_dtls_due_ms(current()) : UINT64_MAX;
}

static rig_layer layer = { from_client, to_client, own, due_ms };

/* The key goes into Security as bootstrap would write it, and is found under its id in PSA. */
static void provision(const char *key)
{
    tsr_lwm2m_object object;
    tsr_lwm2m_value value = tsr_lwm2m_opaque(tsr_text(key));

    near.item[0] = (tsr_lwm2m_security){ .used = true, .short_id = 101 };
    memcpy(near.item[0].identity, "dev", 3);
    near.item[0].identity_len = 3;
    near.all = (tsr_lwm2m_securities){ .items = near.item, .count = 1 };
    object = tsr_lwm2m_security_object(&near.all);
    assert_int_equal(object.handlers->write(&near.all, tsr_lwm2m_at_resource(0, 0, 5), &value,
                                            TSR_LWM2M_CHECK), TSR_OK);
    assert_int_equal(near.item[0].key_id, 0);
    assert_int_equal(object.handlers->write(&near.all, tsr_lwm2m_at_resource(0, 0, 5), &value,
                                            TSR_LWM2M_COMMIT), TSR_OK);
    assert_int_not_equal(near.item[0].key_id, 0);
}

static void start_channel(void)
{
    tsr_lwm2m_dtls_free(&near.dtls);
    memset(&near.dtls, 0, sizeof near.dtls);
    assert_int_equal(tsr_lwm2m_dtls_from(&near.dtls, &near.item[0], near.plain, sizeof near.plain), TSR_OK);
    near.dtls.store = (tsr_lwm2m_session_store){ NULL, load, save };
    near.dtls.image = near.image;
    near.dtls.image_len = sizeof near.image;
}

static rig *begin(const char *client_key, bool cid)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    tsr_dtls_options server = { .role = TSR_DTLS_SERVER, .plain = far.plain,
                                .plain_cap = sizeof far.plain, .psk_find = find,
                                .cid = cid, .cid_len = CID_LEN };
    rig *r;

    memset(&far, 0, sizeof far);
    memset(&near, 0, sizeof near);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&attributes, (const uint8_t *)"0123456789abcdef", 16, &far.key_id),
                     PSA_SUCCESS);
    far.knows = true;
    assert_int_equal(tsr_dtls_config_init(&far.config, &server), TSR_OK);
    provision(client_key);
    start_channel();
    r = rig_new_over(&tsr_lwm2m_dtls_channel, &near.dtls);
    r->server[0].layer = &layer;
    return r;
}

static void end(rig *r)
{
    tsr_lwm2m_dtls_free(&near.dtls);
    if (far.next_live)
        tsr_dtls_free(&far.next);
    tsr_dtls_config_free(&far.config);
    assert_int_equal(tsr_lwm2m_security_forget(near.item[0].key_id), TSR_OK);
    assert_int_equal(psa_destroy_key(far.key_id), PSA_SUCCESS);
    rig_free(r);
}

static void restart(rig *r)
{
    start_channel();
    rig_restart(r);
}

static void test_int_401_registers_and_serves_over_psk(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(r->events[TSR_LWM2M_E_CONNECTED], 1);
    assert_text(rig_get(r, "/3/0/0", 0), "Open Mobile Alliance");
    assert_code(rig_get(r, "/0/0/5", 42), 4, 01);
    assert_int_equal(far.hellos, 1);
    assert_int_not_equal(near.stored_len, 0);
    end(r);
}

static void test_key_of_security_is_not_readable_in_any_way(void **state)
{
    tsr_lwm2m_object object;
    tsr_lwm2m_out out;
    uint8_t room[256];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    size_t len;

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    provision("0123456789abcdef");
    object = tsr_lwm2m_security_object(&near.all);
    for (size_t i = 0; i < object.info->resource_count; i++) {
        tsr_lwm2m_path at = tsr_lwm2m_at_resource(0, 0, object.info->resources[i].id);

        assert_int_equal(tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, at, &body), TSR_OK);
        assert_int_equal(tsr_lwm2m_object_read(&object, at, &out), TSR_E_DENIED);
    }
    for (size_t i = 0; i + 16 <= sizeof near.item; i++)
        assert_memory_not_equal((const uint8_t *)near.item + i, "0123456789abcdef", 16);
    assert_int_equal(psa_export_key(near.item[0].key_id, room, sizeof room, &len), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(tsr_lwm2m_security_forget(near.item[0].key_id), TSR_OK);
    assert_int_equal(tsr_lwm2m_security_forget(near.item[0].key_id), TSR_OK);
}

/* As Bootstrap-Write brings /0/0/16: what was there goes, then each instance of it. */
static tsr_err write_suites(const uint32_t *suites, uint16_t count)
{
    tsr_lwm2m_object object = tsr_lwm2m_security_object(&near.all);
    tsr_lwm2m_path at = { .object = 0, .resource = 16, .depth = 3 };
    tsr_err err = object.handlers->write(&near.all, at, NULL, TSR_LWM2M_COMMIT);

    at.depth = 4;
    for (uint16_t i = 0; err == TSR_OK && i < count; i++) {
        tsr_lwm2m_value value = { .type = TSR_LWM2M_UNSIGNED, .as.u = suites[i] };

        at.resource_instance = i;
        err = object.handlers->write(&near.all, at, &value, TSR_LWM2M_CHECK);
        if (err == TSR_OK)
            err = object.handlers->write(&near.all, at, &value, TSR_LWM2M_COMMIT);
    }
    return err;
}

/* Transport 5.2.2; Core E.1, /0/x/16: what is listed is offered, and nothing else; not even a session of another. */
static void test_suites_of_security_are_offered(void **state)
{
    static const uint32_t gcm[] = { 0x00ae, 0xc02b, 0x00a8 }, ccm[] = { 0xc0a8 }, strange[] = { 0x00ae, 0x1301 };
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    assert_int_equal(write_suites(gcm, 3), TSR_OK);
    start_channel();
    rig_wait(r, 100);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(tsr_dtls_suite(&near.dtls.session), 0x00a8);
    restart(r);
    rig_wait(r, 100);
    assert_true(tsr_lwm2m_dtls_is_restored(&near.dtls));
    assert_int_equal(tsr_dtls_suite(&near.dtls.session), 0x00a8);
    assert_int_equal(write_suites(ccm, 1), TSR_OK);
    restart(r);
    rig_wait(r, 5000);
    assert_false(tsr_lwm2m_dtls_is_restored(&near.dtls));
    assert_int_equal(tsr_dtls_suite(&near.dtls.session), 0xc0a8);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(write_suites(strange, 2), TSR_OK);
    tsr_lwm2m_dtls_free(&near.dtls);
    assert_int_equal(tsr_lwm2m_dtls_from(&near.dtls, &near.item[0], near.plain, sizeof near.plain),
                     TSR_E_UNSUPPORTED);
    end(r);
}

static void test_suites_of_security_are_kept(void **state)
{
    static const uint32_t two[] = { 0xc0a4, 0xc0a8 }, wide[] = { 0x10000 };
    uint32_t many[TSR_LWM2M_SUITES + 1];
    uint8_t room[512];
    tsr_buf saved = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_object object;

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    provision("0123456789abcdef");
    object = tsr_lwm2m_security_object(&near.all);
    for (uint32_t i = 0; i <= TSR_LWM2M_SUITES; i++)
        many[i] = 0xc0a0 + i;
    assert_int_equal(write_suites(wide, 1), TSR_E_TYPE);
    assert_int_equal(write_suites(many, TSR_LWM2M_SUITES + 1), TSR_E_TYPE);
    assert_int_equal(write_suites(many, TSR_LWM2M_SUITES), TSR_OK);
    assert_int_equal(write_suites(two, 2), TSR_OK);
    assert_int_equal(near.item[0].suites[2], 0);
    object.handlers->save(&near.all, &saved);
    memset(near.item[0].suites, 0, sizeof near.item[0].suites);
    assert_int_equal(object.handlers->load(&near.all, tsr_buf_view(&saved)), TSR_OK);
    assert_int_equal(near.item[0].suites[0], 0xc0a4);
    assert_int_equal(near.item[0].suites[1], 0xc0a8);
    assert_int_equal(object.handlers->load(&near.all, tsr_first(tsr_buf_view(&saved), saved.len - 1)),
                     TSR_E_MALFORMED);
    assert_int_equal(tsr_lwm2m_security_forget(near.item[0].key_id), TSR_OK);
}

static void test_import_wipes_the_key_and_refuses_bad_lengths(void **state)
{
    static const uint8_t zeros[TSR_LWM2M_PSK_MAX + 1];
    uint8_t key[TSR_LWM2M_PSK_MAX + 1];
    uint32_t id = 0;

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    memset(key, 7, sizeof key);
    assert_int_equal(tsr_lwm2m_security_import(&id, key, 16), TSR_OK);
    assert_memory_equal(key, zeros, 16);
    memset(key, 7, sizeof key);
    assert_int_equal(tsr_lwm2m_security_import(&id, key, sizeof key), TSR_E_TYPE);
    assert_memory_equal(key, zeros, sizeof key);
    assert_int_equal(tsr_lwm2m_security_import(&id, key, 0), TSR_E_TYPE);
    assert_int_equal(tsr_lwm2m_security_forget(id), TSR_OK);
}

/* Queue mode: hours of sleep end without a handshake (Transport 6.5, RFC 9146). */
static void test_sleep_ends_without_a_handshake(void **state)
{
    tsr_lwm2m_queue queue = { .awake_ms = 5000 };
    rig *r = begin("0123456789abcdef", true);
    uint64_t until_ms;

    (void)state;
    r->client.config.queue = &queue;
    rig_wait(r, 100);
    assert_code(rig_put(r, "/1/0/1", 0, "86400"), 2, 04);
    for (int i = 0; i < 3; i++) {
        size_t updates = r->events[TSR_LWM2M_E_UPDATED];

        assert_false(tsr_lwm2m_queue_sleeps(&r->client, r->now_ms, &until_ms));
        rig_wait(r, 5000);
        assert_true(tsr_lwm2m_queue_sleeps(&r->client, r->now_ms, &until_ms));
        assert_true(until_ms - r->now_ms > 12 * 3600 * 1000);
        r->now_ms = until_ms;
        rig_run(r);
        assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], updates + 1);
    }
    assert_text(rig_get(r, "/3/0/0", 0), "Open Mobile Alliance");
    assert_int_equal(far.hellos, 1);
    end(r);
}

/* Transport 5.2.1: kill -9 again and again: one handshake in all, one registration, no record number twice. */
static void test_restart_resumes_without_a_handshake(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    assert_code(rig_observe(r, "/3/0/9", -1), 2, 05);
    for (int i = 0; i < 40; i++) {
        restart(r);
        rig_wait(r, 100);
        assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
        assert_true(tsr_lwm2m_dtls_is_restored(&near.dtls));
        assert_text(rig_get(r, "/3/0/9", 0), "100");
    }
    assert_int_equal(far.hellos, 1);
    assert_int_equal(r->server[0].number, 1);
    assert_int_equal(r->server[0].note_count, RIG_KEPT);
    end(r);
}

/* After a crash the session does not know the commands of before: whoever recorded one and sends it again
 * has no success, neither before the Update is answered nor after. Core 6.3, RFC 6347 §4.1.2.6 */
static void test_restart_obeys_no_old_command(void **state)
{
    uint8_t old[sizeof far.last], update[1500];
    tsr_buf out = tsr_buf_over(update, sizeof update);
    rig *r = begin("0123456789abcdef", true);
    size_t len, account;

    (void)state;
    rig_wait(r, 100);
    assert_code(rig_put(r, "/1/0/2", 0, "7"), 2, 04);
    len = far.last_len;
    memcpy(old, far.last, len);
    assert_code(rig_put(r, "/1/0/2", 0, "9"), 2, 04);
    for (int i = 0; i < 3; i++) {
        restart(r);
        out.len = 0;
        assert_int_equal(tsr_lwm2m_client_poll(&r->client, &account, &out, r->now_ms), TSR_OK);
        assert_int_equal(tsr_lwm2m_client_feed(&r->client, 0, tsr_view(old, len), r->now_ms), TSR_OK);
        from_client(r, 0, tsr_buf_view(&out)); /* the Update */
        rig_wait(r, 100);
        assert_int_equal(tsr_lwm2m_client_feed(&r->client, 0, tsr_view(old, len), r->now_ms), TSR_OK);
        assert_text(rig_get(r, "/1/0/2", 0), "9");
    }
    assert_int_equal(far.hellos, 1);
    end(r);
}

static void test_session_that_cannot_be_stored_is_not_resumed(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    near.fails = UINT_MAX;
    restart(r);
    rig_wait(r, 100);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_false(tsr_lwm2m_dtls_is_restored(&near.dtls));
    assert_int_equal(far.hellos, 2);
    assert_int_equal(r->server[0].number, 2);
    end(r);
}

/* A handshake ends the session that was stored before, at the server: who was stopped before the new one was
 * stored does not come back with the old one. */
static void test_session_before_a_handshake_is_not_resumed(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    near.fails = 1;
    far.busy = true;
    restart(r);
    rig_wait(r, 1000);
    assert_int_equal(far.hellos, 2);
    far.busy = false;
    restart(r);
    rig_wait(r, 1000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(far.hellos, 3);
    end(r);
}

/* Nor does one that was over when it could not be erased. */
static void test_session_that_is_over_is_not_resumed(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    near.fails = 1;
    tsr_dtls_close(&far.next);
    rig_wait(r, 5000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(far.hellos, 2);
    restart(r);
    rig_wait(r, 1000);
    assert_true(tsr_lwm2m_dtls_is_restored(&near.dtls));
    end(r);
}

static void test_damaged_session_image_costs_a_handshake(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    near.stored[near.stored_len / 2] ^= 1;
    near.stored_len -= 5;
    restart(r);
    rig_wait(r, 100);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(far.hellos, 2);
    end(r);
}

/* The server has lost its sessions: records fall on deaf ears until an Update gets no answer; then a
 * handshake, and a new registration (Transport 6.4.3). */
static void test_server_that_forgot_the_session_is_found_again(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    tsr_dtls_free(&far.next);
    far.next_live = false;
    tsr_lwm2m_client_update(&r->client, 0);
    rig_wait(r, 240000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(far.hellos, 2);
    assert_int_equal(r->server[0].number, 2);
    assert_text(rig_get(r, "/3/0/9", 0), "100");
    end(r);
}

/* Transport 6.4.3: a new security context is a new registration. */
static void test_server_that_closes_is_connected_again(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    assert_code(rig_observe(r, "/3/0/9", 0), 2, 05);
    tsr_dtls_close(&far.next);
    rig_wait(r, 5000);
    assert_int_equal(r->events[TSR_LWM2M_E_DISCONNECTED], 1);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_int_equal(far.hellos, 2);
    assert_int_equal(r->server[0].number, 2);
    assert_int_equal(r->client.observed, 0); /* the server asks anew */
    end(r);
}

static void test_wrong_key_backs_off_and_tells_the_alert(void **state)
{
    rig *r = begin("0123456789abcdeX", true);

    (void)state;
    rig_wait(r, 30000);
    assert_int_equal(r->server[0].got_count, 0);
    assert_true(r->events[TSR_LWM2M_E_DISCONNECTED] >= 1);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    assert_int_equal(near.stored_len, 0);
    end(r);
}

/* Transport 5.2.10: unknown_psk_identity is of the kind that trying again does not cure. */
static void test_unknown_identity_stops_with_the_alert(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    far.knows = false;
    rig_wait(r, 30000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_STOPPED);
    assert_int_equal(r->server_item[0].number[TSR_LWM2M_S_ALERT], 115);
    assert_int_equal(r->events[TSR_LWM2M_E_STOPPED], 1);
    end(r);
}

/* Transport 5.2.8, RFC 9146: with a Connection ID a new address costs no handshake; without, it does. */
static void test_moved_address_keeps_a_session_with_cid(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    tsr_lwm2m_client_moved(&r->client, 0, r->now_ms);
    rig_wait(r, 100);
    assert_int_equal(far.hellos, 1);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 1);
    end(r);

    r = begin("0123456789abcdef", false);
    rig_wait(r, 100);
    tsr_lwm2m_client_moved(&r->client, 0, r->now_ms);
    rig_wait(r, 100);
    assert_int_equal(far.hellos, 2);
    assert_int_equal(r->events[TSR_LWM2M_E_UPDATED], 0);
    assert_int_equal(r->server[0].number, 2);
    end(r);
}

static void test_stop_leaves_politely(void **state)
{
    rig *r = begin("0123456789abcdef", true);

    (void)state;
    rig_wait(r, 100);
    tsr_lwm2m_client_stop(&r->client, true, r->now_ms);
    rig_wait(r, 100);
    assert_true(tsr_lwm2m_client_stopped(&r->client));
    assert_int_equal(rig_last(r, 0)->code, TSR_COAP_DELETE);
    assert_int_equal(near.stored_len, 0);
    assert_false(tsr_dtls_connected(&far.next));
    end(r);
}

/* Junk from the network, between and inside: the session does not mind. */
static void test_junk_does_not_disturb(void **state)
{
    rig *r = begin("0123456789abcdef", true);
    uint8_t junk[64];

    (void)state;
    for (int n = 0; n < 200; n++) {
        for (size_t i = 0; i < sizeof junk; i++)
            junk[i] = (uint8_t)(n * 7 + (int)i * 13);
        junk[0] = (uint8_t)(20 + n % 6);
        junk[1] = 0xfe;
        junk[2] = 0xfd;
        (void)tsr_lwm2m_client_feed(&r->client, 0, tsr_view(junk, (size_t)n % sizeof junk), r->now_ms);
        rig_wait(r, 1);
    }
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
    assert_text(rig_get(r, "/3/0/9", 0), "100");
    end(r);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_int_401_registers_and_serves_over_psk),
        T(test_key_of_security_is_not_readable_in_any_way),
        T(test_suites_of_security_are_offered),
        T(test_suites_of_security_are_kept),
        T(test_import_wipes_the_key_and_refuses_bad_lengths),
        T(test_sleep_ends_without_a_handshake),
        T(test_restart_resumes_without_a_handshake),
        T(test_restart_obeys_no_old_command),
        T(test_session_that_cannot_be_stored_is_not_resumed),
        T(test_session_before_a_handshake_is_not_resumed),
        T(test_session_that_is_over_is_not_resumed),
        T(test_damaged_session_image_costs_a_handshake),
        T(test_server_that_forgot_the_session_is_found_again),
        T(test_server_that_closes_is_connected_again),
        T(test_wrong_key_backs_off_and_tells_the_alert),
        T(test_unknown_identity_stops_with_the_alert),
        T(test_moved_address_keeps_a_session_with_cid),
        T(test_stop_leaves_politely),
        T(test_junk_does_not_disturb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
