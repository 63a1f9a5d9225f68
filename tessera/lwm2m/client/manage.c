/* SPDX-License-Identifier: Apache-2.0
 *
 * Device management: a server's request becomes an operation on an object, and its outcome an
 * answer (Core 6.3, Transport 6.4). */
#include "tessera/lwm2m/client/internal.h"

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
    char location[16];
} request;

/* The one table from errors to codes. `unsupported` is 4.06 for reading, 4.15 for writing. */
uint8_t manage_code(tsr_err err, uint8_t unsupported)
{
    switch (err) {
    case TSR_OK:            return TSR_COAP_CHANGED;
    case TSR_E_NOT_FOUND:   return TSR_COAP_NOT_FOUND;
    case TSR_E_DENIED:      return TSR_COAP_METHOD_NOT_ALLOWED;
    case TSR_E_UNSUPPORTED: return unsupported;
    case TSR_E_MALFORMED:
    case TSR_E_TYPE:
    case TSR_E_ARGUMENT:
    case TSR_E_EXISTS:      return TSR_COAP_BAD_REQUEST;
    default:                return TSR_COAP_INTERNAL_ERROR;
    }
}

static bool is_multiple(const tsr_lwm2m_object *object, const tsr_lwm2m_path *at)
{
    const tsr_lwm2m_resource_info *info;

    if (at->depth != 3)
        return at->depth < 3;
    info = tsr_lwm2m_object_resource(object, at->resource);
    return info != NULL && (info->flags & TSR_LWM2M_MULTIPLE) != 0;
}

/* Core 6.3.1; the payload of a Read, of an Observe and of a Notify. */
tsr_err manage_read(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_object *object,
                    const tsr_lwm2m_path *at, tsr_lwm2m_format format, tsr_buf *body)
{
    tsr_lwm2m_out out;
    tsr_err err, ended;

    if (is_multiple(object, at) && !tsr_lwm2m_format_is_multiple(format)) {
        if (at->depth >= 2 && tsr_lwm2m_object_next(object, at->instance) != at->instance)
            return TSR_E_NOT_FOUND;
        return TSR_E_UNSUPPORTED;
    }
    err = tsr_lwm2m_out_begin(&out, format, *at, body);
    if (err != TSR_OK)
        return err;
    err = manage_put(c, account, object, at, &out);
    ended = tsr_lwm2m_out_end(&out);
    if (err == TSR_OK)
        return ended;
    body->len = 0;
    return err;
}

/* What a server gets that does not say what it wants: one value as it is, more as SenML CBOR,
 * or as TLV where only 1.0 is spoken. */
static tsr_lwm2m_format default_format(const tsr_lwm2m_client *c, const request *r)
{
    const tsr_lwm2m_resource_info *info;

    if (!is_multiple(r->object, &r->at)) {
        info = tsr_lwm2m_object_resource(r->object, r->at.resource);
        return info != NULL && info->type == TSR_LWM2M_OPAQUE ? TSR_LWM2M_FORMAT_OCTETS
                                                              : TSR_LWM2M_FORMAT_TEXT;
    }
    return c->config.accounts[r->account].version_minor == 0 ? TSR_LWM2M_FORMAT_TLV
                                                             : TSR_LWM2M_FORMAT_SENML_CBOR;
}

static tsr_err accept_format(const tsr_lwm2m_client *c, const request *r, tsr_lwm2m_format *format)
{
    if (r->msg->accept.set)
        return tsr_lwm2m_format_from(r->msg->accept.value, format);
    *format = default_format(c, r);
    return TSR_OK;
}

static uint8_t do_read(tsr_lwm2m_client *c, request *r, tsr_lwm2m_format *format)
{
    tsr_err err = accept_format(c, r, format);

    if (err == TSR_OK)
        err = manage_read(c, r->account, r->object, &r->at, *format, &r->body);
    if (err != TSR_OK)
        return manage_code(err, TSR_COAP_NOT_ACCEPTABLE);
    r->answer.content_format = (tsr_coap_num){ true, (uint32_t)*format };
    r->answer.payload = tsr_buf_view(&r->body);
    return TSR_COAP_CONTENT;
}

static tsr_err apply_queries(const tsr_lwm2m_client *c, const request *r,
                             tsr_lwm2m_attributes *attributes, uint16_t *unset, size_t *count)
{
    const tsr_lwm2m_resource_info *info =
        r->at.depth >= 3 ? tsr_lwm2m_object_resource(r->object, r->at.resource) : NULL;
    tsr_coap_opts it = { .rest = r->msg->options };
    tsr_bytes query;
    tsr_err err = TSR_OK;

    *count = 0;
    while (err == TSR_OK && tsr_coap_query_next(&it, &query) == TSR_OK) {
        ++*count;
        err = c->parts->attributes->apply(attributes, unset, r->at.depth, info, query);
    }
    if (err == TSR_OK && c->parts->attributes->check != NULL)
        err = c->parts->attributes->check(attributes);
    return err;
}

