/* SPDX-License-Identifier: Apache-2.0
 *
 * Send: values that no server asked for, kept while theirs cannot be reached (Core 6.4.6). */
#include "tessera/lwm2m/client/outbox.h"
#include "tessera/lwm2m/format/codec.h"

enum {
    BATCH = 1000,     /* bytes: with names and options it fits into one datagram */
    SHARE = 64,       /* bytes that one value takes at most, without its text */
    ESCAPES = 6,      /* times as long a text becomes in JSON */
    WAIT_S = 5,       /* after the first failure; twice as long after each */
    WAIT_MAX_S = 300,
    ROOM_MS = 1000,   /* when CoAP has no exchange free */
};

/* ---- putting in ------------------------------------------------------------------------------ */

/* A format that writes entries: what an object puts goes straight into the outbox. */
typedef struct {
    tsr_buf buf; /* the first, so that the writer's body is this */
    outbox_entry entry;
} collector;

static tsr_err collect_put(tsr_lwm2m_out *out, tsr_lwm2m_path at, const tsr_lwm2m_value *value)
{
    collector *k = (collector *)(void *)out->body;

    k->entry.path = at;
    k->entry.value = *value;
    out->count++;
    tsr_lwm2m_outbox_put(&k->buf, &k->entry);
    return k->buf.err;
}

static tsr_err collect_end(tsr_lwm2m_out *out)
{
    return out->count != 0 ? TSR_OK : TSR_E_NOT_FOUND;
}

static void collect_begin(const tsr_lwm2m_outbox *o, tsr_lwm2m_out *out, collector *k)
{
    static const tsr_lwm2m_codec codec = { .format = TSR_LWM2M_FORMAT_LINK, .put = collect_put,
                                           .end = collect_end };

    k->buf = tsr_buf_over(o->memory + o->used, o->memory_len - o->used);
    tsr_lwm2m_out_begin_as(out, &codec, tsr_lwm2m_at_root(), &k->buf);
}

static tsr_err collect(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *paths,
                       size_t count, collector *k)
{
    tsr_lwm2m_out out;
    tsr_err err = TSR_OK;

    collect_begin(c->config.outbox, &out, k);
    for (size_t i = 0; err == TSR_OK && i < count; i++) {
        const tsr_lwm2m_object *object = tsr_lwm2m_object_find(c->config.registry, paths[i].object);

        if (paths[i].depth == 0 || object == NULL ||
            !tsr_lwm2m_instance_is_allowed(c, account, &paths[i], TSR_LWM2M_OP_READ))
            continue;
        err = manage_put(c, account, object, &paths[i], &out);
        if (err == TSR_E_NOT_FOUND || err == TSR_E_DENIED)
            err = out.err;
    }
    return err != TSR_OK ? err : tsr_lwm2m_out_end(&out);
}

static bool is_muted(const tsr_lwm2m_client *c, const tsr_lwm2m_account *a)
{
    const tsr_lwm2m_server *server = tsr_lwm2m_account_server(c, a);

    return server == NULL || tsr_lwm2m_server_get(server, TSR_LWM2M_S_MUTE_SEND) != 0;
}

static tsr_err may_send(const tsr_lwm2m_client *c, size_t account)
{
    if (c->config.outbox == NULL || account >= c->config.account_count)
        return TSR_E_ARGUMENT;
    return is_muted(c, &c->config.accounts[account]) ? TSR_E_DENIED : TSR_OK;
}

static outbox_entry entry_for(const tsr_lwm2m_client *c, size_t account, bool con, uint64_t unix_ms)
{
    return (outbox_entry){ .short_id = c->config.accounts[account].short_id,
                           .flags = con ? OUTBOX_CON : 0, .unix_ms = unix_ms };
}

/* Full: either what is new is refused, or the oldest make room until it fits. */
static bool make_room(tsr_lwm2m_outbox *o, tsr_err err)
{
    return err == TSR_E_SPACE && !o->keep_oldest && tsr_lwm2m_outbox_drop(o);
}

static tsr_err keep(tsr_lwm2m_outbox *o, const collector *k, tsr_err err)
{
    if (err == TSR_OK) {
        o->used += k->buf.len;
        o->revision++;
    } else if (err == TSR_E_SPACE) {
        o->dropped++;
    }
    return err;
}

tsr_err tsr_lwm2m_send(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *paths,
                       size_t count, bool con, uint64_t unix_ms)
{
    tsr_err err = may_send(c, account);
    collector k;

    if (err != TSR_OK)
        return err;
    k.entry = entry_for(c, account, con, unix_ms);
    do
        err = collect(c, account, paths, count, &k);
    while (make_room(c->config.outbox, err));
    return keep(c->config.outbox, &k, err);
}

