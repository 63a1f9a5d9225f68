/* SPDX-License-Identifier: Apache-2.0
 *
 * The bootstrap server on loopback, with a device that answers as the test wants. */
#include "server/bootstrap/bootstrap.h"
#include "tessera/lwm2m/format/format.h"
#include "tests/server/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY "0123456789abcdef"
#define PSK_SERVER                                                                                 \
    "\"uri\":\"coaps://127.0.0.1:5684\",\"security\":\"psk\",\"short_server_id\":1,"               \
    "\"generate\":true"
#define NOSEC_PROFILE                                                                              \
    "{\"plain\":true,\"servers\":[{\"uri\":\"coap://127.0.0.1:5683\",\"security\":\"nosec\","      \
    "\"short_server_id\":7,\"lifetime\":60}]}"

/* What the device was asked, and what it is to answer. */
typedef struct {
    char asked[1024]; /* "GET / DELETE /0 PUT /0/1:112 POST /bs" */
    const char *links;
    const char *refuse; /* "PUT /0": the first request that begins so gets `code` */
    uint8_t code;
    bool refuse_always, finished, silent;
    char identity[130];
    uint8_t key[64];
    size_t key_len;
    unsigned records;
} script;

static uint16_t port_of(const tsr_address *a) { return a->port; }

static int up(void **state)
{
    house *h;

    assert_int_equal(house_up(state), 0);
    h = *state;
    house_stop(h);
    h->config.bootstrap = &tsr_bootstrap_service;
    h->config.bootstrap_nosec = true;
    h->config.bootstrap_ms = 20000;
    h->config.bootstrap_coap_count = h->config.bootstrap_coaps_count = 1;
    house_address(&h->config.bootstrap_coap[0]);
    house_address(&h->config.bootstrap_coaps[0]);
    house_start(h);
    return 0;
}

static void set_profile(house *h, const char *name, const char *json)
{
    char why[400] = "";
    tsr_err err = tsr_bootstrap_profile_set(h->server, name, tsr_text(json), why, sizeof why);

    if (err != TSR_OK)
        print_message("%s\n", why);
    assert_int_equal(err, TSR_OK);
}

static void take_values(script *s, const tsr_coap_event *e, const char *path)
{
    uint8_t room[2048];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_in in;
    tsr_lwm2m_path base;
    tsr_lwm2m_value v;
    tsr_lwm2m_path where;

    assert_int_equal(tsr_lwm2m_path_parse(tsr_text(path), &base), TSR_OK);
    assert_int_equal(tsr_lwm2m_in_begin(&in, (tsr_lwm2m_format)e->msg->content_format.value, base,
                                        e->body, &scratch),
                     TSR_OK);
    while (tsr_lwm2m_in_next(&in, &where, &v) == TSR_OK) {
        s->records++;
        if (where.object != 0 || (where.resource != 3 && where.resource != 5))
            continue;
        assert_int_equal(tsr_lwm2m_value_as(&v, TSR_LWM2M_OPAQUE, &scratch, &v), TSR_OK);
        if (where.resource == 3) {
            snprintf(s->identity, sizeof s->identity, "%.*s", (int)v.as.bytes.len,
                     (const char *)v.as.bytes.ptr);
        } else {
            memcpy(s->key, v.as.bytes.ptr, v.as.bytes.len);
            s->key_len = v.as.bytes.len;
        }
    }
}

static uint8_t code_for(script *s, const tsr_coap_event *e, const char *what, const char *path)
{
    static const uint8_t codes[] = { 0, TSR_COAP_CONTENT, TSR_COAP_CHANGED, TSR_COAP_CHANGED,
                                     TSR_COAP_DELETED };

    if (s->refuse && strncmp(what, s->refuse, strlen(s->refuse)) == 0) {
        if (!s->refuse_always)
            s->refuse = NULL;
        return s->code;
    }
    if (e->msg->code == TSR_COAP_PUT)
        take_values(s, e, path);
    if (strcmp(what, "POST /bs") == 0)
        s->finished = true;
    return codes[e->msg->code];
}

