/* SPDX-License-Identifier: Apache-2.0
 *
 * From bytes to verdicts: the envelope, then the key, then the signature, then claim after claim.
 */
#include "server/attest/verify.h"

#include <stdio.h>

#include "server/attest/claims.h"
#include "server/attest/report.h"
#include "tessera/base/hex.h"
#include "tessera/cbor/cbor.h"
#include "tessera/cose/key.h"

typedef struct {
    tsr_attest_report *report;
    const tsr_attest_reference *reference; /* NULL: only show */
    tsr_bytes nonce;
    tsr_attest_claims claims;
} work;

static const char *const is_wanted = "the same value";

static void say(const work *w, tsr_attest_claim claim, tsr_attest_verdict verdict,
                const char *expected, const char *found, const char *text)
{
    tsr_attest_report_add(w->report, tsr_attest_claim_names[claim], verdict, expected, found, text);
}

/* Hex of bytes, or the text itself, for a report; long ones are cut there. */
typedef struct {
    char text[260];
} shown;

static const char *show_hex(shown *s, tsr_bytes bytes)
{
    tsr_buf out = tsr_buf_over(s->text, sizeof s->text - 1);

    tsr_hex_put(&out, tsr_first(bytes, 128));
    s->text[out.len] = '\0';
    return s->text;
}

static const char *show_text(shown *s, tsr_bytes text)
{
    size_t len = text.len < sizeof s->text - 1 ? text.len : sizeof s->text - 1;

    memcpy(s->text, text.ptr, len);
    s->text[len] = '\0';
    return s->text;
}

static const char *show_hashes(shown *s, const tsr_attest_hashes *list)
{
    tsr_buf out = tsr_buf_over(s->text, sizeof s->text - 1);

    for (size_t i = 0; i < list->count && out.err == TSR_OK; i++) {
        if (i > 0)
            tsr_put_text(&out, " or ");
        tsr_hex_put(&out, tsr_view(list->value[i].bytes, list->value[i].len));
    }
    s->text[out.len] = '\0';
    return s->text;
}

static bool one_of(const tsr_attest_hashes *list, tsr_bytes value)
{
    for (size_t i = 0; i < list->count; i++)
        if (tsr_same(tsr_view(list->value[i].bytes, list->value[i].len), value))
            return true;
    return false;
}

/* ---- claim by claim (RFC 9783 §4) --------------------------------------------------------- */

static void check_profile(const work *w)
{
    const char *name = w->claims.profile->name;
    tsr_bytes text;
    shown found;

    if (!w->claims.profile_told) {
        say(w, CLAIM_PROFILE,
            w->claims.profile->required[CLAIM_PROFILE] ? TSR_ATTEST_FAIL : TSR_ATTEST_NOTED, name,
            "", "the claim is missing; the other claims have the labels of this profile");
    } else if (tsr_attest_text(w->claims.value[CLAIM_PROFILE], &text) != TSR_OK) {
        say(w, CLAIM_PROFILE, TSR_ATTEST_FAIL, name, "", "the claim is no text");
    } else if (!tsr_same(text, tsr_text(name))) {
        say(w, CLAIM_PROFILE, TSR_ATTEST_FAIL, name, show_text(&found, text),
            "the labels are of one profile, the name is of another");
    } else if (w->reference == NULL) {
        say(w, CLAIM_PROFILE, TSR_ATTEST_NOTED, "", name, "");
    } else if ((w->reference->profiles >> w->claims.profile_index & 1u) == 0) {
        say(w, CLAIM_PROFILE, TSR_ATTEST_FAIL, "a profile of the reference values", name,
            "the reference values do not accept this profile");
    } else {
        say(w, CLAIM_PROFILE, TSR_ATTEST_PASS, name, name, "accepted by the reference values");
    }
}

