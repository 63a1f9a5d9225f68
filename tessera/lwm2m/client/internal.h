/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share. Not for others. */
#ifndef TESSERA_LWM2M_CLIENT_INTERNAL_H
#define TESSERA_LWM2M_CLIENT_INTERNAL_H

#include "tessera/lwm2m/client/client.h"

/* The `user` of our CoAP exchanges: what they are, and whose. */
enum { TAG_REQUEST = 1, TAG_NOTIFY = 2, TAG_SEND = 3 };

static inline uint64_t tag_make(unsigned tag, uint32_t generation, size_t slot)
{
    return (uint64_t)tag << 56 | (uint64_t)slot << 32 | generation;
}

/* events.c; the caller adds what there is to add. */
tsr_lwm2m_client_event *tsr_lwm2m_client_tell(tsr_lwm2m_client *c, tsr_lwm2m_client_event_kind kind,
                                              uint8_t account, uint8_t code);
tsr_lwm2m_client_event *tsr_lwm2m_account_event(tsr_lwm2m_client *c, const tsr_lwm2m_account *a,
                                                tsr_lwm2m_client_event_kind kind, uint8_t code);

/* words.c; reached through c->parts: reasons of events, for a log. "" without them. */
enum client_words {
    WORD_NO_SEQUENCE,
    WORD_NO_ROOM,
    WORD_ANEW,
    WORD_REFUSED,
    WORD_NO_LOCATION,
    WORD_UPDATE_REFUSED,
    WORD_DEREGISTERED,
    WORD_NO_ANSWER,
    WORD_NOT_THERE,
    WORD_RESET,
    WORD_CANCELLED,
    WORD_TOO_LONG,
};
const char *tsr_lwm2m_client_word(const tsr_lwm2m_client *c, enum client_words which);

/* What may be the business of the bootstrap. */
enum bootstrap_matter {
    BOOTSTRAP_EVENT,  /* of CoAP */
    BOOTSTRAP_TURN,   /* an account whose time has come, or that is up */
    BOOTSTRAP_FAILED, /* an account that was refused, or given up for some time or for good */
};

/* Core 6.3, Core 6.4: a server's operations are ignored until it has accepted our registration. */
static inline bool account_ignores(const tsr_lwm2m_account *a)
{
    return a->location[0] == '\0' && a->short_id != 0;
}

/* CoAP does not see what comes early, nor does OSCORE, so that none of it counts as seen: a CON that
 * was faster than the answer to the Register comes again, and is served then. */
static inline void client_coap_feed(tsr_lwm2m_client *c, const tsr_lwm2m_account *a,
                                    tsr_bytes datagram)
{
    if (datagram.len > 1 && tsr_coap_is_request(datagram.ptr[1]) && account_ignores(a))
        return;
    (void)tsr_coap_feed(&c->coap, (tsr_coap_peer)(a - c->config.accounts), datagram, c->now_ms);
}

/* client.c */
bool tsr_lwm2m_bootstrap_takes(tsr_lwm2m_client *c, enum bootstrap_matter matter, const void *what);
void tsr_lwm2m_client_coap_event(tsr_lwm2m_client *c, const tsr_coap_event *event);
void tsr_lwm2m_client_coap_drain(tsr_lwm2m_client *c);

/* A message that does not fit is lost, as on a network: CoAP repeats it. */
static inline tsr_err client_coap_poll(tsr_lwm2m_client *c, size_t *account, tsr_buf *datagram)
{
    tsr_coap_peer peer;
    tsr_err err;

    do {
        datagram->len = 0;
        datagram->err = TSR_OK;
        err = tsr_coap_poll(&c->coap, &peer, datagram, c->now_ms);
    } while (err == TSR_E_SPACE);
    if (err != TSR_OK)
        return TSR_END;
    *account = peer;
    return TSR_OK;
}

/* Mostly there is nothing. */
static inline void client_coap_pump(tsr_lwm2m_client *c)
{
    if (tsr_coap_event_waits(&c->coap))
        tsr_lwm2m_client_coap_drain(c);
}

