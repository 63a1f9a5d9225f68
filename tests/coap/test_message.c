/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tessera/coap/message.h"

#define BYTES(...)                                                                                 \
    tsr_view((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static const uint8_t get_3_0_9[] = { 0x44, 0x01, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef,
                                     0x60, 0x51, 0x33, 0x01, 0x30, 0x01, 0x39 };

static void test_message_parses_get_3_0_9(void **state)
{
    tsr_coap_msg msg;
    uint16_t ids[4];
    size_t count;

    (void)state;
    assert_int_equal(tsr_coap_msg_parse(tsr_view(get_3_0_9, sizeof get_3_0_9), &msg), TSR_OK);
    assert_int_equal(msg.type, TSR_COAP_CON);
    assert_int_equal(msg.code, TSR_COAP_GET);
    assert_int_equal(msg.mid, 0x1234);
    assert_true(tsr_same(msg.token, BYTES(0xde, 0xad, 0xbe, 0xef)));
    assert_true(msg.observe.set);
    assert_int_equal(msg.observe.value, 0);
    assert_false(msg.accept.set || msg.content_format.set || msg.block1.set || msg.block2.set);
    assert_int_equal(msg.path_count, 3);
    assert_int_equal(tsr_coap_msg_ids(&msg, 0, ids, 4, &count), TSR_OK);
    assert_int_equal(count, 3);
    assert_true(ids[0] == 3 && ids[1] == 0 && ids[2] == 9);
    assert_int_equal(msg.payload.len, 0);
    assert_int_equal(msg.bad_option, 0);
}

static void test_message_builds_get_3_0_9(void **state)
{
    uint8_t room[32];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;

    (void)state;
    tsr_coap_put_header(&out, TSR_COAP_CON, TSR_COAP_GET, 0x1234, BYTES(0xde, 0xad, 0xbe, 0xef));
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, 0);
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, "/3/0/9", '/');
    tsr_coap_put_payload(&out, tsr_view("", 0));
    assert_int_equal(out.err, TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&out), tsr_view(get_3_0_9, sizeof get_3_0_9)));
}

/* RFC 7252 Appendix A, Figure 16: CON GET /temperature and its piggybacked response. */
static void test_message_parses_appendix_a_figure_16(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    assert_int_equal(tsr_coap_msg_parse(BYTES(0x40, 0x01, 0x7d, 0x34, 0xbb, 't', 'e', 'm', 'p', 'e',
                                              'r', 'a', 't', 'u', 'r', 'e'),
                                        &msg),
                     TSR_OK);
    assert_int_equal(msg.mid, 0x7d34);
    assert_true(tsr_coap_msg_path_is(&msg, 0, "/temperature"));
    assert_int_equal(
        tsr_coap_msg_parse(BYTES(0x60, 0x45, 0x7d, 0x34, 0xff, '2', '2', '.', '3', ' ', 'C'), &msg),
        TSR_OK);
    assert_int_equal(msg.type, TSR_COAP_ACK);
    assert_int_equal(msg.code, TSR_COAP_CONTENT);
    assert_true(tsr_same(msg.payload, tsr_text("22.3 C")));
}

/* RFC 7252 Appendix A, Figure 17: the same with a one-byte token. */
static void test_message_parses_appendix_a_figure_17(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    assert_int_equal(tsr_coap_msg_parse(BYTES(0x41, 0x01, 0x7d, 0x35, 0x20, 0xbb, 't', 'e', 'm',
                                              'p', 'e', 'r', 'a', 't', 'u', 'r', 'e'),
                                        &msg),
                     TSR_OK);
    assert_true(tsr_same(msg.token, BYTES(0x20)));
    assert_true(tsr_coap_msg_path_is(&msg, 0, "/temperature"));
}

static void parse_exact(tsr_bytes in, tsr_err want, tsr_coap_msg *msg)
{
    uint8_t *copy = malloc(in.len + 1);

    if (in.len != 0)
        memcpy(copy + 1, in.ptr, in.len);
    assert_int_equal(tsr_coap_msg_parse(tsr_view(copy + 1, in.len), msg), want);
    free(copy);
}

