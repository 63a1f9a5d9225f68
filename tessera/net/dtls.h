/* SPDX-License-Identifier: Apache-2.0
 *
 * DTLS 1.2 as an engine: datagrams in, datagrams out, no socket, no clock.
 *
 *   tsr_dtls_config   one per account (device) or per shard (server): credentials, suites, sizes
 *   tsr_dtls          one per peer: a handshake, then records
 *
 * Long-term keys are PSA key ids and stay where psa_* keeps them. Record keys do not: TLS 1.2 hands
 * the master secret to this side (docs: threat model), so both contexts are wiped when freed, and a
 * saved session is as secret as the traffic it protects.
 *
 * The same sources make two libraries: `tsr_net` over a PSA client (device) and `tsr_net_server`
 * over a PSA core in the process. psa_crypto_init() is the caller's, before any call here.
 *
 * A client:   tsr_dtls_start, then until TSR_END: poll -> socket.  On a datagram: feed, then
 *             event_next until false, then poll until TSR_END.  On due_ms: poll.
 * A server:   tsr_dtls_peek says what came in. A HELLO goes to tsr_dtls_hello, which needs no
 *             session; on TSR_DTLS_ACCEPT the caller places one and calls tsr_dtls_accept.
 *             Anything else is fed to the session found by CID, or else by address; so is a HELLO
 *             that the session at its address knows already (tsr_dtls_knows_hello: repeated).
 *             Another HELLO from the address of a live session makes a second session; the
 *             caller drops the first when the second reports CONNECTED (RFC 6347 §4.2.8).
 *
 * Not for two threads at once; different configs share nothing.
 * Memory: Mbed TLS allocates by the allocator of the port: per live session 4 KB (PSK) to 5 KB
 * (certificates), some KB more until the first record after the handshake. A saved one has 280 to
 * 720 bytes. */
#ifndef TESSERA_NET_DTLS_H
#define TESSERA_NET_DTLS_H

#include "tessera/base/bytes.h"

enum {
    TSR_DTLS_IDENTITY_MAX = 128,              /* RFC 4279 §5.3: a PSK identity that we must take */
    TSR_DTLS_CID_MAX = 16,                    /* our own; the peer's may have up to 32 bytes */
    TSR_DTLS_OVERHEAD = 13 + 32 + 1 + 8 + 16, /* most that a record adds to AEAD plaintext */
    TSR_DTLS_PLAIN_MAX = 1536,                /* most plaintext in one record */
    TSR_DTLS_HELLO_ANSWER_MAX = 48,           /* a HelloVerifyRequest fits */
    TSR_DTLS_SAVED_MAX = 2048, /* a saved session with a peer certificate of 1.5 KB fits */
    TSR_DTLS_SUITES = 8,       /* that one end offers at most */
};

typedef enum { TSR_DTLS_CLIENT, TSR_DTLS_SERVER } tsr_dtls_role;

/** How a peer's certificate is judged: the values of LwM2M resource /0/x/15. */
typedef enum {
    TSR_DTLS_CERT_CA = 0,      /* path to an anchor, and `pin` names a CA on that path */
    TSR_DTLS_CERT_SERVICE = 1, /* path to an anchor, and the end entity equals `pin` */
    TSR_DTLS_CERT_ANCHOR = 2,  /* path to one of `anchors` */
    TSR_DTLS_CERT_EXACT = 3,   /* the end entity equals `pin`; no path, no name, no dates */
} tsr_dtls_cert_usage;

/** What `pin` holds: the values of LwM2M resource /0/x/13. */
typedef enum {
    TSR_DTLS_PIN_CERTIFICATE = 0, /* the whole certificate, DER */
    TSR_DTLS_PIN_SHA256 = 1,
    TSR_DTLS_PIN_SHA384 = 2,
    TSR_DTLS_PIN_SHA512 = 3,
} tsr_dtls_pin_type;

/** Server: finds the PSA key of a PSK identity.
 *  owner   `identity` lives during the call
 *  errors  TSR_OK: *key_id is set; anything else refuses the client (alert 115)
 *  The key: type DERIVE, usage DERIVE, algorithm TLS12_PSK_TO_MS(SHA-256). */
typedef tsr_err tsr_dtls_psk_find(void *user, tsr_bytes identity, uint32_t *key_id);

/** Server: judges a client's end entity certificate (DER); any value but TSR_OK refuses it.
 *  Called besides the judgement by `usage` and `anchors`; alone when there are no anchors. */
typedef tsr_err tsr_dtls_cert_check(void *user, tsr_bytes der);