/* The claim's bytes, after the checks that all of its kind have in common. False: reported. */
static bool take_bytes(const work *w, tsr_attest_claim claim, size_t min, size_t max,
                       tsr_bytes *bytes)
{
    tsr_bytes value = w->claims.value[claim];
    char wanted[48];
    shown found;

    (void)snprintf(wanted, sizeof wanted, min == max ? "%zu bytes" : "%zu to %zu bytes", min, max);
    if (value.ptr == NULL) {
        if (w->claims.profile->required[claim])
            say(w, claim, TSR_ATTEST_FAIL, wanted, "", "the claim is missing");
        return false;
    }
    if (tsr_attest_bytes(value, bytes) != TSR_OK) {
        say(w, claim, TSR_ATTEST_FAIL, wanted, "", "the claim is no byte string");
        return false;
    }
    if (bytes->len < min || bytes->len > max) {
        say(w, claim, TSR_ATTEST_FAIL, wanted, show_hex(&found, *bytes), "wrong length");
        return false;
    }
    return true;
}

/* RFC 9783 §4.2.1. That the key belongs to it was the way the key was found. */
static void check_instance(const work *w)
{
    tsr_bytes id;
    shown found;

    if (!take_bytes(w, CLAIM_INSTANCE, TSR_ATTEST_INSTANCE, TSR_ATTEST_INSTANCE, &id))
        return;
    if (id.ptr[0] != 1)
        say(w, CLAIM_INSTANCE, TSR_ATTEST_FAIL, "a UEID of type RAND (01)", show_hex(&found, id),
            "a UEID of another type");
    else
        say(w, CLAIM_INSTANCE, w->reference != NULL ? TSR_ATTEST_PASS : TSR_ATTEST_NOTED,
            w->reference != NULL ? show_hex(&found, id) : "", show_hex(&found, id),
            w->reference != NULL ? "the device of the key that signed" : "");
}

/* RFC 9783 §4.1.1 */
static void check_nonce(const work *w)
{
    tsr_bytes nonce;
    shown found, wanted;

    if (!take_bytes(w, CLAIM_NONCE, 32, 64, &nonce))
        return;
    if (nonce.len != 32 && nonce.len != 48 && nonce.len != 64)
        say(w, CLAIM_NONCE, TSR_ATTEST_FAIL, "32, 48 or 64 bytes", show_hex(&found, nonce),
            "wrong length");
    else if (w->reference == NULL)
        say(w, CLAIM_NONCE, TSR_ATTEST_NOTED, "", show_hex(&found, nonce), "");
    else if (!tsr_same(nonce, w->nonce))
        say(w, CLAIM_NONCE, TSR_ATTEST_FAIL, show_hex(&wanted, w->nonce), show_hex(&found, nonce),
            "not the challenge that was sent: an old token, or one for somebody else");
    else
        say(w, CLAIM_NONCE, TSR_ATTEST_PASS, show_hex(&wanted, w->nonce), show_hex(&found, nonce),
            "the challenge that was sent, so the token is fresh");
}

/* RFC 9783 §4.2.2 */
static void check_implementation(const work *w)
{
    tsr_bytes id;
    shown found, wanted;

    if (!take_bytes(w, CLAIM_IMPLEMENTATION, 32, 32, &id))
        return;
    if (w->reference == NULL)
        say(w, CLAIM_IMPLEMENTATION, TSR_ATTEST_NOTED, "", show_hex(&found, id), "");
    else if (one_of(&w->reference->implementations, id))
        say(w, CLAIM_IMPLEMENTATION, TSR_ATTEST_PASS,
            show_hashes(&wanted, &w->reference->implementations), show_hex(&found, id),
            "the immutable root of trust is one of the reference values");
    else
        say(w, CLAIM_IMPLEMENTATION, TSR_ATTEST_FAIL,
            show_hashes(&wanted, &w->reference->implementations), show_hex(&found, id),
            "the immutable root of trust is none of the reference values");
}

