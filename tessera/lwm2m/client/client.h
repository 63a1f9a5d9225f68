/* SPDX-License-Identifier: Apache-2.0
 *
 * The LwM2M client: registration, device management and reporting towards several servers,
 * without I/O, clock or heap (Core 6.2 to 6.4).
 *
 *     tsr_lwm2m_client_feed(c, account, datagram, now)      a datagram came from that server
 *     tsr_lwm2m_client_poll(c, &account, &datagram, now)    send this there; TSR_END: nothing now
 *     tsr_lwm2m_client_event_next(c, &event)                what happened
 *     tsr_lwm2m_client_due_ms(c)                            poll again by then
 *
 * An account is an index into the caller's array, one per LwM2M server, and stands for a
 * transport: the host opens a socket (or else) for each. Time is monotonic. The host keeps the
 * states of its objects fresh and calls tsr_lwm2m_client_changed() when they have changed.
 *
 * What a server was told to have happened is durable: before an answer goes out, everything it
 * stands for is handed to hooks.save. After a restart, tsr_lwm2m_client_restore() takes it back
 * and the client goes on where it was: same registration, same observations, same session. */
#ifndef TESSERA_LWM2M_CLIENT_CLIENT_H
#define TESSERA_LWM2M_CLIENT_CLIENT_H

#include "tessera/coap/engine.h"
#include "tessera/lwm2m/client/attributes.h"
#include "tessera/lwm2m/client/channel.h"
#include "tessera/lwm2m/client/profile.h"
#include "tessera/lwm2m/client/queue.h"
#include "tessera/lwm2m/objects/access.h"
#include "tessera/lwm2m/objects/server.h"

enum {
    TSR_LWM2M_LOCATION_LEN = 63, /* bytes of a registration's location, "/rd/5a3f" */
    TSR_LWM2M_EVENTS = 16,       /* kept for the host; the oldest go when there are more */
};

/** What a host may do besides; each may be NULL. Called from inside the other functions; they
 *  must not call back into the client. */
typedef struct {
    void *user;
    /** Makes the state durable before it returns.
     *  errors  any: the request is answered 5.00 and what it did is undone */
    tsr_err (*save)(void *user, tsr_bytes state);
} tsr_lwm2m_hooks;

/** Where an account stands. */
typedef enum {
    TSR_LWM2M_WAITING,       /* until its time: delay, back-off, Disable */
    TSR_LWM2M_BOOTSTRAPPING, /* the bootstrap server's: it has been asked (bootstrap.h) */
    TSR_LWM2M_CONNECTING,    /* the channel is being opened */
    TSR_LWM2M_REGISTERING,   /* Register is under way */
    TSR_LWM2M_REGISTERED,    /* the server may ask; Updates keep it so */
    TSR_LWM2M_DEREGISTERING, /* De-register is under way */
    TSR_LWM2M_STOPPED,       /* by stop(), or for a reason that waiting does not cure */
} tsr_lwm2m_standing;

/** What a server was told of this client. */
typedef struct {
    uint32_t lifetime_s;
    uint32_t links; /* the object list, as a hash */
    char binding[TSR_LWM2M_BINDING_LEN + 1];
} tsr_lwm2m_told;

/** One server account. The caller zeroes it and sets the first part. */
typedef struct {
    uint16_t short_id;                /* an instance of Server has it; 0: see bootstrap.h */
    const tsr_lwm2m_channel *channel; /* NULL: none */
    void *channel_state;
    /* read only */
    tsr_lwm2m_standing standing;
    uint8_t version_minor; /* of "1.x", as agreed with the server */
    /* private; the order lets a Cortex-M reach most of it with short instructions */
    bool started, up, update, relink, disabling, stopping, proved, renewed;
    char binding; /* that the server wants to be told over; 0: as it is */
    uint8_t attempts, sequences, local_tries;
    uint8_t brief;         /* how the object list was told (profile.h) */
    tsr_coap_id request;   /* Register, Update or De-register under way; 0: none */
    uint64_t at_ms;        /* next step: connect, Update, register again */
    uint64_t told_ms;      /* when the registration was last confirmed */
    tsr_lwm2m_told told;   /* and what it is, */
    tsr_lwm2m_told sent;   /* or will be when the server has accepted it */
    uint32_t disable_s;
    /* read only */
    char location[TSR_LWM2M_LOCATION_LEN + 1]; /* "" when not registered */
} tsr_lwm2m_account;

