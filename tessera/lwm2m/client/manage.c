/* SPDX-License-Identifier: Apache-2.0
 *
 * Device management: a server's request becomes an operation on an object, and its outcome an
 * answer (Core 6.3, Transport 6.4.4). */
#include "tessera/lwm2m/client/internal.h"

/* Transport 6.7: the one table from errors to codes. `unsupported` is 4.06 for reading, 4.15 for writing. */
uint8_t tsr_lwm2m_manage_code(tsr_err err, uint8_t unsupported)
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
tsr_err tsr_lwm2m_manage_read(tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_object *object,
                              const tsr_lwm2m_path *at, tsr_lwm2m_format format, tsr_buf *body)
{
    tsr_lwm2m_out out;
    tsr_err err, ended;

    if (is_multiple(object, at) && !tsr_lwm2m_format_is_multiple(format))
        return at->depth < 2 || tsr_lwm2m_object_instance(object, at->instance)
                   ? TSR_E_UNSUPPORTED
                   : TSR_E_NOT_FOUND;
    err = tsr_lwm2m_out_begin(&out, format, *at, body);
    if (err != TSR_OK)
        return err;
    if (c->config.root.len != 0)
        tsr_lwm2m_out_prefix(&out, c->config.root);
    err = manage_put(c, account, object, at, &out);
    ended = tsr_lwm2m_out_end(&out);
    if (err == TSR_OK)
        return ended;
    body->len = 0;
    return err;
}

/* What a server gets that does not say what it wants: one value as it is, more as SenML CBOR,
 * or as TLV where only 1.0 is spoken. */
static tsr_lwm2m_format default_format(const tsr_lwm2m_client *c, const client_request *r)
{
    const tsr_lwm2m_resource_info *info;
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_SENML_CBOR;

    if (!is_multiple(r->object, &r->at)) {
        info = tsr_lwm2m_object_resource(r->object, r->at.resource);
        format = info != NULL && info->type == TSR_LWM2M_OPAQUE ? TSR_LWM2M_FORMAT_OCTETS
                                                                : TSR_LWM2M_FORMAT_TEXT;
    } else if (c->config.accounts[r->account].version_minor == 0) {
        format = TSR_LWM2M_FORMAT_TLV;
    }
    return tsr_lwm2m_format_or_other(format);
}

/* The answer is what stands in r->body. */
static uint8_t answer_body(client_request *r, tsr_lwm2m_format format, tsr_err err)
{
    if (err != TSR_OK)
        return tsr_lwm2m_manage_code(err, TSR_COAP_NOT_ACCEPTABLE);
    r->answer.content_format = (tsr_coap_num){ true, (uint32_t)format };
    r->answer.payload = tsr_buf_view(&r->body);
    return TSR_COAP_CONTENT;
}

uint8_t tsr_lwm2m_manage_do_read(tsr_lwm2m_client *c, client_request *r, tsr_lwm2m_format *format)
{
    tsr_err err = TSR_OK;

    if (r->msg->accept.set)
        err = tsr_lwm2m_format_from(r->msg->accept.value, format);
    else
        *format = default_format(c, r);
    if (err == TSR_OK)
        err = tsr_lwm2m_manage_read(c, r->account, r->object, &r->at, *format, &r->body);
    return answer_body(r, *format, err);
}

static uint8_t do_discover(tsr_lwm2m_client *c, client_request *r)
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
    err = tsr_lwm2m_discover_put(c, r->account, r->object, &r->at, depth, &r->body);
    return answer_body(r, TSR_LWM2M_FORMAT_LINK, err);
}

/* Core 6.3.3 */
static tsr_err write(const tsr_lwm2m_client *c, const client_request *r, tsr_lwm2m_format format)
{
    const tsr_lwm2m_content content = { format, r->event->body, c->config.root };

    if (is_multiple(r->object, &r->at) && !tsr_lwm2m_format_is_multiple(format))
        return tsr_lwm2m_object_exists(r->object, &r->at) ? TSR_E_UNSUPPORTED : TSR_E_NOT_FOUND;
    return tsr_lwm2m_object_write(
        r->object, r->at, r->op == TSR_LWM2M_OP_REPLACE ? TSR_LWM2M_REPLACE : TSR_LWM2M_UPDATE,
        &content, &r->body);
}

