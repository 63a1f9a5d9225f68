/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 8613 §B.2 without an engine: each step, what is lost, repeated, replayed or made up on the way,
 * and a restart in the middle of it. */
#include "tests/oscore/rig.h"

#include <stdlib.h>

#include "tessera/oscore/internal.h"
#include "tessera/oscore/renew.h"

/* The messages of a run. */
typedef struct {
    psa_key_id_t secret, r2_key;
    tsr_oscore_params p[2]; /* of the client, of the server */
    tsr_oscore client, server;
    tsr_oscore_exchange x;
    rig_message request1, response1, request2;
    uint8_t r2[TSR_OSCORE_R2_LEN];
    rig_slot slot[2];
    uint8_t room[RIG_ROOM];
} run;

static psa_key_id_t hmac_key(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;

    psa_set_key_type(&a, PSA_KEY_TYPE_HMAC);
    psa_set_key_bits(&a, 256);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&a, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    assert_int_equal(psa_generate_key(&a, &id), PSA_SUCCESS);
    return id;
}

static int begin(void **state)
{
    run *r = calloc(1, sizeof *r);

    r->secret = rig_secret(PSA_ALG_HKDF(PSA_ALG_SHA_256));
    r->r2_key = hmac_key();
    for (size_t i = 0; i < 2; i++) {
        r->p[i] = rig_params(i == 0, r->secret);
        r->p[i].save = rig_save;
        r->p[i].user = &r->slot[i];
    }
    *state = r;
    return 0;
}

static int end(void **state)
{
    run *r = *state;

    tsr_oscore_free(&r->client);
    tsr_oscore_free(&r->server);
    (void)psa_destroy_key(r->secret);
    (void)psa_destroy_key(r->r2_key);
    free(r);
    return 0;
}

static tsr_buf scratch(run *r) { return tsr_buf_over(r->room, sizeof r->room); }

static tsr_bytes said(const rig_message *m)
{
    tsr_oscore_option option = { .kid = { NULL, 0 } };
    tsr_bytes body;

    assert_int_equal(tsr_oscore_body(rig_view(m), &body), TSR_OK);
    assert_int_equal(tsr_oscore_option_find(body, &option), TSR_OK);
    return option.kid_context.ptr != NULL ? tsr_oscore_renew_said(option.kid_context)
                                          : option.kid_context;
}

static bool has_number(const rig_message *m)
{
    tsr_oscore_option option = { .kid = { NULL, 0 } };
    tsr_bytes body;

    assert_int_equal(tsr_oscore_body(rig_view(m), &body), TSR_OK);
    assert_int_equal(tsr_oscore_option_find(body, &option), TSR_OK);
    return option.piv.len != 0;
}

/* It says so many bytes at least. */
static const uint8_t *says(const rig_message *m, size_t len)
{
    tsr_bytes id = said(m);

    assert_true(id.len >= len);
    if (id.ptr == NULL)
        abort();
    return id.ptr;
}

static void ask(run *r)
{
    assert_int_equal(tsr_oscore_renew_ask(&r->client, &r->p[0]), TSR_OK);
    assert_int_equal(rig_request(&r->client, &r->x, RIG_GET, &r->request1), TSR_OK);
}

static tsr_err offer_to(run *r, tsr_bytes id1, const rig_message *request, rig_message *response)
{
    tsr_buf room = scratch(r);

    assert_int_equal(tsr_oscore_renew_r2(r->r2_key, r->r2), TSR_OK);
    response->buf = tsr_buf_over(response->bytes, sizeof response->bytes);
    return tsr_oscore_renew_offer(&r->p[1], id1, tsr_view(r->r2, sizeof r->r2), rig_view(request), 9,
                                  &room, &response->buf);
}

static tsr_err take_answer(run *r, const rig_message *response, tsr_oscore *next)
{
    tsr_buf room = scratch(r);

    return tsr_oscore_renew_answered(&r->client, &r->x, &r->p[0], rig_view(response), &room, next);
}

static tsr_err accept(run *r, const rig_message *request, tsr_oscore *next)
{
    tsr_buf room = scratch(r);

    if (!tsr_oscore_renew_is_r2(r->r2_key, said(request)))
        return TSR_E_NOT_FOUND;
    return tsr_oscore_renew_accept(next, &r->p[1], said(request), rig_view(request), &room);
}

