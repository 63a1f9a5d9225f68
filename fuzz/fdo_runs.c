/* SPDX-License-Identifier: Apache-2.0
 *
 * A device and an owner that have the right keys, and say anything with them: what manufacturer, rendezvous and
 * owner take only when it is signed or encrypted. The first byte: how far all goes well (TO2 up to 61, 65, 67 or
 * 69; TO0 up to 21; TO1 up to 31); then rows of [what, length (2 bytes), body]: the payload of the
 * next message, signed or encrypted as it has to be, or a message of any number as it is. Cryptography and store are
 * real, but the exchange of keys is done once: each run begins with a copy of what the owner knew then, and other keys. */
#include "server/fdo/owner.h"
#include "tests/server/fdo_house.h"

#include "fuzz/fdo_made.h"
#include "server/rest/room.h"
#include "tessera/cbor/cbor.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 8192 };

static const char plan[] =
    "{\"steps\":[{\"module\":\"fdo.download\",\"name\":\"n\",\"text\":\"some text\",\"optional\":true},"
    "{\"module\":\"fdo.upload\",\"name\":\"u\",\"optional\":true},"
    "{\"module\":\"fdo.command\",\"command\":\"c\",\"may_fail\":true,\"optional\":true}]}";
static const tsr_bytes none = { NULL, 0 };

static fdo_house house;
static tsr_cose_key_id device_key;
static uint8_t guid[TSR_FDO_GUID];
static tsr_buf voucher;

/* What the peer knows of the run under way. */
static struct {
    char token[40];
    uint8_t nonce[TSR_FDO_NONCE]; /* that the service gave */
    tsr_fdo_session session;
    bool open, over;
} run;

/* ---- a message and its answer ---- */

static tsr_fdo_answer answer; /* its body lives until the next */

/* What goes on under that token ends. */
static void end(const char *token)
{
    tsr_fdo_answer a;

    tsr_fdo_message(house.fdo, UINT8_MAX, token, none, &a);
    must(a.type == 0 && a.body.ptr == NULL);
}

static uint8_t say(uint8_t number, tsr_bytes body)
{
    bool was_over = run.over;
    tsr_fdo_error e;

    free(answer.body.ptr);
    tsr_fdo_message(house.fdo, number, run.token, body, &answer);
    must(number == 255 ? answer.type == 0 : answer.type == number + 1 || answer.type == 255);
    run.over |= number == 255;
    if (answer.type == 255) {
        must(tsr_fdo_error_read(tsr_buf_view(&answer.body), &e) == TSR_OK && e.previous == number);
        run.over = true;
    }
    if (answer.token[0] != 0) { /* the run before ended with that */
        memcpy(run.token, answer.token, sizeof run.token);
        run.over = false;
    } else if (was_over) {
        must(answer.type == 255 || answer.type == 0); /* nothing goes on with that token */
    }
    return answer.type;
}

static void say_signed(uint8_t number, tsr_bytes payload, tsr_cose_key_id key)
{
    static uint8_t room[ROOM];
    uint8_t header[3 + 1 + TSR_FDO_NONCE];
    tsr_buf out = tsr_buf_over(room, sizeof room), more = tsr_buf_over(header, sizeof header);
    tsr_cose_params p = { .alg = TSR_COSE_ES256 };

    if (number == TSR_FDO_TO2_PROVE_DEVICE) {
        tsr_fdo_prove_device_header_write(&more, tsr_view(guid, TSR_FDO_NONCE)); /* any will do */
        p.unprotected_more = tsr_buf_view(&more);
        p.unprotected_count = 1;
    }
    if (tsr_cose_sign1(&out, &p, key, payload, none) == TSR_OK)
        (void)say(number, tsr_buf_view(&out));
}

