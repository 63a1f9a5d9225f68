/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/fdo/vouchers.h"
#include "server/rest/room.h"

#include <mbedtls/x509_crt.h>
#include <stdlib.h>

#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"
#include "tessera/json/base64.h"

enum { CHAIN_MAX = 8 };

tsr_err fdo_voucher_leaf(const tsr_fdo_voucher *v, tsr_bytes *der)
{
    tsr_bytes in = v->certificates;
    uint64_t count = 0;

    if (in.ptr == NULL || tsr_cbor_get_array(&in, &count) != TSR_OK || count == 0)
        return TSR_E_NOT_FOUND;
    return tsr_fdo_get_certificate(&in, der);
}

static tsr_err parse_chain(tsr_bytes in, mbedtls_x509_crt *chain)
{
    tsr_bytes der;
    uint64_t count = 0;

    if (tsr_cbor_get_array(&in, &count) != TSR_OK || count == 0 || count > CHAIN_MAX)
        return TSR_E_MALFORMED;
    for (; count > 0; count--)
        if (tsr_fdo_get_certificate(&in, &der) != TSR_OK ||
            mbedtls_x509_crt_parse_der(chain, der.ptr, der.len) != 0)
            return TSR_E_MALFORMED;
    return TSR_OK;
}

/* RFC 5280 §6.1 */
static const char *chain_wrong(mbedtls_x509_crt *roots, const tsr_fdo_voucher *v)
{
    mbedtls_x509_crt chain;
    const char *wrong = NULL;
    uint32_t flags = 0;

    mbedtls_x509_crt_init(&chain);
    if (parse_chain(v->certificates, &chain) != TSR_OK)
        wrong = "the device's certificates do not parse";
    else if (mbedtls_x509_crt_verify(&chain, roots, NULL, NULL, &flags, NULL, NULL) != 0)
        wrong = "the device's certificates lead to no anchor";
    mbedtls_x509_crt_free(&chain);
    return wrong;
}

const char *fdo_voucher_wrong(mbedtls_x509_crt *roots, const tsr_fdo_voucher *v,
                              tsr_fdo_key *owner)
{
    tsr_fdo_fault fault = { NULL, 0 };
    tsr_fdo_key device;

    if (tsr_fdo_voucher_verify(v, owner, &fault) != TSR_OK)
        return fault.what != NULL ? fault.what : "the voucher contradicts itself";
    if (v->certificates.ptr == NULL)
        return "the device has no certificate: EPID is not supported";
    if (tsr_fdo_voucher_device(v, &device) != TSR_OK)
        return "the device's certificate does not parse, or its key is of an unknown type";
    return roots != NULL ? chain_wrong(roots, v) : NULL;
}

int32_t fdo_pair_hash(const tsr_fdo_key *device, const tsr_fdo_key *owner)
{
    return tsr_fdo_key_hash(device->type, device->bits) == TSR_FDO_SHA256 ||
                   tsr_fdo_key_hash(owner->type, owner->bits) == TSR_FDO_SHA256
               ? TSR_FDO_SHA256
               : TSR_FDO_SHA384;
}

/* The next owner's key as the voucher has them all: the type that the manufacturer's key was given,
 * and its encoding, where that can be made from a key alone. */
static tsr_err put_next(tsr_buf *out, const tsr_fdo_key *maker, const tsr_fdo_key *next)
{
    bool cose = maker->encoding == TSR_FDO_COSEKEY && next->rsa.ptr == NULL;
    const tsr_cose_key key = { .kty = TSR_COSE_EC2,
                               .crv = next->bits == 256 ? TSR_COSE_P256 : TSR_COSE_P384,
                               .x = next->x,
                               .y = next->y };

    tsr_cbor_put_array(out, 3);
    tsr_cbor_put_uint(out, maker->type);
    tsr_cbor_put_uint(out, cose ? TSR_FDO_COSEKEY : next->encoding);
    if (cose)
        tsr_cose_key_write(out, &key);
    else
        tsr_put_bytes(out, next->body);
    return out->err;
}

