/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters, sequence numbers, the replay window, restarts. */
#include "tests/oscore/rig.h"

#include "tessera/oscore/window.h"

static const tsr_bytes fresh = { NULL, 0 };

static tsr_bytes piv_of(const rig_message *m)
{
    static uint8_t copy[8];
    tsr_oscore_option o;
    tsr_bytes body;

    assert_int_equal(tsr_oscore_body(rig_view(m), &body), TSR_OK);
    assert_int_equal(tsr_oscore_option_find(body, &o), TSR_OK);
    assert_true(o.piv.len <= sizeof copy);
    memcpy(copy, o.piv.ptr, o.piv.len);
    return tsr_view(copy, o.piv.len);
}

static uint64_t number_of(const rig_message *m)
{
    tsr_bytes piv = piv_of(m);
    uint64_t v = 0;

    for (size_t i = 0; i < piv.len; i++)
        v = v << 8 | piv.ptr[i];
    return v;
}

/* ---- parameters ---- */

static void test_every_aead_talks(void **state)
{
    static const struct {
        int32_t alg;
        size_t id_max;
    } algs[] = {
        { TSR_COSE_CCM_16_64_128, 7 },   { TSR_COSE_CCM_16_64_256, 7 },
        { TSR_COSE_CCM_64_64_128, 1 },   { TSR_COSE_CCM_64_64_256, 1 },
        { TSR_COSE_CCM_16_128_128, 7 },  { TSR_COSE_CCM_16_128_256, 7 },
        { TSR_COSE_CCM_64_128_128, 1 },  { TSR_COSE_CCM_64_128_256, 1 },
        { TSR_COSE_A128GCM, 6 },         { TSR_COSE_A192GCM, 6 },
        { TSR_COSE_A256GCM, 6 },
    };
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
        tsr_oscore_params p = rig_params(true, secret), q = rig_params(false, secret);
        tsr_oscore_exchange x, y;
        tsr_oscore client, server;
        rig_message wire, plain;

        p.aead = q.aead = algs[i].alg;
        p.sender_id = q.recipient_id = tsr_first(tsr_text("1234567"), algs[i].id_max);
        assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_OK);
        assert_int_equal(tsr_oscore_init(&server, &q, fresh), TSR_OK);
        assert_int_equal(rig_request(&client, &x, RIG_GET, &wire), TSR_OK);
        assert_int_equal(rig_take_request(&server, &y, &wire, &plain), TSR_OK);
        assert_true(rig_is(&plain, RIG_GET));
        assert_int_equal(rig_response(&server, &y, RIG_HELLO, &wire), TSR_OK);
        assert_int_equal(rig_take_response(&client, &x, &wire, &plain), TSR_OK);
        assert_true(rig_is(&plain, RIG_HELLO));
        tsr_oscore_free(&client);
        tsr_oscore_free(&server);
        p.sender_id = tsr_first(tsr_text("12345678"), algs[i].id_max + 1);
        assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_E_ARGUMENT);
    }
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

static void test_hkdf_sha512(void **state)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_512));
    tsr_oscore_params p = rig_params(true, secret), q = rig_params(false, secret);
    tsr_oscore_exchange x, y;
    tsr_oscore client, server;
    rig_message wire, plain;

    (void)state;
    assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_E_CRYPTO); /* the key's policy */
    p.hkdf = TSR_OSCORE_HKDF_SHA512;
    q.hkdf = 7; /* HMAC 512/512: the same */
    assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_OK);
    assert_int_equal(tsr_oscore_init(&server, &q, fresh), TSR_OK);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &wire), TSR_OK);
    assert_int_equal(rig_take_request(&server, &y, &wire, &plain), TSR_OK);
    tsr_oscore_free(&client);
    tsr_oscore_free(&server);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

