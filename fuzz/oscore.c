/* SPDX-License-Identifier: Apache-2.0
 *
 * OSCORE in both directions. The first byte says what the rest is: a datagram from a stranger,
 * which must not open nor begin or end a run for new keys (RFC 8613 §B.2); a message to protect,
 * which must come back as it was; or one that is changed on the way, which must not. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "tessera/coap/message.h"
#include "tessera/oscore/datagram.h"
#include "tessera/oscore/renew.h"

enum { ROOM = 2048, LONGEST = 1024 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tsr_oscore client0, server0;      /* as they are before each input */
static tsr_oscore_params keys[2];        /* of client and server */
static tsr_oscore_exchange x0[2], y0[2]; /* a plain request, and one with Observe */
static const char *const asked[2] = { "D\x01\x5d\x1ftokn\xb3tv1", "D\x01\x5d\x1ftokn`Stv1" };

typedef struct {
    tsr_oscore client, server;
    uint8_t wire[ROOM], plain[ROOM];
} ends;

static void init(tsr_oscore *c, tsr_oscore_params *p, const char *sender, const char *recipient,
                 psa_key_id_t secret)
{
    *p = (tsr_oscore_params){ .master_secret = secret,
                              .sender_id = tsr_text(sender),
                              .recipient_id = tsr_text(recipient) };
    must(tsr_oscore_init(c, p, (tsr_bytes){ NULL, 0 }) == TSR_OK);
}

/* memory of exactly this size, so that the sanitizer sees its end */
static uint8_t *copy_of(tsr_bytes in)
{
    uint8_t *copy = malloc(in.len > 0 ? in.len : 1);

    must(copy != NULL);
    if (in.len > 0)
        memcpy(copy, in.ptr, in.len);
    return copy;
}

static tsr_err protect(tsr_oscore *c, tsr_oscore_exchange *x, bool request, tsr_bytes in,
                       tsr_buf *out)
{
    uint8_t *copy = copy_of(in);
    tsr_buf message = { copy, in.len, in.len, TSR_OK };
    tsr_err err = request ? tsr_oscore_protect_request_datagram(c, x, &message, out)
                          : tsr_oscore_protect_response_datagram(c, x, &message, out);

    free(copy);
    return err;
}

static tsr_err unprotect(tsr_oscore *c, tsr_oscore_exchange *x, bool request, tsr_bytes in,
                         uint8_t *plain, size_t *len)
{
    uint8_t *copy = copy_of(in), *room = malloc(in.len > 0 ? in.len : 1);
    tsr_buf out = tsr_buf_over(room, in.len);
    tsr_err err;

    must(room != NULL);
    err = request ? tsr_oscore_unprotect_request_datagram(c, x, tsr_view(copy, in.len), &out)
                  : tsr_oscore_unprotect_response_datagram(c, x, tsr_view(copy, in.len), &out);
    must(out.len <= in.len && (err == TSR_OK || out.len == 0));
    memcpy(plain, room, out.len);
    *len = out.len;
    free(copy);
    free(room);
    return err;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t secret;
    size_t len;

    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    must(psa_import_key(&a, (const uint8_t *)"0123456789abcdef", 16, &secret) == PSA_SUCCESS);
    init(&client0, &keys[0], "", "s", secret);
    init(&server0, &keys[1], "s", "", secret);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t wire[ROOM], plain[ROOM];
        tsr_buf out = tsr_buf_over(wire, ROOM);

        must(protect(&client0, &x0[i], true, tsr_text(asked[i]), &out) == TSR_OK);
        must(unprotect(&server0, &y0[i], true, tsr_buf_view(&out), plain, &len) == TSR_OK);
    }
    return 0;
}

/* Nobody but the peer can make what opens. What the client sent before is a replay. */
static void stranger(ends *e, tsr_bytes in)
{
    tsr_oscore_option option;
    size_t len;

    (void)tsr_oscore_option_read(in, &option);
    for (unsigned i = 0; i < 2; i++) {
        tsr_oscore_exchange x = x0[i], y = y0[i];
        uint8_t room[ROOM];
        tsr_buf out = tsr_buf_over(room, ROOM);
        tsr_err why = unprotect(&e->server, &y, true, in, e->plain, &len);

        must(why != TSR_OK && why != TSR_E_STATE);
        (void)tsr_oscore_answer_datagram(&e->server, &y, why, in, 1, &out);
        must(unprotect(&e->client, &x, false, in, e->plain, &len) != TSR_OK);
    }
}

