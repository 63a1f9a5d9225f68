/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fdo/rig.h"

static const tsr_bytes none = { NULL, 0 };

static tsr_cose_key_id generate(psa_key_type_t type, size_t bits, psa_algorithm_t alg,
                                psa_algorithm_t second)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_cose_key_id id;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_enrollment_algorithm(&a, second);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH |
                                    PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_DECRYPT);
    assert_int_equal(psa_generate_key(&a, &id), PSA_SUCCESS);
    return id;
}

static void make_key(rig_key *k, tsr_fdo_key_type type)
{
    const psa_key_type_t ec = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1);
    tsr_buf out = tsr_buf_over(k->room, sizeof k->room);
    tsr_bytes in;

    if (type == TSR_FDO_SECP256R1)
        k->id = generate(ec, 256, PSA_ALG_ECDSA(PSA_ALG_SHA_256), 0);
    else if (type == TSR_FDO_SECP384R1)
        k->id = generate(ec, 384, PSA_ALG_ECDSA(PSA_ALG_SHA_384), 0);
    else
        k->id = generate(PSA_KEY_TYPE_RSA_KEY_PAIR, 2048,
                         PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256),
                         PSA_ALG_RSA_OAEP(PSA_ALG_SHA_256));
    assert_int_equal(tsr_fdo_put_key(&out, type, TSR_FDO_X509, k->id), TSR_OK);
    k->encoded = in = tsr_buf_view(&out);
    assert_int_equal(tsr_fdo_get_key(&in, &k->key), TSR_OK);
}

/* ---- the device's hooks ------------------------------------------------------------------- */

static tsr_err store(void *user, tsr_bytes credential)
{
    rig *r = user;

    if (r->store_err != TSR_OK)
        return r->store_err;
    assert_true(credential.len <= sizeof r->stored);
    memcpy(r->stored, credential.ptr, credential.len);
    r->stored_len = credential.len;
    r->stores++;
    return TSR_OK;
}

static tsr_err csr(void *user, tsr_buf *der)
{
    (void)user;
    tsr_put_text(der, "0");
    tsr_put_u8(der, 0);
    return TSR_OK;
}

static const tsr_fdo_devmod facts = { "Linux", "arm", "1", "rig", ";", "arm",
                                      .serial = "7", .path_separator = "/" };

static void engine(rig *r, tsr_bytes credential)
{
    tsr_buf *b[] = { &r->buffers.credential, &r->buffers.next, &r->buffers.redirect,
                     &r->buffers.message,    &r->buffers.in,   &r->buffers.out,
                     &r->buffers.part };

    for (size_t i = 0; i < sizeof b / sizeof b[0]; i++)
        *b[i] = tsr_buf_over(r->room[i], i < 2 ? 1024 : sizeof r->room[i]);
    assert_int_equal(tsr_fdo_device_init(&r->device, &r->config, &r->buffers, credential), TSR_OK);
}

void rig_make(rig *r, tsr_fdo_key_type type, bool p384, const tsr_fdo_kex_method *kex,
              const tsr_fdo_cipher *cipher)
{
    static const tsr_fdo_kex_method *methods[1];
    static const uint8_t rv[] = {
        0x82, 0x81, 0x82, 0x0d, 0x41, 0x00, 0x83, 0x82, 0x0c, 0x41, 0x01, 0x82, 0x05, 0x43,
        0x62, 'r',  'v',  0x82, 0x03, 0x42, 0x18, 0x50,
    };
    int32_t mac = p384 ? TSR_FDO_HMAC384 : TSR_FDO_HMAC256;

    memset(r, 0, sizeof *r);
    methods[0] = kex;
    make_key(&r->maker, type);
    for (size_t i = 0; i < RIG_ENTRIES; i++)
        make_key(&r->owner[i], type);
    make_key(&r->stranger, type);
    make_key(&r->device_key, p384 ? TSR_FDO_SECP384R1 : TSR_FDO_SECP256R1);
    r->secret = generate(PSA_KEY_TYPE_HMAC, 256, tsr_fdo_hash_psa(mac), 0);
    memcpy(r->rv, rv, sizeof rv);
    r->rv_len = sizeof rv;
    r->config = (tsr_fdo_device_config){
        .device_key = r->device_key.id,
        .device_alg = p384 ? TSR_COSE_ES384 : TSR_COSE_ES256,
        .secret = r->secret,
        .mac = mac,
        .kex = methods,
        .kex_count = 1,
        .cipher = cipher,
        .random = &tsr_fdo_random_psa,
        .transports = 1u << TSR_FDO_OVER_HTTP,
        .devmod = &facts,
        .made = { .key_type = type,
                  .key_encoding = TSR_FDO_X509,
                  .serial = tsr_text("1"),
                  .device_info = tsr_text("rig") },
        .csr = csr,
        .store = store,
        .user = r,
    };
    engine(r, none);
}

