/* SPDX-License-Identifier: Apache-2.0
 *
 * PSA Crypto as an application sees it: keys stay behind the wall, calls cross it.
 * source  PSA Crypto API 1.2, with the final calls for PAKEs and custom key parameters of 1.3, and
 *         signatures in small steps as Mbed TLS 3.6 names them (psa_sign_hash_start() and on)
 *
 * C99 and C++. Which functions do what: docs/PSA.md.
 *
 * For every function that follows:
 *   owner   buffers are the caller's; input is read before the call returns, and output is written
 *           then too; lengths come back through the last pointer
 *   errors  PSA_ERROR_BAD_STATE              psa_crypto_init() was not called, or the operation is
 *                                            not at this step
 *           PSA_ERROR_INVALID_HANDLE         no such key, or a key of someone else
 *           PSA_ERROR_NOT_PERMITTED          the key's policy forbids it
 *           PSA_ERROR_NOT_SUPPORTED          not offered: algorithm, key type, size or combination
 *           PSA_ERROR_INVALID_ARGUMENT       offered, but these arguments do not go together
 *           PSA_ERROR_BUFFER_TOO_SMALL       the output does not fit; see psa/crypto_sizes.h
 *           PSA_ERROR_INSUFFICIENT_MEMORY    this client's share of the service's memory is used
 *           PSA_ERROR_COMMUNICATION_FAILURE  the secure world is absent or went away
 *           PSA_ERROR_CORRUPTION_DETECTED, PSA_ERROR_HARDWARE_FAILURE, PSA_ERROR_STORAGE_FAILURE,
 *           PSA_ERROR_DATA_CORRUPT, PSA_ERROR_DATA_INVALID  as in psa/error.h
 *
 * An operation in steps starts from an INIT value; a step that fails leaves it in an error state
 * out of which only its abort leads; abort always works, and is harmless on an idle operation. */
#ifndef PSA_CRYPTO_H
#define PSA_CRYPTO_H

#include "psa/crypto_extra.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PSA_CRYPTO_API_VERSION_MAJOR 1
#define PSA_CRYPTO_API_VERSION_MINOR 2

/** Reaches the service. Once before anything else; more calls are harmless. */
psa_status_t psa_crypto_init(void);

/* ---- keys ---- */

/** owner   reset *attributes with psa_reset_key_attributes() when done */
psa_status_t psa_get_key_attributes(psa_key_id_t key, psa_key_attributes_t *attributes);

/** Makes a key from its bytes, in the format of its type (PSA Crypto API 1.2, 9.6).
 *
 *  units   bits of 0 in the attributes: as many as the data have
 *  errors  PSA_ERROR_ALREADY_EXISTS        a persistent key has this id
 *          PSA_ERROR_INSUFFICIENT_STORAGE  the store, or this client's share of it, is full */
psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                            size_t data_length, psa_key_id_t *key);

/** Makes a random key in the secure world. errors as psa_import_key() */
psa_status_t psa_generate_key(const psa_key_attributes_t *attributes, psa_key_id_t *key);

/** The same in a given manner: for RSA, custom_data is the public exponent, big-endian.
 *  PSA_CUSTOM_KEY_PARAMETERS_INIT and no data: as psa_generate_key(). */
psa_status_t psa_generate_key_custom(const psa_key_attributes_t *attributes,
                                     const psa_custom_key_parameters_t *custom,
                                     const uint8_t *custom_data, size_t custom_data_length,
                                     psa_key_id_t *key);

/** A second key of the same material, under what both policies permit. Needs usage COPY. */
psa_status_t psa_copy_key(psa_key_id_t source_key, const psa_key_attributes_t *attributes,
                          psa_key_id_t *target_key);

/** Erases the key, from the store too. PSA_KEY_ID_NULL: nothing to do, PSA_SUCCESS. */
psa_status_t psa_destroy_key(psa_key_id_t key);

/** Forgets copies of a persistent key in memory. */
psa_status_t psa_purge_key(psa_key_id_t key);