static void say_sealed(uint8_t number, tsr_bytes plain)
{
    static uint8_t room[ROOM], heard[ROOM];
    tsr_buf out = tsr_buf_over(room, sizeof room), in = tsr_buf_over(heard, sizeof heard);

    if (!run.open || tsr_fdo_session_seal(&run.session, &tsr_fdo_random_psa, plain, &out) != TSR_OK)
        return;
    (void)say(number, tsr_buf_view(&out));
    if (answer.type >= TSR_FDO_TO2_OWNER_INFO_READY && answer.type <= TSR_FDO_TO2_DONE2)
        must(tsr_fdo_session_unseal(&run.session, tsr_buf_view(&answer.body), &in) == TSR_OK &&
             tsr_cbor_check(tsr_buf_view(&in)) == TSR_OK);
    run.over |= answer.type == TSR_FDO_TO2_DONE2;
}

/* ---- what goes well ---- */

static void keep_nonce(tsr_bytes nonce) { memcpy(run.nonce, nonce.ptr, sizeof run.nonce); }

static void hello_owner(tsr_buf *xa)
{
    uint8_t room[256];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_cose_message m;
    tsr_fdo_prove_ov p;
    tsr_fdo_key owner;
    tsr_bytes nonce = none;

    tsr_fdo_hello_device_write(&out, &(tsr_fdo_hello_device){
                                         .guid = { guid, sizeof guid }, .nonce = { guid, TSR_FDO_NONCE },
                                         .kex = tsr_text("ECDH256"), .cipher = tsr_fdo_a128gcm.id,
                                         .sig = { TSR_COSE_ES256, { NULL, 0 } } });
    must(say(TSR_FDO_TO2_HELLO_DEVICE, tsr_buf_view(&out)) == TSR_FDO_TO2_PROVE_OV_HDR);
    must(tsr_cose_read(tsr_buf_view(&answer.body), TSR_COSE_SIGN1, &m) == TSR_OK &&
         tsr_fdo_prove_ov_read(m.payload, &p) == TSR_OK &&
         tsr_fdo_prove_ov_header_read(&m, &nonce, &owner) == TSR_OK && p.entries == 1);
    keep_nonce(nonce);
    tsr_put_bytes(xa, p.kex);
}

static void prove(tsr_bytes xa)
{
    uint8_t room[512], xb_room[TSR_FDO_X_MAX];
    tsr_buf out = tsr_buf_over(room, sizeof room), xb = tsr_buf_over(xb_room, sizeof xb_room);
    tsr_fdo_secret secret;

    must(tsr_fdo_kex_answer(&tsr_fdo_ecdh256, &tsr_fdo_random_psa, xa,
                            &house.fdo->owners.list[0]->public, &xb, &secret) == TSR_OK);
    tsr_fdo_eat_write(&out, &(tsr_fdo_eat){ { run.nonce, TSR_FDO_NONCE }, { guid, sizeof guid },
                                            tsr_buf_view(&xb) });
    say_signed(TSR_FDO_TO2_PROVE_DEVICE, tsr_buf_view(&out), device_key);
    must(answer.type == TSR_FDO_TO2_SETUP_DEVICE);
}

/* ---- a run of the owner as it was after 65 ---- */

static fdo_session *proved; /* never given back */

static void prove_once(void)
{
    uint8_t room[TSR_FDO_X_MAX];
    tsr_buf xa = tsr_buf_over(room, sizeof room);

    hello_owner(&xa);
    prove(tsr_buf_view(&xa));
    must(fdo_session_take(&house.fdo->sessions, run.token, 0, &proved) == TSR_OK);
}

static void copy_bytes(tsr_buf *b)
{
    tsr_bytes from = tsr_buf_view(b);

    *b = (tsr_buf){ 0 };
    rest_room(b, from.len);
    tsr_put_bytes(b, from);
    must(b->err == TSR_OK);
}

static fdo_to2 *copy_of(const fdo_to2 *from, const tsr_fdo_secret *secret)
{
    fdo_to2 *t = malloc(sizeof *t);

    must(t != NULL);
    *t = *from;
    copy_bytes(&t->voucher_bytes);
    copy_bytes(&t->header);
    must(tsr_fdo_voucher_read(tsr_buf_view(&t->voucher_bytes), &t->voucher) == TSR_OK &&
         tsr_fdo_voucher_device(&t->voucher, &t->device) == TSR_OK);
    t->kex = (tsr_fdo_kex){ .method = &tsr_fdo_ecdh256 };
    t->session = (tsr_fdo_session){ 0 };
    must(tsr_fdo_session_open(&t->session, &tsr_fdo_a128gcm, TSR_FDO_SVK_FULL, secret) == TSR_OK);
    return t;
}

