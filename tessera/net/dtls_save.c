/* SPDX-License-Identifier: Apache-2.0
 *
 * Saved sessions. An image is
 *
 *   "TSD1" role(1) flags(1) out_next(8) out_limit(8) reserve(8) in_newest(8)
 *   cid_len(1) cid  identity_len(1) identity  blob_len(2) blob
 *
 * with numbers in network order; flags bit 0: a copy (else moved). blob is what
 * mbedtls_ssl_context_save() wrote; its own outgoing record number is overruled by out_next.
 * out_limit counts for a moved session alone: an older copy of it may be stored somewhere, whose
 * numbers start there. */
#include "tessera/net/dtls_impl.h"

enum {
    FLAG_COPY = 1,
    FLAG_DOUBTS = 2, /* of one that was loaded from a copy */
    OUT_NEXT_AT = 6, /* offset in the image */
};

static const uint64_t NUMBER_MAX = 0xffffffffffffULL;

typedef struct {
    uint8_t flags;
    uint64_t out_next, out_limit, reserve, in_newest;
    tsr_bytes cid, identity, blob;
} image_parts;

static tsr_err read_short(tsr_bytes *in, size_t max, tsr_bytes *out)
{
    uint8_t len;

    if (tsr_get_u8(in, &len) != TSR_OK || len > max)
        return TSR_E_MALFORMED;
    return tsr_get_bytes(in, len, out);
}

static tsr_err read_image(tsr_bytes in, tsr_dtls_role role, image_parts *parts)
{
    tsr_bytes magic;
    uint8_t image_role;
    uint16_t blob_len;
    image_parts p;

    if (tsr_get_bytes(&in, 4, &magic) != TSR_OK || !tsr_same(magic, tsr_text("TSD1")) ||
        tsr_get_u8(&in, &image_role) != TSR_OK || image_role != (uint8_t)role ||
        tsr_get_u8(&in, &p.flags) != TSR_OK || p.flags > (FLAG_COPY | FLAG_DOUBTS) ||
        tsr_get_u64(&in, &p.out_next) != TSR_OK || tsr_get_u64(&in, &p.out_limit) != TSR_OK ||
        tsr_get_u64(&in, &p.reserve) != TSR_OK || tsr_get_u64(&in, &p.in_newest) != TSR_OK ||
        read_short(&in, TSR_DTLS_CID_MAX, &p.cid) != TSR_OK ||
        read_short(&in, TSR_DTLS_IDENTITY_MAX, &p.identity) != TSR_OK ||
        tsr_get_u16(&in, &blob_len) != TSR_OK || tsr_get_bytes(&in, blob_len, &p.blob) != TSR_OK)
        return TSR_E_MALFORMED;
    if (in.len != 0 || p.out_next > NUMBER_MAX || p.reserve > NUMBER_MAX ||
        ((p.flags & FLAG_COPY) && p.reserve == 0))
        return TSR_E_MALFORMED;
    *parts = p;
    return TSR_OK;
}

static void write_head(const tsr_dtls *s, uint64_t reserve, tsr_buf *image)
{
    tsr_put_text(image, "TSD1");
    tsr_put_u8(image, (uint8_t)s->config->opt.role);
    tsr_put_u8(image, (uint8_t)((reserve != 0 ? FLAG_COPY : 0) | (s->doubts ? FLAG_DOUBTS : 0)));
    tsr_put_u64(image, dtls_out_next(s) + reserve);
    tsr_put_u64(image, s->out_limit);
    tsr_put_u64(image, reserve != 0 ? reserve : s->out_half * 2);
    tsr_put_u64(image, s->in_newest);
    tsr_put_u8(image, s->cid_len);
    tsr_put_bytes(image, tsr_view(s->cid, s->cid_len));
    tsr_put_u8(image, s->identity.len);
    tsr_put_bytes(image, tsr_view(s->identity.bytes, s->identity.len));
}

static tsr_err load_blob(tsr_dtls *s, tsr_bytes blob, uint64_t out_next)
{
    int ret = mbedtls_ssl_context_load(session_ssl(s), blob.ptr, blob.len);

    if (ret == 0)
        dtls_out_set(s, out_next);
    return tsr_dtls_error(ret);
}

/* Mbed TLS empties a context when it saves it, but only once all has fitted. */
static tsr_err write_blob(tsr_dtls *s, tsr_buf *image, tsr_bytes *blob)
{
    uint8_t *at = tsr_buf_claim(image, 2);
    size_t room = image->cap - image->len, len = 0;
    int ret;

    if (at == NULL)
        return TSR_E_SPACE;
    ret = mbedtls_ssl_context_save(session_ssl(s), at + 2, room, &len);
    if (ret == MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL)
        return TSR_E_SPACE;
    if (ret != 0)
        return TSR_E_STATE;
    at[0] = (uint8_t)(len >> 8);
    at[1] = (uint8_t)len;
    image->len += len;
    *blob = tsr_view(at + 2, len);
    return TSR_OK;
}