/* Up to request #2. */
static void second(run *r)
{
    ask(r);
    assert_int_equal(offer_to(r, said(&r->request1), &r->request1, &r->response1), TSR_OK);
    assert_int_equal(take_answer(r, &r->response1, &r->client), TSR_OK);
    assert_int_equal(rig_request(&r->client, &r->x, RIG_GET, &r->request2), TSR_OK);
}

static void whole(run *r)
{
    tsr_oscore_exchange y;
    rig_message plain, answer;

    second(r);
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_OK);
    assert_int_equal(rig_take_request(&r->server, &y, &r->request2, &plain), TSR_OK);
    assert_true(rig_is(&plain, RIG_GET));
    assert_int_equal(rig_response(&r->server, &y, RIG_HELLO, &answer), TSR_OK);
    assert_int_equal(rig_take_response(&r->client, &r->x, &answer, &plain), TSR_OK);
    assert_true(rig_is(&plain, RIG_HELLO));
    assert_int_equal(tsr_oscore_renew_keep(&r->client, &r->p[0]), TSR_OK);
}

static void talk(run *r)
{
    tsr_oscore_exchange x, y;
    rig_message m, plain;

    assert_int_equal(rig_request(&r->client, &x, RIG_GET, &m), TSR_OK);
    assert_null(said(&m).ptr);
    assert_int_equal(rig_take_request(&r->server, &y, &m, &plain), TSR_OK);
    assert_int_equal(rig_request(&r->server, &x, RIG_GET, &m), TSR_OK);
    assert_null(said(&m).ptr);
    assert_int_equal(rig_take_request(&r->client, &y, &m, &plain), TSR_OK);
}

/* ---- the run ---- */

/* RFC 8613 §B.2: what each message says, in a CBOR byte string; then nothing is said any more. */
static void test_renew_runs_through(void **state)
{
    run *r = *state;
    uint8_t r1[TSR_OSCORE_R_LEN];
    tsr_bytes id;

    whole(r);
    assert_int_equal(said(&r->request1).len, TSR_OSCORE_R_LEN);
    assert_false(has_number(&r->response1)); /* RFC 8613 §8.3: it has the nonce of the request, as it was */
    memcpy(r1, says(&r->request1, sizeof r1), sizeof r1);
    id = said(&r->response1);
    assert_true(tsr_same(id, tsr_view(r->r2, sizeof r->r2)));
    id = said(&r->request2);
    assert_int_equal(id.len, TSR_OSCORE_R2_LEN + TSR_OSCORE_R_LEN);
    assert_memory_equal(says(&r->request2, id.len), r->r2, sizeof r->r2);
    assert_memory_not_equal(says(&r->request2, id.len) + sizeof r->r2, r1, sizeof r1);
    assert_true(tsr_same(tsr_view(r->client.id_context, r->client.id_context_len), id));
    talk(r);
}

/* A peer may put the ID Context into its requests later too, as it is or wrapped. */
static void test_renew_is_named_by_either_form(void **state)
{
    run *r = *state;
    uint8_t wrapped[2 + 24] = { 0x58, 24 };
    tsr_oscore_option o = { .kid = tsr_view("", 0) };

    whole(r);
    memcpy(wrapped + 2, r->server.id_context, 24);
    o.kid_context = tsr_view(wrapped, sizeof wrapped);
    assert_true(tsr_oscore_is_for(&r->server, &o));
    o.kid_context = tsr_view(wrapped + 2, 24);
    assert_true(tsr_oscore_is_for(&r->server, &o));
    wrapped[10] ^= 1;
    assert_false(tsr_oscore_is_for(&r->server, &o));
}

/* A client whose server knows it by its ID Context goes on to send the one that it has, after a restart too. */
static void test_renew_goes_on_sending_an_id_context(void **state)
{
    run *r = *state;
    tsr_oscore_option option = { .kid = { NULL, 0 } };
    tsr_oscore_exchange x;
    rig_message m;
    tsr_bytes body;

    r->p[0].id_context = tsr_view("ctx", 3);
    r->p[0].send_id_context = true;
    whole(r);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rig_request(&r->client, &x, RIG_GET, &m), TSR_OK);
        assert_int_equal(tsr_oscore_body(rig_view(&m), &body), TSR_OK);
        assert_int_equal(tsr_oscore_option_find(body, &option), TSR_OK);
        assert_true(tsr_same(option.kid_context,
                             tsr_view(r->server.id_context, r->server.id_context_len)));
        tsr_oscore_free(&r->client);
        assert_int_equal(tsr_oscore_init(&r->client, &r->p[0],
                                         tsr_view(r->slot[0].bytes, r->slot[0].len)),
                         TSR_OK);
    }
}