/* What a stranger says leaves keys in use as they are, and makes none. */
static void run(ends *e, tsr_bytes in)
{
    static const uint8_t r2[TSR_OSCORE_R2_LEN] = { 1 };
    tsr_buf scratch = tsr_buf_over(e->plain, ROOM), out = tsr_buf_over(e->wire, ROOM);
    tsr_oscore_option option = { .kid = { NULL, 0 } };
    tsr_oscore next = { .live = false };
    uint8_t *copy = copy_of(in);
    tsr_bytes body, id, message = tsr_view(copy, in.len);

    must(tsr_oscore_renew_answered(&e->client, &x0[0], &keys[0], message, &scratch, &next) != TSR_OK);
    if (tsr_oscore_body(message, &body) == TSR_OK)
        (void)tsr_oscore_option_find(body, &option);
    id = tsr_oscore_renew_said(option.kid_context);
    scratch = tsr_buf_over(e->plain, ROOM);
    must(tsr_oscore_renew_accept(&next, &keys[1], id, message, &scratch) != TSR_OK);
    scratch = tsr_buf_over(e->plain, ROOM);
    must(tsr_oscore_renew_offer(&keys[1], id, tsr_view(r2, sizeof r2), message, 1, &scratch, &out) !=
         TSR_OK);
    must(!next.live && out.len == 0);
    (void)tsr_oscore_init(&next, &keys[0], in);
    tsr_oscore_free(&next);
    free(copy);
}

static size_t outers(tsr_bytes in)
{
    tsr_coap_opt opt;
    tsr_bytes body;
    size_t n = 0;

    must(tsr_oscore_body(in, &body) == TSR_OK);

    tsr_coap_opts it = { .rest = body };

    while (tsr_coap_opt_next(&it, &opt) == TSR_OK)
        n += opt.number == TSR_COAP_URI_HOST || opt.number == TSR_COAP_URI_PORT ||
             opt.number == TSR_COAP_PROXY_SCHEME;
    return n;
}

static void round_trip(ends *e, bool request, unsigned which, tsr_bytes in)
{
    tsr_oscore_exchange x = x0[which], y = y0[which];
    tsr_buf out = tsr_buf_over(e->wire, ROOM);
    tsr_err err;
    size_t len;

    if (in.len > LONGEST)
        return;
    if (request) {
        if (protect(&e->client, &x, true, in, &out) != TSR_OK)
            return;
        err = unprotect(&e->server, &y, true, tsr_buf_view(&out), e->plain, &len);
    } else {
        if (protect(&e->server, &y, false, in, &out) != TSR_OK)
            return;
        err = unprotect(&e->client, &x, false, tsr_buf_view(&out), e->plain, &len);
    }
    if (err != TSR_OK) { /* too many options that go outside; Observe that nobody asked for */
        must(err == TSR_E_MALFORMED && (outers(in) > 4 || !request));
        return;
    }
    if (request || which == 0)
        must(tsr_same(in, tsr_view(e->plain, len)));
}

static void change(ends *e, bool request, tsr_bytes in)
{
    tsr_oscore_exchange x = x0[1], y = y0[1];
    tsr_buf out = tsr_buf_over(e->wire, ROOM);
    tsr_bytes body;
    size_t len;

    if (in.len < 4 || in.len > LONGEST)
        return;
    if (protect(request ? &e->client : &e->server, request ? &x : &y, request, tsr_skip(in, 3),
                &out) != TSR_OK)
        return;
    must(tsr_oscore_body(tsr_buf_view(&out), &body) == TSR_OK);

    size_t head = out.len - body.len;
    size_t at = head + (in.ptr[0] * 256u + in.ptr[1]) % body.len;
    uint8_t original[ROOM];
    tsr_oscore_option before, after;
    tsr_err found;

    memcpy(original, e->wire, out.len);
    e->wire[at] ^= in.ptr[2] == 0 ? 1 : in.ptr[2];
    /* a change of outer options that nobody looks at is none; all else must be found */
    found = tsr_oscore_option_find(tsr_skip(tsr_buf_view(&out), head), &after);
    must(tsr_oscore_option_find(tsr_skip(tsr_view(original, out.len), head), &before) == TSR_OK);
    if (unprotect(request ? &e->server : &e->client, request ? &y : &x, request, tsr_buf_view(&out),
                  e->plain, &len) == TSR_OK)
        must(found == TSR_OK && tsr_same(before.piv, after.piv) &&
             at < out.len - 1 - 8 && e->wire[at] != original[at]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ends e;
    tsr_bytes in;

    if (size < 1)
        return 0;
    e.client = client0;
    e.server = server0;
    in = tsr_view(data + 1, size - 1);
    switch (data[0] % 7) {
    case 0: stranger(&e, in); break;
    case 1: round_trip(&e, true, 0, in); break;
    case 2: round_trip(&e, false, 0, in); break;
    case 3: round_trip(&e, false, 1, in); break;
    case 4: change(&e, true, in); break;
    case 6: run(&e, in); break;
    default: change(&e, false, in); break;
    }
    return 0;
}
