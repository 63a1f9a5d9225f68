/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 21 in a bootstrap, held back like Security: keys for accounts whose messages are protected
 * end to end (Core 6.1.7.5, Core 8.1). Apart, so that a client without OSCORE links nothing of it. */
#include "tessera/lwm2m/client/bootstrap/internal.h"
#include "tessera/cose/cose.h"

static void begin(tsr_lwm2m_bootstrap *b)
{
    memcpy(b->staged_oscores, b->oscores->items, b->oscores->count * sizeof *b->staged_oscores);
    b->stage_oscores = *b->oscores;
    b->stage_oscores.items = b->staged_oscores;
}

static void swap(const tsr_lwm2m_bootstrap *b)
{
    for (size_t i = 0; i < b->oscores->count; i++) {
        tsr_lwm2m_oscore o = b->oscores->items[i];

        b->oscores->items[i] = b->staged_oscores[i];
        b->staged_oscores[i] = o;
    }
}

static void sweep(const tsr_lwm2m_bootstrap *b, bool staged)
{
    tsr_lwm2m_oscore_sweep(b->oscores, staged ? &b->stage_oscores : b->oscores);
}

static void adopt(const tsr_lwm2m_bootstrap *b)
{
    const tsr_lwm2m_oscores *all = b->oscores;

    for (size_t i = 0; i < all->key_count && all->first_key_id != 0; i++)
        all->keys[i] = all->first_key_id + (uint32_t)i;
}

static tsr_lwm2m_oscore *of(const tsr_lwm2m_oscores *all, const tsr_lwm2m_security *s)
{
    return s->oscore ? tsr_lwm2m_oscore_find(all, s->oscore_id) : NULL;
}

static bool is_shared(const tsr_lwm2m_bootstrap *b, const tsr_lwm2m_security *s)
{
    for (size_t i = 0; i < b->stage.count; i++) {
        const tsr_lwm2m_security *other = &b->stage.items[i];

        if (other != s && other->used && other->oscore && other->oscore_id == s->oscore_id &&
            !(other->bootstrap && s->bootstrap))
            return true;
    }
    return false;
}

/* RFC 8613 §3.3: IDs are as long as the nonce allows. */
static const char *check_algorithm(const tsr_lwm2m_oscore *o)
{
    const tsr_cose_alg *alg =
        tsr_cose_alg_find(o->aead != 0 ? o->aead : TSR_COSE_CCM_16_64_128);

    if (alg == NULL || alg->kind != TSR_COSE_ENCRYPT0)
        return "an AEAD algorithm that is not supported (/21/x/3)";
    if (o->sender_id_len + 6u > alg->nonce || o->recipient_id_len + 6u > alg->nonce)
        return "an ID that is too long for the AEAD algorithm (/21/x/1, /21/x/2)";
    return NULL;
}

static const char *check(const tsr_lwm2m_bootstrap *b, const tsr_lwm2m_security *s)
{
    const tsr_lwm2m_oscore *o = of(&b->stage_oscores, s);

    if (o == NULL)
        return "an account under OSCORE without its instance of OSCORE (/0/x/17)";
    if (o->key_id == 0)
        return "no Master Secret (/21/x/0)";
    if (tsr_same(tsr_view(o->sender_id, o->sender_id_len),
                 tsr_view(o->recipient_id, o->recipient_id_len)))
        return "Sender ID and Recipient ID are the same (/21/x/1, /21/x/2)";
    if (is_shared(b, s))
        return "two accounts under the same keys of OSCORE (/0/x/17)";
    return check_algorithm(o);
}

/* Every change makes another version. */
static bool is_same(const tsr_lwm2m_bootstrap *b, const tsr_lwm2m_security *s)
{
    const tsr_lwm2m_oscore *now = of(b->oscores, s), *old = of(&b->stage_oscores, s);

    return now != NULL && old != NULL &&
           now - b->oscores->items == old - b->stage_oscores.items && now->version == old->version;
}

const struct tsr_lwm2m_boot_oscore tsr_lwm2m_boot_oscore = { begin, swap, sweep, adopt,
                                                             of,    check, is_same };
