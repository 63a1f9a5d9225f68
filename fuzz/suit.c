/* SPDX-License-Identifier: Apache-2.0
 *
 * Envelopes of any bytes: opened, read without a signature being asked for, and run. */
#include "fuzz/fuzz.h"
#include "tessera/suit/run.h"

static bool inside(tsr_bytes part, tsr_bytes whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
                             (size_t)(part.ptr - whole.ptr) <= whole.len - part.len);
}

static tsr_err any_digest(void *self, tsr_bytes in, uint8_t out[TSR_SUIT_DIGEST])
{
    must(inside(in, *(const tsr_bytes *)self));
    for (size_t i = 0; i < TSR_SUIT_DIGEST; i++) /* the pattern of the seeds' digests is not kept */
        out[i] = (uint8_t)i;
    return TSR_OK;
}

static tsr_err any_signer(void *self, tsr_bytes cose, tsr_bytes payload,
                          uint8_t signer[TSR_SUIT_DIGEST])
{
    must(inside(cose, *(const tsr_bytes *)self) && inside(payload, *(const tsr_bytes *)self));
    memset(signer, 1, TSR_SUIT_DIGEST);
    return cose.len % 2 == 0 ? TSR_OK : TSR_E_CRYPTO;
}

static void look(const void *self, size_t component, const tsr_suit_params *p)
{
    const tsr_bytes whole = *(const tsr_bytes *)self;

    must(component < TSR_SUIT_COMPONENTS);
    must(inside(p->vendor, whole) && inside(p->class_id, whole) && inside(p->device, whole) &&
          inside(p->digest, whole) && inside(p->content, whole) && inside(p->uri, whole) &&
          inside(p->invoke_args, whole) && inside(p->encryption, whole));
    must(!tsr_suit_has(p, TSR_SUIT_P_DIGEST) || p->digest.len == TSR_SUIT_DIGEST);
    must(!tsr_suit_has(p, TSR_SUIT_P_VERSION) || (p->version.count > 0 && p->version.count <= 4));
}

static tsr_err on_test(void *self, tsr_suit_condition what, size_t component,
                       const tsr_suit_params *p)
{
    look(self, component, p);
    return what == TSR_SUIT_SLOT ? (p->slot == 0 ? TSR_OK : TSR_E_DENIED) : TSR_OK;
}

static tsr_err on_act(void *self, tsr_suit_directive what, size_t component,
                      const tsr_suit_params *p)
{
    look(self, component, p);
    return what == TSR_SUIT_SWAP ? TSR_E_DENIED : TSR_OK;
}

static void run(tsr_bytes whole, const tsr_suit_manifest *m)
{
    const tsr_suit_device device = { &whole, on_test, on_act };
    const tsr_bytes sequences[] = { m->fetch.bytes, m->install.bytes, m->validate, m->load,
                                    m->invoke };
    tsr_suit_run_state r;

    tsr_suit_begin(&r, m, &device);
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        (void)tsr_suit_run(&r, sequences[i]);
        must(r.listed <= TSR_SUIT_COMPONENTS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size), text;
    const tsr_suit_crypto crypto = { &in, any_digest, any_signer };
    uint8_t signer[TSR_SUIT_DIGEST];
    tsr_suit_envelope e;
    tsr_suit_manifest m;

    /* a window in front of a longer stream: a payload may reach beyond what is seen */
    if (tsr_suit_open(in, (uint64_t)size + 1000, &e) != TSR_OK)
        return 0;
    must(e.len <= (uint64_t)size + 1000);
    for (size_t i = 0; i < e.payload_count; i++)
        must(inside(e.payloads[i].name, in) &&
              e.payloads[i].at + e.payloads[i].len <= (uint64_t)size + 1000);
    (void)tsr_suit_check(&e, &crypto, signer);
    if (tsr_suit_read(&e, &crypto, &m) != TSR_OK)
        return 0;
    must(m.components > 0 && m.components <= TSR_SUIT_COMPONENTS);
    for (size_t i = 0; i < m.components; i++) {
        must(inside(m.component[i], in));
        for (unsigned key = 1; key <= 6; key++)
            if (tsr_suit_text(&m, i, key, &text) == TSR_OK)
                must(inside(text, in));
        (void)tsr_suit_named(&m, i, tsr_text("c0"));
    }
    run(in, &m);
    return 0;
}
