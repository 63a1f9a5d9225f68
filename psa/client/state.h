/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of psa/client. The port places one of these, zeroed (psa/client/gate.h). */
#ifndef PSA_CLIENT_STATE_H
#define PSA_CLIENT_STATE_H

#include "mbedtls/sha256.h"
#include "mbedtls/sha512.h"
#include "psa/client/gate.h"
#include "psa/crypto.h"
#include "psa/wire/params.h"

/* Sizes; a build for a small device gives its own. A DTLS handshake holds at most 4 hashes and one
 * derivation at a time. */
#ifndef TSR_PSA_HASHES
#define TSR_PSA_HASHES 64
#endif
#ifndef TSR_PSA_DERIVATIONS
#define TSR_PSA_DERIVATIONS 16
#endif
#ifndef TSR_PSA_NOTES
#define TSR_PSA_NOTES 32
#endif

#define TSR_PSA_DERIVATION_BYTES                                                                   \
    256u /* inputs kept on the near side; longer ones cross at once                                \
          */
#define TSR_PSA_RANDOM_BLOCK 256u

typedef union {
    mbedtls_sha256_context sha256;
    mbedtls_sha512_context sha512;
} tsr_psa_digest;

typedef struct {         /* private: a hash in progress */
    psa_algorithm_t alg; /* 0: free */
    uint32_t stamp;
    uint32_t remote; /* operation number in the secure world; 0: computed here */
    tsr_psa_digest u;
} tsr_psa_hash;

typedef struct { /* private: a derivation that has not crossed yet, or its number over there */
    psa_algorithm_t alg; /* 0: free */
    uint32_t stamp;
    uint32_t remote; /* operation number in the secure world; 0: still here */
    bool spent;      /* every byte was read, or more was asked for than there is */
    bool failed;     /* only abort helps */
    uint8_t seen;    /* the inputs so far, see derive.c */
    uint64_t capacity;
    size_t steps_len;
    uint8_t steps[TSR_PSA_DERIVATION_BYTES];
} tsr_psa_derivation;

typedef struct { /* private: what we said of a volatile key that we made */
    uint32_t id; /* 0: free */
    tsr_wire_attributes attributes;
} tsr_psa_note;

typedef struct tsr_psa_client { /* private */
    bool started;               /* psa_crypto_init() succeeded once */
    uint32_t generation;        /* of the gate, for notes and random bytes */
    uint32_t stamp;
    uint32_t spared_ops; /* work that a step of an operation may not do: UINT32_MAX - max_ops */
    tsr_psa_hash hash[TSR_PSA_HASHES];
    tsr_psa_derivation derivation[TSR_PSA_DERIVATIONS];
    tsr_psa_note note[TSR_PSA_NOTES];
    size_t note_next;
    size_t random_left;
    uint8_t random[TSR_PSA_RANDOM_BLOCK];
} tsr_psa_client;

#endif