static const char *show_states(shown *s, uint32_t states)
{
    tsr_buf out = tsr_buf_over(s->text, sizeof s->text - 1);

    for (unsigned i = 0; i < TSR_ATTEST_STATES; i++)
        if ((states >> i & 1u) != 0) {
            if (out.len > 0)
                tsr_put_text(&out, " or ");
            tsr_put_text(&out, tsr_attest_state_name(i));
        }
    s->text[out.len] = '\0';
    return s->text;
}

/* RFC 9783 §4.3.1: the upper byte is the state, in steps of 0x10; the lower is the maker's own. */
static void check_lifecycle(const work *w)
{
    tsr_bytes value = w->claims.value[CLAIM_LIFECYCLE];
    char found[64] = "";
    int64_t number = 0;
    bool number_ok, state_ok;
    shown wanted;

    if (value.ptr == NULL) {
        say(w, CLAIM_LIFECYCLE, TSR_ATTEST_FAIL, "a state", "", "the claim is missing");
        return;
    }
    number_ok = tsr_attest_int(value, &number) == TSR_OK && number >= 0 && number <= 0x60ff &&
                (number & 0x0f00) == 0;
    if (!number_ok) {
        say(w, CLAIM_LIFECYCLE, TSR_ATTEST_FAIL, "a state", "", "the claim is no state");
        return;
    }

    unsigned state = (unsigned)(number >> 12);

    (void)snprintf(found, sizeof found, "%s (0x%04x)", tsr_attest_state_name(state),
                   (unsigned)number);
    if (w->reference == NULL) {
        say(w, CLAIM_LIFECYCLE, TSR_ATTEST_NOTED, "", found, "");
        return;
    }
    state_ok = (w->reference->lifecycles >> state & 1u) != 0;
    say(w, CLAIM_LIFECYCLE, state_ok ? TSR_ATTEST_PASS : TSR_ATTEST_FAIL,
        show_states(&wanted, w->reference->lifecycles), found,
        state_ok ? "a state that the reference values accept"
                 : "a device in this state is not to be trusted by the reference values");
}

/* RFC 9783 §4.1.2 */
static void check_client(const work *w)
{
    tsr_bytes value = w->claims.value[CLAIM_CLIENT];
    char found[64] = "", wanted[16];
    int64_t client = 0;

    if (value.ptr == NULL) {
        say(w, CLAIM_CLIENT, TSR_ATTEST_FAIL, "a number", "", "the claim is missing");
        return;
    }
    if (tsr_attest_int(value, &client) != TSR_OK || client < INT32_MIN || client > INT32_MAX ||
        client == 0) {
        say(w, CLAIM_CLIENT, TSR_ATTEST_FAIL, "a number of 32 bits that is not 0", "",
            "the claim is none");
        return;
    }
    (void)snprintf(found, sizeof found, "%d (%s)", (int)client,
                   client < 0 ? "normal world" : "secure world");
    if (w->reference == NULL || !w->reference->client_given) {
        say(w, CLAIM_CLIENT, TSR_ATTEST_NOTED, "", found, "who asked for the token");
        return;
    }
    (void)snprintf(wanted, sizeof wanted, "%d", (int)w->reference->client);
    say(w, CLAIM_CLIENT, client == w->reference->client ? TSR_ATTEST_PASS : TSR_ATTEST_FAIL, wanted,
        found,
        client == w->reference->client ? "who asked for the token"
                                       : "somebody else asked for the token");
}

/* RFC 9783 §4.3.2 */
static void check_seed(const work *w)
{
    tsr_bytes seed;
    shown found;

    if (take_bytes(w, CLAIM_SEED, w->claims.profile->seed_min, 32, &seed))
        say(w, CLAIM_SEED, TSR_ATTEST_NOTED, "", show_hex(&found, seed),
            "the same until the device starts again");
}

