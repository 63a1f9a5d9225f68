/* SPDX-License-Identifier: Apache-2.0
 *
 * Send: values that come unasked (Core 6.4.6). They are in the event stream, and on the disk, before they
 * are acknowledged. */
#define _GNU_SOURCE
#include "server/lwm2m/codec.h"
#include "server/lwm2m/internal.h"

#include "tessera/lwm2m/format/format.h"

#include <stdlib.h>

enum { SENT_MAX = 2048 }; /* values of one Send */

typedef struct {
    tsr_message message;
    desk *desk;
    tsr_coap_id ticket;
    bool non;
    tsr_err err;
} sent_note;

static void answer(desk *d, tsr_coap_id ticket, bool non, uint8_t code, const char *why)
{
    tsr_coap_response r = { .code = code, .non = non };

    if (why)
        r.payload = tsr_text(why);
    if (code == TSR_COAP_UNAVAILABLE)
        r.max_age = (tsr_coap_num){ true, 30 };
    (void)tsr_coap_respond(tsr_shard_coap(d->shard), ticket, &r, tsr_shard_now(d->shard));
}

static void run_sent(tsr_shard *shard, tsr_message *m)
{
    sent_note *n = (sent_note *)(void *)m;

    (void)shard;
    if (n->err == TSR_OK)
        answer(n->desk, n->ticket, n->non, TSR_COAP_CHANGED, NULL);
    else
        answer(n->desk, n->ticket, n->non, TSR_COAP_UNAVAILABLE,
               "the server cannot store this now; try again");
    free(n);
}

static void stored(void *arg, tsr_err err)
{
    sent_note *n = arg;

    n->err = err;
    tsr_shard_post(n->desk->shard, &n->message);
}

/* Core 6.4.6, Transport 6.4.5: only what is registered may be reported. */
static bool is_registered(const device *dev, tsr_lwm2m_path path)
{
    for (size_t i = 0; i < dev->info->link_count; i++) {
        tsr_lwm2m_path p = dev->info->links[i].path;

        if (p.depth >= 1 && p.object == path.object && (p.depth == 1 || p.instance == path.instance))
            return true;
    }
    return false;
}

static uint8_t check(const device *dev, const record_list *r, const char **why)
{
    if (r->count == 0 || r->count > SENT_MAX) {
        *why = r->count ? "too many values at once; send fewer" : "there is no value in it";
        return r->count ? TSR_COAP_TOO_LARGE : TSR_COAP_BAD_REQUEST;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (r->records[i].path.depth < 3 || r->records[i].value.type == TSR_LWM2M_NONE) {
            *why = "every record needs a value of a resource";
            return TSR_COAP_BAD_REQUEST;
        }
        if (!is_registered(dev, r->records[i].path)) {
            *why = "an instance in it is not registered";
            return TSR_COAP_NOT_FOUND;
        }
    }
    return 0;
}

static size_t event_size(const tsr_server_record *r)
{
    bool bytes = r->value.type == TSR_LWM2M_STRING || r->value.type == TSR_LWM2M_OPAQUE ||
                 r->value.type == TSR_LWM2M_CORELNK || r->value.type == TSR_LWM2M_RAW_TEXT ||
                 r->value.type == TSR_LWM2M_RAW_BYTES;

    return 32 + (bytes ? r->value.as.bytes.len : 0);
}

/* How many of the records go into one event; one at least, though its value may be cut off. */
static size_t event_share(const tsr_server_record *records, size_t count)
{
    size_t n = 0, size = 64;

    while (n < count && (n == 0 || size + event_size(&records[n]) <= TSR_EVENT_BODY_MAX))
        size += event_size(&records[n++]);
    return n;
}

/* The commit of the last event is that of all before it. */
static tsr_err keep(device *dev, const record_list *r, tsr_store_done *done, void *arg)
{
    tsr_err err = TSR_OK;

    keep_values(dev, r->records, r->count);
    for (size_t at = 0, n; err == TSR_OK && at < r->count; at += n) {
        tsr_server_event e = { .type = TSR_SERVER_EV_SENT, .kind = -1, .records = r->records + at };
        bool last;

        n = event_share(r->records + at, r->count - at);
        last = at + n == r->count;
        e.record_count = n;
        err = emit_then(dev->desk->server, dev->info->endpoint, &e, last ? done : NULL,
                        last ? arg : NULL);
    }
    return err;
}

static uint8_t take(desk *d, device *dev, const tsr_coap_event *event, const char **why)
{
    uint32_t format = event->msg->content_format.value;
    record_list r = { 0 };
    sent_note *n;
    uint8_t code;

    if (!event->msg->content_format.set ||
        (format != TSR_LWM2M_FORMAT_SENML_CBOR && format != TSR_LWM2M_FORMAT_SENML_JSON &&
         format != TSR_LWM2M_FORMAT_LWM2M_CBOR)) {
        *why = "Send takes SenML CBOR, SenML JSON or LwM2M CBOR";
        return TSR_COAP_UNSUPPORTED_FORMAT;
    }
    if (records_read(&r, (uint16_t)format, tsr_lwm2m_at_root(), dev->info->root, event->body,
                     why) != TSR_OK)
        return TSR_COAP_BAD_REQUEST;
    code = check(dev, &r, why);
    n = code == 0 ? calloc(1, sizeof *n) : NULL;
    if (n) {
        *n = (sent_note){ { NULL, run_sent }, d, event->id, event->msg->type == TSR_COAP_NON, TSR_OK };
        if (keep(dev, &r, stored, n) != TSR_OK) {
            free(n);
            n = NULL;
        }
    }
    records_free(&r);
    if (code == 0 && !n) {
        *why = "the server cannot store this now; try again";
        return TSR_COAP_UNAVAILABLE;
    }
    return code;
}

/* A Send names no endpoint: it is of who registered last from there. */
void send_request_in(desk *d, tsr_peer *peer, const tsr_coap_event *event)
{
    device *dev = peer->user;
    const char *why = NULL;
    uint8_t code;

    if (event->msg->code != TSR_COAP_POST) {
        code = TSR_COAP_METHOD_NOT_ALLOWED;
    } else if (!dev) {
        code = TSR_COAP_NOT_FOUND;
        why = "register first";
    } else {
        code = take(d, dev, event, &why);
    }
    if (code != 0)
        answer(d, event->id, event->msg->type == TSR_COAP_NON, code, why);
}
