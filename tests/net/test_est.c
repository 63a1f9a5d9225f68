/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's side of enrolment against a server that says what each test wants; servers and
 * authorities written by others are met in tests/e2e/test_enrol.py. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "mbedtls/pk.h"
#include "mbedtls/x509_crt.h"
#include "mbedtls/x509_csr.h"
#include "psa/crypto.h"
#include "tessera/net/certs_only.h"
#include "tessera/net/csr.h"
#include "tessera/net/est.h"
#include "tests/net/issuer.h"

enum { MEMORY = 32768 };

typedef struct {
    uint8_t code;
    uint32_t max_age;
    tsr_coap_num format;
    tsr_bytes body;
} answer;

typedef struct {
    tsr_est est;
    tsr_coap server;
    uint64_t memory[2][MEMORY / 8];
    uint8_t room[TSR_EST_ROOM];
    uint64_t now_ms;
    uint32_t key;
    mbedtls_pk_context ca;
    uint8_t ca_der[1024], crts[1200], leaf[1024], sen[1200];
    size_t ca_len, crts_len, leaf_len, sen_len;
    unsigned asked, crts_asked;
    char path[64]; /* of the last request */
    uint8_t csr[TSR_CSR_MAX];
    size_t csr_len;
    /* what the server says: first these, then the certificates */
    answer script[4];
    size_t script_len, script_at;
    bool no_short_root, other_key, other_ca, bare;
} scene;

/* What an authority does with the request that came. */
static void issue(scene *s)
{
    mbedtls_x509_csr csr;
    mbedtls_pk_context other;
    tsr_buf out = tsr_buf_over(s->sen, sizeof s->sen);
    tsr_bytes der;

    issuer_pk(&other, issuer_key());
    mbedtls_x509_csr_init(&csr);
    assert_int_equal(mbedtls_x509_csr_parse_der(&csr, s->csr, s->csr_len), 0);
    s->leaf_len = issuer_sign(s->other_key ? &other : &csr.pk, "CN=lamp",
                              s->other_ca ? &other : &s->ca, false, s->leaf);
    der = tsr_view(s->leaf, s->leaf_len);
    tsr_certs_only_put(&out, &der, 1);
    s->sen_len = out.len;
    mbedtls_x509_csr_free(&csr);
    mbedtls_pk_free(&other);
}

static void make_path(const tsr_coap_msg *msg, char path[64])
{
    path[0] = 0;
    for (size_t i = 0; i < msg->path_count; i++) {
        size_t at = strlen(path);

        (void)snprintf(path + at, 64 - at, "/%.*s", (int)msg->path[i].len,
                       (const char *)msg->path[i].ptr);
    }
}

static tsr_coap_response answer_for(scene *s, const tsr_coap_event *e)
{
    bool crts;

    make_path(e->msg, s->path);
    crts = strstr(s->path, "/crts") != NULL;
    s->asked++;
    assert_int_equal(e->msg->accept.value, 281);
    if (s->no_short_root && strncmp(s->path, "/est", 4) == 0)
        return (tsr_coap_response){ .code = TSR_COAP_NOT_FOUND };
    if (s->script_at < s->script_len) {
        const answer *a = &s->script[s->script_at++];

        return (tsr_coap_response){ .code = a->code, .payload = a->body,
                                    .content_format = a->format,
                                    .max_age = { a->max_age != 0, a->max_age } };
    }
    if (crts) {
        assert_int_equal(e->msg->code, TSR_COAP_GET);
        return (tsr_coap_response){ .code = TSR_COAP_CONTENT, .content_format = { true, 281 },
                                    .payload = tsr_view(s->crts, s->crts_len) };
    }
    assert_int_equal(e->msg->code, TSR_COAP_POST);
    assert_int_equal(e->msg->content_format.value, 286);
    assert_true(s->csr_len == 0 || tsr_same(e->body, tsr_view(s->csr, s->csr_len)));
    memcpy(s->csr, e->body.ptr, e->body.len);
    s->csr_len = e->body.len;
    issue(s);
    return (tsr_coap_response){ .code = TSR_COAP_CHANGED,
                                .content_format = { true, s->bare ? 287 : 281 },
                                .payload = s->bare ? tsr_view(s->leaf, s->leaf_len)
                                                   : tsr_view(s->sen, s->sen_len) };
}

static void serve(scene *s)
{
    tsr_coap_event e;

    while (tsr_coap_event_next(&s->server, &e)) {
        if (e.kind == TSR_COAP_REQUEST) {
            tsr_coap_response r = answer_for(s, &e);

            assert_int_equal(tsr_coap_respond(&s->server, e.id, &r, s->now_ms), TSR_OK);
        }
    }
}

