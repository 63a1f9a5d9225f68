/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/secure/store_model.h"

#include "tests/secure/flash_sim.h"

tsr_store_key model_key(uint32_t i)
{
    return (tsr_store_key){ 0xfffffff0u + i % MODEL_SPACES, (uint64_t)i / MODEL_SPACES << 33 | 7u };
}

void model_fill(const model_value *v, uint8_t *out)
{
    uint64_t rng = v->seed + 1ull;

    for (uint32_t i = 0; i < v->len; i++)
        out[i] = (uint8_t)sim_random(&rng);
}

model_op model_random_op(model *m)
{
    model_op op = { .key = sim_random(&m->rng) % MODEL_KEYS };

    op.after.there = sim_random(&m->rng) % 4 != 0 || !m->values[op.key].there;
    op.after.seed = sim_random(&m->rng);
    op.after.flags = sim_random(&m->rng);
    op.after.len = sim_random(&m->rng) % (m->value_max + 1);
    if (op.after.seed % 3 != 0)
        op.after.len %= 40;
    return op;
}

tsr_err model_run(tsr_store *s, const model_op *op)
{
    uint8_t value[8192];

    if (!op->after.there)
        return tsr_store_remove(s, model_key(op->key));
    model_fill(&op->after, value);
    return tsr_store_set(s, model_key(op->key), op->after.flags, tsr_view(value, op->after.len));
}

bool model_holds(tsr_store *s, const model_value *v, uint32_t key)
{
    uint8_t expected[8192], got[8192];
    tsr_store_info info;
    size_t len;
    tsr_err err = tsr_store_get(s, model_key(key), 0, got, sizeof got, &len);

    if (!v->there)
        return err == TSR_E_NOT_FOUND;
    model_fill(v, expected);
    return err == TSR_OK && tsr_same(tsr_view(got, len), tsr_view(expected, v->len)) &&
           tsr_store_info_of(s, model_key(key), &info) == TSR_OK && info.flags == v->flags &&
           info.len == v->len;
}

bool model_equals(const model *m, tsr_store *s, uint32_t except)
{
    size_t expected = 0, seen = 0;

    for (uint32_t i = 0; i < MODEL_KEYS; i++) {
        if (i == except) {
            tsr_store_info info;

            expected += tsr_store_info_of(s, model_key(i), &info) == TSR_OK ? 1 : 0;
            continue;
        }
        if (!model_holds(s, &m->values[i], i))
            return false;
        expected += m->values[i].there ? 1 : 0;
    }
    for (uint32_t space = 0; space < MODEL_SPACES; space++) {
        for (uint64_t uid = 0; tsr_store_next(s, model_key(space).space, &uid) == TSR_OK; uid++)
            seen++;
    }
    return seen == expected;
}
