/* SPDX-License-Identifier: Apache-2.0
 *
 * The transitions of Firmware Update 1.0.1 §4.2.3. Each prepares the next record of all components
 * and makes it the record with one write. */
#include "secure/fwu/internal.h"

#include <string.h>

/* SubjectPublicKeyInfo of P-256 up to the point (RFC 5480 §2.1.1). */
static const uint8_t spki_head[26] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
};

#define ALIGN (1u << PSA_FWU_LOG2_WRITE_ALIGN)

static bool slots_fit(const tsr_fwu_component *c)
{
    const tsr_flash *a = c->slots[0], *b = c->slots[1];

    return a != NULL && b != NULL && a->size == b->size && a->block == b->block &&
           a->unit == b->unit && a->unit > 0 && ALIGN % a->unit == 0 && a->block > 0 &&
           a->block % ALIGN == 0 && a->size % a->block == 0 &&
           a->size > a->block + TSR_FWU_MANIFEST_MAX && c->progress % a->block == 0;
}

static bool arguments_fit(const tsr_fwu *f)
{
    if (f->count > TSR_FWU_COMPONENTS || f->anchor_count > TSR_FWU_ANCHORS || f->its == NULL ||
        f->crypto == NULL || f->work == NULL || f->work_len < TSR_FWU_WORK_MIN)
        return false;
    for (size_t i = 0; i < f->count; i++)
        if (!slots_fit(&f->components[i]) || f->components[i].name[0] == 0 ||
            memchr(f->components[i].name, 0, sizeof f->components[i].name) == NULL)
            return false;
    return true;
}

static tsr_err name_anchor(const tsr_fwu_crypto *c, tsr_fwu_anchor *a)
{
    tsr_bytes point = tsr_view(a->point, sizeof a->point);
    tsr_err err = c->hash_begin(c->self);

    if (err == TSR_OK)
        err = c->hash_more(c->self, point);
    if (err == TSR_OK)
        err = c->hash_end(c->self, a->id);
    if (err == TSR_OK)
        err = c->hash_begin(c->self);
    if (err == TSR_OK)
        err = c->hash_more(c->self, tsr_view(spki_head, sizeof spki_head));
    if (err == TSR_OK)
        err = c->hash_more(c->self, point);
    return err == TSR_OK ? c->hash_end(c->self, a->spki_id) : err;
}

static const tsr_flash *second(const tsr_fwu *f, size_t id)
{
    return f->components[id].slots[f->records[id].active ^ 1u];
}

/* What was written after the last durable step may be there in part; a flash takes it anew only
 * when it is erased. */
static void resume(tsr_fwu *f, size_t id)
{
    const tsr_fwu_record *r = &f->records[id];

    f->written[id] = f->high[id] = r->state == PSA_FWU_WRITING ? r->saved : 0;
    if (r->state == PSA_FWU_WRITING && (f->components[id].properties & TSR_FWU_REWRITE) == 0) {
        const tsr_flash *slot = second(f, id);
        uint32_t end = tsr_fwu_capacity(slot);
        tsr_err err = TSR_OK;

        for (uint32_t at = r->saved; err == TSR_OK && at < end; at += slot->block)
            err = slot->erase(slot->self, at); /* failing shows when it is written */
        if (err == TSR_OK)
            (void)slot->sync(slot->self);
    }
}

psa_status_t tsr_fwu_open(tsr_fwu *f)
{
    psa_status_t status;

    f->open = false;
    if (!arguments_fit(f))
        return PSA_ERROR_INVALID_ARGUMENT;
    for (size_t i = 0; i < f->anchor_count; i++)
        if (name_anchor(f->crypto, &f->anchors[i]) != TSR_OK)
            return PSA_ERROR_GENERIC_ERROR;
    status = tsr_fwu_load(f);
    if (status != PSA_SUCCESS)
        return status;
    for (size_t i = 0; i < f->count; i++)
        resume(f, i);
    f->open = true;
    return PSA_SUCCESS;
}

/* ---- what the calls share ---- */

typedef struct {
    tsr_fwu_record records[TSR_FWU_COMPONENTS];
} draft;

static draft begin(const tsr_fwu *f)
{
    draft d;

    memcpy(d.records, f->records, sizeof d.records);
    return d;
}

static bool any(const tsr_fwu *f, uint32_t states)
{
    for (size_t i = 0; i < f->count; i++)
        if ((states >> f->records[i].state & 1u) != 0)
            return true;
    return false;
}