static tsr_err collect_one(const tsr_lwm2m_client *c, tsr_lwm2m_path at,
                           const tsr_lwm2m_value *value, collector *k)
{
    tsr_lwm2m_out out;

    collect_begin(c->config.outbox, &out, k);
    (void)tsr_lwm2m_put(&out, at, value);
    return tsr_lwm2m_out_end(&out);
}

tsr_err tsr_lwm2m_send_value(tsr_lwm2m_client *c, size_t account, tsr_lwm2m_path at,
                             const tsr_lwm2m_value *value, bool con, uint64_t unix_ms)
{
    const tsr_lwm2m_object *object = tsr_lwm2m_object_find(c->config.registry, at.object);
    const tsr_lwm2m_resource_info *info =
        object != NULL ? tsr_lwm2m_object_resource(object, at.resource) : NULL;
    tsr_err err = may_send(c, account);
    collector k;

    if (err != TSR_OK)
        return err;
    if (info == NULL || !(info->flags & TSR_LWM2M_READ) ||
        !tsr_lwm2m_instance_is_allowed(c, account, &at, TSR_LWM2M_OP_READ) ||
        ((info->flags & TSR_LWM2M_MULTIPLE) != 0) != (at.depth == 4))
        return TSR_E_NOT_FOUND;
    if (value->type == TSR_LWM2M_RAW_TEXT || value->type == TSR_LWM2M_RAW_BYTES)
        return TSR_E_ARGUMENT;
    k.entry = entry_for(c, account, con, unix_ms);
    do
        err = collect_one(c, at, value, &k);
    while (make_room(c->config.outbox, err));
    return keep(c->config.outbox, &k, err);
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool is_ready(const tsr_lwm2m_client *c, size_t account)
{
    const tsr_lwm2m_account *a = &c->config.accounts[account];

    return a->up && a->standing == TSR_LWM2M_REGISTERED && !a->update && a->request == 0 &&
           c->config.outbox->sendings[account].flight == 0 && !is_muted(c, a) &&
           tsr_lwm2m_outbox_waits(c->config.outbox, a->short_id);
}

static size_t size_of(const outbox_entry *e, tsr_lwm2m_format format)
{
    bool text = e->value.type == TSR_LWM2M_STRING || e->value.type == TSR_LWM2M_OPAQUE ||
                e->value.type == TSR_LWM2M_CORELNK;

    if (!text)
        return SHARE;
    return SHARE + e->value.as.bytes.len * (format == TSR_LWM2M_FORMAT_SENML_JSON ? ESCAPES : 1);
}

static size_t batch_of(const tsr_lwm2m_client *c)
{
    size_t batch = c->config.outbox->batch != 0 ? c->config.outbox->batch : BATCH;

    if (batch > c->config.body_len)
        batch = c->config.body_len;
    return batch > c->config.root.len ? batch - c->config.root.len : 0; /* it stands there once */
}

/* Puts as many as fit, one at least, oldest first, and marks them. */
static tsr_err fill(tsr_lwm2m_client *c, uint16_t short_id, tsr_lwm2m_format format, tsr_buf *body,
                    bool *con)
{
    tsr_lwm2m_outbox *o = c->config.outbox;
    size_t at = 0, size = 0, most = batch_of(c);
    tsr_lwm2m_out out;
    outbox_entry e;
    tsr_err err = tsr_lwm2m_out_begin(&out, format, tsr_lwm2m_at_root(), body);

    tsr_lwm2m_out_prefix(&out, c->config.root);
    while (err == TSR_OK && tsr_lwm2m_outbox_next(o, &at, &e) == TSR_OK) {
        if (e.short_id != short_id)
            continue;
        if (size != 0 && size + size_of(&e, format) > most)
            break;
        size += size_of(&e, format);
        tsr_lwm2m_outbox_mark(o, &e, e.flags | OUTBOX_FLIGHT);
        *con |= (e.flags & OUTBOX_CON) != 0;
        tsr_lwm2m_out_stamp(&out, e.unix_ms);
        err = tsr_lwm2m_put(&out, e.path, &e.value);
    }
    return tsr_lwm2m_out_end(&out);
}

static void failed(tsr_lwm2m_client *c, size_t account, uint8_t code, const char *reason)
{
    tsr_lwm2m_client_tell(c, TSR_LWM2M_E_SEND_FAILED, (uint8_t)account, code)->reason = reason;
}

static void wait_longer(const tsr_lwm2m_client *c, size_t account)
{
    tsr_lwm2m_sending *s = &c->config.outbox->sendings[account];

    s->wait_s = s->wait_s == 0 ? WAIT_S : s->wait_s * 2;
    if (s->wait_s > WAIT_MAX_S)
        s->wait_s = WAIT_MAX_S;
    s->retry_ms = c->now_ms + (uint64_t)s->wait_s * 1000;
}

static void send_batch(tsr_lwm2m_client *c, size_t account)
{
    tsr_lwm2m_outbox *o = c->config.outbox;
    tsr_lwm2m_sending *s = &o->sendings[account];
    uint16_t short_id = c->config.accounts[account].short_id;
    tsr_lwm2m_format format = o->format != 0 ? o->format : TSR_LWM2M_FORMAT_SENML_CBOR;
    tsr_buf body = tsr_buf_over(c->config.body, c->config.body_len);
    bool con = false;
    tsr_coap_request request = { .method = TSR_COAP_POST, .path = "/dp" };
    tsr_coap_id id;

    if (fill(c, short_id, format, &body, &con) != TSR_OK) { /* it will not be written later either */
        tsr_lwm2m_outbox_landed(o, short_id);
        failed(c, account, 0, "not to be written in this format; dropped");
        return;
    }
    request.non = !con;
    request.content_format = (tsr_coap_num){ true, (uint32_t)format };
    request.payload = tsr_buf_view(&body);
    request.user = tag_make(TAG_SEND, ++s->serial, account);
    if (tsr_coap_request_send(&c->coap, account_peer(c, &c->config.accounts[account]), &request,
                              c->now_ms, &id) != TSR_OK) {
        tsr_lwm2m_outbox_lost(o, short_id);
        s->retry_ms = c->now_ms + ROOM_MS;
        return;
    }
    if (con) {
        s->flight = id;
        return;
    }
    tsr_lwm2m_outbox_landed(o, short_id); /* what becomes of it nobody asks */
    (void)tsr_lwm2m_client_tell(c, TSR_LWM2M_E_SENT, (uint8_t)account, 0);
}

static void step(tsr_lwm2m_client *c)
{
    if (c->config.outbox == NULL || c->config.outbox->used == 0)
        return;
    for (size_t i = 0; i < c->config.account_count; i++) {
        if (is_ready(c, i) && c->now_ms >= c->config.outbox->sendings[i].retry_ms)
            send_batch(c, i);
    }
}

static uint64_t due_ms(const tsr_lwm2m_client *c)
{
    uint64_t due = UINT64_MAX;

    if (c->config.outbox == NULL || c->config.outbox->used == 0)
        return due;
    for (size_t i = 0; i < c->config.account_count; i++) {
        if (is_ready(c, i) && c->config.outbox->sendings[i].retry_ms < due)
            due = c->config.outbox->sendings[i].retry_ms;
    }
    return due;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* 4.04: the server does not know us any more, which an Update shows; if it does know us, what we sent
 * is nothing for it. */
static void refused(tsr_lwm2m_client *c, size_t account, uint8_t code)
{
    tsr_lwm2m_sending *s = &c->config.outbox->sendings[account];
    uint16_t short_id = c->config.accounts[account].short_id;

    if (code >> 5 == 5 || (code == TSR_COAP_NOT_FOUND && s->refused++ == 0)) {
        tsr_lwm2m_outbox_lost(c->config.outbox, short_id);
        c->config.accounts[account].update |= code == TSR_COAP_NOT_FOUND;
        wait_longer(c, account);
        failed(c, account, code, "refused; it is tried again");
        return;
    }
    s->refused = 0;
    tsr_lwm2m_outbox_landed(c->config.outbox, short_id);
    failed(c, account, code, "refused; dropped");
}

static void accepted(tsr_lwm2m_client *c, size_t account, uint8_t code)
{
    tsr_lwm2m_sending *s = &c->config.outbox->sendings[account];

    s->wait_s = 0;
    s->retry_ms = 0;
    s->refused = 0;
    tsr_lwm2m_outbox_landed(c->config.outbox, c->config.accounts[account].short_id);
    (void)tsr_lwm2m_client_tell(c, TSR_LWM2M_E_SENT, (uint8_t)account, code);
}

static void answer(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    size_t account = event->user >> 32 & 0xffffff;
    tsr_lwm2m_sending *s;

    if (c->config.outbox == NULL || account >= c->config.account_count)
        return;
    s = &c->config.outbox->sendings[account];
    if (s->flight == 0 || (uint32_t)event->user != s->serial)
        return; /* of a NON */
    s->flight = 0;
    if (event->kind == TSR_COAP_RESPONSE && tsr_coap_is_success(event->msg->code)) {
        accepted(c, account, event->msg->code);
    } else if (event->kind == TSR_COAP_RESPONSE) {
        refused(c, account, event->msg->code);
    } else {
        tsr_lwm2m_outbox_lost(c->config.outbox, c->config.accounts[account].short_id);
        c->config.accounts[account].update |= event->kind == TSR_COAP_TIMEOUT;
        wait_longer(c, account);
        failed(c, account, 0, "no answer; it is tried again");
    }
}

const struct tsr_lwm2m_sender tsr_lwm2m_sender = { step, due_ms, answer };
