/* SPDX-License-Identifier: Apache-2.0
 *
 * What the vectors of a call mean: function numbers (the `type` of psa_call) and the parameter
 * block that is always the first input (docs/WIRE.md, "The crypto and storage calls").
 * Plain numbers only, so both sides may be compiled with different crypto headers. */
#ifndef PSA_WIRE_PARAMS_H
#define PSA_WIRE_PARAMS_H

#include "tessera/base/bytes.h"

/* Functions of TSR_PSA_CRYPTO_HANDLE. In the list, `in` counts from the vector after the block.
 * P: fields of the parameter block that count. */
enum {
    TSR_CRYPTO_INIT = 1,
    TSR_CRYPTO_IMPORT_KEY = 2,       /* P attributes; in material; out key u32 */
    TSR_CRYPTO_DESTROY_KEY = 3,      /* P key */
    TSR_CRYPTO_GET_ATTRIBUTES = 4,   /* P key; out attributes */
    TSR_CRYPTO_COPY_KEY = 5,         /* P key, attributes; out key u32 */
    TSR_CRYPTO_EXPORT_KEY = 6,       /* P key; out material */
    TSR_CRYPTO_EXPORT_PUBLIC = 7,    /* P key; out material */
    TSR_CRYPTO_GENERATE_KEY = 8,     /* P attributes; out key u32 */
    TSR_CRYPTO_PURGE_KEY = 9,        /* P key */
    TSR_CRYPTO_RANDOM = 10,          /* out bytes: as many as there is room */
    TSR_CRYPTO_GENERATE_CUSTOM = 11, /* P attributes, number flags; in data; out key u32 */
    TSR_CRYPTO_LEAVE = 12,           /* destroys what this connection holds */
    TSR_CRYPTO_AEAD_ENCRYPT = 16,    /* P key, alg, nonce; in additional, plaintext; out */
    TSR_CRYPTO_AEAD_DECRYPT = 17,    /* P key, alg, nonce; in additional, ciphertext; out */
    TSR_CRYPTO_MAC_COMPUTE = 18,     /* P key, alg; in message; out mac */
    TSR_CRYPTO_MAC_VERIFY = 19,      /* P key, alg; in message, mac */
    TSR_CRYPTO_CIPHER_ENCRYPT = 20,  /* P key, alg; in plaintext; out iv and ciphertext */
    TSR_CRYPTO_CIPHER_DECRYPT = 21,  /* P key, alg; in iv and ciphertext; out plaintext */
    TSR_CRYPTO_SIGN_HASH = 22,       /* P key, alg; in hash; out signature */
    TSR_CRYPTO_VERIFY_HASH = 23,     /* P key, alg; in hash, signature */
    TSR_CRYPTO_SIGN_MESSAGE = 24,    /* P key, alg; in message; out signature */
    TSR_CRYPTO_VERIFY_MESSAGE = 25,  /* P key, alg; in message, signature */
    TSR_CRYPTO_RAW_AGREEMENT = 26,   /* P key, alg; in peer's key; out secret */
    TSR_CRYPTO_AGREEMENT_KEY = 27,   /* P key, alg, attributes; in peer's key; out key u32 */
    TSR_CRYPTO_ASYM_ENCRYPT = 28,    /* P key, alg; in plaintext, salt; out ciphertext */
    TSR_CRYPTO_ASYM_DECRYPT = 29,    /* P key, alg; in ciphertext, salt; out plaintext */
    TSR_CRYPTO_HASH_COMPUTE = 30,    /* P alg; in message; out hash */

