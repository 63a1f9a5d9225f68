/* SPDX-License-Identifier: Apache-2.0 */
#include <mbedtls/pk.h>

#include "tessera/net/dtls_impl.h"

typedef struct {
    uint8_t number;
    uint8_t action;
    const char *name;
} alert_row;

/* RFC 5246 §7.2, RFC 4279 §4, RFC 6066 §9, RFC 7301 §3.2; actions: LwM2M Transport's table,
 * which lists 86 where it means internal_error (80): both are retried. */
static const alert_row alerts[] = {
    { 0, TSR_DTLS_RETRY, "close_notify" },
    { 10, TSR_DTLS_RETRY, "unexpected_message" },
    { 20, TSR_DTLS_RETRY, "bad_record_mac" },
    { 21, TSR_DTLS_RETRY, "decryption_failed" },
    { 22, TSR_DTLS_RETRY, "record_overflow" },
    { 30, TSR_DTLS_IGNORE, "decompression_failure" },
    { 40, TSR_DTLS_RETRY, "handshake_failure" },
    { 41, TSR_DTLS_IGNORE, "no_certificate" },
    { 42, TSR_DTLS_FAIL, "bad_certificate" },
    { 43, TSR_DTLS_FAIL, "unsupported_certificate" },
    { 44, TSR_DTLS_FAIL, "certificate_revoked" },
    { 45, TSR_DTLS_FAIL, "certificate_expired" },
    { 46, TSR_DTLS_FAIL, "certificate_unknown" },
    { 47, TSR_DTLS_RETRY, "illegal_parameter" },
    { 48, TSR_DTLS_FAIL, "unknown_ca" },
    { 49, TSR_DTLS_FAIL, "access_denied" },
    { 50, TSR_DTLS_RETRY, "decode_error" },
    { 51, TSR_DTLS_RETRY, "decrypt_error" },
    { 60, TSR_DTLS_IGNORE, "export_restriction" },
    { 70, TSR_DTLS_RETRY, "protocol_version" },
    { 71, TSR_DTLS_RETRY, "insufficient_security" },
    { 80, TSR_DTLS_RETRY, "internal_error" },
    { 86, TSR_DTLS_RETRY, "inappropriate_fallback" },
    { 90, TSR_DTLS_RETRY, "user_canceled" },
    { 100, TSR_DTLS_RETRY, "no_renegotiation" },
    { 109, TSR_DTLS_RETRY, "missing_extension" },
    { 110, TSR_DTLS_IGNORE, "unsupported_extension" },
    { 111, TSR_DTLS_RETRY, "certificate_unobtainable" },
    { 112, TSR_DTLS_FAIL, "unrecognized_name" },
    { 113, TSR_DTLS_FAIL, "bad_certificate_status_response" },
    { 114, TSR_DTLS_FAIL, "bad_certificate_hash_value" },
    { 115, TSR_DTLS_FAIL, "unknown_psk_identity" },
    { 116, TSR_DTLS_RETRY, "certificate_required" },
    { 120, TSR_DTLS_RETRY, "no_application_protocol" },
};

static const alert_row *alert_find(uint8_t alert)
{
    for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
        if (alerts[i].number == alert)
            return &alerts[i];
    return NULL;
}

tsr_dtls_alert_action tsr_dtls_alert_class(uint8_t alert)
{
    const alert_row *row = alert_find(alert);

    return row ? (tsr_dtls_alert_action)row->action : TSR_DTLS_RETRY;
}

const char *tsr_dtls_alert_name(uint8_t alert)
{
    const alert_row *row = alert_find(alert);

    return row ? row->name : "unknown";
}

const char *tsr_dtls_reason_name(tsr_dtls_reason reason)
{
    switch (reason) {
    case TSR_DTLS_R_NONE: return "none";
    case TSR_DTLS_R_TIMEOUT: return "the peer does not answer";
    case TSR_DTLS_R_ALERT: return "the peer refused";
    case TSR_DTLS_R_IDENTITY: return "unknown PSK identity";
    case TSR_DTLS_R_KEY: return "the keys do not match";
    case TSR_DTLS_R_CERTIFICATE: return "the peer's certificate is not accepted";
    case TSR_DTLS_R_NO_SUITE: return "no common cipher suite";
    case TSR_DTLS_R_PROTOCOL: return "the peer broke the protocol";
    case TSR_DTLS_R_CRYPTO: return "a PSA call failed";
    case TSR_DTLS_R_MEMORY: return "out of memory";
    case TSR_DTLS_R_INTERNAL: return "internal error";
    }
    return "unknown";
}

tsr_dtls_reason tsr_dtls_reason_of(int code)
{
    switch (code) {
    case MBEDTLS_ERR_SSL_TIMEOUT: return TSR_DTLS_R_TIMEOUT;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: return TSR_DTLS_R_ALERT;
    case MBEDTLS_ERR_SSL_UNKNOWN_IDENTITY: return TSR_DTLS_R_IDENTITY;
    case MBEDTLS_ERR_SSL_INVALID_MAC: return TSR_DTLS_R_KEY;
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
    case MBEDTLS_ERR_X509_FATAL_ERROR:
    case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
    case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
    case MBEDTLS_ERR_PK_SIG_LEN_MISMATCH:
    case MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED: return TSR_DTLS_R_CERTIFICATE;
    case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION: return TSR_DTLS_R_NO_SUITE;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
    case MBEDTLS_ERR_PK_ALLOC_FAILED: return TSR_DTLS_R_MEMORY;
    case MBEDTLS_ERR_SSL_HW_ACCEL_FAILED:
    case MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED:
    case MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE: return TSR_DTLS_R_CRYPTO;
    case MBEDTLS_ERR_SSL_INTERNAL_ERROR:
    case MBEDTLS_ERR_SSL_BAD_INPUT_DATA: return TSR_DTLS_R_INTERNAL;
    default: break;
    }
    int module = -code & 0x7000;

    if (-code < 0x80)
        return TSR_DTLS_R_CRYPTO; /* a PSA status that has no code of its own */
    if (module == 0x2000 || module == 0x3000 || module == 0x4000)
        return TSR_DTLS_R_CERTIFICATE; /* X.509, PK, ECP: the peer's certificate or signature */
    return TSR_DTLS_R_PROTOCOL;
}

tsr_err tsr_dtls_error(int code)
{
    if (code == 0)
        return TSR_OK;
    switch (tsr_dtls_reason_of(code)) {
    case TSR_DTLS_R_MEMORY: return TSR_E_SPACE;
    case TSR_DTLS_R_CERTIFICATE: return TSR_E_MALFORMED;
    default: return TSR_E_CRYPTO;
    }
}
