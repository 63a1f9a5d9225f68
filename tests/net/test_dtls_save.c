/* SPDX-License-Identifier: Apache-2.0
 *
 * Saved sessions. world_run checks on every datagram that no protected record number repeats. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/net/world.h"

static world w;
static uint8_t image_bytes[TSR_DTLS_SAVED_MAX];
static tsr_buf image;

static void talk(const char *up, const char *down)
{
    world_send_up(&w, up);
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, up));
    world_send_down(&w, down);
    world_run(&w, w.now_ms + 100);
    assert_true(world_got(&w, down));
}

static void talking_world(const tsr_dtls_options *client, const tsr_dtls_options *server)
{
    world_init(&w, client, server);
    world_connect(&w);
    talk("one", "two");
    image = tsr_buf_over(image_bytes, sizeof(image_bytes));
}

static void psk_world(void)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    talking_world(&client, &server);
}

static tsr_err reload(tsr_dtls *s, tsr_dtls_config *c)
{
    tsr_dtls_free(s);
    return tsr_dtls_load(s, c, &image, w.now_ms);
}

static void test_save_moves_a_client(void **state)
{
    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.client, 0, &image), TSR_OK);
    assert_false(tsr_dtls_connected(&w.client));
    assert_int_equal(reload(&w.client, &w.client_config), TSR_OK);
    assert_false(tsr_dtls_restored(&w.client));
    talk("three", "four");
    world_free(&w);
}

static void test_save_moves_a_server_with_what_it_knows(void **state)
{
    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.server, 0, &image), TSR_OK);
    assert_true(image.len < 320); /* parked sessions are what a million of them cost */
    assert_int_equal(reload(&w.server, &w.server_config), TSR_OK);
    assert_true(tsr_same(tsr_dtls_peer_identity(&w.server), tsr_text("device-1")));
    assert_true(tsr_same(tsr_dtls_cid(&w.server), tsr_view(w.cid, 8)));
    assert_int_equal(tsr_dtls_suite(&w.server), 0xC0A8);
    talk("three", "four");
    assert_int_equal(w.accepts, 1);
    world_free(&w);
}

static void test_save_keeps_the_peer_certificate(void **state)
{
    tsr_dtls_options client = world_client_cert(), server = world_server_cert();

    (void)state;
    talking_world(&client, &server);
    assert_int_equal(tsr_dtls_save(&w.server, 0, &image), TSR_OK);
    assert_int_equal(reload(&w.server, &w.server_config), TSR_OK);
    assert_true(tsr_same(tsr_dtls_peer_certificate(&w.server), world_file("device.der")));
    talk("three", "four");
    world_free(&w);
}

static void test_save_copy_leaves_the_live_session_working(void **state)
{
    uint8_t other_bytes[TSR_DTLS_SAVED_MAX];
    tsr_buf other = tsr_buf_over(other_bytes, sizeof(other_bytes));

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.client, 100, &image), TSR_OK);
    assert_int_equal(tsr_dtls_save(&w.server, 100, &other), TSR_OK);
    talk("three", "four");
    talk("five", "six");
    world_free(&w);
}

/* The story of a device that loses power: a copy is loaded though the live session went on. */
static void test_save_copy_after_a_crash_repeats_no_number(void **state)
{
    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.client, 100, &image), TSR_OK);
    tsr_dtls_stored(&w.client);
    for (unsigned i = 0; i < 20; i++)
        talk("more", "and more");
    for (unsigned crash = 0; crash < 5; crash++) {
        assert_int_equal(reload(&w.client, &w.client_config), TSR_OK);
        assert_true(tsr_dtls_restored(&w.client));
        tsr_dtls_stored(&w.client);
        for (unsigned i = 0; i < 10; i++)
            talk("back again", "welcome");
    }
    assert_int_equal(w.accepts, 1);
    world_free(&w);
}

