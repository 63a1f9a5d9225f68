/* SPDX-License-Identifier: Apache-2.0 */
#include "server/bootstrap/request.h"

#include "server/lwm2m/registration.h"
#include "tessera/lwm2m/format/format.h"

enum { ETCH_JSON = 320, ETCH_CBOR = 322 };

static uint8_t take_format(bs_asked *a, tsr_bytes v, const char **why)
{
    uint64_t n;

    if (tsr_dec(v, &n) != TSR_OK || n > UINT16_MAX)
        return tsr_request_refuse(why, TSR_COAP_BAD_REQUEST,
                                  "pct must be the number of a Content-Format");
    if (n != TSR_LWM2M_FORMAT_SENML_JSON && n != TSR_LWM2M_FORMAT_SENML_CBOR &&
        n != TSR_LWM2M_FORMAT_TLV && n != TSR_LWM2M_FORMAT_LWM2M_CBOR)
        return tsr_request_refuse(why, TSR_COAP_UNSUPPORTED_FORMAT,
                                  "pct must be 110, 112, 11542 or 11544");
    a->format = (uint16_t)n;
    return 0;
}

static uint8_t take_query(bs_asked *a, tsr_bytes query, const char **why)
{
    tsr_bytes v;

    if (tsr_query_named(query, "ep", &v))
        return tsr_query_endpoint(v, &a->has_endpoint, &a->endpoint, why);
    if (!a->pack && tsr_query_named(query, "pct", &v))
        return take_format(a, v, why);
    if (a->pack && tsr_query_named(query, "acc", &v)) {
        a->has_acc = true;
        a->acc = v;
    }
    return 0; /* what is not known is not for us */
}

/* Clients also ask with the numbers of SenML-ETCH: a pack has the same bytes in both. */
static uint8_t take_accept(bs_asked *a, const tsr_coap_msg *msg, const char **why)
{
    a->label = msg->accept.set ? (uint16_t)msg->accept.value : TSR_LWM2M_FORMAT_SENML_CBOR;
    switch (a->label) {
    case ETCH_JSON: a->format = TSR_LWM2M_FORMAT_SENML_JSON; return 0;
    case ETCH_CBOR: a->format = TSR_LWM2M_FORMAT_SENML_CBOR; return 0;
    case TSR_LWM2M_FORMAT_SENML_JSON:
    case TSR_LWM2M_FORMAT_SENML_CBOR:
    case TSR_LWM2M_FORMAT_LWM2M_CBOR: a->format = a->label; return 0;
    default:
        return tsr_request_refuse(why, TSR_COAP_NOT_ACCEPTABLE,
                                  "a pack comes in 110, 112 or 11544");
    }
}

static uint8_t which(const tsr_coap_msg *msg, bs_asked *a, const char **why)
{
    bool bs = msg->path_count == 1 && tsr_same(msg->path[0], tsr_text("bs"));

    a->pack = msg->path_count == 1 && tsr_same(msg->path[0], tsr_text("bspack"));
    *why = "";
    if (!bs && !a->pack)
        return TSR_COAP_NOT_FOUND;
    return msg->code == (a->pack ? TSR_COAP_GET : TSR_COAP_POST) ? 0 : TSR_COAP_METHOD_NOT_ALLOWED;
}

uint8_t bs_request_parse(const tsr_coap_msg *msg, bs_asked *out, const char **why)
{
    tsr_coap_opts it = { .rest = msg->options };
    bs_asked a = { 0 };
    tsr_bytes query;
    uint8_t code = which(msg, &a, why);

    while (code == 0 && tsr_coap_query_next(&it, &query) == TSR_OK)
        code = take_query(&a, query, why);
    if (code == 0 && a.pack)
        code = take_accept(&a, msg, why);
    if (code == 0)
        *out = a;
    return code;
}