static void check_text(const work *w, tsr_attest_claim claim, const char *wanted, size_t compared)
{
    tsr_bytes value = w->claims.value[claim], text;
    shown found;

    if (value.ptr == NULL) {
        if (wanted[0] != '\0')
            say(w, claim, TSR_ATTEST_FAIL, wanted, "", "the claim is missing");
        return;
    }
    if (tsr_attest_text(value, &text) != TSR_OK)
        say(w, claim, TSR_ATTEST_FAIL, wanted, "", "the claim is no text");
    else if (wanted[0] == '\0')
        say(w, claim, TSR_ATTEST_NOTED, "", show_text(&found, text), "");
    else if (tsr_same(text, tsr_first(tsr_text(wanted), compared)))
        say(w, claim, TSR_ATTEST_PASS, wanted, show_text(&found, text), is_wanted);
    else
        say(w, claim, TSR_ATTEST_FAIL, wanted, show_text(&found, text), "another value");
}

/* RFC 9783 §4.2.3; the older profile has the EAN-13 alone. */
static void check_certification(const work *w)
{
    check_text(w, CLAIM_CERTIFICATION, w->reference != NULL ? w->reference->certification : "",
               w->claims.profile->short_certification ? 13 : SIZE_MAX);
}

/* ---- software components (RFC 9783 §4.4.1) ------------------------------------------------- */

static void say_component(const work *w, const char *type, const char *part,
                          tsr_attest_verdict verdict, const char *expected, const char *found,
                          const char *text)
{
    char claim[sizeof w->report->check[0].claim];

    (void)snprintf(claim, sizeof claim, "component %.16s: %s", type[0] != '\0' ? type : "?", part);
    tsr_attest_report_add(w->report, claim, verdict, expected, found, text);
}

static void check_hash(const work *w, const char *type, const char *part,
                       const tsr_attest_hashes *allowed, tsr_bytes value)
{
    shown wanted, found;

    if (value.len != 32 && value.len != 48 && value.len != 64)
        say_component(w, type, part, TSR_ATTEST_FAIL, "32, 48 or 64 bytes", show_hex(&found, value),
                      "wrong length");
    else if (allowed == NULL || allowed->count == 0)
        say_component(w, type, part, TSR_ATTEST_NOTED, "", show_hex(&found, value), "");
    else if (one_of(allowed, value))
        say_component(w, type, part, TSR_ATTEST_PASS, show_hashes(&wanted, allowed),
                      show_hex(&found, value), "one of the reference values");
    else
        say_component(w, type, part, TSR_ATTEST_FAIL, show_hashes(&wanted, allowed),
                      show_hex(&found, value), "none of the reference values");
}

static void check_version(const work *w, const char *type, const tsr_attest_texts *allowed,
                          tsr_bytes version)
{
    shown found, wanted;
    tsr_buf out = tsr_buf_over(wanted.text, sizeof wanted.text - 1);
    bool good = false;

    if (version.ptr == NULL && (allowed == NULL || allowed->count == 0))
        return;
    (void)show_text(&found, version.ptr != NULL ? version : tsr_text(""));
    if (allowed == NULL || allowed->count == 0) {
        say_component(w, type, "version", TSR_ATTEST_NOTED, "", found.text, "");
        return;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        good |= version.ptr != NULL && tsr_same(version, tsr_text(allowed->value[i]));
        tsr_put_text(&out, i > 0 ? " or " : "");
        tsr_put_text(&out, allowed->value[i]);
    }
    wanted.text[out.len] = '\0';
    say_component(w, type, "version", good ? TSR_ATTEST_PASS : TSR_ATTEST_FAIL, wanted.text,
                  found.text,
                  good ? "one of the reference values" : "none of the reference values");
}

static const tsr_attest_component_rule *rule_of(const work *w, tsr_bytes type)
{
    if (w->reference == NULL || type.ptr == NULL)
        return NULL;
    for (size_t i = 0; i < w->reference->component_count; i++)
        if (tsr_same(type, tsr_text(w->reference->component[i].type)))
            return &w->reference->component[i];
    return NULL;
}

