/* SPDX-License-Identifier: Apache-2.0
 *
 * The device engine in the place of go-fdo's client: it gets what its servers answered, with the
 * same keys and nonces, and has to say the same. */
#include "tests/fdo/kat.h"

#include "tessera/base/der.h"
#include "tessera/fdo/device.h"

typedef struct {
    const char *folder;
    kat k;
    tsr_fdo_device device;
    tsr_fdo_device_config config;
    uint8_t room[6][1 << 16], stored[1024];
    size_t stored_len, nonces;
    uint8_t nonce[2][16];
    trace_body b10, b64;
    tsr_fdo_mfg_info made;
    tsr_bytes xb;
    tsr_cose_key_id key, secret;
} replay;

static replay r;

/* ---- what is injected --------------------------------------------------------------------- */

/* Delays draw two bytes; nonces come in the order of the run. */
static tsr_err fill(void *user, uint8_t *to, size_t len)
{
    (void)user;
    memset(to, 0, len);
    if (len == 16 && r.nonces < 2)
        memcpy(to, r.nonce[r.nonces++], 16);
    return TSR_OK;
}

static const tsr_fdo_random recorded = { fill, NULL };

static tsr_err answer(const tsr_fdo_kex_method *m, const tsr_fdo_random *random, tsr_bytes xa,
                      const tsr_fdo_key *owner, tsr_buf *xb, tsr_fdo_secret *s)
{
    (void)m, (void)random, (void)xa, (void)owner;
    tsr_put_bytes(xb, r.xb);
    *s = r.k.secret;
    return xb->err;
}

static bool fits(const tsr_fdo_kex_method *m, const tsr_fdo_key *owner)
{
    (void)m, (void)owner;
    return true;
}

static tsr_err store(void *user, tsr_bytes credential)
{
    (void)user;
    memcpy(r.stored, credential.ptr, credential.len);
    r.stored_len = credential.len;
    return TSR_OK;
}

static tsr_err csr(void *user, tsr_buf *der)
{
    (void)user;
    tsr_put_bytes(der, r.made.csr);
    return der->err;
}

static tsr_err receive(void *state, tsr_bytes message, tsr_bytes value)
{
    (void)state, (void)message, (void)value;
    return TSR_OK;
}

static const tsr_fdo_module download = { .name = "fdo.download", .receive = receive };
static const tsr_fdo_module command = { .name = "fdo.command", .receive = receive };
static const tsr_fdo_module *const modules[] = { &download, &command };
static const tsr_fdo_devmod facts = { .os = "linux", .arch = "amd64", .version = "1",
                                      .device = "replay", .separator = ";", .bin = "amd64" };

/* ---- go-fdo's credential ------------------------------------------------------------------ */

typedef struct {
    tsr_bytes guid, rv_info, secret, pkcs8;
    tsr_fdo_hash key_hash;
} blob;

/* [Active, 101, DeviceInfo, GUID, RVInfo, PubKeyHash, secret, PKCS#8] */
static void read_blob(const char *name, trace_body *b, blob *c)
{
    tsr_bytes in = trace_file(r.folder, name, b), text;
    uint64_t version;
    bool active;

    assert_int_equal(tsr_fdo_get_array(&in, 8), TSR_OK);
    assert_int_equal(tsr_cbor_get_bool(&in, &active), TSR_OK);
    assert_int_equal(tsr_cbor_get_uint(&in, &version), TSR_OK);
    assert_int_equal(tsr_cbor_get_text(&in, &text), TSR_OK);
    assert_int_equal(tsr_fdo_get_id(&in, &c->guid), TSR_OK);
    assert_int_equal(tsr_fdo_get_item(&in, &c->rv_info), TSR_OK);
    assert_int_equal(tsr_fdo_get_hash(&in, &c->key_hash), TSR_OK);
    assert_int_equal(tsr_cbor_get_bytes(&in, &c->secret), TSR_OK);
    assert_int_equal(tsr_cbor_get_bytes(&in, &c->pkcs8), TSR_OK);
}

static tsr_cose_key_id import(psa_key_type_t type, psa_algorithm_t alg, tsr_bytes in)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_cose_key_id id;

    psa_set_key_type(&a, type);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE);
    assert_int_equal(psa_import_key(&a, in.ptr, in.len, &id), PSA_SUCCESS);
    return id;
}

