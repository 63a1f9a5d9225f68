/* SPDX-License-Identifier: Apache-2.0
 *
 * An image whose authorisation is a SUIT envelope: the manifest's own sequences are run, and this
 * file is the device they run on. */
#include "tessera/suit/run.h"

#include "secure/fwu/internal.h"

typedef struct {
    tsr_fwu_work *w;
    const tsr_suit_manifest *m;
    const tsr_suit_envelope *e;
    size_t own;    /* the component that is updated, in the manifest's list */
    bool detached;  /* the payload begins the slot */
    tsr_bytes info; /* the shared sequence's encryption info */
    bool encrypted;
    bool vendor, class_id, fetched, matched;
} device;

static tsr_err refuse_io(tsr_fwu_work *w, tsr_err err)
{
    if (err != TSR_OK)
        (void)tsr_fwu_refuse(w, TSR_FWU_WHY_STORAGE);
    return err;
}

/* Where the payload is: in the envelope, behind it, or (detached) alone in the slot. An encrypted
 * one has its tag behind it there; how it is encrypted must be known at every boot, so only the
 * shared sequence may say it. */
static tsr_err locate(device *d, const tsr_suit_params *p)
{
    tsr_fwu_work *w = d->w;
    const tsr_suit_envelope *e = d->e;
    uint32_t tag = d->encrypted ? TSR_FWU_TAG : 0;
    uint64_t at = d->detached ? 0 : e->len, len = p->size;

    if (tsr_suit_has(p, TSR_SUIT_P_ENCRYPTION) != d->encrypted ||
        (d->encrypted && !tsr_same(p->encryption, d->info)))
        return tsr_fwu_refuse(w, TSR_FWU_WHY_FORMAT);
    if (len > UINT32_MAX - tag)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_LENGTH);
    len += tag;
    if (e->payload_count > 0) {
        at = e->payloads[0].at;
        len = e->payloads[0].len;
        if (e->payload_count > 1 || d->detached)
            return tsr_fwu_refuse(w, TSR_FWU_WHY_FORMAT);
        if (len < tag || (tsr_suit_has(p, TSR_SUIT_P_SIZE) && p->size != len - tag))
            return tsr_fwu_refuse(w, TSR_FWU_WHY_LENGTH);
    } else if (!tsr_suit_has(p, TSR_SUIT_P_SIZE)) {
        return tsr_fwu_refuse(w, TSR_FWU_WHY_FORMAT);
    }
    if (at > w->limit || len > w->limit - at)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_LENGTH);
    w->image.encrypted = d->encrypted;
    w->image.at = (uint32_t)at;
    w->image.len = (uint32_t)len;
    w->image.used = (uint32_t)(e->payload_count > 0 ? e->len : at + len);
    return TSR_OK;
}

static tsr_err match(device *d, const tsr_suit_params *p)
{
    tsr_fwu_work *w = d->w;
    tsr_err err = locate(d, p);

    if (err != TSR_OK)
        return err;
    /* Before anything is hashed: a stream of another length cannot be it. */
    if (w->check->total > 0 && w->image.used != w->check->total)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_LENGTH);
    if (!w->hashed && d->encrypted)
        err = w->f->crypto->open_payload(w, d->info);
    else if (!w->hashed)
        err = refuse_io(
            w, tsr_fwu_hash_slot(w->f, w->slot, w->image.at, w->image.len, w->image.digest));
    if (err != TSR_OK)
        return err;
    w->hashed = true;
    if (!tsr_same(p->digest, tsr_view(w->image.digest, sizeof w->image.digest)))
        return tsr_fwu_refuse(w, TSR_FWU_WHY_DIGEST);
    d->matched = true;
    return TSR_OK;
}

static tsr_err holds(device *d, bool yes, uint8_t why)
{
    return yes ? TSR_OK : tsr_fwu_refuse(d->w, why);
}

static tsr_err test_version(device *d, size_t component, const tsr_suit_params *p)
{
    const tsr_fwu *f = d->w->f;

    if (d->w->check->depth !=
        TSR_FWU_CHECK_INSTALL) /* Firmware Update 1.0.1: not finish()'s matter */
        return TSR_OK;
    for (size_t i = 0; i < f->count; i++)
        if (tsr_suit_named(d->m, component, tsr_text(f->components[i].name)))
            return holds(
                d, tsr_fwu_version_holds(f, i, p->version.how, p->version.number, p->version.count),
                TSR_FWU_WHY_DEPENDENCY);
    return tsr_fwu_refuse(d->w, TSR_FWU_WHY_DEPENDENCY);
}