static void check_component(const work *w, const tsr_attest_component *c, uint32_t *seen)
{
    const tsr_attest_component_rule *rule = rule_of(w, c->type);
    shown type;

    (void)show_text(&type, c->type.ptr != NULL ? c->type : tsr_text(""));
    if (rule != NULL)
        *seen |= 1u << (rule - w->reference->component);
    else if (w->reference != NULL && !w->reference->other_components)
        say_component(w, type.text, "type", TSR_ATTEST_FAIL, "a type of the reference values",
                      type.text, "the reference values do not know this component");
    check_hash(w, type.text, "measurement", rule != NULL ? &rule->measurements : NULL,
               c->measurement);
    check_hash(w, type.text, "signer", rule != NULL ? &rule->signers : NULL, c->signer);
    check_version(w, type.text, rule != NULL ? &rule->versions : NULL, c->version);
}

static void check_missing(const work *w, uint32_t seen)
{
    for (size_t i = 0; w->reference != NULL && i < w->reference->component_count; i++) {
        const tsr_attest_component_rule *rule = &w->reference->component[i];

        if (!rule->optional && (seen >> i & 1u) == 0)
            say_component(w, rule->type, "type", TSR_ATTEST_FAIL, rule->type, "",
                          "the reference values demand this component, and the token has none");
    }
}

static void check_components(const work *w)
{
    tsr_bytes in = w->claims.value[CLAIM_COMPONENTS];
    const char *why = "the claim is no array of definite length";
    uint32_t seen = 0;
    uint64_t count = 0;
    tsr_err err;

    if (in.ptr == NULL) {
        say(w, CLAIM_COMPONENTS, TSR_ATTEST_FAIL, "at least one", "", "the claim is missing");
        return;
    }
    err = tsr_cbor_get_array(&in, &count);
    if (err == TSR_OK && (count == 0 || count > TSR_ATTEST_COMPONENTS)) {
        why = count == 0 ? "there is no software component" : "too many software components";
        err = TSR_E_MALFORMED;
    }
    for (; err == TSR_OK && count > 0; count--) {
        tsr_attest_component c;

        err = tsr_attest_component_read(&in, &c, &why);
        if (err == TSR_OK)
            check_component(w, &c, &seen);
    }
    if (err != TSR_OK)
        say(w, CLAIM_COMPONENTS, TSR_ATTEST_FAIL, "a list of components", "", why);
    else
        check_missing(w, seen);
}

static void check_claims(const work *w)
{
    char unknown[32];

    check_profile(w);
    check_instance(w);
    check_nonce(w);
    check_implementation(w);
    check_lifecycle(w);
    check_client(w);
    check_seed(w);
    check_certification(w);
    check_text(w, CLAIM_VERIFICATION, w->reference != NULL ? w->reference->verification : "",
               SIZE_MAX);
    check_components(w);
    if (w->claims.unknown == 0)
        return;
    (void)snprintf(unknown, sizeof unknown, "%u", w->claims.unknown);
    tsr_attest_report_add(w->report, "other claims", TSR_ATTEST_NOTED, "", unknown,
                          "claims that this profile does not define; not evaluated");
}

/* ---- envelope and signature --------------------------------------------------------------- */

static void broken(tsr_attest_report *report, const char *text)
{
    tsr_attest_report_add(report, "envelope", TSR_ATTEST_FAIL, "a tagged COSE_Sign1 over claims",
                          "", text);
}