static void test_message_ignores_other_versions(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    parse_exact(BYTES(0x00, 0x01, 0x12, 0x34), TSR_E_UNSUPPORTED, &msg);
    parse_exact(BYTES(0x80, 0x01, 0x12, 0x34), TSR_E_UNSUPPORTED, &msg);
    parse_exact(BYTES(0xc0, 0x01, 0x12, 0x34), TSR_E_UNSUPPORTED, &msg);
}

static void test_message_rejects_short_datagrams(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    for (size_t len = 0; len < 4; len++)
        parse_exact(tsr_view(get_3_0_9, len), TSR_E_MALFORMED, &msg);
    for (size_t len = 4; len < 8; len++)
        parse_exact(tsr_view(get_3_0_9, len), TSR_E_MALFORMED, &msg);
}

static void test_message_rejects_long_tokens(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    for (uint8_t len = 9; len < 16; len++) {
        uint8_t in[20] = { (uint8_t)(0x40 | len), 0x01, 0xab, 0xcd };

        parse_exact(tsr_view(in, sizeof in), TSR_E_MALFORMED, &msg);
        assert_int_equal(msg.mid, 0xabcd); /* known, to be rejected */
        assert_int_equal(msg.type, TSR_COAP_CON);
    }
}

/* RFC 7252 §12.1 */
static void test_message_rejects_reserved_classes(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    parse_exact(BYTES(0x40, 0x20, 0, 1), TSR_E_MALFORMED, &msg);
    parse_exact(BYTES(0x40, 0xc0, 0, 1), TSR_E_MALFORMED, &msg);
    parse_exact(BYTES(0x40, 0xe1, 0, 1), TSR_E_MALFORMED, &msg);
}

/* RFC 7252 §4.1 */
static void test_message_rejects_empty_with_more(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    parse_exact(BYTES(0x40, 0x00, 0, 1), TSR_OK, &msg);
    parse_exact(BYTES(0x41, 0x00, 0, 1, 9), TSR_E_MALFORMED, &msg);
    parse_exact(BYTES(0x40, 0x00, 0, 1, 0xff, 9), TSR_E_MALFORMED, &msg);
}

static void test_message_rejects_marker_without_payload(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xff), TSR_E_MALFORMED, &msg);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xb1, 'a', 0xff), TSR_E_MALFORMED, &msg);
}

static void test_message_rejects_bad_options(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xf0), TSR_E_MALFORMED, &msg);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xb5, 'a'), TSR_E_MALFORMED, &msg);
}

/* RFC 7252 §5.4.1: unknown critical options are reported, elective ones passed over. */
static void test_message_reports_the_first_critical_option(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xd0, 0x00 + 8, 0x11, 'x', 0x11, 'y'), TSR_OK,
                &msg); /* 21, 22, 23 */
    assert_int_equal(msg.bad_option, 21);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xd0, 0x00 + 9), TSR_OK, &msg); /* 22 */
    assert_int_equal(msg.bad_option, 0);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xd3, 35 - 13, 'u', 'r', 'i'), TSR_OK, &msg);
    assert_int_equal(msg.bad_option, TSR_COAP_PROXY_URI);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0x90), TSR_OK, &msg);
    assert_int_equal(msg.bad_option, TSR_COAP_OSCORE);
}

