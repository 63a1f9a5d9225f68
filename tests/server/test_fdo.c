/* SPDX-License-Identifier: Apache-2.0
 *
 * The services of FIDO Device Onboard without a network: runs and their tokens, places, plans, files of
 * vouchers, and a manufacture that go-fdo's client asked for (tests/vectors/fdo). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>
#include <mbedtls/x509_crt.h>

#include "server/fdo/choose.h"
#include "server/fdo/place.h"
#include "server/fdo/plan.h"
#include "server/rest/room.h"
#include "tessera/cbor/cbor.h"
#include "tests/server/fdo_house.h"

/* --- runs ------------------------------------------------------------------------------- */

static void test_session_is_found_by_its_token_alone(void **state)
{
    fdo_sessions all;
    fdo_session *a, *b, *got;

    (void)state;
    fdo_sessions_open(&all, 10, 1000, 100);
    assert_int_equal(fdo_session_begin(&all, FDO_DI, 50, &a), TSR_OK);
    assert_int_equal(fdo_session_begin(&all, FDO_TO2, 50, &b), TSR_OK);
    assert_string_not_equal(a->token, b->token);
    assert_int_equal(strlen(a->token), FDO_TOKEN);
    assert_int_equal(fdo_session_take(&all, a->token, 60, &got), TSR_E_STATE); /* at work */
    fdo_session_give(&all, a, false);
    assert_int_equal(fdo_session_take(&all, a->token, 60, &got), TSR_OK);
    assert_ptr_equal(got, a);
    assert_int_equal(fdo_session_take(&all, "00000000000000000000000000000000", 60, &got),
                     TSR_E_NOT_FOUND);
    assert_int_equal(fdo_session_take(&all, "", 60, &got), TSR_E_NOT_FOUND);
    fdo_sessions_close(&all);
}

static void test_session_ends(void **state)
{
    fdo_sessions all;
    fdo_session *a, *got;
    char token[FDO_TOKEN + 1];

    (void)state;
    fdo_sessions_open(&all, 10, 1000, 100);
    assert_int_equal(fdo_session_begin(&all, FDO_DI, 50, &a), TSR_OK);
    memcpy(token, a->token, sizeof token);
    fdo_session_give(&all, a, false);
    assert_int_equal(fdo_session_take(&all, token, 1050, &got), TSR_E_NOT_FOUND);
    assert_int_equal(all.count, 1);
    for (int i = 0; i < FDO_SESSION_HEADS; i++) /* what has ended is swept away by what comes */
        (void)fdo_session_take(&all, "00000000000000000000000000000000", 1050, &got);
    assert_int_equal(all.count, 0);
    assert_int_equal(fdo_sessions_count(&all, 1050), 0);
    fdo_sessions_close(&all);
}

/* A flood that went to sleep does not keep out who comes when its time is over. */
static void test_sessions_that_ended_leave_room(void **state)
{
    fdo_sessions all;
    fdo_session *s;
    unsigned n = 0;

    (void)state;
    fdo_sessions_open(&all, 50, 1000, 1000);
    while (n < 100 && fdo_session_begin(&all, FDO_TO1, 50, &s) == TSR_OK) {
        fdo_session_give(&all, s, false);
        n++;
    }
    assert_int_equal(n, 50);
    assert_int_equal(fdo_session_begin(&all, FDO_TO1, 1049, &s), TSR_E_SPACE);
    assert_int_equal(fdo_session_begin(&all, FDO_TO1, 1050, &s), TSR_OK);
    assert_int_equal(fdo_sessions_count(&all, 1050), 1);
    fdo_sessions_close(&all);
}

static void test_sessions_are_bounded_in_number_and_rate(void **state)
{
    fdo_sessions all;
    fdo_session *s;
    unsigned n = 0;

    (void)state;
    fdo_sessions_open(&all, 5, 1000, 100);
    while (n < 100 && fdo_session_begin(&all, FDO_DI, 50, &s) == TSR_OK)
        n++;
    assert_int_equal(n, 5);
    fdo_sessions_close(&all);
    fdo_sessions_open(&all, 1000, 1000, 10);
    for (n = 0; n < 100 && fdo_session_begin(&all, FDO_DI, 50, &s) == TSR_OK;)
        n++;
    assert_int_equal(n, 20); /* two seconds' worth at once */
    assert_int_equal(fdo_session_begin(&all, FDO_DI, 149, &s), TSR_E_SPACE);
    assert_int_equal(fdo_session_begin(&all, FDO_DI, 250, &s), TSR_OK);
    fdo_sessions_close(&all);
}