/* RFC 9783 §5.1.1: the envelope, and the claims in it, as far as their form goes. */
static bool open_token(tsr_bytes token, work *w, tsr_cose_message *m)
{
    const char *why = "";
    tsr_err err = tsr_cose_read(token, TSR_COSE_SIGN1, m);

    if (err == TSR_E_TYPE) {
        broken(w->report, "the CBOR tag is not that of COSE_Sign1 (18); MACed tokens are not "
                          "taken");
        return false;
    }
    if (err != TSR_OK) {
        broken(w->report, "these bytes are no COSE_Sign1, or have other bytes behind it");
        return false;
    }
    if (!m->tagged || m->detached) {
        broken(w->report, m->detached ? "the payload is not in it" : "the CBOR tag is missing");
        return false;
    }
    if (tsr_attest_claims_read(m->payload, &w->claims, &why) != TSR_OK) {
        broken(w->report, why);
        return false;
    }
    tsr_attest_report_add(w->report, "envelope", TSR_ATTEST_PASS, "a tagged COSE_Sign1 over claims",
                          "", "well formed, and every claim stands in it once");
    return true;
}

/* The instance id names the key. Until the signature was checked it is a hint and no more. */
static const tsr_attest_anchor *find_anchor(const work *w, const tsr_attest_trust *trust)
{
    const tsr_attest_anchor *anchor = NULL;
    tsr_bytes id = { NULL, 0 };
    shown found;

    if (w->claims.value[CLAIM_INSTANCE].ptr != NULL &&
        tsr_attest_bytes(w->claims.value[CLAIM_INSTANCE], &id) == TSR_OK)
        anchor = tsr_attest_trust_find(trust, id);
    tsr_attest_report_add(w->report, "trust anchor",
                          anchor != NULL ? TSR_ATTEST_PASS : TSR_ATTEST_FAIL,
                          "the key of this device", show_hex(&found, id),
                          anchor != NULL ? "a trusted key has this instance id"
                                         : "no trusted key has this instance id");
    return anchor;
}

static bool check_signature(const work *w, const tsr_cose_message *m,
                            const tsr_attest_anchor *anchor)
{
    int64_t alg = anchor->point_len == 65 ? TSR_COSE_ES256 : TSR_COSE_ES384;
    const char *name = alg == TSR_COSE_ES256 ? "ES256" : "ES384";
    tsr_bytes none = { NULL, 0 };
    tsr_cose_key_id key;
    tsr_err err = m->alg == alg ? TSR_OK : TSR_E_TYPE;

    if (err == TSR_OK)
        err = tsr_cose_point_import(tsr_view(anchor->point, anchor->point_len), alg, &key);
    if (err == TSR_OK) {
        err = tsr_cose_sign1_verify(m, key, none, none);
        (void)psa_destroy_key(key);
    }
    tsr_attest_report_add(w->report, "signature", err == TSR_OK ? TSR_ATTEST_PASS : TSR_ATTEST_FAIL,
                          name, m->alg == alg ? name : "another algorithm",
                          err == TSR_OK              ? "by the key of this device, over all claims"
                          : err == TSR_E_TYPE        ? "the algorithm is not that of the key"
                          : err == TSR_E_DENIED      ? "the algorithm is not protected"
                          : err == TSR_E_UNSUPPORTED ? "it demands something that is not understood"
                                                     : "not by the key of this device, or changed");
    return err == TSR_OK;
}

tsr_err tsr_attest_verify(tsr_bytes token, tsr_bytes nonce, const tsr_attest_reference *reference,
                          const tsr_attest_trust *trust, tsr_attest_report *report)
{
    work w = { .report = report, .reference = reference, .nonce = nonce };
    const tsr_attest_anchor *anchor;
    tsr_cose_message m;

    if (nonce.len != 32 && nonce.len != 48 && nonce.len != 64)
        return TSR_E_ARGUMENT;
    report->count = 0;
    report->passed = true;
    if (!open_token(token, &w, &m))
        return TSR_OK;
    anchor = find_anchor(&w, trust);
    if (anchor != NULL && check_signature(&w, &m, anchor))
        check_claims(&w);
    return TSR_OK;
}

void tsr_attest_show(tsr_bytes token, tsr_attest_report *report)
{
    work w = { .report = report, .reference = NULL };
    tsr_cose_message m;

    report->count = 0;
    report->passed = true;
    if (open_token(token, &w, &m))
        check_claims(&w);
    report->passed = false; /* nothing of it was verified */
}
