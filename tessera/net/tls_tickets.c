/* SPDX-License-Identifier: Apache-2.0
 *
 * What is sealed: version(1) identity_len(1) identity mark(16, with an identity) session, the last as
 * mbedtls_ssl_session_save() writes it, with the client's certificate.
 *
 * Mbed TLS asks about a ticket while it reads the ClientHello, before it chooses a suite, and calls
 * `chosen` in between. Neither call for tickets names the session; config->turn does. */
#include "tessera/net/tls_tickets.h"

#include "tessera/net/dtls_impl.h"

enum {
    VERSION = 1,
    MARK = 16,
    EXT_SERVER_NAME = 0,
    EXT_EXTENDED_MASTER_SECRET = 23, /* RFC 7627 §5.1 */
};

typedef struct {
    bool ems;
    tsr_bytes name;
} hello;

/* The ClientHello that is being read: RFC 5246 §7.4.1.2, RFC 6347 §4.2.1, §4.2.2. */
static tsr_err hello_extensions(const tsr_turn *turn, tsr_bytes *out)
{
    const mbedtls_ssl_context *ssl = turn->ssl;
    bool stream = turn->config->opt.stream;
    tsr_bytes in = tsr_view(ssl->MBEDTLS_PRIVATE(in_msg), ssl->MBEDTLS_PRIVATE(in_hslen));
    tsr_bytes part;
    uint8_t len8;
    uint16_t len16;

    if (tsr_get_bytes(&in, (stream ? 4 : 12) + 2 + 32, &part) != TSR_OK ||
        part.ptr[0] != HS_CLIENT_HELLO || tsr_get_u8(&in, &len8) != TSR_OK ||
        tsr_get_bytes(&in, len8, &part) != TSR_OK)
        return TSR_E_MALFORMED;
    if (!stream &&
        (tsr_get_u8(&in, &len8) != TSR_OK || tsr_get_bytes(&in, len8, &part) != TSR_OK))
        return TSR_E_MALFORMED;
    if (tsr_get_u16(&in, &len16) != TSR_OK || tsr_get_bytes(&in, len16, &part) != TSR_OK ||
        tsr_get_u8(&in, &len8) != TSR_OK || tsr_get_bytes(&in, len8, &part) != TSR_OK)
        return TSR_E_MALFORMED;
    if (tsr_get_u16(&in, &len16) != TSR_OK)
        len16 = 0;
    return tsr_get_bytes(&in, len16, out);
}

static hello read_hello(const tsr_turn *turn)
{
    hello h = { 0 };
    uint16_t type, len;
    tsr_bytes in, value;

    if (hello_extensions(turn, &in) != TSR_OK)
        return h;
    while (tsr_get_u16(&in, &type) == TSR_OK && tsr_get_u16(&in, &len) == TSR_OK &&
           tsr_get_bytes(&in, len, &value) == TSR_OK) {
        h.ems = h.ems || type == EXT_EXTENDED_MASTER_SECRET;
        if (type == EXT_SERVER_NAME)
            h.name = value;
    }
    return h;
}

/* RFC 6066 §3: no resumption under another name. False: this handshake has nothing to do with tickets. */
static bool bind_hello(const tsr_turn *turn)
{
    uint8_t digest[PSA_HASH_LENGTH(PSA_ALG_SHA_256)];
    tsr_resumption *again = turn->again;
    hello h = read_hello(turn);
    size_t len = 0;

    _Static_assert(sizeof again->bound == TSR_TLS_BOUND, "what tickets are bound to");
    again->ems = h.ems && psa_hash_compute(PSA_ALG_SHA_256, h.name.ptr, h.name.len, digest, sizeof digest,
                                       &len) == PSA_SUCCESS;
    if (again->ems)
        memcpy(again->bound, digest, sizeof again->bound);
    return again->ems;
}

static tsr_bytes bound_of(const tsr_turn *turn)
{
    return tsr_view(turn->again->bound, sizeof turn->again->bound);
}

/* ---- what must not have changed ---- */

/* Tells keys apart under one identity, and nothing about them: the PRF that makes master secrets of
 * them (RFC 5246 §5), under a label of its own. */
static bool mark_of(uint32_t key_id, uint8_t mark[MARK])
{
    static const uint8_t label[] = "tessera session ticket", seed[] = "key";
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    bool good =
        psa_key_derivation_setup(&op, PSA_ALG_TLS12_PSK_TO_MS(PSA_ALG_SHA_256)) == PSA_SUCCESS &&
        psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_SEED, seed, sizeof seed) ==
            PSA_SUCCESS &&
        psa_key_derivation_input_key(&op, PSA_KEY_DERIVATION_INPUT_SECRET,
                                     mbedtls_svc_key_id_make(0, key_id)) == PSA_SUCCESS &&
        psa_key_derivation_input_bytes(&op, PSA_KEY_DERIVATION_INPUT_LABEL, label, sizeof label) ==
            PSA_SUCCESS &&
        psa_key_derivation_output_bytes(&op, mark, MARK) == PSA_SUCCESS;

    (void)psa_key_derivation_abort(&op);
    return good;
}

