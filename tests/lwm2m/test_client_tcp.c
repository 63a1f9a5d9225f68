/* SPDX-License-Identifier: Apache-2.0
 *
 * The client over a stream: connections that come and go, and what a server is told then (RFC 8323).
 * The server's end is the engine for streams below the same engine as ever. */
#include "tests/lwm2m/rig.h"

#include "tessera/lwm2m/client/tcp_channel.h"

enum { MESSAGE = 2304, OUT = 8192 };

/* The two ends of one connection, and who carries it. */
static struct {
    tsr_lwm2m_tcp tcp;
    tsr_coap_streams streams, far_streams;
    tsr_coap_stream far;
    void *memory, *far_memory;
    uint8_t in[4096];
    size_t piece;      /* bytes that come to the client at a time */
    bool refuses, local, linked;
    unsigned connections;
} net;

static tsr_coap_stream_config stream_config(uint32_t watches)
{
    return (tsr_coap_stream_config){ .exchanges = 16, .exchange_len = 1300, .bodies = 2,
                                     .body_len = 4096, .message_len = MESSAGE, .out_len = OUT,
                                     .watches = watches, .watch_len = 64, .seed = 11,
                                     .response_wait_ms = 93000 };
}

static tsr_coap_stream *far_at(void *user, tsr_coap_peer peer)
{
    (void)user;
    (void)peer;
    return &net.far;
}

static void hang_up(rig *r)
{
    net.linked = false;
    tsr_coap_peer_gone(&r->server[0].coap, 0);
    rig_server_events(r, 0);
}

/* What a host does between polls. */
static void tend(rig *r)
{
    if (net.linked && !tsr_lwm2m_tcp_holds(&net.tcp))
        hang_up(r);
    if (!tsr_lwm2m_tcp_wants(&net.tcp, r->now_ms))
        return;
    if (net.refuses) {
        tsr_lwm2m_tcp_broken(&net.tcp, "refused", net.local);
        return;
    }
    net.linked = true;
    net.connections++;
    assert_int_equal(tsr_coap_streams_open(&r->server[0].coap, 0, r->now_ms), TSR_OK);
    tsr_lwm2m_tcp_connected(&net.tcp, r->now_ms);
}

static void break_link(rig *r, const char *why)
{
    hang_up(r);
    tsr_lwm2m_tcp_broken(&net.tcp, why, false);
}

static void from_client(rig *r, size_t server, tsr_bytes bytes)
{
    while (net.linked && bytes.len != 0) {
        assert_int_equal(tsr_coap_streams_feed(&r->server[0].coap, 0, &bytes, r->now_ms), TSR_OK);
        rig_server_events(r, server);
    }
}

static bool own(rig *r, size_t server, tsr_buf *out)
{
    size_t room;

    tend(r);
    room = tsr_lwm2m_tcp_room(&net.tcp);
    if (!net.linked || room == 0)
        return false;
    if (out->cap > net.piece)
        out->cap = net.piece;
    if (out->cap > room)
        out->cap = room;
    (void)tsr_coap_streams_poll(&r->server[0].coap, 0, out, r->now_ms);
    rig_server_events(r, server);
    if (out->len == 0 && tsr_coap_stream_over(&net.far))
        break_link(r, NULL);
    return out->len != 0;
}

static tsr_err to_client(rig *r, size_t server, tsr_bytes message, tsr_buf *datagram)
{
    (void)r;
    (void)server;
    (void)message;
    (void)datagram;
    fail_msg("a datagram for a stream");
    return TSR_E_STATE;
}

static uint64_t due_ms(rig *r, size_t server)
{
    (void)r;
    (void)server;
    return net.linked ? tsr_coap_stream_due_ms(&net.far) : UINT64_MAX;
}

static rig_layer layer = { from_client, to_client, own, due_ms };

/* Before the client says anything; the client's engine is placed anew with it. */
static void attach(rig *r)
{
    tsr_coap_stream_config config = stream_config(0);
    size_t len = tsr_coap_stream_memory(&config);

    free(net.memory);
    net.memory = calloc(1, len);
    memset(&net.tcp, 0, sizeof net.tcp);
    memset(&net.streams, 0, sizeof net.streams);
    net.tcp.in = net.in;
    net.tcp.in_cap = sizeof net.in;
    assert_int_equal(tsr_lwm2m_tcp_init(&net.tcp, &r->client, 0, &config, net.memory, len), TSR_OK);
    assert_int_equal(tsr_lwm2m_tcp_use(&r->client, &net.streams), TSR_OK);
}