/* RFC 7252 §5.4.3: a wrong length makes an option unrecognised; §5.4.5: so does a repetition. */
static void test_message_treats_misused_options_as_unknown(void **state)
{
    tsr_coap_msg msg;

    (void)state;
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xd3, 4, 1, 2, 3), TSR_OK,
                &msg); /* Accept of 3 bytes: critical */
    assert_int_equal(msg.bad_option, TSR_COAP_ACCEPT);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xd1, 4, 50, 0x01, 60), TSR_OK, &msg); /* Accept twice */
    assert_int_equal(msg.bad_option, TSR_COAP_ACCEPT);
    assert_int_equal(msg.accept.value, 50);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xc3, 1, 2, 3), TSR_OK,
                &msg); /* Content-Format: elective */
    assert_int_equal(msg.bad_option, 0);
    assert_false(msg.content_format.set);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xc1, 40, 0x01, 50), TSR_OK, &msg);
    assert_int_equal(msg.bad_option, 0);
    assert_int_equal(msg.content_format.value, 40);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0x51, 1), TSR_OK, &msg); /* If-None-Match with a value */
    assert_int_equal(msg.bad_option, TSR_COAP_IF_NONE_MATCH);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0x30), TSR_OK, &msg); /* empty Uri-Host */
    assert_int_equal(msg.bad_option, TSR_COAP_URI_HOST);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0x40), TSR_OK, &msg); /* empty ETag */
    assert_null(msg.etag.ptr);
    parse_exact(BYTES(0x40, 0x01, 0, 1, 0xd4, 10, 1, 2, 3, 4), TSR_OK,
                &msg); /* Block2 of 4 bytes */
    assert_int_equal(msg.bad_option, TSR_COAP_BLOCK2);
    assert_false(msg.block2.set);
}

/* RFC 7252 §12.2, RFC 7641 §2, RFC 7959 §2.1, RFC 9175 §2.2.1 */
static void test_message_reads_every_known_option(void **state)
{
    uint8_t room[128];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint16_t last = 0;
    tsr_coap_msg msg;

    (void)state;
    tsr_coap_put_header(&out, TSR_COAP_NON, TSR_COAP_PUT, 7, tsr_view("", 0));
    tsr_coap_put_opt(&out, &last, TSR_COAP_IF_MATCH, tsr_text("m"));
    tsr_coap_put_opt(&out, &last, TSR_COAP_URI_HOST, tsr_text("host"));
    tsr_coap_put_opt(&out, &last, TSR_COAP_ETAG, tsr_text("etag"));
    tsr_coap_put_opt(&out, &last, TSR_COAP_ETAG, tsr_text("second"));
    tsr_coap_put_opt(&out, &last, TSR_COAP_IF_NONE_MATCH, tsr_view("", 0));
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_OBSERVE, 0xabcdef);
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_URI_PORT, 5683);
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, "/a/b", '/');
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, 11542);
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_MAX_AGE, 0xffffffff);
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_QUERY, "lt=60&b=U", '&');
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_ACCEPT, 112);
    tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK2, (tsr_coap_block){ .num = 0, .szx = 2 });
    tsr_coap_put_block(&out, &last, TSR_COAP_BLOCK1,
                       (tsr_coap_block){ .num = 0xfffff, .szx = 6, .more = true });
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_SIZE2, 0);
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_SIZE1, 70000);
    tsr_coap_put_opt(&out, &last, TSR_COAP_ECHO, tsr_text("echo"));
    tsr_coap_put_payload(&out, tsr_text("body"));
    assert_int_equal(out.err, TSR_OK);

    assert_int_equal(tsr_coap_msg_parse(tsr_buf_view(&out), &msg), TSR_OK);
    assert_int_equal(msg.bad_option, 0);
    assert_true(msg.if_match && msg.if_none_match);
    assert_true(tsr_same(msg.etag, tsr_text("etag")));
    assert_int_equal(msg.observe.value, 0xabcdef);
    assert_true(tsr_coap_msg_path_is(&msg, 0, "/a/b"));
    assert_int_equal(msg.content_format.value, 11542);
    assert_true(msg.max_age.value == 0xffffffff);
    assert_int_equal(msg.accept.value, 112);
    assert_true(msg.block2.set && !msg.block2.more);
    assert_int_equal(msg.block2.szx, 2);
    assert_true(msg.block1.set && msg.block1.more);
    assert_int_equal(msg.block1.num, 0xfffff);
    assert_int_equal(msg.block1.szx, 6);
    assert_true(msg.size2.set);
    assert_int_equal(msg.size1.value, 70000);
    assert_true(tsr_same(msg.echo, tsr_text("echo")));
    assert_true(tsr_same(msg.payload, tsr_text("body")));

    tsr_coap_opts it = { .rest = msg.options };
    tsr_bytes query;

    assert_int_equal(tsr_coap_query_next(&it, &query), TSR_OK);
    assert_true(tsr_same(query, tsr_text("lt=60")));
    assert_int_equal(tsr_coap_query_next(&it, &query), TSR_OK);
    assert_true(tsr_same(query, tsr_text("b=U")));
    assert_int_equal(tsr_coap_query_next(&it, &query), TSR_END);
}

