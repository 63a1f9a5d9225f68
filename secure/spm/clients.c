/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/spm/clients.h"

tsr_err tsr_spm_name(tsr_spm_clients *c, uint32_t uid, int32_t client)
{
    if (client >= 0)
        return TSR_E_ARGUMENT;
    for (size_t i = 0; i < c->count; i++)
        if (c->named[i].uid == uid)
            return TSR_E_EXISTS;
    if (c->count == TSR_SPM_CLIENTS_MAX)
        return TSR_E_SPACE;
    c->named[c->count++] = (tsr_spm_named){ uid, client };
    return TSR_OK;
}

tsr_err tsr_spm_name_text(tsr_spm_clients *c, tsr_bytes text)
{
    size_t at = 0;
    uint64_t uid;
    int64_t client;

    while (at < text.len && text.ptr[at] != '=')
        at++;
    if (tsr_dec(tsr_first(text, at), &uid) != TSR_OK ||
        tsr_sdec(tsr_skip(text, at + 1), &client) != TSR_OK || uid > UINT32_MAX)
        return TSR_E_MALFORMED;
    if (client < INT32_MIN || client >= 0)
        return TSR_E_ARGUMENT;
    return tsr_spm_name(c, (uint32_t)uid, (int32_t)client);
}

tsr_err tsr_spm_client_of(const tsr_spm_clients *c, uint32_t uid, int32_t *client)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->named[i].uid == uid) {
            *client = c->named[i].client;
            return TSR_OK;
        }
    if (uid == TSR_SPM_NOBODY || uid >= INT32_MAX)
        return TSR_E_DENIED;

    int32_t own = -(int32_t)uid - 1;

    for (size_t i = 0; i < c->count; i++)
        if (c->named[i].client == own)
            return TSR_E_EXISTS;
    *client = own;
    return TSR_OK;
}