static void test_bad_parameters(void **state)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    uint8_t long_context[TSR_OSCORE_ID_CONTEXT_MAX + 1] = { 0 };
    tsr_oscore_params p = rig_params(true, secret);
    tsr_oscore_exchange x;
    tsr_oscore c;
    rig_message m;

    (void)state;
    p.aead = TSR_COSE_HMAC_256;
    assert_int_equal(tsr_oscore_init(&c, &p, fresh), TSR_E_UNSUPPORTED);
    p.aead = 4711;
    assert_int_equal(tsr_oscore_init(&c, &p, fresh), TSR_E_UNSUPPORTED);
    p = rig_params(true, secret);
    p.hkdf = -12;
    assert_int_equal(tsr_oscore_init(&c, &p, fresh), TSR_E_UNSUPPORTED);
    p = rig_params(true, secret);
    p.recipient_id = p.sender_id; /* RFC 8613 §3.3 */
    assert_int_equal(tsr_oscore_init(&c, &p, fresh), TSR_E_ARGUMENT);
    p = rig_params(true, secret);
    p.id_context = tsr_view(long_context, sizeof long_context);
    assert_int_equal(tsr_oscore_init(&c, &p, fresh), TSR_E_ARGUMENT);
    p = rig_params(true, 0x7fff0000);
    assert_int_equal(tsr_oscore_init(&c, &p, fresh), TSR_E_CRYPTO);
    p = rig_params(true, secret);
    assert_int_equal(tsr_oscore_init(&c, &p, fresh), TSR_OK);
    tsr_oscore_free(&c);
    tsr_oscore_free(&c);
    assert_int_equal(rig_request(&c, &x, RIG_GET, &m), TSR_E_ARGUMENT);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

/* RFC 8613 §5.1: an empty ID Context is not the same as none; a wrong one finds no context. */
static void test_id_context(void **state)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    tsr_oscore_params p = rig_params(true, secret), q = rig_params(false, secret);
    tsr_oscore_exchange x, y;
    tsr_oscore client, server;
    rig_message wire, plain;

    (void)state;
    p.id_context = tsr_text("ctx");
    p.send_id_context = true;
    q.id_context = tsr_text("cty");
    assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_OK);
    assert_int_equal(tsr_oscore_init(&server, &q, fresh), TSR_OK);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &wire), TSR_OK);
    assert_int_equal(rig_take_request(&server, &y, &wire, &plain), TSR_E_NOT_FOUND);
    tsr_oscore_free(&client);
    p.send_id_context = false;
    p.id_context = tsr_view("", 0);
    tsr_oscore_free(&server);
    q.id_context = fresh;
    assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_OK);
    assert_int_equal(tsr_oscore_init(&server, &q, fresh), TSR_OK);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &wire), TSR_OK);
    assert_int_equal(rig_take_request(&server, &y, &wire, &plain), TSR_E_CRYPTO);
    tsr_oscore_free(&client);
    tsr_oscore_free(&server);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

/* ---- the replay window ---- */

/* RFC 8613 §7.4, against a model that remembers everything. */
static void test_window_against_a_model(void **state)
{
    enum { SENT = 700 };
    static rig_message sent[SENT];
    static bool taken[SENT];
    tsr_oscore client, server;
    tsr_oscore_exchange x, y;
    uint32_t rng = 7;
    size_t highest = 0;
    bool any = false;

    (void)state;
    rig_pair(&client, &server);
    memset(taken, 0, sizeof taken);
    for (size_t i = 0; i < SENT; i++)
        assert_int_equal(rig_request(&client, &x, RIG_GET, &sent[i]), TSR_OK);
    for (unsigned round = 0; round < 4000; round++) {
        rig_message plain;

        rng = rng * 1103515245u + 12345u;
        size_t reach = round / 6 + 30, span = (rng >> 8) % 100;
        size_t i = reach > span ? reach - span : 0;
        if (i >= SENT)
            i = SENT - 1;
        bool want = !taken[i] && (!any || i > highest || highest - i < 64);
        tsr_err err = rig_take_request(&server, &y, &sent[i], &plain);

        assert_int_equal(err, want ? TSR_OK : TSR_E_EXISTS);
        if (want) {
            taken[i] = any = true;
            highest = i > highest ? i : highest;
        }
    }
    tsr_oscore_free(&client);
    tsr_oscore_free(&server);
}

