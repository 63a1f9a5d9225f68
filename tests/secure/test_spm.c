/* SPDX-License-Identifier: Apache-2.0
 *
 * The partition manager: dispatch, what leaves after a failure, and client numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "secure/spm/clients.h"
#include "secure/spm/spm.h"

typedef struct {
    tsr_spm_caller caller;
    int32_t type;
    uint32_t gone;
} seen;

static psa_status_t echo(void *self, tsr_spm_msg *msg)
{
    seen *s = self;

    s->caller = msg->caller;
    s->type = msg->type;
    if (msg->type == 9) { /* a broken service */
        msg->out[0].len += 1;
        return PSA_SUCCESS;
    }
    if (msg->type == 8) {
        memcpy(msg->out[0].base, "halfway", 7);
        return PSA_ERROR_GENERIC_ERROR;
    }
    memcpy(msg->out[0].base, msg->in[0].ptr, msg->in[0].len);
    msg->out[0].len = msg->in[0].len;
    return PSA_SUCCESS;
}

static void gone(void *self, uint32_t connection) { ((seen *)self)->gone = connection; }

static uint8_t reply_memory[TSR_WIRE_MAX];

static psa_status_t ask(seen *s, psa_handle_t handle, int32_t type, tsr_bytes *answer)
{
    tsr_spm_service service = { 4, s, echo, gone };
    tsr_spm spm = { .services = &service, .count = 1 };
    uint8_t frame[64];
    tsr_buf request = tsr_buf_over(frame, sizeof frame);
    tsr_buf reply = tsr_buf_over(reply_memory, sizeof reply_memory);
    psa_invec in = { "ping", 4 };
    psa_outvec out = { NULL, 8 };
    psa_status_t status = 1;

    tsr_wire_request_head(&request, handle, type, &in, 1, &out, 1);
    tsr_put_bytes(&request, tsr_view("ping", 4));
    assert_int_equal(
        tsr_spm_frame(&spm, (tsr_spm_caller){ -5, 17 }, tsr_buf_view(&request), &reply), TSR_OK);
    assert_int_equal(tsr_wire_reply_read(tsr_buf_view(&reply), 1, &status, answer), TSR_OK);
    return status;
}

/* FF-M 1.1 */
static void test_frame_reaches_service_with_the_transports_caller(void **state)
{
    seen s = { 0 };
    tsr_bytes answer;

    (void)state;
    assert_int_equal(ask(&s, 4, 3, &answer), PSA_SUCCESS);
    assert_int_equal(s.caller.client, -5);
    assert_int_equal(s.caller.connection, 17);
    assert_int_equal(s.type, 3);
    assert_true(tsr_same(answer, tsr_text("ping")));
}

static void test_unknown_handle_is_a_programmer_error(void **state)
{
    seen s = { 0 };
    tsr_bytes answer;

    (void)state;
    assert_int_equal(ask(&s, 5, 3, &answer), PSA_ERROR_PROGRAMMER_ERROR);
    assert_int_equal(s.type, 0);
}

static void test_failed_call_leaks_no_output(void **state)
{
    seen s = { 0 };
    tsr_bytes answer;

    (void)state;
    assert_int_equal(ask(&s, 4, 8, &answer), PSA_ERROR_GENERIC_ERROR);
    assert_int_equal(answer.len, 0);
    for (size_t i = 0; i < 64; i++)
        assert_memory_not_equal(reply_memory + i, "half", 4);
}

static void test_service_that_overclaims_is_stopped(void **state)
{
    seen s = { 0 };
    tsr_bytes answer;

    (void)state;
    assert_int_equal(ask(&s, 4, 9, &answer), PSA_ERROR_SERVICE_FAILURE);
}

static void test_malformed_frame_is_answered_and_reported(void **state)
{
    tsr_spm spm = { .services = NULL };
    tsr_buf reply = tsr_buf_over(reply_memory, sizeof reply_memory);
    psa_status_t status;

    (void)state;
    assert_int_equal(tsr_spm_frame(&spm, (tsr_spm_caller){ -5, 1 }, tsr_text("rubbish"), &reply),
                     TSR_E_MALFORMED);
    assert_int_equal(tsr_wire_reply_read(tsr_buf_view(&reply), 0, &status, NULL), TSR_OK);
    assert_int_equal(status, PSA_ERROR_PROGRAMMER_ERROR);
}

static psa_status_t only_six(void *self, psa_handle_t handle)
{
    (void)self;
    return handle == 6 ? PSA_SUCCESS : PSA_ERROR_NOT_PERMITTED;
}

