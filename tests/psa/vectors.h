/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads tests/vectors/psa/NAME.txt (its README.md has the format) and says which line failed. */
#ifndef TESTS_PSA_VECTORS_H
#define TESTS_PSA_VECTORS_H

#include "tessera/base/bytes.h"
#include "tests/psa/wall.h"

#define VECTOR_FIELDS 16

typedef struct {
    const char *name;
    tsr_bytes bytes;  /* the value as hex, NULL when it is not */
    const char *text; /* the value as it stands */
} vector_field;

typedef struct {
    const char *file;
    unsigned line;
    const char *op;
    vector_field field[VECTOR_FIELDS];
    size_t fields;
    const char *result; /* "ok" when the case names none */
    unsigned cases, bad;
    struct vector_reader *reader; /* private */
} vector;

/** Opens a file of tests/vectors/psa; fails the test when it is not there. */
vector vector_open(const char *name);

/** The next case. false: no more; prints how many there were, and fails if there were none. */
bool vector_next(vector *v);

bool vector_has(const vector *v, const char *field);
tsr_bytes vector_bytes(const vector *v, const char *field);  /* empty when it is not there */
const char *vector_text(const vector *v, const char *field); /* "" when it is not there */
size_t vector_number(const vector *v, const char *field);
bool vector_is(const vector *v, const char *result);

/* Checks that name file and line. */
void vector_want(const vector *v, psa_status_t want, psa_status_t got, const char *what);
void vector_want_either(const vector *v, psa_status_t a, psa_status_t b, psa_status_t got,
                        const char *what);
void vector_same(const vector *v, tsr_bytes want, const uint8_t *got, size_t len, const char *what);

#define VOK(v, call) vector_want(v, PSA_SUCCESS, (call), #call)

/* Names of the files as numbers of the API; they fail the test for a name they do not know. */
psa_algorithm_t vector_hash(const vector *v);
psa_key_type_t vector_type(const vector *v);
void vector_curve(const vector *v, psa_key_type_t *pair, size_t *bits);

/** A volatile key; PSA_KEY_ID_NULL and the status when it was refused. */
psa_key_id_t vector_key(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t alg,
                        tsr_bytes material, psa_status_t *status);

#endif
