/* SPDX-License-Identifier: Apache-2.0
 *
 * hqmax: what an observation would report while its server is out of reach is kept, and told as one
 * SenML pack with times (Core 5.1.2). While anything of an observation is kept, retry_ms holds its
 * notifications back, so that nothing newer goes first. */
#include "tessera/cbor/cbor.h"
#include "tessera/lwm2m/client/observe_impl.h"

enum {
    HEAD = 2,          /* bytes of an entry's length */
    FLIGHT = 1,        /* told, and not acknowledged yet */
    TIME_ROOM = 32,    /* bytes of a base time in any format */
    BATCH = 1000,      /* bytes of one notification, about */
    ROOM_MS = 1000,    /* when CoAP has no exchange free */
    BASE_TIME = 0x22,  /* RFC 8428 §6: label -3 */
};

/* What one notification would have said. */
typedef struct {
    size_t from, end; /* in memory */
    uint8_t flags;
    uint16_t slot;       /* of the observation */
    uint16_t records;    /* SenML */
    uint32_t generation; /* of the observation */
    uint64_t at_ms;
    tsr_bytes pack; /* the records, without what is around them */
} entry;

/* ---- memory: entries one behind the other, the oldest first ---- */

static void entry_put(tsr_buf *out, const entry *e)
{
    tsr_put_u16(out, (uint16_t)(1 + 2 + 2 + 4 + 8 + e->pack.len));
    tsr_put_u8(out, e->flags);
    tsr_put_u16(out, e->slot);
    tsr_put_u16(out, e->records);
    tsr_put_u32(out, e->generation);
    tsr_put_u64(out, e->at_ms);
    tsr_put_bytes(out, e->pack);
}

/* The entry at `*at`, which goes on to the next. It is our own memory: it has no other form. */
static bool entry_next(const tsr_lwm2m_history *h, size_t *at, entry *e)
{
    tsr_bytes in = tsr_skip(tsr_view(h->memory, h->used), *at);
    uint16_t len;

    e->from = *at;
    if (tsr_get_u16(&in, &len) != TSR_OK || tsr_get_bytes(&in, len, &e->pack) != TSR_OK)
        return false;
    e->end = *at += (size_t)HEAD + len;
    return tsr_get_u8(&e->pack, &e->flags) == TSR_OK && tsr_get_u16(&e->pack, &e->slot) == TSR_OK &&
           tsr_get_u16(&e->pack, &e->records) == TSR_OK &&
           tsr_get_u32(&e->pack, &e->generation) == TSR_OK &&
           tsr_get_u64(&e->pack, &e->at_ms) == TSR_OK;
}

static void entry_mark(tsr_lwm2m_history *h, const entry *e, uint8_t flags)
{
    h->memory[e->from + HEAD] = flags;
}

/* What follows it stands where it stood. */
static void entry_cut(tsr_lwm2m_history *h, const entry *e, size_t *at)
{
    memmove(h->memory + e->from, h->memory + e->end, h->used - e->end);
    h->used -= e->end - e->from;
    *at = e->from;
}

static bool is_of(const tsr_lwm2m_client *c, const entry *e, const tsr_lwm2m_observation *o)
{
    return &c->config.observations[e->slot] == o && e->generation == o->generation;
}

/* How many there are of an observation with that mark, or all the same. */
static size_t entries_of(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o, uint8_t mark)
{
    size_t at = 0, count = 0;
    entry e;

    while (entry_next(c->config.history, &at, &e))
        count += is_of(c, &e, o) && (e.flags & mark) == mark;
    return count;
}

/* The oldest, of that observation or (NULL) of any. False: there is none. */
static bool drop_oldest(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    size_t at = 0;
    entry e;

    while (entry_next(c->config.history, &at, &e)) {
        if (o != NULL && !is_of(c, &e, o))
            continue;
        entry_cut(c->config.history, &e, &at);
        return true;
    }
    return false;
}

