/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/storage/its.h"

#include "secure/storage/log.h"

/* Secure Storage 1.0.4: whatever else is set in the flags was asked for and cannot be had. The two
 * waivers are honoured by giving more than was asked for. */
#define FLAGS_KNOWN                                                                                \
    (PSA_STORAGE_FLAG_WRITE_ONCE | PSA_STORAGE_FLAG_NO_CONFIDENTIALITY |                           \
     PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION)

static tsr_store_key key_of(int32_t client, psa_storage_uid_t uid)
{
    return (tsr_store_key){ (uint32_t)client, uid };
}

static psa_status_t status_of(tsr_err err)
{
    switch (err) {
    case TSR_OK: return PSA_SUCCESS;
    case TSR_E_NOT_FOUND: return PSA_ERROR_DOES_NOT_EXIST;
    case TSR_E_TYPE: return PSA_ERROR_INVALID_ARGUMENT;
    case TSR_E_ARGUMENT: /* longer than any value */
    case TSR_E_SPACE: return PSA_ERROR_INSUFFICIENT_STORAGE;
    default: return PSA_ERROR_STORAGE_FAILURE;
    }
}

static psa_status_t check_names(int32_t client, psa_storage_uid_t uid)
{
    if (uid == 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    return client == 0 ? PSA_ERROR_NOT_PERMITTED : PSA_SUCCESS;
}

static bool locked(const tsr_its *its, const tsr_store_info *info)
{
    return (info->flags & PSA_STORAGE_FLAG_WRITE_ONCE) != 0 && !its->provisioning;
}

static bool over_quota(const tsr_its *its, int32_t client, size_t len, size_t old_len, bool exists)
{
    uint64_t used = tsr_store_used_by(its->store, (uint32_t)client);

    if (its->quota == 0 || client > 0)
        return false;
    if (exists)
        used -= tsr_store_footprint(its->store, old_len);
    else if (tsr_store_count_by(its->store, (uint32_t)client) >=
             tsr_store_share(its->store, its->quota))
        return true;
    return used + tsr_store_footprint(its->store, len) > its->quota;
}

psa_status_t tsr_its_set(tsr_its *its, int32_t client, psa_storage_uid_t uid, size_t len,
                         const void *data, psa_storage_create_flags_t flags)
{
    tsr_store_key key = key_of(client, uid);
    tsr_store_info old = { 0 };
    bool exists = tsr_store_info_of(its->store, key, &old) == TSR_OK;
    psa_status_t status = check_names(client, uid);

    if (status != PSA_SUCCESS)
        return status;
    if (data == NULL && len > 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    if ((flags & ~(psa_storage_create_flags_t)FLAGS_KNOWN) != 0)
        return PSA_ERROR_NOT_SUPPORTED;
    if (exists && locked(its, &old))
        return PSA_ERROR_NOT_PERMITTED;
    if (over_quota(its, client, len, old.len, exists))
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    return status_of(tsr_store_set(its->store, key, flags, tsr_view(data, len)));
}

psa_status_t tsr_its_get(tsr_its *its, int32_t client, psa_storage_uid_t uid, size_t offset,
                         size_t size, void *data, size_t *len)
{
    psa_status_t status = check_names(client, uid);
    uint8_t none;

    if (len == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    *len = 0;
    if (status != PSA_SUCCESS)
        return status;
    if (size >= its->buffer_max || (data == NULL && size > 0))
        return PSA_ERROR_INVALID_ARGUMENT;
    return status_of(tsr_store_get(its->store, key_of(client, uid), offset,
                                   data != NULL ? data : &none, size, len));
}

psa_status_t tsr_its_get_info(const tsr_its *its, int32_t client, psa_storage_uid_t uid,
                              struct psa_storage_info_t *info)
{
    psa_status_t status = check_names(client, uid);
    tsr_store_info found;

    if (status != PSA_SUCCESS)
        return status;
    if (info == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    status = status_of(tsr_store_info_of(its->store, key_of(client, uid), &found));
    if (status == PSA_SUCCESS)
        *info = (struct psa_storage_info_t){ found.len, found.len, found.flags };
    return status;
}

psa_status_t tsr_its_remove(tsr_its *its, int32_t client, psa_storage_uid_t uid)
{
    tsr_store_key key = key_of(client, uid);
    psa_status_t status = check_names(client, uid);
    tsr_store_info info;

    if (status != PSA_SUCCESS)
        return status;
    if (tsr_store_info_of(its->store, key, &info) != TSR_OK)
        return PSA_ERROR_DOES_NOT_EXIST;
    if (locked(its, &info))
        return PSA_ERROR_NOT_PERMITTED;
    return status_of(tsr_store_remove(its->store, key));
}

psa_status_t tsr_its_wipe(tsr_its *its, int32_t keep)
{
    tsr_err err = TSR_OK;

    for (size_t i = tsr_store_slots(its->store); i-- > 0 && err == TSR_OK;) {
        const tsr_store_entry *e = tsr_store_slot(its->store, i);

        if (e != NULL && e->key.space != (uint32_t)keep)
            err = tsr_store_remove(its->store, e->key);
    }
    return status_of(err);
}
