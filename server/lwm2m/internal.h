/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of server/lwm2m share.
 *
 * A desk is a shard's share of the devices. Its thread alone changes them, and holds `lock` while
 * it does; other threads hold `lock` while they read. No thread holds two desks' locks. */
#ifndef SERVER_LWM2M_INTERNAL_H
#define SERVER_LWM2M_INTERNAL_H

#include "server/lwm2m/registration.h"
#include "server/lwm2m/server.h"
#include "server/store/wait.h"
#include "tessera/oscore/guard.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    ID_LEN = 12,
    QUEUE_LEN = 32, /* operations that wait for one device */
    LEVELS = 16,    /* of the ordered list: enough for 2^32 devices at 1/4 */
    CLAIMS = 64,
    NEIGHBOURS_MAX = 16, /* endpoints at one plain address */
    AWAKE_MS = 93000,    /* MAX_TRANSMIT_WAIT, Transport 6.5 */
    OPERATION_MS = 120000,
    TIMER_EXPIRY = TSR_TIMER_USER,
    TIMER_SLEEP,
    TIMER_OPERATION,
    TIMER_QUEUE,
};

typedef struct device device;
typedef struct desk desk;
typedef struct operation operation;
typedef struct queued queued;               /* queue.c */
typedef struct request_queue request_queue; /* queue.c */
typedef struct profile_book profile_book;   /* profile.c */

/** What a registration says; one allocation, replaced as a whole by an Update. */
typedef struct {
    const char *endpoint, *version, *binding, *sms, *root, *identity;
    tsr_server_security security;
    bool queue_mode;
    uint32_t lifetime_s, formats;
    tsr_bytes raw_links;
    const tsr_server_link *links;
    size_t link_count;
} info;

typedef struct observation {
    struct observation *next;
    device *device;
    tsr_lwm2m_path path;   /* the root: a composite one */
    tsr_lwm2m_path *paths; /* of a composite one, in tree order */
    size_t path_count;
    char *key; /* what it is stored under: "/3/0/9", or "composite /3/0/9 /3303" */
    char *params;
    uint8_t token[TSR_COAP_TOKEN_MAX], token_len; /* 0: no answer yet */
    uint16_t format;
    int64_t since_ms, last_ms;
    uint64_t count;
    bool active;
    operation *setup; /* the request under way, or NULL */
} observation;

struct operation {
    tsr_message message; /* its way to the shard */
    operation *next;     /* in the device's queue */
    tsr_server *server;
    tsr_server_kind kind;
    char *endpoint;
    tsr_lwm2m_path path;
    tsr_lwm2m_path *paths; /* of a composite one, in tree order */
    size_t path_count;
    tsr_server_record *records;
    size_t record_count;
    char *text;
    uint16_t format;
    int depth;
    uint32_t timeout_ms;
    tsr_server_done *done; /* NULL: the server's own (an observation taken up again) */
    void *arg;

    device *device;
    observation *observed; /* OBSERVE, CANCEL_OBSERVE */
    tsr_coap_id exchange;  /* 0: not under way */
    uint16_t tried_format; /* of this attempt */
    uint8_t attempts, accepts; /* formats tried; of a composite body, and of its answer */
    bool storing; /* OBSERVE: its row must be on the disk before it is sent */
    bool marking; /* queued: that it is sent must be on the disk before it is */
    queued *queued; /* what it carries out of the durable queue, or NULL */
    uint64_t order; /* the newest queued request when this one was submitted */
    uint64_t serial, started_ms;
    tsr_timer timer;
};

struct device {
    desk *desk;
    device *next_endpoint, *next_id;
    device **forward; /* of the ordered list */
    uint8_t levels;
    bool replaced;     /* another shard has this endpoint now; about to go */
    uint64_t sequence; /* order of its Register among those of the endpoint */
    char id[ID_LEN + 1];
    info *info;
    tsr_peer *peer; /* NULL: it has not been heard of since a restart or the end of its session */
    device *next_on_peer; /* peer->user is the first; almost always alone */
    tsr_address address;
    int64_t registered_ms, updated_ms, expires_ms, seen_ms; /* since 1970 */
    int64_t journaled_ms;                                   /* expires_ms as it is stored */
    tsr_address journaled_address;                          /* the address as it is stored */
    uint64_t expires_at; /* by the shard's clock, which nobody sets; UINT64_MAX: never */
    bool online;
    bool lost; /* its observations went with a connection: they are to be asked for anew */
    uint64_t awake_until_ms;
    tsr_timer expiry, sleep;
    operation *queue, *active;
    unsigned queued;
    bool has_queued; /* perhaps: the durable queue knows */
    bool held;       /* a queued request came back: the next one goes when it is heard of again */
    observation *observations;
    uint32_t observation_count;
};