static tsr_err on_test(void *self, tsr_suit_condition what, size_t component,
                       const tsr_suit_params *p)
{
    device *d = self;
    const tsr_fwu_component *c = d->w->component;

    if (what == TSR_SUIT_VERSION)
        return test_version(d, component, p);
    if (component != d->own) /* other components may be asked for their version, no more */
        return tsr_fwu_refuse(d->w, TSR_FWU_WHY_COMPONENT);
    switch (what) {
    case TSR_SUIT_VENDOR_ID:
        d->vendor = tsr_same(p->vendor, tsr_view(c->vendor, sizeof c->vendor));
        return holds(d, d->vendor, TSR_FWU_WHY_VENDOR);
    case TSR_SUIT_CLASS_ID:
        d->class_id = tsr_same(p->class_id, tsr_view(c->class_id, sizeof c->class_id));
        return holds(d, d->class_id, TSR_FWU_WHY_CLASS);
    case TSR_SUIT_SLOT: return p->slot == d->w->check->slot ? TSR_OK : TSR_E_DENIED;
    case TSR_SUIT_IMAGE_MATCH: return match(d, p);
    default: return TSR_E_UNSUPPORTED;
    }
}

/* SUIT 7.5: "#name" is in the envelope, or right behind it; anything else was fetched by whoever
 * wrote the slot. */
static tsr_err fetch(device *d, const tsr_suit_params *p)
{
    if (d->e->payload_count > 0 && p->uri.len > 0 && p->uri.ptr[0] == '#' &&
        !tsr_same(p->uri, d->e->payloads[0].name))
        return tsr_fwu_refuse(d->w, TSR_FWU_WHY_FORMAT);
    d->fetched = true;
    return locate(d, p);
}

static tsr_err on_act(void *self, tsr_suit_directive what, size_t component,
                      const tsr_suit_params *p)
{
    device *d = self;

    if (component != d->own)
        return tsr_fwu_refuse(d->w, TSR_FWU_WHY_COMPONENT);
    switch (what) {
    case TSR_SUIT_FETCH: return fetch(d, p);
    case TSR_SUIT_INVOKE: return TSR_OK; /* whoever asked for the choice starts it */
    default: return tsr_fwu_refuse(d->w, TSR_FWU_WHY_FORMAT);
    }
}

static tsr_err sha256(void *self, tsr_bytes in, uint8_t out[TSR_SUIT_DIGEST])
{
    const tsr_fwu_crypto *c = ((tsr_fwu_work *)self)->f->crypto;
    tsr_err err = c->hash_begin(c->self);

    if (err == TSR_OK)
        err = c->hash_more(c->self, in);
    return err == TSR_OK ? c->hash_end(c->self, out) : err;
}

static tsr_err verify(void *self, tsr_bytes cose, tsr_bytes payload,
                      uint8_t signer[TSR_SUIT_DIGEST])
{
    const tsr_fwu_work *w = self;
    const tsr_fwu *f = w->f;

    for (size_t i = 0; i < f->anchor_count; i++)
        if ((f->anchors[i].components >> w->check->id & 1u) != 0 &&
            f->crypto->sign1(f->crypto->self, f->anchors[i].point, cose, payload) == TSR_OK) {
            memcpy(signer, f->anchors[i].id, TSR_SUIT_DIGEST);
            return TSR_OK;
        }
    return TSR_E_CRYPTO;
}

/* "1.2.3+45" or "1.2.3.45", as much of it as there is. */
static void read_version(tsr_bytes text, psa_fwu_image_version_t *v)
{
    uint32_t number[4] = { 0 };
    static const uint32_t most[4] = { UINT8_MAX, UINT8_MAX, UINT16_MAX, UINT32_MAX };

    for (size_t i = 0, at = 0; i < 4 && at < text.len; i++, at++) {
        uint64_t n = 0;
        size_t begin = at;

        while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' && n <= UINT32_MAX)
            n = n * 10 + (uint64_t)(text.ptr[at++] - '0');
        if (at == begin || n > most[i])
            return;
        number[i] = (uint32_t)n;
        if (at < text.len && text.ptr[at] != '.' && text.ptr[at] != '+')
            break;
    }
    *v = (psa_fwu_image_version_t){ (uint8_t)number[0], (uint8_t)number[1], (uint16_t)number[2],
                                    number[3] };
}

static tsr_err find_own(device *d)
{
    for (size_t i = 0; i < d->m->components; i++)
        if (tsr_suit_named(d->m, i, tsr_text(d->w->component->name))) {
            d->own = i;
            return TSR_OK;
        }
    return tsr_fwu_refuse(d->w, TSR_FWU_WHY_COMPONENT);
}

