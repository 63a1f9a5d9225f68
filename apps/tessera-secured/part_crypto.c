/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-secured/world.h"
#include "ports/linux/secured/log.h"

tsr_err tsr_part_crypto_open(tsr_world *w)
{
    const tsr_secured_options *o = w->options;

    w->places[0] = &w->tpm.location;
    w->crypto = (tsr_crypto){
        .its = &w->store.its,
        .keys = w->keys,
        .key_count = TSR_WORLD_KEYS,
        .ops = w->ops,
        .op_count = TSR_WORLD_OPERATIONS,
        .keys_each = o->keys_each,
        .ops_each = o->ops_each,
        .persistent_each = o->persistent_each,
        .locations = w->places,
        .location_count = o->tpm != NULL ? 1 : 0,
    };

    psa_status_t status = tsr_crypto_open(&w->crypto);

    if (status != PSA_SUCCESS) {
        tsr_log("error", "crypto.failed", "status=%d", status);
        return TSR_E_CRYPTO;
    }
    return tsr_world_serve(w, (tsr_spm_service){ TSR_PSA_CRYPTO_HANDLE, &w->crypto, tsr_crypto_call,
                                                 tsr_crypto_gone });
}

void tsr_part_crypto_close(tsr_world *w) { tsr_crypto_close(&w->crypto); }
