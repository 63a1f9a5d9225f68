/* SPDX-License-Identifier: Apache-2.0
 *
 * All suites, for whoever answers any peer. */
#include "tessera/fdo/session.h"

static const tsr_fdo_cipher *const all[] = {
    &tsr_fdo_a128gcm,        &tsr_fdo_a192gcm,        &tsr_fdo_a256gcm,   &tsr_fdo_ccm_16_128_128,
    &tsr_fdo_ccm_16_128_256, &tsr_fdo_ccm_64_128_128, &tsr_fdo_ccm_64_128_256, &tsr_fdo_aes128cbc,
    &tsr_fdo_aes128ctr,      &tsr_fdo_aes256cbc,      &tsr_fdo_aes256ctr,
};

const tsr_fdo_cipher *tsr_fdo_cipher_find(int64_t id)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i]->id == id)
            return all[i];
    return NULL;
}