static bool psk_stands(const tsr_dtls_options *o, tsr_bytes identity, tsr_bytes mark)
{
    uint8_t now[MARK];
    uint32_t key_id = 0;

    return o->psk_find != NULL && o->psk_find(o->user, identity, &key_id) == TSR_OK &&
           mark_of(key_id, now) && tsr_same_secret(tsr_view(now, sizeof now), mark);
}

static bool certificate_stands(const tsr_dtls_options *o, const mbedtls_x509_crt *crt)
{
    return o->usage == TSR_DTLS_CERT_ANCHOR && !mbedtls_x509_time_is_past(&crt->valid_to) &&
           !mbedtls_x509_time_is_future(&crt->valid_from) &&
           (o->cert_check == NULL ||
            o->cert_check(o->user, tsr_view(crt->raw.p, crt->raw.len)) == TSR_OK);
}

/* ---- giving one ---- */

static tsr_err put_session(const mbedtls_ssl_session *session, tsr_buf *out)
{
    size_t len = 0;

    if (out->err != TSR_OK || mbedtls_ssl_session_save(session, out->ptr + out->len,
                                                       out->cap - out->len, &len) != 0)
        return TSR_E_SPACE;
    out->len += len;
    return TSR_OK;
}

/* One of the two proofs stands behind a session, never both. */
static tsr_err put_plain(const tsr_dtls_name *identity, const mbedtls_ssl_session *session, tsr_buf *out)
{
    bool certificate = session->MBEDTLS_PRIVATE(peer_cert) != NULL;
    uint8_t mark[MARK];

    if (certificate == (identity->len != 0))
        return TSR_E_STATE;
    tsr_put_u8(out, VERSION);
    tsr_put_u8(out, identity->len);
    tsr_put_bytes(out, tsr_view(identity->bytes, identity->len));
    if (!certificate) {
        if (!mark_of(identity->key_id, mark))
            return TSR_E_CRYPTO;
        tsr_put_bytes(out, tsr_view(mark, sizeof mark));
    }
    return put_session(session, out);
}

/* A message that fits a record that the client takes: RFC 6066 §4. */
static size_t most(const mbedtls_ssl_context *ssl, size_t room)
{
    int record = mbedtls_ssl_get_max_out_record_payload(ssl);
    size_t max = record > 10 ? (size_t)record - 10 : 0;

    max = max < TSR_TLS_TICKET_MAX ? max : TSR_TLS_TICKET_MAX;
    return max < room ? max : room;
}

/* An empty ticket is none: RFC 5077 §3.3. A resumed session gets no other, so that each ends in time. */
static int give(void *user, const mbedtls_ssl_session *session, unsigned char *start,
                const unsigned char *end, size_t *len, uint32_t *lifetime_s)
{
    const tsr_dtls_config *config = user;
    const tsr_turn *turn = config->turn;
    const tsr_tls_tickets *t = config->tickets;
    uint8_t room[TSR_TLS_TICKET_MAX];
    tsr_buf plain = tsr_buf_over(room, sizeof room);
    tsr_buf ticket = tsr_buf_over(start, most(turn->ssl, (size_t)(end - start)));
    tsr_err err = TSR_E_STATE;

    *len = 0;
    *lifetime_s = 0;
    if (turn->again->ems && !turn->again->resumed)
        err = put_plain(turn->identity, session, &plain);
    if (err == TSR_OK)
        err = t->seal(t->user, bound_of(turn), tsr_buf_view(&plain), &ticket);
    tsr_wipe(room, sizeof room);
    if (err != TSR_OK || ticket.err != TSR_OK)
        return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
    *len = ticket.len;
    *lifetime_s = t->lifetime_s;
    return 0;
}

/* ---- taking one ---- */

typedef struct {
    tsr_bytes identity, mark, session;
} plain_parts;

static tsr_err read_plain(tsr_bytes in, plain_parts *p)
{
    uint8_t version, len;

    if (tsr_get_u8(&in, &version) != TSR_OK || version != VERSION || tsr_get_u8(&in, &len) != TSR_OK ||
        len > TSR_DTLS_IDENTITY_MAX || tsr_get_bytes(&in, len, &p->identity) != TSR_OK ||
        tsr_get_bytes(&in, len != 0 ? MARK : 0, &p->mark) != TSR_OK)
        return TSR_E_MALFORMED;
    p->session = in;
    return TSR_OK;
}

/* No other suite than that of the session, nor one that this end would not choose now: RFC 5246 §7.3,
 * §7.4.1.2. With a session ID it is chosen by now, without regard to the session. */
static bool suite_stands(const tsr_turn *turn, const mbedtls_ssl_session *session)
{
    int suite = mbedtls_ssl_session_get_ciphersuite_id(session);

    if (!turn->config->opt.stream)
        return suite == mbedtls_ssl_session_get_ciphersuite_id(
                            turn->ssl->MBEDTLS_PRIVATE(session_negotiate));
    if (!tsr_dtls_offers(turn->config, (uint16_t)suite))
        return false;
    config_room(turn->config)->only[0] = suite;
    return true;
}