static void test_messages_have_an_order(void **state)
{
    static const uint8_t good[][3] = { { FDO_DI, 11, 12 },  { FDO_TO0, 21, 22 }, { FDO_TO1, 31, 32 },
                                       { FDO_TO2, 61, 62 }, { FDO_TO2, 61, 64 }, { FDO_TO2, 63, 62 },
                                       { FDO_TO2, 63, 64 }, { FDO_TO2, 65, 66 }, { FDO_TO2, 67, 68 },
                                       { FDO_TO2, 69, 68 }, { FDO_TO2, 69, 70 } };
    unsigned found = 0;

    (void)state;
    for (unsigned protocol = FDO_DI; protocol <= FDO_TO2; protocol++)
        for (unsigned answered = 0; answered < 256; answered++)
            for (unsigned type = 0; type < 256; type++)
                found += fdo_follows((fdo_protocol)protocol, (uint8_t)answered, (uint8_t)type);
    assert_int_equal(found, sizeof good / sizeof *good);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(fdo_follows((fdo_protocol)good[i][0], good[i][1], good[i][2]));
}

/* --- places ----------------------------------------------------------------------------- */

static void test_places(void **state)
{
    static const char *const bad[] = { "", "host", "ftp://x", "http://", "http://x:0", "http://x:65536",
                                       "http://[x]:1", "http://[::1", "http://x/path", "http://:80" };
    fdo_place p;

    (void)state;
    assert_int_equal(fdo_place_read("http://127.0.0.1:8040", &p), TSR_OK);
    assert_true(p.ip_len == 4 && p.port == 8040 && !p.tls);
    assert_int_equal(fdo_place_read("https://rv.example", &p), TSR_OK);
    assert_true(p.ip_len == 0 && p.port == 443 && p.tls);
    assert_int_equal(fdo_place_read("http://[2001:db8::1]/", &p), TSR_OK);
    assert_true(p.ip_len == 16 && p.port == 80);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(fdo_place_read(bad[i], &p), TSR_E_ARGUMENT);
}

/* --- with a service --------------------------------------------------------------------- */

static tsr_bytes vector(const char *name, uint8_t *room, size_t cap)
{
    char path[300];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/tests/vectors/fdo/%s", TSR_SOURCE_DIR, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(room, 1, cap, f);
    (void)fclose(f);
    assert_in_range(n, 1, cap - 1);
    return tsr_view(room, n);
}

static void count_row(void *arg, const char *name, tsr_bytes body)
{
    assert_int_equal(strlen(name), 32);
    assert_true(body.len > 0);
    ++*(unsigned *)arg;
}

/* What go-fdo's client sent; its HMAC is over another header, which a manufacturer cannot tell. */
/* RFC 5280 §6.1: the maker's authority is an anchor of its devices; that of somebody else is none.
 * RFC 5280 §4.1.2.5: no end of their certificates is known. */
static void assert_certificates(const tsr_fdo_voucher *v)
{
    static const char never[] = "\x18\x0f" "99991231235959Z";
    uint8_t room[8192];
    tsr_buf der = { 0 };
    tsr_fdo_voucher other;
    tsr_fdo_key owner;
    tsr_bytes one;
    uint64_t count;
    mbedtls_x509_crt roots;

    assert_non_null(memmem(v->certificates.ptr, v->certificates.len, never, sizeof never - 1));
    mbedtls_x509_crt_init(&roots);
    assert_int_equal(mbedtls_x509_crt_parse(&roots, (const uint8_t *)fdo_house_ca,
                                            sizeof fdo_house_ca), 0);
    assert_null(fdo_voucher_wrong(&roots, v, &owner));
    mbedtls_x509_crt_free(&roots);

    assert_int_equal(fdo_voucher_decode(vector("go-fdo/ov.pem", room, sizeof room), &der), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_read(tsr_buf_view(&der), &other), TSR_OK);
    assert_int_equal(tsr_cbor_get_array(&other.certificates, &count), TSR_OK);
    assert_int_equal(tsr_fdo_get_certificate(&other.certificates, &one), TSR_OK);
    mbedtls_x509_crt_init(&roots);
    assert_int_equal(mbedtls_x509_crt_parse_der(&roots, one.ptr, one.len), 0);
    assert_string_equal(fdo_voucher_wrong(&roots, v, &owner),
                        "the device's certificates lead to no anchor");
    mbedtls_x509_crt_free(&roots);
    free(der.ptr);
}