static int set_up(void **state)
{
    tsr_coap_stream_config config = stream_config(8);
    size_t len = tsr_coap_stream_memory(&config);
    rig *r;

    memset(&net, 0, sizeof net);
    net.piece = 2048;
    rig_attach = attach;
    r = rig_new_over(&tsr_lwm2m_tcp_channel, &net.tcp);
    strcpy(r->server_item[0].binding, "T");
    net.far_memory = calloc(1, len);
    assert_int_equal(tsr_coap_stream_init(&net.far, &config, net.far_memory, len), TSR_OK);
    net.far_streams.at = far_at;
    assert_int_equal(tsr_coap_streams_set(&r->server[0].coap, &net.far_streams), TSR_OK);
    r->server[0].layer = &layer;
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    free(net.memory);
    free(net.far_memory);
    rig_attach = NULL;
    return 0;
}

/* RFC 8323 §3.3, Core 6.2.1, Transport 6.8.2 */
static void test_tcp_registers_after_csm(void **state)
{
    rig *r = *state;

    rig_register(r);
    assert_int_equal(net.connections, 1);
    assert_int_equal(net.far.peer_message_len, MESSAGE);
    assert_non_null(strstr(rig_last(r, 0)->queries, "&b=T"));
    assert_int_equal(r->events[TSR_LWM2M_E_CONNECTED], 1);
}

static void test_tcp_is_managed_byte_by_byte(void **state)
{
    rig *r = *state;

    net.piece = 1;
    rig_register(r);
    assert_code(rig_get(r, "/3/0/0", 0), 2, 05);
    assert_text(&r->server[0].answer, "Open Mobile Alliance");
    assert_code(rig_put(r, "/1/0/1", 0, "600"), 2, 04);
    rig_run(r);
    assert_string_equal(rig_last(r, 0)->queries, "lt=600");
    assert_code(rig_observe(r, "/3/0/9", 0), 2, 05);
    r->device.battery_percent = 50;
    tsr_lwm2m_client_changed(&r->client, tsr_lwm2m_at_instance(3, 0));
    rig_wait(r, 2000);
    assert_int_equal(r->server[0].note_count, 1);
    assert_text(&r->server[0].note[0], "50");
}

/* RFC 8323 §7.4: observations end with the connection, so the client registers anew. */
static void test_tcp_registers_anew_after_a_break(void **state)
{
    rig *r = *state;

    rig_register(r);
    assert_code(rig_observe(r, "/3/0/9", 0), 2, 05);
    break_link(r, NULL);
    rig_wait(r, 3000);
    assert_int_equal(net.connections, 2);
    assert_int_equal(r->server[0].number, 2);
    assert_int_equal(r->client.observed, 0);
    assert_int_equal(r->events[TSR_LWM2M_E_DISCONNECTED], 1);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
}

/* A restart keeps the registration's state, but not a connection. */
static void test_tcp_registers_anew_after_a_restart(void **state)
{
    rig *r = *state;

    rig_register(r);
    rig_wait(r, 2000);
    hang_up(r);
    rig_restart(r);
    rig_register(r);
    assert_int_equal(r->server[0].number, 2);
}

