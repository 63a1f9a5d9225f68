/* SPDX-License-Identifier: Apache-2.0
 *
 * Where Mbed TLS's PSA core keeps persistent keys: the ITS calls it makes, answered from the
 * store's space TSR_ITS_CRYPTO. Each set is durable before it returns. */
#include "psa/internal_trusted_storage.h"
#include "secure/crypto/service.h"

psa_status_t psa_its_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags)
{
    tsr_crypto *c = tsr_crypto_here();
    psa_status_t status =
        tsr_its_set(c->its, TSR_ITS_CRYPTO, uid, data_length, p_data, create_flags);

    if (status != PSA_SUCCESS)
        c->storage = status;
    return status;
}

psa_status_t psa_its_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                         size_t *p_data_length)
{
    return tsr_its_get(tsr_crypto_here()->its, TSR_ITS_CRYPTO, uid, data_offset, data_size, p_data,
                       p_data_length);
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    return tsr_its_get_info(tsr_crypto_here()->its, TSR_ITS_CRYPTO, uid, p_info);
}

psa_status_t psa_its_remove(psa_storage_uid_t uid)
{
    tsr_crypto *c = tsr_crypto_here();
    psa_status_t status = tsr_its_remove(c->its, TSR_ITS_CRYPTO, uid);

    if (status != PSA_SUCCESS)
        c->storage = status;
    return status;
}
