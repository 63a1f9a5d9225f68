/* SPDX-License-Identifier: Apache-2.0
 *
 * What the bootstrap server asks, and only it, and only while a bootstrap is under way (Transport
 * 6.4.1). The codes are those that the tables of the Transport have for these operations. */
#include "tessera/lwm2m/client/bootstrap/internal.h"

enum { SERVER = 1, ACCESS_CONTROL = 2 };

typedef struct {
    const tsr_coap_event *event;
    const tsr_coap_msg *msg;
    tsr_lwm2m_operation op;
    tsr_lwm2m_path at;
    tsr_buf body;
    const char *reason; /* for the log */
    bool finished, broken;
    tsr_coap_response answer;
} request;

static uint8_t do_discover(tsr_lwm2m_client *c, request *r)
{
    tsr_err err = tsr_lwm2m_boot_discover(c, r->at, &r->body);

    if (err != TSR_OK)
        return err == TSR_E_NOT_FOUND ? TSR_COAP_NOT_FOUND
               : err == TSR_E_SPACE   ? TSR_COAP_INTERNAL_ERROR
                                      : TSR_COAP_BAD_REQUEST;
    r->answer.content_format = (tsr_coap_num){ true, TSR_LWM2M_FORMAT_LINK };
    r->answer.payload = tsr_buf_view(&r->body);
    return TSR_COAP_CONTENT;
}

static tsr_err read_format(const tsr_lwm2m_client *c, const request *r, tsr_lwm2m_format *format)
{
    tsr_err err = TSR_OK;

    if (r->msg->accept.set)
        err = tsr_lwm2m_format_from(r->msg->accept.value, format);
    else
        *format = c->config.version_minor == 0 ? TSR_LWM2M_FORMAT_TLV
                                               : TSR_LWM2M_FORMAT_SENML_CBOR;
    if (err == TSR_OK && !tsr_lwm2m_format_is_multiple(*format))
        err = TSR_E_UNSUPPORTED;
    return err;
}

/* Core 6.1.7.4: instances of Server and of Access Control, and nothing else. */
static uint8_t do_read(tsr_lwm2m_client *c, request *r)
{
    tsr_lwm2m_object object;
    tsr_lwm2m_format format;
    tsr_lwm2m_out out;
    tsr_err err, ended;

    if ((r->at.object != SERVER && r->at.object != ACCESS_CONTROL) || r->at.depth < 1 ||
        r->at.depth > 2)
        return TSR_COAP_METHOD_NOT_ALLOWED;
    if (!tsr_lwm2m_stage_find(c, r->at.object, &object))
        return TSR_COAP_NOT_FOUND;
    err = read_format(c, r, &format);
    if (err == TSR_OK)
        err = tsr_lwm2m_out_begin(&out, format, r->at, &r->body);
    if (err == TSR_OK) {
        err = tsr_lwm2m_object_read(&object, r->at, &out);
        ended = tsr_lwm2m_out_end(&out);
        err = err == TSR_OK ? ended : err;
    }
    if (err != TSR_OK)
        return tsr_lwm2m_manage_code(err, TSR_COAP_NOT_ACCEPTABLE);
    r->answer.content_format = (tsr_coap_num){ true, (uint32_t)format };
    r->answer.payload = tsr_buf_view(&r->body);
    return TSR_COAP_CONTENT;
}

static uint8_t do_write(tsr_lwm2m_client *c, request *r)
{
    tsr_lwm2m_format format = TSR_LWM2M_FORMAT_TEXT;
    tsr_err err = TSR_OK;

    if (r->msg->content_format.set)
        err = tsr_lwm2m_format_from(r->msg->content_format.value, &format);
    if (err == TSR_OK)
        err = tsr_lwm2m_stage_write(c, r->at, format, r->event->body, &r->broken);
    if (err != TSR_OK)
        r->reason = tsr_err_name(err);
    if (r->broken || err == TSR_E_CRYPTO)
        return TSR_COAP_INTERNAL_ERROR;
    return err == TSR_OK              ? TSR_COAP_CHANGED
           : err == TSR_E_UNSUPPORTED ? TSR_COAP_UNSUPPORTED_FORMAT
                                      : TSR_COAP_BAD_REQUEST;
}

static uint8_t do_delete(tsr_lwm2m_client *c, request *r)
{
    tsr_err err = tsr_lwm2m_stage_delete(c, r->at);

    if (err != TSR_OK)
        r->reason = tsr_err_name(err);
    return err == TSR_OK ? TSR_COAP_DELETED : TSR_COAP_BAD_REQUEST;
}