/* A forged number far ahead must not move the window. */
static void test_forgery_does_not_move_the_window(void **state)
{
    tsr_oscore client, server;
    tsr_oscore_exchange x, y;
    rig_message first, bad, plain;

    (void)state;
    rig_pair(&client, &server);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &first), TSR_OK);
    bad = first;
    bad.bytes[10] = 0xf0; /* the Partial IV */
    assert_int_equal(rig_take_request(&server, &y, &bad, &plain), TSR_E_CRYPTO);
    assert_int_equal(rig_take_request(&server, &y, &first, &plain), TSR_OK);
    assert_int_equal(rig_take_request(&server, &y, &first, &plain), TSR_E_EXISTS);
    tsr_oscore_free(&client);
    tsr_oscore_free(&server);
}

/* ---- sequence numbers and restarts ---- */

typedef struct {
    psa_key_id_t secret;
    rig_slot slot;
    tsr_oscore c;
} end;

static tsr_err begin(end *e, bool client, uint32_t margin)
{
    tsr_oscore_params p = rig_params(client, e->secret);

    p.margin = margin;
    p.save = rig_save;
    p.user = &e->slot;
    return tsr_oscore_init(&e->c, &p, tsr_view(e->slot.bytes, e->slot.len));
}

/* The power goes: nothing is said to anybody. */
static void cut(end *e)
{
    rig_slot kept = e->slot;

    tsr_oscore_free(&e->c);
    e->slot = kept;
}

/* RFC 8613 §B.1 */
static void test_numbers_are_never_used_twice(void **state)
{
    end e = { .secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256)) };
    tsr_oscore_exchange x;
    uint64_t next = 0;
    rig_message m;
    unsigned sent = 0;

    (void)state;
    for (unsigned life = 0; life < 40; life++) {
        assert_int_equal(begin(&e, true, 8), TSR_OK);
        for (unsigned i = 0; i < life; i++) {
            assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
            assert_true(number_of(&m) >= next);
            next = number_of(&m) + 1;
            sent++;
        }
        cut(&e);
    }
    assert_true(e.slot.saves <= sent / 8 + 40); /* and not a save for each */
    assert_int_equal(psa_destroy_key(e.secret), PSA_SUCCESS);
}

/* A clean stop loses no numbers but those that make older messages too old (RFC 9175 §3.5.1); its state is
 * good once: a copy of it must not come back. */
static void test_parked_state_is_good_once(void **state)
{
    end e = { .secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256)) };
    tsr_buf parked;
    tsr_oscore_exchange x;
    uint64_t before;
    rig_message m;

    (void)state;
    assert_int_equal(begin(&e, true, 100), TSR_OK);
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
    before = number_of(&m);
    parked = tsr_buf_over(e.slot.bytes, 3);
    assert_int_equal(tsr_oscore_park(&e.c, &parked), TSR_E_SPACE);
    parked = tsr_buf_over(e.slot.bytes, sizeof e.slot.bytes);
    assert_int_equal(tsr_oscore_park(&e.c, &parked), TSR_OK);
    e.slot.len = parked.len;
    assert_int_equal(begin(&e, true, 100), TSR_OK);
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(number_of(&m), before + 1 + TSR_OSCORE_WINDOW);
    cut(&e);
    assert_int_equal(begin(&e, true, 100), TSR_OK);
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
    assert_true(number_of(&m) > before + 1 + 2 * TSR_OSCORE_WINDOW);
    tsr_oscore_free(&e.c);
    assert_int_equal(psa_destroy_key(e.secret), PSA_SUCCESS);
}