/* Until something happened; time goes by as the engine wants. */
static tsr_est_event run(scene *s)
{
    tsr_est_event event;
    uint8_t room[2048];
    tsr_coap_peer peer;

    for (unsigned turns = 0; turns < 10000; turns++) {
        tsr_buf out = tsr_buf_over(room, sizeof room);

        if (tsr_est_event_next(&s->est, &event))
            return event;
        if (tsr_est_poll(&s->est, &out, s->now_ms) == TSR_OK) {
            (void)tsr_coap_feed(&s->server, 0, tsr_buf_view(&out), s->now_ms);
            serve(s);
            continue;
        }
        if (tsr_coap_poll(&s->server, &peer, &out, s->now_ms) == TSR_OK) {
            (void)tsr_est_feed(&s->est, tsr_buf_view(&out), s->now_ms);
            continue;
        }
        if (tsr_est_event_next(&s->est, &event))
            return event;
        assert_true(tsr_est_due_ms(&s->est) != UINT64_MAX);
        s->now_ms = tsr_est_due_ms(&s->est) > s->now_ms ? tsr_est_due_ms(&s->est) : s->now_ms;
    }
    fail_msg("nothing happens");
    return event;
}

static scene *begin(tsr_est_config config, uint8_t szx)
{
    static tsr_coap_config coap;
    scene *s = calloc(1, sizeof *s);
    tsr_buf out = tsr_buf_over(s->crts, sizeof s->crts);
    tsr_bytes der;

    s->now_ms = 1000;
    coap = (tsr_coap_config){ .peers = 1, .exchanges = 4, .exchange_len = 1200, .bodies = 4,
                              .body_len = TSR_EST_BODY, .seen = 16, .log_len = 4096, .seed = 7,
                              .params = tsr_coap_params_default() };
    coap.params.szx = szx;
    assert_int_equal(tsr_coap_init(&s->server, &coap, s->memory[0], sizeof s->memory[0]), TSR_OK);
    issuer_pk(&s->ca, issuer_key());
    s->ca_len = issuer_sign(&s->ca, "CN=authority", &s->ca, true, s->ca_der);
    der = tsr_view(s->ca_der, s->ca_len);
    tsr_certs_only_put(&out, &der, 1);
    s->crts_len = out.len;
    s->key = issuer_key();
    config.common_name = "lamp";
    config.key_id = s->key;
    config.room = s->room;
    config.room_len = config.room_len != 0 ? config.room_len : sizeof s->room;
    config.coap = &coap;
    config.coap_memory = s->memory[1];
    config.coap_memory_len = sizeof s->memory[1];
    assert_int_equal(tsr_est_init(&s->est, &config), TSR_OK);
    return s;
}

static void end(scene *s)
{
    mbedtls_pk_free(&s->ca);
    psa_destroy_key(s->key);
    free(s);
}

static void enrols(scene *s)
{
    tsr_est_event e = run(s);

    assert_int_equal(e.kind, TSR_EST_ENROLLED);
    assert_true(tsr_same(e.certificate, tsr_view(s->leaf, s->leaf_len)));
    assert_true(tsr_same(e.authorities, tsr_view(s->ca_der, s->ca_len)));
    assert_true(tsr_est_due_ms(&s->est) > s->now_ms);
}

static void refuses(scene *s, const char *reason)
{
    tsr_est_event e = run(s);

    assert_int_equal(e.kind, TSR_EST_FAILED);
    assert_non_null(strstr(e.reason, reason));
}

/* RFC 9148 §4: the authority first, then the certificate; and that again over blocks of each size.
 * RFC 9148 §3 */
static void test_est_enrols(void **state)
{
    (void)state;
    for (uint8_t szx = 2; szx <= 6; szx++) {
        scene *s = begin((tsr_est_config){ 0 }, szx);

        assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
        enrols(s);
        assert_string_equal(s->path, "/est/sen");
        end(s);
    }
}

/* RFC 7030 §4.2.3, RFC 9148 §4.3 */
static void test_est_takes_a_bare_certificate(void **state)
{
    scene *s = begin((tsr_est_config){ 0 }, 6);

    (void)state;
    s->bare = true;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    enrols(s);
    end(s);
}

/* RFC 9148 §4.1: the default root is the one that every server has. RFC 9148 §8.1 */
static void test_est_finds_the_default_root(void **state)
{
    scene *s = begin((tsr_est_config){ 0 }, 6);

    (void)state;
    s->no_short_root = true;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    enrols(s);
    assert_string_equal(s->path, "/.well-known/est/sen");
    end(s);
}

