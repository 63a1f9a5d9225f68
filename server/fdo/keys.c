/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/fdo/keys.h"

#include <mbedtls/pk.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/pki/write.h"
#include "tessera/base/hex.h"
#include "tessera/cbor/cbor.h"

enum { YEARS_30 = 30 * 366 * 86400, SERIAL = 16, FILE_MAX = 8192 };

/* --- one key ---------------------------------------------------------------------------- */

static bool type_of(const mbedtls_pk_context *pk, tsr_fdo_key_type *type)
{
    size_t bits = mbedtls_pk_get_bitlen(pk);

    if (mbedtls_pk_get_type(pk) == MBEDTLS_PK_RSA && (bits == 2048 || bits == 3072))
        *type = bits == 2048 ? TSR_FDO_RSA2048RESTR : TSR_FDO_RSAPKCS;
    else if (mbedtls_pk_can_do(pk, MBEDTLS_PK_ECDSA) != 0 && (bits == 256 || bits == 384))
        *type = bits == 256 ? TSR_FDO_SECP256R1 : TSR_FDO_SECP384R1;
    else
        return false;
    return true;
}

static bool import(const mbedtls_pk_context *pk, psa_key_usage_t usage, psa_algorithm_t alg,
                   psa_key_id_t *id)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    if (mbedtls_pk_get_psa_attributes(pk, usage, &a) != 0)
        return false;
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, usage);
    return mbedtls_pk_import_into_psa(pk, &a, id) == 0;
}

/* A certificate of the key by itself, for peers that want keys as chains. */
static bool put_chain(mbedtls_pk_context *pk, bool long_hash, fdo_key *key)
{
    static const char name[] = "CN=FDO key";
    char from[TSR_PKI_TIME], to[TSR_PKI_TIME];
    int64_t now = (int64_t)time(NULL);
    mbedtls_x509write_cert crt;
    uint8_t serial[SERIAL], der[1800];
    int len = -1;

    tsr_pki_put_time(now - 86400, from);
    tsr_pki_put_time(now + YEARS_30, to);
    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, long_hash ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, pk);
    mbedtls_x509write_crt_set_issuer_key(&crt, pk);
    if (tsr_pki_random(NULL, serial, sizeof serial) == 0) {
        serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
        if (mbedtls_x509write_crt_set_serial_raw(&crt, serial, sizeof serial) == 0 &&
            mbedtls_x509write_crt_set_validity(&crt, from, to) == 0 &&
            mbedtls_x509write_crt_set_subject_name(&crt, name) == 0 &&
            mbedtls_x509write_crt_set_issuer_name(&crt, name) == 0)
            len = mbedtls_x509write_crt_der(&crt, der, sizeof der, tsr_pki_random, NULL);
    }
    mbedtls_x509write_crt_free(&crt);
    if (len <= 0)
        return false;

    tsr_buf out = tsr_buf_over(key->chain, sizeof key->chain);

    tsr_cbor_put_array(&out, 1);
    tsr_cbor_put_bytes(&out, tsr_view(der + sizeof der - (size_t)len, (size_t)len));
    key->chain_len = out.len;
    return out.err == TSR_OK;
}

static tsr_err fill(mbedtls_pk_context *pk, fdo_key *key)
{
    tsr_fdo_key_type type;
    tsr_buf out = tsr_buf_over(key->room, sizeof key->room);
    tsr_bytes in;
    bool rsa = mbedtls_pk_get_type(pk) == MBEDTLS_PK_RSA;

    if (!type_of(pk, &type))
        return TSR_E_UNSUPPORTED;

    uint16_t bits = (uint16_t)mbedtls_pk_get_bitlen(pk);
    bool long_hash = tsr_fdo_key_hash(type, bits) == TSR_FDO_SHA384;
    psa_algorithm_t hash = long_hash ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256;

    if (!import(pk, PSA_KEY_USAGE_SIGN_HASH,
                rsa ? PSA_ALG_RSA_PKCS1V15_SIGN(hash) : PSA_ALG_ECDSA(hash), &key->sign) ||
        (rsa && !import(pk, PSA_KEY_USAGE_DECRYPT, PSA_ALG_RSA_OAEP(PSA_ALG_SHA_256),
                        &key->decrypt)))
        return TSR_E_CRYPTO;
    key->alg = tsr_fdo_key_alg(type, bits);
    if (tsr_fdo_put_key(&out, type, TSR_FDO_X509, key->sign) != TSR_OK)
        return out.err;
    in = tsr_buf_view(&out);
    if (tsr_fdo_get_key(&in, &key->public) != TSR_OK || !put_chain(pk, long_hash, key))
        return TSR_E_CRYPTO;
    return TSR_OK;
}