/** Attributes that a server attached to a path. */
typedef struct {
    /* private */
    bool used;
    uint8_t account;
    tsr_lwm2m_path at;
    tsr_lwm2m_attributes values;
} tsr_lwm2m_attachment;

/** One observation by one server. */
typedef struct {
    /* private */
    bool used;
    bool stale;      /* its due times must be worked out anew */
    bool dirty;      /* something at or below the path may have changed */
    bool early;      /* what changes is judged before pmin is over: there are thresholds */
    bool fired;      /* a notification is owed as soon as pmin allows */
    bool known;      /* `last` and `digest` say what was reported */
    uint8_t account;
    uint8_t token_len;
    uint16_t format;
    tsr_lwm2m_path at;
    uint8_t token[TSR_COAP_TOKEN_MAX];
    uint32_t generation; /* tells answers to an earlier user of this slot */
    uint64_t sent_ms, confirmed_ms, retry_ms;
    uint64_t pmin_due_ms, pmax_due_ms;
    tsr_coap_id flight; /* the CON notification under way; 0: none */
    uint64_t key;
    uint64_t digest;
    tsr_lwm2m_value last; /* numbers and Booleans only */
    tsr_lwm2m_attributes own; /* from the query of the Observe (1.2) */
    uint64_t judged_ms;       /* when it was last seen whether a notification is owed (epmin) */
} tsr_lwm2m_observation;

/** One path of a composite observation, or of the composite request that is running. */
typedef struct {
    /* private */
    tsr_lwm2m_path at;
    uint16_t owner;      /* 0: free; 1 + the observation's index; TSR_LWM2M_NO_ID: the request */
    uint32_t generation; /* of the observation; when it is over, so is this */
    uint64_t digest;
    tsr_lwm2m_value last; /* numbers and Booleans only */
} tsr_lwm2m_composite_path;

/** What is being sent to one server; zero it. */
typedef struct {
    /* private */
    tsr_coap_id flight; /* 0: nothing */
    uint32_t serial;
    uint32_t wait_s;    /* before the next try */
    uint8_t refused;    /* with 4.04, one after the other */
    uint64_t retry_ms;
} tsr_lwm2m_sending;

/** Values on their way to servers that did not ask for them (Core 6.4.6). They stay here while the
 *  server is out of reach. Zero it and set the first part. */
typedef struct {
    uint8_t *memory; /* about 24 bytes for a number, and as many more as a text is long */
    size_t memory_len;
    tsr_lwm2m_sending *sendings; /* one for each account */
    bool keep_oldest; /* when memory is full: true: what is new is refused; false: the oldest go */
    uint16_t batch;   /* bytes of one message, about; 0: 1,000; at most config.body_len */
    tsr_lwm2m_format format; /* 0: SenML CBOR; or SenML JSON, or LwM2M CBOR, which has no times */
    /* read only */
    uint32_t revision; /* changes whenever the content does */
    uint32_t dropped;  /* values that found no room, or whose room others took */
    size_t used;       /* bytes of memory; what a host keeps over a restart */
} tsr_lwm2m_outbox;

/** What observations with hqmax would have reported while their server was out of reach; it is told
 *  with its times when the server is back. In memory only. Zero it and set the first part.
 *  source  Core 5.1.2 (hqmax), Core E.2 (/1/x/6) */
typedef struct {
    uint8_t *memory; /* about 45 bytes for a number; when it is full, the oldest go */
    size_t memory_len;
    /** Unix time when the client's time was 0, in ms; the host corrects it when its clock is set.
     *  0: not known, and times are told as ages (RFC 8428 §4.5.3). */
    uint64_t unix_zero_ms;
    /* read only */
    size_t used;
    uint32_t dropped; /* for want of memory, not by hqmax */
    /* private */
    uint64_t retry_ms;
} tsr_lwm2m_history;