/* Nobody has to have lost anything: the other keys stay as they are until the new ones are proven. */
static void test_renew_leaves_keys_in_use_alone(void **state)
{
    run *r = *state;
    tsr_oscore old, next = { .live = false };
    tsr_oscore_exchange x, y;
    rig_message m, plain;

    assert_int_equal(tsr_oscore_init(&r->client, &r->p[0], tsr_view(NULL, 0)), TSR_OK);
    assert_int_equal(tsr_oscore_init(&old, &r->p[1], tsr_view(NULL, 0)), TSR_OK);
    assert_int_equal(rig_request(&r->client, &r->x, RIG_GET, &r->request1), TSR_OK);
    assert_int_equal(offer_to(r, tsr_view(NULL, 0), &r->request1, &r->response1), TSR_OK);
    assert_int_equal(take_answer(r, &r->response1, &next), TSR_OK);
    assert_int_equal(r->slot[0].saves, 1); /* of the first keys */
    assert_int_equal(rig_request(&r->client, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(rig_take_request(&old, &y, &m, &plain), TSR_OK);
    assert_int_equal(rig_response(&old, &y, RIG_HELLO, &m), TSR_OK);
    assert_int_equal(rig_take_response(&r->client, &x, &m, &plain), TSR_OK);
    tsr_oscore_free(&next);
    tsr_oscore_free(&old);
}

/* Transport 5.5.3, RFC 9175 §2.3: whoever wants Echo for a first use gets it for these keys too. */
static void test_renew_asks_for_echo_where_it_is_wanted(void **state)
{
    run *r = *state;
    tsr_oscore_exchange y;
    rig_message plain;

    r->p[1].challenge = true;
    second(r);
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_OK);
    assert_int_equal(rig_take_request(&r->server, &y, &r->request2, &plain), TSR_E_STATE);
}

/* ---- what is lost and repeated ---- */

/* RFC 8613 §B.2.1: several responses #1 may be under way; each R2 is good until one of them was used. */
static void test_renew_takes_any_of_its_own_r2(void **state)
{
    run *r = *state;
    rig_message lost;

    ask(r);
    assert_int_equal(offer_to(r, said(&r->request1), &r->request1, &lost), TSR_OK);
    assert_int_equal(offer_to(r, said(&r->request1), &r->request1, &r->response1), TSR_OK);
    assert_false(tsr_same(said(&lost), said(&r->response1)));
    assert_int_equal(take_answer(r, &lost, &r->client), TSR_OK);
    assert_int_equal(rig_request(&r->client, &r->x, RIG_GET, &r->request2), TSR_OK);
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_OK);
}

/* The second copy of response #1 belongs to keys that are not there any more. */
static void test_renew_takes_response_1_once(void **state)
{
    run *r = *state;

    second(r);
    assert_int_equal(take_answer(r, &r->response1, &r->client), TSR_E_CRYPTO);
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_OK);
}

/* RFC 8613 §B.2, step 4: a replay of request #2 finds neither its R2 nor a window that lets it in. */
static void test_renew_refuses_request_2_again(void **state)
{
    run *r = *state;
    tsr_oscore other = { .live = false };
    tsr_oscore_exchange y;
    rig_message plain;

    whole(r);
    assert_int_equal(rig_take_request(&r->server, &y, &r->request2, &plain), TSR_E_EXISTS);
    (void)psa_destroy_key(r->r2_key);
    r->r2_key = hmac_key();
    assert_int_equal(accept(r, &r->request2, &other), TSR_E_NOT_FOUND);
}

/* RFC 8613 §B.2.2: a recorded request #1 brings an answer that nobody waits for, and changes nothing. */
static void test_renew_survives_request_1_again(void **state)
{
    run *r = *state;
    rig_message again;

    whole(r);
    assert_int_equal(offer_to(r, said(&r->request1), &r->request1, &again), TSR_OK);
    assert_int_equal(take_answer(r, &again, &r->client), TSR_E_EXISTS);
    talk(r);
}

/* RFC 8613 §B.2.2: response #1 answers the one request. */
static void test_renew_response_1_fits_no_other_request(void **state)
{
    run *r = *state;
    rig_message other;

    ask(r);
    assert_int_equal(offer_to(r, said(&r->request1), &r->request1, &r->response1), TSR_OK);
    assert_int_equal(rig_request(&r->client, &r->x, RIG_GET, &other), TSR_OK);
    assert_int_equal(take_answer(r, &r->response1, &r->client), TSR_E_CRYPTO);
}