static bool answer(test_peer *p, const tsr_coap_event *e)
{
    static const char *const methods[] = { "", "GET", "POST", "PUT", "DELETE" };
    script *s = p->on_request_arg;
    char path[64] = "", what[96];
    tsr_coap_response r = { 0 };

    for (size_t i = 0; i < e->msg->path_count; i++)
        snprintf(path + strlen(path), sizeof path - strlen(path), "/%.*s",
                 (int)e->msg->path[i].len, (const char *)e->msg->path[i].ptr);
    snprintf(what, sizeof what, "%s %s", methods[e->msg->code], path[0] ? path : "/");
    snprintf(s->asked + strlen(s->asked), sizeof s->asked - strlen(s->asked), "%s%s",
             s->asked[0] ? " " : "", what);
    if (e->msg->content_format.set)
        snprintf(s->asked + strlen(s->asked), sizeof s->asked - strlen(s->asked), ":%u",
                 e->msg->content_format.value);
    if (s->silent) {
        (void)tsr_coap_cancel(&p->coap, e->id);
        return true;
    }
    r.code = code_for(s, e, what, path);
    if (e->msg->code == TSR_COAP_GET && r.code == TSR_COAP_CONTENT) {
        r.content_format = (tsr_coap_num){ true, 40 };
        r.payload = tsr_text(s->links);
    }
    if (r.code >> 5 != 2)
        r.payload = tsr_text("no, not this");
    assert_int_equal(tsr_coap_respond(&p->coap, e->id, &r, 0), TSR_OK);
    return true;
}

static test_peer *plain_device(house *h, script *s)
{
    test_peer *p = peer_open(port_of(&h->config.bootstrap_coap[0]), NULL, NULL);

    p->on_request = answer;
    p->on_request_arg = s;
    return p;
}

static test_peer *psk_device(house *h, script *s, const char *endpoint)
{
    test_peer *p;

    assert_int_equal(tsr_bootstrap_credential_set(h->server, endpoint, TSR_SERVER_PSK, endpoint,
                                                  tsr_text(KEY)),
                     TSR_OK);
    p = peer_open(port_of(&h->config.bootstrap_coaps[0]), endpoint, KEY);
    p->on_request = answer;
    p->on_request_arg = s;
    assert_true(peer_connect(p, 5000));
    return p;
}

static char last_detail[300];

static void keep_detail(void *arg, const tsr_server_event *e)
{
    if (e->type == *(tsr_server_event_type *)arg)
        snprintf(last_detail, sizeof last_detail, "%s", e->detail);
}

static void expect(house *h, test_peer *p, const char *endpoint, tsr_server_event_type type,
                   const char *words)
{
    (void)house_expect(h, p, endpoint, type, 0);
    assert_int_equal(tsr_server_events(h->server, 0, 1000, endpoint, keep_detail, &type, NULL),
                     TSR_OK);
    if (!strstr(last_detail, words))
        print_message("%s\n  instead of: %s\n", last_detail, words);
    assert_non_null(strstr(last_detail, words));
}

static uint8_t ask(test_peer *p, const char *queries)
{
    return peer_request(p, TSR_COAP_POST, "/bs", queries, NULL);
}

static void has_text(void *arg, const char *name, tsr_bytes json, int64_t changed_unix_ms)
{
    (void)name, (void)changed_unix_ms;
    snprintf(arg, 1024, "%.*s", (int)json.len, (const char *)json.ptr);
}

/* LwM2M-1.1-int-0: client-initiated bootstrap. Core 6.1.7, Transport 6.4.2 */
static void test_bootstrap_writes_and_finishes(void **state)
{
    house *h = *state;
    script s = { .links = "</>;lwm2m=1.1,</0/0>,</1/0>;ssid=9,</3/0>" };
    test_peer *p = plain_device(h, &s);
    char json[1024] = "";

    set_profile(h, "dev*", NOSEC_PROFILE);
    assert_int_equal(ask(p, "ep=dev1&pct=112"), TSR_COAP_CHANGED);
    expect(h, p, "dev1", TSR_SERVER_EV_BOOTSTRAP_FINISHED, "profile dev*");
    assert_string_equal(s.asked,
                        "GET / DELETE /0 DELETE /1 PUT /0/1:112 PUT /1/0:112 POST /bs");
    assert_true(s.finished);
    assert_int_equal(tsr_bootstrap_state_get(h->server, "dev1", has_text, json), TSR_OK);
    assert_non_null(strstr(json, "\"state\":\"finished\""));
    assert_non_null(strstr(json, "\"writes\":2"));
    peer_close(p);
}

