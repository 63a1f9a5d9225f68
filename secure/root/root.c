/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/root/root.h"

#define INFO_MAX 192u /* label, zero byte, context */

static psa_status_t status_of(tsr_err err)
{
    switch (err) {
    case TSR_OK: return PSA_SUCCESS;
    case TSR_E_NOT_FOUND: return PSA_ERROR_DOES_NOT_EXIST;
    case TSR_E_DENIED: return PSA_ERROR_NOT_PERMITTED;
    default: return PSA_ERROR_STORAGE_FAILURE;
    }
}

psa_status_t tsr_root_open(tsr_root *root, const tsr_root_source *source)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t huk[TSR_ROOT_BYTES];
    psa_status_t status = status_of(source->unseal(source->self, huk));

    *root = (tsr_root){ .open = false };
    psa_set_key_type(&attributes, PSA_KEY_TYPE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    if (status == PSA_SUCCESS)
        status = psa_import_key(&attributes, huk, sizeof huk, &root->huk);
    tsr_wipe(huk, sizeof huk);
    root->open = status == PSA_SUCCESS;
    return status;
}

/* A derivation that is ready for output. The zero byte keeps "ab" + "c" apart from "a" + "bc". */
static psa_status_t begin(const tsr_root *root, const char *label, tsr_bytes context,
                          psa_key_derivation_operation_t *op)
{
    uint8_t memory[INFO_MAX];
    tsr_buf info = tsr_buf_over(memory, sizeof memory);
    psa_status_t status;

    if (!root->open)
        return PSA_ERROR_BAD_STATE;
    tsr_put_text(&info, label);
    tsr_put_u8(&info, 0);
    tsr_put_bytes(&info, context);
    if (info.err != TSR_OK)
        return PSA_ERROR_INVALID_ARGUMENT;
    status = psa_key_derivation_setup(op, PSA_ALG_HKDF(PSA_ALG_SHA_256));
    if (status == PSA_SUCCESS)
        status = psa_key_derivation_input_key(op, PSA_KEY_DERIVATION_INPUT_SECRET, root->huk);
    if (status == PSA_SUCCESS)
        status =
            psa_key_derivation_input_bytes(op, PSA_KEY_DERIVATION_INPUT_INFO, info.ptr, info.len);
    return status;
}

psa_status_t tsr_root_key(const tsr_root *root, const char *label, tsr_bytes context,
                          const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *key)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_status_t status = begin(root, label, context, &op);

    if (status == PSA_SUCCESS)
        status = psa_key_derivation_output_key(attributes, &op, key);
    (void)psa_key_derivation_abort(&op);
    return status;
}

psa_status_t tsr_root_bytes(const tsr_root *root, const char *label, tsr_bytes context,
                            uint8_t *out, size_t len)
{
    psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
    psa_status_t status = begin(root, label, context, &op);

    if (status == PSA_SUCCESS)
        status = psa_key_derivation_output_bytes(&op, out, len);
    (void)psa_key_derivation_abort(&op);
    if (status != PSA_SUCCESS)
        tsr_wipe(out, len);
    return status;
}

void tsr_root_close(tsr_root *root)
{
    if (root->open)
        (void)psa_destroy_key(root->huk);
    *root = (tsr_root){ .open = false };
}
