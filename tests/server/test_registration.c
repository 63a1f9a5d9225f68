/* SPDX-License-Identifier: Apache-2.0
 *
 * The registration interface over plain CoAP, seen from a device. Ids of the OMA interoperability
 * tests (ETS LwM2M 1.1) stand at the cases they describe. */
#include "tests/server/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static test_peer *device(house *h) { return peer_open(h->coap, NULL, NULL); }

/* LwM2M-1.1-int-101: parameters and object list, 2.01 with a location. Core 6.2.1 */
static void test_register_stores_what_was_said(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    tsr_server_registration *r;

    assert_int_equal(peer_request(p, TSR_COAP_POST, "/rd",
                                  "ep=dev1&lt=300&lwm2m=1.1&b=U&sms=4912345",
                                  "</>;ct=\"110 112\",</1/0>;ver=1.1,</3/0>,</3303/0>,</3303/1>"),
                     TSR_COAP_CREATED);
    assert_int_equal(strncmp(p->location, "/rd/", 4), 0); /* Transport 6.4.3 */
    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    assert_string_equal(r->id, p->location + 4);
    assert_string_equal(r->version, "1.1");
    assert_string_equal(r->binding, "U");
    assert_string_equal(r->sms, "4912345");
    assert_string_equal(r->root, "");
    assert_int_equal(r->lifetime_s, 300);
    assert_int_equal(r->security, TSR_SERVER_NOSEC);
    assert_false(r->queue_mode);
    assert_true(r->online);
    assert_int_equal(r->expires_unix_ms - r->updated_unix_ms, 300000);
    assert_int_equal(r->link_count, 4);
    assert_string_equal(r->links[0].attrs[0].name, "ver");
    assert_string_equal(r->links[0].attrs[0].value, "1.1");
    assert_true(tsr_lwm2m_path_same(r->links[3].path, at("/3303/1")));
    tsr_server_registration_free(r);
    house_expect(h, p, "dev1", TSR_SERVER_EV_REGISTERED, 0);
    peer_close(p);
}

static void test_register_defaults_and_queue_mode(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    tsr_server_registration *r;

    assert_int_equal(peer_register(p, "ep=a&lwm2m=1.2&b=U&Q"), TSR_COAP_CREATED);
    assert_int_equal(tsr_server_find(h->server, "a", &r), TSR_OK);
    assert_int_equal(r->lifetime_s, 86400);
    assert_true(r->queue_mode);
    tsr_server_registration_free(r);
    assert_int_equal(peer_register(p, "ep=b&lwm2m=1.0&b=UQ&lt=60"), TSR_COAP_CREATED);
    assert_int_equal(tsr_server_find(h->server, "b", &r), TSR_OK);
    assert_string_equal(r->binding, "U");
    assert_true(r->queue_mode);
    tsr_server_registration_free(r);
    peer_close(p);
}

