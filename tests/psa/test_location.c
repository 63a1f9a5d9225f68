/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys at another location (secure/crypto/location.h), with a small device made for this test: it
 * keeps scalars in slots of its own, and does its elliptic-curve arithmetic without the PSA core.
 * What the service needs of a real device is exactly what it needs of this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mbedtls/ecdsa.h"
#include "mbedtls/ecp.h"
#include "mbedtls/md.h"
#include "psa/wire/params.h"
#include "secure/crypto/service.h"

#define WANT(status, call) assert_int_equal((call), (status))
#define OK(call)           WANT(PSA_SUCCESS, call)

#define PLACE    0x800001u
#define FAR      PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(1u, PLACE)
#define FAR_RAM  PSA_KEY_LIFETIME_FROM_PERSISTENCE_AND_LOCATION(0u, PLACE)
#define P256     PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1)
#define ECDSA256 PSA_ALG_ECDSA(PSA_ALG_SHA_256)
#define HKDF     PSA_ALG_HKDF(PSA_ALG_SHA_256)
#define SIG                                                                                        \
    (PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH | PSA_KEY_USAGE_SIGN_MESSAGE |            \
     PSA_KEY_USAGE_VERIFY_MESSAGE)

/* ---- the device ---- */

static struct {
    uint8_t secret[32];
    bool used;
} slot[6];

