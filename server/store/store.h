/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server must not forget: registrations, observations, credentials, events, values, queued
 * requests and parked DTLS sessions. Rows go in through one writer thread that commits many at once (group
 * commit), and `done` is called only after they are on the disk: answer then.
 *
 * Times are milliseconds since 1970. Text is UTF-8. Row structs borrow; puts copy. */
#ifndef SERVER_STORE_STORE_H
#define SERVER_STORE_STORE_H

#include "tessera/base/bytes.h"

typedef struct tsr_store tsr_store;
typedef struct tsr_store_reader tsr_store_reader;

/* --- rows ------------------------------------------------------------------------------- */

typedef struct {
    const char *endpoint, *location, *version, *binding, *sms, *root, *address, *identity;
    int security;
    bool queue_mode;
    uint32_t lifetime_s;
    int64_t registered_ms, updated_ms, expires_ms; /* expires_ms 0: never */
    tsr_bytes links;                               /* the object list as it was sent */
} tsr_store_registration;

typedef struct {
    const char *endpoint;
    const char *path;   /* "/3303/0/5700" */
    const char *params; /* "" or "pmin=1&pmax=5" */
    tsr_bytes token;
    uint16_t format;
    int64_t since_ms;
} tsr_store_observation;

typedef struct {
    const char *endpoint;
    int mode;
    const char *identity;
    tsr_bytes key;  /* loads: empty unless asked for with tsr_store_credential_key */
    size_t key_len; /* loads: its length */
    int64_t changed_ms;
    const char *oscore;   /* identity of OSCORE, alone (loads only: that is mode 3) or besides; "": none */
    tsr_bytes oscore_key; /* if besides; puts only: loads have it in `key` when asked by that identity */
    bool required;        /* nothing is taken without it */
} tsr_store_credential;

typedef struct {
    uint64_t id; /* puts: ignored, the store numbers them */
    int64_t time_ms;
    const char *endpoint;
    tsr_bytes body;
} tsr_store_event;

/** A value; `path` is two big-endian bytes per level, so that rows sort as numbers do. */
typedef struct {
    const char *endpoint;
    tsr_bytes path, body;
    int64_t received_ms;
} tsr_store_value;

/** A parked DTLS session: secret, hence the file's mode 0600. */
typedef struct {
    tsr_bytes cid;
    tsr_bytes body;
    int64_t parked_ms;
} tsr_store_session;

/** A request that waits for its device, or what came of it. Updates use id and what follows state.
 */
typedef struct {
    uint64_t id;
    const char *endpoint, *path;
    int kind, state; /* the server's numbers; up to TSR_STORE_QUEUED_OPEN it is not over */
    int64_t created_ms, expires_ms, sent_ms, finished_ms;
    uint32_t attempts;
    int outcome, code;
    const char *detail;
    tsr_bytes request, result; /* lists: left out. A request that is over has none: it may have
                                * held a key */
} tsr_store_queued;

enum { TSR_STORE_QUEUED_OPEN = 1 };
/** Something a service of the server keeps, as it likes: `kind` says whose it is.
 *  name   its key within the kind
 *  alias  a second key within the kind, which no two have; "": none
 *  rank   above 0: listed by rank (TSR_STORE_BY_RANK), highest first; below 0: its label does not count it
 *  label  what it is listed and counted under within the kind (tsr_store_labelled); "" or NULL: nothing.
 *         Puts only: reads leave it out */
typedef struct {
    int kind;
    const char *name, *alias;
    int64_t rank, changed_ms;
    tsr_bytes body;
    const char *label;
} tsr_store_document;