static psa_status_t fail(tsr_fwu *f, size_t id, psa_status_t error, uint8_t why)
{
    draft d = begin(f);

    d.records[id].state = PSA_FWU_FAILED;
    d.records[id].error = error;
    d.records[id].why = why;
    d.records[id].saved = 0;
    return tsr_fwu_save(f, d.records);
}

psa_status_t tsr_fwu_query(const tsr_fwu *f, psa_fwu_component_t id, psa_fwu_component_info_t *info)
{
    if (!f->open || id >= f->count)
        return PSA_ERROR_DOES_NOT_EXIST;

    const tsr_fwu_record *r = &f->records[id];
    const tsr_fwu_component *c = &f->components[id];
    bool failed = r->state == PSA_FWU_FAILED || r->state == PSA_FWU_REJECTED;
    uint32_t flags = f->crypto->open_payload != NULL ? PSA_FWU_FLAG_ENCRYPTION : 0;

    *info = (psa_fwu_component_info_t){
        .state = r->state,
        .error = failed ? r->error : PSA_SUCCESS,
        .version = r->version[r->active],
        .max_size = tsr_fwu_capacity(c->slots[0]),
        .flags = (c->properties & TSR_FWU_VOLATILE) != 0 ? flags | PSA_FWU_FLAG_VOLATILE_STAGING
                                                         : flags,
        .location = r->active,
        .impl = { .written = f->written[id],
                  .sequence = r->counter,
                  .why = failed ? r->why : (uint8_t)TSR_FWU_WHY_NONE,
                  .slot = r->active },
    };
    return PSA_SUCCESS;
}

/* ---- start ---- */