/* An option with extended delta that is the very last thing must be inside msg.options, whole. */
static void test_message_options_reach_to_the_last_extended_byte(void **state)
{
    tsr_coap_msg msg;
    tsr_coap_opt opt;

    (void)state;
    assert_int_equal(tsr_coap_msg_parse(BYTES(0x40, 0x01, 0, 1, 0xb1, 'a', 0xe0, 0x06, 0xe9), &msg),
                     TSR_OK);
    assert_int_equal(msg.options.len, 5);

    tsr_coap_opts it = { .rest = msg.options };

    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_OK);
    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_OK);
    assert_int_equal(opt.number, 11 + 269 + 0x6e9);
    assert_int_equal(tsr_coap_opt_next(&it, &opt), TSR_END);
}

static tsr_coap_msg with_path(const char *text, uint8_t *room, size_t cap)
{
    tsr_buf out = tsr_buf_over(room, cap);
    uint16_t last = 0;
    tsr_coap_msg msg;

    tsr_coap_put_header(&out, TSR_COAP_CON, TSR_COAP_GET, 7, tsr_view("", 0));
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, text, '/');
    assert_int_equal(tsr_coap_msg_parse(tsr_buf_view(&out), &msg), TSR_OK);
    return msg;
}

static void test_message_path_is_compares_whole_segments(void **state)
{
    uint8_t room[64];
    tsr_coap_msg msg = with_path("/.well-known/core", room, sizeof room);

    (void)state;
    assert_true(tsr_coap_msg_path_is(&msg, 0, "/.well-known/core"));
    assert_true(tsr_coap_msg_path_is(&msg, 1, "/core"));
    assert_true(tsr_coap_msg_path_is(&msg, 2, "/"));
    assert_false(tsr_coap_msg_path_is(&msg, 0, "/.well-known"));
    assert_false(tsr_coap_msg_path_is(&msg, 0, "/.well-known/core/"));
    assert_false(tsr_coap_msg_path_is(&msg, 0, "/.well-known/cor"));
    assert_false(tsr_coap_msg_path_is(&msg, 0, "/"));

    const uint8_t nul[] = { 0x40, 0x01, 0, 1, 0xb3, 'a', 0, 'b' };

    assert_int_equal(tsr_coap_msg_parse(tsr_view(nul, sizeof nul), &msg), TSR_OK);
    assert_false(tsr_coap_msg_path_is(&msg, 0, "/a"));
}

static void test_message_ids_reject_what_is_no_number(void **state)
{
    static const char *const bad[] = { "/x", "/65536", "/03", "/-1", "/", "/3//0", "/123456" };
    uint8_t room[64];
    uint16_t ids[4];
    size_t count = 9;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tsr_coap_msg msg = with_path(bad[i], room, sizeof room);

        if (msg.path_count == 0)
            continue;
        assert_int_equal(tsr_coap_msg_ids(&msg, 0, ids, 4, &count), TSR_E_MALFORMED);
        assert_int_equal(count, 9);
    }

    tsr_coap_msg msg = with_path("/lwm2m/65535/0", room, sizeof room);

    assert_int_equal(tsr_coap_msg_ids(&msg, 1, ids, 4, &count), TSR_OK);
    assert_true(count == 2 && ids[0] == 65535 && ids[1] == 0);
    msg = with_path("/1/2/3/4/5", room, sizeof room);
    assert_int_equal(tsr_coap_msg_ids(&msg, 0, ids, 4, &count), TSR_E_SPACE);
    msg = with_path("/1/2/3/4/5/6/7/8/9", room, sizeof room);
    assert_int_equal(msg.path_count, 9);
    assert_int_equal(tsr_coap_msg_ids(&msg, 8, ids, 4, &count), TSR_E_SPACE);
}