/* ---- what is made up ---- */

static void test_renew_refuses_a_changed_response_1(void **state)
{
    run *r = *state;
    rig_message changed;
    tsr_oscore next;

    ask(r);
    assert_int_equal(offer_to(r, said(&r->request1), &r->request1, &r->response1), TSR_OK);
    memset(&next, 0, sizeof next);
    for (size_t i = 12; i < r->response1.buf.len; i++) { /* behind header and token */
        changed = r->response1;
        changed.bytes[i] ^= 0x04;
        assert_true(take_answer(r, &changed, &next) < TSR_OK);
        assert_false(next.live);
    }
    assert_int_equal(take_answer(r, &r->response1, &next), TSR_OK);
    tsr_oscore_free(&next);
}

/* An R2 that is ours can be read off the line; what is protected cannot be made. */
static void test_renew_refuses_a_changed_request_2(void **state)
{
    run *r = *state;
    rig_message changed;
    tsr_bytes id;
    size_t at;

    second(r);
    id = said(&r->request2);
    at = (size_t)(id.ptr - r->request2.bytes);
    for (size_t i = at; i < r->request2.buf.len; i++) {
        changed = r->request2;
        changed.bytes[i] ^= 0x20;
        if (i == at + id.len + 1) /* the payload marker, or the kid */
            continue;
        if (i < at + id.len)
            assert_int_equal(accept(r, &changed, &r->server),
                             i < at + TSR_OSCORE_R2_LEN ? TSR_E_NOT_FOUND : TSR_E_CRYPTO);
        else if (i > at + id.len + 1)
            assert_int_equal(accept(r, &changed, &r->server), TSR_E_CRYPTO);
        assert_false(r->server.live);
    }
    assert_int_equal(r->slot[1].saves, 0);
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_OK);
    assert_int_equal(r->slot[1].saves, 1);
}

static void test_renew_offers_nothing_to_a_stranger(void **state)
{
    run *r = *state;
    rig_message changed;

    ask(r);
    changed = r->request1;
    changed.bytes[changed.buf.len - 1] ^= 1;
    assert_int_equal(offer_to(r, said(&changed), &changed, &r->response1), TSR_E_CRYPTO);
    assert_int_equal(r->response1.buf.len, 0);
    assert_int_equal(offer_to(r, tsr_view("another!", 8), &r->request1, &r->response1),
                     TSR_E_NOT_FOUND);
}

/* An error other than 4.01 under keys of R2 is no response #1. RFC 8613 §8.3: a server may take the nonce of the
 * request, which is one of the first keys, or a number of its own. */
static void answer_otherwise(run *r, bool with_number)
{
    uint8_t id[4 + TSR_OSCORE_R_LEN] = { 1, 2, 3, 4 };
    tsr_oscore server;
    tsr_oscore_exchange y = { .own_nonce = false };
    rig_message m;

    tsr_oscore_free(&r->client);
    ask(r);
    memcpy(id + 4, says(&r->request1, TSR_OSCORE_R_LEN), TSR_OSCORE_R_LEN);
    assert_int_equal(tsr_oscore_renew_make(&server, &r->p[1], tsr_view(id, sizeof id), 4), TSR_OK);
    memcpy(server.recipient_nonce, r->client.sender_nonce, sizeof server.recipient_nonce);
    y = (tsr_oscore_exchange){ .epoch = server.epoch, .piv_len = 1 };
    assert_int_equal(rig_response(&server, &y, RIG_HELLO, &m), TSR_OK);
    assert_int_equal(take_answer(r, &m, &r->client), TSR_E_MALFORMED);
    y.nonce_used = with_number;
    assert_int_equal(rig_response(&server, &y, "64815d1f00003974", &m), TSR_OK);
    assert_true(has_number(&m) == with_number);
    assert_int_equal(take_answer(r, &m, &r->client), TSR_OK); /* an R2 of another length will do */
    assert_int_equal(r->client.id_context_len, 4 + TSR_OSCORE_R_LEN);
    tsr_oscore_free(&server);
}

static void test_renew_wants_unauthorized(void **state)
{
    answer_otherwise(*state, false);
    answer_otherwise(*state, true);
}