void rig_drop(rig *r)
{
    tsr_fdo_device_stop(&r->device);
    tsr_fdo_session_close(&r->session);
    tsr_fdo_kex_drop(&r->kex);
    psa_destroy_key(r->maker.id);
    for (size_t i = 0; i < RIG_ENTRIES; i++)
        psa_destroy_key(r->owner[i].id);
    psa_destroy_key(r->stranger.id);
    psa_destroy_key(r->device_key.id);
    psa_destroy_key(r->secret);
}

/* ---- the services ------------------------------------------------------------------------- */

static bool damaged(const rig *r, unsigned type, rig_damage damage)
{
    return r->damaged == type && r->damage == damage;
}

static tsr_cose_key_id signer(const rig *r, unsigned type, const rig_key *k)
{
    return damaged(r, type, RIG_STRANGER) ? r->stranger.id : k->id;
}

static void draw(uint8_t *to, size_t len) { psa_generate_random(to, len); }

static void flip(tsr_buf *out, size_t from_end) { out->ptr[out->len - 1 - from_end] ^= 0x11; }

static void put_nonce_of(const rig *r, unsigned type, tsr_bytes *nonce, uint8_t wrong[16])
{
    if (!damaged(r, type, RIG_NONCE))
        return;
    memcpy(wrong, nonce->ptr, 16);
    wrong[3] ^= 1;
    *nonce = tsr_view(wrong, 16);
}

static void sign(rig *r, unsigned type, tsr_buf *out, const rig_key *k, tsr_cose_params p,
                 tsr_buf *payload)
{
    p.alg = tsr_fdo_key_alg(k->key.type, k->key.bits);
    if (damaged(r, type, RIG_PAYLOAD))
        payload->ptr[0] = 0x61;
    assert_int_equal(
        tsr_cose_sign1(out, &p, signer(r, type, k), tsr_buf_view(payload), none), TSR_OK);
    if (damaged(r, type, RIG_SIGNATURE))
        flip(out, 5);
}

static void on_10(rig *r, tsr_buf *out)
{
    static const uint8_t hash[32] = { 5 };
    tsr_buf header = tsr_buf_over(r->plain, sizeof r->plain);
    tsr_fdo_ov_header h = {
        .guid = { r->new_guid, 16 },
        .rv_info = { r->rv, r->rv_len },
        .device_info = tsr_text("rig"),
        .manufacturer = { .encoded = r->maker.encoded },
    };

    draw(r->new_guid, 16);
    if (r->chain)
        h.chain_hash = (tsr_fdo_hash){ TSR_FDO_SHA256, { hash, 32 } };
    if (damaged(r, 11, RIG_HEADER))
        h.rv_info = tsr_view("\x80", 1);
    tsr_fdo_ov_header_write(&header, &h);
    tsr_fdo_set_credentials_write(out, tsr_buf_view(&header));
}