static psa_status_t take_manifest(tsr_fwu *f, size_t id, tsr_bytes manifest, tsr_fwu_image *image)
{
    uint32_t properties = f->components[id].properties;
    tsr_fwu_check check = {
        TSR_FWU_CHECK_MANIFEST, id, f->records[id].active ^ 1u, manifest, 0, NULL
    };
    uint8_t why;

    if (manifest.len == 0)
        return (properties & TSR_FWU_DETACHED) != 0 ? PSA_ERROR_INVALID_ARGUMENT : PSA_SUCCESS;
    if ((properties & TSR_FWU_BUNDLED) != 0 || manifest.len > TSR_FWU_MANIFEST_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    return tsr_fwu_check_image(f, &check, image, &why);
}

/* The slot is written from here on, so it must not count as erased any more. */
static psa_status_t make_ready(tsr_fwu *f, size_t id, tsr_bytes manifest)
{
    const tsr_flash *slot = second(f, id);
    bool rewrite = (f->components[id].properties & TSR_FWU_REWRITE) != 0;
    bool clean = f->records[id].clean;
    draft d = begin(f);

    if (clean && manifest.len > 0) {
        d.records[id].clean = false;
        if (tsr_fwu_save(f, d.records) != PSA_SUCCESS)
            return PSA_ERROR_STORAGE_FAILURE;
    }
    if (!clean && tsr_fwu_erase(slot, 0) != TSR_OK)
        return PSA_ERROR_STORAGE_FAILURE;
    if (manifest.len == 0)
        return PSA_SUCCESS;
    if (tsr_fwu_program(slot, rewrite, tsr_fwu_capacity(slot), manifest) != TSR_OK ||
        slot->sync(slot->self) != TSR_OK)
        return PSA_ERROR_STORAGE_FAILURE;
    return PSA_SUCCESS;
}

psa_status_t tsr_fwu_start(tsr_fwu *f, psa_fwu_component_t id, tsr_bytes manifest)
{
    tsr_fwu_image image = { .sequence = 0 };
    psa_status_t status;

    if (!f->open || id >= f->count)
        return PSA_ERROR_DOES_NOT_EXIST;
    if (f->records[id].state != PSA_FWU_READY)
        return PSA_ERROR_BAD_STATE;
    status = take_manifest(f, id, manifest, &image);
    if (status == PSA_SUCCESS)
        status = make_ready(f, id, manifest);
    if (status != PSA_SUCCESS)
        return status;

    draft d = begin(f);
    tsr_fwu_record *r = &d.records[id];
    unsigned target = r->active ^ 1u;

    r->state = PSA_FWU_WRITING;
    r->clean = false;
    r->saved = 0;
    r->manifest[target] = (uint32_t)manifest.len;
    r->len[target] = 0;
    r->sequence[target] = image.sequence;
    r->version[target] = image.version;
    f->written[id] = f->high[id] = 0;
    return tsr_fwu_save(f, d.records);
}

/* ---- write ---- */

static void advance(tsr_fwu *f, size_t id, uint32_t at, uint32_t len)
{
    if (at <= f->written[id] && at + len > f->written[id])
        f->written[id] = at + len;
    if (at + len > f->high[id])
        f->high[id] = at + len;
}

/* Every so many bytes what is there is made to survive a reboot. */
static psa_status_t keep_progress(tsr_fwu *f, size_t id)
{
    uint32_t step = f->components[id].progress;
    const tsr_flash *slot = second(f, id);
    draft d = begin(f);

    if (step == 0 || f->written[id] - d.records[id].saved < step ||
        f->written[id] < d.records[id].saved)
        return PSA_SUCCESS;
    if (slot->sync(slot->self) != TSR_OK)
        return PSA_ERROR_STORAGE_FAILURE;
    d.records[id].saved = f->written[id] / slot->block * slot->block;
    return tsr_fwu_save(f, d.records);
}

psa_status_t tsr_fwu_write(tsr_fwu *f, psa_fwu_component_t id, size_t at, tsr_bytes block)
{
    uint32_t capacity;
    tsr_err err;

    if (!f->open || id >= f->count)
        return PSA_ERROR_DOES_NOT_EXIST;
    if (f->records[id].state != PSA_FWU_WRITING)
        return PSA_ERROR_BAD_STATE;
    capacity = tsr_fwu_capacity(second(f, id));
    if (block.len == 0 || block.len > PSA_FWU_MAX_WRITE_SIZE || at % ALIGN != 0 || at > capacity ||
        block.len > capacity - at)
        return PSA_ERROR_INVALID_ARGUMENT;
    err = tsr_fwu_program(second(f, id), (f->components[id].properties & TSR_FWU_REWRITE) != 0,
                          (uint32_t)at, block);
    if (err != TSR_OK)
        return err == TSR_E_SPACE ? PSA_ERROR_INSUFFICIENT_STORAGE : PSA_ERROR_STORAGE_FAILURE;
    advance(f, id, (uint32_t)at, (uint32_t)block.len);
    return keep_progress(f, id);
}

/* ---- finish, cancel, clean ---- */

psa_status_t tsr_fwu_finish(tsr_fwu *f, psa_fwu_component_t id)
{
    tsr_fwu_image image;
    uint8_t why = TSR_FWU_WHY_LENGTH;
    psa_status_t status = PSA_ERROR_INVALID_SIGNATURE;

    if (!f->open || id >= f->count)
        return PSA_ERROR_DOES_NOT_EXIST;
    if (f->records[id].state != PSA_FWU_WRITING)
        return PSA_ERROR_BAD_STATE;

    draft d = begin(f);
    tsr_fwu_record *r = &d.records[id];
    unsigned target = r->active ^ 1u;
    const tsr_flash *slot = second(f, id);
    tsr_fwu_check check = {
        TSR_FWU_CHECK_IMAGE, id, (uint8_t)target, { NULL, 0 }, f->high[id], NULL
    };

    if (slot->sync(slot->self) != TSR_OK)
        return PSA_ERROR_STORAGE_FAILURE;
    if (f->high[id] > 0)
        status = tsr_fwu_check_image(f, &check, &image, &why);
    f->written[id] = 0;
    if (status != PSA_SUCCESS) {
        psa_status_t saved = fail(f, id, status, why);

        return saved == PSA_SUCCESS ? status : saved;
    }
    r->state = PSA_FWU_CANDIDATE;
    r->saved = 0;
    r->len[target] = image.used;
    r->sequence[target] = image.sequence;
    r->version[target] = image.version;
    return tsr_fwu_save(f, d.records);
}

psa_status_t tsr_fwu_cancel(tsr_fwu *f, psa_fwu_component_t id)
{
    if (!f->open || id >= f->count)
        return PSA_ERROR_DOES_NOT_EXIST;
    if (f->records[id].state != PSA_FWU_WRITING && f->records[id].state != PSA_FWU_CANDIDATE)
        return PSA_ERROR_BAD_STATE;
    f->written[id] = 0;
    return fail(f, id, PSA_SUCCESS, TSR_FWU_WHY_CANCELLED);
}

psa_status_t tsr_fwu_clean(tsr_fwu *f, psa_fwu_component_t id)
{
    if (!f->open || id >= f->count)
        return PSA_ERROR_DOES_NOT_EXIST;
    if (f->records[id].state != PSA_FWU_FAILED && f->records[id].state != PSA_FWU_UPDATED)
        return PSA_ERROR_BAD_STATE;
    if (tsr_fwu_erase(second(f, id), 0) != TSR_OK)
        return PSA_ERROR_STORAGE_FAILURE;

    draft d = begin(f);

    tsr_fwu_forget_second(&d.records[id]);
    d.records[id].clean = true;
    return tsr_fwu_save(f, d.records);
}

/* ---- install, reject, accept: all components together ---- */

/* Firmware Update 1.0.1, psa_fwu_install(): a missing dependency leaves all as they are; an image
 * that is not good any more fails alone. */
static psa_status_t check_candidates(tsr_fwu *f)
{
    psa_status_t result = PSA_SUCCESS;

    for (size_t i = 0; i < f->count; i++) {
        const tsr_fwu_record *r = &f->records[i];
        tsr_fwu_check check = {
            TSR_FWU_CHECK_INSTALL, i, r->active ^ 1u, { NULL, 0 }, r->len[r->active ^ 1u], NULL
        };
        tsr_fwu_image image;
        uint8_t why;
        psa_status_t status;

        if (r->state != PSA_FWU_CANDIDATE)
            continue;
        status = tsr_fwu_check_image(f, &check, &image, &why);
        if (status == PSA_ERROR_DEPENDENCY_NEEDED) {
            if (result == PSA_SUCCESS)
                result = status;
        } else if (status != PSA_SUCCESS) {
            if (fail(f, i, status, why) != PSA_SUCCESS)
                return PSA_ERROR_STORAGE_FAILURE;
            result = status;
        }
    }
    return result;
}

static bool reboot_needed(const tsr_fwu *f, uint8_t state)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->records[i].state == state &&
            ((f->components[i].properties & TSR_FWU_NO_REBOOT) == 0 || f->records[i].attempts > 0))
            return true;
    return false;
}