static void test_manufacture_for_a_recorded_device(void **state)
{
    fdo_house *h = *state;
    uint8_t room[4096];
    char token[40];
    tsr_fdo_answer a;
    tsr_buf pem = { 0 }, der = { 0 };
    tsr_fdo_voucher v;
    tsr_bytes header;
    tsr_fdo_ov_header ov;
    char guid[FDO_GUID_TEXT];
    unsigned rows = 0;

    tsr_fdo_message(h->fdo, 10, NULL,
                    vector("ec256-ecdh256-a128gcm/01-req-10.cbor", room, sizeof room), &a);
    assert_int_equal(a.type, 11);
    assert_int_equal(tsr_fdo_set_credentials_read(tsr_buf_view(&a.body), &header), TSR_OK);
    assert_int_equal(tsr_fdo_ov_header_read(header, &ov), TSR_OK);
    fdo_guid_text(ov.guid, guid);
    memcpy(token, a.token, sizeof token);
    free(a.body.ptr);
    tsr_fdo_message(h->fdo, 12, token,
                    vector("ec256-ecdh256-a128gcm/02-req-12.cbor", room, sizeof room), &a);
    assert_int_equal(a.type, 13);
    free(a.body.ptr);
    tsr_fdo_message(h->fdo, 12, token, tsr_view("", 0), &a); /* the run is over */
    assert_int_equal(a.type, 255);
    free(a.body.ptr);

    assert_int_equal(tsr_fdo_voucher_export(h->fdo, guid, &pem), TSR_OK);
    assert_int_equal(fdo_voucher_decode(tsr_buf_view(&pem), &der), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_read(tsr_buf_view(&der), &v), TSR_OK);
    assert_int_equal(v.count, 1); /* extended to the owner here */
    assert_null(fdo_voucher_wrong(NULL, &v, &ov.manufacturer));
    assert_certificates(&v);
    assert_int_equal(tsr_fdo_device_list(h->fdo, NULL, NULL, 10, count_row, &rows), TSR_OK);
    assert_int_equal(rows, 1);
    free(pem.ptr);
    free(der.ptr);
}

static void test_roles_that_are_not_here_take_no_message(void **state)
{
    fdo_house *h = *state;
    tsr_fdo_answer a;
    tsr_fdo_error e;

    h->fdo->config.roles = TSR_FDO_RENDEZVOUS;
    for (unsigned type = 0; type < 255; type++) {
        if (type == 20 || type == 30)
            continue;
        tsr_fdo_message(h->fdo, (uint8_t)type, "x", tsr_view("\x80", 1), &a);
        assert_int_equal(a.type, 255);
        assert_int_equal(tsr_fdo_error_read(tsr_buf_view(&a.body), &e), TSR_OK);
        assert_int_equal(e.previous, type);
        assert_int_equal(e.code, type == 22 || type == 32 ? 1 : 101);
        free(a.body.ptr);
    }
    tsr_fdo_message(h->fdo, 255, "x", tsr_view("\x80", 1), &a); /* an error has no answer */
    assert_true(a.type == 0 && a.body.len == 0);
}

static void begin_di(fdo_house *h, char token[40])
{
    uint8_t room[4096];
    tsr_fdo_answer a;

    tsr_fdo_message(h->fdo, 10, NULL,
                    vector("ec256-ecdh256-a128gcm/01-req-10.cbor", room, sizeof room), &a);
    assert_int_equal(a.type, 11);
    memcpy(token, a.token, sizeof a.token);
    free(a.body.ptr);
    assert_int_equal(tsr_fdo_runs(h->fdo), 1);
}