/* RFC 5208 §5, RFC 5915 §3 */
static tsr_cose_key_id import_device(tsr_bytes pkcs8, int32_t alg)
{
    bool rsa = alg == TSR_COSE_RS256;
    tsr_bytes all, part, inner, d;

    assert_int_equal(tsr_der_get(&pkcs8, TSR_DER_SEQUENCE, &all), TSR_OK);
    assert_int_equal(tsr_der_get(&all, TSR_DER_INTEGER, &part), TSR_OK);
    assert_int_equal(tsr_der_get(&all, TSR_DER_SEQUENCE, &part), TSR_OK);
    assert_int_equal(tsr_der_get(&all, TSR_DER_OCTETS, &part), TSR_OK);
    if (rsa)
        return import(PSA_KEY_TYPE_RSA_KEY_PAIR, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256), part);
    assert_int_equal(tsr_der_get(&part, TSR_DER_SEQUENCE, &inner), TSR_OK);
    assert_int_equal(tsr_der_get(&inner, TSR_DER_INTEGER, &d), TSR_OK);
    assert_int_equal(tsr_der_get(&inner, TSR_DER_OCTETS, &d), TSR_OK);
    return import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                  PSA_ALG_ECDSA(d.len == 32 ? PSA_ALG_SHA_256 : PSA_ALG_SHA_384), d);
}

static void prepare(const char *folder)
{
    static const tsr_fdo_kex_method *method;
    static tsr_fdo_kex_method replayed;
    static char kex_name[16];
    static trace_body b12, b60;
    static trace_body blob_body;
    tsr_fdo_hello_device hello;
    tsr_fdo_buffers b = { .part = { .len = 0 } };
    tsr_buf *all[] = { &b.credential, &b.next, &b.redirect, &b.message, &b.in, &b.out };
    tsr_cose_message m;
    tsr_fdo_hash hmac;
    tsr_fdo_eat eat;
    tsr_bytes nonce;
    blob c;

    memset(&r, 0, sizeof r);
    r.folder = folder;
    kat_read(folder, &r.k);
    read_blob("cred-after-di.bin", &blob_body, &c);
    assert_int_equal(tsr_fdo_app_start_read(trace_message(folder, 10, &r.b10), &r.made), TSR_OK);
    assert_int_equal(tsr_fdo_set_hmac_read(trace_message(folder, 12, &b12), &hmac), TSR_OK);
    assert_int_equal(tsr_fdo_hello_device_read(trace_message(folder, 60, &b60), &hello), TSR_OK);
    assert_int_equal(tsr_cose_read(trace_message(folder, 64, &r.b64), TSR_COSE_SIGN1, &m), TSR_OK);
    assert_int_equal(tsr_fdo_eat_read(m.payload, &eat), TSR_OK);
    assert_int_equal(tsr_fdo_prove_device_header_read(&m, &nonce), TSR_OK);
    memcpy(r.nonce[0], hello.nonce.ptr, 16);
    memcpy(r.nonce[1], nonce.ptr, 16);
    r.xb = eat.kex;
    snprintf(kex_name, sizeof kex_name, "%.*s", (int)hello.kex.len, (const char *)hello.kex.ptr);
    replayed = (tsr_fdo_kex_method){ .name = kex_name, .answer = answer, .fits = fits };
    method = &replayed;
    r.secret = import(PSA_KEY_TYPE_HMAC, tsr_fdo_hash_psa(hmac.alg), c.secret);
    r.key = import_device(c.pkcs8, (int32_t)hello.sig.type);
    r.config = (tsr_fdo_device_config){
        .device_key = r.key,
        .device_alg = (int32_t)hello.sig.type,
        .secret = r.secret,
        .mac = hmac.alg,
        .kex = &method,
        .kex_count = 1,
        .cipher = kat_cipher(folder),
        .random = &recorded,
        .transports = 1u << TSR_FDO_OVER_HTTP,
        .devmod = &facts,
        .modules = modules,
        .module_count = 2,
        .made = r.made,
        .csr = csr,
        .store = store,
    };
    for (size_t i = 0; i < 6; i++)
        *all[i] = tsr_buf_over(r.room[i], sizeof r.room[i]);
    assert_int_equal(tsr_fdo_device_init(&r.device, &r.config, &b, tsr_view(NULL, 0)), TSR_OK);
}

/* ---- what it has to say ------------------------------------------------------------------- */

static void same_bytes(unsigned type, tsr_bytes body)
{
    static trace_body want;

    assert_true(tsr_same(body, trace_message(r.folder, type, &want)));
}

static void same_payload(unsigned type, tsr_bytes body)
{
    static trace_body want;
    tsr_cose_message mine, theirs;
    tsr_fdo_eat a, b;

    assert_int_equal(tsr_cose_read(body, TSR_COSE_SIGN1, &mine), TSR_OK);
    assert_int_equal(
        tsr_cose_read(trace_message(r.folder, type, &want), TSR_COSE_SIGN1, &theirs), TSR_OK);
    assert_true(tsr_same(mine.protected_map, theirs.protected_map));
    assert_true(tsr_same(mine.unprotected_map, theirs.unprotected_map));
    assert_int_equal(mine.proof.len, theirs.proof.len);
    assert_int_equal(tsr_fdo_eat_read(mine.payload, &a), TSR_OK);
    assert_int_equal(tsr_fdo_eat_read(theirs.payload, &b), TSR_OK);
    assert_true(tsr_same(a.nonce, b.nonce) && tsr_same(a.guid, b.guid) && tsr_same(a.kex, b.kex));
}

