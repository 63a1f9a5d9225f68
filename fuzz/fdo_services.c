/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages to manufacturer, rendezvous and owner, and what a device says within an encrypted session. The
 * first byte chooses: even, a row of [number, length (2 bytes), body], each with the token of the answer
 * before; odd, a row of the same form to a plan under way (which one, the rest of the byte says), whose number names
 * module and message. The authority behind fdo.csr is real: requests of any bytes, and one that is good but for a byte.
 * 254 and 252: what rendezvous servers answer to the owner's registration (TO0), rows of the same form; for a voucher
 * that was made here, or one whose RendezvousInfo is the first row. Nothing is sent to anybody.
 *
 * What a plan gives opens nothing before it is settled, and then what was taken, at the doors it was for; a
 * certificate of a run that is not is revoked. */
#include "server/bootstrap/authority.h"
#include "server/fdo/module.h"
#include "server/fdo/plan.h"
#include "tessera/cbor/cbor.h"
#include "server/fdo/place.h"
#include "server/fdo/post.h"
#include "server/fdo/to0.h"
#include "tests/server/fdo_house.h"

#include "fuzz/fdo_made.h"
#include "fuzz/keys.h"
#include "server/rest/room.h"

#include <mbedtls/x509_crt.h>

#define LWM2M(account, more) "{\"module\":\"tessera.lwm2m\",\"account\":\"" account "\"," more "}"
#define PSK(scheme) "\"uri\":\"" scheme "://a\",\"security\":\"psk\""
#define OPTIONAL(module) "{\"module\":\"" module "\",\"optional\":true"

/* Of devices whose GUID ends with the number; the first is everybody else's. */
static const char *const plans[] = {
    "{\"steps\":[{\"module\":\"fdo.download\",\"name\":\"n\",\"text\":\"some text\"},"
    "{\"module\":\"fdo.upload\",\"name\":\"u\"},"
    "{\"module\":\"fdo.command\",\"command\":\"c\",\"args\":[\"a\"],\"save\":\"s\"},"
    "{\"module\":\"fdo.csr\"}," LWM2M("bootstrap", PSK("coaps")) "]}",
    "{\"steps\":[{\"module\":\"fdo.csr\"},"
    LWM2M("management", "\"uri\":\"coaps://a\",\"security\":\"certificate\",\"short_server_id\":7") "]}",
    "{\"replace\":true,\"endpoint\":\"{device_info}\",\"steps\":[" OPTIONAL("fdo.csr") "},"
    LWM2M("management", PSK("coaps+tcp") ",\"short_server_id\":7,\"lifetime\":60,\"optional\":true") ","
    LWM2M("bootstrap", "\"uri\":\"coap://a\",\"security\":\"none\"") "]}",
    "{\"steps\":[{\"module\":\"fdo.wget\",\"name\":\"n\",\"url\":\"http://a/b\",\"sha384\":"
    "\"c7be03ba5bcaa384727076db0018e99248e1a6e8bd1b9ef58a9ec9dd4eeebb3f48b836201221175befa74ddc3d35afdd\"},"
    OPTIONAL("fdo.wget") ",\"name\":\"m\",\"url\":\"https://a\"}," OPTIONAL("fdo.upload") ",\"name\":\"u\"},"
    OPTIONAL("fdo.download") ",\"name\":\"n\",\"text\":\"x\"},"
    OPTIONAL("fdo.command") ",\"command\":\"c\",\"may_fail\":true}]}",
};

enum { PLANS = sizeof plans / sizeof *plans };

/* ---- the server beside: it keeps what it is told of the run under way ---- */

static bs_authority *signer;
static struct {
    bool settles, opened[TSR_FDO_DOORS];
    unsigned issued, revoked, others;
} told;