/* An error ends what it answers, whatever was said: a number that no role knows, or another beginning. */
static void test_error_ends_the_run(void **state)
{
    static const uint8_t said[] = { 130, 10, 20, 30, 60 };
    fdo_house *h = *state;
    uint8_t room[4096];
    char token[40];
    tsr_fdo_answer a;

    for (size_t i = 0; i < sizeof said; i++) {
        begin_di(h, token);
        tsr_fdo_message(h->fdo, said[i], token, tsr_view("\x81\x01", 2), &a);
        assert_int_equal(a.type, 255);
        free(a.body.ptr);
        assert_int_equal(tsr_fdo_runs(h->fdo), 0);
        tsr_fdo_message(h->fdo, 12, token,
                        vector("ec256-ecdh256-a128gcm/02-req-12.cbor", room, sizeof room), &a);
        assert_int_equal(a.type, 255);
        free(a.body.ptr);
    }
}

/* So does another run that begins under its token. */
static void test_token_stands_for_one_run(void **state)
{
    fdo_house *h = *state;
    char token[40];
    tsr_fdo_answer a;

    begin_di(h, token);
    tsr_fdo_message(h->fdo, 20, token, tsr_view("\x80", 1), &a);
    assert_int_equal(a.type, 21);
    assert_string_not_equal(a.token, token);
    free(a.body.ptr);
    assert_int_equal(tsr_fdo_runs(h->fdo), 1);
}

static void test_import_of_what_is_no_voucher(void **state)
{
    fdo_house *h = *state;
    uint8_t room[16384];
    char guid[33], why[400];
    static const char *const files[] = { "go-fdo/ov.pem", "go-fdo/ov_extended.pem", "go-fdo/dc.bin",
                                         "fdo-rs/v100-voucher1.pem", "fdo-rs/v101-voucher1.pem" };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        why[0] = 0;
        assert_int_equal(tsr_fdo_voucher_import(h->fdo, vector(files[i], room, sizeof room), guid,
                                                why, sizeof why),
                         TSR_E_DENIED);
        assert_true(why[0] != 0);
    }
}

/* --- plans ------------------------------------------------------------------------------ */

static const char plan_text[] =
    "{\"steps\":[{\"module\":\"fdo.download\",\"name\":\"n\",\"text\":\"abc\"},"
    "{\"module\":\"fdo.upload\",\"name\":\"u\",\"optional\":true},"
    "{\"module\":\"fdo.command\",\"command\":\"c\",\"args\":[\"a\"],\"may_fail\":true}]}";

static const tsr_fdo_key some_key = { .x = { (const uint8_t *)"x", 1 } };

static const char *say(fdo_house *h, fdo_plan_run *p, const char *module, const char *message,
                       const char *cbor, size_t len)
{
    return fdo_plan_take(h->fdo, p, tsr_text(module), tsr_text(message), tsr_view(cbor, len));
}

static void test_plan_goes_step_by_step(void **state)
{
    fdo_house *h = *state;
    fdo_plan_run p = { 0 };
    uint8_t guid[16] = { 1 }, room[1000];
    const fdo_subject who = { tsr_view(guid, 16), tsr_text("lamp"), &some_key };
    char why[200];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint64_t count = 0;

    assert_int_equal(tsr_fdo_plan_set(h->fdo, "default", tsr_text(plan_text), why, sizeof why),
                     TSR_OK);
    assert_int_equal(fdo_plan_begin(h->fdo, &p, &who), TSR_OK);
    assert_false(fdo_plan_give(&p, &out, &count)); /* before devmod nothing is said */
    assert_int_equal(count, 0);
    assert_null(say(h, &p, "devmod", "nummodules", "\x02", 1));
    assert_null(say(h, &p, "devmod", "modules", "\x83\x00\x01\x61""a", 5));
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_int_equal(count, 0);
    assert_null(say(h, &p, "devmod", "modules", "\x83\x01\x01\x61""b", 5));
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_int_equal(count, 5); /* active, name, length, sha-384, data */
    assert_null(say(h, &p, "fdo.download", "active", "\xf5", 1));
    assert_null(say(h, &p, "fdo.download", "done", "\x03", 1));
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_int_equal(count, 6); /* active, and no more to a module that may be unknown */
    assert_false(fdo_plan_is_over(&p));
    assert_null(say(h, &p, "fdo.upload", "active", "\xf4", 1)); /* it may be unknown */
    out.len = 0;
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_int_equal(count, 13);
    assert_null(say(h, &p, "fdo.command", "exitcode", "\x07", 1)); /* it may fail */
    assert_true(fdo_plan_is_over(&p));
    fdo_plan_end(&p);
}

