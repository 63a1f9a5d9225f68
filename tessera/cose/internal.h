/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the sources of this room only. */
#ifndef TESSERA_COSE_INTERNAL_H
#define TESSERA_COSE_INTERNAL_H

#include "tessera/cose/cose.h"

/** What is signed, MACed or authenticated (Sig_structure, MAC_structure, Enc_structure), as slices
 *  in their order: no byte of the payload is copied. */
typedef struct {
    tsr_bytes slice[6];
    size_t count, total; /* slices; bytes in all of them */
    uint8_t heads[48];
} tsr_cose_structure;

/** payload NULL: an Enc_structure. The structure points into itself, so it must not be copied. */
void tsr_cose_structure_make(tsr_cose_structure *s, const char *context, tsr_bytes protected_map,
                             tsr_bytes external_aad, const tsr_bytes *payload);

/** The slices behind one another. errors TSR_E_SPACE */
tsr_err tsr_cose_structure_join(const tsr_cose_structure *s, tsr_buf *out);

/** The one table from PSA's words to ours. */
tsr_err tsr_cose_status(psa_status_t status);

/** Checks that a key is of the kind that an algorithm needs; *policy is the key's own algorithm.
 *  errors TSR_E_TYPE, TSR_E_CRYPTO */
tsr_err tsr_cose_fits(const tsr_cose_alg *alg, tsr_cose_key_id key, psa_algorithm_t *policy);

/** What every check of a message begins with: kind, payload, algorithm, crit.
 *  errors TSR_E_ARGUMENT, TSR_E_DENIED, TSR_E_UNSUPPORTED, TSR_E_CRYPTO (length of the proof) */
tsr_err tsr_cose_ready(const tsr_cose_message *m, tsr_cose_kind kind, tsr_bytes detached,
                       tsr_bytes *payload, const tsr_cose_alg **alg);

/** Appends tag, array and both buckets; *protected_map shows the protected one within `out`. */
void tsr_cose_put_headers(tsr_buf *out, tsr_cose_kind kind, const tsr_cose_params *p,
                          tsr_bytes *protected_map);

/** header.c: both buckets of `m` into its other fields. */
tsr_err tsr_cose_read_headers(tsr_cose_message *m);

#endif
