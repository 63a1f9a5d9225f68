/* SPDX-License-Identifier: Apache-2.0
 *
 * The device of FIDO Device Onboard: DI, TO1 and TO2 as an engine. It carries no bytes: the host
 * sends each message to where the engine says and feeds the answer.
 *
 *      tsr_fdo_device_init(&d, &config, &buffers, credential);
 *      tsr_fdo_device_begin(&d, now);                  (or tsr_fdo_device_begin_di)
 *      while (running) {
 *          while (tsr_fdo_device_poll(&d, now, &send) == TSR_OK) {
 *              transmit send.type, send.body to *send.to;
 *              tsr_fdo_device_feed(&d, answer_type, answer, now)  or  tsr_fdo_device_lost(&d, now);
 *          }
 *          while (tsr_fdo_device_event(&d, &event)) ...
 *          sleep until tsr_fdo_device_due(&d);
 *      }
 *
 * Whatever fails ends the protocol that runs, tells the peer with message 255 where it is ours to
 * tell, and goes on with the next address of RendezvousInfo, after its delay. The credential is
 * replaced in one place only: after message 13, and after message 71. */
#ifndef TESSERA_FDO_DEVICE_H
#define TESSERA_FDO_DEVICE_H

#include "tessera/fdo/credential.h"
#include "tessera/fdo/error.h"
#include "tessera/fdo/module.h"
#include "tessera/fdo/session.h"
#include "tessera/fdo/voucher.h"

enum {
    TSR_FDO_PASS_DELAY_S = 120, /* after all directives failed, when none says more */
    TSR_FDO_DELAY_MAX_S = 3600,
    TSR_FDO_ADDRESS_DELAY_S = 3, /* between two addresses of one directive */
    TSR_FDO_ROUNDS_MAX = 1000000,
    TSR_FDO_BUSY_MS = 20, /* until a busy module is asked again */
};

/** Where a message goes. `ip` or `dns` is there, not both. */
typedef struct {
    tsr_bytes ip, dns;
    uint16_t port;
    uint8_t transport; /* tsr_fdo_transport */
    /* of a directive; absent: alg 0, TSR_FDO_RV_NONE, NULL */
    tsr_fdo_hash server_cert, ca_cert;
    uint8_t medium;
    bool user_input;
    tsr_bytes wifi_ssid, wifi_pw;
} tsr_fdo_target;

typedef struct {
    uint8_t type; /* tsr_fdo_msg */
    bool first;   /* begins a protocol: no token yet, a new connection */
    tsr_bytes body;
    const tsr_fdo_target *to; /* NULL in DI: the host knows its manufacturer */
} tsr_fdo_send;

typedef enum {
    TSR_FDO_EV_MADE,      /* DI is done, the credential stored */
    TSR_FDO_EV_REDIRECT,  /* TO1 is done */
    TSR_FDO_EV_OWNER,     /* the owner was verified, 64 goes out */
    TSR_FDO_EV_ONBOARDED, /* TO2 is done, the new credential stored or the old one `reused` */
    TSR_FDO_EV_FAILED,    /* `what`, `err`, `message`; the engine goes on unless it is idle */
} tsr_fdo_event_kind;

typedef struct {
    tsr_fdo_event_kind kind;
    bool reused;
    uint8_t message;  /* that was handled or sent when it failed */
    uint16_t code;    /* that was sent, or that the peer sent */
    tsr_err err;
    const char *what; /* a short text for a log; never NULL */
} tsr_fdo_event;

/** What the host gives. Everything lives as long as the engine. */
typedef struct {
    tsr_cose_key_id device_key; /* signs with device_alg */
    int32_t device_alg;         /* TSR_COSE_ES256 or TSR_COSE_ES384 */
    tsr_cose_key_id secret;     /* HMAC key, PSA_KEY_USAGE_SIGN_MESSAGE; never replaced */
    int32_t mac;                /* TSR_FDO_HMAC256 or TSR_FDO_HMAC384, as the key's policy has it */

    const tsr_fdo_kex_method *const *kex; /* in the order of preference */
    size_t kex_count;
    const tsr_fdo_cipher *cipher;
    const tsr_fdo_random *random; /* &tsr_fdo_random_psa */

    uint32_t transports; /* 1 << tsr_fdo_transport for each that the host can do */
    bool refuse_reuse;   /* of the credential: error 102 */
    uint32_t rounds_max; /* of service info; 0: TSR_FDO_ROUNDS_MAX */

    const tsr_fdo_devmod *devmod;
    const tsr_fdo_module *const *modules;
    size_t module_count; /* TSR_FDO_MODULES_MAX at most */

    /* DI alone: */
    tsr_fdo_mfg_info made; /* without csr */
    /** Appends a PKCS#10 request of the device key, DER. */
    tsr_err (*csr)(void *user, tsr_buf *der);

    /** Replaces the stored credential, all of it or nothing, durable when it returns. */
    tsr_err (*store)(void *user, tsr_bytes credential);
    void *user;
} tsr_fdo_device_config;