static void drop_ended(const tsr_lwm2m_client *c)
{
    size_t at = 0;
    entry e;

    while (entry_next(c->config.history, &at, &e)) {
        if (!c->config.observations[e.slot].used || !is_of(c, &e, &c->config.observations[e.slot]))
            entry_cut(c->config.history, &e, &at);
    }
}

/* ---- keeping ---- */

/* The records of a whole pack. TSR_E_NOT_FOUND: there are none. */
static tsr_err unwrap(tsr_lwm2m_format format, tsr_bytes pack, entry *e)
{
    uint64_t records = 1;

    if (format == TSR_LWM2M_FORMAT_SENML_JSON) {
        pack = pack.len < 2 ? tsr_view(NULL, 0) : tsr_view(pack.ptr + 1, pack.len - 2);
    } else if (tsr_cbor_get_array(&pack, &records) != TSR_OK) {
        return TSR_E_MALFORMED;
    }
    e->pack = pack;
    e->records = (uint16_t)records;
    return pack.len != 0 ? TSR_OK : TSR_E_NOT_FOUND;
}

/* Only SenML has times, and the format of an observation is that of its first answer (RFC 7641 §4.2). */
static bool is_kept(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o,
                    const tsr_lwm2m_attributes *a)
{
    const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, &c->config.accounts[o->account]);

    return tsr_lwm2m_attribute_has(a, TSR_LWM2M_HQMAX) && a->whole[5] != 0 &&
           (o->format == TSR_LWM2M_FORMAT_SENML_CBOR || o->format == TSR_LWM2M_FORMAT_SENML_JSON) &&
           server != NULL && tsr_lwm2m_server_get(server, TSR_LWM2M_S_STORING) != 0;
}

static tsr_err append(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o, uint32_t most,
                      const entry *e)
{
    tsr_lwm2m_history *h = c->config.history;
    tsr_buf out;

    while (entries_of(c, o, 0) >= most)
        (void)drop_oldest(c, o);
    if (e->pack.len > UINT16_MAX / 2)
        return TSR_E_SPACE;
    for (;;) {
        out = tsr_buf_over(h->memory + h->used, h->memory_len - h->used);
        entry_put(&out, e);
        if (out.err == TSR_OK)
            break;
        h->dropped++;
        if (!drop_oldest(c, NULL))
            return TSR_E_SPACE;
    }
    h->used += out.len;
    return TSR_OK;
}

/* `now` as the next entry. What cannot be kept, as an error, is told when the server is back. */
static void keep(tsr_lwm2m_client *c, tsr_lwm2m_observation *o, const tsr_lwm2m_attributes *a,
                 const view *now, uint8_t flags)
{
    entry e = { .flags = flags, .slot = (uint16_t)(o - c->config.observations),
                .generation = o->generation, .at_ms = c->now_ms };
    tsr_err err = now->err;

    if (err == TSR_OK)
        err = unwrap((tsr_lwm2m_format)o->format, tsr_buf_view(&now->body), &e);
    if (err == TSR_OK)
        err = append(c, o, a->whole[5], &e);
    if (flags == 0) {
        reported(c, o, now->digest);
        o->known = err == TSR_OK;
        o->fired = err != TSR_OK;
    }
    if (err != TSR_OK)
        return;
    o->retry_ms = UINT64_MAX;
    if (flags == 0)
        tsr_lwm2m_client_tell(c, TSR_LWM2M_E_KEPT, o->account, 0)->at = o->at;
}

/* The value of a notification that has just gone out and is to be acknowledged: it may be lost. */
static void keep_flight(tsr_lwm2m_client *c, tsr_lwm2m_observation *o, const tsr_lwm2m_attributes *a)
{
    view now = { .taken = false };

    if (o->flight == 0 || o->sent_ms != c->now_ms || entries_of(c, o, FLIGHT) != 0)
        return;
    if (o->confirmed_ms >= o->sent_ms)
        o->confirmed_ms = o->sent_ms - 1;
    look(c, o, &now);
    keep(c, o, a, &now, FLIGHT);
}

