/* SPDX-License-Identifier: Apache-2.0
 *
 * The request of an operation. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include "tessera/lwm2m/format/format.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUERIES_MAX = 16 };

typedef struct {
    char path[DEVICE_PATH];
    char depth[16];
    tsr_bytes queries[QUERIES_MAX];
    size_t query_count;
    tsr_buf body;
} request_room;

static void split_queries(request_room *room, const char *text)
{
    while (text && *text && room->query_count < QUERIES_MAX) {
        size_t n = strcspn(text, "&");

        if (n)
            room->queries[room->query_count++] = tsr_view(text, n);
        text += n + (text[n] == '&');
    }
}

/* Core 6.3.6: the new instance stands in the payload, and the request goes to the object. */
static tsr_lwm2m_path request_path(const operation *op)
{
    return op->kind == TSR_SERVER_CREATE ? tsr_lwm2m_path_up(op->path, 1) : op->path;
}

static const char *encode(device *dev, operation *op, request_room *room, tsr_coap_request *r)
{
    uint16_t format = op->format;
    tsr_lwm2m_path base =
        op->kind == TSR_SERVER_CREATE && op->record_count ? request_path(op) : op->path;
    tsr_err err = TSR_E_UNSUPPORTED;

    if (format == TSR_SERVER_FORMAT_AUTO)
        format = kind_is_composite(op->kind) ? format_for_composite(dev, op, op->attempts)
                                             : format_for_write(dev, op, op->attempts);
    if (format != TSR_SERVER_FORMAT_AUTO)
        err = records_write(op->records, op->record_count, format, base, dev->info->root, &room->body);
    if (err == TSR_E_SPACE)
        return "out of memory";
    if (err != TSR_OK)
        return "the values do not fit the path, their types or the format";
    op->tried_format = format;
    r->content_format = (tsr_coap_num){ true, format };
    r->payload = tsr_buf_view(&room->body);
    return NULL;
}

static void ask_format(device *dev, operation *op, tsr_coap_request *r)
{
    uint16_t format = op->format;

    if (format == TSR_SERVER_FORMAT_AUTO)
        format = format_for_read(dev, op->path, op->attempts);
    op->tried_format = format;
    if (format != TSR_SERVER_FORMAT_AUTO)
        r->accept = (tsr_coap_num){ true, format };
    if (op->observed)
        op->observed->format = format;
}

/* Core 6.3.8: the question is a body of names; the answer has a format of its own. */
static const char *ask_names(device *dev, operation *op, request_room *room, tsr_coap_request *r)
{
    uint16_t format = op->format;
    uint16_t body = format_for_composite(dev, op, op->attempts);
    tsr_err err = body != TSR_SERVER_FORMAT_AUTO
                      ? names_write(op->paths, op->path_count, dev->info->root, body, &room->body)
                      : TSR_E_UNSUPPORTED;

    if (err != TSR_OK)
        return err == TSR_E_SPACE ? "out of memory" : "no format for the paths is left";
    if (format == TSR_SERVER_FORMAT_AUTO)
        format = format_for_read(dev, op->path, op->accepts);
    if (format != TSR_SERVER_FORMAT_AUTO)
        r->accept = (tsr_coap_num){ true, format };
    if (op->observed)
        op->observed->format = format;
    r->method = TSR_COAP_FETCH;
    r->content_format = (tsr_coap_num){ true, body };
    r->payload = tsr_buf_view(&room->body);
    return NULL;
}

static void take_observation(operation *op, request_room *room, tsr_coap_request *r)
{
    r->observe = (tsr_coap_num){ true, kind_cancels(op->kind) };
    r->token = tsr_view(op->observed->token, op->observed->token_len);
    r->user = (uint64_t)(uintptr_t)op->observed | 1;
    split_queries(room, op->observed->params);
}

static const char *build(device *dev, operation *op, request_room *room, tsr_coap_request *r)
{
    const char *why = NULL;

    device_path(dev, request_path(op), room->path);
    r->path = room->path;
    r->user = (uint64_t)(uintptr_t)op;
    switch (op->kind) {
    case TSR_SERVER_READ:
        r->method = TSR_COAP_GET;
        ask_format(dev, op, r);
        break;
    case TSR_SERVER_DISCOVER:
        r->method = TSR_COAP_GET;
        r->accept = (tsr_coap_num){ true, TSR_LWM2M_FORMAT_LINK };
        if (op->depth >= 0) {
            (void)snprintf(room->depth, sizeof room->depth, "depth=%d", op->depth & 3); /* 0 to 3 */
            split_queries(room, room->depth);
        }
        break;
    case TSR_SERVER_WRITE_REPLACE:
        r->method = TSR_COAP_PUT;
        why = encode(dev, op, room, r);
        break;
    case TSR_SERVER_WRITE_UPDATE:
    case TSR_SERVER_CREATE:
        r->method = TSR_COAP_POST;
        why = encode(dev, op, room, r);
        break;
    case TSR_SERVER_WRITE_ATTRIBUTES:
        r->method = TSR_COAP_PUT;
        split_queries(room, op->text);
        break;
    case TSR_SERVER_EXECUTE:
        r->method = TSR_COAP_POST;
        if (op->text && op->text[0]) {
            r->payload = tsr_text(op->text);
            r->content_format = (tsr_coap_num){ true, TSR_LWM2M_FORMAT_TEXT };
        }
        break;
    case TSR_SERVER_DELETE: r->method = TSR_COAP_DELETE; break;
    case TSR_SERVER_OBSERVE:
    case TSR_SERVER_CANCEL_OBSERVE:
        r->method = TSR_COAP_GET;
        ask_format(dev, op, r);
        take_observation(op, room, r);
        break;
    case TSR_SERVER_READ_COMPOSITE: why = ask_names(dev, op, room, r); break;
    case TSR_SERVER_WRITE_COMPOSITE:
        r->method = TSR_COAP_IPATCH;
        why = encode(dev, op, room, r);
        break;
    case TSR_SERVER_OBSERVE_COMPOSITE:
    case TSR_SERVER_CANCEL_COMPOSITE:
        why = ask_names(dev, op, room, r);
        take_observation(op, room, r);
        break;
    }
    r->queries = room->queries;
    r->query_count = room->query_count;
    return why;
}

void operation_send(device *dev, operation *op)
{
    tsr_coap_request r = { 0 };
    request_room room = { 0 };
    desk *d = dev->desk;
    const char *why = build(dev, op, &room, &r);
    tsr_err err = TSR_OK;

    if (!why)
        err = tsr_coap_request_send(tsr_shard_coap(d->shard), dev->peer->index, &r,
                                    tsr_shard_now(d->shard), &op->exchange);
    free(room.body.ptr);
    atomic_fetch_add(&d->requests, 1);
    if (why)
        operation_fail(op, TSR_SERVER_BAD_REQUEST, why);
    else if (err == TSR_E_SPACE)
        operation_fail(op, TSR_SERVER_BUSY,
                       "too many requests are under way, or this one is too "
                       "long");
    else if (err != TSR_OK)
        operation_fail(op, TSR_SERVER_BAD_REQUEST,
                       "the request cannot be made into a CoAP message");
}
