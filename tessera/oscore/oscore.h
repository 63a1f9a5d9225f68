/* SPDX-License-Identifier: Apache-2.0
 *
 * OSCORE: CoAP messages protected end to end (RFC 8613), in place, for both roles.
 *
 *   tsr_oscore           one per peer: keys, sequence number, replay window
 *   tsr_oscore_exchange  one per request, kept until its last response: binds one to the other
 *
 * The master secret is a PSA key and stays where psa_* keeps it; sender and recipient keys are
 * derived there and never come out. Every message is one psa_aead_* call.
 *
 * Messages go in and out as a code and a *body*: options, marker and payload, as they stand behind
 * the token. Header and token are not OSCORE's (RFC 8613 §4.2), so the same calls serve UDP and
 * TCP; tessera/oscore/datagram.h has them for whole datagrams. Duplicates must be recognised
 * before, by message id (RFC 7252 §4.2): here they would be replays. Blocks that a proxy cut (outer
 * Block1, Block2) must be put together before too; our own blocks are made above and travel inside.
 *
 *   client:  protect_request, send; on a response with OSCORE option: unprotect_response
 *   server:  option_find, find the context by kid; unprotect_request;
 *            if that fails: tsr_oscore_refusal; else answer and protect_response
 *
 * New keys from the same master secret: tessera/oscore/renew.h. */
#ifndef TESSERA_OSCORE_OSCORE_H
#define TESSERA_OSCORE_OSCORE_H

#include "psa/crypto.h"
#include "tessera/base/bytes.h"

enum {
    TSR_OSCORE_ID_MAX = 7,          /* Sender ID, Recipient ID (RFC 8613 §3.3): nonce length - 6 */
    TSR_OSCORE_ID_CONTEXT_MAX = 64, /* ours; RFC 8613 §3.3 sets no limit */
    TSR_OSCORE_NONCE_MAX = 13,
    TSR_OSCORE_ECHO_LEN = 8,
    TSR_OSCORE_STATE_MAX = 35 + 1 + TSR_OSCORE_ID_CONTEXT_MAX, /* what hooks.save is given */
    /* most that protection adds: option with its head, outer Observe, marker, code, tag */
    TSR_OSCORE_OVERHEAD = 3 + 7 + 5 + 2 + TSR_OSCORE_ID_CONTEXT_MAX + 4 + 2 + 16,
};

/** HKDF of RFC 8613 §3.2.1, as the COSE numbers of IANA; 5 and 7 (the HMACs) mean the same. */
enum { TSR_OSCORE_HKDF_SHA256 = -10, TSR_OSCORE_HKDF_SHA512 = -11 };

/** What both ends have to agree on, and what the host gives. Zeroed is a good start.
 *  owner   `salt` and `user` outlive the context; the rest is copied */
typedef struct {
    psa_key_id_t master_secret; /* type DERIVE, usage DERIVE, algorithm HKDF(SHA-256) */
    tsr_bytes salt;             /* Master Salt; may be empty */
    tsr_bytes sender_id, recipient_id; /* 0 to 7 bytes each; the peer has them the other way */
    tsr_bytes id_context;              /* ptr NULL: none */
    bool send_id_context;              /* put it into requests as `kid context` */
    int32_t aead;                      /* COSE number; 0: AES-CCM-16-64-128 */
    int32_t hkdf;                      /* 0: SHA-256 */
    bool challenge; /* server: take nothing before the peer proved by Echo that it is fresh, also
                       with a new context (RFC 9175 §2.3); else only after a restart */
    uint32_t margin; /* sequence numbers that one save allows to use; 0: 256 */

    /** Keeps `state` for the next start; when it returns TSR_OK it must be durable. Called at init
     *  and then once per `margin` protected messages; no number is used before its save is through,
     *  so none is used twice, whenever the power goes (RFC 8613 §B.1.1). NULL: the context
     *  must never be made again from the same parameters. */
    tsr_err (*save)(void *user, tsr_bytes state);
    void *user;
} tsr_oscore_params;

