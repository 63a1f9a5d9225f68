/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the sources of the crypto service only. */
#ifndef SECURE_CRYPTO_INTERNAL_H
#define SECURE_CRYPTO_INTERNAL_H

#include "psa/wire/params.h"
#include "secure/crypto/service.h"

typedef struct {
    tsr_crypto *c;
    tsr_spm_msg *msg;
    tsr_wire_params p;
} tsr_crypto_request;

typedef psa_status_t tsr_crypto_fn(tsr_crypto_request *r);

/* Input `i` after the parameter block. */
static inline tsr_bytes tsr_input(const tsr_crypto_request *r, size_t i)
{
    return r->msg->in[1 + i];
}

/* table.c: numbers for keys and operations */
psa_status_t tsr_key_resolve(const tsr_crypto_request *r, uint32_t id, mbedtls_svc_key_id_t *key);
tsr_crypto_key *tsr_key_slot(tsr_crypto_request *r);
tsr_crypto_key *tsr_key_find(const tsr_crypto_request *r, uint32_t id);
tsr_crypto_op *tsr_op_open(tsr_crypto_request *r, tsr_crypto_op_kind kind);
tsr_crypto_op *tsr_op_find(const tsr_crypto_request *r, tsr_crypto_op_kind kind);
void tsr_op_close(tsr_crypto_op *op);
psa_status_t tsr_answer_u32(tsr_crypto_request *r, uint32_t value);

/* keys.c: what every call that makes a key has in common */
typedef struct {
    psa_key_attributes_t attributes;
    tsr_crypto_key *slot; /* NULL: persistent */
} tsr_new_key;

psa_status_t tsr_key_prepare(tsr_crypto_request *r, tsr_new_key *n);
psa_status_t tsr_key_made(tsr_crypto_request *r, tsr_new_key *n, psa_status_t status,
                          mbedtls_svc_key_id_t key);

tsr_crypto_fn tsr_do_import, tsr_do_destroy, tsr_do_attributes, tsr_do_copy, tsr_do_export,
    tsr_do_export_public, tsr_do_generate, tsr_do_purge;
/* single.c */
tsr_crypto_fn tsr_do_init, tsr_do_random, tsr_do_aead_encrypt, tsr_do_aead_decrypt,
    tsr_do_mac_compute, tsr_do_mac_verify, tsr_do_cipher_encrypt, tsr_do_cipher_decrypt,
    tsr_do_sign_hash, tsr_do_verify_hash, tsr_do_sign_message, tsr_do_verify_message,
    tsr_do_agreement;
/* operations.c */
tsr_crypto_fn tsr_do_mac_setup, tsr_do_mac_update, tsr_do_mac_sign_finish, tsr_do_mac_verify_finish,
    tsr_do_cipher_setup, tsr_do_cipher_generate_iv, tsr_do_cipher_set_iv, tsr_do_cipher_update,
    tsr_do_cipher_finish, tsr_do_aead_setup, tsr_do_aead_generate_nonce, tsr_do_aead_set_nonce,
    tsr_do_aead_set_lengths, tsr_do_aead_update_ad, tsr_do_aead_update, tsr_do_aead_finish,
    tsr_do_aead_verify, tsr_do_abort;
/* derive.c */
tsr_crypto_fn tsr_do_derive_once, tsr_do_derive_open, tsr_do_derive_input, tsr_do_derive_agreement,
    tsr_do_derive_get_capacity, tsr_do_derive_set_capacity, tsr_do_derive_bytes, tsr_do_derive_key;

#endif