/* The voucher, and its two changes of hands. */
static void on_12(rig *r, tsr_bytes in, tsr_buf *out)
{
    tsr_buf a = tsr_buf_over(r->voucher, sizeof r->voucher);
    tsr_buf b = tsr_buf_over(r->spare, sizeof r->spare);
    tsr_bytes header;
    tsr_fdo_hash hmac;
    tsr_fdo_voucher v;

    tsr_bytes rest = tsr_view(r->plain, sizeof r->plain); /* of message 11 */

    assert_int_equal(tsr_fdo_get_item(&rest, &header), TSR_OK);
    assert_int_equal(tsr_fdo_set_hmac_read(in, &hmac), TSR_OK);
    tsr_fdo_voucher_write(&a, header, &hmac, none);
    assert_int_equal(tsr_fdo_voucher_read(tsr_buf_view(&a), &v), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_check_hmac(&v, r->secret), TSR_OK);
    assert_int_equal(
        tsr_fdo_voucher_extend(&b, &v, r->maker.id, r->owner[0].encoded, none), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_read(tsr_buf_view(&b), &v), TSR_OK);
    a.len = 0;
    assert_int_equal(
        tsr_fdo_voucher_extend(&a, &v, r->owner[0].id, r->owner[1].encoded, none), TSR_OK);
    r->voucher_len = a.len;
    tsr_fdo_empty_write(out);
}

static const rig_key *owner_of(const rig *r) { return &r->owner[RIG_ENTRIES - 1]; }

static void check_eat(rig *r, tsr_bytes in, const uint8_t *nonce, tsr_fdo_eat *eat,
                      tsr_cose_message *m)
{
    assert_int_equal(tsr_cose_read(in, TSR_COSE_SIGN1, m), TSR_OK);
    assert_int_equal(tsr_fdo_verify(m, &r->device_key.key), TSR_OK);
    assert_int_equal(tsr_fdo_eat_read(m->payload, eat), TSR_OK);
    assert_memory_equal(eat->nonce.ptr, nonce, 16);
}

static void on_30(rig *r, tsr_bytes in, tsr_buf *out)
{
    tsr_fdo_hello_rv h;

    assert_int_equal(tsr_fdo_hello_rv_read(in, &h), TSR_OK);
    draw(r->nonce_rv, 16);
    h.id = tsr_view(r->nonce_rv, 16);
    if (damaged(r, 31, RIG_SIG_INFO))
        h.sig.type = -37;
    tsr_fdo_hello_rv_write(out, &h);
}

static void on_32(rig *r, tsr_bytes in, tsr_buf *out)
{
    static const uint8_t zeros[32] = { 0 };
    const tsr_fdo_addr addrs[] = {
        { { (const uint8_t *)"\x0a\0\0\1", 4 }, { NULL, 0 }, 80, TSR_FDO_OVER_COAP },
        { { (const uint8_t *)"\x0a\0\0\2", 4 }, tsr_text("owner"), 8080, TSR_FDO_OVER_HTTP },
    };
    const tsr_fdo_hash hash = { TSR_FDO_SHA256, { zeros, 32 } };
    tsr_buf payload = tsr_buf_over(r->plain, sizeof r->plain);
    tsr_cose_message m;
    tsr_fdo_eat eat;

    check_eat(r, in, r->nonce_rv, &eat, &m);
    tsr_fdo_to1d_write(&payload, addrs, 2, &hash);
    sign(r, 33, out, owner_of(r), (tsr_cose_params){ 0 }, &payload);
}