static int noise(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

static int held_by_device(void)
{
    int n = 0;

    for (size_t i = 0; i < 6; i++)
        n += slot[i].used;
    return n;
}

/* The blob is a mark and the slot's number. */
static psa_status_t keep(const uint8_t *secret, tsr_buf *blob)
{
    for (uint8_t i = 0; i < 6; i++) {
        if (slot[i].used)
            continue;
        memcpy(slot[i].secret, secret, 32);
        slot[i].used = true;
        tsr_put_text(blob, "slot");
        tsr_put_u8(blob, i);
        return PSA_SUCCESS;
    }
    return PSA_ERROR_INSUFFICIENT_STORAGE;
}

static const uint8_t *find(tsr_bytes blob)
{
    return blob.len == 5 && memcmp(blob.ptr, "slot", 4) == 0 && blob.ptr[4] < 6 &&
                   slot[blob.ptr[4]].used
               ? slot[blob.ptr[4]].secret
               : NULL;
}

static psa_status_t device_generate(void *self, const psa_key_attributes_t *a, tsr_buf *blob)
{
    uint8_t secret[32];

    (void)self;
    if (psa_get_key_type(a) != P256 || psa_get_key_bits(a) != 256)
        return PSA_ERROR_NOT_SUPPORTED;
    do {
        (void)noise(NULL, secret, 32);
    } while (secret[0] >= 0xff); /* below the order */
    return keep(secret, blob);
}

static psa_status_t device_import(void *self, const psa_key_attributes_t *a, tsr_bytes material,
                                  tsr_buf *blob, size_t *bits)
{
    (void)self;
    if (psa_get_key_type(a) != P256 && psa_get_key_type(a) != PSA_KEY_TYPE_HMAC)
        return PSA_ERROR_NOT_SUPPORTED;
    if (material.len != 32 || (*bits != 0 && *bits != 256))
        return PSA_ERROR_INVALID_ARGUMENT;
    *bits = 256;
    return keep(material.ptr, blob);
}

static psa_status_t device_destroy(void *self, const psa_key_attributes_t *a, tsr_bytes blob)
{
    (void)self;
    (void)a;
    if (find(blob) != NULL)
        memset(&slot[blob.ptr[4]], 0, sizeof slot[0]);
    return PSA_SUCCESS;
}

typedef struct {
    mbedtls_ecp_group group;
    mbedtls_mpi d, r, s;
    mbedtls_ecp_point q;
} curve;

static void curve_open(curve *c, const uint8_t *secret)
{
    mbedtls_ecp_group_init(&c->group);
    mbedtls_mpi_init(&c->d);
    mbedtls_mpi_init(&c->r);
    mbedtls_mpi_init(&c->s);
    mbedtls_ecp_point_init(&c->q);
    (void)mbedtls_ecp_group_load(&c->group, MBEDTLS_ECP_DP_SECP256R1);
    if (secret != NULL)
        (void)mbedtls_mpi_read_binary(&c->d, secret, 32);
}

static void curve_close(curve *c)
{
    mbedtls_ecp_group_free(&c->group);
    mbedtls_mpi_free(&c->d);
    mbedtls_mpi_free(&c->r);
    mbedtls_mpi_free(&c->s);
    mbedtls_ecp_point_free(&c->q);
}

static psa_status_t put_point(curve *c, tsr_buf *out, bool x_only)
{
    uint8_t point[65];
    size_t len;

    if (mbedtls_ecp_point_write_binary(&c->group, &c->q, MBEDTLS_ECP_PF_UNCOMPRESSED, &len, point,
                                       sizeof point) != 0)
        return PSA_ERROR_HARDWARE_FAILURE;
    tsr_put_bytes(out, x_only ? tsr_view(point + 1, 32) : tsr_view(point, 65));
    return PSA_SUCCESS;
}

static psa_status_t device_public(void *self, const psa_key_attributes_t *a, tsr_bytes blob,
                                  tsr_buf *out)
{
    const uint8_t *secret = find(blob);
    psa_status_t status = PSA_ERROR_HARDWARE_FAILURE;
    curve c;

    (void)self;
    (void)a;
    if (secret == NULL)
        return PSA_ERROR_DOES_NOT_EXIST;
    curve_open(&c, secret);
    if (mbedtls_ecp_mul(&c.group, &c.q, &c.d, &c.group.G, noise, NULL) == 0)
        status = put_point(&c, out, false);
    curve_close(&c);
    return status;
}

static psa_status_t device_sign(void *self, const psa_key_attributes_t *a, tsr_bytes blob,
                                psa_algorithm_t alg, tsr_bytes hash, tsr_buf *signature)
{
    const uint8_t *secret = find(blob);
    psa_status_t status = PSA_ERROR_HARDWARE_FAILURE;
    curve c;
    uint8_t *to;

    (void)self;
    (void)a;
    if (secret == NULL)
        return PSA_ERROR_DOES_NOT_EXIST;
    if (alg != ECDSA256)
        return PSA_ERROR_NOT_SUPPORTED;
    to = tsr_buf_claim(signature, 64);
    if (to == NULL)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    curve_open(&c, secret);
    if (mbedtls_ecdsa_sign(&c.group, &c.r, &c.s, &c.d, hash.ptr, hash.len, noise, NULL) == 0 &&
        mbedtls_mpi_write_binary(&c.r, to, 32) == 0 &&
        mbedtls_mpi_write_binary(&c.s, to + 32, 32) == 0)
        status = PSA_SUCCESS;
    curve_close(&c);
    return status;
}

static psa_status_t device_agree(void *self, const psa_key_attributes_t *a, tsr_bytes blob,
                                 psa_algorithm_t alg, tsr_bytes peer, tsr_buf *secret_out)
{
    const uint8_t *secret = find(blob);
    psa_status_t status = PSA_ERROR_INVALID_ARGUMENT;
    curve c;
    mbedtls_ecp_point p;

    (void)self;
    (void)a;
    if (secret == NULL || alg != PSA_ALG_ECDH)
        return PSA_ERROR_NOT_SUPPORTED;
    curve_open(&c, secret);
    mbedtls_ecp_point_init(&p);
    if (mbedtls_ecp_point_read_binary(&c.group, &p, peer.ptr, peer.len) == 0 &&
        mbedtls_ecp_mul(&c.group, &c.q, &c.d, &p, noise, NULL) == 0)
        status = put_point(&c, secret_out, true);
    mbedtls_ecp_point_free(&p);
    curve_close(&c);
    return status;
}

static psa_status_t device_mac(void *self, const psa_key_attributes_t *a, tsr_bytes blob,
                               psa_algorithm_t alg, tsr_bytes message, tsr_buf *mac)
{
    const uint8_t *secret = find(blob);
    uint8_t *to = tsr_buf_claim(mac, 32);

    (void)self;
    (void)a;
    if (secret == NULL || alg != PSA_ALG_HMAC(PSA_ALG_SHA_256))
        return PSA_ERROR_NOT_SUPPORTED;
    if (to == NULL)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    return mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), secret, 32, message.ptr,
                           message.len, to) == 0
               ? PSA_SUCCESS
               : PSA_ERROR_HARDWARE_FAILURE;
}

