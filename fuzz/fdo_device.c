/* SPDX-License-Identifier: Apache-2.0
 *
 * Every answer that a device may get, of any bytes, in the state in which it awaits it; those from
 * 65 on as what was encrypted. One input is a chain of answers. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* [101, true, "d", h'07..', [[[5, "r"], [12, 1]]], [-16, h'0..'], 10, 256] */
    static const uint8_t credential[] = {
        0x88, 0x18, 0x65, 0xf5, 0x61, 'd',  0x50, 7,    7,    7,    7,    7, 7, 7, 7, 7, 7, 7, 7,
        7,    7,    7,    7,    0x81, 0x82, 0x82, 0x05, 0x42, 0x61, 'r',  0x82, 0x0c, 0x41, 0x01,
        0x82, 0x2f, 0x58, 0x20, 0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0,
        0x0a, 0x19, 0x01, 0x00,
    };
    static uint8_t room[7][2048];
    tsr_bytes in = tsr_view(data, size), body;
    tsr_fdo_buffers b;
    tsr_buf *all[] = { &b.credential, &b.next, &b.redirect, &b.message, &b.in, &b.out,
                       &b.part };
    tsr_fdo_device d;
    tsr_fdo_event e;
    tsr_fdo_send send;
    uint16_t len;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        *all[i] = tsr_buf_over(room[i], sizeof room[i]);
    must(tsr_fdo_device_init(&d, &config, &b, tsr_view(credential, sizeof credential)) == TSR_OK);
    busy = stored = 0;
    place(&d, awaits[take(&in) % sizeof awaits]);
    while (tsr_get_u16(&in, &len) == TSR_OK && d.awaited) {
        body = tsr_first(in, len);
        in = tsr_skip(in, len);
        feed(&d, body);
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
