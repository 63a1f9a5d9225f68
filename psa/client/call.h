/* SPDX-License-Identifier: Apache-2.0
 *
 * One crypto call through the gate: a parameter block, up to two inputs, up to two outputs. */
#ifndef PSA_CLIENT_CALL_H
#define PSA_CLIENT_CALL_H

#include "psa/client/state.h"

#define TSR_CALL_BYTES (16384u + 512u) /* the longest output worth announcing */
#define TSR_FEED_BYTES 16384u          /* of a longer input this much goes over at a time */

/** Sends function `type` with `p` and `in`, and waits.
 *
 *  units   n_in at most 3, n_in + n_out at most 3; room above TSR_CALL_BYTES is not announced
 *  owner   out[i].len becomes the bytes written, 0 on failure
 *  errors  the service's status, or psa_call()'s own */
psa_status_t tsr_client_call(int32_t type, const tsr_wire_params *p, const psa_invec *in,
                             size_t n_in, psa_outvec *out, size_t n_out);

/** The same for a call that answers one 32-bit number. */
psa_status_t tsr_client_call_u32(int32_t type, const tsr_wire_params *p, const psa_invec *in,
                                 size_t n_in, uint32_t *value);

tsr_wire_attributes tsr_client_attributes(const psa_key_attributes_t *attributes);

/* Operations that live in the secure world (mac, cipher, aead): the client's struct holds their
 * number. Numbers start at random in every life of the service, so one of an earlier life finds
 * nothing. */
#define TSR_OPERATION_FAILED UINT32_MAX

/** Opens one. errors PSA_ERROR_BAD_STATE when *handle is in use, or the service's status */
psa_status_t tsr_operation_open(int32_t type, const tsr_wire_params *p, uint32_t *handle);

/** One step. Any failure, and a success when `last`, ends the operation. */
psa_status_t tsr_operation_step(int32_t type, uint32_t *handle, tsr_wire_params *p,
                                const psa_invec *in, size_t n_in, psa_outvec *out, size_t n_out,
                                bool last);

/** Feeds an operation input of any length, in parts that one call carries. `out` may be NULL;
 *  out->len becomes the bytes written by all parts, 0 on failure. */
psa_status_t tsr_operation_feed(int32_t type, uint32_t *handle, tsr_bytes input, psa_outvec *out);

/** Always PSA_SUCCESS; harmless twice. */
psa_status_t tsr_operation_abort(uint32_t *handle);

/* Notes about volatile keys of ours (key.c), so that a policy can be checked without a crossing. */
void tsr_note_add(tsr_psa_client *c, uint32_t id, const tsr_wire_attributes *attributes);
void tsr_note_drop(tsr_psa_client *c, uint32_t id);
const tsr_wire_attributes *tsr_note_find(tsr_psa_client *c, uint32_t id);

/** Sends ahead the inputs of every derivation that has `key` among those still on the near side:
 * the key is about to be destroyed, and the operation must go on. */
void tsr_derivations_settle(tsr_psa_client *c, uint32_t key);

/** Forgets notes and random bytes when the gate's generation has changed: the notes are about keys
 *  that are gone, and after a fork both processes would hand out the same bytes. */
void tsr_client_refresh(tsr_psa_client *c);

#endif