/** One security context. Placed by the caller. */
typedef struct {
    /* private */
    psa_key_id_t sender_key, recipient_key;
    psa_algorithm_t alg;
    int32_t aead;
    uint8_t nonce_len, tag_len, sender_id_len, recipient_id_len, id_context_len;
    uint8_t said_len; /* so much of the ID Context goes along as a CBOR byte string (renew.h) */
    bool has_id_context, send_id_context, live;
    bool renewed; /* the ID Context is not of the parameters, so the state keeps it */
    uint8_t sender_id[TSR_OSCORE_ID_MAX], recipient_id[TSR_OSCORE_ID_MAX];
    uint8_t sender_nonce[TSR_OSCORE_NONCE_MAX], recipient_nonce[TSR_OSCORE_NONCE_MAX];
    bool window_known, echo_made;
    uint8_t echo[TSR_OSCORE_ECHO_LEN];
    uint8_t id_context[TSR_OSCORE_ID_CONTEXT_MAX];
    uint64_t epoch;        /* of these keys */
    uint64_t next, limit;  /* sequence numbers: the next, and the first that no save covers */
    uint64_t highest, seen; /* replay window: highest number taken; bit n: highest - n was taken */
    uint32_t arrivals, margin;
    tsr_err (*save)(void *user, tsr_bytes state);
    void *user;
} tsr_oscore;

/** A request and what may answer it. Plain data: an observation that outlives a restart keeps it.
 *  A response that was protected with it counts, so store it after that, not before. */
typedef struct {
    /* private */
    uint64_t request_piv, epoch;
    uint64_t newest;    /* client: the Notification Number */
    uint8_t piv_len;    /* as it came */
    bool ours;          /* we are the client */
    bool observe;       /* the request has Observe */
    bool nonce_used;    /* the request's nonce was used for a response */
    bool own_nonce;     /* server: the request's nonce may not be used */
    bool notified;      /* client: `newest` is set */
    bool over;          /* client: the final response came */
} tsr_oscore_exchange;

/** Derives the keys and takes up the state of the last start.
 *
 *  source  RFC 8613 §3.2, RFC 8613 §B.1
 *  units   state: what `save` was given last; empty if and only if these parameters were never used
 *          before. With an empty state the sequence number starts at 0 and no request was seen.
 *          With another one it starts above all that may have been used, by a replay window (64), and
 *          the first request is answered by a challenge. That of renewed keys (renew.h) brings their ID
 *          Context, which takes the place of the one in `params`.
 *  errors  TSR_E_ARGUMENT     an ID too long for this AEAD, equal IDs, or a context too long
 *          TSR_E_UNSUPPORTED  an AEAD or HKDF that is not ours
 *          TSR_E_MALFORMED    `state` is damaged, or of another context
 *          TSR_E_CRYPTO       a PSA call failed: key unknown, its policy, or no secure service
 *          TSR_E_IO           `save` failed
 *          After an error nothing is held. */
tsr_err tsr_oscore_init(tsr_oscore *c, const tsr_oscore_params *params, tsr_bytes state);

/** Destroys the derived keys. The saved state stays good. Harmless twice. */
void tsr_oscore_free(tsr_oscore *c);

/** Appends the exact state, and frees the context: for a clean stop, or a peer that is parked. The
 *  next init with it goes on without a challenge and saves at once, since it is good only once.
 *  errors  TSR_E_SPACE (the context lives on) */
tsr_err tsr_oscore_park(tsr_oscore *c, tsr_buf *state);

/** Server: the next request must prove by Echo that it is fresh, and is answered by a challenge. */
void tsr_oscore_demand_echo(tsr_oscore *c);

/** Sequence numbers left before new keys are needed. RFC 8613 §7.2.1 */
uint64_t tsr_oscore_left(const tsr_oscore *c);

/* ---- the OSCORE option -------------------------------------------------------------------- */

/** The option taken apart; slices point into it; ptr NULL: absent. RFC 8613 §6.1 */
typedef struct {
    tsr_bytes piv, kid, kid_context;
} tsr_oscore_option;

/** Reads an option's value.
 *  errors  TSR_E_MALFORMED  reserved bits or lengths, or it ends too early */
tsr_err tsr_oscore_option_read(tsr_bytes value, tsr_oscore_option *option);

/** Finds it in a body.
 *  errors  TSR_E_NOT_FOUND  an unprotected message
 *          TSR_E_MALFORMED  options that do not parse, two OSCORE options, a bad one */
tsr_err tsr_oscore_option_find(tsr_bytes body, tsr_oscore_option *option);

/** Whether this context is meant: its Recipient ID is the kid, and the kid context, if there is
 *  one, is its ID Context, as it is or as a CBOR byte string. RFC 8613 §5, §8.2, §B.2 */
bool tsr_oscore_is_for(const tsr_oscore *c, const tsr_oscore_option *option);

/* ---- messages ----------------------------------------------------------------------------- */