struct desk {
    tsr_server *server;
    tsr_shard *shard;
    pthread_mutex_t lock;
    device **by_endpoint, **by_id;
    size_t buckets, count;
    device *first[LEVELS]; /* ordered by endpoint */
    uint64_t random;
    _Atomic size_t devices, observations;
    _Atomic uint64_t requests, timeouts;
    uint64_t operation_serial;
    uint64_t refused_second;
    unsigned refused_count;
};

struct tsr_server {
    tsr_server_config config;
    tsr_store *store;
    tsr_engine *engine;
    void *service; /* of config.bootstrap */
    desk *desks;
    unsigned count;
    uint64_t hash_key;
    atomic_bool stopping;
    int64_t started_ms;
    pthread_mutex_t claims[CLAIMS]; /* by endpoint: who registers it */
    _Atomic uint64_t sequence;
    request_queue *queue;
    profile_book *profiles;

    struct oscore_ring *oscore;

    pthread_mutex_t read_lock; /* guards the pool of readers for API threads */
    struct reader_slot *readers;

    pthread_mutex_t event_lock;
    pthread_cond_t event_cond;
    struct tsr_server_subscription *subscriptions;

    uint8_t *certificate;
    size_t certificate_len;
    uint32_t certificate_key_id;
    tsr_bytes *anchors;
    size_t anchor_count;
};

