/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference values' JSON. Strict: an unknown member is an error. */
#include "server/attest/reference.h"

#include <stdio.h>

#include "server/attest/names.h"
#include "tessera/base/hex.h"
#include "tessera/json/json.h"

typedef struct {
    tsr_attest_reference *r;
    char *room; /* for the sentence that says what is wrong */
    size_t room_len;
    const char *where; /* "" or "component PRoT: " */
} reader;

static tsr_err wrong(const reader *in, const char *member, const char *what)
{
    (void)snprintf(in->room, in->room_len, "%s%s: %s", in->where, member, what);
    return TSR_E_MALFORMED;
}

/* ---- lists: one value, or an array of values ---------------------------------------------- */

typedef tsr_err take_fn(const reader *in, const char *member, const tsr_json *value, void *list);

static tsr_err take_list(const reader *in, const char *member, const tsr_json *value, take_fn *take,
                         void *list)
{
    tsr_json_walk walk = tsr_json_items(value);
    tsr_json item;
    tsr_err err = TSR_OK;

    if (value->kind != TSR_JSON_ARRAY)
        return take(in, member, value, list);
    if (tsr_json_count(value) == 0)
        return wrong(in, member, "an empty list allows nothing; leave the member out instead");
    while (err == TSR_OK && tsr_json_next(&walk, NULL, &item))
        err = take(in, member, &item, list);
    return err;
}

static tsr_err take_hash(const reader *in, const char *member, const tsr_json *value, void *list)
{
    tsr_attest_hashes *hashes = list;
    char text[2 * TSR_ATTEST_HASH + 1];
    tsr_attest_hash *h;
    tsr_buf out;

    if (hashes->count == TSR_ATTEST_ALLOWED)
        return wrong(in, member, "more than 16 values");
    h = &hashes->value[hashes->count];
    out = tsr_buf_over(h->bytes, sizeof h->bytes);
    if (tsr_json_cstring(value, text, sizeof text) != TSR_OK ||
        tsr_hex_get(tsr_text(text), &out) != TSR_OK ||
        (out.len != 32 && out.len != 48 && out.len != 64))
        return wrong(in, member, "hex digits of 32, 48 or 64 bytes are wanted");
    h->len = out.len;
    hashes->count++;
    return TSR_OK;
}

static tsr_err take_text(const reader *in, const char *member, const tsr_json *value, void *list)
{
    tsr_attest_texts *texts = list;

    if (texts->count == TSR_ATTEST_ALLOWED)
        return wrong(in, member, "more than 16 values");
    if (tsr_json_cstring(value, texts->value[texts->count], sizeof texts->value[0]) != TSR_OK)
        return wrong(in, member, "a text of at most 63 bytes is wanted");
    texts->count++;
    return TSR_OK;
}

static tsr_err take_lifecycle(const reader *in, const char *member, const tsr_json *value,
                              void *list)
{
    uint32_t *bits = list;

    for (unsigned state = 0; state < TSR_ATTEST_STATES; state++)
        if (tsr_json_is(value, tsr_attest_state_name(state))) {
            *bits |= 1u << state;
            return TSR_OK;
        }
    return wrong(in, member,
                 "not a state; write secured, non-psa-rot-debug, psa-rot-provisioning, "
                 "assembly-and-test, recoverable-psa-rot-debug or decommissioned");
}

static tsr_err take_profile(const reader *in, const char *member, const tsr_json *value, void *list)
{
    uint32_t *bits = list;

    for (unsigned i = 0; i < TSR_ATTEST_PROFILES; i++)
        if (tsr_json_is(value, tsr_attest_profiles[i].name)) {
            *bits |= 1u << i;
            return TSR_OK;
        }
    return wrong(in, member,
                 "not a profile; write tag:psacertified.org,2023:psa#tfm or PSA_IOT_PROFILE_1");
}

/* ---- components --------------------------------------------------------------------------- */

static tsr_err component_member(const reader *in, const char *name, const tsr_json *value,
                                tsr_attest_component_rule *c)
{
    if (strcmp(name, "type") == 0)
        return tsr_json_cstring(value, c->type, sizeof c->type) == TSR_OK
                   ? TSR_OK
                   : wrong(in, name, "a text of at most 63 bytes is wanted");
    if (strcmp(name, "measurements") == 0)
        return take_list(in, name, value, take_hash, &c->measurements);
    if (strcmp(name, "signers") == 0)
        return take_list(in, name, value, take_hash, &c->signers);
    if (strcmp(name, "versions") == 0)
        return take_list(in, name, value, take_text, &c->versions);
    if (strcmp(name, "optional") == 0)
        return tsr_json_bool(value, &c->optional) == TSR_OK
                   ? TSR_OK
                   : wrong(in, name, "true or false is wanted");
    return wrong(in, name, "no such member of a component");
}