static void test_plan_refuses_what_the_device_may_not_say(void **state)
{
    fdo_house *h = *state;
    fdo_plan_run p = { 0 };
    uint8_t guid[16] = { 2 }, room[1000];
    const fdo_subject who = { tsr_view(guid, 16), tsr_text("lamp"), &some_key };
    char why[200];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    uint64_t count = 0;

    assert_int_equal(tsr_fdo_plan_set(h->fdo, "default", tsr_text(plan_text), why, sizeof why),
                     TSR_OK);
    assert_int_equal(fdo_plan_begin(h->fdo, &p, &who), TSR_OK);
    assert_non_null(say(h, &p, "devmod", "modules", "\x82\x00\x01", 3));
    assert_non_null(say(h, &p, "devmod", "nummodules", "\x61x", 2));
    assert_null(say(h, &p, "devmod", "nummodules", "\x00", 1));
    assert_false(fdo_plan_give(&p, &out, &count));
    assert_non_null(say(h, &p, "fdo.download", "active", "\xf4", 1)); /* it has to know it */
    assert_non_null(say(h, &p, "fdo.download", "done", "\x02", 1));
    assert_non_null(say(h, &p, "fdo.download", "done", "\x20", 1));
    assert_null(say(h, &p, "fdo.command", "exitcode", "\x07", 1)); /* of another step: unheard */
    assert_false(fdo_plan_is_over(&p));
    fdo_plan_end(&p);
}

static void test_plans_that_cannot_be_used_are_refused(void **state)
{
#define LWM2M "{\"module\":\"tessera.lwm2m\","
#define URI "\"uri\":\"coaps://[::1]:5684\",\"security\":\"psk\""
#define GOOD LWM2M "\"account\":\"management\"," URI ",\"short_server_id\":1}"
    static const struct {
        const char *text, *why; /* a word of it */
    } bad[] = {
        { "[]", "`steps`" },
        { "{\"steps\":[],\"step\":1}", "nothing else" },
        { "{\"steps\":[],\"endpoint\":\"\"}", "1 to 127 bytes" },
        { "{\"steps\":[],\"endpoint\":7}", "1 to 127 bytes" },
        { "{\"steps\":[],\"endpoint\":\"a{guid\"}", "{ without a }" },
        { "{\"steps\":[],\"endpoint\":\"a{mac}\"}", "none of {guid}" },
        { "{\"steps\":[],\"endpoint\":\"a\\\"b\"}", "quotation marks" },
        { "{\"steps\":[],\"replace\":1}", "`replace`" },
        { "{\"steps\":[],\"device_info\":\"\"}", "`device_info`" },
        { "{\"steps\":[" LWM2M "\"key\":\"00\"}]}", "steps[0]: tessera.lwm2m has" },
        { "{\"steps\":[" LWM2M URI "}]}", "`account`" },
        { "{\"steps\":[" LWM2M "\"account\":\"owner\"," URI "}]}", "`account`" },
        { "{\"steps\":[" LWM2M "\"account\":\"management\"," URI "}]}", "needs a `short_server_id`" },
        { "{\"steps\":[" LWM2M "\"account\":\"management\"," URI ",\"short_server_id\":65535}]}",
          "1 to 65534" },
        { "{\"steps\":[" LWM2M "\"account\":\"bootstrap\"," URI ",\"short_server_id\":1}]}",
          "management alone" },
        { "{\"steps\":[" LWM2M "\"account\":\"bootstrap\"," URI ",\"lifetime\":0}]}", "`lifetime`" },
        { "{\"steps\":[" LWM2M "\"account\":\"bootstrap\",\"uri\":\"coaps://\",\"security\":\"psk\"}]}",
          "write one like" },
        { "{\"steps\":[" LWM2M "\"account\":\"bootstrap\",\"uri\":\"http://a\",\"security\":\"none\"}]}",
          "begins with" },
        { "{\"steps\":[" LWM2M "\"account\":\"bootstrap\",\"uri\":\"coap://a\",\"security\":\"psk\"}]}",
          "disagree" },
        { "{\"steps\":[" LWM2M "\"account\":\"bootstrap\",\"uri\":\"coaps://a\",\"security\":\"none\"}]}",
          "disagree" },
        { "{\"steps\":[" LWM2M "\"account\":\"bootstrap\",\"uri\":\"coaps://a\",\"security\":\"oscore\"}]}",
          "`security`" },
        { "{\"steps\":[" GOOD "," GOOD "]}", "one account of the bootstrap server" },
        { "{\"steps\":[" LWM2M "\"account\":\"management\",\"uri\":\"coaps://a\",\"security\":"
          "\"certificate\",\"short_server_id\":1}]}", "fdo.csr before it" },
        { "{\"steps\":[{\"module\":\"fdo.csr\",\"name\":\"x\"}]}", "fdo.csr has" },
    };
    fdo_house *h = *state;
    char why[400];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why[0] = 0;
        assert_int_equal(tsr_fdo_plan_set(h->fdo, "p", tsr_text(bad[i].text), why, sizeof why),
                         TSR_E_ARGUMENT);
        if (strstr(why, bad[i].why) == NULL)
            fail_msg("%s: %s", bad[i].text, why);
    }
    assert_int_equal(tsr_fdo_plan_set(h->fdo, "a b", tsr_text("{\"steps\":[]}"), why, sizeof why),
                     TSR_E_ARGUMENT);
    assert_int_equal(tsr_fdo_plan_set(h->fdo, "p", tsr_text("{\"steps\":[" GOOD "]}"), why, sizeof why),
                     TSR_OK);
}