/* Core 6.1.6: what is staged stays after a refusal, so that the server can mend it. What could not be
 * made durable has not happened either. */
static uint8_t do_finish(tsr_lwm2m_client *c, request *r)
{
    tsr_lwm2m_stage_delete_orphans(c);
    r->reason = tsr_lwm2m_stage_check(c);
    if (r->reason != NULL)
        return TSR_COAP_NOT_ACCEPTABLE;
    if (tsr_lwm2m_stage_commit(c) != TSR_OK) {
        r->reason = "the new accounts could not be stored";
        return TSR_COAP_NOT_ACCEPTABLE;
    }
    r->finished = true;
    return TSR_COAP_CHANGED;
}

static tsr_lwm2m_operation classify_get(const request *r)
{
    if (r->msg->accept.set ? r->msg->accept.value == TSR_LWM2M_FORMAT_LINK : r->at.depth == 0)
        return TSR_LWM2M_OP_BOOTSTRAP_DISCOVER;
    return TSR_LWM2M_OP_BOOTSTRAP_READ;
}

static tsr_lwm2m_operation classify(const request *r)
{
    switch (r->msg->code) {
    case TSR_COAP_GET:    return classify_get(r);
    case TSR_COAP_PUT:    return TSR_LWM2M_OP_BOOTSTRAP_WRITE;
    case TSR_COAP_DELETE: return TSR_LWM2M_OP_BOOTSTRAP_DELETE;
    default:              return TSR_LWM2M_OP_NONE;
    }
}

static uint8_t perform(tsr_lwm2m_client *c, request *r)
{
    switch (r->op) {
    case TSR_LWM2M_OP_BOOTSTRAP_DISCOVER: return do_discover(c, r);
    case TSR_LWM2M_OP_BOOTSTRAP_READ:     return do_read(c, r);
    case TSR_LWM2M_OP_BOOTSTRAP_WRITE:    return do_write(c, r);
    case TSR_LWM2M_OP_BOOTSTRAP_DELETE:   return do_delete(c, r);
    case TSR_LWM2M_OP_BOOTSTRAP_FINISH:   return do_finish(c, r);
    default:                              return TSR_COAP_METHOD_NOT_ALLOWED;
    }
}

static uint8_t handle(tsr_lwm2m_client *c, request *r)
{
    uint16_t ids[4] = { 0 };
    size_t depth = 0;

    if (tsr_coap_msg_path_is(r->msg, 0, "/bs")) {
        r->op = r->msg->code == TSR_COAP_POST ? TSR_LWM2M_OP_BOOTSTRAP_FINISH : TSR_LWM2M_OP_NONE;
    } else if (tsr_coap_msg_ids(r->msg, 0, ids, 4, &depth) != TSR_OK) {
        return TSR_COAP_NOT_FOUND;
    } else {
        r->at = (tsr_lwm2m_path){ ids[0], ids[1], ids[2], ids[3], (uint8_t)depth };
        r->op = classify(r);
    }
    if (c->bootstrap->phase != TSR_LWM2M_BOOT_OPEN)
        return TSR_COAP_METHOD_NOT_ALLOWED;
    return perform(c, r);
}

static void answer(tsr_lwm2m_client *c, request *r)
{
    tsr_err err;

    if (r->answer.code >> 5 != 2)
        r->answer = (tsr_coap_response){ .code = r->answer.code };
    err = tsr_coap_respond(&c->coap, r->event->id, &r->answer, c->now_ms);
    if (err == TSR_E_SPACE) {
        r->answer = (tsr_coap_response){ .code = TSR_COAP_INTERNAL_ERROR };
        (void)tsr_coap_respond(&c->coap, r->event->id, &r->answer, c->now_ms);
    }
}

void tsr_lwm2m_boot_request(tsr_lwm2m_client *c, const tsr_coap_event *event)
{
    request r = { .event = event, .msg = event->msg,
                  .body = tsr_buf_over(c->config.body, c->config.body_len) };
    tsr_lwm2m_client_event *told;

    r.answer.code = handle(c, &r);
    answer(c, &r);
    told = tsr_lwm2m_client_tell(c, TSR_LWM2M_E_REQUEST, (uint8_t)event->peer, r.answer.code);
    told->operation = r.op;
    told->at = r.at;
    if (r.reason != NULL)
        told->reason = r.reason;
    if (r.finished)
        tsr_lwm2m_boot_finished(c);
    else if (r.broken)
        tsr_lwm2m_boot_failed(c, TSR_COAP_INTERNAL_ERROR, "a key could not be taken");
}