struct tsr_dtls_config;

/** What another file sets up in the place of keys: web.h. */
struct tsr_dtls_extra {
    tsr_err (*setup)(struct tsr_dtls_config *config, const struct tsr_dtls_extra *extra);
    void *user;
};

/** What the caller wants; zero is the default of every field.
 *  owner   everything pointed to outlives the tsr_dtls_config made from it */
typedef struct {
    tsr_dtls_role role;
    bool stream; /* TLS instead: for sessions of tls.h, which need no `plain`, CID, MTU or retries */

    /* memory for one record's plaintext, at least 64 bytes (TSR_DTLS_PLAIN_MAX takes any);
     * configs and sessions of one thread may share it */
    uint8_t *plain;
    size_t plain_cap;

    /* PSK. Client: identity and key. Server: the finder. */
    tsr_bytes psk_identity; /* 1 to TSR_DTLS_IDENTITY_MAX bytes */
    uint32_t psk_key_id;    /* 0: no PSK */
    tsr_dtls_psk_find *psk_find;

    /* Certificates (ECDHE-ECDSA, secp256r1) */
    tsr_bytes certificate;       /* own, DER; empty: no certificates on this end */
    uint32_t certificate_key_id; /* usage SIGN_HASH, algorithm ECDSA(ANY_HASH) */
    const tsr_bytes *anchors;    /* trust anchors, DER */
    size_t anchor_count;
    tsr_dtls_cert_usage usage; /* zero means CA: set it (LwM2M's own default is EXACT) */
    tsr_dtls_pin_type pin_type;
    tsr_bytes pin;
    const char *server_name; /* client: SNI, name to match unless pinned; NULL: no name check */
    tsr_dtls_cert_check *cert_check;

    void *user; /* handed to psk_find and cert_check */

    /* client: offers these alone, in their order, as far as it has them; IANA numbers, 0 is passed
     * over. Count 0: CCM-8 of its credential */
    const uint16_t *suites;
    uint8_t suite_count;

    bool cbc;          /* server: also accept the CBC suites that a LwM2M server must know;
                          a CBC session cannot be saved */
    bool cid;          /* negotiate Connection IDs (RFC 9146 §3) */
    uint8_t cid_len;   /* length of ours, the same for all sessions; 0: only the peer wants one */
    uint16_t mtu;      /* largest datagram during the handshake; 0: 1232 (IPv6, RFC 7925 §13) */
    uint32_t retry_ms; /* first retransmission; 0: 1000 (RFC 6347 §4.2.4.1);
                          RFC 7925 §11 advises 9000 on slow radio */
    uint32_t retry_max_ms; /* the last one before giving up; 0: 60000 */

    const struct tsr_dtls_extra *extra; /* a client with `stream` and without credentials: by web.h */
} tsr_dtls_options;

/** Prepared options. Must not be moved while sessions use it. */
typedef struct tsr_dtls_config {
    /* private */
    tsr_dtls_options opt;
    uint32_t cookie_key;
    bool live;
    const struct tsr_tls_tickets *tickets; /* tls_tickets.h; NULL: none */
    const struct tsr_dtls_cache *cache;    /* the same for DTLS */
    struct tsr_turn *turn;                 /* whose handshake is going on */
    uint64_t room[96 + 24 * sizeof(void *)];
} tsr_dtls_config;

/** Checks the options and prepares them.
 *  errors  TSR_E_ARGUMENT   no credential for this role; a certificate but nothing to judge the
 *                           peer's by; an identity too long; no `plain`; cid_len too large
 *          TSR_E_MALFORMED  a certificate cannot be parsed
 *          TSR_E_UNSUPPORTED  none of `suites` is there for the credential
 *          TSR_E_CRYPTO     a PSA call failed (key id unknown, secure service not there)
 *          TSR_E_SPACE      Mbed TLS found no memory
 *          After an error nothing is held and the config may be initialised again. */
tsr_err tsr_dtls_config_init(tsr_dtls_config *config, const tsr_dtls_options *options);

/** Frees what init took; all sessions must be gone. Harmless twice. */
void tsr_dtls_config_free(tsr_dtls_config *config);

/** Can a client offer that suite with a pre-shared key, or else with a certificate? AEAD alone: CCM-8,
 *  CCM and GCM with AES-128, CCM-8 and CCM with AES-256. */
bool tsr_dtls_has_suite(bool psk, uint16_t suite);

/** Is it among those that are offered? A session that was saved may be of another. */
bool tsr_dtls_offers(const tsr_dtls_config *config, uint16_t suite);