static tsr_err set(void *arg, tsr_fdo_door door, const char *endpoint, const char *identity, tsr_bytes key)
{
    (void)arg;
    must(told.settles && door < TSR_FDO_DOORS && endpoint[0] != 0 && identity[0] != 0 && key.len <= 64);
    told.opened[door] = true;
    return TSR_OK;
}

static tsr_err identity(void *arg, tsr_fdo_door door, const char *endpoint,
                        char text[TSR_FDO_IDENTITY_MAX + 1])
{
    (void)arg;
    (void)door;
    (void)endpoint;
    text[0] = 0;
    return TSR_E_NOT_FOUND;
}

static tsr_err forget(void *arg, tsr_fdo_door door, const char *endpoint)
{
    (void)arg;
    (void)door;
    (void)endpoint;
    return TSR_E_NOT_FOUND;
}

static tsr_bytes authority(void *arg)
{
    (void)arg;
    return bs_authority_certificate(signer);
}

/* As the bootstrap server's: whatever name the request says, the endpoint's goes into the certificate. */
static tsr_err enrol(void *arg, const char *endpoint, const char *device, tsr_bytes request, tsr_buf *der,
                     char serial[TSR_FDO_SERIAL_TEXT], const char **why)
{
    bs_issued issued = { .from_s = 1700000000, .to_s = 1800000000 };
    tsr_err err;

    (void)arg;
    must(endpoint[0] != 0 && strlen(device) == 64);
    *why = bs_authority_wrong(request, NULL);
    if (*why != NULL)
        return TSR_E_DENIED;
    err = bs_authority_issue(signer, request, endpoint, &issued);
    if (err != TSR_OK)
        return err;
    told.issued++;
    memcpy(serial, "01", 3);
    tsr_put_bytes(der, tsr_view(issued.der, issued.der_len));
    return der->err;
}

static tsr_err revoke_one(void *arg, const char *serial)
{
    (void)arg;
    must(strcmp(serial, "01") == 0);
    told.revoked++;
    return TSR_OK;
}

static tsr_err revoke_others(void *arg, const char *endpoint, const char *but)
{
    (void)arg;
    must(told.settles && endpoint[0] != 0 && (but[0] == 0 || told.issued != 0));
    told.others++;
    return TSR_OK;
}

static const tsr_fdo_lwm2m beside = { NULL, set, identity, forget, authority, enrol, revoke_one, revoke_others };

static fdo_house only;

static uint8_t request_room[TSR_CSR_MAX];
static tsr_bytes request; /* that nothing is wrong with */

static tsr_buf own_voucher; /* of a device that was made here */

/* A line of text, whoever said what is in it. */
static void log_line(void *arg, bool bad, const char *text)
{
    (void)arg, (void)bad;
    for (; *text != 0; text++)
        must((uint8_t)*text >= ' ' && *text != 0x7f);
}

static void close_house(void)
{
    free(own_voucher.ptr);
    fdo_house_close(&only);
    bs_authority_close(signer);
}

static void open_authority(void)
{
    tsr_buf der = tsr_buf_over(request_room, sizeof request_room);
    char path[100], why[400] = "";

    (void)snprintf(path, sizeof path, "%s/authority.key", only.folder);
    fuzz_write_key(path, "dtls/ca.key");
    must(bs_authority_open(TSR_SOURCE_DIR "/tests/vectors/dtls/ca.der", path, &signer, why, sizeof why) == TSR_OK);
    must(tsr_csr_write_der(fuzz_device_key(), "lamp", &der) == TSR_OK);
    request = tsr_buf_view(&der);
}

