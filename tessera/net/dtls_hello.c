/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server does before it gives anybody memory (RFC 6347 §4.2.1).
 *
 * A cookie is one byte of the minute in which it was made and 16 bytes of
 * HMAC-SHA-256(key, minute, address, client version and random). The key is made with the config
 * and dies with it. Nothing is kept per peer. */
#include "tessera/net/dtls_impl.h"

enum {
    COOKIE_MAC = 16,
    COOKIE_LEN = 1 + COOKIE_MAC,
    PEER_MAX = 64,
    HS_HEADER = 12,
    HELLO_FIXED = 2 + 32, /* client version, random */
    SLOT_MS = 60000,
};

typedef struct {
    tsr_bytes fixed; /* version and random */
    tsr_bytes cookie;
    uint16_t message_seq;
} client_hello;

tsr_err tsr_dtls_record_read(tsr_bytes datagram, size_t cid_len, dtls_record *record)
{
    tsr_bytes in = datagram;
    uint8_t type;
    uint16_t version, length;
    uint64_t number;
    tsr_bytes cid = { in.ptr, 0 };

    if (tsr_get_u8(&in, &type) != TSR_OK || tsr_get_u16(&in, &version) != TSR_OK ||
        tsr_get_u64(&in, &number) != TSR_OK)
        return TSR_E_MALFORMED;
    if (version >> 8 != 0xfe)
        return TSR_E_MALFORMED;
    if (type == REC_CID && (cid_len == 0 || tsr_get_bytes(&in, cid_len, &cid) != TSR_OK))
        return TSR_E_MALFORMED;
    if (tsr_get_u16(&in, &length) != TSR_OK || length > in.len)
        return TSR_E_MALFORMED;
    *record = (dtls_record){ type, number, cid, datagram.len - in.len + length };
    return TSR_OK;
}

/* A whole ClientHello in the first record; fragmented ones are refused, as their cookie could not
 * be found without keeping state (RFC 6347 §4.2.1 wants them small). */
static tsr_err read_hello(tsr_bytes datagram, client_hello *hello)
{
    dtls_record record;
    uint8_t type, session_len, cookie_len;
    uint16_t message_seq;
    tsr_bytes in, header, session;
    client_hello h;

    if (tsr_dtls_record_read(datagram, 0, &record) != TSR_OK || record.type != REC_HANDSHAKE ||
        record.number >> 48 != 0)
        return TSR_E_MALFORMED;
    in = tsr_skip(tsr_first(datagram, record.len), REC_HEADER);
    if (tsr_get_u8(&in, &type) != TSR_OK || type != HS_CLIENT_HELLO ||
        tsr_get_bytes(&in, 3, &header) != TSR_OK || tsr_get_u16(&in, &message_seq) != TSR_OK)
        return TSR_E_MALFORMED;
    tsr_bytes total = header;
    tsr_bytes offset, part;
    if (tsr_get_bytes(&in, 3, &offset) != TSR_OK || tsr_get_bytes(&in, 3, &part) != TSR_OK)
        return TSR_E_MALFORMED;
    if (!tsr_same(total, part) || offset.ptr[0] + offset.ptr[1] + offset.ptr[2] != 0)
        return TSR_E_MALFORMED;
    if (tsr_get_bytes(&in, HELLO_FIXED, &h.fixed) != TSR_OK ||
        tsr_get_u8(&in, &session_len) != TSR_OK || session_len > 32 ||
        tsr_get_bytes(&in, session_len, &session) != TSR_OK ||
        tsr_get_u8(&in, &cookie_len) != TSR_OK ||
        tsr_get_bytes(&in, cookie_len, &h.cookie) != TSR_OK)
        return TSR_E_MALFORMED;
    h.message_seq = message_seq;
    *hello = h;
    return TSR_OK;
}

