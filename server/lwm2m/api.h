/* SPDX-License-Identifier: Apache-2.0
 *
 * The in-process API of the server: what REST, the console's events and tests may ask of it.
 *
 * Every function may be called from any thread. Work on a device is done by the shard (thread)
 * that owns its session; requests are posted there and answered through a callback. Structures
 * handed to the caller as `const` are immutable; each function says how long they live. */
#ifndef SERVER_LWM2M_API_H
#define SERVER_LWM2M_API_H

#include "tessera/base/bytes.h"
#include "tessera/lwm2m/model/path.h"
#include "tessera/lwm2m/model/value.h"

typedef struct tsr_server tsr_server; /* opened and closed by server/lwm2m/server.h */

/* --- values ----------------------------------------------------------------------------- */

/** One resource (or resource instance) and its value.
 *  units  unix_ms: when the device says it was measured; 0 when it says nothing */
typedef struct {
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
    int64_t unix_ms;
} tsr_server_record;

/** One attribute of a link. `value` is NULL for a flag; quotes are already taken off. */
typedef struct {
    const char *name, *value;
} tsr_server_attr;

/** One link of an object list or of a Discover answer; `path` is without the alternate root. */
typedef struct {
    tsr_lwm2m_path path;
    const tsr_server_attr *attrs;
    size_t attr_count;
} tsr_server_link;

/* --- registrations ---------------------------------------------------------------------- */

typedef enum {
    TSR_SERVER_NOSEC = 0,
    TSR_SERVER_PSK = 1,
    TSR_SERVER_X509 = 2,
    TSR_SERVER_OSCORE = 3,
} tsr_server_security;

const char *tsr_server_security_name(tsr_server_security s); /* "nosec", "psk", "x509", "oscore" */

/** One registered device, as it was when it was looked up.
 *  source  Core 6.2.1 (Register)
 *  units   *_unix_ms since 1970; lifetime_s 0: infinite; expires_unix_ms 0: never */
typedef struct tsr_server_registration {
    const char *endpoint; /* UTF-8, as registered */
    const char *id;       /* the last segment of its location, /rd/{id}; [A-Za-z0-9_-]+ */
    const char *version;  /* "1.0", "1.1" or "1.2" */
    const char *binding;  /* letters, e.g. "U" */
    const char *sms;      /* "" when not given */
    const char *root;     /* alternate path, e.g. "/lwm2m"; "" when none */
    const char *address;  /* "127.0.0.1:41234", "[::1]:41234" */
    const char *identity; /* PSK identity or certificate name; "" for NoSec */
    tsr_server_security security;
    bool queue_mode; /* Q: it sleeps */
    bool online;     /* false: queue mode and asleep, or the last request timed out */
    uint32_t lifetime_s;
    int64_t registered_unix_ms, updated_unix_ms, expires_unix_ms;
    int64_t seen_unix_ms; /* last datagram of any kind */
    uint32_t observation_count;
    const tsr_server_link *links;
    size_t link_count;
} tsr_server_registration;

/** Number of registrations now; constant time. */
size_t tsr_server_count(tsr_server *s);

/** Looks up by endpoint name.
 *  owner   *out belongs to the caller, who gives it back to tsr_server_registration_free
 *  errors  TSR_E_NOT_FOUND */
tsr_err tsr_server_find(tsr_server *s, const char *endpoint, tsr_server_registration **out);
void tsr_server_registration_free(tsr_server_registration *r);

/** What to list. Zero initialised: everything, from the start. */
typedef struct {
    const char *after;  /* page cursor: only endpoints that sort after this one; NULL: first page */
    const char *prefix; /* endpoint starts with; NULL: any */
    const char *contains; /* endpoint contains, ASCII letters of either case; NULL: any */
    bool online_only;
    size_t limit; /* 0: 100; at most 1000 are given */
} tsr_server_filter;

/** Copies one page, sorted by endpoint (bytewise). Costs by the page and not by the fleet, unless
 *  `contains` or `online_only` makes it skip.
 *  owner   *page[*count] belongs to the caller: tsr_server_list_free
 *  errors  TSR_OK, also with none; *more says whether another page follows */
