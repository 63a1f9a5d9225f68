/* SPDX-License-Identifier: Apache-2.0
 *
 * An owner that says anything to the modules fdo.csr and tessera.lwm2m of a Linux device. The first byte: how far the
 * enrolment went well (nothing yet; it asked for authorities; it has them; it sent its request; it is enrolled).
 * Then steps: what, length, bytes.
 *
 * Enrolled, the device has the one certificate that the authority signed for its key. Accounts that it keeps can be
 * read and used; each has a key that PSA has; no key lies in what is kept, nor anywhere in the module. Each account
 * gets one answer. */
#include "fuzz/keys.h"
#include "ports/linux/fdo/handover.h"
#include "ports/linux/host/log.h"
#include "tessera/cbor/cbor.h"
#include "tessera/json/base64.h"
#include "tessera/net/certs_only.h"

#include <mbedtls/x509_csr.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRESH, ASKED, HAS_AUTHORITIES, REQUESTED, ENROLLED, STAGES, KEYS = 64, ROOM = 3000 };

static const char secret[] = "\xd1\x7e\xc0\xde\x99\x10\xb5\x6a\xe2\x83\x5f\x31\x07\xf4\xaa\x29";
static uint8_t ca_room[1024], device_room[1024], ca_list_room[1100], device_list_room[1100], both_room[2200];
static uint8_t scalar_room[64], ec_key_room[64];
static tsr_bytes ca, device, ca_list, device_list, both, scalar, ec_key;
static tsr_info_csr csr, stages[STAGES];
static tsr_info_lwm2m lwm2m;
static tsr_info enrol, accounts;
static unsigned asked, answered;

/* ---- keys that are made, to be destroyed: see the linker's --wrap in ports/linux/fdo ---- */

static psa_key_id_t keys[KEYS];
static unsigned key_count;

psa_status_t __real_psa_import_key(const psa_key_attributes_t *a, const uint8_t *data, size_t len, psa_key_id_t *id);
psa_status_t __wrap_psa_import_key(const psa_key_attributes_t *a, const uint8_t *data, size_t len, psa_key_id_t *id);
psa_status_t __real_psa_generate_key(const psa_key_attributes_t *a, psa_key_id_t *id);
psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *a, psa_key_id_t *id);

static psa_status_t note(psa_status_t status, const psa_key_attributes_t *a, psa_key_id_t id)
{
    must((psa_get_key_usage_flags(a) & PSA_KEY_USAGE_EXPORT) == 0);
    if (status == PSA_SUCCESS && key_count < KEYS)
        keys[key_count++] = id;
    return status;
}

psa_status_t __wrap_psa_import_key(const psa_key_attributes_t *a, const uint8_t *data, size_t len, psa_key_id_t *id)
{
    psa_status_t status = __real_psa_import_key(a, data, len, id);

    return note(status, a, *id);
}

psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *a, psa_key_id_t *id)
{
    psa_status_t status = __real_psa_generate_key(a, id);

    return note(status, a, *id);
}

static void forget_keys(void)
{
    while (key_count > 0)
        (void)psa_destroy_key(keys[--key_count]);
}

/* ---- fdo.csr ---- */

static bool csr_over;

static bool inside(tsr_bytes part)
{
    return part.len == 0 || (part.ptr >= csr.room && part.ptr + part.len <= csr.room + sizeof csr.room);
}

static void look_at_csr(void)
{
    must(inside(csr.authorities) && inside(csr.certificate));
    must(csr.certificate.len == 0 || tsr_same(csr.certificate, device));
}

static void csr_hears(const char *message, tsr_bytes value)
{
    if (csr_over || tsr_cbor_check(value) != TSR_OK) /* the engine lets nothing else through */
        return;
    tsr_err err = enrol.take(enrol.self, tsr_text(message), value, 0);
    csr_over = err != TSR_OK && err != TSR_E_UNSUPPORTED;
    look_at_csr();
}

static void csr_hears_payload(const char *message, tsr_bytes payload, bool as_text)
{
    uint8_t room[ROOM * 2], text_room[ROOM * 3 / 2];
    tsr_buf out = tsr_buf_over(room, sizeof room), text = tsr_buf_over(text_room, sizeof text_room);

    if (as_text) {
        tsr_base64_put(&text, payload);
        tsr_cbor_put_text(&out, tsr_buf_view(&text));
    } else {
        tsr_cbor_put_bytes(&out, payload);
    }
    if (out.err == TSR_OK && text.err == TSR_OK)
        csr_hears(message, tsr_buf_view(&out));
}

