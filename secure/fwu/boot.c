/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware Update 1.0.1 §4.6, in its order: install what is STAGED, roll back what was not
 * accepted, clean what is volatile, verify what starts. */
#include "secure/fwu/internal.h"

typedef struct {
    tsr_fwu *f;
    tsr_fwu_record next[TSR_FWU_COMPONENTS];
    tsr_fwu_choice *choices;
} decision;

static bool is_volatile(const tsr_fwu *f, size_t id)
{
    return (f->components[id].properties & TSR_FWU_VOLATILE) != 0;
}

/* §4.6.2: all that are STAGED, or none. The good ones' images are kept for the choice. */
static bool staged_are_good(decision *d, uint8_t *why, psa_status_t *status)
{
    bool good = true;

    for (size_t i = 0; i < d->f->count; i++) {
        const tsr_fwu_record *r = &d->next[i];
        tsr_fwu_check check = {
            TSR_FWU_CHECK_INSTALL, i, r->active ^ 1u, { NULL, 0 }, r->len[r->active ^ 1u], NULL
        };

        status[i] = PSA_ERROR_DEPENDENCY_NEEDED; /* good itself, but not its companion */
        why[i] = TSR_FWU_WHY_DEPENDENCY;
        if (r->state != PSA_FWU_STAGED)
            continue;

        psa_status_t s = tsr_fwu_check_image(d->f, &check, &d->choices[i].image, &why[i]);

        if (s != PSA_SUCCESS) {
            good = false;
            status[i] = s;
        } else {
            why[i] = TSR_FWU_WHY_DEPENDENCY;
        }
    }
    return good;
}

static void install_staged(decision *d)
{
    uint8_t why[TSR_FWU_COMPONENTS];
    psa_status_t status[TSR_FWU_COMPONENTS];
    bool good = staged_are_good(d, why, status);

    for (size_t i = 0; i < d->f->count; i++) {
        tsr_fwu_record *r = &d->next[i];

        if (r->state != PSA_FWU_STAGED)
            continue;
        if (good) {
            tsr_fwu_switch_over(&d->f->components[i], r);
            r->attempts = r->state == PSA_FWU_TRIAL ? 1 : 0;
            d->choices[i].there = true;
            d->choices[i].slot = r->active;
        } else {
            r->state = PSA_FWU_FAILED;
            r->error = status[i];
            r->why = why[i];
        }
    }
}

/* §4.6.3. A component that was installed without a reboot is not touched by one (appendix C.1.2),
 * unless its staging is volatile. */
static void roll_back(decision *d, size_t i, psa_status_t cause)
{
    tsr_fwu_record *r = &d->next[i];

    if (r->state == PSA_FWU_TRIAL && r->attempts == 0 && !is_volatile(d->f, i))
        return;
    if (r->state == PSA_FWU_TRIAL) {
        r->error = cause != 0 ? cause : PSA_ERROR_GENERIC_ERROR;
        r->why = TSR_FWU_WHY_TRIAL;
    }
    r->state = PSA_FWU_FAILED;
    r->active ^= 1u;
}

/* Appendix C.2, and a WRITING that keeps nothing: the second image is given up. It is erased when
 * the next one is started, so that a boot takes no longer for it. */
static void clean_volatile(decision *d, size_t i)
{
    tsr_fwu_record *r = &d->next[i];
    bool forgetful = r->state == PSA_FWU_WRITING && d->f->components[i].progress == 0;

    if (forgetful ||
        (is_volatile(d->f, i) && r->state != PSA_FWU_READY && r->state != PSA_FWU_TRIAL))
        tsr_fwu_forget_second(r);
}

static bool same_records(const tsr_fwu *f, const tsr_fwu_record *next)
{
    for (size_t i = 0; i < f->count; i++) {
        const tsr_fwu_record *a = &f->records[i], *b = &next[i];

        if (a->state != b->state || a->active != b->active || a->attempts != b->attempts ||
            a->known != b->known || a->why != b->why || a->error != b->error ||
            a->counter != b->counter ||
            memcmp(&a->version[a->active], &b->version[b->active], sizeof a->version[0]) != 0)
            return false;
    }
    return true;
}

/* An image may start from the other slot when the active one is damaged and the other one was no
 * less official: both came from the factory, or it is the one before the last update. A version
 * that the counter forbids is not found good. */
static bool may_fall_back(const tsr_fwu_record *r)
{
    return r->state == PSA_FWU_READY || r->state == PSA_FWU_UPDATED;
}

static psa_status_t verify(decision *d, size_t i, uint8_t slot)
{
    tsr_fwu_check check = { TSR_FWU_CHECK_BOOT, i, slot, { NULL, 0 }, 0, NULL };
    tsr_fwu_choice *choice = &d->choices[i];
    uint8_t why;
    psa_status_t status = tsr_fwu_check_image(d->f, &check, &choice->image, &why);

    choice->there = status == PSA_SUCCESS;
    choice->slot = slot;
    return status;
}

/* §4.6.4 */
static psa_status_t choose(decision *d, size_t i)
{
    tsr_fwu_record *r = &d->next[i];
    tsr_fwu_choice *choice = &d->choices[i];

    if (!choice->there && verify(d, i, r->active) != PSA_SUCCESS && may_fall_back(r) &&
        verify(d, i, r->active ^ 1u) == PSA_SUCCESS) {
        r->active ^= 1u;
        if (r->known) { /* else the factory filled only this slot */
            r->state = PSA_FWU_FAILED;
            r->error = PSA_ERROR_DATA_CORRUPT;
            r->why = TSR_FWU_WHY_DAMAGED;
        }
    }
    if (!choice->there) {
        *choice = (tsr_fwu_choice){ .slot = r->active };
        return PSA_ERROR_DOES_NOT_EXIST;
    }
    r->known = true;
    r->version[r->active] = choice->image.version;
    r->sequence[r->active] = choice->image.sequence;
    choice->trial = r->state == PSA_FWU_TRIAL;
    return PSA_SUCCESS;
}

/* Nothing new is started that could not be written down; an old image is as good as before. */
static void undo_install(decision *d)
{
    for (size_t i = 0; i < d->f->count; i++)
        if (d->f->records[i].state == PSA_FWU_STAGED) {
            d->next[i] = d->f->records[i];
            d->choices[i] = (tsr_fwu_choice){ .there = false };
        }
}

static psa_status_t keep(decision *d)
{
    return same_records(d->f, d->next) ? PSA_SUCCESS : tsr_fwu_save(d->f, d->next);
}

psa_status_t tsr_fwu_boot(tsr_fwu *f, psa_status_t cause, tsr_fwu_choice *choices)
{
    decision d = { .f = f, .choices = choices };
    psa_status_t kept, status = PSA_SUCCESS;

    if (!f->open)
        return PSA_ERROR_BAD_STATE;
    memcpy(d.next, f->records, sizeof d.next);
    memset(choices, 0, f->count * sizeof *choices);
    for (size_t i = 0; i < f->count; i++)
        if (d.next[i].state == PSA_FWU_TRIAL || d.next[i].state == PSA_FWU_REJECTED)
            roll_back(&d, i, cause);
    install_staged(&d);
    for (size_t i = 0; i < f->count; i++)
        clean_volatile(&d, i);
    kept = keep(&d);
    if (kept != PSA_SUCCESS)
        undo_install(&d);
    for (size_t i = 0; i < f->count; i++)
        if (choose(&d, i) != PSA_SUCCESS)
            status = PSA_ERROR_DOES_NOT_EXIST;
    if (kept == PSA_SUCCESS)
        kept = keep(&d);
    return kept != PSA_SUCCESS ? kept : status;
}
