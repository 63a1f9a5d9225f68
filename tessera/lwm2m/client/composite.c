/* SPDX-License-Identifier: Apache-2.0
 *
 * Composite operations: Read, Observe and Cancel over many paths at once (Core 6.3.8, Core 6.4.4,
 * Core 6.4.5). A composite observation is one of the root, with paths in the pool. */
#include "tessera/lwm2m/client/composite.h"

enum {
    PERIODS = TSR_LWM2M_PMIN | TSR_LWM2M_PMAX | TSR_LWM2M_EPMIN | TSR_LWM2M_EPMAX | TSR_LWM2M_CON,
    THRESHOLDS = TSR_LWM2M_EDGE | TSR_LWM2M_GT | TSR_LWM2M_LT | TSR_LWM2M_ST,
};

/* ---- reading ------------------------------------------------------------------------------- */

/* What is not there, may not be read or has no value is left out (Core 6.3.8). `found` says whether
 * there is anything at those paths at all, and whether this server may see any of it (Core 8.2.1). */
enum { SEEN = 1, REFUSED = 2 };

static tsr_err put_below(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at,
                         tsr_lwm2m_out *out, unsigned *found)
{
    const tsr_lwm2m_object *object = tsr_lwm2m_object_find(c->config.registry, at->object);
    tsr_err err;

    if (object == NULL)
        return TSR_OK;
    if (!tsr_lwm2m_instance_is_allowed(c, account, at, TSR_LWM2M_OP_READ)) {
        *found |= tsr_lwm2m_object_is_hidden(at->object) ? 0 : REFUSED;
        return TSR_OK;
    }
    err = manage_put(c, account, object, at, out);
    *found |= err != TSR_E_NOT_FOUND ? SEEN : 0;
    return err == TSR_E_NOT_FOUND || err == TSR_E_DENIED ? out->err : err;
}

static tsr_err put_path(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_path *at,
                        tsr_lwm2m_out *out, unsigned *found)
{
    tsr_err err = TSR_OK;

    if (at->depth != 0)
        return put_below(c, account, at, out, found);
    for (size_t i = 0; err == TSR_OK && i < c->config.registry->count; i++) {
        tsr_lwm2m_path object = tsr_lwm2m_at_object(c->config.registry->objects[i].info->id);

        err = put_below(c, account, &object, out, found);
    }
    return err;
}

static bool is_chosen(const tsr_lwm2m_client *c, const tsr_lwm2m_composite_path *p,
                      const tsr_lwm2m_observation *o)
{
    return o != NULL ? tsr_lwm2m_pool_is_of(c, p, o) : p->owner == TSR_LWM2M_NO_ID;
}

/* The paths of an observation, or (NULL) of the request that is running. */
static tsr_err put_all(const tsr_lwm2m_client *c, size_t account, const tsr_lwm2m_observation *o,
                       tsr_lwm2m_format format, tsr_buf *body, unsigned *found)
{
    tsr_lwm2m_out out;
    tsr_err err = tsr_lwm2m_out_begin(&out, format, tsr_lwm2m_at_root(), body), ended;

    tsr_lwm2m_out_prefix(&out, c->config.root);
    *found = 0;
    for (size_t i = 0; err == TSR_OK && i < c->config.path_count; i++) {
        if (is_chosen(c, &c->config.paths[i], o))
            err = put_path(c, account, &c->config.paths[i].at, &out, found);
    }
    ended = tsr_lwm2m_out_end(&out);
    return err != TSR_OK ? err : ended;
}