static bool suite_is_aead(const tsr_dtls *s)
{
    const mbedtls_ssl_ciphersuite_t *info = mbedtls_ssl_ciphersuite_from_id(tsr_dtls_suite(s));

    return info != NULL && info->MBEDTLS_PRIVATE(cipher) != MBEDTLS_CIPHER_AES_128_CBC;
}

tsr_err tsr_dtls_save(tsr_dtls *s, uint64_t reserve, tsr_buf *image)
{
    uint64_t out_next;
    tsr_bytes blob;
    size_t start = image->len;
    tsr_err err;

    if (s->state != ST_CONNECTED || s->poke || s->outbox_len != 0 || s->event_waits)
        return TSR_E_STATE;
    if (!suite_is_aead(s))
        return TSR_E_UNSUPPORTED;
    out_next = dtls_out_next(s);
    if (reserve > NUMBER_MAX - out_next)
        return TSR_E_STATE; /* the numbers of this key are used up: handshake again */

    write_head(s, reserve, image);
    err = image->err != TSR_OK ? image->err : write_blob(s, image, &blob);
    if (err != TSR_OK) {
        image->len = start;
        image->err = TSR_OK;
        return err;
    }
    if (reserve == 0) {
        s->state = ST_MOVED;
        return TSR_OK;
    }
    s->out_reserved = out_next + reserve;
    s->out_half = reserve / 2;
    if (s->out_limit == UINT64_MAX)
        s->out_limit = s->out_reserved;
    err = load_blob(s, blob, out_next);
    if (err != TSR_OK)
        tsr_dtls_fail(s, TSR_DTLS_R_CRYPTO, 0);
    return err;
}

void tsr_dtls_stored(tsr_dtls *s)
{
    if (s->out_reserved > s->out_limit)
        s->out_limit = s->out_reserved;
}

bool tsr_dtls_save_due(const tsr_dtls *s)
{
    uint64_t next;

    if (s->state != ST_CONNECTED || s->out_limit == UINT64_MAX)
        return false;
    next = dtls_out_next(s);
    return next >= s->out_limit || s->out_limit - next < s->out_half;
}

/* The copy's numbers start at out_next. The same image, moved on, lets this session have the
 * numbers below; until it is stored, there are none. */
static void reserve_again(tsr_dtls *s, const image_parts *parts, tsr_buf *image)
{
    tsr_buf number = tsr_buf_over(image->ptr + OUT_NEXT_AT, 8);

    s->restored = true;
    s->out_limit = parts->out_next;
    s->out_reserved = parts->out_next + parts->reserve;
    tsr_put_u64(&number, s->out_reserved);
}

tsr_err tsr_dtls_load(tsr_dtls *s, tsr_dtls_config *config, tsr_buf *image, uint64_t now_ms)
{
    image_parts parts;
    tsr_err err = read_image(tsr_buf_view(image), config->opt.role, &parts);

    if (err != TSR_OK)
        return err;
    if (parts.cid.len != (config->opt.cid ? config->opt.cid_len : 0) ||
        parts.reserve > NUMBER_MAX - parts.out_next)
        return TSR_E_MALFORMED;
    err = tsr_dtls_prepare(s, config, now_ms);
    if (err != TSR_OK)
        return err;
    err = load_blob(s, parts.blob, parts.out_next);
    if (err != TSR_OK) {
        tsr_dtls_free(s);
        return err == TSR_E_SPACE ? err : TSR_E_CRYPTO;
    }
    s->state = ST_CONNECTED;
    s->in_newest = parts.in_newest;
    s->out_limit = parts.out_limit;
    s->out_half = parts.reserve / 2;
    s->doubts = parts.flags != 0;
    s->cid_len = (uint8_t)parts.cid.len;
    memcpy(s->cid, parts.cid.ptr, parts.cid.len);
    s->identity.len = (uint8_t)parts.identity.len;
    memcpy(s->identity.bytes, parts.identity.ptr, parts.identity.len);
    if (parts.flags & FLAG_COPY)
        reserve_again(s, &parts, image);
    return TSR_OK;
}

bool tsr_dtls_restored(const tsr_dtls *s) { return s->restored; }

bool tsr_dtls_doubts(const tsr_dtls *s) { return s->doubts; }

/* All numbers up to the newest count as seen; what is below the window is too old in any case. */
void tsr_dtls_fresh(tsr_dtls *s)
{
    if (s->doubts)
        session_ssl(s)->MBEDTLS_PRIVATE(in_window) = UINT64_MAX;
    s->doubts = false;
}
