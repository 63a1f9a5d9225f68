/* SPDX-License-Identifier: Apache-2.0
 *
 * RendezvousInfo is a list of directives, each a list of [variable, value]; a value is CBOR in a
 * byte string. FDO 1.1 RendezvousInfo */
#include "tessera/fdo/rendezvous.h"
#include "tessera/cbor/cbor.h"

static tsr_err take_number(tsr_bytes *in, uint64_t most, uint64_t *v)
{
    tsr_err err = tsr_cbor_get_uint(in, v);

    return err == TSR_OK && *v > most ? TSR_E_MALFORMED : err;
}

/* An IPv4 address mapped into 16 bytes (RFC 4291 §2.5.5.2) is one of 4. */
static tsr_err take_ip(tsr_bytes *in, tsr_bytes *ip)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    tsr_err err = tsr_cbor_get_bytes(in, ip);

    if (err != TSR_OK)
        return err;
    if (ip->len == 16 && memcmp(ip->ptr, mapped, sizeof mapped) == 0)
        *ip = tsr_skip(*ip, sizeof mapped);
    return ip->len == 4 || ip->len == 16 ? TSR_OK : TSR_E_MALFORMED;
}

static tsr_err take_name(tsr_bytes *in, tsr_bytes *text)
{
    tsr_err err = tsr_cbor_get_text(in, text);

    return err == TSR_OK && text->len == 0 ? TSR_E_MALFORMED : err;
}

static tsr_err take_flag(tsr_bytes *in, bool *flag)
{
    in->len = 0; /* flags carry no value; one that is there says nothing */
    *flag = true;
    return TSR_OK;
}

static tsr_err take_value(uint64_t var, tsr_bytes *in, tsr_fdo_directive *d)
{
    uint64_t n = 0;
    tsr_err err;

    switch (var) {
    case TSR_FDO_RV_DEV_ONLY: return take_flag(in, &d->dev_only);
    case TSR_FDO_RV_OWNER_ONLY: return take_flag(in, &d->owner_only);
    case TSR_FDO_RV_USER_INPUT: return take_flag(in, &d->user_input);
    case TSR_FDO_RV_BYPASS: return take_flag(in, &d->bypass);
    case TSR_FDO_RV_IP: return take_ip(in, &d->ip);
    case TSR_FDO_RV_DNS: return take_name(in, &d->dns);
    case TSR_FDO_RV_WIFI_SSID: return tsr_cbor_get_text(in, &d->wifi_ssid);
    case TSR_FDO_RV_WIFI_PW: return tsr_cbor_get_text(in, &d->wifi_pw);
    case TSR_FDO_RV_SERVER_CERT: return tsr_fdo_get_hash(in, &d->server_cert);
    case TSR_FDO_RV_CA_CERT: return tsr_fdo_get_hash(in, &d->ca_cert);
    case TSR_FDO_RV_EXT: return tsr_fdo_get_item(in, &d->ext);
    case TSR_FDO_RV_DEV_PORT:
        err = take_number(in, UINT16_MAX, &n);
        d->dev_port = (uint16_t)n;
        return err;
    case TSR_FDO_RV_OWNER_PORT:
        err = take_number(in, UINT16_MAX, &n);
        d->owner_port = (uint16_t)n;
        return err;
    case TSR_FDO_RV_MEDIUM:
        err = take_number(in, TSR_FDO_RV_NONE - 1, &n);
        d->medium = (uint8_t)n;
        return err;
    case TSR_FDO_RV_PROTOCOL:
        err = take_number(in, TSR_FDO_RV_NONE - 1, &n);
        d->protocol = (uint8_t)n;
        return err;
    case TSR_FDO_RV_DELAY:
        err = take_number(in, UINT32_MAX, &n);
        d->delay_s = (uint32_t)n;
        d->has_delay = true;
        return err;
    default:
        d->unknown = true;
        in->len = 0;
        return TSR_OK;
    }
}

static tsr_err take_variable(tsr_bytes *in, tsr_fdo_directive *d)
{
    uint64_t items, var = 0;
    tsr_bytes value = { NULL, 0 };
    tsr_err err = tsr_cbor_get_array(in, &items);

    if (err == TSR_OK && (items == 0 || items > 2))
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_cbor_get_uint(in, &var);
    if (err == TSR_OK && items == 2)
        err = tsr_cbor_get_bytes(in, &value);
    if (err == TSR_OK)
        err = take_value(var, &value, d);
    return err == TSR_OK && value.len != 0 ? TSR_E_MALFORMED : err;
}