enum {
    TSR_STORE_BOOTSTRAP_PROFILE = 1,
    TSR_STORE_BOOTSTRAP_STATE = 2,
    TSR_STORE_BOOTSTRAP_CREDENTIAL = 3,
    TSR_STORE_CERTIFICATE = 4, /* issued here; alias: serial; rank: when it was revoked, or 0 */
    TSR_STORE_FDO_VOUCHER = 5,  /* name: GUID; body: the OwnershipVoucher */
    TSR_STORE_FDO_DEVICE = 6,   /* name: GUID; label: group; rank: -1, replaced; body: JSON, what is known of it */
    TSR_STORE_FDO_REDIRECT = 7, /* name: GUID; rank: when it ends, unix s; body: docs/WIRE.md */
    TSR_STORE_FDO_PLAN = 8,     /* name: GUID, group or "default"; label: "group", of a group's; body: JSON */
    TSR_STORE_FDO_RESULT = 9,   /* name: GUID/name; body: what a step of the plan brought */
    TSR_STORE_FDO_ACCOUNT = 10, /* name: DEVICE/ENDPOINT, the device as SHA-256 of its key; alias: endpoint */
    TSR_STORE_FDO_MADE = 11,    /* name: hash of a device's key; body: GUID of its last manufacture */
    TSR_STORE_FDO_STAGE = 12,   /* name: GUID/stage; body: JSON, what is told of it */
    TSR_STORE_AUDIT = 13,       /* name: what is left of 2^64, so newest first; body: JSON */
    TSR_STORE_AUDIT_REFUSED = 14, /* the same, of what peers were refused */
};

/** Numbers and window of an OSCORE context, one row per set of keys that an identity ever had: it stays
 *  when the credential goes, since the same keys may come back. */
typedef struct {
    const char *identity;
    tsr_bytes mark; /* of the keys */
    tsr_bytes state;
} tsr_store_oscore;

/* --- opening ---------------------------------------------------------------------------- */

typedef struct {
    const char *directory; /* made with mode 0700 when missing */
    uint64_t event_ring;   /* events kept; 0: 100,000 */
    uint32_t history;      /* values kept per resource; 0: 100 */
    uint32_t batch_rows;   /* 0: 256 */
    uint32_t batch_ms;     /* commits are at least this far apart under load; 0: 5 */
    void (*log)(void *arg, const char *text); /* on the store's thread; NULL: silent */
    void *log_arg;
} tsr_store_config;

/** Opens (and makes) the store and starts its writer thread.
 *  owner   *out belongs to the caller: tsr_store_close
 *  errors  TSR_E_IO         cannot be made, read or written; or the disk is full
 *          TSR_E_MALFORMED  damaged, or not a store of this program or version: nothing is touched
 *          TSR_E_STATE      another process has it open
 *          `why` names cause and remedy; 400 bytes are sensible. */
tsr_err tsr_store_open_sqlite(const tsr_store_config *config, tsr_store **out, char *why,
                              size_t why_cap);

/** Commits what is queued, calls every `done`, joins the thread. Readers must be closed before. */
void tsr_store_close(tsr_store *s);

/* --- writing: any thread ---------------------------------------------------------------- */

/** Called once per put on the store's thread, after the commit (TSR_OK) or its failure (TSR_E_IO:
 *  nothing of the put was kept; TSR_E_EXISTS: the identity is taken). Must not block. */
typedef void tsr_store_done(void *arg, tsr_err err);

/* `done` may be NULL. errors: TSR_OK (done will be called), TSR_E_SPACE (out of memory or the queue
 * is full; it will not). Rows are applied in the order of the calls. */
tsr_err tsr_store_put_registration(tsr_store *s, const tsr_store_registration *r,
                                   tsr_store_done *done, void *arg);
/** Removes the registration and the observations of its endpoint, if `location` is still its. */
tsr_err tsr_store_delete_registration(tsr_store *s, const char *endpoint, const char *location,
                                      tsr_store_done *done, void *arg);
/** Lifetime journal: only the times and the address of a row that is there. */
tsr_err tsr_store_touch_registration(tsr_store *s, const char *endpoint, const char *location,
                                     const char *address, int64_t updated_ms, int64_t expires_ms,
                                     tsr_store_done *done, void *arg);
tsr_err tsr_store_put_observation(tsr_store *s, const tsr_store_observation *o,
                                  tsr_store_done *done, void *arg);