/* LwM2M-1.1-int-1: full bootstrap with PSK, then registration with the key that was made. */
static void test_bootstrap_generates_a_key_that_registers(void **state)
{
    house *h = *state;
    script s = { .links = "</>;lwm2m=1.2,</0/0>,</3/0>" };
    test_peer *p = psk_device(h, &s, "dev1"), *d;
    char key[65] = "";

    set_profile(h, "*", "{\"servers\":[{" PSK_SERVER "}]}");
    assert_int_equal(ask(p, "pct=11544"), TSR_COAP_CHANGED); /* the credential names the endpoint */
    expect(h, p, "dev1", TSR_SERVER_EV_BOOTSTRAP_FINISHED, "profile *");
    assert_string_equal(s.identity, "dev1");
    assert_int_equal(s.key_len, 16);
    peer_close(p);
    memcpy(key, s.key, s.key_len);
    for (size_t i = 0; i < s.key_len; i++) /* the test's peer takes the key as a string */
        if (key[i] == 0)
            return;
    d = peer_open(h->coaps, s.identity, key);
    assert_true(peer_connect(d, 5000));
    assert_int_equal(peer_register(d, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    peer_close(d);
}

/* Core 6.1.7.1: the codes of Bootstrap-Request. */
static void test_bootstrap_request_is_refused_by_code(void **state)
{
    house *h = *state;
    script s = { .links = "" };
    test_peer *p = plain_device(h, &s), *secure;

    set_profile(h, "dev1", NOSEC_PROFILE);
    set_profile(h, "dev2", "{\"servers\":[{" PSK_SERVER "}]}");
    assert_int_equal(ask(p, "ep=nobody"), TSR_COAP_BAD_REQUEST);
    assert_int_equal(ask(p, ""), TSR_COAP_BAD_REQUEST);
    assert_int_equal(ask(p, "ep=dev1&ep=dev1"), TSR_COAP_BAD_REQUEST);
    assert_int_equal(ask(p, "ep=dev1&pct=x"), TSR_COAP_BAD_REQUEST);
    assert_int_equal(ask(p, "ep=dev1&pct=60"), TSR_COAP_UNSUPPORTED_FORMAT);
    assert_int_equal(ask(p, "ep=dev2"), TSR_COAP_FORBIDDEN); /* secrets over plain CoAP */
    assert_int_equal(peer_request(p, TSR_COAP_GET, "/bs", "ep=dev1", NULL),
                     TSR_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(peer_request(p, TSR_COAP_POST, "/rd", "ep=dev1&lt=60&lwm2m=1.1", NULL),
                     TSR_COAP_NOT_FOUND); /* this port is no management server */
    secure = psk_device(h, &s, "dev1");
    assert_int_equal(ask(secure, "ep=dev2"), TSR_COAP_BAD_REQUEST);
    assert_int_equal(ask(p, "ep=dev1"), TSR_COAP_FORBIDDEN); /* it has a credential now */
    assert_int_equal(house_count_events(h, "dev1", TSR_SERVER_EV_BOOTSTRAP_STARTED), 0);
    peer_close(secure);
    peer_close(p);
}

/* Only what is stored needs numbers ahead of it in the store: this service's sessions are not. */
static void test_bootstrap_session_answers_as_long_as_it_lives(void **state)
{
    house *h = *state;
    script s = { .links = "" };
    test_peer *p;

    set_profile(h, "dev1", "{\"servers\":[{" PSK_SERVER "}]}");
    p = psk_device(h, &s, "dev1");
    for (unsigned i = 0; i < 65100; i++)
        if (peer_request(p, TSR_COAP_GET, "/bs", "ep=dev1", NULL) != TSR_COAP_METHOD_NOT_ALLOWED)
            fail_msg("request %u has another answer, or none", i);
    peer_close(p);
}

static void test_bootstrap_tries_another_format(void **state)
{
    house *h = *state;
    script s = { .links = "", .refuse = "PUT /0/1", .code = TSR_COAP_UNSUPPORTED_FORMAT };
    test_peer *p = plain_device(h, &s);

    set_profile(h, "dev1", NOSEC_PROFILE);
    assert_int_equal(ask(p, "ep=dev1"), TSR_COAP_CHANGED);
    expect(h, p, "dev1", TSR_SERVER_EV_BOOTSTRAP_FINISHED, "");
    assert_non_null(strstr(s.asked, "PUT /0/1:112 PUT /0/1:11542 PUT /1/0:11542"));
    peer_close(p);
}

static void test_bootstrap_speaks_tlv_to_1_0(void **state)
{
    house *h = *state;
    script s = { .links = "lwm2m=1.0,</0/1>,</0/0>;ssid=7,</1/0>;ssid=7" };
    test_peer *p = plain_device(h, &s);

    set_profile(h, "dev1", NOSEC_PROFILE);
    assert_int_equal(ask(p, "ep=dev1"), TSR_COAP_CHANGED);
    expect(h, p, "dev1", TSR_SERVER_EV_BOOTSTRAP_FINISHED, "");
    /* /0/1 is the bootstrap server's own, so the account goes to /0/0. */
    assert_non_null(strstr(s.asked, "PUT /0/0:11542 PUT /1/0:11542 POST /bs"));
    peer_close(p);
}

static void test_bootstrap_writes_whole_objects_and_leaves_others(void **state)
{
    house *h = *state;
    script s = { .links = "</>;lwm2m=1.1,</0/0>;ssid=5;uri=\"coap://x\",</0/1>,</1/0>;ssid=5" };
    test_peer *p = plain_device(h, &s);

    set_profile(h, "dev1",
                "{\"plain\":true,\"write\":\"object\",\"delete\":[],\"servers\":["
                "{\"uri\":\"coap://a\",\"security\":\"nosec\",\"short_server_id\":7},"
                "{\"uri\":\"coap://b\",\"security\":\"nosec\",\"short_server_id\":5}]}");
    assert_int_equal(ask(p, "ep=dev1"), TSR_COAP_CHANGED);
    expect(h, p, "dev1", TSR_SERVER_EV_BOOTSTRAP_FINISHED, "");
    assert_string_equal(s.asked, "GET / PUT /0:112 PUT /1:112 POST /bs");
    assert_int_equal(s.records, 2 * 7 + 2 * 4);
    peer_close(p);
}

/* LwM2M-1.1-int-9: an inconsistent configuration, 4.06 to Finish. */
static void test_bootstrap_fails_with_the_cause(void **state)
{
    static const struct {
        const char *refuse, *words;
        uint8_t code;
    } cases[] = { { "POST /bs", "Finish: the device refused with 4.06: no, not this",
                    TSR_COAP_NOT_ACCEPTABLE },
                  { "PUT /0/1", "Write /0/1: the device refused with 4.00", TSR_COAP_BAD_REQUEST },
                  { "DELETE /0", "Delete /0: the device refused with 4.05",
                    TSR_COAP_METHOD_NOT_ALLOWED } };
    house *h = *state;

    set_profile(h, "dev*", NOSEC_PROFILE);
    for (size_t i = 0; i < 3; i++) {
        script s = { .links = "", .refuse = cases[i].refuse, .code = cases[i].code };
        test_peer *p = plain_device(h, &s);
        char queries[16], *endpoint = queries + 3, json[1024] = "";

        snprintf(queries, sizeof queries, "ep=dev%zu", i);
        assert_int_equal(ask(p, queries), TSR_COAP_CHANGED);
        expect(h, p, endpoint, TSR_SERVER_EV_BOOTSTRAP_FAILED, cases[i].words);
        assert_int_equal(tsr_bootstrap_state_get(h->server, endpoint, has_text, json), TSR_OK);
        assert_non_null(strstr(json, "\"state\":\"failed\""));
        assert_false(s.finished);
        peer_close(p);
    }
}

static void test_bootstrap_goes_on_without_discover(void **state)
{
    house *h = *state;
    script s = { .links = "", .refuse = "GET /", .code = TSR_COAP_METHOD_NOT_ALLOWED };
    test_peer *p = plain_device(h, &s);

    set_profile(h, "dev1", NOSEC_PROFILE);
    assert_int_equal(ask(p, "ep=dev1"), TSR_COAP_CHANGED);
    expect(h, p, "dev1", TSR_SERVER_EV_BOOTSTRAP_FINISHED, "");
    peer_close(p);
}

static void test_bootstrap_begins_anew_and_times_out(void **state)
{
    house *h = *state;
    script silent = { .links = "", .silent = true }, s = { .links = "" };
    test_peer *p, *again;

    house_stop(h);
    h->config.bootstrap_ms = 400;
    house_start(h);
    p = plain_device(h, &silent);
    again = plain_device(h, &s);
    set_profile(h, "dev*", NOSEC_PROFILE);
    assert_int_equal(ask(p, "ep=dev1"), TSR_COAP_CHANGED);
    assert_int_equal(ask(again, "ep=dev1"), TSR_COAP_CHANGED); /* from another address, too */
    expect(h, again, "dev1", TSR_SERVER_EV_BOOTSTRAP_FINISHED, "");
    expect(h, again, "dev1", TSR_SERVER_EV_BOOTSTRAP_FAILED, "began anew");
    assert_int_equal(ask(p, "ep=dev2"), TSR_COAP_CHANGED);
    expect(h, p, "dev2", TSR_SERVER_EV_BOOTSTRAP_FAILED, "within the time");
    peer_close(again);
    peer_close(p);
}

/* LwM2M-1.2-int-12: Bootstrap-Pack-Request. Core 6.1.7.7 */
static void test_pack_holds_everything(void **state)
{
    house *h = *state;
    script s = { .links = "" };
    test_peer *p = psk_device(h, &s, "dev1");
    uint8_t room[2048];
    tsr_buf scratch = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_in in;
    tsr_lwm2m_path at;
    tsr_lwm2m_value v;
    unsigned security = 0, server = 0;

    assert_int_equal(peer_request(p, TSR_COAP_GET, "/bspack", "", NULL), TSR_COAP_NOT_FOUND);
    set_profile(h, "dev1", "{\"servers\":[{" PSK_SERVER "}]}");
    assert_int_equal(peer_request(p, TSR_COAP_GET, "/bspack", "acc=</0/3>", NULL),
                     TSR_COAP_CONTENT);
    assert_int_equal(p->format, TSR_LWM2M_FORMAT_SENML_CBOR);
    assert_int_equal(tsr_lwm2m_in_begin(&in, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(),
                                        tsr_view(p->payload, p->payload_len), &scratch),
                     TSR_OK);
    while (tsr_lwm2m_in_next(&in, &at, &v) == TSR_OK) {
        security += at.object == 0 && at.instance == 0;
        server += at.object == 1 && at.instance == 0;
    }
    assert_int_equal(security, 7);
    assert_int_equal(server, 4);
    expect(h, p, "dev1", TSR_SERVER_EV_BOOTSTRAP_FINISHED, "as a pack");
    assert_string_equal(s.asked, "");
    set_profile(h, "dev1", "{\"pack\":false,\"servers\":[{" PSK_SERVER "}]}");
    assert_int_equal(peer_request(p, TSR_COAP_GET, "/bspack", "", NULL),
                     TSR_COAP_METHOD_NOT_ALLOWED);
    peer_close(p);
}

/* The most specific profile applies; of two that are equal, the one that sorts first. */
static void test_profile_most_specific_wins(void **state)
{
    static const char *const names[] = { "*", "urn:*", "urn:dev:*", "*:dev:1*", "urn:dev:17" };
    static const char *const wanted[][2] = { { "urn:dev:17", "urn:dev:17" },
                                             { "urn:dev:9", "urn:dev:*" },
                                             { "x:dev:1", "*:dev:1*" },
                                             { "urn:x", "urn:*" },
                                             { "other", "*" } };
    house *h = *state;

    for (size_t i = 0; i < 5; i++)
        set_profile(h, names[i], NOSEC_PROFILE);
    for (size_t i = 0; i < 5; i++) {
        script s = { .links = "" };
        test_peer *p = plain_device(h, &s);
        char queries[64], words[64];

        snprintf(queries, sizeof queries, "ep=%s", wanted[i][0]);
        snprintf(words, sizeof words, "profile %s", wanted[i][1]);
        assert_int_equal(ask(p, queries), TSR_COAP_CHANGED);
        expect(h, p, wanted[i][0], TSR_SERVER_EV_BOOTSTRAP_STARTED, words);
        peer_close(p);
    }
}

/* More than may be at a time are sent away, and nothing of them is kept. */
static void test_flood_is_bounded(void **state)
{
    house *h = *state;
    script s = { .links = "", .silent = true };
    unsigned taken = 0, sent_away = 0;
    test_peer *peers[24];

    house_stop(h);
    h->config.bootstrap_sessions = 8;
    house_start(h);
    set_profile(h, "*", NOSEC_PROFILE);
    for (unsigned i = 0; i < 24; i++) {
        char queries[16];
        uint8_t code;

        peers[i] = plain_device(h, &s);
        snprintf(queries, sizeof queries, "ep=f%u", i);
        code = ask(peers[i], queries);
        taken += code == TSR_COAP_CHANGED;
        sent_away += code == TSR_COAP_UNAVAILABLE;
    }
    assert_int_equal(taken, 8);
    assert_int_equal(sent_away, 16);
    for (unsigned i = 0; i < 24; i++)
        peer_close(peers[i]);
}

static void test_rate_is_bounded(void **state)
{
    house *h = *state;
    script s = { .links = "" };
    test_peer *p;
    unsigned sent_away = 0;

    house_stop(h);
    h->config.bootstrap_rate = 1;
    house_start(h);
    set_profile(h, "*", NOSEC_PROFILE);
    p = plain_device(h, &s);
    for (unsigned i = 0; i < 10; i++)
        sent_away += ask(p, "ep=f") == TSR_COAP_UNAVAILABLE;
    assert_in_range(sent_away, 1, 9); /* two at once, then one a second */
    peer_close(p);
}

/* One address may be a device of both services at the same time. */
static void test_services_do_not_mix(void **state)
{
    house *h = *state;
    script s = { .links = "", .silent = true };
    test_peer *p = plain_device(h, &s);

    set_profile(h, "dev1", NOSEC_PROFILE);
    assert_int_equal(ask(p, "ep=dev1"), TSR_COAP_CHANGED);
    p->server.port = h->coap;
    assert_int_equal(peer_register(p, "ep=dev1&lt=300&lwm2m=1.1"), TSR_COAP_CREATED);
    assert_true(registered(h, "dev1"));
    peer_close(p);
}

static void test_profiles_survive_a_restart(void **state)
{
    house *h = *state;
    char json[1024] = "";

    set_profile(h, "dev*", NOSEC_PROFILE);
    assert_int_equal(tsr_bootstrap_credential_set(h->server, "dev1", TSR_SERVER_PSK, "id",
                                                  tsr_text(KEY)),
                     TSR_OK);
    assert_int_equal(tsr_bootstrap_credential_set(h->server, "dev2", TSR_SERVER_PSK, "id",
                                                  tsr_text(KEY)),
                     TSR_E_EXISTS);
    house_stop(h);
    house_start(h);
    assert_int_equal(tsr_bootstrap_profile_for(h->server, "dev1", has_text, json), TSR_OK);
    assert_non_null(strstr(json, "\"short_server_id\":7"));
    assert_int_equal(tsr_bootstrap_profile_delete(h->server, "dev*"), TSR_OK);
    assert_int_equal(tsr_bootstrap_profile_delete(h->server, "dev*"), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_bootstrap_credential_delete(h->server, "dev1"), TSR_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, house_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_bootstrap_writes_and_finishes),
        T(test_bootstrap_generates_a_key_that_registers),
        T(test_bootstrap_request_is_refused_by_code),
        T(test_bootstrap_session_answers_as_long_as_it_lives),
        T(test_bootstrap_tries_another_format),
        T(test_bootstrap_speaks_tlv_to_1_0),
        T(test_bootstrap_writes_whole_objects_and_leaves_others),
        T(test_bootstrap_fails_with_the_cause),
        T(test_bootstrap_goes_on_without_discover),
        T(test_bootstrap_begins_anew_and_times_out),
        T(test_pack_holds_everything),
        T(test_profile_most_specific_wins),
        T(test_flood_is_bounded),
        T(test_rate_is_bounded),
        T(test_services_do_not_mix),
        T(test_profiles_survive_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
