/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/cbor/cbor.h"
#include "tessera/fdo/rendezvous.h"

enum { VALUE_MAX = 300 }; /* bytes of a wrapped value: a DNS name, or a hash */

typedef struct {
    tsr_buf *out; /* NULL: only counting */
    uint64_t count;
} variables;

static void put_value(variables *v, tsr_fdo_rv_var var, tsr_bytes encoded)
{
    v->count++;
    if (v->out == NULL)
        return;
    tsr_cbor_put_array(v->out, 2);
    tsr_cbor_put_uint(v->out, var);
    tsr_cbor_put_bytes(v->out, encoded);
}

static void put_flag(variables *v, bool set, tsr_fdo_rv_var var)
{
    if (!set)
        return;
    v->count++;
    if (v->out == NULL)
        return;
    tsr_cbor_put_array(v->out, 1);
    tsr_cbor_put_uint(v->out, var);
}

static void put_number(variables *v, bool set, tsr_fdo_rv_var var, uint64_t n)
{
    uint8_t room[9];
    tsr_buf value = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_uint(&value, n);
    if (set)
        put_value(v, var, tsr_buf_view(&value));
}

static void finish(variables *v, tsr_fdo_rv_var var, const tsr_buf *value)
{
    if (value->err == TSR_OK)
        put_value(v, var, tsr_buf_view(value));
    else if (v->out != NULL && v->out->err == TSR_OK)
        v->out->err = TSR_E_SPACE;
}

static void put_string(variables *v, tsr_fdo_rv_var var, tsr_cbor_kind kind, tsr_bytes content)
{
    uint8_t room[VALUE_MAX];
    tsr_buf value = tsr_buf_over(room, sizeof room);

    if (content.ptr == NULL)
        return;
    tsr_cbor_put_head(&value, kind, content.len);
    tsr_put_bytes(&value, content);
    finish(v, var, &value);
}

static void put_cert(variables *v, tsr_fdo_rv_var var, const tsr_fdo_hash *h)
{
    uint8_t room[TSR_FDO_HASH_MAX + 8];
    tsr_buf value = tsr_buf_over(room, sizeof room);

    if (h->alg == 0)
        return;
    tsr_fdo_put_hash(&value, h);
    finish(v, var, &value);
}

static void put_all(variables *v, const tsr_fdo_directive *d)
{
    put_flag(v, d->dev_only, TSR_FDO_RV_DEV_ONLY);
    put_flag(v, d->owner_only, TSR_FDO_RV_OWNER_ONLY);
    put_string(v, TSR_FDO_RV_IP, TSR_CBOR_BYTES, d->ip);
    put_number(v, d->dev_port != 0, TSR_FDO_RV_DEV_PORT, d->dev_port);
    put_number(v, d->owner_port != 0, TSR_FDO_RV_OWNER_PORT, d->owner_port);
    put_string(v, TSR_FDO_RV_DNS, TSR_CBOR_TEXT, d->dns);
    put_cert(v, TSR_FDO_RV_SERVER_CERT, &d->server_cert);
    put_cert(v, TSR_FDO_RV_CA_CERT, &d->ca_cert);
    put_flag(v, d->user_input, TSR_FDO_RV_USER_INPUT);
    put_string(v, TSR_FDO_RV_WIFI_SSID, TSR_CBOR_TEXT, d->wifi_ssid);
    put_string(v, TSR_FDO_RV_WIFI_PW, TSR_CBOR_TEXT, d->wifi_pw);
    put_number(v, d->medium != TSR_FDO_RV_NONE, TSR_FDO_RV_MEDIUM, d->medium);
    put_number(v, d->protocol != TSR_FDO_RV_NONE, TSR_FDO_RV_PROTOCOL, d->protocol);
    put_number(v, d->has_delay, TSR_FDO_RV_DELAY, d->delay_s);
    put_flag(v, d->bypass, TSR_FDO_RV_BYPASS);
    if (d->ext.ptr != NULL)
        put_value(v, TSR_FDO_RV_EXT, d->ext);
}

void tsr_fdo_put_directive(tsr_buf *out, const tsr_fdo_directive *d)
{
    variables counted = { .out = NULL }, written = { .out = out };

    put_all(&counted, d);
    tsr_cbor_put_array(out, counted.count);
    put_all(&written, d);
}

void tsr_fdo_put_addr(tsr_buf *out, const tsr_fdo_addr *a)
{
    tsr_cbor_put_array(out, 4);
    tsr_fdo_put_bytes_or_null(out, a->ip);
    if (a->dns.ptr == NULL)
        tsr_cbor_put_null(out);
    else
        tsr_cbor_put_text(out, a->dns);
    tsr_cbor_put_uint(out, a->port);
    tsr_cbor_put_uint(out, a->transport);
}
