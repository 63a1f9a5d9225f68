/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/coap/link.h"

typedef struct {
    unsigned responses;
    uint8_t code;
    size_t len;
} seen_by_client;

static void serve(void *user, tsr_coap *c, const tsr_coap_event *e, uint64_t now_ms)
{
    (void)user;
    if (e->kind != TSR_COAP_REQUEST)
        return;
    assert_int_equal(tsr_coap_respond(c, e->id,
                                      &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                            .payload = tsr_text("hello") },
                                      now_ms),
                     TSR_OK);
}

static void collect(void *user, tsr_coap *c, const tsr_coap_event *e, uint64_t now_ms)
{
    seen_by_client *s = user;

    (void)c;
    (void)now_ms;
    assert_int_equal(e->kind, TSR_COAP_RESPONSE);
    s->responses++;
    s->code = e->msg->code;
    s->len = e->body.len;
}

/* RFC 7252 §5 */
static void test_engine_gets(void **state)
{
    tsr_coap_config config = link_config(1);
    tsr_coap *a = link_engine(&config), *b = link_engine(&config);
    link_path *l = malloc(sizeof *l);
    seen_by_client got = { 0 };

    (void)state;
    link_init(l, a, b, 1);
    l->on_event[0] = collect;
    l->on_event[1] = serve;
    l->user = &got;
    assert_int_equal(
        tsr_coap_request_send(a, 0, &(tsr_coap_request){ .method = TSR_COAP_GET, .path = "/hello" },
                              l->now_ms, NULL),
        TSR_OK);
    link_run(l, UINT64_MAX);
    assert_int_equal(got.responses, 1);
    assert_int_equal(got.code, TSR_COAP_CONTENT);
    assert_int_equal(got.len, 5);
    assert_int_equal(l->sent, 2);
    free(l);
    link_free(a);
    link_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_gets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