tsr_err tsr_server_list(tsr_server *s, const tsr_server_filter *filter,
                        tsr_server_registration ***page, size_t *count, bool *more);
void tsr_server_list_free(tsr_server_registration **page, size_t count);

/** Ends a registration from the server's side (no message to the device; its next Update is
 *  answered 4.04, so it registers anew). On return it is gone and stays so over a crash. Not to be
 *  called on a shard's thread: it waits for one. errors TSR_E_NOT_FOUND */
tsr_err tsr_server_drop(tsr_server *s, const char *endpoint);

/* --- operations on a device ------------------------------------------------------------- */

typedef enum {
    TSR_SERVER_READ,             /* Core 6.3.1; any level */
    TSR_SERVER_DISCOVER,         /* Core 6.3.2 */
    TSR_SERVER_WRITE_REPLACE,    /* Core 6.3.3, PUT: instance or resource */
    TSR_SERVER_WRITE_UPDATE,     /* Core 6.3.3, POST: instance, only the resources given */
    TSR_SERVER_WRITE_ATTRIBUTES, /* Core 6.3.4 */
    TSR_SERVER_EXECUTE,          /* Core 6.3.5 */
    TSR_SERVER_CREATE,           /* Core 6.3.6 */
    TSR_SERVER_DELETE,           /* Core 6.3.7 */
    TSR_SERVER_OBSERVE,          /* Core 6.4.1 */
    TSR_SERVER_CANCEL_OBSERVE,   /* Core 6.4.3 */
    TSR_SERVER_READ_COMPOSITE,    /* Core 6.3.8; these four take the root as their path */
    TSR_SERVER_WRITE_COMPOSITE,   /* Core 6.3.9 */
    TSR_SERVER_OBSERVE_COMPOSITE, /* Core 6.4.4 */
    TSR_SERVER_CANCEL_COMPOSITE,  /* Core 6.4.5 */
} tsr_server_kind;

#define TSR_SERVER_FORMAT_AUTO 0xffffu

enum { TSR_SERVER_PATHS_MAX = 256 }; /* of one composite operation */

/** One operation. Everything is copied by tsr_server_submit. */
typedef struct {
    tsr_server_kind kind;
    const char *endpoint;
    tsr_lwm2m_path path; /* target; for Create the object (/3303) or the new instance (/3303/5) */
    const tsr_lwm2m_path *paths; /* composite read, observe, cancel: any depth, any order */
    size_t path_count;
    const tsr_server_record *records; /* write, create: full paths below `path`; in a composite
                                         write, NONE deletes a resource instance */
    size_t record_count;
    const char *text; /* write-attributes: "pmin=10&pmax=60&gt"; execute: arguments "0='x',1";
                         observe: parameters of the observation (1.2) or NULL; else NULL */
    uint16_t format;  /* CoAP Content-Format to ask for (read, observe) or to send (write, create;
                         for a composite write also SenML-ETCH);
                         TSR_SERVER_FORMAT_AUTO: by the device's version and object list */
    int depth;        /* discover: 0 to 3, -1: the device's default */
    uint32_t timeout_ms; /* whole operation, queueing included; 0: 120,000 */
} tsr_server_request;

typedef enum {
    TSR_SERVER_ANSWERED,       /* the device answered: see `code` (success or its refusal) */
    TSR_SERVER_TIMEOUT,        /* no answer in time (asleep, or out of reach) */
    TSR_SERVER_NOT_REGISTERED, /* no such endpoint */
    TSR_SERVER_GONE,           /* it de-registered, expired or was replaced meanwhile */
    TSR_SERVER_BUSY,           /* its queue is full; try again later */
    TSR_SERVER_BAD_REQUEST,    /* the values or the path do not fit the operation or format */
    TSR_SERVER_UNDECODABLE,    /* it answered, but the payload breaks its format: see `payload` */
    TSR_SERVER_UNAVAILABLE,    /* the server is stopping, or its store fails */
} tsr_server_outcome;