/* When a value is to be kept; UINT64_MAX: none is. */
static uint64_t keep_due_ms(const tsr_lwm2m_client *c, tsr_lwm2m_observation *o,
                            tsr_lwm2m_attributes *a)
{
    bool owed = o->dirty || (o->fired && o->known);
    uint64_t at_ms, again_ms;

    attributes_of(c, o, a);
    if (!is_kept(c, o, a))
        return UINT64_MAX;
    plan(o, a);
    at_ms = o->pmax_due_ms;
    if (owed && o->pmin_due_ms < at_ms)
        at_ms = o->pmin_due_ms;
    if (o->dirty && o->early)
        at_ms = 0;
    again_ms = o->judged_ms + (uint64_t)a->whole[2] * 1000;
    return tsr_lwm2m_attribute_has(a, TSR_LWM2M_EPMIN) && at_ms < again_ms ? again_ms : at_ms;
}

static void sample(tsr_lwm2m_client *c, tsr_lwm2m_observation *o)
{
    tsr_lwm2m_attributes a;
    view now = { .taken = false };

    if (c->now_ms < keep_due_ms(c, o, &a)) {
        if (is_kept(c, o, &a))
            keep_flight(c, o, &a);
        return;
    }
    if (is_owed(c, o, &a, &now)) {
        look(c, o, &now);
        keep(c, o, &a, &now, 0);
    }
    if (entries_of(c, o, 0) != 0)
        o->retry_ms = UINT64_MAX;
}

/* ---- telling ---- */

static void put_thousandths(tsr_buf *out, uint64_t ms)
{
    tsr_put_dec(out, ms / 1000);
    tsr_put_u8(out, '.');
    for (unsigned of = 100; of != 0; of /= 10)
        tsr_put_u8(out, (uint8_t)('0' + ms % 1000 / of % 10));
}

/* RFC 8428 §4.5.3: since 1970, or how long ago. */
static void put_time(const tsr_lwm2m_client *c, const entry *e, bool json, tsr_buf *out)
{
    uint64_t zero_ms = c->config.history->unix_zero_ms;
    uint64_t ms = zero_ms != 0 ? zero_ms + e->at_ms : c->now_ms - e->at_ms;
    double s = (double)ms / 1000;

    if (json && zero_ms == 0)
        tsr_put_u8(out, '-');
    if (json)
        put_thousandths(out, ms);
    else
        tsr_cbor_put_float(out, zero_ms != 0 ? s : -s);
}

/* The records again, the first of which has the time of all. */
static void put_entry(const tsr_lwm2m_client *c, const entry *e, bool json, tsr_buf *out)
{
    if (json) {
        tsr_put_text(out, out->len == 0 ? "[" : ",");
        tsr_put_text(out, "{\"bt\":");
        put_time(c, e, json, out);
        tsr_put_u8(out, ',');
    } else {
        tsr_put_u8(out, (uint8_t)(e->pack.ptr[0] + 1)); /* a map of few pairs has one more */
        tsr_put_u8(out, BASE_TIME);
        put_time(c, e, json, out);
    }
    tsr_put_bytes(out, tsr_skip(e->pack, 1));
}

/* Marks as many as fit, one at least, the oldest first; returns how many records they have. */
static uint64_t choose(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    size_t at = 0, size = 0, most = c->config.body_len < BATCH ? c->config.body_len : BATCH;
    uint64_t records = 0;
    entry e;

    while (entry_next(c->config.history, &at, &e)) {
        if (!is_of(c, &e, o))
            continue;
        size += e.pack.len + TIME_ROOM;
        if (records != 0 && size > most)
            break;
        records += e.records;
        entry_mark(c->config.history, &e, FLIGHT);
    }
    return records;
}

static tsr_err fill(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o, tsr_buf *body)
{
    bool json = o->format == TSR_LWM2M_FORMAT_SENML_JSON;
    uint64_t records = choose(c, o);
    size_t at = 0;
    entry e;

    if (!json)
        tsr_cbor_put_array(body, records);
    while (entry_next(c->config.history, &at, &e)) {
        if (is_of(c, &e, o) && e.flags == FLIGHT)
            put_entry(c, &e, json, body);
    }
    if (json)
        tsr_put_u8(body, ']');
    return body->err;
}

