/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes back: decoded and told; or asked again in another format when the first is not
 * understood. */
#define _GNU_SOURCE
#include "server/lwm2m/internal.h"

#include "server/model.h"
#include "tessera/lwm2m/format/format.h"

#include <stdio.h>

/* A composite question has two formats: that of its body (4.15) and that of its answer (4.06). */
static bool try_next_composite(device *dev, operation *op, uint8_t code)
{
    bool answers = op->kind != TSR_SERVER_WRITE_COMPOSITE && op->format == TSR_SERVER_FORMAT_AUTO;
    bool asks = op->kind != TSR_SERVER_WRITE_COMPOSITE || op->format == TSR_SERVER_FORMAT_AUTO;

    if (!dev->peer || op->attempts + op->accepts >= 5)
        return false;
    if (code == TSR_COAP_UNSUPPORTED_FORMAT && asks &&
        format_for_composite(dev, op, (uint8_t)(op->attempts + 1)) != TSR_SERVER_FORMAT_AUTO)
        op->attempts++;
    else if (code == TSR_COAP_NOT_ACCEPTABLE && answers &&
             format_for_read(dev, op->path, (uint8_t)(op->accepts + 1)) != TSR_SERVER_FORMAT_AUTO)
        op->accepts++;
    else
        return false;
    operation_send(dev, op);
    return true;
}

/* True when it was asked again in another format. */
static bool try_next_format(device *dev, operation *op, uint8_t code)
{
    bool asked = op->kind == TSR_SERVER_READ || op->kind == TSR_SERVER_OBSERVE;
    bool sent = op->kind == TSR_SERVER_WRITE_REPLACE || op->kind == TSR_SERVER_WRITE_UPDATE ||
                op->kind == TSR_SERVER_CREATE;

    if (kind_is_composite(op->kind))
        return try_next_composite(dev, op, code);
    if (op->format != TSR_SERVER_FORMAT_AUTO || op->attempts >= 3 || !dev->peer)
        return false;
    if (!(asked && (code == TSR_COAP_NOT_ACCEPTABLE || code == TSR_COAP_BAD_OPTION)) &&
        !(sent && code == TSR_COAP_UNSUPPORTED_FORMAT))
        return false;
    op->attempts++;
    if (asked && format_for_read(dev, op->path, op->attempts) == TSR_SERVER_FORMAT_AUTO)
        return false;
    if (sent && format_for_write(dev, op, op->attempts) == TSR_SERVER_FORMAT_AUTO)
        return false;
    operation_send(dev, op);
    return true;
}

static void copy_location(const tsr_coap_msg *msg, const char *root, char *out, size_t cap)
{
    tsr_coap_opts it = { .rest = msg->options };
    tsr_buf text = tsr_buf_over(out, cap - 1);
    tsr_bytes segment;
    size_t n = strlen(root);

    while (tsr_coap_opt_find(&it, TSR_COAP_LOCATION_PATH, &segment) == TSR_OK) {
        tsr_put_text(&text, "/");
        tsr_put_bytes(&text, segment);
    }
    out[text.err == TSR_OK ? text.len : 0] = 0;
    if (n && strncmp(out, root, n) == 0 && out[n] == '/')
        memmove(out, out + n, strlen(out + n) + 1);
}

static void observed(operation *op, const tsr_coap_event *event)
{
    observation *o = op->observed;
    bool on = event->observing && tsr_coap_is_success(event->msg->code);

    if (!o)
        return;
    o->setup = NULL;
    if (kind_observes(op->kind) && on) {
        pthread_mutex_lock(&op->device->desk->lock);
        o->active = true;
        pthread_mutex_unlock(&op->device->desk->lock);
        return;
    }
    op->observed = NULL;
    observation_remove(o);
    if (kind_cancels(op->kind)) {
        tsr_server_event e = { .type = TSR_SERVER_EV_OBSERVE_ENDED,
                               .kind = -1,
                               .has_path = true,
                               .path = op->path,
                               .detail = "cancelled" };

        emit(op->server, op->endpoint, &e);
    }
}

/* The device's own words, when it is text that can be shown. */
static const char *diagnostic_of(const tsr_coap_event *event, char *out, size_t cap)
{
    if (tsr_coap_is_success(event->msg->code) || event->msg->content_format.set ||
        event->body.len == 0)
        return "";
    (void)snprintf(out, cap, "%.*s", (int)(event->body.len < cap - 1 ? event->body.len : cap - 1),
                   (const char *)event->body.ptr);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = ' ';
    return out;
}