typedef struct {
    const char *endpoint; /* `ep` */
    tsr_bytes root;       /* alternate path, "/lwm2m", where the objects stand; empty: at the root */
    const tsr_lwm2m_registry *registry;
    tsr_lwm2m_servers *servers; /* the state of Object 1, which is in the registry too */
    tsr_lwm2m_account *accounts; /* at most 255 */
    size_t account_count;
    tsr_lwm2m_observation *observations; /* may be none */
    tsr_lwm2m_attachment *attachments; /* may be none */
    uint16_t observation_count;
    uint16_t attachment_count;
    uint8_t *body; /* one payload going out, or values on their way in; 1 KB at least */
    size_t body_len;
    uint8_t *state; /* the state on its way to hooks.save and what is needed to undo; 2 KB */
    size_t state_len;
    uint8_t *datagram; /* one CoAP message before its channel; unused without channels */
    size_t datagram_len;
    const tsr_coap_config *coap; /* peers: account_count; watches: 0 */
    void *coap_memory;
    size_t coap_memory_len;
    uint8_t version_minor; /* highest "1.x" to offer: 0, 1 or 2 */
    uint16_t path_count; /* at most 65534: those of all composite observations and one request */
    tsr_lwm2m_hooks hooks;
    tsr_lwm2m_composite_path *paths; /* for composite operations; may be none */
    tsr_lwm2m_queue *queue; /* queue mode, with its part; NULL: always awake */
    tsr_lwm2m_outbox *outbox; /* for Send; NULL: none */
    tsr_lwm2m_accesses *accesses; /* the state of Object 2, which is in the registry too; NULL: none */
    tsr_lwm2m_history *history; /* for hqmax, with its part; NULL: none */
    const char *sms; /* the number (MSISDN, digits alone) that it can be woken by, which is told with its part; NULL: none */
    const tsr_lwm2m_profile *profile; /* a name for the object list, with its part; NULL: none */
} tsr_lwm2m_client_config;

typedef enum {
    TSR_LWM2M_E_CONNECTED,      /* the channel is up */
    TSR_LWM2M_E_DISCONNECTED,   /* `reason`, `code`: the alert or 0 */
    TSR_LWM2M_E_REGISTERED,
    TSR_LWM2M_E_UPDATED,
    TSR_LWM2M_E_DEREGISTERED,
    TSR_LWM2M_E_REGISTER_FAILED, /* `code`: of the answer; 0: none came, `reason`. Comes again */
    TSR_LWM2M_E_STOPPED,         /* nothing more will be tried */
    TSR_LWM2M_E_REQUEST,         /* a server's request was answered: `operation`, `at`, `code` */
    TSR_LWM2M_E_NOTIFIED,        /* `at` */
    TSR_LWM2M_E_OBSERVE_END,     /* an observation ended: `at`, `reason` */
    TSR_LWM2M_E_BOOTSTRAPPING,    /* a bootstrap begins: `reason` */
    TSR_LWM2M_E_BOOTSTRAPPED,     /* what came is in force and durable */
    TSR_LWM2M_E_BOOTSTRAP_FAILED, /* all is as before: `reason`, `code`. It is tried again */
    TSR_LWM2M_E_BOOTSTRAP_END,    /* there is no bootstrap account any more: `reason` */
    TSR_LWM2M_E_SAVE_FAILED,      /* hooks.save failed: `err` */
    TSR_LWM2M_E_SENT,             /* a Send was accepted (CON) or is out (NON): `code` or 0 */
    TSR_LWM2M_E_SEND_FAILED,      /* it was not: `code`, `reason`; kept for later, or dropped */
    TSR_LWM2M_E_KEPT,             /* what would be a notification is kept for later: `at` */
} tsr_lwm2m_client_event_kind;

typedef enum {
    TSR_LWM2M_OP_NONE,
    TSR_LWM2M_OP_READ,
    TSR_LWM2M_OP_DISCOVER,
    TSR_LWM2M_OP_OBSERVE,
    TSR_LWM2M_OP_CANCEL,
    TSR_LWM2M_OP_REPLACE,
    TSR_LWM2M_OP_UPDATE,
    TSR_LWM2M_OP_ATTRIBUTES,
    TSR_LWM2M_OP_EXECUTE,
    TSR_LWM2M_OP_CREATE,
    TSR_LWM2M_OP_DELETE,
    TSR_LWM2M_OP_READ_COMPOSITE, /* these four are about the root: `at` has depth 0 */
    TSR_LWM2M_OP_WRITE_COMPOSITE,
    TSR_LWM2M_OP_OBSERVE_COMPOSITE,
    TSR_LWM2M_OP_CANCEL_COMPOSITE,
    TSR_LWM2M_OP_BOOTSTRAP_DISCOVER,
    TSR_LWM2M_OP_BOOTSTRAP_READ,
    TSR_LWM2M_OP_BOOTSTRAP_WRITE,
    TSR_LWM2M_OP_BOOTSTRAP_DELETE,
    TSR_LWM2M_OP_BOOTSTRAP_FINISH,
} tsr_lwm2m_operation;