/* RFC 7252 §12.1, RFC 7959 §2.9, RFC 8132 §6, RFC 8516 §3: what goes over the wire, as the tables of
 * the registry write it. */
static void test_message_codes_are_those_of_the_registry(void **state)
{
    static const struct {
        uint8_t code;
        unsigned as_written;
    } codes[] = {
        { TSR_COAP_EMPTY, 0 },               { TSR_COAP_GET, 1 },
        { TSR_COAP_POST, 2 },                { TSR_COAP_PUT, 3 },
        { TSR_COAP_DELETE, 4 },              { TSR_COAP_FETCH, 5 },
        { TSR_COAP_PATCH, 6 },               { TSR_COAP_IPATCH, 7 },
        { TSR_COAP_CREATED, 201 },           { TSR_COAP_DELETED, 202 },
        { TSR_COAP_VALID, 203 },             { TSR_COAP_CHANGED, 204 },
        { TSR_COAP_CONTENT, 205 },           { TSR_COAP_CONTINUE, 231 },
        { TSR_COAP_BAD_REQUEST, 400 },       { TSR_COAP_UNAUTHORIZED, 401 },
        { TSR_COAP_BAD_OPTION, 402 },        { TSR_COAP_FORBIDDEN, 403 },
        { TSR_COAP_NOT_FOUND, 404 },         { TSR_COAP_METHOD_NOT_ALLOWED, 405 },
        { TSR_COAP_NOT_ACCEPTABLE, 406 },    { TSR_COAP_INCOMPLETE, 408 },
        { TSR_COAP_CONFLICT, 409 },          { TSR_COAP_PRECONDITION_FAILED, 412 },
        { TSR_COAP_TOO_LARGE, 413 },         { TSR_COAP_UNSUPPORTED_FORMAT, 415 },
        { TSR_COAP_UNPROCESSABLE, 422 },     { TSR_COAP_TOO_MANY_REQUESTS, 429 },
        { TSR_COAP_INTERNAL_ERROR, 500 },    { TSR_COAP_NOT_IMPLEMENTED, 501 },
        { TSR_COAP_BAD_GATEWAY, 502 },       { TSR_COAP_UNAVAILABLE, 503 },
        { TSR_COAP_GATEWAY_TIMEOUT, 504 },   { TSR_COAP_PROXYING_NOT_SUPPORTED, 505 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        uint8_t wire = (uint8_t)(codes[i].as_written / 100 * 32 + codes[i].as_written % 100);

        assert_int_equal(codes[i].code, wire);
    }
}

static void test_message_header_refuses_long_tokens(void **state)
{
    uint8_t room[32];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    (void)state;
    tsr_coap_put_header(&out, TSR_COAP_CON, TSR_COAP_GET, 1, tsr_text("123456789"));
    assert_int_equal(out.err, TSR_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_parses_get_3_0_9),
        cmocka_unit_test(test_message_builds_get_3_0_9),
        cmocka_unit_test(test_message_parses_appendix_a_figure_16),
        cmocka_unit_test(test_message_parses_appendix_a_figure_17),
        cmocka_unit_test(test_message_ignores_other_versions),
        cmocka_unit_test(test_message_rejects_short_datagrams),
        cmocka_unit_test(test_message_rejects_long_tokens),
        cmocka_unit_test(test_message_rejects_reserved_classes),
        cmocka_unit_test(test_message_rejects_empty_with_more),
        cmocka_unit_test(test_message_rejects_marker_without_payload),
        cmocka_unit_test(test_message_rejects_bad_options),
        cmocka_unit_test(test_message_reports_the_first_critical_option),
        cmocka_unit_test(test_message_treats_misused_options_as_unknown),
        cmocka_unit_test(test_message_reads_every_known_option),
        cmocka_unit_test(test_message_options_reach_to_the_last_extended_byte),
        cmocka_unit_test(test_message_path_is_compares_whole_segments),
        cmocka_unit_test(test_message_ids_reject_what_is_no_number),
        cmocka_unit_test(test_message_codes_are_those_of_the_registry),
        cmocka_unit_test(test_message_header_refuses_long_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