static void test_nothing_is_sent_without_a_save(void **state)
{
    end e = { .secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256)) };
    tsr_oscore_exchange x;
    rig_message m;

    (void)state;
    e.slot.broken = true;
    assert_int_equal(begin(&e, true, 2), TSR_E_IO);
    e.slot.broken = false;
    assert_int_equal(begin(&e, true, 2), TSR_OK);
    e.slot.broken = true;
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_E_IO);
    assert_int_equal(m.buf.len, 0);
    e.slot.broken = false;
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(number_of(&m), 2);
    tsr_oscore_free(&e.c);
    assert_int_equal(psa_destroy_key(e.secret), PSA_SUCCESS);
}

/* The state with another next number; its form: docs/WIRE.md. */
static void set_next(rig_slot *slot, uint64_t next)
{
    for (size_t i = 0; i < 8; i++)
        slot->bytes[10 + i] = (uint8_t)(next >> (56 - 8 * i));
}

/* RFC 8613 §7.2.1: the last number is 2^40 - 1, in requests and in responses. */
static void test_numbers_end(void **state)
{
    const uint64_t last = ((uint64_t)1 << 40) - 1;
    end e = { .secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256)) };
    tsr_oscore_exchange x, y;
    tsr_oscore client;
    rig_message m, plain;

    (void)state;
    assert_int_equal(begin(&e, true, 100), TSR_OK);
    tsr_oscore_free(&e.c);
    set_next(&e.slot, last - 1);
    assert_int_equal(begin(&e, true, 100), TSR_OK);
    assert_int_equal(tsr_oscore_left(&e.c), 2);
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_OK);
    assert_true(number_of(&m) == last);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_E_STATE);
    assert_int_equal(tsr_oscore_left(&e.c), 0);
    cut(&e);
    assert_int_equal(begin(&e, true, 100), TSR_OK);
    assert_int_equal(rig_request(&e.c, &x, RIG_GET, &m), TSR_E_STATE);
    tsr_oscore_free(&e.c);

    e.slot = (rig_slot){ .len = 0 };
    assert_int_equal(begin(&e, false, 100), TSR_OK);
    tsr_oscore_free(&e.c);
    set_next(&e.slot, last + 1);
    assert_int_equal(begin(&e, false, 100), TSR_OK);
    e.c.window_known = true; /* as if the window had been kept */
    tsr_oscore_params p = rig_params(true, e.secret);

    assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_OK);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(rig_take_request(&e.c, &y, &m, &plain), TSR_OK);
    assert_int_equal(rig_response(&e.c, &y, RIG_HELLO, &m), TSR_OK); /* the request's nonce */
    assert_int_equal(rig_response(&e.c, &y, RIG_HELLO, &m), TSR_E_STATE);
    tsr_oscore_free(&client);
    tsr_oscore_free(&e.c);
    assert_int_equal(psa_destroy_key(e.secret), PSA_SUCCESS);
}

static void test_damaged_state_is_refused(void **state)
{
    end e = { .secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256)) };
    rig_slot good;

    (void)state;
    assert_int_equal(begin(&e, true, 100), TSR_OK);
    cut(&e);
    good = e.slot;
    for (size_t len = 1; len < good.len; len++) {
        e.slot.len = len;
        assert_int_equal(begin(&e, true, 100), TSR_E_MALFORMED);
    }
    for (size_t at = 0; at < 12; at++) { /* version, kind, the keys' mark, numbers above 2^40 */
        e.slot = good;
        e.slot.bytes[at] ^= 0x40;
        assert_int_equal(begin(&e, true, 100), TSR_E_MALFORMED);
    }
    e.slot = good;
    assert_int_equal(begin(&e, false, 100), TSR_E_MALFORMED); /* the other end's */
    assert_int_equal(begin(&e, true, 100), TSR_OK);
    tsr_oscore_free(&e.c);
    assert_int_equal(psa_destroy_key(e.secret), PSA_SUCCESS);
}

/* ---- RFC 8613 §B.1.2 ---- */