static void on_60(rig *r, tsr_bytes in, tsr_buf *out)
{
    uint8_t xa_room[TSR_FDO_X_MAX], hash_room[TSR_FDO_HASH_MAX], head_room[600], wrong[16];
    tsr_buf xa = tsr_buf_over(xa_room, sizeof xa_room);
    tsr_buf head = tsr_buf_over(head_room, sizeof head_room);
    tsr_buf payload = tsr_buf_over(r->plain, sizeof r->plain);
    tsr_cose_params params = { .unprotected_count = 2 };
    tsr_fdo_hello_device h;
    tsr_fdo_voucher v;
    tsr_fdo_prove_ov p;
    tsr_bytes header, key = owner_of(r)->encoded;

    assert_int_equal(tsr_fdo_hello_device_read(in, &h), TSR_OK);
    assert_int_equal(
        tsr_fdo_voucher_read(tsr_view(r->voucher, r->voucher_len), &v), TSR_OK);
    assert_true(tsr_same(h.guid, v.header.guid));
    draw(r->nonce_dv, 16);
    memcpy(r->nonce_ov, h.nonce.ptr, 16);
    assert_int_equal(
        tsr_fdo_kex_offer(&r->kex, tsr_fdo_kex_find(h.kex), &tsr_fdo_random_psa, &xa), TSR_OK);
    header = v.header.encoded;
    p = (tsr_fdo_prove_ov){ .header = header,
                            .entries = (uint8_t)v.count,
                            .hmac = v.hmac,
                            .nonce = tsr_view(r->nonce_ov, 16),
                            .sig = h.sig,
                            .kex = tsr_buf_view(&xa),
                            .max_message = 65535 };
    if (damaged(r, 61, RIG_SIG_INFO))
        p.sig.type = TSR_COSE_ES384 + TSR_COSE_ES256 - (int32_t)p.sig.type;
    if (damaged(r, 61, RIG_HEADER))
        r->voucher[40] ^= 1;
    if (damaged(r, 61, RIG_NUMBER))
        p.entries = 0;
    put_nonce_of(r, 61, &p.nonce, wrong);
    assert_int_equal(tsr_fdo_hash_make(TSR_FDO_SHA256, &in, 1, hash_room, &p.hello_hash), TSR_OK);
    if (damaged(r, 61, RIG_HASH))
        hash_room[1] ^= 4;
    if (damaged(r, 61, RIG_HMAC))
        ((uint8_t *)(uintptr_t)p.hmac.value.ptr)[0] ^= 1;
    tsr_fdo_prove_ov_write(&payload, &p);
    if (damaged(r, 61, RIG_STRANGER)) /* and says so */
        key = r->stranger.encoded;
    tsr_fdo_prove_ov_header_write(&head, tsr_view(r->nonce_dv, 16), key);
    params.unprotected_more = tsr_buf_view(&head);
    sign(r, 61, out, owner_of(r), params, &payload);
    if (damaged(r, 61, RIG_HEADER))
        r->voucher[40] ^= 1;
    if (damaged(r, 61, RIG_HMAC))
        ((uint8_t *)(uintptr_t)p.hmac.value.ptr)[0] ^= 1;
}

static void on_62(rig *r, tsr_bytes in, tsr_buf *out)
{
    tsr_fdo_voucher v;
    tsr_bytes entry;
    uint64_t n;

    assert_int_equal(
        tsr_fdo_voucher_read(tsr_view(r->voucher, r->voucher_len), &v), TSR_OK);
    assert_int_equal(tsr_fdo_number_read(in, 255, &n), TSR_OK);
    assert_int_equal(tsr_fdo_voucher_entry(&v, (size_t)n, &entry), TSR_OK);
    if (damaged(r, 63, RIG_NUMBER))
        n++;
    tsr_fdo_next_entry_write(out, n, entry);
    if (damaged(r, 63, RIG_SIGNATURE))
        flip(out, 5);
    if (damaged(r, 63, RIG_PAYLOAD))
        out->ptr[30] ^= 1;
}

static void seal(rig *r, unsigned type, tsr_buf *plain, tsr_buf *out)
{
    if (damaged(r, type, RIG_BYTES))
        draw(plain->ptr, plain->len);
    assert_int_equal(
        tsr_fdo_session_seal(&r->session, &tsr_fdo_random_psa, tsr_buf_view(plain), out), TSR_OK);
    if (damaged(r, type, RIG_WRAPPING))
        flip(out, 3);
}

static tsr_bytes unseal(rig *r, tsr_bytes in)
{
    tsr_buf plain = tsr_buf_over(r->plain, sizeof r->plain);

    assert_int_equal(tsr_fdo_session_unseal(&r->session, in, &plain), TSR_OK);
    return tsr_buf_view(&plain);
}

