/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.csr gives the device a certificate of the authority that devices enrol with here: payloads of EST
 * (RFC 7030), as base64 in texts. The subject is the endpoint's name, whatever the request says. */
#include "server/fdo/module.h"
#include "server/rest/room.h"

#include <stdlib.h>

#include "tessera/cbor/cbor.h"
#include "tessera/json/base64.h"
#include "tessera/net/certs_only.h"

enum { FORMAT_CERTS_ONLY = 281, REQUEST_MAX = 2048, CERTIFICATE_MAX = 4096 };
enum { ACTIVE, LISTENS, AUTHORITY, LISTENS_AGAIN, CERTIFICATE, ENROLLED, UNABLE };
enum { BAD_REQUEST = 1, NOT_SUPPORTED = 3, NO_SUCH_FORMAT = 5 }; /* of fdo.csr:error */

static const char module[] = "fdo.csr";

static const char *check_csr(const tsr_json *step)
{
    static const char *const names[] = { NULL };

    if (!fdo_step_only(step, names))
        return "fdo.csr has `optional` and nothing else";
    return fdo_step_flag(step, "optional") ? NULL : "`optional` is true or false";
}

/* --- what the device is told ------------------------------------------------------------ */

static fdo_say say_payload(fdo_plan_run *p, const char *message, tsr_buf *out)
{
    tsr_buf value = { 0 };

    rest_room(&value, p->data.len + 16);
    tsr_cbor_put_text(&value, tsr_buf_view(&p->data));
    out->err = out->err == TSR_OK ? value.err : out->err;
    tsr_fdo_put_info(out, module, message, tsr_buf_view(&value));
    free(value.ptr);
    return FDO_SAID;
}

static fdo_say say_csr(fdo_plan_run *p, tsr_buf *out)
{
    switch (p->phase) {
    case ACTIVE: fdo_say_bool(out, module, "active", true); return FDO_SAID;
    case AUTHORITY: return say_payload(p, "cacerts-res", out);
    case CERTIFICATE: return say_payload(p, "simpleenroll-res", out);
    case ENROLLED: return FDO_OVER;
    case UNABLE: fdo_say_uint(out, module, "error", p->at); return FDO_SAID;
    default: return FDO_WAITS;
    }
}

/* --- what the device asks for ----------------------------------------------------------- */

static void answer(fdo_plan_run *p, unsigned phase)
{
    p->phase = phase;
    p->waits = false;
}

/* The certificate as base64 of a certs-only message. */
static const char *put_certificate(fdo_plan_run *p, tsr_bytes der)
{
    tsr_buf message = { 0 };

    p->data.len = 0;
    rest_room(&message, der.len + 128);
    rest_room(&p->data, (der.len + 128) / 3 * 4 + 8);
    tsr_certs_only_put(&message, &der, 1);
    tsr_base64_put(&p->data, tsr_buf_view(&message));
    free(message.ptr);
    return message.err == TSR_OK && p->data.err == TSR_OK ? NULL : "out of memory for a certificate";
}

static const char *take_ask(fdo_plan_run *p, tsr_bytes value)
{
    const tsr_fdo_lwm2m *l = p->fdo->config.lwm2m;
    uint64_t format;

    if (tsr_cbor_get_uint(&value, &format) != TSR_OK)
        return "fdo.csr:cacerts-req is no number";
    p->at = NO_SUCH_FORMAT;
    answer(p, format == FORMAT_CERTS_ONLY ? AUTHORITY : UNABLE);
    return format == FORMAT_CERTS_ONLY ? put_certificate(p, l->authority(l->arg)) : NULL;
}

static tsr_err get_request(tsr_bytes value, tsr_buf *der)
{
    tsr_bytes in = value;

    if (tsr_cbor_get_bytes(&value, &in) == TSR_OK) {
        tsr_put_bytes(der, in);
        return der->err;
    }
    return tsr_cbor_get_text(&value, &in) == TSR_OK ? tsr_base64_get(in, der) : TSR_E_MALFORMED;
}

static const char *take_request(tsr_fdo *f, fdo_plan_run *p, tsr_bytes value)
{
    const tsr_fdo_lwm2m *l = f->config.lwm2m;
    fdo_handover *h = &p->handover;
    uint8_t request[REQUEST_MAX], room[CERTIFICATE_MAX];
    tsr_buf in = tsr_buf_over(request, sizeof request), der = tsr_buf_over(room, sizeof room);
    const char *why = NULL;
    tsr_err err;

    if (h->certificate[0] != 0)
        return "the device asks for a second certificate";
    err = get_request(value, &in);
    if (err == TSR_OK)
        err = l->enrol(l->arg, h->endpoint, h->device, tsr_buf_view(&in), &der, h->certificate, &why);
    if (err == TSR_E_DENIED || err == TSR_E_MALFORMED || err == TSR_E_SPACE) {
        fdo_log(f, true, "fdo: device %s: %s", p->guid, why != NULL ? why : "a request that is none");
        p->at = BAD_REQUEST;
        answer(p, UNABLE);
        return NULL;
    }
    if (err != TSR_OK)
        return "the authority could not sign";
    fdo_log(f, false, "fdo: device %s has certificate %s", p->guid, h->certificate);
    answer(p, CERTIFICATE);
    return put_certificate(p, tsr_buf_view(&der));
}

static const char *take_csr(tsr_fdo *f, fdo_plan_run *p, tsr_bytes message, tsr_bytes value)
{
    const tsr_fdo_lwm2m *l = f->config.lwm2m;
    const char *wrong;

    if (l == NULL || l->authority(l->arg).len == 0)
        return "there is no authority that devices enrol with: start the server with --enrol-certificate";
    wrong = fdo_handover_name(f, &p->handover, &p->plan);
    if (wrong != NULL) {
        fdo_log(f, true, "fdo: device %s: %s", p->guid, wrong);
        return wrong;
    }
    if (p->phase != LISTENS && p->phase != LISTENS_AGAIN && p->phase <= UNABLE)
        return "the device asks for something while it is told something else";
    if (tsr_same(message, tsr_text("cacerts-req")))
        return take_ask(p, value);
    if (tsr_same(message, tsr_text("simpleenroll-req")))
        return take_request(f, p, value);
    p->at = NOT_SUPPORTED; /* keys made here, renewals, attributes */
    answer(p, UNABLE);
    return NULL;
}

const fdo_module fdo_csr = { "fdo.csr", check_csr, say_csr, take_csr };