    /* Operations in several calls: a setup answers an operation number, every later call carries
     * it; any failure and every finish ends the operation. */
    TSR_CRYPTO_MAC_SETUP = 32,           /* P key, alg, step 0 sign, 1 verify; out operation u32 */
    TSR_CRYPTO_MAC_UPDATE = 33,          /* P operation; in message */
    TSR_CRYPTO_MAC_SIGN_FINISH = 34,     /* P operation; out mac */
    TSR_CRYPTO_MAC_VERIFY_FINISH = 35,   /* P operation; in mac */
    TSR_CRYPTO_CIPHER_SETUP = 36,        /* P key, alg, step 0 encrypt, 1 decrypt; out operation */
    TSR_CRYPTO_CIPHER_GENERATE_IV = 37,  /* P operation; out iv */
    TSR_CRYPTO_CIPHER_SET_IV = 38,       /* P operation; in iv */
    TSR_CRYPTO_CIPHER_UPDATE = 39,       /* P operation; in; out */
    TSR_CRYPTO_CIPHER_FINISH = 40,       /* P operation; out */
    TSR_CRYPTO_AEAD_SETUP = 41,          /* P key, alg, step 0 encrypt, 1 decrypt; out operation */
    TSR_CRYPTO_AEAD_GENERATE_NONCE = 42, /* P operation; out nonce */
    TSR_CRYPTO_AEAD_SET_NONCE = 43,      /* P operation; in nonce */
    TSR_CRYPTO_AEAD_SET_LENGTHS = 44,    /* P operation, number additional, extra plaintext */
    TSR_CRYPTO_AEAD_UPDATE_AD = 45,      /* P operation; in */
    TSR_CRYPTO_AEAD_UPDATE = 46,         /* P operation; in; out */
    TSR_CRYPTO_AEAD_FINISH = 47,         /* P operation; out ciphertext, tag */
    TSR_CRYPTO_AEAD_VERIFY = 48,         /* P operation; in tag; out plaintext */
    TSR_CRYPTO_ABORT = 49,               /* P operation */
    TSR_CRYPTO_HASH_SETUP = 50,          /* P alg; out operation u32 */
    TSR_CRYPTO_HASH_UPDATE = 51,         /* P operation; in message */
    TSR_CRYPTO_HASH_FINISH = 52,         /* P operation; out hash */
    TSR_CRYPTO_HASH_CLONE = 53,          /* P operation, which stays open; out operation u32 */

    /* Signatures in steps. PSA_OPERATION_INCOMPLETE leaves the operation open.
     * `number` is how much work one call may do (psa_interruptible_set_max_ops). */
    TSR_CRYPTO_SIGN_START = 56,      /* P key, alg; in hash; out operation u32 */
    TSR_CRYPTO_SIGN_COMPLETE = 57,   /* P operation, number; out signature, work done u32 */
    TSR_CRYPTO_VERIFY_START = 58,    /* P key, alg; in hash, signature; out operation u32 */
    TSR_CRYPTO_VERIFY_COMPLETE = 59, /* P operation, number; out work done u32 */
    TSR_CRYPTO_WORK_DONE = 60,       /* P operation; out u32 */

    TSR_CRYPTO_DERIVE_ONCE = 64,      /* P alg, number capacity; in steps; out bytes; ends there */
    TSR_CRYPTO_DERIVE_OPEN = 65,      /* P alg, number capacity; in steps; out operation u32 */
    TSR_CRYPTO_DERIVE_INPUT = 66,     /* P operation; in steps */
    TSR_CRYPTO_DERIVE_AGREEMENT = 67, /* P operation, step, key; in peer's key */
    TSR_CRYPTO_DERIVE_GET_CAPACITY = 68, /* P operation; out u64 */
    TSR_CRYPTO_DERIVE_SET_CAPACITY = 69, /* P operation, number */
    TSR_CRYPTO_DERIVE_BYTES = 70,        /* P operation; out bytes: as many as there is room */
    TSR_CRYPTO_DERIVE_KEY = 71,          /* P operation, attributes, number flags; in custom data;
                                            out key u32 */
    TSR_CRYPTO_DERIVE_VERIFY_BYTES = 72, /* P operation; in expected bytes */
    TSR_CRYPTO_DERIVE_VERIFY_KEY = 73,   /* P operation, key */