static tsr_err composite_read(tsr_lwm2m_client *c, const tsr_lwm2m_observation *o, tsr_buf *body)
{
    unsigned found; /* what goes is left out from then on; the observation stays (Core 6.4.4) */

    return put_all(c, o->account, o, (tsr_lwm2m_format)o->format, body, &found);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

static void forget_request(const tsr_lwm2m_client *c)
{
    for (size_t i = 0; i < c->config.path_count; i++) {
        if (c->config.paths[i].owner == TSR_LWM2M_NO_ID)
            c->config.paths[i].owner = 0;
    }
}

/* Every value is given once, even if several paths lead to it (RFC 8790 §3.1). */
static tsr_err add_path(const tsr_lwm2m_client *c, const tsr_lwm2m_path *at)
{
    for (size_t i = 0; i < c->config.path_count; i++) {
        tsr_lwm2m_composite_path *p = &c->config.paths[i];

        if (p->owner != TSR_LWM2M_NO_ID)
            continue;
        if (tsr_lwm2m_path_contains(p->at, *at))
            return TSR_OK;
        if (tsr_lwm2m_path_contains(*at, p->at))
            p->owner = 0;
    }
    return tsr_lwm2m_pool_add(c, at) != NULL ? TSR_OK : TSR_E_SPACE;
}

static tsr_err take_paths(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    tsr_buf scratch = tsr_buf_over(c->config.body, c->config.body_len);
    tsr_lwm2m_path at;
    tsr_lwm2m_in in;
    tsr_err err;

    if (!event->msg->content_format.set)
        return TSR_E_UNSUPPORTED;
    err = tsr_lwm2m_in_begin_fetch(&in, event->msg->content_format.value, event->body, &scratch);
    tsr_lwm2m_in_prefix(&in, c->config.root);
    while (err == TSR_OK && (err = tsr_lwm2m_in_next_name(&in, &at)) == TSR_OK)
        err = add_path(c, &at);
    return err == TSR_END ? TSR_OK : err;
}

/* Without Accept the answer is in the notation of the question. */
static tsr_err answer_format(const tsr_coap_msg *msg, tsr_lwm2m_format *format)
{
    uint32_t asked = msg->content_format.value;

    if (!msg->accept.set) {
        *format = asked == TSR_LWM2M_FORMAT_SENML_JSON || asked == TSR_LWM2M_FORMAT_ETCH_JSON
                      ? TSR_LWM2M_FORMAT_SENML_JSON
                      : TSR_LWM2M_FORMAT_SENML_CBOR;
        return TSR_OK;
    }
    *format = (tsr_lwm2m_format)msg->accept.value;
    return *format == TSR_LWM2M_FORMAT_SENML_JSON || *format == TSR_LWM2M_FORMAT_SENML_CBOR ||
                   *format == TSR_LWM2M_FORMAT_LWM2M_CBOR
               ? TSR_OK
               : TSR_E_UNSUPPORTED;
}

/* 4.04 only when none of the paths leads anywhere, 4.01 when none leads to what may be read. */
static uint8_t do_read(tsr_lwm2m_client *c, const tsr_coap_event *event, tsr_lwm2m_format *format,
                       tsr_coap_response *answer)
{
    tsr_buf body = tsr_buf_over(c->config.body, c->config.body_len);
    tsr_err err = take_paths(c, event);
    unsigned found = 0;

    if (err != TSR_OK)
        return err == TSR_E_SPACE ? TSR_COAP_TOO_LARGE
                                  : tsr_lwm2m_manage_code(err, TSR_COAP_UNSUPPORTED_FORMAT);
    err = answer_format(event->msg, format);
    if (err == TSR_OK)
        err = put_all(c, event->peer, NULL, *format, &body, &found);
    if (err == TSR_OK && found == REFUSED)
        return TSR_COAP_UNAUTHORIZED;
    if (err == TSR_OK && found == 0)
        err = TSR_E_NOT_FOUND;
    if (err != TSR_OK)
        return tsr_lwm2m_manage_code(err, TSR_COAP_NOT_ACCEPTABLE);
    answer->content_format = (tsr_coap_num){ true, (uint32_t)*format };
    answer->payload = tsr_buf_view(&body);
    return TSR_COAP_CONTENT;
}

/* ---- observing ------------------------------------------------------------------------------- */

/* Only what can stand at an object (Core 6.4.4). */
static tsr_err own_attributes(const tsr_lwm2m_client *c, const tsr_coap_msg *msg,
                              tsr_lwm2m_attributes *own)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_bytes query;
    tsr_err err = TSR_OK;

    while (err == TSR_OK && tsr_coap_query_next(&it, &query) == TSR_OK)
        err = c->parts->attributes->apply(own, 1, NULL, query);
    if (err == TSR_OK && c->parts->attributes->check != NULL)
        err = c->parts->attributes->check(own);
    return err == TSR_OK && (own->set & ~(unsigned)PERIODS) != 0 ? TSR_E_ARGUMENT : err;
}

static bool observes_same(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    size_t ours = 0, asked = 0, both = 0;

    for (size_t i = 0; i < c->config.path_count; i++)
        ours += tsr_lwm2m_pool_is_of(c, &c->config.paths[i], o);
    for (size_t i = 0; i < c->config.path_count; i++) {
        if (c->config.paths[i].owner != TSR_LWM2M_NO_ID)
            continue;
        asked++;
        for (size_t j = 0; j < c->config.path_count; j++)
            both += tsr_lwm2m_pool_is_of(c, &c->config.paths[j], o) &&
                    tsr_lwm2m_path_same(c->config.paths[i].at, c->config.paths[j].at);
    }
    return ours == asked && both == asked;
}

