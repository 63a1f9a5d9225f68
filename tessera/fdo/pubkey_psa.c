/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys into PSA, and signatures that they verify. */
#include "tessera/fdo/types.h"

static tsr_err import(const tsr_fdo_key *k, psa_algorithm_t alg, psa_key_usage_t usage,
                      tsr_cose_key_id *id)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t point[97];
    tsr_buf out = tsr_buf_over(point, sizeof point);
    tsr_bytes material = k->rsa;
    psa_status_t status;

    psa_set_key_type(&a, PSA_KEY_TYPE_RSA_PUBLIC_KEY);
    if (material.ptr == NULL) {
        tsr_put_u8(&out, 4);
        tsr_put_bytes(&out, k->x);
        tsr_put_bytes(&out, k->y);
        material = tsr_buf_view(&out);
        psa_set_key_type(&a, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    }
    psa_set_key_bits(&a, k->bits);
    psa_set_key_algorithm(&a, alg);
    psa_set_key_usage_flags(&a, usage);
    status = psa_import_key(&a, material.ptr, material.len, id);
    psa_reset_key_attributes(&a);
    if (status == PSA_ERROR_NOT_SUPPORTED)
        return TSR_E_UNSUPPORTED;
    return status == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
}

tsr_err tsr_fdo_key_import(const tsr_fdo_key *k, int64_t alg, tsr_cose_key_id *id)
{
    const tsr_cose_alg *known = tsr_cose_alg_find(alg);

    if (known == NULL)
        return TSR_E_UNSUPPORTED;
    if (!tsr_fdo_key_signs(k, alg))
        return TSR_E_TYPE;
    return import(k, known->psa, PSA_KEY_USAGE_VERIFY_HASH | PSA_KEY_USAGE_VERIFY_MESSAGE, id);
}

tsr_err tsr_fdo_key_import_oaep(const tsr_fdo_key *k, tsr_cose_key_id *id)
{
    if (k->rsa.ptr == NULL)
        return TSR_E_TYPE;
    return import(k, PSA_ALG_RSA_OAEP(PSA_ALG_SHA_256), PSA_KEY_USAGE_ENCRYPT, id);
}

tsr_err tsr_fdo_verify(const tsr_cose_message *m, const tsr_fdo_key *k)
{
    tsr_cose_key_id id;
    tsr_err err = tsr_fdo_key_import(k, m->alg, &id);

    if (err != TSR_OK)
        return err;
    err = tsr_cose_sign1_verify(m, id, tsr_view(NULL, 0), tsr_view(NULL, 0));
    (void)psa_destroy_key(id);
    return err;
}
