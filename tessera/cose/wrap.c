/* SPDX-License-Identifier: Apache-2.0
 *
 * AES Key Wrap (RFC 3394 §2.2), block by block: PSA Crypto has no call for it. */
#include "tessera/cose/internal.h"
#include "tessera/cose/recipient.h"

enum { HALF = 8, BLOCK = 16, ROUNDS = 6 };

static const uint8_t initial[HALF] = { 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6 };

/* RFC 3394 §2.2.1: the counter of steps goes into the first half. */
static void count_in(uint8_t half[HALF], size_t step)
{
    for (size_t i = 0; i < sizeof step; i++)
        half[HALF - 1 - i] ^= (uint8_t)(step >> (8 * i));
}

static tsr_err encrypt(tsr_cose_key_id kek, uint8_t block[BLOCK])
{
    uint8_t in[BLOCK];
    size_t len;
    psa_status_t status;

    memcpy(in, block, BLOCK);
    status = psa_cipher_encrypt(kek, PSA_ALG_ECB_NO_PADDING, in, BLOCK, block, BLOCK, &len);
    tsr_wipe(in, sizeof in);
    return tsr_cose_status(status);
}

static tsr_err decrypt(tsr_cose_key_id kek, uint8_t block[BLOCK])
{
    uint8_t in[BLOCK];
    size_t len;
    psa_status_t status;

    memcpy(in, block, BLOCK);
    status = psa_cipher_decrypt(kek, PSA_ALG_ECB_NO_PADDING, in, BLOCK, block, BLOCK, &len);
    tsr_wipe(in, sizeof in);
    return tsr_cose_status(status);
}

static bool length_fits(size_t len)
{
    return len >= 2 * (size_t)HALF && len <= TSR_COSE_WRAP_MAX && len % HALF == 0;
}

tsr_err tsr_cose_wrap(tsr_cose_key_id kek, tsr_bytes key, tsr_buf *out)
{
    uint8_t r[TSR_COSE_WRAP_MAX], block[BLOCK];
    size_t n = key.len / HALF;
    tsr_err err = length_fits(key.len) ? out->err : TSR_E_ARGUMENT;

    if (err != TSR_OK)
        return err;
    memcpy(r, key.ptr, key.len);
    memcpy(block, initial, HALF);
    for (size_t step = 1; err == TSR_OK && step <= ROUNDS * n; step++) {
        uint8_t *part = r + HALF * ((step - 1) % n);

        memcpy(block + HALF, part, HALF);
        err = encrypt(kek, block);
        count_in(block, step);
        memcpy(part, block + HALF, HALF);
    }
    if (err == TSR_OK) {
        tsr_put_bytes(out, tsr_view(block, HALF));
        tsr_put_bytes(out, tsr_view(r, key.len));
        err = out->err;
    }
    tsr_wipe(r, sizeof r);
    tsr_wipe(block, sizeof block);
    return err;
}

tsr_err tsr_cose_unwrap(tsr_cose_key_id kek, tsr_bytes wrapped, uint8_t *key)
{
    uint8_t r[TSR_COSE_WRAP_MAX], block[BLOCK];
    size_t len = wrapped.len - HALF, n = len / HALF;
    tsr_err err = TSR_OK;

    if (wrapped.len < HALF || !length_fits(len))
        return TSR_E_ARGUMENT;
    memcpy(block, wrapped.ptr, HALF);
    memcpy(r, wrapped.ptr + HALF, len);
    for (size_t step = ROUNDS * n; err == TSR_OK && step > 0; step--) {
        uint8_t *part = r + HALF * ((step - 1) % n);

        count_in(block, step);
        memcpy(block + HALF, part, HALF);
        err = decrypt(kek, block);
        memcpy(part, block + HALF, HALF);
    }
    /* RFC 3394 §2.2.3: what tells a right key from a wrong one */
    if (err == TSR_OK && !tsr_same_secret(tsr_view(block, HALF), tsr_view(initial, HALF)))
        err = TSR_E_CRYPTO;
    if (err == TSR_OK)
        memcpy(key, r, len);
    tsr_wipe(r, sizeof r);
    tsr_wipe(block, sizeof block);
    return err;
}

psa_key_attributes_t tsr_cose_kek_attributes(void)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&a, 128);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_ECB_NO_PADDING);
    return a;
}

tsr_err tsr_cose_kek_name(tsr_cose_key_id kek, uint8_t name[TSR_COSE_KEK_NAME])
{
    uint8_t block[BLOCK] = { 0 };
    tsr_err err = encrypt(kek, block);

    if (err == TSR_OK)
        memcpy(name, block, TSR_COSE_KEK_NAME);
    return err;
}
