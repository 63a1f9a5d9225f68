/* SPDX-License-Identifier: Apache-2.0
 *
 * SUIT 6.4 to 6.6: the abstract machine. Commands are carried out one after the other, which is
 * right whatever strict order says (SUIT 8.4.8.14). */
#include "tessera/suit/run.h"

#include "tessera/cbor/cbor.h"
#include "tessera/suit/internal.h"
#include "tessera/suit/params.h"

static tsr_err sequence(tsr_suit_run_state *r, tsr_bytes in, bool *soft);

/* SUIT 6.5: one index, a list of them, or true for all. */
static tsr_err set_index(tsr_suit_run_state *r, tsr_bytes *in)
{
    size_t components = r->manifest->components;
    uint64_t n = 1, index;
    bool all;

    if (tsr_cbor_get_bool(in, &all) == TSR_OK) {
        if (!all)
            return TSR_E_MALFORMED;
        for (size_t i = 0; i < components; i++)
            r->list[i] = (uint8_t)i;
        r->listed = components;
        return TSR_OK;
    }
    if (tsr_cbor_get_array(in, &n) == TSR_OK && n == 0)
        return TSR_E_MALFORMED;
    if (n > TSR_SUIT_COMPONENTS)
        return TSR_E_UNSUPPORTED;
    for (size_t i = 0; i < n; i++) {
        if (tsr_cbor_get_uint(in, &index) != TSR_OK)
            return TSR_E_MALFORMED;
        if (index >= components)
            return TSR_E_NOT_FOUND;
        r->list[i] = (uint8_t)index;
    }
    r->listed = (size_t)n;
    return TSR_OK;
}

/* A sequence inside another one, for one component; the list is the outer one's again after it. */
static tsr_err nested(tsr_suit_run_state *r, tsr_bytes in, uint8_t component, bool *soft)
{
    uint8_t list[TSR_SUIT_COMPONENTS];
    size_t listed = r->listed;
    tsr_err err;

    if (r->depth == TSR_SUIT_DEPTH)
        return TSR_E_UNSUPPORTED;
    memcpy(list, r->list, sizeof list);
    r->list[0] = component;
    r->listed = 1;
    r->depth++;
    err = sequence(r, in, soft);
    r->depth--;
    memcpy(r->list, list, sizeof list);
    r->listed = listed;
    return err;
}

/* SUIT 8.4.10.2: the first sequence that succeeds; nil is one that always does. */
static tsr_err try_each(tsr_suit_run_state *r, tsr_bytes in, uint8_t component)
{
    uint64_t n;

    if (tsr_cbor_get_array(&in, &n) != TSR_OK || n == 0)
        return TSR_E_MALFORMED;
    for (; n > 0; n--) {
        bool soft = true;
        tsr_bytes inner;

        if (n == 1 && tsr_cbor_get_null(&in) == TSR_OK)
            return TSR_OK;
        if (tsr_cbor_get_bytes(&in, &inner) != TSR_OK)
            return TSR_E_MALFORMED;

        tsr_err err = nested(r, inner, component, &soft);

        if (err != TSR_E_DENIED || r->aborted)
            return err;
        if (!soft) {
            r->aborted = true;
            return err;
        }
    }
    return TSR_E_DENIED;
}

/* SUIT 8.4.10.8 */
static tsr_err run_sequence(tsr_suit_run_state *r, tsr_bytes in, uint8_t component)
{
    bool soft = false;
    tsr_bytes inner;

    if (tsr_cbor_get_bytes(&in, &inner) != TSR_OK)
        return TSR_E_MALFORMED;

    tsr_err err = nested(r, inner, component, &soft);

    return err == TSR_E_DENIED && soft && !r->aborted ? TSR_OK : err;
}

/* The parameter that a command cannot do without; 0: none. */
static unsigned parameter_of(uint64_t command)
{
    switch (command) {
    case TSR_SUIT_VENDOR_ID: return TSR_SUIT_P_VENDOR;
    case TSR_SUIT_CLASS_ID: return TSR_SUIT_P_CLASS;
    case TSR_SUIT_IMAGE_MATCH: return TSR_SUIT_P_DIGEST;
    case TSR_SUIT_SLOT: return TSR_SUIT_P_SLOT;
    case TSR_SUIT_CHECK_CONTENT: return TSR_SUIT_P_CONTENT;
    case TSR_SUIT_DEVICE_ID: return TSR_SUIT_P_DEVICE;
    case TSR_SUIT_VERSION: return TSR_SUIT_P_VERSION;
    case TSR_SUIT_WRITE: return TSR_SUIT_P_CONTENT;
    case TSR_SUIT_FETCH: return TSR_SUIT_P_URI;
    case TSR_SUIT_COPY:
    case TSR_SUIT_SWAP: return TSR_SUIT_P_SOURCE;
    default: return 0;
    }
}

static bool has_parameter(const tsr_suit_params *p, uint64_t command)
{
    unsigned parameter = parameter_of(command);

    return parameter == 0 || tsr_suit_has(p, parameter);
}