static void on_64(rig *r, tsr_bytes in, tsr_buf *out)
{
    uint8_t room[1024], wrong[16];
    tsr_buf payload = tsr_buf_over(r->plain, sizeof r->plain), cose = tsr_buf_over(room, 1024);
    tsr_fdo_setup s = { .rv_info = { r->rv, r->rv_len }, .nonce = { r->nonce_setup, 16 } };
    tsr_fdo_secret secret;
    tsr_cose_message m;
    tsr_fdo_eat eat;
    tsr_bytes nonce;

    check_eat(r, in, r->nonce_dv, &eat, &m);
    assert_int_equal(tsr_fdo_prove_device_header_read(&m, &nonce), TSR_OK);
    memcpy(r->nonce_setup, nonce.ptr, 16);
    assert_int_equal(tsr_fdo_kex_accept(&r->kex, eat.kex, owner_of(r)->id, &secret), TSR_OK);
    tsr_fdo_session_close(&r->session);
    assert_int_equal(tsr_fdo_session_open(&r->session, r->config.cipher, r->svk, &secret), TSR_OK);
    draw(r->new_guid, 16);
    s.guid = r->reuse ? eat.guid : tsr_view(r->new_guid, 16);
    s.owner.encoded = owner_of(r)->encoded;
    put_nonce_of(r, 65, &s.nonce, wrong);
    tsr_fdo_setup_write(&payload, &s);
    sign(r, 65, &cose, owner_of(r), (tsr_cose_params){ 0 }, &payload);
    seal(r, 65, &cose, out);
}

static void on_66(rig *r, tsr_bytes in, tsr_buf *out)
{
    uint8_t room[16];
    tsr_buf plain = tsr_buf_over(room, sizeof room);
    tsr_fdo_hash hmac;
    uint64_t size;

    assert_int_equal(tsr_fdo_device_ready_read(unseal(r, in), &hmac, &size), TSR_OK);
    assert_int_equal(hmac.alg, r->reuse ? 0 : r->config.mac);
    r->hmac = hmac;
    if (hmac.alg != 0)
        memcpy(r->hmac_room, hmac.value.ptr, hmac.value.len);
    r->hmac.value.ptr = r->hmac_room;
    r->rounds = 0;
    tsr_fdo_owner_ready_write(&plain, damaged(r, 67, RIG_SIZE) ? 255 : r->owner_limit);
    seal(r, 67, &plain, out);
}

static tsr_err says_nothing(void *user, unsigned round, tsr_fdo_info *heard, tsr_buf *pairs,
                            uint64_t *count, bool *more, bool *done)
{
    (void)user, (void)round, (void)heard, (void)pairs, (void)count, (void)more;
    *done = true;
    return TSR_OK;
}

static void on_68(rig *r, tsr_bytes in, tsr_buf *out)
{
    static uint8_t pairs_room[4096], room[4200];
    tsr_buf pairs = tsr_buf_over(pairs_room, sizeof pairs_room);
    tsr_buf plain = tsr_buf_over(room, sizeof room);
    tsr_bytes said = unseal(r, in);
    tsr_fdo_info heard;
    uint64_t count = 0;
    bool more = false, done = false, was_more;

    assert_int_equal(tsr_fdo_info_read(said, false, &heard), TSR_OK);
    was_more = heard.more;
    if (said.len > r->longest)
        r->longest = (unsigned)said.len;
    r->rounds++;
    if (r->owner_says != NULL)
        assert_int_equal(
            r->owner_says(r->user, r->rounds, &heard, &pairs, &count, &more, &done), TSR_OK);
    else if (!was_more)
        assert_int_equal(
            says_nothing(r->user, r->rounds, &heard, &pairs, &count, &more, &done), TSR_OK);
    if (damaged(r, 69, RIG_SIZE))
        more = done = true;
    tsr_fdo_info_write(&plain, true, more, done, tsr_buf_view(&pairs), count);
    seal(r, 69, &plain, out);
}

static void on_70(rig *r, tsr_bytes in, tsr_buf *out)
{
    uint8_t room[32], wrong[16];
    tsr_buf plain = tsr_buf_over(room, sizeof room);
    tsr_bytes nonce;

    assert_int_equal(tsr_fdo_nonce_read(unseal(r, in), &nonce), TSR_OK);
    assert_memory_equal(nonce.ptr, r->nonce_dv, 16);
    nonce = tsr_view(r->nonce_setup, 16);
    put_nonce_of(r, 71, &nonce, wrong);
    tsr_fdo_nonce_write(&plain, nonce);
    seal(r, 71, &plain, out);
}

