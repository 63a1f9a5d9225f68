/* SPDX-License-Identifier: Apache-2.0
 *
 * The store with its key calls turned to a crypto service in this process, where their names are those
 * of the core. */
#include "psa/crypto.h"
#include "tests/fdohost/keys.h"

static psa_status_t make(const psa_key_attributes_t *a, psa_key_id_t *id)
{
    *id = psa_get_key_id(a);
    return keys_generate(*id, psa_get_key_type(a), (uint16_t)psa_get_key_bits(a),
                         psa_get_key_usage_flags(a), psa_get_key_algorithm(a));
}

static psa_status_t look(psa_key_id_t id, psa_key_attributes_t *a)
{
    uint16_t bits = 0;
    psa_status_t status = keys_bits(id, &bits);

    psa_set_key_bits(a, bits);
    return status;
}

#define psa_generate_key       make
#define psa_destroy_key        keys_destroy
#define psa_get_key_attributes look
#include "ports/linux/fdo/store.c" /* NOLINT(bugprone-suspicious-include) */
