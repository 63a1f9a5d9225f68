/* SPDX-License-Identifier: Apache-2.0
 *
 * The wall from the hostile side: frames of any bytes, and well-formed calls with any parameters,
 * against the real services in this process. Two clients play; what one holds the other must never
 * get, and when both are gone nothing may be left. */
#include "fuzz/fuzz.h"
#include "psa/wire/params.h"
#include "secure/crypto/service.h"
#include "secure/spm/its_service.h"

#define BLOCK  4096u
#define BLOCKS 16u
#define IDS    6u

static uint8_t medium[BLOCK * BLOCKS];
static tsr_store_entry entries[128];
static tsr_store store;
static tsr_its its;
static tsr_crypto crypto;
static tsr_crypto_key keys[16];
static tsr_crypto_op ops[8];
static uint8_t reply_memory[TSR_WIRE_MAX], frame[TSR_WIRE_MAX];

/* What was answered last, to be used again: calls on numbers that exist go deepest. */
static uint32_t known_key[2], known_op[2];

tsr_crypto *tsr_crypto_here(void) { return &crypto; }

static tsr_err flash_read(void *self, uint32_t at, void *data, size_t len)
{
    (void)self;
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

static const tsr_spm_service services[] = {
    { TSR_PSA_CRYPTO_HANDLE, &crypto, tsr_crypto_call, tsr_crypto_gone },
    { TSR_PSA_ITS_HANDLE, &its, tsr_its_call, NULL },
};
static const tsr_spm spm = { .services = services, .count = 2 };
static const tsr_spm_caller callers[2] = { { -1, 11 }, { -2, 12 } };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    memset(medium, 0xff, sizeof medium);
    must(tsr_store_format(&flash) == TSR_OK);
    must(tsr_store_mount(&store, &flash, entries, 128, 1024) == TSR_OK);
    its = (tsr_its){ .store = &store, .buffer_max = TSR_WIRE_MAX, .quota = 8192 };
    crypto = (tsr_crypto){ .its = &its,
                           .keys = keys,
                           .key_count = 16,
                           .ops = ops,
                           .op_count = 8,
                           .keys_each = 10,
                           .ops_each = 5,
                           .persistent_each = 4 };
    must(tsr_crypto_open(&crypto) == PSA_SUCCESS);
    return 0;
}

/* Whatever was sent, the answer is one whole reply. */
static psa_status_t send_frame(unsigned who, tsr_bytes request, tsr_bytes *out)
{
    tsr_buf reply = tsr_buf_over(reply_memory, sizeof reply_memory);
    tsr_wire_request req;
    psa_status_t status = 1;
    bool good = tsr_wire_request_read(request, &req) == TSR_OK;
    tsr_err err = tsr_spm_frame(&spm, callers[who], request, &reply);

    must((err == TSR_OK) == good);
    must(tsr_wire_reply_read(tsr_buf_view(&reply), good ? req.out_len : 0, &status, out) == TSR_OK);
    for (size_t i = 0; good && i < req.out_len; i++)
        must(out[i].len <= req.room[i] && (status == PSA_SUCCESS || out[i].len == 0));
    return status;
}

static psa_status_t call(unsigned who, int32_t type, const tsr_wire_params *p, const tsr_bytes *in,
                         size_t n_in, const size_t *room, size_t n_out, tsr_bytes *out)
{
    uint8_t block[TSR_WIRE_PARAMS + TSR_WIRE_NONCE_MAX];
    tsr_buf params = tsr_buf_over(block, sizeof block);
    tsr_buf request = tsr_buf_over(frame, sizeof frame);
    psa_invec iv[PSA_MAX_IOVEC];
    psa_outvec ov[PSA_MAX_IOVEC];

    tsr_wire_params_write(&params, p);
    iv[0] = (psa_invec){ block, params.len };
    for (size_t i = 0; i < n_in; i++)
        iv[1 + i] = (psa_invec){ in[i].ptr, in[i].len };
    for (size_t i = 0; i < n_out; i++)
        ov[i] = (psa_outvec){ NULL, room[i] };
    tsr_wire_request_head(&request, TSR_PSA_CRYPTO_HANDLE, type, iv, 1 + n_in, ov, n_out);
    tsr_put_bytes(&request, tsr_buf_view(&params));
    for (size_t i = 0; i < n_in; i++)
        tsr_put_bytes(&request, in[i]);
    must(request.err == TSR_OK);
    return send_frame(who, tsr_buf_view(&request), out);
}