static void test_save_copy_sends_nothing_before_it_is_stored_again(void **state)
{
    uint8_t bytes[256], old[TSR_DTLS_SAVED_MAX];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.client, 100, &image), TSR_OK);
    memcpy(old, image_bytes, image.len);
    assert_int_equal(reload(&w.client, &w.client_config), TSR_OK);
    assert_memory_not_equal(old, image_bytes, image.len); /* moved on in place */
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("early"), &out), TSR_E_STATE);
    assert_true(tsr_dtls_save_due(&w.client));

    tsr_dtls_close(&w.client); /* not even an alert */
    assert_int_equal(tsr_dtls_poll(&w.client, &out, w.now_ms), TSR_END);

    /* power fails before the write: the old image is loaded once more */
    memcpy(image_bytes, old, image.len);
    assert_int_equal(reload(&w.client, &w.client_config), TSR_OK);
    tsr_dtls_stored(&w.client);
    assert_false(tsr_dtls_save_due(&w.client));
    talk("three", "four");
    world_free(&w);
}

static void test_save_reserve_is_a_hard_end(void **state)
{
    uint8_t bytes[256];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.client, 8, &image), TSR_OK);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(tsr_dtls_save_due(&w.client), i > 4);
        world_send_up(&w, "within");
    }
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("beyond"), &out), TSR_E_STATE);
    assert_true(tsr_dtls_connected(&w.client));

    image.len = 0;
    assert_int_equal(tsr_dtls_save(&w.client, 8, &image), TSR_OK);
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("not stored"), &out), TSR_E_STATE);
    tsr_dtls_stored(&w.client);
    for (unsigned i = 0; i < 8; i++)
        world_send_up(&w, "again");
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("beyond"), &out), TSR_E_STATE);
    world_free(&w);
}

/* A server parks and wakes a session of which an older copy is stored: waking gives no new numbers.
 */
static void test_save_moved_session_keeps_to_its_reserve(void **state)
{
    uint8_t copy_bytes[TSR_DTLS_SAVED_MAX], bytes[256];
    tsr_buf copy = tsr_buf_over(copy_bytes, sizeof(copy_bytes));
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.client, 8, &copy), TSR_OK);
    tsr_dtls_stored(&w.client);
    for (unsigned i = 0; i < 8; i++) {
        image.len = 0;
        assert_int_equal(tsr_dtls_save(&w.client, 0, &image), TSR_OK);
        assert_int_equal(reload(&w.client, &w.client_config), TSR_OK);
        assert_int_equal(tsr_dtls_save_due(&w.client), i > 4);
        world_send_up(&w, "parked and woken");
    }
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("beyond"), &out), TSR_E_STATE);
    tsr_dtls_free(&w.client);
    assert_int_equal(tsr_dtls_load(&w.client, &w.client_config, &copy, w.now_ms), TSR_OK);
    tsr_dtls_stored(&w.client);
    talk("the copy goes on", "as it should");
    world_free(&w);
}

/* Both ends, saving, crashing and loading at random for a long time. */
static void test_save_long_life_with_crashes(void **state)
{
    uint8_t other_bytes[TSR_DTLS_SAVED_MAX];
    tsr_buf other = tsr_buf_over(other_bytes, sizeof(other_bytes));
    uint32_t x = 7;

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.client, 50, &image), TSR_OK);
    tsr_dtls_stored(&w.client);
    assert_int_equal(tsr_dtls_save(&w.server, 50, &other), TSR_OK);
    tsr_dtls_stored(&w.server);
    for (unsigned n = 0; n < 400; n++) {
        x = x * 1664525u + 1013904223u;
        switch (x >> 28) {
        case 0:
            assert_int_equal(reload(&w.client, &w.client_config), TSR_OK);
            tsr_dtls_stored(&w.client);
            break;
        case 1:
            tsr_dtls_free(&w.server);
            assert_int_equal(tsr_dtls_load(&w.server, &w.server_config, &other, w.now_ms), TSR_OK);
            tsr_dtls_stored(&w.server);
            break;
        case 2:
            image.len = 0;
            assert_int_equal(tsr_dtls_save(&w.client, 50, &image), TSR_OK);
            tsr_dtls_stored(&w.client);
            break;
        default: talk("ping", "pong"); break;
        }
        if (tsr_dtls_save_due(&w.client)) {
            image.len = 0;
            assert_int_equal(tsr_dtls_save(&w.client, 50, &image), TSR_OK);
            tsr_dtls_stored(&w.client);
        }
        if (tsr_dtls_save_due(&w.server)) {
            other.len = 0;
            assert_int_equal(tsr_dtls_save(&w.server, 50, &other), TSR_OK);
            tsr_dtls_stored(&w.server);
        }
    }
    assert_int_equal(w.accepts, 1);
    assert_true(w.up.number_count > 300);
    world_free(&w);
}

