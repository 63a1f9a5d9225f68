/* SPDX-License-Identifier: Apache-2.0
 *
 * What a store should contain, kept beside it. */
#ifndef TESTS_SECURE_STORE_MODEL_H
#define TESTS_SECURE_STORE_MODEL_H

#include "secure/storage/store.h"

#define MODEL_KEYS   24u
#define MODEL_SPACES 3u

typedef struct {
    bool there;
    uint32_t seed, len, flags; /* the value's bytes follow from seed */
} model_value;

typedef struct {
    model_value values[MODEL_KEYS];
    uint32_t value_max;
    uint64_t rng;
} model;

typedef struct { /* an operation, and what it makes of its key */
    uint32_t key;
    model_value after;
} model_op;

tsr_store_key model_key(uint32_t i);
void model_fill(const model_value *v, uint8_t *out);
model_op model_random_op(model *m);
/** Runs the operation on the store; the model is the caller's matter. */
tsr_err model_run(tsr_store *s, const model_op *op);
bool model_holds(tsr_store *s, const model_value *v, uint32_t key);
/** Every key but `except` has the model's content, and there are no others. */
bool model_equals(const model *m, tsr_store *s, uint32_t except);

#endif
