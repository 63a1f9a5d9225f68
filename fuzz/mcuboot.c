/* SPDX-License-Identifier: Apache-2.0
 *
 * MCUboot images of any bytes. */
#include "fuzz/fuzz.h"
#include "tessera/suit/mcuboot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    uint8_t raw[64];
    tsr_mcuboot_header h;
    tsr_mcuboot_tlvs t;

    (void)tsr_mcuboot_signature(in, raw);
    if (tsr_mcuboot_header_read(in, &h) != TSR_OK)
        return 0;
    must(h.tlv_at >= h.header_len && h.tlv_at >= h.image_len && h.signed_len >= h.tlv_at);
    if (tsr_mcuboot_tlvs_read(&h, tsr_skip(in, h.tlv_at), &t) != TSR_OK)
        return 0;
    must(t.sha256.len == 32 && t.need_count <= TSR_MCUBOOT_NEEDS);
    must(t.len + h.tlv_at <= size && t.len >= h.protected_len);
    (void)tsr_mcuboot_signature(t.signature, raw);
    return 0;
}