/* What was told has come through and goes, or has not and waits. */
static void settle(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o, bool landed)
{
    size_t at = 0;
    entry e;

    while (entry_next(c->config.history, &at, &e)) {
        if (!is_of(c, &e, o) || e.flags != FLIGHT)
            continue;
        if (landed)
            entry_cut(c->config.history, &e, &at);
        else
            entry_mark(c->config.history, &e, 0);
    }
}

static void tell(tsr_lwm2m_client *c, tsr_lwm2m_observation *o)
{
    tsr_buf body = tsr_buf_over(c->config.body, c->config.body_len);
    tsr_coap_response response = {
        .code = TSR_COAP_CONTENT,
        .content_format = { true, o->format },
        .key = o->key,
        .user = tag_make(TAG_NOTIFY, o->generation, (size_t)(o - c->config.observations)),
    };

    if (fill(c, o, &body) != TSR_OK) { /* one alone that is too long with its time */
        settle(c, o, true);
        c->config.history->dropped++;
        return;
    }
    response.payload = tsr_buf_view(&body);
    if (tsr_coap_notify(&c->coap, o->account, tsr_view(o->token, o->token_len), sequence_next(c), true,
                        &response, c->now_ms, &o->flight) != TSR_OK) {
        o->flight = 0;
        settle(c, o, false);
        c->config.history->retry_ms = c->now_ms + ROOM_MS;
        return;
    }
    o->sent_ms = c->now_ms;
    if (o->confirmed_ms >= o->sent_ms)
        o->confirmed_ms = o->sent_ms - 1;
    tsr_lwm2m_client_tell(c, TSR_LWM2M_E_NOTIFIED, o->account, response.code)->at = o->at;
}

/* ---- the part ---- */

static void step_one(tsr_lwm2m_client *c, tsr_lwm2m_observation *o)
{
    if (o->flight == 0 && entries_of(c, o, FLIGHT) != 0) {
        bool landed = o->confirmed_ms >= o->sent_ms;

        settle(c, o, landed);
        o->fired = o->fired && landed; /* what was lost is kept */
    }
    if (!may_send(c, o))
        sample(c, o);
    else if (entries_of(c, o, 0) == 0)
        o->retry_ms = o->retry_ms == UINT64_MAX ? 0 : o->retry_ms;
    else if (c->now_ms >= c->config.history->retry_ms)
        tell(c, o);
}

static void step(tsr_lwm2m_client *c)
{
    tsr_lwm2m_sender.step(c);
    if (c->config.history == NULL)
        return;
    drop_ended(c);
    for (size_t i = 0; i < c->config.observation_count; i++) {
        if (c->config.observations[i].used)
            step_one(c, &c->config.observations[i]);
    }
}

static uint64_t due_of(const tsr_lwm2m_client *c, tsr_lwm2m_observation *o)
{
    tsr_lwm2m_attributes a;

    if (!o->used)
        return UINT64_MAX;
    if (o->flight == 0 && entries_of(c, o, FLIGHT) != 0)
        return 0;
    if (!may_send(c, o))
        return keep_due_ms(c, o, &a);
    if (entries_of(c, o, 0) != 0)
        return c->config.history->retry_ms;
    return o->retry_ms == UINT64_MAX ? 0 : UINT64_MAX;
}

static uint64_t due_ms(const tsr_lwm2m_client *c)
{
    uint64_t due = tsr_lwm2m_sender.due_ms(c);

    for (size_t i = 0; c->config.history != NULL && i < c->config.observation_count; i++) {
        uint64_t one = due_of(c, &c->config.observations[i]);

        if (one < due)
            due = one;
    }
    return due;
}

static void answer(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    tsr_lwm2m_sender.answer(c, event);
}

const struct tsr_lwm2m_sender tsr_lwm2m_sender_and_history = { step, due_ms, answer };