typedef enum {
    TSR_DTLS_CONNECTED, /* the handshake is over; the peer proved its key */
    TSR_DTLS_DATA,      /* one record's plaintext */
    TSR_DTLS_CLOSED,    /* the peer sent close_notify; only tsr_dtls_free is left */
    TSR_DTLS_FAILED,    /* `reason`; only poll (an alert may wait) and tsr_dtls_free are left */
} tsr_dtls_event_type;

typedef enum {
    TSR_DTLS_R_NONE,
    TSR_DTLS_R_TIMEOUT,  /* the peer stopped answering the handshake */
    TSR_DTLS_R_ALERT,    /* the peer refused; see `alert` */
    TSR_DTLS_R_IDENTITY, /* server: psk_find did not know the identity */
    TSR_DTLS_R_KEY,      /* Finished did not verify: most often the two ends hold different PSKs */
    TSR_DTLS_R_CERTIFICATE, /* the peer's certificate or signature was not accepted */
    TSR_DTLS_R_NO_SUITE,    /* nothing in common: suites, groups, version */
    TSR_DTLS_R_PROTOCOL,    /* the peer broke the protocol */
    TSR_DTLS_R_CRYPTO,      /* a PSA call failed: wrong key policy, or the secure service is gone */
    TSR_DTLS_R_MEMORY,      /* Mbed TLS found no memory */
    TSR_DTLS_R_INTERNAL,
} tsr_dtls_reason;

typedef struct {
    tsr_dtls_event_type type;
    tsr_bytes data; /* DATA; lives in options.plain until the next call on any session that
                       shares it */
    bool may_move;  /* DATA: verified, came with a CID, and is newer than all before: the peer's
                       address may be moved to where it came from (RFC 9146 §6) */
    tsr_dtls_reason reason; /* FAILED */
    uint8_t alert;          /* FAILED: received with R_ALERT, else sent; 0 also stands for none */
    int detail;             /* FAILED: Mbed TLS error code, for the log only */
} tsr_dtls_event;

/** A PSK identity, and until the handshake is over its key. */
typedef struct {
    uint8_t len, bytes[TSR_DTLS_IDENTITY_MAX];
    uint32_t key_id;
} tsr_dtls_name;

/** What a handshake knows of an earlier session. */
typedef struct {
    /* private */
    bool asked, ems;   /* server: one was offered; so was the extended master secret */
    bool resumed;      /* it goes on with it */
    uint8_t bound[16]; /* server: to what it is bound */
} tsr_resumption;

/** One peer. The caller places it; Mbed TLS keeps pointers into it, so it must not be moved. */
typedef struct {
    /* private */
    tsr_dtls_config *config;
    tsr_bytes in;     /* what is left of the datagram in feed */
    tsr_bytes record; /* the record that Mbed TLS may take */
    tsr_buf *out;     /* the datagram being polled */
    uint64_t now_ms;
    uint64_t timer_mid_ms, timer_end_ms;
    uint64_t out_limit;    /* first outgoing sequence number that may not be used */
    uint64_t out_reserved; /* the same once the newest saved image is stored */
    uint64_t out_half;     /* fewer numbers left than this: time to save */
    uint64_t in_newest;    /* epoch and sequence number of the newest verified record */
    tsr_dtls_event event;
    uint64_t record_number; /* of the record that was handed over last */
    uint8_t state, alert, record_type;
    bool event_waits, poke, small, restored, doubts;
    uint8_t cid_len, cid[TSR_DTLS_CID_MAX];
    tsr_dtls_name identity;
    tsr_resumption again;
    uint8_t hello[16]; /* server: the client's random, in part */
    uint8_t outbox_len;
    uint8_t outbox[112]; /* an alert that nobody has polled yet */
    uint64_t room[16 + 6 * sizeof(void *)];
} tsr_dtls;

/** Client: begins a handshake; poll gives the ClientHello.
 *  owner   `cid` is copied; config->opt.cid_len bytes, ignored when CIDs are off
 *  errors  TSR_E_ARGUMENT  a server's config; TSR_E_SPACE no memory */
tsr_err tsr_dtls_start(tsr_dtls *s, tsr_dtls_config *config, const uint8_t *cid, uint64_t now_ms);

/** Server: begins a session with a ClientHello for which tsr_dtls_hello said ACCEPT; poll gives the
 *  answer. `cid` must be unique among the live sessions and is best partly random.
 *  errors  TSR_E_ARGUMENT  a client's config; TSR_E_SPACE no memory */
