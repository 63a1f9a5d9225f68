/* SPDX-License-Identifier: Apache-2.0
 *
 * The crypto service: PSA Crypto for many clients on one PSA core.
 *
 * What a client sees of a volatile key or an operation is a number of this service's own, good on
 * the connection that made it and nowhere else. Numbers count up from a random start, so one that
 * a client kept from an earlier life of the service finds nothing. A persistent key belongs to the
 * client (its number is the owner part of the core's key id) and is found on all its connections.
 */
#ifndef SECURE_CRYPTO_SERVICE_H
#define SECURE_CRYPTO_SERVICE_H

#include "psa/crypto.h"
#include "secure/crypto/location.h"
#include "secure/spm/spm.h"
#include "secure/storage/its.h"

typedef struct { /* private: a volatile key */
    uint32_t id; /* as the client knows it; 0: free */
    tsr_spm_caller owner;
    mbedtls_svc_key_id_t key;
    bool held;  /* a record of a key at another location */
    bool cache; /* PSA_KEY_USAGE_CACHE, which the core does not know */
} tsr_crypto_key;

typedef enum {
    TSR_OP_MAC = 1,
    TSR_OP_CIPHER,
    TSR_OP_AEAD,
    TSR_OP_DERIVE,
    TSR_OP_HASH,
    TSR_OP_SIGN,
    TSR_OP_VERIFY,
    TSR_OP_PAKE,
} tsr_crypto_op_kind;

/* The work that one call on a stretching derivation (PBKDF2) may ask for, in iterations: some
 * seconds of a core, well below what a client waits for an answer (30 s). While one client's
 * password is stretched the others wait. */
#define TSR_CRYPTO_STRETCH_MAX 2000000u

typedef struct { /* private: a key derivation */
    psa_key_derivation_operation_t core;
    psa_algorithm_t alg;
    uint64_t cost;    /* iterations of a stretching derivation; 0: not said */
    bool verify_only; /* an input key permits PSA_KEY_USAGE_VERIFY_DERIVATION alone */
} tsr_crypto_derivation;

typedef struct { /* private: an operation in several calls */
    uint32_t id; /* 0: free */
    tsr_spm_caller owner;
    tsr_crypto_op_kind kind;
    union {
        psa_mac_operation_t mac;
        psa_cipher_operation_t cipher;
        psa_aead_operation_t aead;
        tsr_crypto_derivation derive;
        psa_hash_operation_t hash;
        psa_sign_hash_interruptible_operation_t sign;
        psa_verify_hash_interruptible_operation_t verify;
        psa_pake_operation_t pake;
    } u;
} tsr_crypto_op;

typedef struct { /* private: what a client holds, kept so that it need not be counted each time */
    int32_t client;      /* 0: free */
    uint32_t keys;       /* volatile */
    uint32_t persistent; /* in number, */
    uint64_t bytes;      /* and on the medium */
} tsr_crypto_account;

#define TSR_CRYPTO_ACCOUNTS 32u /* clients remembered; another one's account is counted anew */

#define TSR_CRYPTO_PASSING 4u /* persistent keys that one call may load before the first leaves */

typedef struct {
    tsr_its *its;         /* persistent keys go to its space TSR_ITS_CRYPTO */
    tsr_crypto_key *keys; /* zeroed by the caller */
    size_t key_count;
    tsr_crypto_op *ops; /* zeroed by the caller */
    size_t op_count;
    /* What one client may hold, over all its connections, so that it cannot starve the others: */
    uint32_t keys_each;       /* volatile keys */
    uint32_t ops_each;        /* open operations */
    uint32_t persistent_each; /* persistent keys; together no more bytes than its->quota */
    /* Keys off the chip: drivers, one a location. A key whose location is not among them cannot be
     * made, and one that was made earlier answers PSA_ERROR_NOT_SUPPORTED. */
    const tsr_location *const *locations;
    size_t location_count;
    /* private */
    uint32_t next_key, next_op;
    psa_status_t storage; /* why the core's last storage call failed */
    bool cache;           /* the key that is being stored permits PSA_KEY_USAGE_CACHE */
    uint64_t passing[TSR_CRYPTO_PASSING]; /* keys in memory that are to leave it after this call */
    size_t passing_count;
    tsr_crypto_account account[TSR_CRYPTO_ACCOUNTS];
    uint32_t account_next;
} tsr_crypto;

/** The service's tables: one named object, placed and owned by the port, because the core calls
 *  psa_its_*() without a context (psa/internal_trusted_storage.h). Defined by the port. */
tsr_crypto *tsr_crypto_here(void);

/** Starts the PSA core; tsr_crypto_here() must already return `c`.
 *  errors  those of psa_crypto_init(), such as PSA_ERROR_INSUFFICIENT_ENTROPY */
psa_status_t tsr_crypto_open(tsr_crypto *c);

/** Destroys every volatile key and operation, and stops the core. */
void tsr_crypto_close(tsr_crypto *c);

/** Answers one message (tsr_spm_service.call); `self` is a tsr_crypto. Functions and their vectors
 *  are listed in psa/wire/params.h.
 *  errors  the status of the PSA function, and
 *          PSA_ERROR_PROGRAMMER_ERROR     unknown function, wrong vectors, broken block
 *          PSA_ERROR_INVALID_HANDLE       a key that is not this caller's, or is not there
 *          PSA_ERROR_INSUFFICIENT_MEMORY  a quota or a table is used up */
psa_status_t tsr_crypto_call(void *self, tsr_spm_msg *msg);

/** Destroys what a connection held (tsr_spm_service.gone). */
void tsr_crypto_gone(void *self, uint32_t connection);

/** How many volatile keys and operations are held, by everyone. */
size_t tsr_crypto_keys_held(const tsr_crypto *c);
size_t tsr_crypto_ops_held(const tsr_crypto *c);

#endif