static tsr_err take_directive(tsr_bytes *in, tsr_fdo_directive *d)
{
    uint64_t count;
    tsr_err err = tsr_cbor_get_array(in, &count);

    *d = (tsr_fdo_directive){ .medium = TSR_FDO_RV_NONE, .protocol = TSR_FDO_RV_NONE };
    for (; err == TSR_OK && count > 0; count--)
        err = take_variable(in, d);
    return err;
}

tsr_err tsr_fdo_rv_check(tsr_bytes info, size_t *directives)
{
    tsr_fdo_directive d;
    uint64_t count = 0;
    tsr_err err = tsr_cbor_get_array(&info, &count);

    for (uint64_t i = 0; err == TSR_OK && i < count; i++)
        err = take_directive(&info, &d);
    if (err != TSR_OK || info.len != 0)
        return err != TSR_OK ? err : TSR_E_MALFORMED;
    *directives = (size_t)count;
    return TSR_OK;
}

tsr_err tsr_fdo_rv_at(tsr_bytes info, size_t index, tsr_fdo_directive *d)
{
    uint64_t count = 0;
    tsr_err err = tsr_cbor_get_array(&info, &count);

    if (err == TSR_OK && index >= count)
        return TSR_E_NOT_FOUND;
    for (; err == TSR_OK && index > 0; index--)
        err = tsr_cbor_skip(&info);
    return err == TSR_OK ? take_directive(&info, d) : err;
}

uint16_t tsr_fdo_rv_port(uint8_t protocol)
{
    switch (protocol) {
    case TSR_FDO_RV_HTTP: return 80;
    case TSR_FDO_RV_REST:
    case TSR_FDO_RV_HTTPS: return 443;
    case TSR_FDO_RV_COAP_TCP:
    case TSR_FDO_RV_COAP_UDP: return 5683;
    default: return 0;
    }
}

uint8_t tsr_fdo_rv_transport(uint8_t protocol)
{
    switch (protocol) {
    case TSR_FDO_RV_REST:
    case TSR_FDO_RV_HTTPS: return TSR_FDO_OVER_HTTPS;
    case TSR_FDO_RV_HTTP: return TSR_FDO_OVER_HTTP;
    case TSR_FDO_RV_TCP: return TSR_FDO_OVER_TCP;
    case TSR_FDO_RV_TLS: return TSR_FDO_OVER_TLS;
    case TSR_FDO_RV_COAP_TCP:
    case TSR_FDO_RV_COAP_UDP: return TSR_FDO_OVER_COAP;
    default: return 0;
    }
}

static tsr_err take_ip_or_null(tsr_bytes *in, tsr_bytes *ip)
{
    if (tsr_cbor_get_null(in) != TSR_OK)
        return take_ip(in, ip);
    *ip = tsr_view(NULL, 0);
    return TSR_OK;
}

static tsr_err take_dns_or_null(tsr_bytes *in, tsr_bytes *dns)
{
    if (tsr_cbor_get_null(in) != TSR_OK)
        return take_name(in, dns);
    *dns = tsr_view(NULL, 0);
    return TSR_OK;
}

tsr_err tsr_fdo_get_addr(tsr_bytes *in, tsr_fdo_addr *a)
{
    tsr_bytes rest = *in;
    tsr_fdo_addr got;
    uint64_t port, transport;
    tsr_err err = tsr_fdo_get_array(&rest, 4);

    if (err == TSR_OK)
        err = take_ip_or_null(&rest, &got.ip);
    if (err == TSR_OK)
        err = take_dns_or_null(&rest, &got.dns);
    if (err == TSR_OK)
        err = take_number(&rest, UINT16_MAX, &port);
    if (err == TSR_OK)
        err = take_number(&rest, UINT8_MAX, &transport);
    if (err != TSR_OK)
        return err;
    if (got.ip.ptr == NULL && got.dns.ptr == NULL)
        return TSR_E_MALFORMED;
    got.port = (uint16_t)port;
    got.transport = (uint8_t)transport;
    *in = rest;
    *a = got;
    return TSR_OK;
}

tsr_err tsr_fdo_addr_at(tsr_bytes addrs, size_t index, tsr_fdo_addr *a)
{
    uint64_t count = 0;
    tsr_err err = tsr_cbor_get_array(&addrs, &count);

    if (err == TSR_OK && index >= count)
        return TSR_E_NOT_FOUND;
    for (; err == TSR_OK && index > 0; index--)
        err = tsr_cbor_skip(&addrs);
    return err == TSR_OK ? tsr_fdo_get_addr(&addrs, a) : err;
}
