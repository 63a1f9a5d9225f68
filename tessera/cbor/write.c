/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/cbor/cbor.h"
#include "tessera/cbor/float.h"

void tsr_cbor_put_head(tsr_buf *out, tsr_cbor_kind kind, uint64_t n)
{
    unsigned major = (unsigned)kind << 5;

    if (n < 24) {
        tsr_put_u8(out, (uint8_t)(major | n));
        return;
    }

    /* 1, 2, 4 or 8 bytes */
    uint32_t low = (uint32_t)n;
    unsigned info = n >> 32 != 0 ? 3 : low > UINT16_MAX ? 2 : low > UINT8_MAX;
    unsigned width = 1u << info;
    uint8_t *at = tsr_buf_claim(out, 1 + width);

    if (at == NULL)
        return;
    *at = (uint8_t)(major | (24 + info));
    for (; width > 0; width--, n >>= 8)
        at[width] = (uint8_t)n;
}

void tsr_cbor_put_uint(tsr_buf *out, uint64_t v) { tsr_cbor_put_head(out, TSR_CBOR_UINT, v); }
void tsr_cbor_put_tag(tsr_buf *out, uint64_t tag) { tsr_cbor_put_head(out, TSR_CBOR_TAG, tag); }
void tsr_cbor_put_array(tsr_buf *out, uint64_t n) { tsr_cbor_put_head(out, TSR_CBOR_ARRAY, n); }
void tsr_cbor_put_map(tsr_buf *out, uint64_t n) { tsr_cbor_put_head(out, TSR_CBOR_MAP, n); }
void tsr_cbor_put_bool(tsr_buf *out, bool v) { tsr_put_u8(out, v ? 0xf5 : 0xf4); }
void tsr_cbor_put_null(tsr_buf *out) { tsr_put_u8(out, 0xf6); }
void tsr_cbor_open_array(tsr_buf *out) { tsr_put_u8(out, 0x9f); }
void tsr_cbor_open_map(tsr_buf *out) { tsr_put_u8(out, 0xbf); }
void tsr_cbor_put_break(tsr_buf *out) { tsr_put_u8(out, 0xff); }

void tsr_cbor_put_int(tsr_buf *out, int64_t v)
{
    if (v < 0)
        tsr_cbor_put_head(out, TSR_CBOR_NINT, ~(uint64_t)v);
    else
        tsr_cbor_put_head(out, TSR_CBOR_UINT, (uint64_t)v);
}

void tsr_cbor_put_simple(tsr_buf *out, uint8_t v)
{
    if (v < 24) {
        tsr_put_u8(out, (uint8_t)(0xe0 | v));
    } else if (v >= 32) {
        tsr_put_u8(out, 0xf8);
        tsr_put_u8(out, v);
    } else if (out->err == TSR_OK) {
        out->err = TSR_E_ARGUMENT;
    }
}

/* A string is claimed in one piece, so that a full writer never ends in half of one. */
__attribute__((noinline)) static void put_string(tsr_buf *out, tsr_cbor_kind kind, tsr_bytes v)
{
    tsr_buf before = *out;

    tsr_cbor_put_head(out, kind, v.len);
    tsr_put_bytes(out, v);
    if (out->err != TSR_OK)
        out->len = before.len;
}

void tsr_cbor_put_bytes(tsr_buf *out, tsr_bytes v) { put_string(out, TSR_CBOR_BYTES, v); }
void tsr_cbor_put_text(tsr_buf *out, tsr_bytes utf8) { put_string(out, TSR_CBOR_TEXT, utf8); }

/* RFC 8949 §4.2.1: the shortest of the three forms that keeps the value. */
void tsr_cbor_put_float(tsr_buf *out, double v)
{
    uint64_t bits;

    if (v != v) {
        tsr_put_u8(out, 0xf9);
        tsr_put_u16(out, 0x7e00);
    } else if (tsr_cbor_narrow(&tsr_cbor_half, v, &bits)) {
        tsr_put_u8(out, 0xf9);
        tsr_put_u16(out, (uint16_t)bits);
    } else if (tsr_cbor_narrow(&tsr_cbor_single, v, &bits)) {
        tsr_put_u8(out, 0xfa);
        tsr_put_u32(out, (uint32_t)bits);
    } else {
        memcpy(&bits, &v, sizeof bits);
        tsr_put_u8(out, 0xfb);
        tsr_put_u64(out, bits);
    }
}
