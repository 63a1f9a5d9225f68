/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan as a walk over its steps; what each module says and hears is in module.c. */
#include "server/fdo/choose.h"
#include "server/fdo/module.h"
#include "server/rest/room.h"

#include <stdio.h>
#include <stdlib.h>

#include "tessera/cbor/cbor.h"

enum { ASKED = 1 }; /* the phase after `active`, with which every module begins */

/* --- the plan --------------------------------------------------------------------------- */

static tsr_err find_steps(tsr_bytes text, tsr_json *root, tsr_json *steps)
{
    if (tsr_json_parse(text, root, NULL) != TSR_OK || root->kind != TSR_JSON_OBJECT ||
        tsr_json_find(root, "steps", steps) != TSR_OK || steps->kind != TSR_JSON_ARRAY)
        return TSR_E_MALFORMED;
    return TSR_OK;
}

static tsr_err choose(tsr_fdo *f, fdo_plan_run *p, tsr_bytes info, const char *group)
{
    fdo_choice choice;
    tsr_err err = fdo_plan_choose(f, p->guid, info, group, &choice, &p->text);

    if (err == TSR_E_STATE)
        fdo_log(f, true, "fdo: device %s is of group %s, which has no plan: set one, or take the device "
                         "out of the group", p->guid, group);
    return err;
}

tsr_err fdo_plan_begin(tsr_fdo *f, fdo_plan_run *p, const fdo_subject *who)
{
    fdo_known known;
    tsr_json steps;
    tsr_err err;

    p->fdo = f;
    fdo_guid_text(who->guid, p->guid);
    fdo_known_read(f, p->guid, &known);
    err = fdo_handover_begin(&p->handover, who, known.serial);
    if (err == TSR_OK)
        err = choose(f, p, who->info, known.group);
    if (err == TSR_OK)
        err = find_steps(tsr_buf_view(&p->text), &p->plan, &steps);
    if (err == TSR_OK)
        p->steps = tsr_json_items(&steps);
    return err;
}

void fdo_plan_end(fdo_plan_run *p)
{
    rest_wipe(&p->data);
    rest_wipe(&p->text);
    if (p->fdo != NULL)
        fdo_handover_drop(p->fdo, &p->handover);
    *p = (fdo_plan_run){ 0 };
}

tsr_err fdo_plan_settle(fdo_plan_run *p) { return fdo_handover_settle(p->fdo, &p->handover); }

static tsr_err refuse(char *why, size_t why_cap, const char *text)
{
    (void)snprintf(why, why_cap, "%s", text);
    return TSR_E_ARGUMENT;
}

static tsr_err refuse_step(char *why, size_t why_cap, unsigned n, const char *text)
{
    (void)snprintf(why, why_cap, "steps[%u]: %s", n, text);
    return TSR_E_ARGUMENT;
}

static const char *wrong_head(const tsr_json *plan, int64_t *rank)
{
    static const char *const names[] = { "steps", "endpoint", "replace", "device_info" };
    tsr_json_walk walk = tsr_json_items(plan);
    tsr_json key, item;

    while (tsr_json_next(&walk, &key, &item)) {
        bool known = false;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known |= tsr_json_is(&key, names[i]);
        if (!known)
            return "a plan has `steps`, `endpoint`, `replace` and `device_info`, and nothing else";
    }
    if (!fdo_step_flag(plan, "replace"))
        return "`replace` is true or false";
    return fdo_endpoint_wrong(plan) != NULL ? fdo_endpoint_wrong(plan) : fdo_plan_rank(plan, rank);
}

tsr_err fdo_plan_check(tsr_bytes json, int64_t *rank, char *why, size_t why_cap)
{
    tsr_json plan, steps, step;
    tsr_json_walk walk;
    const char *wrong;
    unsigned n = 0;

    if (find_steps(json, &plan, &steps) != TSR_OK)
        return refuse(why, why_cap, "a plan is an object with an array of `steps`");
    wrong = wrong_head(&plan, rank);
    if (wrong != NULL)
        return refuse(why, why_cap, wrong);
    for (walk = tsr_json_items(&steps); tsr_json_next(&walk, NULL, &step); n++) {
        const fdo_module *m = fdo_module_of(&step);

        wrong = m != NULL ? m->check(&step) : "its `module` is none of those known";
        if (wrong != NULL)
            return refuse_step(why, why_cap, n, wrong);
    }
    wrong = fdo_accounts_wrong(&steps, &n);
    return wrong == NULL ? TSR_OK : refuse_step(why, why_cap, n, wrong);
}