/* Core 5.2.1, Core 6.2.1: among others, versions that the server does not speak */
static void test_register_refuses_what_is_wrong(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    char longest[300] = "lt=60&lwm2m=1.1&ep=";
    static const struct {
        const char *queries, *links;
        uint8_t code;
    } cases[] = {
        { "lt=60&lwm2m=1.1&b=U", "</3/0>", TSR_COAP_BAD_REQUEST },         /* no ep */
        { "ep=&lt=60&lwm2m=1.1", "</3/0>", TSR_COAP_BAD_REQUEST },         /* empty */
        { "ep=a&ep=b&lt=60&lwm2m=1.1", "</3/0>", TSR_COAP_BAD_REQUEST },   /* twice */
        { "ep=\xff\xfe&lt=60&lwm2m=1.1", "</3/0>", TSR_COAP_BAD_REQUEST }, /* no UTF-8 */
        { "ep=a&lt=abc&lwm2m=1.1", "</3/0>", TSR_COAP_BAD_REQUEST },
        { "ep=a&lt=-1&lwm2m=1.1", "</3/0>", TSR_COAP_BAD_REQUEST },
        { "ep=a&lt=4294967296&lwm2m=1.1", "</3/0>", TSR_COAP_BAD_REQUEST },
        { "ep=a&lt=60&lwm2m=1.1&b=X", "</3/0>", TSR_COAP_BAD_REQUEST },
        { "ep=a&lt=60&lwm2m=1.1&sms=x", "</3/0>", TSR_COAP_BAD_REQUEST },
        { "ep=a&lt=60&lwm2m=1.3", "</3/0>", TSR_COAP_PRECONDITION_FAILED },
        { "ep=a&lt=60&lwm2m=2.0", "</3/0>", TSR_COAP_PRECONDITION_FAILED },
        { "ep=a&lt=60&lwm2m=", "</3/0>", TSR_COAP_PRECONDITION_FAILED },
        { "ep=a&lt=60&lwm2m=1.1", NULL, TSR_COAP_BAD_REQUEST },             /* no list */
        { "ep=a&lt=60&lwm2m=1.2&pid=6:00000001", NULL, TSR_COAP_CONFLICT }, /* Core 6.2.1 */
        { "ep=a&lt=60&lwm2m=1.1", "</3/0", TSR_COAP_BAD_REQUEST },
        { "ep=a&lt=60&lwm2m=1.1", "hello", TSR_COAP_BAD_REQUEST },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t code = peer_request(p, TSR_COAP_POST, "/rd", cases[i].queries, cases[i].links);

        if (code != cases[i].code)
            fail_msg("%s %s: %u.%02u", cases[i].queries, cases[i].links ? cases[i].links : "",
                     code >> 5, code & 31);
        assert_true(p->payload_len > 0); /* says why */
    }
    memset(longest + strlen(longest), 'e', 256);
    /* RFC 7252 §5.10: a Uri-Query of more than 255 bytes is no option of ours, and critical */
    assert_int_equal(peer_register(p, longest), TSR_COAP_BAD_OPTION);
    assert_int_equal(tsr_server_count(h->server), 0);
    house_expect(h, p, "", TSR_SERVER_EV_REFUSED, 0);
    peer_close(p);
}

static uint8_t register_with(test_peer *p, const char *queries, const char *links)
{
    return peer_request(p, TSR_COAP_POST, "/rd", queries, links);
}

static void expect_links(house *h, const char *endpoint, size_t count, const char *last)
{
    tsr_server_registration *r;

    assert_int_equal(tsr_server_find(h->server, endpoint, &r), TSR_OK);
    assert_int_equal(r->link_count, count);
    assert_true(tsr_lwm2m_path_same(r->links[count - 1].path, at(last)));
    tsr_server_registration_free(r);
}

/* Core 6.2.1; LwM2M-1.2-int-110: a Register with the Profile ID alone. */
static void test_int_110_register_by_profile_id(void **state)
{
    house *h = *state;
    test_peer *p = device(h);

    assert_int_equal(register_with(p, "ep=dev1&lt=60&lwm2m=1.2&pid=6:27354b9a", NULL),
                     TSR_COAP_CREATED);
    expect_links(h, "dev1", 2, "/3/0");
    peer_close(p);
}

/* Learnt from a registration with both, or from the list that follows a 4.09; the first one stays. */
static void test_profile_id_is_learnt(void **state)
{
    house *h = *state;
    test_peer *p = device(h);

    assert_int_equal(register_with(p, "ep=a&lt=60&lwm2m=1.2&pid=oma:x",
                                   "</1/0>,</3/0>,</3303/0>"),
                     TSR_COAP_CREATED);
    assert_int_equal(register_with(p, "ep=b&lt=60&lwm2m=1.2&pid=oma:x", NULL), TSR_COAP_CREATED);
    expect_links(h, "b", 3, "/3303/0");
    assert_int_equal(register_with(p, "ep=c&lt=60&lwm2m=1.2&pid=v:y", NULL), TSR_COAP_CONFLICT);
    assert_true(p->payload_len > 0); /* says what is wanted */
    assert_int_equal(register_with(p, "ep=c&lt=60&lwm2m=1.2", "</1/0>,</3/0>,</3311/0>"),
                     TSR_COAP_CREATED);
    assert_int_equal(register_with(p, "ep=d&lt=60&lwm2m=1.2&pid=v:y", NULL), TSR_COAP_CREATED);
    expect_links(h, "d", 3, "/3311/0");
    /* Over a restart a name may be forgotten, never taken for another; what it stood for is kept. */
    house_stop(h);
    house_start(h);
    expect_links(h, "d", 3, "/3311/0");
    assert_int_equal(register_with(p, "ep=d&lt=60&lwm2m=1.2&pid=v:y", NULL), TSR_COAP_CONFLICT);
    peer_close(p);
}

