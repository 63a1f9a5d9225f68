/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS as a layer of a TCP channel (tessera/lwm2m/client/tls_channel.h): when the session of an account
 * is kept for the next connection, and when it is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "tessera/lwm2m/client/tls_channel.h"
#include "tessera/net/tls_tickets.h"

static struct {
    tsr_lwm2m_tls near;
    uint8_t room[TSR_TLS_KEPT_PSK];
    tsr_dtls_config config;
    tsr_tls far;
    uint32_t key_id;
    bool knows; /* the identity */
} t;

static tsr_err find(void *user, tsr_bytes identity, uint32_t *key_id)
{
    (void)user;
    *key_id = t.key_id;
    return t.knows && tsr_same(identity, tsr_text("dev")) ? TSR_OK : TSR_E_NOT_FOUND;
}

/* Sealed by nobody: what is looked at here is the client. */
static tsr_err copy(void *user, tsr_bytes bound, tsr_bytes in, tsr_buf *out)
{
    (void)user;
    (void)bound;
    tsr_put_bytes(out, in);
    return out->err;
}

static const tsr_tls_tickets tickets = { 600, NULL, copy, copy };

static uint32_t psk(void)
{
    static const uint8_t key[16] = { 7 };
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t id;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&attributes, key, sizeof key, &id), PSA_SUCCESS);
    return id;
}

static int begin(void **state)
{
    tsr_dtls_options o = { .role = TSR_DTLS_SERVER, .stream = true, .psk_find = find };

    (void)state;
    memset(&t, 0, sizeof t);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    t.key_id = psk();
    t.knows = true;
    t.near.options = (tsr_dtls_options){ .stream = true,
                                         .psk_identity = tsr_text("dev"),
                                         .psk_key_id = t.key_id };
    t.near.kept = (tsr_tls_kept){ .room = t.room, .cap = sizeof t.room };
    assert_int_equal(tsr_dtls_config_init(&t.config, &o), TSR_OK);
    assert_int_equal(tsr_tls_tickets_use(&t.config, &tickets), TSR_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    tsr_lwm2m_tls_free(&t.near);
    tsr_tls_free(&t.far);
    tsr_dtls_config_free(&t.config);
    psa_destroy_key(t.key_id);
    return 0;
}

static void shake_hands(void)
{
    const tsr_lwm2m_tcp_layer *layer = &tsr_lwm2m_tls_layer;
    uint8_t up[2048], down[2048], room[64];
    tsr_buf there = tsr_buf_over(up, sizeof up), back = tsr_buf_over(down, sizeof down);
    tsr_buf plain = tsr_buf_over(room, sizeof room);

    tsr_tls_free(&t.far);
    assert_int_equal(tsr_tls_begin(&t.far, &t.config, 0), TSR_OK);
    assert_int_equal(layer->open(&t.near, 1), TSR_OK);
    for (int i = 0; i < 10; i++) {
        tsr_bytes in;

        (void)layer->poll(&t.near, &there, 1);
        in = tsr_buf_view(&there);
        (void)tsr_tls_take(&t.far, &in, &plain, 1);
        there.len = 0;
        while (tsr_tls_poll(&t.far, &back, 1) == TSR_OK) {
        }
        in = tsr_buf_view(&back);
        (void)layer->take(&t.near, &in, &plain, 1);
        back.len = 0;
    }
}

static void connects(bool resumed)
{
    shake_hands();
    assert_true(tsr_lwm2m_tls_layer.is_up(&t.near));
    assert_int_equal(tsr_lwm2m_tls_is_resumed(&t.near), resumed);
    assert_int_equal(tsr_tls_resumed(&t.far), resumed);
}

static void is_wiped(void)
{
    for (size_t i = 0; i < sizeof t.room; i++)
        assert_int_equal(t.room[i], 0);
}

/* RFC 5246 §7.3: a link that was closed, or that broke, is taken up again. */
static void test_tls_channel_goes_on_with_its_session(void **state)
{
    (void)state;
    connects(false);
    tsr_lwm2m_tls_layer.close(&t.near, NULL);
    connects(true);
    connects(true); /* the host need not close it first */
    assert_int_not_equal(t.near.kept.len, 0);
}

static void test_tls_channel_without_a_place_keeps_nothing(void **state)
{
    (void)state;
    t.near.kept = (tsr_tls_kept){ .room = NULL };
    connects(false);
    connects(false);
}

/* What belongs to credentials goes with them. */
static void test_tls_channel_wipes_the_session_with_its_account(void **state)
{
    (void)state;
    connects(false);
    tsr_lwm2m_tls_layer.close(&t.near, NULL);
    tsr_lwm2m_tls_free(&t.near);
    is_wiped();
    connects(false);
}

static void test_tls_channel_forgets_when_a_handshake_fails(void **state)
{
    (void)state;
    connects(false);
    t.knows = false;
    shake_hands();
    assert_false(tsr_lwm2m_tls_layer.is_up(&t.near));
    is_wiped();
    t.knows = true;
    connects(false);
    connects(true);
}

static void test_tls_channel_forgets_when_a_handshake_breaks_off(void **state)
{
    uint8_t bytes[1024];
    tsr_buf out = tsr_buf_over(bytes, sizeof bytes);

    (void)state;
    connects(false);
    assert_int_equal(tsr_lwm2m_tls_layer.open(&t.near, 2), TSR_OK);
    assert_int_equal(tsr_lwm2m_tls_layer.poll(&t.near, &out, 2), TSR_OK);
    tsr_lwm2m_tls_layer.close(&t.near, NULL);
    is_wiped();
    connects(false);
}

/* RFC 5246 §7.2.2: a connection that ends with a fatal alert ends its session. */
static void test_tls_channel_forgets_after_a_failure(void **state)
{
    uint8_t bytes[TSR_TLS_MORE + 64], room[64];
    tsr_buf record = tsr_buf_over(bytes, sizeof bytes), plain = tsr_buf_over(room, sizeof room);
    tsr_bytes in;

    (void)state;
    connects(false);
    assert_int_equal(tsr_tls_send(&t.far, tsr_text("text"), &record), TSR_OK);
    record.ptr[record.len - 1] ^= 1;
    in = tsr_buf_view(&record);
    assert_int_equal(tsr_lwm2m_tls_layer.take(&t.near, &in, &plain, 2), TSR_E_DENIED);
    is_wiped();
    connects(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tls_channel_goes_on_with_its_session, begin, end),
        cmocka_unit_test_setup_teardown(test_tls_channel_without_a_place_keeps_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_tls_channel_wipes_the_session_with_its_account, begin, end),
        cmocka_unit_test_setup_teardown(test_tls_channel_forgets_when_a_handshake_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_tls_channel_forgets_when_a_handshake_breaks_off, begin, end),
        cmocka_unit_test_setup_teardown(test_tls_channel_forgets_after_a_failure, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