typedef struct {
    tsr_lwm2m_client_event_kind kind;
    uint8_t account;
    uint8_t code; /* CoAP code */
    tsr_lwm2m_operation operation;
    tsr_lwm2m_path at;
    const char *reason; /* never NULL */
    tsr_err err;
} tsr_lwm2m_client_event;

struct tsr_lwm2m_client;
struct tsr_lwm2m_queries;

/** What a client can do beside its core, which is: register, Read, Write, Execute, Discover,
 *  Observe and Notify over NoSec, until it is switched off. tsr_lwm2m_client_init() has all of it; a
 *  small device says what it wants, and the linker leaves the rest out. NULL: none of it, but for
 *  the first, which has to be there. */
typedef struct {
    /** tsr_coap_init_device, or tsr_coap_init_small: no bodies in blocks */
    tsr_err (*coap_init)(tsr_coap *c, const tsr_coap_config *config, void *memory,
                         size_t memory_len);
    /** tsr_lwm2m_reporting: Observe and Write-Attributes. Without it an Observe is answered as a
     *  Read is, Write-Attributes 4.05, and the config has neither observations nor attachments */
    const struct tsr_lwm2m_reporting *reporting;
    /** with reporting: tsr_lwm2m_all_attributes, or tsr_lwm2m_periods: pmin and pmax only, others are refused */
    const struct tsr_lwm2m_attribute_set *attributes;
    /** tsr_lwm2m_keeping: hooks.save, and taking back what could not be saved */
    const struct tsr_lwm2m_keeping *keeping;
    /** tsr_lwm2m_channels: accounts that have a channel */
    const struct tsr_lwm2m_channels *channels;
    /** tsr_lwm2m_instances: Create and Delete, which are answered 4.05 without it */
    const struct tsr_lwm2m_instances *instances;
    /** tsr_lwm2m_composite: Read-, Write- and Observe-Composite; needs config.paths */
    const struct tsr_lwm2m_composite *composite;
    /** tsr_lwm2m_arguments_check: Execute with arguments, which are refused without it */
    tsr_err (*arguments)(tsr_bytes arguments);
    /** tsr_lwm2m_queue_parameters: Q of a client with config.queue; tsr_lwm2m_all_parameters: also its
     *  number, config.sms, and the Profile ID of one with config.profile. Told of a Register or Update that is ready to go */
    void (*parameters)(const struct tsr_lwm2m_client *c, tsr_lwm2m_account *a,
                       tsr_coap_request *request, struct tsr_lwm2m_queries *to);
    /** set by tsr_lwm2m_client_init_bootstrap() */
    const struct tsr_lwm2m_bootstrap_part *bootstrap;
    /** tsr_lwm2m_registration_order: /1/x/13 and /1/x/15 among several servers */
    bool (*turn)(struct tsr_lwm2m_client *c, tsr_lwm2m_account *a);
    /** tsr_lwm2m_binding_choice: Preferred Transport (/1/x/22) and the binding of a trigger, for a host
     *  whose servers object has `can`. True: the Update waits for the host */
    bool (*binding)(const struct tsr_lwm2m_client *c, tsr_lwm2m_account *a);
    /** tsr_lwm2m_sender: Send; needs config.outbox. tsr_lwm2m_sender_and_history: the same, and values
     *  that observations keep while a server is out of reach; needs config.history */
    const struct tsr_lwm2m_sender *sender;
    /** tsr_lwm2m_access_control: has to be there for several accounts, of which that of a
     *  bootstrap server does not count. With config.accesses servers have the rights that Object 2
     *  says; without, all but to each other's accounts */
    const struct tsr_lwm2m_access_control *access;
    /** tsr_lwm2m_words: reasons of events in words, which are empty without it but where a channel
     *  or another part says them */
    const char *const *words;
} tsr_lwm2m_parts;