static const tsr_location device = {
    .location = PLACE,
    .generate = device_generate,
    .import = device_import,
    .destroy = device_destroy,
    .export_public = device_public,
    .sign_hash = device_sign,
    .key_agreement = device_agree,
    .mac_compute = device_mac,
};
static const tsr_location *const places[] = { &device };

/* ---- the service, on a medium in memory ---- */

#define BLOCK  8192u
#define BLOCKS 16u

static uint8_t medium[BLOCK * BLOCKS];
static tsr_store_entry entries[64];
static tsr_store store;
static tsr_its its;
static tsr_crypto crypto;
static tsr_crypto_key keys[16];
static tsr_crypto_op ops[8];

tsr_crypto *tsr_crypto_here(void) { return &crypto; }

static unsigned flash_reads;

static tsr_err flash_read(void *self, uint32_t at, void *data, size_t len)
{
    (void)self;
    flash_reads++;
    memcpy(data, medium + at, len);
    return TSR_OK;
}

static tsr_err flash_program(void *self, uint32_t at, const void *data, size_t len)
{
    (void)self;
    memcpy(medium + at, data, len);
    return TSR_OK;
}

static tsr_err flash_erase(void *self, uint32_t at)
{
    (void)self;
    memset(medium + at, 0xff, BLOCK);
    return TSR_OK;
}

static tsr_err flash_sync(void *self)
{
    (void)self;
    return TSR_OK;
}

static const tsr_flash flash = {
    .read = flash_read,
    .program = flash_program,
    .erase = flash_erase,
    .sync = flash_sync,
    .name = "memory",
    .size = sizeof medium,
    .block = BLOCK,
    .unit = 8,
};

static void service_open(bool with_device)
{
    memset(keys, 0, sizeof keys);
    memset(ops, 0, sizeof ops);
    assert_int_equal(tsr_store_mount(&store, &flash, entries, 64, 2048), TSR_OK);
    its = (tsr_its){ .store = &store, .buffer_max = 20480 };
    crypto = (tsr_crypto){ .its = &its,
                           .keys = keys,
                           .key_count = 16,
                           .ops = ops,
                           .op_count = 8,
                           .keys_each = 10,
                           .ops_each = 5,
                           .persistent_each = 3,
                           .locations = places,
                           .location_count = with_device ? 1 : 0 };
    OK(tsr_crypto_open(&crypto));
}