static tsr_err change(tsr_lwm2m_client *c, client_request *r)
{
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_TEXT; /* RFC 7252 §5.5.1 leaves it to us */
    tsr_err err = TSR_OK;

    if (r->op == TSR_LWM2M_OP_EXECUTE)
        return tsr_lwm2m_object_execute_with(r->object, r->at, r->event->body,
                                             c->parts->arguments);
    if (r->msg->content_format.set)
        err = tsr_lwm2m_format_from(r->msg->content_format.value, &format);
    if (r->op > TSR_LWM2M_OP_EXECUTE)
        return c->parts->instances->change(c, r, format, err);
    return err == TSR_OK ? write(c, r, format) : err;
}

static void after_change(tsr_lwm2m_client *c, const client_request *r)
{
    tsr_lwm2m_client_changed(c, r->at);
    if (r->at.object != 1)
        return;
    if (r->op == TSR_LWM2M_OP_EXECUTE) {
        tsr_lwm2m_account_executed(c, &c->config.accounts[r->account], r->at.resource);
        return;
    }
    manage_server_changed(c);
}

static uint8_t do_change(tsr_lwm2m_client *c, client_request *r)
{
    const struct tsr_lwm2m_keeping *keeping = c->parts->keeping;
    tsr_err err;

    if (keeping != NULL && keeping->before(c, r) != TSR_OK)
        return TSR_COAP_INTERNAL_ERROR;
    err = change(c, r);
    if (keeping != NULL)
        err = keeping->after(c, r, err);
    if (err == TSR_E_SPACE && r->op != TSR_LWM2M_OP_EXECUTE)
        return TSR_COAP_TOO_LARGE;
    if (err != TSR_OK)
        return tsr_lwm2m_manage_code(err, TSR_COAP_UNSUPPORTED_FORMAT);
    after_change(c, r);
    return r->op > TSR_LWM2M_OP_EXECUTE ? c->parts->instances->changed(c, r) : TSR_COAP_CHANGED;
}

static bool has_query(const tsr_coap_msg *msg)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_bytes query;

    return tsr_coap_query_next(&it, &query) == TSR_OK;
}

/* Who cannot observe gets a plain Read (RFC 7641 §4.1). */
static tsr_lwm2m_operation classify_get(const tsr_lwm2m_client *c, const client_request *r)
{
    if (r->msg->accept.set && r->msg->accept.value == TSR_LWM2M_FORMAT_LINK)
        return TSR_LWM2M_OP_DISCOVER;
    if (!r->msg->observe.set || r->msg->observe.value > 1 || c->parts->reporting == NULL)
        return TSR_LWM2M_OP_READ;
    return r->msg->observe.value == 0 ? TSR_LWM2M_OP_OBSERVE : TSR_LWM2M_OP_CANCEL;
}

static tsr_lwm2m_operation classify_put(const client_request *r)
{
    bool has_content = r->msg->content_format.set || r->event->body.len != 0;

    if (!has_content && has_query(r->msg))
        return TSR_LWM2M_OP_ATTRIBUTES;
    return r->at.depth >= 2 ? TSR_LWM2M_OP_REPLACE : TSR_LWM2M_OP_NONE;
}

/* A POST on a resource is an Execute, or adds instances to a multiple resource. */
static tsr_lwm2m_operation classify_post(const client_request *r)
{
    if (r->at.depth == 1)
        return TSR_LWM2M_OP_CREATE;
    if (r->at.depth == 2)
        return TSR_LWM2M_OP_UPDATE;
    if (r->at.depth == 3)
        return is_multiple(r->object, &r->at) ? TSR_LWM2M_OP_UPDATE : TSR_LWM2M_OP_EXECUTE;
    return TSR_LWM2M_OP_NONE;
}

/* Transport 6.4.4: which operation a method on a path is. */
static tsr_lwm2m_operation classify(const tsr_lwm2m_client *c, const client_request *r)
{
    switch (r->msg->code) {
    case TSR_COAP_GET:    return classify_get(c, r);
    case TSR_COAP_PUT:    return classify_put(r);
    case TSR_COAP_POST:   return classify_post(r);
    case TSR_COAP_DELETE: return r->at.depth == 2 ? TSR_LWM2M_OP_DELETE : TSR_LWM2M_OP_NONE;
    default:              return TSR_LWM2M_OP_NONE;
    }
}