static void serve(rig *r, uint8_t type, tsr_bytes in, tsr_buf *out)
{
    switch (type) {
    case 10: on_10(r, out); break;
    case 12: on_12(r, in, out); break;
    case 30: on_30(r, in, out); break;
    case 32: on_32(r, in, out); break;
    case 60: on_60(r, in, out); break;
    case 62: on_62(r, in, out); break;
    case 64: on_64(r, in, out); break;
    case 66: on_66(r, in, out); break;
    case 68: on_68(r, in, out); break;
    case 70: on_70(r, in, out); break;
    default: fail_msg("message %u", type);
    }
    assert_int_equal(out->err, TSR_OK);
}

/* ---- the exchange ------------------------------------------------------------------------- */

static void break_whole(rig *r, unsigned type, tsr_buf *out)
{
    if (damaged(r, type, RIG_ENCODING)) {
        draw(out->ptr, 1 + out->len / 4);
        memset(out->ptr + 1 + out->len / 4, 0, out->len - 1 - out->len / 4);
        out->ptr[0] |= 0xe0; /* never the message that it was */
    }
    if (damaged(r, type, RIG_TRUNCATED))
        out->len--;
    if (damaged(r, type, RIG_OVERLONG))
        tsr_put_u8(out, 0);
}

static void note_events(rig *r)
{
    tsr_fdo_event e;

    while (tsr_fdo_device_event(&r->device, &e)) {
        if (e.kind == TSR_FDO_EV_FAILED) {
            r->failure = e;
            r->failed = true;
        }
        r->onboarded |= e.kind == TSR_FDO_EV_ONBOARDED || e.kind == TSR_FDO_EV_MADE;
    }
}

bool rig_step(rig *r)
{
    tsr_buf out = tsr_buf_over(r->answer, sizeof r->answer);
    static uint8_t body_room[8192];
    tsr_fdo_send send;
    unsigned type;

    if (tsr_fdo_device_poll(&r->device, r->now, &send) != TSR_OK) {
        note_events(r);
        return false;
    }
    r->last = send.type;
    r->sent[send.type]++;
    note_events(r);
    if (send.type == TSR_FDO_ERROR)
        return true;
    memcpy(body_room, send.body.ptr, send.body.len);
    serve(r, send.type, tsr_view(body_room, send.body.len), &out);
    type = send.type + 1u;
    break_whole(r, type, &out);
    if (damaged(r, type, RIG_LOST)) {
        tsr_fdo_device_lost(&r->device, r->now);
    } else if (damaged(r, type, RIG_ERROR)) {
        (void)tsr_fdo_device_feed(&r->device, 255, tsr_text("\x85\x18\x65\x0a\x60\xf6\xf6"),
                                  r->now);
    } else {
        uint8_t said = damaged(r, type, RIG_TYPE) ? (uint8_t)(type ^ 2u) : (uint8_t)type;

        (void)tsr_fdo_device_feed(&r->device, said, tsr_buf_view(&out), r->now);
    }
    note_events(r);
    return true;
}

static void run(rig *r)
{
    r->failed = r->onboarded = false;
    for (unsigned i = 0; i < 5000 && !r->failed && !r->onboarded; i++)
        if (!rig_step(r)) {
            uint64_t due = tsr_fdo_device_due(&r->device);

            if (due == UINT64_MAX)
                break;
            if (due > r->now)
                r->now = due;
        }
    if (r->failed) /* the message that tells the peer */
        (void)rig_step(r);
}

void rig_di(rig *r)
{
    assert_int_equal(tsr_fdo_device_begin_di(&r->device), TSR_OK);
    run(r);
}

void rig_onboard(rig *r)
{
    if (tsr_fdo_device_idle(&r->device))
        assert_int_equal(tsr_fdo_device_begin(&r->device, r->now), TSR_OK);
    run(r);
}

void rig_restart(rig *r)
{
    static uint8_t kept[1024];

    tsr_fdo_device_stop(&r->device);
    memcpy(kept, r->stored, r->stored_len);
    engine(r, tsr_view(kept, r->stored_len));
}
