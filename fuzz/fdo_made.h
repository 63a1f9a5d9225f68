/* SPDX-License-Identifier: Apache-2.0
 *
 * A device that was made here (DI), for fuzzers of what comes after. */
#ifndef FUZZ_FDO_MADE_H
#define FUZZ_FDO_MADE_H

#include "fuzz/fuzz.h"
#include "server/fdo/inventory.h"
#include "tessera/net/csr.h"

/** Its key, its GUID, and its voucher as the services keep it, on the heap. */
static inline void fdo_made(tsr_fdo *f, tsr_cose_key_id *key, uint8_t guid[TSR_FDO_GUID], tsr_buf *voucher)
{
    static uint8_t request[1024], first[1400];
    static const uint8_t mac[32] = { 2 };
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    tsr_buf csr = tsr_buf_over(request, sizeof request), out = tsr_buf_over(first, sizeof first);
    tsr_fdo_mfg_info info = { TSR_FDO_SECP256R1, TSR_FDO_X509, tsr_text("1"), tsr_text("d"), { NULL, 0 } };
    tsr_fdo_ov_header h;
    tsr_fdo_answer answer;
    tsr_bytes header = { NULL, 0 };
    char token[40];

    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_algorithm(&a, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_HASH);
    must(psa_generate_key(&a, key) == PSA_SUCCESS);
    must(tsr_csr_write_der(*key, "d", &csr) == TSR_OK);
    info.csr = tsr_buf_view(&csr);
    tsr_fdo_app_start_write(&out, &info);
    tsr_fdo_message(f, TSR_FDO_DI_APP_START, "", tsr_buf_view(&out), &answer);
    must(answer.type == TSR_FDO_DI_SET_CREDENTIALS);
    must(tsr_fdo_set_credentials_read(tsr_buf_view(&answer.body), &header) == TSR_OK &&
         tsr_fdo_ov_header_read(header, &h) == TSR_OK);
    memcpy(guid, h.guid.ptr, TSR_FDO_GUID);
    memcpy(token, answer.token, sizeof token);
    free(answer.body.ptr);
    out.len = 0;
    tsr_fdo_set_hmac_write(&out, &(tsr_fdo_hash){ TSR_FDO_HMAC256, { mac, sizeof mac } });
    tsr_fdo_message(f, TSR_FDO_DI_SET_HMAC, token, tsr_buf_view(&out), &answer);
    must(answer.type == TSR_FDO_DI_DONE);
    free(answer.body.ptr);
    must(fdo_inventory_voucher(f, tsr_view(guid, TSR_FDO_GUID), voucher) == TSR_OK);
}

#endif
