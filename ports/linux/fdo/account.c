/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/fdo/account.h"

#include "ports/linux/host/udp.h"
#include "tessera/cbor/cbor.h"

enum { USAGE_NONE = 255, USAGE_MOST = 3, NAME_MOST = 63, ENDPOINT_MOST = 127, SHORT_ID_MOST = 65534 };

/* ---- reading ---- */

static tsr_err get_number(tsr_bytes *in, uint64_t most, uint64_t *v)
{
    tsr_err err = tsr_cbor_get_uint(in, v);

    return err == TSR_OK && *v > most ? TSR_E_TYPE : err;
}

static tsr_err get_text(tsr_bytes *in, size_t most, tsr_bytes *v)
{
    tsr_err err = tsr_cbor_get_text(in, v);

    if (err == TSR_OK && v->len > most)
        return TSR_E_SPACE;
    for (size_t i = 0; err == TSR_OK && i < v->len; i++) {
        if (v->ptr[i] < ' ' || v->ptr[i] == 0x7f || v->ptr[i] == '"')
            err = TSR_E_MALFORMED;
    }
    return err;
}

static tsr_err get_value(tsr_bytes *in, int64_t key, tsr_fdo_account *a)
{
    uint64_t v = 0;
    tsr_err err;

    switch (key) {
    case TSR_FDO_ACCOUNT_URI:                return get_text(in, TSR_LWM2M_URI_LEN, &a->uri);
    case TSR_FDO_ACCOUNT_SERVER_NAME:        return get_text(in, NAME_MOST, &a->server_name);
    case TSR_FDO_ACCOUNT_ENDPOINT:           return get_text(in, ENDPOINT_MOST, &a->endpoint);
    case TSR_FDO_ACCOUNT_IDENTITY:           return tsr_cbor_get_bytes(in, &a->identity);
    case TSR_FDO_ACCOUNT_KEY:                return tsr_cbor_get_bytes(in, &a->key);
    case TSR_FDO_ACCOUNT_CERTIFICATE:        return tsr_cbor_get_bytes(in, &a->certificate);
    case TSR_FDO_ACCOUNT_SERVER_CERTIFICATE: return tsr_cbor_get_bytes(in, &a->server_certificate);
    case TSR_FDO_ACCOUNT_BOOTSTRAP:          return tsr_cbor_get_bool(in, &a->bootstrap);
    case TSR_FDO_ACCOUNT_SHORT_ID:
        err = get_number(in, SHORT_ID_MOST, &v);
        a->short_id = (uint16_t)v;
        return err;
    case TSR_FDO_ACCOUNT_MODE:
        err = get_number(in, TSR_LWM2M_MODE_ENROL, &v);
        a->mode = (uint8_t)v;
        return err;
    case TSR_FDO_ACCOUNT_USAGE:
        err = get_number(in, USAGE_MOST, &v);
        a->usage = (uint8_t)v;
        return err;
    case TSR_FDO_ACCOUNT_LIFETIME:
        err = get_number(in, UINT32_MAX, &v);
        a->lifetime_s = (uint32_t)v;
        return err;
    case TSR_FDO_ACCOUNT_KEY_ID:
        err = get_number(in, UINT32_MAX, &v);
        a->key_id = (uint32_t)v;
        return err;
    default: return tsr_cbor_skip(in);
    }
}

tsr_err tsr_fdo_account_get(tsr_bytes *in, tsr_fdo_account *a)
{
    tsr_fdo_account got = { .mode = TSR_LWM2M_MODE_NOSEC, .usage = USAGE_NONE };
    tsr_bytes rest = *in;
    uint64_t pairs;
    int64_t key;
    tsr_err err = tsr_cbor_get_map(&rest, &pairs);

    for (; err == TSR_OK && pairs > 0; pairs--) {
        err = tsr_cbor_get_int(&rest, &key);
        if (err == TSR_OK)
            err = get_value(&rest, key, &got);
    }
    if (err != TSR_OK)
        return err;
    *in = rest;
    *a = got;
    return TSR_OK;
}

