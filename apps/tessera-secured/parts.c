/* SPDX-License-Identifier: Apache-2.0
 *
 * The partitions, lower ones first: a part may use what stands above it in this list. */
#include "apps/tessera-secured/world.h"

const tsr_world_part tsr_world_parts[] = {
    { "tpm", tsr_part_tpm_open, tsr_part_tpm_close },
    { "its", tsr_part_its_open, tsr_part_its_close },
    { "crypto", tsr_part_crypto_open, tsr_part_crypto_close },
    { "root", tsr_part_root_open, tsr_part_root_close },
    { "ps", tsr_part_ps_open, tsr_part_ps_close },
    { "attest", tsr_part_attest_open, NULL },
    { "fwu", tsr_part_fwu_open, tsr_part_fwu_close },
};

const size_t tsr_world_part_count = sizeof tsr_world_parts / sizeof tsr_world_parts[0];