static void begin_owner(uint8_t answered)
{
    static const tsr_fdo_secret secret = { .shse = { 1 }, .len = 64 };
    const fdo_to2 *from = proved->state;
    fdo_session *s;

    must(fdo_session_begin(&house.fdo->sessions, FDO_TO2, (uint64_t)fdo_now_ms(), &s) == TSR_OK);
    s->state = copy_of(from, &secret);
    s->drop = proved->drop;
    s->answered = answered;
    fdo_session_name(&house.fdo->sessions, s, tsr_view(guid, sizeof guid));
    memcpy(run.token, s->token, sizeof s->token);
    memcpy(run.nonce, from->nonce_device, sizeof run.nonce);
    fdo_session_give(&house.fdo->sessions, s, false);
    must(tsr_fdo_session_open(&run.session, &tsr_fdo_a128gcm, TSR_FDO_SVK_FULL, &secret) == TSR_OK);
    run.open = true;
}

static void ready(void)
{
    static const uint8_t mac[32] = { 1 };
    uint8_t room[64];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_fdo_device_ready_write(&out, &(tsr_fdo_hash){ TSR_FDO_HMAC256, { mac, sizeof mac } }, 1300);
    say_sealed(TSR_FDO_TO2_DEVICE_INFO_READY, tsr_buf_view(&out));
    must(answer.type == TSR_FDO_TO2_OWNER_INFO_READY);
}

/* devmod has no modules, and every step is one that may be unknown. */
static void inform(void)
{
    static const uint8_t pairs[] = { 0x82, 0x71, 'd', 'e', 'v', 'm', 'o', 'd', ':', 'n', 'u',
                                     'm',  'm',  'o', 'd', 'u', 'l', 'e', 's', 0x41, 0x00 };
    uint8_t room[64];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_fdo_info_write(&out, false, false, false, tsr_view(pairs, sizeof pairs), 1);
    say_sealed(TSR_FDO_TO2_DEVICE_INFO, tsr_buf_view(&out));
    must(answer.type == TSR_FDO_TO2_OWNER_INFO);
}

static void done(void)
{
    uint8_t room[32];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_fdo_nonce_write(&out, tsr_view(run.nonce, sizeof run.nonce));
    say_sealed(TSR_FDO_TO2_DONE, tsr_buf_view(&out));
}

/* ---- TO0 ---- */

/* `fuzz`: the addresses; or, with `to0d`, what the redirect's hash is over. */
static void owner_sign(tsr_bytes fuzz, bool as_to0d)
{
    static uint8_t first[ROOM], second[ROOM], third[2 * ROOM];
    uint8_t hash_room[TSR_FDO_HASH_MAX];
    tsr_buf to0d = tsr_buf_over(first, sizeof first), to1d = tsr_buf_over(second, sizeof second),
            out = tsr_buf_over(third, sizeof third);
    static uint8_t payload_room[ROOM];
    tsr_buf payload = tsr_buf_over(payload_room, sizeof payload_room);
    const tsr_fdo_addr addr = { { (const uint8_t *)"\x7f\0\0\1", 4 }, none, 80, TSR_FDO_OVER_HTTP };
    tsr_fdo_hash hash;
    tsr_bytes part;

    if (as_to0d)
        tsr_put_bytes(&to0d, fuzz);
    else
        tsr_fdo_to0d_write(&to0d, &(tsr_fdo_to0d){ tsr_buf_view(&voucher), 1000,
                                                   { run.nonce, TSR_FDO_NONCE } });
    part = tsr_buf_view(&to0d);
    must(tsr_fdo_hash_make(TSR_FDO_SHA256, &part, 1, hash_room, &hash) == TSR_OK);
    if (as_to0d || fuzz.len == 0)
        tsr_fdo_to1d_write(&payload, &addr, 1, &hash);
    else
        tsr_put_bytes(&payload, fuzz);
    must(fdo_sign(&to1d, house.fdo->owners.list[0], tsr_buf_view(&payload), none, 0) == TSR_OK);
    tsr_fdo_owner_sign_write(&out, part, tsr_buf_view(&to1d));
    if (out.err == TSR_OK)
        (void)say(TSR_FDO_TO0_OWNER_SIGN, tsr_buf_view(&out));
    run.over |= answer.type == TSR_FDO_TO0_ACCEPT_OWNER;
}

