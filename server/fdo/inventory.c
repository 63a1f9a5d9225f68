/* SPDX-License-Identifier: Apache-2.0 */
#include "server/fdo/inventory.h"
#include "server/fdo/to0.h"

#include <stdlib.h>

#include "server/rest/put.h"
#include "server/rest/room.h"
#include "tessera/json/json.h"

/* A member as it was; "" when there was none. */
static void keep_text(const tsr_json *old, const char *key, const char *now,
                      char out[FDO_TEXT_MAX + 1])
{
    out[0] = 0;
    if (now != NULL)
        memcpy(out, now, strlen(now) + 1);
    else if (old->kind == TSR_JSON_OBJECT)
        (void)tsr_json_find_cstring(old, key, out, FDO_TEXT_MAX + 1);
}

static tsr_err put_device(tsr_buf *out, const char *guid, const fdo_device *d, const tsr_json *old,
                          uint64_t entries)
{
    char serial[FDO_TEXT_MAX + 1], info[FDO_TEXT_MAX + 1], since[FDO_TEXT_MAX + 1];
    char group[FDO_TEXT_MAX + 1], state[FDO_TEXT_MAX + 1], next[FDO_TEXT_MAX + 1];
    char endpoint[FDO_TEXT_MAX + 1];
    tsr_json_out j = tsr_json_to(out);

    keep_text(old, "serial", d->serial, serial);
    keep_text(old, "device_info", d->info, info);
    keep_text(old, "since", NULL, since);
    keep_text(old, "group", d->group, group);
    keep_text(old, "state", d->state, state);
    keep_text(old, "replaced_by", d->next, next);
    keep_text(old, "endpoint", d->endpoint, endpoint);
    rest_room(out, 4096);
    tsr_json_open_object(&j);
    rest_put_text(&j, "guid", guid);
    rest_put_text(&j, "state", state);
    rest_put_text(&j, "serial", serial);
    rest_put_text(&j, "device_info", info);
    if (endpoint[0] != 0)
        rest_put_text(&j, "endpoint", endpoint);
    if (group[0] != 0)
        rest_put_text(&j, "group", group);
    rest_put_count(&j, "entries", entries);
    if (strcmp(state, "replaced") == 0)
        rest_put_text(&j, "replaced_by", next);
    if (since[0] != 0)
        rest_put_text(&j, "since", since);
    else
        rest_put_moment(&j, "since", fdo_now_ms());
    rest_put_moment(&j, "changed_at", fdo_now_ms());
    tsr_json_close(&j);
    return tsr_json_end(&j) == TSR_OK ? out->err : TSR_E_SPACE;
}

tsr_err fdo_inventory_follow(tsr_fdo *f, tsr_bytes from, tsr_bytes guid, tsr_bytes voucher,
                             const fdo_device *device)
{
    char name[FDO_GUID_TEXT], before[FDO_GUID_TEXT];
    tsr_buf old = { 0 }, out = { 0 };
    tsr_json root = { 0 };
    tsr_fdo_voucher v;
    tsr_err err = tsr_fdo_voucher_read(voucher, &v);

    fdo_guid_text(guid, name);
    fdo_guid_text(from, before);
    if (err == TSR_OK && fdo_fetch(f, TSR_STORE_FDO_DEVICE, before, &old) == TSR_OK)
        (void)tsr_json_parse(tsr_buf_view(&old), &root, NULL);
    if (err == TSR_OK)
        err = fdo_keep(f, TSR_STORE_FDO_VOUCHER, name, "", 0, voucher);
    if (err == TSR_OK)
        err = put_device(&out, name, device, &root, v.count);
    if (err == TSR_OK)
        err = fdo_keep(f, TSR_STORE_FDO_DEVICE, name, "", 0, tsr_buf_view(&out));
    if (err == TSR_OK)
        fdo_to0_note(f, name);
    free(old.ptr);
    free(out.ptr);
    fdo_log(f, err != TSR_OK, "fdo: device %s %s%s", name, device->state,
            err != TSR_OK ? ", but the store failed" : "");
    return err;
}

tsr_err fdo_inventory_add(tsr_fdo *f, tsr_bytes guid, tsr_bytes voucher, const fdo_device *device)
{
    return fdo_inventory_follow(f, guid, guid, voucher, device);
}

tsr_err fdo_inventory_note(tsr_fdo *f, const char *guid, const fdo_device *device)
{
    tsr_buf old = { 0 }, out = { 0 };
    tsr_json root = { 0 };
    uint64_t entries = 0;
    tsr_err err = fdo_fetch(f, TSR_STORE_FDO_DEVICE, guid, &old);

    if (err == TSR_OK)
        err = tsr_json_parse(tsr_buf_view(&old), &root, NULL);
    if (err == TSR_OK) {
        (void)tsr_json_find_uint(&root, "entries", &entries);
        err = put_device(&out, guid, device, &root, entries);
    }
    if (err == TSR_OK)
        err = fdo_keep(f, TSR_STORE_FDO_DEVICE, guid, "", 0, tsr_buf_view(&out));
    free(old.ptr);
    free(out.ptr);
    return err;
}

bool fdo_inventory_is(tsr_fdo *f, const char *guid, const char *state)
{
    char text[FDO_TEXT_MAX + 1] = "";
    tsr_buf body = { 0 };
    tsr_json root;

    if (fdo_fetch(f, TSR_STORE_FDO_DEVICE, guid, &body) == TSR_OK &&
        tsr_json_parse(tsr_buf_view(&body), &root, NULL) == TSR_OK)
        (void)tsr_json_find_cstring(&root, "state", text, sizeof text);
    free(body.ptr);
    return strcmp(text, state) == 0;
}

tsr_err fdo_inventory_voucher(tsr_fdo *f, tsr_bytes guid, tsr_buf *voucher)
{
    char name[FDO_GUID_TEXT];

    fdo_guid_text(guid, name);
    return fdo_fetch(f, TSR_STORE_FDO_VOUCHER, name, voucher);
}
