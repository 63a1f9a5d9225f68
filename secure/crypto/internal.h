/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the sources of the crypto service only. */
#ifndef SECURE_CRYPTO_INTERNAL_H
#define SECURE_CRYPTO_INTERNAL_H

#include "psa/wire/params.h"
#include "secure/crypto/service.h"

/* What the core was built with. A call for anything else answers PSA_ERROR_NOT_SUPPORTED, and its
 * code is not linked. The build sets TSR_CAN_LOCATE: whether keys may live at other locations. */
#if defined(PSA_WANT_ALG_CTR) || defined(PSA_WANT_ALG_CBC_NO_PADDING) ||                           \
    defined(PSA_WANT_ALG_STREAM_CIPHER)
#define TSR_CAN_CIPHER 1
#else
#define TSR_CAN_CIPHER 0
#endif
#if defined(PSA_WANT_ALG_RSA_OAEP) || defined(PSA_WANT_ALG_RSA_PKCS1V15_CRYPT)
#define TSR_CAN_ENCIPHER 1 /* to a public key */
#else
#define TSR_CAN_ENCIPHER 0
#endif
#if defined(MBEDTLS_ECP_RESTARTABLE)
#define TSR_CAN_STEP 1 /* sign and verify in steps */
#else
#define TSR_CAN_STEP 0
#endif
#if defined(PSA_WANT_ALG_PBKDF2_HMAC)
#define TSR_CAN_STRETCH 1 /* passwords */
#else
#define TSR_CAN_STRETCH 0
#endif
#if defined(PSA_WANT_ALG_JPAKE)
#define TSR_CAN_PAKE 1
#else
#define TSR_CAN_PAKE 0
#endif

typedef struct {
    tsr_crypto *c;
    tsr_spm_msg *msg;
    tsr_wire_params p;
    mbedtls_svc_key_id_t key; /* where the table of call.c says KEY */
    tsr_crypto_op *op;        /* where it names a kind of operation */
} tsr_crypto_request;

typedef psa_status_t tsr_crypto_fn(tsr_crypto_request *r);

/* Input `i` after the parameter block. */
static inline tsr_bytes tsr_input(const tsr_crypto_request *r, size_t i)
{
    return r->msg->in[1 + i];
}

/* table.c: numbers for keys and operations */
/** The core's key behind a client's number.
 *  errors  PSA_ERROR_INVALID_HANDLE  not this client's, or not there
 *          PSA_ERROR_NOT_SUPPORTED   a key at another location (use tsr_key_any) */
psa_status_t tsr_key_resolve(const tsr_crypto_request *r, uint32_t id, mbedtls_svc_key_id_t *key);
/** The same for callers that know keys at other locations: then *held, and `key` is the record. */
psa_status_t tsr_key_any(const tsr_crypto_request *r, uint32_t id, mbedtls_svc_key_id_t *key,
                         bool *held);
/** Whether tsr_key_any() found a key at another location. */
static inline bool tsr_is_held(bool held) { return TSR_CAN_LOCATE && held; }
tsr_crypto_key *tsr_key_slot(tsr_crypto_request *r);
tsr_crypto_key *tsr_key_find(const tsr_crypto_request *r, uint32_t id);
void tsr_key_release(tsr_crypto *c, tsr_crypto_key *slot);
tsr_crypto_op *tsr_op_open(tsr_crypto_request *r, tsr_crypto_op_kind kind);
/** The caller's operation of any kind that the parameter block names, or NULL. */
tsr_crypto_op *tsr_op_find(const tsr_crypto_request *r);
void tsr_op_close(tsr_crypto_op *op);
psa_status_t tsr_answer_u32(tsr_crypto_request *r, uint32_t value);

/* account.c: what each client holds */
tsr_crypto_account *tsr_account_of(tsr_crypto *c, int32_t client);
/** A persistent key was stored (len of the value) or removed (old_len); SIZE_MAX: there is none. */
void tsr_account_moved(tsr_crypto *c, uint64_t uid, size_t old_len, size_t len);

/** Takes persistent keys out of memory that do not permit PSA_KEY_USAGE_CACHE (storage.c). */
void tsr_passing_leave(tsr_crypto *c);
/** Whether a persistent key's stored policy has PSA_KEY_USAGE_CACHE (storage.c). */
bool tsr_stored_cache(tsr_crypto *c, mbedtls_svc_key_id_t key);

/* keys.c: what every call that makes a key has in common */
typedef struct {
    psa_key_attributes_t attributes;
    tsr_crypto_key *slot;   /* NULL: persistent */
    const tsr_location *at; /* NULL: the service's own memory and store */
} tsr_new_key;

/** Whether the key is to live at another location. */
static inline bool tsr_elsewhere(const tsr_new_key *n) { return TSR_CAN_LOCATE && n->at != NULL; }

psa_status_t tsr_key_prepare(tsr_crypto_request *r, tsr_new_key *n);
psa_status_t tsr_key_made(tsr_crypto_request *r, tsr_new_key *n, psa_status_t status,
                          mbedtls_svc_key_id_t key);
/** A new key out of bytes, wherever it is to live; ends with tsr_key_made(). */
psa_status_t tsr_key_from(tsr_crypto_request *r, tsr_new_key *n, tsr_bytes material);

/* policy.c */
psa_status_t tsr_policy_permits(const psa_key_attributes_t *a, psa_key_usage_t usage,
                                psa_algorithm_t alg);

