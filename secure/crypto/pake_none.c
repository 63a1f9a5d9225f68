/* SPDX-License-Identifier: Apache-2.0
 *
 * In place of pake.c where the core was built without a PAKE. */
#include "secure/crypto/internal.h"

static psa_status_t none(tsr_crypto_request *r)
{
    (void)r;
    return PSA_ERROR_NOT_SUPPORTED;
}

psa_status_t tsr_do_pake_setup(tsr_crypto_request *r) { return none(r); }
psa_status_t tsr_do_pake_set_role(tsr_crypto_request *r) { return none(r); }
psa_status_t tsr_do_pake_set_user(tsr_crypto_request *r) { return none(r); }
psa_status_t tsr_do_pake_set_peer(tsr_crypto_request *r) { return none(r); }
psa_status_t tsr_do_pake_set_context(tsr_crypto_request *r) { return none(r); }
psa_status_t tsr_do_pake_output(tsr_crypto_request *r) { return none(r); }
psa_status_t tsr_do_pake_input(tsr_crypto_request *r) { return none(r); }
psa_status_t tsr_do_pake_shared_key(tsr_crypto_request *r) { return none(r); }
void tsr_pake_end(psa_pake_operation_t *pake) { (void)pake; }
