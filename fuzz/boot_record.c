/* SPDX-License-Identifier: Apache-2.0
 *
 * Boot records of any bytes: what is read can be written, and reads as the same again. */
#include "fuzz/fuzz.h"
#include "secure/attest/boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[TSR_BOOT_RECORD_MAX];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_boot_record r, again;

    if (tsr_boot_record_read(tsr_view(data, size), &r) != TSR_OK)
        return 0;
    must(r.count <= TSR_BOOT_COMPONENTS);
    tsr_boot_record_write(&out, &r);
    must(out.err == TSR_OK && out.len <= size);
    must(tsr_boot_record_read(tsr_buf_view(&out), &again) == TSR_OK);
    must(again.count == r.count && tsr_same(again.seed, r.seed));
    for (size_t i = 0; i < r.count; i++)
        must(tsr_same(again.component[i].type, r.component[i].type) &&
             tsr_same(again.component[i].measurement, r.component[i].measurement) &&
             tsr_same(again.component[i].signer, r.component[i].signer));
    return 0;
}