static void test_save_remembers_what_was_received(void **state)
{
    uint8_t bytes[256];
    tsr_buf out = tsr_buf_over(bytes, sizeof(bytes));

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("replay me"), &out), TSR_OK);
    world_deliver(&w, &w.server, tsr_buf_view(&out));
    assert_true(world_got(&w, "replay me"));
    assert_int_equal(tsr_dtls_save(&w.server, 0, &image), TSR_OK);
    assert_int_equal(reload(&w.server, &w.server_config), TSR_OK);
    w.got_count = 0;
    world_deliver(&w, &w.server, tsr_buf_view(&out));
    assert_int_equal(w.got_count, 0);
    talk("three", "four");
    world_free(&w);
}

/* A copy does not know what came after it was made, until something fresh has come. RFC 6347 §4.1.2.6 */
static void test_save_copy_takes_nothing_old_after_something_fresh(void **state)
{
    uint8_t bytes[3][256];
    tsr_buf out[3];

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.server, 100, &image), TSR_OK);
    tsr_dtls_stored(&w.server);
    assert_false(tsr_dtls_doubts(&w.server));
    for (unsigned i = 0; i < 3; i++) {
        out[i] = tsr_buf_over(bytes[i], sizeof bytes[i]);
        assert_int_equal(tsr_dtls_send(&w.client, tsr_text("once"), &out[i]), TSR_OK);
        world_deliver(&w, &w.server, tsr_buf_view(&out[i]));
    }
    assert_int_equal(reload(&w.server, &w.server_config), TSR_OK);
    tsr_dtls_stored(&w.server);
    assert_true(tsr_dtls_doubts(&w.server));
    w.got_count = 0;
    world_deliver(&w, &w.server, tsr_buf_view(&out[1]));
    assert_int_equal(w.got_count, 1); /* that is what is doubted */
    image.len = 0;
    assert_int_equal(tsr_dtls_save(&w.server, 0, &image), TSR_OK); /* parking makes no surer */
    assert_int_equal(reload(&w.server, &w.server_config), TSR_OK);
    assert_true(tsr_dtls_doubts(&w.server));
    talk("fresh", "and so is this");
    tsr_dtls_fresh(&w.server);
    assert_false(tsr_dtls_doubts(&w.server));
    w.got_count = 0;
    for (unsigned i = 0; i < 3; i++)
        world_deliver(&w, &w.server, tsr_buf_view(&out[i]));
    assert_int_equal(w.got_count, 0);
    talk("five", "six");
    world_free(&w);
}

/* RFC 6347 §4.2.4: who sent the last flight keeps it until the peer shows that it came. */
static void test_save_waits_for_the_first_record(void **state)
{
    tsr_dtls_options client = world_client_psk(), server = world_server_psk();

    (void)state;
    image = tsr_buf_over(image_bytes, sizeof(image_bytes));
    world_init(&w, &client, &server);
    world_start(&w);
    assert_int_equal(tsr_dtls_save(&w.client, 0, &image), TSR_E_STATE);
    world_run(&w, w.now_ms + 300000);
    assert_int_equal(tsr_dtls_save(&w.server, 0, &image), TSR_E_STATE);
    assert_int_equal(image.len, 0);
    talk("one", "two");
    assert_int_equal(tsr_dtls_save(&w.server, 0, &image), TSR_OK);
    world_free(&w);
}

