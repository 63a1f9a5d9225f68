/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's own certificate and key, and the anchors for those of devices, from files. The key
 * goes into the PSA core of this process and is wiped from everywhere else. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>

static int no_random(void *context, unsigned char *out, size_t len)
{
    (void)context;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

static tsr_err load_own(tsr_server *s, const char *file, char *why, size_t why_cap)
{
    mbedtls_x509_crt crt;
    tsr_err err = TSR_E_ARGUMENT;

    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_file(&crt, file) == 0) {
        s->certificate = malloc(crt.raw.len);
        s->certificate_len = crt.raw.len;
        err = s->certificate ? TSR_OK : TSR_E_SPACE;
        if (s->certificate)
            memcpy(s->certificate, crt.raw.p, crt.raw.len);
    }
    mbedtls_x509_crt_free(&crt);
    if (err != TSR_OK)
        (void)snprintf(why, why_cap,
                       "%s: no certificate can be read from it: give a PEM or DER file with "
                       "an ECDSA P-256 certificate",
                       file);
    return err;
}

tsr_err certificate_key_load(const char *file, uint32_t *key_id, char *why, size_t why_cap)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_pk_context pk;
    psa_key_id_t id = 0;
    bool good = false;

    mbedtls_pk_init(&pk);
    if (mbedtls_pk_parse_keyfile(&pk, file, NULL, no_random, NULL) == 0 &&
        mbedtls_pk_get_psa_attributes(&pk, PSA_KEY_USAGE_SIGN_HASH, &attributes) == 0) {
        psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
        psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
        good = mbedtls_pk_import_into_psa(&pk, &attributes, &id) == 0;
    }
    mbedtls_pk_free(&pk);
    *key_id = id;
    if (good)
        return TSR_OK;
    (void)snprintf(why, why_cap,
                   "%s: no key can be read from it: give a PEM or DER file with the P-256 "
                   "private key of the certificate, not encrypted",
                   file);
    return TSR_E_ARGUMENT;
}

static tsr_err load_anchors(tsr_server *s, const char *file, char *why, size_t why_cap)
{
    mbedtls_x509_crt list;
    tsr_err err = TSR_OK;
    tsr_bytes *all;
    size_t count = 0;

    mbedtls_x509_crt_init(&list);
    if (mbedtls_x509_crt_parse_file(&list, file) != 0) {
        (void)snprintf(why, why_cap,
                       "%s: no certificates can be read from it: give a PEM file of CA "
                       "certificates",
                       file);
        mbedtls_x509_crt_free(&list);
        return TSR_E_ARGUMENT;
    }
    for (const mbedtls_x509_crt *c = &list; c; c = c->next)
        count++;
    all = realloc(s->anchors, (s->anchor_count + count) * sizeof *s->anchors);
    if (all)
        s->anchors = all;
    for (const mbedtls_x509_crt *c = &list; c && all && err == TSR_OK; c = c->next) {
        uint8_t *der = malloc(c->raw.len);

        if (!der) {
            err = TSR_E_SPACE;
            break;
        }
        memcpy(der, c->raw.p, c->raw.len);
        s->anchors[s->anchor_count++] = tsr_view(der, c->raw.len);
    }
    mbedtls_x509_crt_free(&list);
    return all ? err : TSR_E_SPACE;
}

tsr_err certificates_load(tsr_server *s, char *why, size_t why_cap)
{
    const tsr_server_config *c = &s->config;
    tsr_err err = TSR_OK;

    if (!c->certificate && !c->key && !c->trust && !c->enrol_certificate)
        return TSR_OK;
    if (!c->certificate || !c->key) {
        (void)snprintf(why, why_cap, "certificates need both files: give --certificate and --key");
        return TSR_E_ARGUMENT;
    }
    err = load_own(s, c->certificate, why, why_cap);
    if (err == TSR_OK)
        err = certificate_key_load(c->key, &s->certificate_key_id, why, why_cap);
    if (err == TSR_OK && c->trust)
        err = load_anchors(s, c->trust, why, why_cap);
    if (err == TSR_OK && c->enrol_certificate) /* what it gives is good here, too */
        err = load_anchors(s, c->enrol_certificate, why, why_cap);
    return err;
}

void certificate_serial(tsr_bytes der, char out[SERIAL_TEXT])
{
    mbedtls_x509_crt crt;

    out[0] = 0;
    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_der_nocopy(&crt, der.ptr, der.len) == 0 &&
        crt.serial.len < SERIAL_TEXT / 2) {
        for (size_t i = 0; i < crt.serial.len; i++)
            (void)snprintf(out + 2 * i, 3, "%02x", crt.serial.p[i]);
    }
    mbedtls_x509_crt_free(&crt);
}

static bool look_up(void *arg, const tsr_store_document *row)
{
    *(bool *)arg = row->rank > 0;
    return false;
}

/* Our serial numbers are random, so no other authority's is the same. */
bool certificate_is_revoked(tsr_store_reader *reader, tsr_bytes der)
{
    bool revoked = false;
    char serial[SERIAL_TEXT];

    certificate_serial(der, serial);
    (void)tsr_store_documents(reader, TSR_STORE_CERTIFICATE, TSR_STORE_BY_ALIAS, serial, 1, look_up,
                              &revoked);
    return revoked;
}

void certificates_free(tsr_server *s)
{
    if (s->certificate_key_id)
        psa_destroy_key(s->certificate_key_id);
    for (size_t i = 0; i < s->anchor_count; i++)
        free((void *)(uintptr_t)s->anchors[i].ptr);
    free(s->anchors);
    free(s->certificate);
}