/* Core 6.2.1.2: a refused connection is an attempt; one that cannot be made for a reason here is not. */
static void test_tcp_backs_off_while_refused(void **state)
{
    rig *r = *state;

    net.refuses = true;
    rig_wait(r, 1000);
    assert_int_equal(r->accounts[0].attempts, 1);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    net.local = true;
    rig_wait(r, 400000);
    assert_int_equal(r->accounts[0].attempts, 1);
    net.refuses = false;
    rig_wait(r, 20000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
}

/* Core 6.3: a stream brings it no second time, and keeps no exchange for it. */
static void test_tcp_ignores_requests_until_registered(void **state)
{
    rig *r = *state;
    rig_server *s = &r->server[0];
    tsr_coap_request read = { .method = TSR_COAP_GET, .path = "/3/0/0" };

    s->refuse[2] = s->refuse[1] = s->refuse[0] = TSR_COAP_BAD_REQUEST;
    rig_wait(r, 1000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_WAITING);
    for (int i = 0; i < 20; i++) { /* more than it has exchanges */
        assert_int_equal(tsr_coap_request_send(&s->coap, 0, &read, r->now_ms, &s->asked), TSR_OK);
        rig_wait(r, 100);
        assert_false(s->answered);
        assert_int_equal(tsr_coap_cancel(&s->coap, s->asked), TSR_OK);
    }
    s->refuse[2] = 0;
    rig_wait(r, 100000);
    assert_code(rig_get(r, "/3/0/0", 0), 2, 05);
}

/* RFC 8323 §5.5 */
static void test_tcp_holds_off_after_release(void **state)
{
    rig *r = *state;

    rig_register(r);
    assert_int_equal(tsr_coap_stream_release(&net.far, NULL, (tsr_coap_num){ true, 100 }, r->now_ms),
                     TSR_OK);
    rig_wait(r, 99000);
    assert_int_equal(net.connections, 1);
    rig_wait(r, 3000);
    assert_int_equal(net.connections, 2);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
}

/* RFC 8323 §5.6: what is no CoAP ends the connection, with an Abort. */
static void test_tcp_aborts_at_garbage(void **state)
{
    static const uint8_t garbage[] = { 0x0f, 0x01, 0x02 };
    rig *r = *state;

    rig_register(r);
    assert_int_equal(tsr_lwm2m_client_feed(&r->client, 0, tsr_view(garbage, sizeof garbage), r->now_ms),
                     TSR_OK);
    rig_wait(r, 100);
    assert_int_equal(net.far.why, TSR_E_DENIED);
    assert_string_equal(r->accounts[0].location, "/rd/1");
    rig_wait(r, 300000);
    assert_int_equal(r->server[0].number, 2);
}

static void test_tcp_leaves_in_good_order(void **state)
{
    rig *r = *state;

    rig_register(r);
    tsr_lwm2m_client_stop(&r->client, true, r->now_ms);
    rig_run(r);
    assert_int_equal(rig_last(r, 0)->code, TSR_COAP_DELETE);
    assert_true(tsr_lwm2m_client_stopped(&r->client));
    assert_int_equal(net.far.why, TSR_END); /* a Release */
    assert_false(tsr_lwm2m_tcp_holds(&net.tcp));
}

/* A server that answers nothing is given up, and asked over a connection of its own. */
static void test_tcp_gives_up_a_silent_server(void **state)
{
    rig *r = *state;

    r->server[0].silent = true;
    rig_wait(r, 92000);
    assert_int_equal(r->accounts[0].attempts, 1); /* no CSM came in 30 s... */
    r->server[0].silent = false;
    rig_wait(r, 200000);
    assert_int_equal(r->accounts[0].standing, TSR_LWM2M_REGISTERED);
}

static void test_tcp_moves_to_a_new_connection(void **state)
{
    rig *r = *state;

    rig_register(r);
    tsr_lwm2m_client_moved(&r->client, 0, r->now_ms);
    rig_wait(r, 1000);
    assert_int_equal(net.connections, 2);
    assert_int_equal(r->server[0].number, 2);
}

/* While the link takes nothing, nothing is polled; what came meanwhile waits. */
static void test_tcp_waits_for_a_full_link(void **state)
{
    rig *r = *state;
    uint8_t room[64];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    size_t account;

    rig_register(r);
    tsr_lwm2m_tcp_full(&net.tcp, true);
    tsr_lwm2m_client_update(&r->client, 0);
    assert_int_equal(tsr_lwm2m_client_poll(&r->client, &account, &out, r->now_ms), TSR_END);
    assert_true(tsr_lwm2m_client_due_ms(&r->client) > r->now_ms);
    tsr_lwm2m_tcp_full(&net.tcp, false);
    assert_int_equal(tsr_lwm2m_client_poll(&r->client, &account, &out, r->now_ms), TSR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tcp_registers_after_csm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_is_managed_byte_by_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_registers_anew_after_a_break, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_registers_anew_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_backs_off_while_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_ignores_requests_until_registered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_holds_off_after_release, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_aborts_at_garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_leaves_in_good_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_gives_up_a_silent_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_moves_to_a_new_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tcp_waits_for_a_full_link, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