static void expect_plan(fdo_house *h, const char *guid, const char *info, const char *group,
                        const char *by, const char *mark)
{
    tsr_buf plan = { 0 };
    fdo_choice choice;

    assert_int_equal(fdo_plan_choose(h->fdo, guid, tsr_text(info), group, &choice, &plan), TSR_OK);
    assert_string_equal(choice.by, by);
    rest_room(&plan, 1);
    plan.ptr[plan.len] = 0;
    if (strstr((const char *)plan.ptr, mark) == NULL)
        fail_msg("%s: %s", mark, (const char *)plan.ptr);
    free(plan.ptr);
}

static void set_plans(fdo_house *h)
{
    static const struct {
        const char *name, *text;
    } plans[] = {
        { "0123456789abcdef0123456789abcdef", "{\"steps\":[],\"endpoint\":\"by-guid\"}" },
        { "lamps", "{\"steps\":[],\"endpoint\":\"by-group\"}" },
        { "wide", "{\"steps\":[],\"endpoint\":\"by-wide\",\"device_info\":\"lamp*\"}" },
        { "narrow", "{\"steps\":[],\"endpoint\":\"by-narrow\",\"device_info\":\"lamp-x*\"}" },
        { "exact", "{\"steps\":[],\"endpoint\":\"by-exact\",\"device_info\":\"lamp\"}" },
    };
    char why[400];

    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        assert_int_equal(tsr_fdo_plan_set(h->fdo, plans[i].name, tsr_text(plans[i].text), why, sizeof why),
                         TSR_OK);
}

/* Of a list: whatever the device before was, each gets its own. */
static void test_plan_of_each_in_a_list(void **state)
{
    static const struct {
        const char *guid, *info, *group, *by, *plan;
        tsr_err err;
    } rows[] = {
        { "01", "lamp-1", "", "device_info", "wide", TSR_OK },
        { "02", "lamp-1", "", "device_info", "wide", TSR_OK },
        { "0123456789abcdef0123456789abcdef", "lamp-1", "", "guid", "0123456789abcdef0123456789abcdef", TSR_OK },
        { "03", "lamp-1", "", "device_info", "wide", TSR_OK },
        { "04", "lamp-1", "lamps", "group", "lamps", TSR_OK },
        { "05", "lamp-1", "clocks", "group", "clocks", TSR_E_STATE },
        { "06", "lamp-1", "clocks", "group", "clocks", TSR_E_STATE },
        { "07", "clock", "", "none", "", TSR_OK },
        { "08", "lamp-1", "", "device_info", "wide", TSR_OK },
    };
    fdo_house *h = *state;
    fdo_chosen last = { .known = false };
    fdo_choice choice;

    set_plans(h);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(fdo_plan_choose_next(h->fdo, rows[i].guid, rows[i].info, rows[i].group, &last, &choice),
                         rows[i].err);
        assert_string_equal(choice.by, rows[i].by);
        assert_string_equal(choice.name, rows[i].plan);
    }
}

