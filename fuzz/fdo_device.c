/* SPDX-License-Identifier: Apache-2.0
 *
 * Every answer that a device may get, of any bytes, in the state in which it awaits it; those from
 * 65 on as what was encrypted. One input is a chain of answers. With the first byte above 127 the owner has the right keys:
 * each answer begins with a byte that says whether it is as it stands (0), what is right but for some bytes,
 * signed after that (1), these bytes, signed (2), or the right one with another header, whose HMAC is
 * right (3). A device goes on only with its own voucher, its nonces and the key that the voucher ends with. */
#include "fuzz/fuzz.h"
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/device.h"

static const uint8_t awaits[] = { 10, 12, 30, 32, 60, 62, 64, 66, 68, 70 };

static tsr_cose_key_id device_key, secret_key;
static unsigned stored;

static tsr_err fill(void *user, uint8_t *to, size_t len)
{
    (void)user;
    memset(to, 7, len); /* the nonces of the seeds */
    return TSR_OK;
}

static const tsr_fdo_random constant = { fill, NULL };
static const tsr_fdo_secret secret = { .shse = { 1 }, .len = 64 };

static tsr_err store(void *user, tsr_bytes credential)
{
    tsr_fdo_credential c;

    (void)user;
    stored++;
    must(tsr_fdo_credential_read(credential, &c) == TSR_OK);
    return TSR_OK;
}

static tsr_err csr(void *user, tsr_buf *der)
{
    (void)user;
    tsr_put_u8(der, 0x30);
    return der->err;
}

static tsr_err receive(void *state, tsr_bytes message, tsr_bytes value)
{
    unsigned *busy = state;

    must(tsr_cbor_check(value) == TSR_OK);
    if (message.len == 1 && ++*busy % 3 != 0)
        return TSR_END;
    return message.len == 2 ? TSR_E_DENIED : TSR_OK;
}

static tsr_err answer(void *state, const char **message, tsr_buf *value)
{
    unsigned *left = state;

    if (*left % 4 == 0)
        return TSR_END;
    --*left;
    *message = "data";
    tsr_cbor_put_bytes(value, tsr_view("0123456789", 10));
    return value->err;
}

static unsigned busy;
static const tsr_fdo_module module = { "m", &busy, receive, answer, NULL, NULL };
static const tsr_fdo_module *const modules[] = { &module };
static const tsr_fdo_devmod facts = { .os = "o", .arch = "a", .version = "v", .device = "d",
                                      .separator = ";", .bin = "b" };
static const tsr_fdo_kex_method *const kex[] = { &tsr_fdo_ecdh256 };
static tsr_fdo_device_config config;

static tsr_cose_key_id generate(psa_key_type_t type, psa_algorithm_t alg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_cose_key_id id;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, 256);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE);
    must(psa_generate_key(&a, &id) == PSA_SUCCESS);
    return id;
}

/* ---- whoever made the device, and who owned it ---- */

typedef struct {
    tsr_cose_key_id id;
    uint8_t room[512];
    tsr_bytes encoded;
    tsr_fdo_key key;
} party;

static const uint8_t rv_info[] = { 0x81, 0x82, 0x82, 0x05, 0x42, 0x61, 'r', 0x82, 0x0c, 0x41, 0x01 };
static const uint8_t sevens[16] = { 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 };
static const tsr_bytes none = { NULL, 0 };

static party maker, owners[2];
static uint8_t voucher_room[4096], credential_room[256];
static tsr_fdo_voucher voucher;
static tsr_bytes credential;