/* --- what the device says --------------------------------------------------------------- */

/* devmod:modules = [first, count, name...], in one message or more. */
static const char *take_modules(fdo_plan_run *p, tsr_bytes value)
{
    uint64_t items, first, count;
    tsr_bytes name;

    if (tsr_cbor_get_array(&value, &items) != TSR_OK ||
        tsr_cbor_get_uint(&value, &first) != TSR_OK || tsr_cbor_get_uint(&value, &count) != TSR_OK ||
        items != count + 2)
        return "devmod:modules is no list of modules";
    for (uint64_t i = 0; i < count; i++)
        if (tsr_cbor_get_text(&value, &name) != TSR_OK)
            return "devmod:modules has a name that is no text";
    p->heard += count;
    p->announced = p->heard >= p->modules;
    return NULL;
}

static const char *take_devmod(fdo_plan_run *p, tsr_bytes message, tsr_bytes value)
{
    if (tsr_same(message, tsr_text("nummodules"))) {
        if (tsr_cbor_get_uint(&value, &p->modules) != TSR_OK || p->modules > UINT16_MAX)
            return "devmod:nummodules is no number";
        p->announced = p->modules == 0;
    }
    return tsr_same(message, tsr_text("modules")) ? take_modules(p, value) : NULL;
}

void fdo_step_over(fdo_plan_run *p)
{
    rest_wipe(&p->data);
    p->has_step = p->waits = false;
}

static bool is_optional(const fdo_plan_run *p)
{
    bool optional = false;

    (void)tsr_json_find_bool(&p->step, "optional", &optional);
    return optional;
}

static const char *denied(tsr_fdo *f, fdo_plan_run *p)
{
    bool optional = is_optional(p);
    char name[40] = "";

    (void)tsr_json_find_cstring(&p->step, "module", name, sizeof name);
    fdo_log(f, !optional, "fdo: device %s has no module %s", p->guid, name);
    if (!optional)
        return "the device does not know a module of its plan";
    fdo_step_over(p);
    return NULL;
}

const char *fdo_plan_take(tsr_fdo *f, fdo_plan_run *p, tsr_bytes module, tsr_bytes message,
                          tsr_bytes value)
{
    const fdo_module *m;
    bool active;

    if (tsr_same(module, tsr_text("devmod")))
        return take_devmod(p, message, value);
    m = p->has_step ? fdo_module_of(&p->step) : NULL;
    if (m == NULL || !tsr_same(module, tsr_text(m->name)))
        return NULL; /* of a step that is over */
    if (!tsr_same(message, tsr_text("active")))
        return m->take(f, p, message, value);
    if (tsr_cbor_get_bool(&value, &active) != TSR_OK)
        return "an `active` is no boolean";
    if (active && p->phase == ASKED)
        p->waits = false;
    return active ? NULL : denied(f, p);
}

/* --- what the device is told ------------------------------------------------------------ */

static bool next_step(fdo_plan_run *p)
{
    p->has_step = tsr_json_next(&p->steps, NULL, &p->step);
    p->waits = false;
    p->phase = 0;
    p->at = 0;
    p->length = -1;
    return p->has_step;
}

bool fdo_plan_give(fdo_plan_run *p, tsr_buf *pairs, uint64_t *count)
{
    while (p->announced && !p->waits && (p->has_step || next_step(p))) {
        size_t before = pairs->len;

        switch (fdo_module_of(&p->step)->say(p, pairs)) {
        case FDO_SAID: break;
        case FDO_WAITS: p->waits = true; return false;
        case FDO_OVER: fdo_step_over(p); continue;
        }
        if (pairs->err != TSR_OK && *count > 0) { /* it goes into the next message */
            pairs->err = TSR_OK;
            pairs->len = before;
            return true;
        }
        if (pairs->err != TSR_OK) {
            p->wrong = "a step of the plan does not fit into the messages that the device takes";
            return false;
        }
        p->phase++;
        ++*count;
        /* go-fdo ends TO2 when a module that it has not is told more than to be active */
        p->waits = p->phase == ASKED && is_optional(p);
    }
    return false;
}

bool fdo_plan_is_over(const fdo_plan_run *p)
{
    tsr_json_walk rest = p->steps;
    tsr_json step;

    return p->announced && !p->has_step && !tsr_json_next(&rest, NULL, &step);
}