/* attributes.c and thresholds.c, or periods.c; reached through c->parts */
struct tsr_lwm2m_attribute_set {
    tsr_err (*apply)(tsr_lwm2m_attributes *attributes, uint8_t depth,
                     const tsr_lwm2m_resource_info *info, tsr_bytes query);
    tsr_err (*check)(const tsr_lwm2m_attributes *attributes); /* NULL: all can stand together */
    void (*put)(tsr_buf *out, const tsr_lwm2m_attributes *attributes);
    /* Attributes that judge single values; NULL: none. */
    void (*reported)(const tsr_lwm2m_client *c, tsr_lwm2m_observation *o);
    /* False: not by its value. */
    bool (*judge)(const tsr_lwm2m_client *c, tsr_lwm2m_observation *o,
                  const tsr_lwm2m_attributes *a, bool *fires);
};

/* One request on its way to its answer. */
typedef struct {
    const tsr_coap_event *event;
    const tsr_coap_msg *msg;
    size_t account;
    tsr_lwm2m_operation op;
    tsr_lwm2m_path at;
    const tsr_lwm2m_object *object;
    tsr_buf body;   /* of the answer; scratch for values that come in */
    size_t undo;    /* bytes of the object's saved form at the start of config.state */
    tsr_coap_response answer;
} client_request;

/* reporting.c; reached through c->parts. Without it there are no observations and no attributes. */
struct tsr_lwm2m_reporting {
    uint8_t (*observe)(tsr_lwm2m_client *c, client_request *r); /* these two give an answer's code */
    uint8_t (*attributes)(tsr_lwm2m_client *c, client_request *r);
    void (*cancel)(tsr_lwm2m_client *c, const client_request *r, enum client_words why);
    /* The attributes in a Discover: those that stand from `at` up to `least` deep. */
    void (*show)(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at, uint8_t least,
                 tsr_buf *out);
    /* The rest is for those that are there. */
    void (*end_all)(tsr_lwm2m_client *c, size_t account, const char *reason);
    void (*step)(tsr_lwm2m_client *c);
    uint64_t (*due_ms)(const tsr_lwm2m_client *c);
    void (*answer)(tsr_lwm2m_client *c, const tsr_coap_event *event);
};

/* state.c; reached through c->parts */
struct tsr_lwm2m_keeping {
    tsr_err (*save)(tsr_lwm2m_client *c, size_t from);
    /* The saved form of the object, at the start of config.state, before a change of it ... */
    tsr_err (*before)(tsr_lwm2m_client *c, client_request *r);
    /* ... and after: what came of the change, and made durable; or as it was before. */
    tsr_err (*after)(tsr_lwm2m_client *c, const client_request *r, tsr_err err);
    void (*step)(tsr_lwm2m_client *c); /* what is owed */
};

/* instances.c; reached through c->parts: Create and Delete */
struct tsr_lwm2m_instances {
    tsr_err (*change)(tsr_lwm2m_client *c, client_request *r, tsr_lwm2m_format format,
                      tsr_err known);
    uint8_t (*changed)(tsr_lwm2m_client *c, client_request *r); /* the code of the answer */
};

/* access.c; reached through c->parts. Without it nobody is refused anything but keys. */
struct tsr_lwm2m_access_control {
    bool (*allowed)(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at,
                    tsr_lwm2m_operation op);
    bool (*has_room)(const tsr_lwm2m_client *c); /* for one more instance that a server makes */
    /* An instance was made by that account, or is gone; and setting back what that did. */
    void (*follow)(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at, bool made);
    void (*undo)(tsr_lwm2m_client *c);
    void (*review)(tsr_lwm2m_client *c); /* which observations may be reported, if rights changed */
    void (*settle)(tsr_lwm2m_client *c, bool bootstrapped); /* accounts may have come and gone */
};

/* channels.c; reached through c->parts */
struct tsr_lwm2m_channels {
    void (*open)(tsr_lwm2m_client *c, tsr_lwm2m_account *a);
    void (*feed)(tsr_lwm2m_client *c, tsr_lwm2m_account *a, tsr_bytes datagram);
    tsr_err (*poll)(tsr_lwm2m_client *c, size_t *account, tsr_buf *datagram);
};

/* composite.c; reached through c->parts */
struct tsr_lwm2m_composite {
    /* A request to the root; gives its code and fills the answer. */
    uint8_t (*request)(tsr_lwm2m_client *c, const tsr_coap_event *event, tsr_lwm2m_operation *op,
                       tsr_coap_response *answer);
    /* The rest is about an observation of the root, which is a composite one. */
    tsr_err (*read)(tsr_lwm2m_client *c, const tsr_lwm2m_observation *o, tsr_buf *body);
    void (*attributes)(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o,
                       tsr_lwm2m_attributes *a);
    void (*reported)(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o);
    bool (*judge)(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o);
};