static tsr_err test(tsr_suit_run_state *r, uint64_t command, uint8_t component)
{
    const tsr_suit_params *p = &r->params[component];

    if (command == TSR_SUIT_ABORT || !has_parameter(p, command)) /* SUIT 8.4.9 */
        return TSR_E_DENIED;
    return r->device->test(r->device->self, (tsr_suit_condition)command, component, p);
}

static tsr_err act(tsr_suit_run_state *r, uint64_t command, uint8_t component)
{
    const tsr_suit_params *p = &r->params[component];

    if (r->shared)
        return TSR_E_MALFORMED;
    if (!has_parameter(p, command) ||
        (tsr_suit_has(p, TSR_SUIT_P_SOURCE) && p->source >= r->manifest->components))
        return TSR_E_NOT_FOUND;

    tsr_err err = r->device->act(r->device->self, (tsr_suit_directive)command, component, p);

    if (err == TSR_E_DENIED) /* SUIT 6.4: a directive's failure is never soft */
        r->aborted = true;
    return err;
}

/* Carries out one command for one component. `in` begins at its argument, which was checked to be
 * one item. */
static tsr_err command_for(tsr_suit_run_state *r, uint64_t command, tsr_bytes in, uint8_t component,
                           bool *soft)
{
    switch (command) {
    case TSR_SUIT_VENDOR_ID:
    case TSR_SUIT_CLASS_ID:
    case TSR_SUIT_IMAGE_MATCH:
    case TSR_SUIT_SLOT:
    case TSR_SUIT_CHECK_CONTENT:
    case TSR_SUIT_ABORT:
    case TSR_SUIT_DEVICE_ID:
    case TSR_SUIT_VERSION: return test(r, command, component);
    case TSR_SUIT_WRITE:
    case TSR_SUIT_FETCH:
    case TSR_SUIT_COPY:
    case TSR_SUIT_INVOKE:
    case TSR_SUIT_SWAP: return act(r, command, component);
    case TSR_SUIT_TRY_EACH: return try_each(r, in, component);
    case TSR_SUIT_RUN_SEQUENCE: return run_sequence(r, in, component);
    case TSR_SUIT_OVERRIDE:
        return tsr_suit_override(&r->params[component], in, r->depth > 0 ? soft : NULL);
    default: return TSR_E_UNSUPPORTED; /* custom commands among them */
    }
}

/* SUIT 8.4.7: the argument of conditions and of most directives; nothing is reported here. */
static bool takes_policy(uint64_t command)
{
    return command == TSR_SUIT_ABORT || command == TSR_SUIT_INVOKE || parameter_of(command) != 0;
}

static tsr_err one_command(tsr_suit_run_state *r, tsr_bytes *in, bool *soft)
{
    uint64_t command, policy;
    tsr_bytes argument;
    size_t listed;
    tsr_err err = tsr_cbor_get_uint(in, &command);

    if (err != TSR_OK)
        return err == TSR_E_TYPE ? TSR_E_UNSUPPORTED : TSR_E_MALFORMED;
    if (command == TSR_SUIT_SET_INDEX)
        return set_index(r, in);
    argument = *in;
    if (tsr_cbor_skip(in) != TSR_OK)
        return TSR_E_MALFORMED;
    argument = tsr_first(argument, argument.len - in->len);
    if (takes_policy(command)) {
        tsr_bytes at = argument;

        if (tsr_cbor_get_uint(&at, &policy) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    listed = r->listed; /* a nested sequence leaves list and count as they are */
    for (size_t i = 0; err == TSR_OK && i < listed; i++) {
        if (r->steps++ == TSR_SUIT_STEPS)
            return TSR_E_UNSUPPORTED;
        err = command_for(r, command, argument, r->list[i], soft);
    }
    return err;
}

static tsr_err sequence(tsr_suit_run_state *r, tsr_bytes in, bool *soft)
{
    uint64_t items;
    tsr_err err = TSR_OK;

    if (tsr_cbor_get_array(&in, &items) != TSR_OK || items % 2 != 0)
        return TSR_E_MALFORMED;
    for (; err == TSR_OK && items > 0; items -= 2) {
        if (r->steps++ == TSR_SUIT_STEPS)
            return TSR_E_UNSUPPORTED;
        err = one_command(r, &in, soft);
    }
    if (err == TSR_OK && in.len != 0)
        err = TSR_E_MALFORMED;
    return err;
}

void tsr_suit_begin(tsr_suit_run_state *r, const tsr_suit_manifest *m, const tsr_suit_device *d)
{
    *r = (tsr_suit_run_state){ .manifest = m, .device = d };
}

static tsr_err top(tsr_suit_run_state *r, tsr_bytes in, bool shared)
{
    bool soft = false;

    if (in.len == 0)
        return TSR_OK;
    r->list[0] = 0;
    r->listed = 1;
    r->depth = 0;
    r->shared = shared;
    r->aborted = false;
    return sequence(r, in, &soft);
}

tsr_err tsr_suit_run(tsr_suit_run_state *r, tsr_bytes in)
{
    r->steps = 0;

    tsr_err err = top(r, r->manifest->shared, true);

    return err == TSR_OK ? top(r, in, false) : err;
}