/* The shared sequence alone: for whom it is, and how it is encrypted. */
static tsr_err run_shared(device *d, tsr_suit_run_state *r)
{
    const tsr_suit_params *own = &r->params[d->own];
    tsr_err err = tsr_suit_run(r, tsr_view(NULL, 0));

    d->encrypted = tsr_suit_has(own, TSR_SUIT_P_ENCRYPTION);
    d->info = own->encryption;
    if (err == TSR_OK && d->encrypted && d->w->f->crypto->open_payload == NULL)
        return tsr_fwu_refuse(d->w, TSR_FWU_WHY_ENCRYPTED);
    return err;
}

/* The sequences of the update procedure, or of the invocation procedure (SUIT 8.4.6). */
static tsr_err run(device *d)
{
    const tsr_suit_device ops = { d, on_test, on_act };
    const tsr_suit_manifest *m = d->m;
    tsr_fwu_depth depth = d->w->check->depth;
    tsr_suit_run_state r;
    tsr_err err;

    tsr_suit_begin(&r, m, &ops);
    err = run_shared(d, &r);
    if (err != TSR_OK || depth == TSR_FWU_CHECK_MANIFEST)
        return err;
    if (depth == TSR_FWU_CHECK_BOOT) {
        err = tsr_suit_run(&r, m->validate);
        if (err == TSR_OK && m->load.len > 0)
            err = tsr_suit_run(&r, m->load);
        return err == TSR_OK && m->invoke.len > 0 ? tsr_suit_run(&r, m->invoke) : err;
    }
    if ((m->fetch.severed && m->fetch.bytes.len == 0) ||
        (m->install.severed && m->install.bytes.len == 0))
        return tsr_fwu_refuse(d->w, TSR_FWU_WHY_FORMAT);
    err = tsr_suit_run(&r, m->fetch.bytes);
    if (err == TSR_OK)
        err = tsr_suit_run(&r, m->install.bytes);
    return err == TSR_OK ? tsr_suit_run(&r, m->validate) : err;
}

static tsr_err check_run(device *d)
{
    tsr_fwu_depth depth = d->w->check->depth;
    tsr_err err = run(d);

    if (err != TSR_OK)
        return err;
    /* SUIT 6.2: a manifest that does not say for whom it is, is for nobody. */
    if (!d->vendor || !d->class_id)
        return tsr_fwu_refuse(d->w, d->vendor ? TSR_FWU_WHY_CLASS : TSR_FWU_WHY_VENDOR);
    if (depth != TSR_FWU_CHECK_MANIFEST && !d->matched)
        return tsr_fwu_refuse(d->w, TSR_FWU_WHY_DIGEST);
    if (depth != TSR_FWU_CHECK_MANIFEST && depth != TSR_FWU_CHECK_BOOT && !d->fetched)
        return tsr_fwu_refuse(d->w, TSR_FWU_WHY_FORMAT);
    return TSR_OK;
}

tsr_err tsr_fwu_check_suit(tsr_fwu_work *w, tsr_bytes window, uint64_t total)
{
    const tsr_suit_crypto crypto = { w, sha256, verify };
    tsr_suit_envelope e;
    tsr_suit_manifest m;
    tsr_bytes text;
    device d = { .w = w, .m = &m, .e = &e };
    tsr_err err = tsr_suit_open(window, total, &e);

    if (err == TSR_E_SPACE) /* cut off, or a manifest that is too long */
        return tsr_fwu_refuse(w, total > TSR_FWU_MANIFEST_MAX && window.len == TSR_FWU_MANIFEST_MAX
                                     ? TSR_FWU_WHY_FORMAT
                                     : TSR_FWU_WHY_LENGTH);
    if (err != TSR_OK)
        return err;
    d.detached =
        w->check->depth == TSR_FWU_CHECK_MANIFEST || w->record.manifest[w->check->slot] > 0;
    if (e.block_count > TSR_SUIT_BLOCKS)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_SIGNATURES);
    if (tsr_suit_check(&e, &crypto, w->image.signer) != TSR_OK)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_SIGNER);
    err = tsr_suit_read(&e, &crypto, &m);
    if (err == TSR_OK)
        err = find_own(&d);
    if (err != TSR_OK)
        return err;
    w->image.sequence = m.sequence;
    if (m.sequence < w->record.counter)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_OLDER);
    w->image.version.build = (uint32_t)m.sequence; /* unless the text says better */
    if (tsr_suit_text(&m, d.own, 6, &text) == TSR_OK)
        read_version(text, &w->image.version);
    return check_run(&d);
}
