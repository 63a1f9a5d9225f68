/* SPDX-License-Identifier: Apache-2.0
 *
 * The map of claims (RFC 9783 §4), written straight to where it is signed. */
#include "secure/attest/claims.h"

#include "tessera/cbor/cbor.h"

/* The longest piece that is written at once: a component with all its parts. */
#define PIECE 352u

static bool present(const tsr_attest *a, tsr_claim claim)
{
    switch (claim) {
    case TSR_CLAIM_CERTIFICATION: return a->settings.certification_len > 0;
    case TSR_CLAIM_VERIFICATION: return a->settings.verification_len > 0;
    default: return true;
    }
}

typedef struct {
    const tsr_attest *a;
    int32_t client;
    tsr_bytes challenge;
} content;

/* Label and value; of the components only the array's head. */
static void put_claim(tsr_buf *out, const content *c, tsr_claim claim)
{
    const tsr_attest_profile *p = &tsr_attest_profile_here;
    const tsr_attest_settings *s = &c->a->settings;

    tsr_cbor_put_int(out, p->label[claim]);
    switch (claim) {
    case TSR_CLAIM_NONCE: tsr_cbor_put_bytes(out, c->challenge); break; /* RFC 9783 §4.1.1 */
    case TSR_CLAIM_INSTANCE:                                            /* RFC 9783 §4.2.1 */
        tsr_cbor_put_bytes(out, tsr_view(c->a->instance, sizeof c->a->instance));
        break;
    case TSR_CLAIM_PROFILE: tsr_cbor_put_text(out, tsr_text(p->name)); break;
    case TSR_CLAIM_SEED: tsr_cbor_put_bytes(out, c->a->boot->seed); break; /* RFC 9783 §4.3.2 */
    case TSR_CLAIM_CLIENT: tsr_cbor_put_int(out, c->client); break;        /* RFC 9783 §4.1.2 */
    case TSR_CLAIM_LIFECYCLE:                                              /* RFC 9783 §4.3.1 */
        tsr_cbor_put_uint(out, (uint64_t)tsr_lifecycle_get(c->a->lifecycle));
        break;
    case TSR_CLAIM_IMPLEMENTATION: /* RFC 9783 §4.2.2 */
        tsr_cbor_put_bytes(out, tsr_view(s->implementation, sizeof s->implementation));
        break;
    case TSR_CLAIM_CERTIFICATION: /* RFC 9783 §4.2.3 */
        tsr_cbor_put_text(out, tsr_view(s->certification, p->certification_len));
        break;
    case TSR_CLAIM_VERIFICATION: /* RFC 9783 §4.5.1 */
        tsr_cbor_put_text(out, tsr_view(s->verification, s->verification_len));
        break;
    case TSR_CLAIM_COMPONENTS: tsr_cbor_put_array(out, c->a->boot->count); break;
    case TSR_CLAIMS: break;
    }
}

/* Where a piece is put: behind the others, or, when only counting, over the one before. */
static void counted(tsr_buf *out, tsr_buf *scratch, size_t *total)
{
    if (out != NULL)
        return;
    *total += scratch->len;
    scratch->len = 0;
}

void tsr_claims_write(const tsr_attest *a, int32_t client, tsr_bytes challenge, tsr_buf *out,
                      size_t *total)
{
    const content c = { a, client, challenge };
    uint8_t room[PIECE];
    tsr_buf scratch = tsr_buf_over(room, sizeof room), *to = out != NULL ? out : &scratch;
    size_t from = to->len;
    uint64_t claims = 0;

    *total = 0;
    for (size_t i = 0; i < TSR_CLAIMS; i++)
        claims += present(a, tsr_attest_profile_here.order[i]);
    tsr_cbor_put_map(to, claims);
    counted(out, to, total);
    for (size_t i = 0; i < TSR_CLAIMS; i++) {
        tsr_claim claim = tsr_attest_profile_here.order[i];

        if (!present(a, claim))
            continue;
        put_claim(to, &c, claim);
        counted(out, to, total);
        for (size_t k = 0; claim == TSR_CLAIM_COMPONENTS && k < a->boot->count; k++) {
            tsr_boot_component_write(to, &a->boot->component[k]);
            counted(out, to, total);
        }
    }
    if (out != NULL)
        *total = out->len - from;
}