static int set_up(void **state)
{
    (void)state;
    memset(medium, 0xff, sizeof medium);
    memset(slot, 0, sizeof slot);
    assert_int_equal(tsr_store_format(&flash), TSR_OK);
    service_open(true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tsr_crypto_close(&crypto);
    return 0;
}

static void restart(bool with_device)
{
    tsr_crypto_close(&crypto);
    service_open(with_device);
}

/* One call of client `who`: a connection of its own each. */
static psa_status_t call(int who, int32_t type, const tsr_wire_params *p, tsr_bytes one,
                         tsr_bytes two, int inputs, psa_outvec *out)
{
    uint8_t block[TSR_WIRE_PARAMS];
    tsr_buf params = tsr_buf_over(block, sizeof block);
    tsr_spm_msg msg = { .caller = { -who, (uint32_t)who },
                        .type = type,
                        .in_len = 1 + (size_t)inputs,
                        .out_len = out != NULL ? 1 : 0,
                        .in = { { NULL, 0 }, one, two } };

    tsr_wire_params_write(&params, p);
    msg.in[0] = tsr_buf_view(&params);
    if (out != NULL)
        msg.out[0] = *out;

    psa_status_t status = tsr_crypto_call(&crypto, &msg);

    if (out != NULL)
        out->len = msg.out[0].len;
    return status;
}

static const tsr_bytes nothing = { NULL, 0 };

static psa_status_t make(int who, int32_t type, tsr_wire_params p, tsr_bytes in, uint32_t *id)
{
    uint8_t answer[4];
    psa_outvec out = { answer, 4 };
    psa_status_t status =
        call(who, type, &p, in, nothing, type == TSR_CRYPTO_GENERATE_KEY ? 0 : 1, &out);
    tsr_bytes view = { answer, out.len };

    *id = 0;
    if (status == PSA_SUCCESS)
        assert_int_equal(tsr_get_u32(&view, id), TSR_OK);
    return status;
}

static tsr_wire_params far_key(uint32_t lifetime, uint32_t id, uint32_t usage, uint32_t alg)
{
    return (tsr_wire_params){ .attributes = { .type = P256,
                                              .bits = 256,
                                              .lifetime = lifetime,
                                              .id = id,
                                              .usage = usage,
                                              .alg = alg } };
}

static uint32_t generate(uint32_t lifetime, uint32_t id, uint32_t usage, uint32_t alg)
{
    uint32_t key;

    OK(make(1, TSR_CRYPTO_GENERATE_KEY, far_key(lifetime, id, usage, alg), nothing, &key));
    return key;
}

static psa_status_t one_in(int who, int32_t type, uint32_t key, uint32_t alg, tsr_bytes in,
                           psa_outvec *out)
{
    return call(who, type, &(tsr_wire_params){ .key = key, .alg = alg }, in, nothing, 1, out);
}

static void destroy(uint32_t key)
{
    OK(call(1, TSR_CRYPTO_DESTROY_KEY, &(tsr_wire_params){ .key = key }, nothing, nothing, 0,
            NULL));
}

/* Checks a signature without the service and without the PSA core. */
static bool genuine(const uint8_t *point, const uint8_t *hash, const uint8_t *sig)
{
    curve c;
    bool good;

    curve_open(&c, NULL);
    good = mbedtls_ecp_point_read_binary(&c.group, &c.q, point, 65) == 0 &&
           mbedtls_mpi_read_binary(&c.r, sig, 32) == 0 &&
           mbedtls_mpi_read_binary(&c.s, sig + 32, 32) == 0 &&
           mbedtls_ecdsa_verify(&c.group, hash, 32, &c.q, &c.r, &c.s) == 0;
    curve_close(&c);
    return good;
}

static void read_attributes(uint32_t key, tsr_wire_attributes *a)
{
    uint8_t answer[TSR_WIRE_ATTRIBUTES];
    psa_outvec out = { answer, sizeof answer };

    OK(call(1, TSR_CRYPTO_GET_ATTRIBUTES, &(tsr_wire_params){ .key = key }, nothing, nothing, 0,
            &out));
    assert_int_equal(tsr_wire_attributes_read(tsr_view(answer, out.len), a), TSR_OK);
}

static void check_use(uint32_t key)
{
    uint8_t point[65], sig[64], hash[32] = { 7 };
    psa_outvec out = { point, 65 };
    tsr_bytes h = { hash, 32 };
    size_t len;

    OK(call(1, TSR_CRYPTO_EXPORT_PUBLIC, &(tsr_wire_params){ .key = key }, nothing, nothing, 0,
            &out));
    assert_int_equal(out.len, 65);
    out = (psa_outvec){ sig, 64 };
    OK(one_in(1, TSR_CRYPTO_SIGN_HASH, key, ECDSA256, h, &out));
    assert_int_equal(out.len, 64);
    assert_true(genuine(point, hash, sig));
    OK(call(1, TSR_CRYPTO_VERIFY_HASH, &(tsr_wire_params){ .key = key, .alg = ECDSA256 }, h,
            tsr_view(sig, 64), 2, NULL));
    sig[63] ^= 1;
    WANT(PSA_ERROR_INVALID_SIGNATURE,
         call(1, TSR_CRYPTO_VERIFY_HASH, &(tsr_wire_params){ .key = key, .alg = ECDSA256 }, h,
              tsr_view(sig, 64), 2, NULL));
    out = (psa_outvec){ sig, 64 };
    OK(one_in(1, TSR_CRYPTO_SIGN_MESSAGE, key, ECDSA256, tsr_text("message"), &out));
    OK(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)"message", 7, hash, 32, &len));
    assert_true(genuine(point, hash, sig));
    OK(call(1, TSR_CRYPTO_VERIFY_MESSAGE, &(tsr_wire_params){ .key = key, .alg = ECDSA256 },
            tsr_text("message"), tsr_view(sig, 64), 2, NULL));
}