/* held.c: keys at other locations. The core keeps a record of each: raw data under an algorithm
 * that no client may name, with the true attributes and the driver's blob inside. */
#define TSR_ALG_HELD ((psa_algorithm_t)0x80545352)

typedef struct {
    const tsr_location *at;
    psa_key_attributes_t attributes; /* the true ones */
    tsr_bytes blob;
    uint8_t record[TSR_WIRE_ATTRIBUTES + TSR_LOCATION_BLOB_MAX];
} tsr_held;

const tsr_location *tsr_location_of(const tsr_crypto *c, psa_key_lifetime_t lifetime);
psa_status_t tsr_held_import(const tsr_new_key *n, tsr_bytes material, mbedtls_svc_key_id_t *key);
psa_status_t tsr_held_generate(const tsr_new_key *n, mbedtls_svc_key_id_t *key);
/** Reads a record. errors PSA_ERROR_NOT_SUPPORTED when its location has no driver (any more); the
 *  attributes are there all the same. */
psa_status_t tsr_held_open(const tsr_crypto *c, mbedtls_svc_key_id_t record, tsr_held *h);
psa_status_t tsr_held_destroy(const tsr_held *h);
/** Ends a volatile key at its location; its client is gone and will not be told of a failure. */
void tsr_held_forget(const tsr_crypto *c, mbedtls_svc_key_id_t record);
psa_status_t tsr_held_export(const tsr_held *h, bool public_half, psa_outvec *out);
psa_status_t tsr_held_sign(const tsr_held *h, psa_algorithm_t alg, tsr_bytes hash, psa_outvec *out);
psa_status_t tsr_held_agree(const tsr_held *h, psa_algorithm_t alg, tsr_bytes peer,
                            psa_outvec *out);
psa_status_t tsr_held_decrypt(const tsr_held *h, psa_algorithm_t alg, tsr_bytes in, tsr_bytes salt,
                              psa_outvec *out);
psa_status_t tsr_held_mac(const tsr_held *h, psa_algorithm_t alg, tsr_bytes in, psa_outvec *out);
/** The public half as a volatile key of the core, for one operation. */
psa_status_t tsr_held_public(const tsr_held *h, psa_key_usage_t usage, psa_algorithm_t alg,
                             mbedtls_svc_key_id_t *key);

/* below.c: the two things that the core's public functions do not give */
typedef struct {
    void *slot;
    tsr_bytes bytes;
} tsr_material;

/** A key's own bytes, whatever its policy: the caller has checked that. */
psa_status_t tsr_material_lock(mbedtls_svc_key_id_t key, tsr_material *m);
void tsr_material_unlock(tsr_material *m);

tsr_crypto_fn tsr_do_import, tsr_do_destroy, tsr_do_attributes, tsr_do_copy, tsr_do_export,
    tsr_do_export_public, tsr_do_generate, tsr_do_generate_custom, tsr_do_purge;
/* single.c */
tsr_crypto_fn tsr_do_init, tsr_do_leave, tsr_do_random, tsr_do_aead_encrypt, tsr_do_aead_decrypt,
    tsr_do_cipher_encrypt, tsr_do_cipher_decrypt, tsr_do_mac_compute, tsr_do_mac_verify;
/* asymmetric.c */
tsr_crypto_fn tsr_do_sign_hash, tsr_do_verify_hash, tsr_do_sign_message, tsr_do_verify_message,
    tsr_do_asym_encrypt, tsr_do_asym_decrypt;
/* agreement.c */
tsr_crypto_fn tsr_do_agreement, tsr_do_agreement_key, tsr_do_derive_agreement;
/* hash.c */
tsr_crypto_fn tsr_do_hash_compute, tsr_do_hash_setup, tsr_do_hash_update, tsr_do_hash_finish,
    tsr_do_hash_clone;
/* stepwise.c */
tsr_crypto_fn tsr_do_sign_start, tsr_do_sign_complete, tsr_do_verify_start, tsr_do_verify_complete,
    tsr_do_work_done;
/* pake.c, linked where the core has a PAKE */
tsr_crypto_fn tsr_do_pake_setup, tsr_do_pake_set_role, tsr_do_pake_set_user, tsr_do_pake_set_peer,
    tsr_do_pake_set_context, tsr_do_pake_output, tsr_do_pake_input, tsr_do_pake_shared_key;
void tsr_pake_end(psa_pake_operation_t *pake);
/* operations.c */
tsr_crypto_fn tsr_do_mac_setup, tsr_do_mac_update, tsr_do_mac_sign_finish, tsr_do_mac_verify_finish,
    tsr_do_cipher_setup, tsr_do_cipher_generate_iv, tsr_do_cipher_set_iv, tsr_do_cipher_update,
    tsr_do_cipher_finish, tsr_do_aead_setup, tsr_do_aead_generate_nonce, tsr_do_aead_set_nonce,
    tsr_do_aead_set_lengths, tsr_do_aead_update_ad, tsr_do_aead_update, tsr_do_aead_finish,
    tsr_do_aead_verify, tsr_do_abort;
/* derive.c */
tsr_crypto_fn tsr_do_derive_once, tsr_do_derive_open, tsr_do_derive_input,
    tsr_do_derive_get_capacity, tsr_do_derive_set_capacity, tsr_do_derive_bytes, tsr_do_derive_key,
    tsr_do_derive_verify_bytes, tsr_do_derive_verify_key;

#endif