/* Several names in quotes, and links besides; one unknown name spoils it. */
static void test_profile_ids_are_mixed(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    char location[64];

    assert_int_equal(register_with(p, "ep=a&lt=60&lwm2m=1.2&pid=oma:x", "</1/0>,</3/0>,</3303/0>"),
                     TSR_COAP_CREATED);
    assert_int_equal(register_with(p, "ep=b&lt=60&lwm2m=1.2&pid=\"6:27354b9a,oma:x\"", "</3311/0>"),
                     TSR_COAP_CREATED);
    expect_links(h, "b", 6, "/3311/0");
    assert_int_equal(register_with(p, "ep=b&lt=60&lwm2m=1.2&pid=\"oma:x,oma:z\"", "</3311/0>"),
                     TSR_COAP_CONFLICT);
    /* A list that is not whole does not explain a name. */
    assert_int_equal(register_with(p, "ep=b&lt=60&lwm2m=1.2&pid=oma:z", "</3311/0>"),
                     TSR_COAP_CONFLICT);
    assert_int_equal(register_with(p, "ep=b&lt=60&lwm2m=1.2", "</1/0>,</3/0>,</3311/0>"), TSR_COAP_CREATED);
    assert_int_equal(register_with(p, "ep=b&lt=60&lwm2m=1.2&pid=oma:z", NULL), TSR_COAP_CONFLICT);
    assert_int_equal(register_with(p, "ep=b&lt=60&lwm2m=1.2&pid=", NULL), TSR_COAP_CONFLICT);
    /* In an Update too (Core 6.2.2). */
    assert_int_equal(register_with(p, "ep=c&lt=60&lwm2m=1.2", "</1/0>,</3/0>"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "pid=oma:x", NULL), TSR_COAP_CHANGED);
    expect_links(h, "c", 3, "/3303/0");
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "pid=oma:q", NULL), TSR_COAP_CONFLICT);
    peer_close(p);
}

static void test_register_lenient_on_unknown_parameters_and_links(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    tsr_server_registration *r;

    assert_int_equal(peer_request(p, TSR_COAP_POST, "/rd", "ep=dev1&lt=60&future=1&et&lwm2m=1.1",
                                  "</lwm2m>;rt=\"oma.lwm2m\";ct=112,</lwm2m/1/0>,</other>,"
                                  "</lwm2m/3/0>;title=\"a \\\"b\\\", c\";flag"),
                     TSR_COAP_CREATED);
    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    assert_string_equal(r->root, "/lwm2m");
    assert_int_equal(r->link_count, 2);
    assert_true(tsr_lwm2m_path_same(r->links[1].path, at("/3/0")));
    assert_string_equal(r->links[1].attrs[0].value, "a \"b\", c");
    assert_null(r->links[1].attrs[1].value);
    tsr_server_registration_free(r);
    /* Transport 6.4.1: operations go below the alternate path */
    p->silent = false;
    house_read(h, p, "dev1", "/3/0/9");
    assert_int_equal(h->outcome, TSR_SERVER_ANSWERED);
    peer_close(p);
}

/* Transport 5.1, Transport 5.3 */
static void test_register_nosec_only_where_allowed(void **state)
{
    house *h = *state;
    test_peer *p;

    house_stop(h);
    h->config.allow_nosec = false;
    house_start(h);
    p = device(h);
    assert_int_equal(peer_register(p, "ep=dev1&lt=60&lwm2m=1.1"), TSR_COAP_FORBIDDEN);
    assert_false(registered(h, "dev1"));
    peer_close(p);
}

/* An endpoint that has a key cannot be taken over by a plain message. */
static void test_register_nosec_never_for_an_endpoint_with_a_credential(void **state)
{
    house *h = *state;
    test_peer *p = device(h);

    assert_int_equal(tsr_server_credential_set(h->server, "dev1", TSR_SERVER_PSK, "id",
                                               tsr_text("0123456789abcdef")),
                     TSR_OK);
    assert_int_equal(peer_register(p, "ep=dev1&lt=60&lwm2m=1.1"), TSR_COAP_FORBIDDEN);
    assert_int_equal(peer_register(p, "ep=dev2&lt=60&lwm2m=1.1"), TSR_COAP_CREATED);
    peer_close(p);
}