static void test_location_key_signs_and_keeps_its_attributes(void **state)
{
    uint32_t key = generate(FAR, 5, SIG, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    tsr_wire_attributes a;

    (void)state;
    assert_int_equal(key, 5);
    assert_int_equal(held_by_device(), 1);
    read_attributes(key, &a);
    assert_int_equal(a.type, P256);
    assert_int_equal(a.bits, 256);
    assert_int_equal(a.lifetime, FAR);
    assert_int_equal(a.id, 5);
    assert_int_equal(a.usage, SIG);
    assert_int_equal(a.alg, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    check_use(key);
    destroy(key);
    assert_int_equal(held_by_device(), 0);
    WANT(PSA_ERROR_INVALID_HANDLE,
         call(1, TSR_CRYPTO_PURGE_KEY, &(tsr_wire_params){ .key = 5 }, nothing, nothing, 0, NULL));
}

static void test_location_key_lasts_and_its_device_may_be_absent(void **state)
{
    uint32_t key = generate(FAR, 5, SIG, ECDSA256);
    uint8_t sig[64], hash[32] = { 1 };
    psa_outvec out = { sig, 64 };
    tsr_wire_attributes a;

    (void)state;
    restart(true);
    check_use(key);
    restart(false);
    read_attributes(key, &a);
    assert_int_equal(a.lifetime, FAR);
    WANT(PSA_ERROR_NOT_SUPPORTED,
         one_in(1, TSR_CRYPTO_SIGN_HASH, key, ECDSA256, tsr_view(hash, 32), &out));
    WANT(PSA_ERROR_NOT_SUPPORTED, call(1, TSR_CRYPTO_DESTROY_KEY, &(tsr_wire_params){ .key = key },
                                       nothing, nothing, 0, NULL));
    WANT(PSA_ERROR_NOT_SUPPORTED,
         make(1, TSR_CRYPTO_GENERATE_KEY, far_key(FAR, 6, SIG, ECDSA256), nothing, &key));
    restart(true);
    destroy(5);
}

static void test_location_policy_is_the_services(void **state)
{
    uint32_t sign = generate(FAR_RAM, 0, PSA_KEY_USAGE_SIGN_MESSAGE, ECDSA256);
    uint8_t sig[64], hash[32] = { 1 };
    psa_outvec out = { sig, 64 };
    tsr_bytes h = { hash, 32 };

    (void)state;
    WANT(PSA_ERROR_NOT_PERMITTED, one_in(1, TSR_CRYPTO_SIGN_HASH, sign, ECDSA256, h, &out));
    assert_int_equal(out.len, 0);
    out = (psa_outvec){ sig, 64 };
    WANT(PSA_ERROR_NOT_PERMITTED,
         one_in(1, TSR_CRYPTO_SIGN_MESSAGE, sign, PSA_ALG_ECDSA(PSA_ALG_SHA_384), h, &out));
    out = (psa_outvec){ sig, 64 };
    WANT(PSA_ERROR_NOT_PERMITTED, one_in(1, TSR_CRYPTO_RAW_AGREEMENT, sign, PSA_ALG_ECDH, h, &out));
    WANT(PSA_ERROR_NOT_PERMITTED,
         call(1, TSR_CRYPTO_VERIFY_MESSAGE, &(tsr_wire_params){ .key = sign, .alg = ECDSA256 }, h,
              tsr_view(sig, 64), 2, NULL));
    out = (psa_outvec){ sig, 64 };
    WANT(PSA_ERROR_NOT_PERMITTED, call(1, TSR_CRYPTO_EXPORT_KEY, &(tsr_wire_params){ .key = sign },
                                       nothing, nothing, 0, &out));
    out = (psa_outvec){ sig, 63 };
    WANT(PSA_ERROR_BUFFER_TOO_SMALL, one_in(1, TSR_CRYPTO_SIGN_MESSAGE, sign, ECDSA256, h, &out));
    out = (psa_outvec){ sig, 64 };
    WANT(PSA_ERROR_INVALID_HANDLE, one_in(2, TSR_CRYPTO_SIGN_MESSAGE, sign, ECDSA256, h, &out));
    destroy(sign);
}

/* What nobody wrote for that place is not supported, and not something else. */
static void test_location_without_a_function(void **state)
{
    uint32_t key = generate(FAR_RAM, 0, SIG | PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_COPY, ECDSA256);
    uint32_t copy;
    uint8_t out_bytes[128];
    psa_outvec out = { out_bytes, sizeof out_bytes };
    tsr_wire_params p = far_key(FAR_RAM, 0, SIG, ECDSA256);

    (void)state;
    WANT(PSA_ERROR_NOT_SUPPORTED, call(1, TSR_CRYPTO_EXPORT_KEY, &(tsr_wire_params){ .key = key },
                                       nothing, nothing, 0, &out));
    out.len = sizeof out_bytes;
    WANT(PSA_ERROR_NOT_SUPPORTED,
         one_in(1, TSR_CRYPTO_CIPHER_ENCRYPT, key, PSA_ALG_CTR, tsr_text("x"), &out));
    out.len = sizeof out_bytes;
    WANT(PSA_ERROR_NOT_SUPPORTED,
         one_in(1, TSR_CRYPTO_SIGN_START, key, ECDSA256, tsr_text("x"), &out));
    p.key = key;
    out.len = 4;
    WANT(PSA_ERROR_NOT_SUPPORTED, call(1, TSR_CRYPTO_COPY_KEY, &p, nothing, nothing, 0, &out));
    p = far_key(FAR_RAM, 0, SIG, ECDSA256);
    p.attributes.type = PSA_KEY_TYPE_RSA_KEY_PAIR;
    WANT(PSA_ERROR_NOT_SUPPORTED, make(1, TSR_CRYPTO_GENERATE_KEY, p, nothing, &copy));
    assert_int_equal(tsr_crypto_keys_held(&crypto), 1);
    destroy(key);
}

static void test_location_import_and_failures_leave_nothing(void **state)
{
    uint8_t scalar[32] = { 0x11, 0x22 };
    uint32_t key;

    (void)state;
    WANT(PSA_ERROR_INVALID_ARGUMENT, make(1, TSR_CRYPTO_IMPORT_KEY, far_key(FAR, 5, SIG, ECDSA256),
                                          tsr_view(scalar, 31), &key));
    assert_int_equal(held_by_device(), 0);
    for (uint32_t id = 5; id < 8; id++) {
        tsr_wire_params p = far_key(FAR, id, SIG, ECDSA256);

        p.attributes.bits = 0;
        OK(make(1, TSR_CRYPTO_IMPORT_KEY, p, tsr_view(scalar, 32), &key));
        check_use(key);
        if (id == 5)
            WANT(PSA_ERROR_ALREADY_EXISTS,
                 make(1, TSR_CRYPTO_IMPORT_KEY, p, tsr_view(scalar, 32), &key));
    }
    WANT(
        PSA_ERROR_INSUFFICIENT_STORAGE, /* more persistent keys than one client may have */
        make(1, TSR_CRYPTO_IMPORT_KEY, far_key(FAR, 9, SIG, ECDSA256), tsr_view(scalar, 32), &key));
    assert_int_equal(held_by_device(), 3);
    for (uint32_t id = 5; id < 8; id++)
        destroy(id);
    assert_int_equal(held_by_device(), 0);
}

/* A connection that ends takes its volatile keys off the device. */
static void test_location_volatile_key_goes_with_its_connection(void **state)
{
    (void)state;
    check_use(generate(FAR_RAM, 0, SIG, ECDSA256));
    (void)generate(FAR_RAM, 0, SIG, ECDSA256);
    assert_int_equal(held_by_device(), 2);
    tsr_crypto_gone(&crypto, 1);
    assert_int_equal(held_by_device(), 0);
    assert_int_equal(tsr_crypto_keys_held(&crypto), 0);
}

static void derive(uint32_t key, tsr_bytes peer, uint8_t *bytes)
{
    const uint32_t alg = PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, HKDF);
    uint8_t answer[4], step[16];
    psa_outvec out = { answer, 4 };
    tsr_buf info = tsr_buf_over(step, sizeof step);
    tsr_wire_step s = { TSR_STEP_BYTES, PSA_KEY_DERIVATION_INPUT_INFO, tsr_text("i"), 0 };
    tsr_bytes view = { answer, 4 };
    tsr_wire_params p = { .key = key, .step = PSA_KEY_DERIVATION_INPUT_SECRET };

    OK(call(1, TSR_CRYPTO_DERIVE_OPEN,
            &(tsr_wire_params){ .alg = alg, .number = TSR_CAPACITY_UNSET }, nothing, nothing, 1,
            &out));
    assert_int_equal(tsr_get_u32(&view, &p.operation), TSR_OK);
    OK(call(1, TSR_CRYPTO_DERIVE_AGREEMENT, &p, peer, nothing, 1, NULL));
    tsr_wire_step_write(&info, &s);
    OK(call(1, TSR_CRYPTO_DERIVE_INPUT, &p, tsr_buf_view(&info), nothing, 2, NULL));

    tsr_wire_params k = {
        .operation = p.operation,
        .attributes = { .type = PSA_KEY_TYPE_RAW_DATA, .bits = 256, .usage = PSA_KEY_USAGE_EXPORT }
    };

    out = (psa_outvec){ answer, 4 };
    OK(call(1, TSR_CRYPTO_DERIVE_KEY, &k, nothing, nothing, 1, &out)); /* a key may come of it */
    view = tsr_view(answer, 4);
    assert_int_equal(tsr_get_u32(&view, &k.key), TSR_OK);
    out = (psa_outvec){ bytes, 32 };
    OK(call(1, TSR_CRYPTO_EXPORT_KEY, &k, nothing, nothing, 0, &out));
    destroy(k.key);
    OK(call(1, TSR_CRYPTO_ABORT, &p, nothing, nothing, 0, NULL));
}

static void test_location_key_agreement_in_all_its_forms(void **state)
{
    uint32_t key = generate(FAR_RAM, 0, PSA_KEY_USAGE_DERIVE, PSA_ALG_ECDH);
    tsr_wire_params here = { .attributes = { .type = P256,
                                             .bits = 256,
                                             .usage = PSA_KEY_USAGE_DERIVE,
                                             .alg = PSA_ALG_ECDH } };
    uint8_t point[65], far_point[65], one[32], two[32];
    psa_outvec out = { point, 65 };
    uint32_t other, made;

    (void)state;
    OK(make(1, TSR_CRYPTO_GENERATE_KEY, here, nothing, &other)); /* an ordinary key */
    OK(call(1, TSR_CRYPTO_EXPORT_PUBLIC, &(tsr_wire_params){ .key = other }, nothing, nothing, 0,
            &out));
    out = (psa_outvec){ far_point, 65 };
    OK(call(1, TSR_CRYPTO_EXPORT_PUBLIC, &(tsr_wire_params){ .key = key }, nothing, nothing, 0,
            &out));
    out = (psa_outvec){ one, 32 };
    OK(one_in(1, TSR_CRYPTO_RAW_AGREEMENT, key, PSA_ALG_ECDH, tsr_view(point, 65), &out));
    out = (psa_outvec){ two, 32 };
    OK(one_in(1, TSR_CRYPTO_RAW_AGREEMENT, other, PSA_ALG_ECDH, tsr_view(far_point, 65), &out));
    assert_memory_equal(one, two, 32);

    tsr_wire_params p = {
        .key = key,
        .alg = PSA_ALG_ECDH,
        .attributes = { .type = PSA_KEY_TYPE_DERIVE, .usage = PSA_KEY_USAGE_EXPORT, .alg = HKDF }
    };

    OK(make(1, TSR_CRYPTO_AGREEMENT_KEY, p, tsr_view(point, 65), &made));
    out = (psa_outvec){ two, 32 };
    OK(call(1, TSR_CRYPTO_EXPORT_KEY, &(tsr_wire_params){ .key = made }, nothing, nothing, 0,
            &out));
    assert_memory_equal(one, two, 32);
    destroy(made);
    derive(key, tsr_view(point, 65), one);
    derive(other, tsr_view(far_point, 65), two);
    assert_memory_equal(one, two, 32);
    destroy(key);
    destroy(other);
}

/* RFC 4231 §4.2 with the key filled up to 32 bytes: HMAC does the same with zeros */
static void test_location_mac(void **state)
{
    uint8_t secret[32], mac[32];
    tsr_wire_params p =
        far_key(FAR_RAM, 0, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE,
                PSA_ALG_HMAC(PSA_ALG_SHA_256));
    const uint8_t want[4] = { 0xb0, 0x34, 0x4c, 0x61 };
    psa_outvec out = { mac, 32 };
    uint32_t key;

    (void)state;
    memset(secret, 0, sizeof secret);
    memset(secret, 0x0b, 20);
    p.attributes.type = PSA_KEY_TYPE_HMAC;
    OK(make(1, TSR_CRYPTO_IMPORT_KEY, p, tsr_view(secret, 32), &key));
    OK(one_in(1, TSR_CRYPTO_MAC_COMPUTE, key, p.attributes.alg, tsr_text("Hi There"), &out));
    assert_int_equal(out.len, 32);
    assert_memory_equal(mac, want, 4);
    p.key = key;
    p.alg = p.attributes.alg;
    OK(call(1, TSR_CRYPTO_MAC_VERIFY, &p, tsr_text("Hi There"), tsr_view(mac, 32), 2, NULL));
    WANT(PSA_ERROR_INVALID_SIGNATURE,
         call(1, TSR_CRYPTO_MAC_VERIFY, &p, tsr_text("Hi there"), tsr_view(mac, 32), 2, NULL));
    out = (psa_outvec){ mac, 31 };
    WANT(PSA_ERROR_BUFFER_TOO_SMALL,
         one_in(1, TSR_CRYPTO_MAC_COMPUTE, key, p.alg, tsr_text("Hi There"), &out));
    destroy(key);
}

/* The service's own mark on such a record is nothing that a client can put on a key. */
static void test_location_record_cannot_be_forged(void **state)
{
    uint8_t record[TSR_WIRE_ATTRIBUTES + 5] = { 0 };
    tsr_wire_params p = { .attributes = { .type = PSA_KEY_TYPE_RAW_DATA, .alg = 0x80545352u } };
    uint32_t key;

    (void)state;
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         make(1, TSR_CRYPTO_IMPORT_KEY, p, tsr_view(record, sizeof record), &key));
    p.attributes.alg2 = p.attributes.alg;
    p.attributes.alg = 0;
    WANT(PSA_ERROR_INVALID_ARGUMENT,
         make(1, TSR_CRYPTO_IMPORT_KEY, p, tsr_view(record, sizeof record), &key));
}