/* bootstrap/; reached through c->parts. Its own account has no Short Server ID. */
struct tsr_lwm2m_bootstrap_part {
    /* True: it was the bootstrap's business alone. */
    bool (*takes)(tsr_lwm2m_client *c, enum bootstrap_matter matter, const void *what);
    void (*down)(tsr_lwm2m_client *c, const char *reason); /* the channel of its account */
    void (*restoring)(tsr_lwm2m_client *c); /* before objects take back what was saved, and after */
    void (*restored)(tsr_lwm2m_client *c);
    /* Puts what an object was before it was written to in a bootstrap that is under way. */
    bool (*held)(const tsr_lwm2m_client *c, const tsr_lwm2m_object *object, tsr_buf *out);
};

/* send.c; reached through c->parts */
struct tsr_lwm2m_sender {
    void (*step)(tsr_lwm2m_client *c);
    uint64_t (*due_ms)(const tsr_lwm2m_client *c);
    void (*answer)(tsr_lwm2m_client *c, const tsr_coap_event *event);
};

/* The parameters of a Register or Update, one after the other in `text`: each item says where one
 * begins, and has its length when all are there. The binding is the last that the core says. */
enum { QUERIES = 7 };
typedef struct tsr_lwm2m_queries {
    tsr_buf text;
    tsr_bytes items[QUERIES];
    size_t count;
} queries;

/* The next parameter begins; its value follows. */
static inline void query_open(queries *q, const char *name)
{
    q->items[q->count++].ptr = q->text.ptr + q->text.len;
    tsr_put_text(&q->text, name);
}

static inline tsr_coap_peer account_peer(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a)
{
    return (tsr_coap_peer)(a - c->config.accounts);
}

/* register.c */
void tsr_lwm2m_account_step(tsr_lwm2m_client *c, tsr_lwm2m_account *a);
uint64_t tsr_lwm2m_account_due_ms(const tsr_lwm2m_account *a);
void tsr_lwm2m_account_connected(tsr_lwm2m_client *c, tsr_lwm2m_account *a);
void tsr_lwm2m_account_disconnect(tsr_lwm2m_client *c, tsr_lwm2m_account *a, bool forget);
void tsr_lwm2m_account_wait(tsr_lwm2m_client *c, tsr_lwm2m_account *a, uint64_t wait_ms);
void tsr_lwm2m_account_back_off(tsr_lwm2m_client *c, tsr_lwm2m_account *a);
void tsr_lwm2m_account_stop(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const char *reason);
uint64_t tsr_lwm2m_client_jitter(tsr_lwm2m_client *c, uint64_t wait_ms);
void tsr_lwm2m_account_answer(tsr_lwm2m_client *c, const tsr_coap_event *event);
void tsr_lwm2m_account_lost(tsr_lwm2m_client *c, tsr_lwm2m_account *a, const char *reason);
void tsr_lwm2m_account_executed(const tsr_lwm2m_client *c, tsr_lwm2m_account *a, uint16_t resource);
tsr_lwm2m_server *tsr_lwm2m_account_server(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a);

/* links.c */
void tsr_lwm2m_link_open(tsr_buf *out, tsr_bytes root, const tsr_lwm2m_path *at);
bool tsr_lwm2m_version_is_implied(const tsr_lwm2m_object_info *info, uint8_t version_minor);
void tsr_lwm2m_version_put(const tsr_lwm2m_object_info *info, uint8_t version_minor, tsr_buf *out);
bool tsr_lwm2m_object_is_hidden(uint16_t object);
void tsr_lwm2m_links_put(const tsr_lwm2m_client *c, uint8_t minor, tsr_buf *out);
bool tsr_lwm2m_instance_is_allowed(const tsr_lwm2m_client *c, size_t account,
                                   const tsr_lwm2m_path *at, tsr_lwm2m_operation op);
tsr_err tsr_lwm2m_discover_put(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_object *object,
                               const tsr_lwm2m_path *at, unsigned depth, tsr_buf *out);

/* manage.c */
void tsr_lwm2m_manage_request(tsr_lwm2m_client *c, const tsr_coap_event *event);
tsr_err tsr_lwm2m_manage_read(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_object *object,
                              const tsr_lwm2m_path *at, tsr_lwm2m_format format, tsr_buf *body);