/* The client reads the challenge and repeats its request with the Echo. */
static void repeat_with_echo(tsr_oscore *client, tsr_oscore_exchange *x, const rig_message *answer,
                             rig_message *again)
{
    rig_message plain, in;
    tsr_coap_msg msg;
    uint16_t last = 0;

    assert_int_equal(rig_take_response(client, x, answer, &plain), TSR_OK);
    assert_int_equal(tsr_coap_msg_parse(rig_view(&plain), &msg), TSR_OK);
    assert_int_equal(msg.code, TSR_COAP_UNAUTHORIZED);
    assert_int_equal(msg.echo.len, TSR_OSCORE_ECHO_LEN);
    assert_int_equal(msg.payload.len, 0);
    rig_hex(&in, "44015d2000003975");
    tsr_coap_put_opt(&in.buf, &last, TSR_COAP_ECHO, msg.echo);
    again->buf = tsr_buf_over(again->bytes, sizeof again->bytes);
    assert_int_equal(tsr_oscore_protect_request_datagram(client, x, &in.buf, &again->buf), TSR_OK);
}

static void challenge(tsr_oscore *server, tsr_oscore_exchange *y, const rig_message *request,
                      rig_message *answer)
{
    answer->buf = tsr_buf_over(answer->bytes, sizeof answer->bytes);
    assert_int_equal(tsr_oscore_answer_datagram(server, y, TSR_E_STATE, rig_view(request), 0,
                                                &answer->buf),
                     TSR_OK);
    assert_true(piv_of(answer).len > 0); /* never the nonce of what may be a replay */
}

static void test_restarted_server_takes_no_replay(void **state)
{
    end e = { .secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256)) };
    tsr_oscore_params p = rig_params(true, e.secret);
    rig_message old, wire, answer, plain, echoed;
    tsr_oscore_exchange x, y;
    tsr_oscore client;

    (void)state;
    assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_OK);
    assert_int_equal(begin(&e, false, 16), TSR_OK);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &old), TSR_OK);
    assert_int_equal(rig_take_request(&e.c, &y, &old, &plain), TSR_OK);
    cut(&e);
    assert_int_equal(begin(&e, false, 16), TSR_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rig_take_request(&e.c, &y, &old, &plain), TSR_E_STATE);
        assert_int_equal(plain.buf.len, 0);
        challenge(&e.c, &y, &old, &answer);
    }
    assert_int_equal(rig_request(&client, &x, RIG_GET, &wire), TSR_OK);
    assert_int_equal(rig_take_request(&e.c, &y, &wire, &plain), TSR_E_STATE);
    challenge(&e.c, &y, &wire, &answer);
    repeat_with_echo(&client, &x, &answer, &echoed);
    assert_int_equal(rig_take_request(&e.c, &y, &echoed, &plain), TSR_OK);
    assert_int_equal(rig_response(&e.c, &y, RIG_HELLO, &answer), TSR_OK);
    assert_int_equal(rig_take_response(&client, &x, &answer, &plain), TSR_OK);
    /* the window starts there: neither what came before nor the same once more */
    assert_int_equal(rig_take_request(&e.c, &y, &old, &plain), TSR_E_EXISTS);
    assert_int_equal(rig_take_request(&e.c, &y, &wire, &plain), TSR_E_EXISTS);
    assert_int_equal(rig_take_request(&e.c, &y, &echoed, &plain), TSR_E_EXISTS);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &wire), TSR_OK);
    assert_int_equal(rig_take_request(&e.c, &y, &wire, &plain), TSR_OK);
    /* an Echo of one life does not count in the next */
    cut(&e);
    assert_int_equal(begin(&e, false, 16), TSR_OK);
    assert_int_equal(rig_take_request(&e.c, &y, &echoed, &plain), TSR_E_STATE);
    tsr_oscore_free(&client);
    tsr_oscore_free(&e.c);
    assert_int_equal(psa_destroy_key(e.secret), PSA_SUCCESS);
}