/* PSA_KEY_USAGE_CACHE: a stored key without it is read again for each call, one with it is not. */
static void test_key_without_cache_leaves_memory(void **state)
{
    uint8_t mac[16];
    psa_outvec out;
    uint32_t key;

    (void)state;
    for (uint32_t cache = 0; cache < 2; cache++) {
        tsr_wire_params p = { .attributes = { .type = PSA_KEY_TYPE_AES,
                                              .lifetime = 1,
                                              .id = 30 + cache,
                                              .usage = PSA_KEY_USAGE_SIGN_MESSAGE | cache << 2,
                                              .alg = PSA_ALG_CMAC } };

        OK(make(1, TSR_CRYPTO_IMPORT_KEY, p, tsr_text("0123456789abcdef"), &key));
        for (int i = 0; i < 3; i++) {
            unsigned before = flash_reads;

            out = (psa_outvec){ mac, 16 };
            OK(one_in(1, TSR_CRYPTO_MAC_COMPUTE, key, PSA_ALG_CMAC, tsr_text("m"), &out));
            assert_int_equal(flash_reads > before, cache == 0);
        }
        OK(call(1, TSR_CRYPTO_PURGE_KEY, &(tsr_wire_params){ .key = key }, nothing, nothing, 0,
                NULL));

        unsigned before = flash_reads;

        out = (psa_outvec){ mac, 16 };
        OK(one_in(1, TSR_CRYPTO_MAC_COMPUTE, key, PSA_ALG_CMAC, tsr_text("m"), &out));
        assert_true(flash_reads > before);
        destroy(key);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_location_key_signs_and_keeps_its_attributes),
        TEST(test_location_key_lasts_and_its_device_may_be_absent),
        TEST(test_location_policy_is_the_services),
        TEST(test_location_without_a_function),
        TEST(test_location_import_and_failures_leave_nothing),
        TEST(test_location_volatile_key_goes_with_its_connection),
        TEST(test_location_key_agreement_in_all_its_forms),
        TEST(test_location_mac),
        TEST(test_location_record_cannot_be_forged),
        TEST(test_key_without_cache_leaves_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
