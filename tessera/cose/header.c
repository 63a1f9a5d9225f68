/* SPDX-License-Identifier: Apache-2.0
 *
 * The two buckets of header parameters (RFC 9052 §3). */
#include "tessera/cbor/cbor.h"
#include "tessera/cose/internal.h"

typedef struct {
    bool is_text, is_protected;
    int64_t number;
    tsr_bytes text;
} label;

typedef struct {
    label seen[TSR_COSE_LABELS];
    size_t count;
} labels;

/* RFC 9052 §1.5: a label is a whole number or a text. */
static tsr_err take_label(tsr_bytes *in, label *l)
{
    tsr_err err = tsr_cbor_get_int(in, &l->number);

    l->is_text = err == TSR_E_TYPE;
    l->text = tsr_view(NULL, 0);
    if (l->is_text)
        err = tsr_cbor_get_text(in, &l->text);
    return err == TSR_OK ? TSR_OK : TSR_E_MALFORMED;
}

static bool same_label(const label *a, const label *b)
{
    return a->is_text == b->is_text &&
           (a->is_text ? tsr_same(a->text, b->text) : a->number == b->number);
}

/* RFC 9052 §3: labels are unique in each map, and stand in one of the two only. */
static tsr_err note(labels *all, const label *l)
{
    for (size_t i = 0; i < all->count; i++)
        if (same_label(&all->seen[i], l))
            return TSR_E_MALFORMED;
    if (all->count == TSR_COSE_LABELS)
        return TSR_E_UNSUPPORTED;
    all->seen[all->count++] = *l;
    return TSR_OK;
}

static tsr_err take_alg(tsr_bytes value, bool is_protected, tsr_cose_message *m)
{
    tsr_err err = tsr_cbor_get_int(&value, &m->alg);

    m->alg_protected = is_protected;
    return err == TSR_E_TYPE ? TSR_E_UNSUPPORTED : err;
}

static tsr_err take_value(const label *l, tsr_bytes value, tsr_cose_message *m)
{
    if (l->is_text)
        return TSR_OK;
    switch (l->number) {
    case TSR_COSE_LABEL_ALG: return take_alg(value, l->is_protected, m);
    case TSR_COSE_LABEL_KID: return tsr_cbor_get_bytes(&value, &m->kid);
    case TSR_COSE_LABEL_IV: return tsr_cbor_get_bytes(&value, &m->iv);
    case TSR_COSE_LABEL_PARTIAL_IV: return tsr_cbor_get_bytes(&value, &m->partial_iv);
    case TSR_COSE_LABEL_CRIT: m->crit = value; return l->is_protected ? TSR_OK : TSR_E_MALFORMED;
    default: return TSR_OK;
    }
}

static tsr_err take_bucket(tsr_bytes map, bool is_protected, labels *all, tsr_cose_message *m)
{
    label l = { .is_protected = is_protected };
    tsr_cbor_walk walk;
    tsr_err err = tsr_cbor_enter(&map, TSR_CBOR_MAP, &walk);

    while (err == TSR_OK && (err = tsr_cbor_more(&map, &walk)) == TSR_OK) {
        tsr_bytes value;

        err = take_label(&map, &l);
        if (err == TSR_OK)
            err = note(all, &l);
        value = map;
        if (err == TSR_OK)
            err = tsr_cbor_skip(&map);
        value.len -= map.len;
        if (err == TSR_OK)
            err = take_value(&l, value, m);
    }
    if (err == TSR_END)
        err = map.len == 0 ? TSR_OK : TSR_E_MALFORMED;
    return err == TSR_OK || err == TSR_E_UNSUPPORTED ? err : TSR_E_MALFORMED;
}

/* RFC 9052 §3.1: crit has at least one label, and names protected parameters only. */
static tsr_err check_crit(tsr_bytes crit, const labels *all)
{
    uint64_t count;
    label l;

    if (tsr_cbor_get_array(&crit, &count) != TSR_OK || count == 0)
        return TSR_E_MALFORMED;
    for (; count > 0; count--) {
        bool found = false;

        if (take_label(&crit, &l) != TSR_OK)
            return TSR_E_MALFORMED;
        for (size_t i = 0; i < all->count; i++)
            found |= all->seen[i].is_protected && same_label(&all->seen[i], &l);
        if (!found)
            return TSR_E_MALFORMED;
    }
    return TSR_OK;
}

tsr_err tsr_cose_read_headers(tsr_cose_message *m)
{
    labels all = { .count = 0 };
    tsr_err err = TSR_OK;

    if (m->protected_map.len > 0)
        err = take_bucket(m->protected_map, true, &all, m);
    if (err == TSR_OK)
        err = take_bucket(m->unprotected_map, false, &all, m);
    if (err != TSR_OK)
        return err;
    if (m->iv.ptr != NULL && m->partial_iv.ptr != NULL) /* RFC 9052 §3.1 */
        return TSR_E_MALFORMED;
    return m->crit.ptr != NULL ? check_crit(m->crit, &all) : TSR_OK;
}

tsr_err tsr_cose_find(tsr_bytes map, int64_t wanted, tsr_bytes *value)
{
    tsr_cbor_walk walk;
    tsr_err err;
    label l;

    if (map.len == 0)
        return TSR_E_NOT_FOUND;
    err = tsr_cbor_enter(&map, TSR_CBOR_MAP, &walk);
    while (err == TSR_OK && (err = tsr_cbor_more(&map, &walk)) == TSR_OK) {
        tsr_bytes at;

        err = take_label(&map, &l);
        at = map;
        if (err == TSR_OK)
            err = tsr_cbor_skip(&map);
        if (err == TSR_OK && !l.is_text && l.number == wanted) {
            *value = tsr_first(at, at.len - map.len);
            return TSR_OK;
        }
    }
    return err == TSR_END ? TSR_E_NOT_FOUND : TSR_E_MALFORMED;
}

/* What this room processes itself; countersignatures (7) it does not. */
static bool understood(const tsr_cose_message *m, const label *l)
{
    if (l->is_text)
        return false;
    if (l->number >= TSR_COSE_LABEL_ALG && l->number <= TSR_COSE_LABEL_PARTIAL_IV)
        return true;
    for (size_t i = 0; i < m->understood_count; i++)
        if (m->understood[i] == l->number)
            return true;
    return false;
}

static bool crit_understood(const tsr_cose_message *m)
{
    tsr_bytes crit = m->crit;
    uint64_t count;
    label l;

    if (crit.ptr == NULL)
        return true;
    if (tsr_cbor_get_array(&crit, &count) != TSR_OK)
        return false;
    for (; count > 0; count--)
        if (take_label(&crit, &l) != TSR_OK || !understood(m, &l))
            return false;
    return true;
}

tsr_err tsr_cose_ready(const tsr_cose_message *m, tsr_cose_kind kind, tsr_bytes detached,
                       tsr_bytes *payload, const tsr_cose_alg **alg)
{
    const tsr_cose_alg *a = tsr_cose_alg_find(m->alg);

    if (m->kind != kind || m->detached != (detached.ptr != NULL))
        return TSR_E_ARGUMENT;
    if (a == NULL || a->kind != kind || !crit_understood(m))
        return TSR_E_UNSUPPORTED;
    if (!m->alg_protected && !m->allow_unprotected_alg)
        return TSR_E_DENIED;
    if (kind != TSR_COSE_ENCRYPT0 && a->proof != 0 && m->proof.len != a->proof)
        return TSR_E_CRYPTO;
    *payload = m->detached ? detached : m->payload;
    *alg = a;
    return TSR_OK;
}