static void hello_rendezvous(uint8_t number)
{
    uint8_t room[64];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_fdo_hello_rv h = { { guid, sizeof guid }, { TSR_COSE_ES256, none } };
    tsr_bytes nonce;

    if (number == TSR_FDO_TO0_HELLO)
        tsr_fdo_empty_write(&out);
    else
        tsr_fdo_hello_rv_write(&out, &h);
    must(say(number, tsr_buf_view(&out)) == number + 1);
    if (number == TSR_FDO_TO0_HELLO) {
        must(tsr_fdo_nonce_read(tsr_buf_view(&answer.body), &nonce) == TSR_OK);
    } else {
        must(tsr_fdo_hello_rv_read(tsr_buf_view(&answer.body), &h) == TSR_OK);
        nonce = h.id;
    }
    keep_nonce(nonce);
}

/* What is left of the run before ends with an error of ours. */
static void begin(void)
{
    end(run.token);
    if (run.open)
        tsr_fdo_session_close(&run.session);
    memset(&run, 0, sizeof run);
}

static void leave(void)
{
    free(answer.body.ptr);
    free(voucher.ptr);
    fdo_house_close(&house);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char why[200];

    (void)argc, (void)argv;
    must(fdo_house_open(&house, 64, 100000));
    (void)atexit(leave);
    must(tsr_fdo_plan_set(house.fdo, "default", tsr_text(plan), why, sizeof why) == TSR_OK);
    fdo_made(house.fdo, &device_key, guid, &voucher);
    begin();
    hello_rendezvous(TSR_FDO_TO0_HELLO);
    owner_sign(none, false);
    must(answer.type == TSR_FDO_TO0_ACCEPT_OWNER);
    begin();
    prove_once();
    return 0;
}

/* ---- one input ---- */

enum { HELLO, PROVED, READY, INFORMED, TO0, TO1, STAGES };

static void go_to(unsigned stage)
{
    begin();
    if (stage == TO0 || stage == TO1) {
        hello_rendezvous(stage == TO0 ? TSR_FDO_TO0_HELLO : TSR_FDO_TO1_HELLO_RV);
        return;
    }
    begin_owner(stage == HELLO ? TSR_FDO_TO2_PROVE_OV_HDR : TSR_FDO_TO2_SETUP_DEVICE);
    if (stage >= READY)
        ready();
    if (stage >= INFORMED)
        inform();
}

static void row(uint8_t what, tsr_bytes body)
{
    switch (what % 12) {
    case 0: (void)say(TSR_FDO_TO2_GET_OV_NEXT_ENTRY, body); break;
    case 1: say_signed(TSR_FDO_TO2_PROVE_DEVICE, body, device_key); break;
    case 2: say_sealed(TSR_FDO_TO2_DEVICE_INFO_READY, body); break;
    case 3: say_sealed(TSR_FDO_TO2_DEVICE_INFO, body); break;
    case 4: say_sealed(TSR_FDO_TO2_DONE, body); break;
    case 5: done(); break;
    case 6: say_signed(TSR_FDO_TO1_PROVE_TO_RV, body, device_key); break;
    case 7: owner_sign(body, false); break;
    case 8: owner_sign(body, true); break;
    case 9: say_sealed(take(&body), body); break;
    default: (void)say(take(&body), body); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    uint16_t len;

    go_to(take(&in) % STAGES);
    for (int i = 0; i < 8 && in.len > 0; i++) {
        uint8_t what = take(&in);

        if (tsr_get_u16(&in, &len) != TSR_OK)
            break;
        row(what, take_some(&in, len));
    }
    begin();
    return 0;
}