/* A request that its own key signed; only now and then, since a signature is slow to look at. */
static void look_at_request(tsr_bytes value)
{
    uint8_t room[1000];
    tsr_buf der = tsr_buf_over(room, sizeof room);
    mbedtls_x509_csr request;
    tsr_bytes text = tsr_text("");

    must(tsr_cbor_get_text(&value, &text) == TSR_OK && value.len == 0 && tsr_base64_get(text, &der) == TSR_OK);
    mbedtls_x509_csr_init(&request);
    must(mbedtls_x509_csr_parse_der(&request, room, der.len) == 0);
    mbedtls_x509_csr_free(&request);
}

static void csr_says(size_t room_len)
{
    uint8_t room[1200];
    tsr_buf value = tsr_buf_over(room, room_len);
    const char *message = NULL;
    uint64_t format = 0;
    tsr_bytes in;
    tsr_err err;

    if (csr_over)
        return;
    err = enrol.give(enrol.self, &message, &value, 0);
    in = tsr_buf_view(&value);
    must(err == TSR_OK || err == TSR_END || err == TSR_E_SPACE);
    if (err != TSR_OK)
        return;
    if (strcmp(message, "cacerts-req") == 0)
        must(tsr_cbor_get_uint(&in, &format) == TSR_OK && format == 281 && in.len == 0);
    else
        look_at_request(in);
}

static void csr_begins(void)
{
    must(enrol.begin(enrol.self) == TSR_OK);
    look_at_csr();
}

/* What is good but for what the bytes change: [which, place (2), with, how]. */
static tsr_bytes good_one(tsr_bytes *in, uint8_t room[ROOM])
{
    const tsr_bytes all[] = { ca_list, device, device_list, ca, both };
    tsr_bytes from = all[take(in) % (sizeof all / sizeof *all)];
    size_t place = (size_t)take(in) << 8;

    place |= take(in);
    memcpy(room, from.ptr, from.len);
    room[place % from.len] ^= take(in);
    return tsr_view(room, from.len);
}

static const char *answer_of(uint8_t which)
{
    static const char *const names[] = { "cacerts-res", "simpleenroll-res", "simplereenroll-res", "serverkeygen-res",
                                         "csrattrs-res", "error", "active", "" };

    return names[which % (sizeof names / sizeof *names)];
}

static void csr_step(uint8_t what, tsr_bytes in)
{
    uint8_t room[ROOM], which;
    tsr_bytes payload;

    switch (what) {
    case 0: which = take(&in), csr_hears(answer_of(which), in); break;
    case 1: which = take(&in), csr_hears_payload(answer_of(which), in, which & 0x80); break;
    case 2:
        which = take(&in);
        payload = good_one(&in, room);
        csr_hears_payload(answer_of(which), tsr_first(payload, payload.len - take(&in)), which & 0x80);
        break;
    case 3: which = take(&in), csr_says(which < 0x80 ? 1200 : which & 0x7fu); break;
    default: break;
    }
}

/* ---- tessera.lwm2m ---- */

static bool lwm2m_over;

static bool has_part(const void *where, size_t len, tsr_bytes part)
{
    return memmem(where, len, part.ptr, part.len) != NULL;
}

static void look_at_accounts(void)
{
    tsr_bytes in = tsr_buf_view(&lwm2m.accounts);
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_fdo_account got;
    size_t n = 0;

    must(lwm2m.accounts.err == TSR_OK && lwm2m.count <= TSR_HANDOVER_ACCOUNTS);
    for (; in.len != 0; n++) {
        must(tsr_fdo_account_get(&in, &got) == TSR_OK && tsr_fdo_account_lacks(&got) == NULL);
        must(got.key.len == 0 && (got.mode == TSR_LWM2M_MODE_NOSEC || got.key_id != 0));
        if (got.mode == TSR_LWM2M_MODE_NOSEC)
            continue;
        must(psa_get_key_attributes(got.key_id, &a) == PSA_SUCCESS);
        must((psa_get_key_usage_flags(&a) & ~PSA_KEY_USAGE_SIGN_MESSAGE) == /* which PSA adds */
             (got.mode == TSR_LWM2M_MODE_CERTIFICATE ? PSA_KEY_USAGE_SIGN_HASH : PSA_KEY_USAGE_DERIVE));
    }
    must(n == lwm2m.count);
}