const char *tsr_server_outcome_name(tsr_server_outcome o); /* "answered", "timeout", ... */

/** What came of an operation; lives until the callback returns. */
typedef struct {
    tsr_server_outcome outcome;
    uint8_t code; /* CoAP code, class << 5 | detail (2.05 = 0x45); 0 without an answer */
    const char
        *diagnostic;   /* cause (and remedy) in English, or the device's diagnostic; never NULL */
    uint16_t format;   /* of the payload; TSR_SERVER_FORMAT_AUTO: none was given */
    tsr_bytes payload; /* raw, as received, blocks put together */
    const tsr_server_record *records; /* decoded (read, observe) */
    size_t record_count;
    const tsr_server_link *links; /* decoded (discover) */
    size_t link_count;
    const char *location; /* create: "/3303/5"; else "" */
    uint32_t round_trip_ms;
} tsr_server_result;

/** Called exactly once, on a shard's thread (or, for an immediate refusal, inside
 *  tsr_server_submit on the caller's own thread): copy what you need, do not block. */
typedef void tsr_server_done(void *arg, const tsr_server_result *result);

/** Queues one operation. It never blocks on the network.
 *  errors  TSR_OK          `done` was called or will be called
 *          TSR_E_ARGUMENT  no endpoint, unknown kind: `done` is not called
 *          TSR_E_SPACE     out of memory: `done` is not called */
tsr_err tsr_server_submit(tsr_server *s, const tsr_server_request *request, tsr_server_done *done,
                          void *arg);

/* --- requests that wait ------------------------------------------------------------------ */

/* A queued request is in the store before its caller hears of it, so it outlives the server. It is
 * sent after whatever the device says next, one at a time, in the order of their ids; the device
 * may be asleep, out of reach, or registered anew in between.
 *
 * What is promised over kill -9: a request whose answer is stored (DONE, FAILED) is never sent
 * again; one that was not sent is sent once. One that was on its way at that moment may have been
 * carried out, and nobody knows: a Read, Discover, Observe, Write or Write-Attributes is then sent
 * again, because doing it twice is doing it once; an Execute, Create or Delete is not: it ends as
 * FAILED, and its detail says so. The same holds for a device that does not answer. */
typedef enum {
    TSR_SERVER_QUEUED = 0, /* waits for the device */
    TSR_SERVER_SENT = 1,   /* under way, no answer yet */
    TSR_SERVER_DONE = 2,   /* answered with success */
    TSR_SERVER_FAILED = 3, /* refused by the device, impossible, or in doubt: see diagnostic */
    TSR_SERVER_EXPIRED = 4,
    TSR_SERVER_CANCELLED = 5,
} tsr_server_queue_state;

const char *tsr_server_queue_state_name(tsr_server_queue_state s); /* "queued", "sent", ... */

/** One of them; lives until the callback returns. */
typedef struct {
    uint64_t id; /* grows, and is never used twice */
    const char *endpoint;
    tsr_server_kind kind;
    tsr_lwm2m_path path;
    const tsr_lwm2m_path *paths; /* of a composite operation: what it names, values first */
    size_t path_count;           /* 0 also where the server was older */
    tsr_server_queue_state state;
    int64_t created_unix_ms, expires_unix_ms;
    int64_t sent_unix_ms, finished_unix_ms; /* 0: not yet */
    unsigned attempts;                      /* how often it was sent */
    tsr_server_result result; /* outcome, code, diagnostic; by tsr_server_queue_get also the rest */
} tsr_server_queued;

typedef void tsr_server_queued_fn(void *arg, const tsr_server_queued *q);

/** Queues a request for at most `lifetime_s` (0: a day; at most 30). It waits for the store, so it
 *  is not to be called on a shard's thread.
 *  errors  TSR_E_ARGUMENT   the request cannot be
 *          TSR_E_NOT_FOUND  no such device is registered
 *          TSR_E_SPACE      the device's queue, or the one of all, is full
 *          TSR_E_IO         the store fails, or the server stops; `*why` names cause and remedy */