static void test_save_into_too_little_space_harms_nothing(void **state)
{
    tsr_buf whole;

    (void)state;
    psk_world();
    whole = tsr_buf_over(image_bytes, sizeof(image_bytes));
    for (size_t cap = 0; cap < 200; cap++) {
        image = tsr_buf_over(image_bytes, cap);
        assert_int_equal(tsr_dtls_save(&w.client, 100, &image), TSR_E_SPACE);
    }
    talk("three", "four");
    assert_int_equal(tsr_dtls_save(&w.client, 100, &whole), TSR_OK);
    talk("five", "six");
    world_free(&w);
}

/* A shard's worth of live sessions; each holds two keys in the PSA core. */
static void test_load_thousands_at_once(void **state)
{
    enum { COUNT = 4000 };
    tsr_dtls *many = calloc(COUNT, sizeof(*many));
    uint8_t bytes[256];
    tsr_buf out;

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.server, 0, &image), TSR_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(tsr_dtls_load(&many[i], &w.server_config, &image, w.now_ms), TSR_OK);
    out = tsr_buf_over(bytes, sizeof(bytes));
    assert_int_equal(tsr_dtls_send(&w.client, tsr_text("to the last"), &out), TSR_OK);
    world_deliver(&w, &many[COUNT - 1], tsr_buf_view(&out));
    assert_true(world_got(&w, "to the last"));
    for (size_t i = 0; i < COUNT; i++)
        tsr_dtls_free(&many[i]);
    free(many);
    world_free(&w);
}

static void test_load_rejects_what_is_no_image(void **state)
{
    uint8_t copy[TSR_DTLS_SAVED_MAX];
    size_t len;

    (void)state;
    psk_world();
    assert_int_equal(tsr_dtls_save(&w.client, 0, &image), TSR_OK);
    len = image.len;
    memcpy(copy, image_bytes, len);
    tsr_dtls_free(&w.client);
    for (size_t cut = 0; cut < len; cut++) {
        image = tsr_buf_over(image_bytes, sizeof(image_bytes));
        tsr_put_bytes(&image, tsr_view(copy, cut));
        assert_int_not_equal(tsr_dtls_load(&w.client, &w.client_config, &image, w.now_ms), TSR_OK);
    }
    image = tsr_buf_over(image_bytes, sizeof(image_bytes));
    tsr_put_bytes(&image, tsr_view(copy, len));
    assert_int_equal(tsr_dtls_load(&w.client, &w.server_config, &image, w.now_ms), TSR_E_MALFORMED);
    assert_int_equal(tsr_dtls_load(&w.client, &w.client_config, &image, w.now_ms), TSR_OK);
    talk("three", "four");
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_save_moves_a_client),
        cmocka_unit_test(test_save_moves_a_server_with_what_it_knows),
        cmocka_unit_test(test_save_keeps_the_peer_certificate),
        cmocka_unit_test(test_save_copy_leaves_the_live_session_working),
        cmocka_unit_test(test_save_copy_after_a_crash_repeats_no_number),
        cmocka_unit_test(test_save_copy_sends_nothing_before_it_is_stored_again),
        cmocka_unit_test(test_save_reserve_is_a_hard_end),
        cmocka_unit_test(test_save_moved_session_keeps_to_its_reserve),
        cmocka_unit_test(test_save_long_life_with_crashes),
        cmocka_unit_test(test_save_remembers_what_was_received),
        cmocka_unit_test(test_save_copy_takes_nothing_old_after_something_fresh),
        cmocka_unit_test(test_save_waits_for_the_first_record),
        cmocka_unit_test(test_save_into_too_little_space_harms_nothing),
        cmocka_unit_test(test_load_rejects_what_is_no_image),
        cmocka_unit_test(test_load_thousands_at_once),
    };

    world_psa();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