static bool take_up(const tsr_turn *turn, mbedtls_ssl_session *session, tsr_bytes plain)
{
    const tsr_dtls_options *o = &turn->config->opt;
    const mbedtls_x509_crt *crt;
    plain_parts p;

    if (read_plain(plain, &p) != TSR_OK ||
        mbedtls_ssl_session_load(session, p.session.ptr, p.session.len) != 0)
        return false;
    crt = session->MBEDTLS_PRIVATE(peer_cert);
    if ((crt != NULL) == (p.identity.len != 0) || !suite_stands(turn, session))
        return false;
    if (crt != NULL ? !certificate_stands(o, crt) : !psk_stands(o, p.identity, p.mark))
        return false;
    *turn->identity = (tsr_dtls_name){ .len = (uint8_t)p.identity.len };
    if (p.identity.len != 0)
        memcpy(turn->identity->bytes, p.identity.ptr, p.identity.len);
    return true;
}

/* RFC 7627 §5.3: without the extension no session with it is resumed. One ticket of a hello counts. */
static int take(void *user, mbedtls_ssl_session *session, unsigned char *bytes, size_t len)
{
    const tsr_dtls_config *config = user;
    const tsr_tls_tickets *t = config->tickets;
    const tsr_turn *turn = config->turn;
    tsr_resumption *again = turn->again;
    uint8_t room[TSR_TLS_TICKET_MAX];
    tsr_buf plain = tsr_buf_over(room, sizeof room);

    if (again->asked)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    again->asked = true;
    if (bind_hello(turn) && t->open(t->user, bound_of(turn), tsr_view(bytes, len), &plain) == TSR_OK)
        again->resumed = take_up(turn, session, tsr_buf_view(&plain));
    tsr_wipe(room, sizeof room);
    return again->resumed ? 0 : MBEDTLS_ERR_SSL_INVALID_MAC;
}

/* The suite is chosen next. */
static int chosen(mbedtls_ssl_context *ssl)
{
    const mbedtls_ssl_config *conf = mbedtls_ssl_context_get_config(ssl);
    tsr_dtls_config *config = mbedtls_ssl_conf_get_user_data_p((mbedtls_ssl_config *)(uintptr_t)conf);
    dtls_config_room *room = config_room(config);
    const tsr_turn *turn = config->turn;

    if (!turn->again->asked)
        (void)bind_hello(turn);
    mbedtls_ssl_conf_ciphersuites(&room->ssl, turn->again->resumed ? room->only : room->suites);
    return 0;
}

/* Each hello is looked at, whether it brings something or not. */
static void watch_hellos(tsr_dtls_config *config)
{
    mbedtls_ssl_config *ssl = &config_room(config)->ssl;

    mbedtls_ssl_conf_set_user_data_p(ssl, config);
    mbedtls_ssl_conf_cert_cb(ssl, chosen);
}

tsr_err tsr_tls_tickets_use(tsr_dtls_config *config, const tsr_tls_tickets *tickets)
{
    if (config->opt.role != TSR_DTLS_SERVER || !config->opt.stream)
        return TSR_E_ARGUMENT;
    config->tickets = tickets;
    watch_hellos(config);
    mbedtls_ssl_conf_session_tickets_cb(&config_room(config)->ssl, give, take, config);
    return TSR_OK;
}

/* ---- and by session IDs ---- */

/* After Finished of a full handshake. */
static int keep(void *user, const unsigned char *id, size_t id_len, const mbedtls_ssl_session *session)
{
    const tsr_dtls_config *config = user;
    const tsr_turn *turn = config->turn;
    uint8_t room[TSR_TLS_TICKET_MAX];
    tsr_buf plain = tsr_buf_over(room, sizeof room);

    if (turn->again->ems && put_plain(turn->identity, session, &plain) == TSR_OK)
        config->cache->keep(config->cache->user, tsr_view(id, id_len), bound_of(turn),
                            tsr_buf_view(&plain));
    tsr_wipe(room, sizeof room);
    return 0;
}

static int find(void *user, const unsigned char *id, size_t id_len, mbedtls_ssl_session *session)
{
    const tsr_dtls_config *config = user;
    const tsr_turn *turn = config->turn;
    uint8_t room[TSR_TLS_TICKET_MAX];
    tsr_buf plain = tsr_buf_over(room, sizeof room);

    if (turn->again->ems && config->cache->find(config->cache->user, tsr_view(id, id_len), bound_of(turn),
                                                &plain) == TSR_OK)
        turn->again->resumed = take_up(turn, session, tsr_buf_view(&plain));
    tsr_wipe(room, sizeof room);
    return turn->again->resumed ? 0 : MBEDTLS_ERR_SSL_CACHE_ENTRY_NOT_FOUND;
}

tsr_err tsr_dtls_cache_use(tsr_dtls_config *config, const tsr_dtls_cache *cache)
{
    if (config->opt.role != TSR_DTLS_SERVER || config->opt.stream)
        return TSR_E_ARGUMENT;
    config->cache = cache;
    watch_hellos(config);
    mbedtls_ssl_conf_session_cache(&config_room(config)->ssl, config, find, keep);
    return TSR_OK;
}