psa_status_t tsr_fwu_install(tsr_fwu *f)
{
    psa_status_t status;

    if (!f->open || !any(f, 1u << PSA_FWU_CANDIDATE) ||
        any(f, 1u << PSA_FWU_STAGED | 1u << PSA_FWU_TRIAL | 1u << PSA_FWU_REJECTED))
        return PSA_ERROR_BAD_STATE;
    status = check_candidates(f);
    if (status != PSA_SUCCESS)
        return status;

    /* One component that needs the reboot makes all wait for it: they start together. */
    bool reboot = reboot_needed(f, PSA_FWU_CANDIDATE);
    draft d = begin(f);

    for (size_t i = 0; i < f->count; i++) {
        tsr_fwu_record *r = &d.records[i];

        if (r->state != PSA_FWU_CANDIDATE)
            continue;
        r->attempts = 0;
        if (reboot)
            r->state = PSA_FWU_STAGED;
        else
            tsr_fwu_switch_over(&f->components[i], r);
    }
    status = tsr_fwu_save(f, d.records);
    return status == PSA_SUCCESS && reboot ? PSA_SUCCESS_REBOOT : status;
}

psa_status_t tsr_fwu_reject(tsr_fwu *f, psa_status_t error)
{
    if (!f->open || !any(f, 1u << PSA_FWU_STAGED | 1u << PSA_FWU_TRIAL))
        return PSA_ERROR_BAD_STATE;

    bool reboot = reboot_needed(f, PSA_FWU_TRIAL);
    draft d = begin(f);
    psa_status_t status;

    for (size_t i = 0; i < f->count; i++) {
        tsr_fwu_record *r = &d.records[i];

        if (r->state != PSA_FWU_STAGED && r->state != PSA_FWU_TRIAL)
            continue;
        if (r->state == PSA_FWU_TRIAL && !reboot)
            r->active ^= 1u;
        r->state = r->state == PSA_FWU_TRIAL && reboot ? PSA_FWU_REJECTED : PSA_FWU_FAILED;
        r->error = error;
        r->why = TSR_FWU_WHY_REJECTED;
    }
    status = tsr_fwu_save(f, d.records);
    return status == PSA_SUCCESS && reboot ? PSA_SUCCESS_REBOOT : status;
}

psa_status_t tsr_fwu_accept(tsr_fwu *f)
{
    if (!f->open || !any(f, 1u << PSA_FWU_TRIAL))
        return PSA_ERROR_BAD_STATE;

    draft d = begin(f);

    for (size_t i = 0; i < f->count; i++)
        if (d.records[i].state == PSA_FWU_TRIAL)
            tsr_fwu_make_final(&d.records[i]);
    return tsr_fwu_save(f, d.records);
}

psa_status_t tsr_fwu_request_reboot(tsr_fwu *f)
{
    if (f->reboot == NULL || f->reboot(f->reboot_self) != TSR_OK)
        return PSA_ERROR_NOT_SUPPORTED;
    return PSA_SUCCESS;
}
