/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/net/dtls_impl.h"

_Static_assert(sizeof(dtls_config_room) <= sizeof(((tsr_dtls_config *)0)->room),
               "tsr_dtls_config.room is too small for this Mbed TLS");

/* IANA numbers in the order of our preference. CCM-8 first: it is what LwM2M and RFC 7925 §4.2,
 * §4.4 ask for, and the shortest record. */
enum {
    PSK_CCM_8 = 0xC0A8,   /* RFC 6655 §4 */
    ECDSA_CCM_8 = 0xC0AE, /* RFC 7251 §2 */
    PSK_GCM = 0x00A8,     /* RFC 5487 §2: peers whose library has put CCM-8 away */
    ECDSA_GCM = 0xC02B, /* RFC 5289 §3.2 */
    PSK_CBC = 0x00AE, /* RFC 5487 §3.1 */
    ECDSA_CBC = 0xC023, /* RFC 5289 §3.1 */
};

static int random_bytes(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
}

/* tsr_dtls_hello has checked the cookie of every ClientHello that reaches a session. */
static int cookie_write(void *ctx, unsigned char **p, unsigned char *end, const unsigned char *info,
                        size_t info_len)
{
    (void)ctx, (void)p, (void)end, (void)info, (void)info_len;
    return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
}

static int cookie_checked(void *ctx, const unsigned char *cookie, size_t len,
                          const unsigned char *info, size_t info_len)
{
    (void)ctx, (void)cookie, (void)len, (void)info, (void)info_len;
    return 0;
}

/* RFC 4279 §5.3: identities up to 128 bytes; RFC 4279 §2: unknown ones end with alert 115. */
static int find_psk(void *user, mbedtls_ssl_context *ssl, const unsigned char *identity, size_t len)
{
    tsr_dtls_config *config = user;
    tsr_dtls_name *name = mbedtls_ssl_get_user_data_p(ssl);
    uint32_t key_id = 0;

    if (len == 0 || len > TSR_DTLS_IDENTITY_MAX)
        return MBEDTLS_ERR_SSL_UNKNOWN_IDENTITY;
    if (config->opt.psk_find(config->opt.user, tsr_view(identity, len), &key_id) != TSR_OK)
        return MBEDTLS_ERR_SSL_UNKNOWN_IDENTITY;
    memcpy(name->bytes, identity, len);
    name->len = (uint8_t)len;
    name->key_id = key_id;
    return mbedtls_ssl_set_hs_psk_opaque(ssl, mbedtls_svc_key_id_make(0, key_id));
}

static bool has_psk(const tsr_dtls_options *o)
{
    return o->role == TSR_DTLS_SERVER ? o->psk_find != NULL : o->psk_key_id != 0;
}

static bool has_certificate(const tsr_dtls_options *o) { return o->certificate.len != 0; }

static bool options_are_sound(const tsr_dtls_options *o)
{
    if (o->extra != NULL)
        return o->stream && o->role == TSR_DTLS_CLIENT && !has_psk(o) && !has_certificate(o);
    if (!o->stream && (o->plain == NULL || o->plain_cap < 64 || o->cid_len > TSR_DTLS_CID_MAX))
        return false;
    if (!has_psk(o) && !has_certificate(o))
        return false;
    if (o->role == TSR_DTLS_CLIENT && has_psk(o) &&
        (o->psk_identity.len == 0 || o->psk_identity.len > TSR_DTLS_IDENTITY_MAX))
        return false;
    if (has_certificate(o) && o->certificate_key_id == 0)
        return false;
    return !has_certificate(o) || o->anchor_count != 0 || o->pin.len != 0 || o->cert_check != NULL;
}

bool tsr_dtls_has_suite(bool psk, uint16_t suite)
{
    /* RFC 6655 §4, RFC 5487 §2; RFC 7251 §2, RFC 5289 §3.2: those that hash with SHA-256 */
    static const uint16_t have[2][5] = { { ECDSA_CCM_8, 0xC0AC, ECDSA_GCM, 0xC0AF, 0xC0AD },
                                         { PSK_CCM_8, 0xC0A4, PSK_GCM, 0xC0A9, 0xC0A5 } };

    for (size_t i = 0; i < sizeof have[0] / sizeof have[0][0]; i++) {
        if (have[psk][i] == suite)
            return mbedtls_ssl_ciphersuite_from_id(suite) != NULL;
    }
    return false;
}

bool tsr_dtls_offers(const tsr_dtls_config *config, uint16_t suite)
{
    const int *next = config_room((tsr_dtls_config *)(uintptr_t)config)->suites; /* only read */

    while (*next != 0 && *next != suite)
        next++;
    return *next != 0;
}

static void take_suites(const tsr_dtls_options *o, int *next)
{
    for (size_t i = 0; i < o->suite_count && i < TSR_DTLS_SUITES; i++) {
        if ((has_psk(o) && tsr_dtls_has_suite(true, o->suites[i])) ||
            (has_certificate(o) && tsr_dtls_has_suite(false, o->suites[i])))
            *next++ = o->suites[i];
    }
}