/** path NULL: all of the endpoint. */
tsr_err tsr_store_delete_observation(tsr_store *s, const char *endpoint, const char *path,
                                     tsr_store_done *done, void *arg);
tsr_err tsr_store_put_credential(tsr_store *s, const tsr_store_credential *c, tsr_store_done *done,
                                 void *arg);
tsr_err tsr_store_delete_credential(tsr_store *s, const char *endpoint, tsr_store_done *done,
                                    void *arg);
tsr_err tsr_store_put_event(tsr_store *s, const tsr_store_event *e, tsr_store_done *done,
                            void *arg);
tsr_err tsr_store_put_value(tsr_store *s, const tsr_store_value *v, tsr_store_done *done,
                            void *arg);
tsr_err tsr_store_put_session(tsr_store *s, const tsr_store_session *p, tsr_store_done *done,
                              void *arg);
tsr_err tsr_store_delete_session(tsr_store *s, tsr_bytes cid, tsr_store_done *done, void *arg);
/** The id is the caller's, above tsr_store_queued_last. */
tsr_err tsr_store_put_queued(tsr_store *s, const tsr_store_queued *q, tsr_store_done *done,
                             void *arg);
/** State, times, outcome and result; of a state that is over, the request is forgotten. */
tsr_err tsr_store_update_queued(tsr_store *s, const tsr_store_queued *q, tsr_store_done *done,
                                void *arg);
/** Forgets results finished before `before_ms`, and of the rest all but the newest `keep`. */
tsr_err tsr_store_purge_queued(tsr_store *s, int64_t before_ms, uint32_t keep, tsr_store_done *done,
                               void *arg);

/** errors of done: TSR_E_EXISTS, the alias is another's */
tsr_err tsr_store_put_document(tsr_store *s, const tsr_store_document *d, tsr_store_done *done,
                               void *arg);
tsr_err tsr_store_delete_document(tsr_store *s, int kind, const char *name, tsr_store_done *done,
                                  void *arg);
tsr_err tsr_store_put_oscore(tsr_store *s, const tsr_store_oscore *o, tsr_store_done *done,
                             void *arg);

/** Waits until everything put before is committed or has failed. */
void tsr_store_flush(tsr_store *s);

/* --- reading: one thread per reader ------------------------------------------------------ */

tsr_err tsr_store_reader_open(tsr_store *s, tsr_store_reader **out);
void tsr_store_reader_close(tsr_store_reader *r);

/* Each calls `fn` per row in the calling thread; `fn` returns false to stop. Rows live until it
 * returns. errors: TSR_OK, also with none; TSR_E_NOT_FOUND for single rows; TSR_E_IO. */
typedef bool tsr_store_registration_fn(void *arg, const tsr_store_registration *row);
typedef bool tsr_store_observation_fn(void *arg, const tsr_store_observation *row);
typedef bool tsr_store_credential_fn(void *arg, const tsr_store_credential *row);
typedef bool tsr_store_event_fn(void *arg, const tsr_store_event *row);
typedef bool tsr_store_value_fn(void *arg, const tsr_store_value *row);
typedef bool tsr_store_session_fn(void *arg, const tsr_store_session *row);
typedef bool tsr_store_oscore_fn(void *arg, const tsr_store_oscore *row);
typedef bool tsr_store_queued_fn(void *arg, const tsr_store_queued *row);

tsr_err tsr_store_registrations(tsr_store_reader *r, tsr_store_registration_fn *fn, void *arg);
/** endpoint NULL: all. */
tsr_err tsr_store_observations(tsr_store_reader *r, const char *endpoint,
                               tsr_store_observation_fn *fn, void *arg);
tsr_err tsr_store_credentials(tsr_store_reader *r, const char *after, size_t limit,
                              tsr_store_credential_fn *fn, void *arg);
tsr_err tsr_store_credential_get(tsr_store_reader *r, const char *endpoint,
                                 tsr_store_credential_fn *fn, void *arg);