/* No switch: its table is longer than these. */
static uint8_t perform(tsr_lwm2m_client *c, client_request *r)
{
    tsr_lwm2m_operation op = r->op;
    tsr_lwm2m_format format;

    if (op == TSR_LWM2M_OP_NONE || (op > TSR_LWM2M_OP_EXECUTE && c->parts->instances == NULL) ||
        (op == TSR_LWM2M_OP_ATTRIBUTES && c->parts->reporting == NULL))
        return TSR_COAP_METHOD_NOT_ALLOWED;
    if (op == TSR_LWM2M_OP_READ || op == TSR_LWM2M_OP_CANCEL)
        return tsr_lwm2m_manage_do_read(c, r, &format);
    if (op == TSR_LWM2M_OP_OBSERVE)
        return c->parts->reporting->observe(c, r);
    if (op == TSR_LWM2M_OP_DISCOVER)
        return do_discover(c, r);
    return op == TSR_LWM2M_OP_ATTRIBUTES ? c->parts->reporting->attributes(c, r) : do_change(c, r);
}

/* Transport 6.4.1: how many segments the alternate path has when the request is below it, else 0. No object's number
 * begins like it, so it is looked for only where there is none. */
static size_t root_of(tsr_bytes root, const tsr_coap_msg *msg)
{
    size_t n = 0;

    for (; root.len != 0; n++) {
        root = tsr_skip(root, 1); /* its slash */
        if (n == msg->path_count || !tsr_same(tsr_first(root, msg->path[n].len), msg->path[n]))
            return 0;
        root = tsr_skip(root, msg->path[n].len);
        if (root.len != 0 && root.ptr[0] != '/')
            return 0;
    }
    return n;
}

static uint8_t handle(tsr_lwm2m_client *c, client_request *r)
{
    for (size_t i = 0, n; i < r->msg->path_count; i++) {
        if (tsr_lwm2m_path_push(&r->at, r->msg->path[i]) == TSR_OK)
            continue;
        n = i == 0 ? root_of(c->config.root, r->msg) : 0;
        if (n == 0) /* also of the fifth */
            return TSR_COAP_NOT_FOUND;
        i = n - 1;
    }
    if (r->at.depth == 0)
        return c->parts->composite == NULL
                   ? TSR_COAP_METHOD_NOT_ALLOWED
                   : c->parts->composite->request(c, r->event, &r->op, &r->answer);
    r->object = tsr_lwm2m_object_find(c->config.registry, r->at.object);
    if (r->object != NULL)
        r->op = classify(c, r);
    if (r->op == TSR_LWM2M_OP_CANCEL)
        c->parts->reporting->cancel(c, r, WORD_CANCELLED);
    if (!tsr_lwm2m_instance_is_allowed(c, r->account, &r->at, r->op))
        return TSR_COAP_UNAUTHORIZED;
    return r->object != NULL ? perform(c, r) : TSR_COAP_NOT_FOUND;
}

/* An answer of a code alone. */
static void bare(client_request *r, uint8_t code)
{
    r->answer = (tsr_coap_response){ .code = code };
}

static void answer(tsr_lwm2m_client *c, client_request *r)
{
    while (tsr_coap_respond(&c->coap, r->event->id, &r->answer, c->now_ms) == TSR_E_SPACE &&
           r->answer.code != TSR_COAP_INTERNAL_ERROR) {
        if (r->answer.observe.set)
            c->parts->reporting->cancel(c, r, WORD_TOO_LONG);
        bare(r, TSR_COAP_INTERNAL_ERROR);
    }
}

void tsr_lwm2m_manage_request(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    client_request r = { .event = event, .msg = event->msg, .account = event->peer,
                  .body = tsr_buf_over(c->config.body, c->config.body_len) };
    tsr_lwm2m_client_event *told;

    r.answer.code = handle(c, &r);
    if (!tsr_coap_is_success(r.answer.code))
        bare(&r, r.answer.code);
    answer(c, &r);
    told = tsr_lwm2m_client_tell(c, TSR_LWM2M_E_REQUEST, (uint8_t)event->peer, r.answer.code);
    told->operation = r.op;
    told->at = r.at;
}
