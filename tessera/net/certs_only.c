/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/net/certs_only.h"

#include "tessera/base/der.h"

/* 1.2.840.113549.1.7.2 and .1 (RFC 5652 §5.1, RFC 5652 §4) */
static const uint8_t signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };

tsr_err tsr_certs_only_open(tsr_bytes message, tsr_bytes *certificates)
{
    tsr_bytes info, type, explicit, body, skipped, found;

    if (tsr_der_get(&message, TSR_DER_SEQUENCE, &info) != TSR_OK ||
        tsr_der_get(&info, TSR_DER_OID, &type) != TSR_OK ||
        !tsr_same(type, tsr_view(signed_data, sizeof signed_data)) ||
        tsr_der_get(&info, TSR_DER_CONTEXT_0, &explicit) != TSR_OK ||
        tsr_der_get(&explicit, TSR_DER_SEQUENCE, &body) != TSR_OK ||
        tsr_der_get(&body, TSR_DER_INTEGER, &skipped) != TSR_OK ||  /* version */
        tsr_der_get(&body, TSR_DER_SET, &skipped) != TSR_OK ||      /* digest algorithms */
        tsr_der_get(&body, TSR_DER_SEQUENCE, &skipped) != TSR_OK || /* what would be signed */
        tsr_der_get(&body, TSR_DER_CONTEXT_0, &found) != TSR_OK || found.len == 0)
        return TSR_E_MALFORMED;
    *certificates = found;
    return TSR_OK;
}

tsr_err tsr_certs_only_next(tsr_bytes *certificates, tsr_bytes *der)
{
    if (certificates->len == 0)
        return TSR_END;
    return tsr_der_get_whole(certificates, TSR_DER_SEQUENCE, der);
}

/* RFC 5652 §5.1: version 1, and sets without a member for who signed and with what. */
void tsr_certs_only_put(tsr_buf *out, const tsr_bytes *certificates, size_t count)
{
    static const uint8_t before[] = { TSR_DER_INTEGER, 1, 1, TSR_DER_SET, 0, TSR_DER_SEQUENCE,
                                      2 + sizeof data, TSR_DER_OID, sizeof data };
    static const uint8_t after[] = { TSR_DER_SET, 0 };
    size_t all = 0, body;

    for (size_t i = 0; i < count; i++)
        all += certificates[i].len;
    body = sizeof before + sizeof data + tsr_der_len(all) + sizeof after;
    tsr_der_put_head(out, TSR_DER_SEQUENCE,
                     2 + sizeof signed_data + tsr_der_len(tsr_der_len(body)));
    tsr_der_put_head(out, TSR_DER_OID, sizeof signed_data);
    tsr_put_bytes(out, tsr_view(signed_data, sizeof signed_data));
    tsr_der_put_head(out, TSR_DER_CONTEXT_0, tsr_der_len(body));
    tsr_der_put_head(out, TSR_DER_SEQUENCE, body);
    tsr_put_bytes(out, tsr_view(before, sizeof before));
    tsr_put_bytes(out, tsr_view(data, sizeof data));
    tsr_der_put_head(out, TSR_DER_CONTEXT_0, all);
    for (size_t i = 0; i < count; i++)
        tsr_put_bytes(out, certificates[i]);
    tsr_put_bytes(out, tsr_view(after, sizeof after));
}
