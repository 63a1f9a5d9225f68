/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates: our own with a key behind PSA, and how the peer's is judged. */
#include "tessera/net/dtls_impl.h"

/* RFC 7925 §4.4: P-256 is the curve; P-384 is taken from peers that have nothing else. */
/* Transport 5.2.3 */
static const uint16_t groups[] = { MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                   MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
                                   MBEDTLS_SSL_IANA_TLS_GROUP_NONE };

static bool digest_matches(psa_algorithm_t alg, tsr_bytes der, tsr_bytes pin)
{
    uint8_t digest[PSA_HASH_MAX_SIZE];
    size_t len = 0;

    if (psa_hash_compute(alg, der.ptr, der.len, digest, sizeof(digest), &len) != PSA_SUCCESS)
        return false;
    return tsr_same(tsr_view(digest, len), pin);
}

bool tsr_dtls_pin_matches(tsr_dtls_pin_type type, tsr_bytes pin, tsr_bytes der)
{
    switch (type) {
    case TSR_DTLS_PIN_CERTIFICATE: return tsr_same(der, pin);
    case TSR_DTLS_PIN_SHA256: return digest_matches(PSA_ALG_SHA_256, der, pin);
    case TSR_DTLS_PIN_SHA384: return digest_matches(PSA_ALG_SHA_384, der, pin);
    case TSR_DTLS_PIN_SHA512: return digest_matches(PSA_ALG_SHA_512, der, pin);
    }
    return false;
}

static bool pin_matches(const tsr_dtls_options *o, tsr_bytes der)
{
    return tsr_dtls_pin_matches(o->pin_type, o->pin, der);
}

/* The end entity: `path_flags` is what path validation found wrong, zero if nothing. */
static uint32_t judge_end_entity(dtls_config_room *room, const tsr_dtls_options *o, tsr_bytes der,
                                 uint32_t path_flags)
{
    uint32_t flags = path_flags;

    switch (o->usage) {
    case TSR_DTLS_CERT_EXACT:
        flags = 0;
        if (o->pin.len != 0 ? !pin_matches(o, der) : o->cert_check == NULL)
            flags = MBEDTLS_X509_BADCERT_NOT_TRUSTED;
        break;
    case TSR_DTLS_CERT_SERVICE:
        flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH; /* the pin says more than the name */
        if (!pin_matches(o, der))
            flags |= MBEDTLS_X509_BADCERT_NOT_TRUSTED;
        break;
    case TSR_DTLS_CERT_CA:
        if (o->pin.len != 0 && !room->on_path)
            flags |= MBEDTLS_X509_BADCERT_NOT_TRUSTED;
        break;
    case TSR_DTLS_CERT_ANCHOR: break;
    }
    if (o->cert_check != NULL && o->cert_check(o->user, der) != TSR_OK)
        flags |= MBEDTLS_X509_BADCERT_OTHER;
    return flags;
}

/* Called from the top of the path down to the end entity (depth 0), once per certificate. */
static int judge(void *user, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    tsr_dtls_config *config = user;
    dtls_config_room *room = config_room(config);
    tsr_bytes der = tsr_view(crt->raw.p, crt->raw.len);

    if (depth > 0) {
        if (config->opt.usage == TSR_DTLS_CERT_CA && pin_matches(&config->opt, der))
            room->on_path = true;
        if (config->opt.usage == TSR_DTLS_CERT_EXACT)
            *flags = 0; /* match only: what lies above the end entity has no say */
        return 0;
    }
    *flags = judge_end_entity(room, &config->opt, der, *flags);
    room->on_path = false;
    return 0;
}

static tsr_err add_anchor(dtls_config_room *room, tsr_bytes der)
{
    return tsr_dtls_error(mbedtls_x509_crt_parse_der_nocopy(&room->anchors, der.ptr, der.len));
}

/* A pinned CA or anchor is an anchor. Mbed TLS wants some anchor before it asks our callback, so an
 * end that only pins gives its own certificate; `judge` alone decides then. */
static tsr_err add_anchors(dtls_config_room *room, const tsr_dtls_options *o)
{
    bool pin_is_anchor = (o->usage == TSR_DTLS_CERT_CA || o->usage == TSR_DTLS_CERT_ANCHOR) &&
                         o->pin_type == TSR_DTLS_PIN_CERTIFICATE && o->pin.len != 0;
    tsr_err err = TSR_OK;

    for (size_t i = 0; i < o->anchor_count && err == TSR_OK; i++)
        err = add_anchor(room, o->anchors[i]);
    if (err == TSR_OK && pin_is_anchor)
        err = add_anchor(room, o->pin);
    if (err == TSR_OK && o->usage == TSR_DTLS_CERT_EXACT && o->anchor_count == 0)
        err = add_anchor(room, o->certificate);
    return err;
}

tsr_err tsr_dtls_cert_setup(tsr_dtls_config *config)
{
    dtls_config_room *room = config_room(config);
    const tsr_dtls_options *o = &config->opt;
    tsr_err err;
    int ret;

    ret = mbedtls_x509_crt_parse_der_nocopy(&room->own, o->certificate.ptr, o->certificate.len);
    if (ret != 0)
        return tsr_dtls_error(ret);
    err = add_anchors(room, o);
    if (err != TSR_OK)
        return err;
    if (mbedtls_pk_setup_opaque(&room->key, mbedtls_svc_key_id_make(0, o->certificate_key_id)) != 0)
        return TSR_E_CRYPTO;
    ret = mbedtls_ssl_conf_own_cert(&room->ssl, &room->own, &room->key);
    mbedtls_ssl_conf_ca_chain(&room->ssl, &room->anchors, NULL);
    mbedtls_ssl_conf_groups(&room->ssl, groups);
    mbedtls_ssl_conf_authmode(&room->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_cert_req_ca_list(&room->ssl, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
    mbedtls_ssl_conf_verify(&room->ssl, judge, config);
    return tsr_dtls_error(ret);
}

void tsr_dtls_cert_teardown(tsr_dtls_config *config)
{
    mbedtls_x509_crt_free(&config_room(config)->own);
    mbedtls_x509_crt_free(&config_room(config)->anchors);
    mbedtls_pk_free(&config_room(config)->key);
}