uint8_t tsr_lwm2m_manage_do_read(tsr_lwm2m_client *c, client_request *r, tsr_lwm2m_format *format);
uint8_t tsr_lwm2m_manage_code(tsr_err err, uint8_t unsupported);

/* Inline: a second caller is in composite operations, for which a small device need not pay. */

/* What the server may not read is passed over (Core 8.2.3). */
static inline tsr_err manage_put_object(const tsr_lwm2m_client *c, size_t account,
                                        const tsr_lwm2m_object *object,
                                        tsr_lwm2m_out *out)
{
    uint32_t i = tsr_lwm2m_object_next(object, 0);
    tsr_err err = TSR_OK;

    for (; err == TSR_OK && i != TSR_LWM2M_NO_INSTANCE; i = tsr_lwm2m_object_next(object, i + 1)) {
        tsr_lwm2m_path at = tsr_lwm2m_at_instance(object->info->id, (uint16_t)i);

        if (tsr_lwm2m_instance_is_allowed(c, account, &at, TSR_LWM2M_OP_READ))
            err = tsr_lwm2m_object_read(object, at, out);
    }
    return err;
}

static inline tsr_err manage_put(const tsr_lwm2m_client *c, size_t account,
                                 const tsr_lwm2m_object *object, const tsr_lwm2m_path *at,
                                 tsr_lwm2m_out *out)
{
    return at->depth == 1 ? manage_put_object(c, account, object, out)
                          : tsr_lwm2m_object_read(object, *at, out);
}

static inline void mark_stale(tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.observation_count; i++)
        c->config.observations[i].stale = true;
}

/* Core 6.2.2: a server is told a new lifetime or binding at once. */
static inline void manage_server_changed(tsr_lwm2m_client *c)
{
    mark_stale(c);
    tsr_lwm2m_client_relink(c);
}

/* paths.c: the pool of paths, of which each has an owner while that is there. */
bool tsr_lwm2m_pool_is_of(const tsr_lwm2m_client *c, const tsr_lwm2m_composite_path *p,
                          const tsr_lwm2m_observation *o);
bool tsr_lwm2m_pool_is_free(const tsr_lwm2m_client *c, const tsr_lwm2m_composite_path *p);
tsr_lwm2m_composite_path *tsr_lwm2m_pool_add(const tsr_lwm2m_client *c, const tsr_lwm2m_path *at);
void tsr_lwm2m_pool_give(const tsr_lwm2m_client *c, tsr_lwm2m_composite_path *p,
                         const tsr_lwm2m_observation *o);

static inline void observe_end_all(tsr_lwm2m_client *c, size_t account, const char *reason)
{
    if (c->observed != 0)
        c->parts->reporting->end_all(c, account, reason);
}

/* observe.c */
tsr_lwm2m_observation *tsr_lwm2m_observe_add(tsr_lwm2m_client *c, size_t account,
                                             const tsr_lwm2m_path *at, tsr_lwm2m_format format,
                                             const tsr_coap_event *event, tsr_bytes body);
void tsr_lwm2m_observe_drop(tsr_lwm2m_client *c, tsr_lwm2m_observation *o);
void tsr_lwm2m_observe_end(tsr_lwm2m_client *c, tsr_lwm2m_observation *o, const char *reason);
tsr_lwm2m_observation *tsr_lwm2m_observe_find(tsr_lwm2m_client *c, size_t account, tsr_bytes token);
void tsr_lwm2m_observe_end_all_of(tsr_lwm2m_client *c, size_t account, const char *reason);
void tsr_lwm2m_observe_step(tsr_lwm2m_client *c);
uint64_t tsr_lwm2m_observe_due_ms(const tsr_lwm2m_client *c);
void tsr_lwm2m_observe_answer(tsr_lwm2m_client *c, const tsr_coap_event *event);
tsr_lwm2m_attachment *tsr_lwm2m_attachment_find(const tsr_lwm2m_client *c, size_t account,
                                                const tsr_lwm2m_path *at);
/* Those that stand from `at` up to `least` deep, and are not set yet. */
void tsr_lwm2m_attributes_effective(const tsr_lwm2m_client *c, size_t account,
                                    const tsr_lwm2m_path *at, uint8_t least,
                                    tsr_lwm2m_attributes *attributes);

#endif