static fdo_house *house(void)
{
    static bool opened;
    uint8_t guid[TSR_FDO_GUID];
    tsr_cose_key_id key;
    char why[200], name[40];

    if (opened)
        return &only;
    must(fdo_house_open(&only, 64, 100000));
    (void)atexit(close_house); /* its folder */
    open_authority();
    only.fdo->config.lwm2m = &beside;
    only.fdo->config.log = log_line;
    only.fdo->config.owner_places[0] = "http://127.0.0.1:8";
    only.fdo->config.owner_place_count = 1;
    fdo_made(only.fdo, &key, guid, &own_voucher);
    must(tsr_fdo_plan_set(only.fdo, "default", tsr_text(plans[0]), why, sizeof why) == TSR_OK);
    for (unsigned i = 1; i < PLANS; i++) {
        (void)snprintf(name, sizeof name, "%032x", i);
        must(tsr_fdo_plan_set(only.fdo, name, tsr_text(plans[i]), why, sizeof why) == TSR_OK);
    }
    opened = true;
    return &only;
}

static bool next(tsr_bytes *in, uint8_t *number, tsr_bytes *body)
{
    uint16_t len;

    if (tsr_get_u8(in, number) != TSR_OK || tsr_get_u16(in, &len) != TSR_OK)
        return false;
    *body = tsr_first(*in, len);
    *in = tsr_skip(*in, len);
    return true;
}

static void as_messages(fdo_house *h, tsr_bytes in)
{
    char token[40] = "";
    tsr_fdo_answer a;
    tsr_fdo_error e;
    tsr_bytes body;
    uint8_t number;

    for (int i = 0; i < 8 && next(&in, &number, &body); i++) {
        tsr_fdo_message(h->fdo, number, token, body, &a);
        must(number != 255 || (a.type == 0 && a.body.len == 0));
        must(number == 255 || a.type == number + 1 || a.type == 255);
        if (a.type == 255)
            must(tsr_fdo_error_read(tsr_buf_view(&a.body), &e) == TSR_OK && e.previous == number);
        if (a.token[0] != 0)
            memcpy(token, a.token, sizeof token);
        free(a.body.ptr);
    }
}

/* What is said is pairs of the step's module, with values that are CBOR. */
static void look_at_pairs(const fdo_plan_run *p, tsr_bytes pairs, uint64_t count)
{
    for (; count > 0; count--) {
        tsr_bytes name = { NULL, 0 }, value = { NULL, 0 };
        uint64_t items = 0;

        must(tsr_cbor_get_array(&pairs, &items) == TSR_OK && items == 2);
        must(tsr_cbor_get_text(&pairs, &name) == TSR_OK && tsr_cbor_get_bytes(&pairs, &value) == TSR_OK);
        must(memchr(name.ptr, ':', name.len) != NULL && tsr_cbor_check(value) == TSR_OK);
    }
    must(pairs.len == 0 && p->wrong == NULL);
}

/* The bytes, or the good request with one of its bytes changed: [place (2), with]. */
static const char *device_asks(fdo_house *h, fdo_plan_run *p, tsr_bytes in)
{
    uint8_t room[TSR_CSR_MAX], value_room[TSR_CSR_MAX + 8];
    tsr_buf value = tsr_buf_over(value_room, sizeof value_room);
    size_t place = (size_t)take(&in) << 8;

    place |= take(&in);
    memcpy(room, request.ptr, request.len);
    room[place % request.len] ^= take(&in);
    tsr_cbor_put_bytes(&value, tsr_view(room, request.len));
    return fdo_plan_take(h->fdo, p, tsr_text("fdo.csr"), tsr_text("simpleenroll-req"), tsr_buf_view(&value));
}

