/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9783 §5.1.1: definite lengths only, a claim once. Other spellings of numbers are taken. */
#include "server/attest/claims.h"

#include "tessera/cbor/cbor.h"

static tsr_err stop(const char **why, const char *text)
{
    *why = text;
    return TSR_E_MALFORMED;
}

/* Where `label` stands in the map: its value, encoded. *count: how often. */
static tsr_bytes find(tsr_bytes map, int64_t label, unsigned *count)
{
    tsr_bytes found = { NULL, 0 };
    uint64_t pairs;

    *count = 0;
    if (tsr_cbor_get_map(&map, &pairs) != TSR_OK)
        return found;
    for (; pairs > 0; pairs--) {
        int64_t at = 0;
        bool number = tsr_cbor_get_int(&map, &at) == TSR_OK;
        tsr_bytes value;

        if (!number && tsr_cbor_skip(&map) != TSR_OK)
            break;
        value = map;
        if (tsr_cbor_skip(&map) != TSR_OK)
            break;
        if (number && at == label) {
            found = tsr_first(value, value.len - map.len);
            ++*count;
        }
    }
    return found;
}

/* Which profile speaks: the one whose profile claim is there, else whose nonce is there. */
static tsr_err find_profile(tsr_bytes payload, tsr_attest_claims *c, const char **why)
{
    static const tsr_attest_claim by[] = { CLAIM_PROFILE, CLAIM_NONCE };
    unsigned count;

    for (size_t b = 0; b < 2; b++)
        for (unsigned i = 0; i < TSR_ATTEST_PROFILES; i++) {
            (void)find(payload, tsr_attest_profiles[i].label[by[b]], &count);
            if (count == 0)
                continue;
            c->profile = &tsr_attest_profiles[i];
            c->profile_index = i;
            return TSR_OK;
        }
    return stop(why, "it has neither a profile claim nor a nonce of a profile that is known");
}

tsr_err tsr_attest_claims_read(tsr_bytes payload, tsr_attest_claims *c, const char **why)
{
    tsr_attest_claims got = { .unknown = 0 };
    tsr_bytes map = payload;
    unsigned count, known = 0;
    uint64_t pairs;

    if (tsr_cbor_check(payload) != TSR_OK || tsr_cbor_get_map(&map, &pairs) != TSR_OK)
        return stop(why, "its payload is not one CBOR map of definite length");
    if (find_profile(payload, &got, why) != TSR_OK)
        return TSR_E_MALFORMED;
    for (unsigned i = 0; i < CLAIM_COUNT; i++) {
        got.value[i] = find(payload, got.profile->label[i], &count);
        if (count > 1)
            return stop(why, "a claim stands in it twice");
        known += count;
    }
    got.profile_told = got.value[CLAIM_PROFILE].ptr != NULL;
    got.unknown = (unsigned)(pairs - known);
    *c = got;
    return TSR_OK;
}

/* RFC 9783 §4.4.1 */
tsr_err tsr_attest_component_read(tsr_bytes *in, tsr_attest_component *c, const char **why)
{
    static const int64_t labels[] = { 1, 2, 4, 5, 6 };
    tsr_attest_component got = { .type = { NULL, 0 } };
    tsr_bytes *const parts[] = { &got.type, &got.measurement, &got.version, &got.signer,
                                 &got.description };
    tsr_bytes map = *in, rest = *in;

    if (tsr_cbor_skip(&rest) != TSR_OK)
        return stop(why, "a software component is missing");
    map.len -= rest.len;
    for (size_t i = 0; i < 5; i++) {
        bool text = labels[i] != 2 && labels[i] != 5;
        unsigned count;
        tsr_bytes value = find(map, labels[i], &count);

        if (count > 1)
            return stop(why, "a software component says the same thing twice");
        if (count == 1 &&
            (text ? tsr_attest_text(value, parts[i]) : tsr_attest_bytes(value, parts[i])) != TSR_OK)
            return stop(why, "a software component has a part of the wrong type");
    }
    if (got.measurement.ptr == NULL || got.signer.ptr == NULL)
        return stop(why, "a software component lacks its measurement or its signer");
    *in = rest;
    *c = got;
    return TSR_OK;
}

tsr_err tsr_attest_bytes(tsr_bytes value, tsr_bytes *out)
{
    return tsr_cbor_get_bytes(&value, out) == TSR_OK && value.len == 0 ? TSR_OK : TSR_E_TYPE;
}

tsr_err tsr_attest_text(tsr_bytes value, tsr_bytes *out)
{
    return tsr_cbor_get_text(&value, out) == TSR_OK && value.len == 0 ? TSR_OK : TSR_E_TYPE;
}

tsr_err tsr_attest_int(tsr_bytes value, int64_t *out)
{
    return tsr_cbor_get_int(&value, out) == TSR_OK && value.len == 0 ? TSR_OK : TSR_E_TYPE;
}
