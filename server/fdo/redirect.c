/* SPDX-License-Identifier: Apache-2.0 */
#include "server/fdo/redirect.h"
#include "server/rest/room.h"

#include <stdlib.h>

#include "tessera/cbor/cbor.h"

tsr_err fdo_redirect_read(tsr_bytes in, fdo_redirect *redirect)
{
    fdo_redirect d = { 0 };

    if (tsr_fdo_get_array(&in, 4) != TSR_OK || tsr_cbor_get_uint(&in, &d.entries) != TSR_OK ||
        tsr_cbor_get_int(&in, &d.ends_s) != TSR_OK ||
        tsr_cbor_get_bytes(&in, &d.device_key) != TSR_OK ||
        tsr_cbor_get_bytes(&in, &d.to1d) != TSR_OK ||
        tsr_fdo_key_of_certificate(d.device_key, &d.key) != TSR_OK)
        return TSR_E_MALFORMED;
    *redirect = d;
    return TSR_OK;
}

tsr_err fdo_redirect_find(tsr_fdo *f, tsr_bytes guid, tsr_buf *room, fdo_redirect *redirect)
{
    char name[FDO_GUID_TEXT];
    tsr_err err;

    fdo_guid_text(guid, name);
    err = fdo_fetch(f, TSR_STORE_FDO_REDIRECT, name, room);
    if (err == TSR_OK)
        err = fdo_redirect_read(tsr_buf_view(room), redirect);
    if (err == TSR_OK && redirect->ends_s <= fdo_now_ms() / 1000)
        return TSR_E_NOT_FOUND;
    return err;
}

tsr_err fdo_redirect_keep(tsr_fdo *f, tsr_bytes guid, const fdo_redirect *redirect)
{
    char name[FDO_GUID_TEXT];
    tsr_buf body = { 0 };
    fdo_redirect old;
    tsr_err err = fdo_redirect_find(f, guid, &body, &old);

    if (err == TSR_OK && old.entries > redirect->entries) {
        free(body.ptr);
        return TSR_E_DENIED;
    }
    body.len = 0;
    rest_room(&body, 64 + redirect->device_key.len + redirect->to1d.len);
    tsr_cbor_put_array(&body, 4);
    tsr_cbor_put_uint(&body, redirect->entries);
    tsr_cbor_put_int(&body, redirect->ends_s);
    tsr_cbor_put_bytes(&body, redirect->device_key);
    tsr_cbor_put_bytes(&body, redirect->to1d);
    fdo_guid_text(guid, name);
    err = body.err;
    if (err == TSR_OK)
        err = fdo_keep(f, TSR_STORE_FDO_REDIRECT, name, "", redirect->ends_s, tsr_buf_view(&body));
    free(body.ptr);
    return err;
}