/* A device that can do one kind of key must be able to verify them all. */
static bool is_one_kind(const tsr_fdo_key *a, const tsr_fdo_key *b)
{
    return (a->rsa.ptr != NULL) == (b->rsa.ptr != NULL) && a->bits == b->bits;
}

tsr_err fdo_voucher_extend(tsr_buf *voucher, const fdo_key *owner, tsr_bytes next)
{
    tsr_buf longer = { 0 }, key = { 0 };
    tsr_fdo_voucher v;
    tsr_fdo_key now = { .bits = 0 }, then = { .bits = 0 };
    tsr_bytes in = next;
    tsr_err err = tsr_fdo_voucher_read(tsr_buf_view(voucher), &v);

    if (err == TSR_OK)
        err = tsr_fdo_voucher_verify(&v, &now, NULL);
    if (err == TSR_OK && !tsr_fdo_key_same(&now, &owner->public))
        err = TSR_E_DENIED;
    if (err == TSR_OK)
        err = tsr_fdo_get_key(&in, &then);
    if (err == TSR_OK && (!is_one_kind(&then, &now) || now.type == TSR_FDO_RSAPSS))
        err = TSR_E_TYPE;
    if (err != TSR_OK)
        return err;
    rest_room(&key, next.len + 16);
    rest_room(&longer, voucher->len + next.len + 700);
    err = put_next(&key, &v.header.manufacturer, &then);
    if (err == TSR_OK)
        err = tsr_fdo_voucher_extend(&longer, &v, owner->sign, tsr_buf_view(&key),
                                     tsr_view(NULL, 0));
    free(key.ptr);
    if (err == TSR_OK) {
        free(voucher->ptr);
        *voucher = longer;
    } else {
        free(longer.ptr);
    }
    return err;
}

/* --- files ------------------------------------------------------------------------------ */

static const char begin_line[] = "-----BEGIN OWNERSHIP VOUCHER-----";
static const char end_line[] = "-----END OWNERSHIP VOUCHER-----";

static tsr_err decode_pem(tsr_bytes text, tsr_buf *out)
{
    const uint8_t *end = memmem(text.ptr, text.len, end_line, sizeof end_line - 1);
    tsr_buf plain = { 0 };
    tsr_err err;

    if (end == NULL)
        return TSR_E_MALFORMED;
    text.len = (size_t)(end - text.ptr);
    rest_room(&plain, text.len + 1);
    rest_room(out, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] > ' ')
            tsr_put_u8(&plain, text.ptr[i]);
    err = plain.err == TSR_OK ? tsr_base64_get(tsr_buf_view(&plain), out) : plain.err;
    free(plain.ptr);
    return err;
}

tsr_err fdo_voucher_decode(tsr_bytes content, tsr_buf *out)
{
    const uint8_t *begin = memmem(content.ptr, content.len, begin_line, sizeof begin_line - 1);

    if (begin != NULL)
        return decode_pem(tsr_skip(content, (size_t)(begin - content.ptr) + sizeof begin_line - 1),
                          out);
    rest_room(out, content.len + 1);
    tsr_put_bytes(out, content);
    return out->err != TSR_OK ? out->err : tsr_cbor_check(content);
}

void fdo_voucher_put_pem(tsr_buf *out, tsr_bytes voucher)
{
    rest_room(out, voucher.len * 2 + 200);
    tsr_put_text(out, begin_line);
    tsr_put_text(out, "\n");
    while (voucher.len > 0) {
        tsr_bytes line = tsr_first(voucher, 48); /* 64 characters */

        tsr_base64_put(out, line);
        tsr_put_text(out, "\n");
        voucher = tsr_skip(voucher, line.len);
    }
    tsr_put_text(out, end_line);
    tsr_put_text(out, "\n");
}
