/* SPDX-License-Identifier: Apache-2.0
 *
 * Encryption of the image in a package (docs/WIRE.md, "Encrypted payloads"). */
#include "apps/tessera/package.h"

#include <stdlib.h>

#include "apps/tessera/tessera.h"

enum { TAG = 16, NONCE = 12 };

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 hexadecimal digits; white space at the end. */
static bool read_digits(tsr_bytes text, uint8_t key[TSR_COSE_CEK])
{
    while (text.len > 0 && text.ptr[text.len - 1] <= ' ')
        text.len--;
    if (text.len != 2 * (size_t)TSR_COSE_CEK)
        return false;
    for (size_t i = 0; i < TSR_COSE_CEK; i++) {
        int high = digit(text.ptr[2 * i]), low = digit(text.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        key[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int package_kek(const char *path, psa_key_id_t *kek)
{
    psa_key_attributes_t a = tsr_cose_kek_attributes();
    uint8_t key[TSR_COSE_CEK];
    package_bytes file;
    int code = package_read(path, &file);

    if (code != PACKAGE_DONE)
        return code;
    if (!read_digits(package_view(file), key))
        code = package_say(PACKAGE_KEY, "%s holds no key of 32 hexadecimal digits; make one with "
                                        "tessera package keygen --symmetric", path);
    else if (psa_crypto_init() != PSA_SUCCESS ||
             psa_import_key(&a, key, sizeof key, kek) != PSA_SUCCESS)
        code = package_say(PACKAGE_FAILED, "%s could not be taken into the cryptography", path);
    tsr_wipe(key, sizeof key);
    tsr_wipe(file.ptr, file.len);
    free(file.ptr);
    return code;
}

int package_new_kek(const char *path)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t key[TSR_COSE_CEK];
    char text[2 * TSR_COSE_CEK + 1];
    int code;

    if (psa_crypto_init() != PSA_SUCCESS || psa_generate_random(key, sizeof key) != PSA_SUCCESS)
        return package_say(PACKAGE_FAILED, "no random numbers");
    for (size_t i = 0; i < sizeof key; i++) {
        text[2 * i] = digits[key[i] >> 4];
        text[2 * i + 1] = digits[key[i] & 15];
    }
    text[sizeof text - 1] = '\n';
    code = package_write(path, tsr_view(text, sizeof text), true);
    tsr_wipe(key, sizeof key);
    tsr_wipe(text, sizeof text);
    return code;
}

static int read_keys(const package_options *o, psa_key_id_t *keks, size_t *count)
{
    int code = PACKAGE_DONE;

    for (*count = 0; code == PACKAGE_DONE && *count < o->recipient_count; *count += 1)
        if ((code = package_kek(o->recipients[*count], &keks[*count])) != PACKAGE_DONE)
            break;
    return code;
}

static bool seal(const uint8_t cek[TSR_COSE_CEK], const uint8_t iv[NONCE], tsr_bytes aad,
                 tsr_bytes image, package_bytes *sealed)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = PSA_KEY_ID_NULL;
    psa_status_t status;

    psa_set_key_type(&a, PSA_KEY_TYPE_AES);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&a, PSA_ALG_GCM);
    if (psa_import_key(&a, cek, TSR_COSE_CEK, &key) != PSA_SUCCESS)
        return false;
    *sealed = (package_bytes){ need(malloc(image.len + TAG)), image.len + TAG };
    status = psa_aead_encrypt(key, PSA_ALG_GCM, iv, NONCE, aad.ptr, aad.len, image.ptr, image.len,
                              sealed->ptr, sealed->len, &sealed->len);
    (void)psa_destroy_key(key);
    return status == PSA_SUCCESS;
}

int package_encrypt(const package_options *o, tsr_bytes image, tsr_buf *info, package_bytes *sealed)
{
    psa_key_id_t keks[PACKAGE_RECIPIENTS] = { 0 };
    uint8_t cek[TSR_COSE_CEK], iv[NONCE], room[TSR_COSE_AAD_MAX];
    tsr_buf aad = tsr_buf_over(room, sizeof room);
    tsr_cose_encrypted e;
    size_t count = 0;
    int code = read_keys(o, keks, &count);
    bool good = code == PACKAGE_DONE && psa_generate_random(cek, sizeof cek) == PSA_SUCCESS &&
                psa_generate_random(iv, sizeof iv) == PSA_SUCCESS &&
                tsr_cose_put_encrypted(info, iv, cek, keks, count) == TSR_OK &&
                tsr_cose_encrypted_read(tsr_buf_view(info), &e) == TSR_OK;

    if (good) {
        tsr_cose_encrypted_aad(&aad, &e);
        good = seal(cek, iv, tsr_buf_view(&aad), image, sealed);
    }
    tsr_wipe(cek, sizeof cek);
    for (size_t i = 0; i < count; i++)
        (void)psa_destroy_key(keks[i]);
    if (code == PACKAGE_DONE && !good)
        code = package_say(PACKAGE_FAILED, "the image could not be encrypted");
    return code;
}

int package_decrypt(const char *path, const tsr_cose_encrypted *e, tsr_bytes sealed,
                    package_bytes *image)
{
    uint8_t room[TSR_COSE_AAD_MAX];
    tsr_buf aad = tsr_buf_over(room, sizeof room);
    psa_key_id_t kek = PSA_KEY_ID_NULL, cek = PSA_KEY_ID_NULL;
    psa_status_t status = PSA_ERROR_INVALID_SIGNATURE;
    int code = package_kek(path, &kek);

    if (code != PACKAGE_DONE)
        return code;
    tsr_cose_encrypted_aad(&aad, e);
    if (sealed.len < TAG || tsr_cose_encrypted_key(e, &kek, 1, &cek) != TSR_OK) {
        (void)psa_destroy_key(kek);
        return package_say(PACKAGE_REFUSED, "the image is not encrypted to the key of %s", path);
    }
    *image = (package_bytes){ need(malloc(sealed.len)), 0 };
    status = psa_aead_decrypt(cek, PSA_ALG_GCM, e->body.iv.ptr, e->body.iv.len, aad.ptr, aad.len,
                              sealed.ptr, sealed.len, image->ptr, sealed.len, &image->len);
    (void)psa_destroy_key(cek);
    (void)psa_destroy_key(kek);
    return status == PSA_SUCCESS
               ? PACKAGE_DONE
               : package_say(PACKAGE_REFUSED, "the encrypted image was changed, or is not whole");
}