static void lwm2m_hears(const char *message, tsr_bytes value)
{
    tsr_err err;

    if (lwm2m_over || tsr_cbor_check(value) != TSR_OK)
        return;
    err = accounts.take(accounts.self, tsr_text(message), value, 0);
    lwm2m_over = err != TSR_OK && err != TSR_E_UNSUPPORTED;
    asked += err == TSR_OK && strcmp(message, "account") == 0;
    look_at_accounts();
}

static void lwm2m_says(size_t room_len)
{
    uint8_t room[200];
    tsr_buf value = tsr_buf_over(room, room_len);
    const char *message = NULL;
    uint64_t count = 0;
    tsr_bytes in, text;
    tsr_err err = accounts.give(accounts.self, &message, &value, 0);

    must(err == TSR_OK || err == TSR_END || err == TSR_E_SPACE);
    must(err != TSR_END || answered == asked);
    if (err != TSR_OK)
        return;
    answered++;
    in = tsr_buf_view(&value);
    if (strcmp(message, "done") == 0)
        must(tsr_cbor_get_uint(&in, &count) == TSR_OK && count >= 1 && count <= lwm2m.count && in.len == 0);
    else
        must(strcmp(message, "error") == 0 && tsr_cbor_get_text(&in, &text) == TSR_OK && in.len == 0);
}

static unsigned bits(unsigned v) { return v == 0 ? 0 : (v & 1) + bits(v >> 1); }

static void put_bytes(tsr_buf *out, int name, tsr_bytes v)
{
    tsr_cbor_put_int(out, name);
    tsr_cbor_put_bytes(out, v);
}

static void put_number(tsr_buf *out, int name, uint64_t v)
{
    tsr_cbor_put_int(out, name);
    tsr_cbor_put_uint(out, v);
}

static void put_text(tsr_buf *out, int name, tsr_bytes v)
{
    tsr_cbor_put_int(out, name);
    tsr_cbor_put_text(out, v);
}

/* An account that mostly can be used: [which members, short id, URI, mode, key, text...]. */
static void lwm2m_hears_account(tsr_bytes in)
{
    static const char *const uris[] = { "coaps://a", "coap://a", "coaps+tcp://b:1", "coap+tcp://[::1]", "http://a" };
    static uint8_t room[4000];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    unsigned members = take(&in), id = take(&in), uri = take(&in), mode = take(&in) & 3u, key = take(&in);

    tsr_cbor_put_map(&out, 3 + bits(members));
    put_text(&out, TSR_FDO_ACCOUNT_URI, uri < 0x80 ? tsr_text(uris[uri % 5]) : in);
    put_number(&out, TSR_FDO_ACCOUNT_SHORT_ID, id);
    put_number(&out, TSR_FDO_ACCOUNT_MODE, mode);
    if (members & 1)
        put_bytes(&out, TSR_FDO_ACCOUNT_IDENTITY, in);
    if (members & 2)
        put_bytes(&out, TSR_FDO_ACCOUNT_KEY, key & 0x80 ? in : key & 1 ? ec_key : tsr_view(secret, 16));
    if (members & 4)
        put_bytes(&out, TSR_FDO_ACCOUNT_CERTIFICATE, key & 2 ? device : in);
    if (members & 8)
        put_bytes(&out, TSR_FDO_ACCOUNT_SERVER_CERTIFICATE, key & 4 ? ca : in);
    if (members & 16)
        put_number(&out, TSR_FDO_ACCOUNT_USAGE, key >> 3 & 3u);
    if (members & 32) {
        tsr_cbor_put_int(&out, TSR_FDO_ACCOUNT_BOOTSTRAP);
        tsr_cbor_put_bool(&out, true);
    }
    if (members & 64)
        put_text(&out, TSR_FDO_ACCOUNT_ENDPOINT, in);
    if (members & 128)
        put_number(&out, TSR_FDO_ACCOUNT_LIFETIME, 1u << (key & 31));
    if (out.err == TSR_OK)
        lwm2m_hears("account", tsr_buf_view(&out));
}

static void lwm2m_hears_block(tsr_bytes in)
{
    uint8_t good[ROOM], room[ROOM + 8], which = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_bytes block = which & 2 ? good_one(&in, good) : in;

    tsr_cbor_put_bytes(&out, block);
    lwm2m_hears(which & 1 ? "certificate" : "server-certificate", tsr_buf_view(&out));
}