/** Needs usage EXPORT, but for a public key. units PSA_EXPORT_KEY_OUTPUT_SIZE */
psa_status_t psa_export_key(psa_key_id_t key, uint8_t *data, size_t data_size, size_t *data_length);

/** The public half of a pair, or a public key. units PSA_EXPORT_PUBLIC_KEY_OUTPUT_SIZE */
psa_status_t psa_export_public_key(psa_key_id_t key, uint8_t *data, size_t data_size,
                                   size_t *data_length);

/* ---- hashes: no key takes part ---- */

psa_status_t psa_hash_compute(psa_algorithm_t alg, const uint8_t *input, size_t input_length,
                              uint8_t *hash, size_t hash_size, size_t *hash_length);

/** errors  PSA_ERROR_INVALID_SIGNATURE  another hash, or another length */
psa_status_t psa_hash_compare(psa_algorithm_t alg, const uint8_t *input, size_t input_length,
                              const uint8_t *hash, size_t hash_length);

psa_status_t psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg);
psa_status_t psa_hash_update(psa_hash_operation_t *operation, const uint8_t *input,
                             size_t input_length);
psa_status_t psa_hash_finish(psa_hash_operation_t *operation, uint8_t *hash, size_t hash_size,
                             size_t *hash_length);
psa_status_t psa_hash_verify(psa_hash_operation_t *operation, const uint8_t *hash,
                             size_t hash_length);
psa_status_t psa_hash_abort(psa_hash_operation_t *operation);

/** Both operations go on from the same state. */
psa_status_t psa_hash_clone(const psa_hash_operation_t *source_operation,
                            psa_hash_operation_t *target_operation);

/** Writes the state out, and ends the operation. units PSA_HASH_SUSPEND_OUTPUT_SIZE */
psa_status_t psa_hash_suspend(psa_hash_operation_t *operation, uint8_t *hash_state,
                              size_t hash_state_size, size_t *hash_state_length);
psa_status_t psa_hash_resume(psa_hash_operation_t *operation, const uint8_t *hash_state,
                             size_t hash_state_length);

/* ---- message authentication codes ---- */

psa_status_t psa_mac_compute(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                             size_t input_length, uint8_t *mac, size_t mac_size,
                             size_t *mac_length);

/** errors  PSA_ERROR_INVALID_SIGNATURE  another MAC */
psa_status_t psa_mac_verify(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                            size_t input_length, const uint8_t *mac, size_t mac_length);

psa_status_t psa_mac_sign_setup(psa_mac_operation_t *operation, psa_key_id_t key,
                                psa_algorithm_t alg);
psa_status_t psa_mac_verify_setup(psa_mac_operation_t *operation, psa_key_id_t key,
                                  psa_algorithm_t alg);
psa_status_t psa_mac_update(psa_mac_operation_t *operation, const uint8_t *input,
                            size_t input_length);
psa_status_t psa_mac_sign_finish(psa_mac_operation_t *operation, uint8_t *mac, size_t mac_size,
                                 size_t *mac_length);
psa_status_t psa_mac_verify_finish(psa_mac_operation_t *operation, const uint8_t *mac,
                                   size_t mac_length);
psa_status_t psa_mac_abort(psa_mac_operation_t *operation);

/* ---- ciphers without authentication ---- */

/** A random IV comes first in the output. units PSA_CIPHER_ENCRYPT_OUTPUT_SIZE */
psa_status_t psa_cipher_encrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                size_t input_length, uint8_t *output, size_t output_size,
                                size_t *output_length);

/** The IV comes first in the input.
 *  errors  PSA_ERROR_INVALID_PADDING  (tell no peer which of the two it was) */
psa_status_t psa_cipher_decrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                size_t input_length, uint8_t *output, size_t output_size,
                                size_t *output_length);

psa_status_t psa_cipher_encrypt_setup(psa_cipher_operation_t *operation, psa_key_id_t key,
                                      psa_algorithm_t alg);