static tsr_bytes opened(tsr_bytes sealed, uint8_t *room, size_t cap)
{
    tsr_buf plain = tsr_buf_over(room, cap);
    tsr_fdo_session s;

    assert_int_equal(
        tsr_fdo_session_open(&s, r.config.cipher, TSR_FDO_SVK_SHORT, &r.k.secret), TSR_OK);
    assert_int_equal(tsr_fdo_session_unseal(&s, sealed, &plain), TSR_OK);
    tsr_fdo_session_close(&s);
    return tsr_buf_view(&plain);
}

static void same_hmac(tsr_bytes body)
{
    static trace_body want;
    uint8_t a[256], b[256];
    tsr_fdo_hash mine, theirs;
    uint64_t size;

    assert_int_equal(tsr_fdo_device_ready_read(opened(body, a, sizeof a), &mine, &size), TSR_OK);
    assert_int_equal(
        tsr_fdo_device_ready_read(opened(trace_message(r.folder, 66, &want), b, sizeof b),
                                  &theirs, &size),
        TSR_OK);
    assert_true(tsr_fdo_hash_same(&mine, &theirs));
}

static void same_done(tsr_bytes body, trace_body *want)
{
    uint8_t a[64], b[64];

    assert_true(tsr_same(opened(body, a, sizeof a),
                         opened(tsr_view(want->room, want->len), b, sizeof b)));
}

static void check(const tsr_fdo_send *send, unsigned exchange)
{
    static trace_body request;
    unsigned type = 0;

    switch (send->type) {
    case 10:
    case 12:
    case 30:
    case 60:
    case 62: same_bytes(send->type, send->body); break;
    case 32:
    case 64: same_payload(send->type, send->body); break;
    case 66: same_hmac(send->body); break;
    case 68: assert_true(kat_exchange(r.folder, exchange, &type, &request, false)); break;
    case 70:
        assert_true(kat_exchange(r.folder, exchange, &type, &request, false));
        assert_int_equal(type, 70);
        same_done(send->body, &request);
        break;
    default: fail_msg("message %u", send->type);
    }
}

/* The run's answers, one for each message that the engine sends. */
static void exchange(unsigned n)
{
    static trace_body body;
    tsr_fdo_event e = { .what = "" };
    tsr_fdo_send send;
    unsigned type = 0;
    tsr_bytes in;

    assert_int_equal(tsr_fdo_device_poll(&r.device, 0, &send), TSR_OK);
    check(&send, n);
    if (n < 7) {
        in = trace_message(r.folder, send.type + 1u, &body);
        type = send.type + 1u;
    } else {
        assert_true(kat_exchange(r.folder, n, &type, &body, true));
        in = tsr_view(body.room, body.len);
    }
    if (tsr_fdo_device_feed(&r.device, (uint8_t)type, in, 0) != TSR_OK) {
        (void)tsr_fdo_device_event(&r.device, &e);
        fail_msg("%s: message %u: %s (%s)", r.folder, type, e.what, tsr_err_name(e.err));
    }
}

/* FDO 1.1 DeviceCredential: what is kept is what go-fdo kept of the same run. */
static void check_credential(const char *name)
{
    static trace_body b;
    const tsr_fdo_credential *mine = tsr_fdo_device_credential(&r.device);
    blob want;

    read_blob(name, &b, &want);
    assert_non_null(mine);
    assert_true(tsr_same(mine->guid, want.guid));
    assert_true(tsr_same(mine->rv_info, want.rv_info));
    assert_true(tsr_fdo_hash_same(&mine->key_hash, &want.key_hash));
}

/* FDO 1.1 message.10 to FDO 1.1 message.71: DI, TO1 and TO2 of all four runs */
static void test_device_replays_every_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRACES; i++) {
        tsr_fdo_event e;
        unsigned n = 1;

        prepare(traces[i]);
        assert_int_equal(tsr_fdo_device_begin_di(&r.device), TSR_OK);
        exchange(n++);
        exchange(n++);
        check_credential("cred-after-di.bin");
        assert_true(tsr_fdo_device_event(&r.device, &e));
        assert_int_equal(tsr_fdo_device_begin(&r.device, 0), TSR_OK);
        while (!tsr_fdo_device_idle(&r.device))
            exchange(n++);
        assert_true(tsr_fdo_device_event(&r.device, &e));
        assert_int_equal(e.kind, TSR_FDO_EV_ONBOARDED);
        assert_false(e.reused);
        check_credential("cred-after-to2.bin");
        psa_destroy_key(r.key);
        psa_destroy_key(r.secret);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_replays_every_run),
    };

    if (psa_crypto_init() != PSA_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