static const uint32_t algorithms[] = {
    0,
    PSA_ALG_HMAC(PSA_ALG_SHA_256),
    PSA_ALG_CMAC,
    PSA_ALG_CCM,
    PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8),
    PSA_ALG_GCM,
    PSA_ALG_CTR,
    PSA_ALG_CBC_PKCS7,
    PSA_ALG_ECB_NO_PADDING,
    PSA_ALG_TLS12_PRF(PSA_ALG_SHA_256),
    PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256),
    PSA_ALG_HKDF(PSA_ALG_SHA_256),
    PSA_ALG_ECDH,
    PSA_ALG_ECDSA(PSA_ALG_SHA_256),
    PSA_ALG_ECDSA(PSA_ALG_ANY_HASH),
    PSA_ALG_KEY_AGREEMENT(PSA_ALG_ECDH, PSA_ALG_HKDF(PSA_ALG_SHA_256)),
    PSA_ALG_SHA_1,
    PSA_ALG_SHA3_256,
    PSA_ALG_CHACHA20_POLY1305,
    PSA_ALG_STREAM_CIPHER,
    PSA_ALG_PBKDF2_HMAC(PSA_ALG_SHA_256),
    PSA_ALG_TLS12_ECJPAKE_TO_PMS,
    0x0a000109, /* J-PAKE with SHA-256, under its final number */
    0x04c09300, /* CCM*, any tag */
    0x80545352, /* the service's own mark, which no client may use */
};

static const uint16_t types[] = {
    PSA_KEY_TYPE_RAW_DATA,
    PSA_KEY_TYPE_HMAC,
    PSA_KEY_TYPE_DERIVE,
    PSA_KEY_TYPE_PASSWORD,
    PSA_KEY_TYPE_AES,
    PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
    PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1),
    PSA_KEY_TYPE_PASSWORD_HASH,
    PSA_KEY_TYPE_CHACHA20,
    PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY),
    0xffff,
};

#define PICK(table, in) (table)[take(in) % (sizeof(table) / sizeof((table)[0]))]

static uint32_t some_key(unsigned who, tsr_bytes *in)
{
    uint8_t how = take(in);

    if (how < 160)
        return known_key[who];
    return how < 200 ? how % IDS : how < 230 ? known_key[1 - who] : 0x40000000u + how;
}

static tsr_wire_params some_params(unsigned who, tsr_bytes *in)
{
    tsr_wire_params p = {
        .key = some_key(who, in),
        .alg = PICK(algorithms, in),
        .operation = take(in) < 200 ? known_op[who] : known_op[1 - who],
        .step = take(in) < 200 ? take(in) % 4u : 0x0100u + take(in),
        .number = take(in) < 200 ? take(in) : TSR_CAPACITY_UNSET - take(in) % 2u,
        .extra = take(in) < 128 ? 0x01120100u : take(in), /* the primitive of J-PAKE: P-256 */
    };

    p.attributes = (tsr_wire_attributes){
        .type = PICK(types, in),
        .bits = (uint16_t)(take(in) * 8u),
        .lifetime = take(in) < 200 ? 0 : take(in) % 4u,
        .id = take(in) < 200 ? 0 : take(in) % IDS,
        .usage = take(in) | (uint32_t)take(in) << 8,
        .alg = PICK(algorithms, in),
        .alg2 = PICK(algorithms, in),
    };
    p.nonce = take_some(in, take(in) % (TSR_WIRE_NONCE_MAX + 1));
    return p;
}

/* A volatile key or an operation of one client is nothing to the other. */
static void check_isolation(unsigned who, uint32_t key)
{
    tsr_wire_params p = { .key = key };
    size_t room[1] = { TSR_WIRE_ATTRIBUTES };
    tsr_bytes out[PSA_MAX_IOVEC];

    must(call(1 - who, TSR_CRYPTO_GET_ATTRIBUTES, &p, NULL, 0, room, 1, out) ==
         PSA_ERROR_INVALID_HANDLE);
}