psa_status_t psa_cipher_decrypt_setup(psa_cipher_operation_t *operation, psa_key_id_t key,
                                      psa_algorithm_t alg);
psa_status_t psa_cipher_generate_iv(psa_cipher_operation_t *operation, uint8_t *iv, size_t iv_size,
                                    size_t *iv_length);
psa_status_t psa_cipher_set_iv(psa_cipher_operation_t *operation, const uint8_t *iv,
                               size_t iv_length);
psa_status_t psa_cipher_update(psa_cipher_operation_t *operation, const uint8_t *input,
                               size_t input_length, uint8_t *output, size_t output_size,
                               size_t *output_length);
psa_status_t psa_cipher_finish(psa_cipher_operation_t *operation, uint8_t *output,
                               size_t output_size, size_t *output_length);
psa_status_t psa_cipher_abort(psa_cipher_operation_t *operation);

/* ---- authenticated encryption ---- */

/** The tag stands at the end of the ciphertext. Never use a nonce twice with one key. */
psa_status_t psa_aead_encrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                              size_t nonce_length, const uint8_t *additional_data,
                              size_t additional_data_length, const uint8_t *plaintext,
                              size_t plaintext_length, uint8_t *ciphertext, size_t ciphertext_size,
                              size_t *ciphertext_length);

/** errors  PSA_ERROR_INVALID_SIGNATURE  not authentic; nothing of the plaintext is given */
psa_status_t psa_aead_decrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                              size_t nonce_length, const uint8_t *additional_data,
                              size_t additional_data_length, const uint8_t *ciphertext,
                              size_t ciphertext_length, uint8_t *plaintext, size_t plaintext_size,
                              size_t *plaintext_length);

psa_status_t psa_aead_encrypt_setup(psa_aead_operation_t *operation, psa_key_id_t key,
                                    psa_algorithm_t alg);
psa_status_t psa_aead_decrypt_setup(psa_aead_operation_t *operation, psa_key_id_t key,
                                    psa_algorithm_t alg);

/** Before the nonce; CCM must have it. */
psa_status_t psa_aead_set_lengths(psa_aead_operation_t *operation, size_t ad_length,
                                  size_t plaintext_length);
psa_status_t psa_aead_generate_nonce(psa_aead_operation_t *operation, uint8_t *nonce,
                                     size_t nonce_size, size_t *nonce_length);
psa_status_t psa_aead_set_nonce(psa_aead_operation_t *operation, const uint8_t *nonce,
                                size_t nonce_length);
psa_status_t psa_aead_update_ad(psa_aead_operation_t *operation, const uint8_t *input,
                                size_t input_length);

/** Decrypting: trust nothing of the output before psa_aead_verify() succeeded. */
psa_status_t psa_aead_update(psa_aead_operation_t *operation, const uint8_t *input,
                             size_t input_length, uint8_t *output, size_t output_size,
                             size_t *output_length);
psa_status_t psa_aead_finish(psa_aead_operation_t *operation, uint8_t *ciphertext,
                             size_t ciphertext_size, size_t *ciphertext_length, uint8_t *tag,
                             size_t tag_size, size_t *tag_length);
psa_status_t psa_aead_verify(psa_aead_operation_t *operation, uint8_t *plaintext,
                             size_t plaintext_size, size_t *plaintext_length, const uint8_t *tag,
                             size_t tag_length);
psa_status_t psa_aead_abort(psa_aead_operation_t *operation);

/* ---- signatures ---- */

/** Hashes the message and signs the hash. units PSA_SIGN_OUTPUT_SIZE */
psa_status_t psa_sign_message(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                              size_t input_length, uint8_t *signature, size_t signature_size,
                              size_t *signature_length);

/** errors  PSA_ERROR_INVALID_SIGNATURE */
psa_status_t psa_verify_message(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                size_t input_length, const uint8_t *signature,
                                size_t signature_length);

psa_status_t psa_sign_hash(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                           size_t hash_length, uint8_t *signature, size_t signature_size,
                           size_t *signature_length);