/* Core 6.4.1. Durable before the server may rely on it. */
static uint8_t do_observe(tsr_lwm2m_client *c, request *r)
{
    tsr_lwm2m_attributes own = { 0 };
    uint16_t unset = 0;
    size_t count;
    tsr_lwm2m_format format;
    tsr_lwm2m_observation *o;
    uint8_t code;

    if (apply_queries(c, r, &own, &unset, &count) != TSR_OK)
        return TSR_COAP_BAD_REQUEST;
    code = do_read(c, r, &format);
    if (code != TSR_COAP_CONTENT)
        return code;
    o = observe_add(c, r->account, &r->at, format, r->event, r->answer.payload);
    if (o == NULL)
        return code;
    o->own = own;
    if (tsr_lwm2m_client_save(c) != TSR_OK) {
        observe_drop(c, o);
        return TSR_COAP_INTERNAL_ERROR;
    }
    r->answer.observe = (tsr_coap_num){ true, c->sequence & 0xffffffu };
    return code;
}

/* Core 6.4.3: a plain Read that ends the observation with this token. */
static uint8_t do_cancel(tsr_lwm2m_client *c, request *r)
{
    tsr_lwm2m_observation *o = observe_find(c, r->account, r->event->token);
    tsr_lwm2m_format format;

    if (o != NULL)
        observe_end(c, o, "cancelled");
    return do_read(c, r, &format);
}

static uint8_t do_discover(tsr_lwm2m_client *c, request *r)
{
    unsigned depth = r->at.depth == 1 ? 2 : 1;
    tsr_coap_opts it = { .rest = r->msg->options };
    tsr_bytes query;
    tsr_err err;

    while (tsr_coap_query_next(&it, &query) == TSR_OK) {
        if (query.len != 7 || memcmp(query.ptr, "depth=", 6) != 0)
            continue;
        if (query.ptr[6] < '0' || query.ptr[6] > '3')
            return TSR_COAP_BAD_REQUEST;
        depth = query.ptr[6] - (unsigned)'0';
    }
    err = discover_put(c, r->account, &r->at, depth, &r->body);
    if (err != TSR_OK)
        return manage_code(err, TSR_COAP_NOT_ACCEPTABLE);
    r->answer.content_format = (tsr_coap_num){ true, TSR_LWM2M_FORMAT_LINK };
    r->answer.payload = tsr_buf_view(&r->body);
    return TSR_COAP_CONTENT;
}

static bool target_exists(const request *r)
{
    if (r->at.depth >= 2 && tsr_lwm2m_object_next(r->object, r->at.instance) != r->at.instance)
        return false;
    return r->at.depth < 3 || tsr_lwm2m_object_has(r->object, r->at);
}

static tsr_lwm2m_attachment *attachment_slot(tsr_lwm2m_client *c, size_t account,
                                             const tsr_lwm2m_path *at)
{
    tsr_lwm2m_attachment *slot = attachment_find(c, account, at);

    for (size_t i = 0; slot == NULL && i < c->config.attachment_count; i++) {
        if (!c->config.attachments[i].used)
            slot = &c->config.attachments[i];
    }
    return slot;
}

/* Core 6.3.4 */
static uint8_t do_attributes(tsr_lwm2m_client *c, request *r)
{
    tsr_lwm2m_attachment *slot, before, after;
    uint16_t unset = 0;
    size_t count;

    if (!target_exists(r))
        return TSR_COAP_NOT_FOUND;
    slot = attachment_slot(c, r->account, &r->at);
    if (slot == NULL)
        return TSR_COAP_INTERNAL_ERROR;
    before = *slot;
    after = before;
    if (!before.used)
        after = (tsr_lwm2m_attachment){ true, (uint8_t)r->account, r->at, { 0 } };
    if (apply_queries(c, r, &after.values, &unset, &count) != TSR_OK || count == 0)
        return TSR_COAP_BAD_REQUEST;
    after.used = after.values.set != 0;
    *slot = after;
    if (tsr_lwm2m_client_save(c) != TSR_OK) {
        *slot = before;
        return TSR_COAP_INTERNAL_ERROR;
    }
    mark_stale(c, r->account);
    return TSR_COAP_CHANGED;
}

static tsr_err content_format(const request *r, tsr_lwm2m_format *format)
{
    if (!r->msg->content_format.set) {
        *format = TSR_LWM2M_FORMAT_TEXT; /* RFC 7252 §5.5.1 leaves it to us; text is what it was */
        return TSR_OK;
    }
    return tsr_lwm2m_format_from(r->msg->content_format.value, format);
}