static void make_party(party *p)
{
    tsr_buf out = tsr_buf_over(p->room, sizeof p->room);
    tsr_bytes in;

    p->id = generate(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    must(tsr_fdo_put_key(&out, TSR_FDO_SECP256R1, TSR_FDO_X509, p->id) == TSR_OK);
    p->encoded = in = tsr_buf_view(&out);
    must(tsr_fdo_get_key(&in, &p->key) == TSR_OK);
}

static void make_credential(void)
{
    uint8_t hash[TSR_FDO_HASH_MAX];
    tsr_buf out = tsr_buf_over(credential_room, sizeof credential_room);
    tsr_fdo_credential c = { true, tsr_text("d"), { sevens, 16 }, { rv_info, sizeof rv_info }, { 0, none },
                             TSR_FDO_SECP256R1, 256 };

    must(tsr_fdo_hash_make(TSR_FDO_SHA256, &maker.encoded, 1, hash, &c.key_hash) == TSR_OK);
    tsr_fdo_credential_write(&out, &c);
    must(out.err == TSR_OK);
    credential = tsr_buf_view(&out);
}

/* From its maker to one owner, and to the next. */
static void make_voucher(void)
{
    static uint8_t first[4096], header_room[1024];
    uint8_t mac[TSR_FDO_HASH_MAX];
    tsr_buf header = tsr_buf_over(header_room, sizeof header_room), a = tsr_buf_over(voucher_room, sizeof voucher_room),
            b = tsr_buf_over(first, sizeof first);
    tsr_fdo_ov_header h = { .guid = { sevens, 16 }, .rv_info = { rv_info, sizeof rv_info },
                            .device_info = tsr_text("d"), .manufacturer = { .encoded = maker.encoded } };
    tsr_fdo_hash hmac;

    tsr_fdo_ov_header_write(&header, &h);
    must(tsr_fdo_mac_make(config.mac, secret_key, tsr_buf_view(&header), mac, &hmac) == TSR_OK);
    tsr_fdo_voucher_write(&a, tsr_buf_view(&header), &hmac, none);
    must(tsr_fdo_voucher_read(tsr_buf_view(&a), &voucher) == TSR_OK);
    must(tsr_fdo_voucher_extend(&b, &voucher, maker.id, owners[0].encoded, none) == TSR_OK);
    must(tsr_fdo_voucher_read(tsr_buf_view(&b), &voucher) == TSR_OK);
    a.len = 0;
    must(tsr_fdo_voucher_extend(&a, &voucher, owners[0].id, owners[1].encoded, none) == TSR_OK);
    must(tsr_fdo_voucher_read(tsr_buf_view(&a), &voucher) == TSR_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    device_key = generate(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
                          PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    secret_key = generate(PSA_KEY_TYPE_HMAC, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    config = (tsr_fdo_device_config){
        .device_key = device_key,
        .device_alg = TSR_COSE_ES256,
        .secret = secret_key,
        .mac = TSR_FDO_HMAC256,
        .kex = kex,
        .kex_count = 1,
        .cipher = &tsr_fdo_a128gcm,
        .random = &constant,
        .transports = 1u << TSR_FDO_OVER_HTTP | 1u << TSR_FDO_OVER_HTTPS,
        .rounds_max = 20,
        .devmod = &facts,
        .modules = modules,
        .module_count = 1,
        .made = { .key_type = TSR_FDO_SECP256R1, .key_encoding = TSR_FDO_X509,
                  .serial = { (const uint8_t *)"1", 1 }, .device_info = { (const uint8_t *)"d", 1 } },
        .csr = csr,
        .store = store,
    };
    make_party(&maker);
    make_party(&owners[0]);
    make_party(&owners[1]);
    make_credential();
    make_voucher();
    return 0;
}

/* As after the messages before it, with nonces and keys that are known. */
static void place(tsr_fdo_device *d, uint8_t sent)
{
    d->state = 2; /* a protocol runs */
    d->sent = sent;
    d->awaited = true;
    memset(d->nonce_ov, 7, 16);
    memset(d->nonce_dv, 7, 16);
    memset(d->nonce_setup, 7, 16);
    d->kex = kex[0];
    d->entries = 2;
    tsr_put_bytes(&d->b.next, tsr_buf_view(&d->b.credential)); /* what 11 or 65 made */
    must(tsr_fdo_ov_begin(&d->chain, &voucher.header, voucher.hmac_encoded) == TSR_OK);
    must(tsr_fdo_key_print(&owners[1].key, d->owner_print) == TSR_OK);
    if (sent >= 64)
        must(tsr_fdo_session_open(&d->session, config.cipher, TSR_FDO_SVK_FULL, &secret) ==
             TSR_OK);
}

static void feed(tsr_fdo_device *d, tsr_bytes body)
{
    static uint8_t room[8192];
    tsr_buf sealed = tsr_buf_over(room, sizeof room);

    if (d->sent >= 64 && d->session.keys > 0) {
        if (tsr_fdo_session_seal(&d->session, &constant, body, &sealed) != TSR_OK)
            return;
        body = tsr_buf_view(&sealed);
    }
    (void)tsr_fdo_device_feed(d, (uint8_t)(d->sent + 1), body, 0);
}

/* ---- an owner that has the keys ---- */

static tsr_cose_key_id signer_of(const tsr_fdo_device *d)
{
    return d->sent != 62 ? owners[1].id : d->chain.count == 0 ? maker.id : owners[0].id;
}

/* The header with bytes changed, and its HMAC. */
static void other_header(tsr_fdo_prove_ov *p, tsr_bytes edits, uint8_t room[1024], uint8_t mac[TSR_FDO_HASH_MAX])
{
    memcpy(room, p->header.ptr, p->header.len);
    while (edits.len >= 2) {
        size_t place = take(&edits);

        room[place % p->header.len] ^= take(&edits);
    }
    p->header = tsr_view(room, p->header.len);
    must(tsr_fdo_mac_make(config.mac, secret_key, p->header, mac, &p->hmac) == TSR_OK);
}

static void put_61(const tsr_fdo_device *d, uint8_t how, tsr_bytes edits, tsr_buf *payload)
{
    uint8_t xa_room[TSR_FDO_X_MAX], hash[TSR_FDO_HASH_MAX], header[1024], mac[TSR_FDO_HASH_MAX];
    const tsr_bytes hello = tsr_buf_view(&d->b.message);
    tsr_buf xa = tsr_buf_over(xa_room, sizeof xa_room);
    tsr_fdo_kex k = { 0 };
    tsr_fdo_prove_ov p = { .header = voucher.header.encoded, .entries = (uint8_t)voucher.count,
                           .hmac = voucher.hmac, .nonce = { d->nonce_ov, 16 }, .sig = { TSR_COSE_ES256, none },
                           .max_message = 65535 };

    must(tsr_fdo_kex_offer(&k, &tsr_fdo_ecdh256, &tsr_fdo_random_psa, &xa) == TSR_OK);
    tsr_fdo_kex_drop(&k);
    p.kex = tsr_buf_view(&xa);
    must(tsr_fdo_hash_make(TSR_FDO_SHA256, &hello, 1, hash, &p.hello_hash) == TSR_OK);
    if (how == 3)
        other_header(&p, edits, header, mac);
    tsr_fdo_prove_ov_write(payload, &p);
}

static void put_payload(const tsr_fdo_device *d, uint8_t how, tsr_bytes edits, tsr_buf *out)
{
    static const uint8_t zeros[32];
    const tsr_fdo_hash hash = { TSR_FDO_SHA256, { zeros, 32 } };
    const tsr_fdo_addr addr = { { (const uint8_t *)"\x0a\0\0\2", 4 }, tsr_text("owner"), 8080, TSR_FDO_OVER_HTTP };
    tsr_fdo_setup setup = { .rv_info = { rv_info, sizeof rv_info }, .guid = { zeros, 16 },
                            .nonce = { d->nonce_setup, 16 } };
    tsr_cose_message m;
    tsr_bytes entry;

    setup.owner.encoded = owners[1].encoded;
    if (d->sent == 32) {
        tsr_fdo_to1d_write(out, &addr, 1, &hash);
    } else if (d->sent == 60) {
        put_61(d, how, edits, out);
    } else if (d->sent == 64) {
        tsr_fdo_setup_write(out, &setup);
    } else if (tsr_fdo_voucher_entry(&voucher, d->chain.count, &entry) == TSR_OK) {
        must(tsr_cose_read(entry, TSR_COSE_SIGN1, &m) == TSR_OK);
        tsr_put_bytes(out, m.payload);
    }
}

/* Each [place (2), with]. */
static void edit(tsr_buf *payload, tsr_bytes edits)
{
    while (edits.len >= 3 && payload->len > 0) {
        size_t place = (size_t)take(&edits) << 8;

        place |= take(&edits);
        payload->ptr[place % payload->len] ^= take(&edits);
    }
}

static void sign(const tsr_fdo_device *d, tsr_bytes payload, tsr_buf *out)
{
    uint8_t room[600];
    tsr_buf header = tsr_buf_over(room, sizeof room);
    tsr_cose_params p = { .alg = TSR_COSE_ES256 };

    if (d->sent == 60) {
        tsr_fdo_prove_ov_header_write(&header, tsr_view(sevens, 16), owners[1].encoded);
        p.unprotected_more = tsr_buf_view(&header);
        p.unprotected_count = 2;
    }
    must(tsr_cose_sign1(out, &p, signer_of(d), payload, none) == TSR_OK);
}

/* What the device went on with. */
static void look(const tsr_fdo_device *d, uint8_t sent, uint8_t how, tsr_bytes payload)
{
    tsr_fdo_prove_ov p;
    tsr_fdo_ov_header h;
    tsr_fdo_setup s;

    if (!d->awaited || d->sent == sent)
        return;
    if (sent == 60) {
        must(tsr_fdo_prove_ov_read(payload, &p) == TSR_OK && tsr_same(p.nonce, tsr_view(sevens, 16)));
        must(tsr_fdo_ov_header_read(p.header, &h) == TSR_OK && tsr_same(h.guid, tsr_view(sevens, 16)));
        must(tsr_same(h.manufacturer.encoded, maker.encoded) && p.entries > 0);
        must(how == 3 || tsr_same(p.header, voucher.header.encoded));
    } else if (sent == 62 && d->sent == 64) {
        must(tsr_fdo_key_same(&d->chain.owner, &owners[1].key));
    } else if (sent == 64) {
        must(tsr_fdo_setup_read(payload, &s) == TSR_OK && tsr_same(s.nonce, tsr_view(sevens, 16)));
        must(tsr_fdo_key_same(&s.owner, &owners[1].key));
    }
}

static void feed_keyed(tsr_fdo_device *d, tsr_bytes body)
{
    static uint8_t payload_room[4096], signed_room[5000], out_room[6000];
    tsr_buf payload = tsr_buf_over(payload_room, sizeof payload_room), message = tsr_buf_over(signed_room, sizeof signed_room),
            out = tsr_buf_over(out_room, sizeof out_room);
    uint8_t how = take(&body) & 3, sent = d->sent;
    tsr_bytes entry = none;
    uint64_t number = d->chain.count;

    if (how == 0 || (sent != 32 && sent != 60 && sent != 62 && sent != 64)) {
        feed(d, body);
        return;
    }
    if (how == 2)
        tsr_put_bytes(&payload, body);
    else
        put_payload(d, how, body, &payload);
    if (how == 1)
        edit(&payload, body);
    if (payload.err != TSR_OK)
        return;
    if (sent == 62 && how == 1 && body.len == 0) /* the next entry knows this one by its signature, too */
        (void)tsr_fdo_voucher_entry(&voucher, d->chain.count, &entry);
    if (entry.len != 0)
        tsr_put_bytes(&message, entry);
    else
        sign(d, tsr_buf_view(&payload), &message);
    if (sent == 62)
        tsr_fdo_next_entry_write(&out, number, tsr_buf_view(&message));
    else
        tsr_put_bytes(&out, tsr_buf_view(&message));
    feed(d, tsr_buf_view(&out));
    look(d, sent, how, tsr_buf_view(&payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[7][2048];
    tsr_bytes in = tsr_view(data, size), body;
    tsr_fdo_buffers b;
    tsr_buf *all[] = { &b.credential, &b.next, &b.redirect, &b.message, &b.in, &b.out,
                       &b.part };
    tsr_fdo_device d;
    tsr_fdo_event e;
    tsr_fdo_send send;
    uint16_t len;
    uint8_t first;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        *all[i] = tsr_buf_over(room[i], sizeof room[i]);
    must(tsr_fdo_device_init(&d, &config, &b, credential) == TSR_OK);
    busy = stored = 0;
    first = take(&in);
    place(&d, awaits[(first & 0x7f) % sizeof awaits]);
    while (tsr_get_u16(&in, &len) == TSR_OK && d.awaited) {
        body = tsr_first(in, len);
        in = tsr_skip(in, len);
        (first & 0x80 ? feed_keyed : feed)(&d, body);
        for (uint64_t now = 0; now < 200 && tsr_fdo_device_poll(&d, now, &send) != TSR_OK;)
            now += 30; /* a module may be busy */
        while (tsr_fdo_device_event(&d, &e))
            must(e.what != NULL);
    }
    must(stored <= 2);
    tsr_fdo_device_stop(&d);
    must(d.session.keys == 0);
    return 0;
}