/* What is not admitted does not reach the service, whoever calls. */
static void test_call_needs_admission(void **state)
{
    seen s = { 0 };
    tsr_spm_service services[2] = { { 4, &s, echo, gone }, { 6, &s, echo, gone } };
    tsr_spm spm = { services, 2, only_six, NULL };
    char answer[1];
    tsr_spm_msg msg = { .caller = { -5, 1 },
                        .type = 3,
                        .in_len = 1,
                        .out_len = 1,
                        .in = { tsr_text("x") },
                        .out = { { answer, 1 } } };

    (void)state;
    assert_int_equal(tsr_spm_call(&spm, 4, &msg), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(tsr_spm_call(&spm, 9, &msg), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(s.type, 0);
    assert_int_equal(tsr_spm_call(&spm, 6, &msg), PSA_SUCCESS);
    assert_int_equal(s.type, 3);
}

static void test_gone_reaches_services(void **state)
{
    seen s = { 0 };
    tsr_spm_service services[2] = { { 4, &s, echo, gone }, { 5, &s, echo, NULL } };
    tsr_spm spm = { .services = services, .count = 2 };

    (void)state;
    tsr_spm_gone(&spm, 33);
    assert_int_equal(s.gone, 33);
}

static void test_client_number_is_fixed_and_unique(void **state)
{
    tsr_spm_clients c = { 0 };
    int32_t a, b;

    (void)state;
    assert_int_equal(tsr_spm_client_of(&c, 0, &a), TSR_OK);
    assert_int_equal(a, -1);
    assert_int_equal(tsr_spm_client_of(&c, 1001, &a), TSR_OK);
    assert_int_equal(tsr_spm_client_of(&c, 1002, &b), TSR_OK);
    assert_int_equal(a, -1002);
    assert_int_equal(b, -1003);
    assert_int_equal(tsr_spm_client_of(&c, 2147483646, &a), TSR_OK);
    assert_int_equal(a, -2147483647);
}

static void test_client_number_is_denied_to_foreign_users(void **state)
{
    tsr_spm_clients c = { 0 };
    int32_t a;

    (void)state;
    assert_int_equal(tsr_spm_client_of(&c, 65534, &a), TSR_E_DENIED);
    assert_int_equal(tsr_spm_client_of(&c, 2147483647u, &a), TSR_E_DENIED);
    assert_int_equal(tsr_spm_client_of(&c, UINT32_MAX, &a), TSR_E_DENIED);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("65534=-9")), TSR_OK);
    assert_int_equal(tsr_spm_client_of(&c, 65534, &a), TSR_OK);
    assert_int_equal(a, -9);
}

static void test_named_number_is_nobody_elses(void **state)
{
    tsr_spm_clients c = { 0 };
    int32_t a;

    (void)state;
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("1001=-1003")), TSR_OK);
    assert_int_equal(tsr_spm_client_of(&c, 1001, &a), TSR_OK);
    assert_int_equal(a, -1003);
    assert_int_equal(tsr_spm_client_of(&c, 1002, &a), TSR_E_EXISTS);
}

static void test_name_refuses_bad_text(void **state)
{
    tsr_spm_clients c = { 0 };

    (void)state;
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("")), TSR_E_MALFORMED);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("=")), TSR_E_MALFORMED);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("5=")), TSR_E_MALFORMED);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("=-5")), TSR_E_MALFORMED);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("x=-5")), TSR_E_MALFORMED);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("99999999999=-5")), TSR_E_MALFORMED);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("5=5")), TSR_E_ARGUMENT);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("5=0")), TSR_E_ARGUMENT);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("5=-2147483649")), TSR_E_ARGUMENT);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("5=-5")), TSR_OK);
    assert_int_equal(tsr_spm_name_text(&c, tsr_text("5=-6")), TSR_E_EXISTS);
    assert_int_equal(c.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_reaches_service_with_the_transports_caller),
        cmocka_unit_test(test_unknown_handle_is_a_programmer_error),
        cmocka_unit_test(test_failed_call_leaks_no_output),
        cmocka_unit_test(test_service_that_overclaims_is_stopped),
        cmocka_unit_test(test_malformed_frame_is_answered_and_reported),
        cmocka_unit_test(test_call_needs_admission),
        cmocka_unit_test(test_gone_reaches_services),
        cmocka_unit_test(test_client_number_is_fixed_and_unique),
        cmocka_unit_test(test_client_number_is_denied_to_foreign_users),
        cmocka_unit_test(test_named_number_is_nobody_elses),
        cmocka_unit_test(test_name_refuses_bad_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