/** Memory that the caller places. Any sizes do; a message that does not fit ends its protocol. */
typedef struct {
    tsr_buf credential; /* the present one; 300 bytes and the RendezvousInfo */
    tsr_buf next;       /* the one that is to replace it; as long */
    tsr_buf redirect;   /* to1d; 400 bytes and the addresses */
    tsr_buf message;    /* to be sent; its size is told to the owner */
    tsr_buf in;         /* decrypted; as long as the longest message that is taken */
    tsr_buf out;        /* to be encrypted; as `message`, less 128 */
    tsr_buf part;       /* an item of service info that an owner sends in parts; empty: none may */
} tsr_fdo_buffers;

typedef struct tsr_fdo_device tsr_fdo_device; /* at the end */

/** Prepares an engine. `credential`: what was stored, or empty: none.
 *  errors  TSR_E_ARGUMENT  too many modules; TSR_E_SPACE; those of tsr_fdo_credential_read */
tsr_err tsr_fdo_device_init(tsr_fdo_device *d, const tsr_fdo_device_config *config,
                            const tsr_fdo_buffers *buffers, tsr_bytes credential);

/** Begins DI. errors  TSR_E_STATE  a protocol runs */
tsr_err tsr_fdo_device_begin_di(tsr_fdo_device *d);

/** Begins at the first directive; with none to follow the engine stays idle and tells.
 *  errors  TSR_E_STATE  a protocol runs, there is no credential, or it is not active: the
 *                       device has been onboarded */
tsr_err tsr_fdo_device_begin(tsr_fdo_device *d, uint64_t now_ms);

/** The device is to be onboarded again by the owner to whom its voucher is extended next (resale):
 *  stores the credential as active. errors TSR_E_STATE, those of the hook */
tsr_err tsr_fdo_device_resell(tsr_fdo_device *d);

/** The next message to send. errors  TSR_END  none at present */
tsr_err tsr_fdo_device_poll(tsr_fdo_device *d, uint64_t now_ms, tsr_fdo_send *send);

/** The answer to it, whatever it is.
 *  errors  TSR_E_STATE  none is awaited; else what was wrong with it, for a log: the engine has
 *          already dealt with it */
tsr_err tsr_fdo_device_feed(tsr_fdo_device *d, uint8_t type, tsr_bytes body, uint64_t now_ms);

/** No answer came, or none that can be used (no connection, no token). */
void tsr_fdo_device_lost(tsr_fdo_device *d, uint64_t now_ms);

/** Ends what runs; the credential stays. */
void tsr_fdo_device_stop(tsr_fdo_device *d);

bool tsr_fdo_device_event(tsr_fdo_device *d, tsr_fdo_event *event);

/** Nothing runs, and nothing will by itself. */
bool tsr_fdo_device_idle(const tsr_fdo_device *d);

/** Poll again by then; UINT64_MAX: after the next feed. */
uint64_t tsr_fdo_device_due(const tsr_fdo_device *d);

/** The present credential; NULL: none. */
const tsr_fdo_credential *tsr_fdo_device_credential(const tsr_fdo_device *d);

/* ---- private ------------------------------------------------------------------------------ */

typedef struct {
    size_t directive, addr;
    uint8_t part;     /* 0: DNS, 1: IP */
    bool redirected;  /* among the addresses of to1d */
    bool tried;       /* in this pass */
    uint64_t delay_s; /* of the directives that failed since the last attempt */
    bool delayed;
} tsr_fdo_walk;

typedef struct {
    tsr_fdo_info info; /* of 69, pairs that were not taken */
    tsr_fdo_values values;
    tsr_bytes module, message, value;
    bool held;  /* the three above wait for their module */
    bool more, full;
    uint32_t active; /* bits of modules */
    uint32_t rounds;
    size_t limit, pairs, turn;
    size_t devmod, listed; /* what of devmod was told */
    tsr_buf out;
} tsr_fdo_service;

struct tsr_fdo_device {
    const tsr_fdo_device_config *c;
    tsr_fdo_buffers b;
    tsr_fdo_credential credential;
    bool has_credential;
    uint8_t state, sent; /* what is to be sent or was; its number */
    bool ready, awaited, first, busy;
    uint64_t due_ms;
    tsr_fdo_walk walk;
    tsr_fdo_target target;
    tsr_fdo_event event;
    bool has_event;

    const tsr_fdo_kex_method *kex;
    uint8_t nonce_ov[TSR_FDO_NONCE], nonce_dv[TSR_FDO_NONCE], nonce_setup[TSR_FDO_NONCE];
    uint8_t nonce_rv[TSR_FDO_NONCE];
    uint8_t owner_print[32]; /* hash of the key that 61 was signed with */
    uint8_t entries;
    uint16_t xa_len;
    uint8_t xa[TSR_FDO_X_MAX];
    int32_t chain_alg;
    uint8_t chain_hash[TSR_FDO_HASH_MAX];
    tsr_fdo_ov_chain chain;
    tsr_fdo_session session, other; /* other: with MAC keys of the other length, until 65 */
    bool reuse;
    tsr_fdo_service service;
};

#endif