static void test_plan_for_a_device(void **state)
{
    fdo_house *h = *state;
    tsr_buf plan = { 0 };
    fdo_choice choice;
    char why[400];

    set_plans(h);
    expect_plan(h, "0123456789abcdef0123456789abcdef", "lamp", "lamps", "guid", "by-guid");
    expect_plan(h, "00", "lamp", "lamps", "group", "by-group");
    expect_plan(h, "00", "lamp", "", "device_info", "by-exact");
    expect_plan(h, "00", "lamp-x1", "", "device_info", "by-narrow");
    expect_plan(h, "00", "lamp-y1", "", "device_info", "by-wide");
    expect_plan(h, "00", "clock", "", "none", "{\"steps\":[]}");
    assert_int_equal(tsr_fdo_plan_set(h->fdo, "default",
                                      tsr_text("{\"steps\":[],\"endpoint\":\"by-default\"}"), why,
                                      sizeof why), TSR_OK);
    expect_plan(h, "00", "clock", "", "default", "by-default");
    assert_int_equal(fdo_plan_choose(h->fdo, "00", tsr_text("lamp"), "clocks", &choice, &plan), TSR_E_STATE);
    assert_int_equal(tsr_fdo_device_group(h->fdo, "00", "clocks", why, sizeof why), TSR_E_ARGUMENT);
    assert_non_null(strstr(why, "no group clocks"));
    assert_int_equal(tsr_fdo_device_group(h->fdo, "00", "lamps", why, sizeof why), TSR_E_NOT_FOUND);
}

/* A message that was held back on its way comes after a later run of the same device has ended. */
static void test_run_that_another_overtook_cannot_end_well(void **state)
{
    static const uint8_t guid[16] = { 7 }, other[16] = { 8 };
    fdo_sessions all;
    fdo_session *early, *late, *stranger;

    (void)state;
    fdo_sessions_open(&all, 10, 1000, 100);
    assert_int_equal(fdo_session_begin(&all, FDO_TO2, 50, &early), TSR_OK);
    assert_int_equal(fdo_session_begin(&all, FDO_TO2, 50, &late), TSR_OK);
    assert_int_equal(fdo_session_begin(&all, FDO_TO2, 50, &stranger), TSR_OK);
    fdo_session_name(&all, early, tsr_view(guid, 16));
    fdo_session_name(&all, late, tsr_view(guid, 16));
    fdo_session_name(&all, stranger, tsr_view(other, 16));
    assert_int_equal(fdo_session_settle(&all, late), TSR_OK);
    assert_int_equal(fdo_session_settle(&all, early), TSR_E_STATE);
    assert_int_equal(fdo_session_settle(&all, stranger), TSR_OK);
    fdo_session_give(&all, late, true);
    assert_int_equal(fdo_session_begin(&all, FDO_TO2, 60, &late), TSR_OK); /* all is open to a new one */
    fdo_session_name(&all, late, tsr_view(guid, 16));
    assert_int_equal(fdo_session_settle(&all, late), TSR_OK);
    fdo_sessions_close(&all);
}

static int start_crypto(void **state)
{
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_is_found_by_its_token_alone),
        cmocka_unit_test(test_session_ends),
        cmocka_unit_test(test_sessions_that_ended_leave_room),
        cmocka_unit_test(test_sessions_are_bounded_in_number_and_rate),
        cmocka_unit_test(test_messages_have_an_order),
        cmocka_unit_test(test_run_that_another_overtook_cannot_end_well),
        cmocka_unit_test(test_places),
        cmocka_unit_test_setup_teardown(test_manufacture_for_a_recorded_device, fdo_house_enter,
                                        fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_roles_that_are_not_here_take_no_message, fdo_house_enter,
                                        fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_error_ends_the_run, fdo_house_enter, fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_token_stands_for_one_run, fdo_house_enter, fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_import_of_what_is_no_voucher, fdo_house_enter, fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_plan_goes_step_by_step, fdo_house_enter, fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_plan_refuses_what_the_device_may_not_say, fdo_house_enter,
                                        fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_plans_that_cannot_be_used_are_refused, fdo_house_enter,
                                        fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_plan_of_each_in_a_list, fdo_house_enter, fdo_house_leave),
        cmocka_unit_test_setup_teardown(test_plan_for_a_device, fdo_house_enter, fdo_house_leave),
    };

    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
