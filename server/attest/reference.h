/* SPDX-License-Identifier: Apache-2.0
 *
 * Reference values: what a good device says (docs/WIRE.md, "Reference values"). */
#ifndef SERVER_ATTEST_REFERENCE_H
#define SERVER_ATTEST_REFERENCE_H

#include "tessera/base/bytes.h"

enum {
    TSR_ATTEST_ALLOWED = 16, /* values in one list */
    TSR_ATTEST_TYPES = 16,   /* component types */
    TSR_ATTEST_HASH = 64,
};

typedef struct {
    uint8_t bytes[TSR_ATTEST_HASH];
    size_t len;
} tsr_attest_hash;

typedef struct {
    size_t count; /* 0: anything is accepted */
    tsr_attest_hash value[TSR_ATTEST_ALLOWED];
} tsr_attest_hashes;

typedef struct {
    size_t count; /* 0: anything is accepted */
    char value[TSR_ATTEST_ALLOWED][64];
} tsr_attest_texts;

typedef struct {
    char type[64];
    bool optional; /* otherwise the token must have this component */
    tsr_attest_hashes measurements, signers;
    tsr_attest_texts versions;
} tsr_attest_component_rule;

typedef struct {
    uint32_t profiles;                 /* bits: 1 RFC 9783, 2 PSA_IOT_PROFILE_1 */
    tsr_attest_hashes implementations; /* 32 bytes each */
    uint32_t lifecycles;               /* bits: 1 << (state >> 12), RFC 9783 §4.3.1 */
    char certification[64];            /* "": not asked for */
    char verification[160];            /* "": not asked for */
    bool client_given;
    int32_t client;
    bool other_components; /* components of types that are not listed are accepted */
    size_t component_count;
    tsr_attest_component_rule component[TSR_ATTEST_TYPES];
} tsr_attest_reference;

/** Reads the JSON file. An unknown member is an error: a misspelt rule must not be no rule.
 *
 *  errors  TSR_E_MALFORMED  *why names the member and what is wrong with it, in English; it lives
 *                           in `room`
 */
tsr_err tsr_attest_reference_read(tsr_bytes json, tsr_attest_reference *reference, char *room,
                                  size_t room_len, const char **why);

#endif