static void decode(operation *op, const tsr_coap_event *event, tsr_server_result *r,
                   record_list *values, tsr_link_list *links)
{
    device *dev = op->device;
    const char *why = "";

    if (event->msg->code != TSR_COAP_CONTENT)
        return;
    if (op->kind == TSR_SERVER_DISCOVER) {
        if (tsr_link_list_read(event->body, dev->info->root, links) != TSR_OK) {
            r->outcome = TSR_SERVER_UNDECODABLE;
            r->diagnostic = "the device's answer is no link format";
        }
        r->links = links->links;
        r->link_count = links->count;
        return;
    }
    if (op->kind != TSR_SERVER_READ && op->kind != TSR_SERVER_READ_COMPOSITE &&
        !kind_observes(op->kind))
        return;
    if (records_read(values,
                     r->format == TSR_SERVER_FORMAT_AUTO ? TSR_LWM2M_FORMAT_TEXT : r->format,
                     op->path, dev->info->root, event->body, &why) != TSR_OK) {
        r->outcome = TSR_SERVER_UNDECODABLE;
        r->diagnostic = why;
        return;
    }
    r->records = values->records;
    r->record_count = values->count;
    keep_values(dev, values->records, values->count);
}

static void answered(operation *op, const tsr_coap_event *event)
{
    device *dev = op->device;
    char location[64] = "", diagnostic[256];
    record_list values = { 0 };
    tsr_link_list links = { 0 };
    tsr_server_result r = {
        .outcome = TSR_SERVER_ANSWERED,
        .code = event->msg->code,
        .format = event->msg->content_format.set ? (uint16_t)event->msg->content_format.value
                                                 : TSR_SERVER_FORMAT_AUTO,
        .payload = event->body,
        .location = location,
        .round_trip_ms = (uint32_t)(tsr_shard_now(dev->desk->shard) - op->started_ms),
    };

    op->exchange = 0;
    if (try_next_format(dev, op, r.code))
        return;
    r.diagnostic = diagnostic_of(event, diagnostic, sizeof diagnostic);
    copy_location(event->msg, dev->info->root, location, sizeof location);
    if (op->kind == TSR_SERVER_CREATE && r.code == TSR_COAP_CREATED && !location[0]) {
        tsr_buf out = tsr_buf_over(location, sizeof location - 1);

        tsr_lwm2m_path_put(&out, op->path);
        location[out.len] = 0;
    }
    decode(op, event, &r, &values, &links);
    observed(op, event);
    operation_finish(op, &r);
    records_free(&values);
    tsr_link_list_free(&links);
    device_pump(dev);
}

static void unanswered(operation *op, const char *why)
{
    device *dev = op->device;

    op->exchange = 0;
    atomic_fetch_add(&dev->desk->timeouts, 1);
    if (kind_cancels(op->kind) && op->observed) {
        observation *o = op->observed; /* its next notification is rejected, which ends it too */

        op->observed = NULL;
        observation_remove(o);
    }
    device_offline(dev, why);
    operation_fail(op, TSR_SERVER_TIMEOUT, why);
    device_pump(dev);
}

void operation_event(desk *d, operation *op, const tsr_coap_event *event)
{
    device *dev = op->device;

    (void)d;
    switch (event->kind) {
    case TSR_COAP_RESPONSE: answered(op, event); break;
    case TSR_COAP_TIMEOUT: unanswered(op, "the device does not answer"); break;
    case TSR_COAP_RESET:
        op->exchange = 0;
        if (op->queued)
            queue_rejected(op->queued);
        operation_fail(op, TSR_SERVER_TIMEOUT, "the device rejected the message (RST)");
        device_pump(dev);
        break;
    case TSR_COAP_GONE:
        op->exchange = 0;
        device_requeue(dev);
        break;
    case TSR_COAP_FAILED:
        op->exchange = 0;
        operation_fail(op, TSR_SERVER_UNDECODABLE,
                       event->err == TSR_E_SPACE ? "the device's answer is too long"
                                                 : "the device's answer breaks CoAP");
        device_pump(dev);
        break;
    default: break;
    }
}