static void test_renew_bounds_the_length_of_r2(void **state)
{
    run *r = *state;
    uint8_t r2[58] = { 0 };

    ask(r);
    for (size_t len = 48; len <= 58; len++) {
        tsr_buf room = scratch(r);
        rig_message m;

        m.buf = tsr_buf_over(m.bytes, sizeof m.bytes);
        assert_int_equal(tsr_oscore_renew_offer(&r->p[1], said(&r->request1), tsr_view(r2, len),
                                                rig_view(&r->request1), 9, &room, &m.buf),
                         len <= 56 ? TSR_OK : TSR_E_SPACE);
    }
    assert_false(tsr_oscore_renew_is_r2(r->r2_key, tsr_view(r2, 16)));
    assert_int_equal(tsr_oscore_renew_r2(r->r2_key, r2), TSR_OK);
    assert_false(tsr_oscore_renew_is_r2(r->r2_key, tsr_view(r2, 16))); /* no R3 */
    assert_true(tsr_oscore_renew_is_r2(r->r2_key, tsr_view(r2, 17)));
    assert_null(tsr_oscore_renew_said(tsr_view("\x41", 1)).ptr);
    assert_null(tsr_oscore_renew_said(tsr_view("\x42 ", 2)).ptr);
    assert_null(tsr_oscore_renew_said(tsr_view("\x58", 1)).ptr);
    assert_null(tsr_oscore_renew_said(tsr_view("\x58\x02 ", 3)).ptr);
    assert_null(tsr_oscore_renew_said(tsr_view("", 0)).ptr);
    assert_int_equal(tsr_oscore_renew_said(tsr_view("\x42  ", 3)).len, 2);
    assert_int_equal(tsr_oscore_renew_said(tsr_view("\x58\x02  ", 4)).len, 2);
}

/* ---- restarts ---- */

static void restart(run *r, size_t i, tsr_oscore *c)
{
    tsr_oscore_free(c);
    assert_int_equal(tsr_oscore_init(c, &r->p[i], tsr_view(r->slot[i].bytes, r->slot[i].len)), TSR_OK);
}

/* RFC 8613 §B.1.1 for keys that were renewed: both ends find them again, and no number twice. */
static void test_renew_survives_a_restart(void **state)
{
    run *r = *state;
    uint64_t left;

    whole(r);
    left = tsr_oscore_left(&r->client);
    restart(r, 0, &r->client);
    restart(r, 1, &r->server);
    assert_true(tsr_oscore_left(&r->client) < left);
    tsr_oscore_exchange x, y;
    rig_message m, plain;

    assert_int_equal(rig_request(&r->client, &x, RIG_GET, &m), TSR_OK);
    assert_int_equal(rig_take_request(&r->server, &y, &m, &plain), TSR_E_STATE); /* it is genuine */
}

static void test_renew_goes_on_after_a_clean_stop(void **state)
{
    run *r = *state;
    tsr_buf state0 = tsr_buf_over(r->slot[0].bytes, sizeof r->slot[0].bytes);
    tsr_buf state1 = tsr_buf_over(r->slot[1].bytes, sizeof r->slot[1].bytes);

    whole(r);
    assert_int_equal(tsr_oscore_park(&r->client, &state0), TSR_OK);
    assert_int_equal(tsr_oscore_park(&r->server, &state1), TSR_OK);
    assert_int_equal(tsr_oscore_init(&r->client, &r->p[0], tsr_buf_view(&state0)), TSR_OK);
    assert_int_equal(tsr_oscore_init(&r->server, &r->p[1], tsr_buf_view(&state1)), TSR_OK);
    talk(r);
}

/* Every cut and every changed byte of that state is refused, or brings no keys but these. */
static void test_renew_state_is_checked(void **state)
{
    run *r = *state;
    uint8_t kept[TSR_OSCORE_STATE_MAX];
    tsr_oscore c;
    size_t len;

    whole(r);
    len = r->slot[0].len;
    memcpy(kept, r->slot[0].bytes, len);
    assert_int_equal(len, 18 + 1 + 24);
    for (size_t i = 1; i < len; i++)
        assert_int_equal(tsr_oscore_init(&c, &r->p[0], tsr_view(kept, i)), TSR_E_MALFORMED);
    for (size_t i = 0; i < len; i++) {
        if (i >= 10 && i < 18) /* the sequence number */
            continue;
        kept[i] ^= 1;
        assert_int_equal(tsr_oscore_init(&c, &r->p[0], tsr_view(kept, len)), TSR_E_MALFORMED);
        kept[i] ^= 1;
    }
}