tsr_err fdo_key_open(const char *file, fdo_key *key, char *why, size_t why_cap)
{
    mbedtls_pk_context pk;
    tsr_err err = TSR_E_ARGUMENT;

    *key = (fdo_key){ 0 };
    mbedtls_pk_init(&pk);
    if (mbedtls_pk_parse_keyfile(&pk, file, NULL, tsr_pki_random, NULL) == 0)
        err = fill(&pk, key);
    mbedtls_pk_free(&pk);
    if (err == TSR_OK)
        return TSR_OK;
    fdo_key_close(key);
    (void)snprintf(why, why_cap,
                   "%s: no key can be used from it: give a PEM or DER file with a private key for "
                   "P-256, P-384 or RSA with 2048 or 3072 bits, not encrypted",
                   file);
    return TSR_E_ARGUMENT;
}

void fdo_key_close(fdo_key *key)
{
    if (key->sign != 0)
        (void)psa_destroy_key(key->sign);
    if (key->decrypt != 0)
        (void)psa_destroy_key(key->decrypt);
    *key = (fdo_key){ 0 };
}

/* --- the keys of a role ----------------------------------------------------------------- */

tsr_err fdo_keys_open(fdo_keys *keys, const char *const *files, unsigned count, char *why,
                      size_t why_cap)
{
    *keys = (fdo_keys){ .count = 0 };
    for (unsigned i = 0; i < count; i++) {
        fdo_key *key = calloc(1, sizeof *key);
        tsr_err err = key != NULL ? fdo_key_open(files[i], key, why, why_cap) : TSR_E_SPACE;

        if (err == TSR_OK && fdo_key_of_type(keys, key->public.type) != NULL) {
            (void)snprintf(why, why_cap, "%s: there is another key of its type: give one of a type",
                           files[i]);
            fdo_key_close(key);
            err = TSR_E_ARGUMENT;
        }
        if (err != TSR_OK) {
            free(key);
            return err;
        }
        keys->list[keys->count++] = key;
    }
    return TSR_OK;
}

void fdo_keys_close(fdo_keys *keys)
{
    for (unsigned i = 0; i < keys->count; i++) {
        fdo_key_close(keys->list[i]);
        free(keys->list[i]);
    }
    keys->count = 0;
}

const fdo_key *fdo_key_of_type(const fdo_keys *keys, tsr_fdo_key_type type)
{
    for (unsigned i = 0; i < keys->count; i++)
        if (keys->list[i]->public.type == type)
            return keys->list[i];
    return NULL;
}

const fdo_key *fdo_key_of(const fdo_keys *keys, const tsr_fdo_key *public)
{
    for (unsigned i = 0; i < keys->count; i++)
        if (tsr_fdo_key_same(&keys->list[i]->public, public))
            return keys->list[i];
    return NULL;
}

tsr_err fdo_key_put(tsr_buf *out, const fdo_key *key, tsr_fdo_key_encoding encoding)
{
    if (encoding != TSR_FDO_X5CHAIN)
        return tsr_fdo_put_key(out, key->public.type, encoding, key->sign);
    tsr_fdo_put_key_chain(out, key->public.type, tsr_view(key->chain, key->chain_len));
    return out->err;
}

/* --- public keys from files ------------------------------------------------------------- */

static tsr_err put_public(mbedtls_pk_context *pk, tsr_buf *out)
{
    uint8_t der[TSR_FDO_DER_KEY_MAX + 64];
    tsr_fdo_key_type type;
    int len = mbedtls_pk_write_pubkey_der(pk, der, sizeof der);

    if (len <= 0 || !type_of(pk, &type))
        return TSR_E_UNSUPPORTED;
    tsr_cbor_put_array(out, 3);
    tsr_cbor_put_uint(out, type);
    tsr_cbor_put_uint(out, TSR_FDO_X509);
    tsr_cbor_put_bytes(out, tsr_view(der + sizeof der - (size_t)len, (size_t)len));
    return out->err;
}

