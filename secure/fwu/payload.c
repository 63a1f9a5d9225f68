/* SPDX-License-Identifier: Apache-2.0
 *
 * Encrypted payloads (draft-ietf-suit-firmware-encryption): ciphertext in the slot, tag behind it;
 * digest and size in the manifest are those of the plaintext, which is in memory piece by piece. */
#include "secure/fwu/internal.h"

typedef struct {
    tsr_fwu_work *w;
    uint8_t *cipher;
    tsr_buf plain; /* one piece */
    size_t room;   /* of each; a multiple of 16 */
} stream;

/* Behind the manifest, which has to stay where it is. */
static stream open_stream(tsr_fwu_work *w)
{
    const tsr_fwu *f = w->f;
    size_t half = (f->work_len - TSR_FWU_MANIFEST_MAX) / 2;

    return (stream){ .w = w,
                     .cipher = f->work + TSR_FWU_MANIFEST_MAX,
                     .plain = tsr_buf_over(f->work + TSR_FWU_MANIFEST_MAX + half, half),
                     .room = half / 16 * 16 };
}

static tsr_err pass_on(stream *s)
{
    const tsr_fwu_crypto *c = s->w->f->crypto;
    const tsr_fwu_sink *sink = s->w->check->sink;
    tsr_bytes plain = tsr_buf_view(&s->plain);
    tsr_err err = c->hash_more(c->self, plain);

    if (err == TSR_OK && sink != NULL && plain.len > 0)
        err = sink->put(sink->self, plain);
    s->plain.len = 0;
    return err;
}

static tsr_err decrypt_piece(stream *s, uint32_t at, size_t len)
{
    const tsr_fwu_crypto *c = s->w->f->crypto;
    const tsr_flash *slot = s->w->slot;
    tsr_err err = slot->read(slot->self, at, s->cipher, len);

    if (err == TSR_OK)
        err = c->decrypt_more(c->self, tsr_view(s->cipher, len), &s->plain);
    return err == TSR_OK ? pass_on(s) : err;
}

/* All of the ciphertext, and the tag behind it. */
static tsr_err decrypt_all(stream *s, uint8_t tag[TSR_FWU_TAG])
{
    const tsr_fwu_image *image = &s->w->image;
    const tsr_flash *slot = s->w->slot;
    uint32_t at = image->at, left = image->len - TSR_FWU_TAG;
    tsr_err err = TSR_OK;

    while (err == TSR_OK && left > 0) {
        size_t len = left < s->room ? left : s->room;

        err = decrypt_piece(s, at, len);
        at += (uint32_t)len;
        left -= (uint32_t)len;
    }
    return err == TSR_OK ? slot->read(slot->self, at, tag, TSR_FWU_TAG) : err;
}

static tsr_err decrypt(stream *s, tsr_bytes info)
{
    const tsr_fwu_crypto *c = s->w->f->crypto;
    uint8_t tag[TSR_FWU_TAG];
    tsr_err err = c->hash_begin(c->self), end;

    if (err != TSR_OK)
        return err;
    if (c->decrypt_begin(c->self, info) != TSR_OK)
        return tsr_fwu_refuse(s->w, TSR_FWU_WHY_ENCRYPTED);
    err = decrypt_all(s, tag);
    end = c->decrypt_end(c->self, err == TSR_OK ? tag : NULL, &s->plain);
    if (err == TSR_OK && end != TSR_OK)
        return tsr_fwu_refuse(s->w, TSR_FWU_WHY_DIGEST);
    if (err == TSR_OK)
        err = pass_on(s);
    return err == TSR_OK ? c->hash_end(c->self, s->w->image.digest) : err;
}

tsr_err tsr_fwu_open_payload(tsr_fwu_work *w, tsr_bytes info)
{
    stream s = open_stream(w);
    tsr_err err = decrypt(&s, info);

    tsr_wipe(s.cipher, w->f->work_len - TSR_FWU_MANIFEST_MAX);
    if (err != TSR_OK && w->why == TSR_FWU_WHY_NONE)
        (void)tsr_fwu_refuse(w, TSR_FWU_WHY_STORAGE);
    return err;
}
