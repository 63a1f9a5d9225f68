/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification of what a slot holds, whichever way it is packed. */
#include "secure/fwu/internal.h"
#include "tessera/suit/mcuboot.h"
#include "tessera/suit/suit.h"

psa_status_t tsr_fwu_status(uint8_t why)
{
    switch (why) {
    case TSR_FWU_WHY_SIGNER:
    case TSR_FWU_WHY_LENGTH:
    case TSR_FWU_WHY_DIGEST: return PSA_ERROR_INVALID_SIGNATURE;
    case TSR_FWU_WHY_OLDER: return PSA_ERROR_NOT_PERMITTED;
    case TSR_FWU_WHY_DEPENDENCY: return PSA_ERROR_DEPENDENCY_NEEDED;
    case TSR_FWU_WHY_STORAGE: return PSA_ERROR_STORAGE_FAILURE;
    default: return PSA_ERROR_INVALID_ARGUMENT;
    }
}

tsr_err tsr_fwu_hash_slot(tsr_fwu *f, const tsr_flash *slot, uint32_t at, uint32_t len,
                          uint8_t digest[32])
{
    uint8_t *chunk = f->work + TSR_FWU_MANIFEST_MAX;
    size_t room = f->work_len - TSR_FWU_MANIFEST_MAX;
    tsr_err err = f->crypto->hash_begin(f->crypto->self);

    while (err == TSR_OK && len > 0) {
        size_t part = len < room ? len : room;

        err = slot->read(slot->self, at, chunk, part);
        if (err == TSR_OK)
            err = f->crypto->hash_more(f->crypto->self, tsr_view(chunk, part));
        at += (uint32_t)part;
        len -= (uint32_t)part;
    }
    return err == TSR_OK ? f->crypto->hash_end(f->crypto->self, digest) : err;
}

/* draft-ietf-suit-update-management, suit-condition-version: number by number; what is not said
 * does not count. */
static int compare(const psa_fwu_image_version_t *v, const uint32_t *number, size_t count)
{
    const uint32_t have[4] = { v->major, v->minor, v->patch, v->build };

    for (size_t i = 0; i < count && i < 4; i++)
        if (have[i] != number[i])
            return have[i] < number[i] ? -1 : 1;
    return 0;
}

bool tsr_fwu_version_holds(const tsr_fwu *f, size_t id, unsigned how, const uint32_t *number,
                           size_t count)
{
    const tsr_fwu_record *r = &f->records[id];
    bool coming = r->state == PSA_FWU_CANDIDATE || r->state == PSA_FWU_STAGED;
    int order = compare(&r->version[coming ? r->active ^ 1u : r->active], number, count);

    switch (how) {
    case 1: return order > 0;
    case 2: return order >= 0;
    case 3: return order == 0;
    case 4: return order <= 0;
    default: return order < 0;
    }
}

/* The first bytes of the slot, or the detached manifest that lies behind its image. */
static tsr_err read_window(tsr_fwu_work *w, tsr_bytes *window, uint64_t *total)
{
    uint32_t detached = w->record.manifest[w->check->slot];
    uint32_t at = detached > 0 ? tsr_fwu_capacity(w->slot) : 0;
    uint32_t all = detached > 0 ? detached : w->limit;
    uint32_t len = all < TSR_FWU_MANIFEST_MAX ? all : TSR_FWU_MANIFEST_MAX;

    if (w->slot->read(w->slot->self, at, w->f->work, len) != TSR_OK)
        return tsr_fwu_refuse(w, TSR_FWU_WHY_STORAGE);
    *window = tsr_view(w->f->work, len);
    *total = all;
    return TSR_OK;
}

static tsr_err check_what_is_there(tsr_fwu_work *w)
{
    tsr_bytes window;
    uint64_t total;
    tsr_err err;

    if (w->check->depth == TSR_FWU_CHECK_MANIFEST)
        return tsr_fwu_check_suit(w, w->check->detached, w->check->detached.len);
    err = read_window(w, &window, &total);
    if (err != TSR_OK)
        return err;
    if (tsr_mcuboot_is_image(window) && w->record.manifest[w->check->slot] == 0)
        return tsr_fwu_check_mcuboot(w, window);
    if (tsr_suit_is_envelope(window))
        return tsr_fwu_check_suit(w, window, total);
    return tsr_fwu_refuse(w, TSR_FWU_WHY_FORMAT);
}

psa_status_t tsr_fwu_check_image(tsr_fwu *f, const tsr_fwu_check *check, tsr_fwu_image *image,
                                 uint8_t *why)
{
    const tsr_fwu_component *component = &f->components[check->id];
    tsr_fwu_work w = {
        .f = f,
        .check = check,
        .component = component,
        .slot = component->slots[check->slot],
        .record = f->records[check->id],
        .limit = check->total > 0 ? check->total : tsr_fwu_capacity(component->slots[0]),
    };
    tsr_err err = check_what_is_there(&w);

    /* A manifest describes all there is: bytes behind its image are not what was signed. */
    if (err == TSR_OK && check->total > 0 && w.image.used != check->total)
        err = tsr_fwu_refuse(&w, TSR_FWU_WHY_LENGTH);
    if (err != TSR_OK) {
        *why = w.why != TSR_FWU_WHY_NONE ? w.why : TSR_FWU_WHY_FORMAT;
        return tsr_fwu_status(*why);
    }
    *why = TSR_FWU_WHY_NONE;
    *image = w.image;
    return PSA_SUCCESS;
}

psa_status_t tsr_fwu_verify(tsr_fwu *f, psa_fwu_component_t id, uint8_t slot, tsr_fwu_image *image,
                            uint8_t *why)
{
    tsr_fwu_check check = { TSR_FWU_CHECK_BOOT, id, slot, { NULL, 0 }, 0, NULL };

    if (id >= f->count || slot > 1)
        return PSA_ERROR_DOES_NOT_EXIST;
    return tsr_fwu_check_image(f, &check, image, why);
}

psa_status_t tsr_fwu_decrypt(tsr_fwu *f, psa_fwu_component_t id, uint8_t slot,
                             const tsr_fwu_sink *sink, tsr_fwu_image *image, uint8_t *why)
{
    tsr_fwu_check check = { TSR_FWU_CHECK_BOOT, id, slot, { NULL, 0 }, 0, sink };
    psa_status_t status;

    if (id >= f->count || slot > 1)
        return PSA_ERROR_DOES_NOT_EXIST;
    status = tsr_fwu_check_image(f, &check, image, why);
    return status == PSA_SUCCESS && !image->encrypted ? PSA_ERROR_NOT_SUPPORTED : status;
}
