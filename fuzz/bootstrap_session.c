/* SPDX-License-Identifier: Apache-2.0
 *
 * The bootstrap server behind its transport: any bytes as a device's request, as its answers to each
 * step of a session, and as a profile. A session ends within its steps, well or with a cause; a
 * profile that was taken can be read again and shows no key. */
#include "fuzz/fuzz.h"
#include "server/bootstrap/request.h"
#include "server/bootstrap/session.h"

#include <psa/crypto.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "c0ffee00c0ffee11"

static const char *const profiles[] = {
    "{\"plain\":true,\"read\":[\"/1\",\"/2\"],\"servers\":[{\"uri\":\"coap://a\",\"security\":"
    "\"nosec\",\"short_server_id\":7}]}",
    "{\"write\":\"object\",\"delete\":[],\"servers\":[{\"uri\":\"coaps://a\",\"security\":\"psk\","
    "\"generate\":true,\"short_server_id\":7},{\"uri\":\"coaps://b\",\"security\":\"psk\","
    "\"bootstrap\":true,\"key\":\"" KEY "\"},{\"uri\":\"coaps://c\",\"security\":\"psk\","
    "\"short_server_id\":9,\"key\":\"" KEY "\"}],\"access_control\":[{\"object\":3,\"owner\":7,"
    "\"acl\":{\"7\":15,\"9\":1}}]}",
    "{\"discover\":false,\"delete\":[\"/\"],\"servers\":[{\"uri\":\"coap://a\",\"security\":"
    "\"nosec\",\"short_server_id\":7,\"security_instance\":3}],\"writes\":[{\"path\":\"/3/0/15\","
    "\"value\":\"x\"},{\"path\":\"/16/2\",\"values\":[{\"path\":\"/16/2/0/1\",\"value\":\"y\"}]}]}",
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void answer(bs_session *s, const bs_step *step, tsr_bytes *in)
{
    static const uint16_t formats[] = { 40, 110, 112, 11542, 11543, 11544, 0, 60 };
    uint8_t code = take(in), format = take(in), len = take(in);
    tsr_bytes body = tsr_first(*in, len < in->len ? len : in->len);

    *in = tsr_skip(*in, body.len);
    if (step->phase == BS_KEYS)
        bs_session_stored(s, code & 1 ? TSR_OK : TSR_E_EXISTS);
    else
        bs_session_answer(s, code < 0x40 ? 0x44 : code, formats[format & 7], body, "words", NULL,
                          NULL);
}

static bs_profile *profile(tsr_bytes json)
{
    bs_profile *p = calloc(1, sizeof *p);
    char why[200] = "";

    require(p != NULL);
    if (bs_profile_read(json, p, why, sizeof why) == TSR_OK)
        return p;
    require(why[0] != 0);
    bs_profile_free(p);
    free(p);
    return NULL;
}

static void as_answers(tsr_bytes in)
{
    static const uint16_t wanted[] = { 0, 110, 112, 11542, 11544 };
    const char *json = profiles[take(&in) % 3];
    uint16_t pct = wanted[take(&in) % 5];
    bs_profile *p = profile(tsr_text(json));
    bs_session s;
    bs_step step;
    int steps = 0;

    require(p != NULL && bs_session_begin(&s, p, "dev", pct) == TSR_OK);
    while (bs_session_next(&s, &step) == TSR_OK) {
        require(++steps < 64);
        require(step.phase == BS_KEYS || step.request.method);
        require(step.phase != BS_WRITE || (step.request.has_format && step.request.payload.len));
        answer(&s, &step, &in);
    }
    require(s.done);
    bs_session_free(&s);
}

static void as_acc(tsr_bytes in)
{
    bs_profile *p = profile(tsr_text(profiles[1]));
    tsr_bytes payload;
    bs_session s;

    require(p != NULL && bs_session_begin(&s, p, "dev", 112) == TSR_OK);
    bs_session_own(&s, in);
    require(bs_session_pack(&s, 112, &payload) == TSR_OK && payload.len > 0);
    bs_session_free(&s);
}

static void as_profile(tsr_bytes in)
{
    bs_profile *p = profile(in);
    tsr_buf shown = { 0 }, kept = { 0 };

    (void)bs_profile_keep_keys(in, tsr_text(profiles[1]), &kept);
    free(kept.ptr);
    if (!p)
        return;
    bs_profile_put(&shown, in);
    require(shown.err == TSR_OK && shown.len > 0);
    for (size_t i = 0; i + 16 <= shown.len; i++)
        require(memcmp(shown.ptr + i, KEY, 16) != 0);
    free(shown.ptr);
    bs_profile_free(p);
    free(p);
}

static void as_request(tsr_bytes in)
{
    tsr_coap_msg msg;
    bs_asked asked = { 0 };
    const char *why = NULL;
    uint8_t code;

    if (tsr_coap_msg_parse(in, &msg) != TSR_OK)
        return;
    code = bs_request_parse(&msg, &asked, &why);
    require(code == 0 || (why && code >= 0x80));
    require(code != 0 || !asked.has_endpoint ||
            (asked.endpoint.len >= 1 && asked.endpoint.len <= 255));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);

    require(psa_crypto_init() == PSA_SUCCESS);
    switch (take(&in) & 3) {
    case 0: as_answers(in); break;
    case 1: as_acc(in); break;
    case 2: as_profile(in); break;
    default: as_request(in); break;
    }
    return 0;
}