bool tsr_lwm2m_binding_choice(const struct tsr_lwm2m_client *c, tsr_lwm2m_account *a);
bool tsr_lwm2m_registration_order(struct tsr_lwm2m_client *c, tsr_lwm2m_account *a);
void tsr_lwm2m_queue_parameters(const struct tsr_lwm2m_client *c, tsr_lwm2m_account *a,
                                tsr_coap_request *request, struct tsr_lwm2m_queries *to);
void tsr_lwm2m_all_parameters(const struct tsr_lwm2m_client *c, tsr_lwm2m_account *a,
                              tsr_coap_request *request, struct tsr_lwm2m_queries *to);

extern const struct tsr_lwm2m_attribute_set tsr_lwm2m_all_attributes, tsr_lwm2m_periods;
extern const struct tsr_lwm2m_reporting tsr_lwm2m_reporting;
extern const struct tsr_lwm2m_keeping tsr_lwm2m_keeping;
extern const struct tsr_lwm2m_channels tsr_lwm2m_channels;
extern const struct tsr_lwm2m_composite tsr_lwm2m_composite;
extern const struct tsr_lwm2m_instances tsr_lwm2m_instances;
extern const struct tsr_lwm2m_sender tsr_lwm2m_sender, tsr_lwm2m_sender_and_history;
extern const struct tsr_lwm2m_access_control tsr_lwm2m_access_control;
extern const char *const tsr_lwm2m_words[];

/** All of them but bootstrap. */
extern const tsr_lwm2m_parts tsr_lwm2m_whole;

typedef struct tsr_lwm2m_client {
    /* private */
    const tsr_lwm2m_parts *parts;
    uint64_t now_ms; /* of the call that is running */
    tsr_lwm2m_client_config config;
    tsr_coap coap;
    uint32_t sequence, sequence_mark; /* of notifications; the mark is saved */
    uint32_t generation;
    uint32_t draws;
    uint16_t observed; /* observations in use */
    uint8_t turn; /* whose channel is polled next */
    tsr_lwm2m_client_event events[TSR_LWM2M_EVENTS];
    uint8_t event_first, event_count;
    bool save_owed; /* something changed that no answer waits for */
    uint64_t save_at_ms;
    struct tsr_lwm2m_bootstrap *bootstrap;
} tsr_lwm2m_client;

/** Places a client. Accounts begin at the time of the first poll (and /1/x/14 later).
 *
 *  owner   everything in `config` is copied by its pointers and must outlive the client
 *  errors  TSR_E_ARGUMENT  an account without instance of Server, a buffer missing, no endpoint
 *          TSR_E_SPACE     coap_memory is too small
 */
tsr_err tsr_lwm2m_client_init(tsr_lwm2m_client *c, const tsr_lwm2m_client_config *config);

/** The same with some parts only.
 *  owner   parts must outlive the client
 *  errors  TSR_E_ARGUMENT also for a channel, hooks.save or several accounts without the part that
 *          they need */
tsr_err tsr_lwm2m_client_init_with(tsr_lwm2m_client *c, const tsr_lwm2m_client_config *config,
                                   const tsr_lwm2m_parts *parts);

/** Takes back what hooks.save was given last; between init and the first poll.
 *  Accounts and objects that are not there any more are left out.
 *  errors  TSR_E_MALFORMED  not such a state, or damaged; objects may have taken a part of it,
 *                           accounts begin afresh */
tsr_err tsr_lwm2m_client_restore(tsr_lwm2m_client *c, tsr_bytes state);

/** errors  TSR_E_ARGUMENT  no such account. Bad datagrams are no error. */
tsr_err tsr_lwm2m_client_feed(tsr_lwm2m_client *c, size_t account, tsr_bytes datagram,
                              uint64_t now_ms);

/** units   datagram: an empty writer; 1,400 bytes are always enough
 *  errors  TSR_END  nothing to send now */
tsr_err tsr_lwm2m_client_poll(tsr_lwm2m_client *c, size_t *account, tsr_buf *datagram,
                              uint64_t now_ms);