/** errors  PSA_ERROR_INVALID_SIGNATURE */
psa_status_t psa_verify_hash(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                             size_t hash_length, const uint8_t *signature, size_t signature_length);

/* The same in steps of bounded work: start once, then complete until it answers something else than
 * PSA_OPERATION_INCOMPLETE, then abort. */

#define PSA_INTERRUPTIBLE_MAX_OPS_UNLIMITED UINT32_MAX

/** The most work that one step may do, for the whole process; in units of the implementation. */
void psa_interruptible_set_max_ops(uint32_t max_ops);
uint32_t psa_interruptible_get_max_ops(void);

psa_status_t psa_sign_hash_start(psa_sign_hash_interruptible_operation_t *operation,
                                 psa_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                                 size_t hash_length);
psa_status_t psa_sign_hash_complete(psa_sign_hash_interruptible_operation_t *operation,
                                    uint8_t *signature, size_t signature_size,
                                    size_t *signature_length);
psa_status_t psa_sign_hash_abort(psa_sign_hash_interruptible_operation_t *operation);
uint32_t psa_sign_hash_get_num_ops(const psa_sign_hash_interruptible_operation_t *operation);

psa_status_t psa_verify_hash_start(psa_verify_hash_interruptible_operation_t *operation,
                                   psa_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                                   size_t hash_length, const uint8_t *signature,
                                   size_t signature_length);
psa_status_t psa_verify_hash_complete(psa_verify_hash_interruptible_operation_t *operation);
psa_status_t psa_verify_hash_abort(psa_verify_hash_interruptible_operation_t *operation);
uint32_t psa_verify_hash_get_num_ops(const psa_verify_hash_interruptible_operation_t *operation);

/* ---- asymmetric encryption ---- */

/** units   PSA_ASYMMETRIC_ENCRYPT_OUTPUT_SIZE; salt: the label of OAEP */
psa_status_t psa_asymmetric_encrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                    size_t input_length, const uint8_t *salt, size_t salt_length,
                                    uint8_t *output, size_t output_size, size_t *output_length);

/** errors  PSA_ERROR_INVALID_PADDING  (tell no peer) */
psa_status_t psa_asymmetric_decrypt(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                    size_t input_length, const uint8_t *salt, size_t salt_length,
                                    uint8_t *output, size_t output_size, size_t *output_length);

/* ---- key derivation ---- */

psa_status_t psa_key_derivation_setup(psa_key_derivation_operation_t *operation,
                                      psa_algorithm_t alg);

/** How many bytes may still be taken. */
psa_status_t psa_key_derivation_get_capacity(const psa_key_derivation_operation_t *operation,
                                             size_t *capacity);

/** errors  PSA_ERROR_INVALID_ARGUMENT  more than there is; the operation goes on */
psa_status_t psa_key_derivation_set_capacity(psa_key_derivation_operation_t *operation,
                                             size_t capacity);
psa_status_t psa_key_derivation_input_bytes(psa_key_derivation_operation_t *operation,
                                            psa_key_derivation_step_t step, const uint8_t *data,
                                            size_t data_length);
psa_status_t psa_key_derivation_input_integer(psa_key_derivation_operation_t *operation,
                                              psa_key_derivation_step_t step, uint64_t value);

/** Needs usage DERIVE, or VERIFY_DERIVATION when the result is only compared. */
psa_status_t psa_key_derivation_input_key(psa_key_derivation_operation_t *operation,
                                          psa_key_derivation_step_t step, psa_key_id_t key);
psa_status_t psa_key_derivation_key_agreement(psa_key_derivation_operation_t *operation,
                                              psa_key_derivation_step_t step,
                                              psa_key_id_t private_key, const uint8_t *peer_key,
                                              size_t peer_key_length);

/** errors  PSA_ERROR_INSUFFICIENT_DATA  more than the capacity; nothing is left then */
psa_status_t psa_key_derivation_output_bytes(psa_key_derivation_operation_t *operation,
                                             uint8_t *output, size_t output_length);