/* A parked server keeps its window and asks nothing. */
static void test_parked_server_keeps_its_window(void **state)
{
    end e = { .secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256)) };
    tsr_oscore_params p = rig_params(true, e.secret);
    rig_message first, second, plain;
    tsr_oscore_exchange x, y;
    tsr_oscore client;
    tsr_buf parked;

    (void)state;
    assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_OK);
    assert_int_equal(begin(&e, false, 16), TSR_OK);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &first), TSR_OK);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &second), TSR_OK);
    assert_int_equal(rig_take_request(&e.c, &y, &second, &plain), TSR_OK);
    parked = tsr_buf_over(e.slot.bytes, sizeof e.slot.bytes);
    assert_int_equal(tsr_oscore_park(&e.c, &parked), TSR_OK);
    e.slot.len = parked.len;
    assert_int_equal(begin(&e, false, 16), TSR_OK);
    assert_int_equal(rig_take_request(&e.c, &y, &second, &plain), TSR_E_EXISTS);
    assert_int_equal(rig_take_request(&e.c, &y, &first, &plain), TSR_OK);
    tsr_oscore_free(&client);
    tsr_oscore_free(&e.c);
    assert_int_equal(psa_destroy_key(e.secret), PSA_SUCCESS);
}

/* A server that wants freshness from the first request on. */
static void test_first_request_is_challenged_when_wanted(void **state)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    tsr_oscore_params p = rig_params(true, secret), q = rig_params(false, secret);
    rig_message wire, answer, plain, echoed;
    tsr_oscore_exchange x, y;
    tsr_oscore client, server;

    (void)state;
    q.challenge = true;
    assert_int_equal(tsr_oscore_init(&client, &p, fresh), TSR_OK);
    assert_int_equal(tsr_oscore_init(&server, &q, fresh), TSR_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rig_request(&client, &x, RIG_GET, &wire), TSR_OK);
        assert_int_equal(rig_take_request(&server, &y, &wire, &plain), TSR_E_STATE);
        challenge(&server, &y, &wire, &answer);
        repeat_with_echo(&client, &x, &answer, &echoed);
        assert_int_equal(rig_take_request(&server, &y, &echoed, &plain), TSR_OK);
        tsr_oscore_demand_echo(&server); /* and once more */
    }
    tsr_oscore_free(&client);
    tsr_oscore_free(&server);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

/* An exchange must not outlive its keys: its nonce may come again under the new ones. */
static void test_exchange_ends_with_its_keys(void **state)
{
    psa_key_id_t secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    tsr_oscore_params q = rig_params(false, secret);
    tsr_oscore_exchange x, y;
    tsr_oscore client, server;
    rig_message m, plain;

    (void)state;
    rig_pair(&client, &server);
    assert_int_equal(rig_request(&client, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(rig_take_request(&server, &y, &m, &plain), TSR_OK);
    tsr_oscore_free(&server);
    q.salt = tsr_text("new");
    assert_int_equal(tsr_oscore_init(&server, &q, fresh), TSR_OK);
    assert_int_equal(rig_response(&server, &y, RIG_HELLO, &m), TSR_E_STATE);
    tsr_oscore_free(&client);
    tsr_oscore_free(&server);
    assert_int_equal(psa_destroy_key(secret), PSA_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_aead_talks),
        cmocka_unit_test(test_hkdf_sha512),
        cmocka_unit_test(test_bad_parameters),
        cmocka_unit_test(test_id_context),
        cmocka_unit_test(test_window_against_a_model),
        cmocka_unit_test(test_forgery_does_not_move_the_window),
        cmocka_unit_test(test_numbers_are_never_used_twice),
        cmocka_unit_test(test_parked_state_is_good_once),
        cmocka_unit_test(test_nothing_is_sent_without_a_save),
        cmocka_unit_test(test_numbers_end),
        cmocka_unit_test(test_damaged_state_is_refused),
        cmocka_unit_test(test_restarted_server_takes_no_replay),
        cmocka_unit_test(test_parked_server_keeps_its_window),
        cmocka_unit_test(test_first_request_is_challenged_when_wanted),
        cmocka_unit_test(test_exchange_ends_with_its_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