    /* `extra` is the primitive, `step` the key confirmation; later the role, or the step. */
    TSR_CRYPTO_PAKE_SETUP = 80,       /* P key, alg, extra, step; out operation u32 */
    TSR_CRYPTO_PAKE_SET_ROLE = 81,    /* P operation, step */
    TSR_CRYPTO_PAKE_SET_USER = 82,    /* P operation; in name */
    TSR_CRYPTO_PAKE_SET_PEER = 83,    /* P operation; in name */
    TSR_CRYPTO_PAKE_SET_CONTEXT = 84, /* P operation; in context */
    TSR_CRYPTO_PAKE_OUTPUT = 85,      /* P operation, step; out */
    TSR_CRYPTO_PAKE_INPUT = 86,       /* P operation, step; in */
    TSR_CRYPTO_PAKE_SHARED_KEY = 87,  /* P operation, attributes; out key u32 */

    TSR_CRYPTO_FUNCTIONS = 88, /* no function has this number or a higher one */
};

#define TSR_CAPACITY_UNSET UINT64_MAX /* DERIVE_ONCE, DERIVE_OPEN: leave the algorithm's own */

/* Functions of TSR_PSA_ITS_HANDLE; the first input is a tsr_wire_its block. */
enum {
    TSR_ITS_SET = 1,      /* uid, flags; in data */
    TSR_ITS_GET = 2,      /* uid, offset; out data */
    TSR_ITS_GET_INFO = 3, /* uid; out capacity u32, size u32, flags u32 */
    TSR_ITS_REMOVE = 4,   /* uid */
};

#define TSR_WIRE_ATTRIBUTES 24u
#define TSR_WIRE_PARAMS     52u  /* without the nonce */
#define TSR_WIRE_NONCE_MAX  128u /* GCM takes long ones */
#define TSR_WIRE_ITS        16u

typedef struct {
    uint16_t type, bits;
    uint32_t lifetime, id, usage, alg, alg2;
} tsr_wire_attributes;

typedef struct {
    uint32_t key, alg, operation, step;
    uint64_t number;
    uint32_t extra;
    tsr_wire_attributes attributes;
    tsr_bytes nonce; /* 0 to TSR_WIRE_NONCE_MAX bytes */
} tsr_wire_params;

typedef struct {
    uint64_t uid;
    uint32_t offset, flags;
} tsr_wire_its;

void tsr_wire_attributes_write(tsr_buf *out, const tsr_wire_attributes *a);
tsr_err tsr_wire_attributes_read(tsr_bytes in, tsr_wire_attributes *a);

/** errors  out->err TSR_E_SPACE; needs TSR_WIRE_PARAMS + nonce.len */
void tsr_wire_params_write(tsr_buf *out, const tsr_wire_params *p);

/** owner   p->nonce points into `in`
 *  errors  TSR_E_MALFORMED  any length but TSR_WIRE_PARAMS + 0 .. TSR_WIRE_NONCE_MAX */
tsr_err tsr_wire_params_read(tsr_bytes in, tsr_wire_params *p);

void tsr_wire_its_write(tsr_buf *out, const tsr_wire_its *p);
tsr_err tsr_wire_its_read(tsr_bytes in, tsr_wire_its *p);

/* The steps of a key derivation, in the order in which the application made them. */
typedef enum { TSR_STEP_BYTES = 1, TSR_STEP_KEY = 2, TSR_STEP_INTEGER = 3 } tsr_step_kind;

#define TSR_WIRE_STEP 5u /* bytes before a step's value */

typedef struct {
    tsr_step_kind kind;
    uint16_t step;
    tsr_bytes bytes;  /* TSR_STEP_BYTES */
    uint64_t integer; /* TSR_STEP_INTEGER, or the key's id */
} tsr_wire_step;

/** errors  out->err TSR_E_SPACE, or TSR_E_ARGUMENT for more than 65,535 bytes */
void tsr_wire_step_write(tsr_buf *out, const tsr_wire_step *s);

/** Takes the next step.
 *  errors  TSR_END          none left
 *          TSR_E_MALFORMED  unknown kind, wrong or overlong value; `in` is unchanged */
tsr_err tsr_wire_step_read(tsr_bytes *in, tsr_wire_step *s);

#endif