/** Takes the key's bytes from the stream; they do not leave the secure world. */
psa_status_t psa_key_derivation_output_key(const psa_key_attributes_t *attributes,
                                           psa_key_derivation_operation_t *operation,
                                           psa_key_id_t *key);
psa_status_t psa_key_derivation_output_key_custom(const psa_key_attributes_t *attributes,
                                                  psa_key_derivation_operation_t *operation,
                                                  const psa_custom_key_parameters_t *custom,
                                                  const uint8_t *custom_data,
                                                  size_t custom_data_length, psa_key_id_t *key);

/** Compares what comes next with the expected bytes, in the secure world.
 *  errors  PSA_ERROR_INVALID_SIGNATURE   they differ; the operation is in its error state
 *          PSA_ERROR_INSUFFICIENT_DATA  as for output */
psa_status_t psa_key_derivation_verify_bytes(psa_key_derivation_operation_t *operation,
                                             const uint8_t *expected, size_t expected_length);

/** The same against a key of type PASSWORD_HASH with usage VERIFY_DERIVATION. */
psa_status_t psa_key_derivation_verify_key(psa_key_derivation_operation_t *operation,
                                           psa_key_id_t expected);
psa_status_t psa_key_derivation_abort(psa_key_derivation_operation_t *operation);

/* ---- key agreement ---- */

/** The shared secret as a new key: DERIVE, RAW_DATA, HMAC or PASSWORD.
 *  errors  PSA_ERROR_INVALID_ARGUMENT  another output type, a size that is not the secret's, a peer
 *                                      key of another curve or group, or no plain agreement */
psa_status_t psa_key_agreement(psa_key_id_t private_key, const uint8_t *peer_key,
                               size_t peer_key_length, psa_algorithm_t alg,
                               const psa_key_attributes_t *attributes, psa_key_id_t *key);

/** The shared secret as bytes. units PSA_RAW_KEY_AGREEMENT_OUTPUT_SIZE */
psa_status_t psa_raw_key_agreement(psa_algorithm_t alg, psa_key_id_t private_key,
                                   const uint8_t *peer_key, size_t peer_key_length, uint8_t *output,
                                   size_t output_size, size_t *output_length);

/* ---- password-authenticated key exchange ---- */

/** The password goes in here: a key of type PASSWORD or PASSWORD_HASH (SPAKE2+: its own types)
 *  with usage DERIVE, to be kept until the exchange is over. */
psa_status_t psa_pake_setup(psa_pake_operation_t *operation, psa_key_id_t password_key,
                            const psa_pake_cipher_suite_t *cipher_suite);
psa_status_t psa_pake_set_role(psa_pake_operation_t *operation, psa_pake_role_t role);
psa_status_t psa_pake_set_user(psa_pake_operation_t *operation, const uint8_t *user_id,
                               size_t user_id_len);
psa_status_t psa_pake_set_peer(psa_pake_operation_t *operation, const uint8_t *peer_id,
                               size_t peer_id_len);
psa_status_t psa_pake_set_context(psa_pake_operation_t *operation, const uint8_t *context,
                                  size_t context_len);

/** units   PSA_PAKE_OUTPUT_SIZE */
psa_status_t psa_pake_output(psa_pake_operation_t *operation, psa_pake_step_t step, uint8_t *output,
                             size_t output_size, size_t *output_length);

/** errors  PSA_ERROR_INVALID_SIGNATURE  the peer's proof or confirmation is wrong */
psa_status_t psa_pake_input(psa_pake_operation_t *operation, psa_pake_step_t step,
                            const uint8_t *input, size_t input_length);

/** The shared secret as a new key (DERIVE or HMAC); ends the exchange. */
psa_status_t psa_pake_get_shared_key(psa_pake_operation_t *operation,
                                     const psa_key_attributes_t *attributes, psa_key_id_t *key);
psa_status_t psa_pake_abort(psa_pake_operation_t *operation);

/* ---- random bytes ---- */

psa_status_t psa_generate_random(uint8_t *output, size_t output_size);

#ifdef __cplusplus
}
#endif

#endif