/* A server that has lost its state observes the same again under another token: the old observation
 * goes, or each restart of a server would cost us a slot. */
static void replace_same(tsr_lwm2m_client *c, const tsr_coap_event *event, tsr_lwm2m_format format)
{
    for (size_t i = 0; i < c->config.observation_count; i++) {
        tsr_lwm2m_observation *o = &c->config.observations[i];

        if (o->used && o->at.depth == 0 && o->account == event->peer && o->format == format &&
            observes_same(c, o))
            tsr_lwm2m_observe_drop(c, o);
    }
}

static void give_paths(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    for (size_t i = 0; i < c->config.path_count; i++) {
        if (c->config.paths[i].owner == TSR_LWM2M_NO_ID)
            tsr_lwm2m_pool_give(c, &c->config.paths[i], o);
    }
}

/* Core 6.4.4. Durable before the server may rely on it; without room it is a plain Read. */
static uint8_t do_observe(tsr_lwm2m_client *c, const tsr_coap_event *event,
                          tsr_coap_response *answer)
{
    static const tsr_lwm2m_path root = { 0 };
    tsr_lwm2m_attributes own = { 0 };
    tsr_lwm2m_observation *o;
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_SENML_CBOR;
    uint8_t code;

    if (own_attributes(c, event->msg, &own) != TSR_OK)
        return TSR_COAP_BAD_REQUEST;
    code = do_read(c, event, &format, answer);
    if (code != TSR_COAP_CONTENT)
        return code;
    replace_same(c, event, format);
    o = tsr_lwm2m_observe_add(c, event->peer, &root, format, event, answer->payload);
    if (o == NULL)
        return code;
    o->own = own;
    give_paths(c, o);
    answer->observe = (tsr_coap_num){ true, c->sequence & 0xffffffu };
    if (c->parts->attributes->reported != NULL) { /* it needs the room where the answer is */
        tsr_buf body = tsr_buf_over(c->config.body, c->config.body_len);

        c->parts->attributes->reported(c, o);
        (void)composite_read(c, o, &body);
    }
    if (tsr_lwm2m_client_save(c) == TSR_OK)
        return code;
    tsr_lwm2m_observe_drop(c, o);
    return TSR_COAP_INTERNAL_ERROR;
}

/* Core 6.4.5: a Read-Composite that ends the observation with this token. */
static uint8_t do_cancel(tsr_lwm2m_client *c, const tsr_coap_event *event,
                         tsr_coap_response *answer)
{
    tsr_lwm2m_observation *o = tsr_lwm2m_observe_find(c, event->peer, event->token);
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_SENML_CBOR;

    if (o != NULL && o->at.depth == 0)
        tsr_lwm2m_observe_end(c, o, tsr_lwm2m_client_word(c, WORD_CANCELLED));
    return do_read(c, event, &format, answer);
}

/* ---- judging --------------------------------------------------------------------------------- */

/* The longest pmin, the shortest pmax and the most hqmax of its paths; CON if one of them wants it. Parameters of the
 * observation itself replace what is attached (Core 6.4.4). Of thresholds only their presence counts
 * here: they are judged path by path. */
static void composite_attributes(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o,
                                 tsr_lwm2m_attributes *a)
{
    for (size_t i = 0; i < c->config.path_count; i++) {
        tsr_lwm2m_attributes one = { 0 };

        if (!tsr_lwm2m_pool_is_of(c, &c->config.paths[i], o))
            continue;
        tsr_lwm2m_attributes_effective(c, o->account, &c->config.paths[i].at, 1, &one);
        a->set = (uint16_t)(a->set | (one.set & (THRESHOLDS | TSR_LWM2M_HQMAX)));
        if (one.whole[5] > a->whole[5])
            a->whole[5] = one.whole[5];
        if (o->own.set != 0)
            continue;
        if (tsr_lwm2m_attribute_has(&one, TSR_LWM2M_PMIN) &&
            (!tsr_lwm2m_attribute_has(a, TSR_LWM2M_PMIN) || one.whole[0] > a->whole[0]))
            a->whole[0] = one.whole[0];
        if (tsr_lwm2m_attribute_has(&one, TSR_LWM2M_PMAX) && one.whole[1] != 0 &&
            (!tsr_lwm2m_attribute_has(a, TSR_LWM2M_PMAX) || one.whole[1] < a->whole[1])) {
            a->whole[1] = one.whole[1];
            a->set |= TSR_LWM2M_PMAX;
        }
        if (tsr_lwm2m_attribute_has(&one, TSR_LWM2M_CON) && one.whole[4] != 0)
            a->whole[4] = 1;
        a->set = (uint16_t)(a->set | (one.set & (TSR_LWM2M_PMIN | TSR_LWM2M_CON)));
    }
}