static tsr_err cookie_mac(uint32_t key, uint64_t slot, tsr_bytes peer, tsr_bytes fixed,
                          uint8_t mac[PSA_HASH_LENGTH(PSA_ALG_SHA_256)])
{
    uint8_t input[8 + 1 + PEER_MAX + HELLO_FIXED];
    tsr_buf in = tsr_buf_over(input, sizeof(input));
    size_t len = 0;

    tsr_put_u64(&in, slot);
    tsr_put_u8(&in, (uint8_t)peer.len);
    tsr_put_bytes(&in, peer);
    tsr_put_bytes(&in, fixed);
    if (in.err != TSR_OK)
        return TSR_E_ARGUMENT;
    if (psa_mac_compute(mbedtls_svc_key_id_make(0, key), PSA_ALG_HMAC(PSA_ALG_SHA_256), input,
                        in.len, mac, PSA_HASH_LENGTH(PSA_ALG_SHA_256), &len) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    return TSR_OK;
}

/* Made in this minute or the one before. */
static bool cookie_is_ours(uint32_t key, const client_hello *hello, tsr_bytes peer,
                           uint64_t now_slot)
{
    uint8_t mac[PSA_HASH_LENGTH(PSA_ALG_SHA_256)];
    uint64_t slot = now_slot;

    if (hello->cookie.len != COOKIE_LEN)
        return false;
    if (hello->cookie.ptr[0] != (uint8_t)slot)
        slot--;
    if (hello->cookie.ptr[0] != (uint8_t)slot)
        return false;
    if (cookie_mac(key, slot, peer, hello->fixed, mac) != TSR_OK)
        return false;
    return tsr_same_secret(tsr_view(mac, COOKIE_MAC), tsr_skip(hello->cookie, 1));
}

/* RFC 6347 §4.2.1: version 1.0, and the record number of the ClientHello that it answers. */
static void write_verify(tsr_buf *out, tsr_bytes datagram, const client_hello *hello,
                         const uint8_t *mac, uint64_t slot)
{
    enum { BODY = 2 + 1 + COOKIE_LEN };

    tsr_put_u8(out, REC_HANDSHAKE);
    tsr_put_u16(out, 0xfeff);
    tsr_put_bytes(out, tsr_first(tsr_skip(datagram, 3), 8));
    tsr_put_u16(out, HS_HEADER + BODY);
    tsr_put_u8(out, HS_HELLO_VERIFY);
    tsr_put_u8(out, 0);
    tsr_put_u16(out, BODY);
    tsr_put_u16(out, hello->message_seq);
    tsr_put_u8(out, 0);
    tsr_put_u16(out, 0);
    tsr_put_u8(out, 0);
    tsr_put_u16(out, BODY);
    tsr_put_u16(out, 0xfeff);
    tsr_put_u8(out, COOKIE_LEN);
    tsr_put_u8(out, (uint8_t)slot);
    tsr_put_bytes(out, tsr_view(mac, COOKIE_MAC));
}

tsr_dtls_verdict tsr_dtls_hello(tsr_dtls_config *server, tsr_bytes peer, tsr_bytes datagram,
                                tsr_buf *answer, uint64_t now_ms)
{
    uint8_t mac[PSA_HASH_LENGTH(PSA_ALG_SHA_256)];
    uint64_t slot = now_ms / SLOT_MS;
    client_hello hello;

    if (peer.len > PEER_MAX || server->opt.role != TSR_DTLS_SERVER)
        return TSR_DTLS_DROP;
    if (read_hello(datagram, &hello) != TSR_OK)
        return TSR_DTLS_DROP;
    if (cookie_is_ours(server->cookie_key, &hello, peer, slot))
        return TSR_DTLS_ACCEPT;
    if (cookie_mac(server->cookie_key, slot, peer, hello.fixed, mac) != TSR_OK)
        return TSR_DTLS_DROP;
    write_verify(answer, datagram, &hello, mac, slot);
    return answer->err == TSR_OK ? TSR_DTLS_VERIFY : TSR_DTLS_DROP;
}

tsr_dtls_kind tsr_dtls_peek(tsr_bytes datagram, size_t cid_len, tsr_bytes *cid)
{
    dtls_record record;

    if (tsr_dtls_record_read(datagram, cid_len, &record) != TSR_OK)
        return TSR_DTLS_IS_JUNK;
    if (record.type == REC_CID) {
        *cid = record.cid;
        return TSR_DTLS_IS_CID;
    }
    if (record.type < 20 || record.type > 23)
        return TSR_DTLS_IS_JUNK;
    if (record.type == REC_HANDSHAKE && record.number >> 48 == 0 && record.len > REC_HEADER &&
        datagram.ptr[REC_HEADER] == HS_CLIENT_HELLO)
        return TSR_DTLS_IS_HELLO;
    return TSR_DTLS_IS_RECORD;
}

tsr_err tsr_dtls_cid_peek(tsr_bytes datagram, size_t cid_len, tsr_bytes *cid)
{
    return tsr_dtls_peek(datagram, cid_len, cid) == TSR_DTLS_IS_CID ? TSR_OK : TSR_E_NOT_FOUND;
}

tsr_err tsr_dtls_cookie_setup(tsr_dtls_config *config)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t key = MBEDTLS_SVC_KEY_ID_INIT;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_bits(&attributes, 256);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    if (psa_generate_key(&attributes, &key) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    config->cookie_key = MBEDTLS_SVC_KEY_ID_GET_KEY_ID(key);
    return TSR_OK;
}

void tsr_dtls_cookie_teardown(tsr_dtls_config *config)
{
    if (config->cookie_key != 0)
        psa_destroy_key(mbedtls_svc_key_id_make(0, config->cookie_key));
    config->cookie_key = 0;
}