static const char *device_says(fdo_house *h, fdo_plan_run *p, uint8_t number, tsr_bytes body)
{
    static const char *const names[][2] = {
        { "devmod", "nummodules" },  { "devmod", "modules" },     { "fdo.download", "active" },
        { "fdo.download", "done" },  { "fdo.upload", "active" },  { "fdo.upload", "length" },
        { "fdo.upload", "data" },    { "fdo.upload", "sha-384" }, { "fdo.command", "active" },
        { "fdo.command", "stdout" }, { "fdo.command", "exitcode" },
        { "fdo.csr", "cacerts-req" }, { "fdo.csr", "simpleenroll-req" }, { "tessera.lwm2m", "done" },
        { "tessera.lwm2m", "error" }, { "fdo.csr", "active" }, { "fdo.csr", "simplereenroll-req" },
        { "fdo.csr", "serverkeygen-req" }, { "fdo.csr", "csrattrs-req" }, { "fdo.wget", "active" },
        { "fdo.wget", "done" }, { "fdo.wget", "error" }, { "tessera.lwm2m", "active" }, { "fdo.command", "stderr" },
    };
    const char *const *name = names[number % (sizeof names / sizeof *names)];

    if (number >= 0xf0)
        return device_asks(h, p, body);
    return fdo_plan_take(h->fdo, p, tsr_text(name[0]), tsr_text(name[1]), body);
}

/* What is open now is what the device took. */
static void settle(fdo_plan_run *p)
{
    bool given[TSR_FDO_DOORS];

    for (tsr_fdo_door door = 0; door < TSR_FDO_DOORS; door++)
        given[door] = p->handover.grants[door].given && p->handover.grants[door].identity[0] != 0;
    told.settles = true;
    must(fdo_plan_settle(p) == TSR_OK);
    for (tsr_fdo_door door = 0; door < TSR_FDO_DOORS; door++)
        must(told.opened[door] == given[door]);
    must(told.revoked == 0 && (told.issued == 0 || told.others != 0));
}

static void as_plan(fdo_house *h, uint8_t which, tsr_bytes in)
{
    static const tsr_fdo_key key = { .x = { (const uint8_t *)"x", 1 } };
    uint8_t room[2000], guid[16] = { [15] = which % PLANS }, number;
    const fdo_subject who = { tsr_view(guid, sizeof guid), tsr_text("lamp"), &key };
    fdo_plan_run p = { 0 };
    const char *wrong = NULL;
    tsr_bytes body;
    bool settled;

    memset(&told, 0, sizeof told);
    must(fdo_plan_begin(h->fdo, &p, &who) == TSR_OK);
    while (wrong == NULL && next(&in, &number, &body)) {
        tsr_buf out = tsr_buf_over(room, which & 0x40 ? 400 : sizeof room);
        uint64_t count = 0;

        wrong = device_says(h, &p, number, body);
        if (wrong != NULL)
            break;
        must(!fdo_plan_give(&p, &out, &count) || count > 0);
        wrong = p.wrong;
        if (wrong == NULL)
            look_at_pairs(&p, tsr_buf_view(&out), count);
    }
    must(told.issued <= 1 && told.revoked == 0);
    settled = wrong == NULL && fdo_plan_is_over(&p);
    if (settled)
        settle(&p);
    fdo_plan_end(&p);
    must(told.revoked == (settled ? 0 : told.issued));
}

static void as_voucher(fdo_house *h, tsr_bytes in)
{
    char guid[33] = "", why[400] = "";

    if (tsr_fdo_voucher_import(h->fdo, in, guid, why, sizeof why) != TSR_OK)
        must(why[0] != 0 && guid[0] == 0);
}

/* ---- TO0 as a client: see the linker's --wrap in server/fdo ---- */

static tsr_bytes answers; /* that are to come */
static tsr_bytes nonce;   /* that was given */
static uint8_t nonce_room[TSR_FDO_NONCE];

tsr_err __wrap_fdo_post_message(fdo_post *p, uint8_t type, tsr_bytes body);

static void look_at_owner_sign(tsr_bytes body)
{
    tsr_bytes to0d, to1d;
    tsr_fdo_to0d d;

    must(tsr_fdo_owner_sign_read(body, &to0d, &to1d) == TSR_OK && tsr_fdo_to0d_read(to0d, &d) == TSR_OK);
    must(tsr_same(d.nonce, nonce) && d.wait_s != 0);
}

