/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of PSA Crypto across the wall have in common: one service a program, keys from
 * hexadecimal, and statuses by their number. */
#ifndef TESTS_PSA_WALL_H
#define TESTS_PSA_WALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ports/linux/gate/gate.h"
#include "psa/crypto.h"
#include "tests/psa/hex.h"
#include "tests/psa/secured.h"

#define WANT(status, call) assert_int_equal((call), (status))
#define OK(call)           WANT(PSA_SUCCESS, call)
#define TEXT(s)            (const uint8_t *)(s), sizeof(s) - 1

static secured wall_service;

static inline int wall_open(void **state)
{
    (void)state;
    secured_prepare(&wall_service);
    return secured_start(&wall_service, NULL) && psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static inline int wall_close(void **state)
{
    (void)state;
    secured_clean(&wall_service);
    return 0;
}

static inline void wall_left_nothing(void **state)
{
    (void)state;
    assert_int_equal(secured_figure(&wall_service, "keys="), 0);
    assert_int_equal(secured_figure(&wall_service, "operations="), 0);
}

static inline psa_key_attributes_t wall_attributes(psa_key_type_t type, size_t bits,
                                                   psa_key_usage_t usage, psa_algorithm_t alg)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, type);
    psa_set_key_bits(&a, bits);
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    return a;
}

static inline psa_key_id_t wall_import(psa_key_type_t type, psa_key_usage_t usage,
                                       psa_algorithm_t alg, const uint8_t *material, size_t len)
{
    psa_key_attributes_t a = wall_attributes(type, 0, usage, alg);
    psa_key_id_t key = 0;

    OK(psa_import_key(&a, material, len, &key));
    assert_true(key >= PSA_KEY_ID_VENDOR_MIN);
    return key;
}

static inline psa_key_id_t wall_import_hex(psa_key_type_t type, psa_key_usage_t usage,
                                           psa_algorithm_t alg, const char *material)
{
    hex_bytes m = hex(material);

    return wall_import(type, usage, alg, m.at, m.len);
}

static inline psa_key_id_t wall_generate(psa_key_type_t type, size_t bits, psa_key_usage_t usage,
                                         psa_algorithm_t alg)
{
    psa_key_attributes_t a = wall_attributes(type, bits, usage, alg);
    psa_key_id_t key = 0;

    OK(psa_generate_key(&a, &key));
    return key;
}

static inline void wall_same(const uint8_t *got, size_t len, const char *want)
{
    hex_bytes w = hex(want);

    assert_int_equal(len, w.len);
    assert_memory_equal(got, w.at, w.len);
}

#endif
