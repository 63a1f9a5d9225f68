/* SPDX-License-Identifier: Apache-2.0
 *
 * A bare MCUboot image: digest, signature, security counter, dependencies and ids are its own
 * records (docs/WIRE.md, "MCUboot images"). */
#include "tessera/suit/mcuboot.h"

#include "secure/fwu/internal.h"

/* SubjectPublicKeyInfo of a P-256 key: this, then the point (RFC 5480 §2.1.1). */
#define SPKI_HEAD 26u

static const tsr_fwu_anchor *signer_of(const tsr_fwu_work *w, const tsr_mcuboot_tlvs *t)
{
    for (size_t i = 0; i < w->f->anchor_count; i++) {
        const tsr_fwu_anchor *a = &w->f->anchors[i];

        if ((a->components >> w->check->id & 1u) == 0)
            continue;
        if (tsr_same(t->key_hash, tsr_view(a->spki_id, sizeof a->spki_id)))
            return a;
        if (t->key.len == SPKI_HEAD + sizeof a->point &&
            tsr_same(tsr_skip(t->key, SPKI_HEAD), tsr_view(a->point, sizeof a->point)))
            return a;
    }
    return NULL;
}

static tsr_err check_signature(tsr_fwu_work *w, const tsr_mcuboot_tlvs *t)
{
    const tsr_fwu_anchor *a = signer_of(w, t);
    uint8_t raw[64];

    if (a == NULL || tsr_mcuboot_signature(t->signature, raw) != TSR_OK ||
        w->f->crypto->verify(w->f->crypto->self, a->point, w->image.digest, raw) != TSR_OK)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_SIGNER);
    memcpy(w->image.signer, a->id, sizeof w->image.signer);
    return TSR_OK;
}

/* Ids are optional in this format; who wants them says so by putting them in. */
static tsr_err check_device(tsr_fwu_work *w, const tsr_mcuboot_tlvs *t)
{
    const tsr_fwu_component *c = w->component;

    if (t->vendor.len > 0 && !tsr_same(t->vendor, tsr_view(c->vendor, sizeof c->vendor)))
        return tsr_fwu_refuse(w, TSR_FWU_WHY_VENDOR);
    if (t->class_id.len > 0 && !tsr_same(t->class_id, tsr_view(c->class_id, sizeof c->class_id)))
        return tsr_fwu_refuse(w, TSR_FWU_WHY_CLASS);
    return TSR_OK;
}

static tsr_err check_needs(tsr_fwu_work *w, const tsr_mcuboot_tlvs *t)
{
    if (w->check->depth != TSR_FWU_CHECK_INSTALL)
        return TSR_OK;
    for (size_t i = 0; i < t->need_count; i++) {
        const tsr_mcuboot_need *n = &t->needs[i];
        const uint32_t least[4] = { n->major, n->minor, n->patch, n->build };

        if (n->image >= w->f->count || !tsr_fwu_version_holds(w->f, n->image, 2, least, 4))
            return tsr_fwu_refuse(w, TSR_FWU_WHY_DEPENDENCY);
    }
    return TSR_OK;
}

static tsr_err check_digest(tsr_fwu_work *w, uint32_t len, const tsr_mcuboot_tlvs *t)
{
    uint8_t wanted[32];

    memcpy(wanted, t->sha256.ptr, sizeof wanted);
    if (tsr_fwu_hash_slot(w->f, w->slot, 0, len, w->image.digest) != TSR_OK)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_STORAGE);
    if (memcmp(wanted, w->image.digest, sizeof wanted) != 0)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_DIGEST);
    return TSR_OK;
}

static tsr_err read_records(tsr_fwu_work *w, const tsr_mcuboot_header *h, tsr_mcuboot_tlvs *t)
{
    uint32_t left, len;
    tsr_err err;

    if (h->tlv_at > w->limit)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_LENGTH);
    left = w->limit - h->tlv_at;
    len = left < TSR_MCUBOOT_TLV_MAX ? left : TSR_MCUBOOT_TLV_MAX;
    if (w->slot->read(w->slot->self, h->tlv_at, w->f->work, len) != TSR_OK)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_STORAGE);
    err = tsr_mcuboot_tlvs_read(h, tsr_view(w->f->work, len), t);
    return err == TSR_E_SPACE ? tsr_fwu_refuse(w, TSR_FWU_WHY_LENGTH) : err;
}

tsr_err tsr_fwu_check_mcuboot(tsr_fwu_work *w, tsr_bytes window)
{
    tsr_mcuboot_header h;
    tsr_mcuboot_tlvs t;
    tsr_err err = tsr_mcuboot_header_read(window, &h);

    if (err == TSR_OK)
        err = read_records(w, &h, &t);
    if (err != TSR_OK)
        return err == TSR_E_SPACE ? tsr_fwu_refuse(w, TSR_FWU_WHY_LENGTH) : err;
    w->image.mcuboot = true;
    w->image.len = w->image.used = h.tlv_at + t.len;
    w->image.sequence = t.counted ? t.counter : 0;
    w->image.version = (psa_fwu_image_version_t){ h.major, h.minor, h.patch, h.build };
    if (w->check->total > 0 && w->image.used != w->check->total)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_LENGTH);
    err = check_digest(w, h.signed_len, &t);
    if (err == TSR_OK)
        err = check_signature(w, &t);
    if (err == TSR_OK)
        err = check_device(w, &t);
    if (err == TSR_OK && w->image.sequence < w->record.counter)
        err = tsr_fwu_refuse(w, TSR_FWU_WHY_OLDER);
    return err == TSR_OK ? check_needs(w, &t) : err;
}