/* The old state is there until the new one is. */
static void test_renew_keeps_the_old_state_until_it_can_save(void **state)
{
    run *r = *state;
    tsr_oscore next = { .live = false };
    uint8_t before[TSR_OSCORE_STATE_MAX];
    size_t len;

    assert_int_equal(tsr_oscore_init(&r->client, &r->p[0], tsr_view(NULL, 0)), TSR_OK);
    len = r->slot[0].len;
    memcpy(before, r->slot[0].bytes, len);
    assert_int_equal(rig_request(&r->client, &r->x, RIG_GET, &r->request1), TSR_OK);
    assert_int_equal(offer_to(r, tsr_view(NULL, 0), &r->request1, &r->response1), TSR_OK);
    assert_int_equal(take_answer(r, &r->response1, &next), TSR_OK);
    assert_int_equal(rig_request(&next, &r->x, RIG_GET, &r->request2), TSR_OK);
    r->slot[0].broken = r->slot[1].broken = true;
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_E_IO);
    assert_false(r->server.live);
    assert_int_equal(tsr_oscore_renew_keep(&next, &r->p[0]), TSR_E_IO);
    assert_true(tsr_same(tsr_view(before, len), tsr_view(r->slot[0].bytes, r->slot[0].len)));
    r->slot[0].broken = r->slot[1].broken = false;
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_OK);
    assert_int_equal(tsr_oscore_renew_keep(&next, &r->p[0]), TSR_OK);
    tsr_oscore_free(&r->client);
    r->client = next;
    talk(r);
}

/* The client starts anew between its requests: the run begins anew, and the server takes it. */
static void test_renew_client_may_restart_in_the_middle(void **state)
{
    run *r = *state;

    second(r);
    tsr_oscore_free(&r->client);
    whole(r);
    talk(r);
}

/* The server does: it does not know its R2 again, so it offers another one, to what it got. */
static void test_renew_server_may_restart_in_the_middle(void **state)
{
    run *r = *state;

    second(r);
    (void)psa_destroy_key(r->r2_key);
    r->r2_key = hmac_key();
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_E_NOT_FOUND);
    assert_int_equal(offer_to(r, said(&r->request2), &r->request2, &r->response1), TSR_OK);
    assert_int_equal(take_answer(r, &r->response1, &r->client), TSR_OK);
    assert_int_equal(rig_request(&r->client, &r->x, RIG_GET, &r->request2), TSR_OK);
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_OK);
}

/* The server lost its keys for good, the client not: the run begins with the server. */
static void test_renew_server_may_begin(void **state)
{
    run *r = *state;
    tsr_oscore next = { .live = false };
    tsr_bytes old;

    whole(r);
    tsr_oscore_free(&r->server);
    assert_int_equal(rig_request(&r->client, &r->x, RIG_GET, &r->request1), TSR_OK);
    assert_null(said(&r->request1).ptr);
    old = tsr_view(r->client.id_context, r->client.id_context_len);
    assert_int_equal(offer_to(r, old, &r->request1, &r->response1), TSR_OK);
    assert_int_equal(take_answer(r, &r->response1, &next), TSR_OK);
    assert_int_equal(rig_request(&next, &r->x, RIG_GET, &r->request2), TSR_OK);
    assert_int_equal(accept(r, &r->request2, &r->server), TSR_OK);
    assert_int_equal(tsr_oscore_renew_keep(&next, &r->p[0]), TSR_OK);
    tsr_oscore_free(&r->client);
    r->client = next;
    talk(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(test_renew_runs_through),
        T(test_renew_is_named_by_either_form),
        T(test_renew_goes_on_sending_an_id_context),
        T(test_renew_leaves_keys_in_use_alone),
        T(test_renew_asks_for_echo_where_it_is_wanted),
        T(test_renew_takes_any_of_its_own_r2),
        T(test_renew_takes_response_1_once),
        T(test_renew_refuses_request_2_again),
        T(test_renew_survives_request_1_again),
        T(test_renew_response_1_fits_no_other_request),
        T(test_renew_refuses_a_changed_response_1),
        T(test_renew_refuses_a_changed_request_2),
        T(test_renew_offers_nothing_to_a_stranger),
        T(test_renew_wants_unauthorized),
        T(test_renew_bounds_the_length_of_r2),
        T(test_renew_survives_a_restart),
        T(test_renew_goes_on_after_a_clean_stop),
        T(test_renew_state_is_checked),
        T(test_renew_keeps_the_old_state_until_it_can_save),
        T(test_renew_client_may_restart_in_the_middle),
        T(test_renew_server_may_restart_in_the_middle),
        T(test_renew_server_may_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