/* ---- writing ---- */

static void put_bytes(tsr_buf *out, int64_t key, tsr_bytes v)
{
    if (v.len != 0) {
        tsr_cbor_put_int(out, key);
        tsr_cbor_put_bytes(out, v);
    }
}

static void put_text(tsr_buf *out, int64_t key, tsr_bytes v)
{
    if (v.len != 0) {
        tsr_cbor_put_int(out, key);
        tsr_cbor_put_text(out, v);
    }
}

static void put_number(tsr_buf *out, int64_t key, uint64_t v, bool said)
{
    if (said) {
        tsr_cbor_put_int(out, key);
        tsr_cbor_put_uint(out, v);
    }
}

static uint64_t pairs_of(const tsr_fdo_account *a)
{
    const bool there[] = { a->uri.len != 0, a->short_id != 0, true, a->identity.len != 0,
                           a->certificate.len != 0, a->server_certificate.len != 0,
                           a->usage != USAGE_NONE, a->lifetime_s != 0, a->bootstrap,
                           a->server_name.len != 0, a->endpoint.len != 0, a->key_id != 0 };
    uint64_t n = 0;

    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        n += there[i];
    return n;
}

void tsr_fdo_account_put(tsr_buf *out, const tsr_fdo_account *a)
{
    tsr_cbor_put_map(out, pairs_of(a));
    put_text(out, TSR_FDO_ACCOUNT_URI, a->uri);
    put_number(out, TSR_FDO_ACCOUNT_SHORT_ID, a->short_id, a->short_id != 0);
    put_number(out, TSR_FDO_ACCOUNT_MODE, a->mode, true);
    put_bytes(out, TSR_FDO_ACCOUNT_IDENTITY, a->identity);
    put_bytes(out, TSR_FDO_ACCOUNT_CERTIFICATE, a->certificate);
    put_bytes(out, TSR_FDO_ACCOUNT_SERVER_CERTIFICATE, a->server_certificate);
    put_number(out, TSR_FDO_ACCOUNT_USAGE, a->usage, a->usage != USAGE_NONE);
    put_number(out, TSR_FDO_ACCOUNT_LIFETIME, a->lifetime_s, a->lifetime_s != 0);
    if (a->bootstrap) {
        tsr_cbor_put_int(out, TSR_FDO_ACCOUNT_BOOTSTRAP);
        tsr_cbor_put_bool(out, true);
    }
    put_text(out, TSR_FDO_ACCOUNT_SERVER_NAME, a->server_name);
    put_text(out, TSR_FDO_ACCOUNT_ENDPOINT, a->endpoint);
    put_number(out, TSR_FDO_ACCOUNT_KEY_ID, a->key_id, a->key_id != 0);
}

/* ---- judging ---- */

static const char *lacks_keys(const tsr_fdo_account *a)
{
    switch (a->mode) {
    case TSR_LWM2M_MODE_NOSEC: return NULL;
    case TSR_LWM2M_MODE_PSK:
        if (a->identity.len == 0 || a->identity.len > TSR_LWM2M_IDENTITY_MAX)
            return "no identity of 1 to 128 bytes";
        return a->key_id == 0 ? "no key of 1 to 64 bytes" : NULL;
    case TSR_LWM2M_MODE_CERTIFICATE:
        if (a->certificate.len == 0 || a->key_id == 0)
            return "no certificate with its key: neither handed over nor enrolled by fdo.csr";
        return a->server_certificate.len == 0 ? "no server certificate, and no authority" : NULL;
    default: return "security must be 0, 2 or 3";
    }
}

const char *tsr_fdo_account_lacks(const tsr_fdo_account *a)
{
    tsr_udp_uri uri;

    if (tsr_udp_uri_parse(a->uri, &uri) != TSR_OK)
        return "no such URI";
    if (uri.secure != (a->mode != TSR_LWM2M_MODE_NOSEC))
        return "the URI's scheme and the security disagree";
    if (!a->bootstrap && a->short_id == 0)
        return "no short id of 1 to 65534";
    return lacks_keys(a);
}
