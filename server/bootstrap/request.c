/* SPDX-License-Identifier: Apache-2.0 */
#include "server/bootstrap/request.h"

#include "tessera/base/utf8.h"
#include "tessera/lwm2m/format/format.h"

enum { ENDPOINT_MAX = 255, ETCH_JSON = 320, ETCH_CBOR = 322 };

static uint8_t refuse(const char **why, uint8_t code, const char *text)
{
    *why = text;
    return code;
}

static bool named(tsr_bytes query, const char *name, tsr_bytes *value)
{
    size_t n = strlen(name);

    if (query.len <= n || memcmp(query.ptr, name, n) != 0 || query.ptr[n] != '=')
        return false;
    *value = tsr_skip(query, n + 1);
    return true;
}

static uint8_t take_endpoint(bs_asked *a, tsr_bytes v, const char **why)
{
    if (a->has_endpoint)
        return refuse(why, TSR_COAP_BAD_REQUEST, "ep is given twice");
    if (v.len == 0 || v.len > ENDPOINT_MAX || memchr(v.ptr, 0, v.len) || !tsr_utf8_valid(v))
        return refuse(why, TSR_COAP_BAD_REQUEST, "ep must be 1 to 255 bytes of UTF-8");
    a->has_endpoint = true;
    a->endpoint = v;
    return 0;
}

static uint8_t take_format(bs_asked *a, tsr_bytes v, const char **why)
{
    uint64_t n;

    if (tsr_dec(v, &n) != TSR_OK || n > UINT16_MAX)
        return refuse(why, TSR_COAP_BAD_REQUEST, "pct must be the number of a Content-Format");
    if (n != TSR_LWM2M_FORMAT_SENML_JSON && n != TSR_LWM2M_FORMAT_SENML_CBOR &&
        n != TSR_LWM2M_FORMAT_TLV && n != TSR_LWM2M_FORMAT_LWM2M_CBOR)
        return refuse(why, TSR_COAP_UNSUPPORTED_FORMAT, "pct must be 110, 112, 11542 or 11544");
    a->format = (uint16_t)n;
    return 0;
}

static uint8_t take_query(bs_asked *a, tsr_bytes query, const char **why)
{
    tsr_bytes v;

    if (named(query, "ep", &v))
        return take_endpoint(a, v, why);
    if (!a->pack && named(query, "pct", &v))
        return take_format(a, v, why);
    if (a->pack && named(query, "acc", &v)) {
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
        return refuse(why, TSR_COAP_NOT_ACCEPTABLE, "a pack comes in 110, 112 or 11544");
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