static void choose_suites(tsr_dtls_config *config)
{
    const tsr_dtls_options *o = &config->opt;
    bool server = o->role == TSR_DTLS_SERVER;
    int *next = config_room(config)->suites;

    mbedtls_ssl_conf_ciphersuites(&config_room(config)->ssl, next);
    if (!server && o->suite_count != 0) {
        take_suites(o, next);
        return;
    }
    if (has_psk(o))
        *next++ = PSK_CCM_8;
    if (has_certificate(o))
        *next++ = ECDSA_CCM_8;
    if (server && has_psk(o))
        *next++ = PSK_GCM;
    if (server && has_certificate(o))
        *next++ = ECDSA_GCM;
    if (server && o->cbc && has_psk(o))
        *next++ = PSK_CBC;
    if (server && o->cbc && has_certificate(o))
        *next++ = ECDSA_CBC;
}

static void set_defaults(tsr_dtls_options *o)
{
    if (o->mtu == 0)
        o->mtu = 1232; /* the least MTU of IPv6 less its and UDP's headers */
    if (o->retry_ms == 0)
        o->retry_ms = 1000;
    if (o->retry_max_ms == 0)
        o->retry_max_ms = 60000;
    if (o->retry_max_ms < o->retry_ms)
        o->retry_max_ms = o->retry_ms;
}

static tsr_err set_psk(tsr_dtls_config *config)
{
    mbedtls_ssl_config *ssl = &config_room(config)->ssl;
    const tsr_dtls_options *o = &config->opt;

    if (!has_psk(o))
        return TSR_OK;
    if (o->role == TSR_DTLS_SERVER) {
        mbedtls_ssl_conf_psk_cb(ssl, find_psk, config);
        return TSR_OK;
    }
    return tsr_dtls_error(mbedtls_ssl_conf_psk_opaque(
        ssl, mbedtls_svc_key_id_make(0, o->psk_key_id), o->psk_identity.ptr, o->psk_identity.len));
}

static tsr_err set_datagrams(mbedtls_ssl_config *ssl, const tsr_dtls_options *o)
{
    mbedtls_ssl_conf_handshake_timeout(ssl, o->retry_ms, o->retry_max_ms);
    mbedtls_ssl_conf_dtls_cookies(ssl, cookie_write, cookie_checked, NULL);
    /* Bytes that are no record of this session are dropped, whatever they are: RFC 6347 §4.1.2.7 */
    mbedtls_ssl_conf_dtls_badmac_limit(ssl, 0);
    return o->cid ? tsr_dtls_error(
                        mbedtls_ssl_conf_cid(ssl, o->cid_len, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE))
                  : TSR_OK;
}

/* RFC 8323 §8.2: ALPN says "coap"; a peer that has none is served too. Records are short enough for
 * our buffers. */
static tsr_err set_stream(mbedtls_ssl_config *ssl, const tsr_dtls_options *o)
{
    static const char *const protocols[] = { "coap", NULL };
    /* it reads them only */
    int ret = mbedtls_ssl_conf_alpn_protocols(ssl, (const char **)protocols);

    if (ret == 0 && o->role == TSR_DTLS_CLIENT)
        ret = mbedtls_ssl_conf_max_frag_len(ssl, MBEDTLS_SSL_MAX_FRAG_LEN_1024);
    return tsr_dtls_error(ret);
}

/* Renegotiation is not compiled in; a configuration that has it would have to switch it off here.
 */
static tsr_err set_ssl(tsr_dtls_config *config)
{
    mbedtls_ssl_config *ssl = &config_room(config)->ssl;
    const tsr_dtls_options *o = &config->opt;
    int endpoint = o->role == TSR_DTLS_SERVER ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
    int ret = mbedtls_ssl_config_defaults(ssl, endpoint,
                                          o->stream ? MBEDTLS_SSL_TRANSPORT_STREAM
                                                    : MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                          MBEDTLS_SSL_PRESET_DEFAULT);

    if (ret != 0)
        return tsr_dtls_error(ret);
    mbedtls_ssl_conf_rng(ssl, random_bytes, NULL);
    if (o->role == TSR_DTLS_CLIENT) /* but for those that keep their session: tls_kept.h */
        mbedtls_ssl_conf_session_tickets(ssl, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    if (o->extra != NULL)
        return o->extra->setup(config, o->extra);
    choose_suites(config);
    if (config_room(config)->suites[0] == 0)
        return TSR_E_UNSUPPORTED;
    return o->stream ? set_stream(ssl, o) : set_datagrams(ssl, o);
}

tsr_err tsr_dtls_config_init(tsr_dtls_config *config, const tsr_dtls_options *options)
{
    tsr_err err;

    if (!options_are_sound(options))
        return TSR_E_ARGUMENT;
    *config = (tsr_dtls_config){ .opt = *options, .live = true };
    set_defaults(&config->opt);
    mbedtls_ssl_config_init(&config_room(config)->ssl);
    mbedtls_x509_crt_init(&config_room(config)->own);
    mbedtls_x509_crt_init(&config_room(config)->anchors);
    mbedtls_pk_init(&config_room(config)->key);

    err = set_ssl(config);
    if (err == TSR_OK)
        err = set_psk(config);
    if (err == TSR_OK && has_certificate(options))
        err = tsr_dtls_cert_setup(config);
    if (err == TSR_OK && options->role == TSR_DTLS_SERVER && !options->stream)
        err = tsr_dtls_cookie_setup(config);
    if (err != TSR_OK)
        tsr_dtls_config_free(config);
    return err;
}

void tsr_dtls_config_free(tsr_dtls_config *config)
{
    if (!config->live)
        return;
    mbedtls_ssl_config_free(&config_room(config)->ssl);
    tsr_dtls_cert_teardown(config);
    tsr_dtls_cookie_teardown(config);
    tsr_wipe(config, sizeof(*config));
}