/** By identity and with its key, which the caller wipes from wherever it copied it to. */
tsr_err tsr_store_credential_key(tsr_store_reader *r, int mode, tsr_bytes identity,
                                 tsr_store_credential_fn *fn, void *arg);
tsr_err tsr_store_events(tsr_store_reader *r, uint64_t after, size_t limit, const char *endpoint,
                         tsr_store_event_fn *fn, void *arg);
/** Last values whose path begins with `prefix`, in path order. */
tsr_err tsr_store_values(tsr_store_reader *r, const char *endpoint, tsr_bytes prefix,
                         tsr_store_value_fn *fn, void *arg);
/** The newest `limit` received after `after_ms`, oldest first. */
tsr_err tsr_store_history(tsr_store_reader *r, const char *endpoint, tsr_bytes path,
                          int64_t after_ms, size_t limit, tsr_store_value_fn *fn, void *arg);
tsr_err tsr_store_sessions(tsr_store_reader *r, tsr_store_session_fn *fn, void *arg);
tsr_err tsr_store_oscores(tsr_store_reader *r, const char *identity, tsr_store_oscore_fn *fn,
                          void *arg);
/** All that are not over, with their requests, in the order of their ids. */
tsr_err tsr_store_queued_open(tsr_store_reader *r, tsr_store_queued_fn *fn, void *arg);
/** errors TSR_E_NOT_FOUND */
tsr_err tsr_store_queued_get(tsr_store_reader *r, uint64_t id, tsr_store_queued_fn *fn, void *arg);
/** At most `limit` with ids below `before`, newest first; endpoint NULL: all. */
tsr_err tsr_store_queued_list(tsr_store_reader *r, const char *endpoint, bool open_only,
                              uint64_t before, size_t limit, tsr_store_queued_fn *fn, void *arg);
/** The highest id ever used; 0: none. */
tsr_err tsr_store_queued_last(tsr_store_reader *r, uint64_t *id);

typedef enum {
    TSR_STORE_BY_NAME,  /* the one of that name */
    TSR_STORE_BY_ALIAS, /* the one of that alias */
    TSR_STORE_AFTER,    /* those whose names sort after `key`, in that order, at most `limit` */
    TSR_STORE_BY_RANK,  /* those with a rank, highest first, then by name; `key` is unused */
} tsr_store_lookup;

typedef bool tsr_store_document_fn(void *arg, const tsr_store_document *row);
/** errors TSR_E_NOT_FOUND for the first two, when there is none; TSR_E_IO */
tsr_err tsr_store_documents(tsr_store_reader *r, int kind, tsr_store_lookup by, const char *key,
                            size_t limit, tsr_store_document_fn *fn, void *arg);
/** The documents of a label whose names sort after `after` (NULL: all), in that order, at most `limit`; no other row
 *  is read. */
tsr_err tsr_store_labelled(tsr_store_reader *r, int kind, const char *label, const char *after, size_t limit,
                           tsr_store_document_fn *fn, void *arg);
/** `counted`: its documents, but for those whose rank is below 0; a label that has such alone is there with 0. */
typedef bool tsr_store_label_fn(void *arg, const char *label, uint64_t counted);
/** The labels of a kind that sort after `after` (NULL: all), in that order, at most `limit`; no document is read. */
tsr_err tsr_store_labels(tsr_store_reader *r, int kind, const char *after, size_t limit, tsr_store_label_fn *fn,
                         void *arg);

/* --- events and health: any thread ------------------------------------------------------- */

/** Newest committed event id; oldest one kept; 0: none. */
uint64_t tsr_store_event_last(tsr_store *s);
uint64_t tsr_store_event_oldest(tsr_store *s);

/** Called on the store's thread after each commit that held events. Set once, before writing. */
void tsr_store_on_events(tsr_store *s, void (*fn)(void *arg), void *arg);

typedef struct {
    uint64_t rows, commits, errors;
    bool ok;         /* false: the last commit failed */
    char error[200]; /* why, and what to do */
} tsr_store_stats;

void tsr_store_stats_get(tsr_store *s, tsr_store_stats *out);

#endif