static void learn(unsigned who, int32_t type, tsr_bytes out)
{
    uint32_t number;

    if (out.len != 4 || tsr_get_u32(&out, &number) != TSR_OK)
        return;
    switch (type) {
    case TSR_CRYPTO_IMPORT_KEY:
    case TSR_CRYPTO_COPY_KEY:
    case TSR_CRYPTO_GENERATE_KEY:
    case TSR_CRYPTO_GENERATE_CUSTOM:
    case TSR_CRYPTO_AGREEMENT_KEY:
    case TSR_CRYPTO_PAKE_SHARED_KEY:
    case TSR_CRYPTO_DERIVE_KEY:
        known_key[who] = number;
        if (number >= PSA_KEY_ID_VENDOR_MIN)
            check_isolation(who, number);
        break;
    case TSR_CRYPTO_MAC_SETUP:
    case TSR_CRYPTO_CIPHER_SETUP:
    case TSR_CRYPTO_AEAD_SETUP:
    case TSR_CRYPTO_HASH_SETUP:
    case TSR_CRYPTO_HASH_CLONE:
    case TSR_CRYPTO_SIGN_START:
    case TSR_CRYPTO_VERIFY_START:
    case TSR_CRYPTO_PAKE_SETUP:
    case TSR_CRYPTO_DERIVE_OPEN: known_op[who] = number; break;
    default: break;
    }
}

static void play_call(unsigned who, tsr_bytes *in)
{
    int32_t type = take(in) % (TSR_CRYPTO_FUNCTIONS + 2);
    tsr_wire_params p = some_params(who, in);
    size_t n_in = take(in) % 3u, n_out = take(in) % 3u, room[2];
    tsr_bytes given[2], out[PSA_MAX_IOVEC];

    if (n_in + n_out > 3)
        n_out = 1;
    for (size_t i = 0; i < n_in; i++)
        given[i] = take_some(in, take(in));
    for (size_t i = 0; i < n_out; i++)
        room[i] = take(in);
    if (call(who, type, &p, given, n_in, room, n_out, out) == PSA_SUCCESS && n_out > 0)
        learn(who, type, out[0]);
}

static void read_everything(tsr_bytes in)
{
    tsr_bytes out[PSA_MAX_IOVEC];
    psa_status_t status;
    tsr_wire_hello hello;
    tsr_wire_params p;
    tsr_wire_its i;
    tsr_wire_attributes a;
    tsr_wire_step step;

    for (size_t n = 0; n <= PSA_MAX_IOVEC; n++)
        (void)tsr_wire_reply_read(in, n, &status, out);
    (void)tsr_wire_hello_read(in, &hello);
    (void)tsr_wire_params_read(in, &p);
    (void)tsr_wire_its_read(in, &i);
    (void)tsr_wire_attributes_read(in, &a);
    while (tsr_wire_step_read(&in, &step) == TSR_OK)
        must(step.bytes.len <= UINT16_MAX);
}

/* Both leave; their persistent keys and assets go too, so that every input begins alike. */
static void clean_up(void)
{
    tsr_bytes out[PSA_MAX_IOVEC];

    for (unsigned who = 0; who < 2; who++) {
        for (uint32_t id = 1; id < IDS; id++)
            (void)call(who, TSR_CRYPTO_DESTROY_KEY, &(tsr_wire_params){ .key = id }, NULL, 0, NULL,
                       0, out);
        tsr_spm_gone(&spm, callers[who].connection);
        known_key[who] = known_op[who] = 0;
    }
    must(tsr_crypto_keys_held(&crypto) == 0);
    must(tsr_crypto_ops_held(&crypto) == 0);
    for (unsigned who = 0; who < 2; who++)
        for (uint64_t uid = 0;
             tsr_store_next(&store, (uint32_t)callers[who].client, &uid) == TSR_OK;)
            must(tsr_store_remove(&store, (tsr_store_key){ (uint32_t)callers[who].client, uid }) ==
                 TSR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = { data, size }, out[PSA_MAX_IOVEC];

    while (in.len > 0) {
        uint8_t how = take(&in);
        unsigned who = how & 1u;

        switch (how >> 1 & 7u) {
        case 0:
            (void)send_frame(who, tsr_first(in, how >> 4 == 0 ? in.len : take(&in)), out);
            in = how >> 4 == 0 ? tsr_skip(in, in.len) : in;
            break;
        case 1: read_everything(in); break;
        case 2:
            if (how >> 4 == 0) {
                tsr_spm_gone(&spm, callers[who].connection);
                known_key[who] = known_op[who] = 0;
            }
            break;
        default: play_call(who, &in); break;
        }
    }
    clean_up();
    return 0;
}