tsr_err fdo_public_parse(tsr_bytes content, tsr_buf *out)
{
    mbedtls_pk_context pk;
    mbedtls_x509_crt crt;
    tsr_err err = TSR_E_ARGUMENT;
    uint8_t *text = malloc(content.len + 1); /* PEM is read up to a zero */

    if (text == NULL)
        return TSR_E_SPACE;
    if (content.len > 0)
        memcpy(text, content.ptr, content.len);
    text[content.len] = 0;
    mbedtls_pk_init(&pk);
    mbedtls_x509_crt_init(&crt);
    if (mbedtls_pk_parse_public_key(&pk, text, content.len + 1) == 0 ||
        mbedtls_pk_parse_public_key(&pk, text, content.len) == 0)
        err = put_public(&pk, out);
    else if (mbedtls_x509_crt_parse(&crt, text, content.len + 1) == 0 ||
             mbedtls_x509_crt_parse(&crt, text, content.len) == 0)
        err = put_public(&crt.pk, out);
    mbedtls_x509_crt_free(&crt);
    mbedtls_pk_free(&pk);
    free(text);
    return err == TSR_OK ? TSR_OK : TSR_E_ARGUMENT;
}

tsr_err fdo_public_read(const char *file, tsr_buf *out, char *why, size_t why_cap)
{
    uint8_t content[FILE_MAX];
    FILE *f = fopen(file, "rb");
    size_t len = f != NULL ? fread(content, 1, sizeof content, f) : 0;
    tsr_err err = TSR_E_ARGUMENT;

    if (f != NULL)
        (void)fclose(f);
    if (len > 0 && len < sizeof content)
        err = fdo_public_parse(tsr_view(content, len), out);
    if (err != TSR_OK)
        (void)snprintf(why, why_cap,
                       "%s: no public key can be used from it: give a PEM or DER file with a public "
                       "key or a certificate for P-256, P-384 or RSA with 2048 or 3072 bits",
                       file);
    return err;
}

tsr_err fdo_sign(tsr_buf *out, const fdo_key *key, tsr_bytes payload, tsr_bytes more,
                 uint8_t more_count)
{
    tsr_cose_params p = { .alg = key->alg, .unprotected_more = more,
                          .unprotected_count = more_count };

    return tsr_cose_sign1(out, &p, key->sign, payload, tsr_view(NULL, 0));
}

/* --- for people ------------------------------------------------------------------------- */

const char *fdo_key_type_name(const tsr_fdo_key *k)
{
    if (k->type == TSR_FDO_SECP256R1)
        return "P-256";
    if (k->type == TSR_FDO_SECP384R1)
        return "P-384";
    return k->bits == 3072 ? "RSA-3072" : "RSA-2048";
}

tsr_err fdo_key_digits(const tsr_fdo_key *k, char digits[FDO_KEY_DIGITS])
{
    uint8_t print[32];
    tsr_buf out = tsr_buf_over(digits, FDO_KEY_DIGITS - 1);
    tsr_err err = tsr_fdo_key_print(k, print);

    if (err == TSR_OK)
        tsr_hex_put(&out, tsr_view(print, sizeof print));
    digits[out.len] = 0;
    return err;
}

void fdo_key_mark(const tsr_fdo_key *k, char mark[FDO_KEY_MARK])
{
    char digits[FDO_KEY_DIGITS];

    (void)fdo_key_digits(k, digits); /* "" without SHA-256 */
    (void)snprintf(mark, FDO_KEY_MARK, "%.*s", FDO_KEY_MARK - 1, digits);
}

void fdo_key_words(const tsr_fdo_key *k, char words[FDO_KEY_WORDS])
{
    char mark[FDO_KEY_MARK];

    fdo_key_mark(k, mark);
    (void)snprintf(words, FDO_KEY_WORDS, "%s %s", fdo_key_type_name(k), mark);
}