bool tsr_lwm2m_client_event_next(tsr_lwm2m_client *c, tsr_lwm2m_client_event *event);
uint64_t tsr_lwm2m_client_due_ms(const tsr_lwm2m_client *c);

/** Something at or below `at` may have a new value: observations there are judged at the next
 *  poll. Cheap when nothing there is observed. */
void tsr_lwm2m_client_changed(tsr_lwm2m_client *c, tsr_lwm2m_path at);

/** Puts the present values of these paths (any depth; what cannot be read, or that server may not
 *  see, is left out) into the outbox. They go out with the next poll, or when the server can be
 *  reached again; several Sends may share a message.
 *
 *  unix_ms  when they were measured; 0: no time is told
 *  con      confirmable: sent until the server has it. Else once, without asking what became of it
 *  source   Core 6.4.6
 *  errors   TSR_E_DENIED     the server does not want it: /1/x/23 (Mute Send) is true or absent
 *           TSR_E_NOT_FOUND  none of the paths has a value
 *           TSR_E_SPACE      the outbox is full; with keep_oldest: try again later
 *           TSR_E_ARGUMENT   no such account, no outbox */
tsr_err tsr_lwm2m_send(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *paths,
                       size_t count, bool con, uint64_t unix_ms);

/** The same with one value that the caller gives: one that was measured before, say.
 *  errors  as above; TSR_E_NOT_FOUND  that server may not see it, or there is no such resource */
tsr_err tsr_lwm2m_send_value(tsr_lwm2m_client *c, size_t account, tsr_lwm2m_path at,
                             const tsr_lwm2m_value *value, bool con, uint64_t unix_ms);

/** Takes back what a host kept of an outbox: its memory, as far as it was used. Between init and the
 *  first poll. Values for accounts that are not there any more are left out.
 *  errors  TSR_E_MALFORMED  no such bytes; the outbox is empty;  TSR_E_SPACE  more than memory */
tsr_err tsr_lwm2m_outbox_restore(tsr_lwm2m_client *c, tsr_bytes kept);

/** Instances may have come or gone on the host's side: if so, servers get an Update with the new
 *  list (Core 6.2.2). What servers create and delete is seen to already. */
void tsr_lwm2m_client_relink(tsr_lwm2m_client *c);

/** Sends an Update to that server at the next poll, though it is not due. */
void tsr_lwm2m_client_update(tsr_lwm2m_client *c, size_t account);

/** The local address of an account changed (a new socket): tells the server by an Update, over the
 *  old session if it can move (Connection ID), else over a new one. Ends any back-off. */
void tsr_lwm2m_client_moved(tsr_lwm2m_client *c, size_t account, uint64_t now_ms);

/** The binding over which a trigger (/1/x/8) wants the next Update of that account, 'U' or 'T', or 0. The
 *  answer to the trigger is to go out first; then the host calls one of these two:
 *
 *      tsr_lwm2m_client_update(c, account)          the account goes over it already
 *      tsr_lwm2m_client_rebind(c, account, now)     it is to go over it: sets the account's channel after
 *                                                   this call, and a Register goes over the new one
 *
 *  source  Core E.2 (/1/x/8, /1/x/22) */
char tsr_lwm2m_client_binding(const tsr_lwm2m_client *c, size_t account);

/** Ends what is open towards that server, without a word to it; the observations of it too, as with
 *  every new connection (RFC 8323 §7.4). */
void tsr_lwm2m_client_rebind(tsr_lwm2m_client *c, size_t account, uint64_t now_ms);

/** Ends all accounts: with De-register if they are registered, or about to be, and `deregister`;
 *  else silently so that a restart goes on. Poll until tsr_lwm2m_client_stopped(). */
void tsr_lwm2m_client_stop(tsr_lwm2m_client *c, bool deregister, uint64_t now_ms);
bool tsr_lwm2m_client_stopped(const tsr_lwm2m_client *c);

/** Saves now what no request asked for, as values the host set in an object.
 *  errors  what hooks.save said; TSR_E_SPACE  config.state is too small */
tsr_err tsr_lwm2m_client_save(tsr_lwm2m_client *c);

/** "read", "write-replace", ... for logs; never NULL. */
const char *tsr_lwm2m_operation_name(tsr_lwm2m_operation operation);
const char *tsr_lwm2m_standing_name(tsr_lwm2m_standing standing);

#endif
