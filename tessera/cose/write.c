/* SPDX-License-Identifier: Apache-2.0
 *
 * What all messages begin with, and how long they become. Deterministic encoding throughout. */
#include "tessera/cbor/cbor.h"
#include "tessera/cose/internal.h"

static size_t head_size(uint64_t n)
{
    return n < 24 ? 1 : n <= UINT8_MAX ? 2 : n <= UINT16_MAX ? 3 : n <= UINT32_MAX ? 5 : 9;
}

static size_t string_size(size_t len) { return head_size(len) + len; }

static size_t protected_size(const tsr_cose_params *p)
{
    uint64_t alg = p->alg < 0 ? ~(uint64_t)(int64_t)p->alg : (uint64_t)p->alg;

    return head_size(1u + p->protected_count) + 1 + head_size(alg) + p->protected_more.len;
}

static bool sends_iv(tsr_cose_kind kind, const tsr_cose_params *p)
{
    return kind == TSR_COSE_ENCRYPT0 && !p->implied_iv;
}

static uint64_t unprotected_pairs(tsr_cose_kind kind, const tsr_cose_params *p)
{
    return (p->kid.ptr != NULL) + (uint64_t)sends_iv(kind, p) + p->unprotected_count;
}

size_t tsr_cose_size(tsr_cose_kind kind, const tsr_cose_params *p, size_t len)
{
    const tsr_cose_alg *alg = tsr_cose_alg_find(p->alg);
    size_t size = (p->untagged ? 0 : 1) + 1;

    if (alg == NULL || alg->kind != kind)
        return 0;
    size += string_size(protected_size(p)) + head_size(unprotected_pairs(kind, p)) +
            p->unprotected_more.len;
    if (p->kid.ptr != NULL)
        size += 1 + string_size(p->kid.len);
    if (sends_iv(kind, p))
        size += 1 + string_size(p->iv.len);
    if (kind == TSR_COSE_ENCRYPT0)
        len += alg->proof;
    else if (alg->proof != 0)
        size += string_size(alg->proof);
    return size + (p->detached ? 1 : string_size(len));
}

void tsr_cose_put_headers(tsr_buf *out, tsr_cose_kind kind, const tsr_cose_params *p,
                          tsr_bytes *protected_map)
{
    size_t len = protected_size(p);

    if (!p->untagged)
        tsr_cbor_put_tag(out, (uint64_t)kind);
    tsr_cbor_put_array(out, kind == TSR_COSE_ENCRYPT0 ? 3 : 4);
    tsr_cbor_put_head(out, TSR_CBOR_BYTES, len);
    tsr_cbor_put_map(out, 1u + p->protected_count);
    tsr_cbor_put_int(out, TSR_COSE_LABEL_ALG);
    tsr_cbor_put_int(out, p->alg);
    tsr_put_bytes(out, p->protected_more);
    if (out->err == TSR_OK)
        *protected_map = tsr_view(out->ptr + out->len - len, len);
    tsr_cbor_put_map(out, unprotected_pairs(kind, p));
    if (p->kid.ptr != NULL) {
        tsr_cbor_put_int(out, TSR_COSE_LABEL_KID);
        tsr_cbor_put_bytes(out, p->kid);
    }
    if (sends_iv(kind, p)) {
        tsr_cbor_put_int(out, TSR_COSE_LABEL_IV);
        tsr_cbor_put_bytes(out, p->iv);
    }
    tsr_put_bytes(out, p->unprotected_more);
}