tsr_err tsr_dtls_accept(tsr_dtls *s, tsr_dtls_config *config, const uint8_t *cid, tsr_bytes hello,
                        uint64_t now_ms);

/** Hands in a datagram of this session. Call event_next until false before the next feed: records
 *  are opened there, one by one. Poll until TSR_END before feeding too: while output waits, what
 *  comes in is dropped as a network might drop it.
 *
 *  source  RFC 6347 §4.1.2.7: invalid, forged, replayed, foreign records are dropped silently
 *  owner   `datagram` lives until event_next said false
 *  errors  TSR_E_STATE  closed, failed or saved away */
tsr_err tsr_dtls_feed(tsr_dtls *s, tsr_bytes datagram, uint64_t now_ms);

/** The next datagram to send, into an empty buffer of at least options.mtu bytes.
 *  errors  TSR_END      nothing to send now
 *          TSR_E_SPACE  the buffer is too small, ask again with more */
tsr_err tsr_dtls_poll(tsr_dtls *s, tsr_buf *datagram, uint64_t now_ms);

/** What happened. Ask after feed and after poll until it says false. */
bool tsr_dtls_event_next(tsr_dtls *s, tsr_dtls_event *event);

/** When poll wants to be called (0: at once); UINT64_MAX: never. */
uint64_t tsr_dtls_due_ms(const tsr_dtls *s);

/** Protects plaintext into a datagram of its own; there is no queue.
 *  errors  TSR_E_STATE   not connected, or the reserve of the saved image is used up: save first
 *          TSR_E_SPACE   `datagram` or the record is too small for it
 *          TSR_E_CRYPTO  a PSA call failed; the session is FAILED (event) */
tsr_err tsr_dtls_send(tsr_dtls *s, tsr_bytes plaintext, tsr_buf *datagram);

/** Queues close_notify (when connected) for the last poll. */
void tsr_dtls_close(tsr_dtls *s);

/** Frees and wipes; sends nothing. Harmless on a zeroed session and twice. */
void tsr_dtls_free(tsr_dtls *s);

bool tsr_dtls_connected(const tsr_dtls *s);

/** The PSK identity under which a client was accepted; empty with certificates and on clients. */
tsr_bytes tsr_dtls_peer_identity(const tsr_dtls *s);

/** The peer's end entity certificate, DER; empty with PSK. Lives as long as the session. */
tsr_bytes tsr_dtls_peer_certificate(const tsr_dtls *s);

/** True when the peer puts our CID into its records. */
bool tsr_dtls_uses_cid(const tsr_dtls *s);

/** The IANA number of the suite (0xC0A8 ...); 0 before CONNECTED. */
uint16_t tsr_dtls_suite(const tsr_dtls *s);

/* Server: before there is a session */

typedef enum {
    TSR_DTLS_IS_HELLO,  /* a ClientHello in the clear: tsr_dtls_hello */
    TSR_DTLS_IS_CID,    /* *cid is set: find the session by it */
    TSR_DTLS_IS_RECORD, /* any other DTLS record: find the session by address */
    TSR_DTLS_IS_JUNK,   /* no DTLS: drop */
} tsr_dtls_kind;

/** Looks at the first record's header only.
 *  owner   *cid points into the datagram; set for TSR_DTLS_IS_CID only */
tsr_dtls_kind tsr_dtls_peek(tsr_bytes datagram, size_t cid_len, tsr_bytes *cid);

/** Finds the CID of a datagram's first record.
 *  source  RFC 9146 §4
 *  errors  TSR_E_NOT_FOUND  no tls12_cid record, or one too short */
tsr_err tsr_dtls_cid_peek(tsr_bytes datagram, size_t cid_len, tsr_bytes *cid);

typedef enum { TSR_DTLS_DROP, TSR_DTLS_VERIFY, TSR_DTLS_ACCEPT } tsr_dtls_verdict;

/** Judges a ClientHello without keeping anything (RFC 6347 §4.2.1): VERIFY puts a
 *  HelloVerifyRequest for `peer` into *answer, ACCEPT means that its cookie was ours, at most two
 *  minutes old and bound to `peer` and to the client's random.
 *  peer    any bytes that stand for the address, at most 64 */
tsr_dtls_verdict tsr_dtls_hello(tsr_dtls_config *server, tsr_bytes peer, tsr_bytes datagram,
                                tsr_buf *answer, uint64_t now_ms);

/** True when `hello` is (a retransmission of) the ClientHello that made this session: feed it. */
bool tsr_dtls_knows_hello(const tsr_dtls *s, tsr_bytes hello);