/* LwM2M-1.1-int-107: the lifetime is extended and changed. Core 6.2.2 */
static void test_update_changes_only_what_is_given(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    tsr_server_registration *r;
    char location[64];

    assert_int_equal(peer_register(p, "ep=dev1&lt=60&lwm2m=1.1&b=U"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "lt=600", NULL), TSR_COAP_CHANGED);
    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    assert_int_equal(r->lifetime_s, 600);
    assert_int_equal(r->expires_unix_ms - r->updated_unix_ms, 600000);
    assert_int_equal(r->link_count, 2);
    tsr_server_registration_free(r);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", "</1/0>,</3/0>,</3303/0>"),
                     TSR_COAP_CHANGED);
    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    assert_int_equal(r->link_count, 3);
    assert_int_equal(r->lifetime_s, 600);
    tsr_server_registration_free(r);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "lt=x", NULL), TSR_COAP_BAD_REQUEST);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", "<"), TSR_COAP_BAD_REQUEST);
    peer_close(p);
}

/* LwM2M-1.1-int-105: an Update of what is not registered is answered 4.04. */
static void test_update_of_unknown_is_not_found(void **state)
{
    house *h = *state;
    test_peer *p = device(h);

    assert_int_equal(peer_request(p, TSR_COAP_POST, "/rd/AAAAAAAAAAAA", "lt=60", NULL),
                     TSR_COAP_NOT_FOUND);
    assert_int_equal(peer_request(p, TSR_COAP_POST, "/rd/x", "", NULL), TSR_COAP_NOT_FOUND);
    assert_int_equal(peer_request(p, TSR_COAP_DELETE, "/rd/AAAAAAAAAAAA", "", NULL),
                     TSR_COAP_NOT_FOUND);
    peer_close(p);
}