/** Protects a request.
 *
 *  source  RFC 8613 §8.1, RFC 8613 §4.1
 *  units   *code: the request's; then the outer one
 *          plain: plain->ptr[0] is spare, the body stands behind it up to plain->len
 *  owner   what `plain` holds is used up: the plaintext is formed there. Outer options and
 *          ciphertext are appended to `out`, which needs plain->len + TSR_OSCORE_OVERHEAD and must
 *          not overlap
 *  errors  TSR_E_ARGUMENT     no request
 *          TSR_E_MALFORMED    options that do not parse
 *          TSR_E_UNSUPPORTED  protected already, or Proxy-Uri (use Proxy-Scheme and Uri-Host)
 *          TSR_E_STATE        all sequence numbers are used: new keys are needed
 *          TSR_E_IO           `save` failed; try again later
 *          TSR_E_CRYPTO       the PSA call failed
 *          TSR_E_SPACE        out->len is as before, after any error
 *  note    A retransmission repeats the bytes; it must not be protected again. */
tsr_err tsr_oscore_protect_request(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t *code,
                                   tsr_buf *plain, tsr_buf *out);

/** Protects a response or notification; the first one with the request's nonce, later ones with a
 *  Partial IV of their own.
 *
 *  source  RFC 8613 §8.3, RFC 8613 §8.3.1, RFC 8613 §4.1.3.5
 *  errors  as above; TSR_E_ARGUMENT no response, or `x` is not of a request that came in;
 *          TSR_E_STATE also: the keys are not those of the request any more */
tsr_err tsr_oscore_protect_response(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t *code,
                                    tsr_buf *plain, tsr_buf *out);

/** Verifies and decrypts a request.
 *
 *  source  RFC 8613 §8.2, RFC 8613 §7.4, RFC 8613 §B.1.2
 *  units   *code: the inner one
 *  owner   appends the body to `out`, which holds a byte at least (the header, say), has room for
 *          body.len more and must not overlap. Any of that room may be written to.
 *          *x is set on TSR_OK and TSR_E_STATE
 *  errors  each has its answer, see tsr_oscore_refusal; nothing of the request may be used
 *          TSR_E_MALFORMED    option, or what was encrypted, is no CoAP
 *          TSR_E_NOT_FOUND    not for this context
 *          TSR_E_EXISTS       a replay
 *          TSR_E_CRYPTO       not by this peer, or changed on the way
 *          TSR_E_STATE        genuine, but perhaps a replay from before a restart: the peer has to
 *                             repeat it with our Echo
 *          TSR_E_UNSUPPORTED  cut into blocks by a proxy, and not put together
 *          TSR_E_IO           PSA failed;  TSR_E_SPACE  `out` */
tsr_err tsr_oscore_unprotect_request(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t *code,
                                     tsr_bytes body, tsr_buf *out);

/** Verifies and decrypts a response to `x`. A notification gets an Observe value that grows with
 *  each one taken, for whoever orders them above (RFC 8613 §4.1.3.5.2).
 *
 *  source  RFC 8613 §8.4, RFC 8613 §8.4.2, RFC 8613 §7.4.1
 *  owner   as above; x is changed on TSR_OK only. A failure does not end the exchange.
 *  errors  TSR_E_NOT_FOUND   it is not protected: its sender is not known. An error answer may mean
 *                            that the server has lost the context
 *          TSR_E_EXISTS      a notification that came before or is older than one that did; a
 *                            second response
 *          TSR_E_MALFORMED, TSR_E_CRYPTO, TSR_E_UNSUPPORTED, TSR_E_IO, TSR_E_SPACE as above
 *          TSR_E_STATE       the keys are not those of the request any more */
tsr_err tsr_oscore_unprotect_response(tsr_oscore *c, tsr_oscore_exchange *x, uint8_t *code,
                                      tsr_bytes body, tsr_buf *out);

/** How a server answers what unprotect_request refused.
 *
 *  source  RFC 8613 §8.2, RFC 8613 §7.4; Max-Age 0 belongs into each of them (RFC 8613 §4.1.3.1)
 *  units   *text: the diagnostic payload; NULL for TSR_E_STATE, which is answered by a challenge:
 *          a 4.01 with the option Echo (tsr_oscore_echo) that goes through protect_response
 *  errors  TSR_E_ARGUMENT  `why` is none of them: drop the message */
tsr_err tsr_oscore_refusal(tsr_err why, uint8_t *code, const char **text);

/** The Echo value that a fresh request has to repeat; the same until it came back.
 *  errors  TSR_E_CRYPTO  no random bytes */
tsr_err tsr_oscore_echo(tsr_oscore *c, tsr_bytes *value);

#endif