tsr_err tsr_server_queue_put(tsr_server *s, const tsr_server_request *request, uint32_t lifetime_s,
                             uint64_t *id, const char **why);

/** errors TSR_E_NOT_FOUND (never there, or forgotten), TSR_E_IO */
tsr_err tsr_server_queue_get(tsr_server *s, uint64_t id, tsr_server_queued_fn *fn, void *arg);

/** Newest first, ids below `before` (0: all), at most `limit` (0: 100), without values and links;
 *  endpoint NULL: of all devices. errors TSR_OK, also with none; TSR_E_IO */
tsr_err tsr_server_queue_list(tsr_server *s, const char *endpoint, bool waiting_only,
                              uint64_t before, size_t limit, tsr_server_queued_fn *fn, void *arg);

/** Takes a request back. One that is under way ends too, but may have been carried out; its
 *  diagnostic says so. Durable on return; not to be called on a shard's thread.
 *  errors  TSR_E_NOT_FOUND  never there, or forgotten
 *          TSR_E_STATE      it is over already
 *          TSR_E_IO         the store fails */
tsr_err tsr_server_queue_cancel(tsr_server *s, uint64_t id);

/* --- observations and values ------------------------------------------------------------ */

typedef struct {
    tsr_lwm2m_path path;         /* the root: a composite one, of these paths in their order */
    const tsr_lwm2m_path *paths;
    size_t path_count;
    const char *params; /* parameters of the observation, "" when none */
    bool active;        /* false: asked for again after a new registration, not yet answered */
    int64_t since_unix_ms, last_unix_ms; /* last notification; 0: none yet */
    uint64_t notifications;
} tsr_server_observation;

typedef void tsr_server_observation_fn(void *arg, const tsr_server_observation *o);

/** Calls `fn` for each observation of the endpoint, in the calling thread.
 *  errors  TSR_E_NOT_FOUND  not registered */
tsr_err tsr_server_observations(tsr_server *s, const char *endpoint, tsr_server_observation_fn *fn,
                                void *arg);

typedef void tsr_server_value_fn(void *arg, const tsr_server_record *record,
                                 int64_t received_unix_ms);

/** The last known value of every resource at or below `path` (root: all), from reads and
 *  notifications, from the store; sorted by path. The record lives until `fn` returns.
 *  errors  TSR_OK, also with none; TSR_E_IO */
tsr_err tsr_server_values(tsr_server *s, const char *endpoint, tsr_lwm2m_path path,
                          tsr_server_value_fn *fn, void *arg);

/** The kept history of one resource, oldest first, of the newest `limit` (0: 100) entries received
 *  after `after_unix_ms`; bounded by the server's option --history. */
tsr_err tsr_server_history(tsr_server *s, const char *endpoint, tsr_lwm2m_path path,
                           int64_t after_unix_ms, size_t limit, tsr_server_value_fn *fn, void *arg);

/* --- credentials ------------------------------------------------------------------------ */

/** One credential without its secret, which is never given out again. */
typedef struct {
    const char *endpoint;
    tsr_server_security mode; /* PSK, X509 or OSCORE */
    const char *identity;     /* PSK identity; X509: the certificate's subject common name; OSCORE: the
                                 device's Sender ID, and behind a colon the ID Context, hexadecimal */
    size_t key_len;           /* bytes of the key or Master Secret; 0 for X509 */
    int64_t changed_unix_ms;
    const char *oscore; /* beside PSK or X509, the identity of OSCORE; NULL: none */
    size_t oscore_key_len;
    bool oscore_required; /* nothing is taken without it */
} tsr_server_credential;

/** Sets (replaces) the credential of an endpoint; durable when it returns. Sessions made with the
 *  old one are closed.
 *  source  Transport 5.2.9.1 (PSK identity up to 128 bytes, key up to 64)
 *  units   key.len 1 to 64 for PSK, 0 for X509; identity 1 to 128 bytes of UTF-8
 *  errors  TSR_E_ARGUMENT  sizes out of range
 *          TSR_E_EXISTS    the identity belongs to another endpoint
 *          TSR_E_IO        the store failed; nothing was changed */