static void test_est_renews_under_a_label(void **state)
{
    scene *s = begin((tsr_est_config){ .renew = true, .root = "/.well-known/est/a" }, 6);

    (void)state;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    enrols(s);
    assert_string_equal(s->path, "/.well-known/est/a/sren");
    end(s);
}

/* RFC 9148 §4.7, RFC 8516 §4: the same request again after Max-Age, as often as the server says so. */
static void test_est_comes_again_when_told(void **state)
{
    scene *s = begin((tsr_est_config){ 0 }, 6);
    uint64_t began_ms = s->now_ms;
    tsr_est_event e;

    (void)state;
    s->script[0] = (answer){ .code = TSR_COAP_UNAVAILABLE, .max_age = 10 };
    s->script[1] = (answer){ .code = TSR_COAP_TOO_MANY_REQUESTS, .max_age = 600 };
    s->script_len = 2;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    e = run(s);
    assert_int_equal(e.kind, TSR_EST_WAITING);
    assert_int_equal(e.wait_s, 10);
    e = run(s);
    assert_int_equal(e.kind, TSR_EST_WAITING);
    assert_int_equal(e.wait_s, 600);
    enrols(s);
    assert_true(s->now_ms >= began_ms + 610000);
    end(s);
}

static void test_est_ends_its_patience(void **state)
{
    scene *s = begin((tsr_est_config){ .retries = 1 }, 6);

    (void)state;
    s->script[0] = s->script[1] = (answer){ .code = TSR_COAP_UNAVAILABLE, .max_age = 1 };
    s->script_len = 2;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    assert_int_equal(run(s).kind, TSR_EST_WAITING);
    refuses(s, "patient");
    end(s);
}

static void test_est_refuses_what_is_not_its_own(void **state)
{
    scene *s = begin((tsr_est_config){ 0 }, 6);

    (void)state;
    s->other_key = true;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    refuses(s, "no certificate for our key");
    s->other_key = false;
    s->csr_len = 0;
    s->other_ca = true;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    refuses(s, "not signed by the authority");
    /* and begins anew after that */
    s->other_ca = false;
    s->csr_len = 0;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    enrols(s);
    end(s);
}

static void test_est_says_what_the_server_refused(void **state)
{
    static const struct {
        answer what;
        const char *reason;
        uint8_t code;
    } rows[] = {
        { { .code = TSR_COAP_FORBIDDEN }, "does not give", TSR_COAP_FORBIDDEN },
        { { .code = TSR_COAP_CONTENT, .format = { true, 281 }, .body = { (const uint8_t *)"x", 1 } },
          "cannot be read", TSR_COAP_CONTENT },
        { { .code = TSR_COAP_CONTENT, .format = { true, 281 } }, "cannot be read",
          TSR_COAP_CONTENT },
        { { .code = TSR_COAP_CONTENT, .format = { true, 60 }, .body = { (const uint8_t *)"x", 1 } },
          "cannot be read", TSR_COAP_CONTENT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene *s = begin((tsr_est_config){ 0 }, 6);
        tsr_est_event e;

        s->script[0] = rows[i].what;
        s->script_len = 1;
        assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
        e = run(s);
        assert_int_equal(e.kind, TSR_EST_FAILED);
        assert_int_equal(e.code, rows[i].code);
        assert_non_null(strstr(e.reason, rows[i].reason));
        end(s);
    }
}

static void test_est_says_that_its_room_is_small(void **state)
{
    scene *s = begin((tsr_est_config){ .room_len = 500 }, 6);

    (void)state;
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_OK);
    refuses(s, "raise room_len");
    end(s);
    s = begin((tsr_est_config){ .room_len = 50 }, 6);
    assert_int_equal(tsr_est_begin(&s->est, s->now_ms), TSR_E_SPACE);
    end(s);
}

static int set_up(void **state)
{
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_est_enrols),
        cmocka_unit_test(test_est_takes_a_bare_certificate),
        cmocka_unit_test(test_est_finds_the_default_root),
        cmocka_unit_test(test_est_renews_under_a_label),
        cmocka_unit_test(test_est_comes_again_when_told),
        cmocka_unit_test(test_est_ends_its_patience),
        cmocka_unit_test(test_est_refuses_what_is_not_its_own),
        cmocka_unit_test(test_est_says_what_the_server_refused),
        cmocka_unit_test(test_est_says_that_its_room_is_small),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
