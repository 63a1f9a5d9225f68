/* SPDX-License-Identifier: Apache-2.0
 *
 * Vouchers of any bytes: read, and verified. */
#include "fuzz/fuzz.h"
#include "tessera/fdo/voucher.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_fdo_voucher v;
    tsr_fdo_key owner, device;
    tsr_fdo_fault fault;
    tsr_bytes entry;
    tsr_err err = tsr_fdo_voucher_read(tsr_view(data, size), &v);

    if (err != TSR_OK)
        return 0;
    must(v.count <= TSR_FDO_ENTRIES_MAX);
    for (size_t i = 0; i < v.count; i++)
        must(tsr_fdo_voucher_entry(&v, i, &entry) == TSR_OK);
    must(tsr_fdo_voucher_entry(&v, v.count, &entry) == TSR_E_NOT_FOUND);
    (void)tsr_fdo_voucher_device(&v, &device);
    err = tsr_fdo_voucher_verify(&v, &owner, &fault);
    must(err == TSR_OK || fault.what != NULL);
    must(err != TSR_OK || owner.bits != 0);
    return 0;
}