tsr_err tsr_server_credential_set(tsr_server *s, const char *endpoint, tsr_server_security mode,
                                  const char *identity, tsr_bytes key);

/** What protects a device's messages. RFC 8613 §3.2, RFC 8613 §3.3 */
typedef struct {
    tsr_bytes device_id, server_id; /* Sender IDs of the two ends, 0 to 7 bytes, not the same */
    tsr_bytes secret;               /* Master Secret, 1 to 64 bytes */
    tsr_bytes salt;                 /* 0 to 64 bytes */
    tsr_bytes id_context;           /* ptr NULL: none; up to 64 bytes */
    int32_t aead;                   /* COSE number; 0: AES-CCM-16-64-128 */
    bool no_echo; /* the device knows no Echo: with keys that were never here it is not challenged */
} tsr_server_oscore;

/** The same for OSCORE; requests of that endpoint without it are refused from then on. Sequence numbers
 *  of these keys, if they were here before, go on. errors as above, TSR_E_UNSUPPORTED the AEAD */
tsr_err tsr_server_credential_set_oscore(tsr_server *s, const char *endpoint,
                                         const tsr_server_oscore *oscore);

/** One of each kind: the device may come by DTLS with messages under OSCORE in it, or under OSCORE alone;
 *  and, unless `required`, by DTLS alone. errors as both */
tsr_err tsr_server_credential_set_both(tsr_server *s, const char *endpoint, tsr_server_security mode,
                                       const char *identity, tsr_bytes key,
                                       const tsr_server_oscore *oscore, bool required);

/** errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err tsr_server_credential_delete(tsr_server *s, const char *endpoint);

typedef void tsr_server_credential_fn(void *arg, const tsr_server_credential *c);

/** One, without its key. errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err tsr_server_credential_get(tsr_server *s, const char *endpoint, tsr_server_credential_fn *fn,
                                  void *arg);

/** Sorted by endpoint, after `after` (NULL: from the start), at most `limit` (0: 100). */
tsr_err tsr_server_credential_list(tsr_server *s, const char *after, size_t limit,
                                   tsr_server_credential_fn *fn, void *arg);

/* --- events ----------------------------------------------------------------------------- */

typedef enum {
    TSR_SERVER_EV_REGISTERED = 1,
    TSR_SERVER_EV_UPDATED = 2,
    TSR_SERVER_EV_DEREGISTERED = 3,
    TSR_SERVER_EV_EXPIRED = 4,
    TSR_SERVER_EV_NOTIFICATION = 5,   /* path: what is observed; records: what came */
    TSR_SERVER_EV_RESPONSE = 6,       /* an operation was answered: kind, path, code, records */
    TSR_SERVER_EV_FAILURE = 7,        /* an operation was not: kind, path, detail */
    TSR_SERVER_EV_REFUSED = 8,        /* a registration or handshake was refused: detail */
    TSR_SERVER_EV_OBSERVING = 9,      /* an observation was set up: path */
    TSR_SERVER_EV_OBSERVE_ENDED = 10, /* cancelled, or refused by the device: path, detail */
    TSR_SERVER_EV_ONLINE = 11,        /* a queue-mode device woke */
    TSR_SERVER_EV_OFFLINE = 12,       /* it went to sleep, or a request timed out */
    TSR_SERVER_EV_CREDENTIAL = 13,    /* detail: "set" or "deleted" */
    TSR_SERVER_EV_REQUEST = 14,       /* a queued one changed: kind, path, code; detail: "7 sent" */
    TSR_SERVER_EV_BOOTSTRAP_STARTED = 15,  /* detail: by which profile */
    TSR_SERVER_EV_BOOTSTRAP_FINISHED = 16, /* the device has taken everything */
    TSR_SERVER_EV_BOOTSTRAP_FAILED = 17,   /* detail: why */
    TSR_SERVER_EV_SENT = 18,                 /* values that the device sent unasked (Core 6.4.6): records */
    /* Stages of FIDO Device Onboard (tsr_fdo_stage, in its order); endpoint: the GUID; detail */
    TSR_SERVER_EV_FDO_MADE = 19,
    TSR_SERVER_EV_FDO_IMPORTED = 20,
    TSR_SERVER_EV_FDO_EXTENDED = 21,
    TSR_SERVER_EV_FDO_ANNOUNCED = 22,
    TSR_SERVER_EV_FDO_ACCEPTED = 23,
    TSR_SERVER_EV_FDO_REDIRECTED = 24,
    TSR_SERVER_EV_FDO_PROVED = 25,
    TSR_SERVER_EV_FDO_ONBOARDED = 26,
    TSR_SERVER_EV_FDO_REPLACED = 27,
    TSR_SERVER_EV_FDO_FAILED = 28,
} tsr_server_event_type;