static tsr_err change(tsr_lwm2m_client *c, request *r)
{
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_TEXT;
    bool reads_payload = r->op != TSR_LWM2M_OP_EXECUTE && r->op != TSR_LWM2M_OP_DELETE;
    tsr_err err = reads_payload ? content_format(r, &format) : TSR_OK;
    uint16_t instance;

    if (err != TSR_OK)
        return err;
    switch (r->op) {
    case TSR_LWM2M_OP_REPLACE:
    case TSR_LWM2M_OP_UPDATE:
        if (is_multiple(r->object, &r->at) && !tsr_lwm2m_format_is_multiple(format))
            return target_exists(r) ? TSR_E_UNSUPPORTED : TSR_E_NOT_FOUND;
        return tsr_lwm2m_object_write(
            r->object, r->at, r->op == TSR_LWM2M_OP_REPLACE ? TSR_LWM2M_REPLACE : TSR_LWM2M_UPDATE,
            format, r->event->body, &r->body);
    case TSR_LWM2M_OP_EXECUTE:
        return tsr_lwm2m_object_execute(r->object, r->at, r->event->body);
    case TSR_LWM2M_OP_CREATE:
        if (r->object->handlers->create == NULL || c->parts->create == NULL)
            return TSR_E_DENIED;
        if (!tsr_lwm2m_format_is_multiple(format) && r->event->body.len != 0)
            return TSR_E_UNSUPPORTED;
        err = c->parts->create(r->object, format, r->event->body, &r->body, &instance);
        if (err == TSR_OK)
            r->at = tsr_lwm2m_at_instance(r->at.object, instance);
        return err;
    default:
        if (!target_exists(r))
            return TSR_E_NOT_FOUND;
        return r->object->handlers->remove == NULL
                   ? TSR_E_DENIED
                   : r->object->handlers->remove(r->object->state, r->at.instance);
    }
}

/* Attributes of what is no more must not come to life again with a new instance. */
static void forget_attachments(tsr_lwm2m_client *c, tsr_lwm2m_path at)
{
    for (size_t i = 0; i < c->config.attachment_count; i++) {
        tsr_lwm2m_attachment *t = &c->config.attachments[i];

        if (!t->used || !tsr_lwm2m_path_contains(at, t->at))
            continue;
        t->used = false;
        c->save_owed = true;
    }
}

static void after_change(tsr_lwm2m_client *c, const request *r)
{
    if (r->op == TSR_LWM2M_OP_DELETE)
        forget_attachments(c, r->at);
    tsr_lwm2m_client_changed(c, r->at);
    if (r->op == TSR_LWM2M_OP_DELETE || r->op == TSR_LWM2M_OP_CREATE)
        tsr_lwm2m_client_relink(c);
    if (r->at.object != 1)
        return;
    if (r->op == TSR_LWM2M_OP_EXECUTE) {
        account_executed(c, r->at);
        return;
    }
    manage_server_changed(c);
}

static uint8_t do_change(tsr_lwm2m_client *c, request *r)
{
    tsr_err err;
    uint8_t code;

    if (c->parts->keeping != NULL && c->parts->keeping->before(c, r->object, &r->undo) != TSR_OK)
        return TSR_COAP_INTERNAL_ERROR;
    err = change(c, r);
    code = manage_code(err, TSR_COAP_UNSUPPORTED_FORMAT);
    if (err == TSR_E_SPACE && r->op != TSR_LWM2M_OP_EXECUTE)
        return TSR_COAP_TOO_LARGE;
    if (err != TSR_OK)
        return code;
    if (c->parts->keeping != NULL && c->parts->keeping->after(c, r->object, r->undo) != TSR_OK)
        return TSR_COAP_INTERNAL_ERROR;
    after_change(c, r);
    if (r->op == TSR_LWM2M_OP_DELETE)
        return TSR_COAP_DELETED;
    if (r->op != TSR_LWM2M_OP_CREATE)
        return code;

    tsr_buf text = tsr_buf_over(r->location, sizeof r->location - 1);

    tsr_lwm2m_path_put(&text, r->at);
    r->location[text.len] = '\0';
    r->answer.location = r->location;
    return TSR_COAP_CREATED;
}

static bool has_query(const tsr_coap_msg *msg)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_bytes query;

    return tsr_coap_query_next(&it, &query) == TSR_OK;
}