int64_t unix_now_ms(void);
void server_log(tsr_server *s, tsr_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* desk.c: tables. On the shard's thread, but for the ones that say otherwise. */
tsr_err desk_init(desk *d, tsr_server *s, tsr_shard *shard);
void desk_free(desk *d);
device *desk_by_endpoint(desk *d, const char *endpoint); /* lock held */
device *desk_by_id(desk *d, tsr_bytes id);               /* lock held */
device *desk_first_after(desk *d, const char *after);    /* lock held; NULL: the first */
tsr_err desk_add(desk *d, device *dev);                  /* takes the lock */
void desk_take(desk *d, device *dev);                    /* takes the lock */
/** Any thread: the desk of an endpoint or registration id, or NULL. */
desk *server_desk_of(tsr_server *s, const char *endpoint);
desk *server_desk_of_id(tsr_server *s, tsr_bytes id);
pthread_mutex_t *server_claim(tsr_server *s, const char *endpoint);

/* device.c */
enum { DEVICE_PATH = TSR_LWM2M_ROOT_MAX + TSR_LWM2M_PATH_TEXT + 1 };
/** Where the device has it: behind its alternate path. source  Transport 6.4.1 */
void device_path(const device *dev, tsr_lwm2m_path path, char text[DEVICE_PATH]);
info *info_new(const info *from, tsr_bytes raw_links, const tsr_link_list *links);
device *device_new(desk *d, info *i);
void device_free(device *dev);
void device_bind(device *dev, tsr_peer *peer); /* this is how it is reached now */
void device_unbind(device *dev);
void device_heard(device *dev); /* it sent something: it listens */
void device_offline(device *dev, const char *why);
void device_arm_expiry(device *dev);
void device_end(device *dev, tsr_server_event_type why); /* takes it from the desk and frees it */
void device_timer(desk *d, tsr_timer *t);
void device_journal(device *dev, bool now);

/* register.c */
void register_request(desk *d, tsr_peer *peer, const tsr_coap_event *event);

/* operate.c, and the files beside it */
void operation_post(operation *op, desk *d);
void operation_run(desk *d, operation *op);
void operation_finish(operation *op, const tsr_server_result *result);
void operation_fail(operation *op, tsr_server_outcome outcome, const char *why);
void operation_event(desk *d, operation *op, const tsr_coap_event *event);
void operation_expired(operation *op);
void operation_send(device *dev, operation *op);
void operation_observe(device *dev, operation *op); /* sent when its row is stored */
void operation_free(operation *op);
void device_pump(device *dev);    /* sends the next operation if it may */
void device_requeue(device *dev); /* the one under way must be sent again, by another peer */

/** A copy on the heap, or NULL. */
operation *operation_new(tsr_server *s, const tsr_server_request *r);
/** Why this operation cannot be done at this path, or NULL. named: paths and values that come with it. */
const char *operation_wrong(tsr_server_kind kind, tsr_lwm2m_path path, size_t named);
void operation_choose_instance(const device *dev, operation *op);

/* profile.c */
tsr_err profiles_open(tsr_server *s);
void profiles_close(tsr_server *s);
/** The object list that p->profile and p->links stand for together; *out on the heap.
 *  errors  TSR_E_NOT_FOUND  a name is not known: the endpoint shall send its list (4.09)
 *          TSR_E_SPACE */
tsr_err profile_links(tsr_server *s, const char *endpoint, const tsr_register_params *p,
                      tsr_buf *out);
/** The endpoint sent a list without a name: if it was asked for it, the name is learnt. */
void profile_given(tsr_server *s, const char *endpoint, tsr_bytes links);

/* queue.c: requests that survive the server */
tsr_err queue_open(tsr_server *s);
void queue_close(tsr_server *s);
tsr_err queue_restore(tsr_server *s, tsr_store_reader *reader);
void queue_tick(desk *d);
/** Has the endpoint any? Any thread. */
bool queue_has(tsr_server *s, const char *endpoint);
uint64_t queue_newest(tsr_server *s);
uint64_t queue_count(tsr_server *s); /* waiting or under way */
/** The next one as an operation of the device; at most those up to `order`. NULL: none now. */
operation *queue_take(device *dev, uint64_t order);
/** Puts "sent" into the store; operation_marked follows on the shard. */
tsr_err queue_mark(device *dev, operation *op);
void operation_marked(desk *d, const char *id, uint64_t serial, tsr_err err);
/** The operation ended without an answer: true when it is to be sent again, later. */
bool queue_again(operation *op, const tsr_server_result *result);
void queue_rejected(queued *q); /* the device does not want it: not again */

/* payload.c */
typedef struct {
    tsr_server_record *records;
    size_t count, cap;
    uint8_t *scratch; /* decoded and converted bytes */
} record_list;

/** Decodes a payload and types its values by the object models. */
tsr_err records_read(record_list *r, uint16_t format, tsr_lwm2m_path base, const char *root,
                     tsr_bytes payload, const char **why);
void records_free(record_list *r);
/** Encodes values for a Write or Create. root: the device's alternate path, or "".
 *  errors those of tsr_lwm2m_put; *body: heap */
tsr_err records_write(const tsr_server_record *records, size_t count, uint16_t format,
                      tsr_lwm2m_path base, const char *root, tsr_buf *body);
uint16_t senml_of(uint16_t format);
uint16_t format_for_read(const device *dev, tsr_lwm2m_path path, uint8_t attempt);
uint16_t format_for_write(const device *dev, const operation *op, uint8_t attempt);

/* composite.c */
/** The Content-Format of a composite request's body. */
uint16_t format_for_composite(const device *dev, const operation *op, uint8_t attempt);
/** The body of a composite read or observation: names. *body: heap. */
tsr_err names_write(const tsr_lwm2m_path *paths, size_t count, const char *root, uint16_t format, tsr_buf *body);
/** The text an observation is stored under; heap, or NULL. */
char *observation_key(tsr_lwm2m_path path, const tsr_lwm2m_path *paths, size_t count);
/** Takes such a text apart. *paths: heap, or NULL. errors TSR_E_MALFORMED, TSR_E_SPACE */
tsr_err observation_parse(const char *key, tsr_lwm2m_path *path, tsr_lwm2m_path **paths,
                          size_t *count);

static inline bool kind_observes(tsr_server_kind kind)
{
    return kind == TSR_SERVER_OBSERVE || kind == TSR_SERVER_OBSERVE_COMPOSITE;
}

static inline bool kind_cancels(tsr_server_kind kind)
{
    return kind == TSR_SERVER_CANCEL_OBSERVE || kind == TSR_SERVER_CANCEL_COMPOSITE;
}

static inline bool kind_is_composite(tsr_server_kind kind)
{
    return kind >= TSR_SERVER_READ_COMPOSITE;
}

/* send.c */
void send_request_in(desk *d, tsr_peer *peer, const tsr_coap_event *event);

/* observe.c */
observation *observation_find(device *dev, const operation *op);
/** `paths` is copied. */
observation *observation_add(device *dev, tsr_lwm2m_path path, const tsr_lwm2m_path *paths,
                             size_t path_count, const char *params);
void observation_free(observation *o);
void observation_remove(observation *o);
void observations_adopt(device *dev);  /* tell the CoAP engine of this peer about them */
void observations_forget(device *dev); /* and of the old one, no more */
void observations_lost(device *dev); /* nobody notifies any more: renewed when it is heard of again */
void observations_renew(device *dev);  /* ask for them anew, after a Register */
void notification(desk *d, observation *o, const tsr_coap_event *event);

/* event.c */
void emit(tsr_server *s, const char *endpoint, tsr_server_event *event);
/** `done` is called on the store's thread. errors TSR_E_SPACE: it will not be */
tsr_err emit_then(tsr_server *s, const char *endpoint, tsr_server_event *event,
                  tsr_store_done *done, void *arg);
void emit_simple(tsr_server *s, const char *endpoint, tsr_server_event_type type,
                 const char *detail);
void emit_refused(desk *d, const char *endpoint, const char *detail);
void keep_values(device *dev, const tsr_server_record *records, size_t count);
void events_ready(void *server);

/* certificate.c */
tsr_err certificates_load(tsr_server *s, char *why, size_t why_cap);
void certificates_free(tsr_server *s);
/** A private key from a file into this process's PSA core, to sign with. */
tsr_err certificate_key_load(const char *file, uint32_t *key_id, char *why, size_t why_cap);
enum { SERIAL_TEXT = 2 * 32 + 1 };
/** The serial number in hexadecimal digits; "" if it is longer than any may be. */
void certificate_serial(tsr_bytes der, char out[SERIAL_TEXT]);
/** Whether it was issued here and revoked since. */
bool certificate_is_revoked(tsr_store_reader *reader, tsr_bytes der);

/* restore.c */
tsr_err server_restore(tsr_server *s);

/* reader.c: a reader of the store for this call, from a pool */
tsr_err reader_take(tsr_server *s, struct reader_slot **slot, tsr_store_reader **reader);
void reader_give(tsr_server *s, struct reader_slot *slot);
void readers_close(tsr_server *s);

/* credential.c */
/** A pre-shared key for one handshake; its number, 0 when PSA refuses it. */
uint32_t credential_import(tsr_bytes key);
tsr_err credential_psk(void *user, tsr_shard *shard, tsr_bytes identity, uint32_t *key_id);
tsr_err credential_certificate(void *user, tsr_shard *shard, const char *common_name,
                               tsr_bytes der);
/** The endpoint that may be registered by this peer. errors TSR_E_NOT_FOUND */
tsr_err credential_endpoint(desk *d, const tsr_peer *peer, char endpoint[TSR_ENDPOINT_MAX + 1]);
enum { OSCORE_IDENTITY = 2 * (TSR_OSCORE_ID_MAX + TSR_OSCORE_ID_CONTEXT_MAX) + 3 };

/** How the endpoint has to prove itself. */
typedef struct {
    bool session;  /* it has a credential for DTLS */
    bool required; /* nothing is taken without OSCORE, whatever is below */
    char oscore[OSCORE_IDENTITY]; /* "": it has none */
} credential_needs;
credential_needs credential_needs_of(desk *d, const char *endpoint);
/** May messages of that OSCORE identity come through this peer's session? */
bool credential_fits(desk *d, const tsr_peer *peer, const char *oscore);

/* oscore.c */
tsr_err oscore_open(tsr_server *s); /* between desks and restore */
void oscore_park(tsr_server *s);    /* keeps the exact state; after the shards have stopped */
void oscore_close(tsr_server *s);
/** Binds a peer to the keys of that identity; the keys are made when they are needed. */
tsr_err oscore_bind(desk *d, tsr_peer *peer, const char *identity);
/** The credential changed or went: what was derived is void. */
void oscore_forget(tsr_server *s, unsigned service, const char *identity);

/* The secret as a volatile PSA key. errors TSR_E_CRYPTO */
tsr_err oscore_secret(tsr_bytes secret, psa_key_id_t *key);

/* credential.c: keys as they are stored (docs/WIRE.md), and what they are found by */
void oscore_identity(tsr_bytes device_id, tsr_bytes id_context, char identity[OSCORE_IDENTITY]);
typedef struct {
    tsr_bytes server_id, salt, secret;
    int32_t aead;
    bool no_echo;
} oscore_row;

bool oscore_row_get(tsr_bytes row, oscore_row *out);
enum { OSCORE_ROW_MAX = 1 + 1 + 1 + TSR_OSCORE_ID_MAX + 1 + 64 + 64 };
/** The row, and what it is found by. errors TSR_E_ARGUMENT, TSR_E_UNSUPPORTED, TSR_E_CRYPTO */
tsr_err oscore_row_make(const tsr_server_oscore *o, tsr_buf *row, char identity[OSCORE_IDENTITY]);

#endif