static void test_unknown_resources_and_methods(void **state)
{
    house *h = *state;
    test_peer *p = device(h);

    assert_int_equal(peer_request(p, TSR_COAP_GET, "/rd", "", NULL), TSR_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(peer_request(p, TSR_COAP_PUT, "/rd/AAAAAAAAAAAA", "", NULL),
                     TSR_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(peer_request(p, TSR_COAP_GET, "/3/0", "", NULL), TSR_COAP_NOT_FOUND);
    assert_int_equal(peer_request(p, TSR_COAP_POST, "/bs", "ep=a", NULL), TSR_COAP_NOT_FOUND);
    assert_int_equal(peer_request(p, TSR_COAP_GET, "/.well-known/core", "", NULL),
                     TSR_COAP_CONTENT);
    assert_non_null(strstr((char *)p->payload, "</rd>"));
    peer_close(p);
}

/* LwM2M-1.1-int-103 (the server's part): 2.02, and the device is gone. Core 6.2.3 */
static void test_deregister_ends_the_registration(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    char location[64];

    assert_int_equal(peer_register(p, "ep=dev1&lt=60&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    assert_int_equal(peer_request(p, TSR_COAP_DELETE, location, "", NULL), TSR_COAP_DELETED);
    assert_false(registered(h, "dev1"));
    house_expect(h, p, "dev1", TSR_SERVER_EV_DEREGISTERED, 0);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_NOT_FOUND);
    peer_close(p);
}

/* LwM2M-1.1-int-102 (the server's part): the lifetime ends without an Update. */
static void test_lifetime_ends_the_registration(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    char location[64];

    assert_int_equal(peer_register(p, "ep=dev1&lt=4&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    peer_run(p, 2100, NULL);
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
    peer_run(p, 2100, NULL);
    assert_true(registered(h, "dev1")); /* the Update moved it */
    house_expect(h, p, "dev1", TSR_SERVER_EV_EXPIRED, 0);
    assert_false(registered(h, "dev1"));
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_NOT_FOUND);
    peer_close(p);
}

static void test_lifetime_zero_never_ends(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    tsr_server_registration *r;

    assert_int_equal(peer_register(p, "ep=dev1&lt=0&lwm2m=1.1"), TSR_COAP_CREATED);
    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    assert_int_equal(r->expires_unix_ms, 0);
    tsr_server_registration_free(r);
    house_stop(h);
    house_start(h);
    assert_true(registered(h, "dev1"));
    peer_close(p);
}

/* A Register of a known endpoint replaces its registration, from whatever address and shard. */
static void test_register_again_replaces(void **state)
{
    house *h = *state;
    char old[64] = "";

    for (int i = 0; i < 12; i++) { /* ephemeral ports fall on both shards */
        test_peer *p = device(h);

        assert_int_equal(peer_register(p, "ep=dev1&lt=60&lwm2m=1.1"), TSR_COAP_CREATED);
        assert_string_not_equal(p->location, old);
        if (old[0])
            assert_int_equal(peer_request(p, TSR_COAP_POST, old, "", NULL), TSR_COAP_NOT_FOUND);
        snprintf(old, sizeof old, "%s", p->location);
        assert_int_equal(tsr_server_count(h->server), 1);
        assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
        peer_close(p);
    }
}

/* The address changes (NAT); an Update from the new one takes the registration along, whichever
 * shard it falls to, and no Message ID comes again, or the device would take a request for old. */
static void test_update_from_another_address_moves_the_device(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    char location[64];

    assert_int_equal(peer_register(p, "ep=dev1&lt=60&lwm2m=1.1"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    for (int i = 0; i < 200; i++) {
        peer_rebind(p);
        assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
        assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
        assert_int_equal(h->first.value.as.i, 100);
    }
    assert_int_equal(tsr_server_count(h->server), 1);
    peer_close(p);
}

static void test_restart_keeps_registrations(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    char location[64];
    tsr_server_registration *r;

    assert_int_equal(peer_register(p, "ep=dev1&lt=1000&lwm2m=1.1&b=U"), TSR_COAP_CREATED);
    snprintf(location, sizeof location, "%s", p->location);
    for (int i = 0; i < 2; i++) {
        house_stop(h);
        house_start(h);
        assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
        assert_string_equal(r->id, location + 4);
        assert_int_equal(r->lifetime_s, 1000);
        assert_int_equal(r->link_count, 2);
        tsr_server_registration_free(r);
        /* a plain device is reached at once, before it says anything */
        assert_int_equal(house_read(h, p, "dev1", "/3/0/9"), TSR_SERVER_ANSWERED);
    }
    assert_int_equal(peer_request(p, TSR_COAP_POST, location, "", NULL), TSR_COAP_CHANGED);
    peer_close(p);
}

/* An Update that changed nothing may not have been written; a device that updated in time must not
 * be expired by a restart. */
static void test_restart_grants_what_the_journal_may_lack(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    tsr_server_registration *r;
    int64_t before;

    assert_int_equal(peer_register(p, "ep=dev1&lt=2&lwm2m=1.1"), TSR_COAP_CREATED);
    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    before = r->expires_unix_ms;
    tsr_server_registration_free(r);
    house_stop(h);
    sleep(3);
    house_start(h);
    assert_int_equal(tsr_server_find(h->server, "dev1", &r), TSR_OK);
    assert_true(r->expires_unix_ms > before + 60000);
    tsr_server_registration_free(r);
    assert_int_equal(peer_request(p, TSR_COAP_POST, p->location, "", NULL), TSR_COAP_CHANGED);
    house_expect(h, p, "dev1", TSR_SERVER_EV_EXPIRED, 0); /* and then counts as before */
    peer_close(p);
}

static void test_list_pages_and_filters(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    tsr_server_registration **page;
    size_t count;
    bool more;
    char after[32] = "";
    int seen = 0;

    for (int i = 0; i < 25; i++) {
        char queries[64];

        snprintf(queries, sizeof queries, "ep=%s-%02d&lt=60&lwm2m=1.1", i % 5 ? "lamp" : "Meter",
                 i);
        if (i % 3 == 0)
            peer_rebind(p);
        assert_int_equal(peer_register(p, queries), TSR_COAP_CREATED);
    }
    do {
        tsr_server_filter f = { .after = after[0] ? after : NULL, .limit = 7 };

        assert_int_equal(tsr_server_list(h->server, &f, &page, &count, &more), TSR_OK);
        for (size_t i = 0; i < count; i++) {
            assert_true(strcmp(page[i]->endpoint, after) > 0);
            snprintf(after, sizeof after, "%s", page[i]->endpoint);
            seen++;
        }
        tsr_server_list_free(page, count);
    } while (more);
    assert_int_equal(seen, 25);
    assert_int_equal(
        tsr_server_list(h->server, &(tsr_server_filter){ .prefix = "Meter" }, &page, &count, &more),
        TSR_OK);
    assert_int_equal(count, 5);
    assert_false(more);
    tsr_server_list_free(page, count);
    assert_int_equal(tsr_server_list(h->server,
                                     &(tsr_server_filter){ .contains = "METER-1", .limit = 1 },
                                     &page, &count, &more),
                     TSR_OK);
    assert_int_equal(count, 1);
    assert_string_equal(page[0]->endpoint, "Meter-10");
    assert_true(more);
    tsr_server_list_free(page, count);
    assert_int_equal(tsr_server_list(h->server,
                                     &(tsr_server_filter){ .prefix = "lamp-01", .after = "a" },
                                     &page, &count, &more),
                     TSR_OK);
    assert_int_equal(count, 1);
    tsr_server_list_free(page, count);
    peer_close(p);
}

/* One address may hold several endpoints, but what a datagram costs stays bounded. */
static void test_many_endpoints_at_one_address_are_bounded(void **state)
{
    house *h = *state;
    test_peer *p = device(h);
    char first[64];

    for (int i = 0; i < 40; i++) {
        char queries[64];

        snprintf(queries, sizeof queries, "ep=dev%02d&lt=60&lwm2m=1.1", i);
        assert_int_equal(peer_register(p, queries), TSR_COAP_CREATED);
        if (i == 0)
            snprintf(first, sizeof first, "%s", p->location);
    }
    assert_int_equal(tsr_server_count(h->server), 40);
    house_expect(h, p, "dev00", TSR_SERVER_EV_OFFLINE, 0);
    assert_int_equal(house_read(h, p, "dev39", "/3/0/9"), TSR_SERVER_ANSWERED);
    assert_int_equal(peer_request(p, TSR_COAP_POST, first, "", NULL), TSR_COAP_CHANGED);
    assert_int_equal(house_read(h, p, "dev00", "/3/0/9"), TSR_SERVER_ANSWERED);
    peer_close(p);
}

static void test_drop_makes_the_device_register_anew(void **state)
{
    house *h = *state;
    test_peer *p = device(h);

    assert_int_equal(peer_register(p, "ep=dev1&lt=60&lwm2m=1.1"), TSR_COAP_CREATED);
    assert_int_equal(tsr_server_drop(h->server, "dev1"), TSR_OK);
    assert_int_equal(tsr_server_drop(h->server, "dev1"), TSR_E_NOT_FOUND); /* gone on return */
    house_expect(h, p, "dev1", TSR_SERVER_EV_DEREGISTERED, 0);
    assert_int_equal(peer_request(p, TSR_COAP_POST, p->location, "", NULL), TSR_COAP_NOT_FOUND);
    peer_close(p);
}

/* A second server on the same ports would take half of the datagrams, or of the connections. */
static void test_port_in_use_is_named(void **state)
{
    house *h = *state;
    tsr_server_config config = h->config;
    tsr_server *other = NULL;
    char why[600], dir[] = "/tmp/tsr_other_XXXXXX";

    assert_non_null(mkdtemp(dir));
    config.data = dir;
    assert_int_equal(tsr_server_open(&config, &other, why, sizeof why), TSR_E_IO);
    assert_non_null(strstr(why, "UDP"));
    assert_non_null(strstr(why, "another program has the port"));
    house_stop(h);
    house_address(&h->config.coap_tcp[0]);
    h->config.coap_tcp_count = 1;
    house_start(h);
    config.coap_tcp[0] = h->config.coap_tcp[0];
    config.coap_tcp_count = 1;
    house_address(&config.coap[0]);
    house_address(&config.coaps[0]);
    assert_int_equal(tsr_server_open(&config, &other, why, sizeof why), TSR_E_IO);
    assert_non_null(strstr(why, "TCP"));
    assert_non_null(strstr(why, "another program has the port"));
    remove_tree(dir);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, house_up, house_down)
    const struct CMUnitTest tests[] = {
        T(test_register_stores_what_was_said),
        T(test_register_defaults_and_queue_mode),
        T(test_register_refuses_what_is_wrong),
        T(test_int_110_register_by_profile_id),
        T(test_profile_id_is_learnt),
        T(test_profile_ids_are_mixed),
        T(test_register_lenient_on_unknown_parameters_and_links),
        T(test_register_nosec_only_where_allowed),
        T(test_register_nosec_never_for_an_endpoint_with_a_credential),
        T(test_update_changes_only_what_is_given),
        T(test_update_of_unknown_is_not_found),
        T(test_unknown_resources_and_methods),
        T(test_deregister_ends_the_registration),
        T(test_lifetime_ends_the_registration),
        T(test_lifetime_zero_never_ends),
        T(test_register_again_replaces),
        T(test_update_from_another_address_moves_the_device),
        T(test_restart_keeps_registrations),
        T(test_restart_grants_what_the_journal_may_lack),
        T(test_list_pages_and_filters),
        T(test_many_endpoints_at_one_address_are_bounded),
        T(test_drop_makes_the_device_register_anew),
        T(test_port_in_use_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