static tsr_lwm2m_operation classify_get(const request *r)
{
    if (r->msg->accept.set && r->msg->accept.value == TSR_LWM2M_FORMAT_LINK)
        return TSR_LWM2M_OP_DISCOVER;
    if (!r->msg->observe.set || r->msg->observe.value > 1)
        return TSR_LWM2M_OP_READ;
    return r->msg->observe.value == 0 ? TSR_LWM2M_OP_OBSERVE : TSR_LWM2M_OP_CANCEL;
}

static tsr_lwm2m_operation classify_put(const request *r)
{
    bool has_content = r->msg->content_format.set || r->event->body.len != 0;

    if (!has_content && has_query(r->msg))
        return TSR_LWM2M_OP_ATTRIBUTES;
    return r->at.depth >= 2 ? TSR_LWM2M_OP_REPLACE : TSR_LWM2M_OP_NONE;
}

/* A POST on a resource is an Execute, or adds instances to a multiple resource. */
static tsr_lwm2m_operation classify_post(const request *r)
{
    if (r->at.depth == 1)
        return TSR_LWM2M_OP_CREATE;
    if (r->at.depth == 2)
        return TSR_LWM2M_OP_UPDATE;
    if (r->at.depth == 3)
        return is_multiple(r->object, &r->at) ? TSR_LWM2M_OP_UPDATE : TSR_LWM2M_OP_EXECUTE;
    return TSR_LWM2M_OP_NONE;
}

/* Transport 6.4: which operation a method on a path is. */
static tsr_lwm2m_operation classify(const request *r)
{
    switch (r->msg->code) {
    case TSR_COAP_GET:    return classify_get(r);
    case TSR_COAP_PUT:    return classify_put(r);
    case TSR_COAP_POST:   return classify_post(r);
    case TSR_COAP_DELETE: return r->at.depth == 2 ? TSR_LWM2M_OP_DELETE : TSR_LWM2M_OP_NONE;
    default:              return TSR_LWM2M_OP_NONE;
    }
}

static uint8_t perform(tsr_lwm2m_client *c, request *r)
{
    tsr_lwm2m_format format;

    switch (r->op) {
    case TSR_LWM2M_OP_READ:       return do_read(c, r, &format);
    case TSR_LWM2M_OP_DISCOVER:   return do_discover(c, r);
    case TSR_LWM2M_OP_OBSERVE:    return do_observe(c, r);
    case TSR_LWM2M_OP_CANCEL:     return do_cancel(c, r);
    case TSR_LWM2M_OP_ATTRIBUTES: return do_attributes(c, r);
    case TSR_LWM2M_OP_NONE:       return TSR_COAP_METHOD_NOT_ALLOWED;
    default:                      return do_change(c, r);
    }
}

static uint8_t handle(tsr_lwm2m_client *c, request *r)
{
    uint16_t ids[4] = { 0 };
    size_t depth;

    if (tsr_coap_msg_ids(r->msg, 0, ids, 4, &depth) != TSR_OK)
        return TSR_COAP_NOT_FOUND;
    if (depth == 0)
        return c->parts->composite == NULL
                   ? TSR_COAP_METHOD_NOT_ALLOWED
                   : c->parts->composite->request(c, r->event, &r->op, &r->answer);
    r->at = (tsr_lwm2m_path){ ids[0], ids[1], ids[2], ids[3], (uint8_t)depth };
    if (!instance_is_allowed(c, r->account, &r->at))
        return TSR_COAP_UNAUTHORIZED;
    r->object = tsr_lwm2m_object_find(c->config.registry, r->at.object);
    if (r->object == NULL)
        return TSR_COAP_NOT_FOUND;
    r->op = classify(r);
    return perform(c, r);
}

static void answer(tsr_lwm2m_client *c, request *r)
{
    tsr_err err = tsr_coap_respond(&c->coap, r->event->id, &r->answer, c->now_ms);

    if (err != TSR_E_SPACE)
        return;
    if (r->answer.observe.set) {
        tsr_lwm2m_observation *o = observe_find(c, r->account, r->event->token);

        if (o != NULL)
            observe_end(c, o, "answer too long");
    }
    r->answer = (tsr_coap_response){ .code = TSR_COAP_INTERNAL_ERROR };
    (void)tsr_coap_respond(&c->coap, r->event->id, &r->answer, c->now_ms);
}

void manage_request(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    request r = { .event = event, .msg = event->msg, .account = event->peer,
                  .body = tsr_buf_over(c->config.body, c->config.body_len) };
    tsr_lwm2m_client_event *told;

    r.answer.code = handle(c, &r);
    if (r.answer.code >> 5 != 2) {
        uint8_t code = r.answer.code;

        r.answer = (tsr_coap_response){ .code = code };
    }
    answer(c, &r);
    told = client_event(c, TSR_LWM2M_E_REQUEST, (uint8_t)event->peer, r.answer.code);
    told->operation = r.op;
    told->at = r.at;
}