/* Saved sessions: no handshake after sleep, reboot or address change.
 *
 * AEAD nonces are record sequence numbers: a number used twice gives the key away. So:
 *
 *  tsr_dtls_save(s, reserve > 0, ...) writes a copy whose outgoing numbers start `reserve` above
 *  the live ones. The live session may use the numbers in between and then refuses to send
 *  (TSR_E_STATE) until it is saved again. tsr_dtls_stored says that the newest copy is durable;
 *  only then may the live session use the numbers below that copy's. A session loaded from a copy
 *  sends nothing until the image, which tsr_dtls_load has moved on, was stored again. A crash
 *  between any two steps leaves every number unused or used once. 65536 is a good reserve: one
 *  write per 65,536 records, and 2^32 loads in a key's life.
 *
 *  tsr_dtls_save(s, 0, ...) moves the session into the image: the live one is finished (free it),
 *  and the image may be loaded once. For parking in memory, and for a clean stop if the loader
 *  erases the image before it sends. It remembers how far a stored copy lets it go.
 *
 * Replay: a session loaded from a copy does not know the records that arrived after the copy was
 * made, so each of them may be taken once more. tsr_dtls_doubts tells; what must not be done twice has
 * to wait for a message that was sent after the load, as the answer to a random token is, or a request
 * with CoAP's Echo option (RFC 9175 §2.3). tsr_dtls_fresh then shuts out all that is older.
 *
 * An image holds the master secret: keep it in PSA ITS, or in a file of mode 0600 with the rights
 * of the process; it opens the recorded traffic of this one session, never the long-term key. */

/** Appends the session to `image`, as a copy or moved: see above.
 *  units   reserve in records
 *  errors  TSR_E_STATE        not connected; an event or output waits; or no record has arrived
 *                             since the handshake (its last flight must be kept until then)
 *          TSR_E_UNSUPPORTED  a CBC suite
 *          TSR_E_SPACE        `image` is too small, the session is unharmed
 *          TSR_E_CRYPTO       the live session of a copy cannot be rebuilt: it is FAILED */
tsr_err tsr_dtls_save(tsr_dtls *s, uint64_t reserve, tsr_buf *image);

/** The image of the last tsr_dtls_save is durable. */
void tsr_dtls_stored(tsr_dtls *s);

/** True when it is time to save again: less than half of the reserve is left. Never for a session
 *  that was not saved. */
bool tsr_dtls_save_due(const tsr_dtls *s);

/** Continues a saved session under a config of the same role and cid_len. When the image is a copy,
 *  it is moved on in place by its reserve: store it again, call tsr_dtls_stored, then send.
 *  errors  TSR_E_MALFORMED  not an image of this version, role and cid_len
 *          TSR_E_CRYPTO     a PSA call failed
 *          TSR_E_SPACE      no memory
 *          After an error the image is unchanged and nothing is held. */
tsr_err tsr_dtls_load(tsr_dtls *s, tsr_dtls_config *config, tsr_buf *image, uint64_t now_ms);

/** True when the session was loaded from a copy (not moved). */
bool tsr_dtls_restored(const tsr_dtls *s);

/** Whether its handshake went on with an earlier session: told by tls_tickets.h on a server, and on a
 *  client once tsr_dtls_keep() was called. */
bool tsr_dtls_resumed(const tsr_dtls *s);

/** True when what arrives may have arrived before: see "Replay" above. */
bool tsr_dtls_doubts(const tsr_dtls *s);

/** What arrived last was sent after the load: no record is taken any more that is older than the
 *  newest. RFC 6347 §4.1.2.6 */
void tsr_dtls_fresh(tsr_dtls *s);

/** Our CID, as records towards us carry it; empty when none is in use. */
tsr_bytes tsr_dtls_cid(const tsr_dtls *s);

/* Alerts */

typedef enum { TSR_DTLS_RETRY, TSR_DTLS_FAIL, TSR_DTLS_IGNORE } tsr_dtls_alert_action;

/** What a LwM2M client does about an alert (the alert table of the LwM2M Transport specification;
 *  numbers that it does not list: retry). The number itself belongs into /1/x/11. */
tsr_dtls_alert_action tsr_dtls_alert_class(uint8_t alert);

/** "handshake_failure" for 40; "unknown" for what IANA has not named. */
const char *tsr_dtls_alert_name(uint8_t alert);

const char *tsr_dtls_reason_name(tsr_dtls_reason reason);

#endif