const char *tsr_server_event_name(tsr_server_event_type t); /* "registered", "notification", ... */

/** One event; durable once seen. ids grow by at least one and are never used twice, not even
 *  over restarts. Lives until the callback returns. */
typedef struct {
    uint64_t id;
    int64_t unix_ms;
    tsr_server_event_type type;
    const char *endpoint; /* "" when not known (EV_REFUSED) */
    const char *detail;   /* English, "" when none */
    bool has_path;
    tsr_lwm2m_path path;
    int kind;     /* tsr_server_kind of EV_RESPONSE, EV_FAILURE and EV_REQUEST; else -1 */
    uint8_t code; /* CoAP code; 0 when none */
    const tsr_server_record *records;
    size_t record_count;
} tsr_server_event;

/** An event of another service of this process; durable with the next commit. Any thread. */
void tsr_server_emit(tsr_server *s, const char *endpoint, tsr_server_event_type type,
                     const char *detail);

typedef void tsr_server_event_fn(void *arg, const tsr_server_event *event);

/** The newest id given out; 0: none ever. */
uint64_t tsr_server_event_last(tsr_server *s);

/** The oldest id still kept in the bounded ring (option --events); 0: none. A reader whose
 *  Last-Event-ID is older than this has missed events and should read the state anew. */
uint64_t tsr_server_event_oldest(tsr_server *s);

/** Calls `fn` in the calling thread for at most `max` events with id > after, in order.
 *  endpoint  only this one's; NULL: all. Then `next` (may be NULL) gets the id to go on from,
 *  which may lie beyond the last event given when the rest was filtered out.
 *  errors  TSR_OK, also with none; TSR_E_IO */
tsr_err tsr_server_events(tsr_server *s, uint64_t after, size_t max, const char *endpoint,
                          tsr_server_event_fn *fn, void *arg, uint64_t *next);

/** Waits until there is an event with id > after, for at most timeout_ms.
 *  errors  TSR_OK, TSR_END (nothing in time, or the server is stopping) */
tsr_err tsr_server_events_wait(tsr_server *s, uint64_t after, uint32_t timeout_ms);

/** `wake` is called (on the store's thread: do not block, do not call back into the server) each
 *  time new events became readable. One event loop that serves many streams uses this in place
 *  of tsr_server_events_wait.
 *  owner   the returned handle; NULL: out of memory */
typedef void tsr_server_wake(void *arg);
typedef struct tsr_server_subscription tsr_server_subscription;
tsr_server_subscription *tsr_server_subscribe(tsr_server *s, tsr_server_wake *wake, void *arg);
void tsr_server_unsubscribe(tsr_server_subscription *sub); /* after it `wake` is not called */

/* --- health ----------------------------------------------------------------------------- */

typedef struct {
    size_t registrations, observations, sessions; /* sessions: DTLS, established */
    size_t shards;
    uint64_t datagrams_in, datagrams_out, datagrams_dropped;
    uint64_t requests, timeouts, handshakes, handshakes_failed;
    uint64_t queued; /* requests that wait durably now */
    uint64_t store_rows, store_commits, store_errors;
    int64_t started_unix_ms;
    bool store_ok; /* false: the last commit failed; `store_error` says why and what to do */
    char store_error[200];
} tsr_server_stats;

void tsr_server_stats_get(tsr_server *s, tsr_server_stats *out);

#endif