static tsr_err take_component(const reader *in, const char *member, const tsr_json *value,
                              void *list)
{
    tsr_attest_reference *r = list;
    tsr_attest_component_rule *c = &r->component[r->component_count];
    tsr_json_walk walk = tsr_json_items(value);
    tsr_json key, item;
    char where[96], name[64];
    reader inner = *in;

    if (r->component_count == TSR_ATTEST_TYPES)
        return wrong(in, member, "more than 16 components");
    if (value->kind != TSR_JSON_OBJECT)
        return wrong(in, member, "an object for each component is wanted");
    (void)tsr_json_find_cstring(value, "type", c->type, sizeof c->type);
    (void)snprintf(where, sizeof where, "component %s: ", c->type);
    inner.where = where;
    while (tsr_json_next(&walk, &key, &item)) {
        if (tsr_json_cstring(&key, name, sizeof name) != TSR_OK)
            return wrong(&inner, "a member", "its name is too long");
        if (component_member(&inner, name, &item, c) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    if (c->type[0] == '\0')
        return wrong(&inner, "type", "missing");
    /* A rule that pins nothing would let anything pass under its name. */
    if (c->measurements.count == 0 && c->signers.count == 0)
        return wrong(&inner, "measurements", "name measurements, signers, or both");
    for (size_t i = 0; i < r->component_count; i++)
        if (strcmp(r->component[i].type, c->type) == 0)
            return wrong(&inner, "type", "there is a rule for this type already");
    r->component_count++;
    return TSR_OK;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static tsr_err take_client(const reader *in, const tsr_json *value)
{
    int64_t client;

    if (tsr_json_int(value, &client) != TSR_OK || client < INT32_MIN || client > INT32_MAX ||
        client == 0)
        return wrong(in, "client_id", "a whole number that is not 0 is wanted");
    in->r->client = (int32_t)client;
    in->r->client_given = true;
    return TSR_OK;
}

static tsr_err plain(const reader *in, const char *name, const tsr_json *value, char *out,
                     size_t cap)
{
    return tsr_json_cstring(value, out, cap) == TSR_OK && out[0] != '\0'
               ? TSR_OK
               : wrong(in, name, "a text that is not too long is wanted");
}

static tsr_err take_member(const reader *in, const char *name, const tsr_json *value)
{
    tsr_attest_reference *r = in->r;

    if (strcmp(name, "profiles") == 0)
        return take_list(in, name, value, take_profile, &r->profiles);
    if (strcmp(name, "implementation_id") == 0)
        return take_list(in, name, value, take_hash, &r->implementations);
    if (strcmp(name, "lifecycle") == 0)
        return take_list(in, name, value, take_lifecycle, &r->lifecycles);
    if (strcmp(name, "certification_reference") == 0)
        return plain(in, name, value, r->certification, sizeof r->certification);
    if (strcmp(name, "verification_service") == 0)
        return plain(in, name, value, r->verification, sizeof r->verification);
    if (strcmp(name, "client_id") == 0)
        return take_client(in, value);
    if (strcmp(name, "components") == 0)
        return take_list(in, name, value, take_component, r);
    if (strcmp(name, "other_components") == 0)
        return tsr_json_bool(value, &r->other_components) == TSR_OK
                   ? TSR_OK
                   : wrong(in, name, "true or false is wanted");
    if (strcmp(name, "comment") == 0)
        return TSR_OK;
    return wrong(in, name, "no such member");
}

static tsr_err complete(const reader *in)
{
    tsr_attest_reference *r = in->r;

    if (r->profiles == 0)
        r->profiles = 1u; /* RFC 9783 */
    if (r->lifecycles == 0)
        r->lifecycles = 1u << TSR_ATTEST_SECURED;
    for (size_t i = 0; i < r->implementations.count; i++)
        if (r->implementations.value[i].len != 32)
            return wrong(in, "implementation_id", "hex digits of 32 bytes are wanted");
    if (r->implementations.count == 0)
        return wrong(in, "implementation_id", "missing");
    if (r->component_count == 0)
        return wrong(in, "components", "missing");
    return TSR_OK;
}

tsr_err tsr_attest_reference_read(tsr_bytes json, tsr_attest_reference *reference, char *room,
                                  size_t room_len, const char **why)
{
    static const tsr_attest_reference empty;
    const reader in = { reference, room, room_len, "" };
    tsr_json root, key, item;
    tsr_json_walk walk;
    size_t at = 0;
    char name[64];

    *reference = empty;
    *why = room;
    if (tsr_json_parse(json, &root, &at) != TSR_OK) {
        (void)snprintf(room, room_len, "it is no JSON: see byte %zu", at);
        return TSR_E_MALFORMED;
    }
    if (root.kind != TSR_JSON_OBJECT)
        return wrong(&in, "it", "an object is wanted");
    walk = tsr_json_items(&root);
    while (tsr_json_next(&walk, &key, &item)) {
        if (tsr_json_cstring(&key, name, sizeof name) != TSR_OK)
            return wrong(&in, "a member", "its name is too long");
        if (take_member(&in, name, &item) != TSR_OK)
            return TSR_E_MALFORMED;
    }
    return complete(&in);
}
