/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/attest/settings.h"

static bool digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

/* RFC 9783 §4.2.3: an EAN-13, a hyphen, five digits. */
static bool certification_ok(const tsr_attest_settings *s)
{
    return s->certification_len == TSR_ATTEST_CERTIFICATION && digits(s->certification, 13) &&
           s->certification[13] == '-' && digits(s->certification + 14, 5);
}

static bool verification_ok(const tsr_attest_settings *s)
{
    if (s->verification_len == 0 || s->verification_len > TSR_ATTEST_VERIFICATION_MAX)
        return false;
    for (size_t i = 0; i < s->verification_len; i++)
        if (s->verification[i] <= ' ' || s->verification[i] > '~')
            return false;
    return true;
}

/* An asset that need not be there; longer than its place is as bad as of a wrong form. */
static psa_status_t take(tsr_its *its, psa_storage_uid_t uid, void *out, size_t cap, size_t *len)
{
    struct psa_storage_info_t info;
    psa_status_t status = tsr_its_get_info(its, TSR_ITS_ATTEST, uid, &info);

    *len = 0;
    if (status == PSA_ERROR_DOES_NOT_EXIST)
        return PSA_SUCCESS;
    if (status != PSA_SUCCESS)
        return status;
    if (info.size == 0 || info.size > cap)
        return PSA_ERROR_DATA_INVALID;
    return tsr_its_get(its, TSR_ITS_ATTEST, uid, 0, cap, out, len);
}

psa_status_t tsr_attest_settings_load(tsr_its *its, tsr_attest_settings *s)
{
    size_t len;
    psa_status_t status;

    *s = (tsr_attest_settings){ .provisioned = false };
    status =
        take(its, TSR_ATTEST_UID_IMPLEMENTATION, s->implementation, sizeof s->implementation, &len);
    s->provisioned = len > 0;
    if (status == PSA_SUCCESS && len != 0 && len != sizeof s->implementation)
        status = PSA_ERROR_DATA_INVALID;
    if (status == PSA_SUCCESS)
        status = take(its, TSR_ATTEST_UID_CERTIFICATION, s->certification, sizeof s->certification,
                      &s->certification_len);
    if (status == PSA_SUCCESS && s->certification_len > 0 && !certification_ok(s))
        status = PSA_ERROR_DATA_INVALID;
    if (status == PSA_SUCCESS)
        status = take(its, TSR_ATTEST_UID_VERIFICATION, s->verification, sizeof s->verification,
                      &s->verification_len);
    if (status == PSA_SUCCESS && s->verification_len > 0 && !verification_ok(s))
        status = PSA_ERROR_DATA_INVALID;
    return status;
}

static psa_status_t put(tsr_its *its, psa_storage_uid_t uid, const void *data, size_t len)
{
    return len == 0 ? PSA_SUCCESS
                    : tsr_its_set(its, TSR_ITS_ATTEST, uid, len, data, PSA_STORAGE_FLAG_WRITE_ONCE);
}

psa_status_t tsr_attest_settings_store(tsr_its *its, const tsr_attest_settings *s)
{
    psa_status_t status;

    if ((s->certification_len > 0 && !certification_ok(s)) ||
        (s->verification_len > 0 && !verification_ok(s)))
        return PSA_ERROR_INVALID_ARGUMENT;
    status = put(its, TSR_ATTEST_UID_IMPLEMENTATION, s->implementation, sizeof s->implementation);
    if (status == PSA_SUCCESS)
        status = put(its, TSR_ATTEST_UID_CERTIFICATION, s->certification, s->certification_len);
    if (status == PSA_SUCCESS)
        status = put(its, TSR_ATTEST_UID_VERIFICATION, s->verification, s->verification_len);
    return status;
}