static void lwm2m_step(uint8_t what, tsr_bytes in)
{
    static const char *const names[] = { "account", "certificate", "server-certificate", "active" };
    uint8_t which;

    switch (what) {
    case 4: which = take(&in), lwm2m_hears(names[which & 3], in); break;
    case 5: lwm2m_hears_account(in); break;
    case 6: lwm2m_hears_block(in); break;
    case 7: which = take(&in), lwm2m_says(which < 0x80 ? 200 : which & 0x7fu); break;
    case 8: csr_begins(); break;
    default:
        enrol.drop(enrol.self);
        accounts.drop(accounts.self);
        asked = answered = 0;
        break;
    }
}

/* ---- all ---- */

static void keep_list(tsr_bytes *list, uint8_t *room, size_t cap, const tsr_bytes *certificates, size_t count)
{
    tsr_buf out = tsr_buf_over(room, cap);

    tsr_certs_only_put(&out, certificates, count);
    must(out.err == TSR_OK);
    *list = tsr_buf_view(&out);
}

static void read_material(void)
{
    static const uint8_t head[] = { 0x30, 0x25, 2, 1, 1, 4, 32 };
    tsr_buf out = tsr_buf_over(ec_key_room, sizeof ec_key_room);
    tsr_bytes pair[2];

    ca = fuzz_file("dtls/ca.der", ca_room, sizeof ca_room);
    device = fuzz_file("dtls/device.der", device_room, sizeof device_room);
    scalar = fuzz_file("dtls/device.key", scalar_room, sizeof scalar_room);
    pair[0] = ca, pair[1] = device;
    keep_list(&ca_list, ca_list_room, sizeof ca_list_room, &ca, 1);
    keep_list(&device_list, device_list_room, sizeof device_list_room, &device, 1);
    keep_list(&both, both_room, sizeof both_room, pair, 2);
    tsr_put_bytes(&out, tsr_view(head, sizeof head));
    tsr_put_bytes(&out, scalar);
    ec_key = tsr_buf_view(&out);
}

/* Once, from its beginning to its end; with the key that the certificate is for, as if it had been made. */
static void walk(void)
{
    tsr_info_csr_init(&csr, 0, "lamp", &enrol);
    stages[FRESH] = csr;
    csr_begins();
    csr.key_id = fuzz_device_key();
    csr_says(1200);
    stages[ASKED] = csr;
    csr_hears_payload("cacerts-res", ca_list, true);
    stages[HAS_AUTHORITIES] = csr;
    csr_says(1200);
    stages[REQUESTED] = csr;
    csr_hears_payload("simpleenroll-res", device, true);
    must(!csr_over && tsr_same(csr.certificate, device));
    stages[ENROLLED] = csr;
    forget_keys();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    tsr_host_log_level(TSR_LOG_ERROR);
    read_material();
    walk();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    bool known = has_part(data, size, tsr_view(secret, 8)) || has_part(data, size, tsr_first(scalar, 8));
    unsigned stage = take(&in) % STAGES, begun = 0;

    csr = stages[stage];
    csr.key_id = stage == FRESH ? 0 : fuzz_device_key();
    tsr_info_lwm2m_init(&lwm2m, &csr, 0, &accounts);
    csr_over = lwm2m_over = false;
    asked = answered = 0;
    for (int n = 0; n < 30 && in.len > 1 && key_count < KEYS - 1; n++) {
        uint8_t what = take(&in), len = take(&in);
        tsr_bytes part = take_some(&in, what & 0x80 ? (size_t)len * 8 : len);

        what = (what & 0x7f) % 10;
        begun += what == 8;
        if (what == 8 && begun > 1) /* a key is slow to make */
            continue;
        (what < 4 ? csr_step : lwm2m_step)(what, part);
    }
    if (!lwm2m_over)
        for (int n = 0; n < 40; n++)
            lwm2m_says(200);
    must(lwm2m_over || answered == asked);
    must(known || (!has_part(&lwm2m, sizeof lwm2m, tsr_view(secret, 16)) && !has_part(&lwm2m, sizeof lwm2m, scalar)));
    enrol.drop(enrol.self);
    accounts.drop(accounts.self);
    must(csr.certificate.len == 0 && lwm2m.accounts.len == 0 && lwm2m.count == 0);
    forget_keys();
    return 0;
}