static uint64_t digest_of(const tsr_lwm2m_client *c, size_t account,
                          const tsr_lwm2m_composite_path *p)
{
    tsr_buf body = tsr_buf_over(c->config.body, c->config.body_len);
    tsr_lwm2m_out out;
    unsigned found = 0;

    if (tsr_lwm2m_out_begin(&out, TSR_LWM2M_FORMAT_SENML_CBOR, tsr_lwm2m_at_root(), &body) == TSR_OK)
        (void)put_path(c, account, &p->at, &out, &found);
    (void)tsr_lwm2m_out_end(&out);
    return tsr_hash(c->config.coap->seed, tsr_buf_view(&body));
}

/* Overwrites config.body. */
static void composite_reported(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    for (size_t i = 0; i < c->config.path_count; i++) {
        tsr_lwm2m_composite_path *p = &c->config.paths[i];
        tsr_lwm2m_observation one = *o;

        if (!tsr_lwm2m_pool_is_of(c, p, o))
            continue;
        one.at = p->at;
        one.last.type = TSR_LWM2M_NONE;
        if (p->at.depth != 0)
            c->parts->attributes->reported(c, &one);
        p->last = one.last;
        p->digest = digest_of(c, o->account, p);
    }
}

/* By its thresholds if it has any, else by whether it has changed at all. */
static bool path_fires(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o,
                       const tsr_lwm2m_composite_path *p)
{
    tsr_lwm2m_attributes a = { 0 };
    tsr_lwm2m_observation one = *o;
    bool fires;

    tsr_lwm2m_attributes_effective(c, o->account, &p->at, 1, &a);
    one.at = p->at;
    one.last = p->last;
    if (p->at.depth != 0 && (a.set & THRESHOLDS) != 0 &&
        c->parts->attributes->judge(c, &one, &a, &fires))
        return fires;
    return digest_of(c, o->account, p) != p->digest;
}

static bool composite_judge(const tsr_lwm2m_client *c, const tsr_lwm2m_observation *o)
{
    bool fires = false;

    for (size_t i = 0; !fires && i < c->config.path_count; i++)
        fires = tsr_lwm2m_pool_is_of(c, &c->config.paths[i], o) &&
                path_fires(c, o, &c->config.paths[i]);
    return fires;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Transport 6.4.4 and Transport 6.4.5: methods on the root. */
static tsr_lwm2m_operation classify(const tsr_coap_msg *msg)
{
    if (msg->code == TSR_COAP_IPATCH)
        return TSR_LWM2M_OP_WRITE_COMPOSITE;
    if (msg->code != TSR_COAP_FETCH)
        return TSR_LWM2M_OP_NONE;
    if (!msg->observe.set || msg->observe.value > 1)
        return TSR_LWM2M_OP_READ_COMPOSITE;
    return msg->observe.value == 0 ? TSR_LWM2M_OP_OBSERVE_COMPOSITE : TSR_LWM2M_OP_CANCEL_COMPOSITE;
}

static uint8_t composite_request(tsr_lwm2m_client *c, const tsr_coap_event *event,
                                 tsr_lwm2m_operation *op, tsr_coap_response *answer)
{
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_SENML_CBOR;
    uint8_t code;

    *op = classify(event->msg);
    switch (*op) {
    case TSR_LWM2M_OP_READ_COMPOSITE:    code = do_read(c, event, &format, answer); break;
    case TSR_LWM2M_OP_OBSERVE_COMPOSITE: code = do_observe(c, event, answer); break;
    case TSR_LWM2M_OP_CANCEL_COMPOSITE:  code = do_cancel(c, event, answer); break;
    case TSR_LWM2M_OP_WRITE_COMPOSITE:   return tsr_lwm2m_composite_write(c, event);
    default:                             return TSR_COAP_METHOD_NOT_ALLOWED;
    }
    forget_request(c);
    return code;
}

const struct tsr_lwm2m_composite tsr_lwm2m_composite = {
    composite_request, composite_read, composite_attributes, composite_reported, composite_judge,
};
