/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/net/web.h"

#include "tessera/base/date.h"
#include "tessera/net/dtls_impl.h"

/* IANA numbers, the best first: RFC 5289 §3.2. The RSA ones are there where the build has RSA. */
static const uint16_t suites[] = { 0xC02B, 0xC02F, 0xC02C, 0xC030 };

static const uint16_t groups[] = { MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                   MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
                                   MBEDTLS_SSL_IANA_TLS_GROUP_NONE };

/* ---- dates ---- */

static int64_t unix_of(const mbedtls_x509_time *t)
{
    return (int64_t)tsr_date_days(t->year, t->mon, t->day) * 86400 + (t->hour * 60 + t->min) * 60 + t->sec;
}

/* What Mbed TLS says of dates depends on its clock, if it was built with one: ours alone counts. */
static uint32_t with_dates(const tsr_web *w, const mbedtls_x509_crt *crt, uint32_t flags)
{
    flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (w->unix_s == 0)
        return flags;
    if (w->unix_s > unix_of(&crt->valid_to))
        flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (w->unix_s < unix_of(&crt->valid_from))
        flags |= MBEDTLS_X509_BADCERT_FUTURE;
    return flags;
}

/* ---- judgement ---- */

static bool has_hash(const tsr_web_hash *hash, const mbedtls_x509_crt *crt)
{
    return hash->value.len != 0 &&
           tsr_dtls_pin_matches(hash->type, hash->value, tsr_view(crt->raw.p, crt->raw.len));
}

/* RFC 5280 §4.2.1.6: iPAddress, context tag 7 */
static bool has_address(const mbedtls_x509_crt *crt, tsr_bytes address)
{
    for (const mbedtls_x509_sequence *s = &crt->subject_alt_names; s != NULL; s = s->next)
        if ((s->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_IP_ADDRESS &&
            tsr_same(tsr_view(s->buf.p, s->buf.len), address))
            return true;
    return false;
}

/* From the top of the path down. What stands above the CA that is asked for does not count. */
static uint32_t judge_above(tsr_web *w, const mbedtls_x509_crt *crt, uint32_t flags)
{
    flags = with_dates(w, crt, flags);
    if (has_hash(&w->ca, crt)) {
        w->met_ca = true;
        w->above = 0;
        flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    }
    w->above |= flags;
    return 0;
}

static uint32_t judge_server(const tsr_web *w, const mbedtls_x509_crt *crt, uint32_t flags)
{
    bool own_ca = has_hash(&w->ca, crt); /* it signed itself */

    if (w->anyone)
        return 0;
    if (w->server.value.len != 0 && !has_hash(&w->server, crt))
        return MBEDTLS_X509_BADCERT_OTHER;
    if (w->ca.value.len != 0 && !w->met_ca && !own_ca)
        return MBEDTLS_X509_BADCERT_OTHER;
    if (w->server.value.len != 0 && (w->ca.value.len == 0 || own_ca))
        return 0;
    flags = with_dates(w, crt, flags | w->above);
    if (own_ca)
        flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    if (w->address.len != 0 && !has_address(crt, w->address))
        flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return flags;
}

static const char *cause_of(uint32_t flags)
{
    if (flags == 0)
        return NULL;
    if ((flags & MBEDTLS_X509_BADCERT_OTHER) != 0)
        return "its certificate, or that of its CA, has another hash";
    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0)
        return "its certificate is of no CA that is trusted";
    if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0)
        return "its certificate is for another name";
    if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0)
        return "a certificate has expired";
    if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0)
        return "a certificate is not valid yet";
    return "a certificate may not be used for that, or is too weak";
}

static int judge(void *user, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    tsr_web *w = user;

    if (depth > 0) {
        *flags = judge_above(w, crt, *flags);
        return 0;
    }
    *flags = judge_server(w, crt, *flags);
    w->cause = cause_of(*flags);
    w->above = 0;
    w->met_ca = false;
    return 0;
}

/* ---- configuration ---- */

static tsr_err add_anchors(dtls_config_room *room, const tsr_web *w)
{
    size_t good = 0;

    for (size_t i = 0; i < w->anchor_count; i++)
        good += mbedtls_x509_crt_parse_der_nocopy(&room->anchors, w->anchors[i].ptr,
                                                  w->anchors[i].len) == 0;
    return w->anchor_count != 0 && good == 0 ? TSR_E_MALFORMED : TSR_OK;
}

static void choose_suites(dtls_config_room *room)
{
    int *next = room->suites;

    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (mbedtls_ssl_ciphersuite_from_id(suites[i]) != NULL)
            *next++ = suites[i];
    mbedtls_ssl_conf_ciphersuites(&room->ssl, room->suites);
}

/* RFC 6066 §4: where our buffers are small, the server is asked for short records. */
static int set_lengths(mbedtls_ssl_config *ssl)
{
    return MBEDTLS_SSL_IN_CONTENT_LEN < 16384
               ? mbedtls_ssl_conf_max_frag_len(ssl, MBEDTLS_SSL_MAX_FRAG_LEN_1024)
               : 0;
}

/* An empty list of anchors is one: Mbed TLS asks `judge` then, too. */
static tsr_err setup(tsr_dtls_config *config, const struct tsr_dtls_extra *extra)
{
    static const char *const protocols[] = { "http/1.1", NULL };
    dtls_config_room *room = config_room(config);
    tsr_web *w = extra->user;
    int ret = mbedtls_ssl_conf_alpn_protocols(&room->ssl, (const char **)protocols);

    if (ret == 0)
        ret = set_lengths(&room->ssl);
    if (ret != 0)
        return tsr_dtls_error(ret);
    choose_suites(room);
    mbedtls_ssl_conf_groups(&room->ssl, groups);
    mbedtls_ssl_conf_ca_chain(&room->ssl, &room->anchors, NULL);
    mbedtls_ssl_conf_authmode(&room->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_verify(&room->ssl, judge, w);
    return add_anchors(room, w);
}

tsr_err tsr_web_config(tsr_dtls_config *config, tsr_web *w)
{
    const tsr_dtls_options options = { .role = TSR_DTLS_CLIENT, .stream = true, .extra = &w->extra,
                                       .server_name = w->name };
    bool some = w->server.value.len != 0 || w->ca.value.len != 0 || w->anchor_count != 0;

    if (some == w->anyone ||
        (w->address.len != 0 && w->address.len != 4 && w->address.len != 16))
        return TSR_E_ARGUMENT;
    w->extra = (struct tsr_dtls_extra){ setup, w };
    w->cause = NULL;
    w->above = 0;
    w->met_ca = false;
    return tsr_dtls_config_init(config, &options);
}

const char *tsr_web_cause(const tsr_web *w) { return w->cause; }