tsr_err __wrap_fdo_post_message(fdo_post *p, uint8_t type, tsr_bytes body)
{
    tsr_bytes said, again;
    uint8_t number;

    must(strncmp(p->base, "http", 4) == 0 && strlen(p->base) < 300);
    must(type == TSR_FDO_TO0_HELLO || type == TSR_FDO_TO0_OWNER_SIGN);
    if (type == TSR_FDO_TO0_OWNER_SIGN)
        look_at_owner_sign(body);
    if (!next(&answers, &number, &said))
        return TSR_E_IO;
    p->type = number;
    p->answer.len = 0;
    rest_room(&p->answer, said.len + 1);
    tsr_put_bytes(&p->answer, said);
    if (tsr_fdo_nonce_read(said, &again) == TSR_OK) {
        memcpy(nonce_room, again.ptr, sizeof nonce_room);
        nonce = tsr_view(nonce_room, sizeof nonce_room);
    }
    return number == type + 1 ? TSR_OK : TSR_E_DENIED;
}

/* A voucher of ours that leads to these servers; false: it is none. */
static bool lead_to(fdo_house *h, tsr_bytes rv_info, tsr_bytes guid)
{
    static const uint8_t mac[32] = { 1 };
    const tsr_fdo_key *key = &h->fdo->owners.list[0]->public;
    const tsr_fdo_hash hmac = { TSR_FDO_HMAC256, { mac, sizeof mac } };
    tsr_fdo_ov_header header = { .guid = guid, .rv_info = rv_info, .device_info = tsr_text("d") };
    tsr_buf head = { 0 }, first = { 0 }, second = { 0 };
    tsr_fdo_voucher v;
    bool good;

    header.manufacturer.encoded = key->encoded;
    rest_room(&head, rv_info.len + 1000);
    rest_room(&first, rv_info.len + 2000);
    rest_room(&second, rv_info.len + 4000);
    tsr_fdo_ov_header_write(&head, &header);
    tsr_fdo_voucher_write(&first, tsr_buf_view(&head), &hmac, tsr_view(NULL, 0));
    good = tsr_fdo_voucher_read(tsr_buf_view(&first), &v) == TSR_OK &&
           tsr_fdo_voucher_extend(&second, &v, h->fdo->owners.list[0]->sign, key->encoded, tsr_view(NULL, 0)) == TSR_OK;
    if (good)
        must(fdo_keep(h->fdo, TSR_STORE_FDO_VOUCHER, "ff000000000000000000000000000000", "", 0,
                      tsr_buf_view(&second)) == TSR_OK);
    free(head.ptr);
    free(first.ptr);
    free(second.ptr);
    return good;
}

static void as_owner(fdo_house *h, bool elsewhere, tsr_bytes in)
{
    static const uint8_t made_up[TSR_FDO_GUID] = { 0xff };
    tsr_bytes guid = tsr_view(made_up, sizeof made_up), rv_info;
    char name[FDO_GUID_TEXT];
    uint32_t wait_s = 0;
    tsr_fdo_voucher v;
    uint8_t number;

    if (elsewhere && (!next(&in, &number, &rv_info) || !lead_to(h, rv_info, guid)))
        return;
    if (!elsewhere) {
        must(tsr_fdo_voucher_read(tsr_buf_view(&own_voucher), &v) == TSR_OK);
        guid = v.header.guid;
    }
    fdo_guid_text(guid, name);
    answers = in;
    nonce = tsr_view(NULL, 0);
    if (fdo_to0_register(h->fdo, name, &wait_s) == TSR_OK)
        must(nonce.len != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fdo_house *h = house();
    tsr_bytes in = tsr_view(data, size);
    uint8_t kind;

    as_voucher(h, in);
    if (tsr_get_u8(&in, &kind) != TSR_OK)
        return 0;
    if (kind == 254 || kind == 252)
        as_owner(h, kind == 252, in);
    else if (kind % 2 == 0)
        as_messages(h, in);
    else
        as_plan(h, kind >> 1, in);
    return 0;
}
